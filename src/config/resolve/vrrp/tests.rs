//! What VRRP makes of statements together: inheritance, strict mode, groups, weights, addresses, and what keeps it from
//! running.

use crate::config::diagnostic::{Class, Phase};
use crate::config::host::{At, Interface, Stated};
use crate::config::testing::{diagnose, load, round_trip};
use crate::model::Model;
use crate::model::net::Family;
use crate::model::track::Weight;
use crate::model::vrrp::{Auth, Carrier, Instance, Preempt, Role, Transport, Version};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

fn host() -> Stated {
    let mut host = Stated::with(&["eth0", "eth1"]).script("/p");
    host.interfaces.insert("lo".to_owned(), Interface { loopback: true, mtu: 65536, ..Interface::default() });
    host.interfaces.insert("tiny".to_owned(), Interface { mtu: 84, ..Interface::default() });
    host.paths.insert("/run".into(), At::Directory);
    host
}

/// An instance in six lines and those of `body`; its number is its VRID.
fn instance(name: &str, vrid: u8, body: &str) -> String {
    format!(
        "vrrp_instance {name} {{\n interface eth0\n virtual_router_id {vrid}\n virtual_ipaddress {{\n 192.0.2.{vrid}\n }}\n{body}\n}}\n"
    )
}

fn model(text: &str) -> Model {
    round_trip(text, &host())
}

fn first(text: &str) -> Instance {
    model(text).vrrp.instances.remove(0)
}

/// The messages without their lines.
fn said(text: &str) -> Vec<String> {
    diagnose(text, &host()).1.iter().map(|d| d.text.clone()).collect()
}

#[test]
fn instances_inherit_from_global_defs_and_have_the_last_word() {
    let globals = "global_defs {\n vrrp_version 3\n vrrp_mcast_group4 224.0.0.77\n vrrp_garp_master_delay 7\n vrrp_garp_master_repeat 2\n vrrp_garp_lower_prio_repeat 1\n vrrp_garp_master_refresh 9\n vrrp_garp_master_refresh_repeat 3\n vrrp_garp_extra_if all 60\n vrrp_down_timer_adverts 4\n vrrp_lower_prio_no_advert\n vrrp_higher_prio_send_advert\n vrrp_skip_check_adv_addr\n vrrp_owner_ignore_adverts\n vrrp_notify_priority_changes\n vrrp_check_unicast_src\n v3_checksum_as_v2\n smtp_alert\n}\n";
    let plain = first(&format!("{globals}{}", instance("A", 1, "")));
    assert_eq!((plain.version, plain.down_timer_adverts), (Version::V3, 4));
    assert_eq!(plain.transport, Transport::Multicast { group: Ipv4Addr::new(224, 0, 0, 77).into() });
    assert_eq!((plain.garp.delay.as_secs(), plain.garp.repeat, plain.garp.lower_prio_delay.as_secs()), (7, 2, 7));
    assert_eq!((plain.garp.lower_prio_repeat, plain.garp.refresh.as_secs(), plain.garp.refresh_repeat), (1, 9, 3));
    assert!(plain.garp.extra.is_some_and(|extra| extra.all));
    assert!(plain.lower_prio_no_advert && plain.higher_prio_send_advert && plain.skip_check_adv_addr && plain.v3_checksum_as_v2);
    assert!(plain.notify_priority_changes && plain.smtp_alert && !plain.owner_ignore_adverts);

    let owner = first(&format!("{globals}{}", instance("A", 1, "priority 255")));
    assert!(owner.owner_ignore_adverts);
    let unicast = first(&format!("{globals}{}", instance("A", 1, "unicast_peer {\n 192.0.2.99\n}")));
    assert!(matches!(unicast.transport, Transport::Unicast { check_source: true, .. }));

    let own = "version 2\n mcast_dst_ip 224.0.0.9\n garp_master_delay 1\n garp_lower_prio_delay 2\n garp_extra_if 0\n down_timer_adverts 3\n lower_prio_no_advert off\n higher_prio_send_advert off\n skip_check_adv_addr off\n notify_priority_changes off\n smtp_alert off";
    let own = first(&format!("{globals}{}", instance("A", 1, own)));
    assert_eq!((own.version, own.down_timer_adverts, own.garp.extra), (Version::V2, 3, None));
    assert_eq!((own.garp.delay.as_secs(), own.garp.lower_prio_delay.as_secs()), (1, 2));
    assert_eq!(own.transport, Transport::Multicast { group: Ipv4Addr::new(224, 0, 0, 9).into() });
    assert!(!own.lower_prio_no_advert && !own.higher_prio_send_advert && !own.skip_check_adv_addr);
    assert!(!own.notify_priority_changes && !own.smtp_alert);
}

