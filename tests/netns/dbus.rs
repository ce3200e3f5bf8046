//! The service on D-Bus, on buses of our own: beside keepalived's, call by call and signal by signal, and where that gives in.

#![expect(clippy::disallowed_methods, reason = "buses and what is written are real here")]

use crate::bench::lan::Side;
use crate::bench::{Capture, Daemon, Host, Lan, Program, eventually};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io::Read as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};

const NAME: &str = "org.keepalived.Vrrp1";
const PROCESS: &str = "/org/keepalived/Vrrp1/Vrrp";
const ONE: &str = "/org/keepalived/Vrrp1/Instance/eth0_1/51/IPv4";

fn standfast() -> Program {
    Program::standfast(env!("CARGO_BIN_EXE_standfast"))
}

/// A bus as a distribution configures it, with our policy.
struct Bus {
    folder: PathBuf,
    child: Option<Child>,
}

impl Bus {
    fn start(host: &Host) -> Self {
        let mut bus = Self { folder: host.folder().to_owned(), child: None };
        let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/dbus/org.keepalived.Vrrp1.conf");
        let conf = format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
            "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
            <busconfig><type>system</type><listen>{}</listen>
            <policy context="default"><allow user="*"/><deny own="*"/><deny send_type="method_call"/><allow send_type="signal"/>
            <allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
            <allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/>
            <allow receive_type="signal"/><allow send_destination="org.freedesktop.DBus"/></policy>
            <include>{}</include></busconfig>"#,
            bus.address(),
            policy.display()
        );
        fs::write(bus.folder.join("bus.conf"), conf).expect("a host's folder is writable");
        bus.begin(host);
        bus
    }

    fn address(&self) -> String {
        format!("unix:path={}", self.folder.join("bus").display())
    }

    fn begin(&mut self, host: &Host) {
        let socket = self.folder.join("bus");
        let _ = fs::remove_file(&socket);
        let mut command = Command::new("dbus-daemon");
        command.args(["--nofork", "--nosyslog", "--config-file"]).arg(self.folder.join("bus.conf"));
        self.child = Some(host.spawn(&command));
        eventually("a bus (of the package dbus)", || socket.exists().then_some(()));
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            kill(Pid::from_raw(i32::try_from(child.id()).expect("a PID")), Signal::SIGTERM).expect("it is ours");
            child.wait().expect("it ends");
        }
    }

    fn daemon(&self, host: &Host, program: &Program, configuration: &str) -> Daemon {
        Daemon::start_in(host, program, configuration, &[], &[("DBUS_SYSTEM_BUS_ADDRESS", &self.address())])
    }

    /// What `dbus-send` prints of the answer, without what is never the same.
    fn call(&self, host: &Host, words: &str) -> String {
        let to = if words.starts_with("--dest") { "" } else { "--dest=org.keepalived.Vrrp1 " };
        let line = format!("dbus-send --bus={} --print-reply {to}{words}", self.address());
        let answer = host.attempt(&line).unwrap_or_else(|error| error);
        answer.lines().filter(|line| !line.starts_with("method return")).collect::<Vec<_>>().join("\n")
    }

    fn owner(&self, host: &Host) -> Option<()> {
        let answer = self.call(host, &format!("--dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner string:{NAME}"));
        answer.contains("true").then_some(())
    }
}

/// All signals below keepalived's paths, as `PATH MEMBER NUMBER`.
struct Signals {
    text: Arc<Mutex<String>>,
    _child: Child,
}

