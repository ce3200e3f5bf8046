//! `make bench`: what a large balancer costs, beside the real keepalived in the same guest (see [`guest`]) and the same run.
//!
//! Nothing is asserted about times: machines differ, and so does one machine from hour to hour. `cargo bench --bench lvs --
//! WORD...` runs only the parts whose names contain one of the words.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads clocks")]

#[path = "../tests/bench/mod.rs"]
#[expect(dead_code, unused_imports, reason = "each program uses a part of it")]
mod bench;
#[path = "../tests/uml/guest.rs"]
#[expect(dead_code, reason = "each program uses a part of it")]
mod guest;
#[path = "lvs/ipvs.rs"]
mod ipvs;
#[path = "lvs/target.rs"]
mod target;

use bench::cost::{cpu, memory};
use bench::{Capture, Daemon, Host, Program, pause};
use guest::Story;
use ipvs::{Changes, Look};
use std::fmt::Write;
use std::io::Read as _;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant, SystemTime};
use target::{Idle, Target};

/// What was measured of one program, by what it is.
type Figures = Vec<(String, f64)>;

/// Some of them take keepalived minutes.
const PATIENCE: Duration = Duration::from_secs(150);
const MILLISECOND: f64 = 1e3;
const MICROSECOND: f64 = 1e6;

const PARTS: [Story; 4] = [("start", start), ("checked", checked), ("many", many), ("checks", checks)];

fn main() {
    // The first process of a guest is this program as well.
    if std::process::id() == 1 {
        return guest::inside(&PARTS);
    }
    let words: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    for part in PARTS {
        if words.is_empty() || words.iter().any(|word| part.0 == word) {
            guest::tell(&[part]);
        }
    }
}

/// Both programs, one after the other.
fn beside(about: &str, measure: impl Fn(&Program) -> Figures) {
    println!("\n{about}");
    println!("{:>52} | {:>12} | {:>12} | {:>12}", "", "standfast", "keepalived", "standfast");
    println!("{:>52} | {:>12} | {:>12} | {:>12}", "", "", "", "/ keepalived");
    let [ours, theirs] = [Program::standfast(env!("CARGO_BIN_EXE_standfast")), Program::keepalived()].map(|program| measure(&program));
    for ((what, our), (_, their)) in ours.iter().zip(&theirs) {
        let ratio = if *their > 0.0 { format!("{:.2}", our / their) } else { String::new() };
        println!("{what:>52} | {our:>12.3} | {their:>12.3} | {ratio:>12}");
    }
}

const SMALL: Size = Size { services: 1000, reals: 8 };

fn start() {
    beside("start: 1,000 services with 8 real servers each, without checkers", |program| table(program, SMALL, false, false));
}

fn checked() {
    beside("checked: the same with a TCP_CHECK in each real server", |program| table(program, SMALL, true, false));
}

fn many() {
    let size = Size { services: 2277, reals: 16 };
    beside("many: 2,277 services with 16 real servers each, beside a VRRP instance with advert_int 0.1", |program| {
        table(program, size, false, true)
    });
}

#[derive(Clone, Copy)]
struct Size {
    services: u32,
    reals: u32,
}

impl Size {
    fn service(number: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(0x0a01_0000 + number)
    }

    fn last(self) -> Ipv4Addr {
        Self::service(self.services - 1)
    }

    /// The last real server of the last service has this weight, all others have 1. Hardly anybody is checked meanwhile: they are
    /// not there.
    fn configuration(self, last_weight: u32, checked: bool) -> String {
        let check = if checked { "TCP_CHECK {\nconnect_timeout 3\n}\n" } else { "" };
        let mut text = String::new();
        for service in 0..self.services {
            let head = "lb_algo rr\nlb_kind NAT\nprotocol TCP\ndelay_loop 36000";
            writeln!(text, "virtual_server {} 80 {{\n{head}", Self::service(service)).expect("a string takes any text");
            for real in 0..self.reals {
                let address = Ipv4Addr::from_bits(0x0a80_0000 + service * self.reals + real);
                let is_last = service + 1 == self.services && real + 1 == self.reals;
                let weight = if is_last { last_weight } else { 1 };
                writeln!(text, "real_server {address} 80 {{\nweight {weight}\n{check}}}").expect("a string takes any text");
            }
            text.push_str("}\n");
        }
        text
    }

    fn lines(self) -> usize {
        usize::try_from(self.services * (self.reals + 1)).expect("not so many")
    }
}

