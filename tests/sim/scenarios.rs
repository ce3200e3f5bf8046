//! Stories of two or three routers, with adverts every second unless they say otherwise.

use crate::chance::Chance;
use crate::host::NOON;
use crate::lan::{Seen, World};
use crate::plan::{Auth, Member, Plan};
use standfast::effect::notice::Told;
use standfast::effect::time::Instant;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// On the wire, and until somebody has looked.
const TRAVEL: Duration = Duration::from_micros(300);

const fn member(priority: u8) -> Member {
    Member::new(priority, SECOND)
}

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

impl World {
    fn asleep(plan: Plan) -> Self {
        let mut world = Self::new(plan, Chance::new(1), true);
        world.hosts.iter_mut().for_each(|host| host.lateness = Duration::ZERO);
        world
    }

    /// Everybody runs, and has found a place.
    fn awake(plan: Plan) -> Self {
        let mut world = Self::asleep(plan);
        world.start_all();
        world.settle();
        world
    }

    fn settle(&mut self) {
        self.run(self.settling());
        self.check_settled();
        self.passes();
        self.seen.clear();
    }

    fn passes(&self) {
        assert_eq!(self.violation, None, "\n{}", self.story());
    }

    /// Lets time pass, and tells what was told meanwhile.
    fn watch(&mut self, duration: Duration) -> Vec<(usize, Told)> {
        self.run(duration);
        self.passes();
        self.notices().into_iter().map(|(_, host, told)| (host, told)).collect()
    }

    fn notices(&self) -> Vec<(Instant, usize, Told)> {
        let notice = |&(at, seen): &(Instant, Seen)| match seen {
            Seen::Notice { host, told, .. } => Some((at, host, told)),
            Seen::Advert { .. } | Seen::Announcement { .. } => None,
        };
        self.seen.iter().filter_map(notice).collect()
    }

    /// The priorities in a host's adverts.
    fn adverts(&self, of: usize) -> Vec<(Instant, u8)> {
        let advert = |&(at, seen): &(Instant, Seen)| match seen {
            Seen::Advert { host, priority, .. } if host == of => Some((at, priority)),
            Seen::Advert { .. } | Seen::Notice { .. } | Seen::Announcement { .. } => None,
        };
        self.seen.iter().filter_map(advert).collect()
    }

    fn separate(&mut self, segment: u8, from: usize, to: usize) {
        self.cut.insert((segment, from, to));
    }

    fn reconnect(&mut self) {
        self.cut.clear();
        self.watch.disturb(self.now);
    }
}

#[test]
fn the_higher_priority_is_master_and_nothing_is_heard_but_its_adverts() {
    let mut world = World::awake(Plan::simple(&[member(150), member(100), member(120)]));
    assert_eq!(world.masters(0), [0]);
    world.expect_quiet(true);
    assert_eq!(world.watch(SECOND * 3600), []);
    assert_eq!(world.adverts(0).len(), 3600);
}

#[test]
fn a_partition_makes_two_masters_and_its_end_makes_it_one() {
    let mut world = World::awake(Plan::simple(&[member(150), member(100)]));
    world.separate(0, 0, 1);
    world.separate(0, 1, 0);
    assert_eq!(world.watch(SECOND * 5), [(1, Told::Master)]);
    assert_eq!(world.masters(0), [0, 1]);
    world.reconnect();
    world.seen.clear();
    // By the next advert of either, and without anybody's addresses being given up in between.
    let told = world.watch(SECOND + TRAVEL);
    assert_eq!(told.iter().filter(|(_, told)| *told != Told::MasterRxLowerPri).collect::<Vec<_>>(), [&(1, Told::Backup)]);
    assert_eq!(world.masters(0), [0]);
    assert!(world.adverts(1).iter().all(|(_, priority)| *priority == 100), "who gives way to a better one does not say goodbye");
    world.settle();
}

#[test]
fn who_is_deaf_to_the_master_becomes_one_too_until_it_hears_again() {
    let mut world = World::awake(Plan::simple(&[member(150), member(100)]));
    world.separate(0, 0, 1);
    world.run(SECOND * 10);
    assert_eq!(world.masters(0), [0, 1]);
    let answered = world.notices().iter().filter(|(_, host, told)| (*host, *told) == (0, Told::MasterRxLowerPri)).count();
    assert!((5..=8).contains(&answered), "each of its adverts is answered, and told once: {answered}");
    world.reconnect();
    world.watch(SECOND + TRAVEL);
    assert_eq!(world.masters(0), [0]);
    world.settle();
}

