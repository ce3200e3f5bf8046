//! From one configuration to the next.

use super::{Driver, SETTLED};
use crate::kernel::timer::now;
use crate::model::Model;
use crate::runtime::handover::Report;
use crate::runtime::role::vrrp::devices::{self, Awaited};
use crate::runtime::role::vrrp::statics;
use crate::runtime::role::vrrp::synchronise::Synchroniser;
use crate::vrrp::announce::Pace;
use std::io;
use std::sync::Arc;

impl Driver {
    /// Before a new configuration is taken over, the interfaces are made that it needs, and it is looked at what is in the kernel.
    /// Adverts go on meanwhile.
    pub(in super::super) fn prepare(&mut self, model: &Model) {
        let made = devices::prepare_more(&mut self.holder, &mut self.firewall, self.engine.plan(), model, self.engine.links());
        // Whoever is new takes over what is there of his.
        let adopts = self.model.vrrp.instances != model.vrrp.instances;
        // What is being taken in is good for that as well.
        if adopts && !self.again.is_taking_in() {
            self.holder.look();
        }
        self.awaited = (made.is_some() || adopts).then(|| Awaited::new(made));
    }

    pub(in super::super) fn is_prepared(&self) -> bool {
        // What is being taken in soon has been.
        !self.again.is_taking_in()
            && self.awaited.is_none_or(|awaited| awaited.is_late() || self.again.is_nothing() && awaited.is_over(&self.holder))
    }

    pub(in super::super) fn reconfigure(&mut self, model: &Arc<Model>) -> io::Result<()> {
        self.look_at_the_clock();
        self.awaited = None;
        // What the kernel has to tell of the interfaces that were made.
        self.observe();
        let previous = std::mem::replace(&mut self.model, Arc::clone(model));
        self.swollen = true;
        self.unload = Some(now() + SETTLED);
        self.announcer.repace(Pace::of(model), self.engine.links());
        if self.model.vrrp.linkbeat != previous.vrrp.linkbeat {
            self.poll_links()?;
        }
        self.standings.reconfigure(model, self.engine.links());
        // What goes is the first to go, and what comes is the last.
        let statics = statics::facts(&self.model.statics, self.engine.links());
        self.static_facts = statics::kept(&self.static_facts, &statics);
        self.hold_statics_again();
        if !self.synchroniser.as_ref().is_some_and(|synchroniser| synchroniser.is_as_configured(model)) {
            // Whoever is not followed by another ends by being dropped: nobody waits for it here.
            self.synchroniser = Synchroniser::start(model, self.synchroniser.take());
        }
        self.engine.reconfigure(now(), model, &mut self.actions);
        self.firewall.reconfigure(&self.engine, model, self.actions.as_slice(), &mut self.holder);
        self.carry_out();
        self.holder.forget();
        self.hold_statics();
        self.offer();
        self.control.report(Report::Ready);
        self.rest()
    }

    /// A configuration was not taken over.
    pub(in super::super) fn refuse(&mut self, reason: &str) {
        self.control.report(Report::Refused(reason.into()));
    }
}
