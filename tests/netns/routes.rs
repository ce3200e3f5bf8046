//! Routes and rules as a running daemon holds them: every word of their language, with `ip` as the witness; what others do to
//! them; and what interfaces do.

use crate::bench::wait::within;
use crate::bench::{Daemon, Host, Program, eventually};
use nix::sys::signal::Signal;

fn standfast() -> Program {
    Program::standfast(env!("CARGO_BIN_EXE_standfast"))
}

/// A machine with two cables that go nowhere else, and two addresses of each family.
fn machine(name: &str) -> Host {
    let host = Host::new(name);
    for (near, far) in [("e0", "p0"), ("e1", "p1")] {
        host.ip(&format!("link add {near} type veth peer name {far}"));
        for name in [near, far] {
            host.ip(&format!("link set {name} addrgenmode none up"));
        }
    }
    for line in ["10.9.0.10/24 dev e0", "10.9.0.11/24 dev e0", "10.8.0.10/24 dev e1"] {
        host.ip(&format!("addr add {line}"));
    }
    for line in ["fd00:9::10/64 dev e0", "fd00:9::11/64 dev e0"] {
        host.ip(&format!("addr add {line} nodad"));
    }
    host
}

/// All routes but those that the kernel makes itself, and all rules. The time that a route has left is no matter.
fn state(host: &Host) -> String {
    let mut text = String::new();
    for family in ["-4", "-6"] {
        for line in host.ip(&format!("-d -N {family} route show table all")).lines() {
            // Multipath routes go on in lines of their own.
            if line.contains("proto 2 ") && !line.starts_with('\t') {
                continue;
            }
            let mut words: Vec<&str> = line.split_whitespace().collect();
            if let Some(at) = words.iter().position(|word| *word == "expires") {
                words[at + 1] = "(soon)";
            }
            text += &words.join(" ");
            text.push('\n');
        }
        text += &host.ip(&format!("-d -N {family} rule show"));
    }
    text
}

fn block(name: &str, lines: &[String]) -> String {
    if lines.is_empty() { String::new() } else { format!("{name} {{\n {}\n}}\n", lines.join("\n ")) }
}

/// An instance that is master at once and holds these.
fn master(routes: &[String], rules: &[String]) -> String {
    format!(
        "vrrp_instance VI {{\ninterface e0\nvirtual_router_id 51\nversion 3\npriority 255\nstate MASTER\nadvert_int 1\n\
         virtual_ipaddress {{\n 10.9.0.10\n}}\n{}{}}}\n",
        block("virtual_routes", routes),
        block("virtual_rules", rules)
    )
}

/// A route as the configuration has it and as `ip` does, which is told `prepend` and our number as the protocol.
#[derive(Clone, Copy)]
struct Row {
    ours: &'static str,
    ip: &'static str,
    /// What it is that the line is for; `ip` shows it.
    shown: &'static str,
}

const fn same(line: &'static str, shown: &'static str) -> Row {
    Row { ours: line, ip: line, shown }
}

const fn row(ours: &'static str, ip: &'static str, shown: &'static str) -> Row {
    Row { ours, ip, shown }
}

