//! Routes, as the kernel tells of them.

use super::{family, network};
use crate::effect::net::Device;
use crate::kernel::rtnl::message::{Resolve, kind as number_of, narrowest};
use crate::model::net::route::{Congestion, Encap, Kind, Metric, Metrics, NextHop, Preference, Setting, Tunnel};
use crate::model::net::{Family, Prefix, Realms, Route, Scope};
use netlink_packet_core::{Emitable as _, NlasIterator, Parseable as _};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteIp6Tunnel, RouteIpTunnel, RouteLwEnCapType, RouteLwTunnelEncap,
    RouteMessage, RouteMetric, RouteMplsIpTunnel, RouteNextHop, RouteNextHopFlags, RoutePreference, RouteRealm, RouteType, RouteVia,
};
use std::net::IpAddr;

/// A route of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// In our words, but for its ways.
    route: Route,
    /// The ways it takes; more than one of a multipath route, and none of one that leads nowhere.
    ways: Vec<Way>,
    /// Its type in the kernel, which may be one that nobody can ask for.
    kind: u8,
}

/// One way, as far as the kernel tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Way {
    hop: NextHop,
    device: Option<Device>,
}

impl Way {
    fn is(&self, wanted: &NextHop, resolve: Resolve<'_>) -> bool {
        let leaves = |name: &str| resolve(name).is_none_or(|device| self.device == Some(device));
        self.hop.gateway == wanted.gateway && wanted.device.as_deref().is_none_or(leaves)
    }

    /// Whether it also is as it is wanted; a weight counts where there are several.
    fn is_like(&self, wanted: &NextHop, resolve: Resolve<'_>, weighs: bool) -> bool {
        let said = |hop: &NextHop| (hop.onlink, hop.realms, weighs.then_some(hop.weight), hop.encap.as_ref().map(full));
        self.is(wanted, resolve) && said(&self.hop) == said(wanted)
    }
}

/// What the kernel gives an IPv6 route that asks for none.
const IPV6_PRIORITY: u32 = 1024;

impl Seen {
    /// Where it leads, and the table it is in.
    pub(in crate::kernel) const fn place(&self) -> (Prefix, u32) {
        (self.route.destination, self.route.table)
    }

    /// Whether it is this one of ours. What we did not ask for may be anything, and so may what the kernel may adjust.
    pub(in crate::kernel) fn is(&self, route: &Route, resolve: Resolve<'_>) -> bool {
        self.stands_for(route) && self.goes(route, |way, wanted, _| way.is(wanted, resolve))
    }

    /// Whether it is this one, and in every respect as it was asked for.
    pub(in crate::kernel) fn is_as_wanted(&self, route: &Route, resolve: Resolve<'_>) -> bool {
        let preference = |route: &Route| match route.family() {
            Family::V4 => None,
            Family::V6 => Some(route.preference.unwrap_or(Preference::Medium)),
        };
        self.is(route, resolve)
            && self.goes(route, |way, wanted, weighs| way.is_like(wanted, resolve, weighs))
            && self.route.metrics == settled(&route.metrics)
            && preference(&self.route) == preference(route)
            && (route.hops.is_empty() || self.route.realms == route.realms)
            && (route.family() == Family::V6 || self.route.scope == Some(route.scope.unwrap_or(narrowest(route.kind))))
            && self.route.preferred_source == route.preferred_source
    }

    /// Whether it is one way of several that ours takes: the kernel can take IPv6 routes apart.
    pub(in crate::kernel) fn is_part_of(&self, route: &Route, resolve: Resolve<'_>) -> bool {
        route.family() == Family::V6
            && self.ways.len() < route.hops.len()
            && self.stands_for(route)
            && self.ways.iter().all(|way| route.hops.iter().any(|wanted| way.is(wanted, resolve)))
    }

    fn stands_for(&self, route: &Route) -> bool {
        let seen = &self.route;
        let priority = match (route.family(), route.priority) {
            (Family::V4, priority) => priority.unwrap_or(0),
            (Family::V6, priority) => priority.filter(|&priority| priority != 0).unwrap_or(IPV6_PRIORITY),
        };
        let scope = match route.family() {
            Family::V4 => route.scope,
            Family::V6 => None,
        };
        let from = route.from.map(network).filter(|from| from.length > 0);
        seen.destination == network(route.destination)
            && (seen.table, seen.tos, seen.protocol, seen.priority) == (route.table, route.tos, route.protocol, Some(priority))
            && self.kind == number_of(route.kind)
            && seen.from == from
            && scope.is_none_or(|scope| Some(scope) == seen.scope)
            && route.preferred_source.is_none_or(|source| seen.preferred_source == Some(source))
    }

