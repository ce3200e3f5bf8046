use super::*;
use crate::effect::notice::Subject;
use crate::model::script::Action;

fn script(words: &[&str]) -> Script {
    let argv = words.iter().map(|&word| word.into()).collect();
    Script { argv, action: Action::Execute(words[0].into()), uid: 1, gid: 2, supplementary_groups: false }
}

/// Of an instance with both scripts.
fn notice(told: Told) -> Notice {
    Notice {
        subject: Subject::Instance,
        name: "VI 1".into(),
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
        let object = Object { subject: Subject::Instance, name: "VI 1".into() };
        for (index, (step, want)) in steps.iter().enumerate() {
            let mut orders = Vec::new();
            match *step {
                Tell(told) => queue.tell(only_specific(told), &mut orders),
                Silently(told) => queue.tell(Notice { specific: None, any: None, ..notice(told) }, &mut orders),
                Both(told) => queue.tell(notice(told), &mut orders),
                Ended => queue.ended(&object, &mut orders),
            }
            assert_eq!(told(&orders), *want, "{title}: {index} {step:?}");
        }
    }
}

#[test]
fn objects_do_not_wait_for_each_other() {
    let mut queue = Queue::default();
    let mut orders = Vec::new();
    let named = |subject, name: &str| Notice { subject, name: name.into(), ..only_specific(Told::Master) };
    for notice in [named(Subject::Instance, "A"), named(Subject::Group, "A"), named(Subject::Instance, "B")] {
        queue.tell(notice, &mut orders);
    }
    assert_eq!(told(&orders).len(), 3);
}

#[test]
fn it_is_said_who_waits_and_what_is_not_told() {
    let mut queue = Queue::default();
    let mut orders = Vec::new();
    for told in [Told::Master, Told::Backup, Told::Fault] {
        queue.tell(only_specific(told), &mut orders);
    }
    let said: Vec<&str> = orders.iter().filter_map(|order| if let Order::Say(line) = order { Some(&*line.text) } else { None }).collect();
    assert_eq!(
        said,
        [
            "(VI 1) notify scripts: BACKUP waits for the end of those for MASTER",
            "(VI 1) notify scripts: BACKUP is not told, FAULT has come since",
            "(VI 1) notify scripts: FAULT waits for the end of those for MASTER",
        ]
    );
}

#[test]
fn at_the_end_whatever_is_no_stop_is_late() {
    let mut queue = Queue::default();
    let mut orders = Vec::new();
    let named = |name: &str, told| Notice { name: name.into(), ..only_specific(told) };
    for notice in [named("A", Told::Master), named("A", Told::Stop), named("B", Told::Stop), named("C", Told::Backup)] {
        queue.tell(notice, &mut orders);
    }
    let late = |queue: &Queue| queue.late().map(|object| object.name.to_string()).collect::<Vec<_>>();
    assert_eq!(late(&queue), ["A", "C"]);
    let a = Object { subject: Subject::Instance, name: "A".into() };
    orders.clear();
    queue.ended(&a, &mut orders);
    assert_eq!(told(&orders), ["run STOP"]);
    assert_eq!(late(&queue), ["C"]);
    assert!(!queue.is_idle());
}
