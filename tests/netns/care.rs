//! What others do to our virtual MACs, what neighbours learn of them, and what outlives the end of all our processes.
//!
//! `PROGRAM_UNDER_TEST=/usr/sbin/keepalived cargo test --test netns care::` shows what keepalived 2.2.7 makes of it. What it passes as
//! well, or has nothing to do with, says what it guards.

#![expect(clippy::disallowed_methods, reason = "what a daemon leaves in files is looked at there")]

use crate::bench::client::neighbour;
use crate::bench::lan::Side;
use crate::bench::packet::{Forged, Mac};
use crate::bench::wait::within;
use crate::bench::{Capture, Client, Daemon, Host, Lan, Program, Sender, Snapshot, eventually, pause};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

const VIP: &str = "10.0.0.50";
const VIP_V4: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 50);
const VMAC: Mac = Mac([0, 0, 0x5e, 0, 1, 51]);

fn standfast() -> Program {
    Program::standfast(env!("CARGO_BIN_EXE_standfast"))
}

fn configuration(priority: u8, lines: &str) -> String {
    format!(
        "vrrp_instance VI {{\ninterface eth0\nvirtual_router_id 51\npriority {priority}\nversion 3\nadvert_int 0.3\n{lines}\n\
         virtual_ipaddress {{\n{VIP}/24\n}}\n}}\n"
    )
}

fn router(lan: &Lan) -> Host {
    let host = Host::new("r");
    lan.join(Side::Left, &host, "eth0", &["10.0.0.1/24"]);
    host
}

fn carries(host: &Host, interface: &str, address: &str) -> Option<()> {
    let shown = host.attempt(&format!("ip -o addr show dev {interface}")).unwrap_or_default();
    shown.contains(&format!(" {address}/")).then_some(())
}

/// The router asks for its neighbours anew, and sends to one of them from its virtual address, from its own and as it likes.
fn speaks_by_itself(router: &Host, own: &str) {
    for from in [VIP, own, ""] {
        router.ip("neigh flush all");
        let from = if from.is_empty() { String::new() } else { format!("-I {from} ") };
        router.sh(&format!("ping -n -c 1 -W 2 {from}10.0.0.9"));
    }
}

