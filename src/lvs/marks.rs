//! Groups of addresses as one service: nftables marks the packets for them, and IPVS goes by the mark (`nftables_ipvs`).
//!
//! A group that has marks of its own is left as it is (keepalived 2.4.3). The chain is one of input, as keepalived's: what the
//! director itself asks of its virtual servers is not marked.

use super::table::addresses;
use crate::effect::firewall::{Chain, Entry, Field, Frame, Hook, Kind, Rule, Set, Step, Table, Value};
use crate::model::Model;
use crate::model::lvs::{Member, Protocol, ServerGroup, Service};
use crate::model::net::Family;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

const IN: &str = "in";

/// Which mark is whose, for as long as the process lives: a group that a reload keeps has the mark that it had, and with it its
/// connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    given: BTreeMap<(Box<str>, Protocol), NonZeroU32>,
}

impl Marks {
    /// Gives every group of the model that needs marks its own.
    pub fn give(&mut self, model: &mut Model) {
        let options = &model.global.lvs;
        let wanted = if options.nftables.is_some() { wanted(model) } else { BTreeSet::new() };
        self.given.retain(|key, _| wanted.contains(key));
        let mut taken: BTreeSet<NonZeroU32> = configured(model).chain(self.given.values().copied()).collect();
        let mut next = options.nftables_start_fwmark;
        // In the order of the configuration, as far as they are new.
        for (group, protocol) in in_order(model).filter(|key| wanted.contains(key)) {
            self.given.entry((group, protocol)).or_insert_with(|| {
                let free = std::iter::repeat_with(|| {
                    let mark = NonZeroU32::new(next).unwrap_or(NonZeroU32::MIN);
                    next = next.wrapping_add(1);
                    mark
                });
                // There are more marks than groups.
                let mark = free.into_iter().find(|mark| !taken.contains(mark)).unwrap_or(NonZeroU32::MIN);
                taken.insert(mark);
                mark
            });
        }
        for group in &mut model.lvs.groups {
            let of = |protocol| Some((protocol, *self.given.get(&(group.name.clone(), protocol))?));
            group.marks = Protocol::ALL.into_iter().filter_map(of).collect();
        }
    }
}

/// What uses groups, in the order of the virtual servers.
fn in_order(model: &Model) -> impl Iterator<Item = (Box<str>, Protocol)> {
    model.lvs.virtual_servers.iter().filter_map(|server| match &server.service {
        Service::Group { name, protocol: Some(protocol), .. } => Some((name.clone(), *protocol)),
        Service::Group { protocol: None, .. } | Service::Address { .. } | Service::Mark(_) => None,
    })
}

fn wanted(model: &Model) -> BTreeSet<(Box<str>, Protocol)> {
    let of_addresses =
        |group: &&ServerGroup| !group.members.is_empty() && group.members.iter().all(|member| matches!(member, Member::Addresses { .. }));
    let names: BTreeSet<&str> = model.lvs.groups.iter().filter(of_addresses).map(|group| &*group.name).collect();
    in_order(model).filter(|(name, _)| names.contains(&**name)).collect()
}

/// Marks that the configuration itself speaks of.
fn configured(model: &Model) -> impl Iterator<Item = NonZeroU32> {
    let of_servers = model.lvs.virtual_servers.iter().filter_map(|server| match server.service {
        Service::Mark(mark) => Some(mark),
        Service::Address { .. } | Service::Group { .. } => None,
    });
    let members = model.lvs.groups.iter().flat_map(|group| &group.members);
    let of_groups = members.filter_map(|member| match member {
        Member::Mark { mark, .. } => Some(*mark),
        Member::Addresses { .. } => None,
    });
    of_servers.chain(of_groups)
}

const fn number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Sctp => 132,
    }
}

/// The map for an address with a port, and the one for an address with any.
const fn maps(protocol: Protocol) -> (&'static str, &'static str) {
    match protocol {
        Protocol::Tcp => ("tcp_map", "tcp_any_map"),
        Protocol::Udp => ("udp_map", "udp_any_map"),
        Protocol::Sctp => ("sctp_map", "sctp_any_map"),
    }
}

