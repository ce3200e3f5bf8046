//! Addresses, routes and rules as written.

mod address;
mod route;
mod rule;

pub use address::{Address, Broadcast};
pub use route::{Destination, NextHop, Route};
pub use rule::Rule;

use crate::config::diagnostic::Origin;
use crate::config::keyword::Show;
use crate::model::net as model;
use std::fmt;

/// A number that the tables of iproute2 may give a name to. What could not be read as a number is kept as a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    Number(u32),
    Name(Box<str>),
}

impl<N: Into<u32>> From<N> for Named {
    fn from(number: N) -> Self {
        Self::Number(number.into())
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl Show for Named {
    fn shown(&self) -> Option<String> {
        match self {
            Self::Number(number) => number.shown(),
            Self::Name(name) => name.shown(),
        }
    }
}

/// `[SOURCE/]DESTINATION`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realms {
    pub source: Option<Named>,
    pub destination: Named,
}

impl From<model::Realms> for Realms {
    fn from(model: model::Realms) -> Self {
        Self { source: (model.source != 0).then(|| model.source.into()), destination: model.destination.into() }
    }
}

impl Show for Realms {
    fn shown(&self) -> Option<String> {
        let destination = self.destination.shown().unwrap_or_default();
        Some(match self.source.shown() {
            Some(source) => format!("{source}/{destination}"),
            None => destination,
        })
    }
}

#[derive(Debug)]
pub struct TrackGroup {
    pub name: Box<str>,
    pub at: Origin,
    /// Its closing brace.
    pub end: Origin,
    pub members: Vec<(Box<str>, Origin)>,
    /// How often `group` was given; only the first counts.
    pub lists: usize,
}

impl From<&model::TrackGroup> for TrackGroup {
    fn from(model: &model::TrackGroup) -> Self {
        let members = model.members.iter().map(|name| (name.clone(), Origin::default())).collect();
        Self { name: model.name.clone(), at: Origin::default(), end: Origin::default(), members, lists: 1 }
    }
}

#[derive(Debug, Default)]
pub struct Statics {
    pub groups: Vec<TrackGroup>,
    pub addresses: Vec<Address>,
    pub routes: Vec<Route>,
    pub rules: Vec<Rule>,
}

impl From<&model::Statics> for Statics {
    fn from(model: &model::Statics) -> Self {
        Self {
            groups: model.groups.iter().map(TrackGroup::from).collect(),
            addresses: model.addresses.iter().map(|s| Address { track_group: s.group.clone(), ..Address::from(&s.object) }).collect(),
            routes: model.routes.iter().map(|s| Route { track_group: s.group.clone(), ..Route::from(&s.object) }).collect(),
            rules: model.rules.iter().map(|s| Rule { track_group: s.group.clone(), ..Rule::from(&s.object) }).collect(),
        }
    }
}
