//! What goes wrong on a LAN, by chance, and how it is mended.

use crate::chance::Chance;
use crate::lan::{Weather, World};
use crate::plan::{MOST_VIPS, Member, Plan};
use standfast::vrrp::Standing;
use std::time::Duration;

/// Something that ends a fault.
#[derive(Clone, Copy, Debug)]
enum Cure {
    Weather,
    /// Of all that was cut on a segment.
    Reconnect(u8),
    Start(usize),
    Resume(usize),
    LinkUp(usize, u8),
    Plug(usize, u8),
    Own(usize, usize),
}

/// What is wrong at the moment, with the time at which each of it ends.
struct Wrongs {
    list: Vec<(Duration, Cure)>,
}

/// A run of a LAN: rounds of faults, each of which ends in peace.
pub(crate) fn run(seed: u64, told: bool) -> World {
    let mut chance = Chance::new(seed);
    let plan = Plan::random(&mut chance);
    let mut world = World::new(plan, Chance::new(!seed), told);
    for host in 0..world.hosts.len() {
        if chance.percent(30) {
            world.run(chance.duration(Duration::ZERO, world.plan.longest_master_down()));
        }
        world.start(host);
    }
    for round in 0..3 {
        if round > 0 {
            strike(&mut world, &mut chance);
        }
        world.run(world.settling());
        world.check_settled();
        world.expect_quiet(true);
        world.run(world.plan.longest_master_down() * 2);
        world.expect_quiet(false);
        if world.violation.is_some() {
            break;
        }
    }
    world
}

/// Several faults over a time, and in the end all that is to be mended is.
fn strike(world: &mut World, chance: &mut Chance) {
    let down = world.plan.longest_master_down();
    let mut wrongs = Wrongs { list: Vec::new() };
    for _ in 0..=chance.below(8) {
        let lasting = chance.duration(Duration::from_millis(1), down * 2);
        let next = if chance.percent(30) { Duration::from_micros(chance.below(2000)) } else { chance.duration(Duration::ZERO, down) };
        wrongs.fault(world, chance, lasting);
        wrongs.wait(world, next);
    }
    // Some things stay as they are.
    let stays = |cure: &Cure| matches!(cure, Cure::Start(_) | Cure::LinkUp(..) | Cure::Plug(..) | Cure::Own(..));
    let (kept, cured): (Vec<_>, Vec<_>) = wrongs.list.into_iter().partition(|(_, cure)| stays(cure) && chance.percent(15));
    for (_, cure) in cured {
        apply(world, cure);
    }
    drop(kept);
}

impl Wrongs {
    /// Lets time pass, in which some things are mended.
    fn wait(&mut self, world: &mut World, mut duration: Duration) {
        self.list.sort_by_key(|(left, _)| *left);
        while let Some(&(left, cure)) = self.list.first().filter(|(left, _)| *left <= duration) {
            world.run(left);
            duration -= left;
            self.list.remove(0);
            self.list.iter_mut().for_each(|(other, _)| *other = other.saturating_sub(left));
            apply(world, cure);
        }
        world.run(duration);
        self.list.iter_mut().for_each(|(other, _)| *other = other.saturating_sub(duration));
    }

