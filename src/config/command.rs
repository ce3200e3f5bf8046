//! Commands as written: the words of a script by the rules of keepalived's two passes, and whom it runs as.

use super::args::Args;
use super::diagnostic::Origin;
use crate::model::script::{Script, UserSpec};

/// A command as one statement gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub at: Origin,
    pub argv: Box<[Box<str>]>,
    /// As given with the command itself, or the `script_user` in force where it was read.
    pub user: Option<UserSpec>,
}

impl From<&Script> for Command {
    fn from(script: &Script) -> Self {
        let user = UserSpec { user: script.uid.to_string().into(), group: Some(script.gid.to_string().into()) };
        Self { at: Origin::default(), argv: script.argv.clone(), user: Some(user) }
    }
}

impl Args<'_> {
    /// The rest of the line as `COMMAND [USER [GROUP]]`; what is wrong with it is reported.
    pub fn command(&mut self) -> Option<Command> {
        let mut words = self.line.split_ascii_whitespace().skip(1);
        let argv = [words.next()?.into()].into();
        let user = words.next().map(|user| UserSpec { user: user.into(), group: words.next().map(Into::into) });
        Some(Command { at: self.at, argv, user: user.or_else(|| self.cx.script_user.clone()) })
    }
}

/// The command in the form [`Args::command`] reads.
pub fn text(command: &Command) -> String {
    let user = command.user.as_ref().map(|u| format!(" {} {}", u.user, u.group.as_deref().unwrap_or_default()));
    format!("{}{}", command.argv.join(" "), user.unwrap_or_default())
}
