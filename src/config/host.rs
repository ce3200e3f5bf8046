//! What a configuration needs to know of the machine it is for: asked while it is resolved, never while it is read.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// What is known of a network interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    pub loopback: bool,
    pub mtu: u32,
    /// A macvlan or ipvlan, on which VRRP may not be stacked and link state is not polled.
    pub stacked: bool,
    /// The routing table, if it is a VRF.
    pub vrf_table: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ids {
    pub uid: u32,
    pub gid: u32,
}

/// What is at a path, following symbolic links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Nothing,
    Directory,
    File,
    Other,
}

/// Where a command is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// As configured, or what the search in PATH came upon.
    pub path: PathBuf,
    /// The same with symbolic links resolved.
    pub resolved: PathBuf,
}

/// What the walk along a script's path found (keepalived(8), "script security").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptPath {
    Runs(Found),
    /// Nothing there.
    Absent,
    /// Its user may not execute this component, or not go through it.
    Forbidden(PathBuf),
    /// This component is a symbolic link to a directory or no directory: never run. `resolved` has no such links.
    WrongType {
        component: PathBuf,
        resolved: PathBuf,
    },
    /// Somebody other than root could change this component: refused under `enable_script_security`.
    Insecure {
        component: PathBuf,
        loose: Loose,
        found: Found,
    },
}

/// By what others than root could change a component of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loose {
    /// It belongs to one of them.
    Owner,
    /// Its group may write it.
    Group,
    /// Everybody may.
    World,
}

impl Loose {
    /// The command that mends it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Owner => "chown root",
            Self::Group => "chmod g-w",
            Self::World => "chmod o-w",
        }
    }
}

/// The contents of a file that holds a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    pub bytes: Vec<u8>,
    /// Its group, or everybody, may read it.
    pub exposed: bool,
}

/// The tables of iproute2 that give names to numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameTable {
    RouteTables,
    RouteProtocols,
    RouteScopes,
    Realms,
    DsField,
    Groups,
}

/// Where the tables of names are, if not in the usual directories. What the second one says replaces what the first one said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NamePlaces {
    pub usr: Option<PathBuf>,
    pub etc: Option<PathBuf>,
}

/// Facts about the machine. The daemon asks the kernel and the system's databases; tests state what they want.
pub trait Host {
    /// The machine's name, as `uname -n` prints it.
    fn name(&self) -> String;
    /// The interfaces of a network namespace, or of our own; nothing where there is no such namespace.
    fn interfaces(&self, namespace: Option<&str>) -> Option<HashMap<String, Interface>>;
    /// A user by name, or by number.
    fn user(&self, name: &str) -> Option<Ids>;
    /// A group by name, or by number.
    fn group(&self, name: &str) -> Option<u32>;
    /// All groups of a user, this one among them; only this one if the user is not known.
    fn all_groups(&self, ids: Ids) -> Box<[u32]>;
    /// The name of a user, or else the number.
    fn user_name(&self, uid: u32) -> String;
    /// Whose rights the daemon has.
    fn own_ids(&self) -> Ids;
    /// The walk along the path of a command; a bare name is looked up in PATH as that user.
    fn script(&self, command: &str, ids: Ids) -> ScriptPath;
    fn at(&self, path: &Path) -> At;
    /// A regular file that holds a key.
    fn key_file(&self, path: &Path) -> Option<KeyFile>;
    /// The address of a mail server.
    fn resolve(&self, host: &str) -> Option<IpAddr>;
    fn numbered(&self, places: &NamePlaces, table: NameTable, name: &str) -> Option<u32>;
    /// An IP protocol by name.
    fn protocol(&self, name: &str) -> Option<u8>;
    /// Processors online.
    fn processors(&self) -> usize;
}

/// A machine made of stated facts. What is not stated is not there.
#[derive(Clone, Debug, Default)]
pub struct Stated {
    pub name: String,
    pub interfaces: HashMap<String, Interface>,
    pub namespaces: HashMap<String, HashMap<String, Interface>>,
    pub users: HashMap<String, Ids>,
    pub groups: HashMap<String, u32>,
    /// Those that users are in beside their own.
    pub others: HashMap<u32, Vec<u32>>,
    pub scripts: HashMap<String, ScriptPath>,
    pub paths: HashMap<PathBuf, At>,
    pub key_files: HashMap<PathBuf, KeyFile>,
    pub hosts: HashMap<String, IpAddr>,
    pub numbers: HashMap<(NameTable, String), u32>,
    pub protocols: HashMap<String, u8>,
}

impl Stated {
    /// A machine with these interfaces, and the users that most tests name.
    pub fn with(interfaces: &[&str]) -> Self {
        let interface = Interface { mtu: 1500, ..Interface::default() };
        Self {
            name: "router".to_owned(),
            interfaces: interfaces.iter().map(|name| ((*name).to_owned(), interface)).collect(),
            users: [("root".to_owned(), Ids { uid: 0, gid: 0 }), ("nobody".to_owned(), Ids { uid: 65534, gid: 65534 })].into(),
            groups: [("root".to_owned(), 0), ("nogroup".to_owned(), 65534)].into(),
            ..Self::default()
        }
    }

    /// States that this command can be run.
    pub fn script(mut self, path: &str) -> Self {
        self.scripts.insert(path.to_owned(), ScriptPath::Runs(Found { path: path.into(), resolved: path.into() }));
        self
    }
}

impl Host for Stated {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn interfaces(&self, namespace: Option<&str>) -> Option<HashMap<String, Interface>> {
        match namespace {
            None => Some(self.interfaces.clone()),
            Some(name) => self.namespaces.get(name).cloned(),
        }
    }

    fn user(&self, name: &str) -> Option<Ids> {
        self.users.get(name).copied().or_else(|| name.parse().ok().map(|id| Ids { uid: id, gid: id }))
    }

    fn group(&self, name: &str) -> Option<u32> {
        self.groups.get(name).copied().or_else(|| name.parse().ok())
    }

    fn all_groups(&self, ids: Ids) -> Box<[u32]> {
        std::iter::once(ids.gid).chain(self.others.get(&ids.uid).into_iter().flatten().copied()).collect()
    }

    fn user_name(&self, uid: u32) -> String {
        let known = self.users.iter().find(|(_, ids)| ids.uid == uid);
        known.map_or_else(|| uid.to_string(), |(name, _)| name.clone())
    }

    fn own_ids(&self) -> Ids {
        Ids { uid: 0, gid: 0 }
    }

    fn script(&self, command: &str, _: Ids) -> ScriptPath {
        self.scripts.get(command).cloned().unwrap_or(ScriptPath::Absent)
    }

    fn at(&self, path: &Path) -> At {
        self.paths.get(path).copied().unwrap_or(At::Nothing)
    }

    fn key_file(&self, path: &Path) -> Option<KeyFile> {
        self.key_files.get(path).cloned()
    }

    fn resolve(&self, host: &str) -> Option<IpAddr> {
        host.parse().ok().or_else(|| self.hosts.get(host).copied())
    }

    fn numbered(&self, _: &NamePlaces, table: NameTable, name: &str) -> Option<u32> {
        self.numbers.get(&(table, name.to_owned())).copied()
    }

    fn protocol(&self, name: &str) -> Option<u8> {
        self.protocols.get(name).copied()
    }

    fn processors(&self) -> usize {
        4
    }
}
