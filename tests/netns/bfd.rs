//! BFD between two routers: the way is lost in the middle, where no interface sees it, and VRRP knows within the detection time.

#![expect(clippy::disallowed_methods, reason = "it measures, and takes as long as the environment says")]

use crate::bench::lan::Side;
use crate::bench::{Daemon, Frr, Host, Lan, Program, eventually, pause};
use std::time::{Duration, SystemTime};

fn standfast() -> Program {
    Program::standfast(env!("CARGO_BIN_EXE_standfast"))
}

/// One router, that gives up its address when its neighbour cannot be reached.
fn router(own: &str, neighbor: &str, more: &str) -> String {
    format!(
        "bfd_instance way {{\nneighbor_ip {neighbor}\nsource_ip {own}\nmin_rx 10\nmin_tx 10\nmultiplier 5\n{more}}}\n\
         vrrp_instance VI {{\ninterface eth0\nvirtual_router_id 51\npriority 100\nadvert_int 0.2\nversion 3\n\
         virtual_ipaddress {{\n10.0.0.50/24\n}}\ntrack_bfd {{\nway\n}}\n}}\n"
    )
}

/// The neighbour has nothing but the session.
fn neighbor(own: &str, neighbor: &str, more: &str) -> String {
    format!("bfd_instance way {{\nneighbor_ip {neighbor}\nsource_ip {own}\nmin_rx 10\nmin_tx 10\nmultiplier 5\n{more}}}\n")
}

struct Pair {
    lan: Lan,
    hosts: [Host; 2],
    daemons: [Daemon; 2],
}

const V4: [&str; 2] = ["10.0.0.1", "10.0.0.2"];
const V6: [&str; 2] = ["2001:db8::1", "2001:db8::2"];

impl Pair {
    fn new(programs: &[Program; 2], [a, b]: [&str; 2], more: &str) -> Self {
        let lan = Lan::new();
        let hosts = [Host::new("r1"), Host::new("r2")];
        for (index, (side, host)) in [Side::Left, Side::Right].into_iter().zip(&hosts).enumerate() {
            let number = index + 1;
            lan.join(side, host, "eth0", &[&format!("10.0.0.{number}/24"), &format!("2001:db8::{number}/64")]);
        }
        let daemons =
            [Daemon::start(&hosts[0], &programs[0], &router(a, b, more)), Daemon::start(&hosts[1], &programs[1], &neighbor(b, a, more))];
        let pair = Self { lan, hosts, daemons };
        pair.wait(true);
        pair
    }

    fn is_master(&self) -> bool {
        self.hosts[0].has_address("10.0.0.50")
    }

    fn wait(&self, master: bool) {
        eventually(if master { "the way is there" } else { "the way is lost" }, || (self.is_master() == master).then_some(()));
    }

    fn lose_and_find(&self) {
        self.lan.split();
        self.wait(false);
        self.lan.heal();
        self.wait(true);
    }
}

#[test]
fn a_way_that_is_lost_is_a_fault_until_it_is_found() {
    for (ends, more) in [(V4, ""), (V6, ""), (V4, "multihop\nmax_hops 3\n"), (V6, "multihop\nmax_hops 3\n")] {
        let pair = Pair::new(&[standfast(), standfast()], ends, more);
        pair.lose_and_find();
    }
}

#[test]
fn keepalived_is_a_neighbour_on_either_side() {
    for programs in [[standfast(), Program::keepalived()], [Program::keepalived(), standfast()]] {
        let pair = Pair::new(&programs, V4, "");
        pair.lose_and_find();
    }
}

#[test]
fn a_neighbour_that_stops_says_so() {
    let pair = Pair::new(&[standfast(), standfast()], V4, "");
    pair.daemons[1].signal_stop();
    pair.wait(false);
    assert_eq!(pair.daemons[0].said("The neighbour is down"), 1, "{}", pair.daemons[0].text());
}

