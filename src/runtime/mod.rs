//! Where the program meets the machine: files, users, interfaces, the terminal. No decisions are made here.

#![expect(clippy::disallowed_methods, reason = "the machine is asked here, and nowhere above")]

mod agent;
mod around;
mod bytes;
mod check;
mod control;
mod dbus;
pub mod dump;
pub mod dumper;
pub mod files;
pub mod follow;
mod genhash;
pub mod handover;
pub mod host;
pub mod log;
pub mod notify;
mod poll;
pub mod probe;
pub mod reading;
mod rights;
pub mod role;
pub mod signals;
mod supervisor;
pub mod track;

use crate::cli::{self, Command, Options, Page, Signal};
use crate::config::keyword::document::compatibility;
use crate::config::keyword::manual::configuration;
use crate::sys::memory;
use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// The keepalived release whose language and surface we follow: tools read it from the first line of `-v`.
const KEEPALIVED: &str = "Keepalived v2.4.3 (07/20,2026)";
/// keepalived's exit status for a command line it cannot use.
const UNUSABLE: u8 = 1;

/// The whole program.
pub fn main(program: &OsStr, arguments: Vec<OsString>) -> ExitCode {
    memory::hoard();
    let name = Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned();
    match cli::parse(program, arguments) {
        Command::Version => {
            eprintln!("{KEEPALIVED}");
            eprintln!("standfast {} takes keepalived's place", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Command::Help => {
            eprint!("{}", cli::help(&name));
            ExitCode::SUCCESS
        }
        Command::Unusable(faults) => {
            for fault in faults {
                eprintln!("{fault}");
            }
            ExitCode::from(UNUSABLE)
        }
        Command::Signum(signal) => {
            println!("{}", signal_of(signal).number());
            ExitCode::SUCCESS
        }
        Command::ConfigTest(options, log) => {
            if let Some(status) = supervisor::rehearse(&options) {
                return ExitCode::from(status);
            }
            say_unexpected(&options);
            check::config_test(&reading::read(&options), log.as_deref())
        }
        Command::Check { options, json } => check::check(&reading::read(&options), json),
        Command::Dump { options, secrets } => check::dump(&reading::read(&options), secrets),
        Command::Compatibility => print(&compatibility()),
        Command::Inquire(inquiry) => ExitCode::from(control::run(&inquiry)),
        Command::Completions(shell) => print(&cli::completions(shell)),
        Command::Manual(Page::Configuration) => print(&configuration()),
        Command::Manual(Page::Program(program)) => print(&cli::manual(program)),
        Command::Run(options) => {
            say_unexpected(&options);
            ExitCode::from(supervisor::run(options))
        }
        Command::Genhash(arguments) => {
            let called = if name == "genhash" { name } else { format!("{name} --genhash") };
            genhash::run(&called, arguments)
        }
    }
}

fn say_unexpected(options: &Options) {
    for complaint in &options.complaints {
        eprintln!("{complaint}");
    }
    if !options.unexpected.is_empty() {
        println!("Unexpected argument(s): {}", options.unexpected.join(" "));
    }
}

/// A reader that closes its end early (`| head`) is no failure.
fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// The signal that a command is sent with.
fn signal_of(command: Signal) -> signals::Signal {
    match command {
        Signal::Stop => signals::Signal::Stop,
        Signal::Reload => signals::Signal::Reload,
        Signal::Data => signals::Signal::Data,
        Signal::Stats => signals::Signal::Stats,
        Signal::StatsClear => signals::Signal::StatsClear,
        Signal::Json => signals::Signal::Json,
    }
}
