//! What SNMP shows: the objects of `KEEPALIVED-MIB` and of the two MIBs of VRRP, made of the engines' snapshots.

mod query;
pub mod session;
mod tree;

pub use query::Query;
pub use tree::Tree;