#[test]
fn a_master_that_stops_is_succeeded_after_the_skew_alone() {
    let mut world = World::awake(Plan::simple(&[member(150), member(100)]));
    let stopped = world.now;
    world.stop(0, true);
    world.run(SECOND);
    assert_eq!(world.adverts(0), [(stopped, 0)]);
    let (at, host, told) = world.notices().into_iter().find(|(_, host, _)| *host == 1).expect("it takes over");
    assert_eq!((host, told), (1, Told::Master));
    let skew = SECOND * (256 - 100) / 256;
    let waited = at.since(stopped);
    assert!((skew..=skew + TRAVEL).contains(&waited), "{waited:?}");
    world.settle();
}

#[test]
fn a_machine_that_dies_is_succeeded_when_three_adverts_and_the_skew_have_passed_and_comes_back() {
    let mut world = World::awake(Plan::simple(&[member(150), member(100)]));
    world.run(SECOND);
    let (last, _) = world.adverts(0).pop().expect("it was master");
    world.seen.clear();
    world.reboot(0);
    assert_eq!(world.watch(SECOND * 4), [(1, Told::Master)]);
    let waited = world.notices()[0].0.since(last);
    let down = SECOND * 3 + SECOND * (256 - 100) / 256;
    assert!((down..=down + TRAVEL).contains(&waited), "{waited:?}");
    world.seen.clear();
    world.start(0);
    let told = world.watch(SECOND * 5);
    assert_eq!(told[..2], [(0, Told::Backup), (0, Told::Master)]);
    assert_eq!(told.last(), Some(&(1, Told::Backup)));
    world.settle();
    assert_eq!(world.masters(0), [0]);
}

#[test]
fn a_process_that_is_started_again_in_time_goes_on_and_nobody_notices() {
    let mut world = World::awake(Plan::simple(&[member(150), member(100)]));
    world.crash(0);
    assert_eq!(world.watch(SECOND), []);
    let started = world.now;
    world.start(0);
    assert_eq!(world.adverts(0).last(), Some(&(started, 150)));
    assert_eq!(world.masters(0), [0], "its addresses have not moved");
    assert_eq!(world.watch(SECOND * 10), []);
    world.settle();
}

#[test]
fn a_process_that_is_started_again_too_late_finds_another_master_and_there_is_one_in_the_end() {
    for (priorities, left) in [([150, 100], 0), ([100, 100], 1)] {
        let mut world = World::awake(Plan::simple(&priorities.map(member)));
        world.stop(1, true);
        world.settle();
        world.start(1);
        world.settle();
        assert_eq!(world.masters(0), [0]);
        world.crash(0);
        assert_eq!(world.watch(SECOND * 10), [(1, Told::Master)]);
        world.start(0);
        world.watch(SECOND + TRAVEL);
        assert_eq!(world.masters(0), [left]);
        world.settle();
    }
}

#[test]
fn what_a_process_has_left_in_place_is_found_and_given_up_by_one_that_is_not_master() {
    let mut world = World::awake(Plan::simple(&[member(150), member(100)]));
    world.stop(0, false);
    let held = |world: &World| world.watch.holds_any(&world.hosts[0], 0, &world.plan);
    world.run(SECOND * 10);
    assert!(held(&world));
    world.start(0);
    assert!(!held(&world), "the other one is master by now");
    world.settle();
    assert_eq!(world.masters(0), [0]);
}

#[test]
fn a_short_stall_goes_unnoticed_and_a_long_one_ends_with_one_master() {
    let mut world = World::awake(Plan::simple(&[member(150), member(100)]));
    world.stall(0);
    assert_eq!(world.watch(SECOND * 2), []);
    world.resume(0);
    assert_eq!(world.watch(SECOND * 5), []);
    world.stall(0);
    assert_eq!(world.watch(SECOND * 10), [(1, Told::Master)]);
    world.resume(0);
    world.run(TRAVEL);
    world.passes();
    assert_eq!(world.masters(0), [0], "the other one has heard of it at once");
    world.settle();
}

