//! One real server: what its checkers make of it.

use super::weight;
use crate::model::lvs::RealServer as Configured;

/// What the world has been told of it last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing, and it was not to be expected to be up.
    Nothing,
    /// That it is up, or nothing: it counts as up from the start.
    Up,
    Down,
}

#[derive(Clone, Debug)]
pub(super) struct Real {
    /// What its checkers add to its weight together.
    pub(super) added: i64,
    /// The virtual server, by position.
    pub(super) server: u32,
    /// The first of its checkers, by position among all.
    pub(super) first: u32,
    /// How many of its checkers are down.
    pub(super) failed: u32,
    pub(super) told: Told,
    /// The supervisor has a record of it.
    pub(super) recorded: bool,
}

const _: () = assert!(size_of::<Real>() <= 32);

impl Real {
    /// One without checkers is always up, whatever `alpha` says.
    pub(super) const fn alive(&self) -> bool {
        self.failed == 0
    }

    pub(super) fn effective(&self, configured: &Configured) -> i64 {
        weight::effective(configured.weight, self.added)
    }

    /// What it counts for the quorum.
    pub(super) fn counts(&self, configured: &Configured) -> u64 {
        if self.alive() { u64::from(weight::clamped(self.effective(configured))) } else { 0 }
    }

    /// The weight it is in the table with, if it is in there at all: not while the sorry server stands in for all, nor failed,
    /// unless it is only to be inhibited then.
    pub(super) fn shown(&self, configured: &Configured, sorry: bool) -> Option<u32> {
        if self.alive() && !sorry { Some(weight::clamped(self.effective(configured))) } else { configured.inhibit.then_some(0) }
    }
}