const ROUTES: &[Row] = &[
    same("10.77.0.0/24 via 10.9.0.20", "via 10.9.0.20 dev e0"),
    row("to 10.77.1.0/24 gw 10.9.0.20", "10.77.1.0/24 via 10.9.0.20", "via 10.9.0.20"),
    row("inet 10.77.2.0/24 via inet 10.9.0.20", "10.77.2.0/24 via 10.9.0.20", "via 10.9.0.20"),
    row(
        "10.77.3.0/24 via 10.9.0.20 or 10.9.0.21",
        "10.77.3.0/24 nexthop via 10.9.0.20 nexthop via 10.9.0.21",
        "nexthop via 10.9.0.21 dev e0 weight 1",
    ),
    row("10.77.4.0/24 dev e1", "10.77.4.0/24 dev e1 scope global", "dev e1"),
    row("10.77.5.0/24 oif e1 scope link", "10.77.5.0/24 dev e1 scope link", "scope 253"),
    row("10.77.6.0/24 dev e1 scope 254", "10.77.6.0/24 dev e1 scope host", "scope 254"),
    same("10.77.7.0/24 via 10.9.0.20 src 10.9.0.11", "src 10.9.0.11"),
    same("10.77.8.0/24 via 10.9.0.20 tos 0x10", "tos 0x10"),
    row("10.77.9.0/24 via 10.9.0.20 dsfield 8", "10.77.9.0/24 via 10.9.0.20 tos 8", "tos 0x08"),
    same("10.77.10.0/24 via 10.9.0.20 table 70", "table 70 "),
    same("10.77.11.0/24 via 10.9.0.20 table 70000", "table 70000 "),
    row("10.77.12.0/24 via 10.9.0.20 table upstream", "10.77.12.0/24 via 10.9.0.20 table 711", "table 711 "),
    row("10.77.13.0/24 via 10.9.0.20 protocol static no_track", "10.77.13.0/24 via 10.9.0.20 proto static", "proto 4 "),
    same("10.77.14.0/24 via 10.9.0.20 metric 7", "metric 7"),
    same("10.77.15.0/24 via 10.9.0.20 priority 8", "metric 8"),
    same("10.77.16.0/24 via 10.9.0.20 preference 9", "metric 9"),
    same("10.77.17.0/24 via 192.0.2.1 dev e0 onlink", "onlink"),
    same("10.77.18.0/24 via 10.9.0.20 mtu 1400", " mtu 1400"),
    same("10.77.19.0/24 via 10.9.0.20 mtu lock 1401", " mtu lock 1401"),
    same("10.77.20.0/24 via 10.9.0.20 advmss 1300", "advmss 1300"),
    same("10.77.21.0/24 via 10.9.0.20 advmss lock 1301", "advmss lock 1301"),
    same("10.77.22.0/24 via 10.9.0.20 reordering 5", "reordering 5"),
    same("10.77.23.0/24 via 10.9.0.20 reordering lock 6", "reordering lock 6"),
    same("10.77.24.0/24 via 10.9.0.20 cwnd 20", "cwnd 20"),
    same("10.77.25.0/24 via 10.9.0.20 cwnd lock 21", "cwnd lock 21"),
    same("10.77.26.0/24 via 10.9.0.20 ssthresh 9", "ssthresh 9"),
    same("10.77.27.0/24 via 10.9.0.20 ssthresh lock 10", "ssthresh lock 10"),
    same("10.77.28.0/24 via 10.9.0.20 rtt 300ms", "rtt 300ms"),
    same("10.77.29.0/24 via 10.9.0.20 rtt lock 1s", "rtt lock 1s"),
    same("10.77.30.0/24 via 10.9.0.20 rttvar 250ms", "rttvar 250ms"),
    same("10.77.31.0/24 via 10.9.0.20 rttvar lock 1.5s", "rttvar lock 1.5s"),
    // ip knows it with the lock only.
    row("10.77.33.0/24 via 10.9.0.20 rto_min lock 310ms", "10.77.33.0/24 via 10.9.0.20 rto_min 310ms", "rto_min lock 310ms"),
    same("10.77.34.0/24 via 10.9.0.20 hoplimit 33", "hoplimit 33"),
    same("10.77.35.0/24 via 10.9.0.20 window 8000", "window 8000"),
    same("10.77.36.0/24 via 10.9.0.20 initcwnd 12", "initcwnd 12"),
    same("10.77.37.0/24 via 10.9.0.20 initrwnd 13", "initrwnd 13"),
    same("10.77.38.0/24 via 10.9.0.20 features ecn", "features ecn"),
    same("10.77.39.0/24 via 10.9.0.20 quickack 1", "quickack 1"),
    same("10.77.40.0/24 via 10.9.0.20 fastopen_no_cookie 1", "fastopen_no_cookie 1"),
    same("10.77.41.0/24 via 10.9.0.20 congctl reno", "congctl reno"),
    same("10.77.42.0/24 via 10.9.0.20 congctl lock reno", "congctl lock reno"),
    same("10.77.43.0/24 via 10.9.0.20 realms 3/4", "realms 3/4"),
    same("10.77.44.0/24 via 10.9.0.20 realms 5", "realm 5"),
    same("10.77.45.0/24 via 10.9.0.20 ttl-propagate enabled", "via 10.9.0.20"),
    same("unicast 10.77.46.0/24 via 10.9.0.20", "1 10.77.46.0/24"),
    row("local 10.77.47.1 dev e0", "local 10.77.47.1 dev e0 table main", "2 10.77.47.1"),
    row("broadcast 10.77.48.255 dev e0 table 72", "broadcast 10.77.48.255 dev e0 table 72", "3 10.77.48.255"),
    row("brd 10.77.49.255 dev e0 table 72", "broadcast 10.77.49.255 dev e0 table 72", "3 10.77.49.255"),
    row("anycast 10.77.50.1 dev e0 table 72", "anycast 10.77.50.1 dev e0 table 72", "4 10.77.50.1"),
    row("multicast 239.77.0.0/24 dev e1 table 72", "multicast 239.77.0.0/24 dev e1 table 72 scope global", "5 239.77.0.0/24"),
    same("blackhole 10.77.51.0/24", "6 10.77.51.0/24"),
    same("unreachable 10.77.52.0/24", "7 10.77.52.0/24"),
    same("prohibit 10.77.53.0/24", "8 10.77.53.0/24"),
    same("throw 10.77.54.0/24", "9 10.77.54.0/24"),
    same("default via 10.9.0.20 metric 99", "default via 10.9.0.20"),
    same("10.77.60.0/24 via 10.9.0.20", "via 10.9.0.20"),
    row("10.77.60.0/24 via 10.9.0.21 prepend", "10.77.60.0/24 via 10.9.0.21", "via 10.9.0.21"),
    row("10.77.60.0/24 via 10.9.0.22 append", "append 10.77.60.0/24 via 10.9.0.22", "via 10.9.0.22"),
    row("10.77.61.0/24 via 10.9.0.20 add", "add 10.77.61.0/24 via 10.9.0.20", "via 10.9.0.20"),
    same(
        "10.77.70.0/24 nexthop via 10.9.0.20 weight 2 nexthop via 192.0.2.2 dev e0 weight 256 onlink",
        "nexthop via 192.0.2.2 dev e0 weight 256 onlink",
    ),
    same("10.77.71.0/24 nexthop via 10.9.0.20 realms 7 nexthop via 10.9.0.21 realms 8/9", "realms 8/9"),
    row(
        "10.77.80.0/24 dev e1 scope link encap ip id 5 dst 192.0.2.1 src 192.0.2.2 tos 4 ttl 9 flags 4",
        "10.77.80.0/24 encap ip id 5 dst 192.0.2.1 src 192.0.2.2 tos 4 ttl 9 key dev e1 scope link",
        "encap ip id 5 src 192.0.2.2 dst 192.0.2.1 ttl 9 tos 4 key",
    ),
    row(
        "10.77.81.0/24 nexthop via 10.9.0.20 encap ip id 6 dst 192.0.2.1 nexthop via 10.9.0.21",
        "10.77.81.0/24 nexthop encap ip id 6 dst 192.0.2.1 via 10.9.0.20 nexthop via 10.9.0.21",
        "encap ip id 6",
    ),
    same("fd00:77::/64 via fd00:9::20", "via fd00:9::20 dev e0"),
    row("fd00:77:1::/64 via inet6 fd00:9::20 dev e0", "fd00:77:1::/64 via fd00:9::20 dev e0", "dev e0"),
    same("fd00:77:2::/64 dev e1", "dev e1"),
    same("fd00:77:3::/64 from fd00:9::/64 via fd00:9::20", "from fd00:9::/64"),
    same("fd00:77:4::/64 via fd00:9::20 src fd00:9::11", "src fd00:9::11"),
    same("fd00:77:5::/64 via fd00:9::20 metric 7", "metric 7"),
    same("fd00:77:6::/64 via fd00:9::20 expires 600", "expires (soon)"),
    same("fd00:77:7::/64 via fd00:9::20 pref high", "pref high"),
    same("fd00:77:8::/64 via fd00:9::20 pref low", "pref low"),
    same("fd00:77:9::/64 via fd00:9::20 mtu lock 1400", "mtu lock 1400"),
    same("fd00:77:a::/64 via fd00:9::20 table 101", "table 101 "),
    same("fd00:77:b::/64 nexthop via fd00:9::20 weight 2 nexthop via fd00:9::21 dev e0", "via fd00:9::20 dev e0 weight 2"),
    same("unreachable fd00:77:c::/64", "7 fd00:77:c::/64"),
    row("default6 via fd00:9::20 metric 98", "default via fd00:9::20 metric 98", "default via fd00:9::20"),
    row("inet6 default via fd00:9::20 table 102", "default via fd00:9::20 table 102", "table 102 "),
    row(
        "fd00:77:d::/64 dev e1 encap ip6 id 6 dst fd00:1::1 src fd00:1::2 tc 5 hoplimit 7",
        "fd00:77:d::/64 encap ip6 id 6 dst fd00:1::1 src fd00:1::2 tc 5 hoplimit 7 dev e1",
        "encap ip6 id 6 src fd00:1::2 dst fd00:1::1 hoplimit 7 tc 5",
    ),
];

