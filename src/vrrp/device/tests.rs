use super::*;
use crate::config::host::Stated;
use crate::config::testing;

const E0: Device = Device(1);
const E1: Device = Device(2);

fn link(device: u32, name: &str, mac: Mac) -> Link {
    Link { mac: Some(mac), ..Link::plain(Device(device), name, true) }
}

fn macvlan(device: u32, name: &str, mac: Mac, parent: Device) -> Link {
    Link { parent: Some(parent), kind: Kind::Macvlan { private: true }, ..link(device, name, mac) }
}

/// `e0` and `e1`.
fn links() -> Links {
    let mut links = Links::default();
    for (device, name) in [(1, "e0"), (2, "e1")] {
        links.put(link(device, name, Mac([2, 0, 0, 0, 0, u8::try_from(device).expect("small")])));
        let prefix = Prefix { address: format!("fe80::{device}").parse().expect("an address"), length: 64 };
        links.put_address(crate::effect::net::Local { device: Device(device), prefix });
    }
    links
}

fn model(text: &str) -> Model {
    let (model, problems) = testing::load(text, &Stated::with(&["e0", "e1"]));
    assert!(problems.is_empty(), "{problems:?}");
    model
}

fn instance(name: &str, interface: &str, vrid: u8, lines: &str, vips: &str) -> String {
    let vips = vips.replace(", ", "\n");
    format!(
        "vrrp_instance {name} {{\ninterface {interface}\nvirtual_router_id {vrid}\nversion 3\n{lines}\nvirtual_ipaddress {{\n{vips}\n}}\n}}\n"
    )
}

fn plan(text: &str, links: &Links) -> Plan {
    Plan::new(&model(text), links, &Plan::default())
}

/// As `NAME@PARENT`.
fn made(plan: &Plan, links: &Links) -> Vec<String> {
    let device = |fact: &Fact| match fact {
        Fact::Device(new) => Some(format!("{}@{}", new.name, links.get(new.parent).map_or("?", |link| &link.name))),
        Fact::Address(_) | Fact::Setting(_) | Fact::Route(_) | Fact::Rule(_) => None,
    };
    plan.held().iter().filter_map(device).collect()
}

fn set(plan: &Plan) -> Vec<(Scope, Knob, u32)> {
    let setting = |fact: &Fact| match fact {
        Fact::Setting(setting) => Some((setting.scope, setting.knob, setting.value)),
        Fact::Address(_) | Fact::Device(_) | Fact::Route(_) | Fact::Rule(_) => None,
    };
    plan.held().iter().filter_map(setting).collect()
}

#[test]
fn names_are_given_by_prefix_family_and_need() {
    let v4 = |vrid, lines: &str| instance("A", "e0", vrid, lines, "10.0.0.1");
    let both = instance("A", "e0", 20, "use_vmac", "10.0.0.1") + &instance("B", "e0", 20, "use_vmac", "fe80::20");
    let far = "use_vmac\nuse_vmac_addr\nvirtual_ipaddress_excluded {\n10.1.0.2 dev e1\n2001:db8::1 dev e1\n2001:db8::2\n}";
    for (text, want) in [
        (v4(51, "use_vmac"), &["vrrp.51@e0"][..]),
        (v4(51, "use_vmac lan0"), &["lan0@e0"]),
        (format!("global_defs {{\nvmac_prefix a-very-long-one\n}}\n{}", v4(255, "use_vmac")), &["a-very-long.255@e0"]),
        (both, &["vrrp.20@e0", "vrrp6.20@e0"]),
        (v4(54, far), &["vrrp.54@e0", "vrrp1.54@e1", "vrrp6.54@e1", "vrrp2.54@e0"]),
        (
            format!("global_defs {{\nvmac_addr_prefix more\n}}\n{}", v4(54, far)),
            &["vrrp.54@e0", "more.54@e1", "more6.54@e1", "more1.54@e0"],
        ),
        (instance("A", "e0", 55, "", "10.0.0.1, 10.1.0.1 dev e1 use_vmac"), &["vrrp.55@e1"]),
        (instance("A", "e0", 55, "use_ipvlan 10.0.0.9/24", "10.0.0.1"), &["vrrp.55@e0"]),
        (v4(51, ""), &[]),
    ] {
        let links = links();
        assert_eq!(made(&plan(&text, &links), &links), want, "{text}");
    }
}

