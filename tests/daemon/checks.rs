//! Checkers of all kinds against real servers of all kinds, in a network namespace of each test's own.

#![expect(clippy::disallowed_methods, reason = "targets are real here")]

use crate::place::{EVENTUALLY, Place, run};
use crate::room::wait_until;
use nix::sched::{CloneFlags, unshare};
use standfast::effect::probe::{CheckerId, Outcome, RunId};
use standfast::model::Model;
use standfast::model::checker::{Checker, Micros, Misc, Probe, Schedule};
use standfast::model::lvs::VirtualServer;
use standfast::runtime::probe::Prober;
use std::fmt::Write as _;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const HOME6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// This thread is in a namespace of its own from here on, and so is what it starts.
fn enter() {
    assert!(nix::unistd::geteuid().is_root(), "these tests make network namespaces: run them as root");
    unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
    ip("link set lo up");
}

#[track_caller]
fn ip(line: &str) {
    let status = Command::new("ip").args(line.split_whitespace()).status().expect("iproute2 is installed");
    assert!(status.success(), "ip {line}");
}

/// A virtual server whose real servers are checked like this.
fn model(servers: &[SocketAddr], checker: &str) -> Arc<Model> {
    let family = if servers[0].is_ipv4() { "192.0.2.1" } else { "2001:db8::1" };
    let mut text = format!("virtual_server {family} 80 {{\n protocol TCP\n lvs_method NAT\n delay_loop 1\n");
    for server in servers {
        let _ = write!(text, " real_server {} {} {{\n weight 1\n {checker}\n }}\n", server.ip(), server.port());
    }
    text.push_str("}\n");
    let loaded = crate::common::read(text.clone());
    let found = loaded.model.lvs.virtual_servers.iter().flat_map(|server| &server.real_servers);
    assert!(found.filter(|real| real.checkers.len() == 1).count() == servers.len(), "{text}\n{:?}", crate::common::said(&loaded));
    Arc::new(loaded.model)
}

fn checker(real: usize) -> CheckerId {
    CheckerId { server: 0, real: u32::try_from(real).expect("few"), checker: 0 }
}

async fn next(prober: &mut Prober) -> (RunId, Outcome) {
    tokio::time::timeout(EVENTUALLY, prober.next()).await.expect("it is over at some time")
}

/// What comes of one attempt.
fn probe(model: &Arc<Model>) -> Outcome {
    run(async {
        let mut prober = Prober::new(model, 100).expect("a prober");
        prober.begin(RunId(7), checker(0), 0);
        let (run, outcome) = next(&mut prober).await;
        assert_eq!(run, RunId(7));
        outcome
    })
}

fn check(server: SocketAddr, checker: &str) -> Outcome {
    probe(&model(&[server], checker))
}

#[track_caller]
fn assert_failed(outcome: &Outcome, what: &str) {
    assert!(matches!(outcome, Outcome::Failed(_)), "{what}: {outcome:?}");
}

/// A server in a thread; it ends with the test's process.
fn server(at: IpAddr, answer: impl Fn(TcpStream, SocketAddr) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind((at, 0)).expect("a listener");
    let address = listener.local_addr().expect("an address");
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        while let Ok((stream, peer)) = listener.accept() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || answer(stream, peer));
        }
    });
    address
}

