use super::super::decode::SeenService;
use super::*;
use crate::effect::ipvs::DestKey;
use crate::model::lvs::{Forwarding, Protocol, Scheduler, SchedulerFlags};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard};

/// Refuses what the real one refuses, and what it is told to.
#[derive(Debug, Default)]
struct State {
    services: BTreeMap<ServiceKey, (Settings, BTreeMap<DestKey, Dest>)>,
    /// Every step, and what became of it.
    log: Vec<(Op, Option<Errno>)>,
    unknown: Option<Scheduler>,
    batches: usize,
    down: bool,
    /// How often the table and destinations were looked at.
    looks: usize,
}

fn up_to(services: usize) -> Effort {
    Effort { services, ..Effort::ALL }
}

#[derive(Clone, Debug, Default)]
struct Fake(Arc<Mutex<State>>);

impl Fake {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panicked")
    }

    fn table(&self) -> Table {
        Table::new(Box::new(self.clone())).expect("it answers")
    }

    fn services(&self) -> Vec<(ServiceKey, Settings, Vec<Dest>)> {
        let state = self.state();
        state.services.iter().map(|(key, (settings, dests))| (*key, settings.clone(), dests.values().copied().collect())).collect()
    }

    fn weights(&self, service: u8) -> Vec<(u8, u32)> {
        let state = self.state();
        let last = |dest: &Dest| match dest.key.address {
            IpAddr::V4(address) => address.octets()[3],
            IpAddr::V6(_) => 0,
        };
        state.services.get(&key(service)).map_or(Vec::new(), |(_, dests)| dests.values().map(|dest| (last(dest), dest.weight)).collect())
    }

    fn log(&self) -> Vec<Op> {
        std::mem::take(&mut self.state().log).into_iter().map(|(op, _)| op).collect()
    }
}

impl State {
    fn step(&mut self, op: &Op) -> Result<(), Errno> {
        let known = |settings: &Settings| if self.unknown == Some(settings.scheduler) { Err(Errno::ENOENT) } else { Ok(()) };
        match op {
            Op::AddService(key, settings) => {
                if self.services.contains_key(key) {
                    return Err(Errno::EEXIST);
                }
                known(settings)?;
                self.services.insert(*key, (settings.clone(), BTreeMap::new()));
            }
            Op::EditService(key, settings) => {
                if !self.services.contains_key(key) {
                    return Err(Errno::ESRCH);
                }
                known(settings)?;
                self.services.get_mut(key).ok_or(Errno::ESRCH)?.0 = settings.clone();
            }
            Op::RemoveService(key) => {
                self.services.remove(key).ok_or(Errno::ESRCH)?;
            }
            Op::AddDest(key, dest) => {
                let dests = &mut self.services.get_mut(key).ok_or(Errno::ESRCH)?.1;
                if dests.contains_key(&dest.key) {
                    return Err(Errno::EEXIST);
                }
                dests.insert(dest.key, *dest);
            }
            Op::EditDest(key, dest) => {
                *self.services.get_mut(key).ok_or(Errno::ESRCH)?.1.get_mut(&dest.key).ok_or(Errno::ENOENT)? = *dest;
            }
            Op::RemoveDest(key, dest) => {
                self.services.get_mut(key).ok_or(Errno::ESRCH)?.1.remove(dest).ok_or(Errno::ENOENT)?;
            }
        }
        Ok(())
    }
}

impl Kernel for Fake {
    fn apply(&mut self, ops: &[Op]) -> io::Result<Vec<(usize, Errno)>> {
        let mut state = self.state();
        assert!(ops.len() <= BATCH);
        state.batches += 1;
        if state.down {
            return Err(io::Error::from(Errno::ENOBUFS));
        }
        let mut refused = Vec::new();
        for (place, op) in ops.iter().enumerate() {
            let result = state.step(op);
            state.log.push((op.clone(), result.err()));
            refused.extend(result.err().map(|errno| (place, errno)));
        }
        Ok(refused)
    }

    fn services(&mut self, each: &mut dyn FnMut(SeenService)) -> io::Result<()> {
        let mut state = self.state();
        state.looks += 1;
        if state.down {
            return Err(io::Error::from(Errno::ENOBUFS));
        }
        state.services.iter().map(|(key, (settings, _))| SeenService { key: *key, settings: Some(settings.clone()) }).for_each(each);
        Ok(())
    }

    fn service(&mut self, key: ServiceKey) -> io::Result<Option<SeenService>> {
        let mut found = None;
        Kernel::services(self, &mut |service| found = found.take().or(Some(service).filter(|service| service.key == key)))?;
        Ok(found)
    }

