//! The arguments of one statement, and the scalar types they are made of.

use super::diagnostic::{Class, Diagnostic, Diagnostics, Origin, Phase};
use super::syntax::{Statement, Words};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::time::Duration;

/// What reading leaves behind besides the draft.
#[derive(Debug, Default)]
pub struct Context {
    pub problems: Diagnostics,
    /// Rules so far that came without a priority, of IPv4 and of IPv6: they are numbered downwards as they are read.
    pub unnumbered_rules: [u32; 2],
    names: HashMap<(&'static str, Box<str>), Origin>,
}

impl Context {
    /// Takes a name for an object of this kind, or tells where it was taken before.
    pub fn claim(&mut self, kind: &'static str, name: &str, at: Origin) -> Result<(), Origin> {
        match self.names.entry((kind, name.into())) {
            Entry::Occupied(taken) => Err(*taken.get()),
            Entry::Vacant(free) => {
                free.insert(at);
                Ok(())
            }
        }
    }
}

/// How a keyword treats bad input, where keepalived's keywords differ.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// The class of a missing argument: keepalived's process ends at once for most keywords.
    pub missing: Class,
    /// Whether `10abc` is refused. Most of keepalived's numbers are lenient: the daemon takes the leading digits and says
    /// so, and the config test counts it as an error.
    pub strict: bool,
}

impl Manners {
    pub const USUAL: Self = Self { missing: Class::MissingParameter, strict: false };
}

/// A cursor over the words of a statement.
#[derive(Debug)]
pub struct Args<'a> {
    pub at: Origin,
    /// The keyword as it was written.
    pub keyword: &'a str,
    /// The whole logical line, for keywords that read it by rules of their own (scripts).
    pub line: &'a str,
    words: Words<'a>,
    last: &'a str,
    manners: Manners,
    abandoned: bool,
    pub cx: &'a mut Context,
}

impl<'a> Args<'a> {
    /// The cursor behind the keyword of `statement`.
    pub fn new(statement: &Statement<'a>, manners: Manners, cx: &'a mut Context) -> Self {
        let mut words = statement.words();
        let keyword = words.next().unwrap_or_default();
        Self { at: statement.at, keyword, line: statement.text, words, last: keyword, manners, abandoned: false, cx }
    }

    /// A cursor before the first word: for the entries of a list, which have no keyword.
    pub fn entry(statement: &Statement<'a>, list: &'a str, cx: &'a mut Context) -> Self {
        let manners = Manners { missing: Class::Error, strict: true };
        Self { at: statement.at, keyword: list, line: statement.text, words: statement.words(), last: list, manners, abandoned: false, cx }
    }

