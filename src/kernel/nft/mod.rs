//! Our own nftables tables, and nobody else's.
//!
//! A table of ours carries a mark that no other program makes, and while its maker lives a lock is held that goes with the
//! process ([`lock`]). So a table of the same name that somebody else made is left alone, and one that a process left which was
//! killed is taken over by the next. Every change is one transaction: packets see the rules before it or after it.

mod client;
mod guard;
mod keeper;
mod lock;
mod message;
mod monitor;

pub use guard::Guard;
pub use keeper::{Keeper, Maker};
pub use monitor::{Watched, watch};
