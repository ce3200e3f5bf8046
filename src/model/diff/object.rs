//! Each kind of object: what it is known by, which settings it has, and what it cannot change without beginning anew.
//!
//! The lists of settings are whole: a field that a type gains has to be named here before this compiles.

use super::{Change, Kind, Plan, Verdict, by_key, keyed};
use crate::model::bfd::Session;
use crate::model::global::Global;
use crate::model::global::mail::Mail;
use crate::model::global::process::Process;
use crate::model::global::scripts::Scripts;
use crate::model::lvs::{Families, Lvs, RealServer, Service, VirtualServer};
use crate::model::net::{Address, Family, Route, Rule, Static, Statics};
use crate::model::track::{TrackFile, TrackProcess, TrackScript, Tracked};
use crate::model::vrrp::{Instance, SyncGroup, Vrrp};
use std::collections::HashMap;
use std::fmt::Write as _;

/// The names of the fields in which two values differ.
macro_rules! differing {
    ($old:expr, $new:expr, $type:ident { $($field:ident),* $(,)? }) => {{
        let $type { $($field),* } = $old;
        let mut differing: Vec<&'static str> = Vec::new();
        $(if *$field != $new.$field {
            differing.push(stringify!($field));
        })*
        differing
    }};
}

const SETTINGS: [&str; 11] =
    ["the processes", "mail", "scripts", "VRRP", "the firewall", "IPVS", "SNMP", "D-Bus", "the control socket", "metrics", "TLS"];

pub(super) fn settings(plan: &mut Plan, old: &Global, new: &Global) {
    let Global { process, mail, scripts, vrrp, firewall, lvs, snmp, dbus, control, metrics } = old;
    let [processes, mails, script, routers, firewalls, ipvs, snmps, buses, controls, metric, _] = SETTINGS;
    section(plan, processes, process, &new.process, process_settings);
    section(plan, mails, mail, &new.mail, mail_settings);
    section(plan, script, scripts, &new.scripts, script_settings);
    section(plan, routers, vrrp, &new.vrrp, vrrp_settings);
    section(plan, firewalls, firewall, &new.firewall, |_, _| Vec::new());
    section(plan, ipvs, lvs, &new.lvs, ipvs_settings);
    section(plan, snmps, snmp, &new.snmp, |_, _| Vec::new());
    section(plan, buses, dbus, &new.dbus, |_, _| Vec::new());
    section(plan, controls, control, &new.control, |_, _| Vec::new());
    section(plan, metric, metrics, &new.metrics, |_, _| Vec::new());
}

fn section<T: PartialEq>(plan: &mut Plan, name: &str, old: &T, new: &T, settings: impl Fn(&T, &T) -> Vec<&'static str>) {
    if old == new {
        plan.kept += 1;
    } else {
        let settings = settings(old, new).into();
        plan.changes.push(Change { kind: Kind::Settings, name: name.into(), verdict: Verdict::Update, settings });
    }
}

fn process_settings(old: &Process, new: &Process) -> Vec<&'static str> {
    differing!(
        old,
        new,
        Process {
            net_namespace,
            ipvs_namespace,
            namespace_with_ipsets,
            instance,
            use_pid_dir,
            linkbeat_use_polling,
            child_wait_time,
            process_names,
            process_name,
            vrrp,
            checker,
            bfd,
            auto_priority,
            auto_priority_delay,
            umask,
            process_monitor,
            reload,
            include_check,
            config_save_dir,
            tmp_config_directory,
            random_seed,
            iproute_usr_dir,
            iproute_etc_dir,
            dumps,
            log,
        }
    )
}

fn mail_settings(old: &Mail, new: &Mail) -> Vec<&'static str> {
    differing!(old, new, Mail { router_id, server, from, helo_name, recipients, timeout, alert, alert_vrrp, alert_checker, no_faults })
}

