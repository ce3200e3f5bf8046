//! Announcements of addresses, at a pace that switches and neighbours can bear.
//!
//! Every address gets its first announcement before any gets its second, whoever asked first: a network that has been told
//! once works. Where an interface has a limit, frames keep their distance on it, for ARP and for neighbour advertisements
//! each on its own.

use crate::effect::net::{Device, InstanceId, Link, Links};
use crate::effect::packet::{Announce, Target};
use crate::effect::time::Instant;
use crate::model::Model;
use crate::model::net::Family;
use crate::model::vrrp::GarpGroup;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// How far apart announcements are on an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    pub arp: Duration,
    pub na: Duration,
    /// Interfaces that share a limit, which takes the place of the general ones.
    pub groups: Vec<GarpGroup>,
}

impl Pace {
    pub fn of(model: &Model) -> Self {
        let garp = &model.global.vrrp.garp;
        Self { arp: garp.arp_interval, na: garp.na_interval, groups: model.vrrp.garp_groups.clone() }
    }

    fn distance(&self, lane: Lane) -> Duration {
        let of_group = |group: usize| self.groups.get(group);
        match (lane.road, lane.family) {
            (Road::Device(_), Family::V4) => self.arp,
            (Road::Device(_), Family::V6) => self.na,
            (Road::Group(group), Family::V4) => of_group(group).and_then(|group| group.garp_interval).unwrap_or_default(),
            (Road::Group(group), Family::V6) => of_group(group).and_then(|group| group.gna_interval).unwrap_or_default(),
        }
    }

    fn road(&self, links: &Links, device: Device) -> Road {
        let base = base(links, device);
        let name = links.get(base).map(|link| &link.name);
        let group = name.and_then(|name| self.groups.iter().position(|group| group.interfaces.contains(name)));
        group.map_or(Road::Device(base), Road::Group)
    }
}

/// What a virtual MAC interface sends goes out by its parent, and follows the parent's rules.
pub fn base(links: &Links, device: Device) -> Device {
    let virtual_mac = |link: &&Link| link.mac.is_some_and(|mac| mac.0.starts_with(&[0, 0, 0x5e, 0]));
    links.get(device).filter(virtual_mac).and_then(|link| link.parent).unwrap_or(device)
}

/// Where frames keep their distance from one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Lane {
    road: Road,
    family: Family,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Road {
    Device(Device),
    Group(usize),
}

/// How often it has been announced, and when it was asked for.
type Turn = (u32, u64);
type Key = (InstanceId, Target);

#[derive(Clone, Copy, Debug)]
struct Waiting {
    lane: Lane,
    turn: Turn,
    left: u32,
}

/// The announcements that are still to be made.
#[derive(Debug, Default)]
pub struct Announcer {
    pace: Pace,
    waiting: HashMap<Key, Waiting>,
    lanes: BTreeMap<Lane, BTreeMap<Turn, Key>>,
    /// Until when a lane rests.
    rests: HashMap<Lane, Instant>,
    asked: u64,
    /// Others are about to ask for their first, so repetitions wait.
    more: bool,
}

impl Announcer {
    pub fn new(pace: Pace) -> Self {
        Self { pace, ..Self::default() }
    }

    /// Goes over to another pace. What is queued stays so.
    pub fn repace(&mut self, pace: Pace, links: &Links) {
        if self.pace == pace {
            return;
        }
        self.pace = pace;
        self.rests.clear();
        self.lanes.clear();
        for (&(instance, target), waiting) in &mut self.waiting {
            waiting.lane = Lane { road: self.pace.road(links, target.device), family: Family::of(target.address) };
            self.lanes.entry(waiting.lane).or_default().insert(waiting.turn, (instance, target));
        }
    }

    /// Asks for announcements. For an address that waits already this takes the place of what was asked for before, so
    /// that no stream of requests makes the queue longer; one that has not had its first keeps its turn.
    pub fn request(&mut self, links: &Links, announce: &Announce) {
        if announce.repeat == 0 {
            return;
        }
        for &target in &announce.targets {
            let key = (announce.instance, target);
            let before = self.take_out(&key);
            let turn = before.map(|waiting| waiting.turn).filter(|&(round, _)| round == 0).unwrap_or_else(|| {
                self.asked += 1;
                (0, self.asked)
            });
            let lane = Lane { road: self.pace.road(links, target.device), family: Family::of(target.address) };
            self.put(key, Waiting { lane, turn, left: announce.repeat });
        }
    }

    /// Drops what an instance has asked for.
    pub fn silence(&mut self, instance: InstanceId) {
        self.retain(|&(of, _)| of != instance);
    }

    /// Drops addresses that are no longer to be announced by an instance.
    pub fn forget(&mut self, instance: InstanceId, targets: &BTreeSet<Target>) {
        for &target in targets {
            self.take_out(&(instance, target));
        }
    }

    /// Whether there will be requests soon, of addresses that are on their way into the kernel: until then nothing is announced
    /// for the second time.
    pub fn expect_more(&mut self, more: bool) {
        self.more = more;
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When the next announcement may be made; the beginning of time if at once.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.lanes.iter().filter_map(|(lane, queue)| self.next(queue).map(|_| self.rest(lane))).min()
    }

    /// Up to so many announcements whose time has come, in the order in which they are to be made.
    pub fn take(&mut self, now: Instant, at_most: usize) -> Vec<Target> {
        let mut frames = Vec::new();
        while frames.len() < at_most {
            let ready = self.lanes.iter().filter(|(lane, _)| self.rest(lane) <= now);
            let Some((_, key)) = ready.filter_map(|(_, queue)| self.next(queue)).min() else { break };
            let Some(waiting) = self.take_out(&key) else { break };
            let distance = self.pace.distance(waiting.lane);
            if !distance.is_zero() {
                self.rests.insert(waiting.lane, now + distance);
            }
            let (round, asked) = waiting.turn;
            if waiting.left > 1 {
                self.put(key, Waiting { turn: (round.saturating_add(1), asked), left: waiting.left - 1, ..waiting });
            }
            frames.push(key.1);
        }
        frames
    }

    fn next(&self, queue: &BTreeMap<Turn, Key>) -> Option<(Turn, Key)> {
        let (&turn, &key) = queue.first_key_value()?;
        (turn.0 == 0 || !self.more).then_some((turn, key))
    }

    fn rest(&self, lane: &Lane) -> Instant {
        self.rests.get(lane).copied().unwrap_or_default()
    }

    fn put(&mut self, key: Key, waiting: Waiting) {
        self.lanes.entry(waiting.lane).or_default().insert(waiting.turn, key);
        self.waiting.insert(key, waiting);
    }

    fn take_out(&mut self, key: &Key) -> Option<Waiting> {
        let waiting = self.waiting.remove(key)?;
        if self.waiting.is_empty() {
            self.waiting.shrink_to_fit();
        }
        if let Some(queue) = self.lanes.get_mut(&waiting.lane) {
            queue.remove(&waiting.turn);
            if queue.is_empty() {
                self.lanes.remove(&waiting.lane);
            }
        }
        Some(waiting)
    }

    fn retain(&mut self, keep: impl Fn(&Key) -> bool) {
        self.waiting.retain(|key, _| keep(key));
        self.lanes.retain(|_, queue| {
            queue.retain(|_, key| keep(key));
            !queue.is_empty()
        });
    }
}

#[cfg(test)]
mod tests;
