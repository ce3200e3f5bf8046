//! When attempts begin, and when their results count.

use super::bench::{Bench, START, rs, vs};
use crate::effect::probe::Outcome;
use crate::lvs::Event;
use std::time::Duration;

/// A real server with one checker, and when its attempts began, in seconds from the start, while it was down from `from` to `to`.
fn begun(checker: &str, targets: &[&str], from: u64, to: u64, end: u64) -> (Vec<u64>, Vec<String>) {
    let text = "global_defs {\nscript_user root\n}\n".to_owned() + &vs("10.0.0.100 80", "", &[rs(11, "", checker)]);
    let (mut bench, _) = Bench::start(&text.replace("delay_loop 1", "delay_loop 10"));
    let mut told = bench.pass(from * 1000);
    for target in targets {
        bench.down(target);
    }
    told.extend(bench.pass((to - from) * 1000));
    for target in targets {
        bench.up(target);
    }
    told.extend(bench.pass((end - to) * 1000));
    let times = bench.begun.iter().map(|(at, _)| at / 1000).collect();
    (
        times,
        told.into_iter().filter(|line| line.starts_with("RS")).map(|line| line.rsplit(' ').next().expect("a word").to_owned()).collect(),
    )
}

#[test]
fn every_kind_has_its_rhythm() {
    let target = "10.0.0.11:80";
    for (checker, targets, from, to, want, told) in [
        ("TCP_CHECK {\nretry 2\n}\n", vec![target], 5, 30, vec![1, 11, 12, 13, 23, 33, 43], vec!["DOWN", "UP"]),
        ("TCP_CHECK {\nretry 2\n}\n", vec![target], 5, 11, vec![1, 11, 12, 22, 32, 42], vec![]),
        // The first failure of all is believed at once, with SMTP alone it is not.
        ("TCP_CHECK {\nretry 2\n}\n", vec![target], 0, 5, vec![1, 11, 21, 31, 41], vec!["DOWN", "UP"]),
        ("PING_CHECK {\nretry 2\n}\n", vec![target], 0, 5, vec![1, 11, 21, 31, 41], vec!["DOWN", "UP"]),
        ("UDP_CHECK {\nretry 2\n}\n", vec![target], 0, 5, vec![1, 11, 21, 31, 41], vec!["DOWN", "UP"]),
        ("SMTP_CHECK {\nretry 2\n}\n", vec![target], 0, 5, vec![1, 2, 3, 13, 23, 33, 43], vec!["DOWN", "UP"]),
        ("SMTP_CHECK {\nretry 2\n}\n", vec![target], 0, 2, vec![1, 2, 3, 13, 23, 33, 43], vec![]),
        ("DNS_CHECK {\nretry 1\ndelay_before_retry 2\n}\n", vec![target], 5, 30, vec![1, 11, 13, 23, 33, 43], vec!["DOWN", "UP"]),
        // One with alpha is said to be down without delay as well.
        ("TCP_CHECK {\nretry 3\nalpha\n}\n", vec![target], 0, 5, vec![1, 11, 21, 31, 41], vec!["DOWN", "UP"]),
        ("TCP_CHECK {\nretry 3\nalpha\n}\n", vec![target], 40, 41, vec![1, 11, 21, 31, 41, 42], vec!["UP"]),
        ("HTTP_GET {\nurl {\npath /a\n}\n}\n", vec!["10.0.0.11:80/a"], 5, 20, vec![1, 11, 14, 24, 34, 44], vec!["DOWN", "UP"]),
        (
            "HTTP_GET {\nfast_recovery\nurl {\npath /a\n}\nurl {\npath /b\n}\n}\n",
            vec!["10.0.0.11:80/b"],
            5,
            20,
            vec![1, 11, 14, 24, 24, 24, 34, 44],
            vec!["DOWN", "UP"],
        ),
        ("HTTP_GET {\nalpha\nurl {\npath /a\n}\nurl {\npath /b\n}\n}\n", vec![], 5, 20, vec![1, 11, 21, 31, 41], vec!["UP"]),
    ] {
        let (times, transitions) = begun(checker, &targets, from, to, 44);
        assert_eq!((times, transitions), (want, told.into_iter().map(str::to_owned).collect()), "{checker} {from} {to}");
    }
}

