use super::GLOBAL;
use crate::config::host::{At, Found, Ids, ScriptPath, Stated};
use crate::config::keyword::root::ROOT;
use crate::config::testing::{load, round_trip};
use crate::model::global::process::{AutoPriority, IncludeCheck, IpvsNamespace, ReloadFile};
use crate::model::global::vrrp::{AdvertBuffer, Chains, DynamicInterfaces, ExtraGarp, SetNames};
use crate::model::global::{FlushOnStop, Global, ReceiveBuffer, SyncDaemon};
use crate::model::script::Action;
use std::net::IpAddr;
use std::time::Duration;

/// Every keyword once, none at its default.
const EVERYTHING: &str = r#"
linkbeat_use_polling
net_namespace blue
net_namespace_ipvs green
namespace_with_ipsets
use_pid_dir
instance left
child_wait_time 7
standfast {
}
global_defs {
 process_names
 process_name ka_parent
 vrrp_process_name ka_vrrp
 checker_process_name ka_check
 bfd_process_name ka_bfd
 max_auto_priority 50
 min_auto_priority_delay 2000
 vrrp_priority -5
 checker_priority 3
 bfd_priority -20
 vrrp_no_swap
 checker_no_swap
 bfd_no_swap
 vrrp_rt_priority 10
 checker_rt_priority 20
 bfd_rt_priority 99
 vrrp_cpu_affinity 1 2
 checker_cpu_affinity 3
 bfd_cpu_affinity 0
 vrrp_rlimit_rttime 20000
 checker_rlimit_rttime 1
 bfd_rlimit_rttime 30000
 router_id edge-1
 notification_email_from "Edge One <edge@example.org>"
 smtp_server mail.example.org 2525
 smtp_helo_name edge.example.org
 smtp_connect_timeout 12
 notification_email {
  ops@example.org noc@example.org
  night@example.org
 }
 smtp_alert
 smtp_alert_vrrp off
 smtp_alert_checker on
 no_email_faults
 script_user nobody :nogroup
 enable_script_security
 use_symlink_paths
 set_supplementary_groups
 startup_script "/opt/start 'a b'"
 startup_script_timeout 20
 shutdown_script /opt/stop root
 shutdown_script_timeout 30
 notify_fifo /run/all.fifo
 notify_fifo_script "/opt/read -a"
 vrrp_notify_fifo /run/vrrp.fifo root
 vrrp_notify_fifo_script "/opt/read -v" root
 lvs_notify_fifo "/run/lvs fifo" root nogroup
 lvs_notify_fifo_script "/opt/read -l"
 vrrp_notify_priority_changes
 fifo_write_vrrp_states_on_reload
 dynamic_interfaces allow_if_changes
 default_interface eth9
 disable_local_igmp
 v3_checksum_as_v2
 vrrp_mcast_group4 224.0.0.19
 vrrp_mcast_group6 ff02::13
 vrrp_min_garp
 vrrp_garp_master_delay 9
 vrrp_garp_master_repeat 2
 vrrp_garp_master_refresh 60
 vrrp_garp_master_refresh_repeat 3
 vrrp_garp_lower_prio_delay 4
 vrrp_garp_lower_prio_repeat 0
 vrrp_garp_interval 0.001
 vrrp_gna_interval .000001
 vrrp_garp_extra_if all 600
 vrrp_lower_prio_no_advert
 vrrp_higher_prio_send_advert
 vrrp_down_timer_adverts 4
 vrrp_version 3
 vrrp_check_unicast_src
 vrrp_skip_check_adv_addr
 vrrp_strict
 vrrp_owner_ignore_adverts
 log_unknown_vrids
 vmac_prefix vm
 vmac_addr_prefix va
 vrrp_startup_delay 5.5
 vrrp_delay_after_boot 100
 vrrp_rx_bufs_policy advert
 vrrp_rx_bufs_multiplier 4
 vrrp_netlink_cmd_rcv_bufs 1
 vrrp_netlink_cmd_rcv_bufs_force
 vrrp_netlink_monitor_rcv_bufs 2
 vrrp_netlink_monitor_rcv_bufs_force
 process_monitor_rcv_bufs 3
 process_monitor_rcv_bufs_force
 lvs_netlink_cmd_rcv_bufs 4
 lvs_netlink_cmd_rcv_bufs_force
 lvs_netlink_monitor_rcv_bufs 5
 lvs_netlink_monitor_rcv_bufs_force
 vrrp_ipsets ka
 nftables ka
 nftables_priority -2147483648
 nftables_ifindex
 nftables_counters
 nftables_ipvs
 nftables_ipvs_priority 7
 nftables_ipvs_start_fwmark 2000
 lvs_timeouts tcp 100 udp 0
 lvs_flush
 lvs_flush_on_stop VS
 lvs_sync_daemon eth1 inst VI_1 id 5 maxlen 1000 port 9000 ttl 2 group 224.0.0.82
 rs_init_notifies
 no_checker_emails
 checker_log_all_failures
 snmp_socket udp:localhost:705
 enable_traps
 enable_snmp_vrrp
 enable_snmp_checker
 snmp_vs_stats_update_interval 1.5
 snmp_rs_stats_update_interval 30
 enable_dbus
 dbus_service_name org.example.Vrrp
 dbus_no_interface_name nothing
 umask IRWXG | IROTH|IWOTH
 random_seed 5
 reload_check_config /var/log/reload
 reload_time_file /etc/reload.time
 reload_repeat
 reload_file /run/reloading
 include_check +read +wildcard_match -match
 config_save_dir /var/save
 tmp_config_directory /var/tmp
 data_use_instance
 json_version 2
 iproute_usr_dir /usr/lib/iproute2
 iproute_etc_dir /opt/iproute2
 state_dump_file /var/ka.data
 stats_dump_file /var/ka.stats
 json_dump_file /var/ka.json
}
"#;

