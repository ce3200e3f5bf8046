//! The checkers of a real server, with the keywords that they share.

pub mod bfd;
pub mod dns;
pub mod file;
pub mod http;
pub mod misc;
pub mod smtp;
pub mod tcp;
pub mod udp;

use super::Shown;
use super::lvs::value;
use crate::config::args::Args;
use crate::config::draft::lvs::RealServer;
use crate::config::draft::lvs::checker::{Checker, Connection, Probe};
use crate::config::syntax::Statement;
use crate::model::net::Family;
use std::num::NonZeroU16;

/// The keywords about when to probe, behind those given: for drafts with a `schedule`.
macro_rules! scheduled {
    ($t:ty; $($own:expr),* $(,)?) => {
        &[
            $($own,)*
            $crate::config::keyword::live(
                "retry",
                $crate::config::keyword::number!(schedule.retry: u32, 0, 4294967295),
                "the real server's, else 1; MISC_CHECK 0, DNS_CHECK 3",
                "Further probes before the check has failed.",
            ),
            $crate::config::keyword::live(
                "delay_before_retry",
                $crate::config::keyword::lvs::value::time!(|c| c.schedule.delay_before_retry, 0, "0..18446744073709.551614"),
                "the real server's, else 1; HTTP_GET and SSL_GET 3, DNS_CHECK delay_loop",
                "Time between these.",
            ),
            $crate::config::keyword::live(
                "warmup",
                $crate::config::keyword::lvs::value::time!(|c| c.schedule.warmup, 0, "0..18446744073709.551614"),
                "the real server's, else delay_loop",
                "Bound of the random delay before the first probe.",
            ),
            $crate::config::keyword::live(
                "delay_loop",
                $crate::config::keyword::lvs::value::time!(|c| c.schedule.delay_loop, 1, "0.000001..18446744073709.551614"),
                "the real server's",
                "Time between probes.",
            ),
            $crate::config::keyword::live(
                "alpha",
                $crate::config::keyword::boolean!(schedule.alpha),
                "the real server's",
                "Counts as failed until it succeeds.",
            ),
            $crate::config::keyword::live(
                "log_all_failures",
                $crate::config::keyword::boolean!(schedule.log_all_failures),
                "checker_log_all_failures",
                "Log each failed probe.",
            ),
        ]
    };
}

/// The same with the keywords about the connection: for drafts with a `connection` as well.
macro_rules! connected {
    ($t:ty; $($own:expr),* $(,)?) => {
        $crate::config::keyword::checker::scheduled!(
            $t;
            $crate::config::keyword::live(
                "connect_ip",
                $crate::config::keyword::line!(
                    "IP",
                    "",
                    |c, a| $crate::config::keyword::checker::set_destination(&mut c.connection, a),
                    |c, s| s.value(&c.connection.address)
                ),
                "the real server's",
                "Whom to talk to.",
            ),
            $crate::config::keyword::live(
                "connect_port",
                $crate::config::keyword::number!(connection.port: u16, 1, 65535),
                "the real server's",
                "At which port.",
            ),
            $crate::config::keyword::live(
                "bindto",
                $crate::config::keyword::line!(
                    "IP",
                    "",
                    |c, a| $crate::config::keyword::checker::set_source(&mut c.connection, a),
                    |c, s| s.value(&c.connection.bind.as_ref().and_then(|bind| bind.address))
                ),
                "the kernel's choice",
                "Address to come from.",
            ),
            $crate::config::keyword::live(
                "bind_port",
                $crate::config::keyword::line!(
                    "N",
                    "1..65535",
                    |c, a| $crate::config::keyword::checker::set_source_port(&mut c.connection, a),
                    |c, s| s.value(&c.connection.bind.as_ref().and_then(|bind| bind.port).map(std::num::NonZeroU16::get))
                ),
                "the kernel's choice",
                "Port to come from; with bindto only.",
            ),
            $crate::config::keyword::live(
                "bind_if",
                $crate::config::keyword::line!(
                    "INTERFACE",
                    "up to 15 characters",
                    |c, a| $crate::config::keyword::checker::set_interface(&mut c.connection, a),
                    |c, s| s.value(&c.connection.bind.as_ref().and_then(|bind| bind.interface.clone()))
                ),
                "none",
                "Interface to go through; needed for IPv6 link-local addresses.",
            ),
            $crate::config::keyword::live(
                "connect_timeout",
                $crate::config::keyword::lvs::value::timeout!(|c| c.connection.timeout),
                "the real server's",
                "Time to connect, and for each answer.",
            ),
            $crate::config::keyword::live::<$t>(
                "fwmark",
                $crate::config::keyword::number!(connection.mark: u32, 0, 4294967295),
                "0",
                "Mark on the packets.",
            )
            .strict(),
            $($own),*
        )
    };
}

