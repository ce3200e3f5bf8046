use super::*;
use crate::model::lvs::{Checksum, Forwarding, Granularity, Persistence, Protocol, Scheduler, SchedulerFlags, Tunnel};
use crate::model::net::Family;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

fn key(last: u8) -> ServiceKey {
    match last {
        0 => ServiceKey::Mark { family: Family::V4, mark: NonZeroU32::MIN },
        _ => ServiceKey::Address { protocol: Protocol::Tcp, address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), port: 80 },
    }
}

fn settings(scheduler: Scheduler) -> Settings {
    Settings { scheduler, flags: SchedulerFlags::default(), one_packet: false, persistence: None }
}

fn dest(last: u8, weight: u32) -> Dest {
    let key = DestKey { address: IpAddr::V4(Ipv4Addr::new(10, 0, 1, last)), port: 80 };
    Dest { key, forwarding: Forwarding::Nat, weight, upper_threshold: 0, lower_threshold: 0 }
}

fn service(last: u8, dests: &[Dest]) -> Service {
    Service { key: key(last), settings: settings(Scheduler::RoundRobin), dests: dests.into() }
}

/// A kernel as far as the table goes: what makes no sense is refused.
type Kernel = BTreeMap<ServiceKey, (Settings, BTreeMap<DestKey, Dest>)>;

fn kernel(services: &[Service]) -> Kernel {
    let mut kernel = Kernel::new();
    for service in services {
        let mut dests = BTreeMap::new();
        for dest in &service.dests {
            dests.entry(dest.key).or_insert(*dest);
        }
        kernel.entry(service.key).or_insert((service.settings.clone(), dests));
    }
    kernel
}

fn step(kernel: &mut Kernel, op: &Op) {
    match op {
        Op::AddService(key, settings) => assert!(kernel.insert(*key, (settings.clone(), BTreeMap::new())).is_none(), "{op:?}"),
        Op::EditService(key, settings) => kernel.get_mut(key).expect("it is there").0 = settings.clone(),
        Op::RemoveService(key) => assert!(kernel.remove(key).is_some(), "{op:?}"),
        Op::AddDest(key, dest) => assert!(kernel.get_mut(key).expect("it is there").1.insert(dest.key, *dest).is_none(), "{op:?}"),
        Op::EditDest(key, dest) => assert!(kernel.get_mut(key).expect("it is there").1.insert(dest.key, *dest).is_some(), "{op:?}"),
        Op::RemoveDest(key, dest) => assert!(kernel.get_mut(key).expect("it is there").1.remove(dest).is_some(), "{op:?}"),
    }
}

fn serving(kernel: &Kernel, key: ServiceKey) -> bool {
    kernel.get(&key).is_some_and(|(_, dests)| dests.values().any(|dest| dest.weight > 0))
}

fn forwardings() -> impl Strategy<Value = Forwarding> {
    let checksum = || prop_oneof![Just(Checksum::None), Just(Checksum::Usual), Just(Checksum::Remote)];
    prop_oneof![
        3 => Just(Forwarding::Nat),
        1 => Just(Forwarding::DirectRoute),
        1 => Just(Forwarding::Tunnel(Tunnel::Ipip)),
        1 => checksum().prop_map(|checksum| Forwarding::Tunnel(Tunnel::Gue { port: NonZeroU16::MIN, checksum })),
        1 => checksum().prop_map(|checksum| Forwarding::Tunnel(Tunnel::Gre { checksum })),
    ]
}

fn dests() -> impl Strategy<Value = Vec<Dest>> {
    let one = (0_u8..5, 0_u32..3, forwardings(), 0_u32..2, 0_u32..2).prop_map(|(last, weight, forwarding, upper, lower)| Dest {
        forwarding,
        upper_threshold: upper,
        lower_threshold: lower,
        ..dest(last, weight)
    });
    vec(one, 0..6)
}

