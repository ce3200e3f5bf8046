use super::*;
use crate::config::diagnostic::Diagnostic;
use crate::config::source::Refusal;
use crate::config::syntax::Chunk;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Files that are only stated. A name that ends in `+x` is executable, and goes without the ending.
#[derive(Debug, Default)]
pub(super) struct Memory(BTreeMap<PathBuf, Result<Vec<u8>, Refusal>>);

impl Memory {
    pub(super) fn with(files: &[(&str, &str)]) -> Self {
        let file = |&(name, text): &(&str, &str)| match name.strip_suffix("+x") {
            Some(name) => (PathBuf::from(name), Err(Refusal::Executable)),
            None => (PathBuf::from(name), Ok(text.as_bytes().to_vec())),
        };
        Self(files.iter().map(file).collect())
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> Result<Vec<u8>, Refusal> {
        match self.0.get(path) {
            Some(contents) => contents.clone(),
            None if self.exists(path) => Err(Refusal::Directory),
            None => Err(Refusal::Missing),
        }
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        let below = self.0.keys().filter_map(|path| path.strip_prefix(directory).ok()?.components().next());
        let names: BTreeSet<_> = below.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        names.into_iter().rev().collect()
    }

    fn exists(&self, path: &Path) -> bool {
        let directory = self.0.keys().any(|known| known != path && known.starts_with(path));
        directory || (self.0.contains_key(path) && !path.as_os_str().to_string_lossy().ends_with('/'))
    }
}

fn options() -> Options {
    Options {
        pattern: "main.conf".into(),
        config_id: "foo".to_owned(),
        directory: "/etc/k".into(),
        environment: HashMap::from([("HOME".to_owned(), "/root".to_owned()), ("ODD".to_owned(), "a\nb".to_owned())]),
        ..Options::default()
    }
}

/// Everything the reader made: lines as `LINE:TEXT`, in the order they came.
#[derive(Debug)]
struct Read {
    lines: Vec<String>,
    problems: Diagnostics,
    sources: Sources,
}

impl Read {
    /// As `FILE:LINE: TEXT`, the main file being nameless.
    fn messages(&self) -> Vec<String> {
        let shown = |d: &Diagnostic| match d.at {
            None => d.text.clone(),
            Some(at) if at.file == 0 => format!("{}: {}", at.line, d.text),
            Some(at) => {
                let source = self.sources.get(at.file).expect("a file that was read");
                format!("{}:{}: {}", source.path.display(), at.line, d.text)
            }
        };
        self.problems.iter().map(shown).collect()
    }

