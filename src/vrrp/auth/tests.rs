//! Senders and a receiver with clocks of their own.

use super::ah::{Counter, seal};
use super::{Circumstances, Memory};
use crate::effect::packet::{Datagram, Seal};
use crate::model::vrrp::{AntiReplay, Hmac, HmacKey, HmacMode, OldChecksum, Password, Peer, Secret, Transport};
use crate::vrrp::admit::Remark;
use crate::vrrp::stats::{AuthErrors, AuthExtensionErrors};
use std::net::IpAddr;
use std::time::Duration;

const GROUP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(224, 0, 0, 18));
const NOON: u64 = 1_800_000_000;
const ADVERT: [u8; 12] = [0x31, 51, 100, 1, 0, 100, 0x12, 0x34, 10, 9, 0, 51];

fn address(last: u8) -> IpAddr {
    [10, 9, 0, last].into()
}

fn multicast() -> Transport {
    Transport::Multicast { group: GROUP }
}

fn conf() -> Hmac {
    let key = |id: u8| HmacKey { id, secret: Secret([id; 32].into()) };
    Hmac { keys: vec![key(1), key(2)], active: 1, window: Duration::from_secs(5), replay: AntiReplay::Time, mode: HmacMode::Enforce }
}

/// With a clock that is wrong by so many milliseconds.
struct Router {
    conf: Hmac,
    memory: Memory,
    address: IpAddr,
    transport: Transport,
    wrong: i64,
    errors: AuthExtensionErrors,
}

impl Router {
    fn new(last: u8, conf: Hmac) -> Self {
        let (memory, errors) = (Memory::default(), AuthExtensionErrors::default());
        Self { conf, memory, address: address(last), transport: multicast(), wrong: 0, errors }
    }

    fn utc(&self, now: u64) -> Duration {
        Duration::from_millis((NOON * 1000 + now).checked_add_signed(self.wrong).expect("long after 1970"))
    }

    /// An advert at so many milliseconds.
    fn send(&mut self, now: u64) -> Vec<u8> {
        let utc = self.utc(now);
        let trailer = self.memory.trailer.sign(&self.conf, utc, self.address, &ADVERT);
        let mut bytes = ADVERT.to_vec();
        bytes.extend(trailer.iter().flat_map(crate::wire::trailer::Trailer::write));
        bytes
    }

    fn hear(&mut self, now: u64, from: IpAddr, payload: &[u8]) -> Result<Option<Remark>, Remark> {
        let circumstances = Circumstances { transport: &self.transport, utc: self.utc(now), own: Some(self.address) };
        let datagram = Datagram { source: from, destination: GROUP, ttl: 255, seal: None, payload };
        self.memory.trailer.check(&self.conf, circumstances, &datagram, ADVERT.len(), &mut self.errors)
    }
}

#[test]
fn an_advert_counts_once_and_none_before_it() {
    let (mut sender, mut receiver) = (Router::new(1, conf()), Router::new(9, conf()));
    let adverts: Vec<_> = (0..3).map(|n| sender.send(n * 1000)).collect();
    assert_eq!(receiver.hear(0, address(1), &adverts[0]), Ok(None));
    assert_eq!(receiver.hear(0, address(1), &adverts[0]), Err(Remark::Replayed));
    assert_eq!(receiver.hear(2000, address(1), &adverts[2]), Ok(None));
    assert_eq!(receiver.hear(2000, address(1), &adverts[1]), Err(Remark::Replayed));
    assert_eq!(receiver.errors, AuthExtensionErrors { replay: 2, ..AuthExtensionErrors::default() });
    // Who sends it is signed.
    assert_eq!(receiver.hear(2000, address(2), &adverts[2]), Err(Remark::Forged));
    let mut other = Router::new(2, conf());
    assert_eq!(receiver.hear(2000, address(2), &other.send(1000)), Ok(None), "each sender has a row of its own");
}

