//! Many changes in one system call.

use super::message::Request;
use super::socket::{NLMSG_ERROR, Netlink, messages};
use crate::model::global::ReceiveBuffer;
use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use nix::errno::Errno;
use std::io;
use std::time::{Duration, Instant};

/// The kernel answers within its lock; a machine that is busy for longer is lost anyway.
const PATIENCE: Duration = Duration::from_secs(30);
/// At most so many messages at once: an error to each fits into the receive buffer.
const LARGEST: usize = 64;
const SMALLEST: usize = 4;
/// A chunk that takes longer is followed by smaller ones: others wait for the kernel's lock as well.
const LONG: Duration = Duration::from_millis(20);
const SEND_BYTES: usize = 32 * 1024;

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::kernel) enum Verdict {
    Done,
    /// It was so already.
    Already,
    Refused(String),
}

/// A socket that writes. It blocks while the kernel is busy.
#[derive(Debug)]
pub(in crate::kernel) struct Batch {
    netlink: Netlink,
    sequence: u32,
    size: usize,
    bytes: Vec<u8>,
}

impl Batch {
    pub(in crate::kernel) fn open() -> io::Result<Self> {
        Ok(Self { netlink: Netlink::open_to_ask(PATIENCE)?, sequence: 0, size: LARGEST, bytes: Vec::new() })
    }

    pub(in crate::kernel) fn sized(&self, wanted: ReceiveBuffer) -> io::Result<()> {
        self.netlink.sized(wanted)
    }

    /// Carries out the requests, in order; one that fails keeps none of the others back.
    pub(in crate::kernel) fn apply(&mut self, mut requests: &[Request]) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(requests.len());
        while !requests.is_empty() {
            let taken = self.chunk(requests, &mut verdicts);
            requests = requests.get(taken..).unwrap_or_default();
        }
        verdicts
    }

    /// Carries out the first few; returns how many.
    #[expect(clippy::disallowed_methods, reason = "how long the kernel takes is what sizes the next chunk")]
    fn chunk(&mut self, requests: &[Request], verdicts: &mut Vec<Verdict>) -> usize {
        let began = Instant::now();
        self.bytes.clear();
        let first = self.sequence.wrapping_add(1);
        let mut taken = 0;
        let mut last_header = 0;
        for request in requests.iter().take(self.size) {
            if taken > 0 && self.bytes.len() > SEND_BYTES {
                break;
            }
            last_header = self.bytes.len();
            self.sequence = self.sequence.wrapping_add(1);
            append(&mut self.bytes, request, self.sequence, 0);
            taken += 1;
        }
        // Only the last is acknowledged; errors are told of any.
        if let Some(request) = requests.get(taken - 1) {
            self.bytes.truncate(last_header);
            append(&mut self.bytes, request, self.sequence, NLM_F_ACK);
        }
        let chunk = requests.get(..taken).unwrap_or_default();
        let from = verdicts.len();
        verdicts.resize(from + taken, Verdict::Done);
        let outcome =
            self.netlink.send(&self.bytes).and_then(|()| self.answers(first, chunk, verdicts.get_mut(from..).unwrap_or_default()));
        if let Err(error) = outcome {
            // What has not been told of may have been done or not.
            for verdict in verdicts.iter_mut().skip(from).filter(|verdict| **verdict == Verdict::Done) {
                *verdict = Verdict::Refused(format!("no answer from the kernel: {error}"));
            }
        }
        self.size = if began.elapsed() > LONG { (taken / 2).max(SMALLEST) } else { (self.size * 2).min(LARGEST) };
        taken
    }

    /// Reads answers until the last request has its own.
    fn answers(&mut self, first: u32, chunk: &[Request], verdicts: &mut [Verdict]) -> io::Result<()> {
        let last = self.sequence;
        loop {
            let packet = self.netlink.receive()?;
            for message in messages(packet).filter(|message| message.kind == NLMSG_ERROR) {
                let index = usize::try_from(message.sequence.wrapping_sub(first)).unwrap_or(usize::MAX);
                let (Some(verdict), Some(request)) = (verdicts.get_mut(index), chunk.get(index)) else { continue };
                *verdict = judge(message.payload, request);
                if message.sequence == last {
                    return Ok(());
                }
            }
        }
    }
}

fn append(bytes: &mut Vec<u8>, request: &Request, sequence: u32, more: u16) {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | request.flags | more;
    header.sequence_number = sequence;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(request.message.clone()));
    message.finalize();
    let start = bytes.len();
    // It writes no padding of its own, and counts on zeros.
    bytes.resize((start + message.buffer_len()).next_multiple_of(4), 0);
    message.serialize(bytes.get_mut(start..).unwrap_or_default());
}

/// An error message: a code, the request's header, and what the kernel says in words.
fn judge(payload: &[u8], request: &Request) -> Verdict {
    let Some(code) = payload.first_chunk().map(|code| i32::from_ne_bytes(*code)) else {
        return Verdict::Refused("an answer that makes no sense".to_owned());
    };
    if code == 0 {
        return Verdict::Done;
    }
    let errno = Errno::from_raw(code.saturating_neg());
    let already = if request.removes {
        matches!(errno, Errno::EADDRNOTAVAIL | Errno::ESRCH | Errno::ENOENT | Errno::ENODEV)
    } else {
        errno == Errno::EEXIST
    };
    if already {
        return Verdict::Already;
    }
    Verdict::Refused(match extack(payload) {
        Some(text) => format!("{text} ({})", errno.desc()),
        None => errno.desc().to_owned(),
    })
}

/// `NLMSGERR_ATTR_MSG`, after the code and the header of the request.
pub(in crate::kernel) fn extack(payload: &[u8]) -> Option<String> {
    const TEXT: u16 = 1;
    let attributes = netlink_packet_core::NlasIterator::new(payload.get(4 + 16..)?);
    let text = attributes.map_while(Result::ok).find(|attribute| attribute.kind() == TEXT)?;
    let text = String::from_utf8_lossy(text.value()).trim_end_matches('\0').trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_route::RouteNetlinkMessage;

    fn request(removes: bool) -> Request {
        Request { message: RouteNetlinkMessage::DelAddress(Default::default()), flags: 0, removes }
    }

    #[test]
    fn what_is_so_already_is_no_error() {
        let answer = |code: i32, text: &str| {
            let mut payload = (-code).to_ne_bytes().to_vec();
            payload.extend([0; 16]);
            if !text.is_empty() {
                let length = u16::try_from(text.len() + 5).expect("short");
                payload.extend(length.to_ne_bytes());
                payload.extend(1_u16.to_ne_bytes());
                payload.extend(text.as_bytes());
                payload.push(0);
            }
            payload
        };
        for (removes, code, text, want) in [
            (false, 0, "", Verdict::Done),
            (false, libc::EEXIST, "", Verdict::Already),
            (true, libc::EADDRNOTAVAIL, "ipv4: Address not found", Verdict::Already),
            (true, libc::ESRCH, "", Verdict::Already),
            (true, libc::ENOENT, "", Verdict::Already),
            (true, libc::ENODEV, "", Verdict::Already),
            (false, libc::ENODEV, "", Verdict::Refused("No such device".to_owned())),
            (
                false,
                libc::ENETUNREACH,
                "Nexthop has invalid gateway",
                Verdict::Refused("Nexthop has invalid gateway (Network is unreachable)".to_owned()),
            ),
        ] {
            assert_eq!(judge(&answer(code, text), &request(removes)), want, "{code} {text}");
        }
        assert!(matches!(judge(&[1, 2], &request(false)), Verdict::Refused(_)));
    }
}
