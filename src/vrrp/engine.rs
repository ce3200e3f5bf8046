//! All instances together: who goes along with whom, whom an event concerns, and when to look again.

use super::concern::{Concerned, same_shape};
use super::device::Plan;
use super::fault::Cause;
use super::group::Group;
use super::history::Kind;
use super::instance::{Conf, Cx, Instance, State};
use super::ports::{Ports, User};
use super::strangers::Strangers;
use super::{Event, Manner, Standing, Tracked, message, place};
use crate::effect::net::{Device, Fact, InstanceId, Link, Links, Local, Mac, Owner};
use crate::effect::notice::Told;
use crate::effect::packet::{Datagram, PortId};
use crate::effect::record::{self, Record};
use crate::effect::time::{Instant, TimeOfDay};
use crate::effect::{Action, Actions};
use crate::model::Model;
use crate::model::vrrp::Transport;
use crate::wire::vrrp::Packet;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// When a socket that could not be opened is tried again.
const REOPEN: Duration = Duration::from_secs(1);

/// All instances and sync groups of a process.
#[derive(Debug)]
pub struct Engine {
    pub(super) model: Arc<Model>,
    pub(super) links: Links,
    /// The interfaces that are made for instances.
    pub(super) plan: Plan,
    released_at: Instant,
    time_of_day: TimeOfDay,
    /// Addresses that come and go are told.
    tells_addresses: bool,
    /// Boxed, because the nodes of a map are half empty.
    pub(super) instances: BTreeMap<InstanceId, Box<Instance>>,
    /// As configured.
    pub(super) order: Vec<InstanceId>,
    pub(super) groups: Vec<Group>,
    pub(super) member_of: HashMap<InstanceId, usize>,
    pub(super) ports: Ports,
    /// By deadline, and for equal ones in the order in which they were set.
    queue: BTreeSet<(Instant, u64, InstanceId)>,
    armings: u64,
    pub(super) strangers: Strangers,
    last_id: u32,
    /// Addresses that come and go with instances, and are no source of adverts.
    pub(super) virtuals: HashSet<IpAddr>,
    pub(super) concerned: Concerned,
    pub(super) scripts: HashMap<Box<str>, Standing>,
    pub(super) files: HashMap<Box<str>, Standing>,
    pub(super) processes: HashMap<Box<str>, Standing>,
    pub(super) bfd: HashMap<Box<str>, Standing>,
}

impl Engine {
    /// Starts every instance. `links` is a complete picture; `records` are what a predecessor left, if it did not stop.
    pub fn start(now: Instant, model: &Arc<Model>, links: Links, records: &[Record], manner: Manner, actions: &mut Actions) -> Self {
        let vrrp = &model.global.vrrp;
        let delay = vrrp.startup_delay.max(vrrp.delay_after_boot.saturating_sub(manner.machine_up));
        // A successor of a process that ran goes on at once.
        let released_at = if records.is_empty() { now + delay } else { now };
        let mut engine = Self {
            model: Arc::clone(model),
            links,
            plan: Plan::default(),
            released_at,
            time_of_day: manner.time_of_day,
            tells_addresses: manner.addresses,
            instances: BTreeMap::new(),
            order: Vec::new(),
            groups: Vec::new(),
            member_of: HashMap::new(),
            ports: Ports::default(),
            queue: BTreeSet::new(),
            armings: 0,
            strangers: Strangers::default(),
            last_id: 0,
            virtuals: HashSet::new(),
            concerned: Concerned::new(),
            scripts: HashMap::new(),
            files: HashMap::new(),
            processes: HashMap::new(),
            bfd: HashMap::new(),
        };
        engine.learn_virtuals();
        engine.plan_anew(actions);
        for at in 0..model.vrrp.instances.len() {
            let id = engine.add(now, Conf::new(model, at));
            engine.order.push(id);
        }
        engine.form_groups();
        let all = engine.order.clone();
        engine.adopt(&all, actions);
        let records: HashMap<&str, &Record> = records.iter().map(|record| (&*record.key, record)).collect();
        for &id in &all {
            if let Some(instance) = engine.instances.get_mut(&id) {
                let record = records.get(&*instance.key);
                instance.resumes = record.is_some_and(|record| record.standing != record::Standing::Fault);
            }
            engine.look_around(now, id, actions);
        }
        engine.tell_addresses(actions);
        engine.begin(now, &all, &records, actions);
        engine
    }

