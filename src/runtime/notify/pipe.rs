//! A named pipe with its reader, if there is to be one.

use super::Owner;
use super::fifo::Fifo;
use super::spawn::{Children, Status};
use crate::effect::time::Instant;
use crate::kernel::timer::now;
use crate::model::global::scripts::Fifo as Configured;
use crate::notify::with_arguments;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Before a reader that has ended is started again: doubled each time, until one has run for as long as the longest.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// The reader of one pipe; another pipe at the same place has another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reader(u64);

#[derive(Debug)]
pub(super) struct Pipe {
    fifo: Fifo,
    reader: Reader,
    began: Instant,
    /// When the reader is started again.
    again: Option<Instant>,
    delay: Duration,
}

impl Pipe {
    pub(super) fn open(configured: &Configured) -> io::Result<Self> {
        static READERS: AtomicU64 = AtomicU64::new(0);
        let reader = Reader(READERS.fetch_add(1, Ordering::Relaxed));
        Ok(Self { fifo: Fifo::open(configured)?, reader, began: Instant::default(), again: None, delay: SHORTEST })
    }

    pub(super) fn configured(&self) -> &Configured {
        &self.fifo.configured
    }

    pub(super) fn is_in_place(&self) -> bool {
        self.fifo.is_in_place()
    }

    pub(super) fn reader(&self) -> Reader {
        self.reader
    }

    /// When the reader is to be started.
    pub(super) fn next_start(&self) -> Option<Instant> {
        self.again
    }

    pub(super) fn write(&mut self, line: &str) {
        if let Err(error) = self.fifo.write(line) {
            tracing::warn!("FIFO {}: {} is lost: {error}", self.fifo.path().display(), line.trim_end_matches(['\0', '\n']));
        }
    }

    /// Two processes may write to one pipe. Its lines are for one reader, so only one of them starts it.
    pub(super) fn start_reader(&mut self, children: &mut Children<Owner>) {
        self.again = None;
        let Some(script) = &self.configured().script else { return };
        if !self.fifo.claim() {
            return;
        }
        let path = self.fifo.path().display().to_string();
        let script = with_arguments(script, [path.clone().into()]);
        self.began = now();
        if let Err(error) = children.start(Owner::Reader(self.reader), &script) {
            let delay = self.postpone();
            tracing::error!("Unable to run the script of notify FIFO {path}: {error}; it is tried again in {delay} s");
        }
    }

    /// One that ends with success has meant to: while the pipe is open here, a reader finds no end of it.
    pub(super) fn reader_ended(&mut self, status: &Status) {
        if *status == Status::Exited(0) {
            tracing::warn!("The script of notify FIFO {} has ended ({status})", self.fifo.path().display());
            return;
        }
        let delay = self.postpone();
        let path = self.fifo.path().display();
        tracing::warn!("The script of notify FIFO {path} has ended ({status}); it is started again in {delay} s");
    }

    /// In how many seconds it is started again.
    fn postpone(&mut self) -> u64 {
        let now = now();
        let delay = if now.since(self.began) >= LONGEST { SHORTEST } else { self.delay };
        self.again = Some(now + delay);
        self.delay = (delay * 2).min(LONGEST);
        delay.as_secs()
    }
}
