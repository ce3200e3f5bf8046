use super::super::Resolver;
use super::LvsInherited;
use crate::config::diagnostic::{Class, Origin, Phase};
use crate::config::draft::Draft;
use crate::config::dump::dump;
use crate::config::host::Stated;
use crate::config::resolve::track::{Known, Trackable, bfd_names};
use crate::config::testing::read;
use crate::model::Model;
use crate::model::checker::{Checker, HttpVersion, Micros, Octet, Probe, RecordType, Reply, Schedule, Sni, Timeout};
use crate::model::lvs::*;
use crate::model::net::Family;
use crate::model::track::Weight;
use std::num::NonZeroU16;
use std::time::Duration;

fn host() -> Stated {
    Stated::with(&["eth0"]).script("/bin/up").script("/bin/down").script("/bin/check")
}

/// Resolves a text with a tracked file `TF` above it; messages as `line class text`, those without a line in keepalived
/// with line 0.
fn load_with(text: &str, inherited: LvsInherited) -> (Lvs, Vec<String>) {
    let (draft, mut problems) = read(text);
    let host = host();
    let mut resolver = Resolver::new(&host, &mut problems);
    let file = Known { at: Origin::default(), weight: Weight { value: 3, reverse: true }, works: true };
    let names = Trackable { bfd: bfd_names(&draft.bfd), files: [("TF".into(), file)].into_iter().collect(), ..Trackable::default() };
    let lvs = resolver.lvs(draft.lvs, &inherited, &names);
    problems.sort();
    let line = |at: Option<Origin>, phase| if phase == Phase::Reading { at.map_or(0, |at| at.line) } else { 0 };
    (lvs, problems.iter().map(|d| format!("{} {} {}", line(d.at, d.phase), d.class.name(), d.text)).collect())
}

fn load(text: &str) -> (Lvs, Vec<String>) {
    load_with(text, LvsInherited::default())
}

/// A faultless virtual server around `lines`, which begin at line 2.
fn with_vs(lines: &str) -> String {
    format!("virtual_server 10.0.0.1 80 {{\n{lines}\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.0.2 8080 {{\n}}\n}}")
}

/// The same around a real server's `lines`, which begin at line 6.
fn with_rs(lines: &str) -> String {
    format!("virtual_server 10.0.0.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.0.2 8080 {{\n{lines}\n}}\n}}")
}

/// The same around a checker's `lines`, which begin at line 7.
fn with_check(kind: &str, lines: &str) -> String {
    with_rs(&format!("{kind} {{\n{lines}\n}}"))
}

fn vs(text: &str) -> VirtualServer {
    let (lvs, problems) = load(text);
    assert!(problems.is_empty(), "{text}: {problems:?}");
    lvs.virtual_servers.into_iter().next().expect("one virtual server")
}

fn rs(text: &str) -> RealServer {
    vs(text).real_servers.into_iter().next().expect("one real server")
}

fn probe(kind: &str, lines: &str) -> (Schedule, Probe) {
    match rs(&with_check(kind, lines)).checkers.into_iter().next() {
        Some(Checker::Probe { schedule, probe }) => (schedule, probe),
        other => unreachable!("{kind} {lines}: {other:?}"),
    }
}

fn seconds(secs: u32) -> Micros {
    Micros::from_secs(secs)
}

#[test]
fn each_keyword_of_a_virtual_server_has_its_effect() {
    type Check = fn(&VirtualServer) -> bool;
    let cases: &[(&str, Check)] = &[
        ("", |v| v.family == Families::One(Family::V4) && v.quorum == 1 && v.hysteresis == 0 && v.persistence.is_none()),
        ("", |v| v.delay_loop == seconds(60) && v.connect_timeout == Timeout::from_secs(5) && v.retry.is_none() && !v.smtp_alert),
        ("ip_family inet", |v| v.family == Families::One(Family::V4)),
        ("flag-1\nflag-3", |v| v.flags == SchedulerFlags { first: true, second: false, third: true }),
        ("lb_algo sh\nsh-port\nsh-fallback", |v| v.flags == SchedulerFlags { first: true, second: true, third: false }),
        ("lvs_sched mh\nmh-port\nsh-fallback", |v| v.flags == SchedulerFlags { first: false, second: true, third: false }),
        ("persistence_timeout", |v| v.persistence.as_ref().is_some_and(|p| p.timeout == Duration::from_secs(360))),
        ("persistence_timeout 50\npersistence_engine sip", |v| v.persistence.as_ref().is_some_and(|p| p.engine.as_deref() == Some("sip"))),
        ("persistence_granularity 255.255.0.0", |v| {
            v.persistence.as_ref().is_some_and(|p| p.granularity == Some(Granularity::Mask("255.255.0.0".parse().expect("a mask"))))
        }),
        ("persistence_granularity 255.0", |v| {
            v.persistence.as_ref().is_some_and(|p| p.granularity == Some(Granularity::Mask("255.0.0.0".parse().expect("a mask"))))
        }),
        ("delay_loop 2.5", |v| v.delay_loop.duration() == Duration::from_millis(2500)),
        ("delay_before_retry 0\nwarmup 3\nretry 7", |v| {
            v.delay_before_retry == Some(seconds(0)) && v.warmup == Some(seconds(3)) && v.retry.is_some_and(|retry| retry.get() == 7)
        }),
        ("connect_timeout 4294.967295", |v| v.connect_timeout.get() == u32::MAX),
        ("inhibit_on_failure no", |v| v.real_servers[0].inhibit),
        ("alpha\nomega\nha_suspend\nsmtp_alert", |v| v.alpha && v.omega && v.ha_suspend && v.smtp_alert && v.real_servers[0].alpha),
        ("virtualhost www.example.org\nsnmp_name \"a b\"", |v| {
            v.virtualhost.as_deref() == Some("www.example.org") && v.snmp_name.as_deref() == Some("a b")
        }),
        ("weight 10\nquorum 9\nhysteresis 8", |v| v.real_servers[0].weight == 10 && (v.quorum, v.hysteresis) == (9, 8)),
        ("quorum_up /bin/up\nquorum_down \"/bin/down a b\"", |v| {
            v.quorum_up.is_some() && v.quorum_down.as_ref().is_some_and(|script| script.argv.len() == 3)
        }),
        ("sorry_server 10.0.0.9", |v| {
            v.sorry_server.as_ref().is_some_and(|s| s.port == 80 && s.forwarding == Forwarding::Nat && !s.inhibit)
        }),
        ("sorry_server 10.0.0.9 81\nsorry_server_inhibit", |v| v.sorry_server.as_ref().is_some_and(|s| s.port == 81 && s.inhibit)),
        ("sorry_server 10.0.0.9\nsorry_server_lvs_method DR", |v| {
            v.sorry_server.as_ref().is_some_and(|s| s.forwarding == Forwarding::DirectRoute)
        }),
    ];
    for (lines, check) in cases {
        let vs = vs(&with_vs(lines));
        assert!(check(&vs), "{lines}: {vs:?}");
    }
    for scheduler in Scheduler::ALL {
        // The last one counts.
        let text = format!("virtual_server 10.0.0.1 80 {{\nlb_algo rr\nlb_algo {}\nlb_kind NAT\nprotocol tcp\n", scheduler.name());
        assert_eq!(vs(&format!("{text}real_server 10.0.0.2 80 {{\n}}\n}}")).scheduler, scheduler);
    }
}

