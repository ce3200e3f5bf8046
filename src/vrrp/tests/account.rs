//! An instance tells why it is what it is, and tells it right.

use super::bench::{Router, instance};
use super::{Event, MS, Standing, Tracked};
use crate::effect::time::Instant;
use crate::vrrp::Cause;
use crate::vrrp::account::{Account, TowardsLower};
use crate::vrrp::history::{Happening, KEPT, Kind, Says};
use crate::vrrp::view::State;

fn account(router: &Router, name: &str) -> Account {
    let account = router.engine.account(router.now, name).expect("there is such an instance");
    let added: i32 = account.terms.iter().map(|term| term.adds).sum();
    let sum = (i32::from(account.view.base_priority) + added).clamp(1, 254);
    assert_eq!(i32::from(account.view.effective_priority), sum, "{account:?}");
    account
}

/// In few words, the last so many.
fn last(account: &Account, count: usize) -> Vec<String> {
    let words = |happening: &Happening| match happening {
        Happening::Entered(state) => format!("entered {}", state.name()),
        Happening::Silent(wait) => format!("silent {} ms at {}", wait.total.as_millis(), wait.priority),
        Happening::Resigned { master, wait } => format!("{master} resigned, {} ms", wait.as_millis()),
        Happening::Lower { theirs, ours, .. } => format!("lower {theirs} < {ours}"),
        Happening::Follows { master, theirs, ours } => format!("follows {master} {theirs} > {ours}"),
        Happening::Outranked { by, theirs, ours, .. } => format!("outranked by {by} {theirs} > {ours}"),
        Happening::Answered { theirs, ours, .. } => format!("answered {theirs} < {ours}"),
        Happening::Reported(term) => format!("{:?} {} {:?} {:+}", term.kind, term.name, term.says, term.adds),
        Happening::Priority { before, after } => format!("priority {before} -> {after}"),
        Happening::Failed(causes) => format!("failed {}", causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("+")),
        Happening::WithGroup { member, to, .. } => format!("with {member} to {}", to.name()),
        other @ (Happening::Resumed
        | Happening::Reloaded
        | Happening::YieldsOwnership { .. }
        | Happening::HeldBack
        | Happening::Stalled(_)) => format!("{other:?}"),
    };
    let from = account.history.len().saturating_sub(count);
    account.history[from..].iter().map(|entry| words(&entry.happening)).collect()
}

#[test]
fn a_failover_and_its_end_are_remembered_with_their_numbers() {
    let (mut router, _) = Router::start(&instance("A", "e0", 51, 100, " track_interface {\n e1 weight -20\n }"));
    assert_eq!(last(&account(&router, "A"), 9), ["entered BACKUP"]);
    router.hear(51, 110, "10.9.0.20");
    let told = account(&router, "A");
    assert_eq!(last(&told, 1), ["follows 10.9.0.20 110 > 100"]);
    let waiting = told.waiting.expect("it waits");
    assert_eq!((waiting.wait.adverts, waiting.wait.total, waiting.left), (3, waiting.left, waiting.wait.total));
    assert_eq!(waiting.towards_lower, TowardsLower::TakesOver);
    router.pass(MS(1000));
    assert_eq!(account(&router, "A").waiting.map(|now| now.left), Some(waiting.left - MS(1000)));
    for _ in 0..5 {
        router.hear(51, 110, "10.9.0.20");
    }
    assert_eq!(account(&router, "A").history.len(), 2, "adverts that change nothing are nothing to remember");
    router.pass(MS(5000));
    assert_eq!(last(&account(&router, "A"), 2), ["silent 3609 ms at 100", "entered MASTER"]);
    router.hear(51, 90, "10.9.0.20");
    assert_eq!(last(&account(&router, "A"), 1), ["answered 90 < 100"]);
    router.set_link("e1", false);
    let told = account(&router, "A");
    assert_eq!(last(&told, 2), ["Interface e1 Down -20", "priority 100 -> 80"]);
    assert_eq!((told.view.effective_priority, told.terms[0].says, told.terms[0].adds), (80, Says::Down, -20));
    router.hear(51, 90, "10.9.0.20");
    assert_eq!(last(&account(&router, "A"), 2), ["outranked by 10.9.0.20 90 > 80", "entered BACKUP"]);
    router.hear(51, 0, "10.9.0.20");
    assert_eq!(last(&account(&router, "A"), 1), ["10.9.0.20 resigned, 687 ms"]);
    router.set_link("e1", true);
    router.hear(51, 90, "10.9.0.20");
    assert_eq!(last(&account(&router, "A"), 3), ["Interface e1 Up +0", "priority 80 -> 100", "lower 90 < 100"]);
    router.reload(&instance("A", "e0", 51, 100, ""));
    assert_eq!(last(&account(&router, "A"), 1), ["Reloaded"]);
    assert!(router.engine.account(router.now, "B").is_none());
}