#[test]
fn what_is_there_already_is_taken_and_a_name_that_is_not_free_is_left() {
    let text = instance("A", "e0", 15, "use_vmac", "10.0.0.1");
    let mac = Mac([0, 0, 0x5e, 0, 1, 15]);
    for (there, want) in [
        (macvlan(9, "old15", mac, E0), "old15@e0"),
        (macvlan(9, "old15", mac, E1), "vrrp.15@e0"),
        (macvlan(9, "vrrp.15", Mac([2; 6]), E0), "vrrp1.15@e0"),
        (Link { kind: Kind::Macvlan { private: false }, ..macvlan(9, "old15", mac, E0) }, "vrrp.15@e0"),
        (link(9, "vrrp.15", mac), "vrrp1.15@e0"),
    ] {
        let mut links = links();
        links.put(there.clone());
        assert_eq!(made(&plan(&text, &links), &links), [want], "{there:?}");
    }
}

#[test]
fn names_stay_and_those_that_are_let_go_are_free() {
    let (a, b) = (instance("A", "e0", 15, "use_vmac", "10.0.0.1"), instance("B", "e0", 16, "use_vmac vrrp.15", "10.0.0.2"));
    let mut links = links();
    let before = plan(&a, &links);
    // Not even another address that somebody gives it makes it another one.
    links.put(macvlan(9, "vrrp.15", Mac([2; 6]), E0));
    assert_eq!(made(&Plan::new(&model(&a), &links, &before), &links), ["vrrp.15@e0"]);
    links.put(macvlan(9, "vrrp.15", Mac([0, 0, 0x5e, 0, 1, 15]), E0));
    let after = Plan::new(&model(&a.replace("use_vmac", "use_vmac 02:00:00:00:00:aa")), &links, &before);
    assert_eq!(made(&after, &links), ["vrrp.15@e0"]);
    assert_eq!(made(&Plan::new(&model(&b), &links, &before), &links), ["vrrp.15@e0"]);
}

#[test]
fn a_parent_that_is_renamed_and_named_back_has_its_own_under_the_same_name() {
    let text = instance("A", "e0", 15, "use_vmac", "10.0.0.1");
    let mut links = links();
    let mac = Mac([0, 0, 0x5e, 0, 1, 15]);
    let before = plan(&text, &links);
    links.put(macvlan(9, "vrrp.15", mac, E0));
    let called = |name: &str, links: &mut Links| links.put(link(1, name, Mac([2, 0, 0, 0, 0, 1])));
    called("e9", &mut links);
    let away = Plan::new(&model(&text), &links, &before);
    assert_eq!(made(&away, &links), Vec::<String>::new());
    links.remove(Device(9));
    called("e0", &mut links);
    assert_eq!(made(&Plan::new(&model(&text), &links, &away), &links), ["vrrp.15@e0"]);
}

#[test]
fn one_that_is_slow_to_go_with_its_parent_leaves_its_name_to_the_next() {
    let text = instance("A", "e0", 15, "use_vmac", "10.0.0.1");
    let mac = Mac([0, 0, 0x5e, 0, 1, 15]);
    for (unseen, back) in [(false, E0), (true, E0), (false, Device(7)), (true, Device(7))] {
        let mut links = links();
        let mut plan = plan(&text, &links);
        let ours = macvlan(9, "vrrp.15", mac, E0);
        links.put(ours.clone());
        links.remove(E0);
        plan = Plan::new(&model(&text), &links, &plan);
        // It is told of once more, as it goes down, when its parent may be in another namespace.
        links.put(Link { parent: ours.parent.filter(|_| !unseen), up: false, ..ours });
        plan = Plan::new(&model(&text), &links, &plan);
        assert_eq!(made(&plan, &links), Vec::<String>::new());
        links.put(link(back.0, "e0", Mac([2, 0, 0, 0, 0, 1])));
        plan = Plan::new(&model(&text), &links, &plan);
        assert_eq!(made(&plan, &links), ["vrrp.15@e0"], "{unseen} {back:?}");
        links.remove(Device(9));
        plan = Plan::new(&model(&text), &links, &plan);
        assert_eq!(made(&plan, &links), ["vrrp.15@e0"]);
    }
}

