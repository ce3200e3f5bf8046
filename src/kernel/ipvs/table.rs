//! What we hold in the kernel's table, and how it gets there.

use super::client::{BATCH, Client, Kernel, Timeouts};
use super::ledger::{Entry, Ledger, Trouble};
use super::problem::{Mended, Problem, What};
use crate::effect::ipvs::delta::{Op, View, of_dests, of_service};
use crate::effect::ipvs::{Dest, ServerId, Service, ServiceKey, Settings};
use crate::kernel::timer::now;
use crate::model::global;
use nix::errno::Errno;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::mem;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// What does not stay mended is mended every so many looks at least.
const MOST_PATIENCE: u8 = 32;
/// How often what the kernel has of a service may turn out to be something else, in one go.
const ROUNDS: usize = 3;

#[derive(Debug)]
pub struct Table {
    kernel: Box<dyn Kernel>,
    ledger: Ledger,
    /// Services that were in the kernel when it was looked at last, and are nobody's of ours.
    foreign: HashSet<ServiceKey>,
    /// What the kernel has of these is not known.
    doubtful: BTreeSet<ServiceKey>,
    /// The service whose destinations were looked at last.
    looked_at: Option<ServiceKey>,
    /// The last look failed.
    blind: bool,
    /// As they were before we set them.
    timeouts: Option<Timeouts>,
}

/// What a look at the kernel's table led to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub mended: Vec<Mended>,
    pub problems: Vec<Problem>,
}

/// How much of what is held is looked at closely in one look: the destinations of so many services at most, as long as this
/// takes no longer.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    pub services: usize,
    pub time: Duration,
}

impl Effort {
    pub const ALL: Self = Self { services: usize::MAX, time: Duration::MAX };
}

/// Steps on their way to the kernel.
#[derive(Debug, Default)]
struct Run {
    queue: Vec<Op>,
    /// What was done, where somebody wants to know.
    done: Option<Vec<Op>>,
    problems: Vec<Problem>,
    /// Services that could not be added, so that their destinations cannot be either.
    failed: HashSet<ServiceKey>,
    /// How many steps were asked for, and how many more that led to.
    asked: usize,
    led_to: usize,
    /// The kernel cannot be reached.
    broken: bool,
}

fn view(entry: &Entry) -> Option<(&Settings, std::borrow::Cow<'_, [Dest]>)> {
    entry.settings().map(|settings| (settings, entry.dests()))
}

impl Table {
    /// The table of this network namespace, or of the thread's.
    pub fn open(namespace: Option<BorrowedFd<'_>>) -> io::Result<Self> {
        Self::new(Box::new(Client::open(namespace)?))
    }

    fn new(mut kernel: Box<dyn Kernel>) -> io::Result<Self> {
        let mut foreign = HashSet::new();
        kernel.services(&mut |service| foreign.extend([service.key]))?;
        let (ledger, doubtful) = (Ledger::default(), BTreeSet::new());
        Ok(Self { kernel, ledger, foreign, doubtful, looked_at: None, blind: false, timeouts: None })
    }

    /// From here on this is all that the owner wants; [`apply`](Self::apply) puts it into the kernel. Services with one key are
    /// one service: the settings are those of the owner who came first, the destinations are everybody's.
    pub fn stage(&mut self, owner: ServerId, services: impl IntoIterator<Item = Service>) {
        self.ledger.stage(owner, services);
    }

    /// Puts into the kernel what was staged. A service that it had before us is adopted: it is edited to what is wanted, and of
    /// its destinations those stay that are wanted, so that nothing is interrupted.
    pub fn apply(&mut self) -> Vec<Problem> {
        let mut run = Run::default();
        let staged = self.ledger.take_staged();
        for service in &staged {
            let Some((settings, dests)) = self.ledger.get(service.key).and_then(view) else { continue };
            if service.held.is_none() && self.foreign.remove(&service.key) {
                self.doubtful.insert(service.key);
                continue;
            }
            let held = service.held.as_ref().map(|held| held.view());
            let ops = of_service(service.key, held, Some(View { settings, dests: &dests }));
            self.push(&mut run, ops);
        }
        for service in staged.iter().filter(|service| service.held.is_some() && self.ledger.get(service.key).is_none()) {
            run.queue.push(Op::RemoveService(service.key));
        }
        self.finish(&mut run);
        run.problems
    }

