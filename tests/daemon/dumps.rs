//! The files that signals ask for, read as the programs around keepalived read them: two exporters for Prometheus, the agents of
//! Checkmk and Munin, VyOS. Each of the readers here goes by what is known of one of those. Each test has network, mounts and
//! processes of its own, which takes the superuser's rights.

#![expect(clippy::disallowed_methods, reason = "a daemon is started here, and its files are read")]

use crate::room::{self, wait_until};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const FOLDER: &str = "/run/t";
const CONF: &str = "/run/w/k.conf";

const ROOM: &str = "mkdir /run/t";

const INSTANCES: &str = "vrrp_script chk {
    script \"/usr/bin/true\"
    interval 1
    user root
}
vrrp_instance A {
    interface e0
    virtual_router_id 51
    priority 255
    advert_int 0.5
    version 3
    garp_master_delay 7
    virtual_ipaddress {
        10.9.0.51/24
        10.9.0.52/24 brd 10.9.0.255
    }
    virtual_routes {
        10.77.0.0/24 via 10.9.0.20
    }
    track_script {
        chk
    }
}
vrrp_instance B {
    interface e0
    virtual_router_id 52
    priority 90
    version 2
    advert_int 3
    nopreempt
    authentication {
        auth_type PASS
        auth_pass hushhush
    }
    virtual_ipaddress {
        10.9.0.53
    }
}
";

fn inside(name: &str, test: impl FnOnce()) {
    room::inside(&format!("dumps::{name}"), ROOM, test);
}

/// A daemon, and what it writes.
struct Daemon(Child);

impl Daemon {
    fn start(global: &str, rest: &str) -> Self {
        fs::write(CONF, format!("global_defs {{\nscript_user root\n{global}\n}}\n{rest}")).expect("a configuration");
        let child = Command::new(env!("CARGO_BIN_EXE_standfast"))
            .args(["-n", "-f", CONF, "-p", "/run/p"])
            .env("TMPDIR", FOLDER)
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the daemon");
        Self(child)
    }

    /// With A as master and its script good.
    fn master() -> Self {
        let daemon = Self::start("", INSTANCES);
        wait_until("the master", || holds("10.9.0.51"));
        wait_until("the script", || daemon.dump(Signal::SIGUSR1, "keepalived.data").contains("   Status = GOOD\n"));
        daemon
    }

    fn send(&self, signal: i32) {
        let status = Command::new("kill").arg(format!("-{signal}")).arg(self.0.id().to_string()).status().expect("kill(1)");
        assert!(status.success());
    }

    fn dump(&self, signal: Signal, name: &str) -> String {
        self.dump_by(signal as i32, name)
    }

    /// As Checkmk's agent does it: the file goes, the signal comes, and the file is looked for.
    fn dump_by(&self, signal: i32, name: &str) -> String {
        let path = Path::new(FOLDER).join(name);
        drop(fs::remove_file(&path));
        self.send(signal);
        wait_until(name, || path.exists());
        fs::read_to_string(path).expect("text")
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.dump_by(36, "keepalived.json")).expect("JSON")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(i32::try_from(self.0.id()).expect("a pid")), Signal::SIGTERM);
        drop(self.0.wait());
    }
}

fn holds(address: &str) -> bool {
    let output = Command::new("ip").args(["-o", "addr", "show", "dev", "e0"]).output().expect("ip(8)");
    String::from_utf8_lossy(&output.stdout).contains(&format!(" {address}/"))
}

/// mehdy/keepalived-exporter's reader of the state: an instance ends at any line that is indented by less than three spaces,
/// and a virtual address is cut at single spaces.
#[derive(Debug, Default)]
struct Instance {
    facts: BTreeMap<String, String>,
    /// Addresses and what they are on.
    vips: Vec<(String, String)>,
}

fn instances(data: &str) -> BTreeMap<String, Instance> {
    let mut all = BTreeMap::new();
    let mut current: Option<String> = None;
    let mut in_vips = false;
    for line in data.lines() {
        if let Some(name) = line.strip_prefix(" VRRP Instance = ") {
            all.insert(name.to_owned(), Instance::default());
            current = Some(name.to_owned());
        } else if !line.starts_with("   ") {
            current = None;
        }
        let Some(instance) = current.as_ref().and_then(|name| all.get_mut(name)) else { continue };
        if line.starts_with("     ") && in_vips {
            let words: Vec<&str> = line.trim().split(' ').collect();
            assert!(words.len() >= 3, "{line}");
            instance.vips.push((words[0].to_owned(), words[2].to_owned()));
        } else if line.starts_with("   ") && !line.starts_with("     ") {
            in_vips = line.starts_with("   Virtual IP (");
            if let Some((key, value)) = line.trim().split_once(" = ") {
                instance.facts.insert(key.to_owned(), value.to_owned());
            }
        }
    }
    all
}

