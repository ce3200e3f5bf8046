//! The sockets that adverts come and go by: one that hears and one that speaks, so that what is to be sent never waits
//! behind what was received, and nothing is queued where nobody reads.

use super::{Failed, reject_all};
use crate::effect::net::Device;
use crate::effect::packet::{Datagram, Port, Reach, Seal, Transmit};
use crate::effect::time::Instant;
use crate::kernel::timer::{moment, now};
use crate::model::net::Family;
use crate::sys::socket::{bind_to_interface, multicast_interface};
use crate::wire::ah::{self, Ah};
use crate::wire::ipv4::{self, CLASS, Header};
use crate::wire::vrrp::PROTOCOL;
use nix::cmsg_space;
use nix::sys::socket::sockopt::{Ipv6RecvHopLimit, Ipv6RecvPacketInfo, RcvBufForce, ReceiveTimestampns};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn6, recvmsg, sendmsg, setsockopt};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockAddr, Socket, Type};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

/// No interface by this number.
const ANY: u32 = 0;
const MULTICAST_HOPS: u32 = 255;

/// Opens both sockets of a port.
pub fn open(port: &Port) -> Result<(Hearing, Speaking), Failed> {
    let wrong = match port.reach {
        Reach::Multicast { group } => port.device.is_none() || Family::of(group) != port.family,
        Reach::Unicast { source } => Family::of(source) != port.family,
    };
    if wrong || port.ah && port.family == Family::V6 {
        return Err(Failed::to("make sense of a port")(io::ErrorKind::InvalidInput.into()));
    }
    Ok((Hearing::open(port)?, Speaking::open(port)?))
}

fn socket(port: &Port) -> Result<Socket, Failed> {
    let protocol = if port.ah { ah::PROTOCOL } else { PROTOCOL };
    let domain = match port.family {
        Family::V4 => Domain::IPV4,
        Family::V6 => Domain::IPV6,
    };
    let kind = Type::RAW.nonblocking().cloexec();
    let socket = Socket::new_raw(domain, kind, Some(Protocol::from(i32::from(protocol)))).map_err(Failed::to("open a VRRP socket"))?;
    // Also while it is being set up: until it is bound it would hear all interfaces and all groups.
    reject_all(&socket)?;
    match port.family {
        Family::V4 => socket.set_multicast_all_v4(false),
        Family::V6 => socket.set_multicast_all_v6(false),
    }
    .map_err(Failed::to("keep other multicast groups from a socket"))?;
    Ok(socket)
}

/// An interface by its number, which a change of its name does not concern.
fn bind_to_device(socket: &Socket, port: &Port) -> Result<(), Failed> {
    if let Some(Device(device)) = port.device {
        return bind_to_interface(socket, device).map_err(Failed::to("bind a socket to its interface"));
    }
    match &port.vrf {
        Some(vrf) => socket.bind_device(Some(vrf.as_bytes())).map_err(Failed::to("bind a socket to its VRF")),
        None => Ok(()),
    }
}

/// Where an address is, or is to go: link-local ones and groups mean something on an interface only.
fn place(address: IpAddr, device: Option<Device>) -> SocketAddr {
    match address {
        IpAddr::V4(address) => SocketAddrV4::new(address, 0).into(),
        IpAddr::V6(address) => SocketAddrV6::new(address, 0, 0, scope(address, device)).into(),
    }
}

fn scope(address: Ipv6Addr, device: Option<Device>) -> u32 {
    let local = address.is_unicast_link_local() || address.is_multicast();
    device.filter(|_| local).map_or(ANY, |device| device.0)
}

/// The socket that hears.
#[derive(Debug)]
pub struct Hearing {
    socket: Socket,
    family: Family,
    /// What it hears is behind an authentication header.
    ah: bool,
    /// Room for what the kernel says beside a packet.
    control: Vec<u8>,
    arrived: Instant,
}

