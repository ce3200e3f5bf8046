//! Metrics in Prometheus's text format: each process tells its own, under the names that are asked for.
//!
//! No label changes while an object lives, so that no series breaks at a transition; only what is called as an exporter calls
//! it has that exporter's labels.

mod kernel;

use super::clock::Clock;
use super::status::{family, kind, seconds_of};
use super::traffic::Served;
use crate::bfd::view as bfd;
use crate::lvs::name;
use crate::lvs::view as lvs;
use crate::model::Model;
use crate::model::global::observe::Names;
use crate::model::lvs::VirtualServer;
use crate::model::net::Address;
use crate::model::vrrp::Instance;
use crate::vrrp::Standing;
use crate::vrrp::stats::Stats;
use crate::vrrp::view::{InstanceView, State, View};
use crate::wire::bfd as wire;
use std::collections::HashMap;
use std::fmt::{Display, Write as _};

/// One of an instance's counters, by all of its names.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    /// In the status document.
    pub key: &'static str,
    /// Ours, with the label that tells it from others of the name.
    pub native: &'static str,
    /// Empty where there is none.
    pub reason: &'static str,
    /// cafebazaar's, now mehdy's: keepalived-exporter.
    pub cafebazaar: Option<&'static str>,
    /// gen2brain's: keepalived_exporter.
    pub gen2brain: Option<&'static str>,
    pub help: &'static str,
    pub of: fn(&Stats) -> u64,
}

macro_rules! counter {
    ($key:literal, $native:literal $([$reason:literal])?, $cafebazaar:expr, $gen2brain:expr, $help:literal, |$stats:ident| $of:expr) => {
        Counter {
            key: $key,
            native: concat!("standfast_vrrp_", $native, "_total"),
            reason: concat!("" $(, $reason)?),
            cafebazaar: $cafebazaar,
            gen2brain: $gen2brain,
            help: $help,
            of: |$stats| $of,
        }
    };
}

/// All counters; those of one name stand together.
#[rustfmt::skip]
pub static COUNTERS: &[Counter] = &[
    counter!("adverts_received", "adverts_received", Some("keepalived_advertisements_received_total"), Some("keepalived_vrrp_advert_rcvd"), "Advertisements received", |s| s.adverts.received),
    counter!("adverts_sent", "adverts_sent", Some("keepalived_advertisements_sent_total"), Some("keepalived_vrrp_advert_sent"), "Advertisements sent", |s| s.adverts.sent),
    counter!("became_master", "became_master", Some("keepalived_become_master_total"), Some("keepalived_vrrp_become_master"), "Transitions to MASTER", |s| s.became_master),
    counter!("released_master", "released_master", Some("keepalived_release_master_total"), Some("keepalived_vrrp_release_master"), "Transitions away from MASTER", |s| s.released_master),
    counter!("packet_length_errors", "packet_errors"["length"], Some("keepalived_packet_length_errors_total"), Some("keepalived_vrrp_packet_len_err"), "Adverts that could not be", |s| s.packet_errors.length),
    counter!("packet_ttl_errors", "packet_errors"["ttl"], Some("keepalived_ip_ttl_errors_total"), Some("keepalived_vrrp_ip_ttl_err"), "Adverts that could not be", |s| s.packet_errors.ttl),
    counter!("packet_type_errors", "packet_errors"["type"], Some("keepalived_invalid_type_received_total"), Some("keepalived_vrrp_invalid_type_rcvd"), "Adverts that could not be", |s| s.packet_errors.invalid_type),
    counter!("packet_interval_errors", "packet_errors"["interval"], Some("keepalived_advertisements_interval_errors_total"), Some("keepalived_vrrp_advert_interval_err"), "Adverts that could not be", |s| s.packet_errors.advert_interval),
    counter!("packet_address_list_errors", "packet_errors"["address_list"], Some("keepalived_address_list_errors_total"), Some("keepalived_vrrp_addr_list_err"), "Adverts that could not be", |s| s.packet_errors.address_list),
    counter!("auth_type_errors", "auth_errors"["type"], Some("keepalived_authentication_invalid_total"), Some("keepalived_vrrp_invalid_authtype"), "Adverts whose authentication failed", |s| s.auth_errors.invalid_type),
    counter!("auth_mismatch_errors", "auth_errors"["mismatch"], Some("keepalived_authentication_mismatch_total"), Some("keepalived_vrrp_authtype_mismatch"), "Adverts whose authentication failed", |s| s.auth_errors.type_mismatch),
    counter!("auth_failures", "auth_errors"["failure"], Some("keepalived_authentication_failure_total"), Some("keepalived_vrrp_auth_failure"), "Adverts whose authentication failed", |s| s.auth_errors.failure),
    counter!("auth_hmac_missing", "auth_hmac_errors"["missing"], None, None, "Adverts whose auth_hmac failed", |s| s.auth_extension_errors.missing),
    counter!("auth_hmac_malformed", "auth_hmac_errors"["malformed"], None, None, "Adverts whose auth_hmac failed", |s| s.auth_extension_errors.malformed),
    counter!("auth_hmac_unknown_key", "auth_hmac_errors"["unknown_key"], None, None, "Adverts whose auth_hmac failed", |s| s.auth_extension_errors.unknown_key),
    counter!("auth_hmac_invalid", "auth_hmac_errors"["invalid"], None, None, "Adverts whose auth_hmac failed", |s| s.auth_extension_errors.invalid_hmac),
    counter!("auth_hmac_stale", "auth_hmac_errors"["stale"], None, None, "Adverts whose auth_hmac failed", |s| s.auth_extension_errors.stale),
    counter!("auth_hmac_replay", "auth_hmac_errors"["replay"], None, None, "Adverts whose auth_hmac failed", |s| s.auth_extension_errors.replay),
    counter!("priority_zero_received", "priority_zero_received", Some("keepalived_priority_zero_received_total"), Some("keepalived_vrrp_pri_zero_rcvd"), "Goodbyes received", |s| s.priority_zero.received),
    counter!("priority_zero_sent", "priority_zero_sent", Some("keepalived_priority_zero_sent_total"), Some("keepalived_vrrp_pri_zero_sent"), "Goodbyes sent", |s| s.priority_zero.sent),
];