#[test]
fn a_neighbour_learns_of_nothing_but_the_virtual_mac_also_when_the_router_speaks_first() {
    let lan = Lan::new();
    let hosts = [Host::new("r1"), Host::new("r2")];
    let user = Host::new("user");
    let owns = ["10.0.0.1", "10.0.0.2"];
    for (host, own) in hosts.iter().zip(owns) {
        lan.join(Side::Left, host, "eth0", &[&format!("{own}/24")]);
    }
    lan.join(Side::Left, &user, "eth0", &["10.0.0.9/24"]);
    let capture = Capture::new(&user, "eth0");
    let start = |router: usize| Daemon::start(&hosts[router], &standfast(), &configuration([150, 100][router], "use_vmac"));
    let is_master = |router: usize| (hosts[router].has_address(VIP) && !hosts[1 - router].has_address(VIP)).then_some(());
    let mut first = start(0);
    let _second = start(1);
    eventually("the better one is master", || is_master(0));
    let client = Client::start(&user, VIP);
    let learnt = |when: &str, router: usize| {
        client.wait_answer();
        speaks_by_itself(&hosts[router], owns[router]);
        client.wait_answer();
        assert_eq!(neighbour(&user, VIP), Some(VMAC), "{when}");
    };
    learnt("at first", 0);
    assert!(first.stop().success(), "{}", first.text());
    eventually("the other takes over", || is_master(1));
    learnt("after the fail-over", 1);
    let _first = start(0);
    eventually("the better one is master again", || is_master(0));
    learnt("after the fail-back", 0);
    // What was the second way to the network is the first one then.
    hosts[0].ip("link set eth0 down");
    eventually("the other takes over", || is_master(1));
    hosts[0].ip("link set eth0 up");
    eventually("the better one is master once more", || is_master(0));
    learnt("after the parent was down", 0);

    let asked = capture.select(|frame| frame.arp().filter(|arp| arp.sender == VIP_V4 && arp.sender_mac != VMAC).cloned());
    assert!(asked.is_empty(), "the address is said to be elsewhere: {asked:?}");
    // Nor is a router's own address said to be at the virtual MAC, which will be another router's.
    let own: Vec<Ipv4Addr> = owns.iter().map(|own| own.parse().expect("an address")).collect();
    let wrong = capture.select(|frame| frame.arp().filter(|arp| own.contains(&arp.sender) && arp.sender_mac == VMAC).cloned());
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// How the virtual MAC looks that is as we made it.
fn is_as_made(host: &Host) -> Option<()> {
    let shown = host.ip("-d -o link show dev vrrp.51");
    (shown.contains(&VMAC.to_string()) && shown.contains("macvlan mode private") && !shown.contains("NOARP") && shown.contains(",UP"))
        .then_some(())
}

#[test]
fn a_virtual_mac_that_another_program_changes_is_made_as_it_was() {
    let lan = Lan::new();
    let host = router(&lan);
    let before = Snapshot::of(&host);
    let mut daemon = Daemon::start(&host, &standfast(), &configuration(150, "use_vmac"));
    eventually("it is master", || carries(&host, "vrrp.51", VIP));
    for change in ["link set vrrp.51 address 02:00:00:00:00:99", "link set vrrp.51 type macvlan mode bridge", "link set vrrp.51 arp off"] {
        let (told, faults) = (daemon.said("vrrp.51 was changed by another program"), daemon.said("FAULT"));
        host.ip(change);
        eventually(change, || is_as_made(&host));
        daemon.wait_said_times("vrrp.51 was changed by another program", told + 1);
        carries(&host, "vrrp.51", VIP).expect("its address stays");
        assert_eq!(daemon.said("FAULT"), faults, "{change}");
        // So that each counts by itself, and none of them too much.
        pause(Duration::from_millis(300));
    }
    host.ip("link set vrrp.51 down");
    daemon.wait_said("FAULT: interface vrrp.51 is down");
    eventually("its address is given up", || carries(&host, "vrrp.51", VIP).is_none().then_some(()));
    host.ip("link set vrrp.51 up");
    eventually("it is master again", || carries(&host, "vrrp.51", VIP));
    assert!(daemon.stop().success(), "{}", daemon.text());
    before.assert_back(&host);
}

#[test]
fn who_keeps_changing_a_virtual_mac_is_given_way_to_for_a_while() {
    let lan = Lan::new();
    let host = router(&lan);
    let mut daemon = Daemon::start(&host, &standfast(), &configuration(150, "use_vmac"));
    eventually("it is master", || carries(&host, "vrrp.51", VIP));
    eventually("it gives in", || {
        host.ip("link set vrrp.51 address 02:00:00:00:00:99");
        pause(Duration::from_millis(250));
        carries(&host, "vrrp.51", VIP).is_none().then_some(())
    });
    daemon.wait_said("FAULT: another program keeps changing its interface");
    assert!(daemon.stop().success(), "{}", daemon.text());
    assert!(host.attempt("ip link show dev vrrp.51").is_err(), "it goes all the same");
}

#[test]
fn a_virtual_mac_that_was_changed_while_nobody_ran_is_made_as_it_was_by_the_next_start() {
    for change in [
        &["address 02:00:00:00:00:99"][..],
        &["type macvlan mode bridge"],
        &["arp off"],
        &["type macvlan mode bridge", "address 02:00:00:00:00:99"],
    ] {
        let lan = Lan::new();
        let host = router(&lan);
        let before = Snapshot::of(&host);
        let daemon = Daemon::start(&host, &standfast(), &configuration(150, "use_vmac"));
        eventually("it is master", || carries(&host, "vrrp.51", VIP));
        settle(&host, &daemon);
        kill(daemon);
        for change in change {
            host.ip(&format!("link set vrrp.51 {change}"));
        }
        assert!(is_as_made(&host).is_none(), "{change:?}");
        let mut daemon = Daemon::start(&host, &standfast(), &configuration(150, "use_vmac"));
        eventually("it is as it was", || is_as_made(&host));
        daemon.wait_said("Entering MASTER STATE");
        eventually("its address is there", || carries(&host, "vrrp.51", VIP));
        assert_eq!(host.ip("-o link show type macvlan").lines().count(), 1, "there is no second one");
        assert!(daemon.stop().success(), "{}", daemon.text());
        before.assert_back(&host);
    }
}

#[test]
fn a_virtual_mac_over_ipv6_that_was_changed_while_nobody_ran_is_known_by_its_address() {
    for change in ["address 02:00:00:00:00:99", "type macvlan mode bridge"] {
        let lan = Lan::new();
        let host = router(&lan);
        host.ip("addr add fe80::1/64 dev eth0 nodad");
        let before = Snapshot::of(&host);
        let text = configuration(150, "use_vmac").replace(&format!("{VIP}/24"), "fe80::50/64");
        let daemon = Daemon::start(&host, &standfast(), &text);
        eventually("it is master", || carries(&host, "vrrp.51", "fe80::50"));
        let made = || host.ip("-d -o link show dev vrrp.51");
        let is_as_made = || (made().contains("00:00:5e:00:02:33") && made().contains("macvlan mode private")).then_some(());
        assert!(is_as_made().is_some(), "{}", made());
        kill(daemon);
        host.ip(&format!("link set vrrp.51 {change}"));
        assert!(is_as_made().is_none(), "{change}");
        let mut daemon = Daemon::start(&host, &standfast(), &text);
        eventually("it is as it was", is_as_made);
        daemon.wait_said("vrrp.51 was changed by another program while nobody held it");
        eventually("its address is there", || carries(&host, "vrrp.51", "fe80::50"));
        assert_eq!(host.ip("-o link show type macvlan").lines().count(), 1, "there is no second one");
        assert!(daemon.stop().success(), "{}", daemon.text());
        before.assert_back(&host);
    }
}

/// keepalived does not touch it either (and fails by what it leaves set on the parent): this guards against knowing too much by its
/// name.
#[test]
fn a_macvlan_of_somebody_else_keeps_the_name_that_ours_would_have() {
    let lan = Lan::new();
    let host = router(&lan);
    for line in ["link add vrrp.51 link eth0 address 02:00:00:00:00:99 type macvlan mode bridge", "link set vrrp.51 up"] {
        host.ip(line);
    }
    let before = Snapshot::of(&host);
    let mut daemon = Daemon::start(&host, &standfast(), &configuration(150, "use_vmac"));
    eventually("it is master", || carries(&host, "vrrp1.51", VIP));
    assert!(host.ip("-d -o link show dev vrrp.51").contains("02:00:00:00:00:99"));
    assert!(daemon.stop().success(), "{}", daemon.text());
    before.assert_back(&host);
}

/// Until it has set all that it sets, and has kept what was before, if it does so at all.
fn settle(host: &Host, daemon: &Daemon) {
    daemon.wait_said("Entering MASTER STATE");
    let kept = host.folder().join("r.settings");
    let is_kept = || std::fs::read_to_string(&kept).ok().filter(|text| text.contains(" arp_ignore ") && text.contains(" arp_announce "));
    // Who does not will not have given anything back in the end.
    let _ = within(Duration::from_secs(10), is_kept);
}

/// As when the machine dies. keepalived would not start beside what is left of its processes.
fn kill(daemon: Daemon) {
    let all = daemon.processes();
    daemon.kill_all();
    drop(daemon);
    let is_there = |pid: &u32| std::path::Path::new("/proc").join(pid.to_string()).exists();
    let _ = within(Duration::from_secs(5), || (!all.iter().any(is_there)).then_some(()));
}

fn filter(host: &Host) {
    for (name, value) in [("all/rp_filter", "1"), ("eth0/arp_ignore", "2"), ("eth0/arp_filter", "0"), ("eth0/arp_announce", "1")] {
        host.write(&format!("/proc/sys/net/ipv4/conf/{name}"), value);
    }
}

#[test]
fn what_settings_were_is_known_after_the_end_of_all_processes() {
    let lan = Lan::new();
    let host = router(&lan);
    filter(&host);
    let before = Snapshot::of(&host);
    for _ in 0..2 {
        let daemon = Daemon::start(&host, &standfast(), &configuration(150, "use_vmac"));
        eventually("it is master", || carries(&host, "vrrp.51", VIP));
        settle(&host, &daemon);
        kill(daemon);
    }
    let mut daemon = Daemon::start(&host, &standfast(), &configuration(150, "use_vmac"));
    daemon.wait_said("Entering MASTER STATE");
    assert!(daemon.stop().success(), "{}", daemon.text());
    before.assert_back(&host);
    assert!(!host.folder().join("r.settings").exists());
}

#[test]
fn a_start_without_virtual_macs_gives_back_what_one_with_them_had_set() {
    let lan = Lan::new();
    let host = router(&lan);
    filter(&host);
    let setting = |name: &str| host.sh(&format!("sysctl -n net.ipv4.conf.{name}")).trim().to_owned();
    let names = ["all.rp_filter", "default.rp_filter", "eth0.rp_filter", "eth0.arp_ignore", "eth0.arp_filter", "eth0.arp_announce"];
    let before = names.map(setting);
    let daemon = Daemon::start(&host, &standfast(), &configuration(150, "use_vmac"));
    eventually("it is master", || carries(&host, "vrrp.51", VIP));
    settle(&host, &daemon);
    assert_ne!(names.map(setting), before);
    kill(daemon);
    let mut daemon = Daemon::start(&host, &standfast(), &configuration(150, ""));
    eventually("all is as it was", || (names.map(setting) == before).then_some(()));
    assert!(daemon.stop().success(), "{}", daemon.text());
    assert_eq!(names.map(setting), before);
}

#[test]
fn who_has_one_of_our_ipv6_addresses_already_is_told_of() {
    let lan = Lan::new();
    let (host, other) = (router(&lan), Host::new("other"));
    lan.join(Side::Left, &other, "eth0", &["10.0.0.9/24"]);
    other.ip("addr add 2001:db8::50/64 dev eth0 nodad");
    let text = "vrrp_instance V6 {\ninterface eth0\nvirtual_router_id 52\npriority 150\nadvert_int 0.3\n\
                virtual_ipaddress {\nfe80::50\n2001:db8::50/64 -nodad\n}\n}\n";
    host.write("/proc/sys/net/ipv6/conf/eth0/accept_dad", "1");
    let daemon = Daemon::start(&host, &standfast(), text);
    daemon.wait_said("(V6) another host has 2001:db8::50 on eth0 (duplicate address detection)");
    assert!(host.ip("-o addr show dev eth0").lines().any(|line| line.contains("2001:db8::50/") && line.contains("dadfailed")));
}

/// What the kernel has queued for the socket that hears adverts, in bytes as it counts them.
fn queued(host: &Host) -> u32 {
    const GROUP: &str = "120000E0:0070";
    let sockets = host.sh("cat /proc/thread-self/net/raw");
    let queue = sockets.lines().find(|line| line.contains(GROUP)).and_then(|line| line.split_whitespace().nth(4)?.split(':').nth(1));
    queue.map_or(0, |queue| u32::from_str_radix(queue, 16).expect("a number"))
}

/// keepalived does that, too: it guards what the keywords are for.
#[test]
fn receive_buffers_are_as_large_as_configured() {
    /// A packet is counted with all that the kernel keeps with it, and the last one may go beyond the end.
    const PACKET: u32 = 4096;
    let lan = Lan::new();
    let (host, other) = (router(&lan), Host::new("other"));
    lan.join(Side::Left, &other, "eth0", &["10.0.0.9/24"]);
    let usual: u32 = host.sh("sysctl -n net.core.rmem_default").trim().parse().expect("a number");
    // The kernel doubles what it is asked for.
    for (global, more, want) in [
        ("", "", usual),
        ("vrrp_rx_bufs_policy 30000", "", 60_000),
        ("vrrp_rx_bufs_policy MTU\nvrrp_rx_bufs_multiplier 6", "", 18_000),
        ("vrrp_rx_bufs_policy 30000", "kernel_rx_buf_size 20000", 40_000),
        ("", "kernel_rx_buf_size 20000", 40_000),
    ] {
        let text = format!("global_defs {{\n{global}\n}}\n{}", configuration(150, more));
        let daemon = Daemon::start(&host, &standfast(), &text);
        daemon.wait_said("Entering MASTER STATE");
        daemon.freeze();
        let frame = Forged { version: 3, ..Forged::new(other.mac("eth0"), Ipv4Addr::new(10, 0, 0, 9), 51, 1, &[VIP_V4]) }.frame();
        let sender = Sender::new(&other, "eth0");
        // Twice as many as there is room for.
        let found = eventually("it is full", || {
            let before = queued(&host);
            for _ in 0..usual / 256 {
                sender.send(&frame);
            }
            Some(queued(&host)).filter(|&now| now > 0 && now == before)
        });
        assert!((want..want + PACKET).contains(&found), "{global} {more}: {found} in place of {want}");
        daemon.thaw();
    }
}

/// keepalived does that, too: it guards what the keywords are for.
#[test]
fn netlink_sockets_have_as_much_room_as_configured() {
    let lan = Lan::new();
    let host = router(&lan);
    let most: u32 = host.sh("sysctl -n net.core.rmem_max").trim().parse().expect("a number");
    let more = most + 50_000;
    // One asks and one writes; one listens.
    for (kind, sockets) in [("cmd", 2), ("monitor", 1)] {
        let keyword = format!("vrrp_netlink_{kind}_rcv_bufs");
        for (lines, want) in [
            (format!("{keyword} 30000"), 30_000),
            (format!("{keyword} {more}"), most),
            (format!("{keyword} {more}\n{keyword}_force"), more),
        ] {
            // The kernel doubles it, for what it spends itself.
            let word = format!("rb{},", want * 2);
            // A socket that listens is shown twice.
            let all = || host.sh("ss -f netlink -a -m -n");
            let count = || all().lines().filter(|line| line.contains(&word)).collect::<BTreeSet<_>>().len();
            assert_eq!(count(), 0, "nobody else has that much");
            let daemon = Daemon::start(&host, &standfast(), &format!("global_defs {{\n{lines}\n}}\n{}", configuration(150, "")));
            daemon.wait_said("Entering MASTER STATE");
            assert_eq!(count(), sockets, "{lines}");
        }
    }
}

/// keepalived manages that, too. It guards against a start or an event that takes longer with each interface of others.
#[test]
fn thousands_of_interfaces_are_nothing_to_those_who_live_on_others() {
    let lan = Lan::new();
    let host = router(&lan);
    let others: Vec<String> = (0..1000)
        .flat_map(|n| [format!("link add d{n} type veth peer name x{n}"), format!("link set d{n} up"), format!("link set x{n} up")])
        .collect();
    host.ip_batch(&others);
    let mut daemon = Daemon::start(
        &host,
        &standfast(),
        &(configuration(150, "use_vmac")
            + &configuration(150, "").replace("VI {", "V2 {").replace("id 51", "id 52").replace("eth0", "d999").replace(VIP, "10.2.0.52")),
    );
    eventually("it is master", || carries(&host, "vrrp.51", VIP));
    host.ip("link del d0");
    host.ip("link set d1 down");
    host.ip("link set d1 up");
    eventually("it is still heard", || host.has_address(VIP).then_some(()));
    assert!(daemon.stop().success(), "{}", daemon.text());
    assert!(!host.has_address(VIP));
}

/// No daemon takes part: it guards our way of asking the kernel.
#[test]
fn each_way_of_polling_tells_what_the_carrier_is() {
    use standfast::kernel::linkbeat::Poller;
    use standfast::model::vrrp::{Linkbeat, LinkbeatMethod};
    let lan = Lan::new();
    let host = router(&lan);
    let methods = [LinkbeatMethod::Any, LinkbeatMethod::Mii, LinkbeatMethod::Ethtool, LinkbeatMethod::Ioctl];
    let start = move || {
        let beat = |method| Linkbeat { interface: "eth0".into(), method };
        methods.map(|method| Poller::start(vec![beat(method)]).expect("a thread"))
    };
    let pollers = host.run(start);
    let mut known = [None; 4];
    let mut tells = |want: bool| {
        eventually("all of them tell", || {
            for (poller, known) in pollers.iter().zip(&mut known) {
                let answers = poller.answers();
                assert!(answers.iter().all(|(name, _)| **name == *"eth0"), "{answers:?}");
                *known = answers.last().map(|(_, up)| *up).or(*known);
            }
            (known == [Some(want); 4]).then_some(())
        });
    };
    tells(true);
    lan.unplug(&host, "eth0");
    tells(false);
    lan.plug(&host, "eth0");
    tells(true);
}
