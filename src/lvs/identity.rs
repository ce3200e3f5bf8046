//! What virtual servers, real servers and checkers are known by over a reload and a restart.

use super::name;
use crate::model::checker::Checker;
use crate::model::lvs::{Families, Protocol, RealServer, Service, VirtualServer};
use crate::model::net::Family;
use std::fmt::{self, Write};
use std::net::IpAddr;

/// A virtual server by what it serves, not by how. A group is known by its name, whatever is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ServerKey<'a> {
    Address { address: IpAddr, port: u16, protocol: Protocol },
    Mark { family: Option<Family>, mark: u32 },
    Group { name: &'a str, index: u32 },
}

pub(super) fn server_key(server: &VirtualServer) -> ServerKey<'_> {
    match &server.service {
        Service::Address { address, port, protocol } => ServerKey::Address { address: *address, port: *port, protocol: *protocol },
        Service::Mark(mark) => ServerKey::Mark { family: one(server.family), mark: mark.get() },
        Service::Group { name, index, .. } => ServerKey::Group { name, index: *index },
    }
}

/// What the name of a virtual server does not tell.
pub(super) const fn family_of_mark(server: &VirtualServer) -> Option<Family> {
    match server.service {
        Service::Mark(_) => one(server.family),
        Service::Address { .. } | Service::Group { .. } => None,
    }
}

const fn one(families: Families) -> Option<Family> {
    match families {
        Families::One(family) => Some(family),
        Families::Both => None,
    }
}

/// A real server in the supervisor's store. `twin` counts virtual servers of the same key.
pub(super) fn record_key(server: &VirtualServer, twin: u32, real: &RealServer) -> Box<str> {
    let mut key = name::virtual_server(server).to_string();
    // Writing to a string does not fail.
    let _ = match (&server.service, one(server.family)) {
        (Service::Mark(_), Some(Family::V6)) => key.write_str(" inet6"),
        (Service::Mark(_) | Service::Address { .. } | Service::Group { .. }, Some(Family::V4 | Family::V6) | None) => Ok(()),
    };
    if twin > 0 {
        let _ = write!(key, "#{twin}");
    }
    let _ = write!(key, " [{}]:{}", real.address, real.port);
    key.into()
}

/// Whether two checkers check the same thing in the same way, however often. What a probe sends is part of it: keepalived
/// compares less, but a verdict is kept either way.
pub(super) fn same(one: &Checker, other: &Checker) -> bool {
    match (one, other) {
        (Checker::Probe { probe: one, .. }, Checker::Probe { probe: other, .. }) => one == other,
        (Checker::File(one), Checker::File(other)) => one.track_file == other.track_file,
        (Checker::Bfd(one), Checker::Bfd(other)) => one.session == other.session,
        (Checker::Probe { .. }, Checker::File(_) | Checker::Bfd(_))
        | (Checker::File(_), Checker::Probe { .. } | Checker::Bfd(_))
        | (Checker::Bfd(_), Checker::Probe { .. } | Checker::File(_)) => false,
    }
}

/// The same number for the same checker, in every process of the same binary. In another one it may differ, and then a
/// successor goes by the place of the checker.
pub(super) fn number(checker: &Checker) -> u64 {
    let mut digest = Digest(0xcbf2_9ce4_8422_2325);
    // A digest does not fail.
    let _ = match checker {
        Checker::Probe { probe, .. } => write!(digest, "{probe:?}"),
        Checker::File(file) => write!(digest, "file {}", file.track_file),
        Checker::Bfd(bfd) => write!(digest, "bfd {}", bfd.session),
    };
    digest.0
}

/// FNV-1a over text, without keeping it.
struct Digest(u64);

impl fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}
