//! `$NAME=` definitions, and those that are always there.

use crate::config::Options;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

/// A named text. It is kept as written and expanded where it is used.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: Box<str>,
    /// One line or several; none of them empty, except that a definition may be.
    pub(super) body: Box<str>,
    builtin: bool,
}

impl Definition {
    pub(super) fn new(name: &str, body: &str) -> Self {
        Self { name: name.into(), body: body.into(), builtin: false }
    }

    fn builtin(name: String, body: &str) -> Rc<Self> {
        // A path or a variable may hold anything; a logical line is one line.
        let body = body.replace(['\n', '\0'], " ");
        Rc::new(Self { name: name.into(), body: body.into(), builtin: true })
    }

    /// A definition made anew under the same name is another one: `$A` inside `$A` is a cycle only if it means itself.
    pub(super) fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || (self.builtin && other.builtin && self.name == other.name)
    }

    pub(super) fn is_multi_line(&self) -> bool {
        self.body.contains('\n')
    }

    /// The line at an offset, and the offset of the next one.
    pub(super) fn line(&self, from: usize) -> Option<(&str, usize)> {
        let rest = self.body.get(from..).filter(|rest| !rest.is_empty())?;
        let line = rest.split('\n').next()?;
        Some((line, from + line.len() + 1))
    }
}

/// A sequence of numbers that its seed determines.
#[derive(Debug)]
struct Random(u64);

impl Random {
    /// splitmix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn within(&mut self, min: u64, max: u64) -> u64 {
        match (max - min).checked_add(1) {
            Some(span) => min + self.next() % span,
            None => self.next(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Definitions<'a> {
    options: &'a Options,
    map: HashMap<Box<str>, Rc<Definition>>,
    random: Random,
}

/// `$NAME`, `${NAME}` or `${NAME parameters}`, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    pub(super) name: &'a str,
    pub(super) parameters: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// From what stands between the braces.
    pub(super) fn braced(text: &'a str) -> Option<Self> {
        let end = text.bytes().position(|b| !is_name(b)).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let parameters = rest.trim_matches(super::physical::blank);
        // `${NAME }` is no reference: only parameters may follow a blank.
        let well_formed = rest.is_empty() || (rest.starts_with(super::physical::blank) && !parameters.is_empty());
        (is_named(name) && well_formed).then_some(Self { name, parameters: (!rest.is_empty()).then_some(parameters) })
    }
}

pub(super) fn is_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

fn is_named(name: &str) -> bool {
    name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
}

/// What a reference stands for.
#[derive(Debug)]
pub(super) struct Meaning {
    pub(super) definition: Rc<Definition>,
    /// `${_RANDOM 9 3}`: used as if both were the lower bound.
    pub(super) reversed: bool,
}

impl<'a> Definitions<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        Self { options, map: HashMap::new(), random: Random(options.random_seed) }
    }

    pub(super) fn define(&mut self, definition: Definition) {
        self.map.insert(definition.name.clone(), Rc::new(definition));
    }

    /// Whether [`Self::find`] would find it.
    pub(super) fn has(&self, reference: Reference<'_>) -> bool {
        match (reference.name, reference.parameters) {
            (name, None) if self.map.contains_key(name) => true,
            ("_PWD" | "_INSTANCE" | "_HASH" | "_BANG" | "_RANDOM", None) => true,
            ("_ENV", Some(_)) => true,
            ("_RANDOM", Some(parameters)) => bounds(parameters).is_some(),
            (_, _) => false,
        }
    }

    /// What a reference stands for in a file of `directory`. A definition of the user's hides one of ours.
    pub(super) fn find(&mut self, reference: Reference<'_>, directory: &Path) -> Option<Meaning> {
        let Reference { name, parameters } = reference;
        if parameters.is_none()
            && let Some(definition) = self.map.get(name)
        {
            return Some(Meaning { definition: Rc::clone(definition), reversed: false });
        }
        let mut reversed = false;
        let text = match (name, parameters) {
            ("_PWD", None) => directory.to_string_lossy().into_owned(),
            ("_INSTANCE", None) => self.options.config_id.clone(),
            ("_HASH", None) => "#".to_owned(),
            ("_BANG", None) => "!".to_owned(),
            ("_ENV", Some(variable)) => {
                let variable = variable.split(super::physical::blank).next().unwrap_or_default();
                self.options.environment.get(variable).cloned().unwrap_or_default()
            }
            ("_RANDOM", parameters) => {
                let (min, max) = bounds(parameters.unwrap_or_default())?;
                reversed = max < min;
                self.random.within(min, max.max(min)).to_string()
            }
            (_, _) => return None,
        };
        let name = parameters.map_or_else(|| name.to_owned(), |parameters| format!("{name} {parameters}"));
        Some(Meaning { definition: Definition::builtin(name, &text), reversed })
    }
}

