//! One virtual router: its state, and what happens to it alone. What concerns its group is the engine's.

mod hearing;
mod transition;

use super::admit::Remark;
use super::auth::Memory;
use super::burst::{Bursts, Due};
use super::device::Plan;
use super::election::{master_down, skew, waiting_priority};
use super::fault::Faults;
use super::history::{Happening, History, Wait};
use super::limiter::Limiter;
use super::place::Site;
use super::stats::Stats;
use super::view::Reason;
use super::{message, place};
use crate::effect::net::{InstanceId, Links, Owner};
use crate::effect::notice::{Notice, Told};
use crate::effect::packet::PortId;
use crate::effect::record::Record;
use crate::effect::time::Instant;
use crate::effect::{Action, Actions};
use crate::model::Model;
use crate::model::vrrp::{self, Deleted, Preempt, Transport, Version};
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
                let announcements = bursts.due(cx.now, &self.conf.garp);
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
                match announcements {
                    Some(Due::Rounds(rounds)) => self.announce(rounds, cx),
                    Some(Due::Extra { all }) => self.announce_further(all, cx),
                    None => {}
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
