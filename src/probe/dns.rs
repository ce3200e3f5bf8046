//! DNS: one question, and an answer without an error.

use super::{Dialogue, Target, Transport, Trouble, failed};
use crate::effect::probe::Outcome;
use crate::model::checker::{Dns, RecordType};

const HEADER: usize = 12;
/// The question is ours, and names are to be looked up by whoever answers.
const RECURSION_DESIRED: u16 = 0x0100;
const CLASS_IN: u16 = 1;
/// What a name may take, its end not counted.
const LONGEST_NAME: usize = 254;

#[derive(Debug)]
pub(super) struct Query {
    target: Target,
    id: [u8; 2],
    /// None where the name is longer than a question may be.
    question: Option<Vec<u8>>,
}

fn number(record: RecordType) -> u16 {
    match record {
        RecordType::A => 1,
        RecordType::Ns => 2,
        RecordType::Cname => 5,
        RecordType::Soa => 6,
        RecordType::Mx => 15,
        RecordType::Txt => 16,
        RecordType::Aaaa => 28,
        RecordType::Rrsig => 46,
        RecordType::Dnskey => 48,
    }
}

fn question(id: [u8; 2], name: &str, record: RecordType) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(HEADER + name.len() + 6);
    bytes.extend(id);
    for field in [RECURSION_DESIRED, 1, 0, 0, 0] {
        bytes.extend(field.to_be_bytes());
    }
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).ok().filter(|length| *length < 64)?);
        bytes.extend(label.as_bytes());
    }
    if bytes.len() - HEADER > LONGEST_NAME {
        return None;
    }
    bytes.push(0);
    bytes.extend(number(record).to_be_bytes());
    bytes.extend(CLASS_IN.to_be_bytes());
    Some(bytes)
}

impl Query {
    pub(super) fn new(dns: &Dns, seed: u64) -> Self {
        let [a, b, ..] = seed.to_le_bytes();
        Self { target: Target::new(&dns.connection, "udp"), id: [a, b], question: question([a, b], &dns.name, dns.record) }
    }

    fn bad(&self, why: &str) -> Outcome {
        Outcome::Failed(format!("DNS_CHECK ({}) {why}", self.target).into())
    }
}

/// The name of an error, as those who run servers know it.
fn error_name(code: u8) -> &'static str {
    match code {
        1 => " FORMERR",
        2 => " SERVFAIL",
        3 => " NXDOMAIN",
        4 => " NOTIMP",
        5 => " REFUSED",
        _ => "",
    }
}

impl Dialogue for Query {
    fn transport(&self) -> Transport {
        Transport::Datagram
    }

    fn opened(&mut self, send: &mut Vec<u8>) -> Option<Outcome> {
        match &self.question {
            Some(question) => {
                send.extend_from_slice(question);
                None
            }
            None => Some(Outcome::Untried("the name is longer than DNS allows".into())),
        }
    }

    fn received(&mut self, bytes: &[u8], _: &mut Vec<u8>) -> Option<Outcome> {
        match bytes {
            // An answer, and to this question. Anything else is somebody's noise.
            [a, b, third, fourth, rest @ ..] if [*a, *b] == self.id && third & 0x80 != 0 && rest.len() >= HEADER - 4 => match fourth & 0x0f
            {
                0 => Some(Outcome::Good),
                code => Some(self.bad(&format!("read error occurred. (rcode = {code}{})", error_name(code)))),
            },
            _ => None,
        }
    }

    fn closed(&mut self) -> Outcome {
        self.bad("connection error.")
    }

    fn expired(&mut self) -> Outcome {
        self.bad("read timeout from socket.")
    }

    fn failed(&mut self, trouble: Trouble) -> Outcome {
        failed(trouble, format_args!("DNS_CHECK ({}) connection error", self.target))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{bad, connection, everything_ends};
    use super::*;
    use proptest::prelude::*;

    fn query(name: &str, record: RecordType) -> Query {
        Query::new(&Dns { connection: connection("10.0.0.1", 53), record, name: name.into() }, 0x7_1234)
    }

    fn asked(name: &str, record: RecordType) -> Vec<u8> {
        let mut bytes = Vec::new();
        assert_eq!(query(name, record).opened(&mut bytes), None);
        bytes
    }

    #[test]
    fn a_question_is_as_rfc_1035_has_it() {
        let head = b"\x34\x12\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00";
        let www = [&head[..], b"\x03www\x07example\x03com\x00\x00\x01\x00\x01"].concat();
        assert_eq!(asked("www.example.com", RecordType::A), www);
        assert_eq!(asked("", RecordType::Soa), [&head[..], b"\x00\x00\x06\x00\x01"].concat());
        for record in RecordType::ALL {
            assert_eq!(asked("", record).len(), HEADER + 5);
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_ours_to_mend() {
        for name in ["x".repeat(64), "x.".repeat(200)] {
            assert!(matches!(query(&name, RecordType::A).opened(&mut Vec::new()), Some(Outcome::Untried(_))), "{name}");
        }
        for name in ["x".repeat(63), ["x.".repeat(126), "y".into()].concat()] {
            assert_eq!(query(&name, RecordType::A).opened(&mut Vec::new()), None, "{name}");
        }
    }

    #[test]
    fn an_answer_without_error_is_enough() {
        let answer = |bytes: &[u8]| query("x", RecordType::A).received(&[bytes, &[0; 8]].concat(), &mut Vec::new());
        for (bytes, want) in [
            (b"\x34\x12\x81\x80", Some(Outcome::Good)),
            (b"\x34\x12\x80\x00", Some(Outcome::Good)),
            (b"\x34\x12\x81\x83", Some(bad("DNS_CHECK ([10.0.0.1]:udp:53) read error occurred. (rcode = 3 NXDOMAIN)"))),
            (b"\x34\x12\x81\x8f", Some(bad("DNS_CHECK ([10.0.0.1]:udp:53) read error occurred. (rcode = 15)"))),
            // A question, and an answer to another one.
            (b"\x34\x12\x01\x00", None),
            (b"\x34\x13\x81\x80", None),
        ] {
            assert_eq!(answer(bytes), want, "{bytes:?}");
        }
        let mut query = query("x", RecordType::A);
        assert_eq!(query.received(b"\x34\x12\x81\x80\x00\x01\x00\x00\x00\x00\x00", &mut Vec::new()), None);
        assert_eq!(query.expired(), bad("DNS_CHECK ([10.0.0.1]:udp:53) read timeout from socket."));
        let refused = query.failed(Trouble::Target("Connection refused"));
        assert_eq!(refused, bad("DNS_CHECK ([10.0.0.1]:udp:53) connection error: Connection refused"));
    }

    proptest! {
        #[test]
        fn anything_may_come(name in ".{0,300}", seed: u64, pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6)) {
            let dns = Dns { connection: connection("::1", 53), record: RecordType::Txt, name: name.into() };
            everything_ends(&mut Query::new(&dns, seed), &pieces);
        }
    }
}
