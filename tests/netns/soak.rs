//! `make soak`: three routers, one of them the real keepalived, through faults at random for `SOAK_MINUTES` (10). The same
//! `SOAK_SEED` (1) gives the same faults. Whatever happened, soon after it is over
//!
//! - exactly one router has the address, and a client is answered;
//! - two have it at once for no longer than a master-down interval;
//! - standfast has panicked nowhere, and has no more descriptors and memory than at the beginning.

#![expect(clippy::disallowed_methods, reason = "it runs for a time that the environment tells")]

#[path = "../bench/mod.rs"]
#[expect(dead_code, unused_imports, reason = "each program uses a part of it")]
mod bench;

use bench::cost::{Memory, descriptors, memory};
use bench::lan::Side;
use bench::packet::{Forged, Mac, claim};
use bench::random::Random;
use bench::wait::within;
use bench::{Client, Daemon, Host, Lan, PATIENCE, Program, Sender, Stream, pause};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant, SystemTime};

const VIP: &str = "10.0.0.50";
const VIP_V4: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 50);
const STRANGER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 66);
const STRANGER_MAC: Mac = Mac([2, 0, 0, 0, 0, 0x66]);
const PRIORITIES: [u8; 3] = [150, 120, 100];
/// Of the lowest priority with half a second between adverts.
const MASTER_DOWN: Duration = Duration::from_millis(1500 + 305);
/// What a busy machine adds to anything.
const SLACK: Duration = Duration::from_secs(2);

struct Router {
    host: Host,
    program: Program,
    configuration: String,
    daemon: Daemon,
    /// Ours, after the first quiet moment.
    at_first: Option<(usize, Memory)>,
}

struct Soak {
    lan: Lan,
    routers: Vec<Router>,
    users: [Host; 2],
    client: Client,
    random: Random,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Crash,
    Restart,
    Outage,
    Freeze,
    Unplug,
    Vanish,
    Split,
    Deafen,
    Mute,
    Strip,
    Reload,
    Hostile,
    Rival,
    Claim,
}

const FAULTS: [Fault; 14] = [
    Fault::Crash,
    Fault::Restart,
    Fault::Outage,
    Fault::Freeze,
    Fault::Unplug,
    Fault::Vanish,
    Fault::Split,
    Fault::Deafen,
    Fault::Mute,
    Fault::Strip,
    Fault::Reload,
    Fault::Hostile,
    Fault::Rival,
    Fault::Claim,
];

fn configuration(priority: u8) -> String {
    format!(
        "vrrp_instance VI {{\nversion 3\ninterface eth0\nvirtual_router_id 51\npriority {priority}\nadvert_int 0.5\nvirtual_ipaddress {{\n{VIP}/24\n}}\n}}\n"
    )
}

impl Soak {
    fn new(seed: u64) -> Self {
        let lan = Lan::new();
        let ours = Program::standfast(env!("CARGO_BIN_EXE_standfast"));
        let programs = [ours.clone(), ours, Program::keepalived()];
        let routers = programs.into_iter().enumerate().map(|(number, program)| {
            let host = Host::new(&format!("r{}", number + 1));
            lan.join(Self::side(number), &host, "eth0", &[&Self::address(number)]);
            let configuration = configuration(PRIORITIES[number]);
            let daemon = Daemon::start_with(&host, &program, &configuration, &["-D"]);
            Router { host, program, configuration, daemon, at_first: None }
        });
        let routers = routers.collect();
        let users = [Host::new("u1"), Host::new("u2")];
        lan.join(Side::Left, &users[0], "eth0", &["10.0.0.11/24"]);
        lan.join(Side::Right, &users[1], "eth0", &["10.0.0.12/24"]);
        let client = Client::start(&users[0], VIP);
        Self { lan, routers, users, client, random: Random::new(seed) }
    }

    fn side(router: usize) -> Side {
        if router == 0 { Side::Left } else { Side::Right }
    }

    fn address(router: usize) -> String {
        format!("10.0.0.{}/24", router + 1)
    }

    fn owners(&self) -> Vec<usize> {
        (0..self.routers.len()).filter(|router| self.routers[*router].host.has_address(VIP)).collect()
    }

    fn start(&mut self, router: usize) {
        let at = &mut self.routers[router];
        at.daemon = Daemon::start_with(&at.host, &at.program, &at.configuration, &["-D"]);
    }

    fn stream(&self, millis: u64, frame: impl FnMut(u64) -> Vec<u8> + Send + 'static) -> Stream {
        Stream::start(Sender::new(&self.users[0], "eth0"), Duration::from_millis(millis), frame)
    }

