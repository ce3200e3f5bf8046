//! What the packet filter is to block, as instances come to hold addresses and let go of them.

use super::held::target;
use crate::effect::Action;
use crate::effect::firewall::{Entry, Frame, Order};
use crate::effect::net::{Fact, InstanceId, Owner};
use crate::model::Model;
use crate::runtime::log;
use crate::vrrp::Engine;
use crate::vrrp::firewall::{frame, remark, shut};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(super) struct Firewall {
    /// The tables that were asked for, if any have been.
    frame: Option<Option<Frame>>,
    by_instance: BTreeMap<InstanceId, BTreeSet<Entry>>,
    /// How many want each.
    wanted: BTreeMap<Entry, usize>,
}

fn entries(engine: &Engine, owner: Owner, facts: &[Fact]) -> Option<(InstanceId, BTreeSet<Entry>)> {
    let Owner::Instance(instance) = owner else { return None };
    let targets = facts.iter().filter_map(target).filter(|_| engine.shuts(instance));
    Some((instance, targets.map(|target| shut(target.device, target.address)).collect()))
}

impl Firewall {
    /// Before anything else of what is to be done at a start or a reload: addresses that are there already are never open in
    /// between.
    pub(super) fn begin(&mut self, engine: &Engine, model: &Model, actions: &[Action]) -> Vec<Order> {
        let mut fresh = Vec::new();
        for action in actions {
            let Action::Hold { owner, facts } = action else { continue };
            let Some((instance, mut all)) = entries(engine, *owner, facts) else { continue };
            all.extend(self.by_instance.get(&instance).cloned().unwrap_or_default());
            fresh.extend(self.change(instance, all).0);
        }
        let wanted = frame(model);
        let mut orders = vec![Order::Put(fresh)];
        if self.frame.as_ref() != Some(&wanted) {
            remark(model).iter().for_each(log::line);
            orders.push(Order::Frame(wanted.clone()));
            self.frame = Some(wanted);
        }
        orders
    }

    /// What an instance blocks from now on: what is to be put before it holds its addresses, and what goes after it has let go
    /// of some.
    pub(super) fn hold(&mut self, engine: &Engine, owner: Owner, facts: &[Fact]) -> (Order, Order) {
        let (fresh, stale) = entries(engine, owner, facts).map(|(instance, all)| self.change(instance, all)).unwrap_or_default();
        (Order::Put(fresh), Order::Take(stale))
    }

    fn change(&mut self, instance: InstanceId, entries: BTreeSet<Entry>) -> (Vec<Entry>, Vec<Entry>) {
        let before = self.by_instance.remove(&instance).unwrap_or_default();
        let fresh = entries.difference(&before).filter(|entry| self.want(entry)).cloned().collect();
        let stale = before.difference(&entries).filter(|entry| self.release(entry)).cloned().collect();
        if !entries.is_empty() {
            self.by_instance.insert(instance, entries);
        }
        (fresh, stale)
    }

    /// Whether nobody wanted it before.
    fn want(&mut self, entry: &Entry) -> bool {
        let count = self.wanted.entry(entry.clone()).or_default();
        *count += 1;
        *count == 1
    }

    /// Whether nobody wants it any more.
    fn release(&mut self, entry: &Entry) -> bool {
        let Some(count) = self.wanted.get_mut(entry) else { return false };
        *count -= 1;
        let last = *count == 0;
        if last {
            self.wanted.remove(entry);
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::net::Device;

    #[test]
    fn an_address_is_open_again_when_the_last_instance_has_let_go_of_it() {
        let mut firewall = Firewall::default();
        let mut change = |instance: u32, last: &[u8]| {
            let entries = last.iter().map(|&last| shut(Device(1), [10, 0, 0, last].into())).collect();
            let (fresh, stale) = firewall.change(InstanceId(instance), entries);
            (fresh.len(), stale.len())
        };
        assert_eq!(change(1, &[1, 2]), (2, 0));
        assert_eq!(change(1, &[1, 2]), (0, 0), "saying it again costs nothing");
        assert_eq!(change(2, &[2, 3]), (1, 0));
        assert_eq!(change(1, &[]), (0, 1));
        assert_eq!(change(2, &[4]), (1, 2));
        assert_eq!(change(2, &[]), (0, 1));
    }
}
