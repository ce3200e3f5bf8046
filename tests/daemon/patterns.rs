//! Regular expressions over whole responses, as the library finds them, however a response is cut on its way.

use proptest::prelude::*;
use standfast::effect::probe::Outcome;
use standfast::model::checker::{Connection, Http, HttpVersion, Probe, Regex, RegexOptions, Sni, StatusCodes, Timeout, Url};
use standfast::probe::{Hosts, dialogue};
use standfast::runtime::probe::compile;
use standfast::sys::pcre2::{Pattern, Search};

fn regex(pattern: &str, options: &str, (min_offset, max_offset): (u64, Option<u64>)) -> Regex {
    let mut chosen = RegexOptions::default();
    for name in options.split_whitespace() {
        assert!(chosen.insert(name), "{name}");
    }
    Regex { pattern: pattern.into(), options: chosen, no_match: false, min_offset, max_offset, stack: None }
}

/// Whether a response is good that comes in pieces of these sizes.
fn matches(regex: &Regex, response: &[u8], sizes: &[usize]) -> bool {
    let url = Url {
        path: "/".into(),
        virtualhost: None,
        digest: None,
        status: StatusCodes::new(vec![]),
        regex: Some(Box::new(regex.clone())),
        tls_compliant: false,
    };
    let address = std::net::IpAddr::from([10, 0, 0, 1]);
    let probe = Probe::Http(Box::new(Http {
        connection: Connection { address, port: 80, timeout: Timeout::from_secs(1), mark: 0, bind: None },
        tls: false,
        version: HttpVersion::V1_0,
        virtualhost: None,
        sni: Sni::None,
        fast_recovery: false,
        tls_compliant: false,
        urls: [url].into(),
    }));
    let mut get = dialogue(&probe, 0, Hosts::default(), 1, Some(compile(regex).expect("it compiles"))).expect("a dialogue");
    let mut rest = response;
    for size in sizes.iter().cycle() {
        let (piece, later) = rest.split_at((*size).min(rest.len()));
        rest = later;
        assert_eq!(get.received(piece, &mut Vec::new()), None);
        if rest.is_empty() {
            break;
        }
    }
    match get.closed() {
        Outcome::Good => true,
        Outcome::Failed(why) => {
            assert!(why.contains("Regex match failed"), "{why}");
            false
        }
        other => unreachable!("{other:?}"),
    }
}

const HEAD: &str = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n";

#[test]
fn patterns_are_found_in_the_whole_response() {
    let body = format!("{HEAD}hello from lab\n{}needle and end", ".".repeat(40_000));
    let all = (0, None);
    for (pattern, options, offsets, want) in [
        ("from +lab", "", all, true),
        ("goodbye", "", all, false),
        ("LAB", "caseless", all, true),
        ("LAB", "", all, false),
        ("hello", "", (1, None), true),
        ("lab", "", (0, Some(5)), false),
        ("Content-Type", "", all, true),
        ("^HTTP/1.. 200", "", all, true),
        ("^hello", "", all, false),
        ("^hello", "multiline", all, true),
        (r"\Aneedle", "", all, false),
        ("^needle", "", all, false),
        ("(?<=[.]{3})needle and end$", "", all, true),
        ("(?<!.)needle", "", all, false),
        (r"\bneedle\b", "", all, true),
        ("hello.*needle", "dotall", all, true),
        ("hello.*needle", "", all, false),
        ("needle( and end( of it)?)?", "", all, true),
        ("end$", "", (40_000, None), true),
        ("end$", "", (40_000, Some(40_010)), false),
        ("needle", "utf", all, true),
        ("needle", "use_offset_limit firstline", all, false),
        ("200 OK", "firstline", all, true),
        ("needle", "firstline", (1000, None), true),
        ("hello", "firstline", (1, None), false),
    ] {
        for sizes in [&[1000][..], &[16_384], &[1, 50_000]] {
            assert_eq!(matches(&regex(pattern, options, offsets), body.as_bytes(), sizes), want, "{pattern} {options} {offsets:?}");
        }
    }
}

proptest! {
    #[test]
    fn pieces_change_nothing(
        pattern in prop::sample::select(vec!["ab+c", "(?<=a)b$", "^b|c\\b", "a.*c", "(a|b|c)+\n"]),
        options in prop::sample::select(vec!["", "multiline", "dotall utf"]),
        body in "[abc\n\u{e9}]{0,30}",
        fill in 16_300_usize..16_400,
        sizes in prop::collection::vec(1_usize..400, 1..5),
    ) {
        let text = format!("{HEAD}{}{body}", "-".repeat(fill - HEAD.len()));
        let regex = regex(pattern, options, (0, None));
        let found = matches(&regex, text.as_bytes(), &sizes);
        prop_assert_eq!(found, matches(&regex, text.as_bytes(), &[text.len()]));
        // As if it were searched at once.
        let pattern = Pattern::new(&regex.pattern, regex.options.names(), regex.stack).expect("it compiles");
        let at_once = pattern.search(text.as_bytes(), 0, None, true);
        prop_assert_eq!(found, matches!(at_once, Ok(Search::Match { .. })));
    }
}
