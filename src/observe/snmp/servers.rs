//! Virtual servers, their groups and their real servers.

use super::Scene;
use super::tree::{Place, Table};
use super::value::{
    address, address_type, command, count, counter, either, halves, integer, keepalived, micros, nth, seconds, signed, text,
};
use crate::effect::ipvs::{DestTraffic, Traffic};
use crate::lvs::view::ServerView;
use crate::model::checker::Micros;
use crate::model::lvs::{
    Checksum, Families, Forwarding, Granularity, Member, Protocol, RealServer, Scheduler, Service, SorryServer, Tunnel, VirtualServer,
};
use crate::model::net::Family;
use crate::wire::agentx::Value;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// The sorry server's place among the real servers.
const SORRY: usize = usize::MAX;

pub(super) fn tables(scene: &Scene) -> [Table<Scene>; 4] {
    const SERVER: &[u32] = &[
        2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36,
        37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70,
        71,
    ];
    const REAL: &[u32] = &[
        2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36,
        37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55,
    ];
    let check = keepalived(&[3]);
    let (groups, servers) = (&scene.model.lvs.groups, &scene.model.lvs.virtual_servers);
    let rows = |many: usize| (0..many).map(|at| (Box::from([nth(at)]), [at, 0, 0]));
    let members = groups.iter().enumerate().flat_map(|(at, group)| {
        let mut order: Vec<usize> = (0..group.members.len()).collect();
        order.sort_by_key(|member| group.members.get(*member).map(rank));
        order.into_iter().enumerate().map(move |(row, member)| (Box::from([nth(at), nth(row)]), [at, member, 0]))
    });
    let reals = servers.iter().enumerate().flat_map(|(at, server)| {
        let sorry = server.sorry_server.iter().map(|_| SORRY);
        let reals = sorry.chain(0..server.real_servers.len()).enumerate();
        reals.map(move |(row, real)| (Box::from([nth(at), nth(row)]), [at, real, 0]))
    });
    [
        Table::new(&check.join(&[1, 1]), &[2], rows(groups.len()), |scene, [at, ..], _| {
            scene.model.lvs.groups.get(at).map(|group| text(&group.name))
        }),
        Table::new(&check.join(&[2, 1]), &[2, 3, 4, 5, 6, 7, 8], members, member),
        Table::new(&check.join(&[3, 1]), SERVER, rows(servers.len()), server),
        Table::new(&check.join(&[4, 1]), REAL, reals, real_server),
    ]
}

/// Marks come before addresses, and those before ranges.
fn rank(member: &Member) -> u8 {
    match member {
        Member::Mark { .. } => 0,
        Member::Addresses { first, last, .. } => {
            if first == last {
                1
            } else {
                2
            }
        }
    }
}

fn member(scene: &Scene, [group, at, _]: Place, column: u32) -> Option<Value> {
    let member = scene.model.lvs.groups.get(group)?.members.get(at)?;
    Some(match (*member, column) {
        (_, 2) => integer(i32::from(rank(member)) + 1),
        (Member::Mark { mark, .. }, 3) => count(mark.get()),
        (Member::Addresses { first, .. }, 4) => integer(address_type(first)),
        (Member::Addresses { first, last, .. }, 5) if first == last => address(first),
        (Member::Addresses { first, last, .. }, 6) if first != last => address(first),
        (Member::Addresses { first, last, .. }, 7) if first != last => address(last),
        (Member::Addresses { port, .. }, 8) => count(port),
        _ => return None,
    })
}

pub(super) const fn service_type(service: &Service) -> i32 {
    match service {
        Service::Mark(_) => 1,
        Service::Address { .. } => 2,
        Service::Group { .. } => 3,
    }
}

pub(super) const fn protocol(service: &Service) -> Option<i32> {
    let protocol = match service {
        Service::Address { protocol, .. } => *protocol,
        Service::Group { protocol: Some(protocol), .. } => *protocol,
        Service::Mark(_) | Service::Group { protocol: None, .. } => return None,
    };
    Some(match protocol {
        Protocol::Tcp => 1,
        Protocol::Udp => 2,
        Protocol::Sctp => 3,
    })
}

pub(super) fn living(view: &ServerView) -> usize {
    view.real_servers.iter().filter(|real| real.alive).count()
}

