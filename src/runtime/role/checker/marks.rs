//! The addresses of groups in nftables, where these are one service by mark.

use crate::effect::firewall::{Entry, Frame, Order};
use crate::effect::say::{Level, Line};
use crate::kernel::nft::{Guard, Maker};
use crate::lvs::marks::{Marks, entries, frame};
use crate::model::Model;
use crate::runtime::log;
use crate::runtime::role::ipvs_namespace;
use std::collections::BTreeSet;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

/// The kernel answers within a transaction.
const PATIENCE: Duration = Duration::from_secs(3);

/// Gives groups their marks, where the kernel can mark packets. Where it cannot, their addresses are services of their own.
#[derive(Debug, Default)]
pub(super) struct Marker {
    marks: Marks,
    /// Found out with the first configuration that asks for it.
    able: Option<bool>,
}

impl Marker {
    pub(super) fn give(&mut self, mut model: Arc<Model>) -> Arc<Model> {
        if model.global.lvs.nftables.is_none() || self.able == Some(false) {
            return model;
        }
        self.marks.give(Arc::make_mut(&mut model));
        let Some(frame) = frame(&model).filter(|_| self.able.is_none()) else { return model };
        let tried = ipvs_namespace(&model.global.process).and_then(|namespace| Guard::attempt(Maker::Checker, namespace, frame));
        let refused = match tried {
            Ok(lines) => lines.into_iter().find(|line| line.level == Level::Error).map(|line| line.text),
            Err(error) => Some(format!("nftables cannot mark packets: {error}")),
        };
        self.able = Some(refused.is_none());
        if let Some(reason) = refused {
            let text = format!("{reason}. The addresses of groups are services of their own");
            log::line(&Line { level: Level::Warning, text });
            Arc::make_mut(&mut model).lvs.groups.iter_mut().for_each(|group| group.marks = Box::default());
        }
        model
    }
}

/// What marks packets, with somebody who can wait for it.
#[derive(Debug)]
pub(super) struct Lent {
    pub(super) marking: Marking,
    pub(super) namespace: Option<Arc<File>>,
}

impl Lent {
    pub(super) fn put(&mut self, model: &Model) {
        self.marking.put(model, self.namespace.as_deref());
    }
}

/// Packets are marked before the services for the marks are there and until they are gone: a mark that IPVS has no service for
/// is nothing to it.
#[derive(Debug, Default)]
pub(super) struct Marking {
    guard: Option<Guard>,
    frame: Option<Frame>,
    entries: BTreeSet<Entry>,
    /// What goes when the services have gone.
    stale: Vec<Entry>,
    over: bool,
}

impl Marking {
    /// Waits until the kernel has it.
    fn put(&mut self, model: &Model, namespace: Option<&File>) {
        let (frame, entries) = (frame(model), entries(model));
        if frame.is_none() && self.guard.is_none() {
            return;
        }
        if self.guard.is_none() {
            let started =
                namespace.map(File::try_clone).transpose().and_then(|own| Guard::start(Maker::Checker, own, |line| log::line(&line)));
            match started {
                Ok(guard) => self.guard = Some(guard),
                Err(error) => {
                    return log::line(&Line { level: Level::Error, text: format!("nftables cannot mark packets: {error}") });
                }
            }
        }
        let Some(guard) = &mut self.guard else { return };
        // A map has one mark for an address: the old one gives way to the new one at once.
        let marked: BTreeSet<_> = entries.iter().map(|entry| (entry.family, entry.set, &entry.key)).collect();
        let gone = self.entries.difference(&entries).cloned();
        let (replaced, gone): (Vec<Entry>, Vec<Entry>) = gone.partition(|old| marked.contains(&(old.family, old.set, &old.key)));
        self.stale.extend(gone);
        self.stale.retain(|old| !entries.contains(old));
        let fresh = entries.difference(&self.entries).cloned().collect();
        guard.order(Order::Take(replaced));
        guard.order(Order::Put(fresh));
        self.entries = entries;
        if frame.is_some() && self.frame != frame {
            guard.order(Order::Frame(frame.clone()));
        }
        self.over = frame.is_none();
        self.frame = frame;
        guard.wait(PATIENCE);
    }

    /// The services are as they are to be.
    pub(super) fn take(&mut self) {
        let Some(guard) = &mut self.guard else { return };
        if !self.stale.is_empty() {
            guard.order(Order::Take(std::mem::take(&mut self.stale)));
        }
        if std::mem::take(&mut self.over) {
            guard.order(Order::Frame(None));
        }
    }

    /// The end.
    pub(super) fn release(&mut self) {
        if let Some(guard) = &mut self.guard {
            guard.order(Order::Frame(None));
            guard.wait(PATIENCE);
        }
    }
}
