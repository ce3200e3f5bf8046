//! The command line: whose face is asked for, keepalived's options, and the commands of our own.

mod completion;
mod control;
pub mod genhash;
mod manual;
mod options;

pub use completion::completions;
pub use control::{About, Inquiry, Whom};
pub use manual::{Page, Program, manual};
pub use options::{Logging, Options};

use options::{FLAGS, Takes, options};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Which program we were called as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// Under any name but the next: keepalived's options. Only `standfast` itself also has commands.
    Keepalived,
    Genhash,
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Run(Options),
    /// `-t`: the file to append the messages to, if not standard error.
    ConfigTest(Options, Option<PathBuf>),
    /// `standfast check`: every message with its source line.
    Check {
        options: Options,
        json: bool,
    },
    /// `standfast dump`: the canonical form of what was understood.
    Dump {
        options: Options,
        /// With keys and passwords.
        secrets: bool,
    },
    /// `standfast compatibility`: the keyword tables as a document.
    Compatibility,
    /// `standfast completions SHELL`.
    Completions(Shell),
    /// `standfast status` and its like.
    Inquire(Inquiry),
    /// `standfast manual PAGE`.
    Manual(Page),
    Signum(Signal),
    Genhash(Vec<OsString>),
    Version,
    Help,
    /// A command line that cannot be used; the messages for standard error.
    Unusable(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    Bash,
    Fish,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Stop,
    Reload,
    Data,
    Stats,
    StatsClear,
    Json,
}

/// Reads a command line. `program` is `argv[0]`, `arguments` the rest.
pub fn parse(program: &OsStr, arguments: Vec<OsString>) -> Command {
    let name = PathBuf::from(program).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if face(&name) == Face::Genhash {
        return Command::Genhash(arguments);
    }
    if name == "standfast"
        && let Some(command) = arguments.first().and_then(|word| word.to_str())
        && !command.starts_with('-')
    {
        return our_command(command, &arguments[1..]);
    }
    options(&name, arguments)
}

pub fn face(name: &str) -> Face {
    if name == "genhash" { Face::Genhash } else { Face::Keepalived }
}

fn our_command(command: &str, rest: &[OsString]) -> Command {
    if control::COMMANDS.contains(&command) {
        return control::parse(command, rest);
    }
    let mut options = Options::default();
    let (mut json, mut secrets) = (false, false);
    let mut words = Vec::new();
    let mut parser = lexopt::Parser::from_args(rest.iter().cloned());
    loop {
        let fault = match parser.next() {
            Ok(None) => break,
            Ok(Some(lexopt::Arg::Long("json"))) if command == "check" => {
                json = true;
                None
            }
            Ok(Some(lexopt::Arg::Long("secrets"))) if command == "dump" => {
                secrets = true;
                None
            }
            Ok(Some(lexopt::Arg::Short('i') | lexopt::Arg::Long("config-id"))) => match parser.value() {
                Ok(id) => {
                    options.config_id = Some(id.to_string_lossy().into_owned());
                    None
                }
                Err(error) => Some(error.to_string()),
            },
            Ok(Some(lexopt::Arg::Short('e') | lexopt::Arg::Long("all-config"))) => {
                options.all_config = true;
                None
            }
            Ok(Some(lexopt::Arg::Value(word))) => {
                words.push(word);
                None
            }
            Ok(Some(other)) => Some(other.unexpected().to_string()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(fault) = fault {
            return Command::Unusable(vec![format!("standfast {command}: {fault}")]);
        }
    }
    let most = match command {
        "compatibility" => 0,
        _ => 1,
    };
    if words.len() > most {
        return Command::Unusable(vec![format!("standfast {command}: too many arguments")]);
    }
    let first = words.pop();
    match command {
        "check" => Command::Check { options: Options { file: first.map(Into::into), ..options }, json },
        "dump" => Command::Dump { options: Options { file: first.map(Into::into), ..options }, secrets },
        "compatibility" => Command::Compatibility,
        "completions" => match first.as_deref().and_then(OsStr::to_str) {
            Some("bash") => Command::Completions(Shell::Bash),
            Some("fish") => Command::Completions(Shell::Fish),
            _ => Command::Unusable(vec!["standfast completions: bash or fish".to_owned()]),
        },
        "manual" => match first.as_deref().and_then(OsStr::to_str).and_then(Page::named) {
            Some(page) => Command::Manual(page),
            None => {
                let names = Page::ALL.map(|(name, _)| name).join(", ");
                Command::Unusable(vec![format!("standfast manual: one of {names}")])
            }
        },
        "help" => Command::Help,
        "version" => Command::Version,
        _ => Command::Unusable(vec![
            format!("standfast: unknown command '{command}'"),
            format!("The commands are {}, help and version; see standfast --help", COMMANDS.join(", ")),
        ]),
    }
}

/// What `standfast` itself is told to do.
const COMMANDS: [&str; 10] = {
    let [status, watch, explain, reload, plan] = control::COMMANDS;
    ["check", "dump", "compatibility", "completions", "manual", status, watch, explain, reload, plan]
};

/// The text of `-h`.
pub fn help(name: &str) -> String {
    let mut out = format!("Usage: {name} [OPTION...]\n");
    if name == "standfast" {
        out.push_str(
            "   or: standfast check [--json] [FILE]   tell all that is wrong with a configuration\n   \
             or: standfast dump [--secrets] [FILE] print it as it was understood, defaults and all\n   \
             or: standfast compatibility           print which of keepalived's keywords are understood\n   \
             or: standfast completions bash|fish\n   \
             or: standfast manual PAGE             print a manual page\n",
        );
        out.push_str(control::HELP);
    }
    out.push('\n');
    for flag in FLAGS {
        let short = flag.short.map_or_else(|| "    ".to_owned(), |c| format!("-{c}, "));
        let value = match flag.takes {
            Takes::Nothing => String::new(),
            Takes::Value(v) => format!("={v}"),
            Takes::Optional(v) => format!("[={v}]"),
        };
        let yet = if flag.works { "" } else { " (no effect yet)" };
        out.push_str(&format!("  {short}{:<30} {}{yet}\n", format!("--{}{value}", flag.long), flag.doc));
    }
    out.push_str("  -v, --version                      print the version\n  -h, --help                         print this\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn parsed(line: &str) -> Command {
        let mut words = line.split(' ').map(OsString::from);
        let program = words.next().expect("a program");
        parse(&program, words.collect())
    }

    #[test]
    fn the_name_decides_the_face() {
        assert_eq!(parsed("/usr/bin/genhash -s x"), Command::Genhash(vec!["-s".into(), "x".into()]));
        assert_eq!(parsed("keepalived -T -s x"), Command::Genhash(vec!["-s".into(), "x".into()]));
        assert_eq!(
            parsed("standfast check --json k"),
            Command::Check { options: Options { file: Some("k".into()), ..Options::default() }, json: true }
        );
        assert!(matches!(parsed("keepalived check"), Command::Run(_)));
        assert!(matches!(parsed("standfast frobnicate"), Command::Unusable(_)));
        assert_eq!(parsed("keepalived --signum=STATS_CLEAR"), Command::Signum(Signal::StatsClear));
        assert!(matches!(parsed("keepalived --signum=TDATA"), Command::Unusable(_)));
        assert_eq!(parsed("keepalived -f a -v --nonsense"), Command::Version);
    }
}
