use super::*;
use crate::effect::delta::{Identity, Op};
use crate::effect::net::Fact;
use crate::kernel::rtnl::decode;
use crate::kernel::rtnl::message::request;
use crate::model::net::Rule;
use crate::model::net::rule::{Action, Mark};
use netlink_packet_route::RouteNetlinkMessage;
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use std::net::{Ipv4Addr, Ipv6Addr};

const NAMES: [&str; 3] = ["e0", "e1", "e2"];

fn number(name: &str) -> Option<Device> {
    NAMES.iter().zip(5..).find(|(known, _)| **known == name).map(|(_, index)| Device(index))
}

fn name(device: Device) -> Option<Box<str>> {
    NAMES.into_iter().find(|&known| number(known) == Some(device)).map(Box::from)
}

fn v4() -> impl Strategy<Value = IpAddr> {
    any::<Ipv4Addr>().prop_map(IpAddr::from)
}

fn v6() -> impl Strategy<Value = IpAddr> {
    any::<Ipv6Addr>().prop_map(IpAddr::from)
}

fn address(family: Family) -> BoxedStrategy<IpAddr> {
    match family {
        Family::V4 => v4().boxed(),
        Family::V6 => v6().boxed(),
    }
}

fn prefix(family: Family) -> impl Strategy<Value = Prefix> {
    (address(family), 1..=family.bits()).prop_map(|(address, length)| network(Prefix { address, length }))
}

fn device() -> impl Strategy<Value = Box<str>> {
    prop::sample::select(&NAMES[..]).prop_map(Box::from)
}

fn realms(family: Family) -> BoxedStrategy<Option<Realms>> {
    match family {
        Family::V4 => of(any::<(u8, u8)>().prop_map(|(source, destination)| Realms { source, destination })).boxed(),
        Family::V6 => Just(None).boxed(),
    }
}

fn tunnel<A: std::fmt::Debug>(ends: impl Strategy<Value = A> + Clone) -> impl Strategy<Value = Tunnel<A>> {
    let fields = (of(any::<u64>()), ends.clone(), of(ends), of(any::<u8>()), of(any::<u8>()), of(any::<u16>()));
    fields.prop_map(|(id, destination, source, class, ttl, flags)| Tunnel { id, destination: Some(destination), source, class, ttl, flags })
}

fn encap() -> impl Strategy<Value = Encap> {
    prop_oneof![
        tunnel(any::<Ipv4Addr>()).prop_map(Encap::Ip),
        tunnel(any::<Ipv6Addr>()).prop_map(Encap::Ip6),
        vec(0..0x10_0000_u32, 1..4).prop_map(|labels| Encap::Mpls(labels.into())),
        any::<u64>().prop_map(Encap::Ila),
    ]
}

fn hop(family: Family) -> impl Strategy<Value = NextHop> {
    // IPv4 may go by an IPv6 gateway.
    let gateway = match family {
        Family::V4 => prop_oneof![v4(), v6()].boxed(),
        Family::V6 => v6().boxed(),
    };
    (of(gateway), device(), 1..=256_u16, any::<bool>(), of(encap()), realms(family)).prop_map(
        |(gateway, device, weight, onlink, encap, realms)| NextHop { gateway, device: Some(device), weight, onlink, encap, realms },
    )
}

fn all_metrics() -> impl Strategy<Value = Metrics> {
    let setting = (1..=255_u32, any::<bool>()).prop_map(|(value, locked)| Setting { value, locked });
    let values = btree_map(prop::sample::select(&LOCKABLE[..]), setting, 0..15);
    let congestion = of(("[a-z]{1,15}", any::<bool>()).prop_map(|(name, locked)| Congestion { algorithm: name.into(), locked }));
    (values, congestion).prop_map(|(values, congestion)| Metrics { values, congestion })
}

/// Routes as the kernel keeps them, with nothing left to be filled in.
fn a_route() -> impl Strategy<Value = Route> {
    let family = prop_oneof![Just(Family::V4), Just(Family::V6)];
    family.prop_flat_map(|family| {
        let preference = prop_oneof![Just(Preference::Low), Just(Preference::Medium), Just(Preference::High)];
        let (scope, preference, from) = match family {
            Family::V4 => (any::<u8>().prop_map(|scope| Some(Scope(scope))).boxed(), Just(None).boxed(), Just(None).boxed()),
            Family::V6 => (Just(None).boxed(), of(preference).boxed(), of(prefix(family)).boxed()),
        };
        let ways = prop_oneof![vec(hop(family), 1), vec(hop(family), 2..5)];
        let kind = prop::sample::select(vec![Kind::Unicast, Kind::Local, Kind::Broadcast, Kind::Anycast, Kind::Multicast]);
        let what = (kind, prefix(family), from, of(address(family)), any::<(u8, u8)>(), 1..=u32::MAX, 1..=u32::MAX);
        (what, scope, preference, realms(family), all_metrics(), ways).prop_map(|(what, scope, preference, realms, metrics, ways)| {
            let (kind, destination, from, preferred_source, (tos, protocol), table, priority) = what;
            let mut route = Route {
                kind,
                from,
                preferred_source,
                tos,
                table,
                protocol,
                scope,
                priority: Some(priority),
                metrics,
                realms,
                preference,
                tracked: false,
                ..Route::to(destination)
            };
            if let [only] = ways.as_slice() {
                (route.gateway, route.device, route.onlink) = (only.gateway, only.device.clone(), only.onlink);
                route.encap.clone_from(&only.encap);
            } else {
                route.hops = ways;
            }
            route
        })
    })
}

