//! How scripts are shown.

use super::sheet::Sheet;
use crate::model::script::{Action, LeftOut, Runner, Script};
use crate::model::vrrp::{Deleted, Instance, Notify};
use std::fmt;

/// `'/bin/echo' 'a b'`
pub(super) fn command(script: &Script) -> impl fmt::Display {
    fmt::from_fn(move |f| match &script.action {
        Action::Open(path) => write!(f, "<{}", path.display()),
        Action::Execute(_) => {
            for (at, word) in script.argv.iter().enumerate() {
                write!(f, "{}'{word}'", if at > 0 { " " } else { "" })?;
            }
            Ok(())
        }
    })
}

pub(super) fn with_user(script: &Script) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "{}, uid:gid {}:{}", command(script), script.uid, script.gid))
}

/// The scripts of a transition, with the name of the state that each is for; the one for all states has none.
pub(super) fn transitions(sheet: &mut Sheet, notify: &Notify, deleted: Option<&Script>) {
    let scripts = [
        ("Backup", notify.backup.as_deref()),
        ("Master", notify.master.as_deref()),
        ("Fault", notify.fault.as_deref()),
        ("Stop", notify.stop.as_deref()),
        ("Deleted", deleted),
        ("Generic", notify.any.as_deref()),
    ];
    for (name, script) in scripts {
        if let Some(script) = script {
            sheet.line(format_args!("   {name} state transition script = {}", with_user(script)));
        }
    }
}

pub(super) fn deleted(instance: &Instance) -> Option<&Script> {
    match &instance.notify_deleted {
        Deleted::AsFault => None,
        Deleted::AsDeleted(script) => script.as_deref(),
    }
}

/// What is configured to be run and is not, with the reason.
pub(super) fn left_out(sheet: &mut Sheet, LeftOut { scripts }: &LeftOut, runner: Runner) {
    let mut own = scripts.iter().filter(|disabled| disabled.runners.contains(&runner)).peekable();
    if own.peek().is_some() {
        sheet.section("Disabled scripts");
    }
    for disabled in own {
        sheet.line(format_args!(" {disabled}"));
    }
}
