//! What all VRRP instances start from, and how the VRRP process sees the network.

use super::NetlinkBuffers;
use crate::model::net::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vrrp {
    /// The version where the instance does not say: without one here, 2 for IPv4 and 3 for IPv6.
    pub version: Option<u8>,
    pub mcast_group4: Ipv4Addr,
    pub mcast_group6: Ipv6Addr,
    pub garp: Garp,
    pub lower_prio_no_advert: bool,
    pub higher_prio_send_advert: bool,
    /// Adverts missed before a master is taken for dead.
    pub down_timer_adverts: u8,
    pub check_unicast_src: bool,
    pub skip_check_adv_addr: bool,
    pub strict: bool,
    pub owner_ignore_adverts: bool,
    pub log_unknown_vrids: bool,
    pub v3_checksum_as_v2: bool,
    pub vmac_prefix: Option<Box<str>>,
    pub vmac_addr_prefix: Option<Box<str>>,
    pub dynamic_interfaces: DynamicInterfaces,
    /// Where static addresses and routes go that name no interface.
    pub default_interface: Option<Box<str>>,
    pub disable_local_igmp: bool,
    /// How long the instances are held back after the start of the daemon, and after that of the machine.
    pub startup_delay: Duration,
    pub delay_after_boot: Duration,
    pub receive_buffer: AdvertBuffer,
    pub receive_buffer_multiplier: u32,
    pub netlink: NetlinkBuffers,
    /// How long the kernel keeps virtual addresses that nobody renews; without it, for ever.
    pub vip_lease: Option<Duration>,
}

impl Default for Vrrp {
    fn default() -> Self {
        Self {
            version: None,
            mcast_group4: Ipv4Addr::new(224, 0, 0, 18),
            mcast_group6: Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12),
            garp: Garp::default(),
            lower_prio_no_advert: false,
            higher_prio_send_advert: false,
            down_timer_adverts: 3,
            check_unicast_src: false,
            skip_check_adv_addr: false,
            strict: false,
            owner_ignore_adverts: false,
            log_unknown_vrids: false,
            v3_checksum_as_v2: false,
            vmac_prefix: None,
            vmac_addr_prefix: None,
            dynamic_interfaces: DynamicInterfaces::default(),
            default_interface: None,
            disable_local_igmp: false,
            startup_delay: Duration::ZERO,
            delay_after_boot: Duration::ZERO,
            receive_buffer: AdvertBuffer::default(),
            receive_buffer_multiplier: 3,
            netlink: NetlinkBuffers::default(),
            vip_lease: None,
        }
    }
}

impl Vrrp {
    /// Where multicast adverts go unless the instance has a group of its own.
    pub fn mcast_group(&self, family: Family) -> IpAddr {
        match family {
            Family::V4 => self.mcast_group4.into(),
            Family::V6 => self.mcast_group6.into(),
        }
    }
}

/// Gratuitous ARP and unsolicited neighbour advertisements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Garp {
    /// When the second burst follows; zero for none.
    pub delay: Duration,
    pub repeat: u32,
    /// How often a master announces itself again; zero for never.
    pub refresh: Duration,
    pub refresh_repeat: u32,
    /// After an advert of lower priority; as for a new master unless given.
    pub lower_prio_delay: Option<Duration>,
    pub lower_prio_repeat: Option<u32>,
    /// Between two packets on an interface.
    pub arp_interval: Duration,
    pub na_interval: Duration,
    pub extra: Option<ExtraGarp>,
}

impl Garp {
    pub const DEFAULT: Self = Self {
        delay: Duration::from_secs(5),
        repeat: 5,
        refresh: Duration::ZERO,
        refresh_repeat: 1,
        lower_prio_delay: None,
        lower_prio_repeat: None,
        arp_interval: Duration::ZERO,
        na_interval: Duration::ZERO,
        extra: None,
    };
}

impl Default for Garp {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Announcements on virtual MAC interfaces, or on all that hold an address, for switches that forget soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtraGarp {
    pub all: bool,
    pub interval: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DynamicInterfaces {
    #[default]
    No,
    /// Interfaces may come and go.
    Yes,
    /// They may also come back as something else.
    AllowChanges,
}

/// How large the receive buffer for adverts is, before the multiplier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AdvertBuffer {
    #[default]
    System,
    Mtu,
    LargestAdvert,
    Bytes(u32),
}

/// Whose rules keep others from addresses that are not accepted, and fence virtual MACs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firewall {
    pub iptables: Option<Chains>,
    pub ipsets: Option<SetNames>,
    pub nftables: Option<Box<str>>,
    pub nftables_priority: i32,
    pub nftables_ifindex: bool,
    pub nftables_counters: bool,
}

impl Default for Firewall {
    fn default() -> Self {
        let nftables_priority = -1;
        Self { iptables: None, ipsets: None, nftables: None, nftables_priority, nftables_ifindex: false, nftables_counters: false }
    }
}

/// The iptables chains that rules go into; without one for a direction, no rules for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chains {
    pub input: Box<str>,
    pub output: Option<Box<str>>,
}

/// Whether ipsets are used beside iptables, and their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetNames {
    /// Addresses go into rules of their own.
    NoSets,
    Named(Box<[Box<str>; 6]>),
}
