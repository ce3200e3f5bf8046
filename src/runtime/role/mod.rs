//! What the processes that the supervisor starts do.

pub mod bfd;
pub mod checker;
pub mod vrrp;

use crate::model::global::process::{IpvsNamespace, Process};
use std::fs::File;
use std::io;
use std::path::Path;

/// Where network namespaces have their names.
const NAMESPACES: &str = "/run/netns";
/// Whoever moved into another one came from there.
const INITIAL: &str = "/proc/1/ns/net";

/// The network namespace whose IPVS is ours, where that is another one than the process's.
fn ipvs_namespace(process: &Process) -> io::Result<Option<File>> {
    match &process.ipvs_namespace {
        IpvsNamespace::Same => Ok(None),
        IpvsNamespace::Initial => File::open(INITIAL).map(Some),
        IpvsNamespace::Named(name) => File::open(Path::new(NAMESPACES).join(&**name)).map(Some),
    }
}
