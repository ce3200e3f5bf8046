use super::super::message::{Answer, Command};
use super::*;
use crate::effect::ipvs::delta::Op;
use proptest::collection::vec;
use proptest::prelude::*;

fn written(op: &Op) -> Vec<u8> {
    let mut bytes = Vec::new();
    Command::of(op).and_then(|command| command.write(30, 7, Answer::OnFailure, &mut bytes)).expect("written");
    bytes
}

/// What a message says, as if the kernel had said it.
fn said(bytes: &[u8]) -> Attributes<'_> {
    match messages(bytes).next().expect("a message") {
        Message { sequence: 7, content: Content::Item(attributes) } => attributes,
        other => unreachable!("{other:?}"),
    }
}

fn addresses() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)]
}

fn keys() -> impl Strategy<Value = ServiceKey> {
    prop_oneof![
        (proptest::sample::select(&Protocol::ALL[..]), addresses(), any::<u16>())
            .prop_map(|(protocol, address, port)| ServiceKey::Address { protocol, address, port }),
        (any::<bool>(), any::<NonZeroU32>())
            .prop_map(|(six, mark)| ServiceKey::Mark { family: if six { Family::V6 } else { Family::V4 }, mark }),
    ]
}

fn settings(family: Family) -> impl Strategy<Value = Settings> {
    let granularity = match family {
        Family::V4 => (0_u32..32).prop_map(|bits| Granularity::Mask(Ipv4Addr::from_bits(!(u32::MAX >> bits)))).boxed(),
        Family::V6 => (1_u8..128).prop_map(Granularity::Prefix).boxed(),
    };
    let engine = proptest::option::of(Just("sip".into()));
    let persistence = (any::<u32>(), proptest::option::of(granularity), engine).prop_map(|(seconds, granularity, engine)| Persistence {
        timeout: Duration::from_secs(seconds.into()),
        granularity,
        engine,
    });
    let flags = any::<[bool; 4]>();
    (proptest::sample::select(&Scheduler::ALL[..]), flags, proptest::option::of(persistence)).prop_map(
        |(scheduler, [first, second, third, one_packet], persistence)| Settings {
            scheduler,
            flags: SchedulerFlags { first, second, third },
            one_packet,
            persistence,
        },
    )
}

fn dests() -> impl Strategy<Value = Dest> {
    let checksum = || prop_oneof![Just(Checksum::None), Just(Checksum::Usual), Just(Checksum::Remote)];
    let forwarding = prop_oneof![
        Just(Forwarding::Nat),
        Just(Forwarding::DirectRoute),
        Just(Forwarding::Tunnel(Tunnel::Ipip)),
        (any::<NonZeroU16>(), checksum()).prop_map(|(port, checksum)| Forwarding::Tunnel(Tunnel::Gue { port, checksum })),
        checksum().prop_map(|checksum| Forwarding::Tunnel(Tunnel::Gre { checksum })),
    ];
    (addresses(), any::<u16>(), forwarding, any::<u32>(), any::<u32>(), any::<u32>()).prop_map(
        |(address, port, forwarding, weight, upper_threshold, lower_threshold)| Dest {
            key: DestKey { address, port },
            forwarding,
            weight,
            upper_threshold,
            lower_threshold,
        },
    )
}

proptest! {
    #[test]
    fn a_service_is_read_as_it_was_written(
        (key, settings) in keys().prop_flat_map(|key| (Just(key), settings(key.family())))
    ) {
        let bytes = written(&Op::AddService(key, settings.clone()));
        prop_assert_eq!(said(&bytes).service(), Some(SeenService { key, settings: Some(settings) }));
    }

    #[test]
    fn a_destination_is_read_as_it_was_written(key in keys(), dest in dests()) {
        let bytes = written(&Op::EditDest(key, dest));
        prop_assert_eq!(said(&bytes).dest(key.family()), Some(dest));
        prop_assert_eq!(said(&bytes).service().map(|service| service.key), Some(key));
    }

    #[test]
    fn any_bytes_are_borne(
        key in keys(), dest in dests(), noise in vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(), raw in vec(any::<u8>(), 0..200),
    ) {
        let mut bytes = written(&Op::AddDest(key, dest));
        for (place, byte) in noise {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        for packet in [&bytes, &raw] {
            for message in messages(packet) {
                if let Content::Item(attributes) = message.content {
                    let _ = (attributes.service(), attributes.dest(key.family()), attributes.family_id(), attributes.timeouts());
                }
            }
        }
    }
}

#[test]
fn refusals_are_told_from_ends() {
    let message = |kind: u16, sequence: u32, code: i32| {
        let mut bytes = 20_u32.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 2]);
        bytes.extend(sequence.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(code.to_ne_bytes());
        bytes
    };
    let packet = [message(2, 1, -17), message(2, 2, 0), message(3, 3, 0), message(3, 4, i32::MIN)].concat();
    let read: Vec<_> = messages(&packet)
        .map(|message| match message.content {
            Content::Refused(errno) => (message.sequence, Some(errno)),
            Content::End => (message.sequence, None),
            Content::Item(_) => (0, None),
        })
        .collect();
    assert_eq!(read, [(1, Some(Errno::EEXIST)), (2, None), (3, None), (4, Some(Errno::UnknownErrno))]);
}

#[test]
fn what_we_have_no_words_for_differs_from_all_that_can_be_wanted() {
    let key = ServiceKey::Address { protocol: Protocol::Tcp, address: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 80 };
    let dest = DestKey { address: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 80 };
    let (forwarding, weight) = (Forwarding::DirectRoute, 1);
    let mut bytes = written(&Op::AddDest(key, Dest { key: dest, forwarding, weight, upper_threshold: 0, lower_threshold: 0 }));
    // The attribute of the forwarding method, direct routing.
    let place = bytes.windows(8).position(|window| window[..4] == [8, 0, 3, 0] && window[4] == 3).expect("it is there");
    bytes[place + 4] = 1;
    assert_eq!(said(&bytes).dest(Family::V4).map(|dest| dest.weight), Some(ODD_WEIGHT));
}
