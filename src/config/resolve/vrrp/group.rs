//! Sync groups: who belongs to them, and what that means for trackers.

use super::{Resolved, Vrrps};
use crate::config::draft::vrrp::{Given, SyncGroup as Draft};
use crate::model::track::{Tracker, Trackers};
use crate::model::vrrp::{Instance, Role, SyncGroup};
use std::collections::HashMap;

/// What each member takes from its group: whether it tells of changes of its priority.
pub(super) fn inheritance(groups: &[Draft]) -> HashMap<Box<str>, Option<bool>> {
    let mut inheritance = HashMap::new();
    for group in groups {
        for member in group.members.names() {
            inheritance.entry(member.value.clone()).or_insert(group.notify_priority_changes);
        }
    }
    inheritance
}

/// What a group tracks by name, with the place in its list.
struct TrackedNames<'a> {
    interfaces: HashMap<&'a str, usize>,
    scripts: HashMap<&'a str, usize>,
    files: HashMap<&'a str, usize>,
    processes: HashMap<&'a str, usize>,
    bfd: HashMap<&'a str, usize>,
}

impl<'a> TrackedNames<'a> {
    fn of(trackers: &'a Trackers) -> Self {
        let places = |list: &'a [Tracker]| list.iter().enumerate().map(|(place, tracker)| (&*tracker.name, place)).collect();
        Self {
            interfaces: places(&trackers.interfaces),
            scripts: places(&trackers.scripts),
            files: places(&trackers.files),
            processes: places(&trackers.processes),
            bfd: places(&trackers.bfd),
        }
    }
}

impl Vrrps<'_, '_> {
    pub(super) fn groups(&mut self, drafts: Vec<Draft>, instances: &mut [Resolved]) -> Vec<SyncGroup> {
        let indices: HashMap<Box<str>, usize> = instances.iter().enumerate().map(|(i, r)| (r.instance.name.clone(), i)).collect();
        let mut grouped = vec![false; instances.len()];
        let mut groups = Vec::with_capacity(drafts.len());
        for mut draft in drafts {
            let mut trackers = self.trackers(&draft.name, std::mem::take(&mut draft.trackers));
            let Some(members) = self.members(&draft, &indices, &mut grouped) else { continue };
            let owner = members.iter().any(|&i| instances[i].instance.priority.is_owner());
            if owner {
                self.clear_weights(&draft, &mut trackers);
            }
            let names = TrackedNames::of(&trackers);
            for &i in &members {
                self.fit_member(&draft, &names, &mut instances[i]);
            }
            settle_roles(&members, instances);
            groups.push(SyncGroup {
                members: members.iter().map(|&i| instances[i].instance.name.clone()).collect(),
                trackers,
                tracking_weight: draft.tracking_weight,
                notify: self.notify(&draft.notify),
                smtp_alert: draft.smtp_alert.unwrap_or(self.smtp_alert()),
                name: draft.name,
            });
        }
        groups
    }

    /// The members by their index; nothing when the group has none.
    fn members(&mut self, draft: &Draft, indices: &HashMap<Box<str>, usize>, grouped: &mut [bool]) -> Option<Vec<usize>> {
        let name = &draft.name;
        if draft.members.names().is_empty() {
            self.error(draft.end, format!("Sync group {name} has no members - removing")).hint("group { INSTANCE... }");
            return None;
        }
        let mut members = Vec::with_capacity(draft.members.names().len());
        for Given { at, value } in draft.members.names() {
            match indices.get(value) {
                None => {
                    self.fault(*at, format!("Virtual router {value} specified in sync group {name} doesn't exist - ignoring")).word(value);
                }
                Some(&i) if grouped.get(i) == Some(&true) => {
                    self.fault(*at, format!("Virtual router {value} cannot exist in more than one sync group; ignoring {name}"))
                        .word(value);
                }
                Some(&i) => {
                    grouped[i] = true;
                    members.push(i);
                }
            }
        }
        match members.len() {
            0 => {
                self.fault(draft.at, format!("Sync group {name}, no matching virtual router found in group declaration - removing"));
                return None;
            }
            1 => {
                let text = format!("Sync group {name} has only 1 virtual router(s) - this probably isn't what you want");
                self.fault(draft.at, text);
            }
            _ => {}
        }
        Some(members)
    }

