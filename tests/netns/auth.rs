//! Routers that share a secret: a pair that is routed, with somebody on the way who has none and would be master all the same;
//! and a pair that goes from no secret to one, and from that to the next.

#![expect(clippy::disallowed_methods, reason = "it runs programs")]

use crate::bench::lan::Side;
use crate::bench::packet::{Forged, Mac};
use crate::bench::{Capture, Daemon, Host, Lan, Program, Sender, Stream, eventually, pause, statistics};
use std::fs::Permissions;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

const KEY: &str = "key-one-key-one-key-one-key-one-32";
const OTHER_KEY: &str = "key-two-key-two-key-two-key-two-32";
const VIP: &str = "192.0.2.50";
const NEAR: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const FAR: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 1);

fn standfast() -> Program {
    Program::standfast(env!("CARGO_BIN_EXE_standfast"))
}

/// Where something of an advert of version 3 with one address is in a frame.
mod at {
    const VRRP: usize = 34;
    pub(crate) const PRIORITY: usize = VRRP + 2;
    pub(crate) const TYPE: usize = VRRP + 12;
    pub(crate) const KEY: usize = TYPE + 1;
    pub(crate) const SECONDS: usize = TYPE + 4;
    pub(crate) const HMAC: usize = TYPE + 12;
}

fn routed(own: Ipv4Addr, peer: Ipv4Addr, priority: u8) -> String {
    format!(
        "vrrp_instance VI {{\ninterface eth0\nvirtual_router_id 51\npriority {priority}\nversion 3\nadvert_int 0.5\n\
         unicast_src_ip {own}\nunicast_peer {{\n{peer}\n}}\nauth_hmac {{\nkey 1 {KEY}\nactive_key 1\ntime_window 120\n}}\n\
         virtual_ipaddress {{\n{VIP}/32\n}}\n}}\n"
    )
}

/// Frames to the near router, made of two that the far one once sent, by somebody without the key.
fn attacks(mac: Mac, to: Mac, advert: &[u8], farewell: &[u8]) -> Vec<Vec<u8>> {
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut frame = advert.to_vec();
        change(&mut frame);
        frame
    };
    let vip: Ipv4Addr = VIP.parse().expect("an address");
    let unsigned = |priority: u8| {
        let forged = Forged { version: 3, interval: 50, destination: NEAR, ..Forged::new(mac, FAR, 51, priority, &[vip]) };
        forged.frame()
    };
    let mut frames = vec![
        advert.to_vec(),
        farewell.to_vec(),
        unsigned(255),
        unsigned(0),
        changed(&|frame| frame[at::PRIORITY] = 255),
        changed(&|frame| frame[at::PRIORITY] = 0),
        changed(&|frame| frame[at::HMAC] ^= 1),
        changed(&|frame| frame[at::KEY] = 9),
        changed(&|frame| frame[at::TYPE] = 2),
        // Some hours away from now.
        changed(&|frame| frame[at::SECONDS + 2] ^= 0x80),
    ];
    for frame in &mut frames {
        frame[..6].copy_from_slice(&to.0);
        frame[6..12].copy_from_slice(&mac.0);
    }
    frames
}

#[test]
fn a_master_behind_routers_is_not_displaced_by_what_was_recorded_or_is_forged() {
    let lans = [Lan::new(), Lan::new()];
    let hosts = [Host::new("near"), Host::new("far")];
    let (gateway, attacker) = (Host::new("gw"), Host::new("mallory"));
    for (lan, (host, address)) in lans.iter().zip(hosts.iter().zip([NEAR, FAR])) {
        lan.join(Side::Left, host, "eth0", &[&format!("{address}/24")]);
    }
    for (number, lan) in lans.iter().enumerate() {
        lan.join(Side::Left, &gateway, &format!("eth{number}"), &[&format!("10.0.{number}.254/24")]);
        hosts[number].ip(&format!("route add default via 10.0.{number}.254"));
    }
    gateway.write("/proc/sys/net/ipv4/ip_forward", "1");
    lans[0].join(Side::Left, &attacker, "eth0", &["10.0.0.66/24"]);

    // The far router is the better one, and its adverts are recorded.
    let capture = Capture::new(&hosts[0], "eth0");
    let start_far = || Daemon::start(&hosts[1], &standfast(), &routed(FAR, NEAR, 150));
    let mut far = start_far();
    let near = Daemon::start_with(&hosts[0], &standfast(), &routed(NEAR, FAR, 100), &["-D", "-d"]);
    let recorded = |priority: u8| {
        let frames = capture.select(|frame| {
            let advert = frame.advert().filter(|advert| advert.source == FAR && advert.priority == priority)?;
            assert!(advert.ttl < 255, "it has been routed");
            Some(frame.bytes.clone())
        });
        frames.last().cloned()
    };
    eventually("the far one is master, and heard", || recorded(150).filter(|_| hosts[1].has_address(VIP)));
    let received = |daemon: &Daemon| daemon.statistics()["VI"]["Advertisements/Received"];
    eventually("its adverts count", || (received(&near) > 2).then_some(()));
    assert!(far.stop().success(), "{}", far.text());
    let farewell = eventually("it says goodbye", || recorded(0));
    eventually("the near one is master", || hosts[0].has_address(VIP).then_some(()));
    let advert = recorded(150).expect("it was there before");
    let before = near.statistics();
    assert_eq!(statistics::errors(&before), [""; 0], "so far nothing was wrong");

    let (mac, to) = (attacker.mac("eth0"), hosts[0].mac("eth0"));
    let frames = attacks(mac, to, &advert, &farewell);
    let count = u64::try_from(frames.len()).expect("a few");
    let next = move |number: u64| frames[usize::try_from(number % count).unwrap_or_default()].clone();
    let stream = Stream::start(Sender::new(&attacker, "eth0"), Duration::from_millis(20), next);
    let kinds = ["Missing", "Malformed", "Unknown Key", "Invalid HMAC", "Stale", "Replay"];
    let counted = |kind: &str| near.statistics()["VI"][&format!("Authentication Extension Errors/{kind}")];
    for kind in kinds {
        eventually(kind, || (counted(kind) >= 3).then_some(()));
    }
    assert!(hosts[0].has_address(VIP));
    let after = near.statistics();
    for same in ["Became master", "Released master", "Advertisements/Received", "Priority Zero/Received"] {
        assert_eq!(after["VI"][same], before["VI"][same], "{same}\n{}", near.text());
    }
    assert!(after["VI"]["Advertisements/Sent"] > before["VI"]["Advertisements/Sent"], "its adverts go on");

    // Who has the key is heard in the midst of it.
    let far = start_far();
    eventually("the far one is master again", || (hosts[1].has_address(VIP) && !hosts[0].has_address(VIP)).then_some(()));
    drop(stream);
    assert_eq!(statistics::errors(&far.statistics()), [""; 0], "{}", far.text());
    near.wait_said("********");
    for daemon in [&near, &far] {
        assert_eq!(daemon.said(KEY), 0, "no log has a key in it");
    }
}