    /// The next word, or nothing at the end of the line.
    pub fn word(&mut self) -> Option<&'a str> {
        let word = self.words.next()?;
        self.last = word;
        Some(word)
    }

    pub fn peek(&self) -> Option<&'a str> {
        self.words.clone().next()
    }

    /// What is left of the line, trimmed, quotes and all.
    pub fn rest(&self) -> &'a str {
        self.words.rest()
    }

    /// The next word; its absence is reported.
    pub fn need(&mut self) -> Option<&'a str> {
        let word = self.word();
        if word.is_none() {
            self.missing();
        }
        word
    }

    /// Goes on as the argument list of an option within the line.
    pub fn option(&mut self, keyword: &'a str, manners: Manners) {
        self.keyword = keyword;
        self.manners = manners;
    }

    /// Marks the line as not to be used: what is wrong with one of its options spoils all of it.
    pub fn abandon(&mut self) {
        self.abandoned = true;
    }

    pub fn abandoned(&self) -> bool {
        self.abandoned
    }

    /// Takes the mark away again, when only a part of the line was spoilt.
    pub fn resume(&mut self) {
        self.abandoned = false;
    }

    /// Reports that the statement ends too early.
    pub fn missing(&mut self) -> &mut Diagnostic {
        self.abandoned = true;
        let keyword = self.keyword;
        match self.manners.missing {
            Class::MissingParameter => {
                let start = Words::new(self.line).next().unwrap_or(keyword);
                let text = format!("*** Configuration line starting `{start}` is missing a parameter after keyword `{}`", self.last);
                let diagnostic = self.cx.problems.report(Class::MissingParameter, Phase::Reading, Some(self.at), text);
                diagnostic.word(keyword)
            }
            class => {
                let text = format!("{keyword} is missing a parameter after '{}'", self.last);
                self.cx.problems.report(class, Phase::Reading, Some(self.at), text).word(keyword)
            }
        }
    }

    /// Reports a fault of this statement; the caret goes under the last word read.
    pub fn error(&mut self, text: impl Into<String>) -> &mut Diagnostic {
        let last = self.last;
        self.cx.problems.error(self.at, text).word(last)
    }

    /// Reports something keepalived only logs.
    pub fn notice(&mut self, text: impl Into<String>) -> &mut Diagnostic {
        let last = self.last;
        self.cx.problems.notice(self.at, text).word(last)
    }

    /// A whole number within bounds; what is wrong with it is reported.
    pub fn number<N: TryFrom<i64>>(&mut self, min: i64, max: i64) -> Option<N> {
        let word = self.need()?;
        self.number_in(word, min, max)
    }

    /// The same for a word already taken.
    pub fn number_in<N: TryFrom<i64>>(&mut self, word: &str, min: i64, max: i64) -> Option<N> {
        let keyword = self.keyword;
        let range = || format!("{keyword} takes a number from {min} to {max}");
        let value = match decimal(word) {
            Ok(value) => value,
            Err(Malformed::Negative) if min >= 0 => {
                self.error(format!("negative number '{word}'")).hint(range());
                return None;
            }
            Err(Malformed::TooLarge) => {
                self.error(format!("number '{word}' outside range [{min}, {max}]")).hint(range());
                return None;
            }
            Err(Malformed::Negative | Malformed::NotANumber) => {
                self.error(format!("invalid number '{word}'")).hint(range());
                return None;
            }
            Err(Malformed::Junk(value)) => {
                let strict = self.manners.strict;
                self.error(format!("invalid number '{word}'")).hint(range());
                if strict {
                    return None;
                }
                value
            }
        };
        if value < min || value > max {
            let fault = if min >= 0 && word.starts_with('-') { "negative number" } else { "number" };
            self.error(if fault == "number" {
                format!("number '{word}' outside range [{min}, {max}]")
            } else {
                format!("{fault} '{word}'")
            })
            .hint(range());
            return None;
        }
        N::try_from(value).ok()
    }

    /// Decimal seconds, up to six places, within bounds given in microseconds.
    pub fn seconds(&mut self, min: u64, max: u64) -> Option<Duration> {
        let word = self.need()?;
        self.micros_in(word, 1_000_000, min, max).map(Duration::from_micros)
    }

    /// A decimal with `unit` microseconds to the one, within bounds given in microseconds.
    pub fn micros_in(&mut self, word: &str, unit: u64, min: u64, max: u64) -> Option<u64> {
        let show = |v: u64| micros_text(v, unit);
        let keyword = self.keyword;
        let range = || format!("{keyword} takes a value from {} to {}", show(min), show(max));
        let value = match fraction(word, unit) {
            Ok(value) => value,
            Err(Fraction::TooFine(value)) => {
                self.error(format!("number '{word}' has too many decimal places")).hint("six decimal places are kept, the rest is rounded");
                value
            }
            Err(Fraction::Malformed) => {
                self.error(format!("invalid number '{word}'")).hint(range());
                return None;
            }
        };
        if value < min || value > max {
            self.error(format!("number '{word}' outside range [{}, {}]", show(min), show(max))).hint(range());
            return None;
        }
        Some(value)
    }

    /// `on true yes` or `off false no`; nothing counts as true.
    pub fn boolean(&mut self) -> Option<bool> {
        let Some(word) = self.word() else {
            return Some(true);
        };
        match word {
            "on" | "true" | "yes" => Some(true),
            "off" | "false" | "no" => Some(false),
            _ => {
                let keyword = self.keyword;
                self.error(format!("Invalid value '{word}' for {keyword}")).hint("on, true, yes, off, false or no, in lower case");
                None
            }
        }
    }

    /// An IP address in its usual notation.
    pub fn address(&mut self) -> Option<IpAddr> {
        let word = self.need()?;
        let address = host(word);
        if address.is_none() {
            let keyword = self.keyword;
            self.error(format!("{keyword}: malformed address '{word}'"));
        }
        address
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    Negative,
    TooLarge,
    NotANumber,
    /// Digits followed by something else; the digits' value.
    Junk(i64),
}

