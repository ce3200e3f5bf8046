//! What SNMP shows and tells, beside what the real keepalived does: through the real snmpd, with the real tools.

#![expect(clippy::disallowed_methods, reason = "it runs programs and reads what they write")]

use crate::bench::{Daemon, Host, Program, eventually};
use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command};

const KEEPALIVED: &str = ".1.3.6.1.4.1.9586.100.5";
const VRRP: &str = ".1.3.6.1.2.1.68";
const VRRP_3: &str = ".1.3.6.1.2.1.207";
/// Where traps go.
const TRAPS: u16 = 1162;
const AGENT: &str = "127.0.0.1:1161";

fn standfast() -> Program {
    Program::standfast(env!("CARGO_BIN_EXE_standfast"))
}

/// A host with two interfaces, whatever runs on it.
struct Station {
    host: Host,
    agent: Option<Child>,
    listener: Child,
    /// Where the agent takes subagents.
    socket: String,
}

impl Station {
    fn new(name: &str) -> Self {
        Self::at(name, None)
    }

    /// Without an address the agent has a socket in the host's folder.
    fn at(name: &str, address: Option<&str>) -> Self {
        let host = Host::new(name);
        for (at, interface) in ["eth0", "eth1"].into_iter().enumerate() {
            host.ip(&format!("link add {interface} address 02:00:00:00:00:0{at} type veth peer name peer{at}"));
            host.ip(&format!("link set peer{at} up"));
            host.ip(&format!("addr add 10.{at}.0.1/24 dev {interface}"));
            host.ip(&format!("link set {interface} up"));
        }
        let socket = address.map_or_else(|| format!("unix:{}/master", host.folder().display()), str::to_owned);
        let write = |name: &str, text: &str| std::fs::write(host.folder().join(name), text).expect("a host's folder is writable");
        let lines = ["master agentx", &format!("agentXSocket {socket}"), &format!("agentaddress udp:{AGENT}"), "rwcommunity public"];
        write("snmpd.conf", &format!("{}\ntrap2sink 127.0.0.1:{TRAPS} public\n", lines.join("\n")));
        write("snmptrapd.conf", "disableAuthorization yes\n");
        let listener =
            host.spawn(&program(&host, "/usr/sbin/snmptrapd", &["-n", "-On", "-Oe", "-F", "%v\n", &format!("127.0.0.1:{TRAPS}")]));
        // What the agent tells before somebody listens is lost.
        let listening = |host: &Host| host.attempt("cat /proc/net/udp").is_ok_and(|sockets| sockets.contains(&format!(":{TRAPS:04X} ")));
        eventually("traps are listened for", || listening(&host).then_some(()));
        let mut station = Self { host, agent: None, listener, socket };
        station.start_agent();
        eventually("the agent's own first trap is heard", || (!station.traps().is_empty()).then_some(()));
        station
    }

    fn start_agent(&mut self) {
        self.agent = Some(self.host.spawn(&program(&self.host, "/usr/sbin/snmpd", &[])));
        eventually("the agent answers", || (!self.walk(".1.3.6.1.2.1.1.3").is_empty()).then_some(()));
    }

