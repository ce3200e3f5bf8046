//! Processes that die, and a kernel without IPVS.

#![expect(clippy::disallowed_methods, reason = "it makes files and waits")]

use crate::balancer::{TCP_CHECK, has, virtual_server};
use crate::daemon::Daemon;
use crate::guest::{Story, run, table};
use crate::load::Load;
use crate::place::{Lan, Server, folder};
use crate::wait::eventually;
use crate::writes::{DEL_DEST, Writes};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

pub(crate) const STORIES: &[Story] = &[("a crash", a_crash), ("many crashes", many_crashes), ("the end of many", the_end_of_many)];

/// As long as nobody has asked for the module.
pub(crate) const WITHOUT: &[Story] = &[("a machine without it", a_machine_without_it)];

const RESUMED: &str = "as a predecessor left it";

/// A script that leaves its arguments in a file.
fn writer(folder: &Path) -> String {
    let script = folder.join("tell");
    fs::write(&script, format!("#!/bin/sh\necho \"$@\" >>{}/told\n", folder.display())).expect("it is ours");
    run(&format!("chmod 755 {}", script.display()));
    script.display().to_string()
}

fn told(folder: &Path) -> Vec<String> {
    fs::read_to_string(folder.join("told")).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn a_crash() {
    let lan = Lan::nat("crash", 3);
    let folder = folder("crash");
    let tell = writer(&folder);
    let server = |number: usize, name| Server::start(Some(&lan.reals[number - 1]), &format!("10.2.0.1{number}:80"), name);
    let (one, _two) = (server(1, "one"), server(2, "two"));
    let more = format!("quorum 2\n    quorum_up \"{tell} quorum up\"\n    quorum_down \"{tell} quorum down\"");
    let check = format!("{TCP_CHECK}\n        notify_up \"{tell} real up\"\n        notify_down \"{tell} real down\"");
    let servers = virtual_server("10.1.0.100", "NAT", &more, &["10.2.0.11", "10.2.0.12", "10.2.0.13"], &check);
    let daemon = Daemon::start(&folder, &format!("global_defs {{\n    script_user root\n}}\n{servers}"));
    let (service, at) = ("10.1.0.100:80", ["10.2.0.11:80", "10.2.0.12:80", "10.2.0.13:80"].map(|at| (at, 1)));
    daemon.says("TCP connection to [10.2.0.12]:tcp:80 success.");
    has(service, &at[..2]);
    eventually("scripts", || (told(&folder) == ["quorum up", "real down"]).then_some(()));

    let load = Load::start(&lan.client, service);
    let writes = Writes::watch();
    for time in 0..2 {
        let activated = daemon.count("Activating 3 healthcheckers");
        daemon.kill_checker();
        daemon.says_again(RESUMED, time);
        daemon.says_again("Activating 3 healthcheckers", activated);
        // The checks go round once or twice.
        std::thread::sleep(Duration::from_secs(3));
        load.after(100).is_of(&["one", "two"]);
        assert_eq!(writes.take(), [0_u8; 0], "a successor finds all as it is to be");
        assert_eq!(told(&folder), ["quorum up", "real down"]);
    }

    // It goes on as if nothing had been.
    let _three = server(3, "three");
    has(service, &at);
    eventually("scripts", || (told(&folder) == ["quorum up", "real down", "real up"]).then_some(()));
    drop(one);
    has(service, &at[1..]);
    load.turn();
    load.after(50);
    load.finish().is_of(&["three", "two"]);
    eventually("scripts", || (told(&folder) == ["quorum up", "real down", "real up", "real down"]).then_some(()));
    daemon.stop();
    assert_eq!(table(), [""; 0]);
}

const INSTANCE: &str = "vrrp_instance VI {
    interface d0
    virtual_router_id 51
    priority 100
    advert_int 1
    virtual_ipaddress {
        10.0.0.100/32
    }
}
";

fn has_address() -> bool {
    run("ip -o addr show dev d0").contains("10.0.0.100/32")
}

