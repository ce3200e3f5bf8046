//! What is said to a target and what its answer means, one dialogue for each kind of checker. Pure: bytes go in, bytes and an
//! outcome come out. Sockets, time limits and encryption are the prober's.

mod dns;
pub mod http;
mod ping;
mod smtp;
mod tcp;
mod udp;

use crate::effect::probe::Outcome;
use crate::model::checker::{Connection, Probe};
use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;

/// What a dialogue is led over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP, and TLS over it if so wished.
    Stream { tls: Option<Tls> },
    /// UDP.
    Datagram,
    /// ICMP echo: what is sent is the whole message from its type on, what is received likewise. Its checksum and its
    /// identifier are the kernel's to fill in.
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

/// A compiled pattern that is searched for in a text of which only a part is there at a time.
pub trait Matcher {
    /// How many bytes before a place have to be in the window for a search from there.
    fn lookbehind(&self) -> usize;
    /// Where a match begins in the window, `from` there or later.
    fn search(&self, window: Window<'_>) -> Found;
}

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window<'a> {
    pub bytes: &'a [u8],
    /// Where a match may begin at the earliest.
    pub from: usize,
    /// Where it may begin at the latest.
    pub latest: Option<usize>,
    /// The text ends with the window.
    pub last: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// There is a match.
    Yes,
    /// No match begins before this place in the window; with more of the text one may.
    NotBefore(usize),
    /// It could not be found out, as the pattern takes more time or memory than it may.
    Gave(Box<str>),
}

/// What web servers are called around a checker, for one that has no name of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hosts<'a> {
    /// The real server's; it is asked for, but is not the name in the handshake.
    pub real_server: Option<&'a str>,
    pub virtual_server: Option<&'a str>,
}

/// The dialogue of one attempt; there is none for a script, for a URL that is not there, and for a regular expression without a
/// matcher. Of HTTP it is this URL's. The seed is another one for each attempt: by it an answer is told from one that comes too
/// late.
pub fn dialogue(probe: &Probe, url: u16, hosts: Hosts<'_>, seed: u64, matcher: Option<Rc<dyn Matcher>>) -> Option<Box<dyn Dialogue>> {
    Some(match probe {
        Probe::Tcp(connection) => Box::new(tcp::Tcp::new(connection)),
        Probe::Ping(connection) => Box::new(ping::Ping::new(connection, seed)),
        Probe::Http(http) => {
            let url = http.urls.get(usize::from(url))?;
            if url.regex.is_some() && matcher.is_none() {
                return None;
            }
            Box::new(http::Get::new(http, url, hosts, matcher))
        }
        Probe::Smtp(smtp) => Box::new(smtp::Hello::new(smtp)),
        Probe::Dns(dns) => Box::new(dns::Query::new(dns, seed)),
        Probe::Udp(udp) => Box::new(udp::Datagram::new(udp)),
        Probe::Misc(_) => return None,
    })
}

/// A target as the log names it.
#[derive(Clone, Copy, Debug)]
struct Target {
    address: IpAddr,
    protocol: &'static str,
    port: u16,
}

impl Target {
    fn new(connection: &Connection, protocol: &'static str) -> Self {
        Self { address: connection.address, protocol, port: connection.port }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]:{}:{}", self.address, self.protocol, self.port)
    }
}

/// What comes of trouble: of the target's, these words.
fn failed(trouble: Trouble, words: impl fmt::Display) -> Outcome {
    match trouble {
        Trouble::Target(why) => Outcome::Failed(format!("{words}: {why}").into()),
        Trouble::Ours(why) => Outcome::Untried(why.into()),
    }
}

/// A prober for tests: leads a dialogue with what is given to it.
#[cfg(test)]
mod tests;
