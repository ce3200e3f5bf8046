//! What the kernel says of what we hold: our own doing, or somebody else's.

use super::{Entry, Expected, Index, Ledger, Names, Standing, Step, place};
use crate::effect::delta::{Identity, is_tracked};
use crate::effect::device::{NewDevice, Scope};
use crate::effect::net::{Device, Fact, Owner};
use crate::kernel::rtnl::decode::{Key, Seen, network};
use crate::kernel::rtnl::message::Resolve;
use crate::model::net::{Prefix, Route};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

/// What became of something that is not there any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::kernel) enum Gone {
    Stripped(Vec<(Owner, Fact)>),
    /// The kernel took it along with another one, which we removed.
    WithOneOfOurs(Identity),
}

/// The kernel tells of an IPv6 address once it has made sure that nobody else has it, and once more whenever its flags change.
const fn is_told_of_later(identity: &Identity) -> bool {
    matches!(identity, Identity::Address { local: IpAddr::V6(_), .. })
}

impl Ledger {
    pub(super) fn expect(&mut self, identity: Identity, coming: bool) -> u64 {
        self.last += 1;
        self.expected.entry(identity).or_default().push_back(Expected { coming, number: self.last });
        self.last
    }

    /// Whether this was still to be heard. What was to be heard before it will not be any more.
    fn heard(&mut self, identity: &Identity, coming: bool) -> bool {
        let Some(list) = self.expected.get_mut(identity) else { return false };
        let Some(index) = list.iter().position(|expected| expected.coming == coming) else { return false };
        if coming && is_told_of_later(identity) {
            // This may be of one that was there before, whose end is still to be heard.
            list.remove(index);
        } else {
            list.drain(..=index);
        }
        if list.is_empty() {
            self.expected.remove(identity);
            if self.expected.is_empty() {
                self.expected.shrink_to_fit();
            }
        }
        true
    }

    /// Whether something is still to be heard.
    pub(in crate::kernel) fn is_listening(&self) -> bool {
        !self.expected.is_empty()
    }

    /// All that there was to hear of the steps up to a number has been heard, or will never be: an interface takes along what
    /// is on it without a word, and what somebody else removed before us was his to tell.
    pub(in crate::kernel) fn told(&mut self, finished: u64) {
        // Those before have been dropped already.
        if finished <= self.told {
            return;
        }
        self.told = finished;
        self.expected.retain(|_, list| {
            list.retain(|expected| expected.number > finished);
            !list.is_empty()
        });
        if self.expected.is_empty() {
            // Nothing for a long time, until all comes at once.
            self.expected.shrink_to_fit();
        }
    }

    pub(super) fn forget(&mut self, identity: &Identity, number: u64) {
        if let Some(list) = self.expected.get_mut(identity) {
            list.retain(|expected| expected.number != number);
            if list.is_empty() {
                self.expected.remove(identity);
            }
        }
    }

    /// The kernel tells that something has come or changed.
    pub(in crate::kernel) fn seen(&mut self, key: &Key) {
        let candidates = self.candidates(key);
        // Once is once, even if two of ours cannot be told apart.
        let _ = candidates.iter().any(|identity| self.heard(identity, true));
        for identity in candidates {
            let Some(entry) = self.entries.get_mut(&identity) else { continue };
            if let Key::Route(route) = key {
                entry.ways.extend(route.devices());
            }
            if !entry.is_there() {
                self.stand(&identity, Standing::Doubtful);
            }
        }
    }

