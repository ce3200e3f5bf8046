//! Whether the time of day still goes with the monotonic clock.

use crate::effect::time::TimeOfDay;
use crate::kernel::timer::time_of_day;
use std::time::Duration;

/// Less is what it takes to read two clocks, or what a clock is corrected by as it goes.
const STEP: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Clock {
    known: TimeOfDay,
}

impl Clock {
    pub(super) const fn new(known: TimeOfDay) -> Self {
        Self { known }
    }

    /// What it says now, if that is not what was expected.
    pub(super) fn was_set(&mut self) -> Option<TimeOfDay> {
        self.differs(time_of_day())
    }

    fn differs(&mut self, now: TimeOfDay) -> Option<TimeOfDay> {
        if now.apart(self.known) < STEP {
            return None;
        }
        self.known = now;
        Some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::time::Instant;

    #[test]
    fn a_clock_is_told_of_when_it_was_set_or_has_drifted_as_far() {
        let read = |millis| TimeOfDay::read(Instant::default(), Duration::from_millis(millis));
        let mut clock = Clock::new(read(1000));
        let told: Vec<_> = [1000, 1004, 1009, 1010, 1019, 500, 500, 900_000].map(|at| clock.differs(read(at))).into();
        let set = |at| Some(read(at));
        assert_eq!(told, [None, None, None, set(1010), None, set(500), None, set(900_000)]);
    }
}
