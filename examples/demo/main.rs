//! `make demo`: three routers and a client on one network, through a stop, a crash, a stripped address and cut links, told as
//! it happens. The exit status is 0 only if everything was seen that should be.

#![expect(clippy::disallowed_methods, reason = "it shows what happens as time passes")]

#[path = "../../tests/bench/mod.rs"]
#[expect(dead_code, unused_imports, reason = "each program uses a part of it")]
mod bench;

use bench::lan::Side;
use bench::packet::Mac;
use bench::{Capture, Client, Daemon, Host, Lan, Monitor, Program, pause};
use std::fmt::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

const VIP: &str = "192.0.2.50";
const CONFIGURATIONS: [&str; 3] = [include_str!("router-1.conf"), include_str!("router-2.conf"), include_str!("router-3.conf")];
/// How long anything here may take, on a very busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

struct Router {
    host: Host,
    program: Program,
    mac: Mac,
    daemon: Option<Daemon>,
}

impl Router {
    fn name(&self) -> String {
        format!("{} ({})", self.host.name(), self.program.name())
    }
}

struct Show {
    start: Instant,
    lan: Lan,
    routers: Vec<Router>,
    capture: Capture,
    client: Client,
    /// When the step began that is under way.
    step: SystemTime,
    shown: Option<Picture>,
    missed: u32,
    /// Of the client, which goes last.
    _user: Host,
}

/// What the timeline has a line for.
#[derive(Clone, PartialEq, Eq)]
struct Picture {
    masters: Vec<String>,
    answered: bool,
}

fn main() -> ExitCode {
    let standfast = std::env::args().nth(1).unwrap_or_else(|| "target/debug/standfast".to_owned());
    let standfast = std::fs::canonicalize(&standfast).map(|path| path.to_string_lossy().into_owned());
    match standfast {
        Ok(path) => play(&Program::standfast(&path)),
        Err(error) => {
            eprintln!("the program to show is not there (give its path): {error}");
            ExitCode::FAILURE
        }
    }
}

fn play(standfast: &Program) -> ExitCode {
    let mut show = Show::set_up(standfast);
    println!("three routers, one address ({VIP}), and a client that asks it for an echo a hundred times a second\n");

    show.begin("all routers start");
    (0..show.routers.len()).for_each(|router| show.start(router));
    show.expect("the one with the highest priority becomes master", |show| show.master_is(0) && show.answers());
    show.look(Duration::from_secs(1));

    show.begin("r1 is stopped in good order");
    show.stop(0);
    show.expect("r2 takes over, told by priority 0", |show| show.master_is(1) && show.answers());
    show.outage();

    show.begin("r1 is started again");
    show.start(0);
    show.expect("r1 takes the address back", |show| show.master_is(0) && show.answers());
    show.outage();

    show.begin("the VRRP process of r1 is killed (SIGKILL)");
    let monitor = Monitor::addresses(&show.routers[0].host);
    let old = show.daemon(0).kill_vrrp();
    show.expect("another one carries on", |show| {
        let new = show.daemon(0).vrrp().is_some_and(|pid| pid != old);
        new && show.adverts(0) >= 3 && show.answers()
    });
    let kept = monitor.removals(VIP) == 0 && show.adverts(1) == 0;
    show.check("the address stayed, and r2 did not notice", kept);
    show.outage();

    show.begin("somebody takes the address off r1 (ip addr del)");
    show.routers[0].host.ip(&format!("addr del {VIP}/24 dev eth0"));
    show.expect("r1 puts it back", |show| show.master_is(0) && show.answers());
    let quiet = show.adverts(1) == 0;
    show.check("without an election", quiet);
    show.outage();

    show.begin("r1's cable is pulled");
    show.lan.unplug(&show.routers[0].host, "eth0");
    show.expect("r2 takes over after three adverts that did not come", |show| show.master_is(1) && show.answers());
    show.outage();

    if show.routers.len() > 2 {
        show.begin("r2 loses its power as well");
        show.daemon(1).kill_all();
        show.routers[1].daemon = None;
        show.lan.unplug(&show.routers[1].host, "eth0");
        show.expect("keepalived takes over", |show| show.routers[2].host.has_address(VIP) && show.answers());
        show.outage();
    }

    show.begin("r1's cable is plugged in again");
    show.lan.plug(&show.routers[0].host, "eth0");
    show.expect("r1 takes the address back", |show| show.adverts(0) > 0 && show.last_owner() == Some(0) && show.answers());
    show.outage();

    show.begin("the end");
    (0..show.routers.len()).rev().for_each(|router| show.stop(router));
    show.expect("nobody keeps the address", |show| !show.routers[0].host.has_address(VIP));
    match show.missed {
        0 => {
            println!("\neverything was seen that should be; namespaces, daemons and files are removed");
            ExitCode::SUCCESS
        }
        missed => {
            println!("\n{missed} things were not seen");
            ExitCode::FAILURE
        }
    }
}

