//! Addresses, routes and rules: those of instances, and those of nobody, whose instance is number 0.

use super::Scene;
use super::tree::{Place, Table};
use super::value::{address, address_type, count, either, integer, keepalived, nth, scope, signed, text};
use crate::model::net::address::Address;
use crate::model::net::route::{Encap, Kind, Metric, NextHop, Preference, Route, Tunnel};
use crate::model::net::rule::{Action, Rule};
use crate::model::net::{Family, Prefix, Realms, Scope};
use crate::wire::agentx::Value;
use std::net::IpAddr;

const STATIC: usize = usize::MAX;

pub(super) fn tables(scene: &Scene) -> Vec<Table<Scene>> {
    const ROUTE: &[u32] = &[
        2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36,
        37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55,
    ];
    const RULE: &[u32] = &[
        2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36,
        37, 38,
    ];
    let vrrp = keepalived(&[2]);
    let statics = &scene.model.statics;
    let hops = |owner: u32, [conf, view, route]: Place| {
        let hops = (0..pick(scene, conf, route).map_or(0, |(route, _)| route.hops.len())).map(move |hop| (owner, conf, view, route, hop));
        hops.collect::<Vec<_>>()
    };
    let mut hop_rows = Vec::new();
    let routes = rows(scene, statics.routes.len(), |conf| conf.routes.len());
    for (index, place) in &routes {
        let [owner, number, ..] = **index else { continue };
        hop_rows.extend(hops(owner, *place).into_iter().map(|(owner, conf, _, route, hop)| {
            let index: Box<[u32]> = Box::from([owner, number, nth(hop)]);
            (index, [conf, route, hop])
        }));
    }
    let addresses = rows(scene, statics.addresses.len(), |conf| conf.vips.len() + conf.excluded.len());
    let rules = rows(scene, statics.rules.len(), |conf| conf.rules.len());
    vec![
        Table::new(&vrrp.join(&[6, 1]), &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], addresses, of_address),
        Table::new(&vrrp.join(&[7, 1]), ROUTE, routes, of_route),
        Table::new(&vrrp.join(&[8, 1]), RULE, rules, of_rule),
        Table::new(&vrrp.join(&[11, 1]), &[2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18], hop_rows, of_hop),
    ]
}

type Row = (Box<[u32]>, Place);

/// Where each is: of whom, in whose view, and which of his.
fn rows(scene: &Scene, statics: usize, count: impl Fn(&crate::model::vrrp::Instance) -> usize) -> Vec<Row> {
    let statics = (0..statics).map(|at| (Box::from([0, nth(at)]), [STATIC, 0, at]));
    let instances = scene.lookup.instances.iter().flat_map(|place| {
        let many = scene.model.vrrp.instances.get(place.conf).map_or(0, &count);
        (0..many).map(move |at| (Box::from([nth(place.conf), nth(at)]), [place.conf, place.view, at]))
    });
    statics.chain(instances).collect()
}

fn of_address(scene: &Scene, [conf, view, at]: Place, column: u32) -> Option<Value> {
    let (home, held, advertised, is): (Option<&str>, bool, bool, &Address) = if conf == STATIC {
        (scene.model.global.vrrp.default_interface.as_deref(), true, false, &scene.model.statics.addresses.get(at)?.object)
    } else {
        let (conf, view) = (scene.model.vrrp.instances.get(conf)?, scene.vrrp.instances.get(view)?);
        let home = view.own.as_deref().or(conf.interface.as_deref());
        let own = conf.vips.get(at);
        (home, view.holds_addresses, own.is_some(), own.or_else(|| conf.excluded.get(at - conf.vips.len()))?)
    };
    let device = is.device.as_deref().or(home);
    let interface = device.and_then(|name| scene.interfaces.iter().find(|interface| &*interface.name == name));
    let v4 = is.prefix.family() == Family::V4;
    Some(match column {
        2 => integer(address_type(is.prefix.address)),
        3 => address(is.prefix.address),
        4 if v4 => address(IpAddr::V4(is.broadcast.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED))),
        5 => count(is.prefix.length),
        6 => integer(scope(is.scope)),
        7 => signed(interface?.device.0),
        8 => text(device?),
        9 => text(is.label.as_deref()?),
        10 => {
            let there = interface.is_some_and(|interface| interface.addresses.iter().any(|one| one.address == is.prefix.address));
            either(held && there)
        }
        11 => either(advertised),
        12 => address(is.peer?),
        _ => return None,
    })
}

/// And whether it is held.
fn pick(scene: &Scene, conf: usize, at: usize) -> Option<(&Route, bool)> {
    if conf == STATIC {
        return scene.model.statics.routes.get(at).map(|route| (&route.object, true));
    }
    let conf = scene.model.vrrp.instances.get(conf)?;
    Some((conf.routes.get(at)?, scene.held(&conf.name)))
}

