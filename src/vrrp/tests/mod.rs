//! The engine as a router: what it sends, holds and tells, event by event.

mod account;
mod bench;
mod keywords;
mod tracked;
mod vmac;

use super::Event;
use super::{Standing, Tracked};
use crate::effect::net::{Device, Local, Mac};
use crate::effect::packet::{Datagram, PortId};
use crate::effect::record::Record;
use crate::effect::{Action, Actions};
use crate::model::net::Prefix;
use crate::vrrp::view::State;
use crate::wire::trailer::{Sequence, Trailer};
use crate::wire::vrrp::{Advert, Body, Packet, Sum};
use bench::{Router, START, address, instance, links};
use std::net::IpAddr;
use std::time::Duration;

const MS: fn(u64) -> Duration = Duration::from_millis;

fn master(text: &str) -> Router {
    let (mut router, _) = Router::start(text);
    router.pass(MS(5000));
    router
}

#[test]
fn a_router_listens_for_one_master_down_interval_and_takes_over_advert_first() {
    let (mut router, told) = Router::start(&instance("VI", "e0", 51, 150, " state MASTER"));
    assert_eq!(told, ["INSTANCE VI BACKUP 150"]);
    assert_eq!(
        router.next(),
        (
            3_414_062,
            vec![
                "advert 51 prio 150".into(),
                "hold [10.9.0.51@1]".into(),
                "announce 1 x [10.9.0.51]".into(),
                "INSTANCE VI MASTER 150".into()
            ]
        )
    );
    assert_eq!(router.next(), (1_000_000, vec!["advert 51 prio 150".to_owned()]));
}

#[test]
fn an_owner_installs_its_addresses_at_startup_and_nobody_hears_of_backup() {
    let (_, told) = Router::start(&instance("VI", "e0", 51, 255, " state MASTER"));
    assert_eq!(told, ["advert 51 prio 255", "hold [10.9.0.51@1]", "announce 1 x [10.9.0.51]", "INSTANCE VI MASTER 255"]);
}

#[test]
fn a_master_answers_a_lower_advert_at_once_and_a_stream_of_them_at_a_bounded_rate() {
    let mut router = master(&instance("VI", "e0", 51, 150, " garp_lower_prio_repeat 2\n garp_lower_prio_delay 0"));
    let answer = ["advert 51 prio 150", "announce 2 x [10.9.0.51]", "INSTANCE VI MASTER_RX_LOWER_PRI 150"];
    assert_eq!(router.hear(51, 149, "10.9.0.20"), answer);
    assert_eq!(router.hear(51, 150, "10.9.0.5"), [""; 0], "not again at the same moment");
    let mut adverts = 0;
    for _ in 0..1000 {
        router.now += MS(1);
        adverts += router.hear(51, 100, "10.9.0.20").iter().filter(|line| line.starts_with("advert")).count();
        adverts += router.pass(Duration::ZERO).len();
    }
    assert!((9..=12).contains(&adverts), "{adverts} in a second");
}

#[test]
fn a_master_yields_to_its_better_and_asks_who_has_its_addresses() {
    for (priority, from) in [(151, "10.9.0.5"), (150, "10.9.0.20")] {
        let mut router = master(&instance("VI", "e0", 51, 150, ""));
        assert_eq!(router.hear(51, priority, from), ["hold []", "INSTANCE VI BACKUP 150", "probe 1"], "{priority} {from}");
        assert_eq!(router.next().0, 3_414_062);
    }
    let mut router = master(&instance("VI", "e0", 51, 150, ""));
    assert_eq!(router.hear(51, 150, "10.9.0.10"), [""; 0], "our own address at our own priority is ignored");
}

#[test]
fn priority_zero_shortens_the_wait_to_the_skew() {
    let (mut router, _) = Router::start(&instance("VI", "e0", 51, 100, ""));
    router.hear(51, 200, "10.9.0.20");
    router.hear(51, 0, "10.9.0.20");
    assert_eq!(router.next().0, 609_375);
    assert_eq!(router.hear(51, 0, "10.9.0.20"), ["advert 51 prio 100"], "a master answers it and stays");
}

#[test]
fn the_interval_of_the_master_is_learnt_and_forgotten_with_it() {
    let (mut router, _) = Router::start(&instance("VI", "e0", 51, 150, ""));
    router.hear_advert(51, 200, "10.9.0.20", 25);
    assert_eq!(router.next().0, 853_515);
    router.hear_advert(51, 200, "10.9.0.20", 25);
    router.set_link("e0", false);
    router.set_link("e0", true);
    assert_eq!(router.next().0, 3_414_062, "after a fault the own one counts");
}

