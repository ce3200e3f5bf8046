//! ARP (RFC 826) over Ethernet.

use super::ethernet::{self, BROADCAST, MacBytes};
use std::net::Ipv4Addr;

pub const REQUEST: u16 = 1;
pub const REPLY: u16 = 2;
/// Of a frame, its Ethernet header included.
pub const LENGTH: usize = 42;
/// Ethernet, IPv4, and how long their addresses are.
const KINDS: [u8; 6] = [0, 1, 0x08, 0x00, 6, 4];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    pub operation: u16,
    pub sender_mac: MacBytes,
    pub sender: Ipv4Addr,
    pub target_mac: MacBytes,
    pub target: Ipv4Addr,
}

impl Arp {
    /// Tells everybody that an address is here: a request for one's own address.
    pub const fn gratuitous(mac: MacBytes, address: Ipv4Addr) -> Self {
        Self { operation: REQUEST, sender_mac: mac, sender: address, target_mac: BROADCAST, target: address }
    }

    /// Asks who has an address without claiming any (RFC 5227 2.1.1).
    pub const fn probe(mac: MacBytes, address: Ipv4Addr) -> Self {
        Self { operation: REQUEST, sender_mac: mac, sender: Ipv4Addr::UNSPECIFIED, target_mac: [0; 6], target: address }
    }

    /// A frame to everybody.
    pub fn broadcast(&self) -> [u8; LENGTH] {
        let operation = self.operation.to_be_bytes();
        let (sender, target) = (self.sender.octets(), self.target.octets());
        let parts: [&[u8]; 6] = [&KINDS, &operation, &self.sender_mac, &sender, &self.target_mac, &target];
        ethernet::frame(BROADCAST, self.sender_mac, ethernet::ARP, &parts)
    }

    /// None if the frame is anything but ARP for IPv4 over Ethernet.
    pub fn read(frame: &[u8]) -> Option<Self> {
        let (_, packet) = ethernet::open(frame, ethernet::ARP)?;
        let body = packet.strip_prefix(&KINDS)?.first_chunk::<22>()?;
        let &[o0, o1, m0, m1, m2, m3, m4, m5, s0, s1, s2, s3, n0, n1, n2, n3, n4, n5, t0, t1, t2, t3] = body;
        Some(Self {
            operation: u16::from_be_bytes([o0, o1]),
            sender_mac: [m0, m1, m2, m3, m4, m5],
            sender: [s0, s1, s2, s3].into(),
            target_mac: [n0, n1, n2, n3, n4, n5],
            target: [t0, t1, t2, t3].into(),
        })
    }
}
