//! The kernel's table, by way of [`Table`] and as ipvsadm tells it.

#![expect(clippy::disallowed_methods, reason = "it looks what the kernel has, and how long that took")]

use crate::guest::{Story, run, table};
use standfast::effect::ipvs::{Dest, DestKey, ServerId, Service, ServiceKey, Settings};
use standfast::kernel::ipvs::{Daemon, Daemons, Effort, Report, State, Table};
use standfast::model::global::{FlushOnStop, Timeouts};
use standfast::model::lvs::{Checksum, Forwarding, Granularity, Persistence, Protocol, Scheduler, SchedulerFlags, Tunnel};
use standfast::model::net::Family;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::num::{NonZeroU16, NonZeroU32};
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// As long as nobody has asked for the module.
pub(crate) const WITHOUT: &[Story] = &[("a kernel without it", a_kernel_without_it)];

pub(crate) const STORIES: &[Story] = &[
    ("everything about a service", everything_about_a_service),
    ("everything about a destination", everything_about_a_destination),
    ("every scheduler", every_scheduler),
    ("edits in place", edits_in_place),
    ("make before break", make_before_break),
    ("a service of two owners", a_service_of_two_owners),
    ("adoption", adoption),
    ("connections stay", connections_stay),
    ("what others do", what_others_do),
    ("the end", the_end),
    ("timeouts", timeouts),
    ("daemons", daemons),
    ("a scheduler comes late", a_scheduler_comes_late),
    ("another namespace", another_namespace),
];

pub(crate) const LARGE: &[Story] = &[("many services", many_services)];

const A: ServerId = ServerId(1);
const B: ServerId = ServerId(2);

