//! Addresses, routes and rules that the daemon holds in the kernel.

/// What is installed from start to stop, whatever VRRP does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statics {}

/// An address to hold on an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {}

/// A route to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {}

/// A routing rule to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {}
