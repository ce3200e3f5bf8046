use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn oid() -> impl Strategy<Value = Oid> {
    let part = prop_oneof![0..300_u32, any::<u32>()];
    let prefix = prop_oneof![Just(vec![]), Just(vec![1, 3, 6, 1]), Just(vec![1, 3, 6, 1, 4])];
    (prefix, vec(part, 0..20)).prop_map(|(prefix, rest)| Oid::new(&[prefix, rest].concat()))
}

fn octets() -> impl Strategy<Value = Box<[u8]>> {
    vec(any::<u8>(), 0..40).prop_map(Into::into)
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i32>().prop_map(Value::Integer),
        octets().prop_map(Value::Octets),
        Just(Value::Null),
        oid().prop_map(Value::Oid),
        any::<[u8; 4]>().prop_map(Value::IpAddress),
        any::<u32>().prop_map(Value::Counter32),
        any::<u32>().prop_map(Value::Gauge32),
        any::<u32>().prop_map(Value::TimeTicks),
        octets().prop_map(Value::Opaque),
        any::<u64>().prop_map(Value::Counter64),
        Just(Value::NoSuchObject),
        Just(Value::NoSuchInstance),
        Just(Value::EndOfMibView),
    ]
}

fn binds() -> impl Strategy<Value = Vec<VarBind>> {
    vec((oid(), value()).prop_map(|(name, value)| VarBind { name, value }), 0..5)
}

fn ranges() -> impl Strategy<Value = Vec<Range>> {
    vec((oid(), any::<bool>(), oid()).prop_map(|(start, include, end)| Range { start, include, end }), 0..5)
}

fn region() -> impl Strategy<Value = Region> {
    let range = proptest::option::of((1..=u8::MAX, any::<u32>()));
    (any::<u8>(), any::<u8>(), oid(), range, any::<bool>()).prop_map(|(timeout, priority, subtree, range, instance)| Region {
        timeout,
        priority,
        subtree,
        range,
        instance,
    })
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        (any::<u8>(), oid(), octets()).prop_map(|(timeout, id, description)| Body::Open { timeout, id, description }),
        (0..=9_u8).prop_map(|number| Body::Close(Reason::of(number))),
        region().prop_map(Body::Register),
        region().prop_map(|region| Body::Unregister(Region { timeout: 0, instance: false, ..region })),
        ranges().prop_map(Body::Get),
        ranges().prop_map(Body::GetNext),
        (any::<u16>(), any::<u16>(), ranges()).prop_map(|(non_repeaters, max_repetitions, ranges)| Body::GetBulk {
            non_repeaters,
            max_repetitions,
            ranges
        }),
        binds().prop_map(Body::TestSet),
        Just(Body::CommitSet),
        Just(Body::UndoSet),
        Just(Body::CleanupSet),
        binds().prop_map(Body::Notify),
        Just(Body::Ping),
        (any::<u32>(), any::<u16>(), any::<u16>(), binds()).prop_map(|(uptime, error, index, binds)| Body::Response(Response {
            uptime,
            error,
            index,
            binds
        })),
        (19..=u8::MAX).prop_map(Body::Other),
    ]
}

fn pdu() -> impl Strategy<Value = Pdu> {
    let order = prop_oneof![Just(Order::Little), Just(Order::Big)];
    let numbers = (any::<u32>(), any::<u32>(), any::<u32>());
    (order, numbers, proptest::option::of(octets()), body()).prop_map(|(order, (session, transaction, packet), context, body)| {
        let context = context.filter(|_| body.may_have_context());
        Pdu { header: Header { order, session, transaction, packet, context }, body }
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(pdu in pdu(), behind in octets()) {
        let mut bytes = pdu.encode();
        prop_assert_eq!(bytes.len() % 4, 0);
        let length = bytes.len();
        bytes.extend(&behind);
        prop_assert_eq!(frame(&bytes), Frame::Whole { length, header: pdu.header, body: Some(pdu.body) });
    }

    #[test]
    fn what_is_not_all_there_is_waited_for(pdu in pdu(), cut in any::<prop::sample::Index>()) {
        let bytes = pdu.encode();
        prop_assert_eq!(frame(&bytes[..cut.index(bytes.len())]), Frame::Partial);
    }

    #[test]
    fn bytes_from_outside_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        frame(&bytes);
    }

    #[test]
    fn a_broken_one_never_panics_and_has_the_length_that_it_says(pdu in pdu(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = pdu.encode();
        let length = bytes.len();
        let at = at.index(length);
        bytes[at] = to;
        match frame(&bytes) {
            Frame::Whole { length: said, .. } => prop_assert!(said <= length),
            Frame::Partial => prop_assert!((16..20).contains(&at) || at == 2),
            Frame::Alien => prop_assert!(at == 0 || at == 2 || (16..20).contains(&at)),
        }
    }
}

#[test]
fn a_registration_is_as_the_standard_shows_it() {
    let region = Region { timeout: 0, priority: 127, subtree: [1, 3, 6, 1, 2, 1, 68].into(), range: None, instance: false };
    let header = Header { order: Order::Big, session: 7, transaction: 0, packet: 2, context: None };
    let bytes = Pdu { header, body: Body::Register(region) }.encode();
    let want: [&[u8]; 4] = [
        &[1, 3, 0x10, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 16],
        &[0, 127, 0, 0],
        // 1.3.6.1 and the first part behind it are one byte.
        &[2, 2, 0, 0],
        &[0, 0, 0, 1, 0, 0, 0, 68],
    ];
    assert_eq!(bytes, want.concat());
}

#[test]
fn names_are_in_the_order_of_a_dictionary() {
    let mut names: Vec<Oid> = [&[1, 3, 10][..], &[1, 3], &[1, 3, 9, 1], &[], &[2], &[1, 3, 9]].map(Oid::new).into();
    names.sort();
    assert_eq!(names.iter().map(Oid::to_string).collect::<Vec<_>>(), ["", "1.3", "1.3.9", "1.3.9.1", "1.3.10", "2"]);
    assert_eq!(names[3].below(&[1, 3]), Some(&[9, 1][..]));
    assert_eq!(Oid::new(&[1; 200]).parts().len(), Oid::LONGEST);
}

#[test]
fn what_says_a_wrong_length_or_version_is_no_agentx() {
    let ping =
        Pdu { header: Header { order: Order::Little, session: 1, transaction: 2, packet: 3, context: None }, body: Body::Ping }.encode();
    for (at, to) in [(0, 2), (16, 1), (18, 0x20), (19, 0xff)] {
        let mut bytes = ping.clone();
        bytes[at] = to;
        assert_eq!(frame(&bytes), Frame::Alien, "{at}");
    }
}
