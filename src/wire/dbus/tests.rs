use super::*;
use proptest::prelude::*;

fn basic() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u8>().prop_map(Value::Byte),
        any::<bool>().prop_map(Value::Bool),
        any::<i16>().prop_map(Value::I16),
        any::<u16>().prop_map(Value::U16),
        any::<i32>().prop_map(Value::I32),
        any::<u32>().prop_map(Value::U32),
        any::<i64>().prop_map(Value::I64),
        any::<u64>().prop_map(Value::U64),
        any::<u64>().prop_map(Value::Double),
        "[^\0]{0,9}".prop_map(|text| Value::str(text.as_str())),
        "(/[A-Za-z0-9_]{1,4}){1,3}".prop_map(|path| Value::Path(path.as_str().into())),
        Just(Value::Signature("a{sv}(us)".into())),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    basic().prop_recursive(5, 40, 5, |inner| {
        // Of one kind all: they differ in nothing.
        let array =
            (inner.clone(), 0..5_usize).prop_map(|(item, count)| Value::Array { of: item.signature().into(), items: vec![item; count] });
        let dictionary = (basic(), inner.clone(), 0..4_usize).prop_map(|(key, item, count)| Value::Array {
            of: format!("{{{}{}}}", key.signature(), item.signature()).into(),
            items: vec![Value::Entry(Box::new((key, item))); count],
        });
        prop_oneof![
            inner.clone().prop_map(Value::variant),
            proptest::collection::vec(inner, 1..4).prop_map(Value::Struct),
            array,
            dictionary
        ]
    })
}

