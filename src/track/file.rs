//! Numbers in files.

use super::tracked;
use super::view::FileView;
use crate::effect::say::{Level, Line};
use crate::model::Model;
use crate::model::checker::Checker;
use crate::model::track::{InitialValue, TrackFile};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Nobody reads further into a file.
pub const LONGEST: usize = 127;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Put a number into the file before it is read.
    Write {
        path: PathBuf,
        initial: InitialValue,
    },
    /// What holds now. Saying it again means nothing.
    Report {
        name: Box<str>,
        value: i32,
    },
    Say(Line),
}

/// Those that VRRP tracks.
pub fn of_vrrp(model: &Model) -> impl Iterator<Item = &TrackFile> {
    let used = tracked(model, |trackers| &trackers.files);
    model.tracked.files.iter().filter(move |file| used.contains(&*file.name))
}

/// Those that health checks look at.
pub fn of_checkers(model: &Model) -> impl Iterator<Item = &TrackFile> {
    let checkers = model.lvs.virtual_servers.iter().flat_map(|server| &server.real_servers).flat_map(|real| &real.checkers);
    let used: BTreeSet<&str> = checkers
        .filter_map(|checker| match checker {
            Checker::File(file) => Some(&*file.track_file),
            Checker::Probe { .. } | Checker::Bfd(_) => None,
        })
        .collect();
    model.tracked.files.iter().filter(move |file| used.contains(&*file.name))
}

/// All files that a process follows.
#[derive(Debug, Default)]
pub struct Files {
    known: BTreeMap<Box<str>, Known>,
}

#[derive(Debug)]
struct Known {
    path: PathBuf,
    /// None has been read yet.
    value: Option<i32>,
}

impl Files {
    /// Goes over to these files. All of them are to be read then.
    pub fn reconfigure<'a>(&mut self, files: impl IntoIterator<Item = &'a TrackFile>, actions: &mut Vec<Action>) {
        let mut old = std::mem::take(&mut self.known);
        for file in files {
            let before = old.remove(&file.name).filter(|before| before.path == file.path);
            let known = before.unwrap_or_else(|| {
                actions.extend(file.initial.map(|initial| Action::Write { path: file.path.clone(), initial }));
                Known { path: file.path.clone(), value: None }
            });
            if let Some(value) = known.value {
                actions.push(Action::Report { name: file.name.clone(), value });
            }
            self.known.insert(file.name.clone(), known);
        }
    }

    pub fn view(&self) -> Vec<FileView> {
        self.known.iter().map(|(name, known)| FileView { name: name.clone(), value: known.value }).collect()
    }

    /// Names and places.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &PathBuf)> {
        self.known.iter().map(|(name, known)| (&**name, &known.path))
    }

    /// The beginning of a file was read, or there is none.
    pub fn read(&mut self, name: &str, contents: Option<&[u8]>, actions: &mut Vec<Action>) {
        let Some(known) = self.known.get_mut(name) else { return };
        let value = contents.map_or(Some(0), number).or_else(|| {
            let text = format!("Track file {name}: the number is out of range and is ignored");
            actions.push(Action::Say(Line { level: Level::Warning, text }));
            known.value.is_none().then_some(0)
        });
        if let Some(value) = value
            && known.value != Some(value)
        {
            known.value = Some(value);
            actions.push(Action::Report { name: name.into(), value });
        }
    }
}

