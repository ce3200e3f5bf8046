//! Everything the engine says in the log and in mail, in one place: tools look for these words. They are keepalived 2.2.7's as
//! it was watched; what it does not say at all has words of our own.

use super::name::{self, RealName};
use crate::effect::say::{Level, Line};
use crate::model::checker::{Bfd, Checker, File, Probe};
use crate::model::lvs::{RealServer, SorryServer, VirtualServer};
use crate::model::script;
use std::fmt::Display;
use std::time::Duration;

/// A checker, where its names come from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) server: &'a VirtualServer,
    pub(super) real: &'a RealServer,
}

impl Subject<'_> {
    fn real(&self) -> RealName {
        name::real_server(self.server, self.real)
    }

    fn server(&self) -> impl Display + '_ {
        name::virtual_server(self.server)
    }

    /// `SERVICE from VS SERVER`, with the words in between.
    fn line(&self, verb: &str, way: &str) -> Line {
        info(format!("{verb} service {} {way} VS {}", self.real(), self.server()))
    }
}

fn info(text: String) -> Line {
    Line { level: Level::Info, text }
}

// Checkers.

pub(super) fn activating(subject: Subject<'_>) -> Line {
    subject.line("Activating healthchecker for", "for")
}

pub(super) fn suspending(subject: Subject<'_>) -> Line {
    subject.line("Suspending healthchecker for", "for")
}

/// keepalived names each checker, one a line; with thirty thousand of them this is as good.
pub(super) fn activated(count: usize) -> Line {
    info(format!("Activating {count} healthcheckers"))
}

/// A probe that has succeeded where it had not, or for the first time.
pub(super) fn succeeded(subject: Subject<'_>, probe: &Probe) -> Line {
    let real = subject.real();
    info(match probe {
        Probe::Tcp(_) => format!("TCP connection to {real} success."),
        Probe::Udp(_) => format!("UDP connection to {real} success."),
        Probe::Ping(_) => format!("ICMP connection to {real} success."),
        Probe::Http(_) => format!("Remote Web server {real} succeed on service."),
        Probe::Smtp(_) => format!("Remote SMTP server {real} succeed on service."),
        Probe::Dns(_) => format!("DNS_CHECK on service {real} success."),
        Probe::Misc(misc) => format!("Misc check for [{real} VS {}] by [{}] succeeded.", subject.server(), command(&misc.script)),
    })
}

/// The page of a failed server is there again.
pub(super) fn page(subject: Subject<'_>, path: &str) -> Line {
    info(format!("HTTP status code success to {} url({path})", subject.real()))
}

/// A probe that has failed, after so many before it in the same round.
pub(super) fn failed(subject: Subject<'_>, probe: &Probe, retries: u32, reason: &str) -> Line {
    let real = subject.real();
    let after = if retries > 0 { format!(" after {retries} retries") } else { String::new() };
    let because = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    info(match probe {
        Probe::Ping(_) => format!("ICMP CHECK on service {real} of {} failed{after}.{because}", subject.server()),
        Probe::Misc(misc) => {
            let command = command(&misc.script);
            format!("Misc check for [{real} VS {}] by [{command}] failed{after}{because}.", subject.server())
        }
        Probe::Tcp(_) | Probe::Udp(_) | Probe::Http(_) | Probe::Smtp(_) | Probe::Dns(_) => {
            format!("{} on service {real} failed{after}.{because}", kind(probe))
        }
    })
}

pub(super) fn untried(subject: Subject<'_>, probe: &Probe, reason: &str) -> Line {
    let text = format!("{} on service {} could not be tried: {reason}", kind(probe), subject.real());
    Line { level: Level::Warning, text }
}

pub(super) fn lost(subject: Subject<'_>, probe: &Probe, after: Duration) -> Line {
    let text = format!("{} on service {} has not ended after {after:?}: it is begun again", kind(probe), subject.real());
    Line { level: Level::Warning, text }
}

const fn kind(probe: &Probe) -> &'static str {
    match probe {
        Probe::Tcp(_) => "TCP_CHECK",
        Probe::Udp(_) => "UDP_CHECK",
        Probe::Ping(_) => "PING_CHECK",
        Probe::Http(http) => {
            if http.tls {
                "SSL_CHECK"
            } else {
                "HTTP_CHECK"
            }
        }
        Probe::Smtp(_) => "SMTP_CHECK",
        Probe::Dns(_) => "DNS_CHECK",
        Probe::Misc(_) => "MISC_CHECK",
    }
}

fn command(script: &script::Script) -> &str {
    script.argv.first().map_or("", |word| word)
}

pub(super) fn file(subject: Subject<'_>, file: &File, up: bool) -> Line {
    let what = if up { "leaving" } else { "now" };
    info(format!("({}): tracked file {} {what} FAULT state", subject.real(), file.track_file))
}

pub(super) fn bfd(subject: Subject<'_>, bfd: &Bfd, up: bool) -> Line {
    info(format!("BFD check of [{}] RS({}) is {}", bfd.session, subject.real(), if up { "UP" } else { "DOWN" }))
}

