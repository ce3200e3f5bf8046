//! What an attempt of a checker needs: the dialogue, what it compares with, and how long it may take.

use super::attempt::{Limits, Talk};
use super::pattern::{compile, wanted};
use crate::effect::probe::CheckerId;
use crate::model::Model;
use crate::model::checker::{Checker, Connection, Misc, Probe, Schedule};
use crate::model::lvs::{RealServer, VirtualServer};
use crate::probe::{Hosts, Matcher, Tls, Transport, dialogue};
use crate::sys::tls::{Client, Context, Identity};
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::rc::Rc;
use std::sync::Arc;

/// An attempt takes as long as its checker pauses, but so many of its time limits at least, and so many at most.
const LEAST: u32 = 4;
const MOST: u32 = 16;

/// The checkers of a configuration.
pub(super) struct Targets {
    model: Arc<Model>,
    /// Patterns are compiled once.
    matchers: HashMap<(CheckerId, u16), Rc<dyn Matcher>>,
    /// Made when it is needed for the first time.
    tls: Option<Context>,
    /// Numbers that nobody foresees.
    random: RandomState,
    drawn: u64,
}

/// What is to be done.
pub(super) enum Task<'a> {
    Talk { to: &'a Connection, transport: Transport, talk: Talk, limits: Limits },
    Run(&'a Misc),
}

impl Targets {
    pub(super) fn new(model: &Arc<Model>) -> Self {
        Self { model: Arc::clone(model), matchers: HashMap::new(), tls: None, random: RandomState::new(), drawn: 0 }
    }

    pub(super) fn reconfigure(&mut self, model: &Arc<Model>) {
        self.model = Arc::clone(model);
        self.matchers.clear();
        self.tls = None;
    }

    /// Says why not if it cannot be done.
    pub(super) fn task(&mut self, id: CheckerId, url: u16) -> io::Result<Task<'_>> {
        self.drawn = self.drawn.wrapping_add(1);
        let seed = self.random.hash_one(self.drawn);
        let (server, real, schedule, probe) = find(&self.model, id).ok_or_else(|| io::Error::other("there is no such check"))?;
        let matcher = match wanted(probe, url) {
            Some(regex) => Some(match self.matchers.get(&(id, url)) {
                Some(matcher) => Rc::clone(matcher),
                None => {
                    let matcher = compile(regex)?;
                    self.matchers.insert((id, url), Rc::clone(&matcher));
                    matcher
                }
            }),
            None => None,
        };
        let hosts = Hosts {
            real_server: real.details.as_ref().and_then(|details| details.virtualhost.as_deref()),
            virtual_server: server.virtualhost.as_deref(),
        };
        let to = match probe {
            Probe::Tcp(to) | Probe::Ping(to) => to,
            Probe::Http(http) => &http.connection,
            Probe::Smtp(smtp) => &smtp.connection,
            Probe::Dns(dns) => &dns.connection,
            Probe::Udp(udp) => &udp.connection,
            Probe::Misc(misc) => return Ok(Task::Run(misc)),
        };
        let patience = to.timeout.duration();
        let limits = Limits { patience, longest: schedule.delay_loop.duration().clamp(patience * LEAST, patience * MOST) };
        let dialogue = dialogue(probe, url, hosts, seed, matcher).ok_or_else(|| io::Error::other("this check is not known"))?;
        let transport = dialogue.transport();
        let client = match &transport {
            Transport::Stream { tls: Some(tls) } => Some(client(&self.model, &mut self.tls, tls)?),
            Transport::Stream { tls: None } | Transport::Datagram | Transport::Echo => None,
        };
        Ok(Task::Talk { to, transport, talk: Talk::new(dialogue, client), limits })
    }
}

fn client(model: &Model, context: &mut Option<Context>, tls: &Tls) -> io::Result<Client> {
    let context = match context {
        Some(context) => context,
        None => {
            let identity = model.lvs.tls.as_ref().map_or(Identity::default(), |own| Identity {
                password: own.password.as_deref(),
                ca: own.ca.as_deref(),
                certificate: own.certificate.as_deref(),
                key: own.key.as_deref(),
            });
            context.insert(Context::new(&identity)?)
        }
    };
    Client::new(context, tls.server_name.as_deref(), tls.compliant)
}

fn find(model: &Model, id: CheckerId) -> Option<(&VirtualServer, &RealServer, &Schedule, &Probe)> {
    let at = |index: u32| usize::try_from(index).ok();
    let server = model.lvs.virtual_servers.get(at(id.server)?)?;
    let real = server.real_servers.get(at(id.real)?)?;
    match real.checkers.get(at(id.checker)?)? {
        Checker::Probe { schedule, probe } => Some((server, real, schedule, probe)),
        Checker::File(_) | Checker::Bfd(_) => None,
    }
}

impl fmt::Debug for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Targets").field("matchers", &self.matchers.len()).finish_non_exhaustive()
    }
}
