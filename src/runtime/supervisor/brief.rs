//! What the supervisor keeps of a configuration. All of it is in a file in memory, for processes that are to run it.

use crate::model::Model;
use crate::model::code::record;
use crate::model::global::observe::{Control, Metrics};
use crate::model::global::process::Process;
use crate::model::global::scripts::Scripts;
use crate::model::net::Statics;
use crate::observe;
use crate::runtime::reading::Kept;
use crate::runtime::supervisor::part::Part;
use std::io;
use std::sync::Arc;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Brief {
    pub(super) process: Process,
    /// The two that are run once.
    pub(super) scripts: Scripts,
    pub(super) control: Control,
    pub(super) metrics: Metrics,
    /// The supervisor's part of what SIGUSR1 asks for.
    pub(super) dump: Box<str>,
    pub(super) contents: Contents,
    pub(super) fixed: Fixed,
    /// The files that it names and that could not be read.
    pub(super) unread: Vec<Box<str>>,
}

/// How much of everything there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) instances: usize,
    pub(super) statics: bool,
    pub(super) virtual_servers: usize,
    pub(super) sessions: usize,
}

/// What is decided once, beside what concerns the process itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fixed {
    pub(super) nftables_ipvs: Option<Box<str>>,
    pub(super) disable_local_igmp: bool,
}

record! {
    Brief { process, scripts, control, metrics, dump, contents, fixed, unread }
    Contents { instances, statics, virtual_servers, sessions }
    Fixed { nftables_ipvs, disable_local_igmp }
}

impl Brief {
    pub(super) fn of(model: &Model, unread: Vec<Box<str>>) -> Self {
        let global = &model.global;
        let scripts = &global.scripts;
        Self {
            process: global.process.clone(),
            scripts: Scripts {
                startup: scripts.startup.clone(),
                startup_timeout: scripts.startup_timeout,
                shutdown: scripts.shutdown.clone(),
                shutdown_timeout: scripts.shutdown_timeout,
                ..Scripts::default()
            },
            control: global.control.clone(),
            metrics: global.metrics.clone(),
            dump: observe::parent(global).into(),
            contents: Contents {
                instances: model.vrrp.instances.len(),
                statics: model.statics != Statics::default(),
                virtual_servers: model.lvs.virtual_servers.len(),
                sessions: model.bfd.len(),
            },
            fixed: Fixed { nftables_ipvs: global.lvs.nftables.clone(), disable_local_igmp: global.vrrp.disable_local_igmp },
            unread,
        }
    }
}

/// A configuration as a process gets it when it is made.
#[derive(Clone, Debug)]
pub(super) struct Configuration {
    pub(super) kept: Kept,
    /// As long as the supervisor has it itself: a process that is made meanwhile need not read anything.
    at_hand: Option<Arc<Model>>,
}

impl Configuration {
    pub(super) fn new(kept: Kept, at_hand: Option<Arc<Model>>) -> Self {
        Self { kept, at_hand }
    }

    /// From here on it is in the file alone.
    pub(super) fn put_away(&mut self) {
        self.at_hand = None;
    }

    /// All that the part is to know, in a process of its own.
    pub(super) fn take_up(self, part: Part) -> io::Result<Arc<Model>> {
        match self.at_hand {
            Some(model) => Ok(model),
            None => self.kept.model(part.share()).map(Arc::new),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::code::Code as _;

    #[test]
    fn it_is_had_from_its_bytes_again() {
        let mut model = Model::default();
        model.global.process.instance = Some("a".into());
        model.global.lvs.nftables = Some("t".into());
        model.global.scripts.notify_json = true;
        model.bfd.clear();
        let brief = Brief::of(&model, vec!["/x: No such file or directory".into()]);
        assert!(brief.dump.contains("Global definitions"), "{}", brief.dump);
        let mut bytes = Vec::new();
        brief.put(&mut bytes);
        assert_eq!(Brief::get(&mut &*bytes), Some(brief));
    }
}
