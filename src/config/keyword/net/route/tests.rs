use super::super::testing::{entry, name, noise, prefix, stays, table, v4, v6, with};
use super::*;
use crate::config::draft::net::{Named, Realms};
use crate::model::net::route::{Encap, Setting};
use proptest::prelude::*;

fn read_back(line: &str) -> Route {
    stays(route_entry, route_text, Owner::Static, line)
}

#[test]
fn every_option_is_read() {
    let draft = read_back(
        "blackhole 10.0.0.0/8 via inet 192.0.2.1 oif eth0 src 192.0.2.2 onlink dsfield 0x10 table 100 protocol bird scope 17 preference 5 realms a/0x14 append no_track ttl-propagate disabled track_group G vrf red",
    );
    assert_eq!((draft.kind, draft.family), (Kind::Blackhole, Some(Family::V4)));
    assert_eq!((draft.gateway, draft.preferred_source), ("192.0.2.1".parse().ok(), "192.0.2.2".parse().ok()));
    assert_eq!((draft.tos, draft.table, draft.scope), (Some(Named::Number(16)), Some(Named::Number(100)), Some(Named::Number(17))));
    assert_eq!((draft.protocol, draft.priority), (Some(Named::Name("bird".into())), Some(5)));
    assert_eq!(draft.realms, Some(Realms { source: Some(Named::Name("a".into())), destination: Named::Number(20) }));
    assert_eq!((draft.placing, draft.ttl_propagate, draft.onlink, draft.no_track), (Placing::Last, Some(false), true, true));
    assert_eq!((draft.device.as_deref(), draft.vrf.as_deref(), draft.track_group.as_deref()), (Some("eth0"), Some("red"), Some("G")));

    let draft = read_back("2001:db8::/32 from 2001:db8:1::/48 dev eth0 expires 30 pref high");
    assert_eq!((draft.from.map(|p| p.length), draft.expires, draft.preference), (Some(48), Some(30), Some(Preference::High)));
}

#[test]
fn metrics_are_in_kernel_units() {
    let draft = read_back(
        "default dev eth0 mtu lock 1400 advmss 1300 reordering 4 cwnd 5 ssthresh lock 6 rtt 1.5s rttvar 801 rto_min lock 300ms hoplimit 9 window 7 initcwnd 8 initrwnd 9 features ecn quickack 1 fastopen_no_cookie 0 congctl lock vegas",
    );
    let want = [
        (Metric::Mtu, 1400, true),
        (Metric::Window, 7, false),
        (Metric::Rtt, 12_000, false),
        (Metric::RttVar, 801, false),
        (Metric::SsThresh, 6, true),
        (Metric::Cwnd, 5, false),
        (Metric::AdvMss, 1300, false),
        (Metric::Reordering, 4, false),
        (Metric::HopLimit, 9, false),
        (Metric::InitCwnd, 8, false),
        (Metric::Features, 1, false),
        (Metric::RtoMin, 300, true),
        (Metric::InitRwnd, 9, false),
        (Metric::QuickAck, 1, false),
        (Metric::FastOpenNoCookie, 0, false),
    ];
    assert!(draft.metrics.values.into_iter().eq(want.map(|(metric, value, locked)| (metric, Setting { value, locked }))));
    assert!(draft.metrics.congestion.is_some_and(|c| c.locked && *c.algorithm == *"vegas"));
}

#[test]
fn destinations_come_in_many_forms() {
    for (line, want) in [
        ("10.0.0.0/8", Some("10.0.0.0/8")),
        ("dev eth0 to 10.1.2.3", Some("10.1.2.3/32")),
        ("dev eth0 10.0.0.0/8", Some("10.0.0.0/8")),
        ("brd 10.0.0.255 dev eth0", Some("10.0.0.255/32")),
        ("default via 192.0.2.1", None),
        ("all dev eth0", None),
        ("via fe80::1 default", None),
        ("inet6 default dev eth0", None),
        ("default6 dev eth0", None),
        ("throw any", None),
    ] {
        let draft = read_back(line);
        let shown = match draft.destination {
            Some(Destination::Prefix(prefix)) => Some(prefix.to_string()),
            Some(Destination::Default) | None => None,
        };
        assert_eq!(shown.as_deref(), want, "{line}");
        let six = line.contains("fe80") || line.contains('6');
        assert_eq!(draft.family, Some(if six { Family::V6 } else { Family::V4 }), "{line}");
    }
}