fn host() -> Stated {
    let mut host = Stated::with(&["eth0"]).script("/opt/start").script("/opt/stop").script("/opt/read").script("/p");
    host.hosts.insert("mail.example.org".to_owned(), IpAddr::from([192, 0, 2, 25]));
    host.namespaces.insert("blue".to_owned(), std::collections::HashMap::new());
    host.others.insert(65534, vec![27, 1000]);
    host
}

fn global_defs(body: &str) -> (Global, Vec<String>) {
    let (model, problems) = load(&format!("global_defs {{\n{body}\n}}"), &host());
    (model.global, problems)
}

#[test]
fn every_keyword_has_its_effect_on_the_model() {
    let global = round_trip(EVERYTHING, &host()).global;
    let seconds = Duration::from_secs;

    let process = &global.process;
    assert!(process.linkbeat_use_polling && process.namespace_with_ipsets && process.use_pid_dir && process.process_names);
    assert_eq!(process.net_namespace.as_deref(), Some("blue"));
    assert_eq!(process.ipvs_namespace, IpvsNamespace::Named("green".into()));
    assert_eq!(process.instance.as_deref(), Some("left"));
    assert_eq!(process.child_wait_time, seconds(7));
    assert_eq!(process.process_name.as_deref(), Some("ka_parent"));
    let children = [&process.vrrp, &process.checker, &process.bfd];
    assert_eq!(children.map(|child| child.name.as_deref()), [Some("ka_vrrp"), Some("ka_check"), Some("ka_bfd")]);
    assert_eq!(children.map(|child| child.nice), [-5, 3, -20]);
    assert_eq!(children.map(|child| child.no_swap), [true; 3]);
    assert_eq!(children.map(|child| child.realtime), [Some(10), Some(20), Some(99)]);
    assert_eq!(children.map(|child| &child.cpus[..]), [&[1, 2][..], &[3], &[0]]);
    assert_eq!(children.map(|child| child.realtime_limit.as_micros()), [20_000, 2, 30_000]);
    assert_eq!((process.auto_priority, process.auto_priority_delay), (AutoPriority::UpTo(50), Duration::from_millis(2)));
    assert_eq!((process.umask, process.random_seed), (0o076, Some(5)));
    assert_eq!(process.reload.check.as_deref(), Some("/var/log/reload".as_ref()));
    assert_eq!(process.reload.time_file.as_deref(), Some("/etc/reload.time".as_ref()));
    assert!(process.reload.repeat);
    assert_eq!(process.reload.file, ReloadFile::At("/run/reloading".into()));
    assert_eq!(process.include_check, IncludeCheck { read: true, matching: false, wildcard: true, brace: false });
    assert_eq!(process.config_save_dir.as_deref(), Some("/var/save".as_ref()));
    assert_eq!(process.tmp_config_directory.as_deref(), Some("/var/tmp".as_ref()));
    assert_eq!(process.iproute_usr_dir.as_deref(), Some("/usr/lib/iproute2".as_ref()));
    assert_eq!(process.iproute_etc_dir.as_deref(), Some("/opt/iproute2".as_ref()));
    let dumps = &process.dumps;
    assert_eq!(dumps.state.as_deref(), Some("/var/ka.data".as_ref()));
    assert_eq!(dumps.stats.as_deref(), Some("/var/ka.stats".as_ref()));
    assert_eq!(dumps.json.as_deref(), Some("/var/ka.json".as_ref()));
    assert_eq!((dumps.name_instance, dumps.json_version), (true, 2));

    let mail = &global.mail;
    assert_eq!(&*mail.router_id, "edge-1");
    assert_eq!(&*mail.from, "Edge One <edge@example.org>");
    assert_eq!(mail.server.map(|server| server.to_string()).as_deref(), Some("192.0.2.25:2525"));
    assert_eq!((&*mail.helo_name, mail.timeout), ("edge.example.org", seconds(12)));
    assert_eq!(mail.recipients, ["ops@example.org", "noc@example.org", "night@example.org"].map(Box::from));
    assert_eq!((mail.alert, mail.alert_vrrp, mail.alert_checker, mail.no_faults), (Some(true), Some(false), Some(true), true));

    let scripts = &global.scripts;
    assert!(scripts.secure && scripts.use_symlink_paths && scripts.set_supplementary_groups);
    let startup = scripts.startup.as_ref().expect("a script");
    assert_eq!(startup.argv, ["/opt/start", "a b"].map(Box::from).into());
    assert_eq!((startup.uid, startup.gid), (65534, 65534));
    assert_eq!(startup.groups.as_deref(), Some(&[65534, 27, 1000][..]), "they are known before anybody runs it");
    assert_eq!(startup.action, Action::Execute("/opt/start".into()));
    assert_eq!(scripts.shutdown.as_ref().map(|script| script.uid), Some(0));
    assert_eq!((scripts.startup_timeout, scripts.shutdown_timeout), (seconds(20), seconds(30)));
    let fifos = [&scripts.fifo, &scripts.vrrp_fifo, &scripts.lvs_fifo].map(|fifo| fifo.as_ref().expect("a fifo"));
    assert_eq!(fifos.map(|fifo| fifo.path.to_str()), [Some("/run/all.fifo"), Some("/run/vrrp.fifo"), Some("/run/lvs fifo")]);
    assert_eq!(fifos.map(|fifo| (fifo.uid, fifo.gid)), [(65534, 65534), (0, 0), (0, 65534)]);
    assert_eq!(fifos.map(|fifo| fifo.script.as_ref().map(|script| script.uid)), [Some(65534), Some(0), Some(65534)]);
    assert!(scripts.notify_priority_changes && scripts.fifo_states_on_reload);

    let vrrp = &global.vrrp;
    assert_eq!(vrrp.dynamic_interfaces, DynamicInterfaces::AllowChanges);
    assert_eq!(vrrp.default_interface.as_deref(), Some("eth9"));
    assert!(vrrp.disable_local_igmp && vrrp.v3_checksum_as_v2 && vrrp.lower_prio_no_advert && vrrp.higher_prio_send_advert);
    assert!(vrrp.check_unicast_src && vrrp.skip_check_adv_addr && vrrp.strict && vrrp.owner_ignore_adverts && vrrp.log_unknown_vrids);
    assert_eq!((vrrp.mcast_group4.to_string(), vrrp.mcast_group6.to_string()), ("224.0.0.19".into(), "ff02::13".into()));
    assert_eq!((vrrp.garp.delay, vrrp.garp.repeat, vrrp.garp.refresh, vrrp.garp.refresh_repeat), (seconds(9), 2, seconds(60), 3));
    assert_eq!((vrrp.garp.lower_prio_delay, vrrp.garp.lower_prio_repeat), (Some(seconds(4)), Some(0)));
    assert_eq!((vrrp.garp.arp_interval, vrrp.garp.na_interval), (Duration::from_millis(1), Duration::from_micros(1)));
    assert_eq!(vrrp.garp.extra, Some(ExtraGarp { all: true, interval: seconds(600) }));
    assert_eq!((vrrp.down_timer_adverts, vrrp.version), (4, Some(3)));
    assert_eq!((vrrp.vmac_prefix.as_deref(), vrrp.vmac_addr_prefix.as_deref()), (Some("vm"), Some("va")));
    assert_eq!((vrrp.startup_delay, vrrp.delay_after_boot), (Duration::from_millis(5500), seconds(100)));
    assert_eq!((vrrp.receive_buffer, vrrp.receive_buffer_multiplier), (AdvertBuffer::LargestAdvert, 4));
    let forced = |size| ReceiveBuffer { size: Some(size), force: true };
    assert_eq!((vrrp.netlink.command, vrrp.netlink.monitor, process.process_monitor), (forced(1), forced(2), forced(3)));

    let firewall = &global.firewall;
    let sets = ["ka", "ka6", "ka_if6", "ka_igmp", "ka_mld", "ka_nd"].map(Box::from);
    assert_eq!(firewall.ipsets, Some(SetNames::Named(Box::new(sets))));
    assert_eq!((firewall.nftables.as_deref(), firewall.nftables_priority), (Some("ka"), i32::MIN));
    assert!(firewall.nftables_ifindex && firewall.nftables_counters);

    let lvs = &global.lvs;
    assert_eq!((lvs.netlink.command, lvs.netlink.monitor), (forced(4), forced(5)));
    assert_eq!((lvs.nftables.as_deref(), lvs.nftables_priority, lvs.nftables_start_fwmark), (Some("keepalived_ipvs"), 7, 2000));
    assert_eq!((lvs.timeouts.tcp, lvs.timeouts.tcp_fin, lvs.timeouts.udp), (Some(seconds(100)), None, Some(seconds(0))));
    assert_eq!((lvs.flush, lvs.flush_on_stop), (true, FlushOnStop::VirtualServers));
    let daemon = SyncDaemon {
        interface: "eth1".into(),
        instance: Some("VI_1".into()),
        id: Some(5),
        max_len: Some(1000),
        port: Some(9000),
        ttl: Some(2),
        group: Some(IpAddr::from([224, 0, 0, 82])),
    };
    assert_eq!(lvs.sync_daemon, Some(daemon));
    assert!(lvs.rs_init_notifies && lvs.no_checker_emails && lvs.log_all_failures);

    assert_eq!(global.snmp.socket.as_deref(), Some("udp:localhost:705"));
    assert!(global.snmp.traps && global.snmp.vrrp && global.snmp.checker);
    assert_eq!(global.snmp.virtual_server_stats, Duration::from_millis(1500));
    assert_eq!(global.snmp.real_server_stats, Some(seconds(30)));
    assert!(global.dbus.enabled);
    assert_eq!(global.dbus.service_name.as_deref(), Some("org.example.Vrrp"));
    assert_eq!(global.dbus.no_interface_name.as_deref(), Some("nothing"));
}

