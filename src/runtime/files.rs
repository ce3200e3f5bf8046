//! The file system, as a configuration sees it.

use crate::config::source::{Files, Refusal};
use nix::libc;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// No configuration is larger, and a daemon should not try.
const LARGEST: u64 = 256 * 1024 * 1024;

/// The real one.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileSystem;

fn refused(error: &std::io::Error) -> Refusal {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Refusal::Missing,
        _ => Refusal::Unreadable,
    }
}

fn admit(metadata: &Metadata) -> Result<(), Refusal> {
    if metadata.is_dir() {
        Err(Refusal::Directory)
    } else if !metadata.is_file() {
        Err(Refusal::NotRegular)
    } else if metadata.permissions().mode() & 0o111 != 0 {
        Err(Refusal::Executable)
    } else if metadata.len() > LARGEST {
        Err(Refusal::TooLarge)
    } else {
        Ok(())
    }
}

impl Files for FileSystem {
    fn read(&self, path: &Path) -> Result<Vec<u8>, Refusal> {
        // Asked first because opening a device may do something, and again because it may be another file by then.
        admit(&std::fs::metadata(path).map_err(|error| refused(&error))?)?;
        let file: File =
            OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path).map_err(|error| refused(&error))?;
        let metadata = file.metadata().map_err(|error| refused(&error))?;
        admit(&metadata)?;
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
        // It may be growing.
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| refused(&error))?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= LARGEST) { Ok(bytes) } else { Err(Refusal::TooLarge) }
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
        // A name that is not UTF-8 cannot be written in a configuration either.
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
    }

    fn exists(&self, path: &Path) -> bool {
        std::fs::symlink_metadata(path).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_regular_files_without_execute_bits_are_read() {
        let root = std::env::temp_dir().join(format!("standfast-files-{}", std::process::id()));
        fs::create_dir_all(root.join("d")).expect("a directory");
        fs::write(root.join("a.conf"), "text").expect("a file");
        fs::write(root.join("x.conf"), "text").expect("a file");
        fs::set_permissions(root.join("x.conf"), fs::Permissions::from_mode(0o654)).expect("a mode");
        let _socket = UnixListener::bind(root.join("s")).expect("a socket");
        let huge = File::create(root.join("huge")).expect("a file");
        huge.set_len(LARGEST + 1).expect("a sparse file");
        for (name, want) in [
            ("a.conf", Ok(b"text".to_vec())),
            ("x.conf", Err(Refusal::Executable)),
            ("d", Err(Refusal::Directory)),
            ("s", Err(Refusal::NotRegular)),
            ("huge", Err(Refusal::TooLarge)),
            ("nothing", Err(Refusal::Missing)),
            ("a.conf/b", Err(Refusal::Missing)),
        ] {
            assert_eq!(FileSystem.read(&root.join(name)), want, "{name}");
        }
        let mut names = FileSystem.list(&root);
        names.sort();
        assert_eq!(names, ["a.conf", "d", "huge", "s", "x.conf"]);
        assert!(FileSystem.exists(&root.join("s")) && !FileSystem.exists(&root.join("t")));
        fs::remove_dir_all(&root).expect("removed");
    }
}
