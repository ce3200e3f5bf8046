//! A process of ours: how it is made, what its end was, and the first steps it takes.

use super::brief::Configuration;
use super::part::Part;
use super::pidfile::PidFile;
use crate::kernel::timer::time_of_day;
use crate::runtime::follow::Line;
use crate::runtime::handover::{self, Entry, SupervisorEnd};
use crate::runtime::log;
use crate::runtime::rights;
use crate::runtime::role::{bfd, checker, vrrp};
use crate::runtime::signals::{Signal, Signals};
use crate::sys::process::{self, Fork};
use crate::sys::signal;
use crate::vrrp::Manner;
use nix::sys::prctl;
use nix::sys::wait::WaitStatus;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{Pid, getpid, getppid};
use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// A process of ours, as its parent sees it.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) pid: Pid,
    pub(super) since: Instant,
    pub(super) end: SupervisorEnd,
    /// It has said that there is nothing to carry on.
    pub(super) stopped: bool,
    /// The supervisor has nothing more to hear from it.
    pub(super) silent: bool,
}

/// What a new process is to do.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) part: Part,
    pub(super) configuration: Configuration,
    pub(super) entries: Vec<Entry>,
    pub(super) release: bool,
    pub(super) release_only: bool,
    pub(super) detail: bool,
    pub(super) lock: Option<PidFile>,
    pub(super) lines: Lines,
}

/// All that a new process needs of its parent. The rest of what the parent had must be dropped before [`Begun::run`].
#[derive(Debug)]
pub(in crate::runtime) struct Begun {
    task: Task,
    control: OwnedFd,
    parent: Pid,
}

/// The lines by which BFD sessions are heard of: the end, or ends, that are a part's.
#[derive(Debug)]
pub(super) enum Lines {
    Told(OwnedFd),
    Tells([OwnedFd; 2]),
}

/// What the supervisor keeps of them: to the VRRP and to the checker process.
pub(super) type AllLines = [Line; 2];

impl Lines {
    pub(super) fn of(part: Part, [vrrp, checkers]: &AllLines) -> io::Result<Self> {
        Ok(match part {
            Part::Vrrp => Self::Told(vrrp.told()?),
            Part::Checkers => Self::Told(checkers.told()?),
            Part::Bfd => Self::Tells([vrrp.tells()?, checkers.tells()?]),
        })
    }

    fn told(self) -> Option<OwnedFd> {
        match self {
            Self::Told(end) => Some(end),
            Self::Tells(_) => None,
        }
    }

    fn tells(self) -> Option<[OwnedFd; 2]> {
        match self {
            Self::Tells(ends) => Some(ends),
            Self::Told(_) => None,
        }
    }
}

pub(super) enum Forked {
    Parent(Child),
    Child(Begun),
}

pub(super) fn fork(task: Task) -> io::Result<Forked> {
    let (ours, theirs) = handover::pair()?;
    let parent = getpid();
    Ok(match process::fork()? {
        Fork::Parent { child } => {
            Forked::Parent(Child { pid: child, since: Instant::now(), end: SupervisorEnd::new(ours), stopped: false, silent: false })
        }
        Fork::Child => Forked::Child(Begun { task, control: theirs, parent }),
    })
}

impl Begun {
    /// The rest of the life of the new process. It does not come back into what was the parent's by a panic either.
    pub(in crate::runtime) fn run(self) -> u8 {
        catch_unwind(AssertUnwindSafe(|| self.live())).unwrap_or_else(|_| std::process::abort())
    }

