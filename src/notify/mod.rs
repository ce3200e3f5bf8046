//! What is told of a transition, to whom, and in which order. Pure.
//!
//! [`fifo_line`] and [`scripts`] say one [`Notice`] in the words of keepalived's pipes and scripts, [`Queue`] keeps the
//! scripts of one object in order.

mod queue;

pub use queue::{Object, Order, Queue};

use crate::effect::notice::{Notice, Told};
use crate::model::script::Script;

/// The line that goes to the pipes. Names come from a configuration's words and have no line end.
pub fn fifo_line(notice: &Notice) -> String {
    let Notice { subject, name, told, priority, .. } = notice;
    format!("{subject} \"{name}\" {told} {priority}\n")
}

/// What a notice means to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The object is now in this state.
    State,
    /// Something happened in that state.
    Event,
    /// Of interest to pipes only.
    Number,
}

fn kind(told: Told) -> Kind {
    match told {
        Told::Master | Told::Backup | Told::Fault | Told::Stop | Told::Deleted => Kind::State,
        Told::MasterRxLowerPri => Kind::Event,
        Told::MasterPriority | Told::BackupPriority => Kind::Number,
    }
}

/// The scripts that a notice runs, with all their arguments: the one for this very transition as it is configured, then the
/// one for any, which is told what happened. Only states are told to the latter.
pub fn scripts(notice: &Notice) -> Vec<Script> {
    let (specific, any) = match kind(notice.told) {
        Kind::State => (notice.specific.as_ref(), notice.any.as_ref()),
        Kind::Event => (notice.specific.as_ref(), None),
        Kind::Number => (None, None),
    };
    let told = |script: &Script| {
        let said = [notice.subject.to_string(), notice.name.to_string(), notice.told.to_string(), notice.priority.to_string()];
        with_arguments(script, said.map(String::into_boxed_str))
    };
    specific.cloned().into_iter().chain(any.map(told)).collect()
}

/// The same script with more arguments.
pub fn with_arguments(script: &Script, more: impl IntoIterator<Item = Box<str>>) -> Script {
    let argv = script.argv.iter().cloned().chain(more).collect();
    Script { argv, ..script.clone() }
}

#[cfg(test)]
mod tests;
