//! Interfaces, and which instances they matter to.

use super::address::Home;
use super::sheet::{Sheet, or_none};
use super::tracked::{groups, joined, weight};
use crate::effect::interface::{Interface, Traits};
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
    let settings = Settings::of(model, view);
    let names: HashMap<&str, &Interface> = interfaces.iter().map(|interface| (&*interface.name, interface)).collect();
    for interface in interfaces {
        sheet.line(format_args!(" Name = {}", interface.name));
        sheet.line(format_args!("   index = {}", interface.device.0));
        itself(sheet, interface, &settings);
        kind(sheet, interface, interfaces, &settings);
        handling(sheet, interface, &settings);
        watched(sheet, watchers.get(&*interface.name));
    }
    // Those that are asked for and are not there.
    let mut missing: Vec<&str> = watchers.keys().copied().filter(|name| !names.contains_key(name)).collect();
    missing.sort_unstable();
    for name in missing {
        sheet.line(format_args!(" Name = {name}"));
        sheet.line(format_args!("   index = 0 (deleted)"));
        watched(sheet, watchers.get(name));
    }
}

/// What the configuration says of interfaces.
struct Settings<'a> {
    model: &'a Model,
    /// Those that instances have made for themselves, and how many sit on what they are on.
    own: HashSet<&'a str>,
    bases: HashMap<&'a str, u32>,
    /// Addresses that come and go with masters.
    virtuals: HashSet<IpAddr>,
}