    /// Whether it takes the ways of this one, each of which is told by `same`.
    fn goes(&self, route: &Route, same: impl Fn(&Way, &NextHop, bool) -> bool) -> bool {
        if route.hops.is_empty() {
            return match self.ways.as_slice() {
                // One that leads nowhere.
                [] => route.gateway.is_none(),
                [way] => same(way, &only_way(route), false),
                [_, _, ..] => false,
            };
        }
        // The kernel orders the ways of an IPv6 route as it likes.
        let weighs = route.hops.len() > 1;
        route.hops.len() == self.ways.len() && route.hops.iter().all(|wanted| self.ways.iter().any(|way| same(way, wanted, weighs)))
    }

    /// In the words of a configuration, with the names of interfaces; what the kernel does not tell is left out.
    pub(in crate::kernel) fn told(&self, name: &dyn Fn(Device) -> Option<Box<str>>) -> Route {
        let named = |way: &Way| NextHop { device: way.device.and_then(name), ..way.hop.clone() };
        let mut route = self.route.clone();
        match self.ways.as_slice() {
            [] => {}
            [way] => {
                let NextHop { gateway, device, weight: _, onlink, encap, realms } = named(way);
                route = Route { gateway, device, onlink, encap, realms, ..route };
            }
            ways => route.hops = ways.iter().map(named).collect(),
        }
        route
    }

    pub(in crate::kernel) const fn protocol(&self) -> u8 {
        self.route.protocol
    }

    pub(in crate::kernel) fn devices(&self) -> impl Iterator<Item = Device> {
        self.ways.iter().filter_map(|way| way.device)
    }
}

fn only_way(route: &Route) -> NextHop {
    NextHop {
        gateway: route.gateway,
        device: route.device.clone(),
        weight: 1,
        onlink: route.onlink,
        encap: route.encap.clone(),
        realms: route.realms,
    }
}

/// As the kernel keeps them: within its bounds, and without what is zero.
fn settled(metrics: &Metrics) -> Metrics {
    let kept = |(&metric, &setting): (&Metric, &Setting)| {
        let most = match metric {
            Metric::Mtu => 65535 - 15,
            Metric::AdvMss => 65535 - 40,
            Metric::HopLimit => 255,
            Metric::Window
            | Metric::Rtt
            | Metric::RttVar
            | Metric::SsThresh
            | Metric::Cwnd
            | Metric::Reordering
            | Metric::InitCwnd
            | Metric::Features
            | Metric::RtoMin
            | Metric::InitRwnd
            | Metric::QuickAck
            | Metric::FastOpenNoCookie => u32::MAX,
        };
        let setting = Setting { value: setting.value.min(most), ..setting };
        (setting.value != 0 || setting.locked).then_some((metric, setting))
    };
    Metrics { values: metrics.values.iter().filter_map(kept).collect(), congestion: metrics.congestion.clone() }
}

/// With all that the kernel fills in.
fn full(encap: &Encap) -> Encap {
    fn filled<A: Copy>(tunnel: &Tunnel<A>, nowhere: A) -> Tunnel<A> {
        Tunnel {
            id: Some(tunnel.id.unwrap_or(0)),
            destination: Some(tunnel.destination.unwrap_or(nowhere)),
            source: Some(tunnel.source.unwrap_or(nowhere)),
            class: Some(tunnel.class.unwrap_or(0)),
            ttl: Some(tunnel.ttl.unwrap_or(0)),
            flags: Some(tunnel.flags.unwrap_or(0)),
        }
    }
    match encap {
        Encap::Ip(tunnel) => Encap::Ip(filled(tunnel, std::net::Ipv4Addr::UNSPECIFIED)),
        Encap::Ip6(tunnel) => Encap::Ip6(filled(tunnel, std::net::Ipv6Addr::UNSPECIFIED)),
        Encap::Mpls(_) | Encap::Ila(_) => encap.clone(),
    }
}

