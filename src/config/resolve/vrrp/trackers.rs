//! What instances and groups watch.

use super::Vrrps;
use crate::config::draft::vrrp::{Instance as Draft, Tracker as TrackerDraft, Trackers as TrackersDraft};
use crate::config::resolve::track::{Known, Names};
use crate::model::track::{Tracker, Trackers, Weight};
use crate::model::vrrp::Priority;
use std::collections::HashSet;

/// A kind of object with a name, as messages call it.
#[derive(Clone, Copy)]
struct Named<'a> {
    kind: &'static str,
    keyword: &'static str,
    names: &'a Names,
}

impl Vrrps<'_, '_> {
    /// The lines of an instance or a group: what they name must exist, and be named once.
    pub(super) fn trackers(&mut self, owner: &str, drafts: TrackersDraft) -> Trackers {
        let interfaces = self.tracked_interfaces(owner, drafts.interfaces);
        let trackable = std::mem::take(&mut self.trackable);
        let named = |kind, keyword, names| Named { kind, keyword, names };
        let trackers = Trackers {
            interfaces,
            scripts: self.tracked(owner, named("script", "track_script", &trackable.scripts), drafts.scripts),
            files: self.tracked(owner, named("file", "track_file", &trackable.files), drafts.files),
            processes: self.tracked(owner, named("process", "track_process", &trackable.processes), drafts.processes),
            bfd: self.tracked(owner, named("bfd", "track_bfd", &trackable.bfd), drafts.bfd),
        };
        self.trackable = trackable;
        trackers
    }

    fn tracked_interfaces(&mut self, owner: &str, drafts: Vec<TrackerDraft>) -> Vec<Tracker> {
        let mut seen = HashSet::new();
        let mut trackers = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let TrackerDraft { at, name, .. } = &draft;
            if !self.resolver.is_interface(name) {
                self.resolver.missing_interface(*at, name, format!("({owner}) tracked interface {name} doesn't exist"));
            } else if seen.insert(name.clone()) {
                trackers.push(tracker(&draft, Weight::default()));
            } else {
                self.error(*at, format!("({owner}) duplicate track_interface {name} - ignoring"));
            }
        }
        trackers
    }

    fn tracked(&mut self, owner: &str, named: Named<'_>, drafts: Vec<TrackerDraft>) -> Vec<Tracker> {
        let mut seen = HashSet::new();
        let mut trackers = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let TrackerDraft { at, name, .. } = &draft;
            let (kind, keyword) = (named.kind, named.keyword);
            match named.names.before(name, *at) {
                None => {
                    let text = format!("({owner}) track {kind} {name} not found, ignoring...");
                    self.error(*at, text).word(name).hint(format!("a {kind} must be defined before it is tracked"));
                }
                Some(_) if !seen.insert(name.clone()) => {
                    self.error(*at, format!("({owner}) duplicate {keyword} {name} - ignoring")).word(name);
                }
                Some(Known { weight, works: true, .. }) => trackers.push(tracker(&draft, weight)),
                Some(Known { works: false, .. }) => {}
            }
        }
        trackers
    }

    /// Fits the trackers of an instance to its interface and priority.
    pub(super) fn own_trackers(&mut self, draft: &Draft, interface: Option<&str>, priority: Priority, mut trackers: Trackers) -> Trackers {
        let (name, at) = (&draft.name, draft.at);
        trackers.interfaces.retain(|tracker| {
            let own = interface == Some(&*tracker.name);
            if own {
                let text = format!("({name}) Ignoring track_interface {} since own interface", tracker.name);
                self.fault(at, text).hint("the instance's own interface is always watched, but for dont_track_primary");
            }
            !own
        });
        if priority.is_owner() {
            self.weightless(draft, &mut trackers);
        }
        trackers
    }

    /// The priority of an owner does not change: nothing can weigh on it.
    fn weightless(&mut self, draft: &Draft, trackers: &mut Trackers) {
        let (name, at) = (&draft.name, draft.at);
        let mut drop = |text: String| {
            self.fault(at, text);
            false
        };
        trackers
            .interfaces
            .retain(|t| t.weight.value == 0 || drop(format!("({name}) ignoring {} tracked interface due to address owner", t.name)));
        trackers.scripts.retain(|t| {
            t.weight.value == 0 || drop(format!("({name}) ignoring tracked script {} with weights due to address_owner", t.name))
        });
        trackers.bfd.retain(|t| {
            let weight = t.weight.value;
            weight == 0 || drop(format!("({name}) ignoring tracked bfd {} with weight {weight} due to address_owner", t.name))
        });
        self.weigh_files(name, at, "address_owner", &mut trackers.files);
    }

    /// Files that must not weigh: one of the usual weight still counts as a fault, any other is left out.
    pub(super) fn weigh_files(&mut self, name: &str, at: crate::config::diagnostic::Origin, why: &str, files: &mut Vec<Tracker>) {
        files.retain_mut(|t| match t.weight.value {
            0 => true,
            1 => {
                let text = format!("({name}) ignoring weight from tracked file {} due to {why}. specify weight 0", t.name);
                self.fault(at, text);
                t.weight.value = 0;
                true
            }
            weight => {
                self.fault(at, format!("({name}) ignoring tracked file {} with weight {weight} due to {why}", t.name));
                false
            }
        });
    }
}

fn tracker(draft: &TrackerDraft, default: Weight) -> Tracker {
    let weight = Weight { value: draft.weight.unwrap_or(default.value), reverse: draft.reverse.unwrap_or(default.reverse) };
    Tracker { name: draft.name.clone(), weight }
}
