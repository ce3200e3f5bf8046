//! `global_defs`, and the statements about the process that stand outside every block.

mod lvs;
mod mail;
mod process;
mod scripts;
mod standfast;
mod vrrp;

use super::{Vocabulary, block, boolean, flag, key, line, live, number, seconds, whole_seconds, word};
use crate::config::args::Args;
use crate::config::diagnostic::Class;
use crate::config::draft::Draft;
use crate::config::draft::global::Global;
use crate::config::keyword::{Body, Effect, Keyword, Kind, Shown};
use crate::config::parser::Parser;
use crate::config::syntax::Statement;
use crate::model::global::ReceiveBuffer;

/// `global_defs` may stand any number of times; later statements add to or replace earlier ones.
fn open_global(root: &mut Draft, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    parser.body(statement, &GLOBAL, &mut root.global);
}

fn show_global(root: &Draft, shown: &mut Shown<'_>) {
    shown.block("", &GLOBAL, &root.global);
}

/// The MIBs of VRRP's own. Not every keepalived is built with them: the one that was recorded calls these keywords unknown, and
/// Debian's obeys them, as we do.
macro_rules! mib {
    ($name:literal, $set:expr, $show:expr) => {
        Kind {
            syntax: "",
            range: "",
            body: Body::Line {
                set: |t: &mut Global, a| {
                    a.error(concat!($name, " is unknown to a keepalived that was built without it")).hint("standfast obeys it");
                    $set(t);
                },
                show: $show,
            },
        }
    };
}

/// A word; its absence is told as `missing`.
macro_rules! named {
    ($field:ident $(. $inner:ident)*, $syntax:literal, $missing:literal) => {
        line!(
            $syntax,
            "",
            |t, a| {
                if let Some(value) = need(a, $missing) {
                    t.$field$(.$inner)* = Some(value.into());
                }
            },
            |t, s| s.value(&t.$field$(.$inner)*)
        )
    };
}

/// A word that only the first statement may give; `again` says so of a second one.
macro_rules! named_once {
    ($field:ident $(. $inner:ident)*, $syntax:literal, $again:literal) => {
        line!(
            $syntax,
            "",
            |t, a| {
                if let Some(value) = a.need() {
                    set_once(&mut t.$field$(.$inner)*, value.into(), a, $again);
                }
            },
            |t, s| s.value(&t.$field$(.$inner)*)
        )
    };
}

/// The size of a receive buffer.
macro_rules! buffer_size {
    ($($path:ident).+) => {
        line!("BYTES", "1..4294967295", |t, a| set_buffer_size(&mut t.settings.$($path).+, a), |t, s| s.value(&t.settings.$($path).+.size))
    };
}

/// A statement about one child process, by the field that holds it.
macro_rules! child {
    ($child:ident, $syntax:literal, $range:literal, $set:path, $show:path) => {
        line!($syntax, $range, |t, a| $set(&mut t.settings.process.$child, stringify!($child), a), |t, s| $show(
            &t.settings.process.$child,
            s
        ))
    };
}

fn need<'a>(args: &mut Args<'a>, missing: &str) -> Option<&'a str> {
    let word = args.word();
    if word.is_none() {
        args.error(missing);
    }
    word
}

fn set_once<T>(slot: &mut Option<T>, value: T, args: &mut Args<'_>, again: &str) {
    if slot.is_some() {
        args.error(again).hint("the first one counts");
    } else {
        *slot = Some(value);
    }
}

fn set_buffer_size(buffer: &mut ReceiveBuffer, args: &mut Args<'_>) {
    let missing = format!("{} size missing", args.keyword);
    let Some(word) = need(args, &missing) else { return };
    match args.number_in(word, 0, u32::MAX.into()) {
        None | Some(0) => {}
        size => buffer.size = size,
    }
}

pub(super) const GLOBAL_DEFS: Keyword<Draft> =
    live("global_defs", block!("", GLOBAL, open_global, show_global), "none", "Settings of the whole daemon.");
pub(super) use process::{
    CHILD_WAIT_TIME, INSTANCE, LINKBEAT_USE_POLLING, NAMESPACE_WITH_IPSETS, NET_NAMESPACE, NET_NAMESPACE_IPVS, USE_PID_DIR,
};
pub use standfast::STANDFAST;
pub(super) use standfast::STANDFAST_BLOCK;

