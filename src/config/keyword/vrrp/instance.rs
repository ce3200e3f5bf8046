//! `vrrp_instance`.

use super::notify::{script, set_deleted};
use super::trackers::trackers;
use super::{AUTHENTICATION, HMAC};
use super::{LONGEST_INTERFACE, address, auth, carrier, interface_name, new_name, placed_flag, repeats};
use crate::config::args::Args;
use crate::config::command;
use crate::config::diagnostic::Class;
use crate::config::draft::Draft;
use crate::config::draft::vrrp::{Given, Instance};
use crate::config::keyword::net::{
    ADDRESS, Owner, ROUTE, RULE, address_entry, address_text, route_entry, route_text, rule_entry, rule_text,
};
use crate::config::keyword::{Body, Effect, Kind, Shown, Vocabulary, block, boolean, flag, key, line, live, number, whole_seconds};
use crate::config::parser::Parser;
use crate::config::syntax::Statement;
use crate::config::text::word;
use crate::model::global::vrrp::ExtraGarp;
use crate::model::vrrp::{Priority, Role, Version};
use std::time::Duration;

pub fn open_instance(root: &mut Draft, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    let taken = &mut root.vrrp.names.instances;
    let Some(name) = new_name(parser, statement, "vrrp_instance", "vrrp instance", taken) else { return };
    let mut instance = Instance::new(name, statement.at);
    instance.end = parser.body(statement, &INSTANCE, &mut instance);
    root.vrrp.instances.push(instance);
}

pub fn show_instances(root: &Draft, shown: &mut Shown<'_>) {
    for instance in &root.vrrp.instances {
        shown.block(&word(&instance.name), &INSTANCE, instance);
    }
}

/// Entries of one of the languages of `keyword::net`.
macro_rules! entries {
    ($field:ident, $read:path, $write:path, $language:path, $syntax:literal) => {
        Kind {
            syntax: $syntax,
            range: "",
            body: Body::List {
                open: None,
                entry: |t: &mut Instance, a| t.$field.extend($read(Owner::Instance, a)),
                show: |t, s| s.list(t.$field.iter().map($write)),
                options: Some(|| &$language),
            },
        }
    };
}