/// Reads up to the end of a request.
fn request(stream: &mut TcpStream) -> String {
    let (mut text, mut byte) = (Vec::new(), [0]);
    while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        text.push(byte[0]);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Nothing listens there.
fn nowhere(at: IpAddr) -> SocketAddr {
    TcpListener::bind((at, 0)).and_then(|listener| listener.local_addr()).expect("an address")
}

/// The name resolves, and packets to it are lost.
fn silence() -> SocketAddr {
    ip("link add eth0 type veth peer name eth9");
    ip("link set eth0 up");
    ip("link set eth9 up");
    ip("addr add 192.0.2.77/24 dev eth0");
    ip("neigh add 192.0.2.99 lladdr 02:00:00:00:00:99 dev eth0 nud permanent");
    "192.0.2.99:80".parse().expect("an address")
}

fn wait_for_end(mut stream: TcpStream) {
    drop(std::io::copy(&mut stream, &mut std::io::sink()));
}

const TCP: &str = "TCP_CHECK {\n connect_timeout 1\n }";

#[test]
fn a_connection_that_stands_is_all_that_tcp_wants() {
    enter();
    for home in [HOME, HOME6] {
        assert_eq!(check(server(home, |_, _| {}), TCP), Outcome::Good);
        assert_failed(&check(nowhere(home), TCP), "it refuses");
    }
    assert_failed(&check(silence(), TCP), "it is silent");
    assert_failed(&check("198.51.100.1:80".parse().expect("an address"), TCP), "there is no way to it");
}

#[test]
fn a_connection_comes_from_where_it_is_to_come_from() {
    enter();
    ip("link add eth0 type veth peer name eth9");
    ip("link set eth0 up");
    ip("link set eth9 up");
    ip("addr add 127.5.5.5/32 dev lo");
    ip("-6 addr add 2001:db8::5/128 dev lo nodad");
    // The kernel makes the route to it a moment later.
    let usable = || UdpSocket::bind("[2001:db8::5]:0").is_ok_and(|socket| socket.connect("[2001:db8::5]:9").is_ok());
    wait_until("the address can be used", usable);
    let (tell, told) = channel();
    let (tell, told): (_, Receiver<SocketAddr>) = (std::sync::Mutex::new(tell), told);
    let tell = Arc::new(tell);
    for (home, bind) in [(HOME, "127.5.5.5"), (HOME6, "2001:db8::5")] {
        let tell = Arc::clone(&tell);
        let target = server(home, move |_, peer| tell.lock().expect("alone").send(peer).expect("awaited"));
        // Again and again: a connection that lingers would hold the port.
        for _ in 0..3 {
            let text = format!("TCP_CHECK {{\n bindto {bind}\n bind_port 4321\n connect_timeout 3\n }}");
            assert_eq!(check(target, &text), Outcome::Good, "{bind}");
            assert_eq!(told.recv_timeout(EVENTUALLY), Ok(SocketAddr::new(bind.parse().expect("an address"), 4321)));
        }
        let text = format!("TCP_CHECK {{\n bindto {bind}\n }}");
        assert_eq!(check(target, &text), Outcome::Good);
        assert_eq!(told.recv_timeout(EVENTUALLY).expect("a peer").ip().to_string(), bind);
        assert_eq!(check(target, "TCP_CHECK {\n bind_if lo\n }"), Outcome::Good);
        assert!(told.recv_timeout(EVENTUALLY).is_ok());
    }
    let target = server(HOME, |_, _| {});
    let outcome = check(target, "TCP_CHECK {\n bindto 203.0.113.9\n }");
    assert!(matches!(outcome, Outcome::Untried(_)), "the address is not ours, which is not the target's fault: {outcome:?}");
    let outcome = check(target, "TCP_CHECK {\n bind_if eth0\n connect_timeout 1\n }");
    assert_failed(&outcome, "it is not reached by this interface");
}

#[test]
fn packets_have_the_mark_they_are_to_have() {
    enter();
    ip("rule add fwmark 9 prohibit");
    ip("rule add fwmark 7 unreachable");
    // Addresses of this machine are looked up first of all, before marks count.
    ip("rule add pref 1000 lookup local");
    ip("rule del pref 0");
    ip("rule add pref 10 fwmark 7 unreachable");
    let target = server(HOME, |_, _| {});
    assert_eq!(check(target, "TCP_CHECK {\n fwmark 5\n }"), Outcome::Good);
    assert_failed(&check(target, "TCP_CHECK {\n fwmark 7\n }"), "there is no way for this mark");
}

#[test]
fn five_hundred_attempts_go_on_at_once() {
    enter();
    let listener = TcpListener::bind("0.0.0.0:0").expect("a listener");
    let port = listener.local_addr().expect("an address").port();
    let servers: Vec<SocketAddr> =
        (0..500_u16).map(|n| SocketAddr::from(([127, 1, n.to_be_bytes()[0], n.to_be_bytes()[1]], port))).collect();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = tell.send(stream);
        }
    });
    // Nobody answers until all of them are there.
    let model = model(&servers, "SMTP_CHECK {\n connect_timeout 15\n helo_name h\n }");
    run(async {
        let mut prober = Prober::new(&model, 1000).expect("a prober");
        for n in 0..500_usize {
            prober.begin(RunId(n as u64), checker(n), 0);
        }
        let server = std::thread::spawn(move || {
            let streams: Vec<_> = told.iter().take(500).collect();
            let threads: Vec<_> =
                streams.into_iter().map(|stream| std::thread::spawn(|| smtp(stream.expect("a stream"), "220 hi"))).collect();
            threads.into_iter().for_each(|thread| thread.join().expect("it ends"));
        });
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..500 {
            let (run, outcome) = next(&mut prober).await;
            assert_eq!(outcome, Outcome::Good);
            assert!(seen.insert(run));
        }
        server.join().expect("it ends");
    });
}

