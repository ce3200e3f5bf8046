//! The engine among its effectors. One [`Driver::turn`] after the other does all that there is to do, in an order in which
//! nothing that takes long stands before adverts and deadlines.

use super::clock::Clock;
use super::devices;
use super::difference::{difference, is_about_links};
use super::firewall::Firewall;
use super::held::{Held, target};
use super::key::{Kind, key, meant};
use super::later::{Later, Waiting, portions, still_held};
use super::neighbours::Neighbours;
use super::ports::Ports;
use super::standing::Standings;
use super::statics;
use super::synchronise::Synchroniser;
use crate::effect::firewall;
use crate::effect::net::{Device, Fact, Owner};
use crate::effect::notice::Notice;
use crate::effect::packet::{PortId, Target};
use crate::effect::record::{Former, Record};
use crate::effect::time::Instant;
use crate::effect::{Action, Actions};
use crate::kernel::holder::{Holder, Lack, Ticket};
use crate::kernel::linkbeat::Poller;
use crate::kernel::rtnl::{Change, Monitor, Picture};
use crate::kernel::setting::Before;
use crate::kernel::socket::neighbour::Speaker;
use crate::kernel::timer::{Timer, now};
use crate::model::Model;
use crate::model::global::NetlinkBuffers;
use crate::model::net::Family;
use crate::runtime::agent::{Agent, Part};
use crate::runtime::handover::{Ask, Entry, Order, Report, RoleEnd};
use crate::runtime::log;
use crate::runtime::notify::{Tell as _, Teller};
use crate::runtime::poll::Poll;
use crate::runtime::rights;
use crate::runtime::role::{orders, tell};
use crate::runtime::signals::{Signal, Signals};
use crate::sys::memory;
use crate::track::view::View as Tracking;
use crate::vrrp::announce::{Announcer, Pace};
use crate::vrrp::view::View;
use crate::vrrp::{Engine, Event, Manner};
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
/// How long the end waits for the kernel, and for a supervisor that does not read.
const RELEASE: Duration = Duration::from_secs(3);
const LAST_WORDS: Duration = Duration::from_millis(500);
/// When a log that takes nothing is tried again.
const LOG: Duration = Duration::from_millis(50);
/// After a failure to ask the kernel what there is.
const AGAIN: Duration = Duration::from_secs(1);
/// After a configuration has been taken over: by then it has taken its first steps, the second announcements among them.
const SETTLED: Duration = Duration::from_secs(10);
/// While something of ours is being written.
const SOON: Duration = Duration::from_millis(5);

/// What somebody outside asks for.
#[derive(Debug)]
pub(super) enum Asked {
    Stop,
    /// Go over to the configuration in this memory file.
    Reload(OwnedFd),
    /// Tell of yourself.
    Tell(Ask),
    Dump(Signal),
    /// Show SNMP what there is.
    Show,
}

