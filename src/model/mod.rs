//! The configuration as the daemon runs it: validated, immutable, comparable. It is built only by `config::resolve`, so
//! nothing in it means "not yet decided", and it knows neither files nor syntax.

pub mod bfd;
pub mod checker;
pub mod code;
pub mod diff;
pub mod global;
pub mod lvs;
pub mod net;
pub mod script;
pub mod track;
pub mod vrrp;

/// The root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    pub global: global::Global,
    pub statics: net::Statics,
    pub tracked: track::Tracked,
    pub vrrp: vrrp::Vrrp,
    pub lvs: lvs::Lvs,
    pub bfd: Vec<bfd::Session>,
}
