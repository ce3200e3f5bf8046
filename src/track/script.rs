//! Health scripts: when each runs, and what their results add up to.

use super::tracked;
use super::view::{self, ScriptView};
use crate::effect::say::{Level, Line};
use crate::effect::time::Instant;
use crate::model::Model;
use crate::model::script::Script;
use crate::model::track::TrackScript;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a run that was asked to end may take to do so.
const GRACE: Duration = Duration::from_secs(2);

/// Whoever is called so late was kept from running. What a machine does that is merely busy is less.
const STALL: Duration = Duration::from_millis(100);

/// One run of a script. A number is never given to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Time has passed.
    Tick,
    Ended {
        run: RunId,
        outcome: Outcome,
    },
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Exited(i32),
    /// By a signal.
    Killed(i32),
    /// It could not be started.
    Unstarted(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Run {
        run: RunId,
        script: Script,
    },
    /// Signal all processes of a run.
    Signal {
        run: RunId,
        signal: Signal,
    },
    /// What holds now. Saying it again means nothing.
    Report {
        name: Box<str>,
        up: bool,
    },
    Say(Line),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Terminate,
    Kill,
}

/// All health scripts that somebody tracks.
#[derive(Debug, Default)]
pub struct Scripts {
    /// In the order of the configuration, which is the order in which they start.
    watched: Vec<Watched>,
    /// Runs whose results nobody waits for: they are being ended. The time is when asking has been enough.
    ending: BTreeMap<RunId, Option<Instant>>,
    runs: u64,
}

#[derive(Debug)]
struct Watched {
    script: TrackScript,
    /// None has been reached yet.
    up: Option<bool>,
    /// A run has come to a result; until then the very next one counts alone.
    judged: bool,
    /// Results in a row that contradict `up`.
    contrary: u32,
    /// How the last run ended.
    last: Option<Outcome>,
    /// The next run.
    due: Instant,
    run: Option<Running>,
}

#[derive(Debug)]
struct Running {
    id: RunId,
    stage: Stage,
    /// It was said that it takes too long for the next one to begin.
    said: bool,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// It has until then.
    Working(Instant),
    /// It was asked to end, has failed, and has until then.
    Ending(Instant),
    /// It was killed and is still there.
    Stuck,
}

impl Scripts {
    pub fn start(now: Instant, model: &Model, actions: &mut Vec<Action>) -> Self {
        let mut scripts = Self::default();
        scripts.reconfigure(now, model, actions);
        scripts
    }

    /// Goes over to a new configuration. A script keeps its result if it is the same command with the same rights under the
    /// same name.
    pub fn reconfigure(&mut self, now: Instant, model: &Model, actions: &mut Vec<Action>) {
        let before = std::mem::take(&mut self.watched).into_iter();
        let mut old: BTreeMap<Box<str>, Watched> = before.map(|watched| (watched.script.name.clone(), watched)).collect();
        let used = tracked(model, |trackers| &trackers.scripts);
        for script in model.tracked.scripts.iter().filter(|script| used.contains(&*script.name)) {
            let name = script.name.clone();
            let watched = match old.remove(&name) {
                Some(before) if before.script.command == script.command => {
                    Watched { due: before.due.min(now + script.interval), script: script.clone(), ..before }
                }
                before => {
                    self.abandon(now, before, actions);
                    let up = script.init_fail.then_some(false);
                    Watched { script: script.clone(), up, judged: false, contrary: 0, last: None, due: now, run: None }
                }
            };
            if let Some(up) = watched.up {
                actions.push(Action::Report { name, up });
            }
            self.watched.push(watched);
        }
        for (_, gone) in old {
            self.abandon(now, Some(gone), actions);
        }
        self.handle(now, Event::Tick, actions);
    }

    pub fn handle(&mut self, now: Instant, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Tick => self.tick(now, actions),
            Event::Ended { run, outcome } => {
                if self.ending.remove(&run).is_some() {
                    return;
                }
                let is_it = |watched: &&mut Watched| watched.run.as_ref().is_some_and(|running| running.id == run);
                let Some(watched) = self.watched.iter_mut().find(is_it) else { return };
                // Whatever comes after the time was up has failed already.
                let in_time = watched.run.take().is_some_and(|running| matches!(running.stage, Stage::Working(_)));
                if in_time {
                    watched.judge(Verdict::Ended(outcome), actions);
                }
            }
        }
    }

    /// When [`Event::Tick`] is due. Any call may change it.
    pub fn next_deadline(&self) -> Option<Instant> {
        let stages = self.watched.iter().filter_map(|watched| match watched.run.as_ref()?.stage {
            Stage::Working(until) | Stage::Ending(until) => Some(until),
            Stage::Stuck => None,
        });
        stages.chain(self.watched.iter().map(|watched| watched.due)).chain(self.ending.values().filter_map(|&until| until)).min()
    }

    pub fn view(&self) -> Vec<ScriptView> {
        self.watched.iter().map(Watched::view).collect()
    }

    /// The end: every run is asked to end.
    pub fn stop(&mut self, now: Instant, actions: &mut Vec<Action>) {
        for watched in std::mem::take(&mut self.watched) {
            self.abandon(now, Some(watched), actions);
        }
    }

    fn tick(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if self.next_deadline().is_some_and(|deadline| now.since(deadline) >= STALL) {
            self.forgive(now);
        }
        for (&run, until) in &mut self.ending {
            if until.is_some_and(|until| until <= now) {
                *until = None;
                actions.push(Action::Signal { run, signal: Signal::Kill });
            }
        }
        for watched in &mut self.watched {
            watched.expire(now, actions);
            if watched.due <= now {
                watched.begin(now, &mut self.runs, actions);
            }
        }
    }

    /// While we did not run, the scripts may not have run either, and nobody knows for how long. They have all their time once more.
    fn forgive(&mut self, now: Instant) {
        for watched in &mut self.watched {
            if let Some(Running { stage: Stage::Working(until), .. }) = &mut watched.run {
                *until = now + watched.script.timeout;
            }
        }
    }

    fn abandon(&mut self, now: Instant, watched: Option<Watched>, actions: &mut Vec<Action>) {
        let Some(Running { id: run, stage, .. }) = watched.and_then(|watched| watched.run) else { return };
        let until = match stage {
            Stage::Working(_) => {
                actions.push(Action::Signal { run, signal: Signal::Terminate });
                Some(now + GRACE)
            }
            Stage::Ending(until) => Some(until),
            Stage::Stuck => None,
        };
        self.ending.insert(run, until);
    }
}

