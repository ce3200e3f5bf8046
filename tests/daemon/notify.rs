//! Notifications with real processes and pipes.

#![expect(clippy::disallowed_methods, reason = "scripts and pipes are real here")]

use crate::place::{EVENTUALLY, Place, gid, run, uid};
use crate::smtp::{Manner, Server};
use nix::libc;
use nix::sys::stat::Mode;
use nix::unistd::{Uid, mkfifo};
use standfast::config::host::{Host as _, Ids};
use standfast::effect::notice::{Notice, ServerNotice, Subject, Told};
use standfast::model::Model;
use standfast::model::global::scripts::Fifo;
use standfast::model::script::{Action, Script};
use standfast::runtime::host::System;
use standfast::runtime::notify::{Tell, Teller};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

fn notice(told: Told, specific: Option<Script>, any: Option<Script>) -> Notice {
    Notice {
        subject: Subject::Instance,
        name: "VI 1".into(),
        key: Box::default(),
        told,
        priority: 150,
        specific,
        any,
        fifo: true,
        mail: false,
    }
}

/// Lets the teller work until something holds.
async fn until(teller: &mut Teller, what: &str, holds: impl Fn() -> bool) {
    let work = async {
        while !holds() {
            tokio::select! {
                () = teller.drive() => {}
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
        }
    };
    tokio::time::timeout(EVENTUALLY, work).await.unwrap_or_else(|_| unreachable!("never: {what}"));
}

fn is_running(pid: &str) -> bool {
    // A zombie would be there, too.
    Path::new("/proc").join(pid.trim()).exists()
}

#[test]
fn scripts_of_an_instance_never_overlap_and_the_last_state_is_the_last_one_told() {
    let place = Place::new("order");
    run(async {
        let mut teller = Teller::new(&Model::default()).expect("a teller");
        let script = place.script("echo begin $3 >> log; sleep 0.2; echo end $3 >> log");
        for told in [Told::Master, Told::Backup, Told::Fault, Told::Backup, Told::Master, Told::Backup] {
            teller.notice(notice(told, None, Some(script.clone())));
        }
        until(&mut teller, "both", || place.text("log").ends_with("end BACKUP\n")).await;
        assert_eq!(place.text("log"), "begin MASTER\nend MASTER\nbegin BACKUP\nend BACKUP\n");
        teller.notice(notice(Told::Stop, None, Some(script)));
        teller.finish(EVENTUALLY).await;
        assert!(place.text("log").ends_with("begin STOP\nend STOP\n"), "{}", place.text("log"));
    });
}

#[test]
fn one_notice_runs_both_scripts_with_their_arguments() {
    let place = Place::new("arguments");
    run(async {
        let mut teller = Teller::new(&Model::default()).expect("a teller");
        let print = |name: &str| place.script(&format!("printf '[%s]' \"$@\" > {name}.new && mv {name}.new {name}"));
        let mut specific = print("specific");
        specific.argv = specific.argv.iter().cloned().chain(["a b".into(), "$HOME; ls".into()]).collect();
        teller.notice(notice(Told::Master, Some(specific), Some(print("any"))));
        until(&mut teller, "both", || place.path("specific").exists() && place.path("any").exists()).await;
        assert_eq!(place.text("specific"), "[a b][$HOME; ls]");
        assert_eq!(place.text("any"), "[INSTANCE][VI 1][MASTER][150]");
    });
}

#[test]
fn a_script_finds_an_ordinary_process_around_it() {
    let place = Place::new("process");
    // Cargo sets it for us, and it must not reach the script.
    assert!(std::env::var_os("LD_LIBRARY_PATH").is_some() || std::env::var_os("CARGO").is_none());
    let (user, group) = if Uid::effective().is_root() { (65534, 65534) } else { (uid(), gid()) };
    run(async {
        let mut teller = Teller::new(&Model::default()).expect("a teller");
        let text = "{
            echo uid=$(id -u) gid=$(id -g) groups=$(id -G) umask=$(umask)
            echo in=$(readlink /proc/$$/fd/0) out=$(readlink /proc/$$/fd/1)
            echo group=$(ps -o pgid= -p $$ | tr -d ' ') self=$$ ld=${LD_LIBRARY_PATH-none} path=${PATH:+set}
            grep -E '^Sig(Blk|Ign|Cgt)' /proc/$$/status | tr '\\n\\t' '  '
        } > who.new 2>&1; mv who.new who";
        let script = Script { uid: user, gid: group, ..place.script(text) };
        teller.notice(notice(Told::Master, Some(script), None));
        until(&mut teller, "a report", || place.path("who").exists()).await;
        // While the script was on its way nobody might look into this process; now its owner may again.
        let dumpable = || nix::sys::prctl::get_dumpable() == Ok(true);
        until(&mut teller, "core dumps are possible again", dumpable).await;
    });
    let report = place.text("who");
    let lines: Vec<&str> = report.lines().collect();
    assert!(lines[0].starts_with(&format!("uid={user} gid={group} groups={group} umask=")), "{report}");
    assert!(lines[1].starts_with("in=/dev/null out="), "{report}");
    let pid = lines[2].split("self=").nth(1).and_then(|rest| rest.split(' ').next()).expect("it is told");
    assert!(lines[2].starts_with(&format!("group={pid} self={pid} ld=none path=set")), "{report}");
    let mask = |name: &str| {
        let rest = lines[3].split(name).nth(1).expect("it is told");
        u64::from_str_radix(rest.split(' ').next().unwrap_or_default(), 16).expect("a mask")
    };
    // 32 and 33 are the C library's own, and it lets nobody touch them.
    assert_eq!((mask("SigBlk: "), mask("SigIgn: ") & !0x1_8000_0000), (0, 0), "{report}");
}

