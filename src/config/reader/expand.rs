//! One logical line on its way out: references are replaced by what they stand for, which is read again in its turn, and
//! the line is cut at its braces. By hand and not by the grammar, because a reference may be put together from several
//! pieces: `${P${N}}`.

use super::define::{Definition, Definitions, Reference, is_name};
use super::directive;
use super::physical::is_blank;
use std::path::Path;
use std::rc::Rc;

/// How long one line may become.
pub(super) const LONGEST: usize = 1024 * 1024;
/// How many references one line may hold, those that others bring included.
const MOST: usize = 65_536;
/// How deep definitions may use each other.
pub(super) const DEEPEST: usize = 256;
/// How far back a name that is not complete yet is looked for.
const LONGEST_NAME: usize = 64;
/// The same for what stands between braces.
const LONGEST_REFERENCE: usize = 4096;
/// How many references may stand inside each other's braces.
const NESTED: usize = 64;

/// A stretch of a line that a definition brought in, in bytes left to read: from the first number down to the second.
#[derive(Clone, Debug)]
pub(super) struct Region {
    pub(super) definition: Rc<Definition>,
    from: usize,
    to: usize,
}

impl Region {
    /// A line that lies within a definition as a whole.
    pub(super) fn whole(definition: Rc<Definition>) -> Self {
        Self { definition, from: usize::MAX, to: 0 }
    }

    fn is_whole(&self) -> bool {
        self.from == usize::MAX
    }
}

/// Why a line is given up.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The names from the one that is used again to its second use.
    Cycle(String),
    TooDeep(String),
    TooLong,
    TooMany,
}

/// Something to say about a line that goes on nevertheless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// The text between the braces.
    Undefined(String),
    /// The name of a definition of several lines that is used before the end of a line; and whether in braces.
    NotLast(String, bool),
    Reversed(String),
    Unmatched,
}

/// Where a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    End,
    Open,
    Close,
    /// A definition brought text to the front of the line, which may be a directive now.
    Front,
}

/// The lines after the first of a definition that a line ends with.
#[derive(Debug)]
pub(super) struct Following {
    pub(super) definition: Rc<Definition>,
    pub(super) next: usize,
    /// The definitions all this lies in, itself included.
    pub(super) within: Vec<Rc<Definition>>,
}

/// What an expansion uses and what it leaves.
#[derive(Debug)]
pub(super) struct Scope<'a, 'o> {
    pub(super) definitions: &'a mut Definitions<'o>,
    pub(super) directory: &'a Path,
    pub(super) notes: Vec<Note>,
    /// Outermost first.
    pub(super) following: Vec<Following>,
    /// What the expansion cost so far.
    pub(super) spent: usize,
}

#[derive(Debug)]
pub(super) struct Line {
    /// What is still to be read, its last byte first: text is put in front by appending it.
    rest: Vec<u8>,
    /// Innermost last.
    regions: Vec<Region>,
    replaced: usize,
    /// Braces and directives are text like any other.
    verbatim: bool,
}

/// What stands at a `$`.
enum Dollar {
    /// A reference of so many bytes; the text between its braces, or its name.
    Reference {
        length: usize,
        text: String,
        braced: bool,
    },
    /// `${` and so many more bytes, then another `$`: perhaps a reference when that is replaced.
    Unfinished(usize),
    Text,
}

impl Line {
    pub(super) fn new(text: &str, regions: Vec<Region>) -> Self {
        Self { rest: text.bytes().rev().collect(), regions, replaced: 0, verbatim: false }
    }

