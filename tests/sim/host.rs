//! A machine of the LAN: what its kernel holds, and the engine that runs on it, if one does.

use crate::plan::{Plan, interface, own};
use standfast::effect::device::{Kind, Knob, NewDevice, Scope, Setting, Upper};
use standfast::effect::net::{Device, Fact, Link, Links, Local, Mac, Owner};
use standfast::effect::packet::{Port, PortId, Reach, Seal};
use standfast::effect::record::Record;
use standfast::effect::time::{Instant, TimeOfDay};
use standfast::model::Model;
use standfast::model::net::{Family, Prefix};
use standfast::vrrp::device::Plan as Fixtures;
use standfast::vrrp::{Engine, Event};
use std::collections::{BTreeMap, BTreeSet};
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
    /// Interfaces with settings that are not their own, as the supervisor and its file know.
    lived_on: BTreeSet<Device>,
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
    Made(Link),
    Unmade(Device),
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
            lived_on: BTreeSet::new(),
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

    /// Takes an interface away with all that is on it, virtual MACs first.
    pub(crate) fn unplug(&mut self, segment: u8) -> Vec<Event<'static>> {
        let Some(device) = self.devices[usize::from(segment)].take() else { return Vec::new() };
        let mut events: Vec<_> = self.upper(device).into_iter().flat_map(|upper| self.delete(upper)).collect();
        events.extend(self.delete(device));
        events
    }

    /// What sits on an interface.
    fn upper(&self, device: Device) -> Vec<Device> {
        self.links.iter().filter(|link| link.parent == Some(device)).map(|link| link.device).collect()
    }

    /// Somebody else takes an interface away. Returns what a process would hear of it.
    fn delete(&mut self, device: Device) -> Vec<Event<'static>> {
        let mut events: Vec<_> = self.links.addresses(device).iter().map(|&prefix| Event::AddressGone(Local { device, prefix })).collect();
        for (&owner, facts) in &mut self.ledger {
            let gone: Vec<Fact> = facts.extract_if(.., |fact| placed(fact).is_some_and(|local| local.device == device)).collect();
            events.extend(gone.into_iter().map(|fact| Event::Stripped { owner, facts: vec![fact] }));
        }
        let link = self.links.remove(device);
        events.push(Event::LinkGone(device));
        let devices = self.ledger.get_mut(&Owner::Devices).into_iter();
        let is_it = |fact: &mut Fact| matches!((&*fact, &link), (Fact::Device(new), Some(link)) if new.name == link.name);
        let gone: Vec<Fact> = devices.flat_map(|facts| facts.extract_if(.., is_it).collect::<Vec<_>>()).collect();
        events.extend(gone.into_iter().map(|fact| Event::Stripped { owner: Owner::Devices, facts: vec![fact] }));
        events
    }

    fn virtual_mac(&self, which: usize) -> Option<&Link> {
        let upper: Vec<Device> = self.links.iter().filter(|link| link.parent.is_some()).map(|link| link.device).collect();
        upper.get(which % upper.len().max(1)).and_then(|&device| self.links.get(device))
    }

    /// Nobody would know by anything but its MAC address that this virtual MAC is ours.
    pub(crate) fn is_forgotten(&self, which: usize) -> bool {
        let Some(link) = self.virtual_mac(which) else { return false };
        let parent_is_known = link.parent.is_some_and(|parent| self.lived_on.contains(&parent));
        self.engine.is_none() && self.records.is_empty() && !parent_is_known && self.links.addresses(link.device).is_empty()
    }

    /// Somebody deletes a virtual MAC of ours, or makes something else of it.
    pub(crate) fn harm(&mut self, which: usize, deletes: bool) -> Vec<Event<'static>> {
        let Some(link) = self.virtual_mac(which).cloned() else { return Vec::new() };
        if deletes {
            return self.delete(link.device);
        }
        let facts = self.ledger.get_mut(&Owner::Devices).into_iter();
        let is_it = |fact: &mut Fact| matches!(fact, Fact::Device(new) if new.name == link.name);
        let lost: Vec<Fact> = facts.flat_map(|facts| facts.extract_if(.., is_it).collect::<Vec<_>>()).collect();
        let other = Link { mac: Some(Mac([2, 9, 9, 9, 9, 9])), ..link };
        self.links.put(other.clone());
        let mut events = vec![Event::Link(other)];
        events.extend(lost.into_iter().map(|fact| Event::Stripped { owner: Owner::Devices, facts: vec![fact] }));
        events
    }

    /// The segment that an interface leads to, be it a virtual MAC.
    pub(crate) fn segment_of(&self, device: Device) -> Option<u8> {
        let below = self.links.get(device).and_then(|link| link.parent).unwrap_or(device);
        (0_u8..).zip(&self.devices).find(|(_, there)| **there == Some(below)).map(|(segment, _)| segment)
    }

    pub(crate) fn is_up(&self, segment: u8) -> bool {
        self.devices[usize::from(segment)].and_then(|device| self.links.get(device)).is_some_and(|link| link.up)
    }

    pub(crate) fn has(&self, segment: u8, prefix: Prefix) -> bool {
        let Some(device) = self.devices[usize::from(segment)] else { return false };
        let on = |device: Device| self.links.addresses(device).contains(&prefix);
        on(device) || self.links.iter().any(|link| link.parent == Some(device) && on(link.device))
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

    pub(crate) fn set_up(&mut self, segment: u8, up: bool) -> Vec<Event<'static>> {
        let Some(device) = self.devices[usize::from(segment)] else { return Vec::new() };
        let all: Vec<Link> =
            std::iter::once(device).chain(self.upper(device)).filter_map(|device| self.links.get(device).cloned()).collect();
        let all = all.into_iter().map(|link| Link { up, ..link });
        all.map(|link| {
            self.links.put(link.clone());
            Event::Link(link)
        })
        .collect()
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
        if owner == Owner::Devices {
            self.lived_on = wanted.iter().filter_map(set_on).collect();
        }
        for fact in held.iter().filter(|fact| !wanted.contains(fact)) {
            if let Some(local) = placed(fact)
                && self.links.remove_address(local)
            {
                changes.push(Change::Removed(local));
            }
            if let Fact::Device(new) = fact {
                changes.extend(self.unmake(new));
            }
        }
        let mut holds = Vec::new();
        for fact in wanted {
            if let Fact::Device(new) = &fact {
                match self.make(new) {
                    Ok(made) => {
                        changes.extend(made.map(Change::Made));
                        holds.push(fact);
                    }
                    Err(()) => changes.push(Change::Refused(fact)),
                }
                continue;
            }
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

    /// Whether it holds just these interfaces, and what is on them for all.
    pub(crate) fn has_made(&self, facts: &[Fact]) -> bool {
        let held = self.ledger.get(&Owner::Devices).map_or(&[][..], Vec::as_slice);
        held.iter().eq(facts.iter().filter(|fact| !matches!(fact, Fact::Setting(_))))
    }

    /// It is there and up afterwards; returns it unless it was so before.
    fn make(&mut self, new: &NewDevice) -> Result<Option<Link>, ()> {
        let (Some(parent), Upper::Macvlan(mac)) = (self.links.get(new.parent).cloned(), new.upper) else { return Err(()) };
        let there = self.links.named(&new.name).cloned();
        let device = there.as_ref().map_or(Device(self.next_device), |link| link.device);
        let kind = Kind::Macvlan { private: true };
        let link = Link { device, name: new.name.clone(), mac: Some(mac), parent: Some(parent.device), kind, ..parent };
        if there.as_ref() == Some(&link) {
            return Ok(None);
        }
        if there.is_none() {
            self.next_device += 1;
        }
        self.links.put(link.clone());
        Ok(Some(link))
    }

    fn unmake(&mut self, new: &NewDevice) -> Vec<Change> {
        let Some(device) = self.links.named(&new.name).map(|link| link.device) else { return Vec::new() };
        let mut changes: Vec<Change> =
            self.links.addresses(device).iter().map(|&prefix| Change::Removed(Local { device, prefix })).collect();
        for facts in self.ledger.values_mut() {
            facts.retain(|fact| placed(fact).is_none_or(|local| local.device != device));
        }
        self.links.remove(device);
        changes.push(Change::Unmade(device));
        changes
    }

    /// What has to be there before the process says its first word.
    pub(crate) fn prepare(&mut self, model: &Model) {
        let records: Vec<Record> = self.records.values().cloned().collect();
        let mut plan = Fixtures::left(model, &self.links, &records, &self.lived_on);
        for _ in 0..2 {
            plan = Fixtures::new(model, &self.links, &plan);
            self.hold(Owner::Devices, plan.held().into());
        }
    }

    /// Somebody takes one of our addresses away.
    pub(crate) fn strip(&mut self, which: usize) -> Vec<Event<'static>> {
        let addresses =
            |facts: &[Fact]| facts.iter().enumerate().filter(|(_, fact)| placed(fact).is_some()).map(|(n, _)| n).collect::<Vec<_>>();
        let instances = || self.ledger.iter().filter(|(owner, _)| matches!(owner, Owner::Instance(_)));
        let list: Vec<(Owner, usize)> =
            instances().flat_map(|(&owner, facts)| addresses(facts).into_iter().map(move |n| (owner, n))).collect();
        let Some(&(owner, n)) = list.get(which % list.len().max(1)) else { return Vec::new() };
        let fact = self.ledger.get_mut(&owner).expect("it was found there").remove(n);
        let Some(local) = placed(&fact) else { return Vec::new() };
        self.links.remove_address(local);
        vec![Event::AddressGone(local), Event::Stripped { owner, facts: vec![fact] }]
    }

    /// The sockets that hear what arrives from a segment: a virtual MAC has a copy of its own.
    pub(crate) fn hears(&self, segment: u8, packet: &Sent) -> Vec<PortId> {
        let here = self.links.has_address(packet.destination);
        let fits = |port: &Port| {
            let reached = match port.reach {
                Reach::Multicast { group } => group == packet.destination,
                Reach::Unicast { source } => here && source == packet.destination,
            };
            reached && port.device.is_none_or(|bound| self.segment_of(bound) == Some(segment)) && port.ah == packet.seal.is_some()
        };
        self.ports.iter().filter(|(_, port)| fits(port)).map(|(&id, _)| id).collect()
    }
}

/// Whose setting it is.
fn set_on(fact: &Fact) -> Option<Device> {
    match fact {
        Fact::Setting(Setting { scope: Scope::Device(device), knob: Knob::ArpIgnore, .. }) => Some(*device),
        Fact::Setting(_) | Fact::Address(_) | Fact::Device(_) | Fact::Route(_) | Fact::Rule(_) => None,
    }
}

/// Where an address of ours goes.
pub(crate) fn placed(fact: &Fact) -> Option<Local> {
    match fact {
        Fact::Address(placed) => Some(Local { device: placed.device, prefix: placed.address.prefix }),
        Fact::Device(_) | Fact::Setting(_) | Fact::Route(_) | Fact::Rule(_) => None,
    }
}
