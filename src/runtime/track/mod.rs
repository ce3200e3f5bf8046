//! Carries out what the trackers decide, and passes on what they find.

mod clerk;
pub mod file;
pub mod process;
pub mod script;

use crate::effect::time::Instant;
use crate::model::Model;
use crate::runtime::follow::Follower;
use crate::track::file::of_vrrp;
use crate::track::view::View;
use crate::vrrp::{Event, Standing, Tracked};
use nix::time::{ClockId, clock_gettime};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// What a tracker has found out, for the VRRP engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub object: Found,
    pub standing: Standing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Script(Box<str>),
    File(Box<str>),
    Process(Box<str>),
    Bfd(Box<str>),
}

impl Finding {
    /// As the engine takes it.
    pub fn event(&self) -> Event<'_> {
        let object = match &self.object {
            Found::Script(name) => Tracked::Script(name),
            Found::File(name) => Tracked::File(name),
            Found::Process(name) => Tracked::Process(name),
            Found::Bfd(name) => Tracked::Bfd(name),
        };
        Event::Tracked { object, standing: self.standing }
    }
}

/// All trackers of a process. It lives in a runtime.
#[derive(Debug)]
pub struct Trackers {
    scripts: script::Runner,
    files: file::Watcher,
    processes: process::Counter,
    bfd: Option<Follower>,
}

impl Trackers {
    /// BFD sessions are heard of by `bfd`.
    pub fn new(model: &Model, bfd: Option<OwnedFd>) -> io::Result<Self> {
        let (scripts, processes) = (script::Runner::new(model)?, process::Counter::new(model));
        Ok(Self { scripts, files: file::Watcher::new(of_vrrp(model))?, processes, bfd: bfd.map(Follower::new).transpose()? })
    }

    /// Goes over to a new configuration, after the engine has done so. What is known of objects that stay is found again.
    pub fn reconfigure(&mut self, model: &Model) {
        self.scripts.reconfigure(model);
        self.files.reconfigure(of_vrrp(model));
        self.processes.reconfigure(model);
        if let Some(bfd) = &self.bfd {
            bfd.ask();
        }
    }

    /// The next finding. It is also what makes everything run, so it is always to be waited for. Nothing is lost when the
    /// future is dropped.
    pub async fn next(&mut self) -> Finding {
        tokio::select! {
            finding = self.scripts.next() => finding,
            (name, value) = self.files.next() => Finding { object: Found::File(name), standing: Standing::Value(value) },
            finding = self.processes.next() => finding,
            (name, up) = async { self.bfd.as_mut().expect("guarded").next().await }, if self.bfd.is_some() => {
                Finding { object: Found::Bfd(name), standing: if up { Standing::Up } else { Standing::Down } }
            }
        }
    }

    pub fn view(&self) -> View {
        View { scripts: self.scripts.view(), files: self.files.view(), processes: self.processes.view() }
    }

    /// The end: scripts that run are asked to end, and not waited for.
    pub fn stop(&mut self) {
        self.scripts.stop();
    }
}

fn now() -> Instant {
    let since_boot = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
    Instant::from_nanos(u64::try_from(since_boot.as_nanos()).unwrap_or(u64::MAX))
}
