//! Instances on interfaces that are made for them.

use super::bench::{Router, START, instance, links};
use super::{MS, master};
use crate::effect::device::Kind;
use crate::effect::net::{Device, Fact, Link, Links, Mac, Owner};
use crate::vrrp::Event;

const VMAC: Device = Device(9);

fn vmac(up: bool) -> Link {
    let e0 = links().get(Device(1)).cloned().expect("it is there");
    let kind = Kind::Macvlan { private: true };
    Link { device: VMAC, name: "vrrp.51".into(), up, mac: Some(Mac([0, 0, 0x5e, 0, 1, 51])), parent: Some(Device(1)), kind, ..e0 }
}

fn with_vmac() -> Links {
    let mut links = links();
    links.put(vmac(true));
    links
}

fn start(more: &str) -> Router {
    let text = instance("VI", "e0", 51, 150, &format!(" use_vmac\n{more}"));
    let (mut router, _) = Router::resume(START, &text, with_vmac(), &[]);
    router.pass(MS(5000));
    router
}

fn devices(router: &Router) -> usize {
    router.facts.get(&Owner::Devices).map_or(0, |facts| facts.iter().filter(|fact| matches!(fact, Fact::Device(_))).count())
}

fn placed(router: &Router) -> Vec<Device> {
    let all = router.facts.iter().filter(|(owner, _)| matches!(owner, Owner::Instance(_))).flat_map(|(_, facts)| facts.iter());
    all.filter_map(|fact| if let Fact::Address(placed) = fact { Some(placed.device) } else { None }).collect()
}

#[test]
fn addresses_and_adverts_go_to_the_vmac_and_with_xmit_base_only_addresses() {
    for (more, speaks_from) in [("", VMAC), (" vmac_xmit_base\n", Device(1))] {
        let router = start(more);
        assert_eq!(placed(&router), [VMAC], "{more}");
        assert_eq!(router.speaks_on(), [speaks_from.0], "{more}");
        assert_eq!(devices(&router), 1);
    }
}

#[test]
fn without_its_vmac_an_instance_is_in_fault_until_it_is_made() {
    let (mut router, told) = Router::start(&instance("VI", "e0", 51, 150, " use_vmac"));
    assert_eq!(told.last().map(String::as_str), Some("INSTANCE VI FAULT 150"), "{told:?}");
    assert_eq!(devices(&router), 1);
    assert_eq!(router.event(Event::Link(vmac(false))), Vec::<String>::new());
    assert_eq!(router.event(Event::Link(vmac(true))), ["INSTANCE VI BACKUP 150"]);
}

#[test]
fn a_vmac_that_is_set_down_or_deleted_is_a_fault_and_is_asked_for_again() {
    let mut router = start("");
    let told = router.event(Event::Link(vmac(false)));
    assert!(told.contains(&"INSTANCE VI FAULT 150".to_owned()), "{told:?}");
    router.event(Event::Link(vmac(true)));
    router.pass(MS(5000));
    assert_eq!(placed(&router), [VMAC]);
    let told = router.event(Event::LinkGone(VMAC));
    assert!(told.contains(&"INSTANCE VI FAULT 150".to_owned()), "{told:?}");
    router.facts.remove(&Owner::Devices);
    let (_, fact) = (Owner::Devices, Fact::Device(Box::new(router.engine.plan().held().iter().find_map(new).expect("one"))));
    router.event(Event::Stripped { owner: Owner::Devices, facts: vec![fact] });
    assert_eq!(devices(&router), 1, "it is asked for again");
}

#[test]
fn a_vmac_that_another_program_changes_is_made_as_it_was_until_that_is_hopeless() {
    let mut router = start("");
    let fact = || Fact::Device(Box::new(router_new()));
    for _ in 0..5 {
        router.facts.remove(&Owner::Devices);
        let told = router.event(Event::Stripped { owner: Owner::Devices, facts: vec![fact()] });
        assert!(!told.iter().any(|line| line.starts_with("INSTANCE")), "{told:?}");
        assert_eq!(devices(&router), 1, "it is asked for again");
        router.pass(MS(300));
    }
    router.facts.remove(&Owner::Devices);
    let told = router.event(Event::Stripped { owner: Owner::Devices, facts: vec![fact()] });
    assert!(told.contains(&"INSTANCE VI FAULT 150".to_owned()), "{told:?}");
    assert_eq!((devices(&router), placed(&router)), (0, vec![]));
    let told = router.pass(MS(40_000));
    assert!(told.contains(&"INSTANCE VI MASTER 150".to_owned()), "{told:?}");
    assert_eq!(devices(&router), 1);
}

