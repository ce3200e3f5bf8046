use super::*;
use crate::config::diagnostic::Diagnostics;
use crate::config::host::{Host, Stated};
use crate::config::testing::{load, round_trip};
use crate::model::net::address::Lifetime;
use crate::model::net::route::{Encap, Tunnel};
use crate::model::net::rule::Action;
use crate::model::net::{Family, Prefix, Scope};

fn host() -> Stated {
    let mut host = Stated::with(&["eth0", "eth1"]);
    host.interfaces.insert("red".to_owned(), crate::config::host::Interface { vrf_table: Some(77), ..Default::default() });
    host.protocols.insert("tcp".to_owned(), 6);
    host.numbers.insert((NameTable::RouteTables, "blue".to_owned()), 4000);
    host.numbers.insert((NameTable::DsField, "AF11".to_owned()), 40);
    host.numbers.insert((NameTable::Realms, "outer".to_owned()), 9);
    host
}

fn block(name: &str, lines: &[&str]) -> String {
    format!("{name} {{\n{}\n}}", lines.join("\n"))
}

#[test]
fn addresses_get_what_goes_without_saying() {
    let text = block(
        "static_ipaddress",
        &[
            "192.0.2.1/24 brd + scope link",
            "192.0.2.1/26 dev eth1 brd - label eth1:1 no_track",
            "192.0.2.9 peer 192.0.2.10 noprefixroute",
            "2001:db8::1 home -nodad mngtmpaddr autojoin",
            "2001:db8::1/64",
            "2001:db8::2/64 preferred_lft 20",
        ],
    );
    let addresses = round_trip(&text, &host()).statics.addresses;
    let seen: Vec<_> = addresses.iter().map(|a| (a.object.prefix.to_string(), a.object.device.as_deref(), a.object.preferred)).collect();
    let forever = Lifetime::Forever;
    assert_eq!(
        seen,
        [
            ("192.0.2.1/24".to_owned(), Some("eth0"), forever),
            ("192.0.2.1/26".to_owned(), Some("eth1"), forever),
            ("192.0.2.9/32".to_owned(), Some("eth0"), forever),
            ("2001:db8::1/128".to_owned(), Some("eth0"), Lifetime::Seconds(0)),
            ("2001:db8::1/64".to_owned(), Some("eth0"), forever),
            ("2001:db8::2/64".to_owned(), Some("eth0"), Lifetime::Seconds(20)),
        ]
    );
    assert_eq!((addresses[0].object.scope, addresses[1].object.scope), (Scope::LINK, Scope::GLOBAL));
    assert_eq!(addresses[0].object.broadcast, "192.0.2.255".parse().ok());
    assert_eq!(addresses[1].object.broadcast, "192.0.2.0".parse().ok());
    assert!(addresses[0].object.tracked && !addresses[1].object.tracked);
}

