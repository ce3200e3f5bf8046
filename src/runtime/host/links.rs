//! The network interfaces of our namespace, by one netlink dump: sysfs would show those of the namespace it was mounted in.

use crate::config::host::Interface;
use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};
use std::collections::HashMap;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
/// NLM_F_REQUEST and NLM_F_DUMP.
const REQUEST_DUMP: u16 = 0x301;
const HEADER: usize = 16;
const LINK_HEADER: usize = 16;

const IFF_LOOPBACK: u32 = 8;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_VRF_TABLE: u16 = 1;
/// The flags beside an attribute's type.
const NLA_TYPE: u16 = 0x3fff;

/// The interfaces of a network namespace, or of ours.
pub(super) fn of(namespace: Option<&Path>) -> std::io::Result<HashMap<String, Interface>> {
    let Some(path) = namespace else { return Ok(all()?) };
    let namespace = File::open(path)?;
    // A thread of its own goes there: no other thread shall find itself somewhere else.
    std::thread::scope(|scope| {
        let there = scope.spawn(|| {
            setns(namespace, CloneFlags::CLONE_NEWNET)?;
            all()
        });
        Ok(there.join().map_err(|_| std::io::Error::other("the thread ended early"))??)
    })
}

fn all() -> nix::Result<HashMap<String, Interface>> {
    let netlink = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
    let mut request = [0_u8; HEADER + LINK_HEADER];
    request[..4].copy_from_slice(&32_u32.to_ne_bytes());
    request[4..6].copy_from_slice(&RTM_GETLINK.to_ne_bytes());
    request[6..8].copy_from_slice(&REQUEST_DUMP.to_ne_bytes());
    send(netlink.as_raw_fd(), &request, MsgFlags::empty())?;

    let mut links = HashMap::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = recv(netlink.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        if length == 0 || take(&buffer[..length], &mut links) {
            return Ok(links);
        }
    }
}

/// Takes the interfaces out of one packet of messages; true when it was the last.
fn take(mut packet: &[u8], links: &mut HashMap<String, Interface>) -> bool {
    while let (Some(length), Some(kind)) = (u32_at(packet, 0), u16_at(packet, 4)) {
        let Some(length) = usize::try_from(length).ok().filter(|&length| length >= HEADER) else {
            return true;
        };
        match kind {
            NLMSG_DONE | NLMSG_ERROR => return true,
            RTM_NEWLINK => links.extend(packet.get(HEADER..length).and_then(link)),
            _ => {}
        }
        packet = packet.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    false
}

fn link(body: &[u8]) -> Option<(String, Interface)> {
    let loopback = u32_at(body, 8)? & IFF_LOOPBACK != 0;
    let (mut name, mut mtu, mut stacked, mut vrf_table) = (None, 0, false, None);
    for (kind, value) in attributes(body.get(LINK_HEADER..)?) {
        match kind {
            IFLA_IFNAME => name = Some(text(value)),
            IFLA_MTU => mtu = u32_at(value, 0)?,
            IFLA_LINKINFO => {
                let part = |wanted| attributes(value).find(|&(kind, _)| kind == wanted).map(|(_, value)| value);
                let kind = part(IFLA_INFO_KIND).map(text).unwrap_or_default();
                stacked = matches!(&*kind, "macvlan" | "ipvlan");
                if kind == "vrf" {
                    let mut data = attributes(part(IFLA_INFO_DATA).unwrap_or_default());
                    vrf_table = data.find(|&(kind, _)| kind == IFLA_VRF_TABLE).and_then(|(_, table)| u32_at(table, 0));
                }
            }
            _ => {}
        }
    }
    Some((name?, Interface { loopback, mtu, stacked, vrf_table }))
}

fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(rest, 0)?);
        let kind = u16_at(rest, 2)? & NLA_TYPE;
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

fn text(value: &[u8]) -> String {
    let end = value.iter().position(|&b| b == 0).unwrap_or(value.len());
    String::from_utf8_lossy(&value[..end]).into_owned()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + value.len()).expect("short");
        let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEADER + body.len()).expect("short");
        [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &[0; 10], body].concat()
    }

    fn link_message(name: &str, flags: u32, kind: Option<&str>) -> Vec<u8> {
        let data = attribute(IFLA_INFO_DATA, &attribute(IFLA_VRF_TABLE, &77_u32.to_ne_bytes()));
        let mut body = [&[0; 8][..], &flags.to_ne_bytes(), &[0; 4]].concat();
        body.extend(attribute(IFLA_IFNAME, format!("{name}\0").as_bytes()));
        body.extend(attribute(IFLA_MTU, &1400_u32.to_ne_bytes()));
        if let Some(kind) = kind {
            let info = [attribute(IFLA_INFO_KIND, kind.as_bytes()), data].concat();
            body.extend(attribute(IFLA_LINKINFO | 0x8000, &info));
        }
        message(RTM_NEWLINK, &body)
    }

    #[test]
    fn a_dump_becomes_interfaces() {
        let mut links = HashMap::new();
        let packet = [link_message("lo", 9, None), link_message("vrrp.5", 1, Some("macvlan"))].concat();
        assert!(!take(&packet, &mut links));
        assert!(!take(&link_message("blue", 1, Some("vrf")), &mut links));
        assert!(take(&[link_message("eth0", 1, Some("veth")), message(NLMSG_DONE, &[0; 4])].concat(), &mut links));
        let link = |loopback, stacked, vrf_table| Interface { loopback, mtu: 1400, stacked, vrf_table };
        let want = [
            ("lo", link(true, false, None)),
            ("vrrp.5", link(false, true, None)),
            ("eth0", link(false, false, None)),
            ("blue", link(false, false, Some(77))),
        ];
        assert_eq!(links, want.map(|(name, link)| (name.to_owned(), link)).into());
    }

    proptest! {
        #[test]
        fn whatever_arrives_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0..200_usize) {
            take(&bytes, &mut HashMap::new());
            let packet = link_message("eth0", 1, Some("veth"));
            take(&packet[..cut.min(packet.len())], &mut HashMap::new());
        }
    }
}