    /// [`stage`](Self::stage) and [`apply`](Self::apply).
    pub fn hold(&mut self, owner: ServerId, services: impl IntoIterator<Item = Service>) -> Vec<Problem> {
        self.stage(owner, services);
        self.apply()
    }

    /// Looks whether the kernel still has what is held, and puts back what others removed or edited. All services are looked
    /// at, and of the destinations those of some, of others each time. Services that are not ours are left alone, and so are
    /// destinations that others have added to ours. What does not stay mended is mended ever more rarely.
    pub fn reconcile(&mut self, effort: Effort) -> Report {
        let problems = if self.ledger.is_staged() { self.apply() } else { Vec::new() };
        let mut run = Run { done: Some(Vec::new()), problems, ..Run::default() };
        let wrong = match self.look() {
            Ok(wrong) => wrong,
            Err(error) => {
                if !mem::replace(&mut self.blind, true) {
                    run.problems.push(Problem::io(What::Look, &error));
                }
                return Report { mended: Vec::new(), problems: run.problems };
            }
        };
        self.blind = false;
        for (&key, &there) in &wrong {
            let Some((settings, dests)) = self.ledger.get(key).and_then(view) else { continue };
            let ops = if there {
                vec![Op::EditService(key, settings.clone())]
            } else {
                of_service(key, None, Some(View { settings, dests: &dests }))
            };
            self.push(&mut run, ops);
            self.disturbed(key);
        }
        self.look_closer(effort, &wrong, &mut run);
        self.finish(&mut run);
        Report { mended: mended(run.done.unwrap_or_default()), problems: run.problems }
    }

    /// Which of our services are not as they should be, and whether they are there. Which others there are is noted.
    fn look(&mut self) -> io::Result<BTreeMap<ServiceKey, bool>> {
        let (ledger, mut foreign, mut wrong) = (&mut self.ledger, HashSet::new(), BTreeMap::new());
        for (_, entry) in ledger.iter_mut() {
            entry.due = false;
        }
        self.kernel.services(&mut |service| match ledger.get_mut(service.key) {
            None => foreign.extend([service.key]),
            Some(entry) => {
                entry.due = entry.wait == 0;
                if entry.due && service.settings.as_ref() != entry.settings() {
                    wrong.insert(service.key, true);
                }
            }
        })?;
        for (key, entry) in ledger.iter_mut() {
            match entry.wait.checked_sub(1) {
                Some(left) => entry.wait = left,
                None if entry.due => {}
                None => wrong.extend([(key, false)]),
            }
        }
        self.foreign = foreign;
        Ok(wrong)
    }

    /// Looks at the destinations of some services that are there, other than those before.
    fn look_closer(&mut self, effort: Effort, wrong: &BTreeMap<ServiceKey, bool>, run: &mut Run) {
        let began = now();
        let keys: Vec<ServiceKey> = self.ledger.keys_after(self.looked_at).take(effort.services).collect();
        for key in keys {
            if now().since(began) >= effort.time {
                return;
            }
            self.looked_at = Some(key);
            let Some(wanted) = self.ledger.get(key).filter(|entry| entry.due).map(Entry::dests) else { continue };
            let dests = match self.kernel.dests(key) {
                Ok(dests) => dests,
                Err(error) => return run.problems.push(Problem::io(What::Look, &error)),
            };
            let known: HashSet<_> = wanted.iter().map(|dest| dest.key).collect();
            let ours: Vec<Dest> = dests.into_iter().filter(|dest| known.contains(&dest.key)).collect();
            let ops = of_dests(key, &ours, &wanted);
            match (ops.is_empty(), wrong.contains_key(&key)) {
                (true, true) => {}
                (true, false) => self.in_order(key),
                (false, was_wrong) => {
                    self.push(run, ops);
                    if !was_wrong {
                        self.disturbed(key);
                    }
                }
            }
        }
    }

