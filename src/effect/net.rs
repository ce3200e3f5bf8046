//! The network as the kernel has it, and what we want it to hold.

use super::device::{Kind, NewDevice, Setting};
use crate::model::net::{Address, Prefix, Route, Rule};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// The kernel's number of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device(pub u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

/// An interface, as far as engines care.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub device: Device,
    pub name: Box<str>,
    /// Set up by the administrator, and with a carrier.
    pub up: bool,
    /// Absent where there is none of six bytes.
    pub mac: Option<Mac>,
    pub mtu: u32,
    /// Address resolution makes no sense on it.
    pub no_arp: bool,
    /// What it sits on: a VLAN's or macvlan's parent.
    pub parent: Option<Device>,
    /// What it is a port of, or the VRF that it belongs to.
    pub master: Option<Device>,
    pub kind: Kind,
    pub group: u32,
}

impl Link {
    /// One with nothing special about it, and without a hardware address.
    pub fn plain(device: Device, name: &str, up: bool) -> Self {
        Self { device, name: name.into(), up, mac: None, mtu: 1500, no_arp: false, parent: None, master: None, kind: Kind::Plain, group: 0 }
    }
}

/// An address on an interface that packets can be sent from: not tentative, not a failed duplicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Local {
    pub device: Device,
    pub prefix: Prefix,
}

/// One picture of interfaces and their addresses, kept up to date by the monitor's events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    by_device: BTreeMap<Device, Link>,
    by_name: HashMap<Box<str>, Device>,
    /// In the kernel's order, which decides which one adverts are sent from.
    addresses: BTreeMap<Device, Vec<Prefix>>,
}

impl Links {
    pub fn put(&mut self, link: Link) {
        let (name, device) = (link.name.clone(), link.device);
        if let Some(before) = self.by_device.insert(device, link) {
            self.forget_name(&before);
        }
        self.by_name.insert(name, device);
    }

    /// Its addresses go with it.
    pub fn remove(&mut self, device: Device) -> Option<Link> {
        self.addresses.remove(&device);
        let gone = self.by_device.remove(&device)?;
        self.forget_name(&gone);
        Some(gone)
    }

    /// Unless another one has it already.
    fn forget_name(&mut self, link: &Link) {
        if self.by_name.get(&link.name) == Some(&link.device) {
            self.by_name.remove(&link.name);
        }
    }

    /// Returns whether it is new.
    pub fn put_address(&mut self, local: Local) -> bool {
        let list = self.addresses.entry(local.device).or_default();
        let new = !list.contains(&local.prefix);
        if new {
            list.push(local.prefix);
        }
        new
    }

    /// Returns whether it was there.
    pub fn remove_address(&mut self, local: Local) -> bool {
        let Some(list) = self.addresses.get_mut(&local.device) else { return false };
        let before = list.len();
        list.retain(|&prefix| prefix != local.prefix);
        list.len() != before
    }

    pub fn get(&self, device: Device) -> Option<&Link> {
        self.by_device.get(&device)
    }

    pub fn named(&self, name: &str) -> Option<&Link> {
        self.get(*self.by_name.get(name)?)
    }

    pub fn addresses(&self, device: Device) -> &[Prefix] {
        self.addresses.get(&device).map_or(&[], Vec::as_slice)
    }

    /// Whether the machine has this address, on any interface.
    pub fn has_address(&self, address: IpAddr) -> bool {
        self.addresses.values().flatten().any(|prefix| prefix.address == address)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Link> {
        self.by_device.values()
    }

    pub fn devices(&self) -> BTreeSet<Device> {
        self.by_device.keys().copied().collect()
    }
}

/// A thing in the kernel that somebody of ours wants there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    Device(Box<NewDevice>),
    Setting(Setting),
    Address(Placed),
    Route(Box<Route>),
    Rule(Box<Rule>),
}

/// An address on the interface that it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub device: Device,
    pub address: Address,
    /// How long it stays unless [`Action::Renew`](super::Action::Renew) comes; without it, for ever.
    pub lease: Option<Duration>,
}

/// Who wants a [`Fact`]. An instance's number is never given to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    Instance(InstanceId),
    Statics,
    /// The interfaces that instances live on, whatever state they are in.
    Devices,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(pub u32);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}
