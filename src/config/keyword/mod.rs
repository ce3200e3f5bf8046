//! The vocabulary: one declaration per keyword, from which the parser, the canonical dump, `docs/COMPATIBILITY.md` and the
//! shell completions derive.
//!
//! A [`Vocabulary`] is what one block understands. A [`Keyword`] of it names its syntax, default, range and one line of
//! doc, and carries a pair of functions: `set` reads a statement into the block's draft, `show` writes the draft back.
//! The macros at the end make that pair for the usual kinds of value.

pub mod bfd;
pub mod checker;
pub mod document;
pub mod global;
pub mod lvs;
pub mod manual;
pub mod net;
pub mod root;
pub mod track;
pub mod vrrp;

use super::args::{Args, Manners};
use super::diagnostic::Class;
use super::parser::Parser;
use super::syntax::Statement;
use super::text::Dump;
use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

/// Whether the daemon acts on a keyword yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It does what its doc says.
    Done,
    /// Read and validated; this part of the daemon is still to come.
    Planned,
    /// keepalived accepts it and does nothing with it either, or it is a compile-time matter there.
    Inert,
}

/// What follows a keyword, and how it goes into the draft `T` of its block and back out.
pub enum Body<T: 'static> {
    /// Arguments on the line.
    Line { set: fn(&mut T, &mut Args<'_>), show: fn(&T, &mut Shown<'_>) },
    /// `{ ... }` with one entry per line. `open`, where given, sees the opening statement first.
    List {
        open: Option<fn(&mut T, &mut Args<'_>)>,
        entry: fn(&mut T, &mut Args<'_>),
        show: fn(&T, &mut Shown<'_>),
        /// The options of an entry, if they are a language of their own.
        options: Option<fn() -> &'static dyn Described>,
    },
    /// `{ ... }` with keywords of its own.
    Block { open: fn(&mut T, &mut Parser<'_>, &Statement<'_>), show: fn(&T, &mut Shown<'_>), vocabulary: fn() -> &'static dyn Described },
}

impl<T> Clone for Body<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Body<T> {}

impl<T> fmt::Debug for Body<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line { .. } => "Line",
            Self::List { .. } => "List",
            Self::Block { .. } => "Block",
        })
    }
}

/// One keyword of a block whose draft is a `T`.
#[derive(Debug)]
pub struct Keyword<T: 'static> {
    pub name: &'static str,
    /// Other spellings that keepalived takes without a word.
    pub aliases: &'static [&'static str],
    /// Old spellings, with what to write instead. The class tells whether keepalived counts it as an error.
    pub deprecated: &'static [(&'static str, Class)],
    pub syntax: &'static str,
    pub default: &'static str,
    pub range: &'static str,
    pub doc: &'static str,
    pub effect: Effect,
    /// The languages of its arguments, where a part of the line has options of its own.
    pub options: &'static [fn() -> &'static dyn Described],
    pub manners: Manners,
    pub body: Body<T>,
}

/// A body with its syntax and range, as the macros below make it; [`key`] adds the words.
#[derive(Debug)]
pub struct Kind<T: 'static> {
    pub syntax: &'static str,
    pub range: &'static str,
    pub body: Body<T>,
}

/// Declares a keyword. Where a builder method follows, write `key::<Draft>(...)`: the method call hides from the compiler
/// what the table is a table of.
#[expect(clippy::needless_pass_by_value, reason = "a row is made of its kind; behind a reference the macros could not be used in a table")]
pub const fn key<T>(name: &'static str, kind: Kind<T>, default: &'static str, doc: &'static str) -> Keyword<T> {
    let Kind { syntax, range, body } = kind;
    let (effect, manners) = (Effect::Planned, Manners::USUAL);
    Keyword { name, aliases: &[], deprecated: &[], syntax, default, range, doc, effect, options: &[], manners, body }
}

/// Declares a keyword that the daemon acts on.
pub const fn live<T>(name: &'static str, kind: Kind<T>, default: &'static str, doc: &'static str) -> Keyword<T> {
    key(name, kind, default, doc).effect(Effect::Done)
}

