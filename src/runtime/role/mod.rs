//! What the processes that the supervisor starts do.

pub mod bfd;
pub mod checker;
pub mod vrrp;
