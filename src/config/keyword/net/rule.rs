//! `[from PREFIX] [to PREFIX] ... table N`

use super::{Owner, fix, long, meant, read, refuse, text, value, whole};
use crate::config::args::Args;
use crate::config::draft::net::{Named, Rule};
use crate::config::keyword::{Show, Shown, Vocabulary, flag, line, live};
use crate::model::net::rule::{Action, Mark};
use crate::model::net::{Family, Prefix};
use std::ops::RangeInclusive;

const MIXED: &str = "rule specification has mixed IPv4 and IPv6";
/// The first rule without a priority gets this, the next one less.
const HIGHEST_UNNUMBERED: u32 = 16384;

/// An action without an argument.
macro_rules! action {
    ($action:ident) => {
        line!("", "", |t, a| act(t, a, Action::$action), |t, s| s.flag(matches!(t.action, Some(Action::$action))))
    };
}

/// A range of ports.
macro_rules! ports {
    ($field:ident) => {
        line!(
            "N|LOW-HIGH",
            "0..65535",
            |t, a| {
                if let Some(ports) = ports(a) {
                    t.$field = Some(ports);
                }
            },
            |t, s| show_range(t.$field.as_ref(), s)
        )
    };
}

pub static RULE: Vocabulary<Rule> = Vocabulary::new(
    "a rule",
    &[
        live("inet", line!("", "", |t, a| set_family(t, a, Family::V4), |_, _| {}), "from the addresses", "The rule is for IPv4."),
        live(
            "inet6",
            line!("", "", |t, a| set_family(t, a, Family::V6), |t, s| {
                s.flag(t.family == Some(Family::V6) && t.from.is_none() && t.to.is_none());
            }),
            "from the addresses",
            "The rule is for IPv6.",
        ),
        live("not", flag!(inverted), "off", "The rule applies to what the selectors do not match."),
        live(
            "from",
            line!("ADDRESS[/LENGTH]|all|any|default", "", |t, a| t.from = selector(t.from, &mut t.family, a), |t, s| s.value(&t.from)),
            "all",
            "Source of the packet.",
        ),
        live(
            "to",
            line!("ADDRESS[/LENGTH]|all|any|default", "", |t, a| t.to = selector(t.to, &mut t.family, a), |t, s| s.value(&t.to)),
            "all",
            "Destination of the packet.",
        ),
        live::<Rule>(
            "priority",
            line!("N", "0..4294967295", |t, a| t.priority = priority(a), |t, s| s.value(&t.priority)),
            "16384, 16383, ...",
            "Place among the rules, the lowest first.",
        )
        .aliases(&["preference", "order"]),
        live::<Rule>("tos", named!(tos), "any", "Type of service of the packet.").aliases(&["dsfield"]),
        live(
            "fwmark",
            line!("N[/MASK]", "0..0xffffffff", |t, a| t.mark = mark(a), |t, s| s.value(&t.mark)),
            "any",
            "Firewall mark of the packet.",
        ),
        live::<Rule>("iif", interface!(input), "any", "Interface the packet came in by; lo for our own.").aliases(&["dev"]),
        live("oif", interface!(output), "any", "Interface that the sender is bound to."),
        live("uidrange", line!("LOW-HIGH", "0..4294967295", set_uids, |t, s| show_range(t.uids.as_ref(), s)), "any", "Users who send."),
        live("ipproto", line!("N|NAME", "0..255", set_protocol, |t, s| s.value(&t.ip_protocol)), "any", "IP protocol of the packet."),
        live("sport", ports!(source_ports), "any", "Source ports; with ipproto."),
        live("dport", ports!(destination_ports), "any", "Destination ports; with ipproto."),
        live(
            "tunnel-id",
            line!("N", "0..18446744073709551615", |t, a| t.tunnel = long(a), |t, s| s.value(&t.tunnel)),
            "any",
            "Identifier of the tunnel that the packet came by.",
        ),
        live(
            "realms",
            line!("[SOURCE/]DESTINATION", "names, or 0..255", set_realms, |t, s| s.value(&t.realms)),
            "none",
            "Realms that the packet gets; IPv4 and with a table only.",
        ),
        live::<Rule>(
            "suppress_prefixlength",
            whole!(suppress_length: u32, 0, 2147483647),
            "none",
            "A route whose prefix is no longer than this does not count; with a table only.",
        )
        .aliases(&["sup_pl"]),
        live::<Rule>("suppress_ifgroup", named!(suppress_group), "none", "Nor does one by an interface of this group; with a table only.")
            .aliases(&["sup_group"]),
        live::<Rule>(
            "table",
            line!(
                "N|NAME",
                "not 0",
                |t, a| {
                    if let Some(table) = a.need() {
                        act(t, a, Action::Table(value::named(table)));
                    }
                },
                show_table
            ),
            "",
            "Look the route up in this table.",
        )
        .aliases(&["lookup"]),
        live("l3mdev", action!(L3mdev), "", "Look the route up in the table of the VRF."),
        live("goto", line!("N", "above the priority", set_target, show_target), "", "Go on with the rule of this priority."),
        live("nop", action!(Nop), "", "Do nothing: a place to go to."),
        live("blackhole", action!(Blackhole), "", "Drop the packet silently."),
        live("unreachable", action!(Unreachable), "", "Refuse the packet as unreachable."),
        live("prohibit", action!(Prohibit), "", "Refuse the packet as administratively prohibited."),
        live(
            "type",
            line!("ACTION", "goto nop blackhole unreachable prohibit", set_type, |_, _| {}),
            "",
            "May stand before these actions.",
        ),
        live(
            "protocol",
            line!(
                "N",
                "0..255",
                |t, a| {
                    if let Some(protocol) = a.number(0, 255) {
                        t.protocol = Some(protocol);
                    }
                },
                |t, s| s.value(&t.protocol)
            ),
            "18, with no_track none",
            "Who made the rule; another number needs no_track.",
        ),
        live("no_track", flag!(no_track), "off", "Neither its deletion by others nor the state of its interfaces matters."),
        live(
            "track_group",
            line!("NAME", "", |t, a| t.track_group = a.need().map(Into::into), |t, s| s.value(&t.track_group)),
            "none",
            "Group of instances that fail when the input interface goes down; static rules with iif only.",
        ),
    ],
);

