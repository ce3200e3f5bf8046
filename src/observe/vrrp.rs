//! `keepalived.data`: the VRRP process.

use super::clock::Clock;
use super::command::left_out;
use super::global::{Part, definitions};
use super::instance::{self, Shown};
use super::sheet::Sheet;
use super::tracked::{self, groups};
use super::{group, interface, port, statics};
use crate::effect::interface::Interface;
use crate::model::Model;
use crate::model::script::Runner;
use crate::model::vrrp::{Carrier, Instance};
use crate::track::view::View as Tracking;
use crate::vrrp::view::{InstanceView, View};
use std::collections::HashMap;
use std::ops::Range;

/// All interfaces as the kernel has them now. It is asked when somebody wants to know: that takes as long as many lines.
#[derive(Clone, Copy)]
pub struct Interfaces<'a>(pub &'a (dyn Fn() -> &'a [Interface] + Sync));

impl<'a> Interfaces<'a> {
    pub(super) fn all(self) -> &'a [Interface] {
        (self.0)()
    }
}

impl std::fmt::Debug for Interfaces<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interfaces")
    }
}

/// All that there is to tell of a VRRP process.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    pub model: &'a Model,
    pub view: &'a View,
    pub tracking: &'a Tracking,
    pub interfaces: Interfaces<'a>,
    pub clock: Clock,
}

impl<'a> Scene<'a> {
    /// The instances in the order of the configuration. One that was not taken over yet is not told of.
    pub(super) fn instances(&self, places: Range<usize>) -> impl Iterator<Item = Shown<'a>> {
        let scene = *self;
        let devices = devices(scene.model, scene.interfaces);
        let groups = groups(scene.model);
        let descriptors: HashMap<&str, (i32, i32)> =
            scene.view.ports.iter().flat_map(|port| port.users.iter().filter_map(|(user, _)| Some((&**user, port.descriptors?)))).collect();
        let syncs = scene.model.global.lvs.sync_daemon.as_ref().and_then(|daemon| daemon.instance.as_deref());
        seen(scene.model, scene.view, places).map(move |(conf, view)| Shown {
            conf,
            view,
            group: groups.get(&*conf.name).map(|group| &*group.name),
            interfaces: scene.interfaces,
            own: view.own.as_deref().and_then(|name| devices.get(name).copied()),
            descriptors: descriptors.get(&*conf.name).copied(),
            syncs: syncs == Some(&*conf.name),
        })
    }
}

/// Each instance as it is configured and as it is. Both lists have the same order, unless they are of two configurations.
pub(super) fn seen<'a>(model: &'a Model, view: &'a View, places: Range<usize>) -> impl Iterator<Item = (&'a Instance, &'a InstanceView)> {
    let mut by_name: Option<HashMap<&str, &InstanceView>> = None;
    model.vrrp.instances.iter().enumerate().take(places.end).skip(places.start).filter_map(move |(place, conf)| {
        let same = view.instances.get(place).filter(|seen| seen.name == conf.name);
        let map = || view.instances.iter().map(|seen| (&*seen.name, seen)).collect();
        Some((conf, same.or_else(|| by_name.get_or_insert_with(map).get(&*conf.name).copied())?))
    })
}

/// By name, where instances have interfaces of their own.
fn devices<'a>(model: &Model, interfaces: Interfaces<'a>) -> HashMap<&'a str, &'a Interface> {
    if model.vrrp.instances.iter().all(|conf| conf.carrier == Carrier::Interface) {
        return HashMap::new();
    }
    interfaces.all().iter().map(|interface| (&*interface.name, interface)).collect()
}

/// The first part of the text: up to some instances.
pub fn beginning(scene: &Scene<'_>) -> String {
    let Scene { model, interfaces, .. } = *scene;
    let places = halves(model)[0].clone();
    let mut sheet = Sheet::for_objects(places.len());
    definitions(&mut sheet, &model.global, Part::Vrrp { default_user: default_user(model) });
    let is_there = |address| interfaces.all().iter().any(|interface| interface.addresses.iter().any(|prefix| prefix.address == address));
    statics::write(&mut sheet, &model.statics, model.global.vrrp.default_interface.as_deref(), is_there);
    sheet.section("VRRP Topology");
    instances(&mut sheet, scene, places);
    sheet.done()
}

/// The other part, which can be made at the same time.
pub fn end(scene: &Scene<'_>) -> String {
    let Scene { model, view, tracking, interfaces, .. } = *scene;
    let places = halves(model)[1].clone();
    let interfaces = interfaces.all();
    let mut sheet = Sheet::for_objects(places.len() + interfaces.len());
    instances(&mut sheet, scene, places);
    let shown: Vec<&Instance> = seen(model, view, 0..usize::MAX).map(|(conf, _)| conf).collect();
    port::write(&mut sheet, &shown, view, |device| {
        interfaces.iter().find(|interface| interface.device == device).map(|interface| &*interface.name)
    });
    group::write(&mut sheet, &model.vrrp.groups, view);
    tracked::write(&mut sheet, model, tracking, &view.standings);
    interface::write(&mut sheet, model, view, interfaces);
    left_out(&mut sheet, &model.global.scripts.disabled, Runner::Vrrp);
    sheet.done()
}

fn instances(sheet: &mut Sheet, scene: &Scene<'_>, places: Range<usize>) {
    for each in scene.instances(places) {
        instance::write(sheet, &each, &scene.clock);
    }
}

/// Whoever does the second one has the rest to do as well.
pub(super) fn halves(model: &Model) -> [Range<usize>; 2] {
    let all = model.vrrp.instances.len();
    let middle = all - all * 2 / 5;
    [0..middle, middle..all]
}

/// Whom scripts run as that say nothing of it; it is only known of those that there are.
fn default_user(model: &Model) -> Option<(u32, u32)> {
    let tracked = model.tracked.scripts.iter().map(|script| &script.command);
    let notify = model.vrrp.instances.iter().map(|instance| &instance.notify).chain(model.vrrp.groups.iter().map(|group| &group.notify));
    let notified = notify.flat_map(|notify| {
        [&notify.master, &notify.backup, &notify.fault, &notify.stop, &notify.any].into_iter().filter_map(|script| script.as_deref())
    });
    tracked.chain(notified).next().map(|script| (script.uid, script.gid))
}
