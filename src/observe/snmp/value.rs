//! Values as MIBs write them.

use crate::model::net::Scope;
use crate::model::script::Script;
use crate::wire::agentx::{Oid, Value};
use std::net::IpAddr;
use std::time::Duration;

pub(super) fn text(text: &str) -> Value {
    Value::Octets(text.as_bytes().into())
}

pub(super) fn command(script: &Script) -> Value {
    text(&super::super::command::command(script).to_string())
}

/// `TruthValue`, and everything else that is 1 or 2.
pub(super) const fn either(first: bool) -> Value {
    Value::Integer(if first { 1 } else { 2 })
}

/// `on`, `off` or `unset`.
pub(super) const fn perhaps(set: Option<bool>) -> Value {
    match set {
        Some(on) => either(on),
        None => Value::Integer(3),
    }
}

pub(super) const fn integer(number: i32) -> Value {
    Value::Integer(number)
}

/// As far as it goes.
pub(super) fn count(number: impl TryInto<u32>) -> Value {
    Value::Gauge32(number.try_into().unwrap_or(u32::MAX))
}

pub(super) fn signed(number: impl TryInto<i32>) -> Value {
    Value::Integer(number.try_into().unwrap_or(i32::MAX))
}

/// It begins again at zero when it has reached its end.
pub(super) fn counter(number: u64) -> Value {
    let [.., a, b, c, d] = number.to_be_bytes();
    Value::Counter32(u32::from_be_bytes([a, b, c, d]))
}

/// The lower and the upper half.
pub(super) fn halves(number: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
    [u32::from_be_bytes([e, f, g, h]), u32::from_be_bytes([a, b, c, d])]
}

pub(super) fn seconds(duration: Duration) -> Value {
    count(duration.as_secs())
}

pub(super) fn micros(duration: Duration) -> Value {
    count(duration.as_micros())
}

/// Hundredths of a second, which begin anew after 497 days.
pub(super) fn ticks(duration: Duration) -> u32 {
    let centis = duration.as_millis() / 10;
    u32::try_from(centis % (1 << 32)).unwrap_or_default()
}

pub(super) fn address(address: IpAddr) -> Value {
    Value::Octets(match address {
        IpAddr::V4(address) => address.octets().into(),
        IpAddr::V6(address) => address.octets().into(),
    })
}

/// `InetAddressType`
pub(super) const fn address_type(address: IpAddr) -> i32 {
    match address {
        IpAddr::V4(_) => 1,
        IpAddr::V6(_) => 2,
    }
}

/// An address as a part of an index.
pub(super) fn index(address: IpAddr) -> Vec<u32> {
    match address {
        IpAddr::V4(address) => address.octets().map(u32::from).to_vec(),
        IpAddr::V6(address) => address.octets().map(u32::from).to_vec(),
    }
}

/// `InetScopeType`
pub(super) const fn scope(scope: Scope) -> i32 {
    match scope {
        Scope::HOST => 1,
        Scope::LINK => 2,
        Scope::SITE => 5,
        Scope::GLOBAL => 14,
        Scope(_) => 0,
    }
}

/// Rows are counted from 1.
pub(super) fn nth(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1)
}

/// `KEEPALIVED-MIB`, below it.
pub(super) fn keepalived(below: &[u32]) -> Oid {
    Oid::from([1, 3, 6, 1, 4, 1, 9586, 100, 5]).join(below)
}
