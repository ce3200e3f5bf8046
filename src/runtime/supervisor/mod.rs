//! The parent of all: it reads the configuration, starts the roles, starts them again when they die, and stops them. It has
//! one thread, no runtime, and no socket to the network, and waits for nobody.
//!
//! A role that crashes is replaced at once by one that carries on with the records of the dead one, so that nobody else takes
//! its place meanwhile. Where that does not help, what it held is given up, and keepalived's delays follow.

mod child;
mod pidfile;
mod respawn;
mod start;
mod systemd;
mod verdict;

pub(super) use start::run;
pub(super) use verdict::unserved;

use super::handover::{Heard, Order, Report, Store};
use super::signals::{Signal, Signals};
use super::{check, log, reading};
use crate::cli::Options;
use crate::config::{self, Loaded};
use crate::model::Model;
use crate::sys::signal;
use child::{Begun, Child, End, Forked, Task};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getpid};
use pidfile::PidFile;
use respawn::{Death, Next, Respawn};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};
use systemd::Manager;

/// How long what a dead role held may take to be given up.
const RELEASE_TIME: Duration = Duration::from_secs(5);
/// After a fork that failed.
const FORK_PAUSE: Duration = Duration::from_secs(1);
/// So many messages of a role are taken in before signals have their turn.
const PIECE: usize = 1000;
/// How soon a log with no room is tried again.
const LOG_PAUSE: Duration = Duration::from_millis(100);

/// How the supervisor's loop ends, in the supervisor itself and in each process that it has made.
enum Outcome {
    Ended(u8),
    Role(Begun),
}

/// What is to be said when the role has taken its configuration over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Startup,
    Reload,
    Nothing,
}

/// A process that gives up what a dead role held.
struct Helper {
    pid: Pid,
    until: Instant,
    /// Kept open, for it to speak to.
    _end: super::handover::SupervisorEnd,
}

struct Ending {
    status: u8,
    kill_at: Instant,
}

struct Supervisor {
    options: Options,
    question: config::Options,
    /// In force, as far as is known.
    model: Arc<Model>,
    /// Sent to the role, which has not answered.
    offered: Option<Arc<Model>>,
    awaited: Awaited,
    store: Store,
    respawn: Respawn,
    role: Option<Child>,
    helper: Option<Helper>,
    /// What the store tells of is to be given up.
    release: bool,
    start_at: Option<Instant>,
    ending: Option<Ending>,
    signals: Signals,
    manager: Manager,
    pid_file: PidFile,
    /// Absent while there is no VRRP to run.
    vrrp_pid_file: Option<PidFile>,
    /// Somebody who waits for us to have come up.
    front: Option<OwnedFd>,
}

impl Supervisor {
    fn serve(&mut self) -> Outcome {
        self.begin();
        loop {
            if let Some(begun) = self.act() {
                return Outcome::Role(begun);
            }
            if let Some(status) = self.ended() {
                return Outcome::Ended(status);
            }
            self.wait();
            self.hear(PIECE);
            while let Some(signal) = self.signals.next() {
                self.signal(signal);
            }
        }
    }

    fn begin(&mut self) {
        if verdict::has_vrrp(&self.model, &self.options) {
            self.start_at = Some(Instant::now());
        } else {
            log::warning("Warning - keepalived has no configuration to run");
            self.awaited = Awaited::Nothing;
            self.manager.ready(getpid().as_raw());
            self.front = None;
        }
    }

    /// Whatever is due. In a process made here it returns what that is to do.
    fn act(&mut self) -> Option<Begun> {
        let now = Instant::now();
        if let Some(helper) = self.helper.as_ref().filter(|helper| helper.until <= now) {
            log::error("What the VRRP process held could not be given up in time");
            kill(helper.pid);
            // Its death is reported soon; until then it is not killed again.
            self.helper = self.helper.take().map(|helper| Helper { until: now + RELEASE_TIME, ..helper });
        }
        if let (Some(ending), Some(role)) = (&mut self.ending, &self.role)
            && ending.kill_at <= now
        {
            log::error(&format!("VRRP child process({}) does not stop: killing it", role.pid));
            kill(role.pid);
            ending.kill_at = now + RELEASE_TIME;
        }
        if self.role.is_none() && self.helper.is_none() {
            if std::mem::take(&mut self.release) && !self.store.is_empty() {
                return self.fork(now, true);
            }
            if self.ending.is_none() && self.start_at.is_some_and(|at| at <= now) {
                return self.fork(now, false);
            }
        }
        None
    }

