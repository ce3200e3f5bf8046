//! The balancer's program is replaced while it serves; and what the daemon tells of itself on the way.

#![expect(clippy::disallowed_methods, reason = "it reads what the daemon writes, and waits")]

use crate::balancer::{TCP_CHECK, has, virtual_server};
use crate::daemon::Daemon;
use crate::guest::{Story, run, table};
use crate::load::Load;
use crate::place::{Lan, Server, folder};
use crate::wait::eventually;
use crate::writes::Writes;
use nix::sys::signal::Signal;
use std::fs;
use std::time::Duration;

pub(crate) const STORIES: &[Story] = &[("an upgrade", an_upgrade), ("a dump", a_dump)];

fn an_upgrade() {
    let lan = Lan::nat("upgrade", 2);
    let folder = folder("upgrade");
    let script = folder.join("tell");
    fs::write(&script, format!("#!/bin/sh\necho \"$@\" >>{}/told\n", folder.display())).expect("it is ours");
    run(&format!("chmod 755 {}", script.display()));
    let told = || fs::read_to_string(folder.join("told")).unwrap_or_default();
    let servers = ["one", "two"].into_iter().enumerate();
    let _servers: Vec<Server> =
        servers.map(|(at, name)| Server::start(Some(&lan.reals[at]), &format!("10.2.0.1{}:80", at + 1), name)).collect();
    let tell = script.display();
    let more = format!("quorum 2\n    quorum_up \"{tell} quorum up\"\n    quorum_down \"{tell} quorum down\"");
    let check = format!("{TCP_CHECK}\n        notify_up \"{tell} real up\"\n        notify_down \"{tell} real down\"");
    let configuration = virtual_server("10.1.0.100", "NAT", &more, &["10.2.0.11", "10.2.0.12"], &check);
    let daemon = Daemon::start(&folder, &format!("global_defs {{\n    script_user root\n}}\n{configuration}"));
    let (service, at) = ("10.1.0.100:80", [("10.2.0.11:80", 1), ("10.2.0.12:80", 1)]);
    has(service, &at);
    eventually("scripts", || (told() == "quorum up\n").then_some(()));
    let load = Load::start(&lan.client, service);
    let writes = Writes::watch();
    for time in 1..=2 {
        let activated = daemon.count("Activating 2 healthcheckers");
        let before = daemon.checker();
        run(&format!("{} upgrade --socket {}", env!("CARGO_BIN_EXE_standfast"), folder.join("p.sock").display()));
        assert_eq!(daemon.count("Upgrade complete"), time, "{}", daemon.log());
        assert!(daemon.checker().is_some() && daemon.checker() != before, "{}", daemon.log());
        daemon.says_again("Activating 2 healthcheckers", activated);
        // The checks go round once or twice.
        std::thread::sleep(Duration::from_secs(3));
        load.after(100).is_of(&["one", "two"]);
        assert_eq!(writes.take(), [0_u8; 0], "the new program finds all as it is to be");
        assert_eq!(told(), "quorum up\n");
    }
    load.finish();
    daemon.stop();
    assert_eq!(table(), [""; 0]);
}

/// keepalived's labels, in keepalived's order.
const VIRTUAL_SERVER: &[&str] = &[
    "VS VIP = 10.1.0.100, VPORT = 80",
    "Address family = inet",
    "connection timeout = ",
    "delay_loop = 1.000000",
    "lvs_sched = rr",
    "Hashed = disabled",
    "flag-1 = disabled",
    "flag-2 = disabled",
    "flag-3 = disabled",
    "One packet scheduling = disabled",
    "protocol = TCP",
    "alpha is OFF",
    "omega is OFF",
    "Inhibit on failure is OFF",
    "quorum = 1, hysteresis = 0",
    "Using smtp notification = no",
    "default forwarding method = NAT",
    "VS alive = 1",
    "quorum_state_up = 1",
    "reloaded = 0",
    "------< Real server >------",
    "RIP = 10.2.0.11, RPORT = 80, WEIGHT = 1 EFF WEIGHT = 1",
    "forwarding method = NAT",
    "alive = 1",
    "num failed checkers = 0",
    "RS set = 1",
    "------< Real server >------",
    "RIP = 10.2.0.12, RPORT = 80, WEIGHT = 1 EFF WEIGHT = 1",
    "alive = 0",
    "num failed checkers = 1",
    "RS set = 0",
];

fn a_dump() {
    let lan = Lan::nat("dump", 2);
    let folder = folder("dump");
    let _one = Server::start(Some(&lan.reals[0]), "10.2.0.11:80", "one");
    let daemon = Daemon::start(&folder, &virtual_server("10.1.0.100", "NAT", "", &["10.2.0.11", "10.2.0.12"], TCP_CHECK));
    has("10.1.0.100:80", &[("10.2.0.11:80", 1)]);
    daemon.signal(Signal::SIGUSR1);
    let text = eventually("keepalived_check.data", || fs::read_to_string(folder.join("keepalived_check.data")).ok());
    let mut lines = text.lines();
    for want in ["------< Global definitions >------", "------< LVS Topology >------"].iter().chain(VIRTUAL_SERVER) {
        let wanted =
            if want.ends_with("= ") { lines.any(|line| line.trim().starts_with(want)) } else { lines.any(|line| line.trim() == *want) };
        assert!(wanted, "not there, or not in its place: {want}\n{text}");
    }
    daemon.stop();
}
