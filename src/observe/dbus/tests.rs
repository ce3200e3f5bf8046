use super::introspect;
use super::tree::{Answer, Call};
use super::*;
use crate::effect::time::Instant;
use crate::wire::dbus::{Header, Kind, Message, NO_REPLY_EXPECTED, Value, decode, length, sasl};
use proptest::prelude::*;
use std::time::Duration;

const ROOT: &str = "/org/keepalived/Vrrp1";
const AT: Instant = Instant::from_nanos(5_000_000_000);

fn object(key: &str, name: &str, status: Status) -> Object {
    let path = format!("{ROOT}/Instance/eth0/{key}/IPv4").into();
    Object { path, key: key.into(), name: name.into(), status, farewell: Status::Fault }
}

fn service(objects: &[Object]) -> Service {
    Service { name: "org.keepalived.Vrrp1".into(), tree: Tree::new(ROOT, objects.to_vec()) }
}

fn two() -> Service {
    service(&[object("51", "one", Status::Backup), object("52", "two", Status::Master)])
}

#[test]
fn calls_are_answered_as_glib_answers_them() {
    let tree = two().tree;
    let text = |text: &str| Value::str(text);
    let (process, one) = ("/org/keepalived/Vrrp1/Vrrp", "/org/keepalived/Vrrp1/Instance/eth0/51/IPv4");
    let (vrrp, instance) = ("org.keepalived.Vrrp1.Vrrp", "org.keepalived.Vrrp1.Instance");
    let (properties, peer) = ("org.freedesktop.DBus.Properties", "org.freedesktop.DBus.Peer");
    let error = |name: &'static str, text: &str| Answer::Error(name, text.to_owned());
    let (invalid, unknown) = ("org.freedesktop.DBus.Error.InvalidArgs", "org.freedesktop.DBus.Error.UnknownMethod");
    let state = Value::Struct(vec![Value::U32(1), text("Backup")]);
    let name = Value::Struct(vec![text("one")]);
    let both = Value::properties([("Name", name.clone()), ("State", state.clone())]);
    let empty = Value::properties([]);
    let set = [text(instance), text("Name"), Value::variant(text("x"))];
    let nowhere = error(unknown, "Object does not exist at path “/org/nowhere”");
    type Row<'a> = (&'a str, Option<&'a str>, &'a str, &'a [Value], Answer);
    let table: &[Row<'_>] = &[
        (process, Some(vrrp), "PrintData", &[], Answer::After(Ask::PrintData)),
        (process, Some(vrrp), "PrintStats", &[], Answer::After(Ask::PrintStats)),
        (process, Some(vrrp), "PrintStatsClear", &[], Answer::After(Ask::PrintStatsClear)),
        (process, Some(vrrp), "ReloadConfig", &[], Answer::After(Ask::Reload)),
        (process, None, "ReloadConfig", &[], Answer::After(Ask::Reload)),
        (one, Some(instance), "SendGarp", &[], Answer::After(Ask::SendGarp("51".into()))),
        (one, None, "SendGarp", &[], Answer::After(Ask::SendGarp("51".into()))),
        (process, Some(vrrp), "CreateInstance", &[], error(unknown, "No such method “CreateInstance”")),
        (process, Some(vrrp), "SendGarp", &[], error(unknown, "No such method “SendGarp”")),
        (one, Some(instance), "PrintData", &[], error(unknown, "No such method “PrintData”")),
        (one, Some(instance), "SendGarp", &[text("x")], error(invalid, "Type of message, “(s)”, does not match expected type “()”")),
        (one, Some(vrrp), "PrintData", &[], error(unknown, &format!("No such interface “{vrrp}” on object at path {one}"))),
        (one, Some("org.nothing"), "Foo", &[], error(unknown, &format!("No such interface “org.nothing” on object at path {one}"))),
        ("/org/nowhere", Some(instance), "SendGarp", &[], nowhere.clone()),
        (one, Some(properties), "Get", &[text(instance), text("State")], Answer::Values(vec![Value::variant(state)])),
        (one, Some(properties), "Get", &[text(instance), text("Name")], Answer::Values(vec![Value::variant(name)])),
        (one, Some(properties), "Get", &[text(instance), text("Nope")], error(invalid, "No such property “Nope”")),
        (one, Some(properties), "Get", &[text("org.nothing"), text("Name")], error(invalid, "No such interface “org.nothing”")),
        (
            one,
            Some(properties),
            "Get",
            &[text(instance)],
            error(unknown, &format!("No such interface “{properties}” on object at path {one}")),
        ),
        (one, Some(properties), "Set", &set, error(invalid, "Property “Name” is not writable")),
        (one, Some(properties), "GetAll", &[text(instance)], Answer::Values(vec![both])),
        (one, Some(properties), "GetAll", &[text("")], error(invalid, "No such interface “”")),
        (process, Some(properties), "GetAll", &[text(vrrp)], Answer::Values(vec![empty])),
        ("/org/nowhere", Some(properties), "GetAll", &[text(vrrp)], nowhere),
        ("/org/nowhere", Some(peer), "Ping", &[], Answer::Values(Vec::new())),
        (one, Some(peer), "GetMachineId", &[], Answer::Values(vec![text("0123")])),
        (one, Some(peer), "Nope", &[], error(unknown, &format!("No such interface “{peer}” on object at path {one}"))),
    ];
    for (path, interface, member, body, want) in table {
        let call = Call { path, interface: *interface, member, body };
        assert_eq!(tree.call(call, Some("0123")), *want, "{call:?}");
    }
    let call = Call { path: "/", interface: Some(peer), member: "GetMachineId", body: &[] };
    assert!(matches!(tree.call(call, None), Answer::Error(..)));
}

