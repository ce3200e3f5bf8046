//! What interfaces, addresses and tracked objects mean for an instance.

use super::engine::Engine;
use super::fault::Cause;
use super::instance::State;
use super::ports::User;
use super::priority::{contribution, effective, fails};
use super::{Standing, place, track_group};
use crate::effect::Actions;
use crate::effect::net::{InstanceId, Owner};
use crate::effect::time::Instant;
use crate::model::track::{Tracker, Trackers, Weight};
use crate::model::vrrp::Auth;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Engine {
    pub(super) fn look_around_all(&mut self, now: Instant, actions: &mut Actions) {
        for id in self.order.clone() {
            self.look_around(now, id, actions);
            self.apply_faults(now, id, actions);
        }
    }

    /// Finds the instance's interface, source, sockets, faults and priority anew. A fault is acted on by
    /// [`apply_faults`](Self::apply_faults); until then a master still has what it needs to say goodbye.
    pub(super) fn look_around(&mut self, now: Instant, id: InstanceId, actions: &mut Actions) {
        let model = Arc::clone(&self.model);
        let group = self.member_of.get(&id).map(|&at| self.groups[at].conf().trackers.clone());
        let Some(instance) = self.instances.get_mut(&id) else { return };
        let conf = instance.conf.clone();
        let home = place::home(&conf, &self.links);
        let source = place::source(&conf, home, &self.links, &self.virtuals);
        let moved = instance.home.is_some() && home.is_some() && instance.home != home;
        let mut causes = vec![
            (Cause::Unusable("its configuration cannot work"), conf.crippled),
            (Cause::Unusable("authentication of this type is not there yet"), matches!(conf.auth, Auth::Ah(_) | Auth::Hmac(_))),
            (Cause::NoSource, source.is_none() && (conf.interface.is_none() || home.is_some())),
        ];
        if let Some(name) = conf.interface.as_deref() {
            causes.push((Cause::NoInterface(name.into()), home.is_none()));
        }
        let mut weights = 0;
        let mut standings: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
        let is_up = |name: &str| self.links.named(name).map(|link| link.up);
        for name in place::interfaces(&conf).chain(track_group::interfaces(&model.statics, &conf.name)) {
            standings.insert(name, (is_up(name) != Some(true) && (is_up(name).is_some() || Some(name) != conf.interface.as_deref()), true));
        }
        let lists = trackers(&conf.trackers, group.as_ref());
        for tracker in &lists.interfaces {
            let up = is_up(&tracker.name) == Some(true);
            weights += contribution(tracker.weight, up);
            let fault = fails(tracker.weight, up);
            standings.entry(&tracker.name).and_modify(|(down, _)| *down |= fault).or_insert((fault, true));
        }
        causes.extend(standings.into_iter().map(|(name, (down, _))| (Cause::InterfaceDown(name.into()), down)));
        for tracker in &lists.scripts {
            let standing = self.scripts.get(&tracker.name).copied();
            let pending = Cause::Pending(tracker.name.clone());
            let waits = match instance.state {
                State::Init => !instance.resumes,
                State::Fault => instance.faults.has(&pending),
                // What runs is not stopped by what nobody knows yet, as after a reload.
                State::Backup { .. } | State::Master { .. } => false,
            };
            causes.push((pending, waits && standing.is_none() && tracker.weight.value == 0));
            let up = standing.map(|standing| standing == Standing::Up);
            causes.push((Cause::Script(tracker.name.clone()), up.is_some_and(|up| fails(tracker.weight, up))));
            weights += up.map_or(0, |up| contribution(tracker.weight, up));
        }
        for (list, map, cause) in [
            (&lists.processes, &self.processes, Cause::Process as fn(Box<str>) -> Cause),
            (&lists.bfd, &self.bfd, Cause::Bfd as fn(Box<str>) -> Cause),
        ] {
            for tracker in list {
                let up = map.get(&tracker.name).map(|&standing| standing == Standing::Up);
                causes.push((cause(tracker.name.clone()), up.is_some_and(|up| fails(tracker.weight, up))));
                weights += up.map_or(0, |up| contribution(tracker.weight, up));
            }
        }
        for tracker in &lists.files {
            let (added, fault) = file_weight(tracker, self.files.get(&tracker.name).copied());
            causes.push((Cause::File(tracker.name.clone()), fault));
            weights += added;
        }
        let kept = instance.faults.clone();
        let lasting = kept.iter().filter(|cause| matches!(cause, Cause::Stripped | Cause::NoSocket));
        instance.faults = super::fault::Faults::default();
        for cause in lasting {
            instance.faults.set(cause.clone(), true);
        }
        for (cause, present) in causes {
            if present {
                instance.faults.set(cause, true);
            }
        }
        // A master that loses its source says goodbye from the one it had.
        if source.is_some() || !instance.is_master() {
            instance.source = source;
        }
        if home.is_some() || !instance.is_master() {
            instance.home = home;
        }
        // Likewise by the socket it had; and one that could not be opened is asked for again when it is time.
        let keeps = instance.is_master() && home.is_none() || instance.faults.has(&Cause::NoSocket);
        if !keeps {
            let wanted = place::port(&conf, home, instance.source);
            instance.port = self.ports.change(User { id, vrid: conf.vrid }, instance.port, wanted, actions);
        }
        let now_effective = effective(conf.priority, weights);
        // What takes it into FAULT or out of it is told with the new state.
        let told = instance.faults.any() == (instance.state == State::Fault);
        self.with(now, id, actions, |instance, cx| {
            instance.set_effective(now_effective, told, cx);
            if moved {
                instance.hold(cx);
            }
        });
        self.arm(id);
    }

    /// A master takes again what it could not have before.
    pub(super) fn regained(&mut self, now: Instant, owner: Owner, addresses: bool, actions: &mut Actions) {
        let Owner::Instance(id) = owner else { return };
        self.with(now, id, actions, |instance, cx| {
            if instance.is_master() {
                instance.hold(cx);
                if addresses {
                    instance.announce(1, cx);
                }
            }
        });
    }
}

/// The instance's own trackers, and those of its group for objects that it does not track itself.
fn trackers(own: &Trackers, group: Option<&Trackers>) -> Trackers {
    let Some(group) = group else { return own.clone() };
    let merged = |own: &[Tracker], group: &[Tracker]| {
        let missing = group.iter().filter(|tracker| own.iter().all(|mine| mine.name != tracker.name));
        own.iter().chain(missing).cloned().collect()
    };
    Trackers {
        interfaces: merged(&own.interfaces, &group.interfaces),
        scripts: merged(&own.scripts, &group.scripts),
        files: merged(&own.files, &group.files),
        processes: merged(&own.processes, &group.processes),
        bfd: merged(&own.bfd, &group.bfd),
    }
}

/// A file's number times its weight, and whether that is a fault: with weight 0 every number but 0 is one.
fn file_weight(tracker: &Tracker, standing: Option<Standing>) -> (i32, bool) {
    let Some(Standing::Value(value)) = standing else { return (0, false) };
    let Weight { value: weight, reverse } = tracker.weight;
    if weight == 0 {
        return (0, (value != 0) != reverse);
    }
    let product = value.saturating_mul(weight);
    let product = if reverse { product.saturating_neg() } else { product };
    if product <= WORST { (0, true) } else { (product.min(MOST), false) }
}

/// What a file can say at the utmost: this is a fault, and this is as much as there is.
const WORST: i32 = -254;
const MOST: i32 = 253;
