//! The new program's side: what it has been left, and how it makes that its own.

use super::super::brief::Configuration;
use super::super::child::Child;
use super::super::part::Part;
use super::super::pidfile::{PidFile, Room};
use super::super::reader::Purpose;
use super::super::role::Role;
use super::will::{PartWill, Will, preamble};
use super::{WILL, contents, numbers};
use crate::model::Model;
use crate::runtime::log;
use crate::runtime::reading::{Kept, Share};
use crate::runtime::role::remember_namespace_as;
use crate::sys::descriptor::inherited;
use crate::sys::signal;
use nix::libc;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

/// What this program finds when it begins.
#[derive(Debug)]
pub(in crate::runtime::supervisor) enum Found {
    /// It is the first one.
    Nothing,
    Heritage(Box<Heritage>),
    /// Somebody's who cannot be understood. His processes have been ended; what they held is there still, as after a crash.
    Remains,
}

/// What of a predecessor has not been taken up yet.
#[derive(Debug)]
pub(in crate::runtime::supervisor) struct Heritage {
    will: Will,
    descriptors: BTreeMap<i32, OwnedFd>,
}

/// A door as it is found again.
#[derive(Debug)]
pub(in crate::runtime::supervisor) struct OpenDoor {
    pub(in crate::runtime::supervisor) key: String,
    pub(in crate::runtime::supervisor) path: PathBuf,
    pub(in crate::runtime::supervisor) listener: OwnedFd,
}

/// To be called before this program opens anything or starts anybody.
pub(in crate::runtime::supervisor) fn find() -> Found {
    let memory = numbers(WILL).and_then(|numbers| inherited(*numbers.first()?).ok());
    let bytes = memory.and_then(|memory| contents(&File::from(memory)).ok());
    let Some((bytes, known)) = bytes.and_then(|bytes| preamble(&bytes).map(|known| (bytes, known))) else { return Found::Nothing };
    let descriptors = known.descriptors.into_iter().filter_map(|number| Some((number, inherited(number).ok()?))).collect();
    match Will::decode(&bytes) {
        Some(will) => Found::Heritage(Box::new(Heritage { will, descriptors })),
        None => {
            known.processes.into_iter().map(Pid::from_raw).for_each(end);
            Found::Remains
        }
    }
}

/// If it is a child of ours: it would go on without anybody to speak to.
fn end(process: Pid) {
    if waitpid(process, Some(WaitPidFlag::WNOHANG)) == Ok(WaitStatus::StillAlive) {
        drop(signal::send(process.as_raw(), libc::SIGKILL));
        let _ = waitpid(process, None);
    }
}

impl Heritage {
    pub(in crate::runtime::supervisor) fn program(&self) -> PathBuf {
        self.will.program.clone()
    }

    pub(in crate::runtime::supervisor) fn file(&self) -> Option<PathBuf> {
        self.will.file.clone()
    }

    pub(in crate::runtime::supervisor) fn core_pattern(&mut self) -> Option<Vec<u8>> {
        self.will.core_pattern.take()
    }

    pub(in crate::runtime::supervisor) const fn readings(&self) -> u64 {
        self.will.readings
    }

    pub(in crate::runtime::supervisor) const fn reload(&self) -> Option<Purpose> {
        self.will.reload
    }

    pub(in crate::runtime::supervisor) const fn running(&self) -> Duration {
        self.will.running
    }

    /// As it was read for the rehearsal.
    pub(in crate::runtime::supervisor) fn configuration(&mut self) -> Option<Model> {
        let kept = Kept::received(self.take(self.will.configuration?)?);
        kept.model(Share::All).inspect_err(|error| log::error(&format!("What was rehearsed is not to be had: {error}"))).ok()
    }

    /// The namespaces that this process is in already.
    pub(in crate::runtime::supervisor) fn room(&mut self) -> Option<Room> {
        if let Some(namespace) = self.will.namespace.and_then(|number| self.take(number)) {
            remember_namespace_as(namespace.into());
        }
        self.will.room.take().map(Room::again)
    }

    pub(in crate::runtime::supervisor) fn pid_file(&mut self) -> Option<PidFile> {
        let lock = self.take(self.will.pid_file.number)?;
        Some(PidFile::again(&self.will.pid_file.path, lock.into()))
    }

    /// A part as it was left: with its process, if there is one.
    pub(in crate::runtime::supervisor) fn role(&mut self, part: Part, configuration: &Configuration) -> Role {
        let there = self.will.parts.iter().position(|there| there.name == part.name());
        let Some(PartWill { pid_file, process, held, entries, .. }) = there.map(|at| self.will.parts.swap_remove(at)) else {
            return Role::new(part, configuration, None);
        };
        let pid_file = pid_file.and_then(|file| Some(PidFile::again(&file.path, self.take(file.number)?.into())));
        let process = process.and_then(|(process, line)| Some(Child::again(Pid::from_raw(process), self.take(line)?)));
        Role::new(part, configuration, pid_file).inheriting(process, entries, held)
    }

    pub(in crate::runtime::supervisor) fn doors(&mut self) -> Vec<OpenDoor> {
        let doors = std::mem::take(&mut self.will.doors);
        doors.into_iter().filter_map(|(key, door)| Some(OpenDoor { key, path: door.path, listener: self.take(door.number)? })).collect()
    }

    pub(in crate::runtime::supervisor) fn waiting(&mut self) -> Vec<OwnedFd> {
        let waiting = std::mem::take(&mut self.will.waiting);
        waiting.into_iter().filter_map(|number| self.take(number)).collect()
    }

    fn take(&mut self, number: i32) -> Option<OwnedFd> {
        self.descriptors.remove(&number)
    }
}