#[test]
fn each_keyword_of_a_real_server_has_its_effect() {
    type Check = fn(&RealServer) -> bool;
    let cases: &[(&str, Check)] = &[
        ("", |r| (r.weight, r.port, r.inhibit, r.alpha, r.smtp_alert) == (1, 8080, false, false, true) && r.details.is_none()),
        ("weight 0\nweight 5", |r| r.weight == 5),
        ("uthreshold 10\nlthreshold 4", |r| (r.upper_threshold, r.lower_threshold) == (10, 4)),
        ("inhibit_on_failure\nalpha on\nsmtp_alert off", |r| r.inhibit && r.alpha && !r.smtp_alert),
        ("notify_up /bin/up\nnotify_down /bin/down", |r| {
            r.details.as_ref().is_some_and(|d| d.notify_up.is_some() && d.notify_down.is_some())
        }),
        ("retry 2\ndelay_before_retry 1\nwarmup 4\nconnect_timeout 3\ndelay_loop 9", |r| {
            r.details.as_ref().is_some_and(|d| {
                d.checks.retry.is_some_and(|retry| retry.get() == 2)
                    && d.checks.delay_before_retry == Some(seconds(1))
                    && d.checks.warmup == Some(seconds(4))
                    && d.checks.connect_timeout == Some(Timeout::from_secs(3))
                    && d.checks.delay_loop == Some(seconds(9))
            })
        }),
        ("virtualhost a\nsnmp_name b", |r| {
            r.details.as_ref().is_some_and(|d| d.virtualhost.as_deref() == Some("a") && d.snmp_name.as_deref() == Some("b"))
        }),
    ];
    for (lines, check) in cases {
        let rs = rs(&with_rs(lines));
        assert!(check(&rs), "{lines}: {rs:?}");
    }
}

#[test]
fn forwarding_methods_and_tunnels() {
    let port = NonZeroU16::new(6080).expect("a port");
    for (method, want) in [
        ("NAT", Forwarding::Nat),
        ("DR", Forwarding::DirectRoute),
        ("DR type gre", Forwarding::DirectRoute),
        ("TUN", Forwarding::Tunnel(Tunnel::Ipip)),
        ("TUN type ipip", Forwarding::Tunnel(Tunnel::Ipip)),
        ("TUN type gre csum", Forwarding::Tunnel(Tunnel::Gre { checksum: Checksum::Usual })),
        ("TUN remcsum type gue port 6080", Forwarding::Tunnel(Tunnel::Gue { port, checksum: Checksum::Remote })),
    ] {
        let text = format!("virtual_server 10.0.0.1 80 {{\nlb_algo rr\nlb_kind {method}\nprotocol TCP\nreal_server 10.0.0.2 {{\n}}\n}}");
        assert_eq!(vs(&text).forwarding, want, "{method}");
        assert_eq!(rs(&text).forwarding, want, "{method}");
    }
    for (method, left, want) in [
        ("nat", None, "PARSER : unknown [nat] routing method for virtual server."),
        ("TUN type", Some(Tunnel::Ipip), "Missing tunnel type for virtual server."),
        ("TUN type vxlan", Some(Tunnel::Ipip), "Unknown tunnel type vxlan for virtual server."),
        ("TUN type gue", Some(Tunnel::Ipip), "gue tunnels require port, otherwise cannot have port."),
        ("TUN type gre port 5", Some(Tunnel::Ipip), "gue tunnels require port, otherwise cannot have port."),
        ("TUN type gue port", Some(Tunnel::Ipip), "Missing port for virtual server gue tunnel."),
        ("TUN type gue port 0", Some(Tunnel::Ipip), "Invalid gue tunnel port 0 for virtual server."),
        ("TUN csum", Some(Tunnel::Ipip), "ipip tunnels do not support checksum option."),
        ("TUN type gre remcsum", Some(Tunnel::Ipip), "gre tunnels do not support remote checksum option."),
        ("TUN sum", Some(Tunnel::Ipip), "Invalid tunnel option sum for virtual server."),
    ] {
        let text = format!(
            "virtual_server 10.0.0.1 80 {{\nlb_algo rr\nlb_kind NAT\nlb_kind {method}\nprotocol TCP\nreal_server 10.0.0.2 {{\n}}\n}}"
        );
        let (lvs, problems) = load(&text);
        assert_eq!(problems, [format!("4 error {want}")], "{method}");
        assert_eq!(lvs.virtual_servers[0].forwarding, left.map_or(Forwarding::Nat, Forwarding::Tunnel), "{method}");
    }
}

#[test]
fn bad_values_are_told_at_their_line_and_leave_the_old_ones() {
    let untouched = vs(&with_vs(""));
    for (line, want) in [
        ("ip_family inet6", "Virtual server specified family inet6 conflicts with server family"),
        ("ip_family inet20", "unknown address family inet20"),
        ("lb_algo wlc2", "Invalid lvs_scheduler 'wlc2' - ignoring"),
        ("sh-port", "sh-port only applies to sh scheduler - ignoring"),
        ("mh-fallback", "mh-fallback only applies to mh scheduler - ignoring"),
        ("hashed", "hashed only applies to sh scheduler - ignoring"),
        ("persistence_timeout 0", "number '0' outside range [1, 2678400]"),
        ("persistence_timeout 5x", "invalid number '5x'"),
        ("persistence_granularity 255.0.0.256", "Invalid IPv4 persistence_granularity specified - 255.0.0.256"),
        ("protocol AH", "Unknown protocol AH - ignoring"),
        ("delay_loop 0", "number '0' outside range [0.000001, 18446744073709.551614]"),
        ("delay_loop string", "invalid number 'string'"),
        ("retry 0", "number '0' outside range [1, 4294967295]"),
        ("delay_before_retry -1", "invalid number '-1'"),
        ("warmup x", "invalid number 'x'"),
        ("connect_timeout 4295", "number '4295' outside range [0.000001, 4294.967295]"),
        ("smtp_alert ON", "Invalid value 'ON' for smtp_alert"),
        ("virtualhost", "virtual server virtualhost missing"),
        ("snmp_name", "virtual server snmp_name missing or extra parameters"),
        ("snmp_name a b", "virtual server snmp_name missing or extra parameters"),
        ("quorum none", "Quorum none must be in [1, 4294967295]. Setting to 1."),
        ("quorum 0", "Quorum 0 must be in [1, 4294967295]. Setting to 1."),
        ("hysteresis -1", "negative number '-1'"),
        ("weight 0", "number '0' outside range [1, 2147483647]"),
        ("sorry_server 10.0.0.300", "Invalid sorry server IP address 10.0.0.300 - skipping"),
        ("sorry_server 10.0.0.3 5x", "Invalid sorry server IP address 10.0.0.3 - skipping"),
        ("sorry_server_inhibit", "Ignoring sorry_server inhibit used before or without sorry_server"),
        ("sorry_server_lvs_method NAT", "sorry_server forwarding used without sorry_server"),
        ("laddr_group_name x", "Unknown keyword 'laddr_group_name'"),
    ] {
        let (lvs, problems) = load(&with_vs(line));
        assert_eq!(problems, [format!("2 error {want}")], "{line}");
        assert_eq!(lvs.virtual_servers, std::slice::from_ref(&untouched), "{line}");
    }
    let untouched = rs(&with_rs(""));
    for (line, want) in [
        ("weight -1", "negative number '-1'"),
        ("weight 2147483648", "number '2147483648' outside range [0, 2147483647]"),
        ("lvs_method dr", "PARSER : unknown [dr] routing method for real server."),
        ("lb_kind NAT", "Unknown keyword 'lb_kind'"),
        ("uthreshold 4294967296", "number '4294967296' outside range [0, 4294967295]"),
        ("lthreshold x", "invalid number 'x'"),
        ("inhibit_on_failure x", "Invalid value 'x' for inhibit_on_failure"),
        ("alpha 1", "Invalid value '1' for alpha"),
        ("retry 0", "number '0' outside range [1, 4294967295]"),
        ("connect_timeout 0", "number '0' outside range [0.000001, 4294.967295]"),
        ("delay_loop 0", "number '0' outside range [0.000001, 18446744073709.551614]"),
        ("virtualhost", "real server virtualhost missing"),
        ("snmp_name a b", "real server snmp_name missing or extra parameters"),
    ] {
        let (lvs, problems) = load(&with_rs(line));
        assert_eq!(problems, [format!("6 error {want}")], "{line}");
        assert_eq!(*lvs.virtual_servers[0].real_servers, *std::slice::from_ref(&untouched), "{line}");
    }
}

