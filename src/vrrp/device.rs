//! The interfaces that instances live on in the place of a real one (`use_vmac`, `use_ipvlan`), and the settings of the kernel
//! that these need: which there are to be, what they are called, and who uses which.

mod left;

use crate::effect::device::{Kind, Knob, NewDevice, Scope, Setting, Upper};
use crate::effect::net::{Device, Fact, Link, Links, Mac, Placed};
use crate::model::Model;
use crate::model::global;
use crate::model::net::address::Lifetime;
use crate::model::net::{Address, Family, Prefix};
use crate::model::vrrp::{Carrier, Instance, IpvlanMode, Vmac};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr};

/// The kernel's limit on the name of an interface.
const LONGEST_NAME: usize = 15;
const LINK_LOCAL_LENGTH: u8 = 64;
/// Of `arp_announce`: who asks tells of an address of the interface that the question leaves by, and of no other.
const OWN_ONLY: u32 = 2;

/// What makes two of them the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Key {
    /// The kernel has only one of an address on an interface.
    Macvlan(Box<str>, Mac),
    /// By interface, family and VRID, or the name it was given.
    Ipvlan(Box<str>, Family, u8, Option<Box<str>>),
}

impl Key {
    fn parent(&self) -> &str {
        match self {
            Self::Macvlan(parent, _) | Self::Ipvlan(parent, ..) => parent,
        }
    }
}

/// One of them as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    key: Key,
    family: Family,
    vrid: u8,
    /// As configured; a default begins with the prefix.
    name: Option<Box<str>>,
    prefix: Box<str>,
    mode: Option<IpvlanMode>,
    group: Option<u32>,
    notifies: bool,
    /// IPv6 has a use for it.
    has_ipv6: bool,
    link_local: Option<LinkLocal>,
    /// Of an ipvlan.
    address: Option<Prefix>,
}

/// What an IPv6 VMAC sends from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LinkLocal {
    /// As configured.
    Given(Ipv6Addr),
    /// The same as its parent.
    Parents,
}

/// All of them, with their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    names: BTreeMap<Key, Box<str>>,
    facts: Vec<Fact>,
    /// What we have made, as far as it has not been seen to go, and on what.
    ours: BTreeMap<Box<str>, Device>,
    /// Where among the facts those interfaces are that need nothing more once they are there.
    complete: HashMap<Box<str>, usize>,
}

impl Plan {
    /// For a configuration and the interfaces there are. What is there already keeps its name, whether it was made by us, as
    /// `before` says, or found.
    pub fn new(model: &Model, links: &Links, before: &Self) -> Self {
        let wanted = wanted(model);
        let names = names(&wanted, links, before);
        let mut plan = Self { names, facts: Vec::new(), ours: BTreeMap::new(), complete: HashMap::new() };
        plan.facts = plan.facts(model, &wanted, links, before);
        let still = before.ours.iter().filter(|&(name, &parent)| links.named(name).is_some_and(|link| may_be_on(link, parent)));
        plan.ours = still
            .map(|(name, &parent)| (name.clone(), parent))
            .chain(plan.facts.iter().filter_map(made).map(|new| (new.name.clone(), new.parent)))
            .collect();
        let complete = wanted.iter().filter(|one| one.link_local.is_none() && one.address.is_none());
        let complete: HashSet<&str> = complete.filter_map(|one| plan.names.get(&one.key)).map(|name| &**name).collect();
        plan.complete =
            plan.facts.iter().enumerate().filter_map(|(at, fact)| Some((complete.get(device_name(fact)?).copied()?.into(), at))).collect();
        plan
    }

    /// Whether it was made as planned, and nothing more is to be planned with it.
    pub(super) fn expects(&self, link: &Link) -> bool {
        let planned = self.complete.get(&link.name).and_then(|&at| self.facts.get(at));
        matches!(planned, Some(Fact::Device(new)) if new.is(link))
    }

    /// All that is to be held for them, in the order in which it is to be put there.
    pub fn held(&self) -> &[Fact] {
        &self.facts
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.values().map(|name| &**name)
    }

