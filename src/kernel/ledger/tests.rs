use super::*;
use crate::effect::net::{InstanceId, Placed};
use crate::kernel::rtnl::decode::Key;
use crate::kernel::rtnl::decode::testing::placement;
use crate::model::net::{Address, Scope};
use std::time::Duration;

const ONE: Owner = Owner::Instance(InstanceId(1));
const TWO: Owner = Owner::Instance(InstanceId(2));
const DEVICE: Device = Device(1);

fn plain(text: &str) -> Address {
    let (address, length) = text.split_once('/').expect("with a length");
    Address::new(Prefix { address: address.parse().expect("an address"), length: length.parse().expect("a length") })
}

fn placed(address: Address) -> Placed {
    Placed { device: DEVICE, address, lease: None }
}

fn at(text: &str) -> Fact {
    Fact::Address(placed(plain(text)))
}

fn labelled(text: &str, label: &str) -> Fact {
    Fact::Address(placed(Address { label: Some(label.into()), ..plain(text) }))
}

/// What the kernel says of it.
fn key(fact: &Fact) -> Key {
    match fact {
        Fact::Address(placed) => Key::Address(placement(placed)),
        Fact::Device(_) | Fact::Setting(_) | Fact::Route(_) | Fact::Rule(_) => unreachable!("these tests are about addresses"),
    }
}

fn there(facts: &[Fact]) -> Index {
    Index::of(facts.iter().map(key).collect())
}

fn names() -> Names {
    Names::from([("e0".into(), DEVICE)])
}

fn ops(steps: &[Step]) -> Vec<Op> {
    steps.iter().map(|step| step.op.clone()).collect()
}

#[derive(Default)]
struct Kernel {
    ledger: Ledger,
}

impl Kernel {
    fn hold(&mut self, owner: Owner, facts: &[Fact]) -> Vec<Step> {
        self.ledger.hold(owner, facts, &names())
    }

    /// The kernel tells of steps that were done.
    fn tells(&mut self, steps: &[Step]) {
        for step in steps {
            match &step.op {
                Op::Add(fact) | Op::Change(fact) => self.ledger.seen(&key(fact)),
                Op::Remove(fact) => assert_eq!(self.gone(fact), []),
            }
        }
    }

    fn gone(&mut self, fact: &Fact) -> Vec<(Owner, Fact)> {
        match self.ledger.gone(&key(fact), |_| true) {
            Gone::Stripped(facts) => facts,
            Gone::WithOneOfOurs(identity) => unreachable!("{identity:?}"),
        }
    }

    fn settle(&mut self, step: &Step, snag: &Snag) -> Settled {
        self.ledger.settle(step, snag, &names())
    }
}

fn already() -> Snag {
    Snag::Already(None)
}

#[test]
fn what_is_there_as_it_is_wanted_is_left_alone() {
    let mut kernel = Kernel::default();
    let facts = [at("10.0.0.1/24"), labelled("10.0.0.2/24", "e0:1"), at("fd00::1/64")];
    // The kernel labels what has no label with the name of the interface.
    let found = [labelled("10.0.0.1/24", "e0"), facts[1].clone(), facts[2].clone()];
    kernel.ledger.adopt(ONE, &facts, Some(&there(&found)), &names());
    assert_eq!(kernel.hold(ONE, &facts), []);
    assert!(!kernel.ledger.is_listening());
}

#[test]
fn what_a_predecessor_left_in_another_way_is_made_as_it_is_wanted() {
    let leased = |text: &str| Fact::Address(Placed { lease: Some(Duration::from_secs(60)), ..placed(plain(text)) });
    let flagged = |text: &str| Fact::Address(placed(Address { no_prefix_route: true, ..plain(text) }));
    let scoped = |text: &str| Fact::Address(placed(Address { scope: Scope::LINK, ..plain(text) }));
    let four = "10.0.0.1/24";
    for (found, wanted, want) in [
        (labelled(four, "e0:9"), at(four), vec![Op::Remove(labelled(four, "e0:9")), Op::Add(at(four))]),
        (labelled(four, "e0"), labelled(four, "e0:1"), vec![Op::Remove(at(four)), Op::Add(labelled(four, "e0:1"))]),
        (scoped(four), at(four), vec![Op::Remove(scoped(four)), Op::Add(at(four))]),
        (flagged(four), at(four), vec![Op::Remove(flagged(four)), Op::Add(at(four))]),
        (leased(four), at(four), vec![Op::Change(at(four))]),
        (at(four), leased(four), vec![Op::Change(leased(four))]),
        (flagged("fd00::1/64"), at("fd00::1/64"), vec![Op::Change(at("fd00::1/64"))]),
        (at("fd00::1/128"), at("fd00::1/64"), vec![Op::Remove(at("fd00::1/128")), Op::Add(at("fd00::1/64"))]),
    ] {
        for owners in [1, 2] {
            let mut kernel = Kernel::default();
            for owner in [ONE, TWO].into_iter().take(owners) {
                kernel.ledger.adopt(owner, std::slice::from_ref(&wanted), Some(&there(std::slice::from_ref(&found))), &names());
            }
            let steps = kernel.hold(ONE, std::slice::from_ref(&wanted));
            // What the label of the interface stands for is no label.
            assert_eq!(ops(&steps), want, "{owners}: {found:?}");
            kernel.tells(&steps);
            assert_eq!(kernel.hold(TWO, std::slice::from_ref(&wanted)), [], "{owners}: {found:?}");
            assert!(!kernel.ledger.is_listening());
            assert_eq!(kernel.hold(ONE, &[]), []);
            assert_eq!(ops(&kernel.hold(TWO, &[])), [Op::Remove(wanted.clone())]);
        }
    }
}

