//! From what is held to what is wanted.

use super::device::{Knob, NewDevice, Scope};
use super::net::{Device, Fact};
use crate::model::net::rule::Mark;
use crate::model::net::{Address, Family, Prefix, Route, Rule};
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

/// One step towards what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Add(Fact),
    /// The same thing with another lifetime or other flags, where the kernel can change that in place.
    Change(Fact),
    Remove(Fact),
}

impl Op {
    pub const fn fact(&self) -> &Fact {
        match self {
            Self::Add(fact) | Self::Change(fact) | Self::Remove(fact) => fact,
        }
    }
}

/// What makes two facts the same thing for the kernel: it holds only one of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    Device(Box<str>),
    Setting(Scope, Knob),
    Address {
        device: Device,
        local: IpAddr,
        /// IPv4 only, as is the peer.
        length: Option<u8>,
        peer: Option<IpAddr>,
    },
    /// The kernel tells routes apart by nearly all that they say.
    Route(Box<Route>),
    Rule(Box<Rule>),
}

impl Identity {
    pub fn of(fact: &Fact) -> Self {
        match fact {
            Fact::Device(new) => Self::Device(new.name.clone()),
            Fact::Setting(setting) => Self::Setting(setting.scope, setting.knob),
            Fact::Address(placed) => Self::address(placed.device, placed.address.prefix, placed.address.peer),
            Fact::Route(route) => {
                // What we do about it is nothing that the kernel has.
                Self::Route(Box::new(Route { tracked: false, ..(**route).clone() }))
            }
            Fact::Rule(rule) => {
                let said = |prefix: Option<Prefix>| prefix.filter(|prefix| prefix.length > 0);
                // Of these zero means that it does not matter.
                Self::Rule(Box::new(Rule {
                    tracked: false,
                    from: said(rule.from),
                    to: said(rule.to),
                    mark: rule.mark.filter(|mark| *mark != Mark { value: 0, mask: 0 }),
                    ip_protocol: rule.ip_protocol.filter(|&protocol| protocol != 0),
                    tunnel: rule.tunnel.filter(|&tunnel| tunnel != 0),
                    ..(**rule).clone()
                }))
            }
        }
    }

    pub fn address(device: Device, local: Prefix, peer: Option<IpAddr>) -> Self {
        let (length, peer) = match local.family() {
            Family::V4 => (Some(local.length), peer),
            Family::V6 => (None, None),
        };
        Self::Address { device, local: local.address, length, peer }
    }
}

/// Whether it matters that somebody else takes it away.
pub fn is_tracked(fact: &Fact) -> bool {
    match fact {
        Fact::Address(placed) => placed.address.tracked,
        Fact::Route(route) => route.tracked,
        Fact::Rule(rule) => rule.tracked,
        Fact::Device(_) | Fact::Setting(_) => true,
    }
}

/// Equal ones have equal hashes; different routes to one place may have as well.
impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Device(name) => name.hash(state),
            Self::Setting(scope, knob) => (scope, knob).hash(state),
            Self::Address { device, local, length, peer } => (device, local, length, peer).hash(state),
            Self::Route(route) => (route.destination, route.table, route.priority).hash(state),
            Self::Rule(rule) => (rule.priority, rule.from, rule.to).hash(state),
        }
    }
}

/// How two facts of one identity differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    /// In nothing that the kernel knows of.
    None,
    InPlace,
    More,
}

fn difference(held: &Fact, wanted: &Fact) -> Difference {
    match (held, wanted) {
        (Fact::Address(held), Fact::Address(wanted)) => {
            let Address { prefix, peer, device: _, scope, broadcast, label, preferred, .. } = &held.address;
            let flags = |address: &Address| (address.home, address.detect_duplicates, address.manage_temporary, address.no_prefix_route);
            let other = &wanted.address;
            let same = (prefix, peer, scope, broadcast, label, held.address.autojoin)
                == (&other.prefix, &other.peer, &other.scope, &other.broadcast, &other.label, other.autojoin);
            let same_flags = flags(&held.address) == flags(other);
            let same_time = (*preferred, held.lease) == (other.preferred, wanted.lease);
            match (same, same_flags, same_time) {
                (true, true, true) => Difference::None,
                (true, true, false) => Difference::InPlace,
                (true, false, _) if prefix.family() == Family::V6 => Difference::InPlace,
                (true, false, _) | (false, ..) => Difference::More,
            }
        }
        (Fact::Device(held), Fact::Device(wanted)) => {
            let NewDevice { name: _, parent, upper, group, vrf, settings, shows_parent: _ } = &**held;
            if (parent, upper) != (&wanted.parent, &wanted.upper) {
                Difference::More
            } else if (group, vrf, settings) != (&wanted.group, &wanted.vrf, &wanted.settings) {
                Difference::InPlace
            } else {
                Difference::None
            }
        }
        (Fact::Setting(held), Fact::Setting(wanted)) if held.value != wanted.value => Difference::InPlace,
        // All that the kernel knows of them is their identity.
        (Fact::Route(_) | Fact::Rule(_) | Fact::Setting(_) | Fact::Device(_), _)
        | (_, Fact::Route(_) | Fact::Rule(_) | Fact::Setting(_) | Fact::Device(_)) => Difference::None,
    }
}

/// The steps from one list to another. First comes what goes: rules, routes, addresses and then interfaces, because the
/// kernel drops a route when its source address goes, and settings are given back last. Then comes what is new. Either is in the order of its list. Of two facts in one list
/// that are the same thing the first counts.
pub fn delta(held: &[Fact], wanted: &[Fact]) -> Vec<Op> {
    let before: HashMap<Identity, &Fact> = held.iter().rev().map(|fact| (Identity::of(fact), fact)).collect();
    let mut after: HashMap<Identity, &Fact> = wanted.iter().rev().map(|fact| (Identity::of(fact), fact)).collect();

    let mut seen = HashSet::new();
    let mut gone: Vec<&Fact> = Vec::new();
    for fact in held {
        let identity = Identity::of(fact);
        let stays = after.get(&identity).is_some_and(|new| difference(fact, new) != Difference::More);
        if seen.insert(identity) && !stays {
            gone.push(fact);
        }
    }
    // A stable sort.
    gone.sort_by_key(|fact| match fact {
        Fact::Rule(_) => 0,
        Fact::Route(_) => 1,
        Fact::Address(_) => 2,
        Fact::Device(_) => 3,
        Fact::Setting(_) => 4,
    });
    let mut ops: Vec<Op> = gone.into_iter().cloned().map(Op::Remove).collect();
    for fact in wanted {
        let identity = Identity::of(fact);
        if after.remove(&identity).is_none() {
            continue;
        }
        match before.get(&identity).map(|old| difference(old, fact)) {
            None | Some(Difference::More) => ops.push(Op::Add(fact.clone())),
            Some(Difference::InPlace) => ops.push(Op::Change(fact.clone())),
            Some(Difference::None) => {}
        }
    }
    ops
}

#[cfg(test)]
mod tests;
