//! Virtual servers, real servers and checkers, as written.

use crate::model::lvs as model;

#[derive(Debug, Default)]
pub struct Lvs {}

impl From<&model::Lvs> for Lvs {
    fn from(_: &model::Lvs) -> Self {
        Self {}
    }
}
