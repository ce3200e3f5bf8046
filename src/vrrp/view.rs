//! What an observer may see of the engine.

use super::stats::Stats;
use crate::effect::time::Instant;
use crate::model::net::Family;
use crate::model::vrrp::Vrid;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

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
    pub state: StateName,
    pub wants_master: bool,
    pub effective_priority: u8,
    /// When it entered its state.
    pub since: Instant,
    /// Who the master is, if not this router.
    pub master: Option<IpAddr>,
    pub learnt_interval: Duration,
    pub source: Option<IpAddr>,
    /// Why it is in FAULT.
    pub faults: Vec<String>,
    pub stats: Stats,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupView {
    pub name: Box<str>,
    pub state: StateName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateName {
    Init,
    Backup,
    Master,
    Fault,
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Init => "INIT",
            Self::Backup => "BACKUP",
            Self::Master => "MASTER",
            Self::Fault => "FAULT",
        })
    }
}
