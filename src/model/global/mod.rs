//! `global_defs` and the keywords about the process.

pub mod mail;
pub mod observe;
pub mod process;
pub mod scripts;
pub mod vrrp;

mod lvs;

pub use lvs::{FlushOnStop, Lvs, SyncDaemon, Timeouts};

/// What was set for the whole process. A field that instances inherit stays an `Option` where nothing given is a meaning
/// of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Global {
    pub process: process::Process,
    pub mail: mail::Mail,
    pub scripts: scripts::Scripts,
    pub vrrp: vrrp::Vrrp,
    pub firewall: vrrp::Firewall,
    pub lvs: Lvs,
    pub snmp: observe::Snmp,
    pub dbus: observe::Dbus,
    pub control: observe::Control,
    pub metrics: observe::Metrics,
}

/// Receive buffers of the netlink sockets of one process, in bytes; without a size, the kernel's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetlinkBuffers {
    pub command: ReceiveBuffer,
    pub monitor: ReceiveBuffer,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiveBuffer {
    pub size: Option<u32>,
    /// Beyond the system's limit (`SO_RCVBUFFORCE`).
    pub force: bool,
}
