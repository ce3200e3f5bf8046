//! Groups of virtual servers.

use super::super::Resolver;
use crate::config::draft::lvs as draft;
use crate::model::lvs::{Families, Family, Member, ServerGroup};
use std::collections::HashSet;

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
            groups.push(ServerGroup { name: draft.name, members: draft.members.into() });
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

impl ServerGroup {
    /// The families of its members; nothing when it has only marks without one.
    pub(super) fn families(&self) -> Option<Families> {
        let has = |wanted| self.members.iter().any(|member| family(member) == Some(wanted));
        match (has(Family::V4), has(Family::V6)) {
            (true, true) => Some(Families::Both),
            (true, false) => Some(Families::One(Family::V4)),
            (false, true) => Some(Families::One(Family::V6)),
            (false, false) => None,
        }
    }

    pub(super) fn has_marks(&self) -> bool {
        self.members.iter().any(|member| matches!(member, Member::Mark { .. }))
    }

    /// The address members: first and last address, and port.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (std::net::IpAddr, std::net::IpAddr, u16)> {
        self.members.iter().filter_map(|member| match *member {
            Member::Addresses { first, last, port } => Some((first, last, port)),
            Member::Mark { .. } => None,
        })
    }
}
