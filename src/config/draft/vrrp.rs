//! VRRP instances, groups and trackers, as written.

use crate::model::Model;

#[derive(Debug, Default)]
pub struct Vrrp {}

impl From<&Model> for Vrrp {
    fn from(_: &Model) -> Self {
        Self {}
    }
}
