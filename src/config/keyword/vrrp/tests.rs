//! The keywords of `vrrp_instance`, `vrrp_sync_group` and what is said of interfaces, by their effect on the model.

use crate::config::host::{KeyFile, Stated};
use crate::config::testing::{load, round_trip};
use crate::model::net::Prefix;
use crate::model::script::Action;
use crate::model::track::{Tracker, Weight};
use crate::model::vrrp::{
    AntiReplay, Auth, Carrier, Deleted, HmacMode, Instance, Ipvlan, IpvlanMode, LinkbeatMethod, OldChecksum, Password, Peer, Preempt,
    Priority, Role, Transport, Version,
};
use std::time::Duration;

fn host() -> Stated {
    let secret = KeyFile { bytes: b"hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\r\n".to_vec(), exposed: false };
    let mut host = Stated::with(&["eth0", "eth1", "eth2"]).script("/p");
    host.key_files.insert("/key".into(), secret);
    host.key_files.insert("/open".into(), KeyFile { bytes: vec![b'k'; 32], exposed: true });
    host.paths.insert("/run".into(), crate::config::host::At::Directory);
    host
}

const GLOBAL: &str = "global_defs {\n enable_script_security\n script_user root\n}\n";

/// An instance that begins at line 5 and has `body` from line 11 on.
fn instance_text(body: &str) -> String {
    format!("{GLOBAL}vrrp_instance A {{\n interface eth0\n virtual_router_id 5\n virtual_ipaddress {{\n 192.0.2.1\n }}\n{body}\n}}")
}

fn faultless(body: &str) -> Instance {
    let (model, said) = load(&instance_text(&format!("\n\n{body}")), &host());
    assert!(said.is_empty(), "{body}: {said:?}");
    round_trip(&instance_text(body), &host());
    model.vrrp.instances.into_iter().next().expect("an instance")
}

#[test]
fn an_instance_has_these_defaults() {
    let instance = faultless("");
    assert_eq!((instance.version, instance.priority, instance.role), (Version::V2, Priority(100), Role::Backup));
    assert_eq!(instance.advert_interval, Duration::from_secs(1));
    assert_eq!((instance.preempt, instance.accept, instance.down_timer_adverts), (Preempt::After(Duration::ZERO), true, 3));
    assert_eq!((instance.garp.delay, instance.garp.repeat), (Duration::from_secs(5), 5));
    assert_eq!((instance.garp.lower_prio_delay, instance.garp.lower_prio_repeat), (Duration::from_secs(5), 5));
    assert_eq!((instance.garp.refresh, instance.garp.refresh_repeat, instance.garp.extra), (Duration::ZERO, 1, None));
    assert_eq!(instance.transport, Transport::Multicast { group: [224, 0, 0, 18].into() });
    assert!(instance.tracks_link && !instance.strict && !instance.smtp_alert);
    assert_eq!((instance.vips.len(), instance.notify_deleted), (1, Deleted::AsFault));
}

