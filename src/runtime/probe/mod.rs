//! Makes attempts, thousands at a time: sockets and scripts, time limits and the order in which things are looked at. What is
//! said to a target is [`crate::probe`]'s.
//!
//! Attempts are in one epoll set. A socket is registered once and for all that may happen to it, and leaves the set by being
//! closed. Whatever the kernel has to tell is looked at before anybody's time is up: that this process did not run for a while
//! says nothing of a target.

mod attempt;
mod pattern;
mod script;
mod socket;
mod target;

pub use pattern::compile;

use crate::effect::probe::{CheckerId, Outcome, RunId};
use crate::effect::time::Instant;
use crate::kernel::timer;
use crate::model::Model;
use crate::model::checker::Connection;
use crate::probe::{Transport, Trouble};
use crate::sys::watch::{Set, watch};
use attempt::{Attempt, BUFFER, Limits, Progress, Readiness, Talk};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use script::Scripts;
use socket::Link;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use target::{Targets, Task};
use tokio::io::unix::AsyncFd;

/// What one look tells of.
const LOOK: usize = 512;
/// To be woken this much later than was asked for is our own fault, and nobody else's time.
const STALL: Duration = Duration::from_millis(100);
/// Makes attempts. It lives in a runtime.
pub struct Prober {
    targets: Targets,
    watch: AsyncFd<Set>,
    events: Box<[EpollEvent]>,
    buffer: Box<[u8]>,
    attempts: Vec<Slot>,
    free: Vec<u32>,
    places: HashMap<RunId, Place>,
    /// There is room for no more of them.
    most: usize,
    waiting: VecDeque<Waiting>,
    /// Those with something left to read.
    again: Vec<Place>,
    scripts: Scripts,
    deadlines: BinaryHeap<Reverse<(Instant, Due)>>,
    ended: VecDeque<(RunId, Outcome)>,
    /// How long this process did not run when it was to: its clock stood still meanwhile.
    lost: Duration,
    identifier: u16,
}

/// A slot is used again, but never under the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    slot: u32,
    generation: u32,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    attempt: Option<Box<Attempt>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Attempt(Place),
    Script(RunId),
}

/// What there was no room for.
struct Waiting {
    run: RunId,
    to: Connection,
    transport: Transport,
    talk: Talk,
    limits: Limits,
}

impl Place {
    fn key(self) -> u64 {
        u64::from(self.slot) << 32 | u64::from(self.generation)
    }

    fn of(key: u64) -> Self {
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or_default();
        Self { slot: half(key >> 32), generation: half(key) }
    }
}

impl Prober {
    /// With at most so many sockets at a time; more attempts wait for their turn.
    pub fn new(model: &Arc<Model>, most: usize) -> io::Result<Self> {
        Ok(Self {
            targets: Targets::new(model),
            watch: watch(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?)?,
            events: vec![EpollEvent::empty(); LOOK].into(),
            buffer: vec![0; 2 * BUFFER].into(),
            attempts: Vec::new(),
            free: Vec::new(),
            places: HashMap::new(),
            most: most.max(1),
            waiting: VecDeque::new(),
            again: Vec::new(),
            scripts: Scripts::new()?,
            deadlines: BinaryHeap::new(),
            ended: VecDeque::new(),
            lost: Duration::ZERO,
            identifier: 0,
        })
    }

    /// Goes over to a new configuration. Attempts that are under way go on.
    pub fn reconfigure(&mut self, model: &Arc<Model>) {
        self.targets.reconfigure(model);
    }

    /// Begins an attempt; [`Prober::next`] tells how it ended, once. With HTTP it is this URL's.
    pub fn begin(&mut self, run: RunId, checker: CheckerId, url: u16) {
        let now = self.now();
        match self.targets.task(checker, url) {
            Ok(Task::Run(misc)) => match self.scripts.start(run, misc, now) {
                Ok(deadline) => self.deadlines.push(Reverse((deadline, Due::Script(run)))),
                Err(outcome) => self.ended.push_back((run, outcome)),
            },
            Ok(Task::Talk { to, transport, talk, limits }) => {
                if self.places.len() < self.most {
                    self.identifier = self.identifier.wrapping_add(1);
                    let link = Link::open(&transport, to, self.identifier);
                    self.begun(run, Attempt::begin(run, link, talk, limits, now));
                } else {
                    self.waiting.push_back(Waiting { run, to: to.clone(), transport, talk, limits });
                }
            }
            Err(error) => self.ended.push_back((run, Outcome::Untried(error.to_string().into()))),
        }
    }