// What decides the family and the version stands first: a dump is read in the order of this table.
pub static INSTANCE: Vocabulary<Instance> = Vocabulary::new(
    "vrrp_instance",
    &[
        live::<Instance>(
            "version",
            line!("2|3", "2..3", set_version, |t, s| show_last(t.versions.iter().map(|v| v.value.number()), s)),
            "vrrp_version, 2; IPv6 3",
            "VRRP version.",
        )
        .strict(),
        live("native_ipv6", placed_flag!(native_ipv6), "off", "Use IPv6 where no address says so."),
        live("strict_mode", boolean!(strict), "vrrp_strict, off", "Insist on what the RFCs demand."),
        live(
            "state",
            line!("MASTER|BACKUP", "", set_state, show_state),
            "BACKUP, with priority 255 MASTER",
            "The state wanted; only an owner takes it without waiting.",
        ),
        live(
            "interface",
            line!("INTERFACE", "", set_interface, |t, s| show_last(t.interfaces.iter().map(|i| i.value.clone()), s)),
            "required, but for unicast with a source address",
            "Where adverts and addresses go.",
        ),
        live(
            "vrf",
            line!("INTERFACE", "", |t, a| t.vrf = placed_name(a).or(t.vrf.take()), |t, s| s
                .value(&t.vrf.as_ref().map(|v| v.value.clone()))),
            "none",
            "The VRF that unicast without an interface belongs to.",
        ),
        live(
            "use_vmac",
            line!("[[name] INTERFACE] [MAC] [netlink_notify_msg] [group G]", "", carrier::set_vmac, carrier::show_vmac),
            "off",
            "Run on a macvlan with the virtual router's MAC address.",
        ),
        live("use_vmac_addr", flag!(vmac_addresses), "off", "Make VMACs for addresses on other interfaces and of the other family."),
        live("vmac_xmit_base", placed_flag!(transmits_on_base), "off", "Send adverts through the parent of the VMAC."),
        live(
            "use_ipvlan",
            line!("[[name] INTERFACE] [ADDRESS[/LEN]] [bridge|private|vepa] [group G]", "", carrier::set_ipvlan, carrier::show_ipvlan),
            "off",
            "Run on an ipvlan.",
        ),
        live("unicast_peer", PEERS, "none", "Send to these addresses, not to the multicast group."),
        live("unicast_fault_no_peer", flag!(fault_without_peers), "off", "Unicast without peers is a fault, not multicast."),
        live(
            "check_unicast_src",
            line!("", "", set_check_source, |t, s| s.flag(t.check_source)),
            "vrrp_check_unicast_src, off",
            "Drop adverts that come from no peer.",
        ),
        live(
            "old_unicast_checksum",
            line!("[never]", "", address::set_old_checksum, address::show_old_checksum),
            "as the peers do",
            "VRRPv3 unicast with the checksum of old releases.",
        ),
        live(
            "mcast_src_ip",
            line!("ADDRESS", "", address::set_source, address::show_source),
            "the interface's",
            "Source address of adverts.",
        ),
        live(
            "unicast_src_ip",
            line!("ADDRESS", "", address::set_unicast_source, address::show_unicast_source),
            "the interface's",
            "Source address of unicast adverts.",
        ),
        live(
            "mcast_dst_ip",
            line!("ADDRESS", "IPv4 multicast, ff02::/16", address::set_group, |t, s| show_last(t.groups.iter().map(|g| g.value), s)),
            "vrrp_mcast_group4, vrrp_mcast_group6",
            "Multicast group of this instance.",
        ),
        live("track_src_ip", flag!(tracks_source), "off", "Without the source address the instance is in fault."),
        live::<Instance>("virtual_router_id", number!(vrid: u8, 1, 255), "required", "VRID.").strict(),
        live::<Instance>(
            "unicast_ttl",
            line!("N", "0..255", |t, a| t.unicast_ttl = placed_number(0, 255, a).or(t.unicast_ttl.take()), |t, s| {
                s.value(&t.unicast_ttl.as_ref().map(|ttl| ttl.value));
            }),
            "255; IPv6 the kernel's",
            "TTL of unicast adverts.",
        )
        .strict(),
        live::<Instance>(
            "priority",
            line!("N", "1..255", set_priority, |t, s| s.value(&t.priority)),
            "100; 255 with state MASTER",
            "Base priority; 255 owns the addresses.",
        )
        .strict(),
        live(
            "advert_int",
            line!("SECONDS[.FRACTION]", "0.01..255", set_advert_interval, show_advert_interval),
            "1",
            "Time between adverts; VRRPv2 takes whole seconds, VRRPv3 hundredths up to 40.95.",
        ),
        live(
            "virtual_ipaddress",
            entries!(vips, address_entry, address_text, ADDRESS, "{ ADDRESS[/LEN] [OPTION...] }"),
            "required",
            "Addresses that a master holds and advertises.",
        ),
        live(
            "virtual_ipaddress_excluded",
            entries!(excluded, address_entry, address_text, ADDRESS, "{ ADDRESS[/LEN] [OPTION...] }"),
            "none",
            "Addresses that a master holds and does not advertise.",
        ),
        live("no_virtual_ipaddress", flag!(without_vips), "off", "No addresses are meant."),
        live("virtual_routes", entries!(routes, route_entry, route_text, ROUTE, "{ ROUTE }"), "none", "Routes that a master holds."),
        live("virtual_rules", entries!(rules, rule_entry, rule_text, RULE, "{ RULE }"), "none", "Routing rules that a master holds."),
        live(
            "promote_secondaries",
            placed_flag!(promote_secondaries),
            "off",
            "Keep secondary addresses of the interface when a primary one goes.",
        ),
        live::<Instance>(
            "linkbeat_use_polling",
            line!("", "", set_linkbeat, |_, _| {}),
            "off",
            "Poll the link: obsolete, see linkbeat_interfaces.",
        ),
        live(
            "v3_checksum_as_v2",
            boolean!(v3_checksum_as_v2),
            "v3_checksum_as_v2, off",
            "VRRPv3 over IPv4 without the pseudo header in the checksum.",
        ),
        live("dont_track_primary", flag!(dont_track_primary), "off", "The interface may be down."),
        live("track_interface", trackers!(interfaces, Interface, "{ INTERFACE [weight N [reverse]] }"), "none", "Interfaces to watch."),
        live(
            "track_script",
            trackers!(scripts, Script, "{ NAME [weight N [reverse|noreverse]] }"),
            "none",
            "Scripts to watch, defined earlier.",
        ),
        live("track_file", trackers!(files, File, "{ NAME [weight N [reverse|noreverse]] }"), "none", "Files to watch, defined earlier."),
        live(
            "track_process",
            trackers!(processes, Process, "{ NAME [weight N [reverse|noreverse]] }"),
            "none",
            "Processes to watch, defined earlier.",
        ),
        live(
            "track_bfd",
            trackers!(bfd, Bfd, "{ NAME [weight N [reverse|noreverse]] }"),
            "none",
            "BFD sessions to watch, defined earlier.",
        ),
        live("accept", accept(true), "on; off with strict_mode", "Take traffic to the addresses without owning them."),
        live("no_accept", accept(false), "off; on with strict_mode", "Drop traffic to the addresses unless they are owned."),
        live(
            "skip_check_adv_addr",
            boolean!(skip_check_adv_addr),
            "vrrp_skip_check_adv_addr, off",
            "Do not compare the addresses of a master that was compared before.",
        ),
        live("preempt", line!("", "", |t, _| t.nopreempt = None, |_, _| {}), "on", "Take over from a master of a lower priority."),
        live("nopreempt", placed_flag!(nopreempt), "off", "Leave a master of a lower priority alone."),
        live(
            "preempt_delay",
            line!("SECONDS[.FRACTION]", "0..1000", set_preempt_delay, show_preempt_delay),
            "0",
            "Wait so long before taking over.",
        ),
        key::<Instance>("debug", number!(debug: u8, 0, 4), "0", "Level of detail of the log.").effect(Effect::Inert),
        live("notify_master", script!(notify.master), "none", "Run when the instance becomes master."),
        live("notify_backup", script!(notify.backup), "none", "Run when the instance becomes backup."),
        live("notify_fault", script!(notify.fault), "none", "Run when the instance goes to fault."),
        live("notify_stop", script!(notify.stop), "none", "Run when the daemon stops."),
        live(
            "notify_deleted",
            line!("[COMMAND [USER [GROUP]]]", "", |t, a| set_deleted(&mut t.notify_deleted, &t.name, a), |t, s| {
                if let Some(deleted) = &t.notify_deleted {
                    s.text(&deleted.as_ref().map(command::text).unwrap_or_default());
                }
            }),
            "off: a fault is reported",
            "A reload that removes the instance is reported as DELETED.",
        ),
        live(
            "notify",
            script!(notify.any),
            "none",
            "Run on every transition, with INSTANCE, the name, the state and the priority as further arguments.",
        ),
        live("notify_master_rx_lower_pri", script!(notify_master_rx_lower_pri), "none", "Run when a master hears a lower priority."),
        live("smtp_alert", boolean!(smtp_alert), "smtp_alert_vrrp, smtp_alert, off", "Mail every transition."),
        live(
            "notify_priority_changes",
            boolean!(notify_priority_changes),
            "the group's, vrrp_notify_priority_changes, off",
            "Write changes of the priority to the FIFO.",
        ),
        live(
            "lvs_sync_daemon_interface",
            line!("INTERFACE", "", set_sync_daemon, |_, _| {}),
            "none",
            "Obsolete form of the global lvs_sync_daemon.",
        ),
        live(
            "garp_master_delay",
            whole_seconds!(garp_delay, 0, 4294),
            "vrrp_garp_master_delay, 5",
            "Second burst of gratuitous ARP so long after becoming master.",
        ),
        live("garp_master_repeat", repeats!(garp_repeat), "vrrp_garp_master_repeat, 5", "Messages in a burst, for each address."),
        live(
            "garp_master_refresh",
            whole_seconds!(garp_refresh, 0, 4_294_967_295),
            "vrrp_garp_master_refresh, 0",
            "Time between further bursts; 0 for none.",
        ),
        live(
            "garp_master_refresh_repeat",
            repeats!(garp_refresh_repeat),
            "vrrp_garp_master_refresh_repeat, 1",
            "Messages in a further burst.",
        ),
        live(
            "garp_lower_prio_delay",
            whole_seconds!(garp_lower_prio_delay, 0, 4294),
            "vrrp_garp_lower_prio_delay, vrrp_garp_master_delay",
            "Second burst so long after an advert of a lower priority.",
        ),
        live(
            "garp_lower_prio_repeat",
            number!(garp_lower_prio_repeat: u32, 0, 2_147_483_647),
            "vrrp_garp_lower_prio_repeat, vrrp_garp_master_repeat",
            "Messages in a burst after an advert of a lower priority.",
        ),
        live(
            "down_timer_adverts",
            number!(down_timer_adverts: u8, 1, 100),
            "vrrp_down_timer_adverts, 3",
            "Adverts that may be missed before the master is down.",
        ),
        live::<Instance>(
            "timer_expired_backup",
            line!("[PRIORITY]", "1..254", set_timer_expired, |t, s| s.value(&t.timer_expired_backup.as_ref().map(|p| p.value))),
            "off",
            "A master stalled for so long that a peer of this priority has taken over steps back; needs nopreempt.",
        )
        .deprecated(&[("thread_timer_expired", Class::Notice)])
        .strict(),
        live::<Instance>(
            "garp_extra_if",
            line!("[all] SECONDS", "0..86400", set_garp_extra, show_garp_extra),
            "vrrp_garp_extra_if, 0",
            "Gratuitous ARP on further interfaces that carry addresses, periodically.",
        )
        .deprecated(&[("vmac_garp_intvl", Class::Error)]),
        live(
            "lower_prio_no_advert",
            boolean!(lower_prio_no_advert),
            "vrrp_lower_prio_no_advert, off",
            "Do not answer a lower priority at once.",
        ),
        live(
            "higher_prio_send_advert",
            boolean!(higher_prio_send_advert),
            "vrrp_higher_prio_send_advert, off",
            "Send one advert before giving way.",
        ),
        live(
            "owner_ignore_adverts",
            line!("[BOOL]", "on true yes off false no", set_owner_ignores, |t, s| s
                .value(&t.owner_ignore_adverts.as_ref().map(|o| o.value))),
            "vrrp_owner_ignore_adverts, off",
            "An owner of the addresses does not listen.",
        ),
        live::<Instance>(
            "kernel_rx_buf_size",
            number!(receive_buffer: u32, 0, 4_294_967_295),
            "the kernel's",
            "Bytes of receive buffer this instance needs.",
        )
        .strict()
        .may_lack(),
        live(
            "authentication",
            block!("", AUTHENTICATION, auth::open_authentication, auth::show_authentication),
            "none",
            "Authentication of RFC 2338, for VRRPv2.",
        ),
        live("auth_hmac", block!("", HMAC, auth::open_hmac, auth::show_hmac), "none", "A keyed trailer behind every advert."),
    ],
);

