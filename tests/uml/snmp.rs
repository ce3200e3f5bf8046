//! What SNMP shows of the balancer, beside what the real keepalived shows: through the real snmpd, with the real tools.

#![expect(clippy::disallowed_methods, reason = "it runs programs and reads what they write")]

use crate::daemon::Daemon;
use crate::guest::{Story, run};
use crate::wait::eventually;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub(crate) const STORIES: &[Story] = &[("snmp_shows_the_balancer", snmp_shows_the_balancer)];

const KEEPALIVED: &str = ".1.3.6.1.4.1.9586.100.5";

const CONFIGURATION: &str = "global_defs {
    router_id R1
    notification_email {
        a@example.org
    }
    notification_email_from k@example.org
    smtp_server 192.0.2.25
    smtp_connect_timeout 10
    snmp_socket unix:/run/snmp/master
    enable_traps
    enable_snmp_checker
    snmp_vs_stats_update_interval 0.5
    script_user root
    lvs_timeouts tcp 800 tcpfin 30 udp 200
}
virtual_server_group GR {
    10.0.0.7 80
    10.0.0.8-9 80
    fwmark 9
}
virtual_server 10.0.0.5 80 {
    delay_loop 3
    lvs_sched wrr
    lvs_method NAT
    protocol TCP
    persistence_timeout 60
    persistence_granularity 255.255.255.0
    snmp_name \"the shop\"
    virtualhost www.example.org
    quorum 2
    hysteresis 1
    quorum_up \"/usr/bin/true up\"
    quorum_down /usr/bin/true
    alpha
    omega
    retry 3
    delay_before_retry 2.5
    warmup 0.5
    connect_timeout 4
    smtp_alert
    sorry_server 127.0.0.1 8080
    real_server 127.0.0.1 81 {
        weight 3
        snmp_name first
        notify_up \"/usr/bin/true u\"
        uthreshold 100
        lthreshold 50
        inhibit_on_failure
        MISC_CHECK {
            misc_path /usr/bin/true
        }
    }
    real_server 127.0.0.1 82 {
        weight 1
        lvs_method TUN type gue port 6080
        MISC_CHECK {
            misc_path /usr/bin/false
            retry 0
        }
    }
}
virtual_server fwmark 5 {
    lvs_sched sh
    sh-port
    sh-fallback
    lvs_method DR
    ops
    real_server 10.0.0.2 0 {
        weight 2
        delay_loop 7
    }
}
virtual_server group GR {
    lvs_sched mh
    mh-port
    lvs_method TUN
    protocol UDP
    ops
    real_server 10.0.0.3 80 {
        weight 1
    }
}
virtual_server 2001:db8::5 443 {
    lvs_sched rr
    lvs_method DR
    protocol TCP
    persistence_timeout 50
    persistence_granularity 64
    real_server 2001:db8::6 443 {
        weight 1
    }
}
";

/// Objects that differ, and why.
const DIFFERENT: &[(&str, &str)] = &[
    (".1.1.0", "the version"),
    (".3.3.1.51.", "no granularity is 128, and only where there is IPv6"),
    (".3.3.1.60.", "what real servers inherit is not kept"),
];

struct Agent(Child);

