//! What other programs do to what is ours, once and again.

use super::engine::{Engine, describe};
use super::fault::Cause;
use super::message;
use crate::effect::delta::is_tracked;
use crate::effect::net::{Fact, InstanceId, Owner};
use crate::effect::time::Instant;
use crate::effect::{Action, Actions};
use crate::model::vrrp::Instance;
use std::collections::VecDeque;
use std::time::Duration;

/// Somebody who takes our addresses away this often within [`STRIPPING`] means it.
const MOST_STRIPS: usize = 5;
const STRIPPING: Duration = Duration::from_secs(10);
/// A program that clears a table takes so long at most.
const BLOW: Duration = Duration::from_millis(200);
/// How long the virtual router is given up then.
const PATIENCE: Duration = Duration::from_secs(30);
/// So many of what goes at one blow have a line each.
const SHOWN: usize = 8;

/// Counts a blow in what has happened before; returns whether they are too many. Everything that goes at one blow counts once.
fn too_many(blows: &mut VecDeque<Instant>, now: Instant) -> bool {
    blows.retain(|&at| now < at + STRIPPING);
    if blows.back().is_none_or(|&at| now >= at + BLOW) {
        blows.push_back(now);
    }
    blows.len() > MOST_STRIPS
}

impl Engine {
    /// Another program has taken something of ours away, all of it at one blow.
    pub(super) fn stripped(&mut self, now: Instant, owner: Owner, facts: &[Fact], actions: &mut Actions) {
        let Owner::Instance(id) = owner else {
            facts.iter().for_each(|fact| self.altered(now, fact, actions));
            return;
        };
        let Some(instance) = self.instances.get_mut(&id) else { return };
        // What is not tracked may go: that is what `no_track` asks for.
        let missed: Vec<&Fact> = facts.iter().filter(|fact| is_tracked(fact)).collect();
        if !instance.is_master() || missed.is_empty() {
            return;
        }
        let name = instance.conf.name.clone();
        if too_many(&mut instance.strips, now) {
            actions.push(Action::Say(message::stripped_again(&name, instance.strips.len(), STRIPPING)));
            instance.retry = Some(now + PATIENCE);
            self.fault(now, id, Cause::Stripped, true, actions);
            self.arm(id);
            return;
        }
        for fact in missed.iter().take(SHOWN) {
            actions.push(Action::Say(message::stripped(&name, &describe(fact))));
        }
        if let Some(more) = missed.len().checked_sub(SHOWN).filter(|&more| more > 0) {
            actions.push(Action::Say(message::stripped_more(&name, more)));
        }
        self.with(now, id, actions, |instance, cx| {
            instance.hold(cx);
            instance.announce(1, cx);
        });
    }

    /// Another program has deleted an interface of ours, or made something else of it.
    fn altered(&mut self, now: Instant, fact: &Fact, actions: &mut Actions) {
        let Fact::Device(new) = fact else { return self.make_anew(Owner::Devices, actions) };
        // That it is gone is a fault by itself.
        if self.links.named(&new.name).is_none() {
            return self.make_anew(Owner::Devices, actions);
        }
        let users: Vec<InstanceId> = self.instances.values().filter(|i| self.uses(&i.conf, &new.name)).map(|i| i.id).collect();
        let mut often = false;
        for id in &users {
            let Some(instance) = self.instances.get_mut(id) else { continue };
            often |= too_many(&mut instance.strips, now);
        }
        if often {
            actions.push(Action::Say(message::altered_again(&new.name, STRIPPING)));
            for id in users {
                if let Some(instance) = self.instances.get_mut(&id) {
                    instance.retry = Some(now + PATIENCE);
                }
                self.fault(now, id, Cause::Altered, true, actions);
                self.arm(id);
            }
            return;
        }
        actions.push(Action::Say(message::altered(&new.name)));
        self.make_anew(Owner::Devices, actions);
        for id in users {
            self.with(now, id, actions, |instance, cx| {
                if instance.is_master() {
                    // Neighbours may have seen the other address.
                    instance.announce(1, cx);
                }
            });
        }
    }

    /// Whether it lives on the interface of this name, or has an address there.
    fn uses(&self, conf: &Instance, name: &str) -> bool {
        let mut addresses = conf.vips.iter().chain(&conf.excluded);
        self.plan.own(conf) == Some(name) || addresses.any(|address| self.plan.of_address(conf, address) == Some(name))
    }
}
