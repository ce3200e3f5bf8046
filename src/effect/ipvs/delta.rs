//! From the services that are held to those that are wanted.

use super::{Dest, DestKey, Service, ServiceKey, Settings};
use std::collections::{HashMap, HashSet};

/// One step. What is edited keeps its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    AddService(ServiceKey, Settings),
    EditService(ServiceKey, Settings),
    /// Its destinations go with it.
    RemoveService(ServiceKey),
    AddDest(ServiceKey, Dest),
    EditDest(ServiceKey, Dest),
    RemoveDest(ServiceKey, DestKey),
}

impl Op {
    pub const fn service(&self) -> ServiceKey {
        match self {
            Self::AddService(key, _)
            | Self::EditService(key, _)
            | Self::RemoveService(key)
            | Self::AddDest(key, _)
            | Self::EditDest(key, _)
            | Self::RemoveDest(key, _) => *key,
        }
    }

    pub const fn dest(&self) -> Option<DestKey> {
        match self {
            Self::AddService(..) | Self::EditService(..) | Self::RemoveService(_) => None,
            Self::AddDest(_, dest) | Self::EditDest(_, dest) => Some(dest.key),
            Self::RemoveDest(_, key) => Some(*key),
        }
    }
}

/// One service, wherever its parts are kept.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub settings: &'a Settings,
    pub dests: &'a [Dest],
}

impl<'a> From<&'a Service> for View<'a> {
    fn from(service: &'a Service) -> Self {
        Self { settings: &service.settings, dests: &service.dests }
    }
}

/// The steps for one service.
pub fn of_service(key: ServiceKey, held: Option<View<'_>>, wanted: Option<View<'_>>) -> Vec<Op> {
    match (held, wanted) {
        (None, None) => Vec::new(),
        (Some(_), None) => vec![Op::RemoveService(key)],
        (None, Some(wanted)) => {
            let mut ops = vec![Op::AddService(key, wanted.settings.clone())];
            ops.extend(of_dests(key, &[], wanted.dests));
            ops
        }
        (Some(held), Some(wanted)) => {
            let mut ops = Vec::new();
            if held.settings != wanted.settings {
                ops.push(Op::EditService(key, wanted.settings.clone()));
            }
            ops.extend(of_dests(key, held.dests, wanted.dests));
            ops
        }
    }
}

/// The steps for the destinations of one service: first what can take connections, then what takes no more, then what goes.
/// So a service that has such a destination before and after has one all the time; the sorry server is in before the last real
/// server is out, and the other way round. Of two destinations with one key the first counts.
pub fn of_dests(key: ServiceKey, held: &[Dest], wanted: &[Dest]) -> Vec<Op> {
    if held == wanted {
        return Vec::new();
    }
    let mut before: HashMap<DestKey, &Dest> = HashMap::with_capacity(held.len());
    for dest in held {
        before.entry(dest.key).or_insert(dest);
    }
    let mut seen = HashSet::with_capacity(wanted.len());
    let (mut ops, mut drained) = (Vec::new(), Vec::new());
    for dest in wanted.iter().filter(|dest| seen.insert(dest.key)) {
        let op = match before.remove(&dest.key) {
            None => Op::AddDest(key, *dest),
            Some(old) if old != dest => Op::EditDest(key, *dest),
            Some(_) => continue,
        };
        if dest.weight > 0 { ops.push(op) } else { drained.push(op) }
    }
    ops.append(&mut drained);
    // In the order of the list.
    ops.extend(held.iter().filter(|dest| before.remove(&dest.key).is_some()).map(|dest| Op::RemoveDest(key, dest.key)));
    ops
}

/// The steps from one list of services to another: what is wanted in its order, then what goes in its own. Of two services with
/// one key the first counts.
pub fn delta(held: &[Service], wanted: &[Service]) -> Vec<Op> {
    let mut before: HashMap<ServiceKey, &Service> = HashMap::with_capacity(held.len());
    for service in held {
        before.entry(service.key).or_insert(service);
    }
    let mut seen = HashSet::with_capacity(wanted.len());
    let mut ops = Vec::new();
    for service in wanted.iter().filter(|service| seen.insert(service.key)) {
        let old = before.remove(&service.key).map(View::from);
        ops.append(&mut of_service(service.key, old, Some(service.into())));
    }
    ops.extend(held.iter().filter(|service| before.remove(&service.key).is_some()).map(|service| Op::RemoveService(service.key)));
    ops
}

#[cfg(test)]
mod tests;
