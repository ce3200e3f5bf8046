//! Interfaces that we make, and settings of the kernel that we change.

use super::net::{Device, Link, Mac};
use crate::model::vrrp::IpvlanMode;
use std::fmt;

/// What an interface is, as far as it matters to what is put on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Hardware, or something else that needs no care.
    #[default]
    Plain,
    Macvlan {
        /// It hears nothing of its siblings: such as we make.
        private: bool,
    },
    Ipvlan,
    Vlan,
    Bond,
    Bridge,
    Vrf,
}

impl Kind {
    /// It shares the network of its parent under a MAC or IP address of its own.
    pub const fn is_stacked(self) -> bool {
        matches!(self, Self::Macvlan { .. } | Self::Ipvlan)
    }
}

/// An interface on top of another one, there and up for as long as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDevice {
    pub name: Box<str>,
    pub parent: Device,
    pub upper: Upper,
    /// Otherwise the parent's.
    pub group: Option<u32>,
    /// What it belongs to beside its parent.
    pub vrf: Option<Device>,
    /// Before it goes up.
    pub settings: Box<[(Knob, u32)]>,
    /// Make others see that the parent became promiscuous.
    pub shows_parent: bool,
}

impl NewDevice {
    /// Whether this is the interface that is wanted, whoever made it.
    pub fn is(&self, link: &Link) -> bool {
        let alike = match self.upper {
            Upper::Macvlan(mac) => link.kind == Kind::Macvlan { private: true } && link.mac == Some(mac),
            Upper::Ipvlan(_) => link.kind == Kind::Ipvlan,
        };
        alike && *link.name == *self.name && link.parent == Some(self.parent)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upper {
    /// A private one.
    Macvlan(Mac),
    /// On the second layer.
    Ipvlan(Option<IpvlanMode>),
}

/// A value that is what it was before when nobody wants it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    pub scope: Scope,
    pub knob: Knob,
    pub value: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The namespace. With [`Knob::ReversePath`] what was in force for all becomes each interface's own, so that one of them
    /// can be exempt.
    All,
    Default,
    Device(Device),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Knob {
    /// `arp_ignore`
    ArpIgnore,
    /// `arp_filter`
    ArpFilter,
    /// `accept_local`
    AcceptLocal,
    /// `rp_filter`
    ReversePath,
    /// `promote_secondaries`
    PromoteSecondaries,
    /// `disable_ipv6`
    DisableIpv6,
    /// `igmp_link_local_mcast_reports`, of the namespace only.
    LinkLocalReports,
}

impl Knob {
    const ALL: [Self; 7] = [
        Self::ArpIgnore,
        Self::ArpFilter,
        Self::AcceptLocal,
        Self::ReversePath,
        Self::PromoteSecondaries,
        Self::DisableIpv6,
        Self::LinkLocalReports,
    ];

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|knob| knob.name() == name)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::ArpIgnore => "arp_ignore",
            Self::ArpFilter => "arp_filter",
            Self::AcceptLocal => "accept_local",
            Self::ReversePath => "rp_filter",
            Self::PromoteSecondaries => "promote_secondaries",
            Self::DisableIpv6 => "disable_ipv6",
            Self::LinkLocalReports => "igmp_link_local_mcast_reports",
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scope {
            Scope::All => write!(f, "{} of all interfaces", self.knob.name()),
            Scope::Default => write!(f, "{} of new interfaces", self.knob.name()),
            Scope::Device(Device(number)) => write!(f, "{} of interface {number}", self.knob.name()),
        }
    }
}
