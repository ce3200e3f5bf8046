//! The LAN: hosts, what is between them, and the clock. It does what a driver does, and nothing by itself.

use crate::chance::Chance;
use crate::host::{Arrival, Change, Host, Sent, Stall, right_time};
use crate::plan::Plan;
use crate::watch::Watch;
use standfast::effect::net::Mac;
use standfast::effect::notice::{Subject, Told};
use standfast::effect::packet::{Datagram, Seal, Target, Transmit};
use standfast::effect::record::Record;
use standfast::effect::time::{Instant, TimeOfDay};
use standfast::effect::{Action, Actions};
use standfast::vrrp::{Engine, Event, Manner, Standing};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

/// How soon a process hears of what has changed in its own kernel.
const MONITOR: Duration = Duration::from_micros(80);
/// How long a script takes.
const FIRST_RUN: Duration = Duration::from_millis(5);
/// Packets may be on their way for a third of the time window of `auth_hmac`, and wait as long for somebody stalled.
const MOST_AHEAD: Duration = Duration::from_secs(20);
/// A process that asks to be woken more often than this without the clock moving does not end.
const MOST_WAKES: u32 = 20;

/// What happens to packets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// In percent.
    pub(crate) loss: u64,
    pub(crate) twice: u64,
    pub(crate) slowest: Duration,
}

impl Weather {
    pub(crate) const FAIR: Self = Self { loss: 0, twice: 0, slowest: Duration::from_micros(200) };
    const FASTEST: Duration = Duration::from_micros(30);

    pub(crate) fn is_fair(&self) -> bool {
        self.loss == 0 && self.slowest <= Self::FAIR.slowest
    }
}

/// What can be observed of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Advert { host: usize, router: usize, priority: u8 },
    Notice { host: usize, router: usize, told: Told },
    Announcement { host: usize },
}

#[derive(Debug)]
enum Due {
    /// On the wire to a host.
    Packet { to: usize, segment: u8, packet: Rc<Sent> },
    /// From a host's kernel to the process that runs there.
    Monitor { to: usize, incarnation: u32, event: Event<'static> },
    /// A host's script has run for the first time.
    Script { of: usize, incarnation: u32 },
    /// On the wire to a host: somebody says that it has an address, or asks.
    Claim { to: usize, segment: u8, address: IpAddr, by: Mac },
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) plan: Plan,
    pub(crate) hosts: Vec<Host>,
    pub(crate) weather: Weather,
    /// Who does not hear whom: segment, speaker, listener.
    pub(crate) cut: BTreeSet<(u8, usize, usize)>,
    pub(crate) watch: Watch,
    /// The last things that happened, if anybody wants to know.
    story: Option<VecDeque<String>>,
    /// All that was seen, if anybody wants to know.
    pub(crate) seen: Vec<(Instant, Seen)>,
    pub(crate) violation: Option<String>,
    /// A host is handed what has arrived while it was stalled.
    catching_up: bool,
    /// Something else than an advert has come of what happened last.
    changed: bool,
    queue: BTreeMap<(Instant, u64), Due>,
    /// When the last packet arrives from one host at another.
    arrivals: BTreeMap<(u8, usize, usize), Instant>,
    serial: u64,
    chance: Chance,
    /// When each host was woken last, and how often at that very time.
    wakes: Vec<(Instant, u32)>,
}

impl World {
    /// Hosts whose processes are yet to be started.
    pub(crate) fn new(plan: Plan, mut chance: Chance, told: bool) -> Self {
        let late = chance.percent(50);
        let lateness =
            |chance: &mut Chance| if late { chance.duration(Duration::ZERO, Duration::from_micros(300)) } else { Duration::ZERO };
        let hosts: Vec<Host> = (0..plan.hosts.len()).map(|index| Host::new(index, &plan, lateness(&mut chance))).collect();
        Self {
            now: Instant::from_nanos(1_000_000_000_000),
            watch: Watch::new(&plan),
            weather: Weather::FAIR,
            cut: BTreeSet::new(),
            story: told.then(VecDeque::new),
            seen: Vec::new(),
            violation: None,
            catching_up: false,
            changed: false,
            queue: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            serial: 0,
            chance,
            wakes: vec![(Instant::default(), 0); hosts.len()],
            plan,
            hosts,
        }
    }