#[test]
fn routes_are_complete() {
    let text = block(
        "static_routes",
        &[
            "default via 192.0.2.1",
            "default via inet6 fe80::1 dev eth0 pref low expires 30",
            "blackhole 10.1.0.0/16 metric 5 table blue scope site tos AF11 realms outer/3",
            "10.2.0.0/16 dev eth1 protocol static no_track onlink append src 192.0.2.2 rtt 1601 mtu lock 1400 congctl vegas ttl-propagate enabled",
            "10.3.0.0/16 vrf red nexthop via 192.0.2.1 dev eth0 weight 3 realms 5 nexthop dev eth1 encap ip id 5 tos AF11",
            "2001:db8::/32 dev eth0 table 0 from 2001:db8:1::/48 encap ip6 dst fe80::1 flags 1",
            "10.4.0.0/16 dev eth0 encap mpls 100/200",
            "10.5.0.0/16 dev eth0 encap ila 1:2:3:4 hoplimit 9 features ecn",
        ],
    );
    let routes = round_trip(&text, &host()).statics.routes;
    let seen: Vec<_> = routes.iter().map(|r| (r.object.destination.to_string(), r.object.table, r.object.protocol)).collect();
    let want = [
        ("0.0.0.0/0", 254, 18),
        ("::/0", 254, 18),
        ("10.1.0.0/16", 4000, 18),
        ("10.2.0.0/16", 254, 4),
        ("10.3.0.0/16", 77, 18),
        ("2001:db8::/32", 254, 18),
        ("10.4.0.0/16", 254, 18),
        ("10.5.0.0/16", 254, 18),
    ];
    assert_eq!(seen, want.map(|(to, table, protocol)| (to.to_owned(), table, protocol)));
    assert_eq!((routes[2].object.scope, routes[2].object.tos), (Some(Scope::SITE), 40));
    assert_eq!(routes[2].object.realms, Some(model::Realms { source: 9, destination: 3 }));
    assert_eq!(routes[4].object.hops.iter().map(|hop| hop.weight).collect::<Vec<_>>(), [3, 1]);
    let tunnel = Tunnel { id: Some(5), class: Some(40), ..Tunnel::default() };
    assert_eq!(routes[4].object.hops[1].encap, Some(Encap::Ip(tunnel)));
}

#[test]
fn two_gateways_of_the_old_notation_become_hops() {
    let (model, said) = load(&block("static_routes", &["10.0.0.0/8 via 192.0.2.1 or 192.0.2.2"]), &host());
    assert_eq!(said, ["2: \"or\" for routes is deprecated. Please use \"nexthop\""]);
    let route = &model.statics.routes[0].object;
    let gateways: Vec<_> = route.hops.iter().filter_map(|hop| hop.gateway).map(|g| g.to_string()).collect();
    assert_eq!((route.gateway, gateways), (None, vec!["192.0.2.1".to_owned(), "192.0.2.2".to_owned()]));
}

#[test]
fn rules_are_complete() {
    let text = block(
        "static_rules",
        &[
            "from 10.0.0.0/8 lookup main priority 100",
            "not to 10.1.0.0/16 table blue realms outer suppress_ifgroup default suppress_prefixlength 0 priority 101",
            "ipproto tcp dport 80 iif eth0 oif eth1 fwmark 0x10/0xf0 uidrange 1-2 tunnel-id 5 l3mdev priority 102",
            "inet6 fwmark 5 goto 200 priority 103 no_track",
            "from 2001:db8::/32 prohibit priority 104 protocol 99 no_track",
        ],
    );
    let rules = round_trip(&text, &host()).statics.rules;
    let seen: Vec<_> = rules.iter().map(|r| (r.object.family, r.object.action.clone(), r.object.protocol)).collect();
    assert_eq!(
        seen,
        [
            (Family::V4, Action::Table(254), 18),
            (Family::V4, Action::Table(4000), 18),
            (Family::V4, Action::L3mdev, 18),
            (Family::V6, Action::Goto(200), 0),
            (Family::V6, Action::Prohibit, 99),
        ]
    );
    assert_eq!(rules[1].object.from, None);
    assert_eq!((rules[1].object.suppress_group, rules[1].object.suppress_length), (Some(0), Some(0)));
    assert_eq!((rules[2].object.ip_protocol, rules[2].object.destination_ports.clone()), (Some(6), Some(80..=80)));
}

