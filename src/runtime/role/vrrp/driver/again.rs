//! What is done when changes of the network were missed: the kernel is asked for all there is, and whatever differs from what is
//! known is taken in. Adverts go on: the writer asks, and what it has seen is taken in a little at a time.

use super::{AGAIN, Driver};
use crate::effect::net::{Fact, Links, Owner};
use crate::kernel::holder::Comparison;
use crate::kernel::rtnl::Change;
use crate::kernel::timer::now;
use crate::runtime::role::vrrp::difference::{difference, is_about_links};
use crate::vrrp::Event;
use std::collections::VecDeque;
use std::time::Duration;

/// How long one turn takes in what was seen, and so many facts are compared before the clock is looked at.
const TURN: Duration = Duration::from_millis(2);
const FACTS: usize = 64;

#[derive(Debug, Default)]
pub(super) enum Again {
    #[default]
    Nothing,
    /// Changes were missed. When it is time, what there is to hear is thrown away: it is older than what is asked for then.
    Missed,
    /// The kernel is looked at.
    Looking,
    /// What was seen is taken in. Until that is over no change is heard: it would be overtaken by what was before it.
    TakingIn(Box<Seen>),
}

/// What is still to be taken in.
#[derive(Debug)]
pub(super) struct Seen {
    events: VecDeque<Event<'static>>,
    comparison: Comparison,
    stripped: Vec<(Owner, Fact)>,
}

impl Again {
    pub(super) const fn is_taking_in(&self) -> bool {
        matches!(self, Self::TakingIn(_))
    }

    pub(super) const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

impl Driver {
    /// What is known is not to be relied on. After this time the kernel is asked.
    pub(super) fn missed(&mut self, wait: Duration) {
        // Whatever is being looked at.
        drop(self.holder.observe(&Change::Overrun));
        self.again = Again::Missed;
        self.lost = Some(now() + wait);
    }

    /// The next step. To be called when it is known how far the writer is.
    pub(super) fn look_again(&mut self) {
        match std::mem::take(&mut self.again) {
            Again::TakingIn(seen) => return self.take_in(seen),
            other @ (Again::Nothing | Again::Missed | Again::Looking) => self.again = other,
        }
        let missed = matches!(self.again, Again::Missed);
        if !missed && self.holder.has_looked() {
            self.take_look();
        }
        if missed && self.lost.is_some_and(|at| at <= now()) {
            match self.monitor.skip() {
                Ok(true) => {
                    self.holder.look();
                    (self.again, self.lost) = (Again::Looking, None);
                }
                // More of it in the next turn, which comes at once.
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!("changes of the network are not heard of: {error}");
                    self.missed(AGAIN);
                }
            }
        }
    }

    /// The kernel was looked at, for us or for a reload.
    fn take_look(&mut self) {
        // What happened before it was looked at is in what was seen, and must not be heard after that.
        let all = self.observe();
        if !self.holder.has_looked() {
            // More changes were missed.
            return;
        }
        if !all {
            self.lost = Some(now());
            return;
        }
        self.lost = None;
        let looking = matches!(self.again, Again::Looking);
        match self.holder.take_look() {
            Ok(links) if looking => self.begin_to_take_in(links),
            Ok(_) => self.forget_what_was_seen(),
            Err(error) => {
                tracing::warn!("the kernel does not tell what there is: {error}");
                if looking {
                    self.missed(AGAIN);
                }
            }
        }
    }

    fn begin_to_take_in(&mut self, links: Links) {
        let (comparison, stripped) = self.holder.compare(links);
        let events = difference(self.engine.links(), self.holder.links()).into();
        self.again = Again::TakingIn(Box::new(Seen { events, comparison, stripped }));
        self.lost = Some(now());
    }

    fn take_in(&mut self, mut seen: Box<Seen>) {
        let until = now() + TURN;
        while now() < until {
            if let Some(event) = seen.events.pop_front() {
                if is_about_links(&event) {
                    self.judge_link(event);
                } else {
                    self.handle(event);
                }
            } else if !seen.comparison.is_over() {
                seen.stripped.extend(self.holder.compare_some(&mut seen.comparison, FACTS));
            } else {
                self.lost = None;
                self.forget_what_was_seen();
                return self.stripped(seen.stripped);
            }
        }
        // The next turn comes at once.
        (self.again, self.lost) = (Again::TakingIn(seen), Some(now()));
    }

    /// Unless a reload is going to need it; until then it is kept up to date.
    fn forget_what_was_seen(&mut self) {
        if self.awaited.is_none() {
            self.holder.forget();
        }
    }
}