#[test]
fn tunnels_and_hops() {
    let draft = read_back("10.0.0.0/8 dev eth0 encap ip id 5 dst 192.0.2.1 src 192.0.2.2 tos AF11 ttl 7 flags 16 mtu 1400");
    let Some(Encap::Ip(tunnel)) = draft.encap else { unreachable!("{draft:?}") };
    assert_eq!((tunnel.id, tunnel.class, tunnel.ttl, tunnel.flags), (Some(5), Some(Named::Name("AF11".into())), Some(7), Some(16)));
    assert!(matches!(read_back("2001:db8::/32 dev a encap ip6 dst fe80::1 tc 4 hoplimit 3").encap, Some(Encap::Ip6(_))));
    assert_eq!(read_back("10.0.0.0/8 dev a encap mpls 100/200").encap, Some(Encap::Mpls([100, 200].into())));
    assert_eq!(read_back("10.0.0.0/8 dev a encap ila \" 12ff:23:34:45\"").encap, Some(Encap::Ila(0x12ff_0023_0034_0045)));

    let draft = read_back(
        "10.0.0.0/8 table 5 nexthop via inet 192.0.2.1 dev eth0 weight 256 onlink realms 5 encap mpls 5 nexthop dev eth1 nexthop encap ip6 id 3 via 192.0.2.3",
    );
    assert_eq!(draft.hops.iter().map(|hop| hop.weight).collect::<Vec<_>>(), [Some(256), None, None]);
    assert!(draft.hops[0].onlink && draft.hops[0].realms.is_some() && draft.hops[2].encap.is_some());
}

