//! Facts into the kernel, without waiting for it.

use super::rtnl::{Change, Picture};
use crate::effect::net::{Device, Fact, Owner};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// A wish that was queued; later ones are greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ticket(u64);

/// What the kernel would not take, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub owner: Owner,
    pub fact: Fact,
    pub reason: String,
}

/// All facts of all owners. A thread of its own writes to the kernel, which may hold a writer up for long.
#[derive(Debug)]
pub struct Holder {
    ready: EventFd,
}

impl Holder {
    /// Opens its sockets in the calling thread's network namespace.
    pub fn start() -> io::Result<Self> {
        Ok(Self { ready: EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)? })
    }

    /// Those of the facts that are in the kernel already become the owner's.
    pub fn adopt(&mut self, owner: Owner, facts: &[Fact]) {
        let _ = (owner, facts);
    }

    /// All that the owner wants from now on. Saying it again costs nothing, unless something of it was refused or lost.
    pub fn hold(&mut self, owner: Owner, facts: &[Fact]) -> Ticket {
        let _ = (owner, facts);
        Ticket(0)
    }

    /// Everything up to this ticket is in the kernel, or was refused.
    pub fn done(&self) -> Ticket {
        Ticket(0)
    }

    /// What the writer has finished. To be called whenever the descriptor is readable.
    pub fn settle(&mut self) -> Vec<Refusal> {
        Vec::new()
    }

    /// Keeps up with what the kernel says; every [`Change`] is to be shown. Returns what somebody else took away; holding it
    /// again puts it back.
    pub fn observe(&mut self, change: &Change) -> Vec<(Owner, Fact)> {
        let _ = change;
        Vec::new()
    }

    /// The same after changes were missed.
    pub fn resync(&mut self, picture: &Picture) -> Vec<(Owner, Fact)> {
        let _ = picture;
        Vec::new()
    }

    /// Whether an address is ours.
    pub fn holds(&self, device: Device, address: IpAddr) -> bool {
        let _ = (device, address);
        false
    }

    pub fn held(&self) -> impl Iterator<Item = (Owner, &Fact)> {
        std::iter::empty()
    }

    /// Waits for a ticket to be done, for the end of the process; returns whether it is.
    pub fn wait(&mut self, ticket: Ticket, at_most: Duration) -> bool {
        let _ = (ticket, at_most);
        true
    }
}

/// Readable when [`Holder::settle`] has something to do.
impl AsFd for Holder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }
}
