use super::*;
use crate::effect::net::Mac;
use std::net::IpAddr;

const ONE: InstanceId = InstanceId(1);
const TWO: InstanceId = InstanceId(2);
const START: Instant = Instant::from_nanos(1_000_000_000);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn target(device: u32, address: &str) -> Target {
    Target { device: Device(device), address: address.parse().expect("an address") }
}

fn ask(instance: InstanceId, repeat: u32, targets: &[(u32, &str)]) -> Announce {
    Announce { instance, repeat, targets: targets.iter().map(|&(device, address)| target(device, address)).collect() }
}

fn link(device: u32, name: &str, mac: [u8; 6], parent: Option<u32>) -> Link {
    Link { mac: Some(Mac(mac)), parent: parent.map(Device), ..Link::plain(Device(device), name, true) }
}

fn links() -> Links {
    let mut links = Links::default();
    links.put(link(1, "e0", [2, 0, 0, 0, 0, 1], None));
    links.put(link(2, "e1", [2, 0, 0, 0, 0, 2], None));
    links.put(link(3, "vrrp.51", [0, 0, 0x5e, 0, 1, 51], Some(1)));
    links.put(link(4, "e0.7", [2, 0, 0, 0, 0, 1], Some(1)));
    links
}

fn addresses(frames: &[Target]) -> Vec<String> {
    frames.iter().map(|frame| frame.address.to_string()).collect()
}

/// Takes everything as soon as it may be taken: `milliseconds since START: device address`.
fn played(announcer: &mut Announcer) -> Vec<String> {
    let (mut lines, mut now) = (Vec::new(), START);
    while let Some(deadline) = announcer.next_deadline() {
        now = now.max(deadline);
        let frames = announcer.take(now, 1);
        assert_eq!(frames.len(), 1, "a deadline is when there is something to take");
        lines.extend(frames.iter().map(|frame| format!("{}: {} {}", now.since(START).as_millis(), frame.device.0, frame.address)));
    }
    lines
}

#[test]
fn every_address_has_its_first_before_any_has_its_second() {
    let mut announcer = Announcer::new(Pace::default());
    announcer.request(&links(), &ask(ONE, 3, &[(1, "10.0.0.1"), (1, "10.0.0.2")]));
    assert_eq!(announcer.next_deadline(), Some(Instant::default()));
    assert_eq!(addresses(&announcer.take(START, 64)), ["10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.2"]);
    assert!(announcer.is_empty());
    assert_eq!(announcer.next_deadline(), None);
}

#[test]
fn the_first_round_of_a_new_request_goes_before_the_second_of_an_older_one() {
    let mut announcer = Announcer::new(Pace::default());
    announcer.request(&links(), &ask(ONE, 2, &[(1, "10.0.0.1"), (1, "10.0.0.2")]));
    assert_eq!(addresses(&announcer.take(START, 3)), ["10.0.0.1", "10.0.0.2", "10.0.0.1"]);
    announcer.request(&links(), &ask(TWO, 2, &[(2, "10.0.0.3"), (2, "fe80::1")]));
    assert_eq!(addresses(&announcer.take(START, 64)), ["10.0.0.3", "fe80::1", "10.0.0.2", "10.0.0.3", "fe80::1"]);
}

#[test]
fn frames_come_in_slices() {
    let mut announcer = Announcer::new(Pace::default());
    let many: Vec<String> = (0..200).map(|n| format!("10.0.1.{n}")).collect();
    let many: Vec<(u32, &str)> = many.iter().map(|address| (1, address.as_str())).collect();
    announcer.request(&links(), &ask(ONE, 1, &many));
    let sizes: Vec<usize> = std::iter::repeat_with(|| announcer.take(START, 64).len()).take(5).collect();
    assert_eq!(sizes, [64, 64, 64, 8, 0]);
}

#[test]
fn an_interval_holds_for_each_interface_and_each_protocol() {
    let mut announcer = Announcer::new(Pace { arp: ms(100), na: ms(50), groups: Vec::new() });
    let targets = [(1, "10.0.0.1"), (1, "10.0.0.2"), (2, "10.0.0.3"), (1, "fe80::1"), (1, "fe80::2")];
    announcer.request(&links(), &ask(ONE, 1, &targets));
    assert_eq!(played(&mut announcer), ["0: 1 10.0.0.1", "0: 2 10.0.0.3", "0: 1 fe80::1", "50: 1 fe80::2", "100: 1 10.0.0.2"]);
}

#[test]
fn an_interval_outlasts_the_queue() {
    let mut announcer = Announcer::new(Pace { arp: ms(100), ..Pace::default() });
    announcer.request(&links(), &ask(ONE, 1, &[(1, "10.0.0.1")]));
    assert_eq!(announcer.take(START, 64).len(), 1);
    announcer.request(&links(), &ask(ONE, 1, &[(1, "10.0.0.1")]));
    assert_eq!(announcer.next_deadline(), Some(START + ms(100)));
    assert_eq!(announcer.take(START + ms(99), 64), []);
    assert_eq!(announcer.take(START + ms(100), 64).len(), 1);
}

#[test]
fn a_group_shares_one_limit_in_the_place_of_the_general_ones() {
    let group = GarpGroup { interfaces: vec!["e0".into(), "e1".into()], garp_interval: Some(ms(200)), gna_interval: None };
    let mut announcer = Announcer::new(Pace { arp: ms(100), na: ms(100), groups: vec![group] });
    let targets = [(1, "10.0.0.1"), (2, "10.0.0.2"), (1, "fe80::1"), (2, "fe80::2"), (4, "10.0.0.4"), (4, "10.0.0.5")];
    announcer.request(&links(), &ask(ONE, 1, &targets));
    assert_eq!(
        played(&mut announcer),
        ["0: 1 10.0.0.1", "0: 1 fe80::1", "0: 2 fe80::2", "0: 4 10.0.0.4", "100: 4 10.0.0.5", "200: 2 10.0.0.2"]
    );
}