    pub fn handle(&mut self, now: Instant, event: Event<'_>, actions: &mut Actions) {
        match event {
            Event::Tick => self.tick(now, actions),
            Event::Received { port, datagram } => self.received(now, port, &datagram, actions),
            Event::Duplicate(local) => self.duplicate(local, actions),
            Event::ClockSet(time_of_day) => self.time_of_day = time_of_day,
            Event::PortFailed { port, reason } => self.port_failed(now, port, &reason, actions),
            Event::Link(link) => self.link(now, link, actions),
            Event::LinkGone(device) => self.link_gone(now, device, actions),
            Event::Address(local) => {
                if self.links.put_address(local) {
                    self.tell_address(local, true, actions);
                    self.address_changed(now, local, actions);
                }
            }
            Event::AddressGone(local) => {
                if self.links.remove_address(local) {
                    self.tell_address(local, false, actions);
                    self.address_changed(now, local, actions);
                }
            }
            Event::Stripped { owner, facts } => self.stripped(now, owner, &facts, actions),
            Event::Regained { owner, addresses } => self.regained(now, owner, addresses, actions),
            Event::Refused { owner, fact, reason } => {
                self.refused(owner, &fact, &reason, actions);
                self.try_again(now, owner, &fact);
            }
            Event::Claimed { device, address, by } => self.claimed(now, device, address, by, actions),
            Event::Stalled(gap) => self.stalled(now, gap, actions),
            Event::Tracked { object, standing } => self.tracked(now, object, standing, actions),
        }
    }