const PEERS: Kind<Instance> = Kind {
    syntax: "{ ADDRESS [min_ttl N] [max_ttl N] }",
    range: "TTL 0..255",
    body: Body::List { open: Some(address::open_peers), entry: address::peer_entry, show: address::show_peers, options: None },
};

/// Of several statements the last one counts, and it is the one to write.
fn show_last<V: crate::config::keyword::Show>(values: impl Iterator<Item = V>, shown: &mut Shown<'_>) {
    shown.value(&values.last());
}

fn placed_name(args: &mut Args<'_>) -> Option<Given<Box<str>>> {
    let at = args.at;
    interface_name(args).map(|value| Given { at, value })
}

fn placed_number(min: i64, max: i64, args: &mut Args<'_>) -> Option<Given<u8>> {
    let at = args.at;
    args.number(min, max).map(|value| Given { at, value })
}

fn set_version(instance: &mut Instance, args: &mut Args<'_>) {
    if let Some(number) = args.number::<u8>(2, 3) {
        let value = if number == 2 { Version::V2 } else { Version::V3 };
        instance.versions.push(Given { at: args.at, value });
    }
}

fn set_state(instance: &mut Instance, args: &mut Args<'_>) {
    let Some(word) = args.need() else { return };
    let name = &instance.name;
    let given = |value| Some(Given { at: args.at, value });
    match (word, &instance.state) {
        ("MASTER", _) => instance.state = given(Role::Master),
        ("BACKUP", Some(Given { value: Role::Master, .. })) => {
            args.error(format!("({name}) state previously set as MASTER - ignoring BACKUP"));
        }
        ("BACKUP", _) => instance.state = given(Role::Backup),
        _ => {
            args.error(format!("({name}) unknown state '{word}', defaulting to BACKUP")).hint("MASTER or BACKUP");
        }
    }
}