pub(crate) use {connected, scheduled};

/// Appends a checker. Most real servers have one: a growing list would make room for four.
fn add(rs: &mut RealServer, checker: Checker) {
    if rs.checkers.is_empty() {
        rs.checkers.reserve_exact(1);
    }
    rs.checkers.push(checker);
}

/// A draft for a checker that begins here.
fn probe<K: Default>(rs: &RealServer, statement: &Statement<'_>) -> Probe<K> {
    Probe::new(statement.at, Family::of(rs.address))
}

/// All checkers in their order.
pub(super) fn show_all(rs: &RealServer, shown: &mut Shown<'_>) {
    for checker in &rs.checkers {
        let dump = &mut *shown.dump;
        match checker {
            Checker::Tcp(draft) => Shown { name: "TCP_CHECK", dump }.block("", &tcp::TCP, draft),
            Checker::Ping(draft) => Shown { name: "PING_CHECK", dump }.block("", &tcp::PING, draft),
            Checker::Http(draft) if draft.kind.tls => Shown { name: "SSL_GET", dump }.block("", &http::SSL, draft),
            Checker::Http(draft) => Shown { name: "HTTP_GET", dump }.block("", &http::HTTP, draft),
            Checker::Smtp(draft) => Shown { name: "SMTP_CHECK", dump }.block("", &smtp::SMTP, draft),
            Checker::Dns(draft) => Shown { name: "DNS_CHECK", dump }.block("", &dns::DNS, draft),
            Checker::Udp(draft) => Shown { name: "UDP_CHECK", dump }.block("", &udp::UDP, draft),
            Checker::Misc(draft) => Shown { name: "MISC_CHECK", dump }.block("", &misc::MISC, draft),
            Checker::File(draft) => Shown { name: "FILE_CHECK", dump }.block("", &file::FILE, draft),
            Checker::Bfd(draft) => Shown { name: "BFD_CHECK", dump }.block("", &bfd::BFD, draft),
        }
    }
}

fn set_destination(connection: &mut Connection, args: &mut Args<'_>) {
    let Some(word) = args.need() else { return };
    let Some(address) = value::host(word) else {
        args.error(format!("Invalid connect_ip address {word} - ignoring"));
        return;
    };
    let source = connection.bind.as_ref().and_then(|bind| bind.address);
    if source.is_some_and(|source| source.is_ipv4() != address.is_ipv4()) {
        args.error(format!("connect_ip address {word} does not match address family of bindto - skipping"));
        return;
    }
    connection.address = Some(address);
    connection.family = Family::of(address);
}

fn set_source(connection: &mut Connection, args: &mut Args<'_>) {
    let Some(word) = args.need() else { return };
    let Some(address) = value::host(word) else {
        args.error(format!("Invalid bindto address {word} - ignoring"));
        return;
    };
    if Family::of(address) != connection.family {
        args.error(format!("bindto address {word} does not match address family of connect_ip - skipping"))
            .hint("without connect_ip the real server is the destination; connect_ip must stand first");
        return;
    }
    connection.bind().address = Some(address);
}

fn set_source_port(connection: &mut Connection, args: &mut Args<'_>) {
    if let Some(port) = args.number::<u16>(1, 65_535) {
        connection.bind().port = NonZeroU16::new(port);
    }
}

fn set_interface(connection: &mut Connection, args: &mut Args<'_>) {
    /// The kernel's field has 16 bytes, the terminator included.
    const LONGEST: usize = 15;
    let Some(word) = args.need() else { return };
    if word.len() > LONGEST {
        args.error(format!("Interface name {word} is too long - ignoring")).hint("at most 15 characters");
        return;
    }
    connection.bind().interface = Some(word.into());
}

/// Reads the body of a block into a boxed draft and appends it as a checker.
macro_rules! open {
    ($name:ident, $vocabulary:path, $variant:path, $draft:expr) => {
        pub(in $crate::config::keyword) fn $name(
            rs: &mut $crate::config::draft::lvs::RealServer,
            parser: &mut $crate::config::parser::Parser<'_>,
            statement: &$crate::config::syntax::Statement<'_>,
        ) {
            let make: fn(&$crate::config::draft::lvs::RealServer, &$crate::config::syntax::Statement<'_>) -> _ = $draft;
            let mut draft = make(rs, statement);
            draft.end = parser.body(statement, &$vocabulary, &mut draft);
            $crate::config::keyword::checker::add(rs, $variant(draft.into()));
        }
    };
}
use open;
