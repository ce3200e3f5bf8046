//! What holds for any values and any bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use standfast::wire::ah::{self, Ah};
use standfast::wire::arp::Arp;
use standfast::wire::ipv4::Header;
use standfast::wire::ndisc::{self, Kind, Neighbour};
use standfast::wire::trailer::{self, Sequence, Trailer};
use standfast::wire::vrrp::{Advert, Body, Packet, Sum};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        any::<(u8, u8, [u8; 8])>().prop_map(|(interval, auth_type, auth)| Body::V2 { interval, auth_type, auth }),
        (0..0x1000_u16).prop_map(|interval| Body::V3 { interval }),
    ]
}

/// Of one family, with the two ends that a pseudo header takes.
fn addresses() -> impl Strategy<Value = (Vec<IpAddr>, IpAddr, IpAddr)> {
    let v4 = || any::<Ipv4Addr>().prop_map(IpAddr::from);
    let v6 = || any::<Ipv6Addr>().prop_map(IpAddr::from);
    prop_oneof![(vec(v4(), 0..256), v4(), v4()), (vec(v6(), 0..256), v6(), v6())]
}

/// Reads everything that there is to read.
fn read_all(bytes: &[u8]) {
    let _ = (Arp::read(bytes), Neighbour::read(bytes), Header::read(bytes));
    let ip = Header::advert(Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST, 1, 1, bytes.len());
    if let Some((seal, rest)) = Ah::read(bytes) {
        assert_eq!(rest.len() + ah::LENGTH, bytes.len());
        assert_eq!(Ah::read(&seal.write()), Some((seal, &[][..])));
        assert!(!seal.vouches(&ip, b"whatever", rest));
    }
    if let Some(trailer) = bytes.last_chunk().and_then(Trailer::read) {
        assert_eq!(bytes.last_chunk(), Some(&trailer.write()));
        assert!(!trailer.vouches(b"whatever", Ipv4Addr::LOCALHOST.into(), bytes));
    }
    let Some(packet) = Packet::new(bytes) else { return };
    for v6 in [false, true] {
        assert!(packet.addresses(v6).count() <= packet.count().into());
        let whole = packet.expected_length(v6);
        for length in [0, 7, whole, bytes.len(), usize::MAX] {
            let (source, destination) = ([10, 0, 0, 1].into(), [224, 0, 0, 18].into());
            let right = [Sum::Plain, Sum::Pseudo { source, destination }].map(|sum| packet.sums_up(sum, length));
            assert!(length <= bytes.len() || right == [false; 2]);
        }
    }
    assert!(packet.auth().is_none() || packet.version() == 2);
}