fn script_settings(old: &Scripts, new: &Scripts) -> Vec<&'static str> {
    differing!(
        old,
        new,
        Scripts {
            secure,
            use_symlink_paths,
            set_supplementary_groups,
            startup,
            startup_timeout,
            shutdown,
            shutdown_timeout,
            fifo,
            vrrp_fifo,
            lvs_fifo,
            notify_priority_changes,
            fifo_states_on_reload,
            notify_json,
            disabled,
        }
    )
}

fn vrrp_settings(old: &crate::model::global::vrrp::Vrrp, new: &crate::model::global::vrrp::Vrrp) -> Vec<&'static str> {
    use crate::model::global::vrrp::Vrrp;
    differing!(
        old,
        new,
        Vrrp {
            version,
            mcast_group4,
            mcast_group6,
            garp,
            lower_prio_no_advert,
            higher_prio_send_advert,
            down_timer_adverts,
            check_unicast_src,
            skip_check_adv_addr,
            strict,
            owner_ignore_adverts,
            log_unknown_vrids,
            v3_checksum_as_v2,
            vmac_prefix,
            vmac_addr_prefix,
            dynamic_interfaces,
            default_interface,
            disable_local_igmp,
            startup_delay,
            delay_after_boot,
            receive_buffer,
            receive_buffer_multiplier,
            netlink,
            vip_lease,
        }
    )
}

fn ipvs_settings(old: &crate::model::global::Lvs, new: &crate::model::global::Lvs) -> Vec<&'static str> {
    use crate::model::global::Lvs;
    differing!(
        old,
        new,
        Lvs {
            timeouts,
            flush,
            flush_on_stop,
            sync_daemon,
            nftables,
            nftables_priority,
            nftables_start_fwmark,
            rs_init_notifies,
            no_checker_emails,
            log_all_failures,
            netlink,
        }
    )
}

/// It goes on, and this is all there is to say.
fn update<T>(_: &T, _: &T) -> (Verdict, Vec<&'static str>) {
    (Verdict::Update, Vec::new())
}

pub(super) fn statics(plan: &mut Plan, old: &Statics, new: &Statics) {
    let Statics { groups, addresses, routes, rules } = old;
    plan.compare(Kind::TrackGroup, groups, &new.groups, |group| group.name.clone(), update);
    plan.compare(Kind::StaticAddress, addresses, &new.addresses, |held: &Static<Address>| address(&held.object), update);
    plan.compare(Kind::StaticRoute, routes, &new.routes, |held: &Static<Route>| route(&held.object), update);
    plan.compare(Kind::StaticRule, rules, &new.rules, |held: &Static<Rule>| rule(&held.object), update);
}

fn address(address: &Address) -> Box<str> {
    match &address.device {
        Some(device) => format!("{} dev {device}", address.prefix).into(),
        None => address.prefix.to_string().into(),
    }
}

fn route(route: &Route) -> Box<str> {
    let mut name = format!("{} table {}", route.destination, route.table);
    // Writing to a string does not fail.
    if let Some(priority) = route.priority {
        let _ = write!(name, " metric {priority}");
    }
    if route.tos != 0 {
        let _ = write!(name, " tos {}", route.tos);
    }
    name.into()
}

fn rule(rule: &Rule) -> Box<str> {
    format!("{} priority {}", rule.family.keyword(), rule.priority).into()
}

pub(super) fn tracked(plan: &mut Plan, old: &Tracked, new: &Tracked) {
    let Tracked { scripts, files, processes } = old;
    plan.compare(Kind::Script, scripts, &new.scripts, |script| script.name.clone(), script);
    plan.compare(
        Kind::File,
        files,
        &new.files,
        |file| file.name.clone(),
        |old, new| (Verdict::Update, differing!(old, new, TrackFile { name, path, weight, initial })),
    );
    plan.compare(
        Kind::Process,
        processes,
        &new.processes,
        |process| process.name.clone(),
        |old, new| {
            let differing = differing!(
                old,
                new,
                TrackProcess { name, process, parameters, matching, weight, quorum, quorum_max, terminate_delay, fork_delay }
            );
            (Verdict::Update, differing)
        },
    );
}

