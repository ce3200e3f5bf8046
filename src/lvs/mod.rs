//! The balancer's engine: virtual servers, real servers, their checkers and quorums. Pure: an event and the time go in, actions
//! come out.
//!
//! A checker (`checker`) has a schedule and a verdict, and knows no protocol: the prober makes an attempt and says how it
//! ended. What follows from a verdict for the real server, the quorum and those who are told is in `transition`; what the
//! kernel is to hold follows from health and configuration alone (`table`). A successor of a process that died takes up the
//! health that it left (`health`), and a reload hands over what is the same in both configurations (`reload`).

mod checker;
mod engine;
mod health;
mod identity;
mod layout;
pub mod marks;
mod message;
pub mod name;
mod quorum;
mod real_server;
mod reload;
mod server;
mod suspend;
mod table;
mod transition;
pub mod view;
mod weight;

#[cfg(test)]
mod tests;

pub use engine::Engine;

/// What the kernel recognises the packets of a virtual server by, each once.
pub fn keys(model: &Model, server: &VirtualServer) -> Vec<ServiceKey> {
    table::keys(server, layout::group(model, server))
}

/// What the kernel knows a real server of that service by.
pub fn destination(key: ServiceKey, address: IpAddr, port: u16, forwarding: Forwarding) -> DestKey {
    DestKey { address, port: table::port(key, forwarding, port) }
}

use crate::effect::ipvs::{DestKey, ServerId, Service, ServiceKey};
use crate::effect::notice::ServerNotice;
use crate::effect::probe::{CheckerId, Outcome, RunId};
use crate::effect::record::Health;
use crate::effect::say::Line;
use crate::model::Model;
use crate::model::lvs::{Forwarding, VirtualServer};
use std::net::IpAddr;

/// What the engine is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Time has passed.
    Tick,
    /// An attempt is over. One that was cancelled, or is of before a reload, says nothing.
    Ended {
        run: RunId,
        outcome: Outcome,
    },
    /// The number in a tracked file.
    File {
        name: &'a str,
        value: i64,
    },
    Bfd {
        session: &'a str,
        up: bool,
    },
    /// Whether an address is on any of our interfaces; said of each address that `ha_suspend` asks for.
    Ours {
        address: IpAddr,
        ours: bool,
    },
}

/// What the engine wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// All that the virtual server wants in the kernel: nothing at all is its end.
    Hold {
        owner: ServerId,
        services: Box<[Service]>,
    },
    /// Begin an attempt of this checker of the model in force, and say [`Event::Ended`] exactly once. With HTTP, of this URL.
    Begin {
        run: RunId,
        checker: CheckerId,
        url: u16,
    },
    /// Nobody waits for this attempt any more.
    Cancel(RunId),
    Notify(Box<ServerNotice>),
    Record(Health),
    /// The real server with this key is as a fresh start would take it for, or is no more.
    Forget(Box<str>),
    Say(Line),
}