/// Reads one rule line; a line that cannot be used is reported and yields nothing.
pub fn rule_entry(owner: Owner, args: &mut Args<'_>) -> Option<Rule> {
    let mut draft = Rule { at: args.at, ..Rule::default() };
    read(&RULE, owner, &mut draft, args, |_, args, word| match word {
        "unicast" | "local" | "broadcast" | "brd" | "anycast" | "multicast" | "throw" | "nat" | "xresolve" => {
            refuse(args, format!("Invalid rule action {word}"));
        }
        _ => {
            args.error(format!("Unknown rule option {word}")).hint(meant(&RULE, word));
            args.abandon();
        }
    });
    if args.abandoned() || !settle(&mut draft, args) { None } else { Some(draft) }
}

/// The line in the form that [`rule_entry`] reads.
pub fn rule_text(rule: &Rule) -> String {
    text(&RULE, rule)
}

/// What does not go together. Whether the rule can be used.
fn settle(draft: &mut Rule, args: &mut Args<'_>) -> bool {
    let Some(action) = &draft.action else {
        args.error("No action specified for rule - ignoring").hint("table, l3mdev, goto, nop, blackhole, unreachable or prohibit");
        return false;
    };
    let looks_up = matches!(action, Action::Table(_) | Action::L3mdev);
    if !looks_up && (draft.realms.is_some() || draft.suppress_length.is_some() || draft.suppress_group.is_some()) {
        args.error("suppressor/realm specified for non table action - skipping");
        return false;
    }
    match (action, draft.priority) {
        (Action::Goto(target), None) => {
            args.error(format!("Invalid rule - goto target {target} specified without preference"));
            return false;
        }
        (Action::Goto(target), Some(priority)) if priority >= *target => {
            args.error(format!("Invalid rule - preference {priority} >= goto target {target}"));
            return false;
        }
        (_, _) => {}
    }
    let family = *draft.family.get_or_insert(Family::V4);
    if draft.priority.is_none() {
        let before = match family {
            Family::V4 => &mut args.cx.unnumbered_rules[0],
            Family::V6 => &mut args.cx.unnumbered_rules[1],
        };
        let priority = HIGHEST_UNNUMBERED.saturating_sub(*before);
        *before += 1;
        args.error(format!("Rule has no preference specified - setting to {priority}. This is probably not what you want."))
            .hint("priority N");
        draft.priority = Some(priority);
    }
    if draft.track_group.is_some() && draft.input.is_none() {
        args.error("Static rule cannot have track_group if dev/iif not specified").hint("iif INTERFACE");
        draft.track_group = None;
    }
    true
}

