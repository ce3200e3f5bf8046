use super::*;
use crate::config::host::Stated;
use crate::config::testing;
use crate::effect::time::Instant;
use crate::model::Model;
use crate::model::net::Family;
use crate::model::track::Weight;
use crate::model::vrrp::Vrid;
use crate::vrrp::Cause;
use crate::vrrp::account::{Companion, Companions};
use crate::vrrp::stats::Stats;
use crate::vrrp::view::InstanceView;

const NOW: u64 = 1_000_000_000_000;
const CLOCK: Clock = Clock { now: Instant::from_nanos(NOW), wall: Duration::from_secs(2_000_000), east: |_| 0 };

fn cause(interface: &str) -> Cause {
    Cause::InterfaceDown(interface.into())
}

fn ago(seconds: u64) -> Instant {
    Instant::from_nanos(NOW - seconds * 1_000_000_000)
}

fn entry(seconds: u64, happening: Happening) -> Entry {
    Entry { first: ago(seconds), last: ago(seconds), times: 1, happening }
}

fn chk(says: Says, adds: i32) -> Term {
    Term { kind: Kind::Script, name: "chk".into(), weight: Weight { value: -20, reverse: false }, says, adds, fails: false }
}

const WAIT: Wait = Wait {
    adverts: 3,
    interval: Duration::from_secs(1),
    priority: 80,
    skew: Duration::from_micros(687_500),
    total: Duration::from_micros(3_687_500),
};

fn account(state: State) -> Account {
    let view = InstanceView {
        name: "VI_1".into(),
        vrid: Vrid(51),
        family: Family::V4,
        state,
        wanted: state,
        base_priority: 100,
        effective_priority: 80,
        master_priority: 90,
        master: Some([10, 0, 0, 2].into()),
        master_interval: Duration::from_secs(1),
        source: Some([10, 0, 0, 1].into()),
        last_transition: ago(123),
        since: None,
        reason: None,
        faults: Vec::new(),
        weights: -20,
        down_interval: Duration::ZERO,
        deadline: None,
        last_advert: None,
        device: None,
        own: None,
        holds_addresses: false,
        stats: Stats::default(),
    };
    Account { view, terms: vec![chk(Says::Down, -20)], causes: Vec::new(), waiting: None, group: None, history: Vec::new() }
}

fn model() -> Model {
    testing::load("vrrp_instance VI_1 {\ninterface e0\nvirtual_router_id 51\nadvert_int 1\n}\n", &Stated::with(&["e0"])).0
}

#[test]
fn a_backup_tells_who_is_better_and_how_long_it_waits() {
    let (by, source) = ([10, 0, 0, 2].into(), Some([10, 0, 0, 1].into()));
    let history = vec![
        entry(600, Happening::Entered(State::Backup)),
        entry(596, Happening::Silent(Wait { priority: 100, ..WAIT })),
        entry(596, Happening::Entered(State::Master)),
        entry(124, Happening::Reported(chk(Says::Down, -20))),
        entry(124, Happening::Priority { before: 100, after: 80 }),
        entry(123, Happening::Outranked { by, theirs: 90, ours: 80, source }),
        entry(123, Happening::Entered(State::Backup)),
    ];
    let waiting = Some(Waiting { wait: WAIT, left: Duration::from_millis(3200), towards_lower: TowardsLower::TakesOver });
    let told = lines(&Account { waiting, history, ..account(State::Backup) }, model().vrrp.instances.first(), CLOCK);
    let want = "VI_1 is BACKUP, for 2 min 3 s.
  It came to that when 10.0.0.2 says 90, and 90 > 80: a better master.

Priority:
  base 100, script chk -20 = 80
  script chk is down (weight -20): -20

Master:
  10.0.0.2 says 90, and 90 > 80, so VI_1 is BACKUP.
  It may be silent for 3 x 1 s + skew 0.6875 s = 3.6875 s (skew: (256 - 80) / 256 of 1 s).
  Without another advert VI_1 becomes MASTER in 3.2 s.

What happened, the oldest first:
    10 min 0 s ago  it entered BACKUP
    9 min 56 s ago  no advert had come for 3 x 1 s + skew 0.6875 s = 3.6875 s (skew: (256 - 100) / 256 of 1 s)
    9 min 56 s ago  it entered MASTER
     2 min 4 s ago  script chk is down (weight -20): -20
     2 min 4 s ago  its priority went from 100 to 80
     2 min 3 s ago  10.0.0.2 says 90, and 90 > 80: a better master
     2 min 3 s ago  it entered BACKUP";
    assert_eq!(told.join("\n"), want);
}

