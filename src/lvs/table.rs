//! From a virtual server and the health of its real servers to what the kernel shall hold of it.

use super::real_server::Real;
use crate::effect::ipvs::{Dest, DestKey, Service, ServiceKey, Settings};
use crate::model::lvs::{Families, Forwarding, Member, Protocol, ServerGroup, Service as Configured, VirtualServer};
use crate::model::net::Family;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A kernel with more services than these would not be of use to anybody; an IPv6 prefix has more addresses than memory.
const MOST_ADDRESSES: u32 = 1 << 20;
/// What the sorry server weighs.
const SORRY_WEIGHT: u32 = 1;

/// All that the virtual server wants in the kernel. `reals` are its real servers, `sorry` is whether the sorry server stands
/// in for them.
pub(super) fn services(server: &VirtualServer, group: Option<&ServerGroup>, reals: &[Real], sorry: bool) -> Box<[Service]> {
    let settings = Settings {
        scheduler: server.scheduler,
        flags: server.flags,
        one_packet: server.one_packet,
        persistence: server.persistence.clone(),
    };
    let service = |key: ServiceKey| Service { key, settings: settings.clone(), dests: dests(server, key, reals, sorry) };
    keys(server, group).into_iter().map(service).collect()
}

/// What the kernel recognises the packets of a virtual server by, each once.
pub(super) fn keys(server: &VirtualServer, group: Option<&ServerGroup>) -> Vec<ServiceKey> {
    match &server.service {
        Configured::Address { address, port, protocol } => {
            vec![ServiceKey::Address { protocol: *protocol, address: *address, port: *port }]
        }
        Configured::Mark(mark) => families(server).map(|family| ServiceKey::Mark { family, mark: *mark }).collect(),
        Configured::Group { protocol, .. } => {
            let protocol = protocol.unwrap_or(Protocol::Udp);
            if let Some(keys) = group.and_then(|group| marked(group, protocol)) {
                return keys;
            }
            let mut keys = Vec::new();
            for member in group.map_or(&[][..], |group| &group.members) {
                match *member {
                    Member::Addresses { first, last, port } => {
                        keys.extend(addresses(first, last).map(|address| ServiceKey::Address { protocol, address, port }));
                    }
                    Member::Mark { mark, family: Some(family) } => keys.push(ServiceKey::Mark { family, mark }),
                    Member::Mark { mark, family: None } => keys.extend(families(server).map(|family| ServiceKey::Mark { family, mark })),
                }
            }
            let mut seen = HashSet::with_capacity(keys.len());
            keys.retain(|key| seen.insert(*key));
            keys
        }
    }
}

/// One for all addresses of a family, where nftables marks the packets for them.
fn marked(group: &ServerGroup, protocol: Protocol) -> Option<Vec<ServiceKey>> {
    let &(_, mark) = group.marks.iter().find(|(of, _)| *of == protocol)?;
    let has = |family: &Family| {
        group.members.iter().any(|member| matches!(member, Member::Addresses { first, .. } if Family::of(*first) == *family))
    };
    Some([Family::V4, Family::V6].into_iter().filter(has).map(|family| ServiceKey::Mark { family, mark }).collect())
}

fn families(server: &VirtualServer) -> impl Iterator<Item = Family> {
    let (first, second) = match server.family {
        Families::One(family) => (family, None),
        Families::Both => (Family::V4, Some(Family::V6)),
    };
    [first].into_iter().chain(second)
}

/// From the first address to the last.
pub(super) fn addresses(first: IpAddr, last: IpAddr) -> Box<dyn Iterator<Item = IpAddr>> {
    let most = MOST_ADDRESSES as usize;
    match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            Box::new((first.to_bits()..=last.to_bits()).take(most).map(|bits| Ipv4Addr::from_bits(bits).into()))
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            Box::new((first.to_bits()..=last.to_bits()).take(most).map(|bits| Ipv6Addr::from_bits(bits).into()))
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => Box::new(std::iter::empty()),
    }
}

fn dests(server: &VirtualServer, key: ServiceKey, reals: &[Real], sorry: bool) -> Box<[Dest]> {
    let mut dests: Vec<Dest> = Vec::with_capacity(server.real_servers.len() + 1);
    for (configured, real) in server.real_servers.iter().zip(reals) {
        let Some(weight) = real.shown(configured, sorry) else { continue };
        if !reachable(key.family(), configured.address, configured.forwarding) {
            continue;
        }
        dests.push(Dest {
            key: DestKey { address: configured.address, port: port(key, configured.forwarding, configured.port) },
            forwarding: configured.forwarding,
            weight,
            upper_threshold: configured.upper_threshold,
            lower_threshold: configured.lower_threshold,
        });
    }
    if matches!(server.service, Configured::Group { .. }) {
        // Without NAT it is the service that tells the port: real servers that differ in it only are one to the kernel.
        let mut seen = HashSet::with_capacity(dests.len());
        dests.retain(|dest| seen.insert(dest.key));
    }
    if let Some(configured) = &server.sorry_server
        && (sorry || configured.inhibit)
        && reachable(key.family(), configured.address, configured.forwarding)
    {
        let dest = Dest {
            key: DestKey { address: configured.address, port: port(key, configured.forwarding, configured.port) },
            forwarding: configured.forwarding,
            weight: if sorry { SORRY_WEIGHT } else { 0 },
            upper_threshold: 0,
            lower_threshold: 0,
        };
        // It may be one of the real servers.
        match dests.iter_mut().find(|known| known.key == dest.key) {
            Some(known) if sorry => *known = dest,
            Some(_) => {}
            None => dests.push(dest),
        }
    }
    dests.into()
}

/// Only through a tunnel does a packet of one family reach a server of the other.
fn reachable(family: Family, address: IpAddr, forwarding: Forwarding) -> bool {
    match forwarding {
        Forwarding::Tunnel(_) => true,
        Forwarding::Nat | Forwarding::DirectRoute => Family::of(address) == family,
    }
}

/// The port the kernel knows a destination by: only NAT changes ports.
pub(super) fn port(key: ServiceKey, forwarding: Forwarding, configured: u16) -> u16 {
    match (forwarding, key) {
        (Forwarding::Nat, ServiceKey::Address { .. } | ServiceKey::Mark { .. }) => configured,
        (Forwarding::DirectRoute | Forwarding::Tunnel(_), ServiceKey::Address { port, .. }) => port,
        (Forwarding::DirectRoute | Forwarding::Tunnel(_), ServiceKey::Mark { .. }) => 0,
    }
}
