//! What an attempt of a checker needs: the dialogue, what it compares with, and how long it may take.

use super::pattern::{compile, wanted};
use crate::effect::probe::CheckerId;
use crate::model::Model;
use crate::model::checker::{Checker, Connection, Misc, Probe, Schedule};
use crate::model::lvs::{RealServer, VirtualServer};
use crate::model::script::Script;
use crate::probe::{Dialogue, Hosts, Matcher, dialogue};
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// An attempt takes so many of its time limits at most, if its checker does not pause for longer.
const LIMITS: u32 = 4;

/// The checkers of a configuration.
pub(super) struct Targets {
    model: Arc<Model>,
    /// Patterns are compiled once.
    matchers: HashMap<(CheckerId, u16), Rc<dyn Matcher>>,
    /// Numbers that nobody foresees.
    random: RandomState,
    drawn: u64,
}

/// What is to be done.
pub(super) enum Task<'a> {
    Talk { to: &'a Connection, longest: Duration, dialogue: Box<dyn Dialogue> },
    Run(&'a Misc),
}

impl Targets {
    pub(super) fn new(model: &Arc<Model>) -> Self {
        Self { model: Arc::clone(model), matchers: HashMap::new(), random: RandomState::new(), drawn: 0 }
    }

    pub(super) fn reconfigure(&mut self, model: &Arc<Model>) {
        self.model = Arc::clone(model);
        self.matchers.clear();
    }

    /// Says why not if it cannot be done.
    pub(super) fn task(&mut self, id: CheckerId, url: u16) -> Result<Task<'_>, String> {
        self.drawn = self.drawn.wrapping_add(1);
        let seed = self.random.hash_one(self.drawn);
        let (server, real, schedule, probe) = find(&self.model, id).ok_or("there is no such check")?;
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
        let longest = schedule.delay_loop.duration().max(to.timeout.duration() * LIMITS);
        let dialogue = dialogue(probe, url, hosts, seed, matcher).ok_or("this check is not known")?;
        Ok(Task::Talk { to, longest, dialogue })
    }
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

/// The scripts of all checkers.
pub(super) fn scripts(model: &Model) -> impl Iterator<Item = &Script> {
    let checkers = model.lvs.virtual_servers.iter().flat_map(|server| &server.real_servers).flat_map(|real| &real.checkers);
    checkers.filter_map(|checker| match checker {
        Checker::Probe { probe: Probe::Misc(misc), .. } => Some(&misc.script),
        Checker::Probe { .. } | Checker::File(_) | Checker::Bfd(_) => None,
    })
}

impl fmt::Debug for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Targets").field("matchers", &self.matchers.len()).finish_non_exhaustive()
    }
}
