//! The engine among its effectors. One [`Driver::turn`] after the other does all that there is to do, in an order in which
//! nothing that takes long stands before adverts and deadlines.

mod again;
mod end;
mod incoming;
mod outgoing;
mod reload;

use super::clock::Clock;
use super::devices::{self, Awaited};
use super::firewall::Firewall;
use super::held::Held;
use super::key::{Kind, key, meant};
use super::later::Later;
use super::neighbours::Neighbours;
use super::ports::Ports;
use super::standing::Standings;
use super::statics;
use super::synchronise::Synchroniser;
use crate::effect::net::{Device, Fact, Owner};
use crate::effect::notice::Notice;
use crate::effect::packet::{PortId, Target};
use crate::effect::record::{Former, Record};
use crate::effect::time::Instant;
use crate::effect::{Action, Actions};
use crate::kernel::holder::{Holder, Ticket};
use crate::kernel::linkbeat::Poller;
use crate::kernel::rtnl::{Monitor, Picture};
use crate::kernel::setting::Before;
use crate::kernel::socket::neighbour::Speaker;
use crate::kernel::timer::{Timer, now};
use crate::model::Model;
use crate::model::global::NetlinkBuffers;
use crate::model::net::Family;
use crate::runtime::agent::{Agent, Part};
use crate::runtime::dbus::{Dbus, Done};
use crate::runtime::handover::{Ask, Report, RoleEnd};
use crate::runtime::log;
use crate::runtime::notify::Teller;
use crate::runtime::poll::Poll;
use crate::runtime::role::{Wanted, tell};
use crate::runtime::signals::{Signal, Signals};
use crate::sys::memory;
use crate::track::view::View as Tracking;
use crate::vrrp::announce::{Announcer, Pace};
use crate::vrrp::device::Plan;
use crate::vrrp::view::View;
use crate::vrrp::{Engine, Event, Manner};
use again::Again;
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

/// What is read from one socket in one turn: whoever sends more must not hold up deadlines.
const BUDGET: usize = 64;
/// What a socket can have queued while the process did not run.
const BACKLOG: usize = 16_384;
/// Frames and notices in one turn, so that adverts are looked after in between.
const FRAMES: usize = 64;
const NOTICES: usize = 8;
/// Actions that the list keeps room for.
const ROOM: usize = 256;
/// Less is what any busy machine does.
const STALL: Duration = Duration::from_millis(100);
/// When a log that takes nothing is tried again.
const LOG: Duration = Duration::from_millis(50);
/// After a failure to ask the kernel what there is.
const AGAIN: Duration = Duration::from_secs(1);
/// After a configuration has been taken over: by then it has taken its first steps, the second announcements among them.
const SETTLED: Duration = Duration::from_secs(10);
/// How much before a deadline we are up, if it is long until then: a machine that has been idle takes its time to wake, and what is
/// to be done then is no longer at hand.
const EARLY: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_millis(20);

/// What somebody outside asks for.
#[derive(Debug)]
pub(super) enum Asked {
    Stop,
    /// Go over to this configuration.
    Reload(Wanted),
    /// Tell of yourself.
    Tell(Ask),
    Dump(Signal),
    /// The same, asked for on D-Bus.
    Print(Signal, Done),
    /// Show SNMP what there is.
    Show,
}

/// What the driver lives on, opened in the namespace that it works in.
#[derive(Debug)]
pub(super) struct Effectors {
    monitor: Monitor,
    picture: Picture,
    holder: Holder,
    /// Where virtual MACs of a predecessor may be.
    lived_on: BTreeSet<Device>,
    neighbours: Neighbours,
    timer: Timer,
    poll: Poll,
}

