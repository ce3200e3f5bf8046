//! Answers to every kind of checker, cut into pieces: the first byte tells which, the second where to cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use standfast::effect::probe::Outcome;
use standfast::model::checker::{
    Connection, Dns, Http, HttpVersion, Octet, Probe, RecordType, Regex, RegexOptions, Reply, Smtp, Sni, StatusCodes, Timeout, Udp, Url,
};
use standfast::probe::{Dialogue, Found, Hosts, Matcher, Window, dialogue};
use std::net::IpAddr;
use std::rc::Rc;

/// Looks for two bytes.
struct Pair;

impl Matcher for Pair {
    fn lookbehind(&self) -> usize {
        0
    }

    fn search(&self, window: Window<'_>) -> Found {
        let end = window.latest.map_or(usize::MAX, |latest| latest.saturating_add(1)).min(window.bytes.len());
        for at in window.from..end {
            match &window.bytes[at..] {
                [b'o', b'k', ..] => return Found::Yes,
                [b'o'] if !window.last => return Found::NotBefore(at),
                _ => {}
            }
        }
        Found::NotBefore(window.bytes.len())
    }
}

fn probe(kind: u8) -> Probe {
    let connection = Connection { address: IpAddr::from([10, 0, 0, 1]), port: 80, timeout: Timeout::from_secs(1), mark: 0, bind: None };
    match kind % 6 {
        0 => {
            let regex = Regex {
                pattern: "ok".into(),
                options: RegexOptions::default(),
                no_match: kind & 0x80 != 0,
                min_offset: 2,
                max_offset: (kind & 0x40 != 0).then_some(100),
                stack: None,
            };
            let url = Url {
                path: "/".into(),
                virtualhost: None,
                digest: (kind & 0x20 != 0).then_some([0; 16]),
                status: StatusCodes::new(vec![(200, 499)]),
                regex: Some(Box::new(regex)),
                tls_compliant: false,
            };
            Probe::Http(Box::new(Http {
                connection,
                tls: false,
                version: HttpVersion::V1_1,
                virtualhost: None,
                sni: Sni::None,
                fast_recovery: false,
                tls_compliant: false,
                urls: [url].into(),
            }))
        }
        1 => Probe::Smtp(Box::new(Smtp { connection, helo_name: "x".into() })),
        2 => Probe::Dns(Box::new(Dns { connection, record: RecordType::A, name: "x".into() })),
        3 => {
            let reply = Reply::Like([Octet { value: 0x40, mask: 0xf0 }, Octet { value: 1, mask: 0xff }].into());
            Probe::Udp(Box::new(Udp { connection, payload: None, reply, min_reply: 1, max_reply: 5 }))
        }
        4 => Probe::Ping(connection),
        _ => Probe::Tcp(connection),
    }
}

fn led(dialogue: &mut dyn Dialogue, pieces: &[&[u8]]) -> (Outcome, Vec<u8>) {
    let mut said = Vec::new();
    let mut outcome = dialogue.opened(&mut said);
    for piece in pieces {
        outcome = outcome.or_else(|| dialogue.received(piece, &mut said));
    }
    (outcome.unwrap_or_else(|| dialogue.closed()), said)
}

fuzz_target!(|bytes: &[u8]| {
    let [kind, cut, answer @ ..] = bytes else { return };
    let probe = probe(*kind);
    let new = || dialogue(&probe, 0, Hosts::default(), 1, Some(Rc::new(Pair))).expect("each of them has one");
    let (one, other) = answer.split_at(usize::from(*cut).min(answer.len()));
    let cut = led(&mut *new(), &[one, other]);
    // A datagram is one; of a stream it does not matter how it comes.
    if matches!(probe, Probe::Http(_) | Probe::Smtp(_)) {
        assert_eq!(cut, led(&mut *new(), &[answer]));
    }
});