impl<T> Keyword<T> {
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub const fn deprecated(mut self, spellings: &'static [(&'static str, Class)]) -> Self {
        self.deprecated = spellings;
        self
    }

    pub const fn syntax(mut self, syntax: &'static str) -> Self {
        self.syntax = syntax;
        self
    }

    pub const fn range(mut self, range: &'static str) -> Self {
        self.range = range;
        self
    }

    pub const fn options(mut self, languages: &'static [fn() -> &'static dyn Described]) -> Self {
        self.options = languages;
        self
    }

    pub const fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// Junk after the digits is refused at run time too.
    pub const fn strict(mut self) -> Self {
        self.manners.strict = true;
        self
    }

    /// A missing argument is an error like any other, not the end of the run.
    pub const fn may_lack(mut self) -> Self {
        self.manners.missing = Class::Error;
        self
    }

    fn spellings(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied()).chain(self.deprecated.iter().map(|&(name, _)| name))
    }
}

/// What one block understands.
#[derive(Debug)]
pub struct Vocabulary<T: 'static> {
    /// The block's name, as messages and the documentation call it.
    pub name: &'static str,
    pub keywords: &'static [Keyword<T>],
    index: OnceLock<HashMap<&'static str, &'static Keyword<T>>>,
}

impl<T> Vocabulary<T> {
    pub const fn new(name: &'static str, keywords: &'static [Keyword<T>]) -> Self {
        Self { name, keywords, index: OnceLock::new() }
    }

    /// The keyword of this exact spelling: keywords are case-sensitive and never abbreviated.
    pub fn find(&'static self, word: &str) -> Option<&'static Keyword<T>> {
        let index = self.index.get_or_init(|| {
            let mut index = HashMap::new();
            for keyword in self.keywords {
                for name in keyword.spellings() {
                    index.entry(name).or_insert(keyword);
                }
            }
            index
        });
        index.get(word).copied()
    }

    /// The keyword a typo may have meant.
    pub fn nearest(&self, word: &str) -> Option<&'static str> {
        self.keywords
            .iter()
            .flat_map(Keyword::spellings)
            // A difference in length is made of edits; to count them all for each unknown word takes long.
            .filter(|name| name.len().abs_diff(word.len()) <= 1 + name.len().min(word.len()) / 4)
            .map(|name| (distance(word, name), name))
            .filter(|&(far, name)| far <= 1 + name.len().min(word.len()) / 4)
            .min()
            .map(|(_, name)| name)
    }
}

/// No keyword is longer.
const LONGEST: usize = 64;

/// Edits between two words, letter case apart, a swap of neighbours counting once.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() > LONGEST || b.len() > LONGEST {
        return usize::MAX;
    }
    let same = |i: usize, j: usize| a[i].eq_ignore_ascii_case(&b[j]);
    // The row in the making, and the two before it.
    let mut rows = [[0; LONGEST + 1]; 3];
    rows[0] = std::array::from_fn(|j| j);
    for i in 1..=a.len() {
        let (this, above, before) = (i % 3, (i + 2) % 3, (i + 1) % 3);
        rows[this][0] = i;
        for j in 1..=b.len() {
            let keep = rows[above][j - 1] + usize::from(!same(i - 1, j - 1));
            let mut best = keep.min(rows[above][j] + 1).min(rows[this][j - 1] + 1);
            if i > 1 && j > 1 && same(i - 1, j - 2) && same(i - 2, j - 1) {
                best = best.min(rows[before][j - 2] + 1);
            }
            rows[this][j] = best;
        }
    }
    rows[a.len() % 3][b.len()]
}

/// The name in the opening line of a named block. Without one the block is reported and passed over.
fn block_opening<'a>(parser: &mut Parser<'_>, statement: &Statement<'a>, what: &str) -> Option<&'a str> {
    let mut words = statement.words();
    let keyword = words.next().unwrap_or_default();
    let name = words.next();
    if name.is_none() {
        parser.error(statement.at, format!("{what} must have a name")).word(keyword).hint(format!("{keyword} NAME {{"));
        parser.skip();
    }
    name
}

/// One keyword without its type, for documentation and completions.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub deprecated: &'static [(&'static str, Class)],
    pub syntax: &'static str,
    pub default: &'static str,
    pub range: &'static str,
    pub doc: &'static str,
    pub effect: Effect,
    /// What may stand inside, for blocks, lists and lines with a language of their own.
    pub inside: Vec<fn() -> &'static dyn Described>,
}

