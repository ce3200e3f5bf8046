//! Whom packets are kept from: addresses that are not accepted from everybody (RFC 5798 6.1, Accept_Mode), and virtual MACs
//! from which nothing may be heard but what a virtual router says.
//!
//! The rules are keepalived's as `nft list ruleset` shows them (2.2.7, 2.4.3), down to the names of the sets. Only a virtual MAC
//! is known by its name from the beginning and not by its number, so that it is in the sets before it is made.

use super::device::Plan;
use super::engine::Engine;
use super::message;
use crate::effect::device::{Knob, Upper};
use crate::effect::firewall::{Chain, Entry, Field, Frame, Hook, Kind, LINK_LOCAL, Rule, Set, Step, Table, Value};
use crate::effect::net::{Device, Fact, Link, Links, Owner};
use crate::effect::say::Line;
use crate::model::Model;
use crate::model::global::vrrp::Firewall;
use crate::model::net::{Address, Family};
use crate::model::vrrp::{Carrier, Instance};
use std::net::IpAddr;

/// The table for when none is named.
const TABLE: &str = "keepalived";

const VIPS: &str = "vips";
const LOCAL_VIPS: &str = "vips_link_local";
const DISCOVERY: &str = "neighbor-discovery";
const PARENTS: &str = "parent_link_local";
const REPORTS: &str = "mld-report";
const VMACS: &str = "vmac_set";
const VMAC_MAP: &str = "vmac_map";
const IN: &str = "in";
const OUT: &str = "out";
const IN_LOCAL: &str = "in_link_local";
const OUT_LOCAL: &str = "out_link_local";

const IGMP: u8 = 2;
const ROUTER_SOLICITATION: u8 = 133;
const NEIGHBOUR_SOLICITATION: u8 = 135;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
const MLD_REPORT: u8 = 131;
const MLD2_REPORT: u8 = 143;

/// Whether a master of the instance refuses what is addressed to its addresses.
fn shuts(conf: &Instance) -> bool {
    !conf.accept && !conf.priority.is_owner()
}

impl Engine {
    pub fn shuts(&self, owner: Owner) -> bool {
        match owner {
            Owner::Instance(id) => self.instances.get(&id).is_some_and(|instance| shuts(&instance.conf)),
            Owner::Statics | Owner::Devices => false,
        }
    }
}

/// In whose place nftables stands, where something else was asked for.
pub fn remark(model: &Model) -> Option<Line> {
    let Firewall { iptables, ipsets, .. } = &model.global.firewall;
    let keyword = iptables.as_ref().map(|_| "vrrp_iptables").or(ipsets.as_ref().map(|_| "vrrp_ipsets"))?;
    frame(model).map(|frame| message::nftables_instead(keyword, &frame.name))
}

fn table(firewall: &Firewall) -> &str {
    firewall.nftables.as_deref().unwrap_or(TABLE)
}

/// What a family's table has to do.
#[derive(Clone, Copy, Debug, Default)]
struct Needs {
    shut: bool,
    fence: bool,
}

fn needs(model: &Model, family: Family) -> Needs {
    let mut needs = Needs::default();
    for conf in &model.vrrp.instances {
        let addresses = || conf.vips.iter().chain(&conf.excluded);
        let of_family = |address: &Address| address.prefix.family() == family;
        needs.shut |= shuts(conf) && addresses().any(of_family);
        let own = matches!(conf.carrier, Carrier::Vmac(_)) && conf.family == family;
        let carrying = |address: &Address| of_family(address) && (address.use_vmac || conf.vmac_addresses);
        needs.fence |= own || addresses().any(carrying);
    }
    // The kernel makes no reports then.
    needs.fence &= family == Family::V6 || !model.global.vrrp.disable_local_igmp;
    needs
}

/// The tables that a configuration needs, whoever is master.
pub fn frame(model: &Model) -> Option<Frame> {
    let firewall = &model.global.firewall;
    let tables: Vec<Table> =
        [ipv4(needs(model, Family::V4), firewall), ipv6(needs(model, Family::V6), firewall)].into_iter().flatten().collect();
    (!tables.is_empty()).then(|| Frame { name: table(firewall).into(), tables })
}

/// How interfaces are told apart in sets.
const fn kind(firewall: &Firewall) -> (Kind, Field) {
    if firewall.nftables_ifindex { (Kind::Index, Field::OutputIndex) } else { (Kind::Name, Field::OutputName) }
}

