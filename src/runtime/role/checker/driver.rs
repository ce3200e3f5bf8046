//! The engine among its effectors.

use super::Start;
use super::kernel::Kernel;
use super::key::{Kind, key, meant};
use super::marks::{Lent, Marking};
use super::presence::{self, Presence};
use crate::effect::probe::{Outcome, RunId};
use crate::effect::time::Instant;
use crate::kernel::timer::now;
use crate::lvs::view::View;
use crate::lvs::{Action, Engine, Event};
use crate::model::Model;
use crate::runtime::agent::{Agent, Part};
use crate::runtime::follow::Follower;
use crate::runtime::handover::{Ask, Entry, Order, Report, RoleEnd};
use crate::runtime::log;
use crate::runtime::notify::{Tell as _, Teller};
use crate::runtime::poll::Poll;
use crate::runtime::probe::Prober;
use crate::runtime::reading::Kept;
use crate::runtime::role::{Wanted, orders, tell};
use crate::runtime::signals::{Signal, Signals};
use crate::runtime::track::file::Watcher;
use crate::sys::memory;
use crate::track::file::of_checkers;
use crate::track::view::FileView;
use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How often the kernel is asked whether it still has what is held.
const RECONCILE: Duration = Duration::from_secs(1);
/// Checks that are due within so much of each other begin together: to be woken for each costs more than most of them.
const GRAIN: u64 = 10_000_000;
/// Results in one turn, so that whoever asks for something is heard in between.
const RESULTS: usize = 1024;
/// When a log that takes nothing is tried again.
const LOG: Duration = Duration::from_millis(50);
/// How long the end waits for a supervisor that does not read.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// So many lines of what is given up go to the log. All of them could take longer than the supervisor waits.
const FAREWELLS: usize = 1000;
/// Actions that the list keeps room for.
const ROOM: usize = 1024;

/// What somebody outside asks for.
#[derive(Debug)]
pub(super) enum Asked {
    Stop,
    /// Go over to this configuration.
    Reload(Wanted),
    /// Tell of yourself.
    Tell(Ask),
    Dump,
    /// Show SNMP what there is.
    Show,
}

#[derive(Debug)]
pub(super) struct Driver {
    engine: Engine,
    actions: Vec<Action>,
    kernel: Kernel,
    prober: Prober,
    /// It is all about what others left.
    release_only: bool,
    files: Watcher,
    presence: Option<Presence>,
    /// Of BFD sessions.
    follower: Option<Follower>,
    teller: Teller,
    agent: Agent,
    /// It is the end.
    stopping: bool,
    control: RoleEnd,
    /// Room on the way to the supervisor is waited for.
    congested: bool,
    signals: Signals,
    poll: Poll,
    /// What has come while it was waited for something.
    ended: VecDeque<(RunId, Outcome)>,
    values: VecDeque<(Box<str>, i32)>,
    sessions: VecDeque<(Box<str>, bool)>,
    reconcile_at: Instant,
    unwritten: bool,
}

impl Driver {
    /// With nothing but release in mind, nobody is told anything.
    pub(super) fn start(start: Start, sockets: usize) -> io::Result<Self> {
        let Start { model, records, control, signals, release_only, bfd, .. } = start;
        let model = &model;
        let mut kernel = Kernel::open(model)?;
        if records.is_empty() && !release_only {
            kernel.flush(model);
        }
        kernel.mark(model);
        kernel.configure(model);
        let mut actions = Vec::new();
        let seed = RandomState::new().hash_one(std::process::id());
        let engine = Engine::start(now(), Arc::clone(model), seed, &records, &mut actions);
        if release_only {
            for action in actions.drain(..) {
                if let Action::Hold { owner, services } = action {
                    kernel.claim(owner, services);
                }
            }
        }
        let control = RoleEnd::new(control);
        let poll = Poll::new()?;
        poll.add(&control, key(Kind::Control))?;
        poll.add(&signals, key(Kind::Signals))?;
        let mut driver = Self {
            engine,
            actions,
            kernel,
            prober: Prober::new(model, sockets)?,
            release_only,
            files: Watcher::new(of_checkers(model).filter(|_| !release_only))?,
            presence: None,
            follower: bfd.filter(|_| !release_only).map(Follower::new).transpose()?,
            agent: if release_only { Agent::none(Part::Checkers) } else { Agent::start(Part::Checkers, model) },
            stopping: false,
            teller: if release_only { Teller::for_servers(&Model::default())? } else { Teller::for_servers(model)? },
            control,
            congested: false,
            signals,
            poll,
            ended: VecDeque::new(),
            values: VecDeque::new(),
            sessions: VecDeque::new(),
            reconcile_at: now() + RECONCILE,
            unwritten: false,
        };
        driver.read_files();
        driver.carry_out();
        if !release_only {
            driver.attend(model)?;
        }
        driver.control.report(Report::Ready);
        driver.rest();
        memory::give_back();
        Ok(driver)
    }

