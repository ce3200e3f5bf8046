//! One attempt: a dialogue led over a socket.

use super::socket::{Link, Received};
use crate::effect::probe::{Outcome, RunId};
use crate::effect::time::Instant;
use crate::probe::{Dialogue, Trouble};
use crate::sys::tls::{Client, Read};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// What is read at a time; decrypting takes as much again.
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

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// A connection, and each answer.
    pub(super) patience: Duration,
    /// All of it, whatever comes.
    pub(super) longest: Duration,
}

pub(super) struct Attempt {
    pub(super) run: RunId,
    link: Link,
    talk: Talk,
    connected: bool,
    patience: Duration,
    end: Instant,
    deadline: Instant,
}

/// A dialogue, what is between it and the socket, and what the socket has not taken.
pub(super) struct Talk {
    pub(super) dialogue: Box<dyn Dialogue>,
    pub(super) tls: Option<Box<Client>>,
    opened: bool,
    unsent: Vec<u8>,
}

impl Talk {
    pub(super) fn new(dialogue: Box<dyn Dialogue>, tls: Option<Client>) -> Self {
        Self { dialogue, tls: tls.map(Box::new), opened: false, unsent: Vec::new() }
    }

    /// The connection stands.
    fn connected(&mut self) -> Result<(), Outcome> {
        if self.tls.is_some() { self.decrypt(&mut []) } else { self.open() }
    }

    fn open(&mut self) -> Result<(), Outcome> {
        self.opened = true;
        let mut send = Vec::new();
        let outcome = self.dialogue.opened(&mut send);
        self.say(send, outcome)
    }

    fn received(&mut self, bytes: &[u8], plain: &mut [u8]) -> Result<(), Outcome> {
        let Some(tls) = &mut self.tls else { return self.heard(bytes) };
        match tls.feed(bytes) {
            Ok(()) => self.decrypt(plain),
            Err(error) => Err(self.broken(&error)),
        }
    }

    /// The stream has ended.
    fn ended(&mut self, plain: &mut [u8]) -> Outcome {
        if let Some(tls) = &mut self.tls {
            tls.end();
            if let Err(outcome) = self.decrypt(plain) {
                return outcome;
            }
        }
        self.dialogue.closed()
    }

    fn decrypt(&mut self, plain: &mut [u8]) -> Result<(), Outcome> {
        if !self.opened {
            match self.tls.as_mut().map_or(Ok(true), |tls| tls.handshake()) {
                Ok(true) => self.open()?,
                Ok(false) => {
                    self.encrypted();
                    return Ok(());
                }
                Err(error) => return Err(self.broken(&error)),
            }
        }
        while let Some(tls) = &mut self.tls {
            match tls.read(plain) {
                Ok(Read::Bytes(0) | Read::Wait) => break,
                Ok(Read::Bytes(length)) => {
                    let bytes = plain.get(..length).unwrap_or_default();
                    self.heard(bytes)?;
                }
                Ok(Read::End) => return Err(self.dialogue.closed()),
                Err(error) => return Err(self.broken(&error)),
            }
        }
        self.encrypted();
        Ok(())
    }

    fn heard(&mut self, bytes: &[u8]) -> Result<(), Outcome> {
        let mut send = Vec::new();
        let outcome = self.dialogue.received(bytes, &mut send);
        self.say(send, outcome)
    }

    fn say(&mut self, bytes: Vec<u8>, outcome: Option<Outcome>) -> Result<(), Outcome> {
        match &mut self.tls {
            None if self.unsent.is_empty() => self.unsent = bytes,
            None => self.unsent.extend(bytes),
            Some(tls) => {
                if let Err(error) = tls.write(&bytes)
                    && outcome.is_none()
                {
                    return Err(self.broken(&error));
                }
                self.encrypted();
            }
        }
        outcome.map_or(Ok(()), Err)
    }

    fn encrypted(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.take(&mut self.unsent);
        }
    }

    fn broken(&mut self, error: &io::Error) -> Outcome {
        tracing::debug!("a TLS connection is broken: {error}");
        let why = if self.opened { "what it sends is no TLS" } else { "the TLS handshake failed" };
        self.dialogue.failed(Trouble::Target(why))
    }
}

