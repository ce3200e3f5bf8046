//! Configurations that are broken in every way people break them, sent to a master that serves: it goes on, or does what the
//! file says.
//!
//! `PROGRAM_UNDER_TEST=/usr/sbin/keepalived cargo test --test netns reload::` shows what keepalived makes of them.

#![expect(clippy::disallowed_methods, reason = "it writes files and waits")]

use crate::bench::lan::Side;
use crate::bench::random::Random;
use crate::bench::{Capture, Daemon, Host, Lan, Monitor, Program, cost, eventually};
use nix::sys::signal::Signal;
use standfast::config::host::{Interface, Stated};
use standfast::config::source::{Files, Refusal};
use standfast::model::Model;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// How many mutations, and how often the same file, unless these variables say otherwise.
const MUTATIONS: usize = 300;
const MUTATIONS_WANTED: &str = "RELOAD_MUTATIONS";
const REPEATS: usize = 150;
const REPEATS_WANTED: &str = "RELOAD_REPEATS";
const SEED: u64 = 20_261_121;

fn wanted(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"))
}

const VIP: &str = "10.0.0.50";
const INCLUDED: &str = "include more.conf\n";
const MORE: &str = "vrrp_instance MORE {\n    interface eth0\n    virtual_router_id 52\n    advert_int 0.2\n    version 3\n    virtual_ipaddress {\n        10.0.0.52/24\n    }\n}\n";
const MAIN: &str = "vrrp_instance VI {\n    interface eth0\n    virtual_router_id 51\n    priority 150\n    advert_int 0.2\n    version 3\n    virtual_ipaddress {\n        10.0.0.50/24\n    }\n}\n";

fn whole() -> String {
    format!("global_defs {{\n    router_id one\n}}\n{INCLUDED}{MAIN}")
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a host's folder is writable");
}

/// A master with a backup beside it, which would take its place.
struct Scene {
    _lan: Lan,
    routers: [Host; 2],
    capture: Capture,
    monitor: Monitor,
    backup: Daemon,
    master: Daemon,
}

impl Scene {
    fn new(configuration: &str) -> Self {
        let lan = Lan::new();
        let routers = [Host::new("r1"), Host::new("r2")];
        let user = Host::new("u1");
        lan.join(Side::Left, &routers[0], "eth0", &["10.0.0.1/24"]);
        lan.join(Side::Right, &routers[1], "eth0", &["10.0.0.2/24"]);
        lan.join(Side::Left, &user, "eth0", &["10.0.0.11/24"]);
        let capture = Capture::new(&user, "eth0");
        write(&routers[0].folder().join("more.conf"), MORE);
        let program = Program::standfast(env!("CARGO_BIN_EXE_standfast"));
        let master = Daemon::start(&routers[0], &program, configuration);
        eventually("the address is there", || routers[0].has_address(VIP).then_some(()));
        let lesser = MAIN.replace("priority 150", "priority 100");
        let backup = Daemon::start(&routers[1], &program, &lesser);
        backup.wait_said("(VI) Entering BACKUP STATE");
        let monitor = Monitor::addresses(&routers[0]);
        // The monitor hears what is done now, so that it would have heard of what comes.
        eventually("the monitor listens", || {
            routers[0].ip("addr add 192.0.2.7/32 dev lo");
            routers[0].ip("addr del 192.0.2.7/32 dev lo");
            (monitor.removals("192.0.2.7") > 0).then_some(())
        });
        Self { _lan: lan, routers, capture, monitor, backup, master }
    }

    fn file(&self) -> PathBuf {
        self.routers[0].folder().join("keepalived.conf")
    }

    fn more(&self) -> PathBuf {
        self.routers[0].folder().join("more.conf")
    }

    /// Puts another file in its place at once, as editors and tools do.
    fn put(&self, bytes: &[u8]) {
        let new = self.routers[0].folder().join("new");
        std::fs::write(&new, bytes).expect("a host's folder is writable");
        std::fs::rename(&new, self.file()).expect("in the same folder");
    }

