//! Tracked objects, and the names by which instances and groups refer to them.

use super::Resolver;
use super::script::Purpose;
use crate::config::command::Command;
use crate::config::diagnostic::Origin;
use crate::config::draft::bfd::Session;
use crate::config::draft::vrrp::{TrackFile as FileDraft, TrackProcess as ProcessDraft, TrackScript as ScriptDraft};
use crate::config::host::At;
use crate::model::track::{ParameterMatch, TrackFile, TrackProcess, TrackScript, Tracked, Weight};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// The objects of one kind by name. Of two with the same name the first one counts.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<Box<str>, Known>);

#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// What refers to it must come later.
    pub(super) at: Origin,
    pub(super) weight: Weight,
    /// It exists, and cannot work: who tracks it goes without, silently.
    pub(super) works: bool,
}

impl Names {
    /// False when the name is taken.
    fn add(&mut self, name: &str, known: Known) -> bool {
        if self.0.contains_key(name) {
            return false;
        }
        self.0.insert(name.into(), known);
        true
    }

    /// Of the objects only these work.
    pub(super) fn work(&mut self, names: &HashSet<&str>) {
        for (name, known) in &mut self.0 {
            known.works = names.contains(&**name);
        }
    }

    /// The object of this name, if it was defined before `at`.
    pub(super) fn before(&self, name: &str, at: Origin) -> Option<Known> {
        self.0.get(name).copied().filter(|known| known.at.order < at.order)
    }
}

impl FromIterator<(Box<str>, Known)> for Names {
    fn from_iter<I: IntoIterator<Item = (Box<str>, Known)>>(objects: I) -> Self {
        let mut names = Self::default();
        for (name, known) in objects {
            names.add(&name, known);
        }
        names
    }
}

/// What can be referred to.
#[derive(Debug, Default)]
pub(super) struct Trackable {
    pub(super) scripts: Names,
    pub(super) files: Names,
    pub(super) processes: Names,
    pub(super) bfd: Names,
}

/// BFD sessions by name: faulty ones are names as well, so that nobody says they are not there.
pub(super) fn bfd_names(sessions: &[Session]) -> Names {
    sessions.iter().map(|s| (s.name.clone(), Known { at: s.at, weight: s.weight, works: true })).collect()
}

impl Resolver<'_> {
    /// Without instances (`idle`) nothing runs these scripts, and keepalived looks no further than their users.
    pub(super) fn track_scripts(&mut self, drafts: Vec<ScriptDraft>, idle: bool, tracked: &mut Tracked, names: &mut Names) {
        for draft in drafts {
            let (name, end) = (draft.name, draft.end);
            let Some(command) = draft.command else {
                self.problems.error(end, format!("No script set for vrrp_script {name} - removing")).hint("script \"/PATH ARGUMENTS\"");
                continue;
            };
            let command = Command { user: draft.user.or(command.user), ..command };
            let purpose = Purpose::Track { name: &name, end };
            if idle {
                self.runs_as(&command, purpose);
                continue;
            }
            let script = self.command(&command, purpose);
            if script.is_none() && !self.has_user(&command, end) {
                continue;
            }
            // keepalived keeps all scripts of one name, and finds the first.
            if !names.add(&name, Known { at: draft.at, weight: draft.weight, works: script.is_some() }) {
                self.problems.notice(draft.at, format!("vrrp_script {name} is already defined - ignoring the later one")).word(&name);
                continue;
            }
            tracked.scripts.extend(script.map(|command| TrackScript {
                name,
                command,
                interval: draft.interval,
                timeout: draft.timeout.unwrap_or(draft.interval),
                weight: draft.weight,
                rise: draft.rise,
                fall: draft.fall,
                init_fail: draft.init_fail,
            }));
        }
    }

    /// Whether the user a command runs as exists. What is to be said about it has been said.
    fn has_user(&mut self, command: &Command, end: Origin) -> bool {
        match &command.user {
            Some(user) => self.ids(user).is_some(),
            None => self.default_ids(end).is_some(),
        }
    }

    pub(super) fn track_files(&mut self, drafts: Vec<FileDraft>, tracked: &mut Tracked, names: &mut Names) {
        for draft in drafts {
            let (name, end) = (draft.name, draft.end);
            let Some(path) = draft.path else {
                self.problems.error(end, format!("No file set for track_file {name} - ignoring")).hint("file PATH");
                continue;
            };
            let path = PathBuf::from(&*path);
            let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            if self.host.at(directory) != At::Directory {
                let text = format!("realpath() error 2 (No such file or directory) for {name}");
                self.problems.error(end, text).hint(format!("there is no directory {}", directory.display()));
                continue;
            }
            let weight = draft.weight.unwrap_or(Weight { value: 1, reverse: false });
            if !names.add(&name, Known { at: draft.at, weight, works: true }) {
                self.problems.notice(draft.at, format!("track_file {name} is already defined - ignoring the later one")).word(&name);
                continue;
            }
            tracked.files.push(TrackFile { name, path, weight, initial: draft.initial });
        }
    }

    pub(super) fn track_processes(&mut self, drafts: Vec<ProcessDraft>, tracked: &mut Tracked, names: &mut Names) {
        for draft in drafts {
            let name = draft.name;
            let Some(process) = draft.process else {
                let text = format!("track process '{name}' process name not specified");
                self.problems.error(draft.end, text).hint("process NAME");
                continue;
            };
            let weight = draft.weight.unwrap_or_default();
            if !names.add(&name, Known { at: draft.at, weight, works: true }) {
                self.problems
                    .notice(draft.at, format!("vrrp_track_process {name} is already defined - ignoring the later one"))
                    .word(&name);
                continue;
            }
            let matching = if draft.parameters.is_empty() && draft.matching.is_none() {
                draft.full_command.then_some(ParameterMatch::Command)
            } else {
                Some(draft.matching.unwrap_or(ParameterMatch::Exact))
            };
            tracked.processes.push(TrackProcess {
                name,
                process,
                parameters: draft.parameters,
                matching,
                weight,
                quorum: draft.quorum.unwrap_or(if draft.quorum_max == Some(0) { 0 } else { 1 }),
                quorum_max: draft.quorum_max,
                terminate_delay: draft.terminate_delay,
                fork_delay: draft.fork_delay,
            });
        }
    }
}