/// What one run says.
enum Verdict {
    Ended(Outcome),
    /// It has failed, and has not ended.
    Late(&'static str),
}

impl Watched {
    fn view(&self) -> ScriptView {
        let stage = self.run.as_ref().map_or(view::Stage::Idle, |running| match running.stage {
            Stage::Working(_) => view::Stage::Running,
            Stage::Ending(_) => view::Stage::Ending,
            Stage::Stuck => view::Stage::Stuck,
        });
        let (name, last) = (self.script.name.clone(), self.last.clone());
        ScriptView { name, up: self.up, judged: self.judged, stage, contrary: self.contrary, last }
    }

    /// Ends a run that takes too long.
    fn expire(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let Some(running) = &mut self.run else { return };
        let run = running.id;
        match running.stage {
            Stage::Working(until) if until <= now => {
                running.stage = Stage::Ending(now + GRACE);
                actions.push(Action::Signal { run, signal: Signal::Terminate });
                self.judge(Verdict::Late("timed_out"), actions);
            }
            Stage::Ending(until) if until <= now => {
                running.stage = Stage::Stuck;
                actions.push(Action::Signal { run, signal: Signal::Kill });
            }
            Stage::Working(_) | Stage::Ending(_) | Stage::Stuck => {}
        }
    }

    /// The time for a run has come.
    fn begin(&mut self, now: Instant, runs: &mut u64, actions: &mut Vec<Action>) {
        self.due = following(self.due, self.script.interval, now);
        let Some(running) = &mut self.run else {
            *runs += 1;
            let id = RunId(*runs);
            self.run = Some(Running { id, stage: Stage::Working(now + self.script.timeout), said: false });
            actions.push(Action::Run { run: id, script: self.script.command.clone() });
            return;
        };
        if !std::mem::replace(&mut running.said, true) {
            let stage = if matches!(running.stage, Stage::Working(_)) { "already running" } else { "being timed out" };
            say(actions, format!("Track script {} is {stage}, expect idle - skipping run", self.script.name));
        }
        // A process that survives SIGKILL hangs in the kernel. Nothing would ever be heard of the script again.
        if matches!(running.stage, Stage::Stuck) {
            self.judge(Verdict::Late("cannot be killed"), actions);
        }
    }

    fn judge(&mut self, verdict: Verdict, actions: &mut Vec<Action>) {
        let good = matches!(verdict, Verdict::Ended(Outcome::Exited(0)));
        let how = match verdict {
            Verdict::Ended(outcome) => self.note(outcome, actions),
            Verdict::Late(how) => how.to_owned(),
        };
        let first = !std::mem::replace(&mut self.judged, true);
        if self.up == Some(good) {
            self.contrary = 0;
            return;
        }
        self.contrary += 1;
        let needed = if good { self.script.rise } else { self.script.fall };
        if !first && self.contrary < needed {
            return;
        }
        self.contrary = 0;
        self.up = Some(good);
        let name = self.script.name.clone();
        say(actions, format!("VRRP_Script({name}) {how}"));
        actions.push(Action::Report { name, up: good });
    }

    /// Says it when a script begins to return something else than before; returns what it has done.
    fn note(&mut self, outcome: Outcome, actions: &mut Vec<Action>) -> String {
        if let Outcome::Exited(status) = outcome
            && self.last.as_ref().is_some_and(|last| *last != outcome)
        {
            say(actions, format!("Script `{}` now returning {status}", self.script.name));
        }
        let done = match &outcome {
            Outcome::Exited(0) => "succeeded".to_owned(),
            Outcome::Exited(status) => format!("failed (exited with status {status})"),
            Outcome::Killed(signal) => format!("failed (due to signal {signal})"),
            Outcome::Unstarted(reason) => format!("failed ({reason})"),
        };
        self.last = Some(outcome);
        done
    }
}

/// The first run after `now` in the rhythm that `due` belongs to.
fn following(due: Instant, interval: Duration, now: Instant) -> Instant {
    let next = due + interval;
    if next > now || interval.is_zero() {
        // A rhythm of no length would never let go of the processor.
        return next.max(now + Duration::from_millis(1));
    }
    let missed = now.since(due).as_nanos() / interval.as_nanos();
    due + interval.saturating_mul(u32::try_from(missed + 1).unwrap_or(u32::MAX))
}

fn say(actions: &mut Vec<Action>, text: String) {
    actions.push(Action::Say(Line { level: Level::Info, text }));
}

#[cfg(test)]
mod tests;
