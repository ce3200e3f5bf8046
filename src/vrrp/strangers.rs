//! Others on the network who are not where they should be.

use super::engine::Engine;
use super::message;
use crate::effect::net::Local;
use crate::effect::time::Instant;
use crate::effect::{Action, Actions};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// Each unknown virtual router is told of once in so long.
const PAUSE: Duration = Duration::from_secs(60);

/// Virtual routers that we know nothing of: when each was told of, and how many adverts there were since. There are no more than
/// 255.
#[derive(Debug, Default)]
pub(super) struct Strangers(BTreeMap<u8, (Instant, u64)>);

impl Strangers {
    /// How many adverts were not told of before this one, if this one is to be told of.
    fn hear(&mut self, now: Instant, vrid: u8) -> Option<u64> {
        match self.0.get_mut(&vrid).filter(|(told, _)| now < *told + PAUSE) {
            Some((_, silent)) => {
                *silent += 1;
                None
            }
            None => Some(self.0.insert(vrid, (now, 0)).map_or(0, |(_, silent)| silent)),
        }
    }
}

impl Engine {
    pub(super) fn unknown(&mut self, now: Instant, vrid: u8, source: IpAddr, actions: &mut Actions) {
        if self.model.global.vrrp.log_unknown_vrids
            && let Some(silent) = self.strangers.hear(now, vrid)
        {
            actions.push(Action::Say(message::unknown(vrid, source, silent)));
        }
    }

    /// The kernel has asked for an address before using it, and somebody else has answered.
    pub(super) fn duplicate(&self, local: Local, actions: &mut Actions) {
        let address = local.prefix.address;
        let on = Some(local.device);
        let interface = self.links.get(local.device).map_or("?", |link| &link.name);
        for instance in self.order.iter().filter_map(|id| self.instances.get(id)) {
            let virtual_one = instance.conf.vips.iter().chain(&instance.conf.excluded).any(|other| other.prefix.address == address);
            let lives_there = instance.site.base == on || instance.site.home == on;
            if virtual_one {
                actions.push(Action::Say(message::duplicate(&instance.conf.name, address, interface)));
            } else if lives_there {
                actions.push(Action::Say(message::duplicate_source(&instance.conf.name, address, interface)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_unknown_adverts_is_told_of_once_a_minute() {
        let at = |seconds: u64| Instant::from_nanos(seconds * 1_000_000_000);
        let mut strangers = Strangers::default();
        assert_eq!(strangers.hear(at(0), 7), Some(0));
        for _ in 0..1000 {
            assert_eq!(strangers.hear(at(59), 7), None);
        }
        assert_eq!(strangers.hear(at(59), 8), Some(0), "another one is news");
        assert_eq!(strangers.hear(at(60), 7), Some(1000));
        assert_eq!(strangers.hear(at(61), 7), None);
        assert_eq!(strangers.hear(at(120), 7), Some(1));
    }
}