const STATES: [State; 4] = [State::Init, State::Backup, State::Master, State::Fault];

/// The text in the making. The samples of a family must stand together.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
}

impl Exposition {
    pub fn into_text(self) -> String {
        self.text
    }

    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Memory takes any text.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(name);
        for (at, (label, content)) in labels.iter().enumerate() {
            let _ = write!(self.text, "{}{label}=\"", if at == 0 { '{' } else { ',' });
            for c in content.chars() {
                match c {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    c => self.text.push(c),
                }
            }
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }

    fn gauge(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display, help: &str) {
        self.family(name, "gauge", help);
        self.sample(name, labels, value);
    }
}

/// What all names have of one instance.
struct Subject<'a> {
    view: &'a InstanceView,
    configured: Option<&'a Instance>,
    interface: &'a str,
    vrid: String,
}

impl<'a> Subject<'a> {
    fn native(&'a self) -> [(&'static str, &'a str); 4] {
        [("instance", &self.view.name), ("interface", self.interface), ("vrid", &self.vrid), ("family", family(self.view.family))]
    }
}

pub fn vrrp(view: &View, model: &Model, names: Names, clock: Clock) -> String {
    let configured: HashMap<&str, &Instance> = model.vrrp.instances.iter().map(|instance| (&*instance.name, instance)).collect();
    let subjects: Vec<Subject<'_>> = view
        .instances
        .iter()
        .map(|view| {
            let configured = configured.get(&*view.name).copied();
            let interface = configured.and_then(|configured| configured.interface.as_deref()).unwrap_or_default();
            Subject { view, configured, interface, vrid: view.vrid.0.to_string() }
        })
        .collect();
    let mut out = Exposition::default();
    if names.native {
        native(&mut out, &subjects, view, clock);
    }
    if names.cafebazaar {
        cafebazaar(&mut out, &subjects);
    }
    if names.gen2brain {
        gen2brain(&mut out, &subjects);
    }
    let scripts = |out: &mut Exposition, name: &str, label: &str, help: &str| {
        let mut reported = view.standings.scripts.iter().peekable();
        if reported.peek().is_some() {
            out.family(name, "gauge", help);
        }
        for (script, standing) in reported {
            out.sample(name, &[(label, script)], u8::from(*standing == Standing::Up));
        }
    };
    if names.native {
        scripts(&mut out, "standfast_track_script_up", "script", "Whether the script succeeds, once it has reported");
    }
    if names.cafebazaar {
        scripts(&mut out, "keepalived_script_status", "name", "Tracker Script Status");
    }
    out.into_text()
}

