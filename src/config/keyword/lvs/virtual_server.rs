//! `virtual_server`.

use super::real_server::{REAL_SERVER, open_real_server, show_real_servers};
use super::value::{self, label, retry, text, time, timeout};
use crate::config::args::{Args, decimal};
use crate::config::command::{self, Command};
use crate::config::draft::Draft;
use crate::config::draft::lvs::{Service, SorryServer, VirtualServer};
use crate::config::keyword::{Effect, Kind, Shown, Vocabulary, block, boolean, flag, line, live, number};
use crate::config::parser::Parser;
use crate::config::syntax::Statement;
use crate::config::text::word;
use crate::model::lvs::{Granularity, Protocol, Scheduler};
use crate::model::net::Family;
use std::net::Ipv4Addr;
use std::time::Duration;

pub(in crate::config::keyword) fn open_virtual_server(root: &mut Draft, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    let Some(service) = service(root, &mut parser.args(statement)) else {
        return parser.skip();
    };
    let mut vs = VirtualServer::new(service, statement.at);
    vs.end = parser.body(statement, &VIRTUAL_SERVER, &mut vs);
    if let Some(sorry) = vs.sorry_server.take() {
        if vs.takes(Family::of(sorry.address), sorry.forwarding) {
            vs.sorry_server = Some(sorry);
        } else {
            let text = format!("Address family of virtual server and sorry server {} don't match - skipping sorry server.", sorry.address);
            parser.error(vs.end, text).hint(FAMILIES);
        }
    }
    if vs.real_servers.is_empty() {
        let text = format!("Virtual server {} has no real servers - ignoring", vs.service.named(vs.protocol));
        parser.error(vs.end, text).hint("real_server ADDRESS [PORT] {");
    }
    vs.real_servers.shrink_to_fit();
    root.lvs.virtual_servers.push(vs);
}

pub(super) const FAMILIES: &str = "only a tunnel (TUN) joins IPv4 and IPv6";

/// `ADDRESS [PORT]`, `fwmark N` or `group NAME`; what cannot be used is reported.
fn service(root: &mut Draft, args: &mut Args<'_>) -> Option<Service> {
    match args.need()? {
        "group" => args.need().map(|name| root.lvs.user_of_group(name)),
        "fwmark" => {
            let mark = args.need()?;
            let number = decimal(mark).ok().and_then(|number| u32::try_from(number).ok());
            if number.is_none() {
                args.error(format!("virtual server fwmark '{mark}' must be in [0, 4294967295] - ignoring"));
            }
            number.map(Service::Mark)
        }
        spec => {
            let word = args.word();
            let service = value::host(spec).zip(word.map_or(Some(0), value::port));
            if service.is_none() {
                let (which, port) = word.map_or(("", String::new()), |word| ("/port", format!("/{word}")));
                args.error(format!("Invalid virtual server IP address{which} {spec}{port} - skipping"))
                    .hint("virtual_server ADDRESS PORT, fwmark N, or group NAME");
            }
            service.map(|(address, port)| Service::Address { address, port })
        }
    }
}

pub(in crate::config::keyword) fn show_virtual_servers(root: &Draft, shown: &mut Shown<'_>) {
    for vs in &root.lvs.virtual_servers {
        let header = match &vs.service {
            Service::Address { address, port } => value::address_text(*address, *port),
            Service::Mark(mark) => format!("fwmark {mark}"),
            Service::Group { name, .. } => format!("group {}", word(name)),
        };
        shown.block(&header, &VIRTUAL_SERVER, vs);
    }
}

/// A flag of a scheduler by the name it has there.
macro_rules! hashing {
    ($bit:ident) => {
        line!("", "", |vs, a| set_hashing(vs, a, |vs| vs.flags.$bit = true), |_, _| {})
    };
}

macro_rules! script {
    ($field:ident) => {
        line!("COMMAND [USER [GROUP]]", "", |vs, a| set_script(&mut vs.$field, &vs.service.named(vs.protocol), a), |vs, s| show_script(
            vs.$field.as_ref(),
            s
        ))
    };
}

const PROTOCOL: Kind<VirtualServer> = line!("TCP|UDP|SCTP", "", set_protocol, |vs, s| {
    if let Some(protocol) = vs.protocol {
        s.text(&protocol.name().to_ascii_uppercase());
    }
});

const QUORUM: Kind<VirtualServer> = line!(
    "N",
    "1..4294967295",
    |vs, a| {
        let Some(word) = a.need() else { return };
        let quorum = decimal(word).ok().and_then(|quorum| u32::try_from(quorum).ok()).filter(|quorum| *quorum > 0);
        vs.quorum = quorum.unwrap_or_else(|| {
            a.error(format!("Quorum {word} must be in [1, 4294967295]. Setting to 1."));
            1
        });
    },
    |vs, s| s.value(&vs.quorum)
);

