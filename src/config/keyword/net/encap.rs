//! `encap`: the lightweight tunnel that a route or one of its hops leads into.

use super::value::{labels, locator};
use super::{long, read_part, refuse, text};
use crate::config::args::Args;
use crate::config::draft::net::Named;
use crate::config::keyword::{Shown, Vocabulary, line, live};
use crate::model::net::route::{Encap, Tunnel};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address of one family, or the line is spoilt.
macro_rules! end {
    ($field:ident, $family:ident, $kind:literal) => {
        line!(
            "ADDRESS",
            "",
            |t, a| {
                let Some(word) = a.need() else { return };
                match word.parse() {
                    Ok(IpAddr::$family(address)) => t.$field = Some(address),
                    Ok(_) => refuse(a, format!("address {word} not valid for {} encapsulation", $kind)),
                    Err(_) => {
                        let keyword = a.keyword;
                        refuse(a, format!("Invalid encap {} {keyword} {word}", $kind));
                    }
                }
            },
            |t, s| s.value(&t.$field)
        )
    };
}

pub static ENCAP_IP: Vocabulary<Tunnel<Ipv4Addr, Named>> = Vocabulary::new(
    "encap ip",
    &[
        live("id", line!("N", "0..18446744073709551615", |t, a| t.id = long(a), |t, s| s.value(&t.id)), "none", "Tunnel identifier."),
        live("dst", end!(destination, V4, "ip"), "none", "Far end of the tunnel."),
        live("src", end!(source, V4, "ip"), "the kernel's choice", "Near end of the tunnel."),
        live("tos", named!(class), "0", "Type of service of the outer header."),
        live("ttl", whole!(ttl: u8, 0, 255), "the kernel's", "Time to live of the outer header."),
        live("flags", whole!(flags: u16, 0, 65535), "0", "Flags of the tunnel."),
    ],
);

pub static ENCAP_IP6: Vocabulary<Tunnel<Ipv6Addr, Named>> = Vocabulary::new(
    "encap ip6",
    &[
        live("id", line!("N", "0..18446744073709551615", |t, a| t.id = long(a), |t, s| s.value(&t.id)), "none", "Tunnel identifier."),
        live("dst", end!(destination, V6, "ip6"), "none", "Far end of the tunnel."),
        live("src", end!(source, V6, "ip6"), "the kernel's choice", "Near end of the tunnel."),
        live("tc", named!(class), "0", "Traffic class of the outer header."),
        live("hoplimit", whole!(ttl: u8, 0, 255), "the kernel's", "Hop limit of the outer header."),
        live("flags", whole!(flags: u16, 0, 65535), "0", "Flags of the tunnel."),
    ],
);

/// The last one that can be read counts.
pub(super) fn set(field: &mut Option<Encap<Named>>, args: &mut Args<'_>) {
    if let Some(encap) = read(args) {
        *field = Some(encap);
    }
}

/// `ip ...`, `ip6 ...`, `mpls LABELS` or `ila LOCATOR`. An unknown kind is reported and costs only itself.
fn read(args: &mut Args<'_>) -> Option<Encap<Named>> {
    match args.word() {
        Some("ip") => tunnel(&ENCAP_IP, args).map(Encap::Ip),
        Some("ip6") => tunnel(&ENCAP_IP6, args).map(Encap::Ip6),
        Some("mpls") => {
            let word = args.need()?;
            let labels = labels(word);
            if labels.is_none() {
                args.error(format!("invalid mpls address {word} for encapsulation")).hint("LABEL[/LABEL...], up to 1048575 each");
            }
            labels.map(Encap::Mpls)
        }
        Some("ila") => {
            let word = args.need()?;
            let locator = locator(word);
            if locator.is_none() {
                args.error(format!("invalid locator {word} for ila encapsulation")).hint("the upper half of an address, as 2001:db8:0:1");
            }
            locator.map(Encap::Ila)
        }
        Some(other) => {
            args.error(format!("Unknown encap type - {other}")).hint("ip, ip6, mpls or ila");
            None
        }
        None => {
            args.error("Missing encap type").hint("ip, ip6, mpls or ila");
            None
        }
    }
}

fn tunnel<A>(vocabulary: &'static Vocabulary<Tunnel<A, Named>>, args: &mut Args<'_>) -> Option<Tunnel<A, Named>> {
    let mut tunnel = Tunnel::default();
    read_part(vocabulary, &mut tunnel, args);
    let usable = tunnel.id.is_some() || tunnel.destination.is_some();
    if !usable && !args.abandoned() {
        args.error(format!("address or id missing for {} encapsulation", vocabulary.name.trim_start_matches("encap ")));
    }
    usable.then_some(tunnel)
}

pub(super) fn show(encap: Option<&Encap<Named>>, shown: &mut Shown<'_>) {
    let Some(encap) = encap else { return };
    shown.text(&match encap {
        Encap::Ip(tunnel) => format!("ip {}", text(&ENCAP_IP, tunnel)),
        Encap::Ip6(tunnel) => format!("ip6 {}", text(&ENCAP_IP6, tunnel)),
        Encap::Mpls(labels) => format!("mpls {}", labels.iter().map(u32::to_string).collect::<Vec<_>>().join("/")),
        Encap::Ila(locator) => {
            let quad = |shift: u32| locator >> shift & 0xffff;
            format!("ila {:x}:{:x}:{:x}:{:x}", quad(48), quad(32), quad(16), quad(0))
        }
    });
}
