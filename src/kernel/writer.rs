//! The thread that writes to the kernel. A system call that changes something waits for the kernel's lock, which may take
//! long, and adverts must not.

use super::device;
use super::ledger::{Names, Snag, Step};
use super::look::Look;
use super::nft::{Keeper, Maker, Watched, watch};
use super::rtnl::batch::{Batch, Verdict};
use super::rtnl::decode::Placement;
use super::rtnl::message::{Request, request};
use super::rtnl::picture::Asker;
use super::setting::{Before, Settings};
use crate::effect::delta::{Identity, Op};
use crate::effect::device::{Knob, NewDevice, Scope};
use crate::effect::firewall::Order;
use crate::effect::net::{Device, Fact, Links};
use crate::effect::say::{Level, Line};
use crate::model::global::ReceiveBuffer;
use crate::sys::signal::leave_children;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const STACK: usize = 256 * 1024;
/// Steps that are carried out before somebody is told of them.
const SLICE: usize = 64;

/// How far the thread is.
#[derive(Debug, Default)]
struct Progress {
    /// The last step that is done.
    step: u64,
    snags: Vec<(Step, Snag)>,
    /// How many orders to the packet filter are done, and what there is to say of them.
    orders: u64,
    lines: Vec<Line>,
    /// What settings were before, or that they are so again.
    before: Vec<Before>,
    /// What was seen at the last look, and which one that was.
    look: Option<(u64, io::Result<Look>)>,
}

/// What is done, and what has gone otherwise than planned until then, each once.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) step: u64,
    pub(super) snags: Vec<(Step, Snag)>,
    pub(super) look: Option<(u64, io::Result<Look>)>,
}

#[derive(Debug)]
struct Shared {
    progress: Mutex<Progress>,
    changed: Condvar,
    ready: EventFd,
}

impl Shared {
    /// Nothing is left half done in it, whoever panicked.
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(super) struct Writer {
    jobs: Sender<Job>,
    shared: Arc<Shared>,
    orders: u64,
}

impl Writer {
    /// Its sockets belong to the calling thread's network namespace.
    pub(super) fn start(buffer: ReceiveBuffer) -> io::Result<Self> {
        let ready = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?;
        let shared = Arc::new(Shared { progress: Mutex::default(), changed: Condvar::new(), ready });
        let (jobs, queue) = channel();
        let mut thread = Thread {
            queue,
            shared: shared.clone(),
            batch: Batch::open()?,
            asker: Asker::open_with(buffer)?,
            settings: Settings::default(),
            keeper: Keeper::new(Maker::Vrrp),
            heal: Some(jobs.clone()),
        };
        thread.batch.sized(buffer)?;
        std::thread::Builder::new().name("netlink".to_owned()).stack_size(STACK).spawn(move || thread.run())?;
        Ok(Self { jobs, shared, orders: 0 })
    }

    pub(super) fn queue(&self, steps: Vec<Step>) {
        // It reads until we are gone.
        let _ = self.jobs.send(Job::Steps(steps));
    }

    /// Before the steps that are queued after it, and after those before.
    pub(super) fn filter(&mut self, order: Order) {
        self.orders += 1;
        let _ = self.jobs.send(Job::Filter(order));
    }

    /// What there is to say of the packet filter, each once.
    pub(super) fn lines(&self) -> Vec<Line> {
        std::mem::take(&mut self.shared.progress().lines)
    }

    /// What a predecessor found before it changed it.
    pub(super) fn remember(&self, before: Vec<Before>) {
        let _ = self.jobs.send(Job::Remember(before));
    }

    /// All that a predecessor has set but these is given back.
    pub(super) fn want_only(&self, wanted: BTreeSet<(Scope, Knob)>) {
        let _ = self.jobs.send(Job::WantOnly(wanted));
    }

    /// What settings that have been changed were before, each once.
    pub(super) fn before(&self) -> Vec<Before> {
        std::mem::take(&mut self.shared.progress().before)
    }

    /// Looks at all that is in the kernel, after the steps that are queued before and before those after it.
    pub(super) fn look(&self, number: u64) {
        let _ = self.jobs.send(Job::Look(number));
    }

    pub(super) fn finished(&self) -> Finished {
        // There may be nothing to read.
        let _ = self.shared.ready.read();
        let mut progress = self.shared.progress();
        Finished { step: progress.step, snags: std::mem::take(&mut progress.snags), look: progress.look.take() }
    }

    pub(super) fn wait(&self, step: u64, at_most: Duration) -> bool {
        let progress = self.shared.progress();
        let outcome = self.shared.changed.wait_timeout_while(progress, at_most, |progress| progress.step < step);
        outcome.unwrap_or_else(PoisonError::into_inner).0.step >= step
    }

