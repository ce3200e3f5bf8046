//! How routes are shown.

use super::address::ending;
use super::rule::{option, short};
use crate::model::net::route::{Encap, Kind, Metric, Metrics, NextHop, Placing, Preference, Setting, Tunnel};
use crate::model::net::{Family, OUR_PROTOCOL, Realms, Route};
use std::fmt::{self, Display};
use std::net::IpAddr;

/// The table that routes go to unless they say otherwise.
const MAIN: u32 = 254;
/// What the number of the metric for features has in it.
const ECN: u32 = 1;

/// `prepend 10.9.0.0/16 via inet 10.0.0.3 dev eth0 proto 18`, and so on. `way` is the interface of a route that names none,
/// once it is in the kernel.
pub(super) fn route<'a>(route: &'a Route, group: Option<&'a str>, way: Option<&'a str>) -> impl Display + 'a {
    fmt::from_fn(move |f| {
        f.write_str(match route.placing {
            Placing::Only => "add ",
            Placing::First => "prepend ",
            Placing::Last => "append ",
        })?;
        f.write_str(kind(route.kind))?;
        write!(f, "{}", short(route.destination))?;
        option(f, "from", route.from.map(short))?;
        option(f, "src", route.preferred_source)?;
        option(f, "tos", Some(route.tos).filter(|&tos| tos != 0))?;
        if let Some(encap) = &route.encap {
            write!(f, " {}", Shown(encap))?;
        }
        via(f, route.gateway)?;
        option(f, "dev", route.device.as_ref())?;
        option(f, "table", Some(route.table).filter(|&table| table != MAIN))?;
        // Of one that nobody watches over, keepalived does not say that it is ours.
        let said = route.protocol != 0 && (route.tracked || route.protocol != OUR_PROTOCOL);
        option(f, "proto", said.then_some(route.protocol))?;
        option(f, "scope", route.scope.map(|scope| scope.0))?;
        option(f, "metric", route.priority)?;
        f.write_str(if route.onlink { " onlink" } else { "" })?;
        if let Some(expires) = route.expires {
            write!(f, " expires {}sec", expires.as_secs())?;
        }
        option(f, "realms", route.realms.map(realms))?;
        metrics(f, &route.metrics)?;
        if let Some(preference) = route.preference {
            match preference {
                Preference::Low => f.write_str(" pref low")?,
                Preference::Medium => f.write_str(" pref medium")?,
                Preference::High => f.write_str(" pref high")?,
                Preference::Other(number) => write!(f, " pref {number}")?,
            }
        }
        option(f, "ttl-propagate", route.ttl_propagate.map(super::sheet::enabled))?;
        route.hops.iter().try_for_each(|next| hop(f, next))?;
        ending(f, route.tracked, group)?;
        match way {
            Some(way) => write!(f, " [dev {way}]"),
            None => Ok(()),
        }
    })
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Unicast => "",
        Kind::Local => "local ",
        Kind::Broadcast => "broadcast ",
        Kind::Anycast => "anycast ",
        Kind::Multicast => "multicast ",
        Kind::Blackhole => "blackhole ",
        Kind::Unreachable => "unreachable ",
        Kind::Prohibit => "prohibit ",
        Kind::Throw => "throw ",
        Kind::Nat => "nat ",
        Kind::External => "xresolve ",
    }
}

fn via(f: &mut fmt::Formatter<'_>, gateway: Option<IpAddr>) -> fmt::Result {
    match gateway {
        Some(gateway) => write!(f, " via {} {gateway}", Family::of(gateway).keyword()),
        None => Ok(()),
    }
}