#[test]
fn no_keyword_lacks_an_example() {
    // nftables excludes it.
    let (iptables, _) = global_defs("vrrp_iptables IN OUT");
    assert_eq!(iptables.firewall.iptables, Some(Chains { input: "IN".into(), output: Some("OUT".into()) }));

    // A complaint comes with these.
    let mibs = ["enable_snmp_rfc", "enable_snmp_rfcv2", "enable_snmp_rfcv3"];
    for (keyword, want) in mibs.into_iter().zip([(true, true), (true, false), (false, true)]) {
        let (global, problems) = global_defs(keyword);
        assert_eq!((global.snmp.rfc2787, global.snmp.rfc6527), want, "{keyword}");
        assert!(problems.iter().any(|problem| problem.contains(keyword)), "{problems:?}");
    }
    let words: Vec<&str> =
        EVERYTHING.lines().chain(["vrrp_iptables"]).chain(mibs).filter_map(|line| line.split_ascii_whitespace().next()).collect();
    for keyword in GLOBAL.keywords {
        assert!(words.contains(&keyword.name), "{}", keyword.name);
        assert!(!keyword.doc.is_empty() && keyword.doc.ends_with('.'), "{}", keyword.name);
    }
    let process = ["linkbeat_use_polling", "net_namespace_ipvs", "namespace_with_ipsets", "use_pid_dir", "instance", "child_wait_time"];
    assert!(process.iter().all(|name| ROOT.find(name).is_some() && words.contains(name)));
}