    /// The kernel tells that something has gone.
    pub(in crate::kernel) fn gone(&mut self, key: &Key, is_up: impl Fn(Device) -> bool) -> Gone {
        let candidates = self.candidates(key);
        let mut stripped = Vec::new();
        if candidates.iter().any(|identity| self.heard(identity, false)) {
            return Gone::Stripped(stripped);
        }
        for identity in candidates {
            let Some(entry) = self.entries.get(&identity).filter(|entry| entry.is_there()) else { continue };
            let sure = entry.standing == Standing::Held;
            let on_its_feet = match &entry.fact {
                Fact::Address(placed) => is_up(placed.device),
                Fact::Route(_) => match key {
                    Key::Route(seen) => seen.devices().all(&is_up),
                    Key::Address(_) | Key::Rule(_) => true,
                },
                Fact::Rule(_) | Fact::Device(_) | Fact::Setting(_) => true,
            };
            let collateral = self.is_collateral(&identity);
            let broken = self.is_broken(&identity, key);
            self.stand(&identity, if broken { Standing::Doubtful } else { Standing::Lost });
            if let Some(entry) = self.entries.get_mut(&identity).filter(|_| broken) {
                entry.broken = true;
            }
            if sure && on_its_feet && !collateral {
                self.let_go(&identity);
            }
            if collateral {
                return Gone::WithOneOfOurs(identity);
            }
            if sure && on_its_feet {
                stripped.extend(self.of_all_owners(&identity));
            }
        }
        Gone::Stripped(stripped)
    }

    /// What is not tracked may be taken away.
    fn let_go(&mut self, identity: &Identity) {
        if let Some(entry) = self.entries.get_mut(identity) {
            entry.let_go = !is_tracked(&entry.fact);
        }
    }

    /// Whether something that is wanted is not there yet, as far as steps up to a number tell.
    pub(in crate::kernel) fn lacks(&self, identity: &Identity, finished: u64) -> bool {
        self.entries.get(identity).is_some_and(|entry| entry.standing != Standing::Held || entry.number > finished)
    }

    /// Who lacks something that nobody took away: its interface was down, or the kernel refused it.
    pub(in crate::kernel) fn lacking(&self) -> BTreeMap<Owner, Vec<&Fact>> {
        let mut lacking: BTreeMap<Owner, Vec<&Fact>> = BTreeMap::new();
        for entry in self.entries.values().filter(|entry| entry.standing != Standing::Held && !entry.let_go) {
            for &owner in &entry.owners {
                lacking.entry(owner).or_default().push(&entry.fact);
            }
        }
        lacking
    }

    /// Without `promote_secondaries` the kernel drops all addresses of a subnet with its first one, and tells of that one last.
    fn is_collateral(&self, identity: &Identity) -> bool {
        let subnet = |identity: &Identity| match identity {
            Identity::Address { device, local, length: Some(length), peer: None } => {
                Some((*device, network(Prefix { address: *local, length: *length })))
            }
            Identity::Device(_) | Identity::Setting(..) | Identity::Address { .. } | Identity::Route(_) | Identity::Rule(_) => None,
        };
        let Some(here) = subnet(identity) else { return false };
        let leaves = |list: &VecDeque<Expected>| list.iter().any(|expected| !expected.coming);
        self.expected.iter().any(|(other, list)| other != identity && leaves(list) && subnet(other) == Some(here))
    }

    /// Whether not all of a route has gone.
    fn is_broken(&self, identity: &Identity, key: &Key) -> bool {
        let (Identity::Route(route), Key::Route(seen), Some(entry)) = (identity, key, self.entries.get(identity)) else { return false };
        seen.is_part_of(route, &|name: &str| entry.names.get(name).copied())
    }

    /// Puts back what went by our own doing.
    pub(in crate::kernel) fn restore(&mut self, identity: &Identity, names: &Names) -> Option<Step> {
        let entry = self.entries.get(identity)?;
        let (owner, fact) = (*entry.owners.first()?, entry.fact.clone());
        Some(self.put(owner, identity.clone(), fact, names))
    }