#[test]
fn ipv6_ignores_the_default_version_of_the_process() {
    let text = "global_defs {\n vrrp_version 2\n}\nvrrp_instance A {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {\n fe80::1\n }\n}";
    assert_eq!(first(text).version, Version::V3);
}

#[test]
fn a_group_comes_between_instance_and_process() {
    let text = |own: &str| {
        format!(
            "vrrp_sync_group G {{\n group {{\n A\n B\n }}\n notify_priority_changes\n}}\n{}{}",
            instance("A", 1, own),
            instance("B", 2, "")
        )
    };
    assert!(first(&text("")).notify_priority_changes);
    assert!(!first(&text("notify_priority_changes off")).notify_priority_changes);
}

#[test]
fn strict_mode_brings_an_instance_into_line() {
    for (body, want) in [
        ("", vec![]),
        ("nopreempt", vec![]),
        ("priority 255", vec![]),
        ("priority 255\n accept", vec![]),
        ("version 3\n accept", vec![]),
        ("no_accept", vec![]),
        ("preempt_delay 5", vec!["(A) preempt_delay is incompatible with strict mode - resetting"]),
        ("accept", vec!["(A) warning - accept mode for VRRP version 2 does not comply with RFC3768 - resetting"]),
        ("state MASTER\n priority 100", vec!["(A) State MASTER must match being address owner"]),
        ("state BACKUP\n priority 255", vec!["(A) State MASTER must match being address owner"]),
        ("down_timer_adverts 5", vec!["(A) down_timer_adverts is incompatible with strict mode - resetting"]),
        ("garp_lower_prio_repeat 5", vec!["(A) Strict mode requires no repeat garps. resetting"]),
        ("garp_lower_prio_delay 5", vec!["(A) Strict mode requires no repeat garp delay. resetting"]),
        ("lower_prio_no_advert off", vec!["(A) Strict mode requires no lower priority advert. resetting"]),
        ("higher_prio_send_advert", vec!["(A) strict mode requires higher_prio_send_advert to be clear. resetting"]),
        ("priority 255\n owner_ignore_adverts off", vec!["(A) strict mode requires owner_ignore_adverts to be set. resetting"]),
        ("use_vmac\n vmac_xmit_base", vec!["(A) xmit_base is incompatible with strict mode - resetting"]),
        ("use_vmac 02:11:22:33:44:55", vec!["(A): cannot specify MAC address with strict mode - clearing"]),
        ("authentication {\n auth_type PASS\n auth_pass x\n}", vec!["(A) Strict mode does not support authentication. Ignoring."]),
        (
            "auth_hmac {\n key 1 0123456789abcdef0123456789abcdef\n active_key 1\n mode permissive\n}",
            vec!["(A) Strict mode requires auth_hmac mode enforce. resetting"],
        ),
    ] {
        let text = instance("A", 1, &format!("strict_mode\n{body}"));
        assert_eq!(said(&text), want, "{body}");
        let instance = &load(&text, &host()).0.vrrp.instances[0];
        assert_eq!(instance.role == Role::Master, instance.priority.is_owner(), "{body}");
        assert_eq!((instance.down_timer_adverts, instance.garp.lower_prio_repeat), (3, 0), "{body}");
        assert!(instance.lower_prio_no_advert && !instance.higher_prio_send_advert, "{body}");
        assert_eq!(instance.owner_ignore_adverts, instance.priority.is_owner(), "{body}");
        assert!(matches!(instance.auth, Auth::None | Auth::Hmac(_)), "{body}");
        assert!(!matches!(&instance.carrier, Carrier::Vmac(vmac) if vmac.mac.is_some() || vmac.transmits_on_base), "{body}");
        assert!(matches!(instance.preempt, Preempt::Never | Preempt::After(Duration::ZERO)), "{body}");
    }
}

#[test]
fn strict_mode_of_the_process_says_nothing_of_what_instances_inherit() {
    let globals =
        "global_defs {\n vrrp_strict\n vrrp_garp_lower_prio_repeat 3\n vrrp_garp_lower_prio_delay 3\n vrrp_higher_prio_send_advert\n}\n";
    let inherited = first(&format!("{globals}{}", instance("A", 1, "")));
    assert!(inherited.strict && inherited.garp.lower_prio_repeat == 0 && !inherited.higher_prio_send_advert);
    let free = first(&format!("{globals}{}", instance("A", 1, "strict_mode off")));
    assert!(!free.strict && free.garp.lower_prio_repeat == 3 && free.higher_prio_send_advert);
}