fn open() -> Table {
    Table::open(None).expect("the kernel has IPVS")
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn key(protocol: Protocol, at: &str, port: u16) -> ServiceKey {
    ServiceKey::Address { protocol, address: address(at), port }
}

fn mark(family: Family, mark: u32) -> ServiceKey {
    ServiceKey::Mark { family, mark: NonZeroU32::new(mark).expect("a mark") }
}

fn plain(scheduler: Scheduler) -> Settings {
    Settings { scheduler, flags: SchedulerFlags::default(), one_packet: false, persistence: None }
}

fn persistent(seconds: u64, granularity: Option<Granularity>, engine: Option<&str>) -> Option<Persistence> {
    Some(Persistence { timeout: Duration::from_secs(seconds), granularity, engine: engine.map(Into::into) })
}

fn service(key: ServiceKey, settings: Settings, dests: &[Dest]) -> Service {
    Service { key, settings, dests: dests.into() }
}

fn dest(at: &str, port: u16, weight: u32) -> Dest {
    let key = DestKey { address: address(at), port };
    Dest { key, forwarding: Forwarding::Nat, weight, upper_threshold: 0, lower_threshold: 0 }
}

fn web(dests: &[Dest]) -> Service {
    service(key(Protocol::Tcp, "10.0.0.1", 80), plain(Scheduler::RoundRobin), dests)
}

/// The limits of a destination, which ipvsadm does not save.
fn limits(at: &str) -> Option<(u32, u32)> {
    let text = run("ipvsadm -Ln --thresholds");
    let words = text.lines().map(|line| line.split_whitespace().skip(1).collect::<Vec<_>>()).find(|words| words.first() == Some(&at))?;
    Some((words.get(1)?.parse().ok()?, words.get(2)?.parse().ok()?))
}

/// The kernel has what we hold, as we read it ourselves.
fn is_in_order(ipvs: &mut Table) {
    assert_eq!(ipvs.reconcile(Effort::ALL), Report::default());
}

const MODPROBE: &str = "/proc/sys/kernel/modprobe";

fn a_kernel_without_it() {
    fs::write(MODPROBE, "/bin/false").expect("written");
    let error = Table::open(None).expect_err("nobody has loaded the module");
    fs::write(MODPROBE, "/run/modprobe").expect("written");
    assert_eq!(error.to_string(), "the kernel has no IPVS, and /sbin/modprobe ip_vs failed (exit status: 1)");
}

fn everything_about_a_service() {
    let mut ipvs = open();
    let flags = |first, second, third| SchedulerFlags { first, second, third };
    let rr = || plain(Scheduler::RoundRobin);
    let v4 = |port| key(Protocol::Tcp, "10.0.0.1", port);
    let v6 = |port| key(Protocol::Tcp, "2001:db8::1", port);
    let mask = Granularity::Mask(Ipv4Addr::new(255, 255, 0, 0));
    let services = [
        service(v4(1), rr(), &[]),
        service(v4(2), Settings { flags: flags(true, true, false), ..plain(Scheduler::SourceHashing) }, &[]),
        service(v4(3), Settings { flags: flags(false, true, false), ..plain(Scheduler::MaglevHashing) }, &[]),
        service(v4(4), Settings { flags: flags(true, false, true), ..rr() }, &[]),
        service(v4(5), Settings { persistence: persistent(60, None, None), ..rr() }, &[]),
        service(v4(6), Settings { persistence: persistent(90, Some(mask), None), ..rr() }, &[]),
        service(v4(7), Settings { persistence: persistent(90, Some(Granularity::Mask(Ipv4Addr::BROADCAST)), None), ..rr() }, &[]),
        service(v4(0), Settings { persistence: persistent(360, None, None), ..rr() }, &[]),
        service(v6(1), rr(), &[]),
        service(v6(2), Settings { persistence: persistent(60, Some(Granularity::Prefix(64)), None), ..rr() }, &[]),
        service(key(Protocol::Udp, "10.0.0.1", 53), Settings { one_packet: true, ..rr() }, &[]),
        service(key(Protocol::Udp, "10.0.0.1", 5060), Settings { persistence: persistent(60, None, Some("sip")), ..rr() }, &[]),
        service(key(Protocol::Sctp, "10.0.0.1", 99), rr(), &[]),
        service(mark(Family::V4, 7), rr(), &[]),
        service(mark(Family::V6, 7), Settings { persistence: persistent(60, None, None), ..rr() }, &[]),
    ];
    assert_eq!(ipvs.hold(A, services), []);
    is_in_order(&mut ipvs);
    assert_eq!(
        table(),
        [
            "-A --sctp-service 10.0.0.1:99 -s rr",
            "-A -f 7 -6 -s rr -p 60",
            "-A -f 7 -s rr",
            "-A -t 10.0.0.1:0 -s rr -p 360",
            "-A -t 10.0.0.1:1 -s rr",
            "-A -t 10.0.0.1:2 -s sh -b sh-fallback,sh-port",
            "-A -t 10.0.0.1:3 -s mh -b mh-port",
            "-A -t 10.0.0.1:4 -s rr -b flag-1,flag-3",
            "-A -t 10.0.0.1:5 -s rr -p 60",
            "-A -t 10.0.0.1:6 -s rr -p 90 -M 255.255.0.0",
            "-A -t 10.0.0.1:7 -s rr -p 90",
            "-A -t [2001:db8::1]:1 -s rr",
            "-A -t [2001:db8::1]:2 -s rr -p 60 -M 64",
            "-A -u 10.0.0.1:5060 -s rr -p 60 --pe sip",
            "-A -u 10.0.0.1:53 -s rr -o",
        ]
    );
}

fn everything_about_a_destination() {
    let mut ipvs = open();
    let tunnel = |last: u8, tunnel| Dest { forwarding: Forwarding::Tunnel(tunnel), ..dest(&format!("10.0.1.{last}"), 80, 1) };
    let port = NonZeroU16::new(6080).expect("a port");
    let gue = |checksum| Tunnel::Gue { port, checksum };
    let gre = |checksum| Tunnel::Gre { checksum };
    let limited = Dest { upper_threshold: 500, lower_threshold: 400, ..dest("10.0.1.3", 80, 3) };
    let dests = [
        dest("10.0.1.1", 8080, 0),
        Dest { forwarding: Forwarding::DirectRoute, ..dest("10.0.1.2", 80, i32::MAX.unsigned_abs()) },
        limited,
        tunnel(4, Tunnel::Ipip),
        tunnel(5, gue(Checksum::None)),
        tunnel(6, gue(Checksum::Usual)),
        tunnel(7, gue(Checksum::Remote)),
        tunnel(8, gre(Checksum::None)),
        tunnel(9, gre(Checksum::Usual)),
        // Of the other family.
        Dest { forwarding: Forwarding::Tunnel(Tunnel::Ipip), ..dest("2001:db8::4", 80, 1) },
    ];
    let six = service(key(Protocol::Tcp, "2001:db8::1", 80), plain(Scheduler::RoundRobin), &[dest("2001:db8::2", 8080, 4)]);
    let marked = Dest { forwarding: Forwarding::DirectRoute, ..dest("10.0.1.2", 0, 1) };
    let marked = service(mark(Family::V4, 1), plain(Scheduler::RoundRobin), &[marked]);
    assert_eq!(ipvs.hold(A, [web(&dests), six, marked]), []);
    is_in_order(&mut ipvs);
    assert_eq!(limits("10.0.1.3:80"), Some((500, 400)));
    assert_eq!(
        table(),
        [
            "-A -f 1 -s rr",
            "-a -f 1 -r 10.0.1.2:0 -g -w 1",
            "-A -t 10.0.0.1:80 -s rr",
            "-a -t 10.0.0.1:80 -r 10.0.1.1:8080 -m -w 0",
            "-a -t 10.0.0.1:80 -r 10.0.1.2:80 -g -w 2147483647",
            "-a -t 10.0.0.1:80 -r 10.0.1.3:80 -m -w 3",
            "-a -t 10.0.0.1:80 -r 10.0.1.4:80 -i -w 1 --tun-type ipip",
            "-a -t 10.0.0.1:80 -r 10.0.1.5:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum",
            "-a -t 10.0.0.1:80 -r 10.0.1.6:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum",
            "-a -t 10.0.0.1:80 -r 10.0.1.7:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum",
            "-a -t 10.0.0.1:80 -r 10.0.1.8:80 -i -w 1 --tun-type gre --tun-nocsum",
            "-a -t 10.0.0.1:80 -r 10.0.1.9:80 -i -w 1 --tun-type gre --tun-csum",
            "-a -t 10.0.0.1:80 -r [2001:db8::4]:80 -i -w 1 --tun-type ipip",
            "-A -t [2001:db8::1]:80 -s rr",
            "-a -t [2001:db8::1]:80 -r [2001:db8::2]:8080 -m -w 4",
        ]
    );
}

fn every_scheduler() {
    let mut ipvs = open();
    // This one is newer than the guest.
    let there = Scheduler::ALL.into_iter().filter(|&scheduler| scheduler != Scheduler::PowerOfTwo);
    let services = (1..)
        .zip(there)
        .map(|(port, scheduler)| service(key(Protocol::Tcp, "10.0.0.1", port), plain(scheduler), &[dest("10.0.1.1", 80, 1)]));
    let services: Vec<Service> = services.collect();
    let count = services.len();
    assert_eq!(ipvs.hold(A, services), []);
    is_in_order(&mut ipvs);
    assert_eq!(table().len(), 2 * count);
}

fn edits_in_place() {
    let mut ipvs = open();
    let web = |settings, dests: &[Dest]| service(key(Protocol::Tcp, "10.0.0.1", 80), settings, dests);
    ipvs.hold(A, [web(plain(Scheduler::RoundRobin), &[dest("10.0.1.1", 80, 1), dest("10.0.1.2", 80, 1)])]);
    let settings = Settings {
        scheduler: Scheduler::MaglevHashing,
        flags: SchedulerFlags { second: true, ..SchedulerFlags::default() },
        one_packet: false,
        persistence: persistent(70, None, None),
    };
    let changed = [
        Dest { forwarding: Forwarding::DirectRoute, weight: 5, ..dest("10.0.1.1", 80, 5) },
        Dest { upper_threshold: 9, lower_threshold: 8, ..dest("10.0.1.2", 80, 0) },
    ];
    assert_eq!(ipvs.hold(A, [web(settings, &changed)]), []);
    is_in_order(&mut ipvs);
    assert_eq!(limits("10.0.1.2:80"), Some((9, 8)));
    assert_eq!(
        table(),
        [
            "-A -t 10.0.0.1:80 -s mh -p 70 -b mh-port",
            "-a -t 10.0.0.1:80 -r 10.0.1.1:80 -g -w 5",
            "-a -t 10.0.0.1:80 -r 10.0.1.2:80 -m -w 0",
        ]
    );
    assert_eq!(ipvs.hold(A, [web(plain(Scheduler::RoundRobin), &[dest("10.0.1.1", 80, 1)])]), []);
    is_in_order(&mut ipvs);
    assert_eq!(table(), ["-A -t 10.0.0.1:80 -s rr", "-a -t 10.0.0.1:80 -r 10.0.1.1:80 -m -w 1"]);
}

/// Somebody looks all the time while all destinations are replaced, in several batches.
fn make_before_break() {
    let mut ipvs = open();
    let generation = |generation: u8| {
        let dests: Vec<Dest> = (0..=255_u8).map(|last| dest(&format!("10.0.{generation}.{last}"), 80, 1)).collect();
        web(&dests)
    };
    ipvs.hold(A, [generation(1)]);
    let over = AtomicBool::new(false);
    let namespace = File::open("/proc/thread-self/ns/net").expect("a namespace");
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            nix::sched::setns(namespace.as_fd(), nix::sched::CloneFlags::CLONE_NEWNET).expect("entered");
            let mut least = usize::MAX;
            while !over.load(Ordering::Relaxed) {
                let text = fs::read_to_string("/proc/thread-self/net/ip_vs").expect("it can be read");
                least = least.min(text.lines().filter(|line| line.trim_start().starts_with("-> 0A00")).count());
            }
            least
        });
        for round in 0..30 {
            let problems = ipvs.hold(A, [generation(2 - round % 2)]);
            assert_eq!(problems, []);
            let sorry = ipvs.hold(A, [web(&[dest("10.0.9.9", 80, 1)])]);
            assert_eq!(sorry, []);
        }
        over.store(true, Ordering::Relaxed);
        let least = watcher.join().expect("it looked");
        assert!(least > 0, "there was nobody left to serve");
    });
}

