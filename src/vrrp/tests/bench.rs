//! A router without a machine: a configuration, interfaces made by hand, and what the engine does told in short lines.

use crate::config::host::{At, Stated};
use crate::config::testing;
use crate::effect::net::{Device, Fact, Link, Links, Local, Mac, Owner};
use crate::effect::packet::{Datagram, PortId};
use crate::effect::record::Record;
use crate::effect::time::Instant;
use crate::effect::{Action, Actions};
use crate::model::net::Prefix;
use crate::vrrp::{Engine, Event, Manner};
use crate::wire::vrrp::{Advert, Body, Packet, Sum};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub(super) const GROUP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(224, 0, 0, 18));
pub(super) const START: Instant = Instant::from_nanos(1_000_000_000_000);

pub(super) struct Router {
    pub(super) engine: Engine,
    pub(super) now: Instant,
    pub(super) records: BTreeMap<Box<str>, Record>,
    pub(super) held: BTreeMap<Owner, Vec<String>>,
    pub(super) facts: BTreeMap<Owner, Box<[Fact]>>,
    ports: BTreeMap<PortId, u32>,
}

fn link(device: u32, up: bool) -> Link {
    let mac = Mac([2, 0, 0, 0, 0, u8::try_from(device).expect("small")]);
    Link { mac: Some(mac), ..Link::plain(Device(device), &format!("e{}", device - 1), up) }
}

pub(super) fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// `e0` has device 1 and 10.9.0.10, `e1` device 2 and 10.9.1.10.
pub(super) fn links() -> Links {
    let mut links = Links::default();
    for n in 0..4_u8 {
        links.put(link(u32::from(n) + 1, true));
        let local = Local { device: Device(u32::from(n) + 1), prefix: Prefix { address: IpAddr::from([10, 9, n, 10]), length: 24 } };
        links.put_address(local);
        let v6 = Prefix { address: format!("fe80::{}", n + 1).parse().expect("an address"), length: 64 };
        links.put_address(Local { prefix: v6, ..local });
    }
    links
}

pub(super) fn model(text: &str) -> Arc<crate::model::Model> {
    let mut host = Stated::with(&["e0", "e1", "e2", "e3"]);
    host.paths.insert("/".into(), At::Directory);
    let (model, problems) = testing::load(text, &host);
    assert!(problems.is_empty(), "{problems:?}");
    Arc::new(model)
}

/// An instance `NAME` with VRID 50 + n on interface e(n-1).. as most tests want it.
pub(super) fn instance(name: &str, interface: &str, vrid: u8, priority: u8, more: &str) -> String {
    format!(
        "vrrp_instance {name} {{\n interface {interface}\n virtual_router_id {vrid}\n priority {priority}\n version 3\n advert_int 1\n \
         garp_master_delay 0\n garp_master_repeat 1\n{more}\n virtual_ipaddress {{\n 10.9.0.{vrid}\n }}\n}}\n"
    )
}

impl Router {
    pub(super) fn start(text: &str) -> (Self, Vec<String>) {
        Self::resume(START, text, links(), &[])
    }

    pub(super) fn resume(now: Instant, text: &str, links: Links, records: &[Record]) -> (Self, Vec<String>) {
        let mut actions = Actions::default();
        let engine = Engine::start(now, &model(text), links, records, Manner::default(), &mut actions);
        let mut router =
            Self { engine, now, records: BTreeMap::new(), held: BTreeMap::new(), facts: BTreeMap::new(), ports: BTreeMap::new() };
        let told = router.take(&mut actions);
        (router, told)
    }

