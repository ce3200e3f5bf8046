//! Log lines. Their wording is part of what tools rely on; each engine keeps its own in one catalogue.

/// How much it matters, in syslog's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Error,
    Warning,
    Notice,
    Info,
    /// Shown with `-D` only.
    Detail,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub level: Level,
    pub text: String,
}
