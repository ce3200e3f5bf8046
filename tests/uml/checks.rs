//! Weights, sessions, and what the world is told.

#![expect(clippy::disallowed_methods, reason = "it makes files and threads")]

use crate::balancer::{TCP_CHECK, has, virtual_server};
use crate::daemon::Daemon;
use crate::guest::{Story, run, table};
use crate::place::{Place, Server, folder};
use crate::wait::eventually;
use crate::writes::Writes;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::sync::{Arc, Mutex};

pub(crate) const STORIES: &[Story] =
    &[("weights", weights), ("a session", a_session), ("sync daemon", sync_daemon), ("what is told", what_is_told)];

/// It starts many daemons, which those beside it would feel.
pub(crate) const ROOM: &[Story] = &[("room", room)];

const SERVICE: &str = "10.0.0.100:80";

fn host(addresses: &[&str]) {
    run("ip link add d0 type dummy");
    for address in addresses {
        run(&format!("ip addr add {address}/24 dev d0"));
    }
    run("ip link set d0 up multicast on");
}

/// As a whole or not at all.
fn put(file: &Path, text: &str) {
    let new = file.with_extension("new");
    fs::write(&new, text).expect("it is ours");
    fs::rename(new, file).expect("it is ours");
}

/// What goes wrong after a change goes wrong in this time.
fn settle() {
    std::thread::sleep(std::time::Duration::from_secs(3));
}

fn weights() {
    host(&["10.0.0.1"]);
    let folder = folder("weights");
    let (file, switch, code, script) = (folder.join("file"), folder.join("switch"), folder.join("code"), folder.join("script"));
    put(&file, "0");
    put(&switch, "0");
    put(&code, "0");
    fs::write(&script, format!("#!/bin/sh\nread code <{}\nexit $code\n", code.display())).expect("it is ours");
    run(&format!("chmod 755 {}", script.display()));
    let configuration = format!(
        "global_defs {{
    script_user root
}}
track_file value {{
    file {}
    weight 2
}}
track_file switch {{
    file {}
    weight 0
}}
virtual_server 10.0.0.100 80 {{
    delay_loop 1
    warmup 0
    lb_algo wrr
    lb_kind NAT
    protocol TCP
    real_server 10.0.0.11 80 {{
        weight 10
        FILE_CHECK {{
            track_file value
        }}
    }}
    real_server 10.0.0.12 80 {{
        weight 10
        FILE_CHECK {{
            track_file switch
        }}
    }}
    real_server 10.0.0.13 80 {{
        weight 10
        MISC_CHECK {{
            misc_path \"{}\"
            misc_dynamic
            misc_timeout 20
        }}
    }}
}}
",
        file.display(),
        switch.display(),
        script.display()
    );
    let daemon = Daemon::start(&folder, &configuration);
    let (a, b, c) = ("10.0.0.11:80", "10.0.0.12:80", "10.0.0.13:80");
    daemon.says("Misc check");
    has(SERVICE, &[(a, 10), (b, 10), (c, 10)]);
    put(&file, "5");
    put(&code, "52");
    has(SERVICE, &[(a, 20), (b, 10), (c, 50)]);
    put(&file, "-7");
    put(&switch, "1");
    put(&code, "2");
    has(SERVICE, &[(a, 0), (c, 0)]);
    put(&switch, "0");
    put(&code, "1");
    has(SERVICE, &[(a, 0), (b, 10)]);
    put(&file, "1");
    put(&code, "32");
    has(SERVICE, &[(a, 12), (b, 10), (c, 30)]);
    // What was measured outlives a reload and the process, and nobody else has it for a moment.
    let writes = Writes::watch();
    for _ in 0..5 {
        daemon.reload(&configuration);
    }
    daemon.kill_checker();
    daemon.says("as a predecessor left it");
    daemon.says_again("Activating 1 healthcheckers", 1);
    settle();
    assert_eq!(writes.take(), [0_u8; 0]);
    put(&file, "2");
    has(SERVICE, &[(a, 14), (b, 10), (c, 30)]);
    put(&code, "0");
    has(SERVICE, &[(a, 14), (b, 10), (c, 10)]);
    daemon.stop();
    assert_eq!(table(), [""; 0]);
}

