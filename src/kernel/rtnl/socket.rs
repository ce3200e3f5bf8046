//! A netlink socket and the packets that come out of it.

use crate::model::global::ReceiveBuffer;
use netlink_packet_core::NetlinkBuffer;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt};
use nix::sys::time::TimeVal;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

/// The kernel makes no larger packets.
const PACKET: usize = 64 * 1024;
const HEADER: usize = 16;

pub(in crate::kernel) const NLMSG_ERROR: u16 = 2;
pub(in crate::kernel) const NLMSG_DONE: u16 = 3;
pub(super) const NLMSG_OVERRUN: u16 = 4;

/// One message out of a packet.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel) struct Message<'a> {
    pub(in crate::kernel) kind: u16,
    pub(in crate::kernel) flags: u16,
    pub(in crate::kernel) sequence: u32,
    /// Whose doing it is that is told of.
    pub(in crate::kernel) port: u32,
    pub(in crate::kernel) payload: &'a [u8],
}

/// The messages of a packet, up to the first that makes no sense.
pub(in crate::kernel) fn messages(mut packet: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let header = NetlinkBuffer::new_checked(packet).ok()?;
        let length = usize::try_from(header.length()).ok()?;
        let (kind, flags, sequence, port) = (header.message_type(), header.flags(), header.sequence_number(), header.port_number());
        let payload = packet.get(HEADER..length)?;
        packet = packet.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Message { kind, flags, sequence, port, payload })
    })
}

#[derive(Debug)]
pub(in crate::kernel) struct Netlink {
    socket: Socket,
    packet: Vec<u8>,
}

impl Netlink {
    pub(super) fn open() -> io::Result<Self> {
        Self::open_for(NETLINK_ROUTE)
    }

    pub(in crate::kernel) fn open_for(protocol: isize) -> io::Result<Self> {
        let mut socket = Socket::new(protocol)?;
        socket.bind_auto()?;
        Ok(Self { socket, packet: vec![0; PACKET] })
    }

    /// One that asks and waits for the answer, though not forever.
    pub(super) fn open_to_ask(patience: Duration) -> io::Result<Self> {
        Self::open()?.asking(patience)
    }

    pub(in crate::kernel) fn asking(self, patience: Duration) -> io::Result<Self> {
        let netlink = self;
        netlink.socket.connect(&SocketAddr::new(0, 0))?;
        netlink.socket.set_ext_ack(true)?;
        netlink.socket.set_cap_ack(true)?;
        let seconds = i64::try_from(patience.as_secs()).unwrap_or(i64::MAX);
        setsockopt(&netlink.socket, sockopt::ReceiveTimeout, &TimeVal::new(seconds, 0))?;
        Ok(netlink)
    }

    pub(in crate::kernel) const fn socket(&self) -> &Socket {
        &self.socket
    }

    /// The limit counts what the kernel spends on a message, which is several times its length.
    pub(in crate::kernel) fn buffer(&self, bytes: usize) -> io::Result<()> {
        // Without the privilege to go beyond the system's limit, up to that.
        let forced = setsockopt(&self.socket, sockopt::RcvBufForce, &bytes);
        Ok(forced.or_else(|_| setsockopt(&self.socket, sockopt::RcvBuf, &bytes))?)
    }

    /// As it was configured; otherwise it stays as it is.
    pub(in crate::kernel) fn sized(&self, wanted: ReceiveBuffer) -> io::Result<()> {
        let Some(bytes) = wanted.size else { return Ok(()) };
        // The kernel takes a number with a sign.
        let bytes = usize::try_from(bytes.min(i32::MAX.unsigned_abs())).unwrap_or_default();
        let forced = if wanted.force { setsockopt(&self.socket, sockopt::RcvBufForce, &bytes) } else { Err(Errno::EPERM) };
        Ok(forced.or_else(|_| setsockopt(&self.socket, sockopt::RcvBuf, &bytes))?)
    }

    pub(in crate::kernel) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        loop {
            match self.socket.send(bytes, 0) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(in crate::kernel) fn receive(&mut self) -> nix::Result<&[u8]> {
        let length = loop {
            match recv(self.socket.as_raw_fd(), &mut self.packet, MsgFlags::empty()) {
                Err(Errno::EINTR) => {}
                other => break other?,
            }
        };
        Ok(self.packet.get(..length).unwrap_or_default())
    }
}

impl AsFd for Netlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_that_make_no_sense_end_early() {
        let mut two = vec![0; 40];
        two[0] = 17;
        two[4] = 3;
        two[16] = 9;
        two[20] = 16;
        two[24] = 4;
        let kinds = |packet: &[u8]| messages(packet).map(|message| (message.kind, message.payload.to_vec())).collect::<Vec<_>>();
        assert_eq!(kinds(&two), [(3, vec![9]), (4, vec![])]);
        assert_eq!(kinds(&two[..30]), [(3, vec![9])]);
        assert_eq!(kinds(&two[..10]), []);
        two[0] = 200;
        assert_eq!(kinds(&two), []);
        two[0] = 3;
        assert_eq!(kinds(&two), []);
    }

    #[test]
    fn a_receive_buffer_is_as_large_as_configured() {
        let size = |wanted: ReceiveBuffer| {
            let netlink = Netlink::open().expect("everybody may open one");
            netlink.sized(wanted).expect("it may be set");
            nix::sys::socket::getsockopt(netlink.socket(), sockopt::RcvBuf).expect("it may be read")
        };
        let usual = size(ReceiveBuffer::default());
        // The kernel doubles it, for what it spends itself.
        assert_eq!(size(ReceiveBuffer { size: Some(30_000), force: false }), 60_000);
        assert_ne!(usual, 60_000);
    }
}