fn server(scene: &Scene, [at, ..]: Place, column: u32) -> Option<Value> {
    let (conf, view) = (scene.model.lvs.virtual_servers.get(at)?, scene.servers.servers.get(at)?);
    let traffic = || scene.served.get(at).map(|served| served.all).unwrap_or_default();
    let persistence = conf.persistence.as_ref();
    let has = |family: Family| match conf.family {
        Families::One(one) => one == family,
        Families::Both => true,
    };
    let time = |time: Option<Micros>| time.map_or(Duration::ZERO, Micros::duration);
    Some(match column {
        2 => integer(service_type(&conf.service)),
        3..=7 => identity(conf, column)?,
        8 => integer(protocol(&conf.service)?),
        9 => integer(algorithm(conf.scheduler)),
        10 => integer(method(conf.forwarding)),
        11 => either(!view.suspended),
        12 => text(conf.virtualhost.as_deref()?),
        13 => either(persistence.is_some()),
        14 => seconds(persistence?.timeout),
        15 if has(Family::V4) => match persistence.and_then(|persistence| persistence.granularity) {
            Some(Granularity::Mask(mask)) => address(IpAddr::V4(mask)),
            Some(Granularity::Prefix(_)) | None => address(IpAddr::V4(Ipv4Addr::BROADCAST)),
        },
        16 => seconds(conf.delay_loop.duration()),
        17 => either(conf.ha_suspend),
        18 => either(conf.alpha),
        19 => either(conf.omega),
        20 => count(conf.real_servers.len()),
        21 => count(living(view)),
        22 => count(conf.quorum),
        23 => either(view.quorum),
        24 => command(conf.quorum_up.as_ref()?),
        25 => command(conf.quorum_down.as_ref()?),
        26 => count(conf.hysteresis),
        27..=31 => totals(&traffic(), column - 27)?,
        32..=36 => rates(&traffic(), column - 32)?,
        37 => either(conf.one_packet),
        38..=40 => long_totals(&traffic(), column - 38)?,
        41..=50 => long_rates(&traffic(), column - 41)?,
        51 if has(Family::V6) => match persistence.and_then(|persistence| persistence.granularity) {
            Some(Granularity::Prefix(length)) => count(length),
            Some(Granularity::Mask(_)) | None => count(128_u8),
        },
        52 => either(false),
        53 | 62 => either(conf.flags.first),
        54 | 63 => either(conf.flags.second),
        55 => either(conf.flags.third),
        // There is no such setting for all of its real servers.
        56 => either(true),
        57 => count(conf.retry.map_or(0, std::num::NonZero::get)),
        58 => seconds(time(conf.delay_before_retry)),
        59 => seconds(time(conf.warmup)),
        61 => either(conf.smtp_alert),
        64 => micros(conf.delay_loop.duration()),
        65 => micros(time(conf.delay_before_retry)),
        66 => micros(time(conf.warmup)),
        67 => micros(conf.connect_timeout.duration()),
        68..=70 => tunnel(conf.forwarding, column - 68)?,
        71 => text(conf.snmp_name.as_deref()?),
        _ => return None,
    })
}

/// The columns that tell virtual servers apart.
pub(super) fn identity(conf: &VirtualServer, column: u32) -> Option<Value> {
    Some(match (&conf.service, column) {
        (Service::Group { name, .. }, 3) => text(name),
        (Service::Mark(mark), 4) => count(mark.get()),
        (Service::Mark(_) | Service::Group { .. }, 5) => match conf.family {
            Families::One(Family::V4) => integer(1),
            Families::One(Family::V6) => integer(2),
            Families::Both => return None,
        },
        (Service::Address { address: one, .. }, 5) => integer(address_type(*one)),
        (Service::Address { address: one, .. }, 6) => address(*one),
        (Service::Address { port, .. }, 7) => count(*port),
        (Service::Group { .. } | Service::Mark(_) | Service::Address { .. }, _) => return None,
    })
}

const fn algorithm(scheduler: Scheduler) -> i32 {
    match scheduler {
        Scheduler::RoundRobin => 1,
        Scheduler::WeightedRoundRobin => 2,
        Scheduler::LeastConnection => 3,
        Scheduler::WeightedLeastConnection => 4,
        Scheduler::LocalityLeastConnection => 5,
        Scheduler::LocalityReplicated => 6,
        Scheduler::DestinationHashing => 7,
        Scheduler::SourceHashing => 8,
        Scheduler::ShortestExpectedDelay => 9,
        Scheduler::NeverQueue => 10,
        Scheduler::WeightedFailover => 11,
        Scheduler::WeightedOverflow => 12,
        Scheduler::MaglevHashing => 13,
        Scheduler::PowerOfTwo => 14,
    }
}

const fn method(forwarding: Forwarding) -> i32 {
    match forwarding {
        Forwarding::Nat => 1,
        Forwarding::DirectRoute => 2,
        Forwarding::Tunnel(_) => 3,
    }
}

/// The type of the tunnel, its port, and what of it is summed up.
fn tunnel(forwarding: Forwarding, column: u32) -> Option<Value> {
    let Forwarding::Tunnel(tunnel) = forwarding else { return None };
    let (number, port, checksum) = match tunnel {
        Tunnel::Ipip => (1, None, None),
        Tunnel::Gue { port, checksum } => (2, Some(port), Some(checksum)),
        Tunnel::Gre { checksum } => (3, None, Some(checksum)),
    };
    match column {
        0 => Some(integer(number)),
        1 => port.map(|port| count(port.get())),
        _ => checksum.map(|checksum| {
            integer(match checksum {
                Checksum::None => 1,
                Checksum::Usual => 2,
                Checksum::Remote => 3,
            })
        }),
    }
}

