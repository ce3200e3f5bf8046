//! VRRP as a whole, and the firewall rules around it.

use crate::config::args::{Args, decimal, host};
use crate::config::draft::global::Global;
use crate::config::keyword::Shown;
use crate::config::text::word;
use crate::model::global::vrrp::{AdvertBuffer, Chains, DynamicInterfaces, ExtraGarp, Garp, SetNames};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// Limits of the kernel's names: an iptables chain, an ipset, and for nftables what keepalived's buffers hold.
const LONGEST_CHAIN: usize = 27;
const LONGEST_SET: usize = 30;
const LONGEST_TABLE: usize = 254;

/// A pause between announcements; zero, which cannot be written, is the default.
macro_rules! gap {
    ($field:ident) => {
        line!("SECONDS[.FRACTION]", "0.000001..4294.967295", |t, a| vrrp::set_gap(&mut t.settings.vrrp.garp.$field, a), |t, s| {
            vrrp::show_unless_zero(t.settings.vrrp.garp.$field, s)
        })
    };
}

/// How long to wait; the longest that was asked for counts.
macro_rules! delay {
    ($field:ident) => {
        line!(
            "SECONDS[.FRACTION]",
            "0.001..4294.967295",
            |t, a| {
                if let Some(delay) = a.seconds(1_000, 4_294_967_295) {
                    t.settings.vrrp.$field = delay.max(t.settings.vrrp.$field);
                }
            },
            |t, s| vrrp::show_unless_zero(t.settings.vrrp.$field, s)
        )
    };
}

/// An nftables table, with a usual name.
macro_rules! table {
    ($($path:ident).+, $usual:literal, $again:literal) => {
        line!("[TABLE]", "", |t, a| vrrp::set_table(&mut t.settings.$($path).+, a, $usual, $again), |t, s| s.value(&t.settings.$($path).+))
    };
}

pub(super) use {delay, gap, table};

pub(super) fn set_dynamic(global: &mut Global, args: &mut Args<'_>) {
    let setting = &mut global.settings.vrrp.dynamic_interfaces;
    match args.word() {
        None => *setting = DynamicInterfaces::Yes,
        Some("allow_if_changes") => *setting = DynamicInterfaces::AllowChanges,
        Some(other) => {
            *setting = DynamicInterfaces::Yes;
            args.error(format!("Unknown dynamic_interfaces option '{other}'")).hint("allow_if_changes, or nothing");
        }
    }
}

pub(super) fn show_dynamic(global: &Global, shown: &mut Shown<'_>) {
    match global.settings.vrrp.dynamic_interfaces {
        DynamicInterfaces::No => {}
        DynamicInterfaces::Yes => shown.text(""),
        DynamicInterfaces::AllowChanges => shown.text("allow_if_changes"),
    }
}

/// An address of `family` that is multicast; anything else is reported.
fn multicast(args: &mut Args<'_>, family: &str) -> Option<IpAddr> {
    let keyword = args.keyword;
    let word = args.need()?;
    let fault = match host(word) {
        None => format!("Can't parse {keyword} [{word}]. Skipping"),
        Some(address) if address.is_ipv4() != (family == "IPv4") => format!("{keyword} [{word}] is not {family}. Skipping"),
        Some(address) if !address.is_multicast() => format!("{keyword} [{word}] is not multicast. Skipping"),
        Some(address) => return Some(address),
    };
    args.error(fault).hint(format!("a multicast {family} address"));
    None
}

pub(super) fn set_group4(global: &mut Global, args: &mut Args<'_>) {
    if let Some(IpAddr::V4(address)) = multicast(args, "IPv4") {
        global.settings.vrrp.mcast_group4 = address;
    }
}

pub(super) fn set_group6(global: &mut Global, args: &mut Args<'_>) {
    let link_local = |address: Ipv6Addr| address.segments()[0] & 0xf == 2;
    if let Some(IpAddr::V6(address)) = multicast(args, "IPv6") {
        if !link_local(address) {
            args.error(format!("vrrp_mcast_group6 [{address}] should be link-local multicast.")).hint("ff02::...; used as it is");
        }
        global.settings.vrrp.mcast_group6 = address;
    }
}

