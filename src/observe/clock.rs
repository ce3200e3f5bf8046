//! From the engines' time to the calendar.

use super::words::{Put, Seconds, digits, show};
use crate::effect::time::Instant;
use std::fmt;
use std::time::Duration;

/// One moment in both reckonings.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    pub now: Instant,
    /// Since 1970.
    pub wall: Duration,
    /// How far east of Greenwich the machine is at a second since 1970, in seconds.
    pub east: fn(i64) -> i64,
}

impl Clock {
    /// Since 1970.
    pub fn wall(&self, at: Instant) -> Duration {
        if at >= self.now { self.wall + at.since(self.now) } else { self.wall.saturating_sub(self.now.since(at)) }
    }

    /// `1763718645.123456 (Fri Nov 21 09:50:45.123456 2025)`
    pub(super) fn stamp(&self, at: Instant) -> Stamp {
        let wall = self.wall(at);
        let seconds = i64::try_from(wall.as_secs()).unwrap_or_default();
        Stamp { wall, local: seconds.saturating_add((self.east)(seconds)) }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    wall: Duration,
    /// In seconds, as the clock on the wall shows them.
    local: i64,
}

const DAY: i64 = 86_400;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Put for Stamp {
    fn put(&self, out: &mut String) {
        let (days, second) = (self.local.div_euclid(DAY), self.local.rem_euclid(DAY));
        let (year, month, day) = date(days);
        let name = |names: &[&'static str], at: i64| usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or_default();
        let (weekday, month) = (name(&WEEKDAYS, days.rem_euclid(7)), name(&MONTHS, month - 1));
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let micros = u64::from(self.wall.subsec_micros());
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        (Seconds(self.wall), " (", weekday, " ", month, if day < 10 { "  " } else { " " }).put(out);
        (count(day), " ").put(out);
        for (number, after) in [(hour, ":"), (minute, ":"), (second, ".")] {
            digits(out, count(number), 2);
            out.push_str(after);
        }
        digits(out, micros, 6);
        (" ", year, ")").put(out);
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self, f)
    }
}

/// Year, month and day of a day that is counted from the first of 1970. Years are taken to begin in March, so that the day
/// that comes and goes is the last one.
fn date(days: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097;
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_what_the_clock_on_the_wall_showed() {
        let second = Duration::from_secs(1);
        let clock = Clock { now: Instant::from_nanos(10_000_000_000), wall: Duration::new(1_795_254_658, 463_929_999), east: |_| 3600 };
        for (at, want) in [
            (clock.now, "1795254658.463929 (Sat Nov 21 10:50:58.463929 2026)"),
            (clock.now + second, "1795254659.463929 (Sat Nov 21 10:50:59.463929 2026)"),
            (clock.now - second, "1795254657.463929 (Sat Nov 21 10:50:57.463929 2026)"),
        ] {
            assert_eq!(clock.stamp(at).to_string(), want);
        }
    }

    #[test]
    fn every_day_has_its_date() {
        for (days, want) in [(0, (1970, 1, 1)), (-1, (1969, 12, 31)), (59, (1970, 3, 1)), (11_016, (2000, 2, 29)), (47_540, (2100, 2, 28))]
        {
            assert_eq!(date(days), want, "{days}");
        }
        assert_eq!(date(47_541), (2100, 3, 1));
    }
}
