//! A server for checkers, on all addresses of its host.

use crate::bench::Host;
use socket2::{Domain, Socket, Type};
use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

/// So many may come at once.
const BACKLOG: i32 = 4096;
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 14\r\nConnection: close\r\n\r\n<html></html>\n";

/// A thread that lives as long as this program: there is no more than a few of them.
pub(crate) struct Target {
    pub(crate) port: u16,
    served: Arc<AtomicU64>,
}

impl Target {
    /// It takes connections, and speaks HTTP or nothing at all.
    pub(crate) fn start(host: &Host, speaks: bool) -> Self {
        host.write("/proc/sys/net/core/somaxconn", &BACKLOG.to_string());
        let socket = host.run(|| Socket::new(Domain::IPV4, Type::STREAM, None)).expect("a socket");
        socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into()).expect("any port");
        socket.listen(BACKLOG).expect("it can listen");
        let port = socket.local_addr().ok().and_then(|address| address.as_socket()).expect("it has an address").port();
        let served = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&served);
        let serve = move || {
            while let Ok((mut client, _)) = socket.accept() {
                if speaks {
                    // Whoever says nothing gets no answer.
                    let _ = client.set_read_timeout(Some(Duration::from_secs(1)));
                    if client.read(&mut [0; 1024]).is_ok() {
                        let _ = client.write_all(ANSWER);
                    }
                }
                count.fetch_add(1, Ordering::Relaxed);
            }
        };
        drop(std::thread::Builder::new().name("target".to_owned()).spawn(serve).expect("a thread"));
        Self { port, served }
    }

    pub(crate) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }
}

/// A thread that runs when nobody else wants to, and counts how often it goes round.
pub(crate) struct Idle {
    turns: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Idle {
    pub(crate) fn start() -> Self {
        let idle = Self { turns: Arc::default(), stop: Arc::default() };
        let (turns, stop) = (Arc::clone(&idle.turns), Arc::clone(&idle.stop));
        let (tell, told) = channel();
        let spin = move || {
            let _ = tell.send(nix::unistd::gettid());
            while !stop.load(Ordering::Relaxed) {
                // It keeps to itself: no memory, no system call.
                (0..10_000_u32).for_each(|turn| {
                    black_box(turn);
                });
                turns.fetch_add(1, Ordering::Relaxed);
            }
        };
        drop(std::thread::Builder::new().name("idle".to_owned()).spawn(spin).expect("a thread"));
        crate::guest::run(&format!("chrt --idle --pid 0 {}", told.recv().expect("it has begun")));
        idle
    }

    pub(crate) fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
