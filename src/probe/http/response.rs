//! A response as it comes in, piece by piece: where its head ends, what of the rest is its content, and where that ends.

use super::head::Head;
use std::fmt;

/// No honest head is larger.
const LARGEST_HEAD: usize = 16 << 10;
/// Nobody sends as many heads before the one that counts.
const MOST_INTERIM: u8 = 16;
/// More is not read of any body.
const LARGEST_BODY: u64 = 64 << 20;
/// What a chunk's length may take on its line, with all that follows it there.
const LONGEST_LINE: u32 = 4096;

/// Whoever wants to know of a response.
pub trait Sink {
    /// A head is whole; interim ones come before the one that counts.
    fn head(&mut self, head: Head, bytes: &[u8]);
    /// Of the body, as it was sent.
    fn sent(&mut self, bytes: &[u8]);
    /// Of the content, without what the transfer adds.
    fn content(&mut self, bytes: &[u8]);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    HeadTooLarge,
    BodyTooLarge,
    /// The lengths of chunks are none.
    Chunks,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HeadTooLarge => "the head is larger than 16 KiB",
            Self::BodyTooLarge => "the body is larger than 64 MiB",
            Self::Chunks => "a chunk has no length",
        })
    }
}

/// Reads one response.
#[derive(Debug, Default)]
pub struct Reader {
    place: Place,
    /// The head as far as it is there.
    head: Vec<u8>,
    /// Heads that were not the last.
    interim: u8,
    /// Bytes of the body.
    sent: u64,
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    #[default]
    Head,
    Body {
        head: Head,
        /// Bytes of content that its length still announces.
        left: Option<u64>,
    },
    Chunk(Chunk),
    Over,
}

#[derive(Clone, Copy, Debug)]
enum Chunk {
    /// Its length as far as it is there; none without a digit.
    Length {
        so_far: Option<u64>,
        line: u32,
    },
    /// What stands behind the length.
    Rest {
        length: u64,
        line: u32,
    },
    Data {
        left: u64,
    },
    DataEnd {
        carriage_return: bool,
    },
    /// Lines behind the last chunk, up to an empty one.
    Trailer {
        length: u32,
    },
}

impl Reader {
    /// True once the response is over; what comes after it is not of it.
    pub fn feed(&mut self, mut bytes: &[u8], sink: &mut impl Sink) -> Result<bool, Fault> {
        while matches!(self.place, Place::Head) && !bytes.is_empty() {
            let room = LARGEST_HEAD - self.head.len();
            let seen = self.head.len();
            self.head.extend_from_slice(&bytes[..room.min(bytes.len())]);
            let Some(end) = end_of_head(&self.head, seen) else {
                return if self.head.len() == LARGEST_HEAD { Err(Fault::HeadTooLarge) } else { Ok(false) };
            };
            bytes = &bytes[end - seen..];
            let head = Head::parse(&self.head[..end]);
            sink.head(head, &self.head[..end]);
            if head.is_interim() {
                self.interim += 1;
                if self.interim > MOST_INTERIM {
                    return Err(Fault::HeadTooLarge);
                }
                self.head.clear();
                continue;
            }
            self.head = Vec::new();
            self.place = match head {
                _ if head.has_no_body() => Place::Over,
                Head { chunked: true, .. } => Place::Chunk(Chunk::Length { so_far: None, line: 0 }),
                Head { length: Some(0), persists: true, .. } => Place::Over,
                Head { length, .. } => Place::Body { head, left: length },
            };
        }
        if matches!(self.place, Place::Head | Place::Over) {
            return Ok(matches!(self.place, Place::Over));
        }
        let room = usize::try_from(LARGEST_BODY - self.sent).unwrap_or(usize::MAX);
        let now = &bytes[..room.min(bytes.len())];
        let taken = self.body(now, sink)?;
        sink.sent(&now[..taken]);
        self.sent += u64::try_from(taken).unwrap_or(u64::MAX);
        let over = matches!(self.place, Place::Over);
        if !over && now.len() < bytes.len() { Err(Fault::BodyTooLarge) } else { Ok(over) }
    }

    /// The head that counts has come.
    pub fn has_head(&self) -> bool {
        !matches!(self.place, Place::Head)
    }

