//! What the master agent is told unasked: the same transitions that scripts and pipes hear of.

use super::servers::{identity, living, protocol, service_type};
use super::value::{address, address_type, count, either, integer, keepalived, text};
use super::{Scene, instances, rfc2787, rfc6527};
use crate::effect::notice::{Notice, Refusal, ServerNotice, Subject, Told, Why};
use crate::lvs::name;
use crate::lvs::view::View;
use crate::model::Model;
use crate::model::lvs::VirtualServer;
use crate::model::vrrp::Version;
use crate::wire::agentx::{Oid, Value, VarBind};
use std::net::IpAddr;

/// The variables of a trap, with its name before them.
fn trap(name: Oid, variables: Vec<(Oid, Value)>) -> Vec<VarBind> {
    const TRAP: [u32; 11] = [1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0];
    let name = VarBind { name: TRAP.into(), value: Value::Oid(name) };
    std::iter::once(name).chain(variables.into_iter().map(|(name, value)| VarBind { name, value })).collect()
}

fn router_id(model: &Model) -> (Oid, Value) {
    (keepalived(&[1, 2, 0]), text(&model.global.mail.router_id))
}

/// A number of `VrrpState`; nothing for what is no state.
const fn state(told: Told) -> Option<i32> {
    match told {
        Told::Backup => Some(1),
        Told::Master => Some(2),
        Told::Fault => Some(3),
        Told::Stop => Some(5),
        Told::Deleted => Some(6),
        Told::MasterRxLowerPri | Told::MasterPriority | Told::BackupPriority => None,
    }
}

/// What is told of a transition, as far as it is to be told. The scene is needed for the MIBs of VRRP alone.
pub fn vrrp(scene: &Scene, notice: &Notice) -> Vec<Vec<VarBind>> {
    let (model, snmp) = (&scene.model, &scene.model.global.snmp);
    let Some(state) = state(notice.told) else { return Vec::new() };
    let mut traps = Vec::new();
    match notice.subject {
        Subject::Group if snmp.vrrp => {
            let group = |column: u32| keepalived(&[2, 1, 1, column]);
            let variables = vec![(group(2), text(&notice.name)), (group(3), integer(state)), router_id(model)];
            traps.push(trap(keepalived(&[2, 10, 0, 1]), variables));
        }
        Subject::Group => {}
        Subject::Instance => {
            let conf = model.vrrp.instances.iter().find(|conf| conf.name == notice.name);
            if snmp.vrrp {
                let instance = |column: u32| keepalived(&[2, 3, 1, column]);
                let initial = conf.map_or(1, instances::initial);
                let variables = vec![
                    (instance(2), text(&notice.name)),
                    (instance(4), integer(state)),
                    (instance(5), integer(initial)),
                    router_id(model),
                ];
                traps.push(trap(keepalived(&[2, 10, 0, 2]), variables));
            }
            if notice.told == Told::Master {
                traps.extend(conf.and_then(|_| new_master_2(scene, &notice.name)));
                traps.extend(conf.and_then(|_| new_master_3(scene, &notice.name)));
            }
        }
    }
    traps
}

fn new_master_2(scene: &Scene, name: &str) -> Option<Vec<VarBind>> {
    let (conf, view) = scene.named(name)?;
    let Some(IpAddr::V4(source)) = view.source.filter(|_| scene.model.global.snmp.rfc2787 && conf.version == Version::V2) else {
        return None;
    };
    let name = rfc2787::mib(&[1, 3, 1, 7, rfc2787::interface(scene, conf)?, conf.vrid.0.into()]);
    Some(trap(rfc2787::mib(&[0, 1]), vec![(name, Value::IpAddress(source.octets()))]))
}

fn new_master_3(scene: &Scene, name: &str) -> Option<Vec<VarBind>> {
    let (conf, view) = scene.named(name).filter(|_| scene.model.global.snmp.rfc6527)?;
    let row = rfc6527::row(scene, conf)?;
    let variables = vec![
        (rfc6527::mib(&[1, 1, 1, 1, 3]).join(&row), address(view.source?)),
        (rfc6527::mib(&[1, 2, 5, 1, 2]).join(&row), integer(rfc6527::reason(view))),
    ];
    Some(trap(rfc6527::mib(&[0, 1]), variables))
}

