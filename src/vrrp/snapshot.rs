//! What observers are shown of the engine.

use super::engine::Engine;
use super::instance::{Instance, State};
use super::view::{self, GroupView, InstanceView, PortView, Standings, View};
use crate::effect::notice::Told;
use crate::effect::time::Instant;
use crate::model::Model;
use crate::model::vrrp::{Carrier, Vrid};
use std::collections::HashSet;

impl Engine {
    pub fn snapshot(&self) -> View {
        let groups = self.groups.iter().map(|group| GroupView {
            name: group.conf().name.clone(),
            state: match group.told {
                Some(Told::Master) => view::State::Master,
                Some(Told::Fault) => view::State::Fault,
                None => view::State::Init,
                Some(_) => view::State::Backup,
            },
        });
        let ports = self.ports.iter().map(|(id, port, users)| PortView {
            id,
            port: port.clone(),
            users: users.map(|(vrid, user)| (self.name(user).into(), Vrid(vrid))).collect(),
            descriptors: None,
        });
        let ordered = self.order.iter().filter_map(|id| self.instances.get(id));
        // It is large, and not to be moved while it grows.
        let mut instances = Vec::with_capacity(self.order.len());
        instances.extend(ordered.zip(own_names(&self.model)).map(|(instance, own)| instance.view(own)));
        View {
            instances,
            groups: groups.collect(),
            ports: ports.collect(),
            standings: Standings {
                scripts: self.scripts.clone().into_iter().collect(),
                files: self.files.clone().into_iter().collect(),
                processes: self.processes.clone().into_iter().collect(),
                bfd: self.bfd.clone().into_iter().collect(),
            },
        }
    }
}

impl Engine {
    /// One of them, without what an interface of its own is called.
    pub fn look(&self, name: &str) -> Option<InstanceView> {
        self.instances.values().find(|instance| *instance.conf.name == *name).map(|instance| instance.view(None))
    }
}

impl Instance {
    fn view(&self, own: Option<Box<str>>) -> InstanceView {
        InstanceView {
            name: self.conf.name.clone(),
            vrid: self.conf.vrid,
            family: self.conf.family,
            state: seen(&self.state),
            wanted: if self.wants_master { view::State::Master } else { seen(&self.state) },
            base_priority: self.conf.priority.0,
            effective_priority: self.effective,
            weights: if self.conf.priority.is_owner() { 0 } else { self.weights },
            master_priority: self.master_priority,
            master: self.master,
            master_interval: self.learnt,
            down_interval: self.down_interval(),
            deadline: self.awaited(),
            last_advert: self.last_advert,
            device: self.site.home,
            own,
            source: self.source,
            last_transition: self.changed,
            since: self.since,
            reason: self.reason.filter(|_| self.is_master()),
            faults: self.faults.iter().cloned().collect(),
            holds_addresses: self.is_master(),
            stats: self.stats,
        }
    }

    const fn awaited(&self) -> Option<Instant> {
        match &self.state {
            State::Init | State::Fault => None,
            State::Backup { down, .. } => Some(*down),
            State::Master { next_advert, .. } => Some(*next_advert),
        }
    }
}

/// What each instance's own interface is called: as configured, or after the prefix and the VRID, with a number where that is
/// taken.
fn own_names(model: &Model) -> Vec<Option<Box<str>>> {
    let given = model.vrrp.instances.iter().map(|conf| match &conf.carrier {
        Carrier::Interface => None,
        Carrier::Vmac(vmac) => Some((vmac.name.as_deref(), model.global.vrrp.vmac_prefix.as_deref().unwrap_or("vrrp"))),
        Carrier::Ipvlan(ipvlan) => Some((ipvlan.name.as_deref(), "ipvlan")),
    });
    let mut taken: HashSet<Box<str>> = given.clone().flatten().filter_map(|(name, _)| Some(name?.into())).collect();
    let mut name = |(name, prefix): (Option<&str>, &str), conf: &crate::model::vrrp::Instance| {
        if let Some(name) = name {
            return name.into();
        }
        let v6 = (conf.family == crate::model::net::Family::V6).then(|| "6".to_owned());
        let numbers = std::iter::once(String::new()).chain(v6).chain((1..=u32::MAX).map(|number| number.to_string()));
        let mut names = numbers.map(|number| format!("{prefix}{number}.{}", conf.vrid.0).into_boxed_str());
        let free = names.find(|name| !taken.contains(name)).unwrap_or_default();
        taken.insert(free.clone());
        free
    };
    given.zip(&model.vrrp.instances).map(|(given, conf)| given.map(|given| name(given, conf))).collect()
}

pub(super) const fn seen(state: &State) -> view::State {
    match state {
        State::Init => view::State::Init,
        State::Backup { .. } => view::State::Backup,
        State::Master { .. } => view::State::Master,
        State::Fault => view::State::Fault,
    }
}
