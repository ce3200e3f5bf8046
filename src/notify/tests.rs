use super::*;
use crate::effect::notice::Subject;
use crate::effect::time::Instant;
use crate::model::net::Family;
use crate::model::script::Action;
use proptest::prelude::*;
use std::time::Duration;

fn script(words: &[&str]) -> Script {
    let argv = words.iter().map(|&word| word.into()).collect();
    Script { argv, action: Action::Execute(words[0].into()), uid: 1, gid: 2, groups: None }
}

/// Of an instance with both scripts.
fn notice(told: Told) -> Notice {
    Notice {
        subject: Subject::Instance,
        name: "VI 1".into(),
        key: Box::default(),
        told,
        priority: 150,
        specific: Some(script(&["/s", "a b"])),
        any: Some(script(&["/any", "one"])),
        fifo: true,
        mail: false,
    }
}

fn words(script: &Script) -> String {
    script.argv.join(",")
}

#[test]
fn a_line_names_the_object_in_quotes() {
    for (subject, told, priority, want) in [
        (Subject::Instance, Told::Master, 100, "INSTANCE \"VI 1\" MASTER 100\n"),
        (Subject::Instance, Told::Backup, 255, "INSTANCE \"VI 1\" BACKUP 255\n"),
        (Subject::Group, Told::Fault, 0, "GROUP \"VI 1\" FAULT 0\n"),
        (Subject::Group, Told::Stop, 0, "GROUP \"VI 1\" STOP 0\n"),
        (Subject::Instance, Told::Deleted, 1, "INSTANCE \"VI 1\" DELETED 1\n"),
        (Subject::Instance, Told::MasterRxLowerPri, 1, "INSTANCE \"VI 1\" MASTER_RX_LOWER_PRI 1\n"),
        (Subject::Instance, Told::MasterPriority, 1, "INSTANCE \"VI 1\" MASTER_PRIORITY 1\n"),
        (Subject::Instance, Told::BackupPriority, 1, "INSTANCE \"VI 1\" BACKUP_PRIORITY 1\n"),
    ] {
        assert_eq!(fifo_line(&Notice { subject, priority, ..notice(told) }), want);
    }
}

#[test]
fn only_the_script_for_any_state_is_given_arguments() {
    for (told, want) in [
        (Told::Master, &["/s,a b", "/any,one,INSTANCE,VI 1,MASTER,150"][..]),
        (Told::Backup, &["/s,a b", "/any,one,INSTANCE,VI 1,BACKUP,150"]),
        (Told::Fault, &["/s,a b", "/any,one,INSTANCE,VI 1,FAULT,150"]),
        (Told::Stop, &["/s,a b", "/any,one,INSTANCE,VI 1,STOP,150"]),
        (Told::Deleted, &["/s,a b", "/any,one,INSTANCE,VI 1,DELETED,150"]),
        (Told::MasterRxLowerPri, &["/s,a b"]),
        (Told::MasterPriority, &[]),
        (Told::BackupPriority, &[]),
    ] {
        assert_eq!(scripts(&notice(told)).iter().map(words).collect::<Vec<_>>(), want, "{told}");
    }
    let group = Notice { subject: Subject::Group, priority: 0, specific: None, ..notice(Told::Master) };
    assert_eq!(scripts(&group).iter().map(words).collect::<Vec<_>>(), ["/any,one,GROUP,VI 1,MASTER,0"]);
    assert!(scripts(&notice(Told::Master)).iter().all(|script| (script.uid, script.gid) == (1, 2)), "their rights stay");
}

/// What happens to a queue, in the words of the tables below.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A notice of an instance that has one script for this.
    Tell(Told),
    /// The same without a script.
    Silently(Told),
    /// With a script of both kinds.
    Both(Told),
    Ended,
}
use Step::{Both, Ended, Silently, Tell};

const AT: Instant = Instant::from_nanos(1_000_000_000);

/// The turn that an order started last.
fn last(orders: &[Order]) -> Option<Turn> {
    orders.iter().rev().find_map(|order| if let Order::Run { turn, .. } = order { Some(turn.clone()) } else { None })
}