fn of_route(scene: &Scene, [conf, _, at]: Place, column: u32) -> Option<Value> {
    let (route, held) = pick(scene, conf, at)?;
    let metric = |metric| route.metrics.values.get(&metric);
    let value = |metric: Option<&crate::model::net::route::Setting>, unit: u32| metric.map(|setting| count(setting.value / unit));
    let lock = |metric: Option<&crate::model::net::route::Setting>| metric.map(|setting| either(setting.locked));
    Some(match column {
        2 => integer(address_type(route.destination.address)),
        3 => address(route.destination.address),
        4 => count(route.destination.length),
        5 => address(route.gateway?),
        7 => address(route.preferred_source?),
        8 => count(route.priority.unwrap_or_default()),
        9 => integer(scope(route.scope.unwrap_or(Scope::GLOBAL))),
        10 => integer(kind(route)?),
        11 => index(scene, route.device.as_deref()?)?,
        12 => text(route.device.as_deref()?),
        13 => count(route.table),
        14 => either(held),
        15 => address(route.from?.address),
        16 => count(route.from?.length),
        17 => count(Some(route.tos).filter(|&tos| tos != 0)?),
        18 => integer(i32::from(route.protocol) + 1),
        19 => either(metric(Metric::Features).is_some_and(|features| features.value & 1 != 0)),
        20 => either(metric(Metric::QuickAck).is_some_and(|ack| ack.value != 0)),
        21 => signed(route.expires?.as_secs()),
        22 => value(metric(Metric::Mtu), 1)?,
        23 => lock(metric(Metric::Mtu))?,
        24 => value(metric(Metric::HopLimit), 1)?,
        25 => value(metric(Metric::AdvMss), 1)?,
        26 => lock(metric(Metric::AdvMss))?,
        27 => value(metric(Metric::Rtt), 8)?,
        28 => lock(metric(Metric::Rtt))?,
        29 => value(metric(Metric::RttVar), 4)?,
        30 => lock(metric(Metric::RttVar))?,
        31 => value(metric(Metric::Reordering), 1)?,
        32 => lock(metric(Metric::Reordering))?,
        33 => value(metric(Metric::Window), 1)?,
        34 => value(metric(Metric::Cwnd), 1)?,
        35 => lock(metric(Metric::Cwnd))?,
        36 => value(metric(Metric::SsThresh), 1)?,
        37 => lock(metric(Metric::SsThresh))?,
        38 => value(metric(Metric::RtoMin), 1)?,
        39 => lock(metric(Metric::RtoMin))?,
        40 => value(metric(Metric::InitCwnd), 1)?,
        41 => value(metric(Metric::InitRwnd), 1)?,
        42 => text(&route.metrics.congestion.as_ref()?.algorithm),
        43 => integer(match route.preference? {
            Preference::Low => 1,
            Preference::Medium => 2,
            Preference::High => 3,
            Preference::Other(_) => return None,
        }),
        44 | 45 => realm(route.realms, column == 44)?,
        46..=54 => encap(route.encap.as_ref()?, column - 46)?,
        55 => either(metric(Metric::FastOpenNoCookie)?.value != 0),
        _ => return None,
    })
}

fn kind(route: &Route) -> Option<i32> {
    Some(match route.kind {
        Kind::Unicast => {
            if route.hops.is_empty() {
                1
            } else {
                2
            }
        }
        Kind::Blackhole => 3,
        Kind::Anycast => 4,
        Kind::Multicast => 5,
        Kind::Broadcast => 6,
        Kind::Unreachable => 7,
        Kind::Prohibit => 8,
        Kind::Throw => 9,
        Kind::Nat => 10,
        Kind::External => 11,
        Kind::Local => return None,
    })
}

fn index(scene: &Scene, device: &str) -> Option<Value> {
    scene.interfaces.iter().find(|interface| &*interface.name == device).map(|interface| signed(interface.device.0))
}

fn realm(realms: Option<Realms>, destination: bool) -> Option<Value> {
    let realms = realms?;
    let number = if destination { realms.destination } else { realms.source };
    (number != 0).then(|| count(number))
}

/// The columns of a tunnel, from its type on.
fn encap(encap: &Encap, column: u32) -> Option<Value> {
    match (encap, column) {
        (Encap::Mpls(_), 0) => Some(integer(1)),
        (Encap::Ip(_), 0) => Some(integer(2)),
        (Encap::Ila(_), 0) => Some(integer(3)),
        (Encap::Ip6(_), 0) => Some(integer(4)),
        (Encap::Mpls(labels), 1) => {
            let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
            Some(text(&labels.join("/")))
        }
        (Encap::Ila(locator), 8) => Some(Value::Counter64(*locator)),
        (Encap::Ip(tunnel), 2..=7) => of_tunnel(tunnel, column),
        (Encap::Ip6(tunnel), 2..=7) => of_tunnel(tunnel, column),
        (Encap::Mpls(_) | Encap::Ila(_) | Encap::Ip(_) | Encap::Ip6(_), _) => None,
    }
}

