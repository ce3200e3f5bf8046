//! What the kernel has counted, for metrics. It is asked over a socket of its own, in a thread that nobody waits for, so that
//! checks go on however long it takes.

use crate::kernel::ipvs::Counters;
use crate::lvs::keys;
use crate::model::Model;
use crate::observe::traffic::{Served, served};
use crate::runtime::role::ipvs_namespace;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::Once;

/// Nothing where the kernel does not answer, which is told once.
pub(super) fn read(model: &Model) -> Vec<Served> {
    static TOLD: Once = Once::new();
    ask(model).unwrap_or_else(|error| {
        TOLD.call_once(|| tracing::warn!("metrics: the counters of IPVS cannot be read: {error}"));
        Vec::new()
    })
}

fn ask(model: &Model) -> io::Result<Vec<Served>> {
    if model.lvs.virtual_servers.is_empty() {
        return Ok(Vec::new());
    }
    let namespace = ipvs_namespace(&model.global.process)?;
    let mut kernel = Counters::open(namespace.as_ref().map(File::as_fd))?;
    let services = kernel.services()?;
    let mut destinations = HashMap::new();
    for key in model.lvs.virtual_servers.iter().flat_map(|server| keys(model, server)) {
        // What is not in the table has no destinations.
        if services.contains_key(&key) {
            destinations.insert(key, kernel.destinations(key)?);
        }
    }
    Ok(served(model, &services, &destinations))
}
