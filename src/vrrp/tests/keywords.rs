//! Keywords by what they do: each is configured for an instance and for all of them, and left out, and the same things happen.

use super::bench::{START, address, instance, links, model};
use crate::effect::net::{Device, Link};
use crate::effect::packet::{Datagram, PortId, Reach};
use crate::effect::time::Instant;
use crate::effect::{Action, Actions};
use crate::vrrp::announce::{Announcer, Pace};
use crate::vrrp::{Engine, Event, Manner};
use crate::wire::vrrp::{Advert, Body, Packet, Sum};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const GROUP: &str = "224.0.0.18";

/// An engine that tells more of what it does than most tests want to know.
struct Talker {
    engine: Engine,
    now: Instant,
    ports: BTreeMap<PortId, (Option<Device>, Reach)>,
    told: Vec<String>,
}

impl Talker {
    fn start(text: &str, manner: Manner) -> Self {
        let mut actions = Actions::default();
        let engine = Engine::start(START, &model(text), links(), &[], manner, &mut actions);
        let mut talker = Self { engine, now: START, ports: BTreeMap::new(), told: Vec::new() };
        talker.take(&mut actions);
        talker
    }

    fn take(&mut self, actions: &mut Actions) {
        let at = self.now.since(START).as_millis();
        for action in actions.drain() {
            let told = match action {
                Action::Transmit(t) => {
                    let packet = Packet::new(&t.payload).expect("a whole packet");
                    let sum = Sum::Pseudo { source: t.source, destination: t.destination };
                    let sum = if packet.sums_up(sum, t.payload.len()) { "its own" } else { "another" };
                    let version = packet.version();
                    format!("{at}: advert v{version} prio {} to {} ttl {} sum {sum}", packet.priority(), t.destination, t.ttl)
                }
                Action::Open(id, port) => {
                    self.ports.insert(id, (port.device, port.reach));
                    continue;
                }
                Action::Announce(announce) => format!("{at}: announce {} x {}", announce.repeat, announce.targets.len()),
                Action::Notify(notice) => format!("{at}: {}", notice.told),
                Action::Say(line) => line.text,
                Action::Close(_)
                | Action::Adopt { .. }
                | Action::Hold { .. }
                | Action::Silence(_)
                | Action::Renew(_)
                | Action::Probe(_)
                | Action::Refuse(_)
                | Action::Record(_)
                | Action::Forget(_) => continue,
            };
            self.told.push(told);
        }
    }

    fn event(&mut self, event: Event<'_>) {
        let mut actions = Actions::default();
        self.engine.handle(self.now, event, &mut actions);
        self.take(&mut actions);
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.engine.next_deadline().filter(|at| *at <= end) {
            self.now = at;
            self.event(Event::Tick);
        }
        self.now = end;
    }

    /// An advert arrives, whose checksum may be made with another destination.
    fn hear(&mut self, priority: u8, from: &str, to: &str, vips: &[&str], summed_with: &str) {
        let (source, destination) = (address(from), address(to));
        let vips: Vec<IpAddr> = vips.iter().map(|vip| address(vip)).collect();
        let advert = Advert { vrid: 51, priority, body: Body::V3 { interval: 100 }, addresses: vips };
        let payload = advert.encode(Sum::Pseudo { source, destination: address(summed_with) });
        let Some(&port) = self.ports.keys().next() else { return };
        self.event(Event::Received { port, datagram: Datagram { source, destination, ttl: 255, seal: None, payload: &payload } });
    }

    fn multicast(&mut self, priority: u8) {
        self.hear(priority, "10.9.0.20", GROUP, &["10.9.0.51"], GROUP);
    }

    fn link(&mut self, up: bool) {
        let e0 = self.engine.links().get(Device(1)).cloned().expect("it is there");
        self.event(Event::Link(Link { up, ..e0 }));
    }
}

/// What happens to a router that is started and left alone for five seconds, which makes it master.
type Scene = fn(&mut Talker);

fn lower(talker: &mut Talker) {
    talker.multicast(100);
}

fn higher(talker: &mut Talker) {
    talker.multicast(200);
}

fn later(talker: &mut Talker) {
    talker.pass(SECOND * 10);
}

fn down(talker: &mut Talker) {
    talker.link(false);
}

fn stranger(talker: &mut Talker) {
    talker.hear(200, "10.9.0.77", "10.9.0.10", &["10.9.0.51"], "10.9.0.10");
}

