//! The statistics that SIGUSR2 asks for, as keepalived writes them: exporters read these very lines.

use crate::vrrp::stats::Stats;
use crate::vrrp::view::View;
use std::fmt::{Result, Write};

/// All instances, one after the other.
pub fn text(view: &View) -> String {
    let mut out = String::new();
    for instance in &view.instances {
        write(&mut out, &instance.name, &instance.stats).expect("memory takes any text");
    }
    out
}

fn write(out: &mut String, name: &str, stats: &Stats) -> Result {
    let Stats {
        adverts,
        became_master,
        released_master,
        packet_errors: packet,
        auth_errors: auth,
        auth_extension_errors: extension,
        priority_zero,
    } = stats;
    writeln!(out, "VRRP Instance: {name}")?;
    group(out, "Advertisements", &[("Received", adverts.received), ("Sent", adverts.sent)])?;
    writeln!(out, "  Became master: {became_master}")?;
    writeln!(out, "  Released master: {released_master}")?;
    group(
        out,
        "Packet Errors",
        &[
            ("Length", packet.length),
            ("TTL", packet.ttl),
            ("Invalid Type", packet.invalid_type),
            ("Advertisement Interval", packet.advert_interval),
            ("Address List", packet.address_list),
        ],
    )?;
    group(
        out,
        "Authentication Errors",
        &[("Invalid Type", auth.invalid_type), ("Type Mismatch", auth.type_mismatch), ("Failure", auth.failure)],
    )?;
    group(
        out,
        "Authentication Extension Errors",
        &[
            ("Missing", extension.missing),
            ("Malformed", extension.malformed),
            ("Unknown Key", extension.unknown_key),
            ("Invalid HMAC", extension.invalid_hmac),
            ("Stale", extension.stale),
            ("Replay", extension.replay),
        ],
    )?;
    group(out, "Priority Zero", &[("Received", priority_zero.received), ("Sent", priority_zero.sent)])
}

fn group(out: &mut String, title: &str, lines: &[(&str, u64)]) -> Result {
    writeln!(out, "  {title}:")?;
    lines.iter().try_for_each(|(key, value)| writeln!(out, "    {key}: {value}"))
}

#[cfg(test)]
mod tests;