    /// Whether the daemon went over to what there is now.
    fn reload(&self, what: &str) -> bool {
        let outcomes = || (self.master.said("Reload complete"), self.master.said("Reload refused"));
        let before = outcomes();
        self.master.signal(Signal::SIGHUP);
        let after = eventually(what, || Some(outcomes()).filter(|after| *after != before));
        after.0 > before.0
    }

    /// Neither the address nor the adverts have faltered.
    fn unharmed(&self, what: &str) {
        let text = || self.master.text();
        assert!(self.routers[0].has_address(VIP), "{what}: the address has gone\n{}", text());
        assert_eq!(self.monitor.removals(VIP), 0, "{what}: the address was away\n{}", text());
        assert_eq!(self.backup.said("(VI) Entering MASTER STATE"), 0, "{what}: the other one missed adverts\n{}", text());
        let given_up = self.capture.select(|frame| frame.advert().filter(|advert| advert.vrid == 51 && advert.priority == 0).map(|_| ()));
        assert_eq!(given_up.len(), 0, "{what}: priority 0 was sent\n{}", text());
        assert_eq!(self.master.said("died: Respawning"), 0, "{what}\n{}", text());
    }
}

/// How a configuration was broken.
type Breakage = (&'static str, fn(&Scene));

const BROKEN: [Breakage; 19] = [
    ("the file is gone", |scene| std::fs::remove_file(scene.file()).expect("it was there")),
    ("the file is empty", |scene| scene.put(b"")),
    ("there are only comments", |scene| scene.put(b"# nothing\n! at all\n")),
    ("the file is a program", |scene| scene.put(b"\x7fELF\x02\x01\x01\0\0\0\0\0\x03\0>\0{}{\0\xff\n}\n")),
    ("the file is full of zeros", |scene| scene.put(&[0; 4096])),
    ("cut off within the addresses", |scene| scene.put(cut(&whole(), "10.0.0.50/24"))),
    ("cut off within the instance", |scene| scene.put(cut(&whole(), "virtual_ipaddress"))),
    ("cut off before the instance", |scene| scene.put(cut(&whole(), "    router_id"))),
    ("cut off in the middle of a number", |scene| scene.put(cut(&whole(), "virtual_router_id 5"))),
    ("the included file is gone", |scene| {
        scene.put(whole().as_bytes());
        std::fs::remove_file(scene.more()).expect("it was there");
    }),
    ("the included file is cut off", |scene| {
        scene.put(whole().as_bytes());
        write(&scene.more(), &MORE[..MORE.len() / 2]);
    }),
    ("the included file is executable", |scene| {
        scene.put(whole().as_bytes());
        std::fs::set_permissions(scene.more(), std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }),
    ("another file is included that is not there", |scene| scene.put(format!("{}include others.conf\n", whole()).as_bytes())),
    ("a parameter is missing", |scene| scene.put(whole().replace("interface eth0", "interface").as_bytes())),
    ("a global parameter is missing", |scene| {
        scene.put(whole().replace("router_id one", "router_id one\n    vrrp_garp_master_repeat").as_bytes());
    }),
    ("an interface is unknown", |scene| scene.put(whole().replace("interface eth0", "interface eth9").as_bytes())),
    ("the virtual router has no number", |scene| scene.put(whole().replace("    virtual_router_id 51\n", "").as_bytes())),
    ("the keyword of every instance is misspelt", |scene| {
        scene.put(whole().replace(INCLUDED, "").replace("vrrp_instance", "vrrp_instanc").as_bytes());
    }),
    ("it is for another instance of the daemon", |scene| scene.put(format!("instance two\n{}", whole()).as_bytes())),
];

/// What is before these words, with their beginning.
fn cut<'a>(text: &'a str, words: &str) -> &'a [u8] {
    let at = text.find(words).expect("it has the words");
    &text.as_bytes()[..at + words.len()]
}

