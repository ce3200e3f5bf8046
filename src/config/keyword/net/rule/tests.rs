use super::super::testing::{entry, name, noise, prefix, stays, table, with};
use super::*;
use crate::config::draft::net::Realms;
use proptest::prelude::*;

fn read_back(line: &str) -> Rule {
    stays(rule_entry, rule_text, Owner::Static, line)
}

#[test]
fn every_option_is_read() {
    let draft = read_back(
        "not from 10.0.0.0/8 to 192.0.2.1 order 0x100 dsfield 4 fwmark 0x17/0x10 dev eth0 oif eth1 uidrange 23-56 ipproto tcp sport 80 dport 1000-1024 tunnel-id 18446744073709551615 realms a/2 sup_pl 21 sup_group 43 lookup main protocol 99 no_track track_group G",
    );
    assert!(draft.inverted && draft.no_track);
    assert_eq!((draft.from.map(|p| p.length), draft.to.map(|p| p.length)), (Some(8), Some(32)));
    assert_eq!((draft.priority, draft.tos, draft.tunnel), (Some(256), Some(Named::Number(4)), Some(u64::MAX)));
    assert_eq!(draft.mark, Some(Mark { value: 23, mask: 16 }));
    assert_eq!((draft.input.as_deref(), draft.output.as_deref()), (Some("eth0"), Some("eth1")));
    assert_eq!((draft.uids, draft.source_ports, draft.destination_ports), (Some(23..=56), Some(80..=80), Some(1000..=1024)));
    assert_eq!(draft.ip_protocol, Some(Named::Name("tcp".into())));
    assert_eq!(draft.realms, Some(Realms { source: Some(Named::Name("a".into())), destination: Named::Number(2) }));
    assert_eq!((draft.suppress_length, draft.suppress_group), (Some(21), Some(Named::Number(43))));
    assert_eq!((draft.action, draft.protocol), (Some(Action::Table(Named::Name("main".into()))), Some(99)));
}

#[test]
fn actions() {
    for (line, want) in [
        ("table 5", Action::Table(Named::Number(5))),
        ("l3mdev", Action::L3mdev),
        ("goto 200", Action::Goto(200)),
        ("type goto 200", Action::Goto(200)),
        ("nop", Action::Nop),
        ("type blackhole", Action::Blackhole),
        ("unreachable", Action::Unreachable),
        ("prohibit", Action::Prohibit),
    ] {
        assert_eq!(read_back(&format!("{line} priority 100")).action, Some(want), "{line}");
    }
}

#[test]
fn everything_fits_a_known_family() {
    for (line, family) in [
        ("from 10.0.0.0/8 to all table 5 priority 1", Family::V4),
        ("from default to 2001:db8::/32 table 5 priority 1", Family::V6),
        ("inet6 fwmark 5 table 28 priority 1", Family::V6),
        ("inet from 10.0.0.0/8 table 5 priority 1", Family::V4),
        ("table 5 priority 1 inet6", Family::V6),
        ("table 5 priority 1", Family::V4),
    ] {
        assert_eq!(read_back(line).family, Some(family), "{line}");
    }
}

#[test]
fn faults_cost_the_option_or_the_line() {
    let cases: &[(&str, bool, &[&str])] = &[
        ("from 10.0.0.0/8 priority 1", false, &["No action specified for rule - ignoring"]),
        ("from 10.0.0.0/8 table 5 track 65", false, &["Unknown rule option track"]),
        ("from foo table 5 priority 1", false, &["Invalid rule from address foo"]),
        ("from 10.0.0.0/33 table 5 priority 1", true, &["Invalid address prefix len 33 for address 10.0.0.0/33 - using 32"]),
        ("from 10.0.0.0/8 to fe80::1 table 5 priority 1", false, &["rule specification has mixed IPv4 and IPv6"]),
        ("from 10.0.0.0/8 inet6 table 5 priority 1", false, &["inet6 specified for IPv4 rule"]),
        ("table 5 priority 5x", false, &["Invalid rule preference 5x specified for priority"]),
        ("table 5 priority 1 fwmark 5/", false, &["Invalid rule fwmark 5/ specified"]),
        ("table 5 priority 1 uidrange 5", false, &["Invalid uidrange 5 specified"]),
        ("table 5 priority 1 uidrange 6-5", false, &["Invalid uidrange 6-5 specified"]),
        ("table 5 priority 1 sport 6-5", true, &["invalid sport range 6-5"]),
        ("table 5 priority 1 dport 1-65536", true, &["invalid dport range 1-65536"]),
        ("table 5 priority 1 tunnel-id 0x10", false, &["invalid number '0x10'"]),
        ("table 5 priority 1 realms 5/", false, &["invalid realms 5/ for rule"]),
        ("from fe80::1 table 5 priority 1 realms 5", false, &["realms is only valid for IPv4"]),
        ("blackhole priority 1 suppress_prefixlength 5", false, &["suppressor/realm specified for non table action - skipping"]),
        ("table 5 priority 1 suppress_prefixlength 2147483648", false, &["number '2147483648' outside range [0, 2147483647]"]),
        ("table 0 priority 1", false, &["Table 0 is not valid"]),
        (
            "table 5 l3mdev priority 1",
            false,
            &["Cannot specify more than one of table/nop/goto/blackhole/prohibit/unreachable/l3mdev for rule"],
        ),
        ("goto 100 priority 100", false, &["Invalid rule - preference 100 >= goto target 100"]),
        ("goto 100", false, &["Invalid rule - goto target 100 specified without preference"]),
        ("type local priority 1", false, &["Invalid rule action local"]),
        ("local priority 1", false, &["Invalid rule action local"]),
        ("table 5 priority 1 protocol 256", true, &["number '256' outside range [0, 255]"]),
        ("table 5 priority 1 track_group G", true, &["Static rule cannot have track_group if dev/iif not specified"]),
        ("from", false, &["*** Configuration line starting `from` is missing a parameter after keyword `from`"]),
    ];
    table(rule_entry, Owner::Static, cases);
}

