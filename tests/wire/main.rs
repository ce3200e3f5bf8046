//! Encodings against frames that were captured, and against anything.

mod captures;
mod properties;

use captures::{ADVERTISEMENTS, ADVERTS_V4, ADVERTS_V6, GRATUITOUS, OTHERS, TRAILED};
use standfast::wire::ah::{self, Ah};
use standfast::wire::arp::Arp;
use standfast::wire::ipv4::Header;
use standfast::wire::ndisc::{self, Kind, Neighbour};
use standfast::wire::trailer::{self, Sequence, Trailer};
use standfast::wire::vrrp::{Advert, Body, PROTOCOL, Packet, Sum};
use std::net::{IpAddr, Ipv6Addr};

const ETHERNET: usize = 14;
const IPV6: usize = 40;

fn bytes(lines: &[&str]) -> Vec<u8> {
    let digits: Vec<u8> = lines.concat().chars().filter_map(|c| c.to_digit(16)).filter_map(|digit| u8::try_from(digit).ok()).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn named<'a>(frames: &[(&str, &'a [&'a str])], name: &str) -> Vec<u8> {
    bytes(frames.iter().find(|(known, _)| *known == name).expect("a frame of that name").1)
}

/// The ends and the payload of an IPv6 packet without extension headers.
fn open_v6(frame: &[u8]) -> (Ipv6Addr, Ipv6Addr, &[u8]) {
    let (ip, payload) = frame[ETHERNET..].split_at(IPV6);
    let address = |at: usize| Ipv6Addr::from(<[u8; 16]>::try_from(&ip[at..at + 16]).expect("sixteen bytes"));
    (address(8), address(24), payload)
}

/// What an engine would say to have this packet sent.
fn advert(packet: Packet<'_>, v6: bool) -> Advert {
    let body = match packet.version() {
        2 => Body::V2 {
            interval: packet.interval_seconds(),
            auth_type: packet.auth_type(),
            auth: packet.auth().expect("version 2 has these bytes"),
        },
        _ => Body::V3 { interval: packet.interval_centis() },
    };
    Advert { vrid: packet.vrid(), priority: packet.priority(), body, addresses: packet.addresses(v6).collect() }
}

#[test]
fn adverts_over_ipv4_are_read_and_written_byte_for_byte() {
    for (name, lines) in ADVERTS_V4 {
        let frame = bytes(lines);
        let (header, payload) = Header::read(&frame[ETHERNET..]).expect("a header");
        assert_eq!(header.write(), frame[ETHERNET..ETHERNET + 20], "{name}");
        let ours = Header::advert(header.source, header.destination, header.ttl, header.id, payload.len());
        assert_eq!(ours, header, "{name}");

        let packet = Packet::new(payload).expect("a whole header");
        let sum = match packet.version() {
            2 => Sum::Plain,
            _ => Sum::Pseudo { source: header.source.into(), destination: header.destination.into() },
        };
        assert_eq!(packet.expected_length(false), payload.len(), "{name}");
        assert!(packet.sums_up(sum, payload.len()), "{name}");
        assert_eq!(advert(packet, false).encode(sum), payload, "{name}");
    }
}

#[test]
fn adverts_over_ipv6_are_read_and_written_byte_for_byte() {
    for (name, lines) in ADVERTS_V6 {
        let frame = bytes(lines);
        let (source, destination, payload) = open_v6(&frame);
        let sum = Sum::Pseudo { source: source.into(), destination: destination.into() };
        let packet = Packet::new(payload).expect("a whole header");
        assert_eq!(packet.expected_length(true), payload.len(), "{name}");
        assert!(packet.sums_up(sum, payload.len()), "{name}");
        assert_eq!(advert(packet, true).encode(sum), payload, "{name}");
    }
}

#[test]
fn fields_are_those_that_were_configured() {
    let frame = named(ADVERTS_V4, "Version 2, authentication PASS, two addresses");
    let (header, payload) = Header::read(&frame[ETHERNET..]).expect("a header");
    assert_eq!((header.ttl, header.protocol, header.tos, header.id, header.total_length), (255, PROTOCOL, 0xc0, 1, 44));
    let packet = Packet::new(payload).expect("a whole header");
    assert_eq!((packet.version(), packet.kind(), packet.vrid(), packet.priority(), packet.count()), (2, 1, 51, 100, 2));
    assert_eq!((packet.auth_type(), packet.interval_seconds(), packet.checksum()), (1, 1, 0xf7d3));
    assert_eq!(packet.auth(), Some(*b"secret12"));
    let addresses: Vec<IpAddr> = packet.addresses(false).collect();
    assert_eq!(addresses, [IpAddr::from([10, 9, 0, 50]), [10, 9, 0, 51].into()]);

    let frame = named(ADVERTS_V6, "Version 3 over IPv6, two addresses");
    let (_, _, payload) = open_v6(&frame);
    let packet = Packet::new(payload).expect("a whole header");
    assert_eq!((packet.version(), packet.vrid(), packet.priority(), packet.count(), packet.interval_centis()), (3, 77, 150, 2, 50));
    let addresses: Vec<String> = packet.addresses(true).map(|address| address.to_string()).collect();
    assert_eq!(addresses, ["fe80::60", "2001:db8::60"]);
    assert_eq!(packet.auth(), None);
}

#[test]
fn what_is_behind_an_advert_is_left_out_of_its_checksum() {
    for name in ["Version 2 with 28 bytes of `auth_hmac` behind it", "Version 3 with the same, which its checksum leaves out"] {
        let frame = named(TRAILED, name);
        let (header, payload) = Header::read(&frame[ETHERNET..]).expect("a header");
        let packet = Packet::new(payload).expect("a whole header");
        let sum = match packet.version() {
            2 => Sum::Plain,
            _ => Sum::Pseudo { source: header.source.into(), destination: header.destination.into() },
        };
        let length = packet.expected_length(false);
        assert_eq!(length + 28, payload.len(), "{name}");
        assert!(packet.sums_up(sum, length), "{name}");
        assert!(!packet.sums_up(sum, payload.len()), "{name}");
        assert_eq!(advert(packet, false).encode(sum), payload[..length], "{name}");
    }
}

#[test]
fn the_kernel_sums_all_of_an_ipv6_packet() {
    let frame = named(TRAILED, "IPv6 with the same, which the checksum takes in, for it is the kernel that makes it");
    let (source, destination, payload) = open_v6(&frame);
    let sum = Sum::Pseudo { source: source.into(), destination: destination.into() };
    let packet = Packet::new(payload).expect("a whole header");
    assert_eq!(packet.expected_length(true) + 28, payload.len());
    assert!(packet.sums_up(sum, payload.len()));
}

#[test]
fn an_advert_in_an_authentication_header_has_eight_empty_bytes() {
    let frame = named(TRAILED, "Version 2 in an authentication header (IPsec)");
    let (header, payload) = Header::read(&frame[ETHERNET..]).expect("a header");
    assert_eq!(header.protocol, 51);
    let (seal, inner) = Ah::read(payload).expect("an authentication header");
    assert_eq!(seal.write(), payload[..ah::LENGTH]);
    assert_eq!((seal.next, seal.spi, seal.sequence), (112, header.source.to_bits(), 1));
    assert_eq!(Ah::sign(&header, b"secret12", 1, inner), seal);
    assert!(seal.vouches(&header, b"secret12", inner));
    assert!(!seal.vouches(&header, b"secret13", inner));
    let packet = Packet::new(inner).expect("a whole header");
    assert_eq!((packet.auth_type(), packet.auth()), (2, Some([0; 8])));
    assert_eq!(advert(packet, false).encode(Sum::Plain), inner);
}

/// What the captured trailers were made with.
const KEY: [u8; 32] =
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31];

