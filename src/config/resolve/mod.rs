//! From draft to model: defaults, inheritance and cross-references, all in one place, with every fault reported.

mod bfd;
mod global;
mod lvs;
mod net;
mod script;
mod track;
mod vrrp;

use super::diagnostic::{Class, Diagnostics, Origin, Phase};
use super::draft::Draft;
use super::host::{Host, Interface, NamePlaces};
use crate::model::Model;
use crate::model::global::Global;
use crate::model::global::vrrp::DynamicInterfaces;
use crate::model::lvs::Lvs;
use crate::model::track::Tracked;
use crate::model::vrrp::Vrrp;
use lvs::LvsInherited;
use std::collections::{HashMap, HashSet};
use track::Trackable;

/// What every resolver may ask and tell.
pub(super) struct Resolver<'a> {
    pub(super) host: &'a dyn Host,
    pub(super) problems: &'a mut Diagnostics,
    /// The first interface that is named and is not there.
    missing_interface: Option<Origin>,
    /// Those of the namespace that the daemon is to run in.
    interfaces: HashMap<String, Interface>,
    /// Interfaces may appear later.
    pub(super) dynamic_interfaces: bool,
    /// Where a static address goes that names no interface.
    pub(super) default_interface: Box<str>,
    name_places: NamePlaces,
    scripts: script::Scripts,
}

impl<'a> Resolver<'a> {
    /// One that knows nothing of the process's settings yet.
    fn new(host: &'a dyn Host, problems: &'a mut Diagnostics) -> Self {
        Self {
            host,
            problems,
            scripts: script::Scripts::default(),
            missing_interface: None,
            interfaces: host.interfaces(None).unwrap_or_default(),
            dynamic_interfaces: false,
            default_interface: "eth0".into(),
            name_places: NamePlaces::default(),
        }
    }

    fn interface(&self, name: &str) -> Option<Interface> {
        self.interfaces.get(name).copied()
    }

    /// Takes the interfaces of the namespace to run in for ours. Where there is none of that name keepalived ends before it
    /// looks at anything but the global settings, and nothing else could be judged.
    fn enter_namespace(&mut self, global: &Global, command_line: Option<&str>, at: Origin) -> bool {
        let Some(name) = command_line.or(global.process.net_namespace.as_deref()) else { return true };
        match self.host.interfaces(Some(name)) {
            Some(interfaces) => {
                self.interfaces = interfaces;
                true
            }
            None => {
                let text = format!("Unable to find network namespace {name} - nothing else is looked at");
                let at = command_line.is_none().then_some(at);
                self.problems.report(Class::Namespace, Phase::Resolving, at, text).word(name).hint(format!("ip netns add {name}"));
                false
            }
        }
    }

    /// Whether an interface may be named: with `dynamic_interfaces` it may come later.
    fn is_interface(&self, name: &str) -> bool {
        self.dynamic_interfaces || self.interface(name).is_some()
    }

    /// Reports an interface that is not there, at the line that names it.
    fn missing_interface(&mut self, at: Origin, name: &str, text: String) {
        self.missing_interface.get_or_insert(at);
        self.problems.error(at, text).word(name).hint("dynamic_interfaces in global_defs allows for interfaces that appear later");
    }

    /// keepalived's VRRP process ends over missing interfaces when it has read all, before it looks at anything else.
    fn report_missing_interface(&mut self) {
        if let Some(at) = self.missing_interface {
            self.problems.resolving(Class::Interface, at, "Non-existent interface specified in configuration");
            self.scripts.vrrp_never_runs();
        }
    }
}

/// Always yields a model: what cannot be used is reported and left out, as keepalived does.
///
/// `namespace` is the one that the command line names, which beats the configuration's.
pub fn resolve(mut draft: Draft, namespace: Option<&str>, host: &dyn Host, problems: &mut Diagnostics) -> Model {
    let mut resolver = Resolver::new(host, problems);
    // What follows inherits from it, and scripts depend on it.
    let namespace_at = draft.global.net_namespace_at;
    let mut global = resolver.global(draft.global);
    if !resolver.enter_namespace(&global, namespace, namespace_at) {
        return Model { global, ..Model::default() };
    }
    let NamePlaces { usr, etc } = &mut resolver.name_places;
    (*usr, *etc) = (global.process.iproute_usr_dir.clone(), global.process.iproute_etc_dir.clone());
    resolver.dynamic_interfaces = global.vrrp.dynamic_interfaces != DynamicInterfaces::No;
    if let Some(interface) = &global.vrrp.default_interface {
        resolver.default_interface = interface.clone();
    }
    let mut tracked = Tracked::default();
    let mut trackable = Trackable { bfd: track::bfd_names(&draft.bfd), ..Trackable::default() };
    let bfd = resolver.bfd(draft.bfd);
    trackable.bfd.work(&bfd.iter().map(|session| &*session.name).collect());
    resolver.track_files(std::mem::take(&mut draft.vrrp.files), &mut tracked, &mut trackable.files);
    // Checkers come before VRRP, as keepalived reads them: the first script without a user is told of, and no other.
    let lvs = resolver.lvs(draft.lvs, &LvsInherited::from_global(&global), &trackable);
    let vrrp = resolver.vrrp(draft.vrrp, &mut tracked, trackable, &mut global);
    let instances: HashSet<&str> = vrrp.instances.iter().map(|instance| &*instance.name).collect();
    let statics = resolver.statics(draft.statics, &|name| instances.contains(name));
    global.scripts.disabled = resolver.disabled_scripts();
    let model = Model { global, statics, tracked, vrrp, lvs, bfd };
    resolver.report_missing_interface();
    resolver.report_insecurity(model.vrrp != Vrrp::default(), model.lvs != Lvs::default());
    model
}
