//! Interfaces that have to be there before anybody lives on them.

use super::firewall::Firewall;
use crate::effect::delta::Identity;
use crate::effect::device::{Knob, Scope};
use crate::effect::net::{Device, Links, Owner};
use crate::effect::record::Former;
use crate::effect::time::Instant;
use crate::kernel::holder::{Holder, Ticket};
use crate::kernel::rtnl::{Monitor, Picture};
use crate::kernel::setting::Before;
use crate::kernel::timer::now;
use crate::model::Model;
use crate::runtime::handover::{Entry, Report, RoleEnd};
use crate::vrrp::device::Plan;
use std::collections::{BTreeSet, HashSet};
use std::io;
use std::time::Duration;

/// How long a start or a reload waits for the kernel to make them: whoever lives on one that is late begins in FAULT.
const PATIENCE: Duration = Duration::from_secs(5);
/// Interfaces first, and then what goes onto them.
const ROUNDS: usize = 2;

/// The interfaces whose settings are not their own, by what is known of predecessors.
pub(super) fn lived_on(former: &[Former]) -> BTreeSet<Device> {
    let device = |former: &Former| match former.scope {
        Scope::Device(device) if former.knob == Knob::ArpIgnore => Some(device),
        Scope::All | Scope::Default | Scope::Device(_) => None,
    };
    former.iter().filter_map(device).collect()
}

/// Has them made at the start; returns what there is then. `left` has what is to be found by name.
pub(super) fn prepare(
    holder: &mut Holder,
    firewall: &mut Firewall,
    monitor: &mut Monitor,
    model: &Model,
    mut picture: Picture,
    left: Plan,
) -> io::Result<Picture> {
    for name in left.names() {
        tracing::info!("{name} was changed by another program while nobody held it, and is made as it was");
    }
    let mut plan = left;
    for _ in 0..ROUNDS {
        let next = Plan::new(model, &picture.links, &plan);
        if next.held() == plan.held() {
            break;
        }
        if plan.held().is_empty() {
            holder.adopt_altered(Owner::Devices, &plan.among(next.held()));
        }
        let ticket = firewall.hold(&picture.links, false, Owner::Devices, next.held(), holder);
        holder.wait(ticket, PATIENCE);
        // What happened on the way is nobody's concern.
        while !monitor.skip()? {}
        picture = Picture::take()?;
        // The engine is refused the same again, and says so.
        drop(holder.settle());
        holder.resync(&picture);
        plan = next;
    }
    holder.want_only(plan.held());
    Ok(picture)
}

/// Asks for those that a new configuration needs beside what there is, and says when they will be there.
pub(super) fn prepare_more(holder: &mut Holder, firewall: &mut Firewall, old: &Plan, model: &Model, links: &Links) -> Option<Ticket> {
    let new = Plan::new(model, links, old);
    let known: HashSet<Identity> = old.held().iter().map(Identity::of).collect();
    let mut facts = old.held().to_vec();
    facts.extend(new.held().iter().filter(|fact| !known.contains(&Identity::of(fact))).cloned());
    (facts.len() > old.held().len()).then(|| {
        firewall.configure(model, holder);
        firewall.hold(links, false, Owner::Devices, &facts, holder)
    })
}

/// Interfaces that the kernel is making, and a look at what is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Awaited {
    made: Option<Ticket>,
    pub(super) until: Instant,
}

impl Awaited {
    pub(super) fn new(made: Option<Ticket>) -> Self {
        Self { made, until: now() + PATIENCE }
    }

    pub(super) fn is_over(self, holder: &Holder) -> bool {
        self.made.is_none_or(|ticket| holder.done() >= ticket) && !holder.is_looking()
    }

    pub(super) fn is_late(self) -> bool {
        now() >= self.until
    }
}

/// Tells the supervisor what settings were before, or that they are so again.
pub(super) fn report(before: Vec<Before>, control: &mut RoleEnd) {
    for before in before {
        let Before { scope, knob, value } = before;
        control.report(match value {
            Some(value) => Report::Record(Entry::Setting(Former::new(scope, knob, value))),
            None => Report::Forget(Former::key(scope, knob)),
        });
    }
}
