//! The configuration as written: what each statement set, before defaults, inheritance and cross-references.
//!
//! A field whose default depends on something else is an `Option`; one with a constant default holds it from the start.
//! Every draft can be made from its model again (`From<&model::...>`), with every option spelled out: that is the
//! canonical dump.

pub mod bfd;
pub mod global;
pub mod lvs;
pub mod net;
pub mod vrrp;

use crate::model::Model;

#[derive(Debug, Default)]
pub struct Draft {
    pub global: global::Global,
    pub statics: net::Statics,
    pub vrrp: vrrp::Vrrp,
    pub lvs: lvs::Lvs,
    pub bfd: Vec<bfd::Session>,
}

impl From<&Model> for Draft {
    fn from(model: &Model) -> Self {
        Self {
            global: global::Global::from(&model.global),
            statics: net::Statics::from(&model.statics),
            vrrp: vrrp::Vrrp::from(model),
            lvs: lvs::Lvs::from(&model.lvs),
            bfd: model.bfd.iter().map(bfd::Session::from).collect(),
        }
    }
}
