//! What of the configuration and the engine's wishes is in the kernel: the table of virtual services, the timeouts of its
//! connections, and the daemons that tell another director of them.

use super::marks::{Lent, Marking};
use crate::effect::ipvs::{ServerId, Service};
use crate::kernel::ipvs::{Daemon, Daemons, Effort, Problem, State, Table};
use crate::model::Model;
use crate::model::global::{FlushOnStop, SyncDaemon, Timeouts};
use crate::runtime::log;
use crate::runtime::role::ipvs_namespace;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

/// Checks wait meanwhile.
const LOOK: Effort = Effort { services: 256, time: Duration::from_millis(5) };

#[derive(Debug)]
pub(super) struct Kernel {
    table: Table,
    /// Opened when there is to be one.
    daemons: Option<Daemons>,
    namespace: Option<Arc<File>>,
    /// Nothing while somebody else has it.
    marking: Option<Marking>,
    timeouts: Timeouts,
    flush_on_stop: FlushOnStop,
    staged: bool,
}

impl Kernel {
    pub(super) fn open(model: &Model) -> io::Result<Self> {
        let namespace = ipvs_namespace(&model.global.process)?.map(Arc::new);
        let table = Table::open(namespace.as_deref().map(File::as_fd))?;
        let (timeouts, flush_on_stop) = (Timeouts::default(), model.global.lvs.flush_on_stop);
        Ok(Self { table, daemons: None, namespace, marking: Some(Marking::default()), timeouts, flush_on_stop, staged: false })
    }

    /// Before anything is held: what others left goes, if it is to.
    pub(super) fn flush(&mut self, model: &Model) {
        if model.global.lvs.flush {
            say(self.table.flush().err());
        }
    }

    /// Has packets marked, and waits for it.
    pub(super) fn mark(&mut self, model: &Model) {
        let mut lent = self.lend_marking();
        lent.put(model);
        self.take_back(lent.marking);
    }

    pub(super) fn lend_marking(&mut self) -> Lent {
        Lent { marking: self.marking.take().unwrap_or_default(), namespace: self.namespace.clone() }
    }

    pub(super) fn take_back(&mut self, marking: Marking) {
        self.marking = Some(marking);
    }

    /// Everything but services, destinations and marks.
    pub(super) fn configure(&mut self, model: &Model) {
        let lvs = &model.global.lvs;
        self.flush_on_stop = lvs.flush_on_stop;
        if self.timeouts != lvs.timeouts {
            self.timeouts = lvs.timeouts;
            say(self.table.set_timeouts(&lvs.timeouts).err());
        }
        let wanted = lvs.sync_daemon.as_ref().map_or_else(Vec::new, daemons);
        if wanted.is_empty() && self.daemons.is_none() {
            return;
        }
        if self.daemons.is_none() {
            match Daemons::open(self.namespace.as_deref().map(File::as_fd)) {
                Ok(opened) => self.daemons = Some(opened),
                Err(error) => return tracing::error!("the IPVS sync daemon cannot be started: {error}"),
            }
        }
        if let Some(daemons) = &mut self.daemons {
            say(daemons.hold(&wanted));
        }
    }

    /// To be put into the kernel by [`Kernel::settle`].
    pub(super) fn hold(&mut self, owner: ServerId, services: Box<[Service]>) {
        self.table.stage(owner, services);
        self.staged = true;
    }

    /// What somebody else may have put into the kernel, to be taken out by [`Kernel::release`]. Nothing is put in.
    pub(super) fn claim(&mut self, owner: ServerId, services: Box<[Service]>) {
        self.table.stage(owner, services);
    }

    pub(super) fn settle(&mut self) {
        if std::mem::take(&mut self.staged) {
            say(self.table.apply());
        }
        if let Some(marking) = &mut self.marking {
            marking.take();
        }
    }

    /// Puts back what others have taken away.
    pub(super) fn reconcile(&mut self) {
        let report = self.table.reconcile(LOOK);
        for mended in report.mended {
            log::warning(&mended.to_string());
        }
        say(report.problems);
    }

    /// The end.
    pub(super) fn release(&mut self) {
        say(self.table.release(self.flush_on_stop));
        if let Some(marking) = &mut self.marking {
            marking.release();
        }
        say(self.table.restore_timeouts().err());
        if let Some(daemons) = &mut self.daemons {
            say(daemons.release());
        }
    }
}

/// Both of them, all the time; those that follow an instance are its process's.
fn daemons(wanted: &SyncDaemon) -> Vec<Daemon> {
    let daemon = |state| Daemon {
        state,
        interface: wanted.interface.clone(),
        id: wanted.id.unwrap_or_default(),
        max_len: wanted.max_len,
        port: wanted.port,
        ttl: wanted.ttl,
        group: wanted.group,
    };
    if wanted.instance.is_some() { Vec::new() } else { vec![daemon(State::Master), daemon(State::Backup)] }
}

fn say(problems: impl IntoIterator<Item = Problem>) {
    for problem in problems {
        log::error(&problem.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn daemons_that_follow_an_instance_are_not_of_this_process() {
        let interface: Box<str> = "eth0".into();
        let mut wanted = SyncDaemon { interface, instance: None, id: Some(7), max_len: None, port: None, ttl: Some(2), group: None };
        let states: Vec<(State, u8)> = daemons(&wanted).iter().map(|daemon| (daemon.state, daemon.id)).collect();
        assert_eq!(states, [(State::Master, 7), (State::Backup, 7)]);
        wanted.instance = Some("VI_1".into());
        assert_eq!(daemons(&wanted), []);
    }
}
