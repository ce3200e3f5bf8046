//! Files to clean logical lines: comments, `@id` conditions, `$NAME` definitions, `~SEQ` and `~LST`, includes, and braces
//! put where the grammar wants them.
//!
//! Lines are made as they are asked for. What is yet to be read is a stack: files, the rest of a definition of several
//! lines, a sequence in the middle of its values, files waiting for their turn. Whatever a line brings in goes on top and
//! is read before the line behind it. So memory follows the depth of all this, never its length.
//!
//! Nothing here is unbounded: lines, nesting, what definitions expand to and how often sequences run have limits far above
//! any use, each with its message.

mod define;
mod directive;
mod expand;
mod glob;
mod include;
mod physical;
mod report;
mod sequence;
#[cfg(test)]
mod tests;

pub use include::Checks;

use super::Options;
use super::diagnostic::{Class, Diagnostics, Origin};
use super::parser::Lines;
use super::source::{Files, Sources};
use super::syntax::{Chunk, Words};
use define::{Collecting, Definition, Definitions};
use directive::Kind;
use expand::{Following, Line, Region, Scope, Stop};
use include::Waiting;
use physical::class;
use report::excerpt;
use sequence::Values;
use std::borrow::Cow;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// keepalived takes no line of more than 1023 bytes; nor do we take just anything for a configuration.
const LONGEST_LINE: usize = 64 * 1024;
/// How deep what is read may be nested, files and all.
const DEEPEST: usize = 512;
/// How many results the sequences of a configuration may have together.
const MOST_RESULTS: u64 = 1_000_000;
/// How much text definitions and sequences may make, each line counting at least as much as `LINE_COST`.
const MOST_TEXT: usize = 256 * 1024 * 1024;
const LINE_COST: usize = 64;

/// A physical line: of a file, or the one that what is being read comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Place {
    file: u32,
    line: u32,
}

/// A file that is being read.
#[derive(Debug)]
struct Opened {
    file: u32,
    bytes: Arc<Vec<u8>>,
    /// Where the next line begins.
    next: usize,
    /// The number of the last line read.
    line: u32,
    path: PathBuf,
    directory: PathBuf,
    /// The checks in force around the file.
    outside: Checks,
}

/// Something that has more lines to give.
#[derive(Debug)]
enum Frame {
    File(Opened),
    /// Files to be opened one after the other.
    Waiting(Waiting),
    /// The rest of a definition of several lines.
    Body {
        following: Following,
        place: Place,
    },
    Sequence(Sequence),
}

impl Frame {
    fn file(&self) -> Option<&Opened> {
        match self {
            Self::File(opened) => Some(opened),
            Self::Waiting(_) | Self::Body { .. } | Self::Sequence(_) => None,
        }
    }
}

/// A line that is read once for each of its values.
#[derive(Debug)]
struct Sequence {
    names: Vec<String>,
    values: Values,
    /// The line is what `text` holds from `from` on: sequences inside each other share one text.
    text: Rc<str>,
    from: usize,
    regions: Vec<Region>,
    place: Place,
}

/// A logical line before anything was done to it.
struct Raw<'t> {
    text: &'t str,
    /// What `text` is the end of, where it is shared.
    shared: Option<&'t Rc<str>>,
    regions: Vec<Region>,
    place: Place,
}

pub struct Reader<'a> {
    files: &'a dyn Files,
    options: &'a Options,
    sources: Sources,
    started: bool,
    stack: Vec<Frame>,
    definitions: Definitions<'a>,
    /// A definition whose lines are being collected.
    collecting: Option<(Collecting, Place)>,
    checks: Checks,
    /// Open braces at this point.
    depth: u32,
    order: u32,
    bytes_read: usize,
    results: u64,
    text_made: usize,
    told_depth: bool,
    told_size: bool,
    told_results: bool,
    /// Too much was made of too little: nothing more is read.
    given_up: bool,
    /// The last definition that was found to have a comment line in it.
    commented: Option<Place>,
    /// The last line whose quotes do not come in pairs.
    unterminated: Option<Place>,
    /// What was said of a line that is read many times.
    told: HashSet<(Place, String)>,
    /// The piece of a line being made.
    piece: Vec<u8>,
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("stack", &self.stack.len()).field("order", &self.order).finish_non_exhaustive()
    }
}

