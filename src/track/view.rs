//! What others may look at: tracked objects as they are now. What is configured is looked up in the model, by name.

use super::script::Outcome;
use crate::effect::time::Instant;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub scripts: Vec<ScriptView>,
    pub files: Vec<FileView>,
    pub processes: Vec<ProcessView>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptView {
    pub name: Box<str>,
    /// It has not reported yet.
    pub up: Option<bool>,
    /// A run has come to a result.
    pub judged: bool,
    pub stage: Stage,
    /// Results in a row that contradict `up`.
    pub contrary: u32,
    /// How the last run ended.
    pub last: Option<Outcome>,
}

/// What a script is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Idle,
    Running,
    /// Its time is up, and it was asked to end.
    Ending,
    /// It was killed and is still there.
    Stuck,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileView {
    pub name: Box<str>,
    /// None has been read yet.
    pub value: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessView {
    pub name: Box<str>,
    /// As counted last.
    pub count: usize,
    /// They have not been counted yet.
    pub up: Option<bool>,
    /// It has been the other way round, and this is when it counts.
    pub turns: Option<Instant>,
}
