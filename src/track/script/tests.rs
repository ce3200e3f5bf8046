use super::*;
use crate::model::script::Action as What;
use crate::model::track::{Tracker, Trackers, Weight};
use crate::model::vrrp::{Notify, SyncGroup};

const SECOND: Duration = Duration::from_secs(1);

fn command(word: &str) -> Script {
    Script { argv: [word.into()].into(), action: What::Execute(word.into()), uid: 0, gid: 0, groups: None }
}

/// Every second, for at most two, rise 2, fall 3.
fn script(name: &str) -> TrackScript {
    TrackScript {
        name: name.into(),
        command: command("/chk"),
        interval: SECOND,
        timeout: SECOND * 2,
        weight: Weight::default(),
        rise: 2,
        fall: 3,
        init_fail: false,
    }
}

/// All are tracked by a group.
fn model(scripts: Vec<TrackScript>) -> Model {
    let names = scripts.iter().map(|script| Tracker { name: script.name.clone(), weight: Weight::default() }).collect();
    let trackers = Trackers { scripts: names, ..Trackers::default() };
    let (name, members, notify) = ("G".into(), Vec::new(), Notify::default());
    let group = SyncGroup { name, members, trackers, tracking_weight: false, notify, smtp_alert: false };
    let mut model = Model::default();
    model.tracked.scripts = scripts;
    model.vrrp.groups.push(group);
    model
}

fn at(millis: u64) -> Instant {
    Instant::from_nanos(1_000_000_000) + Duration::from_millis(millis)
}

/// Actions in short; log lines only where they say that something was not done.
fn short(actions: &[Action]) -> Vec<String> {
    let text = |action: &Action| match action {
        Action::Run { run, .. } => Some(format!("run {}", run.0)),
        Action::Signal { run, signal } => Some(format!("{signal:?} {}", run.0)),
        Action::Report { name, up } => Some(format!("{name} {}", if *up { "up" } else { "down" })),
        Action::Say(line) => line.text.contains("skipping run").then(|| "skipped".to_owned()),
    };
    actions.iter().filter_map(text).collect()
}

#[derive(Debug)]
struct Story {
    scripts: Scripts,
    actions: Vec<Action>,
}

impl Story {
    fn new(script: TrackScript) -> Self {
        let mut actions = Vec::new();
        let scripts = Scripts::start(at(0), &model(vec![script]), &mut actions);
        Self { scripts, actions }
    }

    fn tick(&mut self, millis: u64) -> Vec<String> {
        self.scripts.handle(at(millis), Event::Tick, &mut self.actions);
        self.drain()
    }

    fn ended(&mut self, millis: u64, run: u64, outcome: Outcome) -> Vec<String> {
        self.scripts.handle(at(millis), Event::Ended { run: RunId(run), outcome }, &mut self.actions);
        self.drain()
    }

    fn reload(&mut self, millis: u64, scripts: Vec<TrackScript>) -> Vec<String> {
        self.scripts.reconfigure(at(millis), &model(scripts), &mut self.actions);
        self.drain()
    }

    fn drain(&mut self) -> Vec<String> {
        short(&std::mem::take(&mut self.actions))
    }

    fn said(&mut self) -> Vec<String> {
        let say = |action| if let Action::Say(line) = action { Some(line.text) } else { None };
        std::mem::take(&mut self.actions).into_iter().filter_map(say).collect()
    }
}

#[test]
fn results_add_up() {
    const G: Outcome = Outcome::Exited(0);
    const B: Outcome = Outcome::Exited(1);
    const K: Outcome = Outcome::Killed(9);
    for (title, rise, fall, init_fail, results, want) in [
        ("the first success counts at once", 3, 3, false, &[G, G][..], "U."),
        ("the first failure counts at once", 3, 3, false, &[B, B], "D."),
        ("fall failures in a row", 2, 3, false, &[G, B, B, B, B], "U..D."),
        ("a success in between begins anew", 2, 3, false, &[G, B, B, G, B, B, B], "U.....D"),
        ("rise successes in a row", 2, 3, false, &[B, G, G, G], "D.U."),
        ("a failure in between begins anew", 2, 1, false, &[B, G, B, G, G], "D...U"),
        ("a signal is a failure", 1, 2, false, &[G, K, B], "U.D"),
        ("failed until the first result, which counts at once", 3, 3, true, &[G, B, B, B], "U..D"),
        ("failed until the first result, which says the same", 2, 1, true, &[B, G, G], "..U"),
    ] {
        let mut story = Story::new(TrackScript { rise, fall, init_fail, ..script("chk") });
        let first = if init_fail { vec!["chk down", "run 1"] } else { vec!["run 1"] };
        assert_eq!(story.drain(), first, "{title}");
        let mut seen = String::new();
        for (run, result) in (1..).zip(results) {
            let reports = story.ended(run * 1000 - 500, run, result.clone());
            seen.push_str(match reports.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                [] => ".",
                ["chk up"] => "U",
                ["chk down"] => "D",
                _ => "?",
            });
            assert_eq!(story.tick(run * 1000), [format!("run {}", run + 1)], "{title}");
        }
        assert_eq!(seen, want, "{title}");
    }
}

