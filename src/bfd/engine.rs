//! All sessions of the process: which packet is whose, and when each has something to do.

use super::session::{Outcome, Session};
use super::view::View;
use super::{Action, Event, Heard, SessionId};
use crate::effect::chance::Chance;
use crate::effect::record::BfdRecord;
use crate::effect::say::{Level, Line};
use crate::effect::time::Instant;
use crate::model::bfd::Session as Conf;
use crate::wire::bfd::{Reason, State};
use std::collections::{BTreeMap, BTreeSet, HashMap};

#[derive(Debug)]
pub struct Engine {
    sessions: BTreeMap<SessionId, Session>,
    by_number: HashMap<u32, SessionId>,
    due: BTreeSet<(Instant, SessionId)>,
    armed: HashMap<SessionId, Instant>,
    chance: Chance,
    given: u32,
}

impl Engine {
    /// Sessions that a predecessor had up go on. Everybody who follows a session is told what it is.
    pub fn start(now: Instant, confs: &[Conf], seed: u64, records: &[BfdRecord], actions: &mut Vec<Action>) -> Self {
        let mut engine = Self {
            sessions: BTreeMap::new(),
            by_number: HashMap::new(),
            due: BTreeSet::new(),
            armed: HashMap::new(),
            chance: Chance::new(seed),
            given: 0,
        };
        for conf in confs {
            let record = records.iter().find(|record| record.key == conf.name);
            engine.add(now, conf, record, actions);
        }
        engine
    }

    /// Goes over to a new configuration. A session between the same ends goes on; whoever follows it hears what it is.
    pub fn reconfigure(&mut self, now: Instant, confs: &[Conf], actions: &mut Vec<Action>) {
        let ends = |conf: &Conf| (conf.neighbor, conf.source, conf.multihop);
        let gone: Vec<SessionId> = self.sessions.keys().copied().collect();
        let mut gone: BTreeSet<SessionId> = gone.into_iter().collect();
        let mut new = Vec::new();
        for conf in confs {
            let same = self.sessions.iter_mut().find(|(_, session)| session.conf.name == conf.name && ends(&session.conf) == ends(conf));
            let Some((&id, session)) = same else {
                new.push(conf);
                continue;
            };
            gone.remove(&id);
            if session.conf.ttl != conf.ttl {
                actions.push(Action::Open { session: id, name: conf.name.clone() });
            }
            session.reconfigure(conf.clone());
            actions.push(Action::Report { name: conf.name.clone(), up: session.state == State::Up });
            self.arm(id);
        }
        for id in gone {
            self.end(id, actions);
        }
        for conf in new {
            self.add(now, conf, None, actions);
        }
    }

    fn add(&mut self, now: Instant, conf: &Conf, record: Option<&BfdRecord>, actions: &mut Vec<Action>) {
        self.given += 1;
        let id = SessionId(self.given);
        let free = |number: u32| number != 0 && !self.by_number.contains_key(&number);
        let session = match record.filter(|record| free(record.ours)) {
            Some(record) => Session::resume(now, conf.clone(), record),
            None => {
                let chance = &mut self.chance;
                let mut numbers = std::iter::repeat_with(|| chance.next() >> 32).filter_map(|number| u32::try_from(number).ok());
                let number = numbers.find(|&number| free(number)).unwrap_or(1);
                Session::new(now, conf.clone(), number)
            }
        };
        actions.push(Action::Open { session: id, name: conf.name.clone() });
        actions.push(Action::Report { name: conf.name.clone(), up: session.state == State::Up });
        self.by_number.insert(session.ours, id);
        self.sessions.insert(id, session);
        self.arm(id);
    }

    fn end(&mut self, id: SessionId, actions: &mut Vec<Action>) {
        let Some(mut session) = self.sessions.remove(&id) else { return };
        goodbye(id, &mut session, actions);
        actions.push(Action::Close(id));
        actions.push(Action::Forget(session.conf.name.clone()));
        self.by_number.remove(&session.ours);
        if let Some(at) = self.armed.remove(&id) {
            self.due.remove(&(at, id));
        }
    }

