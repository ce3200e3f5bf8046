//! The machine as the configuration sees it.

mod links;
mod names;
mod script;

use crate::config::host::{At, Host, Ids, Interface, KeyFile, NamePlaces, NameTable, ScriptPath};
use nix::sys::utsname::uname;
use nix::unistd::{Gid, Group, SysconfVar, Uid, User, getegid, geteuid, getgrouplist, sysconf};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::ffi::CString;
use std::net::{IpAddr, ToSocketAddrs};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where network namespaces have their names.
const NAMESPACES: &str = "/run/netns";
/// No key takes this many bytes.
const LARGEST_KEY: u64 = 4096;

/// Facts about this machine. What may be asked often is looked up once: a configuration is read against one picture of it.
#[derive(Debug, Default)]
pub struct System {
    tables: RefCell<HashMap<(NamePlaces, NameTable), HashMap<String, u32>>>,
    protocols: OnceCell<HashMap<String, u8>>,
    /// Of users, each with the group that a script runs with.
    groups: RefCell<HashMap<Ids, Box<[u32]>>>,
}

impl Host for System {
    fn name(&self) -> String {
        uname().map(|uts| uts.nodename().to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn interfaces(&self, namespace: Option<&str>) -> Option<HashMap<String, Interface>> {
        let path = namespace.map(|name| Path::new(NAMESPACES).join(name));
        // Without an answer from the kernel there are no interfaces in ours; every use of one is then reported.
        links::of(path.as_deref()).ok().or_else(|| namespace.is_none().then(HashMap::new))
    }

    fn user(&self, name: &str) -> Option<Ids> {
        let ids = |user: User| Ids { uid: user.uid.as_raw(), gid: user.gid.as_raw() };
        if let Some(user) = User::from_name(name).ok().flatten() {
            return Some(ids(user));
        }
        let uid = name.parse().ok()?;
        Some(User::from_uid(Uid::from_raw(uid)).ok().flatten().map_or(Ids { uid, gid: uid }, ids))
    }

    fn group(&self, name: &str) -> Option<u32> {
        let known = Group::from_name(name).ok().flatten();
        known.map(|group| group.gid.as_raw()).or_else(|| name.parse().ok().map(Gid::from_raw).map(Gid::as_raw))
    }

    fn all_groups(&self, ids: Ids) -> Box<[u32]> {
        self.groups.borrow_mut().entry(ids).or_insert_with(|| all_groups(ids)).clone()
    }

    fn user_name(&self, uid: u32) -> String {
        let known = User::from_uid(Uid::from_raw(uid)).ok().flatten();
        known.map_or_else(|| uid.to_string(), |user| user.name)
    }

    fn own_ids(&self) -> Ids {
        Ids { uid: geteuid().as_raw(), gid: getegid().as_raw() }
    }

    fn script(&self, command: &str, ids: Ids) -> ScriptPath {
        script::verdict(command, ids, &std::env::var_os("PATH").unwrap_or_default(), script::ROOT)
    }

    fn at(&self, path: &Path) -> At {
        match path.metadata() {
            Err(_) => At::Nothing,
            Ok(found) if found.is_dir() => At::Directory,
            Ok(found) if found.is_file() => At::File,
            Ok(_) => At::Other,
        }
    }

    fn key_file(&self, path: &Path) -> Option<KeyFile> {
        let metadata = path.metadata().ok().filter(|found| found.is_file() && found.len() <= LARGEST_KEY)?;
        let bytes = std::fs::read(path).ok()?;
        Some(KeyFile { bytes, exposed: metadata.mode() & 0o077 != 0 })
    }

    fn resolve(&self, host: &str) -> Option<IpAddr> {
        host.parse().ok().or_else(|| (host, 0).to_socket_addrs().ok()?.next().map(|address| address.ip()))
    }

    fn numbered(&self, places: &NamePlaces, table: NameTable, name: &str) -> Option<u32> {
        let mut tables = self.tables.borrow_mut();
        let names = tables.entry((places.clone(), table)).or_insert_with(|| names::table(&directories(places), table));
        names.get(name).copied()
    }

    fn protocol(&self, name: &str) -> Option<u8> {
        self.protocols.get_or_init(names::protocols).get(name).copied()
    }

    fn processors(&self) -> usize {
        let online = sysconf(SysconfVar::_NPROCESSORS_ONLN).ok().flatten();
        online.and_then(|n| usize::try_from(n).ok()).unwrap_or(1)
    }
}

fn all_groups(Ids { uid, gid }: Ids) -> Box<[u32]> {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    let name = user.and_then(|user| CString::new(user.name).ok());
    let all = name.and_then(|name| getgrouplist(&name, Gid::from_raw(gid)).ok());
    all.map_or_else(|| [gid].into(), |all| all.into_iter().map(Gid::as_raw).collect())
}

/// iproute2's; what a later one says replaces what an earlier one said.
fn directories(places: &NamePlaces) -> Vec<PathBuf> {
    let usual = || vec!["/usr/share/iproute2".into(), "/usr/lib/iproute2".into()];
    let mut directories = places.usr.clone().map_or_else(usual, |usr| vec![usr]);
    directories.push(places.etc.clone().unwrap_or_else(|| "/etc/iproute2".into()));
    directories
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_answers() {
        let system = System::default();
        assert!(!system.name().is_empty());
        assert!(system.processors() > 0);
        assert_eq!(system.user("root"), Some(Ids { uid: 0, gid: 0 }));
        assert_eq!((system.user("no such user"), system.user("4242424")), (None, Some(Ids { uid: 4_242_424, gid: 4_242_424 })));
        assert_eq!((system.group("root"), system.group("7"), system.group("no such group")), (Some(0), Some(7), None));
        assert_eq!(system.user_name(0), "root");
        assert!(system.all_groups(Ids { uid: 0, gid: 0 }).contains(&0));
        assert_eq!(*system.all_groups(Ids { uid: 4_242_424, gid: 7 }), [7]);
        assert_eq!((system.at(Path::new("/")), system.at(Path::new("/dev/null"))), (At::Directory, At::Other));
        assert_eq!(system.resolve("192.0.2.1"), Some(IpAddr::from([192, 0, 2, 1])));
        assert_eq!((system.protocol("tcp"), system.protocol("UDP"), system.protocol("no such protocol")), (Some(6), Some(17), None));
        assert_eq!(system.numbered(&NamePlaces::default(), NameTable::RouteTables, "main"), Some(254));
        assert_eq!(system.interfaces(Some("no such namespace")), None);
    }

    #[test]
    fn names_are_looked_up_where_the_configuration_says() {
        let scratch = script::tests::Scratch::new("places");
        scratch.file("usr/rt_tables", 0o644, "701 alpha\n702 beta\n");
        scratch.file("etc/rt_tables", 0o644, "802 beta\n");
        let system = System::default();
        let (usr, etc) = (Some(scratch.path("usr")), Some(scratch.path("etc")));
        for (places, alpha, beta) in [
            (NamePlaces { usr: usr.clone(), etc: etc.clone() }, Some(701), Some(802)),
            (NamePlaces { usr, etc: None }, Some(701), Some(702)),
            (NamePlaces { usr: None, etc }, None, Some(802)),
            (NamePlaces::default(), None, None),
        ] {
            let number = |name| system.numbered(&places, NameTable::RouteTables, name);
            assert_eq!((number("alpha"), number("beta"), number("main")), (alpha, beta, Some(254)), "{places:?}");
        }
    }

    #[test]
    fn the_loopback_interface_is_there() {
        let interfaces = System::default().interfaces(None).expect("our own namespace");
        assert_eq!(interfaces.get("lo").map(|lo| (lo.loopback, lo.stacked)), Some((true, false)));
        assert_eq!(interfaces.get("no such interface"), None);
    }
}