fn a_service_of_two_owners() {
    let mut ipvs = open();
    let shared = |last: u8| service(mark(Family::V4, 7), plain(Scheduler::RoundRobin), &[dest(&format!("10.0.1.{last}"), 80, 1)]);
    ipvs.stage(A, [shared(1)]);
    ipvs.stage(B, [shared(2)]);
    assert_eq!(ipvs.apply(), []);
    let both = ["-A -f 7 -s rr", "-a -f 7 -r 10.0.1.1:80 -m -w 1", "-a -f 7 -r 10.0.1.2:80 -m -w 1"];
    assert_eq!(table(), both);
    is_in_order(&mut ipvs);
    assert_eq!(ipvs.hold(A, []), []);
    assert_eq!(table(), [both[0], both[2]]);
    assert_eq!(ipvs.hold(B, []), []);
    assert_eq!(table(), [""; 0]);
}

fn adoption() {
    run("ipvsadm -A -t 10.0.0.1:80 -s lc -p 99");
    run("ipvsadm -a -t 10.0.0.1:80 -r 10.0.1.1 -m -w 7");
    run("ipvsadm -a -t 10.0.0.1:80 -r 10.0.1.8 -g -w 7");
    run("ipvsadm -A -t 10.0.0.9:80 -s lc");
    let mut ipvs = open();
    assert_eq!(ipvs.hold(A, [web(&[dest("10.0.1.1", 80, 1), dest("10.0.1.2", 80, 1)])]), []);
    let ours = [
        "-A -t 10.0.0.1:80 -s rr",
        "-a -t 10.0.0.1:80 -r 10.0.1.1:80 -m -w 1",
        "-a -t 10.0.0.1:80 -r 10.0.1.2:80 -m -w 1",
        "-A -t 10.0.0.9:80 -s lc",
    ];
    assert_eq!(table(), ours);
    is_in_order(&mut ipvs);

    // One that somebody made after we looked.
    run("ipvsadm -A -t 10.0.0.2:80 -s lc");
    run("ipvsadm -a -t 10.0.0.2:80 -r 10.0.1.1 -m -w 7");
    let late = service(key(Protocol::Tcp, "10.0.0.2", 80), plain(Scheduler::RoundRobin), &[dest("10.0.1.1", 80, 1)]);
    assert_eq!(ipvs.hold(B, [late]), []);
    assert!(table().contains(&"-a -t 10.0.0.2:80 -r 10.0.1.1:80 -m -w 1".to_owned()), "{:?}", table());
    is_in_order(&mut ipvs);
}

