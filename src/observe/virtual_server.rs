//! Virtual servers and their groups.

use super::real_server::{forwarding, real_server};
use super::sheet::{Sheet, enabled, on, seconds, yes};
use crate::lvs::name;
use crate::lvs::view::{ServerView, View};
use crate::model::Model;
use crate::model::lvs::{Families, Granularity, Member, Protocol, Scheduler, ServerGroup, Service, VirtualServer};
use crate::model::net::Family;

pub(super) fn virtual_server(sheet: &mut Sheet, server: &VirtualServer, view: &ServerView) {
    sheet.line(format_args!(" ------< Virtual server >------"));
    match &server.service {
        Service::Address { address, port, .. } => sheet.line(format_args!(" VS VIP = {address}, VPORT = {port}")),
        Service::Mark(mark) => sheet.line(format_args!(" VS FWMARK = {mark}")),
        Service::Group { name, index, .. } => sheet.line(format_args!(" VS GROUP = [{name}]:{index}")),
    }
    if let Some(host) = &server.virtualhost {
        sheet.line(format_args!("   VirtualHost = {host}"));
    }
    if let Some(name) = &server.snmp_name {
        sheet.line(format_args!("   SNMP name = {name}"));
    }
    let family = match server.family {
        Families::One(family) => family.keyword(),
        Families::Both => "inet/inet6",
    };
    sheet.line(format_args!("   Address family = {family}"));
    sheet.line(format_args!("   connection timeout = {}", seconds(server.connect_timeout.duration())));
    sheet.line(format_args!("   delay_loop = {}", seconds(server.delay_loop.duration())));
    scheduling(sheet, server);
    sheet.line(format_args!("   alpha is {}", on(server.alpha)));
    sheet.line(format_args!("   omega is {}", on(server.omega)));
    if let Some(retry) = server.retry {
        sheet.line(format_args!("   Retry count = {retry}"));
    }
    if let Some(delay) = server.delay_before_retry {
        sheet.line(format_args!("   Retry delay = {}", seconds(delay.duration())));
    }
    if let Some(warmup) = server.warmup {
        sheet.line(format_args!("   Warmup = {}", seconds(warmup.duration())));
    }
    sheet.line(format_args!("   Inhibit on failure is OFF"));
    sheet.line(format_args!("   quorum = {}, hysteresis = {}", server.quorum, server.hysteresis));
    for (word, script) in [("up", &server.quorum_up), ("down", &server.quorum_down)] {
        if let Some(script) = script {
            sheet.line(format_args!("   -> Notify script {} = {}", word.to_uppercase(), super::command::with_user(script)));
        }
    }
    if server.ha_suspend {
        sheet.line(format_args!("   Using HA suspend"));
    }
    sheet.line(format_args!("   Using smtp notification = {}", yes(server.smtp_alert)));
    sheet.line(format_args!("   default forwarding method = {}", forwarding(server.forwarding)));
    if let Some(sorry) = &server.sorry_server {
        sheet.line(format_args!("   sorry server = {}", name::sorry_server(server, sorry)));
        sheet.line(format_args!("     forwarding method = {}", forwarding(sorry.forwarding)));
        sheet.line(format_args!("     Inhibit on failure is {}", on(sorry.inhibit)));
        sheet.line(format_args!("     set = {}", u8::from(view.sorry || sorry.inhibit)));
        sheet.line(format_args!("     alive = {}", u8::from(view.sorry)));
    }
    sheet.line(format_args!("   VS alive = {}", u8::from(!view.suspended)));
    sheet.line(format_args!("   quorum_state_up = {}", u8::from(view.quorum)));
    sheet.line(format_args!("   reloaded = 0"));
    for (real, seen) in server.real_servers.iter().zip(&view.real_servers) {
        real_server(sheet, server, real, seen);
    }
}

