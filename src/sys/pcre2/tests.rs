use super::*;

fn pattern(pattern: &str, options: &str) -> Pattern {
    Pattern::new(pattern, options.split_whitespace(), None).expect("it compiles")
}

fn found(compiled: &Pattern, text: &str, from: usize, latest: Option<usize>) -> Option<(usize, usize)> {
    match compiled.search(text.as_bytes(), from, latest, true).expect("it comes to an end") {
        Search::Match { start, end } => Some((start, end)),
        Search::NotBefore(_) => None,
    }
}

/// Where a match lies, if the pattern is one at all.
fn tried(expression: &str, options: &str, text: &str) -> Result<Option<(usize, usize)>, ()> {
    let pattern = Pattern::new(expression, options.split_whitespace(), None).map_err(drop)?;
    Ok(found(&pattern, text, 0, None))
}

#[test]
fn options_are_those_of_the_library() {
    let (names, flags): (Vec<&str>, Vec<u32>) = OPTIONS.into_iter().unzip();
    assert_eq!(names, crate::model::checker::RegexOptions::NAMES);
    assert_eq!(flags, (0..24).map(|bit| 1 << bit).collect::<Vec<u32>>());
    for (expression, option, text, without, with) in [
        ("a[]b", "allow_empty_class", "ab", Err(()), Ok(None)),
        (r"\u0061", "alt_bsux", "a", Err(()), Ok(Some((0, 1)))),
        ("LAB", "caseless", "from lab", Ok(None), Ok(Some((5, 8)))),
        ("a$", "dollar_endonly", "a\n", Ok(Some((0, 1))), Ok(None)),
        ("a.b", "dotall", "a\nb", Ok(None), Ok(Some((0, 3)))),
        ("(?<n>a)(?<n>b)", "dupnames", "ab", Err(()), Ok(Some((0, 2)))),
        ("a b", "extended", "ab", Ok(None), Ok(Some((0, 2)))),
        ("b", "firstline", "a\nb", Ok(Some((2, 3))), Ok(None)),
        (r"(a)?\1b", "match_unset_backref", "b", Ok(None), Ok(Some((0, 1)))),
        ("^b", "multiline", "a\nb", Ok(None), Ok(Some((2, 3)))),
        ("(*UCP)a", "never_ucp", "a", Ok(Some((0, 1))), Err(())),
        ("(*UTF)a", "never_utf", "a", Ok(Some((0, 1))), Err(())),
        (r"(a)\1", "no_auto_capture", "aa", Ok(Some((0, 2))), Err(())),
        (r"\w", "ucp utf", "\u{e9}", Ok(None), Ok(Some((0, 2)))),
        ("a+", "ungreedy", "aaa", Ok(Some((0, 3))), Ok(Some((0, 1)))),
        ("^.$", "utf", "\u{e9}", Ok(None), Ok(Some((0, 2)))),
        (r"a\Cb", "never_backslash_c", "axb", Ok(Some((0, 3))), Err(())),
        ("(?m)a\n^", "alt_circumflex", "a\n", Ok(None), Ok(Some((0, 2)))),
        (r"a(*MARK:x\)y)", "alt_verbnames", "a", Err(()), Ok(Some((0, 1)))),
        // What these change is not to be seen.
        ("a", "auto_callout no_auto_possess no_dotstar_anchor no_start_optimize use_offset_limit", "a", Ok(Some((0, 1))), Ok(Some((0, 1)))),
    ] {
        assert_eq!(tried(expression, "", text), without, "{expression}");
        assert_eq!(tried(expression, option, text), with, "{expression} {option}");
    }
}

#[test]
fn a_bad_pattern_is_told_where_it_is_bad() {
    let bad = Pattern::new("a(b", [], None).expect_err("a parenthesis is open");
    assert_eq!(bad.to_string(), "Invalid regex: 'a(b' at offset 3: missing closing parenthesis");
}

#[test]
fn a_match_begins_where_it_may() {
    let lab = pattern("lab", "");
    let text = "lab and lab";
    for (from, latest, want) in [
        (0, None, Some((0, 3))),
        (1, None, Some((8, 11))),
        (1, Some(7), None),
        (1, Some(8), Some((8, 11))),
        (0, Some(0), Some((0, 3))),
        (9, None, None),
        (11, None, None),
        (12, None, None),
        (3, Some(2), None),
    ] {
        assert_eq!(found(&lab, text, from, latest), want, "{from} {latest:?}");
    }
}

#[test]
fn what_may_go_on_is_no_match_yet() {
    let search = |expression: &str, options: &str, text: &str| {
        pattern(expression, options).search(text.as_bytes(), 0, None, false).expect("it comes to an end")
    };
    assert_eq!(search("hello", "", "..hel"), Search::NotBefore(2));
    assert_eq!(search("hello", "", "..help"), Search::NotBefore(6));
    assert_eq!(search("hello", "", ".hello"), Search::Match { start: 1, end: 6 });
    assert_eq!(search("dog(sbody)?", "", "a dog"), Search::NotBefore(2));
    assert_eq!(search("b$", "", "ab"), Search::NotBefore(1));
    // A character that is not whole is not looked at.
    let whole = pattern("\u{e9}x", "utf");
    assert_eq!(whole.search(&"a\u{e9}".as_bytes()[..2], 0, None, false).expect("it comes to an end"), Search::NotBefore(1));
    assert_eq!(whole.search(b"a\xff\xff\xff\xff\xc3\xa9x", 0, None, false).expect("bytes of no text"), Search::Match { start: 5, end: 8 });
}

#[test]
fn what_lies_behind_is_asked_for() {
    for (expression, options, want) in [("a", "", 0), (r"\ba", "", 1), ("(?<=abc)d", "", 3), ("(?<=\u{e9}\u{e9})d", "utf", 8)] {
        assert_eq!(pattern(expression, options).lookbehind(), want, "{expression}");
    }
}

#[test]
fn a_pattern_that_never_ends_is_ended() {
    for stack in [None, Some((32 * 1024, 1 << 20)), Some((0, u64::MAX))] {
        let endless = Pattern::new("^(a+)+$", [], stack).expect("it compiles");
        let text = [&[b'a'; 5000][..], b"b"].concat();
        let given_up = endless.search(&text, 0, None, true).expect_err("nobody has the time");
        assert!(given_up.to_string().contains("limit"), "{given_up}");
        assert_eq!(found(&endless, "aaa", 0, None), Some((0, 3)));
    }
}

proptest::proptest! {
    #[test]
    fn bytes_are_cut_into_whole_characters(text in ".{0,20}", cut in 0_usize..80) {
        let bytes = &text.as_bytes()[..cut.min(text.len())];
        let end = whole_characters(bytes);
        proptest::prop_assert!(text.is_char_boundary(end) && bytes.len() - end < 4);
    }

    #[test]
    fn anything_may_be_searched(text in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..100), from in 0_usize..120) {
        for (expression, options) in [("(?<=a)b|\\bc.*d", ""), ("\u{e9}+|.{3}", "utf"), ("^$", "multiline")] {
            for last in [false, true] {
                if let Search::NotBefore(place) = pattern(expression, options).search(&text, from, None, last).unwrap_or(Search::NotBefore(from)) {
                    proptest::prop_assert!(place >= from);
                }
            }
        }
    }
}
