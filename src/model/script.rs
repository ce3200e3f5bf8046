//! Commands that the daemon runs.

use std::fmt;
use std::path::PathBuf;

/// A command that can be run, with the rights it runs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The first word is what the command sees as its own name: as configured, or the path that a search in PATH found.
    pub argv: Box<[Box<str>]>,
    pub action: Action,
    pub uid: u32,
    pub gid: u32,
    /// All groups its user is in, if it is to have them; without this it has only the one. They are part of what a configuration
    /// means, so that nobody who runs scripts ever waits for those who know users.
    pub groups: Option<Box<[u32]>>,
}

/// What running a script means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// This file is executed.
    Execute(PathBuf),
    /// Nothing is: it succeeds when this file can be opened (`script "</path"`, mostly for /dev/tcp-like files).
    Open(PathBuf),
}

/// Who would run a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner {
    Vrrp,
    Checker,
    /// The supervisor, before the others begin or after they have ended.
    Supervisor,
}

/// A script that is configured and is not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disabled {
    /// All who would run it.
    pub runners: Box<[Runner]>,
    /// `track script NAME`, or what else it is.
    pub what: Box<str>,
    /// The reason, and what mends it if anything does.
    pub why: Box<str>,
}

impl fmt::Display for Disabled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disabled {}: {}", self.what, self.why)
    }
}

/// What is not run. It is told to whoever asks, and is no part of what a configuration means: two that do the same are equal.
#[derive(Clone, Debug, Default)]
pub struct LeftOut {
    pub scripts: Box<[Disabled]>,
}

impl PartialEq for LeftOut {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for LeftOut {}
