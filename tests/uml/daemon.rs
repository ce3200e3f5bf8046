//! standfast as it is installed: under keepalived's name, with keepalived's options.

#![expect(clippy::disallowed_methods, reason = "it runs a program and reads what that writes")]

use crate::place::{Place, pid};
use crate::wait::eventually;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

#[derive(Debug)]
pub(crate) struct Daemon {
    folder: PathBuf,
    child: Child,
}

impl Daemon {
    /// In the story's own namespace. Its files are in that folder.
    pub(crate) fn start(folder: &Path, configuration: &str) -> Self {
        Self::begin(folder, None, configuration)
    }

    pub(crate) fn start_in(place: &Place, folder: &Path, configuration: &str) -> Self {
        Self::begin(folder, Some(place), configuration)
    }

    fn begin(folder: &Path, place: Option<&Place>, configuration: &str) -> Self {
        let program = folder.join("keepalived");
        if !program.exists() {
            symlink(env!("CARGO_BIN_EXE_standfast"), &program).expect("it is ours");
        }
        let mut command = place.map_or_else(|| Command::new(&program), |place| place.command(&program));
        let log = File::create(folder.join("log")).expect("it is ours");
        fs::write(folder.join("keepalived.conf"), configuration).expect("it is ours");
        command.args(["-n", "-l", "-D", "-f"]).arg(folder.join("keepalived.conf")).env("TMPDIR", folder);
        for option in ["-p", "-r", "-c", "-b"] {
            command.arg(option).arg(folder.join(&option[1..]));
        }
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().expect("a descriptor")).stderr(log).spawn().expect("it starts");
        Self { folder: folder.to_owned(), child }
    }

    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("log")).expect("it is ours")).into_owned()
    }

    pub(crate) fn count(&self, text: &str) -> usize {
        self.log().matches(text).count()
    }

    /// Waits until the log has it.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        self.says_again(text, 0);
    }

    /// Waits until the log has it more often than that.
    #[track_caller]
    pub(crate) fn says_again(&self, text: &str, before: usize) {
        eventually(text, || (self.count(text) > before).then_some(()));
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(pid(&self.child), signal).expect("it runs");
    }

    /// Another configuration, or the same.
    #[track_caller]
    pub(crate) fn reload(&self, configuration: &str) {
        self.reload_until(configuration, "Reload complete");
    }

    #[track_caller]
    pub(crate) fn reload_until(&self, configuration: &str, text: &str) {
        let before = self.count(text);
        fs::write(self.folder.join("keepalived.conf"), configuration).expect("it is ours");
        self.signal(Signal::SIGHUP);
        self.says_again(text, before);
    }

    /// The process that checks, if there is one.
    pub(crate) fn checker(&self) -> Option<Pid> {
        self.process("c")
    }

    pub(crate) fn vrrp(&self) -> Option<Pid> {
        self.process("r")
    }

    fn process(&self, file: &str) -> Option<Pid> {
        let id = Pid::from_raw(fs::read_to_string(self.folder.join(file)).ok()?.trim().parse().ok()?);
        is_there(id).then_some(id)
    }

    /// As a crash would do it. Waits until it is gone.
    #[track_caller]
    pub(crate) fn kill_checker(&self) {
        self.kill_process("c");
    }

    #[track_caller]
    pub(crate) fn kill_bfd(&self) {
        self.kill_process("b");
    }

    #[track_caller]
    fn kill_process(&self, file: &str) {
        let process = eventually("a process", || self.process(file));
        kill(process, Signal::SIGKILL).expect("it runs");
        eventually("it dies", || (!is_there(process)).then_some(()));
    }

    /// As it should be.
    #[track_caller]
    pub(crate) fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        let status = self.child.wait().expect("it is our child");
        assert!(status.success(), "{status}");
    }

    /// As a crash would do it. Its children notice.
    pub(crate) fn kill(mut self) {
        self.signal(Signal::SIGKILL);
        self.child.wait().expect("it is our child");
    }
}

fn is_there(id: Pid) -> bool {
    // One that nobody has waited for is as good as gone.
    let state = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    state.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}:\n{}", self.folder.display(), self.log());
        }
        if let Ok(None) = self.child.try_wait() {
            let _ = kill(pid(&self.child), Signal::SIGTERM);
            let _ = self.child.wait();
        }
    }
}