    /// Nobody waits for this attempt any more.
    pub fn cancel(&mut self, run: RunId) {
        if let Some(place) = self.places.get(&run).copied() {
            self.close(place);
        } else if let Some(deadline) = self.scripts.cancel(run, self.now()) {
            self.deadlines.push(Reverse((deadline, Due::Script(run))));
        }
        self.waiting.retain(|waiting| waiting.run != run);
        self.ended.retain(|(ended, _)| *ended != run);
    }

    /// The next attempt that is over. It is also what makes everything go on, so it is always to be waited for. Nothing is lost
    /// when the future is dropped.
    pub async fn next(&mut self) -> (RunId, Outcome) {
        loop {
            self.fill();
            if let Some(ended) = self.take() {
                return ended;
            }
            let due = self.due().map(|due| (due + self.lost).since(timer::now()));
            let Self { watch, scripts, again, .. } = self;
            tokio::select! {
                biased;
                guard = watch.readable() => match guard {
                    // What becomes ready from here on is told of anew.
                    Ok(mut guard) => guard.clear_ready(),
                    // The runtime is going down.
                    Err(_) => std::future::pending().await,
                },
                (run, status) = scripts.next() => {
                    self.ended.extend(self.scripts.ended(run, status).map(|outcome| (run, outcome)));
                    continue;
                }
                () = tokio::task::yield_now(), if !again.is_empty() => {}
                () = tokio::time::sleep(due.unwrap_or(Duration::MAX)), if due.is_some() => {}
            }
            self.turn();
        }
    }

    /// One of those that are known to be over.
    pub fn take(&mut self) -> Option<(RunId, Outcome)> {
        self.ended.pop_front()
    }

    /// The end: scripts that run are asked to end, and nothing is waited for.
    pub fn stop(&mut self) {
        self.scripts.stop();
    }

    /// The time, without that in which this process did not run.
    fn now(&self) -> Instant {
        timer::now() - self.lost
    }

    fn turn(&mut self) {
        // Before anything is looked at: what comes while others are looked at has not been missed.
        let mut now = self.now();
        if let Some(due) = self.due()
            && now.since(due) >= STALL
        {
            // The network may have stood still as well, so there is a little left for what is under way.
            let late = now.since(due) + STALL;
            self.lost += late;
            now = now - late;
        }
        self.look(now);
        for place in std::mem::take(&mut self.again) {
            self.advance(place, Readiness { readable: true, ..Readiness::default() }, now);
        }
        self.expire(now);
    }

    /// Those that wait begin as there is room.
    fn fill(&mut self) {
        while self.places.len() < self.most
            && let Some(Waiting { run, to, transport, talk, limits }) = self.waiting.pop_front()
        {
            self.identifier = self.identifier.wrapping_add(1);
            let link = Link::open(&transport, &to, self.identifier);
            self.begun(run, Attempt::begin(run, link, talk, limits, self.now()));
        }
    }

    /// When somebody's time is up. Most attempts end long before, and are not to wake anybody then.
    fn due(&mut self) -> Option<Instant> {
        let Self { deadlines, attempts, scripts, places, .. } = self;
        let mut is_under_way = |whose: Due| match whose {
            Due::Attempt(place) => attempt(attempts, place).is_some(),
            Due::Script(run) => scripts.is_running(run),
        };
        if deadlines.len() > (places.len() + scripts.len() + LOOK) * 4 {
            deadlines.retain(|Reverse((_, whose))| is_under_way(*whose));
        }
        while let Some(Reverse((due, whose))) = deadlines.peek() {
            if is_under_way(*whose) {
                return Some(*due);
            }
            deadlines.pop();
        }
        None
    }

