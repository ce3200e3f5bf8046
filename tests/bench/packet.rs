//! Frames as far as VRRP, ARP and neighbour discovery go: read, and made by hand, also wrong ones.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Mac(pub [u8; 6]);

impl Mac {
    pub(crate) const BROADCAST: Self = Self([0xff; 6]);

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes: Option<Vec<u8>> = text.split(':').map(|pair| u8::from_str_radix(pair, 16).ok()).collect();
        Some(Self(bytes?.try_into().ok()?))
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Packet {
    Vrrp(Advert),
    Arp(Arp),
    /// A neighbour advertisement.
    Neighbour {
        source: Ipv6Addr,
        target: Ipv6Addr,
        solicited: bool,
    },
    Other,
}

/// A VRRP packet. What it promises is not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Advert {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) ttl: u8,
    pub(crate) version: u8,
    pub(crate) vrid: u8,
    pub(crate) priority: u8,
    pub(crate) interval: Duration,
    pub(crate) addresses: Vec<IpAddr>,
    /// The last eight bytes of version 2.
    pub(crate) password: Option<[u8; 8]>,
    pub(crate) checksum_right: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arp {
    pub(crate) request: bool,
    pub(crate) sender_mac: Mac,
    pub(crate) sender: Ipv4Addr,
    pub(crate) target: Ipv4Addr,
}

impl Arp {
    /// It tells instead of asking.
    pub(crate) fn gratuitous(&self) -> bool {
        self.sender == self.target
    }
}

pub(crate) const VRRP: u8 = 112;
/// The header of IPsec between IPv4 and VRRP, as long as routers have it.
const AUTHENTICATION: u8 = 51;
const AUTHENTICATION_HEADER: usize = 24;
/// Of an HMAC behind it.
const TRAILER: usize = 28;
const ICMPV6: u8 = 58;
pub(crate) const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
pub(crate) const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);

/// Destination, source and what is in it.
pub(crate) fn read(frame: &[u8]) -> Option<(Mac, Mac, Packet)> {
    let destination = Mac(frame.get(..6)?.try_into().ok()?);
    let source = Mac(frame.get(6..12)?.try_into().ok()?);
    let body = frame.get(14..)?;
    let packet = match frame.get(12..14)? {
        [8, 0] => read_v4(body),
        [8, 6] => read_arp(body),
        [0x86, 0xdd] => read_v6(body),
        _ => None,
    };
    Some((destination, source, packet.unwrap_or(Packet::Other)))
}

fn read_v4(packet: &[u8]) -> Option<Packet> {
    let header = usize::from(packet.first()? & 15) * 4;
    let length = usize::from(word(packet, 2)?);
    let behind = match *packet.get(9)? {
        VRRP => 0,
        AUTHENTICATION => AUTHENTICATION_HEADER,
        _ => return None,
    };
    let source = Ipv4Addr::from(<[u8; 4]>::try_from(packet.get(12..16)?).ok()?);
    let destination = Ipv4Addr::from(<[u8; 4]>::try_from(packet.get(16..20)?).ok()?);
    let body = packet.get(header + behind..length)?;
    read_advert(body, source.into(), destination.into(), *packet.get(8)?)
}

fn read_v6(packet: &[u8]) -> Option<Packet> {
    let source = Ipv6Addr::from(<[u8; 16]>::try_from(packet.get(8..24)?).ok()?);
    let destination = Ipv6Addr::from(<[u8; 16]>::try_from(packet.get(24..40)?).ok()?);
    let body = packet.get(40..40 + usize::from(word(packet, 4)?))?;
    match *packet.get(6)? {
        VRRP => read_advert(body, source.into(), destination.into(), *packet.get(7)?),
        ICMPV6 if body.first() == Some(&136) => Some(Packet::Neighbour {
            source,
            target: Ipv6Addr::from(<[u8; 16]>::try_from(body.get(8..24)?).ok()?),
            solicited: body.get(4)? & 0x40 != 0,
        }),
        _ => None,
    }
}

