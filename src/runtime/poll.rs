//! Many descriptors that are looked at together. The runtime waits for one: it tells that there is something to do, and the
//! one who does it decides in which order.

use crate::sys::watch::{Set, watch};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::io;
use std::os::fd::AsFd;
use tokio::io::unix::AsyncFd;

/// As many as one look tells of; the others are told by the next one.
const LOOK: usize = 256;

/// A set of descriptors, each with a key.
#[derive(Debug)]
pub(super) struct Poll {
    set: AsyncFd<Set>,
}

impl Poll {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { set: watch(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?)? })
    }

    /// Told of as long as there is something to read, or an error to take.
    pub(super) fn add(&self, descriptor: &impl AsFd, key: u64) -> io::Result<()> {
        Ok(self.epoll().add(descriptor, EpollEvent::new(EpollFlags::EPOLLIN, key))?)
    }

    /// Told of as well, or no more, when there is room to write.
    pub(super) fn want_room(&self, descriptor: &impl AsFd, key: u64, room: bool) -> io::Result<()> {
        let flags = if room { EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT } else { EpollFlags::EPOLLIN };
        Ok(self.epoll().modify(descriptor, &mut EpollEvent::new(flags, key))?)
    }

    pub(super) fn remove(&self, descriptor: &impl AsFd) -> io::Result<()> {
        Ok(self.epoll().delete(descriptor)?)
    }

    /// The keys of those with something to do, now.
    pub(super) fn ready(&self) -> Vec<u64> {
        let mut events = [EpollEvent::empty(); LOOK];
        // It is interrupted by nothing but a debugger, and looks again soon.
        let found = self.epoll().wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
        events.iter().take(found).map(EpollEvent::data).collect()
    }

    /// Returns when there is something to do. Nothing is lost when the future is dropped.
    pub(super) async fn wait(&self) -> io::Result<()> {
        loop {
            let mut guard = self.set.readable().await?;
            let mut event = [EpollEvent::empty()];
            if self.epoll().wait(&mut event, EpollTimeout::ZERO).unwrap_or(1) > 0 {
                return Ok(());
            }
            // What becomes ready from here on is told of anew.
            guard.clear_ready();
        }
    }

    fn epoll(&self) -> &Epoll {
        self.set.get_ref().epoll()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    #[test]
    fn whoever_has_something_is_told_of_until_it_is_taken() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let poll = Poll::new().expect("a set");
            let (mut near, mut far) = UnixStream::pair().expect("a pair");
            let (other, _end) = UnixStream::pair().expect("a pair");
            poll.add(&near, 7).expect("added");
            poll.add(&other, 8).expect("added");
            for _ in 0..3 {
                assert!(poll.ready().is_empty());
                far.write_all(b"ab").expect("written");
                poll.wait().await.expect("it can wait");
                assert_eq!(poll.ready(), [7]);
                near.read_exact(&mut [0]).expect("read");
                poll.wait().await.expect("it can wait");
                assert_eq!(poll.ready(), [7]);
                near.read_exact(&mut [0]).expect("read");
            }
            poll.want_room(&other, 8, true).expect("changed");
            poll.wait().await.expect("it can wait");
            assert_eq!(poll.ready(), [8]);
            poll.want_room(&other, 8, false).expect("changed");
            poll.remove(&near).expect("removed");
            far.write_all(b"c").expect("written");
            assert!(poll.ready().is_empty());
        });
    }
}