#[test]
fn strict_ipv6_wants_version_3_and_a_link_local_address_first() {
    let text = |version: &str, vip: &str| {
        format!(
            "vrrp_instance A {{\n interface eth0\n virtual_router_id 1\n strict_mode\n {version}\n virtual_ipaddress {{\n {vip}\n }}\n}}"
        )
    };
    assert_eq!(said(&text("version 2", "fe80::1")), ["(A) cannot use IPv6 with VRRP version 2; setting version 3"]);
    assert_eq!(said(&text("version 3", "2001:db8::1")), ["(A) the first IPv6 VIP address must be link local"]);
    let (_, problems) = diagnose(&text("", "2001:db8::1").replace("strict_mode", "strict_mode off"), &host());
    assert_eq!((problems.iter().count(), problems.exit_status()), (1, 0));
}

#[test]
fn the_first_address_decides_the_family() {
    for (body, family, want) in [
        (
            "virtual_ipaddress {\n 2001:db8::1\n 192.0.2.1\n fe80::1\n}",
            Family::V6,
            vec!["6: (A): address family must match VRRP instance [192.0.2.1] - ignoring"],
        ),
        (
            "mcast_src_ip 192.0.2.9\n virtual_ipaddress {\n 2001:db8::1\n 192.0.2.1\n}",
            Family::V4,
            vec!["6: (A): address family must match VRRP instance [2001:db8::1] - ignoring"],
        ),
        (
            "virtual_ipaddress {\n 192.0.2.1\n}\n use_ipvlan 2001:db8::2 10.0.0.1",
            Family::V4,
            vec![
                "7: (A) ipvlan address already specified - ignoring '10.0.0.1'",
                "7: (A) ipvlan address[2001:db8::2] MUST match vrrp instance family !!! Skipping...",
                "1: (A) IPv4 ipvlan requires a source ip address to be configured. setting instance to fault state",
            ],
        ),
        (
            "virtual_ipaddress {\n fe80::1\n}\n version 2",
            Family::V6,
            vec!["7: (A) vrrp_version 2 conflicts with configured or deduced version 3; ignoring."],
        ),
        ("virtual_ipaddress_excluded {\n 2001:db8::1\n}\n virtual_ipaddress {\n 192.0.2.1\n}", Family::V4, vec![]),
    ] {
        let (model, mut said) = load(&format!("vrrp_instance A {{\n interface eth0\n virtual_router_id 1\n{body}\n}}"), &host());
        said.retain(|text| !text.contains("link local"));
        assert_eq!(said, want, "{body}");
        assert_eq!(model.vrrp.instances[0].family, family, "{body}");
    }
}

#[test]
fn an_address_stands_once_on_an_interface() {
    let text = "vrrp_instance A {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {\n 192.0.2.1\n 192.0.2.1/24\n 192.0.2.1 dev eth0\n 192.0.2.1 dev eth1\n }\n virtual_ipaddress_excluded {\n 192.0.2.1\n 192.0.2.2\n 192.0.2.2\n }\n}";
    let (model, said) = load(text, &host());
    assert_eq!(
        said,
        [
            "6: (A): VIP duplicates a VIP 192.0.2.1 - ignoring",
            "7: (A): VIP duplicates a VIP 192.0.2.1 - ignoring",
            "11: (A): eVIP duplicates a VIP 192.0.2.1 - ignoring",
            "13: (A): eVIP duplicates a eVIP 192.0.2.2 - ignoring",
        ]
    );
    assert_eq!((model.vrrp.instances[0].vips.len(), model.vrrp.instances[0].excluded.len()), (2, 1));
}

#[test]
fn what_an_advert_has_no_room_for_is_excluded() {
    let text = |interface: &str, addresses: &mut dyn Iterator<Item = String>| {
        let list: Vec<String> = addresses.collect();
        format!(
            "vrrp_instance A {{\n interface {interface}\n virtual_router_id 1\n virtual_ipaddress {{\n{}\n }}\n virtual_ipaddress_excluded {{\n 192.0.2.200\n }}\n}}",
            list.join("\n")
        )
    };
    for (text, vips, excluded) in [
        (text("eth0", &mut (0..300).map(|n| format!("10.0.{}.{}", n / 250, n % 250 + 1))), 255, 46),
        (text("eth0", &mut (1..100).map(|n| format!("fe80::{n:x}"))), 89, 11),
        (text("tiny", &mut (1..20).map(|n| format!("10.0.0.{n}"))), 6, 14),
    ] {
        let (model, said) = load(&text, &host());
        assert!(said.len() == 1 && said[0].contains("exceeds maximum/space available in packet"), "{said:?}");
        let instance = &model.vrrp.instances[0];
        assert_eq!((instance.vips.len(), instance.excluded.len()), (vips, excluded));
    }
}