    fn text(&self) -> String {
        self.lines.join("\n")
    }
}

fn read_with(files: &dyn Files, options: &Options) -> Read {
    let mut reader = Reader::new(files, options);
    let mut problems = Diagnostics::default();
    let mut lines = Vec::new();
    loop {
        let mut chunk = Chunk::default();
        let more = reader.fill(&mut chunk, &mut problems);
        for (text, at) in chunk.lines() {
            assert_eq!(usize::try_from(at.order).expect("few lines"), lines.len(), "order counts lines");
            assert_clean(text);
            let source = if at.file == 0 {
                String::new()
            } else {
                let name = reader.sources.get(at.file).expect("a file that was read").path.clone();
                format!("{}:", name.display())
            };
            lines.push(format!("{source}{}:{text}", at.line));
        }
        if !more {
            break;
        }
    }
    Read { lines, problems, sources: reader.into_sources() }
}

/// The promise to the grammar.
fn assert_clean(text: &str) {
    assert!(!text.is_empty() && text.trim_matches(physical::blank) == text && !text.contains(['\n', '\0']), "{text:?}");
    let mut quoted = false;
    for (n, b) in text.bytes().enumerate() {
        match b {
            b'"' => quoted = !quoted,
            b'{' if !quoted => assert_eq!(n + 1, text.len(), "{text:?}"),
            b'}' if !quoted => assert_eq!(text, "}"),
            _ => {}
        }
    }
}

fn read(text: &str) -> Read {
    read_with(&Memory::with(&[("/etc/k/main.conf", text)]), &options())
}

/// Rows of a text with `;` for its newlines, the lines wanted, joined by `;` too, and the messages wanted.
fn check(rows: &[(&str, &str, &[&str])]) {
    for &(text, lines, messages) in rows {
        let seen = read(&text.replace(';', "\n"));
        assert_eq!(seen.lines.join(";"), lines, "{text}");
        assert_eq!(seen.messages(), messages, "{text}");
    }
}

#[test]
fn plain_lines_pass_as_they_are() {
    check(&[
        ("", "", &[]),
        ("# only; ! comments;\t;", "", &[]),
        ("global_defs {;  router_id x;}", "1:global_defs {;2:router_id x;3:}", &[]),
        ("a b\r;\x0cc\x0bd\x0c;e\tf", "1:a b;2:c\x0bd;3:e\tf", &[]),
        ("vrrp_garp_master_delay 'a b' # c;x a#b c;x a\\#b", "1:vrrp_garp_master_delay 'a b';2:x a;3:x a#b", &[]),
        ("x \"a#b !c\" ! d;ab\"cd ef\"gh;x \"\"", "1:x \"a#b !c\";2:ab\"cd ef\"gh;3:x \"\"", &[]),
        ("user@host ~tilde;a ~SEQ(N,2);~FOO(A,1) a", "1:user@host ~tilde;2:a ~SEQ(N,2);3:~FOO(A,1) a", &[]),
        ("äöü;é {", "1:äöü;2:é {", &[]),
        ("includes x;include;include{", "1:includes x;2:include;3:include {", &[]),
    ]);
}

#[test]
fn braces_outside_double_quotes_cut_lines() {
    check(&[
        ("global_defs{;x;}", "1:global_defs{;2:x;3:}", &[]),
        ("global_defs { router_id x }", "1:global_defs {;1:router_id x;1:}", &[]),
        ("a;{ b;}", "1:a;2:{;2:b;3:}", &[]),
        ("a {;b } c {;d", "1:a {;2:b;2:};2:c {;3:d", &[]),
        ("a{b}c", "1:a {;1:b;1:};1:c", &[]),
        ("{{}}", "1:{;1:{;1:};1:}", &[]),
        ("x \"a{b}c\" {", "1:x \"a{b}c\" {", &[]),
        ("x \"}\"", "1:x \"}\"", &[]),
        ("a'b{c'd", "1:a'b {;1:c'd", &[]),
        ("a\\{b", "1:a\\ {;1:b", &[]),
        ("x \"a\\\"{\\\"b\"", "1:x \"a\\\" {;1:\\\"b\"", &[]),
    ]);
}

#[test]
fn quotes_that_do_not_match_are_told_once() {
    check(&[
        ("router_id \"x {", "1:router_id \"x {", &["1: Unterminated quote 'router_id \"x {'"]),
        ("x \"a\\\"b\"", "1:x \"a\\\"b\"", &["1: Unmatched quote: 'x \"a\\\"b\"'"]),
        ("x \"a\\\" # b", "1:x \"a\\\" # b", &["1: Unterminated quote 'x \"a\\\" # b'"]),
        ("$A=\"1;x${A}y", "2:x\"1y", &["1: Unterminated quote '$A=\"1'", "2: Unmatched quote: 'x\"1y'"]),
    ]);
}

#[test]
fn a_backslash_continues_nothing_but_definitions() {
    check(&[("delay \\;x12", "1:delay\\;2:x12", &[]), ("\\;x", "1:\\;2:x", &[]), ("x \"y\" \\", "1:x \"y\"\\", &[])]);
}

#[test]
fn conditions_keep_lines_or_drop_them() {
    check(&[
        ("@foo a;@bar b;@^foo c;@^bar d;e", "1:a;4:d;5:e", &[]),
        ("@foo;@^foo;@ foo x;@foo{ x;@foo,y;@", "", &[]),
        ("@foo @foo x", "1:@foo x", &[]),
        ("@foo\ty; @foo z;a @foo b", "1:y;2:z;3:a @foo b", &[]),
        ("@bar a { b;@foo };@foo c { d }", "2:};3:c {;3:d;3:}", &[]),
        ("@standfast x;@^standfast y;@^bar @standfast", "1:x;3:@standfast", &[]),
        ("@foo $A=1;@bar $A=2;x$A", "3:x1", &[]),
        ("@foo ~SEQ(N,2) x$N;@bar ~SEQ(N,2) y$N", "1:x1;1:x2", &[]),
        ("a { @foo b;} @bar c;} @foo d", "1:a {;1:b;2:};3:};3:d", &[]),
    ]);
}

#[test]
fn definitions_expand_where_they_are_used() {
    check(&[
        ("$A=x1;k $A;ky${A}z", "2:k x1;3:kyx1z", &[]),
        ("$A=x1;y$Az $A.5 \"$A\" $A/24 $A;y$A,$A)", "2:y$Az $A.5 \"$A\" $A/24 x1;3:yx1,x1)", &[]),
        ("$A=1;\"$A b\" \"${A}\"", "2:\"1 b\" \"1\"", &[]),
        ("$A =x1;$1A=x", "1:$A =x1;2:$1A=x", &[]),
        ("$B=x${A}y;$A=one;$B", "3:xoney", &[]),
        ("$A=;x${A}y;$A", "2:xy", &[]),
        ("$A=1;$A=2;x$A", "3:x2", &[]),
        ("$A= 1 ;x${A}y", "2:x1y", &[]),
        ("$;$$;$ A;x$;a$1", "1:$;2:$$;3:$ A;4:x$;5:a$1", &[]),
        ("k $U;k $U {;$U", "1:k $U;2:k $U {;3:$U", &[]),
        ("$A=foo { bar };$A", "2:foo {;2:bar;2:}", &[]),
        ("$A=foo {$B;$B=bar 1;$A", "3:foo {;3:bar 1", &[]),
        ("$A=x\\#y;k $A z;k \"${A}\"", "2:k x;3:k \"x#y\"", &[]),
        ("$A=1;k x\\#y$A", "2:k x#y1", &[]),
        ("a\\${_HASH}b", "1:a#b", &[]),
        ("$M=0;q$M${_HASH}'", "2:q0", &[]),
        ("$C=${_HASH};$C a b;a $C b;a \"${_HASH}\";a${_BANG}b", "3:a;4:a \"#\";5:a", &[]),
        ("k ${_PWD};$_PWD=over;k $_PWD", "1:k /etc/k;3:k over", &[]),
        ("k ${_INSTANCE}.$_INSTANCE.;k ${_ENV HOME} ${_ENV NONE}x ${_ENV ODD}", "1:k foo.$_INSTANCE.;2:k /root x a b", &[]),
        ("$P1=yes;$N=1;k ${P${N}};k $P${N};k \"${P${N}}\"", "3:k yes;4:k yes;5:k \"yes\"", &[]),
        ("$Q=$;$AB=yes;x${Q}AB", "3:xyes", &[]),
    ]);
}

#[test]
fn what_a_definition_brings_to_the_front_is_obeyed() {
    check(&[
        ("$A=@foo zz;$A;@foo $A;$B=@bar;$B x", "2:zz;3:zz", &[]),
        ("$S=~SEQ(N,2) q$N;$S", "2:q1;2:q2", &[]),
        ("$N=9;$S=~SEQ(N,2) q$N;$S;x { $S", "3:q1;3:q2;4:x {;4:q1;4:q2", &[]),
        ("$A=$B=7;$A;x$B", "3:x7", &[]),
        ("$E=;$E @bar x;$E @foo y;$E $Z=5;x$Z", "3:y;5:x5", &[]),
        ("$V=~SEQ(ID,1,2) $W;$W= \\;a$ID \\;b;~SEQ(NUM,3,4) $V", "5:a1;5:b;5:a2;5:b;5:a1;5:b;5:a2;5:b", &[]),
    ]);
}

#[test]
fn definitions_of_several_lines_end_a_line() {
    check(&[
        ("$A=x \\; y \\ # e; z;$A;$A=x \\; ;y;$A", "4:x;4:y;4:z;7:y;8:x", &[]),
        ("$B= \\;global_defs { \\; x \\;};$B", "5:global_defs {;5:x;5:}", &[]),
        ("$A= \\;  p q \\;   r;s$A;s${A};{$A", "4:sp q;4:r;5:sp q;5:r;6:{;6:p q;6:r", &[]),
        ("$A= \\;  \\;  \\;x;$A;${A}y;$B= \\;;x;$B", "5:x;6:xy;9:x", &[]),
        ("$A= \\;@foo one \\;@bar two \\;three $B;$B=4;$A", "6:one;6:three 4", &[]),
        ("$A= \\;$B=5 \\;x $B \\;~SEQ(N,2) $C;$C= \\;x$N \\;y$N;$A", "8:x 5;8:x1;8:y1;8:x2;8:y2", &[]),
        ("$A=x$B;$B= \\;1 \\;2;$A", "5:x1;5:2", &[]),
        ("$A=x \\;y\\#z;$A", "3:x;3:y#z", &[]),
        (
            "$A=x \\;y;s$A t;s${A}t;\"${A} t\"",
            "3:s$A t;4:s$At;5:\"${A} t\"",
            &[
                "3: $A has several lines and can only stand at the end of a line",
                "4: $A has several lines and can only stand at the end of a line",
            ],
        ),
        ("@bar $B= \\;x \\;y", "2:x\\;3:y", &[]),
        ("$A=x \\;# c \\;y;$A", "4:x;4:y", &["2: Comment line within a definition of several lines"]),
        ("$A=x \\;# c;y", "3:y", &[]),
        ("$A=x \\;y # c \\;z", "3:z", &["2: the backslash is part of the comment: the definition ends here"]),
        ("a;$A=x \\", "1:a", &["2: the definition of $A does not end"]),
    ]);
}

#[test]
fn an_undefined_name_costs_no_braces() {
    check(&[
        ("b${U} {;c;}", "1:b$U {;2:c;3:}", &["1: Undefined definition '${U}'"]),
        ("b \"${U}\"", "1:b \"${U}\"", &[]),
        (
            "b ${U:-x} ${} ${_ENV}",
            "1:b $U:-x $ $_ENV",
            &["1: Undefined definition '${U:-x}'", "1: Undefined definition '${}'", "1: Undefined definition '${_ENV}'"],
        ),
        ("b ${U", "1:b $ {;1:U", &[]),
        ("b ${P${N}}", "1:b $P$N", &["1: Undefined definition '${N}'", "1: Undefined definition '${P$N}'"]),
        ("k \"${_ENV $B=}\";k ${_ENV $B=} {", "1:k \"${_ENV $B=}\";2:k $_ENV $B= {", &["2: Undefined definition '${_ENV $B=}'"]),
        ("$V=HOME;k ${_ENV ${V}} ${_ENV $V }", "2:k /root /root", &[]),
        ("$N=1;b ${P${N}} {", "2:b $P1 {", &["2: Undefined definition '${P1}'"]),
        ("$N=1;b ${P${N} {", "2:b $P1 {", &["2: Undefined definition '${P1 }'"]),
        (
            "k ${_RANDOM 9 3};~SEQ(N,2) k ${U}",
            "1:k 9;2:k $U;2:k $U",
            &["1: Maximum is less than minimum in '${_RANDOM 9 3}'", "2: Undefined definition '${U}'"],
        ),
    ]);
}

#[test]
fn definitions_that_use_themselves_are_refused_at_once() {
    for (text, place, chain) in [
        ("$A=$A\n$A", 2, "$A -> $A"),
        ("$A=x ${B} y\n$B=${C}\n$C=${A}\nk $A", 4, "$A -> $B -> $C -> $A"),
        ("$A= \\\nx \\\n$A\n$A", 4, "$A -> $A"),
        ("$A= \\\nx$A \\\ny\n$A", 4, "$A -> $A"),
        ("$A= \\\nx \\\n$B\n$B= \\\ny \\\nz $A\n$A", 7, "$A -> $B -> $A"),
        ("$S=~SEQ(N,3) $S\n$S", 2, "$S -> $S"),
        ("$A=${${B}}\n$B=A\nk $A", 3, "$A -> $A"),
        ("$S=~SEQ(N,$S) x\n$S", 2, "$S -> $S"),
    ] {
        let seen = read(text);
        let messages: Vec<_> = seen.problems.iter().map(|d| (d.at.map(|at| at.line), d.text.as_str(), d.hint.as_deref())).collect();
        assert_eq!(messages, [(Some(place), "a definition uses itself - ignoring the line", Some(chain))], "{text}");
    }
    // A definition that was made anew meanwhile is another one.
    check(&[("$A= \\;$A=foo \\;x $A;$A", "4:x foo", &[])]);
    // Twice is not within.
    check(&[("$A=1;$B=${A}${A};k $A $B ${B}$A", "3:k 1 11 111", &[])]);
}

#[test]
fn sequences_repeat_what_is_behind_them() {
    check(&[
        ("~SEQ(N, 3) x$N", "1:x1;1:x2;1:x3", &[]),
        ("~SEQ(N, 10, -5, 0) x$N", "1:x10;1:x5;1:x0", &[]),
        ("~SEQx(N, 9, 11) x$N", "1:x9;1:xa;1:xb", &[]),
        ("~SEQ(N,1,2) ~SEQ(M,1,2) ${N}.${M}", "1:1.1;1:1.2;1:2.1;1:2.2", &[]),
        ("~SEQ(N,1,2) ~SEQ(M,$N,2) ${N}.${M}", "1:1.1;1:1.2;1:2.2", &[]),
        ("~LST({A, B}, {1, x}, {2, y}, {3}) a${A}-${B}", "1:a1-x;1:a2-y;1:a3-", &[]),
        ("$M=2;~SEQ(N,1,$M) a$N;~LST(N,$M,${M}0) a$N", "2:a1;2:a2;3:a2;3:a20", &[]),
        ("$N=7;~SEQ(N,2) a { b$N };x$N", "2:a {;2:b1;2:};2:a {;2:b2;2:};3:x2", &[]),
        ("$B= \\;x$N {\\;y \\;};~SEQ(N,2) $B", "5:x1 {;5:y;5:};5:x2 {;5:y;5:}", &[]),
        ("~SEQ(N,2)", "", &[]),
        ("~SEQ(N, 0, -5, 10) x", "", &["1: Invalid ~SEQ values '~SEQ(N, 0, -5, 10) x'"]),
        ("~SEQ(N) x", "", &["1: Invalid ~SEQ definition '~SEQ(N) x'"]),
        ("~SEQ(N,$U) x", "", &["1: Invalid ~SEQ definition '~SEQ(N,$U) x'"]),
        ("~SEQ(N,2", "", &["1: Invalid ~SEQ specification '~SEQ(N,2'"]),
        ("~LST(N,a b) x", "", &["1: Invalid ~LST specification '~LST(N,a b) x'"]),
    ]);
}

fn files(main: &str, others: &[(&str, &str)]) -> Read {
    let mut all = vec![("/etc/k/main.conf", main)];
    all.extend_from_slice(others);
    read_with(&Memory::with(&all), &options())
}

#[test]
fn includes_are_read_in_place_and_relative_to_their_file() {
    let others = [
        ("/etc/k/inc/a.conf", "a $_PWD\ninclude b.conf\nc"),
        ("/etc/k/inc/b.conf", "b"),
        ("/etc/k/open.conf", "x {\ny"),
        ("/etc/k/a b", "blank"),
    ];
    let seen = files(
        "m\ninclude inc/a.conf # d\ninclude open.conf\n}\ninclude a b\ng { include inc/b.conf\n@foo include inc/b.conf\n$I=include inc/b.conf\n$I\n$F=inc/b.conf\ninclude $F\ninclude inc/{b,a*}.conf",
        &others,
    );
    let want = "1:m|inc/a.conf:1:a /etc/k/inc|b.conf:1:b|inc/a.conf:3:c|open.conf:1:x {|open.conf:2:y|4:}|a b:1:blank|6:g {\
        |inc/b.conf:1:b|inc/b.conf:1:b|inc/b.conf:1:b|inc/b.conf:1:b|inc/b.conf:1:b|inc/a.conf:1:a /etc/k/inc|b.conf:1:b|inc/a.conf:3:c";
    assert_eq!(seen.lines.join("|"), want);
    assert!(seen.problems.is_empty(), "{:?}", seen.messages());
    let inner = seen.sources.get(2).expect("b.conf");
    assert_eq!(inner.included_at.map(|at| (at.file, at.line)), Some((1, 2)));
    assert_eq!(seen.sources.get(1).and_then(|s| s.included_at).map(|at| (at.file, at.line)), Some((0, 2)));
}

#[test]
fn includes_that_find_nothing_say_so_and_weigh_what_was_asked_for() {
    let others = [("/etc/k/d/a.conf", "a"), ("/etc/k/exe.conf+x", ""), ("/etc/k/x y", "xy")];
    for (line, status, messages, lines) in [
        ("include zz", 0, "1: Config files missing 'zz'.", ""),
        ("includer zz", 0, "1: Config files missing 'zz'.", ""),
        ("includem zz", 6, "1: Config files missing 'zz'.", ""),
        ("includew zz", 6, "1: Config files missing 'zz'.", ""),
        ("includea zz", 6, "1: Config files missing 'zz'.", ""),
        ("includeb zz", 0, "1: Config files missing 'zz'.", ""),
        ("include d/z*", 0, "", ""),
        ("includem d/z*", 0, "", ""),
        ("includew d/z*", 6, "1: No config files matched 'd/z*'.", ""),
        ("includea d/z*", 6, "1: No config files matched 'd/z*'.", ""),
        ("include zz/*", 0, "1: Config files missing 'zz/*'.", ""),
        ("includem zz/*", 6, "1: Config files missing 'zz/*'.", ""),
        ("include d/{a,z}.conf", 0, "1: Some config files missing: \"d/{a,z}.conf\".", "d/a.conf:1:a"),
        ("includeb d/{a,z}.conf", 6, "1: Some config files missing: \"d/{a,z}.conf\".", ""),
        ("includeb {zz}", 6, "1: Config files missing '{zz}'.", ""),
        ("include d", 0, "1: Configuration file 'd/' is a directory - skipping", ""),
        ("includer d", 6, "1: Configuration file 'd/' is a directory - skipping", ""),
        ("include exe.conf", 0, "1: Configuration file 'exe.conf' is not a regular non-executable file - skipping", ""),
        ("includer exe.conf", 6, "1: Configuration file 'exe.conf' is not a regular non-executable file - skipping", ""),
        ("include \"x y\"", 0, "1: Config files missing '\"x y\"'.", ""),
        ("include x y", 0, "", "x y:1:xy"),
        ("include x y }", 0, "1: Config files missing 'x y }'.", ""),
        ("include ${U}", 0, "1: Config files missing '${U}'.", ""),
        ("Include x", 0, "", "1:Include x"),
        ("includez x", 0, "", "1:includez x"),
    ] {
        let seen = files(line, &others);
        assert_eq!(seen.messages().join("|"), messages, "{line}");
        assert_eq!((seen.problems.exit_status(), seen.text().as_str()), (status, lines), "{line}");
    }
    let hint = |line| files(line, &others).problems.iter().next().and_then(|d| d.hint.clone()).unwrap_or_default();
    assert!(hint("include \"x y\"").contains("quotes"));
    assert!(hint("include ~/x").contains("tilde"));
    assert_eq!(hint("include zz"), "looked for in /etc/k");
}

#[test]
fn include_check_acts_on_what_is_read_after_it() {
    for (text, status) in [
        ("include zz;global_defs {;include_check;}", 0),
        ("global_defs {;include_check;};include zz", 6),
        ("global_defs { include_check };include zz", 6),
        ("global_defs {;include_check match;};include zz", 6),
        ("global_defs {;include_check read;};include zz", 0),
        ("global_defs {;include_check wildcard_match;};include zz;include z*", 6),
        ("global_defs {;include_check match wildcard_match;};include z*", 0),
        ("global_defs {;include_check +wildcard_match +match;};include z*", 6),
        ("global_defs {;include_check;include_check -match;};include zz", 0),
        ("include_check;include zz", 0),
        ("global_defs {;include_check nonsense;};include zz", 0),
        ("include on.conf;include zz", 0),
        ("include on.conf;global_defs {;include_check match;};include on.conf;include zz", 6),
    ] {
        let others = [("/etc/k/on.conf", "global_defs {\ninclude_check\n}")];
        assert_eq!(files(&text.replace(';', "\n"), &others).problems.exit_status(), status, "{text}");
    }
    let strict = Options { include_check: Checks::ALL, ..options() };
    assert_eq!(read_with(&Memory::with(&[("/etc/k/main.conf", "include zz")]), &strict).problems.exit_status(), 6);
    let kept = read("global_defs {\n include_check +match\n}");
    assert_eq!(kept.lines, ["1:global_defs {", "2:include_check +match", "3:}"]);
}

#[test]
fn a_file_within_itself_is_refused_with_its_chain() {
    let seen = files("a\ninclude b.conf\nz", &[("/etc/k/b.conf", "b\ninclude ././main.conf\nc")]);
    assert_eq!(seen.lines, ["1:a", "b.conf:1:b", "b.conf:3:c", "3:z"]);
    assert_eq!(seen.messages(), ["b.conf:2: '././main.conf' includes itself - ignoring"]);
    let hint = seen.problems.iter().next().and_then(|d| d.hint.clone());
    assert_eq!(hint.as_deref(), Some("/etc/k/main.conf includes /etc/k/b.conf includes /etc/k/main.conf"));
}

#[test]
fn the_main_file_may_be_missing_or_several() {
    let files = Memory::with(&[("/etc/k/d/b.conf", "b"), ("/etc/k/d/a.conf", "a"), ("/etc/k/x.conf+x", "")]);
    for (pattern, status, lines, messages) in [
        ("d/*.conf", 5, "1:a|d/b.conf:1:b", "WARNING, multiple configuration file matches of d/*.conf, starting with d/a.conf"),
        ("/etc/k/d/a.conf", 0, "1:a", ""),
        ("zz", 0, "", "Config files missing 'zz'."),
        ("zz*", 0, "", "Config files missing 'zz*'."),
        ("d", 0, "", "Configuration file 'd/' is a directory - skipping"),
        ("x.conf", 0, "", "Configuration file 'x.conf' is not a regular non-executable file - skipping"),
    ] {
        let seen = read_with(&files, &Options { pattern: pattern.into(), ..options() });
        assert_eq!((seen.lines.join("|").as_str(), seen.messages().join("|").as_str()), (lines, messages), "{pattern}");
        assert_eq!(seen.problems.exit_status(), status, "{pattern}");
    }
}

#[test]
fn lines_that_are_no_text_are_refused_alone() {
    let long = "x".repeat(LONGEST_LINE + 1);
    let seen = read(&format!("a\n{long} tail\nb\0c\nd\n{}", &long[1..]));
    assert_eq!(seen.lines.len(), 3);
    assert_eq!((seen.lines[0].as_str(), seen.lines[1].as_str()), ("1:a", "4:d"));
    assert_eq!(seen.messages(), ["2: line too long - ignoring", "3: configuration appears to have embedded NULs"]);
}

#[test]
fn invalid_utf8_is_made_up_for() {
    let mut files = Memory::with(&[]);
    files.0.insert("/etc/k/main.conf".into(), Ok(b"a \xff b\n$A=\xfe\nk ${A} \xc3\x28\n".to_vec()));
    let seen = read_with(&files, &options());
    assert_eq!(seen.lines, ["1:a \u{fffd} b", "3:k \u{fffd} \u{fffd}("]);
}

#[test]
fn hostile_sizes_end_with_a_message_each() {
    // A line far too long for keepalived is none for us, and one of 200 kB is refused.
    let seen = read(&format!("k {}\n{}\n", "x".repeat(60_000), "y ".repeat(100_000)));
    assert_eq!((seen.lines.len(), seen.messages()), (1, vec!["2: line too long - ignoring".to_owned()]));

    let seen = read(&format!("{}{}", "a {\n".repeat(1000), "}\n".repeat(1000)));
    assert_eq!((seen.lines.len(), seen.problems.is_empty()), (2000, true));
    assert_eq!(read(&"{".repeat(60_000)).lines.len(), 60_000);

    let seen = read("~SEQ(N,1000000000) x$N\na");
    assert_eq!((seen.lines.as_slice(), seen.problems.iter().count()), (&["2:a".to_owned()][..], 1));
    let seen = read("~SEQ(A,2000) ~SEQ(B,2000) ~SEQ(C,2000) x\na");
    assert_eq!((seen.lines.last().map(String::as_str), seen.problems.iter().count()), (Some("2:a"), 1));

    // Each definition uses the next one twice.
    let twice = |form: &str| (0..60).map(|n| form.replace('@', &n.to_string()).replace('%', &(n + 1).to_string())).collect::<String>();
    let bomb = read(&format!("{}$A60=x\nk ${{A0}}\nb", twice("$A@=${A%}${A%}\n")));
    assert_eq!((bomb.lines.as_slice(), bomb.problems.iter().count()), (&["63:b".to_owned()][..], 1));
    let empty = read(&format!("{}$A60=\nk ${{A0}}\nb", twice("$A@=${A%}${A%}\n")));
    assert_eq!((empty.lines.as_slice(), empty.problems.iter().count()), (&["63:b".to_owned()][..], 1));
    let lines = read(&format!("{}$A60=\n$A0\nb", twice("$A@= \\\n$A% \\\n$A%\n")));
    assert_eq!((lines.lines.len(), lines.problems.iter().count()), (0, 1));
    let chain: String = (0..1000).map(|n| format!("$A{n}=$A{}\n", n + 1)).collect();
    let deep = read(&format!("{chain}k $A0\nb"));
    assert_eq!((deep.lines.as_slice(), deep.problems.iter().count()), (&["1002:b".to_owned()][..], 1));
    let nested = read(&format!("{}x", "~SEQ(A,1) ".repeat(5000)));
    assert_eq!((nested.lines.len(), nested.problems.iter().count()), (0, 1));
}

#[test]
fn many_files_are_read_and_too_many_refused() {
    let names: Vec<(String, String)> =
        (0..10_000).map(|n| (format!("/etc/k/f{n}.conf"), format!("x{n}\ninclude f{}.conf", n + 1))).collect();
    let borrowed: Vec<(&str, &str)> = names.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let seen = files("include f0.conf\nz", &borrowed);
    assert_eq!((seen.lines.len(), seen.lines.last().map(String::as_str)), (64, Some("2:z")));
    assert_eq!(seen.messages(), ["f62.conf:2: includes are nested more than 64 deep - ignoring 'f63.conf'"]);

    let wide: Vec<(String, String)> = (0..10_000).map(|n| (format!("/etc/k/d/{n:05}"), format!("x{n}"))).collect();
    let borrowed: Vec<(&str, &str)> = wide.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let seen = files("include d/*", &borrowed);
    assert_eq!((seen.lines.len(), seen.problems.is_empty()), (10_000, true));

    // Each of forty files includes the next one twice.
    let twice: Vec<(String, String)> =
        (0..40).map(|n| (format!("/etc/k/t{n}"), format!("include t{}\ninclude t{}", n + 1, n + 1))).collect();
    let mut borrowed: Vec<(&str, &str)> = twice.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    borrowed.push(("/etc/k/t40", "x"));
    let seen = files("include t0\nz", &borrowed);
    assert_eq!((seen.lines.last().map(String::as_str), seen.problems.iter().count()), (Some("2:z"), 1));
}

#[test]
fn chunks_end_where_they_are_full_and_nothing_is_lost() {
    let text: String = (0..20_000).map(|n| format!("$A=1 # {n}\nline {n} \"{{\" ${{A}} {{ x }}\n")).collect();
    let seen = read(&text);
    assert_eq!(seen.lines.len(), 60_000);
    assert_eq!(seen.lines[59_997], "40000:line 19999 \"{\" 1 {");
}

#[test]
fn a_configuration_of_several_files_is_loaded_with_its_problems_in_order() {
    let files = Memory::with(&[
        (
            "/etc/k/main.conf",
            "include b.conf\n$R=bfd_instance ${N} {\n~LST(N, x, y) $R neighbor_ip ${IP}.${N} }\nbfd_instance z { nonsense }",
        ),
        ("/etc/k/b.conf", "bfd_instance b {\n neighbor_ip 192.0.2.2\n bogus 1\n}\n$IP=192.0.2"),
    ]);
    let loaded = crate::config::load(&files, &crate::config::host::Stated::default(), &options());
    assert_eq!(loaded.model.bfd.iter().map(|b| &*b.name).collect::<Vec<_>>(), ["b"]);
    let places: Vec<_> = loaded.problems.iter().filter_map(|d| d.at).map(|at| (at.file, at.line)).collect();
    assert_eq!(places, [(1, 3), (0, 3), (0, 3), (0, 3), (0, 3), (0, 4), (0, 4)]);
    assert_eq!(loaded.problems.exit_status(), 5);
    let at = loaded.problems.iter().next().and_then(|d| d.at).expect("a place");
    assert_eq!(loaded.sources.line(at).as_deref(), Some(" bogus 1"));

    let nothing = crate::config::load(&Memory::default(), &crate::config::host::Stated::default(), &options());
    assert_eq!((nothing.sources.is_empty(), nothing.problems.exit_status(), nothing.problems.worst()), (true, 0, Some(Class::File)));
}
