//! Whom the daemon lets look inside.

use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snmp {
    /// The AgentX master's address; without one, the usual socket.
    pub socket: Option<Box<str>>,
    pub traps: bool,
    pub vrrp: bool,
    pub checker: bool,
    /// How old counters may be.
    pub virtual_server_stats: Duration,
    /// As for virtual servers unless given.
    pub real_server_stats: Option<Duration>,
}

impl Default for Snmp {
    fn default() -> Self {
        let virtual_server_stats = Duration::from_secs(5);
        Self { socket: None, traps: false, vrrp: false, checker: false, virtual_server_stats, real_server_stats: None }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dbus {
    pub enabled: bool,
    /// Without one, `org.keepalived.Vrrp1`.
    pub service_name: Option<Box<str>>,
    /// What stands for the interface in the path of instances without one.
    pub no_interface_name: Option<Box<str>>,
}
