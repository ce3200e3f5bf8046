//! ARP (RFC 826) over Ethernet, and what is told by it over InfiniBand (RFC 4391).

use super::ethernet::{self, BROADCAST, MacBytes};
use std::net::Ipv4Addr;

pub const REQUEST: u16 = 1;
pub const REPLY: u16 = 2;
/// Of a frame, its Ethernet header included.
pub const LENGTH: usize = 42;
/// Ethernet, IPv4, and how long their addresses are.
const KINDS: [u8; 6] = [0, 1, 0x08, 0x00, 6, 4];

/// Of a frame over InfiniBand, with whom it goes to in front of its header.
pub const INFINIBAND_LENGTH: usize = 80;
/// InfiniBand, IPv4, and how long their addresses are.
const INFINIBAND_KINDS: [u8; 6] = [0, 32, 0x08, 0x00, 20, 4];

/// Tells everybody on an InfiniBand network that an address is here.
pub fn infiniband(address: &[u8; 20], broadcast: &[u8; 20], ip: Ipv4Addr) -> [u8; INFINIBAND_LENGTH] {
    let protocol = [ethernet::ARP.to_be_bytes(), [0; 2]];
    let (operation, ip) = (REQUEST.to_be_bytes(), ip.octets());
    let parts: [&[u8]; 8] = [broadcast, protocol.as_flattened(), &INFINIBAND_KINDS, &operation, address, &ip, broadcast, &ip];
    let mut frame = [0; INFINIBAND_LENGTH];
    let mut rest = frame.as_mut_slice();
    for part in parts {
        let (here, after) = rest.split_at_mut(part.len().min(rest.len()));
        here.copy_from_slice(&part[..here.len()]);
        rest = after;
    }
    frame
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_infiniband_everybody_is_told_as_rfc_4391_has_it() {
        let (mut own, mut all) = ([0x11; 20], [0xff; 20]);
        (own[0], all[0]) = (0x80, 0);
        let frame = infiniband(&own, &all, Ipv4Addr::new(10, 0, 0, 51));
        for (what, from, want) in [
            ("to everybody", 0, &all[..]),
            ("ARP, and nothing", 20, &[0x08, 0x06, 0, 0]),
            ("InfiniBand and IPv4", 24, &[0, 32, 0x08, 0]),
            ("the lengths of their addresses", 28, &[20, 4]),
            ("a request", 30, &[0, 1]),
            ("from our interface", 32, &own[..]),
            ("with the address", 52, &[10, 0, 0, 51]),
            ("for everybody", 56, &all[..]),
            ("about the same address", 76, &[10, 0, 0, 51]),
        ] {
            assert_eq!(&frame[from..from + want.len()], want, "{what}");
        }
        assert_eq!(frame.len(), 80);
    }
}
