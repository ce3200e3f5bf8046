//! BFD sessions.

use super::track::Weight;
use std::net::IpAddr;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub name: Box<str>,
    pub neighbor: IpAddr,
    /// Without a source the kernel chooses one, and the source port is not forced into 49152..65535.
    pub source: Option<IpAddr>,
    pub min_rx: Duration,
    pub min_tx: Duration,
    /// Interval between packets while the session is not up.
    pub idle_tx: Duration,
    pub multiplier: u8,
    pub passive: bool,
    /// What we send with.
    pub ttl: u8,
    /// What a packet must have left that has come no way, where `hops` counts: as much as we send with, unless nothing is
    /// configured and some neighbours send with less.
    pub full_ttl: u8,
    pub hops: Hops,
    /// Port 4784 instead of 3784.
    pub multihop: bool,
    /// What `track_bfd` uses unless it says otherwise.
    pub weight: Weight,
    /// Who is told of changes.
    pub tells_vrrp: bool,
    pub tells_checkers: bool,
}

/// How far a packet may have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hops {
    /// Packets whose TTL is below the full one by more than this are dropped.
    AtMost(u8),
    Any,
}
