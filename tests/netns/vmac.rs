//! Virtual routers with a MAC address of their own: failover that no client notices, and a machine that is afterwards as it was.

use crate::bench::client::neighbour;
use crate::bench::lan::Side;
use crate::bench::monitor::Monitor;
use crate::bench::packet::Mac;
use crate::bench::{Capture, Client, Daemon, Host, Lan, Program, eventually, pause};
use std::time::Duration;

const VIP: &str = "10.0.0.50";
const VMAC: Mac = Mac([0, 0, 0x5e, 0, 1, 51]);
const VMAC6: Mac = Mac([0, 0, 0x5e, 0, 2, 51]);

fn standfast() -> Program {
    Program::standfast(env!("CARGO_BIN_EXE_standfast"))
}

fn configuration(priority: u8, lines: &str) -> String {
    format!(
        "vrrp_instance VI {{\ninterface eth0\nvirtual_router_id 51\npriority {priority}\nversion 3\nadvert_int 0.3\n{lines}\n\
         virtual_ipaddress {{\n{VIP}/24\n}}\n}}\n"
    )
}

const IPV6: &str = "vrrp_instance VI6 {\ninterface eth0\nvirtual_router_id 51\npriority 150\nadvert_int 0.3\nuse_vmac\n\
                    virtual_ipaddress {\nfe80::50\n2001:db8::50/64\n}\n}\n";

/// Interfaces without their numbers, addresses, and all settings of the network.
fn state(host: &Host) -> Vec<String> {
    let links = host.ip("-o link show");
    let links = links.lines().filter_map(|line| line.split_once(": ").map(|(_, rest)| rest.to_owned()));
    let addresses = host.ip("-o addr show");
    let settings = host.sh("sysctl -a --pattern ^net.ipv[46].conf|igmp");
    links.chain(addresses.lines().map(str::to_owned)).chain(settings.lines().map(str::to_owned)).collect()
}

fn setting(host: &Host, name: &str) -> String {
    host.sh(&format!("cat /proc/sys/net/ipv4/{name}")).trim().to_owned()
}

fn router() -> (Lan, Host) {
    let lan = Lan::new();
    let host = Host::new("r");
    lan.join(Side::Left, &host, "eth0", &["10.0.0.1/24", "2001:db8::1/64"]);
    (lan, host)
}

fn carries(host: &Host, interface: &str, address: &str) -> Option<()> {
    let shown = host.attempt(&format!("ip -o addr show dev {interface}")).unwrap_or_default();
    shown.contains(&format!(" {address}/")).then_some(())
}

fn is_there(host: &Host, interface: &str) -> bool {
    host.attempt(&format!("ip link show dev {interface}")).is_ok()
}

/// The higher priority of `programs` has the first one. The client never asks for the MAC address again.
fn pair(programs: &[Program; 2]) {
    let lan = Lan::new();
    let hosts = [Host::new("r1"), Host::new("r2")];
    let user = Host::new("user");
    for (host, address) in hosts.iter().zip(["10.0.0.1/24", "10.0.0.2/24"]) {
        lan.join(Side::Left, host, "eth0", &[address]);
    }
    lan.join(Side::Left, &user, "eth0", &["10.0.0.9/24"]);
    user.ip(&format!("neigh replace {VIP} lladdr {VMAC} dev eth0 nud permanent"));
    let capture = Capture::new(&user, "eth0");
    let start = |router: usize| Daemon::start(&hosts[router], &programs[router], &configuration([150, 100][router], "use_vmac"));
    let owns = |router: usize| (hosts[router].has_address(VIP) && !hosts[1 - router].has_address(VIP)).then_some(());

    let mut first = start(0);
    let second = start(1);
    eventually("the better one is master", || owns(0));
    let client = Client::start(&user, VIP);
    client.wait_answer();
    assert!(first.stop().success(), "{}", first.text());
    eventually("the other takes over", || owns(1));
    client.wait_answer();
    let _first = start(0);
    eventually("the better one is master again", || owns(0));
    client.wait_answer();
    lan.unplug(&hosts[0], "eth0");
    eventually("the other takes over from one that is gone", || owns(1));
    client.wait_answer();
    lan.plug(&hosts[0], "eth0");
    eventually("the better one is master once more", || owns(0));
    client.wait_answer();
    drop(second);

    assert_eq!(neighbour(&user, VIP), Some(VMAC));
    let others = capture.select(|frame| (frame.advert().is_some() && frame.source != VMAC).then_some(frame.source));
    assert!(others.is_empty(), "adverts from {others:?}");
    let claims = capture.select(|frame| frame.arp().filter(|arp| arp.gratuitous() && arp.sender_mac != VMAC).cloned());
    assert!(claims.is_empty(), "{claims:?}");
}

#[test]
fn a_client_of_standfast_and_keepalived_never_relearns_its_neighbour() {
    pair(&[standfast(), Program::keepalived()]);
}