    /// An owner's priority does not change, so nothing may weigh on its group.
    fn clear_weights(&mut self, draft: &Draft, trackers: &mut Trackers) {
        let name = &draft.name;
        let kinds: [(&str, &str, &mut Vec<Tracker>); 5] = [
            ("interface", "clearing weight", &mut trackers.interfaces),
            ("script", "clearing weight", &mut trackers.scripts),
            ("file", "setting weight 0", &mut trackers.files),
            ("process", "setting weight 0", &mut trackers.processes),
            ("bfd", "setting weight 0", &mut trackers.bfd),
        ];
        for (kind, consequence, list) in kinds {
            for tracker in list.iter_mut().filter(|tracker| tracker.weight.value != 0) {
                let text = format!(
                    "({name}) Cannot have weighted track {kind} '{}' with member having priority 255 - {consequence}",
                    tracker.name
                );
                self.fault(draft.at, text);
                tracker.weight.value = 0;
            }
        }
    }

    /// Fits the trackers of a member to its group.
    fn fit_member(&mut self, draft: &Draft, group: &TrackedNames<'_>, member: &mut Resolved) {
        if !draft.tracking_weight {
            self.no_weights(member);
        }
        let Resolved { instance, at } = member;
        let own = instance.interface.as_deref().filter(|_| instance.tracks_link);
        let tracked = instance.trackers.interfaces.iter().map(|tracker| &*tracker.name).chain(own);
        let mut both: Vec<(usize, &str)> = tracked.filter_map(|name| Some((*group.interfaces.get(name)?, name))).collect();
        both.sort_unstable();
        both.dedup();
        for (_, interface) in both {
            let text = format!(
                "({}) track_interface {interface} is configured on VRRP instance and sync group. Remove vrrp instance or sync group config",
                instance.name
            );
            self.fault(*at, text);
        }
        let twice = [
            (&group.interfaces, &mut instance.trackers.interfaces, "interface"),
            (&group.scripts, &mut instance.trackers.scripts, "script"),
            (&group.files, &mut instance.trackers.files, "file"),
            (&group.processes, &mut instance.trackers.processes, "process"),
            (&group.bfd, &mut instance.trackers.bfd, "bfd"),
        ];
        for (group, own, kind) in twice {
            // A member for which the failure is a fault keeps its own word; otherwise the group's weight is the one.
            own.retain(|tracker| {
                let replaced = tracker.weight.value != 0 && group.contains_key(&*tracker.name);
                if replaced {
                    self.log(*at, format!("({}) track_{kind} {} is configured on the sync group too", instance.name, tracker.name));
                }
                !replaced
            });
        }
    }

    /// Without `sync_group_tracking_weight` members of a group have no weights: their states must not drift apart.
    fn no_weights(&mut self, Resolved { instance, at }: &mut Resolved) {
        let Instance { name, trackers, .. } = instance;
        for tracker in trackers.interfaces.iter_mut().filter(|tracker| tracker.weight.value != 0) {
            self.fault(*at, format!("({name}) ignoring {} tracked interface weight due to SYNC group", tracker.name)).hint(ALLOW);
            tracker.weight.value = 0;
        }
        trackers.scripts.retain(|tracker| {
            let weighs = tracker.weight.value != 0;
            if weighs {
                self.fault(*at, format!("({name}) ignoring tracked script {} with weights due to SYNC group", tracker.name)).hint(ALLOW);
            }
            !weighs
        });
        trackers.bfd.retain(|tracker| {
            let weight = tracker.weight.value;
            if weight != 0 {
                self.fault(*at, format!("({name}) ignoring tracked bfd {} with weight {weight} due to SYNC group", tracker.name))
                    .hint(ALLOW);
            }
            weight == 0
        });
        self.weigh_files(name, *at, "SYNC group", &mut trackers.files);
    }
}

const ALLOW: &str = "sync_group_tracking_weight in the group allows it";

/// Members start as masters together, all being owners, or not at all.
fn settle_roles(members: &[usize], instances: &mut [Resolved]) {
    let ready = |i: usize| instances[i].instance.role == Role::Master && instances[i].instance.priority.is_owner();
    if !members.iter().all(|&i| ready(i)) {
        for &i in members {
            instances[i].instance.role = Role::Backup;
        }
    }
}
