//! Sockets for adverts. Instances that share what they hear and say share sockets; those that have none yet are shown with
//! what they are to have.

use super::address::Home;
use super::sheet::Sheet;
use crate::effect::net::Device;
use crate::effect::packet::Reach;
use crate::model::net::Family;
use crate::model::vrrp::{Auth, Instance, Transport};
use crate::vrrp::view::{InstanceView, PortView, View};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// `name` is the name of a device.
pub(super) fn write<'a>(sheet: &mut Sheet, instances: &[&'a Instance], view: &View, name: impl Fn(Device) -> Option<&'a str>) {
    sheet.section("VRRP Sockpool");
    let by_name: HashMap<&str, &Instance> = instances.iter().map(|instance| (&*instance.name, *instance)).collect();
    let mut shown = Vec::with_capacity(instances.len());
    for PortView { port, users, descriptors, .. } in &view.ports {
        let users: Vec<&Instance> = users.iter().filter_map(|(user, _)| by_name.get(&**user).copied()).collect();
        shown.extend(users.iter().map(|user| &*user.name));
        let address = match port.reach {
            Reach::Multicast { .. } => None,
            Reach::Unicast { source } => Some(source),
        };
        let interface = port.device.and_then(&name);
        // Authentication headers come by another protocol, and what comes by both is heard at two places.
        for with_header in [false, true] {
            let users: Vec<&Instance> = users.iter().copied().filter(|user| matches!(user.auth, Auth::Ah(_)) == with_header).collect();
            pool(sheet, &Pool { interface, family: port.family, address, buffer: port.receive_buffer, descriptors: *descriptors }, &users);
        }
    }
    if shown.len() >= instances.len() {
        return;
    }
    let shown: HashSet<&str> = shown.into_iter().collect();
    let views: HashMap<&str, &InstanceView> = view.instances.iter().map(|seen| (&*seen.name, seen)).collect();
    let mut missing: Vec<(Pool<'_>, Vec<&Instance>)> = Vec::new();
    for &instance in instances.iter().filter(|instance| !shown.contains(&*instance.name)) {
        let address = match &instance.transport {
            Transport::Multicast { .. } => None,
            Transport::Unicast { .. } => instance.source,
        };
        let seen = views.get(&*instance.name).copied();
        let interface = seen.filter(|_| instance.interface.is_some()).map(|seen| Home::of(instance, seen).name);
        let wanted = Pool { interface, family: instance.family, address, buffer: instance.receive_buffer, descriptors: None };
        match missing.iter_mut().find(|(pool, _)| *pool == wanted) {
            Some((_, users)) => users.push(instance),
            None => missing.push((wanted, vec![instance])),
        }
    }
    for (wanted, users) in missing {
        pool(sheet, &wanted, &users);
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Pool<'a> {
    interface: Option<&'a str>,
    family: Family,
    /// Of unicast.
    address: Option<IpAddr>,
    buffer: Option<u32>,
    descriptors: Option<(i32, i32)>,
}

fn pool(sheet: &mut Sheet, pool: &Pool<'_>, users: &[&Instance]) {
    let Some(first) = users.first() else { return };
    let (hears, speaks) = pool.descriptors.unwrap_or((-1, -1));
    sheet.row((" fd_in ", hears, " fd_out = ", speaks));
    sheet.row(("   Interface = ", pool.interface.unwrap_or("(none)")));
    sheet.row(("   Family = ", pool.family.name()));
    sheet.row(("   Protocol = ", if matches!(first.auth, Auth::Ah(_)) { "AH" } else { "VRRP" }));
    sheet.row(("   Type = ", if matches!(first.transport, Transport::Unicast { .. }) { "Unicast" } else { "Multicast" }));
    if let Some(address) = pool.address {
        sheet.row(("   Address = ", address));
    }
    sheet.row(("   Rx buf size = ", pool.buffer.unwrap_or(0)));
    sheet.row("   VRRP instances");
    for user in users {
        sheet.row(("     ", &user.name, " vrid ", user.vrid.0));
    }
}