/// What the kernel would be sent, and what that says.
fn bytes(fact: Fact) -> Vec<u8> {
    let request = request(&Op::Add(fact), &number).expect("its interfaces are known");
    let mut bytes;
    match request.message {
        RouteNetlinkMessage::NewRoute(message) => {
            bytes = vec![0; message.buffer_len()];
            message.emit(&mut bytes);
        }
        RouteNetlinkMessage::NewRule(message) => {
            bytes = vec![0; message.buffer_len()];
            message.emit(&mut bytes);
        }
        other => unreachable!("{other:?}"),
    }
    bytes
}

fn seen(wanted: &Route) -> Seen {
    route(&bytes(Fact::Route(Box::new(wanted.clone())))).expect("a route")
}

fn a_rule() -> impl Strategy<Value = Rule> {
    let family = prop_oneof![Just(Family::V4), Just(Family::V6)];
    let action = prop_oneof![
        (1..=u32::MAX).prop_map(Action::Table),
        Just(Action::L3mdev),
        any::<u32>().prop_map(Action::Goto),
        Just(Action::Nop),
        Just(Action::Blackhole),
        Just(Action::Unreachable),
        Just(Action::Prohibit),
    ];
    let ports = || of(any::<(u16, u16)>().prop_map(|(a, b)| a.min(b)..=a.max(b)));
    (family, action).prop_flat_map(move |(family, action)| {
        let mark = of(any::<(u32, u32)>().prop_map(|(value, mask)| Mark { value, mask }));
        let uids = of(any::<(u32, u32)>().prop_map(|(a, b)| a.min(b)..=a.max(b)));
        let selectors = (any::<bool>(), of(prefix(family)), of(prefix(family)), any::<u8>(), mark, of(device()), of(device()), uids);
        let transport = (of(any::<u8>()), ports(), ports(), of(any::<u64>()));
        let rest = (any::<u32>(), any::<u8>(), of(0..u32::MAX), of(0..u32::MAX), realms(family));
        (selectors, transport, rest).prop_map(move |(selectors, transport, rest)| {
            let (inverted, from, to, tos, mark, input, output, uids) = selectors;
            let (ip_protocol, source_ports, destination_ports, tunnel) = transport;
            let (priority, protocol, suppress_length, suppress_group, realms) = rest;
            Rule {
                family,
                inverted,
                from,
                to,
                priority,
                tos,
                mark,
                input,
                output,
                uids,
                ip_protocol,
                source_ports,
                destination_ports,
                tunnel,
                action: action.clone(),
                realms,
                suppress_length,
                suppress_group,
                protocol,
                tracked: true,
            }
        })
    })
}

proptest! {
    #[test]
    fn a_route_is_read_as_it_was_written(wanted in a_route()) {
        let seen = seen(&wanted);
        prop_assert_eq!(seen.told(&name), wanted.clone());
        prop_assert!(seen.is(&wanted, &number) && seen.is_as_wanted(&wanted, &number));
    }

    #[test]
    fn a_rule_is_read_as_it_was_written(wanted in a_rule()) {
        let fact = Fact::Rule(Box::new(wanted));
        let read = decode::rule(&bytes(fact.clone())).expect("a rule");
        prop_assert_eq!(Identity::of(&Fact::Rule(Box::new(read))), Identity::of(&fact));
    }

    #[test]
    fn no_bytes_make_a_route_or_a_rule_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = (route(&bytes), decode::rule(&bytes));
    }
}

fn plain_route(family: Family) -> Route {
    let address = |text: &str| text.parse::<IpAddr>().expect("an address");
    let (destination, length, gateway, source) = match family {
        Family::V4 => ("10.7.0.0", 24, "10.9.0.1", "10.9.0.2"),
        Family::V6 => ("fd00:7::", 64, "fd00:9::1", "fd00:9::2"),
    };
    Route {
        preferred_source: Some(address(source)),
        gateway: Some(address(gateway)),
        device: Some("e0".into()),
        ..Route::to(Prefix { address: address(destination), length })
    }
}

