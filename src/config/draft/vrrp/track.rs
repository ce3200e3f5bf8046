//! `vrrp_script`, `track_file`, `vrrp_track_process`, and the lists that refer to them.

use crate::config::command::{Command, UserSpec};
use crate::config::diagnostic::Origin;
use crate::model::track::{self as model, InitialValue, ParameterMatch, Weight};
use std::time::Duration;

#[derive(Debug)]
pub struct TrackScript {
    pub name: Box<str>,
    pub at: Origin,
    pub end: Origin,
    pub command: Option<Command>,
    pub user: Option<UserSpec>,
    pub interval: Duration,
    /// As long as the interval.
    pub timeout: Option<Duration>,
    pub weight: Weight,
    pub rise: u32,
    pub fall: u32,
    pub init_fail: bool,
}

impl TrackScript {
    pub fn new(name: &str, at: Origin) -> Self {
        Self {
            name: name.into(),
            at,
            end: at,
            command: None,
            user: None,
            interval: Duration::from_secs(1),
            timeout: None,
            weight: Weight::default(),
            rise: 1,
            fall: 1,
            init_fail: false,
        }
    }
}

impl From<&model::TrackScript> for TrackScript {
    fn from(model: &model::TrackScript) -> Self {
        Self {
            command: Some(Command::from(&model.command)),
            user: Some(UserSpec::from(&model.command)),
            interval: model.interval,
            timeout: Some(model.timeout),
            weight: model.weight,
            rise: model.rise,
            fall: model.fall,
            init_fail: model.init_fail,
            ..Self::new(&model.name, Origin::default())
        }
    }
}

#[derive(Debug)]
pub struct TrackFile {
    pub name: Box<str>,
    pub at: Origin,
    pub end: Origin,
    pub path: Option<Box<str>>,
    pub weight: Option<Weight>,
    pub initial: Option<InitialValue>,
}

impl TrackFile {
    pub fn new(name: &str, at: Origin) -> Self {
        Self { name: name.into(), at, end: at, path: None, weight: None, initial: None }
    }
}

impl From<&model::TrackFile> for TrackFile {
    fn from(model: &model::TrackFile) -> Self {
        Self {
            path: Some(model.path.to_string_lossy().into()),
            weight: Some(model.weight),
            initial: model.initial,
            ..Self::new(&model.name, Origin::default())
        }
    }
}

#[derive(Debug)]
pub struct TrackProcess {
    pub name: Box<str>,
    pub at: Origin,
    pub end: Origin,
    pub process: Option<Box<str>>,
    pub parameters: Box<[Box<str>]>,
    pub full_command: bool,
    /// With parameters they are compared exactly.
    pub matching: Option<ParameterMatch>,
    pub weight: Option<Weight>,
    /// 1, or 0 where none may run.
    pub quorum: Option<u16>,
    pub quorum_max: Option<u16>,
    pub terminate_delay: Duration,
    pub fork_delay: Duration,
}

impl TrackProcess {
    pub fn new(name: &str, at: Origin) -> Self {
        Self {
            name: name.into(),
            at,
            end: at,
            process: None,
            parameters: Box::default(),
            full_command: false,
            matching: None,
            weight: None,
            quorum: None,
            quorum_max: None,
            terminate_delay: Duration::ZERO,
            fork_delay: Duration::ZERO,
        }
    }
}

impl From<&model::TrackProcess> for TrackProcess {
    fn from(model: &model::TrackProcess) -> Self {
        Self {
            process: Some(model.process.clone()),
            parameters: model.parameters.clone(),
            full_command: model.matching == Some(ParameterMatch::Command),
            matching: model.matching.filter(|&m| m != ParameterMatch::Command),
            weight: Some(model.weight),
            // A quorum of none is never written: it follows from quorum_max 0.
            quorum: Some(model.quorum).filter(|&quorum| quorum > 0),
            quorum_max: model.quorum_max,
            terminate_delay: model.terminate_delay,
            fork_delay: model.fork_delay,
            ..Self::new(&model.name, Origin::default())
        }
    }
}

/// A line of a `track_...` list. What it leaves out comes from the object.
#[derive(Debug)]
pub struct Tracker {
    pub at: Origin,
    pub name: Box<str>,
    pub weight: Option<i32>,
    pub reverse: Option<bool>,
}

impl From<&model::Tracker> for Tracker {
    fn from(model: &model::Tracker) -> Self {
        Self { at: Origin::default(), name: model.name.clone(), weight: Some(model.weight.value), reverse: Some(model.weight.reverse) }
    }
}

#[derive(Debug, Default)]
pub struct Trackers {
    pub interfaces: Vec<Tracker>,
    pub scripts: Vec<Tracker>,
    pub files: Vec<Tracker>,
    pub processes: Vec<Tracker>,
    pub bfd: Vec<Tracker>,
}

impl From<&model::Trackers> for Trackers {
    fn from(model: &model::Trackers) -> Self {
        let list = |trackers: &[model::Tracker]| trackers.iter().map(Tracker::from).collect();
        Self {
            interfaces: list(&model.interfaces),
            scripts: list(&model.scripts),
            files: list(&model.files),
            processes: list(&model.processes),
            bfd: list(&model.bfd),
        }
    }
}
