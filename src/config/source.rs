//! The texts a configuration consists of, and how they are reached. Reading files is the caller's business ([`Files`]):
//! nothing here opens anything.

use super::diagnostic::Origin;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a file could not be taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Missing,
    Directory,
    NotRegular,
    /// keepalived refuses a configuration file with any execute bit.
    Executable,
    Unreadable,
    /// More than [`Files`] is prepared to hold.
    TooLarge,
}

impl Refusal {
    pub fn reason(self) -> &'static str {
        match self {
            Self::Missing => "No such file or directory",
            Self::Directory => "is a directory",
            Self::NotRegular => "is not a regular file",
            Self::Executable => "is executable, which a configuration file should not be",
            Self::Unreadable => "Permission denied",
            Self::TooLarge => "is too large for a configuration file",
        }
    }
}

/// The file system as a configuration sees it.
pub trait Files {
    /// The contents of a regular, non-executable file.
    fn read(&self, path: &Path) -> Result<Vec<u8>, Refusal>;
    /// The names in a directory, unsorted; empty when there is no such directory.
    fn list(&self, directory: &Path) -> Vec<String>;
    /// Whether anything exists under this name.
    fn exists(&self, path: &Path) -> bool;
}

/// One file that was read.
#[derive(Debug)]
pub struct Source {
    /// As it was named: the argument of `-f`, or the match of an include.
    pub path: PathBuf,
    /// The bytes as they stood, for showing a line again.
    pub bytes: Arc<Vec<u8>>,
    /// The include line that brought it in.
    pub included_at: Option<Origin>,
}

/// Every file read so far; an [`Origin`] names one by its index.
#[derive(Debug, Default)]
pub struct Sources {
    list: Vec<Source>,
}

impl Sources {
    pub fn add(&mut self, source: Source) -> u32 {
        self.list.push(source);
        u32::try_from(self.list.len() - 1).unwrap_or(u32::MAX)
    }

    pub fn get(&self, file: u32) -> Option<&Source> {
        self.list.get(usize::try_from(file).ok()?)
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The physical line an origin names, without its line end.
    pub fn line(&self, at: Origin) -> Option<String> {
        let source = self.get(at.file)?;
        let index = usize::try_from(at.line).ok()?.checked_sub(1)?;
        let line = source.bytes.split(|&b| b == b'\n').nth(index)?;
        Some(String::from_utf8_lossy(line).trim_end_matches('\r').to_owned())
    }
}
