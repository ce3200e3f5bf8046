use super::*;
use proptest::prelude::*;

#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    heads: Vec<Head>,
    head: Vec<u8>,
    sent: Vec<u8>,
    content: Vec<u8>,
}

impl Sink for Seen {
    fn head(&mut self, head: Head, bytes: &[u8]) {
        self.heads.push(head);
        self.head.extend_from_slice(bytes);
    }

    fn sent(&mut self, bytes: &[u8]) {
        self.sent.extend_from_slice(bytes);
    }

    fn content(&mut self, bytes: &[u8]) {
        self.content.extend_from_slice(bytes);
    }
}

/// Reads pieces of these sizes, over and over.
fn read(text: &[u8], sizes: &[usize]) -> (Seen, Result<bool, Fault>, bool) {
    let (mut reader, mut seen, mut rest) = (Reader::default(), Seen::default(), text);
    let mut last = Ok(false);
    for &size in sizes.iter().cycle() {
        let (piece, later) = rest.split_at(size.min(rest.len()));
        rest = later;
        last = reader.feed(piece, &mut seen);
        if rest.is_empty() || last != Ok(false) {
            break;
        }
    }
    // What was sent is told once it is known to be of the body.
    if last.is_err() {
        seen.sent.clear();
    }
    (seen, last, reader.is_whole())
}

fn content(text: &str) -> (String, Result<bool, Fault>, bool) {
    let (seen, last, whole) = read(text.as_bytes(), &[text.len().max(1)]);
    (String::from_utf8_lossy(&seen.content).into_owned(), last, whole)
}

#[test]
fn content_ends_where_it_says() {
    let table = [
        ("HTTP/1.0 200 OK\r\n\r\nhello", "hello", Ok(false), false),
        ("HTTP/1.0 200 OK\n\nhello", "hello", Ok(false), false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n12345EXTRA", "12345", Ok(false), true),
        ("HTTP/1.0 200 OK\r\nContent-Length: 50\r\n\r\n12345EXTRA", "12345EXTRA", Ok(false), false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345EXTRA", "12345", Ok(true), true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", Ok(true), true),
        ("HTTP/1.1 204 No Content\r\n\r\n", "", Ok(true), true),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "x", Ok(true), true),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n from lab!\r\n0\r\n\r\nEXTRA",
            "hello from lab!",
            Ok(true),
            true,
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\n0\nTrailer: 1\r\nOther: 2\n\r\n", "x", Ok(true), true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "hel", Ok(false), false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello", "", Err(Fault::Chunks), false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz", "x", Err(Fault::Chunks), false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "", Err(Fault::Chunks), false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n", "", Err(Fault::Chunks), false),
        ("garbage", "", Ok(false), false),
        ("", "", Ok(false), false),
    ];
    for (text, want, last, whole) in table {
        assert_eq!(content(text), (want.to_owned(), last, whole), "{text}");
    }
}

#[test]
fn what_has_no_end_is_given_up() {
    let mut endless = vec![b'x'; LARGEST_HEAD];
    assert_eq!(read(&endless, &[1000]).1, Err(Fault::HeadTooLarge));
    endless.truncate(LARGEST_HEAD - 1);
    assert_eq!(read(&endless, &[1000]).1, Ok(false));
    let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(17);
    assert_eq!(read(interim.as_bytes(), &[7]).1, Err(Fault::HeadTooLarge));
    let chunk = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;{}", "x".repeat(5000));
    assert_eq!(read(chunk.as_bytes(), &[100]).1, Err(Fault::Chunks));

    let (mut reader, mut seen) = (Reader::default(), Seen::default());
    assert_eq!(reader.feed(b"HTTP/1.0 200 OK\r\n\r\n", &mut seen), Ok(false));
    let piece = vec![0; 1 << 20];
    for n in 0..64 {
        assert_eq!(reader.feed(&piece, &mut seen), Ok(false), "{n}");
    }
    assert_eq!(reader.feed(b"x", &mut seen), Err(Fault::BodyTooLarge));
}

/// Something like a response.
pub(in crate::probe::http) fn responses() -> impl Strategy<Value = Vec<u8>> {
    let head = prop::sample::select(vec![
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200\r\nContent-Length: 12\n\n",
        "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n3\n",
        "HTTP",
        "",
    ]);
    (head, prop::collection::vec(any::<u8>(), 0..40), ".{0,20}")
        .prop_map(|(head, bytes, text)| [head.as_bytes(), &bytes, text.as_bytes()].concat())
}

proptest! {
    #[test]
    fn pieces_change_nothing(text in responses(), sizes in prop::collection::vec(1_usize..20, 1..5)) {
        let whole = read(&text, &[text.len().max(1)]);
        prop_assert_eq!(read(&text, &sizes), whole);
    }
}
