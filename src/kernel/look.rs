//! A look at all that is in the kernel. Whoever holds something there does not wait for it: the writer looks, in its turn, and
//! what happens until its answer is used is remembered and added to that.

use super::ledger::Index;
use super::rtnl::decode::Key;
use super::rtnl::{Change, Picture};
use crate::effect::delta::Identity;
use crate::effect::net::Links;
use crate::model::net::OUR_PROTOCOL;
use std::io;

/// More than this is not remembered: with so much going on, it is better to look again.
const MOST: usize = 4096;

/// What the writer has seen.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) links: Links,
    pub(super) index: Index,
}

impl Look {
    pub(super) fn of(picture: Picture) -> Self {
        Self { links: picture.links, index: Index::of(picture.keys) }
    }

    /// Whether it is older or younger than the look: in the end there is what was told last.
    fn add(&mut self, change: Change) {
        match change {
            Change::Link(link) => self.links.put(link),
            Change::LinkGone(device) => drop(self.links.remove(device)),
            Change::Address(local) => drop(self.links.put_address(local)),
            Change::AddressGone(local) => drop(self.links.remove_address(local)),
            Change::FactSeen(_) | Change::FactGone(_) => add(&mut self.index, &change),
            Change::Duplicate(_) | Change::Overrun => {}
        }
    }
}

fn add(index: &mut Index, change: &Change) {
    match change {
        Change::FactSeen(key) => index.put(key),
        Change::FactGone(key) => index.take(key),
        Change::Link(_) | Change::LinkGone(_) | Change::Address(_) | Change::AddressGone(_) | Change::Duplicate(_) | Change::Overrun => {}
    }
}

/// One that has been asked for.
#[derive(Debug)]
struct Pending {
    number: u64,
    /// The last step that comes before it.
    basis: u64,
    changes: Vec<Change>,
    too_much: bool,
    answer: Option<io::Result<Look>>,
}

/// What there is, kept up to date.
#[derive(Debug)]
pub(super) struct There {
    /// Steps after this one are not in it, but for what has been told of them.
    pub(super) basis: u64,
    pub(super) index: Index,
}

/// What is asked, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Looker {
    last: u64,
    pending: Option<Pending>,
    there: Option<There>,
}

impl Looker {
    /// Returns the number of the question. What was asked before is of no interest any more.
    pub(super) fn ask(&mut self, basis: u64) -> u64 {
        self.last += 1;
        self.there = None;
        self.pending = Some(Pending { number: self.last, basis, changes: Vec::new(), too_much: false, answer: None });
        self.last
    }

    pub(super) fn answered(&mut self, number: u64, answer: io::Result<Look>) {
        if let Some(pending) = self.pending.as_mut().filter(|pending| pending.number == number) {
            pending.answer = Some(answer);
        }
    }

    pub(super) const fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    pub(super) fn has_answer(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.answer.is_some())
    }

    /// Takes the answer; everything has been heard that happened before it. Returns the interfaces.
    pub(super) fn take(&mut self) -> io::Result<Links> {
        let Some(Pending { basis, changes, too_much, answer: Some(answer), .. }) = self.pending.take_if(|pending| pending.answer.is_some())
        else {
            return Err(io::Error::other("nobody has looked"));
        };
        let mut look = answer?;
        if too_much {
            return Err(io::Error::other("too much changes"));
        }
        for change in changes {
            look.add(change);
        }
        self.there = Some(There { basis, index: look.index });
        Ok(look.links)
    }

    /// As it was just looked at, by somebody who waited for it.
    pub(super) fn know(&mut self, basis: u64, index: Index) {
        self.there = Some(There { basis, index });
    }

    pub(super) const fn there(&self) -> Option<&There> {
        self.there.as_ref()
    }

    pub(super) fn forget(&mut self) {
        self.there = None;
    }

    pub(super) fn note(&mut self, change: &Change) {
        if *change == Change::Overrun {
            // Nobody knows what has happened.
            (self.pending, self.there) = (None, None);
            return;
        }
        if let Some(there) = &mut self.there {
            add(&mut there.index, change);
        }
        if let Some(pending) = &mut self.pending
            && is_of_interest(change)
        {
            pending.too_much |= pending.changes.len() >= MOST;
            if !pending.too_much {
                pending.changes.push(change.clone());
            }
        }
    }
}

