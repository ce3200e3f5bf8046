//! What is offered, of the configuration and of what the engine shows.

use super::tree::{Object, Status, Tree};
use crate::effect::notice::{Notice, Subject, Told};
use crate::model::Model;
use crate::model::net::Family;
use crate::model::vrrp::{Deleted, Instance};
use crate::vrrp::view::{InstanceView, State, View};
use crate::wire::dbus::escaped;
use std::collections::HashMap;

const NAME: &str = "org.keepalived.Vrrp1";
const ROOT: &str = "/org/keepalived/Vrrp1";
const NO_INTERFACE: &str = "none";

/// A service as it is configured, with its objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// As it is called on the bus.
    pub name: Box<str>,
    pub tree: Tree,
}

impl Service {
    /// Nothing if none is to be offered.
    pub fn of(model: &Model, view: &View) -> Option<Self> {
        let (dbus, process) = (&model.global.dbus, &model.global.process);
        if !dbus.enabled {
            return None;
        }
        let mut root = ROOT.to_owned();
        for part in [&process.net_namespace, &process.instance].into_iter().flatten() {
            root.push('/');
            root.push_str(&escaped(part));
        }
        let configured: HashMap<&str, &Instance> = model.vrrp.instances.iter().map(|i| (&*i.name, i)).collect();
        let none = dbus.no_interface_name.as_deref().unwrap_or(NO_INTERFACE);
        let object = |view: &InstanceView| {
            let instance = configured.get(&*view.name)?;
            let interface = escaped(instance.interface.as_deref().unwrap_or(none));
            let family = match view.family {
                Family::V4 => "IPv4",
                Family::V6 => "IPv6",
            };
            Some(Object {
                path: format!("{root}/Instance/{interface}/{}/{family}", view.vrid.0).into(),
                key: instance.identity(),
                name: view.name.clone(),
                status: match view.state {
                    State::Init => Status::Init,
                    State::Backup => Status::Backup,
                    State::Master => Status::Master,
                    State::Fault => Status::Fault,
                },
                farewell: match instance.notify_deleted {
                    Deleted::AsFault => Status::Fault,
                    Deleted::AsDeleted(_) => Status::Deleted,
                },
            })
        };
        let tree = Tree::new(&root, view.instances.iter().filter_map(object));
        Some(Self { name: dbus.service_name.as_deref().unwrap_or(NAME).into(), tree })
    }
}

/// What a notice says of an instance's state. Of instances that a reload removes, that is known by the reload itself.
pub fn status_of(notice: &Notice) -> Option<Status> {
    match (notice.subject, notice.told) {
        (Subject::Instance, Told::Backup) => Some(Status::Backup),
        (Subject::Instance, Told::Master) => Some(Status::Master),
        (Subject::Instance, Told::Fault) => Some(Status::Fault),
        (Subject::Instance, Told::Stop) => Some(Status::Stop),
        (Subject::Instance, Told::Deleted | Told::MasterRxLowerPri | Told::MasterPriority | Told::BackupPriority) | (Subject::Group, _) => {
            None
        }
    }
}
