//! What tells others of our addresses waits until the addresses are there, all in the order in which it was said.

use crate::effect::net::InstanceId;
use crate::effect::notice::Notice;
use crate::effect::packet::{Announce, Target};
use std::collections::{BTreeSet, VecDeque};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    Announce {
        announce: Announce,
        /// Those that the instance wanted to hold when it said so; others are not its own to hold.
        held: BTreeSet<Target>,
    },
    Probe(Box<[Target]>),
    Notify(Notice),
}

/// `T` tells how far the facts must be in the kernel.
#[derive(Debug)]
pub(super) struct Later<T> {
    queue: VecDeque<(Option<T>, Waiting)>,
}

impl<T> Default for Later<T> {
    fn default() -> Self {
        Self { queue: VecDeque::new() }
    }
}

impl<T: Copy + PartialOrd> Later<T> {
    /// Puts it behind what waits already, and behind the facts up to `after`.
    pub(super) fn put(&mut self, after: Option<T>, what: Waiting) {
        self.queue.push_back((after, what));
    }

    /// Whether there is a next one whose facts are in the kernel.
    pub(super) fn is_ready(&self, done: T) -> bool {
        self.queue.front().is_some_and(|(after, _)| after.is_none_or(|after| after <= done))
    }

    /// The next one, if the facts before it are in the kernel.
    pub(super) fn next(&mut self, done: T) -> Option<Waiting> {
        if self.is_ready(done) { self.take() } else { None }
    }

    /// The next one, whatever it waits for.
    pub(super) fn take(&mut self) -> Option<Waiting> {
        self.queue.pop_front().map(|(_, what)| what)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Gives up room that is not needed.
    pub(super) fn shrink(&mut self) {
        self.queue.shrink_to_fit();
    }

    /// Announcements of the instance are not to be made any more.
    pub(super) fn silence(&mut self, instance: InstanceId) {
        self.queue.retain(|(_, what)| match what {
            Waiting::Announce { announce, .. } => announce.instance != instance,
            Waiting::Probe(_) | Waiting::Notify(_) => true,
        });
    }
}

/// What of an announcement is still true: an address that was to be held then and is not now is left out.
pub(super) fn still_held(mut announce: Announce, held: &BTreeSet<Target>, now: Option<&BTreeSet<Target>>) -> Announce {
    let gone = |target: &Target| held.contains(target) && !now.is_some_and(|now| now.contains(target));
    announce.targets = announce.targets.into_iter().filter(|target| !gone(target)).collect();
    announce
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::net::Device;

    fn target(last: u8) -> Target {
        Target { device: Device(1), address: [10, 0, 0, last].into() }
    }

    fn announce(instance: u32) -> Waiting {
        let announce = Announce { instance: InstanceId(instance), targets: [target(1)].into(), repeat: 1 };
        Waiting::Announce { announce, held: BTreeSet::new() }
    }

    fn probe(last: u8) -> Waiting {
        Waiting::Probe([target(last)].into())
    }

    #[test]
    fn what_waits_for_nothing_stays_behind_what_waits() {
        let mut later = Later::default();
        later.put(Some(2), probe(1));
        later.put(None, probe(2));
        later.put(Some(3), probe(3));
        assert_eq!(later.next(1), None);
        assert_eq!(later.next(2), Some(probe(1)));
        assert_eq!(later.next(2), Some(probe(2)));
        assert_eq!(later.next(2), None);
        assert_eq!(later.take(), Some(probe(3)));
        assert_eq!(later.take(), None);
    }

    #[test]
    fn a_silenced_instance_leaves_the_others_in_their_order() {
        let mut later = Later::default();
        for what in [announce(1), probe(1), announce(2), announce(1), probe(2)] {
            later.put(Some(1), what);
        }
        later.silence(InstanceId(1));
        let left: Vec<Waiting> = std::iter::from_fn(|| later.next(1)).collect();
        assert_eq!(left, [probe(1), announce(2), probe(2)]);
    }

    #[test]
    fn an_address_that_is_not_wanted_any_more_is_not_announced() {
        let Waiting::Announce { announce, .. } = announce(1) else { return };
        let announce = Announce { targets: [target(1), target(2), target(3)].into(), ..announce };
        let held = BTreeSet::from([target(1), target(2)]);
        let targets = |now: Option<&BTreeSet<Target>>| still_held(announce.clone(), &held, now).targets.to_vec();
        assert_eq!(targets(Some(&BTreeSet::from([target(2)]))), [target(2), target(3)]);
        assert_eq!(targets(None), [target(3)]);
    }
}