#[test]
fn preemption_follows_the_configuration() {
    let heard = |more: &str| {
        let (mut router, _) = Router::start(&instance("VI", "e0", 51, 150, more));
        let start = router.now;
        for _ in 0..30 {
            router.hear(51, 100, "10.9.0.20");
            if !router.pass(MS(1000)).is_empty() {
                break;
            }
        }
        router.now.since(start).as_secs()
    };
    assert_eq!(heard(""), 4, "lower adverts do not count");
    assert_eq!(heard(" nopreempt"), 30, "they do, for good");
    assert_eq!(heard(" preempt_delay 5"), 8, "they do until the delay is over; then the rest of the interval must pass");
}

#[test]
fn invalid_packets_neither_stop_nor_delay_the_adverts() {
    let mut router = master(&instance("VI", "e0", 51, 150, ""));
    let due = router.engine.next_deadline();
    let from = address("10.9.0.20");
    let hostile: [&[u8]; 8] = [
        &[],
        &[0x31],
        &[0x21, 51, 200, 1, 0, 1, 0, 0, 10, 9, 0, 51, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0x31, 51, 200, 255, 0, 100, 0, 0, 10, 9, 0, 51],
        &[0x31, 51, 200, 1, 0, 100, 0x12, 0x34, 10, 9, 0, 51],
        &[0x32, 51, 200, 1, 0, 100, 0, 0, 10, 9, 0, 51],
        &[0x31, 51, 200, 1, 0, 100, 0, 0],
        &[0xff; 300],
    ];
    for packet in hostile {
        assert_eq!(router.hear_packet(from, 255, packet), [""; 0]);
    }
    assert_eq!(router.engine.next_deadline(), due);
    let stats = router.engine.snapshot().instances[0].stats;
    assert_eq!(stats.packet_errors.length, 2, "{stats:?}");
}

#[test]
fn two_faults_need_two_recoveries() {
    let (mut router, _) = Router::start(&instance("VI", "e0", 51, 150, " track_interface {\n e1\n e2\n }"));
    router.pass(MS(5000));
    let fault = ["advert 51 prio 0", "advert 51 prio 0", "hold []", "INSTANCE VI FAULT 150"];
    assert_eq!(router.set_link("e1", false), fault);
    assert_eq!(router.set_link("e2", false), [""; 0]);
    assert_eq!(router.set_link("e1", true), [""; 0], "the other one is still down");
    assert_eq!(router.set_link("e2", true), ["INSTANCE VI BACKUP 150"]);
}

#[test]
fn weights_change_the_priority_and_an_advert_in_turn_says_so() {
    let text = instance("VI", "e0", 51, 100, " notify_priority_changes true\n track_interface {\n e1 weight 30\n e2 weight -40\n }");
    let (mut router, told) = Router::start(&text);
    assert_eq!(told, ["INSTANCE VI BACKUP_PRIORITY 130", "INSTANCE VI BACKUP 130"]);
    router.pass(MS(4000));
    assert_eq!(router.set_link("e1", false), ["INSTANCE VI MASTER_PRIORITY 100"]);
    assert_eq!(router.set_link("e2", false), ["INSTANCE VI MASTER_PRIORITY 60"]);
    assert_eq!(router.next().1, ["advert 51 prio 60"]);
}

#[test]
fn a_higher_priority_shortens_the_wait_of_a_backup() {
    let text = instance("VI", "e0", 51, 100, " track_interface {\n e1 weight 100\n }");
    let (mut router, _) = Router::start(&text);
    router.set_link("e1", false);
    router.hear(51, 150, "10.9.0.20");
    router.set_link("e1", true);
    assert_eq!(router.next().0, 3_218_750);
}

