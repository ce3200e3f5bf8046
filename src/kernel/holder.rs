//! Facts into the kernel, without waiting for it.

use super::device;
use super::ledger::{Gone, Index, Ledger, Names, Snag, Step};
pub use super::look::Comparison;
use super::look::Looker;
use super::rtnl::picture::Asker;
use super::rtnl::{Change, Picture};
use super::setting::Before;
use super::writer::{Finished, Writer};
use crate::effect::delta::Identity;
use crate::effect::firewall::Order;
use crate::effect::net::{Device, Fact, Link, Links, Owner};
use crate::effect::say::Line;
use crate::model::global::ReceiveBuffer;
use crate::model::net::{Family, Prefix};
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// How far the kernel must be for something to be there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ticket(u64);

/// What the kernel would not take, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub owner: Owner,
    pub fact: Fact,
    pub reason: String,
    /// It was tried once more, with the same outcome.
    pub again: bool,
}

/// What somebody lacks that nobody took away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lack {
    pub owner: Owner,
    /// Whether there are addresses among that which the kernel took before.
    pub addresses: bool,
}

/// All facts of all owners. A thread of its own writes to the kernel, which may hold a writer up for long.
#[derive(Debug)]
pub struct Holder {
    ledger: Ledger,
    writer: Writer,
    links: Links,
    names: Names,
    looker: Looker,
    /// The last step that was done when we last looked.
    finished: u64,
    /// Something has happened that may let the kernel take what it did not take before.
    hopeful: bool,
    /// An interface such as we make has been told of.
    suspicious: bool,
    /// The last step that was on its way when that happened.
    hopeful_at: u64,
    /// Why things were refused when that was last told.
    told: HashMap<Identity, String>,
}

impl Holder {
    /// Opens its sockets in the calling thread's network namespace.
    pub fn start() -> io::Result<Self> {
        Self::sized(ReceiveBuffer::default())
    }

    /// With receive buffers as they were configured.
    pub fn sized(buffer: ReceiveBuffer) -> io::Result<Self> {
        let mut asker = Asker::open()?;
        asker.sized(buffer)?;
        let mut links = asker.links()?;
        for placement in asker.addresses()? {
            links.put_address(placement.local());
        }
        let names = names_of(&links);
        let writer = Writer::start(buffer)?;
        Ok(Self {
            ledger: Ledger::default(),
            writer,
            links,
            names,
            looker: Looker::default(),
            finished: 0,
            hopeful: false,
            suspicious: false,
            hopeful_at: 0,
            told: HashMap::new(),
        })
    }

    /// Those of the facts that are in the kernel already become the owner's. Where nobody has looked ([`Self::look`],
    /// [`Self::know`]), all of it may be there.
    pub fn adopt(&mut self, owner: Owner, facts: &[Fact]) {
        let there = self.looker.there().map(|there| &there.index);
        self.ledger.adopt(owner, facts, there, &self.names);
    }

    /// Has the kernel looked at, after all that was asked for before. From when that is done and taken until it is forgotten,
    /// it is known what is there; every [`Change`] must be shown.
    pub fn look(&mut self) {
        let number = self.looker.ask(self.ledger.last());
        self.writer.look(number);
    }

    /// Somebody waits for a look, and no changes were missed meanwhile.
    pub const fn is_looking(&self) -> bool {
        self.looker.is_pending()
    }

    /// Whether it was done when we last settled.
    pub fn has_looked(&self) -> bool {
        self.looker.has_answer()
    }

    /// Takes what was seen. Before that, and after it was seen, all that there was to observe must have been.
    pub fn take_look(&mut self) -> io::Result<Links> {
        self.looker.take()
    }

    /// What was seen by somebody who could wait for it; nothing has been observed since.
    pub fn know(&mut self, picture: Picture) {
        self.looker.know(self.finished, Index::of(picture.keys));
    }

    pub fn forget(&mut self) {
        self.looker.forget();
    }

    /// Those of the interfaces that are there, in the right place, but not as they are to be, become the owner's: they are known
    /// to be a predecessor's. Holding them makes them what they were.
    pub fn adopt_altered(&mut self, owner: Owner, facts: &[Fact]) {
        for fact in facts {
            if let Fact::Device(new) = fact
                && self.links.named(&new.name).is_some_and(|link| !new.is(link) && device::was(link, new))
            {
                self.ledger.adopt_altered(owner, (**new).clone());
            }
        }
    }

    /// All that the owner wants from now on. Saying it again costs nothing, unless something of it was refused or lost, which
    /// is then tried again.
    pub fn hold(&mut self, owner: Owner, facts: &[Fact]) -> Ticket {
        let steps = self.ledger.hold(owner, facts, &self.names);
        self.queue(steps);
        Ticket(self.ledger.last())
    }

    /// When a fact that is held will be there, which may be before all that its owner wants is.
    pub fn ticket(&self, fact: &Fact) -> Ticket {
        Ticket(self.ledger.number(fact))
    }

