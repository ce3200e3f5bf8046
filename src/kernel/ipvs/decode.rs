//! What the kernel says to us.
//!
//! neli writes our messages and does not read the kernel's: it subtracts lengths that it has not compared.

use super::client::Timeouts;
use super::message::{number as n, protocol};
use crate::effect::ipvs::{Dest, DestKey, DestTraffic, ServiceKey, Settings, Traffic};
use crate::model::lvs::{Checksum, Forwarding, Granularity, Persistence, Protocol, Scheduler, SchedulerFlags, Tunnel};
use crate::model::net::Family;
use nix::errno::Errno;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

const HEADER: usize = 16;
const GENERIC_HEADER: usize = 4;
const ERROR: u16 = 2;
const DONE: u16 = 3;

/// A service as the kernel has it. Settings that we have no words for, such as a scheduler that nobody can configure, are
/// absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SeenService {
    pub(super) key: ServiceKey,
    pub(super) settings: Option<Settings>,
}

/// The weight of a destination that the kernel has with something that we have no words for. Nobody can want it, so the
/// destination differs from any that is wanted.
pub(super) const ODD_WEIGHT: u32 = u32::MAX;

/// One message of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub(super) sequence: u32,
    pub(super) content: Content<'a>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Content<'a> {
    /// An answer, or one item of many.
    Item(Attributes<'a>),
    /// The command was carried out, or there are no more items.
    End,
    Refused(Errno),
}

/// The messages of a packet, up to the first that makes no sense.
pub(super) fn messages(mut packet: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = usize::try_from(u32_at(packet, 0)?).ok()?;
        let (kind, sequence) = (u16_at(packet, 4)?, u32_at(packet, 8)?);
        let payload = packet.get(HEADER..length)?;
        packet = packet.get(length.next_multiple_of(4)..).unwrap_or_default();
        let status = |payload| u32_at(payload, 0).map_or(0, |code| code.cast_signed().saturating_neg());
        let content = match kind {
            ERROR | DONE => match status(payload) {
                0 => Content::End,
                code => Content::Refused(Errno::from_raw(code)),
            },
            _ => Content::Item(Attributes(payload.get(GENERIC_HEADER..)?)),
        };
        Some(Message { sequence, content })
    })
}

/// A row of attributes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes<'a>(pub(super) &'a [u8]);