impl Hearing {
    fn open(port: &Port) -> Result<Self, Failed> {
        let socket = socket(port)?;
        if let Some(bytes) = port.receive_buffer {
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            // The first may go past net.core.rmem_max, for which one must be privileged.
            setsockopt(&socket, RcvBufForce, &bytes)
                .map_err(io::Error::from)
                .or_else(|_| socket.set_recv_buffer_size(bytes))
                .map_err(Failed::to("set the size of a receive buffer"))?;
        }
        bind_to_device(&socket, port)?;
        let address = match port.reach {
            Reach::Multicast { group } => {
                let device = port.device.map_or(ANY, |device| device.0);
                match group {
                    IpAddr::V4(group) => socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(device)),
                    IpAddr::V6(group) => socket.join_multicast_v6(&group, device),
                }
                .map_err(Failed::to("join the multicast group"))?;
                group
            }
            Reach::Unicast { source } => {
                match port.family {
                    Family::V4 => socket.set_freebind_v4(true),
                    Family::V6 => socket.set_freebind_v6(true),
                }
                .map_err(Failed::to("allow for an address to come later"))?;
                source
            }
        };
        socket.bind(&SockAddr::from(place(address, port.device))).map_err(Failed::to("bind a socket to its address"))?;
        if port.family == Family::V6 {
            setsockopt(&socket, Ipv6RecvHopLimit, &true)
                .and_then(|()| setsockopt(&socket, Ipv6RecvPacketInfo, &true))
                .map_err(|error| Failed::to("ask for hop limits")(error.into()))?;
        }
        setsockopt(&socket, ReceiveTimestampns, &true).map_err(|error| Failed::to("ask for times of arrival")(error.into()))?;
        socket.detach_filter().map_err(Failed::to("begin to hear"))?;
        let control = cmsg_space!(libc::in6_pktinfo, libc::c_int, libc::timespec);
        Ok(Self { socket, family: port.family, ah: port.ah, control, arrived: now() })
    }

    /// When the last packet came to this machine, as far as the kernel has told.
    pub const fn arrived(&self) -> Instant {
        self.arrived
    }

    /// The next packet; none if what came was not a whole one. [`io::ErrorKind::WouldBlock`] if nothing came.
    pub fn receive<'a>(&mut self, buffer: &'a mut [u8]) -> io::Result<Option<Datagram<'a>>> {
        let (mut destination, mut ttl, mut stamp) = (None, None, None);
        let (source, length) = {
            let mut parts = [IoSliceMut::new(buffer)];
            let flags = MsgFlags::MSG_DONTWAIT;
            let message = recvmsg::<SockaddrIn6>(self.socket.as_raw_fd(), &mut parts, Some(&mut self.control), flags)?;
            for part in message.cmsgs()? {
                match part {
                    ControlMessageOwned::Ipv6PacketInfo(info) => destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr)),
                    ControlMessageOwned::Ipv6HopLimit(hops) => ttl = u8::try_from(hops).ok(),
                    ControlMessageOwned::ScmTimestampns(time) => stamp = Some(Duration::from(time)),
                    _ => {}
                }
            }
            let whole = !message.flags.contains(MsgFlags::MSG_TRUNC);
            (message.address.map(|address| address.ip()).filter(|_| whole), message.bytes)
        };
        self.arrived = stamp.map_or_else(now, moment);
        let Some(packet) = buffer.get(..length) else { return Ok(None) };
        let ipv6 = || Some(Datagram { source: source?.into(), destination: destination?.into(), ttl: ttl?, seal: None, payload: packet });
        Ok(match self.family {
            Family::V4 => without_header(packet, self.ah),
            Family::V6 => ipv6(),
        })
    }
}

/// For IPv4 the kernel hands over the header too.
fn without_header(packet: &[u8], sealed: bool) -> Option<Datagram<'_>> {
    let (header, payload) = Header::read(packet)?;
    let (seal, payload) = if sealed {
        // The seal is over a header without options.
        let (ah, payload) = Ah::read(payload).filter(|_| usize::from(header.header_length) == ipv4::LENGTH)?;
        (Some(Seal { ah, id: header.id }), payload)
    } else {
        (None, payload)
    };
    Some(Datagram { source: header.source.into(), destination: header.destination.into(), ttl: header.ttl, seal, payload })
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

