//! Who is better, and how long to wait for whom: the arithmetic of RFC 3768 and RFC 5798, without state.

use crate::model::vrrp::{Priority, Version};
use std::cmp::Ordering;
use std::net::IpAddr;
use std::time::Duration;

/// The unit of VRRPv3 intervals.
const CENTI: Duration = Duration::from_millis(10);

/// How much later than the others a router of this priority gives up waiting. Version 2 knows whole seconds only, and its
/// skew is a part of one second whatever the interval (RFC 3768 6.1).
pub(super) fn skew(version: Version, priority: u8, interval: Duration) -> Duration {
    let part = 256 - u32::from(priority);
    match version {
        Version::V2 => Duration::from_secs(1) * part / 256,
        Version::V3 => centis(interval) * part / 256,
    }
}

/// A learnt or own interval as the wire can say it.
fn centis(interval: Duration) -> Duration {
    let count = u32::try_from(interval.as_nanos() / CENTI.as_nanos()).unwrap_or(u32::MAX);
    CENTI.saturating_mul(count)
}

/// How long a master may be silent.
pub(super) fn master_down(version: Version, priority: u8, interval: Duration, adverts: u8) -> Duration {
    interval * u32::from(adverts) + skew(version, priority, interval)
}

/// How an advert compares with what we would send: by priority, then by address (RFC 5798 6.4.3).
pub(super) fn compare(theirs: (u8, IpAddr), ours: (u8, Option<IpAddr>)) -> Ordering {
    theirs.0.cmp(&ours.0).then_with(|| Some(theirs.1).cmp(&ours.1))
}

/// An owner waits like one even while its priority is reduced.
pub(super) fn waiting_priority(base: Priority, effective: u8) -> u8 {
    if base.is_owner() { Priority::OWNER.0 } else { effective }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_times_are_those_of_the_rfcs() {
        let ms = Duration::from_millis;
        let us = Duration::from_micros;
        for (version, priority, interval, adverts, want) in [
            (Version::V2, 150, ms(1000), 3, us(3_414_062)),
            (Version::V2, 100, ms(2000), 3, us(6_609_375)),
            (Version::V2, 255, ms(1000), 3, us(3_003_906)),
            (Version::V3, 150, ms(500), 3, us(1_707_031)),
            (Version::V3, 100, ms(10), 3, us(36_093)),
            (Version::V3, 150, ms(500), 6, us(3_207_031)),
            (Version::V2, 150, ms(1000), 1, us(1_414_062)),
        ] {
            let got = master_down(version, priority, interval, adverts);
            assert_eq!(got.as_micros(), want.as_micros(), "{version:?} {priority} {interval:?}");
        }
    }

    #[test]
    fn the_higher_priority_wins_and_then_the_higher_address() {
        let a = |last| IpAddr::from([10, 0, 0, last]);
        assert_eq!(compare((101, a(1)), (100, Some(a(2)))), Ordering::Greater);
        assert_eq!(compare((99, a(3)), (100, Some(a(2)))), Ordering::Less);
        assert_eq!(compare((100, a(3)), (100, Some(a(2)))), Ordering::Greater);
        assert_eq!(compare((100, a(1)), (100, Some(a(2)))), Ordering::Less);
        assert_eq!(compare((100, a(2)), (100, Some(a(2)))), Ordering::Equal);
        let (low, high) = (IpAddr::from([10, 0, 0, 9]), IpAddr::from([10, 0, 0, 10]));
        assert_eq!(compare((100, high), (100, Some(low))), Ordering::Greater, "as numbers, not as text");
    }
}
