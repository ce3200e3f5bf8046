//! `static_ipaddress` and its like: held from the start to the stop, whatever VRRP does.

use crate::effect::net::{Fact, Links, Placed};
use crate::model::net::Statics;

/// As far as there is a place for them.
pub(super) fn facts(statics: &Statics, links: &Links) -> Box<[Fact]> {
    let addresses = statics.addresses.iter().filter_map(|address| {
        let address = &address.object;
        let device = links.named(address.device.as_deref()?)?.device;
        Some(Fact::Address(Placed { device, address: address.clone(), lease: None }))
    });
    let routes = statics.routes.iter().map(|route| Fact::Route(Box::new(route.object.clone())));
    let rules = statics.rules.iter().map(|rule| Fact::Rule(Box::new(rule.object.clone())));
    addresses.chain(routes).chain(rules).collect()
}
