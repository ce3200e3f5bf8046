//! `[TYPE] DESTINATION [via ADDRESS] [dev IF] ... [nexthop ...]`

use super::encap::{self, ENCAP_IP, ENCAP_IP6};
use super::metric::{metric, set_congestion, set_features, show_congestion, show_features, time};
use super::{Owner, address, fix, meant, read, read_part, refuse, text, value, whole};
use crate::config::args::Args;
use crate::config::diagnostic::Class;
use crate::config::draft::net::{Destination, NextHop, Route};
use crate::config::keyword::{Effect, Shown, Vocabulary, flag, line, live};
use crate::model::net::Family;
use crate::model::net::route::{Kind, Metric, Placing, Preference};

const MIXED: &str = "Cannot mix IPv4 and IPv6 addresses for route";

/// A route type, which the destination follows.
macro_rules! kind {
    ($kind:ident) => {
        line!(
            "DESTINATION",
            "",
            |t, a| {
                t.kind = Kind::$kind;
                set_destination(t, a);
            },
            |t, s| show_destination(t, s, Kind::$kind)
        )
    };
}

/// A word without arguments that is one of a choice.
macro_rules! choice {
    ($field:ident, $value:expr) => {
        line!("", "", |t, _| t.$field = $value, |t, s| s.flag(t.$field == $value))
    };
}