#[test]
fn names_that_mean_nothing_are_told() {
    for (list, line, want, left) in [
        ("static_ipaddress", "10.0.0.1/24 scope foo", "Invalid scope 'foo' specified for 10.0.0.1/24 - ignoring", 1),
        ("static_ipaddress", "10.0.0.1/24 scope 256", "Invalid scope '256' specified for 10.0.0.1/24 - ignoring", 1),
        ("static_ipaddress", "10.0.0.1/24 dev eth9", "WARNING - interface eth9 for ip address 10.0.0.1/24 doesn't exist", 0),
        ("static_routes", "10.0.0.0/8 dev eth9", "WARNING - interface eth9 for VROUTE nexthop doesn't exist", 0),
        ("static_routes", "10.0.0.0/8 nexthop dev eth9", "WARNING - interface eth9 for VROUTE nexthop doesn't exist", 1),
        ("static_routes", "10.0.0.0/8 table foo", "Routing table foo not found for route", 0),
        ("static_routes", "10.0.0.0/8 table 4294967296", "Routing table 4294967296 not found for route", 0),
        ("static_routes", "10.0.0.0/8 scope universe", "Scope universe not found or invalid for route", 0),
        ("static_routes", "10.0.0.0/8 protocol 256", "Protocol 256 not found or invalid for route", 0),
        (
            "static_routes",
            "10.0.0.0/8 protocol bird",
            "Route cannot be tracked if protocol is not RTPROT_KEEPALIVED(18), resetting protocol",
            1,
        ),
        ("static_routes", "10.0.0.0/8 tos 256", "TOS value 256 is invalid", 0),
        ("static_routes", "10.0.0.0/8 realms 256", "Invalid realms for route: 256", 0),
        ("static_routes", "10.0.0.0/8 vrf blue", "VRF blue not found for route", 0),
        ("static_routes", "10.0.0.0/8 vrf eth0", "Route specified VRF eth0 is not a VRF", 0),
        ("static_routes", "10.0.0.0/8 encap ip id 5 tos foo", "dsfield foo not valid for encapsulation", 1),
        ("static_rules", "table foo priority 1", "Routing table foo not found for rule", 0),
        ("static_rules", "table unspec priority 1", "Table 0 is not valid", 0),
        ("static_rules", "iif eth9 table 5 priority 1", "WARNING - interface eth9 for rule doesn't exist", 0),
        ("static_rules", "table 5 priority 1 tos foo", "TOS value foo is invalid", 0),
        ("static_rules", "table 5 priority 1 suppress_ifgroup foo", "suppress_group foo is invalid", 0),
        ("static_rules", "table 5 priority 1 ipproto 256", "Invalid ipproto 256", 1),
        ("static_rules", "table 5 priority 1 ipproto foo", "Invalid ipproto foo", 1),
        (
            "static_rules",
            "table 5 priority 1 protocol 5",
            "Rule cannot be tracked if protocol is not RTPROT_KEEPALIVED(18), resetting protocol",
            1,
        ),
        ("static_rules", "table 5 priority 1 track_group G", "Static rule cannot have track_group if dev/iif not specified", 1),
        ("static_routes", "10.0.0.0/8 dev eth0 track_group G", "track_group G not found", 1),
    ] {
        let (model, mut said) = load(&block(list, &[line]), &host());
        // What the want of an interface leads to.
        said.retain(|text| !text.contains("Non-existent interface"));
        let statics = model.statics;
        let count = statics.addresses.len() + statics.routes.len() + statics.rules.len();
        assert_eq!((said, count), (vec![format!("2: {want}")], left), "{line}");
    }
}

#[test]
fn a_static_address_needs_an_interface() {
    let (model, said) = load(&block("static_ipaddress", &["192.0.2.77"]), &Stated::default());
    assert_eq!(said, ["2: Static address 192.0.2.77 requires either an interface or default interface must exist"]);
    assert!(model.statics.addresses.is_empty());
}

/// An address with an interface that may appear later, and its own default.
#[test]
fn dynamic_interfaces_need_not_exist() {
    let host: &dyn Host = &Stated::default();
    let problems = &mut Diagnostics::default();
    let mut resolver = Resolver { dynamic_interfaces: true, default_interface: "wan".into(), ..Resolver::new(host, problems) };
    let new = |address: &str| draft::Address::new(Origin::default(), address.parse().expect("an address"), None);
    let drafts = vec![new("192.0.2.1"), draft::Address { device: Some("lan".into()), ..new("192.0.2.2") }];
    let statics = resolver.statics(draft::Statics { addresses: drafts, ..draft::Statics::default() }, &|_| true);
    let devices: Vec<_> = statics.addresses.iter().map(|a| a.object.device.as_deref()).collect();
    assert_eq!(devices, [Some("wan"), Some("lan")]);
    let address = resolver.address(new("192.0.2.3"), None).expect("usable");
    assert_eq!((address.device, address.prefix), (None, Prefix { address: [192, 0, 2, 3].into(), length: 32 }));
    assert!(problems.is_empty());
}