#[test]
fn runs_keep_their_rhythm_whatever_they_take() {
    let mut story = Story::new(script("chk"));
    assert_eq!(story.scripts.next_deadline(), Some(at(1000)));
    story.drain();
    story.ended(300, 1, Outcome::Exited(0));
    // Late by a quarter: the next one is not.
    assert_eq!(story.tick(1250), ["run 2"]);
    assert_eq!(story.scripts.next_deadline(), Some(at(2000)));
    story.ended(1300, 2, Outcome::Exited(0));
    // A process that slept does not make up for what it missed.
    assert_eq!(story.tick(7100), ["run 3"]);
    assert_eq!(story.scripts.next_deadline(), Some(at(8000)));
}

#[test]
fn a_run_that_takes_long_is_not_overtaken() {
    let mut story = Story::new(TrackScript { timeout: SECOND * 10, ..script("chk") });
    story.drain();
    assert_eq!(story.tick(1000), ["skipped"]);
    assert_eq!(story.tick(2000), Vec::<String>::new(), "it is said once");
    assert_eq!(story.ended(2500, 1, Outcome::Exited(0)), ["chk up"]);
    assert_eq!(story.tick(3000), ["run 2"]);
}

#[test]
fn a_run_that_takes_too_long_has_failed_and_is_ended() {
    let mut story = Story::new(TrackScript { fall: 2, ..script("chk") });
    story.drain();
    story.ended(10, 1, Outcome::Exited(0));
    assert_eq!(story.tick(1000), ["run 2"]);
    assert_eq!(story.tick(2000), ["skipped"]);
    assert_eq!(story.tick(3000), ["Terminate 2"]);
    // Its status comes too late, even a good one.
    assert_eq!(story.ended(3500, 2, Outcome::Exited(0)), Vec::<String>::new());
    assert_eq!(story.tick(4000), ["run 3"]);
    assert_eq!(story.tick(5000), ["skipped"]);
    assert_eq!(story.tick(6000), ["Terminate 3", "chk down"]);
}

#[test]
fn a_run_that_does_not_end_is_killed_and_one_that_cannot_be_fails_on() {
    let mut story = Story::new(script("chk"));
    story.drain();
    story.ended(10, 1, Outcome::Exited(0));
    story.tick(1000);
    story.tick(2000);
    assert_eq!(story.tick(3000), ["Terminate 2"]);
    assert_eq!(story.tick(4000), Vec::<String>::new());
    assert_eq!(story.tick(5000), ["Kill 2"], "and the second failure");
    assert_eq!(story.tick(6000), ["chk down"]);
    assert_eq!(story.ended(6500, 2, Outcome::Killed(9)), Vec::<String>::new());
    assert_eq!(story.tick(7000), ["run 3"]);
}

#[test]
fn what_happens_is_said_as_tools_know_it() {
    let mut story = Story::new(TrackScript { rise: 1, fall: 1, ..script("chk") });
    for (run, outcome, want) in [
        (1, Outcome::Exited(0), &["VRRP_Script(chk) succeeded"][..]),
        (2, Outcome::Exited(3), &["Script `chk` now returning 3", "VRRP_Script(chk) failed (exited with status 3)"]),
        (3, Outcome::Exited(3), &[]),
        (4, Outcome::Exited(4), &["Script `chk` now returning 4"]),
        (5, Outcome::Exited(0), &["Script `chk` now returning 0", "VRRP_Script(chk) succeeded"]),
        (6, Outcome::Killed(9), &["VRRP_Script(chk) failed (due to signal 9)"]),
        (7, Outcome::Unstarted("no memory".to_owned()), &[]),
    ] {
        story.actions.clear();
        story.scripts.handle(at(run * 1000 - 500), Event::Ended { run: RunId(run), outcome }, &mut story.actions);
        assert_eq!(story.said(), want, "{run}");
        story.tick(run * 1000);
    }
}

#[test]
fn a_run_that_takes_long_is_told_as_tools_know_it() {
    let mut story = Story::new(TrackScript { timeout: SECOND / 2, ..script("chk") });
    story.actions.clear();
    story.scripts.handle(at(500), Event::Tick, &mut story.actions);
    story.scripts.handle(at(1000), Event::Tick, &mut story.actions);
    assert_eq!(story.said(), ["VRRP_Script(chk) timed_out", "Track script chk is being timed out, expect idle - skipping run"]);
    let mut story = Story::new(script("chk"));
    story.actions.clear();
    story.scripts.handle(at(1000), Event::Tick, &mut story.actions);
    assert_eq!(story.said(), ["Track script chk is already running, expect idle - skipping run"]);
}

