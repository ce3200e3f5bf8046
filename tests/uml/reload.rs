//! Changes of the configuration, and of the table by others.

use crate::balancer::{TCP_CHECK, dests, has, virtual_server};
use crate::daemon::Daemon;
use crate::guest::{Story, run, table};
use crate::load::Load;
use crate::place::{Lan, Line, Server, folder};
use crate::wait::eventually;
use crate::writes::{DEL_DEST, SET_DEST, Writes};

pub(crate) const STORIES: &[Story] =
    &[("reload", reload), ("reload of the same", reload_of_the_same), ("refused", refused), ("reconcile", reconcile)];

const SERVICE: &str = "10.1.0.100:80";

fn configuration(reals: &[&str]) -> String {
    virtual_server("10.1.0.100", "NAT", "", reals, TCP_CHECK)
}

fn reload() {
    let lan = Lan::nat("reload", 2);
    let _servers = [("10.2.0.11:80", "one"), ("10.2.0.12:80", "two")]
        .iter()
        .zip(&lan.reals)
        .map(|(&(at, name), place)| Server::start(Some(place), at, name))
        .collect::<Vec<_>>();
    let both = configuration(&["10.2.0.11", "10.2.0.12"]);
    let daemon = Daemon::start(&folder("reload"), &both);
    daemon.says("TCP connection to [10.2.0.12]:tcp:80 success.");
    has(SERVICE, &[("10.2.0.11:80", 1), ("10.2.0.12:80", 1)]);
    let mut lines: Vec<Line> = (0..2).map(|_| Line::open(&lan.client, SERVICE)).collect();
    let mut who: Vec<String> = lines.iter_mut().map(|line| line.ask("hello")).collect();
    who.sort();
    assert_eq!(who, ["one hello", "two hello"]);
    let load = Load::start(&lan.client, SERVICE);
    let writes = Writes::watch();

    daemon.reload(&both.replace("weight 1", "weight 5"));
    has(SERVICE, &[("10.2.0.11:80", 5), ("10.2.0.12:80", 5)]);
    assert_eq!(writes.take(), [SET_DEST; 2]);
    let mut still: Vec<String> = lines.iter_mut().map(|line| line.ask("hello")).collect();
    still.sort();
    assert_eq!(still, who);

    // A scheduler is changed in place, too.
    daemon.reload(&both.replace("weight 1", "weight 5").replace("lb_algo rr", "lb_algo wrr"));
    eventually("another scheduler", || table().contains(&format!("-A -t {SERVICE} -s wrr")).then_some(()));
    assert_eq!(lines.iter_mut().map(|line| line.ask("hello")).filter(|answer| who.contains(answer)).count(), 2);
    load.after(50).is_of(&["one", "two"]);

    writes.take();
    daemon.reload(&configuration(&["10.2.0.11"]).replace("weight 1", "weight 5").replace("lb_algo rr", "lb_algo wrr"));
    has(SERVICE, &[("10.2.0.11:80", 5)]);
    assert_eq!(writes.take(), [DEL_DEST]);
    load.turn();
    load.after(50).is_of(&["one"]);

    daemon.reload(&both);
    has(SERVICE, &[("10.2.0.11:80", 1), ("10.2.0.12:80", 1)]);
    load.turn();
    load.after(50);
    load.finish().is_of(&["one", "two"]);
    daemon.stop();
    assert_eq!(table(), [""; 0]);
}

/// A hundred times, with a server that is dead, and whose checks have no time to find that out again.
fn reload_of_the_same() {
    let lan = Lan::nat("same", 2);
    let _server = Server::start(Some(&lan.reals[0]), "10.2.0.11:80", "one");
    let both = configuration(&["10.2.0.11", "10.2.0.12"]);
    let daemon = Daemon::start(&folder("same"), &both);
    daemon.says("TCP connection to [10.2.0.11]:tcp:80 success.");
    has(SERVICE, &[("10.2.0.11:80", 1)]);
    let load = Load::start(&lan.client, SERVICE);
    let checker = daemon.checker();
    let writes = Writes::watch();
    for _ in 0..100 {
        daemon.reload(&both);
    }
    assert_eq!(writes.take(), [0_u8; 0]);
    has(SERVICE, &[("10.2.0.11:80", 1)]);
    assert_eq!(daemon.checker(), checker);
    load.after(100);
    load.finish().is_of(&["one"]);
    // It was not forgotten.
    let _server = Server::start(Some(&lan.reals[1]), "10.2.0.12:80", "two");
    has(SERVICE, &[("10.2.0.11:80", 1), ("10.2.0.12:80", 1)]);
    daemon.stop();
}

