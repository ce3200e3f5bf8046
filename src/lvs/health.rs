//! What of a real server's health is left with the supervisor, and how a successor takes it up.
//!
//! A record says how a real server differs from what a fresh start takes it for. The quorum of a virtual server is its first
//! real server's to tell, which has a record for as long as that differs, too.

use super::Action;
use super::checker::{Checker, Standing, alpha};
use super::engine::Engine;
use super::identity::{number, record_key};
use super::layout::{Layout, ix};
use super::quorum;
use super::real_server::Told;
use crate::effect::record::{CheckerHealth, Health};
use crate::model::Model;
use crate::model::checker::{Checker as Configured, Probe};
use crate::model::lvs::VirtualServer;
use std::collections::HashMap;
use std::sync::Arc;

impl Engine {
    /// Leaves word of a real server, if its record is not as it should be or there is news to put into it.
    pub(super) fn remember(&mut self, at: u32, news: bool, actions: &mut Vec<Action>) {
        let model = Arc::clone(&self.model);
        let server_at = self.layout.reals[ix(at)].server;
        let server = &model.lvs.virtual_servers[ix(server_at)];
        let nth = self.layout.nth(at);
        let configured = &server.real_servers[ix(nth)];
        let checkers = &self.layout.checkers[self.layout.checkers_of(at, configured.checkers.len())];
        let state = &self.layout.servers[ix(server_at)];
        let differs = checkers.iter().zip(&configured.checkers).any(|(state, configured)| !is_fresh(state, configured))
            || nth == 0 && state.quorum != fresh_quorum(server);
        let known = std::mem::replace(&mut self.layout.reals[ix(at)].recorded, differs);
        if differs == known && !(news && differs) {
            return;
        }
        let key = record_key(server, state.twin, configured);
        actions.push(if differs {
            let checkers = checkers.iter().zip(&configured.checkers).map(|(state, configured)| CheckerHealth {
                identity: number(configured),
                up: state.up(),
                has_run: state.has_run,
                weight: state.added,
                status: state.status,
            });
            Action::Record(Health { key, checkers: checkers.collect(), quorum: state.quorum })
        } else {
            Action::Forget(key)
        });
    }

    /// Leaves word of a quorum that has turned, with the first real server, unless that has just been done for it.
    pub(super) fn remember_quorum(&mut self, server: u32, done: u32, actions: &mut Vec<Action>) {
        let first = self.layout.servers[ix(server)].first;
        let any = !self.model.lvs.virtual_servers[ix(server)].real_servers.is_empty();
        if any && first != done {
            self.remember(first, true, actions);
        }
    }
}

fn is_fresh(state: &Checker, configured: &Configured) -> bool {
    state.up() != alpha(configured) && state.added == 0
}

/// Whether a fresh start has a quorum before anything is known.
fn fresh_quorum(server: &VirtualServer) -> bool {
    let up = server.real_servers.iter().filter(|real| !real.checkers.iter().any(alpha));
    let weight = up.map(|real| u64::from(super::weight::clamped(i64::from(real.weight)))).sum();
    quorum::turn(server, false, weight).is_some()
}

/// Makes a fresh layout what a predecessor left.
pub(super) fn resume(layout: &mut Layout, model: &Model, records: &[Health]) {
    let records: HashMap<&str, &Health> = records.iter().map(|record| (&*record.key, record)).collect();
    for (server, at) in model.lvs.virtual_servers.iter().zip(0_u32..) {
        let state = &layout.servers[ix(at)];
        let (twin, first) = (state.twin, state.first);
        let mut quorum = fresh_quorum(server);
        for (configured, nth) in server.real_servers.iter().zip(0_u32..) {
            let Some(record) = records.get(&*record_key(server, twin, configured)) else { continue };
            let place = first + nth;
            let range = layout.checkers_of(place, configured.checkers.len());
            take_up(&mut layout.checkers[range], &configured.checkers, &record.checkers);
            layout.count(place, &configured.checkers);
            let real = &mut layout.reals[ix(place)];
            real.told = if real.alive() { Told::Up } else { Told::Down };
            real.recorded = true;
            if nth == 0 {
                quorum = record.quorum;
            }
        }
        layout.weigh(at, server);
        let state = &mut layout.servers[ix(at)];
        state.quorum = quorum;
        state.told = if quorum { Told::Up } else { Told::Down };
    }
}

/// By identity, and what is left by place: a checker that is another one now keeps the verdict until it has one of its own.
fn take_up(states: &mut [Checker], configured: &[Configured], records: &[CheckerHealth]) {
    let mut left: Vec<&CheckerHealth> = records.iter().collect();
    let mut strangers = Vec::new();
    for (state, configured) in states.iter_mut().zip(configured) {
        let identity = number(configured);
        match left.iter().position(|health| health.identity == identity) {
            Some(at) => {
                let health = left.remove(at);
                apply(state, configured, health.up);
                state.has_run = health.has_run;
                state.added = health.weight;
                state.status = health.status;
            }
            None => strangers.push((state, configured)),
        }
    }
    for ((state, configured), health) in strangers.into_iter().zip(left) {
        apply(state, configured, health.up);
    }
}

/// Gives a checker the verdict that another one had.
pub(super) fn apply(state: &mut Checker, configured: &Configured, up: bool) {
    state.failures = 0;
    state.page = 0;
    state.standing = match (up, configured) {
        (true, Configured::Probe { .. } | Configured::File(_) | Configured::Bfd(_)) => Standing::Up,
        (false, Configured::Probe { probe: Probe::Http(_), .. }) => Standing::Recovering,
        (
            false,
            Configured::Probe {
                probe: Probe::Tcp(_) | Probe::Ping(_) | Probe::Smtp(_) | Probe::Dns(_) | Probe::Udp(_) | Probe::Misc(_),
                ..
            }
            | Configured::File(_)
            | Configured::Bfd(_),
        ) => Standing::Down,
    };
}
