//! The program of a master is replaced while it serves: nobody in the network finds out. A program that cannot go on from there
//! is not let.

#![expect(clippy::disallowed_methods, reason = "programs are installed and run, and what is seen is compared with the clock")]

use crate::bench::lan::Side;
use crate::bench::monitor::{Lines, collect};
use crate::bench::packet::Mac;
use crate::bench::wait::within;
use crate::bench::{Capture, Client, Daemon, Host, Lan, Monitor, Program, eventually, pause};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

const PROGRAM: &str = env!("CARGO_BIN_EXE_standfast");
const VIP: &str = "10.0.0.50";
/// Enough for a busy machine to take its time, and less than the other router waits.
const LATE: Duration = Duration::from_secs(3);

struct Scene {
    _lan: Lan,
    routers: [Host; 2],
    users: [Host; 2],
    mac: Mac,
    capture: Capture,
}

impl Scene {
    fn new() -> Self {
        let lan = Lan::new();
        let sides = [Side::Left, Side::Right];
        let routers = [Host::new("r1"), Host::new("r2")];
        let users = [Host::new("u1"), Host::new("u2")];
        for (number, side) in sides.into_iter().enumerate() {
            lan.join(side, &routers[number], "eth0", &[&format!("10.0.0.{}/24", number + 1)]);
            lan.join(side, &users[number], "eth0", &[&format!("10.0.0.{}/24", number + 11)]);
        }
        let mac = routers[0].mac("eth0");
        let capture = Capture::new(&users[0], "eth0");
        Self { _lan: lan, routers, users, mac, capture }
    }

    /// A master that has scripts and trackers, and another router.
    fn pair(&self) -> [Daemon; 2] {
        let folder = self.routers[0].folder();
        let told = script(folder, "told", &format!("echo \"$3\" >>{}/states", folder.display()));
        // Most of the time it is running.
        let slow = script(folder, "slow", "exec sleep 0.8");
        let own = format!(
            "global_defs {{\nscript_user root\nenable_script_security\n}}\n\
             vrrp_script slow {{\nscript \"{slow}\"\ninterval 1\nrise 1\nfall 1\n}}\n{}",
            instance(150, &format!("notify {told}\ntrack_script {{\nslow\n}}"))
        );
        let program = Program::standfast(PROGRAM);
        let first = Daemon::start_with(&self.routers[0], &program, &own, &["-D"]);
        eventually("a master", || self.routers[0].has_address(VIP).then_some(()));
        let second = Daemon::start_with(&self.routers[1], &program, &instance(100, ""), &["-D"]);
        eventually("the other one is there", || (second.said("Entering BACKUP STATE") > 0).then_some(()));
        [first, second]
    }

    fn adverts_since(&self, since: SystemTime) -> Vec<(SystemTime, u8)> {
        let adverts = self.capture.adverts(self.mac).into_iter();
        adverts.filter(|(at, _)| *at > since).map(|(at, advert)| (at, advert.priority)).collect()
    }

    /// Since then there was one owner all the time, and it was the first router.
    fn assert_unnoticed(&self, since: SystemTime, [first, second]: &[Daemon; 2], client: &Client, monitor: &Monitor) {
        let before = self.adverts_since(since).len();
        eventually("adverts go on", || (self.adverts_since(since).len() >= before + 3).then_some(()));
        let adverts = self.adverts_since(since);
        let times: Vec<SystemTime> = [since].into_iter().chain(adverts.iter().map(|(at, _)| *at)).collect();
        let gaps = times.windows(2).map(|pair| pair[1].duration_since(pair[0]).unwrap_or_default());
        let longest = gaps.max().unwrap_or(Duration::MAX);
        assert!(longest < LATE, "no advert for {longest:?}\n{}", first.text());
        assert!(adverts.iter().all(|(_, priority)| *priority == 150), "{adverts:?}");
        assert_eq!(monitor.removals(VIP), 0, "the address stays\n{}", first.text());
        assert_eq!(second.said("Entering MASTER STATE"), 0, "{}", second.text());
        assert!(client.longest_outage(since) < LATE, "{:?}", client.longest_outage(since));
    }
}

fn instance(priority: u8, more: &str) -> String {
    format!(
        "vrrp_instance VI {{\ninterface eth0\nvirtual_router_id 51\npriority {priority}\nadvert_int 1\n{more}\nvirtual_ipaddress {{\n{VIP}/24\n}}\n}}\n"
    )
}

fn script(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    executable(&path, format!("#!/bin/sh\n{text}\n").as_bytes());
    path.display().to_string()
}

