//! Settings of the kernel, and what they were before us.

#![expect(clippy::disallowed_methods, reason = "what is set is read where the kernel shows it")]

use super::rtnl::batch::{Batch, Verdict};
use super::rtnl::message::link;
use crate::effect::device::{Knob, Scope, Setting};
use crate::effect::net::{Device, Links, Mac};
use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::{fs, io};

/// What a setting was when it was not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    pub scope: Scope,
    pub knob: Knob,
    /// Absent: it is as it was again.
    pub value: Option<u32>,
}

/// All that is not as it was.
#[derive(Debug, Default)]
pub(super) struct Settings {
    before: BTreeMap<(Scope, Knob), u32>,
    /// What somebody like us lived on before we came. What is set there as we would set it, he has set.
    lived_on: BTreeSet<Device>,
    /// What has come or gone since somebody asked.
    news: Vec<Before>,
}

impl Settings {
    /// What a predecessor found. What it had set is not what was before.
    pub(super) fn remember(&mut self, before: &[Before]) {
        for &Before { scope, knob, value } in before {
            if let Some(value) = value {
                self.before.insert((scope, knob), value);
            }
        }
    }

    /// An interface of ours was found on this one.
    pub(super) fn found_on(&mut self, parent: Device) {
        self.lived_on.insert(parent);
    }

    /// All is as it was, and nobody has been told otherwise.
    pub(super) fn is_untouched(&self) -> bool {
        self.before.is_empty() && self.news.is_empty()
    }

    pub(super) fn news(&mut self) -> Vec<Before> {
        std::mem::take(&mut self.news)
    }

    /// What a predecessor has set and nobody wants any more is as it was again. With the filter for all goes that of each.
    pub(super) fn give_back_others(&mut self, wanted: &BTreeSet<(Scope, Knob)>, links: &Links, batch: &mut Batch) {
        let shared = wanted.contains(&(Scope::All, Knob::ReversePath));
        let is_wanted = |key: &(Scope, Knob)| wanted.contains(key) || shared && key.1 == Knob::ReversePath;
        let others: Vec<(Scope, Knob)> = self.before.keys().filter(|key| !is_wanted(key)).copied().collect();
        for (scope, knob) in others {
            // There is nobody to tell who asked for it.
            let _ = self.restore(scope, knob, links, batch);
        }
    }

    pub(super) fn set(&mut self, setting: Setting, links: &Links, batch: &mut Batch) -> Result<(), String> {
        let Setting { scope, knob, value } = setting;
        if (scope, knob) == (Scope::All, Knob::ReversePath) {
            return self.share_out(value, links, batch);
        }
        self.change(scope, knob, value, links, batch)
    }

    /// What is in force for all is put into force for each, wherever less is, and then ends for all.
    fn share_out(&mut self, value: u32, links: &Links, batch: &mut Batch) -> Result<(), String> {
        const KNOB: Knob = Knob::ReversePath;
        // The kernel goes by the larger one.
        let Some(all) = read(Scope::All, KNOB, links).filter(|&all| all > value) else { return Ok(()) };
        // The loopback interface has nobody to filter.
        let real = links.iter().filter(|link| link.mac != Some(Mac([0; 6])));
        for scope in real.map(|link| Scope::Device(link.device)).chain([Scope::Default]) {
            if read(scope, KNOB, links).is_some_and(|own| own < all) {
                self.change(scope, KNOB, all, links, batch)?;
            }
        }
        self.change(Scope::All, KNOB, value, links, batch)
    }

    fn change(&mut self, scope: Scope, knob: Knob, value: u32, links: &Links, batch: &mut Batch) -> Result<(), String> {
        let now = read(scope, knob, links);
        if let Some(now) = now
            && let Entry::Vacant(vacant) = self.before.entry((scope, knob))
        {
            let inherited = now == value && matches!(scope, Scope::Device(device) if self.lived_on.contains(&device));
            let was = if inherited { read(Scope::Default, knob, links).unwrap_or(now) } else { now };
            vacant.insert(was);
            self.news.push(Before { scope, knob, value: Some(was) });
        }
        if now == Some(value) { Ok(()) } else { write(scope, knob, value, links, batch) }
    }

    pub(super) fn give_back(&mut self, scope: Scope, knob: Knob, links: &Links, batch: &mut Batch) -> Result<(), String> {
        if (scope, knob) == (Scope::All, Knob::ReversePath) {
            // All first, so that there is no moment without a filter.
            let mut outcome = self.restore(scope, knob, links, batch);
            let each: Vec<Scope> = self.before.keys().filter(|(_, other)| *other == knob).map(|&(scope, _)| scope).collect();
            for scope in each {
                outcome = outcome.and(self.restore(scope, knob, links, batch));
            }
            return outcome;
        }
        self.restore(scope, knob, links, batch)
    }

    fn restore(&mut self, scope: Scope, knob: Knob, links: &Links, batch: &mut Batch) -> Result<(), String> {
        let Some(value) = self.before.remove(&(scope, knob)) else { return Ok(()) };
        self.news.push(Before { scope, knob, value: None });
        if let Scope::Device(device) = scope
            && links.get(device).is_none()
        {
            return Ok(());
        }
        write(scope, knob, value, links, batch)
    }
}

/// One of an interface that is ours, which nobody wants back.
pub(super) fn write(scope: Scope, knob: Knob, value: u32, links: &Links, batch: &mut Batch) -> Result<(), String> {
    if let Scope::Device(device) = scope
        && let Some(request) = link::setting(device, knob, value)
        && batch.apply(&[request]) == [Verdict::Done]
    {
        return Ok(());
    }
    let Some(path) = path(scope, knob, links) else { return Err("there is no such interface".to_owned()) };
    match fs::write(&path, value.to_string()) {
        // A kernel without IPv6.
        Err(error) if error.kind() == io::ErrorKind::NotFound && knob == Knob::DisableIpv6 => Ok(()),
        other => other.map_err(|error| format!("{path}: {error}")),
    }
}

fn read(scope: Scope, knob: Knob, links: &Links) -> Option<u32> {
    fs::read_to_string(path(scope, knob, links)?).ok()?.trim().parse().ok()
}

/// In the namespace of the calling thread.
fn path(scope: Scope, knob: Knob, links: &Links) -> Option<String> {
    if knob == Knob::LinkLocalReports {
        return Some(format!("/proc/sys/net/ipv4/{}", knob.name()));
    }
    let family = if knob == Knob::DisableIpv6 { "ipv6" } else { "ipv4" };
    let whose = match scope {
        Scope::All => "all",
        Scope::Default => "default",
        Scope::Device(device) => &*links.get(device)?.name,
    };
    Some(format!("/proc/sys/net/{family}/conf/{whose}/{}", knob.name()))
}
