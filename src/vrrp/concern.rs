//! Whom an interface or a tracked object concerns.

use super::engine::Engine;
use super::history::Kind;
use super::instance::Instance;
use super::{place, track_group};
use crate::effect::net::{InstanceId, Link};
use crate::model::track::Trackers;
use std::collections::{HashMap, HashSet};

/// The instances, by the names of the interfaces that matter to them in any way, in the order of the configuration.
pub(super) type Concerned = HashMap<Box<str>, Vec<InstanceId>>;

impl Engine {
    /// To be found out anew when the configuration changes, or what our own interfaces are called.
    pub(super) fn find_concerned(&mut self) {
        let mut concerned = Concerned::new();
        for instance in self.order.iter().filter_map(|id| self.instances.get(id)) {
            for name in self.names_that_matter(instance) {
                // Many do not come more than once.
                match concerned.get_mut(name) {
                    Some(list) => list.push(instance.id),
                    None => drop(concerned.insert(name.into(), vec![instance.id])),
                }
            }
        }
        self.concerned = concerned;
    }

    fn names_that_matter<'a>(&'a self, instance: &'a Instance) -> HashSet<&'a str> {
        let conf = &*instance.conf;
        let tracked = self.lists(instance).flat_map(|trackers| &trackers.interfaces).map(|tracker| &*tracker.name);
        let own = conf.interface.as_deref().into_iter().chain(self.plan.own(conf));
        let reached = place::carrying(conf, &self.plan).chain(place::leaving(conf));
        own.chain(reached).chain(tracked).chain(track_group::interfaces(&self.model.statics, &conf.name)).collect()
    }

    /// Whoever an interface concerns, under the name that it has or the one that it had.
    pub(super) fn concerned_by(&self, name: &str, former: Option<&str>) -> Vec<InstanceId> {
        let of = |name: &str| self.concerned.get(name).map_or(&[][..], Vec::as_slice);
        match former.map(of) {
            None | Some([]) => of(name).to_vec(),
            Some(former) => {
                let either: HashSet<&InstanceId> = of(name).iter().chain(former).collect();
                self.order.iter().filter(|id| either.contains(id)).copied().collect()
            }
        }
    }

    /// Whoever tracks an object, in the order of the configuration.
    pub(super) fn tracking(&self, kind: Kind, name: &str) -> Vec<InstanceId> {
        self.those(|instance| self.tracks(instance, kind, name))
    }

    pub(super) fn those(&self, concerns: impl Fn(&Instance) -> bool) -> Vec<InstanceId> {
        let known = self.order.iter().filter_map(|id| self.instances.get(id));
        known.filter(|instance| concerns(instance)).map(|instance| instance.id).collect()
    }

    fn tracks(&self, instance: &Instance, kind: Kind, name: &str) -> bool {
        let lists = self.lists(instance).map(|trackers| match kind {
            Kind::Interface => &trackers.interfaces,
            Kind::Script => &trackers.scripts,
            Kind::File => &trackers.files,
            Kind::Process => &trackers.processes,
            Kind::Bfd => &trackers.bfd,
        });
        lists.flatten().any(|tracker| *tracker.name == *name)
    }

    /// What it tracks itself, and what its group does.
    fn lists<'a>(&'a self, instance: &'a Instance) -> impl Iterator<Item = &'a Trackers> {
        let of_group = self.member_of.get(&instance.id).map(|&at| &self.groups[at].conf().trackers);
        std::iter::once(&instance.conf.trackers).chain(of_group)
    }

    /// All that counts for it: what both track, it tracks in its own way.
    pub(super) fn tracked_by(&self, instance: &Instance) -> Trackers {
        let of_group = self.member_of.get(&instance.id).map(|&at| &self.groups[at].conf().trackers);
        instance.conf.trackers.joined(of_group)
    }
}

/// Whether the two look alike to whoever decides which interfaces are to be made.
pub(super) fn same_shape(one: &Link, other: &Link) -> bool {
    let shape = |link: &Link| (link.mac, link.parent, link.master, link.group, link.kind);
    one.name == other.name && shape(one) == shape(other)
}
