//! The sockets, on real interfaces: what others see of what we send, and what we make of what they send.

use crate::bench::eventually;
use crate::lan::{E0, Lan, P0, carries, comes, ip};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use standfast::effect::net::{Device, Mac};
use standfast::effect::packet::{Datagram, Port, PortId, Reach, Transmit};
use standfast::kernel::socket::neighbour::{FRAME, Heard, Listener, Speaker};
use standfast::kernel::socket::vrrp::{Hearing, Speaking, open};
use standfast::model::net::Family;
use standfast::sys::socket::link_address;
use standfast::wire::ipv4;
use std::io::{ErrorKind, Read as _};
use std::net::{IpAddr, SocketAddrV4};

const E0_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0x0a];
const P0_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0x14];
const ALL: u16 = 0x0003;
const ARP: u16 = 0x0806;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn group(family: Family) -> IpAddr {
    match family {
        Family::V4 => address("224.0.0.18"),
        Family::V6 => address("ff02::12"),
    }
}

fn multicast(family: Family, device: u32) -> (Hearing, Speaking) {
    let reach = Reach::Multicast { group: group(family) };
    open(&Port { family, device: Some(Device(device)), vrf: None, reach, ah: false, receive_buffer: Some(300_000) }).expect("a port")
}

fn unicast(source: &str, device: Option<u32>) -> (Hearing, Speaking) {
    let source = address(source);
    let reach = Reach::Unicast { source };
    let port = Port { family: Family::of(source), device: device.map(Device), vrf: None, reach, ah: false, receive_buffer: None };
    open(&port).expect("a port")
}

fn packet(source: &str, destination: IpAddr, ttl: u8, id: u16, payload: &[u8]) -> Transmit {
    Transmit { port: PortId(1), source: address(source), destination, ttl, id, ah: None, payload: payload.into() }
}

/// What came, in words: `source > destination ttl: payload`.
fn words(datagram: Datagram<'_>) -> String {
    let Datagram { source, destination, ttl, payload, .. } = datagram;
    format!("{source} > {destination} {ttl}: {}", String::from_utf8_lossy(payload))
}

/// The next packet that is one.
fn next(hearing: &mut Hearing) -> String {
    let mut buffer = [0; 2000];
    assert!(comes(hearing), "nothing came");
    loop {
        if let Some(datagram) = hearing.receive(&mut buffer).expect("a packet that is one") {
            return words(datagram);
        }
    }
}

