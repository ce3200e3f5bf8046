//! What of this outlives the program: who comes to a door waits there meanwhile, and who has asked for the upgrade is told by the
//! new program how it has gone.

use super::client::{Client, Pending};
use super::door::{Door, Place, Stream};
use super::{Control, FIRST_CLIENT};
use crate::runtime::control::protocol::{Fault, good};
use crate::runtime::supervisor::succession::Refusal;
use crate::runtime::supervisor::succession::heir::Heritage;
use nix::sys::epoll::{EpollEvent, EpollFlags};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

impl Control {
    /// For a successor: the doors, each with its key and its path, and those who wait for him.
    pub(in super::super) fn left(&self) -> (Vec<(String, PathBuf, BorrowedFd<'_>)>, Vec<BorrowedFd<'_>>) {
        let doors = self.doors.iter().map(|(_, door)| (door.place.key(), door.place.path().to_owned(), door.as_fd()));
        let waiting = self.clients.iter().filter(|client| client.pending == Some(Pending::Upgrade));
        (doors.collect(), waiting.map(|client| client.stream().as_fd()).collect())
    }

    /// For how long there has been a daemon.
    pub(in super::super) fn running(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.began)
    }

    /// Tells those who wait for it.
    pub(in super::super) fn upgrade_ended(&mut self, refused: Option<&Refusal>) {
        let text = match refused {
            None => {
                format!("{},\"upgrade\":{{\"result\":\"complete\",\"release\":\"{}\"}}}}\n", good("upgrade"), env!("CARGO_PKG_VERSION"))
            }
            Some(refusal) => Fault::new(refusal.code(), refusal.reason()).encode(),
        };
        let now = Instant::now();
        for client in self.clients.iter_mut().filter(|client| client.pending == Some(Pending::Upgrade)) {
            client.answer(now, [text.clone().into()]);
        }
    }

    /// Takes over what is wanted still; the rest is closed.
    pub(super) fn inherit(&mut self, heritage: &mut Heritage, wanted: &[Place]) -> io::Result<()> {
        let now = Instant::now();
        self.began = now.checked_sub(heritage.running()).unwrap_or(now);
        for door in heritage.doors() {
            if let Some(place) = wanted.iter().find(|place| place.key() == door.key) {
                self.given += 1;
                let (number, door) = (self.given, Door::again(place.clone(), door.listener));
                self.epoll.add(door.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, number))?;
                self.doors.push((number, door));
            } else if !door.path.as_os_str().is_empty() {
                // Somebody else may have removed it.
                drop(std::fs::remove_file(&door.path));
            }
        }
        for stream in heritage.waiting() {
            self.given += 1;
            self.clients.push(Client::again(FIRST_CLIENT + self.given, Stream::again(stream), now));
        }
        Ok(())
    }
}
