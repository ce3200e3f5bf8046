//! Virtual servers: what their keywords mean together.

use super::super::Resolver;
use super::super::script::{Process, Purpose};
use super::LvsInherited;
use super::group::Facts;
use super::real_server::{Addresses, Settings};
use crate::config::diagnostic::{Class, Origin};
use crate::config::draft::lvs::{self as draft, Service as Written};
use crate::config::keyword::lvs::virtual_server::DEFAULT_PERSISTENCE;
use crate::config::resolve::track::Trackable;
use crate::model::checker::{Micros, Timeout};
use crate::model::lvs::{Families, Forwarding, Persistence, Protocol, RealServer, Scheduler, Service, SorryServer, VirtualServer};
use crate::model::net::Family;
use std::num::NonZeroU32;

/// What kind of service it is, once its protocol is known.
struct Kind<'a> {
    group: Option<&'a Facts>,
    /// There are addresses, so ports and a protocol mean something.
    addressed: bool,
    marked: bool,
}

impl Resolver<'_> {
    /// A fault that keepalived finds after it has read everything.
    fn vs_error(&mut self, at: Origin, text: impl Into<String>) -> &mut crate::config::diagnostic::Diagnostic {
        self.problems.resolving(Class::Error, at, text)
    }

    pub(super) fn virtual_server(
        &mut self,
        mut draft: draft::VirtualServer,
        group: Option<&Facts>,
        inherited: &LvsInherited,
        names: &Trackable,
        addresses: &mut Addresses,
    ) -> Option<VirtualServer> {
        let settings = Settings {
            checks: draft.checks,
            delay_loop: draft.checks.delay_loop.unwrap_or(DELAY_LOOP),
            connect_timeout: draft.checks.connect_timeout.unwrap_or(CONNECT_TIMEOUT),
            weight: draft.weight,
            inhibit: draft.inhibit,
            alpha: draft.alpha,
            forwarding: draft.forwarding.unwrap_or(Forwarding::Nat),
            protocol: draft.protocol,
            log_all_failures: inherited.checker_log_all_failures,
            smtp_alert: inherited.smtp_alert(true),
        };
        self.look_at(std::mem::take(&mut draft.refused), &settings, names);
        // Reported where its block was read.
        if draft.real_servers.is_empty() {
            return None;
        }
        let kind = match &draft.service {
            Written::Address { .. } => Kind { group: None, addressed: true, marked: false },
            Written::Mark(0) => {
                self.vs_error(draft.at, "virtual server fwmark 0 is no mark - ignoring").word("0");
                return None;
            }
            Written::Mark(_) => Kind { group: None, addressed: false, marked: true },
            Written::Group { name, .. } => {
                let Some(group) = group else {
                    let vs = draft.service.named(draft.protocol);
                    let text = format!("Virtual server group {name} specified but not configured - ignoring virtual server {vs}");
                    self.problems.notice(draft.at, text).word(name).hint("no virtual_server_group of this name");
                    self.look_at(draft.real_servers, &settings, names);
                    return None;
                };
                Kind { group: Some(group), addressed: group.addressed(), marked: group.marked }
            }
        };
        let Some(family) = self.family(&draft, &kind) else {
            self.look_at(draft.real_servers, &settings, names);
            return None;
        };
        let protocol = self.protocol(&draft, &kind);
        self.vs_flags(&mut draft, &kind, protocol);
        let scheduler = self.scheduler(&draft, protocol);
        let forwarding = self.forwarding(&draft, protocol);
        let persistence = self.persistence(&mut draft, &kind, protocol);
        self.check_ports(&draft, &kind, protocol, forwarding);

        let settings = Settings { forwarding, protocol, ..settings };
        let vs_port = match draft.service {
            Written::Address { port, .. } => Some(port),
            Written::Mark(_) => Some(0),
            Written::Group { .. } => None,
        };
        let real_servers = self.real_servers(std::mem::take(&mut draft.real_servers), &draft, vs_port, &settings, names, addresses);
        let sorry_server = self.sorry_server(&draft, &settings, vs_port, &real_servers);
        let (quorum, hysteresis) = self.quorum(&draft, protocol, &real_servers);
        let purpose = Purpose::Notify(Process::Checker);
        let quorum_up = draft.quorum_up.as_ref().and_then(|command| self.command(command, purpose));
        let quorum_down = draft.quorum_down.as_ref().and_then(|command| self.command(command, purpose));
        let service = match draft.service {
            Written::Address { address, port } => Service::Address { address, port, protocol: protocol.unwrap_or(Protocol::Udp) },
            Written::Mark(mark) => Service::Mark(NonZeroU32::new(mark)?),
            Written::Group { name, index } => Service::Group { name, index, protocol },
        };
        Some(VirtualServer {
            service,
            family,
            scheduler,
            flags: draft.flags,
            one_packet: draft.one_packet,
            persistence,
            forwarding,
            delay_loop: settings.delay_loop,
            connect_timeout: settings.connect_timeout,
            delay_before_retry: draft.checks.delay_before_retry,
            warmup: draft.checks.warmup,
            retry: draft.checks.retry,
            ha_suspend: draft.ha_suspend,
            alpha: draft.alpha,
            omega: draft.omega,
            smtp_alert: draft.smtp_alert.unwrap_or(inherited.smtp_alert(false)),
            virtualhost: draft.virtualhost,
            snmp_name: draft.snmp_name,
            quorum,
            hysteresis,
            quorum_up,
            quorum_down,
            sorry_server,
            real_servers,
        })
    }

    /// The families of the service. A group that does not fit the servers takes the virtual server with it, which
    /// keepalived only logs.
    fn family(&mut self, draft: &draft::VirtualServer, kind: &Kind<'_>) -> Option<Families> {
        let Some(families) = kind.group.and_then(|group| group.families) else {
            return Some(Families::One(draft.family.unwrap_or_else(|| servers_family(draft))));
        };
        let what = match (draft.family, families) {
            (None, _) => return Some(families),
            (Some(wanted), Families::One(family)) if family == wanted => return Some(families),
            (Some(_), Families::One(_)) => "address family",
            (Some(_), Families::Both) => "virtual server group with IPv4 & IPv6",
        };
        if let Written::Group { name, .. } = &draft.service {
            let vs = draft.service.named(draft.protocol);
            self.problems.notice(draft.at, format!("{name}: {what} doesn't match virtual server {vs} - ignoring")).word(name);
        }
        None
    }

    fn protocol(&mut self, draft: &draft::VirtualServer, kind: &Kind<'_>) -> Option<Protocol> {
        let vs = draft.service.named(draft.protocol);
        match (draft.protocol, kind.addressed) {
            (Some(_), false) => {
                let text = format!("Warning: Virtual server {vs}: protocol specified for fwmark - protocol will be ignored");
                self.vs_error(draft.at, text).hint("the mark decides: leave protocol out");
                None
            }
            (None, true) => {
                let text = format!("Virtual server {vs}: no protocol set - defaulting to UDP");
                self.vs_error(draft.at, text).hint("protocol TCP, UDP or SCTP");
                Some(Protocol::Udp)
            }
            (protocol, _) => protocol,
        }
    }

    /// Flags that do not go with the kind of service are cleared.
    fn vs_flags(&mut self, draft: &mut draft::VirtualServer, kind: &Kind<'_>, protocol: Option<Protocol>) {
        if draft.ha_suspend && kind.marked {
            draft.ha_suspend = false;
            let text =
                format!("Virtual server {}: cannot use ha_suspend with fwmarks - clearing ha_suspend", draft.service.named(protocol));
            self.vs_error(draft.at, text);
        }
        if draft.one_packet && kind.addressed && protocol != Some(Protocol::Udp) {
            draft.one_packet = false;
            let text = format!("Virtual server {}: one packet scheduling requires UDP - resetting", draft.service.named(protocol));
            self.vs_error(draft.at, text);
        }
    }

    fn scheduler(&mut self, draft: &draft::VirtualServer, protocol: Option<Protocol>) -> Scheduler {
        draft.scheduler.unwrap_or_else(|| {
            let text = format!("Virtual server {}: no scheduler set, setting default 'wlc'", draft.service.named(protocol));
            self.vs_error(draft.at, text).hint("lb_algo wlc");
            Scheduler::WeightedLeastConnection
        })
    }

    /// The method of servers without one. keepalived misses it only where there is such a server.
    fn forwarding(&mut self, draft: &draft::VirtualServer, protocol: Option<Protocol>) -> Forwarding {
        let sorry = draft.sorry_server.as_ref().is_some_and(|sorry| sorry.forwarding.is_none());
        let needed = sorry || draft.real_servers.iter().any(|rs| rs.forwarding.is_none());
        if draft.forwarding.is_none() && needed {
            let text = format!("Virtual server {}: no forwarding method set, setting default NAT", draft.service.named(protocol));
            self.vs_error(draft.at, text).hint("lb_kind NAT, DR or TUN");
        }
        draft.forwarding.unwrap_or(Forwarding::Nat)
    }

    fn persistence(&mut self, draft: &mut draft::VirtualServer, kind: &Kind<'_>, protocol: Option<Protocol>) -> Option<Persistence> {
        let any_port = match (&draft.service, kind.group) {
            (Written::Address { port, .. }, _) => *port == 0,
            (_, Some(group)) => group.any_port,
            (_, None) => false,
        };
        if any_port && draft.persistence_timeout.is_none() {
            draft.persistence_timeout = Some(DEFAULT_PERSISTENCE);
            let vs = draft.service.named(protocol);
            let text = format!("Virtual server {vs}: zero port only valid for persistent services - setting");
            self.vs_error(draft.at, text).hint("a port, or persistence_timeout");
        }
        let timeout = draft.persistence_timeout?;
        Some(Persistence { timeout, granularity: draft.granularity, engine: draft.persistence_engine.take() })
    }

    /// The kernel forwards to the port of the service unless it translates addresses; other ports given to servers of a
    /// mark or a group are told of. Those of a single address are reset with the servers.
    fn check_ports(&mut self, draft: &draft::VirtualServer, kind: &Kind<'_>, protocol: Option<Protocol>, default: Forwarding) {
        let Some(group) = kind.group else { return };
        let vs = draft.service.named(protocol);
        let translated = |forwarding: Option<Forwarding>| forwarding.unwrap_or(default) == Forwarding::Nat;
        let fixed = || draft.real_servers.iter().filter(|rs| rs.port != 0 && !translated(rs.forwarding));
        let sorry = draft.sorry_server.as_ref().filter(|sorry| sorry.port != 0 && !translated(sorry.forwarding));
        if kind.marked {
            for rs in fixed() {
                let name = draft::real_server_name(rs.address, protocol, rs.port);
                let text = format!("WARNING - fwmark virtual server {vs}, real server {name} has port specified - port will be ignored");
                self.vs_error(rs.at, text);
            }
            if let Some(sorry) = sorry {
                let text = format!("WARNING - fwmark virtual server {vs}, sorry server has port specified - port will be ignored");
                self.vs_error(sorry.at, text);
            }
        }
        // One word for each server, not one for each address of the group.
        for rs in fixed() {
            if let Some((first, last, port)) = group.other_port(rs.port) {
                let range = if first == last { first.to_string() } else { format!("{first}-{last}") };
                let name = draft::real_server_name(rs.address, protocol, rs.port);
                self.vs_error(rs.at, format!("virtual server {vs}:[{range},{port}] and real server {name} ports don't match"))
                    .hint("the port of the address is used");
            }
        }
        if let Some(sorry) = sorry
            && group.other_port(sorry.port).is_some()
        {
            self.vs_error(sorry.at, format!("WARNING - virtual server {vs}, sorry server has port specified - port will be ignored"));
        }
    }

    fn sorry_server(
        &mut self,
        draft: &draft::VirtualServer,
        settings: &Settings,
        vs_port: Option<u16>,
        real_servers: &[RealServer],
    ) -> Option<SorryServer> {
        let sorry = draft.sorry_server.as_ref()?;
        let forwarding = sorry.forwarding.unwrap_or(settings.forwarding);
        let vs = draft.service.named(settings.protocol);
        let port = match vs_port {
            Some(fixed) if forwarding != Forwarding::Nat => {
                if sorry.port != 0 && sorry.port != fixed {
                    let text = match draft.service {
                        Written::Mark(_) => format!("WARNING - virtual server {vs}, sorry server has port specified - clearing"),
                        Written::Address { .. } | Written::Group { .. } => {
                            format!("WARNING - virtual server {vs} and sorry server ports don't match - resetting")
                        }
                    };
                    self.vs_error(sorry.at, text).hint("only NAT changes ports");
                }
                fixed
            }
            Some(fixed) if sorry.port == 0 => fixed,
            Some(_) | None => sorry.port,
        };
        let mut inhibit = sorry.inhibit;
        let twin = real_servers.iter().find(|rs| (rs.address, rs.port) == (sorry.address, port));
        if let Some(rs) = twin.filter(|rs| rs.inhibit != inhibit) {
            inhibit = rs.inhibit;
            let name = draft::real_server_name(rs.address, settings.protocol, rs.port);
            let verb = if inhibit { "setting" } else { "clearing" };
            let text = format!(
                "Virtual server {vs}: real server {name} matches sorry server, but inhibit setting differs, {verb} on sorry server"
            );
            self.vs_error(sorry.at, text);
        }
        Some(SorryServer { address: sorry.address, port, forwarding, inhibit })
    }

    /// A quorum that can be reached, and a hysteresis below it. Where all weights are 0 the quorum stays at 1: nothing
    /// reaches it, unless a checker raises a weight. (keepalived makes it 0 and lets the hysteresis wrap around.)
    fn quorum(&mut self, draft: &draft::VirtualServer, protocol: Option<Protocol>, real_servers: &[RealServer]) -> (u32, u32) {
        let vs = draft.service.named(protocol);
        let total: u64 = real_servers.iter().map(|rs| u64::from(rs.weight)).sum();
        let mut quorum = draft.quorum;
        if u64::from(quorum) > total {
            let text =
                format!("Warning - quorum {quorum} for {vs} exceeds total weight of real servers {total}, reducing quorum to {total}");
            let diagnostic = self.vs_error(draft.at, text);
            if total == 0 {
                diagnostic.hint("no real server has a weight: the quorum is 1 and cannot be reached");
            }
            quorum = u32::try_from(total).unwrap_or(u32::MAX).max(1);
        }
        let mut hysteresis = draft.hysteresis;
        if hysteresis >= quorum {
            let most = quorum - 1;
            let text = format!("Virtual server {vs}: hysteresis {hysteresis} >= quorum {quorum}; setting hysteresis to {most}");
            self.vs_error(draft.at, text);
            hysteresis = most;
        }
        (quorum, hysteresis)
    }
}

const DELAY_LOOP: Micros = Micros::from_secs(60);
const CONNECT_TIMEOUT: Timeout = Timeout::from_secs(5);

/// The family of a mark that nothing else tells: all its servers are reached by tunnels.
fn servers_family(draft: &draft::VirtualServer) -> Family {
    let mut families = draft.real_servers.iter().map(|rs| rs.address).chain(draft.sorry_server.as_ref().map(|sorry| sorry.address));
    if families.all(|address| address.is_ipv6()) { Family::V6 } else { Family::V4 }
}
