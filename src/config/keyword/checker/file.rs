//! `FILE_CHECK`.

use super::open;
use crate::config::args::Args;
use crate::config::draft::lvs::checker::{Checker, File};
use crate::config::keyword::{Vocabulary, line, live};
use crate::model::track::Weight;

open!(open, FILE, Checker::File, |_, statement| File { end: statement.at, ..File::default() });

pub static FILE: Vocabulary<File> = Vocabulary::new(
    "FILE_CHECK",
    &[
        live(
            "track_file",
            line!(
                "NAME",
                "",
                |c, a| {
                    if let Some(name) = a.need() {
                        c.track_file = Some((a.at, name.into()));
                    }
                },
                |c, s| s.value(&c.track_file.as_ref().map(|(_, name)| name.clone()))
            ),
            "required",
            "A track_file block above.",
        ),
        live::<File>(
            "weight",
            line!("N [reverse|noreverse]", "-2147483647..2147483647", set_weight, |c, s| {
                if let Some(Weight { value, reverse }) = c.weight {
                    s.text(&format!("{value} {}", if reverse { "reverse" } else { "noreverse" }));
                }
            }),
            "that of the track_file",
            "Factor for the number; 0 makes any other number than 0 a failure.",
        )
        .strict()
        .may_lack(),
    ],
);

fn set_weight(check: &mut File, args: &mut Args<'_>) {
    let Some(value) = args.number::<i32>(-2_147_483_647, 2_147_483_647) else { return };
    let reverse = match args.word() {
        None | Some("noreverse") => false,
        Some("reverse") => true,
        Some(other) => {
            args.error(format!("unknown track file weight option {other} - ignoring")).hint("reverse or noreverse");
            false
        }
    };
    check.weight = Some(Weight { value, reverse });
}
