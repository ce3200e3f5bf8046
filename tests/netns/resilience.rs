//! What standfast promises where keepalived gives in, one test per promise.
//!
//! `PROGRAM_UNDER_TEST=/usr/sbin/keepalived cargo test --test netns resilience::` shows what keepalived makes of them. Those that
//! it passes as well are marked so.

#![expect(clippy::disallowed_methods, reason = "what is seen is compared with the clock")]

use crate::bench::client::neighbour;
use crate::bench::lan::Side;
use crate::bench::packet::{Forged, Mac, claim};
use crate::bench::random::Random;
use crate::bench::wait::within;
use crate::bench::{Capture, Client, Daemon, Host, Lan, Monitor, Program, Sender, Stream, eventually, pause};
use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime};

const VIP: &str = "10.0.0.50";
const VIP_V4: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 50);
const VRID: u8 = 51;
const STRANGER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 66);
const STRANGER_MAC: Mac = Mac([2, 0, 0, 0, 0, 0x66]);

/// Enough for a busy machine to take its time, and far from never.
const LATE: Duration = Duration::from_secs(2);
const HUNDRED_A_SECOND: Duration = Duration::from_millis(10);

/// Two routers on the two sides of a network, with a user each; the capture is the left user's.
struct Scene {
    lan: Lan,
    routers: [Host; 2],
    users: [Host; 2],
    macs: [Mac; 2],
    capture: Capture,
}

impl Scene {
    fn new() -> Self {
        let lan = Lan::new();
        let sides = [Side::Left, Side::Right];
        let routers = [Host::new("r1"), Host::new("r2")];
        let users = [Host::new("u1"), Host::new("u2")];
        for (number, side) in sides.into_iter().enumerate() {
            lan.join(side, &routers[number], "eth0", &[&format!("10.0.0.{}/24", number + 1)]);
            lan.join(side, &users[number], "eth0", &[&format!("10.0.0.{}/24", number + 11)]);
        }
        let macs = [routers[0].mac("eth0"), routers[1].mac("eth0")];
        let capture = Capture::new(&users[0], "eth0");
        Self { lan, routers, users, macs, capture }
    }

    fn start(&self, router: usize, configuration: &str) -> Daemon {
        let program = Program::standfast(env!("CARGO_BIN_EXE_standfast"));
        Daemon::start_with(&self.routers[router], &program, configuration, &["-D"])
    }

    fn wait_master(&self, router: usize) {
        eventually("a router has the address", || self.routers[router].has_address(VIP).then_some(()));
    }

    /// The usual pair: the left one is master, and the user has found that out.
    fn pair(&self) -> [Daemon; 2] {
        let both = [self.start(0, &instance(150, "")), self.start(1, &instance(100, ""))];
        self.wait_master(0);
        eventually("the other one is there", || (both[1].said("Entering BACKUP STATE") > 0).then_some(()));
        both
    }

    /// When a router sent adverts after a point in time.
    fn adverts_since(&self, router: usize, since: SystemTime) -> Vec<SystemTime> {
        let all = self.capture.adverts(self.macs[router]).into_iter();
        all.filter(|(at, _)| *at > since).map(|(at, _)| at).collect()
    }

    /// A router's announcements of the address after a point in time.
    fn announced_since(&self, router: usize, since: SystemTime) -> usize {
        let mac = self.macs[router];
        let told = self.capture.select(|frame| {
            let arp = frame.arp()?;
            (frame.at > since && arp.sender_mac == mac && arp.sender == VIP_V4 && arp.gratuitous()).then_some(())
        });
        told.len()
    }

    fn sender(&self) -> Sender {
        Sender::new(&self.users[0], "eth0")
    }

    fn wait_neighbour(&self, user: usize, router: usize) {
        eventually("a user knows where the address is", || (neighbour(&self.users[user], VIP) == Some(self.macs[router])).then_some(()));
    }
}

fn instance(priority: u8, more: &str) -> String {
    format!(
        "vrrp_instance VI {{\ninterface eth0\nvirtual_router_id {VRID}\npriority {priority}\nadvert_int 1\n{more}\nvirtual_ipaddress {{\n{VIP}/24\n}}\n}}\n"
    )
}

fn longest_gap(times: &[SystemTime]) -> Duration {
    let gaps = times.windows(2).map(|pair| pair[1].duration_since(pair[0]).unwrap_or_default());
    gaps.max().unwrap_or(Duration::MAX)
}

/// One kind of wrong packet for one VRID each.
const WRONG: [&str; 8] =
    ["wrong version", "TTL 64", "bad checksum", "wrong type", "truncated", "absurd count", "another interval", "random bytes"];

