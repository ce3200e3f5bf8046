//! standfast: VRRP failover, IPVS load balancing and health checking; a drop-in for keepalived.
//!
//! Dependencies point one way (`tests/layers.rs` holds them to it):
//!
//! ```text
//! model  <-  config  <-  runtime  <-  main
//! wire, model  <-  effect  <-  vrrp, lvs, bfd, track, probe, notify  <-  observe  <-  runtime
//! effect, sys  <-  kernel  <-  runtime
//! ```
//!
//! [`config`] reads a configuration into a [`model`]. Engines ([`vrrp`], [`lvs`], [`bfd`], [`track`], [`probe`], [`notify`]) are state machines without input
//! or output: an event and the time go in, actions come out ([`effect`]). [`kernel`] holds in the kernel what they want held,
//! [`runtime`] pumps them, in processes that a supervisor starts and succeeds. `docs/ARCHITECTURE.md` tells more.

pub mod bfd;
pub mod cli;
pub mod config;
pub mod effect;
pub mod kernel;
pub mod lvs;
pub mod model;
pub mod notify;
pub mod observe;
pub mod probe;
pub mod runtime;
pub mod sys;
pub mod track;
pub mod vrrp;
pub mod wire;
