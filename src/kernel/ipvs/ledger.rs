//! What is wanted of each service, and by whom. It asks nobody and tells nobody.
//!
//! The destinations of services are most of what the process remembers, so they are kept once: what is wanted and what is in
//! the kernel are the same, but for what is noted beside.

use super::message::mask;
use crate::effect::ipvs::delta::View;
use crate::effect::ipvs::{Dest, DestKey, ServerId, Service, ServiceKey, Settings};
use crate::model::lvs::{Granularity, Persistence};
use crate::model::net::Family;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::Ipv4Addr;
use std::time::Duration;

/// The kernel's largest.
const MOST_WEIGHT: u32 = i32::MAX.cast_unsigned();
const _: () = assert!(size_of::<Dest>() <= 40);

#[derive(Debug)]
struct Want {
    owner: ServerId,
    settings: Settings,
    dests: Box<[Dest]>,
}

/// What was refused, so that it is not reported again as long as it stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) dest: Option<DestKey>,
    pub(super) error: i32,
}

/// One service. The first owner's settings count; the destinations are everybody's, and of two with one key the earlier
/// owner's counts.
#[derive(Debug, Default)]
pub(super) struct Entry {
    wants: Vec<Want>,
    /// The kernel refused the service itself.
    pub(super) absent: bool,
    pub(super) troubles: Vec<Trouble>,
    /// How many looks are to be skipped, and how many were last: what does not stay mended is mended ever more rarely.
    pub(super) wait: u8,
    pub(super) patience: u8,
    /// Of the look that is under way: the kernel has it, and it is not to be skipped.
    pub(super) due: bool,
}

impl Entry {
    pub(super) fn settings(&self) -> Option<&Settings> {
        self.wants.first().map(|want| &want.settings)
    }

    pub(super) fn dests(&self) -> Cow<'_, [Dest]> {
        match &*self.wants {
            [] => Cow::Borrowed(&[]),
            [only] => Cow::Borrowed(&only.dests),
            several => {
                let mut seen = HashSet::new();
                Cow::Owned(several.iter().flat_map(|want| &*want.dests).filter(|dest| seen.insert(dest.key)).copied().collect())
            }
        }
    }

    /// As it should be in the kernel now, as far as is known.
    fn held(&self) -> Option<Held> {
        let settings = self.settings().filter(|_| !self.absent)?.clone();
        Some(Held { settings, dests: self.dests().into() })
    }
}

/// A service as it is in the kernel.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) settings: Settings,
    pub(super) dests: Box<[Dest]>,
}

impl Held {
    pub(super) fn view(&self) -> View<'_> {
        View { settings: &self.settings, dests: &self.dests }
    }
}

/// A service for which something has been staged.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) key: ServiceKey,
    /// As it was before.
    pub(super) held: Option<Held>,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: BTreeMap<ServiceKey, Entry>,
    owned: HashMap<ServerId, Box<[ServiceKey]>>,
    staged: Vec<Staged>,
    marked: HashSet<ServiceKey>,
}