    fn live(self) -> u8 {
        let part = self.task.part;
        log::become_part(part.ident());
        let begun = Signals::new(false).and_then(|signals| {
            prctl::set_pdeathsig(nix::sys::signal::Signal::SIGTERM)?;
            if getppid() != self.parent {
                // It was gone before the line above: then this is how it would have been told.
                signal::send(getpid().as_raw(), Signal::Stop.number())?;
            }
            signal::unblock(&[Signal::Child.number()])?;
            Ok(signals)
        });
        let signals = match begun {
            Ok(signals) => signals,
            Err(error) => {
                log::error(&format!("The {} process cannot begin: {error}", part.name()));
                return FATAL;
            }
        };
        let Task { configuration, entries, release, release_only, detail, lock, lines, .. } = self.task;
        let model = match configuration.take_up(part) {
            Ok(model) => model,
            Err(error) => {
                log::error(&format!("The {} process cannot have its configuration: {error}", part.name()));
                return FAILED;
            }
        };
        let names = &model.global.process;
        let name = part.settings(names).name.as_deref();
        if names.process_names || name.is_some() {
            // A name is an ornament.
            drop(process::set_name(name.unwrap_or(part.process_name())));
        }
        rights::take(part.settings(names), names);
        rights::renounce();
        let control = self.control;
        let status = match part {
            Part::Vrrp => {
                let machine_up = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default();
                let manner = Manner { detail, machine_up, time_of_day: time_of_day() };
                let former = entries.iter().filter_map(Entry::as_setting).cloned().collect();
                let records = entries.into_iter().filter_map(Entry::into_instance).collect();
                let bfd = lines.told();
                vrrp::run(vrrp::Start { model, records, former, manner, release, control, signals, release_only, bfd })
            }
            Part::Checkers => {
                let records = entries.into_iter().filter_map(Entry::into_server).collect();
                let bfd = lines.told();
                checker::run(checker::Start { model, records, release, control, signals, release_only, bfd })
            }
            Part::Bfd => {
                let records = entries.into_iter().filter_map(Entry::into_session).collect();
                let followers = lines.tells().expect("it is the one that leads");
                bfd::run(bfd::Start { model, records, control, signals, followers })
            }
        };
        // Nobody else is left to remove it.
        if getppid() != self.parent
            && let Some(lock) = lock
        {
            lock.remove();
        }
        status
    }
}

pub(super) const FATAL: u8 = 1;
/// Another attempt may go better.
const FAILED: u8 = 70;
const MISSING_PERMISSION: u8 = 4;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Exited(u8),
    Killed(nix::sys::signal::Signal),
}

impl End {
    /// Nothing, if it has not ended at all.
    pub(super) fn of(status: WaitStatus) -> Option<(Pid, Self)> {
        match status {
            WaitStatus::Exited(pid, code) => Some((pid, Self::Exited(u8::try_from(code & 0xff).unwrap_or_default()))),
            WaitStatus::Signaled(pid, signal, _) => Some((pid, Self::Killed(signal))),
            WaitStatus::Stopped(..)
            | WaitStatus::PtraceEvent(..)
            | WaitStatus::PtraceSyscall(_)
            | WaitStatus::Continued(_)
            | WaitStatus::StillAlive => None,
        }
    }

    /// keepalived's word for an exit status that another attempt cannot mend.
    pub(super) fn permanent(self) -> Option<(u8, &'static str)> {
        match self {
            Self::Exited(FATAL) => Some((FATAL, "FATAL")),
            Self::Exited(super::verdict::CONFIG) => Some((super::verdict::CONFIG, "CONFIG")),
            Self::Exited(MISSING_PERMISSION) => Some((MISSING_PERMISSION, "MISSING PERMISSION")),
            Self::Exited(_) | Self::Killed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_attempt_cannot_mend_is_permanent() {
        for (status, want) in [(0, None), (1, Some("FATAL")), (2, Some("CONFIG")), (3, None), (4, Some("MISSING PERMISSION")), (101, None)]
        {
            let end = End::of(WaitStatus::Exited(Pid::from_raw(7), status)).map(|(_, end)| end);
            assert_eq!(end.and_then(End::permanent).map(|(_, name)| name), want, "{status}");
        }
        let killed = WaitStatus::Signaled(Pid::from_raw(7), nix::sys::signal::Signal::SIGKILL, false);
        assert_eq!(End::of(killed).and_then(|(_, end)| end.permanent()), None);
        assert_eq!(End::of(WaitStatus::StillAlive), None);
    }
}
