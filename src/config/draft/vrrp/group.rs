//! `vrrp_sync_group`, and the scripts that groups and instances share.

use super::{Given, Trackers};
use crate::config::command::Command;
use crate::config::diagnostic::Origin;
use crate::model::vrrp as model;

/// The scripts of an instance or a group.
#[derive(Debug, Default)]
pub struct Notify {
    pub master: Option<Command>,
    pub backup: Option<Command>,
    pub fault: Option<Command>,
    pub stop: Option<Command>,
    pub any: Option<Command>,
}

impl From<&model::Notify> for Notify {
    fn from(model: &model::Notify) -> Self {
        let command = |script: &Option<Box<_>>| script.as_deref().map(Command::from);
        Self {
            master: command(&model.master),
            backup: command(&model.backup),
            fault: command(&model.fault),
            stop: command(&model.stop),
            any: command(&model.any),
        }
    }
}

/// The list of members: only the first one counts.
#[derive(Debug, Default)]
pub enum Members {
    #[default]
    None,
    Listed(Vec<Given<Box<str>>>),
    /// A further list is being passed over.
    Closed(Vec<Given<Box<str>>>),
}

impl Members {
    pub fn names(&self) -> &[Given<Box<str>>] {
        match self {
            Self::None => &[],
            Self::Listed(names) | Self::Closed(names) => names,
        }
    }
}

#[derive(Debug)]
pub struct SyncGroup {
    pub name: Box<str>,
    pub at: Origin,
    pub end: Origin,
    pub members: Members,
    pub trackers: Trackers,
    pub tracking_weight: bool,
    pub notify: Notify,
    pub smtp_alert: Option<bool>,
    /// What its members inherit.
    pub notify_priority_changes: Option<bool>,
}

impl SyncGroup {
    pub fn new(name: &str, at: Origin) -> Self {
        Self {
            name: name.into(),
            at,
            end: at,
            members: Members::None,
            trackers: Trackers::default(),
            tracking_weight: false,
            notify: Notify::default(),
            smtp_alert: None,
            notify_priority_changes: None,
        }
    }
}

impl From<&model::SyncGroup> for SyncGroup {
    fn from(model: &model::SyncGroup) -> Self {
        Self {
            members: Members::Listed(model.members.iter().cloned().map(Given::stated).collect()),
            trackers: Trackers::from(&model.trackers),
            tracking_weight: model.tracking_weight,
            notify: Notify::from(&model.notify),
            smtp_alert: Some(model.smtp_alert),
            ..Self::new(&model.name, Origin::default())
        }
    }
}
