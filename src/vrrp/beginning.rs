//! The first states of instances and groups, at the start and after a reload.

use super::engine::Engine;
use super::history::Happening;
use super::instance::State;
use crate::effect::net::InstanceId;
use crate::effect::notice::Told;
use crate::effect::record::{self, Record};
use crate::effect::time::Instant;
use crate::effect::{Action, Actions};
use crate::model::vrrp::{Priority, Role};
use std::collections::HashMap;

impl Engine {
    /// The first state of new instances. A group that has a faulty member begins in FAULT as a whole, and is told first.
    pub(super) fn begin(&mut self, now: Instant, ids: &[InstanceId], records: &HashMap<&str, &Record>, actions: &mut Actions) {
        let faulty = |engine: &Self, id: InstanceId| {
            let has = |id: &InstanceId| engine.instances.get(id).is_some_and(|instance| instance.faults.any());
            has(&id) || engine.others(id).iter().any(has)
        };
        let resumes = |engine: &Self, id: &InstanceId| {
            let record = engine.instances.get(id).and_then(|instance| records.get(&*instance.key));
            record.is_some_and(|record| matches!(record.standing, record::Standing::Master { .. }))
        };
        for at in 0..self.groups.len() {
            let members = self.groups[at].members.clone();
            if members.is_empty() || !members.iter().all(|id| ids.contains(id)) {
                continue;
            }
            let told = if members.iter().any(|&id| faulty(self, id)) {
                Told::Fault
            } else if members.iter().all(|id| resumes(self, id)) {
                Told::Master
            } else {
                Told::Backup
            };
            self.groups[at].told = Some(told);
            let waiting = |id: &InstanceId| self.instances.get(id).is_some_and(|instance| instance.faults.silent());
            let silent = told == Told::Fault && members.iter().all(waiting);
            if records.is_empty() && !silent && !(told == Told::Backup && members.iter().all(|id| self.owns(*id))) {
                actions.push(Action::Notify(self.groups[at].notice(told)));
            }
        }
        for &id in ids {
            let faulty = faulty(self, id);
            let owns = self.owns(id);
            let record = self.instances.get(&id).and_then(|instance| records.get(&*instance.key)).copied();
            self.with(now, id, actions, |instance, cx| {
                if let Some(record) = record {
                    instance.stats.became_master = record.counters.became_master;
                    instance.stats.released_master = record.counters.released_master;
                    instance.learnt = record.learnt;
                    instance.master = record.master;
                    instance.auth.ah.resume(record.ah_sequence);
                }
                if record.is_some() {
                    instance.note(cx.now, Happening::Resumed);
                }
                match record.map(|record| record.standing) {
                    Some(record::Standing::Master { since }) => instance.resume_master(since, cx),
                    Some(record::Standing::Backup) if !faulty => instance.become_backup(0, false, cx),
                    Some(record::Standing::Fault) if faulty => instance.resume_fault(cx),
                    Some(record::Standing::Backup | record::Standing::Fault) | None if faulty => instance.become_fault(0, cx),
                    None if owns => instance.await_ownership(cx),
                    Some(record::Standing::Backup | record::Standing::Fault) | None => instance.become_backup(0, true, cx),
                }
            });
            self.arm(id);
        }
        // A resumed master may have lost its interface while nobody was looking.
        for &id in ids {
            self.apply_faults(now, id, actions);
        }
        self.tick(now, actions);
    }

    /// Masters at once: the owner, where the configuration wants it so.
    pub(super) fn owns(&self, id: InstanceId) -> bool {
        self.instances.get(&id).is_some_and(|i| i.conf.priority == Priority::OWNER && i.conf.role == Role::Master)
    }

    /// After a reload the members of a group may stand apart.
    pub(super) fn align(&mut self, now: Instant, at: usize, actions: &mut Actions) {
        let members = self.groups[at].members.clone();
        let count = |engine: &Self, state: fn(&State) -> bool| members.iter().filter(|&&id| engine.is(id, state)).count();
        let masters = count(self, |state| matches!(state, State::Master { .. }));
        let faults = count(self, |state| *state == State::Fault);
        let told = if masters == members.len() {
            Told::Master
        } else if faults > 0 {
            Told::Fault
        } else {
            Told::Backup
        };
        for id in members {
            self.with(now, id, actions, |instance, cx| {
                if told == Told::Fault && instance.state != State::Fault {
                    instance.become_fault(1, cx);
                } else if told == Told::Backup && instance.is_master() {
                    instance.become_backup(1, true, cx);
                }
            });
            self.arm(id);
        }
        self.groups[at].told = Some(told);
    }
}