#[test]
fn parents_are_told_to_leave_answers_to_them_after_they_are_there() {
    let links = links();
    let v4 = plan(&instance("A", "e0", 15, "use_vmac", "10.0.0.1"), &links);
    let on_e0 = |knob| (Scope::Device(E0), knob, 1);
    let asks = (Scope::Device(E0), Knob::ArpAnnounce, 2);
    assert_eq!(set(&v4), [(Scope::All, Knob::ReversePath, 0), on_e0(Knob::ArpIgnore), on_e0(Knob::ArpFilter), asks]);
    let kinds: Vec<bool> = v4.held().iter().map(|fact| matches!(fact, Fact::Device(_))).collect();
    assert_eq!(kinds, [false, true, false, false, false]);
    assert_eq!(set(&plan(&instance("A", "e0", 15, "use_vmac", "fe80::15"), &links)), []);
    assert_eq!(set(&plan(&instance("A", "e0", 15, "use_ipvlan 10.0.0.9/24", "10.0.0.1"), &links)), []);
    assert_eq!(set(&plan(&instance("A", "e0", 15, "promote_secondaries", "10.0.0.1"), &links)), [on_e0(Knob::PromoteSecondaries)]);
    let quiet = format!("global_defs {{\ndisable_local_igmp\n}}\n{}", instance("A", "e0", 15, "", "10.0.0.1"));
    assert_eq!(set(&plan(&quiet, &links)), [(Scope::All, Knob::LinkLocalReports, 0)]);
}

#[test]
fn an_ipv6_one_has_the_link_local_address_of_its_parent_as_soon_as_it_is_there() {
    let mac = Mac([0, 0, 0x5e, 0, 2, 15]);
    let mut there = links();
    there.put(macvlan(9, "vrrp.15", mac, E0));
    let text = |lines: &str| instance("A", "e0", 15, lines, "fe80::15");
    let address = |plan: &Plan| {
        plan.held().iter().find_map(|fact| match fact {
            Fact::Address(placed) => Some((placed.device, placed.address.prefix.address.to_string(), placed.address.preferred)),
            Fact::Device(_) | Fact::Setting(_) | Fact::Route(_) | Fact::Rule(_) => None,
        })
    };
    let deprecated = Lifetime::Seconds(0);
    assert_eq!(address(&plan(&text("use_vmac"), &links())), None);
    assert_eq!(address(&plan(&text("use_vmac"), &there)), Some((Device(9), "fe80::1".to_owned(), deprecated)));
    let given = text("use_vmac\nmcast_src_ip fe80::77");
    assert_eq!(address(&plan(&given, &there)), Some((Device(9), "fe80::77".to_owned(), deprecated)));
    assert_eq!(address(&plan(&text("use_vmac\nvmac_xmit_base"), &there)), None);
    let prefix = Prefix { address: "fe80::1".parse().expect("an address"), length: 64 };
    there.remove_address(crate::effect::net::Local { device: E0, prefix });
    let own = address(&plan(&text("use_vmac"), &there)).map(|(_, address, _)| address);
    assert_eq!(own.as_deref(), Some("fe80::ff:fe00:1"), "as the parent would make it");
}

#[test]
fn one_on_a_macvlan_sits_on_what_that_sits_on_and_belongs_to_its_vrf() {
    let mut links = links();
    links.put(macvlan(2, "e1", Mac([2, 0, 0, 0, 0, 2]), E0));
    assert_eq!(made(&plan(&instance("A", "e1", 15, "use_vmac", "10.0.0.1"), &links), &links), ["vrrp.15@e0"]);
    links.put(Link { kind: Kind::Vrf, ..link(7, "red", Mac([2; 6])) });
    links.put(Link { master: Some(Device(7)), group: 3, ..link(1, "e0", Mac([2, 0, 0, 0, 0, 1])) });
    let plan = plan(&instance("A", "e0", 15, "use_vmac", "10.0.0.1"), &links);
    let new = plan.held().iter().find_map(|fact| if let Fact::Device(new) = fact { Some(new.clone()) } else { None });
    assert_eq!(new.map(|new| (new.vrf, new.group)), Some((Some(Device(7)), Some(3))));
}