#[test]
fn a_master_goes_on_whatever_is_broken() {
    let scene = Scene::new(&whole());
    let vrrp = scene.master.wait_vrrp();
    for (what, breaks) in BROKEN {
        breaks(&scene);
        assert!(!scene.reload(what), "{what} was taken\n{}", scene.master.text());
        scene.unharmed(what);
        // What was broken beside it is whole again.
        drop(std::fs::remove_file(scene.more()));
        write(&scene.more(), MORE);
    }
    assert_eq!(scene.master.said("Reload refused"), BROKEN.len());
    // What keepalived takes with a warning is taken with a warning.
    for (what, text) in [
        ("an unknown keyword", whole().replace("priority 150", "priority 150\n    nonsense 1")),
        ("a bad number", whole().replace("priority 150", "priority much")),
        ("an address that is none", whole().replace("10.0.0.50/24", "10.0.0.50/24\n        10.0.0.500/24")),
    ] {
        scene.put(text.as_bytes());
        assert!(scene.reload(what), "{what} was refused\n{}", scene.master.text());
        scene.unharmed(what);
    }
    scene.put(whole().as_bytes());
    assert!(scene.reload("it is whole again"), "{}", scene.master.text());
    scene.unharmed("it is whole again");
    assert_eq!(scene.master.vrrp(), Some(vrrp));
}

#[test]
fn the_same_file_again_and_again_changes_nothing() {
    let scene = Scene::new(&whole());
    eventually("the other address is there", || scene.routers[0].has_address("10.0.0.52").then_some(()));
    let transitions = || ["MASTER", "BACKUP", "FAULT"].map(|state| scene.master.said(&format!("Entering {state} STATE")));
    assert!(scene.reload("once"));
    let (states, heard) = (transitions(), scene.monitor.of(VIP).len());
    let open = || cost::descriptors(&scene.master.processes());
    let before = eventually("the reader has ended", || (scene.master.processes().len() == 2).then(open));
    for _ in 0..wanted(REPEATS_WANTED, REPEATS) {
        assert!(scene.reload("the same file"), "{}", scene.master.text());
    }
    scene.unharmed("the same file");
    assert_eq!(transitions(), states);
    assert_eq!(scene.monitor.of(VIP).len(), heard, "nothing is written that is there");
    let after = eventually("the reader has ended", || (scene.master.processes().len() == 2).then(open));
    assert!(after <= before, "{before} descriptors have become {after}");
}

/// The files of a host, for the reader of this program.
struct Folder<'a>(&'a Path, &'a [u8]);

impl Files for Folder<'_> {
    fn read(&self, path: &Path) -> Result<Vec<u8>, Refusal> {
        match path {
            path if path == self.0.join("keepalived.conf") => Ok(self.1.to_vec()),
            path if path == self.0.join("more.conf") => Ok(MORE.as_bytes().to_vec()),
            _ => Err(Refusal::Missing),
        }
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        if directory == self.0 { vec!["keepalived.conf".to_owned(), "more.conf".to_owned()] } else { Vec::new() }
    }

    fn exists(&self, path: &Path) -> bool {
        self.read(path).is_ok()
    }
}

/// What a file means.
fn meaning(folder: &Path, text: &[u8]) -> Model {
    let mut host = Stated::with(&["eth0"]);
    host.interfaces.insert("lo".to_owned(), Interface { loopback: true, mtu: 65536, ..Interface::default() });
    let options =
        standfast::config::Options { pattern: folder.join("keepalived.conf"), directory: folder.to_owned(), ..Default::default() };
    standfast::config::load(&Folder(folder, text), &host, &options).model
}

/// By what the instance with the address is known over a reload, in a file that has one.
fn holder(model: &Model) -> Option<Box<str>> {
    let holds = |instance: &&standfast::model::vrrp::Instance| {
        !instance.crippled && instance.vips.iter().any(|vip| vip.prefix.to_string() == "10.0.0.50/24" && vip.device.is_none())
    };
    model.vrrp.instances.iter().find(holds).map(standfast::model::vrrp::Instance::identity)
}