impl<'a> Attributes<'a> {
    /// Up to the first that makes no sense.
    fn iter(self) -> impl Iterator<Item = (u16, &'a [u8])> {
        const FLAGS: u16 = 0b11 << 14;
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let length = usize::from(u16_at(rest, 0)?);
            let kind = u16_at(rest, 2)? & !FLAGS;
            let payload = rest.get(4..length)?;
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
            Some((kind, payload))
        })
    }

    fn find(self, wanted: u16) -> Option<&'a [u8]> {
        self.iter().find(|&(kind, _)| kind == wanted).map(|(_, payload)| payload)
    }

    fn nested(self, wanted: u16) -> Option<Self> {
        self.find(wanted).map(Self)
    }

    fn u16(self, wanted: u16) -> Option<u16> {
        u16_at(self.find(wanted)?, 0)
    }

    fn u32(self, wanted: u16) -> Option<u32> {
        u32_at(self.find(wanted)?, 0)
    }

    fn port(self, wanted: u16) -> Option<u16> {
        self.u16(wanted).map(u16::from_be)
    }

    fn text(self, wanted: u16) -> Option<&'a str> {
        let bytes = self.find(wanted)?;
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        str::from_utf8(bytes.get(..end)?).ok()
    }

    pub(super) fn family_id(self) -> Option<u16> {
        self.u16(n::FAMILY_ID)
    }

    pub(super) fn timeouts(self) -> Option<Timeouts> {
        Some(Timeouts { tcp: self.u32(n::TIMEOUT_TCP)?, tcp_fin: self.u32(n::TIMEOUT_TCP_FIN)?, udp: self.u32(n::TIMEOUT_UDP)? })
    }

    pub(super) fn service(self) -> Option<SeenService> {
        let attributes = self.nested(n::SERVICE)?;
        let family = family(attributes.u16(n::service::FAMILY)?)?;
        let key = match attributes.u32(n::service::MARK) {
            Some(mark) => ServiceKey::Mark { family, mark: NonZeroU32::new(mark)? },
            None => {
                let number = attributes.u16(n::service::PROTOCOL)?;
                let protocol = Protocol::ALL.into_iter().find(|&known| protocol(known) == number)?;
                let address = address(family, attributes.find(n::service::ADDRESS)?)?;
                ServiceKey::Address { protocol, address, port: attributes.port(n::service::PORT)? }
            }
        };
        Some(SeenService { key, settings: attributes.settings(family) })
    }

    fn settings(self, family: Family) -> Option<Settings> {
        let name = self.text(n::service::SCHEDULER)?;
        let scheduler = Scheduler::ALL.into_iter().find(|scheduler| scheduler.name() == name)?;
        let flags = self.u32(n::service::FLAGS)?;
        let has = |flag: u32| flags & flag != 0;
        let persistence = if has(n::PERSISTENT) {
            Some(Persistence {
                timeout: Duration::from_secs(self.u32(n::service::TIMEOUT)?.into()),
                granularity: granularity(family, self.find(n::service::NETMASK)?),
                engine: self.text(n::service::ENGINE).filter(|name| !name.is_empty()).map(Into::into),
            })
        } else {
            None
        };
        let flags = SchedulerFlags { first: has(n::FIRST), second: has(n::SECOND), third: has(n::THIRD) };
        Some(Settings { scheduler, flags, one_packet: has(n::ONE_PACKET), persistence })
    }

    /// Kernels before 3.18 tell no family: it is the service's.
    pub(super) fn dest(self, service: Family) -> Option<Dest> {
        let attributes = self.nested(n::DEST)?;
        let family = attributes.u16(n::dest::FAMILY).map_or(Some(service), family)?;
        let key = DestKey { address: address(family, attributes.find(n::dest::ADDRESS)?)?, port: attributes.port(n::dest::PORT)? };
        let number = |kind| attributes.u32(kind).unwrap_or(0);
        let (upper_threshold, lower_threshold) = (number(n::dest::UPPER), number(n::dest::LOWER));
        let (forwarding, weight) = match attributes.forwarding() {
            Some(forwarding) => (forwarding, number(n::dest::WEIGHT)),
            None => (Forwarding::Nat, ODD_WEIGHT),
        };
        Some(Dest { key, forwarding, weight, upper_threshold, lower_threshold })
    }

    /// A service with what was counted for it.
    pub(super) fn service_traffic(self) -> Option<(ServiceKey, Traffic)> {
        let attributes = self.nested(n::SERVICE)?;
        Some((self.service()?.key, attributes.traffic(n::service::STATS_64, n::service::STATS)))
    }

    pub(super) fn dest_traffic(self, service: Family) -> Option<(DestKey, DestTraffic)> {
        let attributes = self.nested(n::DEST)?;
        let number = |kind| attributes.u32(kind).unwrap_or(0);
        let traffic = DestTraffic {
            traffic: attributes.traffic(n::dest::STATS_64, n::dest::STATS),
            active: number(n::dest::ACTIVE),
            inactive: number(n::dest::INACTIVE),
            persistent: number(n::dest::PERSISTENT),
        };
        Some((self.dest(service)?.key, traffic))
    }

    /// The long numbers, or the short ones of a kernel before 4.1.
    fn traffic(self, long: u16, short: u16) -> Traffic {
        let Some(attributes) = self.nested(long).or_else(|| self.nested(short)) else { return Traffic::default() };
        let number = |kind| {
            let bytes = attributes.find(kind).unwrap_or_default();
            match <[u8; 8]>::try_from(bytes) {
                Ok(bytes) => u64::from_ne_bytes(bytes),
                Err(_) => u32_at(bytes, 0).map_or(0, u64::from),
            }
        };
        Traffic {
            connections: number(1),
            packets: [number(2), number(3)],
            bytes: [number(4), number(5)],
            connections_per_second: number(6),
            packets_per_second: [number(7), number(8)],
            bytes_per_second: [number(9), number(10)],
        }
    }

    fn forwarding(self) -> Option<Forwarding> {
        let checksum = || match self.u16(n::dest::TUNNEL_FLAGS).unwrap_or(0) {
            0 => Some(Checksum::None),
            1 => Some(Checksum::Usual),
            2 => Some(Checksum::Remote),
            _ => None,
        };
        match self.u32(n::dest::FORWARDING)? & n::FORWARDING_MASK {
            n::NAT => Some(Forwarding::Nat),
            n::DIRECT_ROUTE => Some(Forwarding::DirectRoute),
            n::TUNNEL => match self.find(n::dest::TUNNEL_TYPE).and_then(|kind| kind.first().copied()).unwrap_or(n::IPIP) {
                n::IPIP => Some(Forwarding::Tunnel(Tunnel::Ipip)),
                n::GUE => {
                    let port = NonZeroU16::new(self.port(n::dest::TUNNEL_PORT)?)?;
                    Some(Forwarding::Tunnel(Tunnel::Gue { port, checksum: checksum()? }))
                }
                n::GRE => Some(Forwarding::Tunnel(Tunnel::Gre { checksum: checksum()? })),
                _ => None,
            },
            _ => None,
        }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

const fn family(number: u16) -> Option<Family> {
    match number {
        n::INET => Some(Family::V4),
        n::INET6 => Some(Family::V6),
        _ => None,
    }
}

fn address(family: Family, bytes: &[u8]) -> Option<IpAddr> {
    match family {
        Family::V4 => Some(Ipv4Addr::from(*bytes.first_chunk::<4>()?).into()),
        Family::V6 => Some(Ipv6Addr::from(*bytes.first_chunk::<16>()?).into()),
    }
}

/// The one under which each client stands alone is none.
fn granularity(family: Family, bytes: &[u8]) -> Option<Granularity> {
    match family {
        Family::V4 => {
            let mask = Ipv4Addr::from(*bytes.first_chunk::<4>()?);
            (mask != Ipv4Addr::BROADCAST).then_some(Granularity::Mask(mask))
        }
        Family::V6 => {
            let length = u8::try_from(u32_at(bytes, 0)?).ok()?;
            (length < 128).then_some(Granularity::Prefix(length))
        }
    }
}

#[cfg(test)]
mod tests;
