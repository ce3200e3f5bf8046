//! The supervisor's own part of what SIGUSR1 asks for.

use super::brief::Brief;
use crate::runtime::dump::{self, Dump};
use crate::runtime::log;

/// A few kilobytes: it is not worth a thread, of which a process that forks has none.
pub(super) fn dump(brief: &Brief) {
    let path = dump::path(Dump::Parent, &brief.process);
    if let Err(error) = dump::write(&path, &brief.dump) {
        log::error(&format!("{} cannot be written: {error}", path.display()));
    }
}
