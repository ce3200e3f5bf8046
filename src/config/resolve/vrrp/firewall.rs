//! Whether a firewall is needed where none was asked for.

use crate::model::global::vrrp::Firewall;
use crate::model::vrrp::{Carrier, Instance};

/// The table for when none is named.
const TABLE: &str = "keepalived";

/// A virtual MAC has to be kept from multicast of its own, and an address that is not accepted from its clients. nftables
/// does it unless iptables was asked for.
pub(super) fn settle(firewall: &mut Firewall, instances: &[Instance]) {
    let fenced = |instance: &Instance| !instance.accept || matches!(instance.carrier, Carrier::Vmac(_));
    if firewall.iptables.is_none() && firewall.nftables.is_none() && instances.iter().any(fenced) {
        firewall.nftables = Some(TABLE.into());
    }
}
