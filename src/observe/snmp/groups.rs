//! Sync groups, and what they watch.

use super::Scene;
use super::tree::{Place, Table};
use super::value::{command, either, integer, keepalived, nth, signed, text};
use crate::model::track::{Tracker, Trackers};
use crate::model::vrrp::Notify;
use crate::wire::agentx::Value;

pub(super) fn tables(scene: &Scene) -> Vec<Table<Scene>> {
    let groups = &scene.model.vrrp.groups;
    let vrrp = keepalived(&[2]);
    let rows = groups.iter().enumerate().map(|(at, _)| (Box::from([nth(at)]), [at, 0, 0]));
    let members = groups
        .iter()
        .enumerate()
        .flat_map(|(at, group)| (0..group.members.len()).map(move |member| (Box::from([nth(at), nth(member)]), [at, member, 0])));
    let mut tables = vec![
        Table::new(&vrrp.join(&[1, 1]), &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11], rows, group),
        Table::new(&vrrp.join(&[2, 1]), &[2], members, |scene, [group, member, _], _| {
            scene.model.vrrp.groups.get(group)?.members.get(member).map(|name| text(name))
        }),
    ];
    for (table, kind) in [14, 15, 16, 19, 22].into_iter().zip(KINDS) {
        let rows = groups.iter().enumerate().flat_map(|(at, group)| watched(nth(at), at, kind, &group.trackers));
        tables.push(Table::new(&vrrp.join(&[table, 1]), columns(kind), rows, |scene, [group, kind, at], column| {
            tracker(&scene.model.vrrp.groups.get(group)?.trackers, kind, at, column)
        }));
    }
    tables
}

fn group(scene: &Scene, [at, ..]: Place, column: u32) -> Option<Value> {
    let group = scene.model.vrrp.groups.get(at)?;
    Some(match column {
        2 => text(&group.name),
        // One that was never told of anything is waiting.
        3 => integer(scene.vrrp.groups.iter().find(|seen| seen.name == group.name).map_or(0, |seen| seen.state.number().into())),
        4 => either(group.smtp_alert),
        5 => either(notifies(&group.notify)),
        6 => command(group.notify.master.as_deref()?),
        7 => command(group.notify.backup.as_deref()?),
        8 => command(group.notify.fault.as_deref()?),
        9 => command(group.notify.any.as_deref()?),
        10 => either(group.tracking_weight),
        11 => command(group.notify.stop.as_deref()?),
        _ => return None,
    })
}

pub(super) fn notifies(notify: &Notify) -> bool {
    let Notify { master, backup, fault, stop, any } = notify;
    [master, backup, fault, stop, any].into_iter().any(Option::is_some)
}

/// What can be watched: interfaces, scripts, files, BFD sessions, processes.
pub(super) const KINDS: [usize; 5] = [0, 1, 2, 3, 4];

fn list(trackers: &Trackers, kind: usize) -> &[Tracker] {
    let Trackers { interfaces, scripts, files, processes, bfd } = trackers;
    [interfaces, scripts, files, bfd, processes].get(kind).map_or(&[], |list| list)
}

/// The rows of one owner. Interfaces too are counted: who wants to know which one it is goes by its name.
pub(super) fn watched(owner: u32, at: usize, kind: usize, trackers: &Trackers) -> impl Iterator<Item = (Box<[u32]>, Place)> + use<> {
    (0..list(trackers, kind).len()).map(move |watched| (Box::from([owner, nth(watched)]), [at, kind, watched]))
}

/// The table of interfaces begins a column earlier than the others.
pub(super) const fn columns(kind: usize) -> &'static [u32] {
    if kind == 0 { &[1, 2, 3] } else { &[2, 3, 4] }
}

pub(super) fn tracker(trackers: &Trackers, kind: usize, at: usize, column: u32) -> Option<Value> {
    let Tracker { name, weight } = list(trackers, kind).get(at)?;
    match column + u32::from(kind == 0) {
        2 => Some(text(name)),
        3 => Some(signed(weight.value)),
        4 => Some(either(weight.reverse)),
        _ => None,
    }
}
