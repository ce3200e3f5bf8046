//! argv to exit code: everything else is the library's.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_else(|| "standfast".into());
    standfast::runtime::main(&program, arguments.collect())
}
