//! A route: names to numbers, interfaces, and the old notation of two gateways.

use super::super::Resolver;
use crate::config::diagnostic::Origin;
use crate::config::draft::net::{self as draft, Destination, Named, Route as Draft};
use crate::config::host::NameTable;
use crate::model::net::route::{Encap, MAIN_TABLE, NextHop, Route, Tunnel};
use crate::model::net::{Family, OUR_PROTOCOL, Prefix, Scope};
use std::time::Duration;

impl Resolver<'_> {
    pub(in crate::config::resolve) fn route(&mut self, draft: Draft) -> Option<Route> {
        let at = draft.at;
        let family = draft.family.unwrap_or(Family::V4);
        let destination = match draft.destination? {
            Destination::Default => Prefix::all(family),
            Destination::Prefix(prefix) => prefix,
        };
        if !self.needs_interface(draft.device.as_deref(), at, "VROUTE nexthop") {
            return None;
        }
        let table = self.table(&draft)?;
        let protocol = self.route_protocol(draft.protocol.as_ref(), draft.no_track, at)?;
        let scope = match &draft.scope {
            None => None,
            Some(name) => {
                let text = |name: &Named| format!("Scope {name} not found or invalid for route");
                Some(Scope(self.lookup(NameTable::RouteScopes, name, 255, at, text)?))
            }
        };
        let tos = match &draft.tos {
            None => 0,
            Some(name) => self.lookup(NameTable::DsField, name, 255, at, |name| format!("TOS value {name} is invalid"))?,
        };
        let realms = match &draft.realms {
            None => None,
            Some(realms) => Some(self.realms(realms, at, "Invalid realms for route")?),
        };
        let mut gateway = draft.gateway;
        let mut hops: Vec<NextHop> = draft.hops.into_iter().filter_map(|hop| self.hop(hop, at)).collect();
        if let Some(second) = draft.alternative {
            let hop = |gateway| NextHop { gateway: Some(gateway), device: None, weight: 1, onlink: false, encap: None, realms: None };
            hops.splice(0..0, gateway.take().into_iter().chain([second]).map(hop));
        }
        Some(Route {
            kind: draft.kind,
            destination,
            from: draft.from,
            preferred_source: draft.preferred_source,
            gateway,
            device: draft.device,
            onlink: draft.onlink,
            tos,
            table,
            protocol,
            scope,
            priority: draft.priority,
            expires: draft.expires.map(|seconds| Duration::from_secs(seconds.into())),
            metrics: draft.metrics,
            realms,
            preference: draft.preference,
            ttl_propagate: draft.ttl_propagate,
            encap: draft.encap.and_then(|encap| self.encap(encap, at)),
            placing: draft.placing,
            hops,
            tracked: !draft.no_track,
        })
    }

    fn table(&mut self, draft: &Draft) -> Option<u32> {
        if let Some(vrf) = &draft.vrf {
            let table = self.interface(vrf).and_then(|interface| interface.vrf_table);
            if table.is_none() {
                let text = match self.interface(vrf) {
                    Some(_) => format!("Route specified VRF {vrf} is not a VRF"),
                    None => format!("VRF {vrf} not found for route"),
                };
                self.problems.error(draft.at, text).word(vrf);
            }
            return table;
        }
        match &draft.table {
            None => Some(MAIN_TABLE),
            Some(name) => {
                let text = |name: &Named| format!("Routing table {name} not found for route");
                let table = self.lookup(NameTable::RouteTables, name, u32::MAX, draft.at, text)?;
                // Without a table the kernel takes the main one.
                Some(if table == 0 { MAIN_TABLE } else { table })
            }
        }
    }

    fn route_protocol(&mut self, protocol: Option<&Named>, no_track: bool, at: Origin) -> Option<u8> {
        let Some(name) = protocol else {
            return Some(OUR_PROTOCOL);
        };
        let text = |name: &Named| format!("Protocol {name} not found or invalid for route");
        let protocol = self.lookup(NameTable::RouteProtocols, name, 255, at, text)?;
        if no_track || protocol == OUR_PROTOCOL {
            return Some(protocol);
        }
        let text = format!("Route cannot be tracked if protocol is not RTPROT_KEEPALIVED({OUR_PROTOCOL}), resetting protocol");
        self.problems.error(at, text).word("protocol").hint("no_track allows for other protocols");
        Some(OUR_PROTOCOL)
    }

    fn hop(&mut self, draft: draft::NextHop, at: Origin) -> Option<NextHop> {
        if !self.needs_interface(draft.device.as_deref(), at, "VROUTE nexthop") {
            return None;
        }
        let realms = match &draft.realms {
            None => None,
            Some(realms) => Some(self.realms(realms, at, "Invalid realms for next hop")?),
        };
        Some(NextHop {
            gateway: draft.gateway,
            device: draft.device,
            weight: draft.weight.unwrap_or(1),
            onlink: draft.onlink,
            encap: draft.encap.and_then(|encap| self.encap(encap, at)),
            realms,
        })
    }

    fn encap(&mut self, draft: Encap<Named>, at: Origin) -> Option<Encap> {
        Some(match draft {
            Encap::Ip(tunnel) => Encap::Ip(self.tunnel(tunnel, at)?),
            Encap::Ip6(tunnel) => Encap::Ip6(self.tunnel(tunnel, at)?),
            Encap::Mpls(labels) => Encap::Mpls(labels),
            Encap::Ila(locator) => Encap::Ila(locator),
        })
    }

    fn tunnel<A>(&mut self, draft: Tunnel<A, Named>, at: Origin) -> Option<Tunnel<A>> {
        let class = match &draft.class {
            None => None,
            Some(name) => {
                Some(self.lookup(NameTable::DsField, name, 255, at, |name| format!("dsfield {name} not valid for encapsulation"))?)
            }
        };
        let Tunnel { id, destination, source, class: _, ttl, flags } = draft;
        Some(Tunnel { id, destination, source, class, ttl, flags })
    }
}