#[test]
fn what_keeps_vrrp_from_running() {
    let body = |body: &str| format!("vrrp_instance A {{\n{body}\n}}");
    let vip = "virtual_ipaddress {\n 192.0.2.1\n}";
    for (text, want) in [
        (body(&format!("interface eth0\n{vip}")), "6: (A) the virtual router id must be set"),
        (body(&format!("virtual_router_id 1\n{vip}")), "6: (A) Unknown interface!"),
        (
            body(&format!("virtual_router_id 1\n{vip}\n unicast_peer {{\n 192.0.2.9\n}}")),
            "9: (A): Unicast instances must have unicast_src_ip or interface",
        ),
        (body("interface eth0\n virtual_router_id 1\n version 3"), "5: (A) No VIP specified; at least one is required"),
        (
            body("interface eth0\n virtual_router_id 1\n strict_mode\n no_virtual_ipaddress"),
            "6: (A) No VIP specified; at least one is required",
        ),
        (
            body(&format!("interface eth0\n virtual_router_id 1\n strict_mode\n{vip}\n unicast_peer {{\n 192.0.2.9\n}}")),
            "8: (A) Unicast peers are not supported in strict mode",
        ),
        (format!("{}{}", instance("A", 5, ""), instance("B", 5, "")), "9: A and B both use VRID 5 with IPv4 on interface eth0"),
    ] {
        let (_, problems) = diagnose(&text, &host());
        let told = |d: &crate::config::diagnostic::Diagnostic| format!("{}: {}", d.at.map_or(0, |at| at.line), d.text);
        let told: Vec<(Class, Phase, String)> = problems.iter().map(|d| (d.class, d.phase, told(d))).collect();
        assert!(told.contains(&(Class::Error, Phase::Resolving, want.to_owned())), "{text}{told:?}");
        assert_eq!(told.last().map(|t| t.0), Some(Class::Fatal), "{told:?}");
        assert_eq!(problems.exit_status(), 5);
    }
    let (_, problems) = diagnose(&body("interface lo\n virtual_router_id 1"), &host());
    assert!(problems.iter().any(|d| d.text == "(A) cannot use a loopback interface (lo) for vrrp - ignoring"));
    assert_eq!(diagnose("linkbeat_interfaces {\n eth9\n}", &host()).1.exit_status(), 4);
}

#[test]
fn what_only_looks_like_a_conflict() {
    for (a, b) in [
        ("", "interface eth1"),
        ("", "mcast_dst_ip 224.0.0.9"),
        ("", "unicast_peer {\n 192.0.2.9\n}"),
        ("unicast_peer {\n 192.0.2.8\n}", "unicast_peer {\n 192.0.2.9\n}"),
        ("unicast_src_ip 192.0.2.7\n unicast_peer {\n 192.0.2.9\n}", "unicast_peer {\n 192.0.2.9\n}"),
    ] {
        model(&format!("{}{}", instance("A", 5, a), instance("B", 5, b)));
    }
    let v6 = "vrrp_instance B {\n interface eth0\n virtual_router_id 5\n virtual_ipaddress {\n fe80::1\n }\n}\n";
    model(&format!("{}{v6}", instance("A", 5, "")));
    let unicast = "vrrp_instance A {\n virtual_router_id 1\n unicast_src_ip 192.0.2.1\n unicast_peer {\n 192.0.2.9\n }\n virtual_ipaddress {\n 192.0.2.5 dev eth0\n }\n}";
    assert_eq!(first(unicast).interface, None);
    let late = "global_defs {\n dynamic_interfaces\n}\nvrrp_instance A {\n interface eth9\n virtual_router_id 1\n virtual_ipaddress {\n 192.0.2.5\n }\n track_interface {\n eth8\n }\n}";
    assert_eq!(first(late).trackers.interfaces.len(), 1);
}

#[test]
fn unicast_without_peers_is_multicast() {
    for body in ["unicast_peer {\n}", "unicast_src_ip 192.0.2.9", "check_unicast_src", "old_unicast_checksum"] {
        let text = instance("A", 1, body);
        let want = "(A) A unicast keyword has been specified without any unicast peers. Defaulting to multicast. \
                    This usage is deprecated - please update your configuration.";
        assert_eq!(said(&text), [want], "{body}");
        assert!(matches!(load(&text, &host()).0.vrrp.instances[0].transport, Transport::Multicast { .. }));
    }
}

const TRACKED: &str = "global_defs {\n enable_script_security\n script_user root\n}\nvrrp_script s {\n script /p\n}\nvrrp_script w {\n script /p\n weight 7 reverse\n}\ntrack_file f {\n file /run/f\n}\ntrack_file g {\n file /run/g\n weight 5\n}\nvrrp_track_process p {\n process sleep\n weight 5\n}\nbfd_instance b {\n neighbor_ip 192.0.2.9\n weight -3\n}\n";

