//! Messages of the kernel into our words.

mod route;

pub use route::Seen;
pub(super) use route::route;

use super::message::Resolve;
use crate::effect::delta::Identity;
use crate::effect::device::Kind;
use crate::effect::net::{Device, Infiniband, Link, Local, Mac, Placed};
use crate::model::net::address::Lifetime;
use crate::model::net::rule::{Action, Mark};
use crate::model::net::{Address, Family, Prefix, Realms, Rule, Scope};
use netlink_packet_core::{NlaBuffer, NlasIterator, Parseable};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use netlink_packet_route::link::{LinkFlags, LinkHeader, LinkLayerType};
use netlink_packet_route::route::RouteRealm;
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleFlags, RuleMessage};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

pub(super) const RTM_NEWLINK: u16 = 16;
pub(super) const RTM_DELLINK: u16 = 17;
pub(super) const RTM_GETLINK: u16 = 18;
pub(super) const RTM_NEWADDR: u16 = 20;
pub(super) const RTM_DELADDR: u16 = 21;
pub(super) const RTM_GETADDR: u16 = 22;
pub(super) const RTM_NEWROUTE: u16 = 24;
pub(super) const RTM_DELROUTE: u16 = 25;
pub(super) const RTM_NEWRULE: u16 = 32;
pub(super) const RTM_DELRULE: u16 = 33;

/// What a message of the kernel says of a fact: enough to know ours by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    Address(Placement),
    Route(Box<Seen>),
    Rule(Box<Rule>),
}

/// Without its host bits.
pub(in crate::kernel) fn network(prefix: Prefix) -> Prefix {
    let spare = u32::from(prefix.family().bits().saturating_sub(prefix.length));
    let address = match prefix.address {
        IpAddr::V4(address) => IpAddr::V4((address.to_bits() & u32::MAX.checked_shl(spare).unwrap_or(0)).into()),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & u128::MAX.checked_shl(spare).unwrap_or(0)).into()),
    };
    Prefix { address, length: prefix.length }
}

fn family(family: AddressFamily) -> Option<Family> {
    match family {
        AddressFamily::Inet => Some(Family::V4),
        AddressFamily::Inet6 => Some(Family::V6),
        _ => None,
    }
}

/// Takes only what it needs: the library gives up on a whole link for one attribute that it does not understand.
pub(super) fn link(payload: &[u8]) -> Option<Link> {
    const HEADER: usize = 16;
    const ADDRESS: u16 = 1;
    const BROADCAST: u16 = 2;
    const NAME: u16 = 3;
    const MTU: u16 = 4;
    const PARENT: u16 = 5;
    const MASTER: u16 = 10;
    const INFO: u16 = 18;
    const GROUP: u16 = 27;
    const NETNS_OF_PARENT: u16 = 37;
    let header = LinkHeader::parse(payload).ok()?;
    // A bridge's view of its port.
    if header.interface_family != AddressFamily::Unspec {
        return None;
    }
    let (mut name, mut mac, mut mtu, mut parent, mut elsewhere) = (None, None, 0, None, false);
    let (mut master, mut kind, mut group) = (None, Kind::Plain, 0);
    let (mut wide, mut everybody) = (None, None);
    let number = |value: &[u8]| value.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes));
    for attribute in NlasIterator::new(payload.get(HEADER..)?).map_while(Result::ok) {
        let attribute: NlaBuffer<&[u8]> = attribute;
        let value = attribute.value();
        match attribute.kind() {
            ADDRESS => {
                mac = <[u8; 6]>::try_from(value).ok().map(Mac);
                wide = <[u8; 20]>::try_from(value).ok();
            }
            BROADCAST => everybody = <[u8; 20]>::try_from(value).ok(),
            NAME => name = Some(text(value)),
            MTU => mtu = number(value)?,
            PARENT => parent = number(value).filter(|&parent| parent != 0 && parent != header.index).map(Device),
            MASTER => master = number(value).filter(|&master| master != 0).map(Device),
            INFO => kind = link_kind(value),
            GROUP => group = number(value)?,
            NETNS_OF_PARENT => elsewhere = true,
            _ => {}
        }
    }
    let infiniband = || Some(Box::new(Infiniband { address: wide?, broadcast: everybody? }));
    Some(Link {
        infiniband: (header.link_layer_type == LinkLayerType::Infiniband).then(infiniband).flatten(),
        device: Device(header.index),
        name: name?,
        up: header.flags.contains(LinkFlags::Up | LinkFlags::Running),
        mac,
        mtu,
        no_arp: header.flags.contains(LinkFlags::Noarp),
        // A number that belongs to another namespace means nothing here.
        parent: parent.filter(|_| !elsewhere),
        master,
        kind,
        group,
    })
}

