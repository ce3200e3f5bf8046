//! `include` and its variants: which files a line brings in, and what is said when it does not.

use super::glob::glob;
use super::report::excerpt;
use super::{Frame, Opened, Place, Reader};
use crate::config::diagnostic::{Class, Diagnostic, Diagnostics, Origin, Phase};
use crate::config::source::{Refusal, Source};
use std::collections::VecDeque;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// What makes an include that brings in nothing an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// A file cannot be read.
    pub read: bool,
    /// A plain name is not there.
    pub matched: bool,
    /// A pattern matches nothing.
    pub wildcard: bool,
    /// One of several `{a,b}` alternatives is not there.
    pub braces: bool,
}

impl Checks {
    pub const ALL: Self = Self { read: true, matched: true, wildcard: true, braces: true };

    /// What the letter behind `include` asks for.
    fn of_letter(letter: &str) -> Self {
        let read = Self { read: true, ..Self::default() };
        match letter {
            "r" => read,
            "m" => Self { matched: true, ..read },
            "w" => Self { matched: true, wildcard: true, ..read },
            "b" => Self { braces: true, ..read },
            "a" => Self::ALL,
            _ => Self::default(),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            read: self.read || other.read,
            matched: self.matched || other.matched,
            wildcard: self.wildcard || other.wildcard,
            braces: self.braces || other.braces,
        }
    }

    /// What the arguments of `include_check` make of this. What is wrong with them is for the keyword to report.
    pub(super) fn stated<'w>(self, words: impl Iterator<Item = &'w str>) -> Self {
        let mut checks = self;
        let mut bare = false;
        let mut any = false;
        for word in words {
            any = true;
            let (sign, name) = match word.split_at_checked(1) {
                Some((sign @ ("+" | "-"), name)) => (Some(sign == "+"), name),
                Some(_) | None => (None, word),
            };
            let mut changed = checks;
            if sign.is_none() {
                changed = Self { read: true, ..Self::default() };
            }
            let field = match name {
                "read" => &mut changed.read,
                "match" => &mut changed.matched,
                "wildcard_match" => &mut changed.wildcard,
                "brace_match" => &mut changed.braces,
                _ => continue,
            };
            *field = sign.unwrap_or(true);
            // A second bare word is refused.
            if sign.is_none() && std::mem::replace(&mut bare, true) {
                continue;
            }
            checks = changed;
        }
        if any { checks } else { Self::ALL }
    }
}

/// Files that are still to be opened for one include.
#[derive(Debug)]
pub(super) struct Waiting {
    names: VecDeque<PathBuf>,
    at: Option<Origin>,
    checks: Checks,
}

/// How many files may be open inside each other.
const DEEPEST: usize = 64;
/// How many files, and how many bytes, one configuration may have.
const MOST_FILES: usize = 65_536;
const MOST_BYTES: usize = 512 * 1024 * 1024;

/// A path without what does not change where it leads, so that the same file is known again.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if tidy.file_name().is_some() => {
                tidy.pop();
            }
            Component::ParentDir | Component::Normal(_) | Component::RootDir | Component::Prefix(_) => tidy.push(part),
        }
    }
    tidy
}

fn report(problems: &mut Diagnostics, class: Class, at: Option<Origin>, text: impl Into<String>) -> &mut Diagnostic {
    problems.report(class, Phase::Reading, at, text)
}

