//! What the world is told: scripts, FIFOs and mail of standfast and of the real keepalived in the same story, side by side.

#![expect(clippy::disallowed_methods, reason = "scripts, pipes and clocks are real here")]

use crate::bench::lan::Side;
use crate::bench::packet::{Forged, Mac};
use crate::bench::{Daemon, Host, Lan, Program, Sender, Stream, eventually, pause};
use crate::smtp::Server;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::net::Ipv4Addr;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

fn standfast() -> Program {
    Program::standfast(env!("CARGO_BIN_EXE_standfast"))
}

const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER_MAC: Mac = Mac([2, 0, 0, 0, 0, 2]);

/// A FIFO that is there before the daemon, and what has come out of it.
struct Pipe {
    file: fs::File,
    text: String,
}

impl Pipe {
    fn new(path: &Path) -> Self {
        nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
        let file = fs::OpenOptions::new().read(true).write(true).custom_flags(nix::libc::O_NONBLOCK).open(path).expect("a FIFO");
        Self { file, text: String::new() }
    }

    fn text(&mut self) -> &str {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = self.file.read(&mut buffer) {
            self.text.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
        &self.text
    }

    #[track_caller]
    fn wait(&mut self, line: &str, times: usize) {
        let found = crate::bench::wait::within(crate::bench::PATIENCE, || {
            (self.text().lines().filter(|told| *told == line).count() >= times).then_some(())
        });
        assert!(found.is_some(), "not {times} times: {line}\n{}", self.text);
    }
}

fn script(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("a host's folder is writable");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

/// All that one program told, by whom it was told, in the order in which it was told that one. Programs that start scripts side by
/// side, as keepalived does, have no order between the one for a state and the one for any.
type Traces = BTreeMap<String, Vec<String>>;

struct Stage {
    daemon: Daemon,
    host: Host,
    pipe: Pipe,
    server: Server,
    peer: Host,
    _lan: Lan,
}

impl Stage {
    fn new(program: &Program) -> Self {
        let lan = Lan::new();
        let (host, peer) = (Host::new("router"), Host::new("peer"));
        lan.join(Side::Left, &host, "eth0", &["10.0.0.1/24"]);
        lan.join(Side::Left, &host, "eth1", &["10.1.0.1/24"]);
        lan.join(Side::Left, &peer, "eth0", &["10.0.0.2/24"]);
        let server = host.run(|| Server::new(&[]));
        let folder = host.folder().to_owned();
        let pipe = Pipe::new(&folder.join("fifo"));
        fs::write(folder.join("file"), "0").expect("a host's folder is writable");
        // One write for each call, so that calls side by side do not mix.
        script(&folder.join("told"), &format!("l=\"$*\"; echo \"$l\" >> {}/told.log", folder.display()));
        let daemon = Daemon::start(&host, program, &configuration(&folder, server.address.port(), true));
        Self { daemon, host, pipe, server, peer, _lan: lan }
    }

    fn master(&self, vrid: u8, priority: u8, address: &str) -> Stream {
        let address = address.parse().expect("an address");
        let frame = Forged { version: 3, interval: 20, ..Forged::new(PEER_MAC, PEER, vrid, priority, &[address]) }.frame();
        Stream::start(Sender::new(&self.peer, "eth0"), Duration::from_millis(200), move |_| frame.clone())
    }

    fn traces(mut self) -> Traces {
        let mut traces = Traces::new();
        let log = fs::read_to_string(self.host.folder().join("told.log")).unwrap_or_default();
        for line in log.lines() {
            let mut words = line.split(' ');
            let (kind, object) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let key = if kind == "any" {
                format!("notify of {}", line.split(' ').nth(2).unwrap_or_default())
            } else {
                format!("{kind} of {object}")
            };
            traces.entry(key).or_default().push(line.to_owned());
        }
        for line in self.pipe.text().lines() {
            traces.entry(format!("FIFO about {}", line.split(' ').nth(1).unwrap_or_default())).or_default().push(line.to_owned());
        }
        // Of those about the end, keepalived hands over none, and we what the time allows.
        let whole = |mail: &String| mail.ends_with("\n.\nQUIT\n") && !mail.contains(" - Stopping");
        for mail in self.server.heard().into_iter().filter(whole) {
            let line = |start: &str| mail.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned();
            let subject = line("Subject: ");
            let about = subject.split(" - ").next().unwrap_or_default().to_owned();
            let same = mail.lines().filter(|line| !line.starts_with("Date: ")).collect::<Vec<_>>().join("|");
            // Recipients stand on one line in 2.2.7, and on one each in 2.4.3.
            let same = same.replace(",| ", ", ");
            assert!(line("Date: ").len() > 20, "{mail}");
            traces.entry(format!("mail, {about}")).or_default().push(same);
        }
        traces
    }
}

fn configuration(folder: &Path, port: u16, with_deleted: bool) -> String {
    let told = folder.join("told").display().to_string();
    let notify = |name: &str, stops: bool| {
        let kinds = ["master", "backup", "fault"].into_iter().chain(stops.then_some("stop"));
        let specific: String = kinds.map(|kind| format!("notify_{kind} \"{told} {kind} {name}\"\n")).collect();
        format!("{specific}notify \"{told} any\"\nsmtp_alert\n")
    };
    let instance = |name: &str, vrid: u8, priority: u8, interface: &str, more: &str| {
        format!(
            "vrrp_instance {name} {{\nversion 3\ninterface {interface}\nvirtual_router_id {vrid}\npriority {priority}\nadvert_int 0.2\n\
             virtual_ipaddress {{\n10.0.0.{vrid}/32\n}}\n{}{more}}}\n",
            notify(name, true)
        )
    };
    let shown = folder.display();
    let mut text = format!(
        "global_defs {{\nenable_script_security\nscript_user root\nrouter_id LAB\nnotification_email {{\nops@example.org\nsecond@example.org\n}}\n\
         notification_email_from ka@example.org\nsmtp_server 127.0.0.1 {port}\nsmtp_helo_name lab.example.org\n\
         vrrp_notify_fifo {shown}/fifo\nvrrp_notify_priority_changes true\n}}\n\
         track_file file {{\nfile {shown}/file\nweight 1\n}}\n\
         vrrp_sync_group G {{\ngroup {{\nA\nB\n}}\n{}}}\n",
        notify("G", true)
    );
    text.push_str(&instance("A", 51, 100, "eth0", ""));
    text.push_str(&instance("B", 52, 100, "eth0", ""));
    text.push_str(&instance("C", 53, 100, "eth1", "track_file {\nfile\n}\n"));
    text.push_str(&instance("D", 54, 100, "eth0", &format!("notify_master_rx_lower_pri \"{told} lower D\"\n")));
    if with_deleted {
        text.push_str(&instance("E", 55, 100, "eth0", ""));
        text.push_str(&instance("F", 56, 100, "eth0", &format!("notify_deleted \"{told} deleted F\"\n")));
    }
    text
}

fn story(program: &Program) -> Traces {
    let mut stage = Stage::new(program);
    let settle = || pause(Duration::from_millis(500));
    for name in ["A", "B", "C", "D", "E", "F"] {
        stage.pipe.wait(&format!("INSTANCE \"{name}\" MASTER 100"), 1);
    }
    stage.pipe.wait("GROUP \"G\" MASTER 0", 1);
    settle();
    // A better router for a member of the group.
    let better = stage.master(51, 200, "10.0.0.51");
    stage.pipe.wait("GROUP \"G\" BACKUP 0", 2);
    stage.pipe.wait("INSTANCE \"B\" BACKUP 100", 2);
    drop(better);
    stage.pipe.wait("GROUP \"G\" MASTER 0", 2);
    stage.pipe.wait("INSTANCE \"B\" MASTER 100", 2);
    settle();
    // A worse one.
    let sender = Sender::new(&stage.peer, "eth0");
    let worse = Forged { version: 3, interval: 20, ..Forged::new(PEER_MAC, PEER, 54, 50, &[Ipv4Addr::new(10, 0, 0, 54)]) }.frame();
    eventually("it is sent", || sender.send(&worse).then_some(()));
    stage.pipe.wait("INSTANCE \"D\" MASTER_RX_LOWER_PRI 100", 1);
    settle();
    // Another priority, and an interface that is lost and found.
    fs::write(stage.host.folder().join("file"), "20").expect("a host's folder is writable");
    stage.pipe.wait("INSTANCE \"C\" MASTER_PRIORITY 120", 1);
    settle();
    stage.host.ip("link set eth1 down");
    stage.pipe.wait("INSTANCE \"C\" FAULT 120", 1);
    settle();
    stage.host.ip("link set eth1 up");
    stage.pipe.wait("INSTANCE \"C\" MASTER 120", 1);
    settle();
    // Two that are no more.
    let folder = stage.host.folder().to_owned();
    stage.daemon.reload(&configuration(&folder, stage.server.address.port(), false));
    stage.pipe.wait("INSTANCE \"F\" DELETED 100", 1);
    stage.pipe.wait("INSTANCE \"E\" FAULT 100", 1);
    pause(Duration::from_secs(2));
    assert!(stage.daemon.stop().success(), "{}", stage.daemon.text());
    stage.pipe.wait("GROUP \"G\" STOP 0", 1);
    let heard = |stage: &Stage| stage.server.heard().len();
    let mut last = (heard(&stage), SystemTime::now());
    eventually("no more mail", || {
        let now = heard(&stage);
        if now != last.0 {
            last = (now, SystemTime::now());
        }
        last.1.elapsed().is_ok_and(|quiet| quiet > Duration::from_secs(2)).then_some(())
    });
    stage.traces()
}

#[test]
fn the_world_is_told_the_same_as_by_keepalived() {
    let (ours, theirs) = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| story(&Program::keepalived()));
        (story(&standfast()), theirs.join().expect("the story of keepalived"))
    });
    let mut differences = Vec::new();
    for key in ours.keys().chain(theirs.keys()).collect::<std::collections::BTreeSet<_>>() {
        let of = |traces: &Traces| traces.get(key).cloned().unwrap_or_default();
        let mut theirs = of(&theirs);
        // At a reload 2.2.7 takes what is tracked for new, and tells of the priority that it has told of before, in a state that is
        // not the one it is in.
        theirs.retain(|line| line != "INSTANCE \"C\" BACKUP_PRIORITY 120");
        if of(&ours) != theirs {
            differences.push(format!("{key}\n   ours: {:#?}\n   theirs: {:#?}", of(&ours), theirs));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn pipes_are_told_all_states_again_after_a_reload_where_that_is_asked_for() {
    let (lan, host) = (Lan::new(), Host::new("router"));
    lan.join(Side::Left, &host, "eth0", &["10.0.0.1/24"]);
    lan.join(Side::Left, &host, "eth1", &["10.1.0.1/24"]);
    host.ip("link set eth1 down");
    let mut pipe = Pipe::new(&host.folder().join("fifo"));
    let conf = |more: &str| {
        let instance = |name: &str, vrid: u8, interface: &str| {
            format!(
                "vrrp_instance {name} {{\nversion 3\ninterface {interface}\nvirtual_router_id {vrid}\nadvert_int 0.1\nvirtual_ipaddress {{\n10.0.0.{vrid}\n}}\n}}\n"
            )
        };
        format!(
            "global_defs {{\nnotify_fifo {}/fifo\n{more}}}\nvrrp_sync_group G {{\ngroup {{\nA\n}}\n}}\n{}{}",
            host.folder().display(),
            instance("A", 51, "eth0"),
            instance("B", 52, "eth1")
        )
    };
    let daemon = Daemon::start(&host, &standfast(), &conf(""));
    pipe.wait("GROUP \"G\" MASTER 0", 1);
    pipe.wait("INSTANCE \"B\" FAULT 100", 1);
    let before = pipe.text().len();
    daemon.reload(&conf("fifo_write_vrrp_states_on_reload\n"));
    daemon.wait_said("Reload complete");
    pipe.wait("INSTANCE \"B\" FAULT 100", 2);
    assert_eq!(&pipe.text()[before..], "GROUP \"G\" MASTER 0\nINSTANCE \"A\" MASTER 100\nINSTANCE \"B\" FAULT 100\n");
    let before = pipe.text().len();
    daemon.reload(&conf(""));
    daemon.wait_said_times("Reload complete", 2);
    pause(Duration::from_millis(500));
    assert_eq!(&pipe.text()[before..], "", "nobody has asked for it any more");
}

/// A hundred changes a second, each with a script that takes longer than until the next one.
fn flap(seconds: u64) {
    let (lan, host) = (Lan::new(), Host::new("router"));
    lan.join(Side::Left, &host, "eth0", &["10.0.0.1/24"]);
    let folder = host.folder().to_owned();
    let shown = folder.display().to_string();
    let text = format!(
        "cd {shown}; mkdir lock || echo $3 >> overlaps; echo $3 > last.$$; mv last.$$ last; sleep 0.02; echo $3 >> all; rmdir lock"
    );
    script(&folder.join("told"), &text);
    fs::write(folder.join("file"), "0").expect("a host's folder is writable");
    let conf = format!(
        "global_defs {{\nenable_script_security\nscript_user root\n}}\ntrack_file file {{\nfile {shown}/file\nweight 0\n}}\n\
         vrrp_instance VI {{\nversion 3\ninterface eth0\nvirtual_router_id 51\npriority 255\nadvert_int 0.01\nvirtual_ipaddress {{\n10.0.0.51\n}}\n\
         track_file {{\nfile\n}}\nnotify {shown}/told\n}}\n"
    );
    let daemon = Daemon::start(&host, &standfast(), &conf.replace("priority 255", "priority 254"));
    let last = || fs::read_to_string(folder.join("last")).unwrap_or_default().trim().to_owned();
    eventually("it is master", || (last() == "MASTER" && host.has_address("10.0.0.51")).then_some(()));
    let is_idle = || eventually("no script runs", || (daemon.processes().len() == 2).then_some(()));
    is_idle();
    let open = || crate::bench::cost::descriptors(&daemon.processes());
    let before = open();
    let begin = std::time::Instant::now();
    let mut flaps = 0_u32;
    while begin.elapsed() < Duration::from_secs(seconds) {
        flaps += 1;
        fs::write(folder.join("file"), if flaps % 2 == 1 { "1" } else { "0" }).expect("a host's folder is writable");
        pause((begin + Duration::from_millis(10) * flaps).saturating_duration_since(std::time::Instant::now()));
    }
    for (content, state) in [("1", "FAULT"), ("0", "MASTER")] {
        fs::write(folder.join("file"), content).expect("a host's folder is writable");
        // Between two scripts there is a moment without any, and what was told before may be the same by chance.
        let is_so = || (pause(Duration::from_millis(10)), last() == state && daemon.processes().len() == 2).1;
        eventually("the last one is told last", || (0..10).all(|_| is_so()).then_some(()));
        assert_eq!(host.has_address("10.0.0.51"), state == "MASTER");
    }
    let overlaps = fs::read_to_string(folder.join("overlaps")).unwrap_or_default();
    assert_eq!(overlaps, "", "two at once");
    eventually("every descriptor is closed", || (open() == before).then_some(()));
    let told = fs::read_to_string(folder.join("all")).unwrap_or_default().lines().count();
    println!("{flaps} changes of the file, {told} scripts, {} times FAULT", daemon.said("Entering FAULT STATE"));
    assert!(daemon.said("Entering FAULT STATE") > usize::try_from(seconds).expect("small"), "it has flapped");
}

#[test]
fn flapping_leaves_the_last_state_told_and_nothing_behind() {
    flap(std::env::var("FLAP_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3));
}

#[test]
#[ignore = "takes a minute: make soak"]
fn flapping_for_a_minute_leaves_the_last_state_told_and_nothing_behind() {
    flap(60);
}