impl Show {
    fn set_up(standfast: &Program) -> Self {
        let lan = Lan::new();
        let mut programs = vec![standfast.clone(), standfast.clone()];
        programs.extend(Program::keepalived_if_installed());
        let routers: Vec<Router> = programs
            .into_iter()
            .enumerate()
            .map(|(number, program)| {
                let host = Host::new(&format!("r{}", number + 1));
                lan.join(Side::Left, &host, "eth0", &[&format!("192.0.2.{}/24", number + 1)]);
                Router { mac: host.mac("eth0"), host, program, daemon: None }
            })
            .collect();
        let user = Host::new("client");
        lan.join(Side::Left, &user, "eth0", &["192.0.2.99/24"]);
        let capture = Capture::new(&user, "eth0");
        let client = Client::start(&user, VIP);
        let (start, step) = (Instant::now(), SystemTime::now());
        Self { start, lan, routers, capture, client, step, shown: None, missed: 0, _user: user }
    }

    fn say(&self, text: &str) {
        println!("{:6.2} s  {text}", self.start.elapsed().as_secs_f64());
    }

    fn begin(&mut self, what: &str) {
        println!();
        self.say(&format!("== {what}"));
        self.step = SystemTime::now();
    }

    fn start(&mut self, router: usize) {
        let at = &mut self.routers[router];
        at.daemon = Some(Daemon::start(&at.host, &at.program, CONFIGURATIONS[router]));
    }

    fn stop(&mut self, router: usize) {
        if let Some(mut daemon) = self.routers[router].daemon.take() {
            daemon.signal_stop();
            self.look_until(|_| daemon.exited().is_some());
        }
    }

    fn daemon(&self, router: usize) -> &Daemon {
        self.routers[router].daemon.as_ref().expect("the play starts it before")
    }

    /// Adverts of a router since the step began.
    fn adverts(&self, router: usize) -> usize {
        self.capture.adverts(self.routers[router].mac).iter().filter(|(at, advert)| *at > self.step && advert.priority > 0).count()
    }

    /// Who sent the last advert.
    fn last_owner(&self) -> Option<usize> {
        let senders = self.capture.select(|frame| frame.advert().map(|_| frame.source));
        self.routers.iter().position(|router| Some(&router.mac) == senders.last())
    }

    fn master_is(&self, wanted: usize) -> bool {
        let owners = self.routers.iter().enumerate().filter(|(_, router)| router.host.has_address(VIP));
        owners.map(|(number, _)| number).eq([wanted]) && self.adverts(wanted) > 0
    }

    /// The client was answered just now.
    fn answers(&self) -> bool {
        self.client.outages(SystemTime::now() - Duration::from_millis(300), Duration::from_millis(200)).is_empty()
    }

    /// Prints what has changed.
    fn glance(&mut self) {
        // A machine without power has no address, whatever its namespace says.
        let owners = self.routers.iter().filter(|router| router.daemon.is_some() && router.host.has_address(VIP));
        let now = Picture { masters: owners.map(Router::name).collect(), answered: self.answers() };
        if self.shown.as_ref() == Some(&now) {
            return;
        }
        let mut line = match now.masters.as_slice() {
            [] => "nobody has the address".to_owned(),
            owners => format!("the address is on {}", owners.join(" and on ")),
        };
        line.push_str(if now.answered { "; the client is answered" } else { "; the client waits" });
        let counts = (0..self.routers.len()).map(|router| (router, self.adverts(router))).filter(|(_, adverts)| *adverts > 0);
        for (router, adverts) in counts {
            let _ = write!(line, "; {adverts} adverts of {}", self.routers[router].host.name());
        }
        self.say(&line);
        self.shown = Some(now);
    }

    fn look(&mut self, time: Duration) {
        let end = Instant::now() + time;
        self.look_until(|_| Instant::now() >= end);
    }

    fn look_until(&mut self, mut done: impl FnMut(&Self) -> bool) -> bool {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            self.glance();
            if done(self) {
                self.glance();
                return true;
            }
            pause(Duration::from_millis(50));
        }
        false
    }

    fn expect(&mut self, what: &str, seen: impl FnMut(&Self) -> bool) {
        let seen = self.look_until(seen);
        self.check(what, seen);
    }

    fn check(&mut self, what: &str, seen: bool) {
        self.say(&format!("{} {what}", if seen { "seen:" } else { "NOT SEEN:" }));
        self.missed += u32::from(!seen);
    }

    /// What the client felt of the step.
    fn outage(&mut self) {
        self.look(Duration::from_secs(1));
        let longest = self.client.longest_outage(self.step);
        self.say(&format!("      the client waited {} ms at the most", longest.as_millis()));
    }
}