pub static ROUTE: Vocabulary<Route> = Vocabulary::new(
    "a route",
    &[
        live("inet", line!("", "", |t, a| set_family(t, a, Family::V4), |_, _| {}), "from the addresses", "The route is for IPv4."),
        live(
            "inet6",
            line!("", "", |t, a| set_family(t, a, Family::V6), |t, s| {
                s.flag(t.family == Some(Family::V6) && t.destination == Some(Destination::Default));
            }),
            "from the addresses",
            "The route is for IPv6.",
        ),
        live(
            "to",
            line!("DESTINATION", "default any all default6 ADDRESS[/LENGTH]", set_destination, |t, s| show_destination(
                t,
                s,
                Kind::Unicast
            )),
            "required",
            "Where packets go; the word itself may be left out.",
        ),
        live("unicast", line!("DESTINATION", "", set_destination, |_, _| {}), "the default", "An ordinary route."),
        live("local", kind!(Local), "", "Packets are for this machine."),
        live("nat", kind!(Nat), "", "No longer known to the kernel."),
        live::<Route>("broadcast", kind!(Broadcast), "", "Packets are sent as link broadcasts.").aliases(&["brd"]),
        live("anycast", kind!(Anycast), "", "Packets are for this machine, as for others."),
        live("multicast", kind!(Multicast), "", "A multicast route."),
        live("prohibit", kind!(Prohibit), "", "Packets are refused as administratively prohibited."),
        live("unreachable", kind!(Unreachable), "", "Packets are refused as unreachable."),
        live("blackhole", kind!(Blackhole), "", "Packets are dropped silently."),
        live("xresolve", kind!(External), "", "No longer known to the kernel."),
        live("throw", kind!(Throw), "", "The lookup goes on as if this table had no route."),
        live::<Route>("via", line!("[inet|inet6] ADDRESS", "", set_gateway, |t, s| s.value(&t.gateway)), "none", "Gateway.")
            .deprecated(&[("gw", Class::Error)]),
        live("or", line!("ADDRESS", "", set_alternative, |t, s| s.value(&t.alternative)), "none", "Second gateway; write nexthop instead."),
        live::<Route>("dev", interface!(device), "the kernel's choice", "Interface to leave by.").aliases(&["oif"]),
        live(
            "src",
            line!("ADDRESS", "", set_source, |t, s| s.value(&t.preferred_source)),
            "the kernel's choice",
            "Source address of our own packets.",
        ),
        live("from", line!("ADDRESS[/LENGTH]", "", set_from, show_from), "any", "Only packets from here; IPv6 only."),
        live::<Route>("tos", named!(tos), "0", "Type of service that the packet must have.").aliases(&["dsfield"]),
        live("table", named!(table), "main", "Routing table."),
        live(
            "vrf",
            line!("INTERFACE", "", |t, a| t.vrf = a.need().map(Into::into), |t, s| s.value(&t.vrf)),
            "none",
            "The table of this VRF, which must exist.",
        ),
        live("protocol", named!(protocol), "18 (keepalived)", "Who made the route; another number needs no_track."),
        live("scope", named!(scope), "the kernel's choice", "How far the destination is."),
        live::<Route>("metric", whole!(priority: u32, 0, 4294967295), "the kernel's", "Priority among routes, the lowest wins.")
            .aliases(&["priority", "preference"]),
        live("onlink", flag!(onlink), "off", "The gateway is on the link, whatever the addresses say."),
        live(
            "expires",
            line!(
                "SECONDS",
                "0..4294967295",
                |t, a| {
                    if fix(&mut t.family, Family::V6, a, "expires is only valid for IPv6") {
                        t.expires = whole(a, 0, u32::MAX.into());
                    }
                },
                |t, s| s.value(&t.expires)
            ),
            "never",
            "When the kernel forgets the route; IPv6 only.",
        ),
        live("mtu", metric!(Mtu, lock), "of the interface", "Path MTU; lock turns off path MTU discovery."),
        live("advmss", metric!(AdvMss, lock), "from the MTU", "Segment size that TCP announces."),
        live("reordering", metric!(Reordering, lock), "the kernel's", "Reordering that TCP expects."),
        live("cwnd", metric!(Cwnd, lock), "none", "Clamp of the congestion window."),
        live("ssthresh", metric!(SsThresh, lock), "the kernel's", "Slow start threshold."),
        live("rtt", time!(Rtt, 8), "the kernel's", "Round trip time at first; the kernel counts eighths of a millisecond."),
        live("rttvar", time!(RttVar, 4), "the kernel's", "Variance of it at first; the kernel counts quarters of a millisecond."),
        live("rto_min", time!(RtoMin, 1), "the kernel's", "Least retransmission timeout; the kernel counts milliseconds."),
        live("hoplimit", metric!(HopLimit, 255), "the kernel's", "Hop limit of our own packets."),
        live("window", metric!(Window, 4294967295), "the kernel's", "Largest window that TCP announces."),
        live("initcwnd", metric!(InitCwnd, 4294967295), "the kernel's", "Congestion window at first."),
        live("initrwnd", metric!(InitRwnd, 4294967295), "the kernel's", "Receive window at first."),
        live("features", line!("ecn", "", set_features, show_features), "none", "Explicit congestion notification to this destination."),
        live("quickack", metric!(QuickAck, 1), "the kernel's", "Acknowledge at once."),
        live("fastopen_no_cookie", metric!(FastOpenNoCookie, 1), "the kernel's", "TCP Fast Open without a cookie."),
        live("congctl", line!("[lock] NAME", "", set_congestion, show_congestion), "the kernel's", "Congestion control algorithm."),
        live(
            "realms",
            line!(
                "[SOURCE/]DESTINATION",
                "names, or 0..255",
                |t, a| {
                    if fix(&mut t.family, Family::V4, a, "realms are only valid for IPv4") {
                        t.realms = realms(a);
                    }
                },
                |t, s| s.value(&t.realms)
            ),
            "none",
            "Realms for rules and accounting; IPv4 only.",
        ),
        live("pref", line!("low|medium|high|N", "0..255", set_preference, show_preference), "medium", "Router preference; IPv6 only."),
        live(
            "ttl-propagate",
            line!("enabled|disabled", "", set_propagation, show_propagation),
            "the kernel's",
            "Whether the TTL goes over from an MPLS label to the packet.",
        ),
        live::<Route>("as", line!("[to] ADDRESS", "", ignore_as, |_, _| {}), "", "For MPLS routes only, which cannot be written: ignored.")
            .effect(Effect::Inert),
        live("add", choice!(placing, Placing::Only), "off", "Fail if there is such a route already."),
        live("prepend", choice!(placing, Placing::First), "on", "Put the route before others of its kind."),
        live("append", choice!(placing, Placing::Last), "off", "Put the route behind others of its kind."),
        live("no_track", flag!(no_track), "off", "Neither its deletion by others nor the state of its interface matters."),
        live(
            "track_group",
            line!("NAME", "", |t, a| t.track_group = a.need().map(Into::into), |t, s| s.value(&t.track_group)),
            "none",
            "Group of instances that fail when the interface goes down; static routes with dev only.",
        ),
        // What follows takes every word that it knows, so it stands behind the options of the route.
        live::<Route>(
            "encap",
            line!("ip|ip6|mpls|ila ...", "", |t, a| encap::set(&mut t.encap, a), |t, s| encap::show(t.encap.as_ref(), s)),
            "none",
            "Tunnel that the packets go into.",
        )
        .options(&[|| &ENCAP_IP, || &ENCAP_IP6]),
        live::<Route>("nexthop", line!("HOP ...", "", set_hops, show_hops), "none", "The hops of a multipath route; they end the line.")
            .options(&[|| &NEXT_HOP]),
    ],
);

