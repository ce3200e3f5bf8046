//! VRRP instances and what binds them together.

/// All that the VRRP process runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vrrp {}
