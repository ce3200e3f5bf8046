//! The daemon on a real network, where the order of things matters: it must not be led astray by what comes in.

#![expect(clippy::disallowed_methods, reason = "it runs the daemon")]

use crate::lan::{Lan, P0, comes};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use standfast::effect::net::Device;
use standfast::effect::packet::{Port, PortId, Reach, Transmit};
use standfast::kernel::socket::vrrp::{Hearing, Speaking, open};
use standfast::model::net::Family;
use standfast::wire::vrrp::{Advert, Body, Packet, Sum};
use std::io::{BufRead as _, BufReader};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 9, 0, 20));
const GROUP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(224, 0, 0, 18));
const VIP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 9, 0, 50));
const VRID: u8 = 51;

/// A daemon in the namespace that the thread is in. It ends with the test.
struct Daemon {
    child: Child,
    log: BufReader<ChildStderr>,
    folder: PathBuf,
}

impl Daemon {
    fn start(name: &str, instance: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("standfast-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let text = format!(
            "vrrp_instance VI_1 {{\n interface e0\n virtual_router_id {VRID}\n version 3\n {instance}\n virtual_ipaddress {{\n {VIP}\n }}\n}}\n"
        );
        let file = |name: &str| folder.join(name);
        std::fs::write(file("conf"), text).expect("a file");
        let mut child = Command::new(env!("CARGO_BIN_EXE_standfast"))
            .args(["-n", "-l", "-G", "-D"])
            .arg("-f")
            .arg(file("conf"))
            .arg("-p")
            .arg(file("pid"))
            .arg("-r")
            .arg(file("vrrp.pid"))
            .stderr(Stdio::piped())
            .spawn()
            .expect("the daemon can be run");
        let log = BufReader::new(child.stderr.take().expect("it was asked for"));
        Self { child, log, folder }
    }

    /// Reads its log up to a line with this.
    fn says(&mut self, what: &str) {
        let mut seen = String::new();
        while !seen.lines().next_back().is_some_and(|line| line.contains(what)) {
            assert_ne!(self.log.read_line(&mut seen).expect("a log"), 0, "it ended without '{what}':\n{seen}");
        }
    }

    /// The process that sends adverts.
    fn vrrp(&self) -> Pid {
        let text = std::fs::read_to_string(self.folder.join("vrrp.pid")).expect("a pid file");
        Pid::from_raw(text.trim().parse().expect("a number"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).expect("a pid");
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        drop(std::io::copy(&mut self.log, &mut std::io::sink()));
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// The far end, heard and spoken to.
fn far_end(lan: &Lan) -> (Hearing, Speaking) {
    lan.far();
    let reach = Reach::Multicast { group: GROUP };
    let port = Port { family: Family::V4, device: Some(Device(P0)), vrf: None, reach, ah: false, receive_buffer: None };
    let sockets = open(&port).expect("a port");
    lan.near();
    sockets
}

fn advert(vrid: u8, priority: u8) -> Transmit {
    let sum = Sum::Pseudo { source: SOURCE, destination: GROUP };
    let payload = Advert { vrid, priority, body: Body::V3 { interval: 4095 }, addresses: vec![VIP] }.encode(sum);
    Transmit { port: PortId(1), source: SOURCE, destination: GROUP, ttl: 255, id: 1, ah: None, payload: payload.into() }
}

/// The priorities of the adverts that have come so far, or of one that comes now.
fn priorities(far: &mut Hearing, wait: bool) -> Vec<u8> {
    assert!(!wait || comes(far), "no advert came");
    let mut buffer = [0; 2000];
    let mut found = Vec::new();
    while let Ok(datagram) = far.receive(&mut buffer) {
        found.extend(datagram.and_then(|datagram| Packet::new(datagram.payload)).map(|packet| packet.priority()));
    }
    found
}

#[test]
fn a_flood_of_adverts_keeps_no_advert_back() {
    let lan = Lan::new();
    let (mut far, speaking) = far_end(&lan);
    let mut daemon = Daemon::start("flood", "priority 255\n state MASTER\n advert_int 0.1");
    daemon.says("Entering MASTER STATE");
    priorities(&mut far, true);
    // As many as there is room for: of no virtual router here, and not even adverts.
    let mut junk = advert(VRID, 1);
    junk.payload = vec![0x31; 60].into();
    let strange = advert(VRID + 1, 200);
    let (mut heard, mut sent) = (0, 0_u64);
    while heard < 5 {
        for packet in [&junk, &strange] {
            for _ in 0..200 {
                sent += u64::from(speaking.send(packet).is_ok());
            }
        }
        heard += priorities(&mut far, false).len();
        assert!(sent < 20_000_000, "{heard} adverts among so many others");
    }
}

#[test]
fn a_master_that_did_not_run_listens_before_it_speaks() {
    let lan = Lan::new();
    let (mut far, speaking) = far_end(&lan);
    let mut daemon = Daemon::start("stall", "priority 100\n advert_int 0.1");
    daemon.says("Entering MASTER STATE");
    assert_eq!(priorities(&mut far, true).first(), Some(&100));
    let vrrp = daemon.vrrp();
    kill(vrrp, Signal::SIGSTOP).expect("it is there");
    let stat = format!("/proc/{vrrp}/stat");
    while !std::fs::read_to_string(&stat).expect("it is there").contains(") T ") {
        std::thread::yield_now();
    }
    priorities(&mut far, false);
    // While nobody speaks for it, somebody better takes over; its own next advert has long been due.
    std::thread::sleep(std::time::Duration::from_millis(500));
    speaking.send(&advert(VRID, 200)).expect("it can be sent");
    kill(vrrp, Signal::SIGCONT).expect("it is there");
    daemon.says("Entering BACKUP STATE");
    assert_eq!(priorities(&mut far, false), Vec::<u8>::new());
}

#[test]
fn the_end_is_told_at_once() {
    let lan = Lan::new();
    let (mut far, _) = far_end(&lan);
    let mut daemon = Daemon::start("end", "priority 255\n state MASTER\n advert_int 1");
    daemon.says("Entering MASTER STATE");
    assert_eq!(priorities(&mut far, true), [255]);
    drop(daemon);
    assert_eq!(priorities(&mut far, true).last(), Some(&0));
}
