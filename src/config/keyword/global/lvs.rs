//! IPVS as a whole.

use crate::config::args::Args;
use crate::config::draft::global::Global;
use crate::config::keyword::Shown;
use crate::config::text::word;
use crate::model::global::{FlushOnStop, SyncDaemon};
use std::net::IpAddr;
use std::time::Duration;

/// An interface's name fits into 15 bytes.
const LONGEST_INTERFACE: usize = 15;

pub(super) fn set_timeouts(global: &mut Global, args: &mut Args<'_>) {
    let timeouts = &mut global.settings.lvs.timeouts;
    let mut options = 0;
    while let Some(option) = args.word() {
        options += 1;
        let slot = match option {
            "tcp" => &mut timeouts.tcp,
            "tcpfin" => &mut timeouts.tcp_fin,
            "udp" => &mut timeouts.udp,
            _ => {
                args.error(format!("Unknown option {option} specified for lvs_timeouts")).hint("tcp N, tcpfin N or udp N");
                continue;
            }
        };
        let Some(value) = args.word() else {
            args.error(format!("No value specified for lvs_timeout {option} - ignoring"));
            return;
        };
        if let Some(seconds) = args.number_in::<u64>(value, 0, 2_678_400) {
            *slot = Some(Duration::from_secs(seconds));
        }
    }
    if options == 0 {
        args.error("lvs_timeouts requires at least one option").hint("tcp N, tcpfin N or udp N");
    }
}

pub(super) fn show_timeouts(global: &Global, shown: &mut Shown<'_>) {
    let timeouts = &global.settings.lvs.timeouts;
    let pairs = [("tcp", timeouts.tcp), ("tcpfin", timeouts.tcp_fin), ("udp", timeouts.udp)];
    let text: Vec<String> = pairs.iter().filter_map(|(name, value)| value.map(|value| format!("{name} {}", value.as_secs()))).collect();
    if !text.is_empty() {
        shown.text(&text.join(" "));
    }
}

pub(super) fn set_flush_on_stop(global: &mut Global, args: &mut Args<'_>) {
    global.settings.lvs.flush_on_stop = match args.word() {
        None => FlushOnStop::All,
        Some("VS") => FlushOnStop::VirtualServers,
        Some(other) => {
            args.error(format!("Unknown lvs_flush_on_stop type {other}")).hint("VS, or nothing");
            return;
        }
    };
}

pub(super) fn show_flush_on_stop(global: &Global, shown: &mut Shown<'_>) {
    match global.settings.lvs.flush_on_stop {
        FlushOnStop::No => {}
        FlushOnStop::All => shown.text(""),
        FlushOnStop::VirtualServers => shown.text("VS"),
    }
}

pub(super) fn set_sync_daemon(global: &mut Global, args: &mut Args<'_>) {
    if let Some(daemon) = &global.settings.lvs.sync_daemon {
        let instance = daemon.instance.as_deref().unwrap_or_default();
        let text = format!("lvs_sync_daemon has already been specified as {} {instance} - ignoring", daemon.interface);
        args.error(text).hint("the first one counts");
        return;
    }
    let Some(interface) = super::need(args, "lvs_sync_daemon requires interface") else { return };
    if interface.len() > LONGEST_INTERFACE {
        args.error(format!("lvs_sync_daemon interface name '{interface}' too long - ignoring"));
        return;
    }
    let mut daemon =
        SyncDaemon { interface: interface.into(), instance: None, id: None, max_len: None, port: None, ttl: None, group: None };
    positional_options(&mut daemon, args);
    while let Some(option) = args.word() {
        match option {
            "inst" => match args.need() {
                Some(_) if daemon.instance.is_some() => {
                    let known = daemon.instance.as_deref().unwrap_or_default();
                    args.error(format!("lvs_sync_daemon vrrp instance has already been specified as {known} - ignoring"));
                }
                instance => daemon.instance = instance.map(Into::into),
            },
            "id" => match args.word() {
                Some(id) => daemon.id = args.number_in(id, 0, 255).or(daemon.id),
                None => {
                    args.error("No value specified for lvs_sync_daemon id, defaulting to vrid");
                }
            },
            "maxlen" => daemon.max_len = option_value(args, option, 65507).or(daemon.max_len),
            "port" => daemon.port = option_value(args, option, 65535).or(daemon.port),
            "ttl" => daemon.ttl = option_value(args, option, 255).or(daemon.ttl),
            "group" => daemon.group = group(args).or(daemon.group),
            _ => {
                let hint = "inst INSTANCE, id N, maxlen N, port N, ttl N or group IP";
                args.error(format!("Unknown option {option} specified for lvs_sync_daemon")).hint(hint);
            }
        }
    }
    global.settings.lvs.sync_daemon = Some(daemon);
}

/// The old form: `INTERFACE INSTANCE [ID]`.
fn positional_options(daemon: &mut SyncDaemon, args: &mut Args<'_>) {
    const OPTIONS: [&str; 6] = ["inst", "id", "maxlen", "port", "ttl", "group"];
    let Some(instance) = args.peek().filter(|word| !OPTIONS.contains(word)) else {
        return;
    };
    args.word();
    daemon.instance = Some(instance.into());
    if let Some(id) = args.peek().filter(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
        args.word();
        args.error("Please use keyword \"id\" before lvs_sync_daemon SYNCID value").hint(format!("id {id}"));
        daemon.id = args.number_in(id, 0, 255);
    }
}

fn option_value<N: TryFrom<i64>>(args: &mut Args<'_>, option: &str, max: i64) -> Option<N> {
    match args.word() {
        Some(word) => args.number_in(word, 1, max),
        None => {
            args.error(format!("No value specified for lvs_sync_daemon {option} - ignoring"));
            None
        }
    }
}

fn group(args: &mut Args<'_>) -> Option<IpAddr> {
    let Some(word) = args.word() else {
        args.error("No value specified for lvs_sync_daemon group - ignoring");
        return None;
    };
    match word.parse::<IpAddr>() {
        Ok(group) if group.is_multicast() => Some(group),
        Ok(_) => {
            args.error(format!("lvs_sync_daemon group address {word} is not multicast - ignoring"));
            None
        }
        Err(_) => {
            args.error(format!("Invalid lvs_sync_daemon group ({word}) - ignoring")).hint("a multicast IP address");
            None
        }
    }
}

pub(super) fn show_sync_daemon(global: &Global, shown: &mut Shown<'_>) {
    let Some(daemon) = &global.settings.lvs.sync_daemon else { return };
    let mut text = word(&daemon.interface);
    let mut option = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!(" {name} {value}"));
        }
    };
    option("inst", daemon.instance.as_deref().map(word));
    option("id", daemon.id.map(|n| n.to_string()));
    option("maxlen", daemon.max_len.map(|n| n.to_string()));
    option("port", daemon.port.map(|n| n.to_string()));
    option("ttl", daemon.ttl.map(|n| n.to_string()));
    option("group", daemon.group.map(|ip| ip.to_string()));
    shown.text(&text);
}
