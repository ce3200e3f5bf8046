//! Interfaces with all that is shown of them.

use super::decode::{RTM_GETADDR, RTM_GETLINK, RTM_NEWADDR, RTM_NEWLINK, text};
use super::picture::Asker;
use crate::effect::interface::{Arp, Interface, Traits};
use crate::effect::net::{Device, Mac};
use crate::model::net::Prefix;
use std::io;
use std::net::IpAddr;

/// All interfaces of the calling thread's network namespace, with their addresses.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    let mut asker = Asker::open()?;
    let mut interfaces: Vec<Interface> = Vec::new();
    asker.dump(RTM_GETLINK, &[0; 16], RTM_NEWLINK, |payload| match payload {
        Some(payload) => interfaces.extend(interface(payload)),
        None => interfaces.clear(),
    })?;
    interfaces.sort_by_key(|interface| interface.device);
    asker.dump(RTM_GETADDR, &[0; 8], RTM_NEWADDR, |payload| match payload {
        Some(payload) => {
            let Some((device, prefix)) = address(payload) else { return };
            if let Ok(at) = interfaces.binary_search_by_key(&device, |interface| interface.device) {
                interfaces[at].addresses.push(prefix);
            }
        }
        None => interfaces.iter_mut().for_each(|interface| interface.addresses.clear()),
    })?;
    Ok(interfaces)
}

/// `struct ifaddrmsg` with its attributes, of which nothing else is shown. There may be thousands.
fn address(payload: &[u8]) -> Option<(Device, Prefix)> {
    const HEADER: usize = 8;
    const ADDRESS: u16 = 1;
    const LOCAL: u16 = 2;
    const INET: u8 = 2;
    const INET6: u8 = 10;
    let &[family, length, _, _, a, b, c, d] = payload.first_chunk()?;
    let (mut local, mut far) = (None, None);
    for (kind, value) in attributes(payload.get(HEADER..)?) {
        let address = || match family {
            INET => <[u8; 4]>::try_from(value).ok().map(IpAddr::from),
            INET6 => <[u8; 16]>::try_from(value).ok().map(IpAddr::from),
            _ => None,
        };
        match kind {
            ADDRESS => far = address(),
            LOCAL => local = address(),
            _ => {}
        }
    }
    // IPv6 says which is its own only where there is a peer.
    Some((Device(u32::from_ne_bytes([a, b, c, d])), Prefix { address: local.or(far)?, length }))
}

const HEADER: usize = 16;

/// `struct ifinfomsg` with its attributes.
fn interface(payload: &[u8]) -> Option<Interface> {
    const ADDRESS: u16 = 1;
    const BROADCAST: u16 = 2;
    const NAME: u16 = 3;
    const MTU: u16 = 4;
    const PARENT: u16 = 5;
    const ABOUT: u16 = 18;
    const KIND: u16 = 1;
    const OF_FAMILIES: u16 = 26;
    const GROUP: u16 = 27;
    let &[family, _, hard, ware, a, b, c, d, e, f, g, h] = payload.first_chunk()?;
    if family != 0 {
        return None;
    }
    let device = Device(u32::from_ne_bytes([a, b, c, d]));
    let (name, arp) = (Box::default(), Arp::default());
    let mut interface = Interface {
        device,
        name,
        hardware: u16::from_ne_bytes([hard, ware]),
        traits: traits(u32::from_ne_bytes([e, f, g, h])),
        mac: None,
        broadcast: None,
        group: 0,
        mtu: 0,
        parent: None,
        kind: None,
        arp,
        addresses: Vec::new(),
    };
    let mac = |value: &[u8]| <[u8; 6]>::try_from(value).ok().map(Mac);
    for (kind, value) in attributes(payload.get(HEADER..)?) {
        match kind {
            ADDRESS => interface.mac = mac(value),
            BROADCAST => interface.broadcast = mac(value),
            NAME => interface.name = text(value),
            MTU => interface.mtu = number(value)?,
            PARENT => interface.parent = number(value).map(Device).filter(|&parent| parent.0 != 0 && parent != device),
            GROUP => interface.group = number(value)?,
            ABOUT => interface.kind = attributes(value).find(|&(kind, _)| kind == KIND).map(|(_, value)| text(value)),
            OF_FAMILIES => interface.arp = settings(value).unwrap_or_default(),
            _ => {}
        }
    }
    (!interface.name.is_empty()).then_some(interface)
}

