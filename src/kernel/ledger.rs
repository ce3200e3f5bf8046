//! What we hold in the kernel, and for whom. It asks nobody and tells nobody: facts, results and changes go in, steps come
//! out.
//!
//! The kernel announces our own doings like those of others. Hence each thing has a list of what is still to be heard of it;
//! what is heard beyond that was done by somebody else.

mod hearing;
mod index;

use super::rtnl::decode::{Placement, network};
use crate::effect::delta::{Identity, Op, delta};
use crate::effect::net::{Device, Fact, Owner};
use crate::model::net::{Prefix, Route};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::net::IpAddr;

pub(super) use hearing::Gone;
pub(super) use index::Index;

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
    /// An interface of ours that somebody else has made something else of.
    altered: bool,
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
        Self {
            fact,
            owners,
            standing,
            found: false,
            broken: false,
            altered: false,
            let_go: false,
            mended: false,
            number,
            names,
            ways: BTreeSet::new(),
        }
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
        Fact::Device(_) | Fact::Setting(_) | Fact::Route(_) | Fact::Rule(_) => None,
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
                        if entry.altered {
                            steps.extend(self.make_good(owner, &identity, fact));
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
        Fact::Device(_) | Fact::Setting(_) | Fact::Route(_) | Fact::Rule(_) => None,
    }
}

fn names_of(fact: &Fact, names: &Names) -> Names {
    let Fact::Route(route) = fact else { return Names::new() };
    let said = route.device.iter().chain(route.hops.iter().filter_map(|hop| hop.device.as_ref()));
    said.filter_map(|name| Some((name.clone(), *names.get(name)?))).collect()
}

#[cfg(test)]
mod tests;