#[test]
fn trackers_take_their_weight_from_the_object_and_may_have_their_own() {
    let body =
        "track_script {\n s\n w\n}\n track_file {\n f\n g weight 254 reverse\n}\n track_process {\n p weight 0\n}\n track_bfd {\n b\n}";
    let trackers = first(&format!("{TRACKED}{}", instance("A", 1, body))).trackers;
    let weight = |value, reverse| Weight { value, reverse };
    assert_eq!([trackers.scripts[0].weight, trackers.scripts[1].weight], [weight(0, false), weight(7, true)]);
    assert_eq!([trackers.files[0].weight, trackers.files[1].weight], [weight(1, false), weight(254, true)]);
    assert_eq!([trackers.processes[0].weight, trackers.bfd[0].weight], [weight(0, false), weight(-3, false)]);
    let own = first(&format!("{TRACKED}{}", instance("A", 1, "track_script {\n w weight 3 noreverse\n s weight 3\n}"))).trackers;
    assert_eq!([own.scripts[0].weight, own.scripts[1].weight], [weight(3, false), weight(3, false)]);
}

#[test]
fn an_object_must_come_before_what_tracks_it() {
    let body = "track_script {\n s\n}\n track_file {\n f\n}";
    let lines = load(&format!("{}{TRACKED}", instance("A", 1, body)), &host()).1;
    assert_eq!(lines, ["8: (A) track script s not found, ignoring...", "11: (A) track file f not found, ignoring..."]);
}

#[test]
fn a_script_that_cannot_run_is_not_tracked() {
    let text = |script: &str| {
        format!(
            "global_defs {{\n enable_script_security\n script_user root\n}}\nvrrp_script s {{\n{script}\n}}\n{}",
            instance("A", 1, "track_script {\n s\n}")
        )
    };
    let (model, told) = load(&text("script /nope"), &host());
    assert_eq!(told, ["6: Disabling track script s since not found/accessible - /nope is not there"]);
    assert!(model.vrrp.instances[0].trackers.scripts.is_empty());
    let told = said(&text("script /p\n user nosuch"));
    assert!(told.contains(&"(A) track script s not found, ignoring...".to_owned()), "{told:?}");
}

#[test]
fn without_instances_scripts_are_asked_for_their_users_only() {
    let text = |user: &str| format!("vrrp_script s {{\n script /p\n{user}\n}}");
    assert!(said(&text("")).is_empty());
    assert!(said(&text("user nosuch")).contains(&"Unable to set uid/gid for script '/p'".to_owned()));
    let (_, problems) = diagnose(&format!("{}\n{}", text(""), instance("A", 1, "")), &host());
    assert_eq!(problems.exit_status(), 6);
}

#[test]
fn a_missing_interface_ends_it_before_scripts_are_thought_of() {
    for body in ["interface eth9", "track_interface {\n eth9\n}", "virtual_routes {\n 10.0.0.0/8 dev eth9\n}"] {
        let (_, problems) = diagnose(&instance("A", 1, &format!("notify /p\n{body}")), &host());
        assert_eq!(problems.exit_status(), 5, "{body}");
        assert_eq!(problems.iter().filter(|d| d.class == Class::Interface).count(), 1, "{body}");
    }
    let (_, problems) = diagnose(&instance("A", 1, "notify /p"), &host());
    assert_eq!(problems.exit_status(), 6);
}

#[test]
fn nothing_weighs_on_an_owner() {
    for (body, want) in [
        ("track_interface {\n eth1 weight 5\n}", vec!["(A) ignoring eth1 tracked interface due to address owner"]),
        ("track_script {\n s\n w\n}", vec!["(A) ignoring tracked script w with weights due to address_owner"]),
        ("track_file {\n f\n}", vec!["(A) ignoring weight from tracked file f due to address_owner. specify weight 0"]),
        ("track_file {\n g\n}", vec!["(A) ignoring tracked file g with weight 5 due to address_owner"]),
        ("track_bfd {\n b\n}", vec!["(A) ignoring tracked bfd b with weight -3 due to address_owner"]),
        ("track_process {\n p\n}", vec![]),
    ] {
        assert_eq!(said(&format!("{TRACKED}{}", instance("A", 1, &format!("priority 255\n{body}")))), want, "{body}");
    }
}

fn grouped(group: &str, a: &str, b: &str) -> String {
    let members = "group {\n A B\n }";
    format!("{TRACKED}vrrp_sync_group G {{\n{members}\n{group}\n}}\n{}{}", instance("A", 1, a), instance("B", 2, b))
}