fn a_session() {
    let peer = Place::new("session-peer");
    host(&["10.0.0.1"]);
    run("ip link add v0 type veth peer name v1 netns session-peer");
    run("ip addr add 192.168.9.1/24 dev v0");
    run("ip link set v0 up");
    peer.ip("addr add 192.168.9.2/24 dev v1");
    peer.ip("link set v1 up");
    let session = |own, neighbor| {
        format!(
            "bfd_instance way {{
    neighbor_ip {neighbor}
    source_ip {own}
    min_rx 300
    min_tx 300
    idle_tx 1000
    multiplier 10
}}
"
        )
    };
    let servers = virtual_server("10.0.0.100", "NAT", "", &["10.0.0.11"], "BFD_CHECK {\n            name way\n        }");
    let other = virtual_server("10.0.0.101", "NAT", "", &["10.0.0.11"], "");
    let configuration = format!("{}{servers}{other}", session("192.168.9.1", "192.168.9.2"));
    let daemon = Daemon::start(&folder("session"), &configuration);
    let up = [("10.0.0.11:80", 1)];
    has(SERVICE, &[]);
    let neighbor = Daemon::start_in(&peer, &folder("session-peer"), &session("192.168.9.2", "192.168.9.1"));
    has(SERVICE, &up);
    peer.ip("link set v1 down");
    has(SERVICE, &[]);
    peer.ip("link set v1 up");
    has(SERVICE, &up);
    // Whoever carries on hears of the sessions again, and nobody takes one for lost that is not.
    let writes = Writes::watch();
    for _ in 0..3 {
        daemon.reload(&configuration);
    }
    daemon.kill_checker();
    daemon.says("as a predecessor left it");
    settle();
    daemon.kill_bfd();
    daemon.says_again("Starting BFD child process", 1);
    settle();
    assert_eq!(writes.take(), [0_u8; 0]);
    has(SERVICE, &up);
    peer.ip("link set v1 down");
    has(SERVICE, &[]);
    peer.ip("link set v1 up");
    has(SERVICE, &up);
    neighbor.stop();
    has(SERVICE, &[]);
    has("10.0.0.101:80", &up);
    daemon.stop();
    assert_eq!(table(), [""; 0]);
}

fn sync_daemon() {
    let peer = Place::new("sync-peer");
    host(&["10.0.0.1"]);
    run("ip link add v0 type veth peer name v1 netns sync-peer");
    run("ip addr add 192.168.9.1/24 dev v0");
    run("ip link set v0 up");
    peer.ip("link set v1 up");
    let servers = virtual_server("10.0.0.100", "NAT", "", &["10.0.0.11"], "");
    let configuration = format!(
        "global_defs {{
    lvs_sync_daemon d0 inst VI id 11 maxlen 1400 port 8849 ttl 8 group 224.0.0.82
}}
vrrp_instance VI {{
    interface v0
    virtual_router_id 51
    priority 100
    advert_int 3
    virtual_ipaddress {{
        192.168.9.100/32
    }}
}}
{servers}"
    );
    let daemon = Daemon::start(&folder("sync"), &configuration);
    let runs = |wanted: &str| {
        eventually(wanted, || {
            let running = run("ipvsadm -L --daemon");
            let running: Vec<&str> = running.lines().map(str::trim_end).collect();
            (running == [format!("{wanted} sync daemon (mcast=d0, syncid=11, maxlen=1400, group=224.0.0.82, port=8849, ttl=8)")])
                .then_some(())
        });
    };
    runs("backup");
    runs("master");
    peer.ip("link set v1 down");
    daemon.says("Entering FAULT STATE");
    runs("backup");
    peer.ip("link set v1 up");
    runs("master");
    // The process that checks has nothing to do with it.
    daemon.kill_checker();
    has(SERVICE, &[("10.0.0.11:80", 1)]);
    runs("master");
    daemon.stop();
    assert_eq!((run("ipvsadm -L --daemon").trim(), table()), ("", Vec::new()));
}

