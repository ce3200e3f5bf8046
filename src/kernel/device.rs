//! Interfaces that we make: several messages to the kernel for each, one after the other.

use super::ledger::Snag;
use super::rtnl::batch::{Batch, Verdict};
use super::rtnl::message::{Request, link};
use super::setting::write;
use crate::effect::device::{Kind, NewDevice, Scope, Upper};
use crate::effect::net::{Link, Links};
use std::collections::HashSet;

/// The first group that is tried for interfaces that go together: one that nobody is likely to have in use.
const GROUP: u32 = 0x7374_6664;

/// Whether it still is as we made it. What others may do to it, such as give it addresses, is no part of that.
pub(super) fn is_as_made(link: &Link, new: &NewDevice, links: &Links) -> bool {
    new.is(link) && !is_silenced(link, new, links)
}

/// It answers no ARP, though its parent does.
fn is_silenced(link: &Link, new: &NewDevice, links: &Links) -> bool {
    link.no_arp && links.get(new.parent).is_none_or(|parent| !parent.no_arp)
}

/// Whether it is of this kind and in this place, whatever somebody has made of it.
pub(super) fn was(link: &Link, new: &NewDevice) -> bool {
    let alike = match new.upper {
        Upper::Macvlan(_) => matches!(link.kind, Kind::Macvlan { .. }),
        Upper::Ipvlan(_) => link.kind == Kind::Ipvlan,
    };
    alike && link.parent == Some(new.parent)
}

fn one(batch: &mut Batch, request: Request) -> Verdict {
    batch.apply(&[request]).pop().unwrap_or_else(|| Verdict::Refused("no answer".to_owned()))
}

fn must(batch: &mut Batch, request: Request, what: &str) -> Result<(), Snag> {
    match one(batch, request) {
        Verdict::Done | Verdict::Already => Ok(()),
        Verdict::Refused(reason) => Err(Snag::Refused(format!("{what}: {reason}"))),
    }
}

/// Makes it, unless there is one already; returns whether it made it.
pub(super) fn create(new: &NewDevice, batch: &mut Batch) -> Result<bool, Snag> {
    match one(batch, link::creation(new)) {
        Verdict::Done => Ok(true),
        Verdict::Already => Ok(false),
        Verdict::Refused(reason) => Err(Snag::Refused(reason)),
    }
}

/// Makes it what it is to be, whether it is fresh or was found. `links` has what there is of it and what it is on.
pub(super) fn complete(new: &NewDevice, fresh: bool, batch: &mut Batch, links: &Links) -> Result<(), Snag> {
    let Some(made) = links.named(&new.name) else { return Err(Snag::Refused("it has gone again".to_owned())) };
    if !new.is(made) && !fresh {
        return Err(Snag::Refused("there is another interface of this name".to_owned()));
    }
    let outcome = finish(new, made, fresh, batch, links);
    if outcome.is_err() && fresh {
        // Half an interface is none.
        let _ = one(batch, link::deletion(made.device));
    }
    outcome
}

fn finish(new: &NewDevice, made: &Link, fresh: bool, batch: &mut Batch, links: &Links) -> Result<(), Snag> {
    if let Upper::Macvlan(_) = new.upper {
        // Older kernels do not know it, and such as have no IPv6.
        let _ = one(batch, link::without_addresses(made.device));
    }
    if !fresh && new.vrf.is_some() && made.master != new.vrf {
        must(batch, link::vrf(made.device, new.vrf), "VRF")?;
    }
    for &(knob, value) in &new.settings {
        let done = write(Scope::Device(made.device), knob, value, links, batch);
        done.map_err(|reason| Snag::Refused(format!("{}: {reason}", knob.name())))?;
    }
    if is_silenced(made, new, links) {
        must(batch, link::asking(made.device), "ARP")?;
    }
    must(batch, link::up(made.device), "up")?;
    if let Some(parent) = links.get(new.parent).filter(|_| new.shows_parent) {
        // Nothing changes by it, but the kernel tells everybody of the parent.
        let _ = one(batch, link::group(parent.device, parent.group));
    }
    Ok(())
}

/// The same interface with other settings, or as it was before somebody changed it.
pub(super) fn change(new: &NewDevice, batch: &mut Batch, links: &Links) -> Result<(), Snag> {
    let Some(made) = links.named(&new.name).filter(|link| was(link, new)) else { return Err(Snag::Refused("it has gone".to_owned())) };
    if let Upper::Macvlan(mac) = new.upper {
        if made.mac != Some(mac) {
            must(batch, link::address(made.device, mac), "MAC address")?;
        }
        if made.kind != (Kind::Macvlan { private: true }) {
            must(batch, link::private(made.device), "mode")?;
        }
    }
    if let Some(group) = new.group {
        must(batch, link::group(made.device, group), "group")?;
    }
    if made.master != new.vrf {
        must(batch, link::vrf(made.device, new.vrf), "VRF")?;
    }
    finish(new, made, false, batch, links)
}

pub(super) fn remove(new: &NewDevice, batch: &mut Batch, links: &Links) -> Result<(), Snag> {
    let Some(made) = links.named(&new.name).filter(|link| was(link, new)) else { return Err(Snag::Already(None)) };
    match one(batch, link::deletion(made.device)) {
        Verdict::Done => Ok(()),
        Verdict::Already => Err(Snag::Already(None)),
        Verdict::Refused(reason) => Err(Snag::Refused(reason)),
    }
}

/// Several, with the outcome for each. The kernel waits for all who may be looking at an interface before it lets go of it, and
/// does so once for those that go together.
pub(super) fn remove_all(all: &[&NewDevice], batch: &mut Batch, links: &Links) -> Vec<Result<(), Snag>> {
    let there: Vec<Option<&Link>> = all.iter().map(|new| links.named(&new.name).filter(|link| was(link, new))).collect();
    let taken: HashSet<u32> = links.iter().map(|link| link.group).collect();
    let group = (GROUP..).find(|group| !taken.contains(group)).unwrap_or(GROUP);
    let moves: Vec<Request> = there.iter().flatten().map(|link| link::group(link.device, group)).collect();
    let moved = batch.apply(&moves).iter().all(|verdict| *verdict == Verdict::Done);
    if moved && one(batch, link::deletion_of_group(group)) == Verdict::Done {
        return there.iter().map(|link| link.map(|_| ()).ok_or(Snag::Already(None))).collect();
    }
    all.iter().map(|new| remove(new, batch, links)).collect()
}