#[test]
fn a_script_has_the_other_groups_of_its_user_where_that_is_asked_for() {
    let place = Place::new("groups");
    let user = nix::unistd::User::from_name("frr").expect("users are known").expect("a user with several groups: install the package frr");
    let all = std::process::Command::new("id").args(["-G", "frr"]).output().expect("id(1)").stdout;
    let sorted = |text: &str| text.split_whitespace().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    let all = sorted(&String::from_utf8_lossy(&all));
    assert!(all.len() > 1, "{all:?}");
    let groups = System::default().all_groups(Ids { uid: user.uid.as_raw(), gid: user.gid.as_raw() });
    run(async {
        let mut teller = Teller::new(&Model::default()).expect("a teller");
        for (told, groups, name) in [(Told::Master, Some(groups), "all"), (Told::Backup, None, "one")] {
            let text = format!("id -G > {name}.new; mv {name}.new {name}");
            let script = Script { uid: user.uid.as_raw(), gid: user.gid.as_raw(), groups, ..place.script(&text) };
            teller.notice(notice(told, Some(script), None));
            until(&mut teller, "a report", || place.path(name).exists()).await;
        }
    });
    assert_eq!(sorted(&place.text("all")), all);
    assert_eq!(sorted(&place.text("one")), [user.gid.to_string()].into());
}

#[test]
fn descriptors_of_ours_do_not_reach_a_script() {
    let place = Place::new("descriptors");
    let inherited = fs::File::open("/etc/hosts").expect("a file");
    // One that is not closed by itself, as those of whoever started the daemon may be.
    let leaked = nix::unistd::dup(&inherited).expect("a descriptor");
    nix::fcntl::fcntl(&leaked, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).expect("a flag");
    run(async {
        let mut teller = Teller::new(&Model::default()).expect("a teller");
        let text = "for fd in /proc/$$/fd/*; do readlink $fd; done | sort -u > seen.new; mv seen.new seen";
        teller.notice(notice(Told::Master, Some(place.script(text)), None));
        until(&mut teller, "a report", || place.path("seen").exists()).await;
    });
    let seen = place.text("seen");
    assert!(seen.contains("/dev/null") && !seen.contains("hosts") && !seen.contains("socket"), "{seen}");
}

