//! The authentication header of IPsec (RFC 4302) between the IPv4 header and an advert of VRRP version 2, with HMAC-MD5-96
//! (RFC 2403).
//!
//! ```text
//!  0      1       2         4     8           12
//!  next   words   reserved  SPI   sequence    value (12)
//! ```
//!
//! Routers fill it in a way of their own: the SPI is the sender's address, and the TTL counts unless the packet goes to a peer.

use super::ipv4::Header;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;

pub const PROTOCOL: u8 = 51;
pub const LENGTH: usize = 24;
/// A password's bytes, padded with zeros.
pub const KEY: usize = 8;
const VALUE: usize = 12;
/// Words of four bytes, less two.
const WORDS: u8 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ah {
    /// The protocol of what is behind it.
    pub next: u8,
    pub spi: u32,
    pub sequence: u32,
    pub value: [u8; VALUE],
}

impl Ah {
    /// The header of a packet and what is behind it. None if there is none of this length.
    pub fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (header, rest) = bytes.split_first_chunk::<LENGTH>()?;
        let &[next, WORDS, _, _, p0, p1, p2, p3, s0, s1, s2, s3, ref value @ ..] = header else { return None };
        let (spi, sequence) = (u32::from_be_bytes([p0, p1, p2, p3]), u32::from_be_bytes([s0, s1, s2, s3]));
        Some((Self { next, spi, sequence, value: *value }, rest))
    }

    pub fn write(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        [bytes[0], bytes[1]] = [self.next, WORDS];
        bytes[4..8].copy_from_slice(&self.spi.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[12..].copy_from_slice(&self.value);
        bytes
    }

    /// What goes in front of a payload behind this IPv4 header, whose length takes all of it in.
    pub fn sign(ip: &Header, key: &[u8; KEY], sequence: u32, payload: &[u8]) -> Self {
        let unsigned = Self { next: super::vrrp::PROTOCOL, spi: ip.source.to_bits(), sequence, value: [0; VALUE] };
        let whole = unsigned.mac(ip, key, payload).finalize().into_bytes();
        let mut value = [0; VALUE];
        value.copy_from_slice(&whole[..VALUE]);
        Self { value, ..unsigned }
    }

    /// Whether who has the key has made it for this packet. Takes as long wherever it differs.
    pub fn vouches(&self, ip: &Header, key: &[u8; KEY], payload: &[u8]) -> bool {
        self.mac(ip, key, payload).verify_truncated_left(&self.value).is_ok()
    }

    /// What routers on the way may change counts as zero.
    fn mac(&self, ip: &Header, key: &[u8; KEY], payload: &[u8]) -> Hmac<Md5> {
        let mut mac = Hmac::<Md5>::new_from_slice(key).expect("a key may have any length");
        let ttl = if ip.destination.is_multicast() { ip.ttl } else { 0 };
        let mut header = Header { tos: 0, ttl, protocol: PROTOCOL, ..*ip }.write();
        header[10..12].fill(0);
        mac.update(&header);
        mac.update(&Self { value: [0; VALUE], ..*self }.write());
        mac.update(payload);
        mac
    }
}
