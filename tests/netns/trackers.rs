//! Everything that can be tracked, by what it does to instances: seen on the wire and in the addresses, up and down, over a reload
//! in either state.

#![expect(clippy::disallowed_methods, reason = "what is tracked is real here")]

use crate::bench::lan::Side;
use crate::bench::{Capture, Daemon, Host, Lan, Program, eventually};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command};

fn standfast() -> Program {
    Program::standfast(env!("CARGO_BIN_EXE_standfast"))
}

/// How an instance with priority 100 looks from outside: its priority, or nothing while it is in FAULT.
type Looks = Option<u8>;

/// What one instance tracks, and how it looks while that is up and while it is down.
struct Row {
    tracks: &'static str,
    up: Looks,
    down: Looks,
}

const fn row(tracks: &'static str, up: Looks, down: Looks) -> Row {
    Row { tracks, up, down }
}

/// Of a script, a process, a session and an interface alike; `%` is its name. A file has a number instead.
const BINARY: [(&str, Looks, Looks); 3] =
    [("%", Some(100), None), ("% weight 10", Some(110), Some(100)), ("% weight -10", Some(100), Some(90))];
const REVERSED: [(&str, Looks, Looks); 2] = [("% weight 0 reverse", None, Some(100)), ("% weight 10 reverse", Some(90), Some(100))];
/// Up is 0, down is 20.
const FILE: [Row; 5] = [
    row("track_file {\nf\n}", Some(100), Some(120)),
    row("track_file {\nf weight -2\n}", Some(100), Some(60)),
    row("track_file {\nf weight 1 reverse\n}", Some(100), Some(80)),
    row("track_file {\nf weight 0\n}", Some(100), None),
    row("track_file {\nf weight 0 reverse\n}", None, Some(100)),
];

/// What is tracked, and how it is made to be up and down.
struct World {
    router: Host,
    neighbour: Host,
    session: Option<Daemon>,
    process: Option<Child>,
    seconds: String,
}

impl World {
    fn neighbour(&self) -> Daemon {
        let conf = "bfd_instance way {\nneighbor_ip 10.0.0.1\nsource_ip 10.0.0.2\nmin_rx 50\nmin_tx 50\n}\n";
        Daemon::start(&self.neighbour, &standfast(), conf)
    }

    fn set(&mut self, up: bool) {
        let folder = self.router.folder().to_owned();
        fs::write(folder.join("status"), if up { "0" } else { "1" }).expect("a host's folder is writable");
        fs::write(folder.join("file"), if up { "0" } else { "20" }).expect("a host's folder is writable");
        self.router.ip(&format!("link set eth1 {}", if up { "up" } else { "down" }));
        if up {
            self.session = Some(self.neighbour());
            self.process = Some(Command::new("/bin/sleep").arg(&self.seconds).spawn().expect("a process"));
        } else {
            self.session = None;
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop((process.kill(), process.wait()));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.end();
    }
}

/// One instance for each row, from the first VRID on.
fn instances(rows: &[Row], first: u8) -> String {
    let mut text = String::new();
    for (row, vrid) in rows.iter().zip(first..) {
        let _ = writeln!(
            text,
            "vrrp_instance I{vrid} {{\nversion 3\ninterface eth0\nvirtual_router_id {vrid}\npriority 100\nadvert_int 0.1\n\
             virtual_ipaddress {{\n10.0.1.{vrid}/32\n}}\n{}\n}}",
            row.tracks
        );
    }
    text
}

fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = FILE.into();
    let binary = |kind: &'static str, name: &'static str, lines: &'static [(&str, Looks, Looks)]| {
        lines.iter().map(move |&(line, up, down)| {
            let text = format!("{kind} {{\n{}\n}}", line.replace('%', name));
            row(Box::leak(text.into_boxed_str()), up, down)
        })
    };
    for (kind, name) in [("track_script", "s"), ("track_process", "p"), ("track_bfd", "way")] {
        rows.extend(binary(kind, name, &BINARY));
        rows.extend(binary(kind, name, &REVERSED));
    }
    rows.extend(binary("track_interface", "eth1", &BINARY));
    rows
}

const FIRST: u8 = 10;
/// The members of groups, two of each, after the others.
const GROUPED: u8 = 100;

/// What a group tracks: with weights only where it says so.
const GROUPS: [(&str, Looks, Looks); 4] = [
    ("track_script {\ns\n}", Some(100), None),
    ("sync_group_tracking_weight\ntrack_script {\ns weight -10\n}", Some(100), Some(90)),
    ("sync_group_tracking_weight\ntrack_file {\nf weight 1\n}", Some(100), Some(120)),
    ("track_process {\np weight 0\n}", Some(100), None),
];

fn configuration(world: &World, rows: &[Row], more: &str) -> String {
    let folder = world.router.folder().display().to_string();
    let mut text = format!(
        "# {more}\nglobal_defs {{\nenable_script_security\nscript_user root\n}}\n\
         track_file f {{\nfile {folder}/file\n}}\n\
         vrrp_script s {{\nscript {folder}/check\ninterval 0.1\nrise 2\nfall 2\n}}\n\
         vrrp_track_process p {{\nprocess /bin/sleep {}\n}}\n\
         bfd_instance way {{\nneighbor_ip 10.0.0.2\nsource_ip 10.0.0.1\nmin_rx 50\nmin_tx 50\n}}\n",
        world.seconds
    );
    for (number, (tracks, ..)) in GROUPS.iter().enumerate() {
        let first = usize::from(GROUPED) + number * 2;
        let _ = writeln!(text, "vrrp_sync_group G{number} {{\ngroup {{\nI{first}\nI{}\n}}\n{tracks}\n}}", first + 1);
    }
    let members: Vec<Row> = GROUPS.iter().flat_map(|&(_, up, down)| [row("", up, down), row("", up, down)]).collect();
    text + &instances(rows, FIRST) + &instances(&members, GROUPED)
}