    fn disturbed(&mut self, key: ServiceKey) {
        if let Some(entry) = self.ledger.get_mut(key) {
            entry.patience = entry.patience.saturating_mul(2).clamp(1, MOST_PATIENCE);
            entry.wait = entry.patience - 1;
        }
    }

    fn in_order(&mut self, key: ServiceKey) {
        if let Some(entry) = self.ledger.get_mut(key) {
            entry.patience = 0;
            entry.troubles = Vec::new();
        }
    }

    /// Takes out what we hold, or everything. From here on nothing is held.
    pub fn release(&mut self, how: global::FlushOnStop) -> Vec<Problem> {
        let ours = self.ledger.clear();
        let doubtful = mem::take(&mut self.doubtful);
        match how {
            global::FlushOnStop::All => self.flush().err().into_iter().collect(),
            global::FlushOnStop::No | global::FlushOnStop::VirtualServers => {
                let keys: BTreeSet<ServiceKey> = ours.chain(doubtful).collect();
                let mut run = Run { queue: keys.into_iter().map(Op::RemoveService).collect(), ..Run::default() };
                self.finish(&mut run);
                run.problems
            }
        }
    }

    /// Takes out everything, whoever put it there.
    pub fn flush(&mut self) -> Result<(), Problem> {
        self.kernel.flush().map_err(|error| Problem::io(What::Flush, &error))?;
        self.foreign.clear();
        Ok(())
    }

    /// Sets the timeouts of connections, where none is given to what it was before us.
    pub fn set_timeouts(&mut self, wanted: &global::Timeouts) -> Result<(), Problem> {
        let problem = |error: io::Error| Problem::io(What::Timeouts, &error);
        if *wanted == global::Timeouts::default() {
            return self.restore_timeouts();
        }
        let before = match self.timeouts {
            Some(before) => before,
            None => *self.timeouts.insert(self.kernel.timeouts().map_err(problem)?),
        };
        let seconds = |wanted: Option<Duration>, before| wanted.map_or(before, |time| u32::try_from(time.as_secs()).unwrap_or(u32::MAX));
        let timeouts = Timeouts {
            tcp: seconds(wanted.tcp, before.tcp),
            tcp_fin: seconds(wanted.tcp_fin, before.tcp_fin),
            udp: seconds(wanted.udp, before.udp),
        };
        self.kernel.set_timeouts(timeouts).map_err(problem)
    }

    /// Puts back the timeouts of before us.
    pub fn restore_timeouts(&mut self) -> Result<(), Problem> {
        let Some(before) = self.timeouts else { return Ok(()) };
        self.kernel.set_timeouts(before).map_err(|error| Problem::io(What::Timeouts, &error))?;
        self.timeouts = None;
        Ok(())
    }

