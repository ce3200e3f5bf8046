//! Where the master agent is, in net-snmp's words.

use std::path::PathBuf;

/// Where agents listen unless they are told otherwise.
pub const USUAL: &str = "unix:/var/agentx/master";
const PORT: u16 = 705;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Master {
    Unix(PathBuf),
    Tcp(Box<str>, u16),
}

impl Master {
    /// `unix:PATH`, `PATH`, `tcp:HOST:PORT`, `tcp6:[HOST]:PORT`, `HOST:PORT`; or what is wrong with it.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let (kind, rest) = text.split_once(':').unwrap_or(("", text));
        match kind {
            "unix" => Ok(Self::Unix(rest.into())),
            "tcp" | "tcp6" | "tcpv6" | "tcpipv6" => Self::host(rest),
            "udp" | "udp6" | "udpv6" | "udpipv6" | "ssh" | "tlstcp" | "dtlsudp" => Err("AgentX is spoken over unix and tcp only"),
            _ if text.contains('/') => Ok(Self::Unix(text.into())),
            _ => Self::host(text),
        }
    }

    fn host(text: &str) -> Result<Self, &'static str> {
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or("there is more behind the address")?)),
            None => text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map_or(Ok(PORT), |port| port.parse().map_err(|_| "that is no port"))?;
        if host.is_empty() { Err("there is no host") } else { Ok(Self::Tcp(host.into(), port)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_net_snmp_writes_them() {
        let unix = |path: &str| Ok(Master::Unix(path.into()));
        let tcp = |host: &str, port| Ok(Master::Tcp(host.into(), port));
        for (text, want) in [
            (USUAL, unix("/var/agentx/master")),
            ("/run/agentx", unix("/run/agentx")),
            ("tcp:localhost:7050", tcp("localhost", 7050)),
            ("tcp:127.0.0.1", tcp("127.0.0.1", 705)),
            ("tcp6:[::1]:1705", tcp("::1", 1705)),
            ("tcp:[::1]", tcp("::1", 705)),
            ("localhost:705", tcp("localhost", 705)),
            ("agent", tcp("agent", 705)),
            ("tcp:host:port", Err("that is no port")),
            ("tcp:[::1]705", Err("there is more behind the address")),
            ("tcp::705", Err("there is no host")),
            ("udp:localhost:705", Err("AgentX is spoken over unix and tcp only")),
        ] {
            assert_eq!(Master::read(text), want, "{text}");
        }
    }
}