    fn stop_agent(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            agent.kill().expect("it is our child");
            agent.wait().expect("it is our child");
        }
    }

    /// All objects below that one, with their types.
    fn walk(&self, below: &str) -> BTreeMap<String, String> {
        let options = "-On -Oe -Ox -v2c -c public -t 2 -r 1";
        let said =
            self.host.attempt(&format!("env MIBS= SNMPCONFPATH=/nonexistent snmpwalk {options} {AGENT} {below}")).unwrap_or_default();
        let mut objects: Vec<(String, String)> = Vec::new();
        for line in said.lines() {
            match line.split_once(" = ").filter(|(name, _)| name.starts_with(".1.3")) {
                Some((_, value)) if value.starts_with("No ") => {}
                Some((name, value)) => objects.push((name.to_owned(), value.trim_end().to_owned())),
                // Long ones go on.
                None => objects.last_mut().into_iter().for_each(|(_, value)| *value = format!("{value} {}", line.trim_end())),
            }
        }
        objects.into_iter().collect()
    }

    fn value(&self, name: &str) -> Option<String> {
        self.walk(name).into_values().next()
    }

    /// Without the time, each as its name and its variables.
    fn traps(&self) -> Vec<String> {
        let log = std::fs::read(self.host.folder().join("snmptrapd.log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).into_owned();
        let traps = log.lines().filter(|line| line.starts_with('.'));
        traps.map(|trap| trap.split_once('\t').map_or("", |(_, rest)| rest).trim_end().to_owned()).collect()
    }

    fn traps_of(&self, name: &str) -> Vec<String> {
        let name = format!("= OID: {name}\t");
        self.traps().into_iter().filter(|trap| trap.contains(&name)).collect()
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        self.stop_agent();
        drop(self.listener.kill());
        drop(self.listener.wait());
    }
}

fn program(host: &Host, path: &str, more: &[&str]) -> Command {
    assert!(std::path::Path::new(path).exists(), "{path} is missing: install the packages snmpd, snmptrapd and snmp");
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut command = Command::new(path);
    command.args(["-f", "-C", "-c"]).arg(host.folder().join(format!("{name}.conf")));
    command.arg("-Lf").arg(host.folder().join(format!("{name}.log"))).args(more);
    command.env("MIBS", "").env("SNMP_PERSISTENT_DIR", host.folder().join(name));
    command
}

fn configuration(socket: &str) -> String {
    format!("{}{REST}", GLOBAL.replace("SOCKET", socket))
}

const GLOBAL: &str = "global_defs {
    router_id R1
    notification_email {
        a@example.org
        b@example.org
    }
    notification_email_from k@example.org
    smtp_server 192.0.2.25 2525
    smtp_connect_timeout 17
    smtp_alert
    snmp_socket SOCKET
    enable_traps
    enable_snmp_vrrp
    enable_snmp_rfc
    script_user root
    vrrp_garp_master_delay 3
}
";

const REST: &str = "static_ipaddress {
    10.9.0.1/24 dev eth0 scope link
    2001:db8:9::1/64 dev eth0
}
static_routes {
    192.0.2.0/24 via 10.0.0.254 dev eth0 metric 7 table 100
    blackhole 198.51.100.0/24 no_track
}
static_rules {
    from 10.77.0.0/16 table 77 priority 777
}
track_file numbers {
    file /proc/sys/vm/overcommit_memory
    weight 0
}
vrrp_script good {
    script \"/usr/bin/true with\"
    interval 3
    weight 5
    rise 2
    fall 3
}
vrrp_script bad {
    script /usr/bin/false
    interval 1
    weight -7
}
vrrp_track_process nobody {
    process no-such-program 100
    weight 4
    quorum 1
    quorum_max 3
    delay 2
}
vrrp_sync_group G1 {
    group {
        V1
        V2
    }
    sync_group_tracking_weight
    notify_master \"/usr/bin/true group\"
    notify /usr/bin/true
    smtp_alert
}
vrrp_instance V1 {
    interface eth0
    virtual_router_id 51
    priority 150
    garp_master_delay 4
    authentication {
        auth_type PASS
        auth_pass secret
    }
    virtual_ipaddress {
        10.0.0.100/24 brd 10.0.0.255 label eth0:v
        10.0.0.101 dev eth1
    }
    virtual_ipaddress_excluded {
        10.0.0.111
        2001:db8::111
    }
    virtual_routes {
        203.0.113.0/24 via 10.0.0.254 dev eth0 mtu lock 1400 hoplimit 9 advmss 1300 initcwnd 13 quickack 1 congctl cubic
        198.51.100.0/25 nexthop via 10.0.0.253 dev eth0 weight 3 nexthop via 10.0.0.254 dev eth0 weight 4
    }
    virtual_rules {
        from 10.5.0.0/16 to 10.6.0.0/16 table 55 preference 99
        not to 10.7.0.0/16 goto 900 preference 80
        from 10.8.0.0/16 blackhole preference 81
    }
    track_script {
        good
    }
    track_interface {
        eth1
    }
    track_file {
        numbers weight 1
    }
    track_process {
        nobody
    }
    notify_master \"/usr/bin/true m 'a b'\"
    notify_backup /usr/bin/true
    notify_fault /usr/bin/false
    notify_stop \"/usr/bin/true s\"
    notify /usr/bin/true
    notify_master_rx_lower_pri /usr/bin/true
    smtp_alert
}
vrrp_instance V2 {
    interface eth0
    virtual_router_id 52
    priority 100
    version 3
    advert_int 0.5
    accept
    virtual_ipaddress {
        fe80::52/64
        2001:db8::52/64
    }
    notify_deleted /usr/bin/true
}
vrrp_instance V3 {
    interface eth1
    virtual_router_id 53
    priority 90
    preempt_delay 3.5
    track_script {
        bad weight -3
    }
    virtual_ipaddress {
        10.1.0.53/24
    }
}
";