proptest! {
    #[test]
    fn an_advert_is_read_as_it_was_written(vrid: u8, priority: u8, body in body(), (addresses, source, destination) in addresses(), plain: bool) {
        let v6 = source.is_ipv6();
        // Without pseudo header and addresses nothing tells the family.
        let sum = if plain && !addresses.is_empty() { Sum::Plain } else { Sum::Pseudo { source, destination } };
        let advert = Advert { vrid, priority, body, addresses };
        let bytes = advert.encode(sum);
        let packet = Packet::new(&bytes).expect("a whole header");
        prop_assert_eq!((packet.kind(), packet.vrid(), packet.priority()), (1, vrid, priority));
        prop_assert_eq!(packet.expected_length(v6), bytes.len());
        prop_assert_eq!(packet.addresses(v6).collect::<Vec<_>>(), advert.addresses);
        prop_assert!(packet.sums_up(sum, bytes.len()));
        match body {
            Body::V2 { interval, auth_type, auth } => {
                prop_assert_eq!((packet.version(), packet.interval_seconds(), packet.auth_type()), (2, interval, auth_type));
                prop_assert!(v6 || packet.auth() == Some(auth));
            }
            Body::V3 { interval } => prop_assert_eq!((packet.version(), packet.interval_centis()), (3, interval)),
        }
    }

    #[test]
    fn one_wrong_bit_is_noticed(body in body(), (addresses, source, destination) in addresses(), bit: prop::sample::Index) {
        let sum = Sum::Pseudo { source, destination };
        let mut bytes = Advert { vrid: 1, priority: 100, body, addresses }.encode(sum);
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!Packet::new(&bytes).expect("a whole header").sums_up(sum, bytes.len()));
    }

    #[test]
    fn an_ipv4_header_is_read_as_it_was_written(source: Ipv4Addr, destination: Ipv4Addr, ttl: u8, id: u16, payload in vec(any::<u8>(), 0..64)) {
        let header = Header::advert(source, destination, ttl, id, payload.len());
        let bytes = [header.write().as_slice(), &payload].concat();
        prop_assert_eq!(Header::read(&bytes), Some((header, payload.as_slice())));
    }

    #[test]
    fn an_authentication_header_vouches_for_what_it_was_made_for_and_nothing_else(
        source: Ipv4Addr, destination: Ipv4Addr, ttl: u8, id: u16, sequence: u32, key: [u8; 8],
        payload in vec(any::<u8>(), 8..64), bit: prop::sample::Index,
    ) {
        let ip = Header::advert(source, destination, ttl, id, ah::LENGTH + payload.len());
        let seal = Ah::sign(&ip, &key, sequence, &payload);
        let mut bytes = [seal.write().as_slice(), &payload].concat();
        prop_assert_eq!(Ah::read(&bytes), Some((seal, payload.as_slice())));
        let changed = Header { tos: 0x10, ..ip };
        prop_assert!(seal.vouches(&changed, &key, &payload), "what routers change does not matter");
        let other = Header { id: id ^ 1, ..ip };
        prop_assert!(!seal.vouches(&other, &key, &payload));
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Some((seal, payload)) = Ah::read(&bytes) {
            prop_assert!(!seal.vouches(&ip, &key, payload) || (16..32).contains(&bit), "{bit}");
        }
    }

    #[test]
    fn a_trailer_vouches_for_its_advert_and_nothing_else(
        key: u8, secret in vec(any::<u8>(), 32..=64), sequence: u64, body in body(), (addresses, source, _) in addresses(),
        bit: prop::sample::Index,
    ) {
        let advert = Advert { vrid: 1, priority: 100, body, addresses }.unsummed(source.is_ipv6());
        let trailer = Trailer::sign(key, &secret, Sequence(sequence), source, &advert);
        prop_assert_eq!(Trailer::read(&trailer.write()), Some(trailer));
        prop_assert!(trailer.vouches(&secret, source, &advert));
        let mut bytes = [advert.as_slice(), &trailer.write()].concat();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let (other, behind) = bytes.split_at(advert.len());
        if let Some(trailer) = behind.first_chunk::<{ trailer::LENGTH }>().and_then(Trailer::read) {
            // All but the checksum is signed.
            prop_assert_eq!(trailer.vouches(&secret, source, other), (48..64).contains(&bit), "{}", bit);
        }
    }

    #[test]
    fn arp_is_read_as_it_was_written(operation: u16, sender_mac: [u8; 6], sender: Ipv4Addr, target_mac: [u8; 6], target: Ipv4Addr) {
        let arp = Arp { operation, sender_mac, sender, target_mac, target };
        prop_assert_eq!(Arp::read(&arp.broadcast()), Some(arp));
    }

    #[test]
    fn neighbours_are_read_as_they_were_written(mac: [u8; 6], target: Ipv6Addr, router: bool) {
        prop_assume!(!target.is_multicast());
        let kind = Kind::Advertisement { solicited: false };
        let said = Neighbour { kind, target, source: target, mac };
        prop_assert_eq!(Neighbour::read(&ndisc::advertisement(mac, target, router)), Some(said));
        let asked = Neighbour { kind: Kind::Solicitation, target, source: Ipv6Addr::UNSPECIFIED, mac };
        prop_assert_eq!(Neighbour::read(&ndisc::probe(mac, target)), Some(asked));
    }

    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..200)) {
        read_all(&bytes);
    }

    #[test]
    fn captured_frames_are_survived_wherever_they_are_cut_or_damaged(frame: prop::sample::Index, cut: prop::sample::Index, at: prop::sample::Index, byte: u8) {
        use super::captures::{ADVERTISEMENTS, ADVERTS_V4, ADVERTS_V6, GRATUITOUS, OTHERS, TRAILED};
        let frames = [ADVERTS_V4, ADVERTS_V6, GRATUITOUS, ADVERTISEMENTS, OTHERS, TRAILED].concat();
        let mut bytes = super::bytes(frame.get(&frames).1);
        bytes.truncate(cut.index(bytes.len()) + 1);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        for from in [0, 14, 34, 54] {
            read_all(bytes.get(from..).unwrap_or_default());
        }
    }
}
