use super::*;
use crate::effect::record::{CheckerHealth, Counters, Standing};
use crate::effect::time::Instant;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::IpAddr;

fn record(key: &str, became_master: u64) -> Record {
    Record {
        key: key.into(),
        standing: Standing::Master { since: Instant::from_nanos(u64::MAX - 7) },
        learnt: Duration::from_millis(40),
        master: None,
        counters: Counters { became_master, released_master: 2 },
        ah_sequence: u32::MAX,
    }
}

fn health(checkers: usize) -> Report {
    let checker = |n: usize| CheckerHealth {
        identity: u64::MAX - u64::try_from(n).unwrap_or_default(),
        up: n.is_multiple_of(2),
        has_run: n.is_multiple_of(3),
        weight: i64::MIN,
        status: -1,
    };
    Report::Record(Entry::Server(Health { key: "[10.0.0.1]:tcp:80".into(), checkers: (0..checkers).map(checker).collect(), quorum: true }))
}

fn told(record: Record) -> Report {
    Report::Record(Entry::Instance(record))
}

fn reports() -> Vec<Report> {
    let backup = |master: Option<IpAddr>| {
        told(Record { standing: Standing::Backup, master, learnt: Duration::MAX, ..record("51 IPv4 e0 \u{fc}ber", u64::MAX) })
    };
    vec![
        told(record("", 0)),
        told(Record { standing: Standing::Fault, ..record("k", 1) }),
        told(Record { learnt: Duration::from_nanos(u64::MAX), ..record(&"x".repeat(LONGEST / 2), 1) }),
        told(Record { learnt: Duration::ZERO, ..record("k", 1) }),
        health(0),
        health(1),
        health(8),
        Report::Record(Entry::Session(BfdRecord {
            key: "north".into(),
            ours: u32::MAX,
            yours: 0,
            up: true,
            multiplier: 5,
            min_tx: Duration::from_millis(10),
            min_rx: Duration::from_secs(4000),
        })),
        Report::Forget("51 IPv6 e0".into()),
        Report::Ready,
        Report::Refused("no memory".into()),
        Report::Stopped,
        Report::ReloadAsked,
    ]
    .into_iter()
    .chain([None, Some([10, 9, 0, 1].into()), Some([0xfe80, 0, 0, 0, 0, 0, 0, 1].into())].map(backup))
    .collect()
}

/// What an end of time becomes on the way.
fn shortened(report: Report) -> Report {
    match report {
        Report::Record(Entry::Instance(record)) => told(Record { learnt: record.learnt.min(Duration::from_nanos(u64::MAX)), ..record }),
        other => other,
    }
}

fn asks() -> Vec<Ask> {
    use crate::model::global::observe::Names;
    let names = Names { native: false, cafebazaar: true, gen2brain: false };
    let topics = [Topic::Status, Topic::Metrics(names), Topic::Explain("VI 1".into()), Topic::Explain("".into())];
    topics.into_iter().zip([0, 1, 77, u64::MAX]).map(|(topic, id)| Ask { id, topic }).collect()
}

#[test]
fn a_question_is_answered_from_another_thread_and_in_any_length() {
    let (here, there) = pair().expect("a pair");
    let (mut supervisor, mut role) = (SupervisorEnd::new(here), RoleEnd::new(there));
    for ask in asks() {
        supervisor.order(Order::Tell(ask.clone()));
        let Ok(Heard::Message(Order::Tell(heard))) = role.receive() else { unreachable!("a question") };
        assert_eq!(heard, ask);
        let text = "x".repeat(usize::try_from(ask.id % 1000).expect("it fits") * 1000);
        let (answerer, sent) = (role.answerer(ask.id).expect("a way"), text.clone());
        std::thread::spawn(move || answerer.answer(sent.as_bytes())).join().expect("it ends").expect("it is taken");
        let Ok(Heard::Message(Report::Told(id, memory))) = supervisor.receive() else { unreachable!("an answer") };
        let mut read = vec![0; text.len() + 1];
        assert_eq!((id, memory.len()), (ask.id, u64::try_from(text.len()).expect("it fits")));
        assert_eq!(memory.read(&mut read, 0).expect("it can be read"), text.len());
        assert_eq!(&read[..text.len()], text.as_bytes());
    }
}

#[test]
fn what_is_encoded_decodes_to_the_same() {
    for report in reports() {
        assert_eq!(decode_report(&encode_report(&report), None), Some(shortened(report)));
    }
}