/// Results of another command say nothing.
fn script(old: &TrackScript, new: &TrackScript) -> (Verdict, Vec<&'static str>) {
    let differing = differing!(old, new, TrackScript { name, command, interval, timeout, weight, rise, fall, init_fail });
    (if old.command == new.command { Verdict::Update } else { Verdict::Restart }, differing)
}

pub(super) fn vrrp(plan: &mut Plan, old: &Vrrp, new: &Vrrp) {
    let Vrrp { instances: before, groups, garp_groups, linkbeat, delays } = old;
    instances(plan, before, &new.instances);
    plan.compare(
        Kind::SyncGroup,
        groups,
        &new.groups,
        |group| group.name.clone(),
        |old, new| {
            let differing = differing!(old, new, SyncGroup { name, members, trackers, tracking_weight, notify, smtp_alert });
            (Verdict::Update, differing)
        },
    );
    plan.compare(Kind::GarpGroup, garp_groups, &new.garp_groups, |group| group.interfaces.join(",").into(), update);
    plan.compare(Kind::Linkbeat, linkbeat, &new.linkbeat, |link| link.interface.clone(), update);
    plan.compare(Kind::LinkDelay, delays, &new.delays, |delay| delay.interface.clone(), update);
}

/// An instance goes on where its identity does, under whatever name. Of one that ends and one that begins under the same name,
/// it is said that it begins anew.
fn instances(plan: &mut Plan, old: &[Instance], new: &[Instance]) {
    let mut known = by_key(old, Instance::identity);
    let mut fresh = Vec::new();
    let mut changes = Vec::new();
    for (place, (key, instance)) in keyed(new, Instance::identity).enumerate() {
        match known.remove(&key) {
            Some((_, before)) if before == instance => plan.kept += 1,
            Some((_, before)) => changes.push((place, instance, Verdict::Update, instance_settings(before, instance))),
            None => fresh.push((place, instance)),
        }
    }
    let mut gone: HashMap<&str, Vec<(usize, &Instance)>> = HashMap::new();
    for (place, instance) in known.into_values() {
        gone.entry(&instance.name).or_default().push((place, instance));
    }
    for (place, instance) in fresh {
        match gone.get_mut(&*instance.name).and_then(Vec::pop) {
            Some((_, before)) => changes.push((place, instance, Verdict::Restart, instance_settings(before, instance))),
            None => changes.push((place, instance, Verdict::Add, Vec::new())),
        }
    }
    changes.sort_unstable_by_key(|&(place, ..)| place);
    let mut left: Vec<(usize, &Instance)> = gone.into_values().flatten().collect();
    left.sort_unstable_by_key(|&(place, _)| place);
    let removed = left.into_iter().map(|(place, instance)| (place, instance, Verdict::Remove, Vec::new()));
    plan.changes.extend(changes.into_iter().chain(removed).map(|(_, instance, verdict, settings)| Change {
        kind: Kind::Instance,
        name: instance.name.clone(),
        verdict,
        settings: settings.into(),
    }));
}

fn instance_settings(old: &Instance, new: &Instance) -> Vec<&'static str> {
    differing!(
        old,
        new,
        Instance {
            name,
            vrid,
            family,
            version,
            interface,
            vrf,
            carrier,
            vmac_addresses,
            transport,
            source,
            tracks_source,
            tracks_link,
            role,
            priority,
            preempt,
            strict,
            advert_interval,
            down_timer_adverts,
            vips,
            excluded,
            routes,
            rules,
            without_vips,
            accept,
            auth,
            trackers,
            garp,
            skip_check_adv_addr,
            lower_prio_no_advert,
            higher_prio_send_advert,
            owner_ignore_adverts,
            v3_checksum_as_v2,
            timer_expired_backup,
            receive_buffer,
            promote_secondaries,
            notify,
            notify_deleted,
            notify_master_rx_lower_pri,
            smtp_alert,
            notify_priority_changes,
            debug,
            crippled,
        }
    )
}