/// A vocabulary without its type.
pub trait Described: Sync {
    fn name(&self) -> &'static str;
    fn entries(&self) -> Vec<Entry>;
}

impl<T> Described for Vocabulary<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn entries(&self) -> Vec<Entry> {
        self.keywords
            .iter()
            .map(|k| Entry {
                name: k.name,
                aliases: k.aliases,
                deprecated: k.deprecated,
                syntax: k.syntax,
                default: k.default,
                range: k.range,
                doc: k.doc,
                effect: k.effect,
                inside: match k.body {
                    Body::Line { .. } => k.options.to_vec(),
                    Body::List { options, .. } => options.into_iter().collect(),
                    Body::Block { vocabulary, .. } => vec![vocabulary],
                },
            })
            .collect()
    }
}

/// Where `show` writes: a keyword's name with the dump it goes into.
#[derive(Debug)]
pub struct Shown<'a> {
    pub name: &'static str,
    pub dump: &'a mut Dump,
}

impl Shown<'_> {
    /// `NAME TEXT`, where `text` is already in the form of the language.
    pub fn text(&mut self, text: &str) {
        let line = if text.is_empty() { self.name.to_owned() } else { format!("{} {text}", self.name) };
        self.dump.line(&line);
    }

    /// The keyword alone, when the flag is set.
    pub fn flag(&mut self, set: bool) {
        if set {
            self.text("");
        }
    }

    /// The keyword with a value, unless the value is absent.
    pub fn value(&mut self, value: &impl Show) {
        if let Some(text) = value.shown() {
            self.text(&text);
        }
    }

    /// `NAME { ... }` with one entry per line; nothing when there is none.
    pub fn list(&mut self, entries: impl IntoIterator<Item = String>) {
        let mut entries = entries.into_iter().peekable();
        if entries.peek().is_some() {
            self.dump.open(self.name);
            for entry in entries {
                self.dump.line(&entry);
            }
            self.dump.close();
        }
    }

    /// `NAME HEADER { ... }` with the keywords of `vocabulary`.
    pub fn block<T>(&mut self, header: &str, vocabulary: &'static Vocabulary<T>, draft: &T) {
        let opening = if header.is_empty() { self.name.to_owned() } else { format!("{} {header}", self.name) };
        self.dump.open(&opening);
        vocabulary.show(draft, self.dump);
        self.dump.close();
    }
}

impl<T> Vocabulary<T> {
    /// Writes every keyword of a draft, in the order of the table.
    pub fn show(&'static self, draft: &T, dump: &mut Dump) {
        for keyword in self.keywords {
            let shown = &mut Shown { name: keyword.name, dump };
            match keyword.body {
                Body::Line { show, .. } | Body::List { show, .. } | Body::Block { show, .. } => show(draft, shown),
            }
        }
    }
}

/// A value in the form the language reads. `None` where there is nothing to write.
pub trait Show {
    fn shown(&self) -> Option<String>;
}

impl<T: Show> Show for Option<T> {
    fn shown(&self) -> Option<String> {
        self.as_ref().and_then(Show::shown)
    }
}

impl Show for bool {
    fn shown(&self) -> Option<String> {
        Some(if *self { "true" } else { "false" }.to_owned())
    }
}

impl Show for std::time::Duration {
    fn shown(&self) -> Option<String> {
        Some(super::args::micros_text(u64::try_from(self.as_micros()).unwrap_or(u64::MAX), 1_000_000))
    }
}

impl Show for Box<str> {
    fn shown(&self) -> Option<String> {
        Some(super::text::word(self))
    }
}

impl Show for std::path::PathBuf {
    fn shown(&self) -> Option<String> {
        Some(super::text::word(&self.to_string_lossy()))
    }
}

macro_rules! show_as_displayed {
    ($($t:ty),*) => { $(impl Show for $t { fn shown(&self) -> Option<String> { Some(self.to_string()) } })* };
}
show_as_displayed!(u8, u16, u32, u64, i8, i16, i32, i64, std::net::IpAddr, std::net::Ipv4Addr, std::net::Ipv6Addr);

