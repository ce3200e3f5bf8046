//! Files that signals ask for.

use crate::model::global::process::Process;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs, io};

/// What is dumped, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dump {
    Vrrp,
    Parent,
    Checker,
    Bfd,
    Stats,
    Json,
}

/// Where it goes. Tools know these names.
pub fn path(dump: Dump, process: &Process) -> PathBuf {
    match dump {
        Dump::Stats => directory().join("keepalived.stats"),
        Dump::Json => directory().join("keepalived.json"),
        Dump::Vrrp => state(process, ""),
        Dump::Parent => state(process, "_parent"),
        Dump::Checker => state(process, "_check"),
        Dump::Bfd => state(process, "_bfd"),
    }
}

/// The state of a process: the others' names differ before the last dot.
fn state(process: &Process, suffix: &str) -> PathBuf {
    let usual = || directory().join("keepalived.data");
    let base = process.dumps.state.clone().unwrap_or_else(usual);
    let names: Vec<&str> = [&process.net_namespace, &process.instance].into_iter().flatten().map(|name| &**name).collect();
    let mut name = base.file_stem().unwrap_or_default().to_owned();
    name.push(suffix);
    if process.dumps.name_instance && !names.is_empty() {
        name.push(".");
        name.push(names.join("_"));
    }
    if let Some(extension) = base.extension() {
        name.push(".");
        name.push(extension);
    }
    base.with_file_name(name)
}

/// `TMPDIR` if it makes sense.
fn directory() -> PathBuf {
    let wanted = env::var_os("TMPDIR").map(PathBuf::from);
    wanted.filter(|path| path.is_absolute() && path.is_dir()).unwrap_or_else(|| "/tmp".into())
}

/// Puts a file in place at once: nobody reads half of it. The umask says who reads it at all.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let (mut file, temporary) = create(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        drop(fs::remove_file(&temporary));
    }
    written
}

/// A new file beside the one that it is to become.
fn create(path: &Path) -> io::Result<(File, PathBuf)> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyzABCDEF";
    const TRIES: u32 = 100;
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    let mut last = io::Error::from(ErrorKind::AlreadyExists);
    for attempt in 0..TRIES {
        let seed = clock.rotate_left(7).wrapping_mul(2_654_435_761).wrapping_add(std::process::id()).wrapping_add(attempt);
        let letter = |place: u32| char::from(LETTERS[usize::from((seed >> (place * 5)).to_le_bytes()[0] & 31)]);
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push((0..6).map(letter).collect::<String>());
        let temporary = path.with_file_name(name);
        match OpenOptions::new().write(true).create_new(true).mode(0o666).open(&temporary) {
            Ok(file) => return Ok((file, temporary)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}
