//! Whether enough is left of a virtual server.

use crate::model::lvs::VirtualServer;

/// A change of the quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Gained,
    Lost,
}

/// Once lost, the quorum takes the hysteresis more to be gained; once gained, that much less to be lost. Nobody has a quorum
/// with no weight at all: keepalived lets a quorum of 0 and its hysteresis wrap around (BUG, run 22).
pub(super) fn turn(server: &VirtualServer, up: bool, weight: u64) -> Option<Turn> {
    let quorum = u64::from(server.quorum);
    let hysteresis = u64::from(server.hysteresis);
    if up {
        (weight == 0 || weight < quorum.saturating_sub(hysteresis)).then_some(Turn::Lost)
    } else {
        (weight > 0 && weight >= quorum + hysteresis).then_some(Turn::Gained)
    }
}
