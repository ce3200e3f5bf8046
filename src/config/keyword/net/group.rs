//! `track_group`: instances that fail with the interface of a static address, route or rule.

use super::super::{Body, Kind, Shown, Vocabulary, block_opening, live};
use crate::config::args::Args;
use crate::config::draft::Draft;
use crate::config::draft::net::TrackGroup;
use crate::config::parser::Parser;
use crate::config::syntax::Statement;
use crate::config::text::word;

pub static TRACK_GROUP: Vocabulary<TrackGroup> = Vocabulary::new(
    "track_group",
    &[live(
        "group",
        Kind {
            syntax: "{ INSTANCE ... }",
            range: "",
            body: Body::List { open: Some(open_members), entry: add_members, show: show_members, options: None },
        },
        "required",
        "The instances, several to a line if need be.",
    )],
);

pub(in crate::config::keyword) fn open_group(root: &mut Draft, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    let Some(name) = block_opening(parser, statement, "track_group") else {
        return;
    };
    if let Some(extra) = statement.words().nth(2) {
        parser.error(statement.at, format!("track_group {name} has extra parameters {extra} ...")).word(extra);
    }
    if parser.cx.claim("track_group", name, statement.at).is_err() {
        parser.error(statement.at, format!("track_group {name} already defined - ignoring")).word(name);
        return parser.skip();
    }
    let mut group = TrackGroup { name: name.into(), at: statement.at, end: statement.at, members: Vec::new(), lists: 0 };
    group.end = parser.body(statement, &TRACK_GROUP, &mut group);
    root.statics.groups.push(group);
}

pub(in crate::config::keyword) fn show_groups(root: &Draft, shown: &mut Shown<'_>) {
    for group in &root.statics.groups {
        shown.block(&word(&group.name), &TRACK_GROUP, group);
    }
}

fn open_members(group: &mut TrackGroup, args: &mut Args<'_>) {
    group.lists += 1;
    if group.lists > 1 {
        args.error(format!("track_group {} already has its group block - ignoring", group.name));
    } else if let Some(extra) = args.word() {
        args.error(format!("Block group has extra parameters {extra} ..."));
    }
}

fn add_members(group: &mut TrackGroup, args: &mut Args<'_>) {
    if group.lists > 1 {
        return;
    }
    while let Some(name) = args.word() {
        // The names of groups are unique, and no word has a line end in it.
        let member = format!("{}\n{name}", group.name);
        if args.cx.claim("member of a track_group", &member, args.at).is_err() {
            args.notice(format!("track_group {}: {name} is listed twice", group.name));
        } else {
            group.members.push((name.into(), args.at));
        }
    }
}

fn show_members(group: &TrackGroup, shown: &mut Shown<'_>) {
    shown.list(group.members.iter().map(|(name, _)| word(name)));
}
