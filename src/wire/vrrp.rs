//! VRRP versions 2 (RFC 3768, with the authentication of RFC 2338) and 3 (RFC 5798), from the VRRP header on.
//!
//! ```text
//!  0        1        2        3        4        5        6        7        8 ...
//!  version  VRID     priority count    auth     interval checksum          addresses, and for version 2 eight bytes
//!  | kind                              0 | interval (12)                   of authentication whether there is any or not
//! ```

use super::checksum::Checksum;
use std::net::IpAddr;

pub const PROTOCOL: u8 = 112;
/// The only kind of packet there is.
pub const ADVERTISEMENT: u8 = 1;
const HEADER: usize = 8;
const AUTH: usize = 8;
const CENTIS: u16 = 0x0fff;

/// An advert to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advert {
    pub vrid: u8,
    pub priority: u8,
    pub body: Body,
    /// All of one family; no more than 255 fit.
    pub addresses: Vec<IpAddr>,
}

/// What the versions differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    V2 {
        /// In seconds.
        interval: u8,
        auth_type: u8,
        auth: [u8; 8],
    },
    V3 {
        /// In hundredths of a second, 12 bits.
        interval: u16,
    },
}

/// How the checksum is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// Over the packet alone: version 2, and `v3_checksum_as_v2`.
    Plain,
    /// With the pseudo header of IPv4 or IPv6.
    Pseudo { source: IpAddr, destination: IpAddr },
}

impl Sum {
    fn begin(self, length: usize) -> Checksum {
        match self {
            Self::Plain => Checksum::new(),
            Self::Pseudo { source, destination } => Checksum::pseudo(source, destination, PROTOCOL, length),
        }
    }

    fn is_v6(self) -> bool {
        matches!(self, Self::Pseudo { source: IpAddr::V6(_), .. })
    }
}

impl Advert {
    pub fn encode(&self, sum: Sum) -> Vec<u8> {
        self.encode_with(sum, &[])
    }

    /// With a trailer behind it, which the checksum of IPv6 takes in and that of IPv4 does not.
    pub fn encode_with(&self, sum: Sum, trailer: &[u8]) -> Vec<u8> {
        let mut bytes = self.unsummed(sum.is_v6());
        let behind = if sum.is_v6() { trailer } else { &[] };
        let checksum = sum.begin(bytes.len() + behind.len()).part(&bytes).part(behind).value();
        bytes[6..HEADER].copy_from_slice(&checksum.to_be_bytes());
        bytes.extend(trailer);
        bytes
    }

    /// With a checksum of zero. Without addresses `v6` is what tells the family.
    pub fn unsummed(&self, v6: bool) -> Vec<u8> {
        let count = u8::try_from(self.addresses.len()).unwrap_or(u8::MAX);
        let v6 = v6 || self.addresses.iter().any(IpAddr::is_ipv6);
        let (version, fifth, sixth) = match self.body {
            Body::V2 { interval, auth_type, .. } => (2, auth_type, interval),
            Body::V3 { interval } => {
                let [high, low] = interval.min(CENTIS).to_be_bytes();
                (3, high, low)
            }
        };
        let mut bytes = Vec::with_capacity(HEADER + usize::from(count) * address_length(v6) + AUTH);
        bytes.extend([version << 4 | ADVERTISEMENT, self.vrid, self.priority, count, fifth, sixth, 0, 0]);
        for address in self.addresses.iter().take(count.into()) {
            match address {
                IpAddr::V4(v4) => bytes.extend(v4.octets()),
                IpAddr::V6(v6) => bytes.extend(v6.octets()),
            }
        }
        if let Body::V2 { auth, .. } = self.body
            && !v6
        {
            bytes.extend(auth);
        }
        bytes
    }
}

const fn address_length(v6: bool) -> usize {
    if v6 { 16 } else { 4 }
}

/// A received packet, whose fields are read as they stand: admission decides field by field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    header: &'a [u8; HEADER],
    bytes: &'a [u8],
}

impl<'a> Packet<'a> {
    /// None if there is not even a whole header.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        Some(Self { header: bytes.first_chunk()?, bytes })
    }

    pub const fn version(&self) -> u8 {
        self.header[0] >> 4
    }

    pub const fn kind(&self) -> u8 {
        self.header[0] & 0x0f
    }

    pub const fn vrid(&self) -> u8 {
        self.header[1]
    }

    pub const fn priority(&self) -> u8 {
        self.header[2]
    }

    /// How many addresses there are said to be.
    pub const fn count(&self) -> u8 {
        self.header[3]
    }

    /// Of version 2.
    pub const fn auth_type(&self) -> u8 {
        self.header[4]
    }

    /// Of version 2.
    pub const fn interval_seconds(&self) -> u8 {
        self.header[5]
    }

    /// Of version 3.
    pub const fn interval_centis(&self) -> u16 {
        u16::from_be_bytes([self.header[4], self.header[5]]) & CENTIS
    }

    pub const fn checksum(&self) -> u16 {
        u16::from_be_bytes([self.header[6], self.header[7]])
    }

    /// How long a packet is that has this header and nothing behind what it announces.
    pub fn expected_length(&self, v6: bool) -> usize {
        let auth = if self.version() == 2 && !v6 { AUTH } else { 0 };
        HEADER + usize::from(self.count()) * address_length(v6) + auth
    }

    /// As many of the announced addresses as are there.
    pub fn addresses(&self, v6: bool) -> impl Iterator<Item = IpAddr> + use<'a> {
        let chunks = self.bytes[HEADER..].chunks_exact(address_length(v6));
        chunks.take(self.count().into()).filter_map(|chunk| {
            let v4 = || <[u8; 4]>::try_from(chunk).map(IpAddr::from);
            <[u8; 16]>::try_from(chunk).map(IpAddr::from).or_else(|_| v4()).ok()
        })
    }

    /// Of version 2: the bytes behind the addresses.
    pub fn auth(&self) -> Option<[u8; 8]> {
        let at = HEADER + usize::from(self.count()) * address_length(false);
        self.bytes.get(at..)?.first_chunk().copied().filter(|_| self.version() == 2)
    }

    /// Whether the checksum over the first `length` bytes is right.
    pub fn sums_up(&self, sum: Sum, length: usize) -> bool {
        self.bytes.get(..length).is_some_and(|bytes| sum.begin(length).part(bytes).is_right())
    }
}
