//! What a predecessor left and somebody has made something else of since, while no process of ours ran: it has another MAC address
//! or another mode than we would look for.

use super::{Key, Plan, Wanted, candidates, children, device_name, extra, is_on, link_local, own, real, virtuals, wanted};
use crate::effect::device::Kind;
use crate::effect::net::{Device, Fact, Link, Links, Mac};
use crate::effect::record::Record;
use crate::model::Model;
use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;

/// So many default names are looked for: more VMACs of a VRID hardly share an interface.
const NAMES: usize = 4;

impl Plan {
    /// Those that can be told by their names: macvlans on the interface where one of ours is missing, and where it is known
    /// that there was one. That an instance left a record says so, or that the settings of the interface are not its own
    /// (`lived_on`), or what is on it: a virtual address, or the link-local one that it shares with its interface. Whatever
    /// else has such a name is somebody else's.
    pub fn left(model: &Model, links: &Links, records: &[Record], lived_on: &BTreeSet<Device>) -> Self {
        let wanted = wanted(model);
        let recorded = recorded(model, records);
        let virtuals = virtuals(model);
        let whole = children(links);
        let is_there = |one: &Wanted| place(one, links).is_some_and(|place| whole.contains_key(&place));
        let macvlans = wanted.iter().filter(|one| matches!(one.key, Key::Macvlan(..)));
        let (there, missing): (Vec<&Wanted>, Vec<&Wanted>) = macvlans.partition(|one| is_there(one));
        let mut taken: HashSet<&str> = there.into_iter().filter_map(|one| whole.get(&place(one, links)?)).map(|link| &*link.name).collect();
        let mut plan = Self::default();
        for one in missing {
            let Some(parent) = links.named(one.key.parent()).map(|parent| real(parent, links)) else { continue };
            let known = recorded.contains(&one.key) || lived_on.contains(&parent.device);
            let shared = one.link_local.map(|how| IpAddr::from(link_local(how, parent, links, &virtuals)));
            let carries_ours =
                |link: &Link| links.addresses(link.device).iter().any(|on| virtuals.contains(&on.address) || shared == Some(on.address));
            let default = candidates(one).take(if one.name.is_none() { NAMES } else { 0 });
            let mut named = one.name.clone().into_iter().chain(default).filter_map(|name| links.named(&name));
            let is_it = |link: &Link| matches!(link.kind, Kind::Macvlan { .. }) && is_on(link, parent) && (known || carries_ours(link));
            if let Some(link) = named.find(|link| is_it(link) && !taken.contains(&*link.name)) {
                taken.insert(&link.name);
                plan.names.insert(one.key.clone(), link.name.clone());
            }
        }
        plan
    }

    /// Those of the facts that make one of these.
    pub fn among(&self, facts: &[Fact]) -> Vec<Fact> {
        let names: HashSet<&str> = self.names().collect();
        facts.iter().filter(|fact| device_name(fact).is_some_and(|name| names.contains(name))).cloned().collect()
    }
}

/// Where a macvlan would be found if it were whole.
fn place(one: &Wanted, links: &Links) -> Option<(Device, Mac)> {
    match &one.key {
        Key::Macvlan(parent, mac) => Some((real(links.named(parent)?, links).device, *mac)),
        // It has nothing that could be changed but its name.
        Key::Ipvlan(..) => None,
    }
}

/// What those instances lived on whose records there are.
fn recorded(model: &Model, records: &[Record]) -> HashSet<Key> {
    let keys: HashSet<&str> = records.iter().map(|record| &*record.key).collect();
    let known = model.vrrp.instances.iter().filter(|conf| keys.contains(&*conf.identity()));
    let all = known.flat_map(|conf| {
        let addresses = conf.vips.iter().chain(&conf.excluded);
        own(conf).into_iter().chain(addresses.filter_map(|address| extra(conf, address)))
    });
    all.collect()
}
