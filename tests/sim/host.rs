//! A machine of the LAN: what its kernel holds, and the engine that runs on it, if one does.

use crate::plan::{Plan, interface, own};
use standfast::effect::net::{Device, Fact, Link, Links, Local, Mac, Owner};
use standfast::effect::packet::{Port, PortId, Reach, Seal};
use standfast::effect::record::Record;
use standfast::effect::time::{Instant, TimeOfDay};
use standfast::model::net::{Family, Prefix};
use standfast::vrrp::{Engine, Event};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

/// A packet on its way.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) ttl: u8,
    pub(crate) seal: Option<Seal>,
    pub(crate) payload: Box<[u8]>,
}

/// What waits for a process: in its sockets, or in a queue of the monitor.
#[derive(Clone, Debug)]
pub(crate) enum Arrival {
    Packet(PortId, Rc<Sent>),
    Event(Event<'static>),
}

/// A process that is not running for a while.
#[derive(Debug)]
pub(crate) struct Stall {
    pub(crate) since: Instant,
    pub(crate) backlog: Vec<Arrival>,
}

#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) engine: Option<Engine>,
    /// How many processes there have been: what was meant for one does not reach the next.
    pub(crate) incarnation: u32,
    pub(crate) stall: Option<Stall>,
    pub(crate) ports: BTreeMap<PortId, Port>,
    /// What the supervisor keeps.
    pub(crate) records: BTreeMap<Box<str>, Record>,
    /// What is in the kernel, whoever put it there.
    pub(crate) links: Links,
    /// What of that the process knows to be its own.
    pub(crate) ledger: BTreeMap<Owner, Vec<Fact>>,
    /// The interface to each segment, while there is one.
    pub(crate) devices: Vec<Option<Device>>,
    next_device: u32,
    /// How late its timers fire.
    pub(crate) lateness: Duration,
    pub(crate) clock: TimeOfDay,
    /// So many packets wait in a socket at most.
    pub(crate) room: usize,
}

/// At the moment that the LAN begins to be.
pub(crate) const NOON: Duration = Duration::from_secs(1_800_000_000);

/// Of a clock that nobody has set wrong.
pub(crate) fn right_time() -> TimeOfDay {
    TimeOfDay::read(Instant::from_nanos(1_000_000_000_000), NOON)
}

/// What a change of facts has done to the kernel.
pub(crate) enum Change {
    Added(Local),
    Removed(Local),
    Refused(Fact),
}

impl Host {
    pub(crate) fn new(index: usize, plan: &Plan, lateness: Duration) -> Self {
        let mut host = Self {
            engine: None,
            incarnation: 0,
            stall: None,
            ports: BTreeMap::new(),
            records: BTreeMap::new(),
            links: Links::default(),
            ledger: BTreeMap::new(),
            devices: vec![None; plan.segments.into()],
            next_device: 2,
            lateness,
            clock: right_time(),
            room: 200,
        };
        for segment in 0..plan.segments {
            host.plug(index, segment);
        }
        host
    }