fn read_advert(body: &[u8], source: IpAddr, destination: IpAddr, ttl: u8) -> Option<Packet> {
    let version = body.first()? >> 4;
    let size = if source.is_ipv4() { 4 } else { 16 };
    let count = usize::from(*body.get(3)?);
    let list = body.get(8..8 + count * size)?;
    let addresses = list.chunks_exact(size).filter_map(|bytes| match size {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
    });
    let interval = match version {
        2 => Duration::from_secs(u64::from(*body.get(5)?)),
        _ => Duration::from_millis(u64::from(word(body, 4)? & 0xfff) * 10),
    };
    let own = 8 + count * size + if version == 2 && size == 4 { 8 } else { 0 };
    // The checksum of IPv4 leaves a trailer out.
    let body = if size == 4 && body.len() == own + TRAILER { body.get(..own)? } else { body };
    let sum = if version == 2 { 0 } else { pseudo_header(source, destination, body.len()) };
    Some(Packet::Vrrp(Advert {
        source,
        destination,
        ttl,
        version,
        vrid: *body.get(1)?,
        priority: *body.get(2)?,
        interval,
        addresses: addresses.collect(),
        password: if version == 2 { body.get(8 + count * size..).and_then(|rest| rest.try_into().ok()) } else { None },
        checksum_right: fold(sum + sum_of(body)) == 0,
    }))
}

fn read_arp(packet: &[u8]) -> Option<Packet> {
    if packet.get(..6)? != [0, 1, 8, 0, 6, 4] {
        return None;
    }
    Some(Packet::Arp(Arp {
        request: word(packet, 6)? == 1,
        sender_mac: Mac(packet.get(8..14)?.try_into().ok()?),
        sender: Ipv4Addr::from(<[u8; 4]>::try_from(packet.get(14..18)?).ok()?),
        target: Ipv4Addr::from(<[u8; 4]>::try_from(packet.get(24..28)?).ok()?),
    }))
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn sum_of(bytes: &[u8]) -> u32 {
    let pairs = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low)));
    pairs.sum()
}

fn pseudo_header(source: IpAddr, destination: IpAddr, length: usize) -> u32 {
    let octets = |address: IpAddr| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    sum_of(&octets(source)) + sum_of(&octets(destination)) + u32::from(VRRP) + u32::try_from(length).unwrap_or(0)
}

/// The Internet checksum of a sum; zero if the sum had a right one in it.
fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

/// An IPv4 advert to be made, right or wrong.
#[derive(Clone, Debug)]
pub(crate) struct Forged {
    pub(crate) mac: Mac,
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
    pub(crate) ttl: u8,
    pub(crate) version: u8,
    pub(crate) kind: u8,
    pub(crate) vrid: u8,
    pub(crate) priority: u8,
    /// Seconds in version 2, hundredths in version 3.
    pub(crate) interval: u16,
    pub(crate) addresses: Vec<Ipv4Addr>,
    /// What the packet says of how many there are, if it is not the truth.
    pub(crate) count: Option<u8>,
    pub(crate) checksum: bool,
    /// How many bytes of the VRRP packet are cut off.
    pub(crate) cut: usize,
}

impl Forged {
    /// A faultless one.
    pub(crate) fn new(mac: Mac, source: Ipv4Addr, vrid: u8, priority: u8, addresses: &[Ipv4Addr]) -> Self {
        Self {
            mac,
            source,
            destination: GROUP_V4,
            ttl: 255,
            version: 2,
            kind: 1,
            vrid,
            priority,
            interval: 1,
            addresses: addresses.to_vec(),
            count: None,
            checksum: true,
            cut: 0,
        }
    }