#[test]
fn a_script_that_cannot_run_holds_nothing_up() {
    let place = Place::new("unrunnable");
    fs::write(place.path("data"), "echo $2 > $1").expect("a file");
    fs::set_permissions(place.path("data"), fs::Permissions::from_mode(0o755)).expect("a mode");
    run(async {
        let mut teller = Teller::new(&Model::default()).expect("a teller");
        let absent = Script { action: Action::Execute("/nonexistent/x".into()), ..place.script("true") };
        let forbidden = Script { action: Action::Execute("/etc/hosts".into()), ..place.script("true") };
        let directory = Script { action: Action::Execute("/etc".into()), ..place.script("true") };
        let impossible = Script { argv: ["a\0b".into()].into(), ..place.script("true") };
        for (told, script) in [(Told::Master, absent), (Told::Backup, forbidden), (Told::Fault, directory), (Told::Master, impossible)] {
            teller.notice(notice(told, Some(script), None));
            tokio::time::timeout(Duration::from_millis(200), teller.drive()).await.ok();
        }
        // What names no interpreter is read by a shell.
        let argv = ["data".into(), place.path("said").display().to_string().into(), "x y".into()].into();
        let unmarked = Script { argv, action: Action::Execute(place.path("data")), ..place.script("true") };
        teller.notice(notice(Told::Backup, Some(unmarked), None));
        until(&mut teller, "the last one", || !place.text("said").is_empty()).await;
        assert_eq!(place.text("said"), "x y\n");
    });
}

#[test]
fn nothing_is_left_of_a_script_that_has_ended() {
    let place = Place::new("zombie");
    run(async {
        let mut teller = Teller::new(&Model::default()).expect("a teller");
        teller.notice(notice(Told::Master, Some(place.script("echo $$ > pid.new; mv pid.new pid")), None));
        until(&mut teller, "it is gone", || place.path("pid").exists() && !is_running(&place.text("pid"))).await;
    });
}

#[test]
fn a_script_ends_with_the_thread_that_started_it() {
    let place = Place::new("orphan");
    run(async {
        let mut teller = Teller::new(&Model::default()).expect("a teller");
        let text = "echo $$ > pid.new; mv pid.new pid; exec sleep 1000";
        let script = if Uid::effective().is_root() { Script { uid: 65534, gid: 65534, ..place.script(text) } } else { place.script(text) };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                run(async {
                    let mut other = Teller::new(&Model::default()).expect("a teller");
                    other.notice(notice(Told::Master, Some(script), None));
                    until(&mut other, "it runs", || place.path("pid").exists()).await;
                });
            });
        });
        let status = format!("/proc/{}/status", place.text("pid").trim());
        // Nobody waits for it any more in this process, so it may stay as a zombie.
        let is_over = || fs::read_to_string(&status).map_or(true, |status| status.contains("State:\tZ"));
        until(&mut teller, "it is over", is_over).await;
    });
}

#[test]
fn at_the_end_stop_is_told_in_time_whatever_still_runs() {
    let place = Place::new("finish");
    run(async {
        let mut teller = Teller::new(&Model::default()).expect("a teller");
        let stubborn = place.script("trap '' TERM; echo $$ > pid.new; mv pid.new pid; while :; do sleep 1; done");
        teller.notice(notice(Told::Master, Some(stubborn), None));
        until(&mut teller, "it runs", || place.path("pid").exists()).await;
        teller.notice(notice(Told::Stop, Some(place.script("echo told > stop")), None));
        teller.finish(Duration::from_secs(5)).await;
        assert_eq!(place.text("stop"), "told\n");
        assert!(!is_running(&place.text("pid")));
    });
}

#[test]
fn at_the_end_a_script_that_needs_little_time_has_it() {
    let place = Place::new("last");
    run(async {
        let mut teller = Teller::new(&Model::default()).expect("a teller");
        let script = place.script("echo begin $3 >> log; sleep 0.1; echo end $3 >> log");
        teller.notice(notice(Told::Backup, None, Some(script.clone())));
        teller.notice(notice(Told::Stop, None, Some(script)));
        teller.finish(EVENTUALLY).await;
        assert_eq!(place.text("log"), "begin BACKUP\nend BACKUP\nbegin STOP\nend STOP\n");
    });
}

#[test]
fn at_the_end_scripts_for_stop_are_killed_when_their_time_is_up() {
    let place = Place::new("deadline");
    run(async {
        let mut teller = Teller::new(&Model::default()).expect("a teller");
        let slow = place.script("trap '' TERM; echo $$ > pid.new; mv pid.new pid; while :; do sleep 1; done");
        teller.notice(notice(Told::Stop, Some(slow), None));
        until(&mut teller, "it runs", || place.path("pid").exists()).await;
        teller.finish(Duration::from_millis(300)).await;
        assert!(!is_running(&place.text("pid")));
    });
}