    /// What the owner holds by lease begins its time anew.
    pub fn renew(&mut self, owner: Owner) {
        let steps = self.ledger.renew(owner);
        self.queue(steps);
    }

    fn queue(&self, steps: Vec<Step>) {
        if !steps.is_empty() {
            self.writer.queue(steps);
        }
    }

    /// Done after all that was asked for before, and before all that is asked for after it.
    pub fn filter(&mut self, order: Order) {
        let nothing = matches!(&order, Order::Put(entries) | Order::Take(entries) if entries.is_empty());
        if !nothing {
            self.writer.filter(order);
        }
    }

    /// What there is to say of the packet filter.
    pub fn lines(&self) -> Vec<Line> {
        self.writer.lines()
    }

    /// What settings were before a predecessor changed them.
    pub fn remember(&self, before: Vec<Before>) {
        self.writer.remember(before);
    }

    /// Whatever else a predecessor has set than what is among these is given back.
    pub fn want_only(&self, facts: &[Fact]) {
        let setting = |fact: &Fact| if let Fact::Setting(setting) = fact { Some((setting.scope, setting.knob)) } else { None };
        self.writer.want_only(facts.iter().filter_map(setting).collect());
    }

    /// What settings were before we changed them, or that they are so again: each once, for a successor to know.
    pub fn before(&self) -> Vec<Before> {
        self.writer.before()
    }

    /// Everything up to this ticket was in the kernel, or refused, when we last settled.
    pub const fn done(&self) -> Ticket {
        Ticket(self.finished)
    }

    /// Whether all that was asked for had been done when we last settled.
    pub const fn is_idle(&self) -> bool {
        self.finished == self.ledger.last()
    }