    pub(crate) fn frame(&self) -> Vec<u8> {
        let [high, low] = self.interval.to_be_bytes();
        let count = self.count.unwrap_or_else(|| u8::try_from(self.addresses.len()).unwrap_or(u8::MAX));
        // The type of authentication comes first in version 2, four reserved bits in version 3.
        let mut body = vec![self.version << 4 | self.kind, self.vrid, self.priority, count, high, low, 0, 0];
        body.extend(self.addresses.iter().flat_map(Ipv4Addr::octets));
        if self.version == 2 {
            body.extend([0; 8]);
        }
        let sum = if self.version == 2 { 0 } else { pseudo_header(self.source.into(), self.destination.into(), body.len()) };
        let right = fold(sum + sum_of(&body));
        let sum = if self.checksum { right } else { right.wrapping_add(1) };
        body[6..8].copy_from_slice(&sum.to_be_bytes());
        body.truncate(body.len().saturating_sub(self.cut));
        frame_v4(self.mac, self.source, self.destination, self.ttl, VRRP, &body)
    }
}

/// A frame with an IPv4 packet; a multicast or broadcast one goes to its group, any other to everybody.
pub(crate) fn frame_v4(mac: Mac, source: Ipv4Addr, destination: Ipv4Addr, ttl: u8, protocol: u8, body: &[u8]) -> Vec<u8> {
    let to = match destination.octets() {
        [224..=239, b, c, d] => [1, 0, 0x5e, b & 0x7f, c, d],
        _ => Mac::BROADCAST.0,
    };
    let [high, low] = u16::try_from(20 + body.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut header = vec![0x45, 0xc0, high, low, 0, 1, 0, 0, ttl, protocol, 0, 0];
    header.extend(source.octets());
    header.extend(destination.octets());
    let sum = fold(sum_of(&header)).to_be_bytes();
    header[10..12].copy_from_slice(&sum);
    [&to[..], &mac.0, &[8, 0], &header, body].concat()
}

/// A gratuitous ARP request: "this address is here".
pub(crate) fn claim(mac: Mac, address: Ipv4Addr) -> Vec<u8> {
    let address = address.octets();
    let parts: [&[u8]; 8] = [&Mac::BROADCAST.0, &mac.0, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1], &mac.0, &address, &[0; 6], &address, &[]];
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);

    #[test]
    fn a_forged_advert_is_read_as_it_was_meant() {
        for version in [2, 3] {
            let vip = Ipv4Addr::new(10, 0, 0, 50);
            let forged = Forged { version, interval: 100, ..Forged::new(MAC, Ipv4Addr::new(10, 0, 0, 1), 51, 150, &[vip]) };
            let (_, source, packet) = read(&forged.frame()).expect("a whole frame");
            assert_eq!(source, MAC);
            let Packet::Vrrp(advert) = packet else { unreachable!("it is VRRP: {packet:?}") };
            assert_eq!((advert.version, advert.vrid, advert.priority, advert.ttl), (version, 51, 150, 255));
            assert_eq!(advert.addresses, [IpAddr::from(vip)]);
            assert!(advert.checksum_right);
            assert_eq!(advert.interval, Duration::from_secs(if version == 2 { 100 } else { 1 }));
        }
    }

    #[test]
    fn a_bad_checksum_is_seen() {
        let forged = Forged { checksum: false, ..Forged::new(MAC, Ipv4Addr::new(10, 0, 0, 1), 51, 150, &[]) };
        let Some((_, _, Packet::Vrrp(advert))) = read(&forged.frame()) else { unreachable!("it is VRRP") };
        assert!(!advert.checksum_right);
    }

    #[test]
    fn a_claim_is_gratuitous() {
        let vip = Ipv4Addr::new(10, 0, 0, 50);
        let Some((to, _, Packet::Arp(arp))) = read(&claim(MAC, vip)) else { unreachable!("it is ARP") };
        assert_eq!((to, arp.sender_mac, arp.sender), (Mac::BROADCAST, MAC, vip));
        assert!(arp.gratuitous());
    }

    #[test]
    fn pieces_are_not_read_beyond_their_end() {
        let frame = Forged::new(MAC, Ipv4Addr::new(10, 0, 0, 1), 51, 150, &[Ipv4Addr::new(10, 0, 0, 50)]).frame();
        for end in 0..frame.len() {
            let seen = read(&frame[..end]);
            assert!(!matches!(seen, Some((_, _, Packet::Vrrp(_)))), "{end} bytes");
        }
    }
}
