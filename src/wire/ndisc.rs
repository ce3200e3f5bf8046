//! Neighbour discovery (RFC 4861) over Ethernet: unsolicited advertisements, and solicitations that only ask.

use super::checksum::Checksum;
use super::ethernet::{self, MacBytes};
use std::net::Ipv6Addr;

/// Of a frame with an advertisement of ours, its Ethernet header included.
pub const ADVERTISEMENT_LENGTH: usize = ethernet::LENGTH + IP + BODY + 8;
/// Of a frame with a solicitation of ours.
pub const PROBE_LENGTH: usize = ethernet::LENGTH + IP + BODY;

const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
const ROUTER: u8 = 0x80;
const SOLICITED: u8 = 0x40;
const OVERRIDE: u8 = 0x20;
/// An option of eight bytes: the MAC that belongs to the target.
const TARGET_MAC: [u8; 2] = [2, 1];
const IP: usize = 40;
/// Of either message, before its options.
const BODY: usize = 24;

/// Tells all nodes that an address is here.
pub fn advertisement(mac: MacBytes, address: Ipv6Addr, router: bool) -> [u8; ADVERTISEMENT_LENGTH] {
    let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let flags = if router { OVERRIDE | ROUTER } else { OVERRIDE };
    let option = [TARGET_MAC.as_slice(), &mac].concat();
    message(mac, address, all_nodes, ADVERTISEMENT, flags, address, &option)
}

/// Asks who has an address without claiming any, as one who is about to use it does (RFC 4862 5.4.2).
pub fn probe(mac: MacBytes, address: Ipv6Addr) -> [u8; PROBE_LENGTH] {
    message(mac, Ipv6Addr::UNSPECIFIED, solicited_node(address), SOLICITATION, 0, address, &[])
}

/// The group that whoever has the address listens to.
pub const fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., high, low] = address.segments();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | (high & 0xff), low)
}

fn message<const N: usize>(
    mac: MacBytes,
    source: Ipv6Addr,
    group: Ipv6Addr,
    kind: u8,
    flags: u8,
    target: Ipv6Addr,
    option: &[u8],
) -> [u8; N] {
    let mut body = [kind, 0, 0, 0, flags, 0, 0, 0].to_vec();
    body.extend(target.octets());
    body.extend(option);
    let sum = Checksum::pseudo(source.into(), group.into(), ICMPV6, body.len()).part(&body).value();
    body[2..4].copy_from_slice(&sum.to_be_bytes());

    let [.., a, b, c, d] = group.octets();
    let [high, low] = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
    let ip = [0x60, 0, 0, 0, high, low, ICMPV6, 255];
    ethernet::frame([0x33, 0x33, a, b, c, d], mac, ethernet::IPV6, &[&ip, &source.octets(), &group.octets(), &body])
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Solicitation,
    Advertisement { solicited: bool },
}

/// What a neighbour says or asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    pub kind: Kind,
    /// The address that it is about.
    pub target: Ipv6Addr,
    /// Unspecified if the neighbour asks about an address that it wants for itself.
    pub source: Ipv6Addr,
    /// Who sent the frame.
    pub mac: MacBytes,
}

impl Neighbour {
    /// None if the frame is anything else, or has not passed the checks of RFC 4861 7.1.
    pub fn read(frame: &[u8]) -> Option<Self> {
        let (mac, packet) = ethernet::open(frame, ethernet::IPV6)?;
        let (ip, rest) = packet.split_first_chunk::<IP>()?;
        let (&[first, _, _, _, high, low, next, hops], ends) = ip.split_first_chunk()?;
        let (source, destination) = ends.split_at(16);
        let source = Ipv6Addr::from(<[u8; 16]>::try_from(source).ok()?);
        let destination = Ipv6Addr::from(<[u8; 16]>::try_from(destination).ok()?);
        if first >> 4 != 6 || next != ICMPV6 || hops != 255 {
            return None;
        }

        let message = rest.get(..u16::from_be_bytes([high, low]).into())?;
        let (body, options) = message.split_first_chunk::<BODY>()?;
        let (&[kind, code, _, _, flags, _, _, _], target) = body.split_first_chunk()?;
        let target = Ipv6Addr::from(<[u8; 16]>::try_from(target).ok()?);
        let kind = match kind {
            SOLICITATION => Kind::Solicitation,
            ADVERTISEMENT => Kind::Advertisement { solicited: flags & SOLICITED != 0 },
            _ => return None,
        };
        let intact = Checksum::pseudo(source.into(), destination.into(), ICMPV6, message.len()).part(message).is_right();
        let right = code == 0 && !target.is_multicast() && are_options(options) && intact;
        right.then_some(Self { kind, target, source, mac })
    }
}

/// Whether they are whole, and none is empty.
fn are_options(mut options: &[u8]) -> bool {
    while let [_, eights, ..] = options {
        match options.get(usize::from(*eights) * 8..) {
            Some(rest) if *eights > 0 => options = rest,
            _ => return false,
        }
    }
    options.is_empty()
}
