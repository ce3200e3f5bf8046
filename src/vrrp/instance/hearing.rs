//! What others send, and what becomes of it: whose adverts are followed, answered or put up with.

use super::{Cx, Deferral, Instance, State, Wish};
use crate::effect::Action;
use crate::effect::net::Device;
use crate::effect::notice::Told;
use crate::effect::packet::{Announce, Datagram};
use crate::model::vrrp::Version;
use crate::vrrp::admit::{Circumstances, Heard, Remark, admit};
use crate::vrrp::election::{compare, skew, waiting_priority};
use crate::vrrp::history::Happening;
use crate::vrrp::{message, place};
use std::cmp::Ordering;
use std::net::IpAddr;

impl Instance {
    pub(in crate::vrrp) fn receive(&mut self, datagram: &Datagram<'_>, cx: &mut Cx<'_>) -> Option<Wish> {
        match self.state {
            // Nobody listens: the packet does not even count.
            State::Init | State::Fault => return None,
            State::Backup { .. } | State::Master { .. } if cx.now < cx.released_at => return None,
            State::Backup { .. } | State::Master { .. } => {}
        }
        let trusted = self.master.filter(|_| !self.is_master());
        let circumstances = Circumstances { effective: self.effective, trusted, group: self.conf.group(), utc: cx.utc, own: self.source };
        let known = self.stats.auth_errors.invalid_type;
        let verdict = admit(&self.conf, circumstances, datagram, &mut self.auth, &mut self.stats);
        if let Some(remark) = verdict.remark
            && self.remarked.insert(remark)
        {
            cx.actions.push(Action::Say(message::remark(&self.conf, remark, datagram.source)));
            let invalid = self.stats.auth_errors.invalid_type > known;
            cx.actions.extend(remark.refusal(invalid, &self.conf.name, datagram.source).map(Action::Refuse));
        }
        let heard = verdict.heard?;
        if !verdict.old_checksum {
            self.old_checksum.remove(&heard.source);
        } else if self.old_checksum.insert(heard.source) {
            cx.actions.push(Action::Say(message::old_checksum(&self.conf.name)));
        }
        match self.state {
            State::Init | State::Fault => None,
            State::Backup { deferral, .. } => {
                self.heard_in_backup(heard, deferral, cx);
                None
            }
            State::Master { .. } => self.heard_in_master(heard, cx),
        }
    }

    fn heard_in_backup(&mut self, heard: Heard, deferral: Deferral, cx: &mut Cx<'_>) {
        if heard.priority == 0 {
            let after = skew(self.conf.version, waiting_priority(self.conf.priority, self.effective), self.interval());
            if let State::Backup { down, .. } = &mut self.state {
                *down = cx.now + after;
            }
            self.note(cx.now, Happening::Resigned { master: heard.source, wait: after });
            return;
        }
        let lower = heard.priority < self.priority();
        if lower && !deferral.accepts_lower(cx.now) {
            cx.actions.push(Action::Say(message::lower_in_backup(&self.conf.name, heard.source, heard.priority)));
            self.note(cx.now, Happening::Lower { from: heard.source, theirs: heard.priority, ours: self.priority() });
            return;
        }
        if self.yields_ownership && (self.master != Some(heard.source) || heard.priority < u8::MAX) {
            self.yields_ownership = false;
        }
        if (self.master, self.master_priority) != (Some(heard.source), heard.priority) {
            self.note(cx.now, Happening::Follows { master: heard.source, theirs: heard.priority, ours: self.priority() });
        }
        self.follow(heard);
        self.wants_master = false;
        if let State::Backup { deferral: kept, .. } = &mut self.state {
            *kept = deferral.heard(cx.now, lower);
        }
        self.wait_for_master(cx);
        self.record(cx);
    }

    /// This is the master now, with its interval.
    fn follow(&mut self, heard: Heard) {
        if self.master != Some(heard.source) {
            self.master = Some(heard.source);
            self.remarked.clear();
        }
        self.master_priority = heard.priority;
        self.learnt = match self.conf.version {
            Version::V2 => self.conf.advert_interval,
            // An interval of zero would make everybody master at once.
            Version::V3 if heard.interval.is_zero() => self.conf.advert_interval,
            Version::V3 => heard.interval,
        };
    }

