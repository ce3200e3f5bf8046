//! The metrics of a route: plain numbers, times, switches and the congestion control algorithm.

use super::value::{self, Unit};
use super::{refuse, whole};
use crate::config::args::{Args, Fraction, fraction};
use crate::config::draft::net::Route;
use crate::config::keyword::Shown;
use crate::config::text::word;
use crate::model::net::route::{Congestion, Metric, Setting};

/// Bit 0 of the features.
const ECN: u32 = 1;

/// A number, `[lock] N` where the kernel may be kept from adjusting it.
macro_rules! metric {
    ($metric:ident, lock) => {
        $crate::config::keyword::line!(
            "[lock] N",
            "0..4294967295",
            |t, a| $crate::config::keyword::net::metric::set_lockable(t, a, Metric::$metric),
            |t, s| $crate::config::keyword::net::metric::show(t, s, Metric::$metric)
        )
    };
    ($metric:ident, $most:literal) => {
        $crate::config::keyword::Kind {
            syntax: "N",
            range: concat!("0..", stringify!($most)),
            body: $crate::config::keyword::Body::Line {
                set: |t, a| $crate::config::keyword::net::metric::set(t, a, Metric::$metric, $most),
                show: |t, s| $crate::config::keyword::net::metric::show(t, s, Metric::$metric),
            },
        }
    };
}

/// A time that the kernel counts in so many parts of a millisecond.
macro_rules! time {
    ($metric:ident, $parts:literal) => {
        $crate::config::keyword::line!(
            "[lock] N|N[.FRACTION]s|Nms",
            "0.2..120 seconds; without a unit in the kernel's",
            |t, a| $crate::config::keyword::net::metric::set_time(t, a, Metric::$metric, $parts),
            |t, s| $crate::config::keyword::net::metric::show_time(t, s, Metric::$metric, $parts)
        )
    };
}

pub(super) use {metric, time};

pub(super) fn set(route: &mut Route, args: &mut Args<'_>, metric: Metric, most: u32) {
    if let Some(value) = whole(args, 0, most.into()) {
        route.metrics.values.insert(metric, Setting { value, locked: false });
    }
}

pub(super) fn set_lockable(route: &mut Route, args: &mut Args<'_>, metric: Metric) {
    let locked = lock(args);
    if let Some(value) = whole(args, 0, u32::MAX.into()) {
        route.metrics.values.insert(metric, Setting { value, locked });
    }
}

fn lock(args: &mut Args<'_>) -> bool {
    let locked = args.peek() == Some("lock");
    if locked {
        args.word();
    }
    locked
}

pub(super) fn show(route: &Route, shown: &mut Shown<'_>, metric: Metric) {
    if let Some(Setting { value, locked }) = route.metrics.values.get(&metric) {
        shown.text(&format!("{}{value}", locking(*locked)));
    }
}

fn locking(locked: bool) -> &'static str {
    if locked { "lock " } else { "" }
}

pub(super) fn set_time(route: &mut Route, args: &mut Args<'_>, metric: Metric, parts: u32) {
    const LEAST: u64 = 200;
    const MOST: u64 = 120_000;
    let locked = lock(args);
    let Some(word) = args.need() else { return };
    let keyword = args.keyword;
    let bad = format!("Invalid {keyword} {word} for route");
    let Some((decimal, unit)) = value::time(word) else {
        return refuse(args, bad);
    };
    // Kernel units are taken as they are; of a time what is finer than a millisecond is rounded.
    let (step, scale) = match unit {
        Unit::Kernel => (1, 1),
        Unit::Milliseconds => (1, u64::from(parts)),
        Unit::Seconds => (1000, u64::from(parts)),
    };
    let count = match fraction(decimal, step) {
        Ok(count) => count,
        Err(Fraction::TooFine(count)) => {
            args.error(format!("number '{decimal}' has too many decimal places")).hint("milliseconds are the finest");
            count
        }
        Err(Fraction::Malformed) => return refuse(args, bad),
    };
    let parts = u64::from(parts);
    let (least, most) = (LEAST * parts, MOST * parts);
    let mut value = count.saturating_mul(scale);
    if unit == Unit::Kernel && value > most {
        args.error(format!("number '{word}' outside range [0, {most}]")).hint(format!("{most} is two minutes"));
        return args.abandon();
    }
    if value < least {
        args.error(format!("{keyword} value {word} below minimum {LEAST}ms, resetting"))
            .hint(format!("without a unit {keyword} counts {parts} to the millisecond"));
        value = least;
    }
    if value > most {
        args.error(format!("{keyword} value {word} above maximum {MOST}ms, resetting"));
        value = most;
    }
    if let Ok(value) = u32::try_from(value) {
        route.metrics.values.insert(metric, Setting { value, locked });
    }
}

pub(super) fn show_time(route: &Route, shown: &mut Shown<'_>, metric: Metric, parts: u32) {
    if let Some(Setting { value, locked }) = route.metrics.values.get(&metric) {
        let time = if value % parts == 0 { format!("{}ms", value / parts) } else { value.to_string() };
        shown.text(&format!("{}{time}", locking(*locked)));
    }
}

pub(super) fn set_features(route: &mut Route, args: &mut Args<'_>) {
    match args.need() {
        None => {}
        Some("ecn") => {
            let locked = false;
            route.metrics.values.insert(Metric::Features, Setting { value: ECN, locked });
        }
        Some(other) => {
            args.error(format!("feature {other} not supported")).hint("ecn is the only one");
        }
    }
}

pub(super) fn show_features(route: &Route, shown: &mut Shown<'_>) {
    if route.metrics.values.contains_key(&Metric::Features) {
        shown.text("ecn");
    }
}

pub(super) fn set_congestion(route: &mut Route, args: &mut Args<'_>) {
    let locked = lock(args);
    if let Some(algorithm) = args.need() {
        route.metrics.congestion = Some(Congestion { algorithm: algorithm.into(), locked });
    }
}

pub(super) fn show_congestion(route: &Route, shown: &mut Shown<'_>) {
    if let Some(Congestion { algorithm, locked }) = &route.metrics.congestion {
        shown.text(&format!("{}{}", locking(*locked), word(algorithm)));
    }
}
