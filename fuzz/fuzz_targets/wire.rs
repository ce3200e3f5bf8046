//! Whatever may arrive from a network.
#![no_main]

use libfuzzer_sys::fuzz_target;
use standfast::wire::arp::Arp;
use standfast::wire::ipv4::Header;
use standfast::wire::ndisc::Neighbour;
use standfast::wire::vrrp::{Packet, Sum};

fuzz_target!(|bytes: &[u8]| {
    if let Some(arp) = Arp::read(bytes) {
        assert_eq!(Arp::read(&arp.broadcast()), Some(arp));
    }
    let _ = Neighbour::read(bytes);
    let payload = match Header::read(bytes) {
        Some((header, payload)) => {
            assert_eq!(usize::from(header.total_length), usize::from(header.header_length) + payload.len());
            payload
        }
        None => bytes,
    };
    let Some(packet) = Packet::new(payload) else { return };
    let sum = Sum::Pseudo { source: [10, 0, 0, 1].into(), destination: [224, 0, 0, 18].into() };
    for v6 in [false, true] {
        assert!(packet.addresses(v6).count() <= usize::from(packet.count()));
        let whole = packet.expected_length(v6);
        assert!(!packet.sums_up(sum, whole) || whole <= payload.len());
    }
    assert!(packet.auth().is_none() || packet.version() == 2);
});
