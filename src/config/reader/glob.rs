//! File name patterns: `* ? [...]`, a backslash before what shall stand for itself, and `{a,b}` alternatives, as glob(3)
//! has them. The tilde means nothing.

use crate::config::source::Files;
use std::path::Path;

/// More than any configuration has.
const MOST_ALTERNATIVES: usize = 10_000;
const MOST: usize = 65_536;
/// Directories that are listed for one pattern.
const MOST_LISTED: usize = 20_000;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// In the order of the alternatives, sorted within each.
    pub(super) names: Vec<String>,
    /// An alternative is a plain name and is not there, or is to be looked for in a directory that is not there.
    pub(super) missing: bool,
    /// The pattern has `{a,b}` alternatives.
    pub(super) braces: bool,
}

/// A pattern that means more names than anything should.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

/// The files that a pattern names; relative ones are looked for in `directory`, and are named relative to it.
pub(super) fn glob(files: &dyn Files, directory: &Path, pattern: &str) -> Result<Found, TooMany> {
    let mut found = Found::default();
    let alternatives = alternatives(pattern)?;
    found.braces = alternatives.len() != 1 || alternatives.iter().any(|one| one != pattern);
    let mut listed = 0;
    for alternative in &alternatives {
        let names = walk(files, directory, alternative, &mut listed)?;
        found.missing |= names.is_empty() && is_missing(files, directory, alternative);
        found.names.extend(names);
        if found.names.len() > MOST {
            return Err(TooMany);
        }
    }
    Ok(found)
}

fn is_missing(files: &dyn Files, directory: &Path, pattern: &str) -> bool {
    match pattern.split('/').position(has_wildcard) {
        None => true,
        Some(0) => false,
        Some(first) => {
            let fixed: Vec<_> = pattern.split('/').take(first).collect();
            // A leading slash leaves an empty first part.
            let fixed = format!("{}/", fixed.join("/"));
            !files.exists(&directory.join(unescaped(&fixed)))
        }
    }
}

