//! An epoll set that the asynchronous runtime waits for.

#![expect(unsafe_code, reason = "tokio wants a promise that a descriptor stays what it is")]

use nix::sys::epoll::Epoll;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// It is lent, never given away.
#[derive(Debug)]
pub struct Set(Epoll);

impl Set {
    pub fn epoll(&self) -> &Epoll {
        &self.0
    }
}

impl AsRawFd for Set {
    fn as_raw_fd(&self) -> RawFd {
        self.0.0.as_raw_fd()
    }
}

/// Readable when one of its members has something to do. To be called in a runtime.
pub fn watch(epoll: Epoll) -> io::Result<AsyncFd<Set>> {
    // SAFETY: the set owns an open descriptor, always names that one, and keeps it until it is dropped: nobody can take the
    // Epoll out of it.
    Ok(unsafe { AsyncFd::register_with_interest(Set(epoll), Interest::READABLE) }?)
}