impl Signals {
    fn listen(bus: &Bus, host: &Host) -> Self {
        let mut command = Command::new("dbus-monitor");
        command.args(["--address", &bus.address(), "type='signal',path_namespace='/org/keepalived'"]);
        let mut child = host.spawn(&command);
        let text = Arc::new(Mutex::new(String::new()));
        let (mut output, into) = (child.stdout.take().expect("it was asked for"), Arc::clone(&text));
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut piece) {
                into.lock().expect("nobody panics").push_str(&String::from_utf8_lossy(&piece[..length]));
            }
        });
        let signals = Self { text, _child: child };
        // The bus tells it first of all that it is no ordinary client any more.
        eventually("a monitor", || signals.text.lock().expect("nobody panics").contains("NameLost").then_some(()));
        signals
    }

    fn all(&self) -> Vec<String> {
        let text = self.text.lock().expect("nobody panics");
        let mut all = Vec::new();
        let mut wanted = false;
        for line in text.lines() {
            let field = |name: &str| Some(line.split_once(name)?.1.split(';').next()?.trim().to_owned());
            if line.starts_with("signal ") {
                wanted = field("interface=").is_some_and(|interface| interface.starts_with(NAME));
                if wanted {
                    let path = field("path=").unwrap_or_default();
                    all.push(format!("{} {}", path.trim_start_matches("/org/keepalived/Vrrp1"), field("member=").unwrap_or_default()));
                }
            } else if wanted && let (Some(last), Some(number)) = (all.last_mut(), line.trim().strip_prefix("uint32 ")) {
                *last = format!("{last} {number}");
            }
        }
        all
    }

    fn wait(&self, signal: &str) {
        eventually(signal, || self.all().iter().any(|seen| seen == signal).then_some(()));
    }
}

fn instance(name: &str, vrid: u8) -> String {
    format!(
        "vrrp_instance {name} {{\ninterface eth0.1\nvirtual_router_id {vrid}\npriority 150\nversion 3\nadvert_int 0.3\n\
         virtual_ipaddress {{\n10.0.0.{vrid}/24\n}}\n}}\n"
    )
}

fn configuration(global: &str, instances: &[(&str, u8)]) -> String {
    let instances: String = instances.iter().map(|(name, vrid)| instance(name, *vrid)).collect();
    format!("global_defs {{\nenable_dbus\n{global}\n}}\n{instances}")
}

/// A router whose interface has a name that cannot stand in a path.
fn router() -> (Lan, Host) {
    let (lan, host) = (Lan::new(), Host::new("r"));
    lan.join(Side::Left, &host, "eth0.1", &["10.0.0.1/24"]);
    (lan, host)
}

fn has(host: &Host, address: &str) {
    eventually(&format!("{address} is there"), || host.has_address(address).then_some(()));
}

/// What a program answers and tells from its start to its end: answers by call, and the signals of each object.
fn story(program: &Program) -> (Vec<String>, Vec<String>) {
    let (_lan, host) = router();
    let bus = Bus::start(&host);
    let signals = Signals::listen(&bus, &host);
    let mut daemon = bus.daemon(&host, program, &configuration("", &[("one", 51), ("two", 52)]));
    eventually("a service", || bus.owner(&host));
    signals.wait("/Instance/eth0_1/51/IPv4 VrrpStatusChange 2");
    signals.wait("/Instance/eth0_1/52/IPv4 VrrpStatusChange 2");
    let (vrrp, instance) = ("org.keepalived.Vrrp1.Vrrp", "org.keepalived.Vrrp1.Instance");
    let properties = "org.freedesktop.DBus.Properties";
    let calls = [
        format!("{ONE} {properties}.Get string:{instance} string:Name"),
        format!("{ONE} {properties}.Get string:{instance} string:State"),
        format!("{ONE} {properties}.Get string:{instance} string:Nope"),
        format!("{ONE} {properties}.Get string:org.nothing string:Name"),
        format!("{ONE} {properties}.Get string:{instance}"),
        format!("{ONE} {properties}.GetAll string:{instance}"),
        format!("{ONE} {properties}.GetAll string:org.nothing"),
        format!("{ONE} {properties}.Set string:{instance} string:Name variant:string:x"),
        format!("{ONE} {instance}.SendGarp"),
        format!("{ONE} {instance}.SendGarp string:x"),
        format!("{ONE} {instance}.Nope"),
        format!("{ONE} {vrrp}.PrintStats"),
        format!("{ONE} org.freedesktop.DBus.Peer.Ping"),
        format!("{ONE} org.freedesktop.DBus.Peer.GetMachineId"),
        format!("{ONE} org.freedesktop.DBus.Peer.Nope"),
        format!("/org/nowhere {instance}.SendGarp"),
        "/org/nowhere org.freedesktop.DBus.Peer.Ping".to_owned(),
        format!("/org/nowhere {properties}.GetAll string:{instance}"),
        format!("{PROCESS} {properties}.GetAll string:{vrrp}"),
        format!("{PROCESS} {vrrp}.PrintStats"),
        format!("{PROCESS} {vrrp}.CreateInstance"),
    ];
    let mut answers: Vec<String> = calls.iter().map(|call| format!("{call}\n{}", bus.call(&host, call))).collect();
    // Others may look, and nothing else.
    for call in [format!("{PROCESS} {vrrp}.PrintStats"), format!("{ONE} {properties}.Get string:{instance} string:State")] {
        let line = format!("dbus-send --bus={} --print-reply --dest={NAME} {call}", bus.address());
        let answer = host.attempt(&format!("setpriv --reuid 65534 --clear-groups {line}"));
        answers.push(format!("{call} as nobody: {}", if answer.is_ok() { "answered" } else { "denied" }));
    }
    let shown = host.sh(&format!("gdbus introspect --address {} -d {NAME} -o / -r", bus.address()));
    let mut nodes: Vec<&str> = shown.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    nodes.sort_unstable();
    answers.push(nodes.join("\n"));

    fs::write(host.folder().join("keepalived.conf"), configuration("", &[("uno", 51), ("three", 53)])).expect("it is ours");
    answers.push(bus.call(&host, &format!("{PROCESS} {vrrp}.ReloadConfig")));
    signals.wait("/Instance/eth0_1/53/IPv4 VrrpStatusChange 2");
    for call in &calls[..2] {
        answers.push(bus.call(&host, call));
        answers.push(bus.call(&host, &call.replace("/51/", "/52/")));
    }
    assert!(daemon.stop().success(), "{}", daemon.text());
    signals.wait("/Vrrp VrrpStopped");
    let mut seen = signals.all();
    // Which of two instances is first is a matter of chance.
    seen.sort_by_key(|line| line.split(' ').next().map(str::to_owned));
    (answers, seen)
}

