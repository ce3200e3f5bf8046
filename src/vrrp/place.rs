//! Where an instance's things go: from names in the configuration to devices of this machine.

use super::device::Plan;
use crate::effect::net::{Device, Fact, Links, Placed};
use crate::effect::packet::{Port, Reach, Target};
use crate::model::net::{Address, Family};
use crate::model::vrrp::{Auth, Carrier, Instance, Transport};
use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

/// Which devices an instance lives on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Site {
    /// The configured interface.
    pub(super) base: Option<Device>,
    /// Where adverts go out and are heard: that, or the VMAC or ipvlan on top of it.
    pub(super) home: Option<Device>,
    /// Where the addresses go that name no other interface.
    seat: Option<Device>,
}

pub(super) fn site(conf: &Instance, plan: &Plan, links: &Links) -> Site {
    let named = |name: &str| links.named(name).map(|link| link.device);
    let base = conf.interface.as_deref().and_then(named);
    let own = || base.and(plan.own(conf)).and_then(named);
    match &conf.carrier {
        Carrier::Interface => Site { base, home: base, seat: base },
        Carrier::Vmac(vmac) if vmac.transmits_on_base => Site { base, home: base, seat: own() },
        Carrier::Vmac(_) => Site { base, home: own(), seat: own() },
        Carrier::Ipvlan(_) => Site { base, home: own(), seat: base },
    }
}

fn device(conf: &Instance, address: &Address, site: Site, plan: &Plan, links: &Links) -> Option<Device> {
    let named = |name: &str| links.named(name).map(|link| link.device);
    match (plan.of_address(conf, address), &address.device) {
        (Some(name), _) => named(name),
        (None, Some(name)) => named(name),
        // The other family has no business on a VMAC.
        (None, None) if address.prefix.family() != conf.family => site.base,
        (None, None) => site.seat,
    }
}

/// All addresses, in the order in which they are installed and announced.
fn addresses(conf: &Instance) -> impl Iterator<Item = &Address> {
    conf.vips.iter().chain(&conf.excluded)
}

/// All that a master holds, as far as there is a place for it.
pub(super) fn facts(conf: &Instance, site: Site, plan: &Plan, links: &Links, lease: Option<Duration>) -> Box<[Fact]> {
    let placed = addresses(conf).filter_map(|address| {
        let device = device(conf, address, site, plan, links)?;
        Some(Fact::Address(Placed { device, address: address.clone(), lease }))
    });
    let routes = conf.routes.iter().map(|route| Fact::Route(Box::new(route.clone())));
    let rules = conf.rules.iter().map(|rule| Fact::Rule(Box::new(rule.clone())));
    placed.chain(routes).chain(rules).collect()
}

/// Neighbours on a link without address resolution need not be told.
fn target(conf: &Instance, address: &Address, site: Site, plan: &Plan, links: &Links) -> Option<Target> {
    let device = device(conf, address, site, plan, links)?;
    let silent = links.get(device).is_some_and(|link| link.no_arp);
    (!silent).then_some(Target { device, address: address.prefix.address })
}

/// What a master announces, in order.
pub(super) fn targets(conf: &Instance, site: Site, plan: &Plan, links: &Links) -> Box<[Target]> {
    addresses(conf).filter_map(|address| target(conf, address, site, plan, links)).collect()
}

/// One address of each interface that carries any and does not send the adverts: of `all`, or of virtual MACs.
pub(super) fn further_targets(conf: &Instance, site: Site, plan: &Plan, links: &Links, all: bool) -> Box<[Target]> {
    let own = links.named(plan.own(conf).unwrap_or_default()).map(|link| link.device);
    let mut list: Vec<Target> = Vec::new();
    for address in addresses(conf) {
        let Some(target) = target(conf, address, site, plan, links) else { continue };
        let virtual_mac = plan.of_address(conf, address).is_some() || Some(target.device) == own;
        let adverts = Some(target.device) == site.home;
        if (all || virtual_mac) && !adverts && list.iter().all(|other| other.device != target.device) {
            list.push(target);
        }
    }
    list.into()
}

/// What adverts are sent from: as configured, or the first address of the interface that is nobody's virtual one. IPv6 adverts
/// come from a link-local address (RFC 5798 5.1.2.2).
pub(super) fn source(conf: &Instance, site: Site, links: &Links, virtuals: &HashSet<IpAddr>) -> Option<IpAddr> {
    if let Some(source) = conf.source {
        return (!conf.tracks_source || links.has_address(source)).then_some(source);
    }
    let fits = |address: &IpAddr| match (conf.family, address) {
        (Family::V4, IpAddr::V4(_)) => true,
        (Family::V6, IpAddr::V6(v6)) => v6.is_unicast_link_local(),
        (Family::V4, IpAddr::V6(_)) | (Family::V6, IpAddr::V4(_)) => false,
    };
    // An IPv4 VMAC has none but virtual addresses, and an IPv6 packet can only be sent from one that its interface has.
    let on = match (&conf.carrier, conf.family) {
        (Carrier::Vmac(_), Family::V4) => site.base,
        (Carrier::Interface | Carrier::Ipvlan(_), _) | (Carrier::Vmac(_), Family::V6) => site.home,
    };
    links.addresses(on?).iter().map(|prefix| prefix.address).find(|address| fits(address) && !virtuals.contains(address))
}

/// The sockets it needs, if there is enough to open them with.
pub(super) fn port(conf: &Instance, home: Option<Device>, source: Option<IpAddr>) -> Option<Port> {
    if conf.interface.is_some() && home.is_none() {
        return None;
    }
    let reach = match &conf.transport {
        Transport::Multicast { group } => Reach::Multicast { group: *group },
        Transport::Unicast { .. } => Reach::Unicast { source: source? },
    };
    Some(Port {
        family: conf.family,
        device: home,
        vrf: conf.vrf.clone(),
        reach,
        ah: matches!(conf.auth, Auth::Ah(_)),
        receive_buffer: conf.receive_buffer,
    })
}

/// What an instance is known by over a reload and a restart.
pub(super) fn key(conf: &Instance) -> Box<str> {
    conf.identity()
}

/// Every interface by name whose standing matters to the instance itself.
pub(super) fn interfaces<'a>(conf: &'a Instance, plan: &'a Plan) -> impl Iterator<Item = &'a str> {
    let own = conf.interface.as_deref().filter(|_| conf.tracks_link);
    let made = plan.own(conf).filter(|_| conf.tracks_link);
    let carrying = addresses(conf).filter(|address| address.tracked).filter_map(|address| address.device.as_deref());
    own.into_iter().chain(made).chain(carrying).chain(leaving(conf))
}

/// Those on which its addresses are, as far as these say so.
pub(super) fn carrying<'a>(conf: &'a Instance, plan: &'a Plan) -> impl Iterator<Item = &'a str> {
    addresses(conf).flat_map(move |address| plan.of_address(conf, address).into_iter().chain(address.device.as_deref()))
}

/// Those that tracked routes and rules name.
pub(super) fn leaving(conf: &Instance) -> impl Iterator<Item = &str> {
    let routes = conf.routes.iter().filter(|route| route.tracked);
    let ways = routes.flat_map(|route| route.device.iter().chain(route.hops.iter().filter_map(|hop| hop.device.as_ref())));
    let rules = conf.rules.iter().filter(|rule| rule.tracked).flat_map(|rule| rule.input.iter().chain(&rule.output));
    ways.chain(rules).map(|name| &**name)
}
