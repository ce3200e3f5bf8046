//! Diagnostics for people and for programs: keepalived's one-line form, the annotated form, JSON.

use super::diagnostic::{Diagnostic, Diagnostics, Origin, Phase};
use super::source::Sources;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

/// The longest piece of a source line worth showing.
const WIDTH: usize = 160;

/// Shows diagnostics against the texts they concern.
#[derive(Debug)]
pub struct Renderer<'a> {
    sources: &'a Sources,
    /// Where the lines of a file begin; made on first use, since a file may have a million of them.
    starts: HashMap<u32, Vec<usize>>,
}

impl<'a> Renderer<'a> {
    pub fn new(sources: &'a Sources) -> Self {
        Self { sources, starts: HashMap::new() }
    }

    fn path(&self, file: u32) -> Cow<'a, str> {
        self.sources.get(file).map_or(Cow::Borrowed("?"), |source| source.path.to_string_lossy())
    }

    /// keepalived's form: `(Line 3) text`, or `(FILE: Line 3) text` where several files were read. What keepalived says
    /// without a line, because it finds it after reading, ends with the place instead.
    pub fn line(&self, diagnostic: &Diagnostic) -> String {
        let text = printable(&diagnostic.text);
        let Some(at) = diagnostic.at else { return text.into_owned() };
        match diagnostic.phase {
            Phase::Reading if self.sources.len() > 1 => format!("({}: Line {}) {text}", self.path(at.file), at.line),
            Phase::Reading => format!("(Line {}) {text}", at.line),
            Phase::Resolving => format!("{text} [{}:{}]", self.path(at.file), at.line),
        }
    }

    /// The one-line form, then the source line with a caret, the include chain and the hint.
    pub fn annotated(&mut self, diagnostic: &Diagnostic) -> String {
        let mut out = self.line(diagnostic);
        if let Some(at) = diagnostic.at {
            let shown = self.source_line(at).map(|line| excerpt(&line, diagnostic.word.as_deref()));
            let column = shown.as_ref().and_then(|e| e.column).map(|c| format!(":{c}")).unwrap_or_default();
            let number = at.line.to_string();
            let margin = " ".repeat(number.len());
            let _ = write!(out, "\n{margin}--> {}:{number}{column}", self.path(at.file));
            if let Some(excerpt) = shown {
                let _ = write!(out, "\n{margin} |\n{number} | {}", excerpt.text);
                if let Some(mark) = excerpt.mark {
                    let _ = write!(out, "\n{margin} | {mark}");
                }
            }
            for include in self.include_chain(at) {
                let _ = write!(out, "\n{margin} = included at {}:{}", self.path(include.file), include.line);
            }
            if let Some(hint) = &diagnostic.hint {
                let _ = write!(out, "\n{margin} = help: {}", printable(hint));
            }
        } else if let Some(hint) = &diagnostic.hint {
            let _ = write!(out, "\n  = help: {}", printable(hint));
        }
        out
    }

    /// What an editor or a pipeline needs, an object per diagnostic.
    pub fn json(&mut self, problems: &Diagnostics) -> Value {
        let list: Vec<Value> = problems
            .iter()
            .map(|d| {
                let place = d.at.map(|at| {
                    let column = self.source_line(at).and_then(|line| excerpt(&line, d.word.as_deref()).column);
                    let chain: Vec<Value> =
                        self.include_chain(at).iter().map(|i| json!({"file": self.path(i.file), "line": i.line})).collect();
                    (at, column, chain)
                });
                let (file, line, column, chain) = match place {
                    Some((at, column, chain)) => (Some(self.path(at.file)), Some(at.line), column, chain),
                    None => (None, None, None, Vec::new()),
                };
                json!({
                    "class": d.class.name(),
                    "file": file,
                    "line": line,
                    "column": column,
                    "message": d.text,
                    "word": d.word,
                    "hint": d.hint,
                    "included_at": chain,
                })
            })
            .collect();
        json!({"version": 1, "exit_status": problems.exit_status(), "suppressed": problems.suppressed(), "diagnostics": list})
    }

    /// The include lines that led to a place, innermost first.
    fn include_chain(&self, at: Origin) -> Vec<Origin> {
        let mut chain = Vec::new();
        let mut file = at.file;
        while let Some(include) = self.sources.get(file).and_then(|source| source.included_at) {
            chain.push(include);
            // An including file was read before the included one, so the walk ends.
            if include.file >= file {
                break;
            }
            file = include.file;
        }
        chain
    }

    fn source_line(&mut self, at: Origin) -> Option<String> {
        let bytes = &self.sources.get(at.file)?.bytes;
        let starts = self.starts.entry(at.file).or_insert_with(|| {
            let ends = bytes.iter().enumerate().filter(|&(_, &b)| b == b'\n').map(|(i, _)| i + 1);
            std::iter::once(0).chain(ends).collect()
        });
        let index = usize::try_from(at.line).ok()?.checked_sub(1)?;
        let start = *starts.get(index)?;
        let end = starts.get(index + 1).copied().unwrap_or(bytes.len());
        let line = String::from_utf8_lossy(bytes.get(start..end)?).into_owned();
        Some(line.trim_end_matches(['\n', '\r']).to_owned())
    }
}

