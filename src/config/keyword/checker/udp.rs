//! `UDP_CHECK`.

use super::{connected, open, probe};
use crate::config::args::Args;
use crate::config::draft::lvs::checker::{Checker, Probe, Udp};
use crate::config::keyword::{Vocabulary, line, live, number};
use crate::model::checker::{Octet, Reply};

open!(open, UDP, Checker::Udp, |rs, statement| probe::<Udp>(rs, statement));

pub static UDP: Vocabulary<Probe<Udp>> = Vocabulary::new(
    "UDP_CHECK",
    connected!(
        Probe<Udp>;
        live::<Probe<Udp>>(
            "payload",
            line!("HEX...", "pairs of digits; a digit left over is a byte", set_payload, |c, s| {
                if let Some(payload) = &c.kind.payload {
                    s.text(&payload.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "));
                }
            }),
            "text",
            "What to send.",
        )
        .may_lack(),
        live(
            "require_reply",
            line!("[HEX...]", "as payload, x for any digit", set_reply, |c, s| match &c.kind.reply {
                Reply::NotNeeded => {}
                Reply::Any => s.text(""),
                Reply::Like(octets) => s.text(&octets.iter().map(octet_text).collect::<Vec<_>>().join(" ")),
            }),
            "off",
            "Only a reply is success, and it must begin like this.",
        ),
        live::<Probe<Udp>>(
            "min_reply_length",
            number!(kind.min_reply: u16, 0, 65535),
            "0",
            "Shortest good reply; with a reply to compare only.",
        )
        .strict(),
        live::<Probe<Udp>>(
            "max_reply_length",
            number!(kind.max_reply: u16, 0, 65535),
            "255",
            "Longest good reply; with a reply to compare only.",
        )
        .strict(),
    ),
);

fn set_payload(check: &mut Probe<Udp>, args: &mut Args<'_>) {
    match octets(args, false) {
        Some(octets) if octets.is_empty() => {
            args.error("UDP_CHECK payload requires a payload").hint("payload 01 02 0f");
        }
        Some(octets) => check.kind.payload = Some(octets.iter().map(|octet| octet.value).collect()),
        None => {
            args.error("Invalid hex string for UDP_CHECK payload");
        }
    }
}

fn set_reply(check: &mut Probe<Udp>, args: &mut Args<'_>) {
    check.kind.reply = match octets(args, true) {
        Some(octets) if octets.is_empty() => Reply::Any,
        Some(octets) => Reply::Like(octets.into()),
        None => {
            args.error("Invalid hex string for UDP_CHECK reply").hint("hexadecimal digits, x for any: any reply will do now");
            Reply::Any
        }
    };
}

/// The words of the line as bytes: two digits each, and one digit that is left at the end of a word is a byte as well.
fn octets(args: &mut Args<'_>, wildcards: bool) -> Option<Vec<Octet>> {
    let nibble = |digit: u8| match char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()) {
        Some(value) => Some(Octet { value, mask: 0xf }),
        None => (wildcards && digit.eq_ignore_ascii_case(&b'x')).then_some(Octet { value: 0, mask: 0 }),
    };
    let mut octets = Vec::new();
    while let Some(word) = args.word() {
        for pair in word.as_bytes().chunks(2) {
            octets.push(match *pair {
                [high, low] => {
                    let (high, low) = (nibble(high)?, nibble(low)?);
                    Octet { value: high.value << 4 | low.value, mask: high.mask << 4 | low.mask }
                }
                [low] => nibble(low).map(|low| Octet { value: low.value, mask: 0xf0 | low.mask })?,
                _ => return None,
            });
        }
    }
    Some(octets)
}

fn octet_text(octet: &Octet) -> String {
    let nibble = |shift: u8| {
        if octet.mask >> shift & 0xf == 0 { "x".to_owned() } else { format!("{:x}", octet.value >> shift & 0xf) }
    };
    nibble(4) + &nibble(0)
}
