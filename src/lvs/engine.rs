//! All virtual servers together: which checker an event concerns, when each is due, and how it starts and ends.

use super::checker::{self, After, Checker, FIRST, Manner, Phase, Standing, Verdict};
use super::health;
use super::layout::{Layout, ix, position};
use super::message::{self, Subject};
use super::quorum::Turn;
use super::suspend::Suspense;
use super::transition::{Change, quorum_notice, real_notice, server_notice, told};
use super::view::{CheckerView, RealView, ServerView, View};
use super::{Action, Event, weight};
use crate::effect::chance::Chance;
use crate::effect::ipvs::ServerId;
use crate::effect::probe::{Outcome, RunId};
use crate::effect::record::Health;
use crate::effect::time::Instant;
use crate::model::Model;
use crate::model::checker::{Checker as Configured, Probe, Schedule};
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// A suspended checker looks up this often at most, however short its interval.
const LEAST: Duration = Duration::from_millis(1);

/// All virtual servers of a process.
#[derive(Debug)]
pub struct Engine {
    pub(super) model: Arc<Model>,
    pub(super) layout: Layout,
    /// Checkers by when they are due.
    pub(super) queue: BTreeSet<(Instant, u32)>,
    /// Checkers by the attempt that is on its way.
    pub(super) runs: HashMap<RunId, u32>,
    pub(super) last_run: u64,
    pub(super) last_server: u32,
    pub(super) files: HashMap<Box<str>, Followed<i64>>,
    pub(super) sessions: HashMap<Box<str>, Followed<bool>>,
    pub(super) suspense: Suspense,
    pub(super) chance: Chance,
}

/// Something that others watch for us.
#[derive(Debug)]
pub(super) struct Followed<T> {
    pub(super) known: Option<T>,
    pub(super) checkers: Vec<u32>,
}

impl<T> Default for Followed<T> {
    fn default() -> Self {
        Self { known: None, checkers: Vec::new() }
    }
}

impl Engine {
    /// Starts every virtual server. `records` are what a predecessor left, if it did not stop: then nobody is told anything.
    /// The content of every tracked file and the state of every BFD session are to be told right after.
    pub fn start(now: Instant, model: Arc<Model>, seed: u64, records: &[Health], actions: &mut Vec<Action>) -> Self {
        let mut suspense = Suspense::default();
        suspense.learn(&model.lvs);
        let mut layout = Layout::fresh(&model, &suspense);
        if !records.is_empty() {
            health::resume(&mut layout, &model, records);
            actions.push(Action::Say(message::resumed(records.len())));
        }
        let mut engine = Self {
            model,
            layout,
            queue: BTreeSet::new(),
            runs: HashMap::new(),
            last_run: 0,
            last_server: 0,
            files: HashMap::new(),
            sessions: HashMap::new(),
            suspense,
            chance: Chance::new(seed),
        };
        engine.follow();
        for at in 0..position(engine.layout.servers.len()) {
            engine.layout.servers[ix(at)].id = engine.new_id();
            engine.open(at, records.is_empty(), actions);
        }
        if !engine.layout.reals.is_empty() {
            engine.remember(0, false, actions);
        }
        let mut count = 0;
        for at in 0..position(engine.layout.checkers.len()) {
            count += usize::from(engine.schedule_first(now, at));
        }
        if count > 0 {
            actions.push(Action::Say(message::activated(count)));
        }
        engine
    }

    pub fn handle(&mut self, now: Instant, event: Event<'_>, actions: &mut Vec<Action>) {
        match event {
            Event::Tick => self.tick(now, actions),
            Event::Ended { run, outcome } => self.ended(now, run, &outcome, actions),
            Event::File { name, value } => {
                let Some(file) = self.files.get_mut(name) else { return };
                if file.known.replace(value) != Some(value) {
                    for checker in file.checkers.clone() {
                        self.heed(checker, actions);
                    }
                }
            }
            Event::Bfd { session, up } => {
                let Some(session) = self.sessions.get_mut(session) else { return };
                if session.known.replace(up) != Some(up) {
                    for checker in session.checkers.clone() {
                        self.heed(checker, actions);
                    }
                }
            }
            Event::Ours { address, ours } => {
                for server in self.suspense.hear(address, ours) {
                    self.suspend(now, server, actions);
                }
            }
        }
    }