fn with_fifos(fifo: Option<Fifo>, vrrp_fifo: Option<Fifo>) -> Model {
    let mut model = Model::default();
    model.global.scripts.fifo = fifo;
    model.global.scripts.vrrp_fifo = vrrp_fifo;
    model
}

fn fifo(path: PathBuf) -> Fifo {
    Fifo { path, uid: uid(), gid: gid(), script: None }
}

fn reader(path: &Path) -> fs::File {
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).expect("a FIFO")
}

fn read(from: &mut fs::File) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 65536];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => unreachable!("{error}"),
        }
    }
    String::from_utf8(bytes).expect("text")
}

fn umask() -> u32 {
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:\t")).expect("a umask");
    u32::from_str_radix(umask, 8).expect("a number")
}

#[test]
fn a_fifo_is_made_written_to_and_removed() {
    let place = Place::new("fifo");
    run(async {
        let (one, two) = (place.path("one"), place.path("two"));
        let owner = if Uid::effective().is_root() { 65534 } else { uid() };
        let model = with_fifos(Some(fifo(one.clone())), Some(Fifo { uid: owner, ..fifo(two.clone()) }));
        let mut teller = Teller::new(&model).expect("a teller");
        let metadata = fs::metadata(&two).expect("it is there");
        assert!(metadata.file_type().is_fifo());
        assert_eq!((metadata.mode() & 0o7777, metadata.uid()), (0o644 & !umask(), owner));
        let (mut first, mut second) = (reader(&one), reader(&two));
        teller.notice(notice(Told::Backup, None, None));
        teller.notice(Notice { subject: Subject::Group, name: "G".into(), priority: 0, ..notice(Told::Backup, None, None) });
        teller.notice(notice(Told::MasterRxLowerPri, None, None));
        teller.notice(Notice { fifo: false, ..notice(Told::Fault, None, None) });
        let want = "INSTANCE \"VI 1\" BACKUP 150\nGROUP \"G\" BACKUP 0\nINSTANCE \"VI 1\" MASTER_RX_LOWER_PRI 150\n";
        assert_eq!(read(&mut first), want);
        assert_eq!(read(&mut second), want);
        teller.finish(Duration::from_secs(1)).await;
        assert!(!one.exists() && !two.exists());
    });
}

#[test]
fn a_fifo_that_was_there_stays_and_nothing_else_is_taken_for_one() {
    let place = Place::new("existing");
    run(async {
        let path = place.path("fifo");
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
        let mut teller = Teller::new(&with_fifos(Some(fifo(path.clone())), None)).expect("a teller");
        let mut reader = reader(&path);
        teller.notice(notice(Told::Fault, None, None));
        assert_eq!(read(&mut reader), "INSTANCE \"VI 1\" FAULT 150\n");
        teller.finish(Duration::from_secs(1)).await;
        assert!(path.exists());

        fs::write(place.path("file"), "precious").expect("a file");
        std::os::unix::fs::symlink(&path, place.path("link")).expect("a link");
        for name in ["file", "link", "absent/fifo"] {
            let mut teller = Teller::new(&with_fifos(None, Some(fifo(place.path(name))))).expect("a teller");
            teller.notice(notice(Told::Master, None, None));
            teller.finish(Duration::from_secs(1)).await;
        }
        assert_eq!(place.text("file"), "precious");
        assert_eq!(read(&mut reader), "");
        if Uid::effective().is_root() {
            nix::unistd::chown(&path, Some(Uid::from_raw(12345)), None).expect("another owner");
            let mut teller = Teller::new(&with_fifos(Some(fifo(path.clone())), None)).expect("a teller");
            teller.notice(notice(Told::Master, None, None));
            assert_eq!(read(&mut reader), "", "a FIFO of somebody else");
            drop(teller);
            let theirs = Fifo { uid: 12345, ..fifo(path.clone()) };
            let mut teller = Teller::new(&with_fifos(Some(theirs), None)).expect("a teller");
            teller.notice(notice(Told::Master, None, None));
            assert_eq!(read(&mut reader), "INSTANCE \"VI 1\" MASTER 150\n");
        }
    });
}