#[test]
fn a_lower_master_is_put_up_with_for_a_reason() {
    for (towards_lower, want) in [
        (TowardsLower::TakesOver, "  It is not accepted any more: its adverts do not count."),
        (TowardsLower::Accepts, "  It is accepted all the same, because of nopreempt."),
        (TowardsLower::AcceptsFor(Duration::from_secs(30)), "  It is accepted for preempt_delay, 30 s."),
        (TowardsLower::AcceptsStill(Duration::from_millis(12_500)), "  It is accepted for 12.5 s more, because of preempt_delay."),
    ] {
        let mut account = account(State::Backup);
        (account.view.master_priority, account.terms) = (70, Vec::new());
        account.waiting = Some(Waiting { wait: WAIT, left: Duration::ZERO, towards_lower });
        let told = lines(&account, None, CLOCK);
        assert!(told.iter().any(|line| line == want), "{told:#?}");
        assert!(told.iter().any(|line| line.starts_with("  10.0.0.2 says 70, and 70 < 80")), "{told:#?}");
    }
}

#[test]
fn sums_are_done_as_the_engine_does_them() {
    let with = |base: u8, effective: u8, terms: &[i32]| {
        let mut account = account(State::Backup);
        (account.view.base_priority, account.view.effective_priority) = (base, effective);
        account.terms = terms.iter().map(|&adds| chk(Says::Up, adds)).collect();
        sum(&account)
    };
    for (got, want) in [
        (with(100, 100, &[]), "base 100, and nothing is added to it"),
        (with(100, 100, &[0]), "base 100, and nothing is added to it"),
        (with(100, 85, &[-20, 5]), "base 100, script chk -20, script chk +5 = 85"),
        (with(100, 1, &[-200]), "base 100, script chk -200 = -100, kept between 1 and 254: 1"),
        (with(255, 255, &[-200]), "255: it owns the addresses, so nothing that it tracks changes its priority"),
    ] {
        assert_eq!(got, want);
    }
}

#[test]
fn a_fault_names_its_reasons_or_the_member_that_has_them() {
    let mut faulty = account(State::Fault);
    faulty.causes = vec![cause("e0")];
    assert!(lines(&faulty, None, CLOCK).contains(&"  interface e0 is down".to_owned()));
    let member = |name: &str, faulty| Companion { name: name.into(), state: State::Fault, wants_master: false, faulty };
    faulty.causes = Vec::new();
    faulty.group = Some(Companions { group: "G".into(), members: vec![member("VI_1", false), member("VI_2", true)] });
    let told = lines(&faulty, None, CLOCK);
    assert!(told.contains(&"  Nothing is wrong with it, but with VI_2 in its sync group.".to_owned()), "{told:#?}");
    assert!(told.contains(&"  VI_2 is FAULT, because of a fault of its own.".to_owned()), "{told:#?}");
}

#[test]
fn every_happening_has_words_and_repetitions_are_counted() {
    let (from, ours, theirs) = ([10, 0, 0, 2].into(), 100, 100);
    let source = Some([10, 0, 0, 1].into());
    for (happened, want) in [
        (Happening::Resumed, "the process had died, and this one carried on"),
        (Happening::Reloaded, "the configuration was read again"),
        (Happening::Resigned { master: from, wait: WAIT.skew }, "10.0.0.2 gave up with priority 0"),
        (Happening::Lower { from, theirs: 90, ours }, "10.0.0.2 says 90, and 90 < 100: not accepted as master"),
        (Happening::Follows { master: from, theirs, ours: 90 }, "10.0.0.2 says 100, and 100 > 90: it is the master"),
        (Happening::Outranked { by: from, theirs, ours, source }, "of equals the higher address wins: 10.0.0.2 > 10.0.0.1"),
        (Happening::Answered { from, theirs: 90, ours }, "told it who is master"),
        (Happening::YieldsOwnership { to: from }, "10.0.0.2 says that it owns the addresses too"),
        (Happening::Failed([cause("e0"), cause("e1")].into()), "there was a reason for FAULT: interface e0 is down, interface e1 is down"),
        (
            Happening::WithGroup { group: "G".into(), member: "VI_2".into(), to: State::Fault },
            "VI_2 went to FAULT, and sync group G with it",
        ),
        (Happening::HeldBack, "its sync group did not let it become MASTER"),
        (Happening::Stalled(Duration::from_millis(4250)), "the process had not run for 4.25 s"),
    ] {
        let mut account = account(State::Master);
        account.history = vec![Entry { times: 7, ..entry(5, happened) }];
        let told = lines(&account, None, CLOCK);
        let last = told.last().expect("a line");
        assert!(last.contains(want) && last.contains("5.0 s ago") && last.ends_with(" (7 times)"), "{last}");
    }
    assert!(lines(&account(State::Init), None, CLOCK).join("\n").contains("Nothing has happened"));
}

