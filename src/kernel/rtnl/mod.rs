//! The routing netlink. Its crates are used here and nowhere else.

pub mod decode;
pub mod monitor;
pub mod picture;

pub use monitor::{Change, Monitor};
pub use picture::Picture;