    /// What the instance's own one is called, if it has one.
    pub(super) fn own(&self, conf: &Instance) -> Option<&str> {
        self.names.get(&own(conf)?).map(|name| &**name)
    }

    /// What the one for this address is called, if it has one of its own.
    pub(super) fn of_address(&self, conf: &Instance, address: &Address) -> Option<&str> {
        self.names.get(&extra(conf, address)?).map(|name| &**name)
    }

    fn facts(&self, model: &Model, wanted: &[Wanted], links: &Links, before: &Self) -> Vec<Fact> {
        let mut devices = Vec::new();
        let mut addresses = Vec::new();
        let mut parents: Vec<Device> = Vec::new();
        let mut promoted: Vec<Device> = Vec::new();
        let virtuals = virtuals(model);
        let mut filtered = false;
        for one in wanted {
            let (Some(parent), Some(name)) = (links.named(one.key.parent()), self.names.get(&one.key)) else { continue };
            let parent = real(parent, links);
            // Nothing but Ethernet has room for it.
            if parent.mac.is_none() {
                continue;
            }
            // Ours stays ours, whatever somebody makes of it.
            let ours = |link: &Link| before.names.get(&one.key) == Some(name) && is_on(link, parent);
            let made = links.named(name).filter(|link| is(link, one, parent) || ours(link));
            devices.push(Fact::Device(Box::new(NewDevice {
                name: name.clone(),
                parent: parent.device,
                upper: match one.key {
                    Key::Macvlan(_, mac) => Upper::Macvlan(mac),
                    Key::Ipvlan(..) => Upper::Ipvlan(one.mode),
                },
                group: one.group.or(Some(parent.group)).filter(|&group| group != 0),
                vrf: parent.master.filter(|&master| links.get(master).is_some_and(|link| link.kind == Kind::Vrf)),
                settings: settings(one),
                shows_parent: one.notifies,
            })));
            if matches!(one.key, Key::Macvlan(..)) && one.family == Family::V4 {
                filtered = true;
                if !parents.contains(&parent.device) {
                    parents.push(parent.device);
                }
            }
            let own =
                one.link_local.map(|how| Prefix { address: link_local(how, parent, links, &virtuals).into(), length: LINK_LOCAL_LENGTH });
            for prefix in own.into_iter().chain(one.address) {
                // Nobody else is to send from it by choice.
                let preferred = if one.address.is_none() { Lifetime::Seconds(0) } else { Lifetime::Forever };
                addresses.extend(made.map(|link| Fact::Address(placed(link.device, prefix, preferred))));
            }
        }
        for conf in model.vrrp.instances.iter().filter(|conf| conf.promote_secondaries && !matches!(conf.carrier, Carrier::Vmac(_))) {
            let on = conf.interface.as_deref().and_then(|name| links.named(name)).map(|link| link.device);
            promoted.extend(on.filter(|device| !promoted.contains(device)));
        }
        let mut facts = Vec::new();
        if filtered {
            // First, so that what is new is not caught by it.
            facts.push(setting(Scope::All, Knob::ReversePath, 0));
        }
        if model.global.vrrp.disable_local_igmp {
            facts.push(setting(Scope::All, Knob::LinkLocalReports, 0));
        }
        facts.extend(devices);
        facts.extend(addresses);
        // Only now: until there is somebody else to answer, the parent does. And where it asks by itself, it does not say that
        // virtual addresses are at its own MAC address.
        for device in parents {
            let quiet = [(Knob::ArpIgnore, 1), (Knob::ArpFilter, 1), (Knob::ArpAnnounce, OWN_ONLY)];
            facts.extend(quiet.map(|(knob, value)| setting(Scope::Device(device), knob, value)));
        }
        facts.extend(promoted.into_iter().map(|device| setting(Scope::Device(device), Knob::PromoteSecondaries, 1)));
        facts
    }
}

fn made(fact: &Fact) -> Option<&NewDevice> {
    match fact {
        Fact::Device(new) => Some(new),
        Fact::Setting(_) | Fact::Address(_) | Fact::Route(_) | Fact::Rule(_) => None,
    }
}

fn device_name(fact: &Fact) -> Option<&str> {
    made(fact).map(|new| &*new.name)
}

