//! Dependencies point one way: each layer of `src/` imports only what [`LAYERS`] grants it, and the layers without
//! input and output stay without. docs/ARCHITECTURE.md tells why.
//!
//! The check works on tokens, so comments, strings and code under `#[cfg(test)]` do not count, and an import is found
//! however it is written: `use crate::model`, `use crate::{model, config}`, `crate::model::Model`, `super::super::model`.

#![expect(clippy::disallowed_methods, reason = "it reads the source")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A folder or file directly under `src/`.
struct Layer {
    name: &'static str,
    /// No clock, no randomness, no files, processes, environment or sockets, and none of the crates that bring them.
    pure: bool,
    may_import: Grant,
}

enum Grant {
    Only(&'static [&'static str]),
    /// Every row above.
    Above,
}

const fn pure(name: &'static str, may_import: &'static [&'static str]) -> Layer {
    Layer { name, pure: true, may_import: Grant::Only(may_import) }
}

const fn shell(name: &'static str, may_import: Grant) -> Layer {
    Layer { name, pure: false, may_import }
}

/// Every layer the project has or is to have. A row may grant only rows above it.
const LAYERS: &[Layer] = &[
    shell("sys", Grant::Only(&[])),
    pure("wire", &[]),
    pure("model", &[]),
    pure("effect", &["wire", "model"]),
    pure("config", &["model"]),
    pure("vrrp", &["effect", "wire", "model"]),
    pure("track", &["effect", "wire", "model"]),
    pure("lvs", &["effect", "wire", "model"]),
    pure("probe", &["effect", "wire", "model"]),
    pure("bfd", &["effect", "wire", "model"]),
    pure("notify", &["effect", "wire", "model"]),
    pure("observe", &["effect", "wire", "vrrp", "track", "lvs", "probe", "bfd", "notify", "model"]),
    shell("kernel", Grant::Only(&["effect", "wire", "sys", "model"])),
    pure("cli", &[]),
    shell("runtime", Grant::Above),
    shell("main", Grant::Above),
    // The list of modules; it uses none of them.
    shell("lib", Grant::Only(&[])),
];

impl Layer {
    fn may_import(&self, other: &str) -> bool {
        match self.may_import {
            Grant::Only(granted) => granted.contains(&other),
            Grant::Above => LAYERS.iter().take_while(|above| above.name != self.name).any(|above| above.name == other),
        }
    }
}

/// Crates that read clocks, talk to the kernel or write logs.
const IMPURE_CRATES: &[&str] =
    &["tokio", "nix", "libc", "neli", "rtnetlink", "netlink_proto", "netlink_sys", "socket2", "tracing", "log", "rand", "fastrand"];
/// Parts of the standard library that do the same, as runs of path segments.
const IMPURE_PATHS: &[&[&str]] = &[
    &["Instant", "now"],
    &["SystemTime"],
    &["std", "fs"],
    &["std", "process"],
    &["std", "env"],
    &["std", "os", "unix", "net"],
    &["TcpStream"],
    &["TcpListener"],
    &["UdpSocket"],
];

#[derive(Clone, Debug, PartialEq, Eq)]
enum Lexeme {
    Word(String),
    PathSep,
    Mark(char),
}

#[derive(Clone, Debug)]
struct Token {
    line: usize,
    lexeme: Lexeme,
}

impl Token {
    fn is(&self, mark: char) -> bool {
        self.lexeme == Lexeme::Mark(mark)
    }

    fn word(&self) -> Option<&str> {
        match &self.lexeme {
            Lexeme::Word(word) => Some(word),
            Lexeme::PathSep | Lexeme::Mark(_) => None,
        }
    }
}

/// Words, `::` and single marks; comments, strings, characters and lifetimes are left out.
fn lex(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let (mut tokens, mut line, mut i) = (Vec::new(), 1, 0);
    while i < chars.len() {
        let start = i;
        let mut lexeme = None;
        match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => {
                let mut depth = 0;
                loop {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (depth, i) = (depth + 1, i + 2),
                        ('*', '/') => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                    if depth == 0 || i >= chars.len() {
                        break;
                    }
                }
            }
            '"' => i = after_quoted(&chars, i, '"'),
            'r' | 'b' | 'c' if raw_string_hashes(&chars, i).is_some() => {
                let (hashes, quote) = raw_string_hashes(&chars, i).unwrap_or_default();
                let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                i = quote + 1;
                while i < chars.len() && !chars[i..].starts_with(&end) {
                    i += 1;
                }
                i += end.len();
            }
            // A character, unless it is a lifetime: 'a without a closing quote.
            '\'' if at(i + 1) == '\\' || at(i + 2) == '\'' => i = after_quoted(&chars, i, '\''),
            '\'' => i += 1,
            ':' if at(i + 1) == ':' => {
                i += 2;
                lexeme = Some(Lexeme::PathSep);
            }
            c if c.is_alphanumeric() || c == '_' => {
                while at(i).is_alphanumeric() || at(i) == '_' {
                    i += 1;
                }
                lexeme = Some(Lexeme::Word(chars[start..i].iter().collect()));
            }
            c => {
                i += 1;
                if !c.is_whitespace() {
                    lexeme = Some(Lexeme::Mark(c));
                }
            }
        }
        if let Some(lexeme) = lexeme {
            tokens.push(Token { line, lexeme });
        }
        line += chars[start..i.min(chars.len())].iter().filter(|&&c| c == '\n').count();
    }
    tokens
}

