//! What is written to the kernel's table: every message of netlink passes a device that shows it.

use crate::guest::run;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{AddressFamily, LinkAddr, SockFlag, SockProtocol, SockType, recvfrom, setsockopt, socket, sockopt};
use std::os::fd::{AsRawFd as _, OwnedFd};

pub(crate) const NEW_DEST: u8 = 5;
pub(crate) const SET_DEST: u8 = 6;
pub(crate) const DEL_DEST: u8 = 7;

const REQUEST: u16 = 1;
const GENERIC: u16 = 16;
/// Where families are asked for.
const CONTROL: u16 = 16;
/// The commands of IPVS that only look: for services, destinations, daemons, settings, and what it is.
const LOOKS: [u8; 5] = [4, 8, 11, 13, 15];

#[derive(Debug)]
pub(crate) struct Writes {
    socket: OwnedFd,
    device: usize,
}

impl Writes {
    /// In this namespace, from now on. There is one at a time.
    pub(crate) fn watch() -> Self {
        run("ip link add watch type nlmon");
        let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_NONBLOCK, SockProtocol::EthAll).expect("a socket");
        setsockopt(&socket, sockopt::RcvBufForce, &(16 << 20)).expect("a socket");
        run("ip link set watch up");
        Self { socket, device: usize::try_from(if_nametoindex("watch").expect("it is there")).expect("a number") }
    }

    /// The commands that changed something since the last time.
    pub(crate) fn take(&self) -> Vec<u8> {
        let (mut buffer, mut found) = (vec![0; 1 << 18], Vec::new());
        while let Ok((length, from)) = recvfrom::<LinkAddr>(self.socket.as_raw_fd(), &mut buffer) {
            if from.is_some_and(|from| from.ifindex() == self.device && u16::from_be(from.protocol()) == GENERIC) {
                commands(&buffer[..length], &mut found);
            }
        }
        found
    }
}

fn commands(mut bytes: &[u8], found: &mut Vec<u8>) {
    while let Some((header, rest)) = bytes.split_at_checked(16) {
        let number = |at: usize| u16::from_ne_bytes([header[at], header[at + 1]]);
        let length = usize::from(number(0)).max(16);
        if let Some(&command) = rest.first().filter(|_| number(4) > CONTROL && number(6) & REQUEST != 0) {
            found.extend(Some(command).filter(|command| !LOOKS.contains(command)));
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
}
