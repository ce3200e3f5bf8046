//! What is said to a target and what its answer means, one dialogue for each kind of checker. Pure: bytes go in, bytes and an
//! outcome come out. Sockets, time limits and encryption are the prober's.

use crate::effect::probe::Outcome;

/// What a dialogue is led over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP, and TLS over it if so wished.
    Stream { tls: Option<Tls> },
    /// UDP.
    Datagram,
    /// ICMP echo: what is sent is the whole message from its type on, what is received likewise.
    Echo,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The name in the handshake.
    pub server_name: Option<Box<str>>,
    /// Announce the end of the connection.
    pub compliant: bool,
}

/// Why a connection did not come about or broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is the target's, or the way's to it: it refuses, resets, cannot be reached.
    Target(&'static str),
    /// It is ours: no socket, no address to bind to.
    Ours(&'static str),
}

/// A dialogue with one target. The prober calls [`Dialogue::opened`] once, and then the others as things happen, until one
/// returns an outcome.
pub trait Dialogue {
    fn transport(&self) -> Transport;
    /// The connection stands, or the socket is there.
    fn opened(&mut self, send: &mut Vec<u8>) -> Option<Outcome>;
    fn received(&mut self, bytes: &[u8], send: &mut Vec<u8>) -> Option<Outcome>;
    /// The other end has closed the stream.
    fn closed(&mut self) -> Outcome;
    /// Nothing has come for as long as the checker waits, be it for the connection or for an answer.
    fn expired(&mut self) -> Outcome;
    fn failed(&mut self, trouble: Trouble) -> Outcome;
}
