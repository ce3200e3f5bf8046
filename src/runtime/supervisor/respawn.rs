//! When a role that has died is started again, and as what. Pure.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// So many deaths within so long are no accident.
const CRASHES: usize = 5;
const WINDOW: Duration = Duration::from_secs(10);
/// After a run as long as this, all is forgotten.
const HEALTHY: Duration = Duration::from_secs(60);
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// How a role ended that was not asked to by the supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// In good order, because somebody asked it.
    Stopped,
    Crashed,
    /// It says that it cannot do what it is for.
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// At once, and it carries on where the dead one was.
    Resume,
    /// Later, and as if nothing had been; what the dead one held is given up now.
    Restart { after: Duration },
}

/// keepalived's delays, 0, 1, 2, 4, ... 60 seconds. A crash is no reason for one until crashes come in a row.
#[derive(Debug, Default)]
pub(super) struct Respawn {
    crashes: VecDeque<Instant>,
    delay: Duration,
    /// Resuming has not helped.
    hopeless: bool,
}

impl Respawn {
    pub(super) fn died(&mut self, now: Instant, run: Duration, death: Death) -> Next {
        if run >= HEALTHY {
            *self = Self::default();
        }
        match death {
            Death::Stopped | Death::Failed => self.restart(),
            Death::Crashed => {
                self.crashes.push_back(now);
                self.crashes.retain(|&crash| now.saturating_duration_since(crash) < WINDOW);
                if !self.hopeless && self.crashes.len() >= CRASHES {
                    self.hopeless = true;
                    self.delay = self.delay.max(Duration::from_secs(1));
                }
                if self.hopeless { self.restart() } else { Next::Resume }
            }
        }
    }

    fn restart(&mut self) -> Next {
        let after = self.delay;
        self.delay = (after * 2).clamp(Duration::from_secs(1), LONGEST_DELAY);
        Next::Restart { after }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an origin for the others")]
mod tests {
    use super::*;

    /// Deaths, each so many milliseconds after the one before, and what is done about them.
    fn story(deaths: &[(u64, Death)]) -> Vec<Option<u64>> {
        let (mut respawn, mut now) = (Respawn::default(), Instant::now());
        let mut done = Vec::new();
        for &(after, death) in deaths {
            let run = Duration::from_millis(after);
            now += run;
            done.push(match respawn.died(now, run, death) {
                Next::Resume => None,
                Next::Restart { after } => Some(after.as_secs()),
            });
        }
        done
    }

    #[test]
    fn stops_are_followed_by_keepaliveds_delays() {
        let deaths = [(1, Death::Stopped); 10];
        assert_eq!(story(&deaths), [0, 1, 2, 4, 8, 16, 32, 60, 60, 60].map(Some));
        assert_eq!(story(&[(1, Death::Stopped), (1, Death::Stopped), (60_000, Death::Stopped)]), [Some(0), Some(1), Some(0)]);
    }

    #[test]
    fn a_crash_is_resumed_until_it_is_the_fifth_in_ten_seconds() {
        assert_eq!(story(&[(2_500, Death::Crashed); 8]), [None; 8]);
        let mut want = vec![None; 4];
        want.extend([1, 2, 4, 8].map(Some));
        assert_eq!(story(&[(1_000, Death::Crashed); 8]), want);
    }

    #[test]
    fn what_did_not_help_is_not_tried_again_before_a_healthy_run() {
        let mut deaths = vec![(100, Death::Crashed); 5];
        deaths.extend([(30_000, Death::Crashed), (59_999, Death::Stopped), (60_000, Death::Crashed), (1, Death::Stopped)]);
        assert_eq!(story(&deaths)[4..], [Some(1), Some(2), Some(4), None, Some(0)]);
    }
}