fn show_state(instance: &Instance, shown: &mut Shown<'_>) {
    match instance.state.as_ref().map(|state| state.value) {
        None => {}
        Some(Role::Master) => shown.text("MASTER"),
        Some(Role::Backup) => shown.text("BACKUP"),
    }
}

fn set_interface(instance: &mut Instance, args: &mut Args<'_>) {
    let Some(name) = args.need() else { return };
    if name.len() > LONGEST_INTERFACE {
        args.error(format!("Interface name '{name}' too long - ignoring")).hint("an interface name has at most 15 characters");
        return;
    }
    instance.interfaces.push(Given { at: args.at, value: name.into() });
}

/// A priority that cannot be used is 100: it is not as if none had been given.
fn set_priority(instance: &mut Instance, args: &mut Args<'_>) {
    instance.priority = Some(args.number(1, 255).unwrap_or(Priority::DEFAULT.0));
}

fn set_check_source(instance: &mut Instance, args: &mut Args<'_>) {
    instance.is_about_unicast(args.at);
    instance.check_source = true;
}

fn set_advert_interval(instance: &mut Instance, args: &mut Args<'_>) {
    if let Some(value) = args.seconds(10_000, 255_000_000) {
        instance.advert_interval = Some(Given { at: args.at, value });
    }
}

