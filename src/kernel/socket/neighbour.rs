//! Address resolution, both ways: frames that tell or ask others about addresses, and what others say of theirs.

use super::{Failed, bpf, reject_all};
use crate::effect::net::{Device, Infiniband, Mac};
use crate::model::net::Family;
use crate::sys::socket::link_address;
use crate::wire::arp::{self, Arp};
use crate::wire::ndisc::{self, Kind, Neighbour};
use socket2::{Domain, SockFilter, Socket, Type};
use std::io::{self, Read as _};
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;
/// What of a frame is of interest. A longer neighbour discovery message would not be whole, and is ignored.
pub const FRAME: usize = 1514;

fn socket() -> Result<Socket, Failed> {
    // Without a protocol it hears nothing, not even before it has a filter.
    let kind = Type::RAW.nonblocking().cloexec();
    Socket::new_raw(Domain::PACKET, kind, None).map_err(Failed::to("open a packet socket"))
}

/// Sends frames to neighbours by any interface.
#[derive(Debug)]
pub struct Speaker {
    socket: Socket,
}

impl Speaker {
    pub fn open() -> Result<Self, Failed> {
        let socket = socket()?;
        reject_all(&socket)?;
        Ok(Self { socket })
    }

    /// Says that an address is here, with this MAC. A router says of IPv6 that it is one.
    pub fn announce(&self, device: Device, mac: Mac, address: IpAddr, router: bool) -> io::Result<()> {
        match address {
            IpAddr::V4(address) => self.send(device, ARP, &Arp::gratuitous(mac.0, address).broadcast()),
            IpAddr::V6(address) => self.send(device, IPV6, &ndisc::advertisement(mac.0, address, router)),
        }
    }

    /// The same over InfiniBand, for IPv4.
    pub fn announce_infiniband(&self, device: Device, link: &Infiniband, address: Ipv4Addr) -> io::Result<()> {
        self.send(device, ARP, &arp::infiniband(&link.address, &link.broadcast, address))
    }

    /// Asks who has an address without claiming it.
    pub fn probe(&self, device: Device, mac: Mac, address: IpAddr) -> io::Result<()> {
        match address {
            IpAddr::V4(address) => self.send(device, ARP, &Arp::probe(mac.0, address).broadcast()),
            IpAddr::V6(address) => self.send(device, IPV6, &ndisc::probe(mac.0, address)),
        }
    }

    fn send(&self, device: Device, protocol: u16, frame: &[u8]) -> io::Result<()> {
        self.socket.send_to(frame, &link_address(device.0, protocol)?).map(|_| ())
    }
}

/// A machine on the link of a device that has an address, or wants it and asks whether anybody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    pub device: Device,
    pub address: IpAddr,
    pub by: Mac,
}

/// Hears what neighbours on one device say about addresses of one family.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    device: Device,
    family: Family,
}

impl Listener {
    pub fn open(device: Device, family: Family) -> Result<Self, Failed> {
        let socket = socket()?;
        let (protocol, filter) = match family {
            Family::V4 => (ARP, ARP_CLAIMS.as_slice()),
            Family::V6 => (IPV6, ND_CLAIMS.as_slice()),
        };
        socket.attach_filter(filter).map_err(Failed::to("choose what to hear of neighbours"))?;
        let address = link_address(device.0, protocol).map_err(Failed::to("name an interface"))?;
        socket.bind(&address).map_err(Failed::to("hear the neighbours of an interface"))?;
        Ok(Self { socket, device, family })
    }

    pub fn device(&self) -> Device {
        self.device
    }

    /// The next word of a neighbour; none if what came was none. [`io::ErrorKind::WouldBlock`] if nothing came.
    pub fn hear(&self, buffer: &mut [u8]) -> io::Result<Option<Heard>> {
        let length = (&self.socket).read(buffer)?;
        let claim = buffer.get(..length).and_then(|frame| match self.family {
            Family::V4 => arp_claim(frame),
            Family::V6 => nd_claim(frame),
        });
        Ok(claim.map(|(address, by)| Heard { device: self.device, address, by }))
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

fn arp_claim(frame: &[u8]) -> Option<(IpAddr, Mac)> {
    let arp = Arp::read(frame)?;
    let address = match arp.operation {
        arp::REQUEST if arp.sender.is_unspecified() => arp.target,
        arp::REQUEST if arp.sender != arp.target => return None,
        arp::REQUEST | arp::REPLY => arp.sender,
        _ => return None,
    };
    (!address.is_unspecified()).then_some((address.into(), Mac(arp.sender_mac)))
}

fn nd_claim(frame: &[u8]) -> Option<(IpAddr, Mac)> {
    let heard = Neighbour::read(frame)?;
    let claims = match heard.kind {
        Kind::Advertisement { .. } => true,
        Kind::Solicitation => heard.source.is_unspecified(),
    };
    claims.then_some((heard.target.into(), Mac(heard.mac)))
}

/// [`FRAME`], as the filter wants it.
const LENGTH: u32 = 1514;

/// A reply, a request about the sender's own address, or one without a sender's address. The first step tells Ethernet and
/// IPv4 by the lengths of their addresses. Jumps count from the next instruction; a load past the end rejects.
const ARP_CLAIMS: [SockFilter; 12] = [
    bpf::load_half(18),
    bpf::equals(0x0604, 0, 9),
    bpf::load_half(20),
    bpf::equals(arp::REPLY as u32, 6, 0),
    bpf::equals(arp::REQUEST as u32, 0, 6),
    bpf::load_word(38),
    bpf::keep(),
    bpf::load_word(28),
    bpf::equals_kept(1, 0),
    bpf::equals(0, 0, 1),
    bpf::give(LENGTH),
    bpf::give(0),
];

/// ICMPv6 from this very link: an advertisement, or a solicitation from the unspecified address.
const ND_CLAIMS: [SockFilter; 17] = [
    bpf::load_byte(20),
    bpf::equals(58, 0, 14),
    bpf::load_byte(21),
    bpf::equals(255, 0, 12),
    bpf::load_byte(54),
    bpf::equals(136, 9, 0),
    bpf::equals(135, 0, 9),
    bpf::load_word(22),
    bpf::equals(0, 0, 7),
    bpf::load_word(26),
    bpf::equals(0, 0, 5),
    bpf::load_word(30),
    bpf::equals(0, 0, 3),
    bpf::load_word(34),
    bpf::equals(0, 0, 1),
    bpf::give(LENGTH),
    bpf::give(0),
];