fn set_family(rule: &mut Rule, args: &mut Args<'_>, family: Family) {
    let (word, other) = match family {
        Family::V4 => ("inet", "IPv6"),
        Family::V6 => ("inet6", "IPv4"),
    };
    fix(&mut rule.family, family, args, &format!("{word} specified for {other} rule"));
}

fn selector(before: Option<Prefix>, family: &mut Option<Family>, args: &mut Args<'_>) -> Option<Prefix> {
    let word = args.need()?;
    if matches!(word, "default" | "any" | "all") {
        return None;
    }
    let Some(prefix) = value::whole_prefix(word, args) else {
        let keyword = args.keyword;
        refuse(args, format!("Invalid rule {keyword} address {word}"));
        return before;
    };
    fix(family, prefix.family(), args, MIXED).then_some(prefix)
}

fn priority(args: &mut Args<'_>) -> Option<u32> {
    let word = args.need()?;
    let priority = value::number(word);
    if priority.is_none() {
        let keyword = args.keyword;
        refuse(args, format!("Invalid rule preference {word} specified for {keyword}"));
    }
    priority
}

fn mark(args: &mut Args<'_>) -> Option<Mark> {
    let word = args.need()?;
    let mark = value::mark(word);
    if mark.is_none() {
        refuse(args, format!("Invalid rule fwmark {word} specified"));
    }
    mark
}

impl Show for Mark {
    fn shown(&self) -> Option<String> {
        Some(if self.mask == u32::MAX { self.value.to_string() } else { format!("{:#x}/{:#x}", self.value, self.mask) })
    }
}

fn set_uids(rule: &mut Rule, args: &mut Args<'_>) {
    let Some(word) = args.need() else { return };
    rule.uids = word.contains('-').then(|| value::range(word)).flatten();
    if rule.uids.is_none() {
        refuse(args, format!("Invalid uidrange {word} specified"));
    }
}

fn show_range<N: std::fmt::Display>(range: Option<&RangeInclusive<N>>, shown: &mut Shown<'_>) {
    if let Some(range) = range {
        shown.text(&format!("{}-{}", range.start(), range.end()));
    }
}

fn set_protocol(rule: &mut Rule, args: &mut Args<'_>) {
    if let Some(word) = args.need() {
        rule.ip_protocol = Some(value::named(word));
    }
}

fn ports(args: &mut Args<'_>) -> Option<RangeInclusive<u16>> {
    let word = args.need()?;
    let ports = value::range(word);
    if ports.is_none() {
        let keyword = args.keyword;
        args.error(format!("invalid {keyword} range {word}")).hint("a port, or the lowest and the highest as 80-90");
    }
    ports
}

fn set_realms(rule: &mut Rule, args: &mut Args<'_>) {
    if !fix(&mut rule.family, Family::V4, args, "realms is only valid for IPv4") {
        return;
    }
    let Some(word) = args.need() else { return };
    rule.realms = value::realms(word);
    if rule.realms.is_none() {
        refuse(args, format!("invalid realms {word} for rule"));
    }
}

fn act(rule: &mut Rule, args: &mut Args<'_>, action: Action<Named>) {
    if rule.action.is_some() {
        return refuse(args, "Cannot specify more than one of table/nop/goto/blackhole/prohibit/unreachable/l3mdev for rule");
    }
    if action == Action::Table(Named::Number(0)) {
        return refuse(args, "Table 0 is not valid");
    }
    rule.action = Some(action);
}

fn set_target(rule: &mut Rule, args: &mut Args<'_>) {
    if let Some(target) = whole(args, 0, u32::MAX.into()) {
        act(rule, args, Action::Goto(target));
    }
}

fn set_type(rule: &mut Rule, args: &mut Args<'_>) {
    match args.need() {
        None => {}
        Some("goto") => set_target(rule, args),
        Some("nop") => act(rule, args, Action::Nop),
        Some("blackhole") => act(rule, args, Action::Blackhole),
        Some("unreachable") => act(rule, args, Action::Unreachable),
        Some("prohibit") => act(rule, args, Action::Prohibit),
        Some(other) => refuse(args, format!("Invalid rule action {other}")),
    }
}

fn show_table(rule: &Rule, shown: &mut Shown<'_>) {
    if let Some(Action::Table(table)) = &rule.action {
        shown.value(table);
    }
}

fn show_target(rule: &Rule, shown: &mut Shown<'_>) {
    if let Some(Action::Goto(target)) = &rule.action {
        shown.value(target);
    }
}

#[cfg(test)]
mod tests;
