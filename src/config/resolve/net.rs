//! Addresses, routes and rules.

use super::Resolver;
use crate::config::draft::net as draft;
use crate::model::net as model;

impl Resolver<'_> {
    /// An address with what its instance gives it: `interface` is where it goes unless the line says otherwise.
    pub(super) fn address(&mut self, _draft: draft::Address, _interface: Option<&str>) -> Option<model::Address> {
        None
    }

    pub(super) fn route(&mut self, _draft: draft::Route) -> Option<model::Route> {
        None
    }

    pub(super) fn rule(&mut self, _draft: draft::Rule) -> Option<model::Rule> {
        None
    }
}