/// Likewise; `ip` is told our number as the protocol.
const RULES: &[Row] = &[
    same("from 10.1.0.0/24 table 100 priority 1000", "from 10.1.0.0/24 lookup 100"),
    row("from all to 10.2.0.0/24 lookup 101 preference 1001", "to 10.2.0.0/24 table 101 priority 1001", "to 10.2.0.0/24 lookup 101"),
    row("not from 10.3.0.1 table upstream order 1002", "not from 10.3.0.1 table 711 priority 1002", "not from 10.3.0.1 lookup 711"),
    same("tos 0x10 table 100 priority 1003", "tos 0x10"),
    row("dsfield 8 table 100 priority 1004", "tos 8 table 100 priority 1004", "tos 0x08"),
    same("fwmark 5 table 100 priority 1005", "fwmark 0x5 "),
    same("fwmark 6/0xff table 100 priority 1006", "fwmark 0x6/0xff"),
    same("iif e1 table 100 priority 1007", "iif e1"),
    same("oif e1 table 100 priority 1008", "oif e1"),
    same("uidrange 5-9 table 100 priority 1009", "uidrange 5-9"),
    same("ipproto tcp table 100 priority 1010", "ipproto ipproto-6 "),
    same("ipproto udp sport 53 table 100 priority 1011", "sport 53"),
    same("ipproto 17 dport 6-9 table 100 priority 1012", "dport 6-9"),
    row("tunnel-id 7 table 100 priority 1013", "tun_id 7 table 100 priority 1013", "tun_id 7"),
    same("from 10.4.0.1 realms 3/4 table 100 priority 1014", "realms 3/4"),
    same("from 10.4.0.2 table 100 suppress_prefixlength 8 priority 1015", "suppress_prefixlength 8"),
    same("from 10.4.0.3 table 100 suppress_ifgroup 6 priority 1016", "suppress_ifgroup 6"),
    same("from 10.5.0.1 goto 2000 priority 1017", "goto 2000"),
    same("from 10.5.0.2 nop priority 1018", "nop"),
    same("from 10.5.0.3 blackhole priority 1019", "from 10.5.0.3 6 "),
    same("from 10.5.0.4 unreachable priority 1020", "from 10.5.0.4 7 "),
    row("from 10.5.0.5 type prohibit priority 1021", "from 10.5.0.5 prohibit priority 1021", "from 10.5.0.5 8 "),
    row("from 10.5.0.6 table 70000 protocol 4 no_track priority 1022", "from 10.5.0.6 table 70000 protocol 4 priority 1022", "proto 4"),
    row("from 10.6.0.1 table 100", "from 10.6.0.1 table 100 priority 16384", "16384:"),
    row("from 10.6.0.2 table 100", "from 10.6.0.2 table 100 priority 16383", "16383:"),
    row("inet nop priority 1999", "nop priority 1999", "1999:"),
    same("nop priority 2000", "2000:"),
    row("inet6 nop priority 2001", "-6 nop priority 2001", "2001:"),
    row("from fd00:5::/64 table 100 priority 2002", "-6 from fd00:5::/64 table 100 priority 2002", "from fd00:5::/64"),
    row(
        "to fd00:6::/64 iif e1 ipproto tcp dport 22 prohibit priority 2003",
        "-6 to fd00:6::/64 iif e1 ipproto tcp dport 22 prohibit priority 2003",
        "dport 22",
    ),
    row("from fd00:7::1 table 100", "-6 from fd00:7::1 table 100 priority 16384", "16384:"),
];