fn is_silent(hearing: &mut Hearing) -> bool {
    hearing.receive(&mut [0; 2000]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// A socket that sees all frames of an interface.
fn tap(device: u32) -> Socket {
    let socket = Socket::new_raw(Domain::PACKET, Type::RAW, None).expect("a packet socket");
    socket.bind(&link_address(device, ALL).expect("an interface")).expect("it can be bound");
    socket
}

/// The next frame that carries this.
fn frame(tap: &Socket, kind: u16, is: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut buffer = [0; 2000];
    loop {
        assert!(comes(tap), "no such frame came");
        let length = (&mut &*tap).read(&mut buffer).expect("a frame");
        let frame = &buffer[..length];
        if frame[12..14] == kind.to_be_bytes() && is(frame) {
            return frame.to_vec();
        }
    }
}

fn send_frame(tap: &Socket, device: u32, kind: u16, frame: &[u8]) {
    tap.send_to(frame, &link_address(device, kind).expect("an interface")).expect("a frame can be sent");
}

#[test]
fn an_ipv4_advert_on_the_wire_has_the_header_that_we_gave_it() {
    let lan = Lan::new();
    let (mut near, speaking) = multicast(Family::V4, E0);
    lan.far();
    let tap = tap(P0);
    let (mut far, answering) = multicast(Family::V4, P0);
    speaking.send(&packet("10.9.0.10", group(Family::V4), 255, 0x1234, b"advert")).expect("it can be sent");
    assert_eq!(next(&mut far), "10.9.0.10 > 224.0.0.18 255: advert");
    let seen = frame(&tap, IPV4, |frame| frame[23] == 112);
    assert_eq!(seen[..6], [1, 0, 0x5e, 0, 0, 0x12]);
    assert_eq!(seen[6..12], E0_MAC);
    assert_eq!(seen[14..24], [0x45, 0xc0, 0, 26, 0x12, 0x34, 0, 0, 255, 112], "class, length, id, not fragmented, TTL, protocol");
    assert_eq!(seen[34..40], *b"advert");
    // Another address than the interface's, and another TTL.
    speaking.send(&packet("10.9.0.77", group(Family::V4), 7, 1, b"")).expect("it can be sent");
    assert_eq!(next(&mut far), "10.9.0.77 > 224.0.0.18 7: ");
    // We do not hear ourselves.
    answering.send(&packet("10.9.0.20", group(Family::V4), 255, 1, b"answer")).expect("it can be sent");
    assert_eq!(next(&mut near), "10.9.0.20 > 224.0.0.18 255: answer");
    assert!(is_silent(&mut near) && is_silent(&mut far));
}

#[test]
fn an_ipv6_advert_comes_with_its_source_hop_limit_and_class() {
    let lan = Lan::new();
    let (mut near, speaking) = multicast(Family::V6, E0);
    lan.far();
    let tap = tap(P0);
    let (mut far, answering) = multicast(Family::V6, P0);
    // The checksum is ours: the kernel leaves these bytes alone.
    speaking.send(&packet("fe80::10", group(Family::V6), 255, 1, b"advert xyz")).expect("it can be sent");
    assert_eq!(next(&mut far), "fe80::10 > ff02::12 255: advert xyz");
    let seen = frame(&tap, IPV6, |frame| frame[20] == 112);
    assert_eq!(seen[..6], [0x33, 0x33, 0, 0, 0, 0x12]);
    assert_eq!((seen[14], seen[15] & 0xf0), (0x6c, 0x00), "class 0xc0");
    assert_eq!(seen[18..22], [0, 10, 112, 255]);
    lan.near();
    ip("addr add fe80::11/64 dev e0 nodad");
    speaking.send(&packet("fe80::11", group(Family::V6), 9, 1, b"other")).expect("it can be sent");
    assert_eq!(next(&mut far), "fe80::11 > ff02::12 9: other");
    answering.send(&packet("fe80::20", group(Family::V6), 255, 1, b"answer")).expect("it can be sent");
    assert_eq!(next(&mut near), "fe80::20 > ff02::12 255: answer");
    assert!(is_silent(&mut near) && is_silent(&mut far));
}

#[test]
fn unicast_goes_to_one_address_which_may_come_later() {
    let lan = Lan::new();
    // Nobody has these yet.
    let (mut near4, speak4) = unicast("10.9.0.99", Some(E0));
    let (mut near6, speak6) = unicast("fe80::99", Some(E0));
    let (mut near_routed, speak_routed) = unicast("2001:db8::99", None);
    ip("addr add 10.9.0.99/24 dev e0");
    ip("addr add fe80::99/64 dev e0 nodad");
    ip("addr add 2001:db8::99/64 dev e0 nodad");
    lan.far();
    ip("addr add 2001:db8::20/64 dev p0 nodad");
    let (mut far4, answer4) = unicast("10.9.0.20", Some(P0));
    let (mut far6, answer6) = unicast("fe80::20", Some(P0));
    let (mut far_routed, answer_routed) = unicast("2001:db8::20", None);
    lan.near();
    speak4.send(&packet("10.9.0.99", address("10.9.0.20"), 64, 5, b"four")).expect("it can be sent");
    assert_eq!(next(&mut far4), "10.9.0.99 > 10.9.0.20 64: four");
    speak6.send(&packet("fe80::99", address("fe80::20"), 64, 5, b"six")).expect("it can be sent");
    assert_eq!(next(&mut far6), "fe80::99 > fe80::20 64: six");
    speak_routed.send(&packet("2001:db8::99", address("2001:db8::20"), 3, 5, b"routed")).expect("it can be sent");
    assert_eq!(next(&mut far_routed), "2001:db8::99 > 2001:db8::20 3: routed");
    answer4.send(&packet("10.9.0.20", address("10.9.0.99"), 255, 5, b"four")).expect("it can be sent");
    assert_eq!(next(&mut near4), "10.9.0.20 > 10.9.0.99 255: four");
    answer6.send(&packet("fe80::20", address("fe80::99"), 255, 5, b"six")).expect("it can be sent");
    assert_eq!(next(&mut near6), "fe80::20 > fe80::99 255: six");
    answer_routed.send(&packet("2001:db8::20", address("2001:db8::99"), 255, 5, b"routed")).expect("it can be sent");
    assert_eq!(next(&mut near_routed), "2001:db8::20 > 2001:db8::99 255: routed");
    let wrong = packet("10.9.0.20", address("fe80::20"), 255, 1, b"");
    assert_eq!(answer4.send(&wrong).map_err(|error| error.kind()), Err(ErrorKind::InvalidInput));
}

#[test]
fn a_port_hears_its_own_group_on_its_own_interface_only() {
    let lan = Lan::new();
    lan.cable("e1", 11, "p1", 21);
    let (mut on_e0, _) = multicast(Family::V4, E0);
    let (mut on_e1, _) = multicast(Family::V4, 11);
    let (mut one, _) = unicast("10.9.0.10", Some(E0));
    lan.far();
    let (_, by_p0) = multicast(Family::V4, P0);
    let (_, by_p1) = multicast(Family::V4, 21);
    by_p0.send(&packet("10.9.0.20", group(Family::V4), 255, 1, b"to e0")).expect("it can be sent");
    by_p1.send(&packet("10.9.0.20", group(Family::V4), 255, 1, b"to e1")).expect("it can be sent");
    by_p0.send(&packet("10.9.0.20", address("10.9.0.10"), 255, 1, b"to one")).expect("it can be sent");
    assert_eq!(next(&mut on_e0), "10.9.0.20 > 224.0.0.18 255: to e0");
    assert_eq!(next(&mut on_e1), "10.9.0.20 > 224.0.0.18 255: to e1");
    assert_eq!(next(&mut one), "10.9.0.20 > 10.9.0.10 255: to one");
    assert!(is_silent(&mut on_e0) && is_silent(&mut on_e1) && is_silent(&mut one));
}

#[test]
fn a_cable_that_is_pulled_and_put_back_leaves_the_sockets_as_they_were() {
    let lan = Lan::new();
    let (mut near, speaking) = multicast(Family::V4, E0);
    let (_, speaking6) = multicast(Family::V6, E0);
    lan.far();
    let (mut far, answering) = multicast(Family::V4, P0);
    lan.near();
    ip("link set e0 down");
    assert!(speaking.send(&packet("10.9.0.10", group(Family::V4), 255, 1, b"lost")).is_err());
    assert!(speaking6.send(&packet("fe80::10", group(Family::V6), 255, 1, b"lost")).is_err());
    ip("link set e0 up");
    carries("e0");
    lan.far();
    carries("p0");
    lan.near();
    speaking.send(&packet("10.9.0.10", group(Family::V4), 255, 1, b"here again")).expect("it can be sent");
    assert_eq!(next(&mut far), "10.9.0.10 > 224.0.0.18 255: here again");
    answering.send(&packet("10.9.0.20", group(Family::V4), 255, 1, b"welcome")).expect("it can be sent");
    assert_eq!(next(&mut near), "10.9.0.20 > 224.0.0.18 255: welcome");
    ip("link del e0");
    assert!(speaking.send(&packet("10.9.0.10", group(Family::V4), 255, 1, b"lost")).is_err());
    let port = |device| Port {
        family: Family::V4,
        device: Some(Device(device)),
        vrf: None,
        reach: Reach::Multicast { group: group(Family::V4) },
        ah: false,
        receive_buffer: None,
    };
    let failed = open(&port(E0)).expect_err("there is no such interface");
    assert_eq!(failed.to_string(), "cannot join the multicast group: No such device (os error 19)");
}

/// A few thousand bytes that nobody meant, the same in every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0.to_be_bytes()[1]
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.next()).take(length).collect()
    }
}

