//! Who is written to, by whom, and through what.

use std::net::SocketAddr;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// What the daemon calls itself in mail subjects and to SNMP.
    pub router_id: Box<str>,
    /// Without a server nothing is sent.
    pub server: Option<SocketAddr>,
    pub from: Box<str>,
    pub helo_name: Box<str>,
    pub recipients: Vec<Box<str>>,
    /// For connecting and for every reply.
    pub timeout: Duration,
    /// The defaults of `smtp_alert`: for everything, for VRRP, for real and virtual servers.
    pub alert: Option<bool>,
    pub alert_vrrp: Option<bool>,
    pub alert_checker: Option<bool>,
    /// No mail about faults.
    pub no_faults: bool,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            router_id: Box::default(),
            server: None,
            from: Box::default(),
            helo_name: Box::default(),
            recipients: Vec::new(),
            timeout: Duration::from_secs(30),
            alert: None,
            alert_vrrp: None,
            alert_checker: None,
            no_faults: false,
        }
    }
}
