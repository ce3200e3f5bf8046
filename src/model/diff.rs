//! What lies between two configurations, object by object: the plan of a reload.
//!
//! An object is known by what it is, not by where it stands, so that the order of a file does not matter. `diff(a, a)` is
//! empty, and what `diff(a, b)` names is exactly what differs.

mod object;

use super::Model;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

/// What becomes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    Add,
    Remove,
    /// It goes on with other settings.
    Update,
    /// It has the name of one that ends, and nothing else of it: it begins anew.
    Restart,
}

impl Verdict {
    const ALL: [Self; 4] = [Self::Add, Self::Remove, Self::Update, Self::Restart];

    const fn sign(self) -> char {
        match self {
            Self::Add => '+',
            Self::Remove => '-',
            Self::Update => '~',
            Self::Restart => '!',
        }
    }

    const fn done(self) -> &'static str {
        match self {
            Self::Add => "added",
            Self::Remove => "removed",
            Self::Update => "updated",
            Self::Restart => "restarted",
        }
    }
}

/// The kinds of objects, by the words of the configuration that make them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Settings,
    TrackGroup,
    StaticAddress,
    StaticRoute,
    StaticRule,
    Script,
    File,
    Process,
    Instance,
    SyncGroup,
    GarpGroup,
    Linkbeat,
    LinkDelay,
    ServerGroup,
    VirtualServer,
    RealServer,
    Bfd,
}

impl Kind {
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::Settings => "settings of",
            Self::TrackGroup => "track_group",
            Self::StaticAddress => "static_ipaddress",
            Self::StaticRoute => "static_routes",
            Self::StaticRule => "static_rules",
            Self::Script => "vrrp_script",
            Self::File => "track_file",
            Self::Process => "track_process",
            Self::Instance => "vrrp_instance",
            Self::SyncGroup => "vrrp_sync_group",
            Self::GarpGroup => "garp_group",
            Self::Linkbeat => "linkbeat_interfaces",
            Self::LinkDelay => "interface_up_down_delays",
            Self::ServerGroup => "virtual_server_group",
            Self::VirtualServer => "virtual_server",
            Self::RealServer => "real_server",
            Self::Bfd => "bfd_instance",
        }
    }
}

/// One object that does not stay as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: Kind,
    pub name: Box<str>,
    pub verdict: Verdict,
    /// Which of its settings differ, where it is there before and after.
    pub settings: Box<[&'static str]>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, verdict, settings } = self;
        write!(f, "{} {} {name}", verdict.sign(), kind.keyword())?;
        if !settings.is_empty() {
            write!(f, ": {}", settings.join(", "))?;
        }
        if *verdict == Verdict::Restart { f.write_str(" (it begins anew)") } else { Ok(()) }
    }
}

/// What a reload does. Its text has a line for each change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub changes: Vec<Change>,
    /// How many objects stay as they are.
    pub kept: usize,
}

/// So many changes are named in one line.
const NAMED: usize = 8;

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub fn count(&self, verdict: Verdict) -> usize {
        self.changes.iter().filter(|change| change.verdict == verdict).count()
    }

    /// The plan in one line.
    pub fn summary(&self) -> String {
        if self.is_empty() {
            return format!("nothing changes, {} kept", self.kept);
        }
        let counted = Verdict::ALL.map(|verdict| (self.count(verdict), verdict.done()));
        let counts = counted.into_iter().filter(|&(count, _)| count > 0).chain([(self.kept, "kept")]);
        let counts: Vec<String> = counts.map(|(count, done)| format!("{count} {done}")).collect();
        let named: Vec<String> = self.changes.iter().take(NAMED).map(Change::to_string).collect();
        let more = self.changes.len().saturating_sub(NAMED);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        format!("{} ({}{more})", counts.join(", "), named.join("; "))
    }

    /// Compares what there was with what there is to be, each object by what it is known by.
    fn compare<'a, T: PartialEq + 'a>(
        &mut self,
        kind: Kind,
        old: impl IntoIterator<Item = &'a T>,
        new: impl IntoIterator<Item = &'a T>,
        name: impl Fn(&T) -> Box<str>,
        judge: impl Fn(&T, &T) -> (Verdict, Vec<&'static str>),
    ) {
        let mut known = by_key(old, &name);
        for (key, object) in keyed(new, &name) {
            match known.remove(&key) {
                Some((_, before)) if before == object => self.kept += 1,
                Some((_, before)) => {
                    let (verdict, settings) = judge(before, object);
                    self.changes.push(Change { kind, name: key.to_string().into(), verdict, settings: settings.into() });
                }
                None => self.changes.push(Change { kind, name: key.to_string().into(), verdict: Verdict::Add, settings: [].into() }),
            }
        }
        self.remove(kind, known);
    }

    /// What nobody asked for any more, in the order in which it was there.
    fn remove<T>(&mut self, kind: Kind, left: HashMap<Key, (usize, T)>) {
        let mut gone: Vec<(usize, Key)> = left.into_iter().map(|(key, (place, _))| (place, key)).collect();
        gone.sort_unstable_by_key(|(place, _)| *place);
        let removed = |(_, key): (usize, Key)| Change { kind, name: key.to_string().into(), verdict: Verdict::Remove, settings: [].into() };
        self.changes.extend(gone.into_iter().map(removed));
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            writeln!(f, "{change}")?;
        }
        let more = if self.changes.is_empty() { "" } else { " more" };
        let objects = if self.kept == 1 { "object stays as it is" } else { "objects stay as they are" };
        writeln!(f, "{}{more} {objects}", self.kept)
    }
}

/// What an object is known by; of several with one name, the first is known by it alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    name: Box<str>,
    twin: usize,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let twin: Cow<'_, str> = if self.twin > 0 { format!(" (number {})", self.twin + 1).into() } else { "".into() };
        write!(f, "{}{twin}", self.name)
    }
}

fn keyed<'a, T: 'a>(objects: impl IntoIterator<Item = &'a T>, name: impl Fn(&T) -> Box<str>) -> impl Iterator<Item = (Key, &'a T)> {
    let mut seen: HashMap<Box<str>, usize> = HashMap::new();
    objects.into_iter().map(move |object| {
        let name = name(object);
        let count = seen.entry(name.clone()).or_default();
        let twin = std::mem::replace(count, *count + 1);
        (Key { name, twin }, object)
    })
}

fn by_key<'a, T: 'a>(objects: impl IntoIterator<Item = &'a T>, name: impl Fn(&T) -> Box<str>) -> HashMap<Key, (usize, &'a T)> {
    keyed(objects, name).enumerate().map(|(place, (key, object))| (key, (place, object))).collect()
}

/// What lies between two configurations.
pub fn diff(old: &Model, new: &Model) -> Plan {
    diff_beside(old, new, &[])
}

/// The same, where the old one is without those virtual servers that are the same in the new one, as this says of each.
pub fn diff_beside(old: &Model, new: &Model, same: &[bool]) -> Plan {
    let mut plan = Plan::default();
    object::settings(&mut plan, &old.global, &new.global);
    object::statics(&mut plan, &old.statics, &new.statics);
    object::tracked(&mut plan, &old.tracked, &new.tracked);
    object::vrrp(&mut plan, &old.vrrp, &new.vrrp);
    object::lvs(&mut plan, &old.lvs, &new.lvs, same);
    object::bfd(&mut plan, &old.bfd, &new.bfd);
    plan
}

#[cfg(test)]
mod tests;