/// Takes effect where it stands: what an earlier line changed stays, what a later one says wins. keepalived also lets `off`
/// pass without an effect.
pub(super) fn set_min_garp(global: &mut Global, args: &mut Args<'_>) {
    if args.boolean() != Some(true) {
        return;
    }
    let garp = &mut global.settings.vrrp.garp;
    let least = Garp { delay: Duration::ZERO, repeat: 1, refresh: Duration::ZERO, refresh_repeat: 0, ..Garp::DEFAULT };
    let lower = |value: &mut u32, default: u32, least: u32| {
        if *value == default {
            *value = least;
        }
    };
    lower(&mut garp.repeat, Garp::DEFAULT.repeat, least.repeat);
    lower(&mut garp.refresh_repeat, Garp::DEFAULT.refresh_repeat, least.refresh_repeat);
    if garp.delay == Garp::DEFAULT.delay {
        garp.delay = least.delay;
    }
}

/// No refresh at all is a state that only this keyword makes; the lines that follow it say the rest.
pub(super) fn show_min_garp(global: &Global, shown: &mut Shown<'_>) {
    shown.flag(global.settings.vrrp.garp.refresh_repeat == 0);
}

pub(super) fn show_refresh_repeat(global: &Global, shown: &mut Shown<'_>) {
    let repeat = global.settings.vrrp.garp.refresh_repeat;
    if repeat > 0 {
        shown.value(&repeat);
    }
}

pub(super) fn set_repeat(slot: &mut u32, args: &mut Args<'_>) {
    let keyword = args.keyword;
    match args.number(0, u32::MAX.into()) {
        Some(0) => {
            args.error(format!("{keyword} must be greater than 0, setting to 1"));
            *slot = 1;
        }
        Some(repeat) => *slot = repeat,
        None => {}
    }
}

pub(super) fn set_gap(slot: &mut Duration, args: &mut Args<'_>) {
    let keyword = args.keyword;
    let Some(gap) = args.seconds(1, 4_294_967_295) else { return };
    if gap >= Duration::from_secs(1) {
        args.notice(format!("The {keyword} is very large - {} seconds", gap.as_secs_f64()));
    }
    *slot = gap;
}

pub(super) fn show_unless_zero(value: Duration, shown: &mut Shown<'_>) {
    if !value.is_zero() {
        shown.value(&value);
    }
}

pub(super) fn set_extra_garp(global: &mut Global, args: &mut Args<'_>) {
    let all = args.peek() == Some("all");
    if all {
        args.word();
    }
    let Some(word) = super::need(args, "vrrp_garp_extra_if specified without time - ignoring") else { return };
    if let Some(seconds) = args.number_in::<u64>(word, 1, 86_400) {
        global.settings.vrrp.garp.extra = Some(ExtraGarp { all, interval: Duration::from_secs(seconds) });
    }
}

pub(super) fn show_extra_garp(global: &Global, shown: &mut Shown<'_>) {
    if let Some(extra) = global.settings.vrrp.garp.extra {
        shown.text(&format!("{}{}", if extra.all { "all " } else { "" }, extra.interval.as_secs()));
    }
}

pub(super) fn set_rx_policy(global: &mut Global, args: &mut Args<'_>) {
    let mut policy = None;
    let Some(mut next) = super::need(args, "vrrp_rx_bufs_policy missing").map(Some) else { return };
    while let Some(word) = next {
        let choice = if word.eq_ignore_ascii_case("MTU") {
            AdvertBuffer::Mtu
        } else if word.eq_ignore_ascii_case("ADVERT") {
            AdvertBuffer::LargestAdvert
        } else {
            match decimal(word).ok().and_then(|bytes| u32::try_from(bytes).ok()) {
                Some(bytes) => AdvertBuffer::Bytes(bytes),
                None => {
                    args.error(format!("Invalid vrrp_rx_bufs_policy {word}")).hint("MTU, ADVERT or a number of bytes");
                    return;
                }
            }
        };
        policy = Some(match (policy, choice) {
            (None, choice) => choice,
            (Some(AdvertBuffer::Mtu | AdvertBuffer::LargestAdvert), AdvertBuffer::Mtu | AdvertBuffer::LargestAdvert) => {
                if policy != Some(choice) {
                    args.error("Cannot set both vrrp_rx_bufs_policy MTU and ADVERT, ignoring ADVERT");
                }
                AdvertBuffer::Mtu
            }
            (Some(first), choice) => {
                args.error("Cannot set vrrp_rx_bufs_policy size and policy, ignoring policy");
                if matches!(first, AdvertBuffer::Bytes(_)) { first } else { choice }
            }
        });
        next = args.word();
    }
    global.settings.vrrp.receive_buffer = policy.unwrap_or_default();
}

