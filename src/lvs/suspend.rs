//! `ha_suspend`: virtual servers that are checked only while an address of theirs is ours. A group's is any address in it;
//! keepalived never resumes a group (BUG, 7).

use crate::model::lvs::{Lvs, Member, Service};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

#[derive(Debug, Default)]
pub(super) struct Suspense {
    /// Positions of virtual servers, by address.
    single: HashMap<IpAddr, Vec<u32>>,
    /// First and last address, and the virtual server's position.
    ranges: Vec<(IpAddr, IpAddr, u32)>,
    ours: HashSet<IpAddr>,
}

impl Suspense {
    /// Goes over to a configuration; addresses that are ours stay known.
    pub(super) fn learn(&mut self, lvs: &Lvs) {
        self.single.clear();
        self.ranges.clear();
        let asking = lvs.virtual_servers.iter().zip(0_u32..).filter(|(server, _)| server.ha_suspend);
        for (server, at) in asking {
            match &server.service {
                Service::Address { address, .. } => self.single.entry(*address).or_default().push(at),
                Service::Group { name, .. } => {
                    let group = lvs.groups.iter().find(|group| group.name == *name);
                    for member in group.map_or(&[][..], |group| &group.members) {
                        match *member {
                            Member::Addresses { first, last, .. } => self.ranges.push((first, last, at)),
                            Member::Mark { .. } => {}
                        }
                    }
                }
                Service::Mark(_) => {}
            }
        }
    }

    pub(super) fn asks_for(&self, address: IpAddr) -> bool {
        self.single.contains_key(&address) || self.ranges.iter().any(|&(first, last, _)| (first..=last).contains(&address))
    }

    /// The virtual servers that this may concern.
    pub(super) fn hear(&mut self, address: IpAddr, ours: bool) -> Vec<u32> {
        let news = if ours { self.ours.insert(address) } else { self.ours.remove(&address) };
        if !news {
            return Vec::new();
        }
        let mut servers: Vec<u32> = self.single.get(&address).cloned().unwrap_or_default();
        servers.extend(self.ranges.iter().filter(|(first, last, _)| (*first..=*last).contains(&address)).map(|&(_, _, at)| at));
        servers.sort_unstable();
        servers.dedup();
        servers
    }

    /// Whether none of its addresses is ours.
    pub(super) fn suspends(&self, service: &Service, at: u32) -> bool {
        match service {
            Service::Address { address, .. } => !self.ours.contains(address),
            Service::Group { .. } => {
                let mut ranges = self.ranges.iter().filter(|range| range.2 == at);
                !ranges.any(|&(first, last, _)| self.ours.iter().any(|address| (first..=last).contains(address)))
            }
            Service::Mark(_) => false,
        }
    }
}
