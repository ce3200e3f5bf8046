//! What a configuration test says, and to whom.

use crate::config::Loaded;
use crate::config::diagnostic::Class;
use crate::config::dump;
use crate::config::render::Renderer;
use std::fs::OpenOptions;
use std::io::{BufWriter, IsTerminal as _, Write, stderr, stdout};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::ExitCode;

/// keepalived's `-t`: its exit status, its one-line messages. A person at a terminal is also shown the lines.
pub(super) fn config_test(loaded: &Loaded, log: Option<&Path>) -> ExitCode {
    let status = ExitCode::from(loaded.problems.exit_status());
    let written = match log {
        None => write_messages(loaded, &mut BufWriter::new(stderr().lock()), stderr().is_terminal(), false),
        Some(path) => match OpenOptions::new().append(true).create(true).open(path) {
            Ok(file) => write_messages(loaded, &mut BufWriter::new(file), false, false),
            Err(error) => {
                eprintln!("Unable to open config-test log file {}: {error}", path.display());
                return ExitCode::from(super::UNUSABLE);
            }
        },
    };
    // Nobody is left to tell that the messages could not be written; the status still speaks.
    drop(written);
    status
}

/// What a config test would say, for the file that `reload_check_config` names; what it said before goes.
pub(super) fn validation_log(loaded: &Loaded, path: &Path) {
    // The supervisor waits for nobody to read it, if it is a pipe.
    let file = OpenOptions::new().write(true).create(true).truncate(true).custom_flags(nix::libc::O_NONBLOCK).open(path);
    let written = file.and_then(|file| write_messages(loaded, &mut BufWriter::new(file), false, false));
    if let Err(error) = written {
        super::log::warning(&format!("{} cannot be written: {error}", path.display()));
    }
}

/// `standfast check`: every message with its line, the merely logged ones too.
pub(super) fn check(loaded: &Loaded, json: bool) -> ExitCode {
    let mut out = BufWriter::new(stdout().lock());
    let written = if json {
        writeln!(out, "{:#}", Renderer::new(&loaded.sources).json(&loaded.problems)).and_then(|()| out.flush())
    } else {
        write_messages(loaded, &mut out, true, true)
    };
    drop(written);
    ExitCode::from(loaded.problems.exit_status())
}

/// `standfast dump`: the model as a configuration, with keys and passwords or without; what was wrong with it goes to standard
/// error.
pub(super) fn dump(loaded: &Loaded, secrets: bool) -> ExitCode {
    drop(write_messages(loaded, &mut BufWriter::new(stderr().lock()), stderr().is_terminal(), false));
    super::print(&if secrets { dump::dump(&loaded.model) } else { dump::masked(&loaded.model) });
    ExitCode::from(loaded.problems.exit_status())
}

fn write_messages(loaded: &Loaded, out: &mut dyn Write, annotated: bool, notices: bool) -> std::io::Result<()> {
    let mut renderer = Renderer::new(&loaded.sources);
    for diagnostic in loaded.problems.iter().filter(|d| notices || d.class != Class::Notice) {
        if annotated {
            writeln!(out, "{}\n", renderer.annotated(diagnostic))?;
        } else {
            writeln!(out, "{}", renderer.line(diagnostic))?;
        }
    }
    if loaded.problems.suppressed() > 0 {
        writeln!(out, "{} more messages are not shown", loaded.problems.suppressed())?;
    }
    let idle = loaded.problems.without_effect();
    if !idle.is_empty() {
        writeln!(
            out,
            "standfast {} reads and checks these keywords, but does not act on them yet: {}",
            env!("CARGO_PKG_VERSION"),
            idle.join(" ")
        )?;
    }
    out.flush()
}
