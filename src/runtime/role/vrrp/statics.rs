//! `static_ipaddress` and its like: held from the start to the stop, whatever VRRP does.

use crate::effect::delta::Identity;
use crate::effect::net::{Fact, Links, Placed};
use crate::model::net::Statics;
use std::collections::HashSet;

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

/// What is held and still wanted.
pub(super) fn kept(held: &[Fact], wanted: &[Fact]) -> Box<[Fact]> {
    let wanted: HashSet<Identity> = wanted.iter().map(Identity::of).collect();
    held.iter().filter(|fact| wanted.contains(&Identity::of(fact))).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::host::Stated;
    use crate::config::testing::load;
    use crate::effect::net::{Device, Link};

    #[test]
    fn what_has_no_place_yet_waits_for_it() {
        let text =
            "static_ipaddress {\n 10.0.0.1/24 dev e0\n 10.0.0.2/24 dev e1\n}\nstatic_routes {\n 10.7.0.0/24 via 10.0.0.9 dev e0\n}\n";
        let statics = load(text, &Stated::with(&["e0", "e1"])).0.statics;
        let mut links = Links::default();
        let mut add = |device: u32, name: &str| {
            let device = Device(device);
            links.put(Link::plain(device, name, false));
            facts(&statics, &links).iter().map(word).collect::<Vec<String>>()
        };
        assert_eq!(add(7, "e1"), ["7 10.0.0.2", "route"]);
        assert_eq!(add(3, "e0"), ["3 10.0.0.1", "7 10.0.0.2", "route"]);
    }

    fn word(fact: &Fact) -> String {
        match fact {
            Fact::Address(placed) => format!("{} {}", placed.device.0, placed.address.prefix.address),
            Fact::Route(_) => "route".to_owned(),
            Fact::Rule(_) => "rule".to_owned(),
            Fact::Device(_) | Fact::Setting(_) => unreachable!("there is no such keyword"),
        }
    }
}
