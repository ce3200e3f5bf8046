//! The objects, and what is answered to a call of one of their methods.

use super::introspect::{self, Role};
use crate::wire::dbus::Value;
use std::collections::{BTreeMap, HashMap};

pub(super) const VRRP: &str = "org.keepalived.Vrrp1.Vrrp";
pub(super) const INSTANCE: &str = "org.keepalived.Vrrp1.Instance";
pub(super) const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const INTROSPECTABLE: &str = "org.freedesktop.DBus.Introspectable";
const PEER: &str = "org.freedesktop.DBus.Peer";

/// The state of an instance as its object tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Init,
    Backup,
    Master,
    Fault,
    /// A reload had no place for it.
    Deleted,
    Stop,
}

impl Status {
    pub const fn number(self) -> u32 {
        match self {
            Self::Init => 0,
            Self::Backup => 1,
            Self::Master => 2,
            Self::Fault => 3,
            Self::Deleted => 97,
            Self::Stop => 98,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Init => "Init",
            Self::Backup => "Backup",
            Self::Master => "Master",
            Self::Fault => "Fault",
            Self::Deleted => "Deleted",
            Self::Stop => "Stop",
        }
    }

    pub(super) fn property(self) -> Value {
        Value::Struct(vec![Value::U32(self.number()), Value::str(self.name())])
    }
}

/// An instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub path: Box<str>,
    /// What it is known by, whatever it is called.
    pub key: Box<str>,
    pub name: Box<str>,
    pub status: Status,
    /// What is told of it when a reload has no place for it.
    pub farewell: Status,
}

impl Object {
    pub(super) fn name_property(&self) -> Value {
        Value::Struct(vec![Value::Str(self.name.clone())])
    }
}

/// What is asked of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    PrintData,
    PrintStats,
    PrintStatsClear,
    Reload,
    /// Of the instance with this key: announce your addresses.
    SendGarp(Box<str>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Values(Vec<Value>),
    /// Nothing, but not before that is done.
    After(Ask),
    Error(&'static str, String),
}

pub(super) const INVALID_ARGS: &str = "org.freedesktop.DBus.Error.InvalidArgs";
const UNKNOWN_METHOD: &str = "org.freedesktop.DBus.Error.UnknownMethod";
const FAILED: &str = "org.freedesktop.DBus.Error.Failed";

/// A call, as far as it is not known whether anybody can answer it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) path: &'a str,
    pub(super) interface: Option<&'a str>,
    pub(super) member: &'a str,
    pub(super) body: &'a [Value],
}

/// Who is at a path.
enum Found<'a> {
    Nobody,
    Process,
    Instance(&'a Object),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Of the process.
    process: Box<str>,
    /// As configured.
    objects: Vec<Object>,
    by_path: BTreeMap<Box<str>, usize>,
    by_key: HashMap<Box<str>, usize>,
}

impl Tree {
    /// Below `root`. Of instances with the same path, which can only be told apart by their peers, the first one has it.
    pub fn new(root: &str, objects: impl IntoIterator<Item = Object>) -> Self {
        let mut tree = Self { process: format!("{root}/Vrrp").into(), ..Self::default() };
        for object in objects {
            let at = tree.objects.len();
            if !tree.by_path.contains_key(&object.path) {
                tree.by_path.insert(object.path.clone(), at);
                tree.by_key.insert(object.key.clone(), at);
                tree.objects.push(object);
            }
        }
        tree
    }

    pub(super) fn process(&self) -> &str {
        &self.process
    }

    pub(super) fn objects(&self) -> &[Object] {
        &self.objects
    }

    pub(super) fn at(&self, path: &str) -> Option<&Object> {
        self.objects.get(*self.by_path.get(path)?)
    }

    /// Takes note of a state. Returns whose it is if that is news.
    pub(super) fn turn(&mut self, key: &str, status: Status) -> Option<&Object> {
        let object = self.objects.get_mut(*self.by_key.get(key)?)?;
        (std::mem::replace(&mut object.status, status) != status).then_some(object)
    }

