//! `global_defs`, which every process shows.

use super::command::{command, left_out, with_user};
use super::sheet::{Sheet, enabled, seconds, yes};
use crate::model::global::mail::Mail;
use crate::model::global::observe::{Dbus, Snmp};
use crate::model::global::process::{AutoPriority, Child, IpvsNamespace, Process, ReloadFile};
use crate::model::global::scripts::{Fifo, Scripts};
use crate::model::global::vrrp::{AdvertBuffer, DynamicInterfaces, Firewall, SetNames, Vrrp};
use crate::model::global::{FlushOnStop, Global, Lvs, ReceiveBuffer};
use crate::model::net::Family;
use crate::model::script::Runner;
use std::fmt::Display;

/// What keepalived shows of a number that was not set.
const UNSET: u32 = u32::MAX;

/// Whose dump it is: each process sees what is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// With the user and group of scripts that name none.
    Vrrp {
        default_user: Option<(u32, u32)>,
    },
    Other,
}

/// `keepalived_parent.data`: the supervisor has nothing else to tell.
pub fn parent(global: &Global) -> String {
    let mut sheet = Sheet::for_objects(1);
    definitions(&mut sheet, global, Part::Other);
    left_out(&mut sheet, &global.scripts.disabled, Runner::Supervisor);
    sheet.done()
}

pub(super) fn definitions(sheet: &mut Sheet, global: &Global, part: Part) {
    let Global { process: running, mail, scripts, vrrp, firewall, lvs, snmp, dbus, control: _, metrics: _ } = global;
    sheet.section("Global definitions");
    places(sheet, running);
    sheet.line(format_args!(
        "{}",
        if scripts.use_symlink_paths { " Use script paths as given" } else { " Replace symlinks in script paths" }
    ));
    let groups = if scripts.set_supplementary_groups { "Set" } else { "Don't set" };
    sheet.line(format_args!(" {groups} supplementary groups for all scripts"));
    mails(sheet, mail);
    sheet.line(format_args!(" Checkers log all failures = {}", lvs.log_all_failures));
    reloads(sheet, running);
    lives(sheet, scripts);
    match vrrp.dynamic_interfaces {
        DynamicInterfaces::No => sheet.line(format_args!(" Dynamic interfaces = false")),
        DynamicInterfaces::Yes | DynamicInterfaces::AllowChanges => {
            sheet.line(format_args!(" Dynamic interfaces = true"));
            let changes = vrrp.dynamic_interfaces == DynamicInterfaces::AllowChanges;
            sheet.line(format_args!(" Allow interface changes = {changes}"));
        }
    }
    if mail.no_faults {
        sheet.line(format_args!(" Send emails for fault transitions = off"));
    }
    for (name, timeout) in [("TCP", lvs.timeouts.tcp), ("TCP FIN", lvs.timeouts.tcp_fin), ("UDP", lvs.timeouts.udp)] {
        option(sheet, &format!("LVS {name} timeout"), timeout.map(|timeout| timeout.as_secs()));
    }
    if matches!(part, Part::Vrrp { .. }) {
        sheet.line(format_args!(" Default interface = {}", vrrp.default_interface.as_deref().unwrap_or("eth0")));
    }
    sheet.line(format_args!(" Disable local IGMP = {}", yes(vrrp.disable_local_igmp)));
    sheet.line(format_args!(" Use VRRPv2 checksum for VRRPv3 IPv4 = {}", yes(vrrp.v3_checksum_as_v2)));
    balancer(sheet, lvs);
    fifos(sheet, scripts);
    adverts(sheet, vrrp, part);
    fences(sheet, firewall, lvs, part);
    sheet.line(format_args!(" VRRP check unicast_src = {}", vrrp.check_unicast_src));
    sheet.line(format_args!(" VRRP skip check advert addresses = {}", vrrp.skip_check_adv_addr));
    sheet.line(format_args!(" VRRP strict mode = {}", vrrp.strict));
    processes(sheet, running);
    watchers(sheet, snmp, dbus);
    sheet.line(format_args!(" Script security {}", enabled(scripts.secure)));
    if let Part::Vrrp { default_user: Some((uid, gid)) } = part {
        sheet.line(format_args!(" Default script uid:gid {uid}:{gid}"));
    }
    buffers(sheet, global);
    sheet.line(format_args!(" umask = 0{:o}", running.umask));
    if !vrrp.startup_delay.is_zero() {
        sheet.line(format_args!(" vrrp_startup_delay = {}", super::words::Shortest(vrrp.startup_delay)));
    }
    option(sheet, "VMAC prefix", vrrp.vmac_prefix.as_ref());
    option(sheet, "VMAC address prefix", vrrp.vmac_addr_prefix.as_ref());
    sheet.line(format_args!(" json_version {}", running.dumps.json_version));
    for (name, directory) in [("usr", &running.iproute_usr_dir), ("etc", &running.iproute_etc_dir)] {
        let directory = directory.as_deref().unwrap_or("/etc/iproute2".as_ref());
        sheet.line(format_args!(" iproute {name} directory {}", directory.display()));
    }
}

