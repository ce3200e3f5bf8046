//! `global_defs` and the keywords about the process.

/// What was set for the whole process. A field that instances inherit stays an `Option`: nothing given is a meaning of
/// its own there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Global {}
