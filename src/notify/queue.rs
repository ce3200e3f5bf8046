//! The order of scripts.

use super::{Kind, News, Object};
use crate::effect::say::{Level, Line};
use crate::effect::time::Instant;
use crate::model::script::Script;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long a script may keep the next state from being told. Some never end, because they are the service itself, and whoever
/// wrote them counts on the next one, which keepalived starts at once.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The scripts of one notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    pub object: Object,
    number: u64,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Start it and say [`Queue::ended`] when it is no more; also if it could not be started. `json` tells what it is about.
    Run {
        turn: Turn,
        script: Script,
        json: String,
    },
    Say(Line),
}

/// The scripts of an object run one notice at a time, so that what a script was told last is what holds. While they run, only
/// the newest state waits: what would be told about the others is no longer true.
#[derive(Debug, Default)]
pub struct Queue {
    busy: BTreeMap<Object, Lane>,
    /// When the patience with each turn ends; some of them may be over.
    patience: VecDeque<(Instant, Turn)>,
    turns: u64,
}

/// An object whose scripts are running.
#[derive(Debug)]
struct Lane {
    number: u64,
    said: &'static str,
    /// How many of the notice's scripts have not ended.
    left: usize,
    patience: Instant,
    /// The state to be told next, and an event that came after it.
    state: Option<News>,
    event: Option<News>,
}

impl Queue {
    pub fn tell(&mut self, now: Instant, news: News, orders: &mut Vec<Order>) {
        let silent = news.scripts.is_empty();
        if news.kind == Kind::Aside {
            return;
        }
        let Some(lane) = self.busy.get_mut(&news.object) else {
            if !silent {
                self.begin(now, &news, None, orders);
            }
            return;
        };
        let (object, said, running, patience) = (news.object.clone(), news.said, lane.said, lane.patience);
        let slot = if news.kind == Kind::State {
            lane.event = None;
            &mut lane.state
        } else {
            &mut lane.event
        };
        // A state that has no script still makes the one untrue that was waiting.
        if let Some(dropped) = std::mem::replace(slot, (!silent).then_some(news)) {
            say(orders, format!("{object} notify scripts: {} is not told, {said} has come since", dropped.said));
        }
        if silent {
            return;
        }
        if patience <= now {
            self.overtake(now, &object, orders);
        } else {
            say(orders, format!("{object} notify scripts: {said} waits for the end of those for {running}"));
        }
    }

    /// A script of this turn is no more.
    pub fn ended(&mut self, now: Instant, turn: &Turn, orders: &mut Vec<Order>) {
        let Some(lane) = self.busy.get_mut(&turn.object).filter(|lane| lane.number == turn.number) else { return };
        lane.left = lane.left.saturating_sub(1);
        if lane.left == 0 {
            self.proceed(now, &turn.object, orders);
        }
    }

    /// When [`Queue::tick`] has something to do.
    pub fn next_deadline(&mut self) -> Option<Instant> {
        while let Some((at, turn)) = self.patience.front() {
            if self.busy.get(&turn.object).is_some_and(|lane| lane.number == turn.number) {
                return Some(*at);
            }
            self.patience.pop_front();
        }
        None
    }

    pub fn tick(&mut self, now: Instant, orders: &mut Vec<Order>) {
        while self.next_deadline().is_some_and(|at| at <= now)
            && let Some((_, turn)) = self.patience.pop_front()
        {
            if self.busy.get(&turn.object).is_some_and(Lane::is_waited_for) {
                self.overtake(now, &turn.object, orders);
            }
        }
    }

    /// Those whose scripts keep something from being told.
    pub fn late(&self) -> impl Iterator<Item = Turn> {
        let late = self.busy.iter().filter(|(_, lane)| lane.is_waited_for());
        late.map(|(object, lane)| Turn { object: object.clone(), number: lane.number })
    }

    pub fn is_idle(&self) -> bool {
        self.busy.is_empty()
    }

    /// What waits is told although the scripts before it have not ended.
    fn overtake(&mut self, now: Instant, object: &Object, orders: &mut Vec<Order>) {
        if let Some(lane) = self.busy.get(object)
            && let Some(next) = lane.state.as_ref().or(lane.event.as_ref())
        {
            let (seconds, said, next) = (PATIENCE.as_secs(), lane.said, next.said);
            let text = format!("{object} notify scripts: those for {said} have not ended in {seconds} s, those for {next} run beside them");
            orders.push(Order::Say(Line { level: Level::Warning, text }));
        }
        self.proceed(now, object, orders);
    }

    fn proceed(&mut self, now: Instant, object: &Object, orders: &mut Vec<Order>) {
        let Some(lane) = self.busy.remove(object) else { return };
        match (lane.state, lane.event) {
            (Some(state), event) => self.begin(now, &state, event, orders),
            (None, Some(event)) => self.begin(now, &event, None, orders),
            (None, None) => {}
        }
    }

    /// Starts what a notice runs: there is at least one script.
    fn begin(&mut self, now: Instant, news: &News, event: Option<News>, orders: &mut Vec<Order>) {
        self.turns += 1;
        let patience = now + PATIENCE;
        let turn = Turn { object: news.object.clone(), number: self.turns };
        let lane = Lane { number: self.turns, said: news.said, left: news.scripts.len(), patience, state: None, event };
        self.busy.insert(news.object.clone(), lane);
        self.patience.push_back((patience, turn.clone()));
        let run = |script: &Script| Order::Run { turn: turn.clone(), script: script.clone(), json: news.json() };
        orders.extend(news.scripts.iter().map(run));
    }
}

impl Lane {
    fn is_waited_for(&self) -> bool {
        self.state.is_some() || self.event.is_some()
    }
}

fn say(orders: &mut Vec<Order>, text: String) {
    orders.push(Order::Say(Line { level: Level::Info, text }));
}
