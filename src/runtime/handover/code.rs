//! Messages as bytes. Both ends are the same program, and yet nothing is taken for granted: what does not decode to its last
//! byte is no message.

use super::{LONGEST, Order, OrderKind, Report};
use crate::effect::record::{Counters, Record, Standing};
use crate::effect::time::Instant;
use crate::runtime::bytes::{Reader, Writer};
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// Of the whole encoding. Another number is another program's.
const VERSION: u8 = 1;

mod tag {
    pub(super) const RECORD: u8 = 1;
    pub(super) const FORGET: u8 = 2;
    pub(super) const READY: u8 = 3;
    pub(super) const REFUSED: u8 = 4;
    pub(super) const STOPPED: u8 = 5;
    pub(super) const RELOAD_ASKED: u8 = 6;
    pub(super) const RELOAD: u8 = 65;

    pub(super) const FAULT: u8 = 0;
    pub(super) const BACKUP: u8 = 1;
    pub(super) const MASTER: u8 = 2;
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
        Report::Record(record) => {
            let mut out = message(tag::RECORD);
            encode_record(&mut out, record);
            out.0
        }
        Report::Forget(key) => with_text(tag::FORGET, key),
        Report::Ready => message(tag::READY).0,
        Report::Refused(reason) => with_text(tag::REFUSED, reason),
        Report::Stopped => message(tag::STOPPED).0,
        Report::ReloadAsked => message(tag::RELOAD_ASKED).0,
    }
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
    out.number(u64::try_from(record.learnt.as_nanos()).unwrap_or(u64::MAX));
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
}

pub(super) fn decode_report(bytes: &[u8]) -> Option<Report> {
    let mut input = Reader(bytes);
    if input.byte()? != VERSION {
        return None;
    }
    let report = match input.byte()? {
        tag::RECORD => Report::Record(decode_record(&mut input)?),
        tag::FORGET => Report::Forget(input.text()?.into()),
        tag::READY => Report::Ready,
        tag::REFUSED => Report::Refused(input.text()?.into()),
        tag::STOPPED => Report::Stopped,
        tag::RELOAD_ASKED => Report::ReloadAsked,
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
    Some(Record { key, standing, learnt, master, counters })
}

pub(super) fn encode_order(order: OrderKind) -> Vec<u8> {
    match order {
        OrderKind::Reload => message(tag::RELOAD).0,
    }
}

pub(super) fn decode_order(bytes: &[u8], descriptor: Option<OwnedFd>) -> Option<Order> {
    match bytes {
        [VERSION, tag::RELOAD] => descriptor.map(Order::Reload),
        _ => None,
    }
}
