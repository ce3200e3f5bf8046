//! The parent of all: it reads the configuration, starts the parts, starts them again when they die, and stops them. It has
//! one thread, no runtime, and no socket to the network, and waits for nobody.
//!
//! A part that crashes is replaced at once by a process that carries on with the records of the dead one, so that nobody else
//! takes its place meanwhile. Where that does not help, what it held is given up, and keepalived's delays follow.

mod brief;
mod child;
pub(in crate::runtime) mod control;
mod hook;
mod judge;
mod keepsake;
mod parent;
mod part;
mod pidfile;
mod reader;
mod respawn;
mod role;
mod start;
mod succession;
mod systemd;
mod timetable;
mod verdict;

pub(super) use start::run;
pub(super) use succession::rehearse;

use super::log;
use super::reading::Kept;
use super::signals::{Signal, Signals};
use crate::cli::Options;
use crate::config;
use crate::sys::{memory, signal};
use brief::Brief;
use child::{AllLines, Begun, End};
use control::Control;
use hook::{Hook, Moment};
use judge::{Accepted, Judged};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getpid};
use parent::Parent;
use part::Part;
use pidfile::{PidFile, Room};
use reader::{Purpose, Reading};
use role::{News, Role};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};
use succession::{Legacy, Refusal, Succession};
use systemd::Manager;
use timetable::Timetable;

/// So many messages of a part are taken in before signals have their turn.
const PIECE: usize = 1000;
/// How soon a log with no room is tried again.
const LOG_PAUSE: Duration = Duration::from_millis(100);
/// After a start or a reload: by then everybody has taken his first steps.
const SETTLED: Duration = Duration::from_secs(10);

/// How the supervisor's loop ends, in the supervisor itself and in each process that it has made.
enum Outcome {
    Ended(u8),
    Role(Begun),
}

/// What is to be said when all parts have taken their configuration over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Startup,
    /// Of a program that has taken over from another.
    Upgrade,
    Reload,
    Nothing,
}

struct Supervisor {
    options: Options,
    question: config::Options,
    /// The newest that the parts were given.
    kept: Kept,
    /// What of it the supervisor itself needs.
    brief: Brief,
    reading: Option<Reading>,
    parent: Parent,
    /// How often it was read.
    readings: u64,
    /// Asked for while another one was going on.
    next_reading: Option<Purpose>,
    succession: Option<Succession>,
    legacy: Legacy,
    /// The script at the beginning, or that at the end.
    hook: Option<Hook>,
    /// There is nothing left to do at the end.
    ended: bool,
    timetable: Option<Timetable>,
    awaited: Awaited,
    roles: [Role; Part::ALL.len()],
    lines: AllLines,
    /// With this exit status.
    ending: Option<u8>,
    signals: Signals,
    manager: Manager,
    pid_file: PidFile,
    room: Option<Room>,
    /// Somebody who waits for us to have come up.
    front: Option<OwnedFd>,
    control: Control,
    /// When the memory goes that only the start or a reload needed.
    unload: Option<Instant>,
}

impl Supervisor {
    fn serve(&mut self) -> Outcome {
        if self.awaited != Awaited::Upgrade {
            self.hook = Hook::start(Moment::Startup, &self.brief.scripts);
        }
        if self.hook.is_none() {
            self.begin();
        }
        loop {
            let now = Instant::now();
            if let Some(hook) = &mut self.hook {
                hook.act(now);
            }
            if self.timetable.as_mut().is_some_and(Timetable::is_time) && self.ending.is_none() {
                self.reload(false);
            }
            if let Some(begun) = self.roles.iter_mut().find_map(|role| role.act(now, &self.options, &self.brief, &self.lines)) {
                return Outcome::Role(begun);
            }
            self.front = None;
            if self.unload.is_some_and(|at| at <= now) {
                self.unload = None;
                memory::give_back();
            }
            self.succeed(now);
            if let Some(reading) = self.reading.as_mut().filter(|reading| reading.due() <= now) {
                reading.give_up(now);
            }
            if let Some(status) = self.ending.filter(|_| self.hook.is_none() && self.roles.iter().all(Role::is_over)) {
                if std::mem::replace(&mut self.ended, true) {
                    return Outcome::Ended(status);
                }
                self.hook = Hook::start(Moment::Shutdown, &self.brief.scripts);
                continue;
            }
            self.wait();
            for index in 0..self.roles.len() {
                let news = self.roles[index].hear(PIECE);
                self.take_in(news);
            }
            while let Some(signal) = self.signals.next() {
                self.signal(signal);
            }
            self.attend();
        }
    }