pub(in crate::kernel::rtnl) fn route(payload: &[u8]) -> Option<Seen> {
    let message = RouteMessage::parse(payload).ok()?;
    let header = message.header;
    let mut route = bare(&header)?;
    let encap = encap_kind(&message.attributes);
    let mut only = NextHop { gateway: None, device: None, weight: 1, onlink: false, encap: None, realms: None };
    only.onlink = header.flags.contains(RouteFlags::Onlink);
    let (mut device, mut ways) = (None, Vec::new());
    for attribute in message.attributes {
        match attribute {
            RouteAttribute::Destination(address) => route.destination.address = plain(&address)?,
            RouteAttribute::Source(address) => {
                route.from = Some(Prefix { address: plain(&address)?, length: header.source_prefix_length });
            }
            RouteAttribute::PrefSource(address) => route.preferred_source = plain(&address),
            RouteAttribute::Table(table) => route.table = table,
            RouteAttribute::Priority(priority) => route.priority = Some(priority),
            RouteAttribute::Oif(number) => device = Some(Device(number)),
            RouteAttribute::Metrics(list) => route.metrics = metrics(list),
            RouteAttribute::Preference(pref) if route.family() == Family::V6 => route.preference = Some(preference(pref)),
            RouteAttribute::MultiPath(hops) => ways.extend(hops.into_iter().map(way)),
            other => part(other, encap, &mut only),
        }
    }
    // IPv6 sends what leads nowhere to the loopback interface.
    let nowhere = matches!(header.kind, RouteType::BlackHole | RouteType::Unreachable | RouteType::Prohibit | RouteType::Throw);
    if !ways.is_empty() {
        route.realms = only.realms;
    } else if !nowhere && (only.gateway.is_some() || device.is_some()) {
        ways.push(Way { hop: only, device });
    }
    Some(Seen { route, ways, kind: header.kind.into() })
}

/// What the header alone says.
fn bare(header: &RouteHeader) -> Option<Route> {
    const KINDS: [Kind; 11] = [
        Kind::Unicast,
        Kind::Local,
        Kind::Broadcast,
        Kind::Anycast,
        Kind::Multicast,
        Kind::Blackhole,
        Kind::Unreachable,
        Kind::Prohibit,
        Kind::Throw,
        Kind::Nat,
        Kind::External,
    ];
    let family = family(header.address_family)?;
    let scope = match family {
        Family::V4 => Some(Scope(header.scope.into())),
        Family::V6 => None,
    };
    Some(Route {
        kind: KINDS.into_iter().find(|&known| number_of(known) == u8::from(header.kind)).unwrap_or_default(),
        tos: header.tos,
        table: header.table.into(),
        protocol: header.protocol.into(),
        scope,
        priority: Some(0),
        tracked: false,
        ..Route::to(Prefix { length: header.destination_prefix_length, ..Prefix::all(family) })
    })
}

/// What is told of a route that has one way, and of each of several.
fn part(attribute: RouteAttribute, kind: RouteLwEnCapType, hop: &mut NextHop) {
    match attribute {
        RouteAttribute::Gateway(address) => hop.gateway = plain(&address),
        RouteAttribute::Via(RouteVia::Inet(address)) => hop.gateway = Some(address.into()),
        RouteAttribute::Via(RouteVia::Inet6(address)) => hop.gateway = Some(address.into()),
        RouteAttribute::Realm(RouteRealm { source, destination }) => {
            hop.realms = match (u8::try_from(source), u8::try_from(destination)) {
                (Ok(source), Ok(destination)) => Some(Realms { source, destination }),
                _ => None,
            };
        }
        RouteAttribute::Encap(list) => hop.encap = encap(kind, &list),
        _ => {}
    }
}

fn way(next: RouteNextHop) -> Way {
    let device = Some(Device(next.interface_index)).filter(|device| device.0 != 0);
    let onlink = next.flags.contains(RouteNextHopFlags::Onlink);
    // The kernel counts from zero.
    let mut hop = NextHop { gateway: None, device: None, weight: u16::from(next.hops) + 1, onlink, encap: None, realms: None };
    let encap = encap_kind(&next.attributes);
    for attribute in next.attributes {
        part(attribute, encap, &mut hop);
    }
    Way { hop, device }
}

fn plain(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some(IpAddr::V4(*address)),
        RouteAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}

const fn preference(preference: RoutePreference) -> Preference {
    const INVALID: u8 = 2;
    match preference {
        RoutePreference::Low => Preference::Low,
        RoutePreference::Medium => Preference::Medium,
        RoutePreference::High => Preference::High,
        RoutePreference::Other(number) => Preference::Other(number),
        _ => Preference::Other(INVALID),
    }
}

