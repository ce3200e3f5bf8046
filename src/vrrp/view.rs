//! What others may look at: instances and groups as they are now.

use super::stats::Stats;
use crate::effect::time::Instant;
use crate::model::net::Family;
use crate::model::vrrp::Vrid;
use std::net::IpAddr;
use std::time::Duration;

/// All of a process, in the order of the configuration. What is configured is looked up in the model, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub instances: Vec<InstanceView>,
    pub groups: Vec<GroupView>,
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
    /// Of the master's last advert; zero if none was heard.
    pub master_priority: u8,
    pub master: Option<IpAddr>,
    /// The interval of the master's adverts, as learnt.
    pub master_interval: Duration,
    /// What adverts are sent from.
    pub source: Option<IpAddr>,
    pub last_transition: Instant,
    /// Why it is in FAULT.
    pub faults: Vec<String>,
    /// It holds its addresses.
    pub holds_addresses: bool,
    pub stats: Stats,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupView {
    pub name: Box<str>,
    pub state: State,
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
