//! From draft to model: defaults, inheritance and cross-references, all in one place, with every fault reported.

mod bfd;
mod global;
mod lvs;
mod net;
mod script;
mod vrrp;

use super::diagnostic::{Diagnostics, Origin};
use super::draft::Draft;
use super::host::Host;
use crate::model::Model;
use crate::model::lvs::Lvs;
use crate::model::vrrp::Vrrp;
use std::collections::HashMap;

/// What every resolver may ask and tell.
pub(super) struct Resolver<'a> {
    pub(super) host: &'a dyn Host,
    pub(super) problems: &'a mut Diagnostics,
    /// Interfaces may appear later.
    pub(super) dynamic_interfaces: bool,
    /// Where a static address goes that names no interface.
    pub(super) default_interface: Box<str>,
    scripts: script::Scripts,
}

impl<'a> Resolver<'a> {
    fn new(host: &'a dyn Host, problems: &'a mut Diagnostics) -> Self {
        Self { host, problems, dynamic_interfaces: false, default_interface: "eth0".into(), scripts: script::Scripts::default() }
    }
}

/// Always yields a model: what cannot be used is reported and left out, as keepalived does.
pub fn resolve(draft: Draft, host: &dyn Host, problems: &mut Diagnostics) -> Model {
    let mut resolver = Resolver::new(host, problems);
    // What follows inherits from it, and scripts depend on it.
    let global = resolver.global(draft.global);
    let sessions: HashMap<Box<str>, Origin> = draft.bfd.iter().map(|session| (session.name.clone(), session.at)).collect();
    let names = lvs::LvsNames { sessions, ..lvs::LvsNames::default() };
    let bfd = resolver.bfd(draft.bfd);
    let lvs = resolver.lvs(draft.lvs, &lvs::LvsInherited::from_global(&global), &names);
    let statics = resolver.statics(draft.statics, &|_| true);
    let model = Model { global, bfd, lvs, statics, ..Model::default() };
    resolver.report_insecurity(model.vrrp != Vrrp::default(), model.lvs != Lvs::default());
    model
}
