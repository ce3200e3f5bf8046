//! What virtual and real servers are called: in the log, in pipes, in mail.

use crate::model::lvs::{Protocol, RealServer, Service, SorryServer, VirtualServer};
use std::fmt;
use std::net::IpAddr;

/// `[10.0.0.1]:tcp:80`, `FWM 5`, `[group]:0`.
#[derive(Clone, Copy, Debug)]
pub struct ServerName<'a>(&'a Service);

/// `[10.0.0.11]:tcp:80`; with a mark there is no protocol to name.
#[derive(Clone, Copy, Debug)]
pub struct RealName {
    address: IpAddr,
    port: u16,
    protocol: Option<Protocol>,
}

pub fn virtual_server(server: &VirtualServer) -> ServerName<'_> {
    ServerName(&server.service)
}

pub fn real_server(server: &VirtualServer, real: &RealServer) -> RealName {
    RealName { address: real.address, port: real.port, protocol: protocol(&server.service) }
}

pub fn sorry_server(server: &VirtualServer, sorry: &SorryServer) -> RealName {
    RealName { address: sorry.address, port: sorry.port, protocol: protocol(&server.service) }
}

fn protocol(service: &Service) -> Option<Protocol> {
    match service {
        Service::Address { protocol, .. } => Some(*protocol),
        Service::Group { protocol, .. } => *protocol,
        Service::Mark(_) => None,
    }
}

impl fmt::Display for ServerName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Service::Address { address, port, protocol } => write!(f, "[{address}]:{}:{port}", protocol.name()),
            Service::Mark(mark) => write!(f, "FWM {mark}"),
            Service::Group { name, index, .. } => write!(f, "[{name}]:{index}"),
        }
    }
}

impl fmt::Display for RealName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]:{}:{}", self.address, self.protocol.map_or("none", Protocol::name), self.port)
    }
}
