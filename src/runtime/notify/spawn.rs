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
    /// In the order in which they were asked for.
    starting: BTreeMap<u64, Starting<T>>,
    orders: u64,
    running: BTreeMap<Pid, Running<T>>,
    ended: VecDeque<(T, Status)>,
}

#[derive(Debug)]
struct Starting<T> {
    owner: T,
    order: Order,
    doomed: bool,
    /// What it is to be told as soon as it is there.
    signals: Vec<Signal>,
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
            environment: environment(),
            starter: Starter::new()?,
            starting: BTreeMap::new(),
            orders: 0,
            running: BTreeMap::new(),
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
        self.starting.insert(self.orders, Starting { owner, order, doomed: false, signals: Vec::new() });
        Ok(())
    }

    /// Somebody has been started, or could not be.
    fn started(&mut self, number: u64, result: io::Result<Pid>) {
        let Some(Starting { owner, doomed, signals, .. }) = self.starting.remove(&number) else { return };
        match result {
            Ok(pid) => {
                for signal in signals {
                    let _ = killpg(pid, signal);
                }
                let running = Running { owner, doomed };
                // It may have ended before it was known here.
                match status(pid, &running) {
                    Some(status) => self.ended.push_back((running.owner, status)),
                    None => drop(self.running.insert(pid, running)),
                }
            }
            Err(error) => self.ended.push_back((owner, Status::Unstarted(error.to_string().into()))),
        }
    }

    /// Tells everything that this owner's scripts have started.
    pub fn signal(&mut self, owner: &T, signal: Signal) {
        // A process that has just ended is waited for below, so that its number cannot be another's by now.
        for (&pid, _) in self.running.iter().filter(|(_, running)| running.owner == *owner) {
            let _ = killpg(pid, signal);
        }
        let ended = &mut self.ended;
        self.starting.retain(|_, starting| {
            if starting.owner != *owner {
                return true;
            }
            if starting.order.cancel() {
                ended.push_back((owner.clone(), Status::Unstarted("there was no time for it".into())));
                return false;
            }
            // What hangs before it is a program is a process already.
            if starting.order.pid().is_none_or(|pid| killpg(pid, signal).is_err()) {
                starting.signals.push(signal);
            }
            true
        });
    }

    /// Asks this owner's scripts to end. What they leave behind when they do is killed.
    pub fn end(&mut self, owner: &T) {
        self.signal(owner, Signal::SIGTERM);
        for running in self.running.values_mut().filter(|running| running.owner == *owner) {
            running.doomed = true;
        }
        for starting in self.starting.values_mut().filter(|starting| starting.owner == *owner) {
            starting.doomed = true;
        }
    }

    /// Whose scripts are running.
    pub fn owners(&self) -> impl Iterator<Item = &T> {
        let starting = self.starting.values().map(|starting| &starting.owner);
        self.running.values().map(|running| &running.owner).chain(starting)
    }

    pub fn is_empty(&self) -> bool {
        self.running.is_empty() && self.starting.is_empty() && self.ended.is_empty()
    }

    /// The next script that ends. Nothing is lost when the future is dropped: what has been reaped stays in the list.
    pub async fn next(&mut self) -> (T, Status) {
        loop {
            if let Some(ended) = self.ended.pop_front() {
                return ended;
            }
            let late = self.starting.values().find(|starting| starting.order.is_waiting()).map(|starting| starting.order.late_at());
            tokio::select! {
                arrived = self.arrivals.recv() => {
                    if arrived.is_none() {
                        // The runtime is going down.
                        std::future::pending::<()>().await;
                    }
                    self.reap();
                }
                (number, result) = self.starter.next() => self.started(number, result),
                () = async { tokio::time::sleep_until(late.expect("guarded").into()).await }, if late.is_some() => self.hasten(),
            }
        }
    }

    /// Whoever has waited longest has waited for too long.
    fn hasten(&mut self) {
        if let Some(oldest) = self.starting.values_mut().find(|starting| starting.order.is_waiting()) {
            self.starter.hasten(&mut oldest.order);
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

    /// Waits for those that have ended. Others of this process may have children too, so each is asked about by number.
    fn reap(&mut self) {
        let ended = &mut self.ended;
        self.running.retain(|&pid, running| match status(pid, running) {
            Some(status) => {
                ended.push_back((running.owner.clone(), status));
                false
            }
            None => true,
        });
    }
}

/// How it has ended, if it has; then its number may be another's from now on.
fn status<T>(pid: Pid, running: &Running<T>) -> Option<Status> {
    if running.doomed {
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

/// It has ended and can be waited for.
fn is_over(pid: Pid) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    matches!(waitid(Id::Pid(pid), flags), Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)))
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    Ok(CString::new(text.as_bytes())?)
}