#[test]
fn a_result_outlives_a_reload_with_the_same_command() {
    let longer = |script| TrackScript { interval: SECOND * 5, fall: 1, ..script };
    let other_user = |script| TrackScript { command: Script { uid: 7, ..command("/chk") }, ..script };
    let other_command = |script| TrackScript { command: command("/other"), ..script };
    let renamed = |script| TrackScript { name: "new".into(), ..script };
    // Run 2 is under way.
    for (title, change, want, deadline) in [
        ("the same", (|script| script) as fn(_) -> _, &["chk up"][..], 2000),
        ("another rhythm", longer, &["chk up"], 2000),
        ("another user", other_user, &["Terminate 2", "run 3"], 2500),
        ("another command", other_command, &["Terminate 2", "run 3"], 2500),
        ("another name", renamed, &["run 3", "Terminate 2"], 2500),
    ] {
        let mut story = Story::new(script("chk"));
        story.drain();
        story.ended(10, 1, Outcome::Exited(0));
        story.tick(1000);
        let mut reloaded = story.reload(1500, vec![change(script("chk"))]);
        // The order in which unrelated runs end and begin does not matter.
        reloaded.sort();
        let mut want = want.to_vec();
        want.sort_unstable();
        assert_eq!(reloaded, want, "{title}");
        assert_eq!(story.scripts.next_deadline(), Some(at(deadline)), "{title}");
    }
}

#[test]
fn a_run_of_before_the_reload_says_nothing_and_is_killed_in_the_end() {
    let mut story = Story::new(script("chk"));
    story.drain();
    let changed = TrackScript { command: command("/other"), ..script("chk") };
    assert_eq!(story.reload(500, vec![changed.clone()]), ["Terminate 1", "run 2"]);
    assert_eq!(story.ended(600, 2, Outcome::Exited(0)), ["chk up"]);
    let mut killed = story.tick(2500);
    killed.retain(|action| !action.starts_with("run"));
    assert_eq!(killed, ["Kill 1"]);
    assert_eq!(story.ended(2600, 1, Outcome::Exited(1)), Vec::<String>::new());
    assert_eq!(story.reload(2700, Vec::new()), ["Terminate 3"]);
    assert_eq!(story.scripts.next_deadline(), Some(at(4700)));
}

#[test]
fn scripts_that_nobody_tracks_are_not_run() {
    let mut model = model(vec![script("used")]);
    model.tracked.scripts.push(script("unused"));
    let mut actions = Vec::new();
    let mut scripts = Scripts::start(at(0), &model, &mut actions);
    assert_eq!(short(&actions), ["run 1"]);
    actions.clear();
    scripts.stop(at(100), &mut actions);
    assert_eq!(short(&actions), ["Terminate 1"]);
}

#[test]
fn scripts_start_in_the_order_of_the_configuration() {
    let named = |name: &&str| TrackScript { command: command(name), ..script(name) };
    let names = ["plus", "minus", "back"];
    let mut actions = Vec::new();
    drop(Scripts::start(at(0), &model(names.iter().map(named).collect()), &mut actions));
    let started = actions.iter().filter_map(|action| if let Action::Run { script, .. } = action { Some(&*script.argv[0]) } else { None });
    assert!(started.eq(names));
}

#[test]
fn a_time_out_that_is_our_own_stall_is_not_the_scripts_failure() {
    let mut story = Story::new(TrackScript { interval: SECOND * 10, fall: 1, ..script("chk") });
    story.drain();
    // It had until 2000, of which we have slept through the end, and perhaps it has too.
    assert_eq!(story.tick(3500), Vec::<String>::new());
    assert_eq!(story.scripts.next_deadline(), Some(at(5500)));
    assert_eq!(story.ended(3600, 1, Outcome::Exited(0)), ["chk up"]);
}

#[test]
fn after_a_stall_a_script_has_its_time_once_more_and_not_twice() {
    let mut story = Story::new(TrackScript { interval: SECOND * 10, fall: 1, ..script("chk") });
    story.drain();
    assert_eq!(story.tick(2900), Vec::<String>::new());
    assert_eq!(story.tick(4899), Vec::<String>::new());
    assert_eq!(story.tick(4900), ["Terminate 1", "chk down"], "two seconds of our own time");
}

#[test]
fn a_machine_that_is_merely_busy_is_no_excuse() {
    let mut story = Story::new(TrackScript { interval: SECOND * 10, fall: 1, ..script("chk") });
    story.drain();
    assert_eq!(story.tick(2099), ["Terminate 1", "chk down"]);
}