#[test]
fn neither_a_reload_nor_a_killed_process_is_noticed_by_the_neighbour() {
    let named = "global_defs {\nprocess_names\n}\n";
    let pair = Pair::new(&[standfast(), standfast()], V4, "");
    pair.daemons[0].reload(&format!("{named}{}", router(V4[0], V4[1], "")));
    pair.daemons[0].wait_said("Reload complete");
    let slower = router(V4[0], V4[1], "").replace("min_tx 10", "min_tx 30").replace("min_rx 10", "min_rx 40");
    pair.daemons[0].reload(&slower);
    pair.daemons[0].wait_said_times("Reload complete", 2);
    pause(Duration::from_millis(500));
    let before = pair.daemons[0].processes();
    let vrrp = pair.daemons[0].vrrp();
    let bfd = before.iter().copied().filter(|&pid| pid != pair.daemons[0].pid() && Some(pid) != vrrp).collect::<Vec<_>>();
    assert_eq!(bfd.len(), 1, "one more process: {before:?}");
    crate::bench::daemon::send(bfd[0], nix::sys::signal::Signal::SIGKILL);
    pair.daemons[0].wait_said("BFD child process");
    pause(Duration::from_secs(2));
    assert!(pair.is_master());
    for daemon in &pair.daemons {
        assert_eq!(daemon.said("entering Down state"), 0, "{}", daemon.text());
    }
    pair.lose_and_find();
}

/// A router with standfast and a neighbour with FRR.
struct WithFrr {
    lan: Lan,
    hosts: [Host; 2],
    daemon: Daemon,
    frr: Frr,
}

impl WithFrr {
    fn new([a, b]: [&str; 2], more: &str, peer: &str) -> Self {
        let lan = Lan::new();
        let hosts = [Host::new("r1"), Host::new("r2")];
        for (index, (side, host)) in [Side::Left, Side::Right].into_iter().zip(&hosts).enumerate() {
            let number = index + 1;
            lan.join(side, host, "eth0", &[&format!("10.0.0.{number}/24"), &format!("2001:db8::{number}/64")]);
        }
        let peer = format!(
            " peer {a} {peer} local-address {b}\n  detect-multiplier 5\n  receive-interval 10\n  transmit-interval 10\n  no shutdown\n !\n"
        );
        let frr = Frr::start(&hosts[1], &peer);
        let daemon = Daemon::start(&hosts[0], &standfast(), &router(a, b, more));
        let pair = Self { lan, hosts, daemon, frr };
        pair.wait(true);
        pair
    }

    /// Both see it.
    fn wait(&self, up: bool) {
        let what = if up { "both are up" } else { "both are down" };
        eventually(what, || {
            let ours = self.hosts[0].has_address("10.0.0.50");
            (ours == up && self.frr.up(&self.hosts[1]) == (usize::from(up), 1)).then_some(())
        });
    }
}

#[test]
fn frr_is_a_neighbour() {
    // keepalived's hop limit over IPv6 is 64 unless another one is configured, and FRR takes 255 alone (RFC 5881 section 5).
    for (ends, more, peer) in [(V4, "", ""), (V6, "hoplimit 255\n", ""), (V4, "multihop\nmax_hops 3\n", "multihop"), (V4, "passive\n", "")]
    {
        let pair = WithFrr::new(ends, more, peer);
        pair.lan.split();
        pair.wait(false);
        pair.lan.heal();
        pair.wait(true);
        // Another rhythm is agreed upon by a poll, and nobody goes down for it.
        let slower = router(ends[0], ends[1], more).replace("min_tx 10", "min_tx 30").replace("min_rx 10", "min_rx 40");
        let lost = pair.daemon.said("entering Down state");
        pair.daemon.reload(&slower);
        pair.daemon.wait_said("Reload complete");
        pause(Duration::from_secs(1));
        pair.wait(true);
        assert_eq!(pair.daemon.said("entering Down state"), lost, "{}", pair.daemon.text());
        pair.daemon.signal_stop();
        eventually("FRR hears of the end", || (pair.frr.up(&pair.hosts[1]) == (0, 1)).then_some(()));
    }
}

const FAILURES: usize = 100;