#[test]
fn whatever_comes_is_a_packet_or_is_none() {
    let lan = Lan::new();
    let (mut near, _) = multicast(Family::V4, E0);
    let (mut near6, _) = multicast(Family::V6, E0);
    lan.far();
    let (_, far) = multicast(Family::V4, P0);
    let (_, far6) = multicast(Family::V6, P0);
    let raw = Socket::new_raw(Domain::IPV4, Type::RAW, Some(Protocol::from(112))).expect("a raw socket");
    raw.set_header_included_v4(true).expect("a header of its own");
    raw.bind_device(Some(b"p0")).expect("it can be bound");
    let tap = tap(P0);
    let to = SockAddr::from(SocketAddrV4::new([224, 0, 0, 18].into(), 0));
    let mut noise = Noise(1);
    let mut sent = 0;
    for round in 0..200_usize {
        let payload = noise.bytes(round % 40);
        far.send(&packet("10.9.0.20", group(Family::V4), noise.next(), 1, &payload)).expect("noise can be sent");
        far6.send(&packet("fe80::20", group(Family::V6), 1 + noise.next() / 2, 1, &payload)).expect("noise can be sent");
        // A header with options, which may be wrong.
        let mut bytes = ipv4::Header::advert([10, 9, 0, 20].into(), [224, 0, 0, 18].into(), 255, 1, 0).write().to_vec();
        bytes[0] = 0x40 | (noise.next() & 0x0f);
        bytes.extend(noise.bytes(round % 64));
        sent += usize::from(raw.send_to(&bytes, &to).is_ok());
        let mut bytes = [&[1, 0, 0x5e, 0, 0, 0x12], P0_MAC.as_slice(), &[8, 0]].concat();
        bytes.extend(ipv4::Header::advert([10, 9, 0, 20].into(), [224, 0, 0, 18].into(), 255, 1, noise.next().into()).write());
        bytes.extend(noise.bytes(round % 64));
        send_frame(&tap, P0, IPV4, &bytes);
        let mut buffer = [0; 2000];
        while near.receive(&mut buffer).is_ok() {}
        while near6.receive(&mut buffer).is_ok() {}
    }
    assert!(sent > 0, "some of it was sent");
    far.send(&packet("10.9.0.20", group(Family::V4), 255, 1, b"the end")).expect("it can be sent");
    far6.send(&packet("fe80::20", group(Family::V6), 255, 1, b"the end")).expect("it can be sent");
    while next(&mut near) != "10.9.0.20 > 224.0.0.18 255: the end" {}
    while next(&mut near6) != "fe80::20 > ff02::12 255: the end" {}
    // A packet that is longer than the buffer is none.
    far.send(&packet("10.9.0.20", group(Family::V4), 255, 1, &[7; 100])).expect("it can be sent");
    far6.send(&packet("fe80::20", group(Family::V6), 255, 1, &[7; 100])).expect("it can be sent");
    for hearing in [&mut near, &mut near6] {
        assert!(comes(hearing));
        assert_eq!(hearing.receive(&mut [0; 60]).expect("something came"), None);
        assert_eq!(hearing.receive(&mut [0; 60]).map_err(|error| error.kind()), Err(ErrorKind::WouldBlock));
    }
}