impl<'a> Settings<'a> {
    fn of(model: &'a Model, view: &'a View) -> Self {
        let every = model.vrrp.instances.iter().flat_map(|instance| instance.vips.iter().chain(&instance.excluded));
        let virtuals = every.map(|address| address.prefix.address).collect();
        let mut settings = Self { model, own: HashSet::new(), bases: HashMap::new(), virtuals };
        for (instance, seen) in seen(model, view) {
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
        sheet.line(format_args!("   {} address = {}", family.name(), or_none(addresses.next())));
        let mut more = addresses.peekable();
        if more.peek().is_some() {
            sheet.line(format_args!("   Additional {} addresses :", family.name()));
        }
        for address in more {
            sheet.line(format_args!("     {address}"));
        }
    }
    if interface.hardware != LOOPBACK
        && let Some(mac) = interface.mac
    {
        sheet.line(format_args!("   MAC = {mac}"));
        if let Some(broadcast) = interface.broadcast {
            sheet.line(format_args!("   MAC broadcast = {broadcast}"));
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
    sheet.line(format_args!("   State = {}UP, {}RUNNING{words}", not(up), not(running)));
    sheet.line(format_args!("   Seen up = {}", u8::from(up && running)));
    let delay = settings.model.vrrp.delays.iter().find(|delay| delay.interface == interface.name);
    sheet.line(format_args!("   Delayed state change running = false"));
    sheet.line(format_args!("   Up debounce timer = {}us", delay.map_or(0, |delay| delay.up.as_micros())));
    sheet.line(format_args!("   Down debounce timer = {}us", delay.map_or(0, |delay| delay.down.as_micros())));
    sheet.line(format_args!("   Group = {}", interface.group));
}

fn kind(sheet: &mut Sheet, interface: &Interface, interfaces: &[Interface], settings: &Settings<'_>) {
    let base = interface.parent.and_then(|parent| interfaces.iter().find(|other| other.device == parent));
    let ours = settings.own.contains(&*interface.name);
    if let (Some(MACVLAN), Some(base)) = (interface.kind.as_deref(), base.filter(|_| ours)) {
        let not = |holds: bool| if holds { "" } else { "not " };
        let (up, running) = (not(base.traits.up), not(base.traits.running));
        sheet.line(format_args!("   VMAC type private, underlying interface = {}, state = {up}UP, {running}RUNNING", base.name));
    }
    if ours {
        sheet.line(format_args!("   I/f created by keepalived"));
    }
    sheet.line(format_args!("   MTU = {}", interface.mtu));
    match interface.hardware {
        ETHERNET => sheet.line(format_args!("   HW Type = ETHERNET")),
        LOOPBACK => sheet.line(format_args!("   HW Type = LOOPBACK")),
        other => sheet.line(format_args!("   HW Type = {other}")),
    }
}

fn handling(sheet: &mut Sheet, interface: &Interface, settings: &Settings<'_>) {
    let vrrp = &settings.model.vrrp;
    let polled = vrrp.linkbeat.iter().find(|polled| polled.interface == interface.name).map(|polled| polled.method);
    let everywhere = settings.model.global.process.linkbeat_use_polling && interface.hardware == ETHERNET;
    match (polled, everywhere) {
        (Some(LinkbeatMethod::Mii), _) => sheet.line(format_args!("   NIC support MII")),
        (Some(LinkbeatMethod::Ioctl), _) => sheet.line(format_args!("   NIC ioctl refresh polling")),
        (Some(LinkbeatMethod::Any | LinkbeatMethod::Ethtool), _) | (None, true) => {
            sheet.line(format_args!("   NIC support ETHTOOL GLINK interface"));
        }
        (None, false) => sheet.line(format_args!("   NIC netlink status update")),
    }
    let group = vrrp.garp_groups.iter().zip(1..).find(|(group, _)| group.interfaces.contains(&interface.name));
    if let Some((group, number)) = group {
        if let Some(interval) = group.garp_interval {
            sheet.line(format_args!("   Gratuitous ARP interval {}ms", interval.as_millis()));
        }
        if let Some(interval) = group.gna_interval {
            sheet.line(format_args!("   Gratuitous NA interval {}ms", interval.as_millis()));
        }
        sheet.line(format_args!("   Gratuitous ARP aggregation group {number}"));
    }
    let users = settings.bases.get(&*interface.name).copied().unwrap_or(0);
    let ours = settings.own.contains(&*interface.name);
    sheet.line(format_args!("   Reset ARP config counter {users}"));
    // Whoever sits on it is kept from answering for it, and it from answering for them.
    let touched = users > 0 || ours;
    sheet.line(format_args!("   Original arp_ignore {}", if touched { interface.arp.ignore } else { 0 }));
    sheet.line(format_args!("   Original arp_filter {}", if touched { interface.arp.filter } else { 0 }));
    if touched {
        sheet.line(format_args!("   rp_filter {}", interface.arp.rp_filter));
    }
    let promoters = vrrp.instances.iter().filter(|i| i.promote_secondaries && i.interface.as_ref() == Some(&interface.name)).count();
    let promotes = if ours || promoters > 0 { interface.arp.promote_secondaries } else { 0 };
    sheet.line(format_args!("   Original promote_secondaries {promotes}"));
    sheet.line(format_args!("   Reset promote_secondaries counter {promoters}"));
}

fn watched(sheet: &mut Sheet, watchers: Option<&Vec<(&str, Weight)>>) {
    let Some(watchers) = watchers else { return };
    sheet.line(format_args!("   Tracking VRRP instances :"));
    for (instance, weighs) in watchers {
        sheet.line(format_args!("     {instance}, weight {}", weight(*weighs)));
    }
}

/// Whom an interface matters to, by its name.
fn watchers<'a>(model: &'a Model, view: &'a View) -> HashMap<&'a str, Vec<(&'a str, Weight)>> {
    let groups = groups(model);
    let mut watchers: HashMap<&str, Vec<(&str, Weight)>> = HashMap::new();
    for (instance, seen) in seen(model, view) {
        let name = &*instance.name;
        let mut note = |interface, weight| {
            let list = watchers.entry(interface).or_default();
            if list.iter().all(|(known, _)| *known != name) {
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

/// Each instance as it is configured and as it is.
fn seen<'a>(model: &'a Model, view: &'a View) -> impl Iterator<Item = (&'a Instance, &'a InstanceView)> {
    let views: HashMap<&str, &InstanceView> = view.instances.iter().map(|seen| (&*seen.name, seen)).collect();
    model.vrrp.instances.iter().filter_map(move |instance| Some((instance, *views.get(&*instance.name)?)))
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