impl Effectors {
    pub(super) fn open(buffers: NetlinkBuffers) -> io::Result<Self> {
        // First, so that nothing is missed that happens while the picture is taken.
        let monitor = Monitor::sized(buffers.monitor)?;
        let speaker = Speaker::open().map_err(|failed| io::Error::new(failed.kind(), failed))?;
        Ok(Self {
            monitor,
            picture: Picture::take_with(buffers.command)?,
            holder: Holder::sized(buffers.command)?,
            lived_on: BTreeSet::new(),
            neighbours: Neighbours::new(speaker),
            timer: Timer::new()?,
            poll: Poll::new()?,
        })
    }

    pub(super) fn remembering(mut self, former: &[Former]) -> Self {
        let before = |&Former { scope, knob, value, .. }: &Former| Before { scope, knob, value: Some(value) };
        self.holder.remember(former.iter().map(before).collect());
        self.lived_on = devices::lived_on(former);
        self
    }
}

#[derive(Debug)]
pub(super) struct Driver {
    model: Arc<Model>,
    engine: Engine,
    actions: Actions,
    ports: Ports,
    monitor: Monitor,
    /// Changes were missed, and what is done about it has a next step then.
    again: Again,
    lost: Option<Instant>,
    holder: Holder,
    last_hold: Option<Ticket>,
    held: Held<Ticket>,
    firewall: Firewall,
    static_facts: Box<[Fact]>,
    later: Later<Ticket>,
    announcer: Announcer,
    probes: VecDeque<Target>,
    notices: VecDeque<Notice>,
    neighbours: Neighbours,
    standings: Standings,
    linkbeat: Option<Poller>,
    /// Where the neighbours are to be heard has changed.
    moved: bool,
    /// Facts have come or gone, and what that took in memory has not been given back.
    swollen: bool,
    synchroniser: Option<Synchroniser>,
    /// What the next configuration waits for.
    awaited: Option<Awaited>,
    /// When the code goes that only the start or a reload needed.
    unload: Option<Instant>,
    /// What has come of carrying out actions, for the next turn.
    failed: VecDeque<Event<'static>>,
    pub(super) teller: Teller,
    dbus: Dbus,
    agent: Agent,
    control: RoleEnd,
    /// Room on the way to the supervisor is waited for.
    congested: bool,
    signals: Signals,
    timer: Timer,
    clock: Clock,
    poll: Poll,
    buffer: Box<[u8]>,
    /// When the last turn ended, and when the engine wanted the next one.
    slept: Instant,
    due: Option<Instant>,
    /// When the last packet came.
    heard: Instant,
}

impl Driver {
    pub(super) fn start(
        model: &Arc<Model>,
        records: &[Record],
        manner: Manner,
        effectors: Effectors,
        teller: Teller,
        control: OwnedFd,
        signals: Signals,
    ) -> io::Result<Self> {
        let Effectors { mut monitor, picture, mut holder, lived_on, neighbours, timer, poll } = effectors;
        let control = RoleEnd::new(control);
        poll.add(&timer, key(Kind::Timer, 0))?;
        poll.add(&monitor, key(Kind::Monitor, 0))?;
        poll.add(&holder, key(Kind::Holder, 0))?;
        poll.add(&control, key(Kind::Control, 0))?;
        poll.add(&signals, key(Kind::Signals, 0))?;
        let dbus = Dbus::new()?;
        poll.add(&dbus, key(Kind::Dbus, 0))?;
        let mut firewall = Firewall::default();
        firewall.prepare(model, &picture.links, !records.is_empty(), &mut holder);
        let left = Plan::left(model, &picture.links, records, &lived_on);
        let picture = devices::prepare(&mut holder, &mut firewall, &mut monitor, model, picture, left)?;
        let mut actions = Actions::default();
        let static_facts = statics::facts(&model.statics, &picture.links);
        if !static_facts.is_empty() {
            actions.push(Action::Adopt { owner: Owner::Statics, facts: static_facts.clone() });
            actions.push(Action::Hold { owner: Owner::Statics, facts: static_facts.clone() });
        }
        let standings = Standings::new(model, &picture.links);
        let began = now();
        let links = picture.links.clone();
        holder.know(picture);
        let engine = Engine::start(began, model, links, records, manner, &mut actions);
        let mut driver = Self {
            model: Arc::clone(model),
            engine,
            actions,
            ports: Ports::default(),
            monitor,
            again: Again::default(),
            lost: None,
            holder,
            last_hold: None,
            held: Held::default(),
            firewall,
            static_facts,
            later: Later::default(),
            announcer: Announcer::new(Pace::of(model)),
            probes: VecDeque::new(),
            notices: VecDeque::new(),
            neighbours,
            standings,
            linkbeat: None,
            moved: false,
            swollen: true,
            synchroniser: Synchroniser::start(model, None),
            awaited: None,
            unload: Some(began + SETTLED),
            failed: VecDeque::new(),
            teller,
            dbus,
            agent: Agent::none(Part::Vrrp),
            control,
            congested: false,
            signals,
            timer,
            clock: Clock::new(manner.time_of_day),
            poll,
            buffer: vec![0; usize::from(u16::MAX) + 1].into(),
            slept: began,
            due: None,
            heard: began,
        };
        driver.poll_links()?;
        driver.carry_out();
        driver.holder.forget();
        driver.firewall.settle(&mut driver.holder);
        driver.synchronise();
        driver.control.report(Report::Ready);
        driver.rest()?;
        Ok(driver)
    }

