//! What is tracked, by instances and by their groups, and what that is worth.

use super::bench::{Router, address, instance};
use super::{MS, Standing, Tracked};
use crate::effect::net::{Device, Local};
use crate::model::net::Prefix;
use crate::vrrp::Event;

const OBJECTS: &str = "vrrp_track_process o {\n process something\n}\nbfd_instance o {\n neighbor_ip 192.0.2.99\n}\n\
                       track_file o {\n file /o\n}\n";

/// A block of an instance or of its group, an event that is bad news, and one that is good.
fn rows() -> [(&'static str, Event<'static>, Event<'static>); 3] {
    let event = |object, standing| Event::Tracked { object, standing };
    [
        ("track_process", event(Tracked::Process("o"), Standing::Down), event(Tracked::Process("o"), Standing::Up)),
        ("track_bfd", event(Tracked::Bfd("o"), Standing::Down), event(Tracked::Bfd("o"), Standing::Up)),
        ("track_file", event(Tracked::File("o"), Standing::Value(1)), event(Tracked::File("o"), Standing::Value(0))),
    ]
}

/// An instance in a group, and one that only goes along.
fn text(own: &str, of_group: &str) -> String {
    let group = format!("vrrp_sync_group G {{\n group {{\n VI\n V2\n }}\n {of_group}\n}}\n");
    format!("{OBJECTS}{group}{}{}", instance("VI", "e0", 51, 150, own), instance("V2", "e1", 52, 150, ""))
}

fn alone(own: &str) -> String {
    format!("{OBJECTS}{}", instance("VI", "e0", 51, 150, own))
}

fn master_of(text: &str) -> Router {
    let (mut router, _) = Router::start(text);
    for (_, _, good) in rows() {
        router.event(good);
    }
    assert!(router.pass(MS(5000)).iter().any(|told| told == "INSTANCE VI MASTER 150"));
    router
}

#[test]
fn who_tracks_an_object_fails_with_it_and_so_do_the_members_of_a_group_that_does() {
    for (block, ..) in rows() {
        let line = format!(" {block} {{\n o weight 0\n }}");
        for (own, of_group, fails) in [(&*line, "", true), ("", &*line, true), ("", "", false)] {
            let mut router = master_of(&text(own, of_group));
            let (_, bad, good) = rows().into_iter().find(|(name, ..)| *name == block).expect("it is one of them");
            let told = router.event(bad);
            assert_eq!(told.iter().any(|line| line == "INSTANCE VI FAULT 150"), fails, "{own}{of_group}: {told:?}");
            let told = router.event(good);
            assert_eq!(told.iter().any(|line| line == "INSTANCE VI BACKUP 150"), fails, "{own}{of_group}: {told:?}");
        }
    }
}

#[test]
fn an_object_with_a_weight_changes_the_priority_and_fails_nobody() {
    for (block, bad) in [("track_process", Tracked::Process("o")), ("track_bfd", Tracked::Bfd("o"))] {
        for (weight, before, after) in [(-20, 150, 130), (20, 170, 150)] {
            let (mut router, _) = Router::start(&alone(&format!(" {block} {{\n o weight {weight}\n }}")));
            router.event(Event::Tracked { object: bad, standing: Standing::Up });
            router.pass(MS(5000));
            let priority = |router: &mut Router| router.pass(MS(1000)).last().cloned();
            assert_eq!(priority(&mut router), Some(format!("advert 51 prio {before}")), "{block} {weight}");
            router.event(Event::Tracked { object: bad, standing: Standing::Down });
            assert_eq!(priority(&mut router), Some(format!("advert 51 prio {after}")), "{block} {weight}");
        }
    }
}

#[test]
fn a_source_address_that_goes_is_a_fault_only_where_it_is_tracked() {
    let source = Local { device: Device(1), prefix: Prefix { address: address("10.9.0.10"), length: 24 } };
    for (tracks, fails) in [("", false), ("\n track_src_ip", true)] {
        let mut router = master_of(&alone(&format!(" mcast_src_ip 10.9.0.10{tracks}")));
        let told = router.event(Event::AddressGone(source));
        assert_eq!(told.iter().any(|line| line == "INSTANCE VI FAULT 150"), fails, "{told:?}");
        let told = router.event(Event::Address(source));
        assert_eq!(told.iter().any(|line| line == "INSTANCE VI BACKUP 150"), fails, "{told:?}");
    }
}

#[test]
fn a_master_speaks_as_often_as_configured() {
    for (interval, adverts) in [("1", 12), ("0.5", 24), ("3", 4)] {
        let (mut router, _) = Router::start(&instance("VI", "e0", 51, 150, "").replace("advert_int 1", &format!("advert_int {interval}")));
        router.pass(MS(12_000));
        assert_eq!(router.pass(MS(12_000)).len(), adverts, "advert_int {interval}");
    }
}
