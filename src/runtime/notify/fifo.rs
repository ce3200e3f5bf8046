//! Named pipes that lines are written to.

use crate::model::global::scripts::Fifo as Configured;
use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, fchown, mkfifo};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// One that is open. It goes with its value, if it was made here.
#[derive(Debug)]
pub(super) struct Fifo {
    pub(super) configured: Configured,
    file: File,
    made: bool,
}

impl Fifo {
    /// A pipe that is there must be one, and must be ours or the user's who is to read it.
    pub(super) fn open(configured: &Configured) -> io::Result<Self> {
        let path = &configured.path;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR | Mode::S_IRGRP | Mode::S_IROTH;
        let made = match mkfifo(path, mode) {
            Ok(()) => true,
            Err(Errno::EEXIST) => false,
            Err(error) => return Err(error.into()),
        };
        let opened = admitted(configured, &std::fs::symlink_metadata(path)?).and_then(|()| {
            // Open for reading too: it neither waits for a reader nor breaks when there is none.
            let flags = nix::libc::O_NONBLOCK | nix::libc::O_NOFOLLOW | nix::libc::O_CLOEXEC;
            let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
            // It may be another one by now.
            admitted(configured, &file.metadata()?)?;
            if made {
                fchown(&file, Some(Uid::from_raw(configured.uid)), Some(Gid::from_raw(configured.gid)))?;
            }
            Ok(file)
        });
        match opened {
            Ok(file) => Ok(Self { configured: configured.clone(), file, made }),
            Err(error) => {
                if made {
                    drop(std::fs::remove_file(path));
                }
                Err(error)
            }
        }
    }

    /// The whole line or nothing: it is shorter than what a pipe takes at once.
    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        self.file.write_all(line.as_bytes())
    }

    /// Whether this process is the one that has it read. It stays so until the pipe is closed.
    pub(super) fn claim(&self) -> bool {
        !matches!(self.file.try_lock(), Err(std::fs::TryLockError::WouldBlock))
    }

    /// The path still leads to it.
    pub(super) fn is_in_place(&self) -> bool {
        let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        let there = std::fs::symlink_metadata(self.path()).map(identity);
        let ours = self.file.metadata().map(identity);
        there.is_ok_and(|there| ours.is_ok_and(|ours| there == ours))
    }

    pub(super) fn path(&self) -> &Path {
        &self.configured.path
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        if self.made && self.is_in_place() {
            drop(std::fs::remove_file(self.path()));
        }
    }
}

fn admitted(configured: &Configured, metadata: &std::fs::Metadata) -> io::Result<()> {
    if !metadata.file_type().is_fifo() {
        return Err(io::Error::other("it is there and is no FIFO"));
    }
    if metadata.uid() != Uid::effective().as_raw() && metadata.uid() != configured.uid {
        return Err(io::Error::other("it is there and belongs to somebody else"));
    }
    Ok(())
}
