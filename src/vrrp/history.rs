//! What happened to an instance and mattered, for whoever asks why it is what it is. It is forgotten with the process.

use super::fault::Cause;
use super::instance::Instance;
use super::view::{Reason, State};
use crate::effect::time::Instant;
use crate::model::track::Weight;
use crate::model::vrrp::Priority;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

/// So much of it is kept of each instance.
pub const KEPT: usize = 32;

/// One thing, or the same thing several times in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub first: Instant,
    pub last: Instant,
    pub times: u32,
    pub happening: Happening,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The process carries on where one was that died.
    Resumed,
    /// Another configuration was taken over.
    Reloaded,
    Entered(State),
    /// No advert came for so long.
    Silent(Wait),
    /// The master said priority 0: it is waited for no longer than this.
    Resigned {
        master: IpAddr,
        wait: Duration,
    },
    /// As a backup it heard a master that it does not accept, being better.
    Lower {
        from: IpAddr,
        theirs: u8,
        ours: u8,
    },
    /// There is another master, or the same with another priority.
    Follows {
        master: IpAddr,
        theirs: u8,
        ours: u8,
    },
    /// As a master it heard a better one.
    Outranked {
        by: IpAddr,
        theirs: u8,
        ours: u8,
        source: Option<IpAddr>,
    },
    /// As a master it heard a worse one, and told it so.
    Answered {
        from: IpAddr,
        theirs: u8,
        ours: u8,
    },
    /// Two routers say that they own the addresses, and this one gives in.
    YieldsOwnership {
        to: IpAddr,
    },
    /// Something that it tracks has said something new.
    Reported(Term),
    Priority {
        before: u8,
        after: u8,
    },
    Failed(Box<[Cause]>),
    /// Another member of its group has taken it along.
    WithGroup {
        group: Box<str>,
        member: Box<str>,
        to: State,
    },
    /// It would be master if its group were.
    HeldBack,
    /// The process did not run for so long.
    Stalled(Duration),
}

const _: () = assert!(size_of::<Entry>() <= 88);

/// How long a backup waits for its master, and why so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    pub adverts: u8,
    pub interval: Duration,
    /// What the skew is made of.
    pub priority: u8,
    pub skew: Duration,
    pub total: Duration,
}

/// What a tracked object makes of the priority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    pub kind: Kind,
    pub name: Box<str>,
    pub weight: Weight,
    pub says: Says,
    pub adds: i32,
    /// It is a reason for FAULT.
    pub fails: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Interface,
    Script,
    File,
    Process,
    Bfd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    Nothing,
    Up,
    Down,
    /// A track file's number.
    Number(i32),
}

/// The newest entries.
#[derive(Debug, Default)]
pub(super) struct History(VecDeque<Entry>);

impl History {
    pub(super) fn note(&mut self, now: Instant, happening: Happening) {
        // Whoever is held back waits again in vain, and again.
        if happening == Happening::HeldBack
            && let [.., Entry { happening: Happening::HeldBack, .. }, Entry { happening: Happening::Silent(_), .. }] =
                self.0.make_contiguous()
        {
            self.0.pop_back();
        }
        if let Some(last) = self.0.back_mut().filter(|last| last.happening == happening) {
            last.last = now;
            last.times = last.times.saturating_add(1);
            return;
        }
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Entry { first: now, last: now, times: 1, happening });
    }

    /// Why an instance becomes master that does so now.
    pub(super) fn reason(&self, priority: Priority) -> Reason {
        if priority.is_owner() {
            return Reason::Preempted;
        }
        let mut reason = Reason::Priority;
        for entry in self.0.iter().rev() {
            match entry.happening {
                Happening::Entered(_) | Happening::Resumed => break,
                Happening::Lower { .. } => return Reason::Preempted,
                Happening::Silent(_) | Happening::Resigned { .. } => reason = Reason::NoResponse,
                Happening::Reloaded
                | Happening::Follows { .. }
                | Happening::Outranked { .. }
                | Happening::Answered { .. }
                | Happening::YieldsOwnership { .. }
                | Happening::Reported(_)
                | Happening::Priority { .. }
                | Happening::Failed(_)
                | Happening::WithGroup { .. }
                | Happening::HeldBack
                | Happening::Stalled(_) => {}
            }
        }
        reason
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.0.iter().cloned().collect()
    }
}

impl Instance {
    pub(super) fn note(&mut self, now: Instant, happening: Happening) {
        self.history.note(now, happening);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_repetitions_are_counted() {
        let at = Instant::from_nanos;
        let mut history = History::default();
        for n in 0..5 {
            history.note(at(n), Happening::HeldBack);
        }
        assert_eq!(history.entries(), [Entry { first: at(0), last: at(4), times: 5, happening: Happening::HeldBack }]);
        let wait = Wait { adverts: 3, interval: Duration::ZERO, priority: 1, skew: Duration::ZERO, total: Duration::ZERO };
        for n in [6, 8] {
            history.note(at(n), Happening::Silent(wait));
            history.note(at(n + 1), Happening::HeldBack);
        }
        assert_eq!(history.entries(), [Entry { first: at(0), last: at(9), times: 7, happening: Happening::HeldBack }]);
        for n in 10..50 {
            let before = if n % 2 == 0 { 100 } else { 80 };
            history.note(at(n), Happening::Priority { before, after: 180 - before });
        }
        let entries = history.entries();
        assert_eq!(entries.len(), KEPT);
        assert_eq!(entries.last().map(|entry| (entry.first, entry.times)), Some((at(49), 1)));
        assert_eq!(entries.first().map(|entry| entry.first), Some(at(18)));
    }
}