    fn fork(&mut self, now: Instant, release_only: bool) -> Option<Begun> {
        if self.vrrp_pid_file.is_none() {
            self.vrrp_pid_file = start::claim_vrrp(&self.options, &self.model.global.process);
        }
        let lock = self.vrrp_pid_file.as_ref().and_then(|file| file.share().ok());
        let task = Task {
            model: Arc::clone(&self.model),
            records: self.store.records(),
            release: release_only || !self.options.keep_addresses,
            release_only,
            detail: self.options.log.detail > 0,
            lock,
        };
        match child::fork(task) {
            Ok(Forked::Child(begun)) => return Some(begun),
            Ok(Forked::Parent(child)) if release_only => {
                self.store.clear();
                self.helper = Some(Helper { pid: child.pid, until: now + RELEASE_TIME, _end: child.end });
            }
            Ok(Forked::Parent(child)) => {
                log::info(&format!("Starting VRRP child process, pid={}", child.pid));
                if let Some(Err(error)) = self.vrrp_pid_file.as_ref().map(|file| file.write(child.pid.as_raw())) {
                    log::error(&format!("The pid file of the VRRP process cannot be written: {error}"));
                }
                self.role = Some(child);
                self.start_at = None;
                self.front = None;
            }
            Err(error) => {
                log::error(&format!("Fork of the VRRP process failed: {error}"));
                if release_only && self.ending.is_none() {
                    self.release = true;
                    self.start_at = Some(now + FORK_PAUSE);
                } else if !release_only {
                    self.start_at = Some(now + FORK_PAUSE);
                }
            }
        }
        None
    }

    /// The exit status, when all is over.
    fn ended(&self) -> Option<u8> {
        let ending = self.ending.as_ref()?;
        (self.role.is_none() && self.helper.is_none()).then_some(ending.status)
    }

    fn wait(&self) {
        let now = Instant::now();
        let due = [
            self.start_at,
            self.helper.as_ref().map(|helper| helper.until),
            self.ending.as_ref().map(|ending| ending.kill_at),
            log::flush().then(|| now + LOG_PAUSE),
        ];
        let timeout = due.into_iter().flatten().min().map_or(PollTimeout::NONE, |at| {
            // Rounded up: to wake before the time would be to spin until it.
            let rest = at.saturating_duration_since(now) + Duration::from_micros(999);
            PollTimeout::try_from(rest).unwrap_or(PollTimeout::MAX)
        });
        let mut wait = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        if let Some(role) = self.role.as_ref().filter(|role| !role.silent) {
            let room = if role.end.has_unsent() { PollFlags::POLLOUT } else { PollFlags::empty() };
            wait.push(PollFd::new(role.end.as_fd(), PollFlags::POLLIN | room));
        }
        // Interrupted or not: what there is to do is looked for in any case.
        let _ = poll(&mut wait, timeout);
    }

