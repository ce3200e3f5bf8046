//! How scripts are shown.

use super::sheet::Sheet;
use super::words::{Put, Shown, show};
use crate::model::script::{Action, LeftOut, Runner, Script};
use crate::model::vrrp::{Deleted, Instance, Notify};
use std::fmt;

/// `'/bin/echo' 'a b'`
pub(super) const fn command(script: &Script) -> Command<'_> {
    Command(script)
}

pub(super) struct Command<'a>(&'a Script);

impl Put for Command<'_> {
    fn put(&self, out: &mut String) {
        match &self.0.action {
            Action::Open(path) => ("<", Shown(path.display())).put(out),
            Action::Execute(_) => {
                for (at, word) in self.0.argv.iter().enumerate() {
                    (if at > 0 { " '" } else { "'" }, word, "'").put(out);
                }
            }
        }
    }
}

impl fmt::Display for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self, f)
    }
}

/// `'/bin/echo', uid:gid 0:0`
pub(super) const fn with_user(script: &Script) -> WithUser<'_> {
    WithUser(script)
}

pub(super) struct WithUser<'a>(&'a Script);

impl Put for WithUser<'_> {
    fn put(&self, out: &mut String) {
        (command(self.0), ", uid:gid ", self.0.uid, ":", self.0.gid).put(out);
    }
}

impl fmt::Display for WithUser<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self, f)
    }
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
            sheet.row(("   ", name, " state transition script = ", with_user(script)));
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
        sheet.row((" ", Shown(disabled)));
    }
}
