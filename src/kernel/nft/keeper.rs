//! Keeps our tables as they are wanted, whatever others do to them.

use super::client::{Client, Refused};
use super::lock::Lock;
use super::message::{Seen, family};
use crate::effect::firewall::{Entry, Frame, Order};
use crate::effect::say::{Level, Line};
use nix::errno::Errno;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Names that are tried where somebody else has ours.
const NAMES: u8 = 9;
/// Somebody else may change things in between.
const ATTEMPTS: u8 = 4;
/// A process that was killed takes a moment to go, and its tables are an orphan's only then: how often, and after which time, it is
/// looked whether their maker still lives.
const LOOKS: u8 = 50;
const LOOK: Duration = Duration::from_millis(200);

/// Who of us a table is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    Vrrp,
    Checker,
}

impl Maker {
    /// In the words of libnftnl: kind, length, value. No other program makes one of this kind, and nft passes over it.
    fn mark(self) -> Vec<u8> {
        const KIND: u8 = 0x5f;
        let text = match self {
            Self::Vrrp => "standfast vrrp",
            Self::Checker => "standfast checker",
        };
        [KIND, u8::try_from(text.len()).unwrap_or_default()].into_iter().chain(text.bytes()).collect()
    }
}

/// What the watcher has to know of us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ours {
    pub(super) name: Option<Box<str>>,
    pub(super) port: u32,
}

/// Our tables as they are in the kernel.
#[derive(Debug)]
struct Standing {
    frame: Frame,
    /// The frame's own, unless somebody else has it.
    name: Box<str>,
    _lock: Lock,
}

#[derive(Debug)]
pub struct Keeper {
    maker: Maker,
    client: Option<Client>,
    wanted: Option<Frame>,
    entries: BTreeSet<Entry>,
    standing: Option<Standing>,
    /// The kernel does not know how to copy packets.
    plain: bool,
    ours: Arc<Mutex<Ours>>,
    /// The tables with our mark whose maker seemed to live, and how often that is still to be asked.
    others: Vec<String>,
    looks: u8,
    /// What was said last, so that it is not said for ever.
    complaint: Option<String>,
}

impl Keeper {
    /// Opens its socket with the first order, in the network namespace of the thread that it is given by.
    pub fn new(maker: Maker) -> Self {
        let (ours, entries, others) = (Arc::default(), BTreeSet::new(), Vec::new());
        Self { maker, client: None, wanted: None, entries, standing: None, plain: false, ours, others, looks: LOOKS, complaint: None }
    }

    pub(super) fn ours(&self) -> Arc<Mutex<Ours>> {
        Arc::clone(&self.ours)
    }

    /// Does as told; returns what there is to say about it.
    pub fn obey(&mut self, order: Order) -> Vec<Line> {
        let outcome = match order {
            Order::Frame(frame) => {
                let settled = self.client.is_some() && frame.as_ref() == self.standing.as_ref().map(|standing| &standing.frame);
                self.wanted = frame;
                if settled { Ok(Vec::new()) } else { self.build() }
            }
            Order::Put(entries) => {
                let fresh: Vec<Entry> = entries.into_iter().filter(|entry| self.entries.insert(entry.clone())).collect();
                self.differ(&fresh, true)
            }
            Order::Take(entries) => {
                let stale: Vec<Entry> = entries.into_iter().filter(|entry| self.entries.remove(entry)).collect();
                self.differ(&stale, false)
            }
        };
        self.report(outcome)
    }

    /// Somebody else has changed our tables.
    pub fn heal(&mut self) -> Vec<Line> {
        if self.wanted.is_none() {
            return Vec::new();
        }
        let mut lines = vec![Line { level: Level::Warning, text: "somebody else changed our nftables rules: put back".to_owned() }];
        let outcome = self.build();
        lines.extend(self.report(outcome));
        lines
    }

    /// After which time [`Self::look`] is to be called, if at all.
    pub fn next_look(&self) -> Option<Duration> {
        (!self.others.is_empty() && self.looks > 0).then_some(LOOK)
    }

    /// Whether the maker of a table has gone since we found it alive, and then its table goes.
    pub fn look(&mut self) -> Vec<Line> {
        self.looks = self.looks.saturating_sub(1);
        if !self.others.iter().any(|name| matches!(Lock::take(name), Ok(Some(_)))) {
            return Vec::new();
        }
        let outcome = self.build();
        self.report(outcome)
    }

    fn report(&mut self, outcome: Result<Vec<Line>, Refused>) -> Vec<Line> {
        match outcome {
            Ok(lines) => {
                self.complaint = None;
                lines
            }
            Err(refused) => {
                let text = format!("nftables rules cannot be made: {refused}");
                let again = self.complaint.replace(text.clone()) == Some(text.clone());
                if again { Vec::new() } else { vec![Line { level: Level::Error, text }] }
            }
        }
    }

