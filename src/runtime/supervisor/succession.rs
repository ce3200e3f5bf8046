//! An upgrade: the program that has taken this one's place on the disk takes its place in this very process, too. Who started
//! the daemon sees nothing of it, and who listens in the network no more than of a crash: whatever the processes hold stays
//! where it is, and each of them is replaced by one that carries on.
//!
//! Before anything is given out of the hand there is a rehearsal: the new program, as a process of its own, reads the
//! configuration, and what it is going to be left ([`will`]), and says whether it can go on from there. The processes live on
//! until the new program is ready to replace them ([`heir`]).

pub(super) mod heir;
mod rehearsal;
pub(super) mod will;

use super::brief::Brief;
use super::child::End;
use super::role::Role;
use super::{Awaited, Supervisor, kill};
use crate::runtime::log;
use crate::runtime::role::initial_namespace;
use crate::sys::descriptor::close_at_execution;
use crate::sys::process::{self as system, Fork};
use crate::sys::spawn::be_ordinary;
use nix::fcntl::OFlag;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, execve, getpid};
use rehearsal::Heard;
pub(in crate::runtime) use rehearsal::rehearse;
use std::convert::Infallible;
use std::ffi::{CString, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use will::{Named, Will};

/// Names the descriptor of a will to the program that is to take over.
const WILL: &str = "STANDFAST_WILL";
/// Names the descriptors of a rehearsal: the will, where the configuration is to be left, and the answer.
const REHEARSAL: &str = "STANDFAST_REHEARSAL";
/// How long whatever is under way may take, and then how long the rehearsal may.
const PATIENCE: Duration = Duration::from_secs(30);

/// What only the start knows, and a successor needs to know.
#[derive(Debug)]
pub(super) struct Legacy {
    program: PathBuf,
    decided: Vec<(String, String)>,
    /// What the kernel named core dumps after before.
    core_pattern: Option<Vec<u8>>,
}

impl Legacy {
    pub(super) fn new(program: PathBuf, brief: &Brief) -> Self {
        Self { program, decided: decided(brief), core_pattern: None }
    }
}

/// Where this program is, if it is to be found there again: as it was called, or else as the kernel found it.
pub(super) fn program() -> PathBuf {
    let called = std::env::args_os().next().map(PathBuf::from).filter(|path| path.components().count() > 1);
    let called = called.and_then(|path| std::path::absolute(path).ok());
    called.or_else(|| std::env::current_exe().ok()).unwrap_or_default()
}

/// What is decided when a daemon starts and not by its successors either, by keyword.
fn decided(brief: &Brief) -> Vec<(String, String)> {
    let Brief { process, fixed, .. } = brief;
    [
        ("net_namespace", format!("{:?}", process.net_namespace)),
        ("net_namespace_ipvs", format!("{:?}", process.ipvs_namespace)),
        ("instance", format!("{:?}", process.instance)),
        ("nftables_ipvs", format!("{:?}", fixed.nftables_ipvs)),
        ("disable_local_igmp", format!("{:?}", fixed.disable_local_igmp)),
    ]
    .map(|(keyword, value)| (keyword.to_owned(), value))
    .into()
}

/// An upgrade that is under way.
#[derive(Debug)]
pub(super) enum Succession {
    /// Something else is.
    Waiting {
        until: Instant,
    },
    Rehearsing {
        pid: Pid,
        configuration: File,
        answer: File,
        until: Instant,
    },
    /// The new program can go on from here, with this configuration.
    Rehearsed {
        configuration: File,
        until: Instant,
    },
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The new program, or what it has to work with, is no good.
    Unusable(String),
    /// It is, but it cannot take over from this one: only a restart helps.
    Stranger(String),
}

impl Refusal {
    /// As the protocol of docs/CONTROL.md has it.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Unusable(_) => "refused",
            Self::Stranger(_) => "stranger",
        }
    }

    pub(super) fn reason(&self) -> &str {
        match self {
            Self::Unusable(reason) | Self::Stranger(reason) => reason,
        }
    }
}

impl Succession {
    /// When it has something to do that nobody tells of.
    pub(super) fn due(&self) -> Instant {
        match self {
            Self::Waiting { until } | Self::Rehearsing { until, .. } | Self::Rehearsed { until, .. } => *until,
        }
    }

    pub(super) fn is_rehearsal(&self, process: Pid) -> bool {
        matches!(self, Self::Rehearsing { pid, .. } if *pid == process)
    }