#[test]
fn faults_cost_the_option_or_the_line() {
    const MISSING: &str = "*** Configuration line starting `10.0.0.0/8` is missing a parameter after keyword";
    let cases: &[(&str, bool, &[&str])] = &[
        ("dev eth0", false, &["Route must have a destination"]),
        ("10.0.0.0/8 track 27", false, &["unknown route keyword track"]),
        ("10/8 dev eth0", false, &["unknown route keyword 10/8"]),
        ("to local 10.0.0.0/8", false, &["unknown route keyword local"]),
        ("10.0.0.0/33 dev eth0", true, &["Invalid address prefix len 33 for address 10.0.0.0/33 - using 32"]),
        ("10.0.0.0/8 gw 192.0.2.1", true, &["\"gw\" for routes is deprecated. Please use \"via\""]),
        ("10.0.0.0/8 via 192.0.2.1 or 192.0.2.2", true, &["\"or\" for routes is deprecated. Please use \"nexthop\""]),
        ("10.0.0.0/8 via x.x.x.x", false, &["invalid route via address x.x.x.x"]),
        ("10.0.0.0/8 via 192.0.2.1/24", false, &["invalid route via address 192.0.2.1/24"]),
        ("10.0.0.0/8 via fe80::1", false, &["Cannot mix IPv4 and IPv6 addresses for route"]),
        ("default via inet6 192.0.2.1", false, &["Cannot mix IPv4 and IPv6 addresses for route"]),
        ("default6 via 192.0.2.1", false, &["Cannot mix IPv4 and IPv6 addresses for route"]),
        ("via fe80::1 10.0.0.0/8", false, &["Cannot mix IPv4 and IPv6 addresses for route (10.0.0.0/8)"]),
        ("10.0.0.0/8 inet6", false, &["inet6 specified for IPv4 route"]),
        ("10.0.0.0/8 src foo", false, &["invalid route src address foo"]),
        ("10.0.0.0/8 from 10.1.1.1", false, &["route from address only supported with IPv6 (10.1.1.1)"]),
        ("10.0.0.0/8 metric 5x", false, &["invalid number '5x'"]),
        ("10.0.0.0/8 metric -5", false, &["negative number '-5'"]),
        ("10.0.0.0/8 mtu 4294967296", false, &["number '4294967296' outside range [0, 4294967295]"]),
        ("10.0.0.0/8 hoplimit lock 5", false, &["invalid number 'lock'"]),
        ("10.0.0.0/8 quickack 2", false, &["number '2' outside range [0, 1]"]),
        ("10.0.0.0/8 expires 5", false, &["expires is only valid for IPv6"]),
        ("10.0.0.0/8 pref low", false, &["pref is only valid for IPv6"]),
        ("2001:db8::/32 realms 5", false, &["realms are only valid for IPv4"]),
        ("10.0.0.0/8 realms 1/2/3", false, &["Invalid realms 1/2/3 for route"]),
        ("10.0.0.0/8 features foo", true, &["feature foo not supported"]),
        ("10.0.0.0/8 ttl-propagate foo", true, &["ttl-propagate value foo not recognised"]),
        ("10.0.0.0/8 as to 5", true, &["\"as to\" for MPLS only - ignoring"]),
        ("10.0.0.0/8 rtt 102", true, &["rtt value 102 below minimum 200ms, resetting"]),
        ("10.0.0.0/8 rtt 100ms", true, &["rtt value 100ms below minimum 200ms, resetting"]),
        ("10.0.0.0/8 rtt 121s", true, &["rtt value 121s above maximum 120000ms, resetting"]),
        ("10.0.0.0/8 rtt 1.000125s", true, &["number '1.000125' has too many decimal places"]),
        ("10.0.0.0/8 rtt 4294967295", false, &["number '4294967295' outside range [0, 960000]"]),
        ("10.0.0.0/8 rttvar 480001", false, &["number '480001' outside range [0, 480000]"]),
        ("10.0.0.0/8 rto_min 2e3", false, &["Invalid rto_min 2e3 for route"]),
        ("10.0.0.0/8 encap foo", true, &["Unknown encap type - foo"]),
        ("10.0.0.0/8 encap ip ttl 5", true, &["address or id missing for ip encapsulation"]),
        ("10.0.0.0/8 encap ip dst fe80::1", false, &["address fe80::1 not valid for ip encapsulation"]),
        ("10.0.0.0/8 encap ip ttl 256", false, &["number '256' outside range [0, 255]"]),
        ("10.0.0.0/8 encap mpls 1048576", true, &["invalid mpls address 1048576 for encapsulation"]),
        ("10.0.0.0/8 encap ila 1:2:3", true, &["invalid locator 1:2:3 for ila encapsulation"]),
        ("10.0.0.0/8 nexthop via fe80::1", true, &["Address family mismatch for next hop"]),
        ("10.0.0.0/8 nexthop via foo", true, &["invalid nexthop address foo"]),
        ("10.0.0.0/8 nexthop via 192.0.2.1 mtu 5", true, &["Route has trailing nonsense after nexthops - mtu"]),
        ("10.0.0.0/8 nexthop", true, &["nexthop leads nowhere - ignoring"]),
        ("10.0.0.0/8 track_group G", true, &["Static route cannot have track group if no oif specified"]),
    ];
    table(route_entry, Owner::Static, cases);
    for word in ["dev", "via", "src", "tos", "table", "protocol", "scope", "metric", "rtt", "congctl", "features", "as", "vrf", "blackhole"]
    {
        let (draft, said) = entry(route_entry, Owner::Static, &format!("10.0.0.0/8 {word}"));
        assert_eq!((draft, said), (None, vec![format!("{MISSING} `{word}`")]));
    }
    assert!(entry(route_entry, Owner::Instance, "10.0.0.0/8 dev eth0 track_group G").0.is_none());
}

#[test]
fn a_bad_hop_costs_only_itself() {
    let line = "10.0.0.0/8 nexthop via 192.0.2.1 weight 257 dev eth0 nexthop via 192.0.2.2";
    let (draft, said) = entry(route_entry, Owner::Static, line);
    assert_eq!(said, ["number '257' outside range [1, 256]"]);
    assert_eq!(draft.map(|draft| draft.hops.len()), Some(1));
}

const WORDS: &[&str] = &[
    "inet",
    "to",
    "unicast",
    "blackhole",
    "throw",
    "via",
    "gw",
    "or",
    "dev",
    "src",
    "from",
    "tos",
    "table",
    "vrf",
    "protocol",
    "scope",
    "metric",
    "onlink",
    "expires",
    "mtu",
    "rtt",
    "rttvar",
    "rto_min",
    "hoplimit",
    "features",
    "quickack",
    "congctl",
    "realms",
    "pref",
    "ttl-propagate",
    "as",
    "add",
    "append",
    "no_track",
    "encap",
    "ip",
    "ip6",
    "mpls",
    "ila",
    "id",
    "dst",
    "ttl",
    "flags",
    "tc",
    "nexthop",
    "weight",
    "track_group",
];

