//! The routing netlink, IPVS, nftables, raw sockets: the only code that talks to the kernel's network.

mod device;
pub mod holder;
pub mod ipvs;
mod ledger;
pub mod linkbeat;
mod look;
pub mod nft;
pub mod procevents;
pub mod rtnl;
pub mod setting;
pub mod socket;
pub mod timer;
mod writer;
