//! The kernel's table of virtual services, and what we want it to hold.

pub mod delta;

use crate::model::lvs::{Forwarding, Persistence, Protocol, Scheduler, SchedulerFlags};
use crate::model::net::Family;
use std::net::IpAddr;
use std::num::NonZeroU32;

/// A virtual server, for as long as the process lives: a reload that keeps the server keeps its number, and no other server
/// ever gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub u32);

/// What the kernel tells services apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKey {
    /// Port 0 is any port.
    Address {
        protocol: Protocol,
        address: IpAddr,
        port: u16,
    },
    Mark {
        family: Family,
        mark: NonZeroU32,
    },
}

impl ServiceKey {
    pub const fn family(&self) -> Family {
        match self {
            Self::Address { address, .. } => Family::of(*address),
            Self::Mark { family, .. } => *family,
        }
    }
}

/// How a service distributes. All of it can be edited in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub scheduler: Scheduler,
    pub flags: SchedulerFlags,
    pub one_packet: bool,
    pub persistence: Option<Persistence>,
}

/// What the kernel tells the destinations of one service apart by. The port is the one that the kernel uses: of a real server
/// that is not reached by NAT it is the service's, and 0 with a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DestKey {
    pub address: IpAddr,
    pub port: u16,
}

/// A destination. All but its key can be edited in place, and connections stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dest {
    pub key: DestKey,
    pub forwarding: Forwarding,
    /// At most 2^31 - 1.
    pub weight: u32,
    /// Connections at which no more are given to it, and from which they are again; 0 is no limit.
    pub upper_threshold: u32,
    pub lower_threshold: u32,
}

/// A service with all of its destinations, in the order of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub key: ServiceKey,
    pub settings: Settings,
    pub dests: Box<[Dest]>,
}