#[test]
fn a_missing_argument_ends_keepalived() {
    for (text, line) in [
        ("virtual_server {\n}", 1),
        ("virtual_server fwmark {\n}", 1),
        ("virtual_server group {\n}", 1),
        ("virtual_server_group {\n}", 1),
        ("virtual_server_group g {\nfwmark\n}", 2),
        (&with_vs("lb_algo"), 2),
        (&with_vs("quorum_up"), 2),
        (&with_vs("sorry_server"), 2),
        (&with_rs("weight"), 6),
        (&with_rs("real_server"), 6),
        (&with_check("TCP_CHECK", "connect_ip"), 7),
        (&with_check("DNS_CHECK", "type"), 7),
        (&with_check("FILE_CHECK", "track_file"), 7),
        (&with_check("HTTP_GET", "url {\npath\n}"), 8),
    ] {
        let (_, problems) = load(text);
        let missing = format!("{line} {}", Class::MissingParameter.name());
        let unknown = problems.iter().any(|p| p.contains("Unknown keyword 'real_server'"));
        assert!(unknown || problems.iter().any(|p| p.starts_with(&missing)), "{text}: {problems:?}");
    }
}

#[test]
fn openings_that_cannot_be_used_cost_their_block() {
    let body = "lb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.0.2 80 {\n}\n}";
    for (opening, want) in [
        ("10.0.0.300", "Invalid virtual server IP address 10.0.0.300 - skipping"),
        ("10.0.0.300 80", "Invalid virtual server IP address/port 10.0.0.300/80 - skipping"),
        ("10.0.0.1 99999", "Invalid virtual server IP address/port 10.0.0.1/99999 - skipping"),
        ("10.0.0.1 80x", "Invalid virtual server IP address/port 10.0.0.1/80x - skipping"),
        ("10.0.0.1:80", "Invalid virtual server IP address 10.0.0.1:80 - skipping"),
        ("fwmark x", "virtual server fwmark 'x' must be in [0, 4294967295] - ignoring"),
        ("fwmark 4294967296", "virtual server fwmark '4294967296' must be in [0, 4294967295] - ignoring"),
    ] {
        let (lvs, problems) = load(&format!("virtual_server {opening} {{\n{body}"));
        assert_eq!(problems, [format!("1 error {want}")], "{opening}");
        assert!(lvs.virtual_servers.is_empty());
    }
    // A range or a length behind an address is passed over.
    for opening in ["10.0.0.1/24 80", "10.0.0.1-5 80", "10.0.0.1 80 more"] {
        let service = Service::Address { address: [10, 0, 0, 1].into(), port: 80, protocol: Protocol::Tcp };
        assert_eq!(vs(&format!("virtual_server {opening} {{\n{body}")).service, service);
    }
    for (opening, want) in [("foo", "foo"), ("10.0.0.2 x", "10.0.0.2/x"), ("10.0.0.2 65536", "10.0.0.2/65536")] {
        let text = with_vs(&format!("real_server {opening} {{\nweight 3\n}}"));
        let (lvs, problems) = load(&text);
        assert_eq!(problems, [format!("2 error Invalid real server ip address/port {want} - skipping")]);
        assert_eq!(lvs.virtual_servers[0].real_servers.len(), 1);
    }
}

#[test]
fn a_second_script_is_told_and_ignored() {
    let (lvs, problems) = load(&with_vs("quorum_up /bin/up\nquorum_up /bin/down"));
    assert_eq!(problems, ["3 error ([10.0.0.1]:none:80) quorum_up script already specified - ignoring /bin/down"]);
    assert_eq!(lvs.virtual_servers[0].quorum_up.as_ref().map(|script| &*script.argv[0]), Some("/bin/up"));
}

#[test]
fn group_lines() {
    let group = |line: &str| {
        let (lvs, problems) = load(&format!("virtual_server_group g {{\n10.9.9.9 1\n{line}\n}}"));
        (lvs.groups[0].members.get(1).copied(), problems)
    };
    let addresses = |first: &str, last: &str, port| {
        Some(Member::Addresses { first: first.parse().expect("an address"), last: last.parse().expect("an address"), port })
    };
    for (line, want) in [
        ("10.0.0.1", addresses("10.0.0.1", "10.0.0.1", 0)),
        ("10.0.0.1 80 more", addresses("10.0.0.1", "10.0.0.1", 80)),
        ("10.0.0.1-5 80", addresses("10.0.0.1", "10.0.0.5", 80)),
        ("10.0.0.1-10.1.0.9", addresses("10.0.0.1", "10.1.0.9", 0)),
        ("10.0.0.0/24 80", addresses("10.0.0.0", "10.0.0.255", 80)),
        ("10.0.0.1/32 80", addresses("10.0.0.1", "10.0.0.1", 80)),
        ("2001:db8::3-ffff 80", addresses("2001:db8::3", "2001:db8::ffff", 80)),
        ("2001:db8::/120", addresses("2001:db8::", "2001:db8::ff", 0)),
        ("2001:db8::1/128", addresses("2001:db8::1", "2001:db8::1", 0)),
    ] {
        assert_eq!(group(line), (want, vec![]), "{line}");
    }
    for (line, want) in [("fwmark 5", None), ("fwmark 5 inet", Some(Family::V4)), ("fwmark 5 inet6", Some(Family::V6))] {
        assert!(matches!(group(line).0, Some(Member::Mark { mark, family }) if mark.get() == 5 && family == want), "{line}");
    }
    for (line, want) in [
        ("10.0.0.5-1", "error Address range end is not greater than address range start - 10.0.0.5-1 - skipping"),
        ("10.0.0.1-", "error Address range end is not greater than address range start - 10.0.0.1- - skipping"),
        ("10.0.0.1-256", "error Virtual server group range '10.0.0.1-256' end '256' too large"),
        ("2001:db8::1-10000", "error Virtual server group range '2001:db8::1-10000' end '10000' too large"),
        ("10.0.0.1-5x", "error Virtual server group range '10.0.0.1-5x' has extra characters at end 'x'"),
        ("10.0.0.1-2001:db8::1", "error Invalid range end 10.0.0.1-2001:db8::1 - skipping"),
        ("10.0.0.1/24", "error Address mask bits not empty - 10.0.0.1/24 - skipping"),
        ("10.0.0.0/33", "error Invalid netmask - 10.0.0.0/33 - skipping"),
        ("::/0", "error Invalid netmask - ::/0 - skipping"),
        ("10.0.0.1 x", "error Invalid virtual server group IP address 10.0.0.1 /port/x - skipping"),
        ("foo", "error Invalid virtual server group IP address foo  - skipping"),
        ("fwmark x", "error (g): fwmark 'x' must be in [0, 4294967295] - ignoring"),
        ("fwmark 5 inet4", "error (g): fwmark '5' family inet4 unknown - ignoring"),
        ("fwmark 0", "notice (g): fwmark 0 is no mark - ignoring"),
    ] {
        assert_eq!(group(line), (None, vec![format!("3 {want}")]), "{line}");
    }
}

#[test]
fn groups_that_cannot_be_used_are_told_at_their_end() {
    for (text, want) in [
        ("virtual_server_group g {\n}", "2 error virtual server group g has no entries - removing"),
        (
            "virtual_server_group g {\nfwmark 5 inet\nfwmark 6 inet6\nfwmark 7\n}",
            "5 error virtual server group g cannot have IPv4, IPv6 and fwmark without family - removing",
        ),
        ("virtual_server_group g x {\n10.0.0.1\n}", "1 error Block virtual_server_group has extra parameters x ..."),
    ] {
        assert_eq!(load(text).1, [want], "{text}");
    }
}

fn with_group(members: &str, lines: &str, servers: &str) -> String {
    format!("virtual_server_group g {{\n{members}\n}}\nvirtual_server group g {{\nlb_algo rr\n{lines}\n{servers}\n}}")
}

