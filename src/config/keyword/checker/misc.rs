//! `MISC_CHECK`.

use super::{open, scheduled};
use crate::config::args::Args;
use crate::config::command;
use crate::config::draft::lvs::checker::{Checker, Misc};
use crate::config::keyword::{Vocabulary, flag, line, live};
use crate::model::checker::Micros;

open!(open, MISC, Checker::Misc, |_, statement| Misc { end: statement.at, ..Misc::default() });

pub static MISC: Vocabulary<Misc> = Vocabulary::new(
    "MISC_CHECK",
    scheduled!(
        Misc;
        live(
            "misc_path",
            line!("COMMAND", "", set_path, |c, s| {
                if let Some(command) = &c.command {
                    s.text(&command::text_alone(command));
                }
            }),
            "required",
            "What to run; in quotes if it has arguments.",
        ),
        live::<Misc>(
            "misc_timeout",
            line!("SECONDS", "0..4294", set_timeout, |c, s| s.value(&c.timeout)),
            "delay_loop of the virtual server",
            "Time it has; then it is killed and has failed.",
        )
        .strict(),
        live("misc_dynamic", flag!(dynamic), "off", "An exit status above 1 is success and sets the weight to the status less 2."),
        live::<Misc>(
            "user",
            line!("USER [GROUP]", "", |c, a| c.user = a.user().or(c.user.take()), |c, s| {
                if let Some(user) = c.user.as_ref().or(c.command.as_ref().and_then(|command| command.user.as_ref())) {
                    s.text(&command::user_text(user));
                }
            }),
            "script_user",
            "Whose rights it has.",
        )
        .may_lack(),
    ),
);

fn set_path(check: &mut Misc, args: &mut Args<'_>) {
    if let Some(command) = args.command_alone() {
        check.command = Some(command);
    }
}

fn set_timeout(check: &mut Misc, args: &mut Args<'_>) {
    if let Some(secs) = args.number::<u32>(0, 4_294) {
        check.timeout = (secs > 0).then(|| Micros::from_secs(secs));
    }
}
