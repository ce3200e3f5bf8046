//! What we say to the kernel.

use super::client::Timeouts;
use super::daemon::{Daemon, State};
use crate::effect::ipvs::delta::Op;
use crate::effect::ipvs::{Dest, DestKey, ServiceKey, Settings};
use crate::model::lvs::{Checksum, Forwarding, Granularity, Protocol, SchedulerFlags, Tunnel};
use crate::model::net::Family;
use neli::consts::nl::NlmF;
use neli::genl::{AttrTypeBuilder, Genlmsghdr, GenlmsghdrBuilder, Nlattr, NlattrBuilder};
use neli::nl::{NlPayload, NlmsghdrBuilder};
use neli::types::{Buffer, GenlBuffer};
use neli::{Size, ToBytes};
use std::io::{self, Cursor};
use std::net::{IpAddr, Ipv4Addr};

/// The numbers of linux/ip_vs.h and linux/genetlink.h.
pub(super) mod number {
    pub(in super::super) const CONTROL: u16 = 0x10;
    pub(in super::super) const GET_FAMILY: u8 = 3;
    pub(in super::super) const FAMILY_ID: u16 = 1;
    pub(in super::super) const FAMILY_NAME: u16 = 2;

    pub(in super::super) const NEW_SERVICE: u8 = 1;
    pub(in super::super) const SET_SERVICE: u8 = 2;
    pub(in super::super) const DEL_SERVICE: u8 = 3;
    pub(in super::super) const GET_SERVICE: u8 = 4;
    pub(in super::super) const NEW_DEST: u8 = 5;
    pub(in super::super) const SET_DEST: u8 = 6;
    pub(in super::super) const DEL_DEST: u8 = 7;
    pub(in super::super) const GET_DEST: u8 = 8;
    pub(in super::super) const NEW_DAEMON: u8 = 9;
    pub(in super::super) const DEL_DAEMON: u8 = 10;
    pub(in super::super) const SET_CONFIG: u8 = 12;
    pub(in super::super) const GET_CONFIG: u8 = 13;
    pub(in super::super) const FLUSH: u8 = 17;

    pub(in super::super) const SERVICE: u16 = 1;
    pub(in super::super) const DEST: u16 = 2;
    pub(in super::super) const DAEMON: u16 = 3;
    pub(in super::super) const TIMEOUT_TCP: u16 = 4;
    pub(in super::super) const TIMEOUT_TCP_FIN: u16 = 5;
    pub(in super::super) const TIMEOUT_UDP: u16 = 6;

    pub(in super::super) mod service {
        pub(in super::super::super) const FAMILY: u16 = 1;
        pub(in super::super::super) const PROTOCOL: u16 = 2;
        pub(in super::super::super) const ADDRESS: u16 = 3;
        pub(in super::super::super) const PORT: u16 = 4;
        pub(in super::super::super) const MARK: u16 = 5;
        pub(in super::super::super) const SCHEDULER: u16 = 6;
        pub(in super::super::super) const FLAGS: u16 = 7;
        pub(in super::super::super) const TIMEOUT: u16 = 8;
        pub(in super::super::super) const NETMASK: u16 = 9;
        pub(in super::super::super) const STATS: u16 = 10;
        pub(in super::super::super) const ENGINE: u16 = 11;
        pub(in super::super::super) const STATS_64: u16 = 12;
    }

    pub(in super::super) mod dest {
        pub(in super::super::super) const ADDRESS: u16 = 1;
        pub(in super::super::super) const PORT: u16 = 2;
        pub(in super::super::super) const FORWARDING: u16 = 3;
        pub(in super::super::super) const WEIGHT: u16 = 4;
        pub(in super::super::super) const UPPER: u16 = 5;
        pub(in super::super::super) const LOWER: u16 = 6;
        pub(in super::super::super) const ACTIVE: u16 = 7;
        pub(in super::super::super) const INACTIVE: u16 = 8;
        pub(in super::super::super) const PERSISTENT: u16 = 9;
        pub(in super::super::super) const STATS: u16 = 10;
        pub(in super::super::super) const FAMILY: u16 = 11;
        pub(in super::super::super) const STATS_64: u16 = 12;
        pub(in super::super::super) const TUNNEL_TYPE: u16 = 13;
        pub(in super::super::super) const TUNNEL_PORT: u16 = 14;
        pub(in super::super::super) const TUNNEL_FLAGS: u16 = 15;
    }

