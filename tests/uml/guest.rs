//! A User-Mode Linux guest whose kernel has IPVS. Its root is this machine's file system, its first process is this very test
//! program, and what it runs are stories: plain functions that panic where something is wrong. A story begins in a network
//! namespace of its own, with nothing in it but the loopback interface, which is up. It may write below `/run`, which is the
//! guest's alone, and nowhere else.

#![expect(clippy::disallowed_methods, reason = "it runs a guest, and programs in it")]

use nix::sched::{CloneFlags, unshare};
use std::any::Any;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A story and its name.
pub(crate) type Story = (&'static str, fn());

const KERNEL: &str = "linux.uml";
/// Whoever has not finished by then never will.
const PATIENCE: Duration = Duration::from_secs(600);

/// Boots a guest, has it tell these stories one after the other, and fails with what went wrong in any of them.
pub(crate) fn tell(stories: &[Story]) {
    boot(stories, false);
}

/// The same, with all stories at the same time: those that wait more than they work, and leave alone what they share.
pub(crate) fn tell_at_once(stories: &[Story]) {
    boot(stories, true);
}

fn boot(stories: &[Story], at_once: bool) {
    let folder = Folder::new();
    let program = std::env::current_exe().expect("this program is somewhere");
    let names: Vec<&str> = stories.iter().map(|&(name, _)| name).collect();
    let init = folder.0.join("init");
    let script = INIT.replace("%OUT%", &folder.0.to_string_lossy()).replace("%PROGRAM%", &program.to_string_lossy());
    let script = script.replace("%AT_ONCE%", if at_once { "yes" } else { "no" });
    fs::write(&init, script.replace("%STORIES%", &names.join(","))).expect("written");
    fs::set_permissions(&init, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let console = File::create(folder.0.join("console")).expect("created");

    let mut guest = Command::new(KERNEL)
        .args(["root=/dev/root", "rootfstype=hostfs", "hostfs=/", "rw", "mem=384M", "con=null", "con0=fd:0,fd:1", "quiet"])
        .arg(format!("init={}", init.display()))
        // Its memory is a file there.
        .env("TMPDIR", if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" })
        .stdin(Stdio::null())
        .stderr(console.try_clone().expect("a descriptor"))
        .stdout(console)
        .spawn()
        .unwrap_or_else(|error| unreachable!("{KERNEL} does not start ({error}): install user-mode-linux, ipvsadm, kmod and nginx-light"));
    let end = Instant::now() + PATIENCE;
    while guest.try_wait().expect("it is our child").is_none() {
        if Instant::now() > end {
            guest.kill().expect("it is our child");
            guest.wait().expect("it is our child");
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }

    let read = |name: &str| String::from_utf8_lossy(&fs::read(folder.0.join(name)).unwrap_or_default()).into_owned();
    let results = read("results");
    let mut wrong = String::new();
    for name in names {
        match results.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")) {
            Some("ok") => {}
            Some(message) => writeln!(wrong, "{name}: {}", message.replace("\\n", "\n")).expect("memory"),
            None => writeln!(wrong, "{name}: it was not told to its end").expect("memory"),
        }
    }
    println!("{}\n{}", read("said"), read("console"));
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// What [`tell`] has the guest run: to be called by a test that is ignored and called `inside`.
pub(crate) fn inside(stories: &[Story]) {
    if std::process::id() != 1 {
        return;
    }
    let variable = |name| std::env::var(name).expect("the script has set it");
    let (out, names) = (PathBuf::from(variable("STANDFAST_OUT")), variable("STANDFAST_STORIES"));
    let at_once = variable("STANDFAST_AT_ONCE") == "yes";
    let mut results = String::new();
    let mut write = |name: &str, told: JoinHandle<()>| {
        let result = told.join().map_or_else(|panic| said(&*panic).replace('\n', "\\n"), |()| "ok".to_owned());
        writeln!(results, "{name}: {result}").expect("memory");
        fs::write(out.join("results"), &results).expect("written");
    };
    let mut begun = Vec::new();
    for name in names.split(',') {
        // A story that there is not is not told to its end.
        let Some(&(_, story)) = stories.iter().find(|(known, _)| *known == name) else { continue };
        let told = thread::Builder::new().name(name.to_owned()).spawn(move || in_its_namespace(story)).expect("a thread");
        if at_once { begun.push((name, told)) } else { write(name, told) }
    }
    for (name, told) in begun {
        write(name, told);
    }
    run("sync");
    // Without that program the first process ends, and with it the kernel.
    let _ = Command::new("poweroff").arg("-f").status();
}

fn in_its_namespace(story: fn()) {
    unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
    run("ip link set lo up");
    story();
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_else(|| "it panicked".to_owned())
}

/// The kernel looks for modules by /run/modprobe, since those of the guest are not where those of this machine are.
const INIT: &str = r#"#!/bin/sh
export PATH=/usr/sbin:/sbin:/usr/bin:/bin TMPDIR=/run STANDFAST_OUT="%OUT%" STANDFAST_STORIES="%STORIES%" STANDFAST_AT_ONCE=%AT_ONCE%
ulimit -c 0
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mkdir -p /run/modules/lib/modules
ln -s "/usr/lib/uml/modules/$(uname -r)" "/run/modules/lib/modules/$(uname -r)"
printf '#!/bin/sh\nexec /sbin/modprobe -d /run/modules "$@"\n' >/run/modprobe
chmod +x /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe
ip link set lo up
cd /run
exec "%PROGRAM%" --exact inside --ignored --nocapture --test-threads=1 >"%OUT%/said" 2>&1
"#;

/// What a program says, which is to succeed. The words of the command are separated by spaces.
pub(crate) fn run(command: &str) -> String {
    let mut words = command.split_whitespace();
    let program = words.next().expect("a command");
    let output = Command::new(program).args(words).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| unreachable!("{command}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command}: {} {}", output.status, text(&output.stderr));
    text(&output.stdout)
}

/// The table as commands that would make it, one service after the other, each followed by its destinations.
pub(crate) fn table() -> Vec<String> {
    let mut services: Vec<Vec<String>> = Vec::new();
    for line in run("ipvsadm -Sn").lines().map(|line| line.trim_end().to_owned()) {
        match services.last_mut() {
            Some(service) if line.starts_with("-a") => service.push(line),
            _ => services.push(vec![line]),
        }
    }
    for service in &mut services {
        service.sort();
    }
    services.sort();
    services.concat()
}

/// What the host and the guest share during a test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let output = Command::new("mktemp").arg("-d").output().expect("mktemp runs");
        Self(String::from_utf8(output.stdout).expect("a path").trim().into())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