const fn setting(scope: Scope, knob: Knob, value: u32) -> Fact {
    Fact::Setting(Setting { scope, knob, value })
}

fn placed(device: Device, prefix: Prefix, preferred: Lifetime) -> Placed {
    let address = Address { preferred, ..Address::new(prefix) };
    Placed { device, address, lease: None }
}

/// A macvlan on a macvlan is one on what that sits on.
pub(super) fn real<'a>(link: &'a Link, links: &'a Links) -> &'a Link {
    let below = link.parent.filter(|_| link.kind.is_stacked()).and_then(|parent| links.get(parent));
    below.unwrap_or(link)
}

fn is(link: &Link, wanted: &Wanted, parent: &Link) -> bool {
    let alike = match wanted.key {
        Key::Macvlan(_, mac) => link.kind == Kind::Macvlan { private: true } && link.mac == Some(mac),
        Key::Ipvlan(..) => link.kind == Kind::Ipvlan,
    };
    alike && link.parent == Some(parent.device)
}

fn is_on(link: &Link, parent: &Link) -> bool {
    link.kind.is_stacked() && link.parent == Some(parent.device)
}

/// The same where its parent cannot be seen, having gone to another network namespace.
fn may_be_on(link: &Link, parent: Device) -> bool {
    link.kind.is_stacked() && link.parent.is_none_or(|on| on == parent)
}

fn settings(one: &Wanted) -> Box<[(Knob, u32)]> {
    let ipv6 = (Knob::DisableIpv6, u32::from(!one.has_ipv6));
    match (&one.key, one.family) {
        (Key::Macvlan(..), Family::V4) => {
            let ask = (Knob::ArpAnnounce, OWN_ONLY);
            [(Knob::ArpIgnore, 1), ask, (Knob::AcceptLocal, 1), (Knob::ReversePath, 0), (Knob::PromoteSecondaries, 1), ipv6].into()
        }
        (Key::Macvlan(..), Family::V6) => [(Knob::ArpIgnore, 1), ipv6].into(),
        (Key::Ipvlan(..), _) => [ipv6].into(),
    }
}

fn virtuals(model: &Model) -> HashSet<IpAddr> {
    model.vrrp.instances.iter().flat_map(|i| i.vips.iter().chain(&i.excluded)).map(|address| address.prefix.address).collect()
}

fn link_local(how: LinkLocal, parent: &Link, links: &Links, virtuals: &HashSet<IpAddr>) -> Ipv6Addr {
    let parents = || {
        let mut addresses =
            links.addresses(parent.device).iter().map(|prefix| prefix.address).filter(|address| !virtuals.contains(address));
        addresses.find_map(|address| match address {
            IpAddr::V6(address) => address.is_unicast_link_local().then_some(address),
            IpAddr::V4(_) => None,
        })
    };
    match how {
        LinkLocal::Given(address) => address,
        LinkLocal::Parents => parents().unwrap_or_else(|| made_up(parent.mac.unwrap_or(Mac([0; 6])))),
    }
}

/// As an interface makes one from its MAC address (RFC 4291, appendix A).
fn made_up(Mac([a, b, c, d, e, f]): Mac) -> Ipv6Addr {
    let [a, b, c, d, e, f] = [a ^ 2, b, c, d, e, f].map(u16::from);
    Ipv6Addr::new(0xfe80, 0, 0, 0, a << 8 | b, c << 8 | 0xff, 0xfe00 | d, e << 8 | f)
}

/// RFC 5798 7.3.
const fn rfc(family: Family, vrid: u8) -> Mac {
    let kind = match family {
        Family::V4 => 1,
        Family::V6 => 2,
    };
    Mac([0, 0, 0x5e, 0, kind, vrid])
}

fn mac(vmac: &Vmac, family: Family, vrid: u8) -> Mac {
    vmac.mac.map_or_else(|| rfc(family, vrid), Mac)
}

