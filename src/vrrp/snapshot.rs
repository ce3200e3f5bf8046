//! What observers are shown of the engine.

use super::engine::Engine;
use super::instance::{Instance, State};
use super::view::{self, GroupView, InstanceView, PortView, Standings, View};
use crate::effect::notice::Told;
use crate::effect::time::Instant;
use crate::model::vrrp::Vrid;

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
        View {
            instances: self.order.iter().filter_map(|id| self.instances.get(id)).map(|instance| instance.view()).collect(),
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

impl Instance {
    fn view(&self) -> InstanceView {
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
            device: self.home,
            source: self.source,
            last_transition: self.changed,
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

const fn seen(state: &State) -> view::State {
    match state {
        State::Init => view::State::Init,
        State::Backup { .. } => view::State::Backup,
        State::Master { .. } => view::State::Master,
        State::Fault => view::State::Fault,
    }
}