fn option(sheet: &mut Sheet, key: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        sheet.line(format_args!(" {key} = {value}"));
    }
}

fn places(sheet: &mut Sheet, process: &Process) {
    sheet.line(format_args!(" Network namespace = {}", process.net_namespace.as_deref().unwrap_or("(default)")));
    let ipvs = match &process.ipvs_namespace {
        IpvsNamespace::Same => "(main namespace)",
        IpvsNamespace::Initial => "(default)",
        IpvsNamespace::Named(name) => name,
    };
    sheet.line(format_args!(" Network namespace ipvs = {ipvs}"));
    option(sheet, "Instance name", process.instance.as_ref());
    option(sheet, "Process name", process.process_name.as_ref());
    for (part, child, usual) in [("VRRP", &process.vrrp, "vrrp"), ("LVS", &process.checker, "lvs"), ("BFD", &process.bfd, "bfd")] {
        match &child.name {
            Some(name) => sheet.line(format_args!(" {part} process name = {name}")),
            None if process.process_names => sheet.line(format_args!(" {part} process name = keepalived_{usual}")),
            None => {}
        }
    }
}

fn mails(sheet: &mut Sheet, mail: &Mail) {
    let Mail { router_id, server, from, helo_name, recipients, timeout, alert, alert_vrrp, alert_checker, no_faults: _ } = mail;
    sheet.line(format_args!(" Router ID = {router_id}"));
    if let Some(server) = server {
        sheet.line(format_args!(" Smtp server = {}", server.ip()));
        sheet.line(format_args!(" Smtp server port = {}", server.port()));
        sheet.line(format_args!(" Smtp HELO name = {helo_name}"));
        sheet.line(format_args!(" Smtp server connection timeout = {}", super::words::Shortest(*timeout)));
    }
    if server.is_some() || !recipients.is_empty() {
        sheet.line(format_args!(" Email notification from = {from}"));
        sheet.line(format_args!(" Email notification to:"));
    }
    for recipient in recipients {
        sheet.line(format_args!("   {recipient}"));
    }
    for (which, alert) in [("", alert), ("_vrrp", alert_vrrp), ("_checker", alert_checker)] {
        let word = match alert {
            None => "unset",
            Some(true) => "on",
            Some(false) => "off",
        };
        sheet.line(format_args!(" Default smtp_alert{which} = {word}"));
    }
}

fn reloads(sheet: &mut Sheet, process: &Process) {
    match &process.reload.check {
        None => sheet.line(format_args!(" No test config before reload")),
        Some(log) => sheet.line(format_args!(" Test config before reload, log to {}", log.display())),
    }
    if let Some(file) = &process.reload.time_file {
        sheet.line(format_args!(" Reload time file = {}{}", file.display(), if process.reload.repeat { " (repeat)" } else { "" }));
        sheet.line(format_args!(" No reload scheduled"));
    }
    match &process.reload.file {
        ReloadFile::Off => {}
        ReloadFile::Usual => {
            let inner = if process.use_pid_dir || process.net_namespace.is_some() { "keepalived/" } else { "" };
            sheet.line(format_args!(" Reload_file = /run/{inner}keepalived.reload"));
        }
        ReloadFile::At(path) => sheet.line(format_args!(" Reload_file = {}", path.display())),
    }
    if process.dumps.name_instance {
        sheet.line(format_args!(" Use instance name in data dumps"));
    }
    let dumps = [("State", &process.dumps.state), ("Stats", &process.dumps.stats), ("Json", &process.dumps.json)];
    for (name, path) in dumps {
        option(sheet, &format!("{name} dump file"), path.as_ref().map(|path| path.display()));
    }
}

fn lives(sheet: &mut Sheet, scripts: &Scripts) {
    let lives = [("Startup", &scripts.startup, scripts.startup_timeout), ("Shutdown", &scripts.shutdown, scripts.shutdown_timeout)];
    for (name, script, timeout) in lives {
        if let Some(script) = script {
            sheet.line(format_args!(" {name} script = {}, timeout {}", with_user(script), timeout.as_secs()));
        }
    }
}

