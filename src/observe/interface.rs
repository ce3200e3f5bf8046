//! Interfaces, and which instances they matter to.

use super::address::Home;
use super::sheet::Sheet;
use super::tracked::{groups, joined, weight};
use super::vrrp::seen;
use super::words::{OrNone, Shown};
use crate::effect::interface::{Interface, Traits};
use crate::effect::net::Device;
use crate::model::Model;
use crate::model::net::Family;
use crate::model::track::{Trackers, Weight};
use crate::model::vrrp::{Carrier, Instance, LinkbeatMethod};
use crate::vrrp::view::{InstanceView, View};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// As the kernel numbers them.
const ETHERNET: u16 = 1;
const LOOPBACK: u16 = 772;
/// A macvlan's kind.
const MACVLAN: &str = "macvlan";

pub(super) fn write(sheet: &mut Sheet, model: &Model, view: &View, interfaces: &[Interface]) {
    sheet.section("Interfaces");
    let watchers = watchers(model, view);
    let settings = Settings::of(model, view, interfaces);
    let names: HashMap<&str, &Interface> = interfaces.iter().map(|interface| (&*interface.name, interface)).collect();
    for interface in interfaces {
        sheet.row((" Name = ", &interface.name));
        sheet.row(("   index = ", interface.device.0));
        itself(sheet, interface, &settings);
        kind(sheet, interface, &settings);
        handling(sheet, interface, &settings);
        watched(sheet, watchers.get(&*interface.name));
    }
    // Those that are asked for and are not there.
    let mut missing: Vec<&str> = watchers.keys().copied().filter(|name| !names.contains_key(name)).collect();
    missing.sort_unstable();
    for name in missing {
        sheet.row((" Name = ", name));
        sheet.row("   index = 0 (deleted)");
        watched(sheet, watchers.get(name));
    }
}

/// What the configuration says of interfaces.
struct Settings<'a> {
    model: &'a Model,
    /// Those that instances have made for themselves, and how many sit on what they are on.
    own: HashSet<&'a str>,
    bases: HashMap<&'a str, u32>,
    /// On how many instances' account secondary addresses are to be promoted there.
    promoters: HashMap<&'a str, u32>,
    /// Addresses that come and go with masters.
    virtuals: HashSet<IpAddr>,
    devices: HashMap<Device, &'a Interface>,
}

impl<'a> Settings<'a> {
    fn of(model: &'a Model, view: &'a View, interfaces: &'a [Interface]) -> Self {
        let every = model.vrrp.instances.iter().flat_map(|instance| instance.vips.iter().chain(&instance.excluded));
        let virtuals = every.map(|address| address.prefix.address).collect();
        let devices = interfaces.iter().map(|interface| (interface.device, interface)).collect();
        let mut settings = Self { model, own: HashSet::new(), bases: HashMap::new(), promoters: HashMap::new(), virtuals, devices };
        for promoter in model.vrrp.instances.iter().filter(|instance| instance.promote_secondaries) {
            *settings.promoters.entry(promoter.interface.as_deref().unwrap_or_default()).or_default() += 1;
        }
        for (instance, seen) in seen(model, view, 0..usize::MAX) {
            let Some(name) = seen.own.as_deref() else { continue };
            settings.own.insert(name);
            let reachable = instance.family == Family::V4;
            if let (Carrier::Vmac(_), Some(base), true) = (&instance.carrier, instance.interface.as_deref(), reachable) {
                *settings.bases.entry(base).or_default() += 1;
            }
        }
        settings
    }
}

fn itself(sheet: &mut Sheet, interface: &Interface, settings: &Settings<'_>) {
    // Those that adverts could come from.
    let own = interface.addresses.iter().map(|prefix| prefix.address).filter(|address| !settings.virtuals.contains(address));
    let shown = own.filter(|address| match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    });
    for family in [Family::V4, Family::V6] {
        let mut addresses = shown.clone().filter(|address| Family::of(*address) == family);
        sheet.row(("   ", family.name(), " address = ", OrNone(addresses.next())));
        let mut more = addresses.peekable();
        if more.peek().is_some() {
            sheet.row(("   Additional ", family.name(), " addresses :"));
        }
        for address in more {
            sheet.row(("     ", address));
        }
    }
    if interface.hardware != LOOPBACK
        && let Some(mac) = interface.mac
    {
        sheet.row(("   MAC = ", Shown(mac)));
        if let Some(broadcast) = interface.broadcast {
            sheet.row(("   MAC broadcast = ", Shown(broadcast)));
        }
    }
    let Traits { up, running, broadcast, loopback, point_to_point, multicast, arp } = interface.traits;
    let words = [
        (!broadcast, ", no broadcast"),
        (loopback, ", loopback"),
        (point_to_point, ", point to point"),
        (!arp && !loopback, ", no arp"),
        (!multicast, ", no multicast"),
    ];
    let words: String = words.iter().filter(|(holds, _)| *holds).map(|(_, word)| *word).collect();
    let not = |holds: bool| if holds { "" } else { "not " };
    sheet.row(("   State = ", not(up), "UP, ", not(running), "RUNNING", &*words));
    sheet.row(("   Seen up = ", u8::from(up && running)));
    let delay = settings.model.vrrp.delays.iter().find(|delay| delay.interface == interface.name);
    sheet.row("   Delayed state change running = false");
    sheet.row(("   Up debounce timer = ", delay.map_or(0, |delay| delay.up.as_micros()), "us"));
    sheet.row(("   Down debounce timer = ", delay.map_or(0, |delay| delay.down.as_micros()), "us"));
    sheet.row(("   Group = ", interface.group));
}

