//! Checkers: what they inherit, and what must be there for them to work.

use super::super::Resolver;
use super::super::script::Purpose;
use crate::config::diagnostic::Origin;
use crate::config::draft::lvs::checker as draft;
use crate::config::draft::lvs::real_server_name;
use crate::config::resolve::track::Trackable;
use crate::model::checker::{
    Bfd, Checker, Connection, Dns, File, Http, Micros, Misc, Probe, Regex, Schedule, Smtp, StatusCodes, Timeout, Udp, Url,
};
use crate::model::lvs::Protocol;
use std::collections::HashSet;
use std::net::IpAddr;
use std::num::NonZeroU32;

/// What checkers inherit from their real server.
#[derive(Debug)]
pub(super) struct Inherited {
    pub(super) address: IpAddr,
    pub(super) port: u16,
    pub(super) protocol: Option<Protocol>,
    pub(super) alpha: bool,
    pub(super) log_all_failures: bool,
    pub(super) delay_loop: Micros,
    pub(super) delay_before_retry: Option<Micros>,
    pub(super) warmup: Option<Micros>,
    pub(super) retry: Option<NonZeroU32>,
    pub(super) connect_timeout: Timeout,
    /// How long a command may take, unless it says otherwise: the virtual server's interval, not the real server's.
    pub(super) vs_delay_loop: Micros,
}

/// What a kind of checker does about failures when nobody says.
#[derive(Clone, Copy, Debug)]
struct Manner {
    retry: u32,
    /// Absent: the interval between probes.
    delay_before_retry: Option<Micros>,
}

const USUAL: Manner = Manner { retry: 1, delay_before_retry: Some(Micros::from_secs(1)) };
const HTTP: Manner = Manner { retry: 1, delay_before_retry: Some(Micros::from_secs(3)) };
const DNS: Manner = Manner { retry: 3, delay_before_retry: None };
const MISC: Manner = Manner { retry: 0, delay_before_retry: Some(Micros::from_secs(1)) };

const HELO_NAME: &str = "smtpchecker.keepalived.org";

impl Inherited {
    fn schedule(&self, own: &draft::Schedule, manner: Manner) -> Schedule {
        let delay_loop = own.delay_loop.unwrap_or(self.delay_loop);
        Schedule {
            delay_loop,
            warmup: own.warmup.or(self.warmup).unwrap_or(delay_loop),
            delay_before_retry: own.delay_before_retry.or(self.delay_before_retry).or(manner.delay_before_retry).unwrap_or(delay_loop),
            retry: own.retry.or(self.retry.map(NonZeroU32::get)).unwrap_or(manner.retry),
            alpha: own.alpha.unwrap_or(self.alpha),
            log_all_failures: own.log_all_failures || self.log_all_failures,
        }
    }

    /// The real server's name in messages.
    fn name(&self) -> String {
        real_server_name(self.address, self.protocol, self.port)
    }
}