    /// What the key may be of ours.
    fn candidates(&self, key: &Key) -> Vec<Identity> {
        match key {
            Key::Route(seen) => {
                let list = self.routes.get(&seen.place()).map_or(&[][..], Vec::as_slice);
                let matches =
                    |identity: &Identity, how: fn(&Seen, &Route, Resolve<'_>) -> bool| match (identity, self.entries.get(identity)) {
                        (Identity::Route(route), Some(entry)) => how(seen, route, &|name: &str| entry.names.get(name).copied()),
                        _ => false,
                    };
                // Two of ours may differ in nothing but what the kernel may adjust.
                let exact = list.iter().any(|identity| matches(identity, Seen::is_as_wanted));
                let ours = |identity: &&Identity| {
                    if exact {
                        matches(identity, Seen::is_as_wanted)
                    } else {
                        matches(identity, Seen::is) || matches(identity, Seen::is_part_of)
                    }
                };
                // What we have let go of is in no list any more, but its end is still to be heard; that comes first.
                let leaving = |identity: &&Identity| match identity {
                    Identity::Route(route) => place(route) == seen.place() && seen.is(route, &|_| None),
                    Identity::Device(_) | Identity::Setting(..) | Identity::Address { .. } | Identity::Rule(_) => false,
                };
                let mut found: Vec<Identity> = self.expected.keys().filter(leaving).cloned().collect();
                let more: Vec<Identity> = list.iter().filter(ours).filter(|identity| !found.contains(identity)).cloned().collect();
                found.extend(more);
                found
            }
            Key::Address(_) | Key::Rule(_) => key.identity().into_iter().collect(),
        }
    }

    /// An interface went down: the kernel drops IPv4 routes by it, and does not say so.
    pub(in crate::kernel) fn link_down(&mut self, device: Device) {
        for identity in self.routes_by(device) {
            self.stand(&identity, Standing::Doubtful);
        }
    }

    /// Nothing is called so any more. Returns what somebody else took away.
    pub(in crate::kernel) fn name_gone(&mut self, name: &str) -> Vec<(Owner, Fact)> {
        let identity = Identity::Device(name.into());
        if self.heard(&identity, false) || self.entries.get(&identity).is_none_or(|entry| entry.standing != Standing::Held) {
            return Vec::new();
        }
        self.stand(&identity, Standing::Lost);
        self.of_all_owners(&identity)
    }

    /// Interfaces of ours that are no longer what we made, by somebody else's doing.
    pub(in crate::kernel) fn altered(&mut self, is_as_made: impl Fn(&NewDevice) -> bool) -> Vec<(Owner, Fact)> {
        let mut altered = Vec::new();
        for (identity, entry) in &self.entries {
            match &entry.fact {
                // Of what is not told yet nobody knows.
                Fact::Device(new) if entry.standing == Standing::Held && !self.expected.contains_key(identity) => {
                    altered.extend((!is_as_made(new)).then(|| identity.clone()));
                }
                Fact::Device(_) | Fact::Setting(_) | Fact::Address(_) | Fact::Route(_) | Fact::Rule(_) => {}
            }
        }
        for identity in &altered {
            self.stand(identity, Standing::Doubtful);
            if let Some(entry) = self.entries.get_mut(identity) {
                entry.altered = true;
            }
        }
        altered.iter().flat_map(|identity| self.of_all_owners(identity)).collect()
    }

    /// An interface that a predecessor made, and that somebody has made something else of since: holding it makes it good.
    pub(in crate::kernel) fn adopt_altered(&mut self, owner: Owner, new: NewDevice) {
        let fact = Fact::Device(Box::new(new));
        let identity = Identity::of(&fact);
        if self.entries.contains_key(&identity) {
            return;
        }
        let mut entry = Entry::new(fact.clone(), vec![owner], Standing::Doubtful, 0, Names::new());
        entry.altered = true;
        self.enter(identity, entry);
        self.wanted.entry(owner).or_default().push(fact);
    }

    /// What somebody else has made of an interface of ours is undone.
    pub(super) fn make_good(&mut self, owner: Owner, identity: &Identity, fact: Fact) -> Option<Step> {
        self.stand(identity, Standing::Held);
        self.entries.get_mut(identity)?.altered = false;
        self.change(owner, identity, fact)
    }

