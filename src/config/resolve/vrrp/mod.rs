//! VRRP instances, sync groups, and what is said of interfaces.
//!
//! keepalived checks some things while it reads and the rest when it has read all. What this says at a line it finds at
//! that line, or at the closing brace of the block; the rest names its object, and the place follows the message.

mod auth;
mod carrier;
mod family;
mod firewall;
mod garp;
mod group;
mod instance;
mod link;
mod strict;
mod trackers;
mod transport;

use super::Resolver;
use super::track::Trackable;
use crate::config::diagnostic::{Class, Origin};
use crate::config::draft::vrrp as draft;
use crate::model::global::{Global, SyncDaemon};
use crate::model::track::Tracked;
use crate::model::vrrp::{Instance, Vrrp};
use std::collections::{HashMap, HashSet};

/// What VRRP is resolved with.
struct Vrrps<'r, 'h> {
    resolver: &'r mut Resolver<'h>,
    global: &'r Global,
    trackable: Trackable,
    /// Which instance has a VMAC or ipvlan of this name.
    carriers: HashMap<Box<str>, Box<str>>,
    /// The first instance that cannot run.
    unusable: Option<Origin>,
}

/// An instance with the place where it was defined.
struct Resolved {
    instance: Instance,
    at: Origin,
}

impl Resolver<'_> {
    pub(super) fn vrrp(&mut self, draft: draft::Vrrp, tracked: &mut Tracked, mut trackable: Trackable, global: &mut Global) -> Vrrp {
        self.track_scripts(draft.scripts, draft.instances.is_empty(), tracked, &mut trackable.scripts);
        self.track_processes(draft.processes, tracked, &mut trackable.processes);
        let mut vrrps = Vrrps { resolver: self, global, trackable, carriers: HashMap::new(), unusable: None };
        let mut linkbeat = vrrps.linkbeat(draft.linkbeat);
        let mut polled: HashSet<Box<str>> = linkbeat.iter().map(|beat| beat.interface.clone()).collect();
        let delays = vrrps.delays(draft.delays);
        let garp_groups = vrrps.garp_groups(draft.garp_groups);
        let inheritance = group::inheritance(&draft.groups);
        let mut instances = Vec::with_capacity(draft.instances.len());
        let mut daemon = None;
        for instance in draft.instances {
            let (at, polls) = (instance.at, instance.linkbeat.is_some() || vrrps.global.process.linkbeat_use_polling);
            vrrps.sync_daemon(&instance, &mut daemon);
            if let Some(instance) = vrrps.instance(instance, &inheritance) {
                if let Some(interface) = instance.interface.as_ref().filter(|_| polls) {
                    vrrps.poll(&mut linkbeat, &mut polled, interface);
                }
                instances.push(Resolved { instance, at });
            }
        }
        if instances.is_empty() {
            // Of those there were none could be used.
            tracked.scripts.clear();
        }
        let groups = vrrps.groups(draft.groups, &mut instances);
        vrrps.duplicates(&instances);
        let delays = vrrps.fitting(delays, &instances);
        vrrps.report_unusable();
        let instances: Vec<Instance> = instances.into_iter().map(|resolved| resolved.instance).collect();
        global.lvs.sync_daemon = global.lvs.sync_daemon.take().map(|daemon| identified(daemon, &instances)).or(daemon);
        firewall::settle(&mut global.firewall, &instances);
        Vrrp { instances, groups, garp_groups, linkbeat, delays }
    }
}

/// The daemon with its identifier: the VRID of its instance unless it has one of its own.
fn identified(mut daemon: SyncDaemon, instances: &[Instance]) -> SyncDaemon {
    let vrid = || instances.iter().find(|instance| Some(&instance.name) == daemon.instance.as_ref()).map_or(0, |i| i.vrid.0);
    daemon.id = Some(daemon.id.unwrap_or_else(vrid));
    daemon
}

impl Vrrps<'_, '_> {
    /// Reports a fault found while reading.
    fn error(&mut self, at: Origin, text: String) -> &mut crate::config::diagnostic::Diagnostic {
        self.resolver.problems.error(at, text)
    }

    /// Reports a fault found when all was read.
    fn fault(&mut self, at: Origin, text: String) -> &mut crate::config::diagnostic::Diagnostic {
        self.resolver.problems.resolving(Class::Error, at, text)
    }

    /// Reports what keeps the whole of VRRP from running.
    fn unusable(&mut self, at: Origin, text: String) -> &mut crate::config::diagnostic::Diagnostic {
        self.unusable.get_or_insert(at);
        self.fault(at, text)
    }

    fn log(&mut self, at: Origin, text: String) {
        self.resolver.problems.resolving(Class::Notice, at, text);
    }

    /// The daemon does not start with faults like these, whatever else is right. They were told, and weigh more than this.
    fn report_unusable(&mut self) {
        if let Some(at) = self.unusable {
            self.resolver.problems.resolving(Class::Fatal, at, "VRRP cannot run with this configuration");
        }
    }

    /// The obsolete `lvs_sync_daemon_interface` stands for the `lvs_sync_daemon` of `global_defs`, and counts once.
    fn sync_daemon(&mut self, draft: &draft::Instance, daemon: &mut Option<SyncDaemon>) {
        let Some(given) = &draft.sync_daemon else { return };
        if let Some(first) = self.global.lvs.sync_daemon.as_ref().or(daemon.as_ref()) {
            let text = format!("({}) lvs_sync_daemon_interface has already been specified as {} - ignoring", draft.name, first.interface);
            self.error(given.at, text);
        } else {
            let (interface, instance) = (given.value.clone(), Some(draft.name.clone()));
            // The VRID is the identifier only with the keyword of `global_defs` (2.4.3).
            *daemon = Some(SyncDaemon { interface, instance, id: Some(0), max_len: None, port: None, ttl: None, group: None });
        }
    }

    /// Two instances of a VRID, a family, an interface and a group would hear each other as one.
    fn duplicates(&mut self, instances: &[Resolved]) {
        let mut seen: HashMap<transport::Space<'_>, &Resolved> = HashMap::new();
        for resolved in instances {
            let Some(space) = transport::Space::of(&resolved.instance) else { continue };
            if let Some(twin) = seen.get(&space) {
                let (a, b) = (&twin.instance, &resolved.instance);
                let interface = a.interface.as_deref().unwrap_or("any");
                let text =
                    format!("{} and {} both use VRID {} with {} on interface {interface}", a.name, b.name, a.vrid.0, a.family.name());
                let hint = format!("{} is defined at line {}", a.name, twin.at.line);
                self.unusable(resolved.at, text).hint(hint);
            } else {
                seen.insert(space, resolved);
            }
        }
    }
}

#[cfg(test)]
mod tests;