const WORDS: [&str; 12] = [
    "{",
    "}",
    "priority 99",
    "vrrp_instance X {",
    "include more.conf",
    "virtual_router_id",
    "0",
    "-1",
    "99999",
    "#",
    "\"",
    "interface eth0",
];

/// Something that a slip of the hand, or of a tool, makes of a good file.
fn mutate(random: &mut Random, text: &str) -> Vec<u8> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..=random.below(2) {
        if lines.is_empty() {
            break;
        }
        let at = random.below(lines.len());
        match random.below(9) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => {
                let other = random.below(lines.len());
                lines.swap(at, other);
            }
            3 => lines.insert(at, (*random.pick(&WORDS)).to_owned()),
            4 => {
                let mut words: Vec<&str> = lines[at].split(' ').collect();
                words.remove(random.below(words.len()));
                lines[at] = words.join(" ");
            }
            5 => lines[at] = lines[at].chars().rev().collect(),
            6 => lines[at].push_str(&format!(" {}", random.pick(&WORDS))),
            7 => lines.truncate(at),
            _ => {
                let mut bytes = lines[at].clone().into_bytes();
                if !bytes.is_empty() {
                    let place = random.below(bytes.len());
                    bytes[place] = random.byte();
                }
                let mut all = lines[..at].join("\n").into_bytes();
                all.push(b'\n');
                all.extend(bytes);
                all.push(b'\n');
                all.extend(lines[at + 1..].join("\n").into_bytes());
                return all;
            }
        }
    }
    let mut bytes = lines.join("\n").into_bytes();
    if random.below(8) == 0 {
        bytes.truncate(random.below(bytes.len() + 1));
    }
    bytes
}

#[test]
fn whatever_a_file_has_become_the_master_goes_on_or_does_what_it_says() {
    let scene = Scene::new(&whole());
    // Some mutations lower the priority; nobody is to take that up.
    scene.backup.signal_stop();
    scene.backup.wait_said("Stopped Keepalived");
    let folder = scene.routers[0].folder().to_owned();
    let good = holder(&meaning(&folder, whole().as_bytes())).expect("a good file");
    let mut random = Random::new(SEED);
    let (mut taken, mut refused, mut meant) = (0, 0, 0);
    for number in 0..wanted(MUTATIONS_WANTED, MUTATIONS) {
        let bytes = mutate(&mut random, &whole());
        let shown = format!("mutation {number} of seed {SEED}:\n{}", String::from_utf8_lossy(&bytes));
        scene.put(&bytes);
        if !scene.reload(&shown) {
            refused += 1;
            assert!(scene.routers[0].has_address(VIP), "{shown}\n{}", scene.master.text());
            continue;
        }
        taken += 1;
        if holder(&meaning(&folder, &bytes)).as_ref() == Some(&good) {
            assert!(scene.routers[0].has_address(VIP), "{shown}\n{}", scene.master.text());
            continue;
        }
        // It said that the address, or its virtual router, was to go; and it comes back with the whole file.
        meant += 1;
        scene.put(whole().as_bytes());
        assert!(scene.reload("the whole file"), "{}", scene.master.text());
        eventually("the address is back", || scene.routers[0].has_address(VIP).then_some(()));
    }
    let text = scene.master.text();
    // Another virtual router may have had it meanwhile, and given it up again.
    assert!(scene.monitor.removals(VIP) <= 2 * meant, "{} removals, {meant} meant\n{text}", scene.monitor.removals(VIP));
    assert_eq!(scene.master.said("died: Respawning"), 0, "{text}");
    assert!(taken > 0 && refused > 0 && meant > 0, "{taken} taken, {refused} refused, {meant} meant");
    scene.put(whole().as_bytes());
    assert!(scene.reload("the whole file"), "{text}");
}