/// What mail says of a checker that went up or down.
pub(super) fn checker_mail(checker: &Checker, up: bool, reason: &str) -> Box<str> {
    let word = |name: &str, success: &str| if up { format!("{name} {success} on service") } else { format!("{name} failed on service") };
    let text = match checker {
        Checker::Probe { probe, .. } => match probe {
            Probe::Tcp(_) => word("TCP CHECK", "succeed"),
            Probe::Udp(_) => word("UDP CHECK", "succeed"),
            Probe::Ping(_) => word("ICMP CHECK", "succeed"),
            Probe::Dns(_) => word("DNS_CHECK:", "succeed"),
            Probe::Misc(_) => word("MISC CHECK", "succeeded"),
            Probe::Http(_) | Probe::Smtp(_) if up || reason.is_empty() => word("CHECK", "succeed"),
            Probe::Http(_) | Probe::Smtp(_) => format!("CHECK failed on service : {reason}"),
        },
        Checker::File(_) => word("FILE CHECK", "succeed"),
        Checker::Bfd(_) => word("BFD CHECK", "succeed"),
    };
    text.into()
}

// Real servers.

pub(super) fn came(subject: Subject<'_>) -> Line {
    if subject.real.inhibit { subject.line("Enabling", "of") } else { subject.line("Adding", "to") }
}

pub(super) fn went(subject: Subject<'_>) -> Line {
    if subject.real.inhibit { subject.line("Disabling", "of") } else { subject.line("Removing", "from") }
}

pub(super) fn removing(subject: Subject<'_>) -> Line {
    subject.line("Removing", "from")
}

pub(super) fn no_longer(subject: Subject<'_>) -> Line {
    info(format!("service {} no longer exist", subject.real()))
}

pub(super) fn weight(subject: Subject<'_>, from: i64, to: i64, alive: bool) -> Line {
    let standing = if alive { "active" } else { "inactive" };
    subject.line(&format!("Changing weight from {from} to {to} for {standing}"), "of")
}

pub(super) fn stopping(subject: Subject<'_>, inhibited: bool) -> Line {
    subject.line(if inhibited { "Shutting down (inhibited)" } else { "Shutting down" }, "from")
}

pub(super) const RELOADED: &str = "Configuration changed";
pub(super) const REMOVING: &str = "Removing";
pub(super) const STOPPING: &str = "Shutting down";

// Virtual servers.

pub(super) fn resumed(records: usize) -> Line {
    let text = format!("carries on with the health of {records} real servers as a predecessor left it");
    Line { level: Level::Notice, text }
}

pub(super) fn server_removed(server: &VirtualServer) -> Line {
    info(format!("Removing Virtual Server {}", name::virtual_server(server)))
}

pub(super) fn gained(server: &VirtualServer, weight: u64) -> Line {
    info(format!("Gained quorum {} for VS {}", reached(server, weight), name::virtual_server(server)))
}

pub(super) fn lost_quorum(server: &VirtualServer, weight: u64) -> Line {
    info(format!("Lost quorum {} for VS {}", missed(server, weight), name::virtual_server(server)))
}

pub(super) fn starting_down(server: &VirtualServer, weight: u64) -> Line {
    info(format!("Starting with quorum down {} for VS {}", missed(server, weight), name::virtual_server(server)))
}

fn reached(server: &VirtualServer, weight: u64) -> String {
    let VirtualServer { quorum, hysteresis, .. } = server;
    format!("{quorum}+{hysteresis}={} <= {weight}", u64::from(*quorum) + u64::from(*hysteresis))
}

fn missed(server: &VirtualServer, weight: u64) -> String {
    let VirtualServer { quorum, hysteresis, .. } = server;
    format!("{quorum}-{hysteresis}={} > {weight}", quorum.saturating_sub(*hysteresis))
}

/// A quorum's mail does the sum of a gain even for a loss, as keepalived's does: there are filters for it.
pub(super) fn quorum_mail(server: &VirtualServer, weight: u64, up: bool, starting: bool) -> Box<str> {
    let what = match (starting, up) {
        (true, true) => "Starting with quorum up",
        (true, false) => "Starting with quorum down",
        (false, true) => "Gained quorum",
        (false, false) => "Lost quorum",
    };
    format!("{what} {}", reached(server, weight)).into()
}

pub(super) fn sorry_in(server: &VirtualServer, sorry: &SorryServer) -> [Line; 2] {
    let verb = if sorry.inhibit { "Enabling" } else { "Adding" };
    let vs = name::virtual_server(server);
    [
        info(format!("{verb} sorry server {} to VS {vs}", name::sorry_server(server, sorry))),
        info(format!("Removing alive servers from the pool for VS {vs}")),
    ]
}

pub(super) fn sorry_out(server: &VirtualServer, sorry: &SorryServer) -> [Line; 2] {
    let verb = if sorry.inhibit { "Disabling" } else { "Removing" };
    let vs = name::virtual_server(server);
    [
        info(format!("{verb} sorry server {} from VS {vs}", name::sorry_server(server, sorry))),
        info(format!("Adding alive servers to the pool for VS {vs}")),
    ]
}
