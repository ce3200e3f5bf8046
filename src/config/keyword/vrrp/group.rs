//! `vrrp_sync_group`.

use super::new_name;
use super::notify::script;
use super::trackers::trackers;
use crate::config::args::Args;
use crate::config::diagnostic::Class;
use crate::config::draft::Draft;
use crate::config::draft::vrrp::{Given, Members, SyncGroup};
use crate::config::keyword::{Body, Kind, Shown, Vocabulary, boolean, flag, key, live};
use crate::config::parser::Parser;
use crate::config::syntax::Statement;
use crate::config::text::word;

pub fn open_group(root: &mut Draft, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    let taken = &mut root.vrrp.names.groups;
    let Some(name) = new_name(parser, statement, "vrrp_sync_group", "vrrp sync group", taken) else { return };
    let mut group = SyncGroup::new(name, statement.at);
    group.end = parser.body(statement, &SYNC_GROUP, &mut group);
    root.vrrp.groups.push(group);
}

pub fn show_groups(root: &Draft, shown: &mut Shown<'_>) {
    for group in &root.vrrp.groups {
        shown.block(&word(&group.name), &SYNC_GROUP, group);
    }
}

const MEMBERS: Kind<SyncGroup> = Kind {
    syntax: "{ INSTANCE... }",
    range: "",
    body: Body::List {
        open: Some(open_members),
        entry: |group, args| {
            while let Some(name) = args.word() {
                if let Members::Listed(names) = &mut group.members {
                    names.push(Given { at: args.at, value: name.into() });
                }
            }
        },
        show: |group, shown| shown.list(group.members.names().iter().map(|name| word(&name.value))),
        options: None,
    },
};

fn open_members(group: &mut SyncGroup, args: &mut Args<'_>) {
    group.members = match std::mem::take(&mut group.members) {
        Members::None => Members::Listed(Vec::new()),
        Members::Listed(names) | Members::Closed(names) => {
            let name = &group.name;
            args.error(format!("Group list already specified for sync group {name}")).hint("put all members into one list");
            Members::Closed(names)
        }
    };
}

pub static SYNC_GROUP: Vocabulary<SyncGroup> = Vocabulary::new(
    "vrrp_sync_group",
    &[
        live("group", MEMBERS, "required", "The instances that change state together; each may be in one group only."),
        live(
            "track_interface",
            trackers!(interfaces, Interface, "{ INTERFACE [weight N [reverse]] }"),
            "none",
            "Interfaces watched for all members.",
        ),
        live(
            "track_script",
            trackers!(scripts, Script, "{ NAME [weight N [reverse|noreverse]] }"),
            "none",
            "Scripts watched for all members.",
        ),
        live("track_file", trackers!(files, File, "{ NAME [weight N [reverse|noreverse]] }"), "none", "Files watched for all members."),
        live(
            "track_process",
            trackers!(processes, Process, "{ NAME [weight N [reverse|noreverse]] }"),
            "none",
            "Processes watched for all members.",
        ),
        live("track_bfd", trackers!(bfd, Bfd, "{ NAME [weight N [reverse|noreverse]] }"), "none", "BFD sessions watched for all members."),
        live("notify_master", script!(notify.master), "none", "Run when the group becomes master."),
        live("notify_backup", script!(notify.backup), "none", "Run when the group becomes backup."),
        live("notify_fault", script!(notify.fault), "none", "Run when the group goes to fault."),
        live("notify_stop", script!(notify.stop), "none", "Run when the daemon stops."),
        live("notify", script!(notify.any), "none", "Run on every transition, with GROUP, the name, the state and 0 as further arguments."),
        live("smtp_alert", boolean!(smtp_alert), "smtp_alert_vrrp, smtp_alert, off", "Mail every transition of the group."),
        live::<SyncGroup>("sync_group_tracking_weight", flag!(tracking_weight), "off", "Members may have trackers with a weight.")
            .deprecated(&[("global_tracking", Class::Error)]),
        live("notify_priority_changes", boolean!(notify_priority_changes), "vrrp_notify_priority_changes", "What members inherit."),
    ],
);
