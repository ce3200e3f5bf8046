//! What others may look at: instances and groups as they are now.

use super::stats::Stats;
use super::{Cause, Standing};
use crate::effect::net::Device;
use crate::effect::packet::{Port, PortId};
use crate::effect::time::Instant;
use crate::model::net::Family;
use crate::model::vrrp::Vrid;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// All of a process, in the order of the configuration. What is configured is looked up in the model, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub instances: Vec<InstanceView>,
    pub groups: Vec<GroupView>,
    /// In the order in which they were asked for.
    pub ports: Vec<PortView>,
    pub standings: Standings,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceView {
    pub name: Box<str>,
    pub vrid: Vrid,
    pub family: Family,
    pub state: State,
    /// The state it would be in if it were alone.
    pub wanted: State,
    pub base_priority: u8,
    /// With what is tracked, as advertised.
    pub effective_priority: u8,
    /// What is tracked adds up to this, beyond what a priority can be.
    pub weights: i32,
    /// Of the master's last advert; zero if none was heard.
    pub master_priority: u8,
    pub master: Option<IpAddr>,
    /// The interval of the master's adverts, as learnt.
    pub master_interval: Duration,
    /// How long a silent master is waited for.
    pub down_interval: Duration,
    /// When that is over, or a master's own next advert is due.
    pub deadline: Option<Instant>,
    pub last_advert: Option<Instant>,
    /// Where it lives.
    pub device: Option<Device>,
    /// What the interface of its own is called, if it has one (`use_vmac`, `use_ipvlan`).
    pub own: Option<Box<str>>,
    /// What adverts are sent from.
    pub source: Option<IpAddr>,
    pub last_transition: Instant,
    /// Since when it has been neither in INIT nor in FAULT.
    pub since: Option<Instant>,
    /// Why it became master, if it is one.
    pub reason: Option<Reason>,
    /// Why it is in FAULT.
    pub faults: Vec<Cause>,
    /// It holds its addresses.
    pub holds_addresses: bool,
    pub stats: Stats,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupView {
    pub name: Box<str>,
    pub state: State,
}

/// Sockets that instances share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortView {
    pub id: PortId,
    pub port: Port,
    pub users: Vec<(Box<str>, Vrid)>,
    /// The one that hears and the one that speaks, as the process numbers them, once they are open.
    pub descriptors: Option<(i32, i32)>,
}

/// What tracked objects have reported, by name. One that is missing has not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standings {
    pub scripts: BTreeMap<Box<str>, Standing>,
    pub files: BTreeMap<Box<str>, Standing>,
    pub processes: BTreeMap<Box<str>, Standing>,
    pub bfd: BTreeMap<Box<str>, Standing>,
}

/// A state as others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    Init,
    Backup,
    Master,
    Fault,
}

impl State {
    /// As tools know it, from keepalived's JSON and D-Bus.
    pub const fn number(self) -> u8 {
        match self {
            Self::Init => 0,
            Self::Backup => 1,
            Self::Master => 2,
            Self::Fault => 3,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::Backup => "BACKUP",
            Self::Master => "MASTER",
            Self::Fault => "FAULT",
        }
    }
}

/// Why somebody becomes master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There was nobody.
    Priority,
    /// It is better than the one before, or owns the addresses.
    Preempted,
    /// The master was silent, or said that it goes.
    NoResponse,
}