#[test]
fn a_group_must_fit_the_servers_of_its_users() {
    const SERVER: &str = "real_server 10.0.0.2 {\n}";
    for (members, lines, want) in [
        ("10.0.0.1 80", "lb_kind NAT\nprotocol TCP", Some(Families::One(Family::V4))),
        ("10.0.0.1 80\n2001:db8::1 80", "lb_kind TUN\nprotocol TCP", Some(Families::Both)),
        ("fwmark 5", "lb_kind TUN", Some(Families::One(Family::V4))),
        ("2001:db8::1 80", "lb_kind TUN\nprotocol TCP", Some(Families::One(Family::V6))),
        ("2001:db8::1 80", "lb_kind NAT\nprotocol TCP", None),
        ("10.0.0.1 80\n2001:db8::1 80", "lb_kind NAT\nprotocol TCP", None),
        ("fwmark 5 inet6", "lb_kind NAT", None),
    ] {
        let (lvs, problems) = load(&with_group(members, lines, SERVER));
        let families = lvs.virtual_servers.first().map(|vs| vs.family);
        assert_eq!(families, want, "{members} {problems:?}");
        // keepalived only logs what it leaves out.
        assert!(problems.iter().all(|p| p.contains(" notice ")) && problems.is_empty() == want.is_some(), "{problems:?}");
    }
    let unknown = "virtual_server group nope {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.0.2 80 {\n}\n}";
    assert_eq!(load(unknown).1, ["1 notice Virtual server group nope specified but not configured - ignoring virtual server [nope]:0"]);
}

#[test]
fn users_of_a_group_are_counted_and_it_may_come_later() {
    let user = "virtual_server group g {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.0.2 80 {\n}\n}\n";
    let (lvs, problems) = load(&format!("{user}{user}virtual_server_group g {{\n10.0.0.1 80\n}}"));
    assert!(problems.is_empty(), "{problems:?}");
    let index = |vs: &VirtualServer| matches!(&vs.service, Service::Group { index, .. } if *index == 1);
    assert!(!index(&lvs.virtual_servers[0]) && index(&lvs.virtual_servers[1]));
}

#[test]
fn what_is_found_after_reading_has_no_line_but_counts() {
    for (text, want) in [
        (
            "virtual_server 10.0.0.1 80 {\nreal_server 10.0.0.2 80 {\n}\n}",
            vec![
                "0 error Virtual server [10.0.0.1]:none:80: no protocol set - defaulting to UDP",
                "0 error Virtual server [10.0.0.1]:udp:80: no scheduler set, setting default 'wlc'",
                "0 error Virtual server [10.0.0.1]:udp:80: no forwarding method set, setting default NAT",
            ],
        ),
        (
            "virtual_server fwmark 5 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.0.2 80 {\n}\n}",
            vec!["0 error Warning: Virtual server FWM 5: protocol specified for fwmark - protocol will be ignored"],
        ),
        (
            "virtual_server fwmark 0 {\nlb_algo rr\nlb_kind NAT\nreal_server 10.0.0.2 80 {\n}\n}",
            vec!["0 error virtual server fwmark 0 is no mark - ignoring"],
        ),
        (
            "virtual_server fwmark 5 {\nlb_algo rr\nlb_kind DR\nha_suspend\nops\nsorry_server 10.0.0.7 80\nreal_server 10.0.0.2 80 {\n}\n}",
            vec![
                "0 error Virtual server FWM 5: cannot use ha_suspend with fwmarks - clearing ha_suspend",
                "0 error WARNING - virtual server FWM 5, sorry server has port specified - clearing",
                "0 error WARNING - fwmark virtual server FWM 5, real server [10.0.0.2]:none:80 has port specified - clearing",
            ],
        ),
        (
            "virtual_server 10.0.0.1 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nops\nreal_server 10.0.0.2 80 {\n}\n}",
            vec![
                "0 error Virtual server [10.0.0.1]:tcp:0: one packet scheduling requires UDP - resetting",
                "0 error Virtual server [10.0.0.1]:tcp:0: zero port only valid for persistent services - setting",
            ],
        ),
        (
            "virtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\nsorry_server 10.0.0.3 81\nreal_server 10.0.0.2 81 {\n}\n}",
            vec![
                "0 error WARNING - virtual server [10.0.0.1]:tcp:80 and sorry server ports don't match - resetting",
                "0 error WARNING - virtual server [10.0.0.1]:tcp:80 and real server [10.0.0.2]:tcp:81 ports don't match - resetting",
            ],
        ),
        (
            "virtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.0.2 80 {\n}\nreal_server 10.0.0.2 {\n}\n}",
            vec!["0 error VS [10.0.0.1]:tcp:80: real server [10.0.0.2]:tcp:80 is duplicated - removing second rs"],
        ),
    ] {
        assert_eq!(load(text).1, want, "{text}");
    }
}

#[test]
fn a_method_is_only_missed_where_a_server_has_none() {
    let own = "virtual_server 10.0.0.1 80 {\nlb_algo rr\nprotocol TCP\nreal_server 10.0.0.2 80 {\nlvs_method DR\n}\n}";
    assert!(load(own).1.is_empty());
    let later = "virtual_server 10.0.0.1 80 {\nlb_algo rr\nprotocol TCP\nreal_server 10.0.0.2 {\n}\nlb_kind DR\n}";
    assert_eq!(rs(later).forwarding, Forwarding::DirectRoute);
    let before = "virtual_server 10.0.0.1 80 {\nlb_algo rr\nprotocol TCP\nlb_kind NAT\nreal_server 10.0.0.2 {\n}\nlb_kind DR\n}";
    assert_eq!(rs(before).forwarding, Forwarding::Nat);
}

#[test]
fn families_join_only_over_tunnels() {
    const HEAD: &str = "lb_algo rr\nprotocol TCP\n";
    for (text, want) in [
        (
            format!("virtual_server 10.0.0.1 80 {{\n{HEAD}lb_kind NAT\nreal_server 2001:db8::1 80 {{\n}}\n}}"),
            vec![
                "6 error Address family of virtual server and real server 2001:db8::1 don't match - skipping real server.",
                "7 error Virtual server [10.0.0.1]:tcp:80 has no real servers - ignoring",
            ],
        ),
        // The method at the end of the real server decides, not a later one.
        (
            format!("virtual_server 10.0.0.1 80 {{\n{HEAD}real_server 2001:db8::1 80 {{\n}}\nlb_kind TUN\nreal_server 10.0.0.2 {{\n}}\n}}"),
            vec!["5 error Address family of virtual server and real server 2001:db8::1 don't match - skipping real server."],
        ),
        (format!("virtual_server 10.0.0.1 80 {{\n{HEAD}lb_kind NAT\nreal_server 2001:db8::1 80 {{\nlvs_method TUN\n}}\n}}"), vec![]),
        (
            format!("virtual_server 10.0.0.1 80 {{\n{HEAD}lb_kind NAT\nsorry_server 2001:db8::1 80\nreal_server 10.0.0.2 {{\n}}\n}}"),
            vec!["8 error Address family of virtual server and sorry server 2001:db8::1 don't match - skipping sorry server."],
        ),
        // The first server that is not behind a tunnel tells the family of a mark.
        (
            "virtual_server fwmark 5 {\nlb_algo rr\nlb_kind NAT\nreal_server 10.0.0.2 80 {\n}\nreal_server 2001:db8::1 80 {\n}\n}".to_owned(),
            vec!["7 error Address family of virtual server and real server 2001:db8::1 don't match - skipping real server."],
        ),
        (
            "virtual_server fwmark 5 {\nlb_algo rr\nlb_kind NAT\npersistence_granularity 64\nip_family inet\nreal_server 2001:db8::1 80 {\n}\n}"
                .to_owned(),
            vec!["5 error Virtual server specified family inet conflicts with server family"],
        ),
    ] {
        assert_eq!(load(&text).1, want, "{text}");
    }
    let tunnels = |first: &str, second: &str| {
        let text =
            format!("virtual_server fwmark 5 {{\nlb_algo rr\nlb_kind TUN\nreal_server {first} {{\n}}\nreal_server {second} {{\n}}\n}}");
        vs(&text).family
    };
    assert_eq!(tunnels("2001:db8::1", "2001:db8::2"), Families::One(Family::V6));
    assert_eq!(tunnels("2001:db8::1", "10.0.0.2"), Families::One(Family::V4));
}