    pub(in super::super) mod daemon {
        pub(in super::super::super) const STATE: u16 = 1;
        pub(in super::super::super) const INTERFACE: u16 = 2;
        pub(in super::super::super) const ID: u16 = 3;
        pub(in super::super::super) const MAX_LEN: u16 = 4;
        pub(in super::super::super) const GROUP: u16 = 5;
        pub(in super::super::super) const GROUP6: u16 = 6;
        pub(in super::super::super) const PORT: u16 = 7;
        pub(in super::super::super) const TTL: u16 = 8;
    }

    pub(in super::super) const PERSISTENT: u32 = 0x01;
    pub(in super::super) const ONE_PACKET: u32 = 0x04;
    pub(in super::super) const FIRST: u32 = 0x08;
    pub(in super::super) const SECOND: u32 = 0x10;
    pub(in super::super) const THIRD: u32 = 0x20;

    pub(in super::super) const FORWARDING_MASK: u32 = 7;
    pub(in super::super) const NAT: u32 = 0;
    pub(in super::super) const TUNNEL: u32 = 2;
    pub(in super::super) const DIRECT_ROUTE: u32 = 3;

    pub(in super::super) const IPIP: u8 = 0;
    pub(in super::super) const GUE: u8 = 1;
    pub(in super::super) const GRE: u8 = 2;

    pub(in super::super) const INET: u16 = 2;
    pub(in super::super) const INET6: u16 = 10;
}
use number as n;

pub(super) type Attribute = Nlattr<u16, Buffer>;

/// A command with its attributes.
#[derive(Debug)]
pub(super) struct Command {
    number: u8,
    attributes: Vec<Attribute>,
}

/// Whether the kernel is to answer when there is nothing to complain of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    OnFailure,
    Always,
    /// Everything that it has of the kind.
    Dump,
}

fn broken(error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error.to_string())
}

fn attribute(kind: u16, payload: impl Size + ToBytes) -> io::Result<Attribute> {
    let kind = AttrTypeBuilder::default().nla_type(kind).build().map_err(broken)?;
    NlattrBuilder::default().nla_type(kind).nla_payload(payload).build().map_err(broken)
}

fn text(kind: u16, text: &str) -> io::Result<Attribute> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    attribute(kind, Buffer::from(bytes))
}

fn nest(kind: u16, attributes: &[Attribute]) -> io::Result<Attribute> {
    let kind = AttrTypeBuilder::default().nla_type(kind).nla_nested(true).build().map_err(broken)?;
    let mut nest = NlattrBuilder::default().nla_type(kind).nla_payload(Buffer::new()).build().map_err(broken)?;
    for attribute in attributes {
        nest = nest.nest(attribute).map_err(broken)?;
    }
    Ok(nest)
}

impl Command {
    pub(super) fn family(name: &str) -> io::Result<Self> {
        Ok(Self { number: n::GET_FAMILY, attributes: vec![text(n::FAMILY_NAME, name)?] })
    }

    pub(super) fn of(op: &Op) -> io::Result<Self> {
        let with_dest = |number, key, attributes: Vec<Attribute>| -> io::Result<Self> {
            Ok(Self { number, attributes: vec![nest(n::SERVICE, &service_key(key)?)?, nest(n::DEST, &attributes)?] })
        };
        let service = |number, key, settings: &Settings| -> io::Result<Self> {
            let mut attributes = service_key(key)?;
            attributes.append(&mut service_settings(key.family(), settings)?);
            Ok(Self { number, attributes: vec![nest(n::SERVICE, &attributes)?] })
        };
        match op {
            Op::AddService(key, settings) => service(n::NEW_SERVICE, *key, settings),
            Op::EditService(key, settings) => service(n::SET_SERVICE, *key, settings),
            Op::RemoveService(key) => Self::about(n::DEL_SERVICE, *key),
            Op::AddDest(key, dest) => with_dest(n::NEW_DEST, *key, dest_attributes(dest)?),
            Op::EditDest(key, dest) => with_dest(n::SET_DEST, *key, dest_attributes(dest)?),
            Op::RemoveDest(key, dest) => with_dest(n::DEL_DEST, *key, dest_key(*dest)?),
        }
    }

    fn about(number: u8, key: ServiceKey) -> io::Result<Self> {
        Ok(Self { number, attributes: vec![nest(n::SERVICE, &service_key(key)?)?] })
    }

    pub(super) const fn services() -> Self {
        Self { number: n::GET_SERVICE, attributes: Vec::new() }
    }

    pub(super) fn service(key: ServiceKey) -> io::Result<Self> {
        Self::about(n::GET_SERVICE, key)
    }