fn old_peer(talker: &mut Talker) {
    talker.hear(100, "10.9.0.20", "10.9.0.10", &["10.9.0.51"], GROUP);
}

/// One advert with our addresses, and then one with others.
fn changing(talker: &mut Talker) {
    talker.multicast(200);
    talker.hear(200, "10.9.0.20", GROUP, &["10.9.0.99"], GROUP);
}

fn unknown(talker: &mut Talker) {
    talker.hear(200, "10.9.0.20", GROUP, &["10.9.0.51"], GROUP);
    let payload = Advert { vrid: 99, priority: 1, body: Body::V3 { interval: 100 }, addresses: vec![address("10.9.0.99")] }
        .encode(Sum::Pseudo { source: address("10.9.0.20"), destination: address(GROUP) });
    let port = *talker.ports.keys().next().expect("a port");
    let (source, destination) = (address("10.9.0.20"), address(GROUP));
    talker.event(Event::Received { port, datagram: Datagram { source, destination, ttl: 255, seal: None, payload: &payload } });
}

struct Row {
    /// In `global_defs`, and in the instance: each has to do alone what the row says.
    global: &'static str,
    own: &'static str,
    /// In the instance in either case.
    both: &'static str,
    scene: Scene,
    /// How often this is told after the scene began with the keyword, and without it.
    counted: &'static str,
    with: usize,
    without: usize,
}

const UNICAST: &str = " unicast_src_ip 10.9.0.10\n unicast_peer {\n 10.9.0.20\n }";

const ROWS: &[Row] = &[
    Row {
        global: "vrrp_lower_prio_no_advert",
        own: "lower_prio_no_advert",
        both: "",
        scene: lower,
        counted: "5000: advert v3 prio 150",
        with: 0,
        without: 1,
    },
    Row {
        global: "vrrp_higher_prio_send_advert",
        own: "higher_prio_send_advert",
        both: "",
        scene: higher,
        counted: "5000: advert v3 prio 150",
        with: 1,
        without: 0,
    },
    Row {
        global: "vrrp_garp_lower_prio_repeat 4",
        own: "garp_lower_prio_repeat 4",
        both: "",
        scene: lower,
        counted: "5000: announce 4 x 1",
        with: 1,
        without: 0,
    },
    Row {
        global: "vrrp_garp_lower_prio_delay 2",
        own: "garp_lower_prio_delay 2",
        both: "",
        scene: |talker| {
            lower(talker);
            later(talker);
        },
        counted: "7000: announce ",
        with: 1,
        without: 0,
    },
    Row {
        global: "vrrp_garp_master_refresh 3\n vrrp_garp_master_refresh_repeat 2",
        own: "garp_master_refresh 3\n garp_master_refresh_repeat 2",
        both: "",
        scene: later,
        counted: ": announce 2 x 1",
        with: 3,
        without: 0,
    },
    Row {
        global: "vrrp_garp_extra_if all 3",
        own: "garp_extra_if all 3",
        both: "virtual_ipaddress_excluded {\n 10.9.1.51 dev e1\n 10.9.1.52 dev e1\n }",
        scene: later,
        counted: ": announce 1 x 1",
        with: 3,
        without: 0,
    },
    Row { global: "vrrp_strict", own: "strict_mode", both: "", scene: lower, counted: "5000: advert v3 prio 150", with: 0, without: 1 },
    Row { global: "", own: "unicast_ttl 7", both: UNICAST, scene: later, counted: "to 10.9.0.20 ttl 7 ", with: 10, without: 0 },
    Row {
        global: "vrrp_check_unicast_src",
        own: "check_unicast_src",
        both: UNICAST,
        scene: stranger,
        counted: "5000: BACKUP",
        with: 0,
        without: 1,
    },
    Row { global: "", own: "dont_track_primary", both: "", scene: down, counted: "5000: FAULT", with: 0, without: 1 },
    Row {
        global: "vrrp_mcast_group4 224.0.0.77",
        own: "mcast_dst_ip 224.0.0.77",
        both: "",
        scene: later,
        counted: "to 224.0.0.77 ",
        with: 10,
        without: 0,
    },
    Row {
        global: "vrrp_skip_check_adv_addr",
        own: "skip_check_adv_addr",
        both: "",
        scene: changing,
        counted: "has other addresses than ours",
        with: 0,
        without: 1,
    },
    Row {
        global: "log_unknown_vrids",
        own: "",
        both: "",
        scene: unknown,
        counted: "advert for unknown VRID 99 from 10.9.0.20",
        with: 1,
        without: 0,
    },
    Row { global: "v3_checksum_as_v2", own: "v3_checksum_as_v2", both: "", scene: later, counted: " sum another", with: 10, without: 0 },
    Row { global: "", own: "old_unicast_checksum", both: UNICAST, scene: later, counted: " sum another", with: 10, without: 0 },
];

