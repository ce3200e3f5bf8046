//! What the kernel has counted of connections that it has sent to real servers.

use super::Exposition;
use crate::effect::ipvs::{DestTraffic, Traffic};
use crate::observe::traffic::Served;

pub(super) type Labels<'a> = Vec<(&'static str, &'a str)>;

/// One counter: what its name ends in, a direction where there are two, what it is, and where it is.
type Counter = (&'static str, Option<&'static str>, &'static str, fn(&Traffic) -> u64);

/// Those of one name stand together.
const COUNTERS: [Counter; 5] = [
    ("connections_total", None, "Connections, as the kernel has counted them", |traffic| traffic.connections),
    ("packets_total", Some("in"), "Packets from clients and to them, as the kernel has counted them", |traffic| traffic.packets[0]),
    ("packets_total", Some("out"), "", |traffic| traffic.packets[1]),
    ("bytes_total", Some("in"), "Bytes from clients and to them, as the kernel has counted them", |traffic| traffic.bytes[0]),
    ("bytes_total", Some("out"), "", |traffic| traffic.bytes[1]),
];

/// What is open now.
type Open = (&'static str, &'static str, fn(&DestTraffic) -> u32);

const OPEN: [Open; 3] = [
    ("standfast_real_server_active_connections", "Connections that are established", |traffic| traffic.active),
    ("standfast_real_server_inactive_connections", "Connections that are not established, or not any more", |traffic| traffic.inactive),
    ("standfast_real_server_persistent_connections", "Clients that come back to it", |traffic| traffic.persistent),
];

/// `servers` and `reals` are the labels of each, in the order of the configuration.
pub(super) fn write(out: &mut Exposition, served: &[Served], servers: Vec<Labels<'_>>, reals: Vec<Labels<'_>>) {
    let all: Vec<(Labels<'_>, &Traffic)> = servers.into_iter().zip(served.iter().map(|served| &served.all)).collect();
    let each: Vec<(Labels<'_>, &DestTraffic)> = reals.into_iter().zip(served.iter().flat_map(|served| &served.each)).collect();
    counters(out, "standfast_virtual_server_", &all);
    counters(out, "standfast_real_server_", &each.iter().map(|(labels, seen)| (labels.clone(), &seen.traffic)).collect::<Vec<_>>());
    for (name, help, of) in OPEN.into_iter().filter(|_| !each.is_empty()) {
        out.family(name, "gauge", help);
        for (labels, seen) in &each {
            out.sample(name, labels, of(seen));
        }
    }
}

fn counters(out: &mut Exposition, prefix: &str, seen: &[(Labels<'_>, &Traffic)]) {
    for family in COUNTERS.chunk_by(|(one, ..), (other, ..)| one == other).filter(|_| !seen.is_empty()) {
        let [(ending, _, help, _), ..] = family else { continue };
        let name = format!("{prefix}{ending}");
        out.family(&name, "counter", help);
        for (labels, traffic) in seen {
            for (_, direction, _, of) in family {
                let labels: Labels<'_> = labels.iter().copied().chain(direction.map(|direction| ("direction", direction))).collect();
                out.sample(&name, &labels, of(traffic));
            }
        }
    }
}
