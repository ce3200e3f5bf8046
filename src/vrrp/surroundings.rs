//! What interfaces, addresses and tracked objects mean for an instance.

use super::device::Plan;
use super::engine::Engine;
use super::fault::Cause;
use super::instance::State;
use super::place::Site;
use super::ports::User;
use super::priority::{contribution, effective, fails};
use super::{Standing, buffer, place, track_group};
use crate::effect::net::{Fact, InstanceId, Owner};
use crate::effect::packet::Port;
use crate::effect::time::Instant;
use crate::effect::{Action, Actions};
use crate::model::track::{Tracker, Weight};
use crate::model::vrrp::Instance;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// When an interface that the kernel would not make is tried again.
const AGAIN: Duration = Duration::from_secs(10);

impl Engine {
    /// Works out which interfaces are to be made, and has what is new made.
    pub(super) fn plan_anew(&mut self, actions: &mut Actions) {
        let plan = Plan::new(&self.model, &self.links, &self.plan);
        let renamed = !plan.names().eq(self.plan.names());
        let changed = plan.held() != self.plan.held();
        self.plan = plan;
        if renamed {
            self.find_concerned();
        }
        if changed {
            actions.push(Action::Hold { owner: Owner::Devices, facts: self.plan.held().into() });
        }
    }

    /// What somebody took away, or was refused, is asked for again. What is there costs nothing.
    pub(super) fn make_anew(&self, owner: Owner, actions: &mut Actions) {
        if owner == Owner::Devices && !self.plan.held().is_empty() {
            actions.push(Action::Hold { owner, facts: self.plan.held().into() });
        }
    }

    pub(super) fn is_without_parent(&self, fact: &Fact) -> bool {
        match fact {
            Fact::Device(new) => self.links.get(new.parent).is_none(),
            Fact::Address(placed) => self.links.get(placed.device).is_none(),
            Fact::Setting(_) | Fact::Route(_) | Fact::Rule(_) => false,
        }
    }

    /// Whoever lives on an interface that was refused looks again after a while.
    pub(super) fn try_again(&mut self, now: Instant, owner: Owner, fact: &Fact) {
        let (Owner::Devices, Fact::Device(new)) = (owner, fact) else { return };
        let lives = |conf: &Instance| self.plan.own(conf) == Some(&*new.name);
        let ids: Vec<InstanceId> = self.instances.values().filter(|i| lives(&i.conf)).map(|i| i.id).collect();
        for id in ids {
            if let Some(instance) = self.instances.get_mut(&id) {
                instance.retry = Some(now + AGAIN);
            }
            self.arm(id);
        }
    }

    pub(super) fn look_around_some(&mut self, now: Instant, concerned: &[InstanceId], actions: &mut Actions) {
        for &id in concerned {
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
        let site = place::site(&conf, &self.plan, &self.links);
        let Site { base, home, .. } = site;
        let source = place::source(&conf, site, &self.links, &self.virtuals);
        let moved = instance.site.home.is_some() && home.is_some() && instance.site != site;
        let mut causes = vec![
            (Cause::Unusable("its configuration cannot work"), conf.crippled),
            (Cause::Unusable("Cannot use unicast without any peers"), conf.lacks_peers()),
            (Cause::NoSource, source.is_none() && (conf.interface.is_none() || home.is_some())),
        ];
        if let Some(name) = conf.interface.as_deref() {
            causes.push((Cause::NoInterface(name.into()), base.is_none()));
        }
        if let Some(name) = self.plan.own(&conf) {
            causes.push((Cause::NoInterface(name.into()), base.is_some() && self.links.named(name).is_none()));
        }
        let mut weights = 0;
        let mut standings: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
        let is_up = |name: &str| self.links.named(name).map(|link| link.up);
        for name in place::interfaces(&conf, &self.plan).chain(track_group::interfaces(&model.statics, &conf.name)) {
            // Its absence is a cause of its own.
            let own = Some(name) == conf.interface.as_deref() || Some(name) == self.plan.own(&conf);
            standings.insert(name, (is_up(name) != Some(true) && (is_up(name).is_some() || !own), true));
        }
        let lists = conf.trackers.joined(group.as_ref());
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
        let lasting = kept.iter().filter(|cause| matches!(cause, Cause::Stripped | Cause::Altered | Cause::NoSocket));
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
            instance.site = site;
        }
        // Likewise by the socket it had; and one that could not be opened is asked for again when it is time.
        let keeps = instance.is_master() && home.is_none() || instance.faults.has(&Cause::NoSocket);
        if !keeps {
            let mtu = home.and_then(|home| self.links.get(home)).map_or(0, |link| link.mtu);
            let receive_buffer = buffer::receive_buffer(&self.model, &conf, mtu);
            let wanted = place::port(&conf, home, instance.source).map(|port| Port { receive_buffer, ..port });
            instance.port = self.ports.change(User { id, vrid: conf.vrid }, instance.port, wanted, actions);
        }
        instance.weights = weights;
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

/// A file's number times its weight, and whether that is a fault: with weight 0 every number but 0 is one.
pub(super) fn file_weight(tracker: &Tracker, standing: Option<Standing>) -> (i32, bool) {
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
