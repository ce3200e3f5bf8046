//! The supervisor's own part of what SIGUSR1 asks for.

use crate::model::Model;
use crate::observe;
use crate::runtime::dump::{self, Dump};
use crate::runtime::log;

/// A few kilobytes: it is not worth a thread, of which a process that forks has none.
pub(super) fn dump(model: &Model) {
    let path = dump::path(Dump::Parent, &model.global.process);
    if let Err(error) = dump::write(&path, &observe::parent(&model.global)) {
        log::error(&format!("{} cannot be written: {error}", path.display()));
    }
}