    /// How many services are held.
    pub fn len(&self) -> usize {
        self.ledger.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn push(&mut self, run: &mut Run, mut ops: Vec<Op>) {
        run.queue.append(&mut ops);
        while run.queue.len() >= BATCH {
            self.send(run);
        }
    }

    /// Sends what is queued, and settles what turned out to be otherwise than was thought.
    fn finish(&mut self, run: &mut Run) {
        for round in 0..=ROUNDS {
            while !run.queue.is_empty() {
                self.send(run);
            }
            if run.broken || round == ROUNDS {
                break;
            }
            for key in mem::take(&mut self.doubtful) {
                if run.broken {
                    self.doubtful.insert(key);
                    continue;
                }
                match self.differences(key) {
                    Ok(ops) => self.push(run, ops),
                    Err(error) => {
                        self.doubtful.insert(key);
                        run.problems.push(Problem::io(What::Look, &error));
                        run.broken = true;
                    }
                }
            }
        }
    }

    /// From what the kernel has of a service to what is wanted of it, and to nothing more.
    fn differences(&mut self, key: ServiceKey) -> io::Result<Vec<Op>> {
        let seen = self.kernel.service(key)?;
        let Some((settings, dests)) = self.ledger.get(key).and_then(view) else {
            return Ok(seen.map(|_| Op::RemoveService(key)).into_iter().collect());
        };
        let Some(seen) = seen else { return Ok(of_service(key, None, Some(View { settings, dests: &dests }))) };
        let mut ops = Vec::new();
        if seen.settings.as_ref() != Some(settings) {
            ops.push(Op::EditService(key, settings.clone()));
        }
        let there = self.kernel.dests(key)?;
        ops.append(&mut of_dests(key, &there, &dests));
        Ok(ops)
    }

    /// Sends one batch.
    fn send(&mut self, run: &mut Run) {
        let batch: Vec<Op> = run.queue.drain(..run.queue.len().min(BATCH)).filter(|op| !run.failed.contains(&op.service())).collect();
        run.asked += batch.len();
        match self.kernel.apply(&batch) {
            Ok(refused) => {
                let mut refused = refused.into_iter().peekable();
                for (place, op) in batch.into_iter().enumerate() {
                    match refused.next_if(|&(refused, _)| refused == place) {
                        None => self.done(run, op),
                        Some((_, errno)) => self.refused(run, op, errno),
                    }
                }
            }
            Err(error) => {
                run.broken = true;
                self.doubtful.extend(batch.iter().map(Op::service));
                run.problems.extend(batch.into_iter().next().map(|op| Problem::io(What::Step(op), &error)));
            }
        }
    }

    fn done(&mut self, run: &mut Run, op: Op) {
        if let Some(entry) = self.ledger.get_mut(op.service()) {
            let dest = op.dest();
            entry.troubles.retain(|trouble| trouble.dest != dest);
            entry.absent &= !matches!(op, Op::AddService(..));
        }
        if let Some(done) = &mut run.done {
            done.push(op);
        }
    }

    fn refused(&mut self, run: &mut Run, op: Op, errno: Errno) {
        let key = op.service();
        match (&op, errno) {
            (Op::RemoveService(_), Errno::ESRCH) | (Op::RemoveDest(..), Errno::ENOENT) => {}
            (Op::AddService(..), Errno::EEXIST) | (Op::EditService(..), Errno::ESRCH) => {
                self.doubtful.insert(key);
            }
            (Op::AddDest(..) | Op::EditDest(..) | Op::RemoveDest(..), Errno::ESRCH) => {
                if !run.failed.contains(&key) {
                    self.doubtful.insert(key);
                }
            }
            // What is doubtful is compared as a whole.
            (Op::AddDest(..), Errno::EEXIST) | (Op::EditDest(..), Errno::ENOENT) if self.doubtful.contains(&key) => {}
            (Op::AddDest(_, dest), Errno::EEXIST) if run.led_to < run.asked => {
                run.led_to += 1;
                run.queue.push(Op::EditDest(key, *dest));
            }
            (Op::EditDest(_, dest), Errno::ENOENT) if run.led_to < run.asked => {
                run.led_to += 1;
                run.queue.push(Op::AddDest(key, *dest));
            }
            (Op::AddService(..), _) => {
                run.failed.insert(key);
                if let Some(entry) = self.ledger.get_mut(key) {
                    entry.absent = true;
                }
                self.report(run, op, errno);
            }
            (Op::EditService(..) | Op::RemoveService(_) | Op::AddDest(..) | Op::EditDest(..) | Op::RemoveDest(..), _) => {
                self.report(run, op, errno);
            }
        }
    }

    fn report(&mut self, run: &mut Run, op: Op, errno: Errno) {
        let trouble = Trouble { dest: op.dest(), error: errno as i32 };
        if let Some(entry) = self.ledger.get_mut(op.service()) {
            if entry.troubles.contains(&trouble) {
                return;
            }
            entry.troubles.push(trouble);
        }
        run.problems.push(Problem::new(What::Step(op), errno));
    }
}

/// Of a service that was put back its destinations are not told.
fn mended(done: Vec<Op>) -> Vec<Mended> {
    let back: HashSet<ServiceKey> = done.iter().filter(|op| matches!(op, Op::AddService(..))).map(Op::service).collect();
    let told = |op: &Op| op.dest().is_none() || !back.contains(&op.service());
    done.into_iter().filter(told).map(Mended).collect()
}

#[cfg(test)]
mod tests;