    pub fn handle(&mut self, now: Instant, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Tick => self.tick(now, actions),
            Event::Heard(heard) => {
                if let Some(id) = self.whose(&heard) {
                    self.hear(now, id, &heard, actions);
                }
            }
        }
    }

    /// When [`Event::Tick`] is due. Any call may change it.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.due.first().map(|&(at, _)| at)
    }

    /// The end: neighbours are told that it is we who end it.
    pub fn stop(&mut self, actions: &mut Vec<Action>) {
        for (&id, session) in &mut self.sessions {
            goodbye(id, session, actions);
        }
    }

    pub fn is_up(&self, name: &str) -> bool {
        self.sessions.values().any(|session| &*session.conf.name == name && session.state == State::Up)
    }

    pub fn snapshot(&self) -> View {
        View { sessions: self.sessions.iter().map(|(&id, session)| session.view(id)).collect() }
    }

    /// What a successor needs to know.
    pub fn records(&self) -> Vec<BfdRecord> {
        self.sessions.values().map(Session::record).collect()
    }

    fn tick(&mut self, now: Instant, actions: &mut Vec<Action>) {
        while let Some(&(at, id)) = self.due.first()
            && at <= now
        {
            let Some(session) = self.sessions.get_mut(&id) else { break };
            let outcome = session.expire(now);
            tell(session, outcome, actions);
            if session.is_due(now) {
                let bytes = session.beat(now, &mut self.chance).encode(session.reason());
                actions.push(Action::Transmit { session: id, bytes });
            }
            self.arm(id);
        }
    }

    /// By the number that the sender knows it by, or else by the ends.
    fn whose(&self, heard: &Heard) -> Option<SessionId> {
        let fits = |session: &Session| {
            session.conf.neighbor == heard.from
                && session.conf.source.is_none_or(|source| source == heard.to)
                && session.conf.multihop == heard.multihop
        };
        let id = match heard.packet.yours {
            0 => self.sessions.iter().find(|(_, session)| fits(session)).map(|(&id, _)| id),
            number => self.by_number.get(&number).copied(),
        }?;
        self.sessions.get(&id).filter(|session| fits(session) && session.is_near(heard.ttl)).map(|_| id)
    }

    fn hear(&mut self, now: Instant, id: SessionId, heard: &Heard, actions: &mut Vec<Action>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let outcome = session.hear(now, heard.ttl, &heard.packet);
        tell(session, outcome, actions);
        if outcome.answer {
            actions.push(Action::Transmit { session: id, bytes: session.packet(true).encode(session.reason()) });
        }
        self.arm(id);
    }

    fn arm(&mut self, id: SessionId) {
        let deadline = self.sessions.get(&id).and_then(Session::deadline);
        let before = match deadline {
            Some(at) => self.armed.insert(id, at),
            None => self.armed.remove(&id),
        };
        if before == deadline {
            return;
        }
        if let Some(at) = before {
            self.due.remove(&(at, id));
        }
        if let Some(at) = deadline {
            self.due.insert((at, id));
        }
    }
}

fn goodbye(id: SessionId, session: &mut Session, actions: &mut Vec<Action>) {
    session.close();
    actions.push(Action::Transmit { session: id, bytes: session.packet(false).encode(session.reason()) });
}

/// Followers care for up and not up alone.
fn tell(session: &Session, outcome: Outcome, actions: &mut Vec<Action>) {
    let Some(before) = outcome.before else { return };
    let name = &session.conf.name;
    let text = match (session.state, session.reason()) {
        (State::Up, _) => format!("BFD_Instance({name}) Entering Up state (Local diagnostic - No Diagnostic(0), Remote diagnostic)"),
        (State::Down, Reason::Expired) => format!("BFD_Instance({name}) Expired, entering Down state"),
        (State::Down, Reason::Neighbour) => format!("BFD_Instance({name}) The neighbour is down, entering Down state"),
        (State::Down, Reason::None | Reason::Administrator) => format!("BFD_Instance({name}) Entering Down state"),
        (State::Init, _) => format!("BFD_Instance({name}) Entering Init state"),
        (State::AdminDown, _) => format!("BFD_Instance({name}) Entering AdminDown state"),
    };
    let level = if before == State::Up { Level::Warning } else { Level::Info };
    actions.push(Action::Say(Line { level, text }));
    let up = session.state == State::Up;
    if up != (before == State::Up) {
        actions.push(Action::Report { name: name.clone(), up });
        actions.push(Action::Record(session.record()));
    }
}
