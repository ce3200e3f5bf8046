//! Tracked objects and what their failure costs.

use super::script::Script;
use std::path::PathBuf;
use std::time::Duration;

/// What a tracked object adds to a priority. Zero means that its failure is a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    pub value: i32,
    /// The object counts as up when it is down, and the other way round.
    pub reverse: bool,
}

/// Everything that can be tracked by name; BFD sessions are the model's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracked {
    pub scripts: Vec<TrackScript>,
    pub files: Vec<TrackFile>,
    pub processes: Vec<TrackProcess>,
}

/// A health script: `vrrp_script`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackScript {
    pub name: Box<str>,
    pub command: Script,
    pub interval: Duration,
    /// A run that takes longer is killed, and has failed.
    pub timeout: Duration,
    pub weight: Weight,
    /// Successes in a row that bring it up; the very first result needs no company.
    pub rise: u32,
    /// Failures in a row that bring it down.
    pub fall: u32,
    /// It counts as failed until it has reported.
    pub init_fail: bool,
}

/// A number in a file: `track_file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackFile {
    pub name: Box<str>,
    pub path: PathBuf,
    /// What the number is multiplied with.
    pub weight: Weight,
    /// Write the file at start.
    pub initial: Option<InitialValue>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitialValue {
    pub value: i32,
    /// Replace a file that is there.
    pub overwrite: bool,
}

/// A number of running processes: `vrrp_track_process`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackProcess {
    pub name: Box<str>,
    /// The name of the process, or its path.
    pub process: Box<str>,
    pub parameters: Box<[Box<str>]>,
    /// How the command line is compared; without it the process's short name is.
    pub matching: Option<ParameterMatch>,
    pub weight: Weight,
    pub quorum: u16,
    /// More than this many is as bad as too few.
    pub quorum_max: Option<u16>,
    /// How long the number may stay wrong before it counts.
    pub terminate_delay: Duration,
    /// How long the number must be right before it counts.
    pub fork_delay: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterMatch {
    /// The command alone.
    Command,
    /// All parameters.
    Exact,
    /// The parameters given are the first ones.
    Initial,
    /// The same, and of the last one given only the beginning is compared.
    Partial,
}

/// An object that an instance or a group watches, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracker {
    pub name: Box<str>,
    pub weight: Weight,
}

/// What an instance or a sync group watches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trackers {
    pub interfaces: Vec<Tracker>,
    pub scripts: Vec<Tracker>,
    pub files: Vec<Tracker>,
    pub processes: Vec<Tracker>,
    pub bfd: Vec<Tracker>,
}

impl Trackers {
    /// The instance's own, and those of its group for objects that it does not track itself.
    pub fn joined(&self, group: Option<&Self>) -> Self {
        let Some(group) = group else { return self.clone() };
        let merged = |own: &[Tracker], group: &[Tracker]| {
            let missing = group.iter().filter(|tracker| own.iter().all(|mine| mine.name != tracker.name));
            own.iter().chain(missing).cloned().collect()
        };
        Self {
            interfaces: merged(&self.interfaces, &group.interfaces),
            scripts: merged(&self.scripts, &group.scripts),
            files: merged(&self.files, &group.files),
            processes: merged(&self.processes, &group.processes),
            bfd: merged(&self.bfd, &group.bfd),
        }
    }
}