    /// When [`Event::Tick`] is due. Any call may change it.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.queue.first().map(|&(at, _, _)| at)
    }

    /// Goes over to a new configuration. Instances are known by [`Record::key`], not by name. Every master says where it
    /// stands before and after.
    pub fn reconfigure(&mut self, now: Instant, model: &Arc<Model>, actions: &mut Actions) {
        for id in self.order.clone() {
            self.with(now, id, actions, |instance, cx| {
                if instance.is_master() {
                    instance.advertise(cx);
                }
            });
        }
        let mut known: HashMap<Box<str>, InstanceId> = self.instances.values().map(|i| (i.key.clone(), i.id)).collect();
        let group_states: HashMap<Box<str>, Option<Told>> = self.groups.iter().map(|g| (g.conf().name.clone(), g.told)).collect();
        self.model = Arc::clone(model);
        self.learn_virtuals();
        let mut order = Vec::new();
        let mut fresh = Vec::new();
        let mut kept = Vec::new();
        for at in 0..model.vrrp.instances.len() {
            let conf = Conf::new(model, at);
            if let Some(id) = known.remove(&*place::key(&conf)) {
                order.push(id);
                kept.push((id, conf));
            } else {
                let id = self.add(now, conf);
                order.push(id);
                fresh.push(id);
            }
        }
        let mut gone: Vec<InstanceId> = known.into_values().collect();
        gone.sort_unstable();
        for id in gone {
            self.with(now, id, actions, Instance::delete);
            self.remove(id, actions);
        }
        // Who lived on what goes now has said goodbye through it.
        self.plan_anew(actions);
        self.order = order;
        for (id, conf) in kept {
            self.with(now, id, actions, |instance, cx| instance.reconfigure(conf, cx));
        }
        self.form_groups();
        for group in &mut self.groups {
            group.told = group_states.get(&group.conf().name).copied().flatten();
        }
        self.adopt(&fresh, actions);
        for id in self.order.clone() {
            self.look_around(now, id, actions);
        }
        self.begin(now, &fresh, &HashMap::new(), actions);
        for at in 0..self.groups.len() {
            self.align(now, at, actions);
        }
        for id in self.order.clone() {
            self.apply_faults(now, id, actions);
            self.with(now, id, actions, |instance, cx| {
                if instance.is_master() {
                    instance.advertise_soon(cx);
                }
            });
            self.arm(id);
        }
    }

    /// The end: priority 0 and the removal of everything held, unless it is to be left in place; `STOP` is told either way.
    pub fn stop(&mut self, now: Instant, release: bool, actions: &mut Actions) {
        for id in self.order.clone() {
            self.with(now, id, actions, |instance, cx| instance.stop(release, cx));
        }
        if release && !self.plan.held().is_empty() {
            actions.push(Action::Hold { owner: Owner::Devices, facts: Box::default() });
        }
        for id in &self.order {
            if let Some(instance) = self.instances.get(id) {
                actions.push(Action::Notify(instance.notice(Told::Stop)));
            }
        }
        for group in &self.groups {
            actions.push(Action::Notify(group.notice(Told::Stop)));
        }
        self.queue.clear();
    }

    /// The interfaces that are made for instances.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    pub fn links(&self) -> &Links {
        &self.links
    }

    /// The instance's name, for logs.
    pub fn name(&self, instance: InstanceId) -> &str {
        self.instances.get(&instance).map_or("", |instance| &instance.conf.name)
    }

    pub fn is_master(&self, name: &str) -> bool {
        self.instances.values().any(|instance| &*instance.conf.name == name && matches!(instance.state, State::Master { .. }))
    }

    /// Announces the addresses of the instance with this key once more, if it is master.
    pub fn announce_again(&mut self, now: Instant, key: &str, actions: &mut Actions) {
        if let Some(id) = self.instances.values().find(|instance| *instance.key == *key).map(|instance| instance.id) {
            self.with(now, id, actions, |instance, cx| instance.announce(1, cx));
        }
    }

    /// `STATS_CLEAR`.
    pub fn clear_stats(&mut self) {
        for instance in self.instances.values_mut() {
            instance.stats = super::stats::Stats::default();
        }
    }

    // What is known of the configuration.

    fn learn_virtuals(&mut self) {
        let vrrp = &self.model.vrrp;
        let every = vrrp.instances.iter().flat_map(|i| i.vips.iter().chain(&i.excluded));
        self.virtuals = every.map(|address| address.prefix.address).collect();
    }

    fn form_groups(&mut self) {
        let ids: HashMap<&str, InstanceId> = self.order.iter().filter_map(|id| Some((&*self.instances.get(id)?.conf.name, *id))).collect();
        let members = |at: usize| {
            let group = &self.model.vrrp.groups[at];
            group.members.iter().filter_map(|name| ids.get(&**name).copied()).collect()
        };
        self.groups = (0..self.model.vrrp.groups.len()).map(|at| Group::new(&self.model, at, members(at))).collect();
        self.member_of = self.groups.iter().enumerate().flat_map(|(at, g)| g.members.iter().map(move |&id| (id, at))).collect();
        self.find_concerned();
    }

    fn add(&mut self, now: Instant, conf: Conf) -> InstanceId {
        self.last_id += 1;
        let id = InstanceId(self.last_id);
        self.instances.insert(id, Box::new(Instance::new(now, id, conf)));
        id
    }

    fn remove(&mut self, id: InstanceId, actions: &mut Actions) {
        let Some(instance) = self.instances.remove(&id) else { return };
        if let Some((at, seq)) = instance.armed {
            self.queue.remove(&(at, seq, id));
        }
        self.ports.change(User { id, vrid: instance.conf.vrid }, instance.port, None, actions);
    }

    /// Whatever of theirs is in the kernel already was left there by a predecessor.
    fn adopt(&self, ids: &[InstanceId], actions: &mut Actions) {
        for instance in ids.iter().filter_map(|id| self.instances.get(id)) {
            let site = place::site(&instance.conf, &self.plan, &self.links);
            let facts = place::facts(&instance.conf, site, &self.plan, &self.links, instance.conf.vip_lease());
            actions.push(Action::Adopt { owner: Owner::Instance(instance.id), facts });
        }
    }

    /// Runs `f` on one instance with all it needs.
    pub(super) fn with<T>(
        &mut self,
        now: Instant,
        id: InstanceId,
        actions: &mut Actions,
        f: impl FnOnce(&mut Instance, &mut Cx<'_>) -> T,
    ) -> Option<T> {
        let instance = self.instances.get_mut(&id)?;
        let utc = self.time_of_day.at(now);
        let mut cx = Cx { now, utc, links: &self.links, plan: &self.plan, released_at: self.released_at, actions };
        Some(f(instance, &mut cx))
    }

    /// Puts the instance's deadline into the queue. Equal deadlines keep the order in which they were set.
    pub(super) fn arm(&mut self, id: InstanceId) {
        let Some(instance) = self.instances.get_mut(&id) else { return };
        let next = instance.next_deadline();
        if instance.armed.map(|(at, _)| at) == next {
            return;
        }
        if let Some((at, seq)) = instance.armed.take() {
            self.queue.remove(&(at, seq, id));
        }
        if let Some(at) = next {
            self.armings += 1;
            instance.armed = Some((at, self.armings));
            self.queue.insert((at, self.armings, id));
        }
    }

    // Events.

    pub(super) fn tick(&mut self, now: Instant, actions: &mut Actions) {
        while let Some(&(at, seq, id)) = self.queue.first().filter(|(at, _, _)| *at <= now) {
            self.queue.remove(&(at, seq, id));
            if let Some(instance) = self.instances.get_mut(&id) {
                instance.armed = None;
            }
            self.retry(now, id, actions);
            let wish = self.with(now, id, actions, Instance::tick).flatten();
            self.grant(now, id, wish, actions);
            self.arm(id);
        }
    }

    fn received(&mut self, now: Instant, port: PortId, datagram: &Datagram<'_>, actions: &mut Actions) {
        let Some(vrid) = Packet::new(datagram.payload).map(|packet| packet.vrid()) else { return };
        // Instances that share address and VRID differ in their peers.
        let from_peer = |id: &InstanceId| self.instances.get(id).is_some_and(|instance| has_peer(instance, datagram.source));
        let id = self.ports.users(port, vrid).find(from_peer).or_else(|| self.ports.users(port, vrid).next());
        let Some(id) = id else {
            return self.unknown(now, vrid, datagram.source, actions);
        };
        let wish = self.with(now, id, actions, |instance, cx| instance.receive(datagram, cx)).flatten();
        self.grant(now, id, wish, actions);
        self.arm(id);
    }

    fn port_failed(&mut self, now: Instant, port: PortId, reason: &str, actions: &mut Actions) {
        for id in self.ports.lost(port) {
            if let Some(instance) = self.instances.get_mut(&id) {
                instance.port = None;
                instance.retry = Some(now + REOPEN);
                actions.push(Action::Say(message::socket(&instance.conf.name, reason)));
            }
            self.fault(now, id, Cause::NoSocket, true, actions);
            self.arm(id);
        }
    }

    /// What was given up for a while is tried again.
    fn retry(&mut self, now: Instant, id: InstanceId, actions: &mut Actions) {
        let Some(instance) = self.instances.get_mut(&id) else { return };
        if instance.retry.is_none_or(|at| at > now) {
            return;
        }
        instance.retry = None;
        instance.strips.clear();
        instance.faults.set(Cause::NoSocket, false);
        instance.faults.set(Cause::Stripped, false);
        instance.faults.set(Cause::Altered, false);
        self.make_anew(Owner::Devices, actions);
        self.look_around(now, id, actions);
        self.apply_faults(now, id, actions);
    }

    fn link(&mut self, now: Instant, link: Link, actions: &mut Actions) {
        let before = self.links.get(link.device).cloned();
        if before.as_ref() == Some(&link) {
            return;
        }
        let turned = before.as_ref().map(|before| before.up) != Some(link.up);
        let changed = before.as_ref().is_none_or(|before| !same_shape(before, &link)) && !self.plan.expects(&link);
        let name = link.name.clone();
        self.links.put(link);
        let former = before.map(|before| before.name).filter(|former| *former != name);
        let concerned = self.concerned_by(&name, former.as_deref());
        if concerned.is_empty() {
            return;
        }
        if changed {
            self.plan_anew(actions);
        }
        if turned {
            self.remember(now, Kind::Interface, &name);
        }
        self.look_around_some(now, &concerned, actions);
    }

    fn link_gone(&mut self, now: Instant, device: Device, actions: &mut Actions) {
        let had: Vec<IpAddr> = self.links.addresses(device).iter().map(|prefix| prefix.address).collect();
        let Some(link) = self.links.remove(device) else { return };
        let mut concerned = self.concerned_by(&link.name, None);
        if !concerned.is_empty() {
            self.plan_anew(actions);
            self.remember(now, Kind::Interface, &link.name);
        }
        // The source of an instance's adverts may have been on any interface.
        let without_source = self.those(|instance| instance.conf.source.is_some_and(|source| had.contains(&source)));
        concerned.extend(without_source.into_iter().filter(|id| !concerned.contains(id)).collect::<Vec<_>>());
        self.look_around_some(now, &concerned, actions);
    }

    fn address_changed(&mut self, now: Instant, local: Local, actions: &mut Actions) {
        if self.virtuals.contains(&local.prefix.address) {
            return;
        }
        if !self.plan.is_empty() {
            self.plan_anew(actions);
        }
        let on = Some(local.device);
        let concerned = self.those(|i| i.site.base == on || i.site.home == on || i.conf.source == Some(local.prefix.address));
        self.look_around_some(now, &concerned, actions);
    }

    fn tell_addresses(&self, actions: &mut Actions) {
        for link in self.links.iter() {
            for &prefix in self.links.addresses(link.device) {
                self.tell_address(Local { device: link.device, prefix }, true, actions);
            }
        }
    }

    /// Our own are told of where they come and go.
    fn tell_address(&self, local: Local, come: bool, actions: &mut Actions) {
        let address = local.prefix.address;
        if self.tells_addresses
            && !self.virtuals.contains(&address)
            && let Some(link) = self.links.get(local.device)
        {
            actions.push(Action::Say(message::address(address, &link.name, come)));
        }
    }

    fn refused(&self, owner: Owner, fact: &Fact, reason: &str, actions: &mut Actions) {
        let name = match owner {
            // It went with what it was to be put on.
            Owner::Devices if self.is_without_parent(fact) => return,
            Owner::Instance(id) => self.name(id),
            Owner::Statics => "static",
            Owner::Devices => "interfaces",
        };
        actions.push(Action::Say(message::refused(name, &describe(fact), reason)));
    }

    fn claimed(&mut self, now: Instant, device: Device, address: IpAddr, by: Mac, actions: &mut Actions) {
        if self.links.iter().any(|link| link.mac == Some(by)) {
            return;
        }
        let has = |i: &&Instance| i.is_master() && i.conf.vips.iter().chain(&i.conf.excluded).any(|a| a.prefix.address == address);
        let ids: Vec<InstanceId> = self.instances.values().map(|i| &**i).filter(has).map(|i| i.id).collect();
        for id in ids {
            let by = by.to_string();
            self.with(now, id, actions, |instance, cx| instance.claimed(device, address, &by, cx));
        }
    }

    fn stalled(&mut self, now: Instant, gap: Duration, actions: &mut Actions) {
        for id in self.order.clone() {
            let wish = self.with(now, id, actions, |instance, cx| instance.stalled(gap, cx)).flatten();
            self.grant(now, id, wish, actions);
            self.arm(id);
        }
    }

    fn tracked(&mut self, now: Instant, object: Tracked<'_>, standing: Standing, actions: &mut Actions) {
        let (map, name, kind) = match object {
            Tracked::Script(name) => (&mut self.scripts, name, Kind::Script),
            Tracked::File(name) => (&mut self.files, name, Kind::File),
            Tracked::Process(name) => (&mut self.processes, name, Kind::Process),
            Tracked::Bfd(name) => (&mut self.bfd, name, Kind::Bfd),
        };
        if map.insert(name.into(), standing) == Some(standing) {
            return;
        }
        self.remember(now, kind, name);
        let concerned = self.tracking(kind, name);
        self.look_around_some(now, &concerned, actions);
    }
}

fn has_peer(instance: &Instance, source: IpAddr) -> bool {
    match &instance.conf.transport {
        Transport::Multicast { .. } => true,
        Transport::Unicast { peers, .. } => peers.iter().any(|peer| peer.address == source),
    }
}

pub(super) fn describe(fact: &Fact) -> String {
    match fact {
        Fact::Device(new) => format!("interface {}", new.name),
        Fact::Setting(setting) => setting.to_string(),
        Fact::Address(placed) => format!("address {}", placed.address.prefix),
        Fact::Route(route) => format!("route to {}", route.destination),
        Fact::Rule(rule) => format!("rule {}", rule.priority),
    }
}
