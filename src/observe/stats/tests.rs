use super::*;
use crate::model::net::Family;
use crate::model::vrrp::Vrid;
use crate::vrrp::stats::{AuthErrors, AuthExtensionErrors, Exchanged, PacketErrors};
use crate::vrrp::view::{InstanceView, State};
use std::time::Duration;

fn view(name: &str, stats: Stats) -> InstanceView {
    InstanceView {
        name: name.into(),
        vrid: Vrid(1),
        family: Family::V4,
        state: State::Master,
        wanted: State::Master,
        base_priority: 100,
        effective_priority: 100,
        weights: 0,
        master_priority: 0,
        master: None,
        master_interval: Duration::from_secs(1),
        down_interval: Duration::from_secs(3),
        deadline: None,
        last_advert: None,
        device: None,
        own: None,
        source: None,
        last_transition: crate::effect::time::Instant::default(),
        since: None,
        reason: None,
        faults: Vec::new(),
        holds_addresses: true,
        stats,
    }
}

#[test]
fn every_counter_has_its_line() {
    let counted = Stats {
        adverts: Exchanged { received: 1, sent: 2 },
        became_master: 3,
        released_master: 4,
        packet_errors: PacketErrors { length: 5, ttl: 6, invalid_type: 7, advert_interval: 8, address_list: 9 },
        auth_errors: AuthErrors { invalid_type: 10, type_mismatch: 11, failure: 12 },
        auth_extension_errors: AuthExtensionErrors { missing: 13, malformed: 14, unknown_key: 15, invalid_hmac: 16, stale: 17, replay: 18 },
        priority_zero: Exchanged { received: 19, sent: u64::MAX },
    };
    let want = "\
VRRP Instance: A
  Advertisements:
    Received: 1
    Sent: 2
  Became master: 3
  Released master: 4
  Packet Errors:
    Length: 5
    TTL: 6
    Invalid Type: 7
    Advertisement Interval: 8
    Address List: 9
  Authentication Errors:
    Invalid Type: 10
    Type Mismatch: 11
    Failure: 12
  Authentication Extension Errors:
    Missing: 13
    Malformed: 14
    Unknown Key: 15
    Invalid HMAC: 16
    Stale: 17
    Replay: 18
  Priority Zero:
    Received: 19
    Sent: 18446744073709551615
";
    let all = View { instances: vec![view("A", counted), view("B c", Stats::default())], ..View::default() };
    let text = text(&all);
    assert!(text.starts_with(want), "{text}");
    assert!(text[want.len()..].starts_with("VRRP Instance: B c\n  Advertisements:\n    Received: 0\n"), "{text}");
    assert_eq!(text.lines().count(), 2 * want.lines().count());
}

#[test]
fn without_instances_there_is_nothing_to_say() {
    assert_eq!(text(&View::default()), "");
}
