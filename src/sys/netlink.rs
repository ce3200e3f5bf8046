//! Netlink sockets of neli.

#![expect(unsafe_code, reason = "neli tells the number of a socket and lends no descriptor")]

use neli::socket::NlSocket;
use std::os::fd::{AsRawFd as _, BorrowedFd};

pub fn descriptor(socket: &NlSocket) -> BorrowedFd<'_> {
    // SAFETY: the socket is open for as long as it lives, which is longer than the loan.
    unsafe { BorrowedFd::borrow_raw(socket.as_raw_fd()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neli::consts::socket::NlFamily;
    use nix::sys::socket::{getsockopt, sockopt};

    #[test]
    fn options_are_those_of_the_socket() {
        let socket = NlSocket::new(NlFamily::Generic).expect("everybody may open one");
        assert_eq!(getsockopt(&descriptor(&socket), sockopt::SockType), Ok(nix::sys::socket::SockType::Raw));
    }
}
