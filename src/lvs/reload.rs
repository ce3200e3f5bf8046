//! Goes over to a new configuration.

use super::Action;
use super::engine::Engine;
use crate::effect::time::Instant;
use crate::model::Model;
use std::sync::Arc;

impl Engine {
    pub fn reconfigure(&mut self, _now: Instant, _model: Arc<Model>, _actions: &mut Vec<Action>) {}
}