impl Agent {
    fn start() -> Self {
        std::fs::create_dir_all("/run/snmp").expect("/run is the guest's");
        let lines = "master agentx\nagentXSocket unix:/run/snmp/master\nagentaddress udp:127.0.0.1:1161\nrocommunity public\n";
        std::fs::write("/run/snmp/snmpd.conf", lines).expect("/run is the guest's");
        let mut command = Command::new("/usr/sbin/snmpd");
        command.args(["-f", "-Lf", "/run/snmp/log", "-C", "-c", "/run/snmp/snmpd.conf"]).env("MIBS", "");
        let child = command.env("SNMP_PERSISTENT_DIR", "/run/snmp/kept").stdin(Stdio::null()).spawn();
        let agent = Self(child.unwrap_or_else(|error| unreachable!("snmpd does not start ({error}): install snmpd and snmp")));
        eventually("the agent answers", || (!walk(".1.3.6.1.2.1.1.3").is_empty()).then_some(()));
        agent
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn walk(below: &str) -> BTreeMap<String, String> {
    let mut command = Command::new("snmpwalk");
    command.args("-On -Oe -Ox -v2c -c public -t 5 127.0.0.1:1161".split(' ')).arg(below).env("MIBS", "");
    let said = command.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let mut objects: Vec<(String, String)> = Vec::new();
    for line in said.lines() {
        match line.split_once(" = ").filter(|(name, _)| name.starts_with(".1.3")) {
            Some((_, value)) if value.starts_with("No ") => {}
            Some((name, value)) => objects.push((name.to_owned(), value.trim_end().to_owned())),
            None => objects.last_mut().into_iter().for_each(|(_, value)| *value = format!("{value} {}", line.trim_end())),
        }
    }
    objects.into_iter().collect()
}

/// All objects once both checks have come to their ends.
fn settled() -> BTreeMap<String, String> {
    eventually("one is up and one is down", || {
        let alive = walk(&format!("{KEEPALIVED}.3.4.1.6.1"));
        alive.values().map(String::as_str).eq(["INTEGER: 1", "INTEGER: 2"]).then_some(())
    });
    walk(KEEPALIVED)
}

/// Through a virtual server to nobody: what counts is that it was tried.
fn connect() {
    drop(std::net::TcpStream::connect_timeout(&([10, 0, 0, 5], 80).into(), std::time::Duration::from_millis(200)));
}

fn snmp_shows_the_balancer() {
    run("ip link add eth0 type dummy");
    run("ip link set eth0 up");
    for address in ["10.0.0.1/24", "10.0.0.5/32"] {
        run(&format!("ip addr add {address} dev eth0"));
    }
    let agent = Agent::start();
    let folder = Path::new("/run/theirs");
    std::fs::create_dir_all(folder).expect("/run is the guest's");
    std::os::unix::fs::symlink("/usr/sbin/keepalived", folder.join("keepalived")).expect("/run is the guest's");
    let keepalived = Daemon::start(folder, CONFIGURATION);
    let theirs = settled();
    keepalived.stop();
    eventually("nothing is served", || walk(KEEPALIVED).is_empty().then_some(()));

    let folder = Path::new("/run/ours");
    std::fs::create_dir_all(folder).expect("/run is the guest's");
    let daemon = Daemon::start(folder, CONFIGURATION);
    let ours = settled();
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let (mut wrong, mut excused) = (Vec::new(), BTreeSet::new());
    for name in names.iter().filter(|name| ours.get(**name) != theirs.get(**name)) {
        match DIFFERENT.iter().find(|(prefix, _)| name.starts_with(&format!("{KEEPALIVED}{prefix}"))) {
            Some((prefix, _)) => drop(excused.insert(prefix)),
            None => wrong.push(format!("{name}: {:?} and {:?}", ours.get(*name), theirs.get(*name))),
        }
    }
    assert!(theirs.len() > 300 && wrong.is_empty(), "of {} objects {} differ:\n{}", theirs.len(), wrong.len(), wrong.join("\n"));
    assert_eq!(excused.len(), DIFFERENT.len(), "{excused:?}");

    connect();
    let counted = |name: &str| walk(&format!("{KEEPALIVED}{name}")).into_values().next();
    eventually("the kernel's counters are shown", || (counted(".3.3.1.38.1")? == "Counter64: 1").then_some(()));
    assert_eq!(counted(".3.4.1.27.1.2").as_deref(), Some("Counter64: 1"), "of the real server too");
    daemon.stop();
    eventually("nothing is served any more", || walk(KEEPALIVED).is_empty().then_some(()));
    drop(agent);
}