fn set(name: &'static str, key: &[Kind], data: Option<Kind>) -> Set {
    Set { name, key: key.into(), data, members: Box::default() }
}

fn icmp6(name: &'static str, types: &[u8]) -> Set {
    Set { name, key: [Kind::Icmp6Type].into(), data: None, members: types.iter().map(|&number| Value::Number(number)).collect() }
}

fn rule(firewall: &Firewall, matches: Vec<Step>, verdict: Step) -> Rule {
    let counter = firewall.nftables_counters.then_some(Step::Count);
    Rule(matches.into_iter().chain(counter).chain([verdict]).collect())
}

fn from_vmac() -> Step {
    Step::Is(Field::OutputKind, Value::Name("macvlan".into()))
}

/// Reports leave by the parent: a switch would learn the virtual MAC at a backup's port.
fn by_the_parent(family: Family, firewall: &Firewall) -> Step {
    Step::CopyBy { to: Field::Destination(family), field: kind(firewall).1, map: VMAC_MAP }
}

fn ipv4(needs: Needs, firewall: &Firewall) -> Option<Table> {
    let (mut sets, mut out, mut chains) = (Vec::new(), Vec::new(), Vec::new());
    let hook = |hook| Some((hook, firewall.nftables_priority));
    if needs.fence {
        sets.push(set(VMAC_MAP, &[kind(firewall).0], Some(Kind::Index)));
        let matches = vec![Step::Is(Field::Protocol, Value::Number(IGMP)), from_vmac(), by_the_parent(Family::V4, firewall)];
        out.push(rule(firewall, matches, Step::Drop));
    }
    if needs.shut {
        sets.push(set(VIPS, &[Kind::Address(Family::V4)], None));
        let shut = |field| rule(firewall, vec![Step::In([field].into(), VIPS)], Step::Drop);
        out.push(shut(Field::Source(Family::V4)));
        chains.push(Chain { name: IN, hook: hook(Hook::Input), rules: vec![shut(Field::Destination(Family::V4))] });
    }
    if out.is_empty() {
        return None;
    }
    chains.insert(0, Chain { name: OUT, hook: hook(Hook::Output), rules: out });
    Some(Table { family: Family::V4, sets, chains })
}

fn ipv6(needs: Needs, firewall: &Firewall) -> Option<Table> {
    const V6: Family = Family::V6;
    let (mut sets, mut out, mut chains) = (Vec::new(), Vec::new(), Vec::new());
    let hook = |hook| Some((hook, firewall.nftables_priority));
    let is = |kind: u8| Step::Is(Field::Icmp6Type, Value::Number(kind));
    if needs.fence {
        let (kind, field) = kind(firewall);
        sets.push(set(PARENTS, &[Kind::Address(V6), kind], None));
        sets.push(set(VMAC_MAP, &[kind], Some(Kind::Index)));
        sets.push(set(VMACS, &[kind], None));
        sets.push(icmp6(REPORTS, &[MLD_REPORT, MLD2_REPORT]));
        let borrowed = Step::In([Field::Source(V6), field].into(), PARENTS);
        out.push(rule(firewall, vec![is(NEIGHBOUR_ADVERTISEMENT), from_vmac(), borrowed], Step::Drop));
        let reports = Step::In([Field::Icmp6Type].into(), REPORTS);
        out.push(rule(firewall, vec![reports, from_vmac(), by_the_parent(V6, firewall)], Step::Drop));
        let ours = Step::In([field].into(), VMACS);
        out.push(rule(firewall, vec![is(ROUTER_SOLICITATION), from_vmac(), ours], Step::Drop));
    }
    if needs.shut {
        sets.push(set(VIPS, &[Kind::Address(V6)], None));
        sets.push(icmp6(DISCOVERY, &[NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT]));
        sets.push(set(LOCAL_VIPS, &[Kind::Address(V6), Kind::Index], None));
        // Who shares a link-local address with us on another link is not meant.
        let shut = |address, index, local| {
            let here = [
                rule(firewall, vec![Step::In([Field::Icmp6Type].into(), DISCOVERY)], Step::Accept),
                rule(firewall, vec![Step::Within(address, LINK_LOCAL)], Step::Goto(local)),
                rule(firewall, vec![Step::In([address].into(), VIPS)], Step::Drop),
            ];
            (here, vec![rule(firewall, vec![Step::In([address, index].into(), LOCAL_VIPS)], Step::Drop)])
        };
        let (input, in_local) = shut(Field::Destination(V6), Field::InputIndex, IN_LOCAL);
        let (output, out_local) = shut(Field::Source(V6), Field::OutputIndex, OUT_LOCAL);
        out.extend(output);
        chains.push(Chain { name: IN, hook: hook(Hook::Input), rules: input.into() });
        chains.push(Chain { name: IN_LOCAL, hook: None, rules: in_local });
        chains.push(Chain { name: OUT_LOCAL, hook: None, rules: out_local });
    }
    if out.is_empty() {
        return None;
    }
    chains.insert(0, Chain { name: OUT, hook: hook(Hook::Output), rules: out });
    Some(Table { family: V6, sets, chains })
}

