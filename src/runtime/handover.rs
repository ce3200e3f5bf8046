//! What a role and the supervisor say to each other, and the store that outlives a role.
//!
//! A role leaves an [`Entry`] for each of its objects with the supervisor whenever it changes. The supervisor keeps the last one of
//! each, and gives them to the successor of a role that died, which then carries on where that one was. A role never waits for
//! the supervisor: what the socket does not take at once is kept, the newest entry for each object only.

mod answer;
mod code;

pub use answer::{Answerer, Ask, Memory, Topic};

use crate::effect::record::{BfdRecord, Former, Health, Record};
use crate::sys::descriptor;
use code::{decode_order, decode_report, encode_order, encode_report, encode_tell};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::time::Duration;

/// What a successor needs to know of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    Instance(Record),
    Server(Health),
    Session(BfdRecord),
    Setting(Former),
}

impl Entry {
    pub fn key(&self) -> &str {
        match self {
            Self::Instance(record) => &record.key,
            Self::Server(health) => &health.key,
            Self::Session(session) => &session.key,
            Self::Setting(former) => &former.key,
        }
    }

    pub fn into_instance(self) -> Option<Record> {
        match self {
            Self::Instance(record) => Some(record),
            Self::Server(_) | Self::Session(_) | Self::Setting(_) => None,
        }
    }

    pub fn into_server(self) -> Option<Health> {
        match self {
            Self::Server(health) => Some(health),
            Self::Instance(_) | Self::Session(_) | Self::Setting(_) => None,
        }
    }

    pub fn into_session(self) -> Option<BfdRecord> {
        match self {
            Self::Session(session) => Some(session),
            Self::Instance(_) | Self::Server(_) | Self::Setting(_) => None,
        }
    }

    pub fn as_setting(&self) -> Option<&Former> {
        match self {
            Self::Setting(former) => Some(former),
            Self::Instance(_) | Self::Server(_) | Self::Session(_) => None,
        }
    }
}

/// From a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    Record(Entry),
    /// Of the object with this key there is nothing to know any more.
    Forget(Box<str>),
    /// The configuration is in effect: after the start, and after each [`Order::Reload`].
    Ready,
    /// The new configuration could not be taken over, and the old one goes on.
    Refused(Box<str>),
    /// Everything has been given up in good order: there is nothing that a successor could carry on.
    Stopped,
    /// Somebody asks the role to have the configuration read again.
    ReloadAsked,
    /// The answer to an [`Ask`].
    Told(u64, Memory),
}

/// To a role.
#[derive(Debug)]
pub enum Order {
    /// Go over to the configuration in this memory file, which is a [`Kept`](super::reading::Kept).
    Reload(OwnedFd),
    /// The same with the one that is in force: nothing of it has changed for this role.
    Again,
    Tell(Ask),
}

/// What is told by a number alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OrderKind {
    Reload,
    Again,
}

/// A key longer than this is nobody's, nor is a message.
const LONGEST: usize = 8192;

/// Makes the two ends of a conversation, neither of which ever blocks.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    Ok(socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?)
}

/// Where one message went.
enum Sent {
    Gone,
    /// No room at present.
    Later,
}

fn send(socket: BorrowedFd<'_>, bytes: &[u8], descriptor: Option<BorrowedFd<'_>>) -> io::Result<Sent> {
    let rights: Vec<i32> = descriptor.iter().map(std::os::fd::AsRawFd::as_raw_fd).collect();
    let control = [ControlMessage::ScmRights(&rights)];
    let control = if rights.is_empty() { &[][..] } else { &control[..] };
    loop {
        return match sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(bytes)], control, MsgFlags::MSG_NOSIGNAL, None) {
            Ok(_) => Ok(Sent::Gone),
            Err(Errno::EINTR) => continue,
            // The kernel also counts what is under way in total.
            Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::ETOOMANYREFS) => Ok(Sent::Later),
            Err(error) => Err(error.into()),
        };
    }
}

/// What came in by one look.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<T> {
    Message(T),
    /// Nothing for now.
    Nothing,
    /// The other end is gone.
    End,
}

fn receive<T>(socket: BorrowedFd<'_>, decode: impl Fn(&[u8], Option<OwnedFd>) -> Option<T>) -> io::Result<Heard<T>> {
    let mut buffer = [0; LONGEST];
    loop {
        return match descriptor::receive(socket, &mut buffer) {
            Ok(packet) if packet.length == 0 => Ok(Heard::End),
            Ok(packet) => match decode(&buffer[..packet.length], packet.descriptor).filter(|_| !packet.cut) {
                Some(message) => Ok(Heard::Message(message)),
                // Not of our making; the next one may be.
                None => continue,
            },
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Heard::Nothing),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(Heard::End),
            Err(error) => Err(error),
        };
    }
}

/// The role's end. Put it into the event loop: readable, call [`RoleEnd::receive`] until there is nothing; writable while
/// [`RoleEnd::has_unsent`], call [`RoleEnd::flush`].
#[derive(Debug)]
pub struct RoleEnd {
    socket: OwnedFd,
    /// The last word on each object that has not gone out.
    unsent: BTreeMap<Box<str>, Option<Entry>>,
    /// What follows the records, in order.
    after: VecDeque<Report>,
}