fn wrong(kind: usize, vrid: u8, random: &mut Random) -> Vec<u8> {
    let good = Forged::new(STRANGER_MAC, STRANGER, vrid, 200, &[VIP_V4]);
    let forged = match WRONG[kind] {
        "wrong version" => Forged { version: 3, interval: 100, ..good },
        "TTL 64" => Forged { ttl: 64, ..good },
        "bad checksum" => Forged { checksum: false, ..good },
        "wrong type" => Forged { kind: 7, ..good },
        "truncated" => Forged { cut: 13, ..good },
        "absurd count" => Forged { count: Some(255), ..good },
        "another interval" => Forged { interval: 7, ..good },
        _ => {
            let mut frame = good.frame();
            // From the VRID on, which stays; the checksum hardly ever fits.
            for _ in 0..=random.below(8) {
                let at = 36 + random.below(frame.len() - 36);
                frame[at] ^= random.byte() | 1;
            }
            return frame;
        }
    };
    forged.frame()
}

#[test]
fn a_hostile_segment_neither_stops_nor_delays_adverts() {
    let scene = Scene::new();
    let vrid = |kind: usize| u8::try_from(kind + 1).expect("there are few");
    let blocks = (0..WRONG.len()).map(|kind| {
        format!(
            "vrrp_instance VI_{kind} {{\ninterface eth0\nvirtual_router_id {}\npriority 150\nadvert_int 1\nvirtual_ipaddress {{\n10.0.1.{kind}/24\n}}\n}}\n",
            vrid(kind)
        )
    });
    let daemon = scene.start(0, &blocks.collect::<String>());
    daemon.wait_said_times("Entering MASTER STATE", WRONG.len());
    let streams: Vec<Stream> = (0..WRONG.len())
        .map(|kind| {
            let mut random = Random::new(51);
            Stream::start(scene.sender(), HUNDRED_A_SECOND, move |_| wrong(kind, vrid(kind), &mut random))
        })
        .collect();
    let start = SystemTime::now();
    pause(Duration::from_secs(10));
    let end = SystemTime::now();
    for (kind, stream) in streams.iter().enumerate() {
        assert!(stream.sent() > 300, "the machine is too slow to be hostile");
        let mut times = vec![start];
        times.extend(scene.capture.select(|frame| {
            let advert = frame.advert()?;
            (frame.source == scene.macs[0] && advert.vrid == vrid(kind) && frame.at > start && frame.at < end).then_some(frame.at)
        }));
        times.push(end);
        assert!(longest_gap(&times) < LATE, "{}: nothing for {:?}", WRONG[kind], longest_gap(&times));
        assert!(times.len() < 20, "{}: {} adverts in ten seconds", WRONG[kind], times.len());
    }
    assert_eq!(daemon.said("Entering MASTER STATE"), WRONG.len(), "{}", daemon.text());
}

#[test]
fn adverts_of_lower_priority_are_answered_at_a_bounded_rate() {
    let scene = Scene::new();
    let daemon = scene.start(0, &instance(150, ""));
    scene.wait_master(0);
    let forged = Forged::new(STRANGER_MAC, STRANGER, VRID, 50, &[VIP_V4]).frame();
    let start = SystemTime::now();
    let stream = Stream::start(scene.sender(), HUNDRED_A_SECOND, move |_| forged.clone());
    pause(Duration::from_secs(8));
    let sent = stream.sent();
    drop(stream);
    let times = scene.adverts_since(0, start);
    assert!(longest_gap(&times) < LATE, "nothing for {:?}", longest_gap(&times));
    assert!(sent > 300, "the machine is too slow to be a rival");
    // Ten answers a second, with five announcements each, and what a busy machine makes of that.
    assert!(times.len() < 200, "{} adverts to {sent} of a rival", times.len());
    let announced = scene.announced_since(0, start);
    assert!(announced < 1000, "{announced} announcements to {sent} adverts of a rival");
    assert_eq!(daemon.said("Entering MASTER STATE"), 1);
}

#[test]
fn a_crash_of_the_master_goes_unnoticed() {
    let scene = Scene::new();
    let [first, second] = scene.pair();
    let client = Client::start(&scene.users[0], VIP);
    client.wait_answer();
    let monitor = Monitor::addresses(&scene.routers[0]);
    let crash = SystemTime::now();
    let old = first.kill_vrrp();
    eventually("another VRRP process", || first.vrrp().filter(|new| *new != old));
    eventually("adverts go on", || (scene.adverts_since(0, crash).len() >= 5).then_some(()));
    let times = [vec![crash], scene.adverts_since(0, crash)].concat();
    assert!(longest_gap(&times) < LATE, "nothing for {:?}", longest_gap(&times));
    assert_eq!(monitor.removals(VIP), 0, "the address stays\n{}", first.text());
    assert_eq!(second.said("Entering MASTER STATE"), 0, "{}", second.text());
    assert!(client.longest_outage(crash) < LATE, "{:?}", client.longest_outage(crash));
}

