//! Any history at all: what is held is what the rules say, and what a successor would hold.

use super::bench::{Bench, rs, vs};
use crate::effect::probe::Outcome;
use crate::lvs::view::View;
use proptest::prelude::*;
use std::sync::Arc;

#[derive(Clone, Debug)]
struct Real {
    n: u8,
    weight: u32,
    inhibit: bool,
    alpha: bool,
    /// Kinds, ports and arguments of its checkers.
    checks: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Server {
    n: u8,
    quorum: u32,
    hysteresis: u32,
    /// The last octet of the sorry server, and whether it is inhibited.
    sorry: Option<(u8, bool)>,
    reals: Vec<Real>,
}

#[derive(Clone, Debug)]
enum Step {
    Answer(u8, u8),
    Pass(u64),
    Hush(bool),
    Reload(Vec<Server>),
    Settle,
}

fn real() -> impl Strategy<Value = Real> {
    let checks = prop::collection::vec(0_u8..8, 0..3);
    (11_u8..15, 0_u32..4, any::<bool>(), prop::bool::weighted(0.3), checks).prop_map(|(n, weight, inhibit, alpha, mut checks)| {
        checks.dedup();
        Real { n, weight, inhibit, alpha, checks }
    })
}

fn server() -> impl Strategy<Value = Server> {
    let sorry = prop::option::of((prop::sample::select(vec![11_u8, 12, 200]), any::<bool>()));
    (100_u8..103, 1_u32..5, 0_u32..3, sorry, prop::collection::vec(real(), 1..5)).prop_map(|(n, quorum, hysteresis, sorry, mut reals)| {
        reals.sort_by_key(|real| real.n);
        reals.dedup_by_key(|real| real.n);
        // One server is inhibited or not, whichever role it plays.
        if let Some((twin, inhibit)) = sorry {
            reals.iter_mut().filter(|real| real.n == twin).for_each(|real| real.inhibit = inhibit);
        }
        Server { n, quorum, hysteresis, sorry, reals }
    })
}

fn servers() -> impl Strategy<Value = Vec<Server>> {
    prop::collection::vec(server(), 1..4).prop_map(|mut servers| {
        servers.sort_by_key(|server| server.n);
        servers.dedup_by_key(|server| server.n);
        servers
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0_u8..8, 0_u8..8).prop_map(|(target, answer)| Step::Answer(target, answer)),
        4 => (0_u64..3000).prop_map(Step::Pass),
        1 => any::<bool>().prop_map(Step::Hush),
        2 => servers().prop_map(Step::Reload),
        2 => Just(Step::Settle),
    ]
}

fn text(servers: &[Server]) -> String {
    let check = |n: u8, kind: u8| match kind {
        0..3 => format!("TCP_CHECK {{\nretry {kind}\nconnect_ip 10.9.9.{n}\nconnect_port {}\n}}\n", 1 + kind),
        3 | 4 => format!("MISC_CHECK {{\nmisc_path \"/rc {n}-{kind}\"\nmisc_dynamic\n}}\n"),
        5 => format!("SMTP_CHECK {{\nconnect_ip 10.9.9.{n}\nconnect_port 6\n}}\n"),
        _ => format!("HTTP_GET {{\nretry 0\ndelay_before_retry 1\nconnect_ip 10.9.9.{n}\nurl {{\npath /{kind}\n}}\n}}\n"),
    };
    let real = |real: &Real| {
        let inhibit = if real.inhibit { "inhibit_on_failure\n" } else { "" };
        let alpha = if real.alpha { "alpha\n" } else { "" };
        let checks: String = real.checks.iter().map(|kind| check(real.n, *kind)).collect();
        rs(real.n, &format!("weight {}\n{inhibit}{alpha}", real.weight), &checks)
    };
    let server = |server: &Server| {
        let sorry = server.sorry.map_or(String::new(), |(n, inhibit)| {
            format!("sorry_server 10.0.0.{n} 80\n{}", if inhibit { "sorry_server_inhibit\n" } else { "" })
        });
        let lines = format!("quorum {}\nhysteresis {}\n{sorry}", server.quorum, server.hysteresis);
        vs(&format!("10.0.0.{} 80", server.n), &lines, &server.reals.iter().map(real).collect::<Vec<_>>())
    };
    "global_defs {\nscript_user root\n}\n".to_owned() + &servers.iter().map(server).collect::<String>()
}

/// The rules, said plainly: what is to be held, given what each checker thinks.
fn rules(servers: &[Server], view: &View) -> Vec<String> {
    let line = |(server, seen): (&Server, &crate::lvs::view::ServerView)| {
        let alive: Vec<bool> = seen.real_servers.iter().map(|real| real.checkers.iter().all(|checker| checker.up)).collect();
        let weights: Vec<i64> = server
            .reals
            .iter()
            .zip(&seen.real_servers)
            .map(|(real, seen)| (i64::from(real.weight) + seen.checkers.iter().map(|checker| checker.weight).sum::<i64>()).max(0))
            .collect();
        let sum: i64 = alive.iter().zip(&weights).filter(|(alive, _)| **alive).map(|(_, weight)| weight).sum();
        let total: u32 = server.reals.iter().map(|real| real.weight).sum();
        let quorum = server.quorum.min(total).max(1);
        let hysteresis = server.hysteresis.min(quorum - 1);
        if sum >= i64::from(quorum + hysteresis) {
            assert!(seen.quorum, "{sum} is enough");
        }
        if sum == 0 || sum < i64::from(quorum - hysteresis) {
            assert!(!seen.quorum, "{sum} is too little");
        }
        let sorry = server.sorry.filter(|_| !seen.quorum);
        let mut dests: Vec<(u8, i64)> = Vec::new();
        for (real, (alive, weight)) in server.reals.iter().zip(alive.iter().zip(&weights)) {
            match (*alive && sorry.is_none(), real.inhibit) {
                (true, _) => dests.push((real.n, *weight)),
                (false, true) => dests.push((real.n, 0)),
                (false, false) => {}
            }
        }
        match (server.sorry, sorry) {
            (_, Some((n, _))) => match dests.iter_mut().find(|dest| dest.0 == n) {
                Some(dest) => dest.1 = 1,
                None => dests.push((n, 1)),
            },
            (Some((n, true)), None) if dests.iter().all(|dest| dest.0 != n) => dests.push((n, 0)),
            (Some(_) | None, None) => {}
        }
        let dests: String = dests.iter().map(|(n, weight)| format!(" .{n}*{weight}")).collect();
        format!("10.0.0.{}:80{dests}", server.n)
    };
    servers.iter().zip(&view.servers).map(line).collect()
}

/// How a target answers.
fn outcome(script: bool, answer: u8) -> Outcome {
    match (answer, script) {
        (0..3, false) => Outcome::Good,
        (0..6, true) => Outcome::Status([0, 1, 2, 4, 9, 255][usize::from(answer)]),
        (3..6, false) => Outcome::Failed("no".into()),
        (6, _) => Outcome::Failed("timed out".into()),
        _ => Outcome::Untried("no socket".into()),
    }
}

fn check(bench: &Bench, servers: &[Server]) {
    let view = bench.engine.snapshot();
    let mut held: Vec<String> = bench.table();
    held.sort();
    assert_eq!(held, rules(servers, &view), "{view:#?}");
    let records: Vec<_> = bench.records.values().cloned().collect();
    let (next, told) = Bench::resume(bench.now, Arc::clone(&bench.model), &records);
    assert!(told.iter().all(|line| line.starts_with("hold")), "{told:?}");
    let mut taken_up = next.table();
    taken_up.sort();
    assert_eq!(taken_up, held, "{records:#?}");
    let seen = next.engine.snapshot();
    for (one, other) in view.servers.iter().zip(&seen.servers) {
        assert_eq!((one.quorum, one.weight), (other.quorum, other.weight), "{records:#?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_held_is_what_the_rules_say(first in servers(), steps in prop::collection::vec(step(), 1..14)) {
        let mut servers = first;
        let mut current = text(&servers);
        let (mut bench, _) = Bench::start(&current);
        check(&bench, &servers);
        for step in steps {
            match step {
                Step::Answer(target, answer) => {
                    let n = 11 + target % 4;
                    let kind = target / 2 + 4 * (target % 2);
                    for target in [format!("10.9.9.{n}:{}", 1 + kind), format!("10.9.9.{n}:80/{kind}")] {
                        bench.answers.insert(target, outcome(false, answer));
                    }
                    bench.answers.insert(format!("{n}-{}", 3 + kind % 2), outcome(true, answer));
                }
                Step::Pass(ms) => {
                    bench.pass(ms);
                }
                Step::Hush(silent) => bench.silent = silent,
                Step::Settle => {
                    bench.silent = false;
                    bench.pass(20_000);
                    let view = bench.engine.snapshot();
                    for checker in view.servers.iter().flat_map(|s| &s.real_servers).flat_map(|r| &r.checkers) {
                        prop_assert!(checker.has_run || bench.answers.values().any(|a| matches!(a, Outcome::Untried(_))));
                    }
                }
                Step::Reload(next) => {
                    let before = (bench.table(), bench.records.len());
                    let there = text(&next);
                    bench.reload(&there);
                    check(&bench, &next);
                    let back = bench.reload(&current);
                    check(&bench, &servers);
                    // Only what has been somewhere else meanwhile can have changed: servers that were not there begin anew.
                    if next.iter().map(|s| s.n).eq(servers.iter().map(|s| s.n)) && there == current {
                        prop_assert_eq!((bench.table(), bench.records.len()), before);
                        prop_assert!(back.is_empty());
                    }
                    bench.reload(&there);
                    servers = next;
                    current = there;
                }
            }
            check(&bench, &servers);
            prop_assert_eq!(bench.reload(&current), Vec::<String>::new(), "the same again is silent");
        }
        let told = bench.stop();
        prop_assert!(told.is_empty());
        prop_assert!(bench.pending.is_empty());
    }
}
