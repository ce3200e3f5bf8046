//! The routing netlink, IPVS, raw sockets: the only code that talks to the kernel's network.

pub mod holder;
pub mod ipvs;
mod ledger;
pub mod linkbeat;
pub mod rtnl;
pub mod socket;
pub mod timer;
mod writer;
