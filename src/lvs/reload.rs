//! Goes over to a new configuration: what is the same in both keeps its health, its weight, and the rhythm of its checks.

use super::checker::{Checker, Phase, Standing, alpha};
use super::engine::Engine;
use super::health;
use super::identity::{same, server_key};
use super::layout::{Layout, group, ix, position};
use super::message::{self, Subject};
use super::real_server::Told;
use super::transition::{quorum_notice, real_notice, say_turn, server_notice, told};
use super::{Action, table, weight};
use crate::effect::notice::ServerNotice;
use crate::effect::time::Instant;
use crate::model::Model;
use crate::model::checker::{Checker as Configured, Probe};
use crate::model::lvs::RealServer;
use std::collections::HashMap;
use std::mem::discriminant;
use std::sync::Arc;

/// What was before a reload.
#[derive(Debug)]
struct Past {
    model: Arc<Model>,
    layout: Layout,
}

impl Engine {
    /// Goes over to a new configuration. Virtual servers are known by what they serve, real servers by address and port,
    /// checkers by what they check. The attempt of a checker that stays goes on under its number, though the checker may now
    /// stand elsewhere in the model; attempts of others are cancelled.
    ///
    /// Files and sessions that were not followed before are to be told right after, as at the start.
    pub fn reconfigure(&mut self, now: Instant, model: Arc<Model>, actions: &mut Vec<Action>) {
        self.suspense.learn(&model.lvs);
        let layout = Layout::fresh(&model, &self.suspense);
        let past = Past { model: std::mem::replace(&mut self.model, model), layout: std::mem::replace(&mut self.layout, layout) };
        self.queue.clear();
        self.runs.clear();
        self.follow();

        let servers = past.model.lvs.virtual_servers.iter().zip(&past.layout.servers).zip(0_u32..);
        let mut known: HashMap<_, u32> = servers.map(|((server, state), at)| ((server_key(server), state.twin), at)).collect();
        let model = Arc::clone(&self.model);
        let servers = model.lvs.virtual_servers.iter().zip(&self.layout.servers);
        let ancestors: Vec<Option<u32>> = servers.map(|(server, state)| known.remove(&(server_key(server), state.twin))).collect();
        let mut gone: Vec<u32> = known.into_values().collect();
        gone.sort_unstable();
        for at in gone {
            close(&past, at, actions);
        }
        for (ancestor, at) in ancestors.into_iter().zip(0_u32..) {
            match ancestor {
                Some(was) => self.keep(now, &past, was, at, actions),
                None => {
                    self.layout.servers[ix(at)].id = self.new_id();
                    let server = &model.lvs.virtual_servers[ix(at)];
                    for (real, place) in server.real_servers.iter().zip(self.layout.servers[ix(at)].first..) {
                        self.begin_real(at, place, real);
                    }
                    self.layout.weigh(at, server);
                    self.open(at, true, actions);
                }
            }
        }
        for at in 0..position(self.layout.checkers.len()) {
            match self.layout.checkers[ix(at)].phase {
                Phase::Idle => {
                    self.schedule_first(now, at);
                }
                Phase::Waiting { at: due } => {
                    self.queue.insert((due, at));
                }
                Phase::Running { run, lost, .. } => {
                    self.runs.insert(run, at);
                    self.queue.insert((lost, at));
                }
            }
        }
    }