/// What is told from the moment that the scene begins.
fn play(global: &str, own: &str, row: &Row) -> Vec<String> {
    let text = format!("global_defs {{\n {global}\n}}\n{}", instance("VI", "e0", 51, 150, &format!("{}\n {own}", row.both)));
    let mut talker = Talker::start(&text, Manner::default());
    talker.pass(SECOND * 5);
    talker.told.clear();
    (row.scene)(&mut talker);
    talker.told
}

#[test]
fn each_keyword_makes_its_difference() {
    for row in ROWS {
        let count = |told: &[String]| told.iter().filter(|line| line.contains(row.counted)).count();
        let plain = play("", "", row);
        assert_eq!(count(&plain), row.without, "without {} {}: {plain:#?}", row.global, row.own);
        for (global, own) in [(row.global, ""), ("", row.own)] {
            if !(global.is_empty() && own.is_empty()) {
                let told = play(global, own, row);
                assert_eq!(count(&told), row.with, "{global} {own}: {told:#?}");
            }
        }
    }
}

#[test]
fn a_peer_with_the_old_checksum_is_answered_in_kind_unless_that_is_never_to_be() {
    for (own, want) in [("", 1), ("old_unicast_checksum never", 0)] {
        let text = instance("VI", "e0", 51, 150, &format!("{UNICAST}\n {own}"));
        let mut talker = Talker::start(&text, Manner::default());
        talker.pass(SECOND * 5);
        old_peer(&mut talker);
        let found = talker.told.iter().filter(|line| line.contains("Setting unicast VRRPv3 checksum to old version")).count();
        assert_eq!(found, want, "{own}: {:#?}", talker.told);
    }
}

/// When it is master after a start at which it hears nothing.
fn master_at(global: &str, own: &str, up: Duration) -> Option<u128> {
    let text = format!("global_defs {{\n {global}\n}}\n{}", instance("VI", "e0", 51, 150, &format!(" {own}")));
    let mut talker = Talker::start(&text, Manner { machine_up: up, ..Manner::default() });
    talker.pass(SECOND * 60);
    talker.told.iter().find_map(|line| line.strip_suffix(": MASTER")?.parse().ok())
}

#[test]
fn how_long_a_router_waits_is_as_configured() {
    // What is left of 255 to the priority, in 256ths of a second.
    const SKEW: u128 = 414;
    for (global, own, up, want) in [
        ("", "", 3600, 3000 + SKEW),
        ("vrrp_down_timer_adverts 5", "", 3600, 5000 + SKEW),
        ("", "down_timer_adverts 2", 3600, 2000 + SKEW),
        ("vrrp_startup_delay 4", "", 3600, 7000 + SKEW),
        ("vrrp_delay_after_boot 20", "", 12, 11_000 + SKEW),
        ("vrrp_delay_after_boot 20", "", 3600, 3000 + SKEW),
    ] {
        assert_eq!(master_at(global, own, Duration::from_secs(up)), Some(want), "{global} {own}");
    }
}

#[test]
fn an_owner_that_is_to_ignore_adverts_does_not_answer_them() {
    for (global, own, want) in [("", "", 1), ("vrrp_owner_ignore_adverts", "", 0), ("", "owner_ignore_adverts", 0)] {
        let text = format!("global_defs {{\n {global}\n}}\n{}", instance("VI", "e0", 51, 255, &format!(" state MASTER\n {own}")));
        let mut talker = Talker::start(&text, Manner::default());
        talker.pass(SECOND * 5);
        talker.told.clear();
        talker.multicast(100);
        let answers = talker.told.iter().filter(|line| line.contains("advert v3 prio 255")).count();
        assert_eq!(answers, want, "{global} {own}: {:#?}", talker.told);
    }
}

