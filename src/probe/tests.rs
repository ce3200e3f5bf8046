use super::*;
use crate::model::checker::{
    Dns, Http, HttpVersion, Micros, Misc, RecordType, Regex, RegexOptions, Reply, Smtp, Sni, StatusCodes, Timeout, Udp, Url,
};
use crate::model::script::{Action, Script};
use proptest::prelude::*;

pub(super) fn connection(address: &str, port: u16) -> Connection {
    Connection { address: address.parse().expect("an address"), port, timeout: Timeout::from_secs(5), mark: 0, bind: None }
}

pub(super) fn bad(text: &str) -> Outcome {
    Outcome::Failed(text.into())
}

/// Leads a dialogue with these answers, one after the other, and then closes the stream. All that was said, and the outcome.
pub(super) fn converse<'a>(dialogue: &mut dyn Dialogue, answers: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, Outcome) {
    let mut said = Vec::new();
    let mut outcome = dialogue.opened(&mut said);
    for answer in answers {
        if let Some(outcome) = outcome {
            return (said, outcome);
        }
        outcome = dialogue.received(answer, &mut said);
    }
    let outcome = outcome.unwrap_or_else(|| dialogue.closed());
    (said, outcome)
}

/// However the answer is cut, what is said and what comes of it are the same.
pub(super) fn pieces_change_nothing<D: Dialogue>(new: impl Fn() -> D, answer: &[u8], sizes: &[usize]) -> Result<(), TestCaseError> {
    let whole = converse(&mut new(), [answer]);
    let mut rest = answer;
    let pieces = sizes.iter().cycle().map_while(|size| {
        let (piece, later) = rest.split_at((*size).min(rest.len()));
        rest = later;
        (!piece.is_empty()).then_some(piece)
    });
    prop_assert_eq!(converse(&mut new(), pieces), whole);
    Ok(())
}

/// Whatever is heard, there is an end, and no panic.
pub(super) fn everything_ends(dialogue: &mut dyn Dialogue, pieces: &[Vec<u8>]) {
    converse(dialogue, pieces.iter().map(Vec::as_slice));
    dialogue.expired();
    dialogue.failed(Trouble::Target("Connection reset by peer"));
    dialogue.failed(Trouble::Ours("no socket"));
}

#[test]
fn a_connection_is_enough_for_tcp() {
    let mut tcp = tcp::Tcp::new(&connection("10.0.0.1", 80));
    assert_eq!(tcp.expired(), bad("TCP connection to [10.0.0.1]:tcp:80 timeout."));
    assert_eq!(tcp.failed(Trouble::Target("Connection refused")), bad("TCP connection to [10.0.0.1]:tcp:80 failed: Connection refused"));
    assert_eq!(tcp.failed(Trouble::Ours("no socket")), Outcome::Untried("no socket".into()));
    assert_eq!(converse(&mut tcp, []), (vec![], Outcome::Good));
}

#[test]
fn each_kind_of_probe_has_its_dialogue() {
    let to = || connection("10.0.0.1", 80);
    let pattern =
        || Regex { pattern: "x".into(), options: RegexOptions::default(), no_match: false, min_offset: 0, max_offset: None, stack: None };
    let url = |regex: bool| Url {
        path: "/".into(),
        virtualhost: None,
        digest: None,
        status: StatusCodes::new(vec![]),
        regex: regex.then(|| Box::new(pattern())),
        tls_compliant: false,
    };
    let http = Http {
        connection: to(),
        tls: false,
        version: HttpVersion::V1_0,
        virtualhost: None,
        sni: Sni::None,
        fast_recovery: false,
        tls_compliant: false,
        urls: [url(false), url(true)].into(),
    };
    let script = Script { argv: ["x".into()].into(), action: Action::Execute("/x".into()), uid: 0, gid: 0, groups: None };
    let misc = Misc { script, timeout: Micros::from_secs(1), dynamic: false };
    let udp = Udp { connection: to(), payload: None, reply: Reply::NotNeeded, min_reply: 0, max_reply: 255 };
    let stream = Some(Transport::Stream { tls: None });
    for (probe, url, want) in [
        (Probe::Tcp(to()), 0, stream.clone()),
        (Probe::Ping(to()), 0, Some(Transport::Echo)),
        (Probe::Http(Box::new(http.clone())), 0, stream.clone()),
        // Its pattern is missing, or the URL is.
        (Probe::Http(Box::new(http.clone())), 1, None),
        (Probe::Http(Box::new(http)), 2, None),
        (Probe::Smtp(Box::new(Smtp { connection: to(), helo_name: "x".into() })), 0, stream),
        (Probe::Dns(Box::new(Dns { connection: to(), record: RecordType::A, name: "x".into() })), 0, Some(Transport::Datagram)),
        (Probe::Udp(Box::new(udp)), 0, Some(Transport::Datagram)),
        (Probe::Misc(Box::new(misc)), 0, None),
    ] {
        let dialogue = dialogue(&probe, url, Hosts::default(), 1, None);
        assert_eq!(dialogue.map(|dialogue| dialogue.transport()), want, "{probe:?}");
    }
}
