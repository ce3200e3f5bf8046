//! Descriptors that arrive over a socket, or that were open before the program began.

#![expect(unsafe_code, reason = "the kernel hands over a descriptor as a number, and who owns it is for the receiver to say")]

use nix::cmsg_space;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

/// One packet, and the first descriptor that came with it.
#[derive(Debug)]
pub struct Packet {
    pub length: usize,
    /// It was longer than the buffer.
    pub cut: bool,
    pub descriptor: Option<OwnedFd>,
}

/// Takes one packet from a socket that keeps the bounds of packets. A length of zero is the end.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Packet> {
    let mut space = cmsg_space!([RawFd; 4]);
    let mut slices = [IoSliceMut::new(buffer)];
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    let mut descriptors = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = control {
            // SAFETY: the kernel has just made these descriptors for this process, and nothing else knows their numbers. All
            // of them are owned from here on, so those that are not returned are closed.
            descriptors.extend(numbers.into_iter().map(|number| unsafe { OwnedFd::from_raw_fd(number) }));
        }
    }
    let cut = message.flags.contains(MsgFlags::MSG_TRUNC);
    Ok(Packet { length: message.bytes, cut, descriptor: descriptors.into_iter().next() })
}

/// Takes a descriptor that was left open for this program by whoever executed it. What the program opens itself is closed at
/// the next execution, so that nothing of that can be had here, and nothing can be had twice.
pub fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    if number <= libc::STDERR_FILENO {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: it is used in this function only, to ask the kernel whether there is such a descriptor, and to set its flag.
    let there = unsafe { BorrowedFd::borrow_raw(number) };
    if is_ours(there)? {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    close_at_execution(there, true)?;
    // SAFETY: it is open, and nothing of this program owns it: whatever that opens has had the flag from the beginning, and
    // whoever came here before has set it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

fn is_ours(descriptor: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(FdFlag::from_bits_retain(fcntl(descriptor, FcntlArg::F_GETFD)?).contains(FdFlag::FD_CLOEXEC))
}

/// Whether the next program that this process executes finds it closed.
pub fn close_at_execution(descriptor: BorrowedFd<'_>, close: bool) -> io::Result<()> {
    let flag = if close { FdFlag::FD_CLOEXEC } else { FdFlag::empty() };
    fcntl(descriptor, FcntlArg::F_SETFD(flag))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::{AddressFamily, ControlMessage, SockFlag, SockType, sendmsg, socketpair};
    use std::fs::File;
    use std::io::{IoSlice, Read as _, Write as _};
    use std::os::fd::AsFd as _;

    #[test]
    fn a_descriptor_crosses_a_socket() {
        let (here, there) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).expect("a pair");
        let (reader, writer) = nix::unistd::pipe().expect("a pipe");
        let rights = [writer.as_raw_fd()];
        let sent =
            sendmsg::<()>(here.as_raw_fd(), &[IoSlice::new(b"take")], &[ControlMessage::ScmRights(&rights)], MsgFlags::empty(), None);
        assert_eq!(sent, Ok(4));
        drop(writer);
        let mut buffer = [0; 2];
        let packet = receive(there.as_fd(), &mut buffer).expect("a packet");
        assert_eq!((packet.length, packet.cut, &buffer), (2, true, b"ta"));
        let mut writer = File::from(packet.descriptor.expect("a descriptor"));
        writer.write_all(b"hello").expect("written");
        drop(writer);
        let mut text = String::new();
        File::from(reader).read_to_string(&mut text).expect("read");
        assert_eq!(text, "hello");
        drop(here);
        assert_eq!(receive(there.as_fd(), &mut buffer).expect("the end").length, 0);
    }

    #[test]
    fn only_what_was_left_open_is_inherited_and_only_once() {
        let (kept, left) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).expect("a pipe");
        assert!(inherited(kept.as_raw_fd()).is_err(), "it is ours");
        assert!(inherited(1).is_err() && inherited(-1).is_err() && inherited(RawFd::MAX).is_err());
        close_at_execution(left.as_fd(), false).expect("a flag");
        let number = std::os::fd::IntoRawFd::into_raw_fd(left);
        let left = inherited(number).expect("it was left open");
        assert!(inherited(number).is_err(), "it has been taken");
        assert_eq!(left.as_raw_fd(), number);
    }
}