pub(super) fn show_rx_policy(global: &Global, shown: &mut Shown<'_>) {
    match global.settings.vrrp.receive_buffer {
        AdvertBuffer::System => {}
        AdvertBuffer::Mtu => shown.text("MTU"),
        AdvertBuffer::LargestAdvert => shown.text("ADVERT"),
        AdvertBuffer::Bytes(bytes) => shown.value(&bytes),
    }
}

pub(super) fn set_rx_multiplier(global: &mut Global, args: &mut Args<'_>) {
    let Some(word) = super::need(args, "Invalid vrrp_rx_bufs_multiplier") else { return };
    if args.peek().is_some() {
        args.error("Invalid vrrp_rx_bufs_multiplier").hint("one number");
    } else if let Some(multiplier) = args.number_in(word, 1, u32::MAX.into()) {
        global.settings.vrrp.receive_buffer_multiplier = multiplier;
    }
}

pub(super) fn set_iptables(global: &mut Global, args: &mut Args<'_>) {
    if global.settings.firewall.iptables.is_some() {
        args.error("vrrp_iptables already specified - ignoring").hint("the first one counts");
        return;
    }
    let names: Vec<&str> = std::iter::from_fn(|| args.word()).take(2).collect();
    if let Some(bad) = names.iter().find(|name| name.is_empty() || name.len() > LONGEST_CHAIN) {
        let hint = format!("a chain's name has 1 to {LONGEST_CHAIN} characters");
        args.error(format!("VRRP Error : iptables chain name '{bad}' too long or empty - ignored")).word(bad).hint(hint);
        return;
    }
    let chains = match names[..] {
        [] => Chains { input: "INPUT".into(), output: Some("OUTPUT".into()) },
        [input, output, ..] if input == output => {
            args.notice(format!("iptables chains must not be the same: {input} - not using any"));
            return;
        }
        [input, ref output @ ..] => Chains { input: input.into(), output: output.first().map(|name| (*name).into()) },
    };
    global.settings.firewall.iptables = Some(chains);
    global.iptables_at = args.at;
}

pub(super) fn show_iptables(global: &Global, shown: &mut Shown<'_>) {
    if let Some(chains) = &global.settings.firewall.iptables {
        let output = chains.output.as_deref().map(|name| format!(" {}", word(name))).unwrap_or_default();
        shown.text(&format!("{}{output}", word(&chains.input)));
    }
}

pub(super) fn set_ipsets(global: &mut Global, args: &mut Args<'_>) {
    let given: Vec<&str> = std::iter::from_fn(|| args.word()).take(6).collect();
    let Some(&first) = given.first() else {
        global.settings.firewall.ipsets = Some(SetNames::NoSets);
        return;
    };
    let derived = ["", "6", "_if6", "_igmp", "_mld", "_nd"].map(|suffix| format!("{first}{suffix}"));
    let mut names = derived.map(String::into_boxed_str);
    for (name, given) in names.iter_mut().zip(&given) {
        *name = (*given).into();
    }
    let long = names.iter().find(|name| name.is_empty() || name.len() > LONGEST_SET);
    let double = names.iter().enumerate().find(|(n, name)| names.iter().take(*n).any(|other| other == *name)).map(|(_, name)| name);
    if let Some(bad) = long.or(double) {
        let hint = format!("six names that differ, of 1 to {LONGEST_SET} characters");
        args.error(format!("VRRP Error : ipset name '{bad}' too long, empty or used twice - ignored")).hint(hint);
        return;
    }
    global.settings.firewall.ipsets = Some(SetNames::Named(Box::new(names)));
}

pub(super) fn show_ipsets(global: &Global, shown: &mut Shown<'_>) {
    match &global.settings.firewall.ipsets {
        None => {}
        Some(SetNames::NoSets) => shown.text(""),
        Some(SetNames::Named(names)) => shown.text(&names.each_ref().map(|name| word(name)).join(" ")),
    }
}

pub(super) fn set_table(slot: &mut Option<Box<str>>, args: &mut Args<'_>, usual: &str, again: &str) {
    let name = args.word().unwrap_or(usual);
    if name.is_empty() || name.len() > LONGEST_TABLE {
        args.error(format!("nftables table name '{name}' too long or empty - ignoring"));
        return;
    }
    super::set_once(slot, name.into(), args, again);
}