    /// All is there that the response has announced, and only the end of the stream is missing.
    pub fn is_whole(&self) -> bool {
        matches!(self.place, Place::Over | Place::Body { left: Some(0), .. })
    }

    /// How many of these bytes are of the body.
    fn body(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<usize, Fault> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match &mut self.place {
                Place::Head | Place::Over => break,
                Place::Body { left: None, .. } => {
                    sink.content(&bytes[at..]);
                    at = bytes.len();
                }
                Place::Body { head, left: Some(left) } => {
                    let content = clip(&bytes[at..], left);
                    sink.content(content);
                    at += content.len();
                    if *left == 0 {
                        // Whoever closes the connection may still send something.
                        if head.persists {
                            self.place = Place::Over;
                        } else {
                            at = bytes.len();
                        }
                    }
                }
                Place::Chunk(Chunk::Data { left }) => {
                    let content = clip(&bytes[at..], left);
                    sink.content(content);
                    at += content.len();
                    if *left == 0 {
                        self.place = Place::Chunk(Chunk::DataEnd { carriage_return: false });
                    }
                }
                Place::Chunk(chunk) => {
                    self.place = match chunk.next(byte)? {
                        Some(next) => Place::Chunk(next),
                        None => Place::Over,
                    };
                    at += 1;
                }
            }
        }
        Ok(at)
    }
}

/// As much of these as is left.
fn clip<'a>(bytes: &'a [u8], left: &mut u64) -> &'a [u8] {
    let clipped = &bytes[..usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len())];
    *left -= u64::try_from(clipped.len()).unwrap_or(*left);
    clipped
}

impl Chunk {
    /// Behind one byte of what is not data; none once the last trailer is over.
    fn next(self, byte: u8) -> Result<Option<Self>, Fault> {
        let next = match (self, byte) {
            (
                Self::Length { line: LONGEST_LINE, .. } | Self::Rest { line: LONGEST_LINE, .. } | Self::Trailer { length: LONGEST_LINE },
                _,
            )
            | (Self::Length { so_far: None, .. }, b'\n' | b'\r' | b';' | b' ' | b'\t') => return Err(Fault::Chunks),
            (Self::Length { so_far: Some(0), .. } | Self::Rest { length: 0, .. }, b'\n') => Self::Trailer { length: 0 },
            (Self::Length { so_far: Some(left), .. } | Self::Rest { length: left, .. }, b'\n') => Self::Data { left },
            (Self::Length { so_far: Some(length), line }, b'\r' | b';' | b' ' | b'\t') => Self::Rest { length, line: line + 1 },
            (Self::Length { so_far, line }, digit) => {
                let digit = char::from(digit).to_digit(16).ok_or(Fault::Chunks)?;
                let length = so_far.unwrap_or(0).checked_mul(16).ok_or(Fault::Chunks)? + u64::from(digit);
                Self::Length { so_far: Some(length), line: line + 1 }
            }
            (Self::Rest { length, line }, _) => Self::Rest { length, line: line + 1 },
            (Self::DataEnd { .. }, b'\n') => Self::Length { so_far: None, line: 0 },
            (Self::DataEnd { carriage_return: false }, b'\r') => Self::DataEnd { carriage_return: true },
            (Self::DataEnd { .. } | Self::Data { .. }, _) => return Err(Fault::Chunks),
            (Self::Trailer { length: 0 }, b'\n') => return Ok(None),
            (Self::Trailer { .. }, b'\n') => Self::Trailer { length: 0 },
            // An empty line may have one, and a line that only has these is empty.
            (Self::Trailer { length: 0 }, b'\r') => Self::Trailer { length: 0 },
            (Self::Trailer { length }, _) => Self::Trailer { length: length + 1 },
        };
        Ok(Some(next))
    }
}

/// Behind the first empty line, if it ends behind what was seen before.
fn end_of_head(head: &[u8], seen: usize) -> Option<usize> {
    let from = seen.saturating_sub(3);
    let mut newlines = head[from..].iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| from + at);
    newlines.find_map(|at| match &head[at + 1..] {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

#[cfg(test)]
pub(super) mod tests;
