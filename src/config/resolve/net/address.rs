//! An address: names to numbers, and what its prefix decides.

use super::super::Resolver;
use crate::config::draft::net::{Address as Draft, Broadcast, Named};
use crate::config::host::NameTable;
use crate::model::net::address::{Address, Lifetime};
use crate::model::net::{Family, Prefix, Scope};
use std::net::{IpAddr, Ipv4Addr};

impl Resolver<'_> {
    /// An address that goes to `interface` unless the line says otherwise; nothing means where its instance puts them.
    pub(in crate::config::resolve) fn address(&mut self, draft: Draft, interface: Option<&str>) -> Option<Address> {
        let name = draft.name();
        if !self.needs_interface(draft.device.as_deref(), draft.at, &format!("ip address {name}")) {
            return None;
        }
        let family = draft.family();
        let length = draft.length.unwrap_or(family.bits());
        let scope = match &draft.scope {
            None => Scope::GLOBAL,
            Some(scope) => {
                let text = |scope: &Named| format!("Invalid scope '{scope}' specified for {name} - ignoring");
                self.lookup(NameTable::RouteScopes, scope, 255, draft.at, text).map_or(Scope::GLOBAL, Scope)
            }
        };
        let preferred = match draft.preferred {
            Some(lifetime) => lifetime,
            // An address of its own is not to be taken as a source for what is unrelated to the service.
            None if family == Family::V6 && length == family.bits() => Lifetime::Seconds(0),
            None => Lifetime::Forever,
        };
        Some(Address {
            prefix: Prefix { address: draft.address, length },
            peer: draft.peer,
            device: draft.device.or_else(|| interface.map(Into::into)),
            scope,
            broadcast: draft.broadcast.and_then(|b| broadcast(b, draft.address, length)),
            label: draft.label,
            preferred,
            home: draft.home,
            detect_duplicates: draft.detect_duplicates,
            manage_temporary: draft.manage_temporary,
            no_prefix_route: draft.no_prefix_route,
            autojoin: draft.autojoin,
            use_vmac: draft.use_vmac,
            tracked: !draft.no_track,
        })
    }
}

fn broadcast(broadcast: Broadcast, address: IpAddr, length: u8) -> Option<Ipv4Addr> {
    let IpAddr::V4(address) = address else { return None };
    let host = u32::MAX.checked_shr(length.into()).unwrap_or(0);
    Some(match broadcast {
        Broadcast::Address(address) => address,
        Broadcast::Ones => Ipv4Addr::from_bits(address.to_bits() | host),
        Broadcast::Zeros => Ipv4Addr::from_bits(address.to_bits() & !host),
    })
}