/// The byte range of a `{...}` at or after `from`, and its commas. `{}` is two characters like any other.
fn braces(pattern: &[u8], from: usize) -> Option<(usize, usize, Vec<usize>)> {
    let mut open = None;
    let mut depth = 0_usize;
    let mut commas = Vec::new();
    let mut at = from;
    while let Some(&b) = pattern.get(at) {
        match b {
            b'\\' => at += 1,
            b'{' if pattern.get(at + 1) == Some(&b'}') => at += 1,
            b'{' => {
                open.get_or_insert(at);
                depth += 1;
            }
            b',' if depth == 1 => commas.push(at),
            b'}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return open.map(|open| (open, at, commas));
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn alternatives(pattern: &str) -> Result<Vec<String>, TooMany> {
    let mut done = Vec::new();
    let mut open = vec![(pattern.to_owned(), 0)];
    let mut steps = 0;
    while let Some((text, from)) = open.pop() {
        steps += 1;
        if steps > MOST_ALTERNATIVES {
            return Err(TooMany);
        }
        let Some((start, end, commas)) = braces(text.as_bytes(), from) else {
            done.push(text);
            continue;
        };
        if commas.len() > MOST_ALTERNATIVES {
            return Err(TooMany);
        }
        let bounds: Vec<usize> = std::iter::once(start).chain(commas).chain([end]).collect();
        // The stack gives back the last one first.
        for pair in bounds.windows(2).rev() {
            if let &[before, after] = pair {
                open.push((format!("{}{}{}", &text[..start], &text[before + 1..after], &text[end + 1..]), start));
            }
        }
        if open.len() > MOST_ALTERNATIVES {
            return Err(TooMany);
        }
    }
    Ok(done)
}

/// The names that one alternative matches, component by component.
fn walk(files: &dyn Files, directory: &Path, pattern: &str, listed: &mut usize) -> Result<Vec<String>, TooMany> {
    let mut names = vec![String::new()];
    let mut parts = pattern.split('/').peekable();
    let mut unchecked = false;
    while let Some(part) = parts.next() {
        let slash = if parts.peek().is_some() { "/" } else { "" };
        if !has_wildcard(part) {
            let part = unescaped(part);
            for name in &mut names {
                name.push_str(&part);
                name.push_str(slash);
            }
            unchecked = true;
            continue;
        }
        let mut matched = Vec::new();
        for name in names {
            *listed += 1;
            if *listed > MOST_LISTED {
                return Err(TooMany);
            }
            let mut entries = files.list(&directory.join(&name));
            entries.retain(|entry| (part.starts_with('.') || !entry.starts_with('.')) && matches(part, entry));
            matched.extend(entries.into_iter().map(|entry| format!("{name}{entry}{slash}")));
            if matched.len() > MOST {
                return Err(TooMany);
            }
        }
        names = matched;
        // With a slash behind it, only a directory matches.
        unchecked = !slash.is_empty();
    }
    if unchecked {
        names.retain(|name| !name.is_empty() && files.exists(&directory.join(name)));
    }
    names.sort_unstable();
    Ok(names)
}

fn has_wildcard(part: &str) -> bool {
    let mut bytes = part.bytes();
    while let Some(b) = bytes.next() {
        match b {
            b'\\' => {
                bytes.next();
            }
            b'*' | b'?' | b'[' => return true,
            _ => {}
        }
    }
    false
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

/// One component against one name. A star is tried short first; only the last one is ever tried again.
fn matches(pattern: &str, name: &str) -> bool {
    let (mut rest, mut left) = (pattern, name);
    let mut again: Option<(&str, &str)> = None;
    loop {
        if let Some(after) = rest.strip_prefix('*') {
            rest = after;
            again = Some((rest, left));
            continue;
        }
        let step = left.chars().next().and_then(|c| Some((one(rest, c)?, &left[c.len_utf8()..])));
        if let Some((pattern, name)) = step {
            (rest, left) = (pattern, name);
            continue;
        }
        if rest.is_empty() && left.is_empty() {
            return true;
        }
        // The star takes one character more.
        let Some((after, from)) = again else { return false };
        let Some(c) = from.chars().next() else { return false };
        left = &from[c.len_utf8()..];
        rest = after;
        again = Some((after, left));
    }
}

/// The pattern behind what matched `c`.
fn one(pattern: &str, c: char) -> Option<&str> {
    let first = pattern.chars().next()?;
    let behind = &pattern[first.len_utf8()..];
    match first {
        '?' => Some(behind),
        '[' => match set(behind) {
            Some((set, behind)) => set_has(set, c).then_some(behind),
            None => (c == '[').then_some(behind),
        },
        '\\' => {
            let escaped = behind.chars().next()?;
            (escaped == c).then(|| &behind[escaped.len_utf8()..])
        }
        first => (first == c).then_some(behind),
    }
}

/// The inside of a `[...]`, and what is behind it. A `]` that comes first is a member.
fn set(text: &str) -> Option<(&str, &str)> {
    let skip = usize::from(text.starts_with(['!', '^']));
    let first = skip + usize::from(text[skip..].starts_with(']'));
    let mut at = first;
    loop {
        let rest = text.get(at..)?;
        if let Some(class) = rest.strip_prefix("[:") {
            at += 4 + class.find(":]")?;
        } else if let Some(behind) = rest.strip_prefix(']') {
            return Some((&text[..at], behind));
        } else {
            at += rest.chars().next()?.len_utf8();
        }
    }
}

fn set_has(set: &str, c: char) -> bool {
    let (negated, mut rest) = match set.strip_prefix(['!', '^']) {
        Some(rest) => (true, rest),
        None => (false, set),
    };
    let mut has = false;
    while let Some(first) = rest.chars().next() {
        if let Some((name, behind)) = rest.strip_prefix("[:").and_then(|class| class.split_once(":]")) {
            has |= is_of_class(name, c);
            rest = behind;
            continue;
        }
        rest = &rest[first.len_utf8()..];
        let last = rest.strip_prefix('-').and_then(|range| range.chars().next());
        if let Some(last) = last {
            has |= (first..=last).contains(&c);
            rest = &rest[1 + last.len_utf8()..];
        } else {
            has |= first == c;
        }
    }
    has != negated
}

fn is_of_class(name: &str, c: char) -> bool {
    match name {
        "alpha" => c.is_alphabetic(),
        "digit" => c.is_ascii_digit(),
        "alnum" => c.is_alphanumeric(),
        "upper" => c.is_uppercase(),
        "lower" => c.is_lowercase(),
        "space" => c.is_whitespace(),
        "blank" => matches!(c, ' ' | '\t'),
        "punct" => c.is_ascii_punctuation(),
        "xdigit" => c.is_ascii_hexdigit(),
        "cntrl" => c.is_control(),
        "graph" => !c.is_control() && !c.is_whitespace(),
        "print" => !c.is_control(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Memory;
    use super::*;

    #[test]
    fn patterns_match_as_the_shell_has_them() {
        for (pattern, name, want) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf1", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("?", "ä", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[^a]", "b", true),
            ("[]a]", "]", true),
            ("[a-]", "-", true),
            ("[[:digit:]x]", "7", true),
            ("[[:digit:]x]", "y", false),
            ("[a", "[a", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("", "", true),
            ("*", "", true),
            ("a", "", false),
        ] {
            assert_eq!(matches(pattern, name), want, "{pattern} {name}");
        }
        assert!(!matches(&"*a".repeat(1000), &"a".repeat(999)), "many stars cost no more than their product");
    }

    #[test]
    fn braces_hold_alternatives() {
        for (pattern, want) in [
            ("a{b,c}d", "abd acd"),
            ("{a,b}{1,2}", "a1 a2 b1 b2"),
            ("{t2,inc/{a,b}}.conf", "t2.conf inc/a.conf inc/b.conf"),
            ("{zz}", "zz"),
            ("{a,}", "a "),
            ("{}", "{}"),
            ("a{}{b,c}", "a{}b a{}c"),
            ("{a", "{a"),
            ("a}", "a}"),
            ("\\{a,b}", "\\{a,b}"),
        ] {
            assert_eq!(alternatives(pattern).expect(pattern).join(" "), want, "{pattern}");
        }
        assert_eq!(alternatives(&"{a,b}".repeat(40)), Err(TooMany));
        assert_eq!(alternatives(&format!("{}a{}", "{".repeat(30_000), "}".repeat(30_000))), Err(TooMany));
    }

    #[test]
    fn files_are_found_in_order_and_what_is_missing_is_known() {
        let files = Memory::with(&[("/d/b.conf", ""), ("/d/a.conf", ""), ("/d/.h.conf", ""), ("/d/x/a.conf", ""), ("/d/y/a.conf", "")]);
        for (pattern, names, missing, braces) in [
            ("*.conf", "a.conf b.conf", false, false),
            (".*", ".h.conf", false, false),
            ("/d/*.conf", "/d/a.conf /d/b.conf", false, false),
            ("*/a.conf", "x/a.conf y/a.conf", false, false),
            ("*/", "x/ y/", false, false),
            ("?", "x y", false, false),
            ("a.conf", "a.conf", false, false),
            ("\\a.conf", "a.conf", false, false),
            ("z.conf", "", true, false),
            ("z*.conf", "", false, false),
            ("zz*/a.conf", "", false, false),
            ("zz/*.conf", "", true, false),
            ("/zz/*.conf", "", true, false),
            ("{b,a}.conf", "b.conf a.conf", false, true),
            ("{a,a}.conf", "a.conf a.conf", false, true),
            ("{a,z}.conf", "a.conf", true, true),
            ("{z*,a*}", "a.conf", false, true),
            ("{/zz,/d}/*.conf", "/d/a.conf /d/b.conf", true, true),
            ("~/a", "", true, false),
            ("", "", true, false),
        ] {
            let found = glob(&files, Path::new("/d"), pattern).expect(pattern);
            assert_eq!((found.names.join(" ").as_str(), found.missing, found.braces), (names, missing, braces), "{pattern}");
        }
    }
}