pub static NEXT_HOP: Vocabulary<NextHop> = Vocabulary::new(
    "nexthop",
    &[
        live(
            "via",
            line!(
                "[inet|inet6] ADDRESS",
                "",
                |t, a| {
                    if let Some(gateway) = gateway(a, "nexthop", &mut t.family) {
                        t.gateway = Some(gateway);
                    }
                },
                |t, s| s.value(&t.gateway)
            ),
            "none",
            "Gateway.",
        ),
        live::<NextHop>("dev", interface!(device), "the kernel's choice", "Interface to leave by.").aliases(&["oif"]),
        live("weight", whole!(weight: u16, 1, 256), "1", "Share of the traffic."),
        live("onlink", flag!(onlink), "off", "The gateway is on the link, whatever the addresses say."),
        live(
            "realms",
            line!("[SOURCE/]DESTINATION", "names, or 0..255", |t, a| t.realms = realms(a), |t, s| s.value(&t.realms)),
            "none",
            "Realms for rules and accounting; IPv4 only.",
        ),
        live::<NextHop>(
            "as",
            line!("[to] ADDRESS", "", |_, a| refuse(a, "'as [to]' (nat) not supported"), |_, _| {}),
            "",
            "Not supported.",
        )
        .effect(Effect::Inert),
        live::<NextHop>(
            "encap",
            line!("ip|ip6|mpls|ila ...", "", |t, a| encap::set(&mut t.encap, a), |t, s| encap::show(t.encap.as_ref(), s)),
            "none",
            "Tunnel that the packets go into.",
        )
        .options(&[|| &ENCAP_IP, || &ENCAP_IP6]),
    ],
);

/// Reads one route line; a line that cannot be used is reported and yields nothing.
pub fn route_entry(owner: Owner, args: &mut Args<'_>) -> Option<Route> {
    let mut draft = Route { at: args.at, ..Route::default() };
    read(&ROUTE, owner, &mut draft, args, |draft, args, word| {
        if !put_destination(draft, word, args) {
            args.error(format!("unknown route keyword {word}")).hint(meant(&ROUTE, word));
            args.abandon();
        }
    });
    if args.abandoned() {
        return None;
    }
    if draft.destination.is_none() {
        args.error("Route must have a destination");
        return None;
    }
    draft.family.get_or_insert(Family::V4);
    if draft.track_group.is_some() && draft.device.is_none() {
        args.error("Static route cannot have track group if no oif specified").hint("dev INTERFACE");
        draft.track_group = None;
    }
    Some(draft)
}

/// The line in the form that [`route_entry`] reads.
pub fn route_text(route: &Route) -> String {
    text(&ROUTE, route)
}

fn set_family(route: &mut Route, args: &mut Args<'_>, family: Family) {
    let (word, other) = match family {
        Family::V4 => ("inet", "IPv6"),
        Family::V6 => ("inet6", "IPv4"),
    };
    fix(&mut route.family, family, args, &format!("{word} specified for {other} route"));
}

fn set_destination(route: &mut Route, args: &mut Args<'_>) {
    let Some(word) = args.need() else { return };
    if !put_destination(route, word, args) {
        refuse(args, format!("unknown route keyword {word}"));
    }
}

/// Whether the word is a destination.
fn put_destination(route: &mut Route, word: &str, args: &mut Args<'_>) -> bool {
    match word {
        "default" | "any" | "all" => route.destination = Some(Destination::Default),
        "default6" => {
            route.destination = Some(Destination::Default);
            fix(&mut route.family, Family::V6, args, MIXED);
        }
        address => {
            let Some(prefix) = value::whole_prefix(address, args) else {
                return false;
            };
            route.destination = Some(Destination::Prefix(prefix));
            fix(&mut route.family, prefix.family(), args, &format!("{MIXED} ({word})"));
        }
    }
    true
}

fn show_destination(route: &Route, shown: &mut Shown<'_>, kind: Kind) {
    match route.destination {
        Some(Destination::Default) if route.kind == kind => shown.text("default"),
        Some(Destination::Prefix(prefix)) if route.kind == kind => shown.text(&prefix.to_string()),
        Some(_) | None => {}
    }
}

/// `[inet|inet6] ADDRESS`, of the family known already if one is.
fn gateway(args: &mut Args<'_>, what: &str, known: &mut Option<Family>) -> Option<std::net::IpAddr> {
    let said = match args.peek() {
        Some("inet") => Some(Family::V4),
        Some("inet6") => Some(Family::V6),
        Some(_) | None => None,
    };
    if said.is_some() {
        args.word();
    }
    let gateway = address(args, what)?;
    let family = Family::of(gateway);
    let fits = said.is_none_or(|said| said == family);
    if !fits {
        refuse(args, MIXED);
    }
    (fits && fix(known, family, args, MIXED)).then_some(gateway)
}

fn set_gateway(route: &mut Route, args: &mut Args<'_>) {
    if let Some(gateway) = gateway(args, "route via", &mut route.family) {
        route.gateway = Some(gateway);
    }
}

