//! What SNMP shows: the objects of `KEEPALIVED-MIB` and of the two MIBs of VRRP, made of the engines' snapshots. Pure.
//!
//! There is a file here for each part of a MIB. [`Tree`] has the objects by their names, [`Query`] is what is asked of it,
//! [`session`] speaks with the master agent, and [`trap`] has what it is told unasked.

mod director;
mod global;
mod groups;
mod instances;
pub mod master;
mod network;
mod query;
mod rfc2787;
mod rfc6527;
mod servers;
pub mod session;
pub mod trap;
mod tree;
mod value;
mod watched;

pub use query::Query;
pub use tree::Tree;

use super::traffic::Served;
use crate::effect::interface::Interface;
use crate::effect::time::Instant;
use crate::model::Model;
use crate::model::global::observe::Snmp;
use crate::model::vrrp::Instance;
use crate::vrrp::view::InstanceView;
use crate::wire::agentx::Oid;
use crate::{lvs, track, vrrp};
use std::collections::HashMap;
use std::sync::Arc;

/// All that there is to tell of a process. What belongs to others is empty.
#[derive(Debug, Default)]
pub struct Scene {
    pub version: &'static str,
    pub model: Arc<Model>,
    pub now: Instant,
    /// What the agent's clock showed at a moment, in hundredths of a second.
    pub uptime: Option<(Instant, u32)>,
    pub vrrp: vrrp::view::View,
    pub tracking: track::view::View,
    pub interfaces: Vec<Interface>,
    pub servers: lvs::view::View,
    /// What the kernel has counted, by virtual server.
    pub served: Vec<Served>,
    /// Made of the others.
    pub lookup: Lookup,
}

/// What is asked for again and again.
#[derive(Debug, Default)]
pub struct Lookup {
    instances: Vec<Known>,
    /// Whether an instance holds what it is configured with, by name.
    holding: HashMap<Box<str>, bool>,
}

/// An instance, by its places in the configuration and in the view.
#[derive(Clone, Copy, Debug)]
struct Known {
    conf: usize,
    view: usize,
}

impl Scene {
    fn held(&self, instance: &str) -> bool {
        self.lookup.holding.get(instance).copied().unwrap_or_default()
    }

    fn named(&self, instance: &str) -> Option<(&Instance, &InstanceView)> {
        let conf = self.model.vrrp.instances.iter().find(|conf| &*conf.name == instance)?;
        Some((conf, self.vrrp.instances.iter().find(|view| &*view.name == instance)?))
    }
}

/// What the VRRP process serves: with what priority, where several processes serve the same.
pub fn of_vrrp(snmp: &Snmp) -> Vec<(Oid, u8)> {
    let mut subtrees = Vec::new();
    if snmp.vrrp {
        // The checkers' process has the better right to it.
        subtrees.push((value::keepalived(&[1]), SECOND));
        subtrees.push((value::keepalived(&[2]), USUAL));
    }
    if snmp.rfc2787 {
        subtrees.push((rfc2787::mib(&[]), USUAL));
    }
    if snmp.rfc6527 {
        subtrees.push((rfc6527::mib(&[]), USUAL));
    }
    subtrees
}

/// What the checker process serves.
pub fn of_checkers(snmp: &Snmp) -> Vec<(Oid, u8)> {
    if snmp.checker { vec![(value::keepalived(&[1]), USUAL), (value::keepalived(&[3]), USUAL)] } else { Vec::new() }
}

const USUAL: u8 = 127;
const SECOND: u8 = 128;

/// What we are called.
pub fn identity() -> Oid {
    value::keepalived(&[])
}

pub fn vrrp(mut scene: Scene) -> Tree<Scene> {
    let views: HashMap<&str, usize> = scene.vrrp.instances.iter().enumerate().map(|(at, view)| (&*view.name, at)).collect();
    let known = |(conf, instance): (usize, &Instance)| Some(Known { conf, view: *views.get(&*instance.name)? });
    scene.lookup.instances = scene.model.vrrp.instances.iter().enumerate().filter_map(known).collect();
    scene.lookup.holding = scene.vrrp.instances.iter().map(|view| (view.name.clone(), view.holds_addresses)).collect();
    let snmp = &scene.model.global.snmp;
    let mut tables = Vec::new();
    if snmp.vrrp {
        tables.extend(global::tables(&scene));
        tables.extend(groups::tables(&scene));
        tables.extend(instances::tables(&scene));
        tables.extend(network::tables(&scene));
        tables.extend(watched::tables(&scene));
    }
    if snmp.rfc2787 {
        tables.extend(rfc2787::tables(&scene));
    }
    if snmp.rfc6527 {
        tables.extend(rfc6527::tables(&scene));
    }
    Tree::new(scene, tables)
}

pub fn checkers(scene: Scene) -> Tree<Scene> {
    let mut tables = Vec::new();
    if scene.model.global.snmp.checker {
        tables.extend(global::tables(&scene));
        tables.extend(servers::tables(&scene));
        tables.extend(director::tables());
    }
    Tree::new(scene, tables)
}

#[cfg(test)]
mod tests;
