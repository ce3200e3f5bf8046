//! Groups of virtual servers.

use super::super::Resolver;
use crate::config::draft::lvs as draft;
use crate::model::lvs::{Families, Member, ServerGroup};
use crate::model::net::Family;
use std::collections::HashSet;
use std::net::IpAddr;

impl Resolver<'_> {
    pub(super) fn groups(&mut self, drafts: Vec<draft::ServerGroup>) -> Vec<ServerGroup> {
        let mut groups = Vec::with_capacity(drafts.len());
        let mut names = HashSet::new();
        for draft in drafts {
            let name = &draft.name;
            if draft.members.is_empty() {
                let text = format!("virtual server group {name} has no entries - removing");
                self.problems.error(draft.end, text).hint("ADDRESS [PORT], or fwmark N, one a line");
                continue;
            }
            if mixes_everything(&draft.members) {
                let text = format!("virtual server group {name} cannot have IPv4, IPv6 and fwmark without family - removing");
                self.problems.error(draft.end, text).hint("fwmark N inet, or fwmark N inet6");
                continue;
            }
            if !names.insert(name.clone()) {
                self.problems.notice(draft.at, format!("virtual server group {name} already defined - ignoring")).word(name);
                continue;
            }
            groups.push(ServerGroup { name: draft.name, members: draft.members.into(), marks: Box::default() });
        }
        groups
    }
}

/// The family of a member that has one of its own.
fn family(member: &Member) -> Option<Family> {
    match *member {
        Member::Addresses { first, .. } => Some(Family::of(first)),
        Member::Mark { family, .. } => family,
    }
}

fn mixes_everything(members: &[Member]) -> bool {
    [Some(Family::V4), Some(Family::V6), None].into_iter().all(|kind| members.iter().any(|member| family(member) == kind))
}

/// What virtual servers need to know of their group, found once however many use it.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Nothing when it has only marks without a family.
    pub(super) families: Option<Families>,
    pub(super) marked: bool,
    /// An address stands for every port.
    pub(super) any_port: bool,
    /// The first line with addresses, and the first one with another port than that has.
    ports: [Option<Line>; 2],
}

/// First and last address, and port.
pub(super) type Line = (IpAddr, IpAddr, u16);

impl Facts {
    pub(super) fn of(group: &ServerGroup) -> Self {
        let mut facts = Self::default();
        let mut has = [false; 2];
        for member in &group.members {
            match family(member) {
                Some(Family::V4) => has[0] = true,
                Some(Family::V6) => has[1] = true,
                None => {}
            }
            match *member {
                Member::Mark { .. } => facts.marked = true,
                Member::Addresses { first, last, port } => {
                    facts.any_port |= port == 0;
                    match facts.ports {
                        [None, _] => facts.ports[0] = Some((first, last, port)),
                        [Some((_, _, known)), None] if known != port => facts.ports[1] = Some((first, last, port)),
                        [Some(_), _] => {}
                    }
                }
            }
        }
        facts.families = match has {
            [true, true] => Some(Families::Both),
            [true, false] => Some(Families::One(Family::V4)),
            [false, true] => Some(Families::One(Family::V6)),
            [false, false] => None,
        };
        facts
    }

    pub(super) fn addressed(&self) -> bool {
        self.ports[0].is_some()
    }

    /// The first line whose port is not this one.
    pub(super) fn other_port(&self, port: u16) -> Option<Line> {
        self.ports.into_iter().flatten().find(|(_, _, other)| *other != port)
    }
}