impl Attempt {
    /// Some attempts are over as soon as they have begun.
    pub(super) fn begin(run: RunId, link: Result<Link, Trouble>, mut talk: Talk, limits: Limits, now: Instant) -> Result<Self, Outcome> {
        let link = match link {
            Ok(link) => link,
            Err(trouble) => return Err(talk.dialogue.failed(trouble)),
        };
        let Limits { patience, longest } = limits;
        let connected = !link.is_stream();
        let deadline = now + patience.min(longest);
        let mut attempt = Self { run, link, talk, connected, patience, end: now + longest, deadline };
        if connected {
            attempt.talk.connected()?;
            attempt.flush()?;
        }
        Ok(attempt)
    }

    /// When it is to be told that it has [`expired`](Self::expired); it may be later by then.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(super) fn expired(&mut self) -> Outcome {
        self.talk.dialogue.expired()
    }

    pub(super) fn failed(&mut self, trouble: Trouble) -> Outcome {
        self.talk.dialogue.failed(trouble)
    }

    /// Reads into `buffer`, which is of twice [`BUFFER`] bytes.
    pub(super) fn advance(&mut self, ready: Readiness, now: Instant, buffer: &mut [u8]) -> Progress {
        match self.step(ready, now, buffer) {
            Ok(progress) => progress,
            Err(outcome) => {
                self.take_leave();
                Progress::Ended(outcome)
            }
        }
    }

    fn step(&mut self, ready: Readiness, now: Instant, buffer: &mut [u8]) -> Result<Progress, Outcome> {
        // What came before the trouble counts, so a stream that stands is read up to it.
        if ready.troubled
            && !(self.connected && ready.readable)
            && let Some(trouble) = self.link.trouble()
        {
            return Err(self.talk.dialogue.failed(trouble));
        }
        if !self.connected {
            if !ready.writable {
                return Ok(Progress::Waiting);
            }
            self.connected = true;
            self.extend(now);
            self.talk.connected()?;
        }
        self.flush()?;
        if ready.readable || ready.ended { self.read(ready, now, buffer) } else { Ok(Progress::Waiting) }
    }

    fn read(&mut self, ready: Readiness, now: Instant, buffer: &mut [u8]) -> Result<Progress, Outcome> {
        let (buffer, plain) = buffer.split_at_mut(BUFFER);
        for _ in 0..READS {
            let bytes = match self.link.receive(buffer) {
                Received::Bytes(bytes) => bytes,
                Received::Foreign => continue,
                Received::Nothing => return Ok(Progress::Waiting),
                Received::End => return Err(self.talk.ended(plain)),
                Received::Failed(trouble) => return Err(self.talk.dialogue.failed(trouble)),
            };
            let length = bytes.len();
            if self.link.is_stream() {
                self.extend(now);
            }
            self.talk.received(bytes, plain)?;
            self.flush()?;
            // A stream that gave less than there was room for has no more, and will tell of what comes.
            if self.link.is_stream() && length < BUFFER && !ready.ended && !ready.troubled {
                return Ok(Progress::Waiting);
            }
        }
        Ok(Progress::More)
    }

    fn flush(&mut self) -> Result<(), Outcome> {
        if self.talk.unsent.is_empty() {
            return Ok(());
        }
        match self.link.send(&mut self.talk.unsent) {
            Ok(sent) => {
                self.talk.unsent.drain(..sent);
                Ok(())
            }
            Err(trouble) => Err(self.talk.dialogue.failed(trouble)),
        }
    }

    /// Last words, if there is room for them.
    fn take_leave(&mut self) {
        if let Some(tls) = &mut self.talk.tls {
            tls.shut_down();
            self.talk.encrypted();
        }
        if !self.talk.unsent.is_empty() {
            let _ = self.link.send(&mut self.talk.unsent);
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
        f.debug_struct("Attempt").field("run", &self.run).field("link", &self.link).finish_non_exhaustive()
    }
}
