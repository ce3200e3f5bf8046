//! What must always hold on a LAN, whatever happens on it.

use crate::host::Host;
use crate::plan::{Auth, Member, Plan};
use standfast::effect::Action;
use standfast::effect::net::{Fact, Owner};
use standfast::effect::notice::{Notice, Subject, Told};
use standfast::effect::packet::Transmit;
use standfast::effect::time::Instant;
use standfast::model::net::{Family, Prefix};
use standfast::vrrp::view::{State, View};
use standfast::wire::vrrp::{Packet, Sum};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Watch {
    /// When something last happened that engines are not to blame for.
    disturbed: Instant,
    /// Since when each router has more than one master.
    crowded: Vec<Option<Instant>>,
    /// What the world was told last of each instance, by the process that runs now.
    told: BTreeMap<(usize, usize), Told>,
    stopping: BTreeSet<usize>,
    /// Since when only adverts may be seen, and the last one of each host and router.
    quiet: Option<Instant>,
    adverts: BTreeMap<(usize, usize), Instant>,
}

impl Watch {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            disturbed: Instant::default(),
            crowded: vec![None; plan.routers.len()],
            told: BTreeMap::new(),
            stopping: BTreeSet::new(),
            quiet: None,
            adverts: BTreeMap::new(),
        }
    }

    pub(crate) fn disturb(&mut self, now: Instant) {
        self.disturbed = now;
    }

    /// A process begins; without a memory it begins by telling what it is.
    pub(crate) fn begin(&mut self, host: usize, now: Instant, forgetful: bool) {
        self.disturb(now);
        self.stopping.remove(&host);
        if forgetful {
            self.told.retain(|(of, _), _| *of != host);
        }
    }

    /// What is no longer served begins anew if it comes back.
    pub(crate) fn reloaded(&mut self, host: usize, plan: &Plan) {
        self.told.retain(|&(of, router), _| of != host || plan.hosts[host].members[router].is_some());
    }

    pub(crate) fn stopping(&mut self, host: usize) {
        self.stopping.insert(host);
    }

    pub(crate) fn expect_quiet(&mut self, since: Option<Instant>) {
        self.quiet = since;
        self.adverts.clear();
    }

    /// What is wrong with an action, before it is carried out.
    pub(crate) fn action(&mut self, now: Instant, host: usize, machine: &Host, plan: &Plan, action: &Action) -> Option<String> {
        // Interfaces are asked for again after a while where the kernel would not make one, whatever has come of it since.
        let restated = matches!(action, Action::Hold { owner: Owner::Devices, facts } if machine.has_made(facts));
        if self.quiet.is_some() && !restated && !matches!(action, Action::Transmit(_)) {
            return Some(format!("something but an advert on a quiet LAN: {action:?}"));
        }
        match action {
            Action::Transmit(transmit) => self.advert(now, host, machine, plan, transmit),
            Action::Notify(notice) => self.notice(host, plan, notice),
            Action::Announce(announce) => {
                // What is refused with a vanished interface cannot be announced either.
                let missing = announce.targets.iter().find(|target| {
                    let held = machine.links.addresses(target.device).iter().any(|prefix| prefix.address == target.address);
                    machine.links.get(target.device).is_some() && !held
                });
                missing.map(|target| format!("announces {}, which it does not have", target.address))
            }
            Action::Hold { facts, .. } => {
                let double = facts.iter().enumerate().find(|(n, fact)| facts[..*n].contains(fact));
                double.map(|(_, fact)| format!("wants {fact:?} twice"))
            }
            Action::Adopt { facts, .. } => {
                facts.iter().find(|fact| !matches!(fact, Fact::Address(_))).map(|fact| format!("adopts {fact:?}, which nobody configured"))
            }
            Action::Open(..)
            | Action::Close(_)
            | Action::Silence(_)
            | Action::Renew(_)
            | Action::Probe(_)
            | Action::Refuse(_)
            | Action::Record(_)
            | Action::Forget(_)
            | Action::Say(_) => None,
        }
    }

    fn advert(&mut self, now: Instant, host: usize, machine: &Host, plan: &Plan, transmit: &Transmit) -> Option<String> {
        let Some(packet) = Packet::new(&transmit.payload) else { return Some("sends a stump".to_owned()) };
        let found = plan.routers.iter().position(|router| router.vrid == packet.vrid());
        let Some(n) = found else { return Some(format!("sends for VRID {}", packet.vrid())) };
        let router = plan.routers[n];
        let v6 = transmit.source.is_ipv6();
        let sum = match router.version {
            2 => Sum::Plain,
            _ => Sum::Pseudo { source: transmit.source, destination: transmit.destination },
        };
        let (length, trailer) = match router.auth {
            Auth::None | Auth::Pass | Auth::Ah => (transmit.payload.len(), 0),
            Auth::Hmac => (transmit.payload.len().saturating_sub(28), 28),
        };
        let summed = if v6 { length + trailer } else { length };
        if packet.version() != router.version || packet.kind() != 1 || packet.expected_length(v6) != length || !packet.sums_up(sum, summed)
        {
            return Some(format!("sends what no one can read: {:?}", transmit.payload));
        }
        if transmit.ah.is_some() != (router.auth == Auth::Ah) {
            return Some("sends an authentication header where there is none, or none where there is one".to_owned());
        }
        // Its last word may tell of what was configured before.
        if packet.priority() == 0 {
            return self.quiet.map(|_| "gives up on a quiet LAN".to_owned());
        }
        // So may what it says before it goes over to another configuration.
        self.quiet?;
        let Some(member) = plan.hosts[host].members[n] else { return Some("sends for a router that it is no member of".to_owned()) };
        if !self.holds_all(machine, host, n, plan) {
            return Some("advertises on a quiet LAN without being master".to_owned());
        }
        if router.unicast && plan.hosts.len() > 2 {
            // One copy for each peer.
            return None;
        }
        let last = self.adverts.insert((host, n), now)?;
        let (gap, interval) = (now.since(last), member.interval);
        let late = gap > interval + machine.lateness;
        (gap < interval.saturating_sub(machine.lateness) || late).then(|| format!("adverts {gap:?} apart in place of {interval:?}"))
    }

    fn notice(&mut self, host: usize, plan: &Plan, notice: &Notice) -> Option<String> {
        if notice.subject == Subject::Group || !notice.fifo {
            return None;
        }
        let Some(router) = Plan::router_of(&notice.name) else { return Some(format!("nobody is called {}", notice.name)) };
        // A reload tells of what is no longer there, and what comes back later begins anew.
        if plan.hosts[host].members[router].is_none() {
            self.told.remove(&(host, router));
            return None;
        }
        match notice.told {
            Told::Master | Told::Backup | Told::Fault => {
                let last = self.told.insert((host, router), notice.told);
                (last == Some(notice.told)).then(|| format!("{} is told to be {} twice in a row", notice.name, notice.told))
            }
            Told::Stop => (!self.stopping.contains(&host)).then(|| format!("{} is told to stop", notice.name)),
            Told::Deleted => Some(format!("{} is told to be deleted, and is not", notice.name)),
            Told::MasterRxLowerPri | Told::MasterPriority | Told::BackupPriority => None,
        }
    }

    fn counts(host: &Host, router: usize, plan: &Plan, member_vips: u8) -> (usize, usize) {
        let segment = plan.routers[router].segment;
        let has = |vip: &Prefix| host.has(segment, *vip);
        let (wanted, other): (Vec<_>, Vec<_>) = plan.routers[router].vips().enumerate().partition(|(n, _)| *n < usize::from(member_vips));
        (wanted.iter().filter(|(_, vip)| has(vip)).count(), other.iter().filter(|(_, vip)| has(vip)).count())
    }

    pub(crate) fn holds_all(&self, machine: &Host, host: usize, router: usize, plan: &Plan) -> bool {
        plan.hosts[host].members[router].is_some_and(|member| Self::counts(machine, router, plan, member.vips) == (member.vips.into(), 0))
    }

    pub(crate) fn holds_any(&self, machine: &Host, router: usize, plan: &Plan) -> bool {
        Self::counts(machine, router, plan, 0) != (0, 0)
    }

    /// What is wrong on the LAN after something has happened to a host.
    pub(crate) fn check(&self, host: usize, hosts: &[Host], plan: &Plan) -> Option<String> {
        let machine = &hosts[host];
        let view = machine.engine.as_ref()?.snapshot();
        let device_is_there = |router: usize| machine.devices[usize::from(plan.routers[router].segment)].is_some();
        for router in 0..plan.routers.len() {
            let (all, any) = (self.holds_all(machine, host, router, plan), self.holds_any(machine, router, plan));
            if any && !all {
                return Some(format!("{host} holds some addresses of router {router}, but not all, or some of before"));
            }
            let Some(name) = plan.name(host, router) else { continue };
            let Some(master) = is_master(&view, &name) else { return Some(format!("{host} knows no {name}")) };
            if master != all && device_is_there(router) {
                return Some(format!("{host} holds the addresses of {name}: {all}; is its master: {master}"));
            }
            let told = self.told.get(&(host, router));
            // In a group the group tells.
            if !plan.hosts[host].grouped && told.is_some_and(|told| (*told == Told::Master) != master) {
                return Some(format!("{host} is master of {name}: {master}; told {told:?}"));
            }
        }
        let members = plan.hosts[host].members.iter().enumerate().filter(|(n, member)| member.is_some() && device_is_there(*n));
        let mut masters = members.map(|(n, _)| self.holds_all(machine, host, n, plan));
        let first = masters.next()?;
        (plan.hosts[host].grouped && !masters.all(|other| other == first)).then(|| format!("the group of {host} has come apart"))
    }

    /// Two masters that could know of each other may not stay.
    pub(crate) fn crowds(&mut self, now: Instant, hosts: &[Host], plan: &Plan) -> Option<String> {
        for (router, since) in self.crowded.iter_mut().enumerate() {
            let reached = |host: &Host| host.runs() && host.is_up(plan.routers[router].segment);
            let masters = hosts.iter().enumerate().filter(|(n, host)| reached(host) && plan.hosts[*n].members[router].is_some());
            let masters = masters.filter(|(_, host)| Self::counts(host, router, plan, 0) != (0, 0)).count();
            if masters < 2 {
                *since = None;
                continue;
            }
            let since = (*since.get_or_insert(now)).max(self.disturbed);
            if now.since(since) > plan.master_down(router) + Duration::from_millis(2) {
                return Some(format!("router {router} has {masters} masters since {:?}", now.since(since)));
            }
        }
        None
    }

    /// Whether this host can be the router's master.
    fn is_able(host: usize, hosts: &[Host], router: usize, plan: &Plan) -> bool {
        let machine = &hosts[host];
        let reaches = |router: usize| {
            let (segment, family) = (plan.routers[router].segment, plan.routers[router].family);
            // A virtual MAC makes up an IPv6 address of its own where its parent has none.
            let speaks = plan.routers[router].vmac && family == Family::V6 || machine.has(segment, crate::plan::own(host, segment, family));
            machine.is_up(segment) && speaks
        };
        let members = &plan.hosts[host].members;
        let group = members.iter().enumerate().filter(|(n, member)| member.is_some() && (*n == router || plan.hosts[host].grouped));
        let stands = |member: &Member| member.effective(plan.hosts[host].script).is_some();
        members[router].is_some()
            && machine.runs()
            && group.filter_map(|(n, member)| Some((n, member.as_ref()?))).all(|(n, member)| reaches(n) && stands(member))
    }

    pub(crate) fn check_settled(&self, hosts: &[Host], plan: &Plan) -> Option<String> {
        for router in 0..plan.routers.len() {
            let able: Vec<usize> = (0..hosts.len()).filter(|&host| Self::is_able(host, hosts, router, plan)).collect();
            let masters: Vec<usize> =
                (0..hosts.len()).filter(|&host| hosts[host].runs() && self.holds_all(&hosts[host], host, router, plan)).collect();
            let right = match masters[..] {
                [] => able.is_empty(),
                [master] => able.contains(&master),
                _ => false,
            };
            if !right {
                return Some(format!("router {router} has settled on {masters:?}, of {able:?} that could"));
            }
            let member = |host: usize| plan.hosts[host].members[router].expect("a master is a member");
            let priority = |host: usize| member(host).effective(plan.hosts[host].script);
            let better = |host: usize, than: usize| priority(host) > priority(than) && member(host).preempts;
            if let [master] = masters[..]
                && let Some(host) = able.iter().find(|&&host| better(host, master))
            {
                return Some(format!("router {router} has settled on {master}, but {host} is better"));
            }
        }
        None
    }
}

/// What the engine says of an instance.
fn is_master(view: &View, name: &str) -> Option<bool> {
    view.instances.iter().find(|instance| &*instance.name == name).map(|instance| instance.state == State::Master)
}
