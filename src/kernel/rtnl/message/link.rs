//! Interfaces that we make.

use super::Request;
use crate::effect::device::{Knob, NewDevice, Upper};
use crate::effect::net::{Device, Mac};
use crate::model::vrrp::IpvlanMode;
use netlink_packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoIpVlan, InfoKind, InfoMacVlan, IpVlanFlags, IpVlanMode, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, MacVlanMode,
};

const AF_SPEC: u16 = 26;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
/// `IFLA_INET_CONF` and `IFLA_INET6_ADDR_GEN_MODE`.
const INET_CONF: u16 = 1;
const ADDRESS_GENERATION: u16 = 8;
const NO_ADDRESSES: u8 = 1;

pub(in crate::kernel) fn creation(new: &NewDevice) -> Request {
    let mut message = LinkMessage::default();
    let attributes = &mut message.attributes;
    attributes.push(LinkAttribute::IfName(new.name.to_string()));
    attributes.push(LinkAttribute::Link(new.parent.0));
    attributes.extend(new.group.map(LinkAttribute::Group));
    attributes.extend(new.vrf.map(|Device(number)| LinkAttribute::Controller(number)));
    let info = match new.upper {
        Upper::Macvlan(Mac(mac)) => {
            attributes.push(LinkAttribute::Address(mac.to_vec()));
            vec![LinkInfo::Kind(InfoKind::MacVlan), LinkInfo::Data(InfoData::MacVlan(vec![InfoMacVlan::Mode(MacVlanMode::Private)]))]
        }
        Upper::Ipvlan(mode) => {
            let mut data = vec![InfoIpVlan::Mode(IpVlanMode::L2)];
            data.extend(match mode {
                None | Some(IpvlanMode::Bridge) => None,
                Some(IpvlanMode::Private) => Some(InfoIpVlan::Flags(IpVlanFlags::Private)),
                Some(IpvlanMode::Vepa) => Some(InfoIpVlan::Flags(IpVlanFlags::Vepa)),
            });
            vec![LinkInfo::Kind(InfoKind::IpVlan), LinkInfo::Data(InfoData::IpVlan(data))]
        }
    };
    attributes.push(LinkAttribute::LinkInfo(info));
    Request { message: RouteNetlinkMessage::NewLink(message), flags: NLM_F_CREATE | NLM_F_EXCL, removes: false }
}

pub(in crate::kernel) fn deletion(device: Device) -> Request {
    Request { message: RouteNetlinkMessage::DelLink(about(device)), flags: 0, removes: true }
}

/// All that are in a group, which the kernel takes away at one blow.
pub(in crate::kernel) fn deletion_of_group(group: u32) -> Request {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::Group(group));
    Request { message: RouteNetlinkMessage::DelLink(message), flags: 0, removes: true }
}

pub(in crate::kernel) fn up(device: Device) -> Request {
    let mut message = about(device);
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    change(message)
}

/// Without an address that the kernel makes up.
pub(in crate::kernel) fn without_addresses(device: Device) -> Request {
    let mode = attribute(ADDRESS_GENERATION, &[NO_ADDRESSES]);
    family_settings(device, AF_INET6, &mode)
}

pub(in crate::kernel) fn group(device: Device, group: u32) -> Request {
    let mut message = about(device);
    message.attributes.push(LinkAttribute::Group(group));
    change(message)
}

/// None: the interface of its own again.
pub(in crate::kernel) fn vrf(device: Device, vrf: Option<Device>) -> Request {
    let mut message = about(device);
    message.attributes.push(LinkAttribute::Controller(vrf.map_or(0, |Device(number)| number)));
    change(message)
}

/// A setting that netlink can change; not all of them.
pub(in crate::kernel) fn setting(device: Device, knob: Knob, value: u32) -> Option<Request> {
    let number = match knob {
        Knob::ReversePath => 8,
        Knob::ArpFilter => 13,
        Knob::ArpIgnore => 19,
        Knob::PromoteSecondaries => 20,
        Knob::AcceptLocal => 23,
        Knob::DisableIpv6 | Knob::LinkLocalReports => return None,
    };
    let values = attribute(INET_CONF, &attribute(number, &value.to_ne_bytes()));
    Some(family_settings(device, AF_INET, &values))
}

fn family_settings(device: Device, family: u16, settings: &[u8]) -> Request {
    let mut message = about(device);
    message.attributes.push(LinkAttribute::Other(DefaultNla::new(AF_SPEC, attribute(family, settings))));
    change(message)
}

fn about(device: Device) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = device.0;
    message
}

const fn change(message: LinkMessage) -> Request {
    Request { message: RouteNetlinkMessage::SetLink(message), flags: 0, removes: false }
}

/// With its header, and padded.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = value.len() + 4;
    let mut bytes = u16::try_from(length).unwrap_or(u16::MAX).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(length.next_multiple_of(4), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_an_attribute_in_an_attribute() {
        let Some(Request { message: RouteNetlinkMessage::SetLink(message), .. }) = setting(Device(7), Knob::ArpIgnore, 1) else {
            unreachable!("it is one that netlink can change")
        };
        assert_eq!(message.header.index, 7);
        let nested = [12_u16.to_ne_bytes(), 1_u16.to_ne_bytes(), 8_u16.to_ne_bytes(), 19_u16.to_ne_bytes()].concat();
        let value = [&16_u16.to_ne_bytes()[..], &2_u16.to_ne_bytes(), &nested, &1_u32.to_ne_bytes()].concat();
        assert_eq!(message.attributes, [LinkAttribute::Other(DefaultNla::new(26, value))]);
        assert!(setting(Device(7), Knob::DisableIpv6, 1).is_none());
    }
}
