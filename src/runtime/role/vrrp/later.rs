//! What tells others of our addresses waits until the addresses are there, all in the order in which it was said.

use crate::effect::net::InstanceId;
use crate::effect::notice::Notice;
use crate::effect::packet::{Announce, Target};
use std::collections::VecDeque;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    Announce {
        announce: Announce,
        /// Which of them the instance wanted to hold when it said so; others are not its own to hold.
        held: Box<[bool]>,
    },
    Probe(Box<[Target]>),
    Notify(Notice),
}

impl Waiting {
    const fn is_announcement(&self) -> bool {
        matches!(self, Self::Announce { .. })
    }
}

/// Addresses that are announced together, while others are on their way into the kernel.
const PORTION: usize = 64;
/// What may wait without taking room for good.
const ROOM: usize = 64;

/// `T` tells how far the facts must be in the kernel.
#[derive(Debug)]
pub(super) struct Later<T> {
    queue: VecDeque<(Option<T>, Waiting)>,
    announcements: usize,
}

impl<T> Default for Later<T> {
    fn default() -> Self {
        Self { queue: VecDeque::new(), announcements: 0 }
    }
}

impl<T: Copy + PartialOrd> Later<T> {
    /// Puts it behind what waits already, and behind the facts up to `after`.
    pub(super) fn put(&mut self, after: Option<T>, what: Waiting) {
        self.announcements += usize::from(what.is_announcement());
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
        let (_, what) = self.queue.pop_front()?;
        self.announcements -= usize::from(what.is_announcement());
        if self.queue.is_empty() && self.queue.capacity() > ROOM {
            self.queue = VecDeque::new();
        }
        Some(what)
    }

    pub(super) const fn has_announcements(&self) -> bool {
        self.announcements > 0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Announcements of the instance are not to be made any more.
    pub(super) fn silence(&mut self, instance: InstanceId) {
        self.queue.retain(|(_, what)| match what {
            Waiting::Announce { announce, .. } => announce.instance != instance,
            Waiting::Probe(_) | Waiting::Notify(_) => true,
        });
        self.announcements = self.queue.iter().filter(|(_, what)| what.is_announcement()).count();
    }
}

/// What of an announcement is still true: an address that was to be held then and is not now is left out.
pub(super) fn still_held(mut announce: Announce, held: &[bool], now: impl Fn(&Target) -> bool) -> Announce {
    let then = held.iter().copied().chain(std::iter::repeat(false));
    announce.targets =
        announce.targets.into_iter().zip(then).filter(|(target, held)| !held || now(target)).map(|(target, _)| target).collect();
    announce
}

/// An announcement of what is in the kernel at different times, in parts that need not wait for one another. `when` tells of
/// the addresses that the instance holds; others wait for all facts.
pub(super) fn portions<T: Copy + Ord>(
    announce: &Announce,
    done: T,
    all: Option<T>,
    when: impl Fn(&Target) -> Option<T>,
) -> Vec<(Option<T>, Waiting)> {
    let times: Vec<Option<T>> = announce.targets.iter().map(when).collect();
    let waits = times.iter().any(|time| time.is_none_or(|time| time > done));
    let size = if waits { PORTION } else { times.len().max(1) };
    let portion = |(targets, times): (&[Target], &[Option<T>])| {
        let after = if times.contains(&None) { all } else { times.iter().copied().flatten().max() };
        let held = times.iter().map(Option::is_some).collect();
        (after, Waiting::Announce { announce: Announce { targets: targets.into(), ..*announce }, held })
    };
    announce.targets.chunks(size).zip(times.chunks(size)).map(portion).collect()
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
        Waiting::Announce { announce, held: Box::default() }
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
        let targets = |now: &[Target]| still_held(announce.clone(), &[true, true], |target| now.contains(target)).targets.to_vec();
        assert_eq!(targets(&[target(2)]), [target(2), target(3)]);
        assert_eq!(targets(&[]), [target(3)]);
    }

    #[test]
    fn many_addresses_are_announced_as_they_come_into_the_kernel() {
        let targets: Box<[Target]> = (0..150).map(target).collect();
        let announce = Announce { instance: InstanceId(1), targets: targets.clone(), repeat: 2 };
        let parts = |done: u8, when: &dyn Fn(&Target) -> Option<u8>| -> Vec<(Option<u8>, usize)> {
            let parts = portions(&announce, done, Some(200), when);
            let of = |part: &Waiting| match part {
                Waiting::Announce { announce, held } => announce.targets.len().min(held.len()),
                Waiting::Probe(_) | Waiting::Notify(_) => 0,
            };
            parts.iter().map(|(after, part)| (*after, of(part))).collect()
        };
        let index = |target: &Target| targets.iter().position(|other| other == target).and_then(|index| u8::try_from(index).ok());
        assert_eq!(parts(0, &index), [(Some(63), 64), (Some(127), 64), (Some(149), 22)]);
        assert_eq!(parts(149, &index), [(Some(149), 150)], "all is there");
        let mostly = |target: &Target| index(target).filter(|&index| index != 70);
        assert_eq!(parts(0, &mostly), [(Some(63), 64), (Some(200), 64), (Some(149), 22)], "one is somebody else's");
    }

    #[test]
    fn it_is_known_whether_announcements_wait() {
        let mut later = Later::default();
        for what in [announce(1), probe(1), announce(2)] {
            later.put(Some(1), what);
        }
        later.silence(InstanceId(2));
        assert!(later.has_announcements());
        assert!(later.take().is_some() && !later.has_announcements() && !later.is_empty());
    }
}