#[test]
fn an_address_that_somebody_takes_away_is_put_back() {
    let mut world = World::awake(Plan::simple(&[member(150), member(100)]));
    assert!(world.strip(0, 0));
    assert_eq!(world.masters(0), [0]);
    assert_eq!(world.seen.last().map(|(_, seen)| *seen), Some(Seen::Announcement { host: 0 }));
    assert_eq!(world.watch(SECOND * 10), []);
}

#[test]
fn of_two_owners_the_one_with_the_higher_address_stays() {
    let mut world = World::asleep(Plan::simple(&[member(255), member(255)]));
    world.start_all();
    assert_eq!(world.masters(0), [0, 1], "an owner does not wait");
    assert_eq!(world.notices().iter().map(|(_, host, told)| (*host, *told)).collect::<Vec<_>>(), [(0, Told::Master), (1, Told::Master)]);
    world.settle();
    assert_eq!(world.masters(0), [1]);
    world.stop(1, true);
    world.settle();
    assert_eq!(world.masters(0), [0]);
}

#[test]
fn without_preemption_the_master_stays() {
    let reluctant = Member { preempts: false, ..member(150) };
    let mut world = World::asleep(Plan::simple(&[reluctant, member(100)]));
    world.start(1);
    world.run(SECOND * 5);
    world.start(0);
    world.settle();
    assert_eq!(world.masters(0), [1]);
    world.stop(1, true);
    world.settle();
    assert_eq!(world.masters(0), [0]);
}

#[test]
fn preemption_waits_as_long_as_it_is_told_and_then_for_the_timer() {
    let patient = Member { preempt_delay: SECOND * 5, ..member(150) };
    let mut world = World::asleep(Plan::simple(&[patient, member(100)]));
    world.start(1);
    world.run(SECOND * 5);
    world.start(0);
    let started = world.now;
    world.seen.clear();
    world.run(SECOND * 12);
    let masters: Vec<_> = world.notices().into_iter().filter(|(_, _, told)| *told == Told::Master).collect();
    let [(at, 0, _)] = masters[..] else { unreachable!("{masters:?}") };
    let waited = at.since(started);
    assert!((SECOND * 7..SECOND * 10).contains(&waited), "{waited:?}");
    world.settle();
}

#[test]
fn an_interface_that_is_made_anew_is_found_by_its_name() {
    let mut world = World::awake(Plan::simple(&[member(150), member(100)]));
    world.unplug(0, 0);
    assert_eq!(world.watch(SECOND * 4), [(0, Told::Fault), (1, Told::Master)], "its last word was not heard");
    world.seen.clear();
    world.plug(0, 0);
    assert_eq!(world.watch(SECOND * 10).first(), Some(&(0, Told::Backup)));
    world.settle();
    assert_eq!(world.masters(0), [0]);
}

#[test]
fn a_group_leaves_together_and_comes_back_together() {
    let mut world = World::awake(Plan::grouped(&[member(150), member(100)]));
    assert_eq!((world.masters(0), world.masters(1)), (vec![0], vec![0]));
    world.set_link(0, 1, false);
    world.settle();
    assert_eq!((world.masters(0), world.masters(1)), (vec![1], vec![1]));
    world.set_link(0, 1, true);
    world.settle();
    assert_eq!((world.masters(0), world.masters(1)), (vec![0], vec![0]));
}

#[test]
fn a_group_does_not_come_apart_when_one_of_its_segments_does() {
    let mut world = World::awake(Plan::grouped(&[member(150), member(100)]));
    world.separate(0, 0, 1);
    world.separate(0, 1, 0);
    assert_eq!(world.watch(SECOND * 60), []);
    assert_eq!((world.masters(0), world.masters(1)), (vec![0], vec![0]));
    world.reconnect();
    world.settle();
}

#[test]
fn a_reload_of_the_same_is_two_adverts_and_nothing_else() {
    let mut world = World::awake(Plan::grouped(&[member(150), member(100)]));
    let before = world.hosts[0].links.clone();
    world.reload(0);
    world.reload(1);
    assert_eq!(world.adverts(0), [(world.now, 150); 2], "of both instances");
    assert_eq!(world.watch(SECOND / 10), []);
    assert_eq!(world.adverts(0).len(), 4, "and once more under the new configuration");
    assert_eq!(world.seen.len(), 4);
    assert_eq!(world.hosts[0].links, before);
    assert_eq!(world.watch(SECOND * 10), []);
}