/// Through edits, and from one process of ours to the next.
fn connections_stay() {
    run("ip addr add 10.0.0.1/32 dev lo");
    run("ip addr add 10.0.0.2/32 dev lo");
    let listener = TcpListener::bind("10.0.0.2:8080").expect("a real server");
    let mut ipvs = open();
    assert_eq!(ipvs.hold(A, [web(&[dest("10.0.0.2", 8080, 1)])]), []);
    let mut client = TcpStream::connect("10.0.0.1:80").expect("the service leads to it");
    let (mut server, _) = listener.accept().expect("the client");
    let mut talks = || {
        let mut heard = [0; 4];
        client.write_all(b"ping").and_then(|()| server.read_exact(&mut heard)).expect("the client is heard");
        server.write_all(b"pong").and_then(|()| client.read_exact(&mut heard)).expect("the server is heard");
    };
    talks();
    let settings = Settings { persistence: persistent(60, None, None), ..plain(Scheduler::MaglevHashing) };
    let other = |weight| service(key(Protocol::Tcp, "10.0.0.1", 80), settings.clone(), &[dest("10.0.0.2", 8080, weight)]);
    assert_eq!(ipvs.hold(A, [other(5)]), []);
    talks();
    let mut successor = open();
    assert_eq!(successor.hold(B, [other(0)]), []);
    talks();
    assert_eq!(table()[1], "-a -t 10.0.0.1:80 -r 10.0.0.2:8080 -m -w 0");
}

