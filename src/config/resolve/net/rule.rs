//! A rule: names to numbers, and interfaces.

use super::super::Resolver;
use crate::config::diagnostic::Origin;
use crate::config::draft::net::{Named, Rule as Draft};
use crate::config::host::NameTable;
use crate::model::net::rule::{Action, Rule};
use crate::model::net::{Family, OUR_PROTOCOL};

impl Resolver<'_> {
    pub(in crate::config::resolve) fn rule(&mut self, draft: Draft) -> Option<Rule> {
        let at = draft.at;
        let interfaces = [draft.input.as_deref(), draft.output.as_deref()];
        if !interfaces.map(|name| self.needs_interface(name, at, "rule")).iter().all(|&there| there) {
            return None;
        }
        let tos = match &draft.tos {
            None => 0,
            Some(name) => self.lookup(NameTable::DsField, name, 255, at, |name| format!("TOS value {name} is invalid"))?,
        };
        let realms = match &draft.realms {
            None => None,
            Some(realms) => Some(self.realms(realms, at, "invalid realms for rule")?),
        };
        let suppress_group = match &draft.suppress_group {
            None => None,
            Some(name) => Some(self.lookup(NameTable::Groups, name, u32::MAX, at, |name| format!("suppress_group {name} is invalid"))?),
        };
        let action = match draft.action? {
            Action::Table(name) => {
                let text = |name: &Named| format!("Routing table {name} not found for rule");
                let table = self.lookup(NameTable::RouteTables, &name, u32::MAX, at, text)?;
                if table == 0 {
                    self.problems.error(at, "Table 0 is not valid").word("table");
                    return None;
                }
                Action::Table(table)
            }
            Action::L3mdev => Action::L3mdev,
            Action::Goto(target) => Action::Goto(target),
            Action::Nop => Action::Nop,
            Action::Blackhole => Action::Blackhole,
            Action::Unreachable => Action::Unreachable,
            Action::Prohibit => Action::Prohibit,
        };
        Some(Rule {
            family: draft.family.unwrap_or(Family::V4),
            inverted: draft.inverted,
            from: draft.from,
            to: draft.to,
            priority: draft.priority?,
            tos,
            mark: draft.mark,
            input: draft.input,
            output: draft.output,
            uids: draft.uids,
            ip_protocol: draft.ip_protocol.and_then(|name| self.ip_protocol(&name, at)),
            source_ports: draft.source_ports,
            destination_ports: draft.destination_ports,
            tunnel: draft.tunnel,
            action,
            realms,
            suppress_length: draft.suppress_length,
            suppress_group,
            protocol: self.rule_protocol(draft.protocol, draft.no_track, at),
            tracked: !draft.no_track,
        })
    }

    fn ip_protocol(&mut self, name: &Named, at: Origin) -> Option<u8> {
        let number = match name {
            Named::Number(number) => u8::try_from(*number).ok(),
            Named::Name(name) => self.host.protocol(name).or_else(|| self.host.protocol(&name.to_ascii_lowercase())),
        };
        if number.is_none() {
            self.problems.error(at, format!("Invalid ipproto {name}")).word(&name.to_string());
        }
        number
    }

    fn rule_protocol(&mut self, protocol: Option<u8>, no_track: bool, at: Origin) -> u8 {
        match protocol {
            None if no_track => 0,
            Some(protocol) if no_track => protocol,
            None | Some(OUR_PROTOCOL) => OUR_PROTOCOL,
            Some(_) => {
                let text = format!("Rule cannot be tracked if protocol is not RTPROT_KEEPALIVED({OUR_PROTOCOL}), resetting protocol");
                self.problems.error(at, text).word("protocol").hint("no_track allows for other protocols");
                OUR_PROTOCOL
            }
        }
    }
}
