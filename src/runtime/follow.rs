//! Who follows BFD sessions hears of them from the BFD process, by a line of its own: the supervisor is not in between. The
//! supervisor has both ends of each line, so that either process can be replaced.
//!
//! A follower that begins says so, and is told the state of every session. A line that is full loses nothing: of each session
//! only the newest state matters.

use super::handover::pair;
use super::poll::Poll;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

/// The only version there is of what is said.
const VERSION: u8 = 1;
const DOWN: u8 = 0;
const UP: u8 = 1;
/// A name is no longer.
const LONGEST: usize = 4096;

/// One line, as the supervisor keeps it.
#[derive(Debug)]
pub struct Line {
    told: OwnedFd,
    tells: OwnedFd,
}

impl Line {
    pub fn new() -> io::Result<Self> {
        let (tells, told) = pair()?;
        Ok(Self { told, tells })
    }

    /// For the BFD process.
    pub fn tells(&self) -> io::Result<OwnedFd> {
        self.tells.try_clone()
    }

    /// For the one that follows.
    pub fn told(&self) -> io::Result<OwnedFd> {
        self.told.try_clone()
    }
}

/// The BFD process's end.
#[derive(Debug)]
pub struct Leader {
    line: OwnedFd,
    /// What holds, and whether the follower has been told.
    states: BTreeMap<Box<str>, (bool, Told)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Yes,
    NotYet,
}

impl Leader {
    pub fn new(line: OwnedFd) -> Self {
        Self { line, states: BTreeMap::new() }
    }

    pub fn tell(&mut self, name: &str, up: bool) {
        self.states.insert(name.into(), (up, Told::NotYet));
        self.flush();
    }

    /// Nobody follows this one any more.
    pub fn forget(&mut self, name: &str) {
        self.states.remove(name);
    }

    /// Readable: somebody may have begun to follow.
    pub fn listen(&mut self) {
        let mut buffer = [0; 16];
        let mut begun = false;
        while let Ok(1..) = recv(self.line.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
            begun = true;
        }
        if begun {
            for (_, told) in self.states.values_mut() {
                *told = Told::NotYet;
            }
            self.flush();
        }
    }

    pub fn has_unsent(&self) -> bool {
        self.states.values().any(|&(_, told)| told == Told::NotYet)
    }

    pub fn flush(&mut self) {
        for (name, (up, told)) in self.states.iter_mut().filter(|(_, (_, told))| *told == Told::NotYet) {
            let bytes = [&[VERSION, if *up { UP } else { DOWN }], name.as_bytes()].concat();
            match send(self.line.as_raw_fd(), &bytes, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL) {
                Err(Errno::EAGAIN | Errno::ENOBUFS) => return,
                Ok(_) | Err(_) => *told = Told::Yes,
            }
        }
    }
}

impl AsFd for Leader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.line.as_fd()
    }
}

/// The end of one that follows. It lives in a runtime.
#[derive(Debug)]
pub struct Follower {
    line: OwnedFd,
    poll: Poll,
    heard: VecDeque<(Box<str>, bool)>,
}

impl Follower {
    pub fn new(line: OwnedFd) -> io::Result<Self> {
        let poll = Poll::new()?;
        poll.add(&line, 0)?;
        let mut follower = Self { line, poll, heard: VecDeque::new() };
        // What a predecessor has not heard is told again.
        follower.receive();
        follower.heard.clear();
        follower.ask();
        Ok(follower)
    }

    /// Have all states told again, as after a reload.
    pub fn ask(&self) {
        // A line that is full of questions will be answered.
        let _ = send(self.line.as_raw_fd(), &[VERSION], MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL);
    }

    /// The next state. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> (Box<str>, bool) {
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return heard;
            }
            if self.poll.wait().await.is_err() {
                // The runtime is going down.
                return std::future::pending().await;
            }
            if !self.receive() {
                // Nobody is at the other end, ever.
                return std::future::pending().await;
            }
        }
    }

    /// Takes in what is there. Returns whether there can be more.
    fn receive(&mut self) -> bool {
        let mut buffer = [0; LONGEST];
        loop {
            match recv(self.line.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => return false,
                Ok(length) => {
                    if let [VERSION, state @ (DOWN | UP), name @ ..] = &buffer[..length]
                        && let Ok(name) = std::str::from_utf8(name)
                    {
                        self.heard.push_back((name.into(), *state == UP));
                    }
                }
                Err(Errno::EAGAIN | Errno::EINTR) => return true,
                Err(_) => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_begins_to_follow_hears_what_holds_and_then_what_changes() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let line = Line::new().expect("a line");
            let mut leader = Leader::new(line.tells().expect("an end"));
            leader.tell("b", true);
            leader.tell("a", false);
            leader.tell("gone", true);
            leader.forget("gone");
            for _ in 0..2 {
                let mut follower = Follower::new(line.told().expect("an end")).expect("a follower");
                leader.listen();
                assert_eq!(follower.next().await, ("a".into(), false));
                assert_eq!(follower.next().await, ("b".into(), true));
                leader.tell("b", false);
                leader.tell("b", true);
                assert_eq!(follower.next().await, ("b".into(), false));
                assert_eq!(follower.next().await, ("b".into(), true));
            }
        });
    }

    #[test]
    fn a_line_that_nobody_reads_keeps_the_newest_state_of_each() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let line = Line::new().expect("a line");
            let mut follower = Follower::new(line.told().expect("an end")).expect("a follower");
            let mut leader = Leader::new(line.tells().expect("an end"));
            let mut up = false;
            while !leader.has_unsent() {
                up = !up;
                leader.tell("x", up);
            }
            leader.tell("x", true);
            leader.tell("y", false);
            let mut last = BTreeMap::new();
            while !last.contains_key("y") {
                let (name, up) = follower.next().await;
                last.insert(name, up);
                leader.flush();
            }
            assert!(last["x"] && !last["y"]);
        });
    }
}