#[test]
fn defaults_are_keepaliveds_and_the_machines() {
    let host = host();
    let global = round_trip("", &host).global;
    assert_eq!((&*global.mail.router_id, &*global.mail.helo_name, &*global.mail.from), ("router", "router", "root@router"));
    let plain = Global { mail: global.mail.clone(), ..Global::default() };
    assert_eq!(global, plain);
    assert_eq!((global.process.umask, global.vrrp.garp.repeat, global.vrrp.down_timer_adverts), (0o177, 5, 3));
}

#[test]
fn several_blocks_add_up() {
    let (model, problems) = load("global_defs {\n router_id a\n}\nglobal_defs foo {\n router_id b\n vrrp_strict\n}", &host());
    assert_eq!((&*model.global.mail.router_id, model.global.vrrp.strict), ("b", true));
    assert!(problems.is_empty());
}

#[test]
fn forms_that_mean_the_same() {
    for (body, same) in [
        ("max_auto_priority", "max_auto_priority 99"),
        ("smtp_alert", "smtp_alert yes"),
        ("umask 0x3f", "umask 63"),
        ("umask IRGRP|IWGRP | IXGRP", "umask IRWXG"),
        ("lvs_flush_onstop", "lvs_flush_on_stop"),
        ("enable_snmp_keepalived", "enable_snmp_vrrp"),
        ("nftables", "nftables keepalived"),
        ("vrrp_iptables", "vrrp_iptables INPUT OUTPUT"),
        ("reload_check_config", "reload_check_config /dev/null"),
        ("include_check", "include_check +read +match +wildcard_match +brace_match"),
        ("include_check brace_match", "include_check +read +brace_match"),
        ("vrrp_startup_delay 3\nvrrp_startup_delay 2", "vrrp_startup_delay 3"),
        ("lvs_sync_daemon eth0 VI_1", "lvs_sync_daemon eth0 inst VI_1"),
        ("vrrp_priority 0", ""),
        ("vrrp_garp_extra_if 5\nsmtp_helo_name", "vrrp_garp_extra_if 5"),
        ("vrrp_min_garp off", ""),
        ("vrrp_netlink_cmd_rcv_bufs 0", ""),
        ("vrrp_rx_bufs_policy mtu", "vrrp_rx_bufs_policy MTU"),
    ] {
        let (read, problems) = global_defs(body);
        assert!(problems.is_empty(), "{body}: {problems:?}");
        assert_eq!(read, global_defs(same).0, "{body}");
        round_trip(&format!("global_defs {{\n{body}\n}}"), &host());
    }
}

