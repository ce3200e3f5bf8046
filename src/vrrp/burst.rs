//! When a master announces its addresses, beyond the moment when it becomes one.

use crate::effect::time::Instant;
use crate::model::vrrp::Garp;
use std::collections::VecDeque;

/// No more bursts than this wait because of lower adverts; a stream of them adds none.
const MOST_WAITING: usize = 8;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bursts {
    second: Option<Instant>,
    refresh: Option<Instant>,
    extra: Option<Instant>,
    after_lower: VecDeque<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// So many announcements of every address.
    Rounds(u32),
    /// One on each interface that adverts do not keep known to switches: `all` of these, or the virtual MACs.
    Extra { all: bool },
}

impl Bursts {
    /// A new master, or one with a new address: the second burst comes after the delay, the refreshes after that.
    pub(super) fn start(now: Instant, garp: &Garp) -> Self {
        Self {
            second: (!garp.delay.is_zero()).then(|| now + garp.delay),
            refresh: (!garp.refresh.is_zero()).then(|| now + garp.delay + garp.refresh),
            extra: garp.extra.map(|extra| now + extra.interval),
            after_lower: VecDeque::new(),
        }
    }

    /// A master that goes on under a new configuration; `fresh` if it has a new address.
    pub(super) fn reconfigure(&mut self, now: Instant, garp: &Garp, fresh: bool) {
        let started = Self::start(now, garp);
        if fresh {
            self.second = started.second;
        }
        self.refresh = match (self.refresh, started.refresh) {
            (Some(old), Some(new)) => Some(old.min(new)),
            (None, new) => new,
            (Some(_), None) => None,
        };
        self.extra = started.extra;
    }

    /// A lower advert: once more after its delay. The first burst is the caller's.
    pub(super) fn lower(&mut self, now: Instant, garp: &Garp) {
        if !garp.lower_prio_delay.is_zero() && garp.lower_prio_repeat > 0 && self.after_lower.len() < MOST_WAITING {
            self.after_lower.push_back(now + garp.lower_prio_delay);
        }
    }

    pub(super) fn next(&self) -> Option<Instant> {
        [self.second, self.refresh, self.extra, self.after_lower.front().copied()].into_iter().flatten().min()
    }

    /// What is due, if anything.
    pub(super) fn due(&mut self, now: Instant, garp: &Garp) -> Option<Due> {
        let mut rounds = 0;
        let mut extra = None;
        let mut add = |repeat: u32| rounds = repeat.max(rounds);
        if self.second.is_some_and(|at| at <= now) {
            self.second = None;
            add(garp.repeat);
        }
        if self.refresh.is_some_and(|at| at <= now) {
            self.refresh = (!garp.refresh.is_zero()).then(|| now + garp.refresh);
            add(garp.refresh_repeat);
        }
        if self.extra.is_some_and(|at| at <= now) {
            self.extra = garp.extra.map(|extra| now + extra.interval);
            extra = garp.extra.map(|extra| Due::Extra { all: extra.all });
        }
        while self.after_lower.front().is_some_and(|&at| at <= now) {
            self.after_lower.pop_front();
            add(garp.lower_prio_repeat);
        }
        if rounds > 0 { Some(Due::Rounds(rounds)) } else { extra }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::global::vrrp::ExtraGarp;
    use std::time::Duration;

    const fn garp(delay: u64, refresh: u64, lower: u64) -> Garp {
        Garp {
            delay: Duration::from_secs(delay),
            repeat: 5,
            refresh: Duration::from_secs(refresh),
            refresh_repeat: 2,
            lower_prio_delay: Duration::from_secs(lower),
            lower_prio_repeat: 3,
            extra: None,
        }
    }

    fn all_due(bursts: &mut Bursts, garp: &Garp, until: u64) -> Vec<(u64, Due)> {
        let mut list = Vec::new();
        while let Some(at) = bursts.next().filter(|at| *at <= seconds(until)) {
            list.extend(bursts.due(at, garp).map(|due| (at.as_nanos() / 1_000_000_000, due)));
        }
        list
    }

    fn run(bursts: &mut Bursts, garp: &Garp, until: u64) -> Vec<(u64, u32)> {
        let rounds = |(at, due)| match due {
            Due::Rounds(rounds) => Some((at, rounds)),
            Due::Extra { .. } => None,
        };
        all_due(bursts, garp, until).into_iter().filter_map(rounds).collect()
    }

    fn seconds(n: u64) -> Instant {
        Instant::from_nanos(n * 1_000_000_000)
    }

    #[test]
    fn the_second_burst_comes_after_the_delay_and_refreshes_after_both() {
        let garp = garp(2, 3, 1);
        assert_eq!(run(&mut Bursts::start(seconds(0), &garp), &garp, 9), [(2, 5), (5, 2), (8, 2)]);
    }

    #[test]
    fn further_interfaces_have_their_turn_unless_everything_is_announced_then() {
        for all in [false, true] {
            let garp = Garp { extra: Some(ExtraGarp { interval: Duration::from_secs(2), all }), ..garp(4, 0, 1) };
            let due = all_due(&mut Bursts::start(seconds(0), &garp), &garp, 7);
            assert_eq!(due, [(2, Due::Extra { all }), (4, Due::Rounds(5)), (6, Due::Extra { all })]);
        }
    }

    #[test]
    fn every_lower_advert_has_a_burst_of_its_own_later_but_a_stream_adds_no_more_than_eight() {
        let garp = garp(0, 0, 1);
        let mut bursts = Bursts::start(seconds(0), &garp);
        bursts.lower(seconds(1), &garp);
        bursts.lower(seconds(2), &garp);
        assert_eq!(run(&mut bursts, &garp, 9), [(2, 3), (3, 3)]);
        for _ in 0..100 {
            bursts.lower(seconds(10), &garp);
        }
        assert_eq!(bursts.after_lower.len(), MOST_WAITING);
    }
}
