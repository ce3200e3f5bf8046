//! What others may look at: virtual servers, real servers and checkers as they are now, by position as in the model.

use crate::effect::ipvs::ServerId;

/// All of a process, in the order of the configuration. What is configured is looked up in the model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub servers: Vec<ServerView>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerView {
    pub id: ServerId,
    pub quorum: bool,
    /// The sorry server stands in.
    pub sorry: bool,
    /// It is not checked, because none of its addresses is ours.
    pub suspended: bool,
    /// What the quorum is measured by: the weights of the living real servers.
    pub weight: u64,
    pub real_servers: Vec<RealView>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealView {
    pub alive: bool,
    /// The weight it has in the table, if it is in there.
    pub set: Option<u32>,
    /// The configured weight with all that checkers add; the table has it between 0 and 2^31 - 1.
    pub effective_weight: i64,
    /// How many of its checkers are down.
    pub failed: u32,
    pub checkers: Vec<CheckerView>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckerView {
    pub enabled: bool,
    pub up: bool,
    pub has_run: bool,
    /// What it adds to the weight.
    pub weight: i64,
    /// Failures in a row that have not counted yet.
    pub retries: u32,
    /// The last exit status of a script.
    pub status: i32,
}
