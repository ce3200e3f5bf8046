//! A route to hold.

use super::{Family, OUR_PROTOCOL, Prefix, Realms, Scope};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Where routes are that name no table.
pub const MAIN_TABLE: u32 = 254;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub kind: Kind,
    pub destination: Prefix,
    /// Only packets from here, IPv6 only.
    pub from: Option<Prefix>,
    /// The source address that our own packets take.
    pub preferred_source: Option<IpAddr>,
    pub gateway: Option<IpAddr>,
    pub device: Option<Box<str>>,
    /// The gateway is on the link whatever the addresses say.
    pub onlink: bool,
    pub tos: u8,
    pub table: u32,
    pub protocol: u8,
    /// Without one a new route gets the kernel's default, and any scope matches when it is deleted.
    pub scope: Option<Scope>,
    pub priority: Option<u32>,
    /// IPv6 only.
    pub expires: Option<Duration>,
    pub metrics: Metrics,
    /// IPv4 only.
    pub realms: Option<Realms>,
    /// IPv6 only.
    pub preference: Option<Preference>,
    pub ttl_propagate: Option<bool>,
    pub encap: Option<Encap>,
    pub placing: Placing,
    /// Of a multipath route.
    pub hops: Vec<NextHop>,
    /// Whether its deletion by others and the state of its device matter.
    pub tracked: bool,
}

impl Route {
    /// A route of ours in the main table, of which only this is said.
    pub fn to(destination: Prefix) -> Self {
        Self {
            kind: Kind::Unicast,
            destination,
            from: None,
            preferred_source: None,
            gateway: None,
            device: None,
            onlink: false,
            tos: 0,
            table: MAIN_TABLE,
            protocol: OUR_PROTOCOL,
            scope: None,
            priority: None,
            expires: None,
            metrics: Metrics::default(),
            realms: None,
            preference: None,
            ttl_propagate: None,
            encap: None,
            placing: Placing::First,
            hops: Vec::new(),
            tracked: true,
        }
    }

    pub const fn family(&self) -> Family {
        self.destination.family()
    }
}

/// What becomes of a packet that the route matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    #[default]
    Unicast,
    Local,
    Broadcast,
    Anycast,
    Multicast,
    Blackhole,
    Unreachable,
    Prohibit,
    Throw,
    Nat,
    External,
}

/// Where a new route goes among others to the same destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Placing {
    /// There may be no other.
    Only,
    #[default]
    First,
    Last,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preference {
    Low,
    Medium,
    High,
    /// A value that has no name.
    Other(u8),
}

/// One way of a multipath route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextHop {
    pub gateway: Option<IpAddr>,
    pub device: Option<Box<str>>,
    /// 1 to 256.
    pub weight: u16,
    pub onlink: bool,
    pub encap: Option<Encap>,
    pub realms: Option<Realms>,
}

/// A lightweight tunnel. `D` is how a traffic class is given: by number, or by name as long as names are not looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encap<D = u8> {
    Ip(Tunnel<Ipv4Addr, D>),
    Ip6(Tunnel<Ipv6Addr, D>),
    /// Labels, the outermost first.
    Mpls(Box<[u32]>),
    /// The locator that replaces the upper half of the destination.
    Ila(u64),
}

/// The outer header; an identifier or a destination is always there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnel<A, D = u8> {
    pub id: Option<u64>,
    pub destination: Option<A>,
    pub source: Option<A>,
    pub class: Option<D>,
    pub ttl: Option<u8>,
    pub flags: Option<u16>,
}

impl<A, D> Default for Tunnel<A, D> {
    fn default() -> Self {
        Self { id: None, destination: None, source: None, class: None, ttl: None, flags: None }
    }
}

/// What the kernel's transport protocols assume about the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    pub values: BTreeMap<Metric, Setting>,
    pub congestion: Option<Congestion>,
}

/// A metric by its number in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum Metric {
    Mtu = 2,
    Window = 3,
    /// In eighths of a millisecond.
    Rtt = 4,
    /// In quarters of a millisecond.
    RttVar = 5,
    SsThresh = 6,
    Cwnd = 7,
    AdvMss = 8,
    Reordering = 9,
    HopLimit = 10,
    InitCwnd = 11,
    /// Bit 0 is ECN.
    Features = 12,
    /// In milliseconds.
    RtoMin = 13,
    InitRwnd = 14,
    QuickAck = 15,
    FastOpenNoCookie = 17,
}

/// A metric in the kernel's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    pub value: u32,
    /// The kernel may not adjust it.
    pub locked: bool,
}

/// A congestion control algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Congestion {
    pub algorithm: Box<str>,
    pub locked: bool,
}