/// The bounds of `${_RANDOM MIN MAX}`; either may be left out.
fn bounds(parameters: &str) -> Option<(u64, u64)> {
    let mut words = parameters.split(super::physical::blank).filter(|word| !word.is_empty());
    let mut number = |default| words.next().map_or(Some(default), |word| word.parse::<u32>().ok().map(u64::from));
    Some((number(0)?, number(32767)?))
}

/// The lines of a definition that goes on over several, as they are collected.
#[derive(Debug)]
pub(super) struct Collecting {
    name: Box<str>,
    body: String,
}

impl Collecting {
    /// Begins with the text behind `$NAME=`.
    pub(super) fn new(name: &str, text: &str) -> Self {
        let mut collecting = Self { name: name.into(), body: String::new() };
        collecting.add(text);
        collecting
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Adds a line; whether the definition goes on.
    pub(super) fn add(&mut self, line: &str) -> bool {
        let (line, more) = line.strip_suffix('\\').map_or((line, false), |line| (line, true));
        let line = super::physical::trimmed(line);
        if !line.is_empty() {
            if !self.body.is_empty() {
                self.body.push('\n');
            }
            self.body.push_str(line);
        }
        more
    }

    pub(super) fn finish(self) -> Definition {
        Definition::new(&self.name, &self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_hold_a_name_and_perhaps_parameters() {
        let parts = |text| Reference::braced(text).map(|r| (r.name, r.parameters));
        for (text, want) in [
            ("A", Some(("A", None))),
            ("_ENV X", Some(("_ENV", Some("X")))),
            ("_RANDOM  1 2 ", Some(("_RANDOM", Some("1 2")))),
            ("A ", None),
            ("", None),
            ("1A", None),
            ("A-B", None),
            ("A:-b", None),
        ] {
            assert_eq!(parts(text), want, "{text}");
        }
    }

    #[test]
    fn a_seed_determines_what_random_gives() {
        let draw = |seed, parameters| {
            let options = Options { random_seed: seed, ..Options::default() };
            let mut definitions = Definitions::new(&options);
            let reference = Reference { name: "_RANDOM", parameters };
            (0..50)
                .map(|_| definitions.find(reference, Path::new("/")).map(|m| (m.definition.body.clone(), m.reversed)))
                .collect::<Option<Vec<_>>>()
        };
        assert_eq!(draw(7, None), draw(7, None));
        assert_ne!(draw(7, None), draw(8, None));
        let within = |parameters, min: u64, max: u64| {
            let drawn = draw(1, Some(parameters)).expect("numbers");
            assert!(drawn.iter().all(|(text, _)| (min..=max).contains(&text.parse().expect("a number"))), "{drawn:?}");
        };
        within("5 6", 5, 6);
        within("5 5 9", 5, 5);
        within("32760", 32760, 32767);
        assert!(draw(1, Some("9 3")).is_some_and(|all| all.iter().all(|(text, reversed)| &**text == "9" && *reversed)));
        assert_eq!(draw(1, Some("a b")), None);
    }

    #[test]
    fn several_lines_are_collected_without_the_blank_ones() {
        let mut collecting = Collecting::new("A", " x \\");
        assert!(collecting.add("\\"));
        assert!(collecting.add("y\\"));
        assert!(!collecting.add(" z "));
        let definition = collecting.finish();
        assert_eq!((&*definition.name, &*definition.body), ("A", "x\ny\nz"));
        assert_eq!(definition.line(0), Some(("x", 2)));
        assert_eq!(definition.line(4), Some(("z", 6)));
        assert_eq!(definition.line(6), None);
    }
}
