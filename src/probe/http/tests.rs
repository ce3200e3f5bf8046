use super::response::tests::responses;
use super::search::tests::{Word, regex};
use super::*;
use crate::probe::tests::{bad, connection, converse, everything_ends, pieces_change_nothing};
use proptest::prelude::*;

fn url(path: &str) -> Url {
    Url { path: path.into(), virtualhost: None, digest: None, status: StatusCodes::new(vec![]), regex: None, tls_compliant: false }
}

fn http() -> Http {
    Http {
        connection: connection("10.0.0.1", 8000),
        tls: false,
        version: HttpVersion::V1_0,
        virtualhost: None,
        sni: Sni::None,
        fast_recovery: false,
        tls_compliant: false,
        urls: [].into(),
    }
}

fn get(url: &Url, word: &'static [u8]) -> Get {
    Get::new(&http(), url, Hosts::default(), Some(Rc::new(Word(word))))
}

fn digest(text: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(&String::from_utf8_lossy(pair), 16).expect("hexadecimal");
    }
    bytes
}

#[test]
fn requests_are_as_they_have_always_been() {
    let named = |version, virtualhost: Option<&str>, address: &str, own: Option<&str>, hosts| {
        let http = Http { version, virtualhost: virtualhost.map(Into::into), connection: connection(address, 8000), ..http() };
        let url = Url { virtualhost: own.map(Into::into), ..url("/ok?v") };
        let mut send = Vec::new();
        assert_eq!(Get::new(&http, &url, hosts, None).opened(&mut send), None);
        String::from_utf8(send).expect("text")
    };
    let none = Hosts::default();
    let both = Hosts { real_server: Some("rs.example.com"), virtual_server: Some("vs.example.com") };
    let v = "User-Agent: KeepAliveClient\r\n";
    for (got, want) in [
        (named(HttpVersion::V1_0, None, "10.0.0.1", None, none), format!("GET /ok?v HTTP/1.0\r\n{v}Host: 10.0.0.1:8000\r\n\r\n")),
        (
            named(HttpVersion::V1_0Close, None, "fd00::1", None, none),
            format!("GET /ok?v HTTP/1.0\r\n{v}Connection: close\r\nHost: [fd00::1]:8000\r\n\r\n"),
        ),
        (
            named(HttpVersion::V1_1, Some("www.example.com"), "10.0.0.1", None, both),
            format!("GET /ok?v HTTP/1.1\r\n{v}Connection: close\r\nHost: www.example.com\r\n\r\n"),
        ),
        (
            named(HttpVersion::V1_0, Some("www.example.com"), "10.0.0.1", Some("url.example.com"), both),
            format!("GET /ok?v HTTP/1.0\r\n{v}Host: url.example.com\r\n\r\n"),
        ),
        (named(HttpVersion::V1_0, None, "10.0.0.1", None, both), format!("GET /ok?v HTTP/1.0\r\n{v}Host: rs.example.com\r\n\r\n")),
        (
            named(HttpVersion::V1_0, None, "10.0.0.1", None, Hosts { real_server: None, ..both }),
            format!("GET /ok?v HTTP/1.0\r\n{v}Host: vs.example.com\r\n\r\n"),
        ),
    ] {
        assert_eq!(got, want);
    }
}

#[test]
fn the_name_in_the_handshake_is_never_the_real_servers_nor_an_address() {
    let both = Hosts { real_server: Some("rs.example.com"), virtual_server: Some("vs.example.com") };
    for (sni, checker, own, want) in [
        (Sni::None, Some("chk"), Some("url"), None),
        (Sni::Host, None, None, Some("vs.example.com")),
        (Sni::Host, Some("chk"), None, Some("chk")),
        (Sni::Host, Some("chk"), Some("url"), Some("url")),
        (Sni::Host, Some("chk:8443"), None, Some("chk")),
        (Sni::Host, Some("10.0.0.1"), None, None),
        (Sni::Host, Some("10.0.0.1:443"), None, None),
        (Sni::Host, Some("fd00::1"), None, None),
        (Sni::Host, Some("[fd00::1]:443"), None, None),
        (Sni::Named("sni.example.com".into()), Some("chk"), Some("url"), Some("sni.example.com")),
    ] {
        let http = Http { tls: true, sni, virtualhost: checker.map(Into::into), ..http() };
        let url = Url { virtualhost: own.map(Into::into), tls_compliant: own.is_some(), ..url("/") };
        let tls = Some(Tls { server_name: want.map(Into::into), compliant: own.is_some() });
        assert_eq!(Get::new(&http, &url, both, None).transport(), Transport::Stream { tls }, "{checker:?} {own:?}");
    }
}

const OK: &[u8] = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 15\r\n\r\nhello from lab\n";