#[test]
fn a_client_of_keepalived_and_standfast_never_relearns_its_neighbour() {
    pair(&[Program::keepalived(), standfast()]);
}

#[test]
fn after_the_stop_the_machine_is_as_it_was() {
    let (lan, host) = router();
    lan.join(Side::Left, &host, "eth1", &["10.1.0.1/24"]);
    host.write("/proc/sys/net/ipv4/conf/all/rp_filter", "1");
    host.write("/proc/sys/net/ipv4/conf/eth1/rp_filter", "2");
    host.write("/proc/sys/net/ipv4/conf/eth0/arp_ignore", "2");
    host.write("/proc/sys/net/ipv4/conf/eth0/arp_filter", "0");
    let more = "use_vmac\nuse_vmac_addr\nvirtual_ipaddress_excluded {\n10.1.0.50/24 dev eth1\n}";
    let plain = "vrrp_instance P {\ninterface eth1\nvirtual_router_id 60\npriority 150\nversion 3\nadvert_int 0.3\n\
                 promote_secondaries\nvirtual_ipaddress {\n10.1.0.60/24\n}\n}\n";
    let text = format!("global_defs {{\ndisable_local_igmp\n}}\n{}{IPV6}{plain}", configuration(150, more));
    let before = state(&host);
    let mut daemon = Daemon::start(&host, &standfast(), &text);
    eventually("all are masters", || carries(&host, "vrrp.51", VIP).and(carries(&host, "vrrp1.51", "10.1.0.50")));
    eventually("over IPv6 as well", || carries(&host, "vrrp6.51", "2001:db8::50"));
    eventually("and without a VMAC", || carries(&host, "eth1", "10.1.0.60"));
    for (name, want) in [
        ("conf/all/rp_filter", "0"),
        ("conf/default/rp_filter", "1"),
        ("conf/eth0/rp_filter", "1"),
        ("conf/eth1/rp_filter", "2"),
        ("conf/vrrp.51/rp_filter", "0"),
        ("conf/vrrp.51/accept_local", "1"),
        ("conf/vrrp.51/arp_ignore", "1"),
        ("conf/vrrp.51/promote_secondaries", "1"),
        ("conf/eth0/arp_ignore", "1"),
        ("conf/eth0/arp_filter", "1"),
        ("conf/eth1/arp_ignore", "1"),
        ("conf/eth1/promote_secondaries", "1"),
        ("igmp_link_local_mcast_reports", "0"),
    ] {
        assert_eq!(setting(&host, name), want, "{name}");
    }
    assert_eq!(host.sh("cat /proc/sys/net/ipv6/conf/vrrp.51/disable_ipv6").trim(), "1");
    assert_eq!(host.sh("cat /proc/sys/net/ipv6/conf/vrrp6.51/disable_ipv6").trim(), "0");
    assert!(daemon.stop().success(), "{}", daemon.text());
    assert_eq!(state(&host), before);
}

#[test]
fn a_crash_takes_no_address_away_and_what_was_before_is_not_forgotten() {
    let (_lan, host) = router();
    host.write("/proc/sys/net/ipv4/conf/eth0/arp_ignore", "2");
    let before = state(&host);
    let mut daemon = Daemon::start(&host, &standfast(), &(configuration(150, "use_vmac") + IPV6));
    eventually("both are masters", || carries(&host, "vrrp.51", VIP).and(carries(&host, "vrrp6.51", "2001:db8::50")));
    let numbers = || ["vrrp.51", "vrrp6.51"].map(|name| host.ip(&format!("-o link show {name}")).split(':').next().map(str::to_owned));
    let (monitor, made) = (Monitor::addresses(&host), numbers());
    for time in 0..2 {
        let resumed = daemon.said("carries on as MASTER");
        daemon.kill_vrrp();
        daemon.wait_said_times("carries on as MASTER", resumed + 2);
        assert_eq!(numbers(), made, "{time}");
    }
    pause(Duration::from_millis(500));
    assert_eq!(monitor.removals(VIP) + monitor.removals("2001:db8::50") + monitor.removals("fe80::50"), 0);
    assert!(daemon.stop().success(), "{}", daemon.text());
    assert_eq!(state(&host), before);
}

#[test]
fn after_the_end_of_all_processes_the_next_start_takes_what_is_there_and_gives_back_what_was() {
    let (_lan, host) = router();
    let before = state(&host);
    let daemon = Daemon::start(&host, &standfast(), &configuration(150, "use_vmac"));
    eventually("it is master", || carries(&host, "vrrp.51", VIP));
    daemon.kill_all();
    drop(daemon);
    assert!(is_there(&host, "vrrp.51"));
    let mut daemon = Daemon::start(&host, &standfast(), &configuration(150, "use_vmac"));
    daemon.wait_said("Entering MASTER STATE");
    eventually("it is master", || carries(&host, "vrrp.51", VIP));
    assert!(!is_there(&host, "vrrp1.51"), "a second one");
    assert!(daemon.stop().success(), "{}", daemon.text());
    assert_eq!(state(&host), before);
}