    fn find(&self, path: &str) -> Found<'_> {
        match self.at(path) {
            Some(object) => Found::Instance(object),
            None if *path == *self.process => Found::Process,
            None => Found::Nobody,
        }
    }

    pub(super) fn call(&self, call: Call<'_>, machine: Option<&str>) -> Answer {
        let Call { path, interface, member, body } = call;
        let is = |name: &str| interface.is_none_or(|interface| interface == name);
        // These are answered wherever one may be.
        match (member, body) {
            ("Introspect", []) if is(INTROSPECTABLE) => return Answer::Values(vec![Value::str(self.introspect(path))]),
            ("Ping", []) if is(PEER) => return Answer::Values(Vec::new()),
            ("GetMachineId", []) if is(PEER) => {
                return match machine {
                    Some(machine) => Answer::Values(vec![Value::str(machine)]),
                    None => Answer::Error(FAILED, "This machine has no identity".to_owned()),
                };
            }
            _ => {}
        }
        let (name, methods): (&str, &[&str]) = match self.find(path) {
            Found::Nobody => return Answer::Error(UNKNOWN_METHOD, format!("Object does not exist at path “{path}”")),
            Found::Process => (VRRP, &["PrintData", "PrintStats", "PrintStatsClear", "ReloadConfig"]),
            Found::Instance(_) => (INSTANCE, &["SendGarp"]),
        };
        if is(PROPERTIES)
            && let Some(answer) = self.property(path, member, body)
        {
            return answer;
        }
        if !is(name) {
            let interface = interface.unwrap_or_default();
            return Answer::Error(UNKNOWN_METHOD, format!("No such interface “{interface}” on object at path {path}"));
        }
        if !methods.contains(&member) {
            return Answer::Error(UNKNOWN_METHOD, format!("No such method “{member}”"));
        }
        if !body.is_empty() {
            let signature = Value::signature_of(body);
            let text = format!("Type of message, “({signature})”, does not match expected type “()”");
            return Answer::Error(INVALID_ARGS, text);
        }
        Answer::After(match (member, self.at(path)) {
            (_, Some(object)) => Ask::SendGarp(object.key.clone()),
            ("PrintData", None) => Ask::PrintData,
            ("PrintStats", None) => Ask::PrintStats,
            ("PrintStatsClear", None) => Ask::PrintStatsClear,
            (_, None) => Ask::Reload,
        })
    }

    /// Nothing if that is no call of theirs.
    fn property(&self, path: &str, member: &str, body: &[Value]) -> Option<Answer> {
        let (interface, property) = match (member, body) {
            ("GetAll", [Value::Str(interface)]) => (interface, None),
            ("Get", [Value::Str(interface), Value::Str(property)])
            | ("Set", [Value::Str(interface), Value::Str(property), Value::Variant(_)]) => (interface, Some(property)),
            _ => return None,
        };
        let properties: Vec<(&'static str, Value)> = match self.find(path) {
            Found::Instance(object) if **interface == *INSTANCE => {
                vec![("Name", object.name_property()), ("State", object.status.property())]
            }
            Found::Process if **interface == *VRRP => Vec::new(),
            Found::Nobody | Found::Process | Found::Instance(_) => {
                return Some(Answer::Error(INVALID_ARGS, format!("No such interface “{interface}”")));
            }
        };
        let Some(property) = property else { return Some(Answer::Values(vec![Value::properties(properties)])) };
        Some(match properties.into_iter().find(|(name, _)| **name == **property) {
            None => Answer::Error(INVALID_ARGS, format!("No such property “{property}”")),
            Some(_) if member == "Set" => Answer::Error(INVALID_ARGS, format!("Property “{property}” is not writable")),
            Some((_, value)) => Answer::Values(vec![Value::variant(value)]),
        })
    }

    fn introspect(&self, path: &str) -> String {
        let role = match self.find(path) {
            Found::Nobody => Role::Node,
            Found::Process => Role::Process,
            Found::Instance(_) => Role::Instance,
        };
        let below = if path == "/" { "/".to_owned() } else { format!("{path}/") };
        let paths = self.by_path.keys().chain([&self.process]);
        let mut children: Vec<&str> =
            paths.filter_map(|other| other.strip_prefix(&*below)?.split('/').next()).filter(|child| !child.is_empty()).collect();
        children.sort_unstable();
        children.dedup();
        introspect::node(role, &children)
    }
}