/// An address that is to be shut.
fn shut(device: Device, address: IpAddr) -> Entry {
    let family = Family::of(address);
    let local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    let (set, key): (_, Box<[Value]>) =
        if local { (LOCAL_VIPS, [Value::Address(address), Value::Index(device)].into()) } else { (VIPS, [Value::Address(address)].into()) };
    Entry { family, set, key, data: None }
}

/// What a master of an instance shuts with its addresses.
pub fn shut_all(facts: &[Fact]) -> impl Iterator<Item = Entry> {
    facts.iter().filter_map(|fact| match fact {
        Fact::Address(placed) => Some(shut(placed.device, placed.address.prefix.address)),
        Fact::Device(_) | Fact::Setting(_) | Fact::Route(_) | Fact::Rule(_) => None,
    })
}

/// What may be there already of the addresses that are to be shut, whoever holds it: until it is known who does, all of it.
pub fn shut_beforehand(model: &Model, links: &Links) -> Vec<Entry> {
    let shutting = model.vrrp.instances.iter().filter(|conf| shuts(conf));
    let addresses = shutting.flat_map(|conf| conf.vips.iter().chain(&conf.excluded).map(move |address| (conf, address)));
    let plan = Plan::new(model, links, &Plan::default());
    let entry = |(conf, address): (&Instance, &Address)| {
        let own = || plan.of_address(conf, address).or(address.device.as_deref()).or_else(|| plan.own(conf));
        let link = links.named(own().or(conf.interface.as_deref())?)?;
        Some(shut(link.device, address.prefix.address))
    };
    addresses.filter_map(entry).collect()
}

/// All that keeps the virtual MACs among the interfaces of ours quiet.
pub fn fence(firewall: &Firewall, facts: &[Fact], links: &Links) -> Vec<Entry> {
    let known = |name: &str| match firewall.nftables_ifindex {
        true => links.named(name).map(|link| Value::Index(link.device)),
        false => Some(Value::Name(name.into())),
    };
    let entry = |family, set, key: Vec<Value>, data| Entry { family, set, key: key.into(), data };
    let mut entries = Vec::new();
    for fact in facts {
        match fact {
            Fact::Device(new) if matches!(new.upper, Upper::Macvlan(_)) => {
                let Some(known) = known(&new.name) else { continue };
                let parent = Some(Value::Index(new.parent));
                entries.push(entry(Family::V4, VMAC_MAP, vec![known.clone()], parent.clone()));
                if !new.settings.contains(&(Knob::DisableIpv6, 1)) {
                    entries.push(entry(Family::V6, VMAC_MAP, vec![known.clone()], parent));
                    entries.push(entry(Family::V6, VMACS, vec![known], None));
                }
            }
            // The parent's own, which a virtual MAC borrows as a source: nobody is to look for it there.
            Fact::Address(placed) => {
                let address = placed.address.prefix.address;
                let borrowed = |link: &&Link| {
                    let parent = link.parent.map(|parent| links.addresses(parent)).unwrap_or_default();
                    parent.iter().any(|prefix| prefix.address == address)
                };
                let link = links.get(placed.device).filter(borrowed);
                let known = link.and_then(|link| known(&link.name)).filter(|_| address.is_ipv6());
                entries.extend(known.map(|known| entry(Family::V6, PARENTS, vec![Value::Address(address), known], None)));
            }
            Fact::Device(_) | Fact::Setting(_) | Fact::Route(_) | Fact::Rule(_) => {}
        }
    }
    entries
}

#[cfg(test)]
mod tests;
