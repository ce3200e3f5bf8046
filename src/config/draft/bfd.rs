//! `bfd_instance` as written.

use crate::config::diagnostic::Origin;
use crate::model::bfd::{self as model, Hops};
use crate::model::track::Weight;
use std::net::IpAddr;
use std::time::Duration;

#[derive(Debug)]
pub struct Session {
    pub name: Box<str>,
    pub at: Origin,
    /// Its closing brace.
    pub end: Origin,
    pub neighbor: Option<IpAddr>,
    pub source: Option<IpAddr>,
    pub min_rx: Duration,
    pub min_tx: Duration,
    pub idle_tx: Duration,
    pub multiplier: u8,
    pub passive: bool,
    /// Depends on the family of the neighbour.
    pub ttl: Option<u8>,
    pub hops: Hops,
    pub multihop: bool,
    pub weight: Weight,
    /// Neither means both.
    pub vrrp: bool,
    pub checker: bool,
}

impl Session {
    pub fn new(name: &str, at: Origin) -> Self {
        Self {
            name: name.into(),
            at,
            end: at,
            neighbor: None,
            source: None,
            min_rx: Duration::from_millis(10),
            min_tx: Duration::from_millis(10),
            idle_tx: Duration::from_secs(1),
            multiplier: 5,
            passive: false,
            ttl: None,
            hops: Hops::AtMost(0),
            multihop: false,
            weight: Weight::default(),
            vrrp: false,
            checker: false,
        }
    }
}

impl From<&model::Session> for Session {
    fn from(model: &model::Session) -> Self {
        Self {
            name: model.name.clone(),
            at: Origin::default(),
            end: Origin::default(),
            neighbor: Some(model.neighbor),
            source: model.source,
            min_rx: model.min_rx,
            min_tx: model.min_tx,
            idle_tx: model.idle_tx,
            multiplier: model.multiplier,
            passive: model.passive,
            ttl: (model.ttl == model.full_ttl).then_some(model.ttl),
            hops: model.hops,
            multihop: model.multihop,
            weight: model.weight,
            vrrp: model.tells_vrrp && !model.tells_checkers,
            checker: model.tells_checkers && !model.tells_vrrp,
        }
    }
}
