//! An address as written.

use super::Named;
use crate::config::diagnostic::Origin;
use crate::model::net::{self as model, Family, address::Lifetime};
use std::net::{IpAddr, Ipv4Addr};

/// A line of `virtual_ipaddress`, `virtual_ipaddress_excluded` or `static_ipaddress`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub at: Origin,
    pub address: IpAddr,
    /// The whole address unless given.
    pub length: Option<u8>,
    pub device: Option<Box<str>>,
    pub scope: Option<Named>,
    pub broadcast: Option<Broadcast>,
    pub label: Option<Box<str>>,
    pub peer: Option<IpAddr>,
    pub home: bool,
    pub detect_duplicates: bool,
    pub manage_temporary: bool,
    pub no_prefix_route: bool,
    pub autojoin: bool,
    pub no_track: bool,
    /// Depends on the length.
    pub preferred: Option<Lifetime>,
    pub use_vmac: bool,
    pub track_group: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broadcast {
    Address(Ipv4Addr),
    /// All host bits set.
    Ones,
    /// No host bit set.
    Zeros,
}

impl Address {
    pub fn new(at: Origin, address: IpAddr, length: Option<u8>) -> Self {
        Self {
            at,
            address,
            length,
            device: None,
            scope: None,
            broadcast: None,
            label: None,
            peer: None,
            home: false,
            detect_duplicates: false,
            manage_temporary: false,
            no_prefix_route: false,
            autojoin: false,
            no_track: false,
            preferred: None,
            use_vmac: false,
            track_group: None,
        }
    }

    pub fn family(&self) -> Family {
        Family::of(self.address)
    }

    /// The address as messages name it: with a length only where one was given.
    pub fn name(&self) -> String {
        match self.length {
            Some(length) => format!("{}/{length}", self.address),
            None => self.address.to_string(),
        }
    }
}

impl From<&model::Address> for Address {
    fn from(model: &model::Address) -> Self {
        let family = model.prefix.family();
        Self {
            device: model.device.clone(),
            scope: (family == Family::V4).then(|| model.scope.0.into()),
            broadcast: model.broadcast.map(Broadcast::Address),
            label: model.label.clone(),
            peer: model.peer,
            home: model.home,
            detect_duplicates: model.detect_duplicates,
            manage_temporary: model.manage_temporary,
            no_prefix_route: model.no_prefix_route,
            autojoin: model.autojoin,
            no_track: !model.tracked,
            preferred: (family == Family::V6).then_some(model.preferred),
            use_vmac: model.use_vmac,
            ..Self::new(Origin::default(), model.prefix.address, model.peer.is_none().then_some(model.prefix.length))
        }
    }
}
