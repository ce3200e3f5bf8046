//! What a role is asked about itself, and how it answers: in a memory file, from another thread than the one that adverts are
//! sent by.

use super::code::encode_told;
use super::{RoleEnd, Sent, send};
use crate::model::global::observe::Names;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// How often a supervisor that takes nothing is tried again, and how long in between.
const TRIES: u32 = 20;
const PAUSE: u8 = 100;
/// No answer is longer.
const LONGEST_ANSWER: u64 = 1 << 30;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    Status,
    Metrics(Names),
    /// Why the object of this name is as it is.
    Explain(Box<str>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub id: u64,
    pub topic: Topic,
}

/// An answer, which nobody can change any more.
#[derive(Clone, Debug)]
pub struct Memory {
    file: Arc<File>,
    length: u64,
}

impl Memory {
    pub(in crate::runtime) fn received(descriptor: OwnedFd) -> Option<Self> {
        let file = File::from(descriptor);
        let length = file.metadata().ok()?.len();
        (length <= LONGEST_ANSWER).then(|| Self { file: Arc::new(file), length })
    }

    pub fn len(&self) -> u64 {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// A piece of it, from there on.
    pub fn read(&self, buffer: &mut [u8], from: u64) -> io::Result<usize> {
        self.file.read_at(buffer, from)
    }
}

/// Of what crosses the socket, only the very same is equal.
impl PartialEq for Memory {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.file, &other.file)
    }
}

impl Eq for Memory {}

/// The way of one answer, for another thread.
#[derive(Debug)]
pub struct Answerer {
    socket: OwnedFd,
    id: u64,
}

impl RoleEnd {
    pub fn answerer(&self, id: u64) -> io::Result<Answerer> {
        Ok(Answerer { socket: self.socket.try_clone()?, id })
    }
}

impl Answerer {
    /// Waits for room on the way, though not for ever. Whoever asked does not wait for ever either.
    pub fn answer(self, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::from(memfd_create("answer", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?);
        file.write_all(bytes)?;
        let seals = SealFlag::F_SEAL_SEAL | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE;
        fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
        for _ in 0..TRIES {
            match send(self.socket.as_fd(), &encode_told(self.id), Some(file.as_fd()))? {
                Sent::Gone => return Ok(()),
                Sent::Later => drop(poll(&mut [PollFd::new(self.socket.as_fd(), PollFlags::POLLOUT)], PollTimeout::from(PAUSE))),
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }
}
