//! One virtual server: its quorum, and whether it is checked at all.

use super::quorum::{self, Turn};
use super::real_server::Told;
use crate::effect::ipvs::ServerId;
use crate::model::lvs::VirtualServer;

#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) id: ServerId,
    /// The first of its real servers, by position among all.
    pub(super) first: u32,
    /// Which of those with the same key it is: nothing keeps a configuration from naming a service twice.
    pub(super) twin: u32,
    /// The weights of its living real servers.
    pub(super) weight: u64,
    pub(super) quorum: bool,
    pub(super) told: Told,
    /// `ha_suspend`: none of its addresses is ours.
    pub(super) suspended: bool,
}

impl Server {
    /// The sorry server stands in for the real ones. It does from the start until there is a quorum.
    pub(super) const fn sorry(&self, configured: &VirtualServer) -> bool {
        !self.quorum && configured.sorry_server.is_some()
    }

    /// Brings the quorum up to date with the weights.
    pub(super) fn turn(&mut self, configured: &VirtualServer) -> Option<Turn> {
        let turn = quorum::turn(configured, self.quorum, self.weight)?;
        self.quorum = match turn {
            Turn::Gained => true,
            Turn::Lost => false,
        };
        Some(turn)
    }
}