fn balancer(sheet: &mut Sheet, lvs: &Lvs) {
    if let Some(daemon) = &lvs.sync_daemon {
        option(sheet, "LVS syncd vrrp instance", daemon.instance.as_ref());
        sheet.line(format_args!(" LVS syncd interface = {}", daemon.interface));
        option(sheet, "LVS syncd syncid", daemon.id);
        option(sheet, "LVS syncd maxlen", daemon.max_len);
        if let Some(group) = daemon.group {
            sheet.line(format_args!(" LVS mcast group {group}"));
        }
        option(sheet, "LVS syncd mcast port", daemon.port);
        option(sheet, "LVS syncd mcast ttl", daemon.ttl);
    }
    sheet.line(format_args!(" LVS flush = {}", lvs.flush));
    let on_stop = match lvs.flush_on_stop {
        FlushOnStop::No => "disabled",
        FlushOnStop::All => "enabled",
        FlushOnStop::VirtualServers => "VS",
    };
    sheet.line(format_args!(" LVS flush on stop = {on_stop}"));
}

fn fifos(sheet: &mut Sheet, scripts: &Scripts) {
    for (name, fifo) in [("Global", &scripts.fifo), ("VRRP", &scripts.vrrp_fifo), ("LVS", &scripts.lvs_fifo)] {
        let Some(Fifo { path, uid, gid, script }) = fifo else { continue };
        sheet.line(format_args!(" {name} notify fifo = {}, uid:gid {uid}:{gid}", path.display()));
        if let Some(script) = script {
            let (shown, path) = (command(script), path.display());
            sheet.line(format_args!(" {name} notify fifo script = {shown} '{path}', uid:gid {}:{}", script.uid, script.gid));
        }
    }
    sheet.line(format_args!(" FIFO write vrrp states on reload = {}", scripts.fifo_states_on_reload));
    sheet.line(format_args!(" VRRP notify priority changes = {}", scripts.notify_priority_changes));
}

fn adverts(sheet: &mut Sheet, vrrp: &Vrrp, part: Part) {
    for family in [Family::V4, Family::V6] {
        sheet.line(format_args!(" VRRP {} mcast group = {}", family.name(), vrrp.mcast_group(family)));
    }
    let garp = vrrp.garp;
    sheet.line(format_args!(" Gratuitous ARP delay = {}", garp.delay.as_secs()));
    sheet.line(format_args!(" Gratuitous ARP repeat = {}", garp.repeat));
    sheet.line(format_args!(" Gratuitous ARP refresh timer = {}", garp.refresh.as_secs()));
    sheet.line(format_args!(" Gratuitous ARP refresh repeat = {}", garp.refresh_repeat));
    // Only the VRRP process knows what becomes of them when they are not set.
    let (delay, repeat) = match part {
        Part::Vrrp { .. } => (garp.delay.as_secs(), garp.repeat),
        Part::Other => (UNSET.into(), UNSET),
    };
    let delay = garp.lower_prio_delay.map_or(delay, |delay| delay.as_secs());
    sheet.line(format_args!(" Gratuitous ARP lower priority delay = {delay}"));
    sheet.line(format_args!(" Gratuitous ARP lower priority repeat = {}", garp.lower_prio_repeat.unwrap_or(repeat)));
    sheet.line(format_args!(" Num adverts before down = {}", vrrp.down_timer_adverts));
    sheet.line(format_args!(" Gratuitous ARP for each secondary VMAC = {}s", garp.extra.map_or(0, |extra| extra.interval.as_secs())));
    sheet.line(format_args!(" Send advert after receive lower priority advert = {}", !vrrp.lower_prio_no_advert));
    sheet.line(format_args!(" Send advert after receive higher priority advert = {}", vrrp.higher_prio_send_advert));
    sheet.line(format_args!(" Gratuitous ARP interval = {}", seconds(garp.arp_interval)));
    sheet.line(format_args!(" Gratuitous NA interval = {}", seconds(garp.na_interval)));
    sheet.line(format_args!(" VRRP default protocol version = {}", vrrp.version.unwrap_or(2)));
}

fn fences(sheet: &mut Sheet, firewall: &Firewall, lvs: &Lvs, part: Part) {
    // The VRRP process has made up its mind, and an nftables table wins.
    let undecided = part == Part::Other || firewall.nftables.is_none();
    if let Some(chains) = firewall.iptables.as_ref().filter(|_| undecided) {
        sheet.line(format_args!(" Iptables input chain = {}", chains.input));
        option(sheet, "Iptables output chain", chains.output.as_ref());
        match &firewall.ipsets {
            Some(SetNames::NoSets) => sheet.line(format_args!(" Using ipsets = false")),
            Some(SetNames::Named(names)) => {
                sheet.line(format_args!(" Using ipsets = true"));
                let kinds = ["IPv4 address", "IPv6 address", "IPv6 address,iface", "IGMP", "MLD", "ND"];
                for (kind, name) in kinds.iter().zip(names.iter()) {
                    sheet.line(format_args!(" ipset {kind} set = {name}"));
                }
            }
            None => sheet.line(format_args!(" Using ipsets = true")),
        }
    }
    if let Some(table) = &firewall.nftables {
        sheet.line(format_args!(" nftables table name = {table}"));
        sheet.line(format_args!(" nftables base chain priority = {}", firewall.nftables_priority));
        let force = if firewall.nftables_ifindex { "force" } else { "don't force" };
        sheet.line(format_args!(" nftables {force} use ifindex for link local IPv6"));
    }
    if let Some(table) = &lvs.nftables {
        sheet.line(format_args!(" ipvs nftables table name = {table}"));
        sheet.line(format_args!(" ipvs nftables base chain priority = {}", lvs.nftables_priority));
        sheet.line(format_args!(" ipvs nftables start fwmark = {}", lvs.nftables_start_fwmark));
    }
    sheet.line(format_args!(" nftables {} counters", if firewall.nftables_counters { "with" } else { "without" }));
}