    pub(super) fn dests(key: ServiceKey) -> io::Result<Self> {
        Self::about(n::GET_DEST, key)
    }

    pub(super) const fn flush() -> Self {
        Self { number: n::FLUSH, attributes: Vec::new() }
    }

    pub(super) const fn timeouts() -> Self {
        Self { number: n::GET_CONFIG, attributes: Vec::new() }
    }

    pub(super) fn set_timeouts(timeouts: Timeouts) -> io::Result<Self> {
        let Timeouts { tcp, tcp_fin, udp } = timeouts;
        let attributes = vec![attribute(n::TIMEOUT_TCP, tcp)?, attribute(n::TIMEOUT_TCP_FIN, tcp_fin)?, attribute(n::TIMEOUT_UDP, udp)?];
        Ok(Self { number: n::SET_CONFIG, attributes })
    }

    pub(super) fn start(daemon: &Daemon) -> io::Result<Self> {
        let mut attributes = vec![
            attribute(n::daemon::STATE, state(daemon.state))?,
            text(n::daemon::INTERFACE, &daemon.interface)?,
            attribute(n::daemon::ID, u32::from(daemon.id))?,
        ];
        if let Some(max_len) = daemon.max_len {
            attributes.push(attribute(n::daemon::MAX_LEN, max_len)?);
        }
        if let Some(port) = daemon.port {
            attributes.push(attribute(n::daemon::PORT, port)?);
        }
        if let Some(ttl) = daemon.ttl {
            attributes.push(attribute(n::daemon::TTL, ttl)?);
        }
        match daemon.group {
            Some(IpAddr::V4(group)) => attributes.push(attribute(n::daemon::GROUP, group.octets())?),
            Some(IpAddr::V6(group)) => attributes.push(attribute(n::daemon::GROUP6, group.octets())?),
            None => {}
        }
        Ok(Self { number: n::NEW_DAEMON, attributes: vec![nest(n::DAEMON, &attributes)?] })
    }

    pub(super) fn stop(which: State) -> io::Result<Self> {
        let attributes = [attribute(n::daemon::STATE, state(which))?];
        Ok(Self { number: n::DEL_DAEMON, attributes: vec![nest(n::DAEMON, &attributes)?] })
    }

    /// Appends the message to what is to be sent.
    pub(super) fn write(self, family: u16, sequence: u32, answer: Answer, to: &mut Vec<u8>) -> io::Result<()> {
        let attributes: GenlBuffer<u16, Buffer> = self.attributes.into_iter().collect();
        let payload: Genlmsghdr<u8, u16> =
            GenlmsghdrBuilder::default().cmd(self.number).version(1).attrs(attributes).build().map_err(broken)?;
        let flags = match answer {
            Answer::OnFailure => NlmF::REQUEST,
            Answer::Always => NlmF::REQUEST | NlmF::ACK,
            Answer::Dump => NlmF::REQUEST | NlmF::DUMP,
        };
        let message = NlmsghdrBuilder::default()
            .nl_type(family)
            .nl_flags(flags)
            .nl_seq(sequence)
            .nl_payload(NlPayload::Payload(payload))
            .build()
            .map_err(broken)?;
        let mut bytes = Cursor::new(std::mem::take(to));
        bytes.set_position(u64::try_from(bytes.get_ref().len()).map_err(broken)?);
        let written = message.to_bytes(&mut bytes).map_err(broken);
        *to = bytes.into_inner();
        written
    }
}

const fn state(state: State) -> u32 {
    match state {
        State::Master => 1,
        State::Backup => 2,
    }
}

const fn family(family: Family) -> u16 {
    match family {
        Family::V4 => n::INET,
        Family::V6 => n::INET6,
    }
}

/// IPPROTO_*
pub(super) const fn protocol(protocol: Protocol) -> u16 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Sctp => 132,
    }
}

/// An address takes 16 bytes, whatever its family.
fn address(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V6(address) => address.octets(),
        IpAddr::V4(address) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&address.octets());
            bytes
        }
    }
}

fn service_key(key: ServiceKey) -> io::Result<Vec<Attribute>> {
    let mut attributes = vec![attribute(n::service::FAMILY, family(key.family()))?];
    match key {
        ServiceKey::Mark { mark, .. } => attributes.push(attribute(n::service::MARK, mark.get())?),
        ServiceKey::Address { protocol: which, address: at, port } => {
            attributes.push(attribute(n::service::PROTOCOL, protocol(which))?);
            attributes.push(attribute(n::service::ADDRESS, address(at))?);
            attributes.push(attribute(n::service::PORT, port.to_be_bytes())?);
        }
    }
    Ok(attributes)
}

