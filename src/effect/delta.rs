//! From what is held to what is wanted.

use super::net::{Device, Fact};
use crate::model::net::{Address, Family, Route, Rule};
use std::net::IpAddr;

/// One step towards what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Add(Fact),
    /// The same thing with another lifetime: the kernel can change that in place.
    Change(Fact),
    Remove(Fact),
}

/// What makes two facts the same thing for the kernel: it holds only one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity<'a> {
    Address { device: Device, local: IpAddr, length: Option<u8>, peer: Option<IpAddr> },
    Route(&'a Route),
    Rule(&'a Rule),
}

impl Fact {
    pub fn identity(&self) -> Identity<'_> {
        match self {
            Self::Address(placed) => {
                let Address { prefix, peer, .. } = &placed.address;
                let (length, peer) = match prefix.family() {
                    Family::V4 => (Some(prefix.length), *peer),
                    Family::V6 => (None, None),
                };
                Identity::Address { device: placed.device, local: prefix.address, length, peer }
            }
            Self::Route(route) => Identity::Route(route),
            Self::Rule(rule) => Identity::Rule(rule),
        }
    }
}

/// The steps from one list to another: first all removals, then all additions.
pub fn delta(held: &[Fact], wanted: &[Fact]) -> Vec<Op> {
    let gone = held.iter().filter(|fact| !wanted.contains(fact)).cloned().map(Op::Remove);
    let new = wanted.iter().filter(|fact| !held.contains(fact)).cloned().map(Op::Add);
    gone.chain(new).collect()
}