#[test]
fn fewest_announcements_take_effect_where_they_are_asked_for() {
    for (body, want) in [
        ("vrrp_min_garp", (0, 1, 0, 0)),
        ("vrrp_garp_master_delay 7\nvrrp_min_garp", (7, 1, 0, 0)),
        ("vrrp_min_garp\nvrrp_garp_master_delay 7\nvrrp_garp_master_refresh 60", (7, 1, 60, 0)),
        ("vrrp_garp_master_repeat 3\nvrrp_garp_master_refresh_repeat 2\nvrrp_min_garp on", (0, 3, 0, 2)),
        ("vrrp_min_garp\nvrrp_garp_master_refresh_repeat 1", (0, 1, 0, 1)),
    ] {
        let global = round_trip(&format!("global_defs {{\n{body}\n}}"), &host()).global;
        let garp = global.vrrp.garp;
        assert_eq!((garp.delay.as_secs(), garp.repeat, garp.refresh.as_secs(), garp.refresh_repeat), want, "{body}");
    }
}

/// What is wrong with a line of `global_defs`, and that it changes nothing unless stated otherwise below.
const FAULTS: &[(&str, &str)] = &[
    ("smtp_alert 1", "Invalid value '1' for smtp_alert"),
    ("use_symlink_paths x", "Invalid value 'x' for use_symlink_paths"),
    ("router_id", "routerid name missing - ignoring"),
    ("notification_email_from", "emailfrom missing - ignoring"),
    ("smtp_server nosuch.invalid", "Invalid smtp server nosuch.invalid 25"),
    ("smtp_server 192.0.2.1 x", "Invalid smtp server 192.0.2.1 x"),
    ("smtp_server 192.0.2.1 0", "Invalid smtp server 192.0.2.1 0"),
    ("smtp_connect_timeout 5000", "number '5000' outside range [0, 4294]"),
    ("startup_script", "startup script missing"),
    ("shutdown_script /p nosuch", "Invalid shutdown script"),
    ("startup_script_timeout", "startup_script_timeout requires value"),
    ("shutdown_script_timeout 1001", "number '1001' outside range [1, 1000]"),
    ("max_auto_priority 100", "number '100' outside range [-1, 99]"),
    ("min_auto_priority_delay", "min_auto_priority_delay requires delay time"),
    ("default_interface", "default_interface requires interface name"),
    ("lvs_timeouts", "lvs_timeouts requires at least one option"),
    ("lvs_timeouts udp", "No value specified for lvs_timeout udp - ignoring"),
    ("lvs_timeouts tcp 2678401", "number '2678401' outside range [0, 2678400]"),
    ("lvs_flush_on_stop foo", "Unknown lvs_flush_on_stop type foo"),
    ("lvs_sync_daemon", "lvs_sync_daemon requires interface"),
    ("lvs_sync_daemon an-interface-name", "lvs_sync_daemon interface name 'an-interface-name' too long - ignoring"),
    ("vrrp_mcast_group4 192.0.2.1", "vrrp_mcast_group4 [192.0.2.1] is not multicast. Skipping"),
    ("vrrp_mcast_group4 ff02::12", "vrrp_mcast_group4 [ff02::12] is not IPv4. Skipping"),
    ("vrrp_mcast_group6 x", "Can't parse vrrp_mcast_group6 [x]. Skipping"),
    ("vrrp_garp_master_delay 4295", "number '4295' outside range [0, 4294]"),
    ("vrrp_garp_master_refresh x", "invalid number 'x'"),
    ("vrrp_down_timer_adverts 101", "number '101' outside range [1, 100]"),
    ("vrrp_garp_interval 0", "number '0' outside range [0.000001, 4294.967295]"),
    ("vrrp_min_garp x", "Invalid value 'x' for vrrp_min_garp"),
    ("vrrp_garp_extra_if all", "vrrp_garp_extra_if specified without time - ignoring"),
    ("vrrp_version 4", "number '4' outside range [2, 3]"),
    ("vrrp_iptables \"\"", "VRRP Error : iptables chain name '' too long or empty - ignored"),
    ("vrrp_ipsets a a", "VRRP Error : ipset name 'a' too long, empty or used twice - ignored"),
    ("nftables \"\"", "nftables table name '' too long or empty - ignoring"),
    ("nftables_ipvs_start_fwmark 0", "number '0' outside range [1, 4294967295]"),
    ("vrrp_startup_delay 0", "number '0' outside range [0.001, 4294.967295]"),
    ("vrrp_rx_bufs_policy", "vrrp_rx_bufs_policy missing"),
    ("vrrp_rx_bufs_policy foo", "Invalid vrrp_rx_bufs_policy foo"),
    ("vrrp_rx_bufs_multiplier 1 2", "Invalid vrrp_rx_bufs_multiplier"),
    ("vrrp_priority", "No vrrp process priority specified"),
    ("bfd_priority 20", "number '20' outside range [-20, 19]"),
    ("vrrp_rt_priority", "No vrrp process real-time priority specified"),
    ("vrrp_rt_priority 27asdf", "vrrp process real-time priority '27asdf' invalid"),
    ("checker_rt_priority -3.5", "checker process real-time priority '-3.5' invalid"),
    ("vrrp_cpu_affinity", "No vrrp cpu_id set specified"),
    ("bfd_cpu_affinity 0 x", "Invalid cpu_id:x specified for bfd process"),
    ("checker_cpu_affinity 1 99", "Invalid cpu_id:99 specified for checker process"),
    ("vrrp_rlimit_rttime 0", "number '0' outside range [1, 4294967295]"),
    ("notify_fifo", "No notify_fifo name specified"),
    ("vrrp_notify_fifo_script", "No vrrp_notify_fifo_script specified"),
    ("snmp_socket", "SNMP error : snmp socket name missing"),
    ("snmp_socket a b", "Too many parameters specified for snmp_socket - ignoring"),
    ("dbus_service_name", "dbus_service_name missing - ignoring"),
    ("script_user", "No script username specified"),
    ("script_user nosuch", "Error setting global script uid/gid"),
    ("script_user root nosuch", "Error setting global script uid/gid"),
    ("vrrp_netlink_cmd_rcv_bufs", "vrrp_netlink_cmd_rcv_bufs size missing"),
    ("umask 999", "invalid umask value 999"),
    ("umask 01000", "invalid umask value 01000"),
    ("umask IRGRP IWGRP", "Invalid umask syntax IWGRP"),
    ("umask IRGRP | FOO", "Unknown umask bit FOO"),
    ("umask IRGRP |", "umask missing bit value"),
    ("reload_time_file a b", "reload_time_file invalid"),
    ("include_check foo", "Unknown include_check type 'foo' - ignoring"),
    ("config_save_dir /etc/passwd", "config_save_dir /etc/passwd exists and is not a directory"),
    ("tmp_config_directory", "tmp_config_directory missing directory name"),
    ("json_version 3", "number '3' outside range [1, 2]"),
    ("json_version", "json_version is missing a parameter after 'json_version'"),
    ("iproute_usr_dir a b", "invalid iproute_usr_dir"),
    ("state_dump_file \"\"", "invalid state_dump_file"),
    ("net_namespace x", "Unknown keyword 'net_namespace'"),
];