    /// What is left, in reading order.
    pub(super) fn text(&self) -> String {
        let bytes: Vec<u8> = self.rest.iter().rev().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(super) fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Passes over all but the last `left` bytes.
    pub(super) fn skip_to(&mut self, left: usize) {
        self.rest.truncate(left);
        self.leave();
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.rest.last().copied().is_some_and(is_blank) {
            self.rest.pop();
        }
        self.leave();
    }

    /// Whether a directive may stand here; cheap, and sure where it says no.
    pub(super) fn may_be_directive(&self) -> bool {
        match self.rest.last() {
            Some(b'@' | b'~') => true,
            Some(b'$') => self.rest.iter().rev().skip(1).find(|&&b| !is_name(b)) == Some(&b'='),
            Some(_) | None => false,
        }
    }

    /// All of `text` with its references replaced and nothing else done to it.
    pub(super) fn verbatim(text: &str, regions: Vec<Region>, scope: &mut Scope<'_, '_>) -> Result<String, Refused> {
        let mut line = Self { verbatim: true, ..Self::new(text, regions) };
        let mut out = Vec::new();
        line.step(&mut out, scope)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    /// Reads up to the next brace or the end of the line into `out`.
    pub(super) fn step(&mut self, out: &mut Vec<u8>, scope: &mut Scope<'_, '_>) -> Result<Stop, Refused> {
        out.clear();
        let mut quoted = false;
        let mut including = self.verbatim;
        // Where in `out` a `${` stands that no `}` has answered.
        let mut unfinished: Vec<usize> = Vec::new();
        loop {
            self.leave();
            let Some(&b) = self.rest.last() else { break };
            match b {
                b'"' => {
                    give_up(out, unfinished.drain(..), quoted || including, scope);
                    quoted = !quoted;
                }
                b'}' if !unfinished.is_empty() => {
                    let from = unfinished.pop();
                    if from.is_some_and(|from| self.rejoin(out, from, scope)) {
                        continue;
                    }
                    give_up(out, from, quoted || including, scope);
                    if !quoted && !including {
                        self.rest.pop();
                        continue;
                    }
                }
                b'{' | b'}' if !quoted && !including => {
                    including = is_include(out);
                    if !including {
                        self.rest.pop();
                        give_up(out, unfinished, false, scope);
                        return Ok(if b == b'{' { Stop::Open } else { Stop::Close });
                    }
                }
                b'#' | b'!' if !quoted && !self.verbatim && self.is_inserted() && is_escaped(out) => {
                    out.pop();
                }
                b'#' | b'!' if !quoted && !self.verbatim && self.is_inserted() => {
                    self.rest.clear();
                    self.step_back(out);
                    continue;
                }
                b'$' => match self.dollar() {
                    Dollar::Text => {}
                    Dollar::Unfinished(_) if unfinished.len() >= NESTED => {}
                    Dollar::Unfinished(length) => {
                        unfinished.push(out.len());
                        self.take(length, out);
                        continue;
                    }
                    Dollar::Reference { length, text, braced } => {
                        // Quotes and includes keep what cannot be replaced as it stands; elsewhere its braces would
                        // cut the line, so they go.
                        let keep = quoted || including || is_include(out);
                        if !self.replace(length, &text, braced, keep, scope, out)? {
                            self.refuse(length, &text, braced && !keep, out);
                        } else if out.iter().copied().all(is_blank) && !self.verbatim {
                            self.skip_blanks();
                            if self.may_be_directive() {
                                return Ok(Stop::Front);
                            }
                        } else {
                            self.step_back(out);
                        }
                        continue;
                    }
                },
                _ => {}
            }
            self.rest.pop();
            out.push(b);
        }
        give_up(out, unfinished, quoted || including, scope);
        if quoted && !self.verbatim {
            scope.notes.push(Note::Unmatched);
        }
        Ok(Stop::End)
    }

    /// Leaves the regions that have been read to their end.
    fn leave(&mut self) {
        while self.regions.last().is_some_and(|region| self.rest.len() <= region.to) {
            self.regions.pop();
        }
    }

    /// Whether what comes next was brought by a reference on this line: only such text is searched for comments again.
    fn is_inserted(&self) -> bool {
        self.regions.last().is_some_and(|region| !region.is_whole() && self.rest.len() <= region.from)
    }

    fn take(&mut self, length: usize, out: &mut Vec<u8>) {
        let left = self.rest.len().saturating_sub(length);
        out.extend(self.rest.drain(left..).rev());
    }

    /// Looks at what begins with the `$` that comes next.
    fn dollar(&self) -> Dollar {
        let ahead = || self.rest.iter().rev().copied().skip(1);
        let collect = |bytes: &mut dyn Iterator<Item = u8>| String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned();
        if ahead().next() == Some(b'{') {
            let inside = || ahead().skip(1);
            let Some(length) = inside().position(|b| matches!(b, b'{' | b'}' | b'"' | b'$')) else { return Dollar::Text };
            return match inside().nth(length) {
                Some(b'}') => Dollar::Reference { length: length + 3, text: collect(&mut inside().take(length)), braced: true },
                Some(b'$') => Dollar::Unfinished(length + 2),
                Some(_) | None => Dollar::Text,
            };
        }
        let length = ahead().take_while(|&b| is_name(b)).count();
        let named = ahead().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        let ended = ahead().nth(length).is_none_or(|b| matches!(b, b' ' | b'\t' | b',' | b')'));
        if named && ended {
            Dollar::Reference { length: length + 1, text: collect(&mut ahead().take(length)), braced: false }
        } else {
            Dollar::Text
        }
    }

    /// Replaces the reference that comes next; false if that cannot be done, of which a note is made where it matters.
    fn replace(
        &mut self,
        length: usize,
        text: &str,
        braced: bool,
        keep: bool,
        scope: &mut Scope<'_, '_>,
        out: &[u8],
    ) -> Result<bool, Refused> {
        let reference = if braced { Reference::braced(text) } else { Some(Reference { name: text, parameters: None }) };
        let Some(meaning) = reference.and_then(|reference| scope.definitions.find(reference, scope.directory)) else {
            if braced && !keep {
                scope.notes.push(Note::Undefined(text.to_owned()));
            }
            return Ok(false);
        };
        if meaning.reversed {
            scope.notes.push(Note::Reversed(text.to_owned()));
        }
        let definition = meaning.definition;
        let left = self.rest.len() - length;
        let last = || self.rest.iter().take(left).copied().all(is_blank);
        if definition.is_multi_line() && (self.verbatim || !last()) {
            if !keep {
                scope.notes.push(Note::NotLast(text.to_owned(), braced));
            }
            return Ok(false);
        }
        self.check(&definition)?;
        self.replaced += 1;
        if self.replaced > MOST {
            return Err(Refused::TooMany);
        }
        let here = self.rest.len();
        self.rest.truncate(left);
        let (first, next) = definition.line(0).unwrap_or_default();
        if out.len() + left + first.len() > LONGEST {
            return Err(Refused::TooLong);
        }
        scope.spent += first.len();
        self.rest.extend(first.bytes().rev());
        if definition.is_multi_line() {
            let within = self.regions.iter().map(|region| &region.definition).chain([&definition]).cloned().collect();
            scope.following.push(Following { definition: Rc::clone(&definition), next, within });
        }
        // What a region's text brings in lies within it, even where that is longer than the reference it replaces.
        let from = self.rest.len();
        for outer in self.regions.iter_mut().filter(|outer| here <= outer.from) {
            outer.from = outer.from.max(from);
        }
        if !first.is_empty() {
            self.regions.push(Region { definition, from, to: left });
        }
        Ok(true)
    }

    /// Refuses a definition that is being read at this very place.
    fn check(&self, definition: &Definition) -> Result<(), Refused> {
        let here = || self.regions.iter().filter(|region| self.rest.len() <= region.from).map(|region| &region.definition);
        let names = |from: usize| here().skip(from).map(|d| format!("${} -> ", d.name)).chain([format!("${}", definition.name)]).collect();
        if let Some(from) = here().position(|open| open.is(definition)) {
            return Err(Refused::Cycle(names(from)));
        }
        let depth = here().count();
        if depth >= DEEPEST { Err(Refused::TooDeep(names(depth.saturating_sub(2)))) } else { Ok(()) }
    }

    /// Passes on a reference that stays; without its braces where those would cut the line.
    fn refuse(&mut self, length: usize, text: &str, bare: bool, out: &mut Vec<u8>) {
        if bare {
            let left = self.rest.len() - length;
            self.rest.truncate(left);
            out.push(b'$');
            out.extend_from_slice(text.as_bytes());
        } else {
            self.take(length, out);
        }
    }

    /// At a `}`: puts what began with an unfinished `${` back, if it is a reference by now.
    fn rejoin(&mut self, out: &mut Vec<u8>, from: usize, scope: &Scope<'_, '_>) -> bool {
        let text = out.get(from + 2..).filter(|text| text.len() <= LONGEST_REFERENCE).unwrap_or_default();
        let text = String::from_utf8_lossy(text);
        // With a `$` left in it, it would only be taken for unfinished again.
        let finished = !text.contains(['$', '{', '"']);
        let known = finished && Reference::braced(&text).is_some_and(|reference| scope.definitions.has(reference));
        let possible = known && self.replaced < MOST;
        if possible {
            self.rest.extend(out.drain(from..).rev());
        }
        possible
    }

    /// After a replacement: puts a `$NAME` back that goes on with what was inserted.
    fn step_back(&mut self, out: &mut Vec<u8>) {
        let name = out.iter().rev().take(LONGEST_NAME).take_while(|&&b| is_name(b)).count();
        let before = out.len() - name;
        if name > 0 && before > 0 && out.get(before - 1) == Some(&b'$') {
            self.rest.extend(out.drain(before - 1..).rev());
        }
    }
}

/// Whether a backslash stands before what comes next.
fn is_escaped(out: &[u8]) -> bool {
    out.iter().rev().take_while(|&&b| b == b'\\').count() % 2 == 1
}

/// Whether this begins a line of which all the rest is a file name.
fn is_include(out: &[u8]) -> bool {
    out.starts_with(b"include") && directive::include(&String::from_utf8_lossy(out)).is_some()
}

/// Takes the opening braces out of what did not become a reference, unless they do no harm. The places must be those of
/// all that is unfinished from some place on.
fn give_up(
    out: &mut Vec<u8>,
    unfinished: impl IntoIterator<Item = usize, IntoIter: DoubleEndedIterator>,
    harmless: bool,
    scope: &mut Scope<'_, '_>,
) {
    for from in unfinished.into_iter().rev() {
        if !harmless && out.get(from + 1) == Some(&b'{') {
            let text = out.get(from + 2..).unwrap_or_default();
            let text = text.get(..LONGEST_NAME).unwrap_or(text);
            scope.notes.push(Note::Undefined(String::from_utf8_lossy(text).into_owned()));
            out.remove(from + 1);
        }
    }
}
