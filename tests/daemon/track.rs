//! Trackers with real scripts, files and processes.

#![expect(clippy::disallowed_methods, reason = "scripts and files are real here")]

use crate::place::{EVENTUALLY, Place, run};
use standfast::model::Model;
use standfast::model::script::{Action, Script};
use standfast::model::track::{InitialValue, ParameterMatch, TrackFile, TrackProcess, TrackScript, Tracker, Trackers as Watched, Weight};
use standfast::model::vrrp::{Notify, SyncGroup};
use standfast::runtime::track::{Finding, Found, Trackers};
use standfast::vrrp::Standing;
use std::fs;
use std::time::Duration;

/// All are tracked by a group.
fn model(scripts: Vec<TrackScript>, files: Vec<TrackFile>, processes: Vec<TrackProcess>) -> Model {
    let tracker = |name: &str| Tracker { name: name.into(), weight: Weight::default() };
    let trackers = Watched {
        scripts: scripts.iter().map(|script| tracker(&script.name)).collect(),
        files: files.iter().map(|file| tracker(&file.name)).collect(),
        processes: processes.iter().map(|process| tracker(&process.name)).collect(),
        ..Watched::default()
    };
    let (name, members, notify) = ("G".into(), Vec::new(), Notify::default());
    let mut model = Model::default();
    model.vrrp.groups.push(SyncGroup { name, members, trackers, tracking_weight: false, notify, smtp_alert: false });
    model.tracked.scripts = scripts;
    model.tracked.files = files;
    model.tracked.processes = processes;
    model
}

fn tracked(name: &str, command: Script) -> TrackScript {
    TrackScript {
        name: name.into(),
        command,
        interval: Duration::from_millis(100),
        timeout: Duration::from_secs(10),
        weight: Weight::default(),
        rise: 2,
        fall: 2,
        init_fail: false,
    }
}

fn found(name: &str, standing: Standing) -> Finding {
    Finding { object: Found::Script(name.into()), standing }
}

async fn next(trackers: &mut Trackers) -> Finding {
    tokio::time::timeout(EVENTUALLY, trackers.next()).await.expect("a finding")
}

#[test]
fn a_health_script_is_up_and_down() {
    let place = Place::new("health");
    run(async {
        let script = tracked("chk", place.script("echo run >> runs; exit $(cat status)"));
        fs::write(place.path("status"), "0").expect("a file");
        let mut trackers = Trackers::new(&model(vec![script.clone()], Vec::new(), Vec::new()), None).expect("trackers");
        assert_eq!(next(&mut trackers).await, found("chk", Standing::Up));
        assert_eq!(place.text("runs").lines().count(), 1, "the first result counts at once");
        fs::write(place.path("status"), "3").expect("a file");
        assert_eq!(next(&mut trackers).await, found("chk", Standing::Down));
        trackers.reconfigure(&model(vec![script], Vec::new(), Vec::new()));
        assert_eq!(next(&mut trackers).await, found("chk", Standing::Down), "it is carried over");
        fs::write(place.path("status"), "0").expect("a file");
        assert_eq!(next(&mut trackers).await, found("chk", Standing::Up));
    });
}

#[test]
fn a_health_script_that_hangs_is_killed_with_all_that_it_started() {
    let place = Place::new("hanging");
    run(async {
        let text = "sh -c \"trap '' TERM; while :; do sleep 1; done\" & echo $! > child.new; mv child.new child; wait";
        let script =
            TrackScript { timeout: Duration::from_millis(300), interval: Duration::from_secs(100), ..tracked("chk", place.script(text)) };
        let mut trackers = Trackers::new(&model(vec![script], Vec::new(), Vec::new()), None).expect("trackers");
        assert_eq!(next(&mut trackers).await, found("chk", Standing::Down));
        let work = async {
            while place.text("child").is_empty() || is_alive(&place.text("child")) {
                tokio::time::timeout(Duration::from_millis(20), trackers.next()).await.ok();
            }
        };
        tokio::time::timeout(EVENTUALLY, work).await.expect("its child is gone");
    });
}

