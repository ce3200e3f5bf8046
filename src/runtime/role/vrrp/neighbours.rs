//! The neighbours on the links of our addresses: what they are told, and what they say.

use super::key::{Kind, key};
use super::ports::is_of_the_link;
use crate::effect::net::{Device, Links, Mac};
use crate::effect::packet::Target;
use crate::effect::time::Instant;
use crate::kernel::socket::neighbour::{Heard, Listener, Speaker};
use crate::model::net::Family;
use crate::runtime::poll::Poll;
use crate::vrrp::announce::base;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

/// How long it is trusted that a machine routes, or not.
const ROUTING: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Neighbours {
    speaker: Speaker,
    listeners: BTreeMap<(Device, Family), Listener>,
    /// Whether IPv6 is forwarded from an interface, and when that was found.
    routing: HashMap<Box<str>, (Instant, bool)>,
}

fn kind(family: Family) -> Kind {
    match family {
        Family::V4 => Kind::Neighbour4,
        Family::V6 => Kind::Neighbour6,
    }
}

impl Neighbours {
    pub(super) fn new(speaker: Speaker) -> Self {
        Self { speaker, listeners: BTreeMap::new(), routing: HashMap::new() }
    }

    /// Hears the neighbours where these addresses are, and nowhere else.
    pub(super) fn listen(&mut self, wanted: &BTreeSet<(Device, Family)>, links: &Links, poll: &Poll) {
        self.listeners.retain(|place, listener| {
            let stays = wanted.contains(place);
            if !stays {
                drop(poll.remove(listener));
            }
            stays
        });
        for &(device, family) in wanted {
            if self.listeners.contains_key(&(device, family)) || mac(links, device).is_none() {
                continue;
            }
            let opened = Listener::open(device, family).map_err(|failed| failed.to_string()).and_then(|listener| {
                poll.add(&listener, key(kind(family), device.0)).map_err(|error| error.to_string())?;
                Ok(listener)
            });
            match opened {
                Ok(listener) => {
                    self.listeners.insert((device, family), listener);
                }
                // One of those that make us safer, not one that we cannot do without.
                Err(reason) => tracing::warn!("claims of our addresses by others will not be noticed: {reason}"),
            }
        }
    }

    /// The next word of a neighbour, none if what came was not one, or an error if nothing came.
    pub(super) fn hear(&self, device: Device, family: Family, buffer: &mut [u8]) -> io::Result<Option<Heard>> {
        match self.listeners.get(&(device, family)) {
            Some(listener) => listener.hear(buffer),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    pub(super) fn announce(&mut self, now: Instant, target: Target, links: &Links) {
        if let (Some(link), IpAddr::V4(address)) = (links.get(target.device), target.address)
            && let Some(infiniband) = link.infiniband.as_deref().filter(|_| !link.no_arp)
        {
            return said(target.address, self.speaker.announce_infiniband(target.device, infiniband, address));
        }
        let Some(mac) = mac(links, target.device) else { return };
        // What the router bit says is a matter of the interface that packets come in by.
        let router = target.address.is_ipv6() && links.get(base(links, target.device)).is_some_and(|link| self.routes(now, &link.name));
        said(target.address, self.speaker.announce(target.device, mac, target.address, router));
    }

    pub(super) fn probe(&self, target: Target, links: &Links) {
        if let Some(mac) = mac(links, target.device) {
            said(target.address, self.speaker.probe(target.device, mac, target.address));
        }
    }

    fn routes(&mut self, now: Instant, name: &str) -> bool {
        if let Some(&(at, routes)) = self.routing.get(name)
            && now.since(at) < ROUTING
        {
            return routes;
        }
        let path = Path::new("/proc/sys/net/ipv6/conf").join(name).join("forwarding");
        let routes = std::fs::read_to_string(path).is_ok_and(|text| text.trim() != "0");
        self.routing.insert(name.into(), (now, routes));
        routes
    }
}

/// Only where addresses are resolved to six bytes.
fn mac(links: &Links, device: Device) -> Option<Mac> {
    links.get(device).filter(|link| !link.no_arp)?.mac
}

fn said(address: IpAddr, outcome: io::Result<()>) {
    match outcome {
        Ok(()) => {}
        Err(error) if is_of_the_link(&error) => tracing::trace!("an announcement of {address} is lost: {error}"),
        Err(error) => tracing::debug!("an announcement of {address} is lost: {error}"),
    }
}