#[test]
fn a_script_that_has_not_reported_is_waited_for_in_silence() {
    let script = "global_defs {\n script_user root\n enable_script_security\n}\nvrrp_script chk {\n script \"/bin/true\"\n}\n";
    let text = format!("{script}{}", instance("VI", "e0", 51, 255, " state MASTER\n track_script {\n chk\n }"));
    let host_scripts = text.replace("\"/bin/true\"", "\"</dev/null\"");
    let (mut router, told) = Router::start(&host_scripts);
    assert_eq!(told, [""; 0]);
    let up = Event::Tracked { object: Tracked::Script("chk"), standing: Standing::Up };
    assert_eq!(router.event(up).last().map(String::as_str), Some("INSTANCE VI MASTER 255"), "an owner starts like an owner");
    let down = Event::Tracked { object: Tracked::Script("chk"), standing: Standing::Down };
    assert_eq!(router.event(down).last().map(String::as_str), Some("INSTANCE VI FAULT 255"));
}

fn pair() -> String {
    let group = "vrrp_sync_group G {\n group {\n A\n B\n }\n}\n";
    format!("{group}{}{}", instance("A", "e0", 51, 150, ""), instance("B", "e1", 52, 150, ""))
}

#[test]
fn a_sync_group_moves_as_one() {
    let (mut router, told) = Router::start(&pair());
    assert_eq!(told, ["GROUP G BACKUP 0", "INSTANCE A BACKUP 150", "INSTANCE B BACKUP 150"]);
    let told = router.pass(MS(4000));
    assert_eq!(told[3], "INSTANCE B MASTER 150", "who times out last leads");
    assert_eq!(told[7], "INSTANCE A MASTER 150");
    assert_eq!(told[8], "GROUP G MASTER 0");
    let yielded = router.hear(52, 200, "10.9.1.20");
    assert_eq!(yielded, ["hold []", "INSTANCE B BACKUP 150", "hold []", "INSTANCE A BACKUP 150", "GROUP G BACKUP 0", "probe 2"]);
    for _ in 0..10 {
        router.hear(52, 200, "10.9.1.20");
        assert_eq!(router.pass(MS(1000)), [""; 0], "one alone does not become master");
    }
    let back = router.pass(MS(4000));
    assert_eq!(
        back.iter().filter(|line| line.starts_with("INSTANCE")).collect::<Vec<_>>(),
        ["INSTANCE B MASTER 150", "INSTANCE A MASTER 150"]
    );
}

#[test]
fn a_fault_takes_the_group_along_and_the_last_recovery_brings_it_back() {
    let mut router = master(&pair());
    let told = router.set_link("e1", false);
    assert_eq!(
        told,
        [
            "advert 52 prio 0",
            "advert 52 prio 0",
            "hold []",
            "INSTANCE B FAULT 150",
            "advert 51 prio 0",
            "hold []",
            "INSTANCE A FAULT 150",
            "GROUP G FAULT 0"
        ]
    );
    assert_eq!(router.set_link("e0", false), [""; 0]);
    assert_eq!(router.set_link("e1", true), [""; 0]);
    assert_eq!(router.set_link("e0", true), ["INSTANCE A BACKUP 150", "INSTANCE B BACKUP 150", "GROUP G BACKUP 0"]);
    let told = router.pass(MS(4000));
    assert_eq!(told[3], "INSTANCE B MASTER 150");
}

#[test]
fn losing_the_source_address_is_a_fault_and_the_goodbye_comes_from_it() {
    let mut router = master(&instance("VI", "e0", 51, 150, ""));
    let local = Local { device: Device(1), prefix: Prefix { address: address("10.9.0.10"), length: 24 } };
    let told = router.event(Event::AddressGone(local));
    assert_eq!(told, ["advert 51 prio 0", "advert 51 prio 0", "hold []", "INSTANCE VI FAULT 150"]);
    assert_eq!(router.event(Event::Address(local)), ["INSTANCE VI BACKUP 150"]);
}

#[test]
fn a_second_address_takes_the_place_of_the_first_without_a_word() {
    let mut router = master(&instance("VI", "e0", 51, 150, ""));
    let local = |text: &str| Local { device: Device(1), prefix: Prefix { address: address(text), length: 24 } };
    assert_eq!(router.event(Event::Address(local("10.9.0.11"))), [""; 0]);
    assert_eq!(router.event(Event::AddressGone(local("10.9.0.10"))), [""; 0]);
    assert_eq!(router.engine.snapshot().instances[0].source, Some(address("10.9.0.11")));
}