fn said(orders: &[Order]) -> Vec<&str> {
    orders.iter().filter_map(|order| if let Order::Say(line) = order { Some(&*line.text) } else { None }).collect()
}

fn told(orders: &[Order]) -> Vec<String> {
    let text = |order: &Order| match order {
        Order::Run { script, .. } => script.argv.last().map(|word| format!("run {word}")),
        Order::Say(_) => None,
    };
    orders.iter().filter_map(text).collect()
}

fn only_specific(told: Told) -> Notice {
    Notice { specific: Some(script(&["/s", &told.to_string()])), any: None, ..notice(told) }
}

#[test]
fn scripts_of_an_object_run_one_notice_at_a_time_and_the_last_state_is_told() {
    use Told::{Backup, Fault, Master, MasterPriority, MasterRxLowerPri, Stop};
    for (title, steps) in [
        ("nothing runs: at once", &[(Tell(Master), &["run MASTER"][..]), (Ended, &[]), (Tell(Backup), &["run BACKUP"])][..]),
        ("one runs: it is waited for", &[(Tell(Master), &["run MASTER"]), (Tell(Backup), &[]), (Ended, &["run BACKUP"]), (Ended, &[])]),
        (
            "only the newest waits",
            &[(Tell(Master), &["run MASTER"]), (Tell(Backup), &[]), (Tell(Fault), &[]), (Ended, &["run FAULT"]), (Ended, &[])],
        ),
        (
            "a state is told again when it has come again",
            &[(Tell(Master), &["run MASTER"]), (Tell(Backup), &[]), (Tell(Master), &[]), (Ended, &["run MASTER"]), (Ended, &[])],
        ),
        (
            "a state without scripts makes the one that waits untrue",
            &[(Tell(Master), &["run MASTER"]), (Tell(Fault), &[]), (Silently(Backup), &[]), (Ended, &[]), (Ended, &[])],
        ),
        ("a state without scripts is nothing to wait for", &[(Silently(Master), &[]), (Tell(Backup), &["run BACKUP"])]),
        (
            "both scripts of a notice run together, and both are waited for",
            &[
                (Both(Master), &["run a b", "run 150"]),
                (Tell(Backup), &[]),
                (Ended, &[]),
                (Ended, &["run BACKUP"]),
                (Tell(Stop), &[]),
                (Ended, &["run STOP"]),
            ],
        ),
        (
            "an event follows the state that it happened in",
            &[
                (Tell(Backup), &["run BACKUP"]),
                (Tell(Master), &[]),
                (Tell(MasterRxLowerPri), &[]),
                (Tell(MasterRxLowerPri), &[]),
                (Ended, &["run MASTER"]),
                (Ended, &["run MASTER_RX_LOWER_PRI"]),
                (Ended, &[]),
            ],
        ),
        (
            "an event does not keep a state from being told, and is over with it",
            &[
                (Tell(MasterRxLowerPri), &["run MASTER_RX_LOWER_PRI"]),
                (Tell(MasterRxLowerPri), &[]),
                (Tell(Backup), &[]),
                (Ended, &["run BACKUP"]),
                (Ended, &[]),
            ],
        ),
        (
            "numbers change nothing",
            &[(Tell(Master), &["run MASTER"]), (Tell(Backup), &[]), (Tell(MasterPriority), &[]), (Ended, &["run BACKUP"])],
        ),
    ] {
        let mut queue = Queue::default();
        let mut running = None;
        for (index, (step, want)) in steps.iter().enumerate() {
            let mut orders = Vec::new();
            match *step {
                Tell(told) => queue.tell(AT, only_specific(told).into(), &mut orders),
                Silently(told) => queue.tell(AT, Notice { specific: None, any: None, ..notice(told) }.into(), &mut orders),
                Both(told) => queue.tell(AT, notice(told).into(), &mut orders),
                Ended => queue.ended(AT, running.as_ref().expect("something has run"), &mut orders),
            }
            assert_eq!(told(&orders), *want, "{title}: {index} {step:?}");
            running = last(&orders).or(running);
        }
    }
}