    /// Offers what is to be offered on D-Bus and by SNMP.
    pub(super) fn offer(&mut self) {
        self.dbus.reconfigure(&self.model, || self.engine.snapshot());
        self.agent.configure(&self.model);
    }

    /// Returns when there is something to do. Nothing is lost when the future is dropped.
    pub(super) async fn wait(&mut self) -> io::Result<()> {
        tokio::select! {
            biased;
            // First, because there may always be something to do.
            () = self.teller.drive() => Ok(()),
            () = self.agent.asked() => Ok(()),
            woken = self.poll.wait() => woken,
        }
    }

    /// Does what there is to do, a bounded part of it at a time.
    pub(super) fn turn(&mut self) -> io::Result<Vec<Asked>> {
        let mut asked = Vec::new();
        self.look_at_the_clock();
        let ready: Vec<(Kind, u32)> = self.poll.ready().into_iter().filter_map(meant).collect();
        match self.stalled() {
            Some(gap) => self.catch_up(gap),
            None => {
                for port in ready.iter().filter(|(kind, _)| *kind == Kind::Port).map(|&(_, number)| PortId(number)) {
                    self.receive(port, BUDGET);
                }
            }
        }
        self.tick();
        for event in std::mem::take(&mut self.failed) {
            self.handle(event);
        }
        for &(kind, number) in &ready {
            match kind {
                Kind::Monitor => drop(self.observe()),
                Kind::Neighbour4 => self.hear(Device(number), Family::V4),
                Kind::Neighbour6 => self.hear(Device(number), Family::V6),
                Kind::Control => self.converse(&mut asked),
                Kind::Signals => self.signalled(&mut asked),
                Kind::Linkbeat => self.hear_linkbeat(),
                Kind::Dbus => self.serve(&mut asked),
                // These are looked after in every turn.
                Kind::Timer | Kind::Holder | Kind::Port => {}
            }
        }
        for link in self.standings.due(now()) {
            self.notice_link(Event::Link(link));
        }
        self.settle();
        self.look_again();
        if self.holder.is_listening() {
            self.observe();
        }
        self.listen();
        self.speak();
        self.slim();
        self.synchronise();
        self.rest()?;
        asked.extend(self.agent.take_asked().then_some(Asked::Show));
        Ok(asked)
    }

    pub(super) fn handle(&mut self, event: Event<'_>) {
        self.engine.handle(now(), event, &mut self.actions);
        self.carry_out();
    }

    /// Adverts may be signed with the time of day, whoever has set it meanwhile.
    fn look_at_the_clock(&mut self) {
        if let Some(time_of_day) = self.clock.was_set() {
            self.engine.handle(now(), Event::ClockSet(time_of_day), &mut self.actions);
        }
    }

