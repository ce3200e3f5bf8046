//! What we hold in the kernel, and for whom. It asks nobody and tells nobody: facts, results and changes go in, steps come
//! out.
//!
//! The kernel announces our own doings like those of others. Hence each thing has a list of what is still to be heard of it;
//! what is heard beyond that was done by somebody else.

use super::rtnl::decode::{Key, Placement, Seen, network};
use super::rtnl::message::Resolve;
use crate::effect::delta::{Identity, Op, delta, is_tracked};
use crate::effect::net::{Device, Fact, Owner};
use crate::model::net::{OUR_PROTOCOL, Prefix, Route};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::net::IpAddr;

/// The numbers of interfaces, by which names.
pub(super) type Names = BTreeMap<Box<str>, Device>;

/// One step for the writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) owner: Owner,
    pub(super) op: Op,
    pub(super) number: u64,
    /// The interfaces of a route as they were called when it was put there.
    pub(super) names: Names,
}

/// What became of a step, other than that it was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Snag {
    /// It was so already. An address comes with what the kernel has in its place.
    Already(Option<Box<Placement>>),
    Refused(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It is in the kernel, or on its way there.
    Held,
    /// It may be there: it is put there again when it is wanted again, and taken away when it is not.
    Doubtful,
    Lost,
}

#[derive(Debug)]
struct Entry {
    /// As it was put there.
    fact: Fact,
    /// In the order in which they came.
    owners: Vec<Owner>,
    standing: Standing,
    /// As somebody else left it, which need not be as it is wanted.
    found: bool,
    /// A part of it has been taken away; the rest has to go before it can be put there again.
    broken: bool,
    /// Somebody else took it away, who may: it stays away until it is asked for anew.
    let_go: bool,
    /// It was found, and has been put there anew; if it is found again, that is how it is.
    mended: bool,
    /// The last addition.
    number: u64,
    names: Names,
    /// Where a route was seen to go.
    ways: BTreeSet<Device>,
}

impl Entry {
    const fn new(fact: Fact, owners: Vec<Owner>, standing: Standing, number: u64, names: Names) -> Self {
        Self { fact, owners, standing, found: false, broken: false, let_go: false, mended: false, number, names, ways: BTreeSet::new() }
    }

    fn is_there(&self) -> bool {
        self.standing != Standing::Lost
    }
}

/// What the kernel is still to tell of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Expected {
    coming: bool,
    number: u64,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// In boxes: a table is at least an eighth empty, and up to half.
    entries: HashMap<Identity, Box<Entry>>,
    /// All that an owner wants, in its order.
    wanted: BTreeMap<Owner, Vec<Fact>>,
    expected: HashMap<Identity, VecDeque<Expected>>,
    /// Routes by where they lead and their table.
    routes: HashMap<(Prefix, u32), Vec<Identity>>,
    /// How many addresses of ours there are in a place.
    places: HashMap<(Device, IpAddr), usize>,
    last: u64,
    /// Up to here there is nothing more to be heard.
    told: u64,
}

fn place(route: &Route) -> (Prefix, u32) {
    (network(route.destination), route.table)
}

fn address_of(fact: &Fact) -> Option<(Device, IpAddr)> {
    match fact {
        Fact::Address(placed) => Some((placed.device, placed.address.prefix.address)),
        Fact::Route(_) | Fact::Rule(_) => None,
    }
}

impl Ledger {
    pub(super) fn holds(&self, device: Device, address: IpAddr) -> bool {
        self.places.contains_key(&(device, address))
    }

    pub(super) fn held(&self) -> impl Iterator<Item = (Owner, &Fact)> {
        let there = |fact: &Fact| self.entries.get(&Identity::of(fact)).is_some_and(|entry| entry.is_there());
        let owned = self.wanted.iter().flat_map(|(&owner, facts)| facts.iter().map(move |fact| (owner, fact)));
        owned.filter(move |(_, fact)| there(fact))
    }