fn metrics(list: Vec<RouteMetric>) -> Metrics {
    const CONGESTION: u32 = 16;
    let mut metrics = Metrics::default();
    let mut locked = 0;
    for metric in list {
        let (metric, value) = match metric {
            RouteMetric::Lock(mask) => {
                locked = mask;
                continue;
            }
            RouteMetric::CcAlgo(algorithm) => {
                metrics.congestion = Some(Congestion { algorithm: algorithm.into(), locked: false });
                continue;
            }
            RouteMetric::Mtu(value) => (Metric::Mtu, value),
            RouteMetric::Window(value) => (Metric::Window, value),
            RouteMetric::Rtt(value) => (Metric::Rtt, value),
            RouteMetric::RttVar(value) => (Metric::RttVar, value),
            RouteMetric::SsThresh(value) => (Metric::SsThresh, value),
            RouteMetric::Cwnd(value) => (Metric::Cwnd, value),
            RouteMetric::Advmss(value) => (Metric::AdvMss, value),
            RouteMetric::Reordering(value) => (Metric::Reordering, value),
            RouteMetric::Hoplimit(value) => (Metric::HopLimit, value),
            RouteMetric::InitCwnd(value) => (Metric::InitCwnd, value),
            RouteMetric::Features(value) => (Metric::Features, value),
            RouteMetric::RtoMin(value) => (Metric::RtoMin, value),
            RouteMetric::InitRwnd(value) => (Metric::InitRwnd, value),
            RouteMetric::QuickAck(value) => (Metric::QuickAck, value),
            RouteMetric::FastopenNoCookie(value) => (Metric::FastOpenNoCookie, value),
            _ => continue,
        };
        metrics.values.insert(metric, Setting { value, locked: false });
    }
    let is_locked = |number: u32| locked & (1_u32 << number) != 0;
    if let Some(congestion) = &mut metrics.congestion {
        congestion.locked = is_locked(CONGESTION);
    }
    for metric in LOCKABLE.into_iter().filter(|&metric| is_locked(metric as u32)) {
        // What is locked and zero is told of by the lock alone.
        metrics.values.entry(metric).or_insert(Setting { value: 0, locked: true }).locked = true;
    }
    metrics
}

const LOCKABLE: [Metric; 15] = [
    Metric::Mtu,
    Metric::Window,
    Metric::Rtt,
    Metric::RttVar,
    Metric::SsThresh,
    Metric::Cwnd,
    Metric::AdvMss,
    Metric::Reordering,
    Metric::HopLimit,
    Metric::InitCwnd,
    Metric::Features,
    Metric::RtoMin,
    Metric::InitRwnd,
    Metric::QuickAck,
    Metric::FastOpenNoCookie,
];

/// The library reads what belongs to one of several hops without regard to its kind; hence all of it is read here.
fn encap(kind: RouteLwEnCapType, list: &[RouteLwTunnelEncap]) -> Option<Encap> {
    let mut bytes = vec![0; list.buffer_len()];
    list.emit(&mut bytes);
    let items = || NlasIterator::new(bytes.as_slice()).map_while(Result::ok);
    match kind {
        RouteLwEnCapType::Ip => {
            let mut tunnel = Tunnel::default();
            for item in items().filter_map(|item| RouteIpTunnel::parse(&item).ok()) {
                match item {
                    RouteIpTunnel::Id(id) => tunnel.id = Some(id),
                    RouteIpTunnel::Destination(address) => tunnel.destination = Some(address),
                    RouteIpTunnel::Source(address) => tunnel.source = Some(address),
                    RouteIpTunnel::Tos(class) => tunnel.class = Some(class),
                    RouteIpTunnel::Ttl(ttl) => tunnel.ttl = Some(ttl),
                    RouteIpTunnel::Flags(flags) => tunnel.flags = Some(flags.bits()),
                    _ => {}
                }
            }
            Some(Encap::Ip(tunnel))
        }
        RouteLwEnCapType::Ip6 => {
            let mut tunnel = Tunnel::default();
            for item in items().filter_map(|item| RouteIp6Tunnel::parse(&item).ok()) {
                match item {
                    RouteIp6Tunnel::Id(id) => tunnel.id = Some(id),
                    RouteIp6Tunnel::Destination(address) => tunnel.destination = Some(address),
                    RouteIp6Tunnel::Source(address) => tunnel.source = Some(address),
                    RouteIp6Tunnel::Tc(class) => tunnel.class = Some(class),
                    RouteIp6Tunnel::Hoplimit(ttl) => tunnel.ttl = Some(ttl),
                    RouteIp6Tunnel::Flags(flags) => tunnel.flags = Some(flags.bits()),
                    _ => {}
                }
            }
            Some(Encap::Ip6(tunnel))
        }
        RouteLwEnCapType::Mpls => items().find_map(|item| match RouteMplsIpTunnel::parse(&item).ok()? {
            RouteMplsIpTunnel::Destination(stack) => Some(Encap::Mpls(stack.into_iter().map(|label| label.label).collect())),
            _ => None,
        }),
        RouteLwEnCapType::Ila => {
            const LOCATOR: u16 = 1;
            let locator = items().find(|item| item.kind() == LOCATOR)?;
            Some(Encap::Ila(u64::from_be_bytes(locator.value().try_into().ok()?)))
        }
        _ => None,
    }
}

fn encap_kind(attributes: &[RouteAttribute]) -> RouteLwEnCapType {
    let kind = |attribute: &RouteAttribute| match attribute {
        RouteAttribute::EncapType(kind) => Some(*kind),
        _ => None,
    };
    attributes.iter().find_map(kind).unwrap_or_default()
}

#[cfg(test)]
mod tests;
