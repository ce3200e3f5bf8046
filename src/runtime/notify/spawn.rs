//! Scripts as processes: started with the rights they run with, ended, and waited for without waiting.

use crate::model::Model;
use crate::model::script::{Action, Script};
use crate::sys::spawn::{Identity, NOT_EXECUTABLE, NOT_FOUND, Task, remember_ordinary, spawn};
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Gid, Pid, Uid, User, getgrouplist};
use std::collections::{BTreeMap, VecDeque};
use std::ffi::{CString, OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use tokio::signal::unix::{Signal as Arrivals, SignalKind, signal};

/// What could change what a script does behind its author's back.
const NOT_INHERITED: [&str; 3] = ["IFS", "LD_PRELOAD", "LD_LIBRARY_PATH"];

/// How a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Exited(i32),
    Killed(i32),
}

impl Status {
    /// Why it was not run, as far as its status tells.
    pub fn unexecuted(self) -> Option<&'static str> {
        match self {
            Self::Exited(NOT_FOUND) => Some("was not found (127)"),
            Self::Exited(NOT_EXECUTABLE) => Some("could not be executed (126)"),
            Self::Exited(_) | Self::Killed(_) => None,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "exited with status {status}"),
            Self::Killed(signal) => write!(f, "due to signal {signal}"),
        }
    }
}

/// Scripts that are running, each with what it is to its owner. It lives in a runtime.
#[derive(Debug)]
pub struct Children<T> {
    arrivals: Arrivals,
    null: File,
    environment: Vec<CString>,
    /// The groups of users whose scripts get all of them.
    groups: BTreeMap<(u32, u32), Box<[u32]>>,
    running: BTreeMap<Pid, Running<T>>,
    ended: VecDeque<(T, Status)>,
}

#[derive(Debug)]
struct Running<T> {
    owner: T,
    /// What it has started ends with it.
    doomed: bool,
}

impl<T: Clone + PartialEq> Children<T> {
    pub fn new() -> io::Result<Self> {
        remember_ordinary();
        Ok(Self {
            arrivals: signal(SignalKind::child())?,
            null: File::options().read(true).write(true).open("/dev/null")?,
            environment: environment(),
            groups: BTreeMap::new(),
            running: BTreeMap::new(),
            ended: VecDeque::new(),
        })
    }

    /// Looks up users in advance: it may take a while where they are kept on other machines.
    pub fn know<'a>(&mut self, scripts: impl IntoIterator<Item = &'a Script>) {
        self.groups.clear();
        for script in scripts {
            if script.supplementary_groups {
                self.groups.entry((script.uid, script.gid)).or_insert_with(|| groups(script.uid, script.gid));
            }
        }
    }

    pub fn start(&mut self, owner: T, script: &Script) -> io::Result<()> {
        self.start_told(owner, script, &[])
    }

    /// With more variables in its environment.
    pub fn start_told(&mut self, owner: T, script: &Script, variables: &[(&str, &str)]) -> io::Result<()> {
        let ours = self.environment.len();
        let variable = |(name, value): &(&str, &str)| c_string(OsStr::new(&format!("{name}={value}")));
        self.environment.extend(variables.iter().map(variable).collect::<io::Result<Vec<_>>>()?);
        let started = self.spawn(script);
        self.environment.truncate(ours);
        self.running.insert(started?, Running { owner, doomed: false });
        Ok(())
    }

    fn spawn(&mut self, script: &Script) -> io::Result<Pid> {
        let none = Box::default();
        let groups = if script.supplementary_groups {
            self.groups.entry((script.uid, script.gid)).or_insert_with(|| groups(script.uid, script.gid))
        } else {
            &none
        };
        start(script, groups, &self.environment, &self.null)
    }

    /// Tells everything that this owner's scripts have started.
    pub fn signal(&mut self, owner: &T, signal: Signal) {
        // A process that has just ended is waited for below, so that its number cannot be another's by now.
        for (&pid, _) in self.running.iter().filter(|(_, running)| running.owner == *owner) {
            let _ = killpg(pid, signal);
        }
    }

    /// Asks this owner's scripts to end. What they leave behind when they do is killed.
    pub fn end(&mut self, owner: &T) {
        self.signal(owner, Signal::SIGTERM);
        for running in self.running.values_mut().filter(|running| running.owner == *owner) {
            running.doomed = true;
        }
    }

    /// Whose scripts are running.
    pub fn owners(&self) -> impl Iterator<Item = &T> {
        self.running.values().map(|running| &running.owner)
    }

    pub fn is_empty(&self) -> bool {
        self.running.is_empty() && self.ended.is_empty()
    }

    /// The next script that ends. Nothing is lost when the future is dropped: what has been reaped stays in the list.
    pub async fn next(&mut self) -> (T, Status) {
        loop {
            if let Some(ended) = self.ended.pop_front() {
                return ended;
            }
            if self.arrivals.recv().await.is_none() {
                // The runtime is going down.
                std::future::pending::<()>().await;
            }
            self.reap();
        }
    }

    /// Waits for those that have ended. Others of this process may have children too, so each is asked about by number.
    fn reap(&mut self) {
        let ended = &mut self.ended;
        self.running.retain(|&pid, running| {
            if running.doomed {
                if !is_over(pid) {
                    return true;
                }
                // Nobody has waited for it, so the number is still its own.
                let _ = killpg(pid, Signal::SIGKILL);
            }
            let status = match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(_, status)) => Status::Exited(status),
                Ok(WaitStatus::Signaled(_, signal, _)) => Status::Killed(signal as i32),
                // A real-time signal, or somebody else waited for it: it has not succeeded.
                Err(Errno::EINVAL | Errno::ECHILD) => Status::Killed(0),
                Ok(_) | Err(_) => return true,
            };
            ended.push_back((running.owner.clone(), status));
            false
        });
    }
}

