//! From draft to model: defaults, inheritance and cross-references, all in one place, with every fault reported.

mod bfd;
mod global;
mod lvs;
mod net;
mod script;
mod track;
mod vrrp;

use super::diagnostic::{Class, Diagnostics, Origin};
use super::draft::Draft;
use super::host::Host;
use crate::model::Model;
use crate::model::global::vrrp::DynamicInterfaces;
use crate::model::lvs::Lvs;
use crate::model::track::Tracked;
use crate::model::vrrp::Vrrp;
use lvs::LvsInherited;
use std::collections::HashSet;
use track::Trackable;

/// What every resolver may ask and tell.
pub(super) struct Resolver<'a> {
    pub(super) host: &'a dyn Host,
    pub(super) problems: &'a mut Diagnostics,
    /// The first interface that is named and is not there.
    missing_interface: Option<Origin>,
    /// Interfaces may appear later.
    pub(super) dynamic_interfaces: bool,
    /// Where a static address goes that names no interface.
    pub(super) default_interface: Box<str>,
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
            dynamic_interfaces: false,
            default_interface: "eth0".into(),
        }
    }

    /// Whether an interface may be named: with `dynamic_interfaces` it may come later.
    fn is_interface(&self, name: &str) -> bool {
        self.dynamic_interfaces || self.host.interface(name).is_some()
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
pub fn resolve(mut draft: Draft, host: &dyn Host, problems: &mut Diagnostics) -> Model {
    let mut resolver = Resolver::new(host, problems);
    // What follows inherits from it, and scripts depend on it.
    let mut global = resolver.global(draft.global);
    resolver.dynamic_interfaces = global.vrrp.dynamic_interfaces != DynamicInterfaces::No;
    if let Some(interface) = &global.vrrp.default_interface {
        resolver.default_interface = interface.clone();
    }
    let mut tracked = Tracked::default();
    let mut trackable = Trackable { bfd: track::bfd_names(&draft.bfd), ..Trackable::default() };
    let bfd = resolver.bfd(draft.bfd);
    resolver.track_files(std::mem::take(&mut draft.vrrp.files), &mut tracked, &mut trackable.files);
    // Checkers come before VRRP, as keepalived reads them: the first script without a user is told of, and no other.
    let lvs = resolver.lvs(draft.lvs, &LvsInherited::from_global(&global), &trackable);
    let vrrp = resolver.vrrp(draft.vrrp, &mut tracked, trackable, &mut global);
    let instances: HashSet<&str> = vrrp.instances.iter().map(|instance| &*instance.name).collect();
    let statics = resolver.statics(draft.statics, &|name| instances.contains(name));
    let model = Model { global, statics, tracked, vrrp, lvs, bfd };
    resolver.report_missing_interface();
    resolver.report_insecurity(model.vrrp != Vrrp::default(), model.lvs != Lvs::default());
    model
}
