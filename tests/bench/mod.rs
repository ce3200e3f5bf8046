//! Routers, links and clients in network namespaces: what a test needs to see a daemon from outside.
//!
//! Everything here is removed when it is dropped, also after a failed test, and dies with the process at the latest: a
//! [`Host`] is a thread in a namespace without a name, and what it starts is killed with it. Tests can run side by side.
//!
//! Nothing here knows standfast: what is on the wire is decoded by [`packet`] on its own.
//!
//! A fault of the machine (no root, a program missing) fails the test with the reason; it is never skipped.

#![expect(clippy::disallowed_methods, reason = "it runs programs, reads the clock and waits")]

pub(crate) mod capture;
pub(crate) mod client;
pub(crate) mod cost;
pub(crate) mod daemon;
pub(crate) mod frr;
pub(crate) mod host;
pub(crate) mod lan;
pub(crate) mod monitor;
pub(crate) mod packet;
pub(crate) mod random;
pub(crate) mod sender;
pub(crate) mod snapshot;
pub(crate) mod statistics;
pub(crate) mod wait;

pub(crate) use capture::{Capture, Frame};
pub(crate) use client::Client;
pub(crate) use daemon::{Daemon, Program};
pub(crate) use frr::Frr;
pub(crate) use host::Host;
pub(crate) use lan::Lan;
pub(crate) use monitor::Monitor;
pub(crate) use sender::{Sender, Stream};
pub(crate) use snapshot::Snapshot;
pub(crate) use wait::{PATIENCE, eventually, pause};
