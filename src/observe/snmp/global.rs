//! `global`: what holds for the whole process.

use super::Scene;
use super::tree::{Place, Table};
use super::value::{address, address_type, count, either, integer, keepalived, nth, perhaps, seconds, text};
use crate::model::global::FlushOnStop;
use crate::model::global::vrrp::DynamicInterfaces;
use crate::wire::agentx::Value;

pub(super) fn tables(scene: &Scene) -> [Table<Scene>; 5] {
    let (global, mail) = (keepalived(&[1]), keepalived(&[1, 3]));
    let recipients = 0..scene.model.global.mail.recipients.len();
    [
        Table::scalars(&global, &[1, 2], process),
        Table::scalars(&mail, &[1, 2, 3, 4], sender),
        Table::new(&mail.join(&[5, 1]), &[2], recipients.map(|at| (Box::from([nth(at)]), [at, 0, 0])), recipient),
        Table::scalars(&mail, &[6, 7, 8, 9, 10], sender),
        Table::scalars(&global, &[4, 5, 6, 7, 8, 9, 10, 11], process),
    ]
}

fn process(scene: &Scene, _: Place, column: u32) -> Option<Value> {
    let global = &scene.model.global;
    Some(match column {
        1 => text(scene.version),
        2 => text(&global.mail.router_id),
        4 => either(global.snmp.traps),
        5 => either(!global.process.linkbeat_use_polling),
        6 => either(global.lvs.flush),
        // The kernel has had them since Linux 4.1.
        7 => either(true),
        8 => text(global.process.net_namespace.as_deref().unwrap_or_default()),
        9 => either(global.dbus.enabled),
        10 => either(global.vrrp.dynamic_interfaces != DynamicInterfaces::No),
        11 => integer(match global.lvs.flush_on_stop {
            FlushOnStop::All => 1,
            FlushOnStop::No => 2,
            FlushOnStop::VirtualServers => 3,
        }),
        _ => return None,
    })
}

fn sender(scene: &Scene, _: Place, column: u32) -> Option<Value> {
    let mail = &scene.model.global.mail;
    Some(match column {
        1 => integer(address_type(mail.server?.ip())),
        2 => address(mail.server?.ip()),
        3 => seconds(mail.timeout),
        4 => text(&mail.from),
        6 => count(mail.server?.port()),
        7 => either(!mail.no_faults),
        8 => perhaps(mail.alert),
        9 => perhaps(mail.alert_vrrp),
        10 => perhaps(mail.alert_checker),
        _ => return None,
    })
}

fn recipient(scene: &Scene, [at, ..]: Place, _: u32) -> Option<Value> {
    scene.model.global.mail.recipients.get(at).map(|recipient| text(recipient))
}