#[test]
fn ports_in_a_group_are_compared_with_each_server_once() {
    let servers = "sorry_server 10.0.0.9 80\nreal_server 10.0.0.2 80 {\n}";
    let method = "lb_kind DR\nprotocol TCP";
    for (members, want) in [
        ("10.0.0.1 80", vec![]),
        (
            "10.0.0.1 79\n10.0.0.3-9 78",
            vec![
                "0 error WARNING - virtual server [g]:0, sorry server has port specified - port will be ignored",
                "0 error virtual server [g]:0:[10.0.0.1,79] and real server [10.0.0.2]:tcp:80 ports don't match",
            ],
        ),
        (
            "10.0.0.3-9 78",
            vec![
                "0 error WARNING - virtual server [g]:0, sorry server has port specified - port will be ignored",
                "0 error virtual server [g]:0:[10.0.0.3-10.0.0.9,78] and real server [10.0.0.2]:tcp:80 ports don't match",
            ],
        ),
        (
            "10.0.0.1 80\nfwmark 3",
            vec![
                "0 error WARNING - fwmark virtual server [g]:0, sorry server has port specified - port will be ignored",
                "0 error WARNING - fwmark virtual server [g]:0, real server [10.0.0.2]:tcp:80 has port specified - port will be ignored",
            ],
        ),
    ] {
        assert_eq!(load(&with_group(members, method, servers)).1, want, "{members}");
        assert!(load(&with_group(members, "lb_kind NAT\nprotocol TCP", servers)).1.is_empty());
    }
}

#[test]
fn quorum_and_hysteresis_stay_within_what_the_weights_allow() {
    for (lines, weights, want, told) in [
        ("quorum 3\nhysteresis 2", [2, 2], (3, 2), vec![]),
        (
            "quorum 5",
            [2, 2],
            (4, 0),
            vec!["0 error Warning - quorum 5 for [10.0.0.1]:tcp:80 exceeds total weight of real servers 4, reducing quorum to 4"],
        ),
        (
            "quorum 3\nhysteresis 5",
            [2, 2],
            (3, 2),
            vec!["0 error Virtual server [10.0.0.1]:tcp:80: hysteresis 5 >= quorum 3; setting hysteresis to 2"],
        ),
        // All weights 0: the quorum cannot be reached, and nothing wraps around.
        (
            "",
            [0, 0],
            (1, 0),
            vec!["0 error Warning - quorum 1 for [10.0.0.1]:tcp:80 exceeds total weight of real servers 0, reducing quorum to 0"],
        ),
    ] {
        let [a, b] = weights;
        let text = format!(
            "virtual_server 10.0.0.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n{lines}\nreal_server 10.0.0.2 {{\nweight {a}\n}}\nreal_server 10.0.0.3 {{\nweight {b}\n}}\n}}"
        );
        let (lvs, problems) = load(&text);
        assert_eq!(problems, told, "{lines}");
        assert_eq!((lvs.virtual_servers[0].quorum, lvs.virtual_servers[0].hysteresis), want, "{lines}");
    }
}

#[test]
fn a_sorry_server_that_is_a_real_server_inhibits_as_that_does() {
    for (sorry, rs, verb, want) in [("", "inhibit_on_failure", "setting", true), ("sorry_server_inhibit", "", "clearing", false)] {
        let text = format!(
            "virtual_server 10.0.0.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nsorry_server 10.0.0.2 80\n{sorry}\nreal_server 10.0.0.2 80 {{\n{rs}\n}}\n}}"
        );
        let (lvs, problems) = load(&text);
        let told = format!(
            "0 error Virtual server [10.0.0.1]:tcp:80: real server [10.0.0.2]:tcp:80 matches sorry server, but inhibit setting differs, {verb} on sorry server"
        );
        assert_eq!(problems, [told]);
        assert_eq!(lvs.virtual_servers[0].sorry_server.as_ref().map(|s| s.inhibit), Some(want));
    }
}

#[test]
fn checkers_inherit_from_the_real_server_then_the_virtual_server_then_their_kind() {
    let schedule = |vs_lines: &str, rs_lines: &str, kind: &str, own: &str| {
        let text = format!(
            "virtual_server 10.0.0.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n{vs_lines}\nreal_server 10.0.0.2 80 {{\n{kind} {{\n{own}\n}}\n{rs_lines}\n}}\n}}"
        );
        match rs(&text).checkers[0].clone() {
            Checker::Probe { schedule, probe } => (schedule, probe),
            other => unreachable!("{other:?}"),
        }
    };
    // Defaults by kind: retries and the wait between them.
    for (kind, own, retry, wait) in [
        ("TCP_CHECK", "", 1, 1),
        ("PING_CHECK", "", 1, 1),
        ("UDP_CHECK", "", 1, 1),
        ("SMTP_CHECK", "", 1, 1),
        ("HTTP_GET", "url {\npath /\n}", 1, 3),
        ("SSL_GET", "url {\npath /\n}", 1, 3),
        ("DNS_CHECK", "", 3, 7),
        ("MISC_CHECK", "misc_path /bin/check", 0, 1),
    ] {
        let (s, _) = schedule("delay_loop 7", "", kind, own);
        assert_eq!((s.retry, s.delay_before_retry, s.delay_loop, s.warmup), (retry, seconds(wait), seconds(7), seconds(7)), "{kind}");
        assert!(!s.alpha && !s.log_all_failures);
    }
    let all = |n: u32| format!("delay_loop {n}\nretry {n}\ndelay_before_retry {n}\nwarmup {n}\nconnect_timeout {n}");
    for (vs_lines, rs_lines, own, want) in [
        (all(11), String::new(), String::new(), 11),
        (all(11), all(12), String::new(), 12),
        (all(11), all(12), all(13), 13),
        (String::new(), all(12), String::new(), 12),
    ] {
        for kind in ["TCP_CHECK", "SMTP_CHECK", "DNS_CHECK"] {
            let (s, probe) = schedule(&vs_lines, &rs_lines, kind, &own);
            let n = seconds(want);
            assert_eq!((s.delay_loop, s.delay_before_retry, s.warmup, s.retry), (n, n, n, want), "{kind}");
            let timeout = match probe {
                Probe::Tcp(connection) => connection.timeout,
                Probe::Smtp(smtp) => smtp.connection.timeout,
                Probe::Dns(dns) => dns.connection.timeout,
                other => unreachable!("{other:?}"),
            };
            assert_eq!(timeout.duration(), n.duration());
        }
    }
    for (vs_lines, rs_lines, own, want) in [
        ("alpha", "", "", true),
        ("alpha", "alpha off", "", false),
        ("alpha", "alpha off", "alpha", true),
        ("", "alpha", "alpha no", false),
    ] {
        assert_eq!(schedule(vs_lines, rs_lines, "TCP_CHECK", own).0.alpha, want, "{vs_lines}/{rs_lines}/{own}");
    }
    // A command's time is the virtual server's interval, whatever the real server's is.
    for (own, want) in [("", 11), ("misc_timeout 0", 11), ("misc_timeout 4", 4)] {
        let (_, probe) = schedule("delay_loop 11", "delay_loop 12", "MISC_CHECK", &format!("misc_path /bin/check\n{own}"));
        assert!(matches!(probe, Probe::Misc(misc) if misc.timeout == seconds(want)), "{own}");
    }
}

#[test]
fn global_settings_reach_servers_that_do_not_say() {
    let text = with_check("TCP_CHECK", "");
    let alerts = |smtp_alert, smtp_alert_checker| {
        let (lvs, _) = load_with(&text, LvsInherited { smtp_alert, smtp_alert_checker, checker_log_all_failures: false });
        (lvs.virtual_servers[0].smtp_alert, lvs.virtual_servers[0].real_servers[0].smtp_alert)
    };
    assert_eq!(alerts(None, None), (false, true));
    assert_eq!(alerts(Some(true), None), (true, true));
    assert_eq!(alerts(Some(true), Some(false)), (false, false));
    let (lvs, _) = load_with(&text, LvsInherited { checker_log_all_failures: true, ..LvsInherited::default() });
    let logs = |c: &Checker| matches!(c, Checker::Probe { schedule, .. } if schedule.log_all_failures);
    assert!(logs(&lvs.virtual_servers[0].real_servers[0].checkers[0]));
}