fn host() {
    run("ip link add d0 type dummy");
    for last in [1, 11] {
        run(&format!("ip addr add 10.0.0.{last}/24 dev d0"));
    }
    run("ip link set d0 up multicast on");
}

/// Whoever dies again and again is given time, and what is in the table stays.
fn many_crashes() {
    host();
    let server = Server::start(None, "10.0.0.11:80", "one");
    let servers = virtual_server("10.0.0.100", "NAT", "", &["10.0.0.11", "10.0.0.12"], TCP_CHECK);
    let daemon = Daemon::start(&folder("crashes"), &format!("{INSTANCE}{servers}"));
    let service = "10.0.0.100:80";
    daemon.says("TCP connection to [10.0.0.11]:tcp:80 success.");
    has(service, &[("10.0.0.11:80", 1)]);
    daemon.says("Entering MASTER STATE");
    eventually("its address", || has_address().then_some(()));
    let (vrrp, writes) = (daemon.vrrp(), Writes::watch());
    let delayed = "Restart of Healthcheck process delayed";
    // Five will do, unless this machine is so busy that they are far apart.
    for _ in 0..50 {
        daemon.kill_checker();
        std::thread::sleep(Duration::from_millis(50));
        if daemon.count(delayed) > 0 {
            break;
        }
    }
    daemon.says(delayed);
    has(service, &[("10.0.0.11:80", 1)]);
    // And again, after its delay.
    let before = daemon.count(delayed);
    daemon.kill_checker();
    daemon.says_again(delayed, before);
    assert_eq!(writes.take(), [0_u8; 0]);
    eventually("a successor", || daemon.checker());
    assert_eq!((daemon.vrrp(), has_address()), (vrrp, true));
    assert_eq!(daemon.count("Entering MASTER STATE"), 1);
    drop(server);
    has(service, &[]);
    assert_eq!(writes.take(), [DEL_DEST], "only the server that has died was taken out");

    // Nobody is left to look after anything.
    daemon.kill();
    eventually("an empty table", || table().is_empty().then_some(()));
    eventually("no address", || (!has_address()).then_some(()));
}

fn the_end_of_many() {
    host();
    let mut configuration = String::new();
    let reals: Vec<String> = (1..=10).map(|last| format!("10.0.1.{last}")).collect();
    let reals: Vec<&str> = reals.iter().map(String::as_str).collect();
    for number in 0..300 {
        let at = format!("10.2.{}.{}", number / 100, number % 100);
        write!(configuration, "{}", virtual_server(&at, "NAT", "", &reals, TCP_CHECK)).expect("memory");
    }
    // None of them is there, but nobody finds out before everything is in.
    let configuration = configuration.replace("warmup 0", "warmup 3600");
    let folder = folder("end");
    for killed in [false, true] {
        let daemon = Daemon::start(&folder, &configuration);
        eventually("all of them", || (table().len() >= 3000).then_some(()));
        if killed {
            daemon.kill();
        } else {
            daemon.stop();
        }
        let empty = || table().is_empty().then_some(());
        if killed { eventually("an empty table", empty) } else { empty().expect("all is given up") }
    }
}

fn a_machine_without_it() {
    const MODPROBE: &str = "/proc/sys/kernel/modprobe";
    host();
    fs::write(MODPROBE, "/bin/false").expect("written");
    let servers = virtual_server("10.0.0.100", "NAT", "", &["10.0.0.11"], "");
    let daemon = Daemon::start(&folder("without"), &format!("{INSTANCE}{servers}"));
    daemon.says("the kernel has no IPVS, and /sbin/modprobe ip_vs failed");
    let delayed = "Restart of Healthcheck process delayed";
    daemon.says(delayed);
    daemon.says_again(delayed, 1);
    daemon.says("Entering MASTER STATE");
    eventually("its address", || has_address().then_some(()));
    let vrrp = daemon.vrrp();
    fs::write(MODPROBE, "/run/modprobe").expect("written");
    has("10.0.0.100:80", &[("10.0.0.11:80", 1)]);
    assert_eq!(daemon.vrrp(), vrrp);
    daemon.stop();
    assert_eq!((table(), has_address()), (Vec::new(), false));
}
