//! `ADDRESS[/LENGTH] [dev IF] ...`

use super::{Owner, meant, read, refuse, text, value};
use crate::config::args::Args;
use crate::config::draft::net::{Address, Broadcast};
use crate::config::keyword::{Shown, Vocabulary, flag, line, live};
use crate::model::net::Family;
use crate::model::net::address::Lifetime;
use std::net::IpAddr;

/// The kernel keeps names in 16 bytes, the terminator included.
const LONGEST_LABEL: usize = 15;

pub static ADDRESS: Vocabulary<Address> = Vocabulary::new(
    "an address",
    &[
        live(
            "dev",
            line!("INTERFACE", "", set_device, |t, s| s.value(&t.device)),
            "the interface of the instance",
            "Where the address goes.",
        ),
        live(
            "scope",
            line!("N|NAME", "0..255, host link site global nowhere", |t, a| t.scope = parameter(t, a).map(value::named), |t, s| s
                .value(&t.scope)),
            "global",
            "How far the address is valid; IPv4 only.",
        ),
        live::<Address>(
            "brd",
            line!("ADDRESS|+|-", "", set_broadcast, show_broadcast),
            "none",
            "Broadcast address; + sets all host bits, - clears them; IPv4 only.",
        )
        .aliases(&["broadcast"]),
        live(
            "label",
            line!("NAME", "up to 15 characters", set_label, |t, s| s.value(&t.label)),
            "none",
            "Name under which ip and ifconfig list the address; IPv4 only.",
        ),
        live(
            "peer",
            line!("ADDRESS", "", set_peer, |t, s| s.value(&t.peer)),
            "none",
            "Far end of a point-to-point link; the address then has no length.",
        ),
        live("home", flag!(home), "off", "Mobile IPv6 home address."),
        live("-nodad", flag!(detect_duplicates), "off", "Let the kernel look for duplicates of an IPv6 address before it is usable."),
        live("mngtmpaddr", flag!(manage_temporary), "off", "Derive temporary IPv6 addresses from this one."),
        live("noprefixroute", flag!(no_prefix_route), "off", "Add no route to the network of the address."),
        live("autojoin", flag!(autojoin), "off", "Join the multicast group on the wire."),
        live("no_track", flag!(no_track), "off", "Neither its deletion by others nor the state of its interface matters."),
        live(
            "preferred_lft",
            line!("SECONDS|forever", "0..4294967295", set_preferred, show_preferred),
            "forever, 0 for /128",
            "How long an IPv6 address is preferred as a source.",
        ),
        live("use_vmac", flag!(use_vmac), "off", "Put the address on a virtual MAC of its own; not for static addresses."),
        live(
            "track_group",
            line!("NAME", "", |t, a| t.track_group = parameter(t, a).map(Into::into), |t, s| s.value(&t.track_group)),
            "none",
            "Group of instances that fail when the interface goes down; static addresses only.",
        ),
    ],
);

/// Reads one address line; a line that cannot be used is reported and yields nothing.
pub fn address_entry(owner: Owner, args: &mut Args<'_>) -> Option<Address> {
    let word = args.word()?;
    let Some((address, length)) = value::prefix(word, args) else {
        args.error(format!("VRRP parsed invalid IP {word}. skipping IP..."));
        return None;
    };
    let mut draft = Address::new(args.at, address, length);
    read(&ADDRESS, owner, &mut draft, args, |_, args, word| {
        args.error(format!("Unknown configuration entry '{word}' for ip address - ignoring")).hint(meant(&ADDRESS, word));
    });
    if args.abandoned() {
        return None;
    }
    settle(&mut draft, args);
    Some(draft)
}

/// The line in the form that [`address_entry`] reads.
pub fn address_text(address: &Address) -> String {
    format!("{} {}", address.name(), text(&ADDRESS, address)).trim_end().to_owned()
}

