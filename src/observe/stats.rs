//! The statistics that SIGUSR2 asks for, as keepalived writes them: exporters read these very lines.

use super::words::Put;
use crate::vrrp::stats::Stats;
use crate::vrrp::view::View;

/// All instances, one after the other.
pub fn text(view: &View) -> String {
    const SCREENFUL: usize = 640;
    let mut out = String::with_capacity(view.instances.len().saturating_mul(SCREENFUL));
    for instance in &view.instances {
        write(&mut out, &instance.name, &instance.stats);
    }
    out
}

fn write(out: &mut String, name: &str, stats: &Stats) {
    let Stats {
        adverts,
        became_master,
        released_master,
        packet_errors: packet,
        auth_errors: auth,
        auth_extension_errors: extension,
        priority_zero,
    } = stats;
    ("VRRP Instance: ", name, "\n").put(out);
    group(out, "Advertisements", &[("Received", adverts.received), ("Sent", adverts.sent)]);
    ("  Became master: ", became_master, "\n").put(out);
    ("  Released master: ", released_master, "\n").put(out);
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
    );
    group(
        out,
        "Authentication Errors",
        &[("Invalid Type", auth.invalid_type), ("Type Mismatch", auth.type_mismatch), ("Failure", auth.failure)],
    );
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
    );
    group(out, "Priority Zero", &[("Received", priority_zero.received), ("Sent", priority_zero.sent)]);
}

fn group(out: &mut String, title: &str, lines: &[(&str, u64)]) {
    ("  ", title, ":\n").put(out);
    for (key, value) in lines {
        ("    ", *key, ": ", value, "\n").put(out);
    }
}

#[cfg(test)]
mod tests;
