//! Physical lines: cut at newlines, classed in one pass over their bytes, and rid of comments.

use std::borrow::Cow;

/// What a byte may mean to the reader. A line whose bytes have no class but `BRACE` is nearly always a statement as it
/// stands.
pub(super) mod class {
    pub(in super::super) const NEWLINE: u8 = 1;
    pub(in super::super) const COMMENT: u8 = 2;
    pub(in super::super) const QUOTE: u8 = 4;
    pub(in super::super) const BRACE: u8 = 8;
    pub(in super::super) const BACKSLASH: u8 = 16;
    pub(in super::super) const DOLLAR: u8 = 32;
    pub(in super::super) const NUL: u8 = 64;
}

const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    table[b'\n' as usize] = class::NEWLINE;
    table[b'#' as usize] = class::COMMENT;
    table[b'!' as usize] = class::COMMENT;
    table[b'"' as usize] = class::QUOTE;
    table[b'{' as usize] = class::BRACE;
    table[b'}' as usize] = class::BRACE;
    table[b'\\' as usize] = class::BACKSLASH;
    table[b'$' as usize] = class::DOLLAR;
    table[0] = class::NUL;
    table
};

pub(super) fn classes(text: &[u8]) -> u8 {
    text.iter().fold(0, |seen, &b| seen | CLASSES[usize::from(b)])
}

/// The line that begins at `from`, without its newline, the classes of its bytes, and where the next one begins.
pub(super) fn cut(bytes: &[u8], from: usize) -> Option<(&[u8], u8, usize)> {
    let rest = bytes.get(from..).filter(|rest| !rest.is_empty())?;
    let mut seen = 0;
    for (n, &b) in rest.iter().enumerate() {
        let class = CLASSES[usize::from(b)];
        if class == class::NEWLINE {
            return Some((&rest[..n], seen, from + n + 1));
        }
        seen |= class;
    }
    Some((rest, seen, bytes.len()))
}

pub(super) fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\x0b' | b'\x0c')
}

pub(super) fn trim(mut line: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = line
        && is_blank(*first)
    {
        line = rest;
    }
    trim_end(line)
}

fn trim_end(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., last] = line
        && is_blank(*last)
    {
        line = rest;
    }
    line
}

/// The same for text.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(blank)
}

pub(super) fn blank(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_blank)
}

/// A line without its comment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Clean<'a> {
    pub(super) text: Cow<'a, [u8]>,
    /// It has an odd number of double quotes.
    pub(super) unterminated: bool,
}

/// Drops the comment of a trimmed line. `#` and `!` begin one anywhere outside double quotes, in the middle of a word
/// too; `\#` and `\!` stand for the signs themselves; no other pair of a backslash and a character means anything, but a
/// `\"` is not a quote. Blanks before a last backslash go, so that a line can be told to continue by its end alone.
pub(super) fn decomment(line: &[u8]) -> Clean<'_> {
    let mut out: Option<Vec<u8>> = None;
    let (mut at, mut copied, mut quoted) = (0, 0, false);
    let mut end = line.len();
    while let Some(&b) = line.get(at) {
        match b {
            b'"' => quoted = !quoted,
            b'#' | b'!' if !quoted => {
                end = at;
                break;
            }
            b'\\' => {
                if !quoted && matches!(line.get(at + 1), Some(b'#' | b'!')) {
                    out.get_or_insert_default().extend_from_slice(&line[copied..at]);
                    copied = at + 1;
                }
                at += 1;
            }
            _ => {}
        }
        at += 1;
    }
    let text = match out {
        None => Cow::Borrowed(trim_end(&line[..end])),
        Some(mut out) => {
            out.extend_from_slice(&line[copied..end]);
            out.truncate(trim_end(&out).len());
            Cow::Owned(out)
        }
    };
    Clean { text: close_up(text), unterminated: quoted }
}

/// Removes the blanks before a last backslash.
fn close_up(text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match text.split_last() {
        Some((b'\\', before)) if before.last().copied().is_some_and(is_blank) => {
            let mut text = trim_end(before).to_vec();
            text.push(b'\\');
            Cow::Owned(text)
        }
        Some(_) | None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_with_the_classes_of_their_bytes() {
        let text = b"ab\n\nc\"#\r\nd";
        let mut from = 0;
        let mut seen = Vec::new();
        while let Some((line, classes, next)) = cut(text, from) {
            seen.push((line, classes));
            from = next;
        }
        let quote_and_comment = class::QUOTE | class::COMMENT;
        assert_eq!(seen, [(&b"ab"[..], 0), (b"", 0), (b"c\"#\r", quote_and_comment), (b"d", 0)]);
        assert_eq!(cut(b"", 0), None);
    }

    #[test]
    fn comments_go_as_keepalived_has_them_go() {
        for (line, want, unterminated) in [
            ("a#b c", "a", false),
            ("a !b", "a", false),
            ("a\\#b", "a#b", false),
            ("\\!a", "!a", false),
            ("\"a#b !c\" # d", "\"a#b !c\"", false),
            ("'a # b'", "'a", false),
            ("\"a\\\"b\"", "\"a\\\"b\"", false),
            ("\"a\\\" # b", "\"a\\\" # b", true),
            ("\\\"a # b", "\\\"a", false),
            ("\\\\#a", "\\\\", false),
            ("\\\\\\#b", "\\\\#b", false),
            ("a \\# b \\! c # d", "a # b ! c", false),
            ("x \"y", "x \"y", true),
            ("x \\", "x\\", false),
            ("x \\  # c", "x\\", false),
            ("\"y\" \\", "\"y\"\\", false),
            ("\\", "\\", false),
            ("# all", "", false),
            ("\"\\#\"", "\"\\#\"", false),
        ] {
            let clean = decomment(line.as_bytes());
            assert_eq!((String::from_utf8_lossy(&clean.text).as_ref(), clean.unterminated), (want, unterminated), "{line}");
        }
    }
}
