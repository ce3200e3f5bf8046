//! The head of a response: what it says of the rest.

/// All that counts of a head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Absent where the first line has none.
    pub code: Option<u16>,
    pub length: Option<u64>,
    pub chunked: bool,
    /// The connection stays open after the response, so that the response says by itself where it ends.
    pub persists: bool,
}

impl Head {
    /// From the first line to the empty one.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let first = lines.next().unwrap_or_default();
        let modern = first.strip_prefix(b"HTTP/1.").is_some_and(|rest| !rest.starts_with(b"0"));
        let mut head = Self { code: code(first), persists: modern, ..Self::default() };
        let mut lengths = 0_u32;
        for (name, value) in lines.filter_map(field) {
            if name.eq_ignore_ascii_case(b"content-length") {
                lengths += 1;
                // Two that disagree say nothing.
                head.length = decimal(value).filter(|length| lengths == 1 || head.length == Some(*length));
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") && modern {
                head.chunked = words(value).last().is_some_and(|last| last.eq_ignore_ascii_case(b"chunked"));
            } else if name.eq_ignore_ascii_case(b"connection") {
                for word in words(value) {
                    if word.eq_ignore_ascii_case(b"close") {
                        head.persists = false;
                    } else if word.eq_ignore_ascii_case(b"keep-alive") {
                        head.persists = true;
                    }
                }
            }
        }
        if head.chunked {
            head.length = None;
        }
        head
    }

    /// Another head follows this one.
    pub(super) fn is_interim(self) -> bool {
        self.code.is_some_and(|code| (100..200).contains(&code) && code != 101)
    }

    pub(super) fn has_no_body(self) -> bool {
        matches!(self.code, Some(204 | 304))
    }
}

/// Three digits behind the first blank. A reason may follow or not.
fn code(line: &[u8]) -> Option<u16> {
    let rest = &line[line.iter().position(|byte| *byte == b' ')?..];
    let (digits, rest) = rest.trim_ascii_start().split_at_checked(3)?;
    let ends = rest.first().is_none_or(|next| *next == b' ');
    u16::try_from(decimal(digits)?).ok().filter(|_| ends)
}

fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    Some((&line[..colon], line[colon + 1..].trim_ascii()))
}

fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let text = str::from_utf8(digits).ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_is_found() {
        let plain = Head { code: Some(200), ..Head::default() };
        for (text, want) in [
            ("HTTP/1.0 200 OK", plain),
            ("HTTP/1.0 200", plain),
            ("HTTP/1.0  200 OK", plain),
            ("ICY 200 OK", plain),
            ("HTTP/1.0 2000 OK", Head::default()),
            ("HTTP/1.0 20", Head::default()),
            ("HTTP/1.0 2x0 OK", Head::default()),
            ("HTTP/1.0", Head::default()),
            ("", Head::default()),
            ("HTTP/1.1 404 Not Found", Head { code: Some(404), persists: true, ..plain }),
            ("HTTP/1.1 200 OK\r\nconnection: Close", plain),
            ("HTTP/1.1 200 OK\r\nConnection: x, close", plain),
            ("HTTP/1.0 200 OK\r\nConnection: keep-alive", Head { persists: true, ..plain }),
            ("HTTP/1.0 200 OK\ncontent-length:5", Head { length: Some(5), ..plain }),
            ("HTTP/1.0 200 OK\nContent-Length: 5\nContent-Length: 5", Head { length: Some(5), ..plain }),
            ("HTTP/1.0 200 OK\nContent-Length: 5\nContent-Length: 6", plain),
            ("HTTP/1.0 200 OK\nContent-Length: -5", plain),
            ("HTTP/1.0 200 OK\nContent-Length: 18446744073709551616", plain),
            ("HTTP/1.0 200 OK\nTransfer-Encoding: chunked", plain),
            ("HTTP/1.1 200 OK\nTransfer-Encoding: gzip, Chunked\nContent-Length: 5", Head { chunked: true, persists: true, ..plain }),
            ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked, gzip", Head { persists: true, ..plain }),
        ] {
            assert_eq!(Head::parse(format!("{text}\r\n\r\n").as_bytes()), want, "{text}");
        }
    }
}