pub static VIRTUAL_SERVER: Vocabulary<VirtualServer> = Vocabulary::new(
    "virtual_server",
    &[
        live("ip_family", line!("inet|inet6", "", set_family, show_family), "that of the addresses", "Address family of a fwmark service."),
        live::<VirtualServer>(
            "lb_algo",
            line!("rr|wrr|lc|wlc|lblc|sh|mh|dh|fo|ovf|lblcr|sed|nq|twos", "", set_scheduler, |vs, s| {
                if let Some(scheduler) = vs.scheduler {
                    s.text(scheduler.name());
                }
            }),
            "wlc",
            "How the kernel chooses a real server.",
        )
        .aliases(&["lvs_sched"]),
        live("ops", flag!(one_packet), "off", "Schedule each packet by itself; for UDP and fwmark services."),
        live("flag-1", flag!(flags.first), "off", "The scheduler's first flag."),
        live("flag-2", flag!(flags.second), "off", "The scheduler's second flag."),
        live("flag-3", flag!(flags.third), "off", "The scheduler's third flag."),
        live("sh-port", hashing!(second), "off", "Source hashing takes the source port into account; after lb_algo sh."),
        live("sh-fallback", hashing!(first), "off", "Source hashing goes on when its choice has weight 0; after lb_algo sh."),
        live("mh-port", hashing!(second), "off", "Maglev hashing takes the source port into account; after lb_algo mh."),
        live("mh-fallback", hashing!(first), "off", "Maglev hashing goes on when its choice has weight 0; after lb_algo mh."),
        live::<VirtualServer>(
            "hashed",
            line!(
                "",
                "",
                |_, a| {
                    a.error("hashed only applies to sh scheduler - ignoring").hint("it has never had an effect: remove it");
                },
                |_, _| {}
            ),
            "off",
            "Has no effect.",
        )
        .effect(Effect::Inert),
        live::<VirtualServer>(
            "lb_kind",
            line!("NAT|DR|TUN [type ipip | type gue port N | type gre] [nocsum|csum|remcsum]", "", set_forwarding, |vs, s| {
                if let Some(forwarding) = vs.forwarding {
                    s.text(&value::forwarding_text(forwarding));
                }
            }),
            "NAT",
            "How packets reach the real servers that do not say otherwise; counts from its line on.",
        )
        .aliases(&["lvs_method"]),
        live(
            "persistence_engine",
            line!("NAME", "up to 15 characters", set_engine, |vs, s| s.value(&vs.persistence_engine)),
            "none",
            "What clients are recognised by, such as sip; with persistence only.",
        ),
        live::<VirtualServer>(
            "persistence_timeout",
            line!("[SECONDS]", "1..2678400", set_persistence, |vs, s| s.value(&vs.persistence_timeout)),
            "off; 360 without a value",
            "A client stays with its real server for this long.",
        )
        .strict(),
        live(
            "persistence_granularity",
            line!("IPV4-MASK | IPV6-LENGTH", "mask, or 1..128", set_granularity, |vs, s| match vs.granularity {
                None => {}
                Some(Granularity::Mask(mask)) => s.value(&mask),
                Some(Granularity::Prefix(length)) => s.value(&length),
            }),
            "255.255.255.255, IPv6 128",
            "Clients that are alike under this mask are one client; turns persistence on.",
        ),
        live("protocol", PROTOCOL, "UDP", "Protocol of the service; a fwmark has none."),
        live(
            "delay_loop",
            time!(|vs| vs.checks.delay_loop, 1, "0.000001..18446744073709.551614"),
            "60",
            "Time between probes of a real server.",
        ),
        live::<VirtualServer>("retry", retry!(|vs| vs.checks.retry), "the checker's", "Further probes before a real server is down.")
            .strict(),
        live(
            "delay_before_retry",
            time!(|vs| vs.checks.delay_before_retry, 0, "0..18446744073709.551614"),
            "the checker's",
            "Time between these.",
        ),
        live(
            "warmup",
            time!(|vs| vs.checks.warmup, 0, "0..18446744073709.551614"),
            "delay_loop",
            "Bound of the random delay before the first probe.",
        ),
        live("connect_timeout", timeout!(|vs| vs.checks.connect_timeout), "5", "Time a probe has to connect, and for each answer."),
        live("inhibit_on_failure", flag!(inhibit), "off", "A failing real server gets weight 0 instead of being removed."),
        live("ha_suspend", flag!(ha_suspend), "off", "Check only while the address of the service is on an interface here."),
        live("smtp_alert", boolean!(smtp_alert), "smtp_alert_checker, smtp_alert, off", "Mail when the quorum is gained or lost."),
        live::<VirtualServer>(
            "virtualhost",
            text!("virtual server virtualhost", |vs| vs.virtualhost),
            "none",
            "Host header of HTTP checks.",
        )
        .may_lack(),
        live::<VirtualServer>("snmp_name", label!("virtual server snmp_name", |vs| vs.snmp_name), "none", "Name for SNMP.").may_lack(),
        live("alpha", flag!(alpha), "off", "Real servers are down until a check succeeds."),
        live("omega", flag!(omega), "off", "Stopping is announced as if all went down."),
        live("quorum", QUORUM, "1", "Summed weight of living real servers that makes the service good."),
        live::<VirtualServer>("hysteresis", number!(hysteresis: u32, 0, 4294967295), "0", "How far past the quorum the sum must go.")
            .strict(),
        live("quorum_up", script!(quorum_up), "none", "Runs when the quorum is gained."),
        live("quorum_down", script!(quorum_down), "none", "Runs when the quorum is lost."),
        live("weight", number!(weight: u32, 1, 2147483647), "1", "Weight of real servers without one."),
        live(
            "sorry_server",
            line!("IP [PORT]", "", set_sorry, |vs, s| {
                if let Some(sorry) = &vs.sorry_server {
                    s.text(&value::address_text(sorry.address, sorry.port));
                }
            }),
            "none",
            "Takes the place of the real servers when the quorum is lost.",
        ),
        live(
            "sorry_server_inhibit",
            line!("", "", set_sorry_inhibit, |vs, s| s.flag(vs.sorry_server.as_ref().is_some_and(|sorry| sorry.inhibit))),
            "off",
            "Unused, the sorry server stays in the table at weight 0; after sorry_server.",
        ),
        live(
            "sorry_server_lvs_method",
            line!("as lb_kind", "", set_sorry_forwarding, |vs, s| {
                if let Some(forwarding) = vs.sorry_server.as_ref().and_then(|sorry| sorry.forwarding) {
                    s.text(&value::forwarding_text(forwarding));
                }
            }),
            "lb_kind so far",
            "How packets reach the sorry server; after sorry_server.",
        ),
        live(
            "real_server",
            block!("IP [PORT]", REAL_SERVER, open_real_server, show_real_servers),
            "required",
            "A server that does the work; its port is the service's unless given.",
        ),
    ],
);

