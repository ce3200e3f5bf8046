//! `keepalived.json`. Its names, their order and the way numbers are written are keepalived's; whole numbers have no fraction,
//! since there are readers that take nothing else.

use super::address::address;
use super::command::{command, deleted};
use super::instance::Shown;
use super::route::route;
use super::rule::rule;
use super::vrrp::Scene;
use super::words::{Put, Seconds, Shortest, Shown as Word};
use crate::model::track::{ParameterMatch, TrackProcess};
use crate::model::vrrp::{Auth, Carrier, Deleted, Instance, Preempt};
use crate::track::view::ProcessView;
use crate::vrrp::stats::Stats;
use std::fmt::Write as _;
use std::time::Duration;

/// What stands for a password.
pub(super) const HIDDEN: &str = "********";

/// Nothing without instances. Version 1 is a list of them; version 2 has more beside it.
pub fn text(scene: &Scene<'_>, version: u8) -> Option<String> {
    const OBJECT: usize = 2048;
    let mut instances = scene.instances(0..usize::MAX).peekable();
    instances.peek()?;
    let mut json = Json(String::with_capacity(scene.model.vrrp.instances.len().saturating_mul(OBJECT)));
    if version >= 2 {
        json.open('{');
        json.key("vrrp");
    }
    json.open('[');
    for each in instances {
        json.open('{');
        json.key("data");
        json.open('{');
        data(&mut json, &each, scene);
        json.close('}');
        json.key("stats");
        json.open('{');
        stats(&mut json, &each.view.stats);
        json.close('}');
        json.close('}');
    }
    json.close(']');
    if version >= 2 {
        if !scene.tracking.processes.is_empty() {
            json.key("track_process");
            json.open('[');
            let seen = |conf: &&TrackProcess| scene.tracking.processes.iter().find(|view| view.name == conf.name);
            for (conf, view) in scene.model.tracked.processes.iter().filter_map(|conf| Some((conf, seen(&conf)?))) {
                json.open('{');
                process(&mut json, conf, view);
                json.close('}');
            }
            json.close(']');
        }
        json.close('}');
    }
    json.0.push('\n');
    Some(json.0)
}

fn data(json: &mut Json, shown: &Shown<'_>, scene: &Scene<'_>) {
    let Shown { conf, view, .. } = *shown;
    let home = shown.home();
    json.string("iname", &conf.name);
    json.bit("dont_track_primary", !conf.tracks_link);
    json.bit("skip_check_adv_addr", conf.skip_check_adv_addr);
    json.bit("strict_mode", conf.strict);
    json.string("vmac_ifname", if matches!(conf.carrier, Carrier::Vmac(_)) { home.name } else { "" });
    json.string("ifp_ifname", home.name);
    json.number("master_priority", view.master_priority);
    json.number("last_transition", Seconds(scene.clock.wall(view.last_transition)));
    let garp = &conf.garp;
    json.number("garp_delay", Shortest(garp.delay));
    json.number("garp_refresh", Shortest(garp.refresh));
    json.number("garp_rep", garp.repeat);
    json.number("garp_refresh_rep", garp.refresh_repeat);
    json.number("garp_lower_prio_delay", Shortest(garp.lower_prio_delay));
    json.number("garp_lower_prio_rep", garp.lower_prio_repeat);
    json.bit("lower_prio_no_advert", conf.lower_prio_no_advert);
    json.bit("higher_prio_send_advert", conf.higher_prio_send_advert);
    json.number("vrid", conf.vrid.0);
    json.number("base_priority", view.base_priority);
    json.number("effective_priority", view.effective_priority);
    json.number("vipset", view.holds_addresses);
    json.number("promote_secondaries", conf.promote_secondaries);
    json.number("adver_int", Shortest(conf.advert_interval));
    json.number("master_adver_int", Shortest(view.master_interval));
    json.bit("accept", conf.accept);
    json.number("nopreempt", conf.preempt == Preempt::Never);
    let delay = match conf.preempt {
        Preempt::Never => Duration::ZERO,
        Preempt::After(delay) => delay,
    };
    json.number("preempt_delay", Shortest(delay));
    json.number("state", view.state.number());
    json.number("wantstate", shown.wanted().number());
    json.number("version", conf.version.number());
    json.number("smtp_alert", conf.smtp_alert);
    json.number("notify_deleted", matches!(conf.notify_deleted, Deleted::AsDeleted(_)));
    scripts(json, conf);
    json.list("vips", conf.vips.iter().map(|vip| address(vip, Some(home), None, view.holds_addresses)));
    json.list("evips", conf.excluded.iter().map(|vip| address(vip, Some(home), None, view.holds_addresses)));
    let way = |gateway: Option<_>, named: bool| shown.way(gateway.filter(|_| !named));
    json.list("vroutes", conf.routes.iter().map(|each| Word(route(each, None, way(each.gateway, each.device.is_some())))));
    json.list("vrules", conf.rules.iter().map(|each| Word(rule(each, None))));
    json.list("track_ifp", conf.trackers.interfaces.iter().map(|tracker| &tracker.name));
    let commands = conf.trackers.scripts.iter().filter_map(|tracker| scene.model.tracked.scripts.iter().find(|s| s.name == tracker.name));
    json.list("track_script", commands.map(|script| command(&script.command)));
    json.list("track_process", conf.trackers.processes.iter().map(|tracker| &tracker.name));
    let (kind, secret) = match conf.auth {
        Auth::None | Auth::Hmac(_) => (0, false),
        Auth::Pass(_) => (1, true),
        Auth::Ah(_) => (2, true),
    };
    json.number("auth_type", kind);
    if secret {
        json.string("auth_data", HIDDEN);
    }
}