#[test]
fn members_of_a_group_have_no_weights_unless_it_allows_them() {
    for (body, want) in [
        ("track_script {\n s\n}", vec![]),
        ("track_script {\n w\n}", vec!["(A) ignoring tracked script w with weights due to SYNC group"]),
        ("track_interface {\n eth1 weight 5\n}", vec!["(A) ignoring eth1 tracked interface weight due to SYNC group"]),
        ("track_file {\n f\n}", vec!["(A) ignoring weight from tracked file f due to SYNC group. specify weight 0"]),
        ("track_file {\n g\n}", vec!["(A) ignoring tracked file g with weight 5 due to SYNC group"]),
        ("track_file {\n g weight 0\n}", vec![]),
        ("track_process {\n p\n}", vec![]),
        ("track_bfd {\n b\n}", vec!["(A) ignoring tracked bfd b with weight -3 due to SYNC group"]),
    ] {
        assert_eq!(said(&grouped("", body, "")), want, "{body}");
        model(&grouped("sync_group_tracking_weight", body, ""));
    }
    let kept = load(&grouped("", "track_interface {\n eth1 weight 5\n}", ""), &host()).0;
    assert_eq!(kept.vrrp.instances[0].trackers.interfaces[0].weight, Weight::default());
}

#[test]
fn a_group_watches_for_its_members() {
    let list = "track_interface {\n eth1 weight 3\n}\n track_script {\n w\n}\n track_file {\n f\n}\n track_process {\n p\n}\n track_bfd {\n b\n}\n notify_master /p\n notify /p\n smtp_alert";
    let group = model(&grouped(list, "", "")).vrrp.groups.remove(0);
    assert_eq!(group.members, ["A", "B"].map(Into::into));
    assert_eq!((group.trackers.scripts[0].weight.value, group.trackers.interfaces[0].weight.value), (7, 3));
    assert!(group.notify.master.is_some() && group.notify.any.is_some() && group.notify.stop.is_none() && group.smtp_alert);
    let twice = "(A) track_interface eth1 is configured on VRRP instance and sync group. Remove vrrp instance or sync group config";
    assert_eq!(said(&grouped("track_interface {\n eth1\n}", "track_interface {\n eth1\n}", "")), [twice]);
    let own = said(&grouped("track_interface {\n eth0\n}", "dont_track_primary", ""));
    assert_eq!(own, [twice.replace("(A)", "(B)").replace("eth1", "eth0")]);
    let allowed = "sync_group_tracking_weight\n track_script {\n w\n s\n}";
    let (model, _) = load(&grouped(allowed, "track_script {\n w weight 9\n s\n}", ""), &host());
    let names: Vec<&str> = model.vrrp.instances[0].trackers.scripts.iter().map(|t| &*t.name).collect();
    assert_eq!(names, ["s"]);
}

#[test]
fn an_owner_takes_the_weights_from_its_group() {
    let owners = "priority 255";
    let list =
        "track_interface {\n eth1 weight 5\n}\n track_script {\n w\n}\n track_file {\n f\n}\n track_process {\n p\n}\n track_bfd {\n b\n}";
    let (model, told) = diagnose(&grouped(list, owners, owners), &host());
    assert_eq!(
        told.iter().map(|d| &*d.text).collect::<Vec<_>>(),
        [
            "(G) Cannot have weighted track interface 'eth1' with member having priority 255 - clearing weight",
            "(G) Cannot have weighted track script 'w' with member having priority 255 - clearing weight",
            "(G) Cannot have weighted track file 'f' with member having priority 255 - setting weight 0",
            "(G) Cannot have weighted track process 'p' with member having priority 255 - setting weight 0",
            "(G) Cannot have weighted track bfd 'b' with member having priority 255 - setting weight 0",
        ]
    );
    assert!(model.vrrp.groups[0].trackers.scripts.iter().all(|tracker| tracker.weight.value == 0));
}

#[test]
fn a_group_starts_as_master_together_or_not_at_all() {
    let roles = |a: &str, b: &str| model(&grouped("", a, b)).vrrp.instances.iter().map(|i| i.role).collect::<Vec<_>>();
    assert_eq!(roles("priority 255", "state MASTER"), [Role::Master, Role::Master]);
    assert_eq!(roles("priority 255", "state MASTER\n priority 9"), [Role::Backup, Role::Backup]);
    assert_eq!(roles("state MASTER\n priority 9", ""), [Role::Backup, Role::Backup]);
}

