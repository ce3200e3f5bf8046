//! As much of HTTP/1.1 as somebody needs who fetches metrics. Pure.

/// The head of a request is no longer.
pub(super) const LONGEST: usize = 8192;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Its head is not complete.
    NotYet,
    Metrics {
        /// Not the text, only what would be said of it.
        head_only: bool,
    },
    Refused(&'static str),
}

const BAD: &str = "400 Bad Request";

pub(super) fn asked(input: &[u8]) -> Asked {
    let end = input.windows(4).position(|four| four == b"\r\n\r\n").or_else(|| input.windows(2).position(|two| two == b"\n\n"));
    let Some(end) = end else {
        return if input.len() >= LONGEST { Asked::Refused("431 Request Header Fields Too Large") } else { Asked::NotYet };
    };
    let line = input[..end].split(|&byte| byte == b'\n').next().unwrap_or_default();
    let Ok(line) = std::str::from_utf8(line) else { return Asked::Refused(BAD) };
    let mut words = line.trim_end_matches('\r').split(' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next()) else {
        return Asked::Refused(BAD);
    };
    if !version.starts_with("HTTP/1.") {
        return Asked::Refused(BAD);
    }
    let path = target.split('?').next().unwrap_or_default();
    match (method, path) {
        ("GET", "/metrics") => Asked::Metrics { head_only: false },
        ("HEAD", "/metrics") => Asked::Metrics { head_only: true },
        ("GET" | "HEAD", _) => Asked::Refused("404 Not Found"),
        (_, "/metrics") => Asked::Refused("405 Method Not Allowed"),
        _ => Asked::Refused(BAD),
    }
}

/// Everything before the text.
pub(super) fn head(length: u64) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )
}

pub(super) fn refusal(status: &str) -> String {
    let text = format!("{status}\nThe metrics are at /metrics.\n");
    let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n{allow}Content-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scraper_is_understood_and_others_are_told() {
        let metrics = Asked::Metrics { head_only: false };
        for (input, want) in [
            ("GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n", metrics),
            ("GET /metrics?x=1 HTTP/1.0\r\n\r\n", metrics),
            ("GET /metrics HTTP/1.1\nHost: x\n\n", metrics),
            ("HEAD /metrics HTTP/1.1\r\n\r\n", Asked::Metrics { head_only: true }),
            ("", Asked::NotYet),
            ("GET /metrics HTTP/1.1\r\nHost: x\r\n", Asked::NotYet),
            ("GET / HTTP/1.1\r\n\r\n", Asked::Refused("404 Not Found")),
            ("POST /metrics HTTP/1.1\r\n\r\n", Asked::Refused("405 Method Not Allowed")),
            ("GET /metrics\r\n\r\n", Asked::Refused(BAD)),
            ("GET /metrics HTTP/2\r\n\r\n", Asked::Refused(BAD)),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Asked::Refused(BAD)),
            ("\r\n\r\n", Asked::Refused(BAD)),
        ] {
            assert_eq!(asked(input.as_bytes()), want, "{input:?}");
        }
        assert_eq!(asked(&[b'x'; LONGEST]), Asked::Refused("431 Request Header Fields Too Large"));
        assert_eq!(asked(&[b'x'; LONGEST - 1]), Asked::NotYet);
        assert_eq!(asked(b"\xff\r\n\r\n"), Asked::Refused(BAD));
    }

    #[test]
    fn answers_say_how_long_they_are() {
        assert!(head(7).contains("\r\nContent-Length: 7\r\n") && head(7).ends_with("\r\n\r\n"));
        let refused = refusal("404 Not Found");
        let (head, text) = refused.split_once("\r\n\r\n").expect("an end of the head");
        assert!(head.contains(&format!("Content-Length: {}", text.len())) && head.starts_with("HTTP/1.1 404 Not Found\r\n"));
    }
}