    /// Waits until every order to the packet filter is done.
    pub(super) fn wait_for_filter(&self, at_most: Duration) -> bool {
        let progress = self.shared.progress();
        let outcome = self.shared.changed.wait_timeout_while(progress, at_most, |progress| progress.orders < self.orders);
        outcome.unwrap_or_else(PoisonError::into_inner).0.orders >= self.orders
    }
}

/// Readable when some steps are done.
impl AsFd for Writer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.ready.as_fd()
    }
}

/// What is to be done, in the order in which it is asked for.
#[derive(Debug)]
enum Job {
    Steps(Vec<Step>),
    Remember(Vec<Before>),
    WantOnly(BTreeSet<(Scope, Knob)>),
    Filter(Order),
    Look(u64),
    /// Somebody else has changed the packet filter.
    Heal,
}

struct Thread {
    queue: Receiver<Job>,
    shared: Arc<Shared>,
    batch: Batch,
    asker: Asker,
    settings: Settings,
    keeper: Keeper,
    /// Until there is something that others could change.
    heal: Option<Sender<Job>>,
}

impl Thread {
    fn run(&mut self) {
        leave_children();
        while let Some(job) = self.next() {
            match job {
                Job::Steps(steps) => self.steps(&steps),
                Job::Remember(before) => self.settings.remember(&before),
                Job::WantOnly(wanted) => {
                    // At most starts there is nothing to give back, and there may be thousands of interfaces.
                    if !self.settings.is_untouched()
                        && let Ok(links) = self.asker.links()
                    {
                        self.settings.give_back_others(&wanted, &links, &mut self.batch);
                        self.shared.progress().before.extend(self.settings.news());
                        let _ = self.shared.ready.write(1);
                    }
                }
                Job::Filter(order) => {
                    let mut lines = self.watch(&order);
                    lines.extend(self.keeper.obey(order));
                    self.tell(1, lines);
                }
                Job::Look(number) => {
                    let look = self.asker.picture().map(Look::of);
                    self.shared.progress().look = Some((number, look));
                    let _ = self.shared.ready.write(1);
                }
                Job::Heal => {
                    let lines = self.keeper.heal();
                    self.tell(0, lines);
                }
            }
        }
    }

    /// None when there never will be another.
    fn next(&mut self) -> Option<Job> {
        while let Some(time) = self.keeper.next_look() {
            match self.queue.recv_timeout(time) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Timeout) => {
                    let lines = self.keeper.look();
                    self.tell(0, lines);
                }
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        self.queue.recv().ok()
    }

    fn tell(&self, orders: u64, lines: Vec<Line>) {
        let mut progress = self.shared.progress();
        progress.orders += orders;
        let silent = lines.is_empty();
        progress.lines.extend(lines);
        drop(progress);
        self.shared.changed.notify_all();
        if !silent {
            let _ = self.shared.ready.write(1);
        }
    }

    /// Before there is something to be watched.
    fn watch(&mut self, order: &Order) -> Vec<Line> {
        let Some(heal) = self.heal.take_if(|_| matches!(order, Order::Frame(Some(_)))) else { return Vec::new() };
        let outcome = watch(&self.keeper, move || if heal.send(Job::Heal).is_ok() { Watched::On } else { Watched::Over });
        let text = |error| format!("nftables rules are not watched: {error}");
        outcome.err().map(|error| Line { level: Level::Warning, text: text(error) }).into_iter().collect()
    }

    fn steps(&mut self, steps: &[Step]) {
        for slice in steps.chunks(SLICE) {
            let snags = self.slice(slice);
            let mut progress = self.shared.progress();
            progress.snags.extend(snags);
            progress.before.extend(self.settings.news());
            progress.step = slice.last().map_or(progress.step, |step| step.number);
            drop(progress);
            self.shared.changed.notify_all();
            // It can only fail by being readable already.
            let _ = self.shared.ready.write(1);
        }
    }

    /// What takes one message each goes out at one blow.
    fn slice(&mut self, steps: &[Step]) -> Vec<(Step, Snag)> {
        let mut snags = Vec::new();
        let alike = |one: &Step, other: &Step| is_simple(one) && is_simple(other) || takes_device(one) && takes_device(other);
        for steps in steps.chunk_by(alike) {
            match steps {
                [step, _, ..] if takes_device(step) => snags.extend(self.take_devices(steps)),
                [step] if !is_simple(step) => snags.extend(self.fixture(&step.op).err().map(|snag| (step.clone(), snag))),
                steps => snags.extend(self.together(steps)),
            }
        }
        snags
    }

