//! How often at most something is answered that others can make us answer.

use crate::effect::time::Instant;
use std::time::Duration;

/// No stream of packets makes us speak more often than this, unless our own adverts are more frequent.
const SHORTEST: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limiter(Option<Instant>);

impl Limiter {
    /// Whether it is time; if so, time begins anew.
    pub(super) fn admits(&mut self, now: Instant, advert_interval: Duration) -> bool {
        let gap = advert_interval.min(SHORTEST);
        let admitted = self.0.is_none_or(|last| now >= last + gap);
        if admitted {
            self.0 = Some(now);
        }
        admitted
    }
}