    /// Those of the facts that are in the kernel become the owner's; if that is not known, all that may be.
    pub(super) fn adopt(&mut self, owner: Owner, facts: &[Fact], there: Option<&Index>, names: &Names) {
        for fact in facts {
            let identity = Identity::of(fact);
            if let Some(entry) = self.entries.get_mut(&identity) {
                if !entry.is_there() || entry.owners.contains(&owner) {
                    continue;
                }
                entry.owners.push(owner);
            } else {
                // What we are about to remove is no predecessor's.
                if self.expected.contains_key(&identity) {
                    continue;
                }
                let resolve = |name: &str| names.get(name).copied();
                let (standing, as_it_is) = match (there.filter(|there| there.tells_of(fact)), fact) {
                    (Some(there), fact) if there.has(fact, &identity, &resolve) => {
                        let placement = there.addresses.get(&identity);
                        (Standing::Held, placement.and_then(|placement| found(placement, fact, names)))
                    }
                    (Some(_), _) => continue,
                    (None, _) => (Standing::Doubtful, None),
                };
                // A route that is there in another way has to go before ours can be there.
                let other = there.and_then(|there| there.in_place_of(fact, names));
                let broken = other.is_some();
                let standing = if broken { Standing::Doubtful } else { standing };
                let as_it_is = as_it_is.or(other).unwrap_or_else(|| fact.clone());
                let mut entry = Entry::new(as_it_is, vec![owner], standing, 0, names_of(fact, names));
                (entry.found, entry.broken) = (true, broken);
                self.enter(identity, entry);
            }
            self.wanted.entry(owner).or_default().push(fact.clone());
        }
    }

    fn enter(&mut self, identity: Identity, entry: Entry) {
        self.leave(&identity);
        if entry.is_there() {
            self.appear(&entry.fact);
        }
        if let Fact::Route(route) = &entry.fact {
            self.routes.entry(place(route)).or_default().push(identity.clone());
        }
        self.entries.insert(identity, Box::new(entry));
    }

    fn leave(&mut self, identity: &Identity) -> Option<Box<Entry>> {
        let entry = self.entries.remove(identity)?;
        if entry.is_there() {
            self.disappear(&entry.fact);
        }
        if let Fact::Route(route) = &entry.fact
            && let Some(list) = self.routes.get_mut(&place(route))
        {
            list.retain(|other| other != identity);
            if list.is_empty() {
                self.routes.remove(&place(route));
            }
        }
        Some(entry)
    }

    fn appear(&mut self, fact: &Fact) {
        if let Some(place) = address_of(fact) {
            *self.places.entry(place).or_default() += 1;
        }
    }

    fn disappear(&mut self, fact: &Fact) {
        if let Some(place) = address_of(fact)
            && let Some(count) = self.places.get_mut(&place)
        {
            *count -= 1;
            if *count == 0 {
                self.places.remove(&place);
            }
        }
    }

    fn stand(&mut self, identity: &Identity, standing: Standing) {
        let Some(entry) = self.entries.get_mut(identity) else { return };
        let (before, after) = (entry.standing != Standing::Lost, standing != Standing::Lost);
        entry.standing = standing;
        if before != after {
            let fact = entry.fact.clone();
            if after { self.appear(&fact) } else { self.disappear(&fact) }
        }
    }