impl RoleEnd {
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket, unsent: BTreeMap::new(), after: VecDeque::new() }
    }

    /// Says something, as soon as there is room. It never blocks.
    pub fn report(&mut self, report: Report) {
        match report {
            Report::Record(entry) => {
                self.unsent.insert(entry.key().into(), Some(entry));
            }
            Report::Forget(key) => {
                self.unsent.insert(key, None);
            }
            // Whoever was told before need not be told twice.
            other => {
                if !self.after.contains(&other) {
                    self.after.push_back(other);
                }
            }
        }
        self.flush();
    }

    pub fn has_unsent(&self) -> bool {
        !self.unsent.is_empty() || !self.after.is_empty()
    }

    /// Sends what there is room for. A supervisor that is gone needs nothing any more.
    pub fn flush(&mut self) {
        while let Some(report) = self.next_unsent() {
            match send(self.socket.as_fd(), &encode_report(&report), None) {
                Ok(Sent::Gone) => {}
                Ok(Sent::Later) => {
                    match report {
                        Report::Record(entry) => {
                            self.unsent.insert(entry.key().into(), Some(entry));
                        }
                        Report::Forget(key) => {
                            self.unsent.insert(key, None);
                        }
                        other => self.after.push_front(other),
                    }
                    return;
                }
                Err(_) => {
                    self.unsent.clear();
                    self.after.clear();
                }
            }
        }
    }

    fn next_unsent(&mut self) -> Option<Report> {
        match self.unsent.pop_first() {
            Some((_, Some(entry))) => Some(Report::Record(entry)),
            Some((key, None)) => Some(Report::Forget(key)),
            None => self.after.pop_front(),
        }
    }

    /// The last words before the process ends: waits for room, but not long for a supervisor that does not read.
    pub fn finish(&mut self, patience: Duration) {
        self.flush();
        let most = PollTimeout::try_from(patience).unwrap_or(PollTimeout::ZERO);
        while self.has_unsent() {
            let mut wait = [PollFd::new(self.socket.as_fd(), PollFlags::POLLOUT)];
            match poll(&mut wait, most) {
                Ok(0) => return,
                Err(error) if error != Errno::EINTR => return,
                Ok(_) | Err(_) => self.flush(),
            }
        }
    }

    pub fn receive(&mut self) -> io::Result<Heard<Order>> {
        receive(self.socket.as_fd(), decode_order)
    }
}

impl AsFd for RoleEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl std::os::fd::AsRawFd for RoleEnd {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.socket.as_raw_fd()
    }
}

/// The supervisor's end of one role.
#[derive(Debug)]
pub struct SupervisorEnd {
    socket: OwnedFd,
    /// Only the newest configuration matters to a role that has not taken the one before.
    unsent: Option<OwnedFd>,
    again: bool,
    asks: VecDeque<Ask>,
}

impl SupervisorEnd {
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket, unsent: None, again: false, asks: VecDeque::new() }
    }

    pub fn order(&mut self, order: Order) {
        match order {
            Order::Reload(file) => (self.unsent, self.again) = (Some(file), false),
            Order::Again => self.again |= self.unsent.is_none(),
            Order::Tell(ask) => self.asks.push_back(ask),
        }
        self.flush();
    }

    pub fn has_unsent(&self) -> bool {
        self.unsent.is_some() || self.again || !self.asks.is_empty()
    }

    pub fn flush(&mut self) {
        if let Some(file) = &self.unsent {
            match send(self.socket.as_fd(), &encode_order(OrderKind::Reload), Some(file.as_fd())) {
                Ok(Sent::Later) => return,
                // A role that is gone is started again with the newest configuration.
                Ok(Sent::Gone) | Err(_) => self.unsent = None,
            }
        }
        if self.again {
            match send(self.socket.as_fd(), &encode_order(OrderKind::Again), None) {
                Ok(Sent::Later) => return,
                Ok(Sent::Gone) | Err(_) => self.again = false,
            }
        }
        while let Some(ask) = self.asks.front() {
            match send(self.socket.as_fd(), &encode_tell(ask), None) {
                Ok(Sent::Later) => return,
                // Whoever asked finds out by waiting.
                Ok(Sent::Gone) | Err(_) => drop(self.asks.pop_front()),
            }
        }
    }

    pub fn receive(&mut self) -> io::Result<Heard<Report>> {
        receive(self.socket.as_fd(), decode_report)
    }
}

impl AsFd for SupervisorEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The last entry for each object of one role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    by_key: BTreeMap<Box<str>, Entry>,
}

impl Store {
    pub fn put(&mut self, entry: Entry) {
        self.by_key.insert(entry.key().into(), entry);
    }

    pub fn forget(&mut self, key: &str) {
        self.by_key.remove(key);
    }

    pub fn clear(&mut self) {
        self.by_key.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.by_key.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests;
