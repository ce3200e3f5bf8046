//! The parent of all: it reads the configuration, starts the parts, starts them again when they die, and stops them. It has
//! one thread, no runtime, and no socket to the network, and waits for nobody.
//!
//! A part that crashes is replaced at once by a process that carries on with the records of the dead one, so that nobody else
//! takes its place meanwhile. Where that does not help, what it held is given up, and keepalived's delays follow.

mod child;
mod parent;
mod part;
mod pidfile;
mod respawn;
mod role;
mod start;
mod systemd;
mod verdict;

pub(super) use start::run;

use super::signals::{Signal, Signals};
use super::{check, log, reading};
use crate::cli::Options;
use crate::config::{self, Loaded};
use crate::model::Model;
use crate::sys::signal;
use child::{AllLines, Begun, End};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getpid};
use part::Part;
use pidfile::PidFile;
use role::{News, Role};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};
use systemd::Manager;

/// So many messages of a part are taken in before signals have their turn.
const PIECE: usize = 1000;
/// How soon a log with no room is tried again.
const LOG_PAUSE: Duration = Duration::from_millis(100);

/// How the supervisor's loop ends, in the supervisor itself and in each process that it has made.
enum Outcome {
    Ended(u8),
    Role(Begun),
}

/// What is to be said when all parts have taken their configuration over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Startup,
    Reload,
    Nothing,
}

struct Supervisor {
    options: Options,
    question: config::Options,
    /// The newest that the parts were given.
    model: Arc<Model>,
    awaited: Awaited,
    roles: [Role; Part::ALL.len()],
    lines: AllLines,
    /// With this exit status.
    ending: Option<u8>,
    signals: Signals,
    manager: Manager,
    pid_file: PidFile,
    /// Somebody who waits for us to have come up.
    front: Option<OwnedFd>,
}

impl Supervisor {
    fn serve(&mut self) -> Outcome {
        self.begin();
        loop {
            let now = Instant::now();
            if let Some(begun) = self.roles.iter_mut().find_map(|role| role.act(now, &self.options, &self.lines)) {
                return Outcome::Role(begun);
            }
            self.front = None;
            if let Some(status) = self.ending.filter(|_| self.roles.iter().all(Role::is_over)) {
                return Outcome::Ended(status);
            }
            self.wait();
            for index in 0..self.roles.len() {
                let news = self.roles[index].hear(PIECE);
                self.take_in(news);
            }
            while let Some(signal) = self.signals.next() {
                self.signal(signal);
            }
        }
    }

    fn begin(&mut self) {
        let now = Instant::now();
        for role in &mut self.roles {
            if role.part.is_wanted(&self.model, &self.options) {
                role.begin(now);
            }
        }
        if !self.roles.iter().any(Role::is_pending) {
            log::warning("Warning - keepalived has no configuration to run");
            self.awaited = Awaited::Nothing;
            self.manager.ready(getpid().as_raw());
        }
    }

    fn wait(&self) {
        let now = Instant::now();
        let due = self.roles.iter().filter_map(Role::due).chain(log::flush().then(|| now + LOG_PAUSE)).min();
        let timeout = due.map_or(PollTimeout::NONE, |at| {
            // Rounded up: to wake before the time would be to spin until it.
            let rest = at.saturating_duration_since(now) + Duration::from_micros(999);
            PollTimeout::try_from(rest).unwrap_or(PollTimeout::MAX)
        });
        let mut wait = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        wait.extend(self.roles.iter().filter_map(Role::watch));
        // Interrupted or not: what there is to do is looked for in any case.
        let _ = poll(&mut wait, timeout);
    }

    fn take_in(&mut self, news: Vec<News>) {
        for news in news {
            match news {
                News::Ready => {}
                News::Refused(reason) => self.refuse(&reason),
                News::ReloadAsked if self.ending.is_none() => self.reload(),
                News::ReloadAsked => {}
                News::End(status, permanent) => {
                    if permanent.is_some() {
                        self.manager.failed(if status == verdict::CONFIG { nix::libc::EINVAL } else { nix::libc::EPERM });
                    }
                    self.stop(status);
                }
            }
        }
        if self.roles.iter().any(Role::is_pending) {
            return;
        }
        match std::mem::replace(&mut self.awaited, Awaited::Nothing) {
            Awaited::Startup => self.up("Startup complete"),
            Awaited::Reload => self.up("Reload complete"),
            Awaited::Nothing => {}
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
            Signal::Data | Signal::Stats | Signal::StatsClear | Signal::Json if self.ending.is_none() => {
                for role in self.roles.iter().filter(|role| role.part == Part::Vrrp || signal == Signal::Data) {
                    role.send(signal);
                }
                if signal == Signal::Data {
                    parent::dump(&self.model);
                }
            }
            Signal::Reload | Signal::Data | Signal::Stats | Signal::StatsClear | Signal::Json => {}
        }
    }

    /// Asks everybody to stop; the loop sees when they have.
    fn stop(&mut self, status: u8) {
        if self.ending.is_some() {
            return;
        }
        log::info("Stopping");
        self.manager.stopping();
        self.ending = Some(status);
        let kill_at = Instant::now() + self.model.global.process.child_wait_time;
        for role in &mut self.roles {
            role.stop(kill_at, &self.options);
        }
        self.awaited = Awaited::Nothing;
    }

    /// Takes note of the dead: the parts' processes, their helpers, and whatever was left to us by others.
    fn reap(&mut self) {
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            let Some((pid, end)) = End::of(status) else {
                if status == nix::sys::wait::WaitStatus::StillAlive {
                    return;
                }
                continue;
            };
            let alone = self.roles.iter().filter(|role| role.has_process()).count() < 2;
            let news = self.roles.iter_mut().find_map(|role| role.reaped(pid, end, &self.options, alone));
            self.take_in(news.unwrap_or_default());
        }
    }

    fn reload(&mut self) {
        log::info("Reloading ...");
        self.manager.reloading();
        let (loaded, memory) = reading::record(&self.question);
        start::tell(&loaded);
        if let Some(reason) = verdict::refusal(&self.model, &loaded, &self.options) {
            if let Some(log) = &loaded.model.global.process.reload.check {
                // Its status has been judged.
                let _ = check::config_test(&loaded, Some(log));
            }
            self.refuse(&reason);
            return;
        }
        let memories = memory.and_then(|memory| self.roles.iter().map(|_| memory.try_clone()).collect::<Result<Vec<_>, _>>());
        let memories = match memories {
            Ok(memories) => memories,
            Err(error) => {
                self.refuse(&format!("it cannot be handed to the other processes: {error}"));
                return;
            }
        };
        let Loaded { model, .. } = loaded;
        self.model = Arc::new(model);
        let now = Instant::now();
        for (role, memory) in self.roles.iter_mut().zip(memories) {
            role.offer(&self.model, memory);
            if role.is_idle() && role.part.is_wanted(&self.model, &self.options) {
                role.begin(now);
            }
        }
        // A start that is not complete is completed by this.
        if self.awaited == Awaited::Nothing {
            self.awaited = Awaited::Reload;
        }
        self.take_in(Vec::new());
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