#[test]
fn what_is_wrong_is_told_and_counted_apart() {
    let none = AuthExtensionErrors::default();
    let wrong_key = Hmac { keys: vec![HmacKey { id: 1, secret: Secret([7; 32].into()) }], ..conf() };
    let unknown_key = Hmac { keys: vec![HmacKey { id: 3, secret: Secret([1; 32].into()) }], active: 3, ..conf() };
    let changed = |at: usize| {
        let mut bytes = Router::new(1, conf()).send(0);
        bytes[at] ^= 1;
        bytes
    };
    for (payload, want, errors) in [
        (ADVERT.to_vec(), Remark::Unsigned, AuthExtensionErrors { missing: 1, ..none }),
        (changed(12), Remark::Malformed, AuthExtensionErrors { malformed: 1, ..none }),
        (changed(15), Remark::Malformed, AuthExtensionErrors { malformed: 1, ..none }),
        (Router::new(1, unknown_key).send(0), Remark::UnknownKey, AuthExtensionErrors { unknown_key: 1, ..none }),
        (Router::new(1, wrong_key).send(0), Remark::Forged, AuthExtensionErrors { invalid_hmac: 1, ..none }),
        (changed(2), Remark::Forged, AuthExtensionErrors { invalid_hmac: 1, ..none }),
        (changed(39), Remark::Forged, AuthExtensionErrors { invalid_hmac: 1, ..none }),
        (Router { wrong: -6000, ..Router::new(1, conf()) }.send(0), Remark::Stale, AuthExtensionErrors { stale: 1, ..none }),
        (Router { wrong: 6000, ..Router::new(1, conf()) }.send(0), Remark::Stale, AuthExtensionErrors { stale: 1, ..none }),
    ] {
        let mut receiver = Router::new(9, conf());
        assert_eq!(receiver.hear(0, address(1), &payload), Err(want));
        assert_eq!(receiver.errors, errors, "{want:?}");
    }
    let mut receiver = Router::new(9, conf());
    let ahead = Router { wrong: 3000, ..Router::new(1, conf()) }.send(0);
    assert_eq!(receiver.hear(0, address(1), &ahead), Ok(Some(Remark::Skewed)));
    assert_eq!(receiver.errors, none);
}

#[test]
fn a_forged_number_moves_nothing() {
    let (mut sender, mut receiver) = (Router::new(1, conf()), Router::new(9, conf()));
    let mut forged = sender.send(0);
    forged[16..20].copy_from_slice(&u32::try_from(NOON + 4).expect("before 2106").to_be_bytes());
    assert_eq!(receiver.hear(0, address(1), &forged), Err(Remark::Forged));
    assert_eq!(receiver.hear(0, address(1), &sender.send(1)), Ok(None));
}

#[test]
fn modes_differ_in_what_is_sent_and_what_is_demanded() {
    for (mode, signs, unsigned) in [
        (HmacMode::Enforce, true, Err(Remark::Unsigned)),
        (HmacMode::Permissive, true, Ok(Some(Remark::TakenUnsigned))),
        (HmacMode::ReceiveOnly, false, Ok(Some(Remark::TakenUnsigned))),
    ] {
        let mut router = Router::new(9, Hmac { mode, ..conf() });
        assert_eq!(router.send(0).len() > ADVERT.len(), signs, "{mode:?}");
        assert_eq!(router.hear(0, address(1), &ADVERT), unsigned, "{mode:?}");
        assert_eq!(router.hear(0, address(1), &Router::new(1, conf()).send(0)), Ok(None), "{mode:?}");
        let mut forged = Router::new(1, conf()).send(1);
        forged[2] = 255;
        assert_eq!(router.hear(1, address(1), &forged), Err(Remark::Forged), "{mode:?}");
    }
}

#[test]
fn every_key_verifies_and_one_signs() {
    let (mut sender, mut receiver) = (Router::new(1, conf()), Router::new(9, conf()));
    assert_eq!(receiver.hear(0, address(1), &sender.send(0)), Ok(None));
    // A reload goes over to the other key, and the row of numbers goes on.
    sender.conf.active = 2;
    let second = sender.send(0);
    assert_eq!(second[13], 2);
    assert_eq!(receiver.hear(0, address(1), &second), Ok(None));
    receiver.conf.keys.remove(0);
    assert_eq!(receiver.hear(0, address(1), &Router::new(1, conf()).send(1)), Err(Remark::UnknownKey));
}

#[test]
fn whoever_is_no_peer_is_not_believed_even_with_the_key() {
    let peer = Peer { address: address(1), min_ttl: 0, max_ttl: 255 };
    let transport = Transport::Unicast { peers: vec![peer], ttl: None, check_source: false, old_checksum: OldChecksum::Never };
    let mut receiver = Router { transport, ..Router::new(9, conf()) };
    assert_eq!(receiver.hear(0, address(1), &Router::new(1, conf()).send(0)), Ok(None));
    assert_eq!(receiver.hear(0, address(2), &Router::new(2, conf()).send(0)), Err(Remark::NotAPeer));
}