struct Excerpt {
    text: String,
    /// Blanks and carets to stand under the word.
    mark: Option<String>,
    /// Where the word begins, counted in characters from 1.
    column: Option<usize>,
}

/// A source line fit for showing, with the word marked. A word that came out of a definition is not on the line.
fn excerpt(line: &str, word: Option<&str>) -> Excerpt {
    let found = word.filter(|w| !w.is_empty()).and_then(|w| find_word(line, w).map(|at| (at, w)));
    let before = found.map_or(0, |(at, _)| line[..at].chars().count());
    // A very long line is shown from a little before its word.
    let skip = if before > WIDTH / 2 { before - WIDTH / 4 } else { 0 };
    let lead = if skip > 0 { "..." } else { "" };
    let shown: String = line.chars().skip(skip).take(WIDTH).collect();
    let trail = if line.chars().count() > skip + WIDTH { "..." } else { "" };
    let mark = found.map(|(_, w)| {
        let blanks: String = line.chars().skip(skip).take(before - skip).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let carets = w.chars().count().min(WIDTH.saturating_sub(before - skip)).max(1);
        format!("{}{blanks}{}", " ".repeat(lead.len()), "^".repeat(carets))
    });
    Excerpt { text: format!("{lead}{}{trail}", printable(&shown)), mark, column: found.map(|_| before + 1) }
}

/// The first place where `word` stands as a word of its own, or else anywhere.
fn find_word(line: &str, word: &str) -> Option<usize> {
    let boundary = |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || matches!(c, '"' | '{' | '}' | '#' | '!' | '\''));
    line.match_indices(word)
        .map(|(at, _)| at)
        .find(|&at| boundary(line[..at].chars().next_back()) && boundary(line[at + word.len()..].chars().next()))
        .or_else(|| line.find(word))
}

/// Text from a file, without what could drive a terminal or break a log line.
fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c == '\t' || !c.is_control()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if c == '\t' || !c.is_control() { c } else { '\u{fffd}' }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::diagnostic::Class;
    use crate::config::source::Source;

    fn sources(texts: &[(&str, &str, Option<Origin>)]) -> Sources {
        let mut sources = Sources::default();
        for &(path, text, included_at) in texts {
            sources.add(Source { path: path.into(), bytes: text.as_bytes().to_vec().into(), included_at });
        }
        sources
    }

    fn at(file: u32, line: u32) -> Origin {
        Origin { order: 0, file, line }
    }

    #[test]
    fn one_file_goes_without_its_name() {
        let mut problems = Diagnostics::default();
        problems.error(at(0, 2), "Unknown keyword 'foo'");
        problems.resolving(Class::Error, at(0, 1), "(A) no VIP");
        let one = sources(&[("k.conf", "a\nfoo\n", None)]);
        let shown: Vec<String> = problems.iter().map(|d| Renderer::new(&one).line(d)).collect();
        assert_eq!(shown, ["(Line 2) Unknown keyword 'foo'", "(A) no VIP [k.conf:1]"]);
        let two = sources(&[("k.conf", "a\nfoo\n", None), ("b.conf", "", None)]);
        assert_eq!(problems.iter().next().map(|d| Renderer::new(&two).line(d)).expect("one"), "(k.conf: Line 2) Unknown keyword 'foo'");
    }

    #[test]
    fn the_caret_stands_under_the_word_with_the_chain_and_the_hint_below() {
        let mut problems = Diagnostics::default();
        problems.error(at(1, 2), "Unknown keyword 'bar'").word("bar").hint("did you mean 'baz'?");
        let sources = sources(&[("k.conf", "x\ninclude b.conf\n", None), ("b.conf", "one\n\tbarn bar 1\r\n", Some(at(0, 2)))]);
        let shown = problems.iter().map(|d| Renderer::new(&sources).annotated(d)).next().expect("one");
        let want = "(b.conf: Line 2) Unknown keyword 'bar'\n --> b.conf:2:7\n  |\n2 | \tbarn bar 1\n  | \t     ^^^\n  = included at k.conf:2\n  = help: did you mean 'baz'?";
        assert_eq!(shown, want);
    }

    #[test]
    fn hostile_text_does_not_reach_the_terminal_and_long_lines_are_cut() {
        let long = format!("{} bad\x1b[31m {}", "x".repeat(5000), "y".repeat(5000));
        let mut problems = Diagnostics::default();
        problems.error(at(0, 1), "Unknown keyword '\x1b[2J'").word("bad");
        let sources = sources(&[("k.conf", &long, None)]);
        let shown = problems.iter().map(|d| Renderer::new(&sources).annotated(d)).next().expect("one");
        assert!(!shown.contains('\x1b'));
        assert!(shown.lines().all(|l| l.chars().count() < 200), "{shown}");
        assert!(shown.contains("^^^"));
    }

    #[test]
    fn json_tells_place_class_and_status() {
        let mut problems = Diagnostics::default();
        problems.error(at(0, 1), "Unknown keyword 'foo'").word("foo").hint("h");
        let sources = sources(&[("k.conf", " foo\n", None)]);
        let value = Renderer::new(&sources).json(&problems);
        assert_eq!(value["exit_status"], 5);
        assert_eq!(value["diagnostics"][0]["column"], 2);
        assert_eq!(value["diagnostics"][0]["file"], "k.conf");
    }
}