fn introspected(tree: &Tree, path: &str) -> String {
    let call = Call { path, interface: None, member: "Introspect", body: &[] };
    let Answer::Values(values) = tree.call(call, None) else { unreachable!("everybody can be looked at") };
    let [Value::Str(text)] = &values[..] else { unreachable!("it is a text") };
    text.to_string()
}

#[test]
fn every_node_names_those_below_it() {
    let tree = two().tree;
    for (path, want) in [
        ("/", vec!["org"]),
        ("/org/keepalived", vec!["Vrrp1"]),
        (ROOT, vec!["Instance", "Vrrp"]),
        ("/org/keepalived/Vrrp1/Instance/eth0", vec!["51", "52"]),
        ("/org/keepalived/Vrrp1/Instance/eth0/51", vec!["IPv4"]),
        ("/org/keepalived/Vrrp1/Inst", vec![]),
        ("/org/nowhere", vec![]),
    ] {
        let text = introspected(&tree, path);
        let nodes: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("<node name=\"")?.strip_suffix("\"/>")).collect();
        assert_eq!(nodes, want, "{path}");
        assert!(!text.contains("<interface"), "{path}");
    }
    let one = introspected(&tree, "/org/keepalived/Vrrp1/Instance/eth0/51/IPv4");
    assert!(one.contains("org.keepalived.Vrrp1.Instance") && one.contains("org.freedesktop.DBus.Peer"));
}

#[test]
fn the_installed_descriptions_are_what_objects_say() {
    let files = [
        (include_str!("../../../packaging/dbus/org.keepalived.Vrrp1.Vrrp.xml"), introspect::PROCESS),
        (include_str!("../../../packaging/dbus/org.keepalived.Vrrp1.Instance.xml"), introspect::INSTANCE),
    ];
    for (file, said) in files {
        let (_, rest) = file.split_once("<node>").expect("a node");
        let rest = rest.split("<!--").map(|part| part.split_once("-->").map_or(part, |(_, rest)| rest));
        let bare: String = rest.flat_map(str::lines).map(str::trim).collect();
        let said: String = said.lines().map(str::trim).collect();
        assert_eq!(bare, format!("{said}</node>"));
    }
}

#[test]
fn of_two_with_one_path_the_first_has_it() {
    let twin = Object { key: "other".into(), ..object("51", "twin", Status::Fault) };
    let tree = service(&[object("51", "one", Status::Backup), twin]).tree;
    assert_eq!(tree.objects().len(), 1);
    assert_eq!(tree.objects()[0].name, "one".into());
}

// The session, with a bus that is played.

/// What a session does, in words.
fn told(session: &mut Session) -> Vec<String> {
    session.outputs().iter().map(describe).collect()
}

