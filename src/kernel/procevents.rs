//! The kernel's news of processes (the process connector, `linux/cn_proc.h`): who is born, becomes another program, takes
//! another name, ends.
//!
//! It keeps count of those who listen, and says nothing when the count is zero. The count goes wrong (others may take back what they
//! never said; kernels differ in what they make of that), and then nobody is told of anything until the next one asks. So whoever
//! has heard nothing for a while calls, and asks again if that is not heard.
//!
//! It speaks to processes in the initial namespaces only. In a network namespace of its own nobody takes the request; in a PID
//! namespace it is taken and never answered, so whoever listens waits for [`News::Listening`].

use crate::model::global::ReceiveBuffer;
use crate::sys::process::set_name;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_CONNECTOR};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// `CN_IDX_PROC` and `CN_VAL_PROC`, and the group that is told of processes.
const INDEX: u32 = 1;
const VALUE: u32 = 1;
const GROUP: u32 = 1 << (INDEX - 1);
/// `PROC_CN_MCAST_LISTEN`.
const LISTEN: u32 = 1;
/// `PROC_EVENT_NONE` is the answer to a request; the others are bits.
const NONE: u32 = 0;
const FORK: u32 = 1;
const EXEC: u32 = 2;
const COMM: u32 = 0x200;
const EXIT: u32 = 0x8000_0000;
/// Of a netlink message, of the connector's within, and of what all news begin with.
const NETLINK: usize = 16;
const CONNECTOR: usize = 20;
const EVENT: usize = 16;
/// `NLMSG_DONE`.
const DONE: u16 = 3;
/// The kernel's messages are a tenth of it.
const LONGEST: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// The kernel will tell, or says why it will not.
    Listening(Result<(), i32>),
    Born {
        pid: u32,
        parent: u32,
    },
    /// Another program or another name.
    Changed(u32),
    Ended(u32),
    /// Some news were lost.
    Overrun,
}

#[derive(Debug)]
pub struct Connector {
    socket: Socket,
    /// By which our request is known: others hear the answers to theirs on the same group.
    request: u32,
}