fn link_kind(info: &[u8]) -> Kind {
    const KIND: u16 = 1;
    const DATA: u16 = 2;
    const MODE: u16 = 1;
    const PRIVATE: u32 = 1;
    let Some(kind) = attribute(info, KIND) else { return Kind::Plain };
    match &*text(kind) {
        "macvlan" => {
            let mode = attribute(info, DATA).and_then(|data| attribute(data, MODE)).and_then(<[u8]>::first_chunk);
            let mode = mode.map(|bytes| u32::from_ne_bytes(*bytes));
            Kind::Macvlan { private: mode == Some(PRIVATE) }
        }
        "ipvlan" => Kind::Ipvlan,
        "vlan" => Kind::Vlan,
        "bond" => Kind::Bond,
        "bridge" => Kind::Bridge,
        "vrf" => Kind::Vrf,
        _ => Kind::Plain,
    }
}

fn attribute(bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    const HEADER: usize = 4;
    let mut all = NlasIterator::new(bytes).map_while(Result::<NlaBuffer<&[u8]>, _>::ok);
    let found = all.find(|attribute| attribute.kind() == wanted)?;
    let length = found.value().len();
    found.into_inner().get(HEADER..)?.get(..length)
}

pub(super) fn link_gone(payload: &[u8]) -> Option<Device> {
    let header = LinkHeader::parse(payload).ok()?;
    (header.interface_family == AddressFamily::Unspec).then_some(Device(header.index))
}

pub(super) fn text(value: &[u8]) -> Box<str> {
    let end = value.iter().position(|&byte| byte == 0).unwrap_or(value.len());
    String::from_utf8_lossy(value.get(..end).unwrap_or_default()).into()
}

/// An address as the kernel tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    pub(super) local: Local,
    peer: Option<IpAddr>,
    /// Whether packets can be sent from it.
    pub(super) usable: bool,
    scope: Scope,
    broadcast: Option<Ipv4Addr>,
    label: Option<Box<str>>,
    flags: AddressFlags,
    valid: u32,
    preferred: u32,
}

impl Placement {
    /// Somebody else was found to have it.
    pub(super) const fn is_duplicate(&self) -> bool {
        self.flags.contains(AddressFlags::Dadfailed)
    }

    pub(in crate::kernel) fn identity(&self) -> Identity {
        Identity::address(self.local.device, self.local.prefix, self.peer)
    }

    /// In the words of what is wanted: where the kernel has nothing to say it is as it is wanted.
    pub(in crate::kernel) fn placed(&self, wanted: &Placed, resolve: Resolve<'_>) -> Placed {
        const FOREVER: u32 = u32::MAX;
        let has = |flag: AddressFlags| self.flags.contains(flag);
        let device = self.local.device;
        let mut address = Address {
            prefix: self.local.prefix,
            peer: self.peer,
            preferred: match self.preferred {
                _ if has(AddressFlags::Deprecated) => Lifetime::Seconds(0),
                preferred if preferred >= self.valid => Lifetime::Forever,
                preferred => Lifetime::Seconds(preferred),
            },
            no_prefix_route: has(AddressFlags::Noprefixroute),
            autojoin: has(AddressFlags::Mcautojoin),
            ..wanted.address.clone()
        };
        match self.local.prefix.family() {
            Family::V4 => {
                address.scope = self.scope;
                address.broadcast = self.broadcast;
                // One that has none of its own is labelled with the name of its interface.
                let other = |label: &str| address.label.as_deref() == Some(label) || resolve(label) != Some(device);
                address.label = self.label.clone().filter(|label| other(label));
            }
            Family::V6 => {
                address.detect_duplicates = !has(AddressFlags::Nodad);
                address.home = has(AddressFlags::Homeaddress);
                address.manage_temporary = has(AddressFlags::Managetempaddr);
            }
        }
        Placed { device, address, lease: (self.valid != FOREVER).then(|| Duration::from_secs(self.valid.into())) }
    }
}

impl Key {
    /// Of what one of ours would have to be; a route's cannot be told.
    pub(in crate::kernel) fn identity(&self) -> Option<Identity> {
        match self {
            Self::Address(placement) => Some(placement.identity()),
            Self::Rule(rule) => Some(Identity::Rule(rule.clone())),
            Self::Route(_) => None,
        }
    }
}

