//! Located messages: what a configuration has wrong, where, and how to mend it.

use std::collections::BTreeMap;
use std::fmt;

/// Where a logical line came from. `order` counts logical lines over all files, so that "defined before" has a meaning
/// across includes and for several lines made from one (`~SEQ`, a multi-line definition).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    pub order: u32,
    pub file: u32,
    pub line: u32,
}

/// How much a message weighs. keepalived's config test exits with the number of the heaviest class it met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// keepalived only logs it: no effect on the exit status, not shown by `-t`.
    Notice,
    /// A file is not there or cannot be used. keepalived says so, in a config test too, and goes on (exit status 0).
    File,
    /// The configuration cannot be run, and nothing else is wrong with it (exit status 4).
    Fatal,
    /// An interface that must exist does not. The daemon would not start; keepalived's test counts it as any error.
    Interface,
    /// Everything else that keepalived reports, warnings and deprecations included (exit status 5).
    Error,
    /// Scripts are used without `enable_script_security` (exit status 6, and it hides every lesser class).
    Security,
    /// The network namespace to run in does not exist: keepalived ends before it looks at anything but the global settings,
    /// and calls that a success (exit status 0).
    Namespace,
    /// A keyword lacks a parameter: keepalived exits with status 2 on the spot.
    MissingParameter,
    /// An `include` failed a check that was asked for: keepalived exits with status 6 before it validates anything.
    Include,
}

impl Class {
    fn exit_status(self) -> u8 {
        match self {
            Self::Notice | Self::File | Self::Namespace => 0,
            Self::Fatal => 4,
            Self::Interface | Self::Error => 5,
            Self::Security | Self::Include => 6,
            Self::MissingParameter => 2,
        }
    }

    /// The word used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::File => "file",
            Self::Interface => "interface",
            Self::Fatal => "fatal",
            Self::Error => "error",
            Self::Security => "security",
            Self::Namespace => "namespace",
            Self::MissingParameter => "missing-parameter",
            Self::Include => "include",
        }
    }
}

/// When a message arises. keepalived knows line numbers only while it reads, so only those messages begin with
/// `(Line N)`; the others name their object, and the place is told at the end of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Reading,
    Resolving,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub class: Class,
    pub phase: Phase,
    /// Absent for what concerns no line, such as a missing file.
    pub at: Option<Origin>,
    /// keepalived's wording where it has one.
    pub text: String,
    /// The offending word as it stands on the line, for the caret.
    pub word: Option<Box<str>>,
    /// What to do about it: nearest keyword, valid range, where the block began.
    pub hint: Option<String>,
}

impl Diagnostic {
    pub fn word(&mut self, word: &str) -> &mut Self {
        self.word = Some(word.into());
        self
    }

    pub fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The collector every stage writes to. A repeated message (same class, place and text) is kept once.
#[derive(Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    /// How many there were of each class, kept or not.
    counts: BTreeMap<Class, usize>,
    suppressed: usize,
    /// The last one that there was no room for.
    spare: Option<Diagnostic>,
    /// The block in which the text ends, where it does.
    cut_off: Option<Box<str>>,
    /// Keywords that are used and on which this version does not act, in the order in which they were met.
    without_effect: Vec<&'static str>,
}

impl Diagnostics {
    /// A hostile file could hold more faults than memory should pay for. This many are kept of each class, so that a thousand
    /// trifles do not hide what decides the exit status.
    const MOST: usize = 100_000;

    /// The text ends in this block.
    pub fn ends_in(&mut self, block: &str) {
        self.cut_off.get_or_insert_with(|| block.into());
    }

    /// The block, as it was opened, in which the text ends: some of it may be missing.
    pub fn cut_off(&self) -> Option<&str> {
        self.cut_off.as_deref()
    }

    /// A keyword is used that this version only reads.
    pub fn has_no_effect(&mut self, keyword: &'static str) {
        if !self.without_effect.contains(&keyword) {
            self.without_effect.push(keyword);
        }
    }

    pub fn without_effect(&self) -> &[&'static str] {
        &self.without_effect
    }

    pub fn report(&mut self, class: Class, phase: Phase, at: Option<Origin>, text: impl Into<String>) -> &mut Diagnostic {
        let text = text.into();
        // Repeats are neighbours: the same word refused twice by one line.
        let known = self.list.iter().rev().take(8).position(|d| d.class == class && d.at == at && d.text == text);
        if let Some(back) = known {
            let index = self.list.len() - 1 - back;
            return &mut self.list[index];
        }
        let diagnostic = Diagnostic { class, phase, at, text, word: None, hint: None };
        let count = self.counts.entry(class).or_default();
        *count += 1;
        if *count > Self::MOST {
            self.suppressed += 1;
            return self.spare.insert(diagnostic);
        }
        self.list.push_mut(diagnostic)
    }

    /// A fault found while reading, at a line.
    pub fn error(&mut self, at: Origin, text: impl Into<String>) -> &mut Diagnostic {
        self.report(Class::Error, Phase::Reading, Some(at), text)
    }

    /// A fault found while objects were checked against each other.
    pub fn resolving(&mut self, class: Class, at: Origin, text: impl Into<String>) -> &mut Diagnostic {
        self.report(class, Phase::Resolving, Some(at), text)
    }

    /// Something keepalived only logs.
    pub fn notice(&mut self, at: Origin, text: impl Into<String>) -> &mut Diagnostic {
        self.report(Class::Notice, Phase::Reading, Some(at), text)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Messages left out because there were too many.
    pub fn suppressed(&self) -> usize {
        self.suppressed
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn worst(&self) -> Option<Class> {
        self.counts.keys().next_back().copied()
    }

    /// The exit status of a config test. A missing parameter or a failed include ends keepalived before it sees anything
    /// heavier, hence the order of [`Class`].
    pub fn exit_status(&self) -> u8 {
        self.worst().map_or(0, Class::exit_status)
    }

    /// Messages in the order of the lines they concern; those without a line come last, as keepalived has them.
    pub fn sort(&mut self) {
        self.list.sort_by_key(|d| (d.phase == Phase::Resolving, d.at.is_none(), d.at));
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_trifles_hide_no_graver_fault() {
        let mut problems = Diagnostics::default();
        let at = |line| Origin { order: line, file: 0, line };
        for line in 0..150_000 {
            problems.error(at(line), "trifle").hint("mend it");
        }
        problems.report(Class::MissingParameter, Phase::Reading, Some(at(150_000)), "grave");
        problems.error(at(150_001), "trifle");
        assert_eq!((problems.exit_status(), problems.suppressed()), (2, 50_001));
        assert!(problems.iter().any(|d| d.text == "grave"));
        assert_eq!(problems.iter().next().and_then(|d| d.hint.as_deref()), Some("mend it"));
    }
}
