//! standfast: VRRP failover, IPVS load balancing and health checking; a drop-in for keepalived.
//!
//! Dependencies point one way (`tests/layers.rs` holds them to it):
//!
//! ```text
//! wire, model  <-  effect  <-  vrrp, kernel, ...  <-  runtime  <-  main
//! model  <-  config, cli  <-  runtime
//! ```
//!
//! Engines (`vrrp`) are state machines without input or output: an event and the time go in, actions come out
//! ([`effect`]). `kernel` applies them, `runtime` pumps them.

pub mod cli;
pub mod config;
pub mod effect;
pub mod kernel;
pub mod model;
pub mod notify;
pub mod observe;
pub mod runtime;
pub mod sys;
pub mod track;
pub mod vrrp;
pub mod wire;
