//! `virtual_server_group`: addresses, ranges, prefixes and marks, one a line.

use super::value;
use crate::config::args::{Args, decimal};
use crate::config::diagnostic::{Class, Phase};
use crate::config::draft::Draft;
use crate::config::draft::lvs::ServerGroup;
use crate::config::keyword::{Described, Entry, Shown};
use crate::config::parser::Parser;
use crate::config::syntax::Statement;
use crate::config::text::word;
use crate::model::lvs::Member;
use crate::model::net::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

pub(in crate::config::keyword) fn open_group(root: &mut Draft, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    let mut args = parser.args(statement);
    let Some(name) = args.need() else { return parser.skip() };
    if let Some(extra) = args.word() {
        args.error(format!("Block virtual_server_group has extra parameters {extra} ..."));
    }
    let mut group = ServerGroup { name: name.into(), at: statement.at, end: statement.at, members: Vec::new() };
    group.end = parser.entries(statement, "virtual_server_group", &mut group, |group, args| {
        let member = if args.peek() == Some("fwmark") { mark(&group.name, args) } else { addresses(args) };
        group.members.extend(member);
    });
    group.members.shrink_to_fit();
    root.lvs.groups.push(group);
}

pub(in crate::config::keyword) fn show_groups(root: &Draft, shown: &mut Shown<'_>) {
    for group in &root.lvs.groups {
        shown.dump.open(&format!("{} {}", shown.name, word(&group.name)));
        for member in &group.members {
            shown.dump.line(&member_text(member));
        }
        shown.dump.close();
    }
}

/// What a line of a group may be, for the documentation.
#[derive(Debug)]
pub struct Lines;

impl Described for Lines {
    fn name(&self) -> &'static str {
        "virtual_server_group"
    }

    fn entries(&self) -> Vec<Entry> {
        let entry = |name, syntax, range, doc| Entry {
            name,
            aliases: &[],
            deprecated: &[],
            syntax,
            default: "none",
            range,
            doc,
            effect: crate::config::keyword::Effect::Done,
            inside: Vec::new(),
        };
        vec![
            entry(
                "ADDRESS",
                "IP[-END | /LENGTH] [PORT]",
                "END: an address, or its last part (IPv4 decimal, IPv6 hexadecimal)",
                "One or many addresses; without a port, any.",
            ),
            entry("fwmark", "N [inet | inet6]", "1..4294967295", "Packets with this mark."),
        ]
    }
}

fn mark(group: &str, args: &mut Args<'_>) -> Option<Member> {
    args.word();
    let Some(number) = args.word() else {
        let text = "*** Configuration line starting `fwmark` is missing a parameter after keyword `fwmark`";
        args.cx.problems.report(Class::MissingParameter, Phase::Reading, Some(args.at), text).word("fwmark");
        return None;
    };
    let Some(value) = decimal(number).ok().and_then(|value| u32::try_from(value).ok()) else {
        args.error(format!("({group}): fwmark '{number}' must be in [0, 4294967295] - ignoring"));
        return None;
    };
    let family = match args.word() {
        None => None,
        Some(word) => match value::family(word) {
            Some(family) => Some(family),
            None => {
                args.error(format!("({group}): fwmark '{number}' family {word} unknown - ignoring")).hint("inet or inet6");
                return None;
            }
        },
    };
    let Some(mark) = NonZeroU32::new(value) else {
        args.notice(format!("({group}): fwmark 0 is no mark - ignoring"));
        return None;
    };
    Some(Member::Mark { mark, family })
}

fn addresses(args: &mut Args<'_>) -> Option<Member> {
    let spec = args.word()?;
    let word = args.word();
    let (first, last, port) = match (range(spec), word.map_or(Some(0), value::port)) {
        (Ok((first, last)), Some(port)) => (first, last, port),
        (Err(Unusable::Told(text)), _) => {
            args.error(text).word(spec);
            return None;
        }
        (Err(Unusable::Address), _) | (Ok(_), None) => {
            let port = word.map_or_else(String::new, |word| format!("/port/{word}"));
            let hint = "ADDRESS[-END | /LENGTH] [PORT], or fwmark N [inet | inet6]";
            args.error(format!("Invalid virtual server group IP address {spec} {port} - skipping")).hint(hint);
            return None;
        }
    };
    Some(Member::Addresses { first, last, port })
}

