//! Several files, parted by form feeds on a line of their own, that may include each other as `a`, `b`, `c` and so on.
#![no_main]

use libfuzzer_sys::fuzz_target;
use standfast::config::host::Stated;
use standfast::config::source::{Files, Refusal};
use standfast::config::{Options, load};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

struct Memory(HashMap<PathBuf, Vec<u8>>);

impl Files for Memory {
    fn read(&self, path: &Path) -> Result<Vec<u8>, Refusal> {
        self.0.get(path).cloned().ok_or(Refusal::Missing)
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        let names = self.0.keys().filter(|path| path.parent() == Some(directory)).filter_map(|path| path.file_name());
        names.map(|name| name.to_string_lossy().into_owned()).collect()
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }
}

fuzz_target!(|data: &[u8]| {
    let mut files = HashMap::new();
    let mut file = Vec::new();
    let mut name = b'a';
    for line in data.split_inclusive(|&b| b == b'\n') {
        if line == b"\x0c\n" && name < b'z' {
            files.insert(Path::new("/k").join(char::from(name).to_string()), std::mem::take(&mut file));
            name += 1;
        } else {
            file.extend_from_slice(line);
        }
    }
    files.insert(Path::new("/k").join(char::from(name).to_string()), file);
    let options = Options { pattern: "a".into(), directory: "/k".into(), config_id: "id".to_owned(), ..Options::default() };
    let loaded = load(&Memory(files), &Stated::default(), &options);
    assert!(loaded.problems.exit_status() <= 6);
});
