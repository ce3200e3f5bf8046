//! Names for numbers: the tables of iproute2, and IP protocols.

use crate::config::host::NameTable;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Reads `NAME` and `NAME.d/*.conf` of every directory. What iproute2 itself knows without any file comes first.
pub(super) fn table(directories: &[PathBuf], table: NameTable) -> HashMap<String, u32> {
    let (file, known) = origin(table);
    let mut names: HashMap<String, u32> = known.iter().map(|&(name, number)| (name.to_owned(), number)).collect();
    for directory in directories {
        for path in std::iter::once(directory.join(file)).chain(parts(&directory.join(format!("{file}.d")))) {
            if let Ok(text) = fs::read(&path) {
                let fragment = path.parent() != Some(directory);
                for (name, number) in String::from_utf8_lossy(&text).lines().filter_map(entry) {
                    // A fragment adds names: FRR's has "196 static", and static is 4.
                    if fragment {
                        names.entry(name).or_insert(number);
                    } else {
                        names.insert(name, number);
                    }
                }
            }
        }
    }
    names
}

fn parts(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut parts: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|ext| ext == "conf")).collect();
    parts.sort();
    parts
}

fn origin(table: NameTable) -> (&'static str, &'static [(&'static str, u32)]) {
    match table {
        NameTable::RouteTables => ("rt_tables", &[("default", 253), ("main", 254), ("local", 255)]),
        NameTable::RouteProtocols => ("rt_protos", &[("redirect", 1), ("kernel", 2), ("boot", 3), ("static", 4), ("ra", 9)]),
        NameTable::RouteScopes => ("rt_scopes", &[("global", 0), ("site", 200), ("link", 253), ("host", 254), ("nowhere", 255)]),
        NameTable::Realms => ("rt_realms", &[("unknown", 0)]),
        NameTable::DsField => ("rt_dsfield", &[]),
        NameTable::Groups => ("group", &[("default", 0)]),
    }
}

/// `NUMBER NAME`, the number decimal or hexadecimal.
fn entry(line: &str) -> Option<(String, u32)> {
    let mut words = line.split('#').next()?.split_ascii_whitespace();
    let number = words.next()?;
    let number = match number.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    Some((words.next()?.to_owned(), number))
}

/// /etc/protocols, over the few that everybody knows.
pub(super) fn protocols() -> HashMap<String, u8> {
    let known = [("ip", 0), ("icmp", 1), ("igmp", 2), ("tcp", 6), ("udp", 17), ("gre", 47), ("esp", 50), ("ah", 51)];
    let more = [("ipv6-icmp", 58), ("ospf", 89), ("vrrp", 112), ("sctp", 132), ("udplite", 136)];
    let mut protocols: HashMap<String, u8> = known.into_iter().chain(more).map(|(name, number)| (name.to_owned(), number)).collect();
    if let Ok(text) = fs::read("/etc/protocols") {
        protocols.extend(String::from_utf8_lossy(&text).lines().flat_map(protocol));
    }
    // The aliases of the file are these.
    let capitals: Vec<_> = protocols.iter().map(|(name, &number)| (name.to_ascii_uppercase(), number)).collect();
    protocols.extend(capitals);
    protocols
}

/// `NAME NUMBER ALIAS...`.
fn protocol(line: &str) -> Vec<(String, u8)> {
    let mut words = line.split('#').next().unwrap_or_default().split_ascii_whitespace();
    let (name, number) = (words.next(), words.next().and_then(|number| number.parse().ok()));
    let Some(number) = number else { return Vec::new() };
    name.into_iter().chain(words).map(|name| (name.to_owned(), number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::host::script::tests::Scratch;

    #[test]
    fn later_directories_win_and_fragments_count() {
        let scratch = Scratch::new("names");
        scratch.file("usr/rt_tables", 0o644, "# reserved\n255 local\n100 blue\n 0x65\tgreen # hex\nbad line\n7\n");
        scratch.file("etc/rt_tables", 0o644, "200 blue\n");
        scratch.file("etc/rt_tables.d/a.conf", 0o644, "300 red\n99 main\n");
        scratch.file("etc/rt_tables.d/README", 0o644, "301 not\n");
        let names = table(&[scratch.path("usr"), scratch.path("etc")], NameTable::RouteTables);
        for (name, number) in [("local", 255), ("main", 254), ("green", 101), ("blue", 200), ("red", 300)] {
            assert_eq!(names.get(name), Some(&number), "{name}");
        }
        assert_eq!(names.len(), 6);
    }

    #[test]
    fn protocols_have_aliases() {
        assert_eq!(protocol("tcp\t6\tTCP\t# transmission control"), [("tcp".to_owned(), 6), ("TCP".to_owned(), 6)]);
        assert!(protocol("# comment").is_empty() && protocol("x y").is_empty() && protocol("x 256").is_empty());
    }
}
