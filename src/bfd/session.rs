//! One session: its state, its two rhythms, and how they are changed without the neighbour missing a beat.

use super::SessionId;
use super::view::SessionView;
use crate::effect::chance::Chance;
use crate::effect::record::BfdRecord;
use crate::effect::time::Instant;
use crate::model::bfd::{Hops, Session as Conf};
use crate::wire::bfd::{Packet, Reason, State};
use std::time::Duration;

/// While a session is not up, packets go out no faster (RFC 5880 section 6.8.3).
const SLOW: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Session {
    pub(super) conf: Conf,
    pub(super) state: State,
    reason: Reason,
    /// Our number of it.
    pub(super) ours: u32,
    neighbour: Neighbour,
    /// What we say of our rhythms, and by what we still go until the neighbour has confirmed that.
    said: Rhythm,
    kept: Rhythm,
    polling: bool,
    next: Option<Instant>,
    expiry: Option<Instant>,
    /// Something has been heard since the neighbour was last forgotten.
    heard: bool,
    /// Some of that with as much TTL as we send with: what comes with less has come further, and is from somebody else.
    full: bool,
    last_heard: Option<Instant>,
}

/// What the last packet said.
#[derive(Clone, Copy, Debug)]
struct Neighbour {
    number: u32,
    state: State,
    multiplier: u8,
    min_tx: Duration,
    min_rx: Duration,
    demand: bool,
}

/// Before anything was heard (RFC 5880 section 6.8.1).
const UNKNOWN: Neighbour =
    Neighbour { number: 0, state: State::Down, multiplier: 0, min_tx: Duration::ZERO, min_rx: Duration::from_micros(1), demand: false };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rhythm {
    tx: Duration,
    rx: Duration,
}

/// What a session does about something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Answer at once.
    pub(super) answer: bool,
    /// The state is another one now.
    pub(super) before: Option<State>,
}

impl Session {
    pub(super) fn new(now: Instant, conf: Conf, ours: u32) -> Self {
        let said = Rhythm { tx: conf.idle_tx.max(SLOW), rx: conf.min_rx };
        let next = (!conf.passive).then_some(now);
        let (state, reason) = (State::Down, Reason::None);
        Self {
            conf,
            state,
            reason,
            ours,
            neighbour: UNKNOWN,
            said,
            kept: said,
            polling: false,
            next,
            expiry: None,
            heard: false,
            full: false,
            last_heard: None,
        }
    }

    /// Carries on where a predecessor was: the neighbour need not notice.
    pub(super) fn resume(now: Instant, conf: Conf, record: &BfdRecord) -> Self {
        let mut session = Self::new(now, conf, record.ours);
        if record.up {
            session.state = State::Up;
            session.heard = true;
            session.neighbour = Neighbour {
                number: record.yours,
                state: State::Up,
                multiplier: record.multiplier,
                min_tx: record.min_tx,
                min_rx: record.min_rx,
                demand: false,
            };
            session.said = session.fast();
            session.kept = session.said;
            session.next = Some(now);
            session.expiry = session.detection().map(|time| now + time);
        }
        session
    }

    pub(super) fn record(&self) -> BfdRecord {
        let Neighbour { number: yours, multiplier, min_tx, min_rx, .. } = self.neighbour;
        BfdRecord { key: self.conf.name.clone(), ours: self.ours, yours, up: self.state == State::Up, multiplier, min_tx, min_rx }
    }

    fn fast(&self) -> Rhythm {
        Rhythm { tx: self.conf.min_tx, rx: self.conf.min_rx }
    }

    /// Goes over to another configuration with the same ends. What the neighbour must know is told it by a poll.
    pub(super) fn reconfigure(&mut self, conf: Conf) {
        self.conf = conf;
        if self.state == State::Up {
            self.change(self.fast());
        } else {
            self.said = Rhythm { tx: self.conf.idle_tx.max(SLOW), rx: self.conf.min_rx };
            self.kept = self.said;
        }
    }

    /// New rhythms: what is slower than before holds when the neighbour has confirmed it, what is faster at once
    /// (RFC 5880 section 6.8.3).
    fn change(&mut self, rhythm: Rhythm) {
        if rhythm == self.said {
            return;
        }
        self.kept = Rhythm { tx: self.kept.tx.min(rhythm.tx), rx: self.kept.rx.max(rhythm.rx) };
        self.said = rhythm;
        self.polling = true;
    }

