//! What an instance lives on: `interface`, `vrf`, `use_vmac`, `use_ipvlan`.

use super::LONGEST_INTERFACE;
use crate::config::args::Args;
use crate::config::draft::vrrp::{Given, Instance, Ipvlan, Mac, Vmac};
use crate::config::keyword::Shown;
use crate::config::text::word;
use crate::model::vrrp::IpvlanMode;
use std::fmt::Write;
use std::net::IpAddr;

/// `use_vmac [[name] INTERFACE] [MAC] [netlink_notify_msg] [group N]`, in any order. What one statement says is added to
/// what an earlier one said.
pub(super) fn set_vmac(instance: &mut Instance, args: &mut Args<'_>) {
    let vmac = instance.vmac.get_or_insert_with(Vmac::default);
    while let Some(mut option) = args.word() {
        if option == "netlink_notify_msg" {
            vmac.notifies = true;
            continue;
        }
        if option == "group" && args.peek().is_some() {
            vmac.group = group(args);
            continue;
        }
        if option == "name" && args.peek().is_some() {
            option = args.word().unwrap_or_default();
        } else if option.contains(':') {
            vmac.mac = mac(option, args).or(vmac.mac);
            continue;
        }
        if !is_name(option) {
            args.error(format!("VMAC interface name '{option}' too long or invalid characters - ignoring"))
                .hint("at most 15 characters, without / and :");
        } else if vmac.name.is_some() {
            args.error("VMAC interface name already specified");
        } else {
            vmac.name = Some(Given { at: args.at, value: option.into() });
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_INTERFACE && !name.contains(|c: char| c == '/' || c == ':' || c.is_ascii_whitespace())
}

/// An interface group, by number or by name.
fn group(args: &mut Args<'_>) -> Option<Given<Box<str>>> {
    args.word().map(|group| Given { at: args.at, value: group.into() })
}

fn mac(text: &str, args: &mut Args<'_>) -> Option<Mac> {
    let mut octets = [0; 6];
    let mut count = 0;
    let mut well_formed = true;
    for part in text.split(':') {
        match (octets.get_mut(count), u8::from_str_radix(part, 16)) {
            (Some(octet), Ok(value)) if part.len() <= 2 && !part.starts_with('+') => *octet = value,
            _ => well_formed = false,
        }
        count += 1;
    }
    if !well_formed || !(5..=6).contains(&count) {
        args.error(format!("VMAC invalid MAC address {text} - ignored")).hint("six octets, or five to which the VRID is added");
        return None;
    }
    if octets[0] & 1 != 0 {
        args.error(format!("VMAC MAC address is multicast {text} - ignoring"));
        return None;
    }
    if matches!(octets, [0, 0, 0x5e, 0, 1 | 2, _]) {
        args.error(format!("VMAC MAC address not allowed to be RFC5798 address ({text}) - ignoring"))
            .hint("use_vmac without an address uses it");
        return None;
    }
    Some(Mac { octets, short: count == 5 })
}

pub(super) fn show_vmac(instance: &Instance, shown: &mut Shown<'_>) {
    let Some(vmac) = &instance.vmac else { return };
    let mut text = String::new();
    if let Some(name) = &vmac.name {
        let _ = write!(text, " name {}", word(&name.value));
    }
    if let Some(mac) = vmac.mac {
        let octets: Vec<String> = mac.octets.iter().take(if mac.short { 5 } else { 6 }).map(|octet| format!("{octet:02x}")).collect();
        let _ = write!(text, " {}", octets.join(":"));
    }
    if vmac.notifies {
        text.push_str(" netlink_notify_msg");
    }
    if let Some(group) = &vmac.group {
        let _ = write!(text, " group {}", word(&group.value));
    }
    shown.text(text.trim_start());
}

/// `use_ipvlan [[name] INTERFACE] [ADDRESS[/LEN]] [bridge|private|vepa] [group N]`.
pub(super) fn set_ipvlan(instance: &mut Instance, args: &mut Args<'_>) {
    let name = &instance.name;
    if instance.ipvlan.is_some() {
        args.error(format!("({name}) use_ipvlan already specified")).hint("say all of it in one line");
        return;
    }
    let mut ipvlan = Ipvlan { at: args.at, ..Ipvlan::default() };
    while let Some(mut option) = args.word() {
        if let Some(mode) = ipvlan_mode(option) {
            if ipvlan.mode.is_some() {
                args.error(format!("({name}) ipvlan type already specified - ignoring '{option}'"));
            } else {
                ipvlan.mode = Some(mode);
            }
            continue;
        }
        if option == "group" && args.peek().is_some() {
            ipvlan.group = group(args);
            continue;
        }
        if option == "name" && args.peek().is_some() {
            option = args.word().unwrap_or_default();
        } else if let Some(address) = prefixed(option) {
            if ipvlan.address.is_some() {
                args.error(format!("({name}) ipvlan address already specified - ignoring '{option}'"));
            } else {
                ipvlan.address = Some(address);
            }
            continue;
        }
        if option.len() > LONGEST_INTERFACE {
            args.error(format!("({name}) IPVLAN interface name '{option}' too long - ignoring")).hint("at most 15 characters");
        } else if ipvlan.name.is_some() {
            args.error(format!("({name}) IPVLAN interface already specified - ignoring '{option}'"));
        } else {
            ipvlan.name = Some(option.into());
        }
    }
    instance.ipvlan = Some(ipvlan);
}

fn ipvlan_mode(word: &str) -> Option<IpvlanMode> {
    match word {
        "bridge" => Some(IpvlanMode::Bridge),
        "private" => Some(IpvlanMode::Private),
        "vepa" => Some(IpvlanMode::Vepa),
        _ => None,
    }
}

/// `ADDRESS[/LEN]`; without a length the address alone.
fn prefixed(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Some(most), |length| length.parse().ok())?;
    (length <= most).then_some((address, length))
}

pub(super) fn show_ipvlan(instance: &Instance, shown: &mut Shown<'_>) {
    let Some(ipvlan) = &instance.ipvlan else { return };
    let mut text = String::new();
    if let Some(name) = &ipvlan.name {
        let _ = write!(text, " name {}", word(name));
    }
    if let Some((address, length)) = ipvlan.address {
        let _ = write!(text, " {address}/{length}");
    }
    text.push_str(match ipvlan.mode {
        None => "",
        Some(IpvlanMode::Bridge) => " bridge",
        Some(IpvlanMode::Private) => " private",
        Some(IpvlanMode::Vepa) => " vepa",
    });
    if let Some(group) = &ipvlan.group {
        let _ = write!(text, " group {}", word(&group.value));
    }
    shown.text(text.trim_start());
}
