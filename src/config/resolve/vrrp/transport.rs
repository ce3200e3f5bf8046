//! Whom adverts go to.

use super::Vrrps;
use super::family::Agreed;
use crate::config::draft::vrrp::Instance as Draft;
use crate::model::net::Family;
use crate::model::vrrp::{Carrier, Instance, Peer, Transport, Vrid};
use std::net::IpAddr;

impl Vrrps<'_, '_> {
    pub(super) fn transport(&mut self, draft: &Draft, agreed: &mut Agreed, carrier: &mut Carrier) -> Transport {
        let name = &draft.name;
        let peers = self.peers(draft, agreed);
        let unicast = !peers.is_empty();
        if let (Some(ttl), false) = (&draft.unicast_ttl, unicast) {
            // keepalived sets the TTL of multicast to zero here, and its adverts go nowhere.
            let at = ttl.at;
            self.error(draft.end, format!("({name}): Cannot use unicast_ttl without unicast peers - resetting"))
                .hint(format!("unicast_ttl is at line {}", at.line));
        }
        // A keyword about unicast is enough, as with keepalived.
        if let (Carrier::Vmac(vmac), Some(_)) = (&mut *carrier, draft.unicast)
            && !vmac.transmits_on_base
        {
            vmac.transmits_on_base = true;
            self.error(draft.end, format!("({name}) unicast with use_vmac requires vmac_xmit_base - setting"));
        }
        if let (Some(group), true) = (&agreed.group, unicast) {
            self.fault(group.at, format!("({name}) multicast destination specified with unicast - ignoring"));
        }
        if let (Some(at), false, false) = (draft.unicast, unicast, draft.fault_without_peers) {
            let text = format!(
                "({name}) A unicast keyword has been specified without any unicast peers. Defaulting to multicast. \
                 This usage is deprecated - please update your configuration."
            );
            self.fault(at, text).hint("unicast_peer { ADDRESS }");
        }
        if unicast || (draft.unicast.is_some() && draft.fault_without_peers) {
            let ttl = draft.unicast_ttl.as_ref().filter(|_| unicast).map(|ttl| ttl.value);
            let bounded = agreed.peers.iter().any(|peer| peer.min_ttl.is_some() || peer.max_ttl.is_some());
            Transport::Unicast {
                peers,
                ttl: ttl.or((agreed.family == Family::V4).then_some(255)).filter(|_| unicast),
                check_source: draft.check_source || bounded || self.global.vrrp.check_unicast_src,
                old_checksum: draft.old_checksum.unwrap_or_default(),
            }
        } else {
            Transport::Multicast { group: agreed.group.as_ref().map_or(self.global.vrrp.mcast_group(agreed.family), |group| group.value) }
        }
    }

    fn peers(&mut self, draft: &Draft, agreed: &Agreed) -> Vec<Peer> {
        let mut peers: Vec<Peer> = Vec::with_capacity(agreed.peers.len());
        let mut seen = std::collections::HashSet::new();
        for peer in &agreed.peers {
            if seen.insert(peer.address) {
                peers.push(Peer { address: peer.address, min_ttl: peer.min_ttl.unwrap_or(0), max_ttl: peer.max_ttl.unwrap_or(u8::MAX) });
            } else {
                self.error(peer.at, format!("({}) duplicate unicast peer {} - ignoring", draft.name, peer.address));
            }
        }
        peers
    }
}

/// Where the VRID of an instance must be its own.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Space<'a> {
    vrid: Vrid,
    family: Family,
    interface: Option<&'a str>,
    group: Option<IpAddr>,
    source: Option<IpAddr>,
    peers: Vec<IpAddr>,
}

impl<'a> Space<'a> {
    /// Without peers there is nobody to hear.
    pub(super) fn of(instance: &'a Instance) -> Option<Self> {
        let (vrid, family, interface) = (instance.vrid, instance.family, instance.interface.as_deref());
        match &instance.transport {
            Transport::Multicast { group } => Some(Self { vrid, family, interface, group: Some(*group), source: None, peers: Vec::new() }),
            Transport::Unicast { peers, .. } if peers.is_empty() => None,
            Transport::Unicast { peers, .. } => {
                let mut peers: Vec<IpAddr> = peers.iter().map(|peer| peer.address).collect();
                peers.sort_unstable();
                Some(Self { vrid, family, interface, group: None, source: instance.source, peers })
            }
        }
    }
}
