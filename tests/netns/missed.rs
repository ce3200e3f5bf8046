//! Changes of the network of which the daemon was not told: there were more than its buffer takes.

#![expect(clippy::disallowed_methods, reason = "what is seen is compared with the clock")]

use crate::bench::{Capture, Daemon, Host, Monitor, Program, eventually};
use std::time::{Duration, SystemTime};

/// Enough for a busy machine to take its time, and far from never.
const LATE: Duration = Duration::from_secs(2);
const MANY: usize = 1200;

fn host() -> Host {
    let host = Host::new("missed");
    for (number, (near, far)) in [("e0", "p0"), ("e1", "p1")].into_iter().enumerate() {
        host.ip(&format!("link add {near} type veth peer name {far}"));
        host.ip(&format!("addr add 192.0.2.{number}1/24 dev {near}"));
        host.ip(&format!("link set {near} up"));
        host.ip(&format!("link set {far} up"));
    }
    host
}

fn start(host: &Host, configuration: &str) -> Daemon {
    Daemon::start_with(host, &Program::standfast(env!("CARGO_BIN_EXE_standfast")), configuration, &["-D"])
}

fn instance(name: &str, interface: &str, vrid: u8, address: &str, more: &str) -> String {
    format!(
        "vrrp_instance {name} {{\ninterface {interface}\nvirtual_router_id {vrid}\nversion 3\nadvert_int 0.1\npriority 100\n\
         virtual_ipaddress {{\n{address}\n}}\n{more}}}\n"
    )
}

/// Those that go along with the first instance's address.
fn excluded() -> impl Iterator<Item = String> {
    (0..MANY).map(|number| format!("10.50.{}.{}/32", number / 200, number % 200))
}

fn count(host: &Host) -> usize {
    host.ip("-o addr show dev e0").lines().filter(|line| line.contains(" 10.50.")).count()
}

#[test]
fn what_was_missed_is_found_out_and_made_good_while_adverts_go_on() {
    let host = host();
    let more = format!("virtual_ipaddress_excluded {{\n{}\n}}\n", excluded().collect::<Vec<_>>().join("\n"));
    let both = [instance("VI_1", "e0", 51, "10.9.1.1/24", &more), instance("VI_2", "e1", 52, "10.9.2.1/24", "")].concat();
    let daemon = start(&host, &format!("global_defs {{\nvrrp_netlink_monitor_rcv_bufs 4096\n}}\n{both}"));
    let capture = Capture::new(&host, "p0");
    let mac = host.mac("e0");
    let all_are_there = || {
        let want = MANY;
        eventually("all addresses are there", || (host.has_address("10.9.1.1") && count(&host) == want).then_some(()));
    };
    all_are_there();
    eventually("the other one is master", || host.has_address("10.9.2.1").then_some(()));
    daemon.freeze();
    let mut batch: Vec<String> = excluded().step_by(2).map(|address| format!("addr del {address} dev e0")).collect();
    batch.push("addr del 10.9.1.1/24 dev e0".to_owned());
    batch.push("link set p1 down".to_owned());
    batch.extend((0..200).map(|number| format!("addr add 10.60.0.{number}/32 dev e1")));
    host.ip_batch(&batch);
    let thawed = SystemTime::now();
    daemon.thaw();
    all_are_there();
    daemon.wait_said("(VI_2) Entering FAULT STATE");
    // By now it has heard nothing but what it asked for; what happens from here on it hears again.
    host.ip("addr del 10.9.1.1/24 dev e0");
    all_are_there();
    host.ip("link set p1 up");
    eventually("the other one is master again", || host.has_address("10.9.2.1").then_some(()));
    let times: Vec<SystemTime> = capture.adverts(mac).into_iter().map(|(at, _)| at).filter(|at| *at > thawed).collect();
    let gaps = times.windows(2).map(|pair| pair[1].duration_since(pair[0]).unwrap_or_default());
    assert!(gaps.max().is_some_and(|longest| longest < LATE), "{times:#?}\n{}", daemon.text());
    assert_eq!(daemon.said("(VI_1) Entering FAULT STATE"), 0, "{}", daemon.text());
}

#[test]
fn a_new_instance_takes_over_what_is_there_of_its_own() {
    let host = host();
    let first = instance("VI_1", "e0", 51, "10.9.1.1/24", "");
    let daemon = start(&host, &first);
    eventually("it is master", || host.has_address("10.9.1.1").then_some(()));
    // Somebody has left it there.
    host.ip("addr add 10.9.3.1/24 dev e0");
    let monitor = Monitor::addresses(&host);
    eventually("the monitor listens", || {
        host.ip("addr add 192.0.2.7/32 dev lo");
        host.ip("addr del 192.0.2.7/32 dev lo");
        (monitor.removals("192.0.2.7") > 0).then_some(())
    });
    daemon.reload(&format!("{first}{}", instance("VI_3", "e0", 53, "10.9.3.1/24", "state BACKUP\n")));
    eventually("it is given up by who is not master", || (monitor.removals("10.9.3.1") == 1).then_some(()));
    daemon.wait_said("(VI_3) Entering MASTER STATE");
    eventually("it is there again", || host.has_address("10.9.3.1").then_some(()));
    assert_eq!(monitor.removals("10.9.1.1"), 0, "{}", daemon.text());
}