fn of_tunnel<A: Copy + Into<IpAddr>>(tunnel: &Tunnel<A>, column: u32) -> Option<Value> {
    match column {
        2 => tunnel.id.map(Value::Counter64),
        3 => tunnel.destination.map(|one| address(one.into())),
        4 => tunnel.source.map(|one| address(one.into())),
        5 => tunnel.class.map(count),
        6 => tunnel.ttl.map(count),
        _ => tunnel.flags.map(count),
    }
}

fn of_hop(scene: &Scene, [conf, route, at]: Place, column: u32) -> Option<Value> {
    let hop: &NextHop = pick(scene, conf, route)?.0.hops.get(at)?;
    Some(match column {
        2 => integer(address_type(hop.gateway?)),
        3 => address(hop.gateway?),
        4 => index(scene, hop.device.as_deref()?)?,
        5 => text(hop.device.as_deref()?),
        6 => count(hop.weight),
        7 => either(hop.onlink),
        8 | 9 => realm(hop.realms, column == 8)?,
        // The type itself cannot be asked for.
        11..=18 => encap(hop.encap.as_ref()?, column - 10)?,
        _ => return None,
    })
}

fn of_rule(scene: &Scene, [conf, _, at]: Place, column: u32) -> Option<Value> {
    let (rule, held): (&Rule, bool) = if conf == STATIC {
        (&scene.model.statics.rules.get(at)?.object, true)
    } else {
        let conf = scene.model.vrrp.instances.get(conf)?;
        (conf.rules.get(at)?, scene.held(&conf.name))
    };
    let table = match rule.action {
        Action::Table(table) => Some(table),
        Action::L3mdev | Action::Goto(_) | Action::Nop | Action::Blackhole | Action::Unreachable | Action::Prohibit => None,
    };
    // These columns are of a time when there could not be both.
    let either_end = rule.to.or(rule.from);
    let part = |prefix: Option<Prefix>, column: u32| {
        let prefix = prefix?;
        Some(match column {
            0 => integer(address_type(prefix.address)),
            1 => address(prefix.address),
            _ => count(prefix.length),
        })
    };
    Some(match column {
        2 => text(match (rule.from, rule.to) {
            (Some(_), Some(_)) => "both",
            (Some(_), None) => "from",
            (None, Some(_)) => "to",
            (None, None) => return None,
        }),
        3..=5 => part(either_end, column - 3)?,
        6 | 24 => count(table?),
        7 => either(held),
        8 => either(rule.inverted),
        9..=11 => part(rule.to, column - 9)?,
        12..=14 => part(rule.from, column - 12)?,
        15 => count(rule.tos),
        16 => count(rule.mark?.value),
        17 => count(rule.mark?.mask),
        18 | 19 => realm(rule.realms, column == 18)?,
        20 => text(rule.input.as_deref()?),
        21 => text(rule.output.as_deref()?),
        22 => match rule.action {
            Action::Goto(target) => count(target),
            Action::Table(_) | Action::L3mdev | Action::Nop | Action::Blackhole | Action::Unreachable | Action::Prohibit => return None,
        },
        23 => integer(match rule.action {
            Action::Table(_) | Action::L3mdev => 1,
            Action::Goto(_) => 2,
            Action::Nop => 3,
            Action::Blackhole => 6,
            Action::Unreachable => 7,
            Action::Prohibit => 8,
        }),
        25 => count(rule.priority),
        26 => count(rule.suppress_length?),
        27 => text(&rule.suppress_group?.to_string()),
        28 => count(super::value::halves(rule.tunnel?)[1]),
        29 => count(super::value::halves(rule.tunnel?)[0]),
        30 => count(*rule.uids.as_ref()?.start()),
        31 => count(*rule.uids.as_ref()?.end()),
        32 => match rule.action {
            Action::L3mdev => either(true),
            Action::Table(_) | Action::Goto(_) | Action::Nop | Action::Blackhole | Action::Unreachable | Action::Prohibit => return None,
        },
        33 => integer(i32::from(rule.protocol) + 1),
        34 => count(rule.ip_protocol?),
        35 => count(*rule.source_ports.as_ref()?.start()),
        36 => count(*rule.source_ports.as_ref()?.end()),
        37 => count(*rule.destination_ports.as_ref()?.start()),
        38 => count(*rule.destination_ports.as_ref()?.end()),
        _ => return None,
    })
}
