//! Static addresses, routes and rules whose interface is tracked by a group of instances.

use crate::model::net::Statics;

/// The interfaces of static objects that are tracked by any group, each with its group.
fn tracked(statics: &Statics) -> impl Iterator<Item = (&str, &str)> {
    let addresses = statics.addresses.iter().map(|entry| (&entry.group, entry.object.device.as_deref()));
    let routes = statics.routes.iter().map(|entry| (&entry.group, entry.object.device.as_deref()));
    let rules = statics.rules.iter().map(|entry| (&entry.group, entry.object.input.as_deref()));
    addresses.chain(routes).chain(rules).filter_map(|(group, name)| Some((group.as_deref()?, name?)))
}

/// Those whose standing matters to an instance.
pub(super) fn interfaces<'a>(statics: &'a Statics, instance: &'a str) -> impl Iterator<Item = &'a str> {
    let is_in = move |group: &str| {
        statics.groups.iter().any(|known| *known.name == *group && known.members.iter().any(|member| **member == *instance))
    };
    tracked(statics).filter(move |(group, _)| is_in(group)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::host::Stated;
    use crate::config::testing::load;

    #[test]
    fn an_instance_minds_what_its_groups_are_on() {
        let text = "track_group A {\n group {\n V1 V2\n }\n}\ntrack_group B {\n group {\n V2\n }\n}\n\
             static_ipaddress {\n 10.0.0.1/24 dev e1 track_group A\n 10.0.0.2/24 dev e9\n}\n\
             static_routes {\n 10.7.0.0/24 via 10.0.0.9 dev e2 track_group B\n}\n\
             static_rules {\n iif e3 table 100 priority 9 track_group A\n iif e4 oif e9 table 100 priority 8 track_group B\n}\n\
             vrrp_instance V1 {\n interface e0\n virtual_router_id 1\n virtual_ipaddress {\n 10.9.0.1\n }\n}\n\
             vrrp_instance V2 {\n interface e0\n virtual_router_id 2\n virtual_ipaddress {\n 10.9.0.2\n }\n}\n";
        let statics = load(text, &Stated::with(&["e0", "e1", "e2", "e3", "e4", "e9"])).0.statics;
        let of = |name: &'static str| interfaces(&statics, name).collect::<Vec<&str>>();
        assert_eq!(of("V1"), ["e1", "e3"]);
        assert_eq!(of("V2"), ["e1", "e2", "e3", "e4"]);
        assert_eq!(of("V3"), Vec::<&str>::new());
    }
}
