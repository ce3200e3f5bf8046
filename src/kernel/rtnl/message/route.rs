//! Routes.

use super::{Resolve, family};
use crate::effect::net::Device;
use crate::model::net::route::{Encap, Kind, Metric, Metrics, NextHop, Placing, Preference, Tunnel};
use crate::model::net::{Family, Prefix, Realms, Route, Scope};
use netlink_packet_core::{DefaultNla, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::route::{
    MplsLabel, RouteAttribute, RouteFlags, RouteIp6Tunnel, RouteIp6TunnelFlags, RouteIpTunnel, RouteIpTunnelFlags, RouteLwEnCapType,
    RouteLwTunnelEncap, RouteMessage, RouteMetric, RouteMplsIpTunnel, RouteMplsTtlPropagation, RouteNextHop, RouteNextHopFlags,
    RoutePreference, RouteRealm, RouteType, RouteVia,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(super) fn addition(route: &Route, resolve: Resolve<'_>) -> Result<(RouteMessage, u16), String> {
    let mut message = common(route, resolve)?;
    message.header.scope = route.scope.unwrap_or(narrowest(route.kind)).0.into();
    let attributes = &mut message.attributes;
    attributes.extend(route.expires.map(|time| RouteAttribute::Expires(u32::try_from(time.as_secs()).unwrap_or(u32::MAX))));
    let metrics = metrics(&route.metrics);
    if !metrics.is_empty() {
        attributes.push(RouteAttribute::Metrics(metrics));
    }
    attributes.extend(route.realms.map(realm));
    attributes.extend(route.preference.map(|preference| {
        RouteAttribute::Preference(match preference {
            Preference::Low => RoutePreference::Low,
            Preference::Medium => RoutePreference::Medium,
            Preference::High => RoutePreference::High,
            Preference::Other(number) => RoutePreference::Other(number),
        })
    }));
    attributes.extend(
        route
            .ttl_propagate
            .map(|on| RouteAttribute::TtlPropagate(if on { RouteMplsTtlPropagation::Enabled } else { RouteMplsTtlPropagation::Disabled })),
    );
    let flags = match route.placing {
        Placing::Only => NLM_F_CREATE | NLM_F_EXCL,
        Placing::First => NLM_F_CREATE,
        Placing::Last => NLM_F_CREATE | NLM_F_APPEND,
    };
    Ok((message, flags))
}

/// Names the route without its metrics, which the kernel may have adjusted.
pub(super) fn deletion(route: &Route, resolve: Resolve<'_>) -> Result<RouteMessage, String> {
    let mut message = common(route, resolve)?;
    if route.family() == Family::V6 {
        // Otherwise each way is taken away and told of on its own. All of a destination and a priority are one route.
        message.attributes.retain(|attribute| !matches!(attribute, RouteAttribute::MultiPath(_)));
    }
    message.header.scope = route.scope.unwrap_or(Scope::NOWHERE).0.into();
    Ok(message)
}

/// The kernel refuses a local route that is said to be valid everywhere.
pub(in crate::kernel::rtnl) const fn narrowest(kind: Kind) -> Scope {
    match kind {
        Kind::Local | Kind::Nat => Scope::HOST,
        Kind::Broadcast | Kind::Anycast => Scope::LINK,
        Kind::Unicast | Kind::Multicast | Kind::Blackhole | Kind::Unreachable | Kind::Prohibit | Kind::Throw | Kind::External => {
            Scope::GLOBAL
        }
    }
}

fn common(route: &Route, resolve: Resolve<'_>) -> Result<RouteMessage, String> {
    let mut message = RouteMessage::default();
    let header = &mut message.header;
    header.address_family = family(route.family());
    header.destination_prefix_length = route.destination.length;
    header.tos = route.tos;
    // Zero says that the attribute has it.
    header.table = u8::try_from(route.table).unwrap_or_default();
    header.protocol = route.protocol.into();
    header.kind = kind(route.kind).into();
    header.flags.set(RouteFlags::Onlink, route.onlink);
    let attributes = &mut message.attributes;
    attributes.push(RouteAttribute::Table(route.table));
    let Prefix { address, length } = route.destination;
    if length > 0 {
        attributes.push(RouteAttribute::Destination(address.into()));
    }
    if let Some(from) = route.from {
        message.header.source_prefix_length = from.length;
        attributes.push(RouteAttribute::Source(from.address.into()));
    }
    attributes.extend(route.preferred_source.map(|source| RouteAttribute::PrefSource(source.into())));
    attributes.extend(route.gateway.map(|gateway| gateway_of(route, gateway)));
    if let Some(name) = &route.device {
        attributes.push(RouteAttribute::Oif(number(name, resolve)?));
    }
    attributes.extend(route.priority.map(RouteAttribute::Priority));
    if let Some(encap) = &route.encap {
        attributes.extend(encapsulation(encap));
    }
    if !route.hops.is_empty() {
        let hops = route.hops.iter().map(|hop| next_hop(route, hop, resolve)).collect::<Result<_, _>>()?;
        attributes.push(RouteAttribute::MultiPath(hops));
    }
    Ok(message)
}

pub(in crate::kernel::rtnl) fn kind(kind: Kind) -> u8 {
    match kind {
        Kind::Unicast => RouteType::Unicast.into(),
        Kind::Local => RouteType::Local.into(),
        Kind::Broadcast => RouteType::Broadcast.into(),
        Kind::Anycast => RouteType::Anycast.into(),
        Kind::Multicast => RouteType::Multicast.into(),
        Kind::Blackhole => RouteType::BlackHole.into(),
        Kind::Unreachable => RouteType::Unreachable.into(),
        Kind::Prohibit => RouteType::Prohibit.into(),
        Kind::Throw => RouteType::Throw.into(),
        Kind::Nat => RouteType::Nat.into(),
        Kind::External => RouteType::ExternalResolve.into(),
    }
}

fn number(name: &str, resolve: Resolve<'_>) -> Result<u32, String> {
    let Device(number) = resolve(name).ok_or_else(|| format!("there is no interface {name}"))?;
    Ok(number)
}

/// A gateway of the other family has an attribute of its own.
fn gateway_of(route: &Route, gateway: IpAddr) -> RouteAttribute {
    if gateway.is_ipv4() == route.destination.address.is_ipv4() {
        RouteAttribute::Gateway(gateway.into())
    } else {
        RouteAttribute::Via(RouteVia::from(gateway))
    }
}

fn next_hop(route: &Route, hop: &NextHop, resolve: Resolve<'_>) -> Result<RouteNextHop, String> {
    let mut flags = RouteNextHopFlags::empty();
    flags.set(RouteNextHopFlags::Onlink, hop.onlink);
    let mut attributes: Vec<RouteAttribute> = hop.gateway.map(|gateway| gateway_of(route, gateway)).into_iter().collect();
    attributes.extend(hop.realms.map(realm));
    if let Some(encap) = &hop.encap {
        attributes.extend(encapsulation(encap));
    }
    let mut next = RouteNextHop::default();
    next.flags = flags;
    // The kernel counts from zero.
    next.hops = u8::try_from(hop.weight.saturating_sub(1)).unwrap_or(u8::MAX);
    next.interface_index = hop.device.as_deref().map_or(Ok(0), |name| number(name, resolve))?;
    next.attributes = attributes;
    Ok(next)
}

fn realm(realms: Realms) -> RouteAttribute {
    RouteAttribute::Realm(RouteRealm { source: realms.source.into(), destination: realms.destination.into() })
}

fn metrics(metrics: &Metrics) -> Vec<RouteMetric> {
    const CONGESTION: u32 = 16;
    let mut locked = 0;
    let mut list = Vec::new();
    for (&metric, setting) in &metrics.values {
        if setting.locked {
            locked |= 1 << (metric as u32);
        }
        let value = setting.value;
        list.push(match metric {
            Metric::Mtu => RouteMetric::Mtu(value),
            Metric::Window => RouteMetric::Window(value),
            Metric::Rtt => RouteMetric::Rtt(value),
            Metric::RttVar => RouteMetric::RttVar(value),
            Metric::SsThresh => RouteMetric::SsThresh(value),
            Metric::Cwnd => RouteMetric::Cwnd(value),
            Metric::AdvMss => RouteMetric::Advmss(value),
            Metric::Reordering => RouteMetric::Reordering(value),
            Metric::HopLimit => RouteMetric::Hoplimit(value),
            Metric::InitCwnd => RouteMetric::InitCwnd(value),
            Metric::Features => RouteMetric::Features(value),
            Metric::RtoMin => RouteMetric::RtoMin(value),
            Metric::InitRwnd => RouteMetric::InitRwnd(value),
            Metric::QuickAck => RouteMetric::QuickAck(value),
            Metric::FastOpenNoCookie => RouteMetric::FastopenNoCookie(value),
        });
    }
    if let Some(congestion) = &metrics.congestion {
        if congestion.locked {
            locked |= 1 << CONGESTION;
        }
        list.push(RouteMetric::CcAlgo(congestion.algorithm.to_string()));
    }
    if locked != 0 {
        list.insert(0, RouteMetric::Lock(locked));
    }
    list
}

/// The type first, by which the kernel reads the rest.
fn encapsulation(encap: &Encap) -> [RouteAttribute; 2] {
    let (kind, attributes) = match encap {
        Encap::Ip(tunnel) => (RouteLwEnCapType::Ip, ip(tunnel).into_iter().map(RouteLwTunnelEncap::Ip).collect()),
        Encap::Ip6(tunnel) => (RouteLwEnCapType::Ip6, ip6(tunnel).into_iter().map(RouteLwTunnelEncap::Ip6).collect()),
        Encap::Mpls(labels) => {
            let last = labels.len().saturating_sub(1);
            let labels = labels.iter().enumerate().map(|(index, &label)| MplsLabel {
                label,
                traffic_class: 0,
                bottom_of_stack: index == last,
                ttl: 0,
            });
            (RouteLwEnCapType::Mpls, vec![RouteLwTunnelEncap::Mpls(RouteMplsIpTunnel::Destination(labels.collect()))])
        }
        Encap::Ila(locator) => {
            const LOCATOR: u16 = 1;
            let locator = DefaultNla::new(LOCATOR, locator.to_be_bytes().to_vec());
            (RouteLwEnCapType::Ila, vec![RouteLwTunnelEncap::Other(locator)])
        }
    };
    [RouteAttribute::EncapType(kind), RouteAttribute::Encap(attributes)]
}

fn ip(tunnel: &Tunnel<Ipv4Addr>) -> Vec<RouteIpTunnel> {
    let Tunnel { id, destination, source, class, ttl, flags } = *tunnel;
    let said = [
        id.map(RouteIpTunnel::Id),
        destination.map(RouteIpTunnel::Destination),
        source.map(RouteIpTunnel::Source),
        class.map(RouteIpTunnel::Tos),
        ttl.map(RouteIpTunnel::Ttl),
        flags.map(|flags| RouteIpTunnel::Flags(RouteIpTunnelFlags::from_bits_retain(flags))),
    ];
    said.into_iter().flatten().collect()
}

fn ip6(tunnel: &Tunnel<Ipv6Addr>) -> Vec<RouteIp6Tunnel> {
    let Tunnel { id, destination, source, class, ttl, flags } = *tunnel;
    let said = [
        id.map(RouteIp6Tunnel::Id),
        destination.map(RouteIp6Tunnel::Destination),
        source.map(RouteIp6Tunnel::Source),
        class.map(RouteIp6Tunnel::Tc),
        ttl.map(RouteIp6Tunnel::Hoplimit),
        flags.map(|flags| RouteIp6Tunnel::Flags(RouteIp6TunnelFlags::from_bits_retain(flags))),
    ];
    said.into_iter().flatten().collect()
}
