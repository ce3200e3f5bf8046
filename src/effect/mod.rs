//! The narrow waist: the words that engines say and effectors understand. Pure.
//!
//! There are two kinds of effect. *Facts to hold* ([`Action::Hold`]) say all that an owner wants in the kernel now; the
//! effector subtracts what is there and applies the difference, so saying it again costs nothing. *Things that happen* are
//! done once, in the order in which they were said. What is sent, opened, recorded or logged is done at once. What tells
//! others of our addresses ([`Action::Announce`], [`Action::Probe`], [`Action::Notify`]) waits until every fact that was
//! said before it is in the kernel.

pub mod chance;
pub mod delta;
pub mod device;
pub mod firewall;
pub mod interface;
pub mod ipvs;
pub mod net;
pub mod notice;
pub mod packet;
pub mod probe;
pub mod record;
pub mod say;
pub mod time;

use net::{Fact, InstanceId, Owner};
use notice::{Notice, Refusal};
use packet::{Announce, Port, PortId, Target, Transmit};
use record::Record;
use say::{Level, Line};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Transmit(Transmit),
    /// Open the sockets of a port; a port that cannot be opened comes back as an event.
    Open(PortId, Port),
    Close(PortId),
    /// Whatever of this is found in the kernel was left by a predecessor and belongs to the owner. What the owner holds from
    /// then on decides whether it stays.
    Adopt {
        owner: Owner,
        facts: Box<[Fact]>,
    },
    /// All that the owner wants in the kernel, in the order in which it is to be put there.
    Hold {
        owner: Owner,
        facts: Box<[Fact]>,
    },
    /// What the owner holds by lease is held that long from now.
    Renew(Owner),
    Announce(Announce),
    /// Drop what of the instance's announcements is still queued.
    Silence(InstanceId),
    /// Ask who has these addresses, without claiming any (RFC 5227 2.1.1, RFC 4862 5.4): a router that has just yielded
    /// thereby makes the rightful master announce itself to everybody.
    Probe(Box<[Target]>),
    Notify(Notice),
    Refuse(Refusal),
    Record(Record),
    /// The instance with this key is no more.
    Forget(Box<str>),
    Say(Line),
}

/// Where an engine puts its actions: order is explicit, and a test compares a list.
#[derive(Debug, Default)]
pub struct Actions {
    list: Vec<Action>,
}

impl Actions {
    pub fn push(&mut self, action: Action) {
        self.list.push(action);
    }

    pub fn extend(&mut self, actions: impl IntoIterator<Item = Action>) {
        self.list.extend(actions);
    }

    pub fn say(&mut self, level: Level, text: impl Into<String>) {
        self.push(Action::Say(Line { level, text: text.into() }));
    }

    pub fn drain(&mut self) -> std::vec::Drain<'_, Action> {
        self.list.drain(..)
    }

    /// Keeps room for so many at most.
    pub fn shrink_to(&mut self, most: usize) {
        self.list.shrink_to(most);
    }

    pub fn as_slice(&self) -> &[Action] {
        &self.list
    }
}