    fn dests(&mut self, key: ServiceKey) -> io::Result<Vec<Dest>> {
        let mut state = self.state();
        state.looks += 1;
        Ok(state.services.get(&key).map(|(_, dests)| dests.values().copied().collect()).unwrap_or_default())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.state().services.clear();
        Ok(())
    }

    fn timeouts(&mut self) -> io::Result<Timeouts> {
        Ok(Timeouts { tcp: 900, tcp_fin: 120, udp: 300 })
    }

    fn set_timeouts(&mut self, _: Timeouts) -> io::Result<()> {
        Ok(())
    }
}

fn key(last: u8) -> ServiceKey {
    ServiceKey::Address { protocol: Protocol::Tcp, address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), port: 80 }
}

fn dest(last: u8, weight: u32) -> Dest {
    let key = DestKey { address: IpAddr::V4(Ipv4Addr::new(10, 0, 1, last)), port: 80 };
    Dest { key, forwarding: Forwarding::Nat, weight, upper_threshold: 0, lower_threshold: 0 }
}

fn scheduled(last: u8, scheduler: Scheduler, dests: &[(u8, u32)]) -> Service {
    let settings = Settings { scheduler, flags: SchedulerFlags::default(), one_packet: false, persistence: None };
    Service { key: key(last), settings, dests: dests.iter().map(|&(last, weight)| dest(last, weight)).collect() }
}

fn service(last: u8, dests: &[(u8, u32)]) -> Service {
    scheduled(last, Scheduler::RoundRobin, dests)
}

const A: ServerId = ServerId(1);
const B: ServerId = ServerId(2);

#[test]
fn saying_it_again_costs_nothing() {
    let kernel = Fake::default();
    let mut table = kernel.table();
    assert_eq!(table.hold(A, [service(1, &[(1, 1), (2, 1)])]), []);
    assert_eq!(kernel.log().len(), 3);
    assert_eq!(table.hold(A, [service(1, &[(1, 1), (2, 1)])]), []);
    assert_eq!(kernel.log(), []);
}

#[test]
fn a_service_of_two_owners_goes_with_the_last() {
    let kernel = Fake::default();
    let mut table = kernel.table();
    table.stage(A, [scheduled(1, Scheduler::WeightedRoundRobin, &[(1, 1), (2, 5)])]);
    table.stage(B, [service(1, &[(2, 1), (3, 1)])]);
    assert_eq!(table.apply(), []);
    assert_eq!(kernel.weights(1), [(1, 1), (2, 5), (3, 1)]);
    assert_eq!(kernel.services()[0].1.scheduler, Scheduler::WeightedRoundRobin);
    assert_eq!(table.hold(A, []), []);
    assert_eq!(kernel.weights(1), [(2, 1), (3, 1)]);
    assert_eq!(kernel.services()[0].1.scheduler, Scheduler::RoundRobin);
    assert_eq!(table.hold(B, []), []);
    assert_eq!(kernel.services(), []);
}

#[test]
fn a_service_passes_from_one_owner_to_another_untouched() {
    let kernel = Fake::default();
    let mut table = kernel.table();
    table.hold(A, [service(1, &[(1, 1), (2, 1)])]);
    kernel.log();
    table.stage(A, []);
    table.stage(B, [service(1, &[(2, 1), (3, 1)])]);
    table.apply();
    assert_eq!(kernel.log(), [Op::AddDest(key(1), dest(3, 1)), Op::RemoveDest(key(1), dest(1, 1).key)]);
}

#[test]
fn what_a_predecessor_left_is_adopted_without_a_gap() {
    let kernel = Fake::default();
    kernel.table().hold(A, [service(1, &[(1, 1), (2, 1), (3, 1)]), service(9, &[(1, 1)])]);
    kernel.log();
    let mut table = kernel.table();
    assert_eq!(table.hold(B, [scheduled(1, Scheduler::LeastConnection, &[(1, 1), (2, 7), (4, 1)])]), []);
    assert_eq!(kernel.weights(1), [(1, 1), (2, 7), (4, 1)]);
    let log = kernel.log();
    assert!(!log.contains(&Op::RemoveDest(key(1), dest(1, 1).key)) && !log.contains(&Op::RemoveService(key(1))), "{log:?}");
    assert_eq!(kernel.weights(9), [(1, 1)], "nobody wanted that one");
    table.release(global::FlushOnStop::No);
    assert_eq!(kernel.services().len(), 1);
}

#[test]
fn a_service_that_somebody_added_meanwhile_is_adopted_too() {
    let kernel = Fake::default();
    let mut table = kernel.table();
    kernel.table().hold(A, [service(1, &[(1, 9), (2, 9)])]);
    assert_eq!(table.hold(B, [service(1, &[(1, 1), (3, 1)])]), []);
    assert_eq!(kernel.weights(1), [(1, 1), (3, 1)]);
}

