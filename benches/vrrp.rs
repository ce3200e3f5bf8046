//! `make bench`: what failover costs, beside the real keepalived in the same run.
//!
//! Times come from the kernel's time stamps of frames on the router's own interface. Nothing is asserted about them: machines
//! differ, and so does one machine from hour to hour. `cargo bench --bench vrrp -- WORD...` runs only the parts whose names
//! contain one of the words.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads clocks")]

#[path = "../tests/bench/mod.rs"]
#[expect(dead_code, unused_imports, reason = "each program uses a part of it")]
mod bench;

use bench::cost::{cpu, memory};
use bench::lan::Side;
use bench::packet::{Forged, Mac};
use bench::wait::within;
use bench::{Capture, Client, Daemon, Frame, Host, Lan, Monitor, Program, Sender, Snapshot, Stream, eventually, pause};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io::Write as IoWrite;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

const VIP: &str = "10.0.0.50";
const VIP_V4: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 50);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER_MAC: Mac = Mac([2, 0, 0, 0, 0, 2]);
const MILLISECOND: f64 = 1e3;

/// What was measured of one program, by what it is.
type Figures = Vec<(String, f64)>;

/// A part of the benchmark: its name, what it is about, and how it is done.
type Part = (&'static str, &'static str, fn(&Program) -> Figures);

const PARTS: [Part; 10] = [
    ("late", "a peer stops advertising: from the deadline to the first advert, from that to the first announcement", late),
    ("owner", "a router with priority 255 starts", owner),
    ("stop", "a master of a pair is stopped by SIGTERM", stop),
    ("crash", "the VRRP process of a pair's master is killed by SIGKILL", crash),
    ("thousand", "1,000 instances on four links, advert_int 1, alone", thousand),
    ("vmacs", "400 instances with a virtual MAC each on four links, from the start to the stop", many_vmacs),
    ("dumps", "1,000 instances are asked for their state by signals", dumps),
    ("excluded", "take-over with 5,000 excluded addresses, beside an instance with advert_int 0.1", excluded),
    ("links", "an instance with a virtual MAC and advert_int 0.1 on a machine with 2,000 other interfaces", many_links),
    ("scripts", "500 health scripts a second beside an instance with advert_int 0.1, and the same without", scripts),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let programs = [Program::standfast(env!("CARGO_BIN_EXE_standfast")), Program::keepalived()];
    for (name, about, measure) in PARTS {
        if !words.is_empty() && !words.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        println!("\n{name}: {about}");
        println!("{:>52} | {:>12} | {:>12} | {:>12}", "", "standfast", "keepalived", "keepalived");
        println!("{:>52} | {:>12} | {:>12} | {:>12}", "", "", "", "/ standfast");
        let [ours, theirs] = [measure(&programs[0]), measure(&programs[1])];
        for ((what, our), (_, their)) in ours.iter().zip(&theirs) {
            let ratio = if *our > 0.0 { format!("{:.2}", their / our) } else { String::new() };
            println!("{what:>52} | {our:>12.3} | {their:>12.3} | {ratio:>12}");
        }
    }
}

fn instance(name: &str, vrid: u8, priority: u8, interval: &str, interface: &str, addresses: &str) -> String {
    format!(
        "vrrp_instance {name} {{\nversion 3\ninterface {interface}\nvirtual_router_id {vrid}\npriority {priority}\nadvert_int {interval}\n{addresses}\n}}\n"
    )
}

fn one_address() -> String {
    format!("virtual_ipaddress {{\n{VIP}/24\n}}")
}

