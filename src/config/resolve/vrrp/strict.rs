//! What strict mode insists on, and the manners it has a say in.

use super::Vrrps;
use super::instance::Standing;
use crate::config::draft::vrrp::Instance as Draft;
use crate::model::vrrp::{Carrier, Version};

const DOWN_TIMER_ADVERTS: u8 = 3;

/// How an instance behaves towards others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manners {
    pub(super) accept: bool,
    pub(super) down_timer_adverts: u8,
    pub(super) lower_prio_no_advert: bool,
    pub(super) higher_prio_send_advert: bool,
    pub(super) owner_ignore_adverts: bool,
}

impl Vrrps<'_, '_> {
    pub(super) fn manners(&mut self, draft: &Draft, carrier: &mut Carrier, standing: Standing) -> Manners {
        let owner = standing.priority.is_owner();
        let manners = Manners {
            // An owner's addresses are its own in strict mode too (2.2.7).
            accept: draft.accept.as_ref().map_or(!standing.strict || owner, |accept| accept.value),
            down_timer_adverts: draft.down_timer_adverts.unwrap_or(self.global.vrrp.down_timer_adverts),
            lower_prio_no_advert: draft.lower_prio_no_advert.unwrap_or(standing.strict || self.global.vrrp.lower_prio_no_advert),
            higher_prio_send_advert: draft.higher_prio_send_advert.unwrap_or(!standing.strict && self.global.vrrp.higher_prio_send_advert),
            owner_ignore_adverts: self.owner_ignores(draft, owner, standing.strict),
        };
        if standing.strict { self.strict_manners(draft, carrier, standing, manners) } else { manners }
    }

    /// Only an owner can ignore others. keepalived takes an explicit `off` for `on`.
    fn owner_ignores(&mut self, draft: &Draft, owner: bool, strict: bool) -> bool {
        let name = &draft.name;
        match &draft.owner_ignore_adverts {
            Some(given) if given.value && !owner => {
                self.fault(given.at, format!("({name}) owner_ignore_adverts is only for the address owner - resetting"))
                    .hint("priority 255");
                false
            }
            Some(given) if !given.value && owner && strict => {
                self.fault(given.at, format!("({name}) strict mode requires owner_ignore_adverts to be set. resetting"));
                true
            }
            Some(given) => given.value,
            None => owner && (strict || self.global.vrrp.owner_ignore_adverts),
        }
    }

    fn strict_manners(&mut self, draft: &Draft, carrier: &mut Carrier, standing: Standing, mut manners: Manners) -> Manners {
        let (name, at) = (&draft.name, draft.at);
        if manners.accept && standing.version == Version::V2 && !standing.priority.is_owner() {
            if let Some(given) = &draft.accept {
                let text = format!("({name}) warning - accept mode for VRRP version 2 does not comply with RFC3768 - resetting");
                self.fault(given.at, text);
            }
            manners.accept = false;
        }
        if manners.down_timer_adverts != DOWN_TIMER_ADVERTS {
            self.fault(at, format!("({name}) down_timer_adverts is incompatible with strict mode - resetting"));
            manners.down_timer_adverts = DOWN_TIMER_ADVERTS;
        }
        if !manners.lower_prio_no_advert {
            self.fault(at, format!("({name}) Strict mode requires no lower priority advert. resetting"));
            manners.lower_prio_no_advert = true;
        }
        if manners.higher_prio_send_advert {
            self.fault(at, format!("({name}) strict mode requires higher_prio_send_advert to be clear. resetting"));
            manners.higher_prio_send_advert = false;
        }
        if let Carrier::Vmac(vmac) = carrier {
            if vmac.transmits_on_base && draft.transmits_on_base.is_some() {
                self.fault(at, format!("({name}) xmit_base is incompatible with strict mode - resetting"));
                vmac.transmits_on_base = false;
            }
            if vmac.mac.take().is_some() {
                self.fault(at, format!("({name}): cannot specify MAC address with strict mode - clearing"));
            }
        }
        manners
    }
}
