//! What follows when a checker has changed: for its real server, the quorum, the table, and who is told.

use super::engine::Engine;
use super::identity::family_of_mark;
use super::layout::{group, ix};
use super::message::{self, Subject};
use super::name;
use super::quorum::Turn;
use super::real_server::Told;
use super::{Action, table};
use crate::effect::notice::ServerNotice;
use crate::model::lvs::{RealServer, VirtualServer};
use std::sync::Arc;

/// What a checker was before, and what it has said now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change<'a> {
    pub(super) was_up: bool,
    /// What it adds to the weight from now on.
    pub(super) added: i64,
    /// It has failed, and that counts, though it may have been down before.
    pub(super) failed: bool,
    /// For mail.
    pub(super) reason: &'a str,
}

impl Engine {
    /// Draws the conclusions of a change that the checker itself has taken in already.
    pub(super) fn settle(&mut self, checker: u32, change: Change<'_>, actions: &mut Vec<Action>) {
        let model = Arc::clone(&self.model);
        let conf = self.layout.configured(&model, checker);
        let subject = Subject { server: conf.server, real: conf.real };
        let state = &mut self.layout.checkers[ix(checker)];
        let at = state.real;
        let is_up = state.up();
        let real = &mut self.layout.reals[ix(at)];
        let server_at = real.server;
        let server = &mut self.layout.servers[ix(server_at)];

        let sorry = server.sorry(conf.server);
        let (was_alive, was_weight, was_counted) = (real.alive(), real.effective(conf.real), real.counts(conf.real));
        let was_shown = real.shown(conf.real, sorry);
        let unchanged = state.added == change.added && change.was_up == is_up;
        real.added = real.added.saturating_sub(state.added).saturating_add(change.added);
        state.added = change.added;
        match (change.was_up, is_up) {
            (true, false) => real.failed += 1,
            (false, true) => real.failed -= 1,
            (true, true) | (false, false) => {}
        }
        server.weight = server.weight - was_counted + real.counts(conf.real);

        let alive = real.alive();
        let weight = real.effective(conf.real);
        // One that was to be down until known to be up, and is found down: the world hears of it once.
        let found_down = change.failed && !alive && real.told == Told::Nothing;
        let mut notices = Vec::new();
        if alive != was_alive || found_down {
            real.told = if alive { Told::Up } else { Told::Down };
            let mail = (alive != was_alive && conf.real.smtp_alert).then(|| message::checker_mail(conf.checker, is_up, change.reason));
            notices.push(real_notice(conf.server, conf.real, alive, mail));
        } else if change.was_up != is_up && conf.real.smtp_alert && !model.global.lvs.no_checker_emails {
            let mail = Some(message::checker_mail(conf.checker, is_up, change.reason));
            notices.push(ServerNotice { script: None, fifo: false, ..real_notice(conf.server, conf.real, alive, mail) });
        }
        if alive != was_alive {
            actions.push(Action::Say(if alive { message::came(subject) } else { message::went(subject) }));
        } else if weight != was_weight {
            actions.push(Action::Say(message::weight(subject, was_weight, weight, alive)));
        }

        let turn = server.turn(conf.server);
        if let Some(turn) = turn {
            server.told = told(turn);
            notices.push(quorum_notice(conf.server, turn, server.weight, false));
            say_turn(conf.server, turn, server.weight, actions);
        }
        let now_sorry = server.sorry(conf.server);
        let quorum_kept = turn.is_none();
        if sorry != now_sorry || was_shown != real.shown(conf.real, now_sorry) {
            self.hold(server_at, actions);
        }
        actions.extend(notices.into_iter().map(|notice| Action::Notify(Box::new(notice))));
        if !unchanged || found_down {
            self.remember(at, true, actions);
        }
        if !quorum_kept {
            self.remember_quorum(server_at, at, actions);
        }
    }

    /// Says all that the virtual server wants in the kernel.
    pub(super) fn hold(&self, at: u32, actions: &mut Vec<Action>) {
        let server = &self.layout.servers[ix(at)];
        let configured = &self.model.lvs.virtual_servers[ix(at)];
        let reals = self.layout.reals_of(at, configured);
        let services = table::services(configured, group(&self.model, configured), reals, server.sorry(configured));
        actions.push(Action::Hold { owner: server.id, services });
    }
}

pub(super) const fn told(turn: Turn) -> Told {
    match turn {
        Turn::Gained => Told::Up,
        Turn::Lost => Told::Down,
    }
}

pub(super) fn real_notice(server: &VirtualServer, real: &RealServer, up: bool, mail: Option<Box<str>>) -> ServerNotice {
    let scripts = real.details.as_deref();
    let script = scripts.and_then(|details| if up { details.notify_up.clone() } else { details.notify_down.clone() });
    ServerNotice {
        virtual_server: name::virtual_server(server).to_string().into(),
        family: family_of_mark(server),
        real_server: Some(name::real_server(server, real).to_string().into()),
        up,
        script,
        fifo: true,
        mail,
    }
}

pub(super) fn server_notice(server: &VirtualServer, up: bool, mail: Option<Box<str>>) -> ServerNotice {
    ServerNotice {
        virtual_server: name::virtual_server(server).to_string().into(),
        family: family_of_mark(server),
        real_server: None,
        up,
        script: if up { server.quorum_up.clone() } else { server.quorum_down.clone() },
        fifo: true,
        mail,
    }
}

pub(super) fn quorum_notice(server: &VirtualServer, turn: Turn, weight: u64, starting: bool) -> ServerNotice {
    let up = match turn {
        Turn::Gained => true,
        Turn::Lost => false,
    };
    server_notice(server, up, server.smtp_alert.then(|| message::quorum_mail(server, weight, up, starting)))
}

pub(super) fn say_turn(server: &VirtualServer, turn: Turn, weight: u64, actions: &mut Vec<Action>) {
    let sorry = server.sorry_server.as_ref();
    match turn {
        Turn::Gained => {
            actions.push(Action::Say(message::gained(server, weight)));
            actions.extend(sorry.into_iter().flat_map(|sorry| message::sorry_out(server, sorry)).map(Action::Say));
        }
        Turn::Lost => {
            actions.push(Action::Say(message::lost_quorum(server, weight)));
            actions.extend(sorry.into_iter().flat_map(|sorry| message::sorry_in(server, sorry)).map(Action::Say));
        }
    }
}
