//! Counts processes.
//!
//! /proc is read in slices, so that a machine with many processes holds nothing else up.

use super::{Finding, Found, now};
use crate::effect::time::Instant;
use crate::model::Model;
use crate::runtime::notify::say;
use crate::track::process::{Action, Processes, matches};
use crate::track::view::ProcessView;
use crate::vrrp::Standing;
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::time::Duration;

/// How often they are counted.
const EVERY: Duration = Duration::from_millis(500);

/// So many processes are looked at without a pause.
const SLICE: usize = 64;

/// The tracked processes of a process. It lives in a runtime.
#[derive(Debug)]
pub struct Counter {
    engine: Processes,
    /// The next count begins.
    due: Instant,
    count: Option<Count>,
    findings: VecDeque<Finding>,
}

/// A count under way.
#[derive(Debug)]
struct Count {
    left: Vec<u32>,
    found: BTreeMap<Box<str>, usize>,
}

impl Counter {
    pub fn new(model: &Model) -> Self {
        let mut counter = Self { engine: Processes::default(), due: now(), count: None, findings: VecDeque::new() };
        counter.reconfigure(model);
        counter
    }

    /// Goes over to a new configuration. What is known of processes that stay is found again by [`Counter::next`].
    pub fn reconfigure(&mut self, model: &Model) {
        let mut actions = Vec::new();
        self.engine.reconfigure(model, &mut actions);
        self.carry_out(actions);
        self.count = None;
        self.due = now();
    }

    /// The next finding. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Finding {
        if self.engine.iter().next().is_none() {
            return std::future::pending().await;
        }
        loop {
            if let Some(finding) = self.findings.pop_front() {
                return finding;
            }
            if self.count.is_some() {
                self.go_on();
                // Others have waited.
                tokio::task::yield_now().await;
                continue;
            }
            let until = self.engine.next_deadline().map_or(self.due, |deadline| deadline.min(self.due));
            tokio::time::sleep(until.since(now())).await;
            let mut actions = Vec::new();
            self.engine.tick(now(), &mut actions);
            self.carry_out(actions);
            if self.due <= now() {
                self.due = now() + EVERY;
                self.count = Some(Count { left: running(), found: BTreeMap::new() });
            }
        }
    }

    pub fn view(&self) -> Vec<ProcessView> {
        self.engine.view()
    }

    fn go_on(&mut self) {
        let Some(mut count) = self.count.take() else { return };
        let rest = count.left.split_off(count.left.len().min(SLICE));
        let by_line = self.engine.iter().any(|wanted| wanted.matching.is_some());
        for pid in std::mem::replace(&mut count.left, rest) {
            let Some(short) = short_name(pid) else { continue };
            // Not asked for without need: the kernel answers only when the process lets go of its memory map.
            let line = if by_line { fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default() } else { Vec::new() };
            let words: Vec<&[u8]> = line.strip_suffix(b"\0").unwrap_or(&line).split(|&byte| byte == 0).collect();
            for wanted in self.engine.iter().filter(|wanted| matches(wanted, &short, &words)) {
                *count.found.entry(wanted.name.clone()).or_default() += 1;
            }
        }
        if !count.left.is_empty() {
            self.count = Some(count);
            return;
        }
        let names: Vec<Box<str>> = self.engine.iter().map(|wanted| wanted.name.clone()).collect();
        let mut actions = Vec::new();
        for name in names {
            self.engine.counted(now(), &name, count.found.get(&name).copied().unwrap_or(0), &mut actions);
        }
        self.carry_out(actions);
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

fn running() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The short name of a process that is alive: one that has ended and was not waited for is not.
fn short_name(pid: u32) -> Option<Vec<u8>> {
    let line = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let (open, close) = (line.iter().position(|&byte| byte == b'(')?, line.iter().rposition(|&byte| byte == b')')?);
    let state = line.get(close + 2)?;
    (!b"ZXx".contains(state)).then(|| line.get(open + 1..close).map(<[u8]>::to_vec)).flatten()
}
