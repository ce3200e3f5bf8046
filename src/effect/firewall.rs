//! Packet filter rules of our own, as values: tables with sets and chains, and what is in the sets.
//!
//! A [`Frame`] is all but the elements of its sets, and seldom changes; [`Entry`]s come and go with what is held.

use super::net::Device;
use crate::model::net::{Family, Prefix};
use std::net::{IpAddr, Ipv6Addr};

/// Our tables, one for each family that needs one, under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub name: Box<str>,
    pub tables: Vec<Table>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub family: Family,
    pub sets: Vec<Set>,
    pub chains: Vec<Chain>,
}

/// A set, or with data a map. One that has members from the start never gets others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    pub name: &'static str,
    pub key: Box<[Kind]>,
    pub data: Option<Kind>,
    pub members: Box<[Value]>,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Address(Family),
    Index,
    Name,
    Icmp6Type,
    Port,
    Mark,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    Address(IpAddr),
    Index(Device),
    Name(Box<str>),
    /// A protocol's number or a type of ICMPv6.
    Number(u8),
    Port(u16),
    Mark(u32),
}

/// Something in a set: of the addresses that are blocked, one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    pub family: Family,
    pub set: &'static str,
    pub key: Box<[Value]>,
    pub data: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    pub name: &'static str,
    /// A chain without is only gone to by others.
    pub hook: Option<(Hook, i32)>,
    pub rules: Vec<Rule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    Input,
    Output,
}

/// What is done in order, for as long as a packet matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule(pub Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Is(Field, Value),
    Within(Field, Prefix),
    /// The fields together are in the set.
    In(Box<[Field]>, &'static str),
    Count,
    /// A copy goes out of the interface that the map has for this field.
    CopyBy {
        to: Field,
        field: Field,
        map: &'static str,
    },
    /// The packet's mark becomes what the map has for the fields.
    MarkBy(Box<[Field]>, &'static str),
    Accept,
    Drop,
    Goto(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Source(Family),
    Destination(Family),
    /// What is behind the IP header and its extensions.
    Protocol,
    Icmp6Type,
    DestinationPort,
    InputIndex,
    OutputIndex,
    OutputName,
    /// What kind of virtual interface it is.
    OutputKind,
}

/// What to do to our tables. Each is done whole, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// The tables are to be like this; without any, they go.
    Frame(Option<Frame>),
    Put(Vec<Entry>),
    Take(Vec<Entry>),
}

impl Frame {
    pub fn has(&self, entry: &Entry) -> bool {
        let table = self.tables.iter().find(|table| table.family == entry.family);
        table.is_some_and(|table| table.sets.iter().any(|set| set.name == entry.set))
    }

    /// For kernels that cannot send copies.
    #[must_use]
    pub fn without_copies(mut self) -> Self {
        for chain in self.tables.iter_mut().flat_map(|table| &mut table.chains) {
            chain.rules.retain(|rule| !rule.copies());
        }
        self
    }

    pub fn copies(&self) -> bool {
        self.tables.iter().flat_map(|table| &table.chains).flat_map(|chain| &chain.rules).any(Rule::copies)
    }
}

impl Rule {
    fn copies(&self) -> bool {
        self.0.iter().any(|step| matches!(step, Step::CopyBy { .. }))
    }
}

/// fe80::/10
pub const LINK_LOCAL: Prefix = Prefix { address: IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), length: 10 };
