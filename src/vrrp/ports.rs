//! Which instances share which sockets.

use crate::effect::net::InstanceId;
use crate::effect::packet::{Port, PortId};
use crate::effect::{Action, Actions};
use crate::model::vrrp::Vrid;
use std::collections::{BTreeSet, HashMap};

#[derive(Debug, Default)]
pub(super) struct Ports {
    ids: HashMap<Port, PortId>,
    open: HashMap<PortId, Open>,
    last: u32,
}

/// An instance as a user of sockets.
#[derive(Clone, Copy, Debug)]
pub(super) struct User {
    pub(super) id: InstanceId,
    pub(super) vrid: Vrid,
}

#[derive(Debug)]
struct Open {
    port: Port,
    /// By VRID, which is what a packet is sorted by.
    users: BTreeSet<(u8, InstanceId)>,
}

impl Ports {
    /// The instance wants these sockets, or none, in the place of those it has.
    pub(super) fn change(&mut self, user: User, had: Option<PortId>, wants: Option<Port>, actions: &mut Actions) -> Option<PortId> {
        let have = had.and_then(|id| self.open.get(&id)).map(|open| &open.port);
        if had.is_some() && have == wants.as_ref() {
            return had;
        }
        let now = wants.map(|port| self.join(user, port, actions));
        if let Some(had) = had {
            self.leave(user, had, actions);
        }
        now
    }

    fn join(&mut self, user: User, port: Port, actions: &mut Actions) -> PortId {
        let id = *self.ids.entry(port.clone()).or_insert_with(|| {
            self.last += 1;
            PortId(self.last)
        });
        let open = self.open.entry(id).or_insert_with(|| {
            actions.push(Action::Open(id, port.clone()));
            Open { port, users: BTreeSet::new() }
        });
        open.users.insert((user.vrid.0, user.id));
        id
    }

    fn leave(&mut self, user: User, id: PortId, actions: &mut Actions) {
        let Some(open) = self.open.get_mut(&id) else { return };
        open.users.remove(&(user.vrid.0, user.id));
        if open.users.is_empty() {
            self.forget(id);
            actions.push(Action::Close(id));
        }
    }

    /// It could not be opened: whoever wants it must ask again. Returns who lost it.
    pub(super) fn lost(&mut self, id: PortId) -> Vec<InstanceId> {
        self.forget(id).map(|open| open.users.into_iter().map(|(_, id)| id).collect()).unwrap_or_default()
    }

    fn forget(&mut self, id: PortId) -> Option<Open> {
        let open = self.open.remove(&id)?;
        self.ids.remove(&open.port);
        Some(open)
    }

    /// All that are open or to be opened, in the order in which they were asked for, with their users by VRID.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PortId, &Port, impl Iterator<Item = (u8, InstanceId)>)> {
        let mut all: Vec<_> = self.open.iter().map(|(&id, open)| (id, &open.port, open.users.iter().copied())).collect();
        all.sort_unstable_by_key(|&(id, ..)| id);
        all.into_iter()
    }

    /// Who listens there for a VRID.
    pub(super) fn users(&self, id: PortId, vrid: u8) -> impl Iterator<Item = InstanceId> {
        let range = (vrid, InstanceId(0))..=(vrid, InstanceId(u32::MAX));
        self.open.get(&id).into_iter().flat_map(move |open| open.users.range(range.clone()).map(|&(_, id)| id))
    }
}