    fn synchronise(&mut self) {
        if let Some(synchroniser) = &mut self.synchroniser {
            synchroniser.follow(self.engine.is_master(synchroniser.instance()));
        }
    }

    pub(super) fn tell(&self, ask: Ask) {
        tell::vrrp(&self.control, ask, &self.engine, &self.model);
    }

    pub(super) fn snapshot(&self) -> View {
        let mut view = self.engine.snapshot();
        self.ports.describe(&mut view.ports);
        view
    }

    pub(super) fn show(&self, tracking: Tracking) {
        self.agent.show_routers(self.snapshot(), tracking);
    }

    pub(super) fn clear_stats(&mut self) {
        self.engine.clear_stats();
    }

    /// Gives memory back once it is quiet after facts or a configuration have come or gone.
    fn slim(&mut self) {
        let quiet = self.later.is_empty() && self.notices.is_empty() && self.announcer.is_empty() && !self.control.has_unsent();
        if quiet && std::mem::take(&mut self.swollen) {
            self.notices.shrink_to_fit();
            memory::trim();
        }
        if self.unload.is_some_and(|at| at <= now()) {
            self.unload = None;
            memory::give_back();
        }
    }

    /// The end of a turn: sets the alarm for the next one.
    fn rest(&mut self) -> io::Result<()> {
        let room = self.control.has_unsent();
        if room != self.congested {
            // Without a supervisor there is nothing to wait for, and nothing to change.
            drop(self.poll.want_room(&self.control, key(Kind::Control, 0), room));
            self.congested = room;
        }
        self.due = self.engine.next_deadline();
        let ready = self.later.is_ready(self.holder.done());
        let more = ready || !self.failed.is_empty() || !self.probes.is_empty() || !self.notices.is_empty();
        let at_once = more.then(Instant::default);
        let unwritten = log::flush().then(|| now() + LOG);
        let awaited = self.awaited.map(|awaited| awaited.until);
        let next =
            [self.due, self.announcer.next_deadline(), self.lost, self.standings.next_deadline(), awaited, self.unload, unwritten, at_once]
                .into_iter()
                .flatten()
                .min();
        self.slept = now();
        self.timer.set(next.map(|at| alarm(self.slept, at)))?;
        Ok(())
    }
}

/// When to wake up for something that is due.
fn alarm(now: Instant, due: Instant) -> Instant {
    if due.since(now) > LONG { now + (due.since(now) - EARLY) } else { due }
}

/// Whether somebody who went to sleep to be woken at `due` was woken so late that more than a busy machine was the reason,
/// and how long that was.
fn is_stall(slept: Instant, due: Instant, woken: Instant) -> Option<Duration> {
    let gap = woken.since(slept);
    let late = woken.since(due) >= STALL && gap > due.since(slept) * 2;
    late.then_some(gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sleeps_long_gets_up_early() {
        let at = |millis: u64| Instant::from_nanos(millis * 1_000_000);
        for (now, due, want) in [(0, 1000, 999), (999, 1000, 1000), (0, 20, 20), (0, 21, 20), (5, 0, 0)] {
            assert_eq!(alarm(at(now), at(due)), at(want), "{now} {due}");
        }
    }

    #[test]
    fn a_wake_up_is_a_stall_if_it_is_late_in_itself_and_for_what_was_asked() {
        let at = |millis: u64| Instant::from_nanos(millis * 1_000_000);
        let ms = Duration::from_millis;
        for (slept, due, woken, want) in [
            (0, 1000, 1000, None),
            (0, 1000, 1900, None),
            (0, 1000, 2001, Some(ms(2001))),
            (0, 10, 50, None),
            (0, 10, 109, None),
            (0, 10, 110, Some(ms(110))),
            (500, 400, 600, Some(ms(100))),
            (500, 400, 450, None),
            (0, 1000, 3, None),
        ] {
            assert_eq!(is_stall(at(slept), at(due), at(woken)), want, "{slept} {due} {woken}");
        }
    }
}
