//! Hears of what others do to our tables.

#![expect(clippy::disallowed_methods, reason = "who changes our tables all the time is answered now and then")]

use super::keeper::Keeper;
use super::message::{n, table_of};
use crate::kernel::rtnl::socket::{Netlink, messages};
use crate::sys::signal::leave_children;
use netlink_sys::protocols::NETLINK_NETFILTER;
use nix::errno::Errno;
use std::io;
use std::sync::PoisonError;
use std::time::Duration;

const STACK: usize = 128 << 10;
/// NFNLGRP_NFTABLES
const GROUP: u32 = 7;
/// Other programs change thousands of things at once.
const BUFFER: usize = 4 << 20;
/// The kernel makes one message of each change; this is how long we listen no more after one of ours was changed.
const PAUSE: Duration = Duration::from_millis(100);

/// Whether somebody still wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    On,
    Over,
}

/// Calls whenever somebody else has changed a table of this keeper's, from a thread of its own.
pub fn watch(keeper: &Keeper, mut changed: impl FnMut() -> Watched + Send + 'static) -> io::Result<()> {
    let mut netlink = Netlink::open_for(NETLINK_NETFILTER)?;
    netlink.buffer(BUFFER)?;
    netlink.socket().add_membership(GROUP)?;
    let ours = keeper.ours();
    let work = move || {
        leave_children();
        loop {
            let foreign = match netlink.receive() {
                Ok(packet) => {
                    let ours = ours.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    messages(packet).any(|message| {
                        message.kind >> 8 == n::SUBSYSTEM
                            && message.kind & 0xff != n::NEW_GENERATION
                            && message.port != ours.port
                            && table_of(message.payload).is_some_and(|name| ours.name.as_deref() == Some(&*name))
                    })
                }
                // Something was missed.
                Err(Errno::ENOBUFS) => true,
                Err(_) => return,
            };
            if foreign {
                if changed() == Watched::Over {
                    return;
                }
                std::thread::sleep(PAUSE);
            }
        }
    };
    std::thread::Builder::new().name("nftables".to_owned()).stack_size(STACK).spawn(work).map(drop)
}