/// The next word of a neighbour.
fn heard(listener: &Listener) -> Heard {
    let mut buffer = [0; FRAME];
    loop {
        assert!(comes(listener), "nothing was said");
        if let Some(heard) = listener.hear(&mut buffer).expect("a frame that says something") {
            return heard;
        }
    }
}

#[test]
fn claims_and_probes_are_heard_by_the_other_side() {
    let lan = Lan::new();
    let speaker = Speaker::open().expect("a packet socket");
    let mac = Mac([2, 0, 0, 0, 0, 0x77]);
    lan.far();
    let tap = tap(P0);
    let arp = Listener::open(Device(P0), Family::V4).expect("a packet socket");
    let nd = Listener::open(Device(P0), Family::V6).expect("a packet socket");
    let by = |text: &str, by| Heard { device: Device(P0), address: address(text), by };
    lan.near();
    speaker.announce(Device(E0), mac, address("10.9.0.50"), false).expect("it can be sent");
    assert_eq!(heard(&arp), by("10.9.0.50", mac));
    let seen = frame(&tap, ARP, |frame| frame[31] == 50);
    let want = [&[0xff; 6][..], &mac.0, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1], &mac.0, &[10, 9, 0, 50], &[0xff; 6], &[10, 9, 0, 50]].concat();
    assert_eq!(seen[..42], want);
    speaker.probe(Device(E0), mac, address("10.9.0.51")).expect("it can be sent");
    assert_eq!(heard(&arp), by("10.9.0.51", mac));
    speaker.announce(Device(E0), mac, address("fe80::50"), true).expect("it can be sent");
    assert_eq!(heard(&nd), by("fe80::50", mac));
    let seen = frame(&tap, IPV6, |frame| frame[54] == 136);
    assert_eq!(seen[..6], [0x33, 0x33, 0, 0, 0, 1]);
    assert_eq!((seen[21], seen[58]), (255, 0xa0), "hop limit, a router that overrides");
    speaker.probe(Device(E0), mac, address("fe80::51")).expect("it can be sent");
    assert_eq!(heard(&nd), by("fe80::51", mac));
    speaker.announce(Device(E0), mac, address("fe80::52"), false).expect("it can be sent");
    assert_eq!(heard(&nd), by("fe80::52", mac));
}

