//! What the packet filter is to block, as instances come to hold addresses and let go of them.

use crate::effect::Action;
use crate::effect::firewall::{Entry, Frame, Order};
use crate::effect::net::{Fact, Links, Owner};
use crate::kernel::holder::{Holder, Ticket};
use crate::model::Model;
use crate::model::global::vrrp::Firewall as Options;
use crate::runtime::log;
use crate::vrrp::Engine;
use crate::vrrp::firewall::{fence, frame, remark, shut_all, shut_beforehand};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(super) struct Firewall {
    options: Options,
    /// The tables that were asked for, if any have been.
    frame: Option<Option<Frame>>,
    /// What is of nobody yet may be somebody's.
    by_owner: BTreeMap<Option<Owner>, BTreeSet<Entry>>,
    /// How many want each.
    wanted: BTreeMap<Entry, usize>,
}

impl Firewall {
    /// Before anything is held. Where a predecessor did not stop, its addresses may be there, and are never open in between.
    pub(super) fn prepare(&mut self, model: &Model, links: &Links, resumes: bool, holder: &mut Holder) {
        if resumes {
            let (fresh, _) = self.change(None, shut_beforehand(model, links).into_iter().collect());
            holder.filter(Order::Put(fresh));
        }
        self.configure(model, holder);
    }

    /// It is known who holds what.
    pub(super) fn settle(&mut self, holder: &mut Holder) {
        let (_, stale) = self.change(None, BTreeSet::new());
        holder.filter(Order::Take(stale));
    }

    /// Before anything of a new configuration is done.
    pub(super) fn reconfigure(&mut self, engine: &Engine, model: &Model, actions: &[Action], holder: &mut Holder) {
        for action in actions {
            let Action::Hold { owner, facts } = action else { continue };
            let mut all = self.entries(engine.links(), engine.shuts(*owner), *owner, facts);
            all.extend(self.by_owner.get(&Some(*owner)).cloned().unwrap_or_default());
            let (fresh, _) = self.change(Some(*owner), all);
            holder.filter(Order::Put(fresh));
        }
        self.configure(model, holder);
    }

    pub(super) fn configure(&mut self, model: &Model, holder: &mut Holder) {
        let wanted = frame(model);
        self.options = model.global.firewall.clone();
        if self.frame.as_ref() != Some(&wanted) {
            remark(model).iter().for_each(log::line);
            holder.filter(Order::Frame(wanted.clone()));
            self.frame = Some(wanted);
        }
    }

    /// Has it held, and blocks of it what is to be blocked: before it is there, and until it is gone.
    pub(super) fn hold(&mut self, links: &Links, shuts: bool, owner: Owner, facts: &[Fact], holder: &mut Holder) -> Ticket {
        let entries = self.entries(links, shuts, owner, facts);
        let (fresh, stale) = self.change(Some(owner), entries);
        holder.filter(Order::Put(fresh));
        let ticket = holder.hold(owner, facts);
        holder.filter(Order::Take(stale));
        ticket
    }

    fn entries(&self, links: &Links, shuts: bool, owner: Owner, facts: &[Fact]) -> BTreeSet<Entry> {
        match owner {
            Owner::Instance(_) if shuts => shut_all(facts).collect(),
            Owner::Devices => fence(&self.options, facts, links).into_iter().collect(),
            Owner::Instance(_) | Owner::Statics => BTreeSet::new(),
        }
    }

    fn change(&mut self, owner: Option<Owner>, entries: BTreeSet<Entry>) -> (Vec<Entry>, Vec<Entry>) {
        let before = self.by_owner.remove(&owner).unwrap_or_default();
        let fresh = entries.difference(&before).filter(|entry| self.want(entry)).cloned().collect();
        let stale = before.difference(&entries).filter(|entry| self.release(entry)).cloned().collect();
        if !entries.is_empty() {
            self.by_owner.insert(owner, entries);
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
    use crate::effect::firewall::Value;
    use crate::effect::net::InstanceId;
    use crate::model::net::Family;

    #[test]
    fn an_address_is_open_again_when_the_last_instance_has_let_go_of_it() {
        let mut firewall = Firewall::default();
        let mut change = |instance: u32, last: &[u8]| {
            let entry =
                |&last: &u8| Entry { family: Family::V4, set: "vips", key: [Value::Address([10, 0, 0, last].into())].into(), data: None };
            let (fresh, stale) = firewall.change(Some(Owner::Instance(InstanceId(instance))), last.iter().map(entry).collect());
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