/// Their numbers, without what is said of their shape there, and what is in them.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    const KIND: u16 = 0x3fff;
    std::iter::from_fn(move || {
        let &[a, b, c, d] = bytes.first_chunk()?;
        let length = usize::from(u16::from_ne_bytes([a, b]));
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_ne_bytes([c, d]) & KIND, value))
    })
}

fn number(value: &[u8]) -> Option<u32> {
    value.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

/// `IFF_*`
const fn traits(flags: u32) -> Traits {
    Traits {
        up: flags & 0x1 != 0,
        running: flags & 0x40 != 0,
        broadcast: flags & 0x2 != 0,
        loopback: flags & 0x8 != 0,
        point_to_point: flags & 0x10 != 0,
        multicast: flags & 0x1000 != 0,
        arp: flags & 0x80 == 0,
    }
}

/// The settings of IPv4: a list of numbers, the first of which is number 1.
fn settings(families: &[u8]) -> Option<Arp> {
    const INET: u16 = 2;
    const CONF: u16 = 1;
    let inet = attributes(families).find(|&(kind, _)| kind == INET)?.1;
    let conf = attributes(inet).find(|&(kind, _)| kind == CONF)?.1;
    let setting = |which: usize| conf.get((which - 1) * 4..).and_then(number).unwrap_or(0);
    Some(Arp { rp_filter: setting(8), filter: setting(13), ignore: setting(19), promote_secondaries: setting(20) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len() + 4).expect("a short one");
        let mut bytes: Vec<u8> = length.to_ne_bytes().into_iter().chain(kind.to_ne_bytes()).chain(value.iter().copied()).collect();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn addresses_are_those_of_the_machine_not_those_of_a_peer() {
        let told = |family: u8, length: u8, attributes: &[(u16, &[u8])]| {
            let mut message = vec![family, length, 0, 0];
            message.extend(7_u32.to_ne_bytes());
            message.extend(attributes.iter().flat_map(|(kind, value)| attribute(*kind, value)));
            address(&message).map(|(device, prefix)| format!("{} {prefix}", device.0))
        };
        let far = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        for (family, length, attributes, want) in [
            (2, 24, &[(1, &[10, 0, 0, 1][..]), (2, &[10, 0, 0, 1])][..], Some("7 10.0.0.1/24")),
            (2, 32, &[(1, &[10, 0, 0, 9]), (2, &[10, 0, 0, 1])], Some("7 10.0.0.1/32")),
            (10, 64, &[(1, &far)], Some("7 2001:db8::1/64")),
            (10, 64, &[(1, &far[..5])], None),
            (5, 64, &[(1, &far)], None),
            (2, 24, &[], None),
        ] {
            assert_eq!(told(family, length, attributes).as_deref(), want);
        }
    }

    #[test]
    fn a_macvlan_is_taken_in_with_all_that_is_shown_of_it() {
        let mut message = vec![0, 0];
        message.extend(1_u16.to_ne_bytes());
        message.extend(7_u32.to_ne_bytes());
        message.extend(0x1043_u32.to_ne_bytes());
        message.extend([0; 4]);
        message.extend(attribute(3, b"vrrp.51\0"));
        message.extend(attribute(1, &[0, 0, 0x5e, 0, 1, 51]));
        message.extend(attribute(2, &[0xff; 6]));
        message.extend(attribute(4, &1500_u32.to_ne_bytes()));
        message.extend(attribute(5, &3_u32.to_ne_bytes()));
        message.extend(attribute(27, &9_u32.to_ne_bytes()));
        message.extend(attribute(18, &attribute(1, b"macvlan\0")));
        let conf: Vec<u8> = (1..=33_u32).flat_map(u32::to_ne_bytes).collect();
        message.extend(attribute(26, &attribute(2, &attribute(1, &conf))));
        let seen = interface(&message).expect("an interface");
        assert_eq!((&*seen.name, seen.device, seen.parent), ("vrrp.51", Device(7), Some(Device(3))));
        assert_eq!((seen.hardware, seen.group, seen.mtu, seen.kind.as_deref()), (1, 9, 1500, Some("macvlan")));
        assert_eq!(seen.arp, Arp { ignore: 19, filter: 13, rp_filter: 8, promote_secondaries: 20 });
        assert_eq!(seen.mac, Some(Mac([0, 0, 0x5e, 0, 1, 51])));
        let traits = seen.traits;
        assert!(traits.up && traits.running && traits.broadcast && traits.multicast && traits.arp && !traits.loopback);
        for cut in 0..message.len() {
            // Whatever is missing: it ends, and nothing is read beyond it.
            let _ = interface(&message[..cut]);
        }
    }
}
