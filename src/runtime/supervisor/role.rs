//! One part as the supervisor has it: its process, what succeeds that when it dies, and what outlives both.

use super::brief::{Brief, Configuration};
use super::child::{self, AllLines, Begun, Child, End, Forked, Lines, Task};
use super::part::Part;
use super::pidfile::{self, PidFile};
use super::respawn::{Death, Next, Respawn};
use super::{kill, send};
use crate::cli::Options;
use crate::runtime::handover::{Ask, Heard, Memory, Order, Report, Store, SupervisorEnd};
use crate::runtime::log;
use crate::runtime::reading::Kept;
use crate::runtime::signals::Signal;
use nix::poll::{PollFd, PollFlags};
use nix::unistd::Pid;
use std::io;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

/// How long what a dead process held may take to be given up.
const RELEASE_TIME: Duration = Duration::from_secs(5);
/// After a fork that failed.
const FORK_PAUSE: Duration = Duration::from_secs(1);

/// A process that gives up what a dead one held.
struct Helper {
    pid: Pid,
    until: Instant,
    /// Kept open, for it to speak to.
    _end: SupervisorEnd,
}

pub(super) struct Role {
    pub(super) part: Part,
    /// In force, as far as is known.
    configuration: Configuration,
    /// Sent to the process, which has not answered.
    offered: Option<Configuration>,
    /// A start or a reload is not complete before this part says so.
    pending: bool,
    store: Store,
    /// There may be something to give up that the store does not tell of.
    held: bool,
    respawn: Respawn,
    child: Option<Child>,
    helper: Option<Helper>,
    /// What a dead process held is to be given up.
    release: bool,
    start_at: Option<Instant>,
    /// The whole daemon is ending. The process is given until then.
    kill_at: Option<Instant>,
    /// Absent while there is nothing to do for this part.
    pid_file: Option<PidFile>,
    /// Answers that nobody has looked at.
    told: Vec<(u64, Memory)>,
    /// How often the process was started.
    starts: u64,
}

/// A part as others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) process: Option<(Pid, Instant)>,
    /// It is to be started at that time.
    pub(super) start_at: Option<Instant>,
    pub(super) starts: u64,
}

/// What a role has heard or found that is everybody's business.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It has taken its configuration over.
    Ready,
    /// It stays with the old one.
    Refused(String),
    ReloadAsked,
    /// The daemon is to end, with this status, which is a service manager's business where it has a name.
    End(u8, Option<&'static str>),
}

impl Role {
    pub(super) fn new(part: Part, configuration: &Configuration, pid_file: Option<PidFile>) -> Self {
        Self {
            part,
            configuration: configuration.clone(),
            offered: None,
            pending: false,
            store: Store::default(),
            held: false,
            respawn: Respawn::default(),
            child: None,
            helper: None,
            release: false,
            start_at: None,
            kill_at: None,
            pid_file,
            told: Vec::new(),
            starts: 0,
        }
    }

    pub(super) fn facts(&self) -> Facts {
        let process = self.child.as_ref().map(|child| (child.pid, child.since));
        Facts { process, start_at: self.start_at, starts: self.starts }
    }

    /// Asks the process about itself. Without one it says so.
    pub(super) fn ask(&mut self, ask: Ask) -> bool {
        let Some(child) = self.child.as_mut().filter(|child| !child.silent) else { return false };
        child.end.order(Order::Tell(ask));
        true
    }

    /// What the process has answered.
    pub(super) fn take_told(&mut self) -> Vec<(u64, Memory)> {
        std::mem::take(&mut self.told)
    }

    /// The process is to be started, as part of a start or a reload of the whole.
    pub(super) fn begin(&mut self, now: Instant) {
        self.start_at = Some(now);
        self.pending = true;
    }

    /// What the supervisor had itself for the first start goes.
    pub(super) fn put_away(&mut self) {
        self.configuration.put_away();
    }

    pub(super) fn is_pending(&self) -> bool {
        self.pending
    }

    /// Neither there nor about to be.
    pub(super) fn is_over(&self) -> bool {
        self.child.is_none() && self.helper.is_none() && !self.release
    }

    /// There is no process, and none is to be started.
    pub(super) fn is_idle(&self) -> bool {
        self.child.is_none() && self.start_at.is_none()
    }

    pub(super) fn has_process(&self) -> bool {
        self.child.is_some()
    }

