//! What is watched besides VRRP itself: scripts, files, processes. Pure; what a result is worth is VRRP's business.

pub mod census;
pub mod file;
pub mod process;
pub mod script;
pub mod view;

use crate::model::Model;
use crate::model::track::{Tracker, Trackers};
use std::collections::BTreeSet;

/// The names of one kind that an instance or a group watches; nothing else is looked at.
fn tracked(model: &Model, kind: impl Fn(&Trackers) -> &Vec<Tracker>) -> BTreeSet<&str> {
    let instances = model.vrrp.instances.iter().map(|instance| &instance.trackers);
    let groups = model.vrrp.groups.iter().map(|group| &group.trackers);
    instances.chain(groups).flat_map(kind).map(|tracker| &*tracker.name).collect()
}
