//! Values that several blocks of the balancer share.

pub(crate) use crate::config::args::host;
use crate::config::args::{Args, decimal, micros_text};
use crate::config::keyword::Show;
use crate::model::checker::{Micros, Timeout};
use crate::model::lvs::{Checksum, Forwarding, Tunnel};
use crate::model::net::Family;
use std::net::IpAddr;
use std::num::NonZeroU16;

impl Show for Micros {
    fn shown(&self) -> Option<String> {
        Some(micros_text(self.get(), 1_000_000))
    }
}

impl Show for Timeout {
    fn shown(&self) -> Option<String> {
        Some(micros_text(self.get().into(), 1_000_000))
    }
}

/// Decimal seconds held as [`Micros`] or an `Option` of it: `time!(|draft| draft.field, minimum in microseconds, range)`.
/// A place that must be made before it is written to is given twice, `time!(|draft| writing, reading, ...)`.
macro_rules! time {
    (|$t:ident| $place:expr, $min:literal, $range:literal) => {
        $crate::config::keyword::lvs::value::time!(|$t| $place, $place, $min, $range)
    };
    (|$t:ident| $place:expr, $shown:expr, $min:literal, $range:literal) => {
        $crate::config::keyword::line!(
            "SECONDS[.FRACTION]",
            $range,
            |$t, args| {
                if let Some(time) = $crate::config::keyword::lvs::value::read_micros(args, $min) {
                    $place = time.into();
                }
            },
            |$t, shown| shown.value(&$shown)
        )
    };
}

/// The same for a [`Timeout`].
macro_rules! timeout {
    (|$t:ident| $place:expr) => {
        $crate::config::keyword::lvs::value::timeout!(|$t| $place, $place)
    };
    (|$t:ident| $place:expr, $shown:expr) => {
        $crate::config::keyword::line!(
            "SECONDS[.FRACTION]",
            "0.000001..4294.967295",
            |$t, args| {
                if let Some(timeout) = $crate::config::keyword::lvs::value::read_timeout(args) {
                    $place = timeout.into();
                }
            },
            |$t, shown| shown.value(&$shown)
        )
    };
}

/// A number of retries, at least one: `retry!(|draft| draft.field)`.
macro_rules! retry {
    (|$t:ident| $place:expr) => {
        $crate::config::keyword::lvs::value::retry!(|$t| $place, $place)
    };
    (|$t:ident| $place:expr, $shown:expr) => {
        $crate::config::keyword::line!(
            "N",
            "1..4294967295",
            |$t, args| {
                if let Some(retry) = args.number::<u32>(1, 4_294_967_295) {
                    $place = std::num::NonZeroU32::new(retry);
                }
            },
            |$t, shown| shown.value(&$shown.map(std::num::NonZeroU32::get))
        )
    };
}

/// A text that is given once; a second one is told and wins: `text!("what it is called", |draft| draft.field)`.
macro_rules! text {
    ($what:literal, |$t:ident| $place:expr) => {
        $crate::config::keyword::lvs::value::text!($what, |$t| $place, $place)
    };
    ($what:literal, |$t:ident| $place:expr, $shown:expr) => {
        $crate::config::keyword::line!(
            "TEXT",
            "",
            |$t, args| $crate::config::keyword::lvs::value::set_text(&mut $place, $what, args),
            |$t, shown| shown.value(&$shown)
        )
    };
}

/// One word and no more.
macro_rules! label {
    ($what:literal, |$t:ident| $place:expr) => {
        $crate::config::keyword::lvs::value::label!($what, |$t| $place, $place)
    };
    ($what:literal, |$t:ident| $place:expr, $shown:expr) => {
        $crate::config::keyword::line!(
            "WORD",
            "",
            |$t, args| {
                if let Some(label) = $crate::config::keyword::lvs::value::read_label(args, $what) {
                    $place = Some(label);
                }
            },
            |$t, shown| shown.value(&$shown)
        )
    };
}

pub(crate) use {label, retry, text, time, timeout};

pub(crate) fn read_micros(args: &mut Args<'_>, min: u64) -> Option<Micros> {
    let word = args.need()?;
    Micros::new(args.micros_in(word, 1_000_000, min, Micros::MAX)?)
}

pub(crate) fn read_timeout(args: &mut Args<'_>) -> Option<Timeout> {
    let word = args.need()?;
    let micros = args.micros_in(word, 1_000_000, 1, Timeout::MAX.into())?;
    Timeout::new(u32::try_from(micros).ok()?)
}

pub(crate) fn set_text(field: &mut Option<Box<str>>, what: &str, args: &mut Args<'_>) {
    let Some(word) = args.word() else {
        args.error(format!("{what} missing"));
        return;
    };
    if let Some(old) = field.replace(word.into()) {
        args.error(format!("Duplicate {what} - overwriting {old} with {word}"));
    }
}

