//! What others may look at: sessions as they are now. What is configured is looked up in the model, by name.

use super::SessionId;
use crate::effect::time::Instant;
use crate::wire::bfd::{Reason, State};
use std::time::Duration;

/// In the order in which they came to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub sessions: Vec<SessionView>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    pub id: SessionId,
    pub name: Box<str>,
    pub state: State,
    /// Why it is not up any more.
    pub reason: Reason,
    /// Our number of it, and the neighbour's.
    pub ours: u32,
    pub yours: u32,
    /// What the neighbour said of itself last.
    pub neighbour: State,
    pub multiplier: u8,
    pub min_tx: Duration,
    pub min_rx: Duration,
    pub demand: bool,
    /// A change of rhythm waits for the neighbour's consent.
    pub polling: bool,
    /// Between what we send, at most. Nothing where nothing is to be sent.
    pub interval: Option<Duration>,
    /// How long the neighbour may be silent.
    pub detection: Option<Duration>,
    pub last_heard: Option<Instant>,
}
