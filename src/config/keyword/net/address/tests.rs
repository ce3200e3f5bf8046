use super::super::testing::{entry, name, noise, prefix, stays, table, v4, v6, with};
use super::*;
use crate::config::draft::net::Named;
use proptest::prelude::*;

#[test]
fn every_option_is_read() {
    let line = "192.0.2.1/24 dev eth0 scope link broadcast + label eth0:1 home -nodad mngtmpaddr noprefixroute autojoin no_track";
    let draft = stays(address_entry, address_text, Owner::Instance, line);
    assert_eq!((draft.length, draft.device.as_deref(), draft.label.as_deref()), (Some(24), Some("eth0"), Some("eth0:1")));
    assert_eq!((draft.scope, draft.broadcast), (Some(Named::Name("link".into())), Some(Broadcast::Ones)));
    assert!(draft.home && draft.detect_duplicates && draft.manage_temporary && draft.no_prefix_route && draft.autojoin && draft.no_track);
    for (line, want) in [("preferred_lft 20", Lifetime::Seconds(20)), ("preferred_lft forever", Lifetime::Forever)] {
        let draft = stays(address_entry, address_text, Owner::Instance, &format!("2001:db8::1/64 use_vmac {line}"));
        assert_eq!((draft.preferred, draft.use_vmac), (Some(want), true));
    }
    let draft = stays(address_entry, address_text, Owner::Static, "192.0.2.1 peer 192.0.2.2 dev eth0 track_group G");
    assert_eq!((draft.length, draft.peer, draft.track_group.as_deref()), (None, "192.0.2.2".parse().ok(), Some("G")));
}

#[test]
fn faults_cost_the_option_or_the_line() {
    let cases: &[(&str, bool, &[&str])] = &[
        ("10.0.0.1/33", true, &["Invalid address prefix len 33 for address 10.0.0.1/33 - using 32"]),
        ("10.0.0.1/24x", true, &["Invalid address prefix len 24x for address 10.0.0.1/24x - using 32"]),
        ("10.0.0.1/", true, &["Invalid address prefix len  for address 10.0.0.1/ - using 32"]),
        ("2001:db8::1/129", true, &["Invalid address prefix len 129 for address 2001:db8::1/129 - using 128"]),
        ("10.0.0", false, &["VRRP parsed invalid IP 10.0.0. skipping IP..."]),
        ("300.1.1.1", false, &["VRRP parsed invalid IP 300.1.1.1. skipping IP..."]),
        ("fe80::1%eth0", false, &["VRRP parsed invalid IP fe80::1%eth0. skipping IP..."]),
        ("foo/64", false, &["VRRP parsed invalid IP foo/64. skipping IP..."]),
        ("10.0.0.1/24 dev", false, &["No dev parameter specified for 10.0.0.1/24"]),
        ("10.0.0.1/24 dev a dev b", false, &["Cannot specify ipaddress device more than once for 10.0.0.1/24"]),
        ("2001:db8::1/64 scope link", true, &["Cannot specify scope for IPv6 addresses (2001:db8::1/64) - ignoring scope"]),
        ("10.0.0.1/31 brd +", true, &["Address prefix length 31 too long for broadcast"]),
        ("10.0.0.1 brd -", true, &["Address prefix length 32 too long for broadcast"]),
        ("10.0.0.1/24 brd foo", false, &["VRRP is trying to assign invalid broadcast foo. skipping VIP..."]),
        ("2001:db8::1/64 brd +", false, &["VRRP is trying to assign a broadcast + to the IPv6 address 2001:db8::1/64. skipping VIP..."]),
        (
            "10.0.0.1/24 label eth0:12345678901",
            false,
            &["Address label eth0:12345678901 is longer than maximum length 15 - removing address"],
        ),
        ("2001:db8::1/64 label a", true, &["Cannot specify label for IPv6 addresses (2001:db8::1/64) - ignoring label"]),
        ("10.0.0.1/24 peer 10.0.0.2", true, &["Cannot specify address prefix when specifying peer address - ignoring"]),
        ("10.0.0.1 peer 10.0.0.2/32", true, &["Invalid peer address 10.0.0.2/32"]),
        ("10.0.0.1 peer fe80::1", true, &["Peer address fe80::1 does not match address family"]),
        ("10.0.0.1 peer 10.0.0.2 brd 10.0.0.3", true, &["Cannot specify broadcast and peer addresses - ignoring broadcast address"]),
        ("2001:db8::1/64 preferred_lft 5x", true, &["preferred_lft 5x is invalid"]),
        (
            "10.0.0.1/24 track 27 dev eth0",
            true,
            &[
                "Unknown configuration entry 'track' for ip address - ignoring",
                "Unknown configuration entry '27' for ip address - ignoring",
            ],
        ),
    ];
    table(address_entry, Owner::Instance, cases);
}

#[test]
fn options_belong_to_their_owner() {
    let (draft, said) = entry(address_entry, Owner::Static, "10.0.0.1 use_vmac");
    assert_eq!(said, ["Unknown configuration entry 'use_vmac' for ip address - ignoring"]);
    assert!(draft.is_some_and(|draft| !draft.use_vmac));
    let (_, said) = entry(address_entry, Owner::Instance, "10.0.0.1 track_group G");
    assert_eq!(said.len(), 2);
}

const WORDS: &[&str] = &[
    "dev",
    "scope",
    "brd",
    "broadcast",
    "label",
    "peer",
    "home",
    "-nodad",
    "mngtmpaddr",
    "noprefixroute",
    "autojoin",
    "no_track",
    "preferred_lft",
    "use_vmac",
    "track_group",
];

fn valid() -> impl Strategy<Value = String> {
    let common = |six: bool| {
        let mut options = vec![
            Just("home".to_owned()).boxed(),
            Just("-nodad".to_owned()).boxed(),
            Just("mngtmpaddr".to_owned()).boxed(),
            Just("noprefixroute".to_owned()).boxed(),
            Just("autojoin".to_owned()).boxed(),
            Just("no_track".to_owned()).boxed(),
            with("track_group", name()),
        ];
        if six {
            options.push(with("preferred_lft", any::<u32>()));
            options.push(Just("preferred_lft forever".to_owned()).boxed());
        } else {
            options.push(with("scope", any::<u8>()));
            options.push(with("scope", name()));
            options.push(with("label", "[a-z0-9:]{1,15}"));
        }
        prop::collection::vec(prop::strategy::Union::new(options), 0..8)
    };
    let four = (prefix(false), common(false), prop::option::of(with("brd", v4()))).prop_map(|(a, o, b)| (a, o, b));
    let six = (prefix(true), common(true), Just(None::<String>)).prop_map(|(a, o, b)| (a, o, b));
    let peer = (v6(), common(true), with("peer", v6()).prop_map(Some)).prop_map(|(a, o, b)| (a, o, b));
    (prop_oneof![four, six, peer], prop::option::of(with("dev", name()))).prop_map(|((address, options, more), device)| {
        let mut words = vec![address];
        words.extend(options);
        words.extend(more);
        words.extend(device);
        words.join(" ")
    })
}

proptest! {
    #[test]
    fn valid_lines_read_back_the_same(line in valid()) {
        stays(address_entry, address_text, Owner::Static, &line);
    }

    #[test]
    fn any_line_is_survived(line in noise(WORDS), addressed in any::<bool>()) {
        let line = if addressed { format!("10.0.0.1/24 {line}") } else { line };
        if let (Some(draft), _) = entry(address_entry, Owner::Instance, &line) {
            stays(address_entry, address_text, Owner::Instance, &address_text(&draft));
        }
    }
}