    /// The steps to all that the owner wants.
    pub(super) fn hold(&mut self, owner: Owner, facts: &[Fact], names: &Names) -> Vec<Step> {
        let old = self.wanted.remove(&owner).unwrap_or_default();
        let new: HashSet<Identity> = facts.iter().map(Identity::of).collect();
        // What was lost need not be taken away, and what is doubtful is put there again if it is wanted.
        let mut held = Vec::new();
        for fact in &old {
            let identity = Identity::of(fact);
            let Some(entry) = self.entries.get_mut(&identity) else { continue };
            let counts = match entry.standing {
                Standing::Held => true,
                Standing::Doubtful => !new.contains(&identity),
                Standing::Lost => false,
            };
            if counts {
                // Others may have put it there in another way; theirs stays as long as there are others.
                let is_theirs = entry.owners.len() > 1 && !entry.found;
                held.push(if is_theirs { fact.clone() } else { entry.fact.clone() });
            } else if !new.contains(&identity) {
                entry.owners.retain(|&other| other != owner);
                if entry.owners.is_empty() {
                    self.leave(&identity);
                }
            }
        }
        let mut steps = Vec::new();
        for op in delta(&held, facts) {
            let identity = Identity::of(op.fact());
            match op {
                Op::Remove(_) => {
                    let Some(entry) = self.entries.get_mut(&identity) else { continue };
                    if entry.found && new.contains(&identity) {
                        // For all of its owners; it is put there again at once.
                        steps.extend(self.take_away(owner, &identity));
                        continue;
                    }
                    entry.owners.retain(|&other| other != owner);
                    if entry.owners.is_empty()
                        && let Some(entry) = self.leave(&identity)
                    {
                        let number = self.expect(identity, false);
                        steps.push(Step { owner, op: Op::Remove(entry.fact), number, names: entry.names });
                    }
                }
                Op::Add(fact) => {
                    if let Some(entry) = self.entries.get_mut(&identity) {
                        if !entry.owners.contains(&owner) {
                            entry.owners.push(owner);
                        } else if entry.let_go {
                            continue;
                        }
                        if entry.standing == Standing::Held {
                            continue;
                        }
                        if entry.broken {
                            steps.extend(self.take_away(owner, &identity));
                        }
                    }
                    steps.push(self.put(owner, identity, fact, names));
                }
                Op::Change(fact) => {
                    let shared = |entry: &Entry| !entry.found && entry.owners.iter().any(|&other| other != owner);
                    if !self.entries.get(&identity).is_some_and(|entry| shared(entry)) {
                        steps.extend(self.change(owner, &identity, fact));
                    }
                }
            }
        }
        for identity in &new {
            if let Some(entry) = self.entries.get_mut(identity) {
                entry.found = false;
            }
        }
        if !facts.is_empty() {
            let mut seen = HashSet::new();
            let mut once: Vec<Fact> = facts.iter().filter(|fact| seen.insert(Identity::of(fact))).cloned().collect();
            once.shrink_to_fit();
            self.wanted.insert(owner, once);
        }
        steps
    }

    fn put(&mut self, owner: Owner, identity: Identity, fact: Fact, names: &Names) -> Step {
        let number = self.expect(identity.clone(), true);
        let mut owners = self.entries.get(&identity).map_or_else(Vec::new, |entry| entry.owners.clone());
        if !owners.contains(&owner) {
            owners.push(owner);
        }
        let names = names_of(&fact, names);
        self.enter(identity, Entry::new(fact.clone(), owners, Standing::Held, number, names.clone()));
        Step { owner, op: Op::Add(fact), number, names }
    }

    /// Out of the kernel, though it is still somebody's.
    fn take_away(&mut self, owner: Owner, identity: &Identity) -> Option<Step> {
        let entry = self.entries.get(identity)?;
        let (op, names) = (Op::Remove(entry.fact.clone()), entry.names.clone());
        self.stand(identity, Standing::Lost);
        let number = self.expect(identity.clone(), false);
        Some(Step { owner, op, number, names })
    }

    /// What was to be added is there, in another way. If that is not as it was wanted, these steps make it so.
    fn mend(&mut self, step: &Step, placement: &Placement, names: &Names) -> Vec<Step> {
        let (owner, wanted) = (step.owner, step.op.fact());
        let identity = Identity::of(wanted);
        let Some(entry) = self.entries.get_mut(&identity).filter(|entry| entry.number == step.number && !entry.mended) else {
            return Vec::new();
        };
        let Some(there) = found(placement, wanted, names) else { return Vec::new() };
        entry.fact = there.clone();
        let mut steps = Vec::new();
        for op in delta(&[there], std::slice::from_ref(wanted)) {
            match op {
                Op::Remove(_) => steps.extend(self.take_away(owner, &identity)),
                Op::Add(fact) => steps.push(self.put(owner, identity.clone(), fact, names)),
                Op::Change(fact) => steps.extend(self.change(owner, &identity, fact)),
            }
        }
        if let Some(entry) = self.entries.get_mut(&identity) {
            entry.mended = true;
        }
        steps
    }

