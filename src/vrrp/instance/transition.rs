//! From one state into another, and what has to be said, held and given up on the way.

use super::{Cx, Deferral, Instance, State};
use crate::effect::Action;
use crate::effect::net::Owner;
use crate::effect::notice::Told;
use crate::effect::time::Instant;
use crate::vrrp::burst::Bursts;
use crate::vrrp::history::Happening;
use crate::vrrp::message;
use crate::vrrp::snapshot::seen;

impl Instance {
    /// Gives up everything a master has; the new state is the caller's.
    pub(super) fn leave_master(&mut self, cx: &mut Cx<'_>) {
        self.stats.released_master += 1;
        cx.actions.push(Action::Silence(self.id));
        cx.actions.push(Action::Hold { owner: Owner::Instance(self.id), facts: Box::default() });
    }

    fn enter(&mut self, state: State, cx: &Cx<'_>) {
        self.state = state;
        self.changed = cx.now;
        self.reason = Some(self.history.reason(self.conf.priority));
        self.since = if matches!(self.state, State::Init | State::Fault) { None } else { self.since.or(Some(cx.now)) };
        self.note(cx.now, Happening::Entered(seen(&self.state)));
        self.remarked.clear();
    }

    pub(in crate::vrrp) fn become_master(&mut self, cx: &mut Cx<'_>) {
        self.wants_master = true;
        self.learnt = self.conf.advert_interval;
        self.master = None;
        self.other_owner_since = None;
        self.auth.ah.begin();
        self.send(self.priority(), cx);
        let next_advert = cx.now + self.conf.advert_interval;
        self.enter(
            State::Master { since: cx.now, next_advert, bursts: Bursts::start(cx.now, &self.conf.garp), renewal: self.renewal(cx.now) },
            cx,
        );
        self.stats.became_master += 1;
        self.record(cx);
        cx.actions.push(Action::Say(message::master(&self.conf.name)));
        self.hold(cx);
        self.announce(self.conf.garp.repeat, cx);
        self.tell(Told::Master, cx);
    }

    /// Takes up what a predecessor of this process left: nobody outside is to notice.
    pub(in crate::vrrp) fn resume_master(&mut self, since: Instant, cx: &mut Cx<'_>) {
        self.wants_master = true;
        self.send(self.priority(), cx);
        let next_advert = cx.now + self.conf.advert_interval;
        self.enter(State::Master { since, next_advert, bursts: Bursts::start(cx.now, &self.conf.garp), renewal: self.renewal(cx.now) }, cx);
        cx.actions.push(Action::Say(message::resumed(&self.conf.name)));
        self.record(cx);
        self.hold(cx);
        self.announce(1, cx);
    }

    /// What was told of a fault is still true.
    pub(in crate::vrrp) fn resume_fault(&mut self, cx: &mut Cx<'_>) {
        self.hold(cx);
        self.enter(State::Fault, cx);
        self.record(cx);
    }

    /// A lease is renewed twice before it could end.
    fn renewal(&self, now: Instant) -> Option<Instant> {
        self.conf.vip_lease().map(|lease| now + lease / 3)
    }

    /// An owner at the start: master as soon as anything runs, and nobody is told of a BACKUP.
    pub(in crate::vrrp) fn await_ownership(&mut self, cx: &mut Cx<'_>) {
        self.unannounced = false;
        self.wants_master = true;
        self.hold(cx);
        let down = cx.now.max(cx.released_at);
        self.enter(State::Backup { down, deferral: Deferral::of(self.conf.preempt) }, cx);
        self.record(cx);
    }

    /// From any state. `goodbye` is how often a master says priority 0 before.
    pub(in crate::vrrp) fn become_backup(&mut self, goodbye: u8, told: bool, cx: &mut Cx<'_>) {
        let initial = self.state == State::Init;
        self.unannounced = false;
        match self.state {
            State::Master { .. } => {
                self.say_goodbye(goodbye, cx);
                self.leave_master(cx);
            }
            State::Fault => self.learnt = self.conf.advert_interval,
            State::Init => self.hold(cx),
            State::Backup { .. } => {}
        }
        self.wants_master = false;
        self.enter(State::Backup { down: cx.now, deferral: Deferral::of(self.conf.preempt) }, cx);
        self.wait_for_master(cx);
        self.record(cx);
        if told {
            cx.actions.push(Action::Say(message::backup(&self.conf.name, initial)));
            self.tell(Told::Backup, cx);
        }
    }

    pub(in crate::vrrp) fn become_fault(&mut self, goodbye: u8, cx: &mut Cx<'_>) {
        let initial = self.state == State::Init;
        if self.faults.any() {
            self.note(cx.now, Happening::Failed(self.faults.iter().cloned().collect()));
        }
        match self.state {
            State::Master { .. } => {
                self.say_goodbye(goodbye, cx);
                self.leave_master(cx);
            }
            State::Init => self.hold(cx),
            State::Backup { .. } | State::Fault => {}
        }
        self.wants_master = false;
        self.enter(State::Fault, cx);
        self.record(cx);
        if initial && self.faults.any() && self.faults.silent() {
            cx.actions.push(Action::Say(message::pending(&self.conf.name, &self.faults)));
            self.unannounced = true;
            return;
        }
        self.say_fault(initial, cx);
    }

    fn say_fault(&mut self, initial: bool, cx: &mut Cx<'_>) {
        self.unannounced = false;
        cx.actions.push(Action::Say(message::fault(&self.conf.name, initial)));
        if self.faults.any() {
            cx.actions.push(Action::Say(message::because(&self.conf.name, &self.faults)));
        }
        self.tell(Told::Fault, cx);
    }

    /// It waited in silence, and what it waited for has failed.
    pub(in crate::vrrp) fn own_up(&mut self, cx: &mut Cx<'_>) {
        if self.unannounced && !self.faults.silent() {
            self.say_fault(true, cx);
        }
    }

    /// Starts the timer anew.
    pub(super) fn wait_for_master(&mut self, cx: &Cx<'_>) {
        let after = self.down_interval();
        if let State::Backup { down, .. } = &mut self.state {
            *down = cx.now.max(cx.released_at) + after;
        }
    }
}