    /// A virtual server that was there before.
    fn keep(&mut self, now: Instant, past: &Past, was: u32, at: u32, actions: &mut Vec<Action>) {
        let model = Arc::clone(&self.model);
        let old = &past.model.lvs.virtual_servers[ix(was)];
        let new = &model.lvs.virtual_servers[ix(at)];
        let old_state = &past.layout.servers[ix(was)];
        let old_sorry = old_state.sorry(old);
        let state = &mut self.layout.servers[ix(at)];
        (state.id, state.quorum, state.told) = (old_state.id, old_state.quorum, old_state.told);

        let places = old.real_servers.iter().zip(old_state.first..);
        let mut left: HashMap<_, _> = places.map(|(real, place)| ((real.address, real.port), (real, place))).collect();
        let mut notices = Vec::new();
        let mut altered = Vec::new();
        let init = model.global.lvs.rs_init_notifies;
        for (real, place) in new.real_servers.iter().zip(self.layout.servers[ix(at)].first..) {
            let subject = Subject { server: new, real };
            let Some((old_real, old_place)) = left.remove(&(real.address, real.port)) else {
                self.begin_real(at, place, real);
                if self.layout.reals[ix(place)].alive() {
                    actions.push(Action::Say(message::came(subject)));
                    notices.extend(init.then(|| real_notice(new, real, true, None)));
                }
                continue;
            };
            let changed = self.carry(now, past, old_real, old_place, real, place, actions);
            altered.extend(changed.then_some(place));
            let before = &past.layout.reals[ix(old_place)];
            let after = &self.layout.reals[ix(place)];
            let alive = after.alive();
            if before.alive() != alive {
                actions.push(Action::Say(if alive { message::came(subject) } else { message::went(subject) }));
                notices.push(real_notice(new, real, alive, real.smtp_alert.then(|| message::RELOADED.into())));
                self.layout.reals[ix(place)].told = if alive { Told::Up } else { Told::Down };
            } else if before.effective(old_real) != after.effective(real) {
                actions.push(Action::Say(message::weight(subject, before.effective(old_real), after.effective(real), alive)));
            }
        }
        let mut left: Vec<(&RealServer, u32)> = left.into_values().collect();
        left.sort_unstable_by_key(|&(_, place)| place);
        let mut farewells = Vec::new();
        for (real, place) in left {
            let subject = Subject { server: old, real };
            actions.extend([message::no_longer(subject), message::removing(subject)].map(Action::Say));
            farewells.extend(past.farewell(was, real, place));
            past.forget(was, real, place, actions);
        }

        self.layout.weigh(at, new);
        let state = &mut self.layout.servers[ix(at)];
        let turn = state.turn(new);
        if let Some(turn) = turn {
            state.told = told(turn);
            notices.push(quorum_notice(new, turn, state.weight, false));
            say_turn(new, turn, state.weight, actions);
        }
        let sorry = self.layout.servers[ix(at)].sorry(new);
        let before = table::services(old, group(&past.model, old), past.layout.reals_of(was, old), old_sorry);
        let after = table::services(new, group(&model, new), self.layout.reals_of(at, new), sorry);
        if before != after {
            actions.push(Action::Hold { owner: self.layout.servers[ix(at)].id, services: after });
        }
        actions.extend(farewells.into_iter().chain(notices).map(|notice| Action::Notify(Box::new(notice))));
        let mut altered = altered.into_iter().peekable();
        for place in (self.layout.servers[ix(at)].first..).take(new.real_servers.len()) {
            let first = place == self.layout.servers[ix(at)].first;
            let news = altered.next_if_eq(&place).is_some() || first && turn.is_some();
            self.remember(place, news, actions);
        }
    }

    /// A real server that was not there before.
    fn begin_real(&mut self, server: u32, place: u32, real: &RealServer) {
        if !self.layout.servers[ix(server)].suspended {
            self.listen(place, real);
        }
        self.layout.count(place, &real.checkers);
        let state = &mut self.layout.reals[ix(place)];
        state.told = if state.alive() { Told::Up } else { Told::Nothing };
    }

    /// Takes in what is known of files and sessions already.
    fn listen(&mut self, place: u32, real: &RealServer) {
        let range = self.layout.checkers_of(place, real.checkers.len());
        for (configured, index) in real.checkers.iter().zip(range) {
            let Some((up, added)) = self.known(configured) else { continue };
            let state = &mut self.layout.checkers[index];
            state.standing = if up { Standing::Up } else { Standing::Down };
            state.added = added;
            state.has_run = true;
        }
    }

    /// A real server that was there before: its checkers keep what they know. Tells whether their health is another one.
    ///
    /// A checker that checks something else now, or in another way, has the verdict of the one in whose place it stands until
    /// it has one of its own. keepalived takes it to be up, so that a failed server is back until it fails again (BUG, run 24).
    #[expect(clippy::too_many_arguments, reason = "before and after, each with its place")]
    fn carry(
        &mut self,
        now: Instant,
        past: &Past,
        old: &RealServer,
        old_place: u32,
        new: &RealServer,
        place: u32,
        actions: &mut Vec<Action>,
    ) -> bool {
        let before = &past.layout.reals[ix(old_place)];
        let server = &self.layout.servers[ix(self.layout.reals[ix(place)].server)];
        let suspended = server.suspended;
        let old_states = &past.layout.checkers[past.layout.checkers_of(old_place, old.checkers.len())];
        let mut left: Vec<(&Configured, &Checker)> = old.checkers.iter().zip(old_states).collect();
        let range = self.layout.checkers_of(place, new.checkers.len());
        let mut strangers = Vec::new();
        for (configured, state) in new.checkers.iter().zip(&mut self.layout.checkers[range]) {
            match left.iter().position(|(known, _)| same(known, configured)) {
                Some(nth) => {
                    let (known, past) = left.remove(nth);
                    *state = Checker { real: place, ..past.clone() };
                    adapt(now, state, known, configured, new.weight);
                }
                None => strangers.push((configured, state)),
            }
        }
        let mut changed = !strangers.is_empty() || !left.is_empty();
        for (configured, state) in strangers {
            let alike = |(known, _): &(&Configured, &Checker)| kind(known) == kind(configured);
            let nth = left.iter().position(alike).or((!left.is_empty()).then_some(0));
            match nth.map(|nth| left.remove(nth)) {
                Some((_, past)) => {
                    actions.extend(attempt(past));
                    health::apply(state, configured, past.up());
                }
                // Where all is well a new checker is trusted, even one with alpha; where not, it is to prove itself.
                None if before.alive() => health::apply(state, configured, true),
                None => health::apply(state, configured, !alpha(configured)),
            }
            if !before.alive() {
                state.failures = Checker::fresh(configured, place).failures;
            }
        }
        actions.extend(left.into_iter().filter_map(|(_, past)| attempt(past)));
        if !suspended {
            self.listen(place, new);
        }
        let range = self.layout.checkers_of(place, new.checkers.len());
        for (configured, state) in new.checkers.iter().zip(&mut self.layout.checkers[range.clone()]) {
            if let (true, Some(cancel), Configured::Probe { schedule, .. }) = (suspended, attempt(state), configured) {
                actions.push(cancel);
                state.phase = Phase::Waiting { at: now + schedule.delay_loop.duration() };
            }
        }
        self.layout.count(place, &new.checkers);
        let after = &self.layout.checkers[range];
        changed |= old_states.iter().zip(after).any(|(old, new)| old.up() != new.up() || old.added != new.added);
        let state = &mut self.layout.reals[ix(place)];
        (state.told, state.recorded) = (before.told, before.recorded);
        changed
    }
}