#[test]
fn a_full_fifo_loses_whole_lines_and_stops_nobody() {
    let place = Place::new("full");
    run(async {
        let path = place.path("fifo");
        let mut teller = Teller::new(&with_fifos(Some(fifo(path.clone())), None)).expect("a teller");
        for _ in 0..5000 {
            teller.notice(notice(Told::Backup, None, None));
        }
        let mut reader = reader(&path);
        let text = read(&mut reader);
        assert!(text.lines().count() > 1000 && text.lines().count() < 5000);
        assert!(text.lines().all(|line| line == "INSTANCE \"VI 1\" BACKUP 150") && text.ends_with('\n'));
        teller.notice(notice(Told::Master, None, None));
        assert_eq!(read(&mut reader), "INSTANCE \"VI 1\" MASTER 150\n");
    });
}

#[test]
fn a_fifo_has_its_script_as_long_as_it_is_configured() {
    let place = Place::new("reader");
    run(async {
        let path = place.path("fifo");
        let text = "echo $$ > pid.new; mv pid.new pid; while read line; do echo \"$# $2 $line\" >> lines; done < \"$2\"";
        let mut script = place.script(text);
        script.argv = script.argv.iter().cloned().chain(["first".into()]).collect();
        let configured = Fifo { script: Some(script), ..fifo(path.clone()) };
        let mut teller = Teller::new(&with_fifos(Some(configured.clone()), None)).expect("a teller");
        teller.notice(notice(Told::Backup, None, None));
        let line = |told: &str| format!("2 {} INSTANCE \"VI 1\" {told} 150\n", path.display());
        until(&mut teller, "a line", || place.text("lines") == line("BACKUP")).await;
        let pid = place.text("pid");

        // A reload that changes nothing is not noticed.
        let inode = fs::metadata(&path).expect("it is there").ino();
        teller.reconfigure(&with_fifos(Some(configured.clone()), None));
        teller.notice(notice(Told::Master, None, None));
        until(&mut teller, "another", || place.text("lines") == line("BACKUP") + &line("MASTER")).await;
        assert_eq!((place.text("pid"), fs::metadata(&path).expect("it is there").ino()), (pid.clone(), inode));

        // One that somebody removed is made anew.
        fs::remove_file(&path).expect("removed");
        teller.reconfigure(&with_fifos(Some(configured.clone()), None));
        until(&mut teller, "another reader", || place.text("pid") != pid && !is_running(&pid)).await;
        teller.notice(notice(Told::Fault, None, None));
        until(&mut teller, "its line", || place.text("lines").ends_with(&line("FAULT"))).await;
        let pid = place.text("pid");

        teller.reconfigure(&Model::default());
        until(&mut teller, "no reader", || !is_running(&pid)).await;
        assert!(!path.exists());
        teller.reconfigure(&with_fifos(None, Some(configured)));
        until(&mut teller, "a reader", || is_running(&place.text("pid")) && place.text("pid") != pid).await;
        let pid = place.text("pid");
        teller.finish(Duration::from_secs(2)).await;
        assert!(!is_running(&pid) && !path.exists());
    });
}

#[test]
fn a_fifo_s_script_that_fails_is_started_again() {
    let place = Place::new("restart");
    run(async {
        let path = place.path("fifo");
        // It reads one line and dies; the second one has what it wanted.
        let text = "read line < \"$1\"; echo \"$line\" >> lines; echo $$ >> pids; [ $(wc -l < pids) = 2 ]";
        let configured = Fifo { script: Some(place.script(text)), ..fifo(path.clone()) };
        let mut teller = Teller::new(&with_fifos(Some(configured), None)).expect("a teller");
        for (told, readers) in [(Told::Backup, 1), (Told::Master, 2)] {
            teller.notice(notice(told, None, None));
            until(&mut teller, "another reader", || place.text("pids").lines().count() == readers).await;
        }
        let pid = place.text("pids").lines().last().map(str::to_owned).expect("the second one");
        until(&mut teller, "its end", || !is_running(&pid)).await;
        assert!(tokio::time::timeout(Duration::from_secs(3), teller.drive()).await.is_err(), "nothing is to be done any more");
        assert_eq!(place.text("lines"), "INSTANCE \"VI 1\" BACKUP 150\nINSTANCE \"VI 1\" MASTER 150\n");
        teller.finish(Duration::from_secs(2)).await;
        assert!(!path.exists());
    });
}