fn native(out: &mut Exposition, subjects: &[Subject<'_>], view: &View, clock: Clock) {
    if !subjects.is_empty() {
        let name = "standfast_vrrp_state";
        out.family(name, "gauge", "1 for the state the instance is in, 0 for the others");
        for subject in subjects {
            for state in STATES {
                let labels = [&subject.native()[..], &[("state", state.name())]].concat();
                out.sample(name, &labels, u8::from(subject.view.state == state));
            }
        }
        type Value = fn(&InstanceView, Clock) -> f64;
        let gauges: [(&str, &str, Value); 6] = [
            ("standfast_vrrp_priority", "The priority with what is tracked", |view, _| view.effective_priority.into()),
            ("standfast_vrrp_configured_priority", "The priority as configured", |view, _| view.base_priority.into()),
            ("standfast_vrrp_master_priority", "The priority of the master's last advert, 0 if none was heard", |view, _| {
                view.master_priority.into()
            }),
            ("standfast_vrrp_last_transition_timestamp_seconds", "When the instance came to its state", |view, clock| {
                seconds_of(clock, view.last_transition)
            }),
            ("standfast_vrrp_holds_addresses", "Whether it holds its virtual addresses", |view, _| {
                f64::from(u8::from(view.holds_addresses))
            }),
            ("standfast_vrrp_faults", "How many reasons there are for FAULT", |view, _| {
                u32::try_from(view.faults.len()).unwrap_or(u32::MAX).into()
            }),
        ];
        for (name, help, value) in gauges {
            out.family(name, "gauge", help);
            for subject in subjects {
                out.sample(name, &subject.native(), value(subject.view, clock));
            }
        }
        let mut last = "";
        for counter in COUNTERS {
            if counter.native == last {
                continue;
            }
            last = counter.native;
            out.family(counter.native, "counter", counter.help);
            for subject in subjects {
                for counter in COUNTERS.iter().filter(|other| other.native == last) {
                    let mut labels = subject.native().to_vec();
                    labels.extend((!counter.reason.is_empty()).then_some(("reason", counter.reason)));
                    out.sample(counter.native, &labels, (counter.of)(&subject.view.stats));
                }
            }
        }
    }
    if !view.groups.is_empty() {
        let name = "standfast_vrrp_sync_group_state";
        out.family(name, "gauge", "1 for the state the sync group is in, 0 for the others");
        for group in &view.groups {
            for state in STATES {
                out.sample(name, &[("group", &*group.name), ("state", state.name())], u8::from(group.state == state));
            }
        }
    }
}

/// keepalived-exporter's, whose counters have had no label for the state since its release 1.4.
fn cafebazaar(out: &mut Exposition, subjects: &[Subject<'_>]) {
    fn labels<'a>(subject: &'a Subject<'_>) -> [(&'static str, &'a str); 3] {
        [("iname", &*subject.view.name), ("intf", subject.interface), ("vrid", &subject.vrid)]
    }
    for counter in COUNTERS {
        let Some(name) = counter.cafebazaar.filter(|_| !subjects.is_empty()) else { continue };
        out.family(name, "counter", counter.help);
        for subject in subjects {
            out.sample(name, &labels(subject), (counter.of)(&subject.view.stats));
        }
    }
    if !subjects.is_empty() {
        let name = "keepalived_gratuitous_arp_delay_total";
        // It counts nothing, but so it is typed there.
        out.family(name, "counter", "Gratuitous ARP delay");
        for subject in subjects {
            let delay = subject.configured.map_or(0, |configured| configured.garp.delay.as_secs());
            out.sample(name, &labels(subject), delay);
        }
    }
    type List = fn(&Instance) -> &[Address];
    let lists: [(&str, &str, List); 2] = [
        ("keepalived_vrrp_state", "State of vrrp", |configured| &configured.vips),
        ("keepalived_vrrp_excluded_state", "State of vrrp with excluded VIP", |configured| &configured.excluded),
    ];
    for (name, help, list) in lists {
        let every =
            || subjects.iter().flat_map(|subject| subject.configured.map(list).into_iter().flatten().map(move |vip| (subject, vip)));
        if every().next().is_none() {
            continue;
        }
        out.family(name, "gauge", help);
        let mut seen = std::collections::HashSet::new();
        for (subject, vip) in every() {
            let (interface, address) = (vip.device.as_deref().unwrap_or(subject.interface), label(vip));
            if seen.insert((&subject.view.name, interface, address.clone())) {
                let labels = [("iname", &*subject.view.name), ("intf", interface), ("vrid", &subject.vrid), ("ip_address", &address)];
                out.sample(name, &labels, subject.view.state.number());
            }
        }
    }
}

/// As keepalived writes it, from where the exporter has it: a length is told where it is not that of one address.
fn label(vip: &Address) -> String {
    let prefix = vip.prefix;
    if prefix.length == prefix.family().bits() { prefix.address.to_string() } else { prefix.to_string() }
}

fn gen2brain(out: &mut Exposition, subjects: &[Subject<'_>]) {
    for counter in COUNTERS {
        let Some(name) = counter.gen2brain.filter(|_| !subjects.is_empty()) else { continue };
        out.family(name, "counter", counter.help);
        for subject in subjects {
            let labels =
                [("name", &*subject.view.name), ("intf", subject.interface), ("vrid", &subject.vrid), ("state", subject.view.state.name())];
            out.sample(name, &labels, (counter.of)(&subject.view.stats));
        }
    }
}

/// What is called like one before it gets a number, so that each has series of its own.
#[derive(Debug, Default)]
struct Namesakes(HashMap<String, u32>);

impl Namesakes {
    fn call(&mut self, name: String) -> String {
        let count = self.0.entry(name.clone()).and_modify(|count| *count += 1).or_insert(1);
        if *count == 1 { name } else { format!("{name}#{count}") }
    }
}

/// Nothing of it has an exporter's name. `served` is what the kernel has counted, in the order of the configuration, or nothing
/// where it cannot be asked.
pub fn checkers(view: &lvs::View, model: &Model, names: Names, served: &[Served]) -> String {
    let mut out = Exposition::default();
    if !names.native || view.servers.is_empty() {
        return out.into_text();
    }
    let mut namesakes = Namesakes::default();
    let configured = model.lvs.virtual_servers.iter().zip(&view.servers);
    let servers: Vec<(String, &VirtualServer, &lvs::ServerView)> =
        configured.map(|(configured, view)| (namesakes.call(name::virtual_server(configured).to_string()), configured, view)).collect();
    type Of = fn(&VirtualServer, &lvs::ServerView) -> u64;
    let gauges: [(&str, &str, Of); 6] = [
        ("standfast_virtual_server_up", "Whether the quorum is reached", |_, server| server.quorum.into()),
        ("standfast_virtual_server_weight", "The weights of its living real servers together", |_, server| server.weight),
        ("standfast_virtual_server_quorum", "The weight that it needs", |configured, _| configured.quorum.into()),
        ("standfast_virtual_server_sorry", "Whether the sorry server stands in", |_, server| server.sorry.into()),
        ("standfast_virtual_server_suspended", "Whether it is not checked, none of its addresses being here", |_, server| {
            server.suspended.into()
        }),
        ("standfast_virtual_server_real_servers", "How many real servers it has", |configured, _| {
            u64::try_from(configured.real_servers.len()).unwrap_or(u64::MAX)
        }),
    ];
    for (name, help, of) in gauges {
        out.family(name, "gauge", help);
        for (server, configured, view) in &servers {
            out.sample(name, &[("virtual_server", server)], of(configured, view));
        }
    }
    let mut reals = Vec::new();
    for (server, configured, view) in &servers {
        let mut namesakes = Namesakes::default();
        let pairs = configured.real_servers.iter().zip(&view.real_servers);
        reals.extend(pairs.map(|(real, view)| (server, namesakes.call(name::real_server(configured, real).to_string()), real, view)));
    }
    type OfReal = fn(&lvs::RealView) -> i64;
    let gauges: [(&str, &str, OfReal); 3] = [
        ("standfast_real_server_up", "Whether its checkers find it alive", |real| real.alive.into()),
        ("standfast_real_server_weight", "The weight it has in the kernel, -1 if it is not there", |real| real.set.map_or(-1, i64::from)),
        ("standfast_real_server_effective_weight", "The configured weight with what its checkers add", |real| real.effective_weight),
    ];
    for (name, help, of) in gauges.into_iter().filter(|_| !reals.is_empty()) {
        out.family(name, "gauge", help);
        for (server, real, _, view) in &reals {
            out.sample(name, &[("virtual_server", server), ("real_server", real)], of(view));
        }
    }
    let labels = servers.iter().map(|(server, ..)| vec![("virtual_server", &**server)]).collect();
    let of_reals = reals.iter().map(|(server, real, ..)| vec![("virtual_server", &***server), ("real_server", &**real)]).collect();
    kernel::write(&mut out, served, labels, of_reals);
    if reals.iter().any(|(_, _, real, _)| !real.checkers.is_empty()) {
        let name = "standfast_checker_up";
        out.family(name, "gauge", "Whether the checker has succeeded, or has not run yet and counts as if");
        for (server, real, configured, view) in &reals {
            let mut namesakes = Namesakes::default();
            for (checker, seen) in configured.checkers.iter().zip(&view.checkers) {
                let checker = namesakes.call(kind(checker).to_owned());
                out.sample(name, &[("virtual_server", server), ("real_server", real), ("checker", &checker)], u8::from(seen.up));
            }
        }
    }
    out.into_text()
}

pub fn bfd(view: &bfd::View, model: &Model, names: Names) -> String {
    let mut out = Exposition::default();
    if names.native && !model.bfd.is_empty() {
        let name = "standfast_bfd_session_up";
        out.family(name, "gauge", "Whether the session is up");
        for session in &model.bfd {
            let up = view.sessions.iter().any(|seen| seen.name == session.name && seen.state == wire::State::Up);
            out.sample(name, &[("session", &*session.name), ("neighbor", &session.neighbor.to_string())], u8::from(up));
        }
    }
    out.into_text()
}

/// The daemon as a whole, as its supervisor knows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Daemon {
    pub version: &'static str,
    pub started: f64,
    pub processes: Vec<Process>,
    /// When the last reload ended, and whether it succeeded.
    pub reload: Option<(f64, bool)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Process {
    pub name: &'static str,
    /// Running, as far as the supervisor knows.
    pub up: bool,
    /// It has answered in time.
    pub answers: bool,
    pub started: Option<f64>,
    /// How often it was started after the first time.
    pub restarts: u64,
}

pub fn daemon(daemon: &Daemon, names: Names) -> String {
    let mut out = Exposition::default();
    if names.native {
        out.gauge("standfast_build_info", &[("version", daemon.version)], 1, "The release");
        out.gauge("standfast_start_time_seconds", &[], daemon.started, "When the daemon was started");
        type Of = fn(&Process) -> Option<f64>;
        let families: [(&str, &str, &str, Of); 4] = [
            ("standfast_process_up", "gauge", "Whether the process is there", |process| Some(f64::from(u8::from(process.up)))),
            ("standfast_process_answers", "gauge", "Whether the process has answered in time", |process| {
                Some(f64::from(u8::from(process.answers)))
            }),
            ("standfast_process_start_time_seconds", "gauge", "When the process was started", |process| process.started),
            ("standfast_process_restarts_total", "counter", "How often the process was started again", |process| {
                u32::try_from(process.restarts).ok().map(f64::from)
            }),
        ];
        for (name, kind, help, of) in families {
            let samples: Vec<(&Process, f64)> = daemon.processes.iter().filter_map(|process| Some((process, of(process)?))).collect();
            if !samples.is_empty() {
                out.family(name, kind, help);
                for (process, value) in samples {
                    out.sample(name, &[("process", process.name)], value);
                }
            }
        }
        if let Some((at, succeeded)) = daemon.reload {
            out.gauge("standfast_last_reload_successful", &[], u8::from(succeeded), "Whether the last reload was taken over");
            out.gauge("standfast_last_reload_timestamp_seconds", &[], at, "When the last reload ended");
        }
    }
    if names.cafebazaar || names.gen2brain {
        let up = daemon.processes.iter().all(|process| process.up && process.answers);
        out.gauge("keepalived_up", &[], u8::from(up), "Status");
    }
    out.into_text()
}

#[cfg(test)]
mod tests;
