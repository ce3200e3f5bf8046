//! Attempts that are scripts: their exit status is the outcome.

use crate::effect::probe::{Outcome, RunId};
use crate::effect::time::Instant;
use crate::model::checker::Misc;
use crate::runtime::notify::spawn::{Children, Status};
use nix::sys::signal::Signal;
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

/// How long a script that was asked to end may take to do so, and how long one that was killed may take to be gone.
const PATIENCE: Duration = Duration::from_secs(2);
const GRACE: Duration = Duration::from_secs(8);

#[derive(Debug)]
pub(super) struct Scripts {
    children: Children<RunId>,
    running: BTreeMap<RunId, Running>,
}

#[derive(Debug)]
struct Running {
    stage: Stage,
    /// Nobody waits for its end any more.
    cancelled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    InTime,
    Asked,
    Killed,
}

impl Scripts {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { children: Children::new()?, running: BTreeMap::new() })
    }

    /// Returns when [`Scripts::overdue`] is to be called.
    pub(super) fn start(&mut self, run: RunId, misc: &Misc, now: Instant) -> Result<Instant, Outcome> {
        match self.children.start(run, &misc.script) {
            Ok(()) => {
                self.running.insert(run, Running { stage: Stage::InTime, cancelled: false });
                Ok(now + misc.timeout.duration())
            }
            Err(error) => Err(Outcome::Untried(format!("unable to run the script: {error}").into())),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.running.len()
    }

    pub(super) fn is_running(&self, run: RunId) -> bool {
        self.running.contains_key(&run)
    }

    /// The script goes on for longer than it may. Returns when this is to be called again, or what has become of it.
    pub(super) fn overdue(&mut self, run: RunId, now: Instant) -> Result<Instant, Option<Outcome>> {
        let Some(running) = self.running.get_mut(&run) else { return Err(None) };
        match running.stage {
            Stage::InTime => {
                running.stage = Stage::Asked;
                self.children.end(&run);
                Ok(now + PATIENCE)
            }
            Stage::Asked => {
                running.stage = Stage::Killed;
                self.children.signal(&run, Signal::SIGKILL);
                Ok(now + GRACE)
            }
            // It hangs in the kernel, and those who wait for it need not.
            Stage::Killed => {
                let waited_for = !std::mem::replace(&mut running.cancelled, true);
                Err(waited_for.then(|| Outcome::Failed("timed out and cannot be killed".into())))
            }
        }
    }

    /// It is asked to end at once. Returns when [`Scripts::overdue`] is to be called.
    pub(super) fn cancel(&mut self, run: RunId, now: Instant) -> Option<Instant> {
        let running = self.running.get_mut(&run)?;
        running.cancelled = true;
        (running.stage == Stage::InTime).then(|| {
            running.stage = Stage::Asked;
            self.children.end(&run);
            now + PATIENCE
        })
    }

    /// The next script that has ended. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> (RunId, Status) {
        self.children.next().await
    }

    /// What the end of a script means to those who wait for it.
    pub(super) fn ended(&mut self, run: RunId, status: Status) -> Option<Outcome> {
        let running = self.running.remove(&run).filter(|running| !running.cancelled)?;
        if let Some(reason) = status.unexecuted() {
            tracing::error!("a check script {reason}");
        }
        Some(match (running.stage, status) {
            (Stage::InTime, Status::Exited(status)) => Outcome::Status(status),
            (Stage::InTime, killed @ Status::Killed(_)) => Outcome::Failed(killed.to_string().into()),
            (Stage::InTime, Status::Unstarted(reason)) => Outcome::Untried(format!("unable to run the script: {reason}").into()),
            (Stage::Asked | Stage::Killed, _) => Outcome::Failed("timed out".into()),
        })
    }

    /// The end: every script is asked to end, and not waited for.
    pub(super) fn stop(&mut self) {
        for run in self.running.keys() {
            self.children.end(run);
        }
    }
}
