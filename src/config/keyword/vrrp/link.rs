//! `garp_group`, `linkbeat_interfaces` and `interface_up_down_delays`.

use super::interface_name;
use crate::config::args::Args;
use crate::config::draft::Draft;
use crate::config::draft::vrrp::{GarpGroup, Given, LinkDelay, Linkbeat};
use crate::config::keyword::{Show, Shown, Vocabulary, block, line, live, seconds};
use crate::config::parser::Parser;
use crate::config::syntax::Statement;
use crate::config::text::word;
use crate::model::vrrp::LinkbeatMethod;
use std::time::Duration;

pub fn open_garp_group(root: &mut Draft, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    let mut group = GarpGroup::default();
    group.end = parser.body(statement, &GARP_GROUP, &mut group);
    root.vrrp.garp_groups.push(group);
}

pub fn show_garp_groups(root: &Draft, shown: &mut Shown<'_>) {
    for group in &root.vrrp.garp_groups {
        shown.block("", &GARP_GROUP, group);
    }
}

/// The list of interfaces has no keywords.
static INTERFACES: Vocabulary<GarpGroup> = Vocabulary::new("interfaces", &[]);

/// keepalived gathers the words of the list before it looks at any: it reports them at the closing brace.
fn open_interfaces(group: &mut GarpGroup, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    if let Some(extra) = statement.words().nth(1) {
        parser.error(statement.at, format!("Block interfaces has extra parameters {extra} ...")).word(extra);
    }
    let first = group.interfaces.len();
    let end = parser.entries(statement, "interfaces", group, |group, args| {
        while args.peek().is_some() {
            add_interface(group, args);
        }
    });
    for interface in &mut group.interfaces[first..] {
        interface.at = end;
    }
}

fn add_interface(group: &mut GarpGroup, args: &mut Args<'_>) {
    let at = args.at;
    group.interfaces.extend(interface_name(args).map(|value| Given { at, value }));
}

pub static GARP_GROUP: Vocabulary<GarpGroup> = Vocabulary::new(
    "garp_group",
    &[
        live(
            "garp_interval",
            seconds!(garp_interval, 0, 4_294_967_295, "0..4294.967295"),
            "none",
            "Shortest time between gratuitous ARP messages on the group's interfaces.",
        ),
        live(
            "gna_interval",
            seconds!(gna_interval, 0, 4_294_967_295, "0..4294.967295"),
            "none",
            "Shortest time between unsolicited neighbour advertisements on the group's interfaces.",
        ),
        live("interface", line!("INTERFACE", "", add_interface, |_, _| {}), "none", "One interface of the group; may be repeated."),
        live(
            "interfaces",
            block!("{ INTERFACE... }", INTERFACES, open_interfaces, |group, shown| {
                shown.list(group.interfaces.iter().map(|name| word(&name.value)));
            }),
            "none",
            "Interfaces of the group.",
        ),
    ],
);

/// `INTERFACE [MII|ETHTOOL|IOCTL]`.
pub fn linkbeat_entry(root: &mut Draft, args: &mut Args<'_>) {
    let at = args.at;
    let Some(interface) = interface_name(args) else { return };
    let method = args.peek().and_then(method_of);
    if method.is_some() {
        args.word();
    }
    if let Some(extra) = args.word() {
        args.error(format!("extra characters {extra} in linkbeat interface")).hint("INTERFACE [MII|ETHTOOL|IOCTL]");
    }
    root.vrrp.linkbeat.push(Linkbeat { at, interface, method: method.unwrap_or_default() });
}

fn method_of(name: &str) -> Option<LinkbeatMethod> {
    match name {
        "MII" => Some(LinkbeatMethod::Mii),
        "ETHTOOL" => Some(LinkbeatMethod::Ethtool),
        "IOCTL" => Some(LinkbeatMethod::Ioctl),
        _ => None,
    }
}

pub fn show_linkbeat(root: &Draft, shown: &mut Shown<'_>) {
    shown.list(root.vrrp.linkbeat.iter().map(|beat| {
        let method = match beat.method {
            LinkbeatMethod::Any => "",
            LinkbeatMethod::Mii => " MII",
            LinkbeatMethod::Ethtool => " ETHTOOL",
            LinkbeatMethod::Ioctl => " IOCTL",
        };
        format!("{}{method}", word(&beat.interface))
    }));
}

/// `INTERFACE DOWN [UP]`. A line with a number that is none is ignored.
pub fn delay_entry(root: &mut Draft, args: &mut Args<'_>) {
    const MOST: u64 = 255_000_000;
    let at = args.at;
    let Some(interface) = interface_name(args) else { return };
    let mut delays = [Duration::ZERO; 2];
    for delay in &mut delays {
        if args.peek().is_some() {
            let Some(given) = args.seconds(0, MOST) else { return };
            *delay = given;
        }
    }
    root.vrrp.delays.push(LinkDelay { at, interface, down: delays[0], up: delays[1] });
}

pub fn show_delays(root: &Draft, shown: &mut Shown<'_>) {
    let text = |delay: Duration| delay.shown().unwrap_or_default();
    shown.list(root.vrrp.delays.iter().map(|d| format!("{} {} {}", word(&d.interface), text(d.down), text(d.up))));
}