    /// Takes in what the role has to say, up to so many messages.
    fn hear(&mut self, most: usize) {
        for _ in 0..most {
            let Some(role) = self.role.as_mut().filter(|role| !role.silent) else { return };
            role.end.flush();
            match role.end.receive() {
                Ok(Heard::Message(report)) => self.report(report),
                Ok(Heard::Nothing) => return,
                // Its death is reported by a signal.
                Ok(Heard::End) | Err(_) => role.silent = true,
            }
        }
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Record(record) => self.store.put(record),
            Report::Forget(key) => self.store.forget(&key),
            Report::Stopped => {
                self.store.clear();
                if let Some(role) = &mut self.role {
                    role.stopped = true;
                }
            }
            Report::Ready => {
                if let Some(model) = self.offered.take() {
                    self.model = model;
                }
                match std::mem::replace(&mut self.awaited, Awaited::Nothing) {
                    Awaited::Startup => self.up("Startup complete"),
                    Awaited::Reload => self.up("Reload complete"),
                    Awaited::Nothing => {}
                }
            }
            Report::Refused(reason) => {
                self.offered = None;
                self.refuse(&reason);
            }
            Report::ReloadAsked => self.reload(),
        }
    }

    fn up(&self, text: &str) {
        log::info(text);
        self.manager.ready(getpid().as_raw());
    }

    fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::Child => self.reap(),
            Signal::Interrupt if self.options.ignore_interrupt => {}
            Signal::Stop | Signal::Interrupt => self.stop(0),
            Signal::Reload if self.ending.is_none() => self.reload(),
            Signal::Data | Signal::Stats | Signal::StatsClear | Signal::Json => {
                if let Some(role) = self.role.as_ref().filter(|_| self.ending.is_none()) {
                    send(role.pid, signal);
                }
            }
            Signal::Reload => {}
        }
    }

    /// Asks everybody to stop; the loop sees when they have.
    fn stop(&mut self, status: u8) {
        if self.ending.is_some() {
            return;
        }
        log::info("Stopping");
        self.manager.stopping();
        self.ending = Some(Ending { status, kill_at: Instant::now() + self.model.global.process.child_wait_time });
        self.start_at = None;
        // Nobody holds anything for the store to tell of, or else the role's own end decides.
        self.release = self.role.is_none() && !self.options.keep_addresses;
        if let Some(role) = &self.role {
            send(role.pid, Signal::Stop);
        }
    }

    /// Takes note of the dead: the role, the helper, and whatever was left to us by others.
    fn reap(&mut self) {
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            let Some((pid, end)) = End::of(status) else {
                if status == nix::sys::wait::WaitStatus::StillAlive {
                    return;
                }
                continue;
            };
            if self.helper.as_ref().is_some_and(|helper| helper.pid == pid) {
                self.helper = None;
                if end != End::Exited(0) {
                    log::error("What the VRRP process held could not be given up");
                }
            } else if self.role.as_ref().is_some_and(|role| role.pid == pid) {
                // Its last words first: there is an end to them.
                self.hear(usize::MAX);
                if let Some(role) = self.role.take() {
                    self.died(&role, end);
                }
            }
        }
    }

    fn died(&mut self, role: &Child, end: End) {
        if let End::Killed(signal) = end {
            let number = signal as i32;
            log::info(&format!("pid {} exited due to signal {number} ({})", role.pid, signal.as_str()));
        }
        if self.ending.is_some() {
            // Whatever it did not get round to.
            self.release = !self.options.keep_addresses;
            return;
        }
        if let Some((status, name)) = end.permanent() {
            log::alert(&format!("pid {} exited with permanent error {name}. Terminating", role.pid));
            self.manager.failed(if status == verdict::CONFIG { nix::libc::EINVAL } else { nix::libc::EPERM });
            self.stop(status);
            return;
        }
        let crashed = end != End::Exited(0) || !(role.stopped || self.store.is_empty());
        if self.options.no_respawn {
            log::alert(&format!("VRRP child process({}) died: Exiting", role.pid));
            self.stop(0);
            return;
        }
        log::alert(&format!("VRRP child process({}) died: Respawning", role.pid));
        match self.offered.take() {
            Some(_) if crashed => {
                self.refuse("the VRRP process died of it");
            }
            offered => self.model = offered.unwrap_or_else(|| Arc::clone(&self.model)),
        }
        let now = Instant::now();
        let death = if crashed { Death::Crashed } else { Death::Stopped };
        match self.respawn.died(now, now.saturating_duration_since(role.since), death) {
            Next::Resume => self.start_at = Some(now),
            Next::Restart { after } => {
                log::info(&format!("Restart of VRRP process delayed {} seconds to limit respawn rate", after.as_secs()));
                self.release = true;
                self.start_at = Some(now + after);
            }
        }
    }

    fn reload(&mut self) {
        log::info("Reloading ...");
        self.manager.reloading();
        let (loaded, memory) = reading::record(&self.question);
        start::tell(&loaded, &self.options);
        let newest = self.offered.as_ref().unwrap_or(&self.model);
        if let Some(reason) = verdict::refusal(newest, &loaded, &self.options) {
            if let Some(log) = &loaded.model.global.process.reload.check {
                // Its status has been judged.
                let _ = check::config_test(&loaded, Some(log));
            }
            self.refuse(&reason);
            return;
        }
        let Loaded { model, .. } = loaded;
        let model = Arc::new(model);
        match (&mut self.role, memory) {
            (Some(role), Ok(memory)) => {
                role.end.order(Order::Reload(memory));
                self.offered = Some(model);
                // A start that is not complete is completed by this.
                if self.awaited == Awaited::Nothing {
                    self.awaited = Awaited::Reload;
                }
            }
            (Some(_), Err(error)) => self.refuse(&format!("it cannot be handed to the VRRP process: {error}")),
            (None, _) => {
                self.model = model;
                if self.start_at.is_none() && verdict::has_vrrp(&self.model, &self.options) {
                    self.start_at = Some(Instant::now());
                    self.awaited = Awaited::Reload;
                } else {
                    self.up("Reload complete");
                }
            }
        }
    }

    /// Says that the old configuration goes on.
    fn refuse(&mut self, reason: &str) {
        log::error(&format!("Reload refused: {reason}. The configuration in force stays in force"));
        if self.awaited == Awaited::Reload {
            self.awaited = Awaited::Nothing;
        }
        self.manager.ready(getpid().as_raw());
    }
}

fn send(pid: Pid, signal: Signal) {
    // It may be dead already, and is reaped then.
    drop(signal::send(pid.as_raw(), signal.number()));
}

fn kill(pid: Pid) {
    drop(signal::send(pid.as_raw(), nix::libc::SIGKILL));
}
