//! The end of it all.

use super::Driver;
use crate::effect::Action;
use crate::effect::firewall;
use crate::effect::net::Owner;
use crate::kernel::timer::now;
use crate::runtime::agent::Agent;
use crate::runtime::handover::{Report, RoleEnd};
use crate::runtime::log;
use crate::runtime::notify::Teller;
use crate::runtime::role::vrrp::devices;
use crate::runtime::role::vrrp::later::Waiting;
use crate::runtime::role::vrrp::synchronise::Synchroniser;
use std::time::Duration;

/// How long the end waits for the kernel, and for a supervisor that does not read.
const RELEASE: Duration = Duration::from_secs(3);
const LAST_WORDS: Duration = Duration::from_millis(500);

impl Driver {
    /// The end: nothing is held any more when this returns, unless the kernel is held up. Every notice has been told.
    pub(in super::super) fn stop(&mut self, release: bool) {
        self.look_at_the_clock();
        self.engine.stop(now(), release, &mut self.actions);
        if release && !self.static_facts.is_empty() {
            self.actions.push(Action::Hold { owner: Owner::Statics, facts: Box::default() });
        }
        self.carry_out();
        if let Some(ticket) = self.last_hold
            && !self.holder.wait(ticket, RELEASE)
        {
            tracing::warn!("the kernel has not taken everything away in {} s", RELEASE.as_secs());
        }
        devices::report(self.holder.before(), &mut self.control);
        for refusal in self.holder.settle() {
            tracing::warn!("{:?} stays as it is: {}", refusal.fact, refusal.reason);
        }
        self.ports.close_all(&self.poll);
        while let Some(waiting) = self.later.take() {
            if let Waiting::Notify(notice) = waiting {
                self.notices.push_back(notice);
            }
        }
        for notice in std::mem::take(&mut self.notices) {
            self.pass_on(notice);
        }
        self.synchroniser.take().into_iter().for_each(Synchroniser::finish);
        if release {
            self.holder.filter(firewall::Order::Frame(None));
            self.holder.wait_for_filter(RELEASE);
        }
        self.holder.lines().iter().for_each(log::line);
        self.dbus.stop();
    }

    /// Tells the supervisor that it is over. The teller's scripts may still run, and as long as the supervisor's end is there,
    /// so are we.
    pub(in super::super) fn finish(mut self) -> (Teller, Agent, RoleEnd) {
        self.control.report(Report::Stopped);
        self.control.finish(LAST_WORDS);
        (self.teller, self.agent, self.control)
    }
}