    /// Returns when there is something to do. Nothing is lost when the future is dropped.
    pub(super) async fn wait(&mut self) -> io::Result<()> {
        let wait = self.next_turn().since(now());
        tokio::select! {
            biased;
            woken = self.poll.wait() => woken,
            () = self.teller.drive() => Ok(()),
            () = self.agent.asked() => Ok(()),
            ended = self.prober.next() => {
                self.ended.push_back(ended);
                Ok(())
            }
            value = self.files.next() => {
                self.values.push_back(value);
                Ok(())
            }
            session = async { self.follower.as_mut().expect("guarded").next().await }, if self.follower.is_some() => {
                self.sessions.push_back(session);
                Ok(())
            }
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    /// Does what there is to do, a bounded part of it at a time.
    pub(super) fn turn(&mut self) -> io::Result<Vec<Asked>> {
        let mut asked = Vec::new();
        // Results before deadlines: one that is there is not late.
        for _ in 0..RESULTS {
            let Some((run, outcome)) = self.ended.pop_front().or_else(|| self.prober.take()) else { break };
            self.handle(Event::Ended { run, outcome });
        }
        self.read_files();
        while let Some((session, up)) = self.sessions.pop_front() {
            self.handle(Event::Bfd { session: &session, up });
        }
        for kind in self.poll.ready().into_iter().filter_map(meant) {
            match kind {
                Kind::Control => self.converse(&mut asked),
                Kind::Signals => self.signalled(&mut asked),
                Kind::Presence => self.observe(),
            }
        }
        let now = now();
        if self.engine.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.engine.handle(now, Event::Tick, &mut self.actions);
        }
        self.carry_out();
        if self.reconcile_at <= now {
            self.kernel.reconcile();
            self.look_again();
            self.reconcile_at = now + RECONCILE;
        }
        self.rest();
        asked.extend(self.agent.take_asked().then_some(Asked::Show));
        Ok(asked)
    }

    /// What marks packets, for somebody who waits until it does so for another configuration. Until it is back, what is marked
    /// stays marked.
    pub(super) fn lend_marking(&mut self) -> Lent {
        self.kernel.lend_marking()
    }

    pub(super) fn take_back(&mut self, marking: Marking) {
        self.kernel.take_back(marking);
    }

    /// Packets are marked for it.
    pub(super) fn reconfigure(&mut self, model: &Arc<Model>, marking: Marking) -> io::Result<()> {
        // What was said of the old configuration is done in it.
        self.carry_out();
        self.kernel.take_back(marking);
        self.kernel.configure(model);
        self.teller.reconfigure(model);
        self.agent.configure(model);
        self.prober.reconfigure(model);
        self.engine.reconfigure(now(), Arc::clone(model), &mut self.actions);
        self.files.reconfigure(of_checkers(model));
        self.read_files();
        self.carry_out();
        self.attend(model)?;
        if let Some(follower) = &self.follower {
            follower.ask();
        }
        self.control.report(Report::Ready);
        self.rest();
        memory::trim();
        Ok(())
    }

    pub(super) fn tell(&self, ask: Ask) {
        tell::checkers(&self.control, ask, &self.engine, self.engine.model());
    }

    /// A configuration was not taken over.
    pub(super) fn refuse(&mut self, reason: &str) {
        self.control.report(Report::Refused(reason.into()));
    }

    pub(super) fn snapshot(&self) -> View {
        self.engine.snapshot()
    }

    pub(super) fn show(&self) {
        self.agent.show_servers(self.engine.snapshot());
    }

    pub(super) fn files(&self) -> Vec<FileView> {
        self.files.view()
    }

    /// The end: nothing is held any more when this returns, if it is to be released. Every notice has been told.
    pub(super) fn stop(&mut self, release: bool) {
        self.carry_out();
        self.stopping = true;
        if release {
            self.kernel.release();
        }
        if !self.release_only {
            self.engine.stop(now(), &mut self.actions);
        }
        let mut said = 0;
        self.actions.retain(|action| {
            let says = matches!(action, Action::Say(_));
            said += usize::from(says);
            !says || said <= FAREWELLS
        });
        self.carry_out();
        if let Some(more) = said.checked_sub(FAREWELLS).filter(|more| *more > 0) {
            log::info(&format!("{more} more lines of what is given up are not shown"));
        }
        self.prober.stop();
    }

    /// Tells the supervisor that it is over. The teller's scripts may still run, and as long as the supervisor's end is there,
    /// so are we.
    pub(super) fn finish(mut self) -> (Teller, Agent, RoleEnd) {
        self.control.report(Report::Stopped);
        self.control.finish(LAST_WORDS);
        (self.teller, self.agent, self.control)
    }

    // What comes in.

    fn handle(&mut self, event: Event<'_>) {
        self.engine.handle(now(), event, &mut self.actions);
    }

    fn read_files(&mut self) {
        while let Some((name, value)) = self.values.pop_front().or_else(|| self.files.take()) {
            self.handle(Event::File { name: &name, value: value.into() });
        }
    }

    /// Takes an interest in addresses, or none any more, and tells the engine of those that are there.
    fn attend(&mut self, model: &Model) -> io::Result<()> {
        match (&self.presence, presence::matters(model)) {
            (None, true) => {
                let presence = Presence::open(model.global.lvs.netlink)?;
                self.poll.add(&presence, key(Kind::Presence))?;
                self.presence = Some(presence);
            }
            // It leaves the set by being closed.
            (Some(_), false) => self.presence = None,
            (Some(_), true) | (None, false) => {}
        }
        let there = self.presence.as_ref().map(Presence::addresses).unwrap_or_default();
        self.tell_addresses(there.into_iter().map(|address| (address, true)));
        self.carry_out();
        Ok(())
    }

    fn observe(&mut self) {
        let changes = self.presence.as_mut().map(Presence::changes).unwrap_or_default();
        self.tell_addresses(changes);
    }

    fn look_again(&mut self) {
        if let Some(presence) = self.presence.as_mut().filter(|presence| presence.lost) {
            let changes = presence.look_again();
            self.tell_addresses(changes);
            self.carry_out();
        }
    }

    fn tell_addresses(&mut self, addresses: impl IntoIterator<Item = (std::net::IpAddr, bool)>) {
        for (address, ours) in addresses {
            if self.engine.asks_for(address) {
                self.handle(Event::Ours { address, ours });
            }
        }
    }

    fn converse(&mut self, asked: &mut Vec<Asked>) {
        let (orders, ended) = orders(&mut self.control, &self.poll);
        asked.extend(orders.into_iter().map(|order| match order {
            Order::Reload(file) => Asked::Reload(Wanted::Kept(Kept::received(file))),
            Order::Again => Asked::Reload(Wanted::Same),
            Order::Tell(ask) => Asked::Tell(ask),
        }));
        asked.extend(ended.then_some(Asked::Stop));
    }

    fn signalled(&mut self, asked: &mut Vec<Asked>) {
        for signal in self.signals.by_ref() {
            match signal {
                Signal::Stop | Signal::Interrupt => asked.push(Asked::Stop),
                Signal::Reload => self.control.report(Report::ReloadAsked),
                Signal::Data => asked.push(Asked::Dump),
                // keepalived's checker process has nothing to say to these.
                Signal::Stats | Signal::StatsClear | Signal::Json | Signal::Child => {}
            }
        }
    }

    // What goes out.

    /// What is told to the world of a change is told when the change is in the kernel, with everything else that is to be there
    /// by now: to go there for each virtual server takes much longer.
    fn carry_out(&mut self) {
        let mut actions = std::mem::take(&mut self.actions);
        for action in &mut actions {
            if let Action::Hold { owner, services } = action {
                self.kernel.hold(*owner, std::mem::take(services));
            }
        }
        self.kernel.settle();
        let mut notices = Vec::new();
        for action in actions.drain(..) {
            match action {
                // It has been done.
                Action::Hold { .. } => {}
                Action::Begin { run, checker, url } => self.prober.begin(run, checker, url),
                Action::Cancel(run) => self.prober.cancel(run),
                Action::Notify(notice) => notices.push(notice),
                Action::Record(health) => self.control.report(Report::Record(Entry::Server(health))),
                Action::Forget(key) => self.control.report(Report::Forget(key)),
                Action::Say(line) => log::line(&line),
            }
        }
        self.agent.server_notices(notices.iter().map(|notice| &**notice), &self.engine, self.stopping);
        for notice in notices {
            self.teller.notice(*notice);
        }
        actions.shrink_to(ROOM);
        self.actions = actions;
    }

    /// The end of a turn.
    fn rest(&mut self) {
        let room = self.control.has_unsent();
        if room != self.congested {
            // Without a supervisor there is nothing to wait for, and nothing to change.
            drop(self.poll.want_room(&self.control, key(Kind::Control), room));
            self.congested = room;
        }
        self.unwritten = log::flush();
    }

    fn next_turn(&self) -> Instant {
        let due = self.engine.next_deadline().map(grain);
        let unwritten = self.unwritten.then(|| now() + LOG);
        [due, unwritten].into_iter().flatten().min().map_or(self.reconcile_at, |at| at.min(self.reconcile_at))
    }
}

/// Not before, and a little later at most.
fn grain(at: Instant) -> Instant {
    Instant::from_nanos(at.as_nanos().checked_next_multiple_of(GRAIN).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_waits_for_company_but_never_comes_early() {
        for (at, want) in [(0, 0), (1, GRAIN), (GRAIN, GRAIN), (GRAIN + 1, 2 * GRAIN), (u64::MAX, u64::MAX)] {
            assert_eq!(grain(Instant::from_nanos(at)), Instant::from_nanos(want));
        }
    }
}
