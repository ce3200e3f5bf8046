//! Whatever a configuration holds, faulty or not: what it means can be written down. The canonical dump of a model loads to
//! an equal model without complaint, and is the dump of that model too. The model's bytes are those of an equal one as well.

use crate::common::{read, said};
use crate::folder::{configurations, text_of};
use proptest::prelude::*;
use proptest::sample::Index;
use standfast::config::diagnostic::{Class, Diagnostic};
use standfast::config::dump::dump;
use standfast::model::Model;
use standfast::model::code::Code as _;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::LazyLock;

/// A statement with what stands in its braces.
#[derive(Clone, Debug)]
struct Node {
    words: Vec<String>,
    inside: Option<Vec<Self>>,
}

/// Words of a line; a quoted one stays whole.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let end = match rest.strip_prefix('"') {
            Some(quoted) => quoted.find('"').map_or(rest.len(), |end| end + 2),
            None => rest.find(' ').unwrap_or(rest.len()),
        };
        words.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    words
}

fn trees<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Vec<Node> {
    let mut nodes = Vec::new();
    while let Some(line) = lines.next() {
        let line = line.split(" #").next().unwrap_or_default().trim();
        match line.strip_suffix('{') {
            _ if line == "}" => break,
            _ if line.is_empty() || line.starts_with('#') => {}
            Some(head) => nodes.push(Node { words: words(head), inside: Some(trees(lines)) }),
            None => nodes.push(Node { words: words(line), inside: None }),
        }
    }
    nodes
}

fn write(nodes: &[Node], out: &mut String) {
    for node in nodes {
        out.push_str(&node.words.join(" "));
        if let Some(inside) = &node.inside {
            out.push_str(" {\n");
            write(inside, out);
            out.push('}');
        }
        out.push('\n');
    }
}

/// What the shipped examples and those of every keyword hold, a block each.
static SAMPLES: LazyLock<Vec<Node>> = LazyLock::new(|| {
    let mut samples = Vec::new();
    for file in configurations("tests/config").into_iter().chain(configurations("examples")) {
        let name = file.file_name().expect("a file has a name").to_string_lossy().into_owned();
        if name.starts_with("every_keyword") || name == "deprecated.conf" || file.to_string_lossy().contains("examples/") {
            samples.extend(trees(&mut text_of(&file).lines()));
        }
    }
    samples
});

/// Every statement of the samples, at any depth.
static STATEMENTS: LazyLock<Vec<&'static Node>> = LazyLock::new(|| {
    fn gather<'a>(nodes: &'a [Node], all: &mut Vec<&'a Node>) {
        for node in nodes {
            all.push(node);
            gather(node.inside.as_deref().unwrap_or_default(), all);
        }
    }
    let mut all = Vec::new();
    gather(&SAMPLES, &mut all);
    all
});

/// What is done to a configuration. An [`Index`] chooses a statement.
#[derive(Clone, Debug)]
enum Change {
    Drop(Index),
    Repeat(Index),
    Swap(Index, Index),
    /// A statement of the samples, put behind another.
    Insert(Index, Index),
    /// The same, taken from a block of the same keyword: it is likely to fit.
    Graft(Index, Index),
    Word(Index, Index, &'static str),
    Cut(Index, Index),
    Append(Index, &'static str),
    /// A word, wherever it stands.
    Rename(Index, Index, &'static str),
}

const WORDS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "5",
    "64",
    "100",
    "253",
    "254",
    "255",
    "256",
    "-254",
    "1000",
    "4294",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "99999999999999999999",
    "0.5",
    ".25",
    "1.0000001",
    "0.000001",
    "4294.967295",
    "5x",
    "0x10",
    "x",
    "on",
    "off",
    "true",
    "no",
    "eth0",
    "eth1",
    "eth9",
    "lo",
    "blue",
    "one",
    "plain",
    "path",
    "web",
    "level",
    "load",
    "worker",
    "shops",
    "192.0.2.1",
    "192.0.2.20",
    "192.0.2.1/24",
    "224.0.0.18",
    "2001:db8::1",
    "2001:db8::/32",
    "fe80::1",
    "fe80::1/64",
    "ff02::12",
    "0.0.0.0",
    "::",
    "all",
    "none",
    "name",
    "weight",
    "reverse",
    "group",
    "dev",
    "via",
    "table",
    "inet6",
    "inet",
    "default",
    "lock",
    "MASTER",
    "TUN",
    "NAT",
    "type",
    "gue",
    "port",
    "80",
    "\"\"",
    "\"a b\"",
    "\"{\"",
    "\"#\"",
    "\"!\"",
    "\"$A\"",
    "\"${A}\"",
    "\"\\\\\"",
    "\"@x\"",
    "@x",
    "~SEQ",
    "'",
    "a'b",
    "a\\b",
    "\"a'b\"",
    "\"/usr/bin/notify 'a  b' c\"",
    "/usr/bin/notify",
    "\"/usr/bin/notify\t'\"",
    "/usr/bin/nothing",
    "\u{e9}",
    "a,b",
    "-",
    "+",
    "/",
    "=",
    "$",
    "\"$\"",
    "\"a\tb\"",
    "\" a\"",
    "\"a \"",
    "\\$A",
    "\\#",
    "\\!",
    "a\\\\b",
    "\"a\\$b\"",
    "longer_than_fifteen_bytes",
];

fn count(nodes: &[Node]) -> usize {
    nodes.iter().map(|node| 1 + count(node.inside.as_deref().unwrap_or_default())).sum()
}

/// The list that holds the statement of this number, in the order of the text, and its place there.
fn find<'a>(nodes: &'a mut Vec<Node>, number: &mut usize) -> Option<(&'a mut Vec<Node>, usize)> {
    let mut place = None;
    for (n, node) in nodes.iter().enumerate() {
        let size = 1 + count(node.inside.as_deref().unwrap_or_default());
        if *number < size {
            place = Some(n);
            break;
        }
        *number -= size;
    }
    let n = place?;
    if *number == 0 {
        return Some((nodes, n));
    }
    *number -= 1;
    find(nodes.get_mut(n)?.inside.as_mut()?, number)
}

fn at<'a>(nodes: &'a mut Vec<Node>, index: &Index) -> Option<(&'a mut Vec<Node>, usize)> {
    let total = count(nodes);
    if total == 0 {
        return None;
    }
    find(nodes, &mut index.index(total))
}