fn show_advert_interval(instance: &Instance, shown: &mut Shown<'_>) {
    shown.value(&instance.advert_interval.as_ref().map(|interval| interval.value));
}

const fn accept(on: bool) -> Kind<Instance> {
    let body = if on {
        Body::Line {
            set: |t: &mut Instance, a| t.accept = Some(Given { at: a.at, value: true }),
            show: |t, s| s.flag(t.accept.as_ref().is_some_and(|a| a.value)),
        }
    } else {
        Body::Line {
            set: |t: &mut Instance, a| t.accept = Some(Given { at: a.at, value: false }),
            show: |t, s| s.flag(t.accept.as_ref().is_some_and(|a| !a.value)),
        }
    };
    Kind { syntax: "", range: "", body }
}

fn set_preempt_delay(instance: &mut Instance, args: &mut Args<'_>) {
    instance.preempt_delay = args.seconds(0, 1_000_000_000).map(|value| Given { at: args.at, value });
}

fn show_preempt_delay(instance: &Instance, shown: &mut Shown<'_>) {
    shown.value(&instance.preempt_delay.as_ref().map(|delay| delay.value));
}

fn set_linkbeat(instance: &mut Instance, args: &mut Args<'_>) {
    instance.linkbeat = Some(args.at);
    let text = format!("({}) 'linkbeat_use_polling' in vrrp instance deprecated - use linkbeat_interfaces block", instance.name);
    args.error(text);
}

fn set_sync_daemon(instance: &mut Instance, args: &mut Args<'_>) {
    let at = args.at;
    if let Some(value) = interface_name(args) {
        let text = format!("({}) Specifying lvs_sync_daemon_interface against a vrrp is deprecated.", instance.name);
        args.error(text).hint(format!("global_defs {{ lvs_sync_daemon {value} {} }}", instance.name));
        instance.sync_daemon.get_or_insert(Given { at, value });
    }
}

/// The priority of the peer that must be reckoned with; without one the highest there is.
fn set_timer_expired(instance: &mut Instance, args: &mut Args<'_>) {
    let at = args.at;
    let value = match args.peek() {
        None => Some(254),
        Some(_) => args.number::<u8>(1, 254),
    };
    if let Some(value) = value {
        instance.timer_expired_backup = Some(Given { at, value });
    }
}

fn set_garp_extra(instance: &mut Instance, args: &mut Args<'_>) {
    let mut all = false;
    let mut every = None;
    while let Some(word) = args.word() {
        if word == "all" {
            all = true;
        } else {
            let Some(seconds) = args.number_in::<u64>(word, 0, 86_400) else { return };
            every = Some(Duration::from_secs(seconds));
        }
    }
    match every {
        Some(interval) => instance.garp_extra = Some(ExtraGarp { all, interval }),
        None => {
            let (name, keyword) = (&instance.name, args.keyword);
            args.error(format!("({name}): {keyword} specified without time - ignoring")).hint(format!("{keyword} [all] SECONDS"));
        }
    }
}

fn show_garp_extra(instance: &Instance, shown: &mut Shown<'_>) {
    if let Some(extra) = instance.garp_extra {
        shown.text(&format!("{}{}", if extra.all { "all " } else { "" }, extra.interval.as_secs()));
    }
}

fn set_owner_ignores(instance: &mut Instance, args: &mut Args<'_>) {
    if let Some(value) = args.boolean() {
        instance.owner_ignore_adverts = Some(Given { at: args.at, value });
    }
}
