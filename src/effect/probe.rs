//! One attempt of a checker, between those who decide that it is time and those who do it.

/// An attempt. A number is never given to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// A checker by its position in the model in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckerId {
    pub server: u32,
    pub real: u32,
    pub checker: u32,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target is as it should be.
    Good,
    /// The target is not; for the log and for mail.
    Failed(Box<str>),
    /// A script's own verdict: its exit status.
    Status(i32),
    /// It could not even be tried, for a reason that is ours: it says nothing of the target.
    Untried(Box<str>),
}