fn what_is_told() {
    host(&["10.0.0.1", "10.0.0.11", "10.0.0.12"]);
    let folder = folder("told");
    let (script, fifo, log) = (folder.join("tell"), folder.join("fifo"), folder.join("scripts"));
    fs::write(&script, format!("#!/bin/sh\necho \"$@\" >>{}\n", log.display())).expect("it is ours");
    run(&format!("chmod 755 {}", script.display()));
    run(&format!("mkfifo {}", fifo.display()));
    let lines = Arc::new(Mutex::new(Vec::new()));
    // For reading and writing: it is open as long as we are, whoever else comes and goes.
    let pipe = File::options().read(true).write(true).open(&fifo).expect("it is there");
    let heard = Arc::clone(&lines);
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            heard.lock().expect("no panic").push(line.trim_matches('\0').to_owned());
        }
    });
    let tell = script.display();
    let more = format!("quorum 2\n    quorum_up \"{tell} quorum up\"\n    quorum_down \"{tell} quorum down\"");
    let real = |last| {
        let at = format!("10.0.0.{last}");
        let check = format!("{TCP_CHECK}\n        notify_up \"{tell} {last} up\"\n        notify_down \"{tell} {last} down\"");
        let whole = virtual_server("10.0.0.100", "NAT", &more, &[&at], &check);
        whole
            .split_once("    real_server")
            .map(|(_, rest)| format!("    real_server{}", rest.trim_end().trim_end_matches('}')))
            .expect("it has one")
    };
    let frame = virtual_server("10.0.0.100", "NAT", &more, &[], "");
    let frame = frame.trim_end().trim_end_matches('}');
    let configuration =
        format!("global_defs {{\n    script_user root\n    lvs_notify_fifo {}\n}}\n{frame}{}{}}}\n", fifo.display(), real(11), real(12));
    let mut servers = [("10.0.0.11:80", "one"), ("10.0.0.12:80", "two")].map(|(at, name)| Some(Server::start(None, at, name)));
    let daemon = Daemon::start(&folder, &configuration);
    let (one, two) = (("10.0.0.11:80", 1), ("10.0.0.12:80", 1));
    daemon.says("TCP connection to [10.0.0.11]:tcp:80 success.");
    daemon.says("TCP connection to [10.0.0.12]:tcp:80 success.");
    servers[1] = None;
    has(SERVICE, &[one]);
    servers[0] = None;
    has(SERVICE, &[]);
    servers[0] = Some(Server::start(None, "10.0.0.11:80", "one"));
    has(SERVICE, &[one]);
    servers[1] = Some(Server::start(None, "10.0.0.12:80", "two"));
    has(SERVICE, &[one, two]);

    // Each of them hears of itself in order. What the scripts of one write may be overtaken by those of another.
    let scripts = ["11 down", "11 up", "12 down", "12 up", "quorum up", "quorum down", "quorum up"];
    let told = || {
        let mut lines = fs::read_to_string(&log).unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>();
        lines.sort_by(|one, other| one.split(' ').next().cmp(&other.split(' ').next()));
        lines
    };
    eventually("scripts", || (told().len() >= scripts.len()).then_some(()));
    assert_eq!(told(), scripts);
    let (vs, rs) = ("[10.0.0.100]:tcp:80", |last: u8| format!("[10.0.0.{last}]:tcp:80"));
    let wanted = [
        format!("VS {vs} UP"),
        format!("RS {} {vs} DOWN", rs(12)),
        format!("VS {vs} DOWN"),
        format!("RS {} {vs} DOWN", rs(11)),
        format!("RS {} {vs} UP", rs(11)),
        format!("RS {} {vs} UP", rs(12)),
        format!("VS {vs} UP"),
    ];
    let heard = || lines.lock().expect("no panic").clone();
    eventually("lines", || (heard().len() >= wanted.len()).then_some(()));
    assert_eq!(heard(), wanted);
    // Without omega nobody is told of the end.
    daemon.stop();
    assert_eq!((table(), heard().len(), told().len()), (Vec::new(), wanted.len(), scripts.len()));
}

/// Of each of the sockets that `ha_suspend` needs.
fn room() {
    host(&["10.0.0.1"]);
    let most: u32 = run("nsenter --target=1 --net cat /proc/sys/net/core/rmem_max").trim().parse().expect("a number");
    let more = most + 50_000;
    let folder = folder("room");
    for kind in ["cmd", "monitor"] {
        let keyword = format!("lvs_netlink_{kind}_rcv_bufs");
        for (lines, want) in [
            (format!("{keyword} 30000"), 30_000),
            (format!("{keyword} {more}"), most),
            (format!("{keyword} {more}\n{keyword}_force"), more),
        ] {
            // The kernel doubles it, for what it spends itself.
            let word = format!("rb{},", want * 2);
            // A socket that listens is shown twice.
            let sockets = || -> BTreeSet<String> {
                let is_route = |line: &&str| line.split_whitespace().nth(3).is_some_and(|at| at.starts_with("0:"));
                let all = run("ss -f netlink -a -m -n");
                all.lines().filter(is_route).filter(|line| line.contains(&word)).map(str::to_owned).collect()
            };
            assert_eq!(sockets(), BTreeSet::new(), "nobody else has that much");
            let configuration =
                format!("global_defs {{\n{lines}\n}}\n{}", virtual_server("10.0.0.100", "NAT", "ha_suspend", &["10.0.0.2"], TCP_CHECK));
            let daemon = Daemon::start(&folder, &configuration);
            eventually("it listens", || (sockets().len() == 1).then_some(()));
            daemon.stop();
        }
    }
}
