//! What concerns IPVS as a whole.

use super::Scene;
use super::tree::{Place, Table};
use super::value::{address, address_type, either, integer, keepalived, signed, text};
use crate::wire::agentx::Value;

pub(super) fn tables() -> [Table<Scene>; 2] {
    [Table::scalars(&keepalived(&[3, 6]), &[1, 2, 3, 4, 5, 6, 7, 8, 9], daemon), Table::scalars(&keepalived(&[3, 7]), &[1, 2, 3], timeout)]
}

fn daemon(scene: &Scene, _: Place, column: u32) -> Option<Value> {
    let daemon = scene.model.global.lvs.sync_daemon.as_ref();
    if column == 1 {
        return Some(either(daemon.is_some()));
    }
    let daemon = daemon?;
    Some(match column {
        2 => text(&daemon.interface),
        3 => text(daemon.instance.as_deref()?),
        4 => signed(daemon.id?),
        5 => signed(daemon.max_len?),
        6 => signed(daemon.port?),
        7 => signed(daemon.ttl?),
        8 => integer(address_type(daemon.group?)),
        9 => address(daemon.group?),
        _ => return None,
    })
}

fn timeout(scene: &Scene, _: Place, column: u32) -> Option<Value> {
    let timeouts = scene.model.global.lvs.timeouts;
    let timeout = match column {
        1 => timeouts.tcp,
        2 => timeouts.tcp_fin,
        _ => timeouts.udp,
    };
    timeout.map(|timeout| signed(timeout.as_secs()))
}