/// What is told of a packet that was refused.
pub fn refused(scene: &Scene, refusal: &Refusal) -> Vec<Vec<VarBind>> {
    let snmp = &scene.model.global.snmp;
    let auth = match refusal.why {
        Why::AuthType => Some(1),
        Why::AuthMismatch => Some(2),
        Why::AuthFailure => Some(3),
        Why::Ttl | Why::Version | Why::Checksum => None,
    };
    let protocol = match refusal.why {
        Why::Ttl => Some(1),
        Why::Version => Some(2),
        Why::Checksum => Some(3),
        Why::AuthType | Why::AuthMismatch | Why::AuthFailure => None,
    };
    let mut traps = Vec::new();
    if let (Some(auth), IpAddr::V4(source), true) = (auth, refusal.source, snmp.rfc2787) {
        let variables = vec![(rfc2787::mib(&[1, 5, 0]), Value::IpAddress(source.octets())), (rfc2787::mib(&[1, 6, 0]), integer(auth))];
        traps.push(trap(rfc2787::mib(&[0, 2]), variables));
    }
    if let (Some(protocol), true) = (protocol, snmp.rfc6527)
        && let Some(conf) = scene.model.vrrp.instances.iter().find(|conf| conf.name == refusal.instance)
        && let Some(row) = rfc6527::row(scene, conf)
    {
        let name = rfc6527::mib(&[1, 2, 5, 1, 6]).join(&row);
        traps.push(trap(rfc6527::mib(&[0, 2]), vec![(name, integer(protocol))]));
    }
    traps
}

/// What is told of a virtual server or a real server. Mail alone may be told of more, which is no transition.
pub fn server(model: &Model, view: &View, stopping: bool, notice: &ServerNotice) -> Option<Vec<VarBind>> {
    if !notice.fifo {
        return None;
    }
    let at = model.lvs.virtual_servers.iter().position(|server| {
        name::virtual_server(server).to_string() == *notice.virtual_server
            && notice.family.is_none_or(|family| server.family == crate::model::lvs::Families::One(family))
    })?;
    let (server, view) = (model.lvs.virtual_servers.get(at)?, view.servers.get(at)?);
    let column = |column: u32| keepalived(&[3, 3, 1, column]);
    let mut variables = Vec::new();
    let trap_of = if let Some(named) = &notice.real_server {
        let real = server.real_servers.iter().find(|real| name::real_server(server, real).to_string() == **named)?;
        let column = |column: u32| keepalived(&[3, 4, 1, column]);
        variables.extend([
            (column(3), integer(address_type(real.address))),
            (column(4), address(real.address)),
            (column(5), count(real.port)),
            (column(6), either(notice.up)),
        ]);
        variables.extend(identified(server));
        keepalived(&[3, 5, 0, 1])
    } else {
        variables.extend(identified(server));
        let status = if stopping && !notice.up { integer(3) } else { either(notice.up) };
        variables.extend([(column(23), status), (column(22), count(server.quorum))]);
        keepalived(&[3, 5, 0, 2])
    };
    variables.extend([(column(21), count(living(view))), (column(20), count(server.real_servers.len())), router_id(model)]);
    Some(trap(trap_of, variables))
}

fn identified(server: &VirtualServer) -> impl Iterator<Item = (Oid, Value)> {
    let column = |column: u32| keepalived(&[3, 3, 1, column]);
    let columns: &[u32] = match server.service {
        crate::model::lvs::Service::Mark(_) => &[4],
        crate::model::lvs::Service::Group { .. } => &[3],
        crate::model::lvs::Service::Address { .. } => &[5, 6, 7],
    };
    let own = columns.iter().filter_map(move |number| Some((column(*number), identity(server, *number)?)));
    // Marks have no protocol.
    let last = (column(8), integer(protocol(&server.service).unwrap_or(4)));
    std::iter::once((column(2), integer(service_type(&server.service)))).chain(own).chain([last])
}

#[cfg(test)]
mod tests;
