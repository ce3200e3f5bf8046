//! Virtual routers, and what they watch.

use super::Scene;
use super::groups::{KINDS, columns, notifies, tracker, watched};
use super::tree::{Place, Table};
use super::value::{address, address_type, command, count, either, integer, keepalived, nth, seconds, text};
use crate::model::vrrp::{Auth, Carrier, Deleted, Instance, Preempt, Role, Transport, Version};
use crate::wire::agentx::Value;

pub(super) fn tables(scene: &Scene) -> Vec<Table<Scene>> {
    const COLUMNS: &[u32] =
        &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35];
    let vrrp = keepalived(&[2]);
    let rows = scene.lookup.instances.iter().map(|at| (Box::from([nth(at.conf)]), [at.conf, at.view, 0]));
    let mut tables = vec![Table::new(&vrrp.join(&[3, 1]), COLUMNS, rows, instance)];
    for (table, kind) in [4, 5, 12, 17, 20].into_iter().zip(KINDS) {
        let rows = scene.model.vrrp.instances.iter().enumerate();
        let rows = rows.flat_map(|(at, instance)| watched(nth(at), at, kind, &instance.trackers));
        tables.push(Table::new(&vrrp.join(&[table, 1]), columns(kind), rows, |scene, [instance, kind, at], column| {
            tracker(&scene.model.vrrp.instances.get(instance)?.trackers, kind, at, column)
        }));
    }
    tables
}

/// The state that the configuration asks for, as a number of `VrrpState`. Who owns the addresses begins as master.
pub(super) const fn initial(conf: &Instance) -> i32 {
    match conf.role {
        Role::Backup if conf.priority.0 < u8::MAX => 1,
        Role::Backup | Role::Master => 2,
    }
}

fn instance(scene: &Scene, [at, view, _]: Place, column: u32) -> Option<Value> {
    let (conf, view) = (scene.model.vrrp.instances.get(at)?, scene.vrrp.instances.get(view)?);
    let sync = scene.model.global.lvs.sync_daemon.as_ref().filter(|daemon| daemon.instance.as_deref() == Some(&*conf.name));
    Some(match column {
        2 => text(&conf.name),
        3 => count(conf.vrid.0),
        4 => integer(view.state.number().into()),
        5 => integer(initial(conf)),
        6 => integer(view.wanted.number().into()),
        7 => integer(view.base_priority.into()),
        8 => integer(view.effective_priority.into()),
        9 => either(view.holds_addresses),
        10 => text(view.own.as_deref().or(conf.interface.as_deref()).unwrap_or_default()),
        11 => either(conf.tracks_link && conf.carrier == Carrier::Interface),
        12 => match conf.version {
            Version::V2 => seconds(conf.advert_interval),
            Version::V3 => count(conf.advert_interval.as_millis() / 10),
        },
        13 => either(matches!(conf.preempt, Preempt::After(_))),
        14 => match conf.preempt {
            Preempt::After(delay) => seconds(delay),
            Preempt::Never => count(0_u8),
        },
        15 => integer(match conf.auth {
            Auth::None | Auth::Hmac(_) => 0,
            Auth::Pass(_) => 1,
            Auth::Ah(_) => 2,
        }),
        16 => either(sync.is_some()),
        17 => text(&sync?.interface),
        18 => text(&scene.model.vrrp.groups.iter().find(|group| group.members.contains(&conf.name))?.name),
        19 => seconds(conf.garp.delay),
        20 => either(conf.smtp_alert),
        21 => {
            let deleted = matches!(conf.notify_deleted, Deleted::AsDeleted(Some(_)));
            either(notifies(&conf.notify) || deleted || conf.notify_master_rx_lower_pri.is_some())
        }
        22 => command(conf.notify.master.as_deref()?),
        23 => command(conf.notify.backup.as_deref()?),
        24 => command(conf.notify.fault.as_deref()?),
        25 => command(conf.notify.stop.as_deref()?),
        26 => command(conf.notify.any.as_deref()?),
        27 => either(conf.accept),
        28 => either(conf.promote_secondaries),
        29 => either(scene.model.vrrp.linkbeat.iter().any(|polled| Some(&polled.interface) == conf.interface.as_ref())),
        30 => integer(conf.version.number().into()),
        31 => command(conf.notify_master_rx_lower_pri.as_deref()?),
        32 => command(super::super::command::deleted(conf)?),
        33 => either(matches!(conf.notify_deleted, Deleted::AsDeleted(_))),
        34 | 35 => {
            let Transport::Multicast { group } = conf.transport else { return None };
            if column == 34 { integer(address_type(group)) } else { address(group) }
        }
        _ => return None,
    })
}
