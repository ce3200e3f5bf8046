//! The size of a terminal.

#![expect(unsafe_code, reason = "no crate of ours asks for it")]

use nix::libc;
use std::os::fd::{AsFd, AsRawFd as _};

/// Its columns and rows, where it knows them.
pub fn size(terminal: impl AsFd) -> Option<(u16, u16)> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the request writes a winsize through the pointer, which is valid during the call; the descriptor is open as long
    // as it is borrowed.
    let result = unsafe { libc::ioctl(terminal.as_fd().as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    (result == 0 && size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_no_terminal_has_no_size() {
        let (reader, _writer) = nix::unistd::pipe().expect("a pipe");
        assert_eq!(super::size(reader), None);
    }
}