/// What a keyword is expected to do.
type Effect = (&'static str, fn(&Instance) -> bool);

const EFFECTS: &[Effect] = &[
    ("version 3", |i| i.version == Version::V3),
    ("strict_mode", |i| i.strict && !i.accept && i.lower_prio_no_advert),
    ("strict_mode off", |i| !i.strict),
    ("state MASTER", |i| i.role == Role::Master && i.priority.is_owner()),
    ("state MASTER\n priority 50", |i| i.role == Role::Master && i.priority == Priority(50)),
    ("priority 255", |i| i.role == Role::Master),
    ("state BACKUP\n priority 255", |i| i.role == Role::Backup),
    ("interface eth1", |i| i.interface.as_deref() == Some("eth1")),
    ("use_vmac", |i| matches!(&i.carrier, Carrier::Vmac(v) if v.name.is_none() && v.mac.is_none() && !v.transmits_on_base)),
    ("use_vmac v.1 02:11:22:33:44 netlink_notify_msg\n vmac_xmit_base", |i| {
        matches!(&i.carrier, Carrier::Vmac(v) if v.name.as_deref() == Some("v.1")
            && v.mac == Some([2, 0x11, 0x22, 0x33, 0x44, 5]) && v.notifies && v.transmits_on_base)
    }),
    ("use_vmac group 7 name group", |i| matches!(&i.carrier, Carrier::Vmac(v) if v.name.as_deref() == Some("group") && v.group == Some(7))),
    ("use_vmac_addr", |i| i.vmac_addresses),
    ("use_ipvlan name i.1 198.51.100.1/24 vepa group 3", |i| {
        let address = Some(Prefix { address: [198, 51, 100, 1].into(), length: 24 });
        i.carrier == Carrier::Ipvlan(Ipvlan { name: Some("i.1".into()), address, mode: Some(IpvlanMode::Vepa), group: Some(3) })
            && i.source == Some([198, 51, 100, 1].into())
    }),
    ("unicast_peer {\n 192.0.2.9 min_ttl 5 max_ttl 9\n 192.0.2.10\n}", |i| {
        let peer = |last, min_ttl, max_ttl| Peer { address: [192, 0, 2, last].into(), min_ttl, max_ttl };
        i.transport
            == Transport::Unicast {
                peers: vec![peer(9, 5, 9), peer(10, 0, 255)],
                ttl: Some(255),
                check_source: true,
                old_checksum: OldChecksum::Follow,
            }
    }),
    ("unicast_peer {\n 192.0.2.9\n}\n old_unicast_checksum\n unicast_ttl 7", |i| {
        matches!(i.transport, Transport::Unicast { ttl: Some(7), old_checksum: OldChecksum::Always, check_source: false, .. })
    }),
    ("unicast_peer {\n 192.0.2.9\n}\n old_unicast_checksum never\n check_unicast_src", |i| {
        matches!(i.transport, Transport::Unicast { old_checksum: OldChecksum::Never, check_source: true, .. })
    }),
    ("unicast_peer {\n}\n unicast_fault_no_peer", |i| matches!(&i.transport, Transport::Unicast { peers, .. } if peers.is_empty())),
    ("mcast_src_ip 192.0.2.7/24", |i| i.source == Some([192, 0, 2, 7].into())),
    ("mcast_src_ip 192.0.2.7\n track_src_ip", |i| i.source == Some([192, 0, 2, 7].into()) && i.tracks_source),
    ("mcast_dst_ip 224.0.0.99", |i| i.transport == Transport::Multicast { group: [224, 0, 0, 99].into() }),
    ("track_src_ip", |i| !i.tracks_source),
    ("advert_int 3", |i| i.advert_interval == Duration::from_secs(3)),
    ("version 3\n advert_int .25", |i| i.advert_interval == Duration::from_millis(250)),
    ("virtual_ipaddress_excluded {\n 2001:db8::1\n 192.0.2.2\n}", |i| i.excluded.len() == 2 && i.vips.len() == 1),
    ("virtual_routes {\n 198.51.100.0/24 dev eth1\n}", |i| i.routes.len() == 1),
    ("virtual_rules {\n from 198.51.100.0/24 table 7 priority 9\n}", |i| i.rules.len() == 1),
    ("promote_secondaries", |i| i.promote_secondaries),
    ("no_virtual_ipaddress", |i| i.without_vips),
    ("v3_checksum_as_v2", |i| i.v3_checksum_as_v2),
    ("dont_track_primary", |i| !i.tracks_link),
    ("track_interface {\n eth1 weight -5 reverse\n eth2\n}", |i| {
        let tracker = |name: &str, value, reverse| Tracker { name: name.into(), weight: Weight { value, reverse } };
        i.trackers.interfaces == [tracker("eth1", -5, true), tracker("eth2", 0, false)]
    }),
    ("strict_mode\n version 3\n accept", |i| i.accept),
    ("no_accept", |i| !i.accept),
    ("no_accept\n accept", |i| i.accept),
    ("skip_check_adv_addr", |i| i.skip_check_adv_addr),
    ("skip_check_adv_addr off", |i| !i.skip_check_adv_addr),
    ("nopreempt", |i| i.preempt == Preempt::Never),
    ("nopreempt\n preempt", |i| i.preempt == Preempt::After(Duration::ZERO)),
    ("preempt_delay 2.5", |i| i.preempt == Preempt::After(Duration::from_millis(2500))),
    ("debug 4", |i| i.debug == 4),
    ("notify_master \"/p a 'b c'\"", |i| {
        i.notify
            .master
            .as_ref()
            .is_some_and(|s| *s.argv == ["/p".into(), "a".into(), "b c".into()] && s.action == Action::Execute("/p".into()))
    }),
    ("notify_backup /p nobody", |i| i.notify.backup.as_ref().is_some_and(|s| s.uid == 65534)),
    ("notify_fault /p\n notify_stop /p\n notify /p", |i| i.notify.fault.is_some() && i.notify.stop.is_some() && i.notify.any.is_some()),
    ("notify_deleted", |i| i.notify_deleted == Deleted::AsDeleted(None)),
    ("notify_deleted /p", |i| matches!(i.notify_deleted, Deleted::AsDeleted(Some(_)))),
    ("notify_master_rx_lower_pri /p", |i| i.notify_master_rx_lower_pri.is_some()),
    ("smtp_alert", |i| i.smtp_alert),
    ("notify_priority_changes", |i| i.notify_priority_changes),
    ("garp_master_delay 0\n garp_master_repeat 2", |i| i.garp.delay.is_zero() && i.garp.repeat == 2 && i.garp.lower_prio_repeat == 5),
    ("garp_master_refresh 60\n garp_master_refresh_repeat 2", |i| i.garp.refresh.as_secs() == 60 && i.garp.refresh_repeat == 2),
    ("garp_lower_prio_delay 7\n garp_lower_prio_repeat 0", |i| i.garp.lower_prio_delay.as_secs() == 7 && i.garp.lower_prio_repeat == 0),
    ("garp_extra_if all 30", |i| i.garp.extra.is_some_and(|e| e.all && e.interval.as_secs() == 30)),
    ("garp_extra_if 30 all", |i| i.garp.extra.is_some_and(|e| e.all)),
    ("garp_extra_if 0", |i| i.garp.extra.is_none()),
    ("down_timer_adverts 5", |i| i.down_timer_adverts == 5),
    ("nopreempt\n timer_expired_backup", |i| i.timer_expired_backup == Some(Priority(254))),
    ("nopreempt\n timer_expired_backup 90", |i| i.timer_expired_backup == Some(Priority(90))),
    ("lower_prio_no_advert\n higher_prio_send_advert", |i| i.lower_prio_no_advert && i.higher_prio_send_advert),
    ("priority 255\n owner_ignore_adverts", |i| i.owner_ignore_adverts),
    ("priority 255\n owner_ignore_adverts off", |i| !i.owner_ignore_adverts),
    ("kernel_rx_buf_size 4294967295", |i| i.receive_buffer == Some(u32::MAX)),
    ("authentication {\n auth_type PASS\n auth_pass secret\n}", |i| i.auth == Auth::Pass(Password("secret".into()))),
    ("authentication {\n auth_type AH\n auth_pass secret\n}", |i| matches!(&i.auth, Auth::Ah(p) if p.wire() == *b"secret\0\0")),
    ("authentication {\n auth_pass secret\n}", |i| i.auth == Auth::None),
    ("auth_hmac {\n key 1 0123456789abcdef0123456789abcdef\n key 2 file:/key\n active_key 2\n}", |i| match &i.auth {
        Auth::Hmac(h) => {
            (h.keys.len(), h.active, h.window.as_secs(), h.replay, h.mode) == (2, 2, 5, AntiReplay::Time, HmacMode::Enforce)
                && *h.keys[1].secret.0 == *(0..32).collect::<Vec<u8>>()
        }
        _ => false,
    }),
    (
        "advert_int 4\n auth_hmac {\n key 1 0123456789abcdef0123456789abcdef\n active_key 1\n anti_replay monotonic\n mode receive-only\n}",
        |i| matches!(&i.auth, Auth::Hmac(h) if (h.window.as_secs(), h.replay, h.mode) == (12, AntiReplay::Monotonic, HmacMode::ReceiveOnly)),
    ),
    (
        "auth_hmac {\n key 1 0123456789abcdef0123456789abcdef\n active_key 1\n time_window 9\n mode permissive\n}",
        |i| matches!(&i.auth, Auth::Hmac(h) if h.window.as_secs() == 9 && h.mode == HmacMode::Permissive),
    ),
];

#[test]
fn every_keyword_has_its_effect_on_the_model() {
    for (body, holds) in EFFECTS {
        let instance = faultless(body);
        assert!(holds(&instance), "{body}: {instance:#?}");
    }
}

#[test]
fn ipv6_needs_no_version() {
    let text = |body: &str| format!("vrrp_instance A {{\n interface eth0\n virtual_router_id 5\n{body}\n}}");
    for (body, version) in [
        ("virtual_ipaddress {\n fe80::1\n}", Version::V3),
        ("native_ipv6\n no_virtual_ipaddress", Version::V3),
        ("version 2\n virtual_ipaddress {\n fe80::1\n}", Version::V2),
        ("unicast_peer {\n 2001:db8::1\n}\n virtual_ipaddress {\n fe80::1\n}", Version::V3),
    ] {
        let model = round_trip(&text(body), &host());
        let instance = &model.vrrp.instances[0];
        assert_eq!((instance.family.name(), instance.version), ("IPv6", version), "{body}");
        assert!(!matches!(instance.transport, Transport::Unicast { ttl: Some(_), .. }));
    }
}

/// Faults of the lines from 11 on of [`instance_text`].
const FAULTS: &[(&str, &[&str])] = &[
    ("state", &["11: *** Configuration line starting `state` is missing a parameter after keyword `state`"]),
    ("state FOO", &["11: (A) unknown state 'FOO', defaulting to BACKUP"]),
    ("state MASTER\n state BACKUP", &["12: (A) state previously set as MASTER - ignoring BACKUP"]),
    ("priority 0", &["11: number '0' outside range [1, 255]"]),
    ("priority 77x", &["11: invalid number '77x'"]),
    ("version 4", &["11: number '4' outside range [2, 3]"]),
    ("version 3\n version 2", &["12: (A) vrrp_version 2 conflicts with configured or deduced version 3; ignoring."]),
    ("native_ipv6", &["11: (A) Cannot specify native_ipv6 with IPv4 addresses"]),
    ("virtual_router_id 0", &["11: number '0' outside range [1, 255]"]),
    ("advert_int 0.001", &["11: number '0.001' outside range [0.01, 255]"]),
    ("advert_int 1.5", &["11: (A) VRRPv2 advertisement interval 1.500000s must be an integer. rounding"]),
    ("version 3\n advert_int 0.505", &["12: (A) VRRPv3 advertisement interval 0.505000s must be in units of 10ms - rounding"]),
    (
        "version 3\n advert_int 50",
        &["12: (A) VRRPv3 advertisement interval 50.00s is out of range. Must be less than 40.96s. Setting to 40.95s"],
    ),
    ("strict_mode foo", &["11: Invalid value 'foo' for strict_mode"]),
    (
        "interface eth9",
        &["11: WARNING - interface eth9 for vrrp_instance A doesn't exist", "11: Non-existent interface specified in configuration"],
    ),
    ("interface abcdefghijklmnop", &["11: Interface name 'abcdefghijklmnop' too long - ignoring"]),
    ("vrf eth1", &["11: (A) Cannot specify VRF interface and interface - ignoring"]),
    ("use_vmac v.1 v.2", &["11: VMAC interface name already specified"]),
    ("use_vmac a/b", &["11: VMAC interface name 'a/b' too long or invalid characters - ignoring"]),
    ("use_vmac eth1", &["11: (A) interface eth1 already exists and is not a private macvlan; ignoring vmac if_name"]),
    ("use_vmac 02:11:22", &["11: VMAC invalid MAC address 02:11:22 - ignored"]),
    ("use_vmac 02:11:22:33:44:555", &["11: VMAC invalid MAC address 02:11:22:33:44:555 - ignored"]),
    ("use_vmac 01:00:5e:00:01:01", &["11: VMAC MAC address is multicast 01:00:5e:00:01:01 - ignoring"]),
    ("use_vmac 00:00:5e:00:01:01", &["11: VMAC MAC address not allowed to be RFC5798 address (00:00:5e:00:01:01) - ignoring"]),
    ("use_vmac group foo", &["11: (A) interface group 'foo' is not known - ignoring"]),
    ("vmac_xmit_base", &["11: (A) vmac_xmit_base is only valid with a vmac"]),
    ("use_vmac\n promote_secondaries", &["12: (A) promote_secondaries is automatically set for vmacs - ignoring"]),
    ("use_ipvlan i.1 i.2 10.0.0.1", &["11: (A) IPVLAN interface already specified - ignoring 'i.2'"]),
    ("use_ipvlan 10.0.0.1 10.0.0.2", &["11: (A) ipvlan address already specified - ignoring '10.0.0.2'"]),
    ("use_ipvlan 10.0.0.1 bridge vepa", &["11: (A) ipvlan type already specified - ignoring 'vepa'"]),
    ("use_ipvlan 10.0.0.1\n use_ipvlan 10.0.0.2", &["12: (A) use_ipvlan already specified"]),
    ("unicast_peer {\n 192.0.2.9\n x\n}", &["13: Configuration error: VRRP instance[A] malformed unicast peer address[x]. Skipping..."]),
    (
        "unicast_peer {\n 192.0.2.9\n 1::2\n}",
        &["13: Configuration error: VRRP instance[A] and unicast peer address[1::2] MUST be of the same family !!! Skipping..."],
    ),
    ("unicast_peer {\n 192.0.2.9 min_ttl\n}", &["12: (A) min_ttl is missing a value"]),
    ("unicast_peer {\n 192.0.2.9 min_ttl 5x\n}", &["12: invalid number '5x'"]),
    ("unicast_peer {\n 192.0.2.9 foo 5\n}", &["12: (A) unknown unicast_peer option foo"]),
    ("unicast_peer {\n 192.0.2.9 min_ttl 5 max_ttl 3\n}", &["12: (A) min_ttl 5 > max_ttl 3 - all packets will be discarded"]),
    ("unicast_peer foo {\n 192.0.2.9\n}", &["11: Block unicast_peer has extra parameters foo ..."]),
    ("unicast_ttl 5", &["12: (A): Cannot use unicast_ttl without unicast peers - resetting"]),
    ("unicast_peer {\n 192.0.2.9\n}\n use_vmac", &["15: (A) unicast with use_vmac requires vmac_xmit_base - setting"]),
    ("unicast_peer {\n 192.0.2.9\n}\n mcast_dst_ip 224.0.0.9", &["14: (A) multicast destination specified with unicast - ignoring"]),
    ("unicast_peer {\n 192.0.2.9\n}\n old_unicast_checksum foo", &["14: (A) Unknown old_unicast_chksum mode foo - ignoring"]),
    ("mcast_src_ip x", &["11: Configuration error: VRRP instance[A] malformed src address[x]. Skipping..."]),
    ("mcast_src_ip 1::1", &["11: Configuration error: VRRP instance[A] and src address[1::1] MUST be of the same family !!! Skipping..."]),
    ("mcast_dst_ip x", &["11: (A) malformed mcast dest address x. Skipping..."]),
    ("mcast_dst_ip 10.0.0.1", &["11: (A) mcast_dst_ip 10.0.0.1 not multicast. Skipping..."]),
    ("mcast_dst_ip ff05::12", &["11: (A) mcast_dst_ip ff05::12 not link-local multicast. Skipping..."]),
    ("mcast_dst_ip ff02::12", &["11: (A) mcast dest address ff02::12 MUST match VRRP instance family. Skipping..."]),
    ("track_interface {\n eth1 weight\n}", &["12: (A) weight without value specified for track_interface eth1 - ignoring"]),
    ("track_interface {\n eth1 weight 255\n}", &["12: number '255' outside range [-254, 254]"]),
    ("track_interface {\n eth1 weight -254\n}", &["12: (A) weight for eth1 cannot be +/-254. Setting to +/-253"]),
    ("track_interface {\n eth1 weight 5 noreverse\n}", &["12: (A) unknown track_interface eth1 weight option noreverse - ignoring"]),
    ("track_interface {\n eth1 5\n}", &["12: (A) unknown track_interface eth1 option 5 - ignoring"]),
    ("track_interface {\n eth1\n eth1\n}", &["13: (A) duplicate track_interface eth1 - ignoring"]),
    (
        "track_interface {\n eth9\n}",
        &["12: (A) tracked interface eth9 doesn't exist", "12: Non-existent interface specified in configuration"],
    ),
    ("track_interface {\n eth0\n}", &["5: (A) Ignoring track_interface eth0 since own interface"]),
    ("track_script {\n chk\n}", &["12: (A) track script chk not found, ignoring..."]),
    ("track_file {\n f\n}", &["12: (A) track file f not found, ignoring..."]),
    ("track_process {\n p\n}", &["12: (A) track process p not found, ignoring..."]),
    ("track_bfd {\n b\n}", &["12: (A) track bfd b not found, ignoring..."]),
    ("preempt_delay 1001", &["11: number '1001' outside range [0, 1000]"]),
    ("preempt_delay 5\n nopreempt", &["11: (A) preempt_delay is incompatible with nopreempt mode - resetting"]),
    ("nopreempt\n priority 255", &["11: (A) nopreempt is incompatible with priority 255. resetting nopreempt"]),
    ("nopreempt\n state MASTER\n priority 9", &["11: (A) Warning - nopreempt will not work with initial state MASTER - clearing"]),
    ("debug 5", &["11: number '5' outside range [0, 4]"]),
    ("notify_master /p\n notify_master /q", &["12: (A) notify_master script already specified - ignoring /q"]),
    ("notify_master", &["11: *** Configuration line starting `notify_master` is missing a parameter after keyword `notify_master`"]),
    ("notify_deleted\n notify_deleted /q", &["12: (A) notify_deleted script already specified - ignoring /q"]),
    ("garp_master_repeat 0", &["11: (A): garp_master_repeat must be greater than 0, setting to 1"]),
    ("garp_master_delay 5000", &["11: number '5000' outside range [0, 4294]"]),
    ("garp_master_refresh -1", &["11: negative number '-1'"]),
    ("garp_extra_if all", &["11: (A): garp_extra_if specified without time - ignoring"]),
    ("garp_extra_if x", &["11: invalid number 'x'"]),
    ("vmac_garp_intvl 5", &["11: vmac_garp_intvl is deprecated - please use 'garp_extra_if'"]),
    ("down_timer_adverts 0", &["11: number '0' outside range [1, 100]"]),
    ("timer_expired_backup 90", &["11: (A) timer_expired_backup requires nopreempt - clearing"]),
    ("nopreempt\n timer_expired_backup 255", &["12: number '255' outside range [1, 254]"]),
    ("owner_ignore_adverts", &["11: (A) owner_ignore_adverts is only for the address owner - resetting"]),
    ("kernel_rx_buf_size", &["11: kernel_rx_buf_size is missing a parameter after 'kernel_rx_buf_size'"]),
    ("linkbeat_use_polling", &["11: (A) 'linkbeat_use_polling' in vrrp instance deprecated - use linkbeat_interfaces block"]),
    ("lvs_sync_daemon_interface eth0", &["11: (A) Specifying lvs_sync_daemon_interface against a vrrp is deprecated."]),
    ("authentication {\n auth_type FOO\n}", &["12: (A) unknown authentication type 'FOO'"]),
    ("authentication {\n auth_type PASS\n auth_pass 123456789\n}", &["13: Truncating auth_pass to 8 characters"]),
    ("authentication {\n auth_type PASS\n}", &["11: (A) Authentication specified but no password given. Ignoring"]),
    (
        "version 3\n authentication {\n auth_type PASS\n auth_pass x\n}",
        &["12: (A) VRRP version 3 does not support authentication. Ignoring."],
    ),
    (
        "state MASTER\n priority 9\n authentication {\n auth_type AH\n auth_pass x\n}",
        &["5: (A) Initial state master is incompatible with AH authentication - clearing"],
    ),
    (
        "auth_hmac {\n key 1 short\n}",
        &["12: (A) auth_hmac key 1 has 5 bytes - ignoring", "13: (A) auth_hmac has no active_key - auth_hmac is disabled"],
    ),
    (
        "auth_hmac {\n key 1 hex:0g\n active_key 1\n}",
        &["12: (A) auth_hmac key 1 is not a hexadecimal string", "14: (A) auth_hmac active_key 1 is not defined - auth_hmac is disabled"],
    ),
    (
        "auth_hmac {\n key 1 file:/open\n key 1 file:/key\n key 2 file:/none\n active_key 1\n}",
        &[
            "12: (A) auth_hmac key file /open can be read by others than its owner",
            "13: (A) auth_hmac key 1 already defined - ignoring",
            "14: (A) auth_hmac key 2 cannot be read from /none",
        ],
    ),
    (
        "authentication {\n auth_type PASS\n auth_pass x\n}\n auth_hmac {\n key 1 file:/key\n active_key 1\n}",
        &["11: (A) authentication cannot be used with auth_hmac. Ignoring."],
    ),
    ("authentification {\n auth_type PASS\n}", &["11: Unknown keyword 'authentification'"]),
];

#[test]
fn faults_are_told_with_their_lines_and_cost_only_what_they_must() {
    for (body, want) in FAULTS {
        let (model, said) = load(&instance_text(body), &host());
        assert_eq!(said, *want, "{body}");
        assert_eq!(model.vrrp.instances.len(), 1, "{body}");
    }
}

#[test]
fn a_password_is_cut_where_the_wire_ends() {
    for (text, wire) in
        [("123456789", *b"12345678"), ("ab", *b"ab\0\0\0\0\0\0"), ("1234567\u{e9}", [b'1', b'2', b'3', b'4', b'5', b'6', b'7', 0xc3])]
    {
        let model = load(&instance_text(&format!("authentication {{\n auth_type PASS\n auth_pass {text}\n}}")), &host()).0;
        assert!(matches!(&model.vrrp.instances[0].auth, Auth::Pass(password) if password.wire() == wire), "{text}");
    }
}

#[test]
fn a_block_needs_a_new_name() {
    let second = |text: &str| load(&format!("{}\n{text}", instance_text("")), &host()).1;
    for (text, want) in [
        ("vrrp_instance {\n foo\n}", "13: vrrp_instance must have a name"),
        ("vrrp_instance B C {\n foo\n}", "13: vrrp_instance must have a name of one word"),
        ("vrrp_instance A {\n foo\n}", "13: vrrp instance A already defined"),
        ("vrrp_sync_group {\n foo\n}", "13: vrrp_sync_group must have a name"),
    ] {
        assert_eq!(second(text), [want], "{text}");
    }
}

#[test]
fn interfaces_have_lists_of_their_own() {
    let text = "linkbeat_interfaces {\n eth0 MII\n eth1 ETHTOOL\n eth2\n}\ninterface_up_down_delays {\n eth0 .5\n eth1 1 2.25\n}\ngarp_group {\n garp_interval .1\n gna_interval 0.000001\n interface eth0\n interfaces {\n eth1 eth2\n }\n}";
    let vrrp = round_trip(text, &host()).vrrp;
    let methods: Vec<LinkbeatMethod> = vrrp.linkbeat.iter().map(|beat| beat.method).collect();
    assert_eq!(methods, [LinkbeatMethod::Mii, LinkbeatMethod::Ethtool, LinkbeatMethod::Any]);
    assert_eq!((vrrp.delays[0].down, vrrp.delays[0].up), (Duration::from_millis(500), Duration::ZERO));
    assert_eq!((vrrp.delays[1].down, vrrp.delays[1].up), (Duration::from_secs(1), Duration::from_millis(2250)));
    assert_eq!(vrrp.garp_groups[0].interfaces, ["eth0", "eth1", "eth2"].map(Into::into));
    assert_eq!(vrrp.garp_groups[0].gna_interval, Some(Duration::from_micros(1)));
}

#[test]
fn faults_of_these_lists() {
    for (text, want) in [
        ("linkbeat_interfaces {\n eth9\n}", vec!["2: unknown interface eth9 specified for linkbeat interface"]),
        ("linkbeat_interfaces {\n eth0 FOO\n}", vec!["2: extra characters FOO in linkbeat interface"]),
        ("interface_up_down_delays {\n eth9 1\n}", vec!["2: unknown interface eth9 specified for up/down delay"]),
        ("interface_up_down_delays {\n eth0 x\n eth1 1 256\n}", vec!["2: invalid number 'x'", "3: number '256' outside range [0, 255]"]),
        ("garp_group {\n interface eth0\n}", vec!["3: garp group 1 does not have any delay set - removing"]),
        (
            "garp_group {\n gna_interval .1\n interface eth9\n}",
            vec![
                "3: WARNING - interface eth9 specified for garp_group doesn't exist",
                "3: Non-existent interface specified in configuration",
            ],
        ),
        ("garp_group {\n gna_interval .1\n interfaces {\n eth0\n eth0\n }\n}", vec!["6: garp_group already specified for eth0 - ignoring"]),
        ("garp_group {\n garp_interval 4295\n gna_interval .1\n}", vec!["2: number '4295' outside range [0, 4294.967295]"]),
    ] {
        assert_eq!(load(text, &host()).1, want, "{text}");
    }
    let lists = "global_defs {\n dynamic_interfaces\n}\nlinkbeat_interfaces {\n eth9\n}\ninterface_up_down_delays {\n eth9 1\n}\ngarp_group {\n garp_interval .1\n interface eth9\n}";
    assert_eq!(round_trip(lists, &host()).vrrp.linkbeat.len(), 1);
}

#[test]
fn scripts_of_an_instance_that_cannot_run_count() {
    let (_, problems) = crate::config::testing::diagnose("vrrp_instance A {\n interface eth0\n notify /p root\n}", &host());
    assert_eq!(problems.exit_status(), 6);
}

#[test]
fn secrets_are_left_out_of_what_anybody_may_see() {
    for (body, secret, shown) in [
        ("authentication {\n auth_type PASS\n auth_pass hunter2\n}", "hunter2", "auth_pass ********"),
        ("auth_hmac {\n key 1 file:/key\n active_key 1\n}", "0001020304", "key 1 ********"),
        ("auth_hmac {\n key 1 0123456789abcdef0123456789abcdef\n active_key 1\n}", "3031323334", "key 1 ********"),
    ] {
        let (model, _) = load(&instance_text(body), &host());
        let (masked, whole) = (crate::config::dump::masked(&model), crate::config::dump::dump(&model));
        assert!(masked.lines().any(|line| line.trim() == shown), "{masked}");
        assert!(whole.contains(secret) && !masked.contains(secret), "{masked}");
        let printed = format!("{model:?}");
        assert!(!printed.contains(secret) && !printed.contains("48, 49, 50, 51"), "{printed}");
    }
    let drafted = format!("{:?}", crate::config::draft::vrrp::KeyText::Bytes(b"0123456789".as_slice().into()));
    assert_eq!(drafted, "Bytes(10 of them)");
}
