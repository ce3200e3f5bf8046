//! The parts of the status document that the processes contribute: version 1 of docs/CONTROL.md.

use super::clock::Clock;
use crate::bfd::view as bfd_view;
use crate::effect::time::Instant;
use crate::lvs::name;
use crate::lvs::view as lvs;
use crate::model::Model;
use crate::model::checker::{Checker, Probe};
use crate::model::lvs::{RealServer, VirtualServer};
use crate::model::net::Family;
use crate::model::vrrp::Instance;
use crate::vrrp::stats::Stats;
use crate::vrrp::view::{InstanceView, View};
use crate::wire::bfd::State;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::time::Duration;

/// Instances and groups.
pub fn vrrp(view: &View, model: &Model, clock: Clock) -> Value {
    let configured: HashMap<&str, &Instance> = model.vrrp.instances.iter().map(|instance| (&*instance.name, instance)).collect();
    let mut group_of = HashMap::new();
    for group in &model.vrrp.groups {
        group_of.extend(group.members.iter().map(|member| (&**member, &*group.name)));
    }
    let instances = view
        .instances
        .iter()
        .map(|instance| instance_value(instance, configured.get(&*instance.name).copied(), group_of.get(&*instance.name).copied(), clock));
    let groups = view.groups.iter().map(|group| {
        let members = model.vrrp.groups.iter().find(|configured| configured.name == group.name).map(|configured| &configured.members);
        json!({ "name": group.name, "state": group.state.name(), "members": members.into_iter().flatten().collect::<Vec<_>>() })
    });
    json!({ "instances": instances.collect::<Vec<_>>(), "groups": groups.collect::<Vec<_>>() })
}

fn instance_value(view: &InstanceView, configured: Option<&Instance>, group: Option<&str>, clock: Clock) -> Value {
    let addresses = |list: fn(&Instance) -> &[crate::model::net::Address]| -> Vec<String> {
        configured.map(list).into_iter().flatten().map(|address| address.prefix.to_string()).collect()
    };
    json!({
        "name": view.name,
        "vrid": view.vrid.0,
        "family": family(view.family),
        "interface": configured.and_then(|configured| configured.interface.as_deref()),
        "version": configured.map(|configured| configured.version.number()),
        "state": view.state.name(),
        "since": seconds_of(clock, view.last_transition),
        "wanted": view.wanted.name(),
        "priority": { "configured": view.base_priority, "effective": view.effective_priority, "master": view.master_priority },
        "master": view.master.map(|master| master.to_string()),
        "master_interval": view.master_interval.as_secs_f64(),
        "source": view.source.map(|source| source.to_string()),
        "faults": view.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "addresses": addresses(|configured| &configured.vips),
        "excluded": addresses(|configured| &configured.excluded),
        "holds_addresses": view.holds_addresses,
        "group": group,
        "counters": counters(&view.stats),
    })
}

/// Seconds since 1970, to the millisecond.
pub(super) fn seconds_of(clock: Clock, at: Instant) -> f64 {
    (clock.wall(at).as_secs_f64() * 1000.0).round() / 1000.0
}

pub(super) const fn family(family: Family) -> &'static str {
    match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    }
}

fn counters(stats: &Stats) -> Value {
    Value::Object(super::metrics::COUNTERS.iter().map(|counter| (counter.key.to_owned(), (counter.of)(stats).into())).collect())
}

/// Virtual servers with their real servers and checkers.
pub fn checkers(view: &lvs::View, model: &Model) -> Value {
    let servers = model.lvs.virtual_servers.iter().zip(&view.servers).map(|(configured, server)| server_value(configured, server));
    json!({ "virtual_servers": servers.collect::<Vec<_>>() })
}

pub(super) fn server_value(configured: &VirtualServer, server: &lvs::ServerView) -> Value {
    let reals = configured.real_servers.iter().zip(&server.real_servers);
    json!({
        "name": name::virtual_server(configured).to_string(),
        "up": server.quorum,
        "weight": server.weight,
        "quorum": configured.quorum,
        "hysteresis": configured.hysteresis,
        "sorry_server": configured.sorry_server.as_ref().map(|sorry| name::sorry_server(configured, sorry).to_string()),
        "sorry": server.sorry,
        "suspended": server.suspended,
        "real_servers": reals.map(|(real, view)| real_value(configured, real, view)).collect::<Vec<_>>(),
    })
}

fn real_value(server: &VirtualServer, real: &RealServer, view: &lvs::RealView) -> Value {
    let checkers = real.checkers.iter().zip(&view.checkers).map(|(configured, checker)| {
        let mut value = Map::new();
        value.insert("kind".to_owned(), kind(configured).into());
        value.insert("enabled".to_owned(), checker.enabled.into());
        value.insert("up".to_owned(), checker.up.into());
        value.insert("has_run".to_owned(), checker.has_run.into());
        value.insert("weight".to_owned(), checker.weight.into());
        value.insert("retries".to_owned(), checker.retries.into());
        if let Checker::Probe { probe: Probe::Misc(_), .. } = configured {
            value.insert("status".to_owned(), checker.status.into());
        }
        Value::Object(value)
    });
    json!({
        "name": name::real_server(server, real).to_string(),
        "up": view.alive,
        "weight": { "configured": real.weight, "effective": view.effective_weight, "set": view.set },
        "failed_checkers": view.failed,
        "checkers": checkers.collect::<Vec<_>>(),
    })
}

/// As the configuration calls it.
pub(super) fn kind(checker: &Checker) -> &'static str {
    match checker {
        Checker::Probe { probe, .. } => match probe {
            Probe::Tcp(_) => "TCP_CHECK",
            Probe::Ping(_) => "PING_CHECK",
            Probe::Http(http) if http.tls => "SSL_GET",
            Probe::Http(_) => "HTTP_GET",
            Probe::Smtp(_) => "SMTP_CHECK",
            Probe::Dns(_) => "DNS_CHECK",
            Probe::Udp(_) => "UDP_CHECK",
            Probe::Misc(_) => "MISC_CHECK",
        },
        Checker::File(_) => "FILE_CHECK",
        Checker::Bfd(_) => "BFD_CHECK",
    }
}

/// Sessions, in the order of the configuration.
pub fn bfd(view: &bfd_view::View, model: &Model) -> Value {
    let sessions = model.bfd.iter().map(|session| {
        let seen = view.sessions.iter().find(|seen| seen.name == session.name);
        let seconds = |duration: Option<Duration>| duration.map(|duration| duration.as_secs_f64());
        json!({
            "name": session.name,
            "neighbor": session.neighbor.to_string(),
            "state": seen.map_or("Down", |seen| bfd_state(seen.state)),
            "interval": seconds(seen.and_then(|seen| seen.interval)),
            "detection": seconds(seen.and_then(|seen| seen.detection)),
        })
    });
    json!({ "sessions": sessions.collect::<Vec<_>>() })
}

pub(super) const fn bfd_state(state: State) -> &'static str {
    match state {
        State::AdminDown => "AdminDown",
        State::Down => "Down",
        State::Init => "Init",
        State::Up => "Up",
    }
}
