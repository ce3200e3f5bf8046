//! Virtual routers on interfaces that this machine's kernel need not have: ipvlans, VLANs, bonds.

use crate::daemon::Daemon;
use crate::guest::{Story, run};
use crate::place::folder;
use crate::wait::eventually;

pub(crate) const STORIES: &[Story] = &[("an ipvlan", an_ipvlan), ("a VLAN on a bond", a_vlan_on_a_bond)];

fn instance(interface: &str, lines: &str) -> String {
    format!(
        "vrrp_instance VI {{\ninterface {interface}\nvirtual_router_id 51\npriority 150\nversion 3\nadvert_int 0.3\n{lines}\n\
         virtual_ipaddress {{\n10.9.0.50/24\n}}\n}}\n"
    )
}

/// What there is, without the numbers and counters.
fn state() -> Vec<String> {
    let links = run("ip -o link show");
    let links = links.lines().filter_map(|line| line.split_once(": ").map(|(_, rest)| rest.to_owned()));
    let addresses = run("ip -o -4 addr show");
    links.chain(addresses.lines().map(str::to_owned)).collect()
}

#[track_caller]
fn carries(interface: &str, address: &str) {
    let has =
        || run("ip -o addr show").lines().any(|line| line.contains(&format!(" {interface} ")) && line.contains(&format!(" {address}/")));
    eventually(&format!("{address} on {interface}"), || has().then_some(()));
}

fn cable(one: &str, other: &str) {
    run(&format!("ip link add {one} type veth peer name {other}"));
    for end in [one, other] {
        run(&format!("ip link set {end} up"));
    }
}

fn an_ipvlan() {
    cable("e0", "p0");
    run("ip addr add 10.9.0.1/24 dev e0");
    let before = state();
    let daemon = Daemon::start(&folder("ipvlan"), &instance("e0", "use_ipvlan ipv51 10.9.0.3/24 private"));
    daemon.says("Entering MASTER STATE");
    carries("ipv51", "10.9.0.3");
    // It shares the MAC address anyway.
    carries("e0", "10.9.0.50");
    let shown = run("ip -d link show ipv51");
    assert!(shown.contains("ipvlan") && shown.contains("mode l2 private"), "{shown}");
    run("ip link del ipv51");
    daemon.says_again("Entering MASTER STATE", 1);
    carries("ipv51", "10.9.0.3");
    daemon.stop();
    assert_eq!(state(), before);
}

fn a_vlan_on_a_bond() {
    run("ip link add bond0 type bond mode active-backup miimon 50");
    for (leg, far) in [("b1", "f1"), ("b2", "f2")] {
        cable(leg, far);
        run(&format!("ip link set {leg} down"));
        run(&format!("ip link set {leg} master bond0"));
    }
    run("ip link set bond0 up");
    run("ip link add link bond0 name bond0.30 type vlan id 30");
    run("ip link set bond0.30 up");
    run("ip addr add 10.9.0.1/24 dev bond0.30");
    // The kernel says of each a while later what has become of it.
    let all = ["b1", "b2", "f1", "f2", "bond0", "bond0.30"];
    let up = |name: &&str| run(&format!("ip -o link show {name}")).contains(" state UP ");
    eventually("the bond is up", || all.iter().all(up).then_some(()));
    let before = state();
    let daemon = Daemon::start(&folder("bond"), &instance("bond0.30", "use_vmac"));
    daemon.says("Entering MASTER STATE");
    carries("vrrp.51", "10.9.0.50");
    let shown = run("ip -d link show vrrp.51");
    assert!(shown.contains("vrrp.51@bond0.30") && shown.contains("macvlan mode private"), "{shown}");
    run("ip link set f1 down");
    run("ip link set f2 down");
    daemon.says("Entering FAULT STATE");
    run("ip link set f2 up");
    daemon.says_again("Entering MASTER STATE", 1);
    carries("vrrp.51", "10.9.0.50");
    run("ip link set f1 up");
    daemon.stop();
    eventually("all is up again", || all.iter().all(up).then_some(()));
    assert_eq!(state(), before);
}
