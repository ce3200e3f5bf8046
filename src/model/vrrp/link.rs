//! How interfaces are watched and spared.

use std::time::Duration;

/// Interfaces that share a limit on gratuitous ARP and neighbour advertisements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GarpGroup {
    pub interfaces: Vec<Box<str>>,
    /// Shortest time between two gratuitous ARP messages.
    pub garp_interval: Option<Duration>,
    /// Shortest time between two unsolicited neighbour advertisements.
    pub gna_interval: Option<Duration>,
}

/// An interface whose link is polled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linkbeat {
    pub interface: Box<str>,
    pub method: LinkbeatMethod,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkbeatMethod {
    /// The first that works.
    #[default]
    Any,
    Mii,
    Ethtool,
    Ioctl,
}

/// How long a change of an interface must last before it is acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkDelay {
    pub interface: Box<str>,
    pub down: Duration,
    pub up: Duration,
}