fn executable(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("a host's folder is writable");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

/// Puts another program in the place of the one that a daemon was started by, as packages are unpacked.
fn install(host: &Host, bytes: &[u8]) -> PathBuf {
    let (new, place) = (host.folder().join("keepalived.new"), host.folder().join("keepalived"));
    executable(&new, bytes);
    fs::rename(&new, &place).expect("the same folder");
    place
}

/// The same program, and yet another one.
fn another(number: u8) -> Vec<u8> {
    let mut bytes = fs::read(PROGRAM).expect("it is there");
    bytes.extend([0, number]);
    bytes
}

/// The exit status, and what was said.
fn upgrade(host: &Host) -> (Option<i32>, String) {
    let socket = host.folder().join("p.sock");
    let mut command = Command::new(PROGRAM);
    command.arg("upgrade").arg("--socket").arg(socket).stdin(Stdio::null());
    let output = command.output().expect("it runs");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.code(), text)
}

/// Which program a process runs.
fn running(pid: u32) -> u64 {
    fs::metadata(format!("/proc/{pid}/exe")).expect("it runs").ino()
}

fn states(host: &Host) -> Vec<String> {
    let text = fs::read_to_string(host.folder().join("states")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn an_upgrade_of_a_master_goes_unnoticed() {
    let scene = Scene::new();
    let both = scene.pair();
    let host = &scene.routers[0];
    let client = Client::start(&scene.users[0], VIP);
    client.wait_answer();
    let monitor = Monitor::addresses(host);
    eventually("its states were told", || (states(host).last()? == "MASTER").then_some(()));
    let told = states(host);
    let descriptors = |pid: u32| fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    let mut open = None;
    let since = SystemTime::now();
    // The second time it is one that has come by an upgrade itself.
    for number in 1..=3 {
        let place = install(host, &another(number));
        let (supervisor, old) = (both[0].pid(), both[0].wait_vrrp());
        let (code, said) = upgrade(host);
        assert_eq!((code, &*said), (Some(0), "Upgrade complete\n"), "{}", both[0].text());
        let new = both[0].wait_vrrp();
        assert_ne!(new, old, "the process has been replaced");
        let want = fs::metadata(&place).expect("installed").ino();
        assert_eq!([running(supervisor), running(new)], [want, want], "the new program runs");
        assert!(host.has_address(VIP));
        pause(Duration::from_secs(2));
        // Nothing that is handed over is left lying about.
        assert_eq!(*open.get_or_insert(descriptors(supervisor)), descriptors(supervisor), "descriptors");
    }
    scene.assert_unnoticed(since, &both, &client, &monitor);
    assert_eq!(states(host), told, "nobody is told again");
    assert_eq!(both[0].said("Upgrade complete"), 3, "{}", both[0].text());
    // It is a daemon like any other.
    both[0].reload(&instance(150, "").replace("10.0.0.50/24", "10.0.0.50/24\n10.0.0.51/24"));
    eventually("a reload", || host.has_address("10.0.0.51").then_some(()));
    let [mut first, _second] = both;
    assert_eq!(first.stop().code(), Some(0), "{}", first.text());
    assert!(!host.has_address(VIP));
    let left: Vec<String> =
        fs::read_dir(host.folder()).expect("a folder").flatten().map(|file| file.file_name().to_string_lossy().into()).collect();
    assert!(left.iter().all(|name| !name.ends_with(".pid") && !name.ends_with(".sock")), "{left:?}");
}

#[test]
fn a_program_that_cannot_go_on_is_refused() {
    let scene = Scene::new();
    let both = scene.pair();
    let host = &scene.routers[0];
    let client = Client::start(&scene.users[0], VIP);
    client.wait_answer();
    let monitor = Monitor::addresses(host);
    let (supervisor, vrrp) = (running(both[0].pid()), both[0].wait_vrrp());
    let since = SystemTime::now();
    let whole = fs::read(PROGRAM).expect("it is there");
    let broken: [(&str, &[u8], &str); 5] = [
        ("empty", b"", "cannot be executed"),
        ("no program", b"\x7fELFxxxxxxxxxxxxxxxx", "cannot be executed"),
        ("its beginning", &whole[..65_536], ""),
        ("one that fails", b"#!/bin/sh\nexit 7\n", "status 7"),
        ("one that is content with everything", b"#!/bin/sh\nexit 0\n", "does not know how"),
    ];
    for (name, bytes, want) in broken {
        install(host, bytes);
        let (code, said) = upgrade(host);
        assert_eq!(code, Some(1), "{name}: {said}");
        assert!(said.contains(want), "{name}: {said}");
    }
    fs::remove_file(host.folder().join("keepalived")).expect("it is there");
    assert_eq!(upgrade(host).0, Some(1));
    // A good program, but nothing that it could serve.
    install(host, &another(1));
    let file = host.folder().join("keepalived.conf");
    let good = fs::read_to_string(&file).expect("it is there");
    for (text, want) in [
        (good.replace("interface eth0", "interface nowhere0"), "Non-existent interface"),
        ("global_defs {\n}\n".to_owned(), "no vrrp_instance left"),
    ] {
        fs::write(&file, text).expect("writable");
        let (code, said) = upgrade(host);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(want), "{said}");
    }
    assert_eq!(running(both[0].pid()), supervisor);
    assert_eq!(both[0].vrrp(), Some(vrrp), "{}", both[0].text());
    scene.assert_unnoticed(since, &both, &client, &monitor);
    // And then all is well.
    fs::write(&file, good).expect("writable");
    let (code, said) = upgrade(host);
    assert_eq!(code, Some(0), "{said}\n{}", both[0].text());
    scene.assert_unnoticed(since, &both, &client, &monitor);
}

#[test]
fn bfd_sessions_and_those_who_follow_them_go_on() {
    let lan = Lan::new();
    let hosts = [Host::new("r1"), Host::new("r2")];
    for (number, (side, host)) in [Side::Left, Side::Right].into_iter().zip(&hosts).enumerate() {
        lan.join(side, host, "eth0", &[&format!("10.0.0.{}/24", number + 1)]);
    }
    // What the other side waits is 2.5 seconds.
    let session = |own: u8, other: u8| {
        format!("bfd_instance way {{\nneighbor_ip 10.0.0.{other}\nsource_ip 10.0.0.{own}\nmin_rx 500\nmin_tx 500\nmultiplier 5\n}}\n")
    };
    let program = Program::standfast(PROGRAM);
    let router = session(1, 2) + &instance(150, "track_bfd {\nway\n}");
    let first = Daemon::start_with(&hosts[0], &program, &router, &["-D"]);
    let second = Daemon::start_with(&hosts[1], &program, &session(2, 1), &["-D"]);
    eventually("the way is there", || hosts[0].has_address(VIP).then_some(()));
    eventually("and back", || (second.said("Entering UP state") > 0 || second.said("up") > 0).then_some(()));
    let monitor = Monitor::addresses(&hosts[0]);
    let before = second.log().len();
    install(&hosts[0], &another(1));
    let (code, said) = upgrade(&hosts[0]);
    assert_eq!(code, Some(0), "{said}\n{}", first.text());
    pause(Duration::from_secs(4));
    assert!(hosts[0].has_address(VIP), "{}", first.text());
    assert_eq!(monitor.removals(VIP), 0, "{}", first.text());
    let since: Vec<String> = second.log().into_iter().skip(before).map(|(_, line)| line).collect();
    assert!(since.iter().all(|line| !line.to_lowercase().contains("down")), "{since:?}");
}

/// Where the versions have nothing in common, it is as after a crash of everything.
#[test]
fn a_will_of_another_version_is_thrown_away_with_all_that_it_names() {
    let lan = Lan::new();
    let host = Host::new("r1");
    lan.join(Side::Left, &host, "eth0", &["10.0.0.1/24"]);
    let folder = host.folder().to_owned();
    fs::write(folder.join("k.conf"), instance(150, "")).expect("writable");
    // It is left a process that holds the address, as far as it knows, and the lock of a PID file.
    let script = format!(
        r#"number() {{ n=$1; for i in 1 2 3 4 5 6 7 8; do printf "\\x$(printf %02x $((n & 255)))"; n=$((n >> 8)); done; }}
sleep 1000 & left=$!
echo $left >left
exec 5<>held
{{ printf "standfast's will"; number 1; number $left; number 1; number 5; number 99; echo whatever; }} >will
exec 6<will
export STANDFAST_WILL=6
exec {PROGRAM} -n -l -G -D -f k.conf -p p.pid -r r.pid -c c.pid -b b.pid"#
    );
    let mut command = Command::new("bash");
    command.args(["-c", &script]);
    let mut daemon = host.spawn(&command);
    let lines = Lines::default();
    collect(daemon.stdout.take().expect("it was asked for"), &lines);
    collect(daemon.stderr.take().expect("it was asked for"), &lines);
    let text = || crate::bench::capture::lock(&lines).iter().map(|(_, line)| format!("{line}\n")).collect::<String>();
    let master = within(crate::bench::PATIENCE, || host.has_address(VIP).then_some(()));
    assert!(master.is_some(), "{}", text());
    assert!(text().contains("is not to be understood"), "{}", text());
    let left = fs::read_to_string(folder.join("left")).expect("its number");
    assert!(!Path::new("/proc").join(left.trim()).exists(), "its processes have been ended");
    let open = fs::read_dir(format!("/proc/{}/fd", daemon.id())).expect("it runs").flatten();
    let open: Vec<PathBuf> = open.filter_map(|file| fs::read_link(file.path()).ok()).collect();
    assert!(!open.contains(&folder.join("held")) && !open.contains(&folder.join("will")), "{open:?}");
    crate::bench::daemon::send(daemon.id(), nix::sys::signal::Signal::SIGTERM);
    assert!(daemon.wait().is_ok_and(|status| status.success()), "{}", text());
    assert!(!host.has_address(VIP));
}
