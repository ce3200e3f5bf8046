//! Keywords of virtual and real servers, one by one.

use super::{load, load_with, rs, seconds, vs, with_check, with_rs, with_vs};
use crate::config::diagnostic::Class;
use crate::config::draft::Draft;
use crate::config::resolve::lvs::LvsInherited;
use crate::model::Model;
use crate::model::checker::{Checker, Timeout};
use crate::model::lvs::*;
use crate::model::net::Family;
use std::num::NonZeroU16;
use std::time::Duration;

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