#[test]
fn two_instances_with_one_address_on_one_interface_share_it() {
    let a = instance("A", "e0", 15, "use_vmac", "10.0.0.1");
    let b = instance("B", "e1", 15, "", "10.1.0.1, 10.0.0.2 dev e0 use_vmac");
    let links = links();
    assert_eq!(made(&plan(&(a + &b), &links), &links), ["vrrp.15@e0"]);
}

#[test]
fn one_that_was_made_as_planned_is_expected_unless_more_is_to_be_put_on_it() {
    let mac = Mac([0, 0, 0x5e, 0, 1, 15]);
    let text = instance("A", "e0", 15, "use_vmac", "10.0.0.1")
        + &instance("B", "e0", 16, "use_vmac", "fe80::16")
        + &instance("C", "e0", 17, "use_ipvlan 10.0.0.9/24", "10.0.0.3")
        + &instance("D", "e0", 18, "use_ipvlan", "fe80::18");
    let plan = plan(&text, &links());
    let ipvlan = |device, name| Link { kind: Kind::Ipvlan, parent: Some(E0), ..link(device, name, Mac([2; 6])) };
    for (link, want) in [
        (macvlan(9, "vrrp.15", mac, E0), true),
        (ipvlan(9, "vrrp.18"), true),
        // Nobody has planned these.
        (macvlan(9, "vrrp.14", mac, E0), false),
        (macvlan(9, "vrrp.15", Mac([2; 6]), E0), false),
        (macvlan(9, "vrrp.15", mac, E1), false),
        (Link { kind: Kind::Macvlan { private: false }, ..macvlan(9, "vrrp.15", mac, E0) }, false),
        (link(1, "e0", Mac([2; 6])), false),
        // An address is to go there.
        (macvlan(9, "vrrp.16", Mac([0, 0, 0x5e, 0, 2, 16]), E0), false),
        (ipvlan(9, "vrrp.17"), false),
    ] {
        assert_eq!(plan.expects(&link), want, "{link:?}");
    }
}

#[test]
fn what_was_changed_while_nobody_ran_is_known_by_its_name_where_there_was_one() {
    use std::collections::BTreeSet;
    let text = instance("A", "e0", 15, "use_vmac", "10.0.0.1");
    let named = instance("A", "e0", 15, "use_vmac lan", "10.0.0.1");
    let elsewhere = instance("A", "e0", 15, "use_vmac\nvmac_xmit_base", "10.0.0.1, 10.1.0.1 dev e1 use_vmac");
    let (ours, other) = (Mac([0, 0, 0x5e, 0, 1, 15]), Mac([2; 6]));
    let whole = [macvlan(8, "whole", ours, E0)];
    let open = Link { kind: Kind::Macvlan { private: false }, ..macvlan(9, "vrrp.15", ours, E0) };
    let ipvlan = Link { kind: Kind::Ipvlan, ..macvlan(9, "vrrp.15", ours, E0) };
    for (text, there, lived_on, want) in [
        (&text, &[macvlan(9, "vrrp.15", other, E0)][..], &[E0][..], &["vrrp.15"][..]),
        (&text, &[open], &[E0], &["vrrp.15"]),
        (&named, &[macvlan(9, "lan", other, E0)], &[E0], &["lan"]),
        (&elsewhere, &[macvlan(8, "vrrp.15", other, E0), macvlan(9, "vrrp1.15", other, E1)], &[E0, E1], &["vrrp.15", "vrrp1.15"]),
        // The other one stays whose it is.
        (&elsewhere, &[macvlan(8, "vrrp.15", other, E0), macvlan(9, "vrrp1.15", other, E1)], &[E1], &["vrrp1.15"]),
        (&text, &[macvlan(9, "vrrp.15", other, E0)], &[], &[]),
        (&text, &[macvlan(9, "vrrp.15", other, E0)], &[E1], &[]),
        (&text, &[macvlan(9, "vrrp.15", other, E1)], &[E0], &[]),
        (&text, &[macvlan(9, "another", other, E0)], &[E0], &[]),
        (&text, &[link(9, "vrrp.15", other)], &[E0], &[]),
        (&text, &[ipvlan], &[E0], &[]),
        // There is none to be missed.
        (&text, &[whole[0].clone(), macvlan(9, "vrrp.15", other, E0)], &[E0], &[]),
    ] {
        let mut links = links();
        there.iter().for_each(|link| links.put(link.clone()));
        let model = model(text);
        let left = Plan::left(&model, &links, &[], &BTreeSet::from_iter(lived_on.iter().copied()));
        let names: Vec<&str> = left.names().collect();
        assert_eq!(names, want, "{there:?} {lived_on:?}");
        // It stays in its place.
        let plan = Plan::new(&model, &links, &left);
        let made: Vec<&str> = plan.held().iter().filter_map(device_name).collect();
        assert!(want.iter().all(|name| made.contains(name)), "{made:?}");
        assert_eq!(left.among(plan.held()).len(), want.len());
    }
}