impl Connector {
    /// Asks to be told. An error means that it never will be.
    pub fn open(buffer: ReceiveBuffer) -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_CONNECTOR)?;
        // Who may not listen learns it here.
        socket.bind(&SocketAddr::new(0, GROUP))?;
        if let Some(size) = buffer.size.and_then(|size| usize::try_from(size).ok()) {
            if buffer.force {
                setsockopt(&socket, sockopt::RcvBufForce, &size)?;
            } else {
                setsockopt(&socket, sockopt::RcvBuf, &size)?;
            }
        }
        socket.set_non_blocking(true)?;
        let request = std::process::id();
        let connector = Self { socket, request };
        connector.say(LISTEN)?;
        Ok(connector)
    }

    fn say(&self, what: u32) -> io::Result<()> {
        self.socket.send_to(&message(self.request, what), &SocketAddr::new(0, 0), 0).map(drop)
    }

    /// Does what the kernel tells of: the calling thread takes the name that it is to have.
    pub fn call(name: &str) -> io::Result<()> {
        set_name(name)
    }

    /// From here on nothing is to be heard.
    #[cfg(test)]
    pub(crate) fn silence(&self) {
        const IGNORE: u32 = 2;
        self.say(IGNORE).expect("it has listened");
    }

    /// The size that the kernel made of what was asked for.
    pub fn buffer(&self) -> io::Result<usize> {
        Ok(nix::sys::socket::getsockopt(&self.socket, sockopt::RcvBuf)?)
    }

    /// The next news, if there are any that matter. [`io::ErrorKind::WouldBlock`] when all are read.
    pub fn receive(&self) -> io::Result<Option<News>> {
        let mut packet = [0; LONGEST];
        match recv(self.socket.as_raw_fd(), &mut packet, MsgFlags::MSG_DONTWAIT) {
            Ok(length) => Ok(packet.get(..length).and_then(|packet| decode(packet, self.request))),
            Err(Errno::ENOBUFS) => Ok(Some(News::Overrun)),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Connector {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn message(request: u32, what: u32) -> Vec<u8> {
    let length = NETLINK + CONNECTOR + size_of::<u32>();
    let mut bytes = Vec::with_capacity(length);
    bytes.extend(u32::try_from(length).unwrap_or_default().to_ne_bytes());
    bytes.extend(DONE.to_ne_bytes());
    // Flags, sequence number and sender: the kernel fills in the last one.
    bytes.extend([0; 10]);
    for word in [INDEX, VALUE, 0, request] {
        bytes.extend(word.to_ne_bytes());
    }
    bytes.extend(4_u16.to_ne_bytes());
    bytes.extend(0_u16.to_ne_bytes());
    bytes.extend(what.to_ne_bytes());
    bytes
}

/// Threads come and go without a word: only processes matter.
fn decode(packet: &[u8], request: u32) -> Option<News> {
    let word = |at: usize| packet.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_ne_bytes);
    if (word(NETLINK)?, word(NETLINK + 4)?) != (INDEX, VALUE) {
        return None;
    }
    let event = NETLINK + CONNECTOR;
    let field = |number: usize| word(event + EVENT + number * 4);
    match word(event)? {
        // It counts one more, and has a sequence number of its own.
        NONE if word(NETLINK + 12)? != request.wrapping_add(1) => None,
        NONE => {
            let error = i32::from_ne_bytes(field(0)?.to_ne_bytes());
            Some(News::Listening(if error == 0 { Ok(()) } else { Err(error) }))
        }
        FORK => {
            let (parent, pid, group) = (field(1)?, field(2)?, field(3)?);
            (pid == group).then_some(News::Born { pid, parent })
        }
        EXEC => {
            // The thread that calls for another program becomes the only one, and gets the number of the process.
            Some(News::Changed(field(1)?))
        }
        COMM => {
            let (pid, group) = (field(0)?, field(1)?);
            (pid == group).then_some(News::Changed(pid))
        }
        EXIT => {
            let (pid, group) = (field(0)?, field(1)?);
            (pid == group).then_some(News::Ended(pid))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(what: u32, fields: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0; NETLINK];
        for word in [INDEX, VALUE, 5, 78, 40, what, 0, 0, 0].iter().chain(fields) {
            bytes.extend(word.to_ne_bytes());
        }
        bytes
    }

    #[test]
    fn news_are_about_processes_and_not_about_threads() {
        for (what, fields, want) in [
            (NONE, &[0][..], Some(News::Listening(Ok(())))),
            (NONE, &[1], Some(News::Listening(Err(1)))),
            (FORK, &[5, 4, 7, 7], Some(News::Born { pid: 7, parent: 4 })),
            (FORK, &[5, 4, 8, 7], None),
            (EXEC, &[9, 7], Some(News::Changed(7))),
            (COMM, &[7, 7, 0, 0, 0, 0], Some(News::Changed(7))),
            (COMM, &[8, 7, 0, 0, 0, 0], None),
            (EXIT, &[7, 7, 0, 0, 0, 0], Some(News::Ended(7))),
            (EXIT, &[8, 7, 0, 0, 0, 0], None),
            (4, &[7, 7, 0, 0], None),
            (EXIT, &[7], None),
            (FORK, &[], None),
        ] {
            assert_eq!(decode(&packet(what, fields), 77), want, "{what:x} {fields:?}");
        }
    }

    #[test]
    fn what_is_cut_or_of_somebody_else_says_nothing() {
        let whole = packet(EXIT, &[7, 7]);
        for length in 0..whole.len() {
            assert_eq!(decode(&whole[..length], 77), None, "{length}");
        }
        let mut other = whole;
        other[NETLINK] = 2;
        assert_eq!(decode(&other, 77), None);
        assert_eq!(decode(&packet(NONE, &[0]), 78), None, "the answer to somebody else");
    }

    #[test]
    fn the_request_is_as_long_as_it_says() {
        let bytes = message(77, LISTEN);
        assert_eq!(bytes.len(), 40);
        assert_eq!(bytes.get(..4), Some(&40_u32.to_ne_bytes()[..]));
        assert_eq!(bytes.get(36..), Some(&LISTEN.to_ne_bytes()[..]));
    }
}
