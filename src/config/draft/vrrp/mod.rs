//! VRRP instances, groups and trackers, as written.

mod group;
mod instance;
mod link;
mod track;

pub use group::{Members, Notify, SyncGroup};
pub use instance::{Authentication, Hmac, HmacKey, Instance, Ipvlan, KeyText, Mac, Peer, Protection, Vmac};
pub use link::{GarpGroup, LinkDelay, Linkbeat};
pub use track::{TrackFile, TrackProcess, TrackScript, Tracker, Trackers};

use crate::config::diagnostic::Origin;
use crate::model::Model;
use std::collections::HashSet;

/// A value with the statement that gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given<T> {
    pub at: Origin,
    pub value: T,
}

impl<T> Given<T> {
    /// One that no statement gave: what a model says.
    pub fn stated(value: T) -> Self {
        Self { at: Origin::default(), value }
    }
}

#[derive(Debug, Default)]
pub struct Vrrp {
    pub scripts: Vec<TrackScript>,
    pub files: Vec<TrackFile>,
    pub processes: Vec<TrackProcess>,
    pub instances: Vec<Instance>,
    pub groups: Vec<SyncGroup>,
    pub garp_groups: Vec<GarpGroup>,
    pub linkbeat: Vec<Linkbeat>,
    pub delays: Vec<LinkDelay>,
    /// Names that are taken.
    pub names: Names,
}

#[derive(Debug, Default)]
pub struct Names {
    pub instances: HashSet<Box<str>>,
    pub groups: HashSet<Box<str>>,
}

impl From<&Model> for Vrrp {
    fn from(model: &Model) -> Self {
        Self {
            scripts: model.tracked.scripts.iter().map(TrackScript::from).collect(),
            files: model.tracked.files.iter().map(TrackFile::from).collect(),
            processes: model.tracked.processes.iter().map(TrackProcess::from).collect(),
            instances: model.vrrp.instances.iter().map(|i| Instance::stated(i, &model.global)).collect(),
            groups: model.vrrp.groups.iter().map(SyncGroup::from).collect(),
            garp_groups: model.vrrp.garp_groups.iter().map(GarpGroup::from).collect(),
            linkbeat: model.vrrp.linkbeat.iter().map(Linkbeat::from).collect(),
            delays: model.vrrp.delays.iter().map(LinkDelay::from).collect(),
            names: Names::default(),
        }
    }
}
