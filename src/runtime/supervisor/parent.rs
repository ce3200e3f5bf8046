//! The supervisor's own part of what SIGUSR1 asks for. A disk may take its time, or hang, and the supervisor has crashes to
//! answer meanwhile: a process of its own writes the file. While there was a thread for it, nobody could be forked.

use super::brief::Brief;
use super::child::End;
use crate::runtime::dump::{self, Dump};
use crate::runtime::log;
use crate::sys::process::{self as system, Fork};
use crate::sys::schedule;
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

const PATIENT: i8 = 10;

/// One file after the other: the last one is the newest.
#[derive(Debug, Default)]
pub(super) struct Parent {
    /// Who is at it, and where.
    writing: Option<(Pid, PathBuf)>,
    /// It was asked for meanwhile.
    again: bool,
}

impl Parent {
    pub(super) fn dump(&mut self, brief: &Brief) {
        if self.writing.is_some() {
            self.again = true;
            return;
        }
        let path = dump::path(Dump::Parent, &brief.process);
        match system::fork() {
            Ok(Fork::Parent { child }) => self.writing = Some((child, path)),
            Ok(Fork::Child) => {
                let _ = prctl::set_pdeathsig(Signal::SIGKILL);
                // What the others write at the same time is a thousand times as long, and waited for.
                let _ = schedule::set_nice(PATIENT);
                let written = catch_unwind(AssertUnwindSafe(|| dump::write(&path, &brief.dump)));
                system::exit_now(status(&written.unwrap_or_else(|_| Err(Errno::EIO.into()))))
            }
            Err(error) => log::error(&format!("{} cannot be written: {error}", path.display())),
        }
    }

    /// Returns whether it was this one's process that has ended.
    pub(super) fn ended(&mut self, pid: Pid, end: End, brief: &Brief) -> bool {
        let Some((_, path)) = self.writing.take_if(|(writing, _)| *writing == pid) else { return false };
        if let Some(error) = reason(end) {
            log::error(&format!("{} cannot be written: {error}", path.display()));
        }
        if std::mem::take(&mut self.again) {
            self.dump(brief);
        }
        true
    }
}

/// What the process tells by its end: the number of the error.
fn status(written: &io::Result<()>) -> u8 {
    match written {
        Ok(()) => 0,
        Err(error) => error.raw_os_error().and_then(|number| u8::try_from(number).ok()).filter(|&number| number > 0).unwrap_or(EIO),
    }
}

const EIO: u8 = 5;

fn reason(end: End) -> Option<io::Error> {
    match end {
        End::Exited(0) => None,
        End::Exited(number) => Some(io::Error::from_raw_os_error(number.into())),
        End::Killed(signal) => Some(io::Error::other(format!("the process that writes it ended with {signal}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_is_told_by_the_end_of_the_process() {
        let told = |written: io::Result<()>| reason(End::Exited(status(&written))).map(|error| error.kind());
        assert_eq!(told(Ok(())), None);
        for errno in [Errno::ENOENT, Errno::EACCES, Errno::ENOSPC, Errno::EROFS] {
            assert_eq!(told(Err(errno.into())), Some(io::Error::from(errno).kind()), "{errno}");
        }
        assert_eq!(told(Err(io::Error::other("no number"))), Some(io::Error::from(Errno::EIO).kind()));
        assert!(reason(End::Killed(Signal::SIGKILL)).is_some());
    }
}
