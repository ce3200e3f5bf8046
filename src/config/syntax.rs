//! From clean logical lines to statements: the binding of `grammar/document.pest`, and words.

use super::diagnostic::Origin;
use pest::Parser as _;

mod document {
    #[derive(pest_derive::Parser)]
    #[grammar = "grammar/document.pest"]
    pub(super) struct Document;
}
use document::{Document, Rule};

/// Clean logical lines as the reader makes them, some 8 KiB at a time: pest has a fixed cost per call, and one call per line
/// would cost more than the parsing. It also takes twenty times the text in memory, which is used again for the next call
/// only where it is little.
#[derive(Debug, Default)]
pub struct Chunk {
    text: String,
    /// Where each line begins in `text`, and where it came from.
    lines: Vec<(usize, Origin)>,
}

impl Chunk {
    pub const FULL: usize = 8 * 1024;

    /// Appends one logical line: trimmed, not empty, without a newline; `}` alone on its line, `{` only at an end.
    pub fn push(&mut self, line: &str, at: Origin) {
        debug_assert!(!line.contains('\n'), "a logical line has no newline");
        if !self.lines.is_empty() {
            self.text.push('\n');
        }
        self.lines.push((self.text.len(), at));
        self.text.push_str(line);
    }

    pub fn is_full(&self) -> bool {
        self.text.len() >= Self::FULL
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub fn clear(&mut self) {
        self.text.clear();
        self.lines.clear();
    }

    /// The lines, for tests and for showing what the reader made of a file.
    pub fn lines(&self) -> impl Iterator<Item = (&str, Origin)> {
        self.text.split('\n').zip(self.lines.iter().map(|&(_, at)| at)).take(self.lines.len())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Text { start: usize, end: usize },
    Open,
    Close,
}

/// A chunk after the grammar: tokens with their origins, in order.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    text: String,
    list: Vec<(Token, Origin)>,
}

impl Tokens {
    /// Takes the lines out of `chunk` and reads them.
    pub(super) fn parse(chunk: &mut Chunk) -> Self {
        let text = std::mem::take(&mut chunk.text);
        let lines = std::mem::take(&mut chunk.lines);
        let mut list = Vec::with_capacity(lines.len() + lines.len() / 4);
        // The grammar accepts every text; a test holds it to that.
        if let Ok(mut pairs) = Document::parse(Rule::chunk, &text) {
            let mut line = 0;
            for pair in pairs.next().into_iter().flat_map(pest::iterators::Pair::into_inner) {
                let span = pair.as_span();
                while lines.get(line + 1).is_some_and(|&(start, _)| start <= span.start()) {
                    line += 1;
                }
                let token = match pair.as_rule() {
                    Rule::open => Token::Open,
                    Rule::close => Token::Close,
                    Rule::text => Token::Text { start: span.start(), end: span.end() },
                    Rule::chunk | Rule::line | Rule::bare | Rule::quoted | Rule::EOI => continue,
                };
                if matches!(token, Token::Text { start, end } if text[start..end].trim_matches(is_blank).is_empty()) {
                    continue;
                }
                if let Some(&(_, at)) = lines.get(line) {
                    list.push((token, at));
                }
            }
        }
        Self { text, list }
    }

    pub(super) fn get(&self, index: usize) -> Option<(Token, Origin)> {
        self.list.get(index).copied()
    }

    pub(super) fn statement(&self, start: usize, end: usize, at: Origin) -> Statement<'_> {
        Statement { text: self.text[start..end].trim_matches(is_blank), at }
    }
}

/// A keyword with its arguments, as one logical line has them.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'a> {
    pub text: &'a str,
    pub at: Origin,
}

impl<'a> Statement<'a> {
    pub fn words(&self) -> Words<'a> {
        Words { rest: self.text }
    }
}

/// The words of a line. Only the double quote is special: it makes one word of what it encloses, knows no escapes, and
/// ends an adjoining bare word (`ab"cd ef"gh` is three words). From an unmatched quote on there are no words.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    rest: &'a str,
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x0b' | '\x0c' | '\r' | '\n')
}

impl<'a> Words<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// What has not been read yet, trimmed.
    pub fn rest(&self) -> &'a str {
        self.rest.trim_matches(is_blank)
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest.trim_start_matches(is_blank);
        if let Some(quoted) = text.strip_prefix('"') {
            let Some(end) = quoted.find('"') else {
                self.rest = "";
                return None;
            };
            self.rest = &quoted[end + 1..];
            return Some(&quoted[..end]);
        }
        let end = text.find(|c| is_blank(c) || c == '"').unwrap_or(text.len());
        self.rest = &text[end..];
        (end > 0).then(|| &text[..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        Words::new(text).collect()
    }

    #[test]
    fn words_follow_the_observed_tokeniser() {
        for (text, want) in [
            ("a  b\tc", vec!["a", "b", "c"]),
            ("ab\"cd ef\"gh", vec!["ab", "cd ef", "gh"]),
            ("x \"\" y", vec!["x", "", "y"]),
            ("'a b'", vec!["'a", "b'"]),
            ("\"a\\\"b\"", vec!["a\\", "b"]),
            ("a \"b c", vec!["a"]),
            ("", vec![]),
            ("\x0b a \x0c", vec!["a"]),
        ] {
            assert_eq!(words(text), want, "{text:?}");
        }
    }

    proptest::proptest! {
        /// A text that the grammar refused would cost the chunk it is in.
        #[test]
        fn the_grammar_accepts_every_text(text in "[a\"{}\\n #\\\\\t\u{e9}]{0,60}|\\PC{0,60}") {
            proptest::prop_assert!(Document::parse(Rule::chunk, &text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_chunk_becomes_tokens_with_their_lines() {
        let mut chunk = Chunk::default();
        let at = |line| Origin { order: line, file: 0, line };
        for (n, line) in ["a {", "b \"{ }\" c", "}", "d \"x"].into_iter().enumerate() {
            chunk.push(line, at(u32::try_from(n).expect("small")));
        }
        let tokens = Tokens::parse(&mut chunk);
        let seen: Vec<String> = tokens
            .list
            .iter()
            .map(|&(token, at)| match token {
                Token::Text { start, end } => {
                    format!("{}:{}", at.line, tokens.statement(start, end, at).text)
                }
                Token::Open => format!("{}:{{", at.line),
                Token::Close => format!("{}:}}", at.line),
            })
            .collect();
        assert_eq!(seen, ["0:a", "0:{", "1:b \"{ }\" c", "2:}", "3:d \"x"]);
    }
}