#[test]
fn of_two_processes_that_write_to_a_pipe_one_has_it_read() {
    let place = Place::new("shared");
    run(async {
        let path = place.path("fifo");
        let text = "echo $$ >> pids; while read line; do echo \"$line\" | tr -d '\\0' >> lines; done < \"$1\"";
        let model = with_fifos(Some(Fifo { script: Some(place.script(text)), ..fifo(path.clone()) }), None);
        let mut first = Teller::new(&model).expect("a teller");
        let mut second = Teller::for_servers(&model).expect("a teller");
        first.notice(notice(Told::Master, None, None));
        second.notice(server(None, true, None));
        until(&mut first, "both lines", || place.text("lines").lines().count() == 2).await;
        assert_eq!(place.text("pids").lines().count(), 1);
        second.finish(Duration::from_secs(2)).await;
        assert!(path.exists(), "it belongs to the one that made it");
        first.finish(Duration::from_secs(2)).await;
        assert!(!path.exists());
    });
}

fn server(real: Option<&str>, up: bool, script: Option<Script>) -> ServerNotice {
    ServerNotice {
        virtual_server: "[10.0.0.100]:tcp:80".into(),
        family: None,
        real_server: real.map(Box::from),
        up,
        script,
        fifo: true,
        mail: None,
    }
}

#[test]
fn servers_are_told_of_to_their_own_pipe_and_to_the_common_one() {
    let place = Place::new("servers");
    run(async {
        let (common, vrrp, own) = (place.path("common"), place.path("vrrp"), place.path("own"));
        let mut model = with_fifos(Some(fifo(common.clone())), Some(fifo(vrrp.clone())));
        model.global.scripts.lvs_fifo = Some(fifo(own.clone()));
        let mut teller = Teller::for_servers(&model).expect("a teller");
        assert!(!vrrp.exists());
        let mut readers = [reader(&common), reader(&own)];
        let real = Some("[10.0.0.11]:tcp:80");
        let script = place.script("echo \"$# $STANDFAST_NOTIFY\" >> log");
        teller.notice(server(None, true, None));
        teller.notice(server(real, false, Some(script.clone())));
        teller.notice(ServerNotice { fifo: false, ..server(None, false, None) });
        for reader in &mut readers {
            assert_eq!(read(reader), "VS [10.0.0.100]:tcp:80 UP\n\0RS [10.0.0.11]:tcp:80 [10.0.0.100]:tcp:80 DOWN\n\0");
        }
        until(&mut teller, "the script", || !place.text("log").is_empty()).await;
        assert_eq!(place.text("log"), "0 \n", "nothing is added");
        let mut teller_of_vrrp = Teller::new(&model).expect("a teller");
        assert!(vrrp.exists());
        teller_of_vrrp.notice(notice(Told::Master, None, None));
        assert_eq!(read(&mut readers[0]), "INSTANCE \"VI 1\" MASTER 150\n");
        assert_eq!(read(&mut readers[1]), "");
    });
}

#[test]
fn a_script_is_told_in_json_where_that_is_configured() {
    let place = Place::new("json");
    run(async {
        let mut model = Model::default();
        model.global.scripts.notify_json = true;
        let mut teller = Teller::new(&model).expect("a teller");
        let script = place.script("printf '%s\\n' \"$STANDFAST_NOTIFY\" >> log");
        let one = r#"{"type":"INSTANCE","name":"VI 1","state":"MASTER","priority":150}"#;
        teller.notice(notice(Told::Master, Some(script.clone()), None));
        until(&mut teller, "the script", || place.text("log") == format!("{one}\n")).await;
        teller.reconfigure(&Model::default());
        teller.notice(notice(Told::Backup, Some(script), None));
        until(&mut teller, "the script", || place.text("log") == format!("{one}\n\n")).await;
    });
}

