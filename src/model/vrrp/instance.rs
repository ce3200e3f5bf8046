//! One virtual router.

use super::auth::Auth;
use super::group::Notify;
use crate::model::global::vrrp::ExtraGarp;
use crate::model::net::{Address, Family, Prefix, Route, Rule};
use crate::model::script::Script;
use crate::model::track::Trackers;
use std::net::IpAddr;
use std::time::Duration;

/// 1..=255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Vrid(pub u8);

/// 1..=255; the wire's 0 is not a configured priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Priority(pub u8);

impl Priority {
    /// Who has it owns the addresses.
    pub const OWNER: Self = Self(255);
    pub const DEFAULT: Self = Self(100);

    pub fn is_owner(self) -> bool {
        self == Self::OWNER
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V2,
    V3,
}

impl Version {
    pub fn of(number: u8) -> Option<Self> {
        match number {
            2 => Some(Self::V2),
            3 => Some(Self::V3),
            _ => None,
        }
    }

    pub fn number(self) -> u8 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}

/// The state that a configuration asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Master,
    Backup,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    pub name: Box<str>,
    pub vrid: Vrid,
    pub family: Family,
    pub version: Version,
    /// Absent only for unicast from an address of its own.
    pub interface: Option<Box<str>>,
    /// What unicast sockets are bound to in the place of an interface.
    pub vrf: Option<Box<str>>,
    pub carrier: Carrier,
    /// Addresses of another interface or family get a VMAC of their own.
    pub vmac_addresses: bool,
    pub transport: Transport,
    /// What adverts are sent from; otherwise the interface's first address.
    pub source: Option<IpAddr>,
    /// Without the source address on the machine the instance is in fault.
    pub tracks_source: bool,
    /// While the interface is down the instance is in fault.
    pub tracks_link: bool,
    pub role: Role,
    pub priority: Priority,
    pub preempt: Preempt,
    pub strict: bool,
    pub advert_interval: Duration,
    /// Adverts that may be missed before the master counts as down.
    pub down_timer_adverts: u8,
    pub vips: Vec<Address>,
    /// Held with the others, but not advertised.
    pub excluded: Vec<Address>,
    pub routes: Vec<Route>,
    pub rules: Vec<Rule>,
    /// The absence of addresses is meant.
    pub without_vips: bool,
    /// Traffic to the addresses is taken by a master who does not own them.
    pub accept: bool,
    pub auth: Auth,
    pub trackers: Trackers,
    pub garp: Garp,
    /// Trust the address list of the master whose adverts were checked before.
    pub skip_check_adv_addr: bool,
    /// Do not answer a lower priority at once.
    pub lower_prio_no_advert: bool,
    /// Send one advert before giving way to a higher priority.
    pub higher_prio_send_advert: bool,
    /// An owner does not listen.
    pub owner_ignore_adverts: bool,
    /// VRRPv3 over IPv4 without the pseudo header in the checksum.
    pub v3_checksum_as_v2: bool,
    /// A master that was stalled for so long that somebody of this priority must have taken over steps back.
    pub timer_expired_backup: Option<Priority>,
    pub receive_buffer: Option<u32>,
    pub promote_secondaries: bool,
    pub notify: Notify,
    pub notify_deleted: Deleted,
    pub notify_master_rx_lower_pri: Option<Box<Script>>,
    pub smtp_alert: bool,
    pub notify_priority_changes: bool,
    pub debug: u8,
    /// It can never leave the fault state: something it needs cannot be had.
    pub crippled: bool,
}

impl Instance {
    /// It is to speak to peers, and has none: with `unicast_fault_no_peer` that does not make it speak to a group.
    pub fn lacks_peers(&self) -> bool {
        matches!(&self.transport, Transport::Unicast { peers, .. } if peers.is_empty())
    }

    /// What the instance is known by over a reload and a restart. keepalived compares the same things, and not the name.
    pub fn identity(&self) -> Box<str> {
        let interface = self.interface.as_deref().unwrap_or("-");
        let reach = match &self.transport {
            Transport::Multicast { group } => format!("to {group}"),
            Transport::Unicast { peers, .. } => match self.source {
                Some(source) => format!("from {source}"),
                // Two instances may differ in their peers alone.
                None => format!("with {}", peers.iter().map(|peer| peer.address.to_string()).collect::<Vec<_>>().join(",")),
            },
        };
        let carrier = match self.carrier {
            Carrier::Interface => "",
            Carrier::Vmac(_) => "/vmac",
            Carrier::Ipvlan(_) => "/ipvlan",
        };
        let more = if self.vmac_addresses { "/addresses" } else { "" };
        format!("{}/{}/{interface}/{reach}{carrier}{more}", self.family.keyword(), self.vrid.0).into()
    }
}

// There may be thousands, and every process has all of them.
const _: () = assert!(size_of::<Instance>() <= 640);

/// What is told when a reload removes the instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Deleted {
    /// A fault, as keepalived always did.
    #[default]
    AsFault,
    AsDeleted(Option<Box<Script>>),
}

/// What the instance lives on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Carrier {
    /// The interface itself.
    #[default]
    Interface,
    Vmac(Vmac),
    Ipvlan(Ipvlan),
}

/// A macvlan with the virtual router's MAC address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vmac {
    /// Otherwise it is named after prefix and VRID when it is made.
    pub name: Option<Box<str>>,
    /// In the place of the address that RFC 5798 gives it.
    pub mac: Option<[u8; 6]>,
    /// Interface group, otherwise the parent's.
    pub group: Option<u32>,
    /// Make others see that the parent became promiscuous.
    pub notifies: bool,
    /// Adverts go out through the parent.
    pub transmits_on_base: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ipvlan {
    pub name: Option<Box<str>>,
    /// Configured on it, and the source of adverts.
    pub address: Option<Prefix>,
    pub mode: Option<IpvlanMode>,
    pub group: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpvlanMode {
    Bridge,
    Private,
    Vepa,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    Multicast {
        group: IpAddr,
    },
    Unicast {
        /// Without any the instance is in fault.
        peers: Vec<Peer>,
        ttl: Option<u8>,
        /// Adverts from others are dropped.
        check_source: bool,
        old_checksum: OldChecksum,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub address: IpAddr,
    /// Bounds on the TTL of its adverts.
    pub min_ttl: u8,
    pub max_ttl: u8,
}

/// Whether VRRPv3 unicast adverts carry the checksum of old releases, made with the multicast address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OldChecksum {
    /// As soon as a peer is seen to use it.
    #[default]
    Follow,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preempt {
    Never,
    /// So long after the first advert of a lower priority.
    After(Duration),
}

/// Gratuitous ARP, or unsolicited neighbour advertisements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Garp {
    /// Between becoming master and the second burst; zero means no second burst.
    pub delay: Duration,
    pub repeat: u32,
    /// Zero means none.
    pub refresh: Duration,
    pub refresh_repeat: u32,
    pub lower_prio_delay: Duration,
    pub lower_prio_repeat: u32,
    pub extra: Option<ExtraGarp>,
}