#[test]
fn an_ipv6_address_that_is_told_of_late_is_not_the_one_that_takes_its_place() {
    let mut kernel = Kernel::default();
    let (found, wanted) = (at("fd00::1/128"), at("fd00::1/64"));
    kernel.ledger.adopt(ONE, std::slice::from_ref(&wanted), Some(&there(std::slice::from_ref(&found))), &names());
    assert_eq!(ops(&kernel.hold(ONE, std::slice::from_ref(&wanted))), [Op::Remove(found.clone()), Op::Add(wanted.clone())]);
    kernel.ledger.seen(&key(&found));
    assert_eq!(kernel.gone(&found), [], "that was us");
    kernel.ledger.seen(&key(&wanted));
    assert!(!kernel.ledger.is_listening());
    assert_eq!(kernel.gone(&wanted), [(ONE, wanted)], "and that was somebody else");
}

#[test]
fn what_was_there_when_it_was_added_is_made_as_it_is_wanted_once() {
    let mut kernel = Kernel::default();
    let (found, wanted) = (labelled("10.0.0.1/24", "e0:9"), at("10.0.0.1/24"));
    let first = kernel.hold(ONE, std::slice::from_ref(&wanted));
    let Fact::Address(left) = &found else { unreachable!() };
    let snag = Snag::Already(Some(Box::new(placement(left))));
    let second = kernel.settle(&first[0], &snag).steps;
    assert_eq!(ops(&second), [Op::Remove(found.clone()), Op::Add(wanted.clone())]);
    assert_eq!(kernel.gone(&found), [], "that was us");
    kernel.ledger.seen(&key(&wanted));
    assert!(!kernel.ledger.is_listening());
    assert_eq!(kernel.settle(&second[1], &snag), Settled::default(), "it comes back like that: so be it");
    assert_eq!(kernel.hold(ONE, std::slice::from_ref(&wanted)), []);
}

#[test]
fn a_step_that_is_not_the_last_one_mends_nothing() {
    let mut kernel = Kernel::default();
    let wanted = [at("10.0.0.1/24")];
    let first = kernel.hold(ONE, &wanted);
    kernel.hold(ONE, &[]);
    let last = kernel.hold(ONE, &wanted);
    let Fact::Address(other) = labelled("10.0.0.1/24", "e0:9") else { unreachable!() };
    let snag = Snag::Already(Some(Box::new(placement(&other))));
    assert_eq!(kernel.settle(&first[0], &snag), Settled::default());
    assert_eq!(kernel.settle(&last[0], &snag).steps.len(), 2);
}

#[test]
fn a_removal_that_came_too_late_hides_no_later_one() {
    let mut kernel = Kernel::default();
    let facts = [at("10.0.0.1/24")];
    let added = kernel.hold(ONE, &facts);
    kernel.tells(&added);
    let removed = kernel.hold(ONE, &[]);
    // It went with its interface, of which nothing is told.
    assert_eq!(kernel.settle(&removed[0], &already()), Settled::default());
    let again = kernel.hold(ONE, &facts);
    assert_eq!(kernel.settle(&again[0], &already()), Settled::default());
    assert!(kernel.ledger.is_listening());
    kernel.ledger.told(again[0].number);
    assert!(!kernel.ledger.is_listening());
    assert_eq!(kernel.gone(&facts[0]), [(ONE, facts[0].clone())]);
}

#[test]
fn a_removal_by_somebody_else_before_ours_is_not_one_of_what_is_there_again() {
    let mut kernel = Kernel::default();
    let facts = [at("10.0.0.1/24")];
    let added = kernel.hold(ONE, &facts);
    kernel.tells(&added);
    let removed = kernel.hold(ONE, &[]);
    assert_eq!(kernel.settle(&removed[0], &already()), Settled::default());
    let again = kernel.hold(ONE, &facts);
    assert_eq!(kernel.gone(&facts[0]), [], "this is what it came too late for");
    kernel.tells(&again);
    assert_eq!(kernel.gone(&facts[0]), [(ONE, facts[0].clone())]);
}

#[test]
fn what_is_not_done_yet_is_still_to_be_heard() {
    let mut kernel = Kernel::default();
    let facts = [at("10.0.0.1/24")];
    let added = kernel.hold(ONE, &facts);
    kernel.tells(&added);
    let removed = kernel.hold(ONE, &[]);
    let again = kernel.hold(ONE, &facts);
    kernel.ledger.told(added[0].number);
    kernel.tells(&removed);
    kernel.tells(&again);
    assert_eq!(kernel.hold(ONE, &facts), []);
}