#[test]
fn a_stripped_address_is_held_and_announced_again_without_an_election() {
    let mut router = master(&instance("VI", "e0", 51, 150, ""));
    let (owner, fact) = router.first_fact();
    for _ in 0..5 {
        assert_eq!(router.event(Event::Stripped { owner, facts: vec![fact.clone()] }), ["announce 1 x [10.9.0.51]"]);
        router.pass(MS(200));
    }
    let told = router.event(Event::Stripped { owner, facts: vec![fact] });
    assert_eq!(told, ["advert 51 prio 0", "advert 51 prio 0", "hold []", "INSTANCE VI FAULT 150"], "somebody means it");
    assert!(router.engine.snapshot().instances[0].faults[0].to_string().contains("another program"));
    assert_eq!(router.next(), (30_000_000, vec!["INSTANCE VI BACKUP 150".to_owned()]));
}

#[test]
fn all_that_goes_at_one_blow_counts_once() {
    let mut router = master(&instance("VI", "e0", 51, 150, ""));
    let (owner, fact) = router.first_fact();
    for _ in 0..3 {
        for _ in 0..20 {
            assert_eq!(router.event(Event::Stripped { owner, facts: vec![fact.clone()] }), ["announce 1 x [10.9.0.51]"]);
            router.pass(MS(5));
        }
        router.pass(MS(200));
    }
}

#[test]
fn however_much_goes_at_a_time_it_is_held_and_announced_once() {
    let mut router = master(&instance("VI", "e0", 51, 150, ""));
    let (owner, fact) = router.first_fact();
    for _ in 0..5 {
        let facts = vec![fact.clone(); 3000];
        assert_eq!(router.event(Event::Stripped { owner, facts }), ["announce 1 x [10.9.0.51]"]);
        router.pass(MS(300));
    }
    assert_eq!(router.event(Event::Stripped { owner, facts: Vec::new() }), [""; 0]);
}

#[test]
fn only_a_master_takes_again_what_it_may_have_now() {
    let mut router = master(&instance("VI", "e0", 51, 150, ""));
    let (owner, _) = router.first_fact();
    assert_eq!(router.event(Event::Regained { owner, addresses: false }), [""; 0]);
    assert_eq!(router.event(Event::Regained { owner, addresses: true }), ["announce 1 x [10.9.0.51]"]);
    router.set_link("e0", false);
    assert_eq!(router.event(Event::Regained { owner, addresses: true }), [""; 0]);
}

#[test]
fn a_foreign_claim_is_answered_and_our_own_is_not() {
    let mut router = master(&instance("VI", "e0", 51, 150, ""));
    let claim = |by| Event::Claimed { device: Device(1), address: address("10.9.0.51"), by: Mac([2, 0, 0, 0, 0, by]) };
    assert_eq!(router.event(claim(99)), ["announce 1 x [10.9.0.51]"]);
    assert_eq!(router.event(claim(98)), [""; 0], "not again at once");
    router.now += MS(200);
    assert_eq!(router.event(claim(2)), [""; 0], "one of our own interfaces");
}

#[test]
fn a_stalled_master_speaks_up_and_one_that_asked_for_it_steps_back() {
    let mut router = master(&instance("VI", "e0", 51, 150, ""));
    assert_eq!(router.event(Event::Stalled(MS(500))), [""; 0]);
    assert_eq!(router.event(Event::Stalled(MS(5000))), ["advert 51 prio 150", "announce 1 x [10.9.0.51]"]);
    let mut router = master(&instance("VI", "e0", 51, 150, " nopreempt\n timer_expired_backup 100"));
    assert_eq!(router.event(Event::Stalled(MS(5000)))[..2], ["hold []", "INSTANCE VI BACKUP 150"]);
}

#[test]
fn a_successor_carries_on_as_master_and_tells_nobody() {
    let text = instance("VI", "e0", 51, 150, "");
    let router = master(&text);
    let records: Vec<Record> = router.records.values().cloned().collect();
    let (mut successor, told) = Router::resume(router.now + MS(30), &text, links(), &records);
    assert_eq!(told, ["advert 51 prio 150", "hold [10.9.0.51@1]", "announce 1 x [10.9.0.51]"]);
    assert_eq!(successor.next(), (1_000_000, vec!["advert 51 prio 150".to_owned()]));
    let (_, told) = Router::resume(router.now, &text, links(), &[]);
    assert_eq!(told, ["INSTANCE VI BACKUP 150"], "without records it is an ordinary start");
}