fn with_mail(server: &Server) -> Model {
    let mut model = Model::default();
    let mail = &mut model.global.mail;
    mail.router_id = "LAB".into();
    mail.server = Some(server.address);
    mail.from = "Keep <ka@example.org>".into();
    mail.helo_name = "lab.example.org".into();
    mail.recipients = ["Ops <ops@example.org>", "second@example.org"].map(Box::from).into();
    mail.timeout = Duration::from_secs(1);
    model
}

fn mailed(told: Told) -> Notice {
    Notice { mail: true, fifo: false, ..notice(told, None, None) }
}

fn subjects(server: &Server) -> Vec<String> {
    let heard = server.heard();
    let taken = heard.iter().filter(|text| text.ends_with("\n.\nQUIT\n"));
    taken.flat_map(|text| text.lines().filter_map(|line| line.strip_prefix("Subject: ").map(str::to_owned))).collect()
}

#[test]
fn a_mail_is_handed_over_word_by_word() {
    run(async {
        let server = Server::new(&[]);
        let mut teller = Teller::new(&with_mail(&server)).expect("a teller");
        teller.notice(mailed(Told::Backup));
        teller.notice(mailed(Told::Backup));
        teller.notice(Notice { mail: false, ..mailed(Told::Fault) });
        teller.notice(mailed(Told::Master));
        until(&mut teller, "two mails", || server.heard().len() == 2).await;
        let text = &server.heard()[1];
        let date = text.lines().find(|line| line.starts_with("Date: ")).expect("a date");
        let want = [
            "HELO lab.example.org",
            "MAIL FROM:<ka@example.org>",
            "RCPT TO:<ops@example.org>",
            "RCPT TO:<second@example.org>",
            "DATA",
            date,
            "From: Keep <ka@example.org>",
            "Subject: [LAB] VRRP Instance VI 1 - Entering MASTER state",
            "X-Mailer: Keepalived",
            "To: Ops <ops@example.org>,",
            " second@example.org",
            "",
            "=> VRRP Instance is now owning VRRP VIPs <=",
            "",
            ".",
            "QUIT",
            "",
        ];
        assert_eq!(*text, want.join("\n"));
        teller.notice(ServerNotice { mail: Some("TCP CHECK failed on service".into()), ..server_of_mail() });
        until(&mut teller, "another", || server.heard().len() == 3).await;
        assert_eq!(subjects(&server)[2], "[LAB] Realserver [10.0.0.11]:tcp:80 of virtual server [10.0.0.100]:tcp:80 - DOWN");
    });
}

fn server_of_mail() -> ServerNotice {
    server(Some("[10.0.0.11]:tcp:80"), false, None)
}

#[test]
fn a_server_that_stalls_or_closes_early_holds_nothing_up_and_is_asked_again() {
    std::thread::scope(|scope| {
        for manner in [Manner::Stalling, Manner::ClosingAt("HELO"), Manner::ClosingAt("."), Manner::Refusing("@", "451 later")] {
            scope.spawn(move || run(asked_again(manner)));
        }
    });
}

async fn asked_again(manner: Manner) {
    let place = Place::new(&format!("again-{manner:?}").replace(|c: char| !c.is_alphanumeric(), "-"));
    let server = Server::new(&[manner]);
    let mut teller = Teller::new(&with_mail(&server)).expect("a teller");
    teller.notice(mailed(Told::Master));
    teller.notice(Notice { mail: true, ..notice(Told::Backup, Some(place.script("echo told > log")), None) });
    until(&mut teller, "the script", || place.text("log") == "told\n").await;
    until(&mut teller, "both mails", || subjects(&server).len() == 2).await;
    let subject = |state: &str| format!("[LAB] VRRP Instance VI 1 - Entering {state} state");
    assert_eq!(subjects(&server), [subject("BACKUP"), subject("MASTER")], "{manner:?}");
}

#[test]
fn one_recipient_that_is_refused_does_not_keep_the_mail_from_the_other() {
    run(async {
        let server = Server::new(&[Manner::Refusing("ops", "550 nobody")]);
        let mut teller = Teller::new(&with_mail(&server)).expect("a teller");
        teller.notice(mailed(Told::Master));
        until(&mut teller, "the mail", || !server.heard().is_empty()).await;
        teller.finish(EVENTUALLY).await;
        let heard = server.heard();
        assert_eq!((heard.len(), subjects(&server).len()), (1, 1), "{heard:?}");
    });
}