    /// Whatever is due. In a process made here it returns what that is to do.
    pub(super) fn act(&mut self, now: Instant, options: &Options, brief: &Brief, lines: &AllLines) -> Option<Begun> {
        let name = self.part.name();
        if let Some(helper) = self.helper.as_mut().filter(|helper| helper.until <= now) {
            log::error(&format!("What the {name} process held could not be given up in time"));
            kill(helper.pid);
            // Its death is reported soon; until then it is not killed again.
            helper.until = now + RELEASE_TIME;
        }
        if let (Some(at), Some(child)) = (&mut self.kill_at, &self.child)
            && *at <= now
        {
            log::error(&format!("{name} child process({}) does not stop: killing it", child.pid));
            kill(child.pid);
            *at = now + RELEASE_TIME;
        }
        if self.child.is_some() || self.helper.is_some() {
            return None;
        }
        if std::mem::take(&mut self.release) && (self.held || !self.store.is_empty()) {
            return self.fork(now, options, brief, lines, true);
        }
        if self.kill_at.is_none() && self.start_at.is_some_and(|at| at <= now) {
            return self.fork(now, options, brief, lines, false);
        }
        None
    }

    fn fork(&mut self, now: Instant, options: &Options, brief: &Brief, lines: &AllLines, release_only: bool) -> Option<Begun> {
        let name = self.part.name();
        if self.pid_file.is_none() {
            self.pid_file = pidfile::claim_late(self.part, options, &brief.process);
        }
        let task = |lines| Task {
            part: self.part,
            configuration: self.configuration.clone(),
            entries: self.store.entries(),
            release: release_only || self.part.releases(options),
            release_only,
            detail: options.log.detail > 0,
            lock: self.pid_file.as_ref().and_then(|file| file.share().ok()),
            lines,
        };
        match Lines::of(self.part, lines).and_then(|lines| child::fork(task(lines))) {
            Ok(Forked::Child(begun)) => return Some(begun),
            Ok(Forked::Parent(child)) if release_only => {
                self.store.clear();
                self.held = false;
                self.helper = Some(Helper { pid: child.pid, until: now + RELEASE_TIME, _end: child.end });
            }
            Ok(Forked::Parent(child)) => {
                log::info(&format!("Starting {name} child process, pid={}", child.pid));
                if let Some(Err(error)) = self.pid_file.as_ref().map(|file| file.write(child.pid.as_raw())) {
                    log::error(&format!("The pid file of the {name} process cannot be written: {error}"));
                }
                self.child = Some(child);
                self.starts += 1;
                self.held = self.part == Part::Checkers;
                self.start_at = None;
            }
            Err(error) => {
                log::error(&format!("Fork of the {name} process failed: {error}"));
                if release_only && self.kill_at.is_none() {
                    self.release = true;
                    self.start_at = Some(now + FORK_PAUSE);
                } else if !release_only {
                    self.start_at = Some(now + FORK_PAUSE);
                }
            }
        }
        None
    }

