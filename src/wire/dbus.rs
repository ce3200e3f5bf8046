//! D-Bus: messages as values and back, and how a client makes itself known to a bus.
//!
//! Whatever others have sent is read with the limits of the specification, and most of what is sent to a small service is far
//! below them. Descriptors are not passed.

mod address;
mod message;
mod name;
mod reader;
pub mod sasl;
mod signature;
mod value;
mod writer;

pub use address::{Address, addresses};
pub use message::{Header, Kind, Message, NO_REPLY_EXPECTED, decode, length};
pub use name::{escaped, is_bus_name, is_path};
pub use value::Value;

use std::fmt;

/// What is no message at all. There is no going on after it, since nobody knows where the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what was sent is no D-Bus message")
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests;
