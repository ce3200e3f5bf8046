//! Carries out what the trackers decide, and passes on what they find.

pub mod script;

use crate::vrrp::{Event, Standing, Tracked};

/// What a tracker has found out, for the VRRP engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub object: Found,
    pub standing: Standing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Script(Box<str>),
    File(Box<str>),
    Process(Box<str>),
}

impl Finding {
    /// As the engine takes it.
    pub fn event(&self) -> Event<'_> {
        let object = match &self.object {
            Found::Script(name) => Tracked::Script(name),
            Found::File(name) => Tracked::File(name),
            Found::Process(name) => Tracked::Process(name),
        };
        Event::Tracked { object, standing: self.standing }
    }
}
