//! The running daemon, asked: by its control socket and for metrics, by those who behave and those who do not. Each test has
//! network, mounts and processes of its own, which end with it; that takes the superuser's rights, without which it fails.

#![expect(clippy::disallowed_methods, reason = "processes are started here, and waited for")]

use crate::room::{self, PATIENCE, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const CONF: &str = "/run/w/k.conf";
const SOCKET: &str = "/run/keepalived.sock";

/// The other end of e0 is in the namespace "right".
const ROOM: &str = "ip netns add right
ip link set p0 netns right
ip -n right addr add 10.9.0.20/24 dev p0
ip -n right link set p0 up";

fn inside(name: &str, test: impl FnOnce()) {
    room::inside(&format!("control::{name}"), ROOM, test);
}

fn instance(name: &str, interface: &str, vrid: u8, priority: u8) -> String {
    format!(
        "vrrp_instance {name} {{\ninterface {interface}\nvirtual_router_id {vrid}\npriority {priority}\nadvert_int 0.5\nversion 3\n\
         virtual_ipaddress {{\n10.9.0.{vrid}/24\n}}\n}}\n"
    )
}

fn standfast(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_standfast")).args(words).stdin(Stdio::null()).output().expect("it runs")
}

/// Its exit status, and what it said on either way.
fn ask(words: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = standfast(words);
    (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

fn status(words: &[&str]) -> Value {
    let output = standfast(&[&["status", "--json"], words].concat());
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    answer["status"].clone()
}

struct Daemon(Child);

impl Daemon {
    /// One that is up, which is when it answers.
    fn up(text: &str, extra: &[&str]) -> Self {
        let conf = if extra.is_empty() { CONF } else { "/run/w/other.conf" };
        fs::write(conf, text).expect("a configuration");
        let mut command = Command::new(env!("CARGO_BIN_EXE_standfast"));
        command.args(["-n", "-G", "-f", conf]).args(extra).env_remove("NOTIFY_SOCKET");
        let daemon = Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the daemon"));
        let socket = if extra.is_empty() { SOCKET } else { "/run/keepalived/right/keepalived.sock" };
        wait_until("the daemon", || {
            let status = status(&["--socket", socket]);
            let processes = status["processes"].as_array().cloned().unwrap_or_default();
            !processes.is_empty() && processes.iter().all(|process| process["answers"] == true)
        });
        daemon
    }

    fn stop(mut self) {
        kill(pid(u64::from(self.0.id())), Signal::SIGTERM).expect("it is there");
        assert_eq!(self.0.wait().expect("a child of ours").code(), Some(0));
    }
}

fn pid(number: u64) -> Pid {
    Pid::from_raw(i32::try_from(number).expect("a pid"))
}

fn vrrp() -> Option<Pid> {
    fs::read_to_string("/run/vrrp.pid").ok()?.trim().parse().ok().map(Pid::from_raw)
}

fn state_of(status: &Value, name: &str) -> String {
    let instances = status["vrrp"]["instances"].as_array().cloned().unwrap_or_default();
    let found = instances.iter().find(|instance| instance["name"] == name);
    found.and_then(|instance| instance["state"].as_str()).unwrap_or_default().to_owned()
}

fn becomes(name: &str, state: &str, words: &[&str]) {
    wait_until(&format!("{name} {state}"), || state_of(&status(words), name) == state);
}

/// One line there, one line back.
fn exchange(line: &str) -> Value {
    let mut stream = UnixStream::connect(SOCKET).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("a flag");
    stream.write_all(line.as_bytes()).expect("written");
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).expect("an answer");
    serde_json::from_str(&answer).unwrap_or(Value::Null)
}

#[test]
fn status_is_told_to_people_and_to_programs() {
    inside("status_is_told_to_people_and_to_programs", || {
        let (code, said) = ask(&["status"]);
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains("the daemon is not running: there is no /run/keepalived.sock"), "{said}");
        let daemon = Daemon::up(&instance("A", "e0", 51, 150), &[]);
        assert_eq!(fs::metadata(SOCKET).expect("there").mode() & 0o777, 0o600);
        becomes("A", "MASTER", &[]);
        let (code, said) = ask(&["status"]);
        assert_eq!(code, Some(0), "{said}");
        for part in ["running for", "PROCESS", "INSTANCE", "A         MASTER", "150", "10.9.0.51/24"] {
            assert!(said.contains(part), "{part}\n{said}");
        }
        let told = status(&[]);
        assert_eq!(told["daemon"]["pid"], json!(daemon.0.id()));
        assert_eq!(told["vrrp"]["instances"][0]["counters"]["became_master"], 1);
        assert_eq!((told["checkers"].is_null(), told["processes"][0]["name"].as_str()), (true, Some("vrrp")));
        // By the PID file, and on a connection that asks twice.
        assert_eq!(ask(&["status", "--pid=/run/keepalived.pid"]).0, Some(0));
        let mut stream = UnixStream::connect(SOCKET).expect("connected");
        let line = "{\"version\":1,\"request\":\"status\"}\n";
        stream.write_all(line.repeat(2).as_bytes()).expect("written");
        let mut lines = BufReader::new(stream).lines();
        for _ in 0..2 {
            let answer: Value = serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON");
            assert_eq!((&answer["ok"], &answer["version"]), (&json!(true), &json!(1)));
        }
        let (code, said) = ask(&["explain", "B"]);
        assert!(code == Some(1) && said.contains("there is no instance"), "{said}");
        daemon.stop();
        assert!(!Path::new(SOCKET).exists(), "it is removed at the end");
        assert_eq!(ask(&["watch"]).0, Some(3));
    });
}

#[test]
fn a_process_that_hangs_is_told_of_and_holds_nobody_up() {
    inside("a_process_that_hangs_is_told_of_and_holds_nobody_up", || {
        let metrics = "standfast {\nmetrics /run/w/m.sock\nmetrics_names native cafebazaar\n}\n";
        let daemon = Daemon::up(&format!("{metrics}{}", instance("A", "e0", 51, 150)), &[]);
        let role = vrrp().expect("a process");
        kill(role, Signal::SIGSTOP).expect("it is there");
        // What it said last is good for a moment.
        wait_until("its silence", || ask(&["status"]).0 == Some(2));
        for _ in 0..3 {
            let (code, said) = ask(&["status"]);
            assert!(code == Some(2) && said.contains("does not answer"), "{said}");
        }
        let (code, said) = ask(&["explain", "A"]);
        assert!(code == Some(2) && said.contains("do not answer: vrrp"), "{said}");
        let text = http_unix("GET /metrics HTTP/1.1\r\n\r\n");
        assert!(text.contains("standfast_process_answers{process=\"vrrp\"} 0\n") && text.contains("\nkeepalived_up 0\n"), "{text}");
        kill(role, Signal::SIGCONT).expect("it is there");
        wait_until("an answer", || ask(&["status"]).0 == Some(0));
        // One that dies is told of too, and its successor answers.
        kill(role, Signal::SIGKILL).expect("it is there");
        wait_until("a successor", || {
            let process = &status(&[])["processes"][0];
            process["starts"] == 2 && process["answers"] == true
        });
        daemon.stop();
    });
}

#[test]
fn whoever_misbehaves_disturbs_nobody() {
    inside("whoever_misbehaves_disturbs_nobody", || {
        let metrics = "standfast {\nmetrics 127.0.0.1:9650\n}\n";
        let daemon = Daemon::up(&format!("{metrics}{}", instance("A", "e0", 51, 150)), &[]);
        becomes("A", "MASTER", &[]);
        for (line, code) in [
            ("\n", "malformed"),
            ("GET / HTTP/1.1\r\n", "malformed"),
            ("\u{0}\u{1}\u{2}\n", "malformed"),
            ("{\"version\":7,\"request\":\"status\"}\n", "version"),
            ("{\"version\":1,\"request\":\"dance\"}\n", "unknown"),
        ] {
            let answer = exchange(line);
            assert_eq!((&answer["ok"], &answer["error"]["code"]), (&json!(false), &json!(code)), "{line:?}");
        }
        assert_eq!(exchange(&"x".repeat(5000))["error"]["code"], "malformed");
        let sent = || status(&[])["vrrp"]["instances"][0]["counters"]["adverts_sent"].as_u64().unwrap_or_default();
        let before = sent();
        // Many who say nothing, or half of something, and never read.
        let mut crowd = Vec::new();
        for number in 0..1000 {
            if let Ok(mut stream) = UnixStream::connect(SOCKET) {
                if number % 3 == 0 {
                    drop(stream.write_all(b"{\"version\":1,\"requ"));
                }
                if number % 3 == 1 {
                    drop(stream.write_all(b"{\"version\":1,\"request\":\"status\"}\n"));
                }
                crowd.push(stream);
            }
            if let Ok(mut stream) = TcpStream::connect("127.0.0.1:9650")
                && number % 5 == 0
            {
                drop(stream.write_all(b"GET /metrics HTTP/1.1\r\nX: "));
            }
        }
        assert!(crowd.len() > 900, "they are let in");
        // The others are answered, adverts go on, and who dies is replaced.
        wait_until("five adverts", || sent() >= before + 5);
        let role = vrrp().expect("a process");
        kill(role, Signal::SIGKILL).expect("it is there");
        wait_until("another process", || vrrp().is_some_and(|new| new != role));
        wait_until("an answer of it", || ask(&["status"]).0 == Some(0));
        let told = status(&[]);
        let counters = &told["vrrp"]["instances"][0]["counters"];
        assert_eq!((&*state_of(&told, "A"), &counters["became_master"], &counters["released_master"]), ("MASTER", &json!(1), &json!(0)));
        let descriptors = fs::read_dir(format!("/proc/{}/fd", daemon.0.id())).expect("a list").count();
        assert!(descriptors < 120, "{descriptors} descriptors are open");
        drop(crowd);
        daemon.stop();
    });
}

fn http_unix(request: &str) -> String {
    let mut stream = UnixStream::connect("/run/w/m.sock").expect("connected");
    stream.write_all(request.as_bytes()).expect("written");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    text
}

fn http(address: &str, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.write_all(request.as_bytes()).expect("written");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.to_owned())
}

