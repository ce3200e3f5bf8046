//! The open ports.

use super::key::{Kind, key};
use crate::effect::packet::{Datagram, Port, PortId, Transmit};
use crate::effect::time::Instant;
use crate::kernel::socket::vrrp::{Hearing, Speaking, open};
use crate::runtime::poll::Poll;
use crate::vrrp::view::PortView;
use nix::errno::Errno;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _};

#[derive(Debug)]
struct Open {
    hearing: Hearing,
    speaking: Speaking,
    /// Said once, until a packet goes out again.
    mute: bool,
}

#[derive(Debug, Default)]
pub(super) struct Ports {
    open: BTreeMap<PortId, Open>,
}

impl Ports {
    /// An error is in words for the log.
    pub(super) fn open(&mut self, id: PortId, port: &Port, poll: &Poll) -> Result<(), String> {
        self.close(id, poll);
        let (hearing, speaking) = open(port).map_err(|failed| failed.to_string())?;
        poll.add(&hearing, key(Kind::Port, id.0)).map_err(|error| format!("cannot wait for a socket: {error}"))?;
        self.open.insert(id, Open { hearing, speaking, mute: false });
        Ok(())
    }

    pub(super) fn close(&mut self, id: PortId, poll: &Poll) {
        if let Some(port) = self.open.remove(&id) {
            // It would end with the socket, unless a process that is just being started still has a copy.
            drop(poll.remove(&port.hearing));
        }
    }

    pub(super) fn close_all(&mut self, poll: &Poll) {
        for id in self.ids() {
            self.close(id, poll);
        }
    }

    pub(super) fn ids(&self) -> Vec<PortId> {
        self.open.keys().copied().collect()
    }

    /// Adds what is known of them here alone.
    pub(super) fn describe(&self, ports: &mut [PortView]) {
        for port in ports {
            let open = self.open.get(&port.id);
            port.descriptors = open.map(|open| (open.hearing.as_fd().as_raw_fd(), open.speaking.as_fd().as_raw_fd()));
        }
    }

    /// The next packet and when it came, none if what came was not one, or an error if nothing came.
    pub(super) fn receive<'a>(&mut self, id: PortId, buffer: &'a mut [u8]) -> io::Result<Option<(Instant, Datagram<'a>)>> {
        match self.open.get_mut(&id) {
            Some(port) => {
                let datagram = port.hearing.receive(buffer)?;
                Ok(datagram.map(|datagram| (port.hearing.arrived(), datagram)))
            }
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// A packet that does not go out is lost, as it might be on the wire.
    pub(super) fn send(&mut self, packet: &Transmit) {
        let Some(port) = self.open.get_mut(&packet.port) else { return };
        match port.speaking.send(packet) {
            Ok(()) => port.mute = false,
            Err(error) if is_of_the_link(&error) => tracing::trace!("an advert to {} is lost: {error}", packet.destination),
            Err(error) if !port.mute => {
                tracing::warn!("adverts to {} cannot be sent: {error}", packet.destination);
                port.mute = true;
            }
            Err(_) => {}
        }
    }
}

/// It says only what the engine hears of by itself: the interface is down, or gone.
pub(super) fn is_of_the_link(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::ENETDOWN | Errno::ENODEV | Errno::ENXIO | Errno::ENETUNREACH | Errno::EADDRNOTAVAIL))
}
