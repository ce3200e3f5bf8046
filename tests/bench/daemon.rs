//! A daemon on a host: standfast, or the real keepalived.

use super::capture::lock;
use super::cost;
use super::host::Host;
use super::monitor::{Lines, collect};
use super::statistics::{self, Statistics};
use super::wait::{eventually, within};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, SystemTime};

/// Where Debian puts it.
const KEEPALIVED: &str = "/usr/sbin/keepalived";
/// Another program in the place of standfast, say the real keepalived, to see which tests it fails.
const INSTEAD: &str = "PROGRAM_UNDER_TEST";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    name: String,
    path: PathBuf,
}

impl Program {
    /// From `env!("CARGO_BIN_EXE_standfast")`.
    pub(crate) fn standfast(path: &str) -> Self {
        match std::env::var(INSTEAD) {
            Ok(instead) => Self { name: format!("{instead} instead of standfast"), path: instead.into() },
            Err(_) => Self { name: "standfast".to_owned(), path: path.into() },
        }
    }

    #[track_caller]
    pub(crate) fn keepalived() -> Self {
        assert!(Path::new(KEEPALIVED).exists(), "{KEEPALIVED} is missing: install the package keepalived");
        Self { name: "keepalived".to_owned(), path: KEEPALIVED.into() }
    }