#[test]
fn a_parent_that_goes_and_comes_back_has_its_vmac_again() {
    let (lan, host) = router();
    let elsewhere = Host::new("elsewhere");
    let mut daemon = Daemon::start(&host, &standfast(), &configuration(150, "use_vmac"));
    eventually("it is master", || carries(&host, "vrrp.51", VIP));

    lan.remove(&host, "eth0");
    daemon.wait_said("Entering FAULT STATE");
    assert!(!is_there(&host, "vrrp.51"));
    lan.join(Side::Left, &host, "eth0", &["10.0.0.1/24"]);
    eventually("it is master on another parent", || carries(&host, "vrrp.51", VIP));
    assert_eq!(setting(&host, "conf/eth0/arp_ignore"), "1");

    let faults = daemon.said("Entering FAULT STATE");
    host.ip(&format!("link set eth0 netns {}", elsewhere.namespace()));
    daemon.wait_said_times("Entering FAULT STATE", faults + 1);
    elsewhere.ip(&format!("link set eth0 netns {}", host.namespace()));
    host.ip("link set eth0 up");
    host.ip("addr add 10.0.0.1/24 dev eth0");
    eventually("it is master on a parent that was away", || carries(&host, "vrrp.51", VIP));

    let faults = daemon.said("Entering FAULT STATE");
    host.ip("link del vrrp.51");
    daemon.wait_said_times("Entering FAULT STATE", faults + 1);
    eventually("it is master on a VMAC that was made anew", || carries(&host, "vrrp.51", VIP));
    assert_eq!(setting(&host, "conf/vrrp.51/accept_local"), "1");
    assert!(daemon.stop().success(), "{}", daemon.text());
    assert!(!is_there(&host, "vrrp.51"));
}

#[test]
fn xmit_base_speaks_as_the_parent_and_answers_as_the_virtual_router() {
    let (lan, host) = router();
    let user = Host::new("user");
    lan.join(Side::Left, &user, "eth0", &["10.0.0.9/24"]);
    let capture = Capture::new(&user, "eth0");
    let _daemon = Daemon::start(&host, &standfast(), &(configuration(150, "use_vmac\nvmac_xmit_base") + IPV6));
    let own = host.mac("eth0");
    eventually("adverts", || (capture.adverts(own).len() >= 3).then_some(()));
    assert!(capture.adverts(VMAC).is_empty());
    let client = Client::start(&user, VIP);
    client.wait_answer();
    let claims = capture.select(|frame| frame.arp().filter(|arp| arp.gratuitous()).map(|arp| arp.sender_mac));
    assert!(!claims.is_empty() && claims.iter().all(|&mac| mac == VMAC), "{claims:?}");
    // And without it as the virtual router, from the parent's address.
    let adverts = eventually("adverts over IPv6", || Some(capture.adverts(VMAC6)).filter(|adverts| adverts.len() >= 3));
    let link_local = host.ip("-o addr show dev eth0 scope link");
    assert!(link_local.contains(&format!(" {}/", adverts[0].1.source)), "{link_local}");
}

#[test]
fn what_is_found_gets_the_settings_of_our_own() {
    let (_lan, host) = router();
    host.ip(&format!("link add link eth0 name old51 address {VMAC} type macvlan mode private"));
    host.ip("link set old51 up");
    let mut daemon = Daemon::start(&host, &standfast(), &configuration(150, "use_vmac"));
    eventually("it is master", || carries(&host, "old51", VIP));
    assert!(!is_there(&host, "vrrp.51"));
    assert_eq!((setting(&host, "conf/old51/arp_ignore"), setting(&host, "conf/old51/accept_local")), ("1".into(), "1".into()));
    assert!(daemon.stop().success(), "{}", daemon.text());
    assert!(!is_there(&host, "old51"));
}

#[test]
fn names_and_groups_are_as_configured_and_another_interface_of_that_name_is_left_alone() {
    let (_lan, host) = router();
    host.ip("link add vm.51 type veth peer name other");
    let text = format!(
        "global_defs {{\nvmac_prefix vm\nvmac_addr_prefix more\n}}\n{}",
        configuration(150, "use_vmac group 7\nuse_vmac_addr\nvirtual_ipaddress_excluded {\n2001:db8::60\n}")
    );
    let mut daemon = Daemon::start(&host, &standfast(), &text);
    eventually("it is master", || carries(&host, "vm1.51", VIP).and(carries(&host, "more.51", "2001:db8::60")));
    assert!(host.ip("-d link show vm1.51").contains("macvlan mode private"));
    assert!(host.ip("link show group 7").contains("vm1.51"));
    assert!(daemon.stop().success(), "{}", daemon.text());
    assert!(is_there(&host, "vm.51") && !is_there(&host, "vm1.51") && !is_there(&host, "more.51"));
}
