//! Every file in `examples/` loads without a word, and what it means survives the canonical dump.

#![expect(clippy::disallowed_methods, reason = "it reads the examples")]

use standfast::config::host::{At, KeyFile, Stated};
use standfast::config::reader::Checks;
use standfast::config::source::{Files, Refusal};
use standfast::config::{Loaded, Options, dump, load};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The real file system, or one text in its place.
enum Disk {
    Real,
    Holds(String),
}

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Vec<u8>, Refusal> {
        match self {
            Self::Real => std::fs::read(path).map_err(|_| Refusal::Missing),
            Self::Holds(text) => Ok(text.clone().into_bytes()),
        }
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    fn exists(&self, path: &Path) -> bool {
        matches!(self, Self::Holds(_)) || path.exists()
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

fn examples() -> Vec<PathBuf> {
    let of = |folder: PathBuf| {
        let names = Disk::Real.list(&folder).into_iter().filter(|name| name.ends_with(".conf"));
        names.map(move |name| folder.join(name)).collect::<Vec<_>>()
    };
    let mut files = [of(folder()), of(folder().join("demo"))].concat();
    files.sort();
    files
}

/// Where a service manager puts them.
const CREDENTIALS: &str = "/run/credentials/keepalived.service";

/// The machine the examples are written for: what they name and nothing else.
fn machine() -> Stated {
    let mut host = Stated::with(&["eth0", "eth1"]).script("/usr/bin/curl").script("/usr/bin/logger");
    host.paths.insert("/etc/keepalived".into(), At::Directory);
    for key in ["vrrp51_1", "vrrp51_2"] {
        host.key_files.insert(Path::new(CREDENTIALS).join(key), KeyFile { bytes: vec![b'k'; 32], exposed: false });
    }
    host
}

fn read(disk: &Disk, file: &Path, config_id: &str) -> Loaded {
    let options = Options {
        pattern: file.to_owned(),
        config_id: config_id.to_owned(),
        include_check: Checks::default(),
        random_seed: 0,
        environment: HashMap::from([("CREDENTIALS_DIRECTORY".to_owned(), CREDENTIALS.to_owned())]),
        directory: folder(),
        namespace: None,
        snmp: false,
        snmp_socket: None,
    };
    load(disk, &machine(), &options)
}

/// Notices included: an example should not make keepalived log anything either.
fn complaints(loaded: &Loaded) -> Vec<String> {
    loaded.problems.iter().map(|d| format!("line {}: {:?}: {}", d.at.map_or(0, |at| at.line), d.class, d.text)).collect()
}

#[test]
fn every_example_loads_without_a_word() {
    let files = examples();
    assert!(files.len() >= 12, "examples/ holds {} files", files.len());
    for file in files {
        for config_id in ["router", "lb1", "lb2"] {
            assert_eq!(complaints(&read(&Disk::Real, &file, config_id)), Vec::<String>::new(), "{} as {config_id}", file.display());
        }
    }
}

#[test]
fn the_dump_of_an_example_means_the_same() {
    for file in examples() {
        let loaded = read(&Disk::Real, &file, "lb1");
        let text = dump::dump(&loaded.model);
        let again = read(&Disk::Holds(text.clone()), Path::new("dump.conf"), "lb1");
        assert_eq!(complaints(&again), Vec::<String>::new(), "{}\n{text}", file.display());
        assert_eq!(again.model, loaded.model, "{}\n{text}", file.display());
    }
}

#[test]
fn the_readme_lists_every_example() {
    let readme = std::fs::read_to_string(folder().join("README.md")).expect("examples/README.md is there");
    for file in examples() {
        let name = file.strip_prefix(folder()).ok().and_then(Path::to_str).expect("an example has a plain name");
        assert!(readme.contains(&format!("| [{name}]({name}) |")), "examples/README.md does not list {name}");
    }
}