fn milliseconds(from: SystemTime, to: SystemTime) -> f64 {
    match to.duration_since(from) {
        Ok(later) => later.as_secs_f64() * MILLISECOND,
        Err(earlier) => -earlier.duration().as_secs_f64() * MILLISECOND,
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// One router under measurement, with somebody on the same network who plays its peer.
struct Bed {
    router: Host,
    peer: Host,
    mac: Mac,
    capture: Capture,
    _lan: Lan,
}

impl Bed {
    fn new() -> Self {
        let lan = Lan::new();
        let (router, peer) = (Host::new("router"), Host::new("peer"));
        lan.join(Side::Left, &router, "eth0", &["10.0.0.1/16"]);
        lan.join(Side::Left, &peer, "eth0", &["10.0.0.2/16"]);
        let (mac, capture) = (router.mac("eth0"), Capture::new(&router, "eth0"));
        Self { router, peer, mac, capture, _lan: lan }
    }

    /// A master that lives until it is dropped.
    fn play_master(&self, vrid: u8, interval: Duration) -> Stream {
        let hundredths = u16::try_from(interval.as_millis() / 10).unwrap_or(u16::MAX);
        let frame = Forged { version: 3, interval: hundredths, ..Forged::new(PEER_MAC, PEER, vrid, 200, &[VIP_V4]) }.frame();
        Stream::start(Sender::new(&self.peer, "eth0"), interval, move |_| frame.clone())
    }

    fn first(&self, accept: impl Fn(&Frame) -> bool) -> Option<SystemTime> {
        self.capture.select(|frame| accept(frame).then_some(frame.at)).first().copied()
    }
}

fn is_advert(frame: &Frame, from: Mac, vrid: u8) -> bool {
    frame.source == from && frame.advert().is_some_and(|advert| advert.vrid == vrid && advert.priority > 0)
}

fn late(program: &Program) -> Figures {
    const PRIORITY: u8 = 100;
    let mut figures = Figures::new();
    for (interval, text, times) in [(1000, "1", 5), (100, "0.1", 15), (10, "0.01", 31)] {
        let interval = Duration::from_millis(interval);
        let bed = Bed::new();
        let mut master = Some(bed.play_master(51, interval));
        let daemon = Daemon::start(&bed.router, program, &instance("VI", 51, PRIORITY, text, "eth0", &one_address()));
        daemon.wait_said("Entering BACKUP STATE");
        let master_down = interval * 3 + interval * (256 - u32::from(PRIORITY)) / 256;
        let (mut lateness, mut announcing) = (Vec::new(), Vec::new());
        for _ in 0..times {
            // Long enough that it is a backup again and has learnt the interval.
            eventually("it is no master", || (!bed.router.has_address(VIP)).then_some(()));
            pause(interval * 3 + Duration::from_millis(200));
            bed.capture.clear();
            pause(interval * 2);
            drop(master.take());
            eventually("it takes over", || bed.first(|frame| is_advert(frame, bed.mac, 51)));
            let advert = bed.first(|frame| is_advert(frame, bed.mac, 51)).unwrap_or(SystemTime::UNIX_EPOCH);
            let last = bed.capture.select(|frame| (is_advert(frame, PEER_MAC, 51) && frame.at < advert).then_some(frame.at));
            let last = last.last().copied().unwrap_or(SystemTime::UNIX_EPOCH);
            lateness.push(milliseconds(last + master_down, advert));
            let claims = |frame: &Frame| frame.source == bed.mac && frame.arp().is_some_and(|arp| arp.sender == VIP_V4 && arp.gratuitous());
            let announced = eventually("it announces", || bed.first(|frame| claims(frame) && frame.at >= advert));
            announcing.push(milliseconds(advert, announced));
            master = Some(bed.play_master(51, interval));
        }
        let worst = lateness.iter().copied().fold(f64::MIN, f64::max);
        figures.push((format!("advert_int {text}: late, median of {times}, ms"), median(lateness)));
        figures.push((format!("advert_int {text}: late, worst, ms"), worst));
        figures.push((format!("advert_int {text}: advert to announcement, median, ms"), median(announcing)));
    }
    figures
}

/// Two routers with the same program, the first one being master, and a client that is answered.
struct Pair {
    daemons: [Daemon; 2],
    client: Client,
    capture: Capture,
    routers: [Host; 2],
    macs: [Mac; 2],
    _user: Host,
    _lan: Lan,
}

impl Pair {
    fn new(program: &Program) -> Self {
        let lan = Lan::new();
        let (routers, user) = ([Host::new("r1"), Host::new("r2")], Host::new("user"));
        for (number, host) in routers.iter().enumerate() {
            lan.join(Side::Left, host, "eth0", &[&format!("10.0.0.{}/24", number + 1)]);
        }
        lan.join(Side::Left, &user, "eth0", &["10.0.0.9/24"]);
        let start =
            |number: usize, priority| Daemon::start(&routers[number], program, &instance("VI", 51, priority, "1", "eth0", &one_address()));
        let daemons = [start(0, 150), start(1, 100)];
        eventually("the first router is master", || routers[0].has_address(VIP).then_some(()));
        let client = Client::start(&user, VIP);
        client.wait_answer();
        daemons[1].wait_said("Entering BACKUP STATE");
        pause(Duration::from_secs(1));
        let macs = [routers[0].mac("eth0"), routers[1].mac("eth0")];
        let capture = Capture::new(&user, "eth0");
        pause(Duration::from_millis(300));
        Self { daemons, client, capture, routers, macs, _user: user, _lan: lan }
    }

    /// The longest time without an advert of anybody.
    fn silence(&self, since: SystemTime) -> f64 {
        let mut times = vec![since];
        times.extend(self.capture.select(|frame| frame.advert().is_some_and(|advert| advert.priority > 0).then_some(frame.at)));
        times.windows(2).map(|pair| milliseconds(pair[0], pair[1])).fold(0.0, f64::max)
    }
}

const REPEATS: usize = 3;

/// The median of each figure over some runs.
fn repeated(run: impl Fn() -> Figures) -> Figures {
    let runs: Vec<Figures> = (0..REPEATS).map(|_| run()).collect();
    let of = |row: usize| median(runs.iter().filter_map(|figures| figures.get(row)).map(|(_, value)| *value).collect());
    runs.first().into_iter().flatten().enumerate().map(|(row, (what, _))| (format!("{what}, median of {REPEATS}"), of(row))).collect()
}

fn owner(program: &Program) -> Figures {
    const TIMES: usize = 15;
    let (mut from_start, mut from_line) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let bed = Bed::new();
        let monitor = Monitor::addresses(&bed.router);
        let command = Daemon::command(&bed.router, program, &instance("VI", 51, 255, "1", "eth0", &one_address()));
        let started = SystemTime::now();
        let daemon = Daemon::start_at_once(&bed.router, command);
        let there = eventually("it has the address", || monitor.of(VIP).first().map(|(at, _)| *at));
        let line = eventually("it says something", || daemon.log().first().map(|(at, _)| *at));
        from_start.push(milliseconds(started, there));
        from_line.push(milliseconds(line, there));
    }
    vec![
        (format!("start to the address, median of {TIMES}, ms"), median(from_start)),
        (format!("first line in the log to the address, median of {TIMES}, ms"), median(from_line)),
    ]
}

fn stop(program: &Program) -> Figures {
    repeated(|| {
        let mut pair = Pair::new(program);
        let asked = SystemTime::now();
        let status = pair.daemons[0].stop();
        let gone = SystemTime::now();
        assert!(status.success(), "{}", pair.daemons[0].text());
        eventually("the other takes over", || pair.routers[1].has_address(VIP).then_some(()));
        pair.client.wait_answer();
        let farewell = pair.capture.adverts(pair.macs[0]).into_iter().find(|(_, advert)| advert.priority == 0).map_or(asked, |(at, _)| at);
        let successor = pair.capture.adverts(pair.macs[1]).first().map_or(asked, |(at, _)| *at);
        vec![
            ("signal to priority 0, ms".to_owned(), milliseconds(asked, farewell)),
            ("priority 0 to the other's advert, ms".to_owned(), milliseconds(farewell, successor)),
            ("the client waited, ms".to_owned(), pair.client.longest_outage(asked).as_secs_f64() * MILLISECOND),
            ("signal to exit, ms".to_owned(), milliseconds(asked, gone)),
        ]
    })
}

fn crash(program: &Program) -> Figures {
    repeated(|| {
        let pair = Pair::new(program);
        let crash = SystemTime::now();
        pair.daemons[0].kill_vrrp();
        pause(Duration::from_secs(8));
        let changes: usize = pair.daemons.iter().map(|daemon| daemon.said("Entering MASTER STATE")).sum();
        let changes = u32::try_from(changes).unwrap_or(u32::MAX);
        vec![
            ("the client waited, ms".to_owned(), pair.client.longest_outage(crash).as_secs_f64() * MILLISECOND),
            ("longest time without an advert, ms".to_owned(), pair.silence(crash)),
            ("times that anybody became master afterwards".to_owned(), f64::from(changes.saturating_sub(1))),
        ]
    })
}

const LINKS: u8 = 4;
const PER_LINK: u8 = 250;
const VMACS_PER_LINK: u8 = 100;

/// Pairs of interfaces that no instance has to do with.
const PAIRS: usize = 1000;

fn many_links(program: &Program) -> Figures {
    let bed = Bed::new();
    let others: Vec<String> = (0..PAIRS)
        .flat_map(|n| [format!("link add d{n} type veth peer name x{n}"), format!("link set d{n} up"), format!("link set x{n} up")])
        .collect();
    bed.router.ip_batch(&others);
    let text = instance("VI", 51, 100, "0.1", "eth0", &format!("use_vmac\n{}", one_address()));
    let vmac = Mac([0, 0, 0x5e, 0, 1, 51]);
    bed.capture.clear();
    let started = SystemTime::now();
    let mut daemon = Daemon::start(&bed.router, program, &text);
    let advert = eventually("it is master", || bed.first(|frame| is_advert(frame, vmac, 51)));
    let took = memory(&daemon.processes());
    let stopping = Instant::now();
    daemon.stop();
    vec![
        ("start to the first advert, ms".to_owned(), milliseconds(started, advert)),
        ("memory of all processes, KiB".to_owned(), f64::from(u32::try_from(took.proportional).unwrap_or(u32::MAX))),
        ("stop, ms".to_owned(), stopping.elapsed().as_secs_f64() * MILLISECOND),
    ]
}

/// A router with four links, somebody on each of them, and a configuration with so many instances on each, with these lines.
fn links(per_link: u8, more: &str) -> (Host, Host, Vec<Lan>, String) {
    let (router, other) = (Host::new("router"), Host::new("other"));
    let lans: Vec<Lan> = (0..LINKS).map(|_| Lan::new()).collect();
    let mut configuration = String::new();
    for (link, lan) in (0..LINKS).zip(&lans) {
        let interface = format!("eth{link}");
        lan.join(Side::Left, &router, &interface, &[&format!("172.16.{link}.1/24")]);
        lan.join(Side::Left, &other, &interface, &[&format!("172.16.{link}.2/24")]);
        for vrid in 1..=per_link {
            let addresses = format!("{more}virtual_ipaddress {{\n10.{link}.0.{vrid}/16\n}}");
            configuration.push_str(&instance(&format!("VI_{link}_{vrid}"), vrid, 100, "1", &interface, &addresses));
        }
    }
    (router, other, lans, configuration)
}

/// From a signal to the end of the write under the file's own name.
fn written(watch: &Inotify, shell: &mut impl IoWrite, pid: u32, signal: &str, name: &str) -> f64 {
    while watch.read_events().is_ok() {}
    let asked = Instant::now();
    // The shell does it by itself, which is faster than to start a program.
    writeln!(shell, "kill -{signal} {pid}").expect("the shell listens");
    while asked.elapsed() < Duration::from_secs(2) {
        let events = watch.read_events().unwrap_or_default();
        if events.iter().any(|event| event.name.as_deref() == Some(name.as_ref())) {
            return asked.elapsed().as_secs_f64() * MILLISECOND;
        }
        pause(Duration::from_micros(100));
    }
    f64::NAN
}

fn dumps(program: &Program) -> Figures {
    const TIMES: usize = 15;
    let (router, _other, _lans, configuration) = links(PER_LINK, "");
    let daemon = Daemon::start(&router, program, &configuration);
    let wanted = usize::from(LINKS) * usize::from(PER_LINK);
    eventually("all addresses are there", || {
        (router.ip("-o -4 addr show").lines().filter(|line| line.contains(" 10.")).count() == wanted).then_some(())
    });
    pause(Duration::from_secs(8));
    let watch = Inotify::init(InitFlags::IN_NONBLOCK).expect("inotify");
    watch.add_watch(&router.folder().join("tmp"), AddWatchFlags::IN_CLOSE_WRITE).expect("a folder");
    let mut shell = Command::new("bash").stdin(Stdio::piped()).spawn().expect("a shell");
    let mut line = shell.stdin.take().expect("it was asked for");
    let mut figures = Figures::new();
    for (what, signal, name) in
        [("SIGUSR1", "USR1", "keepalived.data"), ("JSON", "36", "keepalived.json"), ("SIGUSR2", "USR2", "keepalived.stats")]
    {
        let mut took = Vec::new();
        for _ in 0..TIMES {
            took.push(written(&watch, &mut line, daemon.pid(), signal, name));
            pause(Duration::from_millis(200));
        }
        let worst = took.iter().copied().fold(f64::MIN, f64::max);
        figures.push((format!("{what} to {name}, median of {TIMES}, ms"), median(took)));
        figures.push((format!("{what} to {name}, worst, ms"), worst));
    }
    drop(line);
    drop(shell.wait());
    figures
}

/// When each instance sent its first advert.
fn first_adverts(captures: &[Capture]) -> Vec<SystemTime> {
    let of = |capture: &Capture| {
        let mut first = BTreeMap::new();
        for (at, vrid) in capture.select(|frame| frame.advert().map(|advert| (frame.at, advert.vrid))) {
            first.entry(vrid).or_insert(at);
        }
        first.into_values().collect::<Vec<_>>()
    };
    captures.iter().flat_map(of).collect()
}

/// How many virtual addresses of [`links`] it has.
fn virtuals(router: &Host) -> usize {
    router.ip("-o -4 addr show").lines().filter(|line| line.contains(" 10.")).count()
}

fn many_vmacs(program: &Program) -> Figures {
    let (router, _other, _lans, configuration) = links(VMACS_PER_LINK, "use_vmac\n");
    let captures: Vec<Capture> = (0..LINKS).map(|link| Capture::new(&router, &format!("eth{link}"))).collect();
    let wanted = usize::from(LINKS) * usize::from(VMACS_PER_LINK);
    let macvlans = || router.ip("-o link show type macvlan").lines().count();
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let before = Snapshot::of(&router);
    let started = SystemTime::now();
    let mut daemon = Daemon::start(&router, program, &configuration);
    eventually("all virtual MACs are there", || (macvlans() == wanted).then_some(()));
    let made = SystemTime::now();
    eventually("all instances advertise", || (first_adverts(&captures).len() == wanted).then_some(()));
    let first = first_adverts(&captures);
    let (earliest, latest) = (first.iter().min().copied().unwrap_or(started), first.iter().max().copied().unwrap_or(started));
    eventually("all addresses are there", || (virtuals(&router) == wanted).then_some(()));
    let complete = SystemTime::now();
    // The second round of announcements is over.
    pause(Duration::from_secs(8));
    let took = memory(&daemon.processes());
    let asked = SystemTime::now();
    let status = daemon.stop();
    let gone = SystemTime::now();
    // What the kernel still does with interfaces that were deleted is over when it tells of none.
    let vanished = within(Duration::from_secs(30), || (macvlans() == 0).then(SystemTime::now));
    vec![
        ("start to the last virtual MAC, ms".to_owned(), milliseconds(started, made)),
        ("start to the first advert, ms".to_owned(), milliseconds(started, earliest)),
        ("first advert to the last instance's first, ms".to_owned(), milliseconds(earliest, latest)),
        ("start to the last address, ms".to_owned(), milliseconds(started, complete)),
        ("memory of all processes, KiB".to_owned(), number(usize::try_from(took.proportional).unwrap_or(usize::MAX))),
        ("signal to exit, ms".to_owned(), milliseconds(asked, gone)),
        ("signal to the end of the last virtual MAC, ms".to_owned(), vanished.map_or(f64::NAN, |at| milliseconds(asked, at))),
        ("exit status 0".to_owned(), f64::from(u8::from(status.success()))),
        ("virtual MACs left".to_owned(), number(macvlans())),
        ("addresses left".to_owned(), number(virtuals(&router))),
        ("links, settings and rules that are not as before".to_owned(), number(before.differences(&router))),
    ]
}

fn thousand(program: &Program) -> Figures {
    let (router, _other, _lans, configuration) = links(PER_LINK, "");
    let captures: Vec<Capture> = (0..LINKS).map(|link| Capture::new(&router, &format!("eth{link}"))).collect();
    let wanted = usize::from(LINKS) * usize::from(PER_LINK);
    let started = SystemTime::now();
    let mut daemon = Daemon::start(&router, program, &configuration);
    eventually("all instances advertise", || (first_adverts(&captures).len() == wanted).then_some(()));
    let first = first_adverts(&captures);
    let (earliest, latest) = (first.iter().min().copied().unwrap_or(started), first.iter().max().copied().unwrap_or(started));
    eventually("all addresses are there", || (virtuals(&router) == wanted).then_some(()));
    // The second round of announcements, five seconds after the first, is over.
    pause(Duration::from_secs(8));
    captures.iter().for_each(Capture::clear);
    let pids = daemon.processes();
    let (before, clock) = (cpu(&pids), Instant::now());
    pause(Duration::from_secs(10));
    let used = (cpu(&pids).saturating_sub(before)).as_secs_f64() / clock.elapsed().as_secs_f64();
    let took = memory(&pids);
    let mut longest = 0.0_f64;
    for capture in &captures {
        let mut last = BTreeMap::new();
        for (at, vrid) in capture.select(|frame| frame.advert().map(|advert| (frame.at, advert.vrid))) {
            if let Some(before) = last.insert(vrid, at) {
                longest = longest.max(milliseconds(before, at));
            }
        }
    }
    let asked = Instant::now();
    daemon.stop();
    let stopped = asked.elapsed();
    let left = u32::try_from(virtuals(&router)).unwrap_or(u32::MAX);
    let mebibytes = |kibibytes: u64| f64::from(u32::try_from(kibibytes).unwrap_or(u32::MAX)) / 1024.0;
    vec![
        ("start to the first advert, ms".to_owned(), milliseconds(started, earliest)),
        ("first advert to the last instance's first, ms".to_owned(), milliseconds(earliest, latest)),
        ("CPU while steady, % of one".to_owned(), used * 100.0),
        ("longest time between two adverts, ms".to_owned(), longest),
        ("memory of all processes, PSS, MiB".to_owned(), mebibytes(took.proportional)),
        ("memory of all processes, RSS, MiB".to_owned(), mebibytes(took.resident)),
        ("signal to exit, ms".to_owned(), stopped.as_secs_f64() * MILLISECOND),
        ("addresses left".to_owned(), f64::from(left)),
    ]
}

fn excluded(program: &Program) -> Figures {
    const COUNT: u16 = 5000;
    let bed = Bed::new();
    let interval = Duration::from_secs(1);
    let master = bed.play_master(51, interval);
    let mut addresses = format!("{}\nvirtual_ipaddress_excluded {{\n", one_address());
    for number in 0..COUNT {
        let [high, low] = number.to_be_bytes();
        writeln!(addresses, "10.0.{}.{low}/32", 100 + high).expect("a string takes any text");
    }
    addresses.push('}');
    let beside = "virtual_ipaddress {\n10.0.0.60/16\n}";
    let configuration = [instance("MANY", 51, 100, "1", "eth0", &addresses), instance("BESIDE", 52, 100, "0.1", "eth0", beside)].concat();
    let mut daemon = Daemon::start(&bed.router, program, &configuration);
    eventually("the one beside is master", || bed.router.has_address("10.0.0.60").then_some(()));
    // Its announcements are over.
    pause(Duration::from_secs(7));
    bed.capture.clear();
    drop(master);
    let announced = || -> BTreeMap<Ipv4Addr, SystemTime> {
        let mut first = BTreeMap::new();
        let told = bed.capture.select(|frame| {
            let arp = frame.arp()?;
            (frame.source == bed.mac && arp.gratuitous()).then_some((arp.sender, frame.at))
        });
        for (address, at) in told {
            first.entry(address).or_insert(at);
        }
        first
    };
    let advert = eventually("it takes over", || bed.first(|frame| is_advert(frame, bed.mac, 51)));
    let complete = within(Duration::from_secs(120), || {
        pause(Duration::from_millis(200));
        (announced().len() > usize::from(COUNT)).then_some(())
    });
    assert!(complete.is_some(), "{} addresses were announced", announced().len());
    let last = announced().into_values().max().unwrap_or(advert);
    let first = announced().into_values().min().unwrap_or(advert);
    pause(interval * 3);
    let times = |vrid: u8| bed.capture.select(|frame| is_advert(frame, bed.mac, vrid).then_some(frame.at));
    let gap = |times: Vec<SystemTime>| times.windows(2).map(|pair| milliseconds(pair[0], pair[1])).fold(0.0, f64::max);
    let asked = Instant::now();
    daemon.stop();
    let stopped = asked.elapsed().as_secs_f64() * MILLISECOND;
    let vips: BTreeSet<IpAddr> =
        bed.capture.select(|frame| frame.advert().map(|advert| advert.addresses.clone())).into_iter().flatten().collect();
    assert!(vips.contains(&VIP_V4.into()) && vips.len() <= 2, "excluded addresses are in no advert");
    vec![
        ("advert to the first announcement, ms".to_owned(), milliseconds(advert, first)),
        ("advert to the first announcement of the last, ms".to_owned(), milliseconds(advert, last)),
        ("longest time between two adverts beside it, ms".to_owned(), gap(times(52))),
        ("longest time between two adverts of its own, ms".to_owned(), gap(times(51))),
        ("signal to exit, ms".to_owned(), stopped),
    ]
}

/// Each of them runs once a second: keepalived 2.2 does not know fractions here, and takes a second for 0.1.
fn scripts(program: &Program) -> Figures {
    const SCRIPTS: u32 = 500;
    let interval = Duration::from_millis(100);
    let mut figures = Figures::new();
    for (what, count) in [("no scripts", 0), ("500 scripts/s", SCRIPTS)] {
        let bed = Bed::new();
        let mut configuration = "global_defs {\nenable_script_security\nscript_user root\n}\n".to_owned();
        let mut tracked = String::new();
        for number in 0..count {
            let _ = writeln!(configuration, "vrrp_script s{number} {{\nscript /usr/bin/true\ninterval 1\nweight 1\n}}");
            let _ = writeln!(tracked, "s{number}");
        }
        let tracked = if count > 0 { format!("track_script {{\n{tracked}}}\n") } else { String::new() };
        configuration.push_str(&instance("VI", 51, 100, "0.1", "eth0", &format!("{}\n{tracked}", one_address())));
        let daemon = Daemon::start(&bed.router, program, &configuration);
        eventually("it is master", || bed.router.has_address(VIP).then_some(()));
        pause(Duration::from_secs(3));
        bed.capture.clear();
        let (before, clock) = (cpu(&daemon.processes()), Instant::now());
        pause(Duration::from_secs(15));
        let used = cpu(&daemon.processes()).saturating_sub(before).as_secs_f64() / clock.elapsed().as_secs_f64();
        let times = bed.capture.select(|frame| is_advert(frame, bed.mac, 51).then_some(frame.at));
        let nominal = interval.as_secs_f64() * MILLISECOND;
        let mut jitter: Vec<f64> = times.windows(2).map(|pair| (milliseconds(pair[0], pair[1]) - nominal).abs()).collect();
        jitter.sort_by(f64::total_cmp);
        let at = |part: usize| jitter.get(jitter.len() * part / 100).or(jitter.last()).copied().unwrap_or(f64::NAN);
        figures.push((format!("{what}: jitter of adverts, median, ms"), at(50)));
        figures.push((format!("{what}: jitter of adverts, 99 in 100, ms"), at(99)));
        figures.push((format!("{what}: jitter of adverts, worst, ms"), at(100)));
        figures.push((format!("{what}: CPU of the daemon without its scripts, % of one"), used * 100.0));
    }
    figures
}
