//! Counts processes.

use super::clerk::{Clerk, Counts, Task};
use super::{Finding, Found, now};
use crate::model::Model;
use crate::runtime::notify::say;
use crate::track::process::{Action, Processes};
use crate::track::view::ProcessView;
use crate::vrrp::Standing;
use std::collections::VecDeque;
use std::time::Duration;

/// The tracked processes of a process. It lives in a runtime.
#[derive(Debug)]
pub struct Counter {
    engine: Processes,
    /// Nobody, where nothing is to be counted.
    clerk: Option<Clerk>,
    task: u64,
    findings: VecDeque<Finding>,
}

impl Counter {
    pub fn new(model: &Model) -> Self {
        let mut counter = Self { engine: Processes::default(), clerk: None, task: 0, findings: VecDeque::new() };
        counter.reconfigure(model);
        counter
    }

    /// Goes over to a new configuration. What is known of processes that stay is found again by [`Counter::next`].
    pub fn reconfigure(&mut self, model: &Model) {
        let mut actions = Vec::new();
        self.engine.reconfigure(model, &mut actions);
        self.carry_out(actions);
        self.task += 1;
        let wanted: Vec<_> = self.engine.iter().cloned().collect();
        if wanted.is_empty() {
            self.clerk = None;
            return;
        }
        if self.clerk.is_none() {
            self.clerk = Clerk::start().map_err(|error| tracing::error!("Processes cannot be tracked: {error}")).ok();
        }
        if let Some(clerk) = &self.clerk {
            clerk.give(Task { number: self.task, wanted, buffer: model.global.process.process_monitor });
        }
    }

    /// The next finding. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Finding {
        loop {
            if let Some(finding) = self.findings.pop_front() {
                return finding;
            }
            let Some(clerk) = &mut self.clerk else { return std::future::pending().await };
            let wait = self.engine.next_deadline().map(|deadline| deadline.since(now()));
            let mut actions = Vec::new();
            tokio::select! {
                Counts { task, counts } = clerk.next() => {
                    // What was counted for another configuration means nothing any more.
                    for (name, count) in counts.into_iter().filter(|_| task == self.task) {
                        self.engine.counted(now(), &name, count, &mut actions);
                    }
                }
                () = tokio::time::sleep(wait.unwrap_or(Duration::MAX)), if wait.is_some() => self.engine.tick(now(), &mut actions),
            }
            self.carry_out(actions);
        }
    }

    pub fn view(&self) -> Vec<ProcessView> {
        self.engine.view()
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Report { name, up } => {
                    let standing = if up { Standing::Up } else { Standing::Down };
                    self.findings.push_back(Finding { object: Found::Process(name), standing });
                }
                Action::Say(line) => say(&line),
            }
        }
    }
}
