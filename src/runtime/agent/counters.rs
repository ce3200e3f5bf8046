//! What the kernel has counted, asked for again when it is too old.

use crate::effect::ipvs::{DestKey, DestTraffic, ServiceKey, Traffic};
use crate::effect::time::Instant;
use crate::kernel::ipvs::Counters as Kernel;
use crate::kernel::timer::now;
use crate::lvs::keys;
use crate::model::Model;
use crate::observe::traffic::{Served, served};
use crate::runtime::role::ipvs_namespace;
use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd as _;
use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Counters {
    kernel: Option<Kernel>,
    services: HashMap<ServiceKey, Traffic>,
    services_at: Option<Instant>,
    destinations: HashMap<ServiceKey, HashMap<DestKey, DestTraffic>>,
    destinations_at: Option<Instant>,
    /// That they cannot be had was told.
    told: bool,
}

impl Counters {
    /// Another configuration: nothing that was read is of use any more.
    pub(super) fn forget(&mut self) {
        *self = Self { told: self.told, ..Self::default() };
    }

    pub(super) fn read(&mut self, model: &Model) -> Vec<Served> {
        if let Err(error) = self.refresh(model)
            && !std::mem::replace(&mut self.told, true)
        {
            tracing::warn!("SNMP: the counters of IPVS cannot be read: {error}");
        }
        served(model, &self.services, &self.destinations)
    }

    fn refresh(&mut self, model: &Model) -> io::Result<()> {
        let snmp = &model.global.snmp;
        let (of_servers, of_reals) = (snmp.virtual_server_stats, snmp.real_server_stats.unwrap_or(snmp.virtual_server_stats));
        let is_old = |at: Option<Instant>, age: Duration| at.is_none_or(|at| at + age <= now());
        if self.kernel.is_none() {
            let namespace = ipvs_namespace(&model.global.process)?;
            self.kernel = Some(Kernel::open(namespace.as_ref().map(std::fs::File::as_fd))?);
        }
        let Some(kernel) = &mut self.kernel else { return Ok(()) };
        if is_old(self.services_at, of_servers) {
            self.services = kernel.services()?;
            self.services_at = Some(now());
        }
        if is_old(self.destinations_at, of_reals) {
            self.destinations.clear();
            for key in model.lvs.virtual_servers.iter().flat_map(|server| keys(model, server)) {
                self.destinations.insert(key, kernel.destinations(key)?);
            }
            self.destinations_at = Some(now());
        }
        Ok(())
    }
}