    /// When [`Event::Tick`] is due. Any call may change it.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.queue.first().map(|&(at, _)| at)
    }

    /// The end. Only virtual servers with `omega` are announced to go; what is held is the owner's of the table to release.
    pub fn stop(&mut self, _now: Instant, actions: &mut Vec<Action>) {
        let model = Arc::clone(&self.model);
        for (server, at) in model.lvs.virtual_servers.iter().zip(0_u32..) {
            let mut notices = Vec::new();
            for (configured, real) in server.real_servers.iter().zip(self.layout.reals_of(at, server)) {
                let subject = Subject { server, real: configured };
                actions.push(Action::Say(message::stopping(subject, configured.inhibit && !real.alive())));
                if server.omega && real.alive() {
                    notices.push(real_notice(server, configured, false, configured.smtp_alert.then(|| message::STOPPING.into())));
                }
            }
            if server.omega && self.layout.servers[ix(at)].quorum {
                notices.push(server_notice(server, false, server.smtp_alert.then(|| message::quorum_mail(server, 0, false, false))));
            }
            actions.extend(notices.into_iter().map(|notice| Action::Notify(Box::new(notice))));
        }
        let mut runs: Vec<RunId> = self.runs.drain().map(|(run, _)| run).collect();
        runs.sort_unstable();
        actions.extend(runs.into_iter().map(Action::Cancel));
        for checker in &mut self.layout.checkers {
            checker.phase = Phase::Idle;
        }
        self.queue.clear();
    }

    /// Whether [`Event::Ours`] is of use for this address.
    pub fn asks_for(&self, address: IpAddr) -> bool {
        self.suspense.asks_for(address)
    }

    /// The configuration that is in force.
    pub const fn model(&self) -> &Arc<Model> {
        &self.model
    }

    pub fn snapshot(&self) -> View {
        let servers = self.model.lvs.virtual_servers.iter().zip(&self.layout.servers).zip(0_u32..).map(|((configured, server), at)| {
            let sorry = server.sorry(configured);
            let reals = configured.real_servers.iter().zip(self.layout.reals_of(at, configured)).map(|(configured, real)| RealView {
                alive: real.alive(),
                set: real.shown(configured, sorry),
                effective_weight: real.effective(configured),
                failed: real.failed,
                checkers: {
                    let checkers = &self.layout.checkers[ix(real.first)..ix(real.first) + configured.checkers.len()];
                    checkers.iter().map(|checker| seen(checker, !server.suspended)).collect()
                },
            });
            ServerView {
                id: server.id,
                quorum: server.quorum,
                sorry,
                suspended: server.suspended,
                weight: server.weight,
                real_servers: reals.collect(),
            }
        });
        View { servers: servers.collect() }
    }

    /// The attempts that checkers wait for.
    #[cfg(test)]
    pub(super) fn running(&self) -> impl Iterator<Item = RunId> + '_ {
        self.layout.checkers.iter().filter_map(|checker| match checker.phase {
            Phase::Idle | Phase::Waiting { .. } => None,
            Phase::Running { run, .. } => Some(run),
        })
    }

    // Beginnings.

    pub(super) fn new_id(&mut self) -> ServerId {
        self.last_server += 1;
        ServerId(self.last_server)
    }

    /// A virtual server enters the table, with the real servers that count as up. They do so unannounced, unless
    /// `rs_init_notifies` asks for it; the quorum is told of. A server that is resumed has been told of before.
    pub(super) fn open(&mut self, at: u32, news: bool, actions: &mut Vec<Action>) {
        let model = Arc::clone(&self.model);
        let configured = &model.lvs.virtual_servers[ix(at)];
        let mut notices = Vec::new();
        if news && model.global.lvs.rs_init_notifies {
            let up = configured.real_servers.iter().zip(self.layout.reals_of(at, configured)).filter(|(_, real)| real.alive());
            notices.extend(up.map(|(real, _)| real_notice(configured, real, true, None)));
        }
        let server = &mut self.layout.servers[ix(at)];
        let turn = server.turn(configured);
        match (turn, &configured.sorry_server) {
            (Some(turn), _) if !news => {
                server.told = told(turn);
                notices.push(quorum_notice(configured, turn, server.weight, false));
                super::transition::say_turn(configured, turn, server.weight, actions);
            }
            (None, _) if !news => {}
            (Some(turn), _) => {
                server.told = told(turn);
                notices.push(quorum_notice(configured, turn, server.weight, true));
                actions.push(Action::Say(message::gained(configured, server.weight)));
            }
            (None, Some(sorry)) => {
                server.told = told(Turn::Lost);
                notices.push(quorum_notice(configured, Turn::Lost, server.weight, true));
                actions.push(Action::Say(message::starting_down(configured, server.weight)));
                actions.extend(message::sorry_in(configured, sorry).map(Action::Say));
            }
            (None, None) => {}
        }
        self.hold(at, actions);
        actions.extend(notices.into_iter().map(|notice| Action::Notify(Box::new(notice))));
    }

    /// Who waits for which file and session. What is known of them stays known.
    pub(super) fn follow(&mut self) {
        for file in self.files.values_mut() {
            file.checkers.clear();
        }
        for session in self.sessions.values_mut() {
            session.checkers.clear();
        }
        let every = self.model.lvs.virtual_servers.iter().flat_map(|server| &server.real_servers).flat_map(|real| &real.checkers);
        for (configured, at) in every.zip(0_u32..) {
            match configured {
                Configured::Probe { .. } => {}
                Configured::File(file) => self.files.entry(file.track_file.clone()).or_default().checkers.push(at),
                Configured::Bfd(bfd) => self.sessions.entry(bfd.session.clone()).or_default().checkers.push(at),
            }
        }
        self.files.retain(|_, file| !file.checkers.is_empty());
        self.sessions.retain(|_, session| !session.checkers.is_empty());
    }

    /// A second from now, and by chance up to the warmup later: thirty thousand checkers do not all begin at once.
    pub(super) fn schedule_first(&mut self, now: Instant, at: u32) -> bool {
        let warmup = match self.layout.configured(&self.model, at).checker {
            Configured::Probe { schedule, .. } => schedule.warmup.duration(),
            Configured::File(_) | Configured::Bfd(_) => return false,
        };
        let due = now + FIRST + self.chance.within(warmup);
        self.wait(at, due);
        true
    }

    // Deadlines.

    fn wait(&mut self, at: u32, due: Instant) {
        self.layout.checkers[ix(at)].phase = Phase::Waiting { at: due };
        self.queue.insert((due, at));
    }

    fn tick(&mut self, now: Instant, actions: &mut Vec<Action>) {
        while let Some(&(due, at)) = self.queue.first().filter(|(due, _)| *due <= now) {
            self.queue.remove(&(due, at));
            let model = Arc::clone(&self.model);
            let conf = self.layout.configured(&model, at);
            let Configured::Probe { schedule, probe } = conf.checker else { continue };
            let checker = &self.layout.checkers[ix(at)];
            let server = self.layout.reals[ix(checker.real)].server;
            match checker.phase {
                Phase::Idle => {}
                Phase::Waiting { .. } if self.layout.servers[ix(server)].suspended => {
                    self.wait(at, now + schedule.delay_loop.duration().max(LEAST));
                }
                Phase::Waiting { .. } => self.begin(now, at, probe, actions),
                Phase::Running { run, began, .. } => {
                    let subject = Subject { server: conf.server, real: conf.real };
                    actions.push(Action::Say(message::lost(subject, probe, now.since(began))));
                    self.cancel(run, actions);
                    self.begin(now, at, probe, actions);
                }
            }
        }
    }

    fn begin(&mut self, now: Instant, at: u32, probe: &Probe, actions: &mut Vec<Action>) {
        self.last_run += 1;
        let run = RunId(self.last_run);
        let lost = now + checker::patience(probe);
        self.runs.insert(run, at);
        self.queue.insert((lost, at));
        let checker = &mut self.layout.checkers[ix(at)];
        checker.phase = Phase::Running { run, began: now, lost };
        let url = checker.page;
        actions.push(Action::Begin { run, checker: self.layout.checker_id(at), url });
    }

    pub(super) fn cancel(&mut self, run: RunId, actions: &mut Vec<Action>) {
        self.runs.remove(&run);
        actions.push(Action::Cancel(run));
    }

    // Results.

    fn ended(&mut self, now: Instant, run: RunId, outcome: &Outcome, actions: &mut Vec<Action>) {
        let Some(at) = self.runs.remove(&run) else { return };
        let model = Arc::clone(&self.model);
        let conf = self.layout.configured(&model, at);
        let Configured::Probe { schedule, probe } = conf.checker else { return };
        let subject = Subject { server: conf.server, real: conf.real };
        let checker = &mut self.layout.checkers[ix(at)];
        let Phase::Running { began, lost, .. } = checker.phase else { return };
        self.queue.remove(&(lost, at));

        let manner = Manner::of(probe);
        let Reading { verdict, added, reason } = read(probe, conf.real.weight, outcome);
        let before = checker.clone();
        let after = checker.judge(manner, schedule.retry, verdict);
        if let Outcome::Status(status) = *outcome {
            checker.status = status;
        }
        say_result(subject, probe, schedule, &before, checker, verdict, after, &reason, actions);
        let added = match verdict {
            Verdict::Good if checker.up() => added,
            // Until the failure counts, the weight stays; then it is as configured again. keepalived leaves it be after a
            // time-out, and each new status adds to that (BUG, run 23).
            Verdict::Good | Verdict::Bad | Verdict::Untried if checker.up() => before.added,
            Verdict::Good | Verdict::Bad | Verdict::Untried => 0,
        };
        let failed = verdict == Verdict::Bad && after != After::Retry;
        self.settle(at, Change { was_up: before.up(), added, failed, reason: &reason }, actions);
        match after {
            After::Now => self.begin(now, at, probe, actions),
            After::Loop | After::Retry | After::Slower => self.wait(at, checker::due(manner, schedule, after, began, now)),
        }
    }

    /// Takes in what is known of a file or session. While the virtual server is suspended everything stays as it is.
    fn heed(&mut self, at: u32, actions: &mut Vec<Action>) {
        let model = Arc::clone(&self.model);
        let conf = self.layout.configured(&model, at);
        let subject = Subject { server: conf.server, real: conf.real };
        let state = &self.layout.checkers[ix(at)];
        if self.layout.servers[ix(self.layout.reals[ix(state.real)].server)].suspended {
            return;
        }
        let Some((up, added)) = self.known(conf.checker) else { return };
        let state = &mut self.layout.checkers[ix(at)];
        let was_up = state.up();
        state.has_run = true;
        state.standing = if up { Standing::Up } else { Standing::Down };
        if was_up != up {
            match conf.checker {
                Configured::File(file) => actions.push(Action::Say(message::file(subject, file, up))),
                Configured::Bfd(bfd) => actions.push(Action::Say(message::bfd(subject, bfd, up))),
                Configured::Probe { .. } => {}
            }
        }
        self.settle(at, Change { was_up, added, failed: !up, reason: "" }, actions);
    }

    /// Whether a checker that only listens is up, and what it adds, as far as has been told.
    pub(super) fn known(&self, configured: &Configured) -> Option<(bool, i64)> {
        match configured {
            Configured::Probe { .. } => None,
            Configured::File(file) => {
                let value = self.files.get(&file.track_file)?.known?;
                let added = weight::of_file(value, file.weight);
                Some((added.is_some(), added.unwrap_or(0)))
            }
            Configured::Bfd(bfd) => Some((self.sessions.get(&bfd.session)?.known?, 0)),
        }
    }

    /// Follows the addresses of a virtual server: its checkers rest while none of them is ours, and their verdicts stand.
    pub(super) fn suspend(&mut self, now: Instant, at: u32, actions: &mut Vec<Action>) {
        let model = Arc::clone(&self.model);
        let configured = &model.lvs.virtual_servers[ix(at)];
        let suspended = configured.ha_suspend && self.suspense.suspends(&configured.service, at);
        if std::mem::replace(&mut self.layout.servers[ix(at)].suspended, suspended) == suspended {
            return;
        }
        let first = self.layout.servers[ix(at)].first;
        for (real, place) in configured.real_servers.iter().zip(first..) {
            let subject = Subject { server: configured, real };
            let range = self.layout.checkers_of(place, real.checkers.len());
            for (checker, index) in real.checkers.iter().zip(range) {
                actions.push(Action::Say(if suspended { message::suspending(subject) } else { message::activating(subject) }));
                match checker {
                    Configured::Probe { schedule, .. } if suspended => self.rest(now, position(index), schedule, actions),
                    Configured::Probe { .. } => {}
                    Configured::File(_) | Configured::Bfd(_) => self.heed(position(index), actions),
                }
            }
        }
    }

    fn rest(&mut self, now: Instant, at: u32, schedule: &Schedule, actions: &mut Vec<Action>) {
        if let Phase::Running { run, lost, .. } = self.layout.checkers[ix(at)].phase {
            self.queue.remove(&(lost, at));
            self.cancel(run, actions);
            self.wait(at, now + schedule.delay_loop.duration().max(LEAST));
        }
    }
}

