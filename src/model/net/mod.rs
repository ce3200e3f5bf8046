//! Addresses, routes and rules that the daemon holds in the kernel.

pub mod address;
pub mod route;
pub mod rule;

pub use address::Address;
pub use route::Route;
pub use rule::Rule;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The routing protocol number that marks what is ours.
pub const OUR_PROTOCOL: u8 = 18;

/// What is installed from start to stop, whatever VRRP does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statics {
    pub groups: Vec<TrackGroup>,
    pub addresses: Vec<Static<Address>>,
    pub routes: Vec<Static<Route>>,
    pub rules: Vec<Static<Rule>>,
}

/// A static object with the `track_group` whose instances fail when its interface goes down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Static<T> {
    pub object: T,
    pub group: Option<Box<str>>,
}

/// A named set of VRRP instances; none is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackGroup {
    pub name: Box<str>,
    pub members: Vec<Box<str>>,
}

/// The address families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// Bits in an address.
    pub const fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    /// As the configuration writes it.
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::V4 => "inet",
            Self::V6 => "inet6",
        }
    }
}

/// An address with the length of its network part. Host bits may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    pub address: IpAddr,
    pub length: u8,
}

impl Prefix {
    /// The prefix that covers a whole family.
    pub const fn all(family: Family) -> Self {
        match family {
            Family::V4 => Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), length: 0 },
            Family::V6 => Self { address: IpAddr::V6(Ipv6Addr::UNSPECIFIED), length: 0 },
        }
    }

    pub const fn family(self) -> Family {
        Family::of(self.address)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

/// How far an address or a route is valid, as the kernel numbers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope(pub u8);

impl Scope {
    pub const GLOBAL: Self = Self(0);
    pub const SITE: Self = Self(200);
    pub const LINK: Self = Self(253);
    pub const HOST: Self = Self(254);
    pub const NOWHERE: Self = Self(255);
}

/// Routing realms, in the classes of the kernel's traffic accounting. A source of zero is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Realms {
    pub source: u8,
    pub destination: u8,
}
