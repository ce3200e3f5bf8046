//! What goes out and comes in by VRRP's own sockets, and the announcements of addresses.

use super::net::{Device, InstanceId};
use crate::model::net::Family;
use crate::wire::ah::Ah;
use std::net::IpAddr;

/// A pair of sockets, one to hear and one to speak, that instances with the same [`Port`] share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub u32);

/// What makes two instances share sockets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Port {
    pub family: Family,
    /// Bound to it. Absent for unicast from an address of its own.
    pub device: Option<Device>,
    /// Of unicast without an interface.
    pub vrf: Option<Box<str>>,
    pub reach: Reach,
    /// Adverts are behind an authentication header, which is a protocol of its own.
    pub ah: bool,
    /// Of the socket that hears, in bytes.
    pub receive_buffer: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    Multicast {
        group: IpAddr,
    },
    /// Heard at this address, which need not be there yet.
    Unicast {
        source: IpAddr,
    },
}

/// One VRRP packet to send. The IP header is made by the socket: class 0xc0, not fragmented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    pub port: PortId,
    pub source: IpAddr,
    pub destination: IpAddr,
    /// IPv4 TTL or IPv6 hop limit.
    pub ttl: u8,
    /// The identification of an IPv4 header.
    pub id: u16,
    /// What stands between the IPv4 header and the payload.
    pub ah: Option<Ah>,
    /// From the VRRP header on, its checksum made.
    pub payload: Box<[u8]>,
}

/// One VRRP packet heard. For IPv4 the headers have been taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub ttl: u8,
    pub seal: Option<Seal>,
    pub payload: &'a [u8],
}

/// An authentication header that was taken off, and what of the IPv4 header is not in the datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    pub ah: Ah,
    pub id: u16,
}

/// Tell the neighbours of a device that an address is here: gratuitous ARP, or an unsolicited neighbour advertisement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announce {
    pub instance: InstanceId,
    pub targets: Box<[Target]>,
    /// How many times each; every address has its first before any has its second.
    pub repeat: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    pub device: Device,
    pub address: IpAddr,
}
