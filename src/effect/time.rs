//! Time as engines know it: a point on the kernel's monotonic clock, handed in with every event.

use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// A point in time, in nanoseconds of the monotonic clock. It means the same in every process of one boot, so a successor
/// can take over a deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is not.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// What the time of day (UTC) is ahead of the monotonic clock. It changes when the clock is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeOfDay(i128);

impl TimeOfDay {
    /// Now is so long after the beginning of 1970.
    pub fn read(now: Instant, since_1970: Duration) -> Self {
        Self(i128::from(nanos(since_1970)) - i128::from(now.0))
    }

    /// How long after the beginning of 1970; before that there is nothing.
    pub fn at(self, now: Instant) -> Duration {
        let nanos = (i128::from(now.0) + self.0).clamp(0, u64::MAX.into());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or_default())
    }

    /// By how much the clock was set between the two, forth or back.
    pub fn apart(self, other: Self) -> Duration {
        Duration::from_nanos(u64::try_from((self.0 - other.0).unsigned_abs()).unwrap_or(u64::MAX))
    }
}

/// No duration is longer than the clock lasts.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_ends_at_the_ends_of_the_clock() {
        let second = Duration::from_secs(1);
        let at = Instant::from_nanos(5);
        assert_eq!(at + second, Instant::from_nanos(1_000_000_005));
        assert_eq!(at - second, Instant::from_nanos(0));
        assert_eq!(Instant::from_nanos(u64::MAX) + Duration::MAX, Instant::from_nanos(u64::MAX));
        assert_eq!((at + second).since(at), second);
        assert_eq!(at.since(at + second), Duration::ZERO);
    }

    #[test]
    fn the_time_of_day_goes_on_with_the_clock_until_it_is_set() {
        let second = Duration::from_secs(1);
        let (at, day) = (Instant::from_nanos(5_000_000_000), Duration::from_secs(1_800_000_000));
        let time = TimeOfDay::read(at, day);
        assert_eq!((time.at(at), time.at(at + second), time.at(at - second)), (day, day + second, day - second));
        let set = TimeOfDay::read(at + second, day);
        assert_eq!((set.apart(time), time.apart(set), set.at(at + second)), (second, second, day));
        let unset = TimeOfDay::read(at, Duration::ZERO);
        assert_eq!((unset.at(at), unset.at(at + second), unset.at(at - second)), (Duration::ZERO, second, Duration::ZERO));
    }
}