fn refused() {
    run("ip link add d0 type dummy");
    run("ip addr add 10.0.0.1/24 dev d0");
    run("ip link set d0 up");
    let good = virtual_server("10.0.0.100", "NAT", "", &["10.0.0.11", "10.0.0.12"], "");
    let checked = format!("global_defs {{\n    reload_check_config /run/refused/problems\n}}\n{good}");
    let daemon = Daemon::start(&folder("refused"), &checked);
    let all = [("10.0.0.11:80", 1), ("10.0.0.12:80", 1)];
    has("10.0.0.100:80", &all);
    let (before, writes) = (table(), Writes::watch());
    let nothing = "Reload refused: it has no virtual_server left";
    for (file, refusal) in [
        ("global_defs {\n    router_id nobody\n}\n", nothing),
        ("", nothing),
        ("virtual_server {{{ \u{0}", nothing),
        (good.rsplit_once("weight").map_or("", |(half, _)| half), "Reload refused: it ends within a block"),
        (&checked.replace("lb_algo rr", "lb_algorithm none"), "Reload refused: New config failed validation"),
    ] {
        // What stands in the new file decides whether it is to be free of errors.
        let file = if refusal == nothing {
            file.to_owned()
        } else {
            format!("global_defs {{\n    reload_check_config /run/refused/problems\n}}\n{file}")
        };
        daemon.reload_until(&file, refusal);
        assert_eq!(table(), before);
    }
    assert_eq!(writes.take(), [0_u8; 0]);
    daemon.reload(&checked.replace("weight 1", "weight 2"));
    has("10.0.0.100:80", &all.map(|(dest, _)| (dest, 2)));
    daemon.stop();
    assert_eq!(table(), [""; 0]);
}

fn reconcile() {
    run("ip link add d0 type dummy");
    run("ip addr add 10.0.0.1/24 dev d0");
    run("ip link set d0 up");
    let service = "10.0.0.100:80";
    run("ipvsadm -A -t 10.0.0.99:80 -s wlc");
    run("ipvsadm -a -t 10.0.0.99:80 -r 10.0.0.9:80 -g -w 7");
    let foreign = table();
    let configuration = virtual_server("10.0.0.100", "NAT", "", &["10.0.0.11", "10.0.0.12"], "");
    let daemon = Daemon::start(&folder("reconcile"), &configuration);
    let all = [("10.0.0.11:80", 1), ("10.0.0.12:80", 1)];
    has(service, &all);
    for (what, said) in [
        (
            "-e -t 10.0.0.100:80 -r 10.0.0.11:80 -m -w 9",
            "IPVS destination 10.0.0.100:tcp:80 -> 10.0.0.11:80 had other settings and has been set right",
        ),
        (
            "-e -t 10.0.0.100:80 -r 10.0.0.11:80 -g -w 1",
            "IPVS destination 10.0.0.100:tcp:80 -> 10.0.0.11:80 had other settings and has been set right",
        ),
        ("-d -t 10.0.0.100:80 -r 10.0.0.12:80", "IPVS destination 10.0.0.100:tcp:80 -> 10.0.0.12:80 was missing and has been put back"),
        ("-E -t 10.0.0.100:80 -s sh", "IPVS service 10.0.0.100:tcp:80 had other settings and has been set right"),
        ("-D -t 10.0.0.100:80", "IPVS service 10.0.0.100:tcp:80 was missing and has been put back"),
    ] {
        let before = (daemon.count(said), table());
        run(&format!("ipvsadm {what}"));
        daemon.says_again(said, before.0);
        eventually(&format!("the table of before {what}"), || (table() == before.1).then_some(()));
    }
    // Destinations of others are not ours to judge.
    run("ipvsadm -a -t 10.0.0.100:80 -r 10.0.0.13:80 -m -w 3");
    run("ipvsadm -C");
    has(service, &all);
    assert_eq!(dests("10.0.0.99:80"), None, "who has taken that out has a reason");
    run("ipvsadm -a -t 10.0.0.100:80 -r 10.0.0.13:80 -m -w 3");
    run("ipvsadm -A -t 10.0.0.99:80 -s wlc");
    run("ipvsadm -a -t 10.0.0.99:80 -r 10.0.0.9:80 -g -w 7");
    let said = "IPVS destination 10.0.0.100:tcp:80 -> 10.0.0.11:80 was missing and has been put back";
    let before = daemon.count(said);
    run("ipvsadm -d -t 10.0.0.100:80 -r 10.0.0.11:80");
    daemon.says_again(said, before);
    has(service, &[all[0], all[1], ("10.0.0.13:80", 3)]);
    daemon.stop();
    assert_eq!(table(), foreign);
}
