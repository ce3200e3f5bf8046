use super::*;
use crate::effect::net::Placed;
use crate::model::net::address::Lifetime;
use crate::model::net::rule::Action;
use proptest::prelude::*;

fn prefix(text: &str) -> Prefix {
    let (address, length) = text.split_once('/').expect("with a length");
    Prefix { address: address.parse().expect("an address"), length: length.parse().expect("a length") }
}

fn address(text: &str) -> Address {
    Address::new(prefix(text))
}

fn on(device: u32, address: Address) -> Fact {
    Fact::Address(Placed { device: Device(device), address, lease: None })
}

fn at(text: &str) -> Fact {
    on(1, address(text))
}

fn route(destination: &str) -> Fact {
    Fact::Route(Box::new(Route { device: Some("e0".into()), ..Route::to(prefix(destination)) }))
}

fn rule(priority: u32) -> Fact {
    Fact::Rule(Box::new(Rule::new(Family::V4, priority, Action::Table(100))))
}

#[test]
fn removals_come_first_and_go_from_rules_to_addresses() {
    let held = [at("10.0.0.1/24"), at("10.0.0.2/24"), route("10.1.0.0/16"), rule(5), rule(4)];
    let wanted = [at("10.0.0.3/24"), at("10.0.0.2/24"), route("10.2.0.0/16")];
    let want = [
        Op::Remove(rule(5)),
        Op::Remove(rule(4)),
        Op::Remove(route("10.1.0.0/16")),
        Op::Remove(at("10.0.0.1/24")),
        Op::Add(at("10.0.0.3/24")),
        Op::Add(route("10.2.0.0/16")),
    ];
    assert_eq!(delta(&held, &wanted), want);
}

#[test]
fn what_the_kernel_tells_apart_is_different() {
    let peer = |peer: &str| on(1, Address { peer: Some(peer.parse().expect("an address")), ..address("10.0.0.1/32") });
    let peer6 = |peer: &str| on(1, Address { peer: Some(peer.parse().expect("an address")), ..address("fd00::1/128") });
    for (a, b, same) in [
        (at("10.0.0.1/24"), at("10.0.0.1/24"), true),
        (at("10.0.0.1/24"), at("10.0.0.1/25"), false),
        (at("10.0.0.1/24"), on(2, address("10.0.0.1/24")), false),
        (at("10.0.0.1/32"), peer("10.0.0.2"), false),
        (peer("10.0.0.3"), peer("10.0.0.2"), false),
        (at("fd00::1/64"), at("fd00::1/128"), true),
        (peer6("fd00::2"), peer6("fd00::3"), true),
        (route("10.0.0.0/24"), route("10.0.0.0/25"), false),
        (rule(5), rule(6), false),
    ] {
        assert_eq!(Identity::of(&a) == Identity::of(&b), same, "{a:?} {b:?}");
    }
}

#[test]
fn other_attributes_are_put_there_anew_and_what_the_kernel_can_change_in_place() {
    let old = at("fd00::1/64");
    let longer = at("fd00::1/128");
    let label = on(1, Address { label: Some("e0:1".into()), ..address("10.0.0.1/24") });
    let silent = on(1, Address { home: true, no_prefix_route: true, ..address("fd00::1/64") });
    let silent4 = on(1, Address { no_prefix_route: true, ..address("10.0.0.1/24") });
    let joined = on(1, Address { autojoin: true, ..address("fd00::1/64") });
    let brief = on(1, Address { preferred: Lifetime::Seconds(0), ..address("fd00::1/64") });
    let untracked = on(1, Address { tracked: false, device: Some("e1".into()), ..address("fd00::1/64") });
    let Fact::Route(mut route_untracked) = route("10.0.0.0/24") else { unreachable!() };
    route_untracked.tracked = false;
    for (held, wanted, want) in [
        (old.clone(), longer.clone(), vec![Op::Remove(old.clone()), Op::Add(longer)]),
        (at("10.0.0.1/24"), label.clone(), vec![Op::Remove(at("10.0.0.1/24")), Op::Add(label)]),
        (old.clone(), brief.clone(), vec![Op::Change(brief)]),
        (old.clone(), silent.clone(), vec![Op::Change(silent)]),
        (old.clone(), joined.clone(), vec![Op::Remove(old.clone()), Op::Add(joined)]),
        (at("10.0.0.1/24"), silent4.clone(), vec![Op::Remove(at("10.0.0.1/24")), Op::Add(silent4)]),
        (old, untracked, vec![]),
        (route("10.0.0.0/24"), Fact::Route(route_untracked), vec![]),
    ] {
        assert_eq!(delta(&[held], &[wanted]), want);
    }
}

#[test]
fn the_same_thing_twice_is_done_once() {
    let twice = [at("fd00::1/64"), at("fd00::1/128")];
    assert_eq!(delta(&[], &twice), [Op::Add(at("fd00::1/64"))]);
    assert_eq!(delta(&twice, &[]), [Op::Remove(at("fd00::1/64"))]);
    assert_eq!(delta(&twice, &twice), []);
}

/// What is there after the steps, if the kernel does as it is told.
fn apply(held: &[Fact], ops: &[Op]) -> Vec<Fact> {
    let mut there = held.to_vec();
    let place = |there: &[Fact], fact: &Fact| there.iter().position(|other| Identity::of(other) == Identity::of(fact));
    for op in ops {
        match (op, place(&there, op.fact())) {
            (Op::Add(fact), None) => there.push(fact.clone()),
            (Op::Change(fact), Some(index)) => there[index] = fact.clone(),
            (Op::Remove(_), Some(index)) => drop(there.remove(index)),
            (op, found) => unreachable!("{op:?} {found:?}"),
        }
    }
    there
}

prop_compose! {
    fn any_fact()(kind in 0_u8..4, n in 0_u8..6, device in 1_u32..3, length in 23_u8..25, label in any::<bool>(),
        lifetime in 0_u32..2) -> Fact {
        let preferred = if lifetime == 0 { Lifetime::Forever } else { Lifetime::Seconds(lifetime) };
        match kind {
            0 => on(device, Address { label: label.then(|| "x".into()), ..address(&format!("10.0.0.{n}/{length}")) }),
            1 => on(device, Address { home: label, preferred, ..address(&format!("fd00::{n}/{length}")) }),
            2 => route(&format!("10.{n}.0.0/{length}")),
            _ => rule(u32::from(n)),
        }
    }
}

fn any_list() -> impl Strategy<Value = Vec<Fact>> {
    proptest::collection::vec(any_fact(), 0..20).prop_map(|list| {
        let mut seen = HashSet::new();
        list.into_iter().filter(|fact| seen.insert(Identity::of(fact))).collect()
    })
}

proptest! {
    #[test]
    fn nothing_is_to_be_done_for_what_is_there(list in any_list()) {
        prop_assert_eq!(delta(&list, &list), []);
    }

    #[test]
    fn the_steps_lead_there(held in any_list(), wanted in any_list()) {
        let ops = delta(&held, &wanted);
        let there = apply(&held, &ops);
        prop_assert!(there.len() == wanted.len() && wanted.iter().all(|fact| there.contains(fact)), "{:?}", ops);
        let first_addition = ops.iter().position(|op| !matches!(op, Op::Remove(_))).unwrap_or(ops.len());
        prop_assert!(!ops[first_addition..].iter().any(|op| matches!(op, Op::Remove(_))));
    }
}