#[test]
fn a_stop_says_goodbye_and_tells_everybody_unless_everything_is_to_stay() {
    let mut router = master(&pair());
    let told = router.stop(true);
    assert_eq!(told[..4], ["advert 51 prio 0", "hold []", "advert 52 prio 0", "hold []"]);
    assert_eq!(told[4..], ["INSTANCE A STOP 150", "INSTANCE B STOP 150", "GROUP G STOP 0"]);
    let mut router = master(&instance("VI", "e0", 51, 150, ""));
    assert_eq!(router.stop(false), ["INSTANCE VI STOP 150"]);
}

#[test]
fn a_reload_keeps_the_master_and_changes_what_differs() {
    let text = instance("VI", "e0", 51, 150, "");
    let mut router = master(&text);
    let soon = MS(10);
    let advert = |priority: u8| [format!("advert 51 prio {priority}")];
    assert_eq!(router.reload(&text), advert(150));
    assert_eq!(router.pass(soon), advert(150));
    let more = text.replace("10.9.0.51", "10.9.0.51\n 10.9.0.151");
    let told = router.reload(&more);
    assert_eq!(told, ["advert 51 prio 150", "hold [10.9.0.51@1 10.9.0.151@1]", "announce 1 x [10.9.0.51 10.9.0.151]"]);
    assert_eq!(router.reload(&text), ["advert 51 prio 150", "hold [10.9.0.51@1]"]);
    router.reload(&text.replace("priority 150", "priority 120"));
    assert_eq!(router.pass(soon), advert(120));
    router.reload(&text);
    assert_eq!(router.reload(&text.replace("VI", "OTHER")), advert(150), "the name is not what it is known by");
}

#[test]
fn a_removed_instance_says_goodbye_and_a_new_one_begins_in_backup() {
    let mut router = master(&instance("A", "e0", 51, 150, ""));
    let told = router.reload(&instance("B", "e0", 52, 150, ""));
    assert_eq!(told, ["advert 51 prio 150", "advert 51 prio 0", "hold []", "INSTANCE A FAULT 150", "INSTANCE B BACKUP 150"]);
    assert_eq!(router.records.len(), 1);
}

#[test]
fn a_startup_delay_comes_on_top() {
    let text = format!("global_defs {{\n vrrp_startup_delay 2.5\n}}\n{}", instance("VI", "e0", 51, 150, ""));
    let (mut router, _) = Router::start(&text);
    assert_eq!(router.hear(51, 100, "10.9.0.20"), [""; 0]);
    assert_eq!(router.engine.snapshot().instances[0].stats.adverts.received, 0, "nobody listens yet");
    assert_eq!(router.next().0, 5_914_062);
}

#[test]
fn an_interface_that_goes_and_comes_back_as_another_device_is_taken_up() {
    let mut router = master(&instance("VI", "e0", 51, 150, ""));
    let told = router.event(Event::LinkGone(Device(1)));
    assert_eq!(told.last().map(String::as_str), Some("INSTANCE VI FAULT 150"));
    let mut link = router.engine.links().get(Device(2)).cloned().expect("another link");
    link.device = Device(77);
    link.name = "e0".into();
    assert_eq!(router.event(Event::Link(link)), [""; 0], "it has no address yet");
    let local = Local { device: Device(77), prefix: Prefix { address: address("10.9.0.10"), length: 24 } };
    assert_eq!(router.event(Event::Address(local)), ["INSTANCE VI BACKUP 150"]);
    router.pass(MS(4000));
    assert_eq!(router.held.values().next().map(Vec::as_slice), Some(&["10.9.0.51@77".to_owned()][..]));
    assert!(router.now > START);
}

#[test]
fn a_lease_is_renewed_three_times_as_often_as_it_ends_and_only_by_a_master() {
    let text = format!("standfast {{\n vip_lease 6\n}}\n{}", instance("VI", "e0", 51, 150, ""));
    let mut router = master(&text);
    router.pass(MS(10_000));
    let told = router.pass(MS(60_000));
    assert_eq!(told.iter().filter(|line| *line == "renew").count(), 30);
    router.hear(51, 200, "10.9.0.20");
    assert!(!router.pass(MS(3000)).contains(&"renew".to_owned()));
}

#[test]
fn adverts_keep_the_beat_however_late_the_process_is() {
    let mut router = master(&instance("VI", "e0", 51, 150, ""));
    for _ in 0..50 {
        let due = router.engine.next_deadline().expect("a master has one");
        router.now = due + MS(30);
        assert_eq!(router.event(Event::Tick), ["advert 51 prio 150"]);
        assert_eq!(router.engine.next_deadline(), Some(due + MS(1000)));
    }
}

