//! How routing rules are shown.

use super::address::ending;
use crate::model::net::rule::Action;
use crate::model::net::{Prefix, Rule};
use std::fmt::{self, Display};
use std::ops::RangeInclusive;

/// `from 10.0.0.0/8 priority 100 tos 0x0 protocol 18 lookup 5`, and so on.
pub(super) fn rule<'a>(rule: &'a Rule, group: Option<&'a str>) -> impl Display + 'a {
    fmt::from_fn(move |f| {
        f.write_str(if rule.inverted { "not from " } else { "from " })?;
        match rule.from {
            Some(prefix) => write!(f, "{}", short(prefix))?,
            None => f.write_str("all")?,
        }
        if let Some(prefix) = rule.to {
            write!(f, " to {}", short(prefix))?;
        }
        write!(f, " priority {} tos {:#x}", rule.priority, rule.tos)?;
        if let Some(mark) = rule.mark {
            write!(f, " fwmark {:#x}", mark.value)?;
            if mark.mask != u32::MAX {
                write!(f, "/{:#x}", mark.mask)?;
            }
        }
        option(f, "iif", rule.input.as_ref())?;
        option(f, "oif", rule.output.as_ref())?;
        option(f, "suppress_prefixlen", rule.suppress_length)?;
        option(f, "suppress_ifgroup", rule.suppress_group)?;
        option(f, "uidrange", rule.uids.as_ref().map(range))?;
        option(f, "tunnel-id", rule.tunnel)?;
        option(f, "protocol", Some(rule.protocol).filter(|&protocol| protocol != 0))?;
        option(f, "ipproto", rule.ip_protocol)?;
        option(f, "sport", rule.source_ports.as_ref().map(range))?;
        option(f, "dport", rule.destination_ports.as_ref().map(range))?;
        if let Some(realms) = rule.realms {
            write!(f, " realms {}", super::route::realms(realms))?;
        }
        match rule.action {
            Action::Table(table) => write!(f, " lookup {table}")?,
            Action::L3mdev => f.write_str(" l3mdev")?,
            Action::Goto(target) => write!(f, " goto {target}")?,
            Action::Nop => f.write_str(" nop")?,
            Action::Blackhole => f.write_str(" type blackhole")?,
            Action::Unreachable => f.write_str(" type unreachable")?,
            Action::Prohibit => f.write_str(" type prohibit")?,
        }
        ending(f, rule.tracked, group)
    })
}

/// Without the length where that is all of it.
pub(super) fn short(prefix: Prefix) -> impl Display {
    fmt::from_fn(move |f| {
        write!(f, "{}", prefix.address)?;
        if prefix.length == prefix.family().bits() { Ok(()) } else { write!(f, "/{}", prefix.length) }
    })
}

pub(super) fn option(f: &mut fmt::Formatter<'_>, word: &str, value: Option<impl Display>) -> fmt::Result {
    match value {
        Some(value) => write!(f, " {word} {value}"),
        None => Ok(()),
    }
}

fn range<T: Display>(range: &RangeInclusive<T>) -> impl Display {
    fmt::from_fn(move |f| write!(f, "{}-{}", range.start(), range.end()))
}