    fn fault(&mut self, world: &mut World, chance: &mut Chance, lasting: Duration) {
        let host = chance.index(world.hosts.len());
        let router = chance.index(world.plan.routers.len());
        let segment = world.plan.routers[router].segment;
        match chance.below(22) {
            0 => self.weather(world, lasting, Weather { loss: chance.pick(&[10, 50, 90, 100]), ..Weather::FAIR }),
            1 => self.weather(world, lasting, Weather { twice: 50, ..Weather::FAIR }),
            2 => self.weather(world, lasting, Weather { slowest: world.plan.longest_master_down() / 4, ..Weather::FAIR }),
            3 | 4 => self.partition(world, chance, segment, lasting),
            5 | 6 => {
                world.crash(host);
                let respawn = if chance.percent(50) { Duration::from_millis(5) } else { lasting };
                self.list.push((respawn, Cure::Start(host)));
            }
            7 => {
                world.reboot(host);
                self.list.push((lasting, Cure::Start(host)));
            }
            8 if world.hosts[host].runs() => {
                world.stop(host, chance.percent(80));
                self.list.push((lasting, Cure::Start(host)));
            }
            9 => {
                world.set_link(host, segment, false);
                self.list.push((lasting, Cure::LinkUp(host, segment)));
            }
            10 => {
                world.stall(host);
                self.list.push((lasting, Cure::Resume(host)));
            }
            11 => {
                world.unplug(host, segment);
                self.list.push((lasting, Cure::Plug(host, segment)));
            }
            12 => {
                world.set_own(host, router, false);
                self.list.push((lasting, Cure::Own(host, router)));
            }
            // Only forth: a process that starts with a clock that went back is not believed for that long.
            16 | 17 => world.advance_clock(host, Duration::from_millis(chance.below(20_000))),
            13 => drop(world.strip(host, chance.index(4))),
            20 => world.harm(host, chance.index(4), chance.percent(50)),
            14 | 15 => {
                let standing = if chance.percent(50) { Standing::Up } else { Standing::Down };
                world.set_script(host, standing);
            }
            _ if world.hosts[host].runs() => {
                change(&mut world.plan, chance, host, router);
                world.reload(host);
            }
            _ => {}
        }
    }

    fn weather(&mut self, world: &mut World, lasting: Duration, weather: Weather) {
        world.tell(|| format!("{weather:?}"));
        world.weather = weather;
        self.list.push((lasting, Cure::Weather));
    }

    /// Splits a segment in two, or makes a host deaf or dumb to another.
    fn partition(&mut self, world: &mut World, chance: &mut Chance, segment: u8, lasting: Duration) {
        let count = world.hosts.len();
        let sides: Vec<bool> = (0..count).map(|_| chance.percent(50)).collect();
        let one_way = chance.percent(30);
        for from in 0..count {
            for to in (0..count).filter(|&to| sides[to] != sides[from] && !(one_way && sides[to])) {
                world.cut.insert((segment, from, to));
            }
        }
        let cut = world.cut.clone();
        world.tell(|| format!("cut: {cut:?}"));
        self.list.push((lasting, Cure::Reconnect(segment)));
    }
}

fn apply(world: &mut World, cure: Cure) {
    world.watch.disturb(world.now);
    world.tell(|| format!("cure: {cure:?}"));
    match cure {
        Cure::Weather => world.weather = Weather::FAIR,
        Cure::Reconnect(segment) => world.cut.retain(|(of, _, _)| *of != segment),
        Cure::Start(host) => {
            if world.hosts[host].engine.is_none() {
                world.start(host);
            }
        }
        Cure::Resume(host) => world.resume(host),
        Cure::LinkUp(host, segment) => world.set_link(host, segment, true),
        Cure::Plug(host, segment) => world.plug(host, segment),
        Cure::Own(host, router) => world.set_own(host, router, true),
    }
}

/// Another configuration for a host: in one respect, or in none.
fn change(plan: &mut Plan, chance: &mut Chance, host: usize, router: usize) {
    let of_group = plan.hosts[host].grouped;
    let version = plan.routers[router].version;
    let kind = chance.below(7);
    let priority = chance.pick(&[1, 20, 100, 120, 200, 254]);
    let vips = u8::try_from(chance.below(MOST_VIPS.into()) + 1).unwrap_or(1);
    let preempts = chance.percent(70);
    let affected = |n: usize| n == router || of_group;
    let members = plan.hosts[host].members.iter_mut().enumerate().filter(|(n, _)| affected(*n));
    for member in members.filter_map(|(_, member)| member.as_mut()).filter(|member| !member.is_owner()) {
        match kind {
            0 | 1 => member.priority = priority,
            2 => member.vips = vips,
            3 => (member.preempts, member.preempt_delay) = (preempts, Duration::ZERO),
            4 => member.generation += 1,
            5 if version == 3 && member.interval <= Duration::from_secs(1) && !of_group => member.interval *= 2,
            _ => {}
        }
    }
    if kind == 6 && !of_group && !plan.routers[router].unicast {
        let interval = plan.hosts.iter().find_map(|host| host.members[router].map(|member| member.interval));
        let joins = interval.map(|interval| Member::new(priority, interval));
        let member = &mut plan.hosts[host].members[router];
        *member = if member.is_some() { None } else { joins };
    }
}
