//! Virtual servers, real servers and checkers, as written.

pub mod checker;
mod from_model;

use crate::config::command::Command;
use crate::config::diagnostic::Origin;
use crate::model::lvs::{
    CheckDefaults, ClientTls, Families, Forwarding, Granularity, Member, Protocol, Scheduler, SchedulerFlags, Service as Resolved,
};
use crate::model::net::Family;
use checker::Checker;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

#[derive(Debug, Default)]
pub struct Lvs {
    pub tls: Option<ClientTls>,
    pub groups: Vec<ServerGroup>,
    pub virtual_servers: Vec<VirtualServer>,
    /// How many virtual servers have used each group so far.
    uses: HashMap<Box<str>, u32>,
}

impl Lvs {
    /// The next user of a group: keepalived names them by their number.
    pub fn user_of_group(&mut self, name: &str) -> Service {
        let uses = self.uses.entry(name.into()).or_default();
        let index = *uses;
        *uses = uses.saturating_add(1);
        Service::Group { name: name.into(), index }
    }
}

#[derive(Debug)]
pub struct ServerGroup {
    pub name: Box<str>,
    pub at: Origin,
    pub end: Origin,
    pub members: Vec<Member>,
}

/// What a `virtual_server` line names.
#[derive(Debug)]
pub enum Service {
    Address { address: IpAddr, port: u16 },
    Mark(u32),
    Group { name: Box<str>, index: u32 },
}

impl Service {
    /// As keepalived's messages name it.
    pub fn named(&self, protocol: Option<Protocol>) -> Named<'_> {
        Named { service: self, protocol }
    }
}

impl From<&Resolved> for Service {
    fn from(service: &Resolved) -> Self {
        match service {
            Resolved::Address { address, port, .. } => Self::Address { address: *address, port: *port },
            Resolved::Mark(mark) => Self::Mark(mark.get()),
            Resolved::Group { name, index, .. } => Self::Group { name: name.clone(), index: *index },
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    service: &'a Service,
    protocol: Option<Protocol>,
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.service {
            Service::Address { address, port } => write!(f, "[{address}]:{}:{port}", protocol_name(self.protocol)),
            Service::Mark(mark) => write!(f, "FWM {mark}"),
            Service::Group { name, index } => write!(f, "[{name}]:{index}"),
        }
    }
}

/// A real server as keepalived's messages name it.
pub fn real_server_name(address: IpAddr, protocol: Option<Protocol>, port: u16) -> String {
    format!("[{address}]:{}:{port}", protocol_name(protocol))
}

fn protocol_name(protocol: Option<Protocol>) -> &'static str {
    protocol.map_or("none", Protocol::name)
}

#[derive(Debug)]
pub struct VirtualServer {
    pub at: Origin,
    /// Its closing brace.
    pub end: Origin,
    pub service: Service,
    /// As known so far: of the address, as told, or as the first real server has it that is not reached by a tunnel.
    pub family: Option<Family>,
    pub protocol: Option<Protocol>,
    pub scheduler: Option<Scheduler>,
    pub flags: SchedulerFlags,
    pub one_packet: bool,
    pub persistence_timeout: Option<Duration>,
    pub granularity: Option<Granularity>,
    pub persistence_engine: Option<Box<str>>,
    pub forwarding: Option<Forwarding>,
    pub checks: CheckDefaults,
    pub weight: u32,
    pub inhibit: bool,
    pub ha_suspend: bool,
    pub alpha: bool,
    pub omega: bool,
    /// The default is a global setting.
    pub smtp_alert: Option<bool>,
    pub virtualhost: Option<Box<str>>,
    pub snmp_name: Option<Box<str>>,
    pub quorum: u32,
    pub hysteresis: u32,
    pub quorum_up: Option<Command>,
    pub quorum_down: Option<Command>,
    pub sorry_server: Option<SorryServer>,
    pub real_servers: Vec<RealServer>,
    /// Real servers of another family, which were refused. What their checkers and scripts lack is told all the same.
    pub refused: Vec<RealServer>,
}

impl VirtualServer {
    pub fn new(service: Service, at: Origin) -> Self {
        let family = match service {
            Service::Address { address, .. } => Some(Family::of(address)),
            Service::Mark(_) | Service::Group { .. } => None,
        };
        Self {
            at,
            end: at,
            service,
            family,
            protocol: None,
            scheduler: None,
            flags: SchedulerFlags::default(),
            one_packet: false,
            persistence_timeout: None,
            granularity: None,
            persistence_engine: None,
            forwarding: None,
            checks: CheckDefaults::default(),
            weight: 1,
            inhibit: false,
            ha_suspend: false,
            alpha: false,
            omega: false,
            smtp_alert: None,
            virtualhost: None,
            snmp_name: None,
            quorum: 1,
            hysteresis: 0,
            quorum_up: None,
            quorum_down: None,
            sorry_server: None,
            real_servers: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Whether `family` fits, once it is known; the first server that is not reached by a tunnel decides.
    pub fn takes(&mut self, family: Family, forwarding: Option<Forwarding>) -> bool {
        matches!(forwarding, Some(Forwarding::Tunnel(_))) || *self.family.get_or_insert(family) == family
    }
}

impl From<Families> for Option<Family> {
    fn from(families: Families) -> Self {
        match families {
            Families::One(family) => Some(family),
            Families::Both => None,
        }
    }
}

#[derive(Debug)]
pub struct SorryServer {
    pub at: Origin,
    pub address: IpAddr,
    /// 0 stands for the virtual server's.
    pub port: u16,
    /// Its own, or what the virtual server had at this line.
    pub forwarding: Option<Forwarding>,
    pub inhibit: bool,
}

#[derive(Debug)]
pub struct RealServer {
    pub at: Origin,
    pub end: Origin,
    pub address: IpAddr,
    /// 0 stands for the virtual server's.
    pub port: u16,
    /// Its own, or what the virtual server had where this block begins.
    pub forwarding: Option<Forwarding>,
    pub weight: Option<u32>,
    pub upper_threshold: u32,
    pub lower_threshold: u32,
    pub inhibit: Option<bool>,
    pub alpha: Option<bool>,
    pub smtp_alert: Option<bool>,
    pub details: Option<Box<Details>>,
    pub checkers: Vec<Checker>,
}

/// What few real servers have.
#[derive(Debug, Default)]
pub struct Details {
    pub checks: CheckDefaults,
    pub virtualhost: Option<Box<str>>,
    pub snmp_name: Option<Box<str>>,
    pub notify_up: Option<Command>,
    pub notify_down: Option<Command>,
}

impl RealServer {
    pub fn new(address: IpAddr, port: u16, at: Origin) -> Self {
        Self {
            at,
            end: at,
            address,
            port,
            forwarding: None,
            weight: None,
            upper_threshold: 0,
            lower_threshold: 0,
            inhibit: None,
            alpha: None,
            smtp_alert: None,
            details: None,
            checkers: Vec::new(),
        }
    }

    pub fn details(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }
}

const _: () = assert!(size_of::<RealServer>() <= 112 && size_of::<Checker>() <= 120);