    fn begin(&mut self) {
        let now = Instant::now();
        for role in &mut self.roles {
            if role.has_process() || role.part.is_wanted(&self.brief, &self.options) {
                role.begin(now);
            }
        }
        if !self.roles.iter().any(Role::is_pending) {
            log::warning("Warning - keepalived has no configuration to run");
            self.awaited = Awaited::Nothing;
            self.put_away();
            self.control.upgrade_ended(None);
            self.manager.ready(getpid().as_raw());
        }
    }

    /// What the first processes were made from goes: from here on it is read by whoever needs it.
    fn put_away(&mut self) {
        self.roles.iter_mut().for_each(Role::put_away);
        memory::economise();
        memory::trim();
    }

    fn wait(&self) {
        let now = Instant::now();
        let table = self.timetable.as_ref().and_then(Timetable::rest).map(|rest| now + rest);
        let others = [self.reading.as_ref().map(Reading::due), self.hook.as_ref().map(Hook::due), table].into_iter().flatten();
        let due = self
            .roles
            .iter()
            .filter_map(Role::due)
            .chain(others)
            .chain(self.control.due())
            .chain(self.unload)
            .chain(self.succession.as_ref().map(Succession::due))
            .chain(log::flush().then(|| now + LOG_PAUSE))
            .min();
        let timeout = due.map_or(PollTimeout::NONE, |at| {
            // Rounded up: to wake before the time would be to spin until it.
            let rest = at.saturating_duration_since(now) + Duration::from_micros(999);
            PollTimeout::try_from(rest).unwrap_or(PollTimeout::MAX)
        });
        let mut wait = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN), PollFd::new(self.control.as_fd(), PollFlags::POLLIN)];
        wait.extend(self.timetable.as_ref().map(|table| PollFd::new(table.watch(), PollFlags::POLLIN)));
        wait.extend(self.roles.iter().filter_map(Role::watch));
        // Interrupted or not: what there is to do is looked for in any case.
        let _ = poll(&mut wait, timeout);
    }

    fn take_in(&mut self, news: Vec<News>) {
        for news in news {
            match news {
                News::Ready => {}
                News::Refused(reason) => self.refuse(&reason),
                News::ReloadAsked if self.ending.is_none() => self.reload(false),
                News::ReloadAsked => {}
                News::End(status, permanent) => {
                    if permanent.is_some() {
                        self.manager.failed(if status == verdict::CONFIG { nix::libc::EINVAL } else { nix::libc::EPERM });
                    }
                    self.stop(status);
                }
            }
        }
        // While the script of the beginning runs, nobody has been started yet.
        if self.hook.is_some() || self.roles.iter().any(Role::is_pending) {
            return;
        }
        match std::mem::replace(&mut self.awaited, Awaited::Nothing) {
            Awaited::Startup => self.up("Startup complete"),
            Awaited::Upgrade => {
                self.up("Upgrade complete");
                self.control.upgrade_ended(None);
                if let Some(next) = self.next_reading.take() {
                    self.ask(next);
                }
            }
            Awaited::Reload => self.up("Reload complete"),
            Awaited::Nothing => {}
        }
    }

    fn up(&mut self, text: &str) {
        log::info(text);
        self.put_away();
        self.unload = Some(Instant::now() + SETTLED);
        self.control.reload_ended(None);
        self.manager.ready(getpid().as_raw());
    }

    fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::Child => self.reap(),
            Signal::Interrupt if self.options.ignore_interrupt => {}
            Signal::Stop | Signal::Interrupt => self.stop(0),
            Signal::Reload if self.ending.is_none() => self.reload(false),
            Signal::Data | Signal::Stats | Signal::StatsClear | Signal::Json if self.ending.is_none() => {
                for role in self.roles.iter().filter(|role| role.part == Part::Vrrp || signal == Signal::Data) {
                    role.send(signal);
                }
                if signal == Signal::Data {
                    self.parent.dump(&self.brief);
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
        self.next_reading = None;
        if let Some(reading) = self.reading.take() {
            reading.abandon();
        }
        if let Some(succession) = self.succession.take() {
            succession.abandon();
            self.stay(&Refusal::Unusable("the daemon is stopping".to_owned()));
        }
        if let Some(hook) = &mut self.hook {
            hook.end(Instant::now());
        }
        let kill_at = Instant::now() + self.brief.process.child_wait_time;
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
            if let Some(reading) = self.reading.take_if(|reading| reading.is(pid)) {
                self.read(reading, end);
                continue;
            }
            if self.succession.as_ref().is_some_and(|succession| succession.is_rehearsal(pid)) {
                self.rehearsed(end);
                continue;
            }
            if self.parent.ended(pid, end, &self.brief) {
                continue;
            }
            if let Some(hook) = self.hook.take_if(|hook| hook.is(pid)) {
                if hook.ended(end) == Moment::Startup && self.ending.is_none() {
                    self.begin();
                }
                if let Some(next) = self.next_reading.take() {
                    self.ask(next);
                }
                continue;
            }
            let alone = self.roles.iter().filter(|role| role.has_process()).count() < 2;
            let news = self.roles.iter_mut().find_map(|role| role.reaped(pid, end, &self.options, alone));
            self.take_in(news.unwrap_or_default());
        }
    }

    /// Reads the configuration, and goes over to it if it can be used. Forced, that may leave nothing of what there is.
    fn reload(&mut self, force: bool) {
        self.ask(Purpose { apply: true, force });
    }

    /// Has the configuration read by a process of its own; [`Supervisor::read`] takes in what comes of it.
    fn ask(&mut self, purpose: Purpose) {
        if self.reading.is_some() || self.hook.is_some() || self.succession.as_ref().is_some_and(Succession::has_read) {
            self.next_reading = Some(self.next_reading.map_or(purpose, |other| other.and(purpose)));
            return;
        }
        if purpose.apply {
            log::info("Reloading ...");
            self.control.reload_began();
            self.manager.reloading();
        }
        self.readings += 1;
        let ground = reader::Ground {
            question: &self.question,
            options: &self.options,
            brief: &self.brief,
            kept: &self.kept,
            folder: self.pid_file.folder(),
            number: self.readings,
        };
        match Reading::begin(&ground, purpose) {
            Ok(reading) => self.reading = Some(reading),
            Err(error) => self.conclude(purpose, Err(format!("it cannot be read: {error}"))),
        }
    }

    /// Takes in what a reading has come to.
    fn read(&mut self, reading: Reading, end: End) {
        let purpose = reading.purpose;
        let judged = match reading.finish(end) {
            Ok(Judged { messages, verdict }) => {
                messages.iter().for_each(|(severity, text)| log::say(*severity, text));
                verdict
            }
            Err(error) => Err(error.to_string()),
        };
        self.conclude(purpose, judged);
        if let Some(next) = self.next_reading.take() {
            self.ask(next);
        }
    }

    fn apply(&mut self, kept: Kept, brief: Brief, same: [bool; Part::ALL.len()]) -> io::Result<()> {
        let before = std::mem::replace(&mut self.kept, kept);
        self.brief = brief;
        self.control.configure(&self.brief, &self.options);
        let reload = &self.brief.process.reload;
        if self.timetable.as_ref().is_none_or(|table| !table.is_of(reload)) {
            self.timetable = Timetable::new(reload);
        }
        let now = Instant::now();
        for (role, same) in self.roles.iter_mut().zip(same) {
            role.offer(&self.kept, same.then_some(&before))?;
            if role.is_idle() && role.part.is_wanted(&self.brief, &self.options) {
                role.begin(now);
            }
        }
        Ok(())
    }

    /// What is said at the end of a reading, to whoever asked for it; and the daemon goes over to the configuration, if that is
    /// wanted.
    fn conclude(&mut self, purpose: Purpose, judged: Result<Accepted, String>) {
        let refused = match judged {
            Err(reason) => reason,
            Ok(Accepted { kept, brief, same, summary, plan }) => {
                self.control.planned(Ok(plan));
                if !purpose.apply {
                    return log::info(&format!("A reload would do this: {summary}"));
                }
                log::info(&format!("Reload plan: {summary}"));
                match self.apply(kept, brief, same) {
                    Ok(()) => {
                        // A start that is not complete is completed by this.
                        if self.awaited == Awaited::Nothing {
                            self.awaited = Awaited::Reload;
                        }
                        return self.take_in(Vec::new());
                    }
                    Err(error) => return self.refuse(&format!("it cannot be handed to the other processes: {error}")),
                }
            }
        };
        self.control.planned(Err(refused.clone()));
        if purpose.apply {
            self.refuse(&refused);
        } else {
            log::info(&format!("A reload would be refused: {refused}"));
        }
    }

    /// Says that the old configuration goes on.
    fn refuse(&mut self, reason: &str) {
        log::error(&format!("Reload refused: {reason}. The configuration in force stays in force"));
        self.control.reload_ended(Some(reason));
        if self.awaited == Awaited::Reload {
            self.awaited = Awaited::Nothing;
        }
        self.manager.refused(getpid().as_raw(), reason);
    }
}

fn send(pid: Pid, signal: Signal) {
    // It may be dead already, and is reaped then.
    drop(signal::send(pid.as_raw(), signal.number()));
}

fn kill(pid: Pid) {
    drop(signal::send(pid.as_raw(), nix::libc::SIGKILL));
}
