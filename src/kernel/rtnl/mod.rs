//! The routing netlink. Its crates are used here and nowhere else.

pub(in crate::kernel) mod batch;
pub mod decode;
pub mod interface;
pub(in crate::kernel) mod message;
pub mod monitor;
pub mod picture;
pub(in crate::kernel) mod socket;

pub use interface::interfaces;
pub use monitor::{Change, Monitor};
pub use picture::{Asker, Picture};