#[test]
fn captured_trailers_are_read_written_and_made_byte_for_byte() {
    for (name, lines) in TRAILED.iter().filter(|(name, _)| !name.contains("IPsec")) {
        let frame = bytes(lines);
        let v6 = lines[0].ends_with("86dd");
        let (source, destination, payload): (IpAddr, IpAddr, &[u8]) = if v6 {
            let (source, destination, payload) = open_v6(&frame);
            (source.into(), destination.into(), payload)
        } else {
            let (header, payload) = Header::read(&frame[ETHERNET..]).expect("a header");
            (header.source.into(), header.destination.into(), payload)
        };
        let packet = Packet::new(payload).expect("a whole header");
        let (pdu, behind) = payload.split_at(packet.expected_length(v6));
        let trailer = Trailer::read(behind.try_into().expect("a trailer is so long")).expect("a trailer");
        assert_eq!(trailer.write(), behind, "{name}");
        assert_eq!((trailer.key, trailer.sequence.seconds() >> 16), (5, 0x6b00), "{name}");
        let advert = advert(packet, v6);
        // What that of version 2 was made with is not known.
        if packet.version() == 3 {
            assert!(trailer.vouches(&KEY, source, pdu), "{name}");
            // The checksum is not signed, whatever it is.
            assert_eq!(Trailer::sign(5, &KEY, trailer.sequence, source, &advert.unsummed(v6)), trailer, "{name}");
            assert_eq!(Trailer::sign(5, &KEY, trailer.sequence, source, pdu), trailer, "{name}");
        }
        let sum = if packet.version() == 2 { Sum::Plain } else { Sum::Pseudo { source, destination } };
        assert_eq!(advert.encode_with(sum, behind), payload, "{name}");
    }
}

