//! The commands that ask a running daemon.

use super::Command;
use std::ffi::OsString;
use std::path::PathBuf;

/// A question to a running daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquiry {
    pub about: About,
    pub whom: Whom,
    /// The answer as it comes, for programs.
    pub json: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    Status,
    Watch,
    Explain(String),
    Reload { force: bool },
    Plan { force: bool },
    Upgrade,
}

/// Which daemon, where there may be several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// The usual one, or the only one.
    Usual,
    /// Whose control socket this is.
    Socket(PathBuf),
    /// Whose PID file this is.
    PidFile(PathBuf),
}

pub(super) const COMMANDS: [&str; 6] = ["status", "watch", "explain", "reload", "plan", "upgrade"];

pub(super) const HELP: &str = "\
   or: standfast status [--json]         tell how the running daemon is
   or: standfast watch                   go on telling, until q or Ctrl-C
   or: standfast explain NAME            tell why an instance, virtual server or BFD session is as it is
   or: standfast plan [--force]          tell what a reload would do
   or: standfast reload [--plan] [--force]
                                         read the configuration again; --force even if nothing is left of it
   or: standfast upgrade                 replace the running program by the one installed, and keep what it holds
       with --socket=PATH or --pid=FILE  ask the daemon whose control socket or PID file this is
";

pub(super) fn parse(command: &str, rest: &[OsString]) -> Command {
    read(command, rest).map_or_else(|fault| Command::Unusable(vec![format!("standfast {command}: {fault}")]), Command::Inquire)
}

fn read(command: &str, rest: &[OsString]) -> Result<Inquiry, String> {
    use lexopt::Arg::{Long, Short, Value};
    let (mut whom, mut json, mut force, mut plan, mut name) = (Whom::Usual, false, false, command == "plan", None);
    let mut parser = lexopt::Parser::from_args(rest.iter().cloned());
    loop {
        match parser.next().map_err(|error| error.to_string())? {
            None => break,
            Some(Long("json")) if matches!(command, "status" | "explain" | "plan") => json = true,
            Some(Long("force")) if matches!(command, "reload" | "plan") => force = true,
            Some(Long("plan")) if command == "reload" => plan = true,
            Some(Long("socket")) => whom = Whom::Socket(parser.value().map_err(|error| error.to_string())?.into()),
            Some(Short('p') | Long("pid")) => whom = Whom::PidFile(parser.value().map_err(|error| error.to_string())?.into()),
            Some(Value(word)) if command == "explain" && name.is_none() => name = Some(word.to_string_lossy().into_owned()),
            Some(other) => return Err(other.unexpected().to_string()),
        }
    }
    let about = match (command, name) {
        ("status", _) => About::Status,
        ("watch", _) => About::Watch,
        ("explain", Some(name)) => About::Explain(name),
        ("explain", None) => return Err("of what? An instance, a virtual server or a BFD session".to_owned()),
        ("upgrade", _) => About::Upgrade,
        _ if plan => About::Plan { force },
        _ => About::Reload { force },
    };
    Ok(Inquiry { about, whom, json })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_its_own_options_and_no_others() {
        let ask = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            read(&words[0].to_string_lossy(), &words[1..])
        };
        let usual = |about| Ok(Inquiry { about, whom: Whom::Usual, json: false });
        for (line, want) in [
            ("status", usual(About::Status)),
            ("watch", usual(About::Watch)),
            ("explain VI_1", usual(About::Explain("VI_1".to_owned()))),
            ("reload", usual(About::Reload { force: false })),
            ("reload --force", usual(About::Reload { force: true })),
            ("reload --plan", usual(About::Plan { force: false })),
            ("reload --plan --force", usual(About::Plan { force: true })),
            ("upgrade", usual(About::Upgrade)),
            ("plan", usual(About::Plan { force: false })),
            ("status --json --socket=/s", Ok(Inquiry { about: About::Status, whom: Whom::Socket("/s".into()), json: true })),
            ("explain -p /x.pid A", Ok(Inquiry { about: About::Explain("A".into()), whom: Whom::PidFile("/x.pid".into()), json: false })),
        ] {
            assert_eq!(ask(line), want, "{line}");
        }
        for line in [
            "status x",
            "status --force",
            "watch --json",
            "explain",
            "explain a b",
            "reload --json",
            "plan --plan",
            "upgrade --force",
            "status --socket",
        ] {
            assert!(ask(line).is_err(), "{line}");
        }
    }
}