#[test]
fn a_bad_line_is_told_once_and_costs_only_itself() {
    let mut host = host();
    host.paths.insert("/etc/passwd".into(), At::File);
    let plain = load("global_defs {\n}", &host).0;
    for (line, fault) in FAULTS {
        let (model, problems) = load(&format!("global_defs {{\n{line}\n}}"), &host);
        let told: Vec<_> = problems.iter().filter(|text| !text.contains("does not exist")).collect();
        assert_eq!(told, [&format!("2: {fault}")], "{line}");
        assert_eq!(model, plain, "{line}");
    }
}

#[test]
fn a_missing_word_ends_keepalived() {
    for line in [
        "process_name",
        "smtp_server",
        "smtp_connect_timeout",
        "vrrp_mcast_group4",
        "vrrp_garp_master_delay",
        "vrrp_garp_master_refresh_repeat",
        "vrrp_garp_lower_prio_repeat",
        "vrrp_version",
        "nftables_priority",
        "vmac_prefix",
        "vrrp_startup_delay",
        "vrrp_rlimit_rttime",
        "snmp_vs_stats_update_interval",
        "umask",
        "random_seed",
        "config_save_dir",
        "lvs_sync_daemon eth0 inst",
    ] {
        let (_, problems) = global_defs(line);
        let keyword = line.split(' ').next().unwrap_or_default();
        assert!(problems[0].starts_with(&format!("2: *** Configuration line starting `{keyword}` is missing")), "{line}: {problems:?}");
    }
}

