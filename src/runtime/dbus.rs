//! The D-Bus service of the VRRP process: what the driver has to do with it. All else is done by a thread of its own, which is there
//! when the configuration wants the service, so that nobody waits for a bus.

mod thread;

use crate::effect::notice::Notice;
use crate::model::Model;
use crate::observe::dbus::{Ask, Service, status_of};
use crate::vrrp::view::View;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use thread::{News, Thread};

const STACK: usize = 256 * 1024;
/// How long the last signals may take. The thread takes less.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What somebody on the bus asks for, and whom to tell when it is done.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) ask: Ask,
    pub(super) done: Done,
}

#[derive(Debug)]
pub(super) struct Done {
    number: u64,
    line: Line,
}

impl Done {
    pub(super) fn tell(self) {
        self.line.send(News::Done(self.number));
    }
}

/// The way to the thread. It takes in all that is sent at once.
#[derive(Clone, Debug)]
struct Line {
    news: Sender<News>,
    wake: Arc<EventFd>,
}

impl Line {
    /// If it is gone, nobody has to know.
    fn send(&self, news: News) {
        let _ = self.news.send(news);
        let _ = self.wake.write(1);
    }
}

/// A service that runs.
#[derive(Debug)]
struct Running {
    line: Line,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
}

#[derive(Debug)]
pub(super) struct Dbus {
    running: Option<Running>,
    /// For every thread that is ever started.
    tell: Sender<(u64, Ask, Line)>,
    asked: Receiver<(u64, Ask, Line)>,
    ready: Arc<EventFd>,
}

fn event() -> io::Result<Arc<EventFd>> {
    Ok(Arc::new(EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?))
}

impl Dbus {
    pub(super) fn new() -> io::Result<Self> {
        let (tell, asked) = channel();
        Ok(Self { running: None, tell, asked, ready: event()? })
    }

    /// Goes over to a configuration; at the start, to the first.
    pub(super) fn reconfigure(&mut self, model: &Model, view: impl FnOnce() -> View) {
        if self.running.is_none() && !model.global.dbus.enabled {
            return;
        }
        match (Service::of(model, &view()), &self.running) {
            (Some(service), Some(running)) => running.line.send(News::Reconfigured(service)),
            (Some(service), None) => match self.start(service) {
                Ok(running) => self.running = Some(running),
                Err(error) => tracing::error!("D-Bus is done without: {error}"),
            },
            // Nobody waits for its end.
            (None, _) => self.running.take().into_iter().for_each(|running| running.line.send(News::Stop)),
        }
    }

    fn start(&self, service: Service) -> io::Result<Running> {
        let ((news, heard), wake) = (channel(), event()?);
        let line = Line { news, wake };
        let (end, ended) = channel();
        let (back, tell, ready) = (line.clone(), self.tell.clone(), Arc::clone(&self.ready));
        std::thread::Builder::new().name("dbus".to_owned()).stack_size(STACK).spawn(move || {
            Thread::new(service, heard, back, tell, ready).run();
            drop(end);
        })?;
        Ok(Running { line, ended })
    }

    /// Takes note of what the world is told.
    pub(super) fn notice(&self, notice: &Notice) {
        if let Some(running) = &self.running
            && let Some(status) = status_of(notice)
        {
            running.line.send(News::Turned(notice.key.clone(), status));
        }
    }

    /// What is asked for. It is not much: the thread lets few wait.
    pub(super) fn requests(&self) -> Vec<Request> {
        // There may be nothing to read.
        let _ = self.ready.read();
        self.asked.try_iter().map(|(number, ask, line)| Request { ask, done: Done { number, line } }).collect()
    }

    /// The end: returns when the last signal is on its way, or cannot be.
    pub(super) fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.line.send(News::Stop);
            // It ends by being disconnected.
            let _ = running.ended.recv_timeout(LAST_WORDS);
        }
    }
}

/// Readable when there are requests.
impl AsFd for Dbus {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }
}