#[test]
fn a_health_script_that_ended_while_we_were_held_up_was_in_time() {
    let place = Place::new("stall");
    run(async {
        let script = TrackScript {
            timeout: Duration::from_millis(300),
            interval: Duration::from_secs(100),
            ..tracked("chk", place.script("sleep 0.1; touch over"))
        };
        let mut trackers = Trackers::new(&model(vec![script], Vec::new(), Vec::new()), None).expect("trackers");
        // It is started, and not waited for.
        let first = tokio::time::timeout(Duration::ZERO, trackers.next()).await;
        assert!(first.is_err(), "{first:?}");
        while !place.path("over").exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(next(&mut trackers).await, found("chk", Standing::Up));
    });
}

/// Whoever inherits it may take its time to notice its end.
fn is_alive(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{}/status", pid.trim())).is_ok_and(|status| !status.contains("State:\tZ"))
}

#[test]
fn a_health_check_may_be_a_file_that_opens() {
    let place = Place::new("opens");
    fs::write(place.path("there"), "").expect("a file");
    run(async {
        let open = |name: &str| Script { argv: ["<".into()].into(), action: Action::Open(place.path(name)), ..place.script("") };
        let model = model(vec![tracked("there", open("there")), tracked("absent", open("absent"))], Vec::new(), Vec::new());
        let mut trackers = Trackers::new(&model, None).expect("trackers");
        let mut findings = vec![next(&mut trackers).await, next(&mut trackers).await];
        findings.sort_by_key(|finding| finding.standing == Standing::Up);
        assert_eq!(findings, [found("absent", Standing::Down), found("there", Standing::Up)]);
    });
}

fn file(name: &str, place: &Place, initial: Option<InitialValue>) -> TrackFile {
    TrackFile { name: name.into(), path: place.path("folder").join(name), weight: Weight::default(), initial }
}

fn value(name: &str, value: i32) -> Finding {
    Finding { object: Found::File(name.into()), standing: Standing::Value(value) }
}

#[test]
fn a_file_is_followed_through_all_that_is_done_to_it() {
    let place = Place::new("file");
    let folder = place.path("folder");
    fs::create_dir(&folder).expect("a folder");
    run(async {
        let path = folder.join("f");
        let followed = model(Vec::new(), vec![file("f", &place, Some(InitialValue { value: 7, overwrite: false }))], Vec::new());
        let mut trackers = Trackers::new(&followed, None).expect("trackers");
        assert_eq!(next(&mut trackers).await, value("f", 7), "it is made");
        assert_eq!(fs::read_to_string(&path).expect("a file"), "7\n");
        fs::write(&path, "20\n").expect("written");
        assert_eq!(next(&mut trackers).await, value("f", 20));
        fs::write(folder.join("new"), "0x10").expect("written");
        fs::rename(folder.join("new"), &path).expect("renamed");
        assert_eq!(next(&mut trackers).await, value("f", 16));
        fs::rename(&path, folder.join("old")).expect("renamed");
        assert_eq!(next(&mut trackers).await, value("f", 0));
        fs::write(&path, "-5").expect("written");
        assert_eq!(next(&mut trackers).await, value("f", -5));
        trackers.reconfigure(&followed);
        assert_eq!(next(&mut trackers).await, value("f", -5), "it is carried over");
        fs::remove_file(&path).expect("removed");
        assert_eq!(next(&mut trackers).await, value("f", 0));
        fs::write(&path, "3").expect("written");
        assert_eq!(next(&mut trackers).await, value("f", 3));
        // With its folder, and back.
        fs::rename(&folder, place.path("away")).expect("renamed");
        assert_eq!(next(&mut trackers).await, value("f", 0));
        fs::rename(place.path("away"), &folder).expect("renamed");
        assert_eq!(next(&mut trackers).await, value("f", 3));
        fs::write(&path, "4").expect("written");
        assert_eq!(next(&mut trackers).await, value("f", 4), "the folder is watched again");
        fs::remove_dir_all(&folder).expect("removed");
        assert_eq!(next(&mut trackers).await, value("f", 0));
    });
}