/// The addresses that are to be marked.
pub fn entries(model: &Model) -> BTreeSet<Entry> {
    let mut entries = BTreeMap::new();
    for group in &model.lvs.groups {
        for &(protocol, mark) in &group.marks {
            for member in &group.members {
                let Member::Addresses { first, last, port } = *member else { continue };
                let (with_port, any) = maps(protocol);
                for address in addresses(first, last) {
                    let (set, key) = match port {
                        0 => (any, [Value::Address(address)].into()),
                        port => (with_port, Box::from([Value::Address(address), Value::Port(port)])),
                    };
                    // Of several groups with one address the first has it.
                    entries.entry((Family::of(address), set, key)).or_insert(mark);
                }
            }
        }
    }
    let entry = |((family, set, key), mark): (_, NonZeroU32)| Entry { family, set, key, data: Some(Value::Mark(mark.get())) };
    entries.into_iter().map(entry).collect()
}

/// The tables for the addresses of a model.
pub fn frame(model: &Model) -> Option<Frame> {
    let name = model.global.lvs.nftables.as_deref()?;
    let table = |family| table(family, model);
    let tables: Vec<Table> = [Family::V4, Family::V6].into_iter().filter_map(table).collect();
    (!tables.is_empty()).then(|| Frame { name: name.into(), tables })
}