#[test]
fn objects_do_not_wait_for_each_other() {
    let mut queue = Queue::default();
    let mut orders = Vec::new();
    let named = |subject, name: &str| Notice { subject, name: name.into(), ..only_specific(Told::Master) };
    for notice in [named(Subject::Instance, "A"), named(Subject::Group, "A"), named(Subject::Instance, "B")] {
        queue.tell(AT, notice.into(), &mut orders);
    }
    for real in ["[10.0.0.1]:tcp:80", "[10.0.0.2]:tcp:80"] {
        queue.tell(AT, server(Some(real), true).into(), &mut orders);
    }
    queue.tell(AT, server(None, true).into(), &mut orders);
    assert_eq!(told(&orders).len(), 6);
}

#[test]
fn it_is_said_who_waits_and_what_is_not_told() {
    let mut queue = Queue::default();
    let mut orders = Vec::new();
    for told in [Told::Master, Told::Backup, Told::Fault] {
        queue.tell(AT, only_specific(told).into(), &mut orders);
    }
    assert_eq!(
        said(&orders),
        [
            "(VI 1) notify scripts: BACKUP waits for the end of those for MASTER",
            "(VI 1) notify scripts: BACKUP is not told, FAULT has come since",
            "(VI 1) notify scripts: FAULT waits for the end of those for MASTER",
        ]
    );
}

#[test]
fn at_the_end_whatever_is_waited_for_is_late() {
    let mut queue = Queue::default();
    let mut orders = Vec::new();
    let named = |name: &str, told| Notice { name: name.into(), ..only_specific(told) };
    for notice in [named("A", Told::Master), named("A", Told::Stop), named("B", Told::Stop), named("C", Told::Backup)] {
        queue.tell(AT, notice.into(), &mut orders);
    }
    let late: Vec<Turn> = queue.late().collect();
    assert_eq!(late.iter().map(|turn| &turn.object).collect::<Vec<_>>(), [&Object::Instance("A".into())]);
    orders.clear();
    queue.ended(AT, &late[0], &mut orders);
    assert_eq!(told(&orders), ["run STOP"]);
    assert_eq!(queue.late().count(), 0);
    assert!(!queue.is_idle());
}

#[test]
fn patience_with_a_script_that_does_not_end_is_bounded() {
    let mut queue = Queue::default();
    let mut orders = Vec::new();
    let (early, end) = (AT + PATIENCE - Duration::from_nanos(1), AT + PATIENCE);
    queue.tell(AT, only_specific(Told::Master).into(), &mut orders);
    let endless = last(&orders).expect("it runs");
    assert_eq!(queue.next_deadline(), Some(end));
    queue.tell(AT, only_specific(Told::Backup).into(), &mut orders);
    orders.clear();
    queue.tick(early, &mut orders);
    assert_eq!(orders, []);
    queue.tick(end, &mut orders);
    assert_eq!(told(&orders), ["run BACKUP"]);
    assert_eq!(said(&orders), ["(VI 1) notify scripts: those for MASTER have not ended in 30 s, those for BACKUP run beside them"]);

    // Whether the old one ends is of no interest any more; those that came after it are still in order.
    let second = last(&orders).expect("it runs");
    orders.clear();
    queue.tell(end, only_specific(Told::Fault).into(), &mut orders);
    queue.ended(end, &endless, &mut orders);
    assert_eq!(told(&orders), [""; 0]);
    queue.ended(end, &second, &mut orders);
    assert_eq!(told(&orders), ["run FAULT"]);
    let third = last(&orders).expect("it runs");
    queue.ended(end, &third, &mut orders);
    assert_eq!((queue.is_idle(), queue.next_deadline()), (true, None));
}

