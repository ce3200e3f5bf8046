//! BFD sessions.

use super::Resolver;
use crate::config::draft::bfd::Session as Draft;
use crate::model::bfd::{Hops, Session};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

impl Resolver<'_> {
    pub(super) fn bfd(&mut self, drafts: Vec<Draft>) -> Vec<Session> {
        let mut sessions: Vec<Session> = Vec::with_capacity(drafts.len());
        let mut paths: HashMap<_, Box<str>> = HashMap::with_capacity(drafts.len());
        for draft in drafts {
            let Some(session) = self.bfd_session(&draft) else {
                continue;
            };
            match paths.entry((session.neighbor, session.source, session.multihop)) {
                Entry::Occupied(twin) => {
                    let (name, twin) = (&session.name, twin.get());
                    let text = format!("Configuration error: BFD instance {name} duplicates BFD instance {twin} - ignoring");
                    self.problems.error(draft.end, text);
                }
                Entry::Vacant(path) => {
                    path.insert(session.name.clone());
                    sessions.push(session);
                }
            }
        }
        sessions
    }

    fn bfd_session(&mut self, draft: &Draft) -> Option<Session> {
        let name = &draft.name;
        let Some(neighbor) = draft.neighbor else {
            let text = format!("Configuration error: BFD instance {name} has no neighbor address set, disabling instance");
            self.problems.error(draft.end, text).hint("neighbor_ip ADDRESS");
            return None;
        };
        if draft.source.is_some_and(|source| source.is_ipv4() != neighbor.is_ipv4()) {
            let text =
                format!("Configuration error: BFD instance {name} source IP address and neighbor IP address are not of the same family");
            self.problems.error(draft.end, text);
            return None;
        }
        // By RFC 5881 section 5 it is 255, and others take nothing else. keepalived sends 64 over IPv6, and takes what is more.
        let ttl = draft.ttl.unwrap_or(255);
        let full_ttl = draft.ttl.unwrap_or(if neighbor.is_ipv4() { 255 } else { 64 });
        let hops = match draft.hops {
            Hops::AtMost(hops) if hops > full_ttl => {
                self.problems.error(draft.end, format!("BFD instance {name}: max_hops exceeds ttl, setting to {full_ttl}"));
                Hops::AtMost(full_ttl)
            }
            hops => hops,
        };
        let neither = !draft.vrrp && !draft.checker;
        Some(Session {
            name: name.clone(),
            neighbor,
            source: draft.source,
            min_rx: draft.min_rx,
            min_tx: draft.min_tx,
            idle_tx: draft.idle_tx,
            multiplier: draft.multiplier,
            passive: draft.passive,
            ttl,
            full_ttl,
            hops,
            multihop: draft.multihop,
            weight: draft.weight,
            tells_vrrp: draft.vrrp || neither,
            tells_checkers: draft.checker || neither,
        })
    }
}
