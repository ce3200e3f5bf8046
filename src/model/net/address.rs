//! An address to hold on an interface.

use super::{Prefix, Scope};
use std::net::{IpAddr, Ipv4Addr};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// With a peer the length is that of the whole address.
    pub prefix: Prefix,
    /// The far end of a point-to-point link.
    pub peer: Option<IpAddr>,
    /// Where it goes; without one it goes where its instance puts its addresses. Never the instance's own interface.
    pub device: Option<Box<str>>,
    /// IPv4 only.
    pub scope: Scope,
    pub broadcast: Option<Ipv4Addr>,
    /// The name that `ip` shows instead of the interface's; IPv4 only.
    pub label: Option<Box<str>>,
    pub preferred: Lifetime,
    /// Mobile IPv6 home address.
    pub home: bool,
    /// Let the kernel look for duplicates (IPv6): without this the address is usable at once.
    pub detect_duplicates: bool,
    /// Derive temporary addresses from this one.
    pub manage_temporary: bool,
    pub no_prefix_route: bool,
    /// Join the multicast group on the wire.
    pub autojoin: bool,
    /// On a virtual MAC of its own over its device.
    pub use_vmac: bool,
    /// Whether its deletion by others and the state of its device matter.
    pub tracked: bool,
}

impl Address {
    /// For as long as it is wanted, with nothing special about it.
    pub const fn new(prefix: Prefix) -> Self {
        Self {
            prefix,
            peer: None,
            device: None,
            scope: Scope::GLOBAL,
            broadcast: None,
            label: None,
            preferred: Lifetime::Forever,
            home: false,
            detect_duplicates: false,
            manage_temporary: false,
            no_prefix_route: false,
            autojoin: false,
            use_vmac: false,
            tracked: true,
        }
    }
}

/// How long an IPv6 address is preferred as a source; its valid lifetime is always forever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    Forever,
    Seconds(u32),
}
