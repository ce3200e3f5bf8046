//! One who asks: what has come from there, and what is on its way there. Nothing here ever blocks, and everything has an end.

use super::door::Stream;
use super::http;
use crate::runtime::control::protocol;
use crate::runtime::handover::{Memory, Topic};
use nix::sys::epoll::EpollFlags;
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

/// So long a connection may be open on which nothing is asked.
const IDLE: Duration = Duration::from_secs(60);
/// So long a request may take to come, and a piece of an answer to be taken.
const SLOW: Duration = Duration::from_secs(5);
/// What goes out in one turn, so that nobody holds up the others.
const PIECE: usize = 64 * 1024;
const PIECES: usize = 4;

#[derive(Debug)]
pub(super) enum Piece {
    Bytes(Vec<u8>),
    Memory(Memory),
}

impl Piece {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Memory(memory) => memory.len(),
        }
    }
}

impl From<String> for Piece {
    fn from(text: String) -> Self {
        Self::Bytes(text.into_bytes())
    }
}

/// What an answer waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    /// What the processes say.
    Parts { topic: Topic, asked: Vec<Option<u64>>, head_only: bool },
    /// The end of the reload of this number, until then.
    Reload { number: u64, until: Instant },
    /// What the reading of this number comes to.
    Plan { number: u64, until: Instant },
    /// The end of an upgrade, which this program may not live to see.
    Upgrade,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    /// The protocol of docs/CONTROL.md; whether it may change something.
    Control {
        trusted: bool,
    },
    Http,
}

#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: u64,
    pub(super) speaks: Speaks,
    stream: Stream,
    input: Vec<u8>,
    output: VecDeque<Piece>,
    /// Of the first piece, so much has gone out.
    gone: u64,
    pub(super) pending: Option<Pending>,
    /// When something came or went last.
    pub(super) moved: Instant,
    /// Nothing more is read: it has said its last word, or it is to get ours.
    last: bool,
    broken: bool,
    /// What is waited for, as far as the kernel has been told.
    pub(super) watched: Option<EpollFlags>,
}

/// What has come from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Line(Vec<u8>),
    Http(http::Asked),
    /// More than anybody has to say.
    TooMuch,
}

impl Client {
    pub(super) fn new(id: u64, speaks: Speaks, stream: Stream, now: Instant) -> Self {
        let (input, output) = (Vec::new(), VecDeque::new());
        Self { id, speaks, stream, input, output, gone: 0, pending: None, moved: now, last: false, broken: false, watched: None }
    }

    /// Somebody who has asked another program in this process for what it has become.
    pub(super) fn again(id: u64, stream: Stream, now: Instant) -> Self {
        Self { pending: Some(Pending::Upgrade), ..Self::new(id, Speaks::Control { trusted: true }, stream, now) }
    }

    pub(super) const fn stream(&self) -> &Stream {
        &self.stream
    }