#[test]
fn connections_default_to_the_real_server() {
    let connection = |lines| match probe("TCP_CHECK", lines).1 {
        Probe::Tcp(connection) => connection,
        other => unreachable!("{other:?}"),
    };
    let plain = connection("");
    assert_eq!((plain.address, plain.port, plain.mark, plain.bind), ([10, 0, 0, 2].into(), 8080, 0, None));
    let own = connection("connect_ip 2001:db8::5\nconnect_port 81\nbindto 2001:db8::6\nbind_port 99\nbind_if eth0\nfwmark 7");
    let bind = own.bind.expect("it is bound");
    assert_eq!((own.address.to_string(), own.port, own.mark), ("2001:db8::5".to_owned(), 81, 7));
    assert_eq!(
        (bind.address.is_some_and(|a| a.is_ipv6()), bind.port, bind.interface.as_deref()),
        (true, NonZeroU16::new(99), Some("eth0"))
    );
    // The port as written, although the kernel forwards to another.
    let text = "virtual_server fwmark 5 {\nlb_algo rr\nlb_kind DR\nreal_server 10.0.0.2 8080 {\nTCP_CHECK {\n}\n}\n}";
    let (lvs, _) = load(text);
    assert_eq!(
        load(&text.replace(" 8080", "")).1,
        ["6 notice checker of [10.0.0.2]:none:0 has no port to connect to"],
        "nothing to connect to"
    );
    let rs = &lvs.virtual_servers[0].real_servers[0];
    assert!(rs.port == 0 && matches!(&rs.checkers[0], Checker::Probe { probe: Probe::Tcp(c), .. } if c.port == 8080));
}

#[test]
fn each_checker_has_its_own_keywords() {
    assert!(matches!(probe("PING_CHECK", "").1, Probe::Ping(_)));
    match probe("SMTP_CHECK", "").1 {
        Probe::Smtp(smtp) => assert_eq!(&*smtp.helo_name, "smtpchecker.keepalived.org"),
        other => unreachable!("{other:?}"),
    }
    for (lines, record, name) in [
        ("", RecordType::Soa, ""),
        ("type aaaa\nname www.example.org.", RecordType::Aaaa, "www.example.org"),
        ("name .", RecordType::Soa, ""),
    ] {
        assert!(matches!(probe("DNS_CHECK", lines).1, Probe::Dns(dns) if dns.record == record && &*dns.name == name), "{lines}");
    }
    let (schedule, misc) = probe("MISC_CHECK", "misc_path \"/bin/check a 'b c'\"\nmisc_dynamic\nuser nobody nogroup\nretry 2");
    assert_eq!(schedule.retry, 2);
    match misc {
        Probe::Misc(misc) => {
            assert!(misc.dynamic && misc.script.argv.len() == 3 && (misc.script.uid, misc.script.gid) == (65534, 65534));
        }
        other => unreachable!("{other:?}"),
    }
    match probe("UDP_CHECK", "payload Ab12f 3 456\nrequire_reply 1x xf x\nmin_reply_length 1\nmax_reply_length 9").1 {
        Probe::Udp(udp) => {
            assert_eq!(udp.payload.as_deref(), Some(&[0xab, 0x12, 0x0f, 0x03, 0x45, 0x06][..]));
            let octet = |value, mask| Octet { value, mask };
            assert_eq!(udp.reply, Reply::Like([octet(0x10, 0xf0), octet(0x0f, 0x0f), octet(0, 0xf0)].into()));
            assert_eq!((udp.min_reply, udp.max_reply), (1, 9));
        }
        other => unreachable!("{other:?}"),
    }
    for (lines, want) in [("", Reply::NotNeeded), ("require_reply", Reply::Any)] {
        assert!(matches!(probe("UDP_CHECK", lines).1, Probe::Udp(udp) if udp.reply == want && udp.max_reply == 255));
    }
    for (lines, want) in [
        ("track_file TF", Weight { value: 3, reverse: true }),
        ("track_file TF\nweight -2", Weight { value: -2, reverse: false }),
        ("track_file TF\nweight 0 reverse", Weight { value: 0, reverse: true }),
    ] {
        let rs = rs(&with_check("FILE_CHECK", lines));
        assert!(matches!(&rs.checkers[0], Checker::File(file) if file.weight == want), "{lines}");
    }
}

#[test]
fn http_checks() {
    let http = |kind: &str, lines: &str| match probe(kind, lines).1 {
        Probe::Http(http) => *http,
        other => unreachable!("{other:?}"),
    };
    let plain = http("HTTP_GET", "url {\npath /\n}");
    assert!(!plain.tls && plain.version == HttpVersion::V1_0 && plain.sni == Sni::None && plain.urls[0].status.contains(204));
    let full = http(
        "SSL_GET",
        "http_protocol 1.1\nvirtualhost h\nenable_sni\nsni_name s\nfast_recovery\ntls_compliant\nurl {\npath \"/a b\"\ndigest 000102030405060708090a0b0c0d0e0F\nstatus_code 200 301-303\nstatus_code 404\nvirtualhost u\nregex \"a.b\"\nregex_no_match\nregex_options caseless utf\nregex_min_offset 2\nregex_max_offset 9\nregex_stack 10 20\ntls_compliant\n}",
    );
    assert!(full.tls && full.fast_recovery && full.tls_compliant && full.version == HttpVersion::V1_1);
    assert_eq!((full.sni, full.virtualhost.as_deref()), (Sni::Named("s".into()), Some("h")));
    let url = &full.urls[0];
    assert_eq!(
        (&*url.path, url.digest.map(|digest| digest[15]), url.status.ranges()),
        ("/a b", Some(15), &[(200, 200), (301, 303), (404, 404)][..])
    );
    let regex = url.regex.as_ref().expect("a pattern");
    assert_eq!(
        (&*regex.pattern, regex.no_match, regex.min_offset, regex.max_offset, regex.stack),
        ("a.b", true, 2, Some(9), Some((10, 20)))
    );
    assert_eq!(regex.options.names().collect::<Vec<_>>(), ["caseless", "utf"]);
    for (lines, want) in [("sni_name", Sni::Host), ("sni_name a\nenable_sni off", Sni::None), ("enable_sni", Sni::Host)] {
        assert_eq!(http("SSL_GET", &format!("{lines}\nurl {{\npath /\n}}")).sni, want, "{lines}");
    }
}