fn describe(output: &Output) -> String {
    match output {
        Output::Connect => "connect".into(),
        Output::Close => "close".into(),
        Output::Say(line) => format!("say {:?}: {}", line.level, line.text),
        Output::Ask(number, ask) => format!("ask {number}: {ask:?}"),
        Output::Write(bytes) if bytes.starts_with(b"\0AUTH") => "greet".into(),
        Output::Write(bytes) if bytes == sasl::BEGIN => "begin".into(),
        Output::Write(bytes) => {
            let Message { kind, serial, header, body, .. } = decode(bytes).expect("a message");
            let last = |path: Option<Box<str>>| path.map(|path| path.trim_start_matches(ROOT).to_owned()).unwrap_or_default();
            match kind {
                Kind::Call => format!("call {serial}: {} {body:?}", header.member.unwrap_or_default()),
                Kind::Signal => match (&*header.member.unwrap_or_default(), &body[..]) {
                    ("PropertiesChanged", [_, Value::Array { items, .. }, _]) => match &items[..] {
                        [Value::Entry(entry)] => format!("{} changed {:?}", last(header.path), entry.0),
                        other => unreachable!("{other:?}"),
                    },
                    ("VrrpStatusChange", [Value::U32(number)]) => format!("{} is {number}", last(header.path)),
                    (member, _) => format!("{} {member}", last(header.path)),
                },
                Kind::Return => format!("return {:?} to {:?}", header.reply_to.unwrap_or_default(), header.destination.unwrap_or_default()),
                Kind::Error => format!("error {} to {:?}", header.error.unwrap_or_default(), header.destination.unwrap_or_default()),
                Kind::Other => unreachable!("it says what it does not know"),
            }
        }
    }
}

fn from_bus(kind: Kind, reply_to: Option<u32>, member: Option<&str>, body: Vec<Value>) -> Vec<u8> {
    let header = Header {
        reply_to,
        member: member.map(Into::into),
        path: member.map(|_| "/org/freedesktop/DBus".into()),
        interface: member.map(|_| "org.freedesktop.DBus".into()),
        error: (kind == Kind::Error).then(|| "org.freedesktop.DBus.Error.AccessDenied".into()),
        sender: Some("org.freedesktop.DBus".into()),
        ..Header::default()
    };
    Message { kind, flags: NO_REPLY_EXPECTED, serial: 9, header, body }.encode()
}

fn call(flags: u8, path: &str, member: &str) -> Vec<u8> {
    let header = Header { path: Some(path.into()), member: Some(member.into()), sender: Some(":1.7".into()), ..Header::default() };
    Message { kind: Kind::Call, flags, serial: 77, header, body: Vec::new() }.encode()
}

const HELLO: u32 = 1;

fn serving(service: Service) -> Session {
    let mut session = Session::new(AT, service, 0, None);
    session.tick(AT);
    session.connected(AT);
    session.received(AT, b"OK 1234\r\n");
    session.received(AT, &from_bus(Kind::Return, Some(HELLO), None, vec![Value::str(":1.3")]));
    session
}

#[test]
fn a_service_comes_up_and_goes() {
    let mut session = serving(two());
    let want = [
        "connect",
        "greet",
        "begin",
        "call 1: Hello []",
        "call 2: RequestName [Str(\"org.keepalived.Vrrp1\"), U32(0)]",
        "/Vrrp VrrpStarted",
        "/Instance/eth0/51/IPv4 is 1",
        "/Instance/eth0/51/IPv4 changed Str(\"State\")",
        "/Instance/eth0/52/IPv4 is 2",
        "/Instance/eth0/52/IPv4 changed Str(\"State\")",
    ];
    assert_eq!(told(&mut session), want);
    session.received(AT, &from_bus(Kind::Signal, None, Some("NameAcquired"), vec![Value::str("org.keepalived.Vrrp1")]));
    session.received(AT, &from_bus(Kind::Return, Some(2), None, vec![Value::U32(1)]));
    assert_eq!(told(&mut session), ["say Info: Acquired the name org.keepalived.Vrrp1 on D-Bus"]);
    assert_eq!(session.next_deadline(), None);

    // Said twice it is no news.
    session.turned("51", Status::Master);
    session.turned("51", Status::Master);
    session.turned("nobody", Status::Master);
    assert_eq!(told(&mut session), ["/Instance/eth0/51/IPv4 is 2", "/Instance/eth0/51/IPv4 changed Str(\"State\")"]);

    session.turned("52", Status::Stop);
    session.stop();
    let want = [
        "/Instance/eth0/52/IPv4 is 98",
        "/Instance/eth0/52/IPv4 changed Str(\"State\")",
        "/Vrrp VrrpStopped",
        "call 13: ReleaseName [Str(\"org.keepalived.Vrrp1\")]",
        "say Info: Released D-Bus",
    ];
    assert_eq!(told(&mut session), want);
    session.received(AT, &call(0, "/", "Ping"));
    session.lost(AT, "it is gone");
    assert_eq!((told(&mut session), session.next_deadline()), (vec![], None));
}