/// The same exporter's reader of the counters: two spaces for what a group is called, four for what is in it, numbers alone.
fn counters(stats: &str) -> Vec<(String, BTreeMap<String, u64>)> {
    let mut all: Vec<(String, BTreeMap<String, u64>)> = Vec::new();
    let mut group = "";
    for line in stats.lines() {
        let (key, value) = line.split_once(':').expect("a colon in every line");
        if line.starts_with("VRRP Instance") {
            all.push((value.trim().to_owned(), BTreeMap::new()));
        } else if value.is_empty() {
            group = key.trim();
        } else {
            let key = if key.starts_with("    ") { format!("{group}/{}", key.trim()) } else { key.trim().to_owned() };
            let (_, counters) = all.last_mut().expect("an instance comes first");
            counters.insert(key, value.trim().parse().expect("a whole number"));
        }
    }
    all
}

#[test]
fn an_exporter_finds_states_addresses_and_scripts_in_the_text() {
    inside("an_exporter_finds_states_addresses_and_scripts_in_the_text", || {
        let daemon = Daemon::master();
        let data = daemon.dump(Signal::SIGUSR1, "keepalived.data");
        let seen = instances(&data);
        let fact = |name: &str, key: &str| seen[name].facts.get(key).cloned().unwrap_or_default();
        for (name, state, wanted) in [("A", "MASTER", "MASTER"), ("B", "BACKUP", "BACKUP")] {
            assert_eq!((fact(name, "State").as_str(), fact(name, "Wantstate").as_str()), (state, wanted), "{data}");
            assert_eq!(fact(name, "Interface"), "e0");
            // gen2brain's reads a number up to the first space.
            let at: f64 = fact(name, "Last transition").split(' ').next().unwrap_or_default().parse().expect("seconds");
            assert!(at > 1_500_000_000.0, "{at}");
        }
        assert_eq!((fact("A", "Virtual Router ID").as_str(), fact("A", "Gratuitous ARP delay").as_str()), ("51", "7"));
        // With a broadcast address the third word is that, and the exporter takes it for the interface: so it is with keepalived.
        let want = [("10.9.0.51/24", "e0"), ("10.9.0.52/24", "10.9.0.255")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(seen["A"].vips, want);
        assert!(data.contains("     10.9.0.51/24 dev e0 scope global set\n"), "{data}");
        assert!(data.contains("     10.9.0.52/24 brd 10.9.0.255 dev e0 scope global set\n"), "{data}");
        assert!(data.contains("     10.9.0.53 dev e0 scope global\n"), "{data}");
        assert!(data.contains("     prepend 10.77.0.0/24 via inet 10.9.0.20 proto 18 [dev e0]\n"), "{data}");
        let script = data.split_once(" VRRP Script = chk\n").expect("the script").1;
        assert!(script.contains("\n   Status = GOOD\n") && script.contains("\n   State = "), "{script}");
        assert!(data.contains("   Password = ********\n") && !data.contains("hushhush"), "nobody is told the password");
        for banner in ["Global definitions", "VRRP Topology", "VRRP Sockpool", "VRRP Scripts", "Interfaces"] {
            assert!(data.contains(&format!("------< {banner} >------\n")), "{banner}");
        }
        let parent = fs::read_to_string("/run/t/keepalived_parent.data").expect("the parent's");
        assert!(parent.starts_with("------< Global definitions >------\n"));
    });
}

#[test]
fn an_exporter_pairs_counters_with_instances_by_their_order() {
    inside("an_exporter_pairs_counters_with_instances_by_their_order", || {
        let daemon = Daemon::master();
        let data = daemon.dump(Signal::SIGUSR1, "keepalived.data");
        let stats = counters(&daemon.dump(Signal::SIGUSR2, "keepalived.stats"));
        let order: Vec<&str> = data.lines().filter_map(|line| line.strip_prefix(" VRRP Instance = ")).collect();
        assert_eq!(stats.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), order);
        let (_, first) = &stats[0];
        assert_eq!((first["Became master"], first["Released master"], first["Priority Zero/Sent"]), (1, 0, 0));
        assert!(first["Advertisements/Sent"] > 0);
        let clear: i32 = String::from_utf8_lossy(
            &Command::new(env!("CARGO_BIN_EXE_standfast"))
                .arg0("keepalived")
                .arg("--signum=STATS_CLEAR")
                .output()
                .expect("a number")
                .stdout,
        )
        .trim()
        .parse()
        .expect("a number");
        assert_eq!(counters(&daemon.dump_by(clear, "keepalived.stats"))[0].1["Became master"], 1, "told, and then cleared");
        assert_eq!(counters(&daemon.dump(Signal::SIGUSR2, "keepalived.stats"))[0].1["Became master"], 0);
    });
}