#[test]
fn status_digest_and_pattern_all_count() {
    let with_digest = |text| Url { digest: Some(digest(text)), ..url("/") };
    let with_regex = |min, max, not| Url { regex: Some(Box::new(regex(min, max, not))), ..url("/") };
    let status = |ranges: &[(u16, u16)]| Url { status: StatusCodes::new(ranges.to_vec()), ..url("/") };
    let no_match = bad("Regex match failed to [10.0.0.1]:tcp:8000 url(/)");
    let long = &b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n12345EXTRA"[..];
    let small = b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\n12345EXTRA";
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nhello f\r\n8\r\nrom lab\n\r\n0\r\n\r\n";
    for (url, word, answer, want) in [
        (url("/"), "", OK, Outcome::Good),
        (url("/"), "", b"HTTP/1.0 204 No Content\r\n\r\n", Outcome::Good),
        (url("/"), "", b"HTTP/1.0 302 Found\r\n\r\n", bad("HTTP status code error to [10.0.0.1]:tcp:8000 url(/): 302")),
        (url("/"), "", b"HTTP/1.0\r\n\r\n", bad("HTTP status code error to [10.0.0.1]:tcp:8000 url(/)")),
        (url("/"), "", b"HTTP/1.0 200 OK\r\n", bad("Read, no data received from server [10.0.0.1]:tcp:8000")),
        (url("/"), "", b"", bad("Read, no data received from server [10.0.0.1]:tcp:8000")),
        (status(&[(404, 404), (500, 503)]), "", b"HTTP/1.0 404 Not Found\r\n\r\nHTTP nope", Outcome::Good),
        (status(&[(404, 404), (500, 503)]), "", OK, bad("HTTP status code error to [10.0.0.1]:tcp:8000 url(/): 200")),
        (with_digest("88fda743c3ae0b88e6b90cb0588a8163"), "", OK, Outcome::Good),
        (
            with_digest("00112233445566778899aabbccddeeff"),
            "",
            OK,
            bad("MD5 digest error to [10.0.0.1]:tcp:8000 url(/): 88fda743c3ae0b88e6b90cb0588a8163"),
        ),
        // The length announced, or all that came.
        (with_digest("827ccb0eea8a706c4c34a16891f84e7b"), "", long, Outcome::Good),
        (with_digest("34154ddaae07c114c6a6071a7e6f03ed"), "", small, Outcome::Good),
        (with_digest("88fda743c3ae0b88e6b90cb0588a8163"), "", chunked, Outcome::Good),
        (with_regex(0, None, false), "from lab", OK, Outcome::Good),
        (with_regex(0, None, false), "from lab", chunked, Outcome::Good),
        (with_regex(0, None, false), "goodbye", OK, no_match.clone()),
        (with_regex(0, None, true), "goodbye", OK, Outcome::Good),
        (with_regex(0, None, true), "hello", OK, no_match.clone()),
        // Offsets count from the first line on, which is searched too.
        (with_regex(1, None, false), "hello", OK, Outcome::Good),
        (with_regex(0, Some(5), false), "lab", OK, no_match),
        (with_regex(0, None, false), "Content-Type", OK, Outcome::Good),
    ] {
        let outcome = converse(&mut get(&url, word.as_bytes()), [answer]).1;
        assert_eq!(outcome, want, "{word} {}", String::from_utf8_lossy(answer));
    }
}

#[test]
fn a_response_that_says_where_it_ends_is_not_waited_for() {
    for (answer, want) in [
        (&b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"[..], Some(Outcome::Good)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", Some(Outcome::Good)),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", Some(Outcome::Good)),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", None),
        (b"HTTP/1.0 200 OK\r\n\r\nok", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", None),
    ] {
        let mut get = get(&url("/"), b"");
        assert_eq!(get.received(answer, &mut Vec::new()), want, "{}", String::from_utf8_lossy(answer));
    }
    // It has all been said; that the stream does not end is no reason to fail.
    for (answer, want) in [
        (&b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"[..], Outcome::Good),
        (b"HTTP/1.0 200 OK\r\n\r\nok", bad("Timeout WEB read server [10.0.0.1]:tcp:8000")),
        (b"", bad("Timeout WEB read server [10.0.0.1]:tcp:8000")),
    ] {
        let mut get = get(&url("/"), b"");
        assert_eq!(get.opened(&mut Vec::new()), None);
        assert_eq!(get.received(answer, &mut Vec::new()), None);
        assert_eq!(get.expired(), want);
    }
}

#[test]
fn trouble_is_told_by_where_it_came() {
    let mut plain = get(&url("/"), b"");
    assert_eq!(plain.expired(), bad("Timeout connecting server [10.0.0.1]:tcp:8000"));
    assert_eq!(plain.failed(Trouble::Target("refused")), bad("Error connecting server [10.0.0.1]:tcp:8000: refused"));
    assert_eq!(plain.opened(&mut Vec::new()), None);
    assert_eq!(plain.failed(Trouble::Target("reset")), bad("Read error with server [10.0.0.1]:tcp:8000: reset"));
    let mut tls = Get::new(&Http { tls: true, ..http() }, &url("/"), Hosts::default(), None);
    let handshake = "SSL handshake/communication error connecting to server [10.0.0.1]:tcp:8000: wrong version number";
    assert_eq!(tls.failed(Trouble::Target("wrong version number")), bad(handshake));
}

proptest! {
    #[test]
    fn pieces_are_all_the_same(answer in responses(), sizes in prop::collection::vec(1_usize..20, 1..5), no_match: bool) {
        let url = Url { regex: Some(Box::new(regex(3, Some(60), no_match))), digest: Some([0; 16]), ..url("/") };
        pieces_change_nothing(|| get(&url, b"hell"), &answer, &sizes)?;
        let url = Url { digest: None, ..url };
        pieces_change_nothing(|| get(&url, b"hell"), &answer, &sizes)?;
    }

    #[test]
    fn garbage_ends(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6)) {
        let url = Url { regex: Some(Box::new(regex(0, None, false))), digest: Some([0; 16]), ..url("/") };
        everything_ends(&mut get(&url, b"x"), &pieces);
    }
}
