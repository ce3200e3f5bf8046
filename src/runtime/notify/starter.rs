//! Starts programs beside everything else: whoever asks goes on at once, and is told later. A thread of this process lends its
//! memory to the child and waits until that is another program ([`Lent`]), so that nobody else feels anything of it, however
//! much memory there is. A program that hangs while it is loaded, as on a disk that does not answer, holds up its own thread;
//! others are started by another one then.

use crate::sys::signal::leave_children;
use crate::sys::spawn::{Identity, Lent, Task, be_ordinary_thread, spawn};
use nix::unistd::Pid;
use std::collections::VecDeque;
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
/// When nobody has been started for so long there is another thread. A program that is found at once takes less than a millisecond.
const PATIENCE: Duration = Duration::from_millis(250);
/// And when whoever is first has waited for so long: each of them takes its time. That many are asked for at once is no reason
/// before; to start them side by side would only take the processors from others, adverts among them.
const SLOW: Duration = Duration::from_millis(750);

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

/// What was asked for, as whoever asked has it.
#[derive(Debug)]
pub(super) struct Order(Arc<Standing>);

/// What has become of an order.
#[derive(Debug)]
struct Standing {
    /// `WAITING`, `CANCELLED` or `TAKEN`, and the number of the process from when there is one.
    number: AtomicI32,
    /// Somebody wants to be told when it is started.
    awaited: AtomicBool,
    /// When it was asked for.
    asked: Instant,
}

const WAITING: i32 = 0;
const CANCELLED: i32 = -1;
const TAKEN: i32 = -2;

impl Order {
    /// It will not be started, unless somebody is at it already.
    pub(super) fn cancel(&self) -> bool {
        self.0.replace_waiting(CANCELLED)
    }

    /// The process, if there is one by now. It is here before it begins.
    pub(super) fn pid(&self) -> Option<Pid> {
        Some(self.0.number.load(Ordering::SeqCst)).filter(|&pid| pid > 0).map(Pid::from_raw)
    }

    /// From here on [`Starter::next`] tells when it is a program. One that is by now may be told of or not.
    pub(super) fn await_it(&self) {
        self.0.awaited.store(true, Ordering::SeqCst);
    }
}

impl Standing {
    fn new() -> Self {
        Self { number: AtomicI32::new(WAITING), awaited: AtomicBool::new(false), asked: Instant::now() }
    }