    /// Sooner or later.
    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.next, self.expiry].into_iter().flatten().min()
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.next.is_some_and(|at| at <= now)
    }

    /// Nothing has come for too long.
    pub(super) fn expire(&mut self, now: Instant) -> Outcome {
        if self.expiry.is_none_or(|at| at > now) {
            return Outcome::default();
        }
        self.expiry = None;
        // Its number may be another one's by now, and so may its rhythm.
        self.neighbour = Neighbour { state: State::Down, ..UNKNOWN };
        (self.heard, self.full) = (false, false);
        match self.state {
            State::Init | State::Up => self.enter(now, State::Down, Reason::Expired),
            State::AdminDown | State::Down => Outcome::default(),
        }
    }

    /// Whether this came from no further than it may.
    pub(super) fn is_near(&self, ttl: u8) -> bool {
        match self.conf.hops {
            Hops::Any => true,
            Hops::AtMost(hops) => {
                let full = if self.full { self.conf.ttl } else { self.conf.full_ttl };
                ttl >= full.saturating_sub(hops)
            }
        }
    }

    /// RFC 5880 section 6.8.6, from where the session is known.
    pub(super) fn hear(&mut self, now: Instant, ttl: u8, packet: &Packet) -> Outcome {
        self.full |= ttl >= self.conf.ttl;
        let micros = |number: u32| Duration::from_micros(number.into());
        self.neighbour = Neighbour {
            number: packet.ours,
            state: packet.state,
            multiplier: packet.multiplier,
            min_tx: micros(packet.min_tx),
            min_rx: micros(packet.min_rx),
            demand: packet.demand,
        };
        if packet.is_final && self.polling {
            self.polling = false;
            self.kept = self.said;
        }
        let first = !std::mem::replace(&mut self.heard, true);
        self.last_heard = Some(now);
        self.expiry = self.detection().map(|time| now + time);
        let mut outcome = match (self.state, packet.state) {
            (State::AdminDown, _) => return Outcome::default(),
            (State::Down, State::Down) => self.enter(now, State::Init, Reason::None),
            (State::Down | State::Init, State::Init) | (State::Init, State::Up) => self.enter(now, State::Up, Reason::None),
            (State::Init | State::Up, State::AdminDown) | (State::Up, State::Down) => self.enter(now, State::Down, Reason::Neighbour),
            (State::Down, State::AdminDown | State::Up) | (State::Init, State::Down) | (State::Up, State::Init | State::Up) => {
                Outcome::default()
            }
        };
        outcome.answer = packet.poll;
        if self.next.is_none() || first {
            // Who was passive speaks now; who was asked to be silent may be asked to speak again.
            self.next = self.rests().then_some(now);
        } else if let (Some(next), Some(interval)) = (self.next, self.interval()) {
            // A rhythm that has become faster does not wait for the old one.
            self.next = Some(next.min(now + interval));
        } else {
            self.next = None;
        }
        outcome
    }

    /// There is something to be sent from time to time.
    fn rests(&self) -> bool {
        self.interval().is_some()
    }

    /// One place where the state changes.
    fn enter(&mut self, now: Instant, state: State, reason: Reason) -> Outcome {
        let before = std::mem::replace(&mut self.state, state);
        match state {
            State::Up => {
                self.reason = Reason::None;
                self.change(self.fast());
            }
            State::Down | State::AdminDown | State::Init => {
                if reason != Reason::None {
                    self.reason = reason;
                }
                self.said = Rhythm { tx: self.conf.idle_tx.max(SLOW), rx: self.conf.min_rx };
                self.kept = self.said;
                self.polling = false;
            }
        }
        // The neighbour is to know at once.
        if self.next.is_some() || self.heard {
            self.next = Some(now);
        }
        Outcome { answer: false, before: Some(before) }
    }

    /// The last word: it is we who end it, and nothing is wrong with the way.
    pub(super) fn close(&mut self) {
        self.state = State::AdminDown;
        self.reason = Reason::Administrator;
        self.polling = false;
    }

    /// How long silence lasts until it means something.
    fn detection(&self) -> Option<Duration> {
        let Neighbour { multiplier, min_tx, .. } = self.neighbour;
        (multiplier > 0).then(|| self.kept.rx.max(min_tx) * multiplier.into())
    }

    /// From one packet to the next, at most. Nothing, if the neighbour wants none.
    fn interval(&self) -> Option<Duration> {
        let silent = self.neighbour.min_rx.is_zero();
        let demanded = self.neighbour.demand && self.state == State::Up && self.neighbour.state == State::Up;
        let passive = self.conf.passive && !self.heard;
        let wanted = !(silent || passive || demanded && !self.polling);
        wanted.then(|| self.kept.tx.max(self.neighbour.min_rx))
    }

    /// The packet that is due, and when the next one is: up to a quarter early, so that many sessions do not march in step
    /// (RFC 5880 section 6.8.7; the tenth is for a multiplier of one, and keepalived's for all).
    pub(super) fn beat(&mut self, now: Instant, chance: &mut Chance) -> Packet {
        self.next = self.interval().map(|interval| now + interval * 3 / 4 + chance.within(interval * 3 / 20));
        self.packet(false)
    }

    pub(super) fn packet(&self, is_final: bool) -> Packet {
        let micros = |duration: Duration| u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
        Packet {
            state: self.state,
            poll: self.polling && !is_final,
            is_final,
            demand: false,
            multiplier: self.conf.multiplier,
            ours: self.ours,
            yours: self.neighbour.number,
            min_tx: micros(self.said.tx),
            min_rx: micros(self.said.rx),
        }
    }

    pub(super) const fn reason(&self) -> Reason {
        self.reason
    }

    pub(super) fn view(&self, id: SessionId) -> SessionView {
        let Neighbour { number, state, multiplier, min_tx, min_rx, demand } = self.neighbour;
        SessionView {
            id,
            name: self.conf.name.clone(),
            state: self.state,
            reason: self.reason,
            ours: self.ours,
            yours: number,
            neighbour: state,
            multiplier,
            min_tx,
            min_rx: if self.heard { min_rx } else { Duration::ZERO },
            demand,
            polling: self.polling,
            interval: self.interval(),
            detection: self.detection(),
            last_heard: self.last_heard,
        }
    }
}