#[test]
fn bytes_that_are_no_message_are_refused() {
    for report in reports() {
        let bytes = encode_report(&report);
        assert!((0..bytes.len()).all(|length| decode_report(&bytes[..length], None).is_none()), "{report:?}");
        assert_eq!(decode_report(&[&bytes[..], &[0]].concat(), None), None);
        assert_eq!(decode_report(&[&[9], &bytes[1..]].concat(), None), None);
    }
    assert_eq!(decode_report(&[1, 99], None), None);
    assert_eq!(decode_report(&[1, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0xff], None), None, "not UTF-8");
    assert!(decode_order(&[1, 65], None).is_none(), "a reload without its file");
    assert!(decode_report(&code::encode_told(7), None).is_none(), "an answer without its file");
    for ask in asks() {
        let bytes = encode_tell(&ask);
        assert!((0..bytes.len()).all(|length| decode_order(&bytes[..length], None).is_none()), "{ask:?}");
        assert!(decode_order(&[&bytes[..], &[0]].concat(), None).is_none());
        assert!(matches!(decode_order(&bytes, None), Some(Order::Tell(same)) if same == ask));
    }
}

#[test]
fn a_text_beyond_all_measure_is_cut_between_characters() {
    let long = format!("x{}", "\u{fc}".repeat(LONGEST));
    let Some(Report::Forget(key)) = decode_report(&encode_report(&Report::Forget(long.clone().into())), None) else {
        unreachable!("it decodes")
    };
    assert!(long.starts_with(&*key) && key.len() > LONGEST / 2 - 2, "{}", key.len());
}

#[test]
fn a_reload_arrives_with_its_file() {
    let (here, there) = pair().expect("a pair");
    let (mut supervisor, mut role) = (SupervisorEnd::new(here), RoleEnd::new(there));
    assert!(matches!(role.receive(), Ok(Heard::Nothing)));
    let memory = nix::sys::memfd::memfd_create("test", nix::sys::memfd::MFdFlags::MFD_CLOEXEC).expect("a memory file");
    let mut file = File::from(memory.try_clone().expect("a copy"));
    file.write_all(b"the text").expect("written");
    supervisor.order(Order::Reload(memory));
    assert!(!supervisor.has_unsent());
    let Ok(Heard::Message(Order::Reload(memory))) = role.receive() else { unreachable!("a reload") };
    let (mut file, mut text) = (File::from(memory), String::new());
    file.seek(SeekFrom::Start(0)).expect("sought");
    file.read_to_string(&mut text).expect("read");
    assert_eq!(text, "the text");
    drop(supervisor);
    assert!(matches!(role.receive(), Ok(Heard::End)));
}

#[test]
fn to_take_the_same_again_is_an_order_of_its_own() {
    let (here, there) = pair().expect("a pair");
    let (mut supervisor, mut role) = (SupervisorEnd::new(here), RoleEnd::new(there));
    supervisor.order(Order::Again);
    assert!(!supervisor.has_unsent() && matches!(role.receive(), Ok(Heard::Message(Order::Again))));
    assert!(matches!(role.receive(), Ok(Heard::Nothing)));
}

#[test]
fn a_full_socket_keeps_only_the_newest_record_of_each_and_loses_nothing_else() {
    let (here, there) = pair().expect("a pair");
    let (mut supervisor, mut role) = (SupervisorEnd::new(here), RoleEnd::new(there));
    let mut count = 0;
    while !role.has_unsent() {
        role.report(told(record("a", count)));
        count += 1;
    }
    for more in 1..=1000 {
        role.report(told(record("a", count + more)));
        role.report(told(record("b", more)));
        role.report(Report::Forget("c".into()));
        role.report(Report::Ready);
    }
    role.report(Report::Stopped);
    assert_eq!((role.unsent.len(), role.after.len()), (3, 2));
    let (mut store, mut others) = (Store::default(), Vec::new());
    store.put(Entry::Instance(record("c", 1)));
    loop {
        match supervisor.receive().expect("an answer") {
            Heard::Message(Report::Record(entry)) => {
                assert!(others.is_empty(), "records go first");
                store.put(entry);
            }
            Heard::Message(Report::Forget(key)) => store.forget(&key),
            Heard::Message(other) => others.push(other),
            Heard::Nothing if role.has_unsent() => role.flush(),
            Heard::Nothing | Heard::End => break,
        }
    }
    assert_eq!(store.entries(), [record("a", count + 1000), record("b", 1000)].map(Entry::Instance));
    assert_eq!(others, [Report::Ready, Report::Stopped]);
    drop(supervisor);
    role.report(Report::Ready);
    assert!(!role.has_unsent(), "nobody is left to tell");
}

#[test]
fn what_a_role_said_is_heard_after_its_death() {
    let (here, there) = pair().expect("a pair");
    let (mut supervisor, mut role) = (SupervisorEnd::new(here), RoleEnd::new(there));
    role.report(told(record("a", 1)));
    role.report(Report::Stopped);
    drop(role);
    assert_eq!(supervisor.receive().expect("a record"), Heard::Message(told(record("a", 1))));
    assert_eq!(supervisor.receive().expect("the last word"), Heard::Message(Report::Stopped));
    assert_eq!(supervisor.receive().expect("the end"), Heard::End);
}
