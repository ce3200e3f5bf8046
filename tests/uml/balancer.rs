//! Traffic by way of the daemon: servers that die and come back, and a client that notices nothing but who answers.

use crate::daemon::Daemon;
use crate::guest::{Story, run, table};
use crate::load::Load;
use crate::place::{Lan, Nginx, Server, folder};
use crate::wait::eventually;
use crate::writes::{DEL_DEST, NEW_DEST, Writes};
use std::collections::BTreeMap;

pub(crate) const STORIES: &[Story] = &[("nat", nat), ("direct routing", direct_routing), ("sorry server", sorry_server)];

/// The destinations of a service and their weights, where there is that service.
pub(crate) fn dests(service: &str) -> Option<BTreeMap<String, u32>> {
    let table = table();
    let own = format!(" {service} ");
    table.iter().find(|line| line.starts_with("-A") && line.contains(&own))?;
    let words = table.iter().filter(|line| line.starts_with("-a") && line.contains(&own)).map(|line| line.split(' ').collect::<Vec<_>>());
    Some(words.map(|words| (words[4].to_owned(), words[7].parse().expect("a weight"))).collect())
}

/// Waits until the service has these destinations, with these weights, and no other.
#[track_caller]
pub(crate) fn has(service: &str, wanted: &[(&str, u32)]) {
    let wanted: BTreeMap<String, u32> = wanted.iter().map(|&(dest, weight)| (dest.to_owned(), weight)).collect();
    let mut last = None;
    eventually(&format!("{service} with {wanted:?}"), || {
        let now = dests(service);
        if now != last {
            println!("{service}: {now:?}");
            last.clone_from(&now);
        }
        (now.as_ref() == Some(&wanted)).then_some(())
    });
}

/// A virtual server with real servers that are checked every second.
pub(crate) fn virtual_server(at: &str, kind: &str, more: &str, reals: &[&str], check: &str) -> String {
    let real = |real: &&str| {
        format!(
            "    real_server {real} 80 {{
        weight 1
        {check}
    }}
"
        )
    };
    let reals: String = reals.iter().map(real).collect();
    format!(
        "virtual_server {at} 80 {{
    delay_loop 1
    warmup 0
    lb_algo rr
    lb_kind {kind}
    protocol TCP
    {more}
{reals}}}
"
    )
}

pub(crate) const TCP_CHECK: &str = "TCP_CHECK {
            connect_timeout 5
            retry 0
        }";

const HEALTH: &str = "HTTP_GET {
            url {
                path /health
                status_code 200
            }
            connect_timeout 5
            retry 0
            delay_before_retry 1
        }";

fn nat() {
    let lan = Lan::nat("nat", 2);
    let servers = ["nat1", "nat2"];
    let mut first = Some(Nginx::start(&lan.reals[0], servers[0]));
    let _second = Nginx::start(&lan.reals[1], servers[1]);
    let page = folder("nat").join("page");
    for server in servers {
        std::fs::write(folder(server).join("pages/check"), "all is well").expect("it is ours");
    }
    std::fs::write(&page, "all is well").expect("it is ours");
    let digest = run(&format!("md5sum {}", page.display()));
    let digest = digest.split(' ').next().expect("a digest");
    let check = format!(
        "HTTP_GET {{
            url {{
                path /check
                digest {digest}
                status_code 200
            }}
            connect_timeout 5
            retry 0
            delay_before_retry 1
        }}"
    );
    let configuration = virtual_server("10.1.0.100", "NAT", "", &["10.2.0.11", "10.2.0.12"], &check);
    let daemon = Daemon::start(&folder("nat"), &configuration);
    let (service, one, two) = ("10.1.0.100:80", ("10.2.0.11:80", 1), ("10.2.0.12:80", 1));
    daemon.says("Remote Web server [10.2.0.12]:tcp:80 succeed on service.");
    has(service, &[one, two]);
    let load = Load::start(&lan.client, service);
    load.after(50).is_of(&servers);

    for _ in 0..2 {
        drop(first.take());
        has(service, &[two]);
        load.turn();
        load.after(200).is_of(&servers[1..]);
        first = Some(Nginx::start(&lan.reals[0], servers[0]));
        has(service, &[one, two]);
        // However many there were before it was back.
        load.after(load.after(0).len() + 50).is_of(&servers);
    }

    // Another page than was agreed upon.
    std::fs::write(folder(servers[1]).join("pages/check"), "all is lost").expect("it is ours");
    has(service, &[one]);
    load.after(100).is_never_refused();
    load.turn();
    load.after(50);
    load.finish().is_of(&servers[..1]);
    daemon.stop();
    assert_eq!(table(), [""; 0]);
}