fn services() -> impl Strategy<Value = Vec<Service>> {
    let persistence = prop_oneof![
        Just(None),
        Just(Some(Persistence { timeout: Duration::from_secs(60), granularity: None, engine: None })),
        Just(Some(Persistence {
            timeout: Duration::from_secs(60),
            granularity: Some(Granularity::Prefix(64)),
            engine: Some("sip".into())
        })),
    ];
    let one = (0_u8..4, proptest::sample::select(&Scheduler::ALL[..3]), any::<bool>(), any::<bool>(), persistence, dests()).prop_map(
        |(last, scheduler, first, one_packet, persistence, dests)| Service {
            key: key(last),
            settings: Settings { scheduler, flags: SchedulerFlags { first, ..Default::default() }, one_packet, persistence },
            dests: dests.into(),
        },
    );
    vec(one, 0..5)
}

proptest! {
    #[test]
    fn applying_the_difference_gives_what_is_wanted(held in services(), wanted in services()) {
        let mut now = kernel(&held);
        let (before, after) = (now.clone(), kernel(&wanted));
        for op in delta(&held, &wanted) {
            step(&mut now, &op);
            for &key in before.keys() {
                let always = serving(&before, key) && serving(&after, key);
                prop_assert!(!always || serving(&now, key), "{key:?} serves nobody after {op:?}");
            }
        }
        prop_assert_eq!(now, after);
    }

    #[test]
    fn what_is_held_already_takes_no_step(held in services()) {
        prop_assert_eq!(delta(&held, &held), []);
    }
}

#[test]
fn the_sorry_server_is_in_before_the_last_real_server_is_out() {
    let (real, sorry) = (dest(1, 3), dest(9, 1));
    let ops = delta(&[service(1, &[real])], &[service(1, &[sorry])]);
    assert_eq!(ops, [Op::AddDest(key(1), sorry), Op::RemoveDest(key(1), real.key)]);
    let back = delta(&[service(1, &[sorry])], &[service(1, &[real])]);
    assert_eq!(back, [Op::AddDest(key(1), real), Op::RemoveDest(key(1), sorry.key)]);
}

#[test]
fn an_inhibited_server_is_drained_after_its_replacement_is_in() {
    let ops = delta(&[service(1, &[dest(1, 3), dest(9, 0)])], &[service(1, &[dest(1, 0), dest(9, 1)])]);
    assert_eq!(ops, [Op::EditDest(key(1), dest(9, 1)), Op::EditDest(key(1), dest(1, 0))]);
}

#[test]
fn a_service_goes_without_a_word_about_its_destinations() {
    assert_eq!(delta(&[service(1, &[dest(1, 1), dest(2, 1)])], &[]), [Op::RemoveService(key(1))]);
}

#[test]
fn everything_but_a_key_is_edited_in_place() {
    let held = service(1, &[dest(1, 1)]);
    let edits: [fn(&mut Dest); 4] = [
        |dest| dest.weight = 7,
        |dest| dest.forwarding = Forwarding::Tunnel(Tunnel::Ipip),
        |dest| dest.upper_threshold = 9,
        |dest| dest.lower_threshold = 5,
    ];
    for edit in edits {
        let mut wanted = dest(1, 1);
        edit(&mut wanted);
        assert_eq!(delta(std::slice::from_ref(&held), &[service(1, &[wanted])]), [Op::EditDest(key(1), wanted)]);
    }
    let edits: [fn(&mut Settings); 4] = [
        |settings| settings.scheduler = Scheduler::MaglevHashing,
        |settings| settings.flags.second = true,
        |settings| settings.one_packet = true,
        |settings| settings.persistence = Some(Persistence { timeout: Duration::from_secs(1), granularity: None, engine: None }),
    ];
    for edit in edits {
        let mut wanted = held.clone();
        edit(&mut wanted.settings);
        let settings = wanted.settings.clone();
        assert_eq!(delta(std::slice::from_ref(&held), &[wanted]), [Op::EditService(key(1), settings)]);
    }
}
