//! Rules.

use super::family;
use crate::model::net::Rule;
use crate::model::net::rule::Action;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::route::RouteRealm;
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleFlags, RuleMessage, RulePortRange, RuleUidRange};
use std::ops::RangeInclusive;

/// Without NLM_F_EXCL the kernel would take the same rule twice.
pub(super) const ADDITION: u16 = NLM_F_CREATE | NLM_F_EXCL;

pub(super) fn message(rule: &Rule) -> RuleMessage {
    let mut message = RuleMessage::default();
    let header = &mut message.header;
    header.family = family(rule.family);
    header.tos = rule.tos;
    header.flags.set(RuleFlags::Invert, rule.inverted);
    let attributes = &mut message.attributes;
    if let Some(from) = rule.from.filter(|from| from.length > 0) {
        header.src_len = from.length;
        attributes.push(RuleAttribute::Source(from.address));
    }
    if let Some(to) = rule.to.filter(|to| to.length > 0) {
        header.dst_len = to.length;
        attributes.push(RuleAttribute::Destination(to.address));
    }
    attributes.push(RuleAttribute::Priority(rule.priority));
    if let Some(mark) = rule.mark {
        attributes.extend([RuleAttribute::FwMark(mark.value), RuleAttribute::FwMask(mark.mask)]);
    }
    attributes.extend(rule.input.as_ref().map(|name| RuleAttribute::Iifname(name.to_string())));
    attributes.extend(rule.output.as_ref().map(|name| RuleAttribute::Oifname(name.to_string())));
    attributes.extend(rule.uids.as_ref().map(|range| RuleAttribute::UidRange(RuleUidRange { start: *range.start(), end: *range.end() })));
    attributes.extend(rule.ip_protocol.map(|protocol| RuleAttribute::IpProtocol(protocol.into())));
    attributes.extend(rule.source_ports.as_ref().map(|range| RuleAttribute::SourcePortRange(ports(range))));
    attributes.extend(rule.destination_ports.as_ref().map(|range| RuleAttribute::DestinationPortRange(ports(range))));
    attributes.extend(rule.tunnel.map(RuleAttribute::TunId));
    if rule.protocol != 0 {
        attributes.push(RuleAttribute::Protocol(rule.protocol.into()));
    }
    header.action = match rule.action {
        Action::Table(table) => {
            // Zero says that the attribute has it.
            header.table = u8::try_from(table).unwrap_or_default();
            attributes.push(RuleAttribute::Table(table));
            RuleAction::ToTable
        }
        Action::L3mdev => {
            attributes.push(RuleAttribute::L3MDev(true));
            RuleAction::ToTable
        }
        Action::Goto(target) => {
            attributes.push(RuleAttribute::Goto(target));
            RuleAction::Goto
        }
        Action::Nop => RuleAction::Nop,
        Action::Blackhole => RuleAction::Blackhole,
        Action::Unreachable => RuleAction::Unreachable,
        Action::Prohibit => RuleAction::Prohibit,
    };
    attributes.extend(
        rule.realms.map(|realms| RuleAttribute::Realm(RouteRealm { source: realms.source.into(), destination: realms.destination.into() })),
    );
    attributes.extend(rule.suppress_length.map(RuleAttribute::SuppressPrefixLen));
    attributes.extend(rule.suppress_group.map(RuleAttribute::SuppressIfGroup));
    message
}

const fn ports(range: &RangeInclusive<u16>) -> RulePortRange {
    RulePortRange { start: *range.start(), end: *range.end() }
}