fn after_quoted(chars: &[char], opening: usize, quote: char) -> usize {
    let mut i = opening + 1;
    while i < chars.len() && chars[i] != quote {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

/// For `r"`, `br##"` and the like: how many `#`, and where the quote is.
fn raw_string_hashes(chars: &[char], start: usize) -> Option<(usize, usize)> {
    let mut i = start;
    while i < start + 2 && matches!(chars.get(i), Some('b' | 'c')) {
        i += 1;
    }
    if chars.get(i) != Some(&'r') {
        return None;
    }
    let hashes = chars[i + 1..].iter().take_while(|&&c| c == '#').count();
    (chars.get(i + 1 + hashes) == Some(&'"')).then_some((hashes, i + 1 + hashes))
}

/// Takes out every item under `#[cfg(test)]`; returns the names of test modules that live in files of their own.
fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    const CFG_TEST: [&str; 2] = ["cfg", "test"];
    let (mut kept, mut modules, mut i) = (Vec::new(), Vec::new(), 0);
    while i < tokens.len() {
        let words = || tokens[i..].iter().take(6).filter_map(Token::word);
        let is_cfg_test = tokens[i].is('#') && tokens.get(i + 6).is_some_and(|t| t.is(']')) && words().eq(CFG_TEST);
        if !is_cfg_test {
            kept.push(tokens[i].clone());
            i += 1;
            continue;
        }
        i += 7;
        let item = i;
        let mut depth = 0_usize;
        while let Some(token) = tokens.get(i) {
            i += 1;
            match token.lexeme {
                Lexeme::Mark('{' | '[' | '(') => depth += 1,
                Lexeme::Mark('}') if depth == 1 => break,
                Lexeme::Mark('}' | ']' | ')') => depth = depth.saturating_sub(1),
                Lexeme::Mark(';') if depth == 0 => break,
                _ => {}
            }
        }
        // `mod tests;`, whatever stands before it.
        if let [.., module, name, end] = &tokens[item..i]
            && module.word() == Some("mod")
            && end.is(';')
        {
            modules.extend(name.word().map(str::to_owned));
        }
    }
    (kept, modules)
}

/// All paths that begin at token `i`, groups multiplied out; returns the index after them.
fn paths(tokens: &[Token], mut i: usize, prefix: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(i) {
        match &token.lexeme {
            Lexeme::Word(word) => path.push(word.clone()),
            Lexeme::Mark('*') => path.push("*".to_owned()),
            Lexeme::Mark('{') => {
                i += 1;
                while let Some(token) = tokens.get(i).filter(|token| !token.is('}')) {
                    let path_begins = token.word().is_some() || token.is('*') || token.is('{');
                    i = if path_begins { paths(tokens, i, &path, found) } else { i + 1 };
                }
                return i + 1;
            }
            // `::<` of a call.
            Lexeme::Mark(_) | Lexeme::PathSep => break,
        }
        i += 1;
        if tokens.get(i).is_none_or(|token| token.lexeme != Lexeme::PathSep) {
            break;
        }
        i += 1;
    }
    // The new name of `a as b` is no path of its own.
    if tokens.get(i).and_then(Token::word) == Some("as") && !prefix.is_empty() {
        i += 2;
    }
    found.push(path);
    i
}

/// What a file does that its layer may not: `file:line: what`.
fn offences(file: &Path, text: &str) -> (Vec<String>, Vec<String>) {
    let (tokens, test_modules) = without_tests(&lex(text));
    let mut module: Vec<String> = file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let name = module.first().cloned().unwrap_or_default();
    if module.len() > 1 && module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    let Some(layer) = LAYERS.iter().find(|layer| layer.name == name) else {
        return (vec![format!("{}: '{name}' is no layer: give it a row in tests/layers.rs", file.display())], test_modules);
    };
    let mut offences = Vec::new();
    let mut report = |line: usize, what: String| offences.push(format!("{}:{line}: {what}", file.display()));
    // The brace depths at which inline modules opened.
    let (mut depth, mut inline) = (0_usize, Vec::new());
    let mut i = 0;
    while i < tokens.len() {
        let token = &tokens[i];
        if token.is('{') {
            depth += 1;
            if i >= 2 && tokens[i - 2].word() == Some("mod") {
                inline.push(depth);
            }
        } else if token.is('}') {
            if inline.last() == Some(&depth) {
                inline.pop();
            }
            depth = depth.saturating_sub(1);
        }
        let Some(word) = token.word() else {
            i += 1;
            continue;
        };
        if word == "unsafe" && layer.name != "sys" {
            report(token.line, "unsafe belongs in sys/".to_owned());
        }
        if i > 0 && tokens[i - 1].is('.') {
            i += 1;
            continue;
        }
        let mut found = Vec::new();
        let next = paths(&tokens, i, &[], &mut found);
        let imported = i > 0 && tokens[i - 1].word() == Some("use");
        for path in found {
            let here = module.len() + inline.len();
            if let Some(top) = reaches(&path, here) {
                let known = LAYERS.iter().any(|other| other.name == top);
                if top == "*" {
                    report(token.line, format!("{} imports every layer at once", path.join("::")));
                } else if known && top != layer.name && !layer.may_import(top) {
                    report(token.line, format!("{} may not use {top} ({})", layer.name, path.join("::")));
                }
            }
            if layer.pure && (path.len() > 1 || imported) && IMPURE_CRATES.contains(&path[0].as_str()) {
                report(token.line, format!("{} is pure and may not use the crate {}", layer.name, path[0]));
            }
            let has = |run: &&&[&str]| path.windows(run.len()).any(|window| window == **run);
            if layer.pure
                && let Some(run) = IMPURE_PATHS.iter().find(has)
            {
                report(token.line, format!("{} is pure and may not use {}", layer.name, run.join("::")));
            }
        }
        i = next.max(i + 1);
    }
    (offences, test_modules)
}

/// The segment right under the crate's root that a path names, when it leads there from a module `depth` levels down.
fn reaches(path: &[String], depth: usize) -> Option<&str> {
    let first = path.first()?;
    if first == "crate" || first == "standfast" {
        return path.get(1).map(String::as_str);
    }
    let steps = path.iter().take_while(|part| *part == "super" || *part == "self").filter(|part| *part == "super").count();
    let rest = path.iter().find(|part| *part != "super" && *part != "self");
    if steps > 0 && steps >= depth { rest.map(String::as_str) } else { None }
}

fn source_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("src/ can be listed");
    for path in entries.map(|entry| entry.expect("src/ can be listed").path()) {
        if path.is_dir() {
            source_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_layer_reaches_where_it_may_not() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&src, &mut files);
    files.sort();
    let mut found = Vec::new();
    let mut tests = BTreeSet::new();
    for path in &files {
        let file = path.strip_prefix(&src).expect("it was found there");
        let text = std::fs::read_to_string(path).expect("source is readable text");
        let (offences, modules) = offences(file, &text);
        // src/a/mod.rs and src/a.rs both keep their submodules in src/a/; main.rs and lib.rs keep theirs in src/.
        let stem = file.with_extension("");
        let folder = match stem.iter().next_back().and_then(|last| last.to_str()) {
            Some("mod" | "main" | "lib") => stem.parent().unwrap_or(Path::new("")).to_owned(),
            _ => stem,
        };
        tests.extend(modules.into_iter().map(|module| folder.join(module)));
        found.push((file, offences));
    }
    let mut report = String::new();
    for (file, offences) in found {
        let is_test = tests.iter().any(|test| file.with_extension("") == *test || file.starts_with(test));
        for offence in offences.into_iter().filter(|_| !is_test) {
            writeln!(report, "src/{offence}").expect("writing to memory");
        }
    }
    assert!(report.is_empty(), "\n{report}");
    assert!(files.iter().any(|file| file.ends_with("src/config/mod.rs")), "the walk found nothing");
}

#[test]
fn the_table_points_one_way() {
    for (index, layer) in LAYERS.iter().enumerate() {
        for below in &LAYERS[index..] {
            assert!(!layer.may_import(below.name), "{} may import {}", layer.name, below.name);
        }
        for impure in LAYERS.iter().filter(|other| !other.pure) {
            assert!(!layer.pure || !layer.may_import(impure.name), "{} is pure, {} is not", layer.name, impure.name);
        }
        if let Grant::Only(granted) = layer.may_import {
            assert!(granted.iter().all(|name| LAYERS.iter().any(|other| other.name == *name)), "{} grants what is not there", layer.name);
        }
    }
}

#[test]
fn wrong_code_is_found() {
    for (file, code, want) in [
        ("model/mod.rs", "use crate::config::Draft;", "model/mod.rs:1: model may not use config (crate::config::Draft)"),
        ("model/lvs.rs", "\n\nfn f(_: crate::wire::Packet) {}", "model/lvs.rs:3: model may not use wire (crate::wire::Packet)"),
        ("wire/arp.rs", "use crate::model;", "wire/arp.rs:1: wire may not use model (crate::model)"),
        ("config/args.rs", "use crate::{model::Model, kernel as k};", "config/args.rs:1: config may not use kernel (crate::kernel)"),
        (
            "config/args.rs",
            "use crate::{model::{self, a::{b, c}}, runtime::{x, y}};",
            "config/args.rs:1: config may not use runtime (crate::runtime::x)",
        ),
        ("config/args.rs", "use super::super::effect;", "config/args.rs:1: config may not use effect (super::super::effect)"),
        ("config/mod.rs", "mod a { use super::super::lvs::X; }", "config/mod.rs:1: config may not use lvs (super::super::lvs::X)"),
        ("config/mod.rs", "macro_rules! m { () => { $crate::vrrp::X } }", "config/mod.rs:1: config may not use vrrp (crate::vrrp::X)"),
        ("config/mod.rs", "pub(crate) use crate::*;", "config/mod.rs:1: crate::* imports every layer at once"),
        ("vrrp/state.rs", "use crate::lvs::table;", "vrrp/state.rs:1: vrrp may not use lvs (crate::lvs::table)"),
        ("observe/json.rs", "use crate::kernel::ledger;", "observe/json.rs:1: observe may not use kernel (crate::kernel::ledger)"),
        ("kernel/ledger.rs", "use crate::vrrp::Engine;", "kernel/ledger.rs:1: kernel may not use vrrp (crate::vrrp::Engine)"),
        ("cli/mod.rs", "use crate::runtime::Role;", "cli/mod.rs:1: cli may not use runtime (crate::runtime::Role)"),
        ("sys/mod.rs", "use crate::runtime;", "sys/mod.rs:1: sys may not use runtime (crate::runtime)"),
        ("helpers.rs", "", "helpers.rs: 'helpers' is no layer: give it a row in tests/layers.rs"),
        ("vrrp/state.rs", "let now = Instant::now();", "vrrp/state.rs:1: vrrp is pure and may not use Instant::now"),
        ("vrrp/state.rs", "let now = std::time::Instant::now();", "vrrp/state.rs:1: vrrp is pure and may not use Instant::now"),
        ("bfd/mod.rs", "use std::time::{Duration, SystemTime};", "bfd/mod.rs:1: bfd is pure and may not use SystemTime"),
        ("config/source.rs", "use std::{fs, path::Path};", "config/source.rs:1: config is pure and may not use std::fs"),
        ("config/source.rs", "let a = std::env::var(\"A\");", "config/source.rs:1: config is pure and may not use std::env"),
        ("notify/mod.rs", "std::process::Command::new(x)", "notify/mod.rs:1: notify is pure and may not use std::process"),
        ("probe/tcp.rs", "use std::net::{IpAddr, TcpStream};", "probe/tcp.rs:1: probe is pure and may not use TcpStream"),
        ("effect/mod.rs", "use nix::unistd::getpid;", "effect/mod.rs:1: effect is pure and may not use the crate nix"),
        ("effect/mod.rs", "use rand;", "effect/mod.rs:1: effect is pure and may not use the crate rand"),
        ("lvs/table.rs", "tracing::info!(\"x\");", "lvs/table.rs:1: lvs is pure and may not use the crate tracing"),
        ("runtime/clock.rs", "let x = unsafe { f() };", "runtime/clock.rs:1: unsafe belongs in sys/"),
        (
            "lvs/mod.rs",
            "#[cfg(test)]\nmod tests { fn f() { std::fs::read(x); } }\nuse std::fs;",
            "lvs/mod.rs:3: lvs is pure and may not use std::fs",
        ),
        ("lvs/mod.rs", "#[cfg(test)]\nuse std::fs;\nuse std::env;", "lvs/mod.rs:3: lvs is pure and may not use std::env"),
    ] {
        let (offences, _) = offences(Path::new(file), code);
        assert!(offences.iter().any(|offence| offence == want), "{file}: {code}\nwanted {want}\ngot {offences:#?}");
    }
}

#[test]
fn right_code_passes() {
    for (file, code) in [
        ("config/mod.rs", "use crate::model::Model; use super::config::args; use self::args::Args;"),
        ("config/resolve/mod.rs", "use super::super::draft; use super::draft; pub(in crate::config) fn f() {}"),
        ("config/mod.rs", "mod testing { use super::args::Args; use super::super::model::Model; }"),
        ("config/mod.rs", "pub(crate) use {a, b}; let x = Self { fs, env }; x.tokio.nix();"),
        ("config/mod.rs", "//! [`crate::runtime`]\n/* crate::kernel /* nested */ std::fs */ fn f<'a>(_: &'a str) -> char { '\"' }"),
        ("config/mod.rs", "let x = \"crate::kernel::x\"; let y = r#\"std::fs \"unsafe\" \"#; let z = b\"\\\"std::env\";"),
        ("config/mod.rs", "#[cfg(test)]\nmod tests { use crate::runtime; fn f() { let x = std::fs::read(y); } }\nfn after() {}"),
        ("config/host.rs", "use std::net::{IpAddr, Ipv4Addr}; use std::path::{Path, PathBuf}; use std::time::{Duration, Instant};"),
        ("kernel/ledger.rs", "use crate::{effect, sys, wire}; use std::fs; use nix::sys::socket;"),
        ("sys/mod.rs", "unsafe fn f() {}"),
        ("main.rs", "use standfast::cli; fn main() { standfast::runtime::run(std::env::args_os()) }"),
    ] {
        assert_eq!(offences(Path::new(file), code).0, Vec::<String>::new(), "{file}: {code}");
    }
}

#[test]
fn a_test_module_in_a_file_of_its_own_is_known() {
    let (_, modules) = offences(Path::new("lvs/table.rs"), "mod other;\n#[cfg(test)]\n#[path = \"x\"]\nmod tests;\nfn f() {}");
    assert_eq!(modules, ["tests"]);
}