fn set_family(vs: &mut VirtualServer, args: &mut Args<'_>) {
    let Some(word) = args.need() else { return };
    match value::family(word) {
        None => {
            args.error(format!("unknown address family {word}")).hint("inet or inet6");
        }
        Some(family) if vs.family.is_some_and(|known| known != family) => {
            args.error(format!("Virtual server specified family {word} conflicts with server family"));
        }
        Some(family) => vs.family = Some(family),
    }
}

fn show_family(vs: &VirtualServer, shown: &mut Shown<'_>) {
    match (&vs.service, vs.family) {
        (Service::Mark(_) | Service::Group { .. }, Some(family)) => shown.text(family.keyword()),
        (Service::Address { .. }, _) | (_, None) => {}
    }
}

fn set_scheduler(vs: &mut VirtualServer, args: &mut Args<'_>) {
    let Some(word) = args.need() else { return };
    match Scheduler::ALL.into_iter().find(|scheduler| scheduler.name() == word) {
        Some(scheduler) => vs.scheduler = Some(scheduler),
        None => {
            args.error(format!("Invalid lvs_scheduler '{word}' - ignoring")).hint(Scheduler::ALL.map(Scheduler::name).join(" "));
        }
    }
}

/// The flags of source and Maglev hashing are the same bits: the other one's name is passed over in silence.
fn set_hashing(vs: &mut VirtualServer, args: &mut Args<'_>, set: fn(&mut VirtualServer)) {
    let keyword = args.keyword;
    let wanted = if keyword.starts_with("sh") { Scheduler::SourceHashing } else { Scheduler::MaglevHashing };
    match vs.scheduler {
        Some(scheduler) if scheduler == wanted => set(vs),
        Some(Scheduler::SourceHashing | Scheduler::MaglevHashing) => {}
        _ => {
            args.error(format!("{keyword} only applies to {} scheduler - ignoring", wanted.name()))
                .hint(format!("lb_algo {} must stand before it", wanted.name()));
        }
    }
}

fn set_forwarding(vs: &mut VirtualServer, args: &mut Args<'_>) {
    if let Some(forwarding) = value::forwarding(args, "virtual server") {
        vs.forwarding = Some(forwarding);
    }
}

fn set_engine(vs: &mut VirtualServer, args: &mut Args<'_>) {
    /// The kernel's field has 16 bytes, the terminator included.
    const LONGEST: usize = 15;
    let Some(word) = args.need() else { return };
    let mut name = word;
    if word.len() > LONGEST {
        args.error(format!("persistence_name too long, truncating - {word}")).hint("at most 15 characters");
        let end = (0..=LONGEST).rev().find(|end| word.is_char_boundary(*end)).unwrap_or(0);
        name = &word[..end];
    }
    vs.persistence_engine = Some(name.into());
}