#[test]
fn a_name_that_is_taken_is_waited_for() {
    let mut session = serving(two());
    told(&mut session);
    session.received(AT, &from_bus(Kind::Return, Some(2), None, vec![Value::U32(2)]));
    assert_eq!(told(&mut session), ["say Info: D-Bus: the name org.keepalived.Vrrp1 is taken. It is waited for"]);
    let mut session = serving(two());
    told(&mut session);
    session.received(AT, &from_bus(Kind::Error, Some(2), None, vec![Value::str("you may not")]));
    assert_eq!(told(&mut session), ["say Error: D-Bus: the name org.keepalived.Vrrp1 cannot be had: you may not"]);
    // Whoever knows where we are is answered all the same.
    session.received(AT, &call(0, "/", "Ping"));
    assert_eq!(told(&mut session), ["return 77 to \":1.7\""]);
    let mut session = serving(Service { name: "no name".into(), ..two() });
    assert!(told(&mut session).contains(&"say Error: D-Bus: no name cannot be the name of a service".to_owned()));
}

#[test]
fn a_bus_that_goes_is_gone_back_to() {
    let mut session = serving(two());
    told(&mut session);
    let mut now = AT;
    session.lost(now, "it has closed the connection");
    let want = ["say Warning: The D-Bus connection is lost: it has closed the connection. It is tried again", "close"];
    assert_eq!(told(&mut session), want);
    // What happens meanwhile is not lost.
    session.turned("51", Status::Fault);
    assert_eq!(told(&mut session), Vec::<String>::new());
    for pause in [1, 2, 4, 8, 16, 30, 30] {
        assert_eq!(session.next_deadline(), Some(now + Duration::from_secs(pause)));
        session.tick(now);
        assert_eq!(told(&mut session), Vec::<String>::new(), "too early");
        now += Duration::from_secs(pause);
        session.tick(now);
        assert_eq!(told(&mut session), ["connect"]);
        session.lost(now, "there is none");
        assert_eq!(told(&mut session), ["close"]);
    }
    now += Duration::from_secs(30);
    session.tick(now);
    session.connected(now);
    session.received(now, b"OK 1234\r\n");
    let outputs = told(&mut session);
    assert_eq!(outputs[..3], ["connect", "greet", "begin"]);
    let hello = outputs[3].strip_prefix("call ").and_then(|rest| rest.split(':').next()?.parse().ok()).expect("a number");
    session.received(now, &from_bus(Kind::Return, Some(hello), None, vec![Value::str(":1.3")]));
    let outputs = told(&mut session);
    assert!(outputs.contains(&"/Instance/eth0/51/IPv4 is 3".to_owned()), "{outputs:?}");
    assert!(!outputs.contains(&"/Vrrp VrrpStarted".to_owned()), "it has run all the time: {outputs:?}");
}

#[test]
fn a_bus_that_does_not_let_us_in_is_left() {
    let start = || {
        let mut session = Session::new(AT, two(), 0, None);
        session.tick(AT);
        session.connected(AT);
        told(&mut session);
        session
    };
    let left = |why: &str| vec![format!("say Warning: D-Bus cannot be reached: {why}. It is tried again"), "close".to_owned()];
    let mut session = start();
    session.received(AT, b"REJECTED EXTERNAL\r\n");
    assert_eq!(told(&mut session), left("it does not let us in (REJECTED EXTERNAL)"));

    let mut session = start();
    let late = session.next_deadline().expect("it does not wait for ever");
    session.tick(late);
    assert_eq!(told(&mut session), left("it does not answer"));

    for nonsense in [&b"OK 1\r\nnonsense"[..], b"OK 1\r\nl\x01\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"] {
        let mut session = start();
        session.received(AT, nonsense);
        let told = told(&mut session);
        assert_eq!(told[2..], left("what was sent is no D-Bus message"));
    }

    let mut session = start();
    session.received(AT, b"OK 1\r\n");
    told(&mut session);
    session.received(AT, &from_bus(Kind::Error, Some(HELLO), None, vec![Value::str("full")]));
    assert_eq!(told(&mut session), left("full"));
}

