//! Documents derived from the vocabularies.

use super::root::ROOT;
use super::{Described, Effect, Entry};
use std::fmt::Write as _;

/// Every block that can be reached from the top level, in the order it is met, each once.
pub fn blocks() -> Vec<&'static dyn Described> {
    let mut found: Vec<&'static dyn Described> = vec![&ROOT];
    let mut next = 0;
    while let Some(block) = found.get(next).copied() {
        for inside in block.entries().into_iter().flat_map(|entry| entry.inside) {
            let inside = inside();
            if !found.iter().any(|known| known.name() == inside.name()) {
                found.push(inside);
            }
        }
        next += 1;
    }
    found
}

/// `docs/COMPATIBILITY.md`.
pub fn compatibility() -> String {
    let blocks = blocks();
    let count = |effect| blocks.iter().flat_map(|b| b.entries()).filter(|e| e.effect == effect).count();
    let mut out = format!(
        "# Compatibility\n\n\
         Generated from the keyword tables by `make docs`; do not edit.\n\n\
         Every keyword below is read and validated. *Effect* tells whether this version of standfast also acts on it:\n\
         **yes** ({}), **not yet** ({}), or *none*, where keepalived does nothing with it either ({}).\n",
        count(Effect::Done),
        count(Effect::Planned),
        count(Effect::Inert)
    );
    for block in blocks {
        let _ = write!(
            out,
            "\n## {}\n\n| keyword | arguments | range | default | what it does | effect |\n|---|---|---|---|---|---|\n",
            block.name()
        );
        for entry in block.entries() {
            out.push_str(&row(&entry));
        }
    }
    out
}

fn row(entry: &Entry) -> String {
    let mut name = format!("`{}`", entry.name);
    for alias in entry.aliases {
        let _ = write!(name, ", `{alias}`");
    }
    for (old, _) in entry.deprecated {
        let _ = write!(name, ", `{old}` (deprecated)");
    }
    let effect = match entry.effect {
        Effect::Done => "yes",
        Effect::Planned => "not yet",
        Effect::Inert => "none",
    };
    let code = |s: &str| if s.is_empty() { String::new() } else { format!("`{}`", cell(s)) };
    format!(
        "| {} | {} | {} | {} | {} | {effect} |\n",
        cell(&name),
        code(entry.syntax),
        cell(entry.range),
        cell(entry.default),
        cell(entry.doc)
    )
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_languages_share_a_name() {
        let names = |block: &dyn Described| block.entries().iter().map(|entry| entry.name).collect::<Vec<_>>();
        let mut known = std::collections::HashMap::new();
        for inside in blocks().iter().flat_map(|block| block.entries()).flat_map(|entry| entry.inside) {
            let block = inside();
            assert_eq!(&names(block), known.entry(block.name()).or_insert_with(|| names(block)), "{}", block.name());
        }
    }

    #[test]
    fn every_keyword_is_documented_and_none_twice() {
        for block in blocks() {
            let entries = block.entries();
            let mut seen = std::collections::HashSet::new();
            for entry in &entries {
                assert!(entry.doc.ends_with('.'), "{} {}: a sentence of doc", block.name(), entry.name);
                for name in std::iter::once(&entry.name).chain(entry.aliases).chain(entry.deprecated.iter().map(|(n, _)| n)) {
                    assert!(seen.insert(*name), "{} declares {name} twice", block.name());
                }
            }
        }
    }
}
