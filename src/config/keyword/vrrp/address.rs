//! Whom an instance talks to, and from where: `unicast_peer`, source and destination addresses.

use crate::config::args::{Args, host};
use crate::config::draft::vrrp::{Given, Instance, Peer};
use crate::config::keyword::Shown;
use crate::model::vrrp::OldChecksum;
use std::fmt::Write;
use std::net::IpAddr;

pub(super) fn set_source(instance: &mut Instance, args: &mut Args<'_>) {
    let Some(word) = args.need() else { return };
    match host(word) {
        Some(value) => instance.sources.push(Given { at: args.at, value }),
        None => {
            let text = format!("Configuration error: VRRP instance[{}] malformed src address[{word}]. Skipping...", instance.name);
            args.error(text);
        }
    }
}

/// The same address as `mcast_src_ip`; to name it so is a sign of unicast.
pub(super) fn set_unicast_source(instance: &mut Instance, args: &mut Args<'_>) {
    set_source(instance, args);
    instance.is_about_unicast(args.at);
}

pub(super) fn show_source(instance: &Instance, shown: &mut Shown<'_>) {
    if let (None, Some(source)) = (instance.unicast, instance.sources.last()) {
        shown.value(&source.value);
    }
}

pub(super) fn show_unicast_source(instance: &Instance, shown: &mut Shown<'_>) {
    if let (Some(_), Some(source)) = (instance.unicast, instance.sources.last()) {
        shown.value(&source.value);
    }
}

pub(super) fn set_group(instance: &mut Instance, args: &mut Args<'_>) {
    let Some(word) = args.need() else { return };
    let name = &instance.name;
    let Some(address) = host(word) else {
        args.error(format!("({name}) malformed mcast dest address {word}. Skipping..."));
        return;
    };
    let link_local = match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => address.octets()[1] & 0x0f == 2,
    };
    if !address.is_multicast() {
        args.error(format!("({name}) mcast_dst_ip {word} not multicast. Skipping..."));
    } else if !link_local {
        args.error(format!("({name}) mcast_dst_ip {word} not link-local multicast. Skipping...")).hint("ff02::/16");
    } else {
        instance.groups.push(Given { at: args.at, value: address });
    }
}

pub(super) fn open_peers(instance: &mut Instance, args: &mut Args<'_>) {
    instance.is_about_unicast(args.at);
    if let Some(extra) = args.word() {
        let keyword = args.keyword;
        args.error(format!("Block {keyword} has extra parameters {extra} ..."));
    }
}

/// `ADDRESS [min_ttl N] [max_ttl N]`. What is wrong with an option costs the rest of the line.
pub(super) fn peer_entry(instance: &mut Instance, args: &mut Args<'_>) {
    let Some(word) = args.need() else { return };
    let name = &instance.name;
    let Some(address) = host(word) else {
        let text = format!("Configuration error: VRRP instance[{name}] malformed unicast peer address[{word}]. Skipping...");
        args.error(text);
        return;
    };
    let mut peer = Peer { at: args.at, address, min_ttl: None, max_ttl: None };
    while let Some(option) = args.word() {
        if !matches!(option, "min_ttl" | "max_ttl") {
            args.error(format!("({name}) unknown unicast_peer option {option}")).hint("ADDRESS [min_ttl N] [max_ttl N]");
            break;
        }
        let Some(value) = args.word() else {
            args.error(format!("({name}) {option} is missing a value"));
            break;
        };
        let Some(ttl) = args.number_in::<u8>(value, 0, 255) else { break };
        if option == "min_ttl" {
            peer.min_ttl = Some(ttl);
        } else {
            peer.max_ttl = Some(ttl);
        }
    }
    if let (Some(min), Some(max)) = (peer.min_ttl, peer.max_ttl)
        && min > max
    {
        args.error(format!("({name}) min_ttl {min} > max_ttl {max} - all packets will be discarded"));
    }
    instance.peers.push(peer);
}

pub(super) fn show_peers(instance: &Instance, shown: &mut Shown<'_>) {
    if instance.unicast.is_some() && instance.peers.is_empty() {
        // An empty list is a statement of its own: with unicast_fault_no_peer it holds the instance in fault.
        shown.dump.open(shown.name);
        shown.dump.close();
    }
    shown.list(instance.peers.iter().map(|peer| {
        let mut text = peer.address.to_string();
        for (option, ttl) in [("min_ttl", peer.min_ttl), ("max_ttl", peer.max_ttl)] {
            if let Some(ttl) = ttl {
                let _ = write!(text, " {option} {ttl}");
            }
        }
        text
    }));
}

pub(super) fn set_old_checksum(instance: &mut Instance, args: &mut Args<'_>) {
    instance.is_about_unicast(args.at);
    match args.word() {
        None => instance.old_checksum = Some(OldChecksum::Always),
        Some("never") => instance.old_checksum = Some(OldChecksum::Never),
        Some(other) => {
            args.error(format!("({}) Unknown old_unicast_chksum mode {other} - ignoring", instance.name))
                .hint("old_unicast_checksum [never]");
        }
    }
}

pub(super) fn show_old_checksum(instance: &Instance, shown: &mut Shown<'_>) {
    match instance.old_checksum {
        None | Some(OldChecksum::Follow) => {}
        Some(OldChecksum::Always) => shown.text(""),
        Some(OldChecksum::Never) => shown.text("never"),
    }
}