    fn replace_waiting(&self, now: i32) -> bool {
        self.number.compare_exchange(WAITING, now, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    fn is_waiting(&self) -> bool {
        self.number.load(Ordering::SeqCst) == WAITING
    }
}

struct Job {
    number: u64,
    program: Program,
    standing: Arc<Standing>,
}

/// The number of an order, and whether it was started.
type Started = (u64, io::Result<()>);

/// The threads of one owner. They end with it, and what they have started is asked to end with them.
pub(super) struct Starter {
    null: Arc<File>,
    jobs: Sender<Job>,
    taking: Arc<Mutex<Receiver<Job>>>,
    started: UnboundedReceiver<Started>,
    tell: UnboundedSender<Started>,
    closed: Arc<AtomicBool>,
    threads: usize,
    /// Nobody has been at these when it was looked last.
    waiting: VecDeque<(u64, Arc<Standing>)>,
    /// The first of them, and when it has been the first for too long.
    late: Option<(u64, Instant)>,
    /// No other thread before that.
    pause: Instant,
}

impl Starter {
    pub(super) fn new() -> io::Result<Self> {
        let null = Arc::new(File::options().read(true).write(true).open("/dev/null")?);
        let ((jobs, taking), (tell, started)) = (channel(), unbounded_channel());
        let (taking, closed, waiting) = (Arc::new(Mutex::new(taking)), Arc::default(), VecDeque::new());
        Ok(Self { null, jobs, taking, started, tell, closed, threads: 0, waiting, late: None, pause: Instant::now() })
    }

    pub(super) fn start(&mut self, number: u64, program: Program) -> io::Result<Order> {
        if self.threads == 0 {
            self.add_thread()?;
        }
        let standing = Arc::new(Standing::new());
        let job = Job { number, program, standing: Arc::clone(&standing) };
        self.jobs.send(job).map_err(|_| io::Error::other("nobody starts programs any more"))?;
        self.waiting.push_back((number, Arc::clone(&standing)));
        Ok(Order(standing))
    }

    /// What could not be started, and what was if that is awaited. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Started {
        match self.started.recv().await {
            Some(started) => started,
            // We have one end ourselves.
            None => std::future::pending().await,
        }
    }

    /// One of these by now.
    pub(super) fn take(&mut self) -> Option<Started> {
        self.started.try_recv().ok()
    }

    /// When another thread is wanted, if whoever is first is the first still.
    pub(super) fn late_at(&mut self) -> Option<Instant> {
        while self.waiting.front().is_some_and(|(_, standing)| !standing.is_waiting()) {
            self.waiting.pop_front();
        }
        let (first, asked) = self.waiting.front().map(|(number, standing)| (*number, standing.asked))?;
        let (_, late) = self.late.filter(|(number, _)| *number == first).unwrap_or_else(|| (first, Instant::now() + PATIENCE));
        self.late = Some((first, late));
        Some(late.min(asked + SLOW).max(self.pause))
    }

    /// One more hand, if whoever is first has waited for too long. Without one he goes on waiting.
    pub(super) fn hasten(&mut self) {
        if self.late_at().is_some_and(|late| late <= Instant::now()) {
            (self.late, self.pause) = (None, Instant::now() + PATIENCE);
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
            leave_children();
            loop {
                let job = taking.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(Job { number, program, standing }) = job else { return };
                if closed.load(Ordering::Acquire) {
                    return;
                }
                if !standing.replace_waiting(TAKEN) {
                    continue;
                }
                let result = program.start(&mut lent, &null, &standing);
                // Nobody is woken for what is as it was to be: that it ends is told by the kernel.
                if (result.is_err() || standing.awaited.load(Ordering::SeqCst)) && tell.send((number, result)).is_err() {
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

    fn start(&self, lent: &mut Lent, null: &File, standing: &Standing) -> io::Result<()> {
        let pid = self.run(|task, identity| match task {
            Task::Execute { .. } => lent.spawn(task, identity, null.as_fd(), &standing.number),
            // It never is another program.
            Task::Open(_) => {
                // It may have ended before its number is known to anybody.
                standing.awaited.store(true, Ordering::SeqCst);
                let pid = spawn(task, identity, null.as_fd())?;
                standing.number.store(pid.as_raw(), Ordering::SeqCst);
                Ok(pid)
            }
        });
        pid.map(drop)
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

    /// Whoever holds its queue holds up its threads.
    fn starter() -> (Starter, Arc<Mutex<Receiver<Job>>>) {
        let starter = Starter::new().expect("a starter");
        let queue = Arc::clone(&starter.taking);
        (starter, queue)
    }

    fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
        std::iter::repeat_with(|| (thread::yield_now(), look()).1).flatten().next().expect("it has no end")
    }

    #[test]
    fn whoever_waits_for_too_long_gets_another_thread_and_no_more_than_there_may_be() {
        let (mut starter, queue) = starter();
        assert_eq!((starter.threads, starter.late_at()), (0, None), "where there are no scripts there is no thread");
        let held = queue.lock().expect("nobody has it");
        let order = starter.start(1, nothing()).expect("an order");
        order.await_it();
        assert_eq!(starter.threads, 1);
        let late = starter.late_at();
        starter.hasten();
        assert_eq!((starter.threads, starter.late_at()), (1, late), "it has not waited for long");
        for expected in 2..MOST + 3 {
            (starter.late, starter.pause) = (Some((1, Instant::now())), Instant::now());
            starter.hasten();
            assert_eq!(starter.threads, expected.min(MOST));
        }
        assert!(starter.late_at() > late);
        drop(held);
        let (number, result) = until(|| starter.take());
        assert!(number == 1 && result.is_ok() && order.pid().is_some());
        assert_eq!(starter.late_at(), None);
    }

    #[test]
    fn nobody_is_late_where_one_after_the_other_is_started() {
        let (mut starter, queue) = starter();
        let held = queue.lock().expect("nobody has it");
        let (first, _second) = (starter.start(1, nothing()).expect("an order"), starter.start(2, nothing()).expect("an order"));
        starter.late = Some((1, Instant::now()));
        assert!(first.cancel());
        starter.hasten();
        assert_eq!(starter.threads, 1, "the second one has become the first just now");
        assert_eq!(starter.late_at(), starter.late.map(|(_, late)| late));
        drop(held);
    }

    #[test]
    fn where_each_takes_its_time_there_are_more_hands() {
        let (mut starter, queue) = starter();
        let held = queue.lock().expect("nobody has it");
        let order = starter.start(1, nothing()).expect("an order");
        // It has become the first long after it was asked for.
        starter.late = Some((1, order.0.asked + SLOW * 2));
        assert_eq!(starter.late_at(), Some(order.0.asked + SLOW));
        starter.pause = order.0.asked + SLOW + PATIENCE;
        assert_eq!(starter.late_at(), Some(starter.pause), "one after the other");
        drop(held);
    }

    #[test]
    fn what_is_cancelled_in_time_is_not_started() {
        let (mut starter, queue) = starter();
        let held = queue.lock().expect("nobody has it");
        let (first, second) = (starter.start(1, nothing()).expect("an order"), starter.start(2, nothing()).expect("an order"));
        assert!(first.cancel() && !first.cancel());
        drop(held);
        until(|| second.pid());
        assert_eq!(first.pid(), None);
        assert!(!second.cancel(), "it is there already");
    }

    #[test]
    fn only_who_asks_is_told_of_what_went_well() {
        let (mut starter, _) = starter();
        let first = starter.start(1, nothing()).expect("an order");
        until(|| first.pid());
        let second = starter.start(2, nothing()).expect("an order");
        second.await_it();
        let third = starter.start(3, Program { action: Action::Open(c"/dev/null".into()), ..nothing() }).expect("an order");
        // The second one may have been there before it was asked for.
        let told = until(|| starter.take().filter(|(number, _)| *number != 2));
        assert!(told.0 == 3 && told.1.is_ok() && third.pid().is_some());
    }
}