/// What a walk shows that has come to rest: three masters, and everything in the kernel.
fn settled(station: &Station, daemon: &Daemon) -> BTreeMap<String, String> {
    let state = format!("{KEEPALIVED}.2.3.1.4");
    eventually("all are masters", || {
        let states = station.walk(&state);
        (states.len() == 3 && states.values().all(|state| state == "INTEGER: 2")).then_some(())
    });
    let scripts = format!("{KEEPALIVED}.2.9.1.6");
    eventually("all scripts have run", || (station.walk(&scripts).values().all(|result| result != "INTEGER: 1")).then_some(()));
    // What is shown may be a second old.
    crate::bench::pause(std::time::Duration::from_secs(2));
    let objects = [KEEPALIVED, VRRP, VRRP_3].into_iter().flat_map(|below| station.walk(below)).collect();
    assert!(daemon.vrrp().is_some(), "{}", daemon.text());
    objects
}

/// Objects that differ, and why.
const DIFFERENT: &[(&str, &str)] = &[
    (".1.3.6.1.4.1.9586.100.5.1.1.0", "the version"),
    (".1.3.6.1.4.1.9586.100.5.2.3.1.11.", "keepalived calls the interface tracked of the first instance alone"),
    (".1.3.6.1.4.1.9586.100.5.2.3.1.27.", "0 is not a value of the MIB"),
    (".1.3.6.1.4.1.9586.100.5.2.6.1.11.", "keepalived calls the addresses of the first instance alone advertised"),
    (".1.3.6.1.4.1.9586.100.5.2.7.1.18.", "keepalived leaves out the protocol of routes that it does not track"),
    (".1.3.6.1.4.1.9586.100.5.2.8.1.33.", "keepalived leaves out the protocol of rules"),
    (".1.3.6.1.4.1.9586.100.5.2.12.1.3.", "keepalived shows the file's own weight"),
    (".1.3.6.1.2.1.68.1.3.1.", "keepalived lists the first instance alone, and not itself as the master"),
    (".1.3.6.1.2.1.68.2.", "keepalived lists the first instance alone; what is of no instance is not counted"),
    (".1.3.6.1.2.1.207.1.1.1.1.12.", "a time"),
    (".1.3.6.1.2.1.207.1.1.2.1.2.", "the index has a length before the address"),
    (".1.3.6.1.2.1.207.1.2.1.0", "not counted"),
    (".1.3.6.1.2.1.207.1.2.2.0", "not counted"),
    (".1.3.6.1.2.1.207.1.2.3.0", "not counted"),
    (".1.3.6.1.2.1.207.1.2.5.1.6.", "told by traps"),
];

#[test]
fn all_objects_are_as_keepalived_shows_them() {
    let stations = [Station::new("ours"), Station::new("theirs")];
    let programs = [standfast(), Program::keepalived()];
    let daemons: Vec<Daemon> = stations
        .iter()
        .zip(&programs)
        .map(|(station, program)| Daemon::start(&station.host, program, &configuration(&station.socket)))
        .collect();
    let [ours, theirs] = [0, 1].map(|at| settled(&stations[at], &daemons[at]));
    assert!(theirs.len() > 300, "keepalived shows {} objects", theirs.len());
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let (mut wrong, mut excused) = (Vec::new(), BTreeSet::new());
    for name in names {
        let (own, their) = (ours.get(name), theirs.get(name));
        if own == their {
            continue;
        }
        match DIFFERENT.iter().find(|(prefix, _)| name.starts_with(prefix)) {
            Some((prefix, _)) => drop(excused.insert(prefix)),
            None => wrong.push(format!("{name}: {own:?} and {their:?}")),
        }
    }
    assert!(wrong.is_empty(), "{} objects differ:\n{}", wrong.len(), wrong.join("\n"));
    for (prefix, why) in DIFFERENT {
        assert!(excused.contains(prefix), "{prefix} does not differ: {why}");
    }
}