#[test]
fn a_fault_is_told_with_its_causes_and_those_it_takes_along_with_theirs() {
    let group = "vrrp_sync_group G {\n group {\n A\n B\n }\n}\n";
    let text = format!("{}{}{group}", instance("A", "e0", 51, 100, ""), instance("B", "e1", 52, 100, ""));
    let (mut router, _) = Router::start(&text);
    router.pass(MS(10_000));
    assert_eq!(account(&router, "B").view.state, State::Master);
    router.set_link("e0", false);
    let (a, b) = (account(&router, "A"), account(&router, "B"));
    assert_eq!(a.causes, [Cause::InterfaceDown("e0".into())]);
    assert_eq!(last(&a, 2), ["failed interface e0 is down", "entered FAULT"]);
    assert_eq!((b.causes.len(), last(&b, 2)), (0, vec!["with A to FAULT".to_owned(), "entered FAULT".to_owned()]));
    let companions = b.group.expect("it is in a group");
    let told: Vec<(&str, bool)> = companions.members.iter().map(|member| (&*member.name, member.faulty)).collect();
    assert_eq!((&*companions.group, told), ("G", vec![("A", true), ("B", false)]));
    router.set_link("e0", true);
    assert_eq!(last(&account(&router, "B"), 2), ["with A to BACKUP", "entered BACKUP"]);
    // One of them goes on hearing a master.
    for _ in 0..20 {
        router.hear(51, 150, "10.9.0.20");
        router.pass(MS(1000));
    }
    let b = account(&router, "B");
    assert_eq!(last(&b, 1), ["HeldBack"]);
    assert!(b.history.last().is_some_and(|entry| entry.times > 3), "{b:?}");
    assert!(b.history.len() < KEPT);
}

#[test]
fn what_scripts_and_files_say_is_in_the_sum() {
    let tracked = "track_file count {\n file /count\n}\n";
    let text = format!("{tracked}{}", instance("A", "e0", 51, 100, " track_file {\n count weight 2\n }"));
    let (mut router, _) = Router::start(&text);
    assert_eq!(account(&router, "A").terms.iter().map(|term| (term.kind, term.says)).collect::<Vec<_>>(), [(Kind::File, Says::Nothing)]);
    for (value, adds) in [(7, 14), (-10, -20), (1000, 253), (3, 6)] {
        router.event(Event::Tracked { object: Tracked::File("count"), standing: Standing::Value(value) });
        let told = account(&router, "A");
        assert_eq!((told.terms[0].says, told.terms[0].adds), (Says::Number(value), adds));
        assert!(last(&told, 2)[0].starts_with(&format!("File count Number({value}) {adds:+}")), "{told:?}");
    }
    let before = account(&router, "A").history.len();
    router.event(Event::Tracked { object: Tracked::File("another"), standing: Standing::Value(1) });
    assert_eq!(account(&router, "A").history.len(), before, "what it does not track is none of its business");
}

#[test]
fn a_successor_says_that_it_is_one() {
    let text = instance("A", "e0", 51, 100, " nopreempt\n state BACKUP");
    let (mut router, _) = Router::start(&text);
    router.pass(MS(10_000));
    let records: Vec<_> = router.records.values().cloned().collect();
    let (router, _) = Router::resume(Instant::from_nanos(router.now.as_nanos() + 1), &text, super::links(), &records);
    assert_eq!(last(&account(&router, "A"), 2), ["Resumed", "entered MASTER"]);
}
