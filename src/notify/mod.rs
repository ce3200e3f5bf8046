//! What is told of a transition, to whom, and in which order. Pure.
//!
//! A notice of an engine becomes [`News`]: the line for pipes, the scripts with their arguments, the mail. [`Queue`] keeps the
//! scripts of one object in order; [`mail`] has the words of mails, and how they are handed to a server.

pub mod mail;
mod queue;

pub use queue::{Order, PATIENCE, Queue, Turn};

use crate::effect::notice::{Notice, ServerNotice, Subject, Told};
use crate::model::net::Family;
use crate::model::script::Script;
use mail::Alert;
use std::fmt;

/// Whose transitions are told one after the other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    Instance(Box<str>),
    Group(Box<str>),
    VirtualServer { name: Box<str>, family: Option<Family> },
    RealServer { real: Box<str>, of: Box<str>, family: Option<Family> },
}

/// As log lines begin.
impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(name) => write!(f, "({name})"),
            Self::Group(name) => write!(f, "VRRP_Group({name})"),
            Self::VirtualServer { name, .. } => write!(f, "Virtual server {name}:"),
            Self::RealServer { real, of, .. } => write!(f, "Real server {real} of {of}:"),
        }
    }
}

/// A transition in the words of everybody who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    pub object: Object,
    /// The new state, or what happened in the old one.
    pub said: &'static str,
    kind: Kind,
    priority: Option<u8>,
    /// With all their arguments.
    pub scripts: Vec<Script>,
    /// For pipes, with its end.
    pub line: Option<String>,
    pub alert: Option<Alert>,
}

/// What a notice means to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The object is now in this state.
    State,
    /// Something happened in that state.
    Event,
    /// Not of interest to scripts.
    Aside,
}

impl News {
    /// For scripts that are told in their environment: one line of JSON.
    pub fn json(&self) -> String {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let about = match &self.object {
            Object::Instance(name) => format!(r#""type":"INSTANCE","name":{}"#, text(name)),
            Object::Group(name) => format!(r#""type":"GROUP","name":{}"#, text(name)),
            Object::VirtualServer { name, family } => format!(r#""type":"VS","virtual_server":{}{}"#, text(name), of_family(*family)),
            Object::RealServer { real, of, family } => {
                format!(r#""type":"RS","virtual_server":{}{},"real_server":{}"#, text(of), of_family(*family), text(real))
            }
        };
        let priority = self.priority.map_or_else(String::new, |priority| format!(r#","priority":{priority}"#));
        format!(r#"{{{about},"state":{}{priority}}}"#, text(self.said))
    }
}

impl From<Notice> for News {
    fn from(notice: Notice) -> Self {
        let (scripts, line, alert) = (scripts(&notice), notice.fifo.then(|| fifo_line(&notice)), mail::of_vrrp(&notice));
        let Notice { subject, name, told, priority, .. } = notice;
        let object = match subject {
            Subject::Instance => Object::Instance(name),
            Subject::Group => Object::Group(name),
        };
        Self { object, said: told.word(), kind: kind(told), priority: Some(priority), scripts, line, alert }
    }
}

impl From<ServerNotice> for News {
    fn from(notice: ServerNotice) -> Self {
        let said = if notice.up { "UP" } else { "DOWN" };
        // What only mail is told of is no transition: a checker has changed its mind, and others have not.
        let kind = if notice.fifo || notice.script.is_some() { Kind::State } else { Kind::Aside };
        let line = notice.fifo.then(|| server_line(&notice));
        let alert = mail::of_server(&notice);
        let ServerNotice { virtual_server: of, family, real_server, script, .. } = notice;
        let object = match real_server {
            Some(real) => Object::RealServer { real, of, family },
            None => Object::VirtualServer { name: of, family },
        };
        Self { object, said, kind, priority: None, scripts: script.into_iter().collect(), line, alert }
    }
}

fn of_family(family: Option<Family>) -> &'static str {
    match family {
        None => "",
        Some(Family::V4) => r#","family":"inet""#,
        Some(Family::V6) => r#","family":"inet6""#,
    }
}

/// Names come from a configuration's words and have no line end.
fn fifo_line(notice: &Notice) -> String {
    let Notice { subject, name, told, priority, .. } = notice;
    format!("{subject} \"{name}\" {told} {priority}\n")
}

/// keepalived's lines about servers have a NUL behind the line end, and readers may have learnt to expect it.
fn server_line(notice: &ServerNotice) -> String {
    let state = if notice.up { "UP" } else { "DOWN" };
    match &notice.real_server {
        Some(real) => format!("RS {real} {} {state}\n\0", notice.virtual_server),
        None => format!("VS {} {state}\n\0", notice.virtual_server),
    }
}

fn kind(told: Told) -> Kind {
    match told {
        Told::Master | Told::Backup | Told::Fault | Told::Stop | Told::Deleted => Kind::State,
        Told::MasterRxLowerPri => Kind::Event,
        Told::MasterPriority | Told::BackupPriority => Kind::Aside,
    }
}

/// The scripts that a notice runs, with all their arguments: the one for this very transition as it is configured, then the
/// one for any, which is told what happened. Only states are told to the latter.
fn scripts(notice: &Notice) -> Vec<Script> {
    let (specific, any) = match kind(notice.told) {
        Kind::State => (notice.specific.as_ref(), notice.any.as_ref()),
        Kind::Event => (notice.specific.as_ref(), None),
        Kind::Aside => (None, None),
    };
    let told = |script: &Script| {
        let said = [notice.subject.to_string(), notice.name.to_string(), notice.told.to_string(), notice.priority.to_string()];
        with_arguments(script, said.map(String::into_boxed_str))
    };
    specific.cloned().into_iter().chain(any.map(told)).collect()
}

/// The same script with more arguments.
pub fn with_arguments(script: &Script, more: impl IntoIterator<Item = Box<str>>) -> Script {
    let argv = script.argv.iter().cloned().chain(more).collect();
    Script { argv, ..script.clone() }
}

#[cfg(test)]
mod tests;
