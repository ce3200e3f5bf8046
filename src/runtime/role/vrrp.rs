//! The VRRP process.

use crate::effect::record::Record;
use crate::model::Model;
use crate::runtime::signals::Signals;
use crate::vrrp::Manner;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// What the process is started with.
#[derive(Debug)]
pub struct Start {
    pub model: Arc<Model>,
    /// What a predecessor left that did not stop.
    pub records: Vec<Record>,
    pub manner: Manner,
    /// Whether a stop gives up addresses and says priority 0; not with `-V`.
    pub release: bool,
    /// For a [`RoleEnd`](crate::runtime::handover::RoleEnd).
    pub control: OwnedFd,
    /// TERM, INT, HUP, USR1, USR2 and the two real-time signals, which are blocked and have been since before the process was
    /// made, so that none is lost and none kills. CHLD is as it is by nature.
    pub signals: Signals,
    /// Start with the records, stop at once, and end: what others were left in charge of is given up.
    pub release_only: bool,
}

/// Runs until it is told to stop, and returns the exit status of the process.
pub fn run(start: Start) -> u8 {
    drop(start);
    0
}
