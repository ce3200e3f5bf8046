//! What the processes that the supervisor starts do.

pub mod bfd;
pub mod checker;
mod tell;
pub mod vrrp;

use crate::model::Model;
use crate::model::global::process::{IpvsNamespace, Process};
use crate::runtime::handover::{Heard, Order, RoleEnd};
use crate::runtime::poll::Poll;
use crate::runtime::reading::{Kept, Share};
use crate::runtime::rights;
use crate::sys::signal::leave_children;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use tokio::task::JoinHandle;

/// Exit statuses that a supervisor knows: something went wrong that another start may mend, and a missing permission.
const FAILED: u8 = 70;
const FORBIDDEN: u8 = 4;

/// Runs what a process is there for, until it has been told to stop, and returns the exit status of the process.
fn live(name: &str, serve: impl Future<Output = io::Result<()>>) -> u8 {
    let served = tokio::runtime::Builder::new_current_thread().enable_all().on_thread_start(leave_children).build().and_then(|runtime| {
        let served = runtime.block_on(async {
            tokio::select! {
                served = serve => served,
                never = rights::watch() => match never {},
            }
        });
        // A configuration that is still being read is of no interest any more.
        runtime.shutdown_background();
        served
    });
    match served {
        Ok(()) => 0,
        Err(error) => {
            tracing::error!("the {name} process cannot go on: {error}");
            if error.kind() == io::ErrorKind::PermissionDenied { FORBIDDEN } else { FAILED }
        }
    }
}

/// A configuration to go over to.
#[derive(Debug)]
enum Wanted {
    Kept(Kept),
    /// The one that is in force, as if it were another.
    Same,
}

/// What there is of it to know, in a thread of its own.
fn take_up(wanted: Wanted, model: &Arc<Model>, share: Share) -> JoinHandle<io::Result<Arc<Model>>> {
    match wanted {
        Wanted::Kept(kept) => tokio::task::spawn_blocking(move || kept.model(share).map(Arc::new)),
        Wanted::Same => {
            let model = Arc::clone(model);
            tokio::spawn(async move { Ok(model) })
        }
    }
}

/// What the supervisor wants, and whether it is gone: without one nobody would ever stop this process.
fn orders(control: &mut RoleEnd, poll: &Poll) -> (Vec<Order>, bool) {
    control.flush();
    let mut orders = Vec::new();
    loop {
        match control.receive() {
            Ok(Heard::Message(order)) => orders.push(order),
            Ok(Heard::Nothing) => return (orders, false),
            Ok(Heard::End) | Err(_) => {
                drop(poll.remove(control));
                return (orders, true);
            }
        }
    }
}

/// Where network namespaces have their names.
const NAMESPACES: &str = "/run/netns";

/// The network namespace that the daemon was started in.
static INITIAL: OnceLock<File> = OnceLock::new();

/// To be called before the daemon moves into another network namespace, if it is to come back to this one.
pub(super) fn remember_namespace() -> io::Result<()> {
    let here = File::open("/proc/self/ns/net")?;
    // It is asked for once.
    drop(INITIAL.set(here));
    Ok(())
}

/// Of a process that moved when it was another program.
pub(super) fn remember_namespace_as(namespace: File) {
    drop(INITIAL.set(namespace));
}

/// The network namespace that the daemon was started in, if that has been remembered.
pub(super) fn initial_namespace() -> Option<&'static File> {
    INITIAL.get()
}

/// The network namespace whose IPVS is ours, where that is another one than the process's.
pub(super) fn ipvs_namespace(process: &Process) -> io::Result<Option<File>> {
    match &process.ipvs_namespace {
        IpvsNamespace::Same => Ok(None),
        // Whoever has not moved is there.
        IpvsNamespace::Initial => INITIAL.get().map(File::try_clone).transpose(),
        IpvsNamespace::Named(name) => File::open(Path::new(NAMESPACES).join(&**name)).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn ipvs_is_where_the_daemon_came_from() {
        let process = Process { ipvs_namespace: IpvsNamespace::Initial, ..Process::default() };
        assert!(ipvs_namespace(&process).is_ok_and(|namespace| namespace.is_none()), "nobody has moved");
        remember_namespace().expect("there is one");
        let there = ipvs_namespace(&process).ok().flatten().and_then(|file| file.metadata().ok()).expect("a namespace");
        let here = Path::new("/proc/self/ns/net").metadata().expect("a namespace");
        assert_eq!((there.dev(), there.ino()), (here.dev(), here.ino()));
    }
}