#[test]
fn a_trailer_of_another_kind_is_none() {
    let good = Trailer { key: 5, sequence: Sequence(7), tag: [9; 16] }.write();
    assert!(Trailer::read(&good).is_some());
    for at in [0, 2, 3] {
        let mut bytes = good;
        bytes[at] ^= 1;
        assert_eq!(Trailer::read(&bytes), None, "{at}");
    }
    assert_eq!(good.len(), trailer::LENGTH);
}

#[test]
fn sequences_are_times_of_day_that_begin_anew() {
    use std::time::Duration;
    let at = |seconds: u64, millis: u64| Sequence::at(Duration::from_millis(seconds * 1000 + millis));
    assert_eq!(at(0x6b00_bfda, 500), Sequence(0x6b00_bfda_8000_0000));
    assert_eq!(at(1, 0).next(), Sequence(0x1_0000_0001));
    assert!(at(5, 1).is_after(at(5, 0)) && !at(5, 0).is_after(at(5, 0)) && !at(5, 0).is_after(at(5, 1)));
    let (last, first) = (at(0xffff_ffff, 999), at(0x1_0000_0002, 0));
    assert!(first.is_after(last) && !last.is_after(first));
    assert_eq!((first.apart(last), last.apart(first)), (Duration::from_secs(3), Duration::from_secs(3)));
}

#[test]
fn the_checksum_of_version_3_may_leave_the_pseudo_header_out() {
    let frame = named(ADVERTS_V4, "Version 3 over IPv4, every half second");
    let (header, payload) = Header::read(&frame[ETHERNET..]).expect("a header");
    let packet = Packet::new(payload).expect("a whole header");
    assert_eq!(packet.checksum(), 0x43a1);
    let plain = advert(packet, false).encode(Sum::Plain);
    let packet = Packet::new(&plain).expect("a whole header");
    assert_eq!(packet.checksum(), 0x2e3a);
    assert!(packet.sums_up(Sum::Plain, plain.len()));
    assert!(!packet.sums_up(Sum::Pseudo { source: header.source.into(), destination: header.destination.into() }, plain.len()));
}

