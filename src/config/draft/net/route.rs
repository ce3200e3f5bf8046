//! A route as written.

use super::{Named, Realms};
use crate::config::diagnostic::Origin;
use crate::model::net::route::{self as model, Encap, Kind, Metrics, Placing, Preference, Tunnel};
use crate::model::net::{Family, Prefix};
use std::net::IpAddr;

/// A line of `virtual_routes` or `static_routes`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    pub at: Origin,
    /// Known from the first address or option that fixes it.
    pub family: Option<Family>,
    pub kind: Kind,
    pub destination: Option<Destination>,
    pub from: Option<Prefix>,
    pub preferred_source: Option<IpAddr>,
    pub gateway: Option<IpAddr>,
    /// The second gateway of the old notation.
    pub alternative: Option<IpAddr>,
    pub device: Option<Box<str>>,
    pub onlink: bool,
    pub tos: Option<Named>,
    pub table: Option<Named>,
    pub vrf: Option<Box<str>>,
    pub protocol: Option<Named>,
    pub scope: Option<Named>,
    pub priority: Option<u32>,
    /// In seconds.
    pub expires: Option<u32>,
    pub metrics: Metrics,
    pub realms: Option<Realms>,
    pub preference: Option<Preference>,
    pub ttl_propagate: Option<bool>,
    pub encap: Option<Encap<Named>>,
    pub placing: Placing,
    pub hops: Vec<NextHop>,
    pub no_track: bool,
    pub track_group: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Everything, of a family that the rest of the line tells.
    Default,
    Prefix(Prefix),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NextHop {
    pub family: Option<Family>,
    pub gateway: Option<IpAddr>,
    pub device: Option<Box<str>>,
    /// One unless given.
    pub weight: Option<u16>,
    pub onlink: bool,
    pub encap: Option<Encap<Named>>,
    pub realms: Option<Realms>,
}

impl From<&model::Route> for Route {
    fn from(model: &model::Route) -> Self {
        Self {
            at: Origin::default(),
            family: Some(model.family()),
            kind: model.kind,
            destination: Some(Destination::Prefix(model.destination)),
            from: model.from,
            preferred_source: model.preferred_source,
            gateway: model.gateway,
            alternative: None,
            device: model.device.clone(),
            onlink: model.onlink,
            tos: (model.tos != 0).then(|| model.tos.into()),
            table: Some(model.table.into()),
            vrf: None,
            protocol: Some(model.protocol.into()),
            scope: model.scope.map(|scope| scope.0.into()),
            priority: model.priority,
            expires: model.expires.map(|e| u32::try_from(e.as_secs()).unwrap_or(u32::MAX)),
            metrics: model.metrics.clone(),
            realms: model.realms.map(Realms::from),
            preference: model.preference,
            ttl_propagate: model.ttl_propagate,
            encap: model.encap.as_ref().map(encap),
            placing: model.placing,
            hops: model.hops.iter().map(NextHop::from).collect(),
            no_track: !model.tracked,
            track_group: None,
        }
    }
}

impl From<&model::NextHop> for NextHop {
    fn from(model: &model::NextHop) -> Self {
        Self {
            family: None,
            gateway: model.gateway,
            device: model.device.clone(),
            weight: Some(model.weight),
            onlink: model.onlink,
            encap: model.encap.as_ref().map(encap),
            realms: model.realms.map(Realms::from),
        }
    }
}

fn encap(model: &Encap) -> Encap<Named> {
    match model {
        Encap::Ip(tunnel) => Encap::Ip(outer(tunnel)),
        Encap::Ip6(tunnel) => Encap::Ip6(outer(tunnel)),
        Encap::Mpls(labels) => Encap::Mpls(labels.clone()),
        Encap::Ila(locator) => Encap::Ila(*locator),
    }
}

fn outer<A: Copy>(model: &Tunnel<A>) -> Tunnel<A, Named> {
    Tunnel {
        id: model.id,
        destination: model.destination,
        source: model.source,
        class: model.class.map(Named::from),
        ttl: model.ttl,
        flags: model.flags,
    }
}