    /// When [`Role::act`] has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        let kill = self.kill_at.filter(|_| self.child.is_some());
        let start = self.start_at.filter(|_| self.child.is_none());
        [start, kill, self.helper.as_ref().map(|helper| helper.until)].into_iter().flatten().min()
    }

    pub(super) fn watch(&self) -> Option<PollFd<'_>> {
        let child = self.child.as_ref().filter(|child| !child.silent)?;
        let room = if child.end.has_unsent() { PollFlags::POLLOUT } else { PollFlags::empty() };
        Some(PollFd::new(child.end.as_fd(), PollFlags::POLLIN | room))
    }

    /// Takes in what the process has to say, up to so many messages.
    pub(super) fn hear(&mut self, most: usize) -> Vec<News> {
        let mut news = Vec::new();
        for _ in 0..most {
            let Some(child) = self.child.as_mut().filter(|child| !child.silent) else { break };
            child.end.flush();
            match child.end.receive() {
                Ok(Heard::Message(report)) => news.extend(self.report(report)),
                Ok(Heard::Nothing) => break,
                // Its death is reported by a signal.
                Ok(Heard::End) | Err(_) => child.silent = true,
            }
        }
        news
    }

    fn report(&mut self, report: Report) -> Option<News> {
        match report {
            Report::Record(entry) => self.store.put(entry),
            Report::Forget(key) => self.store.forget(&key),
            Report::Stopped => {
                self.store.clear();
                self.held = false;
                if let Some(child) = &mut self.child {
                    child.stopped = true;
                }
            }
            Report::Ready => {
                if let Some(configuration) = self.offered.take() {
                    self.configuration = configuration;
                }
                self.pending = false;
                return Some(News::Ready);
            }
            Report::Refused(reason) => {
                self.offered = None;
                self.pending = false;
                return Some(News::Refused(reason.into()));
            }
            Report::ReloadAsked => return Some(News::ReloadAsked),
            Report::Told(id, memory) => self.told.push((id, memory)),
        }
        None
    }

    /// Another configuration for a process that is there; for the next one if none is. `like` is one that means the same to
    /// this part.
    pub(super) fn offer(&mut self, kept: &Kept, like: Option<&Kept>) -> io::Result<()> {
        let configuration = Configuration::new(kept.clone(), None);
        let Some(child) = &mut self.child else {
            self.configuration = configuration;
            return Ok(());
        };
        let has_it = self.offered.is_none() && like.is_some_and(|like| self.configuration.kept.is(like));
        child.end.order(if has_it { Order::Again } else { Order::Reload(kept.share()?) });
        self.offered = Some(configuration);
        self.pending = true;
        Ok(())
    }

    pub(super) fn send(&self, signal: Signal) {
        if let Some(child) = &self.child {
            send(child.pid, signal);
        }
    }

    /// Asks the process to stop; [`Role::is_over`] tells when it has.
    pub(super) fn stop(&mut self, kill_at: Instant, options: &Options) {
        self.kill_at = Some(kill_at);
        self.start_at = None;
        self.pending = false;
        // Nobody holds anything for the store to tell of, or else the process's own end decides.
        self.release = self.child.is_none() && self.part.releases(options) && (self.held || !self.store.is_empty());
        self.send(Signal::Stop);
    }

    /// Takes note of a death. Nothing, if it was nobody's of this part.
    pub(super) fn reaped(&mut self, pid: Pid, end: End, options: &Options, alone: bool) -> Option<Vec<News>> {
        if self.helper.as_ref().is_some_and(|helper| helper.pid == pid) {
            self.helper = None;
            if end != End::Exited(0) {
                log::error(&format!("What the {} process held could not be given up", self.part.name()));
            }
            return Some(Vec::new());
        }
        if self.child.as_ref().is_none_or(|child| child.pid != pid) {
            return None;
        }
        // Its last words first: there is an end to them.
        let mut news = self.hear(usize::MAX);
        if let Some(child) = self.child.take() {
            news.extend(self.died(&child, end, options, alone));
        }
        Some(news)
    }

    fn died(&mut self, child: &Child, end: End, options: &Options, alone: bool) -> Option<News> {
        let name = self.part.name();
        if let End::Killed(signal) = end {
            let number = signal as i32;
            log::info(&format!("pid {} exited due to signal {number} ({})", child.pid, signal.as_str()));
        }
        if self.kill_at.is_some() {
            // Whatever it did not get round to.
            self.release = self.part.releases(options) && (self.held || !self.store.is_empty());
            return None;
        }
        let permanent = end.permanent();
        if let Some((status, word)) = permanent.filter(|_| alone || self.part.is_vital()) {
            log::alert(&format!("pid {} exited with permanent error {word}. Terminating", child.pid));
            return Some(News::End(status, Some(word)));
        }
        let crashed = end != End::Exited(0) || !(child.stopped || self.store.is_empty());
        if options.no_respawn {
            log::alert(&format!("{name} child process({}) died: Exiting", child.pid));
            return Some(News::End(0, None));
        }
        log::alert(&format!("{name} child process({}) died: Respawning", child.pid));
        let offered = self.offered.take();
        let refused = (offered.is_some() && crashed).then(|| News::Refused(format!("the {name} process died of it")));
        if refused.is_some() {
            self.pending = false;
        } else if let Some(configuration) = offered {
            self.configuration = configuration;
        }
        let now = Instant::now();
        let death = match (permanent, crashed) {
            (Some(_), _) => Death::Failed,
            (None, true) => Death::Crashed,
            (None, false) => Death::Stopped,
        };
        match self.respawn.died(now, now.saturating_duration_since(child.since), death) {
            Next::Resume => self.start_at = Some(now),
            Next::Restart { after } => {
                log::info(&format!("Restart of {name} process delayed {} seconds to limit respawn rate", after.as_secs()));
                self.release = self.part.releases_when_hopeless();
                self.start_at = Some(now + after);
                // Nobody waits for what may never come.
                self.pending &= self.part.is_vital();
            }
        }
        refused
    }

    pub(super) fn into_pid_file(self) -> Option<PidFile> {
        self.pid_file
    }
}
