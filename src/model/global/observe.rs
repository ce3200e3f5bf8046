//! Whom the daemon lets look inside.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snmp {
    /// The AgentX master's address; without one, the usual socket.
    pub socket: Option<Box<str>>,
    pub traps: bool,
    pub vrrp: bool,
    pub checker: bool,
    /// The MIBs of VRRP's own: for version 2, and for both.
    pub rfc2787: bool,
    pub rfc6527: bool,
    /// How old counters may be.
    pub virtual_server_stats: Duration,
    /// As for virtual servers unless given.
    pub real_server_stats: Option<Duration>,
}

impl Default for Snmp {
    fn default() -> Self {
        let virtual_server_stats = Duration::from_secs(5);
        Self {
            virtual_server_stats,
            socket: None,
            traps: false,
            vrrp: false,
            checker: false,
            rfc2787: false,
            rfc6527: false,
            real_server_stats: None,
        }
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

/// Who may ask the running daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Control {
    /// A socket beside the PID file, for the superuser alone.
    #[default]
    Usual,
    Off,
    At(Socket),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    pub path: PathBuf,
    /// Whom it belongs to, if not to the daemon's user.
    pub owner: Option<Owner>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub uid: u32,
    /// A group that may ask, but change nothing.
    pub gid: Option<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    pub listen: Vec<Listen>,
    pub names: Names,
}

/// Where metrics are had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    Address(SocketAddr),
    Path(PathBuf),
}

/// Whose names metrics have; several together if they are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Names {
    pub native: bool,
    pub cafebazaar: bool,
    pub gen2brain: bool,
}

impl Default for Names {
    fn default() -> Self {
        Self { native: true, cafebazaar: false, gen2brain: false }
    }
}
