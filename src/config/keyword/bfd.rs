//! `bfd_instance`.

use super::{Shown, Vocabulary, block_opening, boolean, flag, line, live, number};
use crate::config::args::{Args, micros_text};
use crate::config::draft::Draft;
use crate::config::draft::bfd::Session;
use crate::config::parser::Parser;
use crate::config::syntax::Statement;
use crate::model::bfd::Hops;
use crate::model::track::Weight;
use std::net::IpAddr;
use std::time::Duration;

/// keepalived keeps names in 32 bytes, the terminator included.
const LONGEST_NAME: usize = 31;

pub(super) fn open_session(root: &mut Draft, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    let Some(name) = block_opening(parser, statement, "BFD instance") else {
        return;
    };
    if name.len() > LONGEST_NAME {
        let text =
            format!("Configuration error: BFD instance {name} name too long (maximum length is {LONGEST_NAME} characters) - ignoring");
        parser.error(statement.at, text).word(name);
        return parser.skip();
    }
    if let Err(first) = parser.cx.claim("bfd_instance", name, statement.at) {
        let text = format!("Configuration error: BFD instance {name} already configured - ignoring");
        parser.error(statement.at, text).word(name).hint(format!("the first one is at line {}", first.line));
        return parser.skip();
    }
    let mut session = Session::new(name, statement.at);
    session.end = parser.body(statement, &BFD, &mut session);
    root.bfd.push(session);
}

pub(super) fn show_sessions(root: &Draft, shown: &mut Shown<'_>) {
    for session in &root.bfd {
        shown.block(&crate::config::text::word(&session.name), &BFD, session);
    }
}

/// Milliseconds with a fraction, kept to the microsecond; above ten seconds keepalived wonders aloud.
macro_rules! milliseconds {
    ($field:ident, $min:literal) => {
        line!("MS[.FRACTION]", "up to 4294967", |t, a| set_interval(&mut t.$field, $min, a), |t, s| s.text(&milliseconds_text(t.$field)))
    };
}

pub static BFD: Vocabulary<Session> = Vocabulary::new(
    "bfd_instance",
    &[
        live::<Session>(
            "neighbor_ip",
            line!("IP", "", |t, a| set_address(&mut t.neighbor, a), |t, s| s.value(&t.neighbor)),
            "required",
            "Address of the peer.",
        )
        .aliases(&["neighbour_ip"]),
        live(
            "source_ip",
            line!("IP", "", |t, a| set_address(&mut t.source, a), |t, s| s.value(&t.source)),
            "the kernel's choice",
            "Address to send from.",
        ),
        live("min_rx", milliseconds!(min_rx, 1_000), "10", "Shortest interval between packets that we can take."),
        live("min_tx", milliseconds!(min_tx, 1_000), "10", "Interval at which we want to send while up."),
        live("idle_tx", milliseconds!(idle_tx, 1_000_000), "1000", "Interval at which we send while not up."),
        live("multiplier", number!(multiplier: u8, 1, 255), "5", "Packets that may be lost before the session is down."),
        live("passive", flag!(passive), "off", "Send nothing before the peer does."),
        live::<Session>(
            "ttl",
            number!(ttl: u8, 1, 255),
            "255",
            "Hop limit we send with, and against which max_hops is counted (over IPv6 64 by default).",
        )
        .aliases(&["hoplimit"]),
        live("max_hops", line!("N", "-1..255", set_hops, show_hops), "0", "Hops a packet may have come; -1 for any number."),
        live("multihop", boolean!(multihop), "off", "Use the multihop port 4784."),
        live(
            "weight",
            line!("N [reverse]", "-253..253", set_weight, |t, s| s.text(&weight_text(t.weight))),
            "0",
            "Weight that track_bfd uses unless it gives its own.",
        ),
        live("vrrp", flag!(vrrp), "both", "Tell the VRRP process of changes, and not the checkers unless checker is given too."),
        live("checker", flag!(checker), "both", "Tell the checkers of changes, and not the VRRP process unless vrrp is given too."),
    ],
);

fn set_interval(field: &mut Duration, min: u64, args: &mut Args<'_>) {
    const SENSIBLE: u64 = 10_000_000;
    let Some(word) = args.need() else { return };
    let Some(micros) = args.micros_in(word, 1_000, min, 4_294_967_000) else {
        return;
    };
    if micros > SENSIBLE {
        let keyword = args.keyword;
        args.notice(format!("Configuration warning: BFD instance {keyword} value {word} is larger than max sensible value (10000)"));
    }
    *field = Duration::from_micros(micros);
}