#[test]
fn the_service_is_keepalived_s() {
    let (ours, theirs) = (story(&standfast()), story(&Program::keepalived()));
    for (ours, theirs) in ours.0.iter().zip(&theirs.0) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.1, theirs.1);
    let status = |vrid: u8, number: u8| format!("/Instance/eth0_1/{vrid}/IPv4 VrrpStatusChange {number}");
    let mut want = vec![status(51, 1), status(51, 2), status(51, 98), status(52, 1), status(52, 2), status(52, 3)];
    want.extend([status(53, 1), status(53, 2), status(53, 98)]);
    want.extend(["Started", "Reloaded", "Stopped"].map(|what| format!("/Vrrp Vrrp{what}")));
    assert_eq!(ours.1, want);
}

#[test]
fn what_is_asked_for_is_done_when_the_answer_comes() {
    let (_lan, host) = router();
    let bus = Bus::start(&host);
    let capture = Capture::new(&host, "eth0.1");
    let daemon = bus.daemon(&host, &standfast(), &configuration("vrrp_garp_master_delay 0\n", &[("one", 51)]));
    has(&host, "10.0.0.51");
    eventually("a service", || bus.owner(&host));
    let claims = || capture.select(|frame| frame.arp().filter(|arp| arp.gratuitous()).map(|_| ())).len();
    eventually("the first announcements", || (claims() >= 5).then_some(()));
    let before = claims();
    assert_eq!(bus.call(&host, &format!("{ONE} org.keepalived.Vrrp1.Instance.SendGarp")), "");
    eventually("another announcement", || (claims() > before).then_some(()));
    for (method, file, holds) in
        [("PrintData", "keepalived.data", "VRRP Instance = one"), ("PrintStats", "keepalived.stats", "VRRP Instance: one")]
    {
        let path = host.folder().join("tmp").join(file);
        assert!(!path.exists());
        assert_eq!(bus.call(&host, &format!("{PROCESS} org.keepalived.Vrrp1.Vrrp.{method}")), "");
        let text = fs::read_to_string(&path).expect("it is there");
        assert!(text.contains(holds), "{text}");
    }
    drop(daemon);
}

