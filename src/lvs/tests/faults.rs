//! What must not happen, and does.

use super::bench::{Bench, START, TCP, model, rs, vs};
use crate::effect::probe::{Outcome, RunId};
use crate::lvs::{Action, Engine, Event};

#[test]
fn an_attempt_that_never_ends_is_given_up_and_begun_again() {
    for (checker, seconds) in [
        ("TCP_CHECK {\nconnect_timeout 3\n}\n", 11),
        ("HTTP_GET {\nconnect_timeout 3\nurl {\npath /\n}\n}\n", 53),
        ("MISC_CHECK {\nmisc_path \"/rc a\"\nmisc_timeout 7\n}\n", 19),
    ] {
        let text = "global_defs {\nscript_user root\n}\n".to_owned() + &vs("10.0.0.100 80", "", &[rs(11, "", checker)]);
        let (mut bench, _) = Bench::start(&text);
        bench.silent = true;
        bench.pass(1000 + seconds * 1000 - 1);
        assert_eq!(bench.begun.len(), 1, "{checker}");
        assert_eq!(bench.pass(1), [""; 0], "it says nothing of the target");
        assert_eq!((bench.begun.len(), bench.pending.len()), (2, 1), "{checker}");
        assert!(bench.log.iter().any(|line| line.contains("has not ended")), "{:?}", bench.log);
        let lost = RunId(1);
        assert_eq!(bench.handle(Event::Ended { run: lost, outcome: Outcome::Failed("late".into()) }), [""; 0]);
        bench.silent = false;
        bench.pass(5000);
        assert!(bench.begun.len() > 3, "{checker}");
    }
}

#[test]
fn news_of_nothing_we_know_are_no_news() {
    let (mut bench, _) = Bench::start(&vs("10.0.0.100 80", "", &[rs(11, "", TCP)]));
    for event in [
        Event::Tick,
        Event::Ended { run: RunId(77), outcome: Outcome::Good },
        Event::File { name: "none", value: 3 },
        Event::Bfd { session: "none", up: false },
        Event::Ours { address: [10, 0, 0, 9].into(), ours: true },
    ] {
        assert_eq!(bench.handle(event), [""; 0]);
    }
    assert_eq!(bench.log.len(), 2, "{:?}", bench.log);
}

#[test]
fn real_servers_are_announced_at_the_start_if_so_wished() {
    let text = "global_defs {\nrs_init_notifies\n}\n".to_owned() + &vs("10.0.0.100 80", "", &[rs(11, "", TCP), rs(12, "alpha", TCP)]);
    let (_, told) = Bench::start(&text);
    assert_eq!(told, ["hold 10.0.0.100:80 .11*1", "RS [10.0.0.11]:tcp:80 [10.0.0.100]:tcp:80 UP", "VS [10.0.0.100]:tcp:80 UP"]);
}

#[test]
fn a_server_without_checkers_is_up_whatever_alpha_says() {
    let (bench, _) = Bench::start(&vs("10.0.0.100 80", "alpha", &[rs(11, "", ""), rs(12, "", TCP)]));
    assert_eq!(bench.table(), ["10.0.0.100:80 .11*1"]);
}

#[test]
fn a_server_named_twice_is_two_owners() {
    let one = vs("10.0.0.100 80", "", &[rs(11, "", TCP)]);
    let other = vs("10.0.0.100 80", "", &[rs(12, "", TCP)]);
    let held = |actions: &[Action]| -> Vec<(u32, usize)> {
        let held = actions.iter().filter_map(|action| match action {
            Action::Hold { owner, services } => Some((owner.0, services.len())),
            Action::Begin { .. } | Action::Cancel(_) | Action::Notify(_) | Action::Record(_) | Action::Forget(_) | Action::Say(_) => None,
        });
        held.collect()
    };
    let mut actions = Vec::new();
    let mut engine = Engine::start(START, model(&format!("{one}{other}")), 1, &[], &mut actions);
    assert_eq!(held(&actions), [(1, 1), (2, 1)]);
    actions.clear();
    engine.reconfigure(START, model(&one), &mut actions);
    assert_eq!(held(&actions), [(2, 0)], "the first stays");
    actions.clear();
    engine.reconfigure(START, model(&format!("{one}{other}")), &mut actions);
    assert_eq!(held(&actions), [(3, 1)], "a number is never given twice");
}