#[test]
fn a_rightful_neighbour_answers_a_probe() {
    let lan = Lan::new();
    let speaker = Speaker::open().expect("a packet socket");
    let arp = Listener::open(Device(E0), Family::V4).expect("a packet socket");
    let nd = Listener::open(Device(E0), Family::V6).expect("a packet socket");
    for (listener, text) in [(&arp, "10.9.0.20"), (&nd, "fe80::20")] {
        // The other side may not be ready to answer at once.
        let answer = eventually("an answer", || {
            speaker.probe(Device(E0), Mac(E0_MAC), address(text)).expect("it can be sent");
            comes(listener).then(|| heard(listener))
        });
        assert_eq!(answer, Heard { device: Device(E0), address: address(text), by: Mac(P0_MAC) });
    }
    drop(lan);
}

#[test]
fn what_is_neither_claim_nor_probe_is_not_even_read() {
    let lan = Lan::new();
    let arp = Listener::open(Device(E0), Family::V4).expect("a packet socket");
    let nd = Listener::open(Device(E0), Family::V6).expect("a packet socket");
    lan.far();
    let tap = tap(P0);
    let mut noise = Noise(2);
    let arp_frame = |operation: u8, sender: [u8; 4], target: [u8; 4]| {
        [&[0xff; 6][..], &P0_MAC, &[8, 6, 0, 1, 8, 0, 6, 4, 0, operation], &P0_MAC, &sender, &[0; 6], &target].concat()
    };
    let claim = arp_frame(1, [10, 9, 0, 66], [10, 9, 0, 66]);
    // A question of one who has another address, an unknown operation, and parts of a claim.
    send_frame(&tap, P0, ARP, &arp_frame(1, [10, 9, 0, 20], [10, 9, 0, 66]));
    send_frame(&tap, P0, ARP, &arp_frame(9, [10, 9, 0, 20], [10, 9, 0, 66]));
    for length in 14..claim.len() {
        send_frame(&tap, P0, ARP, &claim[..length]);
    }
    for length in 14..100 {
        let header = [&[0xff; 6][..], &P0_MAC].concat();
        send_frame(&tap, P0, ARP, &[&header[..], &[8, 6], &noise.bytes(length)].concat());
        send_frame(&tap, P0, IPV6, &[&header[..], &[0x86, 0xdd], &noise.bytes(length)].concat());
        // As far as an advertisement's header goes, and then noise.
        let icmp = [&header[..], &[0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255], &noise.bytes(32), &[136], &noise.bytes(length)].concat();
        send_frame(&tap, P0, IPV6, &icmp);
    }
    send_frame(&tap, P0, ARP, &claim);
    let mut frames = 0;
    let mut buffer = [0; FRAME];
    let last = loop {
        assert!(comes(&arp));
        frames += 1;
        if let Some(heard) = arp.hear(&mut buffer).expect("a frame") {
            break heard;
        }
    };
    assert_eq!(last, Heard { device: Device(E0), address: address("10.9.0.66"), by: Mac(P0_MAC) });
    assert_eq!(frames, 1, "the filter keeps the others out of our sight");
    while let Ok(heard) = nd.hear(&mut buffer) {
        assert_eq!(heard, None);
    }
}