impl AsRawFd for Hearing {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// The socket that speaks. It hears nothing.
#[derive(Debug)]
pub struct Speaking {
    socket: Socket,
    device: Option<Device>,
}

impl Speaking {
    fn open(port: &Port) -> Result<Self, Failed> {
        let socket = socket(port)?;
        socket.set_recv_buffer_size(0).map_err(Failed::to("give up a receive buffer"))?;
        bind_to_device(&socket, port)?;
        match port.family {
            // The whole header is ours.
            Family::V4 => socket.set_header_included_v4(true),
            Family::V6 => socket.set_tclass_v6(CLASS.into()),
        }
        .map_err(Failed::to("make the headers of adverts"))?;
        if let (Reach::Multicast { .. }, Some(Device(device))) = (port.reach, port.device) {
            match port.family {
                Family::V4 => multicast_interface(&socket, device).and_then(|()| socket.set_multicast_loop_v4(false)),
                Family::V6 => socket
                    .set_multicast_if_v6(device)
                    .and_then(|()| socket.set_multicast_loop_v6(false))
                    .and_then(|()| socket.set_multicast_hops_v6(MULTICAST_HOPS)),
            }
            .map_err(Failed::to("send multicast by an interface"))?;
        }
        Ok(Self { socket, device: port.device })
    }

    /// An interface that is down or gone is an error like any other; the socket serves again when the interface does.
    pub fn send(&self, packet: &Transmit) -> io::Result<()> {
        match (packet.source, packet.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let seal = packet.ah.as_ref().map(Ah::write);
                let seal: &[u8] = seal.as_ref().map_or(&[], |seal| seal);
                let header = Header::advert(source, destination, packet.ttl, packet.id, seal.len() + packet.payload.len());
                let header = Header { protocol: if seal.is_empty() { PROTOCOL } else { ah::PROTOCOL }, ..header }.write();
                let to = SockAddr::from(place(packet.destination, self.device));
                let parts = [IoSlice::new(&header), IoSlice::new(seal), IoSlice::new(&packet.payload)];
                let flags = if destination.is_multicast() { libc::MSG_DONTROUTE } else { 0 };
                self.socket.send_to_vectored_with_flags(&parts, &to, flags)?;
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let device = self.device.map_or(ANY, |device| device.0);
                let from = libc::in6_pktinfo { ipi6_addr: libc::in6_addr { s6_addr: source.octets() }, ipi6_ifindex: device };
                let hops = libc::c_int::from(packet.ttl);
                let control = [ControlMessage::Ipv6PacketInfo(&from), ControlMessage::Ipv6HopLimit(&hops)];
                let to = SockaddrIn6::from(SocketAddrV6::new(destination, 0, 0, scope(destination, self.device)));
                let flags = if destination.is_multicast() { MsgFlags::from_bits_retain(libc::MSG_DONTROUTE) } else { MsgFlags::empty() };
                sendmsg(self.socket.as_raw_fd(), &[IoSlice::new(&packet.payload)], &control, flags, Some(&to))?;
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return Err(io::ErrorKind::InvalidInput.into()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_makes_no_sense_is_not_opened() {
        let group = "224.0.0.18".parse().expect("an address");
        let port = Port { family: Family::V4, device: None, vrf: None, reach: Reach::Multicast { group }, ah: false, receive_buffer: None };
        assert_eq!(open(&port).map(|_| ()).map_err(|failed| failed.kind()), Err(io::ErrorKind::InvalidInput));
        let port = Port { family: Family::V6, reach: Reach::Unicast { source: group }, ..port };
        assert_eq!(open(&port).map(|_| ()).map_err(|failed| failed.kind()), Err(io::ErrorKind::InvalidInput));
    }

    #[test]
    fn whatever_comes_in_place_of_a_header_is_no_packet() {
        for packet in [&[][..], &[0x45], &[0xff; 19], &[0x60; 40], &[0x4f; 30], &[0x45; 20]] {
            for sealed in [false, true] {
                assert_eq!(without_header(packet, sealed), None, "{packet:?}");
            }
        }
    }
}