#[test]
fn metrics_are_had_everywhere_they_are_wanted() {
    inside("metrics_are_had_everywhere_they_are_wanted", || {
        let block = "standfast {\nmetrics 127.0.0.1:9650\nmetrics [::1]:9650\nmetrics /run/w/m.sock\nmetrics_names native cafebazaar gen2brain\n}\n";
        let daemon = Daemon::up(&format!("{block}{}{}", instance("A", "e0", 51, 150), instance("B", "e0", 52, 150)), &[]);
        becomes("B", "MASTER", &[]);
        for address in ["127.0.0.1:9650", "[::1]:9650"] {
            let (head, body) = http(address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
            assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("text/plain; version=0.0.4"), "{head}");
            assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}\n{}", body.len());
            let value = |series: &str| body.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse::<f64>().ok());
            assert_eq!(value("standfast_process_up{process=\"vrrp\"}"), Some(1.0));
            assert_eq!(value("keepalived_up"), Some(1.0));
            let b = "instance=\"B\",interface=\"e0\",vrid=\"52\",family=\"ipv4\"";
            assert_eq!(value(&format!("standfast_vrrp_state{{{b},state=\"MASTER\"}}")), Some(1.0), "{body}");
            assert_eq!(value(&format!("standfast_vrrp_became_master_total{{{b}}}")), Some(1.0));
            assert_eq!(value("keepalived_become_master_total{iname=\"B\",intf=\"e0\",vrid=\"52\"}"), Some(1.0));
            assert_eq!(value("keepalived_vrrp_become_master{name=\"B\",intf=\"e0\",vrid=\"52\",state=\"MASTER\"}"), Some(1.0));
            // Each family once, and nothing that is neither a sample nor about one.
            let types: Vec<&str> = body.lines().filter(|line| line.starts_with("# TYPE ")).collect();
            assert!(types.iter().enumerate().all(|(at, line)| !types[..at].contains(line)) && types.len() > 40);
            assert!(
                body.lines().all(|line| line.starts_with("# ") || line.rsplit_once(' ').is_some_and(|(_, v)| v.parse::<f64>().is_ok()))
            );
        }
        let (head, body) = http("127.0.0.1:9650", "HEAD /metrics HTTP/1.1\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 200 OK") && body.is_empty());
        assert!(http("127.0.0.1:9650", "GET / HTTP/1.1\r\n\r\n").0.starts_with("HTTP/1.1 404 "));
        assert!(http_unix("GET /metrics HTTP/1.0\r\n\r\n").contains("standfast_build_info{"));
        // A reload moves them.
        let text = fs::read_to_string(CONF).expect("text").replace("metrics [::1]:9650\n", "metrics 127.0.0.1:9651\n");
        fs::write(CONF, text).expect("written");
        assert_eq!(ask(&["reload"]), (Some(0), "Reload complete\n".to_owned()));
        assert!(http("127.0.0.1:9651", "GET /metrics HTTP/1.1\r\n\r\n").1.contains("standfast_last_reload_successful 1\n"));
        assert!(TcpStream::connect("[::1]:9650").is_err());
        daemon.stop();
        assert!(!Path::new("/run/w/m.sock").exists());
    });
}

