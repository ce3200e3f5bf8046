//! Scripts that are told of transitions.

use crate::config::args::Args;
use crate::config::command::Command;

/// A script of an instance or a group, of which only the first one counts.
macro_rules! script {
    ($field:ident $(. $inner:ident)*) => {
        $crate::config::keyword::line!(
            "COMMAND [USER [GROUP]]",
            "",
            |t, a| $crate::config::keyword::vrrp::notify::set_script(&mut t.$field$(.$inner)*, &t.name, a),
            |t, s| {
                if let Some(command) = &t.$field$(.$inner)* {
                    s.text(&$crate::config::command::text(command));
                }
            }
        )
    };
}
pub(super) use script;

pub(super) fn set_script(field: &mut Option<Command>, owner: &str, args: &mut Args<'_>) {
    let Some(command) = args.command() else { return };
    if field.is_some() {
        already(owner, Some(&command), args);
    } else {
        *field = Some(command);
    }
}

/// `notify_deleted` has a meaning without a script.
pub(super) fn set_deleted(field: &mut Option<Option<Command>>, owner: &str, args: &mut Args<'_>) {
    let command = if args.peek().is_some() {
        let Some(command) = args.command() else { return };
        Some(command)
    } else {
        None
    };
    if field.is_some() {
        already(owner, command.as_ref(), args);
    } else {
        *field = Some(command);
    }
}

fn already(owner: &str, command: Option<&Command>, args: &mut Args<'_>) {
    let keyword = args.keyword;
    let path = command.and_then(|c| c.argv.first()).map_or("", |word| word);
    args.error(format!("({owner}) {keyword} script already specified - ignoring {path}")).hint("only the first one is run");
}