impl Reader<'_> {
    /// Opens what the command line names.
    pub(super) fn open_main(&mut self, problems: &mut Diagnostics) {
        let pattern = &self.options.pattern;
        let shown = pattern.to_string_lossy();
        let names = if self.files.exists(&self.options.directory.join(pattern)) {
            vec![pattern.clone()]
        } else {
            let found = glob(self.files, &self.options.directory, &shown).unwrap_or_default();
            found.names.into_iter().map(PathBuf::from).collect()
        };
        match names.as_slice() {
            [] => {
                report(problems, Class::File, None, format!("Config files missing '{shown}'."));
            }
            [_] => {}
            [first, ..] => {
                let text = format!("WARNING, multiple configuration file matches of {shown}, starting with {}", first.display());
                report(problems, Class::Error, None, text).hint("name one file, and let that include the others");
            }
        }
        let waiting = Waiting { names: names.into(), at: None, checks: self.checks };
        self.stack.push(Frame::Waiting(waiting));
    }

    pub(super) fn include(&mut self, letter: &str, pattern: &str, place: Place, problems: &mut Diagnostics) {
        let at = self.origin(place);
        let checks = self.checks.and(Checks::of_letter(letter));
        let class = |checked: bool| if checked { Class::Include } else { Class::File };
        let directory = self.directory().to_owned();
        let Ok(found) = glob(self.files, &directory, pattern) else {
            problems.error(at, format!("too many files match '{}'", excerpt(pattern)));
            return;
        };
        let shown = excerpt(pattern);
        if found.names.is_empty() && found.missing {
            let checked = if found.braces { checks.braces } else { checks.matched };
            let diagnostic = report(problems, class(checked), Some(at), format!("Config files missing '{shown}'.")).word(pattern);
            if pattern.starts_with(['"', '\'']) {
                diagnostic.hint("quotes are part of the name here: leave them out, blanks need none");
            } else if pattern.starts_with('~') {
                diagnostic.hint("the tilde has no meaning here: write the path out");
            } else if !pattern.starts_with('/') {
                diagnostic.hint(format!("looked for in {}", directory.display()));
            }
        } else if found.names.is_empty() {
            if checks.wildcard {
                report(problems, Class::Include, Some(at), format!("No config files matched '{shown}'.")).word(pattern);
            }
        } else if found.missing {
            report(problems, class(checks.braces), Some(at), format!("Some config files missing: \"{shown}\".")).word(pattern);
            if checks.braces {
                return;
            }
        }
        if !found.names.is_empty() {
            let names = found.names.into_iter().map(PathBuf::from).collect();
            self.stack.push(Frame::Waiting(Waiting { names, at: Some(at), checks }));
        }
    }

    /// Opens the next file of an include; false when there are no more.
    pub(super) fn open_next(&mut self, problems: &mut Diagnostics) -> bool {
        let Some(Frame::Waiting(waiting)) = self.stack.last_mut() else { return false };
        let Some(name) = waiting.names.pop_front() else { return false };
        let (at, checks) = (waiting.at, waiting.checks);
        self.open(name, at, checks, problems);
        true
    }

    fn open(&mut self, name: PathBuf, at: Option<Origin>, checks: Checks, problems: &mut Diagnostics) {
        let path = tidy(&self.directory().join(&name));
        let refused = if checks.read { Class::Include } else { Class::Error };
        let open: Vec<&Opened> = self.stack.iter().filter_map(Frame::file).collect();
        if let Some(from) = open.iter().position(|open| open.path == path) {
            let chain: String = open.iter().skip(from).map(|open| format!("{} includes ", open.path.display())).collect();
            let text = format!("'{}' includes itself - ignoring", name.display());
            report(problems, refused, at, text).hint(format!("{chain}{}", path.display()));
            return;
        }
        if open.len() >= DEEPEST {
            if !std::mem::replace(&mut self.told_depth, true) {
                let text = format!("includes are nested more than {DEEPEST} deep - ignoring '{}'", name.display());
                report(problems, refused, at, text);
            }
            return;
        }
        if self.sources.len() >= MOST_FILES || self.bytes_read > MOST_BYTES {
            if !std::mem::replace(&mut self.told_size, true) {
                let text = format!(
                    "more than {MOST_FILES} files or {} MiB in all - ignoring '{}' and all that follow",
                    MOST_BYTES >> 20,
                    name.display()
                );
                report(problems, refused, at, text);
            }
            return;
        }
        let bytes = match self.files.read(&path) {
            Ok(bytes) => bytes,
            Err(refusal) => {
                refuse(refusal, &name, at, checks, problems);
                return;
            }
        };
        self.bytes_read = self.bytes_read.saturating_add(bytes.len());
        let bytes = Arc::new(bytes);
        let file = self.sources.add(Source { path: name, bytes: Arc::clone(&bytes), included_at: at });
        let directory = path.parent().map(Path::to_owned).unwrap_or_default();
        self.stack.push(Frame::File(Opened { file, bytes, next: 0, line: 0, path, directory, outside: self.checks }));
    }
}

fn refuse(refusal: Refusal, name: &Path, at: Option<Origin>, checks: Checks, problems: &mut Diagnostics) {
    let shown = name.display();
    let shown = shown.to_string();
    let shown = shown.trim_end_matches('/');
    let class = if checks.read && at.is_some() { Class::Include } else { Class::File };
    match refusal {
        Refusal::Missing => report(problems, class, at, format!("Config files missing '{shown}'.")),
        Refusal::Directory => report(problems, class, at, format!("Configuration file '{shown}/' is a directory - skipping")),
        Refusal::NotRegular => {
            report(problems, class, at, format!("Configuration file '{shown}' is not a regular non-executable file - skipping"))
        }
        Refusal::Executable => {
            report(problems, class, at, format!("Configuration file '{shown}' is not a regular non-executable file - skipping"))
                .hint(format!("chmod a-x {shown}"))
        }
        Refusal::Unreadable if at.is_none() => report(problems, Class::Fatal, at, format!("Unable to read configuration file {shown}")),
        Refusal::Unreadable => {
            report(problems, class, at, format!("Configuration file '{shown}' open problem (Permission denied) - skipping"))
        }
        Refusal::TooLarge => {
            let class = class.max(Class::Error);
            report(problems, class, at, format!("Configuration file '{shown}' {} - skipping", refusal.reason()))
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_file_has_one_path() {
        for (path, want) in [("/a/./b", "/a/b"), ("/a/b/../c", "/a/c"), ("../a", "../a"), ("/../a", "/../a"), ("a//b/", "a/b")] {
            assert_eq!(tidy(Path::new(path)), Path::new(want), "{path}");
        }
    }
}
