//! `BFD_CHECK`.

use super::open;
use crate::config::args::Args;
use crate::config::draft::lvs::checker::{Bfd, Checker};
use crate::config::keyword::{Vocabulary, boolean, line, live};
use crate::config::text::word;

open!(open, BFD, Checker::Bfd, |_, statement| Bfd { end: statement.at, ..Bfd::default() });

pub static BFD: Vocabulary<Bfd> = Vocabulary::new(
    "BFD_CHECK",
    &[
        live::<Bfd>(
            "name",
            line!("NAME", "", set_name, |c, s| {
                for (_, name) in &c.names {
                    s.text(&word(name));
                }
            }),
            "required",
            "A bfd_instance above.",
        )
        .may_lack(),
        live("alpha", boolean!(alpha), "the real server's", "Counts as failed until the session is up."),
    ],
);

fn set_name(check: &mut Bfd, args: &mut Args<'_>) {
    match (args.word(), args.word()) {
        (Some(name), None) => check.names.push((args.at, name.into())),
        _ => check.malformed = Some(args.at),
    }
}
