//! The drafts that spell a model out.

use super::checker::{self as draft, Probe, Schedule};
use super::{Details, Lvs, RealServer, ServerGroup, SorryServer, VirtualServer};
use crate::config::command::Command;
use crate::config::diagnostic::Origin;
use crate::model::checker::{self as model, Checker, Connection};
use crate::model::lvs::{self, CheckDefaults, Service};
use crate::model::net::Family;

impl From<&lvs::Lvs> for Lvs {
    fn from(model: &lvs::Lvs) -> Self {
        let group = |g: &lvs::ServerGroup| {
            let at = Origin::default();
            ServerGroup { name: g.name.clone(), at, end: at, members: g.members.to_vec() }
        };
        Self {
            tls: model.tls.clone(),
            groups: model.groups.iter().map(group).collect(),
            virtual_servers: model.virtual_servers.iter().map(VirtualServer::from).collect(),
            ..Self::default()
        }
    }
}

impl From<&lvs::VirtualServer> for VirtualServer {
    fn from(model: &lvs::VirtualServer) -> Self {
        let persistence = model.persistence.as_ref();
        Self {
            family: model.family.into(),
            protocol: match model.service {
                Service::Address { protocol, .. } => Some(protocol),
                Service::Mark(_) => None,
                Service::Group { protocol, .. } => protocol,
            },
            scheduler: Some(model.scheduler),
            flags: model.flags,
            one_packet: model.one_packet,
            persistence_timeout: persistence.map(|p| p.timeout),
            granularity: persistence.and_then(|p| p.granularity),
            persistence_engine: persistence.and_then(|p| p.engine.clone()),
            forwarding: Some(model.forwarding),
            checks: CheckDefaults {
                delay_loop: Some(model.delay_loop),
                delay_before_retry: model.delay_before_retry,
                warmup: model.warmup,
                retry: model.retry,
                connect_timeout: Some(model.connect_timeout),
            },
            ha_suspend: model.ha_suspend,
            alpha: model.alpha,
            omega: model.omega,
            smtp_alert: Some(model.smtp_alert),
            virtualhost: model.virtualhost.clone(),
            snmp_name: model.snmp_name.clone(),
            quorum: model.quorum,
            hysteresis: model.hysteresis,
            quorum_up: model.quorum_up.as_ref().map(Command::from),
            quorum_down: model.quorum_down.as_ref().map(Command::from),
            sorry_server: model.sorry_server.as_ref().map(SorryServer::from),
            real_servers: model.real_servers.iter().map(|rs| real_server(rs, model)).collect(),
            ..Self::new((&model.service).into(), Origin::default())
        }
    }
}

impl From<&lvs::SorryServer> for SorryServer {
    fn from(model: &lvs::SorryServer) -> Self {
        Self { at: Origin::default(), address: model.address, port: model.port, forwarding: Some(model.forwarding), inhibit: model.inhibit }
    }
}

fn real_server(model: &lvs::RealServer, vs: &lvs::VirtualServer) -> RealServer {
    RealServer {
        forwarding: Some(model.forwarding),
        weight: Some(model.weight),
        upper_threshold: model.upper_threshold,
        lower_threshold: model.lower_threshold,
        inhibit: Some(model.inhibit),
        alpha: Some(model.alpha),
        smtp_alert: Some(model.smtp_alert),
        details: model.details.as_ref().map(|details| {
            Box::new(Details {
                checks: details.checks,
                virtualhost: details.virtualhost.clone(),
                snmp_name: details.snmp_name.clone(),
                notify_up: details.notify_up.as_ref().map(Command::from),
                notify_down: details.notify_down.as_ref().map(Command::from),
            })
        }),
        checkers: model.checkers.iter().map(|c| checker(c, vs)).collect(),
        ..RealServer::new(model.address, model.port, Origin::default())
    }
}

impl From<model::Schedule> for Schedule {
    fn from(model: model::Schedule) -> Self {
        Self {
            delay_loop: Some(model.delay_loop),
            warmup: Some(model.warmup),
            delay_before_retry: Some(model.delay_before_retry),
            retry: Some(model.retry),
            alpha: Some(model.alpha),
            log_all_failures: model.log_all_failures,
        }
    }
}