fn what_others_do() {
    let mut ipvs = open();
    let dests = [dest("10.0.1.1", 80, 1), dest("10.0.1.2", 80, 1)];
    assert_eq!(ipvs.hold(A, [web(&dests), service(mark(Family::V4, 3), plain(Scheduler::RoundRobin), &[])]), []);
    let ours = table();
    let mut mends = |commands: &[&str], told: &[&str]| {
        for command in commands {
            run(command);
        }
        let report = ipvs.reconcile(Effort::ALL);
        assert_eq!(report.problems, []);
        assert_eq!(report.mended.iter().map(ToString::to_string).collect::<Vec<_>>(), told, "{commands:?}");
        assert_eq!(ipvs.reconcile(Effort::ALL), Report::default(), "{commands:?}");
    };
    mends(
        &["ipvsadm -C"],
        &["IPVS service 10.0.0.1:tcp:80 was missing and has been put back", "IPVS service FWM 3 was missing and has been put back"],
    );
    assert_eq!(table(), ours);
    mends(&["ipvsadm -E -t 10.0.0.1:80 -s wlc -p 9"], &["IPVS service 10.0.0.1:tcp:80 had other settings and has been set right"]);
    mends(
        &["ipvsadm -d -t 10.0.0.1:80 -r 10.0.1.1:80"],
        &["IPVS destination 10.0.0.1:tcp:80 -> 10.0.1.1:80 was missing and has been put back"],
    );
    mends(
        &["ipvsadm -e -t 10.0.0.1:80 -r 10.0.1.2:80 -g -w 9"],
        &["IPVS destination 10.0.0.1:tcp:80 -> 10.0.1.2:80 had other settings and has been set right"],
    );
    assert_eq!(table(), ours);

    mends(&["ipvsadm -A -t 10.0.0.9:80 -s lc", "ipvsadm -a -t 10.0.0.1:80 -r 10.0.1.9:80 -m -w 9"], &[]);
    let with_theirs = table();
    assert_eq!(with_theirs.len(), ours.len() + 2);
    assert_eq!(ipvs.release(FlushOnStop::No), []);
    assert_eq!(table(), ["-A -t 10.0.0.9:80 -s lc"]);
}

