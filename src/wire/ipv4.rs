//! The IPv4 header (RFC 791), of which raw sockets show us all and let us write all.

use super::checksum::Checksum;
use super::vrrp;
use std::net::Ipv4Addr;

/// Without options.
pub const LENGTH: usize = 20;
/// Internetwork control, which adverts are sent as.
pub const CLASS: u8 = 0xc0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub source: Ipv4Addr,
    pub destination: Ipv4Addr,
    pub ttl: u8,
    pub protocol: u8,
    pub tos: u8,
    pub id: u16,
    /// Of header and payload, in bytes.
    pub total_length: u16,
    /// In bytes.
    pub header_length: u8,
}

impl Header {
    /// The header of an advert of ours with a payload of so many bytes.
    pub fn advert(source: Ipv4Addr, destination: Ipv4Addr, ttl: u8, id: u16, payload: usize) -> Self {
        let total_length = u16::try_from(LENGTH + payload).unwrap_or(u16::MAX);
        Self { source, destination, ttl, protocol: vrrp::PROTOCOL, tos: CLASS, id, total_length, header_length: 20 }
    }

    /// The header and what it says is behind it. None if it is not IPv4, or not all there.
    pub fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let &[first, tos, l0, l1, i0, i1, _, _, ttl, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = bytes.first_chunk::<LENGTH>()?;
        let header_length = (first & 0x0f) * 4;
        let total_length = u16::from_be_bytes([l0, l1]);
        if first >> 4 != 4 || usize::from(header_length) < LENGTH {
            return None;
        }
        // A frame may be padded behind it; a header may say that it ends before it has ended, which `get` refuses.
        let payload = bytes.get(header_length.into()..total_length.into())?;
        let header = Self {
            source: [s0, s1, s2, s3].into(),
            destination: [d0, d1, d2, d3].into(),
            ttl,
            protocol,
            tos,
            id: u16::from_be_bytes([i0, i1]),
            total_length,
            header_length,
        };
        Some((header, payload))
    }

    /// Twenty bytes: whatever options there were, they are not written. It may be fragmented, and is not.
    pub fn write(&self) -> [u8; LENGTH] {
        let [l0, l1] = self.total_length.to_be_bytes();
        let [i0, i1] = self.id.to_be_bytes();
        let [s0, s1, s2, s3] = self.source.octets();
        let [d0, d1, d2, d3] = self.destination.octets();
        let mut bytes = [0x45, self.tos, l0, l1, i0, i1, 0, 0, self.ttl, self.protocol, 0, 0, s0, s1, s2, s3, d0, d1, d2, d3];
        [bytes[10], bytes[11]] = Checksum::new().part(&bytes).value().to_be_bytes();
        bytes
    }
}
