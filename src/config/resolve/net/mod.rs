//! Addresses, routes and rules.

mod address;
mod route;
mod rule;

use super::Resolver;
use crate::config::diagnostic::{Class, Origin, Phase};
use crate::config::draft::net::{self as draft, Named};
use crate::config::host::NameTable;
use crate::model::net as model;
use std::collections::{HashMap, HashSet};

impl Resolver<'_> {
    /// The objects that are there whatever VRRP does. `is_instance` tells the names of the VRRP instances.
    pub(super) fn statics(&mut self, draft: draft::Statics, is_instance: &dyn Fn(&str) -> bool) -> model::Statics {
        let defined: HashMap<Box<str>, Origin> = draft.groups.iter().map(|group| (group.name.clone(), group.at)).collect();
        let groups: Vec<model::TrackGroup> = draft.groups.into_iter().filter_map(|group| self.track_group(group, is_instance)).collect();
        let named: HashSet<&str> = groups.iter().map(|group| &*group.name).collect();
        let mut statics = model::Statics::default();
        for mut draft in draft.addresses {
            let group = self.group_of(draft.track_group.take(), draft.at, &defined, &named);
            let default = self.default_interface.clone();
            if draft.device.is_none() && !self.is_interface(&default) {
                let text = format!("Static address {} requires either an interface or default interface must exist", draft.name());
                self.problems
                    .report(Class::Fatal, Phase::Reading, Some(draft.at), text)
                    .hint(format!("dev INTERFACE, or default_interface in global_defs: there is no {default}"));
                continue;
            }
            if let Some(object) = self.address(draft, Some(&default)) {
                statics.addresses.push(model::Static { object, group });
            }
        }
        for mut draft in draft.routes {
            let group = self.group_of(draft.track_group.take(), draft.at, &defined, &named);
            if let Some(object) = self.route(draft) {
                statics.routes.push(model::Static { object, group });
            }
        }
        for mut draft in draft.rules {
            let group = self.group_of(draft.track_group.take(), draft.at, &defined, &named);
            if let Some(object) = self.rule(draft) {
                statics.rules.push(model::Static { object, group });
            }
        }
        statics.groups = groups;
        statics
    }

    fn track_group(&mut self, draft: draft::TrackGroup, is_instance: &dyn Fn(&str) -> bool) -> Option<model::TrackGroup> {
        let name = draft.name;
        if draft.members.is_empty() {
            self.problems.error(draft.end, format!("Warning - track group {name} has empty group block")).hint("group { INSTANCE ... }");
            return None;
        }
        let mut members = Vec::new();
        for (member, at) in draft.members {
            if is_instance(&member) {
                members.push(member);
            } else {
                let text = format!("vrrp instance {member} specified in track_group {name} doesn't exist - ignoring");
                self.problems.resolving(Class::Notice, at, text).word(&member);
            }
        }
        if members.is_empty() {
            self.problems.resolving(Class::Notice, draft.at, format!("track_group {name} has no instance that exists - removing"));
            return None;
        }
        Some(model::TrackGroup { name, members })
    }

    /// A group counts where it was defined before, and if anything came of it.
    fn group_of(
        &mut self,
        name: Option<Box<str>>,
        at: Origin,
        defined: &HashMap<Box<str>, Origin>,
        groups: &HashSet<&str>,
    ) -> Option<Box<str>> {
        let name = name?;
        let place = defined.get(&name);
        if place.is_none_or(|place| place.order >= at.order) {
            let later = place.is_some();
            let problem = self.problems.error(at, format!("track_group {name} not found")).word(&name);
            if later {
                problem.hint("it must be defined before it is used");
            }
            return None;
        }
        groups.contains(&*name).then_some(name)
    }

    /// Whether an interface that a line names may be used; if not, that is reported. `what` is the object.
    fn needs_interface(&mut self, name: Option<&str>, at: Origin, what: &str) -> bool {
        let Some(name) = name else { return true };
        let there = self.is_interface(name);
        if !there {
            self.missing_interface(at, name, format!("WARNING - interface {name} for {what} doesn't exist"));
        }
        there
    }

    /// A number that may be given by a name of iproute2's tables, and may not exceed `most`.
    fn numbered<N: TryFrom<u32>>(&self, table: NameTable, name: &Named, most: u32) -> Option<N> {
        let number = match name {
            Named::Number(number) => Some(*number),
            Named::Name(name) => self.host.numbered(&self.name_places, table, name).or_else(|| well_known(table, name)),
        };
        number.filter(|&number| number <= most).and_then(|number| N::try_from(number).ok())
    }

    /// A number that an option of a line was given by name; the line is refused where the name means nothing.
    /// `text` is the message for the name as written.
    fn lookup<N: TryFrom<u32>>(
        &mut self,
        table: NameTable,
        name: &Named,
        most: u32,
        at: Origin,
        text: impl Fn(&Named) -> String,
    ) -> Option<N> {
        let number = self.numbered(table, name, most);
        if number.is_none() {
            self.problems.error(at, text(name)).word(&name.to_string());
        }
        number
    }

    fn realms(&mut self, draft: &draft::Realms, at: Origin, text: &str) -> Option<model::Realms> {
        let mut realm = |name| self.lookup(NameTable::Realms, name, 255, at, |name| format!("{text}: {name}"));
        let source = match &draft.source {
            Some(name) => realm(name)?,
            None => 0,
        };
        Some(model::Realms { source, destination: realm(&draft.destination)? })
    }
}

/// The names that hold where iproute2's tables are missing.
fn well_known(table: NameTable, name: &str) -> Option<u32> {
    let names: &[(&str, u32)] = match table {
        NameTable::RouteTables => &[("main", 254), ("local", 255), ("default", 253), ("unspec", 0)],
        NameTable::RouteProtocols => &[
            ("unspec", 0),
            ("redirect", 1),
            ("kernel", 2),
            ("boot", 3),
            ("static", 4),
            ("gated", 8),
            ("ra", 9),
            ("mrt", 10),
            ("zebra", 11),
            ("bird", 12),
            ("dnrouted", 13),
            ("xorp", 14),
            ("ntk", 15),
            ("dhcp", 16),
            ("mrouted", 17),
            ("keepalived", 18),
            ("babel", 42),
            ("openr", 99),
            ("bgp", 186),
            ("isis", 187),
            ("ospf", 188),
            ("rip", 189),
            ("eigrp", 192),
        ],
        NameTable::RouteScopes => &[("global", 0), ("site", 200), ("link", 253), ("host", 254), ("nowhere", 255)],
        NameTable::Realms => &[("cosmos", 0)],
        NameTable::DsField => &[("default", 0)],
        NameTable::Groups => &[("default", 0)],
    };
    names.iter().find(|&&(known, _)| known == name).map(|&(_, number)| number)
}

#[cfg(test)]
mod tests;
