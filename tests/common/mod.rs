//! The machine and the files that configurations are read on and from.

use standfast::config::diagnostic::Diagnostic;
use standfast::config::host::{At, Ids, Interface, KeyFile, NameTable, Stated};
use standfast::config::source::{Files, Refusal};
use standfast::config::{Loaded, Options, load};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Files that are only stated.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory(pub(crate) HashMap<PathBuf, Vec<u8>>);

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

/// The machine of all configurations here.
pub(crate) fn machine() -> Stated {
    let mut host = Stated::with(&["eth0", "eth1", "eth2", "eth3"]);
    for script in ["/usr/bin/curl", "/usr/bin/logger", "/usr/bin/notify", "/usr/bin/check"] {
        host = host.script(script);
    }
    host.interfaces.insert("lo".to_owned(), Interface { loopback: true, mtu: 65536, ..Interface::default() });
    host.interfaces.insert("blue".to_owned(), Interface { mtu: 1500, vrf_table: Some(1001), ..Interface::default() });
    host.users.insert("keeper".to_owned(), Ids { uid: 900, gid: 900 });
    host.groups.insert("keepers".to_owned(), 901);
    host.paths.insert("/etc/keepalived".into(), At::Directory);
    host.paths.insert("/run".into(), At::Directory);
    host.hosts.insert("mail.example.org".to_owned(), [192, 0, 2, 25].into());
    host.numbers.insert((NameTable::RouteTables, "upstream".to_owned()), 100);
    host.numbers.insert((NameTable::Realms, "inner".to_owned()), 7);
    host.numbers.insert((NameTable::Groups, "wan".to_owned()), 9);
    host.protocols.insert("tcp".to_owned(), 6);
    let interfaces = host.interfaces.clone();
    host.namespaces.extend([("left".to_owned(), interfaces.clone()), ("right".to_owned(), interfaces)]);
    host.key_files.insert("/etc/keepalived/key".into(), KeyFile { bytes: vec![b'k'; 32], exposed: false });
    host.key_files.insert("/etc/keepalived/open".into(), KeyFile { bytes: vec![b'k'; 32], exposed: true });
    host
}

pub(crate) fn options(file: &Path) -> Options {
    Options {
        pattern: file.to_owned(),
        config_id: "lb1".to_owned(),
        random_seed: 1,
        environment: HashMap::from([("SITE".to_owned(), "north".to_owned())]),
        directory: file.parent().unwrap_or(Path::new("/")).to_owned(),
        ..Options::default()
    }
}

/// Reads one text.
pub(crate) fn read(text: impl Into<Vec<u8>>) -> Loaded {
    let file = Path::new("/k/keepalived.conf");
    load(&Memory(HashMap::from([(file.to_owned(), text.into())])), &machine(), &options(file))
}

/// What is said, as tests compare it.
pub(crate) fn said(loaded: &Loaded) -> Vec<String> {
    loaded.problems.iter().map(told).collect()
}

pub(crate) fn told(d: &Diagnostic) -> String {
    format!("{} {} {}", d.at.map_or(0, |at| at.line), d.class.name(), d.text)
}