fn hop(f: &mut fmt::Formatter<'_>, hop: &NextHop) -> fmt::Result {
    f.write_str(" nexthop")?;
    via(f, hop.gateway)?;
    option(f, "dev", hop.device.as_ref())?;
    option(f, "weight", Some(hop.weight).filter(|&weight| weight != 1))?;
    f.write_str(if hop.onlink { " onlink" } else { "" })?;
    option(f, "realms", hop.realms.map(realms))?;
    match &hop.encap {
        Some(encap) => write!(f, " {}", Shown(encap)),
        None => Ok(()),
    }
}

pub(super) fn realms(realms: Realms) -> impl Display {
    fmt::from_fn(move |f| match realms.source {
        0 => write!(f, "{}", realms.destination),
        source => write!(f, "{source}/{}", realms.destination),
    })
}

fn metrics(f: &mut fmt::Formatter<'_>, metrics: &Metrics) -> fmt::Result {
    if let Some(congestion) = &metrics.congestion {
        write!(f, " congctl {}{}", lock(congestion.locked), congestion.algorithm)?;
    }
    for (metric, word) in [
        (Metric::Rtt, "rtt"),
        (Metric::RttVar, "rttvar"),
        (Metric::RtoMin, "rto_min"),
        (Metric::Features, "features"),
        (Metric::Mtu, "mtu"),
        (Metric::Window, "window"),
        (Metric::SsThresh, "ssthresh"),
        (Metric::Cwnd, "cwnd"),
        (Metric::AdvMss, "advmss"),
        (Metric::Reordering, "reordering"),
        (Metric::HopLimit, "hoplimit"),
        (Metric::InitCwnd, "initcwnd"),
        (Metric::InitRwnd, "initrwnd"),
        (Metric::QuickAck, "quickack"),
        (Metric::FastOpenNoCookie, "fastopen_no_cookie"),
    ] {
        let Some(&Setting { value, locked }) = metrics.values.get(&metric) else { continue };
        write!(f, " {word} {}", lock(locked))?;
        match metric {
            Metric::Rtt => write!(f, "{}ms", value / 8)?,
            Metric::RttVar => write!(f, "{}ms", value / 4)?,
            Metric::RtoMin => write!(f, "{value}ms")?,
            Metric::Features if value == ECN => f.write_str("ecn")?,
            Metric::Features
            | Metric::Mtu
            | Metric::Window
            | Metric::SsThresh
            | Metric::Cwnd
            | Metric::AdvMss
            | Metric::Reordering
            | Metric::HopLimit
            | Metric::InitCwnd
            | Metric::InitRwnd
            | Metric::QuickAck
            | Metric::FastOpenNoCookie => write!(f, "{value}")?,
        }
    }
    Ok(())
}

const fn lock(locked: bool) -> &'static str {
    if locked { "lock " } else { "" }
}

struct Shown<'a>(&'a Encap);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Encap::Ip(outer) => tunnel(f, "encap ip", outer, ["tos", "ttl"]),
            Encap::Ip6(outer) => tunnel(f, "encap ip6", outer, ["tc", "hoplimit"]),
            Encap::Mpls(labels) => {
                f.write_str("encap mpls ")?;
                labels.iter().enumerate().try_for_each(|(at, label)| write!(f, "{}{label}", if at > 0 { "/" } else { "" }))
            }
            Encap::Ila(locator) => {
                let [a, b, c, d, e, g, h, i] = locator.to_be_bytes().map(u16::from);
                write!(f, "encap ila {:x}:{:x}:{:x}:{:x}", a << 8 | b, c << 8 | d, e << 8 | g, h << 8 | i)
            }
        }
    }
}

fn tunnel<A: Display>(f: &mut fmt::Formatter<'_>, name: &str, outer: &Tunnel<A>, [class, ttl]: [&str; 2]) -> fmt::Result {
    f.write_str(name)?;
    option(f, "id", outer.id)?;
    option(f, "dst", outer.destination.as_ref())?;
    option(f, "src", outer.source.as_ref())?;
    option(f, class, outer.class)?;
    option(f, ttl, outer.ttl)?;
    option(f, "flags", outer.flags)
}