#[test]
fn ages_are_told_as_people_count() {
    for (millis, want) in [
        (0, "0.0 s"),
        (9_990, "9.9 s"),
        (10_000, "10 s"),
        (59_999, "59 s"),
        (60_000, "1 min 0 s"),
        (3_600_000, "1 h 0 min"),
        (90_061_000, "1 d 1 h"),
    ] {
        assert_eq!(age(Duration::from_millis(millis)), want);
    }
}

#[test]
fn a_virtual_server_tells_its_quorum() {
    use crate::effect::ipvs::ServerId;
    use crate::lvs::view::{CheckerView, RealView, ServerView};
    let text = "virtual_server 10.0.0.1 80 {\nprotocol tcp\nquorum 3\nhysteresis 1\nsorry_server 10.0.0.9 80\nreal_server 10.0.0.11 80 {\nweight 2\n\
                TCP_CHECK {\n}\n}\nreal_server 10.0.0.12 80 {\nweight 2\nMISC_CHECK {\nmisc_path /usr/bin/check\n}\n}\n\
                real_server 10.0.0.13 80 {\n}\n}\n";
    let (model, _) = testing::load(text, &Stated::with(&["e0"]).script("/usr/bin/check"));
    let configured = model.lvs.virtual_servers.first().expect("a virtual server");
    let checker = CheckerView { enabled: true, up: true, has_run: true, weight: 0, retries: 0, status: 0 };
    let bad = CheckerView { up: false, status: 7, ..checker };
    let real = |alive, checkers| RealView { alive, set: alive.then_some(2), effective_weight: 2, failed: 0, checkers };
    let lone = RealView { effective_weight: 1, set: Some(1), ..real(true, Vec::new()) };
    let view = ServerView {
        id: ServerId(1),
        quorum: false,
        sorry: true,
        suspended: false,
        weight: 3,
        real_servers: vec![real(true, vec![checker]), real(false, vec![bad]), lone],
    };
    let want = "[10.0.0.1]:tcp:80 is down.

Quorum:
  The weights of its living real servers: [10.0.0.11]:tcp:80 2 + [10.0.0.13]:tcp:80 1 = 3
  It comes up at quorum 3 + hysteresis 1 = 4, and not at 0.
  The sorry server [10.0.0.9]:tcp:80 stands in.

Real servers:
  [10.0.0.11]:tcp:80 is up, weight 2, in the table with weight 2
    TCP_CHECK is up
  [10.0.0.12]:tcp:80 is down, weight 2, not in the table
    MISC_CHECK is down, exit status 7
  [10.0.0.13]:tcp:80 is up, weight 1, in the table with weight 1
    no checker: always up";
    assert_eq!(server_lines(configured, &view).join("\n"), want);
    assert_eq!(virtual_server(configured, &view)["name"], "[10.0.0.1]:tcp:80");
}

#[test]
fn a_session_tells_how_long_its_neighbour_may_be_silent() {
    use crate::bfd::SessionId;
    use crate::wire::bfd::State;
    let (model, _) = testing::load("bfd_instance north {\nneighbor_ip 10.0.0.2\n}\n", &Stated::with(&["e0"]));
    let session = model.bfd.first().expect("a session");
    let ms = Duration::from_millis;
    let view = SessionView {
        id: SessionId(1),
        name: "north".into(),
        state: State::Down,
        reason: Reason::Expired,
        ours: 1,
        yours: 2,
        neighbour: State::Up,
        multiplier: 5,
        min_tx: ms(20),
        min_rx: ms(10),
        demand: false,
        polling: false,
        interval: Some(ms(1000)),
        detection: Some(ms(100)),
        last_heard: Some(ago(3)),
    };
    let want = "north with 10.0.0.2 is Down.
  The neighbour was heard 3.0 s ago, and says that it is Up.
  It went down because nothing had come for too long.
  A packet goes out every 1 s at the latest.
  The neighbour may be silent for 5 x the longer of 0.01 s (ours) and 0.02 s (its) = 0.1 s.";
    assert_eq!(session_lines(session, &view, CLOCK).join("\n"), want);
}