fn direct_routing() {
    let lan = Lan::direct("direct", 2);
    let servers = ["direct1", "direct2"];
    let mut second = Some(Nginx::start(&lan.reals[1], servers[1]));
    let _first = Nginx::start(&lan.reals[0], servers[0]);
    let check = HEALTH.replace("/health", "/");
    let configuration = virtual_server("10.2.0.100", "DR", "", &["10.2.0.11", "10.2.0.12"], &check);
    let daemon = Daemon::start(&folder("direct"), &configuration);
    let (service, one, two) = ("10.2.0.100:80", ("10.2.0.11:80", 1), ("10.2.0.12:80", 1));
    has(service, &[one, two]);
    let load = Load::start(&lan.client, service);
    load.after(50).is_of(&servers);
    drop(second.take());
    has(service, &[one]);
    load.turn();
    load.after(200).is_of(&servers[..1]);
    second = Some(Nginx::start(&lan.reals[1], servers[1]));
    has(service, &[one, two]);
    load.turn();
    load.after(50);
    load.finish().is_of(&servers);
    daemon.stop();
    assert_eq!(table(), [""; 0]);
    drop(second);
}

/// The servers that are not well still serve, so that whoever asks them just then is no failure of ours.
fn sorry_server() {
    let lan = Lan::nat("sorry", 3);
    let server = |number: usize, name| Server::start(Some(&lan.reals[number - 1]), &format!("10.2.0.1{number}:80"), name);
    let (first, second, _sorry) = (server(1, "first"), server(2, "second"), server(3, "sorry"));
    let more = "sorry_server 10.2.0.13 80";
    let configuration = virtual_server("10.1.0.100", "NAT", more, &["10.2.0.11", "10.2.0.12"], HEALTH);
    let daemon = Daemon::start(&folder("sorry"), &configuration);
    let (service, one, two) = ("10.1.0.100:80", ("10.2.0.11:80", 1), ("10.2.0.12:80", 1));
    daemon.says("Remote Web server [10.2.0.12]:tcp:80 succeed on service.");
    has(service, &[one, two]);
    let load = Load::start(&lan.client, service);
    load.after(50).is_of(&["first", "second"]);
    let writes = Writes::watch();
    for _ in 0..2 {
        first.set_well(false);
        has(service, &[two]);
        assert_eq!(writes.take(), [DEL_DEST]);
        second.set_well(false);
        has(service, &[("10.2.0.13:80", 1)]);
        // The pool is empty at no time, however short.
        assert_eq!(writes.take(), [NEW_DEST, DEL_DEST]);
        load.after(100).is_never_refused();
        load.turn();
        load.after(100).is_of(&["sorry"]);
        // Whoever carries on knows who is in charge.
        let resumed = daemon.count("as a predecessor left it");
        daemon.kill_checker();
        daemon.says_again("as a predecessor left it", resumed);
        load.after(300).is_of(&["sorry"]);
        assert_eq!(writes.take(), [0_u8; 0]);
        first.set_well(true);
        has(service, &[one]);
        assert_eq!(writes.take(), [NEW_DEST, DEL_DEST]);
        load.after(150).is_never_refused();
        load.turn();
        load.after(50);
        second.set_well(true);
        has(service, &[one, two]);
        assert_eq!(writes.take(), [NEW_DEST]);
        load.after(60).is_never_refused();
        load.turn();
    }
    load.after(50);
    load.finish().is_of(&["first", "second"]);
    daemon.stop();
    assert_eq!(table(), [""; 0]);
}