pub(super) fn address(payload: &[u8]) -> Option<Placement> {
    let message = AddressMessage::parse(payload).ok()?;
    family(message.header.family)?;
    let (mut local, mut far, mut flags) = (None, None, AddressFlags::from_bits_retain(message.header.flags.bits().into()));
    let (mut broadcast, mut label, mut valid, mut preferred) = (None, None, u32::MAX, u32::MAX);
    for attribute in message.attributes {
        match attribute {
            AddressAttribute::Local(address) => local = Some(address),
            AddressAttribute::Address(address) => far = Some(address),
            AddressAttribute::Flags(all) => flags = all,
            AddressAttribute::Broadcast(address) => broadcast = Some(address),
            AddressAttribute::Label(text) => label = Some(text.into()),
            AddressAttribute::CacheInfo(times) => (valid, preferred) = (times.ifa_valid, times.ifa_preferred),
            _ => {}
        }
    }
    // IPv6 says which is its own only where there is a peer.
    let local = local.or(far)?;
    let peer = far.filter(|&far| far != local);
    // An optimistic address may be used while it is tentative, but not by one that would defend it.
    let usable = !flags.intersects(AddressFlags::Tentative | AddressFlags::Dadfailed);
    let prefix = Prefix { address: local, length: message.header.prefix_len };
    let local = Local { device: Device(message.header.index), prefix };
    let scope = Scope(message.header.scope.into());
    Some(Placement { local, peer, usable, scope, broadcast, label, flags, valid, preferred })
}

pub(super) fn rule(payload: &[u8]) -> Option<Rule> {
    const UNSAID: u32 = u32::MAX;
    let message = RuleMessage::parse(payload).ok()?;
    let header = message.header;
    let action = match header.action {
        RuleAction::ToTable => Action::Table(header.table.into()),
        RuleAction::Goto => Action::Goto(0),
        RuleAction::Nop => Action::Nop,
        RuleAction::Blackhole => Action::Blackhole,
        RuleAction::Unreachable => Action::Unreachable,
        RuleAction::Prohibit => Action::Prohibit,
        _ => return None,
    };
    let mut rule = Rule {
        inverted: header.flags.contains(RuleFlags::Invert),
        tos: header.tos,
        protocol: 0,
        tracked: false,
        ..Rule::new(family(header.family)?, 0, action)
    };
    for attribute in message.attributes {
        match attribute {
            RuleAttribute::Source(address) => rule.from = Some(Prefix { address, length: header.src_len }),
            RuleAttribute::Destination(address) => rule.to = Some(Prefix { address, length: header.dst_len }),
            RuleAttribute::Priority(priority) => rule.priority = priority,
            RuleAttribute::FwMark(value) => rule.mark.get_or_insert(Mark { value: 0, mask: UNSAID }).value = value,
            RuleAttribute::FwMask(mask) => rule.mark.get_or_insert(Mark { value: 0, mask: UNSAID }).mask = mask,
            RuleAttribute::Iifname(name) => rule.input = Some(name.into()),
            RuleAttribute::Oifname(name) => rule.output = Some(name.into()),
            RuleAttribute::UidRange(range) => rule.uids = Some(range.start..=range.end),
            RuleAttribute::IpProtocol(protocol) => rule.ip_protocol = Some(protocol.into()),
            RuleAttribute::SourcePortRange(range) => rule.source_ports = Some(range.start..=range.end),
            RuleAttribute::DestinationPortRange(range) => rule.destination_ports = Some(range.start..=range.end),
            RuleAttribute::TunId(id) => rule.tunnel = Some(id),
            RuleAttribute::Realm(RouteRealm { source, destination }) => {
                rule.realms = Some(Realms { source: u8::try_from(source).ok()?, destination: u8::try_from(destination).ok()? });
            }
            RuleAttribute::SuppressPrefixLen(length) => rule.suppress_length = Some(length).filter(|&length| length != UNSAID),
            RuleAttribute::SuppressIfGroup(group) => rule.suppress_group = Some(group).filter(|&group| group != UNSAID),
            RuleAttribute::Protocol(protocol) => rule.protocol = protocol.into(),
            RuleAttribute::Table(table) => {
                if let Action::Table(said) = &mut rule.action {
                    *said = table;
                }
            }
            RuleAttribute::L3MDev(true) => rule.action = Action::L3mdev,
            RuleAttribute::Goto(target) => {
                if let Action::Goto(said) = &mut rule.action {
                    *said = target;
                }
            }
            _ => {}
        }
    }
    Some(rule)
}

#[cfg(test)]
pub(in crate::kernel) mod testing {
    use super::{AddressFlags, Placement};
    use crate::effect::net::{Local, Placed};
    use crate::model::net::address::Lifetime;

    /// An address as the kernel would tell of it if it had been asked for in these words.
    pub(in crate::kernel) fn placement(placed: &Placed) -> Placement {
        let address = &placed.address;
        let mut flags = AddressFlags::empty();
        flags.set(AddressFlags::Noprefixroute, address.no_prefix_route);
        flags.set(AddressFlags::Nodad, !address.detect_duplicates);
        flags.set(AddressFlags::Deprecated, address.preferred == Lifetime::Seconds(0));
        Placement {
            local: Local { device: placed.device, prefix: address.prefix },
            peer: address.peer,
            usable: true,
            scope: address.scope,
            broadcast: address.broadcast,
            label: address.label.clone(),
            flags,
            valid: placed.lease.map_or(u32::MAX, |lease| u32::try_from(lease.as_secs()).unwrap_or(u32::MAX)),
            preferred: u32::MAX,
        }
    }
}
