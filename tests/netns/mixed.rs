//! Pairs of standfast and the real keepalived, either as master: they elect, fail over and fail back, and neither counts a
//! packet of the other as wrong.

#![expect(clippy::disallowed_methods, reason = "what is seen is compared with the clock")]

use crate::bench::lan::Side;
use crate::bench::packet::Mac;
use crate::bench::{Capture, Client, Daemon, Host, Lan, Program, eventually, pause, statistics};
use std::fmt::Write;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

fn standfast() -> Program {
    Program::standfast(env!("CARGO_BIN_EXE_standfast"))
}

/// What the two are to speak.
struct Dialect {
    vip: &'static str,
    /// Of the instance, and told to both.
    lines: &'static str,
    version: u8,
    unicast: bool,
    password: Option<[u8; 8]>,
}

const V2: Dialect = Dialect { vip: "10.0.0.50", lines: "version 2\nadvert_int 1", version: 2, unicast: false, password: Some([0; 8]) };
const V2_PASS: Dialect = Dialect {
    lines: "version 2\nadvert_int 1\nauthentication {\nauth_type PASS\nauth_pass secret\n}",
    password: Some(*b"secret\0\0"),
    ..V2
};
const V2_AH: Dialect =
    Dialect { lines: "version 2\nadvert_int 1\nauthentication {\nauth_type AH\nauth_pass secret\n}", password: Some([0; 8]), ..V2 };
const UNICAST_AH: Dialect = Dialect { unicast: true, ..V2_AH };
const V3: Dialect = Dialect { lines: "version 3\nadvert_int 0.5", version: 3, password: None, ..V2 };
const V3_IPV6: Dialect = Dialect { vip: "fe80::50", ..V3 };
const UNICAST: Dialect = Dialect { unicast: true, ..V3 };

const ADDRESSES: [&str; 2] = ["10.0.0.1", "10.0.0.2"];

impl Dialect {
    fn configuration(&self, router: usize, priority: u8) -> String {
        let mut text = format!("vrrp_instance VI {{\ninterface eth0\nvirtual_router_id 51\npriority {priority}\n{}\n", self.lines);
        if self.unicast {
            let (own, peer) = (ADDRESSES[router], ADDRESSES[1 - router]);
            write!(text, "unicast_src_ip {own}\nunicast_peer {{\n{peer}\n}}\n").expect("a string takes any text");
        }
        write!(text, "virtual_ipaddress {{\n{}/{}\n}}\n}}\n", self.vip, if self.vip.contains(':') { 64 } else { 24 })
            .expect("a string takes any text");
        text
    }
}

/// The higher priority of `programs` has the first one.
fn pair(dialect: &Dialect, programs: &[Program; 2]) {
    let lan = Lan::new();
    let hosts = [Host::new("r1"), Host::new("r2")];
    let user = Host::new("user");
    for (host, address) in hosts.iter().zip(ADDRESSES) {
        lan.join(Side::Left, host, "eth0", &[&format!("{address}/24")]);
    }
    lan.join(Side::Left, &user, "eth0", &["10.0.0.9/24"]);
    let macs: Vec<Mac> = hosts.iter().map(|host| host.mac("eth0")).collect();
    let capture = Capture::new(&user, "eth0");
    // Unicast adverts do not pass by the user.
    let beside = Capture::new(&hosts[1], "eth0");
    let seen = if dialect.unicast { &beside } else { &capture };
    let start = |router: usize| Daemon::start(&hosts[router], &programs[router], &dialect.configuration(router, [150, 100][router]));
    let owns = |router: usize| (hosts[router].has_address(dialect.vip) && !hosts[1 - router].has_address(dialect.vip)).then_some(());
    let scope = |address: &str| if address.starts_with("fe80") { None } else { Some(Client::start(&user, address)) };

    let mut first = start(0);
    let second = start(1);
    eventually("the better one is master", || owns(0));
    let client = scope(dialect.vip);
    if let Some(client) = &client {
        client.wait_answer();
    }
    // Time enough for a wrong packet to be counted.
    let count = seen.adverts(macs[0]).len();
    eventually("adverts go on", || (seen.adverts(macs[0]).len() >= count + 4).then_some(()));
    assert!(owns(0).is_some(), "nobody else is master meanwhile");

    let stopped = SystemTime::now();
    let faults = statistics::errors(&first.statistics());
    assert!(faults.is_empty(), "{}: {faults:?}", programs[0].name());
    assert!(first.stop().success(), "{}", first.text());
    eventually("the other takes over", || owns(1));
    if let Some(client) = &client {
        client.wait_answer();
    }
    let farewell = seen.adverts(macs[0]).into_iter().filter(|(at, advert)| *at >= stopped && advert.priority == 0).count();
    assert!(farewell >= 1, "it says that it goes");
    eventually("adverts of the other", || (seen.adverts(macs[1]).len() >= 3).then_some(()));

    let first = start(0);
    eventually("the better one is master again", || owns(0));
    if let Some(client) = &client {
        client.wait_answer();
    }
    pause(Duration::from_secs(1));
    for (daemon, program) in [(&first, &programs[0]), (&second, &programs[1])] {
        let faults = statistics::errors(&daemon.statistics());
        assert!(faults.is_empty(), "{}: {faults:?}\n{}", program.name(), daemon.text());
    }

    lan.unplug(&hosts[0], "eth0");
    eventually("the other takes over from one that is gone", || owns(1));
    lan.plug(&hosts[0], "eth0");
    eventually("the better one is master once more", || owns(0));

    for (router, mac) in macs.iter().enumerate() {
        let adverts = seen.adverts(*mac);
        assert!(!adverts.is_empty());
        for (_, advert) in adverts {
            assert_eq!((advert.version, advert.vrid, advert.ttl), (dialect.version, 51, 255), "{router}");
            assert!([0, [150, 100][router]].contains(&advert.priority), "{advert:?}");
            assert_eq!(advert.addresses, [dialect.vip.parse::<IpAddr>().expect("an address")]);
            assert_eq!(advert.password, dialect.password);
            assert_eq!(advert.destination.is_multicast(), !dialect.unicast);
            // The kernel makes the sum of IPv6, and a veth leaves that to a card which is not there.
            assert!(advert.checksum_right || advert.source.is_ipv6(), "{advert:?}");
        }
    }
}

/// Either program as the better router.
macro_rules! pairs {
    ($($standfast_first:ident, $keepalived_first:ident: $dialect:expr;)*) => {$(
        #[test]
        fn $standfast_first() {
            pair(&$dialect, &[standfast(), Program::keepalived()]);
        }

        #[test]
        fn $keepalived_first() {
            pair(&$dialect, &[Program::keepalived(), standfast()]);
        }
    )*};
}

pairs! {
    version_2_before_keepalived, version_2_behind_keepalived: V2;
    passwords_before_keepalived, passwords_behind_keepalived: V2_PASS;
    authentication_headers_before_keepalived, authentication_headers_behind_keepalived: V2_AH;
    authentication_headers_to_peers_before_keepalived, authentication_headers_to_peers_behind_keepalived: UNICAST_AH;
    version_3_before_keepalived, version_3_behind_keepalived: V3;
    ipv6_before_keepalived, ipv6_behind_keepalived: V3_IPV6;
    unicast_before_keepalived, unicast_behind_keepalived: UNICAST;
}