#[test]
fn what_others_do_is_undone_and_what_others_have_is_left_alone() {
    let kernel = Fake::default();
    let mut table = kernel.table();
    table.hold(A, [service(1, &[(1, 1), (2, 1)]), service(2, &[(1, 1)])]);
    kernel.table().hold(B, [service(7, &[(1, 1)])]);
    assert_eq!(table.reconcile(up_to(9)), Report::default());

    kernel.state().services.remove(&key(1));
    let report = table.reconcile(up_to(9));
    assert_eq!(
        report.mended.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["IPVS service 10.0.0.1:tcp:80 was missing and has been put back"]
    );
    assert_eq!(kernel.weights(1), [(1, 1), (2, 1)]);
    assert_eq!(table.reconcile(up_to(9)), Report::default());

    {
        let mut state = kernel.state();
        let dests = &mut state.services.get_mut(&key(1)).expect("it is there").1;
        dests.remove(&dest(1, 1).key);
        dests.insert(dest(2, 0).key, dest(2, 0));
        dests.insert(dest(9, 3).key, dest(9, 3));
    }
    let report = table.reconcile(up_to(9));
    assert_eq!(report.mended, [Mended(Op::AddDest(key(1), dest(1, 1))), Mended(Op::EditDest(key(1), dest(2, 1)))]);
    assert_eq!(kernel.weights(1), [(1, 1), (2, 1), (9, 3)]);
    assert_eq!(kernel.weights(7), [(1, 1)]);
    assert_eq!(table.release(global::FlushOnStop::VirtualServers), []);
    assert_eq!(kernel.services().len(), 1);
    assert_eq!(table.release(global::FlushOnStop::All), []);
    assert_eq!(kernel.services(), []);
}

/// With a destination each, and nobody has looked at them.
fn ten_services() -> (Fake, Table) {
    let kernel = Fake::default();
    let mut table = kernel.table();
    table.stage(A, (1..=10).map(|last| service(last, &[(1, 1)])));
    table.apply();
    kernel.state().looks = 0;
    (kernel, table)
}

#[test]
fn destinations_are_looked_at_in_turn() {
    let (kernel, mut table) = ten_services();
    assert_eq!(table.reconcile(up_to(3)), Report::default());
    assert_eq!(kernel.state().looks, 4);
    kernel.state().services.get_mut(&key(10)).expect("it is there").1.clear();
    let found: Vec<usize> = (0..6).map(|_| table.reconcile(up_to(3)).mended.len()).collect();
    assert_eq!(found.iter().sum::<usize>(), 1, "{found:?}");
}

#[test]
fn a_look_that_takes_too_long_goes_on_where_it_was() {
    let (kernel, mut table) = ten_services();
    let no_time = Effort { services: 9, time: Duration::ZERO };
    assert_eq!((table.reconcile(no_time), kernel.state().looks), (Report::default(), 1));
    kernel.state().services.get_mut(&key(3)).expect("it is there").1.clear();
    assert_eq!(table.reconcile(up_to(2)), Report::default());
    assert_eq!(table.reconcile(no_time), Report::default());
    assert_eq!(table.reconcile(up_to(2)).mended.len(), 1);
}

#[test]
fn a_service_that_the_kernel_refuses_is_reported_once_and_mended_later() {
    let kernel = Fake::default();
    kernel.state().unknown = Some(Scheduler::PowerOfTwo);
    let mut table = kernel.table();
    let problems = table.hold(A, [scheduled(1, Scheduler::PowerOfTwo, &[(1, 1), (2, 1)]), service(2, &[(1, 1)])]);
    assert_eq!(
        problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["IPVS cmd IP_VS_SO_SET_ADD(1154) error: Scheduler or persistence engine not found(2) (10.0.0.1:tcp:80)"]
    );
    assert_eq!(kernel.weights(2), [(1, 1)]);
    for _ in 0..9 {
        assert_eq!(table.reconcile(up_to(9)), Report::default());
    }
    let tries = kernel.state().log.iter().filter(|(_, errno)| *errno == Some(Errno::ENOENT)).count();
    assert!((3..=6).contains(&tries), "{tries}");
    // Its owner may change its mind meanwhile.
    assert_eq!(table.hold(A, [scheduled(1, Scheduler::PowerOfTwo, &[(3, 1)]), service(2, &[(1, 1)])]).len(), 1);
    kernel.state().unknown = None;
    let mended: Vec<Mended> = (0..usize::from(MOST_PATIENCE) + 1).flat_map(|_| table.reconcile(up_to(9)).mended).collect();
    assert_eq!(mended.len(), 1);
    assert_eq!(kernel.weights(1), [(3, 1)]);
    table.hold(A, []);
    assert_eq!(kernel.services(), []);
}

