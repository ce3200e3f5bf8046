//! Why an instance cannot take part. Each cause is held by itself, so that the end of one never hides another (keepalived
//! 2.4.3 keeps one bit for all interfaces and leaves FAULT when the first of two returns).

use std::collections::BTreeSet;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The configuration asks for what cannot be had.
    Unusable(&'static str),
    /// There is no interface of this name.
    NoInterface(Box<str>),
    /// The instance's own interface, that of one of its addresses, or a tracked one.
    InterfaceDown(Box<str>),
    /// Nothing to send from.
    NoSource,
    /// It cannot be heard.
    NoSocket,
    Script(Box<str>),
    /// A script that has not reported yet. Nobody is told of this one.
    Pending(Box<str>),
    File(Box<str>),
    Process(Box<str>),
    Bfd(Box<str>),
    /// Somebody else takes its addresses away again and again.
    Stripped,
    /// Somebody else makes something else of its interface again and again.
    Altered,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable(why) => f.write_str(why),
            Self::NoInterface(name) => write!(f, "interface {name} does not exist"),
            Self::InterfaceDown(name) => write!(f, "interface {name} is down"),
            Self::NoSource => f.write_str("no address to send from"),
            Self::NoSocket => f.write_str("its socket cannot be opened"),
            Self::Script(name) => write!(f, "script {name} fails"),
            Self::Pending(name) => write!(f, "script {name} has not reported yet"),
            Self::File(name) => write!(f, "file {name} says so"),
            Self::Process(name) => write!(f, "process {name} is not as it should be"),
            Self::Bfd(name) => write!(f, "BFD session {name} is down"),
            Self::Altered => f.write_str("another program keeps changing its interface"),
            Self::Stripped => f.write_str("another program keeps taking its addresses away"),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults(BTreeSet<Cause>);

impl Faults {
    pub(super) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    pub(super) fn has(&self, cause: &Cause) -> bool {
        self.0.contains(cause)
    }

    /// Only scripts are waited for: a fault that nobody is told of.
    pub(super) fn silent(&self) -> bool {
        self.0.iter().all(|cause| matches!(cause, Cause::Pending(_)))
    }

    pub(super) fn set(&mut self, cause: Cause, present: bool) {
        if present {
            self.0.insert(cause);
        } else {
            self.0.remove(&cause);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Cause> {
        self.0.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, cause) in self.0.iter().enumerate() {
            write!(f, "{}{cause}", if i > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}
