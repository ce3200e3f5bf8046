//! Gratuitous ARP: what an instance says, and what it takes from `global_defs`.

use super::Vrrps;
use crate::config::draft::vrrp::Instance as Draft;
use crate::model::vrrp::Garp;
use std::time::Duration;

impl Vrrps<'_, '_> {
    pub(super) fn garp(&mut self, draft: &Draft, strict: bool) -> Garp {
        let global = &self.global.vrrp.garp;
        let mut garp = Garp {
            delay: draft.garp_delay.unwrap_or(global.delay),
            repeat: draft.garp_repeat.unwrap_or(global.repeat),
            refresh: draft.garp_refresh.unwrap_or(global.refresh),
            refresh_repeat: draft.garp_refresh_repeat.unwrap_or(global.refresh_repeat),
            // The instance's own delay and repeat have no say in these two.
            lower_prio_delay: draft.garp_lower_prio_delay.or(global.lower_prio_delay).unwrap_or(global.delay),
            lower_prio_repeat: draft.garp_lower_prio_repeat.or(global.lower_prio_repeat).unwrap_or(global.repeat),
            extra: draft.garp_extra.or(global.extra).filter(|extra| !extra.interval.is_zero()),
        };
        if strict {
            self.strict_garp(draft, &mut garp);
        }
        garp
    }

    /// RFC 5798 knows no answer to a lower priority. Only what the instance itself asks for is worth a word.
    fn strict_garp(&mut self, draft: &Draft, garp: &mut Garp) {
        let (name, at) = (&draft.name, draft.at);
        if draft.garp_lower_prio_repeat.is_some_and(|repeat| repeat > 0) {
            self.fault(at, format!("({name}) Strict mode requires no repeat garps. resetting"));
        }
        if draft.garp_lower_prio_delay.is_some_and(|delay| !delay.is_zero()) {
            self.fault(at, format!("({name}) Strict mode requires no repeat garp delay. resetting"));
        }
        garp.lower_prio_repeat = 0;
        garp.lower_prio_delay = Duration::ZERO;
    }
}