#[test]
fn what_comes_in_pieces_or_is_too_large_does_not_matter() {
    let mut session = serving(two());
    told(&mut session);
    for byte in call(0, "/", "Ping") {
        session.received(AT, &[byte]);
    }
    assert_eq!(told(&mut session), ["return 77 to \":1.7\""]);
    let header = Header { path: Some("/".into()), member: Some("Ping".into()), ..Header::default() };
    let body = vec![Value::Array { of: "y".into(), items: vec![Value::Byte(1); 100_000] }];
    let large = Message { kind: Kind::Call, flags: 0, serial: 5, header, body }.encode();
    let all = [call(0, "/", "Ping"), large, call(0, "/", "Ping")].concat();
    assert!(length(&all).is_ok());
    for piece in all.chunks(4096) {
        session.received(AT, piece);
    }
    assert_eq!(told(&mut session), ["return 77 to \":1.7\"", "return 77 to \":1.7\""]);
}

#[test]
fn whoever_asks_is_answered_when_it_is_done() {
    let mut session = serving(two());
    told(&mut session);
    let (process, one) = ("/org/keepalived/Vrrp1/Vrrp", "/org/keepalived/Vrrp1/Instance/eth0/51/IPv4");
    session.received(AT, &call(0, process, "PrintData"));
    session.received(AT, &call(NO_REPLY_EXPECTED, process, "ReloadConfig"));
    session.received(AT, &call(0, one, "SendGarp"));
    let want = [
        "say Info: Printing VRRP data on D-Bus request",
        "ask 1: PrintData",
        "ask 2: Reload",
        "say Info: Sending garps on one on D-Bus request",
        "ask 3: SendGarp(\"51\")",
    ];
    assert_eq!(told(&mut session), want);
    session.done(2);
    assert_eq!(told(&mut session), Vec::<String>::new());
    session.done(1);
    session.done(1);
    session.done(3);
    assert_eq!(told(&mut session), ["return 77 to \":1.7\"", "return 77 to \":1.7\""]);
    for _ in 0..17 {
        session.received(AT, &call(0, process, "PrintStats"));
    }
    let outputs = told(&mut session);
    assert_eq!(outputs.iter().filter(|output| output.starts_with("ask")).count(), 16);
    assert_eq!(outputs.last().map(String::as_str), Some("error org.freedesktop.DBus.Error.LimitsExceeded to \":1.7\""));
}

#[test]
fn a_reload_takes_objects_away_and_brings_others() {
    let gone = Object { farewell: Status::Deleted, ..object("50", "gone", Status::Fault) };
    let faulty = object("53", "faulty", Status::Fault);
    let mut session = serving(service(&[gone, object("51", "one", Status::Backup), object("52", "two", Status::Master), faulty]));
    told(&mut session);
    let new = service(&[object("51", "uno", Status::Backup), object("54", "two", Status::Backup)]);
    session.reconfigure(Service { name: "org.example.Vrrp".into(), ..new });
    let want = [
        "/Instance/eth0/50/IPv4 is 97",
        "/Instance/eth0/50/IPv4 changed Str(\"State\")",
        "/Instance/eth0/52/IPv4 is 3",
        "/Instance/eth0/52/IPv4 changed Str(\"State\")",
        "/Vrrp VrrpReloaded",
        "/Instance/eth0/51/IPv4 changed Str(\"Name\")",
        "/Instance/eth0/54/IPv4 is 1",
        "/Instance/eth0/54/IPv4 changed Str(\"State\")",
        "call 20: RequestName [Str(\"org.example.Vrrp\"), U32(0)]",
        "call 21: ReleaseName [Str(\"org.keepalived.Vrrp1\")]",
    ];
    assert_eq!(told(&mut session), want);
    // Nobody speaks for those that are gone.
    session.turned("52", Status::Fault);
    assert_eq!(told(&mut session), Vec::<String>::new());
}

proptest! {
    #[test]
    fn whatever_the_bus_says_does_no_harm(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..6), at in 0..60_usize, byte in any::<u8>()) {
        for serves in [false, true] {
            let mut session = if serves { serving(two()) } else { Session::new(AT, two(), 0, None) };
            session.tick(AT);
            if !serves {
                session.connected(AT);
            }
            let mut spoilt = call(0, "/org/keepalived/Vrrp1/Vrrp", "PrintData");
            spoilt[at] = byte;
            for piece in pieces.iter().chain([&spoilt]) {
                session.received(AT, piece);
            }
            // What it says is what can be said.
            told(&mut session);
        }
    }
}