#[test]
fn some_values_are_mended_or_used_all_the_same() {
    let line = |body: &str| {
        let (global, problems) = global_defs(body);
        assert_eq!(problems.len(), 1, "{body}: {problems:?}");
        global
    };
    assert_eq!(line("process_name abcdefghijklmnopq").process.process_name.as_deref(), Some("abcdefghijklmno"));
    assert_eq!(line("process_name ééééééééé").process.process_name.as_deref(), Some("ééééééé"));
    assert_eq!(line("smtp_connect_timeout 0").mail.timeout, Duration::from_secs(1));
    assert_eq!(line("notification_email_from a@b c").mail.from.as_ref(), "a@b");
    assert_eq!(line("vrrp_garp_master_repeat 0").vrrp.garp.repeat, 1);
    assert_eq!(line("vrrp_rt_priority 0").process.vrrp.realtime, Some(1));
    assert_eq!(line("vrrp_rt_priority -1").process.vrrp.realtime, Some(1));
    assert_eq!(line("bfd_rt_priority 192").process.bfd.realtime, Some(99));
    assert_eq!(line("vrrp_mcast_group6 ff05::12").vrrp.mcast_group6.to_string(), "ff05::12");
    assert_eq!(line("dynamic_interfaces foo").vrrp.dynamic_interfaces, DynamicInterfaces::Yes);
    assert_eq!(line("vrrp_garp_master_delay 7s").vrrp.garp.delay, Duration::from_secs(7));
    assert_eq!(line("vrrp_rx_bufs_policy MTU ADVERT").vrrp.receive_buffer, AdvertBuffer::Mtu);
    assert_eq!(line("vrrp_rx_bufs_policy MTU 5000").vrrp.receive_buffer, AdvertBuffer::Bytes(5000));
    assert_eq!(line("vrrp_rx_bufs_policy 5000 MTU").vrrp.receive_buffer, AdvertBuffer::Bytes(5000));
    assert!(line("vrrp_vmac_garp_intvl 10").vrrp.garp.extra.is_some());
    assert!(line("enable_script_security off").scripts.secure);
    assert!(line("vrrp_garp_interval 2").vrrp.garp.arp_interval == Duration::from_secs(2));
    assert_eq!(line("lvs_process_name c").process.checker.name.as_deref(), Some("c"));
    let sync = |body: &str| line(body).lvs.sync_daemon.expect("a daemon");
    assert_eq!(sync("lvs_sync_daemon eth0 VI_1 7").id, Some(7));
    assert_eq!(sync("lvs_sync_daemon eth0 id 300").id, Some(0));
    assert_eq!(sync("lvs_sync_daemon eth0 id 1 foo").id, Some(1));
    assert_eq!(sync("lvs_sync_daemon eth0 maxlen 65508 port 9").port, Some(9));
    assert_eq!(sync("lvs_sync_daemon eth0 group 192.0.2.1").group, None);
    assert_eq!(sync("lvs_sync_daemon eth0 inst A inst B").instance.as_deref(), Some("A"));
    assert_eq!(sync("lvs_sync_daemon eth0 inst A id").id, Some(0));
}