impl Lines for Reader<'_> {
    fn fill(&mut self, chunk: &mut Chunk, problems: &mut Diagnostics) -> bool {
        if !std::mem::replace(&mut self.started, true) {
            self.open_main(problems);
        }
        while !chunk.is_full() {
            if self.given_up {
                self.stack.clear();
            }
            match self.stack.last_mut() {
                None => {
                    self.end(problems);
                    return false;
                }
                Some(Frame::File(_)) => self.read_file(chunk, problems),
                Some(Frame::Waiting(_)) => {
                    if !self.open_next(problems) {
                        self.stack.pop();
                    }
                }
                Some(Frame::Body { following, place }) => {
                    let place = *place;
                    let definition = Rc::clone(&following.definition);
                    match definition.line(following.next) {
                        Some((text, next)) => {
                            following.next = next;
                            // What a line costs grows with the definitions it lies in.
                            let cost = text.len() + LINE_COST * (1 + following.within.len());
                            let regions = following.within.iter().cloned().map(Region::whole).collect();
                            self.made(cost, place, problems);
                            self.line(Raw { text, shared: None, regions, place }, chunk, problems);
                        }
                        None => {
                            self.stack.pop();
                        }
                    }
                }
                Some(Frame::Sequence(sequence)) => match sequence.values.advance() {
                    Some(row) => {
                        let text = Rc::clone(&sequence.text);
                        let (from, place, regions) = (sequence.from, sequence.place, sequence.regions.clone());
                        let mut values = row.into_iter();
                        for name in &sequence.names {
                            self.definitions.define(Definition::new(name, &values.next().unwrap_or_default()));
                        }
                        let line = text.get(from..).unwrap_or_default();
                        self.made(line.len(), place, problems);
                        self.line(Raw { text: line, shared: Some(&text), regions, place }, chunk, problems);
                    }
                    None => {
                        self.stack.pop();
                    }
                },
            }
        }
        true
    }
}

/// A line that is neither a directive nor in need of any change: it and its classes.
fn is_plain(line: &[u8], classes: u8) -> bool {
    let Some((&first, &last)) = line.first().zip(line.last()) else { return false };
    // `include` and `include_check`.
    if matches!(first, b'@' | b'~') || (first == b'i' && line.starts_with(b"include")) {
        return false;
    }
    match classes {
        0 => true,
        class::BRACE if line.len() == 1 => true,
        class::BRACE => last == b'{' && !line[..line.len() - 1].iter().any(|b| matches!(b, b'{' | b'}')),
        _ => false,
    }
}

impl<'a> Reader<'a> {
    pub fn new(files: &'a dyn Files, options: &'a Options) -> Self {
        Self {
            files,
            options,
            sources: Sources::default(),
            started: false,
            stack: Vec::new(),
            definitions: Definitions::new(options),
            collecting: None,
            checks: options.include_check,
            depth: 0,
            order: 0,
            bytes_read: 0,
            results: 0,
            text_made: 0,
            told_depth: false,
            told_size: false,
            told_results: false,
            given_up: false,
            commented: None,
            unterminated: None,
            told: HashSet::new(),
            piece: Vec::new(),
        }
    }

    pub fn into_sources(self) -> Sources {
        self.sources
    }

    fn origin(&self, place: Place) -> Origin {
        Origin { order: self.order, file: place.file, line: place.line }
    }

    /// The directory of the file that is being read.
    fn directory(&self) -> &Path {
        self.stack.iter().rev().find_map(Frame::file).map_or(&self.options.directory, |opened| &opened.directory)
    }