enum Unusable {
    Address,
    /// With what is wrong.
    Told(String),
}

/// The first and last of the addresses that one word names.
fn range(spec: &str) -> Result<(IpAddr, IpAddr), Unusable> {
    let at = spec.find(['-', '/']).unwrap_or(spec.len());
    let first: IpAddr = spec[..at].parse().map_err(|_| Unusable::Address)?;
    let rest = spec.get(at + 1..);
    let last = match (spec.as_bytes().get(at), rest) {
        (Some(b'-'), Some(end)) => range_end(spec, first, end)?,
        (Some(b'/'), Some(length)) => return prefix(spec, first, length),
        _ => return Ok((first, first)),
    };
    if last <= first {
        return Err(Unusable::Told(format!("Address range end is not greater than address range start - {spec} - skipping")));
    }
    Ok((first, last))
}

/// The end of a range: an address, or what replaces the last octet (IPv4) or the last 16 bits (IPv6, in hexadecimal).
fn range_end(spec: &str, first: IpAddr, end: &str) -> Result<IpAddr, Unusable> {
    if end.contains(['.', ':']) {
        let last: Option<IpAddr> = end.parse().ok();
        return last
            .filter(|last| last.is_ipv4() == first.is_ipv4())
            .ok_or_else(|| Unusable::Told(format!("Invalid range end {spec} - skipping")));
    }
    let (radix, most) = if first.is_ipv4() { (10, 0xff) } else { (16, 0xffff) };
    let digits = end.find(|c: char| !c.is_digit(radix)).unwrap_or(end.len());
    if digits < end.len() {
        let extra = &end[digits..];
        return Err(Unusable::Told(format!("Virtual server group range '{spec}' has extra characters at end '{extra}'")));
    }
    let part = if end.is_empty() { Some(0) } else { u16::from_str_radix(end, radix).ok().filter(|part| *part <= most) };
    let Some(part) = part else {
        return Err(Unusable::Told(format!("Virtual server group range '{spec}' end '{end}' too large")));
    };
    Ok(match first {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() & !0xff | u32::from(part)).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !0xffff | u128::from(part)).into(),
    })
}

/// Every address under a prefix, which must have no bits set behind it.
fn prefix(spec: &str, first: IpAddr, length: &str) -> Result<(IpAddr, IpAddr), Unusable> {
    let width: u8 = if first.is_ipv4() { 32 } else { 128 };
    let length = decimal(length).ok().and_then(|l| u8::try_from(l).ok()).filter(|l| (1..=width).contains(l));
    let Some(length) = length else {
        return Err(Unusable::Told(format!("Invalid netmask - {spec} - skipping")));
    };
    let host_bits = u32::from(width - length);
    let (last, trailing_zeros): (IpAddr, u32) = match first {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shr(length.into()).unwrap_or(0);
            (Ipv4Addr::from_bits(v4.to_bits() | mask).into(), v4.to_bits().trailing_zeros())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shr(length.into()).unwrap_or(0);
            (Ipv6Addr::from_bits(v6.to_bits() | mask).into(), v6.to_bits().trailing_zeros())
        }
    };
    if trailing_zeros < host_bits {
        return Err(Unusable::Told(format!("Address mask bits not empty - {spec} - skipping")));
    }
    Ok((first, last))
}

fn member_text(member: &Member) -> String {
    match *member {
        Member::Addresses { first, last, port } if first == last => value::address_text(first, port),
        Member::Addresses { first, last, port } => {
            let range = format!("{first}-{last}");
            if port == 0 { range } else { format!("{range} {port}") }
        }
        Member::Mark { mark, family } => format!("fwmark {mark}{}", family.map_or(String::new(), |f: Family| format!(" {}", f.keyword()))),
    }
}