#[test]
fn faults_of_groups() {
    let with = |group: &str| format!("{group}\n{}{}", instance("A", 1, ""), instance("B", 2, ""));
    for (group, want) in [
        ("vrrp_sync_group G {\n}", vec!["2: Sync group G has no members - removing"]),
        ("vrrp_sync_group G {\n group {\n }\n}", vec!["4: Sync group G has no members - removing"]),
        (
            "vrrp_sync_group G {\n group {\n A\n }\n}",
            vec!["1: Sync group G has only 1 virtual router(s) - this probably isn't what you want"],
        ),
        (
            "vrrp_sync_group G {\n group {\n A\n X\n B\n }\n}",
            vec!["4: Virtual router X specified in sync group G doesn't exist - ignoring"],
        ),
        (
            "vrrp_sync_group G {\n group {\n X\n }\n}",
            vec![
                "1: Sync group G, no matching virtual router found in group declaration - removing",
                "3: Virtual router X specified in sync group G doesn't exist - ignoring",
            ],
        ),
        (
            "vrrp_sync_group G {\n group {\n A\n B\n A\n }\n}",
            vec!["5: Virtual router A cannot exist in more than one sync group; ignoring G"],
        ),
        ("vrrp_sync_group G {\n group {\n A B\n }\n group {\n X\n }\n}", vec!["5: Group list already specified for sync group G"]),
        (
            "vrrp_sync_group G {\n group {\n A B\n }\n global_tracking\n}",
            vec!["5: global_tracking is deprecated - please use 'sync_group_tracking_weight'"],
        ),
        ("vrrp_sync_group G {\n group {\n A B\n }\n track_script {\n s\n }\n}", vec!["6: (G) track script s not found, ignoring..."]),
        ("vrrp_sync_group G {\n group {\n A B\n }\n smtp_alert x\n}", vec!["5: Invalid value 'x' for smtp_alert"]),
    ] {
        assert_eq!(load(&with(group), &host()).1, want, "{group}");
    }
}

#[test]
fn a_delay_leaves_a_master_time_to_be_heard() {
    let text = |body: &str| format!("interface_up_down_delays {{\n eth0 5 1\n eth1 5\n}}\n{}", instance("A", 1, body));
    let (model, problems) = diagnose(&text("advert_int 1"), &host());
    assert_eq!(problems.exit_status(), 0);
    assert_eq!(model.vrrp.delays[0].down, Duration::from_micros(1_996_093));
    assert_eq!((model.vrrp.delays[0].up, model.vrrp.delays[1].down), (Duration::from_secs(1), Duration::from_secs(5)));
    assert!(load(&text("down_timer_adverts 1"), &host()).0.vrrp.delays[0].down.is_zero());
}

#[test]
fn old_ways_to_say_global_things() {
    let text = instance("A", 1, "linkbeat_use_polling\n lvs_sync_daemon_interface eth1");
    let (model, _) = load(&text, &host());
    assert_eq!(&*model.vrrp.linkbeat[0].interface, "eth0");
    let all = load(&format!("linkbeat_use_polling\n{}", instance("A", 1, "")), &host()).0;
    assert_eq!(all.vrrp.linkbeat, model.vrrp.linkbeat);
    assert!(load(&instance("A", 1, ""), &host()).0.vrrp.linkbeat.is_empty());
    let daemon = model.global.lvs.sync_daemon.expect("a daemon");
    assert_eq!((&*daemon.interface, daemon.instance.as_deref()), ("eth1", Some("A")));
    let second = instance("B", 2, "lvs_sync_daemon_interface eth0");
    let told = said(&format!("{text}{second}"));
    assert!(told.contains(&"(B) lvs_sync_daemon_interface has already been specified as eth1 - ignoring".to_owned()), "{told:?}");
}

#[test]
fn vmac_names_are_used_once() {
    let text = format!("{}{}", instance("A", 1, "use_vmac v"), instance("B", 2, "use_vmac v"));
    assert_eq!(load(&text, &host()).1, ["15: (B) VRRP instance A is already using v - ignoring name"]);
}

#[test]
fn the_last_source_of_the_right_family_counts() {
    let text = instance("A", 1, "mcast_src_ip 192.0.2.7\n mcast_src_ip 192.0.2.8\n mcast_src_ip 1::1");
    let source = load(&text, &host()).0.vrrp.instances[0].source;
    assert_eq!(source, Some(IpAddr::from([192, 0, 2, 8])));
}

#[test]
fn an_address_on_the_interface_of_its_instance_goes_where_all_others_go() {
    for body in ["", "use_vmac", "use_vmac\n virtual_ipaddress_excluded {\n 192.0.2.78 dev eth1\n}"] {
        let text = format!("virtual_ipaddress {{\n 192.0.2.77 dev eth0\n}}\n{body}");
        let found = first(&instance("A", 1, &text));
        assert!(found.vips.iter().all(|vip| vip.device.is_none()), "{body}: {:?}", found.vips);
        assert!(found.excluded.iter().all(|vip| vip.device.as_deref() == Some("eth1")), "{body}: {:?}", found.excluded);
    }
}