/// What does not go together.
fn settle(draft: &mut Address, args: &mut Args<'_>) {
    let name = draft.name();
    if draft.family() == Family::V6 {
        if draft.scope.take().is_some() {
            args.error(format!("Cannot specify scope for IPv6 addresses ({name}) - ignoring scope"));
        }
        if draft.label.take().is_some() {
            args.error(format!("Cannot specify label for IPv6 addresses ({name}) - ignoring label"));
        }
    }
    if draft.peer.is_some() {
        if draft.length.take().is_some() {
            args.error("Cannot specify address prefix when specifying peer address - ignoring");
        }
        if draft.broadcast.take().is_some() {
            args.error("Cannot specify broadcast and peer addresses - ignoring broadcast address");
        }
    }
    let length = draft.length.unwrap_or(draft.family().bits());
    if matches!(draft.broadcast, Some(Broadcast::Ones | Broadcast::Zeros)) && length > 30 {
        args.error(format!("Address prefix length {length} too long for broadcast"));
        draft.broadcast = None;
    }
    if draft.family() == Family::V4 && matches!(draft.preferred.take(), Some(Lifetime::Seconds(_))) {
        args.notice(format!("preferred_lft is for IPv6 addresses only ({name}) - ignoring"));
    }
}

/// The argument of an option; its absence spoils the line.
fn parameter<'a>(draft: &Address, args: &mut Args<'a>) -> Option<&'a str> {
    let word = args.word();
    if word.is_none() {
        let keyword = args.keyword;
        refuse(args, format!("No {keyword} parameter specified for {}", draft.name()));
    }
    word
}

fn set_device(draft: &mut Address, args: &mut Args<'_>) {
    let Some(word) = parameter(draft, args) else { return };
    if draft.device.is_some() {
        return refuse(args, format!("Cannot specify ipaddress device more than once for {}", draft.name()));
    }
    draft.device = Some(word.into());
}

fn set_broadcast(draft: &mut Address, args: &mut Args<'_>) {
    let Some(word) = parameter(draft, args) else { return };
    if draft.family() == Family::V6 {
        let text = format!("VRRP is trying to assign a broadcast {word} to the IPv6 address {}. skipping VIP...", draft.name());
        return refuse(args, text);
    }
    draft.broadcast = match word {
        "+" => Some(Broadcast::Ones),
        "-" => Some(Broadcast::Zeros),
        address => address.parse().ok().map(Broadcast::Address),
    };
    if draft.broadcast.is_none() {
        refuse(args, format!("VRRP is trying to assign invalid broadcast {word}. skipping VIP..."));
    }
}

fn show_broadcast(draft: &Address, shown: &mut Shown<'_>) {
    match draft.broadcast {
        None => {}
        Some(Broadcast::Ones) => shown.text("+"),
        Some(Broadcast::Zeros) => shown.text("-"),
        Some(Broadcast::Address(address)) => shown.value(&address),
    }
}

fn set_label(draft: &mut Address, args: &mut Args<'_>) {
    let Some(word) = parameter(draft, args) else { return };
    if word.len() > LONGEST_LABEL {
        let text = format!("Address label {word} is longer than maximum length {LONGEST_LABEL} - removing address");
        return refuse(args, text);
    }
    draft.label = Some(word.into());
}

fn set_peer(draft: &mut Address, args: &mut Args<'_>) {
    let Some(word) = parameter(draft, args) else { return };
    match word.parse::<IpAddr>() {
        Ok(peer) if Family::of(peer) == draft.family() => draft.peer = Some(peer),
        Ok(_) => {
            args.error(format!("Peer address {word} does not match address family"));
        }
        Err(_) => {
            args.error(format!("Invalid peer address {word}")).hint("an address without a length");
        }
    }
}

fn set_preferred(draft: &mut Address, args: &mut Args<'_>) {
    let Some(word) = parameter(draft, args) else { return };
    match (word, word.parse()) {
        ("forever", _) => draft.preferred = Some(Lifetime::Forever),
        // The kernel's own word for forever.
        (_, Ok(u32::MAX)) => draft.preferred = Some(Lifetime::Forever),
        (_, Ok(seconds)) if !word.starts_with('+') => draft.preferred = Some(Lifetime::Seconds(seconds)),
        (_, Ok(_) | Err(_)) => {
            args.error(format!("preferred_lft {word} is invalid")).hint("seconds, or forever");
        }
    }
}

fn show_preferred(draft: &Address, shown: &mut Shown<'_>) {
    match draft.preferred {
        None => {}
        Some(Lifetime::Forever) => shown.text("forever"),
        Some(Lifetime::Seconds(seconds)) => shown.value(&seconds),
    }
}

#[cfg(test)]
mod tests;