#[test]
fn what_is_tracked_counts_in_either_state_and_over_a_reload() {
    let lan = Lan::new();
    let (router, neighbour) = (Host::new("router"), Host::new("neighbour"));
    lan.join(Side::Left, &router, "eth0", &["10.0.0.1/24"]);
    lan.join(Side::Left, &router, "eth1", &["10.2.0.1/24"]);
    lan.join(Side::Left, &neighbour, "eth0", &["10.0.0.2/24"]);
    let seconds = (9_000_000 + std::process::id()).to_string();
    let mut world = World { router, neighbour, session: None, process: None, seconds };
    let check = world.router.folder().join("check");
    fs::write(&check, format!("#!/bin/sh\nexit $(cat {}/status)\n", world.router.folder().display())).expect("a script");
    fs::set_permissions(&check, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let rows = rows();
    let capture = Capture::new(&world.router, "eth0");
    let want = |up: bool| -> Vec<(u8, String, Looks)> {
        let alone = rows.iter().zip(FIRST..).map(|(row, vrid)| (vrid, row.tracks, if up { row.up } else { row.down }));
        let grouped = GROUPS.iter().flat_map(|group| [group; 2]).zip(GROUPED..);
        let grouped = grouped.map(|((tracks, of_up, of_down), vrid)| (vrid, *tracks, if up { *of_up } else { *of_down }));
        alone.chain(grouped).map(|(vrid, tracks, looks)| (vrid, tracks.replace('\n', " "), looks)).collect()
    };
    world.set(true);
    let daemon = Daemon::start(&world.router, &standfast(), &configuration(&world, &rows, "first"));
    let expect = |world: &World, up: bool, when: &str| {
        let mut wrong = Vec::new();
        let right = crate::bench::wait::within(crate::bench::PATIENCE, || {
            let there = world.router.ip("-o -4 addr show dev eth0");
            capture.clear();
            crate::bench::pause(std::time::Duration::from_millis(400));
            let adverts = capture.select(|frame| frame.advert().map(|advert| (advert.vrid, advert.priority)));
            let looks = |vrid: u8| {
                let held = there.split_whitespace().any(|word| word.starts_with(&format!("10.0.1.{vrid}/")));
                let said = adverts.iter().rev().find(|(of, _)| *of == vrid).map(|(_, priority)| *priority);
                if held { said } else { None }
            };
            wrong = want(up)
                .into_iter()
                .filter(|(vrid, _, want)| looks(*vrid) != *want)
                .map(|(vrid, tracks, want)| (vrid, tracks, want, looks(vrid)))
                .collect();
            wrong.is_empty().then_some(())
        });
        assert!(right.is_some(), "{when}: {wrong:#?}");
    };
    expect(&world, true, "at the start");
    for round in 0..2 {
        for up in [false, true] {
            world.set(up);
            expect(&world, up, if up { "up again" } else { "down" });
            daemon.reload(&configuration(&world, &rows, &format!("{round} {up}")));
            daemon.wait_said_times("Reload complete", round * 2 + 1 + usize::from(up));
            expect(&world, up, "after a reload");
        }
    }
    // A daemon that starts when everything is down already.
    drop(daemon);
    eventually("nothing is left", || (!world.router.ip("-o -4 addr show").contains("10.0.1.")).then_some(()));
    world.set(false);
    let _daemon = Daemon::start(&world.router, &standfast(), &configuration(&world, &rows, "down"));
    expect(&world, false, "at a start");
}

/// Until the script has said otherwise it counts as failed; keepalived forgets that as soon as somebody tracks it.
#[test]
fn a_script_that_is_to_be_taken_for_failed_is_until_it_has_ended() {
    let (lan, host) = (Lan::new(), Host::new("router"));
    lan.join(Side::Left, &host, "eth0", &["10.0.0.1/24"]);
    let folder = host.folder().display().to_string();
    let check = host.folder().join("check");
    fs::write(&check, format!("#!/bin/sh\nwhile [ ! -e {folder}/go ]; do sleep 0.05; done\n")).expect("a script");
    fs::set_permissions(&check, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let conf = format!(
        "global_defs {{\nenable_script_security\nscript_user root\n}}\nvrrp_script s {{\nscript {folder}/check\ninterval 100\ninit_fail\n}}\n{}",
        instances(&[row("track_script {\ns\n}", None, None)], FIRST)
    );
    let daemon = Daemon::start(&host, &standfast(), &conf);
    daemon.wait_said("FAULT: script s fails");
    crate::bench::pause(std::time::Duration::from_secs(1));
    assert_eq!(daemon.said("Entering MASTER STATE"), 0, "{}", daemon.text());
    fs::write(host.folder().join("go"), "").expect("a host's folder is writable");
    daemon.wait_said("Entering MASTER STATE");
}