/// The instance's own one.
fn own(conf: &Instance) -> Option<Key> {
    let parent: Box<str> = conf.interface.clone()?;
    match &conf.carrier {
        Carrier::Interface => None,
        Carrier::Vmac(vmac) => Some(Key::Macvlan(parent, mac(vmac, conf.family, conf.vrid.0))),
        Carrier::Ipvlan(ipvlan) => Some(Key::Ipvlan(parent, conf.family, conf.vrid.0, ipvlan.name.clone())),
    }
}

/// The one beside it that an address asks for.
fn extra(conf: &Instance, address: &Address) -> Option<Key> {
    let family = address.prefix.family();
    let elsewhere = address.device.is_some() || family != conf.family;
    let has_own = matches!(conf.carrier, Carrier::Vmac(_));
    if !(address.use_vmac || conf.vmac_addresses) || has_own && !elsewhere {
        return None;
    }
    let parent = address.device.clone().or_else(|| conf.interface.clone())?;
    Some(Key::Macvlan(parent, rfc(family, conf.vrid.0)))
}

fn wanted(model: &Model) -> Vec<Wanted> {
    let global::vrrp::Vrrp { vmac_prefix, vmac_addr_prefix, .. } = &model.global.vrrp;
    let prefix: Box<str> = vmac_prefix.clone().unwrap_or_else(|| "vrrp".into());
    let extra_prefix = vmac_addr_prefix.clone().unwrap_or_else(|| prefix.clone());
    let mut list: Vec<Wanted> = Vec::new();
    let mut seen = HashMap::new();
    let mut add = |one: Wanted| match seen.get(&one.key) {
        None => {
            seen.insert(one.key.clone(), list.len());
            list.push(one);
        }
        // Whoever comes first says what it is called; what others need of it, it has as well.
        Some(&at) => {
            let first: &mut Wanted = &mut list[at];
            first.has_ipv6 |= one.has_ipv6;
            first.link_local = first.link_local.or(one.link_local);
        }
    };
    for conf in &model.vrrp.instances {
        let Some(key) = own(conf) else { continue };
        let plain = Wanted {
            key,
            family: conf.family,
            vrid: conf.vrid.0,
            name: None,
            prefix: prefix.clone(),
            mode: None,
            group: None,
            notifies: false,
            has_ipv6: conf.family == Family::V6 || conf.excluded.iter().any(|address| address.prefix.family() == Family::V6),
            link_local: None,
            address: None,
        };
        add(match &conf.carrier {
            Carrier::Interface => continue,
            Carrier::Vmac(vmac) => Wanted {
                name: vmac.name.clone(),
                group: vmac.group,
                notifies: vmac.notifies,
                link_local: (conf.family == Family::V6 && !vmac.transmits_on_base).then(|| match conf.source {
                    Some(IpAddr::V6(source)) if source.is_unicast_link_local() => LinkLocal::Given(source),
                    Some(_) | None => LinkLocal::Parents,
                }),
                ..plain
            },
            Carrier::Ipvlan(ipvlan) => Wanted {
                name: ipvlan.name.clone(),
                mode: ipvlan.mode,
                group: ipvlan.group,
                address: ipvlan.address,
                has_ipv6: conf.family == Family::V6,
                ..plain
            },
        });
    }
    for conf in &model.vrrp.instances {
        for address in conf.vips.iter().chain(&conf.excluded) {
            let family = address.prefix.family();
            let Some(key) = extra(conf, address) else { continue };
            add(Wanted {
                key,
                family,
                vrid: conf.vrid.0,
                name: None,
                prefix: extra_prefix.clone(),
                mode: None,
                group: None,
                notifies: false,
                has_ipv6: family == Family::V6,
                link_local: (family == Family::V6).then_some(LinkLocal::Parents),
                address: None,
            });
        }
    }
    list
}