fn scheduling(sheet: &mut Sheet, server: &VirtualServer) {
    sheet.line(format_args!("   lvs_sched = {}", server.scheduler.name()));
    let flags = server.flags;
    sheet.line(format_args!("   Hashed = disabled"));
    match server.scheduler {
        Scheduler::SourceHashing | Scheduler::MaglevHashing => {
            let name = server.scheduler.name();
            sheet.line(format_args!("   {name}-port = {}", enabled(flags.second)));
            sheet.line(format_args!("   {name}-fallback = {}", enabled(flags.first)));
        }
        Scheduler::RoundRobin
        | Scheduler::WeightedRoundRobin
        | Scheduler::LeastConnection
        | Scheduler::WeightedLeastConnection
        | Scheduler::LocalityLeastConnection
        | Scheduler::DestinationHashing
        | Scheduler::WeightedFailover
        | Scheduler::WeightedOverflow
        | Scheduler::LocalityReplicated
        | Scheduler::ShortestExpectedDelay
        | Scheduler::NeverQueue
        | Scheduler::PowerOfTwo => {
            for (number, flag) in [(1, flags.first), (2, flags.second), (3, flags.third)] {
                sheet.line(format_args!("   flag-{number} = {}", enabled(flag)));
            }
        }
    }
    sheet.line(format_args!("   One packet scheduling = {}", enabled(server.one_packet)));
    if let Some(persistence) = &server.persistence {
        sheet.line(format_args!("   persistence timeout = {}", persistence.timeout.as_secs()));
        match persistence.granularity {
            Some(Granularity::Mask(mask)) => sheet.line(format_args!("   persistence granularity = {mask}")),
            Some(Granularity::Prefix(length)) => sheet.line(format_args!("   persistence granularity = {length}")),
            None => {}
        }
        if let Some(engine) = &persistence.engine {
            sheet.line(format_args!("   persistence engine = {engine}"));
        }
    }
    let protocol = match &server.service {
        Service::Address { protocol, .. } => Some(*protocol),
        Service::Group { protocol, .. } => *protocol,
        Service::Mark(_) => None,
    };
    if let Some(protocol) = protocol {
        sheet.line(format_args!("   protocol = {}", protocol.name().to_uppercase()));
    }
}

/// With how many living real servers stand behind each of its members.
pub(super) fn group(sheet: &mut Sheet, group: &ServerGroup, model: &Model, view: &View) {
    let uses = || {
        let both = model.lvs.virtual_servers.iter().zip(&view.servers);
        both.filter(|(server, _)| matches!(&server.service, Service::Group { name, .. } if **name == *group.name))
    };
    let alive = |view: &ServerView| view.real_servers.iter().filter(|real| real.alive).count();
    let by_protocol = |wanted: Protocol| -> usize {
        let speaks = |server: &VirtualServer| matches!(&server.service, Service::Group { protocol, .. } if *protocol == Some(wanted));
        uses().filter(|(server, _)| speaks(server)).map(|(_, view)| alive(view)).sum()
    };
    let by_family = |wanted: Family| -> usize {
        let has = |server: &VirtualServer| match server.family {
            Families::One(family) => family == wanted,
            Families::Both => true,
        };
        uses().filter(|(server, _)| has(server)).map(|(_, view)| alive(view)).sum()
    };
    let holds = |wanted: Family| {
        group.members.iter().any(|member| match member {
            Member::Addresses { first, .. } => Family::of(*first) == wanted,
            Member::Mark { family, .. } => *family == Some(wanted),
        })
    };
    sheet.line(format_args!(" ------< Virtual server group >------"));
    sheet.line(format_args!(
        " Virtual Server Group = {}, IPv4 = {}, IPv6 = {}",
        group.name,
        yes(holds(Family::V4)),
        yes(holds(Family::V6))
    ));
    let [tcp, udp, sctp] = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp].map(by_protocol);
    for member in &group.members {
        match member {
            Member::Addresses { first, last, port } => {
                if first == last {
                    sheet.line(format_args!("   VIP = {first}, VPORT = {port}"));
                } else {
                    sheet.line(format_args!("   VIP Range = {first}-{last}, VPORT = {port}"));
                }
                sheet.line(format_args!("     Alive: {tcp} tcp, {udp} udp, {sctp} sctp"));
            }
            Member::Mark { mark, .. } => {
                sheet.line(format_args!("   FWMARK = {mark}"));
                sheet.line(format_args!("     Alive: {} IPv4, {} IPv6", by_family(Family::V4), by_family(Family::V6)));
            }
        }
        sheet.line(format_args!("     reloaded = False"));
    }
}