#[test]
fn our_own_adverts_thrown_back_are_replays() {
    let mut router = Router::new(1, conf());
    let (first, second) = (router.send(0), router.send(1000));
    for advert in [first, second] {
        assert_eq!(router.hear(1000, address(1), &advert), Err(Remark::Replayed));
    }
}

#[test]
fn more_senders_than_are_remembered_still_count() {
    let mut receiver = Router::new(99, conf());
    for last in 1..50 {
        assert_eq!(receiver.hear(0, address(last), &Router::new(last, conf()).send(0)), Ok(None), "{last}");
    }
}

/// What is heard of a sender whose clock is wrong by so much, and of the receiver's, at so many milliseconds.
type Step = (u64, i64, i64, Result<Option<Remark>, Remark>);

#[test]
fn a_clock_that_is_set_costs_no_more_than_it_must() {
    use Remark::{Skewed, Stale};
    let cases: &[(&str, &[Step])] = &[
        ("the sender's goes back within the window", &[(0, 0, 0, Ok(None)), (500, -2000, 0, Ok(None)), (3000, -2000, 0, Ok(None))]),
        ("and forth", &[(0, 0, 0, Ok(None)), (500, 2000, 0, Ok(None)), (1000, 0, 0, Ok(None)), (5000, 0, 0, Ok(None))]),
        ("it was ahead of all others, and is put right", &[(0, 30_000, 0, Err(Stale)), (1000, 0, 0, Ok(None))]),
        ("it was behind", &[(0, -30_000, 0, Err(Stale)), (1000, 0, 0, Ok(None))]),
        ("both go back", &[(0, 30_000, 30_000, Ok(None)), (1000, 0, 0, Ok(None)), (2000, 0, 0, Ok(None))]),
        ("both go forth", &[(0, 0, 0, Ok(None)), (1000, 3_600_000, 3_600_000, Ok(None))]),
        ("the receiver's goes wrong for a while", &[(0, 0, 0, Ok(None)), (500, 0, 60_000, Err(Stale)), (900, 0, 0, Ok(None))]),
        ("the other way", &[(0, 0, 0, Ok(None)), (500, 0, -60_000, Err(Stale)), (900, 0, 0, Ok(None))]),
        ("it is somewhat wrong", &[(0, 0, 3000, Ok(Some(Skewed))), (500, 0, -3000, Ok(Some(Skewed)))]),
    ];
    for (name, steps) in cases {
        let (mut sender, mut receiver) = (Router::new(1, conf()), Router::new(9, conf()));
        for &(now, senders, receivers, want) in *steps {
            (sender.wrong, receiver.wrong) = (senders, receivers);
            assert_eq!(receiver.hear(now, address(1), &sender.send(now)), want, "{name} at {now}");
        }
    }
}

#[test]
fn a_receiver_whose_clock_was_wrong_for_a_while_takes_nothing_twice() {
    let (mut sender, mut receiver) = (Router::new(1, conf()), Router::new(9, conf()));
    let advert = sender.send(0);
    assert_eq!(receiver.hear(0, address(1), &advert), Ok(None));
    receiver.wrong = 60_000;
    assert_eq!(receiver.hear(100, address(1), &advert), Err(Remark::Stale));
    receiver.wrong = 0;
    assert_eq!(receiver.hear(200, address(1), &advert), Err(Remark::Replayed));
}

#[test]
fn without_a_look_at_clocks_numbers_only_grow() {
    let monotonic = || Hmac { replay: AntiReplay::Monotonic, ..conf() };
    let (mut sender, mut receiver) = (Router { wrong: -3_600_000, ..Router::new(1, monotonic()) }, Router::new(9, monotonic()));
    let first = sender.send(0);
    assert_eq!(receiver.hear(0, address(1), &first), Ok(None), "an hour behind");
    sender.wrong = -7_200_000;
    assert_eq!(receiver.hear(1000, address(1), &sender.send(1000)), Ok(None), "it counts on while its clock is behind its last number");
    assert_eq!(receiver.hear(86_400_000, address(1), &first), Err(Remark::Replayed), "for ever");
    assert_eq!(receiver.errors, AuthExtensionErrors { replay: 1, ..AuthExtensionErrors::default() });
}

// The authentication header.

fn password() -> Password {
    Password("secret12".into())
}

fn sealed(source: IpAddr, destination: IpAddr, sequence: u32) -> Option<Seal> {
    let ah = seal(&password(), (source, destination), 255, 7, sequence, &ADVERT)?;
    Some(Seal { ah, id: 7 })
}

