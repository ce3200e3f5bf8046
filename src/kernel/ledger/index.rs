//! What there is in the kernel, quick to be found.

use super::{Names, place};
use crate::effect::delta::Identity;
use crate::effect::net::{Device, Fact};
use crate::kernel::rtnl::decode::{Key, Placement, Seen};
use crate::kernel::rtnl::message::Resolve;
use crate::model::net::{OUR_PROTOCOL, Prefix};
use std::collections::{HashMap, HashSet};

#[derive(Debug, Default)]
pub(in crate::kernel) struct Index {
    pub(super) addresses: HashMap<Identity, Placement>,
    rules: HashSet<Identity>,
    routes: HashMap<(Prefix, u32), Vec<Seen>>,
}

impl Index {
    pub(in crate::kernel) fn of(keys: Vec<Key>) -> Self {
        let mut index = Self::default();
        for key in keys {
            match key {
                Key::Route(seen) => index.routes.entry(seen.place()).or_default().push(*seen),
                Key::Address(placement) => drop(index.addresses.insert(placement.identity(), placement)),
                Key::Rule(_) => index.rules.extend(key.identity()),
            }
        }
        index
    }

    /// It has come, or is as it is said to be now.
    pub(in crate::kernel) fn put(&mut self, key: &Key) {
        match key {
            Key::Route(seen) if seen.protocol() == OUR_PROTOCOL => {
                let there = self.routes.entry(seen.place()).or_default();
                if !there.contains(seen) {
                    there.push((**seen).clone());
                }
            }
            Key::Route(_) => {}
            Key::Address(placement) => drop(self.addresses.insert(placement.identity(), placement.clone())),
            Key::Rule(_) => self.rules.extend(key.identity()),
        }
    }

    /// It has gone.
    pub(in crate::kernel) fn take(&mut self, key: &Key) {
        match key {
            Key::Route(seen) => {
                if let Some(there) = self.routes.get_mut(&seen.place()) {
                    there.retain(|other| other != &**seen);
                }
            }
            Key::Address(placement) => drop(self.addresses.remove(&placement.identity())),
            Key::Rule(_) => {
                if let Some(identity) = key.identity() {
                    self.rules.remove(&identity);
                }
            }
        }
    }

    /// Whether it would have been found if it were there: of routes only those with our number are looked for.
    pub(super) fn tells_of(&self, fact: &Fact) -> bool {
        match fact {
            Fact::Route(route) => route.protocol == OUR_PROTOCOL,
            Fact::Address(_) | Fact::Rule(_) => true,
            // They are put there again whether they are there or not, and what has gone is told of with its interface.
            Fact::Device(_) | Fact::Setting(_) => false,
        }
    }

    /// What is where this route is to be, and is not as it is wanted.
    pub(super) fn in_place_of(&self, fact: &Fact, names: &Names) -> Option<Fact> {
        let Fact::Route(route) = fact else { return None };
        let resolve = |name: &str| names.get(name).copied();
        let seen: Vec<&Seen> = self.routes.get(&place(route))?.iter().filter(|seen| seen.is(route, &resolve)).collect();
        if seen.iter().any(|seen| seen.is_as_wanted(route, &resolve)) {
            return None;
        }
        let name = |device: Device| names.iter().find(|&(_, &number)| number == device).map(|(name, _)| name.clone());
        Some(Fact::Route(Box::new(seen.first()?.told(&name))))
    }

    pub(super) fn has(&self, fact: &Fact, identity: &Identity, resolve: Resolve<'_>) -> bool {
        match fact {
            Fact::Device(_) | Fact::Setting(_) => false,
            Fact::Address(_) => self.addresses.contains_key(identity),
            Fact::Rule(_) => self.rules.contains(identity),
            Fact::Route(route) => self.routes.get(&place(route)).is_some_and(|seen| seen.iter().any(|seen| seen.is(route, resolve))),
        }
    }
}
