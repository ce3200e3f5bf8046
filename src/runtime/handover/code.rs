//! Messages as bytes. Both ends are the same program, and yet nothing is taken for granted: what does not decode to its last
//! byte is no message.

use super::{Ask, Entry, LONGEST, Memory, Order, OrderKind, Report, Topic};
use crate::effect::device::{Knob, Scope};
use crate::effect::net::Device;
use crate::effect::record::{BfdRecord, CheckerHealth, Counters, Former, Health, Record, Standing};
use crate::effect::time::Instant;
use crate::model::global::observe::Names;
use crate::runtime::bytes::{Reader, Writer};
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// Of the whole encoding. Another number is another program's.
const VERSION: u8 = 1;
/// At 22 bytes each, beside a key of half a message.
const MOST_CHECKERS: usize = LONGEST / 2 / 22 - 2;

mod tag {
    pub(super) const RECORD: u8 = 1;
    pub(super) const FORGET: u8 = 2;
    pub(super) const READY: u8 = 3;
    pub(super) const REFUSED: u8 = 4;
    pub(super) const STOPPED: u8 = 5;
    pub(super) const RELOAD_ASKED: u8 = 6;
    pub(super) const HEALTH: u8 = 7;
    pub(super) const SESSION: u8 = 8;
    pub(super) const SETTING: u8 = 9;
    pub(super) const TOLD: u8 = 10;
    pub(super) const RELOAD: u8 = 65;
    pub(super) const TELL: u8 = 66;
    pub(super) const AGAIN: u8 = 67;

    pub(super) const STATUS: u8 = 0;
    pub(super) const METRICS: u8 = 1;
    pub(super) const EXPLAIN: u8 = 2;

    pub(super) const FAULT: u8 = 0;
    pub(super) const BACKUP: u8 = 1;
    pub(super) const MASTER: u8 = 2;

    pub(super) const ALL: u8 = 0;
    pub(super) const DEFAULT: u8 = 1;
    pub(super) const DEVICE: u8 = 2;
}

fn message(kind: u8) -> Writer {
    Writer(vec![VERSION, kind])
}

/// A text that is too long loses its end; no key is that long.
fn put_text(out: &mut Writer, text: &str) {
    out.bytes(&text.as_bytes()[..text.floor_char_boundary(LONGEST / 2)]);
}

pub(super) fn encode_report(report: &Report) -> Vec<u8> {
    match report {
        Report::Record(Entry::Instance(record)) => {
            let mut out = message(tag::RECORD);
            encode_record(&mut out, record);
            out.0
        }
        Report::Record(Entry::Server(health)) => {
            let mut out = message(tag::HEALTH);
            encode_health(&mut out, health);
            out.0
        }
        Report::Record(Entry::Session(session)) => {
            let mut out = message(tag::SESSION);
            encode_session(&mut out, session);
            out.0
        }
        Report::Record(Entry::Setting(former)) => {
            let mut out = message(tag::SETTING);
            encode_setting(&mut out, former);
            out.0
        }
        Report::Forget(key) => with_text(tag::FORGET, key),
        Report::Ready => message(tag::READY).0,
        Report::Refused(reason) => with_text(tag::REFUSED, reason),
        Report::Stopped => message(tag::STOPPED).0,
        Report::ReloadAsked => message(tag::RELOAD_ASKED).0,
        // Its memory file goes beside it.
        Report::Told(id, _) => encode_told(*id),
    }
}

/// What goes with an answer's memory file.
pub(super) fn encode_told(id: u64) -> Vec<u8> {
    let mut out = message(tag::TOLD);
    out.number(id);
    out.0
}

fn with_text(kind: u8, text: &str) -> Vec<u8> {
    let mut out = message(kind);
    put_text(&mut out, text);
    out.0
}

fn encode_record(out: &mut Writer, record: &Record) {
    put_text(out, &record.key);
    match record.standing {
        Standing::Fault => out.byte(tag::FAULT),
        Standing::Backup => out.byte(tag::BACKUP),
        Standing::Master { since } => {
            out.byte(tag::MASTER);
            out.number(since.as_nanos());
        }
    }
    out.number(nanos(record.learnt));
    match record.master {
        None => out.byte(0),
        Some(IpAddr::V4(address)) => {
            out.byte(4);
            out.raw(&address.octets());
        }
        Some(IpAddr::V6(address)) => {
            out.byte(6);
            out.raw(&address.octets());
        }
    }
    out.number(record.counters.became_master);
    out.number(record.counters.released_master);
    out.number(record.ah_sequence.into());
}

/// As many checkers as a message holds; a real server has few.
fn encode_health(out: &mut Writer, health: &Health) {
    put_text(out, &health.key);
    out.byte(health.quorum.into());
    let checkers = &health.checkers[..health.checkers.len().min(MOST_CHECKERS)];
    out.number(u64::try_from(checkers.len()).unwrap_or_default());
    for checker in checkers {
        out.number(checker.identity);
        out.byte(checker.up.into());
        out.byte(checker.has_run.into());
        out.raw(&checker.weight.to_le_bytes());
        out.raw(&checker.status.to_le_bytes());
    }
}

fn decode_health(input: &mut Reader<'_>) -> Option<Health> {
    let key = input.text()?.into();
    let quorum = flag(input)?;
    let mut checkers = Vec::new();
    for _ in 0..input.number()? {
        let (identity, up, has_run) = (input.number()?, flag(input)?, flag(input)?);
        let (weight, status) = (i64::from_le_bytes(input.array()?), i32::from_le_bytes(input.array()?));
        checkers.push(CheckerHealth { identity, up, has_run, weight, status });
    }
    Some(Health { key, checkers: checkers.into(), quorum })
}

