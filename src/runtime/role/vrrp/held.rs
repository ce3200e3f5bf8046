//! What the instances want to hold, as far as it can be announced.

use crate::effect::net::{Device, Fact, InstanceId};
use crate::effect::packet::Target;
use crate::model::net::Family;
use std::collections::{BTreeMap, BTreeSet};

/// The addresses of each instance in their order, without those that the kernel refused. `T` tells when each will be there.
#[derive(Debug)]
pub(super) struct Held<T> {
    by_instance: BTreeMap<InstanceId, Box<[(Target, T)]>>,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self { by_instance: BTreeMap::new() }
    }
}

/// What of a fact can be announced.
pub(super) fn target(fact: &Fact) -> Option<Target> {
    match fact {
        Fact::Address(placed) => Some(Target { device: placed.device, address: placed.address.prefix.address }),
        Fact::Device(_) | Fact::Setting(_) | Fact::Route(_) | Fact::Rule(_) => None,
    }
}

impl<T: Copy + Ord> Held<T> {
    /// All that the instance wants from now on; returns what it does not want any more.
    pub(super) fn put(&mut self, instance: InstanceId, mut wanted: Vec<(Target, T)>) -> BTreeSet<Target> {
        wanted.sort_unstable();
        wanted.dedup_by_key(|(target, _)| *target);
        let before = match wanted.is_empty() {
            true => self.by_instance.remove(&instance),
            false => self.by_instance.insert(instance, wanted.into()),
        };
        let gone = before.into_iter().flatten().map(|(target, _)| target);
        gone.filter(|target| self.when(instance, target).is_none()).collect()
    }

    pub(super) fn refuse(&mut self, instance: InstanceId, target: Target) {
        if let Some(list) = self.by_instance.get_mut(&instance) {
            *list = list.iter().filter(|(other, _)| *other != target).copied().collect();
        }
    }

    /// When it is there, if the instance wants it.
    pub(super) fn when(&self, instance: InstanceId, target: &Target) -> Option<T> {
        let list = self.by_instance.get(&instance)?;
        let index = list.binary_search_by_key(target, |(target, _)| *target).ok()?;
        list.get(index).map(|&(_, when)| when)
    }

    pub(super) fn is_of_any(&self, target: &Target) -> bool {
        self.by_instance.keys().any(|&instance| self.when(instance, target).is_some())
    }

    pub(super) fn places(&self) -> BTreeSet<(Device, Family)> {
        self.by_instance.values().flatten().map(|(target, _)| (target.device, Family::of(target.address))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(last: u8) -> Target {
        Target { device: Device(1), address: [10, 0, 0, last].into() }
    }

    #[test]
    fn what_is_not_wanted_any_more_is_told() {
        let (one, mut held) = (InstanceId(1), Held::default());
        assert_eq!(held.put(one, vec![(target(3), 7), (target(1), 8), (target(3), 9)]), BTreeSet::new());
        assert_eq!((held.when(one, &target(3)), held.when(one, &target(2))), (Some(7), None));
        assert_eq!(held.put(one, vec![(target(1), 8), (target(2), 10)]), BTreeSet::from([target(3)]));
        assert_eq!(held.put(one, vec![]), BTreeSet::from([target(1), target(2)]));
        assert!(!held.is_of_any(&target(1)) && held.places().is_empty());
    }

    #[test]
    fn what_was_refused_is_not_held() {
        let mut held = Held::default();
        held.put(InstanceId(1), vec![(target(1), 0), (target(2), 0)]);
        held.refuse(InstanceId(1), target(1));
        assert_eq!((held.is_of_any(&target(1)), held.is_of_any(&target(2))), (false, true));
        assert_eq!(held.places(), BTreeSet::from([(Device(1), Family::V4)]));
    }
}
