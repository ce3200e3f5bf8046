//! Health checks.

use super::command::with_user;
use super::sheet::{Sheet, seconds, set, yes};
use super::words::OrNone;
use crate::lvs::name;
use crate::lvs::view::{CheckerView, View};
use crate::model::Model;
use crate::model::checker::{Bind, Checker, Connection, Http, HttpVersion, Misc, Octet, Probe, Regex, Reply, Schedule, Sni, Udp, Url};
use std::fmt::{self, Display};
use std::num::NonZeroU16;

/// What keepalived makes of times and numbers that a checker does not have.
const NO_TIME: u64 = u64::MAX;
const NO_NUMBER: u32 = u32::MAX;
const SECOND: u64 = 1_000_000;

pub(super) fn all(sheet: &mut Sheet, model: &Model, view: &View) {
    let mut begun = false;
    for (server, seen) in model.lvs.virtual_servers.iter().zip(&view.servers) {
        for (real, seen) in server.real_servers.iter().zip(&seen.real_servers) {
            for (checker, seen) in real.checkers.iter().zip(&seen.checkers) {
                if !std::mem::replace(&mut begun, true) {
                    sheet.section("Health checkers");
                }
                sheet.line(format_args!(" {} -> {}", name::virtual_server(server), name::real_server(server, real)));
                one(sheet, checker, seen);
            }
        }
    }
}

fn one(sheet: &mut Sheet, checker: &Checker, view: &CheckerView) {
    sheet.line(format_args!("   Enabled = {}", yes(view.enabled)));
    sheet.line(format_args!("   Up = {}", yes(view.up)));
    sheet.line(format_args!("   Has run = {}", yes(view.has_run)));
    sheet.line(format_args!("   Current weight = {}", view.weight));
    match checker {
        Checker::File(file) => {
            sheet.line(format_args!("   Log all failures = no"));
            sheet.line(format_args!("   Keepalive method = FILE_CHECK"));
            sheet.line(format_args!("     Tracked file = {}", file.track_file));
            sheet.line(format_args!("     Reloaded = No"));
        }
        Checker::Bfd(check) => {
            let never =
                Times { delay_loop: NO_TIME, warmup: NO_TIME, retry: NO_NUMBER, delay_before_retry: NO_TIME, iterations: NO_NUMBER };
            times(sheet, check.alpha, &never, SECOND, false);
            sheet.line(format_args!("   Keepalive method = BFD_CHECK"));
            sheet.line(format_args!("   Name = {}", check.session));
            sheet.line(format_args!("   Alpha is {}", super::sheet::on(check.alpha)));
        }
        Checker::Probe { schedule, probe } => {
            let Schedule { delay_loop, warmup, delay_before_retry, retry, alpha, log_all_failures } = *schedule;
            let usual = if matches!(probe, Probe::Http(_)) { 3 * SECOND } else { SECOND };
            let shown = Times {
                delay_loop: delay_loop.get(),
                warmup: warmup.get(),
                retry,
                delay_before_retry: delay_before_retry.get(),
                iterations: view.retries,
            };
            times(sheet, alpha, &shown, usual, log_all_failures);
            method(sheet, probe, view);
        }
    }
}

/// In microseconds.
struct Times {
    delay_loop: u64,
    warmup: u64,
    retry: u32,
    delay_before_retry: u64,
    iterations: u32,
}

fn times(sheet: &mut Sheet, alpha: bool, times: &Times, usual: u64, log_all: bool) {
    sheet.line(format_args!("   Alpha = {}", yes(alpha)));
    sheet.line(format_args!("   Delay loop = {} us", times.delay_loop));
    sheet.line(format_args!("   Warmup = {} us", times.warmup));
    sheet.line(format_args!("   Retries = {}", times.retry));
    sheet.line(format_args!("   Delay before retry = {} us", times.delay_before_retry));
    sheet.line(format_args!("   Retries iterations = {}", times.iterations));
    sheet.line(format_args!("   Default delay before retry = {usual} us"));
    sheet.line(format_args!("   Log all failures = {}", yes(log_all)));
}

fn method(sheet: &mut Sheet, probe: &Probe, view: &CheckerView) {
    match probe {
        Probe::Tcp(connection) => simple(sheet, connection, "TCP_CHECK"),
        Probe::Ping(connection) => simple(sheet, connection, "PING_CHECK"),
        Probe::Http(http) => pages(sheet, http),
        Probe::Smtp(smtp) => {
            simple(sheet, &smtp.connection, "SMTP_CHECK");
            sheet.line(format_args!("   helo = {}", smtp.helo_name));
        }
        Probe::Dns(dns) => {
            simple(sheet, &dns.connection, "DNS_CHECK");
            sheet.line(format_args!("   Type = {}", dns.record.name()));
            sheet.line(format_args!("   Name = {}", dns.name));
        }
        Probe::Udp(udp) => datagrams(sheet, udp),
        Probe::Misc(misc) => script(sheet, misc, view),
    }
}