fn valid() -> impl Strategy<Value = String> {
    any::<bool>().prop_flat_map(|six| {
        let address = move || if six { v6().boxed() } else { v4().boxed() };
        let number = || any::<u32>();
        let lockable = |word: &'static str| {
            (any::<bool>(), any::<u32>()).prop_map(move |(lock, n)| format!("{word} {}{n}", if lock { "lock " } else { "" })).boxed()
        };
        let encap = || {
            prop_oneof![
                with(
                    "encap mpls",
                    prop::collection::vec(0..1_048_576_u32, 1..4).prop_map(|l| l.iter().map(u32::to_string).collect::<Vec<_>>().join("/"))
                ),
                with("encap ila", any::<[u16; 4]>().prop_map(|[a, b, c, d]| format!("{a:x}:{b:x}:{c:x}:{d:x}"))),
                (any::<u64>(), v4(), any::<u8>()).prop_map(|(id, dst, ttl)| format!("encap ip id {id} dst {dst} ttl {ttl}")).boxed(),
                (v6(), v6(), any::<u16>(), name())
                    .prop_map(|(dst, src, f, tc)| format!("encap ip6 dst {dst} src {src} flags {f} tc {tc}"))
                    .boxed(),
            ]
        };
        let mut options = vec![
            with("via", address()),
            with("src", address()),
            with("dev", name()),
            with("table", number()),
            with("table", name()),
            with("protocol", any::<u8>()),
            with("scope", name()),
            with("tos", any::<u8>()),
            with("metric", number()),
            with("vrf", name()),
            lockable("mtu"),
            lockable("advmss"),
            lockable("ssthresh"),
            with("rtt", 1600..=960_000_u32),
            with("rttvar", (200..=120_000_u32).prop_map(|n| format!("{n}ms"))),
            with("rto_min lock", (1..=120_u32).prop_map(|n| format!("{n}s"))),
            with("hoplimit", any::<u8>()),
            with("quickack", 0..=1_u8),
            with("congctl lock", name()),
        ];
        options.extend(
            ["onlink", "append", "add", "no_track", "features ecn", "ttl-propagate enabled"].map(|word| Just(word.to_owned()).boxed()),
        );
        if six {
            options.extend([with("from", prefix(true)), with("expires", number()), with("pref", any::<u8>()), with("pref", Just("low"))]);
        } else {
            options.extend([
                with("realms", any::<u8>()),
                with("realms", (name(), any::<u8>()).prop_map(|(s, d)| format!("{}/{d}", s.replace([' ', '"'], "")))),
            ]);
        }
        let hop = (address(), prop::option::of(1..=256_u16), prop::option::of(encap())).prop_map(|(via, weight, encap)| {
            let weight = weight.map(|w| format!(" weight {w}")).unwrap_or_default();
            format!("nexthop via {via}{weight} {}", encap.unwrap_or_default())
        });
        let kind = prop::sample::select(vec!["", "to", "local", "blackhole", "unreachable", "prohibit", "throw", "broadcast", "multicast"]);
        let destination = prop_oneof![3 => prefix(six), 1 => Just(if six { "inet6 to default" } else { "default" }.to_owned())];
        let options = prop::collection::vec(prop::strategy::Union::new(options), 0..12);
        // An encapsulation takes the words that it shares with the route.
        (kind, destination, options, prop::option::of(encap()), prop::collection::vec(hop, 0..3)).prop_map(
            |(kind, destination, options, encap, hops)| {
                let kind = if destination.starts_with("inet6") { "" } else { kind };
                format!("{kind} {destination} {} {} {}", options.join(" "), encap.unwrap_or_default(), hops.join(" "))
            },
        )
    })
}

proptest! {
    #[test]
    fn valid_lines_read_back_the_same(line in valid()) {
        stays(route_entry, route_text, Owner::Instance, &line);
    }

    #[test]
    fn any_line_is_survived(line in noise(WORDS), routed in any::<bool>()) {
        let line = if routed { format!("10.0.0.0/8 {line}") } else { line };
        if let (Some(draft), _) = entry(route_entry, Owner::Static, &line)
            && draft.alternative.is_none()
        {
            stays(route_entry, route_text, Owner::Static, &route_text(&draft));
        }
    }
}
