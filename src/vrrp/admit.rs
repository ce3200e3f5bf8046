//! Which adverts count. The checks come in keepalived's order, since each has its own counter.

use super::auth::{self, Memory};
use super::stats::Stats;
use crate::effect::notice::{Refusal, Why};
use crate::effect::packet::Datagram;
use crate::model::net::Family;
use crate::model::vrrp::{Auth, Instance, OldChecksum, Password, Transport, Version};
use crate::wire::trailer;
use crate::wire::vrrp::{ADVERTISEMENT, Packet, Sum};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

/// An advert that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) source: IpAddr,
    /// Zero says goodbye.
    pub(super) priority: u8,
    /// What version 3 says of its own interval; version 2 has ours.
    pub(super) interval: Duration,
}

/// What is said of an advert, once each until the master changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Remark {
    Length,
    Ttl,
    Version,
    AuthType,
    Password,
    Interval,
    Kind,
    Checksum,
    Destination,
    NotAPeer,
    PeerTtl,
    OtherInterval,
    OtherAddresses,
    OwnerIgnores,
    /// Of the authentication header.
    Next,
    Seal,
    Repeated,
    /// Of the trailer.
    Unsigned,
    TakenUnsigned,
    Malformed,
    Stale,
    UnknownKey,
    Forged,
    Replayed,
    Skewed,
}

impl Remark {
    /// What others than the log are told of it. `invalid` is whether there is no such type of authentication.
    pub(super) fn refusal(self, invalid: bool, instance: &str, source: IpAddr) -> Option<Refusal> {
        let why = match self {
            Self::Ttl | Self::PeerTtl => Why::Ttl,
            Self::Version => Why::Version,
            Self::Checksum => Why::Checksum,
            Self::AuthType if invalid => Why::AuthType,
            Self::AuthType => Why::AuthMismatch,
            Self::Password | Self::Seal | Self::Repeated | Self::Unsigned | Self::Forged | Self::Replayed => Why::AuthFailure,
            Self::Stale | Self::UnknownKey | Self::Malformed => Why::AuthFailure,
            Self::Length
            | Self::Interval
            | Self::Kind
            | Self::Destination
            | Self::NotAPeer
            | Self::OtherInterval
            | Self::OtherAddresses
            | Self::OwnerIgnores
            | Self::Next
            | Self::TakenUnsigned
            | Self::Skewed => return None,
        };
        Some(Refusal { instance: instance.into(), source, why })
    }
}

/// What is to be done with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) heard: Option<Heard>,
    pub(super) remark: Option<Remark>,
    /// A peer makes its checksums with the multicast group.
    pub(super) old_checksum: bool,
}

const fn refused(remark: Remark) -> Verdict {
    Verdict { heard: None, remark: Some(remark), old_checksum: false }
}

/// What the checks need to know besides the configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances {
    pub(super) effective: u8,
    /// Whose address list was found right and need not be looked at again.
    pub(super) trusted: Option<IpAddr>,
    pub(super) group: IpAddr,
    /// The time of day.
    pub(super) utc: Duration,
    /// Our own address.
    pub(super) own: Option<IpAddr>,
}

pub(super) fn admit(conf: &Instance, now: Circumstances, datagram: &Datagram<'_>, memory: &mut Memory, stats: &mut Stats) -> Verdict {
    let v6 = conf.family == Family::V6;
    let Some(packet) = Packet::new(datagram.payload) else {
        stats.packet_errors.length += 1;
        return refused(Remark::Length);
    };
    let length = datagram.payload.len();
    // With keepalived the kernel does this for IPv6, so nothing else is ever counted of such a packet.
    if v6 && !packet.sums_up(Sum::Pseudo { source: datagram.source, destination: datagram.destination }, length) {
        return refused(Remark::Checksum);
    }
    let expected = packet.expected_length(v6);
    let trailed = matches!(conf.auth, Auth::Hmac(_)) && length == expected + trailer::LENGTH;
    if length != expected && !trailed {
        stats.packet_errors.length += 1;
        return refused(Remark::Length);
    }
    let multicast = matches!(conf.transport, Transport::Multicast { .. });
    if multicast && datagram.ttl != u8::MAX {
        stats.packet_errors.ttl += 1;
        return refused(Remark::Ttl);
    }
    if packet.version() != conf.version.number() {
        return refused(Remark::Version);
    }
    let mut remark = None;
    if let Auth::Hmac(hmac) = &conf.auth {
        let now = auth::Circumstances { transport: &conf.transport, utc: now.utc, own: now.own };
        match memory.trailer.check(hmac, now, datagram, expected, &mut stats.auth_extension_errors) {
            Ok(noted) => remark = noted,
            Err(remark) => return refused(remark),
        }
    }
    if conf.version == Version::V2
        && let Err(remark) = version_2(conf, &packet, now.own, datagram, memory, stats)
    {
        return refused(remark);
    }
    if packet.kind() != ADVERTISEMENT {
        stats.packet_errors.invalid_type += 1;
        return refused(Remark::Kind);
    }
    let Some(old_checksum) = checksum(conf, &packet, datagram, now.group, expected) else { return refused(Remark::Checksum) };
    if datagram.destination.is_multicast() != multicast {
        stats.packet_errors.address_list += 1;
        return refused(Remark::Destination);
    }
    if conf.owner_ignore_adverts && now.effective == u8::MAX {
        return refused(Remark::OwnerIgnores);
    }
    stats.adverts.received += 1;
    let checked = conf.skip_check_adv_addr && now.trusted == Some(datagram.source);
    if !checked && !same_addresses(conf, &packet, v6) {
        stats.packet_errors.address_list += 1;
        remark = Some(Remark::OtherAddresses);
    }
    if let Some(verdict) = peer(conf, datagram, stats) {
        return verdict;
    }
    if packet.priority() == 0 {
        stats.priority_zero.received += 1;
    }
    let interval = match conf.version {
        Version::V2 => conf.advert_interval,
        Version::V3 => Duration::from_millis(u64::from(packet.interval_centis()) * 10),
    };
    if remark.is_none() && interval != conf.advert_interval {
        remark = Some(Remark::OtherInterval);
    }
    let heard = Some(Heard { source: datagram.source, priority: packet.priority(), interval });
    Verdict { heard, remark, old_checksum }
}