fn scripts(json: &mut Json, conf: &Instance) {
    let notify = &conf.notify;
    for (name, script) in [
        ("script_backup", notify.backup.as_deref()),
        ("script_master", notify.master.as_deref()),
        ("script_fault", notify.fault.as_deref()),
        ("script_stop", notify.stop.as_deref()),
        ("script_deleted", deleted(conf)),
        ("script", notify.any.as_deref()),
        ("script_master_rx_lower_pri", conf.notify_master_rx_lower_pri.as_deref()),
    ] {
        if let Some(script) = script {
            json.string(name, command(script));
        }
    }
}

fn stats(json: &mut Json, stats: &Stats) {
    let Stats { adverts, became_master, released_master, packet_errors, auth_errors, auth_extension_errors: extension, priority_zero } =
        stats;
    for (name, value) in [
        ("advert_rcvd", adverts.received),
        ("advert_sent", adverts.sent),
        ("become_master", *became_master),
        ("release_master", *released_master),
        ("packet_len_err", packet_errors.length),
        ("advert_interval_err", packet_errors.advert_interval),
        ("ip_ttl_err", packet_errors.ttl),
        ("invalid_type_rcvd", packet_errors.invalid_type),
        ("addr_list_err", packet_errors.address_list),
        ("invalid_authtype", auth_errors.invalid_type),
        ("authtype_mismatch", auth_errors.type_mismatch),
        ("auth_failure", auth_errors.failure),
        ("auth_ext_missing", extension.missing),
        ("auth_ext_malformed", extension.malformed),
        ("auth_ext_unknown_key", extension.unknown_key),
        ("auth_ext_invalid_hmac", extension.invalid_hmac),
        ("auth_ext_stale", extension.stale),
        ("auth_ext_replay", extension.replay),
        ("pri_zero_rcvd", priority_zero.received),
        ("pri_zero_sent", priority_zero.sent),
    ] {
        json.number(name, value);
    }
}

fn process(json: &mut Json, conf: &TrackProcess, view: &ProcessView) {
    json.string("process", &conf.process);
    if !conf.parameters.is_empty() {
        json.string("parameters", &*conf.parameters.join(" "));
    }
    let how = match conf.matching {
        None | Some(ParameterMatch::Command) => "none",
        Some(ParameterMatch::Exact) => "exact",
        Some(ParameterMatch::Partial) => "partial",
        Some(ParameterMatch::Initial) => "initial",
    };
    json.string("param_match", how);
    json.number("min_processes", conf.quorum);
    if let Some(most) = conf.quorum_max {
        json.number("max_processes", most);
    }
    let enough = view.up == Some(true);
    json.number("current_processes", view.count);
    json.number("have_quorum", enough);
    json.number("weight", conf.weight.value);
    json.number("terminate_delay", Shortest(conf.terminate_delay));
    json.number("fork_delay", Shortest(conf.fork_delay));
    json.number("fork_delay_timer_running", view.turns.is_some() && !enough);
    json.number("terminate_delay_timer_running", view.turns.is_some() && enough);
    json.number("full_command", conf.matching.is_some());
}

/// Text in the making. A comma stands before whatever does not begin something.
struct Json(String);

impl Json {
    fn separate(&mut self) {
        if !matches!(self.0.as_bytes().last(), None | Some(b'[' | b'{' | b':')) {
            self.0.push(',');
        }
    }

    fn open(&mut self, bracket: char) {
        self.separate();
        self.0.push(bracket);
    }

    fn close(&mut self, bracket: char) {
        self.0.push(bracket);
    }

    fn key(&mut self, key: &str) {
        self.separate();
        self.0.push('"');
        self.0.push_str(key);
        self.0.push_str("\":");
    }

    /// A number or a truth value, which show themselves as JSON has them.
    fn number(&mut self, key: &str, value: impl Put) {
        self.key(key);
        value.put(&mut self.0);
    }

    fn bit(&mut self, key: &str, value: bool) {
        self.number(key, u8::from(value));
    }

    fn string(&mut self, key: &str, value: impl Put) {
        self.key(key);
        self.quote(value);
    }

    fn list<T: Put>(&mut self, key: &str, items: impl IntoIterator<Item = T>) {
        let mut items = items.into_iter().peekable();
        if items.peek().is_none() {
            return;
        }
        self.key(key);
        self.open('[');
        for item in items {
            self.separate();
            self.quote(item);
        }
        self.close(']');
    }

    fn quote(&mut self, value: impl Put) {
        self.0.push('"');
        escape(&mut self.0, value);
        self.0.push('"');
    }
}

/// Slashes too: keepalived's library does so.
pub(super) fn escape(out: &mut String, value: impl Put) {
    let start = out.len();
    value.put(out);
    let Some(special) = out.bytes().skip(start).position(is_special) else { return };
    let raw = out.split_off(start + special);
    let mut rest = &*raw;
    while let Some(at) = rest.bytes().position(is_special) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        // All of these are letters of one byte.
        let (letter, after) = special.split_at(1);
        match letter {
            "\u{8}" => out.push_str("\\b"),
            "\u{c}" => out.push_str("\\f"),
            "\n" => out.push_str("\\n"),
            "\r" => out.push_str("\\r"),
            "\t" => out.push_str("\\t"),
            "\"" | "\\" | "/" => ("\\", letter).put(out),
            other => write!(out, "\\u{:04x}", other.bytes().next().unwrap_or_default()).expect("memory takes any text"),
        }
        rest = after;
    }
    out.push_str(rest);
}

const fn is_special(letter: u8) -> bool {
    matches!(letter, b'"' | b'\\' | b'/') || letter < b' '
}
