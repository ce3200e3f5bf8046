//! The thread that writes to the kernel. A system call that changes something waits for the kernel's lock, which may take
//! long, and adverts must not.

use super::ledger::{Names, Snag, Step};
use super::rtnl::batch::{Batch, Verdict};
use super::rtnl::message::{Request, request};
use super::rtnl::picture::Asker;
use crate::effect::delta::Op;
use crate::effect::net::Device;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const STACK: usize = 256 * 1024;
/// Steps that are made into messages at a time.
const SLICE: usize = 256;

/// The steps that belong to one ticket.
#[derive(Debug)]
struct Job {
    ticket: u64,
    steps: Vec<Step>,
}

/// How far the thread is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The last job that is done.
    pub(super) ticket: u64,
    /// The last step that is done.
    pub(super) step: u64,
    snags: Vec<(Step, Snag)>,
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
}

impl Writer {
    /// Its sockets belong to the calling thread's network namespace.
    pub(super) fn start() -> io::Result<Self> {
        let ready = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?;
        let shared = Arc::new(Shared { progress: Mutex::default(), changed: Condvar::new(), ready });
        let (jobs, queue) = channel();
        let mut thread = Thread { queue, shared: shared.clone(), batch: Batch::open()?, asker: Asker::open()? };
        std::thread::Builder::new().name("netlink".to_owned()).stack_size(STACK).spawn(move || thread.run())?;
        Ok(Self { jobs, shared })
    }

    pub(super) fn queue(&self, ticket: u64, steps: Vec<Step>) {
        // It reads until we are gone.
        let _ = self.jobs.send(Job { ticket, steps });
    }

    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.shared.progress()
    }

    /// What went otherwise than planned, each once.
    pub(super) fn snags(&self) -> Vec<(Step, Snag)> {
        // There may be nothing to read.
        let _ = self.shared.ready.read();
        std::mem::take(&mut self.shared.progress().snags)
    }

    pub(super) fn wait(&self, ticket: u64, at_most: Duration) -> bool {
        let progress = self.shared.progress();
        let outcome = self.shared.changed.wait_timeout_while(progress, at_most, |progress| progress.ticket < ticket);
        outcome.unwrap_or_else(PoisonError::into_inner).0.ticket >= ticket
    }
}

/// Readable when a job is done.
impl AsFd for Writer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.ready.as_fd()
    }
}

struct Thread {
    queue: Receiver<Job>,
    shared: Arc<Shared>,
    batch: Batch,
    asker: Asker,
}

impl Thread {
    fn run(&mut self) {
        while let Ok(job) = self.queue.recv() {
            for slice in job.steps.chunks(SLICE) {
                let snags = self.slice(slice);
                let mut progress = self.shared.progress();
                progress.snags.extend(snags);
                progress.step = slice.last().map_or(progress.step, |step| step.number);
            }
            self.shared.progress().ticket = job.ticket;
            self.shared.changed.notify_all();
            // It can only fail by being readable already.
            let _ = self.shared.ready.write(1);
        }
    }

    fn slice(&mut self, steps: &[Step]) -> Vec<(Step, Snag)> {
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
                Err(_) if matches!(step.op, Op::Remove(_)) => snags.push((step.clone(), Snag::Already)),
                Err(reason) => snags.push((step.clone(), Snag::Refused(reason))),
            }
        }
        for (step, verdict) in sent.into_iter().zip(self.batch.apply(&requests)) {
            match verdict {
                Verdict::Done => {}
                Verdict::Already => snags.push((step.clone(), Snag::Already)),
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

    fn names(&mut self) -> Names {
        let links = self.asker.links().unwrap_or_default();
        links.iter().map(|link| (link.name.clone(), link.device)).collect::<std::collections::BTreeMap<Box<str>, Device>>()
    }
}
