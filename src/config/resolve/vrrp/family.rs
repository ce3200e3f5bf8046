//! The address family and version of an instance. Statements decide in the order they stand in: the first address gives
//! the family, and what does not agree with it is left out.

use super::Vrrps;
use crate::config::diagnostic::Origin;
use crate::config::draft::net::Address;
use crate::config::draft::vrrp::{Given, Instance as Draft, Peer};
use crate::model::net::Family;
use crate::model::vrrp::Version;
use std::net::IpAddr;

/// What the statements agreed on.
#[derive(Debug)]
pub(super) struct Agreed {
    pub(super) family: Family,
    pub(super) version: Option<Version>,
    pub(super) source: Option<IpAddr>,
    pub(super) group: Option<Given<IpAddr>>,
    pub(super) peers: Vec<Peer>,
    pub(super) vips: Vec<Address>,
    /// The address of `use_ipvlan`.
    pub(super) ipvlan: Option<(IpAddr, u8)>,
}

/// A statement that has a say.
enum Clue {
    Version(Version),
    Native,
    Source(IpAddr),
    Group(IpAddr),
    Peer(Peer),
    Vip(Address),
    Ipvlan(IpAddr, u8),
}

impl Clue {
    fn family(&self) -> Option<Family> {
        match self {
            Self::Version(_) => None,
            Self::Native => Some(Family::V6),
            Self::Source(address) | Self::Group(address) | Self::Ipvlan(address, _) => Some(Family::of(*address)),
            Self::Peer(peer) => Some(Family::of(peer.address)),
            Self::Vip(vip) => Some(Family::of(vip.address)),
        }
    }

    /// What to say when it does not agree with the family.
    fn disagreement(&self, name: &str) -> String {
        match self {
            Self::Version(version) => format!("({name}) vrrp_version {} conflicts with the address family", version.number()),
            Self::Native => format!("({name}) Cannot specify native_ipv6 with IPv4 addresses"),
            Self::Source(a) => {
                format!("Configuration error: VRRP instance[{name}] and src address[{a}] MUST be of the same family !!! Skipping...")
            }
            Self::Group(a) => format!("({name}) mcast dest address {a} MUST match VRRP instance family. Skipping..."),
            Self::Peer(p) => {
                let a = p.address;
                format!(
                    "Configuration error: VRRP instance[{name}] and unicast peer address[{a}] MUST be of the same family !!! Skipping..."
                )
            }
            Self::Vip(vip) => format!("({name}): address family must match VRRP instance [{}] - ignoring", vip.address),
            Self::Ipvlan(a, _) => format!("({name}) ipvlan address[{a}] MUST match vrrp instance family !!! Skipping..."),
        }
    }
}

/// Takes the statements out of the draft, in order.
fn clues(draft: &mut Draft) -> Vec<(Origin, Clue)> {
    let mut clues: Vec<(Origin, Clue)> = Vec::new();
    clues.extend(draft.versions.drain(..).map(|v| (v.at, Clue::Version(v.value))));
    clues.extend(draft.native_ipv6.map(|at| (at, Clue::Native)));
    clues.extend(draft.sources.drain(..).map(|s| (s.at, Clue::Source(s.value))));
    clues.extend(draft.groups.drain(..).map(|g| (g.at, Clue::Group(g.value))));
    clues.extend(draft.peers.drain(..).map(|p| (p.at, Clue::Peer(p))));
    clues.extend(draft.vips.drain(..).map(|v| (v.at, Clue::Vip(v))));
    if let Some(ipvlan) = &mut draft.ipvlan
        && let Some((address, length)) = ipvlan.address.take()
    {
        clues.push((ipvlan.at, Clue::Ipvlan(address, length)));
    }
    clues.sort_by_key(|(at, _)| at.order);
    clues
}

impl Vrrps<'_, '_> {
    pub(super) fn agree(&mut self, draft: &mut Draft) -> Agreed {
        let name = draft.name.clone();
        let mut family = None;
        let mut agreed =
            Agreed { family: Family::V4, version: None, source: None, group: None, peers: Vec::new(), vips: Vec::new(), ipvlan: None };
        for (at, clue) in clues(draft) {
            if let Some(says) = clue.family()
                && *family.get_or_insert(says) != says
            {
                self.error(at, clue.disagreement(&name)).hint("one instance has one address family; make a second instance for the other");
                continue;
            }
            match clue {
                Clue::Version(version) => self.version(&name, at, version, family, &mut agreed),
                Clue::Native => {}
                Clue::Source(address) => agreed.source = Some(address),
                Clue::Group(value) => agreed.group = Some(Given { at, value }),
                Clue::Peer(peer) => agreed.peers.push(peer),
                Clue::Vip(vip) => agreed.vips.push(vip),
                Clue::Ipvlan(address, length) => agreed.ipvlan = Some((address, length)),
            }
        }
        agreed.family = family.unwrap_or(Family::V4);
        agreed
    }

    fn version(&mut self, name: &str, at: Origin, version: Version, family: Option<Family>, agreed: &mut Agreed) {
        let deduced = (family == Some(Family::V6)).then_some(Version::V3);
        match agreed.version.or(deduced) {
            Some(before) if before != version => {
                let (new, before) = (version.number(), before.number());
                self.error(at, format!("({name}) vrrp_version {new} conflicts with configured or deduced version {before}; ignoring."));
            }
            Some(_) | None => agreed.version = Some(version),
        }
    }
}
