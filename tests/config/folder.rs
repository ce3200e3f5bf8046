//! Configurations that are kept in files.

#![expect(clippy::disallowed_methods, reason = "it reads the configurations")]

use std::path::{Path, PathBuf};

/// The configurations of a folder, in the order of their names.
pub(crate) fn configurations(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"))
        .collect();
    found.sort();
    found
}

pub(crate) fn text_of(file: &Path) -> String {
    std::fs::read_to_string(file).expect("a configuration is readable text")
}