pub(in crate::config) const DEFAULT_PERSISTENCE: Duration = Duration::from_secs(360);

fn set_persistence(vs: &mut VirtualServer, args: &mut Args<'_>) {
    let timeout = match args.word() {
        None => Some(DEFAULT_PERSISTENCE),
        Some(word) => args.number_in(word, 1, 2_678_400).map(Duration::from_secs),
    };
    vs.persistence_timeout = timeout.or(vs.persistence_timeout);
}

fn set_granularity(vs: &mut VirtualServer, args: &mut Args<'_>) {
    let Some(word) = args.need() else { return };
    let family = vs.family.unwrap_or(if word.contains('.') { Family::V4 } else { Family::V6 });
    let granularity = match family {
        Family::V4 => dotted(word).map(Granularity::Mask),
        Family::V6 => decimal(word).ok().and_then(|n| u8::try_from(n).ok()).filter(|n| (1..=128).contains(n)).map(Granularity::Prefix),
    };
    match (granularity, family) {
        (Some(granularity), _) => {
            vs.granularity = Some(granularity);
            vs.family = Some(family);
            vs.persistence_timeout.get_or_insert(DEFAULT_PERSISTENCE);
        }
        (None, Family::V4) => {
            args.error(format!("Invalid IPv4 persistence_granularity specified - {word}")).hint("a mask such as 255.255.255.0");
        }
        (None, Family::V6) => {
            args.error(format!("Invalid IPv6 persistence_granularity specified - {word}")).hint("a prefix length from 1 to 128");
        }
    }
}

/// An IPv4 address with up to four parts, the last of which fills what is left (`255.0` is 255.0.0.0).
fn dotted(word: &str) -> Option<Ipv4Addr> {
    let mut bits: u32 = 0;
    let mut left: u32 = 32;
    let mut parts = word.split('.').peekable();
    while let Some(part) = parts.next() {
        let value = part.parse::<u32>().ok()?;
        if parts.peek().is_some() {
            left = left.checked_sub(8).filter(|left| *left >= 8)?;
            bits |= u32::from(u8::try_from(value).ok()?) << left;
        } else {
            bits |= Some(value).filter(|value| u64::from(*value) < 1_u64 << left)?;
        }
    }
    Some(Ipv4Addr::from_bits(bits))
}

fn set_protocol(vs: &mut VirtualServer, args: &mut Args<'_>) {
    let Some(word) = args.need() else { return };
    match Protocol::ALL.into_iter().find(|protocol| protocol.name().eq_ignore_ascii_case(word)) {
        Some(protocol) => vs.protocol = Some(protocol),
        None => {
            args.error(format!("Unknown protocol {word} - ignoring")).hint("TCP, UDP or SCTP");
        }
    }
}

/// Reads the command of a `quorum_*` or `notify_*` keyword; the first one counts.
pub(super) fn set_script(field: &mut Option<Command>, owner: &dyn std::fmt::Display, args: &mut Args<'_>) {
    let Some(command) = args.command() else { return };
    if field.is_some() {
        let keyword = args.keyword;
        args.error(format!("({owner}) {keyword} script already specified - ignoring {}", command.program()));
        return;
    }
    *field = Some(command);
}

pub(super) fn show_script(command: Option<&Command>, shown: &mut Shown<'_>) {
    if let Some(command) = command {
        shown.text(&command::text(command));
    }
}

fn set_sorry(vs: &mut VirtualServer, args: &mut Args<'_>) {
    let Some(spec) = args.need() else { return };
    let Some((address, port)) = value::host(spec).zip(args.word().map_or(Some(0), value::port)) else {
        args.error(format!("Invalid sorry server IP address {spec} - skipping")).hint("sorry_server ADDRESS [PORT]");
        return;
    };
    vs.sorry_server = Some(SorryServer { at: args.at, address, port, forwarding: vs.forwarding, inhibit: false });
}

fn set_sorry_inhibit(vs: &mut VirtualServer, args: &mut Args<'_>) {
    match &mut vs.sorry_server {
        Some(sorry) => sorry.inhibit = true,
        None => {
            args.error("Ignoring sorry_server inhibit used before or without sorry_server");
        }
    }
}

fn set_sorry_forwarding(vs: &mut VirtualServer, args: &mut Args<'_>) {
    let Some(sorry) = &mut vs.sorry_server else {
        args.error("sorry_server forwarding used without sorry_server");
        return;
    };
    if let Some(forwarding) = value::forwarding(args, "sorry server") {
        sorry.forwarding = Some(forwarding);
    }
}
