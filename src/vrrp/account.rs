//! Why an instance is in its state: what holds now, with all that goes into it, and what happened before.

use super::Standing;
use super::engine::Engine;
use super::fault::Cause;
use super::history::{Entry, Happening, Kind, Says, Term, Wait};
use super::instance::{Deferral, Instance, State};
use super::priority::{contribution, fails};
use super::snapshot::seen;
use super::surroundings::file_weight;
use super::view::{self, InstanceView};
use crate::effect::time::Instant;
use std::collections::HashMap;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub view: InstanceView,
    /// What is added to the configured priority, in the order of the configuration.
    pub terms: Vec<Term>,
    pub causes: Vec<Cause>,
    /// What a backup waits for.
    pub waiting: Option<Waiting>,
    pub group: Option<Companions>,
    /// The oldest first.
    pub history: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub wait: Wait,
    /// Until it becomes master if nothing is heard.
    pub left: Duration,
    pub towards_lower: TowardsLower,
}

/// What a backup does about a master of lower priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TowardsLower {
    TakesOver,
    /// `nopreempt`
    Accepts,
    /// `preempt_delay`, which begins with its first advert.
    AcceptsFor(Duration),
    /// It has begun.
    AcceptsStill(Duration),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Companions {
    pub group: Box<str>,
    pub members: Vec<Companion>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Companion {
    pub name: Box<str>,
    pub state: view::State,
    pub wants_master: bool,
    pub faulty: bool,
}

impl Engine {
    /// Nothing, if there is no instance of this name.
    pub fn account(&self, now: Instant, name: &str) -> Option<Account> {
        let instance = self.instances.values().find(|instance| &*instance.conf.name == name)?;
        let view = self.snapshot().instances.into_iter().find(|view| &*view.name == name)?;
        let waiting = match instance.state {
            State::Backup { down, deferral } => {
                Some(Waiting { wait: instance.patience(), left: down.since(now), towards_lower: towards_lower(deferral, now) })
            }
            State::Init | State::Master { .. } | State::Fault => None,
        };
        let group = self.member_of.get(&instance.id).map(|&at| &self.groups[at]).map(|group| Companions {
            group: group.conf().name.clone(),
            members: group.members.iter().filter_map(|id| self.instances.get(id)).map(|member| companion(member)).collect(),
        });
        Some(Account {
            view,
            terms: self.terms(instance),
            causes: instance.faults.iter().cloned().collect(),
            waiting,
            group,
            history: instance.history.entries(),
        })
    }

    /// What everything that it tracks adds to its priority.
    pub(super) fn terms(&self, instance: &Instance) -> Vec<Term> {
        let lists = self.tracked_by(instance);
        let interfaces = lists.interfaces.iter().map(|tracker| {
            let up = self.links.named(&tracker.name).is_some_and(|link| link.up);
            Term {
                kind: Kind::Interface,
                name: tracker.name.clone(),
                weight: tracker.weight,
                says: if up { Says::Up } else { Says::Down },
                adds: contribution(tracker.weight, up),
                fails: fails(tracker.weight, up),
            }
        });
        let mut terms: Vec<Term> = interfaces.collect();
        let lists_of = [
            (Kind::Script, &lists.scripts, &self.scripts),
            (Kind::Process, &lists.processes, &self.processes),
            (Kind::Bfd, &lists.bfd, &self.bfd),
            (Kind::File, &lists.files, &self.files),
        ];
        for (kind, list, standings) in lists_of {
            terms.extend(list.iter().map(|tracker| term(kind, tracker, standings)));
        }
        terms
    }

    /// Everybody whom a report of this object concerns remembers it.
    pub(super) fn remember(&mut self, now: Instant, kind: Kind, name: &str) {
        for id in self.tracking(kind, name) {
            let Some(instance) = self.instances.get(&id) else { continue };
            let term = self.terms(instance).into_iter().find(|term| term.kind == kind && *term.name == *name);
            if let (Some(term), Some(instance)) = (term, self.instances.get_mut(&id)) {
                instance.note(now, Happening::Reported(term));
            }
        }
    }
}

fn companion(member: &Instance) -> Companion {
    Companion { name: member.conf.name.clone(), state: seen(&member.state), wants_master: member.wants_master, faulty: member.faults.any() }
}

fn term(kind: Kind, tracker: &crate::model::track::Tracker, standings: &HashMap<Box<str>, Standing>) -> Term {
    let standing = standings.get(&tracker.name).copied();
    let (says, adds, fails) = match standing {
        None => (Says::Nothing, 0, false),
        Some(Standing::Value(number)) => {
            let (adds, fault) = file_weight(tracker, standing);
            (Says::Number(number), adds, fault)
        }
        Some(up @ (Standing::Up | Standing::Down)) => {
            let up = up == Standing::Up;
            let says = if up { Says::Up } else { Says::Down };
            (says, contribution(tracker.weight, up), fails(tracker.weight, up))
        }
    };
    Term { kind, name: tracker.name.clone(), weight: tracker.weight, says, adds, fails }
}

fn towards_lower(deferral: Deferral, now: Instant) -> TowardsLower {
    match deferral {
        Deferral::Preempts => TowardsLower::TakesOver,
        Deferral::Never => TowardsLower::Accepts,
        Deferral::Unheard(delay) => TowardsLower::AcceptsFor(delay),
        Deferral::Until(at, _) => TowardsLower::AcceptsStill(at.since(now)),
    }
}