fn milliseconds_text(interval: Duration) -> String {
    micros_text(u64::try_from(interval.as_micros()).unwrap_or(u64::MAX), 1_000)
}

fn set_address(field: &mut Option<IpAddr>, args: &mut Args<'_>) {
    if let Some(address) = args.address() {
        *field = Some(address);
    }
}

fn set_hops(session: &mut Session, args: &mut Args<'_>) {
    if let Some(hops) = args.number::<i16>(-1, 255) {
        session.hops = u8::try_from(hops).map_or(Hops::Any, Hops::AtMost);
    }
}

fn show_hops(session: &Session, shown: &mut Shown<'_>) {
    match session.hops {
        Hops::Any => shown.text("-1"),
        Hops::AtMost(n) => shown.value(&n),
    }
}

fn set_weight(session: &mut Session, args: &mut Args<'_>) {
    let Some(value) = args.number::<i32>(-253, 253) else {
        return;
    };
    let reverse = match args.word() {
        None => false,
        Some("reverse") => true,
        Some(other) => {
            args.error(format!("unknown weight option {other}")).hint("only 'reverse' may follow a weight");
            false
        }
    };
    session.weight = Weight { value, reverse };
}

fn weight_text(weight: Weight) -> String {
    format!("{}{}", weight.value, if weight.reverse { " reverse" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::host::Stated;
    use crate::config::testing::{load, round_trip};

    #[test]
    fn every_keyword_has_its_effect_on_the_model() {
        let model = round_trip(
            "bfd_instance A {\n neighbour_ip 192.0.2.1\n source_ip 192.0.2.2\n min_rx 2.5\n min_tx 20\n idle_tx 2000\n multiplier 3\n passive\n ttl 200\n max_hops -1\n multihop\n weight -20 reverse\n vrrp\n}",
            &Stated::default(),
        );
        let session = &model.bfd[0];
        assert_eq!(session.min_rx, Duration::from_micros(2500));
        assert_eq!((session.ttl, session.hops, session.multihop), (200, Hops::Any, true));
        assert_eq!(session.weight, Weight { value: -20, reverse: true });
        assert!(session.tells_vrrp && !session.tells_checkers);
    }

    #[test]
    fn defaults_depend_on_the_family() {
        let model = round_trip("bfd_instance A {\n neighbor_ip 2001:db8::1\n}", &Stated::default());
        assert_eq!((model.bfd[0].ttl, model.bfd[0].full_ttl, model.bfd[0].multiplier), (255, 64, 5));
        let model = round_trip("bfd_instance A {\n neighbor_ip 2001:db8::1\n hoplimit 255\n}", &Stated::default());
        assert_eq!((model.bfd[0].ttl, model.bfd[0].full_ttl), (255, 255));
        assert!(model.bfd[0].tells_vrrp && model.bfd[0].tells_checkers);
    }

    #[test]
    fn faults_are_told_with_their_lines_and_cost_only_what_they_must() {
        for (body, want) in [
            ("bfd_instance A {\n}", vec!["2: Configuration error: BFD instance A has no neighbor address set, disabling instance"]),
            (
                "bfd_instance A {\n neighbor_ip 1.2.3\n}",
                vec![
                    "2: neighbor_ip: malformed address '1.2.3'",
                    "3: Configuration error: BFD instance A has no neighbor address set, disabling instance",
                ],
            ),
            ("bfd_instance A {\n neighbor_ip 192.0.2.1\n multiplier 256\n}", vec!["3: number '256' outside range [1, 255]"]),
            ("bfd_instance A {\n neighbor_ip 192.0.2.1\n nieghbor_ip 1\n}", vec!["3: Unknown keyword 'nieghbor_ip'"]),
            ("bfd_instance {\n foo\n}", vec!["1: BFD instance must have a name"]),
            ("bfd_instance A {\n neighbor_ip 192.0.2.1\n passiv {\n ttl 1\n }\n}", vec!["3: Unknown keyword 'passiv'"]),
        ] {
            assert_eq!(load(body, &Stated::default()).1, want, "{body}");
        }
    }
}