#[test]
fn an_exporter_decodes_the_json_into_whole_numbers() {
    inside("an_exporter_decodes_the_json_into_whole_numbers", || {
        let daemon = Daemon::master();
        let json = daemon.json();
        let list = json.as_array().expect("version 1 is a list");
        assert_eq!(list.len(), 2);
        let (data, stats) = (&list[0]["data"], &list[0]["stats"]);
        for key in ["garp_delay", "vrid", "state", "wantstate", "base_priority", "effective_priority", "version"] {
            assert!(data[key].is_u64(), "{key}: {}", data[key]);
        }
        assert!(stats.as_object().expect("counters").values().all(Value::is_u64));
        assert_eq!(stats.as_object().map(serde_json::Map::len), Some(20));
        assert_eq!((data["iname"].as_str(), data["ifp_ifname"].as_str()), (Some("A"), Some("e0")));
        assert_eq!((data["state"].as_u64(), data["vipset"].as_bool(), data["adver_int"].as_f64()), (Some(2), Some(true), Some(0.5)));
        assert_eq!(data["vips"][0], "10.9.0.51/24 dev e0 scope global set");
        assert_eq!(data["track_script"][0], "'/usr/bin/true'");
        assert!(data["last_transition"].is_f64());
        assert_eq!((&list[1]["data"]["auth_type"], &list[1]["data"]["auth_data"]), (&Value::from(1), &Value::from("********")));
        let text = daemon.dump_by(36, "keepalived.json");
        assert!(text.ends_with("]\n") && text.contains("10.9.0.51\\/24") && !text.contains("hushhush"), "{text}");
    });
}

#[test]
fn version_2_of_the_json_has_room_for_more() {
    inside("version_2_of_the_json_has_room_for_more", || {
        let track = "vrrp_track_process p {\nprocess no-such-process\nweight 3\n}\n";
        let tracking = INSTANCES.replacen("    track_script {\n        chk\n    }\n", "    track_process {\n        p\n    }\n", 1);
        let daemon = Daemon::start("json_version 2", &format!("{track}{tracking}"));
        wait_until("a process", || Path::new("/run/p").exists() && holds("10.9.0.51"));
        let json = daemon.json();
        assert_eq!(json["vrrp"].as_array().map(Vec::len), Some(2), "{json}");
        let process = &json["track_process"][0];
        assert_eq!((process["process"].as_str(), process["have_quorum"].as_bool()), (Some("no-such-process"), Some(false)), "{json}");
    });
}

/// VyOS watches the folder for the end of a write by the file's own name, reads it and takes it away.
#[test]
fn who_waits_for_a_file_by_its_name_is_told_when_it_is_complete() {
    inside("who_waits_for_a_file_by_its_name_is_told_when_it_is_complete", || {
        let daemon = Daemon::master();
        let watch = Inotify::init(InitFlags::IN_NONBLOCK).expect("inotify");
        watch.add_watch(FOLDER, AddWatchFlags::IN_CLOSE_WRITE).expect("a watch");
        for (signal, name) in
            [(36, "keepalived.json"), (Signal::SIGUSR1 as i32, "keepalived.data"), (Signal::SIGUSR2 as i32, "keepalived.stats")]
        {
            let path = Path::new(FOLDER).join(name);
            drop(fs::remove_file(&path));
            daemon.send(signal);
            wait_until("the end of a write", || {
                // There may be nothing yet.
                let events = watch.read_events().unwrap_or_default();
                events.iter().any(|event| event.name.as_deref() == Some(name.as_ref()))
            });
            let text = fs::read_to_string(&path).expect("it is there by now");
            assert!(text.ends_with('\n') && text.len() > 100, "{name}: {text}");
            assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        }
    });
}

#[test]
fn files_go_where_the_configuration_says() {
    inside("files_go_where_the_configuration_says", || {
        let global = "state_dump_file /run/w/state.txt\nstats_dump_file /run/w/counters\njson_dump_file /run/w/all.json\numask 022\n\
                      data_use_instance";
        let daemon = Daemon::start(global, &format!("instance one\n{INSTANCES}"));
        wait_until("the master", || holds("10.9.0.51"));
        for (signal, path) in [
            (Signal::SIGUSR1 as i32, "/run/w/state.one.txt"),
            (Signal::SIGUSR1 as i32, "/run/w/state_parent.one.txt"),
            (Signal::SIGUSR2 as i32, "/run/w/counters"),
            (36, "/run/w/all.json"),
        ] {
            daemon.send(signal);
            wait_until(path, || Path::new(path).exists());
            assert_eq!(fs::metadata(path).expect("it is there").permissions().mode() & 0o777, 0o644, "{path}");
        }
        assert_eq!(fs::read_dir(FOLDER).expect("a list").count(), 0);
    });
}

#[test]
fn without_instances_there_is_no_json_and_bfd_has_its_own_file() {
    inside("without_instances_there_is_no_json_and_bfd_has_its_own_file", || {
        let daemon = Daemon::start("", "bfd_instance b {\nneighbor_ip 10.9.0.20\nsource_ip 10.9.0.10\n}\n");
        wait_until("it", || Path::new("/run/p").exists());
        // What comes before it listens is lost, as with keepalived.
        wait_until("its dump", || {
            daemon.send(36);
            daemon.send(Signal::SIGUSR1 as i32);
            Path::new("/run/t/keepalived_bfd.data").exists()
        });
        let data = fs::read_to_string("/run/t/keepalived_bfd.data").expect("text");
        assert!(data.contains(" BFD Instance = b\n   Neighbor IP = 10.9.0.20\n   Source IP = 10.9.0.10\n"), "{data}");
        assert!(data.contains("\n   local state = Down\n"), "{data}");
        assert!(!Path::new("/run/t/keepalived.json").exists());
    });
}
