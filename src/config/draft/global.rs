//! Process-wide settings as written. Nearly all defaults are constants, so the draft is the model's own type, with what
//! only the resolver understands beside it.

use crate::model::global as model;

#[derive(Debug, Default)]
pub struct Global {
    pub settings: model::Global,
}

impl From<&model::Global> for Global {
    fn from(model: &model::Global) -> Self {
        Self { settings: model.clone() }
    }
}
