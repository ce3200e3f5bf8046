//! One attempt: a dialogue led over a socket.

use super::socket::{Link, Received};
use crate::effect::probe::{Outcome, RunId};
use crate::effect::time::Instant;
use crate::model::checker::Connection;
use crate::probe::{Dialogue, Trouble};
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// What is read at a time.
pub(super) const BUFFER: usize = 16 << 10;
/// How often in a row: whoever sends without end must not keep others waiting.
const READS: usize = 4;

/// What the kernel says of a socket.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Readiness {
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// The other end has said that nothing more comes.
    pub(super) ended: bool,
    pub(super) troubled: bool,
}

/// What has come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Ended(Outcome),
    /// For the socket.
    Waiting,
    /// There may be more to read; others come first.
    More,
}

pub(super) struct Attempt {
    pub(super) run: RunId,
    dialogue: Box<dyn Dialogue>,
    link: Link,
    opened: bool,
    /// How long a connection, and each answer, may take.
    patience: Duration,
    /// When it is over at the latest, whatever comes.
    end: Instant,
    deadline: Instant,
    /// What the socket has not taken.
    unsent: Vec<u8>,
}

impl Attempt {
    /// Some attempts are over as soon as they have begun.
    pub(super) fn begin(
        run: RunId,
        mut dialogue: Box<dyn Dialogue>,
        to: &Connection,
        longest: Duration,
        now: Instant,
        identifier: u16,
    ) -> Result<Self, Outcome> {
        let transport = dialogue.transport();
        let link = match Link::open(&transport, to, identifier) {
            Ok(link) => link,
            Err(trouble) => return Err(dialogue.failed(trouble)),
        };
        let patience = to.timeout.duration();
        let opened = !link.is_stream();
        let mut attempt =
            Self { run, dialogue, link, opened, patience, end: now + longest, deadline: now + patience.min(longest), unsent: Vec::new() };
        if opened && let Some(outcome) = attempt.open() {
            return Err(outcome);
        }
        Ok(attempt)
    }

    /// When it is to be told that it has [`expired`](Self::expired); it may be later by then.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(super) fn expired(&mut self) -> Outcome {
        self.dialogue.expired()
    }

    pub(super) fn failed(&mut self, trouble: Trouble) -> Outcome {
        self.dialogue.failed(trouble)
    }

    /// Reads into `buffer`, which is of [`BUFFER`] bytes.
    pub(super) fn advance(&mut self, ready: Readiness, now: Instant, buffer: &mut [u8]) -> Progress {
        match self.step(ready, now, buffer) {
            Ok(progress) => progress,
            Err(outcome) => Progress::Ended(outcome),
        }
    }

    fn step(&mut self, ready: Readiness, now: Instant, buffer: &mut [u8]) -> Result<Progress, Outcome> {
        // What came before the trouble counts, so a stream that stands is read up to it.
        if ready.troubled
            && !(self.opened && ready.readable)
            && let Some(trouble) = self.link.trouble()
        {
            return Err(self.dialogue.failed(trouble));
        }
        if !self.opened {
            if !ready.writable {
                return Ok(Progress::Waiting);
            }
            self.opened = true;
            self.extend(now);
            if let Some(outcome) = self.open() {
                return Err(outcome);
            }
        } else if ready.writable
            && let Some(outcome) = self.flush()
        {
            return Err(outcome);
        }
        if ready.readable || ready.ended { self.read(ready, now, buffer) } else { Ok(Progress::Waiting) }
    }

    fn read(&mut self, ready: Readiness, now: Instant, buffer: &mut [u8]) -> Result<Progress, Outcome> {
        for _ in 0..READS {
            let bytes = match self.link.receive(buffer) {
                Received::Bytes(bytes) => bytes,
                Received::Foreign => continue,
                Received::Nothing => return Ok(Progress::Waiting),
                Received::End => return Err(self.dialogue.closed()),
                Received::Failed(trouble) => return Err(self.dialogue.failed(trouble)),
            };
            let length = bytes.len();
            if self.link.is_stream() {
                self.extend(now);
            }
            let mut send = Vec::new();
            let outcome = self.dialogue.received(bytes, &mut send);
            self.say(&send, outcome)?;
            // A stream that gave less than there was room for has no more, and will tell of what comes.
            if self.link.is_stream() && length < BUFFER && !ready.ended && !ready.troubled {
                return Ok(Progress::Waiting);
            }
        }
        Ok(Progress::More)
    }

    fn open(&mut self) -> Option<Outcome> {
        let mut send = Vec::new();
        let outcome = self.dialogue.opened(&mut send);
        self.say(&send, outcome).err()
    }

    /// A last word is sent if there is room for it.
    fn say(&mut self, bytes: &[u8], outcome: Option<Outcome>) -> Result<(), Outcome> {
        self.unsent.extend_from_slice(bytes);
        let Some(outcome) = outcome else { return self.flush().map_or(Ok(()), Err) };
        if !self.unsent.is_empty() {
            let _ = self.link.send(&mut self.unsent);
        }
        Err(outcome)
    }

    fn flush(&mut self) -> Option<Outcome> {
        if self.unsent.is_empty() {
            return None;
        }
        match self.link.send(&mut self.unsent) {
            Ok(sent) => {
                self.unsent.drain(..sent);
                None
            }
            Err(trouble) => Some(self.dialogue.failed(trouble)),
        }
    }

    fn extend(&mut self, now: Instant) {
        self.deadline = self.end.min(now + self.patience);
    }
}

impl AsFd for Attempt {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("run", &self.run).field("link", &self.link).field("opened", &self.opened).finish_non_exhaustive()
    }
}