#[test]
fn a_script_is_started_a_while_after_its_start_but_never_before_its_end() {
    let text = "global_defs {\nscript_user root\n}\n".to_owned()
        + &vs("10.0.0.100 80", "", &[rs(11, "", "MISC_CHECK {\nmisc_path \"/rc a\"\nmisc_timeout 30\n}\n")]);
    let (mut bench, _) = Bench::start(&text.replace("delay_loop 1", "delay_loop 10"));
    bench.silent = true;
    for (runs_for, next) in [(3, 11), (9, 21), (15, 36), (1, 46)] {
        bench.pass(bench.engine.next_deadline().expect("waiting").since(bench.now).as_millis().try_into().expect("short"));
        bench.now += Duration::from_secs(runs_for);
        let run = *bench.pending.keys().next().expect("one is under way");
        bench.end(run, Outcome::Status(0));
        assert_eq!(bench.engine.next_deadline(), Some(START + Duration::from_secs(next)), "{runs_for}");
    }
}

#[test]
fn what_could_not_be_tried_says_nothing() {
    let text = vs("10.0.0.100 80", "", &[rs(11, "", "TCP_CHECK {\nretry 1\n}\n")]).replace("delay_loop 1", "delay_loop 10");
    let (mut bench, _) = Bench::start(&text);
    bench.pass(5000);
    bench.answers.insert("10.0.0.11:80".to_owned(), Outcome::Untried("no socket".into()));
    assert_eq!(bench.pass(40_000), [""; 0]);
    bench.answers.insert("10.0.0.11:80".to_owned(), Outcome::Failed("refused".into()));
    assert_eq!(bench.pass(10_000).len(), 3);
    bench.answers.insert("10.0.0.11:80".to_owned(), Outcome::Untried("no socket".into()));
    assert_eq!(bench.pass(40_000), [""; 0], "nor of one that is down");
    let times: Vec<u64> = bench.begun.iter().map(|(at, _)| at / 1000).collect();
    assert_eq!(times, [1, 11, 21, 31, 41, 51, 52, 62, 72, 82, 92], "the interval, each time");
    assert!(bench.log.contains(&"TCP_CHECK on service [10.0.0.11]:tcp:80 could not be tried: no socket".to_owned()));
}

#[test]
fn the_first_attempts_are_spread_over_the_warmup() {
    let reals: Vec<String> = (0..250).map(|n| rs(n, "", "TCP_CHECK {\n}\n")).collect();
    let text: String = (0..8).map(|n| vs(&format!("10.0.0.{n} 80"), "", &reals)).collect();
    let (mut bench, _) = Bench::start(&text.replace("delay_loop 1", "delay_loop 60").replace("warmup 0\n", ""));
    for _ in 0..2 {
        bench.begun.clear();
        bench.pass(if bench.now == START { 61_000 } else { 60_000 });
        assert_eq!(bench.begun.len(), 2000);
        let mut seconds = [0_u32; 60];
        for (at, _) in &bench.begun {
            let second = usize::try_from((at - 1000) / 1000 % 60).expect("small");
            seconds[second] += 1;
        }
        assert!(seconds.iter().all(|count| (12..=60).contains(count)), "some 33 a second: {seconds:?}");
    }
}

#[test]
fn only_the_last_failure_is_logged_unless_all_are_wanted() {
    for (lines, want) in [("", 1), ("log_all_failures\n", 4)] {
        let (mut bench, _) = Bench::start(&vs("10.0.0.100 80", "", &[rs(11, "", &format!("TCP_CHECK {{\nretry 1\n{lines}}}\n"))]));
        bench.pass(1500);
        bench.down("10.0.0.11:80");
        bench.pass(4000);
        let failures: Vec<&String> = bench.log.iter().filter(|line| line.contains("failed")).collect();
        assert_eq!(failures.len(), want, "{failures:?}");
        assert!(failures.iter().any(|line| *line == "TCP_CHECK on service [10.0.0.11]:tcp:80 failed after 1 retries. (no answer)"));
    }
}

#[test]
fn a_suspended_checker_is_cancelled_and_keeps_its_verdict() {
    let (mut bench, _) = Bench::start(&vs("10.0.0.100 80", "ha_suspend", &[rs(11, "", "TCP_CHECK {\n}\n")]));
    bench.ours("10.0.0.100", true);
    bench.silent = true;
    bench.pass(1000);
    let run = *bench.pending.keys().next().expect("one is under way");
    bench.ours("10.0.0.100", false);
    assert!(bench.pending.is_empty());
    assert_eq!(bench.handle(Event::Ended { run, outcome: Outcome::Failed("late".into()) }), [""; 0]);
    assert!(bench.engine.snapshot().servers[0].real_servers[0].alive);
}