#[test]
fn what_was_changed_while_nobody_ran_is_known_by_what_is_on_it() {
    use std::collections::BTreeSet;
    let text = instance("A", "e0", 15, "use_vmac", "fe80::a, 2001:db8::15");
    let given = instance("A", "e0", 15, "use_vmac\nmcast_src_ip fe80::15", "fe80::a, 2001:db8::15");
    let silent = instance("A", "e0", 15, "use_vmac\nvmac_xmit_base", "fe80::a, 2001:db8::15");
    let altered = macvlan(9, "vrrp.15", Mac([2, 3, 3, 3, 3, 3]), E0);
    let open = Link { kind: Kind::Macvlan { private: false }, ..altered.clone() };
    for (text, parent_has, link, on, want) in [
        (&text, true, &altered, "fe80::1", true),
        (&text, true, &open, "fe80::1", true),
        (&text, false, &altered, "fe80::ff:fe00:1", true),
        (&given, true, &altered, "fe80::15", true),
        (&silent, true, &altered, "2001:db8::15", true),
        (&silent, true, &altered, "fe80::a", true),
        // Somebody else's has addresses of its own.
        (&text, true, &altered, "fe80::2", false),
        (&text, true, &altered, "2001:db8::16", false),
        (&given, true, &altered, "fe80::1", false),
        (&silent, true, &altered, "fe80::1", false),
        (&text, true, &Link { name: "another".into(), ..altered.clone() }, "fe80::1", false),
        (&text, true, &Link { parent: Some(E1), ..altered.clone() }, "fe80::1", false),
    ] {
        let mut links = links();
        let local = |device, address: &str| {
            let prefix = Prefix { address: address.parse().expect("an address"), length: 64 };
            crate::effect::net::Local { device, prefix }
        };
        if !parent_has {
            links.remove_address(local(E0, "fe80::1"));
        }
        links.put(link.clone());
        links.put_address(local(link.device, on));
        let left = Plan::left(&model(text), &links, &[], &BTreeSet::new());
        assert_eq!(left.names().eq(["vrrp.15"]), want, "{link:?} {on}");
        assert_eq!(left.names().count(), usize::from(want));
    }
}

#[test]
fn an_instance_that_left_a_record_had_its_own() {
    use crate::effect::record::{Counters, Record, Standing};
    use std::collections::BTreeSet;
    let text = instance("A", "e0", 15, "use_vmac", "10.0.0.1") + &instance("B", "e0", 16, "use_vmac", "fe80::16");
    let model = model(&text);
    let mut links = links();
    links.put(macvlan(8, "vrrp.15", Mac([2; 6]), E0));
    links.put(macvlan(9, "vrrp.16", Mac([2, 3, 3, 3, 3, 3]), E0));
    let record = |at: usize| Record {
        key: model.vrrp.instances[at].identity(),
        standing: Standing::Backup,
        learnt: std::time::Duration::ZERO,
        master: None,
        counters: Counters::default(),
        ah_sequence: 0,
    };
    for (records, want) in [(vec![], &[][..]), (vec![record(1)], &["vrrp.16"]), (vec![record(0), record(1)], &["vrrp.15", "vrrp.16"])] {
        let left = Plan::left(&model, &links, &records, &BTreeSet::new());
        let mut names: Vec<&str> = left.names().collect();
        names.sort_unstable();
        assert_eq!(names, want);
    }
}
