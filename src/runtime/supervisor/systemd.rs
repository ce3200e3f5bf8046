//! What the service manager is told (sd_notify(3)).

use crate::sys::process::take_variable;
use nix::time::{ClockId, clock_gettime};
use std::ffi::{OsStr, OsString};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

const VARIABLE: &str = "NOTIFY_SOCKET";
/// In characters.
const LONGEST_STATUS: usize = 500;

#[derive(Debug)]
pub(super) struct Manager {
    /// Absent where nobody wants to know.
    line: Option<(UnixDatagram, SocketAddr)>,
    /// What was taken out of the environment.
    name: Option<OsString>,
}

impl Manager {
    /// The variable is taken out of the environment, so that no script speaks for us.
    pub(super) fn find() -> Self {
        let name = take_variable(VARIABLE);
        let address = name.as_deref().and_then(address);
        let line = address.and_then(|address| {
            let socket = UnixDatagram::unbound().ok()?;
            socket.set_nonblocking(true).ok()?;
            Some((socket, address))
        });
        Self { line, name }
    }

    /// For a program that is to find the same.
    pub(super) fn variable(&self) -> Option<(&'static str, &OsStr)> {
        Some((VARIABLE, self.name.as_deref()?))
    }

    fn tell(&self, text: &str) {
        if let Some((socket, address)) = &self.line {
            // A manager that does not listen goes by what it sees.
            drop(socket.send_to_addr(text.as_bytes(), address));
        }
    }

    pub(super) fn ready(&self, pid: i32) {
        self.tell(&format!("READY=1\nMAINPID={pid}\nSTATUS=Serving"));
    }

    /// We go on, but not as somebody wanted: `systemctl status` shows why.
    pub(super) fn refused(&self, pid: i32, reason: &str) {
        // One line, whatever it quotes.
        let reason: String = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_STATUS).collect();
        self.tell(&format!("READY=1\nMAINPID={pid}\nSTATUS=Reload refused: {reason}\nERRNO={}", nix::libc::EINVAL));
    }

    pub(super) fn reloading(&self) {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default();
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", now.as_micros()));
    }

    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    pub(super) fn failed(&self, errno: i32) {
        self.tell(&format!("ERRNO={errno}"));
    }
}

fn address(name: &OsStr) -> Option<SocketAddr> {
    match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name).ok(),
        [b'/', ..] => SocketAddr::from_pathname(name).ok(),
        _ => None,
    }
}
