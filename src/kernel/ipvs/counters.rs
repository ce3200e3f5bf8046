//! What the kernel has counted, for whoever shows it to others. It has a socket of its own, and may be used by another thread
//! than the one that holds the table.

use super::client::Client;
use crate::effect::ipvs::{DestKey, DestTraffic, ServiceKey, Traffic};
use std::collections::HashMap;
use std::io;
use std::os::fd::BorrowedFd;

#[derive(Debug)]
pub struct Counters(Client);

impl Counters {
    /// Of this network namespace, or of the thread's.
    pub fn open(namespace: Option<BorrowedFd<'_>>) -> io::Result<Self> {
        Client::open(namespace).map(Self)
    }

    /// Of all services that there are.
    pub fn services(&mut self) -> io::Result<HashMap<ServiceKey, Traffic>> {
        Ok(self.0.service_traffic()?.into_iter().collect())
    }

    pub fn destinations(&mut self, service: ServiceKey) -> io::Result<HashMap<DestKey, DestTraffic>> {
        Ok(self.0.dest_traffic(service)?.into_iter().collect())
    }
}
