//! The thread that keeps the census of processes. To read the command line of a process may take as long as that process likes,
//! and nobody else is to wait for it.

use super::now;
use crate::effect::time::Instant;
use crate::kernel::procevents::{Connector, News};
use crate::model::global::ReceiveBuffer;
use crate::model::track::TrackProcess;
use crate::sys::signal::leave_children;
use crate::track::census::{Census, Looks};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How often everybody is counted where the kernel does not tell.
const EVERY: Duration = Duration::from_millis(500);
/// And where it does: for those that change their command lines without a word.
const SELDOM: Duration = Duration::from_secs(60);
/// A kernel that tells has said so by then.
const ANSWER: Duration = Duration::from_secs(2);
/// A kernel that has said nothing for so long is called, and has so long to say that it was. On most machines something happens
/// all the time.
const QUIET: Duration = Duration::from_secs(5);
const ECHO: Duration = Duration::from_secs(1);
/// So many processes are looked at before news are taken in again.
const SLICE: usize = 64;
const STACK: usize = 256 * 1024;
const NAME: &str = "processes";

/// What is to be counted from now on.
#[derive(Debug)]
pub(super) struct Task {
    /// Comes back with the counts.
    pub(super) number: u64,
    pub(super) wanted: Vec<TrackProcess>,
    pub(super) buffer: ReceiveBuffer,
}

/// How many processes there are of each name.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) task: u64,
    pub(super) counts: Vec<(Box<str>, usize)>,
}

/// The other end of the thread, which ends with it.
#[derive(Debug)]
pub(super) struct Clerk {
    tasks: Option<Sender<Task>>,
    wake: Arc<EventFd>,
    counts: UnboundedReceiver<Counts>,
}

impl Clerk {
    /// It asks the kernel in the calling thread's network namespace.
    pub(super) fn start() -> io::Result<Self> {
        let wake = Arc::new(EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?);
        let (tasks, queue) = channel();
        let (tell, counts) = unbounded_channel();
        let thread = Thread::new(queue, Arc::clone(&wake), tell);
        std::thread::Builder::new().name(NAME.to_owned()).stack_size(STACK).spawn(move || thread.run())?;
        Ok(Self { tasks: Some(tasks), wake, counts })
    }

    pub(super) fn give(&self, task: Task) {
        if let Some(tasks) = &self.tasks {
            // It reads until we are gone.
            let _ = tasks.send(task);
            let _ = self.wake.write(1);
        }
    }

    /// The next count that is another one. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Counts {
        match self.counts.recv().await {
            Some(counts) => counts,
            // It is gone, which it is not before we are.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Clerk {
    fn drop(&mut self) {
        self.tasks = None;
        let _ = self.wake.write(1);
    }
}

struct Thread {
    queue: Receiver<Task>,
    wake: Arc<EventFd>,
    tell: UnboundedSender<Counts>,
    census: Census,
    task: u64,
    buffer: ReceiveBuffer,
    told: Option<Vec<(Box<str>, usize)>>,
    source: Source,
    /// When everybody is looked at again.
    due: Instant,
}

/// How changes become known.
#[derive(Debug)]
enum Source {
    /// Not asked yet.
    None,
    /// It was asked to, and has until then to say that it will.
    Asked(Connector, Instant),
    Kernel(Connector, Silence),
    /// Only by looking.
    Looking,
}

/// What is made of it.
#[derive(Clone, Copy, Debug)]
enum Silence {
    /// There may be as much of it.
    Until(Instant),
    /// It was called, and has until then to say so.
    Called(Instant),
}

impl Source {
    /// The kernel speaks: of whom does not matter.
    fn spoke(&mut self) {
        if let Self::Kernel(_, silence) = self {
            *silence = Silence::Until(now() + QUIET);
        }
    }

    /// When it is looked whether it is there.
    const fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Asked(_, until) | Self::Kernel(_, Silence::Until(until) | Silence::Called(until)) => Some(*until),
            Self::None | Self::Looking => None,
        }
    }

    const fn connector(&self) -> Option<&Connector> {
        match self {
            Self::Asked(connector, _) | Self::Kernel(connector, _) => Some(connector),
            Self::None | Self::Looking => None,
        }
    }
}