    /// The last step towards a fact.
    pub(super) fn number(&self, fact: &Fact) -> u64 {
        self.entries.get(&Identity::of(fact)).map_or(0, |entry| entry.number)
    }

    /// The last step of all.
    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    /// Another lifetime or other flags for what is there.
    fn change(&mut self, owner: Owner, identity: &Identity, fact: Fact) -> Option<Step> {
        self.entries.get_mut(identity)?.fact = fact.clone();
        let number = self.expect(identity.clone(), true);
        if let Some(entry) = self.entries.get_mut(identity) {
            entry.number = number;
        }
        Some(Step { owner, op: Op::Change(fact), number, names: Names::new() })
    }

    /// The leases of an owner begin anew.
    pub(super) fn renew(&mut self, owner: Owner) -> Vec<Step> {
        let leased = |fact: &&Fact| matches!(fact, Fact::Address(placed) if placed.lease.is_some());
        let facts: Vec<Fact> = self.wanted.get(&owner).into_iter().flatten().filter(leased).cloned().collect();
        facts.into_iter().filter_map(|fact| self.change(owner, &Identity::of(&fact), fact)).collect()
    }

    fn expect(&mut self, identity: Identity, coming: bool) -> u64 {
        self.last += 1;
        self.expected.entry(identity).or_default().push_back(Expected { coming, number: self.last });
        self.last
    }

    /// Whether this was still to be heard. What was to be heard before it will not be any more.
    fn heard(&mut self, identity: &Identity, coming: bool) -> bool {
        let Some(list) = self.expected.get_mut(identity) else { return false };
        let Some(index) = list.iter().position(|expected| expected.coming == coming) else { return false };
        list.drain(..=index);
        if list.is_empty() {
            self.expected.remove(identity);
            if self.expected.is_empty() {
                self.expected.shrink_to_fit();
            }
        }
        true
    }

    /// What became of a step.
    pub(super) fn settle(&mut self, step: &Step, snag: &Snag, names: &Names) -> Settled {
        let fact = step.op.fact();
        let identity = Identity::of(fact);
        match (&step.op, snag) {
            (Op::Add(_) | Op::Change(_), Snag::Already(there)) => {
                // Nothing is to be heard of what was there.
                self.forget(&identity, step.number);
                let steps = there.as_ref().map_or_else(Vec::new, |placement| self.mend(step, placement, names));
                Settled { failed: Vec::new(), steps }
            }
            // Somebody else has removed it, and that is still to be heard, or it went with its interface.
            (Op::Remove(_), Snag::Already(_)) => Settled::default(),
            (Op::Remove(_), Snag::Refused(_)) => {
                self.forget(&identity, step.number);
                Settled { failed: vec![(step.owner, fact.clone())], steps: Vec::new() }
            }
            (Op::Add(_) | Op::Change(_), Snag::Refused(_)) => {
                self.forget(&identity, step.number);
                // Unless something has been asked for since.
                if self.entries.get(&identity).is_none_or(|entry| entry.number != step.number) {
                    return Settled::default();
                }
                // A change that was refused leaves what was there.
                let standing = if matches!(step.op, Op::Change(_)) { Standing::Doubtful } else { Standing::Lost };
                self.stand(&identity, standing);
                Settled { failed: self.of_all_owners(&identity), steps: Vec::new() }
            }
        }
    }

    /// Whether something is still to be heard.
    pub(super) fn is_listening(&self) -> bool {
        !self.expected.is_empty()
    }

