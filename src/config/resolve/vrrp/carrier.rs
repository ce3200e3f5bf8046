//! What an instance lives on: its interface, and a VMAC or ipvlan on it.

use super::Vrrps;
use super::family::Agreed;
use crate::config::draft::vrrp::{Given, Instance as Draft, Ipvlan as IpvlanDraft, Vmac as VmacDraft};
use crate::config::host::NameTable;
use crate::model::net::{Family, Prefix};
use crate::model::vrrp::{Carrier, Ipvlan, Vmac};

impl Vrrps<'_, '_> {
    /// The interface that the last usable statement names.
    pub(super) fn interface(&mut self, draft: &Draft) -> Option<Box<str>> {
        let name = &draft.name;
        let mut chosen = None;
        for Given { at, value } in &draft.interfaces {
            match self.resolver.interface(value) {
                Some(interface) if interface.loopback => {
                    self.error(*at, format!("({name}) cannot use a loopback interface ({value}) for vrrp - ignoring")).word(value);
                }
                Some(_) => chosen = Some(value.clone()),
                None => {
                    if !self.resolver.dynamic_interfaces {
                        let text = format!("WARNING - interface {value} for vrrp_instance {name} doesn't exist");
                        self.resolver.missing_interface(*at, value, text);
                    }
                    chosen = Some(value.clone());
                }
            }
        }
        chosen
    }

    /// The VRF, which takes the place of an interface.
    pub(super) fn vrf(&mut self, draft: &Draft) -> Option<Box<str>> {
        let name = &draft.name;
        let vrf = draft.vrf.as_ref()?;
        if draft.interfaces.iter().any(|interface| interface.at.order < vrf.at.order) {
            self.error(vrf.at, format!("({name}) Cannot specify VRF interface and interface - ignoring")).word(&vrf.value);
            return None;
        }
        if !self.resolver.is_interface(&vrf.value) {
            self.resolver.missing_interface(vrf.at, &vrf.value, format!("({name}) WARNING - VRF interface {} doesn't exist", vrf.value));
            return None;
        }
        if !draft.interfaces.is_empty() {
            self.fault(vrf.at, format!("({name}) VRF {} is not used with an interface - clearing", vrf.value));
            return None;
        }
        Some(vrf.value.clone())
    }

    pub(super) fn carrier(&mut self, draft: &mut Draft, agreed: &Agreed) -> Carrier {
        if let Some(ipvlan) = draft.ipvlan.take() {
            if draft.vmac.is_some() {
                self.log(draft.at, format!("({}) use_ipvlan takes the place of use_vmac", draft.name));
            }
            return self.ipvlan(draft, ipvlan, agreed);
        }
        match draft.vmac.take() {
            Some(vmac) => self.vmac(draft, vmac),
            None => Carrier::Interface,
        }
    }

    fn vmac(&mut self, draft: &Draft, vmac: VmacDraft) -> Carrier {
        let name = vmac.name.filter(|name| self.free_name(&draft.name, name));
        let mac = vmac.mac.map(|mac| {
            let mut octets = mac.octets;
            if mac.short {
                octets[5] = draft.vrid.unwrap_or_default();
            }
            octets
        });
        let group = vmac.group.and_then(|group| self.interface_group(&draft.name, &group));
        Carrier::Vmac(Vmac {
            name: name.map(|name| name.value),
            mac,
            group,
            notifies: vmac.notifies,
            transmits_on_base: draft.transmits_on_base.is_some(),
        })
    }

    /// Whether a VMAC can be made, or found, under this name.
    fn free_name(&mut self, instance: &str, name: &Given<Box<str>>) -> bool {
        if let Some(other) = self.carriers.get(&name.value) {
            let text = format!("({instance}) VRRP instance {other} is already using {} - ignoring name", name.value);
            self.error(name.at, text).word(&name.value);
            return false;
        }
        if self.resolver.interface(&name.value).is_some_and(|interface| !interface.stacked) {
            let text = format!("({instance}) interface {} already exists and is not a private macvlan; ignoring vmac if_name", name.value);
            self.error(name.at, text).word(&name.value);
            return false;
        }
        self.carriers.insert(name.value.clone(), instance.into());
        true
    }

    fn interface_group(&mut self, instance: &str, group: &Given<Box<str>>) -> Option<u32> {
        let number =
            group.value.parse().ok().or_else(|| self.resolver.host.numbered(&self.resolver.name_places, NameTable::Groups, &group.value));
        if number.is_none() {
            self.error(group.at, format!("({instance}) interface group '{}' is not known - ignoring", group.value)).word(&group.value);
        }
        number
    }

    fn ipvlan(&mut self, draft: &Draft, ipvlan: IpvlanDraft, agreed: &Agreed) -> Carrier {
        if let Some(name) = &ipvlan.name {
            self.carriers.insert(name.clone(), draft.name.clone());
        }
        let group = ipvlan.group.and_then(|group| self.interface_group(&draft.name, &group));
        let address = agreed.ipvlan.map(|(address, length)| Prefix { address, length });
        Carrier::Ipvlan(Ipvlan { name: ipvlan.name, address, mode: ipvlan.mode, group })
    }

    /// Whether the instance can never leave the fault state for want of an address on its ipvlan.
    pub(super) fn lacks_ipvlan_address(&mut self, draft: &Draft, carrier: &Carrier, agreed: &Agreed) -> bool {
        let lacks = match carrier {
            Carrier::Interface | Carrier::Vmac(_) => false,
            Carrier::Ipvlan(_) => agreed.family == Family::V4 && agreed.ipvlan.is_none() && agreed.source.is_none(),
        };
        if lacks {
            let text =
                format!("({}) IPv4 ipvlan requires a source ip address to be configured. setting instance to fault state", draft.name);
            self.fault(draft.at, text).hint("use_ipvlan ADDRESS/LEN");
        }
        lacks
    }

    /// What makes sense only with, or only without, a VMAC. Returns whether secondaries are promoted.
    pub(super) fn fit_carrier(&mut self, draft: &Draft, carrier: &Carrier) -> bool {
        let name = &draft.name;
        let vmac = matches!(carrier, Carrier::Vmac(_));
        if let (Some(at), false) = (draft.transmits_on_base, vmac) {
            self.fault(at, format!("({name}) vmac_xmit_base is only valid with a vmac")).hint("use_vmac");
        }
        match draft.promote_secondaries {
            Some(at) if vmac => {
                self.fault(at, format!("({name}) promote_secondaries is automatically set for vmacs - ignoring"));
                false
            }
            given => given.is_some(),
        }
    }
}
