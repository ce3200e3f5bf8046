//! The lines of addresses, routes and rules: languages of their own, one entry a line.

use crate::config::args::Args;
use crate::config::draft::net::{Address, Route, Rule};

/// Whose line it is: some options make sense only there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Instance,
    Static,
}

/// Reads one address line; a line that cannot be used is reported and yields nothing.
pub fn address_entry(_owner: Owner, _args: &mut Args<'_>) -> Option<Address> {
    None
}

/// Reads one route line.
pub fn route_entry(_owner: Owner, _args: &mut Args<'_>) -> Option<Route> {
    None
}

/// Reads one rule line.
pub fn rule_entry(_owner: Owner, _args: &mut Args<'_>) -> Option<Rule> {
    None
}

/// The line in the form that [`address_entry`] reads.
pub fn address_text(_address: &Address) -> String {
    String::new()
}

/// The line in the form that [`route_entry`] reads.
pub fn route_text(_route: &Route) -> String {
    String::new()
}

/// The line in the form that [`rule_entry`] reads.
pub fn rule_text(_rule: &Rule) -> String {
    String::new()
}