#[test]
fn the_version_of_all_is_as_configured_and_so_is_where_nobody_is_a_peer() {
    let plain = instance("VI", "e0", 51, 150, "").replace(" version 3\n", "");
    for (global, want) in [("", "advert v2 "), ("vrrp_version 3", "advert v3 ")] {
        let mut talker = Talker::start(&format!("global_defs {{\n {global}\n}}\n{plain}"), Manner::default());
        talker.pass(SECOND * 5);
        assert!(talker.told.iter().any(|line| line.contains(want)), "{global}: {:#?}", talker.told);
    }
}

#[test]
fn adverts_go_to_the_group_of_the_family_that_is_configured() {
    for (global, own, want) in [
        ("", "", "to 224.0.0.18 "),
        ("vrrp_mcast_group6 ff02::77", "", "to 224.0.0.18 "),
        ("", "native_ipv6", "to ff02::12 "),
        ("vrrp_mcast_group6 ff02::77", "native_ipv6", "to ff02::77 "),
    ] {
        let text = format!(
            "global_defs {{\n {global}\n}}\nvrrp_instance VI {{\n interface e0\n virtual_router_id 51\n priority 150\n {own}\n no_virtual_ipaddress\n}}\n"
        );
        let mut talker = Talker::start(&text, Manner::default());
        talker.pass(SECOND * 9);
        let adverts: Vec<&String> = talker.told.iter().filter(|line| line.contains(": advert ")).collect();
        assert!(adverts.len() > 3 && adverts.iter().all(|line| line.contains(want)), "{global} {own}: {:#?}", talker.told);
    }
}

#[test]
fn without_peers_a_unicast_instance_stays_in_fault_where_that_is_asked_for() {
    for (own, wanted) in [("unicast_fault_no_peer", true), ("unicast_fault_no_peer\n unicast_src_ip 10.9.0.10", true), (UNICAST, false)] {
        let empty = if wanted { "unicast_peer {\n }\n" } else { "" };
        let text = instance("VI", "e0", 51, 150, &format!(" {empty} {own}"));
        let mut talker = Talker::start(&text, Manner::default());
        talker.pass(SECOND * 9);
        let told = |words: &str| talker.told.iter().any(|line| line.contains(words));
        assert_eq!(told("(VI) FAULT: Cannot use unicast without any peers"), wanted, "{own}: {:#?}", talker.told);
        assert_eq!(told(": MASTER"), !wanted, "{own}: {:#?}", talker.told);
    }
}

#[test]
fn vrrp_min_garp_leaves_one_announcement_of_ten() {
    for (global, want) in [("", [5, 5].as_slice()), ("vrrp_min_garp", &[1])] {
        let text = instance("VI", "e0", 51, 150, "").replace(" garp_master_delay 0\n garp_master_repeat 1\n", "");
        let mut talker = Talker::start(&format!("global_defs {{\n {global}\n}}\n{text}"), Manner::default());
        talker.pass(SECOND * 60);
        let repeats = |line: &String| line.split_once(": announce ")?.1.split(' ').next()?.parse().ok();
        let found: Vec<u32> = talker.told.iter().filter_map(repeats).collect();
        assert_eq!(found, want, "{global}: {:#?}", talker.told);
    }
}

/// Between two announcements on an interface, in milliseconds.
fn gap(text: &str, addresses: [&str; 2]) -> u128 {
    let announce = crate::effect::packet::Announce {
        instance: crate::effect::net::InstanceId(1),
        repeat: 1,
        targets: addresses.map(|one| crate::effect::packet::Target { device: Device(1), address: address(one) }).into(),
    };
    let mut announcer = Announcer::new(Pace::of(&model(text)));
    announcer.request(&links(), &announce);
    assert_eq!(announcer.take(START, 9).len(), 1 + usize::from(announcer.next_deadline().is_none()));
    announcer.next_deadline().map_or(0, |at| at.since(START).as_millis())
}

#[test]
fn announcements_are_as_far_apart_as_configured() {
    let (v4, v6) = (["10.9.0.51", "10.9.0.52"], ["2001:db8::51", "2001:db8::52"]);
    let group = "garp_group {\n garp_interval 0.3\n gna_interval 0.4\n interface e0\n}\n";
    for (text, arp, ndisc) in [
        ("", 0, 0),
        ("global_defs {\n vrrp_garp_interval 0.1\n}\n", 100, 0),
        ("global_defs {\n vrrp_gna_interval 0.2\n}\n", 0, 200),
        (group, 300, 400),
    ] {
        let text = format!("{text}{}", instance("VI", "e0", 51, 150, ""));
        assert_eq!((gap(&text, v4), gap(&text, v6)), (arp, ndisc), "{text}");
    }
}
