//! BFD: is the neighbour there (RFC 5880, 5881, 5883)? All sessions of a process, without sockets: packets and the time go in,
//! packets and reports come out.

mod engine;
mod session;
pub mod view;

pub use engine::Engine;

use crate::effect::record::BfdRecord;
use crate::effect::say::Line;
use crate::wire::bfd;
use std::net::IpAddr;

/// A session for as long as the process lives: a reload that keeps it keeps its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u32);

/// A packet that has come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    pub from: IpAddr,
    pub to: IpAddr,
    pub ttl: u8,
    /// To the port of sessions over several hops.
    pub multihop: bool,
    pub packet: bfd::Packet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Time has passed.
    Tick,
    Heard(Heard),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Have a socket for the session, as the model has it by this name, in the place of another one it may have.
    Open {
        session: SessionId,
        name: Box<str>,
    },
    Close(SessionId),
    Transmit {
        session: SessionId,
        bytes: [u8; bfd::LENGTH],
    },
    /// What holds now, for those who follow the session.
    Report {
        name: Box<str>,
        up: bool,
    },
    Record(BfdRecord),
    Forget(Box<str>),
    Say(Line),
}

#[cfg(test)]
mod tests;