pub(crate) fn read_label(args: &mut Args<'_>, what: &str) -> Option<Box<str>> {
    let label = args.word();
    if label.is_none() || args.word().is_some() {
        args.error(format!("{what} missing or extra parameters")).hint("exactly one word, in quotes where it has blanks");
        return None;
    }
    label.map(Into::into)
}

/// A port; 0 is taken as none.
pub(crate) fn port(word: &str) -> Option<u16> {
    u16::try_from(decimal(word).ok()?).ok()
}

pub(crate) fn family(word: &str) -> Option<Family> {
    [Family::V4, Family::V6].into_iter().find(|f| f.keyword() == word)
}

/// `NAT`, `DR` or `TUN` with the options of a tunnel. A method with bad options still counts: a tunnel is then plain IPIP.
pub(crate) fn forwarding(args: &mut Args<'_>, whose: &str) -> Option<Forwarding> {
    let method = match args.need()? {
        "NAT" => Forwarding::Nat,
        "DR" => Forwarding::DirectRoute,
        "TUN" => Forwarding::Tunnel(Tunnel::Ipip),
        other => {
            let text = format!("PARSER : unknown [{other}] routing method for {whose}.");
            args.error(text).hint("NAT, DR or TUN, in upper case");
            return None;
        }
    };
    let tunnel = tunnel(args, whose);
    Some(match (method, tunnel) {
        (Forwarding::Tunnel(_), Some(tunnel)) => Forwarding::Tunnel(tunnel),
        (method, _) => method,
    })
}

/// The options after the method; those of anything but a tunnel are checked and mean nothing.
fn tunnel(args: &mut Args<'_>, whose: &str) -> Option<Tunnel> {
    let mut kind = "ipip";
    let mut port = None;
    let mut checksum = None;
    while let Some(word) = args.word() {
        match word {
            "type" => match args.word() {
                Some(word @ ("ipip" | "gue" | "gre")) => kind = word,
                Some(other) => {
                    args.error(format!("Unknown tunnel type {other} for {whose}.")).hint("ipip, gue or gre");
                    return None;
                }
                None => {
                    args.error(format!("Missing tunnel type for {whose}.")).hint("ipip, gue or gre");
                    return None;
                }
            },
            "port" => {
                let Some(word) = args.word() else {
                    args.error(format!("Missing port for {whose} gue tunnel."));
                    return None;
                };
                let Some(number) = self::port(word).and_then(NonZeroU16::new) else {
                    args.error(format!("Invalid gue tunnel port {word} for {whose}.")).hint("a number from 1 to 65535");
                    return None;
                };
                port = Some(number);
            }
            "nocsum" => checksum = Some(Checksum::None),
            "csum" => checksum = Some(Checksum::Usual),
            "remcsum" => checksum = Some(Checksum::Remote),
            other => {
                args.error(format!("Invalid tunnel option {other} for {whose}.")).hint("type, port, nocsum, csum or remcsum");
                return None;
            }
        }
    }
    if port.is_some() != (kind == "gue") {
        args.error("gue tunnels require port, otherwise cannot have port.").hint("TUN type gue port NUMBER");
        return None;
    }
    match (kind, port, checksum) {
        ("gue", Some(port), _) => Some(Tunnel::Gue { port, checksum: checksum.unwrap_or_default() }),
        ("gre", _, Some(Checksum::Remote)) => {
            args.error("gre tunnels do not support remote checksum option.");
            None
        }
        ("gre", _, _) => Some(Tunnel::Gre { checksum: checksum.unwrap_or_default() }),
        (_, _, Some(_)) => {
            args.error("ipip tunnels do not support checksum option.");
            None
        }
        (_, _, None) => Some(Tunnel::Ipip),
    }
}

pub(crate) fn forwarding_text(forwarding: Forwarding) -> String {
    let checksum = |checksum| match checksum {
        Checksum::None => "nocsum",
        Checksum::Usual => "csum",
        Checksum::Remote => "remcsum",
    };
    match forwarding {
        Forwarding::Nat => "NAT".to_owned(),
        Forwarding::DirectRoute => "DR".to_owned(),
        Forwarding::Tunnel(Tunnel::Ipip) => "TUN type ipip".to_owned(),
        Forwarding::Tunnel(Tunnel::Gue { port, checksum: c }) => format!("TUN type gue port {port} {}", checksum(c)),
        Forwarding::Tunnel(Tunnel::Gre { checksum: c }) => format!("TUN type gre {}", checksum(c)),
    }
}

/// An address with its port, as the lines that open these blocks have them; port 0 stays out.
pub(crate) fn address_text(address: IpAddr, port: u16) -> String {
    if port == 0 { address.to_string() } else { format!("{address} {port}") }
}
