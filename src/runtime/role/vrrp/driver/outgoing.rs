//! What the engine wants done: adverts at once, facts by way of the writer, frames and notices as many as a turn has time for.

use super::{Driver, FRAMES, NOTICES, ROOM};
use crate::effect::Action;
use crate::effect::net::{Fact, Owner};
use crate::effect::notice::Notice;
use crate::effect::packet::Target;
use crate::kernel::timer::now;
use crate::runtime::handover::{Entry, Report};
use crate::runtime::log;
use crate::runtime::notify::Tell as _;
use crate::runtime::role::vrrp::held::target;
use crate::runtime::role::vrrp::later::{Waiting, portions};
use crate::runtime::role::vrrp::statics;
use crate::vrrp::Event;

impl Driver {
    pub(super) fn carry_out(&mut self) {
        let mut actions = std::mem::take(&mut self.actions);
        for action in actions.drain() {
            match action {
                Action::Transmit(packet) => self.ports.send(&packet),
                Action::Open(id, port) => {
                    if let Err(reason) = self.ports.open(id, &port, &self.poll) {
                        self.failed.push_back(Event::PortFailed { port: id, reason });
                    }
                }
                Action::Close(id) => self.ports.close(id, &self.poll),
                Action::Adopt { owner, facts } => self.holder.adopt(owner, &facts),
                Action::Hold { owner, facts } => self.hold(owner, &facts),
                Action::Renew(owner) => self.holder.renew(owner),
                Action::Announce(announce) => {
                    let done = self.holder.done();
                    let when = |target: &Target| self.held.when(announce.instance, target);
                    for (after, portion) in portions(&announce, done, self.last_hold, when) {
                        self.later.put(after, portion);
                    }
                }
                Action::Silence(instance) => {
                    self.later.silence(instance);
                    self.announcer.silence(instance);
                }
                Action::Probe(targets) => self.later.put(self.last_hold, Waiting::Probe(targets)),
                Action::Notify(notice) => self.later.put(self.last_hold, Waiting::Notify(notice)),
                Action::Refuse(refusal) => self.agent.refusal(refusal),
                Action::Record(record) => self.control.report(Report::Record(Entry::Instance(record))),
                Action::Forget(key) => self.control.report(Report::Forget(key)),
                Action::Say(line) => log::line(&line),
            }
        }
        // The list keeps its room, but not what a start or a reload needed.
        actions.shrink_to(ROOM);
        self.actions = actions;
    }

    fn hold(&mut self, owner: Owner, facts: &[Fact]) {
        self.last_hold = Some(self.firewall.hold(self.engine.links(), self.engine.shuts(owner), owner, facts, &mut self.holder));
        self.swollen = true;
        let Owner::Instance(instance) = owner else { return };
        let wanted = facts.iter().filter_map(|fact| Some((target(fact)?, self.holder.ticket(fact)))).collect();
        let gone = self.held.put(instance, wanted);
        self.announcer.forget(instance, &gone);
        self.moved = true;
    }

    pub(super) fn hold_statics(&mut self) {
        let facts = statics::facts(&self.model.statics, self.engine.links());
        if facts != self.static_facts {
            self.static_facts = facts;
            self.hold_statics_again();
        }
    }

    pub(super) fn hold_statics_again(&mut self) {
        self.actions.push(Action::Hold { owner: Owner::Statics, facts: self.static_facts.clone() });
        self.carry_out();
    }

    pub(super) fn listen(&mut self) {
        if std::mem::take(&mut self.moved) {
            self.neighbours.listen(&self.held.places(), self.engine.links(), &self.poll);
        }
    }

    pub(super) fn speak(&mut self) {
        let now = now();
        self.announcer.expect_more(self.later.has_announcements());
        let frames = self.announcer.take(now, FRAMES);
        let left = FRAMES.saturating_sub(frames.len()).min(self.probes.len());
        for target in frames {
            self.neighbours.announce(now, target, self.engine.links());
        }
        for target in self.probes.drain(..left) {
            self.neighbours.probe(target, self.engine.links());
        }
        let most = NOTICES.min(self.notices.len());
        let notices: Vec<Notice> = self.notices.drain(..most).collect();
        for notice in notices {
            self.pass_on(notice);
        }
    }

    pub(super) fn pass_on(&mut self, notice: Notice) {
        self.dbus.notice(&notice);
        self.agent.notice(&notice, &self.engine);
        self.teller.notice(notice);
    }
}