#[test]
fn a_picture_shows_what_was_stripped_and_not_what_is_under_way() {
    let mut kernel = Kernel::default();
    let facts = [at("10.0.0.1/24"), at("10.0.0.2/24")];
    let added = kernel.hold(ONE, &facts);
    kernel.tells(&added);
    let all = [facts[0].clone(), facts[1].clone(), at("10.0.0.3/24")];
    let more = kernel.hold(ONE, &all);
    let stripped = kernel.ledger.compare(&kernel.ledger.identities(), &there(&facts[..1]), added[1].number, &names(), |_| true);
    assert_eq!(stripped, [(ONE, facts[1].clone())]);
    kernel.tells(&more);
    assert_eq!(ops(&kernel.hold(ONE, &all)), [Op::Add(facts[1].clone())]);
}

#[test]
fn an_address_of_two_owners_stays_until_the_last_one_lets_go() {
    let mut kernel = Kernel::default();
    let (fact, other) = (at("10.0.0.1/24"), labelled("10.0.0.1/24", "e0:1"));
    assert_eq!(kernel.hold(ONE, std::slice::from_ref(&fact)).len(), 1);
    assert_eq!(kernel.hold(TWO, std::slice::from_ref(&other)), [], "it is there as the first one said it");
    assert_eq!(kernel.gone(&fact).len(), 2);
    assert_eq!(ops(&kernel.hold(TWO, std::slice::from_ref(&other))), [Op::Add(other.clone())]);
    assert_eq!(kernel.hold(ONE, &[]), []);
    assert_eq!(ops(&kernel.hold(TWO, &[])), [Op::Remove(other)]);
    assert!(!kernel.ledger.holds(DEVICE, [10, 0, 0, 1].into()));
}

#[test]
fn what_was_refused_is_told_to_all_and_tried_again() {
    let mut kernel = Kernel::default();
    let facts = [at("10.0.0.1/24")];
    let steps = kernel.hold(ONE, &facts);
    kernel.hold(TWO, &facts);
    let refused = Snag::Refused("no".to_owned());
    assert_eq!(kernel.settle(&steps[0], &refused).failed, [(ONE, facts[0].clone()), (TWO, facts[0].clone())]);
    assert!(!kernel.ledger.is_listening() && kernel.ledger.held().next().is_none());
    assert_eq!(ops(&kernel.hold(TWO, &facts)), [Op::Add(facts[0].clone())]);
    assert_eq!(kernel.settle(&steps[0], &refused), Settled::default(), "something has been asked for since");
}

#[test]
fn the_kernel_takes_a_subnet_along_with_its_first_address() {
    let mut kernel = Kernel::default();
    let facts = [at("10.0.0.1/24"), at("10.0.0.2/24")];
    let steps = kernel.hold(ONE, &facts);
    kernel.tells(&steps);
    kernel.hold(ONE, &facts[1..]);
    let identity = Identity::of(&facts[1]);
    assert_eq!(kernel.ledger.gone(&key(&facts[1]), |_| true), Gone::WithOneOfOurs(identity.clone()));
    let restored = kernel.ledger.restore(&identity, &names()).expect("it is still held");
    assert_eq!(restored.op, Op::Add(facts[1].clone()));
    assert_eq!(kernel.gone(&facts[0]), []);
    kernel.ledger.seen(&key(&facts[1]));
    assert!(!kernel.ledger.is_listening());
}

#[test]
fn what_goes_with_its_interface_is_put_back_when_it_is_wanted_again() {
    let mut kernel = Kernel::default();
    let facts = [at("10.0.0.1/24"), at("fd00::1/64")];
    let steps = kernel.hold(ONE, &facts);
    kernel.tells(&steps[..1]);
    kernel.ledger.link_gone(DEVICE);
    assert!(!kernel.ledger.is_listening());
    assert_eq!(kernel.gone(&facts[0]), []);
    assert_eq!(ops(&kernel.hold(ONE, &facts)), facts.clone().map(Op::Add));
}

#[test]
fn an_interface_of_a_predecessor_that_was_changed_is_made_good_or_taken_away() {
    use crate::effect::device::{NewDevice, Upper};
    use crate::effect::net::Mac;
    let new = NewDevice {
        name: "vrrp.51".into(),
        parent: DEVICE,
        upper: Upper::Macvlan(Mac([0, 0, 0x5e, 0, 1, 51])),
        group: None,
        vrf: None,
        settings: Box::default(),
        shows_parent: false,
    };
    let fact = Fact::Device(Box::new(new.clone()));
    for (wanted, want) in [(vec![fact.clone()], Op::Change(fact.clone())), (vec![], Op::Remove(fact.clone()))] {
        let mut kernel = Kernel::default();
        kernel.ledger.adopt_altered(Owner::Devices, new.clone());
        assert_eq!(ops(&kernel.hold(Owner::Devices, &wanted)), [want]);
        assert_eq!(kernel.hold(Owner::Devices, &wanted), [], "once is enough");
    }
}
