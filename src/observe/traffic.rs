//! What the kernel has counted, put together by virtual server: a group has a service for each of its addresses.

use crate::effect::ipvs::{DestKey, DestTraffic, ServiceKey, Traffic};
use crate::lvs::{destination, keys};
use crate::model::Model;
use std::collections::HashMap;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    pub all: Traffic,
    /// In the order of the configuration.
    pub each: Vec<DestTraffic>,
    pub sorry: DestTraffic,
}

pub fn served(
    model: &Model,
    services: &HashMap<ServiceKey, Traffic>,
    destinations: &HashMap<ServiceKey, HashMap<DestKey, DestTraffic>>,
) -> Vec<Served> {
    let of = |server| {
        let mut served = Served::default();
        let server: &crate::model::lvs::VirtualServer = server;
        served.each.resize(server.real_servers.len(), DestTraffic::default());
        for key in keys(model, server) {
            served.all += services.get(&key).copied().unwrap_or_default();
            let Some(there) = destinations.get(&key) else { continue };
            for (traffic, real) in served.each.iter_mut().zip(&server.real_servers) {
                let found = there.get(&destination(key, real.address, real.port, real.forwarding));
                *traffic += found.copied().unwrap_or_default();
            }
            if let Some(sorry) = &server.sorry_server {
                let found = there.get(&destination(key, sorry.address, sorry.port, sorry.forwarding));
                served.sorry += found.copied().unwrap_or_default();
            }
        }
        served
    };
    model.lvs.virtual_servers.iter().map(of).collect()
}