#[test]
fn a_packet_cut_short_has_the_addresses_that_are_there() {
    let frame = named(ADVERTS_V4, "Version 2, authentication PASS, two addresses");
    let (_, payload) = Header::read(&frame[ETHERNET..]).expect("a header");
    assert_eq!(Packet::new(&payload[..7]), None);
    for (length, addresses, auth) in [(8, 0, false), (11, 0, false), (12, 1, false), (16, 2, false), (23, 2, false), (24, 2, true)] {
        let packet = Packet::new(&payload[..length]).expect("a whole header");
        assert_eq!((packet.addresses(false).count(), packet.auth().is_some()), (addresses, auth), "{length}");
        assert_eq!(packet.expected_length(false), 24);
        assert_eq!(packet.sums_up(Sum::Plain, 24), length == 24);
    }
}

#[test]
fn gratuitous_arp_is_read_and_written_byte_for_byte() {
    for (name, lines) in GRATUITOUS {
        let frame = bytes(lines);
        let arp = Arp::read(&frame).expect("ARP");
        assert_eq!(arp, Arp::gratuitous(arp.sender_mac, arp.sender), "{name}");
        assert_eq!(arp.broadcast().as_slice(), frame, "{name}");
    }
}

#[test]
fn neighbour_advertisements_are_read_and_written_byte_for_byte() {
    for (name, lines) in ADVERTISEMENTS {
        let frame = bytes(lines);
        let said = Neighbour::read(&frame).expect("a neighbour advertisement");
        assert_eq!((said.kind, said.source), (Kind::Advertisement { solicited: false }, said.target), "{name}");
        assert_eq!(ndisc::advertisement(said.mac, said.target, false).as_slice(), frame, "{name}");
    }
}

#[test]
fn a_router_says_so() {
    let (mac, address) = ([2, 0, 0, 0, 0, 1], "fe80::1".parse().expect("an address"));
    let (host, router) = (ndisc::advertisement(mac, address, false), ndisc::advertisement(mac, address, true));
    let flags = ETHERNET + IPV6 + 4;
    assert_eq!((host[flags], router[flags]), (0x20, 0xa0));
    assert_eq!(Neighbour::read(&host), Neighbour::read(&router));
}

#[test]
fn probes_ask_and_claim_nothing() {
    let mac = [2, 0, 0, 0, 0, 1];
    let frame = Arp::probe(mac, [10, 9, 0, 50].into()).broadcast();
    let want = [
        "ffffffffffff",
        "020000000001",
        "0806",
        "0001",
        "0800",
        "06",
        "04",
        "0001",
        "020000000001",
        "00000000",
        "000000000000",
        "0a090032",
    ];
    assert_eq!(frame.as_slice(), bytes(&want));

    let frame = ndisc::probe(mac, "2001:db8::12:3456".parse().expect("an address"));
    let want = [
        "3333ff123456",
        "020000000001",
        "86dd",
        "60000000",
        "0018",
        "3a",
        "ff",
        "00000000000000000000000000000000",
        "ff0200000000000000000001ff123456",
        "8700",
        // The sum is held to account by reading it back.
    ];
    assert_eq!(frame[..56], bytes(&want));
    assert_eq!(frame[58..62], [0; 4]);
    let asked = Neighbour::read(&frame).expect("a solicitation");
    assert_eq!((asked.kind, asked.source, asked.mac), (Kind::Solicitation, Ipv6Addr::UNSPECIFIED, mac));
    assert_eq!(asked.target, "2001:db8::12:3456".parse::<Ipv6Addr>().expect("an address"));
}

#[test]
fn ordinary_arp_is_read() {
    let (us, peer) = ([0x3a, 0x74, 0x70, 0x03, 0x62, 0x9e], [0xea, 0x43, 0x76, 0x97, 0x0a, 0x44]);
    let request = Arp::read(&named(OTHERS, "Who has 10.9.0.1?")).expect("ARP");
    let want = Arp { operation: 1, sender_mac: peer, sender: [10, 9, 0, 2].into(), target_mac: [0; 6], target: [10, 9, 0, 1].into() };
    assert_eq!(request, want);
    let reply = Arp::read(&named(OTHERS, "The answer")).expect("ARP");
    let want = Arp { operation: 2, sender_mac: us, sender: [10, 9, 0, 1].into(), target_mac: peer, target: [10, 9, 0, 2].into() };
    assert_eq!(reply, want);
}