/// Of routes, only ours are looked at.
fn is_of_interest(change: &Change) -> bool {
    match change {
        Change::FactSeen(Key::Route(seen)) | Change::FactGone(Key::Route(seen)) => seen.protocol() == OUR_PROTOCOL,
        Change::FactSeen(Key::Address(_) | Key::Rule(_))
        | Change::FactGone(Key::Address(_) | Key::Rule(_))
        | Change::Link(_)
        | Change::LinkGone(_)
        | Change::Address(_)
        | Change::AddressGone(_) => true,
        Change::Duplicate(_) | Change::Overrun => false,
    }
}

/// What is held and has not been compared with what is there yet.
#[derive(Debug)]
pub struct Comparison {
    pub(super) left: Vec<Identity>,
}

impl Comparison {
    pub const fn is_over(&self) -> bool {
        self.left.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::net::{Device, Link, Local};
    use crate::model::net::Prefix;

    fn local(last: u8) -> Local {
        Local { device: Device(1), prefix: Prefix { address: [10, 0, 0, last].into(), length: 24 } }
    }

    fn look(addresses: &[u8]) -> Look {
        let mut look = Look::default();
        look.links.put(Link::plain(Device(1), "e0", true));
        for &last in addresses {
            look.links.put_address(local(last));
        }
        look
    }

    fn addresses(links: &Links) -> Vec<u8> {
        let last = |prefix: &Prefix| match prefix.address {
            std::net::IpAddr::V4(address) => address.octets()[3],
            std::net::IpAddr::V6(_) => 0,
        };
        links.addresses(Device(1)).iter().map(last).collect()
    }

    #[test]
    fn what_happens_meanwhile_is_added_whether_the_writer_saw_it_or_not() {
        let mut looker = Looker::default();
        let number = looker.ask(7);
        looker.note(&Change::Address(local(1)));
        looker.note(&Change::AddressGone(local(2)));
        assert!(looker.is_pending() && !looker.has_answer());
        // It has seen the first one come, and not yet the second one go.
        looker.answered(number, Ok(look(&[1, 2, 3])));
        looker.note(&Change::AddressGone(local(3)));
        looker.note(&Change::Link(Link::plain(Device(2), "e1", true)));
        assert!(looker.has_answer());
        let links = looker.take().expect("it has looked");
        assert_eq!(addresses(&links), [1]);
        assert!(links.named("e1").is_some());
        assert_eq!(looker.there().map(|there| there.basis), Some(7));
        assert!(!looker.is_pending());
    }

    #[test]
    fn only_the_last_question_is_answered() {
        let mut looker = Looker::default();
        let first = looker.ask(1);
        let second = looker.ask(2);
        looker.answered(first, Ok(look(&[])));
        assert!(looker.is_pending() && !looker.has_answer());
        looker.answered(second, Ok(look(&[5])));
        assert_eq!(looker.take().map(|links| addresses(&links)).ok(), Some(vec![5]));
        assert!(looker.take().is_err());
    }

    #[test]
    fn nothing_is_known_after_changes_were_missed() {
        let mut looker = Looker::default();
        let number = looker.ask(1);
        looker.note(&Change::Overrun);
        looker.answered(number, Ok(look(&[])));
        assert!(!looker.is_pending() && !looker.has_answer() && looker.there().is_none());
        looker.know(3, Index::default());
        assert!(looker.there().is_some());
        looker.note(&Change::Overrun);
        assert!(looker.there().is_none());
    }

    #[test]
    fn where_too_much_happens_it_is_looked_again() {
        let mut looker = Looker::default();
        let number = looker.ask(1);
        for _ in 0..=MOST {
            looker.note(&Change::Address(local(1)));
        }
        looker.answered(number, Ok(look(&[1])));
        assert!(looker.take().is_err() && !looker.is_pending());
    }
}
