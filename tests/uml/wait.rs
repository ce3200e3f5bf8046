//! Waiting for what is to happen, generously: a busy machine must not break a test.

#![expect(clippy::disallowed_methods, reason = "it waits")]

use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything takes that is going to happen at all.
const PATIENCE: Duration = Duration::from_secs(90);

/// Asks until there is an answer.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Some(answer) => return answer,
            None => assert!(Instant::now() < end, "in vain for {PATIENCE:?}: {what}"),
        }
        thread::sleep(Duration::from_millis(10));
    }
}
