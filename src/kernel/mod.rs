//! The routing netlink, raw sockets: the only code that talks to the kernel's network.

pub mod holder;
mod ledger;
mod writer;
pub mod rtnl;
pub mod socket;
pub mod timer;