pub static GLOBAL: Vocabulary<Global> = Vocabulary::new(
    "global_defs",
    &[
        // Processes
        live("process_names", flag!(settings.process.process_names), "off", "Name the child processes after what they do."),
        live(
            "process_name",
            process::name!(process_name),
            "the program's",
            "Name of the parent process, and of children without their own.",
        ),
        live("vrrp_process_name", process::name!(vrrp.name), "inherited", "Name of the VRRP process."),
        live::<Global>("checker_process_name", process::name!(checker.name), "inherited", "Name of the checker process.")
            .deprecated(&[("lvs_process_name", Class::Notice)]),
        live("bfd_process_name", process::name!(bfd.name), "inherited", "Name of the BFD process."),
        live(
            "max_auto_priority",
            line!("[N]", "-1..99", process::set_auto_priority, process::show_auto_priority),
            "0",
            "Highest real-time priority taken by itself when the scheduler is late; -1 for none without being reminded of it.",
        ),
        live::<Global>(
            "min_auto_priority_delay",
            line!("MICROSECONDS", "1..10000000", process::set_auto_delay, process::show_auto_delay),
            "1000000",
            "Lateness that raises the priority.",
        )
        .may_lack(),
        live("vrrp_priority", child!(vrrp, "N", "-20..19", process::set_nice, process::show_nice), "0", "Nice value of the VRRP process."),
        live(
            "checker_priority",
            child!(checker, "N", "-20..19", process::set_nice, process::show_nice),
            "0",
            "Nice value of the checker process.",
        ),
        live("bfd_priority", child!(bfd, "N", "-20..19", process::set_nice, process::show_nice), "0", "Nice value of the BFD process."),
        live("vrrp_no_swap", flag!(settings.process.vrrp.no_swap), "off", "Lock the VRRP process in memory."),
        live("checker_no_swap", flag!(settings.process.checker.no_swap), "off", "Lock the checker process in memory."),
        live("bfd_no_swap", flag!(settings.process.bfd.no_swap), "off", "Lock the BFD process in memory."),
        live(
            "vrrp_rt_priority",
            child!(vrrp, "N", "1..99", process::set_realtime, process::show_realtime),
            "none",
            "Real-time priority of the VRRP process.",
        ),
        live(
            "checker_rt_priority",
            child!(checker, "N", "1..99", process::set_realtime, process::show_realtime),
            "none",
            "Real-time priority of the checker process.",
        ),
        live(
            "bfd_rt_priority",
            child!(bfd, "N", "1..99", process::set_realtime, process::show_realtime),
            "none",
            "Real-time priority of the BFD process.",
        ),
        live("vrrp_cpu_affinity", process::affinity!(vrrp), "all", "Processors the VRRP process may use."),
        live("checker_cpu_affinity", process::affinity!(checker), "all", "Processors the checker process may use."),
        live("bfd_cpu_affinity", process::affinity!(bfd), "all", "Processors the BFD process may use."),
        live::<Global>(
            "vrrp_rlimit_rttime",
            child!(vrrp, "MICROSECONDS", "1..4294967295", process::set_realtime_limit, process::show_realtime_limit),
            "10000",
            "How long the VRRP process may run in real time without a pause.",
        )
        .deprecated(&[("vrrp_rlimit_rtime", Class::Notice)]),
        live::<Global>(
            "checker_rlimit_rttime",
            child!(checker, "MICROSECONDS", "1..4294967295", process::set_realtime_limit, process::show_realtime_limit),
            "10000",
            "How long the checker process may run in real time without a pause.",
        )
        .deprecated(&[("checker_rlimit_rtime", Class::Notice)]),
        live::<Global>(
            "bfd_rlimit_rttime",
            child!(bfd, "MICROSECONDS", "1..4294967295", process::set_realtime_limit, process::show_realtime_limit),
            "10000",
            "How long the BFD process may run in real time without a pause.",
        )
        .deprecated(&[("bfd_rlimit_rtime", Class::Notice)]),
        // Mail
        live(
            "router_id",
            named!(router_id, "STRING", "routerid name missing - ignoring"),
            "the host's name",
            "What we are called in mail and SNMP.",
        ),
        live("notification_email_from", line!("ADDRESS", "", mail::set_from, |t, s| s.value(&t.from)), "USER@HOST", "Sender of mail."),
        live("smtp_server", line!("HOST [PORT]", "", mail::set_server, mail::show_server), "none", "Mail server; none means no mail."),
        live(
            "smtp_helo_name",
            line!(
                "NAME",
                "",
                |t, a| {
                    if let Some(name) = a.word() {
                        t.helo_name = Some(name.into());
                    }
                },
                |t, s| s.value(&t.helo_name)
            ),
            "the host's name",
            "Name to greet the mail server with.",
        ),
        live(
            "smtp_connect_timeout",
            line!("SECONDS", "1..4294", mail::set_timeout, |t, s| s.value(&t.settings.mail.timeout)),
            "30",
            "How long the mail server may take for each step.",
        ),
        live(
            "notification_email",
            block!("", mail::RECIPIENTS, mail::open_recipients, mail::show_recipients),
            "none",
            "Recipients of mail; every word is one.",
        ),
        live("smtp_alert", boolean!(settings.mail.alert), "unset", "Default of smtp_alert for everything."),
        live("smtp_alert_vrrp", boolean!(settings.mail.alert_vrrp), "unset", "Default of smtp_alert for instances and groups."),
        live("smtp_alert_checker", boolean!(settings.mail.alert_checker), "unset", "Default of smtp_alert for virtual and real servers."),
        live("no_email_faults", flag!(settings.mail.no_faults), "off", "No mail about instances in fault."),
        // Scripts
        live(
            "script_user",
            line!("USER [[:]GROUP]", "", scripts::set_user, |_, _| {}),
            "keepalived_script, or root",
            "Whom scripts run as that name no user themselves.",
        ),
        live(
            "enable_script_security",
            line!("", "", scripts::set_security, |t, s| s.flag(t.scripts.secure_at.is_some())),
            "off",
            "Do not run scripts that others than root could change.",
        ),
        live(
            "use_symlink_paths",
            boolean!(settings.scripts.use_symlink_paths),
            "false",
            "Run scripts by their paths as written, links unresolved.",
        ),
        live(
            "set_supplementary_groups",
            boolean!(settings.scripts.set_supplementary_groups),
            "false",
            "Give scripts all the groups of their user.",
        ),
        live(
            "startup_script",
            scripts::life!(startup, "startup script missing", "startup script already specified"),
            "none",
            "Command run once before the daemon begins its work.",
        ),
        live("startup_script_timeout", scripts::timeout!(startup_timeout), "10", "How long the startup script may take."),
        live(
            "shutdown_script",
            scripts::life!(shutdown, "shutdown script missing", "shutdown script already specified"),
            "none",
            "Command run once after the daemon has ended its work.",
        ),
        live("shutdown_script_timeout", scripts::timeout!(shutdown_timeout), "10", "How long the shutdown script may take."),
        live("notify_fifo", scripts::pipe!(fifo), "none", "Named pipe told of every change of state."),
        live("notify_fifo_script", scripts::reader!(fifo), "none", "Command that reads notify_fifo."),
        live("vrrp_notify_fifo", scripts::pipe!(vrrp_fifo), "none", "Named pipe told of VRRP changes of state."),
        live("vrrp_notify_fifo_script", scripts::reader!(vrrp_fifo), "none", "Command that reads vrrp_notify_fifo."),
        live("lvs_notify_fifo", scripts::pipe!(lvs_fifo), "none", "Named pipe told of what happens to virtual and real servers."),
        live("lvs_notify_fifo_script", scripts::reader!(lvs_fifo), "none", "Command that reads lvs_notify_fifo."),
        live(
            "vrrp_notify_priority_changes",
            boolean!(settings.scripts.notify_priority_changes),
            "false",
            "Tell the pipes of changed priorities as well.",
        ),
        live(
            "fifo_write_vrrp_states_on_reload",
            flag!(settings.scripts.fifo_states_on_reload),
            "off",
            "Tell the pipes all VRRP states again after a reload.",
        ),
        // VRRP
        live(
            "dynamic_interfaces",
            line!("[allow_if_changes]", "", vrrp::set_dynamic, vrrp::show_dynamic),
            "off",
            "Interfaces may be missing, and come and go.",
        ),
        live(
            "default_interface",
            named!(settings.vrrp.default_interface, "INTERFACE", "default_interface requires interface name"),
            "none",
            "Interface of static addresses that name none.",
        ),
        live("disable_local_igmp", flag!(settings.vrrp.disable_local_igmp), "off", "No IGMP reports for 224.0.0.0/24."),
        live(
            "v3_checksum_as_v2",
            flag!(settings.vrrp.v3_checksum_as_v2),
            "off",
            "VRRPv3 checksums without the pseudo header, as before 1.3.6.",
        ),
        live(
            "vrrp_mcast_group4",
            line!("IPV4", "multicast", vrrp::set_group4, |t, s| s.value(&t.settings.vrrp.mcast_group4)),
            "224.0.0.18",
            "Where IPv4 adverts go.",
        ),
        live(
            "vrrp_mcast_group6",
            line!("IPV6", "multicast", vrrp::set_group6, |t, s| s.value(&t.settings.vrrp.mcast_group6)),
            "ff02::12",
            "Where IPv6 adverts go.",
        ),
        live(
            "vrrp_min_garp",
            line!("[BOOL]", "on true yes off false no", vrrp::set_min_garp, vrrp::show_min_garp),
            "off",
            "One announcement and no more, as far as no earlier line said otherwise.",
        ),
        live(
            "vrrp_garp_master_delay",
            whole_seconds!(settings.vrrp.garp.delay, 0, 4294),
            "5",
            "When a new master announces itself a second time; 0 for never.",
        ),
        live(
            "vrrp_garp_master_repeat",
            line!("N", "1..4294967295", |t, a| vrrp::set_repeat(&mut t.settings.vrrp.garp.repeat, a), |t, s| s
                .value(&t.settings.vrrp.garp.repeat)),
            "5",
            "Announcements at a time.",
        ),
        live(
            "vrrp_garp_master_refresh",
            whole_seconds!(settings.vrrp.garp.refresh, 0, 4294967295),
            "0",
            "How often a master announces itself again; 0 for never.",
        ),
        live(
            "vrrp_garp_master_refresh_repeat",
            line!("N", "1..4294967295", |t, a| vrrp::set_repeat(&mut t.settings.vrrp.garp.refresh_repeat, a), vrrp::show_refresh_repeat),
            "1",
            "Announcements at a time then.",
        ),
        live(
            "vrrp_garp_lower_prio_delay",
            whole_seconds!(settings.vrrp.garp.lower_prio_delay, 0, 4294),
            "vrrp_garp_master_delay",
            "When a master announces itself a second time after an advert of lower priority.",
        ),
        live(
            "vrrp_garp_lower_prio_repeat",
            number!(settings.vrrp.garp.lower_prio_repeat: u32, 0, 2147483647),
            "vrrp_garp_master_repeat",
            "Announcements at a time then.",
        ),
        live("vrrp_garp_interval", vrrp::gap!(arp_interval), "0", "Pause between two gratuitous ARP packets on an interface."),
        live("vrrp_gna_interval", vrrp::gap!(na_interval), "0", "Pause between two neighbour advertisements on an interface."),
        live::<Global>(
            "vrrp_garp_extra_if",
            line!("[all] SECONDS", "1..86400", vrrp::set_extra_garp, vrrp::show_extra_garp),
            "off",
            "Announce addresses on virtual MAC interfaces, or on all, this often.",
        )
        .deprecated(&[("vrrp_vmac_garp_intvl", Class::Error)]),
        live(
            "vrrp_lower_prio_no_advert",
            boolean!(settings.vrrp.lower_prio_no_advert),
            "false",
            "A master does not answer adverts of lower priority.",
        ),
        live(
            "vrrp_higher_prio_send_advert",
            boolean!(settings.vrrp.higher_prio_send_advert),
            "false",
            "A master sends one more advert before it yields to a higher priority.",
        ),
        live(
            "vrrp_down_timer_adverts",
            number!(settings.vrrp.down_timer_adverts: u8, 1, 100),
            "3",
            "Adverts missed before a master counts as dead.",
        ),
        live("vrrp_version", number!(settings.vrrp.version: u8, 2, 3), "2, IPv6 3", "Version of VRRP where the instance does not say."),
        live("vrrp_check_unicast_src", flag!(settings.vrrp.check_unicast_src), "off", "Drop unicast adverts from others than the peers."),
        live(
            "vrrp_skip_check_adv_addr",
            boolean!(settings.vrrp.skip_check_adv_addr),
            "false",
            "Do not compare the addresses in every advert of the same master.",
        ),
        live("vrrp_strict", boolean!(settings.vrrp.strict), "false", "Keep to the letter of the VRRP RFCs."),
        live(
            "vrrp_owner_ignore_adverts",
            boolean!(settings.vrrp.owner_ignore_adverts),
            "false",
            "The owner of the addresses ignores adverts.",
        ),
        live("log_unknown_vrids", flag!(settings.vrrp.log_unknown_vrids), "off", "Log adverts of unknown virtual routers."),
        live(
            "vmac_prefix",
            named_once!(settings.vrrp.vmac_prefix, "STRING", "vmac prefix has already been specified - ignoring"),
            "vrrp",
            "Beginning of the names of virtual MAC interfaces.",
        ),
        live(
            "vmac_addr_prefix",
            named_once!(settings.vrrp.vmac_addr_prefix, "STRING", "vmac_addr prefix has already been specified - ignoring"),
            "vmac_prefix",
            "Beginning of the names of virtual MAC interfaces for single addresses.",
        ),
        live("vrrp_startup_delay", vrrp::delay!(startup_delay), "0", "How long instances wait after the start of the daemon."),
        live("vrrp_delay_after_boot", vrrp::delay!(delay_after_boot), "0", "How long instances wait after the start of the machine."),
        live(
            "vrrp_rx_bufs_policy",
            line!("MTU | ADVERT | BYTES", "0..4294967295", vrrp::set_rx_policy, vrrp::show_rx_policy),
            "the system's",
            "What the receive buffers for adverts are sized after.",
        ),
        live(
            "vrrp_rx_bufs_multiplier",
            line!("N", "1..4294967295", vrrp::set_rx_multiplier, |t, s| s.value(&t.settings.vrrp.receive_buffer_multiplier)),
            "3",
            "How many times that size.",
        ),
        live(
            "vrrp_netlink_cmd_rcv_bufs",
            buffer_size!(vrrp.netlink.command),
            "the system's",
            "Receive buffer of the VRRP process for netlink replies.",
        ),
        live(
            "vrrp_netlink_cmd_rcv_bufs_force",
            boolean!(settings.vrrp.netlink.command.force),
            "false",
            "Take that size beyond the system's limit.",
        ),
        live(
            "vrrp_netlink_monitor_rcv_bufs",
            buffer_size!(vrrp.netlink.monitor),
            "the system's",
            "Receive buffer of the VRRP process for netlink news.",
        ),
        live(
            "vrrp_netlink_monitor_rcv_bufs_force",
            boolean!(settings.vrrp.netlink.monitor.force),
            "false",
            "Take that size beyond the system's limit.",
        ),
        live("process_monitor_rcv_bufs", buffer_size!(process.process_monitor), "the system's", "Receive buffer for news of processes."),
        live(
            "process_monitor_rcv_bufs_force",
            boolean!(settings.process.process_monitor.force),
            "false",
            "Take that size beyond the system's limit.",
        ),
        // Firewall
        live(
            "vrrp_iptables",
            line!("[INPUT_CHAIN [OUTPUT_CHAIN]]", "", vrrp::set_iptables, vrrp::show_iptables),
            "off",
            "Keep others from addresses; nftables does it, in the place of rules in these chains.",
        ),
        live(
            "vrrp_ipsets",
            line!("[SET [SET6 [SET_IF6 [SET_IGMP [SET_MLD [SET_ND]]]]]]", "", vrrp::set_ipsets, vrrp::show_ipsets),
            "keepalived",
            "Names of sets for that, in which nftables has no use for them.",
        ),
        live(
            "nftables",
            vrrp::table!(firewall.nftables, "keepalived", "nftables already specified - ignoring"),
            "off",
            "Keep others from addresses with nftables, in this table.",
        ),
        live(
            "nftables_priority",
            number!(settings.firewall.nftables_priority: i32, -2147483648, 2147483647),
            "-1",
            "Priority of its base chains.",
        ),
        live("nftables_ifindex", flag!(settings.firewall.nftables_ifindex), "off", "Interfaces by number in its sets."),
        live("nftables_counters", flag!(settings.firewall.nftables_counters), "off", "Count packets in its rules."),
        // IPVS
        live(
            "nftables_ipvs",
            vrrp::table!(lvs.nftables, "keepalived_ipvs", "ipvs nftables already specified - ignoring"),
            "off",
            "Turn groups of addresses into firewall marks with nftables, in this table.",
        ),
        live(
            "nftables_ipvs_priority",
            number!(settings.lvs.nftables_priority: i32, -2147483648, 2147483647),
            "-1",
            "Priority of its chains.",
        ),
        live(
            "nftables_ipvs_start_fwmark",
            number!(settings.lvs.nftables_start_fwmark: u32, 1, 4294967295),
            "1000",
            "First mark to give out.",
        ),
        live(
            "lvs_timeouts",
            line!("[tcp N] [tcpfin N] [udp N]", "0..2678400", lvs::set_timeouts, lvs::show_timeouts),
            "the kernel's",
            "IPVS connection timeouts in seconds.",
        ),
        live("lvs_flush", flag!(settings.lvs.flush), "off", "Empty the IPVS table at the start."),
        live::<Global>(
            "lvs_flush_on_stop",
            line!("[VS]", "", lvs::set_flush_on_stop, lvs::show_flush_on_stop),
            "off",
            "Empty the IPVS table at the end, or take out only our virtual servers.",
        )
        .aliases(&["lvs_flush_onstop"]),
        live(
            "lvs_sync_daemon",
            line!(
                "INTERFACE [inst INSTANCE] [id N] [maxlen N] [port N] [ttl N] [group IP]",
                "id 0..255, maxlen 1..65507, port 1..65535, ttl 1..255",
                lvs::set_sync_daemon,
                lvs::show_sync_daemon
            ),
            "off",
            "Tell connections to another director, as master or backup after an instance.",
        ),
        live(
            "rs_init_notifies",
            boolean!(settings.lvs.rs_init_notifies),
            "false",
            "Run the notify scripts of real servers at the start too.",
        ),
        live("no_checker_emails", boolean!(settings.lvs.no_checker_emails), "false", "Mail only when a real server comes or goes."),
        live("checker_log_all_failures", boolean!(settings.lvs.log_all_failures), "false", "Log every failed check."),
        live(
            "lvs_netlink_cmd_rcv_bufs",
            buffer_size!(lvs.netlink.command),
            "the system's",
            "Receive buffer of the checker process for netlink replies.",
        ),
        live(
            "lvs_netlink_cmd_rcv_bufs_force",
            boolean!(settings.lvs.netlink.command.force),
            "false",
            "Take that size beyond the system's limit.",
        ),
        live(
            "lvs_netlink_monitor_rcv_bufs",
            buffer_size!(lvs.netlink.monitor),
            "the system's",
            "Receive buffer of the checker process for netlink news.",
        ),
        live(
            "lvs_netlink_monitor_rcv_bufs_force",
            boolean!(settings.lvs.netlink.monitor.force),
            "false",
            "Take that size beyond the system's limit.",
        ),
        // SNMP and D-Bus
        live(
            "snmp_socket",
            line!("ADDRESS", "", process::set_snmp_socket, |t, s| s.value(&t.settings.snmp.socket)),
            "unix:/var/agentx/master",
            "Where the AgentX master listens.",
        ),
        live("enable_traps", flag!(settings.snmp.traps), "off", "Send SNMP traps."),
        live::<Global>("enable_snmp_vrrp", flag!(settings.snmp.vrrp), "off", "Serve the VRRP part of KEEPALIVED-MIB.")
            .aliases(&["enable_snmp_keepalived"]),
        live("enable_snmp_checker", flag!(settings.snmp.checker), "off", "Serve the LVS part of KEEPALIVED-MIB."),
        live(
            "enable_snmp_rfc",
            mib!("enable_snmp_rfc", |t: &mut Global| (t.settings.snmp.rfc2787, t.settings.snmp.rfc6527) = (true, true), |_, _| {}),
            "off",
            "The same as the next two together.",
        ),
        live(
            "enable_snmp_rfcv2",
            mib!("enable_snmp_rfcv2", |t: &mut Global| t.settings.snmp.rfc2787 = true, |t, s| s.flag(t.settings.snmp.rfc2787)),
            "off",
            "Serve VRRP-MIB (RFC 2787).",
        ),
        live(
            "enable_snmp_rfcv3",
            mib!("enable_snmp_rfcv3", |t: &mut Global| t.settings.snmp.rfc6527 = true, |t, s| s.flag(t.settings.snmp.rfc6527)),
            "off",
            "Serve VRRPV3-MIB (RFC 6527).",
        ),
        live(
            "snmp_vs_stats_update_interval",
            seconds!(settings.snmp.virtual_server_stats, 1_000, 30_000_000, "0.001..30"),
            "5",
            "How old the counters of virtual servers may be.",
        ),
        live(
            "snmp_rs_stats_update_interval",
            seconds!(settings.snmp.real_server_stats, 1_000, 30_000_000, "0.001..30"),
            "as for virtual servers",
            "How old the counters of real servers may be.",
        ),
        live("enable_dbus", flag!(settings.dbus.enabled), "off", "Offer the D-Bus service."),
        live(
            "dbus_service_name",
            named!(settings.dbus.service_name, "NAME", "dbus_service_name missing - ignoring"),
            "org.keepalived.Vrrp1",
            "Its name on the bus.",
        ),
        live::<Global>(
            "dbus_no_interface_name",
            word!(settings.dbus.no_interface_name, "NAME"),
            "none",
            "What stands in paths for the interface of instances without one.",
        )
        .may_lack(),
        // Files
        live(
            "umask",
            line!("NUMBER | BIT [| BIT]...", "0..0777", process::set_umask, process::show_umask),
            "0177",
            "Rights that new files do not get.",
        ),
        key::<Global>(
            "random_seed",
            number!(settings.process.random_seed: u32, 0, 4294967295),
            "the time",
            "Taken and not used, as in keepalived.",
        )
        .effect(Effect::Inert),
        live(
            "reload_check_config",
            line!("[LOGFILE]", "", process::set_reload_check, |t, s| s.value(&t.settings.process.reload.check)),
            "off",
            "Reload only what passes the config test.",
        ),
        live(
            "reload_time_file",
            process::one_path!(reload.time_file, "reload_time_file invalid"),
            "none",
            "File that says when to reload.",
        ),
        live("reload_repeat", flag!(settings.process.reload.repeat), "off", "Keep that file, to reload every day."),
        live(
            "reload_file",
            line!("[PATH]", "", process::set_reload_file, process::show_reload_file),
            "off",
            "File that exists while the configuration is being read.",
        ),
        live(
            "include_check",
            line!("[[+|-]CHECK ...]", "read match wildcard_match brace_match", process::set_include_check, process::show_include_check),
            "none",
            "What of an include must work out.",
        ),
        live(
            "config_save_dir",
            line!(
                "DIRECTORY",
                "",
                |t, a| {
                    if let Some(path) = a.need() {
                        t.settings.process.config_save_dir = Some(path.into());
                        t.config_save_dir_at = a.at;
                    }
                },
                |t, s| s.value(&t.settings.process.config_save_dir)
            ),
            "none",
            "Where to save the configuration as it was understood, at the start and at each reload.",
        ),
        live(
            "tmp_config_directory",
            line!("DIRECTORY", "", process::set_tmp_directory, |t, s| s.value(&t.settings.process.tmp_config_directory)),
            "memory",
            "Where to keep the configuration as read.",
        ),
        live(
            "data_use_instance",
            boolean!(settings.process.dumps.name_instance),
            "false",
            "Namespace and instance in the names of state dumps.",
        ),
        live::<Global>("json_version", number!(settings.process.dumps.json_version: u8, 1, 2), "1", "Shape of the JSON dump.").may_lack(),
        live(
            "iproute_usr_dir",
            process::one_path!(iproute_usr_dir, "invalid iproute_usr_dir"),
            "/usr/share/iproute2",
            "First place of iproute2's tables of names.",
        ),
        live(
            "iproute_etc_dir",
            process::one_path!(iproute_etc_dir, "invalid iproute_etc_dir"),
            "/etc/iproute2",
            "Second place, which wins.",
        ),
        live(
            "state_dump_file",
            process::one_path!(dumps.state, "invalid state_dump_file"),
            "/tmp/keepalived.data",
            "Where the state is dumped.",
        ),
        live(
            "stats_dump_file",
            process::one_path!(dumps.stats, "invalid stats_dump_file"),
            "/tmp/keepalived.stats",
            "Where the counters are dumped.",
        ),
        live(
            "json_dump_file",
            process::one_path!(dumps.json, "invalid json_dump_file"),
            "/tmp/keepalived.json",
            "Where the state is dumped as JSON.",
        ),
    ],
);

#[cfg(test)]
mod tests;
