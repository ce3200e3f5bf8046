//! One virtual router: its state, and what happens to it alone. What concerns its group is the engine's.

use super::admit::{Circumstances, Heard, Remark, admit};
use super::auth::Memory;
use super::burst::Bursts;
use super::device::Plan;
use super::election::{compare, master_down, skew, waiting_priority};
use super::fault::Faults;
use super::history::{Happening, History, Wait};
use super::limiter::Limiter;
use super::place::Site;
use super::snapshot::seen;
use super::stats::Stats;
use super::view::Reason;
use super::{message, place};
use crate::effect::net::{Device, InstanceId, Links, Owner};
use crate::effect::notice::{Notice, Told};
use crate::effect::packet::{Announce, Datagram, PortId};
use crate::effect::record::Record;
use crate::effect::time::Instant;
use crate::effect::{Action, Actions};
use crate::model::Model;
use crate::model::vrrp::{self, Deleted, Preempt, Transport, Version};
use std::cmp::Ordering;
use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// An instance of the configuration, without a copy of it.
#[derive(Clone, Debug)]
pub(super) struct Conf {
    model: Arc<Model>,
    at: usize,
}

impl Conf {
    /// `at` is an index of `model.vrrp.instances`.
    pub(super) fn new(model: &Arc<Model>, at: usize) -> Self {
        Self { model: Arc::clone(model), at }
    }

    pub(super) fn vip_lease(&self) -> Option<Duration> {
        self.model.global.vrrp.vip_lease
    }

    /// The multicast group of adverts, also for unicast ones whose checksum was made with it.
    pub(super) fn group(&self) -> IpAddr {
        match &self.transport {
            Transport::Multicast { group } => *group,
            Transport::Unicast { .. } => self.model.global.vrrp.mcast_group(self.family),
        }
    }
}

impl Deref for Conf {
    type Target = vrrp::Instance;

    fn deref(&self) -> &vrrp::Instance {
        &self.model.vrrp.instances[self.at]
    }
}

/// Deadlines live in the state they belong to, so leaving it drops them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not started yet.
    Init,
    Backup {
        /// When the master counts as gone.
        down: Instant,
        deferral: Deferral,
    },
    Master {
        since: Instant,
        next_advert: Instant,
        bursts: Bursts,
        /// When the lease of its addresses is renewed.
        renewal: Option<Instant>,
    },
    Fault,
}

/// Whether adverts of lower priority are put up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deferral {
    /// They are not: the timer runs down.
    Preempts,
    /// `nopreempt`.
    Never,
    /// `preempt_delay`, which begins with the first of them.
    Unheard(Duration),
    Until(Instant, Duration),
}

impl Deferral {
    const fn of(preempt: Preempt) -> Self {
        match preempt {
            Preempt::Never => Self::Never,
            Preempt::After(Duration::ZERO) => Self::Preempts,
            Preempt::After(delay) => Self::Unheard(delay),
        }
    }

    fn accepts_lower(self, now: Instant) -> bool {
        match self {
            Self::Preempts => false,
            Self::Never | Self::Unheard(_) => true,
            Self::Until(at, _) => now < at,
        }
    }

    /// After an accepted advert: a lower one starts the delay, another one ends it.
    fn heard(self, now: Instant, lower: bool) -> Self {
        match (self, lower) {
            (Self::Unheard(delay), true) => Self::Until(now + delay, delay),
            (Self::Until(_, delay), false) => Self::Unheard(delay),
            (Self::Preempts | Self::Never | Self::Unheard(_), _) | (Self::Until(..), true) => self,
        }
    }
}

/// What an instance asks of the engine, since others may have to go along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Master,
    Backup,
    /// Another master of lower priority has been answered: the group's other members announce themselves too.
    AnnounceGroup,
}

/// What everything that happens at one moment has in common.
pub(super) struct Cx<'a> {
    pub(super) now: Instant,
    /// The time of day, since the beginning of 1970.
    pub(super) utc: Duration,
    pub(super) links: &'a Links,
    pub(super) plan: &'a Plan,
    /// Before this nobody listens and nobody takes over (`vrrp_startup_delay`).
    pub(super) released_at: Instant,
    pub(super) actions: &'a mut Actions,
}

