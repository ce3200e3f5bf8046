//! Runs health scripts.

use super::{Finding, Found, now};
use crate::model::Model;
use crate::runtime::notify::say;
use crate::runtime::notify::spawn::{Children, Status};
use crate::track::script::{Action, Event, Outcome, RunId, Scripts, Signal};
use crate::track::view::ScriptView;
use crate::vrrp::Standing;
use nix::sys::signal::Signal as Number;
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

/// The health scripts of a process. It lives in a runtime.
#[derive(Debug)]
pub struct Runner {
    engine: Scripts,
    children: Children<RunId>,
    /// What is still to be done.
    left: VecDeque<Action>,
    findings: VecDeque<Finding>,
}

/// So many are started before others have their turn: adverts wait meanwhile.
const SLICE: usize = 16;

impl Runner {
    pub fn new(model: &Model) -> io::Result<Self> {
        let mut runner = Self { engine: Scripts::default(), children: Children::new()?, left: VecDeque::new(), findings: VecDeque::new() };
        runner.reconfigure(model);
        Ok(runner)
    }

    /// Goes over to a new configuration. What is known of scripts that stay is found again by [`Runner::next`].
    pub fn reconfigure(&mut self, model: &Model) {
        let mut actions = Vec::new();
        self.engine.reconfigure(now(), model, &mut actions);
        self.left.extend(actions);
    }

    /// The next finding. It is also what makes scripts run, so it is always to be waited for. Nothing is lost when the future
    /// is dropped.
    pub async fn next(&mut self) -> Finding {
        loop {
            self.carry_out(SLICE);
            if let Some(finding) = self.findings.pop_front() {
                return finding;
            }
            if !self.left.is_empty() {
                tokio::task::yield_now().await;
                continue;
            }
            let deadline = self.engine.next_deadline();
            let wait = deadline.map(|deadline| deadline.since(now()));
            let ended = tokio::select! {
                ended = self.children.next() => Some(ended),
                () = tokio::time::sleep(wait.unwrap_or(Duration::MAX)), if wait.is_some() => None,
            };
            let mut actions = Vec::new();
            // Nobody is late who has ended already, even if we hear of it now.
            let ended = ended.into_iter().chain(std::iter::from_fn(|| self.children.take()));
            for (run, status) in ended {
                self.engine.handle(now(), Event::Ended { run, outcome: outcome(status) }, &mut actions);
            }
            // Scripts that have ended bring nothing forward.
            if deadline.is_some_and(|deadline| deadline <= now()) {
                self.engine.handle(now(), Event::Tick, &mut actions);
            }
            self.left.extend(actions);
        }
    }

    pub fn view(&self) -> Vec<ScriptView> {
        self.engine.view()
    }

    /// The end: every script is asked to end. They are not waited for; those that do not end do so with this process.
    pub fn stop(&mut self) {
        let mut actions = Vec::new();
        self.engine.stop(now(), &mut actions);
        self.left.extend(actions);
        self.carry_out(usize::MAX);
    }

    fn carry_out(&mut self, most: usize) {
        for _ in 0..most {
            let Some(action) = self.left.pop_front() else { return };
            match action {
                Action::Run { run, script } => {
                    if let Err(error) = self.children.start(run, &script) {
                        let (outcome, mut more) = (Outcome::Unstarted(error.to_string()), Vec::new());
                        self.engine.handle(now(), Event::Ended { run, outcome }, &mut more);
                        self.left.extend(more);
                    }
                }
                Action::Signal { run, signal: Signal::Terminate } => self.children.end(&run),
                Action::Signal { run, signal: Signal::Kill } => self.children.signal(&run, Number::SIGKILL),
                Action::Report { name, up } => {
                    let standing = if up { Standing::Up } else { Standing::Down };
                    self.findings.push_back(Finding { object: Found::Script(name), standing });
                }
                Action::Say(line) => say(&line),
            }
        }
    }
}

fn outcome(status: Status) -> Outcome {
    match status {
        Status::Exited(status) => Outcome::Exited(status),
        Status::Killed(signal) => Outcome::Killed(signal),
        Status::Unstarted(reason) => Outcome::Unstarted(reason.into()),
    }
}
