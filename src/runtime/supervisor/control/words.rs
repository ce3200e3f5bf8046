//! Answers as they go out: what the supervisor knows itself, with what the processes have said of themselves in between.

use super::client::Piece;
use super::{Reloaded, http};
use crate::cli::Options;
use crate::model::diff::{Plan, Verdict};
use crate::model::global::observe::Names;
use crate::observe::metrics;
use crate::runtime::control::protocol::good;
use crate::runtime::handover::Memory;
use crate::runtime::supervisor::brief::Brief;
use crate::runtime::supervisor::part::Part;
use crate::runtime::supervisor::role::Role;
use nix::unistd::getpid;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What of the supervisor others may know.
pub(super) struct Daemon<'a> {
    pub(super) configuration: &'a Path,
    pub(super) ending: bool,
    pub(super) brief: &'a Brief,
    pub(super) options: &'a Options,
}

/// Everything that an answer is made of.
pub(super) struct State<'a> {
    pub(super) daemon: &'a Daemon<'a>,
    pub(super) roles: &'a [Role],
    /// Of each part, in their order.
    pub(super) answers: Vec<Option<Memory>>,
    pub(super) began: Instant,
    pub(super) reloaded: Option<&'a Reloaded>,
    pub(super) reloading: bool,
}

/// Seconds since 1970, to the millisecond.
pub(super) fn wall() -> f64 {
    rounded(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO))
}

fn rounded(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

/// When that was, by the clock on the wall.
fn at(now: Instant, then: Instant) -> f64 {
    rounded(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).saturating_sub(now.saturating_duration_since(then)))
}

/// What a part contributes to the documents.
const fn section(part: Part) -> &'static str {
    match part {
        Part::Vrrp => "vrrp",
        Part::Checkers => "checkers",
        Part::Bfd => "bfd",
    }
}

/// What a reload would do, or why it would be refused.
pub(super) fn plan(plan: &Result<Memory, String>) -> Piece {
    match plan {
        Ok(answer) => Piece::Memory(answer.clone()),
        Err(reason) => {
            let lines = [format!("A reload would be refused: {reason}")];
            around_plan(&json!({ "refused": reason, "changes": [], "lines": lines })).into()
        }
    }
}

/// What a reload would do, as an answer. It may be long.
pub(in crate::runtime::supervisor) fn planned(plan: &Plan) -> String {
    let changes = plan.changes.iter().map(|change| {
        let verdict = match change.verdict {
            Verdict::Add => "add",
            Verdict::Remove => "remove",
            Verdict::Update => "update",
            Verdict::Restart => "restart",
        };
        json!({ "kind": change.kind.keyword(), "name": change.name, "verdict": verdict, "settings": change.settings })
    });
    let kept = format!("{} objects stay as they are", plan.kept);
    let lines: Vec<String> = plan.changes.iter().map(ToString::to_string).chain([kept]).collect();
    around_plan(&json!({ "refused": null, "changes": changes.collect::<Vec<_>>(), "kept": plan.kept, "lines": lines }))
}

fn around_plan(plan: &Value) -> String {
    format!("{},\"plan\":{plan}}}\n", good("plan"))
}

impl State<'_> {
    /// The parts that are there, or are to be.
    fn parts(&self) -> impl Iterator<Item = (&Role, Option<&Memory>)> {
        let answers = self.answers.iter().map(Option::as_ref).chain(std::iter::repeat(None));
        let all = self.roles.iter().zip(answers);
        all.filter(|(role, _)| role.facts().process.is_some() || role.part.is_wanted(self.daemon.brief, self.daemon.options))
    }

    fn processes(&self, now: Instant) -> Value {
        let processes = self.parts().map(|(role, answer)| {
            let facts = role.facts();
            let state = match (facts.process, self.daemon.ending, facts.start_at) {
                (Some(_), true, _) => "stopping",
                (Some(_), false, _) => "running",
                (None, false, Some(_)) => "restarting",
                (None, ..) => "absent",
            };
            json!({
                "name": section(role.part),
                "state": state,
                "pid": facts.process.map(|(pid, _)| pid.as_raw()),
                "since": facts.process.map(|(_, since)| at(now, since)),
                "starts_in": facts.start_at.map(|start| rounded(start.saturating_duration_since(now))),
                "starts": facts.starts,
                "answers": answer.is_some(),
            })
        });
        processes.collect()
    }

    pub(super) fn status(&self, now: Instant) -> Vec<Piece> {
        let reload = self.reloaded.map(|reloaded| {
            let result = if reloaded.refused.is_none() { "complete" } else { "refused" };
            json!({ "at": reloaded.at, "result": result, "reason": reloaded.refused })
        });
        let daemon = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "pid": getpid().as_raw(),
            "since": at(now, self.began),
            "now": wall(),
            "configuration": self.daemon.configuration.display().to_string(),
            "state": if self.daemon.ending { "stopping" } else if self.reloading { "reloading" } else { "running" },
            "reload": reload,
        });
        let head = format!("{},\"status\":{{\"daemon\":{daemon},\"processes\":{}", good("status"), self.processes(now));
        self.around(head, "}}\n")
    }

    pub(super) fn explain(&self) -> Vec<Piece> {
        let silent: Vec<&str> = self.parts().filter(|(_, answer)| answer.is_none()).map(|(role, _)| section(role.part)).collect();
        self.around(format!("{},\"unanswered\":{}", good("explain"), json!(silent)), "}\n")
    }

    /// A member for each part, as it has said it.
    fn around(&self, head: String, tail: &str) -> Vec<Piece> {
        let mut pieces = vec![Piece::from(head)];
        for (part, answer) in Part::ALL.into_iter().zip(&self.answers) {
            pieces.push(format!(",\"{}\":", section(part)).into());
            pieces.push(answer.as_ref().map_or_else(|| "null".to_owned().into(), |memory| Piece::Memory(memory.clone())));
        }
        pieces.push(tail.to_owned().into());
        pieces
    }

    pub(super) fn metrics(&self, now: Instant, names: Names, head_only: bool) -> Vec<Piece> {
        let processes = self.parts().map(|(role, answer)| {
            let facts = role.facts();
            metrics::Process {
                name: section(role.part),
                up: facts.process.is_some(),
                answers: answer.is_some(),
                started: facts.process.map(|(_, since)| at(now, since)),
                restarts: facts.starts.saturating_sub(1),
            }
        });
        let daemon = metrics::Daemon {
            version: env!("CARGO_PKG_VERSION"),
            started: at(now, self.began),
            processes: processes.collect(),
            reload: self.reloaded.map(|reloaded| (reloaded.at, reloaded.refused.is_none())),
        };
        let mut pieces = vec![Piece::from(metrics::daemon(&daemon, names))];
        pieces.extend(self.answers.iter().flatten().cloned().map(Piece::Memory));
        let length = pieces.iter().map(Piece::length).fold(0, u64::saturating_add);
        if head_only {
            pieces.clear();
        }
        pieces.insert(0, http::head(length).into());
        pieces
    }
}