#[test]
fn priority_zero_is_answered_by_a_master_at_a_bounded_rate() {
    let mut router = master(&instance("VI", "e0", 51, 150, ""));
    let mut adverts = 0;
    for _ in 0..1000 {
        router.now += MS(1);
        adverts += router.hear(51, 0, "10.9.0.20").len();
        adverts += router.pass(Duration::ZERO).len();
    }
    assert!((9..=12).contains(&adverts), "{adverts} in a second");
}

#[test]
fn a_new_master_expects_its_own_interval_of_its_successor() {
    let (mut router, _) = Router::start(&instance("VI", "e0", 51, 150, ""));
    router.hear_advert(51, 200, "10.9.0.20", 25);
    router.pass(MS(1000));
    let view = router.engine.snapshot().instances[0].clone();
    assert!(view.holds_addresses);
    assert_eq!(view.master_interval, MS(1000));
}

#[test]
fn version_3_over_ipv4_may_leave_the_pseudo_header_out_of_its_checksum() {
    let mut router = master(&instance("VI", "e0", 51, 150, ""));
    let advert = Advert { vrid: 51, priority: 200, body: Body::V3 { interval: 100 }, addresses: vec![address("10.9.0.51")] };
    let told = router.hear_packet(address("10.9.0.20"), 255, &advert.encode(Sum::Plain));
    assert_eq!(told, ["hold []", "INSTANCE VI BACKUP 150", "probe 1"]);
}

#[test]
fn refreshes_do_not_add_up_when_a_router_is_master_again_and_again() {
    let mut router = master(&instance("VI", "e0", 51, 150, " garp_master_refresh 3"));
    for _ in 0..3 {
        router.hear(51, 200, "10.9.0.20");
        router.pass(MS(4000));
    }
    let told = router.pass(MS(30_000));
    assert_eq!(told.iter().filter(|line| line.starts_with("announce")).count(), 10);
}

#[test]
fn a_fault_is_logged_with_all_its_causes() {
    let mut router = master(&instance("VI", "e0", 51, 150, " track_interface {\n e1\n }"));
    let mut lines = Vec::new();
    for gone in [Device(2), Device(1)] {
        let mut actions = Actions::default();
        router.engine.handle(router.now, Event::LinkGone(gone), &mut actions);
        lines.extend(actions.drain().filter_map(|action| if let Action::Say(line) = action { Some(line.text) } else { None }));
    }
    assert!(lines.iter().any(|line| line == "(VI) FAULT: interface e1 is down"), "{lines:?}");
    let faults: Vec<String> = router.engine.snapshot().instances[0].faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults, ["interface e0 does not exist", "interface e1 is down"]);
}

#[test]
fn a_wrong_checksum_over_ipv6_is_told_of_and_not_counted() {
    let mut router = master(&instance("VI", "e0", 51, 150, "").replace("10.9.0.51", "fe80::51"));
    let source = address("fe80::20");
    let advert = Advert { vrid: 51, priority: 200, body: Body::V3 { interval: 100 }, addresses: vec![address("fe80::51")] };
    let payload = advert.encode(Sum::Plain);
    let before = router.engine.snapshot().instances[0].stats;
    let mut actions = Actions::default();
    let datagram = Datagram { source, destination: address("ff02::12"), ttl: 255, seal: None, payload: &payload };
    router.engine.handle(router.now, Event::Received { port: PortId(1), datagram }, &mut actions);
    let said: Vec<String> =
        actions.drain().filter_map(|action| if let Action::Say(line) = action { Some(line.text) } else { None }).collect();
    assert_eq!(said, ["(VI) ignoring received advertisement from fe80::20: its checksum is wrong"]);
    assert_eq!(router.engine.snapshot().instances[0].stats, before);
}

