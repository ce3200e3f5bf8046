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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::host::Stated;
    use crate::config::testing;
    use crate::effect::Actions;
    use crate::effect::net::Links;
    use crate::effect::time::Instant;
    use crate::vrrp::{Engine, Manner};
    use std::sync::Arc;

    fn service(text: &str) -> Option<Service> {
        let mut host = Stated::with(&["br-lan.5", "e0"]);
        host.namespaces.insert("a-1".to_owned(), host.interfaces.clone());
        let (model, problems) = testing::load(text, &host);
        assert!(problems.is_empty(), "{problems:?}");
        let model = Arc::new(model);
        let engine = Engine::start(Instant::default(), &model, Links::default(), &[], Manner::default(), &mut Actions::default());
        Service::of(&model, &engine.snapshot())
    }

    const INSTANCES: &str = "vrrp_instance A {\ninterface br-lan.5\nvirtual_router_id 51\nnotify_deleted\nvirtual_ipaddress {\n10.0.0.5\n}\n}\n\
        vrrp_instance B {\nvirtual_router_id 52\nunicast_src_ip 2001:db8::1\nunicast_peer {\n2001:db8::2\n}\nvirtual_ipaddress {\n\
        fe80::5 dev e0\n}\n}\n";

    #[test]
    fn paths_say_who_it_is() {
        assert_eq!(service(INSTANCES), None);
        for (global, name, root, none) in [
            ("", NAME, ROOT, "none"),
            ("dbus_service_name org.example.V", "org.example.V", ROOT, "none"),
            ("dbus_no_interface_name no-one", NAME, ROOT, "no_one"),
            ("}\ninstance a.b\nglobal_defs {", NAME, "/org/keepalived/Vrrp1/a_b", "none"),
            ("}\ninstance b\nnet_namespace a-1\nglobal_defs {", NAME, "/org/keepalived/Vrrp1/a_1/b", "none"),
        ] {
            let found = service(&format!("global_defs {{\nenable_dbus\n{global}\n}}\n{INSTANCES}")).expect("it is enabled");
            let told = |name: &str, path: String, farewell| (Box::from(name), Box::from(path), Status::Fault, farewell);
            let objects = found.tree.objects().iter().map(|o| (o.name.clone(), o.path.clone(), o.status, o.farewell));
            let want = [
                told("A", format!("{root}/Instance/br_lan_5/51/IPv4"), Status::Deleted),
                told("B", format!("{root}/Instance/{none}/52/IPv6"), Status::Fault),
            ];
            assert_eq!(objects.collect::<Vec<_>>(), want, "{global}");
            assert_eq!((&*found.name, found.tree.process()), (name, &*format!("{root}/Vrrp")));
        }
    }

    #[test]
    fn notices_of_instances_tell_their_states() {
        let notice = |subject, told| Notice {
            subject,
            name: "A".into(),
            key: "a".into(),
            told,
            priority: 100,
            specific: None,
            any: None,
            fifo: true,
            mail: false,
        };
        for (told, want) in [
            (Told::Master, Some(Status::Master)),
            (Told::Backup, Some(Status::Backup)),
            (Told::Fault, Some(Status::Fault)),
            (Told::Stop, Some(Status::Stop)),
            (Told::Deleted, None),
            (Told::MasterRxLowerPri, None),
            (Told::MasterPriority, None),
            (Told::BackupPriority, None),
        ] {
            assert_eq!(status_of(&notice(Subject::Instance, told)), want);
            assert_eq!(status_of(&notice(Subject::Group, told)), None);
        }
    }
}
