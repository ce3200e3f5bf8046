//! Whether the maker of a table lives: an abstract socket, which is of one network namespace and goes with its process,
//! however that ends.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

#[derive(Debug)]
pub(super) struct Lock {
    _socket: UnixDatagram,
}

impl Lock {
    /// None where somebody has it.
    pub(super) fn take(name: &str) -> io::Result<Option<Self>> {
        let address = SocketAddr::from_abstract_name(format!("standfast/nftables/{name}"))?;
        match UnixDatagram::bind_addr(&address) {
            Ok(socket) => Ok(Some(Self { _socket: socket })),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_by_one_until_that_one_goes() {
        let name = format!("test of {}", std::process::id());
        let first = Lock::take(&name).expect("sockets can be bound").expect("nobody has it");
        assert!(Lock::take(&name).expect("sockets can be bound").is_none());
        drop(first);
        assert!(Lock::take(&name).expect("sockets can be bound").is_some());
    }
}
