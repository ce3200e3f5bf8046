//! What processes tell of themselves. The snapshot is taken between two turns; what is made of it is made in another thread.

mod served;

use crate::bfd;
use crate::kernel::timer::now;
use crate::lvs;
use crate::lvs::name::virtual_server;
use crate::model::Model;
use crate::observe::{explain, metrics, status};
use crate::runtime::dumper::clock;
use crate::runtime::handover::{Ask, RoleEnd, Topic};
use crate::sys::memory;
use crate::vrrp;
use serde_json::Value;
use std::sync::Arc;

/// After an answer of this size the memory that it took is given back.
const LARGE: usize = 1 << 20;

fn answer(control: &RoleEnd, id: u64, make: impl FnOnce() -> String + Send + 'static) {
    let answerer = match control.answerer(id) {
        Ok(answerer) => answerer,
        Err(error) => {
            tracing::debug!("there is no way for an answer: {error}");
            return;
        }
    };
    tokio::task::spawn_blocking(move || {
        let text = make();
        if let Err(error) = answerer.answer(text.as_bytes()) {
            tracing::debug!("an answer of {} bytes was not taken: {error}", text.len());
        }
        let large = text.len() > LARGE;
        drop(text);
        if large {
            memory::trim();
        }
    });
}

pub(super) fn vrrp(control: &RoleEnd, ask: Ask, engine: &vrrp::Engine, model: &Arc<Model>) {
    let (clock, model) = (clock(), Arc::clone(model));
    match ask.topic {
        Topic::Status => {
            let view = engine.snapshot();
            answer(control, ask.id, move || status::vrrp(&view, &model, clock).to_string());
        }
        Topic::Metrics(names) => {
            let view = engine.snapshot();
            answer(control, ask.id, move || metrics::vrrp(&view, &model, names, clock));
        }
        Topic::Explain(name) => {
            let account = engine.account(now(), &name);
            answer(control, ask.id, move || {
                let configured = model.vrrp.instances.iter().find(|instance| instance.name == name);
                account.map_or(Value::Null, |account| explain::instance(&account, configured, clock)).to_string()
            });
        }
    }
}

pub(super) fn checkers(control: &RoleEnd, ask: Ask, engine: &lvs::Engine, model: &Arc<Model>) {
    let (view, model) = (engine.snapshot(), Arc::clone(model));
    match ask.topic {
        Topic::Status => answer(control, ask.id, move || status::checkers(&view, &model).to_string()),
        Topic::Metrics(names) => answer(control, ask.id, move || {
            let served = if names.native { served::read(&model) } else { Vec::new() };
            metrics::checkers(&view, &model, names, &served)
        }),
        Topic::Explain(name) => answer(control, ask.id, move || {
            let mut servers = model.lvs.virtual_servers.iter().zip(&view.servers);
            let found = servers.find(|(configured, _)| virtual_server(configured).to_string() == *name);
            found.map_or(Value::Null, |(configured, view)| explain::virtual_server(configured, view)).to_string()
        }),
    }
}

pub(super) fn bfd(control: &RoleEnd, ask: Ask, engine: &bfd::Engine, model: &Arc<Model>) {
    let (clock, view, model) = (clock(), engine.snapshot(), Arc::clone(model));
    match ask.topic {
        Topic::Status => answer(control, ask.id, move || status::bfd(&view, &model).to_string()),
        Topic::Metrics(names) => answer(control, ask.id, move || metrics::bfd(&view, &model, names)),
        Topic::Explain(name) => answer(control, ask.id, move || {
            let configured = model.bfd.iter().find(|session| session.name == name);
            let found = configured.zip(view.sessions.iter().find(|seen| seen.name == name));
            found.map_or(Value::Null, |(session, seen)| explain::bfd(session, seen, clock)).to_string()
        }),
    }
}
