//! A glimpse of the kernel's table by netlink, which costs little, and what is said to the kernel about it.

use crate::bench::{Host, pause};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, connect, recv, send, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike as _};
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const CONTROL: u16 = 0x10;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
const GET_DEST: u8 = 8;
const SERVICE: u16 = 1;
const DEST: u16 = 2;
const DEST_WEIGHT: u16 = 4;
/// New, set and delete a service, the same of a destination, and flush: of linux/ip_vs.h.
const COMMANDS_OF_CHANGE: [u8; 7] = [1, 2, 3, 5, 6, 7, 17];
const REQUEST: u16 = 1;
const DUMP: u16 = 0x300;
const NESTED: u16 = 0x8000;
/// Of a netlink message, and with generic netlink's.
const HEAD: usize = 16;
const BOTH_HEADS: usize = 20;
/// The smallest number that is no control message.
const FIRST_TYPE: u16 = 16;

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 4).expect("attributes are short");
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn message(family: u16, flags: u16, command: u8, attributes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(BOTH_HEADS + attributes.len()).expect("messages are short");
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend([family.to_ne_bytes(), (REQUEST | flags).to_ne_bytes()].concat());
    bytes.extend([0; 8]);
    bytes.extend([command, 1, 0, 0]);
    bytes.extend(attributes);
    bytes
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_ne_bytes)
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

/// Attributes by their numbers.
fn attributes(mut bytes: &[u8]) -> Vec<(u16, &[u8])> {
    let mut all = Vec::new();
    while let (Some(length), Some(kind)) = (short(bytes, 0).map(usize::from), short(bytes, 2)) {
        let Some(value) = bytes.get(4..length) else { break };
        all.push((kind & !NESTED, value));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    all
}

/// The messages in a packet.
fn messages(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while let Some(length) = long(bytes, 0).and_then(|length| usize::try_from(length).ok()) {
        let Some(message) = bytes.get(..length).filter(|message| message.len() >= HEAD) else { break };
        all.push(message);
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    all
}

pub(crate) struct Look {
    socket: OwnedFd,
    family: u16,
}

impl Look {
    pub(crate) fn open(host: &Host) -> Self {
        host.sh("modprobe -d /run/modules ip_vs");
        let opened = host.run(|| {
            let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkGeneric)?;
            connect(socket.as_raw_fd(), &NetlinkAddr::new(0, 0)).map(|()| socket)
        });
        let mut look = Self { socket: opened.expect("netlink is there"), family: CONTROL };
        let answer = look.ask(0, GET_FAMILY, &attribute(FAMILY_NAME, b"IPVS\0"));
        let number = attributes(answer.get(BOTH_HEADS..).unwrap_or_default()).into_iter().find(|(kind, _)| *kind == FAMILY_ID);
        look.family = number.and_then(|(_, value)| short(value, 0)).expect("the kernel has IPVS");
        look
    }

    /// The first packet of the answer.
    fn ask(&self, flags: u16, command: u8, attributes: &[u8]) -> Vec<u8> {
        send(self.socket.as_raw_fd(), &message(self.family, flags, command, attributes), MsgFlags::empty()).expect("sent");
        let mut packet = vec![0; 64 << 10];
        let length = recv(self.socket.as_raw_fd(), &mut packet, MsgFlags::empty()).expect("answered");
        packet.truncate(length);
        packet
    }

    /// Of the destinations of the service at this address, port 80: they fit into one packet. None, if it is not there.
    pub(crate) fn weights(&self, address: Ipv4Addr) -> Vec<u32> {
        let mut whole = [0; 16];
        whole[..4].copy_from_slice(&address.octets());
        let service = [
            attribute(1, &2_u16.to_ne_bytes()),
            attribute(2, &6_u16.to_ne_bytes()),
            attribute(3, &whole),
            attribute(4, &80_u16.to_be_bytes()),
        ];
        let mut weights = Vec::new();
        let mut packet = self.ask(DUMP, GET_DEST, &attribute(SERVICE | NESTED, &service.concat()));
        loop {
            for message in messages(&packet) {
                if short(message, 4).is_none_or(|kind| kind < FIRST_TYPE) {
                    return weights;
                }
                for (_, dest) in attributes(message.get(BOTH_HEADS..).unwrap_or_default()).into_iter().filter(|(kind, _)| *kind == DEST) {
                    let weight = attributes(dest).into_iter().find(|(kind, _)| *kind == DEST_WEIGHT);
                    weights.extend(weight.and_then(|(_, value)| long(value, 0)));
                }
            }
            packet.resize(64 << 10, 0);
            let length = recv(self.socket.as_raw_fd(), &mut packet, MsgFlags::empty()).expect("answered");
            packet.truncate(length);
        }
    }
}

/// Counts what is asked of the kernel to be changed, as long as it lives.
pub(crate) struct Changes {
    count: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Changes {
    pub(crate) fn watch(host: &Host) -> Self {
        host.ip("link add spy type nlmon");
        host.ip("link set spy up");
        let family = Look::open(host).family;
        let opened = host.run(|| {
            let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll)?;
            setsockopt(&socket, sockopt::RcvBufForce, &(64 << 20))?;
            setsockopt(&socket, sockopt::BindToDevice, &"spy".into())?;
            setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::milliseconds(50))?;
            Ok::<_, nix::Error>(socket)
        });
        let socket = opened.expect("root may listen");
        let (count, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, stopped) = (Arc::clone(&count), Arc::clone(&stop));
        let listen = move || {
            let mut packet = vec![0; 1 << 20];
            while !stopped.load(Ordering::Relaxed) {
                let Ok(length) = recv(socket.as_raw_fd(), &mut packet, MsgFlags::empty()) else { continue };
                let is_change = |message: &&[u8]| {
                    let asked = short(message, 6).is_some_and(|flags| flags & REQUEST != 0);
                    let command = message.get(HEAD).is_some_and(|command| COMMANDS_OF_CHANGE.contains(command));
                    asked && command && short(message, 4) == Some(family)
                };
                counted.fetch_add(messages(&packet[..length]).iter().filter(|message| is_change(message)).count(), Ordering::Relaxed);
            }
        };
        let thread = std::thread::Builder::new().name("changes".to_owned()).spawn(listen).expect("a thread");
        Self { count, stop, thread: Some(thread) }
    }

    pub(crate) fn count(&self) -> usize {
        // What is on its way is counted.
        pause(Duration::from_millis(200));
        self.count.load(Ordering::Relaxed)
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