/// 2.2.7 and 2.4.3 alike.
#[test]
fn what_must_be_fenced_is_fenced_with_nftables_unless_told_otherwise() {
    let table = |globals: &str, body: &str| {
        let globals = if globals.is_empty() { String::new() } else { format!("global_defs {{\n {globals}\n}}\n") };
        let firewall = model(&format!("{globals}{}", instance("A", 1, body))).global.firewall;
        (firewall.nftables.map(String::from), firewall.iptables.map(|chains| chains.input.to_string()))
    };
    let (ours, other) = (Some("keepalived".to_owned()), Some("fence".to_owned()));
    for (globals, body, want) in [
        ("", "", (None, None)),
        ("", "use_vmac_addr", (None, None)),
        ("", "strict_mode\n priority 255", (None, None)),
        ("", "use_vmac", (ours.clone(), None)),
        ("", "no_accept", (ours.clone(), None)),
        ("", "strict_mode", (ours.clone(), None)),
        ("", "no_accept\n priority 255", (ours, None)),
        ("nftables fence", "use_vmac", (other, None)),
        ("vrrp_iptables IN", "use_vmac", (None, Some("IN".to_owned()))),
    ] {
        assert_eq!(table(globals, body), want, "{globals} {body}");
    }
    let both = format!("global_defs {{\n vrrp_iptables IN\n nftables fence\n}}\n{}", instance("A", 1, ""));
    let (model, told) = load(&both, &host());
    assert_eq!(told, ["2: Both iptables and nftables have been specified - ignoring iptables"]);
    assert!(model.global.firewall.iptables.is_none() && model.global.firewall.nftables.is_some());
}

#[test]
fn strict_mode_takes_traffic_for_an_owner_only() {
    for (body, accept) in [
        ("strict_mode", false),
        ("strict_mode\n version 3", false),
        ("strict_mode\n version 3\n accept", true),
        ("strict_mode\n priority 255", true),
        ("strict_mode\n priority 255\n accept", true),
        ("strict_mode\n priority 255\n no_accept", false),
    ] {
        assert_eq!(first(&instance("A", 1, body)).accept, accept, "{body}");
    }
}

#[test]
fn the_sync_daemon_is_known_by_the_vrid_or_its_own_number() {
    let id = |globals: &str, body: &str| {
        let text = format!("global_defs {{\n router_id r\n {globals}\n}}\n{}", instance("A", 7, body));
        diagnose(&text, &host()).0.global.lvs.sync_daemon.and_then(|daemon| daemon.id)
    };
    assert_eq!(id("", ""), None);
    assert_eq!(id("lvs_sync_daemon eth0 A", ""), Some(7));
    assert_eq!(id("lvs_sync_daemon eth0 inst A id 9", ""), Some(9));
    assert_eq!(id("lvs_sync_daemon eth0", ""), Some(0));
    assert_eq!(id("", "lvs_sync_daemon_interface eth0"), Some(0));
}

#[test]
fn what_vrrp_min_garp_gives_survives_the_dump() {
    let text = "global_defs {\n vrrp_min_garp\n}\nvrrp_instance A {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {\n 192.0.2.1\n }\n}";
    assert_eq!(round_trip(text, &host()).vrrp.instances[0].garp.refresh_repeat, 0);
}

#[test]
fn without_a_usable_instance_no_script_runs() {
    let text = "global_defs {\n enable_script_security\n script_user root\n}\nvrrp_script chk {\n script /p\n}\nvrrp_instance A {\n interface eth0\n}";
    let (model, said) = load(text, &host());
    assert!(model.tracked.scripts.is_empty() && !said.is_empty(), "{said:?}");
}

#[test]
fn nothing_waits_for_a_faulty_bfd_session() {
    let text = "bfd_instance b {\n}\nvrrp_instance A {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {\n 192.0.2.1\n }\n track_bfd {\n b\n }\n}\nvirtual_server 192.0.2.9 80 {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n real_server 192.0.2.8 80 {\n BFD_CHECK {\n name b\n }\n }\n}";
    let (model, said) = load(text, &host());
    assert_eq!(said, ["2: Configuration error: BFD instance b has no neighbor address set, disabling instance"]);
    assert!(model.vrrp.instances[0].trackers.bfd.is_empty() && model.lvs.virtual_servers[0].real_servers[0].checkers.is_empty());
}

#[test]
fn what_stands_on_a_missing_interface_survives_the_dump() {
    let text = "vrrp_instance A {\n interface eth9\n virtual_router_id 1\n linkbeat_use_polling\n virtual_ipaddress {\n 192.0.2.1\n }\n}";
    let (model, _) = load(text, &host());
    assert!(model.vrrp.linkbeat.is_empty());
    assert_eq!(load(&crate::config::dump::dump(&model), &host()).0, model);
}
