//! Every keyword, every other spelling of it and every fixed word of its syntax has an example in `tests/config/`, and the
//! examples are faultless: what the tables declare can be written.

use crate::common::{read, said};
use crate::folder::{configurations, text_of};
use standfast::config::keyword::document::{blocks, compatibility};
use standfast::config::keyword::{Described, Entry};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

/// Languages within a line: each of its words may be an option.
const INLINE: [&str; 6] = ["an address", "a route", "a rule", "nexthop", "encap ip", "encap ip6"];

/// What stands in a syntax for something else.
const PLACEHOLDERS: &str = "N SECONDS FRACTION BOOL NAME USER GROUP INTERFACE IP COMMAND ADDRESS DESTINATION PATH TEXT BYTES PORT LENGTH \
    STRING MICROSECONDS s Nms MS LOW HIGH LEN CPU WORD TABLE SOURCE OPTIONS INSTANCE HEX G DIRECTORY BIT ACTION VALUE TYPE START SET_ND \
    SET_MLD SET_IGMP SET_IF6 SET6 SET SELECTORS RULE ROUTE PRIORITY PATTERN PARAMETER OUTPUT_CHAIN NUMBER M MAX MASK MAC LOGFILE IPV6 IPV4 \
    INPUT_CHAIN ID HOST HOP DOWN UP CHECK END OPTION MD5 as lb_kind";

/// A statement with what stands in its braces.
#[derive(Debug, Default)]
struct Node {
    words: Vec<String>,
    inside: Vec<Self>,
}

fn trees(lines: &mut std::str::Lines<'_>) -> Vec<Node> {
    let mut nodes = Vec::new();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if line == "}" {
            break;
        }
        let words = || line.trim_end_matches('{').split_ascii_whitespace().map(str::to_owned).collect();
        if line.ends_with('{') {
            nodes.push(Node { words: words(), inside: trees(lines) });
        } else if !line.is_empty() && !line.starts_with('#') {
            nodes.push(Node { words: words(), inside: Vec::new() });
        }
    }
    nodes
}

/// What has been seen: under the language and the keyword, the words that followed each of its spellings.
#[derive(Debug, Default)]
struct Seen(HashMap<(&'static str, &'static str), HashSet<String>>);

impl Seen {
    fn note<'a>(&mut self, language: &dyn Described, entry: &Entry, words: impl Iterator<Item = &'a String>) {
        let seen = self.0.entry((language.name(), entry.name)).or_default();
        let pieces = words.flat_map(|word| word.split(|c: char| "|()/:".contains(c)).chain([word.as_str()]));
        seen.extend(pieces.map(str::to_owned));
    }

    fn block(&mut self, language: &'static dyn Described, nodes: &[Node]) {
        for node in nodes {
            if INLINE.contains(&language.name()) {
                self.line(language, &node.words);
                continue;
            }
            let Some(entry) = find(language, &node.words[0]) else { continue };
            let inner = node.inside.iter().flat_map(|inner| &inner.words);
            self.note(language, &entry, node.words.iter().chain(inner));
            for inside in &entry.inside {
                self.block(inside(), &node.inside);
            }
        }
    }

    /// An entry of a list: a word belongs to the innermost language that knows it.
    fn line(&mut self, language: &'static dyn Described, words: &[String]) {
        let mut open = vec![language];
        for (n, word) in words.iter().enumerate() {
            if n > 0 && words[n - 1] == "via" && word.starts_with("inet") {
                continue;
            }
            let Some((depth, entry)) = open.iter().enumerate().rev().find_map(|(depth, l)| Some((depth, find(*l, word)?))) else {
                continue;
            };
            open.truncate(depth + 1);
            self.note(open[depth], &entry, words[n..].iter().take(3));
            let next = words.get(n + 1).map(|kind| format!("{word} {kind}"));
            let inside = entry.inside.iter().map(|inside| inside());
            open.extend(inside.filter(|inside| inside.name() == word || next.as_deref() == Some(inside.name())));
        }
    }
}

fn spellings(entry: &Entry) -> impl Iterator<Item = &'static str> {
    let deprecated = entry.deprecated.iter().map(|&(name, _)| name);
    std::iter::once(entry.name).chain(entry.aliases.iter().copied()).chain(deprecated)
}

fn find(language: &dyn Described, word: &str) -> Option<Entry> {
    let entries = language.entries();
    let known = entries.iter().position(|entry| spellings(entry).any(|name| name == word));
    // The lines of a group of servers begin with what they are.
    let index = known.or_else(|| entries.iter().position(|entry| entry.name == "ADDRESS"))?;
    entries.into_iter().nth(index)
}

/// The words of a syntax that are written as they stand.
fn fixed(syntax: &'static str) -> impl Iterator<Item = &'static str> {
    let words = syntax.split(|c: char| !"_-.".contains(c) && !c.is_alphanumeric());
    words.map(|word| word.trim_matches(['-', '.'])).filter(|word| {
        let stands_for = |part: &str| part.is_empty() || PLACEHOLDERS.split_ascii_whitespace().any(|placeholder| placeholder == part);
        word.chars().any(char::is_alphabetic) && !stands_for(word) && !word.split('-').all(stands_for)
    })
}

fn faultless() -> Vec<PathBuf> {
    configurations("tests/config").into_iter().filter(|file| file.to_string_lossy().contains("every_keyword")).collect()
}

fn deprecated() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/config/deprecated.conf")
}

#[test]
fn every_keyword_has_an_example() {
    let blocks = blocks();
    let mut seen = Seen::default();
    for file in faultless().iter().chain([&deprecated()]) {
        seen.block(blocks[0], &trees(&mut text_of(file).lines()));
    }
    let mut missing = Vec::new();
    for block in blocks {
        for entry in block.entries() {
            let words = seen.0.remove(&(block.name(), entry.name)).unwrap_or_default();
            let names = spellings(&entry).filter(|name| *name != "ADDRESS");
            missing.extend(
                names
                    .chain(fixed(entry.syntax))
                    .filter(|word| !words.contains(*word))
                    .map(|word| format!("{}: {} {word}", block.name(), entry.name)),
            );
        }
    }
    assert!(missing.is_empty(), "tests/config/every_keyword_*.conf and deprecated.conf have no example of\n{}", missing.join("\n"));
}

#[test]
fn the_examples_are_faultless() {
    assert!(!faultless().is_empty());
    for file in faultless() {
        let loaded = read(text_of(&file));
        // The MIBs of VRRP are obeyed, and complained about.
        let other: Vec<String> = said(&loaded).into_iter().filter(|text| !text.contains("was built without it")).collect();
        assert_eq!(other, Vec::<String>::new(), "{}", file.display());
    }
}

#[test]
fn what_is_deprecated_is_called_so_and_nothing_else_is_said() {
    let loaded = read(text_of(&deprecated()));
    let excused = ["deprecated", "not supported", "for MPLS only", "hashed only applies"];
    let other: Vec<String> = said(&loaded).into_iter().filter(|text| !excused.iter().any(|words| text.contains(words))).collect();
    assert_eq!(other, Vec::<String>::new());
}

#[test]
fn the_document_says_what_the_tables_say() {
    assert!(include_str!("../../docs/COMPATIBILITY.md") == compatibility(), "docs/COMPATIBILITY.md is stale: run make docs");
}