fn simple(sheet: &mut Sheet, to: &Connection, method: &str) {
    connection(sheet, to);
    sheet.line(format_args!("   Keepalive method = {method}"));
}

fn connection(sheet: &mut Sheet, to: &Connection) {
    sheet.line(format_args!("   Connection"));
    sheet.line(format_args!("     Dest = [{}]:{}", to.address, to.port));
    if let Some(bind) = &to.bind {
        let Bind { address, port, interface } = &**bind;
        if let Some(address) = address {
            sheet.line(format_args!("     Bind to = [{address}]:{}", port.map_or(0, NonZeroU16::get)));
        } else if let Some(port) = port {
            sheet.line(format_args!("     Bind to port = {port}"));
        }
        if let Some(interface) = interface {
            sheet.line(format_args!("     Bind i/f = {interface}"));
        }
    }
    if to.mark != 0 {
        sheet.line(format_args!("     Mark = {}", to.mark));
    }
    sheet.line(format_args!("     Timeout = {}", seconds(to.timeout.duration())));
}

fn pages(sheet: &mut Sheet, http: &Http) {
    connection(sheet, &http.connection);
    let version = match http.version {
        HttpVersion::V1_0 => "1.0",
        HttpVersion::V1_0Close => "1.0C",
        HttpVersion::V1_1 => "1.1",
    };
    sheet.line(format_args!("   Keepalive method = {}, http protocol {version}", if http.tls { "SSL_GET" } else { "HTTP_GET" }));
    if let Some(host) = &http.virtualhost {
        sheet.line(format_args!("   VirtualHost = {host}"));
    }
    sheet.line(format_args!("   Enable SNI {}", set(http.sni != Sni::None)));
    sheet.line(format_args!("   Fast recovery {}", set(http.fast_recovery)));
    if http.tls {
        sheet.line(format_args!("   tls_compliant {}", set(http.tls_compliant)));
    }
    for Url { path, virtualhost, digest, status, regex, tls_compliant } in &http.urls {
        sheet.line(format_args!("   Checked url = {path}"));
        if let Some(host) = virtualhost {
            sheet.line(format_args!("     VirtualHost = {host}"));
        }
        if let Some(digest) = digest {
            sheet.line(format_args!("     digest = {}", hex(digest)));
        }
        sheet.line(format_args!("     tls_compliant {}", set(*tls_compliant)));
        sheet.line(format_args!("     HTTP Status Code(s)"));
        for (first, last) in status.ranges() {
            if first == last {
                sheet.line(format_args!("       {first}"));
            } else {
                sheet.line(format_args!("       {first}-{last}"));
            }
        }
        if let Some(regex) = regex {
            pattern(sheet, regex);
        }
    }
}

fn pattern(sheet: &mut Sheet, regex: &Regex) {
    let Regex { pattern, options, no_match, min_offset, max_offset, stack } = regex;
    sheet.line(format_args!("     Regex = \"{pattern}\""));
    if *no_match {
        sheet.line(format_args!("     Regex no match"));
    }
    let options: Vec<&str> = options.names().collect();
    if !options.is_empty() {
        sheet.line(format_args!("     Regex options = {}", options.join(" ")));
    }
    if *min_offset > 0 || max_offset.is_some() {
        sheet.row(("     Regex offsets = ", min_offset, " to ", OrNone(*max_offset)));
    }
    if let Some((first, most)) = stack {
        sheet.line(format_args!("     Regex stack = {first} to {most}"));
    }
}

fn datagrams(sheet: &mut Sheet, udp: &Udp) {
    simple(sheet, &udp.connection, "UDP_CHECK");
    sheet.line(format_args!("   Payload specified = {}", yes(udp.payload.is_some())));
    if let Some(payload) = &udp.payload {
        sheet.line(format_args!("     {}", hex(payload)));
    }
    sheet.line(format_args!("   Require reply = {}", yes(udp.reply != Reply::NotNeeded)));
    if let Reply::Like(octets) = &udp.reply {
        sheet.line(format_args!("     {}", octets.iter().map(octet).collect::<String>()));
        sheet.line(format_args!("     Min length = {}, max length = {}", udp.min_reply, udp.max_reply));
    }
}

fn script(sheet: &mut Sheet, misc: &Misc, view: &CheckerView) {
    sheet.line(format_args!("   Keepalive method = MISC_CHECK"));
    sheet.line(format_args!("   script = {}", with_user(&misc.script)));
    sheet.line(format_args!("   timeout = {}", seconds(misc.timeout.duration())));
    sheet.line(format_args!("   dynamic = {}", if misc.dynamic { "YES" } else { "NO" }));
    sheet.line(format_args!("   Last exit status = {}", view.status));
}

fn hex(bytes: &[u8]) -> impl Display {
    fmt::from_fn(move |f| bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")))
}

/// The halves of it that may be anything are `x`.
fn octet(octet: &Octet) -> String {
    let half = |shift: u8| match octet.mask >> shift & 0xf {
        0 => "x".to_owned(),
        _ => format!("{:x}", octet.value >> shift & 0xf),
    };
    half(4) + &half(0)
}
