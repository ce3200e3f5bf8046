//! What reaches the engine: packets and neighbours, changes of the network, the writer's answers, the supervisor and signals.

use super::{AGAIN, Asked, BACKLOG, BUDGET, Driver, is_stall};
use crate::effect::net::{Device, Fact, Owner};
use crate::effect::packet::{PortId, Target};
use crate::kernel::holder::Lack;
use crate::kernel::linkbeat::Poller;
use crate::kernel::rtnl::Change;
use crate::kernel::timer::now;
use crate::model::net::Family;
use crate::observe::dbus;
use crate::runtime::dbus::Request;
use crate::runtime::handover::{Order, Report};
use crate::runtime::log;
use crate::runtime::reading::Kept;
use crate::runtime::rights;
use crate::runtime::role::vrrp::devices;
use crate::runtime::role::vrrp::held::target;
use crate::runtime::role::vrrp::key::{Kind, key};
use crate::runtime::role::vrrp::later::{Waiting, still_held};
use crate::runtime::role::{Wanted, orders};
use crate::runtime::signals::Signal;
use crate::vrrp::Event;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

impl Driver {
    pub(super) fn receive(&mut self, port: PortId, most: usize) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for _ in 0..most {
            match self.ports.receive(port, &mut buffer) {
                Ok(Some((arrived, datagram))) => {
                    // What waited for us does not put off when we act, but after nothing happens that was before it.
                    self.heard = arrived.max(self.heard).max(self.slept).min(now());
                    self.engine.handle(self.heard, Event::Received { port, datagram }, &mut self.actions);
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

    pub(super) fn hear(&mut self, device: Device, family: Family) {
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

    pub(super) fn tick(&mut self) {
        let now = now();
        if self.engine.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.engine.handle(now, Event::Tick, &mut self.actions);
            self.carry_out();
        }
    }

    /// How long the process was not running, if it did not run when it was to.
    pub(super) fn stalled(&self) -> Option<Duration> {
        is_stall(self.slept, self.due?, now())
    }

    /// Others may have been heard of meanwhile: first all of that, then what is due.
    pub(super) fn catch_up(&mut self, gap: Duration) {
        // All of it counts as heard now: nobody is taken for silent who was only not listened to.
        self.slept = now();
        for port in self.ports.ids() {
            self.receive(port, BACKLOG);
        }
        self.observe();
        rights::late(gap);
        self.handle(Event::Stalled(gap));
    }

    /// Returns whether that was all there is to hear.
    pub(super) fn observe(&mut self) -> bool {
        if self.again.is_taking_in() {
            return false;
        }
        let mut changes = Vec::new();
        let all = self.monitor.read(&mut changes).unwrap_or_else(|error| {
            tracing::warn!("changes of the network are not heard of: {error}");
            self.missed(AGAIN);
            false
        });
        let mut stripped = Vec::new();
        for change in changes {
            stripped.extend(self.holder.observe(&change));
            match change {
                Change::Link(link) => self.judge_link(Event::Link(link)),
                Change::LinkGone(device) => self.judge_link(Event::LinkGone(device)),
                Change::Address(local) => self.handle(Event::Address(local)),
                Change::AddressGone(local) => self.handle(Event::AddressGone(local)),
                Change::Duplicate(local) => self.handle(Event::Duplicate(local)),
                Change::FactSeen(_) | Change::FactGone(_) => {}
                Change::Overrun => self.missed(Duration::ZERO),
            }
        }
        if all {
            stripped.extend(self.holder.caught_up());
        }
        self.stripped(stripped);
        if all {
            self.regain();
        }
        all
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
    pub(super) fn judge_link(&mut self, event: Event<'_>) {
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

    pub(super) fn hear_linkbeat(&mut self) {
        for (interface, up) in self.linkbeat.as_ref().map(Poller::answers).unwrap_or_default() {
            if let Some(link) = self.standings.polled(now(), &interface, up) {
                self.notice_link(Event::Link(link));
            }
        }
    }

    /// Has those links polled that the configuration names.
    pub(super) fn poll_links(&mut self) -> io::Result<()> {
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

    pub(super) fn notice_link(&mut self, event: Event<'_>) {
        self.handle(event);
        self.moved = true;
        self.hold_statics();
    }

    pub(super) fn stripped(&mut self, facts: Vec<(Owner, Fact)>) {
        let mut by_owner: BTreeMap<Owner, Vec<Fact>> = BTreeMap::new();
        for (owner, fact) in facts {
            by_owner.entry(owner).or_default().push(fact);
        }
        for (owner, facts) in by_owner {
            match owner {
                Owner::Instance(_) | Owner::Devices => self.handle(Event::Stripped { owner, facts }),
                // They are simply put back.
                Owner::Statics => self.hold_statics_again(),
            }
        }
    }

    pub(super) fn settle(&mut self) {
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

    pub(super) fn converse(&mut self, asked: &mut Vec<Asked>) {
        let (orders, ended) = orders(&mut self.control, &self.poll);
        asked.extend(orders.into_iter().map(|order| match order {
            Order::Reload(file) => Asked::Reload(Wanted::Kept(Kept::received(file))),
            Order::Again => Asked::Reload(Wanted::Same),
            Order::Tell(ask) => Asked::Tell(ask),
        }));
        asked.extend(ended.then_some(Asked::Stop));
    }

    /// What is asked for on D-Bus.
    pub(super) fn serve(&mut self, asked: &mut Vec<Asked>) {
        for Request { ask, done } in self.dbus.requests() {
            let signal = match ask {
                dbus::Ask::PrintData => Signal::Data,
                dbus::Ask::PrintStats => Signal::Stats,
                dbus::Ask::PrintStatsClear => Signal::StatsClear,
                dbus::Ask::Reload => {
                    self.control.report(Report::ReloadAsked);
                    done.tell();
                    continue;
                }
                dbus::Ask::SendGarp(key) => {
                    self.engine.announce_again(now(), &key, &mut self.actions);
                    self.carry_out();
                    done.tell();
                    continue;
                }
            };
            asked.push(Asked::Print(signal, done));
        }
    }

    pub(super) fn signalled(&mut self, asked: &mut Vec<Asked>) {
        for signal in self.signals.by_ref() {
            match signal {
                Signal::Stop | Signal::Interrupt => asked.push(Asked::Stop),
                Signal::Reload => self.control.report(Report::ReloadAsked),
                Signal::Data | Signal::Stats | Signal::StatsClear | Signal::Json => asked.push(Asked::Dump(signal)),
                Signal::Child => {}
            }
        }
    }
}
