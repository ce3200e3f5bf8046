//! The kernel's table of virtual services, by generic netlink.
//!
//! [`Table`] holds there what the owners of services want. It knows what that is and compares it with what it held before; now
//! and then it looks whether the kernel still has it ([`Table::reconcile`]). [`Daemons`] does the same for the two daemons that
//! tell another director of the connections. Both wait for the kernel, which answers within the call.

mod client;
mod counters;
mod daemon;
mod decode;
mod ledger;
mod message;
mod problem;
mod table;

pub use client::Timeouts;
pub use counters::Counters;
pub use daemon::{Daemon, Daemons, State};
pub use problem::{Mended, Problem, What};
pub use table::{Effort, Report, Table};
