//! What the balancer's part of a configuration means: its texts, and what is told of them.

mod checker;
mod consistency;
mod dump;
mod group;
mod server;

use super::super::Resolver;
use super::LvsInherited;
use crate::config::diagnostic::{Origin, Phase};
use crate::config::host::Stated;
use crate::config::resolve::track::{Known, Trackable, bfd_names};
use crate::config::testing::read;
use crate::model::checker::{Checker, Micros, Probe, Schedule};
use crate::model::lvs::*;
use crate::model::track::Weight;

fn host() -> Stated {
    Stated::with(&["eth0"]).script("/bin/up").script("/bin/down").script("/bin/check")
}

/// Resolves a text with a tracked file `TF` above it; messages as `line class text`, those without a line in keepalived
/// with line 0.
fn load_with(text: &str, inherited: LvsInherited) -> (Lvs, Vec<String>) {
    let (draft, mut problems) = read(text);
    let host = host();
    let mut resolver = Resolver::new(&host, &mut problems);
    let file = Known { at: Origin::default(), weight: Weight { value: 3, reverse: true }, works: true };
    let names = Trackable { bfd: bfd_names(&draft.bfd), files: [("TF".into(), file)].into_iter().collect(), ..Trackable::default() };
    let lvs = resolver.lvs(draft.lvs, &inherited, &names);
    problems.sort();
    let line = |at: Option<Origin>, phase| if phase == Phase::Reading { at.map_or(0, |at| at.line) } else { 0 };
    (lvs, problems.iter().map(|d| format!("{} {} {}", line(d.at, d.phase), d.class.name(), d.text)).collect())
}

fn load(text: &str) -> (Lvs, Vec<String>) {
    load_with(text, LvsInherited::default())
}

/// A faultless virtual server around `lines`, which begin at line 2.
fn with_vs(lines: &str) -> String {
    format!("virtual_server 10.0.0.1 80 {{\n{lines}\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.0.2 8080 {{\n}}\n}}")
}

/// The same around a real server's `lines`, which begin at line 6.
fn with_rs(lines: &str) -> String {
    format!("virtual_server 10.0.0.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.0.2 8080 {{\n{lines}\n}}\n}}")
}

/// The same around a checker's `lines`, which begin at line 7.
fn with_check(kind: &str, lines: &str) -> String {
    with_rs(&format!("{kind} {{\n{lines}\n}}"))
}

fn vs(text: &str) -> VirtualServer {
    let (lvs, problems) = load(text);
    assert!(problems.is_empty(), "{text}: {problems:?}");
    lvs.virtual_servers.into_iter().next().expect("one virtual server")
}

fn rs(text: &str) -> RealServer {
    vs(text).real_servers.into_iter().next().expect("one real server")
}

fn probe(kind: &str, lines: &str) -> (Schedule, Probe) {
    match rs(&with_check(kind, lines)).checkers.into_iter().next() {
        Some(Checker::Probe { schedule, probe }) => (schedule, probe),
        other => unreachable!("{kind} {lines}: {other:?}"),
    }
}

fn seconds(secs: u32) -> Micros {
    Micros::from_secs(secs)
}