#[test]
fn a_link_is_followed_when_what_it_goes_through_is_replaced() {
    let place = Place::new("link");
    let folder = place.path("folder");
    for (version, content) in [("one", "1"), ("two", "2")] {
        fs::create_dir_all(folder.join(version)).expect("a folder");
        fs::write(folder.join(version).join("f"), content).expect("written");
    }
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, folder.join(at)).expect("a link");
    link("one", "..data");
    link("..data/f", "f");
    run(async {
        let mut trackers = Trackers::new(&model(Vec::new(), vec![file("f", &place, None)], Vec::new()), None).expect("trackers");
        assert_eq!(next(&mut trackers).await, value("f", 1));
        link("two", "..new");
        fs::rename(folder.join("..new"), folder.join("..data")).expect("renamed");
        assert_eq!(next(&mut trackers).await, value("f", 2));
    });
}

#[test]
fn a_file_is_made_only_where_that_is_asked_for() {
    let place = Place::new("initial");
    fs::create_dir(place.path("folder")).expect("a folder");
    for (name, there, overwrite, want) in
        [("a", None, false, 9), ("b", Some("5"), false, 5), ("c", Some("555"), true, 9), ("d", None, true, 9)]
    {
        run(async {
            let file = file(name, &place, Some(InitialValue { value: 9, overwrite }));
            if let Some(there) = there {
                fs::write(&file.path, there).expect("written");
            }
            let mut trackers = Trackers::new(&model(Vec::new(), vec![file.clone()], Vec::new()), None).expect("trackers");
            assert_eq!(next(&mut trackers).await, value(name, want));
            assert_eq!(fs::read_to_string(&file.path).expect("a file").trim(), want.to_string());
        });
    }
    run(async {
        let mut pipe = file("pipe", &place, Some(InitialValue { value: 9, overwrite: true }));
        nix::unistd::mkfifo(&pipe.path, nix::sys::stat::Mode::S_IRUSR).expect("a FIFO");
        let mut trackers = Trackers::new(&model(Vec::new(), vec![pipe.clone()], Vec::new()), None).expect("trackers");
        assert_eq!(next(&mut trackers).await, value("pipe", 0), "nobody is waited for");
        pipe.path = "/dev/zero".into();
        let mut trackers = Trackers::new(&model(Vec::new(), vec![pipe], Vec::new()), None).expect("trackers");
        assert_eq!(next(&mut trackers).await, value("pipe", 0), "it has an end");
    });
}

#[test]
fn processes_are_counted() {
    run(async {
        let seconds = format!("{}", 100_000 + std::process::id());
        let wanted = TrackProcess {
            name: "p".into(),
            process: "/bin/sleep".into(),
            parameters: [seconds.as_str().into()].into(),
            matching: Some(ParameterMatch::Exact),
            weight: Weight::default(),
            quorum: 2,
            quorum_max: None,
            terminate_delay: Duration::ZERO,
            fork_delay: Duration::ZERO,
        };
        let found = |standing| Finding { object: Found::Process("p".into()), standing };
        let start = || std::process::Command::new("/bin/sleep").arg(&seconds).spawn().expect("a process");
        let mut trackers = Trackers::new(&model(Vec::new(), Vec::new(), vec![wanted]), None).expect("trackers");
        assert_eq!(next(&mut trackers).await, found(Standing::Down));
        let (mut one, mut two) = (start(), start());
        assert_eq!(next(&mut trackers).await, found(Standing::Up));
        one.kill().expect("killed");
        // It was not waited for, and does not count as running.
        assert_eq!(next(&mut trackers).await, found(Standing::Down));
        two.kill().expect("killed");
        drop((one.wait(), two.wait()));
    });
}