    fn heard_in_master(&mut self, heard: Heard, cx: &mut Cx<'_>) -> Option<Wish> {
        if heard.priority == 0 {
            if self.answers.admits(cx.now, self.conf.advert_interval) {
                self.advertise(cx);
            }
            return None;
        }
        match compare((heard.priority, heard.source), (self.priority(), self.source)) {
            Ordering::Equal => {
                if self.remarked.insert(Remark::Destination) {
                    cx.actions.push(Action::Say(message::same_address(&self.conf.name, heard.source)));
                }
                None
            }
            Ordering::Greater => self.outranked(heard, cx),
            Ordering::Less => {
                if heard.priority == u8::MAX && self.gives_up_ownership(heard, cx) {
                    return self.outranked(heard, cx);
                }
                self.answer(heard, cx)
            }
        }
    }

    fn outranked(&mut self, heard: Heard, cx: &mut Cx<'_>) -> Option<Wish> {
        cx.actions.push(Action::Say(message::higher(&self.conf.name, heard.source, heard.priority, self.priority())));
        if self.conf.higher_prio_send_advert {
            self.send(self.priority(), cx);
        }
        let (by, theirs, ours, source) = (heard.source, heard.priority, self.priority(), self.source);
        self.note(cx.now, Happening::Outranked { by, theirs, ours, source });
        self.follow(heard);
        Some(Wish::Backup)
    }

    /// Another master of lower standing: it is told at once, though not as often as it likes, and so is everybody else.
    fn answer(&mut self, heard: Heard, cx: &mut Cx<'_>) -> Option<Wish> {
        if !self.answers.admits(cx.now, self.conf.advert_interval) {
            return None;
        }
        cx.actions.push(Action::Say(message::lower_in_master(&self.conf, heard.source, heard.priority, self.priority())));
        if !self.conf.lower_prio_no_advert {
            self.advertise(cx);
        }
        self.note(cx.now, Happening::Answered { from: heard.source, theirs: heard.priority, ours: self.priority() });
        self.announce_after_lower(cx);
        self.tell(Told::MasterRxLowerPri, cx);
        Some(Wish::AnnounceGroup)
    }

    pub(in crate::vrrp) fn announce_after_lower(&mut self, cx: &mut Cx<'_>) {
        if let State::Master { bursts, .. } = &mut self.state {
            bursts.lower(cx.now, &self.conf.garp);
        }
        self.announce(self.conf.garp.lower_prio_repeat, cx);
    }

    /// Two routers own the addresses. The one that would win gives in too if the other does not: two masters are worse.
    fn gives_up_ownership(&mut self, heard: Heard, cx: &mut Cx<'_>) -> bool {
        let longest = self.conf.advert_interval.max(heard.interval);
        let patience = self.conf.advert_interval * 2 + longest * 6 / 5;
        match self.other_owner_since {
            None => {
                cx.actions.push(Action::Say(message::two_owners(&self.conf.name, heard.source)));
                self.other_owner_since = Some(cx.now);
                false
            }
            // Long ago: it had gone meanwhile.
            Some(since) if cx.now > since + patience * 4 => {
                self.other_owner_since = Some(cx.now);
                false
            }
            Some(since) if cx.now >= since + patience => {
                self.yields_ownership = true;
                self.note(cx.now, Happening::YieldsOwnership { to: heard.source });
                true
            }
            Some(_) => false,
        }
    }

    /// Another machine says it has one of our addresses, or asks for it: it hears who has.
    pub(in crate::vrrp) fn claimed(&mut self, device: Device, address: IpAddr, by: &str, cx: &mut Cx<'_>) {
        let targets = place::targets(&self.conf, self.site, cx.plan, cx.links);
        if self.is_master()
            && targets.iter().any(|target| target.device == device && target.address == address)
            && self.claims.admits(cx.now, self.conf.advert_interval)
        {
            cx.actions.push(Action::Say(message::claimed(&self.conf.name, address, by)));
            cx.actions.push(Action::Announce(Announce { instance: self.id, targets, repeat: 1 }));
        }
    }
}