#[test]
fn a_reload_moves_addresses_and_priorities_without_an_interruption() {
    let mut world = World::awake(Plan::simple(&[Member { vips: 3, ..member(150) }, member(100)]));
    let change = |world: &mut World, vips, priority, generation| {
        world.plan.hosts[0].members[0] = Some(Member { vips, generation, ..member(priority) });
        world.reload(0);
    };
    change(&mut world, 1, 150, 0);
    assert_eq!(world.masters(0), [0]);
    change(&mut world, 2, 150, 1);
    assert_eq!(world.masters(0), [0]);
    assert_eq!(world.watch(SECOND * 10), [], "it is the same one under another name");
    change(&mut world, 2, 50, 1);
    let told = world.watch(SECOND * 5);
    assert_eq!(told, [(1, Told::Master), (0, Told::Backup)]);
    world.settle();
}

#[test]
fn a_script_that_has_not_reported_yet_does_not_stop_a_successor() {
    let mut plan = Plan::simple(&[Member { weight: Some(0), ..member(150) }, member(100)]);
    plan.hosts[0].script = Some(standfast::vrrp::Standing::Up);
    let mut world = World::awake(plan);
    assert_eq!(world.masters(0), [0]);
    world.crash(0);
    assert_eq!(world.watch(ms(500)), []);
    world.start(0);
    assert_eq!(world.masters(0), [0]);
    assert_eq!(world.watch(SECOND * 5), []);
    world.set_script(0, standfast::vrrp::Standing::Down);
    assert_eq!(world.watch(SECOND * 2), [(0, Told::Fault), (1, Told::Master)]);
    world.settle();
}

fn authenticated(auth: Auth) -> Plan {
    let mut plan = Plan::simple(&[member(200), member(100)]);
    plan.routers[0].auth = auth;
    plan.routers[0].version = if auth == Auth::Hmac { 3 } else { 2 };
    plan
}

#[test]
fn routers_with_secrets_elect_and_follow_each_other() {
    for auth in [Auth::Pass, Auth::Ah, Auth::Hmac] {
        let mut world = World::awake(authenticated(auth));
        assert_eq!(world.masters(0), [0], "{auth:?}");
        world.stop(0, true);
        world.settle();
        assert_eq!(world.masters(0), [1], "{auth:?}");
        world.start(0);
        world.settle();
        assert_eq!(world.masters(0), [0], "{auth:?}");
    }
}

#[test]
fn a_crash_of_a_master_with_a_secret_is_not_noticed() {
    for auth in [Auth::Ah, Auth::Hmac] {
        let mut world = World::awake(authenticated(auth));
        world.run(SECOND * 20);
        for _ in 0..3 {
            world.crash(0);
            world.run(ms(10));
            world.start(0);
            assert_eq!(world.watch(SECOND * 30), [], "{auth:?}\n{}", world.story());
        }
    }
}

#[test]
fn clocks_may_be_set_while_routers_run() {
    // The right time is NOON at the start; so far from it each clock is set, in seconds.
    for clocks in [[-20, 0], [0, -20], [20, 0], [0, 20], [-3600, -3600], [3600, 3600], [-50, -5]] {
        let mut world = World::awake(authenticated(Auth::Hmac));
        let passed = world.now.since(Instant::from_nanos(1_000_000_000_000));
        for (host, seconds) in clocks.into_iter().enumerate() {
            let time = (NOON + passed).as_secs().checked_add_signed(seconds).expect("long after 1970");
            world.set_clock(host, Duration::from_secs(time));
        }
        assert_eq!(world.watch(SECOND * 100), [], "{clocks:?}\n{}", world.story());
        assert_eq!(world.masters(0), [0], "{clocks:?}");
    }
}

#[test]
fn routers_whose_clocks_disagree_too_far_find_together_when_these_are_put_right() {
    let mut world = World::awake(authenticated(Auth::Hmac));
    let passed = |world: &World| world.now.since(Instant::from_nanos(1_000_000_000_000));
    let time = NOON + passed(&world) + SECOND * 300;
    world.set_clock(0, time);
    world.run(SECOND * 6);
    assert_eq!(world.masters(0), [0, 1], "nobody believes the other");
    let time = NOON + passed(&world);
    world.set_clock(0, time);
    world.settle();
    assert_eq!(world.masters(0), [0]);
}