    /// An IPv4 address has gone: the kernel drops routes that have it as their source, and with the last address of an
    /// interface all that leave by it. It does not say so. Returns whether there may be any.
    pub(in crate::kernel) fn address_gone(&mut self, device: Device, address: IpAddr, was_last: bool) -> bool {
        let from = |entry: &Entry| match &entry.fact {
            Fact::Route(route) => route.preferred_source == Some(address) && entry.is_there(),
            Fact::Device(_) | Fact::Setting(_) | Fact::Address(_) | Fact::Rule(_) => false,
        };
        let mut doubtful: Vec<Identity> =
            self.entries.iter().filter(|(_, entry)| from(entry)).map(|(identity, _)| identity.clone()).collect();
        if was_last {
            doubtful.extend(self.routes_by(device));
        }
        for identity in &doubtful {
            self.stand(identity, Standing::Doubtful);
        }
        !doubtful.is_empty()
    }

    /// An interface has gone, and took along what was on it.
    pub(in crate::kernel) fn link_gone(&mut self, device: Device) {
        let on_it = |identity: &Identity| matches!(identity, Identity::Address { device: on, .. } if *on == device);
        let mut lost: Vec<Identity> = self.entries.keys().filter(|identity| on_it(identity)).cloned().collect();
        lost.extend(self.routes_by(device));
        for identity in lost {
            self.stand(&identity, Standing::Lost);
        }
        self.expected.retain(|identity, _| !on_it(identity));
        let set = |identity: &Identity| matches!(identity, Identity::Setting(Scope::Device(on), _) if *on == device);
        let lost: Vec<Identity> = self.entries.keys().filter(|identity| set(identity)).cloned().collect();
        for identity in lost {
            self.stand(&identity, Standing::Lost);
        }
    }

    fn routes_by(&self, device: Device) -> Vec<Identity> {
        let by = |entry: &Entry| {
            matches!(entry.fact, Fact::Route(_))
                && entry.is_there()
                && (entry.ways.contains(&device) || entry.names.values().any(|&on| on == device))
        };
        self.entries.iter().filter(|(_, entry)| by(entry)).map(|(identity, _)| identity.clone()).collect()
    }

    /// All that is to be compared, one after the other.
    pub(in crate::kernel) fn identities(&self) -> Vec<Identity> {
        self.entries.keys().cloned().collect()
    }

    /// Compares some of it with what is there; steps up to a number had been taken when that was looked at. Returns what is
    /// missing.
    pub(in crate::kernel) fn compare(
        &mut self,
        which: &[Identity],
        there: &Index,
        finished: u64,
        names: &Names,
        is_up: impl Fn(Device) -> bool,
    ) -> Vec<(Owner, Fact)> {
        // What there was to hear of those was heard or missed.
        self.told(finished);
        let resolve = |name: &str| names.get(name).copied();
        let mut missing = Vec::new();
        let mut found = Vec::new();
        for (identity, entry) in which.iter().filter_map(|identity| self.entries.get_key_value(identity)) {
            if entry.number > finished || !there.tells_of(&entry.fact) {
                continue;
            }
            match (there.has(&entry.fact, identity, &resolve), entry.standing) {
                (false, Standing::Held | Standing::Doubtful) => missing.push((identity.clone(), entry.standing)),
                (true, Standing::Lost) => found.push(identity.clone()),
                (true, Standing::Held | Standing::Doubtful) | (false, Standing::Lost) => {}
            }
        }
        for identity in found {
            self.stand(&identity, Standing::Doubtful);
        }
        let mut stripped = Vec::new();
        for (identity, standing) in missing {
            let sure = standing == Standing::Held;
            let devices: Vec<Device> = match self.entries.get(&identity) {
                None => Vec::new(),
                Some(entry) => match &entry.fact {
                    Fact::Address(placed) => vec![placed.device],
                    Fact::Device(_) | Fact::Setting(_) => Vec::new(),
                    Fact::Route(_) | Fact::Rule(_) => entry.ways.iter().chain(entry.names.values()).copied().collect(),
                },
            };
            self.stand(&identity, Standing::Lost);
            if sure && devices.into_iter().all(&is_up) {
                self.let_go(&identity);
                stripped.extend(self.of_all_owners(&identity));
            }
        }
        stripped.sort_by_key(|(owner, _)| *owner);
        stripped
    }
}
