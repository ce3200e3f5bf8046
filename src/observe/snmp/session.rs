//! A session with the master agent, as a state machine: it connects, opens, registers, answers, sends traps, and begins anew
//! after a loss. It knows no socket.

use super::query::Query;
use crate::effect::say::{Level, Line};
use crate::effect::time::Instant;
use crate::wire::agentx::{Body, Frame, Header, Oid, Order, Pdu, Reason, Region, Response, VarBind, error, frame};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long an answer of the agent is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// An agent that says nothing for so long is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(15);
/// Between two attempts to connect, from the first to the last and all that follow.
const FIRST: Duration = Duration::from_secs(1);
const LAST: Duration = Duration::from_secs(15);
/// Traps that wait for an agent. Of more, the oldest are dropped.
const TRAPS: usize = 256;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// As the log calls the agent.
    pub address: Box<str>,
    pub id: Oid,
    pub description: Box<str>,
    /// With their priorities, of which the lowest wins where several processes have the same one.
    pub subtrees: Vec<(Oid, u8)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// It is time for something.
    Tick,
    Connected,
    /// A connection could not be made, or has ended.
    Lost(&'a str),
    Received(&'a [u8]),
    Trap(&'a [VarBind]),
    /// There will be no more traps.
    Stop,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Connect,
    /// Everything that was sent before may still go out.
    Disconnect,
    Send(Vec<u8>),
    /// To be answered by [`Session::answer`].
    Ask(Request),
    Say(Line),
    /// It is over, and nothing follows.
    End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    header: Header,
    pub query: Query,
}

#[derive(Debug)]
pub struct Session {
    settings: Settings,
    state: State,
    /// Before the next attempt but one.
    pause: Duration,
    inbox: Vec<u8>,
    /// Of the last PDU of ours.
    packet: u32,
    /// What is to be answered by the agent, by packet, and until when.
    pending: BTreeMap<u32, (Pending, Instant)>,
    traps: VecDeque<Vec<VarBind>>,
    /// The loss of the agent was told.
    told: bool,
    stopping: bool,
    /// What the agent's clock showed when the session was opened.
    uptime: Option<(Instant, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Away { again: Instant },
    Connecting,
    Opening,
    Open { session: u32, heard: Instant },
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    Open,
    /// By its place in the settings.
    Register(usize),
    Notify,
    Ping,
}

impl Session {
    pub const fn new(now: Instant, settings: Settings) -> Self {
        Self {
            settings,
            state: State::Away { again: now },
            pause: FIRST,
            inbox: Vec::new(),
            packet: 0,
            pending: BTreeMap::new(),
            traps: VecDeque::new(),
            told: false,
            stopping: false,
            uptime: None,
        }
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        let silence = match self.state {
            State::Away { again } => return Some(again),
            State::Open { heard, .. } if self.pending.is_empty() => Some(heard + SILENCE),
            State::Connecting | State::Opening | State::Open { .. } => None,
            State::Over => return None,
        };
        self.pending.values().map(|(_, until)| *until).chain(silence).min()
    }

    /// The agent's clock and ours at one moment.
    pub const fn uptime(&self) -> Option<(Instant, u32)> {
        self.uptime
    }

    pub fn handle(&mut self, now: Instant, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Tick => self.tick(now, actions),
            Event::Connected => self.open(now, actions),
            Event::Lost(reason) => self.lost(now, reason, actions),
            Event::Received(bytes) => self.receive(now, bytes, actions),
            Event::Trap(binds) => {
                if self.traps.len() >= TRAPS {
                    self.traps.pop_front();
                }
                self.traps.push_back(binds.to_vec());
                self.notify(now, actions);
            }
            Event::Stop => {
                self.stopping = true;
                match self.state {
                    State::Away { .. } => self.end(actions),
                    State::Open { .. } => self.farewell(actions),
                    // Without anything to tell there is no need of a session; with something it is on its way.
                    State::Connecting | State::Opening if self.traps.is_empty() => {
                        actions.push(Action::Disconnect);
                        self.end(actions);
                    }
                    State::Connecting | State::Opening | State::Over => {}
                }
            }
        }
    }

    /// Nothing if whoever asked is gone.
    pub fn answer(&self, request: &Request, binds: Vec<VarBind>) -> Option<Vec<u8>> {
        match self.state {
            State::Open { session, .. } if session == request.header.session => Some(response(&request.header, error::NONE, 0, binds)),
            State::Open { .. } | State::Away { .. } | State::Connecting | State::Opening | State::Over => None,
        }
    }

    fn tick(&mut self, now: Instant, actions: &mut Vec<Action>) {
        match self.state {
            State::Away { again } if again <= now => {
                self.state = State::Connecting;
                actions.push(Action::Connect);
            }
            State::Opening | State::Open { .. } if self.pending.values().any(|(_, until)| *until <= now) => {
                actions.push(Action::Disconnect);
                self.lost(now, "it does not answer", actions);
            }
            State::Open { heard, .. } if self.pending.is_empty() && heard + SILENCE <= now => {
                self.ask(now, Pending::Ping, Body::Ping, actions);
            }
            State::Away { .. } | State::Connecting | State::Opening | State::Open { .. } | State::Over => {}
        }
    }

    fn open(&mut self, now: Instant, actions: &mut Vec<Action>) {
        self.state = State::Opening;
        let Settings { id, description, .. } = &self.settings;
        let open = Body::Open { timeout: 0, id: id.clone(), description: description.as_bytes().into() };
        self.ask(now, Pending::Open, open, actions);
    }

    /// Sends what the agent answers.
    fn ask(&mut self, now: Instant, what: Pending, body: Body, actions: &mut Vec<Action>) {
        self.packet = self.packet.wrapping_add(1);
        self.pending.insert(self.packet, (what, now + PATIENCE));
        self.send(body, actions);
    }

    fn send(&self, body: Body, actions: &mut Vec<Action>) {
        let session = match self.state {
            State::Open { session, .. } => session,
            State::Away { .. } | State::Connecting | State::Opening | State::Over => 0,
        };
        let header = Header { order: Order::Big, session, transaction: 0, packet: self.packet, context: None };
        actions.push(Action::Send(Pdu { header, body }.encode()));
    }

    fn lost(&mut self, now: Instant, reason: &str, actions: &mut Vec<Action>) {
        self.inbox.clear();
        self.pending.clear();
        self.uptime = None;
        if self.stopping {
            return self.end(actions);
        }
        if !self.told {
            self.told = true;
            self.say(Level::Warning, &format!("cannot be reached: {reason}"), actions);
        }
        self.state = State::Away { again: now + self.pause };
        self.pause = (self.pause * 2).min(LAST);
    }

    fn end(&mut self, actions: &mut Vec<Action>) {
        if self.state != State::Over {
            self.state = State::Over;
            actions.push(Action::End);
        }
    }

    fn farewell(&mut self, actions: &mut Vec<Action>) {
        self.packet = self.packet.wrapping_add(1);
        self.send(Body::Close(Reason::Shutdown), actions);
        actions.push(Action::Disconnect);
        self.end(actions);
    }

    fn say(&self, level: Level, text: &str, actions: &mut Vec<Action>) {
        let text = format!("SNMP agent {}: {text}", self.settings.address);
        actions.push(Action::Say(Line { level, text }));
    }

    fn receive(&mut self, now: Instant, bytes: &[u8], actions: &mut Vec<Action>) {
        self.inbox.extend(bytes);
        loop {
            let (header, body) = match frame(&self.inbox) {
                Frame::Partial => return,
                Frame::Whole { length, header, body: Some(body) } => {
                    self.inbox.drain(..length);
                    (header, body)
                }
                Frame::Alien | Frame::Whole { body: None, .. } => {
                    actions.push(Action::Disconnect);
                    return self.lost(now, "it says what is no AgentX", actions);
                }
            };
            if let State::Open { heard, .. } = &mut self.state {
                *heard = now;
            }
            match body {
                Body::Response(answer) => self.answered(now, &header, &answer, actions),
                Body::Close(reason) => {
                    actions.push(Action::Disconnect);
                    return self.lost(now, &format!("it has closed the session ({reason:?})"), actions);
                }
                body => self.asked(header, body, actions),
            }
            // Whoever was disconnected from has nothing more to say.
            match self.state {
                State::Opening | State::Open { .. } => {}
                State::Away { .. } | State::Connecting | State::Over => return,
            }
        }
    }

    fn answered(&mut self, now: Instant, header: &Header, answer: &Response, actions: &mut Vec<Action>) {
        let Some((what, _)) = self.pending.remove(&header.packet) else { return };
        match (what, answer.error) {
            (Pending::Open, error::NONE) => {
                self.state = State::Open { session: header.session, heard: now };
                self.uptime = Some((now, answer.uptime));
                self.pause = FIRST;
                self.told = false;
                self.say(Level::Info, "connected", actions);
                for (at, (subtree, priority)) in self.settings.subtrees.clone().into_iter().enumerate() {
                    let region = Region { timeout: 0, priority, subtree, range: None, instance: false };
                    self.ask(now, Pending::Register(at), Body::Register(region), actions);
                }
                self.notify(now, actions);
                if self.stopping {
                    self.farewell(actions);
                }
            }
            (Pending::Open, error) => {
                actions.push(Action::Disconnect);
                self.lost(now, &format!("it refuses a session (error {error})"), actions);
            }
            (_, error::NOT_OPEN) => {
                actions.push(Action::Disconnect);
                self.lost(now, "it does not know the session any more", actions);
            }
            (Pending::Register(_) | Pending::Notify | Pending::Ping, error::NONE) => {}
            (Pending::Register(at), error) => {
                let subtree = self.settings.subtrees.get(at).map(|(subtree, _)| subtree.to_string()).unwrap_or_default();
                let why =
                    if error == error::DUPLICATE_REGISTRATION { "somebody else serves it".to_owned() } else { format!("error {error}") };
                self.say(Level::Error, &format!("{subtree} cannot be served: {why}"), actions);
            }
            (Pending::Notify | Pending::Ping, error) => {
                self.say(Level::Detail, &format!("it answers with error {error}"), actions);
            }
        }
    }

    /// What the agent wants to know.
    fn asked(&self, header: Header, body: Body, actions: &mut Vec<Action>) {
        let ours = matches!(self.state, State::Open { session, .. } if session == header.session);
        let refusal = match &body {
            // Nobody answers these.
            Body::CleanupSet | Body::Response(_) | Body::Close(_) => return,
            _ if !ours => Some((error::NOT_OPEN, 0)),
            _ if header.context.is_some() => Some((error::UNSUPPORTED_CONTEXT, 0)),
            Body::Get(_) | Body::GetNext(_) | Body::GetBulk { .. } => None,
            Body::TestSet(_) => Some((error::NOT_WRITABLE, 1)),
            Body::CommitSet => Some((error::COMMIT_FAILED, 0)),
            Body::UndoSet => Some((error::NONE, 0)),
            Body::Open { .. } | Body::Register(_) | Body::Unregister(_) | Body::Notify(_) | Body::Ping | Body::Other(_) => {
                Some((error::DENIED, 0))
            }
        };
        if let Some((error, index)) = refusal {
            return actions.push(Action::Send(response(&header, error, index, Vec::new())));
        }
        let query = match body {
            Body::Get(ranges) => Query::Get(ranges),
            Body::GetNext(ranges) => Query::Next(ranges),
            Body::GetBulk { non_repeaters, max_repetitions, ranges } => Query::Bulk { non_repeaters, max_repetitions, ranges },
            _ => return,
        };
        actions.push(Action::Ask(Request { header, query }));
    }

    fn notify(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if matches!(self.state, State::Open { .. }) {
            for binds in std::mem::take(&mut self.traps) {
                self.ask(now, Pending::Notify, Body::Notify(binds), actions);
            }
        }
    }
}

fn response(to: &Header, error: u16, index: u16, binds: Vec<VarBind>) -> Vec<u8> {
    // The agent's own clock is of no interest to it.
    Pdu { header: Header { context: None, ..to.clone() }, body: Body::Response(Response { uptime: 0, error, index, binds }) }.encode()
}

#[cfg(test)]
mod tests;
