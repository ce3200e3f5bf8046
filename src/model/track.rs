//! Tracked objects and what their failure costs.

/// What a tracked object adds to a priority. Zero means that its failure is a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    pub value: i32,
    /// The object counts as up when it is down, and the other way round.
    pub reverse: bool,
}

/// Everything that can be tracked by name; BFD sessions are the model's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracked {}
