//! Interfaces with all that is shown of them. What engines go by is [`Link`](super::net::Link), which is much less.

use super::net::{Device, Mac};
use crate::model::net::Prefix;
use std::net::IpAddr;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    pub device: Device,
    pub name: Box<str>,
    /// As the kernel numbers the kinds of hardware.
    pub hardware: u16,
    pub traits: Traits,
    pub mac: Option<Mac>,
    pub broadcast: Option<Mac>,
    pub group: u32,
    pub mtu: u32,
    pub parent: Option<Device>,
    /// What it is if it is not hardware: `macvlan`, `vlan`, ...
    pub kind: Option<Box<str>>,
    pub arp: Arp,
    /// In the kernel's order.
    pub addresses: Vec<Prefix>,
}

impl Interface {
    /// Whether the address is on a network that one of its own addresses is on.
    pub fn reaches(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|prefix| match (prefix.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => alike(own.to_bits().into(), other.to_bits().into(), 32 - prefix.length.min(32)),
            (IpAddr::V6(own), IpAddr::V6(other)) => alike(own.to_bits(), other.to_bits(), 128 - prefix.length.min(128)),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        })
    }
}

/// But for so many bits at the end.
fn alike(one: u128, other: u128, but: u8) -> bool {
    (one ^ other).checked_shr(but.into()).unwrap_or(0) == 0
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// Set up by the administrator.
    pub up: bool,
    /// With a carrier.
    pub running: bool,
    pub broadcast: bool,
    pub loopback: bool,
    pub point_to_point: bool,
    pub multicast: bool,
    pub arp: bool,
}

/// How the kernel treats IPv4 on it, by the names of its settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arp {
    pub ignore: u32,
    pub filter: u32,
    pub rp_filter: u32,
    pub promote_secondaries: u32,
}