#[derive(Debug)]
pub(super) struct Instance {
    pub(super) id: InstanceId,
    pub(super) key: Box<str>,
    pub(super) conf: Conf,
    pub(super) state: State,
    pub(super) faults: Faults,
    /// In FAULT since the start, for reasons that nobody is told of.
    pub(super) unannounced: bool,
    /// A predecessor was up, so that its scripts need not report before this one is.
    pub(super) resumes: bool,
    /// What the weights make of the configured priority.
    pub(super) effective: u8,
    pub(super) weights: i32,
    /// An owner that gives way to another one.
    yields_ownership: bool,
    /// In its group, it would be master if the others would.
    pub(super) wants_master: bool,
    /// The interval of the current master.
    pub(super) learnt: Duration,
    pub(super) master: Option<IpAddr>,
    pub(super) master_priority: u8,
    pub(super) site: Site,
    pub(super) source: Option<IpAddr>,
    pub(super) port: Option<PortId>,
    pub(super) packet_id: u16,
    pub(super) auth: Memory,
    /// Peers who make their checksums with the multicast group, and get such.
    pub(super) old_checksum: BTreeSet<IpAddr>,
    remarked: BTreeSet<Remark>,
    answers: Limiter,
    claims: Limiter,
    /// When somebody took something of ours away, lately.
    pub(super) strips: VecDeque<Instant>,
    /// When what was given up for a while is tried again.
    pub(super) retry: Option<Instant>,
    other_owner_since: Option<Instant>,
    pub(super) stats: Stats,
    pub(super) history: History,
    pub(super) changed: Instant,
    pub(super) since: Option<Instant>,
    pub(super) reason: Option<Reason>,
    pub(super) last_advert: Option<Instant>,
    /// Where it stands in the engine's queue.
    pub(super) armed: Option<(Instant, u64)>,
    /// What the supervisor was told last.
    pub(super) recorded: Option<Record>,
}

impl Instance {
    pub(super) fn new(now: Instant, id: InstanceId, conf: Conf) -> Self {
        Self {
            id,
            key: place::key(&conf),
            state: State::Init,
            faults: Faults::default(),
            unannounced: false,
            resumes: false,
            effective: conf.priority.0,
            weights: 0,
            yields_ownership: false,
            wants_master: false,
            learnt: conf.advert_interval,
            master: None,
            master_priority: 0,
            site: Site::default(),
            source: None,
            port: None,
            packet_id: 0,
            auth: Memory::default(),
            old_checksum: BTreeSet::new(),
            remarked: BTreeSet::new(),
            answers: Limiter::default(),
            claims: Limiter::default(),
            strips: VecDeque::new(),
            retry: None,
            other_owner_since: None,
            stats: Stats::default(),
            history: History::default(),
            changed: now,
            since: None,
            reason: None,
            last_advert: None,
            armed: None,
            recorded: None,
            conf,
        }
    }

    pub(super) const fn is_master(&self) -> bool {
        matches!(self.state, State::Master { .. })
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let own = match &self.state {
            State::Init | State::Fault => None,
            State::Backup { down, .. } => Some(*down),
            State::Master { next_advert, bursts, renewal, .. } => {
                [bursts.next(), *renewal].into_iter().flatten().chain([*next_advert]).min()
            }
        };
        own.into_iter().chain(self.retry).min()
    }

    pub(super) fn priority(&self) -> u8 {
        if self.yields_ownership { u8::MAX - 1 } else { self.effective }
    }

    /// Version 2 shares one interval; version 3 waits for the master by the master's.
    fn interval(&self) -> Duration {
        match self.conf.version {
            Version::V2 => self.conf.advert_interval,
            Version::V3 => self.learnt,
        }
    }

    pub(super) fn down_interval(&self) -> Duration {
        self.patience().total
    }

    /// How long the master may be silent, and why.
    pub(super) fn patience(&self) -> Wait {
        let (version, interval, adverts) = (self.conf.version, self.interval(), self.conf.down_timer_adverts);
        let priority = waiting_priority(self.conf.priority, self.effective);
        let total = master_down(version, priority, interval, adverts);
        Wait { adverts, interval, priority, skew: skew(version, priority, interval), total }
    }