    /// Only what has changed, as long as our tables are as we know them.
    fn differ(&mut self, entries: &[Entry], put: bool) -> Result<Vec<Line>, Refused> {
        let (Some(client), Some(standing)) = (&mut self.client, &self.standing) else {
            return if self.wanted.is_some() { self.build() } else { Ok(Vec::new()) };
        };
        let mut batch = client.batch();
        let known = entries.iter().filter(|entry| standing.frame.has(entry));
        if put {
            batch.put(&standing.name, known);
        } else {
            batch.take(&standing.name, known);
        }
        match client.commit(batch) {
            Ok(()) => Ok(Vec::new()),
            Err(_) => self.build(),
        }
    }

    /// All of it in one transaction, in the place of what there is of ours.
    fn build(&mut self) -> Result<Vec<Line>, Refused> {
        const CANNOT: &str = "this kernel cannot send copies of packets: IGMP and MLD reports leave with the virtual MAC";
        let mut said = Vec::new();
        for attempt in 1.. {
            match self.attempt() {
                Ok(lines) => {
                    said.extend(lines);
                    break;
                }
                Err(refused) if attempt >= ATTEMPTS || !matches!(refused.errno, Errno::ENOENT | Errno::EEXIST | Errno::EBUSY) => {
                    return Err(refused);
                }
                // It may be that a table has just gone, and it may be that the kernel does not know a word.
                Err(refused) if attempt > 1 && refused.errno == Errno::ENOENT && !self.plain => {
                    self.plain = self.wanted.as_ref().is_some_and(Frame::copies);
                    said.extend(self.plain.then(|| Line { level: Level::Warning, text: CANNOT.to_owned() }));
                }
                Err(_) => {}
            }
        }
        Ok(said)
    }

    fn attempt(&mut self) -> Result<Vec<Line>, Refused> {
        let client = match &mut self.client {
            Some(client) => client,
            empty => empty.insert(Client::open()?),
        };
        let there = match client.tables() {
            Ok(there) => there,
            // Then there is nothing of ours either.
            Err(_) if self.wanted.is_none() => return Ok(Vec::new()),
            Err(refused) => return Err(refused),
        };
        let mark = self.maker.mark();
        let is_ours = |table: &&Seen| table.mark == mark && family(table.family).is_some();
        let mut lines = Vec::new();
        let mut batch = client.batch();
        let mut held = self.standing.take();
        let mut next = None;
        if let Some(wanted) = &self.wanted {
            let foreign = |name: &str| there.iter().any(|table| table.name == name && family(table.family).is_some() && table.mark != mark);
            let (name, lock) = choose(wanted, &mut held, foreign)?;
            if name != wanted.name {
                let text = format!("the nftables table {} is somebody else's: ours is {name}", wanted.name);
                lines.push(Line { level: Level::Warning, text });
            }
            next = Some((name, lock));
        }
        // What a predecessor left that was killed, too, if nobody lives who may have made it.
        let mut locks = Vec::new();
        self.others.clear();
        for table in there.iter().filter(is_ours) {
            let chosen = next.as_ref().is_some_and(|(name, _)| **name == *table.name);
            let old = held.as_ref().is_some_and(|standing| *standing.name == *table.name);
            let orphan = chosen || old || locks.iter().any(|(name, _)| *name == table.name) || {
                let lock = Lock::take(&table.name)?;
                lock.map(|lock| locks.push((table.name.clone(), lock))).is_some()
            };
            match family(table.family) {
                Some(family) if orphan => batch.delete_table(family, table.handle),
                Some(_) => self.others.push(table.name.clone()),
                None => {}
            }
        }
        let frame = self.wanted.clone().map(|frame| if self.plain { frame.without_copies() } else { frame });
        if let (Some((name, _)), Some(frame)) = (&next, &frame) {
            batch.frame(name, frame, &mark);
            batch.put(name, self.entries.iter().filter(|entry| frame.has(entry)));
        }
        *self.ours.lock().unwrap_or_else(PoisonError::into_inner) =
            Ours { name: next.as_ref().map(|(name, _)| name.clone()), port: client.port() };
        client.commit(batch)?;
        self.standing = match (next, self.wanted.clone()) {
            (Some((name, lock)), Some(frame)) => Some(Standing { frame, name, _lock: lock }),
            (None, _) | (_, None) => None,
        };
        Ok(lines)
    }
}

/// The name that is wanted, or one like it that is nobody's. What is held is given up for it, if it is that one.
fn choose(wanted: &Frame, held: &mut Option<Standing>, foreign: impl Fn(&str) -> bool) -> Result<(Box<str>, Lock), Refused> {
    let names = (1..=NAMES).map(|n| if n == 1 { wanted.name.to_string() } else { format!("{}_{n}", wanted.name) });
    for name in names.filter(|name| !foreign(name)) {
        if let Some(Standing { name, _lock, .. }) = held.take_if(|standing| *standing.name == name) {
            return Ok((name, _lock));
        }
        if let Some(lock) = Lock::take(&name)? {
            return Ok((name.into(), lock));
        }
    }
    Err(Errno::EEXIST.into())
}
