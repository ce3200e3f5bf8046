//! ICMP echo. Only the answer to this very request counts: one that comes late was another attempt's.

use super::{Dialogue, Transport, Trouble, failed};
use crate::effect::probe::Outcome;
use crate::model::checker::Connection;
use std::net::IpAddr;

/// Its type and code, a checksum and an identifier that the kernel fills in, and a number.
const HEADER: usize = 8;
const PAYLOAD: usize = 128;
/// What follows the seed in the payload.
const FILLER: u8 = b'.';

#[derive(Debug)]
pub(super) struct Ping {
    address: IpAddr,
    request: Vec<u8>,
    reply: u8,
}

impl Ping {
    pub(super) fn new(connection: &Connection, seed: u64) -> Self {
        let (request, reply) = match connection.address {
            IpAddr::V4(_) => (8, 0),
            IpAddr::V6(_) => (128, 129),
        };
        let seed = seed.to_be_bytes();
        let mut message = vec![request, 0, 0, 0, 0, 0, seed[6], seed[7]];
        message.extend(seed);
        message.resize(HEADER + PAYLOAD, FILLER);
        Self { address: connection.address, request: message, reply }
    }
}

impl Dialogue for Ping {
    fn transport(&self) -> Transport {
        Transport::Echo
    }

    fn opened(&mut self, send: &mut Vec<u8>) -> Option<Outcome> {
        send.extend_from_slice(&self.request);
        None
    }

    fn received(&mut self, bytes: &[u8], _: &mut Vec<u8>) -> Option<Outcome> {
        // The number and the payload are as they were sent.
        let same = bytes.get(6..) == self.request.get(6..);
        (same && bytes.starts_with(&[self.reply, 0])).then_some(Outcome::Good)
    }

    fn closed(&mut self) -> Outcome {
        self.expired()
    }

    fn expired(&mut self) -> Outcome {
        Outcome::Failed(format!("ICMP connection to address {} timeout.", self.address).into())
    }

    fn failed(&mut self, trouble: Trouble) -> Outcome {
        failed(trouble, format_args!("ICMP connection to {} failed", self.address))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{bad, connection};
    use super::*;
    use proptest::prelude::*;

    fn sent(ping: &mut Ping) -> Vec<u8> {
        let mut bytes = Vec::new();
        assert_eq!(ping.opened(&mut bytes), None);
        bytes
    }

    #[test]
    fn only_its_own_echo_counts() {
        for (address, kinds, other) in [("10.0.0.1", [8, 0], [0, 0]), ("fd00::1", [128, 0], [129, 0])] {
            let mut ping = Ping::new(&connection(address, 0), 0x0102_0304_0506_0708);
            let request = sent(&mut ping);
            assert_eq!((request.len(), &request[..2], &request[6..8]), (136, &kinds[..], &[7, 8][..]));
            // Our own request, as it is heard on the loopback, is no reply.
            assert_eq!(ping.received(&request, &mut Vec::new()), None);
            let mut reply = request.clone();
            reply[..6].copy_from_slice(&[other[0], other[1], 0xab, 0xcd, 0x12, 0x34]);
            let mut late = Ping::new(&connection(address, 0), 0x0102_0304_0507_0708);
            assert_eq!(late.received(&reply, &mut Vec::new()), None);
            assert_eq!(ping.received(&reply[..135], &mut Vec::new()), None);
            assert_eq!(ping.received(&reply, &mut Vec::new()), Some(Outcome::Good));
        }
        let mut ping = Ping::new(&connection("10.0.0.1", 0), 7);
        assert_eq!(ping.expired(), bad("ICMP connection to address 10.0.0.1 timeout."));
        assert_eq!(ping.failed(Trouble::Target("No route to host")), bad("ICMP connection to 10.0.0.1 failed: No route to host"));
    }

    proptest! {
        #[test]
        fn garbage_is_no_reply(seed: u64, bytes: Vec<u8>) {
            prop_assert_eq!(Ping::new(&connection("::1", 0), seed).received(&bytes, &mut Vec::new()), None);
        }
    }
}