/// The number that a text begins with, as C reads it: `0x10`, `010` and `-5` are numbers, and what is none is 0. Absent if it is
/// too large.
pub fn number(text: &[u8]) -> Option<i32> {
    let text = text.get(..LONGEST).unwrap_or(text).trim_ascii_start();
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (base, digits) = match digits {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        [b'0', rest @ ..] => (8, rest),
        _ => (10, digits),
    };
    let digits = digits.iter().map_while(|&byte| char::from(byte).to_digit(base));
    // One beyond the range stays beyond it.
    let size = digits.fold(0_i64, |size, digit| (size * i64::from(base) + i64::from(digit)).min(i64::from(u32::MAX)));
    i32::try_from(if negative { -size } else { size }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::track::{Tracker, Trackers, Weight};
    use crate::model::vrrp::{Notify, SyncGroup};

    #[test]
    fn a_number_is_what_c_makes_of_it() {
        for (text, want) in [
            ("", Some(0)),
            ("20\n", Some(20)),
            ("  \t\n-50", Some(-50)),
            ("+7 and more", Some(7)),
            ("0x10", Some(16)),
            ("-0X1f", Some(-31)),
            ("010", Some(8)),
            ("08", Some(0)),
            ("0", Some(0)),
            ("0x", Some(0)),
            ("abc", Some(0)),
            ("-", Some(0)),
            ("- 1", Some(0)),
            ("2147483647", Some(i32::MAX)),
            ("2147483648", None),
            ("-2147483648", Some(i32::MIN)),
            ("-2147483649", None),
            ("99999999999999999999999999", None),
            ("0xffffffff", None),
        ] {
            assert_eq!(number(text.as_bytes()), want, "{text:?}");
        }
        let far = format!("{}5", " ".repeat(LONGEST));
        assert_eq!(number(far.as_bytes()), Some(0), "only the beginning is read");
        assert_eq!(number(&[0xff, b'1']), Some(0));
    }

    fn model(files: &[(&str, &str)], tracked: &[&str]) -> Model {
        let file = |&(name, path): &(&str, &str)| TrackFile {
            name: name.into(),
            path: path.into(),
            weight: Weight::default(),
            initial: Some(InitialValue { value: 3, overwrite: false }),
        };
        let names = tracked.iter().map(|&name| Tracker { name: name.into(), weight: Weight::default() }).collect();
        let trackers = Trackers { files: names, ..Trackers::default() };
        let (name, members, notify) = ("G".into(), Vec::new(), Notify::default());
        let mut model = Model::default();
        model.vrrp.groups.push(SyncGroup { name, members, trackers, tracking_weight: false, notify, smtp_alert: false });
        model.tracked.files = files.iter().map(file).collect();
        model
    }

    fn short(actions: &mut Vec<Action>) -> Vec<String> {
        let text = |action| match action {
            Action::Write { path, initial } => format!("write {} {}", path.display(), initial.value),
            Action::Report { name, value } => format!("{name} {value}"),
            Action::Say(_) => "said".to_owned(),
        };
        actions.drain(..).map(text).collect()
    }

    #[test]
    fn a_change_is_reported_once() {
        let mut actions = Vec::new();
        let mut files = Files::default();
        files.reconfigure(of_vrrp(&model(&[("a", "/a"), ("unused", "/b")], &["a"])), &mut actions);
        assert_eq!(short(&mut actions), ["write /a 3"]);
        assert_eq!(files.iter().collect::<Vec<_>>(), [("a", &PathBuf::from("/a"))]);
        for (contents, want) in [
            (None, &["a 0"][..]),
            (Some("0"), &[]),
            (Some("5"), &["a 5"]),
            (Some("5 "), &[]),
            (Some("9999999999"), &["said"]),
            (Some("x"), &["a 0"]),
            (Some("-1"), &["a -1"]),
            (None, &["a 0"]),
        ] {
            files.read("a", contents.map(str::as_bytes), &mut actions);
            assert_eq!(short(&mut actions), want, "{contents:?}");
        }
        files.read("unused", Some(b"1"), &mut actions);
        assert_eq!(short(&mut actions), Vec::<String>::new());
    }

    #[test]
    fn a_file_that_is_out_of_range_from_the_start_counts_as_0() {
        let mut actions = Vec::new();
        let mut files = Files::default();
        files.reconfigure(of_vrrp(&model(&[("a", "/a")], &["a"])), &mut actions);
        actions.clear();
        files.read("a", Some(b"9999999999"), &mut actions);
        assert_eq!(short(&mut actions), ["said", "a 0"]);
    }

    #[test]
    fn a_number_outlives_a_reload_unless_the_file_is_another_one() {
        let mut actions = Vec::new();
        let mut files = Files::default();
        files.reconfigure(of_vrrp(&model(&[("a", "/a"), ("b", "/b")], &["a", "b"])), &mut actions);
        files.read("a", Some(b"1"), &mut actions);
        files.read("b", Some(b"2"), &mut actions);
        actions.clear();
        files.reconfigure(of_vrrp(&model(&[("a", "/a"), ("b", "/c"), ("d", "/d")], &["a", "b", "d"])), &mut actions);
        assert_eq!(short(&mut actions), ["a 1", "write /c 3", "write /d 3"]);
        files.read("a", Some(b"1"), &mut actions);
        files.read("b", Some(b"2"), &mut actions);
        assert_eq!(short(&mut actions), ["b 2"]);
    }
}
