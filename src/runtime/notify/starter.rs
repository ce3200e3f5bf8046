//! Starts programs beside everything else: whoever asks goes on at once, and is told later. A thread of this process lends its
//! memory to the child and waits until that is another program ([`Lent`]), so that nobody else feels anything of it, however
//! much memory there is. A program that hangs while it is loaded, as on a disk that does not answer, holds up its own thread;
//! others are started by another one then.

use crate::sys::spawn::{Identity, Lent, Task, be_ordinary_thread, spawn};
use nix::unistd::Pid;
use std::ffi::{CStr, CString};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What each thread has for itself.
const STACK: usize = 64 << 10;
/// At most so many programs hang before nobody is started any more.
const MOST: usize = 16;
/// Whoever has waited for so long gets another thread. A program that is found at once takes less than a millisecond.
const PATIENCE: Duration = Duration::from_millis(250);

/// All that a program needs.
pub(super) struct Program {
    pub(super) action: Action,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) groups: Box<[u32]>,
}

pub(super) enum Action {
    Execute { path: CString, argv: Vec<CString>, environment: Arc<[CString]>, more: Vec<CString> },
    Open(CString),
}

/// What has become of an order: `WAITING`, `CANCELLED` or `TAKEN`, and the number of the process from when there is one.
#[derive(Debug)]
pub(super) struct Order {
    standing: Arc<AtomicI32>,
    late: Instant,
}

const WAITING: i32 = 0;
const CANCELLED: i32 = -1;
const TAKEN: i32 = -2;

impl Order {
    /// It will not be started, unless somebody is at it already.
    pub(super) fn cancel(&self) -> bool {
        self.standing.compare_exchange(WAITING, CANCELLED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The process, if there is one by now.
    pub(super) fn pid(&self) -> Option<Pid> {
        Some(self.standing.load(Ordering::Acquire)).filter(|&pid| pid > 0).map(Pid::from_raw)
    }

    /// When it has waited for too long.
    pub(super) const fn late_at(&self) -> Instant {
        self.late
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.standing.load(Ordering::Acquire) == WAITING
    }
}

struct Job {
    number: u64,
    program: Program,
    standing: Arc<AtomicI32>,
}

/// The threads of one owner. They end with it, and what they have started is asked to end with them.
pub(super) struct Starter {
    null: Arc<File>,
    jobs: Sender<Job>,
    taking: Arc<Mutex<Receiver<Job>>>,
    started: UnboundedReceiver<(u64, io::Result<Pid>)>,
    tell: UnboundedSender<(u64, io::Result<Pid>)>,
    closed: Arc<AtomicBool>,
    threads: usize,
}

impl Starter {
    pub(super) fn new() -> io::Result<Self> {
        let null = Arc::new(File::options().read(true).write(true).open("/dev/null")?);
        let ((jobs, taking), (tell, started)) = (channel(), unbounded_channel());
        Ok(Self { null, jobs, taking: Arc::new(Mutex::new(taking)), started, tell, closed: Arc::default(), threads: 0 })
    }

    pub(super) fn start(&mut self, number: u64, program: Program) -> io::Result<Order> {
        if self.threads == 0 {
            self.add_thread()?;
        }
        let standing = Arc::new(AtomicI32::new(WAITING));
        let job = Job { number, program, standing: Arc::clone(&standing) };
        self.jobs.send(job).map_err(|_| io::Error::other("nobody starts programs any more"))?;
        Ok(Order { standing, late: Instant::now() + PATIENCE })
    }

    /// What was started, or why it was not. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> (u64, io::Result<Pid>) {
        match self.started.recv().await {
            Some(started) => started,
            // We have one end ourselves.
            None => std::future::pending().await,
        }
    }

    /// One that has been started by now.
    pub(super) fn take(&mut self) -> Option<(u64, io::Result<Pid>)> {
        self.started.try_recv().ok()
    }

    /// One more hand, if this order has waited for too long. Without one it goes on waiting.
    pub(super) fn hasten(&mut self, oldest: &mut Order) {
        let now = Instant::now();
        if oldest.late <= now {
            oldest.late = now + PATIENCE;
            if self.threads < MOST
                && let Err(error) = self.add_thread()
            {
                tracing::warn!("scripts start late, and there is no other thread for them: {error}");
            }
        }
    }

    fn add_thread(&mut self) -> io::Result<()> {
        let (null, taking, tell, closed) = (Arc::clone(&self.null), Arc::clone(&self.taking), self.tell.clone(), Arc::clone(&self.closed));
        let mut lent = Lent::new();
        let work = move || {
            be_ordinary_thread();
            loop {
                let job = taking.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(Job { number, program, standing }) = job else { return };
                if closed.load(Ordering::Acquire) {
                    return;
                }
                if standing.compare_exchange(WAITING, TAKEN, Ordering::AcqRel, Ordering::Acquire).is_err() {
                    continue;
                }
                if tell.send((number, program.start(&mut lent, &null, &standing))).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("scripts".to_owned()).stack_size(STACK).spawn(work)?;
        self.threads += 1;
        Ok(())
    }
}

impl Drop for Starter {
    fn drop(&mut self) {
        // What waits is not started any more.
        self.closed.store(true, Ordering::Release);
    }
}

impl fmt::Debug for Starter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Starter").field("threads", &self.threads).finish_non_exhaustive()
    }
}

impl Program {
    /// In this thread and without waiting, for those who do not start many.
    pub(super) fn start_alone(&self) -> io::Result<Pid> {
        let null = File::options().read(true).write(true).open("/dev/null")?;
        self.run(|task, identity| spawn(task, identity, null.as_fd()))
    }

