//! `VRRPV3-MIB`, for instances of either version (RFC 6527).

use super::Scene;
use super::rfc2787::{interface, mac, master, state};
use super::tree::{Place, Table};
use super::value::{address, count, counter, either, index, integer, signed, ticks};
use crate::model::net::Family;
use crate::model::vrrp::{Instance, Preempt};
use crate::vrrp::view::{InstanceView, Reason};
use crate::wire::agentx::{Oid, Value};

pub(super) fn mib(below: &[u32]) -> Oid {
    Oid::from([1, 3, 6, 1, 2, 1, 207]).join(below)
}

pub(super) fn tables(scene: &Scene) -> [Table<Scene>; 4] {
    let routers = || {
        scene.lookup.instances.iter().filter_map(|place| {
            let conf = scene.model.vrrp.instances.get(place.conf)?;
            Some((row(scene, conf)?, conf, [place.conf, place.view, 0]))
        })
    };
    let addresses = routers().flat_map(|(row, conf, place)| {
        let of_family = conf.vips.iter().map(|vip| vip.prefix.address).filter(|vip| Family::of(*vip) == conf.family);
        // An address has its length before it, since it need not have any.
        let named = of_family.map(move |vip| {
            let vip = index(vip);
            let length = u32::try_from(vip.len()).unwrap_or_default();
            ([row.to_vec(), vec![length], vip].concat().into(), place)
        });
        named.collect::<Vec<_>>()
    });
    let rows = || routers().map(|(row, _, place)| (Box::<[u32]>::from(row), place));
    [
        Table::new(&mib(&[1, 1, 1, 1]), &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13], rows(), router),
        Table::new(&mib(&[1, 1, 2, 1]), &[2], addresses, |_, _, _| Some(integer(1))),
        Table::scalars(&mib(&[1, 2]), &[4], |_, _, _| Some(Value::TimeTicks(0))),
        Table::new(&mib(&[1, 2, 5, 1]), &[1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13], rows(), statistics),
    ]
}

/// What its row is called, if it has one.
pub(super) fn row(scene: &Scene, conf: &Instance) -> Option<[u32; 3]> {
    let family = match conf.family {
        Family::V4 => 1,
        Family::V6 => 2,
    };
    Some([interface(scene, conf)?, conf.vrid.0.into(), family])
}

fn router(scene: &Scene, [conf, view, _]: Place, column: u32) -> Option<Value> {
    let (conf, view) = (scene.model.vrrp.instances.get(conf)?, scene.vrrp.instances.get(view)?);
    Some(match column {
        3 => address(master(view)?),
        4 => address(view.source?),
        5 => mac(scene, conf, view)?,
        6 => state(view.state),
        7 => count(view.base_priority),
        8 => signed(conf.vips.len()),
        9 => signed(conf.advert_interval.as_millis() / 10),
        10 => either(matches!(conf.preempt, Preempt::After(_))),
        11 => either(conf.accept),
        12 => Value::TimeTicks(view.since.map_or(0, |since| ticks(scene.now.since(since)))),
        13 => integer(1),
        _ => return None,
    })
}

/// A number of `vrrpv3StatisticsNewMasterReason`.
pub(super) const fn reason(view: &InstanceView) -> i32 {
    match view.reason {
        None => 0,
        Some(Reason::Priority) => 1,
        Some(Reason::Preempted) => 2,
        Some(Reason::NoResponse) => 3,
    }
}

fn statistics(scene: &Scene, [conf, view, _]: Place, column: u32) -> Option<Value> {
    let (conf, view) = (scene.model.vrrp.instances.get(conf)?, scene.vrrp.instances.get(view)?);
    let stats = &view.stats;
    Some(match column {
        1 => counter(stats.became_master),
        2 => integer(reason(view)),
        3 => Value::Counter64(stats.adverts.received),
        4 => Value::Counter64(stats.packet_errors.advert_interval),
        5 => Value::Counter64(stats.packet_errors.ttl),
        7 => Value::Counter64(stats.priority_zero.received),
        8 => Value::Counter64(stats.priority_zero.sent),
        9 => Value::Counter64(stats.packet_errors.invalid_type),
        10 => Value::Counter64(stats.packet_errors.address_list),
        11 => Value::Counter64(stats.packet_errors.length),
        12 => Value::TimeTicks(0),
        13 => count(conf.advert_interval.as_millis()),
        _ => return None,
    })
}
