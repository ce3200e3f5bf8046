//! Files that signals ask for.

use crate::model::global::process::Process;
use nix::fcntl::{FallocateFlags, fallocate};
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
        Dump::Stats => process.dumps.stats.clone().unwrap_or_else(|| directory().join("keepalived.stats")),
        Dump::Json => process.dumps.json.clone().unwrap_or_else(|| directory().join("keepalived.json")),
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
    write_parts(path, &[text])
}

/// The same, with what several have written, one part after the other.
pub fn write_parts(path: &Path, parts: &[&str]) -> io::Result<()> {
    let (mut file, temporary) = create(path)?;
    // A file system that puts off where things go (ext4 and others) settles that when another file is replaced, and has whoever
    // replaces it wait. It is much faster when it knows the size beforehand. Where it cannot be told, nothing is lost.
    if let Ok(length @ 1..) = parts.iter().map(|part| part.len()).sum::<usize>().try_into() {
        let _ = fallocate(&file, FallocateFlags::empty(), 0, length);
    }
    let written = parts.iter().try_for_each(|part| file.write_all(part.as_bytes())).and_then(|()| put(&temporary, path));
    // Whoever waits for the end of the writing hears of it under this name, and may read before what was there is taken away.
    drop(file);
    let left = !matches!(written, Ok(Left::Nothing));
    if left {
        drop(fs::remove_file(&temporary));
    }
    written.map(|_| ())
}

/// What is left under the name that a file had while it was written.
enum Left {
    Nothing,
    /// What was there before.
    Former,
}

/// A file that is replaced is freed there and then, which takes as long as it is large: where that is possible the two change
/// places instead.
fn put(temporary: &Path, path: &Path) -> io::Result<Left> {
    // The other libraries' is not offered by the crate.
    #[cfg(target_env = "gnu")]
    if fs::symlink_metadata(path).is_ok_and(|there| there.is_file()) && exchange(temporary, path).is_ok() {
        return Ok(Left::Former);
    }
    fs::rename(temporary, path).map(|()| Left::Nothing)
}

#[cfg(target_env = "gnu")]
fn exchange(one: &Path, other: &Path) -> nix::Result<()> {
    use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
    renameat2(AT_FDCWD, one, AT_FDCWD, other, RenameFlags::RENAME_EXCHANGE)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    #[test]
    fn names_are_those_that_tools_know() {
        let plain = Process::default();
        let mut named = Process { net_namespace: Some("blue".into()), instance: Some("one".into()), ..Process::default() };
        named.dumps.name_instance = true;
        let mut moved = named.clone();
        moved.net_namespace = None;
        moved.dumps.state = Some("/var/d.x/state.txt".into());
        let mut bare = Process::default();
        bare.dumps.state = Some("/var/d.x/state".into());
        bare.dumps.name_instance = true;
        for (process, dump, want) in [
            (&plain, Dump::Vrrp, "keepalived.data"),
            (&plain, Dump::Parent, "keepalived_parent.data"),
            (&plain, Dump::Checker, "keepalived_check.data"),
            (&plain, Dump::Bfd, "keepalived_bfd.data"),
            (&plain, Dump::Stats, "keepalived.stats"),
            (&plain, Dump::Json, "keepalived.json"),
            (&named, Dump::Vrrp, "keepalived.blue_one.data"),
            (&named, Dump::Parent, "keepalived_parent.blue_one.data"),
            (&named, Dump::Stats, "keepalived.stats"),
            (&moved, Dump::Vrrp, "/var/d.x/state.one.txt"),
            (&moved, Dump::Bfd, "/var/d.x/state_bfd.one.txt"),
            (&bare, Dump::Parent, "/var/d.x/state_parent"),
        ] {
            assert_eq!(path(dump, process), directory().join(want), "{dump:?}");
        }
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let folder = env::temp_dir().join(format!("standfast-dump-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("keepalived.stats");
        write(&path, "one").expect("written");
        let before = fs::metadata(&path).expect("it is there");
        assert_eq!(before.permissions().mode() & 0o111, 0);
        write_parts(&path, &["two", "\n"]).expect("written");
        assert_eq!(fs::read_to_string(&path).expect("text"), "two\n");
        assert_ne!(fs::metadata(&path).expect("it is there").ino(), before.ino());
        assert_eq!(fs::read_dir(&folder).expect("a list").count(), 1, "nothing is left over");
        assert!(write(&folder.join("absent/x"), "").is_err());
        fs::create_dir(folder.join("d")).expect("a folder");
        assert!(write(&folder.join("d"), "").is_err());
        assert_eq!(fs::read_dir(&folder).expect("a list").count(), 2, "nothing is left over");
        fs::remove_dir_all(&folder).expect("removed");
    }
}
