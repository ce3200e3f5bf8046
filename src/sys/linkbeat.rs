//! What a driver says of the link of its interface, by the three calls that there have been for that.

#![expect(unsafe_code, reason = "ioctl takes structures of its own for each call")]

use nix::errno::Errno;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

const NAME: usize = libc::IFNAMSIZ;
/// What follows the name in the kernel's `ifreq` is no longer than this.
const REST: usize = 24;

/// Beginning like the kernel's `ifreq`, whose end is filled up.
#[repr(C)]
struct Request<T> {
    name: [u8; NAME],
    value: T,
    rest: [u8; REST],
}

/// The kernel's `mii_ioctl_data`.
#[repr(C)]
#[derive(Default)]
struct Mii {
    phy: u16,
    register: u16,
    value_in: u16,
    value_out: u16,
}

/// The kernel's `ethtool_value`.
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

/// By the status register of the transceiver.
pub fn mii(socket: BorrowedFd<'_>, interface: &str) -> io::Result<bool> {
    const GET_PHY: libc::Ioctl = 0x8947;
    const GET_REGISTER: libc::Ioctl = 0x8948;
    const STATUS: u16 = 1;
    const LINK: u16 = 4;
    let mut request = request(interface, Mii::default())?;
    call(socket, GET_PHY, &mut request)?;
    request.value.register = STATUS;
    // A link that was lost is told of once, whatever it is now.
    call(socket, GET_REGISTER, &mut request)?;
    call(socket, GET_REGISTER, &mut request)?;
    match request.value.value_out {
        0 | u16::MAX => Err(Errno::EOPNOTSUPP.into()),
        status => Ok(status & LINK != 0),
    }
}

pub fn ethtool(socket: BorrowedFd<'_>, interface: &str) -> io::Result<bool> {
    const ETHTOOL: libc::Ioctl = 0x8946;
    const GET_LINK: u32 = 10;
    let mut value = EthtoolValue { command: GET_LINK, data: 0 };
    // The kernel writes to the value by this pointer, and `value` lives until the call has returned.
    let mut request = request(interface, &raw mut value)?;
    call(socket, ETHTOOL, &mut request)?;
    Ok(value.data != 0)
}

/// By the flags of the interface.
pub fn flags(socket: BorrowedFd<'_>, interface: &str) -> io::Result<bool> {
    const GET_FLAGS: libc::Ioctl = 0x8913;
    const UP_AND_RUNNING: u16 = 0x41;
    let mut request = request(interface, 0_u16)?;
    call(socket, GET_FLAGS, &mut request)?;
    Ok(request.value & UP_AND_RUNNING == UP_AND_RUNNING)
}

fn request<T>(interface: &str, value: T) -> io::Result<Request<T>> {
    let mut name = [0; NAME];
    // The last byte stays zero.
    let room = name.get_mut(..interface.len()).filter(|room| room.len() < NAME);
    room.ok_or(Errno::ENODEV)?.copy_from_slice(interface.as_bytes());
    Ok(Request { name, value, rest: [0; REST] })
}

fn call<T>(socket: BorrowedFd<'_>, number: libc::Ioctl, request: &mut Request<T>) -> io::Result<()> {
    // SAFETY: the kernel reads and writes at most an `ifreq` there, and the request is no shorter than that and lives until the
    // call returns; what the numbers above make of it is of the type that stands behind the name. The descriptor is borrowed.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), number, &raw mut *request) };
    Errno::result(result).map(drop).map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::fd::AsFd as _;

    #[test]
    fn the_loopback_answers_some_and_no_interface_answers_none() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let ask = |name: &str| [mii, ethtool, flags].map(|ask| ask(socket.as_fd(), name).ok());
        assert_eq!(ask("lo"), [None, Some(true), Some(true)]);
        assert_eq!(ask("no such thing"), [None; 3]);
        assert_eq!(ask("a name that is too long for any"), [None; 3]);
    }
}