fn heard(counter: &mut Counter, seal: Option<Seal>, change: impl FnOnce(&mut Datagram<'_>)) -> (Result<(), Remark>, AuthErrors) {
    let mut errors = AuthErrors::default();
    let mut datagram = Datagram { source: address(1), destination: GROUP, ttl: 255, seal, payload: &ADVERT };
    change(&mut datagram);
    (counter.check(&password(), Some(address(9)), &datagram, &mut errors), errors)
}

#[test]
fn routers_share_one_row_of_numbers() {
    let mut counter = Counter::default();
    let none = AuthErrors::default();
    let failure = AuthErrors { failure: 1, ..none };
    for (sequence, want) in [(5, true), (5, false), (4, false), (6, true), (1000, true)] {
        let result = if want { (Ok(()), none) } else { (Err(Remark::Repeated), failure) };
        assert_eq!(heard(&mut counter, sealed(address(1), GROUP, sequence), |_| ()), result, "{sequence}");
    }
    assert_eq!(counter.next(), 1001, "whoever is master next goes on from there");
}

#[test]
fn a_header_that_does_not_fit_is_refused_and_moves_nothing() {
    let mut counter = Counter::default();
    let failed = (Err(Remark::Seal), AuthErrors { failure: 1, ..AuthErrors::default() });
    let good = || sealed(address(1), GROUP, 5);
    assert_eq!(heard(&mut counter, good(), |datagram| datagram.source = address(2)), failed);
    assert_eq!(heard(&mut counter, good(), |datagram| datagram.ttl = 254), failed);
    assert_eq!(heard(&mut counter, good(), |datagram| datagram.payload = &ADVERT[..8]), failed);
    assert_eq!(heard(&mut counter, good().map(|seal| Seal { id: 8, ..seal }), |_| ()), failed);
    let spi = |seal: Seal| Seal { ah: crate::wire::ah::Ah { spi: 1, ..seal.ah }, ..seal };
    assert_eq!(heard(&mut counter, good().map(spi), |_| ()), failed);
    let next = |seal: Seal| Seal { ah: crate::wire::ah::Ah { next: 6, ..seal.ah }, ..seal };
    assert_eq!(heard(&mut counter, good().map(next), |_| ()), (Err(Remark::Next), AuthErrors::default()));
    assert_eq!(heard(&mut counter, None, |_| ()), (Err(Remark::AuthType), AuthErrors { type_mismatch: 1, ..AuthErrors::default() }));
    assert_eq!(heard(&mut counter, good(), |_| ()).0, Ok(()));
}

#[test]
fn routers_on_the_way_to_a_peer_may_lower_the_ttl() {
    let mut counter = Counter::default();
    let there = |datagram: &mut Datagram<'_>| (datagram.destination, datagram.ttl) = (address(9), 61);
    assert_eq!(heard(&mut counter, sealed(address(1), address(9), 5), there).0, Ok(()));
}

#[test]
fn of_two_masters_in_step_one_leaves_a_number_out() {
    let mut counter = Counter::default();
    assert_eq!(counter.next(), 1);
    for _ in 0..3 {
        assert_eq!(heard(&mut counter, sealed(address(1), GROUP, 1), |_| ()).0, Err(Remark::Repeated));
    }
    assert_eq!(counter.next(), 3, "once, however often the other is heard");
    let higher = |datagram: &mut Datagram<'_>| datagram.source = address(10);
    assert_eq!(heard(&mut counter, sealed(address(10), GROUP, 3), higher).0, Err(Remark::Repeated));
    assert_eq!(counter.next(), 4, "the other one does it");
    assert_eq!(heard(&mut counter, sealed(address(1), GROUP, 7), |_| ()).0, Ok(()));
    assert_eq!(heard(&mut counter, sealed(address(1), GROUP, 7), |_| ()).0, Err(Remark::Repeated), "a copy");
    assert_eq!(heard(&mut counter, sealed(address(1), GROUP, 8), |_| ()).0, Ok(()), "moves nothing");
}

#[test]
fn numbers_are_spoken_for_before_they_are_used_and_begin_anew_at_their_end() {
    let mut counter = Counter::default();
    assert_eq!((counter.reserved(), counter.next(), counter.reserved()), (0, 1, 1023));
    counter.resume(1023);
    assert_eq!((counter.reserved(), counter.next(), counter.reserved()), (1023, 1024, 2047));
    counter.resume(u32::MAX);
    assert_eq!((counter.next(), counter.reserved()), (u32::MAX, u32::MAX));
    counter.begin();
    assert_eq!(counter.next(), 1);
}