fn smtp(mut stream: TcpStream, greeting: &str) {
    let mut byte = [0];
    let mut line = |stream: &mut TcpStream| while stream.read(&mut byte).unwrap_or(0) == 1 && byte[0] != b'\n' {};
    let _ = write!(stream, "{greeting}\r\n");
    line(&mut stream);
    let _ = stream.write_all(b"250 hello\r\n");
    line(&mut stream);
    let _ = stream.write_all(b"221 bye\r\n");
}

#[test]
fn attempts_that_there_is_no_room_for_wait_for_their_turn() {
    enter();
    let target = server(HOME, |_, _| {});
    let silent = silence();
    let model = model(&[target, silent], TCP);
    run(async {
        let mut prober = Prober::new(&model, 1).expect("a prober");
        prober.begin(RunId(0), checker(1), 0);
        prober.begin(RunId(1), checker(1), 0);
        prober.begin(RunId(2), checker(0), 0);
        prober.begin(RunId(3), checker(0), 0);
        prober.cancel(RunId(1));
        assert_failed(&next(&mut prober).await.1, "it is silent");
        prober.cancel(RunId(3));
        assert_eq!(next(&mut prober).await, (RunId(2), Outcome::Good));
        assert!(tokio::time::timeout(Duration::from_millis(50), prober.next()).await.is_err(), "nothing is said of those cancelled");
        let gone = CheckerId { server: 5, real: 0, checker: 0 };
        prober.begin(RunId(4), gone, 0);
        assert!(matches!(next(&mut prober).await, (RunId(4), Outcome::Untried(_))));
    });
}

#[test]
fn that_we_did_not_run_is_not_the_targets_fault() {
    enter();
    let good = server(HOME, |_, _| {});
    let slow = server(HOME, |stream, _| smtp(stream, "220 hi"));
    for model in [model(&[good], TCP), model(&[slow], "SMTP_CHECK {\n connect_timeout 1\n helo_name h\n }")] {
        run(async {
            let mut prober = Prober::new(&model, 10).expect("a prober");
            prober.begin(RunId(1), checker(0), 0);
            // Longer than the target may take, and longer than an attempt may take in all.
            std::thread::sleep(Duration::from_secs(6));
            assert_eq!(next(&mut prober).await, (RunId(1), Outcome::Good));
        });
    }
}

fn misc(place: &Place, text: &str, timeout: Duration) -> Arc<Model> {
    let mut model = Arc::unwrap_or_clone(model(&["127.0.0.1:9".parse().expect("an address")], TCP));
    let schedule = Schedule {
        delay_loop: Micros::from_secs(1),
        warmup: Micros::from_secs(0),
        delay_before_retry: Micros::from_secs(1),
        retry: 0,
        alpha: false,
        log_all_failures: false,
    };
    let timeout = Micros::new(u64::try_from(timeout.as_micros()).expect("short")).expect("short");
    let misc = Misc { script: place.script(text), timeout, dynamic: false };
    let server: &mut VirtualServer = &mut model.lvs.virtual_servers[0];
    server.real_servers[0].checkers = Box::new([Checker::Probe { schedule, probe: Probe::Misc(Box::new(misc)) }]);
    Arc::new(model)
}