fn shared(priority: u8, auth: &str) -> String {
    format!(
        "vrrp_instance VI {{\ninterface eth0\nvirtual_router_id 51\npriority {priority}\nversion 3\nadvert_int 0.5\n{auth}\n\
         virtual_ipaddress {{\n{VIP}/32\n}}\n}}\n"
    )
}

#[test]
fn secrets_come_and_are_changed_by_reloads_that_nobody_notices() {
    let lan = Lan::new();
    let hosts = [Host::new("r1"), Host::new("r2")];
    for (host, address) in hosts.iter().zip(["10.0.0.1/24", "10.0.0.2/24"]) {
        lan.join(Side::Left, host, "eth0", &[address]);
    }
    let capture = Capture::new(&hosts[1], "eth0");
    let master = hosts[0].mac("eth0");
    let daemons = [0, 1].map(|n: usize| Daemon::start(&hosts[n], &standfast(), &shared([150, 100][n], "")));
    eventually("a master", || hosts[0].has_address(VIP).then_some(()));
    let heard = || daemons[1].statistics()["VI"]["Advertisements/Received"];
    eventually("it is heard", || (heard() > 2).then_some(()));
    let changes = |daemon: &Daemon| daemon.said("Entering");
    let before = [changes(&daemons[0]), changes(&daemons[1])];
    let (one, two) = (format!("key 1 {KEY}"), format!("key 2 {OTHER_KEY}"));
    let steps = [
        (format!("{one}\nactive_key 1\nmode receive-only"), None),
        (format!("{one}\nactive_key 1\nmode permissive"), Some(1)),
        (format!("{one}\nactive_key 1"), Some(1)),
        (format!("{one}\n{two}\nactive_key 1"), Some(1)),
        (format!("{one}\n{two}\nactive_key 2"), Some(2)),
        (format!("{two}\nactive_key 2"), Some(2)),
    ];
    for (number, (lines, key)) in steps.iter().enumerate() {
        for (n, daemon) in daemons.iter().enumerate() {
            daemon.reload(&shared([150, 100][n], &format!("auth_hmac {{\n{lines}\n}}")));
            daemon.wait_said_times("Reload complete", number + 1);
        }
        capture.clear();
        eventually("adverts go on", || (capture.adverts(master).len() >= 3).then_some(()));
        let signed = capture.select(|frame| frame.advert().map(|_| frame.bytes.get(at::KEY).copied()));
        assert!(signed.iter().all(|found| *found == *key), "{lines}: {signed:?}");
    }
    pause(Duration::from_secs(1));
    assert!(hosts[0].has_address(VIP) && !hosts[1].has_address(VIP));
    for (daemon, before) in daemons.iter().zip(before) {
        assert_eq!(changes(daemon), before, "{}", daemon.text());
        assert_eq!(statistics::errors(&daemon.statistics()), [""; 0], "{}", daemon.text());
        assert_eq!((daemon.said(KEY), daemon.said(OTHER_KEY)), (0, 0), "no log has a key in it");
    }
}

#[test]
fn a_key_may_be_a_credential_of_the_service_manager() {
    let host = Host::new("unit");
    host.ip("link add eth0 type veth peer name far");
    let (credentials, file) = (host.folder().join("credentials"), host.folder().join("a.conf"));
    std::fs::create_dir(&credentials).expect("a host's folder is writable");
    std::fs::write(credentials.join("vrrp51"), format!("{KEY}\n")).expect("a host's folder is writable");
    std::fs::set_permissions(credentials.join("vrrp51"), Permissions::from_mode(0o400)).expect("it is ours");
    let key = "key 1 file:${_ENV CREDENTIALS_DIRECTORY}/vrrp51";
    let text = shared(100, &format!("auth_hmac {{\n{key}\nactive_key 1\n}}"));
    std::fs::write(&file, text).expect("a host's folder is writable");
    let dump = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_standfast"));
        command.arg("dump").args(options).arg(&file).env("CREDENTIALS_DIRECTORY", &credentials);
        let output = host.run(move || command.output()).expect("it can be run");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let hex: String = KEY.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert!(dump(&["--secrets"]).contains(&format!("key 1 hex:{hex}")));
    let masked = dump(&[]);
    assert!(masked.contains("key 1 ********") && !masked.contains(&hex), "{masked}");
}
