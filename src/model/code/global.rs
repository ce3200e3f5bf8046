//! What was set for the whole process, and what others share: scripts and what is tracked.

use super::{choice, record};
use crate::model::bfd::{Hops, Session};
use crate::model::global::mail::Mail;
use crate::model::global::observe::{self, Control, Dbus, Listen, Names, Owner, Snmp, Socket};
use crate::model::global::process::{AutoPriority, Child, Dumps, IncludeCheck, IpvsNamespace, Log, Process, Reload, ReloadFile};
use crate::model::global::scripts::{Fifo, Scripts};
use crate::model::global::vrrp::{AdvertBuffer, Chains, DynamicInterfaces, ExtraGarp, Firewall, Garp, SetNames, Vrrp};
use crate::model::global::{FlushOnStop, Global, Lvs, NetlinkBuffers, ReceiveBuffer, SyncDaemon, Timeouts};
use crate::model::script::{Action, Disabled, LeftOut, Runner, Script};
use crate::model::track::{InitialValue, ParameterMatch, TrackFile, TrackProcess, TrackScript, Tracked, Tracker, Trackers, Weight};

record! {
    Global { process, mail, scripts, vrrp, firewall, lvs, snmp, dbus, control, metrics }
    NetlinkBuffers { command, monitor }
    ReceiveBuffer { size, force }
    Process {
        net_namespace, ipvs_namespace, namespace_with_ipsets, instance, use_pid_dir, linkbeat_use_polling, child_wait_time,
        process_names, process_name, vrrp, checker, bfd, auto_priority, auto_priority_delay, umask, process_monitor, reload,
        include_check, config_save_dir, tmp_config_directory, random_seed, iproute_usr_dir, iproute_etc_dir, dumps, log
    }
    Log { json, journal }
    Child { name, nice, no_swap, realtime, cpus, realtime_limit }
    Reload { check, time_file, repeat, file }
    IncludeCheck { read, matching, wildcard, brace }
    Dumps { state, stats, json, name_instance, json_version }
    Mail { router_id, server, from, helo_name, recipients, timeout, alert, alert_vrrp, alert_checker, no_faults }
    Scripts {
        secure, use_symlink_paths, set_supplementary_groups, startup, startup_timeout, shutdown, shutdown_timeout, fifo,
        vrrp_fifo, lvs_fifo, notify_priority_changes, fifo_states_on_reload, notify_json,
        disabled
    }
    Fifo { path, uid, gid, script }
    Snmp { socket, traps, vrrp, checker, rfc2787, rfc6527, virtual_server_stats, real_server_stats }
    Dbus { enabled, service_name, no_interface_name }
    Socket { path, owner }
    Owner { uid, gid }
    observe::Metrics { listen, names }
    Names { native, cafebazaar, gen2brain }
    Vrrp {
        version, mcast_group4, mcast_group6, garp, lower_prio_no_advert, higher_prio_send_advert, down_timer_adverts,
        check_unicast_src, skip_check_adv_addr, strict, owner_ignore_adverts, log_unknown_vrids, v3_checksum_as_v2, vmac_prefix,
        vmac_addr_prefix, dynamic_interfaces, default_interface, disable_local_igmp, startup_delay, delay_after_boot,
        receive_buffer, receive_buffer_multiplier, netlink, vip_lease
    }
    Garp { delay, repeat, refresh, refresh_repeat, lower_prio_delay, lower_prio_repeat, arp_interval, na_interval, extra }
    ExtraGarp { all, interval }
    Firewall { iptables, ipsets, nftables, nftables_priority, nftables_ifindex, nftables_counters }
    Chains { input, output }
    Lvs {
        timeouts, flush, flush_on_stop, sync_daemon, nftables, nftables_priority, nftables_start_fwmark, rs_init_notifies,
        no_checker_emails, log_all_failures, netlink
    }
    Timeouts { tcp, tcp_fin, udp }
    SyncDaemon { interface, instance, id, max_len, port, ttl, group }
    Script { argv, action, uid, gid, groups }
    Disabled { runners, what, why }
    LeftOut { scripts }
    Weight { value, reverse }
    Tracked { scripts, files, processes }
    TrackScript { name, command, interval, timeout, weight, rise, fall, init_fail }
    TrackFile { name, path, weight, initial }
    InitialValue { value, overwrite }
    TrackProcess { name, process, parameters, matching, weight, quorum, quorum_max, terminate_delay, fork_delay }
    Tracker { name, weight }
    Trackers { interfaces, scripts, files, processes, bfd }
    Session {
        name, neighbor, source, min_rx, min_tx, idle_tx, multiplier, passive, ttl, full_ttl, hops, multihop, weight,
        tells_vrrp, tells_checkers
    }
}

choice! {
    IpvsNamespace { 0 => Same, 1 => Initial, 2 => Named(value) }
    AutoPriority { 0 => Off, 1 => Never, 2 => UpTo(value) }
    ReloadFile { 0 => Off, 1 => Usual, 2 => At(value) }
    Control { 0 => Usual, 1 => Off, 2 => At(value) }
    Listen { 0 => Address(value), 1 => Path(value) }
    DynamicInterfaces { 0 => No, 1 => Yes, 2 => AllowChanges }
    AdvertBuffer { 0 => System, 1 => Mtu, 2 => LargestAdvert, 3 => Bytes(value) }
    SetNames { 0 => NoSets, 1 => Named(value) }
    FlushOnStop { 0 => No, 1 => All, 2 => VirtualServers }
    Action { 0 => Execute(value), 1 => Open(value) }
    Runner { 0 => Vrrp, 1 => Checker, 2 => Supervisor }
    ParameterMatch { 0 => Command, 1 => Exact, 2 => Initial, 3 => Partial }
    Hops { 0 => AtMost(value), 1 => Any }
}
