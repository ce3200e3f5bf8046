//! A datagram, and perhaps one that comes back.

use super::{Dialogue, Target, Transport, Trouble, failed};
use crate::effect::probe::Outcome;
use crate::model::checker::{Octet, Reply, Udp};

/// What is sent where nothing is configured; servers' logs know it.
const PAYLOAD: &[u8; 32] = b"keepalived check - keepalived ch";

#[derive(Debug)]
pub(super) struct Datagram {
    target: Target,
    payload: Box<[u8]>,
    reply: Reply,
    lengths: (u16, u16),
}

impl Datagram {
    pub(super) fn new(udp: &Udp) -> Self {
        Self {
            target: Target::new(&udp.connection, "udp"),
            payload: udp.payload.clone().unwrap_or_else(|| PAYLOAD.as_slice().into()),
            reply: udp.reply.clone(),
            lengths: (udp.min_reply, udp.max_reply),
        }
    }

    fn is_good(&self, bytes: &[u8]) -> bool {
        match &self.reply {
            Reply::NotNeeded | Reply::Any => true,
            Reply::Like(octets) => {
                let (least, most) = (usize::from(self.lengths.0), usize::from(self.lengths.1));
                (least..=most).contains(&bytes.len()) && octets.iter().zip(bytes).all(|(octet, byte)| octet.is(*byte))
            }
        }
    }

    fn failure(&self) -> Outcome {
        Outcome::Failed(format!("UDP connection to {} failed.", self.target).into())
    }
}

impl Octet {
    fn is(self, byte: u8) -> bool {
        (self.value ^ byte) & self.mask == 0
    }
}

impl Dialogue for Datagram {
    fn transport(&self) -> Transport {
        Transport::Datagram
    }

    fn opened(&mut self, send: &mut Vec<u8>) -> Option<Outcome> {
        send.extend_from_slice(&self.payload);
        None
    }

    fn received(&mut self, bytes: &[u8], _: &mut Vec<u8>) -> Option<Outcome> {
        Some(if self.is_good(bytes) {
            Outcome::Good
        } else {
            Outcome::Failed(format!("UDP check to {} reply data mismatch.", self.target).into())
        })
    }

    fn closed(&mut self) -> Outcome {
        self.failure()
    }

    fn expired(&mut self) -> Outcome {
        match self.reply {
            // Nobody has said that there is nobody.
            Reply::NotNeeded => Outcome::Good,
            Reply::Any | Reply::Like(_) => self.failure(),
        }
    }

    fn failed(&mut self, trouble: Trouble) -> Outcome {
        failed(trouble, format_args!("UDP connection to {} failed", self.target))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{bad, connection};
    use super::*;
    use proptest::prelude::*;

    fn check(reply: Reply) -> Datagram {
        Datagram::new(&Udp { connection: connection("10.0.0.1", 9000), payload: None, reply, min_reply: 2, max_reply: 6 })
    }

    fn like(octets: &[(u8, u8)]) -> Reply {
        Reply::Like(octets.iter().map(|&(value, mask)| Octet { value, mask }).collect())
    }

    #[test]
    fn what_is_sent_is_what_is_configured() {
        let mut sent = Vec::new();
        assert_eq!(check(Reply::NotNeeded).opened(&mut sent), None);
        assert_eq!(sent, PAYLOAD);
        let udp =
            Udp { connection: connection("::1", 9), payload: Some([1, 2, 15].into()), reply: Reply::Any, min_reply: 0, max_reply: 255 };
        sent.clear();
        assert_eq!(Datagram::new(&udp).opened(&mut sent), None);
        assert_eq!(sent, [1, 2, 15]);
    }

    #[test]
    fn silence_is_good_unless_a_reply_is_needed() {
        let failure = bad("UDP connection to [10.0.0.1]:udp:9000 failed.");
        assert_eq!(check(Reply::NotNeeded).expired(), Outcome::Good);
        assert_eq!(check(Reply::Any).expired(), failure);
        assert_eq!(check(like(&[(1, 255)])).expired(), failure);
        let refused = check(Reply::NotNeeded).failed(Trouble::Target("Connection refused"));
        assert_eq!(refused, bad("UDP connection to [10.0.0.1]:udp:9000 failed: Connection refused"));
        assert_eq!(check(Reply::Any).failed(Trouble::Ours("no socket")), Outcome::Untried("no socket".into()));
    }

    #[test]
    fn a_reply_is_compared_as_far_as_it_goes() {
        // 4x 42 xX 44
        let pattern = like(&[(0x40, 0xf0), (0x42, 0xff), (0, 0), (0x44, 0xff)]);
        let mismatch = bad("UDP check to [10.0.0.1]:udp:9000 reply data mismatch.");
        for (reply, bytes, want) in [
            (&pattern, &b"ABCD"[..], &Outcome::Good),
            (&pattern, b"ABCDEF", &Outcome::Good),
            (&pattern, b"AB", &Outcome::Good),
            (&pattern, b"ABCDEFG", &mismatch),
            (&pattern, b"A", &mismatch),
            (&pattern, b"AACD", &mismatch),
            (&pattern, b"PBCD", &mismatch),
            (&like(&[(0x41, 0xff), (0xff, 0xff)]), b"ABCD", &mismatch),
            (&Reply::Any, b"", &Outcome::Good),
            (&Reply::NotNeeded, b"anything at all", &Outcome::Good),
        ] {
            assert_eq!(check(reply.clone()).received(bytes, &mut Vec::new()).as_ref(), Some(want), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn anything_may_come(bytes: Vec<u8>, octets: Vec<(u8, u8)>) {
            let outcome = check(like(&octets)).received(&bytes, &mut Vec::new());
            prop_assert!(outcome.is_some());
        }
    }
}
