//! Which processes there are that somebody tracks. Pure: what is found in /proc and what the kernel tells goes in.

use super::process::matches;
use crate::effect::time::Instant;
use crate::model::track::TrackProcess;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A child of a tracked process is the same program at first, and mostly becomes another one at once. So long it has for that
/// before it counts.
pub const SETTLE: Duration = Duration::from_millis(50);

/// How a process looks that is alive.
#[derive(Clone, Copy, Debug)]
pub struct Looks<'a> {
    /// Its short name.
    pub short: &'a [u8],
    /// Its command line, where [`Census::reads_lines`].
    pub words: &'a [&'a [u8]],
}

#[derive(Debug, Default)]
pub struct Census {
    wanted: Vec<TrackProcess>,
    /// Those that are anything we want, and which of it.
    members: BTreeMap<u32, Box<[usize]>>,
    fresh: BTreeMap<u32, Fresh>,
    round: Option<Round>,
}

/// A child that does not count yet.
#[derive(Debug)]
struct Fresh {
    parent: u32,
    counts: Instant,
    kinds: Box<[usize]>,
}

/// A look at everything, under way.
#[derive(Debug, Default)]
struct Round {
    seen: BTreeSet<u32>,
    /// They may still look alive, for the last time.
    ended: BTreeSet<u32>,
}

impl Census {
    /// Nobody is known before a round is over.
    pub fn new(wanted: Vec<TrackProcess>) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Whether short names are not enough.
    pub fn reads_lines(&self) -> bool {
        self.wanted.iter().any(|wanted| wanted.matching.is_some())
    }

    /// Every process that there is will be looked at.
    pub fn begin(&mut self) {
        self.round = Some(Round::default());
    }

    /// Every process has been looked at, so those that were not are no more.
    pub fn end(&mut self) {
        let Some(Round { seen, .. }) = self.round.take() else { return };
        self.members.retain(|pid, _| seen.contains(pid));
        self.fresh.retain(|pid, _| seen.contains(pid));
    }

    /// A process as it looks, or that it is none that is alive.
    pub fn look(&mut self, pid: u32, looks: Option<Looks<'_>>) {
        if let Some(round) = &mut self.round {
            if round.ended.contains(&pid) {
                return;
            }
            round.seen.insert(pid);
        }
        let wanted = self.wanted.iter().enumerate();
        let kinds: Box<[usize]> = match looks {
            Some(Looks { short, words }) => wanted.filter(|(_, wanted)| matches(wanted, short, words)).map(|(index, _)| index).collect(),
            None => Box::default(),
        };
        if kinds.is_empty() {
            self.fresh.remove(&pid);
            self.members.remove(&pid);
        } else if self.fresh.get(&pid).is_none_or(|fresh| fresh.kinds != kinds) {
            self.fresh.remove(&pid);
            self.members.insert(pid, kinds);
        }
    }

    pub fn born(&mut self, now: Instant, pid: u32, parent: u32) {
        if let Some(round) = &mut self.round {
            round.ended.remove(&pid);
            round.seen.insert(pid);
        }
        self.members.remove(&pid);
        let of_fresh = self.fresh.get(&parent).map(|fresh| &fresh.kinds);
        match self.members.get(&parent).or(of_fresh).cloned() {
            Some(kinds) => drop(self.fresh.insert(pid, Fresh { parent, counts: now + SETTLE, kinds })),
            None => drop(self.fresh.remove(&pid)),
        }
    }

    /// Its children that do not count yet take its place: so does a program begin that leaves for the background.
    pub fn ended(&mut self, pid: u32) {
        if let Some(round) = &mut self.round {
            round.ended.insert(pid);
            round.seen.remove(&pid);
        }
        self.members.remove(&pid);
        self.fresh.remove(&pid);
        let left: Vec<u32> = self.fresh.iter().filter(|(_, fresh)| fresh.parent == pid).map(|(&child, _)| child).collect();
        for child in left {
            self.count(child);
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) {
        let settled: Vec<u32> = self.fresh.iter().filter(|(_, fresh)| fresh.counts <= now).map(|(&pid, _)| pid).collect();
        for pid in settled {
            self.count(pid);
        }
    }

    /// When [`Census::tick`] is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.fresh.values().map(|fresh| fresh.counts).min()
    }

    /// How many there are of each kind.
    pub fn counts(&self) -> Vec<(Box<str>, usize)> {
        let mut counts: Vec<_> = self.wanted.iter().map(|wanted| (wanted.name.clone(), 0)).collect();
        for &kind in self.members.values().flatten() {
            if let Some((_, count)) = counts.get_mut(kind) {
                *count += 1;
            }
        }
        counts
    }