#[test]
fn a_reload_is_planned_done_or_refused_and_says_so() {
    inside("a_reload_is_planned_done_or_refused_and_says_so", || {
        let a = instance("A", "e0", 51, 150);
        let daemon = Daemon::up(&a, &[]);
        let (code, said) = ask(&["plan"]);
        assert!(code == Some(0) && !said.contains("vrrp_instance") && said.contains("stay as they are"), "{said}");
        fs::write(CONF, format!("{}{}", instance("A", "e0", 51, 140), instance("B", "e0", 52, 150))).expect("written");
        for words in [&["plan"][..], &["reload", "--plan"]] {
            let (code, said) = ask(words);
            assert!(code == Some(0) && said.contains("~ vrrp_instance A: priority\n") && said.contains("+ vrrp_instance B\n"), "{said}");
        }
        assert_eq!(state_of(&status(&[]), "B"), "", "a plan changes nothing");
        assert_eq!(ask(&["reload"]).0, Some(0));
        becomes("B", "MASTER", &[]);
        let told = status(&[]);
        assert_eq!(told["daemon"]["reload"]["result"], "complete");
        // What cannot be used is refused, and what was goes on.
        fs::write(CONF, instance("A", "nowhere", 51, 150)).expect("written");
        for words in [&["plan"][..], &["reload"]] {
            let (code, said) = ask(words);
            assert!(code == Some(1) && said.contains("interface"), "{said}");
        }
        assert_eq!((&*state_of(&status(&[]), "A"), status(&[])["daemon"]["reload"]["result"].as_str()), ("MASTER", Some("refused")));
        fs::write(CONF, "global_defs {\n}\n").expect("written");
        assert_eq!(ask(&["reload"]).0, Some(1));
        assert_eq!(state_of(&status(&[]), "A"), "MASTER");
        let (code, said) = ask(&["plan", "--force"]);
        assert!(code == Some(0) && said.contains("- vrrp_instance A"), "{said}");
        assert_eq!(ask(&["reload", "--force"]).0, Some(0));
        assert_eq!(state_of(&status(&[]), "A"), "");
        fs::write(CONF, a).expect("written");
        assert_eq!(ask(&["reload"]).0, Some(0));
        becomes("A", "MASTER", &[]);
        daemon.stop();
    });
}