fn rename(nodes: &mut [Node], old: &str, new: &str) {
    for node in nodes {
        for word in node.words.iter_mut().filter(|word| *word == old) {
            new.clone_into(word);
        }
        rename(node.inside.as_deref_mut().unwrap_or_default(), old, new);
    }
}

fn change(nodes: &mut Vec<Node>, change: &Change) -> Option<()> {
    match change {
        Change::Drop(index) => {
            let (list, n) = at(nodes, index)?;
            list.remove(n);
        }
        Change::Repeat(index) => {
            let (list, n) = at(nodes, index)?;
            let again = list[n].clone();
            list.push(again);
        }
        Change::Swap(index, other) => {
            let (list, n) = at(nodes, index)?;
            let other = other.index(list.len());
            list.swap(n, other);
        }
        Change::Insert(index, what) => {
            let (list, n) = at(nodes, index)?;
            list.insert(n, what.get(&STATEMENTS).to_owned().to_owned());
        }
        Change::Graft(index, what) => {
            let (list, n) = at(nodes, index)?;
            let node = list.get_mut(n)?;
            let inside = node.inside.as_mut()?;
            let alike: Vec<&Node> =
                STATEMENTS.iter().filter(|s| s.words.first() == node.words.first()).flat_map(|s| s.inside.iter().flatten()).collect();
            if !alike.is_empty() {
                inside.push((*what.get(&alike)).clone());
            }
        }
        Change::Word(index, word, new) => {
            let (list, n) = at(nodes, index)?;
            let words = &mut list[n].words;
            let word = word.index(words.len().max(1));
            *words.get_mut(word)? = (*new).to_owned();
        }
        Change::Cut(index, word) => {
            let (list, n) = at(nodes, index)?;
            let words = &mut list[n].words;
            if words.len() > 1 {
                words.remove(word.index(words.len()));
            }
        }
        Change::Append(index, new) => {
            let (list, n) = at(nodes, index)?;
            list[n].words.push((*new).to_owned());
        }
        Change::Rename(index, word, new) => {
            let (list, n) = at(nodes, index)?;
            let words = &list[n].words;
            let old = words.get(word.index(words.len().max(1)))?.clone();
            rename(nodes, &old, new);
        }
    }
    Some(())
}

fn changes() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    let word = || prop::sample::select(WORDS);
    prop_oneof![
        2 => index().prop_map(Change::Drop),
        2 => index().prop_map(Change::Repeat),
        2 => (index(), index()).prop_map(|(a, b)| Change::Swap(a, b)),
        1 => (index(), index()).prop_map(|(a, b)| Change::Insert(a, b)),
        6 => (index(), index()).prop_map(|(a, b)| Change::Graft(a, b)),
        6 => (index(), index(), word()).prop_map(|(a, b, w)| Change::Word(a, b, w)),
        2 => (index(), index()).prop_map(|(a, b)| Change::Cut(a, b)),
        2 => (index(), word()).prop_map(|(a, w)| Change::Append(a, w)),
        2 => (index(), index(), word()).prop_map(|(a, b, w)| Change::Rename(a, b, w)),
    ]
}

