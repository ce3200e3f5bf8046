//! The order of scripts.

use super::{Kind, kind, scripts};
use crate::effect::notice::{Notice, Subject, Told};
use crate::effect::say::{Level, Line};
use crate::model::script::Script;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

/// Whose transitions are told one after the other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    pub subject: Subject,
    pub name: Box<str>,
}

/// As log lines begin.
impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.subject {
            Subject::Instance => write!(f, "({})", self.name),
            Subject::Group => write!(f, "VRRP_Group({})", self.name),
        }
    }
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Start it and say [`Queue::ended`] when it is no more; also if it could not be started.
    Run {
        object: Object,
        script: Script,
    },
    Say(Line),
}

/// The scripts of an object run one notice at a time, so that what a script was told last is what holds. While they run, only
/// the newest state waits: what would be told about the others is no longer true.
#[derive(Debug, Default)]
pub struct Queue {
    busy: BTreeMap<Object, Lane>,
}

/// An object whose scripts are running.
#[derive(Debug)]
struct Lane {
    told: Told,
    /// How many of the notice's scripts have not ended.
    left: usize,
    /// The state to be told next, and an event that came after it.
    state: Option<Notice>,
    event: Option<Notice>,
}

impl Queue {
    pub fn tell(&mut self, notice: Notice, orders: &mut Vec<Order>) {
        let kind = kind(notice.told);
        if kind == Kind::Number {
            return;
        }
        let object = Object { subject: notice.subject, name: notice.name.clone() };
        let silent = scripts(&notice).is_empty();
        match self.busy.entry(object) {
            Entry::Vacant(_) if silent => {}
            Entry::Vacant(entry) => {
                let lane = begin(entry.key(), &notice, orders);
                entry.insert(lane);
            }
            Entry::Occupied(mut entry) => {
                let object = entry.key().clone();
                let lane = entry.get_mut();
                let slot = match kind {
                    Kind::State => {
                        lane.event = None;
                        &mut lane.state
                    }
                    Kind::Event | Kind::Number => &mut lane.event,
                };
                let (told, running) = (notice.told, lane.told);
                // A state that has no script still makes the one untrue that was waiting.
                let dropped = std::mem::replace(slot, (!silent).then_some(notice));
                if let Some(dropped) = dropped {
                    say(orders, format!("{object} notify scripts: {} is not told, {told} has come since", dropped.told));
                }
                if !silent {
                    say(orders, format!("{object} notify scripts: {told} waits for the end of those for {running}"));
                }
            }
        }
    }

    /// A script of this object is no more.
    pub fn ended(&mut self, object: &Object, orders: &mut Vec<Order>) {
        let Some(lane) = self.busy.get_mut(object) else { return };
        lane.left = lane.left.saturating_sub(1);
        if lane.left > 0 {
            return;
        }
        let (state, event) = (lane.state.take(), lane.event.take());
        match state {
            Some(state) => *lane = Lane { event, ..begin(object, &state, orders) },
            None => match event {
                Some(event) => *lane = begin(object, &event, orders),
                None => {
                    self.busy.remove(object);
                }
            },
        }
    }

    /// Those whose running scripts are about something else than `STOP`: at the end, they keep it from being told.
    pub fn late(&self) -> impl Iterator<Item = &Object> {
        self.busy.iter().filter(|(_, lane)| lane.told != Told::Stop).map(|(object, _)| object)
    }

    pub fn is_idle(&self) -> bool {
        self.busy.is_empty()
    }
}

/// Starts what a notice runs: there is at least one script.
fn begin(object: &Object, notice: &Notice, orders: &mut Vec<Order>) -> Lane {
    let scripts = scripts(notice);
    let lane = Lane { told: notice.told, left: scripts.len(), state: None, event: None };
    orders.extend(scripts.into_iter().map(|script| Order::Run { object: object.clone(), script }));
    lane
}

fn say(orders: &mut Vec<Order>, text: String) {
    orders.push(Order::Say(Line { level: Level::Info, text }));
}
