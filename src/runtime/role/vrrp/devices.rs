//! Interfaces that have to be there before anybody lives on them.

use super::firewall::Firewall;
use crate::effect::net::{Links, Owner};
use crate::effect::record::Former;
use crate::kernel::holder::Holder;
use crate::kernel::rtnl::{Monitor, Picture};
use crate::kernel::setting::Before;
use crate::model::Model;
use crate::runtime::handover::{Entry, Report, RoleEnd};
use crate::vrrp::device::Plan;
use std::io;
use std::time::Duration;

/// How long a start waits for the kernel to make them: whoever lives on one that is late begins in FAULT.
const PATIENCE: Duration = Duration::from_secs(5);
/// Interfaces first, and then what goes onto them.
const ROUNDS: usize = 2;

/// Has them made at the start; returns what there is then.
pub(super) fn prepare(
    holder: &mut Holder,
    firewall: &mut Firewall,
    monitor: &mut Monitor,
    model: &Model,
    mut picture: Picture,
) -> io::Result<Picture> {
    let mut plan = Plan::default();
    for _ in 0..ROUNDS {
        let next = Plan::new(model, &picture.links, &plan);
        if next.held() == plan.held() {
            break;
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

/// Has those made that a new configuration needs beside what there is.
pub(super) fn prepare_more(holder: &mut Holder, firewall: &mut Firewall, old: &Plan, model: &Model, links: &Links) {
    let new = Plan::new(model, links, old);
    let mut facts = old.held().to_vec();
    facts.extend(new.held().iter().filter(|fact| !old.held().contains(fact)).cloned());
    if facts.len() > old.held().len() {
        firewall.configure(model, holder);
        let ticket = firewall.hold(links, false, Owner::Devices, &facts, holder);
        holder.wait(ticket, PATIENCE);
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