fn message() -> impl Strategy<Value = Message> {
    let text = proptest::option::of("[a-zA-Z.:]{0,12}".prop_map(|text| Box::from(text.as_str())));
    let header =
        (text.clone(), text.clone(), text, proptest::option::of(1..=u32::MAX)).prop_map(|(destination, sender, interface, reply_to)| {
            Header { path: Some("/a/b".into()), interface, member: Some("Do".into()), error: None, reply_to, destination, sender }
        });
    (header, 1..=u32::MAX, 0..8_u8, proptest::collection::vec(value(), 0..4)).prop_map(|(header, serial, flags, body)| Message {
        kind: Kind::Call,
        flags,
        serial,
        header,
        body,
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(message in message()) {
        prop_assume!(message.body.iter().all(Value::is_sound) && Value::signature_of(&message.body).len() < 256);
        let bytes = message.encode();
        prop_assert_eq!(length(&bytes), Ok(Some(bytes.len())));
        prop_assert_eq!(decode(&bytes), Ok(message));
    }

    #[test]
    fn whatever_arrives_does_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = (length(&bytes), decode(&bytes), sasl::answer(&bytes));
    }

    #[test]
    fn a_message_with_a_fault_does_no_harm(message in message(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in 0..40_usize) {
        let mut bytes = message.encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = (length(&bytes), decode(&bytes));
        bytes.truncate(bytes.len().saturating_sub(cut));
        let _ = (length(&bytes), decode(&bytes));
    }
}

/// A call as a machine sends it that has the most significant byte first.
const BIG: &[u8] = b"\x42\x01\x00\x01\x00\x00\x00\x0d\x00\x00\x01\x02\x00\x00\x00\x29\x01\x01\x6f\x00\x00\x00\x00\x02\
    \x2f\x61\x00\x00\x00\x00\x00\x00\x03\x01\x73\x00\x00\x00\x00\x03\x47\x65\x74\x00\x00\x00\x00\x00\
    \x08\x01\x67\x00\x03\x61\x79\x73\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x07\x00\x00\x00\
    \x00\x00\x00\x00\x00";

#[test]
fn both_orders_of_bytes_are_understood() {
    let message = decode(BIG).expect("it is one");
    assert_eq!((message.serial, message.header.path, message.header.member), (258, Some("/a".into()), Some("Get".into())));
    assert_eq!(message.body, [Value::Array { of: "y".into(), items: vec![Value::Byte(7)] }, Value::str("")]);
}

#[test]
fn what_breaks_a_rule_is_no_message() {
    let call = |body| Message {
        kind: Kind::Call,
        flags: 0,
        serial: 1,
        header: Header { path: Some("/".into()), member: Some("M".into()), ..Header::default() },
        body,
    };
    let good = call(vec![Value::Bool(true), Value::str("ab"), Value::Path("/a".into())]).encode();
    assert!(decode(&good).is_ok());
    let body = good.len() - 19;
    for (what, at, byte) in [
        ("neither order", 0, b'x'),
        ("no kind", 1, 0),
        ("another version", 3, 2),
        ("no serial", 8, 0),
        ("a truth beyond true", body, 2),
        ("no end of a string", body + 10, b'c'),
        ("a zero in a string", body + 9, 0),
        ("no UTF-8", body + 9, 0xff),
        ("padding that is not zero", body + 11, 1),
        ("a path that is none", body + 16, b'a'),
        ("a string beyond the end", body + 7, 0x7f),
    ] {
        let mut bytes = good.clone();
        bytes[at] = byte;
        assert_eq!(decode(&bytes), Err(Malformed), "{what}");
    }
    for cut in 1..good.len() {
        assert_eq!(decode(&good[..cut]), Err(Malformed), "{cut} bytes");
        assert!(length(&good[..cut]).is_ok_and(|length| length.is_none_or(|length| length == good.len())), "{cut} bytes");
    }
}

#[test]
fn a_message_says_at_once_that_it_is_too_large() {
    let mut bytes = b"l\x01\x00\x01\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00".to_vec();
    assert_eq!(length(&bytes), Ok(Some(16)));
    bytes[7] = 0x7f;
    assert_eq!(length(&bytes), Err(Malformed));
    bytes[7] = 0;
    bytes[15] = 0xff;
    assert_eq!(length(&bytes), Err(Malformed));
}

#[test]
fn values_are_not_nested_without_end() {
    let mut deep = Value::Byte(0);
    for _ in 0..80 {
        deep = Value::variant(deep);
    }
    let header = Header { path: Some("/".into()), member: Some("M".into()), ..Header::default() };
    let message = Message { kind: Kind::Call, flags: 0, serial: 1, header, body: vec![deep] };
    assert_eq!(decode(&message.encode()), Err(Malformed));
    for (signature, good) in [
        ("", true),
        ("a{sv}", true),
        ("(i(ss)a(u))", true),
        ("{sv}", false),
        ("a", false),
        ("()", false),
        ("(", false),
        ("a{vs}", false),
        ("a{s}", false),
        ("z", false),
        ("h", false),
    ] {
        assert_eq!(signature::is_signature(signature.as_bytes()), good, "{signature}");
    }
    assert!(!signature::is_signature("a".repeat(33).as_bytes()));
    assert!(!signature::is_signature(["a".repeat(33), "i".into()].concat().as_bytes()));
    assert!(!signature::is_signature(["(".repeat(33), "i".into(), ")".repeat(33)].concat().as_bytes()));
    assert!(!signature::is_signature("i".repeat(256).as_bytes()));
}

#[test]
fn names_become_elements_of_paths() {
    for (name, want) in [("eth0", "eth0"), ("br-lan.5", "br_lan_5"), ("", "_"), ("ü", "_"), ("a@b", "a_b")] {
        assert_eq!(escaped(name), want);
        assert!(is_path(&format!("/{want}")), "{want}");
    }
    for bad in ["", "a", "/a/", "//", "/a-b", "/a//b"] {
        assert!(!is_path(bad), "{bad}");
    }
    for (name, good) in [
        ("org.keepalived.Vrrp1", true),
        ("org", false),
        ("", false),
        ("org.1a", false),
        ("org..a", false),
        ("org.a b", false),
        ("o-x._y", true),
    ] {
        assert_eq!(is_bus_name(name), good, "{name}");
    }
}

#[test]
fn a_bus_knows_us_or_says_that_it_does_not() {
    use sasl::{Step, answer, greeting};
    assert_eq!(greeting(0), b"\0AUTH EXTERNAL 30\r\n");
    assert_eq!(greeting(1000), b"\0AUTH EXTERNAL 31303030\r\n");
    assert_eq!(answer(b""), Step::More);
    assert_eq!(answer(b"OK 1234\r"), Step::More);
    assert_eq!(answer(b"OK 1234\r\nl\x02"), Step::Known(9));
    assert_eq!(answer(b"REJECTED EXTERNAL\r\n"), Step::Refused("REJECTED EXTERNAL".into()));
    assert_eq!(answer(b"OKAY\r\n"), Step::Refused("OKAY".into()));
    assert_eq!(answer(&[b'x'; 5000]), Step::Refused("it does not come to an end".into()));
}

#[test]
fn addresses_of_buses_are_read() {
    let path = |path: &str| Address::Path(path.into());
    for (text, want) in [
        ("unix:path=/run/bus", vec![path("/run/bus")]),
        ("unix:path=/a%20b%2fc,guid=12", vec![path("/a b/c")]),
        ("unix:guid=1,abstract=name", vec![Address::Abstract("name".into())]),
        ("tcp:host=localhost;unix:path=/x;unix:abstract=y", vec![path("/x"), Address::Abstract("y".into())]),
        ("unix:path=/a%2", vec![]),
        ("unix:path=/a%zz", vec![]),
        ("unix:runtime=yes", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(addresses(text), want, "{text}");
    }
}