#[test]
fn faults_of_checkers_are_told_at_their_lines() {
    for (kind, lines, want) in [
        ("TCP_CHECK", "connect_ip foo", vec!["7 error Invalid connect_ip address foo - ignoring"]),
        ("TCP_CHECK", "connect_port 0", vec!["7 error number '0' outside range [1, 65535]"]),
        ("TCP_CHECK", "bindto foo", vec!["7 error Invalid bindto address foo - ignoring"]),
        (
            "TCP_CHECK",
            "bindto 2001:db8::1",
            vec!["7 error bindto address 2001:db8::1 does not match address family of connect_ip - skipping"],
        ),
        (
            "TCP_CHECK",
            "bindto 10.0.0.1\nconnect_ip 2001:db8::1",
            vec!["8 error connect_ip address 2001:db8::1 does not match address family of bindto - skipping"],
        ),
        ("TCP_CHECK", "bind_port 65536", vec!["7 error number '65536' outside range [1, 65535]"]),
        ("TCP_CHECK", "bind_if abcdefghijklmnop", vec!["7 error Interface name abcdefghijklmnop is too long - ignoring"]),
        ("TCP_CHECK", "connect_timeout 0", vec!["7 error number '0' outside range [0.000001, 4294.967295]"]),
        ("TCP_CHECK", "fwmark 5x", vec!["7 error invalid number '5x'"]),
        ("TCP_CHECK", "retry x", vec!["7 error invalid number 'x'"]),
        ("TCP_CHECK", "alpha x", vec!["7 error Invalid value 'x' for alpha"]),
        ("TCP_CHECK", "connect_ip fe80::1", vec!["8 error Checker link local address fe80::1 requires a bind_if"]),
        ("TCP_CHECK", "connect_ip fe80::1\nbind_if eth0", vec![]),
        ("DNS_CHECK", "connect_port 53", vec![]),
        ("TCP_CHECK", "url", vec!["7 error Unknown keyword 'url'"]),
        ("HTTP_GET", "", vec!["8 error HTTP/SSL_GET checker has no urls specified - ignoring"]),
        (
            "HTTP_GET",
            "url {\n}",
            vec![
                "8 error HTTP/SSL_GET checker url has no path - ignoring",
                "9 error HTTP/SSL_GET checker has no urls specified - ignoring",
            ],
        ),
        ("HTTP_GET", "nb_get_retry 3\nurl {\npath /\n}", vec!["7 error nb_get_retry is deprecated - please use 'retry'"]),
        ("HTTP_GET", "http_protocol 2\nurl {\npath /\n}", vec!["7 error Invalid http_protocol version 2"]),
        ("HTTP_GET", "http_protocol\nurl {\npath /\n}", vec!["7 error Missing http_protocol version"]),
        ("HTTP_GET", "tls_compliant\nurl {\npath /\n}", vec!["7 error Unknown keyword 'tls_compliant'"]),
        ("SSL_GET", "sni_name a\nsni_name\nurl {\npath /\n}", vec!["8 error sni_name without a name after a"]),
        ("SMTP_CHECK", "helo_name", vec!["7 error SMTP_CHECK helo name missing"]),
        ("SMTP_CHECK", "helo_name a\nhelo_name b", vec!["8 error SMTP_CHECK helo name already specified"]),
        ("DNS_CHECK", "type MB", vec!["7 error Unknown DNS check type MB - ignoring"]),
        ("DNS_CHECK", "name a..b", vec!["7 error DNS_CHECK name 'a..b' has empty label - ignoring"]),
        ("DNS_CHECK", "name a\nname b", vec!["8 error DNS_CHECK name already specified - ignoring"]),
        ("UDP_CHECK", "payload", vec!["7 error UDP_CHECK payload requires a payload"]),
        ("UDP_CHECK", "payload 0x", vec!["7 error Invalid hex string for UDP_CHECK payload"]),
        ("UDP_CHECK", "require_reply zz", vec!["7 error Invalid hex string for UDP_CHECK reply"]),
        ("UDP_CHECK", "min_reply_length 65536", vec!["7 error number '65536' outside range [0, 65535]"]),
        ("UDP_CHECK", "min_reply_length 500", vec!["8 error UDP_CHECK min_reply length 500 > max_reply_length 255 - will always fail"]),
        ("MISC_CHECK", "", vec!["8 error No script path has been specified for MISC_CHECKER - skipping"]),
        ("MISC_CHECK", "misc_timeout 4295\nmisc_path /bin/check", vec!["7 error number '4295' outside range [0, 4294]"]),
        (
            "MISC_CHECK",
            "misc_path /bin/check\nuser nosuch",
            vec![
                "8 error Failed to set uid/gid for misc checker script '/bin/check' - removing",
                "0 notice Script user 'nosuch' does not exist",
            ],
        ),
        ("FILE_CHECK", "", vec!["8 error FILE_CHECK has no track_file specified - ignoring"]),
        (
            "FILE_CHECK",
            "track_file no",
            vec!["7 error track_file no not found", "8 error FILE_CHECK has no track_file specified - ignoring"],
        ),
        ("FILE_CHECK", "track_file TF\nweight 5 up", vec!["8 error unknown track file weight option up - ignoring"]),
        ("BFD_CHECK", "", vec!["8 error ([10.0.0.2]:tcp:8080) No name has been specified for BFD_CHECKER - skipping"]),
        ("BFD_CHECK", "name a b", vec!["7 error ([10.0.0.2]:tcp:8080) BFD_CHECK - No or too many names specified - skipping checker"]),
        ("BFD_CHECK", "name no", vec!["7 error ([10.0.0.2]:tcp:8080) BFD_CHECK - BFD no not configured"]),
    ] {
        let told = load(&with_check(kind, lines)).1;
        assert_eq!(told, want, "{kind} {lines}");
    }
}

