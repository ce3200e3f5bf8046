//! Virtual servers, their groups and real servers.

/// All that the checker process runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lvs {}