#[test]
fn whoever_crashes_again_and_again_gives_the_address_up() {
    let scene = Scene::new();
    let [first, _second] = scene.pair();
    let start = SystemTime::now();
    let released = || scene.capture.adverts(scene.macs[0]).iter().any(|(at, advert)| *at > start && advert.priority == 0);
    let mut crashes = 0;
    let given_up = within(crate::bench::PATIENCE, || {
        if let Some(pid) = first.vrrp() {
            crate::bench::daemon::send(pid, nix::sys::signal::Signal::SIGKILL);
            crashes += 1;
            // Some time to get as far as to do harm.
            pause(Duration::from_millis(300));
        }
        (released() && !scene.routers[0].has_address(VIP)).then_some(())
    });
    assert!(given_up.is_some(), "after {crashes} crashes: priority 0 was sent: {}\n{}", released(), first.text());
    scene.wait_master(1);
}

#[test]
fn a_stripped_address_comes_back_without_an_election() {
    let scene = Scene::new();
    let [first, second] = scene.pair();
    let monitor = Monitor::addresses(&scene.routers[0]);
    // The announcements of becoming master are over.
    pause(Duration::from_secs(6));
    let stripped = SystemTime::now();
    scene.routers[0].ip(&format!("addr del {VIP}/24 dev eth0"));
    eventually("the address is back", || monitor.of(VIP).iter().any(|(_, removed)| !removed).then_some(()));
    eventually("it is announced", || (scene.announced_since(0, stripped) > 0).then_some(()));
    assert_eq!(monitor.removals(VIP), 1);
    eventually("adverts go on", || (scene.adverts_since(0, stripped).len() >= 5).then_some(()));
    let farewells = scene.capture.adverts(scene.macs[0]).iter().filter(|(_, advert)| advert.priority == 0).count();
    assert_eq!(farewells, 0, "{}", first.text());
    assert_eq!(second.said("Entering MASTER STATE"), 0, "{}", second.text());
}

#[test]
fn whoever_is_stripped_again_and_again_goes_to_fault_and_says_why() {
    let scene = Scene::new();
    let [first, _second] = scene.pair();
    let fault = within(crate::bench::PATIENCE, || {
        if scene.routers[0].has_address(VIP) {
            drop(scene.routers[0].attempt(&format!("ip addr del {VIP}/24 dev eth0")));
        }
        (first.said("Entering FAULT STATE") > 0).then_some(())
    });
    assert!(fault.is_some(), "{}", first.text());
    assert!(first.said("removed") > 0, "the reason is in the log\n{}", first.text());
    scene.wait_master(1);
}

/// keepalived reads the same file without the lines that it does not know.
#[test]
fn a_router_whose_daemon_was_killed_outright_gives_a_leased_address_up_by_itself() {
    let scene = Scene::new();
    let lease = "@standfast standfast {\n@standfast vip_lease 3\n@standfast }\n";
    let first = scene.start(0, &format!("{lease}{}", instance(150, "")));
    scene.wait_master(0);
    let _second = scene.start(1, &format!("{lease}{}", instance(100, "")));
    // Longer than the lease: it is renewed.
    pause(Duration::from_secs(5));
    assert!(scene.routers[0].has_address(VIP) && !scene.routers[1].has_address(VIP));
    first.kill_all();
    scene.wait_master(1);
    eventually("the dead one has it no more", || (!scene.routers[0].has_address(VIP)).then_some(()));
    assert!(scene.routers[1].has_address(VIP));
}

/// Both sides know the winner soon after they meet again. `deaf`: the winner never hears the other one.
fn meet_again(deaf: bool) {
    let scene = Scene::new();
    let _both = scene.pair();
    let clients = [Client::start(&scene.users[0], VIP), Client::start(&scene.users[1], VIP)];
    scene.wait_neighbour(1, 0);
    scene.lan.split();
    scene.wait_master(1);
    scene.wait_neighbour(1, 1);
    clients[1].wait_answer();
    // The announcements of becoming master are over.
    pause(Duration::from_secs(7));
    if deaf {
        scene.routers[0].deafen("eth0", "ip protocol 112");
    }
    let healed = SystemTime::now();
    scene.lan.heal();
    scene.wait_neighbour(1, 0);
    scene.wait_neighbour(0, 0);
    let took = SystemTime::now().duration_since(healed).unwrap_or_default();
    // An advert interval and what a busy machine takes.
    assert!(took < Duration::from_secs(3), "it took {took:?}");
    clients[1].wait_answer();
    assert!(scene.routers[0].has_address(VIP) && !scene.routers[1].has_address(VIP));
}

/// keepalived manages that if the winner hears the loser first, and not otherwise.
#[test]
fn users_find_the_winner_when_two_masters_meet() {
    meet_again(false);
}

