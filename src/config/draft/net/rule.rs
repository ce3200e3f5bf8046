//! A routing rule as written.

use super::{Named, Realms};
use crate::config::diagnostic::Origin;
use crate::model::net::rule::{self as model, Action, Mark};
use crate::model::net::{Family, Prefix};
use std::ops::RangeInclusive;

/// A line of `virtual_rules` or `static_rules`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    pub at: Origin,
    /// Known from the first address or option that fixes it.
    pub family: Option<Family>,
    pub inverted: bool,
    /// `all` leaves no trace.
    pub from: Option<Prefix>,
    pub to: Option<Prefix>,
    /// Given by the reader to a rule that came without one.
    pub priority: Option<u32>,
    pub tos: Option<Named>,
    pub mark: Option<Mark>,
    pub input: Option<Box<str>>,
    pub output: Option<Box<str>>,
    pub uids: Option<RangeInclusive<u32>>,
    pub ip_protocol: Option<Named>,
    pub source_ports: Option<RangeInclusive<u16>>,
    pub destination_ports: Option<RangeInclusive<u16>>,
    pub tunnel: Option<u64>,
    pub action: Option<Action<Named>>,
    pub realms: Option<Realms>,
    pub suppress_length: Option<u32>,
    pub suppress_group: Option<Named>,
    pub protocol: Option<u8>,
    pub no_track: bool,
    pub track_group: Option<Box<str>>,
}

impl From<&model::Rule> for Rule {
    fn from(model: &model::Rule) -> Self {
        Self {
            at: Origin::default(),
            family: Some(model.family),
            inverted: model.inverted,
            from: model.from,
            to: model.to,
            priority: Some(model.priority),
            tos: (model.tos != 0).then(|| model.tos.into()),
            mark: model.mark,
            input: model.input.clone(),
            output: model.output.clone(),
            uids: model.uids.clone(),
            ip_protocol: model.ip_protocol.map(Named::from),
            source_ports: model.source_ports.clone(),
            destination_ports: model.destination_ports.clone(),
            tunnel: model.tunnel,
            action: Some(match &model.action {
                Action::Table(table) => Action::Table((*table).into()),
                Action::L3mdev => Action::L3mdev,
                Action::Goto(target) => Action::Goto(*target),
                Action::Nop => Action::Nop,
                Action::Blackhole => Action::Blackhole,
                Action::Unreachable => Action::Unreachable,
                Action::Prohibit => Action::Prohibit,
            }),
            realms: model.realms.map(Realms::from),
            suppress_length: model.suppress_length,
            suppress_group: model.suppress_group.map(Named::from),
            protocol: Some(model.protocol),
            no_track: !model.tracked,
            track_group: None,
        }
    }
}