/// Some blocks of the samples, with the script settings that most of them are written for, and some of it changed.
fn configuration() -> impl Strategy<Value = String> {
    let blocks = prop::collection::vec(any::<Index>(), 1..5);
    (blocks, prop::collection::vec(changes(), 0..12), any::<bool>()).prop_map(|(blocks, changes, secure)| {
        let mut nodes = Vec::new();
        if secure {
            nodes = trees(&mut "global_defs {\nenable_script_security\nscript_user root\n}".lines());
        }
        let mut blocks: Vec<usize> = blocks.iter().map(|index| index.index(SAMPLES.len())).collect();
        // What others refer to stands first in the samples.
        blocks.sort_unstable();
        nodes.extend(blocks.into_iter().map(|block| SAMPLES[block].clone()));
        for one in &changes {
            change(&mut nodes, one);
        }
        let mut text = String::new();
        write(&nodes, &mut text);
        text
    })
}

/// The lines of either that are not in the other.
fn difference(one: &str, other: &str) -> String {
    let lines = |text: &str| -> HashSet<String> { text.lines().map(str::to_owned).collect() };
    let (a, b) = (lines(one), lines(other));
    format!("- {:?}\n+ {:?}", a.difference(&b).collect::<Vec<_>>(), b.difference(&a).collect::<Vec<_>>())
}

/// From bytes that were made of it.
fn decoded(model: &Model) -> Option<Model> {
    let mut bytes = Vec::new();
    model.put(&mut bytes);
    let mut rest = &*bytes;
    Model::get(&mut rest).filter(|_| rest.is_empty())
}

fn runs(class: Class) -> bool {
    match class {
        Class::Fatal | Class::Interface | Class::Namespace => false,
        Class::Notice | Class::File | Class::Security | Class::Error | Class::MissingParameter | Class::Include => true,
    }
}

/// The MIBs of VRRP are obeyed, and complained about.
fn is_wrong(problem: &Diagnostic) -> bool {
    wrong(problem.class) && !problem.text.contains("was built without it")
}

/// To run scripts without security is a choice, and the dump makes it again.
fn wrong(class: Class) -> bool {
    match class {
        Class::Notice | Class::File | Class::Security => false,
        Class::Fatal | Class::Interface | Class::Error | Class::Namespace | Class::MissingParameter | Class::Include => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: ProptestConfig::default().cases * 16, ..ProptestConfig::default() })]

    #[test]
    fn what_a_configuration_means_can_be_written_down(text in configuration()) {
        let first = read(text.as_str());
        let written = dump(&first.model);
        let again = read(written.as_str());
        // What keeps a configuration from running stays in it, and is told again, maybe in other words. Some other faults
        // are of what is meant, and not of what is written.
        let known: HashSet<&str> = first.problems.iter().map(|d| d.text.as_str()).collect();
        if first.problems.iter().all(|d| runs(d.class)) {
            let faults: Vec<String> = again.problems.iter().filter(|d| is_wrong(d) && !known.contains(d.text.as_str())).map(crate::common::told).collect();
            prop_assert!(faults.is_empty(), "{:?}\n{}\nbecame\n{}", faults, text, written);
        }
        let rewritten = dump(&again.model);
        prop_assert!(decoded(&first.model).as_ref() == Some(&first.model), "other bytes:\n{}", text);
        prop_assert!(again.model == first.model, "another model:\n{}\n{}", text, difference(&written, &rewritten));
        prop_assert!(rewritten == written, "another dump:\n{}\n{}", text, difference(&written, &rewritten));
    }

    #[test]
    fn reading_twice_gives_the_same(text in configuration()) {
        let (first, again) = (read(text.as_str()), read(text.as_str()));
        prop_assert_eq!(said(&first), said(&again));
        prop_assert!(first.model == again.model, "{}", text);
        prop_assert!(matches!(first.problems.exit_status(), 0 | 2 | 4 | 5 | 6));
    }
}

#[test]
fn each_sample_alone_can_be_written_down() {
    let faultless = |file: &PathBuf| file.to_string_lossy().contains("every_keyword") || file.to_string_lossy().contains("examples/");
    for file in configurations("tests/config").into_iter().chain(configurations("examples")).filter(faultless) {
        let first = read(text_of(&file));
        let written = dump(&first.model);
        let again = read(written.as_str());
        let faults: Vec<String> = again.problems.iter().filter(|d| is_wrong(d)).map(crate::common::told).collect();
        assert!(faults.is_empty() && again.model == first.model, "{}: {faults:?}\n{written}", file.display());
        assert_eq!(dump(&again.model), written, "{}", file.display());
        assert_eq!(decoded(&first.model).as_ref(), Some(&first.model), "{}", file.display());
    }
}