    pub(crate) fn tell(&mut self, what: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            let at = Duration::from_nanos(self.now.as_nanos() - 1_000_000_000_000);
            if story.len() == 120 {
                story.pop_front();
            }
            story.push_back(format!("{:12.6} {}", at.as_secs_f64(), what()));
        }
    }

    pub(crate) fn story(&self) -> String {
        self.story.iter().flatten().map(|line| format!("{line}\n")).collect()
    }

    pub(crate) fn violate(&mut self, what: impl FnOnce() -> String) {
        if self.violation.is_none() {
            let what = what();
            self.tell(|| format!("VIOLATION {what}"));
            self.violation = Some(what);
        }
    }

    // Processes.

    pub(crate) fn start(&mut self, host: usize) {
        let records: Vec<Record> = self.hosts[host].records.values().cloned().collect();
        self.tell(|| format!("{host}: starts with {} records", records.len()));
        self.watch.begin(host, self.now, records.is_empty());
        let mut actions = Actions::default();
        let model = self.plan.model(host);
        self.hosts[host].prepare(&model);
        let links = self.hosts[host].links.clone();
        let manner = Manner { time_of_day: self.hosts[host].clock, ..Manner::default() };
        let engine = Engine::start(self.now, &model, links, &records, manner, &mut actions);
        self.hosts[host].engine = Some(engine);
        self.carry_out(host, &mut actions);
        self.check(host);
        if self.plan.hosts[host].script.is_some() {
            let incarnation = self.hosts[host].incarnation;
            self.at(FIRST_RUN, Due::Script { of: host, incarnation });
        }
    }

    /// The host's clock goes on by so much at once, but no further than others believe it.
    pub(crate) fn advance_clock(&mut self, host: usize, by: Duration) {
        let ahead = self.hosts[host].clock.apart(right_time()) + by;
        if ahead <= MOST_AHEAD {
            self.set_clock(host, right_time().at(self.now) + ahead);
        }
    }

    /// Somebody sets the host's clock.
    pub(crate) fn set_clock(&mut self, host: usize, since_1970: Duration) {
        self.tell(|| format!("{host}: its clock is set to {since_1970:?}"));
        self.watch.disturb(self.now);
        self.hosts[host].clock = TimeOfDay::read(self.now, since_1970);
        let event = Event::ClockSet(self.hosts[host].clock);
        self.deliver(host, Arrival::Event(event));
        self.check(host);
    }

    /// The host's script finds something else.
    pub(crate) fn set_script(&mut self, host: usize, standing: Standing) {
        self.watch.disturb(self.now);
        if self.plan.hosts[host].script.replace(standing).is_some() {
            self.report_script(host);
        } else {
            self.plan.hosts[host].script = None;
        }
    }

    fn report_script(&mut self, host: usize) {
        if let Some(standing) = self.plan.hosts[host].script {
            self.tell(|| format!("{host}: its script says {standing:?}"));
            self.deliver(host, Arrival::Event(Event::Tracked { object: self.plan.hosts[host].tracks.object(), standing }));
            self.check(host);
        }
    }

    pub(crate) fn start_all(&mut self) {
        for host in 0..self.hosts.len() {
            self.start(host);
        }
    }

    /// It dies. Its supervisor remembers, the kernel holds.
    pub(crate) fn crash(&mut self, host: usize) {
        self.tell(|| format!("{host}: crashes"));
        self.watch.disturb(self.now);
        self.hosts[host].end();
    }

    /// The machine goes down; nothing is left.
    pub(crate) fn reboot(&mut self, host: usize) {
        self.tell(|| format!("{host}: the machine goes down"));
        self.watch.disturb(self.now);
        self.hosts[host].reboot(host, &self.plan);
    }

    /// It ends in order; if it does not release, what it holds stays.
    pub(crate) fn stop(&mut self, host: usize, release: bool) {
        self.watch.disturb(self.now);
        let Some(mut engine) = self.hosts[host].engine.take() else { return };
        self.tell(|| format!("{host}: is stopped"));
        let mut actions = Actions::default();
        engine.stop(self.now, release, &mut actions);
        self.hosts[host].engine = Some(engine);
        self.watch.stopping(host);
        self.carry_out(host, &mut actions);
        for router in 0..self.plan.routers.len() {
            if release && self.watch.holds_any(&self.hosts[host], router, &self.plan) {
                self.violate(|| format!("{host} holds addresses of router {router} after its end"));
            }
        }
        self.hosts[host].end();
        self.hosts[host].records.clear();
    }

    pub(crate) fn reload(&mut self, host: usize) {
        self.tell(|| format!("{host}: reloads"));
        self.watch.disturb(self.now);
        let model = self.plan.model(host);
        self.with_engine(host, |engine, now, actions| engine.reconfigure(now, &model, actions));
        self.watch.reloaded(host, &self.plan);
        self.check(host);
    }

    pub(crate) fn stall(&mut self, host: usize) {
        if self.hosts[host].runs() {
            self.tell(|| format!("{host}: is stalled"));
            self.watch.disturb(self.now);
            self.hosts[host].stall = Some(Stall { since: self.now, backlog: Vec::new() });
        }
    }

    /// It runs again, and finds what has arrived meanwhile.
    pub(crate) fn resume(&mut self, host: usize) {
        let Some(Stall { since, backlog }) = self.hosts[host].stall.take() else { return };
        self.tell(|| format!("{host}: runs again, {} things have arrived", backlog.len()));
        self.watch.disturb(self.now);
        self.catching_up = true;
        for arrival in backlog {
            self.deliver(host, arrival);
        }
        self.catching_up = false;
        let gap = self.now.since(since);
        self.deliver(host, Arrival::Event(Event::Stalled(gap)));
        self.deliver(host, Arrival::Event(Event::Tick));
        self.check(host);
    }

    // Interfaces.

    pub(crate) fn set_link(&mut self, host: usize, segment: u8, up: bool) {
        self.tell(|| format!("{host}: link {segment} is {}", if up { "up" } else { "down" }));
        let events = self.hosts[host].set_up(segment, up);
        self.monitor_at_once(host, events);
    }

    pub(crate) fn unplug(&mut self, host: usize, segment: u8) {
        self.tell(|| format!("{host}: interface {segment} is gone"));
        let events = self.hosts[host].unplug(segment);
        self.monitor_at_once(host, events);
    }

    pub(crate) fn plug(&mut self, host: usize, segment: u8) {
        if self.hosts[host].devices[usize::from(segment)].is_none() {
            self.tell(|| format!("{host}: interface {segment} is back"));
            let events = self.hosts[host].plug(host, segment);
            self.monitor_at_once(host, events);
        }
    }

    /// Its own address on a segment comes or goes.
    pub(crate) fn set_own(&mut self, host: usize, router: usize, present: bool) {
        use standfast::effect::net::Local;
        let (segment, family) = (self.plan.routers[router].segment, self.plan.routers[router].family);
        let Some(device) = self.hosts[host].devices[usize::from(segment)] else { return };
        let local = Local { device, prefix: crate::plan::own(host, segment, family) };
        let links = &mut self.hosts[host].links;
        let changed = if present { links.put_address(local) } else { links.remove_address(local) };
        self.tell(|| format!("{host}: its own address {} is {}", local.prefix, if present { "back" } else { "gone" }));
        let event = if present { Event::Address(local) } else { Event::AddressGone(local) };
        self.monitor_at_once(host, changed.then_some(event));
    }

    /// Somebody takes one of its virtual addresses away; returns whether there was any.
    pub(crate) fn strip(&mut self, host: usize, which: usize) -> bool {
        let events = self.hosts[host].strip(which);
        if let [Event::AddressGone(local), ..] = &events[..] {
            self.tell(|| format!("{host}: somebody removes {}", local.prefix));
        }
        let any = !events.is_empty();
        self.monitor_at_once(host, events);
        any
    }

    /// Somebody deletes a virtual MAC, or makes something else of it.
    pub(crate) fn harm(&mut self, host: usize, which: usize, deletes: bool) {
        // After an end that left everything, nothing tells of a virtual MAC over IPv6 that has no address: the backup's that
        // sends from its interface (`vmac_xmit_base`). Only its name and its MAC address are ours, so that one of the two has to
        // be as it was. To know more, the interface would need a mark of ours that everybody sees.
        let deletes = deletes || self.hosts[host].is_forgotten(which);
        let events = self.hosts[host].harm(which, deletes);
        self.tell(|| format!("{host}: somebody {} a virtual MAC: {events:?}", if deletes { "deletes" } else { "changes" }));
        self.monitor_at_once(host, events);
    }

    /// A change from outside, and the process hears of it before anything else happens.
    fn monitor_at_once(&mut self, host: usize, events: impl IntoIterator<Item = Event<'static>>) {
        self.watch.disturb(self.now);
        // What it did itself before that it has heard by then.
        let due: Vec<_> =
            self.queue.iter().filter(|(_, due)| matches!(due, Due::Monitor { to, .. } if *to == host)).map(|(key, _)| *key).collect();
        for key in due {
            if let Some(Due::Monitor { incarnation, event, .. }) = self.queue.remove(&key)
                && incarnation == self.hosts[host].incarnation
            {
                self.deliver(host, Arrival::Event(event));
            }
        }
        for event in events {
            self.deliver(host, Arrival::Event(event));
        }
        self.check(host);
    }

    // The clock.

    pub(crate) fn run(&mut self, duration: Duration) {
        let until = self.now + duration;
        while self.violation.is_none() {
            let queued = self.queue.first_key_value().map(|(key, _)| key.0);
            let waking = self.hosts.iter().enumerate().filter(|(_, host)| host.runs());
            let waking = waking.filter_map(|(n, host)| Some((host.engine.as_ref()?.next_deadline()? + host.lateness, n))).min();
            match (queued, waking) {
                (Some(at), later) if at <= until && later.is_none_or(|(wakes, _)| at <= wakes) => self.next_of_queue(),
                (_, Some((at, host))) if at <= until => self.wake(at, host),
                _ => break,
            }
        }
        self.now = until.max(self.now);
    }

    fn next_of_queue(&mut self) {
        let Some(((at, _), due)) = self.queue.pop_first() else { return };
        self.now = self.now.max(at);
        match due {
            Due::Packet { to, segment, packet } => {
                let host = &self.hosts[to];
                if host.engine.is_none() || !host.is_up(segment) {
                    return;
                }
                for port in host.hears(segment, &packet) {
                    self.deliver(to, Arrival::Packet(port, Rc::clone(&packet)));
                    self.check(to);
                }
            }
            Due::Script { of, incarnation } => {
                if self.hosts[of].incarnation == incarnation {
                    self.report_script(of);
                }
            }
            Due::Claim { to, segment, address, by } => {
                let host = &self.hosts[to];
                if let Some(device) = host.devices[usize::from(segment)].filter(|_| host.is_up(segment)) {
                    self.deliver(to, Arrival::Event(Event::Claimed { device, address, by }));
                    self.check(to);
                }
            }
            Due::Monitor { to, incarnation, event } => {
                if self.hosts[to].incarnation == incarnation {
                    self.deliver(to, Arrival::Event(event));
                    self.check(to);
                }
            }
        }
    }

    fn wake(&mut self, at: Instant, host: usize) {
        self.now = self.now.max(at);
        let (last, times) = &mut self.wakes[host];
        *times = if *last == self.now { *times + 1 } else { 0 };
        *last = self.now;
        if *times > MOST_WAKES {
            self.violate(|| format!("{host} asks to be woken at a time that has come, again and again"));
            return;
        }
        self.deliver(host, Arrival::Event(Event::Tick));
        self.check(host);
    }

    // Events in, actions out.

    fn deliver(&mut self, host: usize, arrival: Arrival) {
        if let Some(stall) = &mut self.hosts[host].stall {
            let packets = stall.backlog.iter().filter(|arrival| matches!(arrival, Arrival::Packet(..))).count();
            if packets < self.hosts[host].room || matches!(arrival, Arrival::Event(_)) {
                self.hosts[host].stall.as_mut().expect("it is stalled").backlog.push(arrival);
            }
            return;
        }
        self.with_engine(host, |engine, now, actions| match arrival {
            Arrival::Packet(port, packet) => {
                let Sent { source, destination, ttl, seal, ref payload } = *packet;
                let datagram = Datagram { source, destination, ttl, seal, payload };
                engine.handle(now, Event::Received { port, datagram }, actions);
            }
            Arrival::Event(event) => engine.handle(now, event, actions),
        });
    }

    fn with_engine(&mut self, host: usize, what: impl FnOnce(&mut Engine, Instant, &mut Actions)) {
        let Some(engine) = &mut self.hosts[host].engine else { return };
        let mut actions = Actions::default();
        what(engine, self.now, &mut actions);
        self.carry_out(host, &mut actions);
        // Waking it too early must not matter.
        if self.chance.percent(2)
            && let Some(engine) = &mut self.hosts[host].engine
            && engine.next_deadline().is_some_and(|at| at > self.now)
        {
            let before = engine.next_deadline();
            engine.handle(self.now, Event::Tick, &mut actions);
            let (after, idle) = (engine.next_deadline(), actions.as_slice().is_empty());
            if !idle || before != after {
                let acted = format!("{:?}", actions.as_slice());
                self.violate(|| format!("{host} acts although nothing is due: {acted}, {before:?} becomes {after:?}"));
            }
        }
    }

    fn carry_out(&mut self, host: usize, actions: &mut Actions) {
        for action in actions.drain() {
            self.note(host, &action);
            self.changed |= !matches!(action, Action::Transmit(_) | Action::Say(_));
            // One that catches up cannot know yet what has happened meanwhile.
            let knows = !(self.catching_up && matches!(action, Action::Announce(_)));
            if knows && let Some(wrong) = self.watch.action(self.now, host, &self.hosts[host], &self.plan, &action) {
                self.violate(|| format!("{host}: {wrong}"));
            }
            match action {
                Action::Transmit(transmit) => self.transmit(host, transmit),
                // Nobody here asks for leases.
                Action::Renew(_) => {}
                Action::Open(id, port) => {
                    if self.hosts[host].ports.insert(id, port).is_some() {
                        self.violate(|| format!("{host} opens {id:?} twice"));
                    }
                }
                Action::Close(id) => {
                    if self.hosts[host].ports.remove(&id).is_none() {
                        self.violate(|| format!("{host} closes {id:?}, which is not open"));
                    }
                }
                Action::Adopt { owner, facts } => self.hosts[host].adopt(owner, facts),
                Action::Hold { owner, facts } => {
                    for change in self.hosts[host].hold(owner, facts) {
                        let event = match change {
                            Change::Added(local) => Event::Address(local),
                            Change::Removed(local) => Event::AddressGone(local),
                            Change::Made(link) => Event::Link(link),
                            Change::Unmade(device) => Event::LinkGone(device),
                            Change::Refused(fact) => Event::Refused { owner, fact, reason: "No such device".to_owned() },
                        };
                        let incarnation = self.hosts[host].incarnation;
                        self.at(MONITOR, Due::Monitor { to: host, incarnation, event });
                    }
                }
                Action::Record(record) => {
                    self.hosts[host].records.insert(record.key.clone(), record);
                }
                Action::Forget(key) => {
                    self.hosts[host].records.remove(&key);
                }
                Action::Announce(announce) => self.claim(host, &announce.targets),
                Action::Probe(targets) => self.claim(host, &targets),
                // They are watched.
                Action::Silence(_) | Action::Notify(_) | Action::Refuse(_) | Action::Say(_) => {}
            }
        }
    }

    fn note(&mut self, host: usize, action: &Action) {
        if self.story.is_none() {
            return;
        }
        let text = match action {
            Action::Transmit(Transmit { source, destination, payload, .. }) => {
                format!("sends {source} > {destination} vrid {} priority {}", payload[1], payload[2])
            }
            Action::Say(line) => format!("\"{}\"", line.text),
            Action::Notify(notice) => format!("notifies {} {} {} ({})", notice.subject, notice.name, notice.told, notice.fifo),
            Action::Hold { owner, facts } => {
                let list: Vec<String> = facts.iter().filter_map(crate::host::placed).map(|local| local.prefix.to_string()).collect();
                format!("holds {owner:?} {list:?}")
            }
            Action::Announce(announce) => format!("announces {} x {}", announce.targets.len(), announce.repeat),
            Action::Record(record) => format!("records {} {:?}", record.key, record.standing),
            Action::Open(..)
            | Action::Close(_)
            | Action::Adopt { .. }
            | Action::Silence(_)
            | Action::Probe(_)
            | Action::Refuse(_)
            | Action::Renew(_)
            | Action::Forget(_) => {
                format!("{action:?}")
            }
        };
        self.tell(|| format!("{host}: {text}"));
        let seen = match action {
            Action::Transmit(transmit) => {
                let router = self.plan.routers.iter().position(|router| transmit.payload[1] == router.vrid);
                router.map(|router| Seen::Advert { host, router, priority: transmit.payload[2] })
            }
            Action::Notify(notice) if notice.subject == Subject::Instance => {
                Plan::router_of(&notice.name).map(|router| Seen::Notice { host, router, told: notice.told })
            }
            Action::Announce(_) => Some(Seen::Announcement { host }),
            _ => None,
        };
        self.seen.extend(seen.map(|seen| (self.now, seen)));
    }

    fn transmit(&mut self, host: usize, transmit: Transmit) {
        let Transmit { port, source, destination, ttl, id, ah, payload } = transmit;
        let Some(port) = self.hosts[host].ports.get(&port) else {
            self.violate(|| format!("{host} sends through {port:?}, which is not open"));
            return;
        };
        if port.ah != ah.is_some() {
            let port = port.clone();
            self.violate(|| format!("{host} sends through {port:?}, which is not for that"));
            return;
        }
        let segment = match port.device {
            Some(device) => self.hosts[host].segment_of(device),
            None => (0..self.plan.segments).find(|&segment| self.plan.host_at(segment, source) == Some(host)),
        };
        let Some(segment) = segment.filter(|&segment| self.hosts[host].is_up(segment)) else { return };
        let seal = ah.map(|ah| Seal { ah, id });
        let packet = Rc::new(Sent { source, destination, ttl, seal, payload });
        for to in (0..self.hosts.len()).filter(|&to| to != host) {
            if self.cut.contains(&(segment, host, to)) || self.chance.percent(self.weather.loss) {
                continue;
            }
            let copies = if self.chance.percent(self.weather.twice) { 2 } else { 1 };
            for _ in 0..copies {
                let mut delay = self.chance.duration(Weather::FASTEST, self.weather.slowest);
                let last = self.arrivals.entry((segment, host, to)).or_default();
                if self.weather.is_fair() {
                    // Only a network that is out of order changes the order.
                    delay = delay.max(last.since(self.now));
                }
                *last = self.now + delay;
                self.at(delay, Due::Packet { to, segment, packet: Rc::clone(&packet) });
            }
        }
    }

    /// Others hear of addresses here, or are asked for them.
    fn claim(&mut self, host: usize, targets: &[Target]) {
        for target in targets {
            let segment = self.hosts[host].segment_of(target.device);
            let by = self.hosts[host].links.get(target.device).and_then(|link| link.mac.filter(|_| link.up));
            let (Some(segment), Some(by)) = (segment, by) else { continue };
            for to in (0..self.hosts.len()).filter(|&to| to != host) {
                if !self.cut.contains(&(segment, host, to)) {
                    let delay = self.chance.duration(Weather::FASTEST, self.weather.slowest);
                    self.at(delay, Due::Claim { to, segment, address: target.address, by });
                }
            }
        }
    }

    fn at(&mut self, delay: Duration, due: Due) {
        self.serial += 1;
        self.queue.insert((self.now + delay, self.serial), due);
    }

    // What must hold.

    /// Looks at a host to which something has happened.
    fn check(&mut self, host: usize) {
        let Some(engine) = &self.hosts[host].engine else { return };
        if self.hosts[host].stall.is_some() {
            return;
        }
        if let Some(at) = engine.next_deadline().filter(|&at| at + self.hosts[host].lateness < self.now) {
            self.violate(|| format!("{host} asks to be woken in the past, at {at:?}"));
        }
        if !self.weather.is_fair() || !self.cut.is_empty() {
            self.watch.disturb(self.now);
        }
        // Most of the time nothing is new, and looking takes time.
        if (std::mem::take(&mut self.changed) || self.chance.percent(5))
            && let Some(wrong) = self.watch.check(host, &self.hosts, &self.plan)
        {
            self.violate(|| wrong);
        }
        if let Some(wrong) = self.watch.crowds(self.now, &self.hosts, &self.plan) {
            self.violate(|| wrong);
        }
    }

    /// Whether everybody knows by now who is master, after a time without disturbance that is long enough.
    pub(crate) fn check_settled(&mut self) {
        if let Some(wrong) = self.watch.check_settled(&self.hosts, &self.plan) {
            self.violate(|| wrong);
        }
    }

    /// From now on nothing but adverts may be seen.
    pub(crate) fn expect_quiet(&mut self, quiet: bool) {
        self.tell(|| format!("the LAN is quiet: {quiet}"));
        self.watch.expect_quiet(quiet.then_some(self.now));
    }

    /// Who holds all addresses of a router.
    pub(crate) fn masters(&self, router: usize) -> Vec<usize> {
        (0..self.hosts.len())
            .filter(|&host| self.hosts[host].runs() && self.watch.holds_all(&self.hosts[host], host, router, &self.plan))
            .collect()
    }

    /// How long until everybody has found a place.
    pub(crate) fn settling(&self) -> Duration {
        self.plan.longest_master_down() * 8
            + self.plan.longest_preempt_delay() * 2
            + self.plan.startup_delay
            + crate::plan::SECOND_BURST
            + Duration::from_millis(100)
    }
}