    /// Reads the file on top of the stack until it ends, the chunk is full, or a line puts something else on top.
    fn read_file(&mut self, chunk: &mut Chunk, problems: &mut Diagnostics) {
        let depth = self.stack.len();
        let Some(Frame::File(opened)) = self.stack.last() else { return };
        let bytes = Arc::clone(&opened.bytes);
        let (mut next, mut line, file) = (opened.next, opened.line, opened.file);
        while !chunk.is_full() {
            let Some((raw, classes, behind)) = physical::cut(&bytes, next) else {
                if let Some(Frame::File(opened)) = self.stack.pop() {
                    self.checks = opened.outside;
                }
                return;
            };
            next = behind;
            line = line.saturating_add(1);
            let place = Place { file, line };
            let text = physical::trim(raw);
            if self.collecting.is_none()
                && raw.len() <= LONGEST_LINE
                && is_plain(text, classes)
                && let Ok(text) = std::str::from_utf8(text)
            {
                self.push(text, text.as_bytes().last().copied(), place, chunk);
                continue;
            }
            if let Some(Frame::File(opened)) = self.stack.last_mut() {
                (opened.next, opened.line) = (next, line);
            }
            self.physical(raw, text, classes, place, chunk, problems);
            if self.stack.len() != depth {
                return;
            }
        }
        if let Some(Frame::File(opened)) = self.stack.last_mut() {
            (opened.next, opened.line) = (next, line);
        }
    }

    /// A line of a file that is not plain, or that belongs to a definition.
    fn physical(&mut self, raw: &[u8], text: &[u8], classes: u8, place: Place, chunk: &mut Chunk, problems: &mut Diagnostics) {
        if text.is_empty() {
            // What went before may end in a backslash: an empty line ends the definition all the same.
            self.end_definition();
            return;
        }
        let at = self.origin(place);
        if raw.len() > LONGEST_LINE {
            problems.error(at, "line too long - ignoring").hint(format!("a line may have {LONGEST_LINE} bytes"));
            return;
        }
        if classes & class::NUL != 0 {
            problems.error(at, "configuration appears to have embedded NULs").hint("the line is ignored; is this a text file?");
            return;
        }
        let clean = if classes & (class::COMMENT | class::QUOTE | class::BACKSLASH) == 0 {
            physical::Clean { text: Cow::Borrowed(text), unterminated: false }
        } else {
            physical::decomment(text)
        };
        let hidden = text.ends_with(b"\\") && !clean.text.ends_with(b"\\");
        // Of a comment line all that counts is whether its end asks for more.
        let continued = text.ends_with(b"\\");
        let text = String::from_utf8_lossy(&clean.text);
        if hidden && !text.is_empty() && (self.collecting.is_some() || directive::definition(&text).is_some()) {
            self.tell(Class::Notice, place, "the backslash is part of the comment: the definition ends here", problems, |d| {
                d.hint("put it before the comment");
            });
        }
        if clean.unterminated {
            self.unterminated = Some(place);
            let shown = format!("Unterminated quote '{}'", excerpt(&text));
            self.tell(Class::Error, place, shown, problems, |d| {
                d.word("\"").hint("a quoted word ends on its own line");
            });
        }
        if text.is_empty() {
            self.comment_line(continued, place, problems);
            return;
        }
        if let Some((mut collecting, from)) = self.collecting.take() {
            if collecting.add(&text) {
                self.collecting = Some((collecting, from));
            } else {
                self.definitions.define(collecting.finish());
            }
            return;
        }
        self.line(Raw { text: &text, shared: None, regions: Vec::new(), place }, chunk, problems);
    }

    fn end_definition(&mut self) {
        if let Some((collecting, _)) = self.collecting.take() {
            self.definitions.define(collecting.finish());
        }
    }

    /// A comment line within a definition of several lines ends it, unless it ends in a backslash. keepalived 2.2.7 went on
    /// then, and so do we; 2.4.3 ends the definition and reads what is left of it as ordinary lines.
    fn comment_line(&mut self, continued: bool, place: Place, problems: &mut Diagnostics) {
        let Some(&(_, begun)) = self.collecting.as_ref() else { return };
        if !continued {
            return self.end_definition();
        }
        // Once a definition: behind the first such line keepalived is out of it.
        if self.commented.replace(begun) == Some(begun) {
            return;
        }
        self.tell(Class::Error, place, "Comment line within a definition of several lines", problems, |d| {
            d.hint("keepalived 2.4 ends the definition here; standfast goes on with it");
        });
    }

