//! Configurations with what they mean and what is said of them: `tests/config/NAME.conf` must give the canonical dump
//! `NAME.dump` and the messages `NAME.diag`. With `BLESS=1` in the environment both are written anew.

#![expect(clippy::disallowed_methods, reason = "it reads the configurations")]

use crate::common::{machine, options, read, said};
use crate::folder::{configurations, text_of};
use standfast::config::render::Renderer;
use standfast::config::{Loaded, dump, load};
use standfast::runtime::files::FileSystem;
use std::path::Path;

/// A message a line, in the one-line form, with its class and its hint.
fn messages(loaded: &Loaded, folder: &str) -> String {
    let renderer = Renderer::new(&loaded.sources);
    let mut out = format!("exit status {}\n", loaded.problems.exit_status());
    for problem in loaded.problems.iter() {
        out.push_str(&format!("{}: {}\n", problem.class.name(), renderer.line(problem).replace(folder, "")));
        if let Some(hint) = &problem.hint {
            out.push_str(&format!("    {}\n", hint.replace(folder, "").replace(folder.trim_end_matches('/'), ".")));
        }
    }
    out
}

/// The lines in which two texts differ, with their numbers.
fn difference(want: &str, got: &str) -> Option<String> {
    if want == got {
        return None;
    }
    let (want, got): (Vec<&str>, Vec<&str>) = (want.lines().collect(), got.lines().collect());
    let same = want.iter().zip(&got).take_while(|(a, b)| a == b).count();
    let rest = want.len().min(got.len()) - same;
    let tail = want.iter().rev().zip(got.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let part = |sign: char, lines: &[&str]| -> String {
        let changed = lines[same..lines.len() - tail].iter().enumerate();
        changed.map(|(n, line)| format!("{sign}{:4} {line}\n", same + n + 1)).collect()
    };
    Some(part('-', &want) + &part('+', &got))
}

fn compare(file: &Path, got: &str, differences: &mut String) {
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(file, got).expect("the expectation can be written");
        return;
    }
    let want = if file.exists() { text_of(file) } else { String::new() };
    if let Some(difference) = difference(&want, got) {
        differences.push_str(&format!("{}\n{difference}", file.display()));
    }
}

#[test]
fn configurations_mean_what_they_meant_and_are_complained_of_as_they_were() {
    let mut differences = String::new();
    let files = configurations("tests/config");
    assert!(files.len() > 20);
    for file in files {
        let loaded = load(&FileSystem, &machine(), &options(&file));
        let folder = format!("{}/", file.parent().expect("it is in a folder").display());
        compare(&file.with_extension("dump"), &dump::dump(&loaded.model), &mut differences);
        compare(&file.with_extension("diag"), &messages(&loaded, &folder), &mut differences);
    }
    assert!(differences.is_empty(), "\n{differences}\nBLESS=1 cargo test --test config golden:: takes this for what is expected");
}

const PLAIN: &str =
    "vrrp_instance one {\n    interface eth0\n    virtual_router_id 1\n    virtual_ipaddress {\n        192.0.2.1/24\n    }\n}\n";

#[test]
fn line_ends_of_other_systems_change_nothing() {
    let plain = read(PLAIN);
    assert!(plain.problems.is_empty() && plain.model.vrrp.instances.len() == 1);
    for ends in ["\r\n", "  \t\r\n", "\n\r\n", "\n\n"] {
        let other = read(PLAIN.replace('\n', ends));
        assert_eq!((said(&other), other.model), (Vec::new(), plain.model.clone()), "{ends:?}");
    }
}

#[test]
fn zero_bytes_cost_their_line() {
    let loaded = read(PLAIN.replace("interface eth0", "interface eth0\n    priority\0 90"));
    assert_eq!(said(&loaded), ["3 error configuration appears to have embedded NULs"]);
    assert_eq!(loaded.model, read(PLAIN).model);
}

#[test]
fn a_byte_order_mark_is_told_or_passed_over() {
    let loaded = read(format!("\u{feff}{PLAIN}"));
    assert!(loaded.model.vrrp.instances.len() == 1 || loaded.problems.exit_status() != 0, "{:?}", loaded.problems);
}

#[test]
fn a_difference_is_shown_with_its_lines() {
    assert_eq!(difference("a\nb\nc\n", "a\nx\ny\nc\n").as_deref(), Some("-   2 b\n+   2 x\n+   3 y\n"));
    assert_eq!(difference("a\n", "a\n"), None);
}
