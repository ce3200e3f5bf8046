//! standfast: VRRP failover, IPVS load balancing and health checking; a drop-in for keepalived.
//!
//! Dependencies point one way (`tests/layers.rs` holds them to it):
//!
//! ```text
//! model  <-  config, cli  <-  runtime  <-  main
//! ```

pub mod cli;
pub mod config;
pub mod model;
pub mod runtime;