#[test]
fn at_the_end_mail_has_its_time_and_no_more() {
    run(async {
        let willing = Server::new(&[]);
        let mut teller = Teller::new(&with_mail(&willing)).expect("a teller");
        for told in [Told::Backup, Told::Master, Told::Stop] {
            teller.notice(mailed(told));
        }
        teller.finish(EVENTUALLY).await;
        // What the server has been told, it notes a moment later.
        while subjects(&willing).len() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }

        let stalling = Server::new(&[Manner::Stalling]);
        let mut model = with_mail(&stalling);
        model.global.mail.timeout = EVENTUALLY * 100;
        let mut teller = Teller::new(&model).expect("a teller");
        teller.notice(mailed(Told::Stop));
        // It returns at all.
        teller.finish(Duration::from_millis(300)).await;
    });
}

#[test]
fn a_server_that_is_not_there_holds_nothing_up() {
    run(async {
        let server = Server::new(&[]);
        let mut model = with_mail(&server);
        // Nobody answers there, and nobody says so.
        model.global.mail.server = Some(([192, 0, 2, 1], 25).into());
        let mut teller = Teller::new(&model).expect("a teller");
        for _ in 0..5000 {
            teller.notice(mailed(Told::Master));
            teller.notice(mailed(Told::Backup));
        }
        tokio::time::timeout(Duration::from_millis(300), teller.drive()).await.ok();
        // Those that wait go to the server that is configured now.
        teller.reconfigure(&with_mail(&server));
        until(&mut teller, "a mail", || !server.heard().is_empty()).await;
        drop(teller);
    });
}

/// How many descriptors this process has open.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("there is /proc").count()
}

/// In a process of its own: it counts what is open, and waits for any child.
#[test]
#[ignore = "run by flapping_for_ten_seconds_leaves_the_last_state_and_nothing_else"]
fn flapping() {
    let place = Place::new("flapping");
    let text = "mkdir lock || echo overlap >> faults; echo $3 > state; sleep 0.02; rmdir lock";
    run(async {
        let server = Server::new(&[]);
        let mut model = with_mail(&server);
        let reader = place.script("while read line; do echo \"$line\" >> lines; done < \"$1\"");
        model.global.scripts.fifo = Some(Fifo { script: Some(reader), ..fifo(place.path("fifo")) });
        let mut before = 0;
        for round in 0..2 {
            let mut teller = Teller::new(&model).expect("a teller");
            let mut last = Told::Backup;
            // The first round is for what is opened once.
            let flaps = if round == 0 { 10 } else { 1000 };
            let mut tick = tokio::time::interval(Duration::from_millis(10));
            for flap in 0..flaps {
                last = [Told::Master, Told::Backup, Told::Fault][flap % 3];
                let any = Some(place.script(text));
                teller.notice(Notice { mail: flap % 10 == 0, ..notice(last, None, any) });
                let mut work = std::pin::pin!(tick.tick());
                loop {
                    tokio::select! {
                        () = teller.drive() => {}
                        _ = &mut work => break,
                    }
                }
            }
            until(&mut teller, "every line", || place.text("lines").lines().count() >= flaps).await;
            teller.finish(EVENTUALLY).await;
            assert_eq!((place.text("state").trim(), place.text("faults")), (&*last.to_string(), String::new()));
            while subjects(&server).len() < flaps / 10 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let any = nix::sys::wait::waitpid(None, Some(nix::sys::wait::WaitPidFlag::WNOHANG));
            assert_eq!(any, Err(nix::errno::Errno::ECHILD), "a child is left");
            if round == 0 {
                before = descriptors();
            }
        }
        // The server of the test may be about to close its last connection, now as in the first round.
        let deadline = tokio::time::Instant::now() + EVENTUALLY;
        while descriptors() > before {
            assert!(tokio::time::Instant::now() < deadline, "{} descriptors instead of {before}", descriptors());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
}

#[test]
fn flapping_for_ten_seconds_leaves_the_last_state_and_nothing_else() {
    let program = std::env::current_exe().expect("this test");
    let output = std::process::Command::new(program).args(["--ignored", "--exact", "notify::flapping"]).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}
