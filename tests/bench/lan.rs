//! A switched network: two bridges with a trunk between them, so that it can be cut in two.

use super::host::Host;

/// Which of the two switches a port is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

impl Side {
    fn bridge(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Lan {
    switch: Host,
}

impl Lan {
    pub(crate) fn new() -> Self {
        let switch = Host::new("switch");
        for bridge in ["left", "right"] {
            // A switch that snoops would wait for reports of membership before it passes adverts on.
            switch.ip(&format!("link add {bridge} type bridge mcast_snooping 0"));
            switch.ip(&format!("link set {bridge} up"));
        }
        switch.ip("link add trunk type veth peer name knurt");
        for (port, bridge) in [("trunk", "left"), ("knurt", "right")] {
            switch.ip(&format!("link set {port} master {bridge} up"));
        }
        Self { switch }
    }

    /// Connects a host by an interface of this name, with these addresses (`10.0.0.1/24`).
    #[track_caller]
    pub(crate) fn join(&self, side: Side, host: &Host, interface: &str, addresses: &[&str]) {
        let port = Self::port(host, interface);
        self.switch.ip(&format!("link add {port} type veth peer name {interface} netns {}", host.namespace()));
        self.switch.ip(&format!("link set {port} master {} up", side.bridge()));
        host.ip(&format!("link set {interface} up"));
        for address in addresses {
            host.ip(&format!("addr add {address} dev {interface}"));
        }
    }

    /// Takes the host's link away altogether, as when a card is pulled.
    #[track_caller]
    pub(crate) fn remove(&self, host: &Host, interface: &str) {
        self.switch.ip(&format!("link del {}", Self::port(host, interface)));
    }

    /// The host sees its carrier go.
    #[track_caller]
    pub(crate) fn unplug(&self, host: &Host, interface: &str) {
        self.switch.ip(&format!("link set {} down", Self::port(host, interface)));
    }

    #[track_caller]
    pub(crate) fn plug(&self, host: &Host, interface: &str) {
        self.switch.ip(&format!("link set {} up", Self::port(host, interface)));
    }

    /// The two sides no longer hear each other; nobody sees a carrier go.
    #[track_caller]
    pub(crate) fn split(&self) {
        self.switch.ip("link set trunk down");
    }

    #[track_caller]
    pub(crate) fn heal(&self) {
        self.switch.ip("link set trunk up");
    }

    /// Nothing that the host sends gets through, while it still hears.
    #[track_caller]
    pub(crate) fn mute(&self, host: &Host, interface: &str) {
        let port = Self::port(host, interface);
        self.switch.deafen(&port, "");
    }

    #[track_caller]
    pub(crate) fn unmute(&self) {
        self.switch.listen();
    }

    fn port(host: &Host, interface: &str) -> String {
        format!("{}-{interface}", host.name())
    }
}

impl Default for Lan {
    fn default() -> Self {
        Self::new()
    }
}