impl Resolver<'_> {
    pub(super) fn checkers(&mut self, drafts: Vec<draft::Checker>, from: &Inherited, names: &Trackable) -> Box<[Checker]> {
        let mut checkers = Vec::with_capacity(drafts.len());
        let mut followed = HashSet::new();
        for draft in drafts {
            let checker = match draft {
                draft::Checker::Smtp(draft) if !draft.kind.hosts.is_empty() => {
                    self.smtp_hosts(*draft, from, &mut checkers);
                    continue;
                }
                draft::Checker::Tcp(draft) => self.probe(draft, from, USUAL, |connection, ()| Probe::Tcp(connection)),
                draft::Checker::Ping(draft) => self.probe(draft, from, USUAL, |connection, ()| Probe::Ping(connection)),
                draft::Checker::Smtp(draft) => self.probe(*draft, from, USUAL, smtp),
                draft::Checker::Dns(draft) => self.probe(*draft, from, DNS, dns),
                draft::Checker::Http(draft) => self.http(*draft, from),
                draft::Checker::Udp(draft) => self.udp(*draft, from),
                draft::Checker::Misc(draft) => self.misc(*draft, from),
                draft::Checker::File(draft) => self.file(*draft, names),
                draft::Checker::Bfd(draft) => self.bfd_check(&draft, from, names, &mut followed),
            };
            checkers.extend(checker);
        }
        checkers.into()
    }

    fn probe<K>(
        &mut self,
        draft: draft::Probe<K>,
        from: &Inherited,
        manner: Manner,
        make: impl FnOnce(Connection, K) -> Probe,
    ) -> Option<Checker> {
        let schedule = from.schedule(&draft.schedule, manner);
        let connection = self.connection(draft.connection, draft.end, from)?;
        let portless = connection.port == 0;
        let probe = make(connection, draft.kind);
        if portless && !matches!(probe, Probe::Ping(_)) {
            self.problems.notice(draft.end, format!("checker of {} has no port to connect to", from.name())).hint("connect_port N");
        }
        Some(Checker::Probe { schedule, probe })
    }

    fn connection(&mut self, draft: draft::Connection, end: Origin, from: &Inherited) -> Option<Connection> {
        let address = draft.address.unwrap_or(from.address);
        let through = draft.bind.as_ref().and_then(|bind| bind.interface.as_ref());
        if through.is_none() && matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local()) {
            self.problems
                .error(end, format!("Checker link local address {address} requires a bind_if"))
                .hint("bind_if INTERFACE: the address may be on any network");
            return None;
        }
        Some(Connection {
            address,
            port: draft.port.unwrap_or(from.port),
            timeout: draft.timeout.unwrap_or(from.connect_timeout),
            mark: draft.mark,
            bind: draft.bind,
        })
    }

    /// The deprecated `host` blocks: one checker each, in place of the one they stand in.
    fn smtp_hosts(&mut self, draft: draft::Probe<draft::Smtp>, from: &Inherited, checkers: &mut Vec<Checker>) {
        for host in draft.kind.hosts {
            let kind = draft::Smtp { helo_name: draft.kind.helo_name.clone(), hosts: Vec::new() };
            let draft = draft::Probe { end: host.end, schedule: host.schedule, connection: host.connection, kind };
            checkers.extend(self.probe(draft, from, USUAL, smtp));
        }
    }

    fn http(&mut self, mut draft: draft::Probe<draft::Http>, from: &Inherited) -> Option<Checker> {
        let urls: Box<[Url]> = std::mem::take(&mut draft.kind.urls).into_iter().filter_map(|url| self.url(url)).collect();
        if urls.is_empty() {
            let text = "HTTP/SSL_GET checker has no urls specified - ignoring";
            self.problems.error(draft.end, text).hint("url { path / }");
            return None;
        }
        self.probe(draft, from, HTTP, |connection, own| {
            Probe::Http(Box::new(Http {
                connection,
                tls: own.tls,
                version: own.version,
                virtualhost: own.virtualhost,
                sni: own.sni,
                fast_recovery: own.fast_recovery,
                tls_compliant: own.tls_compliant,
                urls,
            }))
        })
    }

    fn url(&mut self, draft: draft::Url) -> Option<Url> {
        let Some(path) = draft.path else {
            self.problems.error(draft.end, "HTTP/SSL_GET checker url has no path - ignoring").hint("path /");
            return None;
        };
        Some(Url {
            path,
            virtualhost: draft.virtualhost,
            digest: draft.digest,
            status: StatusCodes::new(draft.status),
            regex: self.regex(draft.regex, draft.end),
            tls_compliant: draft.tls_compliant,
        })
    }

    /// keepalived counts none of what may be wrong here.
    fn regex(&mut self, draft: draft::Regex, end: Origin) -> Option<Box<Regex>> {
        let draft::Regex { pattern, options, no_match, mut min_offset, mut max_offset, stack } = draft;
        let Some(pattern) = pattern else {
            if options != Default::default() || no_match || min_offset > 0 || max_offset.is_some() || stack.is_some() {
                self.problems.notice(end, "regex parameters specified without regex").hint("regex \"PATTERN\"");
            }
            return None;
        };
        if let Some(max) = max_offset.filter(|max| min_offset > *max) {
            self.problems.notice(end, format!("regex min offset {min_offset} > regex_max_offset {max} - ignoring"));
            (min_offset, max_offset) = (0, None);
        }
        Some(Box::new(Regex { pattern, options, no_match, min_offset, max_offset, stack }))
    }

    fn udp(&mut self, draft: draft::Probe<draft::Udp>, from: &Inherited) -> Option<Checker> {
        let draft::Udp { min_reply, max_reply, .. } = draft.kind;
        if min_reply > max_reply {
            let text = format!("UDP_CHECK min_reply length {min_reply} > max_reply_length {max_reply} - will always fail");
            self.problems.error(draft.end, text);
        }
        self.probe(draft, from, USUAL, |connection, own| {
            Probe::Udp(Box::new(Udp { connection, payload: own.payload, reply: own.reply, min_reply, max_reply }))
        })
    }

    fn misc(&mut self, draft: draft::Misc, from: &Inherited) -> Option<Checker> {
        let Some(mut command) = draft.command else {
            let text = "No script path has been specified for MISC_CHECKER - skipping";
            self.problems.error(draft.end, text).hint("misc_path \"COMMAND ARGUMENTS\"");
            return None;
        };
        if draft.user.is_some() {
            command.user = draft.user;
        }
        let script = self.command(&command, Purpose::Misc { end: draft.end })?;
        let timeout = draft.timeout.unwrap_or(from.vs_delay_loop);
        let probe = Probe::Misc(Box::new(Misc { script, timeout, dynamic: draft.dynamic }));
        Some(Checker::Probe { schedule: from.schedule(&draft.schedule, MISC), probe })
    }

    fn file(&mut self, draft: draft::File, names: &Trackable) -> Option<Checker> {
        let found = draft.track_file.and_then(|(at, name)| {
            let known = names.files.before(&name, at);
            if known.is_none() {
                let text = format!("track_file {name} not found");
                self.problems.error(at, text).word(&name).hint("a track_file block of this name must stand above");
            }
            Some((name, known?.weight))
        });
        let Some((track_file, weight)) = found else {
            self.problems.error(draft.end, "FILE_CHECK has no track_file specified - ignoring").hint("track_file NAME");
            return None;
        };
        Some(Checker::File(Box::new(File { track_file, weight: draft.weight.unwrap_or(weight) })))
    }

    fn bfd_check(&mut self, draft: &draft::Bfd, from: &Inherited, names: &Trackable, followed: &mut HashSet<Box<str>>) -> Option<Checker> {
        if let Some(at) = draft.malformed {
            let text = format!("({}) BFD_CHECK - No or too many names specified - skipping checker", from.name());
            self.problems.error(at, text);
            return None;
        }
        let Some((at, name)) = draft.names.first() else {
            let text = format!("({}) No name has been specified for BFD_CHECKER - skipping", from.name());
            self.problems.error(draft.end, text).hint("name BFD_INSTANCE");
            return None;
        };
        for (at, other) in draft.names.iter().skip(1) {
            let text = format!("({}) BFD_CHECK - BFD {other} already specified as {name}", from.name());
            self.problems.error(*at, text).word(other);
        }
        let Some(known) = names.bfd.before(name, *at) else {
            let text = format!("({}) BFD_CHECK - BFD {name} not configured", from.name());
            self.problems.error(*at, text).word(name).hint("a bfd_instance of this name must stand above");
            return None;
        };
        if !followed.insert(name.clone()) {
            self.problems.error(*at, format!("({}) BFD_CHECK - RS already monitoring {name}", from.name())).word(name);
            return None;
        }
        // The fault of the session has been told: it will never change, and nothing waits for it.
        if !known.works {
            return None;
        }
        Some(Checker::Bfd(Box::new(Bfd { session: name.clone(), alpha: draft.alpha.unwrap_or(from.alpha) })))
    }
}

fn smtp(connection: Connection, own: draft::Smtp) -> Probe {
    Probe::Smtp(Box::new(Smtp { connection, helo_name: own.helo_name.unwrap_or_else(|| HELO_NAME.into()) }))
}

fn dns(connection: Connection, own: draft::Dns) -> Probe {
    Probe::Dns(Box::new(Dns { connection, record: own.record, name: own.name.unwrap_or_default() }))
}
