//! Routers, links and clients in network namespaces: what a test needs to see a daemon from outside.
//!
//! Everything here is removed when it is dropped, also after a failed test, and dies with the process at the latest: a
//! [`Host`] is a thread in a namespace without a name, and what it starts is killed with it. Tests can run side by side.
//!
//! Nothing here knows standfast: what is on the wire is decoded by [`packet`] on its own.
//!
//! A fault of the machine (no root, a program missing) fails the test with the reason; it is never skipped.

#![expect(clippy::disallowed_methods, reason = "it runs programs, reads the clock and waits")]

pub mod capture;
pub mod client;
pub mod cost;
pub mod daemon;
pub mod host;
pub mod lan;
pub mod monitor;
pub mod packet;
pub mod random;
pub mod sender;
pub mod statistics;
pub mod wait;

pub use capture::{Capture, Frame};
pub use client::Client;
pub use daemon::{Daemon, Program};
pub use host::Host;
pub use lan::Lan;
pub use monitor::Monitor;
pub use sender::{Sender, Stream};
pub use wait::{PATIENCE, eventually, pause};