/// The kernel's table as a whole: to ask for it costs as much as some of what is measured.
fn lines(host: &Host) -> usize {
    let text = host.run(|| std::fs::read_to_string("/proc/thread-self/net/ip_vs")).unwrap_or_default();
    text.lines().count().saturating_sub(HEADER)
}

const HEADER: usize = 3;

/// Costs little: no more is made of it than is read.
fn is_empty(host: &Host) -> bool {
    let lines = host.run(|| {
        let mut page = [0; 1024];
        let length = std::fs::File::open("/proc/thread-self/net/ip_vs").and_then(|mut file| file.read(&mut page)).unwrap_or(0);
        page.iter().take(length).filter(|byte| **byte == b'\n').count()
    });
    lines <= HEADER
}

/// Asks often until there is an answer, and returns how long that took.
#[track_caller]
fn until(since: Instant, what: &str, daemon: &Daemon, mut is_so: impl FnMut() -> bool) -> f64 {
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "in vain for {PATIENCE:?}: {what}\n{}", end_of(daemon));
        pause(Duration::from_millis(5));
    }
    since.elapsed().as_secs_f64() * MILLISECOND
}

fn end_of(daemon: &Daemon) -> String {
    let text = daemon.text();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

fn mebibytes(kibibytes: u64) -> f64 {
    f64::from(u32::try_from(kibibytes).unwrap_or(u32::MAX)) / 1024.0
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn director() -> Host {
    // A host turns some of it off.
    guest::run("modprobe -d /run/modules ipv6");
    Host::new("director")
}

const VRRP: &str = "vrrp_instance VI {\ninterface d0\nvirtual_router_id 51\npriority 100\nadvert_int 0.1\nversion 3\nvirtual_ipaddress {\n10.0.0.50/24\n}\n}\n";
const INTERVAL: f64 = 100.0;

fn table(program: &Program, size: Size, checked: bool, advertise: bool) -> Figures {
    let host = director();
    host.ip("link add d0 type veth peer name d1");
    for line in ["link set d1 up", "addr add 10.0.0.1/24 dev d0", "link set d0 up"] {
        host.ip(line);
    }
    let (mac, capture) = (host.mac("d0"), Capture::new(&host, "d0"));
    let prefix = if advertise { VRRP } else { "" };
    let configuration = |weight| format!("{prefix}{}", size.configuration(weight, checked));
    let late = || {
        let times: Vec<SystemTime> = capture.adverts(mac).into_iter().filter(|(_, advert)| advert.priority > 0).map(|(at, _)| at).collect();
        let gaps = times.windows(2).map(|pair| pair[1].duration_since(pair[0]).unwrap_or_default().as_secs_f64() * MILLISECOND);
        gaps.fold(0.0, f64::max) - INTERVAL
    };
    // The module is there.
    let warm = Look::open(&host);
    assert!(warm.weights(size.last()).is_empty());
    let mut figures = Figures::new();

    let texts = [configuration(1), configuration(7), configuration(8)];
    let began = Instant::now();
    let mut daemon = Daemon::start(&host, program, &texts[0]);
    let all = usize::try_from(size.reals).expect("not so many");
    until(began, "the last service is there", &daemon, || warm.weights(size.last()).len() == all);
    let started = until(began, "all are there", &daemon, || lines(&host) == size.lines());
    figures.push(("start to a complete table, ms".to_owned(), started));
    pause(Duration::from_secs(3));
    if advertise {
        figures.push(("adverts late at most meanwhile, ms".to_owned(), late()));
    }
    let pids = daemon.processes();
    figures.push(("CPU until then, ms".to_owned(), cpu(&pids).as_secs_f64() * MILLISECOND));
    let took = memory(&pids);
    figures.push(("memory of all processes, PSS, MiB".to_owned(), mebibytes(took.proportional)));
    figures.push(("memory of all processes, RSS, MiB".to_owned(), mebibytes(took.resident)));

    capture.clear();
    let (before, asked) = (cpu(&pids), Instant::now());
    daemon.reload(&texts[1]);
    let reloaded = until(asked, "the weight is another", &daemon, || warm.weights(size.last()).contains(&7));
    figures.push(("reload to another weight in the kernel, ms".to_owned(), reloaded));
    pause(Duration::from_secs(5));
    let pids = daemon.processes();
    figures.push(("CPU of the reload, ms".to_owned(), cpu(&pids).saturating_sub(before).as_secs_f64() * MILLISECOND));
    if advertise {
        figures.push(("adverts late at most meanwhile, ms".to_owned(), late()));
    }
    let took = memory(&pids);
    figures.push(("memory after it, PSS, MiB".to_owned(), mebibytes(took.proportional)));

    let changes = Changes::watch(&host);
    daemon.reload(&texts[2]);
    until(Instant::now(), "the weight is yet another", &daemon, || warm.weights(size.last()).contains(&8));
    pause(Duration::from_secs(3));
    figures.push(("changes that were sent by a reload".to_owned(), count(changes.count())));
    drop(changes);

    let asked = Instant::now();
    daemon.signal_stop();
    let (mut emptied, mut gone) = (None, false);
    while !gone {
        gone = daemon.exited().is_some();
        if emptied.is_none() && is_empty(&host) {
            emptied = Some(asked.elapsed().as_secs_f64() * MILLISECOND);
        }
        assert!(asked.elapsed() < PATIENCE, "it does not stop\n{}", end_of(&daemon));
        pause(Duration::from_millis(5));
    }
    let exited = asked.elapsed().as_secs_f64() * MILLISECOND;
    figures.push(("stop to an empty table (or the exit), ms".to_owned(), emptied.unwrap_or(exited)));
    figures.push(("stop to the exit, ms".to_owned(), exited));
    figures.push(("services and real servers left".to_owned(), count(lines(&host))));
    figures
}

fn checks() {
    beside("checks: 500 TCP_CHECK a second", |program| checking(program, Kind::Tcp));
    beside("checks: 500 HTTP_GET a second", |program| checking(program, Kind::Http));
}

#[derive(Clone, Copy)]
enum Kind {
    Tcp,
    Http,
}

/// Turns a second.
fn share(turns: u64, time: Duration) -> f64 {
    f64::from(u32::try_from(turns).unwrap_or(u32::MAX)) / time.as_secs_f64()
}

fn checking(program: &Program, kind: Kind) -> Figures {
    const SERVICES: u8 = 50;
    const REALS: u8 = 10;
    const TIME: Duration = Duration::from_secs(10);
    let host = director();
    let target = Target::start(&host, matches!(kind, Kind::Http));
    // The clock of the guest's processes is coarse, and checks begin when it ticks: it does not see them. So somebody takes what
    // the others leave, and counts how much that is.
    let check = match kind {
        Kind::Tcp => "TCP_CHECK {\nconnect_timeout 3\n}\n",
        Kind::Http => "HTTP_GET {\nurl {\npath /index.html\nstatus_code 200\n}\nconnect_timeout 3\n}\n",
    };
    let mut text = String::new();
    for service in 1..=SERVICES {
        let head = "lb_algo rr\nlb_kind NAT\nprotocol TCP\ndelay_loop 1";
        writeln!(text, "virtual_server 10.1.0.{service} 80 {{\n{head}").expect("a string takes any text");
        for real in 1..=REALS {
            writeln!(text, "real_server 127.0.{service}.{real} {} {{\nweight 1\n{check}}}", target.port).expect("a string takes any text");
        }
        text.push_str("}\n");
    }
    let idle = Idle::start();
    pause(Duration::from_secs(1));
    let (turns, clock) = (idle.turns(), Instant::now());
    pause(TIME / 2);
    let alone = share(idle.turns() - turns, clock.elapsed());
    let daemon = Daemon::start(&host, program, &text);
    let checkers = u64::from(SERVICES) * u64::from(REALS);
    until(Instant::now(), "every checker has checked", &daemon, || target.served() > 2 * checkers);
    let pids = daemon.processes();
    let (served, rest, clock) = (target.served(), idle.turns(), Instant::now());
    pause(TIME);
    let (served, rest, clock) = (target.served() - served, idle.turns() - rest, clock.elapsed());
    let up = lines(&host);
    assert_eq!(up, usize::from(SERVICES) * (usize::from(REALS) + 1), "somebody is down\n{}", end_of(&daemon));
    let used = (1.0 - share(rest, clock) / alone).max(0.0);
    let served = f64::from(u32::try_from(served).unwrap_or(u32::MAX));
    let took = memory(&pids);
    vec![
        ("checks a second".to_owned(), served / clock.as_secs_f64()),
        ("CPU of the guest, with the target's, µs a check".to_owned(), used * clock.as_secs_f64() * MICROSECOND / served),
        ("memory of all processes, PSS, MiB".to_owned(), mebibytes(took.proportional)),
        ("memory of all processes, RSS, MiB".to_owned(), mebibytes(took.resident)),
    ]
}