/// What the driver lives on, opened in the namespace that it works in.
#[derive(Debug)]
pub(super) struct Effectors {
    monitor: Monitor,
    picture: Picture,
    holder: Holder,
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
            neighbours: Neighbours::new(speaker),
            timer: Timer::new()?,
            poll: Poll::new()?,
        })
    }

    pub(super) fn remembering(self, former: &[Former]) -> Self {
        let before = |&Former { scope, knob, value, .. }: &Former| Before { scope, knob, value: Some(value) };
        self.holder.remember(former.iter().map(before).collect());
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
    /// When the kernel is to be asked what there is, because changes were missed.
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
    /// When the code goes that only the start or a reload needed.
    unload: Option<Instant>,
    /// What has come of carrying out actions, for the next turn.
    failed: VecDeque<Event<'static>>,
    pub(super) teller: Teller,
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
        let Effectors { mut monitor, picture, mut holder, neighbours, timer, poll } = effectors;
        let control = RoleEnd::new(control);
        poll.add(&timer, key(Kind::Timer, 0))?;
        poll.add(&monitor, key(Kind::Monitor, 0))?;
        poll.add(&holder, key(Kind::Holder, 0))?;
        poll.add(&control, key(Kind::Control, 0))?;
        poll.add(&signals, key(Kind::Signals, 0))?;
        let mut firewall = Firewall::default();
        firewall.prepare(model, &picture.links, !records.is_empty(), &mut holder);
        let picture = devices::prepare(&mut holder, &mut firewall, &mut monitor, model, picture)?;
        let mut actions = Actions::default();
        let static_facts = statics::facts(&model.statics, &picture.links);
        if !static_facts.is_empty() {
            actions.push(Action::Adopt { owner: Owner::Statics, facts: static_facts.clone() });
            actions.push(Action::Hold { owner: Owner::Statics, facts: static_facts.clone() });
        }
        let standings = Standings::new(model, &picture.links);
        let began = now();
        let engine = Engine::start(began, model, picture.links, records, manner, &mut actions);
        let mut driver = Self {
            model: Arc::clone(model),
            engine,
            actions,
            ports: Ports::default(),
            monitor,
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
            synchroniser: Synchroniser::start(model),
            unload: Some(began + SETTLED),
            failed: VecDeque::new(),
            teller,
            agent: Agent::start(Part::Vrrp, model),
            control,
            congested: false,
            signals,
            timer,
            clock: Clock::new(manner.time_of_day),
            poll,
            buffer: vec![0; usize::from(u16::MAX) + 1].into(),
            slept: began,
            due: None,
        };
        driver.poll_links()?;
        driver.carry_out();
        driver.firewall.settle(&mut driver.holder);
        driver.synchronise();
        driver.control.report(Report::Ready);
        driver.rest()?;
        Ok(driver)
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
                Kind::Monitor => self.observe(),
                Kind::Neighbour4 => self.hear(Device(number), Family::V4),
                Kind::Neighbour6 => self.hear(Device(number), Family::V6),
                Kind::Control => self.converse(&mut asked),
                Kind::Signals => self.signalled(&mut asked),
                Kind::Linkbeat => self.hear_linkbeat(),
                // These are looked after in every turn.
                Kind::Timer | Kind::Holder | Kind::Port => {}
            }
        }
        if self.lost.is_some_and(|at| at <= now()) {
            self.look_again();
        }
        for link in self.standings.due(now()) {
            self.notice_link(Event::Link(link));
        }
        self.settle();
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

    pub(super) fn reconfigure(&mut self, model: &Arc<Model>) -> io::Result<()> {
        self.look_at_the_clock();
        devices::prepare_more(&mut self.holder, &mut self.firewall, self.engine.plan(), model, self.engine.links());
        self.observe();
        let previous = std::mem::replace(&mut self.model, Arc::clone(model));
        self.swollen = true;
        self.unload = Some(now() + SETTLED);
        self.announcer.repace(Pace::of(model), self.engine.links());
        if self.model.vrrp.linkbeat != previous.vrrp.linkbeat {
            self.poll_links()?;
        }
        self.standings.reconfigure(model, self.engine.links());
        // What goes is the first to go, and what comes is the last.
        let statics = statics::facts(&self.model.statics, self.engine.links());
        self.static_facts = statics::kept(&self.static_facts, &statics);
        self.hold_statics_again();
        if self.synchroniser.as_ref().is_some_and(|synchroniser| !synchroniser.is_as_configured(model)) {
            self.synchroniser.take().into_iter().for_each(Synchroniser::finish);
        }
        if self.synchroniser.is_none() {
            self.synchroniser = Synchroniser::start(model);
        }
        self.engine.reconfigure(now(), model, &mut self.actions);
        self.agent.configure(model);
        self.firewall.reconfigure(&self.engine, model, self.actions.as_slice(), &mut self.holder);
        self.carry_out();
        self.hold_statics();
        self.control.report(Report::Ready);
        self.rest()
    }

    /// A configuration was not taken over.
    pub(super) fn refuse(&mut self, reason: &str) {
        self.control.report(Report::Refused(reason.into()));
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

    /// The end: nothing is held any more when this returns, unless the kernel is held up. Every notice has been told.
    pub(super) fn stop(&mut self, release: bool) {
        self.look_at_the_clock();
        self.engine.stop(now(), release, &mut self.actions);
        if release && !self.static_facts.is_empty() {
            self.actions.push(Action::Hold { owner: Owner::Statics, facts: Box::default() });
        }
        self.carry_out();
        if let Some(ticket) = self.last_hold
            && !self.holder.wait(ticket, RELEASE)
        {
            tracing::warn!("the kernel has not taken everything away in {} s", RELEASE.as_secs());
        }
        devices::report(self.holder.before(), &mut self.control);
        for refusal in self.holder.settle() {
            tracing::warn!("{:?} stays as it is: {}", refusal.fact, refusal.reason);
        }
        self.ports.close_all(&self.poll);
        while let Some(waiting) = self.later.take() {
            if let Waiting::Notify(notice) = waiting {
                self.notices.push_back(notice);
            }
        }
        for notice in std::mem::take(&mut self.notices) {
            self.agent.notice(&notice, &self.engine);
            self.teller.notice(notice);
        }
        self.synchroniser.take().into_iter().for_each(Synchroniser::finish);
        if release {
            self.holder.filter(firewall::Order::Frame(None));
            self.holder.wait_for_filter(RELEASE);
        }
        self.holder.lines().iter().for_each(log::line);
    }

    /// Tells the supervisor that it is over. The teller's scripts may still run, and as long as the supervisor's end is there,
    /// so are we.
    pub(super) fn finish(mut self) -> (Teller, Agent, RoleEnd) {
        self.control.report(Report::Stopped);
        self.control.finish(LAST_WORDS);
        (self.teller, self.agent, self.control)
    }

    // What comes in.

    fn receive(&mut self, port: PortId, most: usize) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for _ in 0..most {
            match self.ports.receive(port, &mut buffer) {
                Ok(Some(datagram)) => {
                    self.engine.handle(now(), Event::Received { port, datagram }, &mut self.actions);
                    self.carry_out();
                }
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An interface that went down is told once by each of its sockets; what else there may be is gone by reading.
                Err(error) => tracing::debug!("nothing was received: {error}"),
            }
        }
        self.buffer = buffer;
    }

    fn hear(&mut self, device: Device, family: Family) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for _ in 0..BUDGET {
            match self.neighbours.hear(device, family, &mut buffer) {
                Ok(Some(heard)) => {
                    let target = Target { device: heard.device, address: heard.address };
                    let ours = self.engine.links().iter().any(|link| link.mac == Some(heard.by));
                    if !ours && self.held.is_of_any(&target) {
                        self.handle(Event::Claimed { device: heard.device, address: heard.address, by: heard.by });
                    }
                }
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => tracing::debug!("no neighbour was heard: {error}"),
            }
        }
        self.buffer = buffer;
    }

    fn tick(&mut self) {
        let now = now();
        if self.engine.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.engine.handle(now, Event::Tick, &mut self.actions);
            self.carry_out();
        }
    }

    /// How long the process was not running, if it did not run when it was to.
    fn stalled(&self) -> Option<Duration> {
        is_stall(self.slept, self.due?, now())
    }

    /// Others may have been heard of meanwhile: first all of that, then what is due.
    fn catch_up(&mut self, gap: Duration) {
        for port in self.ports.ids() {
            self.receive(port, BACKLOG);
        }
        self.observe();
        rights::late(gap);
        self.handle(Event::Stalled(gap));
    }

    fn observe(&mut self) {
        let mut changes = Vec::new();
        let all = self.monitor.read(&mut changes).unwrap_or_else(|error| {
            tracing::warn!("changes of the network are not heard of: {error}");
            self.lost = Some(now() + AGAIN);
            false
        });
        for change in changes {
            let stripped = self.holder.observe(&change);
            match change {
                Change::Link(link) => self.judge_link(Event::Link(link)),
                Change::LinkGone(device) => self.judge_link(Event::LinkGone(device)),
                Change::Address(local) => self.handle(Event::Address(local)),
                Change::AddressGone(local) => self.handle(Event::AddressGone(local)),
                Change::FactSeen(_) | Change::FactGone(_) => {}
                Change::Overrun => self.lost = Some(now()),
            }
            self.stripped(stripped);
        }
        if all {
            self.holder.caught_up();
            self.regain();
        }
    }

    /// Asks the kernel again for what it would not take, now that something has changed.
    fn regain(&mut self) {
        for Lack { owner, addresses } in self.holder.lacking() {
            match owner {
                Owner::Instance(_) | Owner::Devices => self.handle(Event::Regained { owner, addresses }),
                Owner::Statics => self.hold_statics_again(),
            }
        }
    }

    /// A link counts as up or down once it has been so for long enough.
    fn judge_link(&mut self, event: Event<'_>) {
        match event {
            Event::Link(link) => {
                let link = self.standings.link(now(), link);
                self.notice_link(Event::Link(link));
            }
            other => {
                if let Event::LinkGone(device) = other {
                    self.standings.gone(device);
                }
                self.notice_link(other);
            }
        }
    }

    fn hear_linkbeat(&mut self) {
        for (interface, up) in self.linkbeat.as_ref().map(Poller::answers).unwrap_or_default() {
            if let Some(link) = self.standings.polled(now(), &interface, up) {
                self.notice_link(Event::Link(link));
            }
        }
    }

    /// Has those links polled that the configuration names.
    fn poll_links(&mut self) -> io::Result<()> {
        if let Some(old) = self.linkbeat.take() {
            self.poll.remove(&old)?;
        }
        let beats = &self.model.vrrp.linkbeat;
        if !beats.is_empty() {
            let poller = Poller::start(beats.clone())?;
            self.poll.add(&poller, key(Kind::Linkbeat, 0))?;
            self.linkbeat = Some(poller);
        }
        Ok(())
    }

    fn notice_link(&mut self, event: Event<'_>) {
        self.handle(event);
        self.moved = true;
        self.hold_statics();
    }

    fn stripped(&mut self, facts: Vec<(Owner, Fact)>) {
        for (owner, fact) in facts {
            match owner {
                Owner::Instance(_) | Owner::Devices => self.handle(Event::Stripped { owner, fact }),
                // They are simply put back.
                Owner::Statics => self.hold_statics_again(),
            }
        }
    }

    fn look_again(&mut self) {
        self.settle();
        if !self.holder.is_idle() {
            self.lost = Some(now() + SOON);
            return;
        }
        let picture = match self.monitor.skip().and_then(|all| if all { Picture::take().map(Some) } else { Ok(None) }) {
            Ok(Some(picture)) => picture,
            // More of it in the next turn.
            Ok(None) => return,
            Err(error) => {
                tracing::warn!("the kernel does not tell what there is: {error}");
                self.lost = Some(now() + AGAIN);
                return;
            }
        };
        self.lost = None;
        for event in difference(self.engine.links(), &picture.links) {
            if is_about_links(&event) {
                self.judge_link(event);
            } else {
                self.handle(event);
            }
        }
        let stripped = self.holder.resync(&picture);
        self.stripped(stripped);
    }

    fn settle(&mut self) {
        self.holder.lines().iter().for_each(log::line);
        for refusal in self.holder.settle() {
            if let (Owner::Instance(instance), Some(target)) = (refusal.owner, target(&refusal.fact)) {
                self.held.refuse(instance, target);
                self.announcer.forget(instance, &BTreeSet::from([target]));
            }
            if !refusal.again {
                self.handle(Event::Refused { owner: refusal.owner, fact: refusal.fact, reason: refusal.reason });
            }
        }
        devices::report(self.holder.before(), &mut self.control);
        self.regain();
        let done = self.holder.done();
        while let Some(waiting) = self.later.next(done) {
            match waiting {
                Waiting::Announce { announce, held } => {
                    let instance = announce.instance;
                    let announce = still_held(announce, &held, |target| self.held.when(instance, target).is_some());
                    self.announcer.request(self.engine.links(), &announce);
                }
                Waiting::Probe(targets) => self.probes.extend(targets),
                Waiting::Notify(notice) => self.notices.push_back(notice),
            }
        }
    }

    fn converse(&mut self, asked: &mut Vec<Asked>) {
        let (orders, ended) = orders(&mut self.control, &self.poll);
        asked.extend(orders.into_iter().map(|order| match order {
            Order::Reload(file) => Asked::Reload(file),
            Order::Tell(ask) => Asked::Tell(ask),
        }));
        asked.extend(ended.then_some(Asked::Stop));
    }

    fn signalled(&mut self, asked: &mut Vec<Asked>) {
        for signal in self.signals.by_ref() {
            match signal {
                Signal::Stop | Signal::Interrupt => asked.push(Asked::Stop),
                Signal::Reload => self.control.report(Report::ReloadAsked),
                Signal::Data | Signal::Stats | Signal::StatsClear | Signal::Json => asked.push(Asked::Dump(signal)),
                Signal::Child => {}
            }
        }
    }

    // What goes out.

    fn carry_out(&mut self) {
        let mut actions = std::mem::take(&mut self.actions);
        for action in actions.drain() {
            match action {
                Action::Transmit(packet) => self.ports.send(&packet),
                Action::Open(id, port) => {
                    if let Err(reason) = self.ports.open(id, &port, &self.poll) {
                        self.failed.push_back(Event::PortFailed { port: id, reason });
                    }
                }
                Action::Close(id) => self.ports.close(id, &self.poll),
                Action::Adopt { owner, facts } => self.holder.adopt(owner, &facts),
                Action::Hold { owner, facts } => self.hold(owner, &facts),
                Action::Renew(owner) => self.holder.renew(owner),
                Action::Announce(announce) => {
                    let done = self.holder.done();
                    let when = |target: &Target| self.held.when(announce.instance, target);
                    for (after, portion) in portions(&announce, done, self.last_hold, when) {
                        self.later.put(after, portion);
                    }
                }
                Action::Silence(instance) => {
                    self.later.silence(instance);
                    self.announcer.silence(instance);
                }
                Action::Probe(targets) => self.later.put(self.last_hold, Waiting::Probe(targets)),
                Action::Notify(notice) => self.later.put(self.last_hold, Waiting::Notify(notice)),
                Action::Refuse(refusal) => self.agent.refusal(refusal),
                Action::Record(record) => self.control.report(Report::Record(Entry::Instance(record))),
                Action::Forget(key) => self.control.report(Report::Forget(key)),
                Action::Say(line) => log::line(&line),
            }
        }
        // The list keeps its room, but not what a start or a reload needed.
        actions.shrink_to(ROOM);
        self.actions = actions;
    }

    fn hold(&mut self, owner: Owner, facts: &[Fact]) {
        self.last_hold = Some(self.firewall.hold(self.engine.links(), self.engine.shuts(owner), owner, facts, &mut self.holder));
        self.swollen = true;
        let Owner::Instance(instance) = owner else { return };
        let wanted = facts.iter().filter_map(|fact| Some((target(fact)?, self.holder.ticket(fact)))).collect();
        let gone = self.held.put(instance, wanted);
        self.announcer.forget(instance, &gone);
        self.moved = true;
    }

    fn hold_statics(&mut self) {
        let facts = statics::facts(&self.model.statics, self.engine.links());
        if facts != self.static_facts {
            self.static_facts = facts;
            self.hold_statics_again();
        }
    }

    fn hold_statics_again(&mut self) {
        self.actions.push(Action::Hold { owner: Owner::Statics, facts: self.static_facts.clone() });
        self.carry_out();
    }

    fn listen(&mut self) {
        if std::mem::take(&mut self.moved) {
            self.neighbours.listen(&self.held.places(), self.engine.links(), &self.poll);
        }
    }

    fn speak(&mut self) {
        let now = now();
        self.announcer.expect_more(self.later.has_announcements());
        let frames = self.announcer.take(now, FRAMES);
        let left = FRAMES.saturating_sub(frames.len()).min(self.probes.len());
        for target in frames {
            self.neighbours.announce(now, target, self.engine.links());
        }
        for target in self.probes.drain(..left) {
            self.neighbours.probe(target, self.engine.links());
        }
        let most = NOTICES.min(self.notices.len());
        for notice in self.notices.drain(..most) {
            self.agent.notice(&notice, &self.engine);
            self.teller.notice(notice);
        }
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
        let next = [self.due, self.announcer.next_deadline(), self.lost, self.standings.next_deadline(), self.unload, unwritten, at_once]
            .into_iter()
            .flatten()
            .min();
        self.timer.set(next)?;
        self.slept = now();
        Ok(())
    }
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
