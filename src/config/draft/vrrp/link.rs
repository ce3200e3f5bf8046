//! `garp_group`, `linkbeat_interfaces` and `interface_up_down_delays`.

use super::Given;
use crate::config::diagnostic::Origin;
use crate::model::vrrp::{self as model, LinkbeatMethod};
use std::time::Duration;

#[derive(Debug, Default)]
pub struct GarpGroup {
    pub end: Origin,
    pub garp_interval: Option<Duration>,
    pub gna_interval: Option<Duration>,
    pub interfaces: Vec<Given<Box<str>>>,
}

impl From<&model::GarpGroup> for GarpGroup {
    fn from(model: &model::GarpGroup) -> Self {
        Self {
            end: Origin::default(),
            garp_interval: model.garp_interval,
            gna_interval: model.gna_interval,
            interfaces: model.interfaces.iter().cloned().map(Given::stated).collect(),
        }
    }
}

#[derive(Debug)]
pub struct Linkbeat {
    pub at: Origin,
    pub interface: Box<str>,
    pub method: LinkbeatMethod,
}

impl From<&model::Linkbeat> for Linkbeat {
    fn from(model: &model::Linkbeat) -> Self {
        Self { at: Origin::default(), interface: model.interface.clone(), method: model.method }
    }
}

#[derive(Debug)]
pub struct LinkDelay {
    pub at: Origin,
    pub interface: Box<str>,
    pub down: Duration,
    pub up: Duration,
}

impl From<&model::LinkDelay> for LinkDelay {
    fn from(model: &model::LinkDelay) -> Self {
        Self { at: Origin::default(), interface: model.interface.clone(), down: model.down, up: model.up }
    }
}