const GROUPED: &str = "track_group G {
    group {
        V1 V2
        V3
    }
}
static_ipaddress {
    192.0.2.1/24 track_group G
}
static_routes {
    10.0.0.0/8 dev eth0 track_group G
}
static_rules {
    iif eth0 table 5 priority 5 track_group G
}";

/// The instances that the groups of these tests name.
fn instances() -> String {
    (1..=3)
        .map(|n| {
            format!("vrrp_instance V{n} {{\n interface eth0\n virtual_router_id {n}\n virtual_ipaddress {{\n 192.0.2.10{n}\n }}\n}}\n")
        })
        .collect()
}

#[test]
fn groups_bind_static_objects_to_instances() {
    let statics = round_trip(&format!("{GROUPED}\n{}", instances()), &host()).statics;
    assert_eq!(statics.groups.len(), 1);
    assert_eq!(statics.groups[0].members, ["V1", "V2", "V3"].map(Into::into));
    let bound = [&statics.addresses[0].group, &statics.routes[0].group, &statics.rules[0].group];
    assert!(bound.iter().all(|group| group.as_deref() == Some("G")));
}

#[test]
fn faults_of_groups() {
    for (text, want) in [
        ("track_group {\n group {\n V1\n }\n}", vec!["1: track_group must have a name"]),
        ("track_group G {\n}", vec!["2: Warning - track group G has empty group block"]),
        (
            "track_group G {\n group {\n V1\n }\n}\ntrack_group G {\n group {\n V1\n }\n}",
            vec!["6: track_group G already defined - ignoring"],
        ),
        ("track_group G {\n group {\n V1\n }\n group {\n V2\n }\n}", vec!["5: track_group G already has its group block - ignoring"]),
        ("track_group G extra {\n group {\n V1\n }\n}", vec!["1: track_group G has extra parameters extra ..."]),
        ("static_ipaddress {\n 192.0.2.1 track_group G\n}\ntrack_group G {\n group {\n V1\n }\n}", vec!["2: track_group G not found"]),
    ] {
        assert_eq!(load(&format!("{text}\n{}", instances()), &host()).1, want, "{text}");
    }
}

#[test]
fn a_group_without_instances_binds_nothing() {
    let host: &dyn Host = &host();
    let problems = &mut Diagnostics::default();
    let mut resolver = Resolver::new(host, problems);
    let at = |order| Origin { order, file: 0, line: order };
    let group = |name: &str, members: &[&str]| draft::TrackGroup {
        name: name.into(),
        at: at(1),
        end: at(2),
        members: members.iter().map(|m| ((*m).into(), at(1))).collect(),
        lists: 1,
    };
    let address =
        |group: &str| draft::Address { track_group: Some(group.into()), ..draft::Address::new(at(3), [192, 0, 2, 1].into(), None) };
    let drafts = draft::Statics {
        groups: vec![group("A", &["V1", "V9"]), group("B", &["V9"])],
        addresses: vec![address("A"), address("B")],
        ..draft::Statics::default()
    };
    let statics = resolver.statics(drafts, &|name| name == "V1");
    assert_eq!(statics.groups, [model::TrackGroup { name: "A".into(), members: vec!["V1".into()] }]);
    assert_eq!(statics.addresses.iter().map(|a| a.group.as_deref()).collect::<Vec<_>>(), [Some("A"), None]);
    assert_eq!(problems.worst(), Some(Class::Notice));
}