    /// Gives up everything a master has; the new state is the caller's.
    fn leave_master(&mut self, cx: &mut Cx<'_>) {
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

    pub(super) fn become_master(&mut self, cx: &mut Cx<'_>) {
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
    pub(super) fn resume_master(&mut self, since: Instant, cx: &mut Cx<'_>) {
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
    pub(super) fn resume_fault(&mut self, cx: &mut Cx<'_>) {
        self.hold(cx);
        self.enter(State::Fault, cx);
        self.record(cx);
    }

    /// A lease is renewed twice before it could end.
    fn renewal(&self, now: Instant) -> Option<Instant> {
        self.conf.vip_lease().map(|lease| now + lease / 3)
    }

    /// An owner at the start: master as soon as anything runs, and nobody is told of a BACKUP.
    pub(super) fn await_ownership(&mut self, cx: &mut Cx<'_>) {
        self.unannounced = false;
        self.wants_master = true;
        self.hold(cx);
        let down = cx.now.max(cx.released_at);
        self.enter(State::Backup { down, deferral: Deferral::of(self.conf.preempt) }, cx);
        self.record(cx);
    }

    /// From any state. `goodbye` is how often a master says priority 0 before.
    pub(super) fn become_backup(&mut self, goodbye: u8, told: bool, cx: &mut Cx<'_>) {
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

    pub(super) fn become_fault(&mut self, goodbye: u8, cx: &mut Cx<'_>) {
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
    pub(super) fn own_up(&mut self, cx: &mut Cx<'_>) {
        if self.unannounced && !self.faults.silent() {
            self.say_fault(true, cx);
        }
    }

    /// Starts the timer anew.
    fn wait_for_master(&mut self, cx: &Cx<'_>) {
        let after = self.down_interval();
        if let State::Backup { down, .. } = &mut self.state {
            *down = cx.now.max(cx.released_at) + after;
        }
    }

    pub(super) fn stop(&mut self, release: bool, cx: &mut Cx<'_>) {
        if release {
            if self.is_master() {
                self.say_goodbye(1, cx);
            }
            cx.actions.push(Action::Silence(self.id));
            cx.actions.push(Action::Hold { owner: Owner::Instance(self.id), facts: Box::default() });
        }
    }

    /// A reload has no place for it: what becomes of its addresses, and what is told.
    pub(super) fn delete(&mut self, cx: &mut Cx<'_>) {
        let faulty = self.state == State::Fault;
        match self.state {
            State::Master { .. } => {
                self.say_goodbye(1, cx);
                self.leave_master(cx);
            }
            State::Init | State::Backup { .. } | State::Fault => {}
        }
        match &self.conf.notify_deleted {
            Deleted::AsDeleted(_) => self.tell(Told::Deleted, cx),
            // Its own script for faults is not for this.
            Deleted::AsFault if !faulty => cx.actions.push(Action::Notify(Notice { specific: None, ..self.notice(Told::Fault) })),
            Deleted::AsFault => {}
        }
        cx.actions.push(Action::Forget(self.key.clone()));
    }

    /// A deadline may have passed.
    pub(super) fn tick(&mut self, cx: &mut Cx<'_>) -> Option<Wish> {
        match &mut self.state {
            State::Init | State::Fault => None,
            State::Backup { down, .. } if *down <= cx.now => {
                cx.actions.push(Action::Say(message::timeout(&self.conf.name)));
                self.wants_master = true;
                self.note(cx.now, Happening::Silent(self.patience()));
                Some(Wish::Master)
            }
            State::Backup { .. } => None,
            State::Master { next_advert, bursts, renewal, .. } => {
                let rounds = bursts.due(cx.now, &self.conf.garp);
                if renewal.is_some_and(|at| at <= cx.now) {
                    *renewal = self.conf.vip_lease().map(|lease| cx.now + lease / 3);
                    cx.actions.push(Action::Renew(Owner::Instance(self.id)));
                }
                let due = (*next_advert <= cx.now).then_some(*next_advert);
                if let Some(due) = due {
                    self.send(self.priority(), cx);
                    // On the beat, unless the beat was missed.
                    let next = due + self.conf.advert_interval;
                    if let State::Master { next_advert, .. } = &mut self.state {
                        *next_advert = if next > cx.now { next } else { cx.now + self.conf.advert_interval };
                    }
                }
                if let Some(rounds) = rounds {
                    self.announce(rounds, cx);
                }
                None
            }
        }
    }

    /// The group did not let it become master.
    pub(super) fn wait_again(&mut self, cx: &Cx<'_>) {
        self.note(cx.now, Happening::HeldBack);
        self.wait_for_master(cx);
    }

    pub(super) fn receive(&mut self, datagram: &Datagram<'_>, cx: &mut Cx<'_>) -> Option<Wish> {
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

    pub(super) fn announce_after_lower(&mut self, cx: &mut Cx<'_>) {
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
    pub(super) fn claimed(&mut self, device: Device, address: IpAddr, by: &str, cx: &mut Cx<'_>) {
        let targets = place::targets(&self.conf, self.site, cx.plan, cx.links);
        if self.is_master()
            && targets.iter().any(|target| target.device == device && target.address == address)
            && self.claims.admits(cx.now, self.conf.advert_interval)
        {
            cx.actions.push(Action::Say(message::claimed(&self.conf.name, address, by)));
            cx.actions.push(Action::Announce(Announce { instance: self.id, targets, repeat: 1 }));
        }
    }

    /// The process stood still so long that somebody must have taken over.
    pub(super) fn stalled(&mut self, gap: Duration, cx: &mut Cx<'_>) -> Option<Wish> {
        if !self.is_master() {
            return None;
        }
        if let Some(other) = self.conf.timer_expired_backup {
            let patience = self.conf.advert_interval * 2 + skew(self.conf.version, other.0, self.conf.advert_interval);
            if gap > patience {
                cx.actions.push(Action::Say(message::stalled_back(&self.conf.name)));
                self.note(cx.now, Happening::Stalled(gap));
                return Some(Wish::Backup);
            }
        }
        if gap >= self.down_interval() {
            self.note(cx.now, Happening::Stalled(gap));
            cx.actions.push(Action::Say(message::stalled(&self.conf.name, gap)));
            self.advertise(cx);
            self.announce(1, cx);
        }
        None
    }

    /// The weights have changed, or the configured priority.
    pub(super) fn set_effective(&mut self, effective: u8, told: bool, cx: &mut Cx<'_>) {
        if effective == self.effective {
            return;
        }
        let before = self.down_interval();
        cx.actions.push(Action::Say(message::priority(&self.conf.name, self.effective, effective)));
        self.note(cx.now, Happening::Priority { before: self.effective, after: effective });
        self.effective = effective;
        let after = self.down_interval();
        if let State::Backup { down, .. } = &mut self.state {
            *down = (*down + after - before).max(cx.now);
        }
        if told && self.conf.notify_priority_changes {
            self.tell(if self.is_master() { Told::MasterPriority } else { Told::BackupPriority }, cx);
        }
    }

    /// Goes on under another configuration of the same virtual router.
    pub(super) fn reconfigure(&mut self, conf: Conf, cx: &mut Cx<'_>) {
        let before = place::targets(&self.conf, self.site, cx.plan, cx.links);
        let interval_changed = conf.advert_interval != self.conf.advert_interval;
        let preempt_changed = conf.preempt != self.conf.preempt;
        self.conf = conf;
        self.note(cx.now, Happening::Reloaded);
        self.site = place::site(&self.conf, cx.plan, cx.links);
        let (preempt, garp) = (self.conf.preempt, self.conf.garp.clone());
        match &mut self.state {
            State::Init | State::Fault => {}
            State::Backup { deferral, .. } => {
                if preempt_changed {
                    *deferral = Deferral::of(preempt);
                }
                if interval_changed && self.conf.version == Version::V2 {
                    self.wait_for_master(cx);
                }
            }
            State::Master { bursts, renewal, .. } => {
                self.learnt = self.conf.advert_interval;
                *renewal = self.conf.vip_lease().map(|lease| cx.now + lease / 3);
                let targets = place::targets(&self.conf, self.site, cx.plan, cx.links);
                let fresh = targets.iter().any(|target| !before.contains(target));
                bursts.reconfigure(cx.now, &garp, fresh);
                self.hold(cx);
                if fresh || !garp.refresh.is_zero() {
                    self.announce(garp.repeat, cx);
                }
            }
        }
    }
}