    /// Gives it an interface to a segment, with the addresses that the administrator wants there. Returns what a monitor
    /// would report.
    pub(crate) fn plug(&mut self, index: usize, segment: u8) -> Vec<Event<'static>> {
        let device = Device(self.next_device);
        self.next_device += 1;
        self.devices[usize::from(segment)] = Some(device);
        let last = u8::try_from(index + 1).expect("few hosts");
        let link = Link { mac: Some(Mac([2, 0, 0, 0, segment, last])), ..Link::plain(device, &interface(segment), true) };
        self.links.put(link.clone());
        let mut events = vec![Event::Link(link)];
        for family in [Family::V4, Family::V6] {
            let local = Local { device, prefix: own(index, segment, family) };
            self.links.put_address(local);
            events.push(Event::Address(local));
        }
        events
    }

    /// Takes an interface away with all that is on it.
    pub(crate) fn unplug(&mut self, segment: u8) -> Vec<Event<'static>> {
        let Some(device) = self.devices[usize::from(segment)].take() else { return Vec::new() };
        let mut events: Vec<_> = self.links.addresses(device).iter().map(|&prefix| Event::AddressGone(Local { device, prefix })).collect();
        for (&owner, facts) in &mut self.ledger {
            let gone: Vec<Fact> = facts.extract_if(.., |fact| placed(fact).is_some_and(|local| local.device == device)).collect();
            events.extend(gone.into_iter().map(|fact| Event::Stripped { owner, fact }));
        }
        self.links.remove(device);
        events.push(Event::LinkGone(device));
        events
    }

    pub(crate) fn is_up(&self, segment: u8) -> bool {
        self.devices[usize::from(segment)].and_then(|device| self.links.get(device)).is_some_and(|link| link.up)
    }

    pub(crate) fn has(&self, segment: u8, prefix: Prefix) -> bool {
        self.devices[usize::from(segment)].is_some_and(|device| self.links.addresses(device).contains(&prefix))
    }

    pub(crate) const fn runs(&self) -> bool {
        self.engine.is_some() && self.stall.is_none()
    }

    /// The process ends, however: its sockets and its knowledge go with it.
    pub(crate) fn end(&mut self) -> Option<Engine> {
        self.incarnation += 1;
        self.ports.clear();
        self.ledger.clear();
        self.stall = None;
        self.engine.take()
    }

    /// The machine starts anew.
    pub(crate) fn reboot(&mut self, index: usize, plan: &Plan) {
        self.end();
        let next_device = self.next_device;
        let (incarnation, lateness, clock) = (self.incarnation, self.lateness, self.clock);
        let was_up: Vec<bool> = (0..plan.segments).map(|segment| self.is_up(segment)).collect();
        *self = Self { incarnation, next_device, clock, ..Self::new(index, plan, lateness) };
        for (segment, was_up) in (0..plan.segments).zip(was_up) {
            self.set_up(segment, was_up);
        }
    }

    pub(crate) fn set_up(&mut self, segment: u8, up: bool) -> Option<Event<'static>> {
        let device = self.devices[usize::from(segment)]?;
        let link = Link { up, ..self.links.get(device)?.clone() };
        self.links.put(link.clone());
        Some(Event::Link(link))
    }

    /// What is there already of what a predecessor held belongs to its successor.
    pub(crate) fn adopt(&mut self, owner: Owner, facts: Box<[Fact]>) {
        let held = self.ledger.entry(owner).or_default();
        let present = |fact: &Fact| placed(fact).is_some_and(|local| self.links.addresses(local.device).contains(&local.prefix));
        for fact in facts.into_iter().filter(present) {
            if !held.contains(&fact) {
                held.push(fact);
            }
        }
    }

    /// Makes the kernel hold this for an owner, and nothing else.
    pub(crate) fn hold(&mut self, owner: Owner, wanted: Box<[Fact]>) -> Vec<Change> {
        let held = self.ledger.remove(&owner).unwrap_or_default();
        let mut changes = Vec::new();
        for local in held.iter().filter(|fact| !wanted.contains(fact)).filter_map(placed) {
            if self.links.remove_address(local) {
                changes.push(Change::Removed(local));
            }
        }
        let mut holds = Vec::new();
        for fact in wanted {
            let Some(local) = placed(&fact) else { continue };
            if self.links.get(local.device).is_none() {
                changes.push(Change::Refused(fact));
                continue;
            }
            if self.links.put_address(local) {
                changes.push(Change::Added(local));
            }
            holds.push(fact);
        }
        self.ledger.insert(owner, holds);
        changes
    }

    /// Somebody takes one of our addresses away.
    pub(crate) fn strip(&mut self, which: usize) -> Vec<Event<'static>> {
        let count: usize = self.ledger.values().map(Vec::len).sum();
        let mut all = self.ledger.iter_mut().flat_map(|(&owner, facts)| (0..facts.len()).map(move |n| (owner, n)));
        let Some((owner, n)) = (count > 0).then(|| all.nth(which % count)).flatten() else { return Vec::new() };
        let fact = self.ledger.get_mut(&owner).expect("it was found there").remove(n);
        let Some(local) = placed(&fact) else { return Vec::new() };
        self.links.remove_address(local);
        vec![Event::AddressGone(local), Event::Stripped { owner, fact }]
    }

    /// The socket, if any, that hears what arrives from a segment.
    pub(crate) fn hears(&self, segment: u8, packet: &Sent) -> Option<PortId> {
        let device = self.devices[usize::from(segment)]?;
        let here = self.links.has_address(packet.destination);
        let fits = |port: &Port| {
            let reached = match port.reach {
                Reach::Multicast { group } => group == packet.destination,
                Reach::Unicast { source } => here && source == packet.destination,
            };
            reached && port.device.is_none_or(|bound| bound == device) && port.ah == packet.seal.is_some()
        };
        self.ports.iter().find(|(_, port)| fits(port)).map(|(&id, _)| id)
    }
}

/// Where an address of ours goes. Nothing else is configured here.
pub(crate) fn placed(fact: &Fact) -> Option<Local> {
    match fact {
        Fact::Address(placed) => Some(Local { device: placed.device, prefix: placed.address.prefix }),
        Fact::Device(_) | Fact::Setting(_) | Fact::Route(_) | Fact::Rule(_) => None,
    }
}