fn names(wanted: &[Wanted], links: &Links, before: &Plan) -> BTreeMap<Key, Box<str>> {
    let keys: HashSet<&Key> = wanted.iter().map(|one| &one.key).collect();
    // What was ours and is not wanted any more will go, and its name is free.
    let mut leaving: HashSet<&str> = before.names.iter().filter(|(key, _)| !keys.contains(key)).map(|(_, name)| &**name).collect();
    // So will what was ours on a parent that is called otherwise now, or is another one.
    let known: HashMap<&str, &Wanted> = wanted.iter().filter_map(|one| Some((&**before.names.get(&one.key)?, one))).collect();
    let ours = before.ours.iter().map(|(name, &on)| (&**name, on));
    leaving.extend(ours.filter(|&(name, on)| known.get(name).is_some_and(|one| is_stranded(name, on, one, links))).map(|(name, _)| name));
    let mut taken: HashSet<Box<str>> = links.iter().map(|link| link.name.clone()).filter(|name| !leaving.contains(&**name)).collect();
    let given: HashSet<&str> = wanted.iter().filter_map(|one| one.name.as_deref()).collect();
    let children = children(links);
    let mut names = BTreeMap::new();
    let mut nameless = Vec::new();
    // Those that are there first: nobody else is to be given their names.
    for one in wanted {
        match found(one, links, &children, before, &given) {
            Some(name) => {
                taken.insert(name.clone());
                names.insert(one.key.clone(), name);
            }
            None => nameless.push(one),
        }
    }
    for one in nameless {
        let kept = before.names.get(&one.key).filter(|name| !taken.contains(*name) && !given.contains(&***name));
        let name = one.name.clone().or_else(|| kept.cloned()).unwrap_or_else(|| {
            let free = |name: &str| !taken.contains(name) && !given.contains(name);
            // There are fewer interfaces than candidates.
            candidates(one).find(|name| free(name)).unwrap_or_default()
        });
        taken.insert(name.clone());
        names.insert(one.key.clone(), name);
    }
    names
}

/// Whether an interface of ours is on something that it is not wanted on any more.
fn is_stranded(name: &str, on: Device, wanted: &Wanted, links: &Links) -> bool {
    let parent = links.named(wanted.key.parent()).map(|parent| real(parent, links).device);
    parent != Some(on) && links.named(name).is_some_and(|link| may_be_on(link, on))
}

/// The first private macvlan on each interface with each MAC address.
fn children(links: &Links) -> HashMap<(Device, Mac), &Link> {
    let mut children = HashMap::new();
    for link in links.iter().filter(|link| link.kind == (Kind::Macvlan { private: true })) {
        if let (Some(parent), Some(mac)) = (link.parent, link.mac) {
            children.entry((parent, mac)).or_insert(link);
        }
    }
    children
}

/// What the one that is there already is called.
fn found(one: &Wanted, links: &Links, children: &HashMap<(Device, Mac), &Link>, before: &Plan, given: &HashSet<&str>) -> Option<Box<str>> {
    let parent = real(links.named(one.key.parent())?, links);
    match &one.key {
        Key::Macvlan(_, mac) => {
            // Somebody may have given ours another address; a second one would not help.
            let ours = before.names.get(&one.key).and_then(|name| links.named(name));
            let away = |link: &Link| may_be_on(link, parent.device) && before.ours.get(&link.name) == Some(&parent.device);
            let ours = ours.filter(|link| is_on(link, parent) || away(link));
            children.get(&(parent.device, *mac)).copied().or(ours).map(|link| link.name.clone())
        }
        // Any other on this parent may be somebody else's.
        Key::Ipvlan(..) => {
            let default = candidates(one).next().filter(|name| !given.contains(&**name));
            let name = one.name.clone().or_else(|| before.names.get(&one.key).cloned()).or(default)?;
            links.named(&name).filter(|link| is(link, one, parent)).map(|link| link.name.clone())
        }
    }
}

/// Default names, the best one first.
fn candidates(one: &Wanted) -> impl Iterator<Item = Box<str>> {
    let (prefix, vrid) = (&one.prefix, one.vrid);
    let name = move |number: &str| {
        let end = format!("{number}.{vrid}");
        let room = LONGEST_NAME.saturating_sub(end.len());
        let begin = &prefix[..prefix.floor_char_boundary(room)];
        format!("{begin}{end}").into_boxed_str()
    };
    let other = (one.family == Family::V6).then(|| name("6"));
    [name("")].into_iter().chain(other).chain((1..=u32::MAX).map(move |number| name(&number.to_string())))
}

#[cfg(test)]
mod tests;
