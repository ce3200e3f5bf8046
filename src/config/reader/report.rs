//! What the reader has to say, each thing once however often a line is read.

use super::expand::{self, Note, Refused};
use super::{Place, Reader};
use crate::config::diagnostic::{Class, Diagnostic, Diagnostics, Phase};
use std::borrow::Cow;

/// Text for a message, which nobody wants by the page.
pub(super) fn excerpt(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(200) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}...", &text[..end])),
    }
}

impl Reader<'_> {
    /// Reports a fault once for each physical line, however often that is read.
    pub(super) fn tell(
        &mut self,
        class: Class,
        place: Place,
        text: impl Into<String>,
        problems: &mut Diagnostics,
        add: impl FnOnce(&mut Diagnostic),
    ) {
        let text = text.into();
        let at = Some(self.origin(place));
        // Messages have a limit of their own; behind it there is nothing left to keep apart.
        if self.told.len() < 100_000 && self.told.insert((place, text.clone())) {
            add(problems.report(class, Phase::Reading, at, text));
        }
    }

    pub(super) fn note(&mut self, notes: Vec<Note>, piece: &str, place: Place, problems: &mut Diagnostics) {
        for note in notes {
            match note {
                Note::Undefined(text) => {
                    let name = excerpt(&text);
                    let hint = if self.options.environment.contains_key(&text) {
                        format!("the environment is read with ${{_ENV {name}}}")
                    } else {
                        format!("${name}=... in a line above would define it")
                    };
                    self.tell(Class::Error, place, format!("Undefined definition '${{{name}}}'"), problems, |d| {
                        d.word(&name).hint(hint);
                    });
                }
                Note::NotLast(name, braces) => {
                    let text = format!("${name} has several lines and can only stand at the end of a line");
                    // Without braces it stays as it is, which may be meant.
                    let class = if braces { Class::Error } else { Class::Notice };
                    self.tell(class, place, text, problems, |d| {
                        d.word(&name);
                    });
                }
                Note::Reversed(text) => {
                    self.tell(Class::Error, place, format!("Maximum is less than minimum in '${{{text}}}'"), problems, |d| {
                        d.word(&text).hint("the minimum is used");
                    });
                }
                Note::Unmatched => {
                    // Most often the whole physical line has an odd number of quotes, and that has been said.
                    if self.unterminated != Some(place) {
                        self.tell(Class::Error, place, format!("Unmatched quote: '{}'", excerpt(piece)), problems, |d| {
                            d.word("\"");
                        });
                    }
                }
            }
        }
    }

    pub(super) fn refused(&mut self, refused: Refused, place: Place, problems: &mut Diagnostics) {
        let (text, hint) = match refused {
            Refused::Cycle(chain) => ("a definition uses itself - ignoring the line".to_owned(), excerpt(&chain).into_owned()),
            Refused::TooDeep(chain) => {
                (format!("definitions use each other more than {} deep - ignoring the line", expand::DEEPEST), format!("... {chain}"))
            }
            Refused::TooLong => (
                format!("definitions make this line longer than {} bytes - ignoring it", expand::LONGEST),
                "a definition that uses another twice, and so on, grows with every step".to_owned(),
            ),
            Refused::TooMany => ("definitions use each other too often on this line - ignoring it".to_owned(), String::new()),
        };
        self.tell(Class::Error, place, text, problems, |d| {
            if !hint.is_empty() {
                d.hint(hint);
            }
        });
    }

    /// What can only be said when there is nothing more to read.
    pub(super) fn end(&mut self, problems: &mut Diagnostics) {
        if let Some((collecting, place)) = self.collecting.take() {
            let text = format!("the definition of ${} does not end", collecting.name());
            problems
                .report(Class::Notice, Phase::Reading, Some(self.origin(place)), text)
                .hint("its last line ends in a backslash, so more was to come");
        }
    }
}
