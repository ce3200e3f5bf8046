//! Which addresses are ours, for virtual servers that are checked only where theirs is (`ha_suspend`).

use crate::effect::net::{Device, Links};
use crate::kernel::rtnl::{Asker, Change, Monitor};
use crate::model::Model;
use crate::model::global::NetlinkBuffers;
use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

#[derive(Debug)]
pub(super) struct Presence {
    monitor: Monitor,
    asker: Asker,
    buffers: NetlinkBuffers,
    links: Links,
    /// Changes have been missed.
    pub(super) lost: bool,
}

/// Whether any virtual server cares.
pub(super) fn matters(model: &Model) -> bool {
    model.lvs.virtual_servers.iter().any(|server| server.ha_suspend)
}

impl Presence {
    pub(super) fn open(buffers: NetlinkBuffers) -> io::Result<Self> {
        // First, so that nothing is missed that happens while the picture is taken.
        let monitor = Monitor::sized(buffers.monitor)?;
        let mut asker = Asker::open_with(buffers.command)?;
        let links = asker.picture()?.links;
        Ok(Self { monitor, asker, buffers, links, lost: false })
    }

    /// All addresses of this machine.
    pub(super) fn addresses(&self) -> BTreeSet<IpAddr> {
        addresses(&self.links)
    }

    /// What has come and gone; nothing is said twice in vain, but it may be said.
    pub(super) fn changes(&mut self) -> Vec<(IpAddr, bool)> {
        let mut changes = Vec::new();
        match self.monitor.read(&mut changes) {
            Ok(_) => {}
            Err(error) => {
                tracing::warn!("changes of the network are not heard of: {error}");
                self.lost = true;
            }
        }
        let mut touched = BTreeSet::new();
        for change in changes {
            match change {
                Change::Link(link) => self.links.put(link),
                Change::LinkGone(device) => {
                    touched.extend(of(&self.links, device));
                    self.links.remove(device);
                }
                Change::Address(local) => {
                    self.links.put_address(local);
                    touched.insert(local.prefix.address);
                }
                Change::AddressGone(local) => {
                    self.links.remove_address(local);
                    touched.insert(local.prefix.address);
                }
                Change::Duplicate(_) | Change::FactSeen(_) | Change::FactGone(_) => {}
                Change::Overrun => self.lost = true,
            }
        }
        touched.into_iter().map(|address| (address, self.links.has_address(address))).collect()
    }

    /// Asks the kernel for everything, after changes were missed.
    pub(super) fn look_again(&mut self) -> Vec<(IpAddr, bool)> {
        let after = match self.asker.picture() {
            Ok(picture) => picture.links,
            Err(error) => {
                tracing::warn!("the kernel does not tell what there is: {error}");
                // The kernel may still be busy with what it was asked by that one.
                if let Ok(another) = Asker::open_with(self.buffers.command) {
                    self.asker = another;
                }
                return Vec::new();
            }
        };
        self.lost = false;
        let before = addresses(&std::mem::replace(&mut self.links, after));
        let now = self.addresses();
        before.symmetric_difference(&now).map(|&address| (address, now.contains(&address))).collect()
    }
}

fn of(links: &Links, device: Device) -> impl Iterator<Item = IpAddr> {
    links.addresses(device).iter().map(|prefix| prefix.address)
}

/// Where no device is known, there is no address.
fn addresses(links: &Links) -> BTreeSet<IpAddr> {
    links.iter().flat_map(|link| of(links, link.device)).collect()
}

impl AsFd for Presence {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.monitor.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use nix::sched::{CloneFlags, unshare};
    use std::process::Command;

    #[test]
    fn what_is_heard_has_as_much_room_as_configured() {
        use crate::model::global::ReceiveBuffer;
        use nix::sys::socket::{getsockopt, sockopt::RcvBuf};
        let monitor = ReceiveBuffer { size: Some(30_000), force: false };
        let presence = Presence::open(NetlinkBuffers { monitor, ..NetlinkBuffers::default() }).expect("it can listen");
        // The kernel doubles it, for what it spends itself.
        assert_eq!(getsockopt(&presence.as_fd(), RcvBuf), Ok(60_000));
    }

    #[test]
    fn an_address_is_ours_as_long_as_an_interface_has_it() {
        // Without the privilege there is no network to change.
        if unshare(CloneFlags::CLONE_NEWNET).is_err() {
            return;
        }
        let ip =
            |line: &str| assert!(Command::new("ip").args(line.split(' ')).status().expect("iproute2 is installed").success(), "{line}");
        ip("link set lo up");
        let address: IpAddr = [192, 0, 2, 1].into();
        let mut presence = Presence::open(NetlinkBuffers::default()).expect("it can listen");
        assert!(!presence.addresses().contains(&address));
        for (line, ours) in [
            ("address add 192.0.2.1/32 dev lo", true),
            ("address add 192.0.2.1/24 dev lo", true),
            ("address del 192.0.2.1/32 dev lo", true),
            ("address del 192.0.2.1/24 dev lo", false),
        ] {
            ip(line);
            let told = loop {
                poll(&mut [PollFd::new(presence.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).expect("it can be waited for");
                if let Some(told) = presence.changes().into_iter().find(|(about, _)| *about == address) {
                    break told;
                }
            };
            assert_eq!(told, (address, ours), "{line}");
        }
        ip("address add 192.0.2.1/32 dev lo");
        assert_eq!(presence.look_again(), [(address, true)], "what was not heard is seen");
    }
}