const fn seen(checker: &Checker, enabled: bool) -> CheckerView {
    CheckerView {
        enabled,
        up: checker.up(),
        has_run: checker.has_run,
        weight: checker.added,
        retries: checker.failures,
        status: checker.status,
    }
}

/// What an outcome means.
#[derive(Debug)]
struct Reading {
    verdict: Verdict,
    added: i64,
    reason: Box<str>,
}

fn read(probe: &Probe, configured_weight: u32, outcome: &Outcome) -> Reading {
    let dynamic = match probe {
        Probe::Misc(misc) => misc.dynamic,
        Probe::Tcp(_) | Probe::Ping(_) | Probe::Http(_) | Probe::Smtp(_) | Probe::Dns(_) | Probe::Udp(_) => false,
    };
    let (verdict, added, reason) = match outcome {
        Outcome::Good => (Verdict::Good, 0, "".into()),
        Outcome::Failed(reason) => (Verdict::Bad, 0, reason.clone()),
        Outcome::Untried(reason) => (Verdict::Untried, 0, reason.clone()),
        Outcome::Status(status) => {
            let added = if dynamic { weight::of_status(*status, configured_weight) } else { (*status == 0).then_some(0) };
            match added {
                Some(added) => (Verdict::Good, added, "".into()),
                None => (Verdict::Bad, 0, format!("exited with status {status}").into()),
            }
        }
    };
    Reading { verdict, added, reason }
}

#[expect(clippy::too_many_arguments, reason = "one place that knows when a result is worth a line")]
fn say_result(
    subject: Subject<'_>,
    probe: &Probe,
    schedule: &Schedule,
    before: &Checker,
    after: &Checker,
    verdict: Verdict,
    next: After,
    reason: &str,
    actions: &mut Vec<Action>,
) {
    let turned = before.up() != after.up() || !before.has_run;
    match verdict {
        Verdict::Good => {
            if let (Probe::Http(http), Standing::Down | Standing::Recovering) = (probe, before.standing)
                && let Some(url) = http.urls.get(usize::from(before.page))
            {
                actions.push(Action::Say(message::page(subject, &url.path)));
            }
            if turned && after.up() {
                actions.push(Action::Say(message::succeeded(subject, probe)));
            }
        }
        Verdict::Bad => {
            // A first failure is final without having been tried again.
            let retries = if before.has_run || Manner::of(probe) == Manner::Burst { before.failures } else { 0 };
            if turned && next != After::Retry || schedule.log_all_failures {
                actions.push(Action::Say(message::failed(subject, probe, (retries, schedule.retry), reason)));
            }
        }
        Verdict::Untried => actions.push(Action::Say(message::untried(subject, probe, reason))),
    }
}
