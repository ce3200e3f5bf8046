//! A sync group: members change state together.

use crate::effect::net::InstanceId;
use crate::effect::notice::{Notice, Subject, Told};
use crate::model::Model;
use crate::model::vrrp::SyncGroup;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Group {
    model: Arc<Model>,
    at: usize,
    pub(super) members: Vec<InstanceId>,
    /// What was told of it last.
    pub(super) told: Option<Told>,
}

impl Group {
    /// `at` is an index of `model.vrrp.groups`.
    pub(super) fn new(model: &Arc<Model>, at: usize, members: Vec<InstanceId>) -> Self {
        Self { model: Arc::clone(model), at, members, told: None }
    }

    pub(super) fn conf(&self) -> &SyncGroup {
        &self.model.vrrp.groups[self.at]
    }

    pub(super) fn notice(&self, told: Told) -> Notice {
        let conf = self.conf();
        let specific = match told {
            Told::Master => conf.notify.master.as_deref().cloned(),
            Told::Backup => conf.notify.backup.as_deref().cloned(),
            Told::Fault => conf.notify.fault.as_deref().cloned(),
            Told::Stop => conf.notify.stop.as_deref().cloned(),
            Told::Deleted | Told::MasterRxLowerPri | Told::MasterPriority | Told::BackupPriority => None,
        };
        Notice {
            subject: Subject::Group,
            name: conf.name.clone(),
            key: Box::default(),
            told,
            priority: 0,
            specific,
            any: conf.notify.any.as_deref().cloned(),
            fifo: true,
            mail: conf.smtp_alert,
        }
    }
}