/// `strtol` in base 10 on a whole word: leading blanks (a quoted word may have them) and one sign are fine, nothing may
/// follow. The empty word is 0.
pub fn decimal(word: &str) -> Result<i64, Malformed> {
    if word.is_empty() {
        return Ok(0);
    }
    let text = word.trim_start();
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let end = digits.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(digits.len());
    if end == 0 {
        return Err(if negative { Malformed::Negative } else { Malformed::NotANumber });
    }
    let value: i64 = digits[..end].parse().map_err(|_| Malformed::TooLarge)?;
    let value = if negative { -value } else { value };
    if end < digits.len() { Err(Malformed::Junk(value)) } else { Ok(value) }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fraction {
    Malformed,
    /// More decimals than are kept; the rounded value.
    TooFine(u64),
}

/// A decimal such as `3`, `.5`, `7.` or `2.125` in units of `unit` (a power of ten): what is finer is rounded half up.
pub fn fraction(word: &str, unit: u64) -> Result<u64, Fraction> {
    let text = word.strip_prefix('+').unwrap_or(word);
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !digits(whole) || !digits(part) {
        return Err(Fraction::Malformed);
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| Fraction::Malformed)? };
    let mut value = whole.checked_mul(unit).ok_or(Fraction::Malformed)?;
    let mut step = unit / 10;
    let mut places = part.bytes();
    for digit in places.by_ref() {
        if step == 0 {
            let rounded = value.saturating_add(u64::from(digit >= b'5'));
            return Err(Fraction::TooFine(rounded));
        }
        value = value.saturating_add(u64::from(digit - b'0') * step);
        step /= 10;
    }
    Ok(value)
}

/// The shortest decimal for a count of `unit`ths: the inverse of [`fraction`].
pub fn micros_text(value: u64, unit: u64) -> String {
    let (whole, part) = (value / unit, value % unit);
    if part == 0 {
        return whole.to_string();
    }
    let places = unit.ilog10() as usize;
    let part = format!("{part:0places$}");
    format!("{whole}.{}", part.trim_end_matches('0'))
}

/// An address where it names a machine: a range or a prefix length behind it is passed over (seen with 2.2.7).
pub fn host(word: &str) -> Option<IpAddr> {
    let end = word.find(['-', '/']).unwrap_or(word.len());
    word[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        use Malformed::{Junk, Negative, NotANumber, TooLarge};
        for (word, want) in [
            ("10", Ok(10)),
            ("010", Ok(10)),
            ("+5", Ok(5)),
            (" 5", Ok(5)),
            ("", Ok(0)),
            ("-5", Ok(-5)),
            ("5 ", Err(Junk(5))),
            ("0x10", Err(Junk(0))),
            ("5s", Err(Junk(5))),
            ("5.0", Err(Junk(5))),
            ("x", Err(NotANumber)),
            ("-", Err(Negative)),
            ("99999999999999999999", Err(TooLarge)),
        ] {
            assert_eq!(decimal(word), want, "{word:?}");
        }
    }

    #[test]
    fn decimal_seconds() {
        for (word, want) in [
            (".5", Ok(500_000)),
            ("7.", Ok(7_000_000)),
            ("2.123456", Ok(2_123_456)),
            ("3.1234567", Err(Fraction::TooFine(3_123_457))),
            ("3.1234564", Err(Fraction::TooFine(3_123_456))),
            ("1.2.3", Err(Fraction::Malformed)),
            ("-1", Err(Fraction::Malformed)),
            (".", Err(Fraction::Malformed)),
            ("1s", Err(Fraction::Malformed)),
            ("99999999999999999999", Err(Fraction::Malformed)),
        ] {
            assert_eq!(fraction(word, 1_000_000), want, "{word:?}");
        }
    }

    #[test]
    fn a_printed_fraction_reads_back() {
        for value in [0, 1, 999_999, 1_000_000, 1_500_000, 4_294_967_295_000_000] {
            assert_eq!(fraction(&micros_text(value, 1_000_000), 1_000_000), Ok(value));
        }
        assert_eq!(micros_text(1_500_000, 1_000_000), "1.5");
    }
}
