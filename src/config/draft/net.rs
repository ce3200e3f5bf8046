//! Addresses, routes and rules as written.

use crate::config::diagnostic::Origin;
use crate::model::net as model;
use std::net::IpAddr;

/// A line of `virtual_ipaddress`, `virtual_ipaddress_excluded` or `static_ipaddress`.
#[derive(Debug)]
pub struct Address {
    pub at: Origin,
    pub address: IpAddr,
    pub device: Option<Box<str>>,
}

/// A line of `virtual_routes` or `static_routes`.
#[derive(Debug)]
pub struct Route {
    pub at: Origin,
    pub device: Option<Box<str>>,
}

/// A line of `virtual_rules` or `static_rules`.
#[derive(Debug)]
pub struct Rule {
    pub at: Origin,
}

#[derive(Debug, Default)]
pub struct Statics {
    pub addresses: Vec<Address>,
    pub routes: Vec<Route>,
    pub rules: Vec<Rule>,
}

impl From<&model::Statics> for Statics {
    fn from(_: &model::Statics) -> Self {
        Self::default()
    }
}
