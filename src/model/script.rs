//! Commands that the daemon runs.

use std::path::PathBuf;

/// A user, with an optional group, as a configuration names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSpec {
    pub user: Box<str>,
    pub group: Option<Box<str>>,
}

/// A command that can be run, with the rights it runs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// As configured; the first word is what the command sees as its own name.
    pub argv: Box<[Box<str>]>,
    /// What is executed.
    pub path: PathBuf,
    pub uid: u32,
    pub gid: u32,
}
