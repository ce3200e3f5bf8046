//! Facts into messages to the kernel.

pub(in crate::kernel) mod link;
mod route;
mod rule;

use crate::effect::delta::Op;
use crate::effect::net::{Device, Fact, Placed};
use crate::model::net::address::Lifetime;
use crate::model::net::{Family, OUR_PROTOCOL};
use netlink_packet_core::NLM_F_REPLACE;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressProtocol, CacheInfo};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use std::net::IpAddr;

pub(super) use route::{kind, narrowest};

/// The name of an interface to its number.
pub(in crate::kernel) type Resolve<'a> = &'a dyn Fn(&str) -> Option<Device>;

/// A message that changes something, and how.
#[derive(Clone, Debug)]
pub(in crate::kernel) struct Request {
    pub(super) message: RouteNetlinkMessage,
    /// Beside those that every request has.
    pub(super) flags: u16,
    pub(super) removes: bool,
}

/// The request that carries out a step. It fails on an interface that is not there.
pub(in crate::kernel) fn request(op: &Op, resolve: Resolve<'_>) -> Result<Request, String> {
    let removes = matches!(op, Op::Remove(_));
    let (message, flags) = match op.fact() {
        Fact::Device(_) | Fact::Setting(_) => return Err("it takes more than one message".to_owned()),
        Fact::Address(placed) => {
            let mut message = address(placed);
            match op {
                // Without NLM_F_CREATE and NLM_F_EXCL, which the kernel does not ask for.
                Op::Add(_) => (RouteNetlinkMessage::NewAddress(message), 0),
                Op::Change(_) => (RouteNetlinkMessage::NewAddress(message), NLM_F_REPLACE),
                Op::Remove(_) => {
                    // Somebody else may have labelled it in another way; it is still the same address.
                    message.attributes.retain(|attribute| !matches!(attribute, AddressAttribute::Label(_)));
                    (RouteNetlinkMessage::DelAddress(message), 0)
                }
            }
        }
        Fact::Route(route) if removes => (RouteNetlinkMessage::DelRoute(route::deletion(route, resolve)?), 0),
        Fact::Route(route) => {
            let (message, flags) = route::addition(route, resolve)?;
            (RouteNetlinkMessage::NewRoute(message), flags)
        }
        Fact::Rule(rule) if removes => (RouteNetlinkMessage::DelRule(rule::message(rule)), 0),
        Fact::Rule(rule) => (RouteNetlinkMessage::NewRule(rule::message(rule)), rule::ADDITION),
    };
    Ok(Request { message, flags, removes })
}

const fn family(family: Family) -> AddressFamily {
    match family {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
    }
}

fn address(placed: &Placed) -> AddressMessage {
    let address = &placed.address;
    let local = address.prefix.address;
    let mut message = AddressMessage::default();
    message.header.family = family(address.prefix.family());
    message.header.prefix_len = address.prefix.length;
    message.header.index = placed.device.0;

    let mut flags = AddressFlags::empty();
    flags.set(AddressFlags::Noprefixroute, address.no_prefix_route);
    flags.set(AddressFlags::Mcautojoin, address.autojoin);
    let attributes = &mut message.attributes;
    attributes.push(AddressAttribute::Local(local));
    // To the kernel an address without a peer is its own. A deletion has to name the peer as well.
    attributes.push(AddressAttribute::Address(address.peer.unwrap_or(local)));
    match local {
        IpAddr::V4(_) => {
            message.header.scope = address.scope.0.into();
            attributes.extend(address.broadcast.map(AddressAttribute::Broadcast));
            attributes.extend(address.label.as_deref().map(|label| AddressAttribute::Label(label.to_owned())));
        }
        IpAddr::V6(_) => {
            flags.set(AddressFlags::Nodad, !address.detect_duplicates);
            flags.set(AddressFlags::Homeaddress, address.home);
            flags.set(AddressFlags::Managetempaddr, address.manage_temporary);
        }
    }
    let mut cache = CacheInfo::default();
    cache.ifa_valid = placed.lease.map_or(u32::MAX, |lease| u32::try_from(lease.as_secs()).unwrap_or(u32::MAX));
    cache.ifa_preferred = match address.preferred {
        Lifetime::Forever => cache.ifa_valid,
        Lifetime::Seconds(seconds) => seconds.min(cache.ifa_valid),
    };
    attributes.push(AddressAttribute::CacheInfo(cache));
    message.header.flags = AddressHeaderFlags::from_bits_truncate(u8::try_from(flags.bits() & 0xff).unwrap_or_default());
    attributes.push(AddressAttribute::Flags(flags));
    attributes.push(AddressAttribute::Protocol(AddressProtocol::Other(OUR_PROTOCOL)));
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::net::{Address, Prefix};

    #[test]
    fn an_address_is_removed_with_its_peer_whatever_its_label() {
        let (local, peer) = (IpAddr::from([10, 9, 0, 55]), IpAddr::from([10, 9, 0, 99]));
        let address = Address { peer: Some(peer), label: Some("e0:1".into()), ..Address::new(Prefix { address: local, length: 32 }) };
        let op = Op::Remove(Fact::Address(Placed { device: Device(7), address, lease: None }));
        let request = request(&op, &|_| None).expect("a request");
        let RouteNetlinkMessage::DelAddress(message) = request.message else { unreachable!("{request:?}") };
        assert!(message.attributes.contains(&AddressAttribute::Local(local)));
        assert!(message.attributes.contains(&AddressAttribute::Address(peer)));
        assert!(!message.attributes.iter().any(|attribute| matches!(attribute, AddressAttribute::Label(_))));
    }
}