    fn look(&mut self, now: Instant) {
        let mut events = std::mem::take(&mut self.events);
        // Several looks tell of everything that has happened by now; a bound keeps what happens meanwhile from being all.
        for _ in 0..=self.places.len() / LOOK {
            // It is interrupted by nothing but a debugger, and looks again soon.
            let found = self.watch.get_ref().epoll().wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
            for event in events.iter().take(found) {
                let flags = event.events();
                let ready = Readiness {
                    readable: flags.contains(EpollFlags::EPOLLIN),
                    writable: flags.contains(EpollFlags::EPOLLOUT),
                    ended: flags.intersects(EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLHUP),
                    troubled: flags.intersects(EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP),
                };
                self.advance(Place::of(event.data()), ready, now);
            }
            if found < LOOK {
                break;
            }
        }
        self.events = events;
    }

    fn advance(&mut self, place: Place, ready: Readiness, now: Instant) {
        let Some(attempt) = attempt(&mut self.attempts, place) else { return };
        match attempt.advance(ready, now, &mut self.buffer) {
            Progress::Waiting => {}
            Progress::More => self.again.push(place),
            Progress::Ended(outcome) => self.end(place, outcome),
        }
    }

    fn expire(&mut self, now: Instant) {
        while let Some(&Reverse((due, whose))) = self.deadlines.peek()
            && due <= now
        {
            self.deadlines.pop();
            match whose {
                Due::Attempt(place) => {
                    let Some(attempt) = attempt(&mut self.attempts, place) else { continue };
                    if attempt.deadline() > now {
                        self.deadlines.push(Reverse((attempt.deadline(), whose)));
                    } else {
                        let outcome = attempt.expired();
                        self.end(place, outcome);
                    }
                }
                Due::Script(run) => match self.scripts.overdue(run, now) {
                    Ok(later) => self.deadlines.push(Reverse((later, whose))),
                    Err(outcome) => self.ended.extend(outcome.map(|outcome| (run, outcome))),
                },
            }
        }
    }

    fn begun(&mut self, run: RunId, begun: Result<Attempt, Outcome>) {
        match begun {
            Ok(attempt) => self.put(attempt),
            Err(outcome) => self.ended.push_back((run, outcome)),
        }
    }

    fn put(&mut self, mut attempt: Attempt) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.attempts.push(Slot::default());
            u32::try_from(self.attempts.len() - 1).unwrap_or(u32::MAX)
        });
        let Some(found) = usize::try_from(slot).ok().and_then(|slot| self.attempts.get_mut(slot)) else { return };
        let place = Place { slot, generation: found.generation };
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLET;
        if let Err(error) = self.watch.get_ref().epoll().add(&attempt, EpollEvent::new(flags, place.key())) {
            self.free.push(slot);
            let outcome = attempt.failed(Trouble::Ours(error.desc()));
            self.ended.push_back((attempt.run, outcome));
            return;
        }
        self.deadlines.push(Reverse((attempt.deadline(), Due::Attempt(place))));
        self.places.insert(attempt.run, place);
        found.attempt = Some(Box::new(attempt));
    }

    fn end(&mut self, place: Place, outcome: Outcome) {
        if let Some(run) = self.close(place) {
            self.ended.push_back((run, outcome));
        }
    }

    fn close(&mut self, place: Place) -> Option<RunId> {
        let slot = self.attempts.get_mut(usize::try_from(place.slot).ok()?).filter(|slot| slot.generation == place.generation)?;
        let attempt = slot.attempt.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(place.slot);
        self.places.remove(&attempt.run);
        Some(attempt.run)
    }
}

fn attempt(attempts: &mut [Slot], place: Place) -> Option<&mut Attempt> {
    let slot = attempts.get_mut(usize::try_from(place.slot).ok()?)?;
    slot.attempt.as_deref_mut().filter(|_| slot.generation == place.generation)
}

impl fmt::Debug for Prober {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prober").field("running", &self.places).field("scripts", &self.scripts).finish_non_exhaustive()
    }
}
