//! The shapes of words that several options share: the binding of `grammar/value.pest`.

use crate::config::args::Args;
use crate::config::draft::net::{Named, Realms};
use crate::model::net::rule::Mark;
use crate::model::net::{Family, Prefix};
use pest::Parser as _;
use std::net::IpAddr;
use std::ops::RangeInclusive;

mod shape {
    #[derive(pest_derive::Parser)]
    #[grammar = "grammar/value.pest"]
    pub(super) struct Shape;
}
use shape::{Rule, Shape};

/// The parts of a word of this shape.
fn parts(shape: Rule, word: &str) -> Option<Vec<&str>> {
    let whole = Shape::parse(shape, word).ok()?.next()?;
    Some(whole.into_inner().filter(|part| part.as_rule() != Rule::EOI).map(|part| part.as_str()).collect())
}

/// `ADDRESS[/LENGTH]`. A length that does not fit is reported, and does not count.
pub(super) fn prefix(word: &str, args: &mut Args<'_>) -> Option<(IpAddr, Option<u8>)> {
    let parts = parts(Rule::prefix, word)?;
    let address: IpAddr = parts.first()?.parse().ok()?;
    let Some(length) = parts.get(1) else {
        return Some((address, None));
    };
    let most = Family::of(address).bits();
    let given = length.bytes().all(|b| b.is_ascii_digit()).then(|| length.parse().ok()).flatten().filter(|&given: &u8| given <= most);
    if given.is_none() {
        args.error(format!("Invalid address prefix len {length} for address {word} - using {most}")).hint(format!("0 to {most}"));
    }
    Some((address, given))
}

/// The same where the length goes without saying.
pub(super) fn whole_prefix(word: &str, args: &mut Args<'_>) -> Option<Prefix> {
    let (address, length) = prefix(word, args)?;
    Some(Prefix { address, length: length.unwrap_or(Family::of(address).bits()) })
}

/// A number as C has them: `0x` before hexadecimal, a leading zero before octal.
pub(super) fn number(word: &str) -> Option<u32> {
    let digits = |text: &str, base| text.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(text, base).ok()).flatten();
    if let Some(hex) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return digits(hex, 16);
    }
    match word.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => digits(octal, 8),
        Some(_) | None => digits(word, 10),
    }
}

pub(super) fn named(word: &str) -> Named {
    number(word).map_or_else(|| Named::Name(word.into()), Named::Number)
}

pub(super) fn realms(word: &str) -> Option<Realms> {
    match parts(Rule::realms, word)?.as_slice() {
        [destination] => Some(Realms { source: None, destination: named(destination) }),
        [source, destination] => Some(Realms { source: Some(named(source)), destination: named(destination) }),
        _ => None,
    }
}

pub(super) fn mark(word: &str) -> Option<Mark> {
    match parts(Rule::mark, word)?.as_slice() {
        [value] => Some(Mark { value: number(value)?, mask: u32::MAX }),
        [value, mask] => Some(Mark { value: number(value)?, mask: number(mask)? }),
        _ => None,
    }
}

/// `N` or `LOW-HIGH`, in this order.
pub(super) fn range<N: std::str::FromStr + PartialOrd + Copy>(word: &str) -> Option<RangeInclusive<N>> {
    let parts = parts(Rule::range, word)?;
    let low: N = parts.first()?.parse().ok()?;
    let high = match parts.get(1) {
        Some(high) => high.parse().ok()?,
        None => low,
    };
    (low <= high).then_some(low..=high)
}

/// An MPLS label stack.
pub(super) fn labels(word: &str) -> Option<Box<[u32]>> {
    const LARGEST: u32 = (1 << 20) - 1;
    // The kernel takes no deeper stack.
    const DEEPEST: usize = 30;
    let labels: Option<Box<[u32]>> = parts(Rule::labels, word)?.iter().map(|label| label.parse().ok().filter(|&n| n <= LARGEST)).collect();
    labels.filter(|stack| stack.len() <= DEEPEST)
}

pub(super) fn locator(word: &str) -> Option<u64> {
    parts(Rule::locator, word.trim())?
        .iter()
        .try_fold(0, |locator, quad| Some(locator << 16 | u64::from(u16::from_str_radix(quad, 16).ok()?)))
}

/// The unit of a time; none means the kernel's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Kernel,
    Milliseconds,
    Seconds,
}

/// A decimal with its unit.
pub(super) fn time(word: &str) -> Option<(&str, Unit)> {
    match parts(Rule::time, word)?.as_slice() {
        [decimal] => Some((decimal, Unit::Kernel)),
        [decimal, unit] => Some((decimal, if unit.starts_with('m') { Unit::Milliseconds } else { Unit::Seconds })),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_c_has_them() {
        for (word, want) in [
            ("10", Some(10)),
            ("0x1F", Some(31)),
            ("010", Some(8)),
            ("0", Some(0)),
            ("4294967295", Some(u32::MAX)),
            ("4294967296", None),
            ("+5", None),
            ("-5", None),
            ("0x", None),
            ("09", None),
            ("1a", None),
            ("", None),
        ] {
            assert_eq!(number(word), want, "{word:?}");
        }
    }

    #[test]
    fn ranges_marks_and_realms() {
        assert_eq!(range::<u16>("80"), Some(80..=80));
        assert_eq!(range::<u16>("80-90"), Some(80..=90));
        for bad in ["90-80", "1-65536", "-5", "5-", "x", "", "1-2-3"] {
            assert_eq!(range::<u16>(bad), None, "{bad:?}");
        }
        assert_eq!(mark("0x17/0x10"), Some(Mark { value: 23, mask: 16 }));
        assert_eq!(mark("5"), Some(Mark { value: 5, mask: u32::MAX }));
        for bad in ["5/", "/5", "x", "5/6/7", "4294967296", "-5"] {
            assert_eq!(mark(bad), None, "{bad:?}");
        }
        assert_eq!(realms("cosmos/0x14"), Some(Realms { source: Some(Named::Name("cosmos".into())), destination: Named::Number(20) }));
        for bad in ["5/", "/5", "1/2/3", ""] {
            assert_eq!(realms(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn labels_locators_and_times() {
        assert_eq!(labels("100/200").as_deref(), Some([100, 200].as_slice()));
        for bad in ["100/", "1048576", "x", "", &"1/".repeat(40)] {
            assert_eq!(labels(bad), None, "{bad:?}");
        }
        assert_eq!(locator(" 12ff:23:34:45"), Some(0x12ff_0023_0034_0045));
        for bad in ["12ff:23:34", "1ffff:1:2:3", "fe80::3", "1:2:3:4:5", ""] {
            assert_eq!(locator(bad), None, "{bad:?}");
        }
        for (word, want) in [
            ("102", Some(("102", Unit::Kernel))),
            ("1.5s", Some(("1.5", Unit::Seconds))),
            ("2secs", Some(("2", Unit::Seconds))),
            ("200ms", Some(("200", Unit::Milliseconds))),
            ("200msec", Some(("200", Unit::Milliseconds))),
            ("2us", None),
            ("2e3", None),
            ("s", None),
        ] {
            assert_eq!(time(word), want, "{word:?}");
        }
    }
}