fn totals(traffic: &Traffic, column: u32) -> Option<Value> {
    Some(match column {
        0 => count(traffic.connections),
        1 => counter(traffic.packets[0]),
        2 => counter(traffic.packets[1]),
        3 => Value::Counter64(traffic.bytes[0]),
        4 => Value::Counter64(traffic.bytes[1]),
        _ => return None,
    })
}

fn long_totals(traffic: &Traffic, column: u32) -> Option<Value> {
    let [incoming, outgoing] = traffic.packets;
    let number = match column {
        0 => traffic.connections,
        1 => incoming,
        _ => outgoing,
    };
    Some(Value::Counter64(number))
}

fn rate(traffic: &Traffic, which: u32) -> Option<u64> {
    let ([packets_in, packets_out], [bytes_in, bytes_out]) = (traffic.packets_per_second, traffic.bytes_per_second);
    let rates = [traffic.connections_per_second, packets_in, packets_out, bytes_in, bytes_out];
    rates.get(usize::try_from(which).ok()?).copied()
}

fn rates(traffic: &Traffic, column: u32) -> Option<Value> {
    rate(traffic, column).map(count)
}

/// Each as its lower and its upper half.
fn long_rates(traffic: &Traffic, column: u32) -> Option<Value> {
    let [low, high] = halves(rate(traffic, column / 2)?);
    Some(count(if column.is_multiple_of(2) { low } else { high }))
}

fn real_server(scene: &Scene, [server, at, _]: Place, column: u32) -> Option<Value> {
    let conf = scene.model.lvs.virtual_servers.get(server)?;
    let served = scene.served.get(server);
    if at == SORRY {
        let traffic = served.map(|served| served.sorry).unwrap_or_default();
        return sorry_server(conf.sorry_server.as_ref()?, &traffic, column);
    }
    let (real, view) = (conf.real_servers.get(at)?, scene.servers.servers.get(server)?.real_servers.get(at)?);
    let traffic = || served.and_then(|served| served.each.get(at)).copied().unwrap_or_default();
    let limit = |limit: u32| (limit != 0).then(|| count(limit));
    let details = real.details.as_deref();
    Some(match column {
        2 => integer(1),
        3 => integer(address_type(real.address)),
        4 => address(real.address),
        5 => count(real.port),
        6 => either(view.alive),
        7 => signed(view.effective_weight),
        8 => limit(real.upper_threshold)?,
        9 => limit(real.lower_threshold)?,
        10 => either(!real.inhibit),
        11 => command(details?.notify_up.as_ref()?),
        12 => command(details?.notify_down.as_ref()?),
        13 => count(view.failed),
        14..=39 => counted(&traffic(), column)?,
        40 => integer(method(real.forwarding)),
        41 => text(details?.virtualhost.as_deref()?),
        42 => either(real.alpha),
        43..=46 | 48..=51 => schedule(conf, real, column),
        47 => either(real.smtp_alert),
        52..=54 => tunnel(real.forwarding, column - 52)?,
        55 => text(details?.snmp_name.as_deref()?),
        _ => return None,
    })
}

/// It is not checked, and has no weight of its own.
fn sorry_server(sorry: &SorryServer, traffic: &DestTraffic, column: u32) -> Option<Value> {
    Some(match column {
        2 => integer(2),
        3 => integer(address_type(sorry.address)),
        4 => address(sorry.address),
        5 => count(sorry.port),
        14..=39 => counted(traffic, column)?,
        40 => integer(method(sorry.forwarding)),
        42 | 47 => either(false),
        43..=46 | 48..=51 => count(0_u8),
        52..=54 => tunnel(sorry.forwarding, column - 52)?,
        _ => return None,
    })
}

fn counted(of: &DestTraffic, column: u32) -> Option<Value> {
    match column {
        14 => totals(&of.traffic, 0),
        15 => Some(count(of.active)),
        16 => Some(count(of.inactive)),
        17 => Some(count(of.persistent)),
        18..=21 => totals(&of.traffic, column - 17),
        22..=26 => rates(&of.traffic, column - 22),
        27..=29 => long_totals(&of.traffic, column - 27),
        30..=39 => long_rates(&of.traffic, column - 30),
        _ => None,
    }
}

/// What checkers inherit.
fn schedule(conf: &VirtualServer, real: &RealServer, column: u32) -> Value {
    let own = real.details.as_ref().map(|details| details.checks).unwrap_or_default();
    let time = |own: Option<Micros>, inherited: Option<Micros>| own.or(inherited).map_or(Duration::ZERO, Micros::duration);
    let delay = time(own.delay_before_retry, conf.delay_before_retry);
    let warmup = time(own.warmup, conf.warmup);
    let delay_loop = time(own.delay_loop, Some(conf.delay_loop));
    match column {
        43 => count(own.retry.or(conf.retry).map_or(0, std::num::NonZero::get)),
        44 => seconds(delay),
        45 => seconds(warmup),
        46 => seconds(delay_loop),
        48 => micros(delay),
        49 => micros(warmup),
        50 => micros(delay_loop),
        _ => micros(own.connect_timeout.unwrap_or(conf.connect_timeout).duration()),
    }
}