#[test]
fn what_comes_when_patience_has_ended_does_not_wait() {
    let mut queue = Queue::default();
    let mut orders = Vec::new();
    queue.tell(AT, only_specific(Told::Master).into(), &mut orders);
    let end = AT + PATIENCE;
    queue.tick(end, &mut orders);
    assert_eq!((told(&orders), queue.next_deadline()), (vec!["run MASTER".to_owned()], None), "nothing waits, so nothing is to be done");
    orders.clear();
    queue.tell(end, Notice { specific: None, any: None, ..notice(Told::Backup) }.into(), &mut orders);
    assert_eq!(orders, [], "nothing is to be run for it");
    queue.tell(end, only_specific(Told::Fault).into(), &mut orders);
    assert_eq!(told(&orders), ["run FAULT"]);
}

#[test]
fn patience_is_for_each_turn_by_itself() {
    let mut queue = Queue::default();
    let mut orders = Vec::new();
    let second = Duration::from_secs(1);
    let named = |name: &str, told| News::from(Notice { name: name.into(), ..only_specific(told) });
    queue.tell(AT, named("A", Told::Master), &mut orders);
    let first = last(&orders).expect("it runs");
    queue.tell(AT + second, named("B", Told::Master), &mut orders);
    queue.ended(AT + second, &first, &mut orders);
    queue.tell(AT + second * 2, named("A", Told::Backup), &mut orders);
    for name in ["A", "B"] {
        queue.tell(AT + second * 2, named(name, Told::Fault), &mut orders);
    }
    orders.clear();
    assert_eq!(queue.next_deadline(), Some(AT + second + PATIENCE));
    queue.tick(AT + second + PATIENCE, &mut orders);
    assert_eq!(last(&orders).map(|turn| turn.object), Some(Object::Instance("B".into())));
    orders.clear();
    queue.tick(AT + second * 2 + PATIENCE, &mut orders);
    assert_eq!(last(&orders).map(|turn| turn.object), Some(Object::Instance("A".into())));
}

const VS: &str = "[10.0.0.100]:tcp:80";

/// Of a server that has a script for this.
fn server(real: Option<&str>, up: bool) -> ServerNotice {
    let script = script(&["/s", if up { "UP" } else { "DOWN" }]);
    ServerNotice {
        virtual_server: VS.into(),
        family: None,
        real_server: real.map(Box::from),
        up,
        script: Some(script),
        fifo: true,
        mail: None,
    }
}

#[test]
fn a_line_about_a_server_ends_with_a_nul() {
    let real = Some("[10.0.0.11]:tcp:80");
    for (notice, want) in [
        (server(None, true), "VS [10.0.0.100]:tcp:80 UP\n\0"),
        (server(None, false), "VS [10.0.0.100]:tcp:80 DOWN\n\0"),
        (server(real, true), "RS [10.0.0.11]:tcp:80 [10.0.0.100]:tcp:80 UP\n\0"),
        (server(real, false), "RS [10.0.0.11]:tcp:80 [10.0.0.100]:tcp:80 DOWN\n\0"),
        (ServerNotice { virtual_server: "FWM 5".into(), ..server(real, false) }, "RS [10.0.0.11]:tcp:80 FWM 5 DOWN\n\0"),
        (ServerNotice { virtual_server: "[web]:0".into(), ..server(None, true) }, "VS [web]:0 UP\n\0"),
    ] {
        assert_eq!(News::from(notice).line.as_deref(), Some(want));
    }
    assert_eq!(News::from(ServerNotice { fifo: false, ..server(None, true) }).line, None);
}

#[test]
fn scripts_of_a_server_get_no_arguments_and_run_in_order() {
    let mut queue = Queue::default();
    let mut orders = Vec::new();
    let real = Some("[10.0.0.11]:tcp:80");
    for up in [false, true, false] {
        queue.tell(AT, server(real, up).into(), &mut orders);
    }
    assert_eq!(told(&orders), ["run DOWN"]);
    assert_eq!(
        said(&orders)[0],
        "Real server [10.0.0.11]:tcp:80 of [10.0.0.100]:tcp:80: notify scripts: UP waits for the end of those for DOWN"
    );
    let first = last(&orders).expect("it runs");
    orders.clear();
    queue.ended(AT, &first, &mut orders);
    assert_eq!(told(&orders), ["run DOWN"]);
    assert_eq!(News::from(server(None, true)).scripts, [script(&["/s", "UP"])]);
}