#[test]
fn users_find_the_winner_that_does_not_know_of_the_other_master() {
    meet_again(true);
}

#[test]
fn a_foreign_claim_to_the_address_is_answered_at_a_bounded_rate() {
    let scene = Scene::new();
    let _daemon = scene.start(0, &instance(150, ""));
    scene.wait_master(0);
    let client = Client::start(&scene.users[1], VIP);
    client.wait_answer();
    // The announcements of becoming master are over.
    pause(Duration::from_secs(6));
    let start = SystemTime::now();
    let stream = Stream::start(scene.sender(), HUNDRED_A_SECOND, |_| claim(STRANGER_MAC, VIP_V4));
    pause(Duration::from_secs(5));
    let sent = stream.sent();
    drop(stream);
    pause(Duration::from_secs(1));
    let answers = scene.announced_since(0, start);
    assert!(answers > 0, "nobody defends the address");
    assert!(answers < usize::try_from(sent / 4).expect("it is small"), "{answers} announcements to {sent} claims");
    // A single claim does not lead the users astray for long.
    Sender::new(&scene.users[0], "eth0").send(&claim(STRANGER_MAC, VIP_V4));
    scene.wait_neighbour(1, 0);
    client.wait_answer();
}

/// keepalived 2.2.7 manages that, too.
#[test]
fn whoever_was_stalled_obeys_before_it_speaks() {
    let scene = Scene::new();
    // The better one does not preempt, so the first is master until it is stalled.
    let first = scene.start(0, &instance(150, ""));
    scene.wait_master(0);
    let _second = scene.start(1, &instance(200, "state BACKUP\nnopreempt"));
    pause(Duration::from_secs(5));
    assert!(!scene.routers[1].has_address(VIP));
    first.freeze();
    scene.wait_master(1);
    eventually("adverts of the better one", || {
        let mac = scene.macs[1];
        (scene.capture.adverts(mac).len() >= 3).then_some(())
    });
    let thawed = SystemTime::now();
    first.thaw();
    eventually("the address is given up", || (!scene.routers[0].has_address(VIP)).then_some(()));
    pause(Duration::from_secs(3));
    let spoken = scene.adverts_since(0, thawed).len();
    assert_eq!(spoken, 0, "it spoke as a master that it no longer was\n{}", first.text());
    assert!(scene.routers[1].has_address(VIP));
}

/// keepalived manages that, too.
#[test]
fn an_interface_that_vanishes_and_comes_back_is_used_again() {
    let scene = Scene::new();
    let [first, _second] = scene.pair();
    scene.lan.remove(&scene.routers[0], "eth0");
    first.wait_said("Entering FAULT STATE");
    scene.wait_master(1);
    scene.lan.join(Side::Left, &scene.routers[0], "eth0", &["10.0.0.1/24"]);
    scene.wait_master(0);
    let mac = scene.routers[0].mac("eth0");
    eventually("adverts from the new interface", || (!scene.capture.adverts(mac).is_empty()).then_some(()));
    eventually("the other one yields", || (!scene.routers[1].has_address(VIP)).then_some(()));
}

/// keepalived 2.2.7 manages that, too.
#[test]
fn an_interface_that_comes_late_is_used() {
    let scene = Scene::new();
    let late = Host::new("late");
    let program = Program::standfast(env!("CARGO_BIN_EXE_standfast"));
    let configuration = format!("global_defs {{\ndynamic_interfaces\n}}\n{}", instance(200, ""));
    let daemon = Daemon::start(&late, &program, &configuration);
    daemon.wait_vrrp();
    pause(Duration::from_secs(1));
    scene.lan.join(Side::Left, &late, "eth0", &["10.0.0.3/24"]);
    eventually("it is master", || late.has_address(VIP).then_some(()));
    let mac = late.mac("eth0");
    eventually("it advertises", || (scene.capture.adverts(mac).len() >= 2).then_some(()));
}

/// keepalived 2.2.7 manages that, too.
#[test]
fn an_interface_that_is_renamed_and_renamed_back_is_used_again() {
    let scene = Scene::new();
    let [first, _second] = scene.pair();
    let rename = |from: &str, to: &str| {
        scene.routers[0].ip(&format!("link set {from} down"));
        scene.routers[0].ip(&format!("link set {from} name {to}"));
        scene.routers[0].ip(&format!("link set {to} up"));
    };
    rename("eth0", "other");
    first.wait_said("Entering FAULT STATE");
    scene.wait_master(1);
    let faults = first.said("Entering BACKUP STATE");
    rename("other", "eth0");
    first.wait_said_times("Entering BACKUP STATE", faults + 1);
    let back = SystemTime::now();
    eventually("it advertises again", || (scene.adverts_since(0, back).len() >= 2).then_some(()));
    scene.wait_master(0);
}