fn ours(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| row.ours.to_owned()).collect()
}

/// Has `ip` do the same.
fn witness(host: &Host, routes: &[Row], rules: &[Row]) {
    for row in routes {
        let (verb, line) = match row.ip.split_once(' ') {
            Some((verb @ ("append" | "add"), line)) => (verb, line),
            _ => ("prepend", row.ip),
        };
        let protocol = if line.contains(" proto ") { "" } else { "protocol 18" };
        // What stands behind the first hop would belong to the last one.
        let (head, tail) = line.find(" nexthop ").map_or((line, ""), |at| line.split_at(at));
        let family = if line.contains("fd00:77") || line.starts_with("default via fd00") { "-6" } else { "-4" };
        host.ip(&format!("{family} route {verb} {head} {protocol} {tail}"));
    }
    for row in rules {
        let (family, line) = row.ip.strip_prefix("-6 ").map_or(("-4", row.ip), |line| ("-6", line));
        let protocol = if line.contains(" protocol ") { "" } else { "protocol 18" };
        host.ip(&format!("{family} rule add {line} {protocol}"));
    }
}

/// The names of iproute2 that the configurations of these tests use.
fn names(host: &Host) -> String {
    let folder = host.folder().join("names");
    std::fs::create_dir_all(&folder).expect("a host's folder is writable");
    std::fs::write(folder.join("rt_tables"), "711 upstream\n").expect("a host's folder is writable");
    format!("global_defs {{\n iproute_etc_dir {}\n}}\n", folder.display())
}

