//! Real servers.

use super::super::Resolver;
use super::super::script::{Process, Purpose};
use crate::config::diagnostic::Class;
use crate::config::draft::lvs::{self as draft, Service};
use crate::config::resolve::track::Trackable;
use crate::model::checker::{Micros, Timeout};
use crate::model::lvs::{CheckDefaults, Details, Forwarding, Protocol, RealServer};
use std::collections::HashSet;
use std::net::IpAddr;

/// What real servers and their checkers inherit from their virtual server.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) checks: CheckDefaults,
    pub(super) delay_loop: Micros,
    pub(super) connect_timeout: Timeout,
    pub(super) weight: u32,
    pub(super) inhibit: bool,
    pub(super) alpha: bool,
    pub(super) forwarding: Forwarding,
    pub(super) protocol: Option<Protocol>,
    pub(super) log_all_failures: bool,
    pub(super) smtp_alert: bool,
}

/// The addresses and ports of one virtual server's real servers, to find twins; emptied and used again for the next one.
#[derive(Debug, Default)]
pub(super) struct Addresses(HashSet<(IpAddr, u16)>);

impl Resolver<'_> {
    /// `vs_port` is the one port of the service (0 for a mark); absent where a group has many.
    pub(super) fn real_servers(
        &mut self,
        drafts: Vec<draft::RealServer>,
        vs: &draft::VirtualServer,
        vs_port: Option<u16>,
        settings: &Settings,
        names: &Trackable,
        addresses: &mut Addresses,
    ) -> Box<[RealServer]> {
        addresses.0.clear();
        let mut servers = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let port = self.real_server_port(&draft, vs, vs_port, settings);
            if !addresses.0.insert((draft.address, port)) {
                let vs = vs.service.named(settings.protocol);
                let name = draft::real_server_name(draft.address, settings.protocol, port);
                let text = format!("VS {vs}: real server {name} is duplicated - removing second rs");
                self.problems.resolving(Class::Error, draft.at, text);
                self.look_at(vec![draft], settings, names);
                continue;
            }
            servers.push(self.real_server(draft, port, vs_port.unwrap_or(0), settings, names));
        }
        servers.into()
    }

    /// Real servers that cannot be used: keepalived has read their blocks before it knows, and told what is wrong in them.
    pub(super) fn look_at(&mut self, drafts: Vec<draft::RealServer>, settings: &Settings, names: &Trackable) {
        for draft in drafts {
            let port = draft.port;
            self.real_server(draft, port, 0, settings, names);
        }
    }

    /// Only NAT changes ports: with any other method a real server is reached at the port of the service.
    fn real_server_port(&mut self, draft: &draft::RealServer, vs: &draft::VirtualServer, vs_port: Option<u16>, settings: &Settings) -> u16 {
        let fixed = draft.forwarding.unwrap_or(settings.forwarding) != Forwarding::Nat;
        let Some(vs_port) = vs_port else { return draft.port };
        if draft.port == 0 || draft.port == vs_port {
            return vs_port;
        }
        if !fixed {
            return draft.port;
        }
        let vs_name = vs.service.named(settings.protocol);
        let name = draft::real_server_name(draft.address, settings.protocol, draft.port);
        let text = match vs.service {
            Service::Mark(_) => format!("WARNING - fwmark virtual server {vs_name}, real server {name} has port specified - clearing"),
            Service::Address { .. } | Service::Group { .. } => {
                format!("WARNING - virtual server {vs_name} and real server {name} ports don't match - resetting")
            }
        };
        self.problems.resolving(Class::Error, draft.at, text).hint("only NAT changes ports; for a check, use connect_port");
        vs_port
    }

    fn real_server(&mut self, mut draft: draft::RealServer, port: u16, vs_port: u16, settings: &Settings, names: &Trackable) -> RealServer {
        let alpha = draft.alpha.unwrap_or(settings.alpha);
        let own = draft.details.as_ref().map(|details| details.checks).unwrap_or_default();
        let checks = super::checker::Inherited {
            address: draft.address,
            // Checks go to the port as written, whatever the kernel forwards to.
            port: if draft.port == 0 { vs_port } else { draft.port },
            protocol: settings.protocol,
            alpha,
            log_all_failures: settings.log_all_failures,
            delay_loop: own.delay_loop.unwrap_or(settings.delay_loop),
            delay_before_retry: own.delay_before_retry.or(settings.checks.delay_before_retry),
            warmup: own.warmup.or(settings.checks.warmup),
            retry: own.retry.or(settings.checks.retry),
            connect_timeout: own.connect_timeout.unwrap_or(settings.connect_timeout),
            vs_delay_loop: settings.delay_loop,
        };
        let checkers = self.checkers(std::mem::take(&mut draft.checkers), &checks, names);
        RealServer {
            address: draft.address,
            port,
            weight: draft.weight.unwrap_or(settings.weight),
            forwarding: draft.forwarding.unwrap_or(settings.forwarding),
            upper_threshold: draft.upper_threshold,
            lower_threshold: draft.lower_threshold,
            inhibit: draft.inhibit.unwrap_or(settings.inhibit),
            alpha,
            smtp_alert: draft.smtp_alert.unwrap_or(settings.smtp_alert),
            details: draft.details.and_then(|details| self.details(*details)),
            checkers,
        }
    }

    fn details(&mut self, draft: draft::Details) -> Option<Box<Details>> {
        let purpose = Purpose::Notify(Process::Checker);
        let details = Details {
            checks: draft.checks,
            virtualhost: draft.virtualhost,
            snmp_name: draft.snmp_name,
            notify_up: draft.notify_up.and_then(|command| self.command(&command, purpose)),
            notify_down: draft.notify_down.and_then(|command| self.command(&command, purpose)),
        };
        (details != Details::default()).then(|| Box::new(details))
    }
}
