//! The kernel's table of virtual services, and what we want it to hold.

pub mod delta;

use crate::model::lvs::{Forwarding, Persistence, Protocol, Scheduler, SchedulerFlags};
use crate::model::net::Family;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::ops::AddAssign;

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

/// What the kernel has counted, and the rates that it works out from that: of connections, of packets and bytes in, and of
/// packets and bytes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    pub connections: u64,
    pub packets: [u64; 2],
    pub bytes: [u64; 2],
    pub connections_per_second: u64,
    pub packets_per_second: [u64; 2],
    pub bytes_per_second: [u64; 2],
}

/// And what is open at a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DestTraffic {
    pub traffic: Traffic,
    pub active: u32,
    pub inactive: u32,
    pub persistent: u32,
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        let add = |one: &mut u64, other: u64| *one = one.saturating_add(other);
        let add_both = |one: &mut [u64; 2], other: [u64; 2]| one.iter_mut().zip(other).for_each(|(one, other)| add(one, other));
        add(&mut self.connections, other.connections);
        add_both(&mut self.packets, other.packets);
        add_both(&mut self.bytes, other.bytes);
        add(&mut self.connections_per_second, other.connections_per_second);
        add_both(&mut self.packets_per_second, other.packets_per_second);
        add_both(&mut self.bytes_per_second, other.bytes_per_second);
    }
}

impl AddAssign for DestTraffic {
    fn add_assign(&mut self, other: Self) {
        self.traffic += other.traffic;
        self.active = self.active.saturating_add(other.active);
        self.inactive = self.inactive.saturating_add(other.inactive);
        self.persistent = self.persistent.saturating_add(other.persistent);
    }
}