impl Ledger {
    /// From here on this is all that the owner wants.
    pub(super) fn stage(&mut self, owner: ServerId, services: impl IntoIterator<Item = Service>) {
        let before = self.owned.remove(&owner).unwrap_or_default();
        let (mut keys, mut seen) = (Vec::new(), HashSet::new());
        for service in services {
            let Service { key, settings, dests } = service;
            if !seen.insert(key) {
                continue;
            }
            keys.push(key);
            let want = Want { owner, settings: normal(settings, key.family()), dests: normal_dests(dests) };
            let wants = self.entries.get(&key).map_or(&[][..], |entry| &entry.wants);
            let place = wants.iter().position(|want| want.owner == owner);
            let same =
                place.and_then(|place| wants.get(place)).is_some_and(|old| (&old.settings, &old.dests) == (&want.settings, &want.dests));
            if same {
                continue;
            }
            self.mark(key);
            let entry = self.entries.entry(key).or_default();
            match place.and_then(|place| entry.wants.get_mut(place)) {
                Some(old) => *old = want,
                None => {
                    // Nearly all services have one owner.
                    entry.wants.reserve_exact(1);
                    entry.wants.push(want);
                }
            }
            // Something else is worth another try.
            (entry.wait, entry.patience) = (0, 0);
            entry.troubles.clear();
        }
        for key in before.into_iter().filter(|key| !seen.contains(key)) {
            self.mark(key);
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.wants.retain(|want| want.owner != owner);
                if entry.wants.is_empty() {
                    self.entries.remove(&key);
                }
            }
        }
        if !keys.is_empty() {
            self.owned.insert(owner, keys.into());
        }
    }

    fn mark(&mut self, key: ServiceKey) {
        if self.marked.insert(key) {
            self.staged.push(Staged { key, held: self.entries.get(&key).and_then(Entry::held) });
        }
    }

    /// In the order in which it was staged.
    pub(super) fn take_staged(&mut self) -> Vec<Staged> {
        self.marked = HashSet::new();
        std::mem::take(&mut self.staged)
    }

    pub(super) const fn is_staged(&self) -> bool {
        !self.staged.is_empty()
    }

    pub(super) fn get(&self, key: ServiceKey) -> Option<&Entry> {
        self.entries.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: ServiceKey) -> Option<&mut Entry> {
        self.entries.get_mut(&key)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (ServiceKey, &mut Entry)> {
        self.entries.iter_mut().map(|(key, entry)| (*key, entry))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The keys that follow this one, the first after the last.
    pub(super) fn keys_after(&self, key: Option<ServiceKey>) -> impl Iterator<Item = ServiceKey> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let (after, until) = match key {
            Some(key) => (Excluded(key), Included(key)),
            None => (Unbounded, Unbounded),
        };
        let around = self.entries.range((Unbounded, until)).take(if key.is_some() { usize::MAX } else { 0 });
        self.entries.range((after, Unbounded)).chain(around).map(|(key, _)| *key)
    }

    /// Forgets everything, and tells what there was.
    pub(super) fn clear(&mut self) -> impl Iterator<Item = ServiceKey> + use<> {
        let staged = self.take_staged().into_iter().filter(|staged| staged.held.is_some()).map(|staged| staged.key);
        self.owned = HashMap::new();
        let mut keys: HashSet<ServiceKey> = staged.collect();
        keys.extend(std::mem::take(&mut self.entries).into_iter().filter(|(_, entry)| !entry.absent).map(|(key, _)| key));
        keys.into_iter()
    }
}

/// As the kernel tells it back.
fn normal(settings: Settings, family: Family) -> Settings {
    let persistence = settings.persistence.map(|persistence| Persistence {
        timeout: Duration::from_secs(persistence.timeout.as_secs().min(u32::MAX.into())),
        granularity: persistence.granularity.and_then(|granularity| normal_granularity(family, granularity)),
        ..persistence
    });
    Settings { persistence, ..settings }
}

/// The one under which each client stands alone is none.
fn normal_granularity(family: Family, granularity: Granularity) -> Option<Granularity> {
    match family {
        Family::V4 => {
            let mask = match granularity {
                Granularity::Mask(mask) => mask,
                Granularity::Prefix(length) => mask(length),
            };
            (mask != Ipv4Addr::BROADCAST).then_some(Granularity::Mask(mask))
        }
        Family::V6 => {
            let length = match granularity {
                Granularity::Mask(mask) => u8::try_from(mask.to_bits().count_ones()).unwrap_or(u8::MAX),
                Granularity::Prefix(length) => length,
            };
            (length < 128).then_some(Granularity::Prefix(length))
        }
    }
}

fn normal_dests(mut dests: Box<[Dest]>) -> Box<[Dest]> {
    for dest in &mut dests {
        dest.weight = dest.weight.min(MOST_WEIGHT);
    }
    let mut seen = HashSet::with_capacity(dests.len());
    if dests.iter().all(|dest| seen.insert(dest.key)) {
        return dests;
    }
    seen.clear();
    dests.into_iter().filter(|dest| seen.insert(dest.key)).collect()
}
