//! Virtual servers and checkers.

use super::{Code, choice, record};
use crate::model::checker::{
    Bfd, Bind, Checker, Connection, Dns, File, Http, HttpVersion, Micros, Misc, Octet, Probe, RecordType, Regex, RegexOptions, Reply,
    Schedule, Smtp, Sni, StatusCodes, Timeout, Udp, Url,
};
use crate::model::lvs::{
    CheckDefaults, Checksum, ClientTls, Details, Families, Forwarding, Granularity, Lvs, Member, Persistence, Protocol, RealServer,
    Scheduler, SchedulerFlags, ServerGroup, Service, SorryServer, Tunnel, VirtualServer,
};

record! {
    Lvs { tls, groups, virtual_servers }
    ClientTls { password, ca, certificate, key }
    ServerGroup { name, members, marks }
    VirtualServer {
        service, family, scheduler, flags, one_packet, persistence, forwarding, delay_loop, connect_timeout, delay_before_retry,
        warmup, retry, ha_suspend, alpha, omega, smtp_alert, virtualhost, snmp_name, quorum, hysteresis, quorum_up, quorum_down,
        sorry_server, real_servers
    }
    SchedulerFlags { first, second, third }
    Persistence { timeout, granularity, engine }
    CheckDefaults { delay_loop, delay_before_retry, warmup, retry, connect_timeout }
    SorryServer { address, port, forwarding, inhibit }
    RealServer {
        address, port, weight, forwarding, upper_threshold, lower_threshold, inhibit, alpha, smtp_alert, details, checkers
    }
    Details { checks, virtualhost, snmp_name, notify_up, notify_down }
    Schedule { delay_loop, warmup, delay_before_retry, retry, alpha, log_all_failures }
    Connection { address, port, timeout, mark, bind }
    Bind { address, port, interface }
    Http { connection, tls, version, virtualhost, sni, fast_recovery, tls_compliant, urls }
    Url { path, virtualhost, digest, status, regex, tls_compliant }
    Regex { pattern, options, no_match, min_offset, max_offset, stack }
    Smtp { connection, helo_name }
    Dns { connection, record, name }
    Udp { connection, payload, reply, min_reply, max_reply }
    Octet { value, mask }
    Misc { script, timeout, dynamic }
    File { track_file, weight }
    Bfd { session, alpha }
}

impl Lvs {
    /// As [`Code::get`], but of virtual servers those only that `new` has not at the same place. There may be very many, and
    /// nearly always they are the same. Which of the new ones are is the second.
    pub fn get_beside(new: &Self, input: &mut &[u8]) -> Option<(Self, Box<[bool]>)> {
        let mut old = Self { tls: Code::get(input)?, groups: Code::get(input)?, virtual_servers: Vec::new() };
        let mut same = vec![false; new.virtual_servers.len()];
        let (mut after, mut bytes) = (new.virtual_servers.iter().zip(&mut same), Vec::new());
        for _ in 0..usize::get(input)? {
            if let Some((server, same)) = after.next() {
                bytes.clear();
                server.put(&mut bytes);
                if let Some(rest) = input.strip_prefix(&*bytes) {
                    (*input, *same) = (rest, true);
                    continue;
                }
            }
            old.virtual_servers.push(Code::get(input)?);
        }
        Some((old, same.into()))
    }
}

choice! {
    Member { 0 => Addresses { first, last, port }, 1 => Mark { mark, family } }
    Service { 0 => Address { address, port, protocol }, 1 => Mark(value), 2 => Group { name, index, protocol } }
    Families { 0 => One(value), 1 => Both }
    Protocol { 0 => Tcp, 1 => Udp, 2 => Sctp }
    Scheduler {
        0 => RoundRobin, 1 => WeightedRoundRobin, 2 => LeastConnection, 3 => WeightedLeastConnection,
        4 => LocalityLeastConnection, 5 => SourceHashing, 6 => MaglevHashing, 7 => DestinationHashing, 8 => WeightedFailover,
        9 => WeightedOverflow, 10 => LocalityReplicated, 11 => ShortestExpectedDelay, 12 => NeverQueue, 13 => PowerOfTwo
    }
    Granularity { 0 => Mask(value), 1 => Prefix(value) }
    Forwarding { 0 => Nat, 1 => DirectRoute, 2 => Tunnel(value) }
    Tunnel { 0 => Ipip, 1 => Gue { port, checksum }, 2 => Gre { checksum } }
    Checksum { 0 => None, 1 => Usual, 2 => Remote }
    Checker { 0 => Probe { schedule, probe }, 1 => File(value), 2 => Bfd(value) }
    Probe {
        0 => Tcp(value), 1 => Ping(value), 2 => Http(value), 3 => Smtp(value), 4 => Dns(value), 5 => Udp(value), 6 => Misc(value)
    }
    HttpVersion { 0 => V1_0, 1 => V1_0Close, 2 => V1_1 }
    Sni { 0 => None, 1 => Host, 2 => Named(value) }
    RecordType { 0 => A, 1 => Ns, 2 => Cname, 3 => Soa, 4 => Mx, 5 => Txt, 6 => Aaaa, 7 => Rrsig, 8 => Dnskey }
    Reply { 0 => NotNeeded, 1 => Any, 2 => Like(value) }
}

impl Code for Micros {
    fn put(&self, out: &mut Vec<u8>) {
        Self::get(*self).put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Self::new(u64::get(input)?)
    }
}

impl Code for Timeout {
    fn put(&self, out: &mut Vec<u8>) {
        Self::get(*self).put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Self::new(u32::get(input)?)
    }
}

impl Code for StatusCodes {
    fn put(&self, out: &mut Vec<u8>) {
        self.ranges().to_vec().put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Vec::get(input).map(Self::new)
    }
}

/// By the places of their names.
impl Code for RegexOptions {
    fn put(&self, out: &mut Vec<u8>) {
        let places = self.names().filter_map(|name| Self::NAMES.iter().position(|known| *known == name));
        places.collect::<Vec<usize>>().put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let mut options = Self::default();
        for place in Vec::<usize>::get(input)? {
            options.insert(Self::NAMES.get(place)?);
        }
        Some(options)
    }
}