#[test]
fn rules_without_a_priority_are_numbered_downwards_by_family() {
    let mut cx = crate::config::args::Context::default();
    let mut priorities = Vec::new();
    for line in ["to fe80::1 table 5", "to fe80::2 l3mdev", "from 10.0.0.0/8 l3mdev", "track", "table 5 priority 7", "nop"] {
        let statement = crate::config::syntax::Statement { text: line, at: crate::config::diagnostic::Origin::default() };
        priorities.extend(rule_entry(Owner::Static, &mut Args::entry(&statement, "static_rules", &mut cx)).map(|rule| rule.priority));
    }
    assert_eq!(priorities, [Some(16384), Some(16383), Some(16384), Some(7), Some(16383)]);
    let said = "Rule has no preference specified - setting to 16383. This is probably not what you want.";
    assert_eq!(cx.problems.iter().filter(|d| d.text == said).count(), 1, "the same message at the same line is kept once");
}

const WORDS: &[&str] = &[
    "inet",
    "not",
    "from",
    "to",
    "priority",
    "tos",
    "fwmark",
    "iif",
    "oif",
    "uidrange",
    "ipproto",
    "sport",
    "dport",
    "tunnel-id",
    "realms",
    "suppress_prefixlength",
    "suppress_ifgroup",
    "table",
    "l3mdev",
    "goto",
    "nop",
    "blackhole",
    "type",
    "protocol",
    "no_track",
    "track_group",
];

fn valid() -> impl Strategy<Value = String> {
    any::<bool>().prop_flat_map(|six| {
        let range =
            |word: &'static str| (any::<u16>(), any::<u16>()).prop_map(move |(a, b)| format!("{word} {}-{}", a.min(b), a.max(b))).boxed();
        let mut options = vec![
            with("from", prefix(six)),
            with("to", prefix(six)),
            with("from", Just("all")),
            with("tos", any::<u8>()),
            with("fwmark", any::<u32>()),
            with("fwmark", (any::<u32>(), any::<u32>()).prop_map(|(v, m)| format!("{v:#x}/{m:#x}"))),
            with("iif", name()),
            with("oif", name()),
            range("uidrange"),
            range("sport"),
            range("dport"),
            with("dport", any::<u16>()),
            with("ipproto", any::<u8>()),
            with("ipproto", name()),
            with("tunnel-id", any::<u64>()),
            with("protocol", any::<u8>()),
            Just("not".to_owned()).boxed(),
            Just("no_track".to_owned()).boxed(),
        ];
        let mut lookups = vec![with("suppress_prefixlength", 0..=i32::MAX), with("suppress_ifgroup", name())];
        if six {
            options.push(Just("inet6".to_owned()).boxed());
        } else {
            lookups.push(with("realms", any::<u8>()));
        }
        let look = (
            prop_oneof![with("table", 1..=u32::MAX), with("lookup", name()), Just("l3mdev".to_owned()).boxed()],
            prop::collection::vec(prop::strategy::Union::new(lookups), 0..3),
        )
            .prop_map(|(action, more)| format!("{action} {}", more.join(" ")));
        let other = prop::sample::select(vec!["nop", "blackhole", "unreachable", "prohibit", "goto 4294967295"]).prop_map(str::to_owned);
        (prop::collection::vec(prop::strategy::Union::new(options), 0..9), prop_oneof![look, other], 0..u32::MAX)
            .prop_map(|(options, action, priority)| format!("{} {action} priority {priority}", options.join(" ")))
    })
}

proptest! {
    #[test]
    fn valid_lines_read_back_the_same(line in valid()) {
        stays(rule_entry, rule_text, Owner::Instance, &line);
    }

    #[test]
    fn any_line_is_survived(line in noise(WORDS)) {
        if let (Some(draft), _) = entry(rule_entry, Owner::Static, &line) {
            stays(rule_entry, rule_text, Owner::Static, &rule_text(&draft));
        }
    }
}
