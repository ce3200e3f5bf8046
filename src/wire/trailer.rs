//! What `auth_hmac` puts behind an advert of any version and family (keepalived 2.4.2).
//!
//! ```text
//!  0     1       2         4                  8                  10       12
//!  type  key     reserved  seconds of UTC     1/65536 s          count    first 16 bytes of HMAC-SHA256
//! ```
//!
//! The checksum of IPv4 adverts leaves it out, that of IPv6 takes it in.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::net::IpAddr;
use std::time::Duration;

pub const LENGTH: usize = 28;
const TAG: usize = 16;
/// What of it is signed.
const SIGNED: usize = 12;
const HMAC_SHA256_128: u8 = 1;
/// Where an advert has its checksum.
const CHECKSUM: std::ops::Range<usize> = 6..8;

/// What grows from one advert of a sender to the next: the time of day, and a count where that stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sequence(pub u64);

impl Sequence {
    /// At a time since 1970, to 1/65536 s.
    pub fn at(utc: Duration) -> Self {
        let fraction = (u64::from(utc.subsec_nanos()) << 16) / 1_000_000_000;
        Self(utc.as_secs() << 32 | fraction << 16)
    }

    /// As of the wire: they begin anew in 2106.
    pub const fn seconds(self) -> u32 {
        let [a, b, c, d, ..] = self.0.to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// In the arithmetic of RFC 1982.
    pub const fn is_after(self, other: Self) -> bool {
        let ahead = self.0.wrapping_sub(other.0);
        ahead != 0 && ahead < 1 << 63
    }

    /// How many seconds lie between the two, whichever is first.
    pub fn apart(self, other: Self) -> Duration {
        let ahead = self.seconds().wrapping_sub(other.seconds());
        Duration::from_secs(ahead.min(ahead.wrapping_neg()).into())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// The number of the key.
    pub key: u8,
    pub sequence: Sequence,
    pub tag: [u8; TAG],
}

impl Trailer {
    /// None if it is of another type, or has something where there should be nothing.
    pub fn read(bytes: &[u8; LENGTH]) -> Option<Self> {
        let &[HMAC_SHA256_128, key, 0, 0, s0, s1, s2, s3, s4, s5, s6, s7, ref tag @ ..] = bytes else { return None };
        Some(Self { key, sequence: Sequence(u64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7])), tag: *tag })
    }

    pub fn write(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        [bytes[0], bytes[1]] = [HMAC_SHA256_128, self.key];
        bytes[4..SIGNED].copy_from_slice(&self.sequence.0.to_be_bytes());
        bytes[SIGNED..].copy_from_slice(&self.tag);
        bytes
    }

    /// For an advert, from its first byte to the last before the trailer, whatever is in its checksum.
    pub fn sign(key: u8, secret: &[u8], sequence: Sequence, source: IpAddr, advert: &[u8]) -> Self {
        let unsigned = Self { key, sequence, tag: [0; TAG] };
        let whole = unsigned.mac(secret, source, advert).finalize().into_bytes();
        let mut tag = [0; TAG];
        tag.copy_from_slice(&whole[..TAG]);
        Self { tag, ..unsigned }
    }

    /// Whether who has the secret has made it for this advert from this address. Takes as long wherever it differs.
    pub fn vouches(&self, secret: &[u8], source: IpAddr, advert: &[u8]) -> bool {
        self.mac(secret, source, advert).verify_truncated_left(&self.tag).is_ok()
    }

    fn mac(&self, secret: &[u8], source: IpAddr, advert: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key may have any length");
        let first = |at: usize| advert.get(at).copied().unwrap_or_default();
        let (family, mut address) = (if source.is_ipv4() { 4 } else { 6 }, [0; 16]);
        match source {
            IpAddr::V4(v4) => address[..4].copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) => address = v6.octets(),
        }
        mac.update(&[family, first(0) >> 4, first(1), 0]);
        mac.update(&address);
        mac.update(advert.get(..CHECKSUM.start).unwrap_or(advert));
        mac.update(&[0; 2]);
        mac.update(advert.get(CHECKSUM.end..).unwrap_or_default());
        mac.update(&Self { tag: [0; TAG], ..*self }.write());
        mac
    }
}