fn probe<K>(schedule: model::Schedule, connection: &Connection, kind: K) -> Probe<K> {
    Probe {
        end: Origin::default(),
        schedule: schedule.into(),
        connection: draft::Connection {
            family: Family::of(connection.address),
            address: Some(connection.address),
            // Without a port there is nothing to write.
            port: Some(connection.port).filter(|port| *port != 0),
            timeout: Some(connection.timeout),
            mark: connection.mark,
            bind: connection.bind.clone(),
        },
        kind,
    }
}

fn checker(model: &Checker, vs: &lvs::VirtualServer) -> draft::Checker {
    match model {
        Checker::Probe { schedule, probe: kind } => match kind {
            model::Probe::Tcp(connection) => draft::Checker::Tcp(probe(*schedule, connection, ())),
            model::Probe::Ping(connection) => draft::Checker::Ping(probe(*schedule, connection, ())),
            model::Probe::Http(http) => draft::Checker::Http(Box::new(probe(*schedule, &http.connection, http.as_ref().into()))),
            model::Probe::Smtp(smtp) => {
                let own = draft::Smtp { helo_name: Some(smtp.helo_name.clone()), hosts: Vec::new() };
                draft::Checker::Smtp(Box::new(probe(*schedule, &smtp.connection, own)))
            }
            model::Probe::Dns(dns) => {
                let own = draft::Dns { record: dns.record, name: Some(dns.name.clone()) };
                draft::Checker::Dns(Box::new(probe(*schedule, &dns.connection, own)))
            }
            model::Probe::Udp(udp) => {
                let own = draft::Udp {
                    payload: udp.payload.clone(),
                    reply: udp.reply.clone(),
                    min_reply: udp.min_reply,
                    max_reply: udp.max_reply,
                };
                draft::Checker::Udp(Box::new(probe(*schedule, &udp.connection, own)))
            }
            model::Probe::Misc(misc) => draft::Checker::Misc(Box::new(draft::Misc {
                schedule: (*schedule).into(),
                command: Some(Command::from(&misc.script)),
                // The default may have a fraction, which the keyword cannot say.
                timeout: Some(misc.timeout).filter(|timeout| *timeout != vs.delay_loop),
                dynamic: misc.dynamic,
                ..draft::Misc::default()
            })),
        },
        Checker::File(file) => draft::Checker::File(Box::new(draft::File {
            end: Origin::default(),
            track_file: Some((Origin::default(), file.track_file.clone())),
            weight: Some(file.weight),
        })),
        Checker::Bfd(bfd) => draft::Checker::Bfd(Box::new(draft::Bfd {
            names: vec![(Origin::default(), bfd.session.clone())],
            alpha: Some(bfd.alpha),
            ..draft::Bfd::default()
        })),
    }
}

impl From<&model::Http> for draft::Http {
    fn from(model: &model::Http) -> Self {
        Self {
            tls: model.tls,
            version: model.version,
            virtualhost: model.virtualhost.clone(),
            sni: model.sni.clone(),
            fast_recovery: model.fast_recovery,
            tls_compliant: model.tls_compliant,
            urls: model.urls.iter().map(draft::Url::from).collect(),
        }
    }
}

impl From<&model::Url> for draft::Url {
    fn from(model: &model::Url) -> Self {
        let regex = model.regex.as_deref().map(|regex| draft::Regex {
            pattern: Some(regex.pattern.clone()),
            options: regex.options,
            no_match: regex.no_match,
            min_offset: regex.min_offset,
            max_offset: regex.max_offset,
            stack: regex.stack,
        });
        Self {
            end: Origin::default(),
            path: Some(model.path.clone()),
            virtualhost: model.virtualhost.clone(),
            digest: model.digest,
            status: model.status.ranges().to_vec(),
            regex: regex.unwrap_or_default(),
            tls_compliant: model.tls_compliant,
        }
    }
}
