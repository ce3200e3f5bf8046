//! The sockets that BFD packets come and go by (RFC 5881 section 4, RFC 5883 section 5).

use super::Failed;
use crate::effect::packet::Datagram;
use crate::model::net::Family;
use crate::sys::socket::with_ttl;
use nix::cmsg_space;
use nix::sys::socket::sockopt::{Ipv4PacketInfo, Ipv6RecvHopLimit, Ipv6RecvPacketInfo};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

const SINGLE_HOP: u16 = 3784;
const MULTI_HOP: u16 = 4784;
/// Where packets must come from, lest a port of another program is taken for ours.
const SOURCE_PORTS: std::ops::RangeInclusive<u16> = 49152..=65535;
/// Internetwork control, as routing protocols are.
const CLASS: u32 = 0xc0;

pub const fn port(multihop: bool) -> u16 {
    if multihop { MULTI_HOP } else { SINGLE_HOP }
}

fn socket(family: Family) -> Result<Socket, Failed> {
    let domain = match family {
        Family::V4 => Domain::IPV4,
        Family::V6 => Domain::IPV6,
    };
    let socket = Socket::new(domain, Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP)).map_err(Failed::to("open a BFD socket"))?;
    if family == Family::V6 {
        socket.set_only_v6(true).map_err(Failed::to("keep IPv4 from a socket"))?;
    }
    Ok(socket)
}

/// Hears all neighbours of one family at one port.
#[derive(Debug)]
pub struct Hearing {
    socket: Socket,
    control: Vec<u8>,
}

impl Hearing {
    pub fn open(family: Family, multihop: bool) -> Result<Self, Failed> {
        let socket = socket(family)?;
        let asked = match family {
            Family::V4 => with_ttl(&socket).and_then(|()| Ok(setsockopt(&socket, Ipv4PacketInfo, &true)?)),
            Family::V6 => setsockopt(&socket, Ipv6RecvHopLimit, &true)
                .and_then(|()| setsockopt(&socket, Ipv6RecvPacketInfo, &true))
                .map_err(io::Error::from),
        };
        asked.map_err(Failed::to("ask for hop limits"))?;
        let any: IpAddr = match family {
            Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
            Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
        };
        socket.bind(&SockAddr::from(SocketAddr::new(any, port(multihop)))).map_err(Failed::to("bind a socket to the port of BFD"))?;
        Ok(Self { socket, control: cmsg_space!(nix::libc::in6_pktinfo, nix::libc::c_int, nix::libc::in_pktinfo) })
    }

    /// The next packet; none if what came does not tell where it is from. [`io::ErrorKind::WouldBlock`] if nothing came.
    pub fn receive<'a>(&mut self, buffer: &'a mut [u8]) -> io::Result<Option<Datagram<'a>>> {
        let (mut destination, mut ttl) = (None, None);
        let (source, length) = {
            let mut parts = [IoSliceMut::new(buffer)];
            let flags = MsgFlags::MSG_DONTWAIT;
            let message = recvmsg::<SockaddrStorage>(self.socket.as_raw_fd(), &mut parts, Some(&mut self.control), flags)?;
            for part in message.cmsgs()? {
                match part {
                    ControlMessageOwned::Ipv4PacketInfo(info) => {
                        destination = Some(IpAddr::from(Ipv4Addr::from(info.ipi_addr.s_addr.to_ne_bytes())));
                    }
                    ControlMessageOwned::Ipv6PacketInfo(info) => destination = Some(IpAddr::from(info.ipi6_addr.s6_addr)),
                    ControlMessageOwned::Ipv4Ttl(hops) | ControlMessageOwned::Ipv6HopLimit(hops) => ttl = u8::try_from(hops).ok(),
                    _ => {}
                }
            }
            let source = message.address.and_then(|address| {
                let v4 = address.as_sockaddr_in().map(|address| IpAddr::from(address.ip()));
                v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::from(address.ip())))
            });
            (source, message.bytes)
        };
        let datagram =
            || Some(Datagram { source: source?, destination: destination?, ttl: ttl?, seal: None, payload: buffer.get(..length)? });
        Ok(datagram())
    }
}

impl AsFd for Speaking {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsFd for Hearing {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Speaks for one session.
#[derive(Debug)]
pub struct Speaking {
    socket: Socket,
    to: SockAddr,
}

impl Speaking {
    /// `chance` is any number: it decides about the port. An address that is not there yet is none of the socket's errors.
    pub fn open(neighbor: IpAddr, source: Option<IpAddr>, multihop: bool, ttl: u8, chance: u64) -> Result<Self, Failed> {
        let family = Family::of(neighbor);
        let socket = socket(family)?;
        match family {
            Family::V4 => socket.set_freebind_v4(true).and_then(|()| socket.set_ttl_v4(ttl.into())).and_then(|()| socket.set_tos_v4(CLASS)),
            Family::V6 => socket
                .set_freebind_v6(true)
                .and_then(|()| socket.set_unicast_hops_v6(ttl.into()))
                .and_then(|()| socket.set_tclass_v6(CLASS)),
        }
        .map_err(Failed::to("set how far packets may go"))?;
        // It hears nothing.
        socket.set_recv_buffer_size(0).map_err(Failed::to("give up a receive buffer"))?;
        let any: IpAddr = match family {
            Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
            Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
        };
        let ports = u16::try_from(SOURCE_PORTS.len()).unwrap_or(u16::MAX);
        let first = u16::try_from(chance % u64::from(ports)).unwrap_or_default();
        let mut tried = 0;
        loop {
            let port = SOURCE_PORTS.start() + (first + tried) % ports;
            match socket.bind(&SockAddr::from(SocketAddr::new(source.unwrap_or(any), port))) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && tried < ports - 1 => tried += 1,
                bound => break bound.map_err(Failed::to("bind a socket to its address"))?,
            }
        }
        Ok(Self { socket, to: SockAddr::from(SocketAddr::new(neighbor, port(multihop))) })
    }

    /// A way that is down is an error like any other; the socket serves again when the way does.
    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.socket.send_to(bytes, &self.to).map(|_| ())
    }
}