    /// What is read from now on would not be what the successor has read.
    pub(super) fn has_read(&self) -> bool {
        matches!(self, Self::Rehearsing { .. } | Self::Rehearsed { .. })
    }

    pub(super) fn abandon(self) {
        if let Self::Rehearsing { pid, .. } = self {
            kill(pid);
        }
    }
}

impl Supervisor {
    /// Somebody wants the program to be replaced by the one in its place.
    pub(super) fn upgrade(&mut self) {
        log::info("An upgrade is asked for at the control socket");
        self.succession.get_or_insert(Succession::Waiting { until: Instant::now() + PATIENCE });
    }

    /// What the kernel named core dumps after before this daemon.
    pub(super) fn leave_core_pattern(&mut self, before: Option<&[u8]>) {
        self.legacy.core_pattern = before.map(<[u8]>::to_vec);
    }

    /// Takes the next step of an upgrade. The last one does not come back.
    pub(super) fn succeed(&mut self, now: Instant) {
        let settled = self.is_settled();
        let next = match self.succession.take() {
            None => return,
            Some(Succession::Waiting { .. }) if settled => self.rehearse(now),
            Some(Succession::Rehearsed { configuration, .. }) if settled => {
                Err(self.hand_over(&configuration).map_or_else(|refusal| refusal, |never| match never {}))
            }
            Some(Succession::Waiting { until } | Succession::Rehearsed { until, .. }) if until <= now => {
                Err(Refusal::Unusable("something else is under way and does not come to an end".to_owned()))
            }
            Some(Succession::Rehearsing { pid, configuration, answer, until }) if until <= now => {
                log::error("The rehearsal of the upgrade takes too long");
                kill(pid);
                Ok(Succession::Rehearsing { pid, configuration, answer, until: now + PATIENCE })
            }
            Some(waiting) => Ok(waiting),
        };
        match next {
            Ok(next) => self.succession = Some(next),
            Err(refusal) => self.stay(&refusal),
        }
    }

    /// Nothing is under way that a successor could not take over.
    fn is_settled(&self) -> bool {
        self.reading.is_none() && self.hook.is_none() && self.awaited == Awaited::Nothing && self.roles.iter().all(Role::is_settled)
    }

    /// Says that this program goes on.
    pub(super) fn stay(&mut self, refusal: &Refusal) {
        log::error(&format!("Upgrade refused: {}. The program that is running goes on", refusal.reason()));
        self.control.upgrade_ended(Some(refusal));
        if let Some(next) = self.next_reading.take() {
            self.ask(next);
        }
    }

    /// Has the new program look at what it is going to be left.
    fn rehearse(&self, now: Instant) -> Result<Succession, Refusal> {
        let unusable = |error: io::Error| Refusal::Unusable(format!("it cannot be rehearsed: {error}"));
        self.begin_rehearsal(now).map_err(unusable)
    }

    fn begin_rehearsal(&self, now: Instant) -> io::Result<Succession> {
        let will = memory("will", &self.will(None).0.encode())?;
        let (configuration, mut answer) = (memory("configuration", b"")?, memory("answer", b"")?);
        let null = OpenOptions::new().read(true).write(true).custom_flags(OFlag::O_CLOEXEC.bits()).open("/dev/null")?;
        match system::fork()? {
            Fork::Parent { child } => Ok(Succession::Rehearsing { pid: child, configuration, answer, until: now + PATIENCE }),
            Fork::Child => {
                let _ = prctl::set_pdeathsig(Signal::SIGKILL);
                let left = [&will, &configuration, &answer];
                let numbers = left.map(|file| file.as_raw_fd().to_string()).join(",");
                // What it has to say, it says in the answer.
                let executed = dup2_stdin(&null)
                    .and_then(|()| dup2_stdout(&null))
                    .and_then(|()| dup2_stderr(&null))
                    .map_err(io::Error::from)
                    .and_then(|()| self.execute(&["--config-test"], (REHEARSAL, &numbers), &left.map(|file| file.as_fd())));
                let Err(error) = executed;
                drop(answer.write_all(rehearsal::unexecuted(&self.legacy.program, &error).as_bytes()));
                system::exit_now(1)
            }
        }
    }

