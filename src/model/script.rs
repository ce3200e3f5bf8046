//! Commands that the daemon runs.

use std::path::PathBuf;

/// A command that can be run, with the rights it runs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The first word is what the command sees as its own name: as configured, or the path that a search in PATH found.
    pub argv: Box<[Box<str>]>,
    pub action: Action,
    pub uid: u32,
    pub gid: u32,
    /// It also gets the other groups its user is in; without this it has only the one.
    pub supplementary_groups: bool,
}

/// What running a script means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// This file is executed.
    Execute(PathBuf),
    /// Nothing is: it succeeds when this file can be opened (`script "</path"`, mostly for /dev/tcp-like files).
    Open(PathBuf),
}
