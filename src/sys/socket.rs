//! Socket options and addresses that take an interface by its number.

#![expect(unsafe_code, reason = "socket2 and nix know interfaces by name or by address, which both may change")]

use socket2::{SockAddr, SockAddrStorage, Socket};
use std::os::fd::AsRawFd;
use std::{io, mem};

/// Packets come and go by this interface only.
pub fn bind_to_interface(socket: &Socket, interface: u32) -> io::Result<()> {
    set(socket, libc::SOL_SOCKET, libc::SO_BINDTOIFINDEX, signed(interface)?)
}

/// IPv4 multicast leaves by this interface.
pub fn multicast_interface(socket: &Socket, interface: u32) -> io::Result<()> {
    let any = libc::in_addr { s_addr: 0 };
    let request = libc::ip_mreqn { imr_multiaddr: any, imr_address: any, imr_ifindex: signed(interface)? };
    set(socket, libc::IPPROTO_IP, libc::IP_MULTICAST_IF, request)
}

/// Each IPv4 packet comes with its TTL.
pub fn with_ttl(socket: &Socket) -> io::Result<()> {
    set(socket, libc::IPPROTO_IP, libc::IP_RECVTTL, 1 as libc::c_int)
}

/// Where a packet socket is bound to, or sends to: an interface and an Ethernet protocol.
pub fn link_address(interface: u32, protocol: u16) -> io::Result<SockAddr> {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: sockaddr_ll is plain numbers, for which all bits zero are valid, and fits the storage as any address does.
    let link: &mut libc::sockaddr_ll = unsafe { storage.view_as() };
    link.sll_family = u16::try_from(libc::AF_PACKET).map_err(io::Error::other)?;
    link.sll_protocol = protocol.to_be();
    link.sll_ifindex = signed(interface)?;
    let length = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).map_err(io::Error::other)?;
    // SAFETY: the storage was zeroed and holds a sockaddr_ll of this length, its family set.
    Ok(unsafe { SockAddr::new(storage, length) })
}

/// The kernel gives no interface a number that is negative as a C integer.
fn signed(interface: u32) -> io::Result<libc::c_int> {
    interface.try_into().map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

/// For options whose value is a plain number or a structure of such.
fn set<T: Copy>(socket: &Socket, level: libc::c_int, option: libc::c_int, value: T) -> io::Result<()> {
    let length = libc::socklen_t::try_from(mem::size_of_val(&value)).map_err(io::Error::other)?;
    // SAFETY: the kernel only reads `length` bytes from `value`, which lives until the call returns; the descriptor is open
    // as long as `socket` is borrowed.
    let result = unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const value).cast(), length) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
