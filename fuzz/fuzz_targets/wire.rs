//! Whatever may arrive from a network.
#![no_main]

use libfuzzer_sys::fuzz_target;
use standfast::wire::ah::Ah;
use standfast::wire::arp::Arp;
use standfast::wire::ipv4::Header;
use standfast::wire::ndisc::Neighbour;
use standfast::wire::trailer::Trailer;
use standfast::wire::vrrp::{Packet, Sum};

fuzz_target!(|bytes: &[u8]| {
    if let Some(arp) = Arp::read(bytes) {
        assert_eq!(Arp::read(&arp.broadcast()), Some(arp));
    }
    let _ = Neighbour::read(bytes);
    if let Some(trailer) = bytes.last_chunk().and_then(Trailer::read) {
        assert_eq!(bytes.last_chunk(), Some(&trailer.write()));
        let _ = trailer.vouches(b"key", [10, 0, 0, 1].into(), bytes);
    }
    let payload = match Header::read(bytes) {
        Some((header, payload)) => {
            assert_eq!(usize::from(header.total_length), usize::from(header.header_length) + payload.len());
            match Ah::read(payload) {
                Some((seal, payload)) => {
                    assert_eq!(Ah::read(&seal.write()), Some((seal, &[][..])));
                    let _ = seal.vouches(&header, b"password", payload);
                    payload
                }
                None => payload,
            }
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
