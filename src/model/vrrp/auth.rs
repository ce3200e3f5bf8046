//! How adverts are authenticated.

use std::fmt;
use std::time::Duration;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    #[default]
    None,
    /// RFC 2338 simple text: the password travels in the advert.
    Pass(Password),
    /// IPsec AH with HMAC-MD5-96.
    Ah(Password),
    /// A trailer behind the advert, for every version and family.
    Hmac(Box<Hmac>),
}

/// As configured, cut where the wire has no more room for it; a character that does not fit whole is kept whole here.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub Box<str>);

impl Password {
    pub const LENGTH: usize = 8;

    /// The bytes of the wire: padded with zeros.
    pub fn wire(&self) -> [u8; Self::LENGTH] {
        let mut wire = [0; Self::LENGTH];
        for (to, from) in wire.iter_mut().zip(self.0.bytes()) {
            *to = from;
        }
        wire
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Bytes that no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Box<[u8]>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hmac {
    pub keys: Vec<HmacKey>,
    /// The key that signs; all keys verify.
    pub active: u8,
    /// How far a sender's clock may be from ours.
    pub window: Duration,
    pub replay: AntiReplay,
    pub mode: HmacMode,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HmacKey {
    pub id: u8,
    pub secret: Secret,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AntiReplay {
    /// Sequence numbers grow and are near the time of day.
    #[default]
    Time,
    /// They grow.
    Monotonic,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HmacMode {
    /// Adverts without a trailer are refused.
    #[default]
    Enforce,
    /// Sent, and verified where present.
    Permissive,
    /// Not sent, but verified where present.
    ReceiveOnly,
}