#[test]
fn a_kernel_that_does_not_answer_is_caught_up_with() {
    let kernel = Fake::default();
    let mut table = kernel.table();
    kernel.state().down = true;
    assert_eq!(table.hold(A, [service(1, &[(1, 1)])]).len(), 1);
    assert_eq!(table.reconcile(up_to(9)).problems.len(), 1);
    assert_eq!(table.reconcile(up_to(9)).problems.len(), 0, "it is told once");
    kernel.state().down = false;
    table.reconcile(up_to(9));
    assert_eq!(kernel.weights(1), [(1, 1)]);
    assert_eq!(table.reconcile(up_to(9)), Report::default());
}

#[test]
fn many_services_share_batches() {
    let kernel = Fake::default();
    let mut table = kernel.table();
    for owner in 0..100 {
        table.stage(ServerId(owner), [service(u8::try_from(owner).expect("few"), &[(1, 1), (2, 1), (3, 1)])]);
    }
    assert_eq!(table.apply(), []);
    assert_eq!(kernel.state().batches, 2);
    assert_eq!(table.len(), 100);
}

/// A service by its key, with one of two schedulers, and its destinations with their weights.
type Wish = (u8, bool, Vec<(u8, u32)>);

/// What anybody may do between two looks.
#[derive(Clone, Debug)]
enum Deed {
    Hold(u32, Vec<Wish>),
    Meddle(u8, u8, u32),
    Clear(u8),
    Unknown(bool),
    Down(bool),
    Look(usize),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let services = vec((0_u8..4, any::<bool>(), vec((0_u8..4, 0_u32..3), 0..4)), 0..4);
    let deed = prop_oneof![
        4 => (0_u32..3, services).prop_map(|(owner, services)| Deed::Hold(owner, services)),
        1 => (0_u8..5, 0_u8..5, 0_u32..3).prop_map(|(service, dest, weight)| Deed::Meddle(service, dest, weight)),
        1 => (0_u8..5).prop_map(Deed::Clear),
        1 => any::<bool>().prop_map(Deed::Unknown),
        1 => any::<bool>().prop_map(Deed::Down),
        1 => (0_usize..9).prop_map(Deed::Look),
    ];
    vec(deed, 0..12)
}

proptest! {
    #[test]
    fn in_the_end_the_kernel_has_what_is_wanted(deeds in deeds()) {
        let kernel = Fake::default();
        let mut table = kernel.table();
        let mut wants: BTreeMap<u32, Vec<Service>> = BTreeMap::new();
        for deed in deeds {
            match deed {
                Deed::Hold(owner, services) => {
                    let scheduler = |odd| if odd { Scheduler::PowerOfTwo } else { Scheduler::RoundRobin };
                    // Of services with one key the first counts.
                    let mut seen = HashSet::new();
                    let services: Vec<Service> = services
                        .into_iter()
                        .map(|(key, odd, dests)| scheduled(key, scheduler(odd), &dests))
                        .filter(|service| seen.insert(service.key))
                        .collect();
                    wants.insert(owner, services.clone());
                    table.hold(ServerId(owner), services);
                }
                Deed::Meddle(service, at, weight) => {
                    let at = dest(at, weight);
                    if let Some((_, dests)) = kernel.state().services.get_mut(&key(service))
                        && dests.remove(&at.key).is_none_or(|old| old.weight > 0)
                    {
                        dests.insert(at.key, at);
                    }
                }
                Deed::Clear(service) => drop(kernel.state().services.remove(&key(service))),
                Deed::Unknown(unknown) => kernel.state().unknown = unknown.then_some(Scheduler::PowerOfTwo),
                Deed::Down(down) => kernel.state().down = down,
                Deed::Look(services) => drop(table.reconcile(up_to(services))),
            }
        }
        {
            let mut state = kernel.state();
            (state.unknown, state.down) = (None, false);
        }
        for _ in 0..2 * usize::from(MOST_PATIENCE) {
            table.reconcile(up_to(9));
        }
        prop_assert_eq!(table.reconcile(up_to(9)), Report::default());
        let there = kernel.services();
        for (key, _, dests) in &there {
            let wanted: Vec<Dest> =
                wants.values().flatten().filter(|service| service.key == *key).flat_map(|service| service.dests.to_vec()).collect();
            for want in &wanted {
                let there = dests.iter().find(|dest| dest.key == want.key);
                prop_assert!(there.is_some_and(|dest| wanted.contains(dest)), "{:?} is {:?} in {:?}", want.key, there, key);
            }
        }
        let wanted: BTreeSet<ServiceKey> = wants.values().flatten().map(|service| service.key).collect();
        prop_assert_eq!(there.iter().map(|service| service.0).collect::<BTreeSet<_>>(), wanted);
        prop_assert_eq!(table.release(global::FlushOnStop::No), []);
        prop_assert_eq!(kernel.services(), []);
    }
}
