//! Whatever a configuration holds, reading it ends, and what comes out is what the grammar was promised.

use proptest::collection::{hash_map, vec};
use proptest::prelude::*;
use standfast::config::diagnostic::Diagnostics;
use standfast::config::host::Stated;
use standfast::config::parser::Lines;
use standfast::config::reader::Reader;
use standfast::config::source::{Files, Refusal};
use standfast::config::syntax::Chunk;
use standfast::config::{Options, load};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Files that are only stated.
#[derive(Clone, Debug)]
struct Memory(HashMap<PathBuf, Vec<u8>>);

impl Memory {
    fn one(text: &[u8]) -> Self {
        Self(HashMap::from([(PathBuf::from("/k/a"), text.to_vec())]))
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> Result<Vec<u8>, Refusal> {
        self.0.get(path).cloned().ok_or(Refusal::Missing)
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        let names = self.0.keys().filter(|path| path.parent() == Some(directory)).filter_map(|path| path.file_name());
        names.map(|name| name.to_string_lossy().into_owned()).collect()
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }
}

/// The lines of a configuration whose main file is `/k/a`, each checked against the promise.
fn read(files: &Memory) -> Result<Vec<String>, TestCaseError> {
    let options = Options { pattern: "a".into(), directory: "/k".into(), config_id: "id".to_owned(), ..Options::default() };
    let mut reader = Reader::new(files, &options);
    let mut problems = Diagnostics::default();
    let mut lines = Vec::new();
    loop {
        let mut chunk = Chunk::default();
        let more = reader.fill(&mut chunk, &mut problems);
        for (text, at) in chunk.lines() {
            prop_assert_eq!(usize::try_from(at.order).ok(), Some(lines.len()));
            promised(text)?;
            lines.push(text.to_owned());
        }
        if !more {
            break;
        }
    }
    let sources = reader.into_sources();
    for at in problems.iter().filter_map(|problem| problem.at) {
        prop_assert!(sources.line(at).is_some(), "{:?} is no line", at);
    }
    Ok(lines)
}

fn promised(text: &str) -> Result<(), TestCaseError> {
    let blank = |c| matches!(c, ' ' | '\t' | '\r' | '\x0b' | '\x0c');
    prop_assert!(!text.is_empty() && text.trim_matches(blank) == text && !text.contains(['\n', '\0']), "{:?}", text);
    let mut quoted = false;
    for (n, b) in text.bytes().enumerate() {
        quoted ^= b == b'"';
        prop_assert!(quoted || b != b'{' || n + 1 == text.len(), "{:?}", text);
        prop_assert!(quoted || b != b'}' || text == "}", "{:?}", text);
    }
    Ok(())
}

fn all(files: &Memory) -> Result<(), TestCaseError> {
    let first = read(files)?;
    prop_assert_eq!(read(files)?, first, "reading twice gives the same");
    let options = Options { pattern: "a".into(), directory: "/k".into(), ..Options::default() };
    let loaded = load(files, &Stated::default(), &options);
    prop_assert!(matches!(loaded.problems.exit_status(), 0 | 2 | 4 | 5 | 6));
    Ok(())
}

/// Pieces that mean something to the reader, and some that only nearly do.
fn piece() -> impl Strategy<Value = String> {
    let fixed = [
        "{",
        "}",
        " { ",
        " } ",
        "\"",
        "\\",
        "\\\"",
        "\\#",
        "#",
        "!",
        "'",
        "$",
        "${",
        "$A",
        "${A}",
        "$B ",
        "${B}",
        "${C",
        "${P$A}",
        "$C,",
        "$A=",
        "$B=",
        "$C= ",
        "$A=$B",
        "$B=${C}${C}",
        "@id ",
        "@^id ",
        "@no ",
        "@",
        "~SEQ(",
        "~SEQ(A,3) ",
        "~SEQ(B, 1, $A) ",
        "~SEQx(C,9,-1)",
        "~LST(A,b,c) ",
        "~LST({A,B},{1,2},3) ",
        "~FOO(A)",
        "${_RANDOM 1 9}",
        "${_ENV X}",
        "${_HASH}",
        "$_PWD",
        "$_INSTANCE ",
        "include a",
        "include b",
        "includea {b,c}",
        "includem *",
        "include_check",
        "include ",
        "global_defs {",
        "bfd_instance x {",
        "neighbor_ip 192.0.2.1",
        "x",
        " ",
        "\t",
        "\u{e9}",
        "\r",
        "\x0b",
        ")",
        ",",
        " \\",
    ];
    prop_oneof![8 => proptest::sample::select(fixed.to_vec()).prop_map(str::to_owned), 1 => "[a-zA-Z_${}\"#@~ ,()=\\\\]{0,6}"]
}

fn text(lines: usize) -> impl Strategy<Value = String> {
    vec(vec(piece(), 0..6).prop_map(|pieces| pieces.concat()), 0..lines).prop_map(|lines| lines.join("\n"))
}

const SAMPLE: &str = r#"
global_defs {
    router_id "a # {b}"   # comment
    include_check +match
}
$IF=eth0
$BLOCK= \
bfd_instance ${NAME} { \
    neighbor_ip 192.0.2.${N} \
@id    min_rx 20 \
} \
# gone \
$END
$END=x y
~SEQ(N, 1, 2, 9) ~LST(NAME, a$N, ${IF}) $BLOCK
@^no bfd_instance z { neighbor_ip 192.0.2.1 } ! end
include {b,c}*
notify "/bin/x \"$IF\" {}" ${_ENV HOME}
"#;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read(bytes in vec(any::<u8>(), 0..400)) {
        all(&Memory::one(&bytes))?;
    }

    #[test]
    fn any_directives_are_read(text in text(12)) {
        all(&Memory::one(text.as_bytes()))?;
    }

    #[test]
    fn any_files_that_include_each_other_are_read(others in hash_map("[abc]", text(4), 1..4), main in text(4)) {
        let mut files = Memory(others.into_iter().map(|(name, text)| (Path::new("/k").join(name), text.into_bytes())).collect());
        files.0.insert("/k/a".into(), main.into_bytes());
        all(&files)?;
    }

    #[test]
    fn a_configuration_that_was_tampered_with_is_read(changes in vec((0..SAMPLE.len(), 0_usize..6, piece()), 1..8)) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        for (at, length, text) in changes {
            let from = at.min(bytes.len());
            let to = (from + length).min(bytes.len());
            bytes.splice(from..to, text.into_bytes());
        }
        all(&Memory::one(&bytes))?;
    }

    #[test]
    fn lines_of_plain_words_come_out_as_they_went_in(words in vec("[a-h_]{1,8}( [a-z0-9./:]{1,8}){0,3}( \\{)?", 0..50)) {
        prop_assert_eq!(read(&Memory::one(words.join("\n").as_bytes()))?, words);
    }

    #[test]
    fn what_came_out_comes_out_again(text in text(12)) {
        // Clean lines hold nothing that is read another way a second time, unless a sign that was escaped or brought in
        // stands in them.
        let text = text.replace(['$', '@', '~', '\\', '#', '!'], "").replace("include", "");
        let once = read(&Memory::one(text.as_bytes()))?;
        prop_assert_eq!(read(&Memory::one(once.join("\n").as_bytes()))?, once);
    }
}
