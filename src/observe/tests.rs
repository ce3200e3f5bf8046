use super::*;
use crate::effect::interface::{Arp, Interface, Traits};
use crate::effect::net::{Device, Mac};
use crate::model::net::route::{Congestion, Encap, Kind, Metric, Metrics, Placing, Setting};
use crate::model::net::rule::{Action, Mark};
use crate::model::net::{Prefix, Route, Rule, Scope};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn prefix(text: &str, length: u8) -> Prefix {
    Prefix { address: ip(text), length }
}

#[test]
fn routes_are_shown_as_keepalived_shows_them() {
    let far = prefix("10.9.0.0", 16);
    let through = Route { gateway: Some(ip("10.0.0.3")), device: Some("eth0".into()), ..Route::to(far) };
    for (shown, want) in [
        (through.clone(), "prepend 10.9.0.0/16 via inet 10.0.0.3 dev eth0 proto 18"),
        (
            Route { table: 7, scope: Some(Scope(253)), priority: Some(5), ..through.clone() },
            "prepend 10.9.0.0/16 via inet 10.0.0.3 dev eth0 table 7 proto 18 scope 253 metric 5",
        ),
        (
            Route { kind: Kind::Blackhole, destination: prefix("192.168.113.1", 32), ..Route::to(far) },
            "prepend blackhole 192.168.113.1 proto 18",
        ),
        (
            Route {
                destination: prefix("2001:db8::", 48),
                gateway: Some(ip("fe80::1")),
                expires: Some(Duration::from_secs(100)),
                ..Route::to(far)
            },
            "prepend 2001:db8::/48 via inet6 fe80::1 proto 18 expires 100sec",
        ),
        (
            Route { tracked: false, placing: Placing::Last, protocol: 0, ..through.clone() },
            "append 10.9.0.0/16 via inet 10.0.0.3 dev eth0 no_track",
        ),
    ] {
        assert_eq!(route::route(&shown, None, None).to_string(), want);
    }
    assert!(route::route(&Route { device: None, ..through }, None, Some("eth1")).to_string().ends_with("proto 18 [dev eth1]"));
}

#[test]
fn what_keepalived_gets_wrong_is_right() {
    let metrics = Metrics {
        values: BTreeMap::from([
            (Metric::Rtt, Setting { value: 3200, locked: false }),
            (Metric::Mtu, Setting { value: 1400, locked: true }),
        ]),
        congestion: Some(Congestion { algorithm: "reno".into(), locked: true }),
    };
    let labelled = Route { encap: Some(Encap::Mpls([100, 200].into())), metrics, ..Route::to(prefix("10.10.0.0", 16)) };
    assert_eq!(
        route::route(&labelled, None, None).to_string(),
        "prepend 10.10.0.0/16 encap mpls 100/200 proto 18 congctl lock reno rtt 400ms mtu lock 1400"
    );
    let mut global = crate::model::global::Global::default();
    global.lvs.timeouts.udp = Some(Duration::from_secs(15));
    let text = parent(&global);
    assert!(text.contains("\n LVS UDP timeout = 15\n") && !text.contains("libnftnl"), "{text}");
}

#[test]
fn whoever_would_run_a_script_shows_that_it_is_disabled() {
    use crate::model::script::{Disabled, LeftOut, Runner};
    let disabled = |what: &str, runners: &[Runner]| Disabled {
        runners: runners.into(),
        what: what.into(),
        why: format!("{what} is not there").into(),
    };
    let mut model = crate::model::Model::default();
    let plain = lvs::text(&model, &crate::lvs::view::View::default(), |_| None);
    assert!(!plain.contains("Disabled"), "{plain}");
    model.global.scripts.disabled = LeftOut {
        scripts: Box::from([
            disabled("misc script", &[Runner::Checker]),
            disabled("startup script", &[Runner::Supervisor]),
            disabled("notify script", &[Runner::Vrrp, Runner::Checker]),
        ]),
    };
    let checker = lvs::text(&model, &crate::lvs::view::View::default(), |_| None);
    let want = "------< Disabled scripts >------\n Disabled misc script: misc script is not there\n \
                Disabled notify script: notify script is not there\n";
    assert!(checker.ends_with(want), "{checker}");
    let parent = parent(&model.global);
    assert!(parent.ends_with("------< Disabled scripts >------\n Disabled startup script: startup script is not there\n"), "{parent}");
}

#[test]
fn rules_are_shown_as_keepalived_shows_them() {
    let rule = |action| Rule { from: Some(prefix("10.77.0.0", 24)), ..Rule::new(crate::model::net::Family::V4, 1077, action) };
    let many = Rule {
        to: Some(prefix("11.0.0.0", 8)),
        tos: 8,
        mark: Some(Mark { value: 5, mask: 0xff }),
        input: Some("eth0".into()),
        uids: Some(1..=5),
        ip_protocol: Some(6),
        source_ports: Some(5..=6),
        ..rule(Action::Table(5))
    };
    for (shown, want) in [
        (rule(Action::Table(77)), "from 10.77.0.0/24 priority 1077 tos 0x0 protocol 18 lookup 77"),
        (
            many,
            "from 10.77.0.0/24 to 11.0.0.0/8 priority 1077 tos 0x8 fwmark 0x5/0xff iif eth0 uidrange 1-5 protocol 18 ipproto 6 sport 5-6 lookup 5",
        ),
        (Rule { inverted: true, ..rule(Action::Goto(2000)) }, "not from 10.77.0.0/24 priority 1077 tos 0x0 protocol 18 goto 2000"),
        (
            Rule { from: None, tracked: false, ..rule(Action::Prohibit) },
            "from all priority 1077 tos 0x0 protocol 18 type prohibit no_track",
        ),
    ] {
        assert_eq!(rule::rule(&shown, None).to_string(), want);
    }
}

#[test]
fn seconds_have_no_more_digits_than_it_takes() {
    for (micros, want) in [(1_000_000, "1"), (500_000, "0.5"), (1_250_000, "1.25"), (0, "0"), (3_600_000_000, "3600"), (1, "0.000001")] {
        assert_eq!(words::Shortest(Duration::from_micros(micros)).to_string(), want);
    }
}

#[test]
fn text_in_json_is_escaped() {
    let mut out = String::new();
    for text in ["a/b", "\"q\"", "back\\", "tab\tnew\nline", "\u{1}", "plain é"] {
        json::escape(&mut out, text);
        out.push('|');
    }
    assert_eq!(out, r#"a\/b|\"q\"|back\\|tab\tnew\nline|\u0001|plain é|"#);
}

#[test]
fn a_gateway_is_where_an_address_of_the_same_network_is() {
    let interface = Interface {
        device: Device(3),
        name: "eth0".into(),
        hardware: 1,
        traits: Traits::default(),
        mac: Some(Mac([2; 6])),
        broadcast: None,
        group: 0,
        mtu: 1500,
        parent: None,
        kind: None,
        arp: Arp::default(),
        addresses: vec![prefix("10.0.0.1", 24), prefix("fe80::1", 64), prefix("0.0.0.0", 0)],
    };
    for (address, want) in [("fe80::9", true), ("fe80:0:0:1::9", false), ("10.0.0.200", true)] {
        assert_eq!(interface.reaches(ip(address)), want, "{address}");
    }
    let only = Interface { addresses: vec![prefix("10.0.0.1", 24)], ..interface };
    assert!(!only.reaches(ip("10.0.1.1")) && !only.reaches(ip("fe80::9")));
}