fn the_end() {
    let mut ipvs = open();
    run("ipvsadm -A -t 10.0.0.9:80 -s lc");
    let hold = |ipvs: &mut Table| assert_eq!(ipvs.hold(A, [web(&[dest("10.0.1.1", 80, 1)])]), []);
    for how in [FlushOnStop::No, FlushOnStop::VirtualServers] {
        hold(&mut ipvs);
        assert_eq!(table().len(), 3);
        assert_eq!(ipvs.release(how), []);
        assert_eq!(table(), ["-A -t 10.0.0.9:80 -s lc"]);
    }
    hold(&mut ipvs);
    // What is gone already is no problem.
    run("ipvsadm -C");
    assert_eq!(ipvs.release(FlushOnStop::No), []);
    hold(&mut ipvs);
    run("ipvsadm -A -t 10.0.0.9:80 -s lc");
    assert_eq!(ipvs.release(FlushOnStop::All), []);
    assert_eq!(table(), [""; 0]);
    run("ipvsadm -A -t 10.0.0.9:80 -s lc");
    assert_eq!(ipvs.flush(), Ok(()));
    assert_eq!(table(), [""; 0]);
}

fn timeouts() {
    run("ipvsadm --set 800 70 60");
    let mut ipvs = open();
    let now = || run("ipvsadm -L --timeout").trim().rsplit(": ").next().unwrap_or_default().to_owned();
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(ipvs.set_timeouts(&Timeouts { tcp: seconds(123), tcp_fin: None, udp: seconds(45) }), Ok(()));
    assert_eq!(now(), "123 70 45");
    assert_eq!(ipvs.set_timeouts(&Timeouts { tcp: None, tcp_fin: seconds(9), udp: None }), Ok(()));
    assert_eq!(now(), "800 9 60");
    assert_eq!(ipvs.set_timeouts(&Timeouts::default()), Ok(()));
    assert_eq!(now(), "800 70 60");
    assert_eq!(ipvs.set_timeouts(&Timeouts { tcp: seconds(5), tcp_fin: None, udp: None }), Ok(()));
    assert_eq!(ipvs.restore_timeouts(), Ok(()));
    assert_eq!(now(), "800 70 60");
}

fn daemons() {
    run("ip link add d0 type dummy");
    run("ip addr add 10.0.0.1/24 dev d0");
    run("ip link set d0 up multicast on");
    let daemon = |state, id| Daemon { state, interface: "d0".into(), id, max_len: None, port: None, ttl: None, group: None };
    let running = || run("ipvsadm -L --daemon").lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    let mut held = Daemons::open(None).expect("the kernel has IPVS");
    assert_eq!(held.hold(&[daemon(State::Master, 0), daemon(State::Backup, 0)]), []);
    let usual = |kind, id| format!("{kind} sync daemon (mcast=d0, syncid={id}, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)");
    assert_eq!(running(), [usual("master", 0), usual("backup", 0)]);

    // Another process of ours finds one running.
    let mut successor = Daemons::open(None).expect("the kernel has IPVS");
    assert_eq!(successor.hold(&[daemon(State::Master, 9)]), []);
    assert_eq!(running(), [usual("master", 9), usual("backup", 0)]);
    assert_eq!(held.release(), []);

    let group = Some(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 82)));
    let all = Daemon { max_len: Some(1400), port: Some(8849), ttl: Some(8), group, ..daemon(State::Backup, 11) };
    assert_eq!(successor.hold(&[all]), []);
    assert_eq!(running(), ["backup sync daemon (mcast=d0, syncid=11, maxlen=1400, group=224.0.0.82, port=8849, ttl=8)"]);
    let problems = successor.hold(&[Daemon { interface: "nowhere".into(), ..daemon(State::Master, 1) }]);
    assert_eq!(
        problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["IPVS cmd IP_VS_SO_SET_STARTDAEMON(1163) error: No such device(19) (master on nowhere)"]
    );
    assert_eq!(running(), [""; 0]);
}