    pub(crate) fn keepalived_if_installed() -> Option<Self> {
        Path::new(KEEPALIVED).exists().then(Self::keepalived)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// How much of a log is shown when a test has failed.
const LINES_SHOWN: usize = 100;

/// It runs in the foreground and logs to us. Dropped, it is stopped as it should be, or killed.
#[derive(Debug)]
pub(crate) struct Daemon {
    folder: PathBuf,
    child: Child,
    lines: Lines,
}

impl Daemon {
    /// Under the name keepalived, with keepalived's options.
    #[track_caller]
    pub(crate) fn start(host: &Host, program: &Program, configuration: &str) -> Self {
        Self::start_with(host, program, configuration, &[])
    }

    #[track_caller]
    pub(crate) fn start_with(host: &Host, program: &Program, configuration: &str, options: &[&str]) -> Self {
        Self::start_in(host, program, configuration, options, &[])
    }

    /// With these variables in its environment.
    #[track_caller]
    pub(crate) fn start_in(host: &Host, program: &Program, configuration: &str, options: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Self::command(host, program, configuration);
        command.args(options).envs(environment.iter().copied());
        Self::of(host, host.spawn(&command))
    }

    /// For those who count what it takes to start it: what runs it so that it goes with the host takes as long as some of that.
    #[track_caller]
    pub(crate) fn start_at_once(host: &Host, mut command: Command) -> Self {
        command.current_dir(host.folder()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::of(host, host.run(move || command.spawn()).expect("the program is there"))
    }

    /// What would start it; all that belongs to it is there.
    pub(crate) fn command(host: &Host, program: &Program, configuration: &str) -> Command {
        let folder = host.folder().to_owned();
        let (link, file) = (folder.join("keepalived"), folder.join("keepalived.conf"));
        drop(std::fs::remove_file(&link));
        std::os::unix::fs::symlink(&program.path, &link).expect("a host's folder is writable");
        std::fs::write(&file, configuration).expect("a host's folder is writable");
        let mut command = Command::new(link);
        command.args(["-n", "-l", "-G", "-f"]).arg(file).env("TMPDIR", folder.join("tmp"));
        for option in ["-p", "-r", "-c", "-b"] {
            command.arg(option).arg(folder.join(format!("{}.pid", &option[1..])));
        }
        command
    }

    fn of(host: &Host, mut child: Child) -> Self {
        let folder = host.folder().to_owned();
        let lines = Lines::default();
        collect(child.stdout.take().expect("it was asked for"), &lines);
        collect(child.stderr.take().expect("it was asked for"), &lines);
        Self { folder, child, lines }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The process that speaks VRRP, if there is one at the moment.
    pub(crate) fn vrrp(&self) -> Option<u32> {
        let pid = std::fs::read_to_string(self.folder.join("r.pid")).ok()?.trim().parse().ok()?;
        cost::alive(pid).then_some(pid)
    }

    #[track_caller]
    pub(crate) fn wait_vrrp(&self) -> u32 {
        eventually("a VRRP process", || self.vrrp())
    }

    /// The daemon with all its processes.
    pub(crate) fn processes(&self) -> Vec<u32> {
        cost::family(self.pid())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// As a crash would do it.
    #[track_caller]
    pub(crate) fn kill_vrrp(&self) -> u32 {
        let pid = self.wait_vrrp();
        send(pid, Signal::SIGKILL);
        pid
    }

    /// All its processes at once, as when the machine dies.
    pub(crate) fn kill_all(&self) {
        for pid in self.processes() {
            send(pid, Signal::SIGSTOP);
        }
        for pid in self.processes() {
            send(pid, Signal::SIGKILL);
        }
    }

    pub(crate) fn freeze(&self) {
        for pid in self.processes() {
            send(pid, Signal::SIGSTOP);
        }
    }

    pub(crate) fn thaw(&self) {
        for pid in self.processes() {
            send(pid, Signal::SIGCONT);
        }
    }

    /// Puts another configuration in place and has it read.
    #[track_caller]
    pub(crate) fn reload(&self, configuration: &str) {
        std::fs::write(self.folder.join("keepalived.conf"), configuration).expect("a host's folder is writable");
        self.signal(Signal::SIGHUP);
    }

    /// What it logged so far, and when.
    pub(crate) fn log(&self) -> Vec<(SystemTime, String)> {
        lock(&self.lines).clone()
    }

    /// How many log lines have these words in them.
    pub(crate) fn said(&self, words: &str) -> usize {
        lock(&self.lines).iter().filter(|(_, line)| line.contains(words)).count()
    }

    #[track_caller]
    pub(crate) fn wait_said(&self, words: &str) {
        self.wait_said_times(words, 1);
    }

    #[track_caller]
    pub(crate) fn wait_said_times(&self, words: &str, times: usize) {
        let found = within(super::PATIENCE, || (self.said(words) >= times).then_some(()));
        assert!(found.is_some(), "not {times} times in the log: {words}\n{}", self.text());
    }

    /// The log as one text, for messages.
    pub(crate) fn text(&self) -> String {
        lock(&self.lines).iter().map(|(_, line)| format!("    {line}\n")).collect()
    }

    #[track_caller]
    pub(crate) fn statistics(&self) -> Statistics {
        let file = self.folder.join("tmp/keepalived.stats");
        drop(std::fs::remove_file(&file));
        self.signal(Signal::SIGUSR2);
        let text =
            eventually("the statistics are written", || std::fs::read_to_string(&file).ok().filter(|text| text.contains("Priority Zero")));
        // It is written under this name, or renamed to it; either way the last instance ends with this line.
        eventually("they are complete", || {
            let now = std::fs::read_to_string(&file).ok()?;
            (now == text || now.trim_end().lines().last()?.trim().starts_with("Sent:")).then_some(statistics::read(&now))
        })
    }

    pub(crate) fn signal_stop(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Asks it to stop and waits until it has.
    #[track_caller]
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal_stop();
        eventually("the daemon stops", || self.exited())
    }

    pub(crate) fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.exited().is_none() {
            self.thaw();
            self.signal(Signal::SIGTERM);
            if within(Duration::from_secs(5), || self.exited()).is_none() {
                self.kill_all();
                drop(self.child.wait());
            }
        }
        if std::thread::panicking() {
            let text = self.text();
            let lines: Vec<&str> = text.lines().collect();
            let shown = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
            eprintln!("the end of the log of {}:\n{}", self.folder.display(), shown.join("\n"));
        }
    }
}

/// To a process of ours; that it is gone is no fault.
pub(crate) fn send(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}