    fn start(&self, lent: &mut Lent, null: &File, pid: &AtomicI32) -> io::Result<Pid> {
        self.run(|task, identity| match task {
            Task::Execute { .. } => lent.spawn(task, identity, null.as_fd(), pid),
            // It never is another program.
            Task::Open(_) => spawn(task, identity, null.as_fd()),
        })
    }

    fn run(&self, start: impl FnOnce(Task<'_>, Identity<'_>) -> io::Result<Pid>) -> io::Result<Pid> {
        let Self { action, uid, gid, groups } = self;
        let identity = Identity { uid: *uid, gid: *gid, groups };
        match action {
            Action::Execute { path, argv, environment, more } => {
                let environment: Vec<&CStr> = environment.iter().chain(more).map(CString::as_c_str).collect();
                start(Task::Execute { path, argv, environment: &environment }, identity)
            }
            Action::Open(path) => start(Task::Open(path), identity),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Program {
        let environment = Arc::default();
        let action = Action::Execute { path: c"/bin/true".into(), argv: vec![c"true".into()], environment, more: Vec::new() };
        Program { action, uid: nix::unistd::Uid::effective().as_raw(), gid: nix::unistd::Gid::effective().as_raw(), groups: Box::default() }
    }

    #[test]
    fn whoever_waits_for_too_long_gets_another_thread_and_no_more_than_there_may_be() {
        let mut starter = Starter::new().expect("a starter");
        assert_eq!(starter.threads, 0, "where there are no scripts there is no thread");
        let taking = Arc::clone(&starter.taking);
        let held = taking.lock().expect("nobody has it");
        let mut order = starter.start(1, nothing()).expect("an order");
        assert_eq!(starter.threads, 1);
        starter.hasten(&mut order);
        assert_eq!(starter.threads, 1, "it has not waited for long");
        for expected in 2..MOST + 3 {
            order.late = Instant::now();
            starter.hasten(&mut order);
            assert_eq!(starter.threads, expected.min(MOST));
        }
        assert!(order.is_waiting() && order.late_at() > Instant::now());
        drop(held);
        let started = std::iter::repeat_with(|| (thread::yield_now(), starter.take()).1).flatten().next().expect("it has no end");
        assert_eq!((started.0, started.1.ok()), (1, order.pid()));
    }

    #[test]
    fn what_is_cancelled_in_time_is_not_started() {
        let mut starter = Starter::new().expect("a starter");
        let taking = Arc::clone(&starter.taking);
        let held = taking.lock().expect("nobody has it");
        let (first, second) = (starter.start(1, nothing()).expect("an order"), starter.start(2, nothing()).expect("an order"));
        assert!(first.cancel() && !first.cancel());
        drop(held);
        let started = std::iter::repeat_with(|| (thread::yield_now(), starter.take()).1).flatten().next().expect("it has no end");
        assert_eq!((started.0, first.pid()), (2, None));
        assert!(!second.cancel(), "it is there already");
    }
}
