//! What is on the wire: encodings of VRRP and its authentication, IPv4 headers, ARP, neighbour discovery, D-Bus and AgentX, and
//! nothing that decides.
//!
//! Writers take values and return bytes. Readers take whatever has arrived: they return `None` for what is not of their
//! kind, and never read beyond it.

pub mod agentx;
pub mod ah;
pub mod arp;
pub mod bfd;
pub mod checksum;
pub mod dbus;
mod ethernet;
pub mod ipv4;
pub mod ndisc;
pub mod trailer;
pub mod vrrp;

pub use ethernet::MacBytes;
