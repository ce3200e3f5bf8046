//! Who goes along with whom: into FAULT and out of it, to MASTER and to BACKUP.

use super::engine::Engine;
use super::fault::Cause;
use super::history::Happening;
use super::instance::{Instance, State, Wish};
use super::{message, place, view};
use crate::effect::net::InstanceId;
use crate::effect::notice::Told;
use crate::effect::time::Instant;
use crate::effect::{Action, Actions};

impl Engine {
    pub(super) fn fault(&mut self, now: Instant, id: InstanceId, cause: Cause, present: bool, actions: &mut Actions) {
        if let Some(instance) = self.instances.get_mut(&id) {
            instance.faults.set(cause, present);
        }
        self.apply_faults(now, id, actions);
    }

    /// Acts on the faults there are now: into FAULT with the first, out of it after the last of the whole group.
    pub(super) fn apply_faults(&mut self, now: Instant, id: InstanceId, actions: &mut Actions) {
        let Some(instance) = self.instances.get(&id) else { return };
        match (&instance.state, instance.faults.any()) {
            (State::Init, _) | (State::Backup { .. } | State::Master { .. }, false) => {}
            (State::Backup { .. } | State::Master { .. }, true) => {
                self.fail(now, id, actions);
                // Now it can let go of what it said goodbye with.
                self.look_around(now, id, actions);
            }
            (State::Fault, true) => {
                self.with(now, id, actions, Instance::own_up);
            }
            (State::Fault, false) => self.recover(now, id, actions),
        }
    }

    pub(super) fn others(&self, id: InstanceId) -> Vec<InstanceId> {
        let members = self.member_of.get(&id).map_or(&[][..], |&at| &self.groups[at].members);
        members.iter().copied().filter(|&other| other != id).collect()
    }

    pub(super) fn is(&self, id: InstanceId, state: impl Fn(&State) -> bool) -> bool {
        self.instances.get(&id).is_some_and(|instance| state(&instance.state))
    }

    fn fail(&mut self, now: Instant, id: InstanceId, actions: &mut Actions) {
        self.with(now, id, actions, |instance, cx| instance.become_fault(2, cx));
        self.arm(id);
        let others = self.others(id);
        self.say_syncing(id, "FAULT", actions);
        for other in others {
            if !self.is(other, |state| *state == State::Fault) {
                self.take_along(now, id, other, view::State::Fault);
                self.with(now, other, actions, |instance, cx| instance.become_fault(1, cx));
                self.arm(other);
            }
        }
        self.tell_group(id, Told::Fault, actions);
    }

    fn recover(&mut self, now: Instant, id: InstanceId, actions: &mut Actions) {
        let others = self.others(id);
        if others.iter().any(|other| self.instances.get(other).is_some_and(|instance| instance.faults.any())) {
            return;
        }
        let owns = self.owns(id);
        let owner = self.with(now, id, actions, |instance, cx| {
            // An owner that only waited for its scripts starts as an owner does.
            if owns && instance.unannounced {
                instance.await_ownership(cx);
                return true;
            }
            instance.become_backup(0, true, cx);
            false
        });
        self.arm(id);
        if owner == Some(true) && others.is_empty() {
            return self.tick(now, actions);
        }
        self.say_syncing(id, "BACKUP", actions);
        for other in others {
            if !self.is(other, |state| matches!(state, State::Backup { .. })) {
                self.take_along(now, id, other, view::State::Backup);
                self.with(now, other, actions, |instance, cx| instance.become_backup(1, true, cx));
                self.arm(other);
            }
        }
        self.tell_group(id, Told::Backup, actions);
    }

    // What instances wish, and their groups allow.

    pub(super) fn grant(&mut self, now: Instant, id: InstanceId, wish: Option<Wish>, actions: &mut Actions) {
        match wish {
            None => {}
            Some(Wish::Master) => self.grant_master(now, id, actions),
            Some(Wish::Backup) => self.grant_backup(now, id, actions),
            Some(Wish::AnnounceGroup) => {
                for other in self.others(id) {
                    self.with(now, other, actions, Instance::announce_after_lower);
                    self.arm(other);
                }
            }
        }
    }

    fn grant_master(&mut self, now: Instant, id: InstanceId, actions: &mut Actions) {
        let others = self.others(id);
        if !others.iter().all(|other| self.instances.get(other).is_some_and(|instance| instance.wants_master)) {
            self.with(now, id, actions, |instance, cx| instance.wait_again(cx));
            return;
        }
        self.with(now, id, actions, Instance::become_master);
        self.arm(id);
        self.say_syncing(id, "MASTER", actions);
        for other in others {
            if !self.is(other, |state| matches!(state, State::Master { .. })) {
                self.take_along(now, id, other, view::State::Master);
                self.with(now, other, actions, Instance::become_master);
                self.arm(other);
            }
        }
        self.tell_group(id, Told::Master, actions);
    }

    /// A better master was heard. Who heard it asks its neighbours for its former addresses: that makes the better one, who
    /// may never have heard of us, announce them to everybody.
    fn grant_backup(&mut self, now: Instant, id: InstanceId, actions: &mut Actions) {
        let mut probes = Vec::new();
        let mut yields = |engine: &mut Self, id: InstanceId, actions: &mut Actions| {
            if let Some(instance) = engine.instances.get(&id) {
                probes.extend(place::targets(&instance.conf, instance.site, &engine.plan, &engine.links));
            }
            engine.with(now, id, actions, |instance, cx| instance.become_backup(0, true, cx));
        };
        yields(self, id, actions);
        self.say_syncing(id, "BACKUP", actions);
        for other in self.others(id) {
            if self.is(other, |state| matches!(state, State::Master { .. })) {
                self.take_along(now, id, other, view::State::Backup);
                yields(self, other, actions);
                // They wait on their own, and begin before the one that brought them along.
                self.arm(other);
            }
        }
        self.arm(id);
        self.tell_group(id, Told::Backup, actions);
        if !probes.is_empty() {
            actions.push(Action::Probe(probes.into()));
        }
    }

    /// The other one will not have come to its new state by itself.
    fn take_along(&mut self, now: Instant, id: InstanceId, other: InstanceId, to: view::State) {
        let Some(group) = self.member_of.get(&id).map(|&at| self.groups[at].conf().name.clone()) else { return };
        let member = self.name(id).into();
        if let Some(other) = self.instances.get_mut(&other) {
            other.note(now, Happening::WithGroup { group, member, to });
        }
    }

    pub(super) fn say_syncing(&self, id: InstanceId, state: &str, actions: &mut Actions) {
        if let Some(&at) = self.member_of.get(&id) {
            actions.push(Action::Say(message::syncing(&self.groups[at].conf().name, state)));
        }
    }

    fn tell_group(&mut self, id: InstanceId, told: Told, actions: &mut Actions) {
        let Some(&at) = self.member_of.get(&id) else { return };
        let group = &mut self.groups[at];
        if group.told != Some(told) {
            group.told = Some(told);
            actions.push(Action::Notify(group.notice(told)));
        }
    }
}