/// The authentication and the interval of version 2, which all routers share (RFC 3768 7.1).
fn version_2(
    conf: &Instance,
    packet: &Packet<'_>,
    own: Option<IpAddr>,
    datagram: &Datagram<'_>,
    memory: &mut Memory,
    stats: &mut Stats,
) -> Result<(), Remark> {
    let kind = match &conf.auth {
        Auth::None | Auth::Hmac(_) => 0,
        Auth::Pass(_) => 1,
        Auth::Ah(_) => 2,
    };
    if packet.auth_type() > 2 {
        stats.auth_errors.invalid_type += 1;
        return Err(Remark::AuthType);
    }
    if packet.auth_type() != kind {
        stats.auth_errors.type_mismatch += 1;
        return Err(Remark::AuthType);
    }
    let in_clear = |password: &Password| packet.auth().is_some_and(|theirs| same(&theirs, &password.wire()));
    match &conf.auth {
        Auth::None | Auth::Hmac(_) => {}
        Auth::Pass(password) if conf.family == Family::V6 || in_clear(password) => {}
        Auth::Pass(_) => {
            stats.auth_errors.failure += 1;
            return Err(Remark::Password);
        }
        Auth::Ah(password) => memory.ah.check(password, own, datagram, &mut stats.auth_errors)?,
    }
    // keepalived's counter "Advertisement Interval" never moves, and its readers expect it so.
    if Duration::from_secs(packet.interval_seconds().into()) != conf.advert_interval {
        return Err(Remark::Interval);
    }
    Ok(())
}

/// In a time that does not depend on where they differ.
fn same(a: &[u8; Password::LENGTH], b: &[u8; Password::LENGTH]) -> bool {
    a.iter().zip(b).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

/// None if it is wrong; otherwise whether it is the form of old releases, which put the multicast group into the pseudo header
/// of unicast adverts. Version 3 over IPv4 is also taken without any pseudo header, as some routers send it.
fn checksum(conf: &Instance, packet: &Packet<'_>, datagram: &Datagram<'_>, group: IpAddr, length: usize) -> Option<bool> {
    let plain = || packet.sums_up(Sum::Plain, length);
    let pseudo = |destination| packet.sums_up(Sum::Pseudo { source: datagram.source, destination }, length);
    match (conf.version, conf.family) {
        (Version::V2, Family::V4) => plain().then_some(false),
        // Seen to already.
        (Version::V2 | Version::V3, Family::V6) => Some(false),
        (Version::V3, Family::V4) if pseudo(datagram.destination) => Some(false),
        (Version::V3, Family::V4) => match &conf.transport {
            Transport::Unicast { old_checksum: OldChecksum::Follow | OldChecksum::Always, .. } if pseudo(group) => Some(true),
            Transport::Unicast { .. } | Transport::Multicast { .. } => plain().then_some(false),
        },
    }
}

fn same_addresses(conf: &Instance, packet: &Packet<'_>, v6: bool) -> bool {
    if usize::from(packet.count()) != conf.vips.len() {
        return false;
    }
    // The usual case is the same list in the same order.
    let mine = || conf.vips.iter().map(|vip| vip.prefix.address);
    mine().eq(packet.addresses(v6)) || mine().collect::<BTreeSet<_>>() == packet.addresses(v6).collect::<BTreeSet<_>>()
}

fn peer(conf: &Instance, datagram: &Datagram<'_>, stats: &mut Stats) -> Option<Verdict> {
    let Transport::Unicast { peers, check_source: true, .. } = &conf.transport else { return None };
    let Some(peer) = peers.iter().find(|peer| peer.address == datagram.source) else {
        return Some(refused(Remark::NotAPeer));
    };
    if !(peer.min_ttl..=peer.max_ttl).contains(&datagram.ttl) {
        stats.packet_errors.ttl += 1;
        return Some(refused(Remark::PeerTtl));
    }
    None
}