    /// Interfaces that go together.
    fn take_devices(&mut self, steps: &[Step]) -> Vec<(Step, Snag)> {
        let device = |step: &Step| match step.op.fact() {
            Fact::Device(new) => Some((**new).clone()),
            Fact::Setting(_) | Fact::Address(_) | Fact::Route(_) | Fact::Rule(_) => None,
        };
        let all: Vec<NewDevice> = steps.iter().filter_map(device).collect();
        let outcomes = match self.asker.links() {
            Ok(links) => device::remove_all(&all.iter().collect::<Vec<_>>(), &mut self.batch, &links),
            Err(error) => vec![Err(Snag::Refused(error.to_string())); all.len()],
        };
        steps.iter().zip(outcomes).filter_map(|(step, outcome)| Some((step.clone(), outcome.err()?))).collect()
    }

    /// An interface that we make and what it is made on, as far as they are there.
    fn pair(&mut self, new: &NewDevice) -> Links {
        let mut links = Links::default();
        for link in [self.asker.named(&new.name), self.asker.numbered(new.parent)].into_iter().flatten().flatten() {
            links.put(link);
        }
        links
    }

    /// Interfaces and settings, which others build on.
    fn fixture(&mut self, op: &Op) -> Result<(), Snag> {
        let links = |asker: &mut Asker| asker.links().map_err(|error| Snag::Refused(error.to_string()));
        match op {
            Op::Add(Fact::Device(new)) => {
                let fresh = device::create(new, &mut self.batch)?;
                let links = self.pair(new);
                device::complete(new, fresh, &mut self.batch, &links)?;
                if !fresh {
                    self.settings.found_on(new.parent);
                }
                Ok(())
            }
            Op::Change(Fact::Device(new)) => {
                let links = self.pair(new);
                device::change(new, &mut self.batch, &links)
            }
            Op::Remove(Fact::Device(new)) => {
                let links = self.pair(new);
                device::remove(new, &mut self.batch, &links)
            }
            Op::Add(Fact::Setting(setting)) | Op::Change(Fact::Setting(setting)) => {
                self.settings.set(*setting, &links(&mut self.asker)?, &mut self.batch).map_err(Snag::Refused)
            }
            Op::Remove(Fact::Setting(setting)) => {
                let links = links(&mut self.asker)?;
                self.settings.give_back(setting.scope, setting.knob, &links, &mut self.batch).map_err(Snag::Refused)
            }
            Op::Add(_) | Op::Change(_) | Op::Remove(_) => Ok(()),
        }
    }

    fn together(&mut self, steps: &[Step]) -> Vec<(Step, Snag)> {
        let mut snags = Vec::new();
        let mut requests = Vec::with_capacity(steps.len());
        let mut sent = Vec::with_capacity(steps.len());
        for step in steps {
            match self.request(step) {
                Ok(request) => {
                    requests.push(request);
                    sent.push(step);
                }
                // With its interface the route has gone as well.
                Err(_) if matches!(step.op, Op::Remove(_)) => snags.push((step.clone(), Snag::Already(None))),
                Err(reason) => snags.push((step.clone(), Snag::Refused(reason))),
            }
        }
        let mut there = None;
        for (step, verdict) in sent.into_iter().zip(self.batch.apply(&requests)) {
            match verdict {
                Verdict::Done => {}
                Verdict::Already => {
                    let placement = match &step.op {
                        Op::Add(fact @ Fact::Address(_)) => there.get_or_insert_with(|| self.addresses()).remove(&Identity::of(fact)),
                        Op::Add(Fact::Device(_) | Fact::Setting(_) | Fact::Route(_) | Fact::Rule(_)) | Op::Change(_) | Op::Remove(_) => {
                            None
                        }
                    };
                    snags.push((step.clone(), Snag::Already(placement.map(Box::new))));
                }
                Verdict::Refused(reason) => snags.push((step.clone(), Snag::Refused(reason))),
            }
        }
        snags
    }

    fn request(&mut self, step: &Step) -> Result<Request, String> {
        let known = |name: &str| step.names.get(name).copied();
        request(&step.op, &known).or_else(|_| {
            // A name that was not known when it was asked for.
            let names = self.names();
            request(&step.op, &|name: &str| known(name).or_else(|| names.get(name).copied()))
        })
    }

    /// What there is where something of ours was to go.
    fn addresses(&mut self) -> HashMap<Identity, Placement> {
        let there = self.asker.addresses().unwrap_or_default();
        there.into_iter().map(|placement| (placement.identity(), placement)).collect()
    }

    fn names(&mut self) -> Names {
        let links = self.asker.links().unwrap_or_default();
        links.iter().map(|link| (link.name.clone(), link.device)).collect::<std::collections::BTreeMap<Box<str>, Device>>()
    }
}

const fn takes_device(step: &Step) -> bool {
    matches!(step.op, Op::Remove(Fact::Device(_)))
}

const fn is_simple(step: &Step) -> bool {
    match step.op.fact() {
        Fact::Device(_) | Fact::Setting(_) => false,
        Fact::Address(_) | Fact::Route(_) | Fact::Rule(_) => true,
    }
}
