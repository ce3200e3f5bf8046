//! The binding of `grammar/directive.pest`: lines that the reader obeys instead of passing them on.

use super::sequence::Values;
use pest::Parser as _;
use pest::iterators::Pair;

mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "grammar/directive.pest"]
    pub(super) struct Directive;
}
use grammar::{Directive, Rule};

fn first(rule: Rule, text: &str) -> Option<Pair<'_, Rule>> {
    Directive::parse(rule, text).ok()?.next()
}

/// The text of the first pair of this rule inside another.
fn inner<'a>(pair: &Pair<'a, Rule>, rule: Rule) -> Option<&'a str> {
    pair.clone().into_inner().find(|inner| inner.as_rule() == rule).map(|inner| inner.as_str())
}

/// The part of `text` behind what a rule matched.
fn behind<'a>(pair: &Pair<'_, Rule>, text: &'a str) -> &'a str {
    text.get(pair.as_span().end()..).unwrap_or_default()
}

/// `@ID rest` or `@^ID rest`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Condition<'a> {
    pub(super) id: &'a str,
    pub(super) except: bool,
    pub(super) rest: &'a str,
}

pub(super) fn condition(text: &str) -> Option<Condition<'_>> {
    let pair = first(Rule::condition, text)?;
    Some(Condition { id: inner(&pair, Rule::id)?, except: inner(&pair, Rule::except).is_some(), rest: behind(&pair, text) })
}

/// The name and the text of `$NAME=text`.
pub(super) fn definition(text: &str) -> Option<(&str, &str)> {
    let pair = first(Rule::definition, text)?;
    Some((inner(&pair, Rule::name)?, behind(&pair, text)))
}

/// The letter and the pattern of `include`. Called for every piece of a line that is not plain, so the common no is cheap.
pub(super) fn include(text: &str) -> Option<(&str, &str)> {
    if !text.starts_with("include") {
        return None;
    }
    let pair = first(Rule::include, text)?;
    Some((inner(&pair, Rule::checks)?, behind(&pair, text)))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Range { hexadecimal: bool },
    List,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Range { hexadecimal: false } => "~SEQ",
            Self::Range { hexadecimal: true } => "~SEQx",
            Self::List => "~LST",
        }
    }
}

/// `~SEQ(parameters) rest`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repetition<'a> {
    pub(super) kind: Kind,
    pub(super) parameters: &'a str,
    pub(super) rest: &'a str,
}

/// Whether a line means to be a `~SEQ` or `~LST`, well-formed or not.
pub(super) fn repetition_kind(text: &str) -> Option<Kind> {
    let named = |name| text.strip_prefix(name).is_some_and(|rest| rest.trim_start_matches(super::physical::blank).starts_with('('));
    [Kind::Range { hexadecimal: true }, Kind::Range { hexadecimal: false }, Kind::List].into_iter().find(|kind| named(kind.name()))
}

pub(super) fn repetition(text: &str) -> Option<Repetition<'_>> {
    let kind = repetition_kind(text)?;
    let pair = first(Rule::repetition, text)?;
    Some(Repetition { kind, parameters: inner(&pair, Rule::parameters)?, rest: behind(&pair, text) })
}

/// What is wrong with the parameters of a `~SEQ` or `~LST`: keepalived's words and ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) text: &'static str,
    pub(super) hint: &'static str,
}

const BOUNDS: &str = "~SEQ(NAME, [START, [STEP,]] END), numbers in decimal, or with 0x or 0 before them";
const VALUES: &str = "~LST(NAME, VALUE, ...) or ~LST({NAME, ...}, {VALUE, ...}, ...); a value has no blanks";

pub(super) fn bounds(parameters: &str, hexadecimal: bool) -> Result<(String, Values), Fault> {
    let malformed = Fault { text: "Invalid ~SEQ definition", hint: BOUNDS };
    let Some(pair) = first(Rule::bounds, parameters) else { return Err(malformed) };
    let name = inner(&pair, Rule::value).unwrap_or_default();
    let numbers: Option<Vec<i64>> =
        pair.into_inner().filter(|inner| inner.as_rule() == Rule::number).map(|inner| any_base(inner.as_str())).collect();
    let (start, step, end) = match numbers.as_deref() {
        Some(&[end]) => (if end < 0 { -1 } else { 1 }, None, end),
        Some(&[start, end]) => (start, None, end),
        Some(&[start, step, end]) => (start, Some(step), end),
        Some(_) | None => return Err(malformed),
    };
    if name.is_empty() {
        return Err(malformed);
    }
    if hexadecimal && (start < 0 || end < 0) {
        return Err(Fault { text: "~SEQx is only valid for positive numbers", hint: "use ~SEQ for a range that goes below zero" });
    }
    let step = step.unwrap_or(if end < start { -1 } else { 1 });
    let values = Values::range(start, step, end, hexadecimal)
        .ok_or(Fault { text: "Invalid ~SEQ values", hint: "a step of that sign never gets from the start to the end" })?;
    Ok((name.to_owned(), values))
}

/// `strtol` with base 0.
fn any_base(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, base) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (digits, if digits.starts_with('0') { 8 } else { 10 }),
    };
    i64::from_str_radix(&format!("{sign}{digits}"), base).ok()
}

/// The words of a group, or the one word that stands for a group.
fn row(part: Pair<'_, Rule>) -> Vec<String> {
    if part.as_rule() == Rule::value { vec![part.as_str().to_owned()] } else { part.into_inner().flat_map(row).collect() }
}

pub(super) fn values(parameters: &str) -> Result<(Vec<String>, Values), Fault> {
    let malformed = Fault { text: "Invalid ~LST specification", hint: VALUES };
    let Some(pair) = first(Rule::values, parameters) else { return Err(malformed) };
    // The first part holds the names, the others the values: each a group, or a single word.
    let mut parts = pair.into_inner().filter(|part| part.as_rule() != Rule::EOI).map(row);
    let names = parts.next().unwrap_or_default();
    let rows: Vec<_> = parts.collect();
    if names.iter().any(String::is_empty) {
        return Err(malformed);
    }
    if rows.iter().any(|row| row.len() > names.len()) {
        return Err(Fault { text: "~LST specification has too many values", hint: VALUES });
    }
    Ok((names, Values::list(rows)))
}
