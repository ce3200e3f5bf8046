//! Virtual servers, real servers and checkers.

mod checker;
mod group;
mod real_server;
mod virtual_server;

#[cfg(test)]
mod tests;

use super::Resolver;
use super::track::Trackable;
use crate::config::draft::lvs as draft;
use crate::model::global::Global;
use crate::model::lvs::Lvs;
use std::collections::HashMap;

/// What virtual servers inherit from the settings of the process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LvsInherited {
    pub(super) smtp_alert: Option<bool>,
    pub(super) smtp_alert_checker: Option<bool>,
    pub(super) checker_log_all_failures: bool,
}

impl LvsInherited {
    pub(super) fn from_global(global: &Global) -> Self {
        Self {
            smtp_alert: global.mail.alert,
            smtp_alert_checker: global.mail.alert_checker,
            checker_log_all_failures: global.lvs.log_all_failures,
        }
    }

    /// Whether to mail, where a server does not say: virtual servers do not on their own, real servers do.
    fn smtp_alert(&self, otherwise: bool) -> bool {
        self.smtp_alert_checker.or(self.smtp_alert).unwrap_or(otherwise)
    }
}

impl Resolver<'_> {
    /// Consumes the draft server by server: large configurations are never held twice.
    pub(super) fn lvs(&mut self, draft: draft::Lvs, inherited: &LvsInherited, names: &Trackable) -> Lvs {
        let groups = self.groups(draft.groups);
        let facts: HashMap<&str, group::Facts> = groups.iter().map(|group| (&*group.name, group::Facts::of(group))).collect();
        let mut virtual_servers = Vec::with_capacity(draft.virtual_servers.len());
        let mut addresses = real_server::Addresses::default();
        for vs in draft.virtual_servers {
            let group = match &vs.service {
                draft::Service::Group { name, .. } => facts.get(&**name),
                draft::Service::Address { .. } | draft::Service::Mark(_) => None,
            };
            virtual_servers.extend(self.virtual_server(vs, group, inherited, names, &mut addresses));
        }
        virtual_servers.shrink_to_fit();
        Lvs { tls: draft.tls, groups, virtual_servers }
    }
}
