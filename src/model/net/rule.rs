//! A routing rule to hold.

use super::{Family, OUR_PROTOCOL, Prefix, Realms};
use std::ops::RangeInclusive;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub family: Family,
    /// The rule applies to what the selectors do not match.
    pub inverted: bool,
    pub from: Option<Prefix>,
    pub to: Option<Prefix>,
    pub priority: u32,
    pub tos: u8,
    pub mark: Option<Mark>,
    pub input: Option<Box<str>>,
    pub output: Option<Box<str>>,
    pub uids: Option<RangeInclusive<u32>>,
    pub ip_protocol: Option<u8>,
    pub source_ports: Option<RangeInclusive<u16>>,
    pub destination_ports: Option<RangeInclusive<u16>>,
    pub tunnel: Option<u64>,
    pub action: Action,
    /// With a table only, IPv4.
    pub realms: Option<Realms>,
    /// With a table only: a route found there does not count if its prefix is no longer than this.
    pub suppress_length: Option<u32>,
    /// With a table only: nor if it leaves by an interface of this group.
    pub suppress_group: Option<u32>,
    /// Zero leaves it unsaid who made the rule.
    pub protocol: u8,
    /// Whether its deletion by others and the state of its interfaces matter.
    pub tracked: bool,
}

impl Rule {
    /// A rule of ours for every packet.
    pub const fn new(family: Family, priority: u32, action: Action) -> Self {
        Self {
            family,
            inverted: false,
            from: None,
            to: None,
            priority,
            tos: 0,
            mark: None,
            input: None,
            output: None,
            uids: None,
            ip_protocol: None,
            source_ports: None,
            destination_ports: None,
            tunnel: None,
            action,
            realms: None,
            suppress_length: None,
            suppress_group: None,
            protocol: OUR_PROTOCOL,
            tracked: true,
        }
    }
}

/// A firewall mark and the bits of it that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mark {
    pub value: u32,
    pub mask: u32,
}

/// What the rule says. `T` is how a table is given: by number, or by name as long as names are not looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action<T = u32> {
    Table(T),
    /// The table of the VRF that the packet belongs to.
    L3mdev,
    /// On to the rule of this priority, which is higher than the rule's own.
    Goto(u32),
    Nop,
    Blackhole,
    Unreachable,
    Prohibit,
}
