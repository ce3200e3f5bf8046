//! Sockets for VRRP's own packets, and for what tells neighbours who has an address.

pub mod bfd;
pub mod neighbour;
pub mod vrrp;

use socket2::{SockFilter, Socket};
use std::{error, fmt, io};

/// What could not be done with a socket, and why.
#[derive(Debug)]
pub struct Failed {
    what: &'static str,
    source: io::Error,
}

impl Failed {
    fn to(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { what, source }
    }

    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.what, self.source)
    }
}

impl error::Error for Failed {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.source)
    }
}

/// For a socket that only sends, and for one that is not yet bound: until then it would hear every interface.
fn reject_all(socket: &Socket) -> Result<(), Failed> {
    socket.attach_filter(&[bpf::give(0)]).map_err(Failed::to("keep packets from a socket"))
}

/// Instructions of the classic packet filter, as far as we need them.
mod bpf {
    use super::SockFilter;

    /// The packet, cut to so many bytes; zero for not at all.
    pub(super) const fn give(bytes: u32) -> SockFilter {
        SockFilter::new(code(libc::BPF_RET | libc::BPF_K), 0, 0, bytes)
    }

    pub(super) const fn load_byte(offset: u32) -> SockFilter {
        SockFilter::new(code(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS), 0, 0, offset)
    }

    pub(super) const fn load_half(offset: u32) -> SockFilter {
        SockFilter::new(code(libc::BPF_LD | libc::BPF_H | libc::BPF_ABS), 0, 0, offset)
    }

    pub(super) const fn load_word(offset: u32) -> SockFilter {
        SockFilter::new(code(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS), 0, 0, offset)
    }

    pub(super) const fn keep() -> SockFilter {
        SockFilter::new(code(libc::BPF_MISC | libc::BPF_TAX), 0, 0, 0)
    }

    /// Skips so many instructions if what was loaded is this, or if it is not.
    pub(super) const fn equals(value: u32, then: u8, otherwise: u8) -> SockFilter {
        SockFilter::new(code(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K), then, otherwise, value)
    }

    /// The same with what was kept.
    pub(super) const fn equals_kept(then: u8, otherwise: u8) -> SockFilter {
        SockFilter::new(code(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_X), then, otherwise, 0)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the constants are of sixteen bits, whatever type libc gives them")]
    const fn code(bits: u32) -> u16 {
        bits as u16
    }
}
