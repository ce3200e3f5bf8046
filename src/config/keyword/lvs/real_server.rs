//! `real_server`.

use super::value::{self, label, retry, text, time, timeout};
use super::virtual_server::{FAMILIES, set_script, show_script};
use crate::config::args::Args;
use crate::config::draft::lvs::{RealServer, VirtualServer, real_server_name};
use crate::config::keyword::checker::{bfd, dns, file, http, misc, show_all, smtp, tcp, udp};
use crate::config::keyword::{Shown, Vocabulary, block, boolean, line, live, number};
use crate::config::parser::Parser;
use crate::config::syntax::Statement;
use crate::model::net::Family;

pub(super) fn open_real_server(vs: &mut VirtualServer, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    let mut args = parser.args(statement);
    let Some(spec) = args.need() else { return parser.skip() };
    let word = args.word();
    let Some((address, port)) = value::host(spec).zip(word.map_or(Some(0), value::port)) else {
        let port = word.map_or_else(String::new, |word| format!("/{word}"));
        args.error(format!("Invalid real server ip address/port {spec}{port} - skipping")).hint("real_server ADDRESS [PORT]");
        return parser.skip();
    };
    let mut rs = RealServer::new(address, port, statement.at);
    rs.forwarding = vs.forwarding;
    rs.end = parser.body(statement, &REAL_SERVER, &mut rs);
    if !vs.takes(Family::of(address), rs.forwarding) {
        let text = format!("Address family of virtual server and real server {address} don't match - skipping real server.");
        parser.error(rs.end, text).hint(FAMILIES);
        vs.refused.push(rs);
    } else {
        vs.real_servers.push(rs);
    }
}

pub(super) fn show_real_servers(vs: &VirtualServer, shown: &mut Shown<'_>) {
    for rs in &vs.real_servers {
        shown.block(&value::address_text(rs.address, rs.port), &REAL_SERVER, rs);
    }
}

/// A field of the rarely used part, to write to; and to read, where that part exists.
macro_rules! detail {
    ($kind:ident, $($what:literal,)? $($field:ident).+ $(, $rest:literal)*) => {
        $kind!($($what,)? |rs| rs.details().$($field).+, rs.details.as_ref().and_then(|details| details.$($field).+.clone()) $(, $rest)*)
    };
}

macro_rules! script {
    ($field:ident) => {
        line!(
            "COMMAND [USER [GROUP]]",
            "",
            |rs, a| {
                let owner = real_server_name(rs.address, None, rs.port);
                set_script(&mut rs.details().$field, &owner, a);
            },
            |rs, s| show_script(rs.details.as_ref().and_then(|details| details.$field.as_ref()), s)
        )
    };
}

/// A checker. All of them are shown by the first of their keywords: their order is the user's.
macro_rules! checker {
    ($vocabulary:path, $open:path) => {
        block!("", $vocabulary, $open, |_, _| {})
    };
}

pub static REAL_SERVER: Vocabulary<RealServer> = Vocabulary::new(
    "real_server",
    &[
        live("weight", number!(weight: u32, 0, 2147483647), "the virtual server's", "Share of the connections it gets."),
        live(
            "lvs_method",
            line!("NAT|DR|TUN [type ipip | type gue port N | type gre] [nocsum|csum|remcsum]", "", set_forwarding, show_forwarding),
            "lb_kind of the virtual server",
            "How packets reach it.",
        ),
        live::<RealServer>("uthreshold", number!(upper_threshold: u32, 0, 4294967295), "0", "Connections at which it gets no more.")
            .strict(),
        live::<RealServer>("lthreshold", number!(lower_threshold: u32, 0, 4294967295), "0", "Connections under which it gets them again.")
            .strict(),
        live("inhibit_on_failure", boolean!(inhibit), "the virtual server's", "Failing, it gets weight 0 instead of being removed."),
        live("notify_up", script!(notify_up), "none", "Runs when it comes into service."),
        live("notify_down", script!(notify_down), "none", "Runs when it goes out of service."),
        live("alpha", boolean!(alpha), "the virtual server's", "Its checks count as failed until they succeed."),
        live::<RealServer>("retry", detail!(retry, checks.retry), "the virtual server's", "As for the virtual server.").strict(),
        live(
            "delay_before_retry",
            detail!(time, checks.delay_before_retry, 0, "0..18446744073709.551614"),
            "the virtual server's",
            "As for the virtual server.",
        ),
        live("warmup", detail!(time, checks.warmup, 0, "0..18446744073709.551614"), "the virtual server's", "As for the virtual server."),
        live("connect_timeout", detail!(timeout, checks.connect_timeout), "the virtual server's", "As for the virtual server."),
        live(
            "delay_loop",
            detail!(time, checks.delay_loop, 1, "0.000001..18446744073709.551614"),
            "the virtual server's",
            "As for the virtual server.",
        ),
        live("smtp_alert", boolean!(smtp_alert), "smtp_alert_checker, smtp_alert, on", "Mail when it changes, or a check of it."),
        live("virtualhost", detail!(text, "real server virtualhost", virtualhost), "none", "Host header of HTTP checks, not for TLS."),
        live("snmp_name", detail!(label, "real server snmp_name", snmp_name), "none", "Name for SNMP."),
        live("TCP_CHECK", block!("", tcp::TCP, tcp::open, show_all), "none", "Connects."),
        live("HTTP_GET", checker!(http::HTTP, http::open_http), "none", "Fetches one or more URLs."),
        live("SSL_GET", checker!(http::SSL, http::open_ssl), "none", "Fetches them over TLS, whatever the certificate."),
        live("SMTP_CHECK", checker!(smtp::SMTP, smtp::open), "none", "Greets a mail server."),
        live("DNS_CHECK", checker!(dns::DNS, dns::open), "none", "Asks a name server."),
        live("MISC_CHECK", checker!(misc::MISC, misc::open), "none", "Runs a command."),
        live("UDP_CHECK", checker!(udp::UDP, udp::open), "none", "Sends a datagram; silence is success unless a reply is asked for."),
        live("PING_CHECK", checker!(tcp::PING, tcp::open_ping), "none", "Sends an ICMP echo request."),
        live("FILE_CHECK", checker!(file::FILE, file::open), "none", "Adds the number in a tracked file to the weight."),
        live("BFD_CHECK", checker!(bfd::BFD, bfd::open), "none", "Follows a BFD session."),
    ],
);

fn set_forwarding(rs: &mut RealServer, args: &mut Args<'_>) {
    if let Some(forwarding) = value::forwarding(args, "real server") {
        rs.forwarding = Some(forwarding);
    }
}

fn show_forwarding(rs: &RealServer, shown: &mut Shown<'_>) {
    if let Some(forwarding) = rs.forwarding {
        shown.text(&value::forwarding_text(forwarding));
    }
}