#[test]
fn two_servers_of_one_mark_and_two_families_do_not_wait_for_each_other() {
    let of = |family| ServerNotice { virtual_server: "FWM 5".into(), family: Some(family), ..server(None, true) };
    let mut queue = Queue::default();
    let mut orders = Vec::new();
    for family in [Family::V4, Family::V6] {
        queue.tell(AT, of(family).into(), &mut orders);
    }
    assert_eq!(told(&orders), ["run UP", "run UP"]);
    assert_eq!(News::from(of(Family::V6)).json(), r#"{"type":"VS","virtual_server":"FWM 5","family":"inet6","state":"UP"}"#);
    assert_eq!(News::from(of(Family::V6)).line.as_deref(), Some("VS FWM 5 UP\n\0"), "pipes are told as keepalived tells them");
}

#[test]
fn what_only_mail_is_told_of_keeps_no_script_from_running() {
    let mut queue = Queue::default();
    let mut orders = Vec::new();
    for up in [false, true] {
        queue.tell(AT, server(None, up).into(), &mut orders);
    }
    let first = last(&orders).expect("it runs");
    orders.clear();
    let by_mail = ServerNotice { script: None, fifo: false, mail: Some("a check".into()), ..server(None, true) };
    queue.tell(AT, by_mail.into(), &mut orders);
    queue.ended(AT, &first, &mut orders);
    assert_eq!(told(&orders), ["run UP"]);
}

#[test]
fn the_environment_tells_a_transition_in_json() {
    let named = Notice { name: "a \"b\" \\".into(), ..notice(Told::Master) };
    let group = Notice { subject: Subject::Group, priority: 0, ..notice(Told::Fault) };
    for (news, want) in [
        (News::from(named), r#"{"type":"INSTANCE","name":"a \"b\" \\","state":"MASTER","priority":150}"#),
        (group.into(), r#"{"type":"GROUP","name":"VI 1","state":"FAULT","priority":0}"#),
        (server(None, true).into(), r#"{"type":"VS","virtual_server":"[10.0.0.100]:tcp:80","state":"UP"}"#),
        (
            server(Some("[::1]:udp:53"), false).into(),
            r#"{"type":"RS","virtual_server":"[10.0.0.100]:tcp:80","real_server":"[::1]:udp:53","state":"DOWN"}"#,
        ),
    ] {
        assert_eq!(news.json(), want);
        assert!(serde_json::from_str::<serde_json::Value>(&news.json()).is_ok());
    }
}

proptest! {
    /// However transitions come and scripts end: never two at once of one object while patience lasts, and in the end
    /// the last state is the one told last.
    #[test]
    fn the_last_state_is_told_last(steps in prop::collection::vec((0..5_u8, 0..3_u64), 0..200)) {
        let mut queue = Queue::default();
        let (mut now, mut running, mut told, mut state) = (AT, Vec::new(), None, None);
        let mut run = |orders: Vec<Order>, running: &mut Vec<Turn>| {
            for order in orders {
                if let Order::Run { turn, script, .. } = order {
                    running.push(turn);
                    told = script.argv.last().cloned();
                }
            }
        };
        for (what, seconds) in steps {
            now += Duration::from_secs(seconds) / 100;
            let mut orders = Vec::new();
            match what {
                0 | 1 if !running.is_empty() => {
                    let turn = running.remove(0);
                    queue.ended(now, &turn, &mut orders);
                }
                0 | 1 => queue.tick(now, &mut orders),
                _ => {
                    let told = [Told::Master, Told::Backup, Told::Fault][usize::from(what) - 2];
                    state = Some(told.word());
                    queue.tell(now, only_specific(told).into(), &mut orders);
                }
            }
            run(orders, &mut running);
            prop_assert!(running.len() <= 1);
        }
        while let Some(turn) = running.pop() {
            let mut orders = Vec::new();
            queue.ended(now, &turn, &mut orders);
            run(orders, &mut running);
        }
        prop_assert!(queue.is_idle());
        prop_assert_eq!(told.as_deref(), state);
    }
}
