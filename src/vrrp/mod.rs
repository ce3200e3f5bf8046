//! VRRP: all instances of one process, as a state machine without input or output.
//!
//! The driver hands in events with the time at which they happened, carries out the [`Actions`](crate::effect::Actions) at once and in order, and
//! calls again at [`Engine::next_deadline`]. Between two calls nothing changes.

pub mod account;
mod admit;
mod alteration;
pub mod announce;
mod auth;
mod beginning;
mod buffer;
mod burst;
mod concern;
pub mod device;
mod election;
mod engine;
mod fault;
pub mod firewall;
mod group;
pub mod history;
mod instance;
mod limiter;
mod message;
mod moves;
mod place;
mod ports;
mod priority;
mod snapshot;
mod speak;
pub mod stats;
mod strangers;
mod surroundings;
mod track_group;
pub mod view;

#[cfg(test)]
mod tests;

pub use engine::Engine;
pub use fault::Cause;

use crate::effect::net::{Device, Fact, Link, Local, Mac, Owner};
use crate::effect::packet::{Datagram, PortId};
use crate::effect::time::TimeOfDay;
use std::net::IpAddr;

/// What the engine is told.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// Time has passed.
    Tick,
    Received {
        port: PortId,
        datagram: Datagram<'a>,
    },
    /// Somebody else has the address, as the kernel found out, and so it cannot be used here.
    Duplicate(Local),
    /// The clock was set; until then time of day goes on as it did.
    ClockSet(TimeOfDay),
    /// A port could not be opened, or has stopped working.
    PortFailed {
        port: PortId,
        reason: String,
    },
    /// An interface is new or has changed.
    Link(Link),
    LinkGone(Device),
    Address(Local),
    AddressGone(Local),
    /// Something of ours that somebody else took out of the kernel. All that goes at a time is told at a time: to look after
    /// each of thousands by itself would take long.
    Stripped {
        owner: Owner,
        facts: Vec<Fact>,
    },
    /// What the kernel would not take, or dropped with an interface, it may take now.
    Regained {
        owner: Owner,
        /// Whether there are addresses among that.
        addresses: bool,
    },
    /// Something that the kernel would not take.
    Refused {
        owner: Owner,
        fact: Fact,
        reason: String,
    },
    /// Another machine says that it has this address, or asks whether anybody has.
    Claimed {
        device: Device,
        address: IpAddr,
        by: Mac,
    },
    /// The process was not running for a while; what arrived meanwhile has been handed in.
    Stalled(std::time::Duration),
    /// A tracked object of this kind and name has reported.
    Tracked {
        object: Tracked<'a>,
        standing: Standing,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracked<'a> {
    Script(&'a str),
    File(&'a str),
    Process(&'a str),
    Bfd(&'a str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Up,
    Down,
    /// A track file's number.
    Value(i32),
}

/// What the command line and the machine say about VRRP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// `-D`
    pub detail: bool,
    /// `-a`: addresses that come and go are told.
    pub addresses: bool,
    /// How long ago the machine was started, for `vrrp_startup_delay` with `delay_after_boot`.
    pub machine_up: std::time::Duration,
    /// At the start.
    pub time_of_day: TimeOfDay,
}