fn processes(sheet: &mut Sheet, process: &Process) {
    let most = match process.auto_priority {
        AutoPriority::Off => 0,
        AutoPriority::Never => -1,
        AutoPriority::UpTo(priority) => i32::from(priority),
    };
    sheet.line(format_args!(" Max auto priority = {most}"));
    sheet.line(format_args!(" Min auto priority delay = {} usecs", process.auto_priority_delay.as_micros()));
    for (name, child) in [("VRRP", &process.vrrp), ("Checker", &process.checker), ("BFD", &process.bfd)] {
        let Child { name: _, nice, no_swap, realtime, cpus, realtime_limit } = child;
        sheet.line(format_args!(" {name} process priority = {nice}"));
        sheet.line(format_args!(" {name} don't swap = {no_swap}"));
        sheet.line(format_args!(" {name} realtime priority = {}", realtime.unwrap_or(0)));
        if !cpus.is_empty() {
            let cpus: Vec<String> = cpus.iter().map(ToString::to_string).collect();
            sheet.line(format_args!(" {name} CPU Affinity = {}", cpus.join(" ")));
        }
        sheet.line(format_args!(" {name} realtime limit = {}", realtime_limit.as_micros()));
    }
}

fn watchers(sheet: &mut Sheet, snmp: &Snmp, dbus: &Dbus) {
    sheet.line(format_args!(" SNMP vrrp {}", enabled(snmp.vrrp)));
    sheet.line(format_args!(" SNMP checker {}", enabled(snmp.checker)));
    sheet.line(format_args!(" SNMP traps {}", enabled(snmp.traps)));
    sheet.line(format_args!(" SNMP socket = {}", snmp.socket.as_deref().unwrap_or("default (unix:/var/agentx/master)")));
    sheet.line(format_args!(" SNMP VS stats update interval = {}", seconds(snmp.virtual_server_stats)));
    let real_server_stats = snmp.real_server_stats.unwrap_or(snmp.virtual_server_stats);
    sheet.line(format_args!(" SNMP RS stats update interval = {}", seconds(real_server_stats)));
    sheet.line(format_args!(" DBus {}", enabled(dbus.enabled)));
    sheet.line(format_args!(" DBus service name = {}", dbus.service_name.as_deref().unwrap_or_default()));
    sheet.line(format_args!(" DBus no interface name = {}", dbus.no_interface_name.as_deref().unwrap_or("none")));
}

fn buffers(sheet: &mut Sheet, global: &Global) {
    let Global { process, vrrp, lvs, .. } = global;
    for (name, ReceiveBuffer { size, force }) in [
        ("vrrp_netlink_cmd", vrrp.netlink.command),
        ("vrrp_netlink_monitor", vrrp.netlink.monitor),
        ("process_monitor", process.process_monitor),
        ("lvs_netlink_cmd", lvs.netlink.command),
        ("lvs_netlink_monitor", lvs.netlink.monitor),
    ] {
        sheet.line(format_args!(" {name}_rcv_bufs = {}", size.unwrap_or(0)));
        sheet.line(format_args!(" {name}_rcv_bufs_force = {}", u8::from(force)));
    }
    sheet.line(format_args!(" rs_init_notifies = {}", u8::from(lvs.rs_init_notifies)));
    sheet.line(format_args!(" no_checker_emails = {}", u8::from(lvs.no_checker_emails)));
    match vrrp.receive_buffer {
        AdvertBuffer::System => {}
        AdvertBuffer::Mtu => sheet.line(format_args!(" rx_bufs_policy = MTU")),
        AdvertBuffer::LargestAdvert => sheet.line(format_args!(" rx_bufs_policy = ADVERT")),
        AdvertBuffer::Bytes(size) => sheet.line(format_args!(" rx_bufs_size = {size}")),
    }
    sheet.line(format_args!(" rx_bufs_multiples = {}", vrrp.receive_buffer_multiplier));
}
