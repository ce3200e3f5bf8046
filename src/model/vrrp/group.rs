//! Sync groups, and who is told of a transition.

use crate::model::script::Script;
use crate::model::track::Trackers;

/// Instances that change state together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncGroup {
    pub name: Box<str>,
    /// Names of instances of the model, each in one group at most.
    pub members: Vec<Box<str>>,
    /// Watched on behalf of every member that does not watch the same object itself.
    pub trackers: Trackers,
    /// Members may have trackers with a weight.
    pub tracking_weight: bool,
    pub notify: Notify,
    pub smtp_alert: bool,
}

/// The scripts of an instance or a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    pub master: Option<Box<Script>>,
    pub backup: Option<Box<Script>>,
    pub fault: Option<Box<Script>>,
    pub stop: Option<Box<Script>>,
    /// Run on every transition, with its description as arguments.
    pub any: Option<Box<Script>>,
}