#[test]
fn a_header_with_options_ends_where_it_says() {
    let frame = named(OTHERS, "A membership report, whose IPv4 header has options");
    let (header, payload) = Header::read(&frame[ETHERNET..]).expect("a header");
    assert_eq!((header.header_length, header.protocol, payload.len()), (24, 2, 16));
}

#[test]
fn what_is_not_of_a_kind_is_not_read_as_such() {
    for (name, lines) in [ADVERTS_V4, ADVERTS_V6, TRAILED, GRATUITOUS, ADVERTISEMENTS, OTHERS].concat() {
        let frame = bytes(lines);
        let (v4, v6, arp) = (lines[0].ends_with("0800"), lines[0].ends_with("86dd"), lines[0].ends_with("0806"));
        let advertisement = ADVERTISEMENTS.iter().any(|(known, _)| *known == name) && v6;
        assert_eq!(Header::read(&frame[ETHERNET..]).is_some(), v4, "{name}");
        assert_eq!(Arp::read(&frame).is_some(), arp, "{name}");
        assert_eq!(Neighbour::read(&frame).is_some(), advertisement, "{name}");
    }
}

#[test]
fn headers_that_lie_about_lengths_are_refused() {
    let frame = named(ADVERTS_V4, "Version 3 over IPv4, every half second");
    let good = &frame[ETHERNET..];
    let read = |change: fn(&mut Vec<u8>)| {
        let mut bytes = good.to_vec();
        change(&mut bytes);
        Header::read(&bytes).map(|(_, payload)| payload.len())
    };
    assert_eq!(read(|_| ()), Some(12));
    assert_eq!(read(|bytes| bytes.extend([0; 14])), Some(12), "padding is not payload");
    assert_eq!(read(|bytes| bytes[0] = 0x65), None, "another version");
    assert_eq!(read(|bytes| bytes[0] = 0x44), None, "shorter than a header");
    assert_eq!(read(|bytes| bytes[0] = 0x4f), None, "a header beyond the packet");
    assert_eq!(read(|bytes| bytes[3] = 33), None, "longer than what has arrived");
    assert_eq!(read(|bytes| bytes[3] = 19), None, "ends within the header");
}

#[test]
fn neighbours_that_fail_a_check_are_not_heard() {
    let good = named(ADVERTISEMENTS, "A global one");
    let damaged = |at: usize, value: u8| {
        let mut frame = good.clone();
        frame[at] = value;
        // The checksum is made good, so that what is refused is refused for the change alone.
        let (source, destination, message) = open_v6(&frame);
        let mut message = message.to_vec();
        message[2..4].fill(0);
        let sum = standfast::wire::checksum::Checksum::pseudo(source.into(), destination.into(), 58, message.len()).part(&message).value();
        frame[ETHERNET + IPV6 + 2..][..2].copy_from_slice(&sum.to_be_bytes());
        Neighbour::read(&frame).is_some()
    };
    let message = ETHERNET + IPV6;
    assert!(damaged(message + 4, 0x60), "flags may be any");
    for (what, at, value) in [
        ("the hop limit", ETHERNET + 7, 254),
        ("the code", message + 1, 1),
        ("a multicast target", message + 8, 0xff),
        ("an empty option", message + 25, 0),
        ("an option beyond the packet", message + 25, 2),
    ] {
        assert!(!damaged(at, value), "{what}");
    }
    let mut wrong = good.clone();
    wrong[message + 2] ^= 1;
    assert_eq!(Neighbour::read(&wrong), None, "the checksum");
}