#[test]
fn a_virtual_mac_shares_the_limit_of_its_parent() {
    let mut announcer = Announcer::new(Pace { arp: ms(100), ..Pace::default() });
    announcer.request(&links(), &ask(ONE, 1, &[(1, "10.0.0.1"), (3, "10.0.0.2"), (4, "10.0.0.3")]));
    assert_eq!(played(&mut announcer), ["0: 1 10.0.0.1", "0: 4 10.0.0.3", "100: 3 10.0.0.2"]);
}

#[test]
fn a_stream_of_requests_neither_grows_the_queue_nor_holds_an_address_back() {
    let mut announcer = Announcer::new(Pace { arp: ms(100), ..Pace::default() });
    let targets = [(1, "10.0.0.1"), (1, "10.0.0.2"), (1, "10.0.0.3")];
    let (mut now, mut seen) = (START, Vec::new());
    for _ in 0..9 {
        announcer.request(&links(), &ask(ONE, 5, &targets));
        seen.extend(addresses(&announcer.take(now, 64)));
        now += ms(100);
    }
    assert_eq!(seen, ["10.0.0.1", "10.0.0.2", "10.0.0.3"].repeat(3));
    announcer.request(&links(), &ask(ONE, 5, &targets));
    assert_eq!(played(&mut announcer).len(), 15);
}

#[test]
fn an_instance_is_silenced_and_an_address_forgotten_alone() {
    let mut announcer = Announcer::new(Pace::default());
    announcer.request(&links(), &ask(ONE, 2, &[(1, "10.0.0.1"), (1, "fe80::1")]));
    announcer.request(&links(), &ask(TWO, 2, &[(1, "10.0.0.2"), (2, "10.0.0.3")]));
    announcer.silence(ONE);
    announcer.forget(TWO, &BTreeSet::from([target(2, "10.0.0.3")]));
    assert_eq!(addresses(&announcer.take(START, 64)), ["10.0.0.2", "10.0.0.2"]);
    announcer.request(&links(), &ask(ONE, 2, &[(1, "10.0.0.1")]));
    announcer.silence(ONE);
    assert_eq!(announcer.next_deadline(), None);
}

#[test]
fn no_repeat_is_no_announcement() {
    let mut announcer = Announcer::new(Pace::default());
    announcer.request(&links(), &ask(ONE, 0, &[(1, "10.0.0.1")]));
    assert!(announcer.is_empty());
}

#[test]
fn another_pace_takes_hold_of_what_is_queued() {
    let mut announcer = Announcer::new(Pace { arp: ms(1000), ..Pace::default() });
    announcer.request(&links(), &ask(ONE, 2, &[(1, "10.0.0.1"), (2, "10.0.0.2")]));
    let group = GarpGroup { interfaces: vec!["e0".into(), "e1".into()], garp_interval: Some(ms(10)), gna_interval: None };
    announcer.repace(Pace { groups: vec![group], ..Pace::default() }, &links());
    assert_eq!(played(&mut announcer), ["0: 1 10.0.0.1", "10: 2 10.0.0.2", "20: 1 10.0.0.1", "30: 2 10.0.0.2"]);
}

#[test]
fn any_order_of_calls_keeps_the_books_in_step() {
    let mut announcer = Announcer::new(Pace { arp: ms(3), na: ms(2), groups: Vec::new() });
    let (mut seed, mut now) = (7_u64, START);
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let address = |n: u64| -> IpAddr { if n.is_multiple_of(2) { [10, 0, 0, 1].into() } else { [0, 0, 0, 0, 0, 0, 0, 1].into() } };
    for _ in 0..5000 {
        let instance = InstanceId(u32::try_from(random(3)).unwrap_or_default());
        let target = Target { device: Device(u32::try_from(1 + random(4)).unwrap_or_default()), address: address(random(2)) };
        match random(5) {
            0 | 1 => {
                let repeat = u32::try_from(random(4)).unwrap_or_default();
                announcer.request(&links(), &Announce { instance, targets: [target].into(), repeat });
            }
            2 => announcer.forget(instance, &BTreeSet::from([target])),
            3 if random(4) == 0 => announcer.silence(instance),
            _ => {
                now += Duration::from_millis(random(3));
                let due = announcer.next_deadline().is_some_and(|deadline| deadline <= now);
                assert_eq!(announcer.take(now, 3).is_empty(), !due);
            }
        }
        let queued: usize = announcer.lanes.values().map(BTreeMap::len).sum();
        assert_eq!(queued, announcer.waiting.len());
        assert!(queued <= 24, "three instances, eight targets");
    }
}

#[test]
fn repetitions_wait_for_those_who_are_about_to_ask() {
    let mut announcer = Announcer::new(Pace::default());
    announcer.expect_more(true);
    announcer.request(&links(), &ask(ONE, 2, &[(1, "10.0.0.1")]));
    assert_eq!(addresses(&announcer.take(START, 64)), ["10.0.0.1"]);
    assert_eq!(announcer.next_deadline(), None, "there is nothing to take");
    announcer.request(&links(), &ask(ONE, 2, &[(1, "10.0.0.2")]));
    announcer.expect_more(false);
    assert_eq!(addresses(&announcer.take(START, 64)), ["10.0.0.2", "10.0.0.1", "10.0.0.2"]);
}