#[test]
fn a_bus_that_is_started_again_is_served_again() {
    let (_lan, host) = router();
    let mut bus = Bus::start(&host);
    let mut daemon = bus.daemon(&host, &standfast(), &configuration("", &[("one", 51)]));
    eventually("a service", || bus.owner(&host));
    bus.end();
    eventually("it is said", || daemon.text().contains("The D-Bus connection is lost").then_some(()));
    has(&host, "10.0.0.51");
    bus.begin(&host);
    eventually("a service again", || bus.owner(&host));
    let state = format!("{ONE} org.freedesktop.DBus.Properties.Get string:org.keepalived.Vrrp1.Instance string:State");
    assert!(bus.call(&host, &state).contains("\"Master\""));
    assert!(daemon.stop().success());
}

#[test]
fn a_bus_that_says_nothing_holds_nobody_up() {
    let (_lan, host) = router();
    let listener = UnixListener::bind(host.folder().join("bus")).expect("a socket");
    let bus = Bus { folder: host.folder().to_owned(), child: None };
    let mut daemon = bus.daemon(&host, &standfast(), &configuration("", &[("one", 51)]));
    let (mut stream, _) = listener.accept().expect("it comes");
    has(&host, "10.0.0.51");
    let mut greeting = [0; 19];
    stream.read_exact(&mut greeting).expect("it greets");
    assert_eq!(greeting, *b"\0AUTH EXTERNAL 30\r\n");
    assert!(daemon.stop().success(), "{}", daemon.text());
    assert!(!host.has_address("10.0.0.51"));
}

#[test]
fn it_comes_and_goes_with_the_configuration() {
    let (_lan, host) = router();
    let bus = Bus::start(&host);
    let signals = Signals::listen(&bus, &host);
    let on = configuration("", &[("one", 51)]);
    let mut daemon = bus.daemon(&host, &standfast(), &on.replace("enable_dbus", ""));
    has(&host, "10.0.0.51");
    assert_eq!(bus.owner(&host), None);
    daemon.reload(&on);
    eventually("a service", || bus.owner(&host));
    signals.wait("/Instance/eth0_1/51/IPv4 VrrpStatusChange 2");
    daemon.reload(&on.replace("enable_dbus", "enable_dbus\ndbus_service_name org.keepalived.Vrrp1.Other"));
    eventually("its old name is free", || bus.owner(&host).is_none().then_some(()));
    // Which the policy does not let it have.
    eventually("it says so", || daemon.text().contains("the name org.keepalived.Vrrp1.Other cannot be had").then_some(()));
    daemon.reload(&on);
    eventually("a service again", || bus.owner(&host));
    daemon.reload(&on.replace("enable_dbus", ""));
    eventually("no service", || bus.owner(&host).is_none().then_some(()));
    let seen = signals.all();
    let of_process: Vec<&str> = seen.iter().filter_map(|line| line.strip_prefix("/Vrrp Vrrp")).collect();
    assert_eq!(of_process, ["Started", "Reloaded", "Reloaded", "Stopped"], "{seen:?}");
    assert!(daemon.stop().success());
}

#[test]
fn daemons_with_names_of_their_own_share_the_bus() {
    let (lan, host) = router();
    let other = Host::new("r2");
    lan.join(Side::Left, &other, "eth0.1", &["10.0.0.2/24"]);
    let bus = Bus::start(&host);
    let signals = Signals::listen(&bus, &host);
    let conf = |name: &str, vrid: u8| format!("instance {name}\n{}", configuration("dbus_no_interface_name nothing", &[("VI", vrid)]));
    let mut first = bus.daemon(&host, &standfast(), &conf("a-1", 51));
    eventually("a service", || bus.owner(&host));
    let second = bus.daemon(&other, &standfast(), &conf("b", 52));
    eventually("it waits", || second.text().contains("the name org.keepalived.Vrrp1 is taken").then_some(()));
    signals.wait("/b/Instance/eth0_1/52/IPv4 VrrpStatusChange 2");
    let node = "/org/keepalived/Vrrp1 org.freedesktop.DBus.Introspectable.Introspect";
    assert!(bus.call(&host, node).contains("<node name=\"a_1\"/>"));
    assert!(first.stop().success());
    eventually("the other has the name", || second.text().contains("Acquired the name org.keepalived.Vrrp1 on D-Bus").then_some(()));
    assert!(bus.call(&host, node).contains("<node name=\"b\"/>"));
}
