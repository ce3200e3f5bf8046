//! What concerns IPVS as a whole.

use super::NetlinkBuffers;
use std::net::IpAddr;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lvs {
    pub timeouts: Timeouts,
    /// The table is emptied at the start.
    pub flush: bool,
    pub flush_on_stop: FlushOnStop,
    pub sync_daemon: Option<SyncDaemon>,
    /// The nftables table with which address groups become one service.
    pub nftables: Option<Box<str>>,
    pub nftables_priority: i32,
    pub nftables_start_fwmark: u32,
    /// Notify scripts of real servers also run at the start.
    pub rs_init_notifies: bool,
    /// Mail only when a real server comes or goes.
    pub no_checker_emails: bool,
    /// Every failed probe is logged.
    pub log_all_failures: bool,
    pub netlink: NetlinkBuffers,
}

impl Default for Lvs {
    fn default() -> Self {
        Self {
            timeouts: Timeouts::default(),
            flush: false,
            flush_on_stop: FlushOnStop::default(),
            sync_daemon: None,
            nftables: None,
            nftables_priority: -1,
            nftables_start_fwmark: 1000,
            rs_init_notifies: false,
            no_checker_emails: false,
            log_all_failures: false,
            netlink: NetlinkBuffers::default(),
        }
    }
}

/// Connection timeouts; the kernel's stay where none is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    pub tcp: Option<Duration>,
    pub tcp_fin: Option<Duration>,
    pub udp: Option<Duration>,
}

/// How the table is left at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlushOnStop {
    /// What was put in is taken out, one by one.
    #[default]
    No,
    /// Everything goes, whoever put it there.
    All,
    /// Virtual servers go, and their real servers with them.
    VirtualServers,
}

/// Connections are told to another director.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncDaemon {
    pub interface: Box<str>,
    /// Master and backup of the daemon follow this VRRP instance; without one both run all the time.
    pub instance: Option<Box<str>>,
    /// Once resolved it is always there.
    pub id: Option<u8>,
    pub max_len: Option<u16>,
    pub port: Option<u16>,
    pub ttl: Option<u8>,
    pub group: Option<IpAddr>,
}
