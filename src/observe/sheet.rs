//! The text that a dump is made of, line by line.

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
        self.line(format_args!("------< {title} >------"));
    }

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
pub(super) fn seconds(duration: Duration) -> impl std::fmt::Display {
    std::fmt::from_fn(move |f| write!(f, "{}.{:06}", duration.as_secs(), duration.subsec_micros()))
}

/// A name that there may not be.
pub(super) fn or_none<T: std::fmt::Display>(value: Option<T>) -> impl std::fmt::Display {
    std::fmt::from_fn(move |f| match &value {
        Some(value) => write!(f, "{value}"),
        None => f.write_str("(none)"),
    })
}
