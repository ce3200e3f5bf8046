//! What changes in the kernel, as it changes.

use super::decode::{self, Key, RTM_DELADDR, RTM_DELLINK, RTM_DELROUTE, RTM_DELRULE, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE, RTM_NEWRULE};
use super::socket::{Message, NLMSG_OVERRUN, Netlink, messages};
use crate::effect::net::{Device, Link, Local};
use crate::model::global::ReceiveBuffer;
use nix::errno::Errno;
use socket2::{SockFilter, SockRef};
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
    /// Somebody else was found to have it; that it cannot be used is told by itself.
    Duplicate(Local),
    /// For [`crate::kernel::holder::Holder::observe`] only.
    FactSeen(Key),
    FactGone(Key),
    /// Messages were lost: take a [`super::Picture`] anew.
    Overrun,
}

/// Thousands of addresses come with several messages each. It is a limit, not memory that is used.
const BUFFER: usize = 16 << 20;
/// The groups for links, IPv4 addresses, routes and rules, and for those of IPv6.
const GROUPS: [u32; 7] = [1, 5, 7, 8, 9, 11, 19];
/// Packets to read before others have their turn.
const TURN: usize = 256;
/// It takes much less to throw one away.
const SKIP: usize = 1024;

/// A socket that hears all changes to links, addresses, routes and rules in the namespace it was opened in. It never blocks.
#[derive(Debug)]
pub struct Monitor {
    netlink: Netlink,
}

impl Monitor {
    pub fn open() -> io::Result<Self> {
        Self::with_buffer(BUFFER)
    }

    /// With a receive buffer as it was configured; otherwise it is large.
    pub fn sized(wanted: ReceiveBuffer) -> io::Result<Self> {
        let monitor = Self::open()?;
        monitor.netlink.sized(wanted)?;
        Ok(monitor)
    }

    /// With a receive buffer of this many bytes.
    pub fn with_buffer(bytes: usize) -> io::Result<Self> {
        let netlink = Netlink::open()?;
        netlink.buffer(bytes)?;
        SockRef::from(netlink.socket()).attach_filter(&without_kernel_routes())?;
        netlink.socket().set_non_blocking(true)?;
        for group in GROUPS {
            netlink.socket().add_membership(group)?;
        }
        Ok(Self { netlink })
    }

    /// What has been heard, up to a bound; returns whether that was all there is.
    pub fn read(&mut self, changes: &mut Vec<Change>) -> io::Result<bool> {
        for _ in 0..TURN {
            match self.netlink.receive() {
                Ok(packet) => {
                    for message in messages(packet) {
                        take(&message, changes);
                    }
                }
                Err(Errno::EAGAIN) => return Ok(true),
                // What is still in the queue is older than what was lost.
                Err(Errno::ENOBUFS) => changes.push(Change::Overrun),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }

    /// Throws away what there is to hear, up to a bound; returns whether that was all there is. After an overrun the kernel
    /// tells nothing more until then, and all of it is older than a picture that is taken then.
    pub fn skip(&mut self) -> io::Result<bool> {
        for _ in 0..SKIP {
            match self.netlink.receive() {
                Ok(_) | Err(Errno::ENOBUFS) => {}
                Err(Errno::EAGAIN) => return Ok(true),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }
}

/// The kernel's own routes come with every address, and are none of ours.
fn without_kernel_routes() -> [SockFilter; 7] {
    const LOAD_BYTE: u16 = 0x30;
    const JUMP_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    // Types are below 256; the other byte of a big-endian machine's is the second one.
    let kind_at = if cfg!(target_endian = "big") { 5 } else { 4 };
    const PROTOCOL_AT: u32 = 16 + 5;
    const KERNEL: u32 = 2;
    [
        SockFilter::new(LOAD_BYTE, 0, 0, kind_at),
        SockFilter::new(JUMP_EQUAL, 1, 0, u32::from(RTM_NEWROUTE)),
        SockFilter::new(JUMP_EQUAL, 0, 2, u32::from(RTM_DELROUTE)),
        SockFilter::new(LOAD_BYTE, 0, 0, PROTOCOL_AT),
        SockFilter::new(JUMP_EQUAL, 1, 0, KERNEL),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
        SockFilter::new(RETURN, 0, 0, 0),
    ]
}

fn take(message: &Message<'_>, changes: &mut Vec<Change>) {
    let payload = message.payload;
    match message.kind {
        RTM_NEWLINK => changes.extend(decode::link(payload).map(Change::Link)),
        RTM_DELLINK => changes.extend(decode::link_gone(payload).map(Change::LinkGone)),
        RTM_NEWADDR => {
            if let Some(placement) = decode::address(payload) {
                let change = if placement.usable { Change::Address } else { Change::AddressGone };
                changes.extend(placement.is_duplicate().then_some(Change::Duplicate(placement.local)));
                changes.extend([change(placement.local), Change::FactSeen(Key::Address(placement))]);
            }
        }
        RTM_DELADDR => {
            if let Some(placement) = decode::address(payload) {
                changes.extend([Change::AddressGone(placement.local), Change::FactGone(Key::Address(placement))]);
            }
        }
        RTM_NEWROUTE => changes.extend(decode::route(payload).map(|seen| Change::FactSeen(Key::Route(Box::new(seen))))),
        RTM_DELROUTE => changes.extend(decode::route(payload).map(|seen| Change::FactGone(Key::Route(Box::new(seen))))),
        RTM_NEWRULE => changes.extend(decode::rule(payload).map(|rule| Change::FactSeen(Key::Rule(Box::new(rule))))),
        RTM_DELRULE => changes.extend(decode::rule(payload).map(|rule| Change::FactGone(Key::Rule(Box::new(rule))))),
        NLMSG_OVERRUN => changes.push(Change::Overrun),
        _ => {}
    }
}

impl AsRawFd for Monitor {
    fn as_raw_fd(&self) -> RawFd {
        self.netlink.socket().as_raw_fd()
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.netlink.as_fd()
    }
}
