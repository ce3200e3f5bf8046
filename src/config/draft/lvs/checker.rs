//! Checkers as written.

use crate::config::command::{Command, UserSpec};
use crate::config::diagnostic::Origin;
use crate::model::checker::{Bind, HttpVersion, Micros, RecordType, RegexOptions, Reply, Sni, Timeout};
use crate::model::net::Family;
use crate::model::track::Weight;
use std::net::IpAddr;

#[derive(Debug)]
pub enum Checker {
    Tcp(Probe<()>),
    Ping(Probe<()>),
    Http(Box<Probe<Http>>),
    Smtp(Box<Probe<Smtp>>),
    Dns(Box<Probe<Dns>>),
    Udp(Box<Probe<Udp>>),
    Misc(Box<Misc>),
    File(Box<File>),
    Bfd(Box<Bfd>),
}

/// A checker that talks to somebody, with what is its kind's own.
#[derive(Debug)]
pub struct Probe<K> {
    pub end: Origin,
    pub schedule: Schedule,
    pub connection: Connection,
    pub kind: K,
}

impl<K: Default> Probe<K> {
    pub fn new(at: Origin, family: Family) -> Self {
        Self { end: at, schedule: Schedule::default(), connection: Connection::new(family), kind: K::default() }
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Schedule {
    pub delay_loop: Option<Micros>,
    pub warmup: Option<Micros>,
    pub delay_before_retry: Option<Micros>,
    pub retry: Option<u32>,
    pub alpha: Option<bool>,
    pub log_all_failures: bool,
}

#[derive(Clone, Debug)]
pub struct Connection {
    /// Of the destination as far as it is known: the real server's, until `connect_ip` names another.
    pub family: Family,
    pub address: Option<IpAddr>,
    pub port: Option<u16>,
    pub timeout: Option<Timeout>,
    pub mark: u32,
    pub bind: Option<Box<Bind>>,
}

impl Connection {
    pub fn new(family: Family) -> Self {
        Self { family, address: None, port: None, timeout: None, mark: 0, bind: None }
    }

    pub fn bind(&mut self) -> &mut Bind {
        self.bind.get_or_insert_default()
    }
}

#[derive(Debug, Default)]
pub struct Http {
    pub tls: bool,
    pub version: HttpVersion,
    pub virtualhost: Option<Box<str>>,
    pub sni: Sni,
    pub fast_recovery: bool,
    pub tls_compliant: bool,
    pub urls: Vec<Url>,
}

#[derive(Debug, Default)]
pub struct Url {
    pub end: Origin,
    pub path: Option<Box<str>>,
    pub virtualhost: Option<Box<str>>,
    pub digest: Option<[u8; 16]>,
    /// As given; none at all is the usual 200 to 299.
    pub status: Vec<(u16, u16)>,
    pub regex: Regex,
    pub tls_compliant: bool,
}

/// The regex keywords, which only count together.
#[derive(Debug, Default)]
pub struct Regex {
    pub pattern: Option<Box<str>>,
    pub options: RegexOptions,
    pub no_match: bool,
    pub min_offset: u64,
    pub max_offset: Option<u64>,
    pub stack: Option<(u64, u64)>,
}

#[derive(Debug, Default)]
pub struct Smtp {
    pub helo_name: Option<Box<str>>,
    /// The deprecated `host` blocks: each is a checker of its own, in place of this one.
    pub hosts: Vec<Probe<()>>,
}

#[derive(Debug, Default)]
pub struct Dns {
    pub record: RecordType,
    pub name: Option<Box<str>>,
}

#[derive(Debug)]
pub struct Udp {
    pub payload: Option<Box<[u8]>>,
    pub reply: Reply,
    pub min_reply: u16,
    pub max_reply: u16,
}

impl Default for Udp {
    fn default() -> Self {
        Self { payload: None, reply: Reply::NotNeeded, min_reply: 0, max_reply: 255 }
    }
}

#[derive(Debug, Default)]
pub struct Misc {
    pub end: Origin,
    pub schedule: Schedule,
    pub command: Option<Command>,
    /// The `user` keyword, which wins over what the command says.
    pub user: Option<UserSpec>,
    /// The default is the virtual server's delay loop.
    pub timeout: Option<Micros>,
    pub dynamic: bool,
}

#[derive(Debug, Default)]
pub struct File {
    pub end: Origin,
    pub track_file: Option<(Origin, Box<str>)>,
    /// The default is the tracked file's own.
    pub weight: Option<Weight>,
}

#[derive(Debug, Default)]
pub struct Bfd {
    pub end: Origin,
    pub names: Vec<(Origin, Box<str>)>,
    /// A `name` statement without a name, or with several: the checker is lost.
    pub malformed: Option<Origin>,
    pub alpha: Option<bool>,
}