#[test]
fn a_peer_gets_the_old_checksum_as_long_as_it_sends_it() {
    let (own, peer, other) = (address("10.9.0.10"), address("10.9.0.20"), address("10.9.0.30"));
    let text = instance("VI", "e0", 51, 150, " unicast_peer {\n 10.9.0.20\n 10.9.0.30\n }");
    let mut router = master(&text);
    let group = bench::GROUP;
    let hear = |router: &mut Router, summed_for: IpAddr| {
        let advert = Advert { vrid: 51, priority: 100, body: Body::V3 { interval: 100 }, addresses: vec![address("10.9.0.51")] };
        let payload = advert.encode(Sum::Pseudo { source: peer, destination: summed_for });
        let mut actions = Actions::default();
        let datagram = Datagram { source: peer, destination: own, ttl: 255, seal: None, payload: &payload };
        router.now += MS(1000);
        router.engine.handle(router.now, Event::Received { port: PortId(1), datagram }, &mut actions);
        let sums = actions.drain().filter_map(|action| match action {
            Action::Transmit(sent) => {
                let packet = Packet::new(&sent.payload).expect("a whole packet");
                let old = packet.sums_up(Sum::Pseudo { source: own, destination: group }, sent.payload.len());
                let new = packet.sums_up(Sum::Pseudo { source: own, destination: sent.destination }, sent.payload.len());
                assert_ne!(old, new);
                Some((sent.destination, old))
            }
            _ => None,
        });
        sums.collect::<Vec<_>>()
    };
    assert_eq!(hear(&mut router, own), [(peer, false), (other, false)]);
    assert_eq!(hear(&mut router, group), [(peer, true), (other, false)]);
    assert_eq!(hear(&mut router, own), [(peer, false), (other, false)]);
}

#[test]
fn an_instance_with_a_secret_is_at_work() {
    for auth in [" authentication {\n auth_type AH\n auth_pass secret12\n }", " auth_hmac {\n key 1 hex:KEY\n active_key 1\n }"] {
        let text = instance("VI", "e0", 51, 150, &auth.replace("KEY", &"07".repeat(32)));
        let text = if auth.contains("AH") { text.replace("version 3", "version 2") } else { text };
        let router = master(&text);
        let view = router.engine.snapshot();
        assert_eq!((view.instances[0].state, &view.instances[0].faults[..]), (State::Master, &[][..]), "{auth}");
        // Nothing that can be printed has the secret in it.
        let printed = format!("{:?}", router.engine);
        assert!(!printed.contains("secret12") && !printed.contains("7, 7, 7"), "{auth}");
    }
}

#[test]
fn v3_checksum_as_v2_is_no_leave_for_wrong_checksums() {
    let mut router = master(&instance("VI", "e0", 51, 150, " v3_checksum_as_v2"));
    let source = address("10.9.0.20");
    let advert = Advert { vrid: 51, priority: 200, body: Body::V3 { interval: 100 }, addresses: vec![address("10.9.0.51")] };
    let pseudo = Sum::Pseudo { source, destination: bench::GROUP };
    let mut wrong = advert.encode(pseudo);
    wrong[7] ^= 1;
    assert_eq!(router.hear_packet(source, 255, &wrong), [""; 0]);
    for sum in [Sum::Plain, pseudo] {
        assert!(!router.hear_packet(source, 255, &advert.encode(sum)).is_empty(), "{sum:?}");
        router.pass(MS(5000));
    }
}

#[test]
fn a_reload_does_not_forget_what_was_heard() {
    let text = |more: &str| {
        let auth = format!(" auth_hmac {{\n key 1 hex:{}\n active_key 1\n anti_replay monotonic\n }}\n{more}", "07".repeat(32));
        instance("VI", "e0", 51, 150, &auth)
    };
    let mut router = master(&text(""));
    let source = address("10.9.0.20");
    let advert = Advert { vrid: 51, priority: 200, body: Body::V3 { interval: 100 }, addresses: vec![address("10.9.0.51")] };
    let signed = |sequence: u64| {
        let trailer = Trailer::sign(1, &[7; 32], Sequence(sequence), source, &advert.unsummed(false));
        advert.encode_with(Sum::Pseudo { source, destination: bench::GROUP }, &trailer.write())
    };
    assert_eq!(router.hear_packet(source, 255, &signed(7)), ["hold []", "INSTANCE VI BACKUP 150", "probe 1"]);
    router.pass(MS(5000));
    router.reload(&text(" smtp_alert"));
    router.pass(MS(100));
    assert_eq!(router.hear_packet(source, 255, &signed(7)), [""; 0]);
    let view = router.engine.snapshot();
    assert_eq!((view.instances[0].state, view.instances[0].stats.auth_extension_errors.replay), (State::Master, 1));
    assert_eq!(router.hear_packet(source, 255, &signed(8)), ["hold []", "INSTANCE VI BACKUP 150", "probe 1"]);
}