    /// All that there was to hear of the steps up to a number has been heard, or will never be: an interface takes along what
    /// is on it without a word, and what somebody else removed before us was his to tell.
    pub(super) fn told(&mut self, finished: u64) {
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

    fn forget(&mut self, identity: &Identity, number: u64) {
        if let Some(list) = self.expected.get_mut(identity) {
            list.retain(|expected| expected.number != number);
            if list.is_empty() {
                self.expected.remove(identity);
            }
        }
    }

    /// As each owner said it.
    fn of_all_owners(&self, identity: &Identity) -> Vec<(Owner, Fact)> {
        let Some(entry) = self.entries.get(identity) else { return Vec::new() };
        let said = |owner: &Owner| {
            let facts = self.wanted.get(owner)?;
            let fact = facts.iter().find(|fact| Identity::of(fact) == *identity)?;
            Some((*owner, fact.clone()))
        };
        entry.owners.iter().filter_map(said).collect()
    }

    /// The kernel tells that something has come or changed.
    pub(super) fn seen(&mut self, key: &Key) {
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
    pub(super) fn gone(&mut self, key: &Key, is_up: impl Fn(Device) -> bool) -> Gone {
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
                Fact::Rule(_) => true,
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
    pub(super) fn lacks(&self, identity: &Identity, finished: u64) -> bool {
        self.entries.get(identity).is_some_and(|entry| entry.standing != Standing::Held || entry.number > finished)
    }

    /// Who lacks something that nobody took away: its interface was down, or the kernel refused it.
    pub(super) fn lacking(&self) -> BTreeMap<Owner, Vec<&Fact>> {
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
            Identity::Address { .. } | Identity::Route(_) | Identity::Rule(_) => None,
        };
        let Some(here) = subnet(identity) else { return false };
        let leaves = |list: &VecDeque<Expected>| list.iter().any(|expected| !expected.coming);
        self.expected.iter().any(|(other, list)| other != identity && leaves(list) && subnet(other) == Some(here))
    }

    /// Whether not all of a route has gone.
    fn is_broken(&self, identity: &Identity, key: &Key) -> bool {
        match (identity, key, self.entries.get(identity)) {
            (Identity::Route(route), Key::Route(seen), Some(entry)) => seen.is_part_of(route, &|name: &str| entry.names.get(name).copied()),
            _ => false,
        }
    }

    /// Puts back what went by our own doing.
    pub(super) fn restore(&mut self, identity: &Identity, names: &Names) -> Option<Step> {
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
                    Identity::Address { .. } | Identity::Rule(_) => false,
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
    pub(super) fn link_down(&mut self, device: Device) {
        for identity in self.routes_by(device) {
            self.stand(&identity, Standing::Doubtful);
        }
    }

    /// An IPv4 address has gone: the kernel drops routes that have it as their source, and with the last address of an
    /// interface all that leave by it. It does not say so. Returns whether there may be any.
    pub(super) fn address_gone(&mut self, device: Device, address: IpAddr, was_last: bool) -> bool {
        let from = |entry: &Entry| match &entry.fact {
            Fact::Route(route) => route.preferred_source == Some(address) && entry.is_there(),
            Fact::Address(_) | Fact::Rule(_) => false,
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
    pub(super) fn link_gone(&mut self, device: Device) {
        let on_it = |identity: &Identity| matches!(identity, Identity::Address { device: on, .. } if *on == device);
        let mut lost: Vec<Identity> = self.entries.keys().filter(|identity| on_it(identity)).cloned().collect();
        lost.extend(self.routes_by(device));
        for identity in lost {
            self.stand(&identity, Standing::Lost);
        }
        self.expected.retain(|identity, _| !on_it(identity));
    }

    fn routes_by(&self, device: Device) -> Vec<Identity> {
        let by = |entry: &Entry| {
            matches!(entry.fact, Fact::Route(_))
                && entry.is_there()
                && (entry.ways.contains(&device) || entry.names.values().any(|&on| on == device))
        };
        self.entries.iter().filter(|(_, entry)| by(entry)).map(|(identity, _)| identity.clone()).collect()
    }

    /// Compares with what is there; steps up to a number had been taken when the comparison began. Returns what is missing.
    pub(super) fn compare(&mut self, there: &Index, finished: u64, names: &Names, is_up: impl Fn(Device) -> bool) -> Vec<(Owner, Fact)> {
        // What there was to hear of those was heard or missed.
        self.told(finished);
        let resolve = |name: &str| names.get(name).copied();
        let mut missing = Vec::new();
        let mut found = Vec::new();
        for (identity, entry) in &self.entries {
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

/// What comes of a step that was not simply done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// Who does not get what.
    pub(super) failed: Vec<(Owner, Fact)>,
    pub(super) steps: Vec<Step>,
}

/// A fact as the kernel has it.
fn found(placement: &Placement, wanted: &Fact, names: &Names) -> Option<Fact> {
    let resolve = |name: &str| names.get(name).copied();
    match wanted {
        Fact::Address(wanted) => Some(Fact::Address(placement.placed(wanted, &resolve))),
        Fact::Route(_) | Fact::Rule(_) => None,
    }
}

/// What became of something that is not there any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    Stripped(Vec<(Owner, Fact)>),
    /// The kernel took it along with another one, which we removed.
    WithOneOfOurs(Identity),
}

fn names_of(fact: &Fact, names: &Names) -> Names {
    let Fact::Route(route) = fact else { return Names::new() };
    let said = route.device.iter().chain(route.hops.iter().filter_map(|hop| hop.device.as_ref()));
    said.filter_map(|name| Some((name.clone(), *names.get(name)?))).collect()
}

/// What there is in the kernel, quick to be found.
#[derive(Debug, Default)]
pub(super) struct Index {
    addresses: HashMap<Identity, Placement>,
    rules: HashSet<Identity>,
    routes: HashMap<(Prefix, u32), Vec<Seen>>,
}

impl Index {
    pub(super) fn of(keys: &[Key]) -> Self {
        let mut index = Self::default();
        for key in keys {
            match key {
                Key::Route(seen) => index.routes.entry(seen.place()).or_default().push((**seen).clone()),
                Key::Address(placement) => drop(index.addresses.insert(placement.identity(), placement.clone())),
                Key::Rule(_) => index.rules.extend(key.identity()),
            }
        }
        index
    }

    /// Whether it would have been found if it were there: of routes only those with our number are looked for.
    fn tells_of(&self, fact: &Fact) -> bool {
        match fact {
            Fact::Route(route) => route.protocol == OUR_PROTOCOL,
            Fact::Address(_) | Fact::Rule(_) => true,
        }
    }

    /// What is where this route is to be, and is not as it is wanted.
    fn in_place_of(&self, fact: &Fact, names: &Names) -> Option<Fact> {
        let Fact::Route(route) = fact else { return None };
        let resolve = |name: &str| names.get(name).copied();
        let seen: Vec<&Seen> = self.routes.get(&place(route))?.iter().filter(|seen| seen.is(route, &resolve)).collect();
        if seen.iter().any(|seen| seen.is_as_wanted(route, &resolve)) {
            return None;
        }
        let name = |device: Device| names.iter().find(|&(_, &number)| number == device).map(|(name, _)| name.clone());
        Some(Fact::Route(Box::new(seen.first()?.told(&name))))
    }

    fn has(&self, fact: &Fact, identity: &Identity, resolve: Resolve<'_>) -> bool {
        match fact {
            Fact::Address(_) => self.addresses.contains_key(identity),
            Fact::Rule(_) => self.rules.contains(identity),
            Fact::Route(route) => self.routes.get(&place(route)).is_some_and(|seen| seen.iter().any(|seen| seen.is(route, resolve))),
        }
    }
}

#[cfg(test)]
mod tests;
