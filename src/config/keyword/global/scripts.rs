//! Scripts and named pipes.

use crate::config::args::Args;
use crate::config::command::Command;
use crate::config::draft::global::{Fifo, Global, Pipe};
use crate::config::keyword::Shown;
use crate::config::text::word;
use crate::config::{command, keyword};

/// `startup_script` and `shutdown_script`, by the draft's field.
macro_rules! life {
    ($field:ident, $missing:literal, $again:literal) => {
        line!("COMMAND [USER [[:]GROUP]]", "", |t, a| scripts::set_life(&mut t.scripts.$field, a, $missing, $again), |t, s| {
            scripts::show_command(t.scripts.$field.as_ref(), s)
        })
    };
}

/// How long such a script may take.
macro_rules! timeout {
    ($field:ident) => {
        line!(
            "SECONDS",
            "1..1000",
            |t, a| {
                let missing = format!("{} requires value", a.keyword);
                let Some(word) = need(a, &missing) else { return };
                if let Some(seconds) = a.number_in::<u64>(word, 1, 1000) {
                    t.settings.scripts.$field = std::time::Duration::from_secs(seconds);
                }
            },
            |t, s| s.value(&t.settings.scripts.$field)
        )
    };
}

/// A named pipe, by the draft's field.
macro_rules! pipe {
    ($field:ident) => {
        line!("PATH [USER [[:]GROUP]]", "", |t, a| scripts::set_pipe(&mut t.scripts.$field, a), |t, s| scripts::show_pipe(
            &t.scripts.$field,
            s
        ))
    };
}

/// The reader of a named pipe.
macro_rules! reader {
    ($field:ident) => {
        line!("COMMAND [USER [[:]GROUP]]", "", |t, a| scripts::set_reader(&mut t.scripts.$field, a), |t, s| scripts::show_command(
            t.scripts.$field.script.as_ref(),
            s
        ))
    };
}

pub(super) use {life, pipe, reader, timeout};

pub(super) fn set_user(global: &mut Global, args: &mut Args<'_>) {
    if args.peek().is_none() {
        args.error("No script username specified");
    } else if let Some(user) = args.user() {
        global.scripts.users.push(user);
    }
}

pub(super) fn set_security(global: &mut Global, args: &mut Args<'_>) {
    global.scripts.secure_at.get_or_insert(args.at);
    global.settings.scripts.secure = true;
    if let Some(word @ ("off" | "false" | "no" | "0")) = args.word() {
        args.notice(format!("enable_script_security is a flag: '{word}' does not turn it off")).hint("remove the line");
    }
}

pub(super) fn set_life(slot: &mut Option<Command>, args: &mut Args<'_>, missing: &str, again: &str) {
    if args.peek().is_none() {
        args.error(missing);
    } else if slot.is_some() {
        args.error(again).hint("the first one counts");
    } else {
        *slot = args.command();
    }
}

pub(super) fn show_command(command: Option<&Command>, shown: &mut Shown<'_>) {
    if let Some(command) = command {
        shown.text(&command::text(command));
    }
}

pub(super) fn set_pipe(fifo: &mut Fifo, args: &mut Args<'_>) {
    let (at, keyword) = (args.at, args.keyword);
    let missing = format!("No {keyword} name specified");
    let Some(path) = keyword::global::need(args, &missing) else { return };
    if fifo.pipe.is_some() {
        args.error(format!("{keyword} already specified - ignoring {path}")).hint("the first one counts");
        return;
    }
    let owner = if args.peek().is_some() { args.user() } else { None };
    fifo.pipe = Some(Pipe { at, path: path.into(), owner });
}

pub(super) fn show_pipe(fifo: &Fifo, shown: &mut Shown<'_>) {
    if let Some(pipe) = &fifo.pipe {
        let owner = pipe.owner.as_ref().map(|owner| format!(" {}", command::user_text(owner))).unwrap_or_default();
        shown.text(&format!("{}{owner}", word(&pipe.path.to_string_lossy())));
    }
}

pub(super) fn set_reader(fifo: &mut Fifo, args: &mut Args<'_>) {
    let keyword = args.keyword;
    let Some(word) = args.peek() else {
        args.error(format!("No {keyword} specified"));
        return;
    };
    if fifo.script.is_some() {
        args.error(format!("{keyword} already specified - ignoring {word}")).hint("the first one counts");
    } else {
        fifo.script = args.command();
    }
}
