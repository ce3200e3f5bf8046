//! What a kernel holds of the network, to be compared after a daemon has come and gone.

use super::host::Host;
use super::wait::within;
use std::collections::BTreeSet;
use std::time::Duration;

/// Links, addresses, routes, rules, settings and packet filters of a namespace, one thing a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot(Vec<String>);

impl Snapshot {
    #[track_caller]
    pub(crate) fn of(host: &Host) -> Self {
        // A fresh interface has its link-local address a moment before the route to it. One that is down has no route.
        let _ = within(Duration::from_secs(2), || link_locals_are_routed(host).then_some(()));
        let mut lines = Vec::new();
        let mut take = |text: String, keep: fn(&str) -> Option<String>| lines.extend(text.lines().filter_map(keep));
        // Numbers of interfaces are no matter, nor is the order in which there were others between them.
        take(host.ip("-d -o link show"), |line| line.split_once(": ").map(|(_, rest)| format!("link {}", settled(rest))));
        take(host.ip("-o addr show"), |line| line.split_once(": ").map(|(_, rest)| format!("addr {}", words(rest))));
        for family in ["-4", "-6"] {
            take(host.ip(&format!("-d -o {family} route show table all")), |line| Some(format!("route {}", words(line))));
            take(host.ip(&format!("{family} rule show")), |line| Some(format!("rule {}", words(line))));
        }
        take(host.sh("sysctl -a --pattern ^net.ipv[46].(conf|igmp|neigh)"), |line| Some(format!("sysctl {line}")));
        take(host.sh("nft -s list ruleset"), |line| Some(format!("nft {line}")));
        Self(lines)
    }

    /// How much is there now that was not, or the other way round.
    #[track_caller]
    pub(crate) fn differences(&self, host: &Host) -> usize {
        let now = Self::of(host);
        let (before, after): (BTreeSet<&String>, BTreeSet<&String>) = (self.0.iter().collect(), now.0.iter().collect());
        before.symmetric_difference(&after).count()
    }

    /// The kernel holds the same again.
    #[track_caller]
    pub(crate) fn assert_back(&self, host: &Host) {
        let now = Self::of(host);
        let (before, after): (BTreeSet<&String>, BTreeSet<&String>) = (self.0.iter().collect(), now.0.iter().collect());
        let gone: Vec<_> = before.difference(&after).map(|line| format!("- {line}")).collect();
        let come: Vec<_> = after.difference(&before).map(|line| format!("+ {line}")).collect();
        assert!(gone.is_empty() && come.is_empty(), "{} is not as it was:\n{}\n{}", host.name(), gone.join("\n"), come.join("\n"));
        assert_eq!(now.0.len(), self.0.len(), "something is there twice");
    }
}

fn link_locals_are_routed(host: &Host) -> bool {
    let routes = host.ip("-6 -o route show table local");
    let is_routed = |address: &str| routes.lines().any(|line| line.split_whitespace().any(|word| word == address));
    let shown = host.ip("-6 -o addr show scope link up");
    let mut addresses = shown.lines().filter_map(|line| line.split_whitespace().nth(3)?.split('/').next());
    addresses.all(is_routed)
}

/// Without what only tells how long something has left, or that the kernel has just begun with it.
fn words(line: &str) -> String {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    if let Some(at) = words.iter().position(|word| *word == "expires") {
        words.drain(at..(at + 2).min(words.len()));
    }
    words.retain(|word| *word != "tentative");
    words.join(" ")
}

/// The kernel says a while later that the other end of a cable has come up: that is nobody's doing.
fn settled(link: &str) -> String {
    link.replace("NO-CARRIER,", "").replace(" state LOWERLAYERDOWN ", " state UP ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_left_behind_is_seen() {
        let host = Host::new("left");
        for line in ["link add e0 type veth peer name p0", "link set p0 up", "link set e0 up", "addr add 10.0.0.1/24 dev e0"] {
            host.ip(line);
        }
        let before = Snapshot::of(&host);
        before.assert_back(&host);
        for (does, undoes) in [
            ("ip link add e1 type veth peer name p1", "ip link del e1"),
            ("ip link set e0 promisc on", "ip link set e0 promisc off"),
            ("ip addr add 10.0.0.2/24 dev e0", "ip addr del 10.0.0.2/24 dev e0"),
            ("ip route add 10.9.0.0/24 dev e0 table 99", "ip route del 10.9.0.0/24 dev e0 table 99"),
            ("ip rule add from 10.9.0.1 table 99", "ip rule del from 10.9.0.1 table 99"),
            ("sysctl -w net.ipv4.conf.e0.arp_ignore=1", "sysctl -w net.ipv4.conf.e0.arp_ignore=0"),
            ("nft add table ip t", "nft delete table ip t"),
        ] {
            host.sh(does);
            assert_ne!(Snapshot::of(&host), before, "{does}");
            host.sh(undoes);
            before.assert_back(&host);
        }
    }
}
