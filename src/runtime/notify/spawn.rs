//! Scripts as processes: started with the rights they run with, ended, and waited for without waiting.

use super::starter::{self, Order, Program, Starter};
use crate::model::script::{Action, Script};
use crate::sys::spawn::{NOT_EXECUTABLE, NOT_FOUND, remember_ordinary};
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::{CString, OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::Arc;
use tokio::signal::unix::{Signal as Arrivals, SignalKind, signal};

/// What could change what a script does behind its author's back.
const NOT_INHERITED: [&str; 3] = ["IFS", "LD_PRELOAD", "LD_LIBRARY_PATH"];

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    Exited(i32),
    Killed(i32),
    /// There never was a process.
    Unstarted(Box<str>),
}

impl Status {
    /// Why it was not run, as far as its status tells.
    pub fn unexecuted(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Exited(NOT_FOUND) => Some("was not found (127)".into()),
            Self::Exited(NOT_EXECUTABLE) => Some("could not be executed (126)".into()),
            Self::Unstarted(_) => Some(self.to_string().into()),
            Self::Exited(_) | Self::Killed(_) => None,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "exited with status {status}"),
            Self::Killed(signal) => write!(f, "due to signal {signal}"),
            Self::Unstarted(reason) => write!(f, "could not be started: {reason}"),
        }
    }
}

/// Scripts that are running, each with what it is to its owner. It lives in a runtime.
#[derive(Debug)]
pub struct Children<T> {
    arrivals: Arrivals,
    environment: Arc<[CString]>,
    starter: Starter,
    /// By number, in the order in which they were asked for.
    asked: BTreeMap<u64, Asked<T>>,
    orders: u64,
    ended: VecDeque<(T, Status)>,
}

#[derive(Debug)]
struct Asked<T> {
    owner: T,
    /// It tells the process, if there is one by now. Nobody else waits for that, so the number is its own.
    order: Order,
    /// What it has started ends with it.
    doomed: bool,
    /// What it is to be told as soon as it is there.
    signals: Vec<Signal>,
}

impl<T: Clone + PartialEq> Children<T> {
    pub fn new() -> io::Result<Self> {
        remember_ordinary();
        Ok(Self {
            arrivals: signal(SignalKind::child())?,
            environment: environment(),
            starter: Starter::new()?,
            asked: BTreeMap::new(),
            orders: 0,
            ended: VecDeque::new(),
        })
    }

    pub fn start(&mut self, owner: T, script: &Script) -> io::Result<()> {
        self.start_told(owner, script, &[])
    }

    /// With more variables in its environment. It is started by somebody else; should that fail, it has ended.
    pub fn start_told(&mut self, owner: T, script: &Script, variables: &[(&str, &str)]) -> io::Result<()> {
        let variable = |(name, value): &(&str, &str)| c_string(OsStr::new(&format!("{name}={value}")));
        let more = variables.iter().map(variable).collect::<io::Result<Vec<_>>>()?;
        let program = program(script, Arc::clone(&self.environment), more)?;
        self.orders += 1;
        let order = self.starter.start(self.orders, program)?;
        self.asked.insert(self.orders, Asked { owner, order, doomed: false, signals: Vec::new() });
        Ok(())
    }

    /// Somebody who is waited for has been started, or could not be.
    fn started(&mut self, number: u64, result: io::Result<()>) {
        let Some(asked) = self.asked.get_mut(&number) else { return };
        let status = match (result, asked.order.pid()) {
            (Ok(()), Some(pid)) => {
                for signal in std::mem::take(&mut asked.signals) {
                    let _ = killpg(pid, signal);
                }
                // It may have ended before its number was known here.
                status(pid, asked.doomed)
            }
            // There is a number then.
            (Ok(()), None) => None,
            (Err(error), _) => Some(Status::Unstarted(error.to_string().into())),
        };
        if let Some(status) = status {
            self.over(number, status);
        }
    }

    fn over(&mut self, number: u64, status: Status) {
        self.ended.extend(self.asked.remove(&number).map(|asked| (asked.owner, status)));
    }

    /// Tells everything that this owner's scripts have started.
    pub fn signal(&mut self, owner: &T, signal: Signal) {
        let ended = &mut self.ended;
        self.asked.retain(|_, asked| {
            if asked.owner != *owner {
                return true;
            }
            if asked.order.cancel() {
                ended.push_back((owner.clone(), Status::Unstarted("there was no time for it".into())));
                return false;
            }
            // First: whoever becomes a program while we look tells us then.
            asked.order.await_it();
            // A process that has just ended is waited for below, so that its number cannot be another's by now. One that hangs
            // before it is a program has its group already.
            if asked.order.pid().is_none_or(|pid| killpg(pid, signal) == Err(Errno::ESRCH)) {
                asked.signals.push(signal);
            }
            true
        });
    }