    /// Takes in how a rehearsal has gone.
    pub(super) fn rehearsed(&mut self, end: End) {
        let Some(Succession::Rehearsing { configuration, answer, .. }) = self.succession.take() else { return };
        match rehearsal::heard(&answer, end) {
            Heard::Good => {
                self.succession = Some(Succession::Rehearsed { configuration, until: Instant::now() + PATIENCE });
            }
            Heard::Refused(refusal) => self.stay(&refusal),
        }
    }

    /// What is left to a successor, with all the descriptors that are named in it.
    fn will<'a>(&'a self, configuration: Option<&'a File>) -> (Will, Vec<BorrowedFd<'a>>) {
        let mut left = Vec::new();
        let mut keep = |descriptor: BorrowedFd<'a>| {
            left.push(descriptor);
            descriptor.as_raw_fd()
        };
        let (doors, waiting) = self.control.left();
        let (path, lock) = self.pid_file.left();
        let will = Will {
            program: self.legacy.program.clone(),
            file: self.options.file.clone(),
            decided: self.legacy.decided.clone(),
            unread: self.brief.unread.iter().map(|text| text.clone().into()).collect(),
            running: self.control.running(Instant::now()),
            readings: self.readings,
            reload: self.next_reading,
            core_pattern: self.legacy.core_pattern.clone(),
            room: self.room.as_ref().map(|room| room.folder().to_owned()),
            pid_file: Named { path: path.to_owned(), number: keep(lock) },
            parts: self.roles.iter().map(|role| role.left(&mut keep)).collect(),
            doors: doors.into_iter().map(|(key, path, door)| (key, Named { path, number: keep(door) })).collect(),
            waiting: waiting.into_iter().map(&mut keep).collect(),
            namespace: initial_namespace().map(|file| keep(file.as_fd())),
            configuration: configuration.map(|file| keep(file.as_fd())),
        };
        (will, left)
    }

    /// Becomes the new program.
    fn hand_over(&self, configuration: &File) -> Result<Infallible, Refusal> {
        log::info(&format!("Upgrading: {} takes over", self.legacy.program.display()));
        self.manager.reloading();
        let become_it = || {
            crate::runtime::reading::seal(configuration)?;
            let (will, mut left) = self.will(Some(configuration));
            let memory = memory("will", &will.encode())?;
            left.push(memory.as_fd());
            log::flush();
            be_ordinary();
            let executed = self.execute(&[], (WILL, &memory.as_raw_fd().to_string()), &left);
            for descriptor in left {
                close_at_execution(descriptor, true)?;
            }
            executed
        };
        become_it().map_err(|error: io::Error| {
            self.manager.ready(getpid().as_raw());
            Refusal::Unusable(format!("{} cannot be executed: {error}", self.legacy.program.display()))
        })
    }

    /// As this program was called, with these words more, and this variable in the environment.
    fn execute(&self, more: &[&str], (name, value): (&str, &str), left: &[BorrowedFd<'_>]) -> io::Result<Infallible> {
        let words = std::env::args_os().chain(more.iter().map(OsString::from));
        let words = words.map(|word| CString::new(word.into_vec())).collect::<Result<Vec<_>, _>>()?;
        let manager = self.manager.variable().map(|(name, value)| (name.into(), value.to_owned()));
        let variables = std::env::vars_os().chain(manager).chain([(name.into(), value.into())]);
        let variables = variables.map(|(name, value)| CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()));
        let variables = variables.collect::<Result<Vec<_>, _>>()?;
        let program = CString::new(self.legacy.program.as_os_str().as_bytes())?;
        for descriptor in left {
            close_at_execution(*descriptor, false)?;
        }
        Ok(execve(&program, &words, &variables)?)
    }
}

/// A file in memory, with this in it.
fn memory(name: &str, bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?);
    file.write_all(bytes)?;
    Ok(file)
}

/// All of it, wherever whoever wrote it has stopped.
fn contents(file: &File) -> io::Result<Vec<u8>> {
    use std::os::unix::fs::FileExt as _;
    let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// The numbers in a variable of the environment, which nobody else is to see.
fn numbers(name: &str) -> Option<Vec<i32>> {
    let text = system::take_variable(name)?.into_string().ok()?;
    text.split(',').map(|number| number.parse().ok()).collect()
}

/// Whether `keyword` has another value.
fn redecided(before: &[(String, String)], brief: &Brief) -> Option<String> {
    let now = decided(brief);
    let differs = |(keyword, value): &&(String, String)| now.iter().any(|(other, now)| other == keyword && now != value);
    before.iter().find(differs).map(|(keyword, _)| keyword.clone())
}
