//! The text that a dump is made of, line by line.

use super::words::{Put, Seconds};
use std::fmt::{Arguments, Write as _};
use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Sheet(String);

impl Sheet {
    /// With room for so many objects of a screenful each, so that it is not moved again and again.
    pub(super) fn for_objects(count: usize) -> Self {
        const SCREENFUL: usize = 2048;
        Self(String::with_capacity(count.saturating_add(4).saturating_mul(SCREENFUL)))
    }

    pub(super) fn section(&mut self, title: &str) {
        self.row(("------< ", title, " >------"));
    }

    /// A line of what can be put there at once.
    pub(super) fn row(&mut self, words: impl Put) {
        words.put(&mut self.0);
        self.0.push('\n');
    }

    /// A line of anything else, in places that are not come to a thousand times.
    pub(super) fn line(&mut self, text: Arguments<'_>) {
        self.0.write_fmt(text).expect("memory takes any text");
        self.0.push('\n');
    }

    pub(super) fn done(self) -> String {
        self.0
    }
}

pub(super) const fn enabled(yes: bool) -> &'static str {
    if yes { "enabled" } else { "disabled" }
}

pub(super) const fn yes(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

pub(super) const fn on(on: bool) -> &'static str {
    if on { "ON" } else { "OFF" }
}

pub(super) const fn set(set: bool) -> &'static str {
    if set { "set" } else { "unset" }
}

/// `1.500000`
pub(super) const fn seconds(duration: Duration) -> Seconds {
    Seconds(duration)
}
