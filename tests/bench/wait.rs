//! Waiting for what is to happen, generously: a busy machine must not break a test.

use std::time::{Duration, Instant};

/// Longer than anything takes that is going to happen at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// Asks until there is an answer.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let answer = within(PATIENCE, &mut ask);
    assert!(answer.is_some(), "in vain for {PATIENCE:?}: {what}");
    answer.expect("it was just looked at")
}

/// Asks until there is an answer or the time is over.
pub(crate) fn within<T>(time: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + time;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= end {
            return None;
        }
        pause(Duration::from_millis(10));
    }
}

pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
