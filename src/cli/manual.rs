//! Manual pages of the programs. What they say of options comes from the tables that options are read with.

use super::{FLAGS, Takes};
use std::fmt::Write as _;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// keepalived.conf(5), which the vocabularies tell.
    Configuration,
    Program(Program),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Keepalived,
    Genhash,
    Standfast,
}

impl Page {
    pub const ALL: [(&str, Self); 4] = [
        ("keepalived.8", Self::Program(Program::Keepalived)),
        ("keepalived.conf.5", Self::Configuration),
        ("genhash.1", Self::Program(Program::Genhash)),
        ("standfast.1", Self::Program(Program::Standfast)),
    ];

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, page)| *page)
    }
}

const KEEPALIVED: &str = include_str!("manual/keepalived.8");
const GENHASH: &str = include_str!("manual/genhash.1");
const STANDFAST: &str = include_str!("manual/standfast.1");
/// Where the options go.
const OPTIONS: &str = ".\\\" options\n";

/// A program's page in roff.
pub fn manual(program: Program) -> String {
    let page = match program {
        Program::Keepalived => KEEPALIVED.replace(OPTIONS, &options()),
        Program::Genhash => GENHASH.to_owned(),
        Program::Standfast => STANDFAST.to_owned(),
    };
    page.replacen("VERSION", env!("CARGO_PKG_VERSION"), 1)
}

fn options() -> String {
    let mut out = String::new();
    for flag in FLAGS {
        out.push_str(".TP\n");
        if let Some(short) = flag.short {
            let _ = write!(out, "\\fB\\-{short}\\fR, ");
        }
        let _ = write!(out, "\\fB\\-\\-{}\\fR", flag.long.replace('-', "\\-"));
        match flag.takes {
            Takes::Nothing => {}
            Takes::Value(value) => {
                let _ = write!(out, "=\\fI{value}\\fR");
            }
            Takes::Optional(value) => {
                let _ = write!(out, "[=\\fI{value}\\fR]");
            }
        }
        let _ = writeln!(out, "\n{}", flag.doc.replace('-', "\\-"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_in_the_page() {
        let page = manual(Program::Keepalived);
        for flag in FLAGS {
            assert!(page.contains(&format!("\\fB\\-\\-{}\\fR", flag.long.replace('-', "\\-"))), "{}", flag.long);
        }
        assert!(!page.contains(OPTIONS) && !page.contains("VERSION"));
    }

    #[test]
    fn pages_are_found_by_the_names_of_their_files() {
        for (name, page) in Page::ALL {
            assert_eq!(Page::named(name), Some(page));
            let Page::Program(program) = page else { continue };
            assert!(manual(program).starts_with(".TH "), "{name}");
        }
        assert_eq!(Page::named("ls.1"), None);
    }
}
