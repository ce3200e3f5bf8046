//! `VRRP-MIB`, for instances of version 2 (RFC 2787).

use super::tree::{Place, Table};
use super::value::{counter, either, integer, signed, ticks};
use super::{Known, Scene};
use crate::model::net::Family;
use crate::model::vrrp::{Auth, Instance, Preempt, Version};
use crate::vrrp::view::{InstanceView, State};
use crate::wire::agentx::{Oid, Value};
use std::net::{IpAddr, Ipv4Addr};

pub(super) fn mib(below: &[u32]) -> Oid {
    Oid::from([1, 3, 6, 1, 2, 1, 68]).join(below)
}

pub(super) fn tables(scene: &Scene) -> [Table<Scene>; 4] {
    let routers = || scene.lookup.instances.iter().filter_map(|place| Some((of(scene, *place)?, place)));
    let addresses = routers().flat_map(|((index, conf), place)| {
        let v4 = conf.vips.iter().filter(|vip| vip.prefix.family() == Family::V4);
        let place = [place.conf, place.view, 0];
        v4.map(move |vip| ([index.to_vec(), super::value::index(vip.prefix.address)].concat().into(), place)).collect::<Vec<_>>()
    });
    let rows = || routers().map(|((index, _), place)| (Box::<[u32]>::from(index), [place.conf, place.view, 0]));
    [
        Table::scalars(&mib(&[1]), &[1, 2], |scene, _, column| {
            // The version of the protocol that this MIB is about.
            Some(if column == 1 { integer(2) } else { either(scene.model.global.snmp.traps) })
        }),
        Table::new(&mib(&[1, 3, 1]), &[2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15], rows(), router),
        Table::new(&mib(&[1, 4, 1]), &[2], addresses, |_, _, _| Some(integer(1))),
        Table::new(&mib(&[2, 4, 1]), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], rows(), statistics),
    ]
}

/// What a row is called, where there is one.
fn of(scene: &Scene, place: Known) -> Option<([u32; 2], &Instance)> {
    let conf = scene.model.vrrp.instances.get(place.conf)?;
    let ours = conf.version == Version::V2 && conf.family == Family::V4;
    ours.then_some(([interface(scene, conf)?, conf.vrid.0.into()], conf))
}

/// The number of the interface that was configured.
pub(super) fn interface(scene: &Scene, conf: &Instance) -> Option<u32> {
    let name = conf.interface.as_deref()?;
    scene.interfaces.iter().find(|interface| &*interface.name == name).map(|interface| interface.device.0)
}

/// Of what it lives on.
pub(super) fn mac(scene: &Scene, conf: &Instance, view: &InstanceView) -> Option<Value> {
    let name = view.own.as_deref().or(conf.interface.as_deref())?;
    let mac = scene.interfaces.iter().find(|interface| &*interface.name == name)?.mac?;
    Some(Value::Octets(mac.0.into()))
}

pub(super) const fn state(state: State) -> Value {
    integer(match state {
        State::Init | State::Fault => 1,
        State::Backup => 2,
        State::Master => 3,
    })
}

/// Who is master, as far as it is known; a master is it itself.
pub(super) fn master(view: &InstanceView) -> Option<IpAddr> {
    if view.state == State::Master { view.source } else { view.master }
}

fn ipv4(address: Option<IpAddr>) -> Value {
    let address = match address {
        Some(IpAddr::V4(address)) => address,
        Some(IpAddr::V6(_)) | None => Ipv4Addr::UNSPECIFIED,
    };
    Value::IpAddress(address.octets())
}

fn router(scene: &Scene, [conf, view, _]: Place, column: u32) -> Option<Value> {
    let (conf, view) = (scene.model.vrrp.instances.get(conf)?, scene.vrrp.instances.get(view)?);
    Some(match column {
        2 => mac(scene, conf, view)?,
        3 => state(view.state),
        4 | 14 | 15 => integer(1),
        5 => integer(view.base_priority.into()),
        6 => signed(conf.vips.len()),
        7 => ipv4(master(view)),
        8 => ipv4(view.source),
        9 => integer(match conf.auth {
            Auth::None | Auth::Hmac(_) => 1,
            Auth::Pass(_) => 2,
            Auth::Ah(_) => 3,
        }),
        11 => signed(conf.advert_interval.as_secs()),
        12 => either(matches!(conf.preempt, Preempt::After(_))),
        13 => Value::TimeTicks(stamp(scene, view)),
        _ => return None,
    })
}

/// What the agent's clock showed when the instance left its initial state.
fn stamp(scene: &Scene, view: &InstanceView) -> u32 {
    let (Some(since), Some((at, shown))) = (view.since, scene.uptime) else { return 0 };
    if since >= at { shown.wrapping_add(ticks(since.since(at))) } else { shown.saturating_sub(ticks(at.since(since))) }
}

fn statistics(scene: &Scene, [_, view, _]: Place, column: u32) -> Option<Value> {
    let stats = &scene.vrrp.instances.get(view)?.stats;
    Some(counter(match column {
        1 => stats.became_master,
        2 => stats.adverts.received,
        3 => stats.packet_errors.advert_interval,
        4 => stats.auth_errors.failure,
        5 => stats.packet_errors.ttl,
        6 => stats.priority_zero.received,
        7 => stats.priority_zero.sent,
        8 => stats.packet_errors.invalid_type,
        9 => stats.packet_errors.address_list,
        10 => stats.auth_errors.invalid_type,
        11 => stats.auth_errors.type_mismatch,
        12 => stats.packet_errors.length,
        _ => return None,
    }))
}