fn table(family: Family, model: &Model) -> Option<Table> {
    let (mut sets, mut rules) = (Vec::new(), Vec::new());
    for protocol in Protocol::ALL {
        let marked = model.lvs.groups.iter().filter(|group| group.marks.iter().any(|(of, _)| *of == protocol));
        let ports: Vec<u16> = marked
            .flat_map(|group| &group.members)
            .filter_map(|member| match member {
                Member::Addresses { first, port, .. } if Family::of(*first) == family => Some(*port),
                Member::Addresses { .. } | Member::Mark { .. } => None,
            })
            .collect();
        let (with_port, any) = maps(protocol);
        let mut add = |name, key: &[Kind], fields: &[Field]| {
            sets.push(Set { name, key: key.into(), data: Some(Kind::Mark), members: Box::default() });
            let of_protocol = Step::Is(Field::Protocol, Value::Number(number(protocol)));
            rules.push(Rule(vec![of_protocol, Step::MarkBy(fields.into(), name)]));
        };
        // The last word is that of an address with its port.
        if ports.contains(&0) {
            add(any, &[Kind::Address(family)], &[Field::Destination(family)]);
        }
        if ports.iter().any(|&port| port != 0) {
            add(with_port, &[Kind::Address(family), Kind::Port], &[Field::Destination(family), Field::DestinationPort]);
        }
    }
    let hook = Some((Hook::Input, model.global.lvs.nftables_priority));
    (!rules.is_empty()).then(|| Table { family, sets, chains: vec![Chain { name: IN, hook, rules }] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::host::Stated;
    use crate::config::testing::load;

    fn model(options: &str, body: &str) -> Model {
        load(&format!("global_defs {{\n{options}\n}}\n{body}"), &Stated::default()).0
    }

    fn group(name: &str, members: &str) -> String {
        format!("virtual_server_group {name} {{\n{members}\n}}\n")
    }

    fn server(group: &str, protocol: &str) -> String {
        format!(
            "virtual_server group {group} {{\n protocol {protocol}\n lvs_sched rr\n lvs_method TUN\n real_server 10.0.0.9 80 {{\n }}\n}}\n"
        )
    }

    fn given(marks: &mut Marks, model: &mut Model) -> Vec<String> {
        marks.give(model);
        let of =
            |group: &ServerGroup| group.marks.iter().map(|(protocol, mark)| format!("{} {} {mark}", group.name, protocol.name())).collect();
        model.lvs.groups.iter().flat_map(|group| -> Vec<String> { of(group) }).collect()
    }

    fn both() -> String {
        [group("A", "10.0.1.1-3 80\n2001:db8::1 80"), group("B", "10.0.2.1 53"), server("A", "TCP"), server("B", "TCP"), server("B", "UDP")]
            .concat()
    }

    #[test]
    fn every_group_has_a_mark_for_each_protocol() {
        let mut one = model("nftables_ipvs", &both());
        assert_eq!(given(&mut Marks::default(), &mut one), ["A tcp 1000", "B tcp 1001", "B udp 1002"]);
        let mut one = model("", &both());
        assert_eq!(given(&mut Marks::default(), &mut one), Vec::<String>::new());
        let marked = [group("A", "10.0.1.1 80\nfwmark 7"), server("A", "TCP")].concat();
        let mut one = model("nftables_ipvs", &marked);
        assert_eq!(given(&mut Marks::default(), &mut one), Vec::<String>::new(), "it has marks of its own");
    }

    #[test]
    fn a_mark_that_is_in_use_is_given_to_nobody() {
        let text =
            format!("{}virtual_server fwmark 1001 {{\n lvs_sched rr\n lvs_method NAT\n real_server 10.0.0.9 80 {{\n }}\n}}\n", both());
        let mut one = model("nftables_ipvs\nnftables_ipvs_start_fwmark 1000", &text);
        assert_eq!(given(&mut Marks::default(), &mut one), ["A tcp 1000", "B tcp 1002", "B udp 1003"]);
        let mut one = model("nftables_ipvs\nnftables_ipvs_start_fwmark 4294967295", &both());
        assert_eq!(
            given(&mut Marks::default(), &mut one),
            ["A tcp 4294967295", "B tcp 1", "B udp 2"][..1].iter().chain(&["B tcp 1", "B udp 2"]).copied().collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_reload_keeps_the_marks_of_what_stays() {
        let mut marks = Marks::default();
        given(&mut marks, &mut model("nftables_ipvs", &both()));
        let mut later = model(
            "nftables_ipvs",
            &[group("C", "10.0.3.1 80"), group("B", "10.0.2.1 53"), server("C", "TCP"), server("B", "UDP")].concat(),
        );
        assert_eq!(given(&mut marks, &mut later), ["C tcp 1000", "B udp 1002"]);
    }

    #[test]
    fn each_address_is_marked_with_its_port_or_with_any() {
        let text =
            [group("A", "10.0.1.1-2 80"), group("B", "10.0.2.1 0\n2001:db8::1 443"), server("A", "TCP"), server("B", "TCP")].concat();
        let mut one = model("nftables_ipvs mine\nnftables_ipvs_priority -200", &text);
        Marks::default().give(&mut one);
        let told: Vec<String> = entries(&one).iter().map(|entry| format!("{} {:?} {:?}", entry.set, entry.key, entry.data)).collect();
        assert_eq!(told.len(), 4, "{told:?}");
        let frame = frame(&one).expect("there are addresses");
        assert!(entries(&one).iter().all(|entry| frame.has(entry)));
        let sets = |table: &Table| (table.family, table.sets.iter().map(|set| set.name).collect::<Vec<_>>());
        assert_eq!(
            frame.tables.iter().map(sets).collect::<Vec<_>>(),
            [(Family::V4, vec!["tcp_any_map", "tcp_map"]), (Family::V6, vec!["tcp_map"])]
        );
        assert_eq!((&*frame.name, frame.tables[0].chains[0].hook), ("mine", Some((Hook::Input, -200))));
    }

    #[test]
    fn ipvs_has_one_service_for_each_family() {
        let mut one = model("nftables_ipvs", &both());
        let keys = |model: &Model| {
            let services = crate::lvs::table::services(&model.lvs.virtual_servers[0], model.lvs.groups.first(), &[], false);
            services.iter().map(|service| format!("{:?}", service.key)).collect::<Vec<_>>()
        };
        assert_eq!(keys(&one).len(), 4);
        Marks::default().give(&mut one);
        assert_eq!(keys(&one), ["Mark { family: V4, mark: 1000 }", "Mark { family: V6, mark: 1000 }"]);
    }
}
