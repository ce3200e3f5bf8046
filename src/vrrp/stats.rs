//! What an instance counts. The names are those of keepalived's statistics.

/// Counters only grow until they are cleared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub adverts: Exchanged,
    pub became_master: u64,
    pub released_master: u64,
    pub packet_errors: PacketErrors,
    pub auth_errors: AuthErrors,
    pub auth_extension_errors: AuthExtensionErrors,
    pub priority_zero: Exchanged,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exchanged {
    pub received: u64,
    pub sent: u64,
}

/// Adverts that could not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketErrors {
    pub length: u64,
    pub ttl: u64,
    pub invalid_type: u64,
    pub advert_interval: u64,
    pub address_list: u64,
}

/// Of the authentication that VRRPv2 has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuthErrors {
    pub invalid_type: u64,
    pub type_mismatch: u64,
    pub failure: u64,
}

/// Of `auth_hmac`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuthExtensionErrors {
    pub missing: u64,
    pub malformed: u64,
    pub unknown_key: u64,
    pub invalid_hmac: u64,
    pub stale: u64,
    pub replay: u64,
}