/// Asks as somebody else.
fn ask_as(user: u32, group: u32, words: &[&str]) -> (Option<i32>, String) {
    let output = Command::new("setpriv")
        .args([&format!("--reuid={user}"), &format!("--regid={group}"), "--clear-groups", "/run/w/standfast"])
        .args(words)
        .stdin(Stdio::null())
        .output()
        .expect("setpriv (util-linux) is installed");
    (output.status.code(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn who_may_ask_and_who_may_change_is_the_configurations_to_say() {
    inside("who_may_ask_and_who_may_change_is_the_configurations_to_say", || {
        fs::copy(env!("CARGO_BIN_EXE_standfast"), "/run/w/standfast").expect("a copy");
        fs::set_permissions("/run/w", fs::Permissions::from_mode(0o755)).expect("a mode");
        let daemon = Daemon::up(&instance("A", "e0", 51, 150), &[]);
        let (code, said) = ask_as(4711, 4711, &["status"]);
        assert!(code == Some(4) && said.contains("may not be asked by this user"), "{said}");
        let moved = |line: &str| format!("standfast {{\n{line}\n}}\n{}", instance("A", "e0", 51, 150));
        // Of those that every machine has: a user and a group.
        fs::write(CONF, moved("control /run/w/c.sock daemon games")).expect("written");
        // The connection outlives its door.
        assert_eq!(ask(&["reload"]), (Some(0), "Reload complete\n".to_owned()));
        assert!(!Path::new(SOCKET).exists());
        let socket = fs::metadata("/run/w/c.sock").expect("a socket");
        let (owner, group) = (socket.uid(), socket.gid());
        assert_eq!((socket.mode() & 0o777, owner > 0, group > 0), (0o660, true, true));
        let there = ["--socket", "/run/w/c.sock"];
        for (user, group, status, reload) in
            [(owner, 4711, Some(0), Some(0)), (4711, group, Some(0), Some(4)), (4711, 4711, Some(4), Some(4)), (0, 0, Some(0), Some(0))]
        {
            assert_eq!(ask_as(user, group, &[&["status"], &there[..]].concat()).0, status, "{user} {group}");
            assert_eq!(ask_as(user, group, &[&["reload"], &there[..]].concat()).0, reload, "{user} {group}");
            assert_eq!(ask_as(user, group, &[&["plan"], &there[..]].concat()).0, reload, "{user} {group}");
        }
        fs::write(CONF, moved("control off")).expect("written");
        assert_eq!(ask(&[&["reload"], &there[..]].concat()).0, Some(0));
        assert!(!Path::new("/run/w/c.sock").exists());
        assert_eq!(ask(&["status"]).0, Some(3));
        daemon.stop();
    });
}

#[test]
fn a_failover_is_explained_and_watched() {
    inside("a_failover_is_explained_and_watched", || {
        let left = Daemon::up(&instance("A", "e0", 51, 150), &[]);
        becomes("A", "MASTER", &[]);
        let right = Daemon::up(&instance("A", "p0", 51, 100), &["-s", "right"]);
        let there = ["--socket", "/run/keepalived/right/keepalived.sock"];
        let explain = || ask(&[&["explain", "A"], &there[..]].concat()).1;
        wait_until("the master to be heard", || explain().contains("10.9.0.10 says 150, and 150 > 100, so A is BACKUP."));
        let mut watch = Command::new(env!("CARGO_BIN_EXE_standfast"))
            .arg("watch")
            .args(there)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut lines = BufReader::new(watch.stdout.take().expect("a pipe")).lines();
        let mut sees = |what: &str| while !lines.next().expect("a line").expect("text").contains(what) {};
        sees("instance A: BACKUP, priority 100, master 10.9.0.10");
        // The master falls silent, and comes back.
        let role = vrrp().expect("a process");
        kill(role, Signal::SIGSTOP).expect("it is there");
        sees("instance A: MASTER, priority 100");
        let told = explain();
        assert!(told.contains("It came to that when no advert had come for 3 x 0.5 s + skew 0.3047 s = 1.8047 s"), "{told}");
        kill(role, Signal::SIGCONT).expect("it is there");
        sees("instance A: BACKUP, priority 100, master 10.9.0.10");
        let told = explain();
        assert!(told.contains("It came to that when 10.9.0.10 says 150, and 150 > 100: a better master."), "{told}");
        // It stops in good order.
        left.stop();
        becomes("A", "MASTER", &there);
        let told = explain();
        assert!(told.contains("10.9.0.10 gave up with priority 0"), "{told}");
        // The only daemon needs no name, wherever it is.
        assert_eq!(ask(&["status"]).0, Some(0));
        kill(pid(u64::from(watch.id())), Signal::SIGTERM).expect("it is there");
        assert_eq!(watch.wait().expect("a child of ours").code(), Some(0));
        right.stop();
    });
}