/// Starts a script that nobody in this module waits for: in a process group of its own, with nothing open.
pub fn start_alone(script: &Script) -> io::Result<Pid> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    let groups = if script.supplementary_groups { groups(script.uid, script.gid) } else { Box::default() };
    start(script, &groups, &environment(), &null)
}

/// What scripts find in their environment.
fn environment() -> Vec<CString> {
    let environment = std::env::vars_os().filter(|(name, _)| !NOT_INHERITED.iter().any(|&no| name == no));
    let pair = |(name, value): (OsString, OsString)| {
        let mut bytes = name.into_vec();
        bytes.push(b'=');
        bytes.extend(value.into_vec());
        CString::new(bytes).ok()
    };
    environment.filter_map(pair).collect()
}

fn start(script: &Script, groups: &[u32], environment: &[CString], null: &File) -> io::Result<Pid> {
    let identity = Identity { uid: script.uid, gid: script.gid, groups };
    let argv = script.argv.iter().map(|word| c_string(OsStr::new(&**word))).collect::<io::Result<Vec<_>>>()?;
    match &script.action {
        Action::Open(path) => spawn(Task::Open(&c_string(path.as_os_str())?), identity, null.as_fd()),
        Action::Execute(path) => {
            let path = c_string(path.as_os_str())?;
            spawn(Task::Execute { path: &path, argv: &argv, environment }, identity, null.as_fd())
        }
    }
}

/// It has ended and can be waited for.
fn is_over(pid: Pid) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    matches!(waitid(Id::Pid(pid), flags), Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)))
}

/// All groups of a user; only the one if the user is not known.
fn groups(uid: u32, gid: u32) -> Box<[u32]> {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    let name = user.and_then(|user| CString::new(user.name).ok());
    let all = name.and_then(|name| getgrouplist(&name, Gid::from_raw(gid)).ok());
    all.map_or_else(|| Box::from([gid]), |all| all.into_iter().map(Gid::as_raw).collect())
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    Ok(CString::new(text.as_bytes())?)
}

/// Every script that the VRRP process may run.
pub fn scripts(model: &Model) -> impl Iterator<Item = &Script> {
    use crate::model::vrrp::{Deleted, Notify};
    fn all(notify: &Notify) -> impl Iterator<Item = &Script> {
        [&notify.master, &notify.backup, &notify.fault, &notify.stop, &notify.any].into_iter().filter_map(Option::as_deref)
    }
    let instances = model.vrrp.instances.iter().flat_map(|instance| {
        let deleted = match &instance.notify_deleted {
            Deleted::AsFault => None,
            Deleted::AsDeleted(script) => script.as_deref(),
        };
        all(&instance.notify).chain(instance.notify_master_rx_lower_pri.as_deref()).chain(deleted)
    });
    let global = &model.global.scripts;
    let fifos = [&global.fifo, &global.vrrp_fifo].into_iter().flatten().filter_map(|fifo| fifo.script.as_ref());
    let tracked = model.tracked.scripts.iter().map(|tracked| &tracked.command);
    instances.chain(model.vrrp.groups.iter().flat_map(|group| all(&group.notify))).chain(fifos).chain(tracked)
}

/// Every notify script that the checker process may run.
pub fn server_scripts(model: &Model) -> impl Iterator<Item = &Script> {
    let servers = model.lvs.virtual_servers.iter();
    let real = servers.clone().flat_map(|server| &server.real_servers).filter_map(|real| real.details.as_ref());
    let of_real = real.flat_map(|details| [&details.notify_up, &details.notify_down]);
    let global = &model.global.scripts;
    let fifos = [&global.fifo, &global.lvs_fifo].into_iter().flatten().filter_map(|fifo| fifo.script.as_ref());
    servers.flat_map(|server| [&server.quorum_up, &server.quorum_down]).chain(of_real).flatten().chain(fifos)
}