/// What may be different about a route, and whether it is another one then, or the same in another way.
type Change = (&'static str, bool, fn(&mut Route));

const CHANGES: [Change; 16] = [
    ("kind", false, |r| r.kind = Kind::Local),
    ("destination", false, |r| r.destination.length = 25),
    ("source", false, |r| r.preferred_source = Some([10, 9, 0, 3].into())),
    ("gateway", false, |r| r.gateway = Some([10, 9, 0, 4].into())),
    ("device", false, |r| r.device = Some("e1".into())),
    ("tos", false, |r| r.tos = 4),
    ("table", false, |r| r.table = 100),
    ("protocol", false, |r| r.protocol = 4),
    ("priority", false, |r| r.priority = Some(7)),
    ("onlink", true, |r| r.onlink = true),
    ("realms", true, |r| r.realms = Some(Realms { source: 0, destination: 3 })),
    ("encap", true, |r| r.encap = Some(Encap::Mpls([5].into()))),
    ("mtu", true, |r| {
        r.metrics.values.insert(Metric::Mtu, Setting { value: 1400, locked: false });
    }),
    ("locked", true, |r| {
        r.metrics.values.insert(Metric::Cwnd, Setting { value: 0, locked: true });
    }),
    ("congestion", true, |r| r.metrics.congestion = Some(Congestion { algorithm: "reno".into(), locked: false })),
    ("two ways", false, |r| {
        let hop = NextHop { gateway: r.gateway.take(), device: r.device.take(), weight: 1, onlink: false, encap: None, realms: None };
        r.hops = vec![NextHop { gateway: Some([10, 9, 0, 4].into()), ..hop.clone() }, hop];
    }),
];

#[test]
fn a_route_that_is_not_quite_ours_is_told_from_ours_and_from_another() {
    let wanted = plain_route(Family::V4);
    for (what, same, change) in CHANGES {
        let mut other = wanted.clone();
        change(&mut other);
        // The kernel tells what it has, whichever of the two that is.
        for (there, asked) in [(&other, &wanted), (&wanted, &other)] {
            let seen = seen(there);
            assert!(seen.is_as_wanted(there, &number), "{what}");
            assert!(!seen.is_as_wanted(asked, &number), "{what}");
        }
        assert_eq!(seen(&wanted).is(&other, &number), same, "{what}");
    }
}

#[test]
fn what_the_kernel_fills_in_is_no_difference() {
    const MEDIUM: u8 = 0;
    for family in [Family::V4, Family::V6] {
        let mut wanted = plain_route(family);
        wanted.metrics.values.insert(Metric::Mtu, Setting { value: 100_000, locked: false });
        wanted.metrics.values.insert(Metric::InitCwnd, Setting { value: 0, locked: false });
        let mut there = wanted.clone();
        there.metrics.values.insert(Metric::Mtu, Setting { value: 65_520, locked: false });
        there.metrics.values.remove(&Metric::InitCwnd);
        if family == Family::V6 {
            (there.priority, there.preference) = (Some(IPV6_PRIORITY), Some(Preference::Medium));
        }
        let seen = seen(&there);
        assert!(seen.is_as_wanted(&wanted, &number), "{family:?}: {seen:?}");
    }
    assert_eq!(preference(MEDIUM.into()), Preference::Medium);
    let tunnel = Tunnel { destination: Some(Ipv4Addr::LOCALHOST), ..Tunnel::default() };
    let wanted = Route { encap: Some(Encap::Ip(tunnel.clone())), ..plain_route(Family::V4) };
    let filled = Tunnel { id: Some(0), source: Some(Ipv4Addr::UNSPECIFIED), class: Some(0), ttl: Some(0), flags: Some(0), ..tunnel };
    let there = Route { encap: Some(Encap::Ip(filled)), ..wanted.clone() };
    assert!(seen(&there).is_as_wanted(&wanted, &number));
}

#[test]
fn of_a_route_of_several_ways_each_weight_counts() {
    let hop = |gateway: [u8; 4], weight| NextHop {
        gateway: Some(gateway.into()),
        device: Some("e0".into()),
        weight,
        onlink: false,
        encap: None,
        realms: None,
    };
    let of = |one, two| Route {
        gateway: None,
        device: None,
        hops: vec![hop([10, 9, 0, 1], one), hop([10, 9, 0, 2], two)],
        ..plain_route(Family::V4)
    };
    let seen = seen(&of(1, 3));
    assert!(seen.is_as_wanted(&of(1, 3), &number));
    assert!(seen.is(&of(2, 3), &number) && !seen.is_as_wanted(&of(2, 3), &number));
    assert!(!seen.is(&Route { hops: vec![hop([10, 9, 0, 1], 1)], ..of(1, 1) }, &number));
}