impl Past {
    /// Word of a real server that is no more.
    fn farewell(&self, server: u32, real: &RealServer, place: u32) -> Option<ServerNotice> {
        let server = &self.model.lvs.virtual_servers[ix(server)];
        let mail = real.smtp_alert.then(|| message::REMOVING.into());
        self.layout.reals[ix(place)].alive().then(|| real_notice(server, real, false, mail))
    }

    /// Nothing is left of a real server.
    fn forget(&self, server: u32, real: &RealServer, place: u32, actions: &mut Vec<Action>) {
        let checkers = &self.layout.checkers[self.layout.checkers_of(place, real.checkers.len())];
        actions.extend(checkers.iter().filter_map(attempt));
        if self.layout.reals[ix(place)].recorded {
            let configured = &self.model.lvs.virtual_servers[ix(server)];
            actions.push(Action::Forget(super::identity::record_key(configured, self.layout.servers[ix(server)].twin, real)));
        }
    }
}

/// A virtual server that is no more. Its end is announced, `omega` or not: that is about the end of the process.
fn close(past: &Past, at: u32, actions: &mut Vec<Action>) {
    let server = &past.model.lvs.virtual_servers[ix(at)];
    let state = &past.layout.servers[ix(at)];
    actions.push(Action::Say(message::server_removed(server)));
    let mut notices = Vec::new();
    for (real, place) in server.real_servers.iter().zip(state.first..) {
        actions.push(Action::Say(message::removing(Subject { server, real })));
        notices.extend(past.farewell(at, real, place));
    }
    if state.quorum {
        notices.push(server_notice(server, false, server.smtp_alert.then(|| message::quorum_mail(server, 0, false, false))));
    }
    actions.push(Action::Hold { owner: state.id, services: Box::default() });
    actions.extend(notices.into_iter().map(|notice| Action::Notify(Box::new(notice))));
    for (real, place) in server.real_servers.iter().zip(state.first..) {
        past.forget(at, real, place, actions);
    }
}

/// The end of the attempt that is on its way.
fn attempt(checker: &Checker) -> Option<Action> {
    match checker.phase {
        Phase::Running { run, .. } => Some(Action::Cancel(run)),
        Phase::Idle | Phase::Waiting { .. } => None,
    }
}

/// Another schedule, or another weight of the real server, of a checker that stays. The rhythm stays too, unless it would be
/// later than the new one allows.
fn adapt(now: Instant, state: &mut Checker, old: &Configured, new: &Configured, configured_weight: u32) {
    let (Configured::Probe { schedule: before, .. }, Configured::Probe { schedule, probe }) = (old, new) else { return };
    if let Phase::Waiting { at } = &mut state.phase
        && before != schedule
    {
        *at = (*at).min(now + schedule.delay_loop.duration());
    }
    match probe {
        Probe::Misc(misc) if misc.dynamic && state.up() => {
            state.added = weight::of_status(state.status, configured_weight).unwrap_or(0);
        }
        Probe::Misc(_) | Probe::Tcp(_) | Probe::Ping(_) | Probe::Http(_) | Probe::Smtp(_) | Probe::Dns(_) | Probe::Udp(_) => {}
    }
}

/// Kinds of checkers, to tell which of them are alike.
fn kind(checker: &Configured) -> (std::mem::Discriminant<Configured>, Option<std::mem::Discriminant<Probe>>) {
    let probe = match checker {
        Configured::Probe { probe, .. } => Some(discriminant(probe)),
        Configured::File(_) | Configured::Bfd(_) => None,
    };
    (discriminant(checker), probe)
}