fn kind(sheet: &mut Sheet, interface: &Interface, settings: &Settings<'_>) {
    let base = interface.parent.and_then(|parent| settings.devices.get(&parent));
    let ours = settings.own.contains(&*interface.name);
    if let (Some(MACVLAN), Some(base)) = (interface.kind.as_deref(), base.filter(|_| ours)) {
        let not = |holds: bool| if holds { "" } else { "not " };
        let (up, running) = (not(base.traits.up), not(base.traits.running));
        sheet.row(("   VMAC type private, underlying interface = ", &base.name, ", state = ", (up, "UP, ", running, "RUNNING")));
    }
    if ours {
        sheet.row("   I/f created by keepalived");
    }
    sheet.row(("   MTU = ", interface.mtu));
    match interface.hardware {
        ETHERNET => sheet.row("   HW Type = ETHERNET"),
        LOOPBACK => sheet.row("   HW Type = LOOPBACK"),
        other => sheet.row(("   HW Type = ", other)),
    }
}

fn handling(sheet: &mut Sheet, interface: &Interface, settings: &Settings<'_>) {
    let vrrp = &settings.model.vrrp;
    let polled = vrrp.linkbeat.iter().find(|polled| polled.interface == interface.name).map(|polled| polled.method);
    let everywhere = settings.model.global.process.linkbeat_use_polling && interface.hardware == ETHERNET;
    match (polled, everywhere) {
        (Some(LinkbeatMethod::Mii), _) => sheet.row("   NIC support MII"),
        (Some(LinkbeatMethod::Ioctl), _) => sheet.row("   NIC ioctl refresh polling"),
        (Some(LinkbeatMethod::Any | LinkbeatMethod::Ethtool), _) | (None, true) => {
            sheet.row("   NIC support ETHTOOL GLINK interface");
        }
        (None, false) => sheet.row("   NIC netlink status update"),
    }
    let group = vrrp.garp_groups.iter().zip(1..).find(|(group, _)| group.interfaces.contains(&interface.name));
    if let Some((group, number)) = group {
        if let Some(interval) = group.garp_interval {
            sheet.row(("   Gratuitous ARP interval ", interval.as_millis(), "ms"));
        }
        if let Some(interval) = group.gna_interval {
            sheet.row(("   Gratuitous NA interval ", interval.as_millis(), "ms"));
        }
        sheet.row(("   Gratuitous ARP aggregation group ", number));
    }
    let users = settings.bases.get(&*interface.name).copied().unwrap_or(0);
    let ours = settings.own.contains(&*interface.name);
    sheet.row(("   Reset ARP config counter ", users));
    // Whoever sits on it is kept from answering for it, and it from answering for them.
    let touched = users > 0 || ours;
    sheet.row(("   Original arp_ignore ", if touched { interface.arp.ignore } else { 0 }));
    sheet.row(("   Original arp_filter ", if touched { interface.arp.filter } else { 0 }));
    if touched {
        sheet.row(("   rp_filter ", interface.arp.rp_filter));
    }
    let promoters = settings.promoters.get(&*interface.name).copied().unwrap_or(0);
    let promotes = if ours || promoters > 0 { interface.arp.promote_secondaries } else { 0 };
    sheet.row(("   Original promote_secondaries ", promotes));
    sheet.row(("   Reset promote_secondaries counter ", promoters));
}

fn watched(sheet: &mut Sheet, watchers: Option<&Vec<(&str, Weight)>>) {
    let Some(watchers) = watchers else { return };
    sheet.row("   Tracking VRRP instances :");
    for (instance, weighs) in watchers {
        sheet.row(("     ", instance, ", weight ", weight(*weighs)));
    }
}

/// Whom an interface matters to, by its name.
fn watchers<'a>(model: &'a Model, view: &'a View) -> HashMap<&'a str, Vec<(&'a str, Weight)>> {
    let groups = groups(model);
    let mut watchers: HashMap<&str, Vec<(&str, Weight)>> = HashMap::new();
    for (instance, seen) in seen(model, view, 0..usize::MAX) {
        let name = &*instance.name;
        let mut note = |interface, weight| {
            let list = watchers.entry(interface).or_default();
            // One instance after the other: only the last one can be this one.
            if list.last().is_none_or(|(known, _)| *known != name) {
                list.push((name, weight));
            }
        };
        for tracker in joined(instance, groups.get(name).copied(), interfaces_of) {
            note(&tracker.name, tracker.weight);
        }
        for interface in lives_on(instance, seen) {
            note(interface, Weight::default());
        }
    }
    watchers
}

const fn interfaces_of(trackers: &Trackers) -> &Vec<crate::model::track::Tracker> {
    &trackers.interfaces
}

/// All that must be there for an instance without anybody saying so.
fn lives_on<'a>(instance: &'a Instance, view: &'a InstanceView) -> impl Iterator<Item = &'a str> {
    let home = Home::of(instance, view);
    let link = [Some(home.name), home.base].into_iter().flatten().filter(|name| instance.tracks_link && !name.is_empty());
    let addresses = instance.vips.iter().chain(&instance.excluded);
    let carrying = addresses.filter(|address| address.tracked).filter_map(|address| address.device.as_deref());
    let routes = instance.routes.iter().filter(|route| route.tracked);
    let ways = routes.flat_map(|route| route.device.iter().chain(route.hops.iter().filter_map(|hop| hop.device.as_ref())));
    let rules = instance.rules.iter().filter(|rule| rule.tracked).flat_map(|rule| rule.input.iter().chain(&rule.output));
    link.chain(carrying).chain(ways.chain(rules).map(|name| &**name))
}
