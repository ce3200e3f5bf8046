//! What a process leaves with the supervisor, so that a successor carries on where it was.

use super::time::Instant;
use std::net::IpAddr;
use std::time::Duration;

/// One instance, in the few facts that a successor cannot find out by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What the instance is known by over a reload and a restart: VRID, family, interface, transport. Not its name.
    pub key: Box<str>,
    pub standing: Standing,
    /// The interval of the current master's adverts, as learnt.
    pub learnt: Duration,
    /// Who that is, if not we.
    pub master: Option<IpAddr>,
    pub counters: Counters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Master { since: Instant },
    Backup,
    Fault,
}

/// They count on, whoever counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub became_master: u64,
    pub released_master: u64,
}
