//! What an administrator may look at, made from the engines' snapshots. Pure.

pub mod explain;
pub mod metrics;
pub mod screen;
pub mod stats;
pub mod status;

use std::time::Duration;

/// Now, by the clock that engines go by and by the one on the wall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Nanoseconds of the monotonic clock.
    pub monotonic: u64,
    /// Since 1970.
    pub wall: Duration,
}

impl Clock {
    /// When that was, in nanoseconds of the monotonic clock, by the clock on the wall: seconds since 1970, to the millisecond.
    pub fn seconds(self, nanos: u64) -> f64 {
        let at = self.wall.saturating_sub(self.since(nanos)) + Duration::from_nanos(nanos.saturating_sub(self.monotonic));
        (at.as_secs_f64() * 1000.0).round() / 1000.0
    }

    /// How long ago that was.
    pub const fn since(self, nanos: u64) -> Duration {
        Duration::from_nanos(self.monotonic.saturating_sub(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_go_equally_fast() {
        let clock = Clock { monotonic: 10_000_000_000, wall: Duration::from_secs(1_000) };
        for (nanos, want) in [(10_000_000_000, 1000.0), (8_500_400_000, 998.5), (0, 990.0), (11_250_000_000, 1001.25)] {
            assert_eq!(clock.seconds(nanos), want, "{nanos}");
        }
        assert_eq!(clock.since(9_000_000_000), Duration::from_secs(1));
    }
}
