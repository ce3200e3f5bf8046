//! Where the state of every object of a model lies: in one list for each kind, in the order of the configuration.

use super::checker::Checker;
use super::identity::server_key;
use super::real_server::{Real, Told};
use super::server::Server;
use super::suspend::Suspense;
use crate::effect::ipvs::ServerId;
use crate::effect::probe::CheckerId;
use crate::model::Model;
use crate::model::checker::Checker as Configured;
use crate::model::lvs::{RealServer, ServerGroup, Service, VirtualServer};
use std::collections::HashMap;
use std::ops::Range;

/// Positions are 32 bits wide where they are kept, and there are never so many objects.
pub(super) const fn ix(position: u32) -> usize {
    position as usize
}

pub(super) fn position(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// All state of a process's virtual servers.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) servers: Vec<Server>,
    pub(super) reals: Vec<Real>,
    pub(super) checkers: Vec<Checker>,
}

impl Layout {
    /// Everything as a fresh start has it, with no quorum yet.
    pub(super) fn fresh(model: &Model, suspense: &Suspense) -> Self {
        let servers = &model.lvs.virtual_servers;
        let reals = servers.iter().map(|server| server.real_servers.len()).sum();
        let checkers = servers.iter().flat_map(|server| &server.real_servers).map(|real| real.checkers.len()).sum();
        let mut layout =
            Self { servers: Vec::with_capacity(servers.len()), reals: Vec::with_capacity(reals), checkers: Vec::with_capacity(checkers) };
        let mut twins = HashMap::new();
        for (configured, at) in servers.iter().zip(0_u32..) {
            let twin = twins.entry(server_key(configured)).and_modify(|twin| *twin += 1).or_insert(0_u32);
            layout.servers.push(Server {
                id: ServerId(0),
                first: position(layout.reals.len()),
                twin: *twin,
                weight: 0,
                quorum: false,
                told: Told::Nothing,
                suspended: configured.ha_suspend && suspense.suspends(&configured.service, at),
            });
            for real in &configured.real_servers {
                let place = position(layout.reals.len());
                let first = position(layout.checkers.len());
                layout.checkers.extend(real.checkers.iter().map(|checker| Checker::fresh(checker, place)));
                layout.reals.push(Real { added: 0, server: at, first, failed: 0, told: Told::Nothing, recorded: false });
                layout.count(place, &real.checkers);
                let real = &mut layout.reals[ix(place)];
                real.told = if real.alive() { Told::Up } else { Told::Nothing };
            }
        }
        for (configured, at) in servers.iter().zip(0_u32..) {
            layout.weigh(at, configured);
        }
        layout
    }

    /// What the checkers of a real server come to.
    pub(super) fn count(&mut self, real: u32, configured: &[Configured]) {
        let checkers = self.checkers_of(real, configured.len());
        let checkers = &self.checkers[checkers];
        let failed = checkers.iter().filter(|checker| !checker.up()).count();
        let added = checkers.iter().map(|checker| checker.added).fold(0_i64, i64::saturating_add);
        let real = &mut self.reals[ix(real)];
        real.failed = position(failed);
        real.added = added;
    }

    /// What the real servers of a virtual server come to.
    pub(super) fn weigh(&mut self, server: u32, configured: &VirtualServer) {
        let weight =
            self.reals_of(server, configured).iter().zip(&configured.real_servers).map(|(real, configured)| real.counts(configured));
        self.servers[ix(server)].weight = weight.sum();
    }

    pub(super) fn reals_of(&self, server: u32, configured: &VirtualServer) -> &[Real] {
        let first = ix(self.servers[ix(server)].first);
        &self.reals[first..first + configured.real_servers.len()]
    }

    pub(super) fn checkers_of(&self, real: u32, count: usize) -> Range<usize> {
        let first = ix(self.reals[ix(real)].first);
        first..first + count
    }

    /// The real server's position among those of its virtual server.
    pub(super) fn nth(&self, real: u32) -> u32 {
        real - self.servers[ix(self.reals[ix(real)].server)].first
    }

    /// The checker as others know it.
    pub(super) fn checker_id(&self, checker: u32) -> CheckerId {
        let real = self.checkers[ix(checker)].real;
        let Real { server, first, .. } = self.reals[ix(real)];
        CheckerId { server, real: self.nth(real), checker: checker - first }
    }

    /// The checker's configuration, and whose it is.
    pub(super) fn configured<'a>(&self, model: &'a Model, checker: u32) -> Configuration<'a> {
        let CheckerId { server, real, checker } = self.checker_id(checker);
        let server = &model.lvs.virtual_servers[ix(server)];
        let real = &server.real_servers[ix(real)];
        Configuration { server, real, checker: &real.checkers[ix(checker)] }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Configuration<'a> {
    pub(super) server: &'a VirtualServer,
    pub(super) real: &'a RealServer,
    pub(super) checker: &'a Configured,
}

/// The group that the virtual server serves.
pub(super) fn group<'a>(model: &'a Model, server: &VirtualServer) -> Option<&'a ServerGroup> {
    match &server.service {
        Service::Group { name, .. } => model.lvs.groups.iter().find(|group| group.name == *name),
        Service::Address { .. } | Service::Mark(_) => None,
    }
}
