//! Virtual servers, their groups and real servers.

use super::checker::{Checker, Micros, Timeout};
use super::net::Family;
use super::script::Script;
use std::net::{IpAddr, Ipv4Addr};
use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

/// All that the checker process runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lvs {
    /// What SSL_GET presents of itself.
    pub tls: Option<ClientTls>,
    pub groups: Vec<ServerGroup>,
    pub virtual_servers: Vec<VirtualServer>,
}

/// Client-side TLS material.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTls {
    pub password: Option<Box<str>>,
    pub ca: Option<Box<str>>,
    pub certificate: Option<Box<str>>,
    pub key: Option<Box<str>>,
}

/// Addresses and marks that are one virtual server together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerGroup {
    pub name: Box<str>,
    pub members: Box<[Member]>,
    /// What nftables marks the packets with that are for its addresses, where it does: each protocol has its own.
    pub marks: Box<[(Protocol, NonZeroU32)]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// Each address from the first to the last; port 0 is any port.
    Addresses { first: IpAddr, last: IpAddr, port: u16 },
    /// Packets with this mark; without a family, the virtual server's.
    Mark { mark: NonZeroU32, family: Option<Family> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualServer {
    pub service: Service,
    pub family: Families,
    pub scheduler: Scheduler,
    pub flags: SchedulerFlags,
    /// Schedule each packet by itself.
    pub one_packet: bool,
    pub persistence: Option<Persistence>,
    /// How real servers are reached that do not say otherwise.
    pub forwarding: Forwarding,
    /// What checkers inherit; what is absent depends on the kind of the checker.
    pub delay_loop: Micros,
    pub connect_timeout: Timeout,
    pub delay_before_retry: Option<Micros>,
    pub warmup: Option<Micros>,
    pub retry: Option<NonZeroU32>,
    /// Check only while the address is ours.
    pub ha_suspend: bool,
    /// All real servers are down until a check succeeds.
    pub alpha: bool,
    /// Stopping is announced like going down.
    pub omega: bool,
    pub smtp_alert: bool,
    pub virtualhost: Option<Box<str>>,
    pub snmp_name: Option<Box<str>>,
    /// Summed weight that the living real servers must reach.
    pub quorum: u32,
    /// Less than the quorum.
    pub hysteresis: u32,
    pub quorum_up: Option<Script>,
    pub quorum_down: Option<Script>,
    pub sorry_server: Option<SorryServer>,
    pub real_servers: Box<[RealServer]>,
}

/// What the kernel recognises a packet of the virtual server by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    Address {
        address: IpAddr,
        /// 0 is any port.
        port: u16,
        protocol: Protocol,
    },
    Mark(NonZeroU32),
    Group {
        name: Box<str>,
        /// Which of the virtual servers that use the group this is.
        index: u32,
        /// Absent where the group has only marks.
        protocol: Option<Protocol>,
    },
}

/// The address families of a virtual server: only a group can have both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Families {
    One(Family),
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

impl Protocol {
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Sctp];

    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduler {
    RoundRobin,
    WeightedRoundRobin,
    LeastConnection,
    WeightedLeastConnection,
    LocalityLeastConnection,
    SourceHashing,
    MaglevHashing,
    DestinationHashing,
    WeightedFailover,
    WeightedOverflow,
    LocalityReplicated,
    ShortestExpectedDelay,
    NeverQueue,
    PowerOfTwo,
}

impl Scheduler {
    pub const ALL: [Self; 14] = [
        Self::RoundRobin,
        Self::WeightedRoundRobin,
        Self::LeastConnection,
        Self::WeightedLeastConnection,
        Self::LocalityLeastConnection,
        Self::SourceHashing,
        Self::MaglevHashing,
        Self::DestinationHashing,
        Self::WeightedFailover,
        Self::WeightedOverflow,
        Self::LocalityReplicated,
        Self::ShortestExpectedDelay,
        Self::NeverQueue,
        Self::PowerOfTwo,
    ];

    /// The kernel's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "rr",
            Self::WeightedRoundRobin => "wrr",
            Self::LeastConnection => "lc",
            Self::WeightedLeastConnection => "wlc",
            Self::LocalityLeastConnection => "lblc",
            Self::SourceHashing => "sh",
            Self::MaglevHashing => "mh",
            Self::DestinationHashing => "dh",
            Self::WeightedFailover => "fo",
            Self::WeightedOverflow => "ovf",
            Self::LocalityReplicated => "lblcr",
            Self::ShortestExpectedDelay => "sed",
            Self::NeverQueue => "nq",
            Self::PowerOfTwo => "twos",
        }
    }
}

/// Three bits whose meaning is the scheduler's: for source and Maglev hashing the first is fallback, the second port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SchedulerFlags {
    pub first: bool,
    pub second: bool,
    pub third: bool,
}

/// Clients stay with the real server they got first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persistence {
    pub timeout: Duration,
    /// Clients that are alike under it count as one; without it each stands alone.
    pub granularity: Option<Granularity>,
    pub engine: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    Mask(Ipv4Addr),
    Prefix(u8),
}

/// How packets reach a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarding {
    Nat,
    DirectRoute,
    Tunnel(Tunnel),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tunnel {
    Ipip,
    Gue { port: NonZeroU16, checksum: Checksum },
    Gre { checksum: Checksum },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    #[default]
    None,
    Usual,
    /// Remote checksum offload.
    Remote,
}

/// What checkers inherit from their real server; what is absent comes from the virtual server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckDefaults {
    pub delay_loop: Option<Micros>,
    pub delay_before_retry: Option<Micros>,
    pub warmup: Option<Micros>,
    pub retry: Option<NonZeroU32>,
    pub connect_timeout: Option<Timeout>,
}

/// The real server for when too few of the others are left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SorryServer {
    pub address: IpAddr,
    pub port: u16,
    pub forwarding: Forwarding,
    /// In the table at weight 0 while it is not needed.
    pub inhibit: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealServer {
    pub address: IpAddr,
    pub port: u16,
    pub weight: u32,
    pub forwarding: Forwarding,
    /// Connections at which no more are given to it, and from which they are again; 0 is no limit.
    pub upper_threshold: u32,
    pub lower_threshold: u32,
    /// Failing sets the weight to 0 instead of removing it.
    pub inhibit: bool,
    /// What its checkers inherit.
    pub alpha: bool,
    pub smtp_alert: bool,
    pub details: Option<Box<Details>>,
    pub checkers: Box<[Checker]>,
}

/// What few real servers have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    pub checks: CheckDefaults,
    pub virtualhost: Option<Box<str>>,
    pub snmp_name: Option<Box<str>>,
    pub notify_up: Option<Script>,
    pub notify_down: Option<Script>,
}

const _: () = assert!(size_of::<RealServer>() <= 72);