#[test]
fn a_script_is_judged_by_how_it_ends() {
    let place = Place::new("misc");
    for status in [0, 1, 2, 255] {
        assert_eq!(probe(&misc(&place, &format!("exit {status}"), EVENTUALLY)), Outcome::Status(status));
    }
    assert_failed(&probe(&misc(&place, "kill -9 $$", EVENTUALLY)), "it is killed");
    assert_failed(&probe(&misc(&place, "sleep 1000", Duration::from_millis(200))), "it takes too long");
    let deaf = "trap '' TERM; (while :; do sleep 1; done) & echo $! > child; wait; while :; do sleep 1; done";
    assert_failed(&probe(&misc(&place, deaf, Duration::from_millis(500))), "it does not end when asked to");
    let child = place.text("child");
    let status = format!("/proc/{}/status", child.trim());
    let mut looks = 0;
    while std::fs::read_to_string(&status).is_ok_and(|status| !status.contains("State:\tZ")) {
        looks += 1;
        assert!(looks < 2000, "what it started is gone with it");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_script_that_is_cancelled_ends_and_says_nothing() {
    let place = Place::new("cancelled");
    let model = misc(&place, "trap 'touch ended; exit' TERM; touch begun; while :; do sleep 0.05; done", EVENTUALLY);
    run(async {
        let mut prober = Prober::new(&model, 10).expect("a prober");
        prober.begin(RunId(1), checker(0), 0);
        while !place.path("begun").exists() {
            assert!(tokio::time::timeout(Duration::from_millis(10), prober.next()).await.is_err());
        }
        prober.cancel(RunId(1));
        while !place.path("ended").exists() {
            assert!(tokio::time::timeout(Duration::from_millis(10), prober.next()).await.is_err());
        }
    });
}

const PING: &str = "PING_CHECK {\n connect_timeout 1\n }";

#[test]
fn who_answers_echoes_is_there() {
    enter();
    let home: SocketAddr = (HOME, 80).into();
    let home6: SocketAddr = (HOME6, 80).into();
    let silent = silence();
    // As it is by nature, and as keepalived makes it.
    for range in [None, Some("0 2147483647")] {
        if let Some(range) = range {
            std::fs::write("/proc/sys/net/ipv4/ping_group_range", range).expect("it can be set");
        }
        assert_eq!(check(home, PING), Outcome::Good);
        assert_eq!(check(home6, PING), Outcome::Good);
        assert_failed(&check(silent, PING), "it is silent");
        let unreachable = "198.51.100.1:80".parse().expect("an address");
        assert_failed(&check(unreachable, PING), "there is no way to it");
    }
    let many: Vec<SocketAddr> = (1..=50).map(|n| SocketAddr::from(([127, 0, 2, n], 80))).collect();
    for range in ["1 0", "0 2147483647"] {
        std::fs::write("/proc/sys/net/ipv4/ping_group_range", range).expect("it can be set");
        let model = model(&many, "PING_CHECK {\n }");
        run(async {
            let mut prober = Prober::new(&model, 100).expect("a prober");
            (0..50).for_each(|n| prober.begin(RunId(n as u64), checker(n), 0));
            for _ in 0..50 {
                assert_eq!(next(&mut prober).await.1, Outcome::Good);
            }
        });
    }
}

/// A server of datagrams.
fn udp(at: IpAddr, answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind((at, 0)).expect("a socket");
    let address = socket.local_addr().expect("an address");
    std::thread::spawn(move || {
        let mut buffer = [0; 2000];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
            if let Some(answer) = answer(&buffer[..length]) {
                let _ = socket.send_to(&answer, peer);
            }
        }
    });
    address
}

fn closed(at: IpAddr) -> SocketAddr {
    UdpSocket::bind((at, 0)).and_then(|socket| socket.local_addr()).expect("an address")
}

#[test]
fn datagrams_are_answered_or_not_refused() {
    enter();
    for home in [HOME, HOME6] {
        let (quiet, loud) = ("UDP_CHECK {\n connect_timeout 1\n }", "UDP_CHECK {\n connect_timeout 1\n require_reply\n }");
        let echo = udp(home, |text| Some(text.to_owned()));
        let mute = udp(home, |_| None);
        assert_eq!(check(echo, quiet), Outcome::Good);
        assert_eq!(check(echo, loud), Outcome::Good);
        assert_eq!(check(mute, quiet), Outcome::Good);
        assert_failed(&check(mute, loud), "it does not answer");
        assert_failed(&check(closed(home), quiet), "it refuses");
        assert_failed(&check(closed(home), loud), "it refuses");
    }
}

#[test]
fn a_name_server_answers() {
    enter();
    let answer = |code: u8| {
        move |query: &[u8]| {
            let mut answer = query.to_owned();
            answer[2] |= 0x80;
            answer[3] = code;
            Some(answer)
        }
    };
    let dns = "DNS_CHECK {\n type A\n name example.org\n connect_timeout 1\n }";
    for home in [HOME, HOME6] {
        assert_eq!(check(udp(home, answer(0)), dns), Outcome::Good);
        assert_failed(&check(udp(home, answer(2)), dns), "it fails to answer");
        assert_failed(&check(udp(home, |_| None), dns), "it is silent");
        assert_failed(&check(udp(home, |query| Some(query[..5].to_owned())), dns), "it says nothing of use");
        assert_failed(&check(closed(home), dns), "it refuses");
    }
}

const SMTP: &str = "SMTP_CHECK {\n connect_timeout 1\n helo_name h\n }";

#[test]
fn a_mail_server_greets() {
    enter();
    for home in [HOME, HOME6] {
        assert_eq!(check(server(home, |stream, _| smtp(stream, "220 hi")), SMTP), Outcome::Good);
        assert_failed(&check(server(home, |stream, _| smtp(stream, "554 no")), SMTP), "it does not want us");
    }
    assert_failed(&check(server(HOME, |_, _| {}), SMTP), "it hangs up");
    assert_failed(&check(server(HOME, |stream, _| wait_for_end(stream)), SMTP), "it says nothing");
    assert_failed(&check(server(HOME, |stream, _| dribble(stream, b"2")), SMTP), "its line has no end");
    assert_failed(&check(server(HOME, |stream, _| endless(stream, b"220 ", b"x")), SMTP), "its line has no end");
}

/// One byte now and then.
fn dribble(mut stream: TcpStream, byte: &[u8]) {
    while stream.write_all(byte).is_ok() {
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// As much as is taken.
fn endless(mut stream: TcpStream, beginning: &[u8], what: &[u8]) {
    let block = what.repeat(65_536 / what.len());
    if stream.write_all(beginning).is_ok() {
        while stream.write_all(&block).is_ok() {}
    }
}

fn http(status: &'static str) -> impl Fn(TcpStream, SocketAddr) + Send + Sync {
    move |mut stream, _| {
        if !request(&mut stream).is_empty() {
            let _ = write!(stream, "HTTP/1.0 {status}\r\nContent-Type: text/plain\r\n\r\nhello\n");
        }
    }
}

const HTTP: &str = "HTTP_GET {\n url {\n path /\n status_code 200\n }\n connect_timeout 1\n }";

#[test]
fn a_web_server_answers() {
    enter();
    for home in [HOME, HOME6] {
        assert_eq!(check(server(home, http("200 OK")), HTTP), Outcome::Good);
        assert_failed(&check(server(home, http("404 Not Found")), HTTP), "another status");
        assert_failed(&check(nowhere(home), HTTP), "it refuses");
    }
    assert_failed(&check(silence(), HTTP), "it is silent");
    assert_failed(&check(server(HOME, |stream, _| wait_for_end(stream)), HTTP), "it does not answer");
    assert_failed(&check(server(HOME, |mut stream, _| drop(request(&mut stream))), HTTP), "it hangs up");
    let half = |mut stream: TcpStream, _| {
        request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello");
        let _ = stream.shutdown(std::net::Shutdown::Write);
        wait_for_end(stream);
    };
    assert_eq!(check(server(HOME, half), HTTP), Outcome::Good, "it has said all it has to say");
    let reset = |mut stream: TcpStream, _| {
        request(&mut stream);
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("an option");
    };
    assert_failed(&check(server(HOME, reset), HTTP), "it resets");
    let unread = |mut stream: TcpStream, _| {
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello");
    };
    // What it says before it has heard anything is an answer nevertheless, or lost with the connection.
    drop(check(server(HOME, unread), HTTP));
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("there is one");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

#[test]
fn who_never_comes_to_an_end_is_not_listened_to_for_ever() {
    enter();
    let before = resident();
    let answering = |what: fn(TcpStream)| {
        move |mut stream: TcpStream, _: SocketAddr| {
            request(&mut stream);
            what(stream);
        }
    };
    for (what, answer) in [
        ("an endless body", (|stream| endless(stream, b"HTTP/1.0 200 OK\r\n\r\n", b"body")) as fn(TcpStream)),
        ("endless headers", |stream| endless(stream, b"HTTP/1.0 200 OK\r\n", b"Name: value\r\n")),
        ("a line without end", |stream| endless(stream, b"", b"HTTP/1.0 ")),
        ("a byte now and then", |stream| dribble(stream, b"H")),
        ("headers now and then", |mut stream| {
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
            dribble(stream, b"x");
        }),
    ] {
        assert_failed(&check(server(HOME, answering(answer)), HTTP), what);
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 200 << 10, "{grown} KiB more");
}

#[test]
fn one_that_talks_without_end_does_not_keep_others_waiting() {
    enter();
    let endless = server(HOME, |mut stream, _| {
        request(&mut stream);
        endless(stream, b"HTTP/1.0 200 OK\r\n\r\n", b"body");
    });
    let good = server(HOME, http("200 OK"));
    let model = model(&[endless, good], HTTP);
    run(async {
        let mut prober = Prober::new(&model, 10).expect("a prober");
        prober.begin(RunId(0), checker(0), 0);
        for n in 1..20 {
            prober.begin(RunId(n), checker(1), 0);
            let mut ended = next(&mut prober).await;
            if ended.0 == RunId(0) {
                // It has been heard enough of.
                prober.begin(RunId(0), checker(0), 0);
                ended = next(&mut prober).await;
            }
            assert_eq!(ended, (RunId(n), Outcome::Good));
        }
    });
}

const SSL: &str = "SSL_GET {\n url {\n path /\n status_code 200\n }\n connect_timeout 1\n }";

#[test]
fn an_encrypted_web_server_answers() {
    enter();
    let place = Place::new("tls");
    let key = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key", "-out", "cert"];
    let made = Command::new("openssl").args(key).args(["-subj", "/CN=test", "-days", "2"]).current_dir(&place.0).output();
    assert!(made.expect("openssl is installed").status.success());
    for (version, home) in [("-tls1_3", HOME), ("-tls1_2", HOME6)] {
        let at = nowhere(home);
        let arguments = ["s_server", "-quiet", "-www", "-cert", "cert", "-key", "key", version, "-accept", &at.to_string()];
        let mut process = Command::new("openssl").args(arguments).current_dir(&place.0).spawn().expect("a server");
        while let Err(error) = TcpStream::connect(at) {
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            std::thread::sleep(Duration::from_millis(10));
        }
        let outcome = check(at, SSL);
        drop((process.kill(), process.wait()));
        assert_eq!(outcome, Outcome::Good, "{version}");
    }
}

#[test]
fn what_is_no_encryption_is_a_failure() {
    enter();
    let garbage = |mut stream: TcpStream, _: SocketAddr| {
        let _ = stream.write_all(b"\x16\x03\x03\xff\xffHTTP/1.0 200 OK\r\n\r\nthis is not what was expected");
        wait_for_end(stream);
    };
    for (what, target) in [
        ("garbage", server(HOME, garbage)),
        ("plain text", server(HOME, http("200 OK"))),
        ("an end", server(HOME, |_, _| {})),
        ("silence", server(HOME, |stream, _| wait_for_end(stream))),
        ("a byte now and then", server(HOME, |stream, _| dribble(stream, b"\x16"))),
        ("noise without end", server(HOME, |stream, _| endless(stream, b"", b"\x17\x03\x03\x00\x04abcd"))),
        ("nobody", nowhere(HOME)),
    ] {
        assert_failed(&check(target, SSL), what);
    }
}