    /// It has asked for nothing so far, or has been given everything.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_none() && self.output.is_empty()
    }

    /// It is to go: it broke off, was told everything it asked for, or takes too long.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.broken || self.is_idle() && self.last || self.due().is_some_and(|due| due <= now)
    }

    /// When it has taken too long. What others make it wait for is not its fault.
    pub(super) fn due(&self) -> Option<Instant> {
        let patience = match (&self.pending, self.output.is_empty(), self.speaks) {
            (Some(_), true, _) => return None,
            (_, false, _) | (None, true, Speaks::Http) => SLOW,
            (None, true, Speaks::Control { .. }) if !self.input.is_empty() => SLOW,
            (None, true, Speaks::Control { .. }) => IDLE,
        };
        Some(self.moved + patience)
    }

    /// What the kernel is to tell of.
    pub(super) fn interest(&self) -> EpollFlags {
        match (self.output.is_empty(), self.pending.is_some() || self.last) {
            (false, _) => EpollFlags::EPOLLOUT,
            // An end is told of in any case.
            (true, true) => EpollFlags::empty(),
            (true, false) => EpollFlags::EPOLLIN,
        }
    }

    /// Takes in what is there. One request at a time: the next one stays where it is until this one is answered.
    pub(super) fn read(&mut self, now: Instant) {
        if !self.is_idle() || self.last {
            return;
        }
        let most = match self.speaks {
            Speaks::Control { .. } => protocol::LONGEST,
            Speaks::Http => http::LONGEST,
        };
        let mut buffer = [0; http::LONGEST];
        let room = most.saturating_sub(self.input.len()).min(buffer.len());
        if room == 0 {
            return;
        }
        match self.stream.read(&mut buffer[..room]) {
            Ok(0) => self.last = true,
            Ok(length) => {
                // A request has so long from its first byte on.
                if self.input.is_empty() {
                    self.moved = now;
                }
                self.input.extend(&buffer[..length]);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.broken = true,
        }
    }

    /// The next request, if it is there as a whole and the one before is answered.
    pub(super) fn take(&mut self) -> Option<Said> {
        if !self.is_idle() || self.broken {
            return None;
        }
        match self.speaks {
            Speaks::Http => match http::asked(&self.input) {
                http::Asked::NotYet => None,
                asked => {
                    self.input.clear();
                    self.last = true;
                    Some(Said::Http(asked))
                }
            },
            Speaks::Control { .. } => {
                if let Some(end) = self.input.iter().position(|&byte| byte == b'\n') {
                    let rest = self.input.split_off(end + 1);
                    let mut line = std::mem::replace(&mut self.input, rest);
                    line.truncate(end);
                    return Some(Said::Line(line));
                }
                if self.input.len() < protocol::LONGEST {
                    return None;
                }
                self.input.clear();
                self.last = true;
                Some(Said::TooMuch)
            }
        }
    }

    pub(super) fn answer(&mut self, now: Instant, pieces: impl IntoIterator<Item = Piece>) {
        self.pending = None;
        self.output.extend(pieces.into_iter().filter(|piece| piece.length() > 0));
        self.moved = now;
        self.write(now);
    }

    pub(super) fn break_off(&mut self) {
        self.broken = true;
    }

    /// Sends what there is room for, a bounded part of it at a time.
    pub(super) fn write(&mut self, now: Instant) {
        for _ in 0..PIECES {
            let Some(piece) = self.output.front() else { return };
            let mut buffer = Vec::new();
            let bytes = match piece {
                Piece::Bytes(bytes) => bytes.get(usize::try_from(self.gone).unwrap_or(usize::MAX)..).unwrap_or_default(),
                Piece::Memory(memory) => {
                    buffer.resize(PIECE, 0);
                    match memory.read(&mut buffer, self.gone) {
                        Ok(length @ 1..) => &buffer[..length],
                        // It is sealed: it has as many bytes as it said.
                        Ok(0) | Err(_) => {
                            self.broken = true;
                            return;
                        }
                    }
                }
            };
            match self.stream.write(bytes) {
                Ok(length) => {
                    self.moved = now;
                    self.gone += u64::try_from(length).unwrap_or(u64::MAX);
                    if self.gone >= piece.length() {
                        self.output.pop_front();
                        self.gone = 0;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.broken = true;
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an origin for the others")]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    fn client(speaks: Speaks) -> (Client, UnixStream, Instant) {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        ours.set_nonblocking(true).expect("it can be");
        let now = Instant::now();
        (Client::new(1, speaks, Stream::Unix(ours), now), theirs, now)
    }

    const CONTROL: Speaks = Speaks::Control { trusted: false };

    #[test]
    fn requests_come_in_pieces_and_one_after_the_other() {
        let (mut client, mut theirs, now) = client(CONTROL);
        theirs.write_all(b"on").expect("written");
        client.read(now);
        assert_eq!(client.take(), None);
        theirs.write_all(b"e\ntwo\nthr").expect("written");
        client.read(now);
        assert_eq!(client.take(), Some(Said::Line(b"one".to_vec())));
        client.pending = Some(Pending::Reload { number: 1, until: now });
        assert_eq!(client.take(), None, "the first one is not answered");
        client.answer(now, [Piece::from("1\n".to_owned())]);
        assert_eq!(client.take(), Some(Said::Line(b"two".to_vec())));
        assert_eq!(client.take(), None);
        drop(theirs);
        client.read(now);
        assert!(client.is_over(now));
    }

    #[test]
    fn patience_ends_for_whoever_says_nothing_too_little_or_too_much() {
        for (speaks, said, patience) in
            [(CONTROL, "", IDLE), (CONTROL, "{", SLOW), (Speaks::Http, "", SLOW), (Speaks::Http, "GET /metrics HTTP/1.1\r\n", SLOW)]
        {
            let (mut client, mut theirs, now) = client(speaks);
            theirs.write_all(said.as_bytes()).expect("written");
            client.read(now);
            assert_eq!(client.take(), None);
            // More of the same is not progress.
            theirs.write_all(b"x").expect("written");
            client.read(now + SLOW / 2);
            let patience = if said.is_empty() && patience == IDLE { SLOW / 2 + SLOW } else { patience };
            let patience = if said.is_empty() && speaks == Speaks::Http { SLOW / 2 + SLOW } else { patience };
            assert_eq!(client.due(), Some(now + patience), "{speaks:?} {said}");
            assert!(!client.is_over(now) && client.is_over(now + patience));
        }
        let (mut client, mut theirs, now) = client(CONTROL);
        assert_eq!(client.due(), Some(now + IDLE));
        theirs.write_all(&[b'x'; protocol::LONGEST]).expect("written");
        client.read(now);
        assert_eq!(client.take(), Some(Said::TooMuch));
        assert!(client.is_over(now));
    }

    #[test]
    fn a_slow_reader_gets_everything_and_one_that_stops_is_dropped() {
        let (mut client, mut theirs, now) = client(CONTROL);
        let text = "x".repeat(2_000_000);
        client.answer(now, [Piece::from(text), Piece::from(String::new()), Piece::from("end\n".to_owned())]);
        assert_eq!(client.interest(), EpollFlags::EPOLLOUT);
        let mut buffer = vec![0; 100_000];
        let mut read = 0;
        let mut at = now;
        while !client.is_idle() {
            at += SLOW / 2;
            read += theirs.read(&mut buffer).expect("something");
            client.write(at);
            assert!(!client.is_over(at), "{read}");
        }
        while read < 2_000_004 {
            read += theirs.read(&mut buffer).expect("the rest");
        }
        assert_eq!((read, client.interest()), (2_000_004, EpollFlags::EPOLLIN));
        client.answer(at, [Piece::from("y".repeat(2_000_000))]);
        assert!(!client.is_idle() && !client.is_over(at) && client.is_over(at + SLOW));
    }
}
