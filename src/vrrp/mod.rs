//! VRRP: all instances of one process, as a state machine without input or output.
//!
//! The driver hands in events with the time at which they happened, carries out the [`Actions`] at once and in order, and
//! calls again at [`Engine::next_deadline`]. Between two calls nothing changes.

pub mod announce;
pub mod stats;
pub mod view;

use crate::effect::Actions;
use crate::effect::net::{Device, Fact, InstanceId, Link, Links, Local, Mac, Owner};
use crate::effect::packet::{Datagram, PortId};
use crate::effect::record::Record;
use crate::effect::time::Instant;
use crate::model::Model;
use std::net::IpAddr;
use std::sync::Arc;

/// What the engine is told.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// Time has passed.
    Tick,
    Received {
        port: PortId,
        datagram: Datagram<'a>,
    },
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
    /// Something of ours that somebody else took out of the kernel.
    Stripped {
        owner: Owner,
        fact: Fact,
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

/// What the command line says about VRRP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// `-D`
    pub detail: bool,
    /// How long ago the machine was started, for `vrrp_startup_delay` with `delay_after_boot`.
    pub machine_up: std::time::Duration,
}

/// All instances and sync groups of a process.
#[derive(Debug)]
pub struct Engine {
    model: Arc<Model>,
    links: Links,
}

impl Engine {
    /// Starts every instance. `links` is a complete picture; `records` are what a predecessor left, if it did not stop.
    pub fn start(now: Instant, model: Arc<Model>, links: Links, records: &[Record], manner: Manner, actions: &mut Actions) -> Self {
        let _ = (now, records, manner, actions);
        Self { model, links }
    }

    pub fn handle(&mut self, now: Instant, event: Event<'_>, actions: &mut Actions) {
        let _ = (now, event, actions);
    }

    /// When [`Event::Tick`] is due. Any call may change it.
    pub fn next_deadline(&self) -> Option<Instant> {
        None
    }

    /// Goes over to a new configuration. Instances are known by [`Record::key`], not by name.
    pub fn reconfigure(&mut self, now: Instant, model: Arc<Model>, actions: &mut Actions) {
        let _ = (now, actions);
        self.model = model;
    }

    /// The end: priority 0 and the removal of everything held, unless it is to be left in place; `STOP` is told either way.
    pub fn stop(&mut self, now: Instant, release: bool, actions: &mut Actions) {
        let _ = (now, release, actions);
    }

    pub fn links(&self) -> &Links {
        &self.links
    }

    /// The instance's name, for logs.
    pub fn name(&self, _instance: InstanceId) -> &str {
        ""
    }
}