fn set_alternative(route: &mut Route, args: &mut Args<'_>) {
    args.error("\"or\" for routes is deprecated. Please use \"nexthop\"");
    let Some(gateway) = address(args, "\"or\"") else { return };
    if route.alternative.is_some() {
        args.error("\"or\" route already specified - ignoring subsequent");
    } else if fix(&mut route.family, Family::of(gateway), args, MIXED) {
        route.alternative = Some(gateway);
    }
}

fn set_source(route: &mut Route, args: &mut Args<'_>) {
    if let Some(source) = address(args, "route src")
        && fix(&mut route.family, Family::of(source), args, MIXED)
    {
        route.preferred_source = Some(source);
    }
}

fn set_from(route: &mut Route, args: &mut Args<'_>) {
    let Some(word) = args.need() else { return };
    let Some(from) = value::whole_prefix(word, args) else {
        return refuse(args, format!("invalid route from address {word}"));
    };
    if from.family() == Family::V4 {
        refuse(args, format!("route from address only supported with IPv6 ({word})"));
    } else if fix(&mut route.family, Family::V6, args, MIXED) {
        route.from = Some(from);
    }
}

fn show_from(route: &Route, shown: &mut Shown<'_>) {
    shown.value(&route.from);
}

fn realms(args: &mut Args<'_>) -> Option<crate::config::draft::net::Realms> {
    let word = args.need()?;
    let realms = value::realms(word);
    if realms.is_none() {
        refuse(args, format!("Invalid realms {word} for route"));
    }
    realms
}

fn set_preference(route: &mut Route, args: &mut Args<'_>) {
    if !fix(&mut route.family, Family::V6, args, "pref is only valid for IPv6") {
        return;
    }
    // The kernel's numbers: medium is zero, low is minus one in two bits.
    route.preference = match args.peek() {
        Some("low") => Some(Preference::Low),
        Some("medium") => Some(Preference::Medium),
        Some("high") => Some(Preference::High),
        Some(_) | None => {
            route.preference = whole::<u8>(args, 0, 255).map(|number| match number {
                0 => Preference::Medium,
                1 => Preference::High,
                3 => Preference::Low,
                other => Preference::Other(other),
            });
            return;
        }
    };
    args.word();
}

fn show_preference(route: &Route, shown: &mut Shown<'_>) {
    match route.preference {
        None => {}
        Some(Preference::Low) => shown.text("low"),
        Some(Preference::Medium) => shown.text("medium"),
        Some(Preference::High) => shown.text("high"),
        Some(Preference::Other(number)) => shown.value(&number),
    }
}

fn set_propagation(route: &mut Route, args: &mut Args<'_>) {
    match args.need() {
        None => {}
        Some("enabled") => route.ttl_propagate = Some(true),
        Some("disabled") => route.ttl_propagate = Some(false),
        Some(other) => {
            args.error(format!("ttl-propagate value {other} not recognised")).hint("enabled or disabled");
        }
    }
}

fn show_propagation(route: &Route, shown: &mut Shown<'_>) {
    match route.ttl_propagate {
        None => {}
        Some(true) => shown.text("enabled"),
        Some(false) => shown.text("disabled"),
    }
}

fn ignore_as(_: &mut Route, args: &mut Args<'_>) {
    if args.need() == Some("to") {
        args.word();
    }
    if !args.abandoned() {
        args.error("\"as to\" for MPLS only - ignoring");
    }
}

/// All hops to the end of the line. A hop that cannot be used costs only itself.
fn set_hops(route: &mut Route, args: &mut Args<'_>) {
    loop {
        let mut hop = NextHop::default();
        read_part(&NEXT_HOP, &mut hop, args);
        if args.abandoned() {
            args.resume();
            while args.peek().is_some_and(|word| word != "nexthop") {
                args.word();
            }
        } else if hop.gateway.is_none() && hop.device.is_none() && hop.encap.is_none() {
            args.error("nexthop leads nowhere - ignoring").hint("nexthop via ADDRESS or nexthop dev INTERFACE");
        } else if let Some(family) = hop.family.take()
            && *route.family.get_or_insert(family) != family
        {
            args.error("Address family mismatch for next hop");
        } else {
            route.hops.push(hop);
        }
        match args.word() {
            None => return,
            Some("nexthop") => {}
            Some(other) => {
                args.error(format!("Route has trailing nonsense after nexthops - {other}")).hint("the hops end a route");
                while args.word().is_some() {}
                return;
            }
        }
    }
}

fn show_hops(route: &Route, shown: &mut Shown<'_>) {
    for hop in &route.hops {
        shown.text(&text(&NEXT_HOP, hop));
    }
}

#[cfg(test)]
mod tests;