fn router_new() -> crate::effect::device::NewDevice {
    let (router, _) = Router::resume(START, &instance("VI", "e0", 51, 150, " use_vmac\n"), with_vmac(), &[]);
    router.engine.plan().held().iter().find_map(new).expect("one")
}

fn new(fact: &Fact) -> Option<crate::effect::device::NewDevice> {
    if let Fact::Device(new) = fact { Some((**new).clone()) } else { None }
}

#[test]
fn with_the_parent_goes_all_and_with_its_return_all_comes_back() {
    let mut router = start("");
    router.event(Event::LinkGone(VMAC));
    router.event(Event::LinkGone(Device(1)));
    assert_eq!(devices(&router), 0, "there is nothing to put it on");
    let e0 = links().get(Device(1)).cloned().expect("it is there");
    router.event(Event::Link(Link { device: Device(21), ..e0 }));
    let parent = router.engine.plan().held().iter().find_map(new).map(|new| new.parent);
    assert_eq!(parent, Some(Device(21)));
}

#[test]
fn a_reload_that_takes_the_vmac_away_makes_another_instance() {
    let mut router = start("");
    let told = router.reload(&instance("VI", "e0", 51, 150, ""));
    assert!(told.contains(&"INSTANCE VI FAULT 150".to_owned()) && told.contains(&"INSTANCE VI BACKUP 150".to_owned()), "{told:?}");
    assert_eq!(devices(&router), 0);
    let told = router.reload(&instance("VI", "e0", 51, 150, ""));
    assert!(!told.iter().any(|line| line.starts_with("INSTANCE")), "{told:?}");
}

#[test]
fn at_a_stop_vmacs_go_unless_all_is_left() {
    for (release, want) in [(true, 0), (false, 1)] {
        let mut router = start("");
        router.stop(release);
        assert_eq!(devices(&router), want);
    }
}

#[test]
fn an_address_of_the_other_family_goes_to_the_interface_itself() {
    let router = start(" virtual_ipaddress_excluded {\n 2001:db8::51\n }\n");
    assert_eq!(placed(&router), [VMAC, Device(1)]);
    let plain = master(&instance("VI", "e0", 51, 150, ""));
    assert_eq!((devices(&plain), placed(&plain)), (0, vec![Device(1)]));
}

#[test]
fn what_no_advert_keeps_known_is_announced_again() {
    let far = " virtual_ipaddress_excluded {\n 10.9.0.52\n 10.9.1.51 dev e1\n 10.9.1.52 dev e1\n }\n";
    for (more, want, of_all) in [
        (" use_vmac\n", None, Some("announce 1 x [10.9.1.51]")),
        (" use_vmac\n vmac_xmit_base\n", Some("announce 1 x [10.9.0.51]"), Some("announce 1 x [10.9.0.51 10.9.1.51]")),
        ("", None, Some("announce 1 x [10.9.1.51]")),
    ] {
        for (all, want) in [("", want), ("all ", of_all)] {
            let text = instance("VI", "e0", 51, 150, &format!("{more} garp_extra_if {all}3\n{far}"));
            let (mut router, _) = Router::resume(START, &text, with_vmac(), &[]);
            router.pass(MS(5000));
            let told = router.pass(MS(9000));
            let announced: Vec<&str> = told.iter().map(String::as_str).filter(|line| line.starts_with("announce")).collect();
            let times = if want.is_some() { 3 } else { 0 };
            assert_eq!(announced, vec![want.unwrap_or_default(); times], "{more} {all}");
        }
    }
}

#[test]
fn what_comes_as_it_was_planned_is_no_reason_to_plan_anew() {
    let (mut router, _) = Router::start(&instance("VI", "e0", 51, 150, " use_vmac"));
    // Another plan is another list, whatever is in it.
    let place = |router: &Router| router.engine.plan.held().as_ptr();
    let before = place(&router);
    router.event(Event::Link(vmac(false)));
    router.event(Event::Link(vmac(true)));
    assert_eq!(place(&router), before, "of a thousand interfaces each would cost as much as all of them");
    router.event(Event::Link(Link { mac: Some(Mac([2; 6])), ..vmac(true) }));
    assert_ne!(place(&router), before);
}