    /// What the writer has finished. To be called whenever the descriptor is readable.
    pub fn settle(&mut self) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        let Finished { step: finished, snags, look } = self.writer.finished();
        if let Some((number, look)) = look {
            self.looker.answered(number, look);
        }
        for (step, snag) in snags {
            let settled = self.ledger.settle(&step, &snag, &self.names);
            self.queue(settled.steps);
            if let Snag::Refused(reason) = snag {
                let again = self.told.get(&Identity::of(step.op.fact())) == Some(&reason);
                // What was tried too early is tried once more.
                self.hopeful |= step.number <= self.hopeful_at;
                if !again {
                    self.told.insert(Identity::of(step.op.fact()), reason.clone());
                }
                let told = settled.failed.into_iter();
                refusals.extend(told.map(|(owner, fact)| Refusal { owner, fact, reason: reason.clone(), again }));
            }
        }
        self.finished = finished;
        refusals
    }

    /// Whether something that was done may still have to be observed.
    pub fn is_listening(&self) -> bool {
        self.ledger.is_listening()
    }

    /// All that the kernel has told since we last settled has been observed: what it has not told of until now it never will.
    /// Returns what somebody else has made something else of; holding it again makes it what it was.
    pub fn caught_up(&mut self) -> Vec<(Owner, Fact)> {
        self.ledger.told(self.finished);
        if !std::mem::take(&mut self.suspicious) {
            return Vec::new();
        }
        let links = &self.links;
        // One that has gone is told of by itself.
        self.ledger.altered(|new| links.named(&new.name).is_none_or(|link| device::is_as_made(link, new, links)))
    }

    /// Who lacks something that the kernel may take by now: holding it again puts it there. To be asked when all that there was
    /// to observe has been; each thing that has happened is answered once.
    pub fn lacking(&mut self) -> Vec<Lack> {
        if !std::mem::take(&mut self.hopeful) {
            return Vec::new();
        }
        // What has come at last, or is not wanted any more, would be told of anew.
        self.told.retain(|identity, _| self.ledger.lacks(identity, self.finished));
        let lacking = self.ledger.lacking();
        // What was refused before need not be announced because it is tried again.
        let is_address = |fact: &&Fact| matches!(fact, Fact::Address(_)) && !self.told.contains_key(&Identity::of(fact));
        lacking.into_iter().map(|(owner, facts)| Lack { owner, addresses: facts.iter().any(is_address) }).collect()
    }

    fn hope(&mut self) {
        (self.hopeful, self.hopeful_at) = (true, self.ledger.last());
    }

    /// Keeps up with what the kernel says; every [`Change`] is to be shown. Returns what somebody else took away; holding it
    /// again puts it back. What goes down with its interface is not told, but holding it again puts it back as well.
    pub fn observe(&mut self, change: &Change) -> Vec<(Owner, Fact)> {
        self.looker.note(change);
        match change {
            Change::Link(link) => return self.link(link),
            Change::LinkGone(device) => {
                let link = self.links.remove(*device);
                self.names.retain(|_, on| on != device);
                self.ledger.link_gone(*device);
                return link.map_or_else(Vec::new, |link| self.ledger.name_gone(&link.name));
            }
            Change::Address(local) => {
                if self.links.put_address(*local) {
                    self.hope();
                }
            }
            Change::AddressGone(local) => {
                self.links.remove_address(*local);
                let is_v4 = |prefix: &Prefix| prefix.family() == Family::V4;
                if is_v4(&local.prefix) {
                    let was_last = !self.links.addresses(local.device).iter().any(is_v4);
                    if self.ledger.address_gone(local.device, local.prefix.address, was_last) {
                        self.hope();
                    }
                }
            }
            Change::FactSeen(key) => self.ledger.seen(key),
            Change::FactGone(key) => {
                let links = &self.links;
                match self.ledger.gone(key, |device| is_up(links, device)) {
                    Gone::Stripped(facts) => return facts,
                    Gone::WithOneOfOurs(identity) => {
                        let steps = self.ledger.restore(&identity, &self.names);
                        self.queue(steps.into_iter().collect());
                    }
                }
            }
            Change::Duplicate(_) | Change::Overrun => {}
        }
        Vec::new()
    }

    fn link(&mut self, link: &Link) -> Vec<(Owner, Fact)> {
        let was_up = is_up(&self.links, link.device);
        self.suspicious |= link.kind.is_stacked();
        let mut stripped = Vec::new();
        if self.links.get(link.device).is_none_or(|known| known.name != link.name) {
            if let Some(known) = self.links.get(link.device) {
                stripped = self.ledger.name_gone(&known.name);
            }
            self.names.retain(|_, on| *on != link.device);
            self.names.insert(link.name.clone(), link.device);
        }
        self.links.put(link.clone());
        match (was_up, link.up) {
            (true, false) => self.ledger.link_down(link.device),
            (false, true) => self.hope(),
            (true, true) | (false, false) => {}
        }
        stripped
    }

    /// The same after changes were missed, for those who can wait. When [`Self::is_idle`], throw away what else there is to hear,
    /// then take the picture, then show that: what is written meanwhile would be taken for the doings of others.
    pub fn resync(&mut self, picture: &Picture) -> Vec<(Owner, Fact)> {
        self.know(picture.clone());
        let (mut comparison, mut stripped) = self.compare(picture.links.clone());
        while !comparison.is_over() {
            stripped.extend(self.compare_some(&mut comparison, usize::MAX));
        }
        self.forget();
        stripped.sort_by_key(|(owner, _)| *owner);
        stripped
    }

    /// The same for all others: throw away what there is to hear, have the kernel looked at, observe what there is to hear by
    /// then, and take what was seen. Begins to compare that with what is held, and returns what has gone with its interface;
    /// nothing must be observed until the comparison is over.
    pub fn compare(&mut self, there: Links) -> (Comparison, Vec<(Owner, Fact)>) {
        let mut gone = Vec::new();
        for device in self.links.devices() {
            match there.get(device) {
                None => {
                    self.ledger.link_gone(device);
                    gone.extend(self.links.get(device).map(|link| link.name.clone()));
                }
                Some(link) if !link.up => self.ledger.link_down(device),
                Some(_) => {}
            }
        }
        self.links = there;
        self.suspicious = true;
        self.names = names_of(&self.links);
        self.hope();
        let missing: Vec<Box<str>> = gone.into_iter().filter(|name| self.links.named(name).is_none()).collect();
        let comparison = Comparison { left: self.ledger.identities() };
        (comparison, missing.iter().flat_map(|name| self.ledger.name_gone(name)).collect())
    }

    /// Compares so many of what is held; returns what somebody else took away.
    pub fn compare_some(&mut self, comparison: &mut Comparison, most: usize) -> Vec<(Owner, Fact)> {
        let some = comparison.left.split_off(comparison.left.len().saturating_sub(most));
        let Some(there) = self.looker.there() else { return Vec::new() };
        let links = &self.links;
        self.ledger.compare(&some, &there.index, there.basis, &self.names, |device| is_up(links, device))
    }

    pub const fn links(&self) -> &Links {
        &self.links
    }

    /// Whether an address is ours.
    pub fn holds(&self, device: Device, address: IpAddr) -> bool {
        self.ledger.holds(device, address)
    }

    pub fn held(&self) -> impl Iterator<Item = (Owner, &Fact)> {
        self.ledger.held()
    }

    /// Waits for a ticket to be done, for the end of the process; returns whether it is.
    pub fn wait(&mut self, ticket: Ticket, at_most: Duration) -> bool {
        self.writer.wait(ticket.0, at_most)
    }

    /// The same for what was asked of the packet filter.
    pub fn wait_for_filter(&mut self, at_most: Duration) -> bool {
        self.writer.wait_for_filter(at_most)
    }
}

fn is_up(links: &Links, device: Device) -> bool {
    links.get(device).is_some_and(|link| link.up)
}

fn names_of(links: &Links) -> Names {
    links.iter().map(|link| (link.name.clone(), link.device)).collect()
}

/// Readable when [`Holder::settle`] has something to do.
impl AsFd for Holder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.writer.as_fd()
    }
}
