//! The kernel's daemon that tells another director of connections, or takes in what that tells, as an instance is master or
//! not. Starting and stopping one takes the kernel as long as it takes, so a thread does it.

use crate::kernel::ipvs::{Daemon, Daemons, State};
use crate::model::Model;
use crate::model::global::SyncDaemon;
use crate::runtime::role::ipvs_namespace;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// All of it is this module's own.
const STACK: usize = 128 << 10;
/// At the end the kernel is waited for so long.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Synchroniser {
    conf: SyncDaemon,
    instance: Box<str>,
    orders: Sender<State>,
    ended: Receiver<()>,
    told: Option<State>,
    _thread: JoinHandle<()>,
}

impl Synchroniser {
    /// Nothing, where no instance is followed. A predecessor ends first: there is one daemon of each kind in the kernel.
    pub(super) fn start(model: &Model, before: Option<Self>) -> Option<Self> {
        let conf = model.global.lvs.sync_daemon.clone()?;
        let instance = conf.instance.clone()?;
        let started = ipvs_namespace(&model.global.process).and_then(|namespace| spawn(conf.clone(), namespace, before));
        match started {
            Ok((orders, ended, thread)) => Some(Self { conf, instance, orders, ended, told: None, _thread: thread }),
            Err(error) => {
                tracing::error!("the IPVS sync daemon cannot follow {instance}: {error}");
                None
            }
        }
    }

    /// Whether it still is what the configuration asks for.
    pub(super) fn is_as_configured(&self, model: &Model) -> bool {
        model.global.lvs.sync_daemon.as_ref() == Some(&self.conf)
    }

    pub(super) fn instance(&self) -> &str {
        &self.instance
    }

    /// Costs nothing when it is so already.
    pub(super) fn follow(&mut self, master: bool) {
        let state = if master { State::Master } else { State::Backup };
        if self.told.replace(state) != Some(state) {
            // A thread that is gone has said why.
            let _ = self.orders.send(state);
        }
    }

    /// The daemon is stopped.
    pub(super) fn finish(self) {
        drop(self.orders);
        if self.ended.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            tracing::warn!("the IPVS sync daemon has not stopped in {} s", PATIENCE.as_secs());
        }
    }
}

fn spawn(
    conf: SyncDaemon,
    namespace: Option<File>,
    before: Option<Synchroniser>,
) -> io::Result<(Sender<State>, Receiver<()>, JoinHandle<()>)> {
    let (orders, taken) = mpsc::channel();
    let (ends, ended) = mpsc::channel::<()>();
    let thread = thread::Builder::new().name("ipvs-sync".to_owned()).stack_size(STACK).spawn(move || {
        // Dropped at the very end, which is what is waited for.
        let _ends = ends;
        before.into_iter().for_each(Synchroniser::finish);
        serve(&conf, namespace.as_ref(), &taken);
    })?;
    Ok((orders, ended, thread))
}

fn serve(conf: &SyncDaemon, namespace: Option<&File>, orders: &Receiver<State>) {
    let mut daemons = match Daemons::open(namespace.map(File::as_fd)) {
        Ok(daemons) => daemons,
        Err(error) => return tracing::error!("the IPVS sync daemon cannot be started: {error}"),
    };
    while let Ok(first) = orders.recv() {
        // What came meanwhile is what matters.
        let state = orders.try_iter().last().unwrap_or(first);
        let SyncDaemon { interface, id, max_len, port, ttl, group, .. } = conf.clone();
        let wanted = Daemon { state, interface, id: id.unwrap_or_default(), max_len, port, ttl, group };
        for problem in daemons.hold(&[wanted]) {
            tracing::error!("{problem}");
        }
    }
    for problem in daemons.release() {
        tracing::error!("{problem}");
    }
}
