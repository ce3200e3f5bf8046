//! Real servers.

use super::command::with_user;
use super::sheet::{Sheet, on, seconds, yes};
use crate::lvs::view::RealView;
use crate::model::checker::Checker;
use crate::model::lvs::{Checksum, Forwarding, RealServer, Tunnel, VirtualServer};
use std::fmt::{self, Display};

pub(super) fn real_server(sheet: &mut Sheet, server: &VirtualServer, real: &RealServer, view: &RealView) {
    sheet.line(format_args!("   ------< Real server >------"));
    let effective = view.effective_weight;
    sheet.line(format_args!(
        "   RIP = {}, RPORT = {}, WEIGHT = {} EFF WEIGHT = {effective}",
        real.address,
        real.port,
        view.set.unwrap_or(real.weight)
    ));
    sheet.line(format_args!("   forwarding method = {}", forwarding(real.forwarding)));
    sheet.line(format_args!("   Alpha is {}", on(real.alpha)));
    let checks = real.details.as_ref().map(|details| details.checks).unwrap_or_default();
    let timeout = checks.connect_timeout.unwrap_or(server.connect_timeout);
    sheet.line(format_args!("   connection timeout = {}", seconds(timeout.duration())));
    sheet.line(format_args!("   connection limit range = {} -> {}", real.lower_threshold, real.upper_threshold));
    sheet.line(format_args!("   Delay loop = {}", seconds(checks.delay_loop.unwrap_or(server.delay_loop).duration())));
    if let Some(retry) = checks.retry {
        sheet.line(format_args!("   Retry count = {retry}"));
    }
    if let Some(delay) = checks.delay_before_retry {
        sheet.line(format_args!("   Retry delay = {}", seconds(delay.duration())));
    }
    if let Some(warmup) = checks.warmup {
        sheet.line(format_args!("   Warmup = {}", seconds(warmup.duration())));
    }
    sheet.line(format_args!("   Inhibit on failure is {}", on(real.inhibit)));
    if let Some(details) = &real.details {
        for (word, script) in [("UP", &details.notify_up), ("DOWN", &details.notify_down)] {
            if let Some(script) = script {
                sheet.line(format_args!("     -> Notify script {word} = {}", with_user(script)));
            }
        }
        if let Some(host) = &details.virtualhost {
            sheet.line(format_args!("   VirtualHost = {host}"));
        }
        if let Some(name) = &details.snmp_name {
            sheet.line(format_args!("   SNMP name = {name}"));
        }
    }
    sheet.line(format_args!("   Using smtp notification = {}", yes(real.smtp_alert)));
    sheet.line(format_args!("   initial weight = {}", real.weight));
    sheet.line(format_args!("   effective weight = {effective}"));
    sheet.line(format_args!("   previous effective_weight = 0"));
    sheet.line(format_args!("   alive = {}", u8::from(view.alive)));
    sheet.line(format_args!("   num failed checkers = {}", view.failed));
    sheet.line(format_args!("   RS set = {}", u8::from(view.set.is_some())));
    sheet.line(format_args!("   reloaded = 0"));
    watched(sheet, real);
}

fn watched(sheet: &mut Sheet, real: &RealServer) {
    let files = || {
        real.checkers.iter().filter_map(|checker| match checker {
            Checker::File(file) => Some(file),
            Checker::Probe { .. } | Checker::Bfd(_) => None,
        })
    };
    if files().next().is_some() {
        sheet.line(format_args!("   Tracked Files"));
    }
    for file in files() {
        sheet.line(format_args!("     {}, weight {}", file.track_file, super::tracked::weight(file.weight)));
    }
    let sessions = || {
        real.checkers.iter().filter_map(|checker| match checker {
            Checker::Bfd(check) => Some(&check.session),
            Checker::Probe { .. } | Checker::File(_) => None,
        })
    };
    if sessions().next().is_some() {
        sheet.line(format_args!("   Tracked BFDs"));
    }
    for session in sessions() {
        sheet.line(format_args!("     {session}"));
    }
}

pub(super) fn forwarding(forwarding: Forwarding) -> impl Display {
    fmt::from_fn(move |f| match forwarding {
        Forwarding::Nat => f.write_str("NAT"),
        Forwarding::DirectRoute => f.write_str("DR"),
        Forwarding::Tunnel(Tunnel::Ipip) => f.write_str("TUN, type = IPIP"),
        Forwarding::Tunnel(Tunnel::Gue { port, checksum }) => {
            write!(f, "TUN, type = GUE, port = {port}, csum = {}", sum(checksum))
        }
        Forwarding::Tunnel(Tunnel::Gre { checksum }) => write!(f, "TUN, type = GRE, csum = {}", sum(checksum)),
    })
}

const fn sum(checksum: Checksum) -> &'static str {
    match checksum {
        Checksum::None => "none",
        Checksum::Usual => "csum",
        Checksum::Remote => "remote csum",
    }
}