#[test]
fn transitions_are_told_as_keepalived_tells_them() {
    let [ours, theirs] = [("ours", standfast()), ("theirs", Program::keepalived())].map(|(name, program)| {
        let station = Station::new(name);
        let mut daemon = Daemon::start(&station.host, &program, &configuration(&station.socket));
        settled(&station, &daemon);
        station.host.ip("link set eth0 down");
        let state = format!("{KEEPALIVED}.2.1.1.3.1");
        eventually("the group is in fault", || (station.value(&state)? == "INTEGER: 3").then_some(()));
        assert!(daemon.stop().success(), "{}", daemon.text());
        let stops = || station.traps_of(&format!("{KEEPALIVED}.2.10.0.1")).iter().filter(|trap| trap.contains("INTEGER: 5")).count();
        eventually("the stop is told", || (stops() == 1).then_some(()));
        eventually("of all", || {
            (station.traps_of(&format!("{KEEPALIVED}.2.10.0.2")).iter().filter(|t| t.contains("INTEGER: 5")).count() == 3).then_some(())
        });
        let of = |what: &str| {
            let mut traps = station.traps_of(what);
            traps.sort();
            traps
        };
        let group = station.traps_of(&format!("{KEEPALIVED}.2.10.0.1"));
        let rest = [format!("{KEEPALIVED}.2.10.0.2"), format!("{VRRP}.0.1"), format!("{VRRP_3}.0.1")].map(|what| of(&what));
        (group, rest)
    });
    assert_eq!(ours, theirs);
    assert!(ours.1.iter().all(|traps| !traps.is_empty()), "{ours:?}");
}

#[test]
fn an_agent_that_goes_disturbs_nothing_and_is_found_again() {
    let mut station = Station::at("tcp", Some("tcp:127.0.0.1:1705"));
    let daemon = Daemon::start(&station.host, &standfast(), &configuration(&station.socket));
    settled(&station, &daemon);
    let process = daemon.vrrp();
    station.stop_agent();
    daemon.wait_said("SNMP agent tcp:127.0.0.1:1705: cannot be reached: it has ended the connection");
    // Nobody hears of this.
    station.host.ip("link set eth1 down");
    daemon.wait_said("(V3) Entering FAULT STATE");
    station.start_agent();
    let state = format!("{KEEPALIVED}.2.3.1.4.3");
    eventually("it is served again", || (station.value(&state)? == "INTEGER: 3").then_some(()));
    assert_eq!(daemon.said("cannot be reached"), 1, "{}", daemon.text());
    assert_eq!(daemon.vrrp(), process);
    let fault = || {
        station.traps_of(&format!("{KEEPALIVED}.2.10.0.2")).into_iter().find(|trap| trap.contains("\"V3\"") && trap.contains("INTEGER: 3"))
    };
    eventually("what was to be told meanwhile is told", fault);
}

#[test]
fn a_reload_turns_it_on_and_off() {
    let station = Station::new("reload");
    let on = configuration(&station.socket);
    let off = on.replace("enable_snmp_vrrp\n", "").replace("enable_snmp_rfc\n", "");
    let without_rfc = on.replace("enable_snmp_rfc\n", "enable_snmp_rfcv2\n");
    let daemon = Daemon::start(&station.host, &standfast(), &off);
    daemon.wait_said("(V3) Entering MASTER STATE");
    let shown = || [KEEPALIVED, VRRP, VRRP_3].map(|below| !station.walk(below).is_empty());
    assert_eq!(shown(), [false; 3]);
    for (text, want) in [(&on, [true; 3]), (&without_rfc, [true, true, false]), (&off, [false; 3]), (&on, [true; 3])] {
        daemon.reload(text);
        eventually("it is served as configured", || (shown() == want).then_some(()));
    }
}

#[test]
fn nothing_can_be_set() {
    let station = Station::new("set");
    let daemon = Daemon::start(&station.host, &standfast(), &configuration(&station.socket));
    settled(&station, &daemon);
    let priority = format!("{KEEPALIVED}.2.3.1.7.1");
    let set = format!("env MIBS= snmpset -On -v2c -c public {AGENT} {priority} i 99");
    let refused = station.host.attempt(&set).expect_err("it must be refused");
    assert!(refused.contains("notWritable"), "{refused}");
    assert_eq!(station.value(&priority).as_deref(), Some("INTEGER: 150"));
}
