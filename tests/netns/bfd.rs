//! BFD between two routers: the way is lost in the middle, where no interface sees it, and VRRP knows within the detection time.

#[path = "../bench/mod.rs"]
#[expect(dead_code, unused_imports, reason = "each program uses a part of it")]
mod bench;

use bench::lan::Side;
use bench::{Daemon, Host, Lan, Program, eventually, pause};
use std::time::Duration;

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
    bench::daemon::send(bfd[0], nix::sys::signal::Signal::SIGKILL);
    pair.daemons[0].wait_said("BFD child process");
    pause(Duration::from_secs(2));
    assert!(pair.is_master());
    for daemon in &pair.daemons {
        assert_eq!(daemon.said("entering Down state"), 0, "{}", daemon.text());
    }
    pair.lose_and_find();
}