/// When the neighbour's process is stopped, its last packet is up to 10 ms old, and 5 x 10 ms after that it is missed.
fn detect(neighbour: &str, daemon: &Daemon, process: u32) {
    let mut took = Vec::new();
    // A neighbour that goes on may take the session down once more, for it has missed us too.
    let is_up = || {
        let log = daemon.log();
        let (at, line) = log.iter().rev().find(|(_, line)| line.contains("BFD_Instance(way)"))?;
        let lasts = at.elapsed().is_ok_and(|time| time > Duration::from_millis(500));
        (lasts && line.contains("Entering Up state")).then_some(())
    };
    for _ in 0..FAILURES {
        eventually("the session is up", is_up);
        let before = daemon.log().len();
        let stopped = SystemTime::now();
        crate::bench::daemon::send(process, nix::sys::signal::Signal::SIGSTOP);
        let found = eventually("it is missed", || daemon.log().into_iter().skip(before).find(|(_, line)| line.contains("Expired")));
        crate::bench::daemon::send(process, nix::sys::signal::Signal::SIGCONT);
        took.push(found.0.duration_since(stopped).unwrap_or_default().as_secs_f64() * 1e3);
    }
    took.sort_by(f64::total_cmp);
    println!(
        "{neighbour}: {FAILURES} failures detected after {:.1} ms (median), {:.1} at least, {:.1} at most; 9 in 10 within {:.1} ms",
        took[FAILURES / 2],
        took[0],
        took[FAILURES - 1],
        took[FAILURES * 9 / 10],
    );
}

#[test]
#[ignore = "takes minutes and says how long things took: make soak"]
fn a_hundred_failures_are_detected() {
    let pair = Pair::new(&[standfast(), standfast()], V4, "");
    let of = |daemon: &Daemon| daemon.processes().into_iter().filter(|&pid| pid != daemon.pid()).collect::<Vec<_>>();
    let neighbour = of(&pair.daemons[1]);
    assert_eq!(neighbour.len(), 1, "the neighbour has nothing but the session");
    detect("standfast beside standfast", &pair.daemons[0], neighbour[0]);
    drop(pair);
    let pair = WithFrr::new(V4, "", "");
    detect("standfast beside FRR", &pair.daemon, pair.frr.bfdd());
}

const SESSIONS: usize = 200;

/// Half of them are with FRR.
#[test]
#[ignore = "takes SOAK_MINUTES: make soak"]
fn two_hundred_sessions_see_no_failure_where_there_is_none() {
    let number = |name: &str, default: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (minutes, interval) = (number("SOAK_MINUTES", 10), number("SOAK_BFD_INTERVAL", 10));
    let lan = Lan::new();
    let hosts = [Host::new("r1"), Host::new("r2"), Host::new("r3")];
    for (index, host) in hosts.iter().enumerate() {
        let addresses: Vec<String> = (0..SESSIONS).map(|session| format!("10.0.{}.{}/16", index + 1, session + 1)).collect();
        lan.join(Side::Left, host, "eth0", &addresses.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let session = |session: usize, own: usize, other: usize| {
        let last = session + 1;
        format!(
            "bfd_instance s{session} {{\nneighbor_ip 10.0.{other}.{last}\nsource_ip 10.0.{own}.{last}\nmin_rx {interval}\nmin_tx {interval}\nmultiplier 5\n}}\n"
        )
    };
    let half = SESSIONS / 2;
    let ours: String = (0..SESSIONS).map(|number| session(number, 1, if number < half { 2 } else { 3 })).collect();
    let theirs: String = (0..half).map(|number| session(number, 2, 1)).collect();
    let peer = |last: usize| {
        format!(
            " peer 10.0.1.{last} local-address 10.0.3.{last}\n  detect-multiplier 5\n  receive-interval {interval}\n  transmit-interval {interval}\n  no shutdown\n !\n"
        )
    };
    let frr = Frr::start(&hosts[2], &(half..SESSIONS).map(|number| peer(number + 1)).collect::<String>());
    let neighbour = Daemon::start(&hosts[1], &standfast(), &theirs);
    let daemon = Daemon::start(&hosts[0], &standfast(), &ours);
    eventually("all are up", || (daemon.said("Entering Up state") >= SESSIONS && frr.up(&hosts[2]) == (half, half)).then_some(()));
    pause(Duration::from_secs(2));
    let lost = |daemon: &Daemon| daemon.said("entering Down state");
    let before = [lost(&daemon), lost(&neighbour)];
    for minute in 1..=minutes {
        pause(Duration::from_secs(60));
        println!("minute {minute}: lost {}, and {} by the neighbour", lost(&daemon) - before[0], lost(&neighbour) - before[1]);
    }
    assert_eq!([lost(&daemon), lost(&neighbour)], before, "{}", daemon.text());
    assert_eq!(frr.up(&hosts[2]), (half, half));
}