impl Thread {
    fn new(queue: Receiver<Task>, wake: Arc<EventFd>, tell: UnboundedSender<Counts>) -> Self {
        let (census, buffer) = (Census::default(), ReceiveBuffer::default());
        Self { queue, wake, tell, census, task: 0, buffer, told: None, source: Source::None, due: Instant::default() }
    }

    fn run(mut self) {
        leave_children();
        while self.turn() {
            self.wait();
        }
    }

    /// Returns whether somebody is still there to be told.
    fn turn(&mut self) -> bool {
        let mut newest = None;
        loop {
            match self.queue.try_recv() {
                Ok(task) => newest = Some(task),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
        if let Some(task) = newest {
            self.take(task);
        }
        self.hear();
        self.census.tick(now());
        self.doubt();
        if self.due <= now() {
            self.look_at_all();
        }
        self.report();
        true
    }

    fn take(&mut self, Task { number, wanted, buffer }: Task) {
        self.census = Census::new(wanted);
        (self.task, self.buffer, self.told, self.due) = (number, buffer, None, now());
        // The size may be another one, and whoever could not be asked before can perhaps be now.
        self.ask();
    }

    fn ask(&mut self) {
        self.source = Source::None;
        match Connector::open(self.buffer) {
            Ok(connector) => self.source = Source::Asked(connector, now() + ANSWER),
            Err(error) => self.look_instead(&error.to_string()),
        }
    }

    /// Whoever hears nothing asks. All that there is to hear has been heard, however long that took.
    fn doubt(&mut self) {
        if self.source.deadline().is_none_or(|deadline| deadline > now()) {
            return;
        }
        match &mut self.source {
            Source::Asked(..) => self.look_instead("it does not answer"),
            Source::Kernel(_, Silence::Called(_)) => {
                tracing::info!("The kernel has stopped telling of processes, it is asked again");
                self.ask();
            }
            Source::Kernel(_, silence) => {
                *silence = Silence::Called(now() + ECHO);
                // It has that name, so it cannot be refused.
                drop(Connector::call(NAME));
            }
            Source::None | Source::Looking => {}
        }
    }

    fn look_instead(&mut self, why: &str) {
        tracing::warn!("The kernel does not tell of processes here ({why}), tracked processes are counted twice a second");
        self.source = Source::Looking;
        self.due = now();
    }

    /// Takes in the news that are there.
    fn hear(&mut self) {
        while let Some(connector) = self.source.connector() {
            let received = connector.receive();
            if received.is_ok() {
                self.source.spoke();
            }
            let news = match received {
                Ok(Some(news)) => news,
                Ok(None) => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return self.look_instead(&error.to_string()),
            };
            match news {
                News::Listening(Ok(())) => self.listening(),
                News::Listening(Err(error)) => return self.look_instead(&io::Error::from_raw_os_error(error).to_string()),
                News::Born { pid, parent } => self.census.born(now(), pid, parent),
                News::Changed(pid) => self.look_at(pid),
                News::Ended(pid) => self.census.ended(pid),
                News::Overrun => {
                    tracing::info!("News of processes were lost, all are counted again; process_monitor_rcv_bufs makes more room");
                    // Not in a loop, where there are more than can be taken in.
                    self.due = self.due.min(now() + EVERY);
                }
            }
        }
    }

    fn listening(&mut self) {
        if let Source::Asked(connector, _) = std::mem::replace(&mut self.source, Source::None) {
            self.source = Source::Kernel(connector, Silence::Until(now() + QUIET));
            // From here on nothing is missed; what happened before is found by looking.
            self.due = now();
        }
    }

    fn look_at_all(&mut self) {
        self.census.begin();
        for (index, pid) in running().into_iter().enumerate() {
            if index % SLICE == SLICE - 1 {
                self.hear();
            }
            self.look_at(pid);
        }
        self.census.end();
        let pause = match self.source {
            Source::Kernel(..) => SELDOM,
            Source::None | Source::Asked(..) | Source::Looking => EVERY,
        };
        self.due = now() + pause;
        self.told.get_or_insert_default();
    }

    fn look_at(&mut self, pid: u32) {
        let Some(short) = short_name(pid) else { return self.census.look(pid, None) };
        // Not asked for without need: the kernel answers only when the process lets go of its memory map.
        let line = if self.census.reads_lines() { fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default() } else { Vec::new() };
        let words: Vec<&[u8]> = line.strip_suffix(b"\0").unwrap_or(&line).split(|&byte| byte == 0).collect();
        self.census.look(pid, Some(Looks { short: &short, words: &words }));
    }

    /// Nothing is said before everybody has been looked at.
    fn report(&mut self) {
        let counts = self.census.counts();
        if let Some(told) = &mut self.told
            && *told != counts
        {
            told.clone_from(&counts);
            // Nobody may be there any more.
            let _ = self.tell.send(Counts { task: self.task, counts });
        }
    }

    fn wait(&self) {
        let idle = self.task == 0;
        let due = (!idle).then_some(self.due);
        let next = [due, self.source.deadline(), self.census.next_deadline()].into_iter().flatten().min();
        // A millisecond more, so that it is not looked in vain.
        let left = next.map_or(Duration::from_secs(3600), |next| next.since(now()) + Duration::from_millis(1));
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut descriptors = vec![PollFd::new(self.wake.as_fd(), PollFlags::POLLIN)];
        descriptors.extend(self.source.connector().map(|connector| PollFd::new(connector.as_fd(), PollFlags::POLLIN)));
        // Interrupted or not: it is looked at everything.
        let _ = poll(&mut descriptors, timeout);
        let _ = self.wake.read();
    }
}

fn running() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The short name of a process that is alive: one that has ended and was not waited for is not.
fn short_name(pid: u32) -> Option<Vec<u8>> {
    let line = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let (open, close) = (line.iter().position(|&byte| byte == b'(')?, line.iter().rposition(|&byte| byte == b')')?);
    let state = line.get(close + 2)?;
    (!b"ZXx".contains(state)).then(|| line.get(open + 1..close).map(<[u8]>::to_vec)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::track::{ParameterMatch, Weight};
    use nix::sched::{CloneFlags, unshare};
    use nix::sys::stat::fstat;
    use std::process::{Child, Command};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    const PATIENCE: Duration = Duration::from_secs(20);

    fn sleepers(seconds: &str) -> TrackProcess {
        TrackProcess {
            name: "p".into(),
            process: "sleep".into(),
            parameters: [seconds.into()].into(),
            matching: Some(ParameterMatch::Exact),
            weight: Weight::default(),
            quorum: 1,
            quorum_max: None,
            terminate_delay: Duration::ZERO,
            fork_delay: Duration::ZERO,
        }
    }

    /// One at a time: with the first who does not listen any more the kernel stops telling the others, until these look again.
    static ALONE: Mutex<()> = Mutex::new(());

    struct Office {
        thread: Thread,
        counts: UnboundedReceiver<Counts>,
        seconds: String,
        _tasks: Sender<Task>,
        _alone: MutexGuard<'static, ()>,
    }

    impl Office {
        fn new(number: u32, buffer: ReceiveBuffer) -> Self {
            let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
            let seconds = (number * 1_000_000 + std::process::id()).to_string();
            let (tasks, queue) = channel();
            let (tell, counts) = unbounded_channel();
            let wake = EventFd::from_flags(EfdFlags::EFD_NONBLOCK).expect("an event");
            let mut thread = Thread::new(queue, Arc::new(wake), tell);
            thread.take(Task { number: 1, wanted: vec![sleepers(&seconds)], buffer });
            Self { thread, counts, seconds, _tasks: tasks, _alone: alone }
        }

        fn until(&mut self, what: &str, holds: impl Fn(&mut Self) -> bool) {
            let end = now() + PATIENCE;
            loop {
                assert!(now() < end, "never: {what}");
                assert!(self.thread.turn());
                if holds(self) {
                    return;
                }
                self.thread.wait();
            }
        }

        fn wait_count(&mut self, count: usize) {
            self.until("so many", |office| office.counts.try_recv().is_ok_and(|told| told.counts == [("p".into(), count)]));
        }

        fn start(&self) -> Child {
            Command::new("sleep").arg(&self.seconds).spawn().expect("a process")
        }
    }

    /// Between two looks there is a minute, which is more than this test waits.
    #[test]
    fn the_kernel_tells_of_processes_in_the_initial_namespaces() {
        let mut office = Office::new(1, ReceiveBuffer::default());
        office.until("the kernel tells: run this as root and in no container", |office| matches!(office.thread.source, Source::Kernel(..)));
        office.wait_count(0);
        let (mut one, mut two) = (office.start(), office.start());
        office.until("both", |office| office.thread.census.counts() == [("p".into(), 2)]);
        one.kill().expect("killed");
        office.until("one", |office| office.thread.census.counts() == [("p".into(), 1)]);
        // It was not waited for until now.
        drop(one.wait());
        two.kill().expect("killed");
        office.until("none", |office| office.thread.census.counts() == [("p".into(), 0)]);
        drop(two.wait());
    }

    /// Nothing else would tell of the end before the test gives up.
    #[test]
    fn a_kernel_that_has_stopped_telling_is_asked_again() {
        let mut office = Office::new(4, ReceiveBuffer::default());
        office.until("the kernel tells: run this as root and in no container", |office| matches!(office.thread.source, Source::Kernel(..)));
        office.wait_count(0);
        let mut one = office.start();
        office.until("one", |office| office.thread.census.counts() == [("p".into(), 1)]);
        office.thread.source.connector().expect("the kernel").silence();
        one.kill().expect("killed");
        drop(one.wait());
        office.until("none", |office| office.thread.census.counts() == [("p".into(), 0)]);
        assert!(matches!(office.thread.source, Source::Kernel(_, Silence::Until(_))), "it tells again");
    }

    /// Of nobody but us.
    #[test]
    fn a_kernel_with_nothing_to_tell_is_believed_as_long_as_it_can_be_heard() {
        let mut office = Office::new(5, ReceiveBuffer::default());
        office.until("the kernel tells: run this as root and in no container", |office| matches!(office.thread.source, Source::Kernel(..)));
        let Source::Kernel(_, silence) = &mut office.thread.source else { return };
        *silence = Silence::Until(now());
        let inode = |connector: &Connector| fstat(connector).expect("a socket").st_ino;
        let socket = |office: &Office| office.thread.source.connector().map(inode);
        let (before, called) = (socket(&office), now() + ECHO);
        office.until("it is over", |_| now() > called);
        office.until("it was heard", |office| matches!(office.thread.source, Source::Kernel(_, Silence::Until(_))));
        assert_eq!(socket(&office), before, "it was not asked again");
    }

    #[test]
    fn in_a_network_namespace_of_its_own_processes_are_counted_by_looking() {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace needs root");
                let mut office = Office::new(2, ReceiveBuffer::default());
                office.until("it looks itself", |office| matches!(office.thread.source, Source::Looking));
                office.wait_count(0);
                let mut one = office.start();
                office.wait_count(1);
                one.kill().expect("killed");
                office.wait_count(0);
                drop(one.wait());
            });
        });
    }

    #[test]
    fn the_receive_buffer_is_as_configured() {
        for (force, size, want) in [(false, 50_000, 100_000), (true, 5_000_000, 10_000_000)] {
            let office = Office::new(3, ReceiveBuffer { size: Some(size), force });
            let connector = office.thread.source.connector().expect("the initial namespaces");
            // The kernel doubles it.
            assert_eq!(connector.buffer().expect("a size"), want);
        }
    }

    #[test]
    fn the_thread_ends_with_its_owner() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let wake = runtime.block_on(async {
            let mut clerk = Clerk::start().expect("a thread");
            clerk.give(Task { number: 7, wanted: vec![sleepers("4000000")], buffer: ReceiveBuffer::default() });
            let counts = tokio::time::timeout(PATIENCE, clerk.next()).await.expect("a count");
            assert_eq!((counts.task, counts.counts), (7, vec![("p".into(), 0)]));
            Arc::downgrade(&clerk.wake)
        });
        let end = now() + PATIENCE;
        while wake.strong_count() > 0 {
            assert!(now() < end, "it is still there");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
