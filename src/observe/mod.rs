//! What an administrator may look at, made from the engines' snapshots. Pure.
//!
//! The text and its order are keepalived's: other programs read these very lines.

mod address;
pub mod bfd;
mod checker;
pub mod clock;
mod command;
pub mod dbus;
pub mod explain;
mod global;
mod group;
mod instance;
mod interface;
pub mod json;
pub mod lvs;
pub mod metrics;
mod port;
mod real_server;
mod route;
mod rule;
pub mod screen;
mod sheet;
pub mod snmp;
mod statics;
pub mod stats;
pub mod status;
mod tracked;
pub mod traffic;
mod virtual_server;
pub mod vrrp;
mod words;

pub use global::parent;

#[cfg(test)]
mod tests;
