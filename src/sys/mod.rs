//! The only unsafe code: system calls that no crate of ours offers, and libraries that are loaded when they are needed. Each block
//! says why it is sound.

pub mod capability;
pub mod clock;
pub mod descriptor;
pub mod library;
pub mod linkbeat;
pub mod memory;
pub mod mount;
pub mod netlink;
pub mod pcre2;
pub mod process;
pub mod schedule;
pub mod signal;
pub mod socket;
pub mod spawn;
pub mod terminal;
pub mod tls;
pub mod watch;
