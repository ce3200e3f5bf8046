//! What the world is told of a transition.

use crate::model::net::Family;
use crate::model::script::Script;
use std::fmt;
use std::net::IpAddr;

/// Scripts, FIFOs and mail say it in their own ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub subject: Subject,
    pub name: Box<str>,
    /// What an instance is known by, whatever it is called: [`Record::key`](super::record::Record). Empty for a group.
    pub key: Box<str>,
    pub told: Told,
    /// Zero for a group.
    pub priority: u8,
    /// The script for this very transition, and the one for any, in this order.
    pub specific: Option<Script>,
    pub any: Option<Script>,
    /// It goes to the FIFOs. Scripts may be told more than these are.
    pub fifo: bool,
    pub mail: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    Instance,
    Group,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Instance => "INSTANCE",
            Self::Group => "GROUP",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Told {
    Master,
    Backup,
    Fault,
    Stop,
    Deleted,
    MasterRxLowerPri,
    MasterPriority,
    BackupPriority,
}

impl Told {
    /// As pipes and scripts are told.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Master => "MASTER",
            Self::Backup => "BACKUP",
            Self::Fault => "FAULT",
            Self::Stop => "STOP",
            Self::Deleted => "DELETED",
            Self::MasterRxLowerPri => "MASTER_RX_LOWER_PRI",
            Self::MasterPriority => "MASTER_PRIORITY",
            Self::BackupPriority => "BACKUP_PRIORITY",
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A packet that was not taken for an advert. It is said once of each kind, until there is another master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub instance: Box<str>,
    pub source: IpAddr,
    pub why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Ttl,
    Version,
    Checksum,
    /// There is no such type of authentication.
    AuthType,
    /// It is another one than ours.
    AuthMismatch,
    AuthFailure,
}

/// What the world is told of a virtual server or of one of its real servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerNotice {
    /// As pipes and mail say it: `[10.0.0.1]:tcp:80`, `FWM 5`, `[group]:0`.
    pub virtual_server: Box<str>,
    /// Of one for a mark: there may be another one for the same mark and the other family.
    pub family: Option<Family>,
    /// Without one it is the virtual server that has won or lost its quorum.
    pub real_server: Option<Box<str>>,
    pub up: bool,
    pub script: Option<Script>,
    pub fifo: bool,
    /// The reason as mail gives it; none is sent without.
    pub mail: Option<Box<str>>,
}