fn a_scheduler_comes_late() {
    let _ = std::process::Command::new("rmmod").arg("ip_vs_ovf").status();
    fs::write(MODPROBE, "/bin/false").expect("written");
    let mut ipvs = open();
    let late = service(key(Protocol::Tcp, "10.0.0.2", 80), plain(Scheduler::WeightedOverflow), &[dest("10.0.1.1", 80, 1)]);
    let problems = ipvs.hold(A, [late, web(&[dest("10.0.1.1", 80, 1)])]);
    fs::write(MODPROBE, "/run/modprobe").expect("written");
    assert_eq!(
        problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["IPVS cmd IP_VS_SO_SET_ADD(1154) error: Scheduler or persistence engine not found(2) (10.0.0.2:tcp:80)"]
    );
    assert_eq!(table(), ["-A -t 10.0.0.1:80 -s rr", "-a -t 10.0.0.1:80 -r 10.0.1.1:80 -m -w 1"]);
    let report = ipvs.reconcile(Effort::ALL);
    assert_eq!(
        report.mended.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["IPVS service 10.0.0.2:tcp:80 was missing and has been put back"]
    );
    assert_eq!(table().len(), 4);
    is_in_order(&mut ipvs);
}

fn another_namespace() {
    let there = std::thread::spawn(|| {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).expect("a namespace");
        File::open("/proc/thread-self/ns/net").expect("it is there")
    });
    let there = there.join().expect("it ended");
    let mut ipvs = Table::open(Some(there.as_fd())).expect("the kernel has IPVS");
    assert_eq!(ipvs.hold(A, [web(&[])]), []);
    assert_eq!(table(), [""; 0], "the thread is where it was, and the service is not");
    nix::sched::setns(there.as_fd(), nix::sched::CloneFlags::CLONE_NEWNET).expect("entered");
    assert_eq!(table(), ["-A -t 10.0.0.1:80 -s rr"]);
}

fn many_services() {
    let kibibytes = || {
        let status = fs::read_to_string("/proc/self/status").expect("it is there");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it is told");
        line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).expect("a number")
    };
    let mut ipvs = open();
    let before = kibibytes();
    let dests: Vec<Dest> = (1..=16).map(|last| dest(&format!("10.0.1.{last}"), 80, 1)).collect();
    let begin = Instant::now();
    for number in 0..2000_u32 {
        let at = IpAddr::V4(Ipv4Addr::from_bits(0x0a01_0000 + number));
        let key = ServiceKey::Address { protocol: Protocol::Tcp, address: at, port: 80 };
        ipvs.stage(ServerId(number), [service(key, plain(Scheduler::RoundRobin), &dests)]);
    }
    assert_eq!(ipvs.apply(), []);
    println!("2,000 services with 16 destinations each: held after {:?}, {} KiB more", begin.elapsed(), kibibytes() - before);
    let lines = fs::read_to_string("/proc/thread-self/net/ip_vs").expect("it can be read").lines().count();
    assert_eq!(lines, 3 + 2000 * 17);
    let begin = Instant::now();
    assert_eq!(ipvs.reconcile(Effort { services: 500, ..Effort::ALL }), Report::default());
    println!("looked at, with the destinations of 500, in {:?}", begin.elapsed());
    for _ in 0..4 {
        assert_eq!(ipvs.reconcile(Effort { services: 500, ..Effort::ALL }), Report::default());
    }

    // A successor takes over without a step.
    let mut successor = open();
    let begin = Instant::now();
    for number in 0..2000_u32 {
        let at = IpAddr::V4(Ipv4Addr::from_bits(0x0a01_0000 + number));
        let key = ServiceKey::Address { protocol: Protocol::Tcp, address: at, port: 80 };
        successor.stage(ServerId(number), [service(key, plain(Scheduler::RoundRobin), &dests)]);
    }
    assert_eq!(successor.apply(), []);
    println!("adopted in {:?}", begin.elapsed());
    let begin = Instant::now();
    assert_eq!(successor.release(FlushOnStop::No), []);
    println!("released in {:?}", begin.elapsed());
    assert_eq!(table(), [""; 0]);
}