pub(super) fn lvs(plan: &mut Plan, old: &Lvs, new: &Lvs, same: &[bool]) {
    let Lvs { tls, groups, virtual_servers } = old;
    let [.., tls_name] = SETTINGS;
    section(plan, tls_name, tls, &new.tls, |_, _| Vec::new());
    plan.compare(Kind::ServerGroup, groups, &new.groups, |group| group.name.clone(), update);
    let same = same.iter().copied().chain(std::iter::repeat(false));
    let (same, others): (Vec<_>, Vec<_>) = new.virtual_servers.iter().zip(same).partition(|(_, same)| *same);
    plan.kept += same.iter().map(|(server, _)| 1 + server.real_servers.len()).sum::<usize>();
    let mut known = by_key(virtual_servers, server);
    for (key, after) in keyed(others.into_iter().map(|(server, _)| server), server) {
        let change = |verdict, settings: Vec<&'static str>| Change {
            kind: Kind::VirtualServer,
            name: key.to_string().into(),
            verdict,
            settings: settings.into(),
        };
        let Some((_, before)) = known.remove(&key) else {
            plan.changes.push(change(Verdict::Add, Vec::new()));
            continue;
        };
        match server_settings(before, after) {
            settings if settings.is_empty() => plan.kept += 1,
            settings => plan.changes.push(change(Verdict::Update, settings)),
        }
        // Nearly all of them, and there may be very many.
        if before.real_servers == after.real_servers {
            plan.kept += after.real_servers.len();
            continue;
        }
        let name = |real: &RealServer| format!("[{}]:{} of {key}", real.address, real.port).into();
        plan.compare(Kind::RealServer, &before.real_servers, &after.real_servers, name, |old, new| {
            (Verdict::Update, real_settings(old, new))
        });
    }
    plan.remove(Kind::VirtualServer, known);
}

/// As the log has it, with the family that tells two services of one mark apart.
fn server(server: &VirtualServer) -> Box<str> {
    match &server.service {
        Service::Address { address, port, protocol } => format!("[{address}]:{}:{port}", protocol.name()).into(),
        Service::Mark(mark) => match server.family {
            Families::One(Family::V6) => format!("FWM {mark} inet6").into(),
            Families::One(Family::V4) | Families::Both => format!("FWM {mark}").into(),
        },
        Service::Group { name, index, .. } => format!("[{name}]:{index}").into(),
    }
}

/// Its real servers are objects of their own.
fn server_settings(old: &VirtualServer, new: &VirtualServer) -> Vec<&'static str> {
    let mut differing = differing!(
        old,
        new,
        VirtualServer {
            service,
            family,
            scheduler,
            flags,
            one_packet,
            persistence,
            forwarding,
            delay_loop,
            connect_timeout,
            delay_before_retry,
            warmup,
            retry,
            ha_suspend,
            alpha,
            omega,
            smtp_alert,
            virtualhost,
            snmp_name,
            quorum,
            hysteresis,
            quorum_up,
            quorum_down,
            sorry_server,
            real_servers,
        }
    );
    differing.retain(|&setting| setting != "real_servers");
    differing
}

fn real_settings(old: &RealServer, new: &RealServer) -> Vec<&'static str> {
    differing!(
        old,
        new,
        RealServer { address, port, weight, forwarding, upper_threshold, lower_threshold, inhibit, alpha, smtp_alert, details, checkers }
    )
}

pub(super) fn bfd(plan: &mut Plan, old: &[Session], new: &[Session]) {
    plan.compare(
        Kind::Bfd,
        old,
        new,
        |session| session.name.clone(),
        |old, new| {
            let differing = differing!(
                old,
                new,
                Session {
                    name,
                    neighbor,
                    source,
                    min_rx,
                    min_tx,
                    idle_tx,
                    multiplier,
                    passive,
                    ttl,
                    full_ttl,
                    hops,
                    multihop,
                    weight,
                    tells_vrrp,
                    tells_checkers,
                }
            );
            // Another neighbour's word says nothing of this one.
            let same = (old.neighbor, old.source, old.multihop) == (new.neighbor, new.source, new.multihop);
            (if same { Verdict::Update } else { Verdict::Restart }, differing)
        },
    );
}