    /// Reads one logical line to its end, braces and all.
    fn line(&mut self, raw: Raw<'_>, chunk: &mut Chunk, problems: &mut Diagnostics) {
        let Raw { text, shared, regions, place } = raw;
        let Some(text) = self.obey(text, shared, &regions, place, problems) else { return };
        if is_plain(text.as_bytes(), physical::classes(text.as_bytes()) & !class::BACKSLASH & !class::COMMENT) {
            self.push(text, text.as_bytes().last().copied(), place, chunk);
            return;
        }
        let mut line = Line::new(text, regions);
        let mut piece = std::mem::take(&mut self.piece);
        loop {
            let stop = self.step(&mut line, &mut piece, place, problems);
            match stop {
                None => break,
                Some(Stop::Front) => {}
                Some(stop @ (Stop::End | Stop::Open | Stop::Close)) => {
                    self.emit(&piece, stop, place, chunk, problems);
                    if stop == Stop::End {
                        break;
                    }
                    line.skip_blanks();
                }
            }
            if line.may_be_directive() {
                let text = line.text();
                match self.obey(&text, None, line.regions(), place, problems) {
                    Some(rest) => line.skip_to(rest.len()),
                    None => break,
                }
            }
        }
        self.piece = piece;
    }

    /// Does what a line says to the reader itself: nothing is left of it then. Otherwise what is left is a statement.
    fn obey<'t>(
        &mut self,
        text: &'t str,
        shared: Option<&Rc<str>>,
        regions: &[Region],
        place: Place,
        problems: &mut Diagnostics,
    ) -> Option<&'t str> {
        let mut text = text;
        if text.starts_with('@') {
            let condition = directive::condition(text)?;
            let holds = condition.id == "standfast" || condition.id == self.options.config_id;
            if holds == condition.except {
                return None;
            }
            text = condition.rest;
        }
        if text.starts_with('$')
            && let Some((name, value)) = directive::definition(text)
        {
            // Only a file has lines behind this one to go on with.
            let in_file = self.stack.last().is_some_and(|top| top.file().is_some());
            if in_file && value.ends_with('\\') {
                self.collecting = Some((Collecting::new(name, value), place));
            } else {
                self.definitions.define(Collecting::new(name, value).finish());
            }
            return None;
        }
        if text.starts_with('~')
            && let Some(kind) = directive::repetition_kind(text)
        {
            self.repeat(kind, text, shared, regions, place, problems);
            return None;
        }
        Some(text)
    }

    /// Begins a `~SEQ` or `~LST`.
    fn repeat(&mut self, kind: Kind, text: &str, shared: Option<&Rc<str>>, regions: &[Region], place: Place, problems: &mut Diagnostics) {
        let Some(head) = directive::repetition(text) else {
            let name = kind.name();
            self.tell(Class::Error, place, format!("Invalid {name} specification '{}'", excerpt(text)), problems, |d| {
                d.hint("there is no closing parenthesis");
            });
            return;
        };
        let Some(parameters) = self.expanded(head.parameters, regions, place, problems) else { return };
        let read = match kind {
            Kind::Range { hexadecimal } => directive::bounds(&parameters, hexadecimal).map(|(name, values)| (vec![name], values)),
            Kind::List => directive::values(&parameters),
        };
        let (names, values) = match read {
            Ok(read) => read,
            Err(fault) => {
                self.tell(Class::Error, place, format!("{} '{}'", fault.text, excerpt(text)), problems, |d| {
                    d.hint(fault.hint);
                });
                return;
            }
        };
        let results = self.results.saturating_add(values.count());
        if results > MOST_RESULTS {
            if !std::mem::replace(&mut self.told_results, true) {
                let at = self.origin(place);
                problems
                    .error(at, format!("{} goes too far '{}'", kind.name(), excerpt(text)))
                    .hint(format!("the sequences of a configuration may have {MOST_RESULTS} results together; this one is ignored"));
            }
            return;
        }
        self.results = results;
        let text = shared.map_or_else(|| Rc::from(head.rest), Rc::clone);
        let from = text.len().saturating_sub(head.rest.len());
        let sequence = Sequence { names, values, text, from, regions: regions.to_vec(), place };
        self.descend(Frame::Sequence(sequence), place, problems);
    }

    /// Text with its references replaced.
    fn expanded(&mut self, text: &str, regions: &[Region], place: Place, problems: &mut Diagnostics) -> Option<String> {
        if !text.contains('$') {
            return Some(text.to_owned());
        }
        let directory = self.directory().to_owned();
        // What is around the line is around its parameters, however far those are from its end.
        let around = regions.iter().map(|region| Region::whole(Rc::clone(&region.definition))).collect();
        let mut scope =
            Scope { definitions: &mut self.definitions, directory: &directory, notes: Vec::new(), following: Vec::new(), spent: 0 };
        let result = Line::verbatim(text, around, &mut scope);
        let (notes, spent) = (scope.notes, scope.spent);
        self.made(spent, place, problems);
        self.note(notes, text, place, problems);
        result.map_err(|refused| self.refused(refused, place, problems)).ok()
    }

    /// One step of a line; nothing if the line is given up.
    fn step(&mut self, line: &mut Line, piece: &mut Vec<u8>, place: Place, problems: &mut Diagnostics) -> Option<Stop> {
        let directory = self.directory().to_owned();
        let mut scope =
            Scope { definitions: &mut self.definitions, directory: &directory, notes: Vec::new(), following: Vec::new(), spent: 0 };
        let result = line.step(piece, &mut scope);
        let Scope { notes, following, spent, .. } = scope;
        if spent > 0 {
            self.made(spent, place, problems);
        }
        for following in following {
            self.descend(Frame::Body { following, place }, place, problems);
        }
        if !notes.is_empty() {
            self.note(notes, &String::from_utf8_lossy(piece), place, problems);
        }
        result.map_err(|refused| self.refused(refused, place, problems)).ok()
    }

    /// Passes a finished piece on, or obeys it if it is an include.
    fn emit(&mut self, piece: &[u8], stop: Stop, place: Place, chunk: &mut Chunk, problems: &mut Diagnostics) {
        let text = String::from_utf8_lossy(piece);
        let text = physical::trimmed(&text);
        match stop {
            Stop::End | Stop::Front => {
                if let Some((letter, pattern)) = directive::include(text) {
                    self.include(letter, pattern, place, problems);
                } else if !text.is_empty() {
                    self.push(text, None, place, chunk);
                }
            }
            Stop::Open if text.is_empty() => self.push("{", Some(b'{'), place, chunk),
            Stop::Open => self.push(&format!("{text} {{"), Some(b'{'), place, chunk),
            Stop::Close => {
                if !text.is_empty() {
                    self.push(text, None, place, chunk);
                }
                self.push("}", Some(b'}'), place, chunk);
            }
        }
    }

    /// Hands a clean line over. `last` is its last byte where that may be a brace outside quotes.
    fn push(&mut self, text: &str, last: Option<u8>, place: Place, chunk: &mut Chunk) {
        chunk.push(text, self.origin(place));
        self.order = self.order.saturating_add(1);
        match last {
            Some(b'{') => self.depth = self.depth.saturating_add(1),
            Some(b'}') => self.depth = self.depth.saturating_sub(1),
            Some(_) | None => {
                // It acts on what is read after it, so it cannot wait for the parser.
                if self.depth == 1 && text.starts_with("include_check") {
                    let mut words = Words::new(text);
                    if words.next() == Some("include_check") {
                        self.checks = self.checks.stated(words);
                    }
                }
            }
        }
    }

    fn descend(&mut self, frame: Frame, place: Place, problems: &mut Diagnostics) {
        if self.stack.len() < DEEPEST {
            self.stack.push(frame);
        } else if !self.given_up {
            self.tell(Class::Error, place, "definitions and sequences are nested too deeply", problems, |_| {});
        }
    }

    /// Counts what was made of other text; too much of it ends the reading.
    fn made(&mut self, bytes: usize, place: Place, problems: &mut Diagnostics) {
        self.text_made = self.text_made.saturating_add(bytes.max(LINE_COST));
        if self.text_made > MOST_TEXT && !std::mem::replace(&mut self.given_up, true) {
            let at = self.origin(place);
            problems
                .error(at, format!("definitions and sequences make more than {} MiB of text - giving up here", MOST_TEXT >> 20))
                .hint("the rest of the configuration is not read");
        }
    }
}
