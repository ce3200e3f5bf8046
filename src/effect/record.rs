//! What a process leaves with the supervisor, so that a successor carries on where it was.

use super::device::{Knob, Scope};
use super::net::Device;
use super::time::Instant;
use std::net::IpAddr;
use std::time::Duration;

/// One VRRP instance, in the few facts that a successor cannot find out by itself.
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

/// The health of one real server, where it is not what a fresh start would take it for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The virtual server and the real server, as they are known over a reload.
    pub key: Box<str>,
    pub checkers: Box<[CheckerHealth]>,
    /// The virtual server has its quorum.
    pub quorum: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckerHealth {
    /// The same for two checkers that check the same thing in the same way.
    pub identity: u64,
    pub up: bool,
    /// It has come to a result.
    pub has_run: bool,
    /// What it adds to the real server's weight.
    pub weight: i64,
    /// The last exit status of a script.
    pub status: i32,
}

/// A BFD session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BfdRecord {
    /// The session's name.
    pub key: Box<str>,
    /// The numbers that the two ends know it by.
    pub ours: u32,
    pub yours: u32,
    pub up: bool,
    /// What the neighbour said of itself last.
    pub multiplier: u8,
    pub min_tx: Duration,
    pub min_rx: Duration,
}

/// What a setting of the kernel was before we changed it, which outlives the process that did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Former {
    pub key: Box<str>,
    pub scope: Scope,
    pub knob: Knob,
    pub value: u32,
}

impl Former {
    pub fn new(scope: Scope, knob: Knob, value: u32) -> Self {
        Self { key: Self::key(scope, knob), scope, knob, value }
    }

    pub fn key(scope: Scope, knob: Knob) -> Box<str> {
        match scope {
            Scope::All => format!("setting/all/{}", knob.name()),
            Scope::Default => format!("setting/default/{}", knob.name()),
            Scope::Device(Device(number)) => format!("setting/{number}/{}", knob.name()),
        }
        .into()
    }
}
