//! Sockets that attempts are made with: bound as the configuration says, connected to the target, and never waited for.

use crate::model::checker::{Bind, Connection};
use crate::probe::{Transport, Trouble};
use crate::wire::checksum::Checksum;
use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::{IpBindAddressNoPort, Ipv4RecvErr, Ipv6RecvErr};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// What answers an echo request, of IPv4 and of IPv6.
const ECHO_REPLY: u8 = 0;
const ECHO_REPLY_V6: u8 = 129;

/// A socket of one attempt. It is closed with it.
#[derive(Debug)]
pub(super) struct Link {
    socket: Socket,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Stream,
    Datagram,
    /// The kernel tells our echoes from those of others.
    Echo,
    /// It does not: whatever the target answers to anybody is heard.
    RawEcho {
        identifier: u16,
        v4: bool,
    },
}

/// What was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received<'a> {
    Bytes(&'a [u8]),
    /// Not for us.
    Foreign,
    /// The end of a stream.
    End,
    /// For now.
    Nothing,
    Failed(Trouble),
}

impl Link {
    /// A stream is only on its way to be connected. `identifier` tells echoes apart where the kernel does not.
    pub(super) fn open(transport: &Transport, to: &Connection, identifier: u16) -> Result<Self, Trouble> {
        let v4 = to.address.is_ipv4();
        let domain = if v4 { Domain::IPV4 } else { Domain::IPV6 };
        let (socket, kind) = match transport {
            Transport::Stream { .. } => (make(domain, Type::STREAM, Protocol::TCP), Kind::Stream),
            Transport::Datagram => (make(domain, Type::DGRAM, Protocol::UDP), Kind::Datagram),
            Transport::Echo => echo(domain, identifier, v4),
        };
        let link = Self { socket: socket.map_err(|error| ours(&error))?, kind };
        link.prepare(to).map_err(|error| ours(&error))?;
        let port = if matches!(kind, Kind::Stream | Kind::Datagram) { to.port } else { 0 };
        match link.socket.connect(&address(to.address, port, to.bind.as_deref())) {
            Err(error) if errno(&error) != Errno::EINPROGRESS => Err(immediate(&error)),
            Ok(()) | Err(_) => Ok(link),
        }
    }

    fn prepare(&self, to: &Connection) -> io::Result<()> {
        if to.mark != 0 {
            self.socket.set_mark(to.mark)?;
        }
        if self.kind != Kind::Stream {
            // Otherwise the kernel keeps to itself most of what routers and hosts say against our datagrams.
            if to.address.is_ipv4() {
                setsockopt(&self.socket, Ipv4RecvErr, &true)?;
            } else {
                setsockopt(&self.socket, Ipv6RecvErr, &true)?;
            }
        }
        let Some(bind) = to.bind.as_deref() else { return Ok(()) };
        if let Some(interface) = &bind.interface {
            self.socket.bind_device(Some(interface.as_bytes()))?;
        }
        if bind.address.is_none() && bind.port.is_none() {
            return Ok(());
        }
        let unspecified = if to.address.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0; 16]) };
        match (bind.port, self.kind) {
            (Some(_), Kind::Stream) => {
                self.socket.set_reuse_address(true)?;
                // A connection that lingered would keep its port from the next attempt for a minute.
                self.socket.set_linger(Some(Duration::ZERO))?;
            }
            (Some(_), Kind::Datagram) => self.socket.set_reuse_address(true)?,
            // The port is chosen with the target in view: there are more connections than ports. An old kernel cannot.
            (None, Kind::Stream) => drop(setsockopt(&self.socket, IpBindAddressNoPort, &true)),
            (None, Kind::Datagram) | (_, Kind::Echo | Kind::RawEcho { .. }) => {}
        }
        let port = bind.port.filter(|_| matches!(self.kind, Kind::Stream | Kind::Datagram)).map_or(0, std::num::NonZeroU16::get);
        self.socket.bind(&address(bind.address.unwrap_or(unspecified), port, Some(bind)))
    }

    pub(super) fn is_stream(&self) -> bool {
        self.kind == Kind::Stream
    }

    /// Why it is as it is; to be asked when the kernel has hinted at a trouble.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        match self.socket.take_error() {
            Ok(None) => None,
            Ok(Some(error)) | Err(error) => Some(from_afar(&error)),
        }
    }

    /// Sends as much as there is room for, and returns how much that was.
    pub(super) fn send(&self, bytes: &mut [u8]) -> Result<usize, Trouble> {
        if let Kind::RawEcho { identifier, v4 } = self.kind {
            identify(bytes, identifier, v4);
        }
        loop {
            return match (&self.socket).write(bytes) {
                Ok(sent) => Ok(sent),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
                // An earlier datagram's fate is told here as well as what is wrong with this one.
                Err(error) if self.kind == Kind::Stream => Err(from_afar(&error)),
                Err(error) => Err(immediate(&error)),
            };
        }
    }

    pub(super) fn receive<'a>(&self, buffer: &'a mut [u8]) -> Received<'a> {
        loop {
            return match (&self.socket).read(buffer) {
                Ok(0) if self.kind == Kind::Stream => Received::End,
                Ok(length) => match self.kind {
                    Kind::Stream | Kind::Datagram | Kind::Echo => Received::Bytes(&buffer[..length]),
                    Kind::RawEcho { identifier, v4 } => reply(&buffer[..length], identifier, v4).map_or(Received::Foreign, Received::Bytes),
                },
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Received::Nothing,
                Err(error) => Received::Failed(from_afar(&error)),
            };
        }
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn make(domain: Domain, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    Socket::new(domain, kind.nonblocking(), Some(protocol))
}

