//! A successor carries on where a predecessor was.

use super::bench::{Bench, TCP, rs, vs};
use std::sync::Arc;
use std::time::Duration;

fn text() -> String {
    let misc = "MISC_CHECK {\nmisc_path \"/rc a\"\nmisc_dynamic\n}\n";
    "global_defs {\nscript_user root\nrs_init_notifies\n}\n".to_owned()
        + &vs("10.0.0.100 80", "quorum 3\nhysteresis 1\nsorry_server 10.0.0.200 80", &[rs(11, "", TCP), rs(12, "weight 4", TCP)])
        + &vs("10.0.0.101 80", "alpha", &[rs(12, "", TCP), rs(13, "weight 3", misc)])
        + &vs("10.0.0.102 80", "", &[rs(14, "", TCP)])
}

#[test]
fn the_table_is_the_same_and_nobody_is_told() {
    let (mut bench, _) = Bench::start(&text());
    bench.down("10.0.0.12:80");
    bench.exits("a", 9);
    bench.pass(3000);
    assert_eq!(bench.table(), ["10.0.0.100:80 .200*1", "10.0.0.101:80 .13*7", "10.0.0.102:80 .14*1"]);
    let keys: Vec<&str> = bench.records.keys().map(|key| &**key).collect();
    let want = [
        "[10.0.0.100]:tcp:80 [10.0.0.11]:80",
        "[10.0.0.100]:tcp:80 [10.0.0.12]:80",
        "[10.0.0.101]:tcp:80 [10.0.0.12]:80",
        "[10.0.0.101]:tcp:80 [10.0.0.13]:80",
    ];
    assert_eq!(keys, want, "what a fresh start would not think; of the quorum, the first tells");
    let records: Vec<_> = bench.records.values().cloned().collect();
    let (mut next, told) = Bench::resume(bench.now + Duration::from_secs(5), Arc::clone(&bench.model), &records);
    assert!(told.iter().all(|line| line.starts_with("hold")), "{told:?}");
    assert_eq!(next.table(), bench.table());
    next.down = bench.down.clone();
    next.answers = bench.answers.clone();
    assert_eq!(next.pass(3000), [""; 0]);
    next.up("10.0.0.12:80");
    next.exits("a", 0);
    next.pass(3000);
    assert_eq!(next.table()[0], "10.0.0.100:80 .11*1 .12*4");
    let keys: Vec<&str> = next.records.keys().map(|key| &**key).collect();
    let want = ["[10.0.0.100]:tcp:80 [10.0.0.11]:80", "[10.0.0.101]:tcp:80 [10.0.0.12]:80", "[10.0.0.101]:tcp:80 [10.0.0.13]:80"];
    assert_eq!(keys, want, "that alpha's are up is worth knowing");
}

#[test]
fn a_removed_server_is_forgotten() {
    let (mut bench, _) = Bench::start(&text());
    bench.down("10.0.0.12:80");
    bench.pass(3000);
    assert!(!bench.records.is_empty());
    bench.reload(&vs("10.0.0.102 80", "", &[rs(14, "", TCP)]));
    let keys: Vec<&str> = bench.records.keys().map(|key| &**key).collect();
    assert_eq!(keys, ["[10.0.0.102]:tcp:80 [10.0.0.14]:80"], "the first always has a record");
}

#[test]
fn a_changed_checker_takes_up_the_verdict_of_the_one_in_its_place() {
    let (mut bench, _) = Bench::start(&text());
    bench.down("10.0.0.12:80");
    bench.pass(3000);
    let records: Vec<_> = bench.records.values().cloned().collect();
    let changed = super::bench::model(&text().replace("connect_timeout 1", "connect_timeout 2"));
    let (next, _) = Bench::resume(bench.now, changed, &records);
    assert_eq!(next.table(), bench.table());
}

#[test]
fn a_successor_in_good_health_is_silent_too() {
    let (mut bench, told) = Bench::start(&text());
    assert!(told.contains(&"VS [10.0.0.102]:tcp:80 UP".to_owned()));
    let records: Vec<_> = bench.records.values().cloned().collect();
    assert_eq!(records.len(), 1);
    let (_, told) = Bench::resume(bench.now, Arc::clone(&bench.model), &records);
    assert!(told.iter().all(|line| line.starts_with("hold")), "{told:?}");
    bench.reload(&vs("10.0.0.99 80", "", &[rs(9, "", TCP)]));
    let keys: Vec<&str> = bench.records.keys().map(|key| &**key).collect();
    assert_eq!(keys, ["[10.0.0.99]:tcp:80 [10.0.0.9]:80"]);
}