/// A flag: the bare keyword sets it, arguments are ignored.
macro_rules! flag {
    ($field:ident $(. $inner:ident)*) => {
        $crate::config::keyword::Kind {
            syntax: "",
            range: "",
            body: $crate::config::keyword::Body::Line {
                set: |t, _| t.$field$(.$inner)* = true,
                show: |t, s| s.flag(t.$field$(.$inner)*),
            },
        }
    };
}

/// A boolean: `on true yes`, `off false no`; the bare keyword is true. The field is a `bool` or an `Option<bool>`.
macro_rules! boolean {
    ($field:ident $(. $inner:ident)*) => {
        $crate::config::keyword::Kind {
            syntax: "[BOOL]",
            range: "on true yes off false no",
            body: $crate::config::keyword::Body::Line {
                set: |t, a| {
                    if let Some(value) = a.boolean() {
                        t.$field$(.$inner)* = value.into();
                    }
                },
                show: |t, s| s.value(&t.$field$(.$inner)*),
            },
        }
    };
}

/// A whole number within bounds. The field is any integer, or an `Option` of one: the type is written out.
macro_rules! number {
    ($field:ident $(. $inner:ident)* : $type:ty, $min:literal, $max:literal) => {
        $crate::config::keyword::Kind {
            syntax: "N",
            range: concat!(stringify!($min), "..", stringify!($max)),
            body: $crate::config::keyword::Body::Line {
                set: |t, a| {
                    if let Some(value) = a.number::<$type>($min, $max) {
                        t.$field$(.$inner)* = value.into();
                    }
                },
                show: |t, s| s.value(&t.$field$(.$inner)*),
            },
        }
    };
}

/// Whole seconds within bounds, held as a `Duration` or an `Option` of one.
macro_rules! whole_seconds {
    ($field:ident $(. $inner:ident)*, $min:literal, $max:literal) => {
        $crate::config::keyword::Kind {
            syntax: "SECONDS",
            range: concat!(stringify!($min), "..", stringify!($max)),
            body: $crate::config::keyword::Body::Line {
                set: |t, a| {
                    if let Some(value) = a.number::<u64>($min, $max) {
                        t.$field$(.$inner)* = std::time::Duration::from_secs(value).into();
                    }
                },
                show: |t, s| s.value(&t.$field$(.$inner)*),
            },
        }
    };
}

/// Decimal seconds, bounds in microseconds, held as a `Duration` or an `Option` of one.
macro_rules! seconds {
    ($field:ident $(. $inner:ident)*, $min:literal, $max:literal, $range:literal) => {
        $crate::config::keyword::Kind {
            syntax: "SECONDS[.FRACTION]",
            range: $range,
            body: $crate::config::keyword::Body::Line {
                set: |t, a| {
                    if let Some(value) = a.seconds($min, $max) {
                        t.$field$(.$inner)* = value.into();
                    }
                },
                show: |t, s| s.value(&t.$field$(.$inner)*),
            },
        }
    };
}

/// One word, held as an `Option<Box<str>>`; the last one given wins.
macro_rules! word {
    ($field:ident $(. $inner:ident)*, $syntax:literal) => {
        $crate::config::keyword::Kind {
            syntax: $syntax,
            range: "",
            body: $crate::config::keyword::Body::Line {
                set: |t, a| {
                    if let Some(value) = a.need() {
                        t.$field$(.$inner)* = Some(value.into());
                    }
                },
                show: |t, s| s.value(&t.$field$(.$inner)*),
            },
        }
    };
}

/// Arguments with a reader and a writer of their own.
macro_rules! line {
    ($syntax:literal, $range:literal, $set:expr, $show:expr) => {
        $crate::config::keyword::Kind {
            syntax: $syntax,
            range: $range,
            body: $crate::config::keyword::Body::Line { set: $set, show: $show },
        }
    };
}

/// A block with keywords of its own.
macro_rules! block {
    ($syntax:literal, $vocabulary:path, $open:expr, $show:expr) => {
        $crate::config::keyword::Kind {
            syntax: $syntax,
            range: "",
            body: $crate::config::keyword::Body::Block { open: $open, show: $show, vocabulary: || &$vocabulary },
        }
    };
}

pub(crate) use {block, boolean, flag, line, number, seconds, whole_seconds, word};