fn service_settings(family: Family, settings: &Settings) -> io::Result<Vec<Attribute>> {
    let Settings { scheduler, flags: SchedulerFlags { first, second, third }, one_packet, persistence } = settings;
    let mut flags = 0;
    for (set, flag) in [(*first, n::FIRST), (*second, n::SECOND), (*third, n::THIRD), (*one_packet, n::ONE_PACKET)] {
        flags |= if set { flag } else { 0 };
    }
    flags |= if persistence.is_some() { n::PERSISTENT } else { 0 };
    // All flags are said, whatever they were before.
    let mut flags = flags.to_ne_bytes().to_vec();
    flags.extend([0xff; 4]);

    let mut attributes = vec![text(n::service::SCHEDULER, scheduler.name())?];
    if let Some(engine) = persistence.as_ref().and_then(|persistence| persistence.engine.as_deref()) {
        attributes.push(text(n::service::ENGINE, engine)?);
    }
    attributes.push(attribute(n::service::FLAGS, Buffer::from(flags))?);
    let timeout = persistence.as_ref().map_or(0, |persistence| persistence.timeout.as_secs());
    attributes.push(attribute(n::service::TIMEOUT, u32::try_from(timeout).unwrap_or(u32::MAX))?);
    let granularity = persistence.as_ref().and_then(|persistence| persistence.granularity);
    attributes.push(attribute(n::service::NETMASK, netmask(family, granularity))?);
    Ok(attributes)
}

pub(super) fn mask(length: u8) -> Ipv4Addr {
    let bits = u32::from(length).min(32);
    Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - bits).unwrap_or(0))
}

/// As the kernel has it in memory: of IPv4 a mask, of IPv6 a number of bits.
fn netmask(family: Family, granularity: Option<Granularity>) -> [u8; 4] {
    match (family, granularity) {
        (Family::V4, None) => [0xff; 4],
        (Family::V4, Some(Granularity::Mask(mask))) => mask.octets(),
        (Family::V4, Some(Granularity::Prefix(length))) => mask(length).octets(),
        (Family::V6, Some(Granularity::Prefix(length))) => u32::from(length).to_ne_bytes(),
        (Family::V6, None) => 128_u32.to_ne_bytes(),
        (Family::V6, Some(Granularity::Mask(mask))) => mask.to_bits().count_ones().to_ne_bytes(),
    }
}

fn dest_key(key: DestKey) -> io::Result<Vec<Attribute>> {
    Ok(vec![
        attribute(n::dest::FAMILY, family(Family::of(key.address)))?,
        attribute(n::dest::ADDRESS, address(key.address))?,
        attribute(n::dest::PORT, key.port.to_be_bytes())?,
    ])
}

fn dest_attributes(dest: &Dest) -> io::Result<Vec<Attribute>> {
    let method = match dest.forwarding {
        Forwarding::Nat => n::NAT,
        Forwarding::DirectRoute => n::DIRECT_ROUTE,
        Forwarding::Tunnel(_) => n::TUNNEL,
    };
    let mut attributes = dest_key(dest.key)?;
    attributes.push(attribute(n::dest::FORWARDING, method)?);
    attributes.push(attribute(n::dest::WEIGHT, dest.weight)?);
    if let Forwarding::Tunnel(tunnel) = dest.forwarding {
        let (kind, port, checksum) = match tunnel {
            Tunnel::Ipip => (n::IPIP, None, None),
            Tunnel::Gue { port, checksum } => (n::GUE, Some(port), Some(checksum)),
            Tunnel::Gre { checksum } => (n::GRE, None, Some(checksum)),
        };
        attributes.push(attribute(n::dest::TUNNEL_TYPE, kind)?);
        if let Some(port) = port {
            attributes.push(attribute(n::dest::TUNNEL_PORT, port.get().to_be_bytes())?);
        }
        if let Some(checksum) = checksum {
            attributes.push(attribute(n::dest::TUNNEL_FLAGS, tunnel_flags(checksum))?);
        }
    }
    attributes.push(attribute(n::dest::UPPER, dest.upper_threshold)?);
    attributes.push(attribute(n::dest::LOWER, dest.lower_threshold)?);
    Ok(attributes)
}

const fn tunnel_flags(checksum: Checksum) -> u16 {
    match checksum {
        Checksum::None => 0,
        Checksum::Usual => 1,
        Checksum::Remote => 2,
    }
}
