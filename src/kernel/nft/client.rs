//! The socket that writes: transactions go out whole, and what the kernel says to them comes back.

use super::message::{Batch, Seen, seen, tables};
use crate::kernel::rtnl::batch::extack;
use crate::kernel::rtnl::socket::{NLMSG_DONE, NLMSG_ERROR, Netlink, messages};
use netlink_sys::protocols::NETLINK_NETFILTER;
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};
use std::io;
use std::time::Duration;

/// It answers at once, unless it is busy with the tables of somebody else.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the kernel did not do, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) errno: Errno,
    said: Option<String>,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.said {
            Some(said) => write!(f, "{said} ({})", self.errno.desc()),
            None => f.write_str(self.errno.desc()),
        }
    }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
        Self { errno, said: errno.eq(&Errno::EIO).then(|| error.to_string()) }
    }
}

impl From<Errno> for Refused {
    fn from(errno: Errno) -> Self {
        Self { errno, said: None }
    }
}

#[derive(Debug)]
pub(super) struct Client {
    netlink: Netlink,
    sequence: u32,
    port: u32,
}

impl Client {
    pub(super) fn open() -> io::Result<Self> {
        let netlink = Netlink::open_for(NETLINK_NETFILTER)?.asking(PATIENCE)?;
        let mut address = netlink_sys::SocketAddr::new(0, 0);
        netlink.socket().get_address(&mut address)?;
        Ok(Self { netlink, sequence: 0, port: address.port_number() })
    }

    /// By which the kernel tells our doings from those of others.
    pub(super) const fn port(&self) -> u32 {
        self.port
    }

    pub(super) fn batch(&self) -> Batch {
        Batch::new(self.sequence.wrapping_add(1))
    }

    pub(super) fn tables(&mut self) -> Result<Vec<Seen>, Refused> {
        self.sequence = self.sequence.wrapping_add(1);
        self.netlink.send(&tables(self.sequence))?;
        let mut all = Vec::new();
        loop {
            for message in messages(self.netlink.receive()?).filter(|message| message.sequence == self.sequence) {
                match message.kind {
                    NLMSG_DONE => return Ok(all),
                    NLMSG_ERROR => judge(message.payload)?,
                    _ => all.extend(seen(message.payload)),
                }
            }
        }
    }

    /// Carries out all of it, or nothing.
    pub(super) fn commit(&mut self, mut batch: Batch) -> Result<(), Refused> {
        if batch.is_empty() {
            return Ok(());
        }
        batch.end();
        self.sequence = batch.last.wrapping_add(1);
        // The kernel takes no more at once than the socket may send.
        let room = batch.bytes.len() * 2;
        // Without the privilege to go beyond the system's limit, up to that.
        let socket = self.netlink.socket();
        let _ = setsockopt(socket, sockopt::SndBufForce, &room).or_else(|_| setsockopt(socket, sockopt::SndBuf, &room));
        self.netlink.send(&batch.bytes)?;
        let mut outcome = Ok(());
        loop {
            for message in messages(self.netlink.receive()?).filter(|message| message.kind == NLMSG_ERROR) {
                let ours = message.sequence.wrapping_sub(batch.first) <= batch.last.wrapping_sub(batch.first);
                if !ours {
                    continue;
                }
                outcome = outcome.and(judge(message.payload));
                // What is wrong with all of it is said of the beginning.
                if message.sequence == batch.last || message.sequence == batch.first {
                    return outcome;
                }
            }
        }
    }
}

fn judge(payload: &[u8]) -> Result<(), Refused> {
    let code = payload.first_chunk().map_or(libc::EPROTO.saturating_neg(), |code| i32::from_ne_bytes(*code));
    if code == 0 {
        return Ok(());
    }
    Err(Refused { errno: Errno::from_raw(code.saturating_neg()), said: extack(payload) })
}
