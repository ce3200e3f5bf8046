//! What keepalived offers on D-Bus: an object for the VRRP process, and one for each instance.
//!
//! [`Session`] is one service on a bus as a state machine without input or output, from the connection to the last signal.
//! [`Tree`] is its objects, and knows what is answered to a call. The words of errors are those of GLib, which keepalived has
//! its answers made by.

mod introspect;
mod objects;
mod session;
mod tree;

pub use objects::{Service, status_of};
pub use session::{Output, Session};
pub use tree::{Ask, Object, Status, Tree};

#[cfg(test)]
mod tests;
