//! What is said of interfaces: polling, delays, and limits on gratuitous ARP.

use super::{Resolved, Vrrps};
use crate::config::diagnostic::{Class, Origin, Phase};
use crate::config::draft::vrrp::{GarpGroup as GarpDraft, Given, LinkDelay as DelayDraft, Linkbeat as LinkbeatDraft};
use crate::config::keyword::Show;
use crate::model::vrrp::{GarpGroup, LinkDelay, Linkbeat, LinkbeatMethod};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

impl Vrrps<'_, '_> {
    /// An instance asked for its interface to be polled. What keeps it from being polled has been told, or does not matter.
    pub(super) fn poll(&self, linkbeat: &mut Vec<Linkbeat>, polled: &mut HashSet<Box<str>>, interface: &str) {
        if self.resolver.is_interface(interface) && !self.is_stacked(interface) && polled.insert(interface.into()) {
            linkbeat.push(Linkbeat { interface: interface.into(), method: LinkbeatMethod::Any });
        }
    }

    pub(super) fn linkbeat(&mut self, drafts: Vec<LinkbeatDraft>) -> Vec<Linkbeat> {
        let mut beats: Vec<Linkbeat> = Vec::with_capacity(drafts.len());
        let mut indices: HashMap<Box<str>, usize> = HashMap::new();
        for LinkbeatDraft { at, interface, method } in drafts {
            if !self.known(at, &interface, "linkbeat interface") {
                continue;
            }
            if self.is_stacked(&interface) {
                self.log(at, format!("{interface} is a macvlan or ipvlan: its link is not polled"));
                continue;
            }
            // The last word on an interface counts.
            match indices.get(&interface).and_then(|&i| beats.get_mut(i)) {
                Some(beat) => beat.method = method,
                None => {
                    indices.insert(interface.clone(), beats.len());
                    beats.push(Linkbeat { interface, method });
                }
            }
        }
        beats
    }

    pub(super) fn delays(&mut self, drafts: Vec<DelayDraft>) -> Vec<(LinkDelay, Origin)> {
        let mut delays: Vec<(LinkDelay, Origin)> = Vec::with_capacity(drafts.len());
        let mut indices: HashMap<Box<str>, usize> = HashMap::new();
        for DelayDraft { at, interface, down, up } in drafts {
            if !self.known(at, &interface, "up/down delay") {
                continue;
            }
            let delay = (LinkDelay { interface: interface.clone(), down, up }, at);
            match indices.get(&interface).and_then(|&i| delays.get_mut(i)) {
                Some(earlier) => *earlier = delay,
                None => {
                    indices.insert(interface, delays.len());
                    delays.push(delay);
                }
            }
        }
        delays
    }

    /// These lists are the rare places where a missing interface is all that keepalived complains of.
    fn known(&mut self, at: Origin, interface: &str, purpose: &str) -> bool {
        let known = self.resolver.is_interface(interface);
        if !known {
            let text = format!("unknown interface {interface} specified for {purpose}");
            self.resolver.problems.report(Class::Fatal, Phase::Reading, Some(at), text).word(interface);
        }
        known
    }

    fn is_stacked(&self, interface: &str) -> bool {
        self.resolver.interface(interface).is_some_and(|interface| interface.stacked)
    }

    /// A master must not be given up on while its interface's fall is still being waited for.
    pub(super) fn fitting(&mut self, delays: Vec<(LinkDelay, Origin)>, instances: &[Resolved]) -> Vec<LinkDelay> {
        let mut most: HashMap<&str, Duration> = HashMap::new();
        for Resolved { instance, .. } in instances {
            let Some(interface) = instance.interface.as_deref() else { continue };
            let spare = instance.advert_interval * u32::from(instance.down_timer_adverts.saturating_sub(1));
            // To the microsecond: a dump knows nothing finer.
            let limit = spare.saturating_sub(instance.advert_interval / 256).as_micros();
            let limit = Duration::from_micros(u64::try_from(limit).unwrap_or(u64::MAX));
            most.entry(interface).and_modify(|least| *least = limit.min(*least)).or_insert(limit);
        }
        let mut fitting = Vec::with_capacity(delays.len());
        for (mut delay, at) in delays {
            if let Some(&limit) = most.get(&*delay.interface)
                && (delay.down > limit || delay.up > limit)
            {
                let most = limit.shown().unwrap_or_default();
                let text = format!("{} up/down delays cut to {most}s: adverts would be missed for longer", delay.interface);
                self.log(at, text);
                delay.down = delay.down.min(limit);
                delay.up = delay.up.min(limit);
            }
            fitting.push(delay);
        }
        fitting
    }

    pub(super) fn garp_groups(&mut self, drafts: Vec<GarpDraft>) -> Vec<GarpGroup> {
        let mut taken = HashSet::new();
        let mut groups = Vec::with_capacity(drafts.len());
        for (index, draft) in drafts.into_iter().enumerate() {
            let mut interfaces = Vec::with_capacity(draft.interfaces.len());
            for Given { at, value } in draft.interfaces {
                if !self.resolver.is_interface(&value) {
                    let text = format!("WARNING - interface {value} specified for garp_group doesn't exist");
                    self.resolver.missing_interface(at, &value, text);
                } else if self.is_stacked(&value) {
                    self.error(at, format!("garp_group interface {value} is a macvlan or ipvlan - ignoring")).hint("name its parent");
                } else if taken.insert(value.clone()) {
                    interfaces.push(value);
                } else {
                    self.error(at, format!("garp_group already specified for {value} - ignoring")).word(&value);
                }
            }
            if draft.garp_interval.is_none() && draft.gna_interval.is_none() {
                let text = format!("garp group {} does not have any delay set - removing", index + 1);
                self.error(draft.end, text).hint("garp_interval SECONDS or gna_interval SECONDS");
                continue;
            }
            for (keyword, interval) in [("garp_interval", draft.garp_interval), ("gna_interval", draft.gna_interval)] {
                if interval.is_some_and(|interval| interval >= Duration::from_secs(1)) {
                    self.log(draft.end, format!("garp group {} {keyword} is a second or more", index + 1));
                }
            }
            groups.push(GarpGroup { interfaces, garp_interval: draft.garp_interval, gna_interval: draft.gna_interval });
        }
        groups
    }
}