#[test]
fn faults_of_urls_are_told_at_their_lines() {
    for (line, want) in [
        ("path /b", "9 error Duplicate path - overwriting / with /b"),
        ("digest 12", "9 error digest '12' character length should be 32 rather than 2"),
        ("digest zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "9 error Unable to interpret hex digit in 'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz'"),
        ("status_code 200 99", "9 error Invalid HTTP_GET status code '99'"),
        ("status_code 300-200", "9 error Invalid HTTP_GET status code '300-200'"),
        ("status_code 200-", "9 error Invalid HTTP_GET status code '200-'"),
        ("status_code +200", "9 error Invalid HTTP_GET status code '+200'"),
        ("virtualhost", "9 error url virtualhost missing"),
        ("regex", "9 notice regex missing or too many fields"),
        ("regex_options nope", "9 notice unknown regex option nope - ignoring"),
        ("regex_min_offset x", "9 notice Invalid regex_min_offset x specified"),
        ("regex_stack 5", "9 notice regex_stack requires start and max values"),
        ("regex_stack 5 3", "9 notice regex stack start cannot exceed max value"),
        ("regex_stack x 3", "9 notice regex_stack invalid start value"),
        ("regex_no_match", "10 notice regex parameters specified without regex"),
    ] {
        assert_eq!(load(&with_check("HTTP_GET", &format!("url {{\npath /\n{line}\n}}"))).1, [want], "{line}");
    }
    let twice = |lines: &str| load(&with_check("HTTP_GET", &format!("url {{\npath /\n{lines}\n}}"))).1;
    let digest = "digest 9b3a0c85a887a256d6939da88aabd8cd";
    assert_eq!(twice(&format!("{digest}\n{digest}")), ["10 error Digest '9b3a0c85a887a256d6939da88aabd8cd' is a duplicate"]);
    assert_eq!(twice("regex a\nregex b"), ["10 error Duplicate regex specified - replacing a with b"]);
    assert_eq!(twice("virtualhost a\nvirtualhost b"), ["10 error Duplicate url virtualhost - overwriting a with b"]);
    assert_eq!(twice("regex a\nregex_min_offset 5\nregex_max_offset 4"), ["12 notice regex min offset 5 > regex_max_offset 4 - ignoring"]);
}

#[test]
fn host_blocks_are_checkers_of_their_own() {
    let text =
        with_check("SMTP_CHECK", "helo_name me\nretry 4\nconnect_port 25\nhost {\nconnect_ip 10.0.0.7\n}\nhost {\nconnect_port 26\n}");
    let (lvs, problems) = load(&text);
    assert!(problems.iter().all(|p| p.ends_with("notice The SMTP_CHECK host block is deprecated. Please define additional checkers.")));
    let seen: Vec<String> = lvs.virtual_servers[0].real_servers[0]
        .checkers
        .iter()
        .map(|checker| match checker {
            Checker::Probe { schedule, probe: Probe::Smtp(smtp) } => {
                format!("{} {} {} {}", smtp.connection.address, smtp.connection.port, smtp.helo_name, schedule.retry)
            }
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(seen, ["10.0.0.7 25 me 4", "10.0.0.2 26 me 4"]);
}

#[test]
fn a_bfd_session_must_stand_above_and_counts_once() {
    const SESSION: &str = "bfd_instance B {\nneighbor_ip 10.0.0.2\n}\n";
    let check = with_check("BFD_CHECK", "name B\nalpha");
    let (lvs, problems) = load(&format!("{SESSION}{check}"));
    assert!(problems.is_empty(), "{problems:?}");
    assert!(matches!(&lvs.virtual_servers[0].real_servers[0].checkers[0], Checker::Bfd(bfd) if bfd.alpha && &*bfd.session == "B"));
    assert_eq!(load(&format!("{check}\n{SESSION}")).1, ["7 error ([10.0.0.2]:tcp:8080) BFD_CHECK - BFD B not configured"]);
    // A session that cannot be used is told of once, where it stands.
    let broken = crate::config::testing::load(&format!("bfd_instance B {{\n}}\n{check}"), &host()).1;
    assert_eq!(broken, ["2: Configuration error: BFD instance B has no neighbor address set, disabling instance"]);
    let twice = with_rs("BFD_CHECK {\nname B\n}\nBFD_CHECK {\nname B\n}");
    assert_eq!(load(&format!("{SESSION}{twice}")).1, ["13 error ([10.0.0.2]:tcp:8080) BFD_CHECK - RS already monitoring B"]);
    let other = with_check("BFD_CHECK", "name B\nname C");
    assert_eq!(load(&format!("{SESSION}{other}")).1, ["11 error ([10.0.0.2]:tcp:8080) BFD_CHECK - BFD C already specified as B"]);
}

#[test]
fn tls_material() {
    let (lvs, problems) = load("SSL {\npassword p\nca c\ncertificate e\nkey k\n}");
    assert!(problems.is_empty(), "{problems:?}");
    let tls = lvs.tls.expect("a block");
    assert_eq!(
        [tls.password, tls.ca, tls.certificate, tls.key].map(|t| t.map(String::from)),
        ["p", "c", "e", "k"].map(|t| Some(t.to_owned()))
    );
    assert_eq!(load("SSL {\npassword\n}").1, ["2 error SSL password missing"]);
    let (lvs, problems) = load("SSL {\npassword a\npassword b\n}\nSSL {\nkey k\n}");
    assert_eq!(problems, ["3 error Duplicate SSL password - overwriting a with b", "5 error SSL context already specified - replacing"]);
    assert_eq!(lvs.tls, Some(ClientTls { key: Some("k".into()), ..ClientTls::default() }));
}

const EVERYTHING: &str = "bfd_instance B {
neighbor_ip 10.0.0.2
}
SSL {
password p
ca /etc/ca.pem
certificate /etc/cert.pem
key \"/etc/the key\"
}
virtual_server_group g {
10.1.0.1-9 80
10.1.1.0/24 81
2001:db8::1-ff 80
fwmark 7 inet6
}
virtual_server 10.0.0.1 80 {
lb_algo mh
mh-port
mh-fallback
flag-3
lb_kind NAT
persistence_timeout 50
persistence_engine sip
persistence_granularity 255.255.255.0
protocol SCTP
delay_loop 7.5
retry 2
delay_before_retry 0.5
warmup 0
connect_timeout 3.25
inhibit_on_failure
ha_suspend
smtp_alert
virtualhost v
snmp_name s
alpha
omega
quorum 3
hysteresis 1
quorum_up \"/bin/up a\"
quorum_down /bin/down nobody nogroup
weight 4
sorry_server 10.0.0.9 80
sorry_server_inhibit
sorry_server_lvs_method TUN type gue port 6080 csum
real_server 10.0.0.2 80 {
weight 0
lvs_method TUN type gre csum
uthreshold 9
lthreshold 3
inhibit_on_failure off
notify_up /bin/up
notify_down \"/bin/down 'a b'\"
alpha off
retry 1
delay_before_retry 2
warmup 3
connect_timeout 4
delay_loop 5
smtp_alert off
virtualhost r
snmp_name t
TCP_CHECK {
connect_ip 2001:db8::9
connect_port 99
bindto 2001:db8::8
bind_port 98
bind_if eth0
connect_timeout 1.5
fwmark 12
retry 0
delay_before_retry 0
warmup 0.000001
delay_loop 100
alpha
log_all_failures
}
SSL_GET {
virtualhost h
http_protocol 1.0C
sni_name n
fast_recovery
tls_compliant
url {
path /
digest 9b3a0c85a887a256d6939da88aabd8cd
status_code 200-204 404
virtualhost u
regex \"a b\"
regex_no_match
regex_options caseless dotall
regex_min_offset 3
regex_max_offset 30
regex_stack 1000 2000
tls_compliant
}
url {
path \"/a b\"
}
}
HTTP_GET {
enable_sni
url {
path /
}
}
SMTP_CHECK {
helo_name me
}
DNS_CHECK {
type A
name www.example.org
}
DNS_CHECK {
}
MISC_CHECK {
misc_path \"/bin/check a\"
misc_dynamic
user nobody nogroup
}
MISC_CHECK {
misc_path /bin/check
misc_timeout 9
}
UDP_CHECK {
payload 0102ff
require_reply 01 x2 3x xx
min_reply_length 2
max_reply_length 20
}
UDP_CHECK {
require_reply
}
PING_CHECK {
}
BFD_CHECK {
name B
}
}
real_server 10.0.0.3 {
}
}
virtual_server fwmark 5 {
ip_family inet6
lb_algo rr
lb_kind DR
ops
real_server 2001:db8::5 {
PING_CHECK {
}
}
}
virtual_server group g {
lb_algo sed
lb_kind TUN
protocol UDP
ops
real_server 10.0.0.4 {
}
real_server 2001:db8::4 {
lvs_method TUN type ipip
}
}
";

/// A model from a text without faults, but for scripts without script security, which is not these tests' business.
fn faultless(text: &str) -> Model {
    let (model, mut problems) = crate::config::testing::load(text, &host());
    problems.retain(|text| !text.contains("script_security not enabled"));
    assert!(problems.is_empty(), "{problems:?}\n{text}");
    model
}

#[test]
fn a_dump_reads_back_to_an_equal_model() {
    let model = faultless(EVERYTHING);
    assert_eq!(model.lvs.virtual_servers.len(), 3);
    assert_eq!(model.lvs.virtual_servers[0].real_servers[0].checkers.len(), 12);
    let text = dump(&model);
    assert_eq!(faultless(&text), model, "{text}");
}

#[test]
fn every_keyword_of_the_balancer_is_in_the_dump_of_the_example() {
    use crate::config::keyword::Described;
    use crate::config::keyword::Entry;
    use crate::config::keyword::root::ROOT;
    /// Without effect, deprecated, or a name for what the dump calls something else; FILE_CHECK needs a tracked file.
    const OUT: [&str; 10] =
        ["hashed", "nb_get_retry", "host", "sh-port", "sh-fallback", "mh-port", "mh-fallback", "ADDRESS", "FILE_CHECK", "track_file"];
    fn missing(entry: &Entry, text: &str, list: &mut Vec<&'static str>) {
        let has = text.lines().any(|line| line.split_whitespace().next() == Some(entry.name));
        if !has && !OUT.contains(&entry.name) {
            list.push(entry.name);
        }
        for inner in entry.inside.iter().flat_map(|inside| inside().entries()) {
            missing(&inner, text, list);
        }
    }
    let text = dump(&faultless(EVERYTHING));
    let mut list = Vec::new();
    for entry in ROOT.entries().iter().filter(|entry| ["SSL", "virtual_server", "virtual_server_group"].contains(&entry.name)) {
        missing(entry, &text, &mut list);
    }
    assert!(list.is_empty(), "{list:?}\n{text}");
}

#[test]
fn many_servers_are_read_in_linear_time() {
    use std::fmt::Write;
    let mut text = "virtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n".to_owned();
    for n in 0..20_000_u32 {
        let address = std::net::Ipv4Addr::from_bits(0x0a01_0000 + n);
        writeln!(text, "real_server {address} 80 {{\nTCP_CHECK {{\n}}\n}}").expect("a String takes all");
    }
    text.push('}');
    let vs = vs(&text);
    assert_eq!(vs.real_servers.len(), 20_000);
    let draft = Draft::from(&Model { lvs: Lvs { virtual_servers: vec![vs], ..Lvs::default() }, ..Model::default() });
    assert_eq!(draft.lvs.virtual_servers[0].real_servers.len(), 20_000);
}

#[test]
fn what_real_servers_lack_is_told_even_where_they_cannot_be_used() {
    let server = "real_server 2001:db8::1 80 {\nHTTP_GET {\n}\n}";
    let (lvs, problems) = load(&with_vs(server));
    assert_eq!(lvs.virtual_servers[0].real_servers.len(), 1);
    let want = [
        "4 error HTTP/SSL_GET checker has no urls specified - ignoring",
        "5 error Address family of virtual server and real server 2001:db8::1 don't match - skipping real server.",
    ];
    assert_eq!(problems, want);
    let (_, problems) = load(&format!("virtual_server group none {{\n{server}\n}}"));
    assert!(problems.contains(&"4 error HTTP/SSL_GET checker has no urls specified - ignoring".to_owned()), "{problems:?}");
}