    /// Asks this owner's scripts to end. What they leave behind when they do is killed.
    pub fn end(&mut self, owner: &T) {
        self.signal(owner, Signal::SIGTERM);
        for asked in self.asked.values_mut().filter(|asked| asked.owner == *owner) {
            asked.doomed = true;
        }
    }

    /// Whose scripts are running.
    pub fn owners(&self) -> impl Iterator<Item = &T> {
        self.asked.values().map(|asked| &asked.owner)
    }

    pub fn is_empty(&self) -> bool {
        self.asked.is_empty() && self.ended.is_empty()
    }

    /// The next script that ends. Nothing is lost when the future is dropped: what has been reaped stays in the list.
    pub async fn next(&mut self) -> (T, Status) {
        loop {
            if let Some(ended) = self.ended.pop_front() {
                return ended;
            }
            let late = self.starter.late_at();
            tokio::select! {
                // Others of this process have children too, and whoever has none is not to be woken for them.
                arrived = self.arrivals.recv(), if !self.asked.is_empty() => {
                    if arrived.is_none() {
                        // The runtime is going down.
                        std::future::pending::<()>().await;
                    }
                    self.reap();
                }
                (number, result) = self.starter.next() => self.started(number, result),
                () = async { tokio::time::sleep_until(late.expect("guarded").into()).await }, if late.is_some() => self.starter.hasten(),
            }
        }
    }

    /// One that has ended by now, without waiting.
    pub fn take(&mut self) -> Option<(T, Status)> {
        while let Some((number, result)) = self.starter.take() {
            self.started(number, result);
        }
        if self.ended.is_empty() {
            self.reap();
        }
        self.ended.pop_front()
    }

    /// Waits for those that have ended. The kernel tells who is first among all children of this process, who may be another's.
    fn reap(&mut self) {
        loop {
            match first_over() {
                Ok(None) => return,
                Ok(Some(pid)) => {
                    let ours = self.asked.iter().find(|(_, asked)| asked.order.pid() == Some(pid));
                    let Some((&number, status)) = ours.and_then(|(number, asked)| Some((number, status(pid, asked.doomed)?))) else {
                        return self.reap_each();
                    };
                    self.over(number, status);
                }
                Err(_) => return self.reap_each(),
            }
        }
    }

    /// Each is asked about by number.
    fn reap_each(&mut self) {
        let ended = &mut self.ended;
        self.asked.retain(|_, asked| match asked.order.pid().and_then(|pid| status(pid, asked.doomed)) {
            Some(status) => {
                ended.push_back((asked.owner.clone(), status));
                false
            }
            None => true,
        });
    }
}

/// How it has ended, if it has; then its number may be another's from now on.
fn status(pid: Pid, doomed: bool) -> Option<Status> {
    if doomed {
        if !is_over(pid) {
            return None;
        }
        // Nobody has waited for it, so the number is still its own.
        let _ = killpg(pid, Signal::SIGKILL);
    }
    match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::Exited(_, status)) => Some(Status::Exited(status)),
        Ok(WaitStatus::Signaled(_, signal, _)) => Some(Status::Killed(signal as i32)),
        // A real-time signal, or somebody else waited for it: it has not succeeded.
        Err(Errno::EINVAL | Errno::ECHILD) => Some(Status::Killed(0)),
        Ok(_) | Err(_) => None,
    }
}

/// Starts a script that nobody in this module waits for: in a process group of its own, with nothing open.
pub fn start_alone(script: &Script) -> io::Result<Pid> {
    program(script, environment(), Vec::new())?.start_alone()
}

/// What scripts find in their environment.
fn environment() -> Arc<[CString]> {
    let environment = std::env::vars_os().filter(|(name, _)| !NOT_INHERITED.iter().any(|&no| name == no));
    let pair = |(name, value): (OsString, OsString)| {
        let mut bytes = name.into_vec();
        bytes.push(b'=');
        bytes.extend(value.into_vec());
        CString::new(bytes).ok()
    };
    environment.filter_map(pair).collect()
}

fn program(script: &Script, environment: Arc<[CString]>, more: Vec<CString>) -> io::Result<Program> {
    let action = match &script.action {
        Action::Open(path) => starter::Action::Open(c_string(path.as_os_str())?),
        Action::Execute(path) => {
            let argv = script.argv.iter().map(|word| c_string(OsStr::new(&**word))).collect::<io::Result<Vec<_>>>()?;
            starter::Action::Execute { path: c_string(path.as_os_str())?, argv, environment, more }
        }
    };
    Ok(Program { action, uid: script.uid, gid: script.gid, groups: script.groups.clone().unwrap_or_default() })
}

/// The first of all children that have ended and can be waited for, if there is one.
fn first_over() -> nix::Result<Option<Pid>> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    Ok(waitid(Id::All, flags)?.pid())
}

/// It has ended and can be waited for.
fn is_over(pid: Pid) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    matches!(waitid(Id::Pid(pid), flags), Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)))
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    Ok(CString::new(text.as_bytes())?)
}
