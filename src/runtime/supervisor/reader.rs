//! The configuration, read by a process of its own. Disks, name servers and databases of users may take as long as they like,
//! or hang: the supervisor goes on meanwhile. What cannot even be read harms nobody but the process that tries.

use super::brief::Brief;
use super::child::End;
use super::judge::{self, Judged};
use super::kill;
use crate::cli::Options;
use crate::config;
use crate::model::global::process::{Process, ReloadFile};
use crate::runtime::files::FileSystem;
use crate::runtime::log;
use crate::runtime::reading::{self, Kept};
use crate::sys::memory;
use crate::sys::process::{self as system, Fork};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A reading that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(90);

/// What a configuration is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Purpose {
    /// To go over to it; without this, to say what that would mean.
    pub(super) apply: bool,
    /// Even if nothing of what there is is left.
    pub(super) force: bool,
}

impl Purpose {
    /// One reading for two that ask: the newer one's, but what somebody wants applied is applied.
    pub(super) fn and(self, newer: Self) -> Self {
        if self.apply && !newer.apply { self } else { newer }
    }
}

/// What a configuration is read for, and against.
pub(super) struct Ground<'a> {
    pub(super) question: &'a config::Options,
    pub(super) options: &'a Options,
    /// Of the one in force.
    pub(super) brief: &'a Brief,
    pub(super) kept: &'a Kept,
    /// Where the PID file is.
    pub(super) folder: &'a Path,
    /// Of this reading.
    pub(super) number: u64,
}

/// The files that are filled by a reading.
#[derive(Debug)]
struct Files {
    kept: File,
    judged: File,
    plan: File,
}

#[derive(Debug)]
pub(super) struct Reading {
    pid: Pid,
    files: Files,
    pub(super) purpose: Purpose,
    until: Instant,
    marker: Option<Marker>,
}

impl Reading {
    pub(super) fn begin(ground: &Ground<'_>, purpose: Purpose) -> io::Result<Self> {
        let process = &ground.brief.process;
        let mut files = Files { kept: reading::memory_of(process)?, judged: reading::memory(None)?, plan: reading::memory(None)? };
        let marker = marker(process, ground.folder).as_deref().map(Marker::set);
        let saved = saved(process, ground.number);
        match system::fork()? {
            Fork::Parent { child } => Ok(Self { pid: child, files, purpose, until: Instant::now() + PATIENCE, marker }),
            Fork::Child => {
                // What it has read is of no interest to anybody else.
                let _ = prctl::set_pdeathsig(Signal::SIGKILL);
                memory::hoard();
                let read = catch_unwind(AssertUnwindSafe(|| read(ground, purpose, &mut files, saved.as_deref())));
                system::exit_now(u8::from(!matches!(read, Ok(Ok(())))))
            }
        }
    }

    pub(super) fn is(&self, pid: Pid) -> bool {
        self.pid == pid
    }

    pub(super) fn due(&self) -> Instant {
        self.until
    }

    /// It ends soon, and has failed.
    pub(super) fn give_up(&mut self, now: Instant) {
        log::error("Reading the configuration takes too long");
        kill(self.pid);
        self.until = now + PATIENCE;
    }

    /// What it has come to, when its process has ended.
    pub(super) fn finish(self, end: End) -> io::Result<Judged> {
        if let Some(marker) = self.marker {
            marker.remove();
        }
        let Files { kept, judged, plan } = self.files;
        match end {
            End::Exited(0) => {
                let length = usize::try_from(judged.metadata()?.len()).map_err(io::Error::other)?;
                let mut bytes = vec![0; length];
                judged.read_exact_at(&mut bytes, 0)?;
                judge::decode(&bytes, kept, plan)
            }
            End::Exited(_) => Err(io::Error::other("it could not be read")),
            End::Killed(signal) => Err(io::Error::other(format!("the process that read it ended with {signal}"))),
        }
    }

    /// Nobody wants to know any more.
    pub(super) fn abandon(self) {
        kill(self.pid);
        if let Some(marker) = self.marker {
            marker.remove();
        }
    }
}

/// In a process of its own.
fn read(ground: &Ground<'_>, purpose: Purpose, files: &mut Files, saved: Option<&Path>) -> io::Result<()> {
    let loaded = reading::read_with(&FileSystem, ground.question);
    reading::keep(&loaded.model, &mut files.kept)?;
    let kept = Kept::received(files.kept.try_clone()?.into());
    let (judged, plan) = judge::judge(&loaded, &kept, ground, purpose)?;
    files.judged.write_all(&judged)?;
    files.plan.write_all(plan.as_bytes())?;
    if let Some(path) = saved {
        // Whether it could be kept does not matter to what it is.
        drop(reading::save(&loaded, path));
    }
    Ok(())
}

/// The file that is there while the configuration is being read.
#[derive(Debug)]
struct Marker(PathBuf);

impl Marker {
    fn set(path: &Path) -> Self {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o644).custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK);
        if let Err(error) = options.open(path) {
            log::warning(&format!("Cannot create reload file {}: {error}", path.display()));
        }
        Self(path.to_owned())
    }

    fn remove(self) {
        // Where it could not be made, that has been told.
        drop(std::fs::remove_file(self.0));
    }
}

/// Where the configuration is kept that is read now, if it is to be: the supervisor has this number, and has read so many.
pub(super) fn saved(process: &Process, number: u64) -> Option<PathBuf> {
    let folder = process.config_save_dir.as_deref()?;
    Some(folder.join(format!("keepalived.conf.{}.{number}", std::process::id())))
}

/// Where that file is, if there is to be one: the usual place is beside the PID file.
pub(super) fn marker(process: &Process, folder: &Path) -> Option<PathBuf> {
    match &process.reload.file {
        ReloadFile::Off => None,
        ReloadFile::At(path) => Some(path.clone()),
        ReloadFile::Usual => {
            let suffix = process.instance.as_deref().map(|instance| format!("_{instance}")).unwrap_or_default();
            Some(folder.join(format!("keepalived{suffix}.reload")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_applied_is_not_lost_to_a_look() {
        let [look, plain, forced] = [(false, false), (true, false), (true, true)].map(|(apply, force)| Purpose { apply, force });
        for (older, newer, want) in
            [(look, plain, plain), (plain, look, plain), (plain, forced, forced), (forced, plain, plain), (look, look, look)]
        {
            assert_eq!(older.and(newer), want);
        }
    }

    #[test]
    fn the_marker_is_beside_the_pid_file() {
        let with = |file, instance: Option<&str>| {
            let mut process = Process { instance: instance.map(Into::into), ..Process::default() };
            process.reload.file = file;
            process
        };
        for (process, want) in [
            (with(ReloadFile::Off, None), None),
            (with(ReloadFile::Usual, None), Some("/run/keepalived.reload")),
            (with(ReloadFile::Usual, Some("x")), Some("/run/keepalived_x.reload")),
            (with(ReloadFile::At("/a/b".into()), Some("x")), Some("/a/b")),
        ] {
            assert_eq!(marker(&process, Path::new("/run")), want.map(PathBuf::from));
        }
    }
}