#[test]
fn the_first_of_these_counts() {
    for (twice, fault) in [
        ("notify_fifo /a\nnotify_fifo /b", "notify_fifo already specified - ignoring /b"),
        ("notify_fifo_script /p\nnotify_fifo_script /q", "notify_fifo_script already specified - ignoring /q"),
        ("startup_script /p\nstartup_script /q", "startup script already specified"),
        ("nftables a\nnftables b", "nftables already specified - ignoring"),
        ("nftables_ipvs a\nnftables_ipvs b", "ipvs nftables already specified - ignoring"),
        ("vrrp_iptables A\nvrrp_iptables B", "vrrp_iptables already specified - ignoring"),
        ("vmac_prefix a\nvmac_prefix b", "vmac prefix has already been specified - ignoring"),
        ("snmp_socket a\nsnmp_socket b", "SNMP socket already set to a - ignoring"),
        ("tmp_config_directory /a\ntmp_config_directory /b", "tmp_config_directory already specified - ignoring"),
        ("lvs_sync_daemon eth0\nlvs_sync_daemon eth1", "lvs_sync_daemon has already been specified as eth0  - ignoring"),
        ("include_check read match", "Duplicate include_check 'match' specified - ignoring"),
    ] {
        let (_, problems) = global_defs(twice);
        let told: Vec<_> = problems.iter().filter(|text| text.contains(fault)).collect();
        assert_eq!(told.len(), 1, "{twice}: {problems:?}");
    }
    let (model, problems) = load("instance a\ninstance b\nnet_namespace_ipvs\nnet_namespace_ipvs b\ninstance", &host());
    assert_eq!(model.global.process.instance.as_deref(), Some("a"));
    assert_eq!(model.global.process.ipvs_namespace, IpvsNamespace::Initial);
    assert_eq!(
        problems,
        [
            "2: Duplicate instance definition b - ignoring",
            "4: Duplicate net_namespace_ipvs definition b - ignoring",
            "5: instance name missing - ignoring",
        ]
    );
}

#[test]
fn a_list_of_recipients_is_every_word_of_every_line() {
    let (model, problems) = load("global_defs {\n notification_email foo {\n  a@b c@d\n }\n notification_email {\n }\n}", &host());
    assert_eq!(model.global.mail.recipients, ["a@b", "c@d"].map(Box::from));
    assert_eq!(problems, ["2: Block notification_email has extra parameters foo ...", "6: Warning - empty notification_email block"]);
}

#[test]
fn inside_global_defs_the_user_of_scripts_depends_on_the_order() {
    let uids = |body: &str| {
        let (global, problems) = global_defs(body);
        let errors = problems.into_iter().filter(|text| text.contains("Unable") || text.contains("Invalid")).collect::<Vec<_>>();
        let uid = |script: &Option<crate::model::script::Script>| script.as_ref().map(|script| script.uid);
        (uid(&global.scripts.startup), global.scripts.fifo.map(|fifo| fifo.uid), errors)
    };
    assert_eq!(uids("startup_script /p\nscript_user nobody\nnotify_fifo /f\nenable_script_security"), (Some(0), Some(65534), vec![]));
    assert_eq!(
        uids("enable_script_security\nnotify_fifo /f\nstartup_script /p\nscript_user nobody"),
        (None, None, vec!["3: Unable to set default user keepalived_script for script".to_owned(), "4: Invalid startup script".to_owned()])
    );
    // Once settled, the default user stays.
    assert_eq!(uids("notify_fifo /f\nenable_script_security\nstartup_script /p"), (Some(0), Some(0), vec![]));
}

#[test]
fn pipes_are_not_shared() {
    let (global, _) = global_defs("notify_fifo /f\nvrrp_notify_fifo /f\nlvs_notify_fifo /g");
    assert_eq!((global.scripts.vrrp_fifo.is_some(), global.scripts.lvs_fifo.is_some()), (false, true));
    let (global, _) = global_defs("vrrp_notify_fifo /g\nvrrp_notify_fifo_script /p\nlvs_notify_fifo /g\nlvs_notify_fifo_script /p");
    let script = |fifo: Option<crate::model::global::scripts::Fifo>| fifo.map(|fifo| fifo.script.is_some());
    assert_eq!((script(global.scripts.vrrp_fifo), script(global.scripts.lvs_fifo)), (Some(true), Some(false)));
    let (global, problems) = global_defs("notify_fifo /f nosuch");
    assert_eq!((global.scripts.fifo, problems), (None, vec!["2: Script user 'nosuch' does not exist".to_owned()]));
}

#[test]
fn a_link_may_be_what_is_run() {
    let mut host = host();
    host.users.insert("keepalived_script".to_owned(), Ids { uid: 9, gid: 9 });
    let found = Found { path: "/usr/bin/x".into(), resolved: "/usr/bin/x-2".into() };
    host.scripts.insert("x".to_owned(), ScriptPath::Runs(found));
    let text = "global_defs {\n startup_script x\n use_symlink_paths\n enable_script_security\n}";
    let script = load(text, &host).0.global.scripts.startup.expect("a script");
    assert_eq!((script.action, script.uid), (Action::Execute("/usr/bin/x".into()), 9));
}

#[test]
fn without_the_namespace_nothing_else_matters() {
    let (model, problems) = load("net_namespace red\nvrrp_instance A {\n interface nowhere\n}", &host());
    assert_eq!(problems, ["1: Unable to find network namespace red - nothing else is looked at"]);
    assert!(model.vrrp.instances.is_empty());
}