    /// Makes something go wrong for a while, and right again.
    fn strike(&mut self, fault: Fault, router: usize, time: Duration) {
        let at = &self.routers[router];
        match fault {
            Fault::Crash => {
                at.daemon.kill_vrrp();
            }
            Fault::Restart => {
                self.routers[router].daemon.stop();
                pause(time);
                self.start(router);
            }
            Fault::Outage => {
                at.daemon.kill_all();
                // The machine comes back without what it had.
                drop(at.host.attempt(&format!("ip addr del {VIP}/24 dev eth0")));
                pause(time);
                self.start(router);
            }
            Fault::Freeze => {
                at.daemon.freeze();
                pause(time);
                at.daemon.thaw();
            }
            Fault::Unplug => {
                self.lan.unplug(&at.host, "eth0");
                pause(time);
                self.lan.plug(&at.host, "eth0");
            }
            Fault::Vanish => {
                self.lan.remove(&at.host, "eth0");
                pause(time);
                self.lan.join(Self::side(router), &at.host, "eth0", &[&Self::address(router)]);
            }
            Fault::Split => {
                self.lan.split();
                pause(time);
                self.lan.heal();
            }
            Fault::Deafen => {
                at.host.deafen("eth0", "");
                pause(time);
                at.host.listen();
            }
            Fault::Mute => {
                self.lan.mute(&at.host, "eth0");
                pause(time);
                self.lan.unmute();
            }
            Fault::Strip => {
                drop(at.host.attempt(&format!("ip addr del {VIP}/24 dev eth0")));
            }
            Fault::Reload => at.daemon.reload(&at.configuration),
            Fault::Hostile => {
                let good = Forged { version: 3, interval: 50, ..Forged::new(STRANGER_MAC, STRANGER, 51, 200, &[VIP_V4]) };
                let mut random = self.random.clone();
                let stream = self.stream(5, move |_| {
                    let mut frame = Forged { checksum: false, ..good.clone() }.frame();
                    let at = 36 + random.below(frame.len() - 36);
                    frame[at] = random.byte();
                    frame
                });
                pause(time);
                drop(stream);
            }
            Fault::Rival => {
                let priority = 10 + self.random.byte() / 2;
                let frame = Forged { version: 3, interval: 50, ..Forged::new(STRANGER_MAC, STRANGER, 51, priority, &[VIP_V4]) }.frame();
                let stream = self.stream(20, move |_| frame.clone());
                pause(time);
                drop(stream);
            }
            Fault::Claim => {
                let stream = self.stream(50, |_| claim(STRANGER_MAC, VIP_V4));
                pause(time);
                drop(stream);
            }
        }
    }

    /// Waits until all is well again. Returns the longest time with two owners.
    fn settle(&mut self) -> Duration {
        for router in 0..self.routers.len() {
            // It may have given up after many crashes, as it should: somebody starts it again.
            if self.routers[router].daemon.exited().is_some() {
                println!("        r{} had given up: started again", router + 1);
                self.start(router);
            }
        }
        let (mut together, mut worst, mut alone) = (None, Duration::ZERO, None);
        let settled = within(PATIENCE, || {
            let now = Instant::now();
            match self.owners().len() {
                0 => (together, alone) = (None, None),
                1 => {
                    together = None;
                    alone = alone.or(Some(now));
                }
                _ => {
                    worst = worst.max(now - *together.get_or_insert(now));
                    alone = None;
                }
            }
            let answered = self.client.outages(SystemTime::now() - Duration::from_millis(300), Duration::from_millis(200)).is_empty();
            // It stays so for longer than it takes to be taken over.
            (answered && alone.is_some_and(|since| now - since > MASTER_DOWN + Duration::from_secs(1))).then_some(())
        });
        assert!(settled.is_some(), "it does not settle: owners {:?}\n{}", self.owners(), self.logs());
        worst
    }

    fn logs(&self) -> String {
        self.routers.iter().map(|router| format!("{}:\n{}", router.host.name(), router.daemon.text())).collect()
    }

    /// What must hold of ours whenever all is quiet.
    fn inspect(&mut self) {
        for router in &mut self.routers {
            if router.program == Program::keepalived() {
                continue;
            }
            assert_eq!(router.daemon.said("panicked"), 0, "{}", router.daemon.text());
            let pids = router.daemon.processes();
            let now = (descriptors(&pids), memory(&pids));
            let first = *router.at_first.get_or_insert(now);
            assert!(now.0 <= first.0 + 4, "{}: {} descriptors, at first {}", router.host.name(), now.0, first.0);
            let limit = first.1.proportional * 3 / 2 + 4096;
            assert!(now.1.proportional <= limit, "{}: {:?}, at first {:?}", router.host.name(), now.1, first.1);
        }
    }
}

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().expect("the environment has a number in it"),
        Err(_) => default,
    }
}

#[test]
#[ignore = "it takes SOAK_MINUTES: make soak"]
fn faults_at_random() {
    let (seed, minutes) = (number("SOAK_SEED", 1), number("SOAK_MINUTES", 10));
    println!("seed {seed}, {minutes} minutes");
    let mut soak = Soak::new(seed);
    let start = Instant::now();
    let mut faults = 0_u32;
    soak.settle();
    while start.elapsed() < Duration::from_secs(minutes * 60) {
        soak.inspect();
        let fault = *soak.random.pick(&FAULTS);
        // A fault of the master is worth more than one of a backup.
        let router = if soak.random.below(2) == 0 { soak.owners().first().copied().unwrap_or(0) } else { soak.random.below(3) };
        let time = Duration::from_millis(500 + u64::try_from(soak.random.below(4000)).expect("it is small"));
        println!("{:6.1} s  {fault:?} r{}, {} ms", start.elapsed().as_secs_f64(), router + 1, time.as_millis());
        soak.strike(fault, router, time);
        let together = soak.settle();
        assert!(together <= MASTER_DOWN + SLACK, "two owners for {together:?} after {fault:?}\n{}", soak.logs());
        faults += 1;
    }
    soak.inspect();
    for router in soak.routers.iter().filter(|router| router.at_first.is_some()) {
        let (pids, first) = (router.daemon.processes(), router.at_first.unwrap_or_default());
        println!(
            "{}: descriptors {} at first, {} at last; PSS {} KiB at first, {} KiB at last",
            router.host.name(),
            first.0,
            descriptors(&pids),
            first.1.proportional,
            memory(&pids).proportional
        );
    }
    println!("{faults} faults; {} answers to the client", soak.client.answers());
}