    /// What the actions amount to, in their order. Log lines are left out, and holds that change nothing.
    pub(super) fn take(&mut self, actions: &mut Actions) -> Vec<String> {
        let mut told = Vec::new();
        for action in actions.drain() {
            match action {
                Action::Transmit(t) => {
                    let packet = Packet::new(&t.payload).expect("a whole packet");
                    told.push(format!("advert {} prio {}", packet.vrid(), packet.priority()));
                }
                Action::Open(id, port) => {
                    let before = self.ports.insert(id, port.device.map_or(0, |device| device.0));
                    assert_eq!(before, None, "a port is opened once");
                }
                Action::Close(id) => assert!(self.ports.remove(&id).is_some(), "only an open port is closed"),
                Action::Adopt { .. } | Action::Refuse(_) | Action::Say(_) => {}
                Action::Hold { owner, facts } => {
                    let names = facts.iter().map(name).collect::<Vec<_>>();
                    let before = self.held.insert(owner, names.clone()).unwrap_or_default();
                    if before != names {
                        told.push(format!("hold [{}]", names.join(" ")));
                    }
                    self.facts.insert(owner, facts);
                }
                Action::Announce(announce) => {
                    let list = announce.targets.iter().map(|target| target.address.to_string()).collect::<Vec<_>>();
                    told.push(format!("announce {} x [{}]", announce.repeat, list.join(" ")));
                }
                Action::Silence(_) => {}
                Action::Renew(_) => told.push("renew".to_owned()),
                Action::Probe(targets) => told.push(format!("probe {}", targets.len())),
                Action::Notify(notice) => told.push(format!("{} {} {} {}", notice.subject, notice.name, notice.told, notice.priority)),
                Action::Record(record) => {
                    self.records.insert(record.key.clone(), record);
                }
                Action::Forget(key) => {
                    self.records.remove(&key);
                }
            }
        }
        assert!(self.engine.next_deadline().is_none_or(|at| at > self.now), "no deadline is left behind");
        told
    }

    pub(super) fn event(&mut self, event: Event<'_>) -> Vec<String> {
        let mut actions = Actions::default();
        self.engine.handle(self.now, event, &mut actions);
        self.take(&mut actions)
    }

    /// Lets time pass, deadline by deadline.
    pub(super) fn pass(&mut self, time: Duration) -> Vec<String> {
        let end = self.now + time;
        let mut told = Vec::new();
        while let Some(at) = self.engine.next_deadline().filter(|at| *at <= end) {
            self.now = at;
            told.extend(self.event(Event::Tick));
        }
        self.now = end;
        told
    }

    /// Until the next deadline; also tells how long that took, in microseconds.
    pub(super) fn next(&mut self) -> (u128, Vec<String>) {
        let at = self.engine.next_deadline().expect("a deadline");
        let took = at.since(self.now).as_micros();
        self.now = at;
        (took, self.event(Event::Tick))
    }

    pub(super) fn hear(&mut self, vrid: u8, priority: u8, from: &str) -> Vec<String> {
        self.hear_advert(vrid, priority, from, 100)
    }

    pub(super) fn hear_advert(&mut self, vrid: u8, priority: u8, from: &str, interval: u16) -> Vec<String> {
        let source = address(from);
        let advert = Advert { vrid, priority, body: Body::V3 { interval }, addresses: vec![IpAddr::from([10, 9, 0, vrid])] };
        let payload = advert.encode(Sum::Pseudo { source, destination: GROUP });
        self.hear_packet(source, 255, &payload)
    }

    pub(super) fn hear_packet(&mut self, source: IpAddr, ttl: u8, payload: &[u8]) -> Vec<String> {
        let device = match source {
            IpAddr::V4(v4) => u32::from(v4.octets()[2]) + 1,
            IpAddr::V6(_) => 1,
        };
        let port = self.ports.iter().find(|(_, at)| **at == device).map(|(id, _)| *id).expect("a port there");
        self.event(Event::Received { port, datagram: Datagram { source, destination: GROUP, ttl, seal: None, payload } })
    }

    /// Where it has sockets.
    pub(super) fn speaks_on(&self) -> Vec<u32> {
        self.ports.values().copied().collect()
    }

    pub(super) fn set_link(&mut self, name: &str, up: bool) -> Vec<String> {
        let device: u32 = name[1..].parse().expect("a number");
        self.event(Event::Link(link(device + 1, up)))
    }

    pub(super) fn reload(&mut self, text: &str) -> Vec<String> {
        let mut actions = Actions::default();
        self.engine.reconfigure(self.now, &model(text), &mut actions);
        self.take(&mut actions)
    }

    pub(super) fn stop(&mut self, release: bool) -> Vec<String> {
        let mut actions = Actions::default();
        self.engine.stop(self.now, release, &mut actions);
        self.take(&mut actions)
    }

    /// A fact that some owner holds.
    pub(super) fn first_fact(&self) -> (Owner, Fact) {
        let (owner, facts) = self.facts.iter().find(|(_, facts)| !facts.is_empty()).expect("something held");
        (*owner, facts[0].clone())
    }
}

fn name(fact: &Fact) -> String {
    match fact {
        Fact::Address(placed) => format!("{}@{}", placed.address.prefix.address, placed.device.0),
        Fact::Device(new) => new.name.to_string(),
        Fact::Setting(setting) => setting.to_string(),
        Fact::Route(route) => route.destination.to_string(),
        Fact::Rule(rule) => rule.priority.to_string(),
    }
}