fn without_blanks(text: &str) -> String {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect()
}

#[test]
fn every_word_is_held_as_ip_would_put_it_there() {
    let other = machine("witness");
    let before = state(&other);
    witness(&other, ROUTES, RULES);
    let want = without_blanks(&state(&other));
    // Each row shows what it is for, and so would be missed.
    for row in ROUTES.iter().chain(RULES) {
        let line = |line: &str| line.contains(row.shown) || without_blanks(line).contains(row.shown);
        assert!(want.lines().any(line), "{}: '{}' is not in\n{want}", row.ip, row.shown);
    }

    let host = machine("words");
    assert_eq!(state(&host), before);
    let configuration = names(&host) + &master(&ours(ROUTES), &ours(RULES));
    let mut daemon = Daemon::start(&host, &standfast(), &configuration);
    daemon.wait_said("Entering MASTER STATE");
    // Those to one place that somebody takes away one by one come back in any order.
    let sorted = |text: &str| {
        let mut lines: Vec<String> = without_blanks(text).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let check = || {
        let found = within(crate::bench::PATIENCE, || (sorted(&state(&host)) == sorted(&want)).then_some(()));
        if found.is_none() {
            let got = without_blanks(&state(&host));
            let missing: Vec<&str> = want.lines().filter(|line| !got.lines().any(|other| other == *line)).collect();
            let extra: Vec<&str> = got.lines().filter(|line| !want.lines().any(|other| other == *line)).collect();
            assert_eq!((missing, extra), (vec![], vec![]), "{}", daemon.text());
        }
    };
    check();
    assert_eq!(without_blanks(&state(&host)), want, "in the order of the configuration");

    // Somebody clears it all. It comes back, and nobody leaves MASTER.
    for line in ["-4 route flush table all proto 18", "-6 route flush table all proto 18"] {
        host.ip(line);
    }
    for row in RULES.iter().filter(|row| !row.ours.contains("no_track")) {
        let priority = row.ip.split("priority ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a priority");
        let family = if row.ip.starts_with("-6 ") { "-6" } else { "-4" };
        host.ip(&format!("{family} rule del priority {priority}"));
    }
    check();
    assert_eq!(daemon.said("Entering BACKUP STATE") + daemon.said("Entering FAULT STATE"), 0, "{}", daemon.text());

    // A successor of one that crashed finds all of it, and takes it over without a change.
    daemon.kill_vrrp();
    eventually("another process", || daemon.vrrp());
    daemon.wait_said_times("Entering MASTER STATE", 1);
    check();

    assert!(daemon.stop().success());
    assert_eq!(state(&host), before);
}

fn shows(host: &Host, what: &str) -> bool {
    state(host).lines().any(|line| line.contains(what))
}

#[track_caller]
fn comes(host: &Host, what: &str) {
    eventually(what, || shows(host, what).then_some(()));
}

#[track_caller]
fn goes(host: &Host, what: &str) {
    eventually(&format!("no {what}"), || (!shows(host, what)).then_some(()));
}

fn statics(addresses: &[&str], routes: &[&str], rules: &[&str]) -> String {
    let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    block("static_ipaddress", &lines(addresses)) + &block("static_routes", &lines(routes)) + &block("static_rules", &lines(rules))
}

fn strings(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn what_went_with_an_interface_comes_back_with_it_and_nobody_has_to_name_it() {
    let host = machine("flap");
    let before = state(&host);
    let configuration = statics(
        &["10.8.0.51/24 dev e1", "fd00:8::51/64 dev e1"],
        &[
            "10.50.1.0/24 via 10.8.0.20",
            "10.50.2.0/24 dev e1 src 10.8.0.51",
            "10.50.3.0/24 nexthop via 10.8.0.20 nexthop via 10.8.0.21",
            "10.50.4.0/24 via 10.8.0.20 table 100 no_track",
            "fd00:50::/64 via fd00:8::20",
        ],
        &["iif e1 table 100 priority 900"],
    ) + &master(&strings(&["10.51.0.0/24 via 10.8.0.20 no_track", "10.52.0.0/24 dev e1 no_track"]), &[]);
    let mut daemon = Daemon::start(&host, &standfast(), &configuration);
    daemon.wait_said("Entering MASTER STATE");
    let all = ["10.50.1.0/24", "10.50.2.0/24", "10.50.3.0/24", "10.50.4.0/24", "fd00:50::/64 via", "10.51.0.0/24", "10.52.0.0/24"];
    all.iter().for_each(|what| comes(&host, what));
    let held = state(&host);
    for _ in 0..3 {
        host.ip("link set e1 down");
        all.iter().for_each(|what| goes(&host, what));
        host.ip("link set e1 up");
        all.iter().for_each(|what| comes(&host, what));
        assert_eq!(state(&host), held);
    }
    // Its last IPv4 address takes the routes along as well, and without a word.
    // They need not wait for somebody else: ours is put back at once.
    host.ip("addr flush dev e1 scope global");
    for what in ["10.50.1.0/24", "10.50.2.0/24", "10.50.3.0/24", "10.50.4.0/24", "10.51.0.0/24"] {
        comes(&host, what);
    }
    assert_eq!(daemon.said("Entering BACKUP STATE") + daemon.said("Entering FAULT STATE"), 0, "{}", daemon.text());
    assert!(daemon.stop().success());
    assert_eq!(state(&host), before);
}

#[test]
fn what_cannot_be_there_yet_is_told_of_once_in_the_kernels_words_and_waits() {
    let host = machine("wait");
    host.ip("link set e1 down");
    let configuration = statics(&[], &["10.50.1.0/24 via 10.8.0.20", "10.50.2.0/24 via 10.7.0.20"], &[]) + &master(&[], &[]);
    let mut daemon = Daemon::start(&host, &standfast(), &configuration);
    daemon.wait_said("Entering MASTER STATE");
    eventually("both are told of", || (daemon.said("Nexthop has invalid gateway") == 2).then_some(()));
    host.ip("link set e1 up");
    comes(&host, "10.50.1.0/24");
    host.ip("addr add 10.7.0.10/24 dev e1");
    comes(&host, "10.50.2.0/24");
    assert_eq!(daemon.said("Nexthop has invalid gateway"), 2, "{}", daemon.text());
    assert!(daemon.stop().success());
    assert!(!shows(&host, "proto 18"));
}

#[test]
fn what_is_not_tracked_stays_away_once_somebody_took_it() {
    let host = machine("letgo");
    let configuration = statics(
        &["10.8.0.51/24 dev e1 no_track"],
        &["10.50.1.0/24 via 10.9.0.20 no_track", "10.50.2.0/24 via 10.9.0.20"],
        &["from 10.5.0.1 table 100 priority 900 no_track"],
    ) + &master(
        &strings(&["10.51.0.0/24 via 10.9.0.20 no_track", "10.52.0.0/24 via 10.9.0.20"]),
        &strings(&["from 10.5.0.2 table 100 priority 901 no_track"]),
    );
    let mut daemon = Daemon::start(&host, &standfast(), &configuration);
    daemon.wait_said("Entering MASTER STATE");
    comes(&host, "901:");
    host.ip("addr del 10.8.0.51/24 dev e1");
    for line in ["route del 10.50.1.0/24", "route del 10.51.0.0/24", "rule del priority 900", "rule del priority 901"] {
        host.ip(line);
    }
    // Others are put back meanwhile, and everything is looked over again.
    for what in ["10.50.2.0/24", "10.52.0.0/24"] {
        host.ip(&format!("route del {what}"));
        comes(&host, what);
    }
    host.ip("link set e1 down");
    host.ip("link set e1 up");
    host.ip("route del 10.50.2.0/24");
    comes(&host, "10.50.2.0/24");
    for gone in ["10.50.1.0/24", "10.51.0.0/24", "900:", "901:"] {
        assert!(!shows(&host, gone), "{gone}\n{}", state(&host));
    }
    assert!(!host.has_address("10.8.0.51"));
    // Asked for anew it comes.
    daemon.reload(&(statics(&[], &["10.50.2.0/24 via 10.9.0.20"], &[]) + &master(&[], &[])));
    goes(&host, "10.52.0.0/24");
    daemon.reload(&configuration);
    for back in ["10.50.1.0/24", "10.51.0.0/24", "900:", "901:"] {
        comes(&host, back);
    }
    assert!(daemon.stop().success());
}

#[test]
fn a_route_that_a_predecessor_left_in_another_way_is_replaced() {
    let lines = |mtu: u32| {
        strings(&[
            &format!("10.51.0.0/24 via 10.9.0.20 mtu {mtu}"),
            "10.52.0.0/24 via 10.9.0.20 mtu 1300",
            &format!("10.53.0.0/24 nexthop via 10.9.0.20 nexthop via 10.9.0.21 weight {}", mtu % 100 + 1),
            &format!("fd00:51::/64 via fd00:9::20 mtu {mtu}"),
            &format!("10.54.0.0/24 dev e1 encap ip id {mtu} dst 192.0.2.1"),
        ])
    };
    let host = machine("replace");
    let before = state(&host);
    let daemon = Daemon::start(&host, &standfast(), &master(&lines(1400), &[]));
    daemon.wait_said("Entering MASTER STATE");
    comes(&host, "10.54.0.0/24");
    let old = state(&host);
    daemon.kill_all();
    drop(daemon);
    assert_eq!(state(&host), old, "whoever is killed leaves all behind");
    let mut daemon = Daemon::start(&host, &standfast(), &master(&lines(1401), &[]));
    daemon.wait_said("Entering MASTER STATE");
    let want = old.replace("mtu 1400", "mtu 1401").replace("encap ip id 1400", "encap ip id 1401");
    let want = want.replace("via 10.9.0.21 dev e0 weight 1", "via 10.9.0.21 dev e0 weight 2");
    assert_ne!(want, old);
    let sorted = |text: &str| {
        let mut lines: Vec<String> = without_blanks(text).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let found = within(crate::bench::PATIENCE, || (sorted(&state(&host)) == sorted(&want)).then_some(()));
    assert!(found.is_some(), "{:#?}\n{:#?}", sorted(&state(&host)), sorted(&want));
    assert!(daemon.stop().success());
    assert_eq!(state(&host), before);
}

/// What an interface means for whom: those that name it in what is tracked, and those of the group of a static object.
#[test]
fn an_interface_that_goes_down_fails_those_who_track_it_and_no_others() {
    for (what, is_fault) in [
        ("virtual_routes {\n 10.51.0.0/24 dev e1\n}\n", true),
        ("virtual_routes {\n 10.51.0.0/24 dev e1 no_track\n}\n", false),
        ("virtual_routes {\n 10.51.0.0/24 nexthop via 10.8.0.20 dev e1 nexthop via 10.9.0.20\n}\n", true),
        ("virtual_rules {\n iif e1 table 100\n}\n", true),
        ("virtual_rules {\n oif e1 table 100 no_track\n}\n", false),
        ("", false),
    ] {
        let host = machine("down");
        let configuration = master(&[], &[]).replace("virtual_ipaddress", &format!("{what}virtual_ipaddress"));
        expect_fault(&host, &configuration, is_fault);
    }
    let group = "track_group G {\n group {\n VI\n }\n}\n";
    for (statics, is_fault) in [
        (statics(&["10.8.0.51/24 dev e1 track_group G"], &[], &[]), true),
        (statics(&[], &["10.50.0.0/24 dev e1 track_group G"], &[]), true),
        (statics(&[], &[], &["iif e1 table 100 priority 900 track_group G"]), true),
        (statics(&["10.8.0.51/24 dev e1"], &["10.50.0.0/24 dev e1"], &["iif e1 table 100 priority 900"]), false),
    ] {
        let host = machine("down");
        expect_fault(&host, &(group.to_owned() + &statics + &master(&[], &[])), is_fault);
    }
}

fn expect_fault(host: &Host, configuration: &str, is_fault: bool) {
    let daemon = Daemon::start(host, &standfast(), configuration);
    daemon.wait_said("Entering MASTER STATE");
    host.ip("link set e1 down");
    if is_fault {
        daemon.wait_said("Entering FAULT STATE");
        host.ip("link set e1 up");
        daemon.wait_said_times("Entering MASTER STATE", 2);
    } else {
        // Whatever it makes of that it has made when it has heard of something later.
        host.ip("link set e0 down");
        daemon.wait_said("Entering FAULT STATE");
        let said: Vec<String> = daemon.log().into_iter().map(|(_, line)| line).collect();
        let told = said.iter().find(|line| line.contains("Entering FAULT STATE") || line.contains("e0 is down"));
        assert!(told.is_some() && !said.iter().any(|line| line.contains("e1 is down")), "{configuration}\n{said:#?}");
    }
}

#[test]
fn a_static_address_without_an_interface_goes_to_the_default_one() {
    let host = machine("default");
    let configuration = "global_defs {\n default_interface e1\n}\n".to_owned() + &statics(&["10.8.0.61/24"], &[], &[]) + &master(&[], &[]);
    let mut daemon = Daemon::start(&host, &standfast(), &configuration);
    eventually("it is on e1", || host.ip("-o addr show dev e1").contains("10.8.0.61/24").then_some(()));
    assert!(daemon.stop().success());
    assert!(!host.has_address("10.8.0.61"));
}

/// What both make of the same configuration, and what Debian's keepalived makes otherwise.
#[test]
fn keepalived_holds_the_same_for_the_same_configuration() {
    let alike = |rows: &[Row]| -> Vec<Row> { rows.iter().copied().filter(|row| KNOWN.iter().all(|(line, _)| row.ours != *line)).collect() };
    let (routes, rules) = (alike(ROUTES), alike(RULES));
    assert_eq!(routes.len() + rules.len() + KNOWN.len(), ROUTES.len() + RULES.len(), "all that is known is in the tables");
    let configuration = |host: &Host| names(host) + &master(&ours(&routes), &ours(&rules));
    let states = [standfast(), Program::keepalived()].map(|program| {
        let host = machine("both");
        let before = state(&host);
        let text = configuration(&host)
            .replace(" iproute_etc_dir", if program == standfast() { " iproute_etc_dir" } else { " # iproute_etc_dir" });
        // Debian's knows no such option, but a number.
        let text = if program == standfast() { text } else { text.replace("upstream", "711") };
        let mut daemon = Daemon::start(&host, &program, &text);
        daemon.wait_said("Entering MASTER STATE");
        comes(&host, "fd00:77:c::/64");
        comes(&host, "from fd00:7::1");
        let held = without_blanks(&state(&host));
        assert!(daemon.stop().success());
        let left = without_blanks(&state(&host));
        (held, left == without_blanks(&before))
    });
    let [(ours, clean), (theirs, _)] = &states;
    assert!(*clean);
    let missing: Vec<&str> = theirs.lines().filter(|line| !ours.lines().any(|other| other == *line)).collect();
    let extra: Vec<&str> = ours.lines().filter(|line| !theirs.lines().any(|other| other == *line)).collect();
    assert_eq!((missing, extra), (vec![], vec![]));
}

/// Lines that Debian's keepalived makes something else of, and why.
const KNOWN: &[(&str, &str)] = &[
    ("inet 10.77.2.0/24 via inet 10.9.0.20", INET),
    ("inet6 default via fd00:9::20 table 102", INET),
    ("inet nop priority 1999", INET),
    ("inet6 nop priority 2001", INET),
    ("local 10.77.47.1 dev e0", SCOPE),
    ("broadcast 10.77.48.255 dev e0 table 72", SCOPE),
    ("brd 10.77.49.255 dev e0 table 72", SCOPE),
    ("anycast 10.77.50.1 dev e0 table 72", SCOPE),
    ("10.77.80.0/24 dev e1 scope link encap ip id 5 dst 192.0.2.1 src 192.0.2.2 tos 4 ttl 9 flags 4", "the flags are lost"),
    ("10.77.81.0/24 nexthop via 10.9.0.20 encap ip id 6 dst 192.0.2.1 nexthop via 10.9.0.21", "the encapsulation of a hop is lost"),
    ("ipproto udp sport 53 table 100 priority 1011", PORT),
    ("to fd00:6::/64 iif e1 ipproto tcp dport 22 prohibit priority 2003", PORT),
];

const INET: &str = "the word takes the next one along";
const SCOPE: &str = "it asks for a scope that the kernel refuses";
const PORT: &str = "a range of one port is lost";

#[test]
fn a_metric_is_locked_only_where_the_line_says_so() {
    let host = machine("lock");
    let mut daemon = Daemon::start(&host, &standfast(), &master(&strings(&["10.77.32.0/24 via 10.9.0.20 rto_min 300ms"]), &[]));
    comes(&host, "rto_min 300ms");
    assert!(daemon.stop().success());
}

#[test]
fn a_link_that_blinks_is_no_fault_where_the_configuration_says_so() {
    let host = machine("blink");
    let configuration = "interface_up_down_delays {\n e1 2 0\n}\n".to_owned()
        + &master(&strings(&["10.51.0.0/24 dev e1"]), &[]).replace("advert_int 1\n", "advert_int 2\n");
    let daemon = Daemon::start(&host, &standfast(), &configuration);
    daemon.wait_said("Entering MASTER STATE");
    comes(&host, "10.51.0.0/24");
    host.ip_batch(&strings(&["link set e1 down", "link set e1 up"]));
    // The route went with the blink, and comes back without a change of state.
    comes(&host, "10.51.0.0/24");
    assert_eq!(daemon.said("Entering FAULT STATE"), 0, "{}", daemon.text());
    host.ip("link set e1 down");
    daemon.wait_said("Entering FAULT STATE");
    daemon.signal(Signal::SIGTERM);
}
