//! Messages of the kernel into our words.

use crate::effect::net::Device;
use crate::model::net::{Prefix, Rule};
use std::net::IpAddr;

/// What a message of the kernel says of a fact: enough to know ours by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    Address { device: Device, local: Prefix, peer: Option<IpAddr> },
    Rule(Box<Rule>),
}