    fn count(&mut self, pid: u32) {
        if let Some(fresh) = self.fresh.remove(&pid) {
            self.members.insert(pid, fresh.kinds);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::track::{ParameterMatch, Weight};

    fn wanted(name: &str, process: &str, matching: Option<ParameterMatch>) -> TrackProcess {
        TrackProcess {
            name: name.into(),
            process: process.into(),
            parameters: Box::default(),
            matching,
            weight: Weight::default(),
            quorum: 1,
            quorum_max: None,
            terminate_delay: Duration::ZERO,
            fork_delay: Duration::ZERO,
        }
    }

    fn at(millis: u64) -> Instant {
        Instant::from_nanos(0) + Duration::from_millis(millis)
    }

    fn named(short: &str) -> Option<Looks<'_>> {
        Some(Looks { short: short.as_bytes(), words: &[] })
    }

    fn census() -> Census {
        let mut census = Census::new(vec![wanted("w", "web", None), wanted("again", "/usr/bin/web", None), wanted("d", "db", None)]);
        census.begin();
        for (pid, name) in [(1, "init"), (10, "web"), (11, "web"), (12, "db")] {
            census.look(pid, named(name));
        }
        census.end();
        census
    }

    fn counts(census: &Census) -> Vec<usize> {
        census.counts().into_iter().map(|(_, count)| count).collect()
    }

    #[test]
    fn everybody_is_counted_as_all_that_he_is() {
        let census = census();
        assert_eq!(counts(&census), [2, 2, 1]);
        assert!(!census.reads_lines());
        assert!(Census::new(vec![wanted("w", "web", Some(ParameterMatch::Command))]).reads_lines());
    }

    #[test]
    fn a_process_changes_and_ends() {
        let mut census = census();
        census.look(11, named("db"));
        assert_eq!(counts(&census), [1, 1, 2]);
        census.look(12, None);
        assert_eq!(counts(&census), [1, 1, 1]);
        census.ended(10);
        census.ended(99);
        assert_eq!(counts(&census), [0, 0, 1]);
    }

    #[test]
    fn a_child_counts_when_it_has_stayed_what_its_parent_is() {
        let mut census = census();
        census.born(at(0), 20, 12);
        census.born(at(0), 21, 1);
        assert_eq!((counts(&census), census.next_deadline()), (vec![2, 2, 1], Some(at(0) + SETTLE)));
        census.tick(at(0) + SETTLE - Duration::from_millis(1));
        assert_eq!(counts(&census), [2, 2, 1]);
        census.tick(at(0) + SETTLE);
        assert_eq!((counts(&census), census.next_deadline()), (vec![2, 2, 2], None));
    }

    #[test]
    fn a_child_that_becomes_another_program_never_counts_as_its_parent() {
        let mut census = census();
        census.born(at(0), 20, 12);
        census.look(20, named("sh"));
        census.tick(at(1000));
        assert_eq!(counts(&census), [2, 2, 1]);
        census.born(at(1000), 22, 12);
        census.look(22, named("web"));
        assert_eq!(counts(&census), [3, 3, 1], "what it has become counts at once");
        census.born(at(1000), 23, 12);
        census.ended(23);
        census.tick(at(2000));
        assert_eq!(counts(&census), [3, 3, 1]);
    }

    #[test]
    fn a_program_that_leaves_for_the_background_is_never_missed() {
        let mut census = census();
        census.born(at(0), 20, 12);
        census.born(at(1), 21, 20);
        census.ended(12);
        assert_eq!(counts(&census), [2, 2, 1], "the child in the place of the parent");
        census.ended(20);
        assert_eq!(counts(&census), [2, 2, 1], "and the grandchild");
    }

    #[test]
    fn a_round_finds_what_was_missed_and_loses_nothing_that_happens_meanwhile() {
        let mut census = census();
        census.begin();
        census.born(at(0), 20, 12);
        census.look(11, named("web"));
        census.ended(12);
        // It was in the list, and is still there to be looked at.
        census.look(12, named("db"));
        census.look(1, named("init"));
        census.look(30, named("db"));
        census.end();
        assert_eq!(counts(&census), [1, 1, 2], "11, 20 and 30");
        census.begin();
        census.ended(30);
        census.born(at(0), 30, 11);
        census.look(30, named("db"));
        census.look(11, named("web"));
        census.look(20, named("db"));
        census.end();
        assert_eq!(counts(&census), [1, 1, 2], "a number may be given anew");
    }
}