/// Sockets made for echoes are not for everybody, not even for everybody who may have the others.
fn echo(domain: Domain, identifier: u16, v4: bool) -> (io::Result<Socket>, Kind) {
    let protocol = if v4 { Protocol::ICMPV4 } else { Protocol::ICMPV6 };
    match make(domain, Type::DGRAM, protocol) {
        Ok(socket) => (Ok(socket), Kind::Echo),
        Err(_) => (make(domain, Type::RAW, protocol), Kind::RawEcho { identifier, v4 }),
    }
}

/// Addresses of one link only are on the interface that is bound to.
fn address(address: IpAddr, port: u16, bind: Option<&Bind>) -> SockAddr {
    match address {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => {
            let interface = bind.and_then(|bind| bind.interface.as_deref());
            let scope = interface.and_then(|name| if_nametoindex(name).ok()).unwrap_or(0);
            SocketAddrV6::new(v6, port, 0, scope).into()
        }
        _ => SocketAddr::new(address, port).into(),
    }
}

/// As the kernel would do for us with a socket for echoes.
fn identify(message: &mut [u8], identifier: u16, v4: bool) {
    let Some((header, _)) = message.split_first_chunk_mut::<8>() else { return };
    let [high, low] = identifier.to_be_bytes();
    (header[4], header[5]) = (high, low);
    // The kernel makes the one of IPv6, which covers addresses.
    (header[2], header[3]) = (0, 0);
    if v4 {
        let [high, low] = Checksum::new().part(message).value().to_be_bytes();
        (message[2], message[3]) = (high, low);
    }
}

/// The message, if it answers us.
fn reply(packet: &[u8], identifier: u16, v4: bool) -> Option<&[u8]> {
    let header = if v4 { usize::from(*packet.first()? & 0x0f) * 4 } else { 0 };
    let message = packet.get(header..)?;
    let (head, _) = message.split_first_chunk::<8>()?;
    let answers = head[0] == if v4 { ECHO_REPLY } else { ECHO_REPLY_V6 };
    (answers && head[4..6] == identifier.to_be_bytes()).then_some(message)
}

fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

fn ours(error: &io::Error) -> Trouble {
    Trouble::Ours(errno(error).desc())
}

/// An error of the very call: it is the target's if the way to it is missing or known to be closed.
fn immediate(error: &io::Error) -> Trouble {
    let errno = errno(error);
    match errno {
        Errno::ENETUNREACH
        | Errno::EHOSTUNREACH
        | Errno::ECONNREFUSED
        | Errno::EHOSTDOWN
        | Errno::ENETDOWN
        | Errno::ECONNRESET
        | Errno::ECONNABORTED
        | Errno::ETIMEDOUT => Trouble::Target(errno.desc()),
        other => Trouble::Ours(other.desc()),
    }
}

/// An error that came later was brought by a packet, or by the lack of one, unless this machine is short of something.
fn from_afar(error: &io::Error) -> Trouble {
    let errno = errno(error);
    match errno {
        Errno::ENOMEM | Errno::ENOBUFS | Errno::EMSGSIZE | Errno::EADDRNOTAVAIL | Errno::EPERM => Trouble::Ours(errno.desc()),
        other => Trouble::Target(other.desc()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_without_the_kernels_help_has_a_number_and_a_sum_of_its_own() {
        let mut request = [8, 0, 0, 0, 0, 0, 0, 1, b'x', b'y'];
        identify(&mut request, 0x1234, true);
        assert_eq!(request[4..6], [0x12, 0x34]);
        assert!(Checksum::new().part(&request).is_right());
        let mut answer = vec![0x46; 24];
        answer.extend(request);
        answer[24] = 0;
        assert_eq!(reply(&answer, 0x1234, true), Some(&answer[24..]));
        assert_eq!(reply(&answer, 0x1235, true), None);
        answer[24] = 8;
        assert_eq!(reply(&answer, 0x1234, true), None, "it is our own question");
        for length in 0..32 {
            assert_eq!(reply(&answer[..length], 0x1234, true), None);
        }
        let answer = [129, 0, 9, 9, 0x12, 0x34, 0, 1];
        assert_eq!(reply(&answer, 0x1234, false), Some(&answer[..]));
        identify(&mut [1, 2, 3], 1, true);
    }

    #[test]
    fn whose_fault_an_error_is_depends_on_when_it_came() {
        let is_ours = |trouble| matches!(trouble, Trouble::Ours(_));
        for (error, at_once, later) in [
            (Errno::ECONNREFUSED, false, false),
            (Errno::EHOSTUNREACH, false, false),
            (Errno::EADDRNOTAVAIL, true, true),
            (Errno::EPERM, true, true),
            (Errno::EMFILE, true, false),
            (Errno::EACCES, true, false),
            (Errno::EPIPE, true, false),
        ] {
            let error = io::Error::from(error);
            assert_eq!((is_ours(immediate(&error)), is_ours(from_afar(&error))), (at_once, later), "{error}");
        }
    }
}