fn encode_session(out: &mut Writer, session: &BfdRecord) {
    put_text(out, &session.key);
    out.number(session.ours.into());
    out.number(session.yours.into());
    out.byte(session.up.into());
    out.byte(session.multiplier);
    out.number(nanos(session.min_tx));
    out.number(nanos(session.min_rx));
}

fn decode_session(input: &mut Reader<'_>) -> Option<BfdRecord> {
    let key = input.text()?.into();
    let (ours, yours) = (input.number()?.try_into().ok()?, input.number()?.try_into().ok()?);
    let (up, multiplier) = (flag(input)?, input.byte()?);
    let (min_tx, min_rx) = (Duration::from_nanos(input.number()?), Duration::from_nanos(input.number()?));
    Some(BfdRecord { key, ours, yours, up, multiplier, min_tx, min_rx })
}

fn encode_setting(out: &mut Writer, former: &Former) {
    match former.scope {
        Scope::All => out.byte(tag::ALL),
        Scope::Default => out.byte(tag::DEFAULT),
        Scope::Device(Device(number)) => {
            out.byte(tag::DEVICE);
            out.number(number.into());
        }
    }
    put_text(out, former.knob.name());
    out.number(former.value.into());
}

fn decode_setting(input: &mut Reader<'_>) -> Option<Former> {
    let scope = match input.byte()? {
        tag::ALL => Scope::All,
        tag::DEFAULT => Scope::Default,
        tag::DEVICE => Scope::Device(Device(input.number()?.try_into().ok()?)),
        _ => return None,
    };
    let knob = Knob::named(input.text()?)?;
    Some(Former::new(scope, knob, input.number()?.try_into().ok()?))
}

/// The longest there is stands for whatever is longer.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn flag(input: &mut Reader<'_>) -> Option<bool> {
    match input.byte()? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

pub(super) fn decode_report(bytes: &[u8], descriptor: Option<OwnedFd>) -> Option<Report> {
    let mut input = Reader(bytes);
    if input.byte()? != VERSION {
        return None;
    }
    let report = match input.byte()? {
        tag::RECORD => Report::Record(Entry::Instance(decode_record(&mut input)?)),
        tag::SESSION => Report::Record(Entry::Session(decode_session(&mut input)?)),
        tag::SETTING => Report::Record(Entry::Setting(decode_setting(&mut input)?)),
        tag::HEALTH => Report::Record(Entry::Server(decode_health(&mut input)?)),
        tag::FORGET => Report::Forget(input.text()?.into()),
        tag::READY => Report::Ready,
        tag::REFUSED => Report::Refused(input.text()?.into()),
        tag::STOPPED => Report::Stopped,
        tag::RELOAD_ASKED => Report::ReloadAsked,
        tag::TOLD => Report::Told(input.number()?, Memory::received(descriptor?)?),
        _ => return None,
    };
    input.is_empty().then_some(report)
}

fn decode_record(input: &mut Reader<'_>) -> Option<Record> {
    let key = input.text()?.into();
    let standing = match input.byte()? {
        tag::FAULT => Standing::Fault,
        tag::BACKUP => Standing::Backup,
        tag::MASTER => Standing::Master { since: Instant::from_nanos(input.number()?) },
        _ => return None,
    };
    let learnt = Duration::from_nanos(input.number()?);
    let master = match input.byte()? {
        0 => None,
        4 => Some(IpAddr::from(input.array::<4>()?)),
        6 => Some(IpAddr::from(input.array::<16>()?)),
        _ => return None,
    };
    let counters = Counters { became_master: input.number()?, released_master: input.number()? };
    let ah_sequence = input.number()?.try_into().ok()?;
    Some(Record { key, standing, learnt, master, counters, ah_sequence })
}

pub(super) fn encode_order(order: OrderKind) -> Vec<u8> {
    match order {
        OrderKind::Reload => message(tag::RELOAD).0,
        OrderKind::Again => message(tag::AGAIN).0,
    }
}

pub(super) fn decode_order(bytes: &[u8], descriptor: Option<OwnedFd>) -> Option<Order> {
    match bytes {
        [VERSION, tag::RELOAD] => descriptor.map(Order::Reload),
        [VERSION, tag::AGAIN] => Some(Order::Again),
        [VERSION, tag::TELL, rest @ ..] => decode_tell(rest).map(Order::Tell),
        _ => None,
    }
}

pub(super) fn encode_tell(ask: &Ask) -> Vec<u8> {
    let mut out = message(tag::TELL);
    out.number(ask.id);
    match &ask.topic {
        Topic::Status => out.byte(tag::STATUS),
        Topic::Metrics(Names { native, cafebazaar, gen2brain }) => {
            out.byte(tag::METRICS);
            for names in [native, cafebazaar, gen2brain] {
                out.byte((*names).into());
            }
        }
        Topic::Explain(name) => {
            out.byte(tag::EXPLAIN);
            put_text(&mut out, name);
        }
    }
    out.0
}

fn decode_tell(bytes: &[u8]) -> Option<Ask> {
    let mut input = Reader(bytes);
    let id = input.number()?;
    let topic = match input.byte()? {
        tag::STATUS => Topic::Status,
        tag::METRICS => {
            let (native, cafebazaar, gen2brain) = (flag(&mut input)?, flag(&mut input)?, flag(&mut input)?);
            Topic::Metrics(Names { native, cafebazaar, gen2brain })
        }
        tag::EXPLAIN => Topic::Explain(input.text()?.into()),
        _ => return None,
    };
    input.is_empty().then_some(Ask { id, topic })
}
